/* conv.c - convolutions and transposed convolutions. Both are one trilinear form, with windows as in window.h,
 *
 *     T(x, w, y) = sum of x[n, g c, i] w[g o, c, k] y[n, g o, p],    i = p stride - before + k dilation
 *
 * over images n, groups g and their channels c and o: convolution is its derivative by y, transposed convolution that
 * by x, and the gradient of the weight that by w. The derivatives of each are the other two, so that all orders follow.
 *
 * They are computed as products with the columns of x (window.h), a bounded number of windows at a time. */
#include <autograd/ops/product.h>
#include <autograd/ops/window.h>

/* ---- the form, one operand of which is missing and comes out ---- */

typedef enum role { X, W, Y, ROLES } role;
typedef struct form {
    ag__windows w;
    int64_t groups;
} form;

static const ag_op
    by_role[ROLES]; /* operands: the other two in order, and for X and Y a number for each channel, or NULL */
static const role others[ROLES][2] = { { W, Y }, { X, Y }, { X, W } };

static role missing(const ag_call *c)
{
    return (role)(c->op - by_role);
}
static ag_tensor *contracted(const form *f, role r, ag_tensor *const *of, ag_tensor *bias)
{
    return ag__apply(&by_role[r], f, of[others[r][0]], of[others[r][1]], bias);
}

static ag_status form_shape(const ag_call *c, ag_shape *out)
{
    const form *f = c->attr;
    role r = missing(c);
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    int rank = a->rank - 2;
    const int64_t *size = r == X ? f->w.x : r == W ? f->w.kernel : f->w.y;
    ag__shape_copy(out, a);
    out->dims[0] = r == X ? b->dims[0] : r == W ? b->dims[1] : a->dims[0];
    out->dims[1] = r == X ? a->dims[1] * f->groups : r == W ? a->dims[1] / f->groups : b->dims[0];
    for (int i = 0; i < rank; i++) out->dims[2 + i] = size[AG__AXES - rank + i];
    return AG_OK;
}

/* Sizes of one image and one group, and where its parts lie. */
typedef struct part {
    const form *f;
    ag_dtype dtype;
    int64_t item, c, o, x, k, y; /* channels, and elements of each */
    char *at[ROLES];
} part;

/* Windows from .. from+n-1; columns: room for them, or NULL where x itself is its columns. */
static ag_status contract(const part *p, role r, int64_t from, int64_t n, char *columns)
{
    int64_t rows = p->c * p->k, ldc = columns ? n : p->x;
    char *y = p->at[Y] + from * p->item, *at = columns ? columns : p->at[X] + from * p->item;
    ag__strides w = { rows, 1 }, of_y = { p->y, 1 }, of_columns = { ldc, 1 };
    ag__gemm g;
    if (columns && r != X) ag__columns(&p->f->w, p->dtype, p->c, from, from + n, p->at[X], columns, false);
    if (r == Y) {
        g = ag__plain_product(p->o, rows, n, p->at[W], w, at, of_columns, y, true);
        g.ldc = p->y;
    } else if (r == W) {
        g = ag__plain_product(p->o, n, rows, y, of_y, at, ag__turned(of_columns), p->at[W], true);
    } else {
        g = ag__plain_product(rows, p->o, n, p->at[W], ag__turned(w), y, of_y, at, !columns);
        g.ldc = ldc;
    }
    if (ag__multiply_one(p->dtype, g)) return ag_error();
    if (columns && r == X) ag__columns(&p->f->w, p->dtype, p->c, from, from + n, p->at[X], columns, true);
    return AG_OK;
}

/* The result begins as 0, or as the number of each channel. */
static void begin(const ag_call *c)
{
    const ag__layout *l = c->out[0]->layout;
    int64_t strides[AG_MAX_RANK] = { 0, 1 };
    ag__layout bias;
    if (!c->in[2])
        ag__fill(l, c->out[0]->data, 0);
    else if (ag__layout_set(&bias, l->dtype, l->rank, l->dims, strides, "ag_conv"))
        ag__copy_into(l, c->out[0]->data, &bias, c->in[2]->data, false);
}

static ag_status form_forward(ag_call *c)
{
    enum { MOST = 1 << 18, LEAST = 32 }; /* elements of the columns; windows */
    const form *f = c->attr;
    role r = missing(c);
    const ag_tensor *of[ROLES];
    of[r] = c->out[0], of[others[r][0]] = c->in[0], of[others[r][1]] = c->in[1];
    const ag__layout *l = of[X]->layout, *lw = of[W]->layout;
    part p = { f, l->dtype, (int64_t)l->item, lw->dims[1], lw->dims[0] / f->groups, ag__volume(f->w.x), 1, 1, { 0 } };
    p.k = ag__volume(f->w.kernel), p.y = ag__volume(f->w.y);
    begin(c);
    if (l->numel == 0 || lw->numel == 0 || of[Y]->layout->numel == 0) return ag_error();
    bool itself = p.k == 1 && p.x == p.y && !memcmp(f->w.before, (int64_t[AG__AXES]){ 0 }, sizeof f->w.before) &&
                  ag__volume(f->w.stride) == 1;
    int64_t rows = p.c * p.k, at_once = MOST / rows > LEAST ? MOST / rows : LEAST;
    if (itself || at_once > p.y) at_once = p.y;
    uint8_t klass;
    char *columns = NULL;
    if (!itself && !(columns = ag__pool_get(&ag__here.tape->pool, (size_t)(rows * at_once * p.item), &klass)))
        return ag_error();
    ag_status status = AG_OK;
    for (int64_t i = 0; i < l->dims[0] * f->groups && !status; i++) {
        p.at[X] = (char *)of[X]->data + i * p.c * p.x * p.item;
        p.at[Y] = (char *)of[Y]->data + i * p.o * p.y * p.item;
        p.at[W] = (char *)of[W]->data + i % f->groups * p.o * rows * p.item;
        for (int64_t from = 0; from < p.y && !status; from += at_once)
            status = contract(&p, r, from, p.y - from < at_once ? p.y - from : at_once, columns);
    }
    if (columns) ag__pool_put(&ag__here.tape->pool, columns, klass);
    return status;
}

static ag_tensor *over_channels(ag_tensor *g)
{
    int axes[AG_MAX_RANK], n = 0;
    for (int i = 0; g && i < g->layout->rank; i++)
        if (i != 1) axes[n++] = i;
    return (ag_sum)(g, n, axes);
}
static ag_status form_vjp(ag_call *c)
{
    role r = missing(c);
    ag_tensor *of[ROLES];
    of[r] = c->g[0], of[others[r][0]] = c->in[0], of[others[r][1]] = c->in[1];
    for (int i = 0; i < 2; i++)
        if (c->need[i]) c->gin[i] = contracted(c->attr, others[r][i], of, NULL);
    if (c->in[2] && c->need[2]) c->gin[2] = over_channels(c->g[0]);
    return ag_error();
}
static ag_tensor *per_channel(ag_tensor *t, ag_tensor *y)
{
    int64_t dims[AG_MAX_RANK] = { 1, y->layout->dims[1], 1, 1, 1 };
    return t ? (ag_expand)((ag_reshape)(t, y->layout->rank, dims), y->layout->rank, y->layout->dims) : NULL;
}
static ag_status form_jvp(ag_call *c)
{
    role r = missing(c);
    ag_tensor *of[ROLES] = { NULL }, *sum = c->in[2] ? per_channel(c->tangent[2], c->out[0]) : NULL;
    for (int i = 0; i < 2; i++) {
        of[others[r][0]] = c->in[0], of[others[r][1]] = c->in[1];
        of[others[r][i]] = c->tangent[i];
        if (c->tangent[i]) sum = ag__sum_of(contracted(c->attr, r, of, NULL), sum);
    }
    c->tout[0] = sum;
    return ag_error();
}

#define FORM(role, title)                 \
    [role] = { .name = title,             \
               .n_in = 3,                 \
               .attr_size = sizeof(form), \
               .shape = form_shape,       \
               .forward = form_forward,   \
               .vjp = form_vjp,           \
               .jvp = form_jvp,           \
               .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) }
static const ag_op by_role[ROLES] = { FORM(X, "convolution_input"), FORM(W, "convolution_weight"),
                                      FORM(Y, "convolution") };

/* ---- what users ask for ---- */

typedef struct request {
    int rank;
    bool transposed;
    ag_conv_options o;
} request;

static bool one_dtype(const ag_call *c, const char *who)
{
    const ag__layout *x = c->in[0]->layout;
    if (!c->in[1]) return ag_fail(AG_ENULL, "%s: the weight is NULL", who), false;
    for (int i = 1; i < 3; i++) {
        const ag__layout *l = c->in[i] ? c->in[i]->layout : x;
        if (l->dtype != x->dtype)
            return ag_fail(AG_EDTYPE, "%s: dtypes differ: %s %s and %s %s", who, ag_dtype_name(x->dtype), ag__text(x),
                           ag_dtype_name(l->dtype), ag__text(l)),
                   false;
    }
    return ag__need_float(c->in[0], who);
}

/* Do ranks and channels of x, the weight and the bias go together? */
static bool channels_fit(const ag_call *c, const char *who, int64_t groups)
{
    const request *q = c->attr;
    const ag__layout *x = c->in[0]->layout, *w = c->in[1]->layout, *b = c->in[2] ? c->in[2]->layout : NULL;
    int r = q->rank;
    bool ranks = w->rank == r + 2 && (x->rank == r + 1 || x->rank == r + 2);
    int64_t in = ranks ? x->dims[x->rank - r - 1] : 0;
    if (!ranks || w->dims[0] % groups || (q->transposed ? w->dims[0] : w->dims[1] * groups) != in)
        return ag_fail(AG_ESHAPE, "%s: x %s and weight %s do not fit: [n, in, %d sizes] and %s with %lld groups", who,
                       ag__text(x), ag__text(w), r,
                       q->transposed ? "[in, out / groups, kernel]" : "[out, in / groups, kernel]", (long long)groups),
               false;
    int64_t out = q->transposed ? w->dims[1] * groups : w->dims[0];
    if (b && (b->rank != 1 || b->dims[0] != out))
        return ag_fail(AG_ESHAPE, "%s: bias %s does not fit weight %s: [%lld]", who, ag__text(b), ag__text(w),
                       (long long)out),
               false;
    return true;
}

/* The windows of convolution, whose x is known, or of transposed convolution, whose y is. */
static bool sized(const ag_call *c, const char *who, ag__windows *w, const int64_t *extra)
{
    const request *q = c->attr;
    for (int i = AG__AXES - q->rank; i < AG__AXES; i++) {
        int64_t reach = ag__reach(w, i), pad = 2 * w->before[i];
        if (q->o.same) pad = reach - 1, w->before[i] = pad / 2;
        if (q->transposed)
            w->x[i] = w->y[i] > 0 ? (w->y[i] - 1) * w->stride[i] - pad + reach + extra[i] : 0;
        else
            w->y[i] = w->x[i] + pad < reach ? 0 : (w->x[i] + pad - reach) / w->stride[i] + 1;
        if (w->kernel[i] > 0 && w->y[i] > 0 && w->x[i] >= q->transposed) continue;
        return ag_fail(AG_ESHAPE, "%s: the kernel of weight %s does not fit axis %d of x %s with %lld of padding", who,
                       ag__text(c->in[1]->layout), c->in[0]->layout->rank - AG__AXES + i, ag__text(c->in[0]->layout),
                       (long long)pad),
               false;
    }
    return true;
}

static bool planned(const ag_call *c, form *f)
{
    const request *q = c->attr;
    const ag_conv_options *o = &q->o;
    const char *who = ag__title(c->op);
    int64_t extra[AG__AXES] = { 0 };
    ag__windows *w = &f->w;
    *w = ag__one_window();
    f->groups = o->groups ? o->groups : 1;
    if (!one_dtype(c, who)) return false;
    if (f->groups < 0) return ag_fail(AG_EINVAL, "%s: .groups %lld", who, (long long)f->groups), false;
    if (!channels_fit(c, who, f->groups) ||
        !ag__window_sizes(q->transposed ? w->y : w->x, q->rank, c->in[0]->layout, who) ||
        !ag__window_sizes(w->kernel, q->rank, c->in[1]->layout, who) ||
        !ag__along(w->stride, q->rank, o->stride, o->strides, 1, false, who, ".stride") ||
        !ag__along(w->before, q->rank, o->padding, o->paddings, 0, true, who, ".padding") ||
        !ag__along(w->dilation, q->rank, o->dilation, o->dilations, 1, false, who, ".dilation") ||
        !ag__along(extra, q->rank, o->output_padding, o->output_paddings, 0, true, who, ".output_padding"))
        return false;
    for (int i = 0; i < AG__AXES; i++) {
        if (o->same && (w->stride[i] != 1 || w->before[i]))
            return ag_fail(AG_EINVAL, "%s: .same goes neither with a .stride nor with .padding", who), false;
        if (extra[i] && extra[i] >= w->stride[i] && extra[i] >= w->dilation[i])
            return ag_fail(AG_EINVAL, "%s: .output_padding %lld is less than neither stride %lld nor dilation %lld",
                           who, (long long)extra[i], (long long)w->stride[i], (long long)w->dilation[i]),
                   false;
        if (extra[i] && !q->transposed) return ag_fail(AG_EINVAL, "%s: it has no option .output_padding", who), false;
    }
    if (o->same && q->transposed) return ag_fail(AG_EINVAL, "%s: it has no option .same", who), false;
    return sized(c, who, w, extra);
}

static ag_status conv_shape(const ag_call *c, ag_shape *out)
{
    const request *q = c->attr;
    const ag__layout *x = c->in[0]->layout;
    form f;
    if (!planned(c, &f)) return ag_error();
    ag__shape_copy(out, x);
    const int64_t *size = q->transposed ? f.w.x : f.w.y;
    int64_t *to = out->dims + x->rank - q->rank;
    to[-1] = q->transposed ? c->in[1]->layout->dims[1] * f.groups : c->in[1]->layout->dims[0];
    for (int i = 0; i < q->rank; i++) to[i] = size[AG__AXES - q->rank + i];
    return AG_OK;
}
static ag_tensor *conv_compose(const ag_call *c)
{
    const request *q = c->attr;
    bool one = c->in[0]->layout->rank == q->rank + 1; /* an image without others */
    ag_tensor *x = one ? ag_unsqueeze(c->in[0], 0) : c->in[0], *of[ROLES] = { x, c->in[1], x };
    form f;
    if (!planned(c, &f)) return NULL;
    ag_tensor *y = contracted(&f, q->transposed ? X : Y, of, c->in[2]);
    return one && y ? ag_squeeze(y, 0) : y;
}

#define CONV(fn, rank, transposed)                                                                            \
    const ag_op ag__op_##fn = {                                                                               \
        .name = #fn, .n_in = 3, .attr_size = sizeof(request), .shape = conv_shape, .compose = conv_compose    \
    };                                                                                                        \
    ag_tensor *(ag_##fn)(ag_tensor * x, ag_tensor * weight, ag_tensor * bias, const ag_conv_options *options) \
    {                                                                                                         \
        request q = { rank, transposed, options ? *options : (ag_conv_options){ .stride = 0 } };              \
        return ag__apply(&ag__op_##fn, &q, x, weight, bias);                                                  \
    }
CONV(conv1d, 1, false)
CONV(conv2d, 2, false)
CONV(conv3d, 3, false)
CONV(conv_transpose1d, 1, true)
CONV(conv_transpose2d, 2, true)
CONV(conv_transpose3d, 3, true)
