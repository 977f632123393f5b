/* replay.h - optimizers on Rosenbrock's valley f = (1-x)^2 + 100 (y-x^2)^2 from (-1.2, 1), beside PyTorch's.
 *
 * A file has rows `name<TAB>step<TAB>x<TAB>y<TAB>f`: where the configuration of that name stands after so many steps. */
#ifndef TEST_REPLAY_H
#define TEST_REPLAY_H
#include <optim/optim.h>

typedef struct replay_config {
    const char *name;
    ag_optim *(*make)(ag_params params); /* of "x" and "y", f64[] */
} replay_config;

/* sgd, sgd_mom, sgd_nesterov, sgd_mom_damp_wd, adam, adam_amsgrad_wd, adamw; then a NULL name. */
extern const replay_config replay_configs[];

typedef struct replay_asked {
    const char *file;
    const char *only;             /* names with commas or blanks between them; NULL: all */
    bool known_only;              /* rows of other names are passed over; else they fail */
    const replay_config *configs; /* to a NULL name */
} replay_asked;

/* Replays the rows asked for: x and y must be within 1e-12 relative. Prints a line for each that fails, and last
 * `trajectories: N of M rows, worst W`. 0 if N = M and all that was asked for was there, else 1. */
int replay_run(const replay_asked *asked, FILE *out, FILE *err);
#endif
