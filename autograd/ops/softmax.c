/* softmax.c - softmax and log_softmax along an axis, row by row. */
#include <autograd/ops/family.h>

/* The rows of a row-major tensor along the axis in the attributes. */
typedef struct rows {
    const ag__kernels *k;
    ag_dtype dtype;
    int64_t n, step, count, inner, item;
} rows;
static rows rows_of(const ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    ag__span s = ag__span_of(l, *(const int *)c->attr);
    return (rows){ ag__kernels_for(l->dtype), l->dtype, s.n, s.inner, s.outer * s.inner, s.inner, (int64_t)l->item };
}
/* Where row i begins, in bytes. */
static int64_t row_at(const rows *r, int64_t i)
{
    return (i / r->inner * r->inner * r->n + i % r->inner) * r->item;
}

static ag_tensor *normalised(const ag_op *op, const char *who, ag_tensor *x, int axis)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) || (axis = ag__axis_or_0(axis, x->layout, who)) < 0)
        return NULL;
    return ag__apply(op, &axis, x);
}

/* The sum along the axis, kept as size 1. */
static ag_tensor *total(const ag_call *c, ag_tensor *x)
{
    return (ag_sum_keep)(x, 1, c->attr);
}

/* ---- softmax: dx = y (g - sum g y) ---- */

static ag_status softmax_forward(ag_call *c)
{
    rows r = rows_of(c);
    const char *x = c->in[0]->data;
    char *y = c->out[0]->data;
    for (int64_t i = 0; i < r.count; i++) r.k->softmax(r.n, x + row_at(&r, i), r.step, y + row_at(&r, i), r.step);
    return AG_OK;
}
static ag_tensor *softmax_slope(const ag_call *c, ag_tensor *t)
{
    ag_tensor *y = c->out[0];
    return ag_mul(y, ag_sub(t, total(c, ag_mul(t, y))));
}
AG__VJP1(softmax_vjp, softmax_slope(c, g))
AG__JVP1(softmax_jvp, softmax_slope(c, t)) /* the Jacobian is symmetric */
static ag_status softmax_backward(ag_call *c)
{
    rows r = rows_of(c);
    const char *y = c->out[0]->data, *g = c->g[0]->data;
    char *gin = c->gin[0]->data;
    for (int64_t i = 0; i < r.count; i++) {
        int64_t at = row_at(&r, i), s = r.step;
        double mean = r.k->dot(r.n, g + at, s, y + at, s);
        r.k->back_a[AG__F_mul](r.n, g + at, s, g + at, s, y + at, s, y + at, s, gin + at, s, c->add[0]);
        r.k->scale(r.n, -mean, y + at, s, gin + at, s, true);
    }
    return AG_OK;
}

const ag_op ag__op_softmax = { .name = "softmax",
                               .n_in = 1,
                               .attr_size = sizeof(int),
                               .shape = ag_shape_same,
                               .forward = softmax_forward,
                               .vjp = softmax_vjp,
                               .jvp = softmax_jvp,
                               .backward = softmax_backward,
                               .saves = AG_SAVES_OUT(0) };

ag_tensor *ag_softmax(ag_tensor *x, int axis)
{
    return normalised(&ag__op_softmax, "ag_softmax", x, axis);
}

/* ---- log_softmax: dx = g - e^y sum g ---- */

static ag_status log_softmax_forward(ag_call *c)
{
    rows r = rows_of(c);
    const char *x = c->in[0]->data;
    char *y = c->out[0]->data;
    for (int64_t i = 0; i < r.count; i++) {
        int64_t at = row_at(&r, i);
        ag__number norm = ag__number_of(r.dtype, r.k->softmax(r.n, x + at, r.step, NULL, 0));
        r.k->binary[AG__F_sub](r.n, x + at, r.step, &norm, 0, y + at, r.step);
    }
    return AG_OK;
}
AG__VJP1(log_softmax_vjp, ag_sub(g, ag_mul(ag_exp(y), total(c, g))))
AG__JVP1(log_softmax_jvp, ag_sub(t, total(c, ag_mul(ag_exp(y), t))))

static void log_softmax_row(const rows *r, const char *g, const char *y, char *gin, bool add)
{
    double sum = r->n ? r->k->reduce[AG__SUM](r->n, g, r->step) : 0;
    r->k->copy(r->n, g, r->step, gin, r->step, add);
    for (int64_t j = 0; j < r->n; j += AG__CHUNK) {
        int64_t n = r->n - j < AG__CHUNK ? r->n - j : AG__CHUNK, at = j * r->step * r->item;
        ag__chunk p;
        r->k->unary[AG__F_exp](n, y + at, r->step, &p, 1);
        r->k->scale(n, -sum, &p, 1, gin + at, r->step, true);
    }
}
static ag_status log_softmax_backward(ag_call *c)
{
    rows r = rows_of(c);
    for (int64_t i = 0; i < r.count; i++) {
        int64_t at = row_at(&r, i);
        log_softmax_row(&r, (char *)c->g[0]->data + at, (char *)c->out[0]->data + at, (char *)c->gin[0]->data + at,
                        c->add[0]);
    }
    return AG_OK;
}

const ag_op ag__op_log_softmax = { .name = "log_softmax",
                                   .n_in = 1,
                                   .attr_size = sizeof(int),
                                   .shape = ag_shape_same,
                                   .forward = log_softmax_forward,
                                   .vjp = log_softmax_vjp,
                                   .jvp = log_softmax_jvp,
                                   .backward = log_softmax_backward,
                                   .saves = AG_SAVES_OUT(0) };

ag_tensor *ag_log_softmax(ag_tensor *x, int axis)
{
    return normalised(&ag__op_log_softmax, "ag_log_softmax", x, axis);
}
