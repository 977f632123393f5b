/* loops.c - the inner loops of the algorithms, one text for both dtypes and every instruction set.
 *
 * An element meets the same operations, each rounded by itself, whatever the vectors' width: all instruction sets give
 * the same bits, and the widest one the processor has is taken. */
#include <optim/private/optim.h>
#include <math.h>

#define AG__INLINE static inline __attribute__((always_inline))

#define real        float
#define AG__NAME(f) f##_f32
#define AG__SQRT(x) sqrtf(x)
#include <optim/private/loops_real.h>
#undef real
#undef AG__NAME
#undef AG__SQRT

#define real        double
#define AG__NAME(f) f##_f64
#define AG__SQRT(x) sqrt(x)
#include <optim/private/loops_real.h>

/* Constant arguments leave the loops without branches. */
#define LOOPS(isa, target)                                                                                          \
    target static void sgd_##isa(ag_dtype dtype, int64_t n, const ag__sgd *c, void *p, const void *g, void *buffer) \
    {                                                                                                               \
        if (dtype == AG_F64)                                                                                        \
            buffer ? sgd_f64(n, c, p, g, buffer) : sgd_f64(n, c, p, g, NULL);                                       \
        else                                                                                                        \
            buffer ? sgd_f32(n, c, p, g, buffer) : sgd_f32(n, c, p, g, NULL);                                       \
    }                                                                                                               \
    target static void adam_##isa(ag_dtype dtype, int64_t n, const ag__adam *c, void *p, const void *g, void *m,    \
                                  void *v, void *vmax)                                                              \
    {                                                                                                               \
        if (dtype == AG_F64)                                                                                        \
            vmax ? adam_f64(n, c, p, g, m, v, vmax) : adam_f64(n, c, p, g, m, v, NULL);                             \
        else                                                                                                        \
            vmax ? adam_f32(n, c, p, g, m, v, vmax) : adam_f32(n, c, p, g, m, v, NULL);                             \
    }

LOOPS(generic, )
#ifdef __x86_64__
LOOPS(avx2, __attribute__((target("avx2"))))
LOOPS(avx512, __attribute__((target("avx512f"))))
#define CHOOSE(loop, ...)                                          \
    __builtin_cpu_supports("avx512f") ? loop##_avx512(__VA_ARGS__) \
    : __builtin_cpu_supports("avx2")  ? loop##_avx2(__VA_ARGS__)   \
                                      : loop##_generic(__VA_ARGS__)
#else
#define CHOOSE(loop, ...) loop##_generic(__VA_ARGS__)
#endif

void ag__sgd_loop(ag_dtype dtype, int64_t n, const ag__sgd *c, void *p, const void *g, void *buffer)
{
    CHOOSE(sgd, dtype, n, c, p, g, buffer);
}

void ag__adam_loop(ag_dtype dtype, int64_t n, const ag__adam *c, void *p, const void *g, void *m, void *v, void *vmax)
{
    CHOOSE(adam, dtype, n, c, p, g, m, v, vmax);
}
