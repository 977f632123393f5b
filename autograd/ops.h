/* ops.h - the differentiable operations. All return a temporary, or NULL (see error.h).
 * Generated from ops.def by `make headers`; edit that. */
#ifndef AG_OPS_H
#define AG_OPS_H
#include <autograd/ops_options.h>
#include <autograd/scalar.h>
AG_BEGIN

/* ---- Arithmetic. Operands broadcast as in NumPy; either may be a C number. */
AG_API ag_tensor *ag_add(ag_tensor *a, ag_tensor *b);              /* a + b */
AG_API ag_tensor *ag_sub(ag_tensor *a, ag_tensor *b);              /* a - b */
AG_API ag_tensor *ag_mul(ag_tensor *a, ag_tensor *b);              /* a b */
AG_API ag_tensor *ag_div(ag_tensor *a, ag_tensor *b);              /* a / b */
AG_API ag_tensor *ag_pow(ag_tensor *a, ag_tensor *b);              /* a^b; d/da a^0 = 0, d/db 0^b = 0 for b >= 0 */
AG_API ag_tensor *ag_maximum(ag_tensor *a, ag_tensor *b);          /* the larger; ties share the gradient */
AG_API ag_tensor *ag_minimum(ag_tensor *a, ag_tensor *b);          /* the smaller; ties share the gradient */
/* angle of the point (b, a); slopes 0 at the origin */
AG_API ag_tensor *ag_atan2(ag_tensor *a, ag_tensor *b);

/* ---- Elementary functions, for tensors and scalars. */
AG_API ag_tensor *ag_neg(ag_tensor *x);                            /* -x */
AG_API ag_tensor *ag_abs(ag_tensor *x);                            /* |x|; slope 0 at 0 */
AG_API ag_tensor *ag_sign(ag_tensor *x);                           /* -1, 0 or 1; slope 0 */
AG_API ag_tensor *ag_floor(ag_tensor *x);                          /* largest whole number <= x; slope 0 */
AG_API ag_tensor *ag_ceil(ag_tensor *x);                           /* smallest whole number >= x; slope 0 */
AG_API ag_tensor *ag_trunc(ag_tensor *x);                          /* x without its fraction; slope 0 */
AG_API ag_tensor *ag_round(ag_tensor *x);                          /* nearest whole number, halves to even; slope 0 */
AG_API ag_tensor *ag_square(ag_tensor *x);                         /* x^2 */
AG_API ag_tensor *ag_sqrt(ag_tensor *x);                           /* square root; slope inf at 0 */
AG_API ag_tensor *ag_rsqrt(ag_tensor *x);                          /* 1 / sqrt x */
AG_API ag_tensor *ag_reciprocal(ag_tensor *x);                     /* 1 / x */
AG_API ag_tensor *ag_exp(ag_tensor *x);                            /* e^x */
AG_API ag_tensor *ag_expm1(ag_tensor *x);                          /* e^x - 1, exact near 0 */
AG_API ag_tensor *ag_log(ag_tensor *x);                            /* natural logarithm */
AG_API ag_tensor *ag_log1p(ag_tensor *x);                          /* log(1 + x), exact near 0 */
AG_API ag_tensor *ag_sin(ag_tensor *x);                            /* sine, radians */
AG_API ag_tensor *ag_cos(ag_tensor *x);                            /* cosine */
AG_API ag_tensor *ag_tan(ag_tensor *x);                            /* tangent */
AG_API ag_tensor *ag_asin(ag_tensor *x);                           /* inverse sine */
AG_API ag_tensor *ag_acos(ag_tensor *x);                           /* inverse cosine */
AG_API ag_tensor *ag_atan(ag_tensor *x);                           /* inverse tangent */
AG_API ag_tensor *ag_sinh(ag_tensor *x);                           /* hyperbolic sine */
AG_API ag_tensor *ag_cosh(ag_tensor *x);                           /* hyperbolic cosine */
AG_API ag_tensor *ag_tanh(ag_tensor *x);                           /* hyperbolic tangent */
AG_API ag_tensor *ag_erf(ag_tensor *x);                            /* error function */
AG_API ag_tensor *ag_erfc(ag_tensor *x);                           /* 1 - erf x, exact for large x */
AG_API ag_tensor *ag_sigmoid(ag_tensor *x);                        /* 1 / (1 + e^-x) */
AG_API ag_tensor *ag_softplus(ag_tensor *x);                       /* log(1 + e^x), without overflow */
AG_API ag_tensor *ag_relu(ag_tensor *x);                           /* max(x, 0); slope 0 at 0 */
/* x Phi(x), Phi the normal distribution (Hendrycks & Gimpel 2016) */
AG_API ag_tensor *ag_gelu(ag_tensor *x);
/* gelu approximated by x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
AG_API ag_tensor *ag_gelu_tanh(ag_tensor *x);
AG_API ag_tensor *ag_silu(ag_tensor *x);                           /* x sigmoid(x), also called swish */

/* ---- Elementary functions of tensors with parameters. */
AG_API ag_tensor *ag_leaky_relu(ag_tensor *x, double slope);       /* x where x > 0, else slope x */
/* log(1 + e^(beta x)) / beta; x itself where beta x > threshold, as PyTorch does */
AG_API ag_tensor *ag_softplus_beta(ag_tensor *x, double beta, double threshold);
/* min(max(x, low), high); the gradient passes where low <= x <= high */
AG_API ag_tensor *ag_clamp(ag_tensor *x, double low, double high);
/* 0 with probability p, in [0,1), else x / (1 - p); by the thread's generator; the gradient passes where x did */
AG_API ag_tensor *ag_dropout(ag_tensor *x, double p);
/* dropout of whole channels of [n, c, l] or [c, l] */
AG_API ag_tensor *ag_dropout1d(ag_tensor *x, double p);
/* dropout of whole channels of [n, c, h, w], [n, c, l] or [n, c] */
AG_API ag_tensor *ag_dropout2d(ag_tensor *x, double p);
/* dropout of whole channels of [n, c, d, h, w] or [c, d, h, w] */
AG_API ag_tensor *ag_dropout3d(ag_tensor *x, double p);
/* what is dropped becomes selu's limit -1.758, and mean and variance stay (Klambauer et al. 2017) */
AG_API ag_tensor *ag_alpha_dropout(ag_tensor *x, double p);
/* alpha_dropout of whole channels of [n, c, ...] */
AG_API ag_tensor *ag_feature_alpha_dropout(ag_tensor *x, double p);
/* a where condition (bool), else b; all three broadcast */
AG_API ag_tensor *ag_where(ag_tensor *condition, ag_tensor *a, ag_tensor *b);

/* ---- Activations. */
AG_API ag_tensor *ag_logsigmoid(ag_tensor *x);                     /* log of sigmoid x, without overflow */
AG_API ag_tensor *ag_mish(ag_tensor *x);                           /* x tanh(softplus(x)) */
/* s x where x > 0, else s a (e^x - 1); s = 1.0507.., a = 1.6732.. (Klambauer et al. 2017) */
AG_API ag_tensor *ag_selu(ag_tensor *x);
AG_API ag_tensor *ag_relu6(ag_tensor *x);                          /* min(max(x, 0), 6); slope 0 at 0 and 6 */
/* min(max(x + 3, 0), 6) / 6; the slope is the float nearest to 1/6, as PyTorch's, and 0 at -3 and 3 */
AG_API ag_tensor *ag_hardsigmoid(ag_tensor *x);
AG_API ag_tensor *ag_hardswish(ag_tensor *x);                      /* x hardsigmoid(x); slope x / 3 + 1/2 at -3 and 3 */
AG_API ag_tensor *ag_softsign(ag_tensor *x);                       /* x / (1 + |x|) */
AG_API ag_tensor *ag_tanhshrink(ag_tensor *x);                     /* x - tanh x */
/* x where x > 0, else alpha (e^x - 1); alpha 1 */
AG_API ag_tensor *ag_elu(ag_tensor *x, AG_OPTIONS(ag_activation_options));
/* x where x > 0, else alpha (e^(x / alpha) - 1); alpha 1 */
AG_API ag_tensor *ag_celu(ag_tensor *x, AG_OPTIONS(ag_activation_options));
/* x where |x| > lambd, else 0; lambd 1/2 */
AG_API ag_tensor *ag_hardshrink(ag_tensor *x, AG_OPTIONS(ag_activation_options));
/* x moved by lambd towards 0, 0 where |x| <= lambd; lambd 1/2 */
AG_API ag_tensor *ag_softshrink(ag_tensor *x, AG_OPTIONS(ag_activation_options));
/* min(max(x, min_val), max_val), -1 and 1; slope 0 at both */
AG_API ag_tensor *ag_hardtanh(ag_tensor *x, AG_OPTIONS(ag_activation_options));
/* x where x > threshold, else value; slope 0 there */
AG_API ag_tensor *ag_threshold(ag_tensor *x, double threshold, double value);
/* x where x > 0, else weight x; weight: one number, or [c] along axis 1 of x */
AG_API ag_tensor *ag_prelu(ag_tensor *x, ag_tensor *weight);
/* x where x > 0, else x times a random number of [lower, upper] if .training, else their mean */
AG_API ag_tensor *ag_rrelu(ag_tensor *x, AG_OPTIONS(ag_activation_options));
/* one half along an axis times the sigmoid of the other */
AG_API ag_tensor *ag_glu(ag_tensor *x, int axis);
AG_API ag_tensor *ag_softmin(ag_tensor *x, int axis);              /* softmax of -x */

/* ---- Special functions. */
AG_API ag_tensor *ag_acosh(ag_tensor *x);                          /* inverse hyperbolic cosine */
AG_API ag_tensor *ag_asinh(ag_tensor *x);                          /* inverse hyperbolic sine */
AG_API ag_tensor *ag_atanh(ag_tensor *x);                          /* inverse hyperbolic tangent */
AG_API ag_tensor *ag_exp2(ag_tensor *x);                           /* 2^x */
AG_API ag_tensor *ag_log2(ag_tensor *x);                           /* logarithm to base 2 */
AG_API ag_tensor *ag_log10(ag_tensor *x);                          /* logarithm to base 10 */
AG_API ag_tensor *ag_cbrt(ag_tensor *x);                           /* cube root; slope inf at 0 */
AG_API ag_tensor *ag_lgamma(ag_tensor *x);                         /* log of |Gamma(x)| */
AG_API ag_tensor *ag_digamma(ag_tensor *x);                        /* slope of lgamma; -inf at 0, NaN at -1, -2, .. */
AG_API ag_tensor *ag_polygamma(int n, ag_tensor *x);               /* n-th derivative of digamma, n >= 0 */
AG_API ag_tensor *ag_erfinv(ag_tensor *x);                         /* inverse of erf */
AG_API ag_tensor *ag_erfcx(ag_tensor *x);                          /* e^(x^2) erfc(x) */
AG_API ag_tensor *ag_ndtr(ag_tensor *x);                           /* Phi(x), the normal distribution */
AG_API ag_tensor *ag_log_ndtr(ag_tensor *x);                       /* log of ndtr, for small x too */
AG_API ag_tensor *ag_ndtri(ag_tensor *x);                          /* inverse of ndtr */
AG_API ag_tensor *ag_entr(ag_tensor *x);                           /* -x log x, 0 at 0, -inf below */
AG_API ag_tensor *ag_i0(ag_tensor *x);                             /* modified Bessel function of order 0 */
AG_API ag_tensor *ag_i1(ag_tensor *x);                             /* modified Bessel function of order 1 */
AG_API ag_tensor *ag_i0e(ag_tensor *x);                            /* e^-|x| i0(x); slope 0 at 0 */
AG_API ag_tensor *ag_i1e(ag_tensor *x);                            /* e^-|x| i1(x) */
AG_API ag_tensor *ag_iv(int n, ag_tensor *x);                      /* modified Bessel function of order n */
AG_API ag_tensor *ag_ive(int n, ag_tensor *x);                     /* e^-|x| iv(n, x) */
AG_API ag_tensor *ag_sinc(ag_tensor *x);                           /* sin(pi x) / (pi x), 1 at 0 */
/* n-th derivative of sinc; the first by PyTorch's formula */
AG_API ag_tensor *ag_sinc_derivative(int n, ag_tensor *x);
AG_API ag_tensor *ag_frac(ag_tensor *x);                           /* x without its whole part; slope 1 */
AG_API ag_tensor *ag_sgn(ag_tensor *x);                            /* sign */
AG_API ag_tensor *ag_rad2deg(ag_tensor *x);                        /* radians in degrees */
AG_API ag_tensor *ag_deg2rad(ag_tensor *x);                        /* degrees in radians */
/* sqrt(a^2 + b^2), without overflow; slopes 0 at the origin */
AG_API ag_tensor *ag_hypot(ag_tensor *a, ag_tensor *b);
/* the larger, of NaN the other; ties share the gradient */
AG_API ag_tensor *ag_fmax(ag_tensor *a, ag_tensor *b);
/* the smaller, of NaN the other; ties share the gradient */
AG_API ag_tensor *ag_fmin(ag_tensor *a, ag_tensor *b);
AG_API ag_tensor *ag_fmod(ag_tensor *a, ag_tensor *b);             /* a - b trunc(a / b): the sign of a */
AG_API ag_tensor *ag_remainder(ag_tensor *a, ag_tensor *b);        /* a - b floor(a / b): the sign of b */
AG_API ag_tensor *ag_copysign(ag_tensor *a, ag_tensor *b);         /* |a| with the sign of b; slope 0 at a = 0 */
AG_API ag_tensor *ag_logaddexp(ag_tensor *a, ag_tensor *b);        /* log(e^a + e^b), without overflow */
AG_API ag_tensor *ag_logaddexp2(ag_tensor *a, ag_tensor *b);       /* log2(2^a + 2^b), without overflow */
AG_API ag_tensor *ag_xlogy(ag_tensor *a, ag_tensor *b);            /* a log b, 0 where a = 0 */
AG_API ag_tensor *ag_xlog1py(ag_tensor *a, ag_tensor *b);          /* a log(1 + b), 0 where a = 0 */
/* 0 where a < 0, 1 where a > 0, b where a = 0 */
AG_API ag_tensor *ag_heaviside(ag_tensor *a, ag_tensor *b);
AG_API ag_tensor *ag_ldexp(ag_tensor *a, ag_tensor *b);            /* a 2^b */
AG_API ag_tensor *ag_float_power(ag_tensor *a, ag_tensor *b);      /* a^b in f64 */
/* the larger; ties with a tensor share the gradient, with a number it is a's */
AG_API ag_tensor *ag_clamp_min(ag_tensor *a, ag_tensor *b);
/* the smaller; ties with a tensor share the gradient, with a number it is a's */
AG_API ag_tensor *ag_clamp_max(ag_tensor *a, ag_tensor *b);
/* log(x / (1 - x)); with .eps of x kept in [eps, 1 - eps], slope 0 outside */
AG_API ag_tensor *ag_logit(ag_tensor *x, AG_OPTIONS(ag_activation_options));
/* x, but numbers in the place of NaN and infinities, with slope 0 */
AG_API ag_tensor *ag_nan_to_num(ag_tensor *x, AG_OPTIONS(ag_nan_options));
/* log of the p-variate gamma function: p (p - 1) / 4 log pi + the sum of lgamma(x - j / 2) for j < p */
AG_API ag_tensor *ag_multigammaln(ag_tensor *x, int p);
AG_API ag_tensor *ag_addcmul(ag_tensor *x, ag_tensor *a, ag_tensor *b, double value); /* x + value a b */
/* x + value a / b */
AG_API ag_tensor *ag_addcdiv(ag_tensor *x, ag_tensor *a, ag_tensor *b, double value);
/* a + weight (b - a); in C the weight may be a number */
AG_API ag_tensor *ag_lerp(ag_tensor *a, ag_tensor *b, ag_tensor *weight);

/* ---- Predicates: bool tensors, no gradient. */
AG_API ag_tensor *ag_isnan(ag_tensor *x);                          /* is it NaN */
AG_API ag_tensor *ag_isinf(ag_tensor *x);                          /* is it an infinity */
AG_API ag_tensor *ag_isfinite(ag_tensor *x);                       /* is it neither */
AG_API ag_tensor *ag_signbit(ag_tensor *x);                        /* is it negative, or -0 */
AG_API ag_tensor *ag_logical_not(ag_tensor *x);                    /* is it 0 */
AG_API ag_tensor *ag_logical_and(ag_tensor *a, ag_tensor *b);      /* are both not 0; any dtype each */
AG_API ag_tensor *ag_logical_or(ag_tensor *a, ag_tensor *b);       /* is one not 0 */
AG_API ag_tensor *ag_logical_xor(ag_tensor *a, ag_tensor *b);      /* is just one not 0 */

/* ---- Comparisons: bool tensors, no gradient. Either operand may be a C number. */
AG_API ag_tensor *ag_eq(ag_tensor *a, ag_tensor *b);               /* a == b */
AG_API ag_tensor *ag_ne(ag_tensor *a, ag_tensor *b);               /* a != b */
AG_API ag_tensor *ag_lt(ag_tensor *a, ag_tensor *b);               /* a < b */
AG_API ag_tensor *ag_le(ag_tensor *a, ag_tensor *b);               /* a <= b */
AG_API ag_tensor *ag_gt(ag_tensor *a, ag_tensor *b);               /* a > b */
AG_API ag_tensor *ag_ge(ag_tensor *a, ag_tensor *b);               /* a >= b */

/* ---- Reductions: ag_sum(x) over everything to 0-d, ag_sum(x, 0, -1) over some axes, ag_sum_keep(x, 1) keeping them
 * as size 1. */
AG_API ag_tensor *ag_sum(ag_tensor *x, int n, const int *axes);    /* of integers and bool: i64 */
AG_API ag_tensor *ag_sum_keep(ag_tensor *x, int n, const int *axes);
/* floating dtypes only; of nothing NaN */
AG_API ag_tensor *ag_mean(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_mean_keep(ag_tensor *x, int n, const int *axes);
/* ties share the gradient; not of nothing */
AG_API ag_tensor *ag_max(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_max_keep(ag_tensor *x, int n, const int *axes);
/* ties share the gradient; not of nothing */
AG_API ag_tensor *ag_min(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_min_keep(ag_tensor *x, int n, const int *axes);
/* log of the sum of e^x, without overflow */
AG_API ag_tensor *ag_logsumexp(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_logsumexp_keep(ag_tensor *x, int n, const int *axes);
/* of nothing 1; of integers and bool: i64; derivatives are right where elements are 0 */
AG_API ag_tensor *ag_prod(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_prod_keep(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_nansum(ag_tensor *x, int n, const int *axes); /* NaN counts as 0 */
AG_API ag_tensor *ag_nansum_keep(ag_tensor *x, int n, const int *axes);
/* mean of what is not NaN; of nothing NaN */
AG_API ag_tensor *ag_nanmean(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_nanmean_keep(ag_tensor *x, int n, const int *axes);
/* bool: is one of them not 0; of nothing false */
AG_API ag_tensor *ag_any(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_any_keep(ag_tensor *x, int n, const int *axes);
/* bool: are all of them not 0; of nothing true */
AG_API ag_tensor *ag_all(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_all_keep(ag_tensor *x, int n, const int *axes);
/* i64 index of the first largest element along an axis, which goes; no gradient */
AG_API ag_tensor *ag_argmax(ag_tensor *x, int axis);
/* i64 index of the first smallest element along an axis, which goes; no gradient */
AG_API ag_tensor *ag_argmin(ag_tensor *x, int axis);
/* sum of (x - mean)^2 divided by max(0, n - .correction) */
AG_API ag_tensor *ag_var(ag_tensor *x, AG_OPTIONS(ag_reduce_options));
AG_API ag_tensor *ag_std(ag_tensor *x, AG_OPTIONS(ag_reduce_options)); /* root of var; slope 0 at 0 */
/* of an even number the lower of the middle two; of everything, equal elements share the gradient; along one axis
 * the first of them has it, and .index leaves its place; NaN wins */
AG_API ag_tensor *ag_median(ag_tensor *x, AG_OPTIONS(ag_reduce_options));
/* median of what is not NaN */
AG_API ag_tensor *ag_nanmedian(ag_tensor *x, AG_OPTIONS(ag_reduce_options));
/* at place q (n - 1) of the sorted elements, between two of them by .interpolation; q in [0,1], one or a list:
 * [k, ...]; NaN wins */
AG_API ag_tensor *ag_quantile(ag_tensor *x, ag_tensor *q, AG_OPTIONS(ag_reduce_options));
/* quantile of what is not NaN */
AG_API ag_tensor *ag_nanquantile(ag_tensor *x, ag_tensor *q, AG_OPTIONS(ag_reduce_options));

/* ---- Order. NaN is larger than every number, equal elements keep their order. .index leaves the places of the
 * results along the axis. */
/* ascending, or .descending */
AG_API ag_tensor *ag_sort(ag_tensor *x, int axis, AG_OPTIONS(ag_order_options));
/* i64 indices of the sorted elements; no gradient */
AG_API ag_tensor *ag_argsort(ag_tensor *x, int axis, AG_OPTIONS(ag_order_options));
/* the k largest in descending order, or .smallest in ascending */
AG_API ag_tensor *ag_topk(ag_tensor *x, int64_t k, int axis, AG_OPTIONS(ag_order_options));
/* the k-th smallest, k from 1 */
AG_API ag_tensor *ag_kthvalue(ag_tensor *x, int64_t k, int axis, AG_OPTIONS(ag_order_options));
/* the most frequent element, the smallest of several such; the last of the equals has the gradient */
AG_API ag_tensor *ag_mode(ag_tensor *x, int axis, AG_OPTIONS(ag_order_options));
/* largest so far; the last of equals has the gradient */
AG_API ag_tensor *ag_cummax(ag_tensor *x, int axis, AG_OPTIONS(ag_order_options));
/* smallest so far; the last of equals has the gradient */
AG_API ag_tensor *ag_cummin(ag_tensor *x, int axis, AG_OPTIONS(ag_order_options));
/* i64: how many elements of the sorted sequence, the last axis, are smaller than each value; right: or equal. One
 * sequence [n], or one for each row of values; no gradient */
AG_API ag_tensor *ag_searchsorted(ag_tensor *sorted, ag_tensor *values, bool right);
/* searchsorted in boundaries [n]; no gradient */
AG_API ag_tensor *ag_bucketize(ag_tensor *values, ag_tensor *boundaries, bool right);

/* ---- Running results along an axis. */
AG_API ag_tensor *ag_cumsum(ag_tensor *x, int axis);               /* sums so far; of integers and bool: i64 */
/* products so far; of integers and bool: i64; derivatives are right where elements are 0 */
AG_API ag_tensor *ag_cumprod(ag_tensor *x, int axis);
/* log of the running sum of e^x, without overflow */
AG_API ag_tensor *ag_logcumsumexp(ag_tensor *x, int axis);
/* each element minus the one before it, .n times */
AG_API ag_tensor *ag_diff(ag_tensor *x, int axis, AG_OPTIONS(ag_diff_options));

/* ---- Normalised exponentials. */
AG_API ag_tensor *ag_softmax(ag_tensor *x, int axis);              /* e^x / sum of e^x along an axis */
AG_API ag_tensor *ag_log_softmax(ag_tensor *x, int axis);          /* log of softmax, without overflow */

/* ---- Products. */
/* [..., m, k] [..., k, n] -> [..., m, n], leading axes broadcast; 1-d operands as in NumPy */
AG_API ag_tensor *ag_matmul(ag_tensor *a, ag_tensor *b);
/* x [..., in] times weight' [out, in] plus bias [out], which may be NULL -> [..., out] */
AG_API ag_tensor *ag_linear(ag_tensor *x, ag_tensor *weight, ag_tensor *bias);
/* AG_RELU, AG_TANH or AG_SIGMOID of linear(x, weight, bias), in one pass each way */
AG_API ag_tensor *ag_linear_act(ag_tensor *x, ag_tensor *weight, ag_tensor *bias, ag_activation act);

/* ---- Shape. Views wherever strides allow. */
/* same elements in row-major order; one size may be -1 */
AG_API ag_tensor *ag_reshape(ag_tensor *x, int n, const int64_t *dims);
/* size-1 axes repeated without copying, new axes in front; -1 keeps a size */
AG_API ag_tensor *ag_expand(ag_tensor *x, int n, const int64_t *dims);
AG_API ag_tensor *ag_permute(ag_tensor *x, int n, const int64_t *dims); /* axes in their new order */
AG_API ag_tensor *ag_squeeze(ag_tensor *x, int axis);              /* drops a size-1 axis */
AG_API ag_tensor *ag_unsqueeze(ag_tensor *x, int axis);            /* adds a size-1 axis */
AG_API ag_tensor *ag_flip(ag_tensor *x, int n, const int *axes);   /* reversed along each axis given */
AG_API ag_tensor *ag_transpose(ag_tensor *x, int a, int b);        /* swaps two axes */
/* elements from .. to-1; negative counts from the end; clipped to the axis as in Python */
AG_API ag_tensor *ag_slice(ag_tensor *x, int axis, int64_t from, int64_t to);
/* every step-th element of from .. to-1; step > 0 */
AG_API ag_tensor *ag_slice_step(ag_tensor *x, int axis, int64_t from, int64_t to, int64_t step);
/* one element of an axis, which goes; negative counts from the end */
AG_API ag_tensor *ag_select(ag_tensor *x, int axis, int64_t index);
AG_API ag_tensor *ag_cat(ag_list x, int axis);                     /* joined along an axis */
AG_API ag_tensor *ag_stack(ag_list x, int axis);                   /* joined along a new axis */
/* element i moves to i + shift, around the end */
AG_API ag_tensor *ag_roll(ag_tensor *x, int64_t shift, int axis);
/* turned k quarters from axis a towards axis b */
AG_API ag_tensor *ag_rot90(ag_tensor *x, int k, int a, int b);
/* the whole x so often along each axis, the last sizes for its own */
AG_API ag_tensor *ag_repeat(ag_tensor *x, int n, const int64_t *dims);
/* as repeat, with missing sizes in front taken as 1 */
AG_API ag_tensor *ag_tile(ag_tensor *x, int n, const int64_t *dims);
/* each element so often, in place; repeats: integers, one for each element of the axis or one for all, or
 * ag_num(k) */
AG_API ag_tensor *ag_repeat_interleave(ag_tensor *x, ag_tensor *repeats, int axis);
/* windows of an axis, as a new last axis of that size: a view */
AG_API ag_tensor *ag_unfold(ag_tensor *x, int axis, int64_t size, int64_t step);
/* a border of sizes (before, after), the last axis first: AG_SIZES(1, 1, 2, 2); negative: cut off. Filled with
 * .value; or .mode: mirrored without its edge, with its edge elements, or from the other end */
AG_API ag_tensor *ag_pad(ag_tensor *x, ag_sizes sizes, AG_OPTIONS(ag_pad_options));
/* channels, axis 1, of which group g has number i become number i groups + g */
AG_API ag_tensor *ag_channel_shuffle(ag_tensor *x, int64_t groups);
/* [.., c r^2, h, w] -> [.., c, h r, w r] */
AG_API ag_tensor *ag_pixel_shuffle(ag_tensor *x, int64_t factor);
/* [.., c, h r, w r] -> [.., c r^2, h, w] */
AG_API ag_tensor *ag_pixel_unshuffle(ag_tensor *x, int64_t factor);
/* axis `from` stands at `to`, the others in their order */
AG_API ag_tensor *ag_movedim(ag_tensor *x, int from, int to);
AG_API ag_tensor *ag_flatten(ag_tensor *x, int from, int to);      /* axes from .. to joined into one */
/* an axis split into several; one size may be -1 */
AG_API ag_tensor *ag_unflatten(ag_tensor *x, int axis, ag_sizes sizes);
/* length elements of an axis, which it must have */
AG_API ag_tensor *ag_narrow(ag_tensor *x, int axis, int64_t from, int64_t length);
/* a diagonal of two axes, which becomes the last axis: a view */
AG_API ag_tensor *ag_diagonal(ag_tensor *x, AG_OPTIONS(ag_diag_options));
/* the last axis as a diagonal of two new ones, 0 elsewhere */
AG_API ag_tensor *ag_diag_embed(ag_tensor *x, AG_OPTIONS(ag_diag_options));
/* diag_embed of a vector, diagonal of a matrix */
AG_API ag_tensor *ag_diag(ag_tensor *x, int64_t offset);
/* matrices with 0 above a diagonal; > 0: one above the main one */
AG_API ag_tensor *ag_tril(ag_tensor *x, int64_t offset);
AG_API ag_tensor *ag_triu(ag_tensor *x, int64_t offset);           /* matrices with 0 below a diagonal */
AG_API ag_tensor *ag_hstack(ag_list x);                            /* joined along axis 1, vectors along axis 0 */
AG_API ag_tensor *ag_vstack(ag_list x);                            /* joined along axis 0, vectors as rows */
AG_API ag_tensor *ag_dstack(ag_list x);                            /* joined along axis 2, [n] as [1,n,1] and [m,n] as [m,n,1] */
AG_API ag_tensor *ag_column_stack(ag_list x);                      /* joined along axis 1, vectors as columns */
/* parts of that size, the last one smaller: views */
AG_API ag_list ag_split(ag_tensor *x, int64_t size, int axis);
AG_API ag_list ag_split_sizes(ag_tensor *x, ag_sizes sizes, int axis); /* parts of these sizes: views */
/* n parts of one size, the last one smaller; fewer where they would be empty */
AG_API ag_list ag_chunk(ag_tensor *x, int64_t n, int axis);
AG_API ag_list ag_unbind(ag_tensor *x, int axis);                  /* its elements along an axis, which goes: views */
/* 1-d tensors expanded to the axes of all of them; xy: the first two axes swapped */
AG_API ag_list ag_meshgrid(ag_list x, bool xy);
AG_API ag_tensor *ag_to(ag_tensor *x, ag_dtype dtype);             /* converted; the gradient is converted back */
AG_API ag_tensor *ag_clone(ag_tensor *x);                          /* a copy in the same memory order */
AG_API ag_tensor *ag_contiguous(ag_tensor *x);                     /* x itself if row-major, else a row-major copy */

/* ---- Indexing by integer tensors (any integer dtype). Negative indices are errors. */
/* x at index along axis, which is replaced by the axes of index */
AG_API ag_tensor *ag_take(ag_tensor *x, int axis, ag_tensor *index);
/* out[i][j] = x[index[i][j]][j] for axis 0; index has the rank of x and no larger other sizes */
AG_API ag_tensor *ag_gather(ag_tensor *x, int axis, ag_tensor *index);
/* a copy of x with value[i] added at index[i] along axis; index 1-d */
AG_API ag_tensor *ag_index_add(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value);
/* a copy of x with value added where gather would read */
AG_API ag_tensor *ag_scatter_add(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value);
/* x[i, j, ...]: one index for each of the first axes, which the axes of their common shape replace; a bool index
 * of an axis means where it is true */
AG_API ag_tensor *ag_index(ag_tensor *x, ag_list index);
/* a copy of x with value there, or added there; value broadcasts; of several at one place the last stays */
AG_API ag_tensor *ag_index_put(ag_tensor *x, ag_list index, ag_tensor *value, bool accumulate);
/* a copy of x with value (0-d, or ag_num) at index along axis */
AG_API ag_tensor *ag_index_fill(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value);
/* a copy of x with source[i] at index[i] along axis; the last of several stays */
AG_API ag_tensor *ag_index_copy(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *source);
/* a copy of x with value (or one number) where gather would read; the last of several stays and has the gradient */
AG_API ag_tensor *ag_scatter(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value);
/* a copy of x with all values where gather would read joined to it, by .reduce; equal extremes share the gradient */
AG_API ag_tensor *ag_scatter_reduce(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value, AG_OPTIONS(ag_scatter_options));
/* sums of the rows of x with the same number: [n, ...] */
AG_API ag_tensor *ag_segment_sum(ag_tensor *x, ag_tensor *segment, int64_t n);
/* i64 [.., n]: 1 at the class, else 0; no gradient */
AG_API ag_tensor *ag_one_hot(ag_tensor *classes, int64_t n);

/* ---- Masks: bool tensors, which broadcast with x. */
/* value (0-d, or ag_num) where the mask is true, else x */
AG_API ag_tensor *ag_masked_fill(ag_tensor *x, ag_tensor *mask, ag_tensor *value);
/* 1-d: the elements where the mask is true */
AG_API ag_tensor *ag_masked_select(ag_tensor *x, ag_tensor *mask);
/* where the mask is true, the elements of source one after the other, else x */
AG_API ag_tensor *ag_masked_scatter(ag_tensor *x, ag_tensor *mask, ag_tensor *source);

/* ---- Losses. Mean over the batch unless .reduction says otherwise. */
/* fused log-softmax; [c] or [n, c] or [n, c, ...]; target: classes of any integer dtype (a negative one counts
 * for nothing) or probabilities of the logits' shape and dtype */
AG_API ag_tensor *ag_cross_entropy(ag_tensor *logits, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* (x - target)^2 */
AG_API ag_tensor *ag_mse_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* |x - target|; slope 0 at 0 */
AG_API ag_tensor *ag_l1_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* d^2 / 2 where d = |x - target| < delta, else delta (d - delta / 2) */
AG_API ag_tensor *ag_huber_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* binary cross-entropy of sigmoid(logits) and probabilities of the same shape, without overflow */
AG_API ag_tensor *ag_bce_with_logits(ag_tensor *logits, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* minus the entry of the target's class; shapes and classes as for cross_entropy */
AG_API ag_tensor *ag_nll_loss(ag_tensor *log_probabilities, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* d^2 / (2 beta) where d = |x - target| < beta, else d - beta / 2; shapes broadcast */
AG_API ag_tensor *ag_smooth_l1_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* -target log p - (1 - target) log(1 - p), logarithms at least -100; slope (p - target) / max(p (1 - p), 1e-12) */
AG_API ag_tensor *ag_binary_cross_entropy(ag_tensor *p, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* target (log target - x), x log-probabilities, 0 where target is 0; shapes broadcast */
AG_API ag_tensor *ag_kl_div(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* e^x - target x, x the log of the rate; shapes broadcast. .full: plus Stirling's formula for log target! where
 * target > 1 */
AG_API ag_tensor *ag_poisson_nll_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* (log v + (x - target)^2 / v) / 2, plus log(2 pi) / 2 if .full; v = max(variance, .eps), the gradient by the
 * variance that by v; shapes broadcast, or the variance lacks the last axis */
AG_API ag_tensor *ag_gaussian_nll_loss(ag_tensor *x, ag_tensor *target, ag_tensor *variance, AG_OPTIONS(ag_loss_options));
/* log(1 + e^(-target x)), target 1 or -1 */
AG_API ag_tensor *ag_soft_margin_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* bce_with_logits averaged along the last axis */
AG_API ag_tensor *ag_multilabel_soft_margin_loss(ag_tensor *logits, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* x where target is 1, max(0, margin - x) where it is -1, both of any other; slope 1 at the margin */
AG_API ag_tensor *ag_hinge_embedding_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* max(0, margin - target (a - b)); slope that of the line at the margin */
AG_API ag_tensor *ag_margin_ranking_loss(ag_tensor *a, ag_tensor *b, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* of vectors along the last axis, 1 - cos(a, b) where target is 1, max(0, cos(a, b) - margin) where it is -1,
 * else 0; 1e-12 is added to squared lengths */
AG_API ag_tensor *ag_cosine_embedding_loss(ag_tensor *a, ag_tensor *b, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* max(0, margin + |anchor - same| - |anchor - other|), pairwise_distance along the last axis */
AG_API ag_tensor *ag_triplet_margin_loss(ag_tensor *anchor, ag_tensor *same, ag_tensor *other, AG_OPTIONS(ag_loss_options));
/* of scores [c] or [n,c]: sum over the classes other than the target's of max(0, margin - x[target] + x[i])^p,
 * times its weight, divided by c; slope 0 at the margin */
AG_API ag_tensor *ag_multi_margin_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* of scores [c] or [n,c] and classes of that shape up to the first negative one: sum over those listed and those
 * not of max(0, 1 - x[listed] + x[other]), divided by c; slope 0 at the margin */
AG_API ag_tensor *ag_multilabel_margin_loss(ag_tensor *x, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* bce_with_logits times (1 - q)^gamma, q: the probability given to the target; times alpha for ones, 1 - alpha
 * for zeros; shapes broadcast */
AG_API ag_tensor *ag_sigmoid_focal_loss(ag_tensor *logits, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* of [n, ...]: 1 - (2 sum(p target) + eps) / (sum p + sum target + eps), sums over all axes but the first */
AG_API ag_tensor *ag_dice_loss(ag_tensor *p, ag_tensor *target, AG_OPTIONS(ag_loss_options));
/* minus log of the summed probabilities of all alignments of targets, [n, s] or one after the other, with
 * log_probabilities [steps, n, classes]; without n for one. The mean divides each by its target's length. The
 * gradient is that by log_probabilities as they are; PyTorch's differs by a part that log_softmax takes away */
AG_API ag_tensor *ag_ctc_loss(ag_tensor *log_probabilities, ag_tensor *target, ag_tensor *lengths, ag_tensor *target_lengths, AG_OPTIONS(ag_loss_options));

/* ---- Random numbers of given parameters, by the thread's generator; the same seed gives the same numbers.
 * Gradients are those of the formula with its noise kept, if there are any. */
AG_API ag_tensor *ag_uniform(ag_tensor *a, ag_tensor *b);          /* low + (high - low) u, u uniform in [0,1) */
AG_API ag_tensor *ag_normal(ag_tensor *a, ag_tensor *b);           /* mean + deviation z, z standard normal */
/* mean + scale (e - e'), e and e' exponential of rate 1 */
AG_API ag_tensor *ag_laplace(ag_tensor *a, ag_tensor *b);
AG_API ag_tensor *ag_gumbel(ag_tensor *a, ag_tensor *b);           /* mode - scale log e, e exponential of rate 1 */
AG_API ag_tensor *ag_exponential(ag_tensor *rate);                 /* e / rate, e exponential of rate 1 */
/* sigmoid((logits + log(u / (1 - u))) / tau): the nearer to 0 or 1 the smaller tau (Maddison et al. 2017) */
AG_API ag_tensor *ag_relaxed_bernoulli(ag_tensor *logits, double tau);
/* softmax((logits - log e) / tau); hard: 1 at its largest and 0 elsewhere, with the gradient of the softmax */
AG_API ag_tensor *ag_gumbel_softmax(ag_tensor *logits, double tau, bool hard, int axis);
AG_API ag_tensor *ag_bernoulli_of(ag_tensor *p);                   /* 1 with probability p, else 0; no gradient */
/* i64: one class of each row, the last axis, with the probabilities of its softmax; no gradient */
AG_API ag_tensor *ag_categorical(ag_tensor *logits);

/* ---- Networks. */
/* (x - mean) / sqrt(variance + eps) over the last `axes` axes, times weight plus bias */
AG_API ag_tensor *ag_layer_norm(ag_tensor *x, int axes, AG_OPTIONS(ag_norm_options));
/* x / sqrt(mean of x^2 + eps) over the last `axes` axes, times weight */
AG_API ag_tensor *ag_rms_norm(ag_tensor *x, int axes, AG_OPTIONS(ag_norm_options));
/* layer_norm's formula for each channel, axis 1, over all other axes; .training: by the statistics of x, and the
 * running ones are written; else by those */
AG_API ag_tensor *ag_batch_norm(ag_tensor *x, AG_OPTIONS(ag_batch_norm_options));
/* batch_norm in training for each element of axis 0; .running_mean and .running_var move towards the mean of all */
AG_API ag_tensor *ag_instance_norm(ag_tensor *x, AG_OPTIONS(ag_batch_norm_options));
/* layer_norm's formula over groups of channels, axis 1, and all axes behind it; weight and bias: one number for
 * each channel */
AG_API ag_tensor *ag_group_norm(ag_tensor *x, int64_t groups, AG_OPTIONS(ag_norm_options));
/* x / (k + alpha mean of x^2 over the size channels around)^beta, 0 beyond the first and the last: [n, channels,
 * ...] */
AG_API ag_tensor *ag_local_response_norm(ag_tensor *x, int64_t size, AG_OPTIONS(ag_response_options));
/* x / max(vector_norm(x), eps) along axes */
AG_API ag_tensor *ag_normalize(ag_tensor *x, AG_OPTIONS(ag_normalize_options));
/* sum of a b / (|a| |b|) along an axis of what they broadcast to; norms below eps count as eps */
AG_API ag_tensor *ag_cosine_similarity(ag_tensor *a, ag_tensor *b, int axis, AG_OPTIONS(ag_cosine_options));
/* [n, channels, ...] with the axes from 2 on made longer or shorter */
AG_API ag_tensor *ag_interpolate(ag_tensor *x, AG_OPTIONS(ag_interpolate_options));
/* x [n, c, h, w] at the places (x, y) of grid [n, .., .., 2], -1 .. 1 being the image; or x [n, c, d, h, w] at
 * those (x, y, z) of [n, .., .., .., 3]; slope 0 at the limits of padding */
AG_API ag_tensor *ag_grid_sample(ag_tensor *x, ag_tensor *grid, AG_OPTIONS(ag_grid_options));
/* places for grid_sample: theta [n, 2, 3] times (x, y, 1), or [n, 3, 4] times (x, y, z, 1), of images of sizes n,
 * c, h, w or n, c, d, h, w */
AG_API ag_tensor *ag_affine_grid(ag_tensor *theta, ag_sizes sizes, bool align_corners);
/* rotary position embedding: pairs (a, b) of each row of [.., n, width] become (a cos - b sin, b cos + a sin) */
AG_API ag_tensor *ag_rope(ag_tensor *x, AG_OPTIONS(ag_rope_options));
/* rows of weight [rows, width], chosen by integers: [..., width] */
AG_API ag_tensor *ag_embedding(ag_tensor *weight, ag_tensor *index, AG_OPTIONS(ag_embedding_options));
/* softmax(scale q k' + mask) v, memory linear in the lengths (not with a mask that is differentiated, or
 * dropout): q [.., heads, n, width], k [.., kv_heads, m, width], v [.., kv_heads, m, any] -> [.., heads, n, any];
 * leading axes broadcast; heads / kv_heads heads in a row share a kv head */
AG_API ag_tensor *ag_attention(ag_tensor *q, ag_tensor *k, ag_tensor *v, AG_OPTIONS(ag_attention_options));

/* ---- Convolutions and pools over the last one, two or three axes: x [n, c, sizes] or [c, sizes]. Numbers serve all
 * axes; options give one for each. */
/* y[o, p] = sum of x[c, p stride - padding + k dilation] weight[o, c, k] plus bias[o], which may be NULL; weight
 * [out, in / groups, kernel] */
AG_API ag_tensor *ag_conv1d(ag_tensor *x, ag_tensor *weight, ag_tensor *bias, AG_OPTIONS(ag_conv_options));
/* y[o, p] = sum of x[c, p stride - padding + k dilation] weight[o, c, k] plus bias[o], which may be NULL; weight
 * [out, in / groups, kernel] */
AG_API ag_tensor *ag_conv2d(ag_tensor *x, ag_tensor *weight, ag_tensor *bias, AG_OPTIONS(ag_conv_options));
/* y[o, p] = sum of x[c, p stride - padding + k dilation] weight[o, c, k] plus bias[o], which may be NULL; weight
 * [out, in / groups, kernel] */
AG_API ag_tensor *ag_conv3d(ag_tensor *x, ag_tensor *weight, ag_tensor *bias, AG_OPTIONS(ag_conv_options));
/* what takes the gradient of conv1d back to its input: (n - 1) stride - 2 padding + dilation (kernel - 1) +
 * output_padding + 1 elements of n; weight [in, out / groups, kernel] */
AG_API ag_tensor *ag_conv_transpose1d(ag_tensor *x, ag_tensor *weight, ag_tensor *bias, AG_OPTIONS(ag_conv_options));
/* what takes the gradient of conv2d back to its input: (n - 1) stride - 2 padding + dilation (kernel - 1) +
 * output_padding + 1 elements of n; weight [in, out / groups, kernel] */
AG_API ag_tensor *ag_conv_transpose2d(ag_tensor *x, ag_tensor *weight, ag_tensor *bias, AG_OPTIONS(ag_conv_options));
/* what takes the gradient of conv3d back to its input: (n - 1) stride - 2 padding + dilation (kernel - 1) +
 * output_padding + 1 elements of n; weight [in, out / groups, kernel] */
AG_API ag_tensor *ag_conv_transpose3d(ag_tensor *x, ag_tensor *weight, ag_tensor *bias, AG_OPTIONS(ag_conv_options));
/* mean of each window; zeros outside count unless .exclude_padding */
AG_API ag_tensor *ag_avg_pool1d(ag_tensor *x, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* mean of each window; zeros outside count unless .exclude_padding */
AG_API ag_tensor *ag_avg_pool2d(ag_tensor *x, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* mean of each window; zeros outside count unless .exclude_padding */
AG_API ag_tensor *ag_avg_pool3d(ag_tensor *x, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* largest element of each window; the first of equals has the gradient, NaN wins */
AG_API ag_tensor *ag_max_pool1d(ag_tensor *x, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* largest element of each window; the first of equals has the gradient, NaN wins */
AG_API ag_tensor *ag_max_pool2d(ag_tensor *x, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* largest element of each window; the first of equals has the gradient, NaN wins */
AG_API ag_tensor *ag_max_pool3d(ag_tensor *x, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* zeros with x at the places max_pool1d left in .index; the last of several at one place stays and has the
 * gradient */
AG_API ag_tensor *ag_max_unpool1d(ag_tensor *x, ag_tensor *index, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* zeros with x at the places max_pool2d left in .index; the last of several at one place stays and has the
 * gradient */
AG_API ag_tensor *ag_max_unpool2d(ag_tensor *x, ag_tensor *index, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* zeros with x at the places max_pool3d left in .index; the last of several at one place stays and has the
 * gradient */
AG_API ag_tensor *ag_max_unpool3d(ag_tensor *x, ag_tensor *index, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* means of `size` windows that cut each axis of n: element floor(i n / size) to ceil((i + 1) n / size); size -1: n */
AG_API ag_tensor *ag_adaptive_avg_pool1d(ag_tensor *x, int64_t size, AG_OPTIONS(ag_pool_options));
/* means of `size` windows that cut each axis of n: element floor(i n / size) to ceil((i + 1) n / size); size -1: n */
AG_API ag_tensor *ag_adaptive_avg_pool2d(ag_tensor *x, int64_t size, AG_OPTIONS(ag_pool_options));
/* means of `size` windows that cut each axis of n: element floor(i n / size) to ceil((i + 1) n / size); size -1: n */
AG_API ag_tensor *ag_adaptive_avg_pool3d(ag_tensor *x, int64_t size, AG_OPTIONS(ag_pool_options));
/* largest elements of such windows */
AG_API ag_tensor *ag_adaptive_max_pool1d(ag_tensor *x, int64_t size, AG_OPTIONS(ag_pool_options));
/* largest elements of such windows */
AG_API ag_tensor *ag_adaptive_max_pool2d(ag_tensor *x, int64_t size, AG_OPTIONS(ag_pool_options));
/* largest elements of such windows */
AG_API ag_tensor *ag_adaptive_max_pool3d(ag_tensor *x, int64_t size, AG_OPTIONS(ag_pool_options));
/* (sum of x^p)^(1/p) of each window; slope 0 where the sum is 0 */
AG_API ag_tensor *ag_lp_pool1d(ag_tensor *x, double p, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* (sum of x^p)^(1/p) of each window; slope 0 where the sum is 0 */
AG_API ag_tensor *ag_lp_pool2d(ag_tensor *x, double p, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* (sum of x^p)^(1/p) of each window; slope 0 where the sum is 0 */
AG_API ag_tensor *ag_lp_pool3d(ag_tensor *x, double p, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* windows of images as columns (torch.nn.functional.unfold): [.., c, h, w] -> [.., c kernel^2, windows] */
AG_API ag_tensor *ag_im2col(ag_tensor *x, int64_t kernel, AG_OPTIONS(ag_pool_options));
/* columns added up where im2col would read them in images of that size (torch.nn.functional.fold): [.., c
 * kernel^2, windows] -> [.., c, h, w] */
AG_API ag_tensor *ag_col2im(ag_tensor *x, ag_sizes size, int64_t kernel, AG_OPTIONS(ag_pool_options));

/* ---- Products of vectors and matrices. */
AG_API ag_tensor *ag_mm(ag_tensor *a, ag_tensor *b);               /* a b: [m,k] [k,n] -> [m,n] */
/* a b for each of a batch: [b,m,k] [b,k,n] -> [b,m,n] */
AG_API ag_tensor *ag_bmm(ag_tensor *a, ag_tensor *b);
/* a matrix [m,n] of which nnz entries are given by rows (CSR), times [n,k] or [n]: entries crow[i] .. crow[i+1]-1
 * are those of row i, in columns col; crow [m+1], col and values [nnz] */
AG_API ag_tensor *ag_sparse_mm(ag_tensor *crow, ag_tensor *col, ag_tensor *values, ag_tensor *dense);
AG_API ag_tensor *ag_mv(ag_tensor *a, ag_tensor *b);               /* a b: [m,n] [n] -> [m] */
AG_API ag_tensor *ag_dot(ag_tensor *a, ag_tensor *b);              /* sum of a[i] b[i]: [n] [n] -> [] */
AG_API ag_tensor *ag_outer(ag_tensor *a, ag_tensor *b);            /* a[i] b[j]: [m] [n] -> [m,n] */
/* sums of products along the last axes of both; of a number, the product */
AG_API ag_tensor *ag_inner(ag_tensor *a, ag_tensor *b);
/* sum of a b along an axis of what they broadcast to */
AG_API ag_tensor *ag_vecdot(ag_tensor *a, ag_tensor *b, int axis);
/* vector products along an axis of size 3; the others broadcast */
AG_API ag_tensor *ag_cross(ag_tensor *a, ag_tensor *b, int axis);
/* Kronecker product: each element of a times all of b; at most 4 axes */
AG_API ag_tensor *ag_kron(ag_tensor *a, ag_tensor *b);
AG_API ag_tensor *ag_trace(ag_tensor *x);                          /* sum of the diagonal of [m,n] */
/* beta x + alpha a b, [m,k] [k,n]; x broadcasts */
AG_API ag_tensor *ag_addmm(ag_tensor *x, ag_tensor *a, ag_tensor *b, AG_OPTIONS(ag_addmm_options));
/* beta x + alpha a b, [m,n] [n]; x broadcasts */
AG_API ag_tensor *ag_addmv(ag_tensor *x, ag_tensor *a, ag_tensor *b, AG_OPTIONS(ag_addmm_options));
/* beta x + alpha a[i] b[j]; x broadcasts */
AG_API ag_tensor *ag_addr(ag_tensor *x, ag_tensor *a, ag_tensor *b, AG_OPTIONS(ag_addmm_options));
/* beta x + alpha a b for each of a batch; x broadcasts */
AG_API ag_tensor *ag_baddbmm(ag_tensor *x, ag_tensor *a, ag_tensor *b, AG_OPTIONS(ag_addmm_options));
/* beta x + alpha times the sum of a b over a batch; x broadcasts */
AG_API ag_tensor *ag_addbmm(ag_tensor *x, ag_tensor *a, ag_tensor *b, AG_OPTIONS(ag_addmm_options));
/* a chain of matrices multiplied; the first and the last may be vectors */
AG_API ag_tensor *ag_multi_dot(ag_list x);
/* y[.., o] = sum of a[.., i] weight[o, i, j] b[.., j], plus bias[o], which may be NULL */
AG_API ag_tensor *ag_bilinear(ag_tensor *a, ag_tensor *b, ag_tensor *weight, ag_tensor *bias);
/* sums of products along n pairs of axes; NULL: the last n of a with the first n of b */
AG_API ag_tensor *ag_tensordot(ag_tensor *a, ag_tensor *b, int n, const int *axes_a, const int *axes_b);
/* "bij,bjk->bik": products of all x summed over the letters that the result has not; `...` is the axes without
 * letters; without -> the letters that occur once, in the alphabet's order */
AG_API ag_tensor *ag_einsum(const char *equation, ag_list x);

/* ---- Decompositions and systems of equations, of matrices under any leading axes, by LAPACK. f32 and f64. */
/* x with a x = b: a [.., n, n], b [.., n, k], or [n] or of a's shape without its last axis: vectors. Leading axes
 * broadcast. A singular a is an error */
AG_API ag_tensor *ag_solve(ag_tensor *a, ag_tensor *b);
AG_API ag_tensor *ag_inv(ag_tensor *x);                            /* inverse; of a singular matrix an error */
/* x with a x = b for triangular a, of which the other triangle is not read and gets no gradient */
AG_API ag_tensor *ag_solve_triangular(ag_tensor *a, ag_tensor *b, AG_OPTIONS(ag_triangular_options));
/* L with x = L L', lower triangular, or U with x = U' U, for symmetric positive definite x, of which that
 * triangle is read. The gradient is symmetric */
AG_API ag_tensor *ag_cholesky(ag_tensor *x, bool upper);
/* x with a x = b by a's Cholesky factor */
AG_API ag_tensor *ag_cholesky_solve(ag_tensor *b, ag_tensor *factor, bool upper);
/* inverse of a by a's Cholesky factor */
AG_API ag_tensor *ag_cholesky_inverse(ag_tensor *factor, bool upper);
/* determinant; of a singular matrix the gradient is that of its cofactors */
AG_API ag_tensor *ag_det(ag_tensor *x);
/* log of the size of the determinant, -inf where it is 0; *sign, if not NULL, is set to its sign: -1, 0 or 1, a
 * constant */
AG_API ag_tensor *ag_slogdet(ag_tensor *x, ag_tensor **sign);
AG_API ag_tensor *ag_logdet(ag_tensor *x);                         /* log of the determinant; NaN where it is negative */
/* L without its diagonal and U in one matrix; *pivots, if not NULL, is set to the rows exchanged, i32, counted
 * from 1 */
AG_API ag_tensor *ag_lu_factor(ag_tensor *x, ag_tensor **pivots);
/* P of x = P L U, with *l and *u set: a permutation, unit lower and upper triangular */
AG_API ag_tensor *ag_lu(ag_tensor *x, ag_tensor **l, ag_tensor **u);
/* x with a x = b, or a' x = b, by the result of ag_lu_factor(a, &pivots) */
AG_API ag_tensor *ag_lu_solve(ag_tensor *lu, ag_tensor *pivots, ag_tensor *b, bool transposed);
/* Q of x = Q R, with *r set: orthonormal columns and upper triangular; R's diagonal may be negative */
AG_API ag_tensor *ag_qr(ag_tensor *x, ag_qr_mode mode, ag_tensor **r);
/* eigenvalues of symmetric x, ascending, of which the lower (or upper) triangle is read; *vectors, if not NULL,
 * is set to the eigenvectors as columns. The gradient is symmetric; by vectors of equal values it does not exist */
AG_API ag_tensor *ag_eigh(ag_tensor *x, bool upper, ag_tensor **vectors);
AG_API ag_tensor *ag_eigvalsh(ag_tensor *x, bool upper);           /* the eigenvalues alone */
/* U of x = U diag(s) V', with *s, descending, and *vh set: u [m,k], vh [k,n], or full: [m,m], [n,n], of which the
 * further columns and rows have no gradient; by vectors of equal values it does not exist */
AG_API ag_tensor *ag_svd(ag_tensor *x, bool full, ag_tensor **s, ag_tensor **vh);
AG_API ag_tensor *ag_svdvals(ag_tensor *x);                        /* the singular values alone */
/* pseudo-inverse, by singular values; differentiable where the rank stays */
AG_API ag_tensor *ag_pinv(ag_tensor *x, AG_OPTIONS(ag_pinv_options));
/* x that makes the sum of (a x - b)^2 smallest, the shortest one: a [.., m, n], b [.., m, k] or [.., m] */
AG_API ag_tensor *ag_lstsq(ag_tensor *a, ag_tensor *b, AG_OPTIONS(ag_lstsq_options));
/* the first columns of H1 H2 ... Hk, H = 1 - tau v v', with v below the diagonal of x and 1 on it */
AG_API ag_tensor *ag_householder_product(ag_tensor *x, ag_tensor *tau);
AG_API ag_tensor *ag_matrix_power(ag_tensor *x, int64_t n);        /* x^n; of the inverse for n < 0 */
/* inverse of the matrix whose rows are the first n axes, its columns the others, which come first in the result */
AG_API ag_tensor *ag_tensorinv(ag_tensor *x, int n);
/* x with tensordot(a, x) = b over all axes of x, the last ones of a; these axes of a are moved there first */
AG_API ag_tensor *ag_tensorsolve(ag_tensor *a, ag_tensor *b, ag_axes axes);
/* 1 + x + x^2 / 2 + ..., by Taylor's series of x / 2^s, squared s times */
AG_API ag_tensor *ag_matrix_exp(ag_tensor *x);

/* ---- Norms and distances. Slope 0 at 0. */
/* Euclidean, of vectors of any number of axes */
AG_API ag_tensor *ag_norm(ag_tensor *x, int n, const int *axes);
AG_API ag_tensor *ag_norm_keep(ag_tensor *x, int n, const int *axes);
/* (sum |x|^p)^(1/p); p 0 counts what is not 0, inf and -inf are the largest and smallest |x|, equal ones share
 * the gradient */
AG_API ag_tensor *ag_vector_norm(ag_tensor *x, double p, AG_OPTIONS(ag_axes_options));
/* 1: largest sum of |x| of a column, inf: of a row, 2: largest singular value; negative: the smallest; equal ones
 * share the gradient */
AG_API ag_tensor *ag_matrix_norm(ag_tensor *x, double p, AG_OPTIONS(ag_axes_options));
/* root of the sum of all squares of a matrix */
AG_API ag_tensor *ag_frobenius_norm(ag_tensor *x, AG_OPTIONS(ag_axes_options));
/* sum of the singular values of a matrix */
AG_API ag_tensor *ag_nuclear_norm(ag_tensor *x, AG_OPTIONS(ag_axes_options));
/* condition number: norm of x times that of its inverse, p as for matrix_norm */
AG_API ag_tensor *ag_cond(ag_tensor *x, double p);
AG_API ag_tensor *ag_dist(ag_tensor *a, ag_tensor *b, double p);   /* vector_norm of a - b */
/* vector_norm of a - b + eps along the last axis */
AG_API ag_tensor *ag_pairwise_distance(ag_tensor *a, ag_tensor *b, AG_OPTIONS(ag_distance_options));
/* vector_norm of each row of a less each row of b: [.., m, n] [.., k, n] -> [.., m, k]; p >= 0 */
AG_API ag_tensor *ag_cdist(ag_tensor *a, ag_tensor *b, double p);
/* covariances of the rows of x, whose columns are observations: [m,n] -> [m,m]; of one variable its variance */
AG_API ag_tensor *ag_cov(ag_tensor *x, AG_OPTIONS(ag_cov_options));
AG_API ag_tensor *ag_corrcoef(ag_tensor *x);                       /* covariances divided by both deviations */

AG_END
#ifndef __cplusplus
#define ag_sum(...) AG__AFTER(AG__AXES, ag_sum, __VA_ARGS__, AG__LAST)
#define ag_sum_keep(...) AG__AFTER(AG__AXES, ag_sum_keep, __VA_ARGS__, AG__LAST)
#define ag_mean(...) AG__AFTER(AG__AXES, ag_mean, __VA_ARGS__, AG__LAST)
#define ag_mean_keep(...) AG__AFTER(AG__AXES, ag_mean_keep, __VA_ARGS__, AG__LAST)
#define ag_max(...) AG__AFTER(AG__AXES, ag_max, __VA_ARGS__, AG__LAST)
#define ag_max_keep(...) AG__AFTER(AG__AXES, ag_max_keep, __VA_ARGS__, AG__LAST)
#define ag_min(...) AG__AFTER(AG__AXES, ag_min, __VA_ARGS__, AG__LAST)
#define ag_min_keep(...) AG__AFTER(AG__AXES, ag_min_keep, __VA_ARGS__, AG__LAST)
#define ag_logsumexp(...) AG__AFTER(AG__AXES, ag_logsumexp, __VA_ARGS__, AG__LAST)
#define ag_logsumexp_keep(...) AG__AFTER(AG__AXES, ag_logsumexp_keep, __VA_ARGS__, AG__LAST)
#define ag_prod(...) AG__AFTER(AG__AXES, ag_prod, __VA_ARGS__, AG__LAST)
#define ag_prod_keep(...) AG__AFTER(AG__AXES, ag_prod_keep, __VA_ARGS__, AG__LAST)
#define ag_nansum(...) AG__AFTER(AG__AXES, ag_nansum, __VA_ARGS__, AG__LAST)
#define ag_nansum_keep(...) AG__AFTER(AG__AXES, ag_nansum_keep, __VA_ARGS__, AG__LAST)
#define ag_nanmean(...) AG__AFTER(AG__AXES, ag_nanmean, __VA_ARGS__, AG__LAST)
#define ag_nanmean_keep(...) AG__AFTER(AG__AXES, ag_nanmean_keep, __VA_ARGS__, AG__LAST)
#define ag_any(...) AG__AFTER(AG__AXES, ag_any, __VA_ARGS__, AG__LAST)
#define ag_any_keep(...) AG__AFTER(AG__AXES, ag_any_keep, __VA_ARGS__, AG__LAST)
#define ag_all(...) AG__AFTER(AG__AXES, ag_all, __VA_ARGS__, AG__LAST)
#define ag_all_keep(...) AG__AFTER(AG__AXES, ag_all_keep, __VA_ARGS__, AG__LAST)
#define ag_flip(...) AG__AFTER(AG__AXES, ag_flip, __VA_ARGS__, AG__LAST)
#define ag_norm(...) AG__AFTER(AG__AXES, ag_norm, __VA_ARGS__, AG__LAST)
#define ag_norm_keep(...) AG__AFTER(AG__AXES, ag_norm_keep, __VA_ARGS__, AG__LAST)
#define ag_reshape(...) AG__AFTER(AG__DIMS1, ag_reshape, __VA_ARGS__, AG__LAST)
#define ag_expand(...) AG__AFTER(AG__DIMS1, ag_expand, __VA_ARGS__, AG__LAST)
#define ag_permute(...) AG__AFTER(AG__DIMS1, ag_permute, __VA_ARGS__, AG__LAST)
#define ag_repeat(...) AG__AFTER(AG__DIMS1, ag_repeat, __VA_ARGS__, AG__LAST)
#define ag_tile(...) AG__AFTER(AG__DIMS1, ag_tile, __VA_ARGS__, AG__LAST)
#define ag_elu(...) AG__AFTER_CALL(AG__CALL1, ag_elu, ag_activation_options, __VA_ARGS__, AG__SIZE(ag_activation_options))
#define ag_celu(...) AG__AFTER_CALL(AG__CALL1, ag_celu, ag_activation_options, __VA_ARGS__, AG__SIZE(ag_activation_options))
#define ag_hardshrink(...) AG__AFTER_CALL(AG__CALL1, ag_hardshrink, ag_activation_options, __VA_ARGS__, AG__SIZE(ag_activation_options))
#define ag_softshrink(...) AG__AFTER_CALL(AG__CALL1, ag_softshrink, ag_activation_options, __VA_ARGS__, AG__SIZE(ag_activation_options))
#define ag_hardtanh(...) AG__AFTER_CALL(AG__CALL1, ag_hardtanh, ag_activation_options, __VA_ARGS__, AG__SIZE(ag_activation_options))
#define ag_rrelu(...) AG__AFTER_CALL(AG__CALL1, ag_rrelu, ag_activation_options, __VA_ARGS__, AG__SIZE(ag_activation_options))
#define ag_logit(...) AG__AFTER_CALL(AG__CALL1, ag_logit, ag_activation_options, __VA_ARGS__, AG__SIZE(ag_activation_options))
#define ag_nan_to_num(...) AG__AFTER_CALL(AG__CALL1, ag_nan_to_num, ag_nan_options, __VA_ARGS__, AG__SIZE(ag_nan_options))
#define ag_var(...) AG__AFTER_CALL(AG__CALL1, ag_var, ag_reduce_options, __VA_ARGS__, AG__SIZE(ag_reduce_options))
#define ag_std(...) AG__AFTER_CALL(AG__CALL1, ag_std, ag_reduce_options, __VA_ARGS__, AG__SIZE(ag_reduce_options))
#define ag_median(...) AG__AFTER_CALL(AG__CALL1, ag_median, ag_reduce_options, __VA_ARGS__, AG__SIZE(ag_reduce_options))
#define ag_nanmedian(...) AG__AFTER_CALL(AG__CALL1, ag_nanmedian, ag_reduce_options, __VA_ARGS__, AG__SIZE(ag_reduce_options))
#define ag_quantile(...) AG__AFTER_CALL(AG__CALL2, ag_quantile, ag_reduce_options, __VA_ARGS__, AG__SIZE(ag_reduce_options))
#define ag_nanquantile(...) AG__AFTER_CALL(AG__CALL2, ag_nanquantile, ag_reduce_options, __VA_ARGS__, AG__SIZE(ag_reduce_options))
#define ag_sort(...) AG__AFTER_CALL(AG__CALL2, ag_sort, ag_order_options, __VA_ARGS__, AG__SIZE(ag_order_options))
#define ag_argsort(...) AG__AFTER_CALL(AG__CALL2, ag_argsort, ag_order_options, __VA_ARGS__, AG__SIZE(ag_order_options))
#define ag_topk(...) AG__AFTER_CALL(AG__CALL3, ag_topk, ag_order_options, __VA_ARGS__, AG__SIZE(ag_order_options))
#define ag_kthvalue(...) AG__AFTER_CALL(AG__CALL3, ag_kthvalue, ag_order_options, __VA_ARGS__, AG__SIZE(ag_order_options))
#define ag_mode(...) AG__AFTER_CALL(AG__CALL2, ag_mode, ag_order_options, __VA_ARGS__, AG__SIZE(ag_order_options))
#define ag_cummax(...) AG__AFTER_CALL(AG__CALL2, ag_cummax, ag_order_options, __VA_ARGS__, AG__SIZE(ag_order_options))
#define ag_cummin(...) AG__AFTER_CALL(AG__CALL2, ag_cummin, ag_order_options, __VA_ARGS__, AG__SIZE(ag_order_options))
#define ag_diff(...) AG__AFTER_CALL(AG__CALL2, ag_diff, ag_diff_options, __VA_ARGS__, AG__SIZE(ag_diff_options))
#define ag_pad(...) AG__AFTER_CALL(AG__CALL2, ag_pad, ag_pad_options, __VA_ARGS__, AG__SIZE(ag_pad_options))
#define ag_diagonal(...) AG__AFTER_CALL(AG__CALL1, ag_diagonal, ag_diag_options, __VA_ARGS__, AG__SIZE(ag_diag_options))
#define ag_diag_embed(...) AG__AFTER_CALL(AG__CALL1, ag_diag_embed, ag_diag_options, __VA_ARGS__, AG__SIZE(ag_diag_options))
#define ag_scatter_reduce(...) AG__AFTER_CALL(AG__CALL4, ag_scatter_reduce, ag_scatter_options, __VA_ARGS__, AG__SIZE(ag_scatter_options))
#define ag_cross_entropy(...) AG__AFTER_CALL(AG__CALL2, ag_cross_entropy, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_mse_loss(...) AG__AFTER_CALL(AG__CALL2, ag_mse_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_l1_loss(...) AG__AFTER_CALL(AG__CALL2, ag_l1_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_huber_loss(...) AG__AFTER_CALL(AG__CALL2, ag_huber_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_bce_with_logits(...) AG__AFTER_CALL(AG__CALL2, ag_bce_with_logits, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_nll_loss(...) AG__AFTER_CALL(AG__CALL2, ag_nll_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_smooth_l1_loss(...) AG__AFTER_CALL(AG__CALL2, ag_smooth_l1_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_binary_cross_entropy(...) AG__AFTER_CALL(AG__CALL2, ag_binary_cross_entropy, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_kl_div(...) AG__AFTER_CALL(AG__CALL2, ag_kl_div, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_poisson_nll_loss(...) AG__AFTER_CALL(AG__CALL2, ag_poisson_nll_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_gaussian_nll_loss(...) AG__AFTER_CALL(AG__CALL3, ag_gaussian_nll_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_soft_margin_loss(...) AG__AFTER_CALL(AG__CALL2, ag_soft_margin_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_multilabel_soft_margin_loss(...) AG__AFTER_CALL(AG__CALL2, ag_multilabel_soft_margin_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_hinge_embedding_loss(...) AG__AFTER_CALL(AG__CALL2, ag_hinge_embedding_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_margin_ranking_loss(...) AG__AFTER_CALL(AG__CALL3, ag_margin_ranking_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_cosine_embedding_loss(...) AG__AFTER_CALL(AG__CALL3, ag_cosine_embedding_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_triplet_margin_loss(...) AG__AFTER_CALL(AG__CALL3, ag_triplet_margin_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_multi_margin_loss(...) AG__AFTER_CALL(AG__CALL2, ag_multi_margin_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_multilabel_margin_loss(...) AG__AFTER_CALL(AG__CALL2, ag_multilabel_margin_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_sigmoid_focal_loss(...) AG__AFTER_CALL(AG__CALL2, ag_sigmoid_focal_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_dice_loss(...) AG__AFTER_CALL(AG__CALL2, ag_dice_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_ctc_loss(...) AG__AFTER_CALL(AG__CALL4, ag_ctc_loss, ag_loss_options, __VA_ARGS__, AG__SIZE(ag_loss_options))
#define ag_layer_norm(...) AG__AFTER_CALL(AG__CALL2, ag_layer_norm, ag_norm_options, __VA_ARGS__, AG__SIZE(ag_norm_options))
#define ag_rms_norm(...) AG__AFTER_CALL(AG__CALL2, ag_rms_norm, ag_norm_options, __VA_ARGS__, AG__SIZE(ag_norm_options))
#define ag_batch_norm(...) AG__AFTER_CALL(AG__CALL1, ag_batch_norm, ag_batch_norm_options, __VA_ARGS__, AG__SIZE(ag_batch_norm_options))
#define ag_instance_norm(...) AG__AFTER_CALL(AG__CALL1, ag_instance_norm, ag_batch_norm_options, __VA_ARGS__, AG__SIZE(ag_batch_norm_options))
#define ag_group_norm(...) AG__AFTER_CALL(AG__CALL2, ag_group_norm, ag_norm_options, __VA_ARGS__, AG__SIZE(ag_norm_options))
#define ag_local_response_norm(...) AG__AFTER_CALL(AG__CALL2, ag_local_response_norm, ag_response_options, __VA_ARGS__, AG__SIZE(ag_response_options))
#define ag_normalize(...) AG__AFTER_CALL(AG__CALL1, ag_normalize, ag_normalize_options, __VA_ARGS__, AG__SIZE(ag_normalize_options))
#define ag_cosine_similarity(...) AG__AFTER_CALL(AG__CALL3, ag_cosine_similarity, ag_cosine_options, __VA_ARGS__, AG__SIZE(ag_cosine_options))
#define ag_interpolate(...) AG__AFTER_CALL(AG__CALL1, ag_interpolate, ag_interpolate_options, __VA_ARGS__, AG__SIZE(ag_interpolate_options))
#define ag_grid_sample(...) AG__AFTER_CALL(AG__CALL2, ag_grid_sample, ag_grid_options, __VA_ARGS__, AG__SIZE(ag_grid_options))
#define ag_rope(...) AG__AFTER_CALL(AG__CALL1, ag_rope, ag_rope_options, __VA_ARGS__, AG__SIZE(ag_rope_options))
#define ag_embedding(...) AG__AFTER_CALL(AG__CALL2, ag_embedding, ag_embedding_options, __VA_ARGS__, AG__SIZE(ag_embedding_options))
#define ag_attention(...) AG__AFTER_CALL(AG__CALL3, ag_attention, ag_attention_options, __VA_ARGS__, AG__SIZE(ag_attention_options))
#define ag_conv1d(...) AG__AFTER_CALL(AG__CALL3, ag_conv1d, ag_conv_options, __VA_ARGS__, AG__SIZE(ag_conv_options))
#define ag_conv2d(...) AG__AFTER_CALL(AG__CALL3, ag_conv2d, ag_conv_options, __VA_ARGS__, AG__SIZE(ag_conv_options))
#define ag_conv3d(...) AG__AFTER_CALL(AG__CALL3, ag_conv3d, ag_conv_options, __VA_ARGS__, AG__SIZE(ag_conv_options))
#define ag_conv_transpose1d(...) AG__AFTER_CALL(AG__CALL3, ag_conv_transpose1d, ag_conv_options, __VA_ARGS__, AG__SIZE(ag_conv_options))
#define ag_conv_transpose2d(...) AG__AFTER_CALL(AG__CALL3, ag_conv_transpose2d, ag_conv_options, __VA_ARGS__, AG__SIZE(ag_conv_options))
#define ag_conv_transpose3d(...) AG__AFTER_CALL(AG__CALL3, ag_conv_transpose3d, ag_conv_options, __VA_ARGS__, AG__SIZE(ag_conv_options))
#define ag_avg_pool1d(...) AG__AFTER_CALL(AG__CALL2, ag_avg_pool1d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_avg_pool2d(...) AG__AFTER_CALL(AG__CALL2, ag_avg_pool2d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_avg_pool3d(...) AG__AFTER_CALL(AG__CALL2, ag_avg_pool3d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_max_pool1d(...) AG__AFTER_CALL(AG__CALL2, ag_max_pool1d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_max_pool2d(...) AG__AFTER_CALL(AG__CALL2, ag_max_pool2d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_max_pool3d(...) AG__AFTER_CALL(AG__CALL2, ag_max_pool3d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_max_unpool1d(...) AG__AFTER_CALL(AG__CALL3, ag_max_unpool1d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_max_unpool2d(...) AG__AFTER_CALL(AG__CALL3, ag_max_unpool2d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_max_unpool3d(...) AG__AFTER_CALL(AG__CALL3, ag_max_unpool3d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_adaptive_avg_pool1d(...) AG__AFTER_CALL(AG__CALL2, ag_adaptive_avg_pool1d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_adaptive_avg_pool2d(...) AG__AFTER_CALL(AG__CALL2, ag_adaptive_avg_pool2d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_adaptive_avg_pool3d(...) AG__AFTER_CALL(AG__CALL2, ag_adaptive_avg_pool3d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_adaptive_max_pool1d(...) AG__AFTER_CALL(AG__CALL2, ag_adaptive_max_pool1d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_adaptive_max_pool2d(...) AG__AFTER_CALL(AG__CALL2, ag_adaptive_max_pool2d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_adaptive_max_pool3d(...) AG__AFTER_CALL(AG__CALL2, ag_adaptive_max_pool3d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_lp_pool1d(...) AG__AFTER_CALL(AG__CALL3, ag_lp_pool1d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_lp_pool2d(...) AG__AFTER_CALL(AG__CALL3, ag_lp_pool2d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_lp_pool3d(...) AG__AFTER_CALL(AG__CALL3, ag_lp_pool3d, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_im2col(...) AG__AFTER_CALL(AG__CALL2, ag_im2col, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_col2im(...) AG__AFTER_CALL(AG__CALL3, ag_col2im, ag_pool_options, __VA_ARGS__, AG__SIZE(ag_pool_options))
#define ag_addmm(...) AG__AFTER_CALL(AG__CALL3, ag_addmm, ag_addmm_options, __VA_ARGS__, AG__SIZE(ag_addmm_options))
#define ag_addmv(...) AG__AFTER_CALL(AG__CALL3, ag_addmv, ag_addmm_options, __VA_ARGS__, AG__SIZE(ag_addmm_options))
#define ag_addr(...) AG__AFTER_CALL(AG__CALL3, ag_addr, ag_addmm_options, __VA_ARGS__, AG__SIZE(ag_addmm_options))
#define ag_baddbmm(...) AG__AFTER_CALL(AG__CALL3, ag_baddbmm, ag_addmm_options, __VA_ARGS__, AG__SIZE(ag_addmm_options))
#define ag_addbmm(...) AG__AFTER_CALL(AG__CALL3, ag_addbmm, ag_addmm_options, __VA_ARGS__, AG__SIZE(ag_addmm_options))
#define ag_solve_triangular(...) AG__AFTER_CALL(AG__CALL2, ag_solve_triangular, ag_triangular_options, __VA_ARGS__, AG__SIZE(ag_triangular_options))
#define ag_pinv(...) AG__AFTER_CALL(AG__CALL1, ag_pinv, ag_pinv_options, __VA_ARGS__, AG__SIZE(ag_pinv_options))
#define ag_lstsq(...) AG__AFTER_CALL(AG__CALL2, ag_lstsq, ag_lstsq_options, __VA_ARGS__, AG__SIZE(ag_lstsq_options))
#define ag_vector_norm(...) AG__AFTER_CALL(AG__CALL2, ag_vector_norm, ag_axes_options, __VA_ARGS__, AG__SIZE(ag_axes_options))
#define ag_matrix_norm(...) AG__AFTER_CALL(AG__CALL2, ag_matrix_norm, ag_axes_options, __VA_ARGS__, AG__SIZE(ag_axes_options))
#define ag_frobenius_norm(...) AG__AFTER_CALL(AG__CALL1, ag_frobenius_norm, ag_axes_options, __VA_ARGS__, AG__SIZE(ag_axes_options))
#define ag_nuclear_norm(...) AG__AFTER_CALL(AG__CALL1, ag_nuclear_norm, ag_axes_options, __VA_ARGS__, AG__SIZE(ag_axes_options))
#define ag_pairwise_distance(...) AG__AFTER_CALL(AG__CALL2, ag_pairwise_distance, ag_distance_options, __VA_ARGS__, AG__SIZE(ag_distance_options))
#define ag_cov(...) AG__AFTER_CALL(AG__CALL1, ag_cov, ag_cov_options, __VA_ARGS__, AG__SIZE(ag_cov_options))
#endif
#endif
