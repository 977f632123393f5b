/* bench.h - what the benchmarks share: interleaved medians, and the machine's peak to scale them by. */
#ifndef BENCH_H
#define BENCH_H

/* CPU seconds of this process, for the machine may have other things to do; or elapsed seconds, for several threads. */
double bench_now(void);
void bench_use_wall_clock(void);

/* Things to be compared, run in turn. */
typedef struct bench_case {
    const char *name;
    void (*run)(void *);
    void *arg;
    double median; /* seconds of one run: the result */
} bench_case;
/* `rounds` samples of each, taken in turn; a sample repeats its case for about `slice` seconds. */
void bench_run(bench_case *c, int n, int rounds, double slice);

/* Sorts x. */
double bench_median(double *x, int n);

/* Peak f32 multiply-adds of one core in GFLOP/s, measured now, with the instruction set of the chosen kernels; and what it
 * is where the project's figures were taken, with AVX-512. Times are also given scaled by peak / reference, as that
 * machine would have them. */
double bench_peak(void);
#define BENCH_REFERENCE 241.0

/* ns and bytes per recorded operation (tape_scalar.c), steps of small tensors (tape_tensor.c), preaccumulated ranges. */
void bench_scalar(int rounds);
void bench_tensor(int rounds);
void bench_preaccumulate(int rounds);
/* Element functions and operations bound by memory (kernels_elementwise.c). */
void bench_elementwise(void);
/* What shapes and strides cost, NULL or operations with that in their name (kernels_layouts.c). */
void bench_layouts(const char *only);

#endif
