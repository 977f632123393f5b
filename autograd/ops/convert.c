/* convert.c - copies: to another dtype, in the same memory order, or in row-major order. */
#include <autograd/ops/family.h>

/* x copied into a new tensor of layout l, recorded as op; whole numbers have no derivative */
static ag_tensor *copy(ag_tape *t, const ag_op *op, ag_tensor *x, const ag__layout *l)
{
    ag_tensor *y = ag__temporary(t, l);
    if (!y) return NULL;
    ag__copy_into(l, y->data, x->layout, x->data, false);
    if (!ag__is_float(l->dtype)) return y;
    return ag__node(t, op, NULL, 1, &x, &y, false) ? y : NULL;
}

/* The layout of x with its memory order, in another dtype. */
static const ag__layout *like(ag_tape *t, const ag_tensor *x, ag_dtype dtype, const char *who)
{
    return ag__layout_like(&t->layouts, dtype, x->layout->rank, x->layout->dims, x->layout, who);
}

/* ---- to: dx = g converted back ---- */

AG__VJP1(to_vjp, ag_to(g, x->layout->dtype))
AG__JVP1(to_jvp, ag_to(t, y->layout->dtype))

const ag_op ag__op_to = { .name = "to", .n_in = 1, .vjp = to_vjp, .jvp = to_jvp, .saves = AG_SAVES_NOTHING };

/* x itself if it has the dtype already. */
ag_tensor *ag_to(ag_tensor *x, ag_dtype dtype)
{
    ag_tape *t;
    ag_tensor *given = x;
    if (!ag__begin(&t, &x, "ag_to")) return NULL;
    if (!ag_dtype_size(dtype)) return ag_fail(AG_EDTYPE, "ag_to: %d is no dtype", (int)dtype), NULL;
    if (dtype == x->layout->dtype && !(x->flags & AG__WEAK)) return given;
    return copy(t, &ag__op_to, x, like(t, x, dtype, "ag_to"));
}

/* ---- clone and contiguous: dx = g ---- */

AG__VJP1(copy_vjp, g)
AG__JVP1(copy_jvp, t)

const ag_op ag__op_clone = { .name = "clone", .n_in = 1, .vjp = copy_vjp, .jvp = copy_jvp, .saves = AG_SAVES_NOTHING };
const ag_op ag__op_contiguous = {
    .name = "contiguous", .n_in = 1, .vjp = copy_vjp, .jvp = copy_jvp, .saves = AG_SAVES_NOTHING
};

ag_tensor *ag_clone(ag_tensor *x)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_clone")) return NULL;
    return copy(t, &ag__op_clone, x, like(t, x, x->layout->dtype, "ag_clone"));
}

ag_tensor *ag_contiguous(ag_tensor *x)
{
    ag_tape *t;
    ag_tensor *given = x;
    if (!ag__begin(&t, &x, "ag_contiguous")) return NULL;
    const ag__layout *l = x->layout;
    if (l->contiguous) return given;
    return copy(t, &ag__op_contiguous, x, ag__layout_get(&t->layouts, l->dtype, l->rank, l->dims, "ag_contiguous"));
}
