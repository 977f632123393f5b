/* test_misuse_special.c - what can be wrong with activations, special functions, small formulas and predicates. */
#include <autograd/autograd.h>
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <test/misuse.h>

#define BOOL(...) ag_zeros(AG_BOOL, __VA_ARGS__)

// clang-format off
/* Of one operand: not of whole numbers, not of what is gone, not of nothing. */
#define EACH(X, f, call)                                                                                               \
    X(f##_dtype, EDTYPE, "ag_" #f ": needs f32 or f64, got i64 [2,3]; ag_to converts", call(f, I(2, 3)))                               \
    X(f##_bool, EDTYPE, "ag_" #f ": needs f32 or f64, got bool [2]; ag_to converts", call(f, BOOL(2)))                                 \
    X(f##_null, ENULL, "ag_" #f ": operand 1 is NULL", call(f, NONE))
#define PLAIN(f, x) ag_##f(x)
#define WITH_ORDER(f, x) ag_##f(2, x)
#define UNARY(X) EACH(X, logsigmoid, PLAIN) EACH(X, mish, PLAIN) EACH(X, selu, PLAIN) EACH(X, relu6, PLAIN)            \
    EACH(X, hardsigmoid, PLAIN) EACH(X, hardswish, PLAIN) EACH(X, softsign, PLAIN) EACH(X, tanhshrink, PLAIN)          \
    EACH(X, acosh, PLAIN) EACH(X, asinh, PLAIN) EACH(X, atanh, PLAIN) EACH(X, exp2, PLAIN)        \
    EACH(X, log2, PLAIN) EACH(X, log10, PLAIN) EACH(X, cbrt, PLAIN) EACH(X, lgamma, PLAIN) EACH(X, digamma, PLAIN)     \
    EACH(X, erfinv, PLAIN) EACH(X, erfcx, PLAIN) EACH(X, ndtr, PLAIN) EACH(X, log_ndtr, PLAIN) EACH(X, ndtri, PLAIN)   \
    EACH(X, entr, PLAIN) EACH(X, i0, PLAIN) EACH(X, i1, PLAIN) EACH(X, i0e, PLAIN) EACH(X, i1e, PLAIN)                 \
    EACH(X, sinc, PLAIN) EACH(X, frac, PLAIN) EACH(X, sgn, PLAIN) EACH(X, rad2deg, PLAIN) EACH(X, deg2rad, PLAIN)      \
    EACH(X, elu, PLAIN) EACH(X, celu, PLAIN) EACH(X, hardshrink, PLAIN) EACH(X, softshrink, PLAIN)                     \
    EACH(X, hardtanh, PLAIN) EACH(X, rrelu, PLAIN) EACH(X, logit, PLAIN) EACH(X, nan_to_num, PLAIN)                    \
    EACH(X, polygamma, WITH_ORDER) EACH(X, iv, WITH_ORDER) EACH(X, ive, WITH_ORDER) EACH(X, sinc_derivative, WITH_ORDER)

/* Of two: dtypes and shapes that do not fit. */
#define PAIR(X, f)                                                                                                     \
    X(f##_shape, ESHAPE, "ag_" #f ": shapes do not broadcast: [2,3] and [4]", ag_##f(D(2, 3), D(4)))                   \
    X(f##_dtypes, EDTYPE, "ag_" #f ": dtypes differ: f64 [2] and f32 [2]", ag_##f(D(2), F(2)))                         \
    X(f##_whole, EDTYPE, "ag_" #f ": needs f32 or f64, got i64 [2]; ag_to converts", ag_##f(I(2), I(2)))                               \
    X(f##_null, ENULL, "ag_" #f ": operand 2 is NULL", ag_##f(D(2), NONE))
#define BINARY(X) PAIR(X, hypot) PAIR(X, fmax) PAIR(X, fmin) PAIR(X, fmod) PAIR(X, remainder) PAIR(X, copysign)        \
    PAIR(X, logaddexp) PAIR(X, logaddexp2) PAIR(X, xlogy) PAIR(X, xlog1py) PAIR(X, heaviside) PAIR(X, ldexp)           \
    PAIR(X, clamp_min) PAIR(X, clamp_max)

#define ASK(X, f)                                                                                                      \
    X(f##_shape, ESHAPE, "ag_" #f ": shapes do not broadcast: [2,3] and [2]", ag_##f(D(2, 3), I(2)))                   \
    X(f##_first, ENULL, "ag_" #f ": operand 1 is NULL", ag_##f(NONE, I(2)))                                            \
    X(f##_second, ENULL, "ag_" #f ": operand 2 is NULL", ag_##f(I(2), NONE))
#define PREDICATES(X) ASK(X, logical_and) ASK(X, logical_or) ASK(X, logical_xor)

#define OPTIONS(X) \
    X(silu_dtype, EDTYPE, "ag_silu: needs f32 or f64, got i64 [2,3]", ag_silu(I(2, 3))) \
    X(silu_bool, EDTYPE, "ag_silu: needs f32 or f64, got bool [2]", ag_silu(BOOL(2))) \
    X(silu_null, ENULL, "ag_silu: operand 1 is NULL", ag_silu(NONE))                                                                                                     \
    X(elu_option, EINVAL, "ag_elu: .lambd is an option of other functions", ag_elu(D(2), .lambd = 1))                  \
    X(celu_option, EINVAL, "ag_celu: .eps is an option of other functions", ag_celu(D(2), .eps = 0.1))                 \
    X(celu_alpha, EINVAL, "ag_celu: .alpha is 0", ag_celu(D(2), .alpha = AG_ZERO))                                     \
    X(hardshrink_option, EINVAL, "ag_hardshrink: .alpha is an option of other functions",                              \
      ag_hardshrink(D(2), .alpha = 1))                                                                                 \
    X(softshrink_lambd, EINVAL, "ag_softshrink: .lambd -1 is negative", ag_softshrink(D(2), .lambd = -1))              \
    X(hardtanh_order, EINVAL, "ag_hardtanh: .min_val 2 is above .max_val 1", ag_hardtanh(D(2), .min_val = 2))          \
    X(hardtanh_option, EINVAL, "ag_hardtanh: .lower, .upper or .training is an option of other functions",             \
      ag_hardtanh(D(2), .training = true))                                                                             \
    X(rrelu_order, EINVAL, "ag_rrelu: .lower 1 is above .upper 0.5", ag_rrelu(D(2), .lower = 1, .upper = 0.5))         \
    X(rrelu_option, EINVAL, "ag_rrelu: .min_val or .max_val is an option of other functions",                          \
      ag_rrelu(D(2), .max_val = 1))                                                                                    \
    X(logit_eps, EINVAL, "ag_logit: .eps 1.5 is not in [0, 1]", ag_logit(D(2), .eps = 1.5))                        \
    X(threshold_nan, EINVAL, "ag_threshold: the threshold is NaN", ag_threshold(D(2), NAN, 0))                         \
    X(threshold_dtype, EDTYPE, "ag_threshold: needs f32 or f64, got i64 [2]; ag_to converts", ag_threshold(I(2), 0, 0))                \
    X(threshold_null, ENULL, "ag_threshold: operand 1 is NULL", ag_threshold(NONE, 0, 0))                              \
    X(prelu_weight, ESHAPE, "ag_prelu: weight [3] is neither one number nor one for each of axis 1 of [2,4]",          \
      ag_prelu(D(2, 4), D(3)))                                                                                         \
    X(prelu_rank, ESHAPE, "ag_prelu: weight [1,4] is neither one number nor one for each of axis 1 of [2,4]",          \
      ag_prelu(D(2, 4), D(1, 4)))                                                                                      \
    X(prelu_dtype, EDTYPE, "ag_prelu: dtypes differ: f64 [2,4] and f32 [4]", ag_prelu(D(2, 4), F(4)))                  \
    X(prelu_null, ENULL, "ag_prelu: the weight is NULL", ag_prelu(D(2, 4), NONE))                                      \
    X(glu_odd, ESHAPE, "ag_glu: axis 1 of [2,3] has no halves", ag_glu(D(2, 3), -1))                                   \
    X(glu_axis, EINVAL, "ag_glu: axis 2 of [2,4]", ag_glu(D(2, 4), 2))                                                 \
    X(glu_0d, EINVAL, "ag_glu: axis 0 of []", ag_glu(D0, 0))                                                           \
    X(glu_dtype, EDTYPE, "ag_glu: needs f32 or f64, got i64 [2]; ag_to converts", ag_glu(I(2), 0))                                     \
    X(softmin_axis, EINVAL, "ag_softmin: axis -3 of [2,4]", ag_softmin(D(2, 4), -3))                                   \
    X(softmin_dtype, EDTYPE, "ag_softmin: needs f32 or f64, got i64 [2]; ag_to converts", ag_softmin(I(2), 0))                         \
    X(softmin_null, ENULL, "ag_softmin: operand 1 is NULL", ag_softmin(NONE, 0))                                       \
    X(polygamma_order, EINVAL, "ag_polygamma: order -1 is negative", ag_polygamma(-1, D(2)))                           \
    X(polygamma_scalar, EINVAL, "ag_polygamma: order -2 is negative", ag_polygamma(-2, ag_input(1)))                   \
    X(iv_huge, EINVAL, "ag_iv: order 2147483647 is beyond 1000000", ag_iv(INT_MAX, D(2))) \
    X(iv_huge_scalar, EINVAL, "ag_iv: order 2147483647 is beyond 1000000", ag_iv(INT_MAX, ag_input(1))) \
    X(iv_order, EINVAL, "ag_iv: order -1 is negative", ag_iv(-1, D(2)))                                                \
    X(multigammaln_order, EINVAL, "ag_multigammaln: order 0 is not positive", ag_multigammaln(D(2), 0))                \
    X(multigammaln_dtype, EDTYPE, "ag_multigammaln: needs f32 or f64, got i64 [2]; ag_to converts", ag_multigammaln(I(2), 2))          \
    X(multigammaln_null, ENULL, "ag_multigammaln: operand 1 is NULL", ag_multigammaln(NONE, 2))                        \
    X(addcmul_shape, ESHAPE, "ag_addcmul: shapes do not broadcast: [2,3] and [2]", ag_addcmul(D(2, 3), D(3), D(2), 1)) \
    X(addcmul_dtype, EDTYPE, "ag_addcmul: dtypes differ: f64 [2] and f32 [2]", ag_addcmul(D(2), D(2), F(2), 1))        \
    X(addcmul_null, ENULL, "ag_addcmul: operand 3 is NULL", ag_addcmul(D(2), D(2), NONE, 1))                           \
    X(addcdiv_shape, ESHAPE, "ag_addcdiv: shapes do not broadcast: [2,3] and [2]", ag_addcdiv(D(2, 3), D(2), D(3), 1)) \
    X(addcdiv_dtype, EDTYPE, "ag_addcdiv: needs f32 or f64, got i64 [2]; ag_to converts", ag_addcdiv(I(2), I(2), I(2), 1))             \
    X(addcdiv_null, ENULL, "ag_addcdiv: operand 2 is NULL", ag_addcdiv(D(2), NONE, D(2), 1))                           \
    X(lerp_shape, ESHAPE, "ag_lerp: shapes do not broadcast: [2] and [3]", ag_lerp(D(2), D(3), 0.5))                   \
    X(lerp_weight, ESHAPE, "ag_lerp: shapes do not broadcast: [2] and [3]", ag_lerp(D(2), D(2), D(3)))                 \
    X(lerp_dtype, EDTYPE, "ag_lerp: dtypes differ: f64 [2] and f32 [2]", ag_lerp(D(2), F(2), 0.5))                     \
    X(lerp_null, ENULL, "ag_lerp: operand 2 is NULL", ag_lerp(D(2), NONE, 0.5))                                        \
    X(float_power_shape, ESHAPE, "ag_float_power: shapes do not broadcast: [2] and [3]", ag_float_power(D(2), I(3)))   \
    X(float_power_first, ENULL, "ag_float_power: operand 1 is NULL", ag_float_power(NONE, D(2)))                       \
    X(float_power_second, ENULL, "ag_float_power: operand 2 is NULL", ag_float_power(D(2), NONE))                      \
    X(isnan_null, ENULL, "ag_isnan: operand 1 is NULL", ag_isnan(NONE))                                                \
    X(isinf_null, ENULL, "ag_isinf: operand 1 is NULL", ag_isinf(NONE))                                                \
    X(isfinite_null, ENULL, "ag_isfinite: operand 1 is NULL", ag_isfinite(NONE))                                       \
    X(signbit_null, ENULL, "ag_signbit: operand 1 is NULL", ag_signbit(NONE))                                          \
    X(logical_not_null, ENULL, "ag_logical_not: operand 1 is NULL", ag_logical_not(NONE))
// clang-format on
#define ALL(X) UNARY(X) BINARY(X) PREDICATES(X) OPTIONS(X)
MISUSE_TABLE(ALL)

static void each_mistake(void **state)
{
    (void)state;
    MISUSE_CHECK();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_mistake) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
