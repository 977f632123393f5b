/* loss_elementwise.c - losses of each element by itself, defined as PyTorch defines them: mse_loss, l1_loss,
 * huber_loss, bce_with_logits, binary_cross_entropy. Each is a sum of l(in[0][i], in[1][i], ...), divided by the count
 * for the mean; its rules need only the slopes of l. */
#include <autograd/ops/loss.h>
#include <math.h>

/* The attributes of all begin with the reduction. */
static ag_reduction reduction_of(const ag_call *c)
{
    return *(const ag_reduction *)c->attr;
}
/* What the sum is divided by. */
static double divisor(const ag_call *c)
{
    return reduction_of(c) == AG_MEAN ? (double)c->in[0]->layout->numel : 1;
}

static ag_status loss_shape(const ag_call *c, ag_shape *out)
{
    const char *who = ag__title(c->op);
    const ag__layout *x = c->in[0]->layout, *t = c->in[1] ? c->in[1]->layout : NULL;
    if (!t) return ag_fail(AG_ENULL, "%s: the target is NULL", who);
    if (!ag__is_float(x->dtype) || x->dtype != t->dtype)
        return ag_fail(AG_EDTYPE, "%s: both must be f32 or both f64: %s %s and %s %s", who, ag_dtype_name(x->dtype),
                       ag__text(x), ag_dtype_name(t->dtype), ag__text(t));
    if (!ag__same_dims(x, t)) return ag_fail(AG_ESHAPE, "%s: shapes differ: %s and %s", who, ag__text(x), ag__text(t));
    ag__shape_copy(out, x);
    if (reduction_of(c) != AG_NONE) out->rank = 0;
    return AG_OK;
}

/* n elements of input i, which lie side by side. */
static const void *piece_of(const ag_call *c, int i, int64_t from)
{
    return (const char *)c->in[i]->data + (size_t)from * c->in[i]->layout->item;
}
/* out: l of n elements. */
typedef void losses_fn(const ag_call *c, int64_t from, int64_t n, void *out);

static ag_status loss_forward(ag_call *c, losses_fn *losses)
{
    const ag__layout *l = c->in[0]->layout;
    const ag__kernels *k = ag__kernels_for(l->dtype);
    bool each = reduction_of(c) == AG_NONE;
    double sum = 0;
    for (int64_t i = 0; i < l->numel; i += AG__CHUNK) {
        int64_t n = l->numel - i < AG__CHUNK ? l->numel - i : AG__CHUNK;
        ag__chunk some;
        losses(c, i, n, each ? (char *)c->out[0]->data + (size_t)i * l->item : (void *)&some);
        if (!each) sum += k->reduce[AG__SUM](n, &some, 1);
    }
    if (!each) ag__number_put(l->dtype, c->out[0]->data, 0, sum / divisor(c));
    return AG_OK;
}

/* dl / d in[i] */
typedef ag_tensor *slope_fn(const ag_call *c, int i);

static ag_status loss_vjp(ag_call *c, slope_fn *slope)
{
    ag_tensor *g = reduction_of(c) == AG_MEAN ? ag_div(c->g[0], divisor(c)) : c->g[0];
    for (int i = 0; i < c->n_in; i++)
        if (c->need[i] && !(c->gin[i] = ag_mul(g, slope(c, i)))) return ag_error();
    return AG_OK;
}
static ag_status loss_jvp(ag_call *c, slope_fn *slope)
{
    ag_tensor *total = NULL;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->tangent[i]) continue;
        ag_tensor *t = ag_mul(c->tangent[i], slope(c, i));
        total = total ? ag_add(total, t) : t;
    }
    if (total && reduction_of(c) != AG_NONE) total = ag_div(ag_sum(total), divisor(c));
    c->tout[0] = total;
    return ag_error();
}

/* ---- functions of d = x - t: dl/dt = -dl/dx ---- */

typedef enum shape_of_loss { SQUARE, ABSOLUTE, HUBER } shape_of_loss;
typedef struct difference_loss {
    ag_reduction reduction;
    shape_of_loss shape;
    double delta;
} difference_loss;

static void difference(const ag_call *c, const ag__kernels *k, int64_t from, int64_t n, void *d)
{
    k->binary[AG__F_sub](n, piece_of(c, 0, from), 1, piece_of(c, 1, from), 1, d, 1);
}

/* d^2 / 2, and from |d| = delta on the line that continues it */
static double huber(double d, double delta)
{
    double size = fabs(d);
    return size < delta ? 0.5 * d * d : delta * (size - 0.5 * delta);
}
/* d, kept within +-delta; NaN stays */
static double huber_slope(double d, double delta)
{
    return d > delta ? delta : d < -delta ? -delta : d;
}

static void difference_losses(const ag_call *c, int64_t from, int64_t n, void *out)
{
    const difference_loss *o = c->attr;
    ag_dtype dtype = c->in[0]->layout->dtype;
    const ag__kernels *k = ag__kernels_for(dtype);
    difference(c, k, from, n, out);
    switch (o->shape) {
    case SQUARE: k->unary[AG__F_square](n, out, 1, out, 1); break;
    case ABSOLUTE: k->unary[AG__F_abs](n, out, 1, out, 1); break;
    case HUBER:
        for (int64_t i = 0; i < n; i++) ag__number_put(dtype, out, i, huber(ag__number_at(dtype, out, i), o->delta));
    }
}
static ag_status difference_forward(ag_call *c)
{
    return loss_forward(c, difference_losses);
}

static ag_tensor *difference_slope(const ag_call *c, int i)
{
    const difference_loss *o = c->attr;
    ag_tensor *d = i == 0 ? ag_sub(c->in[0], c->in[1]) : ag_sub(c->in[1], c->in[0]);
    switch (o->shape) {
    case SQUARE: return ag_mul(2.0, d);
    case ABSOLUTE: return ag_sign(d);
    default: return ag_where(ag_lt(ag_abs(d), o->delta), d, ag_detach(ag_clamp(d, -o->delta, o->delta)));
    }
}
static ag_status difference_vjp(ag_call *c)
{
    return loss_vjp(c, difference_slope);
}
static ag_status difference_jvp(ag_call *c)
{
    return loss_jvp(c, difference_slope);
}

/* d becomes dl/dx of n elements. */
static void slopes(const difference_loss *o, const ag__kernels *k, ag_dtype dtype, int64_t n, void *d)
{
    switch (o->shape) {
    case SQUARE: k->scale(n, 2, d, 1, d, 1, false); break;
    case ABSOLUTE: k->unary[AG__F_sign](n, d, 1, d, 1); break;
    case HUBER:
        for (int64_t i = 0; i < n; i++) ag__number_put(dtype, d, i, huber_slope(ag__number_at(dtype, d, i), o->delta));
    }
}
static ag_status difference_backward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    const ag__kernels *k = ag__kernels_for(l->dtype);
    bool each = reduction_of(c) == AG_NONE;
    const char *g = c->g[0]->data;
    for (int64_t i = 0; i < l->numel; i += AG__CHUNK) {
        int64_t n = l->numel - i < AG__CHUNK ? l->numel - i : AG__CHUNK;
        size_t at = (size_t)i * l->item;
        ag__chunk d;
        difference(c, k, i, n, &d);
        slopes(c->attr, k, l->dtype, n, &d);
        k->binary[AG__F_mul](n, &d, 1, each ? g + at : g, each, &d, 1);
        for (int j = 0; j < 2; j++)
            if (c->need[j]) k->scale(n, (j ? -1 : 1) / divisor(c), &d, 1, (char *)c->gin[j]->data + at, 1, c->add[j]);
    }
    return AG_OK;
}

#define DIFFERENCE_LOSS(fn)                       \
    const ag_op ag__op_##fn = {                   \
        .name = #fn,                              \
        .n_in = 2,                                \
        .attr_size = sizeof(difference_loss),     \
        .shape = loss_shape,                      \
        .forward = difference_forward,            \
        .vjp = difference_vjp,                    \
        .jvp = difference_jvp,                    \
        .backward = difference_backward,          \
        .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1), \
    };
DIFFERENCE_LOSS(mse_loss)
DIFFERENCE_LOSS(l1_loss)
DIFFERENCE_LOSS(huber_loss)

ag_tensor *(ag_mse_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, 0, "ag_mse_loss")) return NULL;
    return ag__apply(&ag__op_mse_loss, &((difference_loss){ o.reduction, SQUARE, 0 }), x, target);
}
ag_tensor *(ag_l1_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, 0, "ag_l1_loss")) return NULL;
    return ag__apply(&ag__op_l1_loss, &((difference_loss){ o.reduction, ABSOLUTE, 0 }), x, target);
}
ag_tensor *(ag_huber_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__DELTA, "ag_huber_loss")) return NULL;
    if (!(o.delta >= 0)) return ag_fail(AG_EINVAL, "ag_huber_loss: .delta %g is not positive", o.delta), NULL;
    double delta = o.delta == 0 ? 1 : o.delta;
    return ag__apply(&ag__op_huber_loss, &((difference_loss){ o.reduction, HUBER, delta }), x, target);
}

/* ---- bce_with_logits: l = w ((1 - t) softplus(x) + p t softplus(-x)) ----
 * softplus(-x) = -log sigmoid(x). w and p are 1 where absent, else of the shape of x. */

enum { LOGITS, TARGET, WEIGHT, POS_WEIGHT };

static double number_or_1(const ag_call *c, int i, int64_t at)
{
    return c->in[i] ? ag__number_at(c->in[i]->layout->dtype, c->in[i]->data, at) : 1;
}
/* An infinite logit of which there is no part costs nothing. */
static double part(double share, double loss)
{
    return share == 0 ? 0 : share * loss;
}
static void bce_losses(const ag_call *c, int64_t from, int64_t n, void *out)
{
    ag_dtype dtype = c->in[LOGITS]->layout->dtype;
    const ag__kernels *k = ag__kernels_for(dtype);
    ag__chunk off, on;
    k->unary[AG__F_softplus](n, piece_of(c, LOGITS, from), 1, &off, 1);
    k->unary[AG__F_neg](n, piece_of(c, LOGITS, from), 1, &on, 1);
    k->unary[AG__F_softplus](n, &on, 1, &on, 1);
    for (int64_t i = 0; i < n; i++) {
        double t = number_or_1(c, TARGET, from + i), p = number_or_1(c, POS_WEIGHT, from + i);
        double loss = part(1 - t, ag__number_at(dtype, &off, i)) + part(p * t, ag__number_at(dtype, &on, i));
        ag__number_put(dtype, out, i, number_or_1(c, WEIGHT, from + i) * loss);
    }
}
static ag_status bce_forward(ag_call *c)
{
    return loss_forward(c, bce_losses);
}

static ag_tensor *bce_slope(const ag_call *c, int i)
{
    ag_tensor *x = c->in[LOGITS], *t = c->in[TARGET], *w = c->in[WEIGHT], *p = c->in[POS_WEIGHT], *slope;
    ag_tensor *minus_x = ag_neg(x), *off = ag_sub(1.0, t), *on = p ? ag_mul(p, t) : t;
    switch (i) {
    case LOGITS: slope = ag_sub(ag_mul(off, ag_sigmoid(x)), ag_mul(on, ag_sigmoid(minus_x))); break;
    case TARGET: slope = p ? ag_sub(ag_mul(p, ag_softplus(minus_x)), ag_softplus(x)) : minus_x; break;
    case WEIGHT: return ag_add(ag_mul(off, ag_softplus(x)), ag_mul(on, ag_softplus(minus_x)));
    default: slope = ag_mul(t, ag_softplus(minus_x));
    }
    return w ? ag_mul(w, slope) : slope;
}
static ag_status bce_vjp(ag_call *c)
{
    return loss_vjp(c, bce_slope);
}
static ag_status bce_jvp(ag_call *c)
{
    return loss_jvp(c, bce_slope);
}

const ag_op ag__op_bce_with_logits = {
    .name = "bce_with_logits",
    .n_in = 4,
    .attr_size = sizeof(ag_reduction),
    .shape = loss_shape,
    .forward = bce_forward,
    .vjp = bce_vjp,
    .jvp = bce_jvp,
    .saves = AG_SAVES_IN(LOGITS) | AG_SAVES_IN(TARGET) | AG_SAVES_IN(WEIGHT) | AG_SAVES_IN(POS_WEIGHT),
};

ag_tensor *(ag_bce_with_logits)(ag_tensor *logits, ag_tensor *target, const ag_loss_options *options)
{
    static const char who[] = "ag_bce_with_logits";
    ag_tape *t;
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__WEIGHT | AG__POS_WEIGHT, who) || !ag__begin(&t, &logits, who) ||
        !ag__loss_weight(&o.weight, logits, "weight", who) ||
        !ag__loss_weight(&o.pos_weight, logits, "pos_weight", who))
        return NULL;
    return ag__apply(&ag__op_bce_with_logits, &o.reduction, logits, target, o.weight, o.pos_weight);
}

/* ---- binary_cross_entropy: l = -w (t log p + (1 - t) log(1 - p)) ----
 * As in PyTorch logarithms are at least -100, and the slope's divisor p (1 - p) at least 1e-12. */

static void entropy_losses(const ag_call *c, int64_t from, int64_t n, void *out)
{
    ag_dtype dtype = c->in[0]->layout->dtype;
    for (int64_t i = 0; i < n; i++) {
        double p = number_or_1(c, 0, from + i), t = number_or_1(c, TARGET, from + i), on = log(p), off = log1p(-p);
        double loss = (1 - t) * (off < -100 ? -100 : off) + t * (on < -100 ? -100 : on);
        ag__number_put(dtype, out, i, -number_or_1(c, WEIGHT, from + i) * loss);
    }
}
static ag_status entropy_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    for (int64_t i = 0; i < l->numel; i++) {
        double p = number_or_1(c, 0, i);
        if (p < 0 || p > 1)
            return ag_fail(AG_EINVAL, "%s: %g at position %lld of %s is no probability", ag__title(c->op), p,
                           (long long)i, ag__text(l));
    }
    return loss_forward(c, entropy_losses);
}
/* By p: (p - t) / (p (1 - p)). As PyTorch's, its own derivative (t (1 - p)^2 + (1 - t) p^2) / (p (1 - p))^2 is taken
 * at p + 1e-12 and 1 - p + 1e-12 in the divisor. */
static ag_tensor *entropy_slope_by_p(ag_tensor *p, ag_tensor *t)
{
    ag_tensor *square = ag_clamp(ag_mul(p, ag_sub(1.0, p)), 1e-12, INFINITY), *slope = ag_div(ag_sub(p, t), square);
    bool was = ag_record(false);
    ag_tensor *curve = ag_div(ag_add(ag_sub(ag_square(p), ag_mul(2.0, ag_mul(t, p))), t), ag_square(square));
    ag_tensor *moved = ag_div(square, ag_mul(ag_add(p, 1e-12), ag_sub(1 + 1e-12, p)));
    ag_tensor *change = ag_mul(curve, ag_sub(ag_square(moved), 1.0));
    ag_record(was);
    return ag_add(slope, ag_mul(change, ag_sub(p, ag_detach(p))));
}
static ag_tensor *entropy_slope(const ag_call *c, int i)
{
    ag_tensor *p = c->in[0], *t = c->in[TARGET], *w = c->in[WEIGHT], *slope;
    if (i == 0) {
        slope = entropy_slope_by_p(p, t);
    } else {
        ag_tensor *on = ag_clamp(ag_log(p), -100, 0), *off = ag_clamp(ag_log1p(ag_neg(p)), -100, 0);
        slope = i == TARGET ? ag_sub(off, on) : ag_neg(ag_add(ag_mul(t, on), ag_mul(ag_sub(1.0, t), off)));
    }
    return w && i != WEIGHT ? ag_mul(w, slope) : slope;
}
static ag_status entropy_vjp(ag_call *c)
{
    return loss_vjp(c, entropy_slope);
}
static ag_status entropy_jvp(ag_call *c)
{
    return loss_jvp(c, entropy_slope);
}

const ag_op ag__op_binary_cross_entropy = { .name = "binary_cross_entropy",
                                            .n_in = 3,
                                            .attr_size = sizeof(ag_reduction),
                                            .shape = loss_shape,
                                            .forward = entropy_forward,
                                            .vjp = entropy_vjp,
                                            .jvp = entropy_jvp,
                                            .saves = AG_SAVES_IN(0) | AG_SAVES_IN(TARGET) | AG_SAVES_IN(WEIGHT) };

ag_tensor *(ag_binary_cross_entropy)(ag_tensor *p, ag_tensor *target, const ag_loss_options *options)
{
    static const char who[] = "ag_binary_cross_entropy";
    ag_tape *t;
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__WEIGHT, who) || !ag__begin(&t, &p, who) ||
        !ag__loss_weight(&o.weight, p, "weight", who))
        return NULL;
    return ag__apply(&ag__op_binary_cross_entropy, &o.reduction, p, target, o.weight);
}
