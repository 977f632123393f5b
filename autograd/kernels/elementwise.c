/* elementwise.c - a loop for each row of elementary.h: forward, and backward by each operand; and the comparisons.
 *
 * Every loop is written over contiguous memory. Other strides go through it in runs of AG__BLOCK elements, gathered
 * into buffers; one element is contiguous whatever its strides say. A result may take the place of an operand of the
 * same stride; otherwise they do not overlap. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/pairs.h>
#include <autograd/kernels/shuffle.h>
#include <math.h>
#include <string.h>

/* As in op.h, which lies on a higher floor. */
#define AG_SAVES_IN(i)   (1u << (i))
#define AG_SAVES_OUT(i)  (0x10000u << (i))
#define AG_SAVES_NOTHING 0x80000000u

enum { OPERANDS = 4 };
enum { NEAR, LOOK, ANY };

#define AG__TEXT <autograd/kernels/elementwise.c>
#include <autograd/kernels/each_real.h>
#else
#include <autograd/kernels/math.h>
#include <autograd/kernels/run.h>
#include <autograd/kernels/vector.h>

/* In the rows of elementary.h libm's names mean the functions of `real`, ours where there is one. */
#define exp(x)      AG__TYPED(exp)(x)
#define expm1(x)    AG__TYPED(expm1)(x)
#define log(x)      AG__TYPED(log)(x)
#define log1p(x)    AG__TYPED(log1p)(x)
#define tanh(x)     AG__TYPED(tanh)(x)
#define erf(x)      AG__TYPED(erf)(x)
#define erfc(x)     AG__TYPED(erfc)(x)
#define fabs(x)     AG__LIBM(fabs)(x)
#define sqrt(x)     AG__LIBM(sqrt)(x)
#define floor(x)    AG__LIBM(floor)(x)
#define ceil(x)     AG__LIBM(ceil)(x)
#define trunc(x)    AG__LIBM(trunc)(x)
#define rint(x)     AG__LIBM(rint)(x)
#define asin(x)     AG__LIBM(asin)(x)
#define acos(x)     AG__LIBM(acos)(x)
#define atan(x)     AG__LIBM(atan)(x)
#define sinh(x)     AG__LIBM(sinh)(x)
#define cosh(x)     AG__LIBM(cosh)(x)
#define atan2(a, b) AG__LIBM(atan2)(a, b)

/* Some of ours serve a limited range. Their loops look first whether all arguments are NEAR, which is the rule; if not
 * they ask for ANY, that is for each element, so that its value does not depend on its neighbours'. */
#define ANYWHERE(f, beyond, parameters, ...)                                                          \
    static __attribute__((noinline)) real AG__TYPED(f##_any) parameters                               \
    {                                                                                                 \
        return AG__TYPED(beyond)(__VA_ARGS__) ? AG__LIBM(f)(__VA_ARGS__) : AG__TYPED(f)(__VA_ARGS__); \
    }
ANYWHERE(sin, trig_beyond, (real x), x)
ANYWHERE(cos, trig_beyond, (real x), x)
ANYWHERE(tan, trig_beyond, (real x), x)
#define RANGED(f, beyond, ...)                                      \
    (mood == LOOK   ? (far |= AG__TYPED(beyond)(__VA_ARGS__), K(0)) \
     : mood == NEAR ? AG__TYPED(f)(__VA_ARGS__)                     \
                    : AG__TYPED(f##_any)(__VA_ARGS__))
#define sin(x) RANGED(sin, trig_beyond, x)
#define cos(x) RANGED(cos, trig_beyond, x)
#define tan(x) RANGED(tan, trig_beyond, x)
#ifdef __FMA__
ANYWHERE(pow, pow_beyond, (real a, real b), a, b)
#define pow(a, b) RANGED(pow, pow_beyond, a, b)
#else /* libm's is faster than ours */
#define pow(a, b) AG__LIBM(pow)(a, b)
#endif
/* Rows that are computed in a better way than their formula says: OWN(name, formula) is what follows the comma in
 * OWN_name, or the formula. */
#define OWN(name, formula)          OWN_(OWN_##name, formula, )
#define OWN_(instead, formula, ...) OWN__(instead, formula, )
#define OWN__(nothing, value, ...)  value
#define OWN_sigmoid                 , AG__TYPED(sigmoid)(x)
#define OWN_softplus                , AG__TYPED(softplus)(x)
#define OWN_softplus_slope          , AG__TYPED(sigmoid)(x)
#define OWN_silu                    , x *AG__TYPED(sigmoid)(x)
#define OWN_silu_slope              , (1 + (x - y)) * AG__TYPED(sigmoid)(x)
#define OWN_gelu                    , AG__TYPED(gelu)(x)
#define OWN_gelu_slope              , AG__TYPED(gelu_slope)(x)
#define OWN_gelu_tanh               , AG__TYPED(gelu_tanh)(x)
#define OWN_gelu_tanh_slope         , AG__TYPED(gelu_tanh_slope)(x)

/* g times the slope; and where g is 0, 0 whatever the slope, but of plain rows. */
#define PRODUCT(saves, slope)       ((saves)&AG__PLAIN || g != 0 ? g * (real)(slope) : 0)

#define operands AG__TYPED(operands)
#define loop     AG__TYPED(loop)
#define vec      AG__TYPED(vec)
#define VL       ((int64_t)(AG__VECTOR_BYTES / sizeof(real)))

/* ---- strides ---- */

/* g, x or a, b, y. What a row doesn't read may be gone: the first of those it reads stands in for it. */
typedef struct operands {
    const real *at[OPERANDS];
    int64_t stride[OPERANDS];
} operands;
/* out[i] = something of the operands, all contiguous; n is a multiple of VL */
typedef void loop(int64_t n, const real *const *at, real *out);

/* What whole vectors leave over goes through one that is filled up with ones: so a loop's code stands once, and an
 * element's value does not depend on where it is. */
static __attribute__((noinline)) void AG__TYPED(contiguous)(loop *set, int64_t n, const real *const *at, real *out)
{
    const int rest = (int)(n % VL);
    const int64_t whole = n - rest;
    if (whole) set(whole, at, out);
    if (!rest) return;
    _Alignas(64) real in[OPERANDS][VL], result[VL];
    const real *last[OPERANDS];
    static const real count[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    const AG__TYPED(lanes) ones = (*(const vec *)count >= (real)rest) & (AG__TYPED(lanes))((vec){ 0 } + 1);
    for (int i = 0; i < OPERANDS; i++) {
        last[i] = i && at[i] == at[0] ? in[0] : in[i];
        if (last[i] != in[i]) continue;
        vec v = AG__TYPED(load_lanes)(at[i] + whole, 0, rest);
        *(vec *)in[i] = (vec)((AG__TYPED(lanes))v | ones);
    }
    set(VL, last, result);
    AG__TYPED(store_lanes)(out + whole, 0, rest, *(const vec *)result);
}

AG__INLINE void AG__TYPED(plus)(int64_t n, const real *x, real *out)
{
    AG__INDEPENDENT
    for (int64_t i = 0; i < n; i++) out[i] += x[i];
}

/* What is added passes through a buffer as well: a loop of its own for each row would double their code. */
static __attribute__((noinline)) void AG__TYPED(by_runs)(loop *set, int64_t n, const operands *o, real *out,
                                                         int64_t stride, bool add)
{
    real buffer[OPERANDS][AG__BLOCK], result[AG__BLOCK];
    const real *at[OPERANDS];
    ag__pairs sum;
    sum.count = 0;
    for (int64_t from = 0, m; from < n; from += m) {
        m = n - from < AG__BLOCK ? n - from : AG__BLOCK;
        at[0] = AG__TYPED(gather)(o->at[0], o->stride[0], from, m, buffer[0]);
        for (int i = 1; i < OPERANDS; i++) {
            bool same = o->at[i] == o->at[0] && o->stride[i] == o->stride[0];
            at[i] = same ? at[0] : AG__TYPED(gather)(o->at[i], o->stride[i], from, m, buffer[i]);
        }
        bool direct = stride == 1 && !add;
        AG__TYPED(contiguous)(set, m, at, direct ? out + from : result);
        if (stride == 0)
            ag__pairs_add(&sum, AG__TYPED(sum)(m, result, 1));
        else if (add && stride == 1)
            AG__TYPED(plus)(m, result, out + from);
        else if (!direct)
            AG__TYPED(scatter)(m, result, out + from * stride, stride, add);
    }
    if (stride == 0) *out = (real)((add ? (double)*out : 0) + ag__pairs_sum(&sum));
}

static __attribute__((noinline)) void AG__TYPED(run)(loop *set, int64_t n, const operands *o, real *out, int64_t stride,
                                                     bool add)
{
    bool flat = stride == 1;
    for (int i = 0; i < OPERANDS; i++) flat &= o->stride[i] == 1;
    if ((flat || n == 1) && !add)
        AG__TYPED(contiguous)(set, n, o->at, out);
    else
        AG__TYPED(by_runs)(set, n, o, out, stride, add);
}

/* ---- the rows ---- */

#define LOOP(function, expression)                                                                             \
    AG__INLINE AG__TYPED(bits) AG__TYPED(function##_in)(int mood, int64_t n, const real *const *at, real *out) \
    {                                                                                                          \
        const real *at_g = at[0], *at_x = at[1], *at_b = at[2], *at_y = at[3];                                 \
        AG__TYPED(bits) far = 0;                                                                               \
        n &= -VL;                                                                                              \
        AG__INDEPENDENT                                                                                        \
        for (int64_t i = 0; i < n; i++) {                                                                      \
            real g = at_g[i], x = at_x[i], a = x, b = at_b[i], y = at_y[i], v = (real)(expression);            \
            (void)g, (void)a, (void)b, (void)y, (void)v;                                                       \
            if (mood != LOOK) out[i] = v;                                                                      \
        }                                                                                                      \
        return far;                                                                                            \
    }                                                                                                          \
    static void AG__TYPED(function)(int64_t n, const real *const *at, real *out)                               \
    {                                                                                                          \
        if (AG__TYPED(function##_in)(LOOK, n, at, out))                                                        \
            AG__TYPED(function##_in)(ANY, n, at, out);                                                         \
        else                                                                                                   \
            AG__TYPED(function##_in)(NEAR, n, at, out);                                                        \
    }

#define UNARY(name, saves, value, slope, vjp)                                                                         \
    LOOP(name##_set, OWN(name, value))                                                                                \
    void AG__TYPED(unary_##name)(int64_t n, const void *x, int64_t sx, void *y, int64_t sy)                           \
    {                                                                                                                 \
        operands o = { { x, x, x, x }, { sx, sx, sx, sx } };                                                          \
        AG__TYPED(run)(AG__TYPED(name##_set), n, &o, y, sy, false);                                                   \
    }                                                                                                                 \
    LOOP(name##_back_set, PRODUCT(saves, OWN(name##_slope, slope)))                                                   \
    void AG__TYPED(unary_back_##name)(int64_t n, const void *g, int64_t sg, const void *x, int64_t sx, const void *y, \
                                      int64_t sy, void *d, int64_t sd, bool add)                                      \
    {                                                                                                                 \
        if (!((saves)&AG_SAVES_IN(0))) x = g, sx = sg;                                                                \
        if (!((saves)&AG_SAVES_OUT(0))) y = g, sy = sg;                                                               \
        operands o = { { g, x, g, y }, { sg, sx, sg, sy } };                                                          \
        AG__TYPED(run)(AG__TYPED(name##_back_set), n, &o, d, sd, add);                                                \
    }
AG_UNARY_FUNCTIONS(UNARY)

#define BINARY(name, saves, value, slope_a, slope_b, vjp_a, vjp_b)                                          \
    LOOP(name##_set, value)                                                                                 \
    void AG__TYPED(binary_##name)(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb, void *y, \
                                  int64_t sy)                                                               \
    {                                                                                                       \
        operands o = { { a, a, b, a }, { sa, sa, sb, sa } };                                                \
        AG__TYPED(run)(AG__TYPED(name##_set), n, &o, y, sy, false);                                         \
    }                                                                                                       \
    BINARY_BACK(name, back_a, saves, slope_a)                                                               \
    BINARY_BACK(name, back_b, saves, slope_b)
#define BINARY_BACK(name, back, saves, slope)                                                                     \
    LOOP(name##_##back##_set, PRODUCT(saves, slope))                                                              \
    void AG__TYPED(back##_##name)(int64_t n, const void *g, int64_t sg, const void *a, int64_t sa, const void *b, \
                                  int64_t sb, const void *y, int64_t sy, void *d, int64_t sd, bool add)           \
    {                                                                                                             \
        if (!((saves)&AG_SAVES_IN(0))) a = g, sa = sg;                                                            \
        if (!((saves)&AG_SAVES_IN(1))) b = g, sb = sg;                                                            \
        if (!((saves)&AG_SAVES_OUT(0))) y = g, sy = sg;                                                           \
        operands o = { { g, a, b, y }, { sg, sa, sb, sy } };                                                      \
        AG__TYPED(run)(AG__TYPED(name##_##back##_set), n, &o, d, sd, add);                                        \
    }
AG_BINARY_FUNCTIONS(BINARY)

#undef vec
#undef VL
#undef LOOP
#undef UNARY
#undef BINARY
#undef BINARY_BACK

/* ---- comparisons ---- */

/* Contiguous ones */
typedef void AG__TYPED(compare_loop)(int64_t n, const real *p, const real *q, uint8_t *y);
static __attribute__((noinline)) void AG__TYPED(compare)(AG__TYPED(compare_loop) * set, int64_t n, const real *a,
                                                         int64_t sa, const real *b, int64_t sb, uint8_t *y, int64_t sy)
{
    real a_run[AG__BLOCK], b_run[AG__BLOCK];
    uint8_t result[AG__BLOCK];
    if (n == 1 || (sa == 1 && sb == 1 && sy == 1)) {
        set(n, a, b, y);
        return;
    }
    for (int64_t from = 0, m; from < n; from += m) {
        m = n - from < AG__BLOCK ? n - from : AG__BLOCK;
        set(m, AG__TYPED(gather)(a, sa, from, m, a_run), AG__TYPED(gather)(b, sb, from, m, b_run),
            sy == 1 ? y + from : result);
        for (int64_t i = 0; i < m && sy != 1; i++) y[(from + i) * sy] = result[i];
    }
}
#define COMPARE(name, relation)                                                                                   \
    static void AG__TYPED(name##_set)(int64_t n, const real *p, const real *q, uint8_t *y)                        \
    {                                                                                                             \
        const int64_t whole = n & -16;                                                                            \
        AG__INDEPENDENT                                                                                           \
        for (int64_t i = 0; i < whole; i++) y[i] = p[i] relation q[i];                                            \
        for (int64_t i = whole; i < n; i++) y[i] = p[i] relation q[i];                                            \
    }                                                                                                             \
    void AG__TYPED(name)(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb, uint8_t *y, int64_t sy) \
    {                                                                                                             \
        AG__TYPED(compare)(AG__TYPED(name##_set), n, a, sa, b, sb, y, sy);                                        \
    }
COMPARE(eq, ==)
COMPARE(ne, !=)
COMPARE(lt, <)
COMPARE(le, <=)
COMPARE(gt, >)
COMPARE(ge, >=)
#undef COMPARE
#endif
