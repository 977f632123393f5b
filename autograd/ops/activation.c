/* activation.c - activations with parameters, and those that take their input apart. Conventions at kinks are
 * PyTorch's. */
#include <autograd/ops/family.h>
#include <autograd/ops/map.h>
#include <autograd/tape/rules.h>
#include <math.h>

/* ---- options ---- */

typedef ag_activation_options options_;
enum { ALPHA = 1, LAMBD = 2, RANGE = 4, SLOPES = 8, EPS = 16 };

static double or_default(double given, double value)
{
    return given == 0 ? value : given == AG_ZERO ? 0 : given;
}
/* *o: what was given, or defaults; false if there is one that is not in `has`. */
static bool options(options_ *o, const options_ *given, unsigned has, const char *who)
{
    *o = given ? *given : (options_){ .size = sizeof *o };
    const char *odd = o->alpha != 0 && !(has & ALPHA)                          ? "alpha"
                      : o->lambd != 0 && !(has & LAMBD)                        ? "lambd"
                      : (o->min_val != 0 || o->max_val != 0) && !(has & RANGE) ? "min_val or .max_val"
                      : (o->lower != 0 || o->upper != 0 || o->training) && !(has & SLOPES)
                          ? "lower, .upper or .training"
                      : o->eps != 0 && !(has & EPS) ? "eps"
                                                    : NULL;
    if (odd) return ag_fail(AG_EINVAL, "%s: .%s is an option of other functions", who, odd), false;
    o->alpha = or_default(o->alpha, 1), o->lambd = or_default(o->lambd, 0.5);
    o->min_val = or_default(o->min_val, -1), o->max_val = or_default(o->max_val, 1);
    o->lower = or_default(o->lower, 1. / 8), o->upper = or_default(o->upper, 1. / 3);
    return true;
}
static ag_tensor *zero(void)
{
    return ag_num(0);
}

/* y = x where x > 0, else alpha (e^x - 1); dy/dx = 1, or alpha e^x */
static double elu_number(double x, const void *attr)
{
    return x > 0 ? x : ((const options_ *)attr)->alpha * expm1(x);
}
static ag_tensor *elu_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    ag_tensor *slope = ag_mul(ag_exp(ag_clamp(x, -INFINITY, 0)), ((const options_ *)attr)->alpha);
    return ag_where(ag_le(x, 0.0), ag_mul(g, slope), g);
}
AG__MAP_ROW(elu, options_, elu_number, elu_product)
ag_tensor *(ag_elu)(ag_tensor *x, const ag_activation_options *given)
{
    options_ o;
    return options(&o, given, ALPHA, "ag_elu") ? ag__apply(&ag__op_elu, &o, x) : NULL;
}

/* y = x where x > 0, else alpha (e^(x / alpha) - 1); dy/dx = 1, or e^(x / alpha) */
static double celu_number(double x, const void *attr)
{
    double alpha = ((const options_ *)attr)->alpha;
    return x > 0 ? x : alpha * expm1(x / alpha);
}
static ag_tensor *celu_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    ag_tensor *slope = ag_exp(ag_div(ag_clamp(x, -INFINITY, 0), ((const options_ *)attr)->alpha));
    return ag_where(ag_le(x, 0.0), ag_mul(g, slope), g);
}
AG__MAP_ROW(celu, options_, celu_number, celu_product)
ag_tensor *(ag_celu)(ag_tensor *x, const ag_activation_options *given)
{
    options_ o;
    if (!options(&o, given, ALPHA, "ag_celu")) return NULL;
    if (!(o.alpha != 0)) return ag_fail(AG_EINVAL, "ag_celu: .alpha is %g", o.alpha), NULL;
    return ag__apply(&ag__op_celu, &o, x);
}

/* y = x, or 0 where |x| <= lambd */
static double hardshrink_number(double x, const void *attr)
{
    return fabs(x) <= ((const options_ *)attr)->lambd ? 0 : x;
}
static ag_tensor *shrink_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    return ag_where(ag_le(ag_abs(x), ((const options_ *)attr)->lambd), zero(), g);
}
AG__MAP_ROW(hardshrink, options_, hardshrink_number, shrink_product)
ag_tensor *(ag_hardshrink)(ag_tensor *x, const ag_activation_options *given)
{
    options_ o;
    return options(&o, given, LAMBD, "ag_hardshrink") ? ag__apply(&ag__op_hardshrink, &o, x) : NULL;
}

/* y = x moved by lambd towards 0, or 0 where |x| <= lambd */
static double softshrink_number(double x, const void *attr)
{
    double lambd = ((const options_ *)attr)->lambd;
    return fabs(x) <= lambd ? 0 : x < 0 ? x + lambd : x - lambd;
}
AG__MAP_ROW(softshrink, options_, softshrink_number, shrink_product)
ag_tensor *(ag_softshrink)(ag_tensor *x, const ag_activation_options *given)
{
    options_ o;
    if (!options(&o, given, LAMBD, "ag_softshrink")) return NULL;
    if (!(o.lambd >= 0)) return ag_fail(AG_EINVAL, "ag_softshrink: .lambd %g is negative", o.lambd), NULL;
    return ag__apply(&ag__op_softshrink, &o, x);
}

/* y = min(max(x, min_val), max_val); dy/dx = 1 strictly between */
static double hardtanh_number(double x, const void *attr)
{
    const options_ *o = attr;
    return x < o->min_val ? o->min_val : x > o->max_val ? o->max_val : x;
}
static ag_tensor *hardtanh_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    const options_ *o = attr;
    return ag_where(ag_le(x, o->min_val), zero(), ag_where(ag_ge(x, o->max_val), zero(), g));
}
AG__MAP_ROW(hardtanh, options_, hardtanh_number, hardtanh_product)
ag_tensor *(ag_hardtanh)(ag_tensor *x, const ag_activation_options *given)
{
    options_ o;
    if (!options(&o, given, RANGE, "ag_hardtanh")) return NULL;
    if (!(o.min_val <= o.max_val))
        return ag_fail(AG_EINVAL, "ag_hardtanh: .min_val %g is above .max_val %g", o.min_val, o.max_val), NULL;
    return ag__apply(&ag__op_hardtanh, &o, x);
}

/* y = x where x > bound, else value */
struct threshold {
    double bound, value;
};
static double threshold_number(double x, const void *attr)
{
    const struct threshold *t = attr;
    return x <= t->bound ? t->value : x;
}
static ag_tensor *threshold_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    return ag_where(ag_le(x, ((const struct threshold *)attr)->bound), zero(), g);
}
AG__MAP_ROW(threshold, struct threshold, threshold_number, threshold_product)
ag_tensor *(ag_threshold)(ag_tensor *x, double bound, double value)
{
    if (isnan(bound)) return ag_fail(AG_EINVAL, "ag_threshold: the threshold is NaN"), NULL;
    return ag__apply(&ag__op_threshold, &((struct threshold){ bound, value }), x);
}

/* y = log(z / (1 - z)) with z = x, or x kept in [eps, 1 - eps], where it has slope 0 outside */
static double logit_number(double x, const void *attr)
{
    double eps = ((const options_ *)attr)->eps, low = eps == AG_ZERO ? 0 : eps;
    if (eps != 0) x = x < low ? low : x > 1 - low ? 1 - low : x;
    return log(x / (1 - x));
}
static ag_tensor *logit_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    double eps = ((const options_ *)attr)->eps, low = eps == AG_ZERO ? 0 : eps;
    if (eps != 0) g = ag_where(ag_lt(x, low), zero(), ag_where(ag_gt(x, 1 - low), zero(), g));
    return ag_div(g, ag_mul(x, ag_sub(1.0, x)));
}
AG__MAP_ROW(logit, options_, logit_number, logit_product)
ag_tensor *(ag_logit)(ag_tensor *x, const ag_activation_options *given)
{
    options_ o;
    if (!options(&o, given, EPS, "ag_logit")) return NULL;
    if (!(o.eps >= 0 && o.eps <= 1)) return ag_fail(AG_EINVAL, "ag_logit: .eps %g is not in [0, 1]", o.eps), NULL;
    return ag__apply(&ag__op_logit, &o, x);
}

/* ---- made of others ---- */

static ag_status floating(const ag_call *c, ag_shape *out)
{
    return ag__map_shape(c, out);
}

/* The negative part of x. */
static ag_tensor *below_0(ag_tensor *x)
{
    return ag_clamp(x, -INFINITY, 0);
}

static ag_status prelu_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = c->in[0]->layout, *w = c->in[1] ? c->in[1]->layout : NULL;
    if (!ag__need_float(c->in[0], "ag_prelu")) return ag_error();
    if (!w) return ag_fail(AG_ENULL, "ag_prelu: the weight is NULL");
    if (w->dtype != x->dtype)
        return ag_fail(AG_EDTYPE, "ag_prelu: dtypes differ: %s %s and %s %s", ag_dtype_name(x->dtype), ag__text(x),
                       ag_dtype_name(w->dtype), ag__text(w));
    int64_t channels = x->rank > 1 ? x->dims[1] : 1;
    if (w->rank > 1 || (w->numel != 1 && w->numel != channels))
        return ag_fail(AG_ESHAPE, "ag_prelu: weight %s is neither one number nor one for each of axis 1 of %s",
                       ag__text(w), ag__text(x));
    ag__shape_copy(out, x);
    return AG_OK;
}
static ag_tensor *prelu_compose(const ag_call *c)
{
    ag_tensor *x = c->in[0], *w = c->in[1];
    int64_t sizes[AG_MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    int rank = x->layout->rank;
    if (rank > 1) sizes[1] = w->layout->numel;
    w = (ag_reshape)(w, rank, sizes);
    return ag_where(ag_gt(x, 0.0), x, ag_mul(w, below_0(x)));
}
const ag_op ag__op_prelu = { .name = "prelu", .n_in = 2, .shape = prelu_shape, .compose = prelu_compose };
ag_tensor *ag_prelu(ag_tensor *x, ag_tensor *weight)
{
    return ag__apply(&ag__op_prelu, NULL, x, weight);
}

static ag_tensor *rrelu_compose(const ag_call *c)
{
    const options_ *o = c->attr;
    ag_tensor *x = c->in[0], *slope = ag_num(0.5 * (o->lower + o->upper));
    if (o->training) {
        slope = ag_mul((ag_rand)(x->layout->dtype, x->layout->rank, x->layout->dims), o->upper - o->lower);
        slope = ag_add(slope, o->lower);
    }
    return ag_where(ag_gt(x, 0.0), x, ag_mul(slope, below_0(x)));
}
const ag_op ag__op_rrelu = {
    .name = "rrelu", .n_in = 1, .attr_size = sizeof(options_), .shape = floating, .compose = rrelu_compose
};
ag_tensor *(ag_rrelu)(ag_tensor *x, const ag_activation_options *given)
{
    options_ o;
    if (!options(&o, given, SLOPES, "ag_rrelu")) return NULL;
    if (!(o.lower <= o.upper))
        return ag_fail(AG_EINVAL, "ag_rrelu: .lower %g is above .upper %g", o.lower, o.upper), NULL;
    return ag__apply(&ag__op_rrelu, &o, x);
}

static ag_status glu_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = c->in[0]->layout;
    int axis = *(const int *)c->attr;
    if (!ag__need_float(c->in[0], "ag_glu")) return ag_error();
    if (l->dims[axis] % 2) return ag_fail(AG_ESHAPE, "ag_glu: axis %d of %s has no halves", axis, ag__text(l));
    ag__shape_copy(out, l);
    out->dims[axis] /= 2;
    return AG_OK;
}
static ag_tensor *glu_compose(const ag_call *c)
{
    int axis = *(const int *)c->attr;
    int64_t half = c->in[0]->layout->dims[axis] / 2;
    return ag_mul(ag_slice(c->in[0], axis, 0, half), ag_sigmoid(ag_slice(c->in[0], axis, half, 2 * half)));
}
const ag_op ag__op_glu = {
    .name = "glu", .n_in = 1, .attr_size = sizeof(int), .shape = glu_shape, .compose = glu_compose
};
ag_tensor *ag_glu(ag_tensor *x, int axis)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_glu") || (axis = ag__axis(axis, x->layout, "ag_glu")) < 0) return NULL;
    return ag__apply(&ag__op_glu, &axis, x);
}

static ag_tensor *softmin_compose(const ag_call *c)
{
    return ag_softmax(ag_neg(c->in[0]), *(const int *)c->attr);
}
const ag_op ag__op_softmin = {
    .name = "softmin", .n_in = 1, .attr_size = sizeof(int), .shape = floating, .compose = softmin_compose
};
ag_tensor *ag_softmin(ag_tensor *x, int axis)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_softmin") || (axis = ag__axis_or_0(axis, x->layout, "ag_softmin")) < 0) return NULL;
    return ag__apply(&ag__op_softmin, &axis, x);
}
