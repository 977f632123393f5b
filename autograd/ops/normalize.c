/* normalize.c - vectors divided by a size: their own norm, both norms of a pair, that of neighbouring channels. */
#include <autograd/ops/family.h>
#include <math.h>

/* ---- normalize ---- */

typedef struct lengths {
    double p, eps;
    uint32_t mask; /* bit i: along axis i */
} lengths;

static ag_tensor *length_of(ag_tensor *x, double p, uint32_t mask)
{
    int axes[AG_MAX_RANK], n = 0;
    for (int i = 0; x && i < x->layout->rank; i++)
        if (mask >> i & 1) axes[n++] = i;
    return ag_vector_norm(x, p, .axes = { axes, n }, .keep = true);
}
static ag_status normalize_shape(const ag_call *c, ag_shape *out)
{
    const lengths *o = c->attr;
    if (isnan(o->p) || isnan(o->eps))
        return ag_fail(AG_EINVAL, "ag_normalize: .p %g, .eps %g of %s", o->p, o->eps, ag__text(c->in[0]->layout));
    return ag_shape_same(c, out);
}
static ag_tensor *normalize_compose(const ag_call *c)
{
    const lengths *o = c->attr;
    ag_tensor *x = c->in[0];
    if (x->layout->numel == 0) return ag_clone(x);
    return ag_div(x, ag_clamp(length_of(x, o->p, o->mask), o->eps, INFINITY));
}
const ag_op ag__op_normalize = {
    .name = "normalize", .n_in = 1, .attr_size = sizeof(lengths), .shape = normalize_shape, .compose = normalize_compose
};
ag_tensor *(ag_normalize)(ag_tensor *x, const ag_normalize_options *options)
{
    ag_tape *t;
    ag_normalize_options o = options ? *options : (ag_normalize_options){ .eps = 0 };
    const char *who = "ag_normalize";
    lengths a = { ag__or(o.p, 2), ag__or(o.eps, 1e-12), 0 };
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) || !ag__have_list(o.axes.n, o.axes.at, who)) return NULL;
    int axis = o.axes.n ? o.axes.at[0] : 1;
    if (o.axes.n > 1) {
        if (!ag__axes(o.axes.n, o.axes.at, x->layout, who, &a.mask)) return NULL;
    } else if ((axis = ag__axis_or_0(axis, x->layout, who)) < 0) {
        return NULL;
    }
    if (o.axes.n <= 1) a.mask = 1U << axis;
    return ag__apply(&ag__op_normalize, &a, x);
}

/* ---- cosine_similarity ---- */

typedef struct cosine {
    int axis;
    double eps;
} cosine;

static ag_status cosine_similarity_shape(const ag_call *c, ag_shape *out)
{
    const cosine *o = c->attr;
    ag_shape both = { 0 };
    if (ag_shape_broadcast(c, &both)) return ag_error();
    ag__layout l;
    if (!ag__layout_set(&l, both.dtype, both.rank, both.dims, NULL, "ag_cosine_similarity")) return ag_error();
    int axis = ag__axis_or_0(o->axis, &l, "ag_cosine_similarity");
    if (axis < 0) return ag_error();
    ag__shape_drop(out, &l, axis);
    return AG_OK;
}
/* x divided by its norm, or by eps where that is larger: as if the norm were not limited for the slope, as in PyTorch.
 */
static ag_tensor *unit(ag_tensor *x, int axis, double eps)
{
    ag_tensor *n = length_of(x, 2, 1U << axis);
    ag_tensor *missing = ag_detach(ag_sub(ag_clamp(n, eps, INFINITY), n));
    return ag_div(x, ag_add(n, missing));
}
static ag_tensor *cosine_similarity_compose(const ag_call *c)
{
    const cosine *o = c->attr;
    int64_t dims[AG_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < 2; i++) ag__broadcast(&rank, dims, c->in[i]->layout);
    int axis = o->axis < 0 && rank ? o->axis + rank : o->axis;
    ag_tensor *a = (ag_expand)(c->in[0], rank, dims), *b = (ag_expand)(c->in[1], rank, dims);
    ag_tensor *product = ag_mul(unit(a, axis, o->eps), unit(b, axis, o->eps));
    return rank ? ag_sum(product, axis) : product;
}
const ag_op ag__op_cosine_similarity = { .name = "cosine_similarity",
                                         .n_in = 2,
                                         .attr_size = sizeof(cosine),
                                         .shape = cosine_similarity_shape,
                                         .compose = cosine_similarity_compose };
ag_tensor *(ag_cosine_similarity)(ag_tensor *a, ag_tensor *b, int axis, const ag_cosine_options *o)
{
    ag_tape *t;
    const char *who = "ag_cosine_similarity";
    if (!ag__begin(&t, &a, who) || !ag__need_float(a, who) || !(b = ag__operand(t, b, who, 2))) return NULL;
    return ag__apply(&ag__op_cosine_similarity, (&(const cosine){ axis, ag__or(o ? o->eps : 0, 1e-8) }), a, b);
}

/* ---- local_response_norm ---- */

typedef struct response {
    int64_t size;
    double alpha, beta, k;
} response;

static ag_status local_response_norm_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = c->in[0]->layout;
    const response *o = c->attr;
    if (l->rank < 3)
        return ag_fail(AG_ESHAPE, "ag_local_response_norm: %s is not [n, channels, ...] with 3 axes or more",
                       ag__text(l));
    if (o->size < 1)
        return ag_fail(AG_EINVAL, "ag_local_response_norm: %lld neighbouring channels of %s", (long long)o->size,
                       ag__text(l));
    return ag_shape_same(c, out);
}
static ag_tensor *local_response_norm_compose(const ag_call *c)
{
    const response *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    if (l->numel == 0) return ag_clone(c->in[0]);
    int64_t before = o->size / 2, after = (o->size - 1) / 2;
    ag_tensor *x = ag_reshape(c->in[0], l->dims[0], l->dims[1], -1);
    ag_tensor *squares = ag_pad(ag_square(x), AG_SIZES(0, 0, before, after));
    ag_tensor *mean = ag_mean(ag_unfold(squares, 1, o->size, 1), -1);
    ag_tensor *y = ag_div(x, ag_pow(ag_add(ag_mul(mean, o->alpha), o->k), o->beta));
    return (ag_reshape)(y, l->rank, l->dims);
}
const ag_op ag__op_local_response_norm = { .name = "local_response_norm",
                                           .n_in = 1,
                                           .attr_size = sizeof(response),
                                           .shape = local_response_norm_shape,
                                           .compose = local_response_norm_compose };
ag_tensor *(ag_local_response_norm)(ag_tensor *x, int64_t size, const ag_response_options *options)
{
    ag_tape *t;
    ag_response_options o = options ? *options : (ag_response_options){ .alpha = 0 };
    if (!ag__begin(&t, &x, "ag_local_response_norm") || !ag__need_float(x, "ag_local_response_norm")) return NULL;
    response a = { size, ag__or(o.alpha, 1e-4), ag__or(o.beta, 0.75), ag__or(o.k, 1) };
    return ag__apply(&ag__op_local_response_norm, &a, x);
}
