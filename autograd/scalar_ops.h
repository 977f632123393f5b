/* scalar_ops.h - the elementary functions of scalars: one statement each, inline (pen.h).
 * Generated from ops.def by `make headers`; edit that. */
#ifndef AG_SCALAR_OPS_H
#define AG_SCALAR_OPS_H
#include <autograd/pen.h>
AG_BEGIN

static inline ag_scalar ags_neg(ag_scalar x) { return ags_neg_on(&ag__pen, x); }
static inline ag_scalar ags_abs(ag_scalar x) { return ags_abs_on(&ag__pen, x); }
static inline ag_scalar ags_sign(ag_scalar x) { return ags_sign_on(&ag__pen, x); }
static inline ag_scalar ags_floor(ag_scalar x) { return ags_floor_on(&ag__pen, x); }
static inline ag_scalar ags_ceil(ag_scalar x) { return ags_ceil_on(&ag__pen, x); }
static inline ag_scalar ags_trunc(ag_scalar x) { return ags_trunc_on(&ag__pen, x); }
static inline ag_scalar ags_round(ag_scalar x) { return ags_round_on(&ag__pen, x); }
static inline ag_scalar ags_square(ag_scalar x) { return ags_square_on(&ag__pen, x); }
static inline ag_scalar ags_sqrt(ag_scalar x) { return ags_sqrt_on(&ag__pen, x); }
static inline ag_scalar ags_rsqrt(ag_scalar x) { return ags_rsqrt_on(&ag__pen, x); }
static inline ag_scalar ags_reciprocal(ag_scalar x) { return ags_reciprocal_on(&ag__pen, x); }
static inline ag_scalar ags_exp(ag_scalar x) { return ags_exp_on(&ag__pen, x); }
static inline ag_scalar ags_expm1(ag_scalar x) { return ags_expm1_on(&ag__pen, x); }
static inline ag_scalar ags_log(ag_scalar x) { return ags_log_on(&ag__pen, x); }
static inline ag_scalar ags_log1p(ag_scalar x) { return ags_log1p_on(&ag__pen, x); }
static inline ag_scalar ags_sin(ag_scalar x) { return ags_sin_on(&ag__pen, x); }
static inline ag_scalar ags_cos(ag_scalar x) { return ags_cos_on(&ag__pen, x); }
static inline ag_scalar ags_tan(ag_scalar x) { return ags_tan_on(&ag__pen, x); }
static inline ag_scalar ags_asin(ag_scalar x) { return ags_asin_on(&ag__pen, x); }
static inline ag_scalar ags_acos(ag_scalar x) { return ags_acos_on(&ag__pen, x); }
static inline ag_scalar ags_atan(ag_scalar x) { return ags_atan_on(&ag__pen, x); }
static inline ag_scalar ags_sinh(ag_scalar x) { return ags_sinh_on(&ag__pen, x); }
static inline ag_scalar ags_cosh(ag_scalar x) { return ags_cosh_on(&ag__pen, x); }
static inline ag_scalar ags_tanh(ag_scalar x) { return ags_tanh_on(&ag__pen, x); }
static inline ag_scalar ags_erf(ag_scalar x) { return ags_erf_on(&ag__pen, x); }
static inline ag_scalar ags_erfc(ag_scalar x) { return ags_erfc_on(&ag__pen, x); }
static inline ag_scalar ags_sigmoid(ag_scalar x) { return ags_sigmoid_on(&ag__pen, x); }
static inline ag_scalar ags_softplus(ag_scalar x) { return ags_softplus_on(&ag__pen, x); }
static inline ag_scalar ags_relu(ag_scalar x) { return ags_relu_on(&ag__pen, x); }
static inline ag_scalar ags_gelu(ag_scalar x) { return ags_gelu_on(&ag__pen, x); }
static inline ag_scalar ags_gelu_tanh(ag_scalar x) { return ags_gelu_tanh_on(&ag__pen, x); }
static inline ag_scalar ags_add(ag_scalar a, ag_scalar b) { return ags_add_on(&ag__pen, a, b); }
static inline ag_scalar ags_sub(ag_scalar a, ag_scalar b) { return ags_sub_on(&ag__pen, a, b); }
static inline ag_scalar ags_mul(ag_scalar a, ag_scalar b) { return ags_mul_on(&ag__pen, a, b); }
static inline ag_scalar ags_div(ag_scalar a, ag_scalar b) { return ags_div_on(&ag__pen, a, b); }
static inline ag_scalar ags_pow(ag_scalar a, ag_scalar b) { return ags_pow_on(&ag__pen, a, b); }
static inline ag_scalar ags_maximum(ag_scalar a, ag_scalar b) { return ags_maximum_on(&ag__pen, a, b); }
static inline ag_scalar ags_minimum(ag_scalar a, ag_scalar b) { return ags_minimum_on(&ag__pen, a, b); }
static inline ag_scalar ags_atan2(ag_scalar a, ag_scalar b) { return ags_atan2_on(&ag__pen, a, b); }
/* a b + c as one statement. */
static inline ag_scalar ags_fma(ag_scalar a, ag_scalar b, ag_scalar c) { return ags_fma_on(&ag__pen, a, b, c); }

AG_END
#endif
