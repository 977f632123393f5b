/* distribution.c - random numbers of given parameters, from the thread's generator. Where a distribution is a function
 * of its parameters and of noise that does not depend on them, gradients by the parameters are those of that function
 * (Kingma & Welling 2014). */
#include <autograd/ops/elementwise.h>
#include <autograd/ops/family.h>
#include <math.h>

static ag_status pair_shape(const ag_call *c, ag_shape *out)
{
    return ag__need_float(c->in[0], ag__title(c->op)) ? ag_shape_broadcast(c, out) : ag_error();
}
/* Noise is drawn in f64, so that the dtype does not change which numbers they are. */
typedef ag_tensor *noise_fn(ag_dtype dtype, int rank, const int64_t *dims);
static ag_tensor *noise(const ag_call *c, noise_fn *f)
{
    ag_shape s;
    if (c->op->shape(c, &s)) return NULL;
    return ag_to(f(AG_F64, s.rank, s.dims), s.dtype);
}
/* Uniform in (0,1). */
static ag_tensor *inside(ag_dtype dtype, int rank, const int64_t *dims)
{
    return ag_clamp((ag_rand)(dtype, rank, dims), 0x1p-54, 1);
}
/* Exponential of rate 1. */
static ag_tensor *waiting(ag_dtype dtype, int rank, const int64_t *dims)
{
    return ag_neg(ag_log1p(ag_neg(inside(dtype, rank, dims))));
}
static ag_tensor *gumbels(ag_dtype dtype, int rank, const int64_t *dims)
{
    return ag_neg(ag_log(waiting(dtype, rank, dims)));
}
/* The difference of two waiting times. */
static ag_tensor *laplaces(ag_dtype dtype, int rank, const int64_t *dims)
{
    ag_tensor *a = waiting(dtype, rank, dims);
    return ag_sub(a, waiting(dtype, rank, dims));
}
static ag_tensor *logistics(ag_dtype dtype, int rank, const int64_t *dims)
{
    ag_tensor *u = inside(dtype, rank, dims);
    return ag_sub(ag_log(u), ag_log1p(ag_neg(u)));
}

/* ---- a place and a scale ---- */

#define LOCATED(fn, a, b, expr)                                                                         \
    static ag_tensor *fn##_compose(const ag_call *c)                                                    \
    {                                                                                                   \
        ag_tensor *a = c->in[0], *b = c->in[1];                                                         \
        return expr;                                                                                    \
    }                                                                                                   \
    const ag_op ag__op_##fn = { .name = #fn, .n_in = 2, .shape = pair_shape, .compose = fn##_compose }; \
    ag_tensor *(ag_##fn)(ag_tensor * a, ag_tensor * b)                                                  \
    {                                                                                                   \
        return ag__apply_pair(&ag__op_##fn, "ag_" #fn, a, b);                                           \
    }
LOCATED(uniform, low, high, ag_add(low, ag_mul(ag_sub(high, low), noise(c, ag_rand))))
LOCATED(normal, mean, deviation, ag_add(mean, ag_mul(deviation, noise(c, ag_randn))))
LOCATED(laplace, mean, scale, ag_add(mean, ag_mul(scale, noise(c, laplaces))))
LOCATED(gumbel, mode, scale, ag_add(mode, ag_mul(scale, noise(c, gumbels))))

/* ---- one parameter ---- */

static ag_status same_shape(const ag_call *c, ag_shape *out)
{
    return ag__need_float(c->in[0], ag__title(c->op)) ? ag_shape_same(c, out) : ag_error();
}
static ag_tensor *exponential_compose(const ag_call *c)
{
    return ag_div(noise(c, waiting), c->in[0]);
}
const ag_op ag__op_exponential = {
    .name = "exponential", .n_in = 1, .shape = same_shape, .compose = exponential_compose
};
ag_tensor *ag_exponential(ag_tensor *rate)
{
    return ag__apply(&ag__op_exponential, NULL, rate);
}

static ag_status bernoulli_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    ag_tensor *u = (ag_rand)(AG_F64, l->rank, l->dims);
    for (int64_t i = 0; u && i < l->numel; i++) {
        double p = ag__number_at(l->dtype, c->in[0]->data, i);
        if (!(p >= 0 && p <= 1))
            return ag_fail(AG_EINVAL, "ag_bernoulli_of: %g at position %lld of %s is no probability", p, (long long)i,
                           ag__text(l));
        ag__number_put(l->dtype, c->out[0]->data, i, ((double *)u->data)[i] < p);
    }
    return ag_error();
}
const ag_op ag__op_bernoulli_of = {
    .name = "bernoulli_of", .n_in = 1, .shape = same_shape, .forward = bernoulli_forward, .saves = AG_SAVES_NOTHING
};
ag_tensor *ag_bernoulli_of(ag_tensor *p)
{
    ag_tape *t;
    return ag__begin(&t, &p, "ag_bernoulli_of") ? ag__apply(&ag__op_bernoulli_of, NULL, ag_detach(p)) : NULL;
}

/* ---- relaxed ones, with a temperature ---- */

typedef struct relaxed {
    double tau;
    int axis;
    bool hard;
} relaxed;

static ag_status relaxed_shape(const ag_call *c, ag_shape *out)
{
    double tau = ((const relaxed *)c->attr)->tau;
    if (!(tau > 0)) return ag_fail(AG_EINVAL, "%s: temperature %g is not positive", ag__title(c->op), tau);
    return same_shape(c, out);
}
static ag_tensor *relaxed_bernoulli_compose(const ag_call *c)
{
    return ag_sigmoid(ag_div(ag_add(c->in[0], noise(c, logistics)), ((const relaxed *)c->attr)->tau));
}
const ag_op ag__op_relaxed_bernoulli = { .name = "relaxed_bernoulli",
                                         .n_in = 1,
                                         .attr_size = sizeof(relaxed),
                                         .shape = relaxed_shape,
                                         .compose = relaxed_bernoulli_compose };
ag_tensor *ag_relaxed_bernoulli(ag_tensor *logits, double tau)
{
    return ag__apply(&ag__op_relaxed_bernoulli, &((relaxed){ tau, 0, false }), logits);
}

/* 1 at the largest of each row, else 0. */
static ag_tensor *winners(ag_tensor *x, int axis)
{
    if (x && x->layout->numel == 0) return ag_detach(x);
    ag_tensor *at = ag_unsqueeze(ag_argmax(x, axis), axis), *one = ag_ones_like(at);
    return ag_scatter(ag_zeros_like(x), axis, at, ag_to(one, x ? x->layout->dtype : AG_F32));
}
static ag_tensor *gumbel_softmax_compose(const ag_call *c)
{
    const relaxed *o = c->attr;
    ag_tensor *soft = ag_softmax(ag_div(ag_add(c->in[0], noise(c, gumbels)), o->tau), o->axis);
    if (!o->hard) return soft;
    return ag_add(ag_sub(winners(soft, o->axis), ag_detach(soft)), soft);
}
const ag_op ag__op_gumbel_softmax = { .name = "gumbel_softmax",
                                      .n_in = 1,
                                      .attr_size = sizeof(relaxed),
                                      .shape = relaxed_shape,
                                      .compose = gumbel_softmax_compose };
ag_tensor *ag_gumbel_softmax(ag_tensor *logits, double tau, bool hard, int axis)
{
    ag_tape *t;
    relaxed o = { tau, 0, hard };
    if (!ag__begin(&t, &logits, "ag_gumbel_softmax") ||
        (o.axis = ag__axis(axis, logits->layout, "ag_gumbel_softmax")) < 0)
        return NULL;
    return ag__apply(&ag__op_gumbel_softmax, &o, logits);
}

/* The largest of logits and Gumbel noise is distributed as softmax says. */
static ag_status categorical_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = c->in[0]->layout;
    if (!ag__need_float(c->in[0], "ag_categorical")) return ag_error();
    if (!l->rank || l->dims[l->rank - 1] == 0)
        return ag_fail(AG_ESHAPE, "ag_categorical: logits %s hold no classes along their last axis", ag__text(l));
    ag__shape_drop(out, l, l->rank - 1);
    out->dtype = AG_I64;
    return AG_OK;
}
static ag_status categorical_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    ag_tensor *g = gumbels(AG_F64, l->rank, l->dims);
    return ag_assign(c->out[0], ag_argmax(ag_add(ag_to(c->in[0], AG_F64), g), -1));
}
const ag_op ag__op_categorical = { .name = "categorical",
                                   .n_in = 1,
                                   .shape = categorical_shape,
                                   .forward = categorical_forward,
                                   .saves = AG_SAVES_NOTHING };
ag_tensor *ag_categorical(ag_tensor *logits)
{
    ag_tape *t;
    return ag__begin(&t, &logits, "ag_categorical") ? ag__apply(&ag__op_categorical, NULL, ag_detach(logits)) : NULL;
}
