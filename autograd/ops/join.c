/* join.c - cat and stack. dx[i] = the part of g that came from x[i]. */
#include <autograd/ops/family.h>

/* x copied into y at place `from` of an axis */
static void put(const ag_call *c, int axis, int64_t from, const ag__layout *part, const ag_tensor *x)
{
    const ag__layout *l = c->out[0]->layout;
    char *at = (char *)c->out[0]->data + from * l->strides[axis] * (int64_t)l->item;
    ag__copy_into(part, at, x->layout, x->data, false);
}

static bool alike(const ag_call *c, int i, int first, bool fits)
{
    const ag__layout *a = c->in[first]->layout, *b = c->in[i]->layout;
    if (a->dtype != b->dtype)
        ag_fail(AG_EDTYPE, "ag_%s: dtypes differ: operand %d is %s %s, operand %d %s %s", c->op->name, first + 1,
                ag_dtype_name(a->dtype), ag__text(a), i + 1, ag_dtype_name(b->dtype), ag__text(b));
    else if (!fits)
        ag_fail(AG_ESHAPE, "ag_%s: operand %d is %s, operand %d %s; they do not join along axis %d", c->op->name,
                first + 1, ag__text(a), i + 1, ag__text(b), *(const int *)c->attr);
    else
        return true;
    return false;
}

/* The tangents of all inputs, zeros where there is none. */
static ag_list tangents(const ag_call *c)
{
    ag_tensor **t = ag__arena_get(&ag__here.tape->arena, (size_t)c->n_in * sizeof *t);
    bool ok = t != NULL;
    for (int i = 0; ok && i < c->n_in; i++) {
        t[i] = c->tangent[i] ? c->tangent[i] : ag_zeros_like(c->in[i]);
        ok = t[i] != NULL;
    }
    return (ag_list){ t, ok ? c->n_in : 0 };
}

ag_tensor *ag__join(const ag_op *op, const char *who, ag_list x, int axis)
{
    if (x.n < 1 || x.n > UINT16_MAX)
        return ag_fail(AG_EINVAL, "%s: %lld tensors given; it takes 1 to %d", who, (long long)x.n, UINT16_MAX), NULL;
    if (!ag__have_list(x.n, x.at, who)) return NULL;
    for (int64_t i = 0; i < x.n; i++)
        if (!x.at[i])
            return ag_error() ? NULL : (ag_fail(AG_ENULL, "%s: tensor %lld is NULL", who, (long long)i + 1), NULL);
    return (ag_apply)(op, &axis, (int)x.n, x.at);
}

/* ---- cat ---- */

/* An empty 1-d tensor joins anything, as in PyTorch: the start of a loop that collects. */
static bool nothing(const ag_tensor *x)
{
    return x->layout->rank == 1 && x->layout->numel == 0;
}

static int first_of(const ag_call *c)
{
    for (int i = 0; i < c->n_in; i++)
        if (!nothing(c->in[i])) return i;
    return 0;
}

/* The axis may be negative in the attributes: only now is the rank known. */
static int cat_axis(const ag_call *c)
{
    return ag__axis(*(const int *)c->attr, c->in[first_of(c)]->layout, "ag_cat");
}

static ag_status cat_shape(const ag_call *c, ag_shape *out)
{
    int first = first_of(c), axis = cat_axis(c);
    const ag__layout *l = c->in[first]->layout;
    if (axis < 0) return ag_error();
    if (l->rank == 0) return ag_fail(AG_ESHAPE, "ag_cat: operand %d is 0-d: stack joins such", first + 1);
    ag__shape_copy(out, l);
    size_t size = 0;
    for (int i = 0; i < c->n_in; i++) {
        const ag__layout *x = c->in[i]->layout;
        bool skip = nothing(c->in[i]), fits = skip || x->rank == l->rank;
        for (int d = 0; fits && !skip && d < l->rank; d++) fits = d == axis || x->dims[d] == l->dims[d];
        if (!alike(c, i, first, fits)) return ag_error();
        if (!skip && (!ag__size_add(size, (size_t)x->dims[axis], &size) || size > INT64_MAX))
            return ag_fail(AG_ESHAPE, "ag_cat: axis %d becomes too long", axis);
    }
    out->dims[axis] = (int64_t)size;
    return AG_OK;
}
static ag_status cat_forward(ag_call *c)
{
    int axis = cat_axis(c);
    int64_t from = 0;
    for (int i = 0; i < c->n_in; i++) {
        if (c->in[i]->layout->numel == 0) {
            from += nothing(c->in[i]) ? 0 : c->in[i]->layout->dims[axis];
            continue;
        }
        ag__layout part;
        int64_t size = c->in[i]->layout->dims[axis];
        if (!ag__part(&part, c->out[0]->layout, axis, size, 1, "ag_cat")) return ag_error();
        put(c, axis, from, &part, c->in[i]);
        from += size;
    }
    return AG_OK;
}
static ag_status cat_vjp(ag_call *c)
{
    int axis = cat_axis(c);
    int64_t from = 0;
    for (int i = 0; i < c->n_in; i++) {
        int64_t size = nothing(c->in[i]) ? 0 : c->in[i]->layout->dims[axis];
        if (c->need[i])
            c->gin[i] = nothing(c->in[i]) ? ag_zeros_like(c->in[i]) : ag_slice(c->g[0], axis, from, from + size);
        if (c->need[i] && !c->gin[i]) return ag_error();
        from += size;
    }
    return AG_OK;
}
static ag_status cat_jvp(ag_call *c)
{
    ag_list t = tangents(c);
    c->tout[0] = t.n ? ag_cat(t, *(const int *)c->attr) : NULL;
    return c->tout[0] ? AG_OK : ag_error();
}

const ag_op ag__op_cat = { .name = "cat",
                           .n_in = -1,
                           .attr_size = sizeof(int),
                           .shape = cat_shape,
                           .forward = cat_forward,
                           .vjp = cat_vjp,
                           .jvp = cat_jvp,
                           .saves = AG_SAVES_NOTHING,
                           .flags = AG_OP_STRIDED };

ag_tensor *ag_cat(ag_list x, int axis)
{
    return ag__join(&ag__op_cat, "ag_cat", x, axis);
}

/* ---- stack ---- */

static int stack_axis(const ag_call *c)
{
    int axis = *(const int *)c->attr;
    return axis < 0 ? axis + c->in[0]->layout->rank + 1 : axis;
}

static ag_status stack_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = c->in[0]->layout;
    int axis = stack_axis(c);
    if (axis < 0 || axis > l->rank || l->rank == AG_MAX_RANK)
        return ag_fail(AG_EINVAL, "ag_stack: no axis can be added at %d of %s", *(const int *)c->attr, ag__text(l));
    for (int i = 1; i < c->n_in; i++)
        if (!alike(c, i, 0, ag__same_dims(l, c->in[i]->layout))) return ag_error();
    out->dtype = l->dtype, out->rank = l->rank + 1;
    for (int i = 0; i <= l->rank; i++) out->dims[i] = i == axis ? c->n_in : l->dims[i < axis ? i : i - 1];
    return AG_OK;
}
static ag_status stack_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout, *whole = c->out[0]->layout;
    int axis = stack_axis(c);
    int64_t strides[AG_MAX_RANK];
    for (int i = 0; i < l->rank; i++) strides[i] = whole->strides[i < axis ? i : i + 1];
    ag__layout part;
    if (l->numel == 0) return AG_OK;
    if (!ag__layout_set(&part, l->dtype, l->rank, l->dims, strides, "ag_stack")) return ag_error();
    for (int i = 0; i < c->n_in; i++) put(c, axis, i, &part, c->in[i]);
    return AG_OK;
}
static ag_status stack_vjp(ag_call *c)
{
    int axis = stack_axis(c);
    for (int i = 0; i < c->n_in; i++)
        if (c->need[i] && !(c->gin[i] = ag_select(c->g[0], axis, i))) return ag_error();
    return AG_OK;
}
static ag_status stack_jvp(ag_call *c)
{
    ag_list t = tangents(c);
    c->tout[0] = t.n ? ag_stack(t, *(const int *)c->attr) : NULL;
    return c->tout[0] ? AG_OK : ag_error();
}

const ag_op ag__op_stack = { .name = "stack",
                             .n_in = -1,
                             .attr_size = sizeof(int),
                             .shape = stack_shape,
                             .forward = stack_forward,
                             .vjp = stack_vjp,
                             .jvp = stack_jvp,
                             .saves = AG_SAVES_NOTHING,
                             .flags = AG_OP_STRIDED };

ag_tensor *ag_stack(ag_list x, int axis)
{
    return ag__join(&ag__op_stack, "ag_stack", x, axis);
}
