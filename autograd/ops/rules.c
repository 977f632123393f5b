/* rules.c - what ops.def's vjp column calls by name, for tensors; tape/rules.h has the scalars' side and says what each
 * is. */
#include <autograd/ops/apply.h>
#include <autograd/tape/rules.h>
#include <float.h>
#include <math.h>

/* Surely: the sum of finite numbers may overflow, but that of others is never finite. */
static bool all_finite(const ag_tensor *x)
{
    const ag__layout *l = x->layout;
    return l->numel == 0 || (l->dense && isfinite(ag__kernels_for(l->dtype)->reduce[AG__SUM](l->numel, x->data, 1)));
}

/* Is 1 / x finite everywhere? */
static bool all_invertible(const ag_tensor *x)
{
    const ag__layout *l = x->layout;
    const float *f32 = x->data;
    const double *f64 = x->data;
    bool small = !l->dense;
    for (int64_t i = 0; !small && i < l->numel; i++)
        small = l->dtype == AG_F32 ? !(fabsf(f32[i]) >= FLT_MIN) : !(fabs(f64[i]) >= DBL_MIN);
    return !small;
}

/* The slope without what is not finite where g is 0, so that no later derivative meets it either. */
ag_tensor *ag__times_t(ag_tensor *g, ag_tensor *slope)
{
    if (!g || !slope || all_finite(slope)) return ag_mul(g, slope);
    ag_tensor *lost = ag_logical_and(ag_eq(g, 0.0), ag_logical_not(ag_isfinite(slope)));
    return ag_mul(g, ag_where(lost, ag_num(0), slope));
}
ag_tensor *ag__over_t(ag_tensor *g, ag_tensor *x)
{
    return !g || !x || all_invertible(x) ? ag_div(g, x) : ag__times_t(g, ag_reciprocal(x));
}

ag_tensor *ag__like_t(double number)
{
    return ag_num(number);
}
ag_tensor *ag__above_t(ag_tensor *x, double bound, ag_tensor *a, ag_tensor *b)
{
    return ag_where(ag_gt(x, bound), a, b);
}
ag_tensor *ag__part_t(ag_tensor *a, ag_tensor *y)
{
    ag_tensor *q = ag_div(a, y);
    return !q || all_finite(q) ? q : ag_where(ag_eq(y, 0.0), ag_num(0), q);
}
ag_tensor *ag__first_t(ag_tensor *a, ag_tensor *b)
{
    return a ? ag_to(ag_logical_or(ag_ge(a, b), ag_isnan(b)), ag_dtype_of(a)) : NULL;
}
ag_tensor *ag__minus_t(ag_tensor *a, ag_tensor *b)
{
    ag_tensor *d = ag_sub(a, b);
    return !d || all_finite(d) ? d : ag_where(ag_logical_and(ag_isinf(a), ag_eq(a, b)), ag_num(0), d);
}
ag_tensor *ag__alive_t(ag_tensor *g, ag_tensor *a, ag_tensor *b, double limit)
{
    return ag_where(ag_logical_and(ag_eq(a, 0.0), ag_le(b, limit)), ag_num(0), g);
}
ag_tensor *ag__mish_t(ag_tensor *x)
{
    ag_tensor *t = ag_tanh(ag_softplus(x));
    return ag_add(t, ag_mul(ag_mul(x, ag_sub(1.0, ag_square(t))), ag_sigmoid(x)));
}

ag_tensor *ag__gelu_tanh_slope_t(ag_tensor *x, ag_tensor *y)
{
    ag_tensor *x2 = ag_mul(0.044715, ag_square(x)),
              *s = ag_sigmoid(ag_mul(ag_mul(1.5957691216057308, x), ag_add(1.0, x2)));
    return ag_add(s, ag_mul(ag_mul(y, ag_sub(1.0, s)), ag_mul(1.5957691216057308, ag_add(1.0, ag_mul(3.0, x2)))));
}
ag_tensor *ag__pow_by_base_t(ag_tensor *g, ag_tensor *a, ag_tensor *b)
{
    ag_tensor *slope = ag_mul(b, ag_pow(a, ag_sub(b, 1.0)));
    if (!slope || all_finite(slope)) return ag_mul(g, slope);
    ag_tensor *flat = ag_logical_and(ag_eq(b, 0.0), ag_logical_not(ag_isfinite(slope)));
    return ag__times_t(g, ag_where(flat, ag_num(0), slope));
}
ag_tensor *ag__pow_by_exponent_t(ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y)
{
    ag_tensor *slope = ag_mul(y, ag_log(a));
    if (!slope || all_finite(slope)) return ag_mul(g, slope);
    ag_tensor *still = ag_logical_and(ag_eq(a, 0.0), ag_ge(b, 0.0));
    return ag__times_t(g, ag_where(still, ag_num(0), slope));
}
ag_tensor *ag__larger_t(ag_tensor *a, ag_tensor *b)
{
    if (!a || !b) return NULL;
    ag_dtype dtype = ag_dtype_of(a);
    return ag_add(ag_to(ag_gt(a, b), dtype), ag_mul(0.5, ag_to(ag_eq(a, b), dtype)));
}
ag_tensor *ag__over_square_t(ag_tensor *p, ag_tensor *a, ag_tensor *b)
{
    ag_tensor *r = ag_add(ag_square(a), ag_square(b));
    if (!r) return NULL;
    return all_invertible(r) ? ag_div(p, r) : ag_where(ag_eq(r, 0.0), ag_num(0), ag_div(p, r));
}
