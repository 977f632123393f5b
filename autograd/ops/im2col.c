/* im2col.c - windows of images as columns, and columns added up to images: unfold and fold of torch.nn.functional. Each
 * is the derivative of the other. */
#include <autograd/ops/window.h>

enum { OPTIONS = AG__STRIDE | AG__PADDING | AG__DILATION | AG__KERNELS, RANK = 2 };

/* x [.., c, h, w] and columns [.., c kernel, windows], one image after the other. */
static ag_status move(const ag_call *c, ag_tensor *x, ag_tensor *columns, bool back)
{
    const ag__windows *w = c->attr;
    const ag__layout *l = x->layout;
    int64_t channels = l->dims[l->rank - 3], images = l->rank > 3 ? l->dims[0] : 1, item = (int64_t)l->item;
    int64_t image = channels * ag__volume(w->x) * item, n = ag__volume(w->y);
    if (back) ag__fill(l, x->data, 0);
    for (int64_t i = 0; i < images; i++)
        ag__columns(w, l->dtype, channels, 0, n, (char *)x->data + i * image,
                    (char *)columns->data + i * channels * ag__volume(w->kernel) * n * item, back);
    return AG_OK;
}

static ag_status im2col_shape(const ag_call *c, ag_shape *out)
{
    const ag__windows *w = c->attr;
    const ag__layout *l = c->in[0]->layout;
    ag__shape_copy(out, l);
    out->rank = l->rank - 1;
    out->dims[l->rank - 2] = ag__volume(w->y);
    int64_t *rows = &out->dims[l->rank - 3];
    if (__builtin_mul_overflow(*rows, ag__volume(w->kernel), rows))
        return ag_fail(AG_ESHAPE, "ag_im2col: too many columns of %s", ag__text(l));
    return AG_OK;
}
static ag_status col2im_shape(const ag_call *c, ag_shape *out)
{
    const ag__windows *w = c->attr;
    const ag__layout *l = c->in[0]->layout;
    ag__shape_copy(out, l);
    out->rank = l->rank + 1;
    out->dims[l->rank - 2] /= ag__volume(w->kernel);
    out->dims[l->rank - 1] = w->x[1], out->dims[l->rank] = w->x[2];
    return AG_OK;
}

static ag_status im2col_forward(ag_call *c)
{
    return move(c, c->in[0], c->out[0], false);
}
static ag_status col2im_forward(ag_call *c)
{
    return move(c, c->out[0], c->in[0], true);
}
AG__VJP1(im2col_vjp, ag__apply(&ag__op_col2im, c->attr, g))
AG__JVP1(im2col_jvp, ag__apply(&ag__op_im2col, c->attr, t))
AG__VJP1(col2im_vjp, ag__apply(&ag__op_im2col, c->attr, g))
AG__JVP1(col2im_jvp, ag__apply(&ag__op_col2im, c->attr, t))

#define MOVE(fn)                                                  \
    const ag_op ag__op_##fn = { .name = #fn,                      \
                                .n_in = 1,                        \
                                .attr_size = sizeof(ag__windows), \
                                .shape = fn##_shape,              \
                                .forward = fn##_forward,          \
                                .vjp = fn##_vjp,                  \
                                .jvp = fn##_jvp,                  \
                                .saves = AG_SAVES_NOTHING };
MOVE(im2col)
MOVE(col2im)

/* How many windows there are; false, reported, if there are none. */
static bool counted(ag__windows *w, const char *who)
{
    for (int i = 1; i < AG__AXES; i++) {
        int64_t room = w->x[i] + 2 * w->before[i] - ag__reach(w, i);
        w->y[i] = room < 0 ? 0 : room / w->stride[i] + 1;
    }
    if (ag__volume(w->y)) return true;
    ag_fail(AG_ESHAPE, "%s: a kernel of %s does not fit %s with its padding", who, ag__dims_text(RANK, w->kernel + 1),
            ag__dims_text(RANK, w->x + 1));
    return false;
}

ag_tensor *(ag_im2col)(ag_tensor *x, int64_t kernel, const ag_pool_options *options)
{
    static const char who[] = "ag_im2col";
    ag_tape *t;
    ag_pool_options o = options ? *options : (ag_pool_options){ .stride = 0 };
    ag__windows w;
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) || !ag__pool_options_fit(&o, OPTIONS, who)) return NULL;
    const ag__layout *l = x->layout;
    if (l->rank != 3 && l->rank != 4)
        return ag_fail(AG_ESHAPE, "%s: %s is neither [c, h, w] nor [n, c, h, w]", who, ag__text(l)), NULL;
    if (!ag__windows_asked(&w, RANK, kernel, &o, false, who) || !ag__window_sizes(w.x, RANK, l, who) ||
        !counted(&w, who))
        return NULL;
    return ag__apply(&ag__op_im2col, &w, x);
}

ag_tensor *(ag_col2im)(ag_tensor *x, ag_sizes size, int64_t kernel, const ag_pool_options *options)
{
    static const char who[] = "ag_col2im";
    ag_tape *t;
    ag_pool_options o = options ? *options : (ag_pool_options){ .stride = 0 };
    ag__windows w;
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) || !ag__pool_options_fit(&o, OPTIONS, who) ||
        !ag__have_list(size.n, size.at, who))
        return NULL;
    const ag__layout *l = x->layout;
    if (size.n != RANK) return ag_fail(AG_EINVAL, "%s: %d sizes of an image; it takes 2", who, size.n), NULL;
    if (!ag__windows_asked(&w, RANK, kernel, &o, false, who) ||
        !ag__along(w.x, RANK, 0, size.at, 0, false, who, "size") || !counted(&w, who))
        return NULL;
    bool ranks = l->rank == 2 || l->rank == 3;
    if (!ranks || l->dims[l->rank - 1] != ag__volume(w.y) || l->dims[l->rank - 2] % ag__volume(w.kernel))
        return ag_fail(AG_ESHAPE, "%s: %s is neither [c %lld, %lld] nor [n, c %lld, %lld]", who, ag__text(l),
                       (long long)ag__volume(w.kernel), (long long)ag__volume(w.y), (long long)ag__volume(w.kernel),
                       (long long)ag__volume(w.y)),
               NULL;
    return ag__apply(&ag__op_col2im, &w, x);
}
