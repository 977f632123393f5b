/* matrix.c - functions of square matrices made of products: powers, the exponential, chains, reflections. */
#include <autograd/ops/linalg.h>
#include <math.h>

static ag_status square_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, true)) return ag_error();
    ag__shape_copy(out, c->in[0]->layout);
    return AG_OK;
}
/* The identity in the shape of x, with a derivative, 0. */
static ag_tensor *identity_like(ag_tensor *x)
{
    return ag_add(ag__band(x, 0, 0, 0), ag_eye(x->layout->dtype, ag__n_cols(x)));
}

/* ---- matrix_power, by repeated squaring ---- */

static ag_tensor *matrix_power_compose(const ag_call *c)
{
    int64_t n = *(const int64_t *)c->attr;
    ag_tensor *x = c->in[0], *y = NULL;
    if (n == 0) return identity_like(x);
    if (n < 0) x = ag_inv(x);
    for (uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n; left; left >>= 1) {
        if (left & 1) y = y ? ag_matmul(y, x) : x;
        if (left > 1) x = ag_matmul(x, x);
    }
    return y == c->in[0] ? ag_clone(y) : y;
}
const ag_op ag__op_matrix_power = { .name = "matrix_power",
                                    .n_in = 1,
                                    .attr_size = sizeof(int64_t),
                                    .shape = square_shape,
                                    .compose = matrix_power_compose };

ag_tensor *ag_matrix_power(ag_tensor *x, int64_t n)
{
    return ag__apply(&ag__op_matrix_power, &n, x);
}

/* ---- matrix_exp: e^x = (e^(x / 2^s))^(2^s), the inner one by Taylor's series to the 18th power, which is exact to
 * double precision where the 1-norm is at most 1.09 (P. Bader, S. Blanes and F. Casas, Computing the matrix exponential
 * with an optimized Taylor polynomial approximation, 2019). In five blocks of powers of x^4. ---- */

enum { BLOCK = 4, DEGREE = 18, MOST_HALVINGS = 1100 };

/* How often x is to be halved. */
static int halvings(ag_tensor *x)
{
    ag_tensor *norm = ag_max(ag_sum(ag_abs(ag_detach(x)), -2));
    double size = norm ? ag_item(norm) : 0;
    int s = isfinite(size) && size > 1.09 ? (int)ceil(log2(size / 1.09)) : 0;
    return s < MOST_HALVINGS ? s : MOST_HALVINGS;
}
static ag_tensor *taylor(ag_tensor *x)
{
    double coefficient[DEGREE + 1] = { 1 };
    ag_tensor *power[BLOCK + 1] = { ag_eye(x->layout->dtype, ag__n_cols(x)), x }, *y = NULL;
    for (int k = 1; k <= DEGREE; k++) coefficient[k] = coefficient[k - 1] / k;
    for (int k = 2; k <= BLOCK; k++) power[k] = ag_matmul(power[k / 2], power[k - k / 2]);
    for (int from = DEGREE / BLOCK * BLOCK; from >= 0; from -= BLOCK) {
        if (y) y = ag_matmul(power[BLOCK], y);
        for (int k = 0; k < BLOCK && from + k <= DEGREE; k++)
            y = ag__sum_of(y, ag_mul(power[k], coefficient[from + k]));
    }
    return y;
}
static ag_tensor *matrix_exp_compose(const ag_call *c)
{
    ag_tensor *x = c->in[0];
    if (x->layout->numel == 0) return identity_like(x);
    int s = halvings(x);
    ag_tensor *y = taylor(s ? ag_mul(x, ldexp(1, -s)) : x);
    while (s-- > 0 && y) y = ag_matmul(y, y);
    return y;
}
const ag_op ag__op_matrix_exp = {
    .name = "matrix_exp", .n_in = 1, .shape = square_shape, .compose = matrix_exp_compose
};

ag_tensor *ag_matrix_exp(ag_tensor *x)
{
    return ag__apply(&ag__op_matrix_exp, NULL, x);
}

/* ---- multi_dot: a chain of matrices; the first and the last may be vectors ---- */

static ag_status multi_dot_shape(const ag_call *c, ag_shape *out)
{
    if (c->n_in < 2) return ag_fail(AG_EINVAL, "ag_multi_dot: takes at least 2 matrices, got %d", c->n_in);
    int64_t inner = 0;
    out->rank = 0, out->dtype = c->in[0]->layout->dtype;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->in[i]) return ag_fail(AG_ENULL, "ag_multi_dot: operand %d is NULL", i + 1);
        const ag__layout *l = c->in[i]->layout;
        bool end = i == 0 || i == c->n_in - 1;
        if (l->rank != 2 && !(end && l->rank == 1))
            return ag_fail(AG_ESHAPE, "ag_multi_dot: operand %d is %s, not a matrix%s", i + 1, ag__text(l),
                           end ? " or a vector" : "");
        if (!ag__is_float(l->dtype) || l->dtype != out->dtype)
            return ag_fail(AG_EDTYPE, "ag_multi_dot: all must be f32 or all f64; operand %d is %s %s", i + 1,
                           ag_dtype_name(l->dtype), ag__text(l));
        if (i > 0 && l->dims[0] != inner)
            return ag_fail(AG_ESHAPE, "ag_multi_dot: operand %d is %s, after one with %lld columns", i + 1, ag__text(l),
                           (long long)inner);
        inner = l->dims[l->rank - 1];
        if (l->rank == 2 && i == 0) out->dims[out->rank++] = l->dims[0];
        if (l->rank == 2 && i == c->n_in - 1) out->dims[out->rank++] = inner;
    }
    return AG_OK;
}
/* From the end that a vector is at, so that all products are of a matrix with a vector. */
static ag_tensor *multi_dot_compose(const ag_call *c)
{
    int n = c->n_in;
    ag_tensor *y;
    if (c->in[n - 1]->layout->rank == 1) {
        y = c->in[n - 1];
        for (int i = n - 2; i >= 0; i--) y = ag_matmul(c->in[i], y);
        return y;
    }
    y = c->in[0];
    for (int i = 1; i < n; i++) y = ag_matmul(y, c->in[i]);
    return y;
}
const ag_op ag__op_multi_dot = {
    .name = "multi_dot", .n_in = -1, .shape = multi_dot_shape, .compose = multi_dot_compose
};

ag_tensor *ag_multi_dot(ag_list x)
{
    if (!ag__have_list(x.n, x.at, "ag_multi_dot")) return NULL;
    if (x.n == 0) return ag_fail(AG_EINVAL, "ag_multi_dot: takes at least 2 matrices, got 0"), NULL;
    return (ag_apply)(&ag__op_multi_dot, NULL, (int)x.n, x.at);
}

/* ---- householder_product: the first columns of H1 H2 ... Hk, H = 1 - tau v v', v below the diagonal of x, 1 on it
 * ---- */

static ag_status householder_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__need_matrix(c, 0, false)) return ag_error();
    if (!c->in[1]) return ag_fail(AG_ENULL, "ag_householder_product: operand 2 is NULL");
    const ag__layout *x = c->in[0]->layout, *tau = c->in[1]->layout;
    bool fits = tau->dtype == x->dtype && tau->rank == x->rank - 1;
    for (int i = 0; fits && i < x->rank - 2; i++) fits = tau->dims[i] == x->dims[i];
    int64_t m = x->dims[x->rank - 2], n = x->dims[x->rank - 1];
    if (!fits || m < n || tau->dims[tau->rank - 1] > n)
        return ag_fail(AG_ESHAPE,
                       "ag_householder_product: %s %s and tau %s %s do not fit: [..., m, n] with m >= n and "
                       "[..., k] with k <= n",
                       ag_dtype_name(x->dtype), ag__text(x), ag_dtype_name(tau->dtype), ag__text(tau));
    ag__shape_copy(out, x);
    return AG_OK;
}
static ag_tensor *householder_compose(const ag_call *c)
{
    ag_tensor *x = c->in[0], *tau = c->in[1];
    int64_t m = ag__n_rows(x), n = ag__n_cols(x), k = tau->layout->dims[tau->layout->rank - 1];
    ag_tensor *one = ag__band((ag_ones)(x->layout->dtype, 2, (int64_t[]){ m, n }), 0, 1, 0);
    ag_tensor *v = ag_add(ag__band(x, 1, 0, 0), one), *y = ag_add(ag__band(x, 0, 0, 0), one);
    for (int64_t i = k - 1; i >= 0 && y; i--) {
        ag_tensor *column = ag__columns(v, i, i + 1), *factor = ag_unsqueeze(ag_slice(tau, -1, i, i + 1), -1);
        y = ag_sub(y, ag_mul(factor, ag__matmul3(column, ag__turned(column), y)));
    }
    return y;
}
const ag_op ag__op_householder_product = {
    .name = "householder_product", .n_in = 2, .shape = householder_shape, .compose = householder_compose
};

ag_tensor *ag_householder_product(ag_tensor *x, ag_tensor *tau)
{
    return ag__apply(&ag__op_householder_product, NULL, x, tau);
}
