/* peak.c - how many f32 multiply-adds a core does in a second on registers alone, for each instruction set of the
 * kernels. */
#include "bench.h"
#include <autograd/kernels/kernels.h>
#include <string.h>

#ifdef __clang__
#pragma clang fp contract(fast)
#define CONTRACT
#else
#define CONTRACT optimize("O3,fp-contract=fast"),
#endif
#ifdef __x86_64__
#define TARGET(features) target(features),
#define REGISTER         "+x"
#else
#define TARGET(features)
#define REGISTER "+w"
#endif

/* Twelve independent chains hide the latency. */
#define FLOPS(name, bytes, features, in_register)                                                              \
    typedef float vec_##name __attribute__((vector_size(bytes)));                                              \
    __attribute__((CONTRACT TARGET(features) noinline)) static double flops_##name(long rounds)                \
    {                                                                                                          \
        enum { CHAINS = 12, LANES = (bytes) / 4 };                                                             \
        vec_##name x, y;                                                                                       \
        for (int q = 0; q < LANES; q++) x[q] = 0.999f, y[q] = 1e-6f;                                           \
        vec_##name a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;         \
        double start = bench_now();                                                                            \
        for (long r = 0; r < rounds; r++) {                                                                    \
            a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y, e = e * x + y, f = f * x + y;          \
            g = g * x + y, h = h * x + y, i = i * x + y, j = j * x + y, k = k * x + y, l = l * x + y;          \
            __asm__ volatile(""                                                                                \
                             : in_register(a), in_register(b), in_register(c), in_register(d), in_register(e), \
                               in_register(f));                                                                \
            __asm__ volatile(""                                                                                \
                             : in_register(g), in_register(h), in_register(i), in_register(j), in_register(k), \
                               in_register(l));                                                                \
        }                                                                                                      \
        return 2.0 * CHAINS * LANES * (double)rounds / (bench_now() - start) * 1e-9;                           \
    }

FLOPS(generic, 16, "sse2", REGISTER)
#ifdef __x86_64__
FLOPS(avx2, 32, "avx2,fma", REGISTER)
FLOPS(avx512, 64, "avx512f", "+v")
#endif

static double flops(const char *arch, long rounds)
{
#ifdef __x86_64__
    if (!strcmp(arch, "avx512")) return flops_avx512(rounds);
    if (!strcmp(arch, "avx2")) return flops_avx2(rounds);
#endif
    (void)arch;
    return flops_generic(rounds);
}

double bench_peak(void)
{
    enum { TIMES = 5 };
    const char *arch = ag__kernels_choose();
    double f[TIMES];
    for (int i = 0; i < TIMES; i++) f[i] = flops(arch, 2000000);
    return bench_median(f, TIMES);
}
