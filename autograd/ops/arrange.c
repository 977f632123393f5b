/* arrange.c - elements moved, repeated or seen through windows, and shapes with fewer or more axes. Most are made of
 * views, slices and expansions. */
#include <autograd/ops/family.h>

/* A row that is made of others, with attributes of one type. */
#define COMPOSED(fn, T)                                                                              \
    const ag_op ag__op_##fn = {                                                                      \
        .name = #fn, .n_in = 1, .attr_size = sizeof(T), .shape = fn##_shape, .compose = fn##_compose \
    };

static const ag__layout *layout_of(const ag_call *c)
{
    return c->in[0]->layout;
}

/* ---- roll ---- */

typedef struct rolling {
    int axis;
    int64_t shift; /* in [0, size) */
} rolling;

static ag_tensor *roll_compose(const ag_call *c)
{
    const rolling *r = c->attr;
    ag_tensor *x = c->in[0];
    if (r->shift == 0) return x;
    int64_t n = x->layout->dims[r->axis], cut = n - r->shift;
    return ag_cat(AG_LIST(ag_slice(x, r->axis, cut, n), ag_slice(x, r->axis, 0, cut)), r->axis);
}
#define roll_shape ag_shape_same
COMPOSED(roll, rolling)

ag_tensor *ag_roll(ag_tensor *x, int64_t shift, int axis)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_roll") || (axis = ag__axis_or_0(axis, x->layout, "ag_roll")) < 0) return NULL;
    int64_t n = x->layout->rank ? x->layout->dims[axis] : 1;
    shift = n ? shift % n : 0;
    return ag__apply(&ag__op_roll, (&(const rolling){ axis, shift < 0 ? shift + n : shift }), x);
}

/* ---- rot90: of two axes ---- */

typedef struct turn {
    int quarters, a, b;
} turn;

static ag_status rot90_shape(const ag_call *c, ag_shape *out)
{
    const turn *r = c->attr;
    const ag__layout *l = layout_of(c);
    ag__shape_copy(out, l);
    if (r->quarters & 1) out->dims[r->a] = l->dims[r->b], out->dims[r->b] = l->dims[r->a];
    return AG_OK;
}
static ag_tensor *rot90_compose(const ag_call *c)
{
    const turn *r = c->attr;
    switch (r->quarters) {
    case 1: return ag_transpose(ag_flip(c->in[0], r->b), r->a, r->b);
    case 2: return ag_flip(c->in[0], r->a, r->b);
    case 3: return ag_transpose(ag_flip(c->in[0], r->a), r->a, r->b);
    default: return c->in[0];
    }
}
COMPOSED(rot90, turn)

ag_tensor *ag_rot90(ag_tensor *x, int k, int a, int b)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_rot90") || (a = ag__axis(a, x->layout, "ag_rot90")) < 0 ||
        (b = ag__axis(b, x->layout, "ag_rot90")) < 0)
        return NULL;
    if (a == b) return ag_fail(AG_EINVAL, "ag_rot90: axis %d of %s twice", a, ag__text(x->layout)), NULL;
    return ag__apply(&ag__op_rot90, (&(const turn){ (k % 4 + 4) % 4, a, b }), x);
}

/* ---- repeat, tile and repeat_interleave ---- */

/* One axis `times` as long: the whole of it again and again, or each element. Four axes suffice: before it, the
 * repeats, itself, behind it. */
static ag_tensor *repeated(ag_tensor *x, int axis, int64_t times, bool each)
{
    if (!x || times == 1) return x;
    const ag__layout *l = x->layout;
    ag__span s = ag__span_of(l, axis);
    int64_t once[4] = { s.outer, each ? s.n : 1, each ? 1 : s.n, s.inner }, dims[AG_MAX_RANK];
    memcpy(dims, l->dims, sizeof dims);
    dims[axis] *= times;
    x = (ag_reshape)(x, 4, once);
    once[each ? 2 : 1] = times;
    return (ag_reshape)((ag_expand)(x, 4, once), l->rank, dims);
}

typedef struct repeats {
    int n; /* of the axes of the result */
    int64_t times[AG_MAX_RANK];
} repeats;

/* size = times `size`; false where that does not fit. */
static bool multiply(int64_t *size, int64_t times)
{
    return times >= 0 && !__builtin_mul_overflow(*size, times, size);
}
static ag_status repeat_shape(const ag_call *c, ag_shape *out)
{
    const repeats *r = c->attr;
    const ag__layout *l = layout_of(c);
    int new = r->n - l->rank;
    if (new < 0)
        return ag_fail(AG_ESHAPE, "%s: %s times %s: one for each axis", ag__title(c->op), ag__text(l),
                       ag__dims_text(r->n, r->times));
    out->dtype = l->dtype, out->rank = r->n;
    for (int i = 0; i < r->n; i++) {
        out->dims[i] = i < new ? 1 : l->dims[i - new];
        if (!multiply(&out->dims[i], r->times[i]))
            return ag_fail(AG_EINVAL, "%s: %s times %s", ag__title(c->op), ag__text(l), ag__dims_text(r->n, r->times));
    }
    return AG_OK;
}
static ag_tensor *repeat_compose(const ag_call *c)
{
    const repeats *r = c->attr;
    const ag__layout *l = layout_of(c);
    int64_t dims[AG_MAX_RANK];
    for (int i = 0; i < r->n; i++) dims[i] = i < r->n - l->rank ? 1 : l->dims[i - (r->n - l->rank)];
    ag_tensor *x = r->n == l->rank ? c->in[0] : (ag_reshape)(c->in[0], r->n, dims);
    for (int i = 0; i < r->n; i++) x = repeated(x, i, r->times[i], false);
    return x;
}
#define tile_shape   repeat_shape
#define tile_compose repeat_compose
COMPOSED(repeat, repeats)
COMPOSED(tile, repeats)

static ag_tensor *repeat(const ag_op *op, const char *who, ag_tensor *x, int n, const int64_t *times, bool pad)
{
    ag_tape *t;
    repeats r = { n, { 0 } };
    if (!ag__begin(&t, &x, who) || !ag__have_list(n, times, who)) return NULL;
    if (n > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "%s: %s to %d axes; at most %d are possible", who, ag__text(x->layout), n,
                       AG_MAX_RANK),
               NULL;
    int ones = pad && x->layout->rank > n ? x->layout->rank - n : 0;
    r.n += ones;
    for (int i = 0; i < r.n; i++) r.times[i] = i < ones ? 1 : times[i - ones];
    return ag__apply(op, &r, x);
}
ag_tensor *(ag_repeat)(ag_tensor *x, int n, const int64_t *times)
{
    return repeat(&ag__op_repeat, "ag_repeat", x, n, times, false);
}
ag_tensor *(ag_tile)(ag_tensor *x, int n, const int64_t *times)
{
    return repeat(&ag__op_tile, "ag_tile", x, n, times, true);
}

/* How often each element of an axis is taken; their sum, or -1 with the error remembered. */
static int64_t interleave_total(const ag_call *c, const int64_t **times)
{
    const ag__layout *l = layout_of(c), *r = c->in[1] ? c->in[1]->layout : NULL;
    int axis = *(const int *)c->attr;
    int64_t n = l->rank ? l->dims[axis] : 1, total = 0;
    if (!r) return ag_fail(AG_ENULL, "ag_repeat_interleave: repeats is NULL"), -1;
    if (!ag__is_integer(r->dtype))
        return ag_fail(AG_EDTYPE, "ag_repeat_interleave: repeats %s %s are no integers", ag_dtype_name(r->dtype),
                       ag__text(r)),
               -1;
    if (r->rank > 1 || (r->numel != 1 && r->numel != n))
        return ag_fail(AG_ESHAPE, "ag_repeat_interleave: repeats %s do not fit axis %d of %s: one for each, or one",
                       ag__text(r), axis, ag__text(l)),
               -1;
    if (!(*times = ag_i64(ag_contiguous(ag_to(c->in[1], AG_I64))))) return -1;
    for (int64_t i = 0; i < n; i++) {
        int64_t k = (*times)[r->numel == 1 ? 0 : i];
        if (k < 0 || __builtin_add_overflow(total, k, &total))
            return ag_fail(AG_EINVAL, "ag_repeat_interleave: element %lld of axis %d of %s %lld times", (long long)i,
                           axis, ag__text(l), (long long)k),
                   -1;
    }
    return total;
}
static ag_status repeat_interleave_shape(const ag_call *c, ag_shape *out)
{
    const int64_t *times;
    int64_t total = interleave_total(c, &times);
    if (total < 0) return ag_error();
    ag__shape_copy(out, layout_of(c));
    if (!out->rank) out->rank = 1;
    out->dims[*(const int *)c->attr] = total;
    return AG_OK;
}
static ag_tensor *repeat_interleave_compose(const ag_call *c)
{
    const int64_t *times;
    int axis = *(const int *)c->attr;
    int64_t total = interleave_total(c, &times), *index;
    if (total < 0) return NULL;
    ag_tensor *x = layout_of(c)->rank ? c->in[0] : ag_unsqueeze(c->in[0], 0);
    if (c->in[1]->layout->numel == 1 && x->layout->dims[axis] != 1) return repeated(x, axis, times[0], true);
    ag_tensor *from = ag_zeros(AG_I64, total);
    if (!from || !(index = ag_i64_write(from))) return NULL;
    for (int64_t i = 0; i < x->layout->dims[axis]; i++)
        for (int64_t k = 0; k < times[i]; k++) *index++ = i;
    return ag_take(x, axis, from);
}
const ag_op ag__op_repeat_interleave = { .name = "repeat_interleave",
                                         .n_in = 2,
                                         .attr_size = sizeof(int),
                                         .shape = repeat_interleave_shape,
                                         .compose = repeat_interleave_compose };
ag_tensor *ag_repeat_interleave(ag_tensor *x, ag_tensor *times, int axis)
{
    ag_tape *t;
    const char *who = "ag_repeat_interleave";
    if (!ag__begin(&t, &x, who) || (axis = ag__axis_or_0(axis, x->layout, who)) < 0) return NULL;
    if (times && !(times = ag__operand(t, times, who, 2))) return NULL;
    if (times && times->flags & AG__WEAK && times->one.f64 == (double)(int64_t)times->one.f64)
        times = ag_to(times, AG_I64);
    return ag__apply(&ag__op_repeat_interleave, &axis, x, times);
}

/* ---- unfold: overlapping windows, a view; back they add up ---- */

typedef struct windows {
    int axis;
    int64_t size, step, whole; /* of a window, between windows, of the axis */
} windows;

/* The windows of `of`, which become the last axis. */
static bool windows_of(ag__layout *part, const ag__layout *of, const windows *w)
{
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK];
    memcpy(dims, of->dims, sizeof dims);
    memcpy(strides, of->strides, sizeof strides);
    dims[of->rank] = w->size, strides[of->rank] = strides[w->axis];
    dims[w->axis] = (w->whole - w->size) / w->step + 1;
    if (dims[w->axis] > 1) strides[w->axis] *= w->step;
    return ag__layout_set(part, of->dtype, of->rank + 1, dims, strides, "ag_unfold");
}
static ag_tensor *unfolded(const windows *w, ag_tensor *x)
{
    ag__layout part;
    if (!x || !windows_of(&part, x->layout, w)) return NULL;
    return ag__view_as(ag__here.tape, &ag__op_unfold, w, x, part.rank, part.dims, part.strides, 0);
}

static ag_status refold_shape(const ag_call *c, ag_shape *out)
{
    const windows *w = c->attr;
    ag__shape_copy(out, layout_of(c));
    out->rank--;
    out->dims[w->axis] = w->whole;
    return AG_OK;
}
static ag_status refold_forward(ag_call *c)
{
    const ag__layout *whole = c->out[0]->layout;
    ag__layout part;
    memset(c->out[0]->data, 0, (size_t)whole->numel * whole->item);
    if (!windows_of(&part, whole, c->attr)) return ag_error();
    ag__copy_into(&part, c->out[0]->data, layout_of(c), c->in[0]->data, true);
    return AG_OK;
}
static const ag_op op_refold;
AG__VJP1(refold_vjp, unfolded(c->attr, g))
AG__JVP1(refold_jvp, ag__apply(&op_refold, c->attr, t))
AG__VJP1(unfold_vjp, ag__apply(&op_refold, c->attr, g))
AG__JVP1(unfold_jvp, unfolded(c->attr, t))

static const ag_op op_refold = { .name = "refold",
                                 .n_in = 1,
                                 .attr_size = sizeof(windows),
                                 .shape = refold_shape,
                                 .forward = refold_forward,
                                 .vjp = refold_vjp,
                                 .jvp = refold_jvp,
                                 .saves = AG_SAVES_NOTHING,
                                 .flags = AG_OP_STRIDED };
const ag_op ag__op_unfold = { .name = "unfold",
                              .n_in = 1,
                              .attr_size = sizeof(windows),
                              .vjp = unfold_vjp,
                              .jvp = unfold_jvp,
                              .saves = AG_SAVES_NOTHING,
                              .flags = AG_OP_VIEW };

ag_tensor *ag_unfold(ag_tensor *x, int axis, int64_t size, int64_t step)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_unfold") || (axis = ag__axis_or_0(axis, x->layout, "ag_unfold")) < 0) return NULL;
    const ag__layout *l = x->layout;
    windows w = { axis, size, step, l->rank ? l->dims[axis] : 1 };
    if (size < 0 || size > w.whole || step < 1)
        return ag_fail(AG_EINVAL, "ag_unfold: windows of %lld, step %lld, along axis %d of %s", (long long)size,
                       (long long)step, axis, ag__text(l)),
               NULL;
    if (l->rank == AG_MAX_RANK) return ag_fail(AG_ESHAPE, "ag_unfold: %s has no room for an axis", ag__text(l)), NULL;
    return l->rank ? unfolded(&w, x) : ag_slice(ag_unsqueeze(x, 0), 0, 0, size);
}

/* ---- channel_shuffle ---- */

static ag_status channel_shuffle_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = layout_of(c);
    int64_t groups = *(const int64_t *)c->attr;
    if (l->rank < 3 || groups < 1 || l->dims[1] % groups)
        return ag_fail(AG_ESHAPE, "ag_channel_shuffle: %lld groups of the channels of %s, [n, channels, ..]",
                       (long long)groups, ag__text(l));
    ag__shape_copy(out, l);
    return AG_OK;
}
static ag_tensor *channel_shuffle_compose(const ag_call *c)
{
    const ag__layout *l = layout_of(c);
    ag__span s = ag__span_of(l, 1);
    int64_t groups = *(const int64_t *)c->attr;
    ag_tensor *x = ag_reshape(c->in[0], s.outer, groups, s.n / groups, s.inner);
    return (ag_reshape)(ag_permute(x, 0, 2, 1, 3), l->rank, l->dims);
}
COMPOSED(channel_shuffle, int64_t)
ag_tensor *ag_channel_shuffle(ag_tensor *x, int64_t groups)
{
    return ag__apply(&ag__op_channel_shuffle, &groups, x);
}

/* ---- pixel_shuffle and pixel_unshuffle: channels to places and back ---- */

/* Axes [n, channels, r, r, height, width] or [n, channels, height, r, width, r]. */
static ag_status pixel_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = layout_of(c);
    int64_t r = *(const int64_t *)c->attr, area;
    bool fine = c->op == &ag__op_pixel_shuffle;
    if (l->rank < 3)
        return ag_fail(AG_ESHAPE, "%s: %s is no [.., channels, height, width]", ag__title(c->op), ag__text(l));
    const int64_t *d = l->dims + l->rank - 3;
    bool fits =
        r > 0 && !__builtin_mul_overflow(r, r, &area) && (fine ? d[0] % area == 0 : d[1] % r == 0 && d[2] % r == 0);
    if (!fits)
        return ag_fail(AG_ESHAPE, "%s: factor %lld does not divide %s", ag__title(c->op), (long long)r, ag__text(l));
    ag__shape_copy(out, l);
    int64_t *o = out->dims + l->rank - 3;
    o[0] = fine ? d[0] / area : d[0] * area;
    o[1] = fine ? d[1] * r : d[1] / r;
    o[2] = fine ? d[2] * r : d[2] / r;
    return AG_OK;
}
static ag_tensor *pixel_compose(const ag_call *c)
{
    ag_shape s;
    bool fine = c->op == &ag__op_pixel_shuffle;
    if (pixel_shape(c, &s)) return NULL;
    const ag__layout *l = layout_of(c);
    int64_t r = *(const int64_t *)c->attr, n = 1;
    for (int i = 0; i < l->rank - 3; i++) n *= l->dims[i];
    const int64_t *few = (fine ? s.dims : l->dims) + l->rank - 3, *d = l->dims + l->rank - 3;
    ag_tensor *x = fine ? ag_reshape(c->in[0], n, few[0], r, r, d[1], d[2])
                        : ag_reshape(c->in[0], n, few[0], d[1] / r, r, d[2] / r, r);
    x = fine ? ag_permute(x, 0, 1, 4, 2, 5, 3) : ag_permute(x, 0, 1, 3, 5, 2, 4);
    return (ag_reshape)(x, s.rank, s.dims);
}
#define pixel_shuffle_shape     pixel_shape
#define pixel_shuffle_compose   pixel_compose
#define pixel_unshuffle_shape   pixel_shape
#define pixel_unshuffle_compose pixel_compose
COMPOSED(pixel_shuffle, int64_t)
COMPOSED(pixel_unshuffle, int64_t)

ag_tensor *ag_pixel_shuffle(ag_tensor *x, int64_t factor)
{
    return ag__apply(&ag__op_pixel_shuffle, &factor, x);
}
ag_tensor *ag_pixel_unshuffle(ag_tensor *x, int64_t factor)
{
    return ag__apply(&ag__op_pixel_unshuffle, &factor, x);
}

/* ---- axes: movedim, flatten, unflatten; narrow ---- */

typedef struct two {
    int from, to;
} two;

/* The order in which axis `from` stands at `to`. */
static void moved(const two *m, int rank, int64_t *order)
{
    for (int i = 0, next = 0; i < rank; i++) {
        if (next == m->from) next++;
        order[i] = i == m->to ? m->from : next++;
    }
}
static ag_status movedim_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = layout_of(c);
    int64_t order[AG_MAX_RANK];
    moved(c->attr, l->rank, order);
    out->dtype = l->dtype, out->rank = l->rank;
    for (int i = 0; i < l->rank; i++) out->dims[i] = l->dims[order[i]];
    return AG_OK;
}
static ag_tensor *movedim_compose(const ag_call *c)
{
    int64_t order[AG_MAX_RANK];
    moved(c->attr, layout_of(c)->rank, order);
    return (ag_permute)(c->in[0], layout_of(c)->rank, order);
}
COMPOSED(movedim, two)

/* Two axes of x, resolved, into op's attributes. */
static ag_tensor *of_two(const ag_op *op, const char *who, ag_tensor *x, int from, int to)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, who) || (from = ag__axis_or_0(from, x->layout, who)) < 0 ||
        (to = ag__axis_or_0(to, x->layout, who)) < 0)
        return NULL;
    return ag__apply(op, (&(const two){ from, to }), x);
}
ag_tensor *ag_movedim(ag_tensor *x, int from, int to)
{
    return of_two(&ag__op_movedim, "ag_movedim", x, from, to);
}

static ag_status flatten_shape(const ag_call *c, ag_shape *out)
{
    const two *f = c->attr;
    const ag__layout *l = layout_of(c);
    if (f->from > f->to) return ag_fail(AG_EINVAL, "ag_flatten: axes %d to %d of %s", f->from, f->to, ag__text(l));
    out->dtype = l->dtype, out->rank = l->rank ? l->rank - (f->to - f->from) : 1;
    for (int i = 0; i < out->rank; i++) out->dims[i] = l->rank ? l->dims[i <= f->from ? i : i + f->to - f->from] : 1;
    for (int i = f->from + 1; i <= f->to; i++) out->dims[f->from] *= l->dims[i];
    return AG_OK;
}
static ag_tensor *flatten_compose(const ag_call *c)
{
    ag_shape s;
    return flatten_shape(c, &s) ? NULL : (ag_reshape)(c->in[0], s.rank, s.dims);
}
COMPOSED(flatten, two)
ag_tensor *ag_flatten(ag_tensor *x, int from, int to)
{
    return of_two(&ag__op_flatten, "ag_flatten", x, from, to);
}

typedef struct splitting {
    int axis, n;
    int64_t dims[AG_MAX_RANK];
} splitting;

static ag_status unflatten_shape(const ag_call *c, ag_shape *out)
{
    const splitting *u = c->attr;
    const ag__layout *l = layout_of(c);
    int64_t product = 1, size = l->rank ? l->dims[u->axis] : 1;
    int open = -1;
    bool fits = u->n > 0 && l->rank + u->n - 1 <= AG_MAX_RANK;
    for (int i = 0; fits && i < u->n; i++) {
        if (u->dims[i] == -1 && open < 0)
            open = i;
        else
            fits = multiply(&product, u->dims[i]);
    }
    fits = fits && (open < 0 ? product == size : product && size % product == 0);
    if (!fits)
        return ag_fail(AG_ESHAPE, "ag_unflatten: axis %d of %s does not become %s", u->axis, ag__text(l),
                       ag__dims_text(u->n, u->dims));
    out->dtype = l->dtype, out->rank = 0;
    for (int i = 0; i < u->axis; i++) out->dims[out->rank++] = l->dims[i];
    for (int i = 0; i < u->n; i++) out->dims[out->rank++] = i == open ? size / product : u->dims[i];
    for (int i = u->axis + 1; i < l->rank; i++) out->dims[out->rank++] = l->dims[i];
    return AG_OK;
}
static ag_tensor *unflatten_compose(const ag_call *c)
{
    ag_shape s;
    return unflatten_shape(c, &s) ? NULL : (ag_reshape)(c->in[0], s.rank, s.dims);
}
COMPOSED(unflatten, splitting)
ag_tensor *ag_unflatten(ag_tensor *x, int axis, ag_sizes sizes)
{
    ag_tape *t;
    const char *who = "ag_unflatten";
    if (!ag__begin(&t, &x, who) || (axis = ag__axis_or_0(axis, x->layout, who)) < 0 ||
        !ag__have_list(sizes.n, sizes.at, who))
        return NULL;
    if (sizes.n > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "%s: axis %d of %s into %d axes", who, axis, ag__text(x->layout), sizes.n), NULL;
    splitting u = { axis, sizes.n, { 0 } };
    for (int i = 0; i < sizes.n; i++) u.dims[i] = sizes.at[i];
    return ag__apply(&ag__op_unflatten, &u, x);
}

typedef struct part {
    int axis;
    int64_t from, length;
} part;

static ag_status narrow_shape(const ag_call *c, ag_shape *out)
{
    const part *p = c->attr;
    const ag__layout *l = layout_of(c);
    int64_t size = l->rank ? l->dims[p->axis] : 0;
    if (!l->rank || p->length < 0 || p->from < 0 || p->from > size || p->length > size - p->from)
        return ag_fail(AG_EINVAL, "ag_narrow: %lld elements from %lld along axis %d of %s", (long long)p->length,
                       (long long)p->from, p->axis, ag__text(l));
    ag__shape_copy(out, l);
    out->dims[p->axis] = p->length;
    return AG_OK;
}
static ag_tensor *narrow_compose(const ag_call *c)
{
    const part *p = c->attr;
    return ag_slice(c->in[0], p->axis, p->from, p->from + p->length);
}
COMPOSED(narrow, part)
ag_tensor *ag_narrow(ag_tensor *x, int axis, int64_t from, int64_t length)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_narrow") || (axis = ag__axis_or_0(axis, x->layout, "ag_narrow")) < 0) return NULL;
    if (from < 0 && x->layout->rank) from += x->layout->dims[axis];
    return ag__apply(&ag__op_narrow, (&(const part){ axis, from, length }), x);
}
