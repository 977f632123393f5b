/* matrix_products.c - products of vectors, matrices and tensors made of matmul, mul and sum. matmul itself is in
 * matmul.c, einsum and tensordot are in einsum.c. */
#include <autograd/ops/linalg.h>
#include <math.h>

/* ---- what the shape rules share ---- */

static bool one_dtype(const ag_call *c, int n)
{
    const char *who = ag__title(c->op);
    for (int i = 0; i < n; i++) {
        if (!c->in[i]) return ag_fail(AG_ENULL, "%s: operand %d is NULL", who, i + 1), false;
        const ag__layout *l = c->in[i]->layout, *first = c->in[0]->layout;
        if (!ag__is_float(l->dtype) || l->dtype != first->dtype)
            return ag_fail(AG_EDTYPE, "%s: all must be f32 or all f64: operand %d is %s %s", who, i + 1,
                           ag_dtype_name(l->dtype), ag__text(l)),
                   false;
    }
    return true;
}
static void set_shape(ag_shape *out, ag_dtype dtype, int rank, const int64_t *dims)
{
    out->dtype = dtype, out->rank = rank;
    for (int i = 0; i < rank; i++) out->dims[i] = dims[i];
}
/* operand i has the rank, or that is reported. */
static bool of_rank(const ag_call *c, int i, int rank)
{
    const ag__layout *l = c->in[i]->layout;
    if (l->rank == rank) return true;
    ag_fail(AG_ESHAPE, "%s: operand %d is %s, which has not %d ax%s", ag__title(c->op), i + 1, ag__text(l), rank,
            rank == 1 ? "is" : "es");
    return false;
}
static bool dont_fit(const ag_call *c, int i, int j)
{
    ag_fail(AG_ESHAPE, "%s: %s and %s do not fit", ag__title(c->op), ag__text(c->in[i]->layout),
            ag__text(c->in[j]->layout));
    return false;
}

/* ---- products of two, of one shape each: mm, bmm, mv, dot, outer ---- */

/* The shape of the product of operands i and i + 1, of ranks a and b: [.., m, k] [.., k, n], or [m] [n] when outer. */
static bool product_shape(const ag_call *c, int i, int a, int b, bool outer, ag_shape *out)
{
    if (!of_rank(c, i, a) || !of_rank(c, i + 1, b)) return false;
    const int64_t *x = c->in[i]->layout->dims, *y = c->in[i + 1]->layout->dims;
    ag_dtype dtype = c->in[i]->layout->dtype;
    if (outer) return set_shape(out, dtype, 2, (int64_t[]){ x[0], y[0] }), true;
    if (a == 3 && x[0] != y[0]) return dont_fit(c, i, i + 1);
    if (x[a - 1] != y[b == 3]) return dont_fit(c, i, i + 1);
    int64_t dims[3] = { x[0], a == 3 ? x[1] : y[b - 1], y[b - 1] };
    return set_shape(out, dtype, a + b - 2 - 2 * (a == 3) + (a == 3), dims), true;
}
#define PRODUCT(NAME, A, B, OUTER, EXPR)                                                                        \
    static ag_status NAME##_shape(const ag_call *c, ag_shape *out)                                              \
    {                                                                                                           \
        return one_dtype(c, 2) && product_shape(c, 0, A, B, OUTER, out) ? AG_OK : ag_error();                   \
    }                                                                                                           \
    static ag_tensor *NAME##_compose(const ag_call *c)                                                          \
    {                                                                                                           \
        ag_tensor *a = c->in[0], *b = c->in[1];                                                                 \
        return EXPR;                                                                                            \
    }                                                                                                           \
    const ag_op ag__op_##NAME = { .name = #NAME, .n_in = 2, .shape = NAME##_shape, .compose = NAME##_compose }; \
    ag_tensor *ag_##NAME(ag_tensor *a, ag_tensor *b)                                                            \
    {                                                                                                           \
        return ag__apply(&ag__op_##NAME, NULL, a, b);                                                           \
    }
PRODUCT(mm, 2, 2, false, ag_matmul(a, b))
PRODUCT(bmm, 3, 3, false, ag_matmul(a, b))
PRODUCT(mv, 2, 1, false, ag_matmul(a, b))
PRODUCT(dot, 1, 1, false, ag_matmul(a, b))
PRODUCT(outer, 1, 1, true, ag_mul(ag_unsqueeze(a, 1), b))

/* ---- a product added to something: beta x + alpha a b ---- */

typedef struct weights {
    double beta, alpha;
} weights;

static double factor(double given)
{
    return given == 0 ? 1 : fabs(given) <= AG_ZERO ? 0 : given;
}
static ag_tensor *scaled(ag_tensor *x, double k)
{
    return k == 1 ? x : ag_mul(x, k);
}
/* With beta 0 x counts for nothing, not even its NaNs. */
static ag_tensor *add_product(const ag_call *c, const ag_shape *shape, ag_tensor *product)
{
    const weights *w = c->attr;
    ag_tensor *y = scaled(product, w->alpha), *x = (ag_expand)(c->in[0], shape->rank, shape->dims);
    return w->beta == 0 ? y : ag_add(scaled(x, w->beta), y);
}
static bool broadcasts_to(const ag_call *c, const ag_shape *out)
{
    const ag__layout *x = c->in[0]->layout;
    bool fits = x->rank <= out->rank;
    for (int k = 1; fits && k <= x->rank; k++)
        fits = x->dims[x->rank - k] == 1 || x->dims[x->rank - k] == out->dims[out->rank - k];
    if (!fits)
        ag_fail(AG_ESHAPE, "%s: %s does not broadcast to the product's %s", ag__title(c->op), ag__text(x),
                ag__dims_text(out->rank, out->dims));
    return fits;
}
#define ADD_PRODUCT(NAME, A, B, OUTER, SUMMED, EXPR)                                                             \
    static ag_status NAME##_shape(const ag_call *c, ag_shape *out)                                               \
    {                                                                                                            \
        if (!one_dtype(c, 3) || !product_shape(c, 1, A, B, OUTER, out)) return ag_error();                       \
        if (SUMMED) set_shape(out, out->dtype, 2, (int64_t[]){ out->dims[1], out->dims[2] });                    \
        return broadcasts_to(c, out) ? AG_OK : ag_error();                                                       \
    }                                                                                                            \
    static ag_tensor *NAME##_compose(const ag_call *c)                                                           \
    {                                                                                                            \
        ag_tensor *a = c->in[1], *b = c->in[2];                                                                  \
        ag_shape out;                                                                                            \
        return NAME##_shape(c, &out) ? NULL : add_product(c, &out, EXPR);                                        \
    }                                                                                                            \
    const ag_op ag__op_##NAME = {                                                                                \
        .name = #NAME, .n_in = 3, .attr_size = sizeof(weights), .shape = NAME##_shape, .compose = NAME##_compose \
    };                                                                                                           \
    ag_tensor *(ag_##NAME)(ag_tensor * x, ag_tensor * a, ag_tensor * b, const ag_addmm_options *options)         \
    {                                                                                                            \
        weights w = { factor(options ? options->beta : 0), factor(options ? options->alpha : 0) };               \
        return ag__apply(&ag__op_##NAME, &w, x, a, b);                                                           \
    }
ADD_PRODUCT(addmm, 2, 2, false, false, ag_matmul(a, b))
ADD_PRODUCT(addmv, 2, 1, false, false, ag_matmul(a, b))
ADD_PRODUCT(addr, 1, 1, true, false, ag_mul(ag_unsqueeze(a, 1), b))
ADD_PRODUCT(baddbmm, 3, 3, false, false, ag_matmul(a, b))
ADD_PRODUCT(addbmm, 3, 3, false, true, ag_sum(ag_matmul(a, b), 0))

/* ---- inner and vecdot: sums of products along an axis ---- */

static ag_status inner_shape(const ag_call *c, ag_shape *out)
{
    if (!one_dtype(c, 2)) return ag_error();
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    if (a->rank == 0 || b->rank == 0) return ag_shape_broadcast(c, out);
    if (a->dims[a->rank - 1] != b->dims[b->rank - 1]) return dont_fit(c, 0, 1), ag_error();
    if (a->rank + b->rank - 2 > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "ag_inner: %s and %s have too many axes", ag__text(a), ag__text(b));
    set_shape(out, a->dtype, a->rank - 1, a->dims);
    for (int i = 0; i < b->rank - 1; i++) out->dims[out->rank++] = b->dims[i];
    return AG_OK;
}
static ag_tensor *inner_compose(const ag_call *c)
{
    ag_tensor *a = c->in[0], *b = c->in[1];
    if (ag_rank(a) == 0 || ag_rank(b) == 0) return ag_mul(a, b);
    return ag_tensordot(a, b, 1, (int[]){ -1 }, (int[]){ -1 });
}
const ag_op ag__op_inner = { .name = "inner", .n_in = 2, .shape = inner_shape, .compose = inner_compose };
ag_tensor *ag_inner(ag_tensor *a, ag_tensor *b)
{
    return ag__apply(&ag__op_inner, NULL, a, b);
}

static ag_status vecdot_shape(const ag_call *c, ag_shape *out)
{
    if (!one_dtype(c, 2) || ag_shape_broadcast(c, out)) return ag_error();
    ag__layout l;
    if (!ag__layout_set(&l, out->dtype, out->rank, out->dims, NULL, "ag_vecdot")) return ag_error();
    if (l.rank == 0) return ag_fail(AG_ESHAPE, "ag_vecdot: [] and [] hold no vectors");
    int axis = ag__axis(*(const int *)c->attr, &l, "ag_vecdot");
    if (axis < 0) return ag_error();
    ag__shape_drop(out, &l, axis);
    return AG_OK;
}
static ag_tensor *vecdot_compose(const ag_call *c)
{
    return ag_sum(ag_mul(c->in[0], c->in[1]), *(const int *)c->attr);
}
const ag_op ag__op_vecdot = {
    .name = "vecdot", .n_in = 2, .attr_size = sizeof(int), .shape = vecdot_shape, .compose = vecdot_compose
};
ag_tensor *ag_vecdot(ag_tensor *a, ag_tensor *b, int axis)
{
    return ag__apply(&ag__op_vecdot, &axis, a, b);
}

/* ---- cross: of vectors of three along an axis ---- */

static ag_status cross_shape(const ag_call *c, ag_shape *out)
{
    if (!one_dtype(c, 2) || ag_shape_broadcast(c, out)) return ag_error();
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    if (a->rank != b->rank || a->rank == 0) return dont_fit(c, 0, 1), ag_error();
    int axis = ag__axis(*(const int *)c->attr, a, "ag_cross");
    if (axis < 0) return ag_error();
    if (a->dims[axis] != 3 || b->dims[axis] != 3)
        return ag_fail(AG_ESHAPE, "ag_cross: axis %d of %s and %s does not hold vectors of 3", axis, ag__text(a),
                       ag__text(b));
    return AG_OK;
}
/* The vectors' elements 1, 2, 0, or 2, 0, 1. */
static ag_tensor *rolled(ag_tensor *x, int axis, int by)
{
    return ag_cat(AG_LIST(ag_slice(x, axis, by, 3), ag_slice(x, axis, 0, by)), axis);
}
static ag_tensor *cross_compose(const ag_call *c)
{
    int axis = *(const int *)c->attr;
    ag_tensor *a = c->in[0], *b = c->in[1];
    return ag_sub(ag_mul(rolled(a, axis, 1), rolled(b, axis, 2)), ag_mul(rolled(a, axis, 2), rolled(b, axis, 1)));
}
const ag_op ag__op_cross = {
    .name = "cross", .n_in = 2, .attr_size = sizeof(int), .shape = cross_shape, .compose = cross_compose
};
ag_tensor *ag_cross(ag_tensor *a, ag_tensor *b, int axis)
{
    return ag__apply(&ag__op_cross, &axis, a, b);
}

/* ---- kron ---- */

enum { KRON_RANK = AG_MAX_RANK / 2 };

/* Sizes of x with leading 1s, as many as rank. */
static void padded(const ag__layout *l, int rank, int64_t *dims)
{
    for (int i = 0; i < rank; i++) dims[i] = i < rank - l->rank ? 1 : l->dims[i - (rank - l->rank)];
}
static int kron_sizes(const ag_call *c, int64_t *a, int64_t *b)
{
    const ag__layout *x = c->in[0]->layout, *y = c->in[1]->layout;
    int rank = x->rank > y->rank ? x->rank : y->rank;
    padded(x, rank, a), padded(y, rank, b);
    return rank;
}
static ag_status kron_shape(const ag_call *c, ag_shape *out)
{
    int64_t a[AG_MAX_RANK], b[AG_MAX_RANK];
    if (!one_dtype(c, 2)) return ag_error();
    int rank = kron_sizes(c, a, b);
    if (rank > KRON_RANK)
        return ag_fail(AG_ESHAPE, "ag_kron: %s and %s have more than %d axes", ag__text(c->in[0]->layout),
                       ag__text(c->in[1]->layout), KRON_RANK);
    set_shape(out, c->in[0]->layout->dtype, rank, a);
    for (int i = 0; i < rank; i++)
        if (__builtin_mul_overflow(a[i], b[i], &out->dims[i]))
            return ag_fail(AG_ESHAPE, "ag_kron: %s and %s make more than can be counted", ag__text(c->in[0]->layout),
                           ag__text(c->in[1]->layout));
    return AG_OK;
}
/* [a1, 1, a2, 1, ..] times [1, b1, 1, b2, ..], neighbours made one. */
static ag_tensor *kron_compose(const ag_call *c)
{
    int64_t a[AG_MAX_RANK], b[AG_MAX_RANK], wide_a[AG_MAX_RANK], wide_b[AG_MAX_RANK], all[AG_MAX_RANK];
    int rank = kron_sizes(c, a, b);
    for (int i = 0; i < rank; i++) {
        wide_a[2 * i] = a[i], wide_a[2 * i + 1] = 1;
        wide_b[2 * i] = 1, wide_b[2 * i + 1] = b[i];
        all[i] = a[i] * b[i];
    }
    ag_tensor *x = (ag_reshape)(c->in[0], 2 * rank, wide_a), *y = (ag_reshape)(c->in[1], 2 * rank, wide_b);
    return (ag_reshape)(ag_mul(x, y), rank, all);
}
const ag_op ag__op_kron = { .name = "kron", .n_in = 2, .shape = kron_shape, .compose = kron_compose };
ag_tensor *ag_kron(ag_tensor *a, ag_tensor *b)
{
    return ag__apply(&ag__op_kron, NULL, a, b);
}

/* ---- trace ---- */

static ag_status trace_shape(const ag_call *c, ag_shape *out)
{
    if (!one_dtype(c, 1) || !of_rank(c, 0, 2)) return ag_error();
    set_shape(out, c->in[0]->layout->dtype, 0, NULL);
    return AG_OK;
}
static ag_tensor *trace_compose(const ag_call *c)
{
    return ag_sum(ag__band(c->in[0], 0, 1, 0));
}
const ag_op ag__op_trace = { .name = "trace", .n_in = 1, .shape = trace_shape, .compose = trace_compose };
ag_tensor *ag_trace(ag_tensor *x)
{
    return ag__apply(&ag__op_trace, NULL, x);
}

/* ---- bilinear: y[.., o] = sum of a[.., i] weight[o, i, j] b[.., j] + bias[o] ---- */

static ag_status bilinear_shape(const ag_call *c, ag_shape *out)
{
    if (!one_dtype(c, 3) || !of_rank(c, 2, 3)) return ag_error();
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout, *w = c->in[2]->layout;
    const ag__layout *bias = c->in[3] ? c->in[3]->layout : NULL;
    bool fits = a->rank == b->rank && a->rank > 0;
    for (int i = 0; fits && i < a->rank - 1; i++) fits = a->dims[i] == b->dims[i];
    if (!fits) return dont_fit(c, 0, 1), ag_error();
    if (a->dims[a->rank - 1] != w->dims[1]) return dont_fit(c, 0, 2), ag_error();
    if (b->dims[b->rank - 1] != w->dims[2]) return dont_fit(c, 1, 2), ag_error();
    if (bias && (bias->dtype != w->dtype || bias->rank != 1 || bias->dims[0] != w->dims[0]))
        return ag_fail(AG_ESHAPE, "ag_bilinear: bias %s %s does not fit weight %s %s; it must be [out]",
                       ag_dtype_name(bias->dtype), ag__text(bias), ag_dtype_name(w->dtype), ag__text(w));
    ag__shape_copy(out, a);
    out->dims[out->rank - 1] = w->dims[0];
    return AG_OK;
}
static ag_tensor *bilinear_compose(const ag_call *c)
{
    ag_tensor *a = c->in[0], *b = c->in[1], *w = c->in[2];
    ag_shape out;
    if (bilinear_shape(c, &out)) return NULL;
    int64_t rows = 1, n_a = w->layout->dims[1], n_b = w->layout->dims[2], n_out = w->layout->dims[0];
    for (int i = 0; i < out.rank - 1; i++) rows *= out.dims[i];
    ag_tensor *by_a = ag_matmul(ag_reshape(a, rows, n_a), ag_reshape(ag_permute(w, 1, 0, 2), n_a, n_out * n_b));
    ag_tensor *y = ag_matmul(ag_reshape(by_a, rows, n_out, n_b), ag_reshape(b, rows, n_b, 1));
    y = (ag_reshape)(y, out.rank, out.dims);
    return c->in[3] ? ag_add(y, c->in[3]) : y;
}
const ag_op ag__op_bilinear = { .name = "bilinear", .n_in = 4, .shape = bilinear_shape, .compose = bilinear_compose };
ag_tensor *ag_bilinear(ag_tensor *a, ag_tensor *b, ag_tensor *weight, ag_tensor *bias)
{
    return ag__apply(&ag__op_bilinear, NULL, a, b, weight, bias);
}
