/* parity.c - is this library PyTorch's equal? usage: parity FILE.jsonl.gz [OP,OP...]
 *
 * Prints a line for each failing case, `missing: NAME` for each operator unknown here, and last
 * `parity: N of M cases, K of L second-order, worst W`: M and L count all cases asked for. Exit status 0 if N = M and
 * K = L, else 1. */
#include "parity.h"

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: %s FILE.jsonl.gz [OP,OP...]\n", argv[0]);
        return 2;
    }
    return parity_run(argv[1], argc > 2 ? argv[2] : NULL, stdout, stderr);
}
