/* copy.c - copying between any two layouts and dtypes: what views, reading, writing and joining come down to. */
#include <autograd/ops/apply.h>
#include <autograd/tensor/dtype.h>
#include <string.h>

/* ---- one run: p[0][i] = p[1][i], converted ---------------------------------------------------------------------- */

#define RUN(name, to, from, CONVERT)                                               \
    static void name(int64_t n, char *const *p, const int64_t *stride, void *user) \
    {                                                                              \
        to *restrict y = (to *)(void *)p[0];                                       \
        const from *restrict x = (const from *)(const void *)p[1];                 \
        int64_t sy = stride[0], sx = stride[1];                                    \
        (void)user;                                                                \
        if (sy == 1 && sx == 1) {                                                  \
            for (int64_t i = 0; i < n; i++) y[i] = CONVERT(x[i]);                  \
        } else if (sy == 1 && sx == 0) {                                           \
            const to v = CONVERT(x[0]);                                            \
            for (int64_t i = 0; i < n; i++) y[i] = v;                              \
        } else {                                                                   \
            for (int64_t i = 0; i < n; i++) y[i * sy] = CONVERT(x[i * sx]);        \
        }                                                                          \
    }
#define AS_F32(v)  ((float)(v))
#define AS_F64(v)  ((double)(v))
#define AS_I64(v)  ((int64_t)(v))
#define AS_I32(v)  ((int32_t)(v))
#define AS_U8(v)   ((uint8_t)(v))
#define AS_BOOL(v) ((uint8_t)((v) != 0))
#define I64_OF(v)  ag__i64_of((double)(v))
#define I32_OF(v)  ag__i32_of((double)(v))
#define U8_OF(v)   ag__u8_of((double)(v))

/* Whole numbers wrap around as C's conversions do; see dtype.h for the others. */
#define RUNS_FROM_REAL(name, from)         \
    RUN(f32_##name, float, from, AS_F32)   \
    RUN(f64_##name, double, from, AS_F64)  \
    RUN(i64_##name, int64_t, from, I64_OF) \
    RUN(i32_##name, int32_t, from, I32_OF) \
    RUN(u8_##name, uint8_t, from, U8_OF)   \
    RUN(bool_##name, uint8_t, from, AS_BOOL)
#define RUNS_FROM_WHOLE(name, from)        \
    RUN(f32_##name, float, from, AS_F32)   \
    RUN(f64_##name, double, from, AS_F64)  \
    RUN(i64_##name, int64_t, from, AS_I64) \
    RUN(i32_##name, int32_t, from, AS_I32) \
    RUN(u8_##name, uint8_t, from, AS_U8)   \
    RUN(bool_##name, uint8_t, from, AS_BOOL)
RUNS_FROM_REAL(f32, float)
RUNS_FROM_REAL(f64, double)
RUNS_FROM_WHOLE(i64, int64_t)
RUNS_FROM_WHOLE(i32, int32_t)
RUNS_FROM_WHOLE(u8, uint8_t)

#define ROW(to)                                                                  \
    {                                                                            \
        to##_f32, to##_f64, to##_i64, to##_i32, to##_u8, to##_u8 /* from bool */ \
    }
static ag__loop_fn *const convert[6][6] = { ROW(f32), ROW(f64), ROW(i64), ROW(i32), ROW(u8), ROW(bool) };

/* Within one type, neighbours are moved at once. */
static void same(int64_t n, char *const *p, const int64_t *stride, void *user)
{
    const ag__layout *l = user;
    int t = ag__dtype_index(l->dtype);
    if (stride[0] == 1 && stride[1] == 1)
        memcpy(p[0], p[1], (size_t)n * l->item);
    else
        convert[t][t](n, p, stride, NULL);
}

/* The kernel knows how to sum into one place. */
static void add(int64_t n, char *const *p, const int64_t *stride, void *user)
{
    const ag__kernels *k = user;
    k->copy(n, p[1], stride[1], p[0], stride[0], true);
}

/* ---- whole tensors ---------------------------------------------------------------------------------------------- */

void ag__fill(const ag__layout *l, void *data, double value)
{
    int t = ag__dtype_index(l->dtype);
    union ag__one one;
    ag__set(&ag__layout_0d[t], &one, 0, value);
    if (l->dense && l->numel <= AG__AT_ONCE)
        convert[t][t](l->numel, (char *const[]){ data, (char *)&one }, (const int64_t[]){ 1, 0 }, NULL);
    else
        ag__copy_into(l, data, &ag__layout_0d[t], &one, false);
}

void ag__copy_into(const ag__layout *dl, void *dst, const ag__layout *sl, const void *src, bool add_to)
{
    const ag__layout *const layouts[] = { dl, sl };
    void *const data[] = { dst, (void *)(uintptr_t)src }; /* only read */
    if (dl == sl && dl->dense && dl->numel && dl->numel <= AG__AT_ONCE && !add_to) {
        memcpy(dst, src, (size_t)dl->numel * dl->item);
        return;
    }
    ag__loop_fn *run = convert[ag__dtype_index(dl->dtype)][ag__dtype_index(sl->dtype)];
    const void *user = NULL;
    if (add_to)
        run = add, user = ag__kernels_for(dl->dtype);
    else if (dl->dtype == sl->dtype)
        run = same, user = dl;
    ag__iterate_shared(dl->rank, dl->dims, 2, layouts, data, run, (void *)(uintptr_t)user, 0, 0.12);
}
