/* bench.c - see bench.h. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include <stdlib.h>
#include <time.h>

static clockid_t the_clock = CLOCK_PROCESS_CPUTIME_ID;

void bench_use_wall_clock(void)
{
    the_clock = CLOCK_MONOTONIC;
}

double bench_now(void)
{
    struct timespec t;
    clock_gettime(the_clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
    return x[n / 2];
}

static double sample(const bench_case *c, int repeats)
{
    double start = bench_now();
    for (int i = 0; i < repeats; i++) c->run(c->arg);
    return (bench_now() - start) / repeats;
}

void bench_run(bench_case *c, int n, int rounds, double slice)
{
    enum { MOST = 64 };
    double time[MOST];
    int repeats[MOST];
    double *all = malloc((size_t)(n * rounds) * sizeof *all);
    if (!all || n > MOST || rounds < 1) abort();
    for (int i = 0; i < n; i++) {
        sample(&c[i], 1); /* warms up */
        time[i] = sample(&c[i], 1);
        repeats[i] = time[i] < slice ? (int)(slice / time[i]) + 1 : 1;
    }
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < n; i++) all[i * rounds + r] = sample(&c[i], repeats[i]);
    for (int i = 0; i < n; i++) c[i].median = bench_median(all + i * rounds, rounds);
    free(all);
}
