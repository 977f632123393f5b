/* spectral.c - eigenvalues of symmetric matrices and singular values, with their vectors; QR. Derivatives as in M. B.
 * Giles, Collected matrix derivative results (2008), and S. F. Walter and L. Lehmann, Algorithmic differentiation of
 * linear algebra functions (2010). Vectors have derivatives where values are distinct; those of values alone exist
 * always. */
#include <autograd/ops/linalg.h>

static int64_t least(int64_t m, int64_t n)
{
    return m < n ? m : n;
}

/* ---- eigh, A = V diag(l) V': gA = V (diag(gl) + skew(V' gV) / 2 gaps) V' ---- */

static ag_status eigh_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, true)) return ag_error();
    ag__shape_copy(&out[0], c->in[0]->layout);
    ag__shape_copy(&out[1], c->in[0]->layout);
    out[0].rank--;
    return AG_OK;
}
static ag_status eigh_forward(ag_call *c)
{
    ag__matrices m = ag__matrices_of(c->in[0]->layout);
    int64_t item = (int64_t)c->in[0]->layout->item;
    memcpy(c->out[1]->data, c->in[0]->data, (size_t)(m.count * m.bytes));
    for (int64_t i = 0; i < m.count && m.rows; i++) {
        int info = ag__lapack_eigh(ag__title(c->op), m.dtype, m.rows, (char *)c->out[1]->data + i * m.bytes,
                                   *(const bool *)c->attr, (char *)c->out[0]->data + i * m.rows * item);
        if (info == AG__LAPACK_FAILED) return ag_error();
        if (info) return ag__matrix_fails(c, i, "has no eigenvalues that LAPACK finds; it said", info);
    }
    return AG_OK;
}
static ag_status eigh_vjp(ag_call *c)
{
    ag_tensor *l = c->out[0], *v = c->out[1], *gl = c->g[0], *gv = c->g[1];
    if (!gl && !gv) return AG_OK;
    if (!gv) return c->gin[0] = ag_matmul(ag__scale_columns(v, gl), ag__turned(v)), ag_error();
    ag_tensor *core = ag_div(ag_mul(0.5, ag__skew(ag_matmul(ag__turned(v), gv))), ag__gaps(l));
    if (gl) core = ag_add(core, ag__diagonal_matrix(gl));
    c->gin[0] = ag__matmul3(v, core, ag__turned(v));
    return ag_error();
}
/* dl = diag(P), dV = V (P / gaps without its diagonal), P = V' dA V */
static ag_status eigh_jvp(ag_call *c)
{
    ag_tensor *l = c->out[0], *v = c->out[1];
    if (!c->tangent[0]) return AG_OK;
    ag_tensor *p = ag__matmul3(ag__turned(v), c->tangent[0], v);
    c->tout[0] = ag__diagonal(p);
    c->tout[1] = ag_matmul(v, ag__band(ag_div(p, ag__gaps(l)), 1, 0, 1));
    return ag_error();
}
const ag_op ag__op_eigh = { .name = "eigh",
                            .n_in = 1,
                            .n_out = 2,
                            .attr_size = sizeof(bool),
                            .shape = eigh_shape,
                            .forward = eigh_forward,
                            .vjp = eigh_vjp,
                            .jvp = eigh_jvp,
                            .saves = AG_SAVES_OUT(0) | AG_SAVES_OUT(1) };

ag_tensor *ag_eigh(ag_tensor *x, bool upper, ag_tensor **vectors)
{
    ag_tensor *out[AG_MAX_OUT] = { NULL };
    if (vectors) *vectors = NULL;
    if (ag_apply_all(&ag__op_eigh, &upper, AG_LIST(x), out)) return NULL;
    if (vectors) *vectors = out[1];
    return out[0];
}

static ag_status eigvalsh_shape(const ag_call *c, ag_shape *out)
{
    ag_shape both[2];
    if (eigh_shape(c, both)) return ag_error();
    *out = both[0];
    return AG_OK;
}
static ag_tensor *eigvalsh_compose(const ag_call *c)
{
    return ag_eigh(c->in[0], *(const bool *)c->attr, NULL);
}
const ag_op ag__op_eigvalsh = {
    .name = "eigvalsh", .n_in = 1, .attr_size = sizeof(bool), .shape = eigvalsh_shape, .compose = eigvalsh_compose
};
ag_tensor *ag_eigvalsh(ag_tensor *x, bool upper)
{
    return ag__apply(&ag__op_eigvalsh, &upper, x);
}

/* ---- svd, A = U diag(s) V', by the first k columns of U and V alone, which are unique but for their signs:
 * gA = U [(skew(U' gU) s + s skew(V' gV)) / gaps(s^2) + diag(gs)] V', and where A is tall + (1 - U U') gU / s V',
 * where it is wide + U / s gV' (1 - V V') ---- */

static ag_status svd_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, false)) return ag_error();
    bool full = *(const bool *)c->attr;
    int64_t m = ag__n_rows(c->in[0]), n = ag__n_cols(c->in[0]), k = least(m, n);
    for (int i = 0; i < 3; i++) ag__shape_copy(&out[i], c->in[0]->layout);
    int r = out[0].rank;
    out[0].dims[r - 1] = full ? m : k, out[2].dims[r - 2] = full ? n : k;
    out[1].rank = r - 1, out[1].dims[r - 2] = k;
    return AG_OK;
}
/* Of a matrix without elements: identities. */
static void identities(ag_tensor *x)
{
    if (x->layout->numel == 0) return;
    ag__matrices m = ag__matrices_of(x->layout);
    memset(x->data, 0, (size_t)(m.count * m.bytes));
    for (int64_t i = 0; i < m.count * m.rows; i++) ag__number_put(m.dtype, x->data, i * m.cols + i % m.rows, 1);
}
static ag_status svd_forward(ag_call *c)
{
    ag__matrices m = ag__matrices_of(c->in[0]->layout), u = ag__matrices_of(c->out[0]->layout),
                 vh = ag__matrices_of(c->out[2]->layout);
    int64_t k = least(m.rows, m.cols), item = (int64_t)c->in[0]->layout->item;
    if (k == 0) return identities(c->out[0]), identities(c->out[2]), AG_OK;
    ag__scratch a;
    if (!ag__scratch_get(&a, m.bytes)) return ag_error();
    int info = 0;
    int64_t i = 0;
    for (; i < m.count && !info; i++) {
        memcpy(a.at, (char *)c->in[0]->data + i * m.bytes, (size_t)m.bytes);
        info = ag__lapack_svd(ag__title(c->op), m.dtype, m.rows, m.cols, a.at, (char *)c->out[1]->data + i * k * item,
                              (char *)c->out[0]->data + i * u.bytes, (char *)c->out[2]->data + i * vh.bytes,
                              *(const bool *)c->attr);
    }
    ag__scratch_put(&a);
    if (info && info != AG__LAPACK_FAILED)
        ag__matrix_fails(c, i - 1, "has no singular values that LAPACK finds; it said", info);
    return ag_error();
}
/* The part of U and V that is unique, of these or of their gradients. */
static ag_tensor *unique_u(const ag_call *c, ag_tensor *u)
{
    return u ? ag__columns(u, 0, c->out[1]->layout->dims[c->out[1]->layout->rank - 1]) : NULL;
}
static ag_tensor *unique_v(const ag_call *c, ag_tensor *vh)
{
    return vh ? ag__turned(ag__rows(vh, 0, c->out[1]->layout->dims[c->out[1]->layout->rank - 1])) : NULL;
}
/* x - U U' x */
static ag_tensor *outside(ag_tensor *u, ag_tensor *x)
{
    return ag_sub(x, ag__matmul3(u, ag__turned(u), x));
}
static ag_status svd_vjp(ag_call *c)
{
    ag_tensor *s = c->out[1], *u = unique_u(c, c->out[0]), *v = unique_v(c, c->out[2]);
    ag_tensor *gu = unique_u(c, c->g[0]), *gs = c->g[1], *gv = unique_v(c, c->g[2]);
    if (!u || !v || (!gu && !gs && !gv)) return ag_error();
    int64_t m = ag__n_rows(u), n = ag__n_rows(v);
    if (!gu && !gv) return c->gin[0] = ag_matmul(ag__scale_columns(u, gs), ag__turned(v)), ag_error();
    ag_tensor *by_u = gu ? ag__scale_columns(ag__skew(ag_matmul(ag__turned(u), gu)), s) : NULL;
    ag_tensor *by_v = gv ? ag__scale_rows(s, ag__skew(ag_matmul(ag__turned(v), gv))) : NULL;
    ag_tensor *core = ag_div(ag__sum_of(by_u, by_v), ag__gaps(ag_square(s)));
    if (gs) core = ag_add(core, ag__diagonal_matrix(gs));
    ag_tensor *g = ag__matmul3(u, core, ag__turned(v));
    if (m > n && gu) g = ag_add(g, ag_matmul(outside(u, ag_div(gu, ag_unsqueeze(s, -2))), ag__turned(v)));
    if (m < n && gv) g = ag_add(g, ag_matmul(u, ag__turned(outside(v, ag_div(gv, ag_unsqueeze(s, -2))))));
    c->gin[0] = g;
    return ag_error();
}
/* P = U' dA V, ds = diag(P), dU = U sym(P s) / gaps(s^2), dV = V sym(s P) / gaps(s^2), without the diagonals, and the
 * rest of dA V / s where A is tall, of dA' U / s where it is wide. The columns that are not unique stand still. */
static ag_tensor *stands_still(ag_tensor *d, const ag_tensor *like, int axis)
{
    if (!d || ag_size(d, axis) == ag_size(like, axis)) return d;
    int64_t dims[AG_MAX_RANK];
    int rank = like->layout->rank;
    memcpy(dims, like->layout->dims, sizeof dims);
    dims[rank + axis] -= ag_size(d, axis);
    return ag_cat(AG_LIST(d, (ag_zeros)(d->layout->dtype, rank, dims)), axis);
}
static ag_status svd_jvp(ag_call *c)
{
    ag_tensor *t = c->tangent[0], *s = c->out[1], *u = unique_u(c, c->out[0]), *v = unique_v(c, c->out[2]);
    if (!t || !u || !v) return ag_error();
    int64_t m = ag__n_rows(u), n = ag__n_rows(v);
    ag_tensor *p = ag__matmul3(ag__turned(u), t, v), *gaps = ag__gaps(ag_square(s));
    c->tout[1] = ag__diagonal(p);
    ag_tensor *x = ag__band(p, 1, 0, 1);
    ag_tensor *du = ag_matmul(u, ag_div(ag__sym(ag__scale_columns(x, s)), gaps));
    ag_tensor *dv = ag_matmul(v, ag_div(ag__sym(ag__scale_rows(s, x)), gaps));
    if (m > n) du = ag_add(du, outside(u, ag_div(ag_matmul(t, v), ag_unsqueeze(s, -2))));
    if (m < n) dv = ag_add(dv, outside(v, ag_div(ag_matmul(ag__turned(t), u), ag_unsqueeze(s, -2))));
    c->tout[0] = stands_still(du, c->out[0], -1);
    c->tout[2] = stands_still(ag__turned(dv), c->out[2], -2);
    return ag_error();
}
const ag_op ag__op_svd = { .name = "svd",
                           .n_in = 1,
                           .n_out = 3,
                           .attr_size = sizeof(bool),
                           .shape = svd_shape,
                           .forward = svd_forward,
                           .vjp = svd_vjp,
                           .jvp = svd_jvp,
                           .saves = AG_SAVES_OUT(0) | AG_SAVES_OUT(1) | AG_SAVES_OUT(2) };

ag_tensor *ag_svd(ag_tensor *x, bool full, ag_tensor **s, ag_tensor **vh)
{
    ag_tensor *out[AG_MAX_OUT] = { NULL };
    if (s) *s = NULL;
    if (vh) *vh = NULL;
    if (ag_apply_all(&ag__op_svd, &full, AG_LIST(x), out)) return NULL;
    if (s) *s = out[1];
    if (vh) *vh = out[2];
    return out[0];
}

static ag_status svdvals_shape(const ag_call *c, ag_shape *out)
{
    ag_shape all[3];
    bool full = false;
    if (svd_shape(&(ag_call){ .op = c->op, .attr = &full, .in = c->in }, all)) return ag_error();
    *out = all[1];
    return AG_OK;
}
static ag_tensor *svdvals_compose(const ag_call *c)
{
    ag_tensor *s;
    ag_svd(c->in[0], false, &s, NULL);
    return s;
}
const ag_op ag__op_svdvals = { .name = "svdvals", .n_in = 1, .shape = svdvals_shape, .compose = svdvals_compose };

ag_tensor *ag_svdvals(ag_tensor *x)
{
    return ag__apply(&ag__op_svdvals, NULL, x);
}

/* ---- qr, A = Q R. Where A is not wide: gA = (gQ + Q sym'(up(gR R' - Q' gQ))) R'^-1, sym' with the diagonal once;
 * where it is, with R1 its square part: gA = Q gR + [Q low(skew(Q' gQ - gR R')) R1'^-1, 0] ---- */

static ag_status qr_shape(const ag_call *c, ag_shape *out)
{
    ag_qr_mode mode = *(const ag_qr_mode *)c->attr;
    if (mode != AG_REDUCED && mode != AG_COMPLETE)
        return ag_fail(AG_EINVAL, "ag_qr: mode %d is neither AG_REDUCED nor AG_COMPLETE", (int)mode);
    if (!ag__need_matrix(c, 0, false)) return ag_error();
    int64_t m = ag__n_rows(c->in[0]), k = least(m, ag__n_cols(c->in[0]));
    for (int i = 0; i < 2; i++) ag__shape_copy(&out[i], c->in[0]->layout);
    out[0].dims[out[0].rank - 1] = out[1].dims[out[1].rank - 2] = mode == AG_COMPLETE ? m : k;
    return AG_OK;
}
/* One matrix, in w [m, widest]: its reflections, then R is taken out, then they become Q. */
static int qr_one(const ag_call *c, const ag__matrices *m, int64_t k, char *a, char *w, void *tau, char *q, char *r)
{
    int64_t item = (int64_t)ag_dtype_size(m->dtype), width = ag__n_cols(c->out[0]);
    memcpy(w, a, (size_t)m->bytes);
    int info = ag__lapack_qr(ag__title(c->op), m->dtype, m->rows, m->cols, w, tau);
    if (info) return info;
    for (int64_t i = 0; i < width; i++) {
        int64_t below = least(i, m->cols);
        memset(r + i * m->cols * item, 0, (size_t)(below * item));
        memcpy(r + (i * m->cols + below) * item, w + (i * m->cols + below) * item, (size_t)((m->cols - below) * item));
    }
    for (int64_t i = 0; i < m->rows; i++) memcpy(q + i * width * item, w + i * m->cols * item, (size_t)(k * item));
    return ag__lapack_q(ag__title(c->op), m->dtype, m->rows, width, k, q, tau);
}
static ag_status qr_forward(ag_call *c)
{
    ag__matrices m = ag__matrices_of(c->in[0]->layout), q = ag__matrices_of(c->out[0]->layout),
                 r = ag__matrices_of(c->out[1]->layout);
    int64_t k = least(m.rows, m.cols);
    if (k == 0) return identities(c->out[0]), AG_OK;
    ag__scratch w = { 0 }, tau = { 0 };
    bool room = ag__scratch_get(&w, m.bytes) && ag__scratch_get(&tau, k * (int64_t)sizeof(double));
    memset(c->out[0]->data, 0, (size_t)(q.count * q.bytes));
    for (int64_t i = 0; room && i < m.count; i++) {
        char *to_q = (char *)c->out[0]->data + i * q.bytes, *to_r = (char *)c->out[1]->data + i * r.bytes;
        int info = qr_one(c, &m, k, (char *)c->in[0]->data + i * m.bytes, w.at, tau.at, to_q, to_r);
        if (info == AG__LAPACK_FAILED) break;
        if (info) ag__fill_nan(m.dtype, q.rows * q.cols, to_q), ag__fill_nan(m.dtype, r.rows * r.cols, to_r);
    }
    ag__scratch_put(&w), ag__scratch_put(&tau);
    return ag_error();
}
/* With all of Q, columns of which are not unique, there is no derivative. */
static bool qr_is_smooth(const ag_call *c)
{
    if (ag__n_cols(c->out[0]) <= ag__n_cols(c->out[1])) return true;
    ag_fail(AG_ENODIFF, "ag_qr: Q %s of %s is not unique: AG_REDUCED has a derivative", ag__text(c->out[0]->layout),
            ag__text(c->in[0]->layout));
    return false;
}
static ag_status qr_vjp(ag_call *c)
{
    ag_tensor *q = c->out[0], *r = c->out[1], *gq = c->g[0], *gr = c->g[1];
    if ((!gq && !gr) || !qr_is_smooth(c)) return ag_error();
    int64_t m = ag__n_rows(q), n = ag__n_cols(r);
    ag_tensor *by_r = gr ? ag_matmul(gr, ag__turned(r)) : NULL;
    ag_tensor *by_q = gq ? ag_neg(ag_matmul(ag__turned(q), gq)) : NULL, *both = ag__sum_of(by_r, by_q);
    if (m >= n) {
        ag_tensor *up = ag__band(both, 0, 0.5, 1), *g = ag_matmul(q, ag__sym(up));
        c->gin[0] = ag_solve_triangular(ag__turned(r), gq ? ag_add(g, gq) : g, .right = true);
        return ag_error();
    }
    ag_tensor *core = ag_matmul(q, ag__band(ag__skew(ag_neg(both)), 1, 1, 0));
    ag_tensor *g = ag_solve_triangular(ag__turned(ag__columns(r, 0, m)), core, .right = true);
    g = ag_cat(AG_LIST(g, ag_zeros_like(ag__columns(r, m, n))), -1);
    c->gin[0] = gr ? ag_add(g, ag_matmul(q, gr)) : g;
    return ag_error();
}
/* Not wide: X = dA R^-1, Y = up(sym(Q' X)) with the diagonal halved, dQ = X - Q Y, dR = Y R. Wide: X = Q' dA,
 * Y = skew(low(X1 R1^-1)), dQ = Q Y, dR = X - Y R. */
static ag_status qr_jvp(ag_call *c)
{
    ag_tensor *q = c->out[0], *r = c->out[1], *t = c->tangent[0];
    if (!t || !qr_is_smooth(c)) return ag_error();
    int64_t m = ag__n_rows(q), n = ag__n_cols(r);
    if (m >= n) {
        ag_tensor *x = ag_solve_triangular(r, t, .upper = true, .right = true);
        ag_tensor *y = ag__band(ag__sym(ag_matmul(ag__turned(q), x)), 0, 0.5, 1);
        c->tout[0] = ag_sub(x, ag_matmul(q, y)), c->tout[1] = ag_matmul(y, r);
        return ag_error();
    }
    ag_tensor *x = ag_matmul(ag__turned(q), t);
    ag_tensor *part = ag_solve_triangular(ag__columns(r, 0, m), ag__columns(x, 0, m), .upper = true, .right = true);
    ag_tensor *y = ag__skew(ag__band(part, 1, 0, 0));
    c->tout[0] = ag_matmul(q, y), c->tout[1] = ag_sub(x, ag_matmul(y, r));
    return ag_error();
}
const ag_op ag__op_qr = { .name = "qr",
                          .n_in = 1,
                          .n_out = 2,
                          .attr_size = sizeof(ag_qr_mode),
                          .shape = qr_shape,
                          .forward = qr_forward,
                          .vjp = qr_vjp,
                          .jvp = qr_jvp,
                          .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) | AG_SAVES_OUT(1) };

ag_tensor *ag_qr(ag_tensor *x, ag_qr_mode mode, ag_tensor **r)
{
    ag_tensor *out[AG_MAX_OUT] = { NULL };
    if (r) *r = NULL;
    if (ag_apply_all(&ag__op_qr, &mode, AG_LIST(x), out)) return NULL;
    if (r) *r = out[1];
    return out[0];
}
