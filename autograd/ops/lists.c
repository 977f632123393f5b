/* lists.c - one tensor into several views of it, several into one by raising their rank first, and grids. Lists lie on
 * the tape, as their tensors do. */
#include <autograd/ops/family.h>

static const ag_list nothing = { NULL, 0 };

static ag_tensor **room(ag_tape *t, int64_t n)
{
    size_t bytes;
    if (n < 0 || !ag__size_mul((size_t)n, sizeof(ag_tensor *), &bytes))
        return ag_fail(AG_ENOMEM, "a list of %lld tensors", (long long)n), NULL;
    return ag__arena_get(&t->arena, bytes + !bytes);
}
/* The list, unless one of its tensors could not be made. */
static ag_list complete(ag_tensor *const *at, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!at[i]) return nothing;
    return (ag_list){ at, n };
}

/* ---- parts of one axis ---- */

/* sizes NULL: all of `size`, but for the last, which is what remains. */
static ag_list parts(ag_tape *t, ag_tensor *x, int axis, int64_t n, const int64_t *sizes, int64_t size)
{
    ag_tensor **at = room(t, n);
    int64_t whole = x->layout->dims[axis];
    for (int64_t i = 0, from = 0; at && i < n; i++) {
        int64_t next = sizes ? sizes[i] : size < whole - from ? size : whole - from;
        at[i] = ag_slice(x, axis, from, from + next);
        from += next;
    }
    return at ? complete(at, n) : nothing;
}
static bool begin(ag_tape **t, ag_tensor **x, int *axis, const char *who)
{
    return ag__begin(t, x, who) && (*axis = ag__axis(*axis, (*x)->layout, who)) >= 0;
}

ag_list ag_split(ag_tensor *x, int64_t size, int axis)
{
    ag_tape *t;
    if (!begin(&t, &x, &axis, "ag_split")) return nothing;
    int64_t whole = x->layout->dims[axis];
    if (size < 0 || (size == 0 && whole))
        return ag_fail(AG_EINVAL, "ag_split: parts of %lld along axis %d of %s", (long long)size, axis,
                       ag__text(x->layout)),
               nothing;
    return parts(t, x, axis, whole ? (whole - 1) / size + 1 : 1, NULL, size);
}

ag_list ag_split_sizes(ag_tensor *x, ag_sizes sizes, int axis)
{
    ag_tape *t;
    if (!begin(&t, &x, &axis, "ag_split_sizes") || !ag__have_list(sizes.n, sizes.at, "ag_split_sizes")) return nothing;
    int64_t left = x->layout->dims[axis];
    for (int i = 0; i < sizes.n && left >= 0; i++)
        left = sizes.at[i] < 0 || sizes.at[i] > left ? -1 : left - sizes.at[i];
    if (left)
        return ag_fail(AG_EINVAL, "ag_split_sizes: %d sizes do not add up to axis %d of %s", sizes.n, axis,
                       ag__text(x->layout)),
               nothing;
    return parts(t, x, axis, sizes.n, sizes.at, 0);
}

ag_list ag_chunk(ag_tensor *x, int64_t n, int axis)
{
    ag_tape *t;
    if (!begin(&t, &x, &axis, "ag_chunk")) return nothing;
    int64_t whole = x->layout->dims[axis];
    if (n < 1)
        return ag_fail(AG_EINVAL, "ag_chunk: %lld parts along axis %d of %s", (long long)n, axis, ag__text(x->layout)),
               nothing;
    int64_t size = whole ? (whole - 1) / n + 1 : 0;
    return parts(t, x, axis, whole ? (whole - 1) / size + 1 : n, NULL, size);
}

ag_list ag_unbind(ag_tensor *x, int axis)
{
    ag_tape *t;
    if (!begin(&t, &x, &axis, "ag_unbind")) return nothing;
    int64_t n = x->layout->dims[axis];
    ag_tensor **at = room(t, n);
    for (int64_t i = 0; at && i < n; i++) at[i] = ag_select(x, axis, i);
    return at ? complete(at, n) : nothing;
}

/* ---- meshgrid ---- */

ag_list ag_meshgrid(ag_list x, bool xy)
{
    ag_tape *t = ag__tape("ag_meshgrid");
    int64_t dims[AG_MAX_RANK];
    if (!t || !ag__have_list(x.n, x.at, "ag_meshgrid")) return nothing;
    if (x.n < 1 || x.n > AG_MAX_RANK)
        return ag_fail(AG_EINVAL, "ag_meshgrid: %lld tensors given; it takes 1 to %d", (long long)x.n, AG_MAX_RANK),
               nothing;
    ag_tensor **at = room(t, x.n);
    xy = xy && x.n > 1; /* the first two axes swapped */
    for (int i = 0; at && i < x.n; i++) {
        if (!(at[i] = ag__operand(t, x.at[i], "ag_meshgrid", i + 1))) return nothing;
        const ag__layout *l = at[i]->layout;
        if (l->rank > 1)
            return ag_fail(AG_ESHAPE, "ag_meshgrid: tensor %d is %s, not 1-d", i + 1, ag__text(l)), nothing;
        dims[xy && i < 2 ? 1 - i : i] = l->numel;
    }
    for (int i = 0; at && i < x.n; i++) {
        int64_t row[AG_MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
        row[xy && i < 2 ? 1 - i : i] = at[i]->layout->numel;
        at[i] = (ag_expand)((ag_reshape)(at[i], (int)x.n, row), (int)x.n, dims);
        if (!at[i]) return nothing;
    }
    return at ? (ag_list){ at, x.n } : nothing;
}

/* ---- hstack, vstack, dstack, column_stack: cat of tensors with a least rank ---- */

/* The shape of l with axes added as op does, and the axis they join along. */
static int raised(const ag_op *op, const ag__layout *l, ag_shape *out)
{
    ag__shape_copy(out, l);
    int64_t n = l->rank ? l->dims[0] : 1;
    bool columns = op == &ag__op_column_stack, deep = op == &ag__op_dstack;
    if (l->rank == 0) out->rank = 1, out->dims[0] = 1;
    if (op == &ag__op_hstack) return out->rank > 1;
    if (out->rank == 1) {
        out->rank = 2;
        out->dims[0] = columns ? n : 1, out->dims[1] = columns ? 1 : n;
    }
    if (deep && out->rank == 2) out->rank = 3, out->dims[2] = 1;
    return deep ? 2 : columns;
}
static ag_status raised_shape(const ag_call *c, ag_shape *out)
{
    int axis = raised(c->op, c->in[0]->layout, out);
    for (int i = 1; i < c->n_in; i++) {
        ag_shape s;
        const ag__layout *l = c->in[i] ? c->in[i]->layout : NULL;
        if (!l) return ag_fail(AG_ENULL, "%s: tensor %d is NULL", ag__title(c->op), i + 1);
        raised(c->op, l, &s);
        bool fits = s.dtype == out->dtype && s.rank == out->rank;
        for (int k = 0; fits && k < s.rank; k++) fits = k == axis || s.dims[k] == out->dims[k];
        if (!fits)
            return ag_fail(s.dtype == out->dtype ? AG_ESHAPE : AG_EDTYPE,
                           "%s: operand 1 is %s %s, operand %d %s %s; they do not join along axis %d", ag__title(c->op),
                           ag_dtype_name(out->dtype), ag__text(c->in[0]->layout), i + 1, ag_dtype_name(l->dtype),
                           ag__text(l), axis);
        out->dims[axis] += s.dims[axis];
    }
    return AG_OK;
}
static ag_tensor *raised_compose(const ag_call *c)
{
    ag_tensor **at = room(ag__here.tape, c->n_in);
    int axis = 0;
    for (int i = 0; at && i < c->n_in; i++) {
        ag_shape s;
        axis = raised(c->op, c->in[i]->layout, &s);
        if (!(at[i] = (ag_reshape)(c->in[i], s.rank, s.dims))) return NULL;
    }
    return at ? ag_cat((ag_list){ at, c->n_in }, axis) : NULL;
}

#define RAISED(fn)                                                                                          \
    const ag_op ag__op_##fn = {                                                                             \
        .name = #fn, .n_in = -1, .attr_size = sizeof(int), .shape = raised_shape, .compose = raised_compose \
    };                                                                                                      \
    ag_tensor *ag_##fn(ag_list x)                                                                           \
    {                                                                                                       \
        return ag__join(&ag__op_##fn, "ag_" #fn, x, 0);                                                     \
    }
RAISED(hstack)
RAISED(vstack)
RAISED(dstack)
RAISED(column_stack)
