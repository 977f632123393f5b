/* loss_likelihood.c - losses made of other operations, as PyTorch and torchvision define them: minus the log of how
 * likely a target is, and what is used in its place. */
#include <autograd/ops/loss.h>
#include <math.h>

static const ag_loss_options *options_of(const ag_call *c)
{
    return c->attr;
}

/* Input and target broadcast: what each row without another shape rule has. */
static ag_status pair_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__loss_broadcast(c, 2, out)) return ag_error();
    ag__loss_shape(c, out);
    return AG_OK;
}
#define PAIR(fn)                                                 \
    static ag_status fn##_shape(const ag_call *c, ag_shape *out) \
    {                                                            \
        return pair_shape(c, out);                               \
    }                                                            \
    AG__LOSS_ROW(fn, 2)

static ag_tensor *pair_loss(const ag_op *op, unsigned has, ag_tensor *x, ag_tensor *target,
                            const ag_loss_options *options, void (*defaults)(ag_loss_options *))
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, has, ag__title(op))) return NULL;
    if (defaults) defaults(&o);
    return ag__apply(op, &o, x, target);
}

/* ---- smooth_l1_loss: huber_loss / beta; with beta 0 the lines meet ---- */

static void smooth_l1_defaults(ag_loss_options *o)
{
    o->beta = ag__given(o->beta, 1);
}
static ag_tensor *smooth_l1_loss_compose(const ag_call *c)
{
    double beta = options_of(c)->beta;
    ag_tensor *d = ag_sub(c->in[0], c->in[1]), *none = ag_zeros_like(d), *each;
    if (beta == 0)
        each = ag_l1_loss(d, none, .reduction = AG_NONE);
    else
        each = ag_div(ag_huber_loss(d, none, .reduction = AG_NONE, .delta = beta), beta);
    return ag__loss_reduced(c, each);
}
static ag_status smooth_l1_loss_shape(const ag_call *c, ag_shape *out)
{
    double beta = options_of(c)->beta;
    return beta >= 0 ? pair_shape(c, out) : ag_fail(AG_EINVAL, "ag_smooth_l1_loss: .beta %g is negative", beta);
}
AG__LOSS_ROW(smooth_l1_loss, 2)
ag_tensor *(ag_smooth_l1_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    return pair_loss(&ag__op_smooth_l1_loss, AG__BETA, x, target, options, smooth_l1_defaults);
}

/* ---- kl_div: t (log t - x), t = e^target if that is a log ---- */

static ag_tensor *kl_div_compose(const ag_call *c)
{
    ag_tensor *x = c->in[0], *t = c->in[1];
    if (options_of(c)->log_target) return ag__loss_reduced(c, ag_mul(ag_exp(t), ag_sub(t, x)));
    return ag__loss_reduced(c, ag_sub(ag_xlogy(t, t), ag_mul(t, x)));
}
PAIR(kl_div)
ag_tensor *(ag_kl_div)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    return pair_loss(&ag__op_kl_div, AG__LOG_TARGET | AG__BATCHMEAN, x, target, options, NULL);
}

/* ---- poisson_nll_loss: e^x - t x, or of a rate x - t log(x + eps); full: with Stirling's log t! where t > 1 ---- */

static void poisson_defaults(ag_loss_options *o)
{
    o->eps = ag__given(o->eps, 1e-8);
}
static ag_tensor *poisson_nll_loss_compose(const ag_call *c)
{
    const ag_loss_options *o = options_of(c);
    ag_tensor *x = c->in[0], *t = c->in[1];
    ag_tensor *each = o->rate ? ag_sub(x, ag_mul(t, ag_log(ag_add(x, o->eps)))) : ag_sub(ag_exp(x), ag_mul(t, x));
    if (!o->full) return ag__loss_reduced(c, each);
    ag_tensor *many = ag_gt(t, 1.0), *at = ag_where(many, t, ag_num(1));
    ag_tensor *stirling =
        ag_add(ag_sub(ag_mul(at, ag_log(at)), at), ag_mul(0.5, ag_log(ag_mul(6.283185307179586, at))));
    return ag__loss_reduced(c, ag_add(each, ag_where(many, stirling, ag_num(0))));
}
PAIR(poisson_nll_loss)
ag_tensor *(ag_poisson_nll_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    return pair_loss(&ag__op_poisson_nll_loss, AG__RATE | AG__FULL | AG__EPS, x, target, options, poisson_defaults);
}

/* ---- gaussian_nll_loss: (log v + (x - t)^2 / v) / 2, v = max(variance, eps) whose slope is 1 throughout ---- */

/* The variance's shape may lack the last axis. */
static ag_tensor *variance_beside(ag_tensor *x, ag_tensor *v)
{
    const ag__layout *lx = x->layout, *lv = v->layout;
    bool shorter = lv->rank + 1 == lx->rank;
    for (int i = 0; shorter && i < lv->rank; i++) shorter = lv->dims[i] == lx->dims[i];
    return shorter ? ag_unsqueeze(v, -1) : v;
}
static ag_status gaussian_nll_loss_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *v = c->in[2] ? c->in[2]->layout : NULL;
    if (!v) return ag_fail(AG_ENULL, "ag_gaussian_nll_loss: the variance is NULL");
    ag_tensor *in[3] = { c->in[0], c->in[1], variance_beside(c->in[0], c->in[2]) };
    if (!in[2] || !ag__loss_broadcast(&(ag_call){ .op = c->op, .in = in, .n_out = 1 }, 3, out)) return ag_error();
    ag_tensor *least = v->numel ? ag_min(ag_detach(c->in[2])) : NULL;
    if (least && ag_item(least) < 0)
        return ag_fail(AG_EINVAL, "ag_gaussian_nll_loss: the variance %s holds %g", ag__text(v), ag_item(least));
    ag__loss_shape(c, out);
    return ag_error();
}
static ag_tensor *gaussian_nll_loss_compose(const ag_call *c)
{
    const ag_loss_options *o = options_of(c);
    ag_tensor *x = c->in[0], *v = variance_beside(x, c->in[2]);
    v = ag_add(v, ag_detach(ag_sub(ag_clamp(v, o->eps, INFINITY), v)));
    ag_tensor *each = ag_mul(0.5, ag_add(ag_log(v), ag_div(ag_square(ag_sub(x, c->in[1])), v)));
    return ag__loss_reduced(c, o->full ? ag_add(each, 0.9189385332046727) : each); /* log(2 pi) / 2 */
}
AG__LOSS_ROW(gaussian_nll_loss, 3)
ag_tensor *(ag_gaussian_nll_loss)(ag_tensor *x, ag_tensor *target, ag_tensor *variance, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__FULL | AG__EPS, "ag_gaussian_nll_loss")) return NULL;
    o.eps = ag__given(o.eps, 1e-6);
    return ag__apply(&ag__op_gaussian_nll_loss, &o, x, target, variance);
}

/* ---- soft_margin_loss: log(1 + e^(-t x)) ---- */

static ag_tensor *soft_margin_loss_compose(const ag_call *c)
{
    return ag__loss_reduced(c, ag_softplus(ag_neg(ag_mul(c->in[1], c->in[0]))));
}
PAIR(soft_margin_loss)
ag_tensor *(ag_soft_margin_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    return pair_loss(&ag__op_soft_margin_loss, 0, x, target, options, NULL);
}

/* ---- multilabel_soft_margin_loss: the mean of bce_with_logits over the classes, the last axis ---- */

static ag_status multilabel_soft_margin_loss_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__loss_broadcast(c, 2, out)) return ag_error();
    if (!out->rank) return ag_fail(AG_ESHAPE, "ag_multilabel_soft_margin_loss: logits [] have no axis of classes");
    if (!ag__same_dims(c->in[0]->layout, c->in[1]->layout))
        return ag_fail(AG_ESHAPE, "ag_multilabel_soft_margin_loss: shapes differ: %s and %s",
                       ag__text(c->in[0]->layout), ag__text(c->in[1]->layout));
    out->rank--;
    ag__loss_shape(c, out);
    return AG_OK;
}
static ag_tensor *multilabel_soft_margin_loss_compose(const ag_call *c)
{
    return ag__loss_reduced(
        c, ag_mean(ag_bce_with_logits(c->in[0], c->in[1], .reduction = AG_NONE, .weight = c->in[2]), -1));
}
AG__LOSS_ROW(multilabel_soft_margin_loss, 3)
ag_tensor *(ag_multilabel_soft_margin_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    static const char who[] = "ag_multilabel_soft_margin_loss";
    ag_tape *t;
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__WEIGHT, who) || !ag__begin(&t, &x, who) ||
        !ag__loss_weight(&o.weight, x, "weight", who))
        return NULL;
    return ag__apply(&ag__op_multilabel_soft_margin_loss, &o, x, target, o.weight);
}

/* ---- sigmoid_focal_loss: a (1 - q)^gamma times binary cross-entropy; q: how probable the target is by the logit; a:
 * alpha of ones, 1 - alpha of zeros (Lin et al. 2017) ---- */

static void focal_defaults(ag_loss_options *o)
{
    o->alpha = ag__given(o->alpha, 0.25);
    o->gamma = ag__given(o->gamma, 2);
}
static ag_tensor *sigmoid_focal_loss_compose(const ag_call *c)
{
    const ag_loss_options *o = options_of(c);
    ag_tensor *x = c->in[0], *t = c->in[1], *no = ag_sub(1.0, t), *minus_x = ag_neg(x);
    ag_tensor *doubt = ag_add(ag_mul(ag_sigmoid(x), no), ag_mul(ag_sigmoid(minus_x), t));
    ag_tensor *each = ag_add(ag_mul(no, ag_softplus(x)), ag_mul(t, ag_softplus(minus_x)));
    if (o->gamma != 0) each = ag_mul(each, o->gamma == 2 ? ag_square(doubt) : ag_pow(doubt, o->gamma));
    if (o->alpha >= 0) each = ag_mul(each, ag_add(ag_mul(t, o->alpha), ag_mul(no, 1 - o->alpha)));
    return ag__loss_reduced(c, each);
}
static ag_status sigmoid_focal_loss_shape(const ag_call *c, ag_shape *out)
{
    const ag_loss_options *o = options_of(c);
    if (o->alpha > 1) return ag_fail(AG_EINVAL, "ag_sigmoid_focal_loss: .alpha %g is above 1", o->alpha);
    if (!(o->gamma >= 0)) return ag_fail(AG_EINVAL, "ag_sigmoid_focal_loss: .gamma %g is negative", o->gamma);
    return pair_shape(c, out);
}
AG__LOSS_ROW(sigmoid_focal_loss, 2)
ag_tensor *(ag_sigmoid_focal_loss)(ag_tensor *logits, ag_tensor *target, const ag_loss_options *options)
{
    return pair_loss(&ag__op_sigmoid_focal_loss, AG__FOCUS, logits, target, options, focal_defaults);
}

/* ---- dice_loss: 1 - (2 sum p t + eps) / (sum p + sum t + eps), sums over all axes but the first (Milletari et al.
 * 2016) ---- */

static void dice_defaults(ag_loss_options *o)
{
    o->eps = ag__given(o->eps, 1);
}
static ag_status dice_loss_shape(const ag_call *c, ag_shape *out)
{
    double eps = options_of(c)->eps;
    if (!(eps >= 0)) return ag_fail(AG_EINVAL, "ag_dice_loss: .eps %g is negative", eps);
    if (!ag__loss_broadcast(c, 2, out)) return ag_error();
    if (out->rank < 2)
        return ag_fail(AG_ESHAPE, "ag_dice_loss: %s and %s are not [n, ...]", ag__text(c->in[0]->layout),
                       ag__text(c->in[1]->layout));
    out->rank = 1;
    ag__loss_shape(c, out);
    return AG_OK;
}
static ag_tensor *dice_loss_compose(const ag_call *c)
{
    double eps = options_of(c)->eps;
    ag_tensor *p = c->in[0], *t = c->in[1], *both = ag_mul(p, t), *either = ag_add(p, t);
    int axes[AG_MAX_RANK], n = both ? both->layout->rank - 1 : 0;
    for (int i = 0; i < n; i++) axes[i] = i + 1;
    both = (ag_sum)(both, n, axes), either = (ag_sum)(either, n, axes);
    return ag__loss_reduced(c, ag_sub(1.0, ag_div(ag_add(ag_mul(2.0, both), eps), ag_add(either, eps))));
}
AG__LOSS_ROW(dice_loss, 2)
ag_tensor *(ag_dice_loss)(ag_tensor *p, ag_tensor *target, const ag_loss_options *options)
{
    return pair_loss(&ag__op_dice_loss, AG__EPS, p, target, options, dice_defaults);
}
