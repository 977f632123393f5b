/* loops.c - the inner loops of the algorithms, one text for both dtypes and every instruction set.
 *
 * An element meets the same operations, each rounded by itself, whatever the vectors' width: all instruction sets give
 * the same bits, and the widest one is taken. */
#include <optim/private/optim.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* A pointer known to be NULL leaves its loop without a branch. */
#define LOOPS(isa, target, test)                                                                                    \
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
    }                                                                                                               \
    static bool has_##isa(void)                                                                                     \
    {                                                                                                               \
        return test;                                                                                                \
    }
#define ROW(isa)                               \
    {                                          \
#isa, has_##isa, sgd_##isa, adam_##isa \
    }

LOOPS(generic, , true)
#ifdef __x86_64__
LOOPS(avx2, __attribute__((target("avx2"))), __builtin_cpu_supports("avx2"))
LOOPS(avx512, __attribute__((target("avx512f"))), __builtin_cpu_supports("avx512f"))
#endif

static const ag__loops loops[] = {
/* the widest first */
#ifdef __x86_64__
    ROW(avx512),
    ROW(avx2),
#endif
    ROW(generic),
};

const ag__loops *ag__loops_choose(void)
{
    const char *wanted = getenv("AG_ARCH");
    const ag__loops *l = loops, *last = loops + sizeof loops / sizeof *loops - 1;
    while (l < last && (!l->supported() || (wanted && *wanted && strcmp(wanted, l->isa)))) l++;
    return l;
}
