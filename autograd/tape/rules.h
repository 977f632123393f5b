/* rules.h - the few helpers that ops.def's vjp column needs besides the public operations, for scalars and tensors. */
#ifndef AG_TAPE_RULES_H
#define AG_TAPE_RULES_H
#include <autograd/tape/state.h>

#define AG__RULE(name, first) _Generic((first), ag_scalar: name##_s, ag_tensor *: name##_t)
#define ag__pow_by_base(g, a, b) AG__RULE(ag__pow_by_base, g)(g, a, b)
#define ag__pow_by_exponent(g, a, b, y) AG__RULE(ag__pow_by_exponent, g)(g, a, b, y)
#define ag__larger(a, b) AG__RULE(ag__larger, a)(a, b)
#define ag__gelu_tanh_slope(x, y) AG__RULE(ag__gelu_tanh_slope, x)(x, y)
#define ag__over_square(p, a, b) AG__RULE(ag__over_square, p)(p, a, b)

/* g b a^(b-1); 0 where b = 0 and the power has no slope to speak of. */
static inline ag_scalar ag__pow_by_base_s(ag_scalar g, ag_scalar a, ag_scalar b)
{
    if (b.value == 0 && (a.value == 0 || b.id == 0)) return ag_const(0);
    return ag_mul(g, ag_mul(b, ag_pow(a, ag_sub(b, 1.0))));
}
/* g y log(a); 0 where a = 0 and b >= 0. */
static inline ag_scalar ag__pow_by_exponent_s(ag_scalar g, ag_scalar a, ag_scalar b, ag_scalar y)
{
    if (a.value == 0 && b.value >= 0) return ag_const(0);
    return ag_mul(g, ag_mul(y, ag_log(a)));
}
/* 1 where a > b, 1/2 where they are equal, else 0; a constant. */
static inline ag_scalar ag__larger_s(ag_scalar a, ag_scalar b)
{
    return ag_const(a.value > b.value ? 1 : a.value == b.value ? 0.5 : 0);
}
/* p / (a^2 + b^2); 0 at the origin. */
static inline ag_scalar ag__over_square_s(ag_scalar p, ag_scalar a, ag_scalar b)
{
    if (a.value == 0 && b.value == 0) return ag_const(0);
    return ag_div(p, ag_add(ag_square(a), ag_square(b)));
}

/* s + y (1 - s) 2c (1 + 3 a x^2) with y = x s, s = sigmoid(2 c x (1 + a x^2)), c = sqrt(2 / pi), a = 0.044715 */
static inline ag_scalar ag__gelu_tanh_slope_s(ag_scalar x, ag_scalar y)
{
    ag_scalar x2 = ag_mul(0.044715, ag_square(x)), s = ag_sigmoid(ag_mul(ag_mul(1.5957691216057308, x), ag_add(1.0, x2)));
    return ag_add(s, ag_mul(ag_mul(y, ag_sub(1.0, s)), ag_mul(1.5957691216057308, ag_add(1.0, ag_mul(3.0, x2)))));
}

/* ops/elementwise.c */
ag_tensor *ag__gelu_tanh_slope_t(ag_tensor *x, ag_tensor *y);
ag_tensor *ag__pow_by_base_t(ag_tensor *g, ag_tensor *a, ag_tensor *b);
ag_tensor *ag__pow_by_exponent_t(ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y);
ag_tensor *ag__larger_t(ag_tensor *a, ag_tensor *b);
ag_tensor *ag__over_square_t(ag_tensor *p, ag_tensor *a, ag_tensor *b);
#endif
