/* elementary.h - the elementary functions as lists, for whoever needs one piece of code for each.
 * Generated from ops.def by `make headers`; edit that. */
#ifndef AG_ELEMENTARY_H
#define AG_ELEMENTARY_H

/* X(name, what the vjp reads, value, slope, vjp), in x, the result y and the gradient g. */
#define AG_UNARY_FUNCTIONS(X) \
    X(neg, AG_SAVES_NOTHING, (-x), (-1), (ag_neg(g))) \
    X(abs, AG_SAVES_IN(0), (fabs(x)), (x > 0 ? 1 : x < 0 ? -1 : 0), (ag_mul(g, ag_sign(x)))) \
    X(sign, AG_SAVES_NOTHING, (x > 0 ? 1 : x < 0 ? -1 : 0), (0), (ag_mul(g, 0.0))) \
    X(floor, AG_SAVES_NOTHING, (floor(x)), (0), (ag_mul(g, 0.0))) \
    X(ceil, AG_SAVES_NOTHING, (ceil(x)), (0), (ag_mul(g, 0.0))) \
    X(trunc, AG_SAVES_NOTHING, (trunc(x)), (0), (ag_mul(g, 0.0))) \
    X(round, AG_SAVES_NOTHING, (rint(x)), (0), (ag_mul(g, 0.0))) \
    X(square, AG_SAVES_IN(0), (x * x), (2 * x), (ag_mul(g, ag_mul(2.0, x)))) \
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
    X(relu, AG_SAVES_OUT(0), (x < 0 ? 0 : x), (y > 0 ? 1 : 0), (ag_mul(g, ag_sign(y)))) \
    X(gelu, AG_SAVES_IN(0), (K(0.5) * x * erfc(K(-0.7071067811865476) * x)), (K(0.5) * erfc(K(-0.7071067811865476) * x) + K(0.3989422804014327) * x * exp(K(-0.5) * x * x)), (ag_mul(g, ag_add(ag_mul(0.5, ag_erfc(ag_mul(-0.7071067811865476, x))), ag_mul(ag_mul(0.3989422804014327, x), ag_exp(ag_mul(-0.5, ag_square(x)))))))) \
    X(gelu_tanh, AG_SAVES_IN(0) | AG_SAVES_OUT(0), (x / (1 + exp(-x * (K(1.5957691216057308) + K(0.07135481627260025) * x * x)))), (1 / (1 + exp(-x * (K(1.5957691216057308) + K(0.07135481627260025) * x * x))) + y * (1 - 1 / (1 + exp(-x * (K(1.5957691216057308) + K(0.07135481627260025) * x * x)))) * (K(1.5957691216057308) + K(0.21406444881780076) * x * x)), (ag_mul(g, ag__gelu_tanh_slope(x, y))))

/* X(name, what the vjp reads, value, slopes by a and b, vjps by a and b). */
#define AG_BINARY_FUNCTIONS(X) \
    X(add, AG_SAVES_NOTHING, (a + b), (1), (1), (g), (g)) \
    X(sub, AG_SAVES_NOTHING, (a - b), (1), (-1), (g), (ag_neg(g))) \
    X(mul, AG_SAVES_IN(0) | AG_SAVES_IN(1), (a * b), (b), (a), (ag_mul(g, b)), (ag_mul(g, a))) \
    X(div, AG_SAVES_IN(1) | AG_SAVES_OUT(0), (a / b), (1 / b), (-y / b), (ag_div(g, b)), (ag_neg(ag_mul(ag_div(g, b), y)))) \
    X(pow, AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_OUT(0), (pow(a, b)), (b == 0 ? 0 : b * pow(a, b - 1)), (a == 0 && b >= 0 ? 0 : y * log(a)), (ag__pow_by_base(g, a, b)), (ag__pow_by_exponent(g, a, b, y))) \
    X(maximum, AG_SAVES_IN(0) | AG_SAVES_IN(1), (a > b || a != a ? a : b), (a > b ? 1 : a == b ? K(0.5) : 0), (b > a ? 1 : a == b ? K(0.5) : 0), (ag_mul(g, ag__larger(a, b))), (ag_mul(g, ag__larger(b, a)))) \
    X(minimum, AG_SAVES_IN(0) | AG_SAVES_IN(1), (a < b || a != a ? a : b), (a < b ? 1 : a == b ? K(0.5) : 0), (b < a ? 1 : a == b ? K(0.5) : 0), (ag_mul(g, ag__larger(b, a))), (ag_mul(g, ag__larger(a, b)))) \
    X(atan2, AG_SAVES_IN(0) | AG_SAVES_IN(1), (atan2(a, b)), (a == 0 && b == 0 ? 0 : b / (a * a + b * b)), (a == 0 && b == 0 ? 0 : -a / (a * a + b * b)), (ag_mul(g, ag__over_square(b, a, b))), (ag_neg(ag_mul(g, ag__over_square(a, a, b)))))
#endif
