/* rules_number.h - the helpers of rules.h for numbers: ag_scalars, and in curvature.c, where ag_scalar is another name for
 * numbers with a tangent, those. AG__RULE(name, first) is what chooses by the first argument's type. */
#define ag__like(x, number) AG__RULE(ag__like, x)(number)
#define ag__above(x, bound, a, b) AG__RULE(ag__above, x)(x, bound, a, b)
#define ag__part(a, y) AG__RULE(ag__part, a)(a, y)
#define ag__share_rule(a, b) AG__RULE(ag__share, a)(a, b)
#define ag__minus_rule(a, b) AG__RULE(ag__minus, a)(a, b)
#define ag__alive(g, a, b, limit) AG__RULE(ag__alive, a)(g, a, b, limit)
#define ag__mish_rule(x) AG__RULE(ag__mish, x)(x)
#define ag__pow_by_base(g, a, b) AG__RULE(ag__pow_by_base, g)(g, a, b)
#define ag__pow_by_exponent(g, a, b, y) AG__RULE(ag__pow_by_exponent, g)(g, a, b, y)
#define ag__larger(a, b) AG__RULE(ag__larger, a)(a, b)
#define ag__gelu_tanh_slope(x, y) AG__RULE(ag__gelu_tanh_slope, x)(x, y)
#define ag__over_square(p, a, b) AG__RULE(ag__over_square, p)(p, a, b)

static inline ag_scalar ag__like_s(double number)
{
    return ag_const(number);
}
/* a where x > bound, else b. */
static inline ag_scalar ag__above_s(ag_scalar x, double bound, ag_scalar a, ag_scalar b)
{
    return x.value > bound ? a : b;
}
/* a / y, and 0 where both are 0. */
static inline ag_scalar ag__part_s(ag_scalar a, ag_scalar y)
{
    return a.value == 0 && y.value == 0 ? ag_const(0) : ag_div(a, y);
}
/* 1 where a > b or b is NaN, 1/2 where they are equal, else 0; a constant. */
static inline ag_scalar ag__share_s(ag_scalar a, ag_scalar b)
{
    return ag_const(a.value > b.value || isnan(b.value) ? 1 : a.value == b.value ? 0.5 : 0);
}
/* a - b, and 0 where they are equal. */
static inline ag_scalar ag__minus_s(ag_scalar a, ag_scalar b)
{
    return isinf(a.value) && a.value == b.value ? ag_const(0) : ag_sub(a, b);
}
/* g, and 0 where a is 0 and b <= limit. */
static inline ag_scalar ag__alive_s(ag_scalar g, ag_scalar a, ag_scalar b, double limit)
{
    return a.value == 0 && b.value <= limit ? ag_const(0) : g;
}
/* t + x (1 - t^2) sigmoid(x) with t = tanh(softplus(x)) */
static inline ag_scalar ag__mish_s(ag_scalar x)
{
    ag_scalar t = ag_tanh(ag_softplus(x));
    return ag_add(t, ag_mul(ag_mul(x, ag_sub(1.0, ag_square(t))), ag_sigmoid(x)));
}

/* g b a^(b-1); 0 where b = 0 and the power has no slope to speak of. */
static inline ag_scalar ag__pow_by_base_s(ag_scalar g, ag_scalar a, ag_scalar b)
{
    if (b.value == 0 && (b.id == 0 || !isfinite(1 / a.value))) return ag_const(0);
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
    /* beyond 30, 1 - s is 0 */
    ag_scalar x2 = fabs(x.value) < 30 ? ag_mul(0.044715, ag_square(x)) : ag_const(0.044715 * 900);
    ag_scalar s = ag_sigmoid(ag_mul(ag_mul(1.5957691216057308, x), ag_add(1.0, x2)));
    return ag_add(s, ag_mul(ag_mul(y, ag_sub(1.0, s)), ag_mul(1.5957691216057308, ag_add(1.0, ag_mul(3.0, x2)))));
}
