/* samples_special.c - activations, special functions, small formulas, predicates. */
#include "samples_each.h"
#include <math.h>

/* ---- activations ---- */

UNARY(logsigmoid, { -3, 3 });
UNARY(mish, { -3, 3 });
UNARY(selu, { -3, 3 });
UNARY(relu6, { 0.5, 9 });
UNARY(hardsigmoid, { -2.9, 2.9 });
UNARY(hardswish, { -2.9, 2.9 });
UNARY(softsign, { -2, 2 });
UNARY(tanhshrink, { -2, 2 });
UNARY_WITH(elu, ag_elu(x[0], .alpha = 1.3), { -3, 3 });
UNARY_WITH(celu, ag_celu(x[0], .alpha = 0.7), { -3, 3 });
UNARY_WITH(hardshrink, ag_hardshrink(x[0], .lambd = 0.75), { -2, 2 });
UNARY_WITH(softshrink, ag_softshrink(x[0], .lambd = 0.75), { -2, 2 });
UNARY_WITH(hardtanh, ag_hardtanh(x[0], .min_val = -0.6, .max_val = 1.2), { -2, 2 });
UNARY_WITH(threshold, ag_threshold(x[0], 0.3, -7), { -2, 2 });
UNARY_WITH(rrelu, ag_rrelu(x[0], .upper = 0.5), { -2, 2 });
UNARY_WITH(logit, ag_logit(x[0], .eps = 0.2), { 0.05, 0.95 });

APPLY(apply_prelu, ag_prelu(x[0], x[1]))
CASES(prelu){
    CASE("0-d", apply_prelu, V0, V0),
    CASE("empty", apply_prelu, V(0, 3), V(3)),
    CASE("size 1", apply_prelu, V(1), V(1)),
    CASE("1-d", apply_prelu, V(7), V0),
    CASE("of one weight", apply_prelu, V(3, 4), V(1)),
    CASE("of each channel", apply_prelu, V(3, 4), V(4)),
    CASE("transposed", apply_prelu, T(3, 4), V(4)),
    CASE("strided", apply_prelu, S(3, 4), S(4)),
    CASE("flipped", apply_prelu, F(3, 4), F(4)),
    CASE("expanded", apply_prelu, E(3, 4), V(4)),
    CASE("5-d", apply_prelu, V(2, 3, 1, 2, 2), V(3)),
};
SAMPLES(prelu, { -2, 2 });

#define HALVES(op)                                 \
    APPLY(op##_first, ag_##op(x[0], 0))            \
    APPLY(op##_last, ag_##op(x[0], -1))            \
    CASES(op){                                     \
        CASE("empty", op##_last, V(0, 4)),         \
        CASE("of no halves", op##_first, V(0, 3)), \
        CASE("1-d", op##_first, V(6)),             \
        CASE("2-d", op##_first, V(2, 3)),          \
        CASE("the last axis", op##_last, V(2, 6)), \
        CASE("size 1", op##_last, V(1, 2)),        \
        CASE("transposed", op##_first, T(4, 3)),   \
        CASE("strided", op##_last, S(3, 4)),       \
        CASE("flipped", op##_last, F(3, 4)),       \
        CASE("expanded", op##_last, E(3, 4)),      \
        CASE("5-d", op##_last, V(2, 1, 2, 1, 4)),  \
    };                                             \
    SAMPLES(op, { -2, 2 })
HALVES(glu);
HALVES(softmin);

/* ---- special functions ---- */

UNARY(acosh, { 1.2, 4 });
UNARY(asinh, { -3, 3 });
UNARY(atanh, { -0.9, 0.9 });
UNARY(exp2, { -3, 3 });
UNARY(log2, { 0.3, 3 });
UNARY(log10, { 0.3, 3 });
UNARY(cbrt, { -3, -0.4 });
UNARY(lgamma, { 0.3, 4 });
UNARY(digamma, { 0.5, 4 });
UNARY_WITH(polygamma, ag_polygamma(2, x[0]), { 0.7, 4 });
UNARY(erfinv, { -0.9, 0.9 });
UNARY(erfcx, { -1, 3 });
UNARY(ndtr, { -2, 2 });
UNARY(log_ndtr, { -4, 2 });
UNARY(ndtri, { 0.05, 0.95 });
UNARY(entr, { 0.3, 3 });
UNARY(i0, { -2, 2 });
UNARY(i1, { -2, 2 });
UNARY(i0e, { 0.2, 4 });
UNARY(i1e, { -4, -0.2 });
UNARY_WITH(iv, ag_iv(2, x[0]), { -3, 3 });
UNARY_WITH(ive, ag_ive(3, x[0]), { 0.2, 4 });
UNARY(sinc, { -2.5, 2.5 });
UNARY_WITH(sinc_derivative, ag_sinc_derivative(2, x[0]), { -2.5, 2.5 });
UNARY(frac, { -0.9, -0.1 });
UNARY(sgn, { -2, 2 });
UNARY(rad2deg, { -2, 2 });
UNARY(deg2rad, { -2, 2 });

BINARY(hypot, { 0.5, 2 }, { -2, -0.5 });
BINARY(fmax, { -2, 2 });
BINARY(fmin, { -2, 2 });
BINARY(fmod, { 6.1, 6.9 }, { 1.42, 1.5 });
BINARY(remainder, { -6.9, -6.1 }, { 1.42, 1.5 });
BINARY(copysign, { 0.2, 2 }, { -2, -0.2 });
BINARY(logaddexp, { -2, 2 });
BINARY(logaddexp2, { -2, 2 });
BINARY(xlogy, { 0.4, 2 }, { 0.4, 2 });
BINARY(xlog1py, { 0.4, 2 }, { -0.6, 2 });
BINARY(heaviside, { -2, -0.5 });
BINARY(ldexp, { -2, 2 });
BINARY(clamp_min, { -2, 2 });
BINARY(clamp_max, { -2, 2 });

/* ---- small formulas ---- */

/* float_power is f64 whatever it is given; f32 samples want f32 back. */
APPLY(apply_float_power, ag_to(ag_float_power(x[0], x[1]), ag_dtype_of(x[0])))
APPLY(float_power_number_right, ag_to(ag_float_power(x[0], 1.25), ag_dtype_of(x[0])))
APPLY(float_power_number_left, ag_to(ag_float_power(1.25, x[0]), ag_dtype_of(x[0])))
APPLY(float_power_number_itself, ag_to(ag_float_power(x[0], x[0]), ag_dtype_of(x[0])))
BINARY_CASES(float_power, apply_float_power, float_power_number);
SAMPLES(float_power, { 0.4, 2 }, { -2, 2 });

UNARY_WITH(nan_to_num, ag_nan_to_num(x[0]), { -2, 2 });
UNARY_WITH(multigammaln, ag_multigammaln(x[0], 3), { 1.4, 4 });

#define TERNARY(op, expr, ...)                                                   \
    APPLY(apply_##op, expr)                                                      \
    CASES(op){                                                                   \
        CASE("0-d", apply_##op, V0, V0, V0),                                     \
        CASE("empty", apply_##op, V(0, 3), V(3), V0),                            \
        CASE("size 1", apply_##op, V(1), V(1), V(1)),                            \
        CASE("2-d", apply_##op, V(3, 4), V(3, 4), V(3, 4)),                      \
        CASE("broadcast left", apply_##op, V(4), V(3, 4), V(3, 1)),              \
        CASE("broadcast right", apply_##op, V(3, 4), V(4), V0),                  \
        CASE("broadcast both", apply_##op, V(3, 1), V(1, 4), V(2, 1, 1)),        \
        CASE("transposed", apply_##op, T(3, 4), V(3, 4), T(3, 4)),               \
        CASE("strided", apply_##op, S(3, 4), V(3, 4), S(3, 4)),                  \
        CASE("flipped", apply_##op, F(3, 4), F(3, 4), V(4)),                     \
        CASE("expanded", apply_##op, E(3, 4), V(3, 4), E(3, 4)),                 \
        CASE("5-d", apply_##op, V(2, 1, 2, 1, 2), V(2, 2, 1), V(2, 1, 1, 2, 2)), \
    };                                                                           \
    SAMPLES(op, __VA_ARGS__)
TERNARY(addcmul, ag_addcmul(x[0], x[1], x[2], -1.5), { -2, 2 });
TERNARY(addcdiv, ag_addcdiv(x[0], x[1], x[2], 0.75), { -2, 2 }, { -2, 2 }, { 0.5, 2 });
TERNARY(lerp, ag_lerp(x[0], x[1], x[2]), { -2, 2 });

/* ---- predicates: each against C ---- */

static bool answers(ag_tensor *const *x, const ag_tensor *y, bool yes(double, double), int n)
{
    enum { MOST = 64 };
    double a[MOST], b[MOST];
    uint8_t got[MOST];
    int64_t m = ag_numel(y), dims[AG_MAX_RANK];
    for (int d = 0; d < ag_rank(y); d++) dims[d] = ag_size(y, d);
    if (m > MOST || ag_dtype_of(y) != AG_BOOL || ag_read(y, got, m)) return false;
    for (int i = 0; i < 2; i++)
        if (ag_read((ag_expand)(ag_to(x[i < n ? i : 0], AG_F64), ag_rank(y), dims), i ? b : a, m)) return false;
    for (int64_t i = 0; i < m; i++)
        if ((got[i] != 0) != yes(a[i], b[i])) return false;
    return true;
}

/* Whole numbers 0, 1, 2 become -inf, NaN, -0 and 1, inf, 0, some of each. */
static ag_tensor *odd(ag_tensor *x)
{
    return ag_div(ag_sub(1.0, ag_to(x, AG_F64)), ag_sub(ag_to(x, AG_F64), 1.0));
}
#define PREDICATE(op, yes)                                                                  \
    APPLY(op##_odd, (x[0] = odd(x[0]), ag_##op(x[0])))                                      \
    APPLY(op##_single, (x[0] = ag_to(ag_reciprocal(odd(x[0])), AG_F32), ag_##op(x[0])))     \
    APPLY(op##_zero, (x[0] = ag_mul(ag_sub(ag_to(x[0], AG_F64), 1.0), 0.0), ag_##op(x[0]))) \
    APPLY(op##_infinite, (x[0] = ag_log(ag_to(x[0], AG_F64)), ag_##op(x[0])))               \
    APPLY(op##_whole, ag_##op(x[0]))                                                        \
    static bool op##_yes(double a, double b)                                                \
    {                                                                                       \
        (void)b;                                                                            \
        return (yes);                                                                       \
    }                                                                                       \
    static bool op##_right(ag_tensor *const *x, const ag_tensor *y)                         \
    {                                                                                       \
        return answers(x, y, op##_yes, 1);                                                  \
    }                                                                                       \
    CASES(op){                                                                              \
        CASE("0-d", op##_odd, I0(0, 3)),                                                    \
        CASE("empty", op##_odd, I(0, 3, 0, 2)),                                             \
        CASE("size 1", op##_odd, I(0, 3, 1)),                                               \
        CASE("2-d", op##_odd, I(0, 3, 3, 4)),                                               \
        CASE("f32", op##_single, I(0, 3, 3, 4)),                                            \
        CASE("zeros", op##_zero, I(0, 3, 3, 4)),                                            \
        CASE("infinities", op##_infinite, I(0, 3, 3, 4)),                                   \
        CASE("i64", op##_whole, I(-1, 2, 3, 4)),                                            \
        CASE("bool", op##_whole, B(3, 4)),                                                  \
        CASE("strided", op##_whole, IS(-1, 2, 3, 4)),                                       \
        CASE("transposed", op##_whole, { TRANSPOSED, INDICES, -1, 2, SHAPE(3, 4) }),        \
        CASE("flipped", op##_whole, { FLIPPED, INDICES, -1, 2, SHAPE(3, 4) }),              \
        CASE("5-d", op##_odd, I(0, 3, 2, 1, 2, 1, 2)),                                      \
    };                                                                                      \
    SAMPLES_WITHOUT_DERIVATIVE(op, op##_right, { 0, 1 })
PREDICATE(isnan, isnan(a));
PREDICATE(isinf, isinf(a));
PREDICATE(isfinite, isfinite(a));
PREDICATE(signbit, signbit(a));
PREDICATE(logical_not, a == 0);

#define LOGICAL(op, yes)                                                                   \
    APPLY(op##_any, ag_##op(x[0], x[1]))                                                   \
    APPLY(op##_float, ag_##op(ag_to(x[0], AG_F64), x[1]))                                  \
    static bool op##_yes(double a, double b)                                               \
    {                                                                                      \
        return (yes);                                                                      \
    }                                                                                      \
    static bool op##_right(ag_tensor *const *x, const ag_tensor *y)                        \
    {                                                                                      \
        return answers(x, y, op##_yes, 2);                                                 \
    }                                                                                      \
    CASES(op){                                                                             \
        CASE("0-d", op##_any, I0(0, 2), I0(0, 2)),                                         \
        CASE("empty", op##_any, I(0, 2, 0, 2), I(0, 2, 2)),                                \
        CASE("size 1", op##_any, I(0, 2, 1), I(0, 2, 1)),                                  \
        CASE("2-d", op##_any, I(0, 2, 3, 4), I(-1, 1, 3, 4)),                              \
        CASE("bool", op##_any, B(3, 4), I(0, 2, 3, 4)),                                    \
        CASE("float", op##_float, I(0, 2, 3, 4), B(3, 4)),                                 \
        CASE("broadcast", op##_any, I(0, 2, 3, 1), I(0, 2, 4)),                            \
        CASE("strided", op##_any, IS(0, 2, 3, 4), I(0, 2, 4)),                             \
        CASE("transposed", op##_any, { TRANSPOSED, INDICES, 0, 2, SHAPE(3, 4) }, B(3, 4)), \
        CASE("5-d", op##_any, I(0, 2, 2, 1, 2, 1, 2), B(2, 1, 1)),                         \
    };                                                                                     \
    SAMPLES_WITHOUT_DERIVATIVE(op, op##_right, { 0, 1 })
LOGICAL(logical_and, a != 0 && b != 0);
LOGICAL(logical_or, a != 0 || b != 0);
LOGICAL(logical_xor, (a != 0) != (b != 0));
