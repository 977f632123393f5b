/* bench.c - see bench.h. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include <stdlib.h>
#include <time.h>

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
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
    for (int i = 0; i < n; i++) {
        qsort(all + i * rounds, (size_t)rounds, sizeof *all, by_value);
        c[i].median = all[i * rounds + rounds / 2];
    }
    free(all);
}

/* ---- peak: independent multiply-adds on registers alone ---- */

#if defined(__AVX512F__)
enum { BYTES = 64 };
#define REGISTER "+v"
#elif defined(__x86_64__)
#ifdef __AVX__
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif
#define REGISTER "+x"
#else
enum { BYTES = 16 };
#define REGISTER "+w"
#endif
typedef float vec __attribute__((vector_size(BYTES)));

#ifdef __clang__
#pragma clang fp contract(fast)
#else
__attribute__((optimize("O3,fp-contract=fast")))
#endif
static double flops(long rounds)
{
    vec x, y;
    for (int k = 0; k < BYTES / 4; k++) x[k] = 0.999f, y[k] = 1e-6f;
    vec a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
    double start = bench_now();
    for (long r = 0; r < rounds; r++) {
        a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y, e = e * x + y, f = f * x + y;
        g = g * x + y, h = h * x + y, i = i * x + y, j = j * x + y, k = k * x + y, l = l * x + y;
        __asm__ volatile("" : REGISTER(a), REGISTER(b), REGISTER(c), REGISTER(d), REGISTER(e), REGISTER(f));
        __asm__ volatile("" : REGISTER(g), REGISTER(h), REGISTER(i), REGISTER(j), REGISTER(k), REGISTER(l));
    }
    enum { CHAINS = 12, LANES = BYTES / 4 };
    return 2.0 * CHAINS * LANES * (double)rounds / (bench_now() - start) * 1e-9;
}

double bench_peak(void)
{
    enum { TIMES = 5 };
    double f[TIMES];
    for (int i = 0; i < TIMES; i++) f[i] = flops(2000000);
    qsort(f, TIMES, sizeof *f, by_value);
    return f[TIMES / 2];
}
