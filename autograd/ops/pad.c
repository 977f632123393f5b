/* pad.c - borders around tensors, and tensors cut off at their borders. */
#include <autograd/ops/elementwise.h>
#include <autograd/ops/family.h>
#include <autograd/tensor/dtype.h>

/* ---- frame: x laid into a constant ---- */

typedef struct frame {
    int64_t before[AG_MAX_RANK], dims[AG_MAX_RANK];
    double value;
} frame;

static ag_status frame_shape(const ag_call *c, ag_shape *out)
{
    ag__shape_copy(out, c->in[0]->layout);
    memcpy(out->dims, ((const frame *)c->attr)->dims, sizeof out->dims);
    return AG_OK;
}
static ag_status frame_forward(ag_call *c)
{
    const frame *f = c->attr;
    const ag__layout *l = c->in[0]->layout, *whole = c->out[0]->layout;
    ag__layout part;
    int64_t from = 0;
    ag__fill(whole, c->out[0]->data, f->value);
    if (l->numel == 0) return AG_OK;
    for (int i = 0; i < l->rank; i++) from += f->before[i] * whole->strides[i];
    if (!ag__layout_set(&part, l->dtype, l->rank, l->dims, whole->strides, "ag_pad")) return ag_error();
    ag__copy_into(&part, (char *)c->out[0]->data + from * (int64_t)l->item, l, c->in[0]->data, false);
    return AG_OK;
}
static ag_tensor *inside(const ag_call *c, ag_tensor *g)
{
    const frame *f = c->attr;
    const ag__layout *l = c->in[0]->layout;
    for (int i = 0; i < l->rank; i++)
        if (l->dims[i] != f->dims[i]) g = ag_slice(g, i, f->before[i], f->before[i] + l->dims[i]);
    return g;
}
static ag_tensor *framed(const frame *f, ag_tensor *x, double value);
AG__VJP1(frame_vjp, inside(c, g))
AG__JVP1(frame_jvp, framed(c->attr, t, 0))

static const ag_op op_frame = { .name = "frame",
                                .n_in = 1,
                                .attr_size = sizeof(frame),
                                .shape = frame_shape,
                                .forward = frame_forward,
                                .vjp = frame_vjp,
                                .jvp = frame_jvp,
                                .saves = AG_SAVES_NOTHING,
                                .flags = AG_OP_STRIDED };
static ag_tensor *framed(const frame *f, ag_tensor *x, double value)
{
    frame of = *f;
    of.value = value;
    return ag__apply(&op_frame, &of, x);
}

/* ---- pad ---- */

typedef struct padding {
    int n;                                           /* axes, the last ones */
    int64_t before[AG_MAX_RANK], after[AG_MAX_RANK]; /* of axis i; negative: cut off */
    ag_pad_mode mode;
    double value;
} padding;

static const char *const mode_name[] = { "constant", "reflect", "replicate", "circular" };

/* Can the border be filled with elements of the axis? */
static bool fillable(ag_pad_mode mode, int64_t n, int64_t before, int64_t after)
{
    int64_t most = before > after ? before : after;
    if (mode == AG_PAD_CIRCULAR) n += (before < 0 ? before : 0) + (after < 0 ? after : 0);
    if (mode == AG_PAD_CONSTANT || most <= 0) return true;
    return mode == AG_PAD_REFLECT ? most < n : mode == AG_PAD_CIRCULAR ? most <= n : n > 0;
}
static ag_status pad_shape(const ag_call *c, ag_shape *out)
{
    const padding *p = c->attr;
    const ag__layout *l = c->in[0]->layout;
    ag__shape_copy(out, l);
    for (int i = 0; i < l->rank; i++) {
        int64_t n = l->dims[i], before = p->before[i], after = p->after[i], size;
        bool fits = !__builtin_add_overflow(n, before, &size) && size >= 0 && n + after >= 0 &&
                    !__builtin_add_overflow(size, after, &size) && size >= 0;
        if (!fits || !fillable(p->mode, n, before, after))
            return ag_fail(AG_EINVAL, "ag_pad: %lld before and %lld after axis %d of %s (%s)", (long long)before,
                           (long long)after, i, ag__text(l), mode_name[p->mode]);
        out->dims[i] = size;
    }
    return AG_OK;
}

/* Element i of an axis of n elements, outside of it: which one stands for it. */
static int64_t inward(ag_pad_mode mode, int64_t i, int64_t n)
{
    if (mode == AG_PAD_CIRCULAR) return i < 0 ? i + n : i >= n ? i - n : i;
    if (mode == AG_PAD_REFLECT) return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}
static ag_tensor *bordered(ag_tensor *x, int axis, int64_t before, int64_t after, ag_pad_mode mode)
{
    if (!x) return NULL;
    int64_t n = x->layout->dims[axis], size = n + before + after, *index;
    ag_tensor *from = ag_zeros(AG_I64, size);
    if (!from || !(index = ag_i64_write(from))) return NULL;
    for (int64_t i = 0; i < size; i++) index[i] = inward(mode, i - before, n);
    return ag_take(x, axis, from);
}
static ag_tensor *pad_compose(const ag_call *c)
{
    const padding *p = c->attr;
    const ag__layout *l = c->in[0]->layout;
    ag_tensor *x = c->in[0];
    frame f = { { 0 }, { 0 }, 0 };
    bool frames = false, crops = p->mode == AG_PAD_CONSTANT || p->mode == AG_PAD_CIRCULAR;
    for (int i = 0; i < l->rank; i++) {
        int64_t before = p->before[i], after = p->after[i], n = l->dims[i];
        if (crops && (before < 0 || after < 0)) {
            x = ag_slice(x, i, before < 0 ? -before : 0, after < 0 ? n + after : n);
            n += (before < 0 ? before : 0) + (after < 0 ? after : 0);
            before = before < 0 ? 0 : before, after = after < 0 ? 0 : after;
        }
        f.before[i] = before, f.dims[i] = n + before + after;
        frames |= before || after;
        if (p->mode != AG_PAD_CONSTANT && (before || after)) x = bordered(x, i, before, after, p->mode);
    }
    return frames && p->mode == AG_PAD_CONSTANT ? framed(&f, x, p->value) : x;
}
const ag_op ag__op_pad = {
    .name = "pad", .n_in = 1, .attr_size = sizeof(padding), .shape = pad_shape, .compose = pad_compose
};

ag_tensor *(ag_pad)(ag_tensor *x, ag_sizes sizes, const ag_pad_options *options)
{
    ag_tape *t;
    ag_pad_options o = options ? *options : (ag_pad_options){ .value = 0 };
    padding p = { sizes.n / 2, { 0 }, { 0 }, o.mode, o.value };
    if (!ag__begin(&t, &x, "ag_pad") || !ag__have_list(sizes.n, sizes.at, "ag_pad")) return NULL;
    const ag__layout *l = x->layout;
    if (sizes.n % 2 || p.n > l->rank)
        return ag_fail(AG_ESHAPE, "ag_pad: %d sizes for %s: two for each axis, the last axis first", sizes.n,
                       ag__text(l)),
               NULL;
    if ((unsigned)o.mode > AG_PAD_CIRCULAR)
        return ag_fail(AG_EINVAL, "ag_pad: mode %d of %s", (int)o.mode, ag__text(l)), NULL;
    if (o.mode != AG_PAD_CONSTANT && o.value != 0)
        return ag_fail(AG_EINVAL, "ag_pad: .value is for the constant mode, not for %s of %s", mode_name[o.mode],
                       ag__text(l)),
               NULL;
    if (!ag__dtype_holds(l->dtype, o.value))
        return ag_fail(AG_EDTYPE, "ag_pad: .value %g is no %s, as %s is", o.value, ag_dtype_name(l->dtype),
                       ag__text(l)),
               NULL;
    for (int i = 0; i < p.n; i++)
        p.before[l->rank - 1 - i] = sizes.at[2 * i], p.after[l->rank - 1 - i] = sizes.at[2 * i + 1];
    return ag__apply(&ag__op_pad, &p, x);
}
