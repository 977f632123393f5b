/* test_init.c - initial values: moments and ranges, fans and gains, orthogonality, seeds, and what they leave alone. */
#include <math.h>
#include <nn/init.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static void fails(ag_status code, const char *message)
{
    assert_string_equal(ag_errmsg(), message);
    assert_int_equal(ag_clear_error(), code);
}

struct moments {
    double mean, std, low, high;
};

/* And frees it. */
static struct moments moments_of(ag_tensor *w)
{
    int64_t n = ag_numel(w);
    double *v = malloc((size_t)n * sizeof *v), sum = 0, squares = 0;
    struct moments m = { .low = INFINITY, .high = -INFINITY };
    assert_non_null(v);
    assert_int_equal(ag_read(w, v, n), AG_OK);
    for (int64_t i = 0; i < n; i++) {
        sum += v[i];
        m.low = fmin(m.low, v[i]), m.high = fmax(m.high, v[i]);
    }
    m.mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) squares += (v[i] - m.mean) * (v[i] - m.mean);
    m.std = sqrt(squares / (double)n);
    free(v), ag_free(w);
    return m;
}

enum { N = 200000 };

/* Mean and standard deviation within five standard errors; of numbers of this kurtosis the variance has that of
 * variance * sqrt((kurtosis - 1) / n). */
static void is_spread(struct moments m, double mean, double std, double kurtosis, double n)
{
    if (fabs(m.mean - mean) > 5 * std / sqrt(n)) fail_msg("mean %g, not %g", m.mean, mean);
    if (fabs(m.std - std) > 5 * std / 2 * sqrt((kurtosis - 1) / n)) fail_msg("std %g, not %g", m.std, std);
}
#define UNIFORM 1.8
#define NORMAL  3.0

static void distributions(void **state)
{
    (void)state;
    ag_seed(11);
    static const ag_dtype dtypes[] = { AG_F32, AG_F64 };
    for (int i = 0; i < 2; i++) {
        ag_dtype d = dtypes[i];
        struct moments m = moments_of(ag_init_uniform(ag_param(d, N), -1, 3));
        is_spread(m, 1, 4 / sqrt(12), UNIFORM, N);
        assert_true(m.low >= -1 && m.low < -0.999 && m.high <= 3 && m.high > 2.999);
        m = moments_of(ag_init_normal(ag_new(d, N / 4, 4), 5, 0.5));
        is_spread(m, 5, 0.5, NORMAL, N);
        assert_true(m.low < 5 - 3.5 * 0.5 && m.high > 5 + 3.5 * 0.5);
        /* of the normal distribution cut at 2: std 0.8796, kurtosis 2.06 */
        m = moments_of(ag_init_trunc_normal(ag_param(d, N), 1, 10));
        is_spread(m, 1, 8.796256610342398, 2.06, N);
        assert_true(m.low >= -19 && m.low < -18.9 && m.high <= 21 && m.high > 20.9);
        m = moments_of(ag_init_constant(ag_param(d, 3, 3), 0.25));
        assert_true(m.low == 0.25 && m.high == 0.25);
        m = moments_of(ag_init_uniform(ag_param(d, 5), 2, 2));
        assert_true(m.low == 2 && m.high == 2);
        m = moments_of(ag_init_normal(ag_param(d), 2, 0)); /* 0-d */
        assert_true(m.low == 2);
    }
    assert_int_equal(ag_error(), AG_OK);
}

/* [500, 20, 4, 5]: fan-in 400, fan-out 10,000 */
#define W ag_param(AG_F64, 500, 20, 4, 5)
static void fans_and_gains(void **state)
{
    (void)state;
    ag_seed(12);
    struct moments m = moments_of(ag_init_xavier_uniform(W));
    is_spread(m, 0, sqrt(2.0 / 10400), UNIFORM, N);
    assert_true(m.high <= sqrt(6.0 / 10400) && m.low >= -sqrt(6.0 / 10400));
    is_spread(moments_of(ag_init_xavier_normal(W, .gain = AG_GAIN_TANH)), 0, 5.0 / 3 * sqrt(2.0 / 10400), NORMAL, N);
    m = moments_of(ag_init_kaiming_uniform(W));
    is_spread(m, 0, sqrt(2.0 / 400), UNIFORM, N);
    assert_true(m.high <= sqrt(6.0 / 400) && m.low >= -sqrt(6.0 / 400));
    is_spread(moments_of(ag_init_kaiming_normal(W)), 0, sqrt(2.0 / 400), NORMAL, N);
    is_spread(moments_of(ag_init_kaiming_normal(W, .fan_out = true)), 0, sqrt(2.0 / 10000), NORMAL, N);
    m = moments_of(ag_init_kaiming_uniform(W, .fan_out = true, .gain = ag_gain_leaky_relu(0.5)));
    is_spread(m, 0, sqrt(2 / 1.25 / 10000), UNIFORM, N);
    is_spread(moments_of((ag_init_kaiming_normal)(W, NULL)), 0, sqrt(2.0 / 400), NORMAL, N);
    assert_int_equal(ag_error(), AG_OK);
}

/* ---- orthogonal ---- */

/* The largest entry of |w w' - gain^2 1|, or of w' w for a tall one. */
static double defect(ag_tensor *w, double gain)
{
    int64_t rows = ag_size(w, 0), columns = ag_numel(w) / rows;
    ag_tensor *q = ag_to(ag_reshape(w, rows, columns), AG_F64), *t = ag_transpose(q, 0, 1);
    ag_tensor *product = rows <= columns ? ag_matmul(q, t) : ag_matmul(t, q);
    ag_tensor *wanted = ag_mul(gain * gain, ag_eye(AG_F64, rows <= columns ? rows : columns));
    return ag_item(ag_max(ag_abs(ag_sub(product, wanted))));
}

static void orthogonal_is(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_seed(13);
    ag_tensor *w[] = { ag_param(AG_F64, 1, 1),   ag_param(AG_F64, 64, 64),  ag_param(AG_F64, 40, 100),
                       ag_param(AG_F64, 100, 3), ag_param(AG_F64, 5, 3, 7), ag_param(AG_F64, 50, 2, 3, 3) };
    for (size_t i = 0; i < sizeof w / sizeof *w; i++) {
        assert_true(defect(ag_init_orthogonal(w[i], 1.5), 1.5) < 1e-13);
        ag_free(w[i]);
    }
    ag_tensor *narrow = ag_param(AG_F32, 30, 50);
    assert_true(defect(ag_init_orthogonal(narrow, 2), 2) < 1e-5);
    ag_tensor *empty = ag_param(AG_F32, 0, 5), *hollow = ag_param(AG_F32, 5, 0);
    assert_ptr_equal(ag_init_orthogonal(empty, 1), empty);
    assert_ptr_equal(ag_init_orthogonal(hollow, 1), hollow);
    assert_int_equal(ag_error(), AG_OK);
    ag_free(narrow), ag_free(empty), ag_free(hollow), ag_tape_free(tape);
}

/* Every direction is as likely: entries of 3x3 rotations have mean 0 and variance 1/3, traces mean 0 and variance 1.
 * Among so many some begin almost dependent, and must become orthogonal all the same. */
static void orthogonal_has_no_favourites(void **state)
{
    (void)state;
    enum { TRIES = 4000 };
    ag_seed(14);
    ag_tensor *w = ag_param(AG_F64, 3, 3);
    double sum[9] = { 0 }, squares[9] = { 0 }, traces = 0, trace_squares = 0, worst = 0;
    for (int t = 0; t < TRIES; t++) {
        const double *q = ag_f64(ag_init_orthogonal(w, 1));
        for (int i = 0; i < 9; i++) sum[i] += q[i] / TRIES, squares[i] += q[i] * q[i] / TRIES;
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < i; k++)
                worst =
                    fmax(worst, fabs(q[3 * i] * q[3 * k] + q[3 * i + 1] * q[3 * k + 1] + q[3 * i + 2] * q[3 * k + 2]));
        double trace = q[0] + q[4] + q[8];
        traces += trace / TRIES, trace_squares += trace * trace / TRIES;
    }
    ag_free(w);
    double error = 5 / sqrt(TRIES); /* five standard errors and more */
    for (int i = 0; i < 9; i++) assert_true(fabs(sum[i]) < error && fabs(squares[i] - 1.0 / 3) < error);
    assert_true(fabs(traces) < error && fabs(trace_squares - 1) < 2 * error);
    assert_true(worst < 2e-15);
}

/* ---- what is left alone ---- */

static void the_callers_tape_is_untouched(void **state)
{
    (void)state;
    ag_tensor *w = ag_param(AG_F32, 8, 8);
    ag_init_orthogonal(ag_init_kaiming_normal(w), 1); /* without a tape */
    assert_null(ag_tape_current());
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = ag_ones(AG_F32, 8), *y = ag_sum(ag_matmul(ag_ones(AG_F32, 2, 8), ag_reshape(x, 8, 1)));
    uint64_t nodes = ag_tape_memory(tape).nodes;
    uint32_t version = ag_version_of(w);
    ag_init_trunc_normal(ag_init_xavier_uniform(w), 0, 1);
    assert_ptr_equal(ag_tape_current(), tape);
    assert_int_equal(ag_tape_memory(tape).nodes, nodes);
    assert_true(ag_version_of(w) > version); /* a saved value that was overwritten would be noticed */
    assert_true(ag_item(y) == 16);
    assert_true(ag_record(true));
    ag_record(false);
    ag_init_normal(w, 0, 1);
    assert_false(ag_record(true)); /* it was off, and stayed off */
    assert_true(ag_requires_grad(w) && !ag_grad_of(w));
    assert_int_equal(ag_error(), AG_OK);
    ag_free(w), ag_tape_free(tape);
}

static void same_seed_same_values(void **state)
{
    (void)state;
    float v[2][36];
    for (int i = 0; i < 2; i++) {
        ag_tensor *w = ag_param(AG_F32, 3, 4);
        ag_seed(15);
        ag_read(ag_init_orthogonal(w, 1), v[i], 12);
        ag_read(ag_init_trunc_normal(w, 0, 1), v[i] + 12, 12);
        ag_read(ag_init_kaiming_uniform(w), v[i] + 24, 12);
        ag_free(w);
    }
    assert_memory_equal(v[0], v[1], sizeof v[0]);
}

static void what_cannot_be(void **state)
{
    (void)state;
    ag_tensor *w = ag_init_constant(ag_param(AG_F32, 5), 3), *whole = ag_new(AG_I64, 2, 2);
    assert_ptr_equal(ag_init_xavier_normal(w), w); /* returned also on failure, unchanged */
    fails(AG_ESHAPE, "ag_init_xavier_normal: a tensor of 1 axes has no fans; it takes 2 or more");
    ag_init_kaiming_uniform(w);
    fails(AG_ESHAPE, "ag_init_kaiming_uniform: a tensor of 1 axes has no fans; it takes 2 or more");
    ag_init_orthogonal(w, 1);
    fails(AG_ESHAPE, "ag_init_orthogonal: a tensor of 1 axes has no fans; it takes 2 or more");
    ag_init_uniform(w, 1, 0);
    fails(AG_EINVAL, "ag_init_uniform: low 1, high 0");
    ag_init_uniform(w, 0, (double)INFINITY);
    fails(AG_EINVAL, "ag_init_uniform: low 0, high inf");
    ag_init_normal(w, 0, -1);
    fails(AG_EINVAL, "ag_init_normal: mean 0, std -1");
    ag_init_trunc_normal(w, 0, -1);
    fails(AG_EINVAL, "ag_init_trunc_normal: mean 0, std -1");
    assert_true(ag_at(w, 4) == 3);
    ag_init_normal(whole, 0, 1);
    fails(AG_EDTYPE, "ag_init_normal: the tensor is i64; it takes f32 and f64");
    ag_init_orthogonal(whole, 1);
    fails(AG_EDTYPE, "ag_init_orthogonal: the tensor is i64; it takes f32 and f64");
    assert_null(ag_init_uniform(NULL, 0, 1));
    fails(AG_ENULL, "ag_init_uniform: the tensor is NULL");
    assert_null(ag_init_kaiming_normal(NULL));
    fails(AG_ENULL, "ag_init_kaiming_normal: the tensor is NULL");
    ag_fail(AG_EUSER, "first");
    assert_null(ag_init_xavier_uniform(NULL));
    fails(AG_EUSER, "first");
    ag_free(w), ag_free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions),
        cmocka_unit_test(fans_and_gains),
        cmocka_unit_test(orthogonal_is),
        cmocka_unit_test(orthogonal_has_no_favourites),
        cmocka_unit_test(the_callers_tape_is_untouched),
        cmocka_unit_test(same_seed_same_values),
        cmocka_unit_test(what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
