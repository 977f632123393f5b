/* rules.c - what ops.def's vjp column calls by name, for tensors; tape/rules.h has the scalars' side and says what each
 * is. */
#include <autograd/ops/elementwise.h>
#include <autograd/tape/rules.h>
#include <math.h>

ag_tensor *ag__like_t(double number)
{
    return ag_num(number);
}
ag_tensor *ag__above_t(ag_tensor *x, double bound, ag_tensor *a, ag_tensor *b)
{
    return ag_where(ag_gt(x, bound), a, b);
}
/* Where a formula does not hold something harmless takes the place of its operands, so that later derivatives do not
 * meet what is infinite there. */
ag_tensor *ag__part_t(ag_tensor *a, ag_tensor *y)
{
    ag_tensor *none = ag_logical_and(ag_eq(a, 0.0), ag_eq(y, 0.0));
    return ag_where(none, ag_num(0), ag_div(a, ag_where(none, ag_num(1), y)));
}
ag_tensor *ag__share_t(ag_tensor *a, ag_tensor *b)
{
    return ag_where(ag_isnan(b), ag_num(1), ag__larger_t(a, b));
}
ag_tensor *ag__minus_t(ag_tensor *a, ag_tensor *b)
{
    return ag_where(ag_logical_and(ag_isinf(a), ag_eq(a, b)), ag_num(0), ag_sub(a, b));
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
    ag_tensor *x2 = ag_mul(0.044715, ag_square(ag_clamp(x, -30.0, 30.0))), /* beyond, 1 - s is 0 */
        *s = ag_sigmoid(ag_mul(ag_mul(1.5957691216057308, x), ag_add(1.0, x2)));
    return ag_add(s, ag_mul(ag_mul(y, ag_sub(1.0, s)), ag_mul(1.5957691216057308, ag_add(1.0, ag_mul(3.0, x2)))));
}
ag_tensor *ag__pow_by_base_t(ag_tensor *g, ag_tensor *a, ag_tensor *b)
{
    ag_tensor *flat = ag_logical_and(ag_eq(b, 0.0), ag_logical_not(ag_isfinite(ag_reciprocal(a))));
    return ag_where(flat, ag_num(0), ag_mul(g, ag_mul(b, ag_pow(ag_where(flat, ag_num(1), a), ag_sub(b, 1.0)))));
}
ag_tensor *ag__pow_by_exponent_t(ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y)
{
    ag_tensor *still = ag_logical_and(ag_eq(a, 0.0), ag_ge(b, 0.0));
    return ag_mul(g, ag_mul(y, ag_log(ag_where(still, ag_num(1), a))));
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
    ag_tensor *none = ag_eq(r, 0.0);
    return ag_where(none, ag_num(0), ag_div(p, ag_where(none, ag_num(1), r)));
}

/* ---- what a branch not taken gets ---- */

/* Surely: the sum of finite numbers may overflow, but that of others is never finite. */
static bool all_finite(const ag_tensor *x)
{
    const ag__layout *l = x->layout;
    return l->numel == 0 || (l->dense && isfinite(ag__kernels_for(l->dtype)->reduce[AG__SUM](l->numel, x->data, 1)));
}

/* x, or where it is lost the element that x, broadcast to that shape, has at the place `well`. */
static ag_tensor *exchanged(ag_tensor *x, ag_tensor *lost, int64_t well)
{
    if (!x) return NULL;
    ag_tensor *all = (ag_expand)(ag_detach(x), lost->layout->rank, lost->layout->dims);
    return ag_where(lost, ag_select(ag_reshape(all, -1), 0, well), x);
}

/* g times the slope. Where that is not finite though g is 0, the operands are exchanged for other elements of theirs,
 * at which all is well: then no later derivative meets the odd ones either. */
ag_tensor *ag__guarded(ag__rule_fn *rule, const void *with, ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y)
{
    ag_tensor *r = rule(with, g, a, b, y);
    if (!r || all_finite(r)) return r;
    ag_tensor *fine = ag_isfinite(r), *lost = ag_logical_and(ag_logical_not(fine), ag_eq(g, 0.0));
    int64_t n = r->layout->numel, well = 0, some = 0;
    if (!lost || !(fine = ag_contiguous(fine))) return NULL;
    for (int64_t i = 0; i < n; i++) some += ((const bool *)lost->data)[i];
    while (well < n && !((const bool *)fine->data)[well]) well++;
    if (some == 0) return r;
    if (well == n) return ag_where(lost, ag_num(0), r);
    r = rule(with, g, exchanged(a, lost, well), exchanged(b, lost, well), exchanged(y, lost, well));
    return ag_where(lost, ag_num(0), r);
}
