/* solve.c - systems of linear equations, inverses and determinants of square matrices, by LU. */
#include <autograd/ops/linalg.h>
#include <float.h>
#include <math.h>

/* LU factors of one matrix, in scratch memory. */
typedef struct factors {
    ag__scratch lu, pivot;
    int info; /* of LAPACK */
} factors;

static bool factorise(factors *f, const char *who, const ag__matrices *m, const void *a)
{
    *f = (factors){ .info = AG__LAPACK_FAILED };
    bool room = ag__scratch_get(&f->lu, m->bytes) && ag__scratch_get(&f->pivot, m->rows * (int64_t)sizeof(int32_t));
    if (room && m->rows) {
        memcpy(f->lu.at, a, (size_t)m->bytes);
        f->info = ag__lapack_lu(who, m->dtype, m->rows, m->rows, f->lu.at, f->pivot.at);
    } else
        f->info = room ? 0 : AG__LAPACK_FAILED;
    return f->info != AG__LAPACK_FAILED;
}
static void drop(factors *f)
{
    ag__scratch_put(&f->lu), ag__scratch_put(&f->pivot);
}

/* x [n,k], the right sides at first, becomes the solution with matrix i of c->in[0]. */
static ag_status solve_one(const ag_call *c, const ag__matrices *m, int64_t i, const void *a, int64_t k, void *x)
{
    factors f;
    ag_status status = AG_OK;
    if (!factorise(&f, ag__title(c->op), m, a))
        status = ag_error();
    else if (f.info > 0)
        status = ag__matrix_fails(c, i, "is singular: its LU has a zero pivot in row", f.info - 1);
    else if (m->rows && k) {
        if (f.info == 0) f.info = ag__lapack_lu_solve(ag__title(c->op), m->dtype, m->rows, k, f.lu.at, f.pivot.at, x);
        if (f.info == AG__LAPACK_FAILED) status = ag_error();
        if (f.info == AG__LAPACK_NAN) ag__fill_nan(m->dtype, m->rows * k, x);
    }
    drop(&f);
    return status;
}

/* ---- solve, x = A^-1 b: db = A'^-1 g, dA = -db x' ---- */

typedef struct sides {
    bool vector; /* b holds vectors, not matrices */
} sides;

static ag_tensor *as_matrix(const ag_call *c, ag_tensor *x)
{
    return x && ((const sides *)c->attr)->vector ? ag_unsqueeze(x, -1) : x;
}
static ag_tensor *as_given(const ag_call *c, ag_tensor *x)
{
    return x && ((const sides *)c->attr)->vector ? ag_squeeze(x, -1) : x;
}

static ag_status solve_shape(const ag_call *c, ag_shape *out)
{
    const char *who = ag__title(c->op);
    bool vector = ((const sides *)c->attr)->vector;
    if (!ag__need_matrix(c, 0, true)) return ag_error();
    if (!c->in[1]) return ag_fail(AG_ENULL, "%s: operand 2 is NULL", who);
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    if (!vector && !ag__need_matrix(c, 1, false)) return ag_error();
    if (a->dtype != b->dtype)
        return ag_fail(AG_EDTYPE, "%s: dtypes differ: %s %s and %s %s", who, ag_dtype_name(a->dtype), ag__text(a),
                       ag_dtype_name(b->dtype), ag__text(b));
    int own = vector ? 1 : 2; /* axes of b that are no leading ones */
    ag__layout head[2];
    bool fits = b->dims[b->rank - own] == a->dims[a->rank - 1];
    out->dtype = a->dtype, out->rank = 0;
    fits = fits && ag__layout_set(&head[0], a->dtype, a->rank - 2, a->dims, NULL, who) &&
           ag__layout_set(&head[1], a->dtype, b->rank - own, b->dims, NULL, who) &&
           ag__broadcast(&out->rank, out->dims, &head[0]) && ag__broadcast(&out->rank, out->dims, &head[1]);
    if (!fits) return ag_fail(AG_ESHAPE, "%s: %s and right sides %s do not fit", who, ag__text(a), ag__text(b));
    for (int i = b->rank - own; i < b->rank; i++) out->dims[out->rank++] = b->dims[i];
    return AG_OK;
}

static ag_status solve_forward(ag_call *c)
{
    ag_tensor *a = c->in[0], *b = c->in[1], *x = c->out[0];
    bool vector = ((const sides *)c->attr)->vector;
    ag__matrices m = ag__matrices_of(a->layout);
    int own = vector ? 1 : 2, lead = x->layout->rank - own;
    int64_t k = vector ? 1 : ag__n_cols(x), count = 1;
    for (int i = 0; i < lead; i++) count *= x->layout->dims[i];
    ag__copy_into(x->layout, x->data, b->layout, b->data, false);
    for (int64_t i = 0; i < count; i++) {
        char *at = (char *)x->data + i * m.rows * k * (int64_t)a->layout->item;
        if (solve_one(c, &m, i, ag__matrix_at(a, lead, x->layout->dims, i), k, at)) return ag_error();
    }
    return AG_OK;
}

static ag_tensor *solve_matrices(ag_tensor *a, ag_tensor *b);
static ag_status solve_vjp(ag_call *c)
{
    ag_tensor *gb = solve_matrices(ag__turned(c->in[0]), as_matrix(c, c->g[0]));
    if (c->need[0]) c->gin[0] = ag_neg(ag_matmul(gb, ag__turned(as_matrix(c, c->out[0]))));
    c->gin[1] = as_given(c, gb);
    return ag_error();
}
static ag_status solve_jvp(ag_call *c)
{
    ag_tensor *ta = c->tangent[0], *tb = as_matrix(c, c->tangent[1]);
    ag_tensor *by_a = ta ? ag_neg(ag_matmul(ta, as_matrix(c, c->out[0]))) : NULL;
    if (ta || tb) c->tout[0] = as_given(c, solve_matrices(c->in[0], ag__sum_of(by_a, tb)));
    return ag_error();
}

const ag_op ag__op_solve = { .name = "solve",
                             .n_in = 2,
                             .attr_size = sizeof(sides),
                             .shape = solve_shape,
                             .forward = solve_forward,
                             .vjp = solve_vjp,
                             .jvp = solve_jvp,
                             .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

static ag_tensor *solve_matrices(ag_tensor *a, ag_tensor *b)
{
    return ag__apply(&ag__op_solve, (&(sides){ false }), a, b);
}

/* PyTorch's rule: b is vectors if it is 1-d, or of A's shape without the last axis. */
static bool holds_vectors(const ag_tensor *a, const ag_tensor *b)
{
    int rank = ag_rank(b);
    bool vector = rank == 1 || (rank > 0 && rank == ag_rank(a) - 1);
    for (int i = 0; rank > 1 && vector && i < rank; i++) vector = ag_size(a, i) == ag_size(b, i);
    return vector;
}
ag_tensor *ag_solve(ag_tensor *a, ag_tensor *b)
{
    return ag__apply(&ag__op_solve, (&(sides){ a && b && holds_vectors(a, b) }), a, b);
}

/* ---- inv: dA = -y' g y' ---- */

static ag_status square_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, true)) return ag_error();
    ag__shape_copy(out, c->in[0]->layout);
    return AG_OK;
}
static ag_status inv_forward(ag_call *c)
{
    ag__matrices m = ag__matrices_of(c->in[0]->layout);
    for (int64_t i = 0; i < m.count; i++) {
        char *y = (char *)c->out[0]->data + i * m.bytes;
        memset(y, 0, (size_t)m.bytes);
        for (int64_t k = 0; k < m.rows; k++) ag__number_put(m.dtype, y, k * m.rows + k, 1);
        if (solve_one(c, &m, i, (char *)c->in[0]->data + i * m.bytes, m.rows, y)) return ag_error();
    }
    return AG_OK;
}
AG__VJP1(inv_vjp, ag_neg(ag__matmul3(ag__turned(y), g, ag__turned(y))))
AG__JVP1(inv_jvp, ag_neg(ag__matmul3(y, t, y)))

const ag_op ag__op_inv = { .name = "inv",
                           .n_in = 1,
                           .shape = square_shape,
                           .forward = inv_forward,
                           .vjp = inv_vjp,
                           .jvp = inv_jvp,
                           .saves = AG_SAVES_OUT(0) };

ag_tensor *ag_inv(ag_tensor *x)
{
    return ag__apply(&ag__op_inv, NULL, x);
}

/* ---- solve_triangular: as solve, the gradient of A in its triangle ---- */

typedef struct triangle {
    bool upper, unit;
} triangle;

static ag_status triangular_shape(const ag_call *c, ag_shape *out)
{
    return solve_shape(&(ag_call){ .op = c->op, .attr = &(sides){ false }, .n_in = 2, .in = c->in }, out);
}

/* Row by row, from the one that stands alone: x[i] = (b[i] - sum of a[i][j] x[j]) / a[i][i]. */
static void substitute(const triangle *t, ag_dtype dtype, int64_t n, int64_t k, const void *a, char *x)
{
    const ag__kernels *f = ag__kernels_for(dtype);
    int64_t row = k * (int64_t)ag_dtype_size(dtype);
    for (int64_t step = 0; step < n; step++) {
        int64_t i = t->upper ? n - 1 - step : step;
        for (int64_t j = t->upper ? i + 1 : 0; j < (t->upper ? n : i); j++)
            f->scale(k, -ag__number_at(dtype, a, i * n + j), x + j * row, 1, x + i * row, 1, true);
        ag__number d = ag__number_of(dtype, ag__number_at(dtype, a, i * n + i));
        if (!t->unit) f->binary[AG__F_div](k, x + i * row, 1, &d, 0, x + i * row, 1);
    }
}
static ag_status triangular_forward(ag_call *c)
{
    ag_tensor *a = c->in[0], *b = c->in[1], *x = c->out[0];
    ag__matrices m = ag__matrices_of(x->layout);
    ag__copy_into(x->layout, x->data, b->layout, b->data, false);
    for (int64_t i = 0; i < m.count && m.cols; i++)
        substitute(c->attr, m.dtype, m.rows, m.cols, ag__matrix_at(a, x->layout->rank - 2, x->layout->dims, i),
                   (char *)x->data + i * m.bytes);
    return AG_OK;
}

static ag_tensor *triangular(triangle t, ag_tensor *a, ag_tensor *b);
static ag_tensor *of_triangle(triangle t, ag_tensor *x)
{
    return ag__band(x, !t.upper, !t.unit, t.upper);
}
static ag_status triangular_vjp(ag_call *c)
{
    triangle t = *(const triangle *)c->attr;
    ag_tensor *gb = triangular((triangle){ !t.upper, t.unit }, ag__turned(c->in[0]), c->g[0]);
    if (c->need[0]) c->gin[0] = of_triangle(t, ag_neg(ag_matmul(gb, ag__turned(c->out[0]))));
    c->gin[1] = gb;
    return ag_error();
}
static ag_status triangular_jvp(ag_call *c)
{
    triangle t = *(const triangle *)c->attr;
    ag_tensor *ta = c->tangent[0], *tb = c->tangent[1];
    ag_tensor *by_a = ta ? ag_neg(ag_matmul(of_triangle(t, ta), c->out[0])) : NULL;
    if (ta || tb) c->tout[0] = triangular(t, c->in[0], ag__sum_of(by_a, tb));
    return ag_error();
}

const ag_op ag__op_solve_triangular = { .name = "solve_triangular",
                                        .n_in = 2,
                                        .attr_size = sizeof(triangle),
                                        .shape = triangular_shape,
                                        .forward = triangular_forward,
                                        .vjp = triangular_vjp,
                                        .jvp = triangular_jvp,
                                        .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

static ag_tensor *triangular(triangle t, ag_tensor *a, ag_tensor *b)
{
    return ag__apply(&ag__op_solve_triangular, &t, a, b);
}
ag_tensor *(ag_solve_triangular)(ag_tensor *a, ag_tensor *b, const ag_triangular_options *options)
{
    ag_triangular_options o = options ? *options : (ag_triangular_options){ .size = sizeof o };
    triangle t = { o.upper != o.right, o.unitriangular };
    if (!o.right || ag_rank(a) < 2 || ag_rank(b) < 2) return triangular((triangle){ o.upper, t.unit }, a, b);
    return ag__turned(triangular(t, ag__turned(a), ag__turned(b)));
}

/* ---- cholesky, A = L L': dA = L'^-1 (P + P') L^-1 / 2, P the lower triangle of L' g, its diagonal halved ---- */

static ag_status cholesky_forward(ag_call *c)
{
    bool upper = *(const bool *)c->attr;
    ag__matrices m = ag__matrices_of(c->in[0]->layout);
    int64_t item = (int64_t)c->in[0]->layout->item;
    memcpy(c->out[0]->data, c->in[0]->data, (size_t)(m.count * m.bytes));
    for (int64_t i = 0; i < m.count && m.rows; i++) {
        char *y = (char *)c->out[0]->data + i * m.bytes;
        int info = ag__lapack_cholesky(ag__title(c->op), m.dtype, m.rows, y, upper);
        if (info == AG__LAPACK_FAILED) return ag_error();
        if (info > 0)
            return ag__matrix_fails(c, i, "is not positive definite: nor is its leading minor of order", info);
        if (info == AG__LAPACK_NAN) ag__fill_nan(m.dtype, m.rows * m.rows, y);
        for (int64_t r = 0; r < m.rows; r++) { /* the other triangle */
            int64_t from = upper ? 0 : r + 1, to = upper ? r : m.rows;
            memset(y + (r * m.rows + from) * item, 0, (size_t)((to - from) * item));
        }
    }
    return AG_OK;
}
static ag_tensor *lower_half(ag_tensor *x)
{
    return ag__band(x, 1, 0.5, 0);
}
static ag_tensor *right_solved(ag_tensor *l, ag_tensor *x) /* x L^-1 */
{
    return ag_solve_triangular(l, x, .right = true);
}
static ag_status cholesky_vjp(ag_call *c)
{
    bool upper = *(const bool *)c->attr;
    ag_tensor *l = upper ? ag__turned(c->out[0]) : c->out[0], *g = upper ? ag__turned(c->g[0]) : c->g[0];
    ag_tensor *p = lower_half(ag_matmul(ag__turned(l), g));
    ag_tensor *half = right_solved(l, ag_solve_triangular(ag__turned(l), p, .upper = true));
    c->gin[0] = ag_mul(0.5, ag__sym(half));
    return ag_error();
}
/* dL = L P, P the lower half of L^-1 dA L'^-1 */
static ag_status cholesky_jvp(ag_call *c)
{
    bool upper = *(const bool *)c->attr;
    ag_tensor *l = upper ? ag__turned(c->out[0]) : c->out[0];
    if (!c->tangent[0]) return AG_OK;
    ag_tensor *once = ag_solve_triangular(l, ag__turned(ag_solve_triangular(l, c->tangent[0])));
    ag_tensor *t = ag_matmul(l, lower_half(once));
    c->tout[0] = upper ? ag__turned(t) : t;
    return ag_error();
}

const ag_op ag__op_cholesky = { .name = "cholesky",
                                .n_in = 1,
                                .attr_size = sizeof(bool),
                                .shape = square_shape,
                                .forward = cholesky_forward,
                                .vjp = cholesky_vjp,
                                .jvp = cholesky_jvp,
                                .saves = AG_SAVES_OUT(0) };

ag_tensor *ag_cholesky(ag_tensor *x, bool upper)
{
    return ag__apply(&ag__op_cholesky, &upper, x);
}

/* ---- what a Cholesky factor is for ---- */

static ag_status cholesky_solve_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, false)) return ag_error();
    if (!ag__need_matrix(c, 1, true)) return ag_error();
    ag_tensor *turned[] = { c->in[1], c->in[0] };
    return triangular_shape(&(ag_call){ .op = c->op, .n_in = 2, .in = turned }, out);
}
static ag_tensor *cholesky_solve_compose(const ag_call *c)
{
    bool upper = *(const bool *)c->attr;
    ag_tensor *l = upper ? ag__turned(c->in[1]) : c->in[1];
    return ag_solve_triangular(ag__turned(l), ag_solve_triangular(l, c->in[0]), .upper = true);
}
const ag_op ag__op_cholesky_solve = { .name = "cholesky_solve",
                                      .n_in = 2,
                                      .attr_size = sizeof(bool),
                                      .shape = cholesky_solve_shape,
                                      .compose = cholesky_solve_compose };
ag_tensor *ag_cholesky_solve(ag_tensor *b, ag_tensor *factor, bool upper)
{
    return ag__apply(&ag__op_cholesky_solve, &upper, b, factor);
}

static ag_tensor *cholesky_inverse_compose(const ag_call *c)
{
    return ag_cholesky_solve(ag_eye(c->in[0]->layout->dtype, ag__n_cols(c->in[0])), c->in[0], *(const bool *)c->attr);
}
const ag_op ag__op_cholesky_inverse = { .name = "cholesky_inverse",
                                        .n_in = 1,
                                        .attr_size = sizeof(bool),
                                        .shape = square_shape,
                                        .compose = cholesky_inverse_compose };
ag_tensor *ag_cholesky_inverse(ag_tensor *factor, bool upper)
{
    return ag__apply(&ag__op_cholesky_inverse, &upper, factor);
}

/* ---- determinants ---- */

static ag_status det_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, true)) return ag_error();
    for (int k = 0; k < c->n_out; k++) ag__shape_copy(&out[k], c->in[0]->layout), out[k].rank -= 2;
    return AG_OK;
}
/* Of matrix i: log |det| and the sign; or their product det. Without overflow in between. */
typedef struct determinant {
    double value, log, sign;
} determinant;
static bool determinant_of(const ag_call *c, const ag__matrices *m, int64_t i, determinant *d)
{
    factors f;
    *d = (determinant){ 1, 0, 1 };
    bool ok = factorise(&f, ag__title(c->op), m, (char *)c->in[0]->data + i * m->bytes);
    for (int64_t k = 0; ok && k < m->rows; k++) {
        double u = f.info < 0 ? NAN : ag__number_at(m->dtype, f.lu.at, k * m->rows + k);
        if (f.info >= 0 && ((int32_t *)f.pivot.at)[k] != k + 1) u = -u;
        d->value *= u, d->log += log(fabs(u)), d->sign *= u > 0 ? 1 : u < 0 ? -1 : u;
    }
    drop(&f);
    return ok;
}

/* det: dA = g det A'^-1. Where that does not exist, g times the cofactors, by the singular values:
 * A = U S V', cof A = det U det V U D V', D the products of all singular values but one. */
static ag_status det_forward(ag_call *c)
{
    ag__matrices m = ag__matrices_of(c->in[0]->layout);
    determinant d;
    for (int64_t i = 0; i < m.count; i++) {
        if (!determinant_of(c, &m, i, &d)) return ag_error();
        ag__number_put(m.dtype, c->out[0]->data, i, d.value);
    }
    return AG_OK;
}
/* The products of all elements of the last axis but one: n products, of n factors each. */
static ag_tensor *products_without(ag_tensor *s)
{
    int64_t n = s->layout->dims[s->layout->rank - 1];
    ag_tensor *product = ag_ones_like(s), *others = ag_sub(1.0, ag_eye(s->layout->dtype, n));
    for (int64_t k = 0; k < n && product; k++) {
        ag_tensor *is_other = ag_gt(ag_select(others, 0, k), 0.0);
        product = ag_mul(product, ag_where(is_other, ag_slice(s, -1, k, k + 1), ag_num(1)));
    }
    return product;
}
static ag_tensor *cofactors(ag_tensor *x)
{
    ag_tensor *s = NULL, *vh = NULL, *u = ag_svd(x, false, &s, &vh);
    if (!u || !s || !vh) return NULL;
    ag_tensor *sign = ag_mul(ag_det(ag_detach(u)), ag_det(ag_detach(vh)));
    ag_tensor *d = ag_mul(products_without(s), ag_unsqueeze(sign, -1));
    return ag_matmul(ag__scale_columns(u, d), vh);
}
static ag_tensor *of_each(ag_tensor *numbers) /* for a factor of matrices */
{
    return ag_unsqueeze(ag_unsqueeze(numbers, -1), -1);
}
/* The gradient of det x, as a function of x. */
static ag_tensor *det_slope(ag_tensor *x, ag_tensor *det)
{
    const ag__layout *l = det->layout;
    double epsilon = l->dtype == AG_F64 ? DBL_EPSILON : FLT_EPSILON;
    bool singular = false;
    ag_tensor *plain = ag_contiguous(ag_detach(det));
    if (!plain) return NULL;
    for (int64_t i = 0; i < l->numel; i++) singular |= fabs(ag__number_at(l->dtype, plain->data, i)) < 100 * epsilon;
    if (singular) return cofactors(x);
    return ag_mul(of_each(det), ag__turned(ag_inv(x)));
}
AG__VJP1(det_vjp, ag_mul(of_each(g), det_slope(x, y)))
AG__JVP1(det_jvp, ag_sum(ag_mul(t, det_slope(x, y)), -1, -2))

const ag_op ag__op_det = { .name = "det",
                           .n_in = 1,
                           .shape = det_shape,
                           .forward = det_forward,
                           .vjp = det_vjp,
                           .jvp = det_jvp,
                           .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

ag_tensor *ag_det(ag_tensor *x)
{
    return ag__apply(&ag__op_det, NULL, x);
}

/* slogdet: d log |det A| = A'^-1; the sign is constant */
static ag_status slogdet_forward(ag_call *c)
{
    ag__matrices m = ag__matrices_of(c->in[0]->layout);
    determinant d;
    for (int64_t i = 0; i < m.count; i++) {
        if (!determinant_of(c, &m, i, &d)) return ag_error();
        ag__number_put(m.dtype, c->out[0]->data, i, d.log);
        ag__number_put(m.dtype, c->out[1]->data, i, d.sign);
    }
    return AG_OK;
}
static ag_status slogdet_vjp(ag_call *c)
{
    if (c->g[0]) c->gin[0] = ag_mul(of_each(c->g[0]), ag__turned(ag_inv(c->in[0])));
    return ag_error();
}
static ag_status slogdet_jvp(ag_call *c)
{
    if (c->tangent[0]) c->tout[0] = ag_sum(ag_mul(c->tangent[0], ag__turned(ag_inv(c->in[0]))), -1, -2);
    return ag_error();
}
const ag_op ag__op_slogdet = { .name = "slogdet",
                               .n_in = 1,
                               .n_out = 2,
                               .shape = det_shape,
                               .forward = slogdet_forward,
                               .vjp = slogdet_vjp,
                               .jvp = slogdet_jvp,
                               .saves = AG_SAVES_IN(0) };

ag_tensor *ag_slogdet(ag_tensor *x, ag_tensor **sign)
{
    ag_tensor *out[AG_MAX_OUT] = { NULL };
    if (sign) *sign = NULL;
    if (ag_apply_all(&ag__op_slogdet, NULL, AG_LIST(x), out)) return NULL;
    if (sign) *sign = out[1];
    return out[0];
}

static ag_tensor *logdet_compose(const ag_call *c)
{
    ag_tensor *sign, *log = ag_slogdet(c->in[0], &sign);
    return log ? ag_where(ag_lt(sign, 0.0), ag_num(NAN), log) : NULL;
}
const ag_op ag__op_logdet = { .name = "logdet", .n_in = 1, .shape = det_shape, .compose = logdet_compose };

ag_tensor *ag_logdet(ag_tensor *x)
{
    return ag__apply(&ag__op_logdet, NULL, x);
}
