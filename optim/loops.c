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
#define LOOPS(isa, target, test)                                \
    target static void sgd_##isa(const ag__pass *a)             \
    {                                                           \
        if (a->dtype == AG_F64)                                 \
            a->x[0] ? sgd_f64(a, a->x[0]) : sgd_f64(a, NULL);   \
        else                                                    \
            a->x[0] ? sgd_f32(a, a->x[0]) : sgd_f32(a, NULL);   \
    }                                                           \
    target static void adam_##isa(const ag__pass *a)            \
    {                                                           \
        if (a->dtype == AG_F64)                                 \
            a->x[2] ? adam_f64(a, a->x[2]) : adam_f64(a, NULL); \
        else                                                    \
            a->x[2] ? adam_f32(a, a->x[2]) : adam_f32(a, NULL); \
    }                                                           \
    static bool has_##isa(void)                                 \
    {                                                           \
        return test;                                            \
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

/* ---- a whole parameter ------------------------------------------------------------------------------------------- */

/* Elements of a piece: 20 us of Adam's widest loop and up, multiples of STEP, alike. */
enum { PIECE = 1 << 17, STEP = 64 };

static const void *elements(const ag_tensor *x)
{
    return ag_dtype_of(x) == AG_F64 ? (const void *)ag_f64(x) : ag_f32(x);
}
static void *elements_write(ag_tensor *x)
{
    if (!x) return NULL;
    return ag_dtype_of(x) == AG_F64 ? (void *)ag_f64_write(x) : ag_f32_write(x);
}

struct work {
    ag__loop *loop;
    ag__pass all;
    int64_t each; /* elements of a piece, but for the last */
};
static void run_piece(void *context, int64_t piece)
{
    const struct work *w = context;
    ag__pass a = w->all;
    int64_t from = piece * w->each, offset = from * (a.dtype == AG_F64 ? 8 : 4);
    a.n = a.n - from < w->each ? a.n - from : w->each;
    a.p = (char *)a.p + offset, a.g = (const char *)a.g + offset;
    for (int k = 0; k < AG__STATES - 1; k++)
        if (a.x[k]) a.x[k] = (char *)a.x[k] + offset;
    w->loop(&a);
}

void ag__run(ag__loop *loop, const void *constants, ag_tensor *param, const ag_tensor *gradient,
             ag_tensor *const state[AG__STATES - 1])
{
    ag__pass all = { .dtype = ag_dtype_of(param), .n = ag_numel(param), .constants = constants };
    all.p = elements_write(param), all.g = elements(gradient);
    for (int k = 0; k < AG__STATES - 1; k++) all.x[k] = elements_write(state[k]);
    int64_t pieces = (all.n + PIECE - 1) / PIECE, each = pieces > 1 ? (all.n / pieces / STEP + 1) * STEP : PIECE;
    ag_parallel_for((all.n + each - 1) / each, run_piece, &(struct work){ loop, all, each });
}
