/* progress.h - how far a training run is: a bar on a terminal, else one plain line per epoch. */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    int64_t epochs, samples; /* of the whole run; in an epoch */
    int64_t epoch, seen;     /* the running one, from 1; samples of it so far */
    double loss, right;      /* sums over the samples seen */
    double began, shown;     /* seconds: the run, the bar last drawn */
    bool terminal;
} progress;

/* Of a run that begins now and reports to stdout. */
progress progress_start(int64_t epochs, int64_t samples);
void progress_epoch(progress *p, int64_t epoch);
/* After a batch of n samples: its mean loss and how many were right. */
void progress_batch(progress *p, int64_t n, double loss, double right);
/* Leaves the bar's line, if one is being drawn. */
void progress_stop(const progress *p);
#endif
