/* tape.c - what the tape costs: `make bench-tape`. An argument gives the number of rounds. */
#include "bench.h"
#include <stdlib.h>

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 11;
    if (rounds < 1 || rounds > 1000) return EXIT_FAILURE;
    bench_tensor((int)rounds);
    bench_preaccumulate((int)rounds);
    bench_scalar((int)rounds);
    return EXIT_SUCCESS;
}
