/* shape.c - the same elements under other axes: reshape, expand, permute, transpose, squeeze, unsqueeze.
 *
 * All are views and linear: the derivative undoes the change on the gradient, the forward rule repeats it. */
#include <autograd/ops/family.h>

ag_tensor *ag__view_as(ag_tape *t, const ag_op *op, const void *attr, ag_tensor *x, int rank, const int64_t *dims,
                       const int64_t *strides, int64_t offset)
{
    ag__layout l;
    if (!ag__layout_set(&l, x->layout->dtype, rank, dims, strides, ag__title(op))) return NULL;
    ag_tensor *y = ag__view(t, ag__layout_intern(&t->layouts, &l), x, l.numel ? offset : 0);
    return y && ag__node(t, op, attr, 1, &x, &y, false) ? y : NULL;
}

/* ---- reshape: dx = g in the shape of x ---- */

/* Strides that show l in other sizes without copying; false if there are none. */
static bool restride(const ag__layout *l, int rank, const int64_t *dims, int64_t *strides)
{
    int64_t size[AG_MAX_RANK + 1] = { 1 }, step[AG_MAX_RANK + 1] = { 1 }; /* runs of equal steps, outermost first */
    int n = 0;
    for (int i = 0; i < l->rank; i++) {
        if (l->dims[i] == 1) continue;
        bool joins = n > 0 && step[n] == l->dims[i] * l->strides[i];
        size[n + !joins] = joins ? size[n] * l->dims[i] : l->dims[i];
        n += !joins;
        step[n] = l->strides[i];
    }
    int64_t left = size[n], next = step[n];
    for (int i = rank - 1; i >= 0; i--) {
        if (left == 1 && dims[i] != 1) n--, left = size[n], next = step[n];
        if (left % dims[i]) return false;
        strides[i] = next;
        left /= dims[i], next *= dims[i];
    }
    return true;
}

/* The sizes asked for, with -1 worked out. */
static bool resolve(const ag__layout *l, int rank, const int64_t *dims, int64_t *out)
{
    int open = -1;
    size_t known = 1;
    bool fits = rank >= 0 && rank <= AG_MAX_RANK;
    for (int i = 0; fits && i < rank; i++) {
        out[i] = dims[i];
        if (dims[i] == -1 && open < 0)
            open = i;
        else
            fits = dims[i] >= 0 && ag__size_mul(known, (size_t)dims[i], &known);
    }
    size_t numel = (size_t)l->numel;
    if (fits && open >= 0) {
        fits = known && numel % known == 0;
        if (fits) out[open] = (int64_t)(numel / known);
    } else
        fits = fits && known == numel;
    if (!fits)
        ag_fail(AG_ESHAPE, "ag_reshape: %s does not fit into %s", ag__text(l),
                rank >= 0 && rank <= AG_MAX_RANK ? ag__dims_text(rank, dims) : "more than 8 axes");
    return fits;
}

AG__VJP1(as_input, (ag_reshape)(g, x->layout->rank, x->layout->dims))
AG__JVP1(reshape_jvp, (ag_reshape)(t, y->layout->rank, y->layout->dims))

const ag_op ag__op_reshape = {
    .name = "reshape", .n_in = 1, .vjp = as_input, .jvp = reshape_jvp, .saves = AG_SAVES_NOTHING, .flags = AG_OP_VIEW
};

ag_tensor *(ag_reshape)(ag_tensor *x, int n, const int64_t *dims)
{
    ag_tape *t;
    int64_t to[AG_MAX_RANK], strides[AG_MAX_RANK];
    if (!ag__begin(&t, &x, "ag_reshape") || !ag__have_list(n, dims, "ag_reshape")) return NULL;
    if (!resolve(x->layout, n, dims, to)) return NULL;
    bool simple = x->layout->contiguous || x->layout->numel == 0;
    if (!simple && !restride(x->layout, n, to, strides)) {
        simple = true;
        x = ag_contiguous(x);
        if (!x) return NULL;
    }
    return ag__view_as(t, &ag__op_reshape, NULL, x, n, to, simple ? NULL : strides, 0);
}

/* ---- expand: dx = g, summed over the repeats by the engine ---- */

AG__VJP1(expand_vjp, g)
AG__JVP1(expand_jvp, (ag_expand)(t, y->layout->rank, y->layout->dims))

const ag_op ag__op_expand = {
    .name = "expand", .n_in = 1, .vjp = expand_vjp, .jvp = expand_jvp, .saves = AG_SAVES_NOTHING, .flags = AG_OP_VIEW
};

ag_tensor *(ag_expand)(ag_tensor *x, int n, const int64_t *dims)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_expand") || !ag__have_list(n, dims, "ag_expand")) return NULL;
    const ag__layout *l = x->layout;
    if (n < l->rank || n > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "ag_expand: %s to %d axes; it takes %d to %d", ag__text(l), n, l->rank, AG_MAX_RANK),
               NULL;
    int64_t to[AG_MAX_RANK], strides[AG_MAX_RANK];
    for (int i = 0; i < n; i++) {
        int at = i - (n - l->rank);
        int64_t have = at < 0 ? 1 : l->dims[at];
        to[i] = dims[i] == -1 && at >= 0 ? have : dims[i];
        strides[i] = at < 0 || to[i] != have ? 0 : l->strides[at];
        if (to[i] < 0 || (have != 1 && to[i] != have))
            return ag_fail(AG_ESHAPE, "ag_expand: %s does not broadcast to %s", ag__text(l), ag__dims_text(n, dims)),
                   NULL;
    }
    return ag__view_as(t, &ag__op_expand, NULL, x, n, to, strides, 0);
}

/* ---- permute and transpose: dx = g with its axes put back ---- */

typedef struct order {
    int axis[AG_MAX_RANK]; /* axis i of the result is this one of the input */
} order;

static ag_tensor *reorder(ag_tape *t, const ag_op *op, ag_tensor *x, order o)
{
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK];
    for (int i = 0; i < x->layout->rank; i++)
        dims[i] = x->layout->dims[o.axis[i]], strides[i] = x->layout->strides[o.axis[i]];
    return ag__view_as(t, op, &o, x, x->layout->rank, dims, strides, 0);
}

static ag_tensor *permuted(const ag_call *c, ag_tensor *x, bool back)
{
    const order *o = c->attr;
    int64_t axis[AG_MAX_RANK];
    for (int i = 0; i < x->layout->rank; i++) axis[back ? o->axis[i] : i] = back ? i : o->axis[i];
    return (ag_permute)(x, x->layout->rank, axis);
}
AG__VJP1(permute_vjp, permuted(c, g, true))
AG__JVP1(permute_jvp, permuted(c, t, false))

const ag_op ag__op_permute = { .name = "permute",
                               .n_in = 1,
                               .attr_size = sizeof(order),
                               .vjp = permute_vjp,
                               .jvp = permute_jvp,
                               .saves = AG_SAVES_NOTHING,
                               .flags = AG_OP_VIEW };

ag_tensor *(ag_permute)(ag_tensor *x, int n, const int64_t *axes)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_permute") || !ag__have_list(n, axes, "ag_permute")) return NULL;
    const ag__layout *l = x->layout;
    if (n != l->rank)
        return ag_fail(AG_ESHAPE, "ag_permute: %d axes given for %s, which has %d", n, ag__text(l), l->rank), NULL;
    order o = { { 0 } };
    uint32_t seen = 0;
    for (int i = 0; i < n; i++) {
        int64_t a = axes[i] < 0 ? axes[i] + n : axes[i];
        if (a < 0 || a >= n || seen >> a & 1)
            return ag_fail(AG_EINVAL, "ag_permute: %s is no order of the axes of %s", ag__dims_text(n, axes),
                           ag__text(l)),
                   NULL;
        seen |= 1u << a;
        o.axis[i] = (int)a;
    }
    return reorder(t, &ag__op_permute, x, o);
}

const ag_op ag__op_transpose = { .name = "transpose",
                                 .n_in = 1,
                                 .attr_size = sizeof(order),
                                 .vjp = permute_vjp,
                                 .jvp = permute_jvp,
                                 .saves = AG_SAVES_NOTHING,
                                 .flags = AG_OP_VIEW };

ag_tensor *ag_transpose(ag_tensor *x, int a, int b)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_transpose")) return NULL;
    if ((a = ag__axis_or_0(a, x->layout, "ag_transpose")) < 0 || (b = ag__axis_or_0(b, x->layout, "ag_transpose")) < 0)
        return NULL;
    order o;
    for (int i = 0; i < AG_MAX_RANK; i++) o.axis[i] = i == a ? b : i == b ? a : i;
    return reorder(t, &ag__op_transpose, x, o);
}

/* ---- squeeze and unsqueeze: dx = g in the shape of x ---- */

const ag_op ag__op_squeeze = {
    .name = "squeeze", .n_in = 1, .vjp = as_input, .jvp = reshape_jvp, .saves = AG_SAVES_NOTHING, .flags = AG_OP_VIEW
};
const ag_op ag__op_unsqueeze = {
    .name = "unsqueeze", .n_in = 1, .vjp = as_input, .jvp = reshape_jvp, .saves = AG_SAVES_NOTHING, .flags = AG_OP_VIEW
};

ag_tensor *ag_squeeze(ag_tensor *x, int axis)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_squeeze") || (axis = ag__axis_or_0(axis, x->layout, "ag_squeeze")) < 0) return NULL;
    const ag__layout *l = x->layout;
    if (l->rank && l->dims[axis] != 1)
        return ag_fail(AG_ESHAPE, "ag_squeeze: axis %d of %s is not of size 1", axis, ag__text(l)), NULL;
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK];
    int n = 0;
    for (int i = 0; i < l->rank; i++)
        if (i != axis) dims[n] = l->dims[i], strides[n++] = l->strides[i];
    return ag__view_as(t, &ag__op_squeeze, NULL, x, n, dims, strides, 0);
}

ag_tensor *ag_unsqueeze(ag_tensor *x, int axis)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_unsqueeze")) return NULL;
    const ag__layout *l = x->layout;
    int at = axis < 0 ? axis + l->rank + 1 : axis;
    if (at < 0 || at > l->rank || l->rank == AG_MAX_RANK)
        return ag_fail(AG_EINVAL, "ag_unsqueeze: no axis can be added at %d of %s", axis, ag__text(l)), NULL;
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK];
    for (int i = 0; i <= l->rank; i++) {
        int from = i < at ? i : i - 1;
        dims[i] = i == at ? 1 : l->dims[from], strides[i] = i == at ? 1 : l->strides[from];
    }
    return ag__view_as(t, &ag__op_unsqueeze, NULL, x, l->rank + 1, dims, strides, 0);
}
