/* trajectories.c - do the optimizers go where PyTorch's go? usage: trajectories [FILE.tsv [NAME,NAME...]]
 *
 * Every row of FILE must be met, unless names are given, and then every row of these; without FILE (or with an empty
 * one) those rows of PyTorch's trajectories whose configurations are known. Prints what replay.h says. */
#define _POSIX_C_SOURCE 200809L
#include "replay.h"
#include <unistd.h>

/* The project's data directory, and what a clone alone has. */
static const char *const files[] = { "../shared/data/torch/optim_rosenbrock.tsv", "test/golden/trajectories.tsv" };

int main(int argc, char **argv)
{
    if (argc > 3) {
        fprintf(stderr, "usage: %s [FILE.tsv [NAME,NAME...]]\n", argv[0]);
        return 2;
    }
    bool given = argc > 1 && *argv[1];
    const char *found = files[access(files[0], R_OK) ? 1 : 0];
    const replay_asked asked = { .file = given ? argv[1] : found,
                                 .only = argc > 2 && *argv[2] ? argv[2] : NULL,
                                 .known_only = !given,
                                 .configs = replay_configs };
    return replay_run(&asked, stdout, stderr);
}
