/* scalar_ops.h - the elementary functions of scalars: one statement each, inline (pen.h) or a call.
 * Generated from ops.def by `make headers`; edit that. */
#ifndef AG_SCALAR_OPS_H
#define AG_SCALAR_OPS_H
#include <autograd/pen.h>
AG_BEGIN

AG__INLINED ag_scalar ags_neg(ag_scalar x) { return ags_neg_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_abs(ag_scalar x) { return ags_abs_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_sign(ag_scalar x) { return ags_sign_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_floor(ag_scalar x) { return ags_floor_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_ceil(ag_scalar x) { return ags_ceil_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_trunc(ag_scalar x) { return ags_trunc_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_round(ag_scalar x) { return ags_round_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_square(ag_scalar x) { return ags_square_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_sqrt(ag_scalar x) { return ags_sqrt_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_rsqrt(ag_scalar x) { return ags_rsqrt_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_reciprocal(ag_scalar x) { return ags_reciprocal_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_exp(ag_scalar x) { return ags_exp_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_expm1(ag_scalar x) { return ags_expm1_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_log(ag_scalar x) { return ags_log_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_log1p(ag_scalar x) { return ags_log1p_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_sin(ag_scalar x) { return ags_sin_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_cos(ag_scalar x) { return ags_cos_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_tan(ag_scalar x) { return ags_tan_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_asin(ag_scalar x) { return ags_asin_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_acos(ag_scalar x) { return ags_acos_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_atan(ag_scalar x) { return ags_atan_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_sinh(ag_scalar x) { return ags_sinh_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_cosh(ag_scalar x) { return ags_cosh_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_tanh(ag_scalar x) { return ags_tanh_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_erf(ag_scalar x) { return ags_erf_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_erfc(ag_scalar x) { return ags_erfc_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_sigmoid(ag_scalar x) { return ags_sigmoid_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_softplus(ag_scalar x) { return ags_softplus_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_relu(ag_scalar x) { return ags_relu_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_gelu(ag_scalar x) { return ags_gelu_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_gelu_tanh(ag_scalar x) { return ags_gelu_tanh_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_silu(ag_scalar x) { return ags_silu_on(&ag__pen, x); }
AG_API ag_scalar ags_logsigmoid_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_logsigmoid(ag_scalar x) { return ags_logsigmoid_on(&ag__pen, x); }
AG_API ag_scalar ags_mish_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_mish(ag_scalar x) { return ags_mish_on(&ag__pen, x); }
AG_API ag_scalar ags_selu_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_selu(ag_scalar x) { return ags_selu_on(&ag__pen, x); }
AG_API ag_scalar ags_relu6_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_relu6(ag_scalar x) { return ags_relu6_on(&ag__pen, x); }
AG_API ag_scalar ags_hardsigmoid_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_hardsigmoid(ag_scalar x) { return ags_hardsigmoid_on(&ag__pen, x); }
AG_API ag_scalar ags_hardswish_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_hardswish(ag_scalar x) { return ags_hardswish_on(&ag__pen, x); }
AG_API ag_scalar ags_softsign_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_softsign(ag_scalar x) { return ags_softsign_on(&ag__pen, x); }
AG_API ag_scalar ags_tanhshrink_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_tanhshrink(ag_scalar x) { return ags_tanhshrink_on(&ag__pen, x); }
AG_API ag_scalar ags_acosh_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_acosh(ag_scalar x) { return ags_acosh_on(&ag__pen, x); }
AG_API ag_scalar ags_asinh_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_asinh(ag_scalar x) { return ags_asinh_on(&ag__pen, x); }
AG_API ag_scalar ags_atanh_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_atanh(ag_scalar x) { return ags_atanh_on(&ag__pen, x); }
AG_API ag_scalar ags_exp2_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_exp2(ag_scalar x) { return ags_exp2_on(&ag__pen, x); }
AG_API ag_scalar ags_log2_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_log2(ag_scalar x) { return ags_log2_on(&ag__pen, x); }
AG_API ag_scalar ags_log10_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_log10(ag_scalar x) { return ags_log10_on(&ag__pen, x); }
AG_API ag_scalar ags_cbrt_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_cbrt(ag_scalar x) { return ags_cbrt_on(&ag__pen, x); }
AG_API ag_scalar ags_lgamma_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_lgamma(ag_scalar x) { return ags_lgamma_on(&ag__pen, x); }
AG_API ag_scalar ags_digamma_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_digamma(ag_scalar x) { return ags_digamma_on(&ag__pen, x); }
AG_API ag_scalar ags_erfinv_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_erfinv(ag_scalar x) { return ags_erfinv_on(&ag__pen, x); }
AG_API ag_scalar ags_erfcx_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_erfcx(ag_scalar x) { return ags_erfcx_on(&ag__pen, x); }
AG_API ag_scalar ags_ndtr_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_ndtr(ag_scalar x) { return ags_ndtr_on(&ag__pen, x); }
AG_API ag_scalar ags_log_ndtr_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_log_ndtr(ag_scalar x) { return ags_log_ndtr_on(&ag__pen, x); }
AG_API ag_scalar ags_ndtri_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_ndtri(ag_scalar x) { return ags_ndtri_on(&ag__pen, x); }
AG_API ag_scalar ags_entr_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_entr(ag_scalar x) { return ags_entr_on(&ag__pen, x); }
AG_API ag_scalar ags_i0_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_i0(ag_scalar x) { return ags_i0_on(&ag__pen, x); }
AG_API ag_scalar ags_i1_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_i1(ag_scalar x) { return ags_i1_on(&ag__pen, x); }
AG_API ag_scalar ags_i0e_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_i0e(ag_scalar x) { return ags_i0e_on(&ag__pen, x); }
AG_API ag_scalar ags_i1e_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_i1e(ag_scalar x) { return ags_i1e_on(&ag__pen, x); }
AG_API ag_scalar ags_sinc_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_sinc(ag_scalar x) { return ags_sinc_on(&ag__pen, x); }
AG_API ag_scalar ags_frac_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_frac(ag_scalar x) { return ags_frac_on(&ag__pen, x); }
AG_API ag_scalar ags_sgn_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_sgn(ag_scalar x) { return ags_sgn_on(&ag__pen, x); }
AG_API ag_scalar ags_rad2deg_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_rad2deg(ag_scalar x) { return ags_rad2deg_on(&ag__pen, x); }
AG_API ag_scalar ags_deg2rad_on(ag_pen *p, ag_scalar x);
AG__INLINED ag_scalar ags_deg2rad(ag_scalar x) { return ags_deg2rad_on(&ag__pen, x); }
AG__INLINED ag_scalar ags_add(ag_scalar a, ag_scalar b) { return ags_add_on(&ag__pen, a, b); }
AG__INLINED ag_scalar ags_sub(ag_scalar a, ag_scalar b) { return ags_sub_on(&ag__pen, a, b); }
AG__INLINED ag_scalar ags_mul(ag_scalar a, ag_scalar b) { return ags_mul_on(&ag__pen, a, b); }
AG__INLINED ag_scalar ags_div(ag_scalar a, ag_scalar b) { return ags_div_on(&ag__pen, a, b); }
AG__INLINED ag_scalar ags_pow(ag_scalar a, ag_scalar b) { return ags_pow_on(&ag__pen, a, b); }
AG__INLINED ag_scalar ags_maximum(ag_scalar a, ag_scalar b) { return ags_maximum_on(&ag__pen, a, b); }
AG__INLINED ag_scalar ags_minimum(ag_scalar a, ag_scalar b) { return ags_minimum_on(&ag__pen, a, b); }
AG__INLINED ag_scalar ags_atan2(ag_scalar a, ag_scalar b) { return ags_atan2_on(&ag__pen, a, b); }
AG_API ag_scalar ags_hypot_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_hypot(ag_scalar a, ag_scalar b) { return ags_hypot_on(&ag__pen, a, b); }
AG_API ag_scalar ags_fmax_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_fmax(ag_scalar a, ag_scalar b) { return ags_fmax_on(&ag__pen, a, b); }
AG_API ag_scalar ags_fmin_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_fmin(ag_scalar a, ag_scalar b) { return ags_fmin_on(&ag__pen, a, b); }
AG_API ag_scalar ags_fmod_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_fmod(ag_scalar a, ag_scalar b) { return ags_fmod_on(&ag__pen, a, b); }
AG_API ag_scalar ags_remainder_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_remainder(ag_scalar a, ag_scalar b) { return ags_remainder_on(&ag__pen, a, b); }
AG_API ag_scalar ags_copysign_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_copysign(ag_scalar a, ag_scalar b) { return ags_copysign_on(&ag__pen, a, b); }
AG_API ag_scalar ags_logaddexp_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_logaddexp(ag_scalar a, ag_scalar b) { return ags_logaddexp_on(&ag__pen, a, b); }
AG_API ag_scalar ags_logaddexp2_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_logaddexp2(ag_scalar a, ag_scalar b) { return ags_logaddexp2_on(&ag__pen, a, b); }
AG_API ag_scalar ags_xlogy_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_xlogy(ag_scalar a, ag_scalar b) { return ags_xlogy_on(&ag__pen, a, b); }
AG_API ag_scalar ags_xlog1py_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_xlog1py(ag_scalar a, ag_scalar b) { return ags_xlog1py_on(&ag__pen, a, b); }
AG_API ag_scalar ags_heaviside_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_heaviside(ag_scalar a, ag_scalar b) { return ags_heaviside_on(&ag__pen, a, b); }
AG_API ag_scalar ags_ldexp_on(ag_pen *p, ag_scalar a, ag_scalar b);
AG__INLINED ag_scalar ags_ldexp(ag_scalar a, ag_scalar b) { return ags_ldexp_on(&ag__pen, a, b); }
AG_API ag_scalar ags_polygamma_on(ag_pen *p, int n, ag_scalar x);
AG__INLINED ag_scalar ags_polygamma(int n, ag_scalar x) { return ags_polygamma_on(&ag__pen, n, x); }
AG_API ag_scalar ags_iv_on(ag_pen *p, int n, ag_scalar x);
AG__INLINED ag_scalar ags_iv(int n, ag_scalar x) { return ags_iv_on(&ag__pen, n, x); }
AG_API ag_scalar ags_ive_on(ag_pen *p, int n, ag_scalar x);
AG__INLINED ag_scalar ags_ive(int n, ag_scalar x) { return ags_ive_on(&ag__pen, n, x); }
AG_API ag_scalar ags_sinc_derivative_on(ag_pen *p, int n, ag_scalar x);
AG__INLINED ag_scalar ags_sinc_derivative(int n, ag_scalar x) { return ags_sinc_derivative_on(&ag__pen, n, x); }
/* a b + c as one statement. */
AG__INLINED ag_scalar ags_fma(ag_scalar a, ag_scalar b, ag_scalar c) { return ags_fma_on(&ag__pen, a, b, c); }

AG_END
#endif
