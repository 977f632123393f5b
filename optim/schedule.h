/* schedule.h - learning rates as plain functions of the step. No objects: nothing to attach, save or get out of step.
 *     ag_set_lr(opt, ag_lr_cosine(1e-3, 0, t, n));
 * Combine them in C:   t < warm ? ag_lr_linear(0, lr, t, warm) : ag_lr_cosine(lr, 0, t - warm, n - warm)
 * Steps count from 0; before 0 the first value holds, past n the last. A length of 0 is over at once; one below 0, or a
 * period of 0, gives NaN, which ag_set_lr reports. The names in brackets are PyTorch's. */
#ifndef AG_SCHEDULE_H
#define AG_SCHEDULE_H
#include <autograd/base.h>
AG_BEGIN

/* From one rate to another in n steps: along a line [LinearLR], half a cosine wave [CosineAnnealingLR], or
 * to + (from - to) (1 - t/n)^power [PolynomialLR]. */
AG_API double ag_lr_linear(double from, double to, int64_t t, int64_t n);
AG_API double ag_lr_cosine(double from, double to, int64_t t, int64_t n);
AG_API double ag_lr_polynomial(double from, double to, double power, int64_t t, int64_t n);
/* Cosines of first, first * factor, first * factor^2 ... steps, factor >= 1 (Loshchilov, Hutter 2017)
 * [CosineAnnealingWarmRestarts]. */
AG_API double ag_lr_restarts(double from, double to, int64_t t, int64_t first, double factor);

/* lr times factor for every `every` steps [StepLR], every one of n milestones [MultiStepLR], every step
 * [ExponentialLR] that was reached. */
AG_API double ag_lr_step(double lr, double factor, int64_t t, int64_t every);
AG_API double ag_lr_milestones(double lr, double factor, int64_t t, int n, const int64_t *at);
AG_API double ag_lr_exponential(double lr, double factor, int64_t t);

/* Up to lr in a line over `warm` steps, then lr sqrt(warm / t) (Vaswani et al. 2017). */
AG_API double ag_lr_inverse_sqrt(double lr, int64_t t, int64_t warm);
/* Up to lr in a line over `warm` steps, there for `stable` steps, down to 0 in a line over `decay` steps. */
AG_API double ag_lr_warmup_stable_decay(double lr, int64_t t, int64_t warm, int64_t stable, int64_t decay);
/* Up from peak / 25 over 30 % of n steps, down to peak / 250000 at step n - 1, both half cosine waves (Smith 2018)
 * [OneCycleLR]. */
AG_API double ag_lr_one_cycle(double peak, int64_t t, int64_t n);
/* Up from low in `half` steps and down in as many, over and over (Smith 2017) [CyclicLR]. */
AG_API double ag_lr_triangle(double low, double high, int64_t t, int64_t half);

/* The two that look at results are structs of the caller's, zero-initialised but for their settings. */
typedef struct ag_patience {
    int64_t limit;    /* rounds without progress in a row that are borne */
    double min_delta; /* progress is to be better than the best by more than this */
    bool maximise;    /* larger is better; default smaller */
    bool improved;    /* set by the last step */
    int64_t waited;   /* rounds since the best, or since the rate was last lowered */
    int64_t rounds;
    double best;
} ag_patience;
/* Takes the result of one round; true: patience is at an end, stop. A NaN is no progress. */
AG_API bool ag_patience_step(ag_patience *p, double value);

typedef struct ag_plateau {
    double factor;        /* 0.1 */
    double lowest;        /* 0 */
    ag_patience patience; /* .limit 10; negative: no round is borne */
} ag_plateau;
/* The rate from here on: lr, or lr * factor when patience with `value` is at an end [ReduceLROnPlateau, absolute]. */
AG_API double ag_lr_plateau(ag_plateau *p, double lr, double value);

AG_END
#endif
