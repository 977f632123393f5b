/* Blocks: each operation against scalars one by one, to second order and forwards; slices, constants, aliases, errors;
 * and the kernels behind them for each instruction set. */
#include "fixture.h"
#include <stdlib.h>
#include <string.h>

#include <autograd/kernels/kernels.h>

/* A test case is a function of n variables, once in blocks and once in scalars. */
enum { MOST = 60 };
typedef ag_scalar block_fn(ag_block x);
typedef ag_scalar scalar_fn(size_t n, const ag_scalar *x);

static const double c_[] = { 0.5, -1,  2,    0.25, 1.5, -0.75, 3,   0.1, -2,  1,
                             0.3, 0.7, -0.4, 0.9,  1.1, -1.3,  0.2, 0.8, 1.7, -0.6 };
#define C(i) c_[(i) % (sizeof c_ / sizeof *c_)]

static ag_scalar weigh(size_t n, const ag_scalar *y) /* so that no two elements count alike, and none linearly */
{
    ag_scalar sum = ag_const(0);
    for (size_t i = 0; i < n; i++) sum = ag_add(sum, ag_mul(C(i + 3), ag_mul(y[i], y[i])));
    return sum;
}
static ag_scalar weigh_block(ag_block y)
{
    ag_scalar s[MOST];
    for (size_t i = 0; i < y.n; i++) s[i] = ags_block_at(y, i);
    return weigh(y.n, s);
}

static ag_scalar input_block(ag_block x)
{
    return weigh_block(x);
}
static ag_scalar rsub_block(ag_block x)
{
    double c[MOST];
    for (size_t i = 0; i < x.n; i++) c[i] = C(i);
    return weigh_block(ags_block_rsub(c, x));
}
static ag_scalar rsub_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar y[MOST];
    for (size_t i = 0; i < n; i++) y[i] = ag_sub(C(i), x[i]);
    return weigh(n, y);
}
static ag_scalar exp_block(ag_block x)
{
    return weigh_block(ags_block_exp(x));
}
static ag_scalar exp_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar y[MOST];
    for (size_t i = 0; i < n; i++) y[i] = ag_exp(x[i]);
    return weigh(n, y);
}
static ag_scalar sum_block(ag_block x)
{
    return ag_exp(ags_block_sum(x));
}
static ag_scalar sum_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar sum = ag_const(0);
    for (size_t i = 0; i < n; i++) sum = ag_add(sum, x[i]);
    return ag_exp(sum);
}
static ag_scalar dot_block(ag_block x)
{
    return ag_exp(ags_block_dot(ags_block_slice(x, 0, x.n / 2), ags_block_slice(x, x.n - x.n / 2, x.n / 2)));
}
static ag_scalar dot_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar sum = ag_const(0);
    for (size_t i = 0; i < n / 2; i++) sum = ag_add(sum, ag_mul(x[i], x[n - n / 2 + i]));
    return ag_exp(sum);
}
static ag_scalar sqnorm_block(ag_block x)
{
    return ag_exp(ag_mul(0.1, ags_block_sqnorm(x)));
}
static ag_scalar sqnorm_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar sum = ag_const(0);
    for (size_t i = 0; i < n; i++) sum = ag_add(sum, ag_mul(x[i], x[i]));
    return ag_exp(ag_mul(0.1, sum));
}
/* n = rows of `columns` and the vector behind them */
static size_t columns_of(size_t n)
{
    return n < 2 ? 0 : n < 12 ? 2 : 7;
}
static size_t rows_of(size_t n)
{
    return n < 2 ? 0 : (n - columns_of(n)) / columns_of(n);
}
static ag_scalar matvec_block(ag_block x)
{
    size_t k = columns_of(x.n), m = rows_of(x.n);
    return weigh_block(ags_block_matvec(ags_block_slice(x, 0, m * k), ags_block_slice(x, m * k, k)));
}
static ag_scalar matvec_scalar(size_t n, const ag_scalar *x)
{
    size_t k = columns_of(n), m = rows_of(n);
    ag_scalar y[MOST];
    for (size_t i = 0; i < m; i++) {
        y[i] = ag_const(0);
        for (size_t j = 0; j < k; j++) y[i] = ag_add(y[i], ag_mul(x[i * k + j], x[m * k + j]));
    }
    return weigh(m, y);
}
/* n = d + d (d - 1) / 2 + d at least */
static size_t d_of(size_t n)
{
    size_t d = 0;
    while ((d + 1) * d / 2 + 2 * (d + 1) <= n) d++;
    return d;
}
static ag_scalar trimv_block(ag_block x)
{
    size_t d = d_of(x.n), low = d ? d * (d - 1) / 2 : 0;
    return weigh_block(
        ags_block_trimv(ags_block_slice(x, 0, d), ags_block_slice(x, d, low), ags_block_slice(x, d + low, d)));
}
static ag_scalar trimv_scalar(size_t n, const ag_scalar *x)
{
    size_t d = d_of(n), low = d ? d * (d - 1) / 2 : 0;
    const ag_scalar *l = x + d, *v = x + d + low;
    ag_scalar y[MOST];
    for (size_t i = 0; i < d; i++) y[i] = ag_mul(x[i], v[i]);
    for (size_t j = 0; j < d; j++)
        for (size_t i = j + 1; i < d; i++) y[i] = ag_add(y[i], ag_mul(*l++, v[j]));
    return weigh(d, y);
}
/* three triangles in turn for six rows of d */
static size_t d_of_many(size_t n)
{
    size_t d = 0;
    while (3 * ((d + 1) + (d + 1) * d / 2) + 6 * (d + 1) <= n) d++;
    return d;
}
static ag_scalar trimvs_block(ag_block x)
{
    const size_t d = d_of_many(x.n), low = d ? 3 * (d * (d - 1) / 2) : 0;
    return weigh_block(ags_block_trimvs(d, ags_block_slice(x, 0, 3 * d), ags_block_slice(x, 3 * d, low),
                                        ags_block_slice(x, 3 * d + low, 6 * d)));
}
static ag_scalar trimvs_scalar(size_t n, const ag_scalar *x)
{
    const size_t d = d_of_many(n), low = d ? d * (d - 1) / 2 : 0;
    ag_scalar y[MOST];
    for (size_t r = 0; r < 6 && d; r++) {
        const ag_scalar *l = x + 3 * d + r % 3 * low, *v = x + 3 * d + 3 * low + r * d, *diag = x + r % 3 * d;
        for (size_t i = 0; i < d; i++) y[r * d + i] = ag_mul(diag[i], v[i]);
        for (size_t j = 0; j < d; j++)
            for (size_t i = j + 1; i < d; i++) y[r * d + i] = ag_add(y[r * d + i], ag_mul(*l++, v[j]));
    }
    return weigh(6 * d, y);
}
/* A number, a row of three, constants and x itself, each repeated to 3 m elements and in each place. */
static ag_scalar maps_block(ag_block x)
{
    const size_t m = x.n / 3 * 3;
    const ag_block one = ags_block_slice(x, 0, m ? 1 : 0), row = ags_block_slice(x, 0, m ? 3 : 0);
    const ag_block all = ags_block_slice(x, 0, m), c = ags_block_const(m ? 3 : 0, c_ + 2);
    ag_block y = ags_block_sub(ags_block_mul(row, all), ags_block_mul(ags_block_add(all, one), c));
    y = ags_block_fma(y, ags_block_sub(c, row), ags_block_fma(one, all, ags_block_add(one, row)));
    y = ags_block_fma(one, ags_block_mul(c, c), ags_block_fma(c, y, ags_block_sub(all, all)));
    return weigh_block(y);
}
static ag_scalar maps_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar y[MOST];
    const size_t m = n / 3 * 3;
    for (size_t i = 0; i < m; i++) {
        const double c = c_[2 + i % 3];
        const ag_scalar one = x[0], row = x[i % 3];
        y[i] = ag_sub(ag_mul(row, x[i]), ag_mul(ag_add(x[i], one), c));
        y[i] = ag_add(ag_mul(y[i], ag_sub(c, row)), ag_add(ag_mul(one, x[i]), ag_add(one, row)));
        y[i] = ag_add(ag_mul(one, c * c), ag_mul(c, y[i]));
    }
    return weigh(m, y);
}
/* 2, 3 and 6 elements: neither of the short ones goes into the other. */
static ag_scalar repeated_block(ag_block x)
{
    const size_t six = x.n < 6 ? 0 : 6;
    const ag_block two = ags_block_slice(x, 0, six / 3), three = ags_block_slice(x, six / 3, six / 2);
    return weigh_block(ags_block_fma(two, three, ags_block_mul(ags_block_slice(x, 0, six), three)));
}
static ag_scalar repeated_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar y[6];
    for (size_t i = 0; i < 6 && n >= 6; i++) y[i] = ag_fma(x[i % 2], x[2 + i % 3], ag_mul(x[i], x[2 + i % 3]));
    return weigh(n < 6 ? 0 : 6, y);
}
static ag_scalar functions_block(ag_block x)
{
    ag_block s = ags_block_sigmoid(x), t = ags_block_tanh(x);
    return weigh_block(ags_block_log(ags_block_add(s, ags_block_mul(t, t))));
}
static ag_scalar functions_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar y[MOST];
    for (size_t i = 0; i < n; i++) y[i] = ag_log(ag_add(ag_sigmoid(x[i]), ag_square(ag_tanh(x[i]))));
    return weigh(n, y);
}
static ag_scalar rows_block(ag_block x)
{
    const size_t k = x.n % 3 ? 1 : 3;
    ag_block s = ags_block_sums(k, x), q = ags_block_sqnorms(k, x), l = ags_block_logsumexps(k, x);
    return weigh_block(ags_block_fma(s, q, l));
}
static ag_scalar rows_scalar(size_t n, const ag_scalar *x)
{
    const size_t k = n % 3 ? 1 : 3;
    ag_scalar y[MOST];
    for (size_t i = 0; i < n / k; i++)
        y[i] = ag_fma(ags_sum(k, x + i * k), ags_sqnorm(k, x + i * k), ags_logsumexp(k, x + i * k));
    return weigh(n / k, y);
}
/* elements backwards and one twice; scalars and a constant */
static ag_scalar gather_block(ag_block x)
{
    uint32_t index[MOST + 1] = { 0 };
    ag_scalar s[3] = { ag_const(2) };
    for (uint32_t i = 0; i < x.n; i++) index[i] = x.n - 1 - i;
    if (x.n < 3) return weigh_block(ags_block_take(x, x.n, index));
    index[x.n] = 1, s[1] = ag_mul(ags_block_at(x, 0), ags_block_at(x, 1)), s[2] = ags_block_at(x, 2);
    ag_block y = ags_block_take(ags_block_sigmoid(x), x.n + 1, index), z = ags_block_of(3, s);
    return ag_add(ag_mul(0.5, ags_block_dot(y, y)), ag_mul(ags_block_dot(z, z), ags_block_at(y, 1)));
}
static ag_scalar gather_scalar(size_t n, const ag_scalar *x)
{
    ag_scalar y[MOST];
    for (size_t i = 0; i < n; i++) y[i] = x[n - 1 - i];
    if (n < 3) return weigh(n, y);
    for (size_t i = 0; i < n; i++) y[i] = ag_sigmoid(y[i]);
    ag_scalar product = ag_mul(x[0], x[1]);
    ag_scalar z = ag_add(4.0, ag_add(ag_square(product), ag_square(x[2])));
    return ag_add(ag_mul(0.5, ag_add(ags_sqnorm(n, y), ag_square(y[n - 2]))), ag_mul(z, y[1]));
}
/* one block in both places; intermediate blocks; elements as scalars again */
static ag_scalar alias_block(ag_block x)
{
    ag_block e = ags_block_exp(ags_block_rsub(c_, ags_block_slice(x, 0, x.n < 3 ? x.n : 3)));
    ag_scalar y = ags_block_dot(e, e);
    if (e.n < 3) return y;
    y = ag_add(y, ag_mul(ags_block_at(e, 1), ags_block_sqnorm(ags_block_trimv(e, e, e))));
    return ag_add(y, ags_block_sum(ags_block_matvec(e, e)));
}
static ag_scalar alias_scalar(size_t n, const ag_scalar *x)
{
    const size_t m = n < 3 ? n : 3;
    ag_scalar e[3], y = ag_const(0), t[3];
    for (size_t i = 0; i < m; i++) e[i] = ag_exp(ag_sub(c_[i], x[i]));
    for (size_t i = 0; i < m; i++) y = ag_add(y, ag_square(e[i]));
    if (m < 3) return y;
    t[0] = ag_mul(e[0], e[0]);
    t[1] = ag_add(ag_mul(e[1], e[1]), ag_mul(e[0], e[0]));
    t[2] = ag_add(ag_add(ag_mul(e[2], e[2]), ag_mul(e[1], e[0])), ag_mul(e[2], e[1]));
    y = ag_add(y, ag_mul(e[1], ag_add(ag_square(t[0]), ag_add(ag_square(t[1]), ag_square(t[2])))));
    for (size_t i = 0; i < 3; i++) y = ag_add(y, ag_mul(e[i], e[i]));
    return y;
}

static const struct {
    const char *name;
    block_fn *block;
    scalar_fn *scalar;
} cases[] = {
    { "input", input_block, weigh },
    { "rsub", rsub_block, rsub_scalar },
    { "exp", exp_block, exp_scalar },
    { "sum", sum_block, sum_scalar },
    { "dot", dot_block, dot_scalar },
    { "sqnorm", sqnorm_block, sqnorm_scalar },
    { "matvec", matvec_block, matvec_scalar },
    { "trimv", trimv_block, trimv_scalar },
    { "alias", alias_block, alias_scalar },
    { "trimvs", trimvs_block, trimvs_scalar },
    { "maps", maps_block, maps_scalar },
    { "functions", functions_block, functions_scalar },
    { "repeated", repeated_block, repeated_scalar },
    { "rows", rows_block, rows_scalar },
    { "gather", gather_block, gather_scalar },
};

/* value, gradient, Hessian times v by reverse over reverse, slopes along v of y and of the gradient along v. */
static void derivatives(ag_scalar y, size_t n, const ag_scalar *x, double *out)
{
    ag_scalar g[MOST], along = ag_const(0);
    double v[MOST], plain[MOST];
    for (size_t i = 0; i < n; i++) v[i] = C(i + 5);
    assert_int_equal(ags_gradient(y, x, n, plain), AG_OK);
    assert_int_equal(ags_grads(y, x, n, g), AG_OK);
    for (size_t i = 0; i < n; i++) {
        near(g[i].value, plain[i]);
        along = ag_add(along, ag_mul(v[i], g[i]));
    }
    out[0] = y.value;
    memcpy(out + 1, plain, n * sizeof *plain);
    assert_int_equal(ags_gradient(along, x, n, out + 1 + n), AG_OK);
    assert_int_equal(ags_jvp((ag_scalar[]){ y, along }, 2, x, n, v, out + 1 + 2 * n), AG_OK);
    double through = 0; /* and the recorded sweep, unrecorded, by tensors in between */
    ag_scalar again = ag_const(0);
    ag_tensor *packed = ag_pack(1, &y);
    assert_int_equal(ag_unpack(packed, 1, &again), AG_OK);
    assert_int_equal(ags_jvp(&again, 1, x, n, v, &through), AG_OK);
    near(through, out[1 + 2 * n]);
}

static void blocks_agree_with_scalars(void **state)
{
    static const size_t sizes[] = { 0, 1, 2, 3, 5, 9, 18, 27, 54, MOST };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const size_t n = sizes[s];
            double value[MOST], a[3 + 2 * MOST], b[3 + 2 * MOST];
            ag_scalar x[MOST];
            for (size_t i = 0; i < n; i++) value[i] = 0.8 * sin(1 + (double)i);
            ag_tape_reset(*state);
            ag_block block = ags_block_input(n, value);
            assert_int_equal(block.n, n);
            for (size_t i = 0; i < n; i++) x[i] = ags_block_at(block, i);
            derivatives(cases[k].block(block), n, x, a);
            ags_inputs(n, value, x);
            derivatives(cases[k].scalar(n, x), n, x, b);
            for (size_t i = 0; i < 3 + 2 * n; i++)
                if (!close_to(a[i], b[i], 1e-11))
                    fail_msg("%s of %zu: number %zu is %.17g, not %.17g", cases[k].name, n, i, a[i], b[i]);
        }
    fine();
}

static void on_a_first_order_tape(void **state)
{
    enum { N = 27 };
    (void)state;
    ag_tape *t = ag_tape_new(.first_order = true);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double value[N], g[2][N], v[N], forward, size = 1;
        ag_scalar x[N];
        for (size_t i = 0; i < N; i++) value[i] = 0.8 * sin(1 + (double)i), v[i] = C(i);
        assert_int_equal(ag_tape_reset(t), AG_OK);
        ag_block block = ags_block_input(N, value);
        for (size_t i = 0; i < N; i++) x[i] = ags_block_at(block, i);
        ag_scalar y = cases[k].block(block);
        assert_int_equal(ags_gradient(y, x, N, g[0]), AG_OK);
        assert_int_equal(ags_jvp(&y, 1, x, N, v, &forward), AG_OK);
        ags_inputs(N, value, x);
        assert_int_equal(ags_gradient(cases[k].scalar(N, x), x, N, g[1]), AG_OK);
        for (size_t i = 0; i < N; i++) {
            near(g[0][i], g[1][i]);
            forward -= g[1][i] * v[i];
            size += fabs(g[1][i] * v[i]);
        }
        near(forward / size, 0);
    }
    fine();
    ag_block x = ags_block_input(3, c_);
    ag_grad(ags_block_sum(ags_block_exp(x)), ags_block_at(x, 0));
    assert_int_equal(ag_clear_error(), AG_ENODIFF);
    ag_tape_free(t);
}

/* Values among the partials, through many chunks. */
static void long_on_a_first_order_tape(void **state)
{
    enum { N = 5, STEPS = 4000 };
    (void)state;
    ag_tape *t = ag_tape_new(.first_order = true);
    ag_block x = ags_block_input(N, c_), y = x;
    ag_scalar at[N];
    double g[N];
    for (int i = 0; i < STEPS; i++) {
        y = ags_block_rsub(c_ + i % 2, y); /* c - x and back: each element's slope is 1 again */
        assert_true(ags_block_exp(y).value[N - 1] == exp(y.value[N - 1]));
    }
    for (size_t i = 0; i < N; i++) at[i] = ags_block_at(x, i);
    assert_int_equal(ags_gradient(ags_block_dot(y, x), at, N, g), AG_OK);
    for (size_t i = 0; i < N; i++) near(g[i], x.value[i] + y.value[i]);
    ag_block one = ags_block_input(1, (double[]){ 1 }), z = ags_block_slice(x, 0, 1); /* more pointers than values */
    for (int i = 0; i < STEPS; i++)
        z = i % 2 ? ags_block_matvec(one, z) : ags_block_trimv(one, ags_block_slice(x, 0, 0), z);
    at[1] = ags_block_at(one, 0);
    assert_int_equal(ags_gradient(ags_block_at(z, 0), at, 2, g), AG_OK);
    near(g[0], 1);
    near(g[1], STEPS * x.value[0]);
    ag_tape_free(t);
    fine();
}

/* Recorded with recording off, blocks hold values only; they may meet others later. */
static void constant_blocks(void **state)
{
    ag_block c = { NULL, 0, 0, 0 }, d = c, l = c;
    AG_NO_GRAD {
        c = ags_block_input(4, c_);
        d = ags_block_exp(c);
        l = ags_block_rsub(c_ + 6, ags_block_matvec(ags_block_input(24, (double[24]){ 0 }), c));
        assert_int_equal(ags_block_trimv(d, l, c).id, 0);
        near(ags_block_sum(d).value, exp(0.5) + exp(-1) + exp(2) + exp(0.25));
        near(ags_block_sqnorm(c).value, 0.25 + 1 + 4 + 0.0625);
    }
    assert_int_equal(ag_tape_memory(*state).scalars, 0);
    ag_block recorded = ags_block_input(4, c_);
    AG_NO_GRAD {
        ag_block e = ags_block_exp(recorded);
        assert_int_equal(e.id, 0);
        near(e.value[2], exp(2));
        assert_int_equal(ags_block_dot(e, recorded).id, 0);
    }
    fine();
    ag_tape_reset(*state);
    AG_NO_GRAD {
        c = ags_block_input(4, c_);
        d = ags_block_exp(c);
        l = ags_block_rsub(c_ + 6, ags_block_matvec(ags_block_input(24, (double[24]){ 0 }), c));
    }
    ag_block k = ags_block_const(4, c_);
    assert_ptr_equal(k.value, c_);
    ag_block many[] = { ags_block_mul(k, c),
                        ags_block_tanh(k),
                        ags_block_logsumexps(2, k),
                        ags_block_take(k, 1, (uint32_t[]){ 2 }),
                        ags_block_of(1, (ag_scalar[]){ ag_const(3) }),
                        ags_block_trimvs(1, k, ags_block_slice(k, 0, 0), k) };
    for (size_t i = 0; i < sizeof many / sizeof *many; i++) assert_int_equal(many[i].id, 0);
    near(many[0].value[3], 0.0625);
    near(many[2].value[0], log(exp(0.5) + exp(-1)));
    near(many[3].value[0], 2);
    near(many[5].value[1], 1);
    assert_int_equal(d.id, 0);
    assert_int_equal(ags_block_at(d, 2).id, 0);
    near(ags_block_at(d, 2).value, exp(2));
    near(ags_block_at(l, 1).value, C(7));
    assert_int_equal(ags_block_slice(d, 1, 2).id, 0);
    assert_int_equal(ags_block_dot(c, d).id, 0); /* nothing to differentiate by */
    assert_int_equal(ag_tape_memory(*state).scalars, 0);
    ag_block x = ags_block_input(4, c_ + 3);
    ag_scalar at[4], want[4], y = ags_block_sum(ags_block_trimv(d, l, x)), z = ag_const(0);
    double g[4], h[4];
    for (size_t i = 0; i < 4; i++) at[i] = ags_block_at(x, i);
    assert_int_equal(ags_gradient(ag_add(y, ags_block_dot(c, x)), at, 4, g), AG_OK);
    ags_inputs(4, c_ + 3, want);
    const double *low = l.value;
    for (size_t i = 0; i < 4; i++) z = ag_add(z, ag_mul(d.value[i] + c.value[i], want[i]));
    for (size_t j = 0; j < 4; j++)
        for (size_t i = j + 1; i < 4; i++) z = ag_add(z, ag_mul(*low++, want[j]));
    assert_int_equal(ags_gradient(z, want, 4, h), AG_OK);
    for (size_t i = 0; i < 4; i++) near(g[i], h[i]);
    fine();
}

/* Where nothing arrives nothing goes on: an infinite value elsewhere makes no NaN. */
static void zero_times_infinity(void **state)
{
    (void)state;
    ag_block x = ags_block_input(2, (double[]){ 1000, 1 }), e = ags_block_exp(x);
    ag_scalar at[2] = { ags_block_at(x, 0), ags_block_at(x, 1) };
    double g[2];
    near(e.value[0], INFINITY);
    assert_int_equal(ags_gradient(ags_block_at(e, 1), at, 2, g), AG_OK);
    near(g[0], 0);
    near(g[1], exp(1));
    assert_int_equal(ags_gradient(at[1], at, 2, g), AG_OK);
    near(g[0], 0);
    ag_block far = ags_block_mul(e, x), root = ags_block_log(ags_block_sub(x, x));
    ag_scalar passed = ag_add(ags_block_at(far, 1), ag_mul(0.0, ags_block_at(root, 0)));
    assert_int_equal(ags_gradient(passed, at, 2, g), AG_OK);
    near(g[0], 0);
    near(g[1], 2 * exp(1));
    ag_scalar twice[2];
    assert_int_equal(ags_grads(passed, at, 2, twice), AG_OK);
    near(twice[0].value, 0);
    near(twice[1].value, 2 * exp(1));
    ag_block logs = ags_block_log(ags_block_mul(x, ags_block_const(2, (double[]){ 0, 2 }))); /* -inf beside log 2 */
    assert_int_equal(ags_gradient(ags_block_at(logs, 1), at, 2, g), AG_OK);
    near(g[0], 0);
    near(g[1], 1);
    ag_scalar cut = ag_add(ags_block_at(logs, 1), ag_mul(ag_input(0), ags_block_at(logs, 0)));
    assert_int_equal(ags_grads(cut, at, 2, twice), AG_OK);
    near(twice[0].value, 0);
    near(twice[1].value, 1);
    const double inf[] = { -INFINITY, -INFINITY, 1, -INFINITY };
    ag_block none = ags_block_input(4, inf), lse = ags_block_logsumexps(2, none);
    near(lse.value[0], -INFINITY);
    near(lse.value[1], 1);
    near(ag_grad(ags_block_at(lse, 1), ags_block_at(none, 2)).value, 1);
    near(ag_grad(ags_block_at(lse, 1), ags_block_at(none, 3)).value, 0);
    near(ag_grad(ags_block_at(lse, 0), ags_block_at(none, 0)).value, 0);
    ag_block product = ags_block_trimv(x, ags_block_slice(e, 0, 1), x), other = ags_block_matvec(e, x);
    assert_int_equal(product.n + other.n, 3);
    assert_int_equal(ags_gradient(at[1], at, 2, g), AG_OK);
    near(g[0], 0);
    near(g[1], 1);
    fine();
}

static void wrong_uses(void **state)
{
    ag_block x = ags_block_input(3, c_), y = ags_block_input(2, c_), none = { NULL, 0, 0, 0 };
    assert_int_equal(ags_block_input(0, NULL).n, 0);
    assert_int_equal(ags_block_exp(none).n, 0);
    assert_int_equal(ags_block_slice(x, 3, 0).n, 0);
    near(ags_block_sum(none).value, 0);
    near(ags_block_dot(none, none).value, 0);
    near(ags_block_sqnorm(none).value, 0);
    assert_int_equal(ags_block_matvec(none, x).n, 0);
    assert_int_equal(ags_block_trimv(none, none, none).n, 0);
    fine();
    ags_block_input(2, NULL);
    fails(AG_ENULL, "ags_block_input: the array of 2 values is NULL");
    ags_block_rsub(NULL, x);
    fails(AG_ENULL, "ags_block_rsub: the array of 3 numbers is NULL");
    ags_block_trimv(x, y, x);
    fails(AG_ESHAPE, "ags_block_trimv: low has 2 elements, not 3");
    ags_block_trimv(y, x, x);
    fails(AG_ESHAPE, "ags_block_trimv: diag has 2 elements, not 3");
    ags_block_slice(x, 4, 0);
    fails(AG_EINVAL, "ags_block_slice: elements 4 .. 4 of 3");
    ags_block_input((size_t)1 << 32, c_);
    fails(AG_ENOMEM, "ags_block_input: 4294967296 values are too many");
    ags_block_add(x, y);
    fails(AG_ESHAPE, "ags_block_add: 2 elements do not repeat to 3");
    ags_block_sums(2, x);
    fails(AG_ESHAPE, "ags_block_sums: 3 elements are no rows of 2");
    ags_block_logsumexps(0, x);
    fails(AG_ESHAPE, "ags_block_logsumexps: 3 elements are no rows of 0");
    ags_block_trimvs(1, x, none, y);
    fails(AG_ESHAPE, "ags_block_trimvs: 3 matrices for 2 rows");
    ags_block_trimvs(2, x, none, y);
    fails(AG_ESHAPE, "ags_block_trimvs: diag has 3 elements, not 2");
    ags_block_trimvs(1, x, y, x);
    fails(AG_ESHAPE, "ags_block_trimvs: low has 2 elements, not 0");
    ags_block_take(x, 2, (uint32_t[]){ 2, 3 });
    fails(AG_EINVAL, "ags_block_take: element 3 of 3");
    ags_block_take(x, 2, NULL);
    fails(AG_ENULL, "ags_block_take: the array of 2 indices is NULL");
    ags_block_of(2, NULL);
    fails(AG_ENULL, "ags_block_of: the array of 2 scalars is NULL");
    ags_block_const(2, NULL);
    fails(AG_ENULL, "ags_block_const: the array of 2 values is NULL");
    assert_int_equal(ags_block_add(none, x).n + ags_block_log(none).n + ags_block_sums(2, none).n, 0);
    assert_int_equal(ags_block_trimvs(0, none, none, none).n + ags_block_of(0, NULL).n, 0);
    fine();
    ag_tape_reset(*state);
    ags_block_input(3, c_);
    assert_int_equal(ags_block_of(1, (ag_scalar[]){ ags_block_at(x, 0) }).n, 0);
    fails(AG_ESTALE, "ags_block_of: operand 1 was recorded before a reset of its tape (stale)");
    assert_int_equal(ags_block_fma(ags_block_input(3, c_), x, x).n, 0);
    fails(AG_ESTALE, "ags_block_fma: operand 2 was recorded before a reset of its tape (stale)");
    assert_int_equal(ags_block_exp(x).n, 0);
    fails(AG_ESTALE, "ags_block_exp: operand 1 was recorded before a reset of its tape (stale)");
    assert_int_equal(ags_block_dot(ags_block_input(3, c_), x).id, 0);
    fails(AG_ESTALE, "ags_block_dot: operand 2 was recorded before a reset of its tape (stale)");
    ag_tape_use(NULL);
    assert_int_equal(ags_block_input(3, c_).n, 0);
    fails(AG_ETAPE, "ags_block_input: no tape is current; make one with ag_tape_new");
    ag_tape_use(*state);
}

static void a_block_longer_than_a_chunk(void **state)
{
    enum { N = 600000 };
    (void)state;
    double *value = malloc(N * sizeof *value);
    for (int i = 0; i < N; i++) value[i] = 1e-6 * i;
    ag_scalar first = ag_input(1);
    ag_block x = ags_block_input(N, value), e = ags_block_exp(x);
    ag_scalar y = ag_mul(ag_add(ags_block_sum(e), ags_block_dot(e, x)), first), at[2] = { ags_block_at(x, 7), first };
    ag_scalar last = ags_block_at(x, N - 1);
    double g[2];
    assert_int_equal(ags_gradient(y, at, 2, g), AG_OK);
    near(g[0], exp(value[7]) * (2 + value[7]));
    near(g[1], y.value);
    near(ag_grad(ag_grad(y, last), last).value, exp(value[N - 1]) * (3 + value[N - 1]));
    free(value);
    fine();
}

/* ---- kernels: exact sizes on the heap, so that sanitizers see any step outside ---- */

static double *drawn(size_t n, double seed)
{
    double *x = malloc(n ? n * sizeof *x : 1);
    for (size_t i = 0; i < n; i++) x[i] = sin(seed + 1.3 * (double)i);
    return x;
}
static void check(const char *arch, const char *what, size_t n, size_t count, const double *got, const double *want)
{
    for (size_t i = 0; i < count; i++)
        if (!close_to(got[i], want[i], 1e-13))
            fail_msg("%s of %zu, %s: element %zu is %.17g, not %.17g", what, n, arch, i, got[i], want[i]);
}

static void try_trimv(const char *arch, const ag__kernels *k, size_t n)
{
    const size_t nl = n ? n * (n - 1) / 2 : 0;
    double *d = drawn(n, 1), *l = drawn(nl, 2), *x = drawn(n, 3), *y = drawn(n, 4), *gy = drawn(n, 5);
    double *gd = drawn(n, 6), *gl = drawn(nl, 7), *gx = drawn(n, 8);
    double *want_y = drawn(n, 0), *want_d = drawn(n, 6), *want_l = drawn(nl, 7), *want_x = drawn(n, 8);
    k->trimv((int64_t)n, d, l, x, y);
    k->trimv_back((int64_t)n, d, l, x, gy, gd, gl, gx);
    for (size_t i = 0; i < n; i++) want_y[i] = d[i] * x[i], want_d[i] += gy[i] * x[i], want_x[i] += gy[i] * d[i];
    for (size_t j = 0, p = 0; j < n; j++)
        for (size_t i = j + 1; i < n; i++, p++)
            want_y[i] += l[p] * x[j], want_l[p] += gy[i] * x[j], want_x[j] += gy[i] * l[p];
    check(arch, "trimv", n, n, y, want_y);
    check(arch, "trimv_back, diag", n, n, gd, want_d);
    check(arch, "trimv_back, low", n, nl, gl, want_l);
    check(arch, "trimv_back, x", n, n, gx, want_x);
    double *const all[] = { d, l, x, y, gy, gd, gl, gx, want_y, want_d, want_l, want_x };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void try_matvec(const char *arch, const ag__kernels *k, size_t m, size_t n)
{
    double *a = drawn(m * n, 1), *x = drawn(n, 2), *y = drawn(m, 3), *gy = drawn(m, 4), *ga = drawn(m * n, 5);
    double *gx = drawn(n, 6), *want_y = drawn(m, 0), *want_a = drawn(m * n, 5), *want_x = drawn(n, 6);
    if (m > 1) gy[1] = 0;
    k->matvec((int64_t)m, (int64_t)n, a, x, y);
    k->matvec_back((int64_t)m, (int64_t)n, a, x, gy, ga, gx);
    for (size_t i = 0; i < m; i++) {
        want_y[i] = 0;
        for (size_t j = 0; j < n; j++) {
            want_y[i] += a[i * n + j] * x[j];
            want_a[i * n + j] += gy[i] * x[j];
            want_x[j] += gy[i] * a[i * n + j];
        }
    }
    check(arch, "matvec", n, m, y, want_y);
    check(arch, "matvec_back, a", n, m * n, ga, want_a);
    check(arch, "matvec_back, x", n, n, gx, want_x);
    double *const all[] = { a, x, y, gy, ga, gx, want_y, want_a, want_x };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void kernels_of_every_instruction_set(void **state)
{
    static const char *const arch[] = { "generic", "avx2", "avx512" };
    (void)state;
    for (size_t i = 0; i < sizeof arch / sizeof *arch; i++) {
        const ag__kernels *k = ag__kernels_of(arch[i], 1);
        if (!k) continue;
        for (size_t n = 0; n <= 67; n++) try_trimv(arch[i], k, n);
        for (size_t n = 0; n <= 35; n++)
            for (size_t m = 0; m <= 4; m++) try_matvec(arch[i], k, m, n);
    }
    assert_non_null(ag__kernels_of("generic", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(blocks_agree_with_scalars),   TEST(on_a_first_order_tape),
        TEST(long_on_a_first_order_tape),  TEST(constant_blocks),
        TEST(zero_times_infinity),         TEST(wrong_uses),
        TEST(a_block_longer_than_a_chunk), TEST(kernels_of_every_instruction_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
