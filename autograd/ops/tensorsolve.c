/* tensorsolve.c - systems of equations between tensors: their axes joined, those of matrices. */
#include <autograd/ops/family.h>

static int64_t product(const int64_t *dims, int from, int to)
{
    int64_t n = 1;
    for (int i = from; i < to; i++) n *= dims[i];
    return n;
}

/* ---- tensorinv: the first n axes are the rows ---- */

static ag_status tensorinv_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = c->in[0]->layout;
    int n = *(const int *)c->attr;
    if (!ag__need_float(c->in[0], "ag_tensorinv")) return ag_error();
    if (n < 1 || n > l->rank) return ag_fail(AG_EINVAL, "ag_tensorinv: %d axes for rows, of %s", n, ag__text(l));
    if (product(l->dims, 0, n) != product(l->dims, n, l->rank))
        return ag_fail(AG_ESHAPE, "ag_tensorinv: the first %d axes of %s hold other than the rest", n, ag__text(l));
    out->dtype = l->dtype, out->rank = l->rank;
    for (int i = 0; i < l->rank; i++) out->dims[i] = l->dims[(i + n) % l->rank];
    return AG_OK;
}
static ag_tensor *tensorinv_compose(const ag_call *c)
{
    ag_shape s;
    if (tensorinv_shape(c, &s)) return NULL;
    int64_t rows = product(c->in[0]->layout->dims, 0, *(const int *)c->attr);
    return (ag_reshape)(ag_inv(ag_reshape(c->in[0], rows, rows)), s.rank, s.dims);
}
const ag_op ag__op_tensorinv = {
    .name = "tensorinv", .n_in = 1, .attr_size = sizeof(int), .shape = tensorinv_shape, .compose = tensorinv_compose
};
ag_tensor *ag_tensorinv(ag_tensor *x, int n)
{
    return ag__apply(&ag__op_tensorinv, &n, x);
}

/* ---- tensorsolve: the last axes of a are those of x ---- */

static ag_status tensorsolve_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1] ? c->in[1]->layout : NULL;
    if (!ag__need_float(c->in[0], "ag_tensorsolve")) return ag_error();
    if (!b) return ag_fail(AG_ENULL, "ag_tensorsolve: operand 2 is NULL");
    if (a->dtype != b->dtype)
        return ag_fail(AG_EDTYPE, "ag_tensorsolve: dtypes differ: %s %s and %s %s", ag_dtype_name(a->dtype),
                       ag__text(a), ag_dtype_name(b->dtype), ag__text(b));
    bool fits = b->rank <= a->rank && product(a->dims, 0, b->rank) == b->numel &&
                product(a->dims, b->rank, a->rank) == b->numel;
    if (!fits)
        return ag_fail(AG_ESHAPE, "ag_tensorsolve: the first axes of a %s must hold as much as b %s, the others too",
                       ag__text(a), ag__text(b));
    out->dtype = a->dtype, out->rank = a->rank - b->rank;
    for (int i = 0; i < out->rank; i++) out->dims[i] = a->dims[b->rank + i];
    return AG_OK;
}
static ag_tensor *tensorsolve_compose(const ag_call *c)
{
    ag_shape s;
    if (tensorsolve_shape(c, &s)) return NULL;
    int64_t n = c->in[1]->layout->numel;
    return (ag_reshape)(ag_solve(ag_reshape(c->in[0], n, n), ag_reshape(c->in[1], n)), s.rank, s.dims);
}
const ag_op ag__op_tensorsolve = {
    .name = "tensorsolve", .n_in = 2, .shape = tensorsolve_shape, .compose = tensorsolve_compose
};
ag_tensor *ag_tensorsolve(ag_tensor *a, ag_tensor *b, ag_axes axes)
{
    static const char who[] = "ag_tensorsolve";
    ag_tape *t;
    uint32_t moved;
    if (!ag__begin(&t, &a, who)) return NULL;
    if (!axes.n) return ag__apply(&ag__op_tensorsolve, NULL, a, b);
    if (!ag__axes(axes.n, axes.at, a->layout, who, &moved)) return NULL;
    int64_t order[AG_MAX_RANK];
    int rank = a->layout->rank, at = 0;
    for (int i = 0; i < rank; i++)
        if (!(moved >> i & 1)) order[at++] = i;
    for (int i = 0; i < axes.n; i++) order[at++] = ag__axis(axes.at[i], a->layout, who);
    return ag__apply(&ag__op_tensorsolve, NULL, (ag_permute)(a, rank, order), b);
}
