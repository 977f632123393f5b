/* elementary.h - the elementary functions as lists, for whoever needs one piece of code for each.
 * Generated from ops.def by `make headers`; edit that. */
#ifndef AG_ELEMENTARY_H
#define AG_ELEMENTARY_H

/* Said with what the vjp reads of a row: its slopes are always finite, or factors. */
#define AG__PLAIN 0x1000000u

/* X(name, what the vjp reads, value, slope, vjp), in x, the result y and the gradient g. */
#define AG_UNARY_FUNCTIONS(X) \
    X(neg, AG_SAVES_NOTHING | AG__PLAIN, (-x), (-1), (ag_neg(g))) \
    X(abs, AG_SAVES_IN(0) | AG__PLAIN, (fabs(x)), (x > 0 ? 1 : x < 0 ? -1 : 0), (ag_mul(g, ag_sign(x)))) \
    X(sign, AG_SAVES_NOTHING | AG__PLAIN, (x > 0 ? 1 : x < 0 ? -1 : 0), (0), (ag_mul(g, 0.0))) \
    X(floor, AG_SAVES_NOTHING | AG__PLAIN, (floor(x)), (0), (ag_mul(g, 0.0))) \
    X(ceil, AG_SAVES_NOTHING | AG__PLAIN, (ceil(x)), (0), (ag_mul(g, 0.0))) \
    X(trunc, AG_SAVES_NOTHING | AG__PLAIN, (trunc(x)), (0), (ag_mul(g, 0.0))) \
    X(round, AG_SAVES_NOTHING | AG__PLAIN, (rint(x)), (0), (ag_mul(g, 0.0))) \
    X(square, AG_SAVES_IN(0) | AG__PLAIN, (x * x), (2 * x), (ag_mul(g, ag_mul(2.0, x)))) \
    X(sqrt, AG_SAVES_OUT(0), (sqrt(x)), (K(0.5) / y), (ag_div(g, ag_mul(2.0, y)))) \
    X(rsqrt, AG_SAVES_OUT(0), (1 / sqrt(x)), (K(-0.5) * y * y * y), (ag_mul(g, ag_mul(-0.5, ag_mul(y, ag_square(y)))))) \
    X(reciprocal, AG_SAVES_OUT(0), (1 / x), (-y * y), (ag_neg(ag_mul(g, ag_square(y))))) \
    X(exp, AG_SAVES_OUT(0), (exp(x)), (y), (ag_mul(g, y))) \
    X(expm1, AG_SAVES_OUT(0), (expm1(x)), (y + 1), (ag_mul(g, ag_add(y, 1.0)))) \
    X(log, AG_SAVES_IN(0), (log(x)), (1 / x), (ag_div(g, x))) \
    X(log1p, AG_SAVES_IN(0), (log1p(x)), (1 / (1 + x)), (ag_div(g, ag_add(x, 1.0)))) \
    X(sin, AG_SAVES_IN(0), (sin(x)), (cos(x)), (ag_mul(g, ag_cos(x)))) \
    X(cos, AG_SAVES_IN(0), (cos(x)), (-sin(x)), (ag_neg(ag_mul(g, ag_sin(x))))) \
    X(tan, AG_SAVES_OUT(0), (tan(x)), (1 + y * y), (ag_mul(g, ag_add(1.0, ag_square(y))))) \
    X(asin, AG_SAVES_IN(0), (asin(x)), (1 / sqrt((1 - x) * (1 + x))), (ag_mul(g, ag_rsqrt(ag_mul(ag_sub(1.0, x), ag_add(1.0, x)))))) \
    X(acos, AG_SAVES_IN(0), (acos(x)), (-1 / sqrt((1 - x) * (1 + x))), (ag_neg(ag_mul(g, ag_rsqrt(ag_mul(ag_sub(1.0, x), ag_add(1.0, x))))))) \
    X(atan, AG_SAVES_IN(0), (atan(x)), (1 / (1 + x * x)), (ag_div(g, ag_add(1.0, ag_square(x))))) \
    X(sinh, AG_SAVES_IN(0), (sinh(x)), (cosh(x)), (ag_mul(g, ag_cosh(x)))) \
    X(cosh, AG_SAVES_IN(0), (cosh(x)), (sinh(x)), (ag_mul(g, ag_sinh(x)))) \
    X(tanh, AG_SAVES_OUT(0), (tanh(x)), (1 - y * y), (ag_mul(g, ag_sub(1.0, ag_square(y))))) \
    X(erf, AG_SAVES_IN(0), (erf(x)), (K(1.1283791670955126) * exp(-x * x)), (ag_mul(g, ag_mul(1.1283791670955126, ag_exp(ag_neg(ag_square(x))))))) \
    X(erfc, AG_SAVES_IN(0), (erfc(x)), (K(-1.1283791670955126) * exp(-x * x)), (ag_mul(g, ag_mul(-1.1283791670955126, ag_exp(ag_neg(ag_square(x))))))) \
    X(sigmoid, AG_SAVES_OUT(0), (1 / (1 + exp(-x))), (y * (1 - y)), (ag_mul(g, ag_mul(y, ag_sub(1.0, y))))) \
    X(softplus, AG_SAVES_IN(0), (log1p(exp(-fabs(x))) + (x > 0 ? x : 0)), (1 / (1 + exp(-x))), (ag_mul(g, ag_sigmoid(x)))) \
    X(relu, AG_SAVES_OUT(0) | AG__PLAIN, (x < 0 ? 0 : x), (y > 0 ? 1 : 0), (ag_mul(g, ag_sign(y)))) \
    X(gelu, AG_SAVES_IN(0), (K(0.5) * x * erfc(K(-0.7071067811865476) * x)), (K(0.5) * erfc(K(-0.7071067811865476) * x) + K(0.3989422804014327) * x * exp(K(-0.5) * x * x)), (ag_mul(g, ag_add(ag_mul(0.5, ag_erfc(ag_mul(-0.7071067811865476, x))), ag_mul(ag_mul(0.3989422804014327, x), ag_exp(ag_mul(-0.5, ag_square(x)))))))) \
    X(gelu_tanh, AG_SAVES_IN(0) | AG_SAVES_OUT(0), (x / (1 + exp(-x * (K(1.5957691216057308) + K(0.07135481627260025) * x * x)))), (1 / (1 + exp(-x * (K(1.5957691216057308) + K(0.07135481627260025) * x * x))) + y * (1 - 1 / (1 + exp(-x * (K(1.5957691216057308) + K(0.07135481627260025) * x * x)))) * (K(1.5957691216057308) + K(0.21406444881780076) * fmin(x * x, 900))), (ag_mul(g, ag__gelu_tanh_slope(x, y)))) \
    X(silu, AG_SAVES_IN(0) | AG_SAVES_OUT(0), (x / (1 + exp(-x))), ((1 + (x - y)) / (1 + exp(-x))), (ag_mul(g, ag_mul(ag_sigmoid(x), ag_add(1.0, ag_sub(x, y))))))

/* X(name, what the vjp reads, value, slopes by a and b, vjps by a and b). */
#define AG_BINARY_FUNCTIONS(X) \
    X(add, AG_SAVES_NOTHING | AG__PLAIN, (a + b), (1), (1), (g), (g)) \
    X(sub, AG_SAVES_NOTHING | AG__PLAIN, (a - b), (1), (-1), (g), (ag_neg(g))) \
    X(mul, AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG__PLAIN, (a * b), (b), (a), (ag_mul(g, b)), (ag_mul(g, a))) \
    X(div, AG_SAVES_IN(1) | AG_SAVES_OUT(0), (a / b), (1 / b), (-y / b), (ag_div(g, b)), (ag_neg(ag_mul(g, ag_div(y, b))))) \
    X(pow, AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_OUT(0), (pow(a, b)), (b == 0 ? 0 : b * pow(a, b - 1)), (a == 0 && b >= 0 ? 0 : y * log(a)), (ag__pow_by_base(g, a, b)), (ag__pow_by_exponent(g, a, b, y))) \
    X(maximum, AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG__PLAIN, (a > b || a != a ? a : b), (a > b ? 1 : a == b ? K(0.5) : 0), (b > a ? 1 : a == b ? K(0.5) : 0), (ag_mul(g, ag__larger(a, b))), (ag_mul(g, ag__larger(b, a)))) \
    X(minimum, AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG__PLAIN, (a < b || a != a ? a : b), (a < b ? 1 : a == b ? K(0.5) : 0), (b < a ? 1 : a == b ? K(0.5) : 0), (ag_mul(g, ag__larger(b, a))), (ag_mul(g, ag__larger(a, b)))) \
    X(atan2, AG_SAVES_IN(0) | AG_SAVES_IN(1), (atan2(a, b)), (a == 0 && b == 0 ? 0 : b / (a * a + b * b)), (a == 0 && b == 0 ? 0 : -a / (a * a + b * b)), (ag_mul(g, ag__over_square(b, a, b))), (ag_neg(ag_mul(g, ag__over_square(a, a, b)))))

/* The rare ones, in double: the same; and X(name, value, slope, vjp) of f_n(x). */
#define AG_RARE_UNARY(X) \
    X(logsigmoid, AG_SAVES_IN(0), ((x < 0 ? x : 0) - log1p(exp(-fabs(x)))), (1 / (1 + exp(x))), (ag_mul(g, ag_sigmoid(ag_neg(x))))) \
    X(mish, AG_SAVES_IN(0), (x * ag__mish_gate(x)), (ag__mish_slope(x)), (ag_mul(g, ag__mish_rule(x)))) \
    X(selu, AG_SAVES_OUT(0), (1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x))), (x > 0 ? 1.0507009873554805 : y + 1.7580993408473769), (ag_mul(g, ag__above(y, 0, ag__like(y, 1.0507009873554805), ag_add(y, 1.7580993408473769))))) \
    X(relu6, AG_SAVES_OUT(0), (x < 0 ? 0 : x > 6 ? 6 : x), (y > 0 && y < 6 ? 1 : 0), (ag_mul(g, ag_mul(ag_sign(y), ag_sign(ag_sub(6.0, y)))))) \
    X(hardsigmoid, AG_SAVES_OUT(0), ((x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6), (y > 0 && y < 1 ? (double)(1.0F / 6) : 0), (ag_mul(g, ag_mul((double)(1.0F / 6), ag_mul(ag_sign(y), ag_sign(ag_sub(1.0, y))))))) \
    X(hardswish, AG_SAVES_IN(0), (x * (x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6), (x < -3 ? 0 : x > 3 ? 1 : x / 3 + 0.5), (ag_mul(g, ag__above(x, 3, ag__like(x, 1), ag__above(ag_neg(x), 3, ag__like(x, 0), ag_add(ag_div(x, 3.0), 0.5)))))) \
    X(softsign, AG_SAVES_IN(0), (x / (1 + fabs(x))), (1 / ((1 + fabs(x)) * (1 + fabs(x)))), (ag_div(g, ag_square(ag_add(1.0, ag_abs(x)))))) \
    X(tanhshrink, AG_SAVES_IN(0), (x - tanh(x)), (tanh(x) * tanh(x)), (ag_mul(g, ag_square(ag_tanh(x))))) \
    X(acosh, AG_SAVES_IN(0), (acosh(x)), (1 / (sqrt(x - 1) * sqrt(x + 1))), (ag_mul(g, ag_mul(ag_rsqrt(ag_sub(x, 1.0)), ag_rsqrt(ag_add(x, 1.0)))))) \
    X(asinh, AG_SAVES_IN(0), (asinh(x)), (1 / hypot(1, x)), (ag_div(g, ag_hypot(1.0, x)))) \
    X(atanh, AG_SAVES_IN(0), (atanh(x)), (1 / ((1 - x) * (1 + x))), (ag_div(g, ag_mul(ag_sub(1.0, x), ag_add(1.0, x))))) \
    X(exp2, AG_SAVES_OUT(0), (exp2(x)), (0.6931471805599453 * y), (ag_mul(g, ag_mul(0.6931471805599453, y)))) \
    X(log2, AG_SAVES_IN(0), (log2(x)), (1.4426950408889634 / x), (ag_div(ag_mul(1.4426950408889634, g), x))) \
    X(log10, AG_SAVES_IN(0), (log10(x)), (0.4342944819032518 / x), (ag_div(ag_mul(0.4342944819032518, g), x))) \
    X(cbrt, AG_SAVES_OUT(0), (cbrt(x)), (1 / (3 * y * y)), (ag_div(g, ag_mul(3.0, ag_square(y))))) \
    X(lgamma, AG_SAVES_IN(0), (ag__lgamma(x)), (ag__digamma(x)), (ag_mul(g, ag_digamma(x)))) \
    X(digamma, AG_SAVES_IN(0), (ag__digamma(x)), (ag__polygamma(1, x)), (ag_mul(g, ag_polygamma(1, x)))) \
    X(erfinv, AG_SAVES_OUT(0), (ag__erfinv(x)), (0.886226925452758 * exp(y * y)), (ag_mul(g, ag_mul(0.886226925452758, ag_exp(ag_square(y)))))) \
    X(erfcx, AG_SAVES_IN(0) | AG_SAVES_OUT(0), (ag__erfcx(x)), (2 * x * y - 1.1283791670955126), (ag_mul(g, ag_sub(ag_mul(ag_mul(2.0, x), y), 1.1283791670955126)))) \
    X(ndtr, AG_SAVES_IN(0), (0.5 * erfc(-0.7071067811865476 * x)), (0.3989422804014327 * exp(-0.5 * x * x)), (ag_mul(g, ag_mul(0.3989422804014327, ag_exp(ag_mul(-0.5, ag_square(x))))))) \
    X(log_ndtr, AG_SAVES_IN(0), (ag__log_ndtr(x)), (0.7978845608028654 / ag__erfcx(-0.7071067811865476 * x)), (ag_div(ag_mul(0.7978845608028654, g), ag_erfcx(ag_mul(-0.7071067811865476, x))))) \
    X(ndtri, AG_SAVES_OUT(0), (ag__ndtri(x)), (2.5066282746310002 * exp(0.5 * y * y)), (ag_mul(g, ag_mul(2.5066282746310002, ag_exp(ag_mul(0.5, ag_square(y))))))) \
    X(entr, AG_SAVES_IN(0), (x > 0 ? -x * log(x) : x < 0 ? -INFINITY : x), (-log(x) - 1), (ag_neg(ag_mul(g, ag_add(ag_log(x), 1.0))))) \
    X(i0, AG_SAVES_IN(0), (ag__bessel_i(0, x)), (ag__bessel_i(1, x)), (ag_mul(g, ag_i1(x)))) \
    X(i1, AG_SAVES_IN(0), (ag__bessel_i(1, x)), (0.5 * (ag__bessel_i(0, x) + ag__bessel_i(2, x))), (ag_mul(g, ag_mul(0.5, ag_add(ag_i0(x), ag_iv(2, x)))))) \
    X(i0e, AG_SAVES_IN(0) | AG_SAVES_OUT(0), (ag__bessel_ie(0, x)), (ag__bessel_ie(1, x) - ag__sign(x) * y), (ag_mul(g, ag_sub(ag_i1e(x), ag_mul(ag_sign(x), y))))) \
    X(i1e, AG_SAVES_IN(0) | AG_SAVES_OUT(0), (ag__bessel_ie(1, x)), (0.5 * (ag__bessel_ie(0, x) + ag__bessel_ie(2, x)) - ag__sign(x) * y), (ag_mul(g, ag_sub(ag_mul(0.5, ag_add(ag_i0e(x), ag_ive(2, x))), ag_mul(ag_sign(x), y))))) \
    X(sinc, AG_SAVES_IN(0), (ag__sinc(0, x)), (ag__sinc(1, x)), (ag_mul(g, ag_sinc_derivative(1, x)))) \
    X(frac, AG_SAVES_NOTHING, (x - trunc(x)), (1), (g)) \
    X(sgn, AG_SAVES_NOTHING, (x > 0 ? 1 : x < 0 ? -1 : 0), (0), (ag_mul(g, 0.0))) \
    X(rad2deg, AG_SAVES_NOTHING, (57.29577951308232 * x), (57.29577951308232), (ag_mul(g, 57.29577951308232))) \
    X(deg2rad, AG_SAVES_NOTHING, (0.017453292519943295 * x), (0.017453292519943295), (ag_mul(g, 0.017453292519943295)))

#define AG_RARE_BINARY(X) \
    X(hypot, AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_OUT(0), (hypot(a, b)), (y == 0 ? 0 : a / y), (y == 0 ? 0 : b / y), (ag_mul(g, ag__part(a, y))), (ag_mul(g, ag__part(b, y)))) \
    X(fmax, AG_SAVES_IN(0) | AG_SAVES_IN(1), (fmax(a, b)), (ag__share(a, b)), (1 - ag__share(a, b)), (ag_mul(g, ag__share_rule(a, b))), (ag_mul(g, ag_sub(1.0, ag__share_rule(a, b))))) \
    X(fmin, AG_SAVES_IN(0) | AG_SAVES_IN(1), (fmin(a, b)), (ag__share(-a, -b)), (1 - ag__share(-a, -b)), (ag_mul(g, ag__share_rule(ag_neg(a), ag_neg(b)))), (ag_mul(g, ag_sub(1.0, ag__share_rule(ag_neg(a), ag_neg(b)))))) \
    X(fmod, AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_OUT(0), (fmod(a, b)), (1), (-rint((a - y) / b)), (g), (ag_neg(ag_mul(g, ag_round(ag_div(ag_sub(a, y), b)))))) \
    X(remainder, AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_OUT(0), (ag__remainder(a, b)), (1), (-rint((a - y) / b)), (g), (ag_neg(ag_mul(g, ag_round(ag_div(ag_sub(a, y), b)))))) \
    X(copysign, AG_SAVES_IN(0) | AG_SAVES_OUT(0), (copysign(a, b)), (a < 0 || a > 0 ? !signbit(a) == !signbit(y) ? 1 : -1 : 0), (0), (ag_mul(g, ag_mul(ag_sign(a), ag_sign(y)))), (ag_mul(g, 0.0))) \
    X(logaddexp, AG_SAVES_IN(0) | AG_SAVES_IN(1), (ag__logaddexp(a, b)), (1 / (1 + exp(ag__minus(b, a)))), (1 / (1 + exp(ag__minus(a, b)))), (ag_mul(g, ag_sigmoid(ag__minus_rule(a, b)))), (ag_mul(g, ag_sigmoid(ag__minus_rule(b, a))))) \
    X(logaddexp2, AG_SAVES_IN(0) | AG_SAVES_IN(1), (ag__logaddexp2(a, b)), (1 / (1 + exp2(ag__minus(b, a)))), (1 / (1 + exp2(ag__minus(a, b)))), (ag_mul(g, ag_sigmoid(ag_mul(0.6931471805599453, ag__minus_rule(a, b))))), (ag_mul(g, ag_sigmoid(ag_mul(0.6931471805599453, ag__minus_rule(b, a)))))) \
    X(xlogy, AG_SAVES_IN(0) | AG_SAVES_IN(1), (ag__xlogy(a, b)), (a == 0 && b <= 0 ? 0 : log(b)), (a == 0 && b == 0 ? 0 : a / b), (ag_xlogy(ag__alive(g, a, b, 0), b)), (ag_mul(g, ag__part(a, b)))) \
    X(xlog1py, AG_SAVES_IN(0) | AG_SAVES_IN(1), (ag__xlog1py(a, b)), (a == 0 && b <= -1 ? 0 : log1p(b)), (a == 0 && b == -1 ? 0 : a / (1 + b)), (ag_xlog1py(ag__alive(g, a, b, -1), b)), (ag_mul(g, ag__part(a, ag_add(1.0, b))))) \
    X(heaviside, AG_SAVES_IN(0), (a == 0 ? b : a > 0 ? 1 : 0), (0), (a < 0 || a > 0 ? 0 : 1), (ag_mul(g, 0.0)), (ag_mul(g, ag_sub(1.0, ag_abs(ag_sign(a)))))) \
    X(ldexp, AG_SAVES_IN(1) | AG_SAVES_OUT(0), (a * exp2(b)), (exp2(b)), (0.6931471805599453 * y), (ag_mul(g, ag_exp2(b))), (ag_mul(g, ag_mul(0.6931471805599453, y))))

#define AG_RARE_ORDERED(X) \
    X(polygamma, (ag__polygamma(n, x)), (ag__polygamma(n + 1, x)), (ag_mul(g, ag_polygamma(n + 1, x)))) \
    X(iv, (ag__bessel_i(n, x)), (0.5 * (ag__bessel_i(n - 1, x) + ag__bessel_i(n + 1, x))), (ag_mul(g, ag_mul(0.5, ag_add(ag_iv(abs(n - 1), x), ag_iv(n + 1, x)))))) \
    X(ive, (ag__bessel_ie(n, x)), (0.5 * (ag__bessel_ie(n - 1, x) + ag__bessel_ie(n + 1, x)) - ag__sign(x) * y), (ag_mul(g, ag_sub(ag_mul(0.5, ag_add(ag_ive(abs(n - 1), x), ag_ive(n + 1, x))), ag_mul(ag_sign(x), y))))) \
    X(sinc_derivative, (ag__sinc(n, x)), (ag__sinc(n + 1, x)), (ag_mul(g, ag_sinc_derivative(n + 1, x))))
#endif
