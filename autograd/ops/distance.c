/* distance.c - norms of vectors and of matrices, and distances; statistics that are products: cov and corrcoef. */
#include <autograd/ops/linalg.h>
#include <math.h>

/* ---- vector_norm, y = (sum |x|^p)^(1/p): dx = g sign(x) (|x| / y)^(p - 1); y = 0: dx = 0 ---- */

typedef struct norm {
    double p;
    uint32_t mask; /* bit i: axis i goes */
    bool keep;
} norm;

static void kept_dims(const ag_call *c, int64_t *dims)
{
    const ag__layout *l = c->in[0]->layout;
    for (int i = 0; i < l->rank; i++) dims[i] = ((const norm *)c->attr)->mask >> i & 1 ? 1 : l->dims[i];
}
static int axes_of(const ag_call *c, int *axes)
{
    int n = 0;
    for (int i = 0; i < c->in[0]->layout->rank; i++)
        if (((const norm *)c->attr)->mask >> i & 1) axes[n++] = i;
    return n;
}
typedef ag_tensor *reduction(ag_tensor *x, int n, const int *axes);
/* Reduced, the axes kept; over no axes at all x itself. */
static ag_tensor *over(const ag_call *c, reduction *f, ag_tensor *x)
{
    int axes[AG_MAX_RANK], n = axes_of(c, axes);
    return n ? f(x, n, axes) : x;
}
static ag_tensor *with_axes(const ag_call *c, ag_tensor *y)
{
    int64_t dims[AG_MAX_RANK];
    kept_dims(c, dims);
    return (ag_reshape)(y, c->in[0]->layout->rank, dims);
}

static ag_status norm_shape(const ag_call *c, ag_shape *out)
{
    const norm *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    int64_t n = 1;
    if (isnan(o->p)) return ag_fail(AG_EINVAL, "ag_vector_norm: p is NaN, for %s", ag__text(l));
    for (int i = 0; i < l->rank; i++) n *= o->mask >> i & 1 ? l->dims[i] : 1;
    if (n == 0 && (o->p < 0 || o->p == INFINITY))
        return ag_fail(AG_ESHAPE, "ag_vector_norm: of nothing, in %s, there is no norm with p = %g", ag__text(l), o->p);
    out->dtype = l->dtype, out->rank = 0;
    for (int i = 0; i < l->rank; i++)
        if (!(o->mask >> i & 1) || o->keep) out->dims[out->rank++] = o->mask >> i & 1 ? 1 : l->dims[i];
    return AG_OK;
}

static ag_tensor *power_sum(const ag_call *c, ag_tensor *size)
{
    double p = ((const norm *)c->attr)->p;
    if (p == 2) return ag_sqrt(over(c, ag_sum_keep, ag_square(size)));
    return ag_pow(over(c, ag_sum_keep, ag_pow(size, p)), 1 / p);
}
/* Are all sizes such that their powers neither overflow nor vanish? */
static bool is_moderate(const ag_call *c, ag_tensor *largest)
{
    double p = fmax(fabs(((const norm *)c->attr)->p), 1), most = largest->layout->dtype == AG_F64 ? 280 : 30;
    for (int64_t i = 0; i < largest->layout->numel; i++) {
        double size = ag__number_at(largest->layout->dtype, largest->data, i);
        if (size != 0 && isfinite(size) && fabs(log10(size)) * p > most) return false;
    }
    return true;
}
static ag_tensor *norm_value(const ag_call *c)
{
    double p = ((const norm *)c->attr)->p;
    ag_tensor *x = c->in[0], *size = ag_abs(x);
    if (p == 0) return over(c, ag_sum_keep, ag_to(ag_ne(x, 0.0), x->layout->dtype));
    if (p == 1) return over(c, ag_sum_keep, size);
    if (p == INFINITY) return over(c, ag_max_keep, size);
    if (p == -INFINITY) return over(c, ag_min_keep, size);
    if (x->layout->numel == 0) return power_sum(c, size);
    ag_tensor *largest = ag_contiguous(over(c, p > 0 ? ag_max_keep : ag_min_keep, size));
    if (!largest || is_moderate(c, largest)) return power_sum(c, size);
    ag_tensor *odd = ag_eq(ag_mul(largest, 0.0), 0.0), *unit = ag_where(odd, largest, ag_num(1)); /* finite */
    unit = ag_where(ag_eq(unit, 0.0), ag_num(1), unit);
    return ag_mul(unit, power_sum(c, ag_div(size, unit)));
}
static ag_status norm_forward(ag_call *c)
{
    ag_tensor *y = norm_value(c);
    if (!y) return ag_error();
    return ag_assign(c->out[0], (ag_reshape)(y, c->out[0]->layout->rank, c->out[0]->layout->dims));
}

/* dy/dx, with the result's axes kept. What is 0 / 0 becomes 0; for p > 2, where the derivative of that is 0 as well,
 * with a safe divisor, so that it stays so. */
static ag_tensor *norm_slope(const ag_call *c)
{
    double p = ((const norm *)c->attr)->p;
    ag_tensor *x = c->in[0], *y = with_axes(c, c->out[0]);
    if (!y) return NULL;
    if (p == 0) return ag_mul(ag_sign(x), 0.0);
    if (p == 1) return ag_sign(x);
    if (isinf(p)) {
        ag_tensor *hit = ag_to(ag_eq(ag_abs(x), y), x->layout->dtype);
        return ag_mul(ag_sign(x), ag_div(hit, over(c, ag_sum_keep, hit)));
    }
    ag_tensor *none = ag_eq(y, 0.0);
    if (p > 1 && p != 2) y = ag_where(none, ag_num(1), y);
    /* A factor of 1; infinite at y = 0, so that the second derivative, which is none there, is NaN as in PyTorch. */
    ag_tensor *one = ag_reciprocal(ag_to(ag_ne(y, 0.0), x->layout->dtype));
    if (p == 2) return ag_where(none, ag_num(0), ag_mul(ag_div(x, y), one));
    ag_tensor *slope = ag_pow(ag_mul(ag_div(ag_abs(x), y), one), p - 1);
    return ag_mul(ag_sign(x), p < 1 ? ag_where(ag_eq(x, 0.0), ag_num(0), slope) : slope);
}
AG__VJP1(norm_vjp, ag_mul(with_axes(c, g), norm_slope(c)))
static ag_status norm_jvp(ag_call *c)
{
    if (!c->tangent[0]) return AG_OK;
    ag_tensor *t = over(c, ag_sum_keep, ag_mul(c->tangent[0], norm_slope(c)));
    c->tout[0] = (ag_reshape)(t, c->out[0]->layout->rank, c->out[0]->layout->dims);
    return ag_error();
}
const ag_op ag__op_vector_norm = { .name = "vector_norm",
                                   .n_in = 1,
                                   .attr_size = sizeof(norm),
                                   .shape = norm_shape,
                                   .forward = norm_forward,
                                   .vjp = norm_vjp,
                                   .jvp = norm_jvp,
                                   .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

static bool take_axes(const ag_axes_options *o, const ag__layout *l, const char *who, uint32_t *mask)
{
    ag_axes a = o ? o->axes : (ag_axes){ NULL, 0 };
    bool number = l->rank == 0 && a.n == 1 && a.at && (a.at[0] == 0 || a.at[0] == -1); /* as PyTorch has it */
    return number ? (*mask = 0, true) : ag__axes(a.n, a.at, l, who, mask);
}
ag_tensor *(ag_vector_norm)(ag_tensor *x, double p, const ag_axes_options *options)
{
    ag_tape *t;
    norm o = { p, 0, options && options->keep };
    if (!ag__begin(&t, &x, "ag_vector_norm") || !ag__need_float(x, "ag_vector_norm")) return NULL;
    if (!take_axes(options, x->layout, "ag_vector_norm", &o.mask)) return NULL;
    return ag__apply(&ag__op_vector_norm, &o, x);
}

/* ---- norm: the Euclidean one over any axes ---- */

static ag_tensor *norm_compose(const ag_call *c)
{
    return ag__apply(&ag__op_vector_norm, c->attr, c->in[0]);
}
const ag_op ag__op_norm = {
    .name = "norm", .n_in = 1, .attr_size = sizeof(norm), .shape = norm_shape, .compose = norm_compose
};
static ag_tensor *euclidean(const char *who, ag_tensor *x, int n, const int *axes, bool keep)
{
    ag_tape *t;
    norm o = { 2, 0, keep };
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) || !ag__axes(n, axes, x->layout, who, &o.mask)) return NULL;
    return ag__apply(&ag__op_norm, &o, x);
}
ag_tensor *(ag_norm)(ag_tensor *x, int n, const int *axes)
{
    return euclidean("ag_norm", x, n, axes, false);
}
ag_tensor *(ag_norm_keep)(ag_tensor *x, int n, const int *axes)
{
    return euclidean("ag_norm_keep", x, n, axes, true);
}

/* ---- norms of matrices ---- */

typedef struct matrix_norm {
    double p;
    int row, column;
    bool keep;
} matrix_norm;

static ag_status matrix_norm_shape(const ag_call *c, ag_shape *out)
{
    const matrix_norm *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    double p = fabs(o->p);
    if (c->op == &ag__op_matrix_norm && p != 1 && p != 2 && p != INFINITY)
        return ag_fail(AG_EINVAL, "ag_matrix_norm: p %g, for %s, is none of 1, 2, inf and their negatives", o->p,
                       ag__text(l));
    bool empty = l->dims[o->row] == 0 || l->dims[o->column] == 0;
    if (c->op == &ag__op_matrix_norm && empty)
        return ag_fail(AG_ESHAPE, "ag_matrix_norm: a matrix of %s holds nothing", ag__text(l));
    out->dtype = l->dtype, out->rank = 0;
    for (int i = 0; i < l->rank; i++) {
        bool goes = i == o->row || i == o->column;
        if (!goes || o->keep) out->dims[out->rank++] = goes ? 1 : l->dims[i];
    }
    return AG_OK;
}
/* Without the axes of the matrix; those of size 1 put back if they are kept. */
static ag_tensor *put_back(const matrix_norm *o, ag_tensor *y)
{
    int first = o->row < o->column ? o->row : o->column, second = o->row + o->column - first;
    return o->keep ? ag_unsqueeze(ag_unsqueeze(y, first), second) : y;
}
static ag_tensor *singular_values(const ag_call *c)
{
    const matrix_norm *o = c->attr;
    int64_t order[AG_MAX_RANK];
    int n = 0, rank = c->in[0]->layout->rank;
    for (int i = 0; i < rank; i++)
        if (i != o->row && i != o->column) order[n++] = i;
    order[n] = o->row, order[n + 1] = o->column;
    return ag_svdvals((ag_permute)(c->in[0], rank, order));
}
static ag_tensor *matrix_norm_compose(const ag_call *c)
{
    const matrix_norm *o = c->attr;
    reduction *extreme = o->p > 0 ? ag_max : ag_min;
    if (fabs(o->p) == 2) return put_back(o, extreme(singular_values(c), 1, (int[]){ -1 }));
    bool by_rows = isinf(o->p);
    int go = by_rows ? o->column : o->row, stay = by_rows ? o->row : o->column;
    ag_tensor *sums = ag_sum(ag_abs(c->in[0]), go);
    return put_back(o, extreme(sums, 1, (int[]){ stay - (go < stay) }));
}
const ag_op ag__op_matrix_norm = { .name = "matrix_norm",
                                   .n_in = 1,
                                   .attr_size = sizeof(matrix_norm),
                                   .shape = matrix_norm_shape,
                                   .compose = matrix_norm_compose };

static ag_tensor *nuclear_compose(const ag_call *c)
{
    return put_back(c->attr, ag_sum(singular_values(c), -1));
}
const ag_op ag__op_nuclear_norm = { .name = "nuclear_norm",
                                    .n_in = 1,
                                    .attr_size = sizeof(matrix_norm),
                                    .shape = matrix_norm_shape,
                                    .compose = nuclear_compose };

static ag_tensor *frobenius_compose(const ag_call *c)
{
    const matrix_norm *o = c->attr;
    return ag_vector_norm(c->in[0], 2, .axes = AG_AXES(o->row, o->column), .keep = o->keep);
}
const ag_op ag__op_frobenius_norm = { .name = "frobenius_norm",
                                      .n_in = 1,
                                      .attr_size = sizeof(matrix_norm),
                                      .shape = matrix_norm_shape,
                                      .compose = frobenius_compose };

static ag_tensor *of_matrices(const ag_op *op, ag_tensor *x, double p, const ag_axes_options *options)
{
    ag_tape *t;
    const char *who = ag__title(op);
    matrix_norm o = { p, 0, 0, options && options->keep };
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who)) return NULL;
    ag_axes a = options && options->axes.n ? options->axes : AG_AXES(-2, -1);
    if (x->layout->rank < 2 || a.n != 2)
        return ag_fail(AG_ESHAPE, "%s: %s and %d axes; takes two axes of a tensor that has them", who,
                       ag__text(x->layout), a.n),
               NULL;
    if (!ag__have_list(a.n, a.at, who)) return NULL;
    o.row = ag__axis(a.at[0], x->layout, who);
    o.column = o.row < 0 ? -1 : ag__axis(a.at[1], x->layout, who);
    if (o.column < 0) return NULL;
    if (o.row == o.column)
        return ag_fail(AG_EINVAL, "%s: axis %d of %s is named twice", who, o.row, ag__text(x->layout)), NULL;
    return ag__apply(op, &o, x);
}
ag_tensor *(ag_matrix_norm)(ag_tensor *x, double p, const ag_axes_options *options)
{
    return of_matrices(&ag__op_matrix_norm, x, p, options);
}
ag_tensor *(ag_nuclear_norm)(ag_tensor *x, const ag_axes_options *options)
{
    return of_matrices(&ag__op_nuclear_norm, x, 1, options);
}
ag_tensor *(ag_frobenius_norm)(ag_tensor *x, const ag_axes_options *options)
{
    return of_matrices(&ag__op_frobenius_norm, x, 1, options);
}

/* ---- cond: |A| |A^-1| in a norm of matrices; by singular values for 2 and -2 ---- */

static ag_status cond_shape(const ag_call *c, ag_shape *out)
{
    double p = fabs(*(const double *)c->attr);
    if (!ag__need_matrix(c, 0, p != 2)) return ag_error();
    const ag__layout *l = c->in[0]->layout;
    if (p != 1 && p != 2 && p != INFINITY)
        return ag_fail(AG_EINVAL, "ag_cond: p %g, for %s, is none of 1, 2, inf and their negatives",
                       *(const double *)c->attr, ag__text(l));
    if (ag__n_rows(c->in[0]) == 0 || ag__n_cols(c->in[0]) == 0)
        return ag_fail(AG_ESHAPE, "ag_cond: a matrix of %s holds nothing", ag__text(l));
    ag__shape_copy(out, l);
    out->rank -= 2;
    return AG_OK;
}
static ag_tensor *cond_compose(const ag_call *c)
{
    double p = *(const double *)c->attr;
    ag_tensor *x = c->in[0];
    if (fabs(p) != 2) return ag_mul(ag_matrix_norm(x, p), ag_matrix_norm(ag_inv(x), p));
    ag_tensor *s = ag_svdvals(x), *largest = ag_select(s, -1, 0), *smallest = ag_select(s, -1, -1);
    return p > 0 ? ag_div(largest, smallest) : ag_div(smallest, largest);
}
const ag_op ag__op_cond = {
    .name = "cond", .n_in = 1, .attr_size = sizeof(double), .shape = cond_shape, .compose = cond_compose
};
ag_tensor *ag_cond(ag_tensor *x, double p)
{
    return ag__apply(&ag__op_cond, &p, x);
}

/* ---- distances ---- */

static bool of_floats(const ag_call *c)
{
    for (int i = 0; i < c->n_in; i++) {
        if (!c->in[i]) return ag_fail(AG_ENULL, "%s: operand %d is NULL", ag__title(c->op), i + 1), false;
        if (!ag__is_float(c->in[i]->layout->dtype))
            return ag_fail(AG_EDTYPE, "%s: takes f32 or f64, not %s %s", ag__title(c->op),
                           ag_dtype_name(c->in[i]->layout->dtype), ag__text(c->in[i]->layout)),
                   false;
    }
    return true;
}

static ag_status dist_shape(const ag_call *c, ag_shape *out)
{
    if (!of_floats(c) || ag_shape_broadcast(c, out)) return ag_error();
    double p = *(const double *)c->attr;
    int64_t n = 1;
    for (int i = 0; i < out->rank; i++) n *= out->dims[i];
    if (isnan(p) || (n == 0 && (p < 0 || p == INFINITY)))
        return ag_fail(AG_EINVAL, "ag_dist: no norm with p = %g of the difference of %s and %s", p,
                       ag__text(c->in[0]->layout), ag__text(c->in[1]->layout));
    out->rank = 0;
    return AG_OK;
}
static ag_tensor *dist_compose(const ag_call *c)
{
    return ag_vector_norm(ag_sub(c->in[0], c->in[1]), *(const double *)c->attr);
}
const ag_op ag__op_dist = {
    .name = "dist", .n_in = 2, .attr_size = sizeof(double), .shape = dist_shape, .compose = dist_compose
};
ag_tensor *ag_dist(ag_tensor *a, ag_tensor *b, double p)
{
    return ag__apply(&ag__op_dist, &p, a, b);
}

typedef struct spacing {
    double p, eps;
    bool keep;
} spacing;

static ag_status pairwise_shape(const ag_call *c, ag_shape *out)
{
    if (!of_floats(c) || ag_shape_broadcast(c, out)) return ag_error();
    const spacing *o = c->attr;
    if (out->rank == 0 || isnan(o->p) || (out->dims[out->rank - 1] == 0 && (o->p < 0 || o->p == INFINITY)))
        return ag_fail(AG_ESHAPE, "ag_pairwise_distance: %s and %s hold no vectors with a norm for p = %g",
                       ag__text(c->in[0]->layout), ag__text(c->in[1]->layout), o->p);
    if (o->keep)
        out->dims[out->rank - 1] = 1;
    else
        out->rank--;
    return AG_OK;
}
static ag_tensor *pairwise_compose(const ag_call *c)
{
    const spacing *o = c->attr;
    ag_tensor *d = ag_add(ag_sub(c->in[0], c->in[1]), o->eps);
    return ag_vector_norm(d, o->p, .axes = AG_AXES(-1), .keep = o->keep);
}
const ag_op ag__op_pairwise_distance = { .name = "pairwise_distance",
                                         .n_in = 2,
                                         .attr_size = sizeof(spacing),
                                         .shape = pairwise_shape,
                                         .compose = pairwise_compose };

static double or_else(double given, double otherwise)
{
    return given == 0 ? otherwise : fabs(given) <= AG_ZERO ? 0 : given;
}
ag_tensor *(ag_pairwise_distance)(ag_tensor *a, ag_tensor *b, const ag_distance_options *options)
{
    ag_distance_options o = options ? *options : (ag_distance_options){ .size = sizeof o };
    spacing s = { or_else(o.p, 2), or_else(o.eps, 1e-6), o.keep };
    return ag__apply(&ag__op_pairwise_distance, &s, a, b);
}

static ag_status cdist_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, false) || !ag__need_matrix(c, 1, false)) return ag_error();
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    double p = *(const double *)c->attr;
    ag__layout head[2];
    if (!(p >= 0)) return ag_fail(AG_EINVAL, "ag_cdist: p %g, of %s and %s, is negative", p, ag__text(a), ag__text(b));
    out->dtype = a->dtype, out->rank = 0;
    if (a->dims[a->rank - 1] != b->dims[b->rank - 1] ||
        !ag__layout_set(&head[0], a->dtype, a->rank - 2, a->dims, NULL, "ag_cdist") ||
        !ag__layout_set(&head[1], a->dtype, b->rank - 2, b->dims, NULL, "ag_cdist") ||
        !ag__broadcast(&out->rank, out->dims, &head[0]) || !ag__broadcast(&out->rank, out->dims, &head[1]))
        return ag_fail(AG_ESHAPE, "ag_cdist: %s and %s do not fit: [..., m, n] and [..., k, n]", ag__text(a),
                       ag__text(b));
    if (out->rank + 3 > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "ag_cdist: %s and %s have more than %d leading axes", ag__text(a), ag__text(b),
                       AG_MAX_RANK - 3);
    out->dims[out->rank++] = a->dims[a->rank - 2], out->dims[out->rank++] = b->dims[b->rank - 2];
    return AG_OK;
}
static ag_tensor *cdist_compose(const ag_call *c)
{
    double p = *(const double *)c->attr;
    ag_tensor *d = ag_sub(ag_unsqueeze(c->in[0], -2), ag_unsqueeze(c->in[1], -3));
    if (ag__n_cols(c->in[0]) == 0) return ag_sum(d, -1);
    return ag_vector_norm(d, p, .axes = AG_AXES(-1));
}
const ag_op ag__op_cdist = {
    .name = "cdist", .n_in = 2, .attr_size = sizeof(double), .shape = cdist_shape, .compose = cdist_compose
};
ag_tensor *ag_cdist(ag_tensor *a, ag_tensor *b, double p)
{
    return ag__apply(&ag__op_cdist, &p, a, b);
}

/* ---- cov: rows are variables, columns observations; corrcoef: divided by both deviations ---- */

typedef struct weighing {
    double correction;
} weighing;

static ag_status cov_shape(const ag_call *c, ag_shape *out)
{
    const char *who = ag__title(c->op);
    const ag__layout *l = c->in[0]->layout;
    if (!ag__is_float(l->dtype) || l->rank > 2)
        return ag_fail(ag__is_float(l->dtype) ? AG_ESHAPE : AG_EDTYPE,
                       "%s: takes f32 or f64 of at most 2 axes, not %s %s", who, ag_dtype_name(l->dtype), ag__text(l));
    for (int i = 1; i < c->n_in; i++) {
        const ag__layout *w = c->in[i] ? c->in[i]->layout : NULL;
        bool counts = i == 1;
        if (!w) continue;
        if (counts ? !ag__is_integer(w->dtype) : w->dtype != l->dtype)
            return ag_fail(AG_EDTYPE, "%s: .%s are %s %s, for %s %s", who, counts ? "fweights" : "aweights",
                           ag_dtype_name(w->dtype), ag__text(w), ag_dtype_name(l->dtype), ag__text(l));
        if (w->rank != 1 || l->rank == 0 || w->dims[0] != l->dims[l->rank - 1])
            return ag_fail(AG_ESHAPE, "%s: .%s %s do not fit %s: one for each observation", who,
                           counts ? "fweights" : "aweights", ag__text(w), ag__text(l));
    }
    out->dtype = l->dtype, out->rank = l->rank == 2 && l->dims[0] != 1 ? 2 : 0;
    out->dims[0] = out->dims[1] = l->dims[0];
    return AG_OK;
}
static ag_tensor *covariance(ag_tensor *x, ag_tensor *counts, ag_tensor *weights, double correction)
{
    ag_dtype dtype = x->layout->dtype;
    x = x->layout->rank < 2 ? ag_reshape(x, 1, -1) : x;
    if (!x) return NULL;
    ag_tensor *w = counts ? ag_to(counts, dtype) : NULL, *n = NULL, *mean;
    double total = (double)ag__n_cols(x);
    if (weights) w = w ? ag_mul(w, weights) : weights;
    ag_tensor *sum = w ? ag_sum(w) : ag_full(dtype, total);
    mean = w ? ag_div(ag_sum_keep(ag_mul(x, w), 1), sum) : ag_mean_keep(x, 1);
    if (!w || correction == 0 || !weights)
        n = ag_sub(sum, correction);
    else
        n = ag_sub(sum, ag_mul(correction, ag_div(ag_sum(ag_mul(w, weights)), sum)));
    n = ag_where(ag_lt(n, 0.0), ag_num(0), n);
    ag_tensor *d = ag_sub(x, mean);
    ag_tensor *y = ag_div(ag_matmul(d, ag__turned(w ? ag_mul(d, w) : d)), n);
    return ag__n_rows(x) == 1 ? ag_reshape(y) : y;
}
static ag_tensor *cov_compose(const ag_call *c)
{
    return covariance(c->in[0], c->in[1], c->in[2], ((const weighing *)c->attr)->correction);
}
const ag_op ag__op_cov = {
    .name = "cov", .n_in = 3, .attr_size = sizeof(weighing), .shape = cov_shape, .compose = cov_compose
};
ag_tensor *(ag_cov)(ag_tensor *x, const ag_cov_options *options)
{
    ag_cov_options o = options ? *options : (ag_cov_options){ .size = sizeof o };
    return ag__apply(&ag__op_cov, (&(weighing){ or_else(o.correction, 1) }), x, o.fweights, o.aweights);
}

static ag_tensor *corrcoef_compose(const ag_call *c)
{
    ag_tensor *y = covariance(c->in[0], NULL, NULL, 1);
    if (!y) return NULL;
    if (y->layout->rank == 0) return ag_div(y, y);
    ag_tensor *deviation = ag_sqrt(ag__diagonal(y));
    y = ag_div(ag_div(y, ag_unsqueeze(deviation, 1)), ag_unsqueeze(deviation, 0));
    return ag_clamp(y, -1, 1);
}
const ag_op ag__op_corrcoef = { .name = "corrcoef", .n_in = 1, .shape = cov_shape, .compose = corrcoef_compose };
ag_tensor *ag_corrcoef(ag_tensor *x)
{
    return ag__apply(&ag__op_corrcoef, NULL, x);
}
