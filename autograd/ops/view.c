/* view.c - some of the elements, or all in another direction: flip, slice, select; and place, which undoes them. */
#include <autograd/ops/family.h>

/* ---- place: x laid into zeros, at every step-th index of an axis of size `size`. slice_step's other half:
 *      <slice(x), g> = <x, place(g)> ---- */

typedef struct range {
    int axis;
    int64_t from, step, size; /* size: of the whole axis */
} range;

static ag_status place_shape(const ag_call *c, ag_shape *out)
{
    const range *r = c->attr;
    ag__shape_copy(out, c->in[0]->layout);
    out->dims[r->axis] = r->size;
    return AG_OK;
}
static ag_status place_forward(ag_call *c)
{
    const range *r = c->attr;
    const ag__layout *l = c->in[0]->layout, *whole = c->out[0]->layout;
    ag__layout part;
    memset(c->out[0]->data, 0, (size_t)whole->numel * whole->item);
    if (l->numel == 0) return AG_OK;
    if (!ag__part(&part, whole, r->axis, l->dims[r->axis], r->step, "ag_slice")) return ag_error();
    char *at = (char *)c->out[0]->data + r->from * whole->strides[r->axis] * (int64_t)whole->item;
    ag__copy_into(&part, at, l, c->in[0]->data, false);
    return AG_OK;
}
static ag_tensor *place(const range *r, ag_tensor *x);
static ag_tensor *sliced(const range *r, ag_tensor *x, int64_t n)
{
    return ag_slice_step(x, r->axis, r->from, n ? r->from + (n - 1) * r->step + 1 : r->from, r->step);
}
AG__VJP1(place_vjp, sliced(c->attr, g, x->layout->dims[((const range *)c->attr)->axis]))
AG__JVP1(place_jvp, place(c->attr, t))

static const ag_op op_place = { .name = "place",
                                .n_in = 1,
                                .attr_size = sizeof(range),
                                .shape = place_shape,
                                .forward = place_forward,
                                .vjp = place_vjp,
                                .jvp = place_jvp,
                                .saves = AG_SAVES_NOTHING,
                                .flags = AG_OP_STRIDED };

static ag_tensor *place(const range *r, ag_tensor *x)
{
    return ag__apply(&op_place, r, x);
}

/* ---- slice: dx = g in its place, zeros around it ---- */

/* In place: what has collected the gradients of other parts is not copied again for each. */
static ag_status part_backward(ag_call *c)
{
    const range *r = c->attr;
    const ag__layout *whole = c->gin[0]->layout, *g = c->g[0]->layout;
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK];
    int rank = 0;
    if (!c->add[0]) memset(c->gin[0]->data, 0, (size_t)whole->numel * whole->item);
    if (g->numel == 0) return AG_OK;
    for (int i = 0; i < whole->rank; i++) {
        if (i == r->axis && g->rank < whole->rank) continue; /* selected */
        dims[rank] = g->dims[rank], strides[rank] = whole->strides[i] * (i == r->axis ? r->step : 1), rank++;
    }
    ag__layout part;
    if (!ag__layout_set(&part, whole->dtype, rank, dims, strides, ag__title(c->op))) return ag_error();
    char *at = (char *)c->gin[0]->data + r->from * whole->strides[r->axis] * (int64_t)whole->item;
    ag__copy_into(&part, at, g, c->g[0]->data, c->add[0]);
    return AG_OK;
}

AG__VJP1(slice_vjp, place(c->attr, g))
AG__JVP1(slice_jvp, sliced(c->attr, t, y->layout->dims[((const range *)c->attr)->axis]))

const ag_op ag__op_slice = { .name = "slice",
                             .n_in = 1,
                             .attr_size = sizeof(range),
                             .vjp = slice_vjp,
                             .jvp = slice_jvp,
                             .backward = part_backward,
                             .saves = AG_SAVES_NOTHING,
                             .flags = AG_OP_VIEW | AG_OP_STRIDED };
const ag_op ag__op_slice_step = { .name = "slice_step",
                                  .n_in = 1,
                                  .attr_size = sizeof(range),
                                  .vjp = slice_vjp,
                                  .jvp = slice_jvp,
                                  .backward = part_backward,
                                  .saves = AG_SAVES_NOTHING,
                                  .flags = AG_OP_VIEW | AG_OP_STRIDED };

/* Python's rule for a bound: from the end if negative, then clipped. */
static int64_t bound(int64_t i, int64_t size)
{
    if (i < 0) i += size;
    return i < 0 ? 0 : i > size ? size : i;
}

static ag_tensor *slice(const ag_op *op, const char *who, ag_tensor *x, int axis, int64_t from, int64_t to,
                        int64_t step)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, who)) return NULL;
    const ag__layout *l = x->layout;
    if (l->rank == 0) return ag_fail(AG_ESHAPE, "%s: [] has no axis to slice", who), NULL;
    if ((axis = ag__axis(axis, l, who)) < 0) return NULL;
    if (step < 1)
        return ag_fail(AG_EINVAL, "%s: step %lld along axis %d of %s is not positive", who, (long long)step, axis,
                       ag__text(l)),
               NULL;
    range r = { axis, bound(from, l->dims[axis]), step, l->dims[axis] };
    int64_t length = bound(to, r.size) - r.from;
    int64_t n = length <= 0 ? 0 : (length - 1) / step + 1;
    if (n <= 1) r.step = 1; /* no stride can overflow */
    ag__layout part;
    if (!ag__part(&part, l, axis, n, r.step, who)) return NULL;
    return ag__view_as(t, op, &r, x, l->rank, part.dims, part.strides, r.from * l->strides[axis]);
}

ag_tensor *ag_slice(ag_tensor *x, int axis, int64_t from, int64_t to)
{
    return slice(&ag__op_slice, "ag_slice", x, axis, from, to, 1);
}
ag_tensor *ag_slice_step(ag_tensor *x, int axis, int64_t from, int64_t to, int64_t step)
{
    return slice(&ag__op_slice_step, "ag_slice_step", x, axis, from, to, step);
}

/* ---- select: as a slice of one element ---- */

AG__VJP1(select_vjp, place(c->attr, ag_unsqueeze(g, ((const range *)c->attr)->axis)))
AG__JVP1(select_jvp, ag_select(t, ((const range *)c->attr)->axis, ((const range *)c->attr)->from))

const ag_op ag__op_select = { .name = "select",
                              .n_in = 1,
                              .attr_size = sizeof(range),
                              .vjp = select_vjp,
                              .jvp = select_jvp,
                              .backward = part_backward,
                              .saves = AG_SAVES_NOTHING,
                              .flags = AG_OP_VIEW | AG_OP_STRIDED };

ag_tensor *ag_select(ag_tensor *x, int axis, int64_t index)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_select")) return NULL;
    const ag__layout *l = x->layout;
    if (l->rank == 0) return ag_fail(AG_ESHAPE, "ag_select: [] has no axis to select from"), NULL;
    if ((axis = ag__axis(axis, l, "ag_select")) < 0) return NULL;
    range r = { axis, index < 0 ? index + l->dims[axis] : index, 1, l->dims[axis] };
    if (r.from < 0 || r.from >= r.size)
        return ag_fail(AG_EINVAL, "ag_select: index %lld is outside axis %d of %s", (long long)index, axis,
                       ag__text(l)),
               NULL;
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK];
    int n = 0;
    for (int i = 0; i < l->rank; i++)
        if (i != axis) dims[n] = l->dims[i], strides[n++] = l->strides[i];
    return ag__view_as(t, &ag__op_select, &r, x, n, dims, strides, r.from * l->strides[axis]);
}

/* ---- flip: dx = g flipped back ---- */

static ag_tensor *flipped(const ag_call *c, ag_tensor *x)
{
    uint32_t mask = *(const uint32_t *)c->attr;
    int axes[AG_MAX_RANK], n = 0;
    for (int i = 0; i < x->layout->rank; i++)
        if (mask >> i & 1) axes[n++] = i;
    return n ? (ag_flip)(x, n, axes) : x;
}
AG__VJP1(flip_vjp, flipped(c, g))
AG__JVP1(flip_jvp, flipped(c, t))

const ag_op ag__op_flip = { .name = "flip",
                            .n_in = 1,
                            .attr_size = sizeof(uint32_t),
                            .vjp = flip_vjp,
                            .jvp = flip_jvp,
                            .saves = AG_SAVES_NOTHING,
                            .flags = AG_OP_VIEW };

ag_tensor *(ag_flip)(ag_tensor *x, int n, const int *axes)
{
    ag_tape *t;
    uint32_t mask = 0;
    if (!ag__begin(&t, &x, "ag_flip")) return NULL;
    const ag__layout *l = x->layout;
    if (n > 0 && !ag__axes(n, axes, l, "ag_flip", &mask)) return NULL;
    int64_t strides[AG_MAX_RANK], offset = 0;
    for (int i = 0; i < l->rank; i++) {
        bool turned = mask >> i & 1;
        strides[i] = turned ? -l->strides[i] : l->strides[i];
        if (turned) offset += (l->dims[i] - 1) * l->strides[i];
    }
    return ag__view_as(t, &ag__op_flip, &mask, x, l->rank, l->dims, strides, offset);
}
