/* pinv.c - pseudo-inverses and least squares. Derivatives: G. H. Golub and V. Pereyra, The differentiation of
 * pseudo-inverses (1973): dY = -Y dA Y + (1 - Y A) dA' Y' Y + Y Y' dA' (1 - A Y), where the rank stays. */
#include <autograd/ops/linalg.h>
#include <float.h>
#include <math.h>

static int64_t least(int64_t m, int64_t n)
{
    return m < n ? m : n;
}
static double epsilon_of(ag_dtype dtype)
{
    return dtype == AG_F64 ? DBL_EPSILON : FLT_EPSILON;
}

/* ---- pinv: Y = V diag(1 / s) U', singular values up to max(atol, rtol s[0]) left out ---- */

typedef struct cutoff {
    double atol, rtol;
    bool hermitian;
} cutoff;

static ag_status pinv_shape(const ag_call *c, ag_shape *out)
{
    const cutoff *o = c->attr;
    if (!ag__need_matrix(c, 0, o->hermitian)) return ag_error();
    if (!(o->atol >= 0 && o->rtol >= 0))
        return ag_fail(AG_EINVAL, "ag_pinv: .atol %g and .rtol %g of %s must not be negative", o->atol, o->rtol,
                       ag__text(c->in[0]->layout));
    ag__shape_copy(out, c->in[0]->layout);
    out->dims[out->rank - 2] = ag__n_cols(c->in[0]), out->dims[out->rank - 1] = ag__n_rows(c->in[0]);
    return AG_OK;
}
/* 1 / s of what counts, 0 of the rest. PyTorch's rtol is max(m, n) epsilon, or nothing beside an atol. */
static ag_tensor *inverted(const ag_call *c, ag_tensor *s)
{
    const cutoff *o = c->attr;
    int64_t m = ag__n_rows(c->in[0]), n = ag__n_cols(c->in[0]);
    double rtol = o->rtol > 0   ? o->rtol
                  : o->atol > 0 ? 0
                                : (double)(m > n ? m : n) * epsilon_of(c->in[0]->layout->dtype);
    ag_tensor *size = ag_abs(s), *least_size = ag_maximum(ag_mul(ag_max_keep(size, -1), rtol), o->atol);
    return ag_where(ag_gt(size, least_size), ag_reciprocal(s), ag_num(0));
}
static ag_status pinv_forward(ag_call *c)
{
    if (c->out[0]->layout->numel == 0) return AG_OK;
    ag_tensor *s, *vh, *u, *y;
    if (((const cutoff *)c->attr)->hermitian) {
        s = ag_eigh(c->in[0], false, &u);
        y = u ? ag_matmul(ag__scale_columns(u, inverted(c, s)), ag__turned(u)) : NULL;
    } else {
        u = ag_svd(c->in[0], false, &s, &vh);
        y = u ? ag_matmul(ag__scale_columns(ag__turned(vh), inverted(c, s)), ag__turned(u)) : NULL;
    }
    return y ? ag_assign(c->out[0], y) : ag_error();
}
/* Of the two orders of multiplying the one with the smaller matrices; p is Y', h the turned gradient or tangent. */
static ag_status pinv_vjp(ag_call *c)
{
    ag_tensor *a = c->in[0], *y = c->out[0], *p = ag__turned(y), *h = ag__turned(c->g[0]);
    ag_tensor *k, *kp, *direct;
    if (ag__n_rows(a) <= ag__n_cols(a)) {
        k = ag_matmul(h, y), kp = ag_matmul(k, p), direct = ag_neg(ag__turned(ag_matmul(y, k)));
        ag_tensor *left = ag_sub(kp, ag__matmul3(a, y, kp));
        c->gin[0] = ag_add(ag_add(direct, left), ag__matmul3(p, y, ag_sub(h, ag_matmul(k, a))));
    } else {
        k = ag_matmul(y, h), kp = ag_matmul(p, k), direct = ag_neg(ag__turned(ag_matmul(k, y)));
        ag_tensor *left = ag_matmul(ag_matmul(ag_sub(h, ag_matmul(a, k)), y), p);
        c->gin[0] = ag_add(ag_add(direct, left), ag_sub(kp, ag_matmul(ag_matmul(kp, y), a)));
    }
    return ag_error();
}
static ag_status pinv_jvp(ag_call *c)
{
    ag_tensor *a = c->in[0], *y = c->out[0], *p = ag__turned(y), *t = c->tangent[0];
    if (!t) return AG_OK;
    ag_tensor *h = ag__turned(t), *yt = ag_matmul(y, t);
    ag_tensor *left = ag_matmul(ag_sub(h, ag__matmul3(y, a, h)), ag_matmul(p, y));
    ag_tensor *right = ag_matmul(ag_matmul(y, p), ag_sub(h, ag_matmul(ag_matmul(h, a), y)));
    c->tout[0] = ag_add(ag_sub(left, ag_matmul(yt, y)), right);
    return ag_error();
}
const ag_op ag__op_pinv = { .name = "pinv",
                            .n_in = 1,
                            .attr_size = sizeof(cutoff),
                            .shape = pinv_shape,
                            .forward = pinv_forward,
                            .vjp = pinv_vjp,
                            .jvp = pinv_jvp,
                            .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

ag_tensor *(ag_pinv)(ag_tensor *x, const ag_pinv_options *options)
{
    ag_pinv_options o = options ? *options : (ag_pinv_options){ .size = sizeof o };
    return ag__apply(&ag__op_pinv, (&(cutoff){ o.atol, o.rtol, o.hermitian }), x);
}

/* ---- lstsq, X = Y B with Y = pinv A: dB = Y' g, dA as pinv's of dY = g B' ---- */

typedef struct drive {
    ag_lstsq_driver driver;
    double rcond;
} drive;

static bool is_vector(const ag_tensor *a, const ag_tensor *b)
{
    return ag_rank(b) == ag_rank(a) - 1;
}
static ag_status lstsq_shape(const ag_call *c, ag_shape *out)
{
    const drive *o = c->attr;
    if (o->driver < AG_GELSY || o->driver > AG_GELSS)
        return ag_fail(AG_EINVAL, "ag_lstsq: driver %d is none of AG_GELSY, AG_GELS, AG_GELSD, AG_GELSS",
                       (int)o->driver);
    if (!ag__need_matrix(c, 0, false)) return ag_error();
    if (!c->in[1]) return ag_fail(AG_ENULL, "ag_lstsq: operand 2 is NULL");
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    bool vector = is_vector(c->in[0], c->in[1]);
    if (!vector && !ag__need_matrix(c, 1, false)) return ag_error();
    if (a->dtype != b->dtype)
        return ag_fail(AG_EDTYPE, "ag_lstsq: dtypes differ: %s %s and %s %s", ag_dtype_name(a->dtype), ag__text(a),
                       ag_dtype_name(b->dtype), ag__text(b));
    bool fits = b->rank == a->rank - vector;
    for (int i = 0; fits && i < a->rank - 1; i++) fits = a->dims[i] == b->dims[i];
    if (!fits) return ag_fail(AG_ESHAPE, "ag_lstsq: %s and right sides %s do not fit", ag__text(a), ag__text(b));
    ag__shape_copy(&out[0], b);
    out[0].dims[a->rank - 2] = a->dims[a->rank - 1];
    ag__shape_copy(&out[1], a);
    out[1].dtype = AG_I64, out[1].rank = a->rank - 2;
    ag__shape_copy(&out[2], a);
    out[2].rank = a->rank - 1, out[2].dims[a->rank - 2] = least(a->dims[a->rank - 2], a->dims[a->rank - 1]);
    return AG_OK;
}

static void to_doubles(ag_dtype dtype, int64_t n, const void *x, int64_t at, double *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = ag__number_at(dtype, x, at + i);
}
/* In doubles, whatever the dtype. LAPACK wants b with room for the solution. */
static ag_status lstsq_forward(ag_call *c)
{
    const drive *o = c->attr;
    ag__matrices m = ag__matrices_of(c->in[0]->layout);
    int64_t k = is_vector(c->in[0], c->in[1]) ? 1 : ag__n_cols(c->in[1]), small = least(m.rows, m.cols);
    int64_t tall = m.rows > m.cols ? m.rows : m.cols, item = (int64_t)sizeof(double);
    ag__scratch a = { 0 }, b = { 0 }, s = { 0 };
    bool ok = ag__scratch_get(&a, m.rows * m.cols * item) && ag__scratch_get(&b, tall * k * item) &&
              ag__scratch_get(&s, small * item);
    for (int64_t i = 0; ok && i < m.count; i++) {
        int32_t rank = 0;
        memset(b.at, 0, (size_t)(tall * k * item));
        memset(s.at, 0, (size_t)(small * item));
        to_doubles(m.dtype, m.rows * m.cols, c->in[0]->data, i * m.rows * m.cols, a.at);
        to_doubles(m.dtype, m.rows * k, c->in[1]->data, i * m.rows * k, b.at);
        int info = 0;
        if (small && k)
            info = ag__lapack_lstsq(ag__title(c->op), o->driver, m.rows, m.cols, k, a.at, b.at, o->rcond, s.at, &rank);
        if (info == AG__LAPACK_NAN) ag__fill_nan(AG_F64, tall * k, b.at);
        if (info > 0) ag__matrix_fails(c, i, "has not full rank, or does not converge; LAPACK said", info);
        ok = info == 0 || info == AG__LAPACK_NAN;
        if (small == 0) memset(b.at, 0, (size_t)(tall * k * item));
        for (int64_t j = 0; j < m.cols * k; j++)
            ag__number_put(m.dtype, c->out[0]->data, i * m.cols * k + j, ((double *)b.at)[j]);
        ag__whole_put(AG_I64, c->out[1]->data, i, rank);
        for (int64_t j = 0; j < small; j++)
            ag__number_put(m.dtype, c->out[2]->data, i * small + j, ((double *)s.at)[j]);
    }
    ag__scratch_put(&a), ag__scratch_put(&b), ag__scratch_put(&s);
    return ag_error();
}
static ag_tensor *as_matrix(const ag_call *c, ag_tensor *x)
{
    return x && is_vector(c->in[0], c->in[1]) ? ag_unsqueeze(x, -1) : x;
}
static ag_tensor *as_given(const ag_call *c, ag_tensor *x)
{
    return x && is_vector(c->in[0], c->in[1]) ? ag_squeeze(x, -1) : x;
}
static ag_status lstsq_vjp(ag_call *c)
{
    ag_tensor *g = as_matrix(c, c->g[0]), *y = ag_pinv(c->in[0]);
    if (!g || !y) return ag_error();
    if (c->need[0]) {
        ag_tensor *in[1] = { c->in[0] }, *out[1] = { y }, *gy[1] = { ag_matmul(g, ag__turned(as_matrix(c, c->in[1]))) };
        if (!gy[0]) return ag_error();
        pinv_vjp(&(ag_call){ .in = in, .out = out, .g = gy, .gin = c->gin });
    }
    c->gin[1] = as_given(c, ag_matmul(ag__turned(y), g));
    return ag_error();
}
static ag_status lstsq_jvp(ag_call *c)
{
    ag_tensor *ta = c->tangent[0], *tb = as_matrix(c, c->tangent[1]), *y = ag_pinv(c->in[0]), *ty = NULL;
    if (!y) return ag_error();
    if (ta) {
        ag_tensor *in[1] = { c->in[0] }, *out[1] = { y };
        if (pinv_jvp(&(ag_call){ .in = in, .out = out, .tangent = &ta, .tout = &ty })) return ag_error();
    }
    ag_tensor *by_a = ta ? ag_matmul(ty, as_matrix(c, c->in[1])) : NULL, *by_b = tb ? ag_matmul(y, tb) : NULL;
    if (ta || tb) c->tout[0] = as_given(c, ag__sum_of(by_a, by_b));
    return ag_error();
}
const ag_op ag__op_lstsq = { .name = "lstsq",
                             .n_in = 2,
                             .n_out = 3,
                             .attr_size = sizeof(drive),
                             .shape = lstsq_shape,
                             .forward = lstsq_forward,
                             .vjp = lstsq_vjp,
                             .jvp = lstsq_jvp,
                             .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) };

ag_tensor *(ag_lstsq)(ag_tensor *a, ag_tensor *b, const ag_lstsq_options *options)
{
    ag_lstsq_options o = options ? *options : (ag_lstsq_options){ .size = sizeof o };
    ag_tensor *out[AG_MAX_OUT] = { NULL };
    drive d = { o.driver, o.rcond };
    if (o.rank) *o.rank = NULL;
    if (o.singular_values) *o.singular_values = NULL;
    if (d.rcond == 0 && a && ag_rank(a) >= 2)
        d.rcond =
            epsilon_of(ag_dtype_of(a)) * (double)(ag_size(a, -1) > ag_size(a, -2) ? ag_size(a, -1) : ag_size(a, -2));
    if (ag_apply_all(&ag__op_lstsq, &d, AG_LIST(a, b), out)) return NULL;
    if (o.rank) *o.rank = out[1];
    if (o.singular_values) *o.singular_values = out[2];
    return out[0];
}
