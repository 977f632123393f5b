/* lu.c - A = P L U with P a permutation, L unit lower and U upper triangular; also of matrices that are not square. */
#include <autograd/ops/linalg.h>

static int64_t least(int64_t m, int64_t n)
{
    return m < n ? m : n;
}

/* P [m,m] of one matrix: the identity with rows k and pivot[k] - 1 exchanged, for the last k first. */
static void permute(ag_dtype dtype, int64_t m, int64_t k, const int32_t *pivot, char *p)
{
    int64_t row = m * (int64_t)ag_dtype_size(dtype);
    memset(p, 0, (size_t)(m * row));
    for (int64_t i = 0; i < m; i++) ag__number_put(dtype, p, i * m + i, 1);
    for (int64_t i = k - 1; i >= 0; i--)
        for (int64_t j = 0, other = pivot[i] - 1; j < m && other != i; j++) {
            double a = ag__number_at(dtype, p, i * m + j), b = ag__number_at(dtype, p, other * m + j);
            ag__number_put(dtype, p, i * m + j, b), ag__number_put(dtype, p, other * m + j, a);
        }
}

/* P [.., m, m] of pivots [.., k], a constant; m at least k. */
static ag_tensor *permutation(ag_tensor *pivots, int64_t m, ag_dtype dtype, const char *who)
{
    pivots = ag_contiguous(ag_detach(pivots));
    if (!pivots) return NULL;
    const ag__layout *l = pivots->layout;
    int64_t dims[AG_MAX_RANK], k = l->dims[l->rank - 1], count = 1;
    memcpy(dims, l->dims, sizeof dims);
    for (int i = 0; i < l->rank - 1; i++) count *= dims[i];
    dims[l->rank - 1] = dims[l->rank] = m;
    ag_tensor *p = (ag_zeros)(dtype, l->rank + 1, dims);
    const int32_t *pivot = pivots->data;
    for (int64_t i = 0; i < l->numel; i++)
        if (pivot[i] < 1 || pivot[i] > m)
            return ag_fail(AG_EINVAL, "%s: pivot %d at position %lld is no row of %lld, counted from 1", who, pivot[i],
                           (long long)i, (long long)m),
                   NULL;
    for (int64_t i = 0; p && i < count; i++)
        permute(dtype, m, k, pivot + i * k, (char *)p->data + i * m * m * (int64_t)p->layout->item);
    return p;
}

/* ---- the derivative. Square: gA = P L'^-1 (low(L' gL) + up(gU U')) U'^-1, low without the diagonal. Wide, U = [U1
 * U2]: gL loses L'^-1 gU2 U2' below the diagonal. Tall, L = [L1; L2]: gU loses L2' gL2 U'^-1 above it. ---- */

typedef struct plu {
    ag_tensor *p, *l, *u;
} plu;

static ag_tensor *below(ag_tensor *x)
{
    return ag__band(x, 1, 0, 0);
}
static ag_tensor *left_of_l(plu f, ag_tensor *x) /* L'^-1 x */
{
    return ag_solve_triangular(ag__turned(f.l), x, .upper = true, .unitriangular = true);
}
static ag_tensor *right_of_u(ag_tensor *u, ag_tensor *x) /* x U'^-1 */
{
    return ag_solve_triangular(ag__turned(u), x, .right = true);
}
static ag_tensor *lu_pullback(plu f, ag_tensor *gl, ag_tensor *gu)
{
    if (!f.l || !f.u) return NULL;
    int64_t m = ag__n_rows(f.l), n = ag__n_cols(f.u), k = least(m, n);
    plu top = { f.p, ag__rows(f.l, 0, k), ag__columns(f.u, 0, k) };
    ag_tensor *low = gl ? ag_matmul(ag__turned(top.l), ag__rows(gl, 0, k)) : NULL;
    ag_tensor *up = gu ? ag_matmul(ag__columns(gu, 0, k), ag__turned(top.u)) : NULL;
    ag_tensor *rest = NULL;
    if (m < n && gu) {
        ag_tensor *spent = ag_matmul(ag__columns(gu, k, n), ag__turned(ag__columns(f.u, k, n)));
        low = low ? ag_sub(low, spent) : ag_neg(spent);
        rest = left_of_l(top, ag__columns(gu, k, n));
    }
    if (m > n && gl) {
        ag_tensor *spent = ag_matmul(ag__turned(ag__rows(f.l, k, m)), ag__rows(gl, k, m));
        up = up ? ag_sub(up, spent) : ag_neg(spent);
        rest = right_of_u(top.u, ag__rows(gl, k, m));
    }
    ag_tensor *core = ag__sum_of(low ? below(low) : NULL, up ? ag__upper(up) : NULL);
    ag_tensor *g = right_of_u(top.u, left_of_l(top, core));
    if (m != n && !rest) rest = m < n ? ag_zeros_like(ag__columns(f.u, k, n)) : ag_zeros_like(ag__rows(f.l, k, m));
    if (m != n) g = ag_cat(AG_LIST(g, rest), m < n ? -1 : -2);
    return ag_matmul(f.p, g);
}

/* With X = P' tA: where A is square, X = dL U + L dU, and M = L^-1 X U^-1 = L^-1 dL + dU U^-1 has both. */
static plu lu_push(plu f, ag_tensor *t)
{
    plu d = { NULL, NULL, NULL };
    if (!f.l || !f.u) return d;
    int64_t m = ag__n_rows(f.l), n = ag__n_cols(f.u), k = least(m, n);
    ag_tensor *x = ag_matmul(ag__turned(f.p), t), *l = ag__rows(f.l, 0, k), *u = ag__columns(f.u, 0, k);
    ag_tensor *core = ag_solve_triangular(l, ag__columns(ag__rows(x, 0, k), 0, k), .unitriangular = true);
    core = ag_solve_triangular(u, core, .right = true, .upper = true);
    ag_tensor *low = below(core), *up = ag__upper(core);
    d.l = ag_matmul(l, low), d.u = ag_matmul(up, u);
    if (m < n) {
        ag_tensor *of_rest = ag_solve_triangular(l, ag__columns(x, k, n), .unitriangular = true);
        d.u = ag_cat(AG_LIST(d.u, ag_sub(of_rest, ag_matmul(low, ag__columns(f.u, k, n)))), -1);
    }
    if (m > n) {
        ag_tensor *of_rest = ag_solve_triangular(u, ag__rows(x, k, m), .right = true, .upper = true);
        d.l = ag_cat(AG_LIST(d.l, ag_sub(of_rest, ag_matmul(ag__rows(f.l, k, m), up))), -2);
    }
    return d;
}

/* ---- lu_factor: L without its diagonal and U in one matrix ---- */

static ag_status lu_factor_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, false)) return ag_error();
    ag__shape_copy(&out[0], c->in[0]->layout);
    ag__shape_copy(&out[1], c->in[0]->layout);
    out[1].dtype = AG_I32, out[1].rank--;
    out[1].dims[out[1].rank - 1] = least(ag__n_rows(c->in[0]), ag__n_cols(c->in[0]));
    return AG_OK;
}
/* A singular matrix has factors as well. Of one with a NaN all is NaN, in the given order. */
static bool factorise(const char *who, ag__matrices m, char *lu, int32_t *pivot)
{
    int64_t k = least(m.rows, m.cols);
    for (int64_t i = 0; i < m.count && k; i++, lu += m.bytes, pivot += k) {
        int info = ag__lapack_lu(who, m.dtype, m.rows, m.cols, lu, pivot);
        if (info == AG__LAPACK_FAILED) return false;
        if (info == AG__LAPACK_NAN) ag__fill_nan(m.dtype, m.rows * m.cols, lu);
        for (int32_t j = 0; info == AG__LAPACK_NAN && j < k; j++) pivot[j] = j + 1;
    }
    return true;
}
static ag_status lu_factor_forward(ag_call *c)
{
    ag__matrices m = ag__matrices_of(c->in[0]->layout);
    memcpy(c->out[0]->data, c->in[0]->data, (size_t)(m.count * m.bytes));
    factorise("ag_lu_factor", m, c->out[0]->data, c->out[1]->data);
    return ag_error();
}
/* The factors in one matrix, apart. */
static plu apart(ag_tensor *lu, ag_tensor *pivots, const char *who)
{
    if (!lu) return (plu){ NULL, NULL, NULL };
    int64_t m = ag__n_rows(lu), n = ag__n_cols(lu), k = least(m, n);
    ag_tensor *l = below(ag__columns(lu, 0, k)),
              *one = ag__band((ag_ones)(lu->layout->dtype, 2, (int64_t[]){ m, k }), 0, 1, 0);
    return (plu){ permutation(pivots, m, lu->layout->dtype, who), ag_add(l, one), ag__upper(ag__rows(lu, 0, k)) };
}
/* A matrix with the rows of k columns filled up by zeros to n, and the other way round. */
static ag_tensor *widened(ag_tensor *x, int64_t m, int64_t n)
{
    if (!x || (ag__n_rows(x) == m && ag__n_cols(x) == n)) return x;
    int64_t dims[AG_MAX_RANK];
    int axis = ag__n_rows(x) == m ? -1 : -2, rank = x->layout->rank;
    memcpy(dims, x->layout->dims, sizeof dims);
    dims[rank + axis] = axis == -1 ? n - ag__n_cols(x) : m - ag__n_rows(x);
    return ag_cat(AG_LIST(x, (ag_zeros)(x->layout->dtype, rank, dims)), axis);
}
static ag_status lu_factor_vjp(ag_call *c)
{
    if (!c->g[0]) return AG_OK;
    int64_t k = least(ag__n_rows(c->in[0]), ag__n_cols(c->in[0]));
    ag_tensor *gl = below(ag__columns(c->g[0], 0, k)), *gu = ag__upper(ag__rows(c->g[0], 0, k));
    c->gin[0] = lu_pullback(apart(c->out[0], c->out[1], "ag_lu_factor"), gl, gu);
    return ag_error();
}
static ag_status lu_factor_jvp(ag_call *c)
{
    if (!c->tangent[0]) return AG_OK;
    int64_t m = ag__n_rows(c->in[0]), n = ag__n_cols(c->in[0]);
    plu d = lu_push(apart(c->out[0], c->out[1], "ag_lu_factor"), c->tangent[0]);
    c->tout[0] = ag_add(widened(d.l, m, n), widened(d.u, m, n));
    return ag_error();
}
const ag_op ag__op_lu_factor = { .name = "lu_factor",
                                 .n_in = 1,
                                 .n_out = 2,
                                 .shape = lu_factor_shape,
                                 .forward = lu_factor_forward,
                                 .vjp = lu_factor_vjp,
                                 .jvp = lu_factor_jvp,
                                 .saves = AG_SAVES_OUT(0) | AG_SAVES_OUT(1) };

ag_tensor *ag_lu_factor(ag_tensor *x, ag_tensor **pivots)
{
    ag_tensor *out[AG_MAX_OUT] = { NULL };
    if (pivots) *pivots = NULL;
    if (ag_apply_all(&ag__op_lu_factor, NULL, AG_LIST(x), out)) return NULL;
    if (pivots) *pivots = out[1];
    return out[0];
}

/* ---- lu: the three factors ---- */

static ag_status lu_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, false)) return ag_error();
    int64_t m = ag__n_rows(c->in[0]), n = ag__n_cols(c->in[0]), k = least(m, n);
    const int64_t sizes[3][2] = { { m, m }, { m, k }, { k, n } };
    for (int i = 0; i < 3; i++) {
        ag__shape_copy(&out[i], c->in[0]->layout);
        memcpy(out[i].dims + out[i].rank - 2, sizes[i], sizeof sizes[i]);
    }
    return AG_OK;
}
static ag_status lu_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    ag__matrices m = ag__matrices_of(l);
    int64_t dims[AG_MAX_RANK];
    memcpy(dims, l->dims, sizeof dims);
    dims[l->rank - 2] = least(m.rows, m.cols);
    ag_tensor *lu = ag_clone(c->in[0]), *pivots = (ag_zeros)(AG_I32, l->rank - 1, dims);
    if (!lu || !pivots || !factorise("ag_lu", m, lu->data, pivots->data)) return ag_error();
    plu f = apart(lu, pivots, "ag_lu");
    if (!f.p || !f.l || !f.u) return ag_error();
    ag_assign(c->out[0], f.p), ag_assign(c->out[1], f.l), ag_assign(c->out[2], f.u);
    return ag_error();
}
static ag_status lu_vjp(ag_call *c)
{
    plu f = { c->out[0], c->out[1], c->out[2] };
    if (c->g[1] || c->g[2]) c->gin[0] = lu_pullback(f, c->g[1], c->g[2]);
    return ag_error();
}
static ag_status lu_jvp(ag_call *c)
{
    if (!c->tangent[0]) return AG_OK;
    plu d = lu_push((plu){ c->out[0], c->out[1], c->out[2] }, c->tangent[0]);
    c->tout[1] = d.l, c->tout[2] = d.u;
    return ag_error();
}
const ag_op ag__op_lu = { .name = "lu",
                          .n_in = 1,
                          .n_out = 3,
                          .shape = lu_shape,
                          .forward = lu_forward,
                          .vjp = lu_vjp,
                          .jvp = lu_jvp,
                          .saves = AG_SAVES_OUT(0) | AG_SAVES_OUT(1) | AG_SAVES_OUT(2) };

ag_tensor *ag_lu(ag_tensor *x, ag_tensor **l, ag_tensor **u)
{
    ag_tensor *out[AG_MAX_OUT] = { NULL };
    if (l) *l = NULL;
    if (u) *u = NULL;
    if (ag_apply_all(&ag__op_lu, NULL, AG_LIST(x), out)) return NULL;
    if (l) *l = out[1];
    if (u) *u = out[2];
    return out[0];
}

/* ---- lu_solve: A X = B, or A' X = B, by the factors of A ---- */

static ag_status lu_solve_shape(const ag_call *c, ag_shape *out)
{
    ag_tensor *lu = c->in[0], *pivots = c->in[1];
    if (!ag__need_matrix(c, 0, true)) return ag_error();
    if (!pivots) return ag_fail(AG_ENULL, "ag_lu_solve: operand 2 is NULL");
    bool fits = pivots->layout->dtype == AG_I32 && pivots->layout->rank == lu->layout->rank - 1;
    for (int i = 0; fits && i < pivots->layout->rank; i++) fits = pivots->layout->dims[i] == lu->layout->dims[i];
    if (!fits)
        return ag_fail(AG_ESHAPE, "ag_lu_solve: pivots %s %s are not those of factors %s: i32, one for each row",
                       ag_dtype_name(pivots->layout->dtype), ag__text(pivots->layout), ag__text(lu->layout));
    if (!ag__need_matrix(c, 2, false)) return ag_error();
    const ag__layout *a = lu->layout, *b = c->in[2]->layout;
    ag__layout head[2];
    out->dtype = a->dtype, out->rank = 0;
    if (a->dims[a->rank - 1] != b->dims[b->rank - 2] ||
        !ag__layout_set(&head[0], a->dtype, a->rank - 2, a->dims, NULL, "ag_lu_solve") ||
        !ag__layout_set(&head[1], a->dtype, b->rank - 2, b->dims, NULL, "ag_lu_solve") ||
        !ag__broadcast(&out->rank, out->dims, &head[0]) || !ag__broadcast(&out->rank, out->dims, &head[1]))
        return ag_fail(AG_ESHAPE, "ag_lu_solve: factors %s and right sides %s do not fit", ag__text(a), ag__text(b));
    out->dims[out->rank++] = b->dims[b->rank - 2], out->dims[out->rank++] = b->dims[b->rank - 1];
    return AG_OK;
}
static ag_tensor *lu_solve_compose(const ag_call *c)
{
    ag_tensor *lu = c->in[0], *b = c->in[2],
              *p = permutation(c->in[1], ag__n_rows(lu), lu->layout->dtype, "ag_lu_solve");
    if (!*(const bool *)c->attr) {
        ag_tensor *y = ag_solve_triangular(lu, ag_matmul(ag__turned(p), b), .unitriangular = true);
        return ag_solve_triangular(lu, y, .upper = true);
    }
    ag_tensor *y = ag_solve_triangular(ag__turned(lu), b);
    return ag_matmul(p, ag_solve_triangular(ag__turned(lu), y, .upper = true, .unitriangular = true));
}
const ag_op ag__op_lu_solve = {
    .name = "lu_solve", .n_in = 3, .attr_size = sizeof(bool), .shape = lu_solve_shape, .compose = lu_solve_compose
};
ag_tensor *ag_lu_solve(ag_tensor *lu, ag_tensor *pivots, ag_tensor *b, bool transposed)
{
    return ag__apply(&ag__op_lu_solve, &transposed, lu, pivots, b);
}
