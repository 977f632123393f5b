/* compound.c - small formulas with names of their own: lerp, addcmul, addcdiv, multigammaln, float_power, clamps by
 * tensors, nan_to_num. */
#include <autograd/ops/family.h>
#include <autograd/ops/map.h>
#include <float.h>
#include <math.h>

static ag_status broadcast(const ag_call *c, ag_shape *out)
{
    return ag__need_float(c->in[0], ag__title(c->op)) ? ag_shape_broadcast(c, out) : ag_error();
}
static double number(const ag_call *c)
{
    return *(const double *)c->attr;
}

/* ---- of three operands ---- */

static ag_tensor *addcmul_compose(const ag_call *c)
{
    ag_tensor *product = ag_mul(c->in[1], c->in[2]);
    return ag_add(c->in[0], number(c) == 1 ? product : ag_mul(product, number(c)));
}
const ag_op ag__op_addcmul = {
    .name = "addcmul", .n_in = 3, .attr_size = sizeof(double), .shape = broadcast, .compose = addcmul_compose
};
ag_tensor *ag_addcmul(ag_tensor *x, ag_tensor *a, ag_tensor *b, double value)
{
    return ag__apply(&ag__op_addcmul, &value, x, a, b);
}

static ag_tensor *addcdiv_compose(const ag_call *c)
{
    ag_tensor *quotient = ag_div(c->in[1], c->in[2]);
    return ag_add(c->in[0], number(c) == 1 ? quotient : ag_mul(quotient, number(c)));
}
const ag_op ag__op_addcdiv = {
    .name = "addcdiv", .n_in = 3, .attr_size = sizeof(double), .shape = broadcast, .compose = addcdiv_compose
};
ag_tensor *ag_addcdiv(ag_tensor *x, ag_tensor *a, ag_tensor *b, double value)
{
    return ag__apply(&ag__op_addcdiv, &value, x, a, b);
}

/* From the nearer end, so that weight 1 gives b itself. */
static ag_tensor *lerp_compose(const ag_call *c)
{
    ag_tensor *a = c->in[0], *b = c->in[1], *w = c->in[2], *way = ag_sub(b, a);
    return ag_where(ag_lt(w, 0.5), ag_add(a, ag_mul(w, way)), ag_sub(b, ag_mul(way, ag_sub(1.0, w))));
}
const ag_op ag__op_lerp = { .name = "lerp", .n_in = 3, .shape = broadcast, .compose = lerp_compose };
ag_tensor *(ag_lerp)(ag_tensor *a, ag_tensor *b, ag_tensor *weight)
{
    ag_tape *t;
    if (!ag__begin(&t, &a, "ag_lerp") || !(weight = ag__operand(t, weight, "ag_lerp", 3)) ||
        !(weight = ag__adopt(t, weight, a->layout->dtype, "ag_lerp")))
        return NULL;
    return ag__apply(&ag__op_lerp, NULL, a, b, weight);
}

/* ---- of two ---- */

static ag_tensor *clamp_min_compose(const ag_call *c)
{
    return ag_maximum(c->in[0], c->in[1]);
}
const ag_op ag__op_clamp_min = { .name = "clamp_min", .n_in = 2, .shape = broadcast, .compose = clamp_min_compose };
ag_tensor *(ag_clamp_min)(ag_tensor *a, ag_tensor *b)
{
    if (b && b->flags & AG__WEAK) return ag_clamp(a, b->one.f64, INFINITY);
    return ag__apply_pair(&ag__op_clamp_min, "ag_clamp_min", a, b);
}

static ag_tensor *clamp_max_compose(const ag_call *c)
{
    return ag_minimum(c->in[0], c->in[1]);
}
const ag_op ag__op_clamp_max = { .name = "clamp_max", .n_in = 2, .shape = broadcast, .compose = clamp_max_compose };
ag_tensor *(ag_clamp_max)(ag_tensor *a, ag_tensor *b)
{
    if (b && b->flags & AG__WEAK) return ag_clamp(a, -INFINITY, b->one.f64);
    return ag__apply_pair(&ag__op_clamp_max, "ag_clamp_max", a, b);
}

static ag_status float_power_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1] ? c->in[1]->layout : NULL;
    if (!b) return ag_fail(AG_ENULL, "ag_float_power: operand 2 is NULL");
    out->dtype = AG_F64, out->rank = 0;
    if (ag__broadcast(&out->rank, out->dims, a) && ag__broadcast(&out->rank, out->dims, b)) return AG_OK;
    return ag_fail(AG_ESHAPE, "ag_float_power: shapes do not broadcast: %s and %s", ag__text(a), ag__text(b));
}
static ag_tensor *float_power_compose(const ag_call *c)
{
    return ag_pow(ag_to(c->in[0], AG_F64), ag_to(c->in[1], AG_F64));
}
const ag_op ag__op_float_power = {
    .name = "float_power", .n_in = 2, .shape = float_power_shape, .compose = float_power_compose
};
ag_tensor *(ag_float_power)(ag_tensor *a, ag_tensor *b)
{
    return ag__apply(&ag__op_float_power, NULL, a, b);
}

/* ---- of one ---- */

static ag_status multigammaln_shape(const ag_call *c, ag_shape *out)
{
    int p = *(const int *)c->attr;
    if (p < 1) return ag_fail(AG_EINVAL, "ag_multigammaln: order %d is not positive", p);
    return ag__map_shape(c, out);
}
static ag_tensor *multigammaln_compose(const ag_call *c)
{
    int p = *(const int *)c->attr;
    ag_tensor *sum = ag_add(ag_lgamma(c->in[0]), 0.25 * p * (p - 1) * 1.1447298858494002); /* log pi */
    for (int j = 1; j < p; j++) sum = ag_add(sum, ag_lgamma(ag_sub(c->in[0], 0.5 * j)));
    return sum;
}
const ag_op ag__op_multigammaln = { .name = "multigammaln",
                                    .n_in = 1,
                                    .attr_size = sizeof(int),
                                    .shape = multigammaln_shape,
                                    .compose = multigammaln_compose };
ag_tensor *ag_multigammaln(ag_tensor *x, int p)
{
    return ag__apply(&ag__op_multigammaln, &p, x);
}

struct replacements {
    double nan, posinf, neginf;
};
static double nan_to_num_number(double x, const void *attr)
{
    const struct replacements *r = attr;
    return isnan(x) ? r->nan : isinf(x) ? x > 0 ? r->posinf : r->neginf : x;
}
static ag_tensor *nan_to_num_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    (void)attr;
    return ag_where(ag_isfinite(x), g, ag_num(0));
}
AG__MAP_ROW(nan_to_num, struct replacements, nan_to_num_number, nan_to_num_product)
ag_tensor *(ag_nan_to_num)(ag_tensor *x, const ag_nan_options *given)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_nan_to_num")) return NULL;
    ag_nan_options o = given ? *given : (ag_nan_options){ .size = sizeof o };
    double most = x->layout->dtype == AG_F32 ? (double)FLT_MAX : DBL_MAX;
    struct replacements r = { o.nan, o.posinf == 0 ? most : o.posinf, o.neginf == 0 ? -most : o.neginf };
    return ag__apply(&ag__op_nan_to_num, &r, x);
}
