/* Reductions against plain loops, over random axes of tensors arranged at random; long axes, infinities, nothing. */
#include "plain.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <autograd/ops/fold.h>
#include <stdlib.h>

typedef enum kind { SUM, MEAN, MAX, MIN, LOGSUMEXP, N_KINDS } kind;
typedef ag_tensor *reduction(ag_tensor *x, int n, const int *axes);
static reduction *const keep[N_KINDS] = { ag_sum_keep, ag_mean_keep, ag_max_keep, ag_min_keep, ag_logsumexp_keep };
static reduction *const drop[N_KINDS] = { ag_sum, ag_mean, ag_max, ag_min, ag_logsumexp };

static int tape(void **state)
{
    return (*state = ag_tape_new()) == NULL;
}
static int end(void **state)
{
    ag_tape_free(*state);
    return 0;
}

/* Where element i of x goes among the results. */
static int64_t place(ag_tensor *x, uint32_t mask, int64_t i)
{
    int64_t at = 0, step = 1;
    for (int d = ag_rank(x) - 1; d >= 0; i /= ag_size(x, d), d--) {
        if (mask >> d & 1) continue;
        at += i % ag_size(x, d) * step;
        step *= ag_size(x, d);
    }
    return at;
}

static double *plain(ag_tensor *x, kind k, uint32_t mask, int64_t results)
{
    int64_t n = ag_numel(x);
    double *v = malloc((size_t)n * sizeof *v), *y = malloc((size_t)results * sizeof *y),
           *s = calloc((size_t)results, sizeof *s);
    assert_true(v && y && s);
    assert_int_equal(ag_read(x, v, n), AG_OK);
    for (int64_t j = 0; j < results; j++) y[j] = k == MAX || k == LOGSUMEXP ? -INFINITY : k == MIN ? INFINITY : 0;
    for (int64_t i = 0; i < n; i++) {
        double *to = &y[place(x, mask, i)];
        *to = k <= MEAN ? *to + v[i] : k == MIN ? fmin(*to, v[i]) : fmax(*to, v[i]);
    }
    for (int64_t i = 0; k == LOGSUMEXP && i < n; i++) s[place(x, mask, i)] += exp(v[i] - y[place(x, mask, i)]);
    for (int64_t j = 0; j < results; j++) {
        if (k == LOGSUMEXP) y[j] += log(s[j]);
        if (k == MEAN) y[j] /= (double)(n / results);
    }
    free(v), free(s);
    return y;
}

static void test_reduce_random(void **state)
{
    for (int round = 0; round < 300; round++) {
        ag_tape_reset(*state);
        ag_dtype dtype = plain_choice(2) ? AG_F64 : AG_F32;
        int rank = 1 + (int)plain_choice(4), axes[4], n = 0;
        int64_t dims[4], results = 1;
        uint32_t mask = 0;
        for (int i = 0; i < rank; i++) {
            dims[i] = 1 + plain_choice(rank > 2 ? 7 : plain_choice(4) ? 40 : 600);
            if (plain_choice(2)) axes[n++] = i, mask |= 1u << i;
        }
        if (n == 0) mask = (1u << rank) - 1;
        for (int i = 0; i < rank; i++) results *= mask >> i & 1 ? 1 : dims[i];
        kind k = (kind)plain_choice(N_KINDS);
        ag_tensor *x = ag_variable(plain_random(dtype, rank, dims)), *y = keep[k](x, n, axes), *plain_g = NULL;
        double *want = plain(x, k, mask, results), near = dtype == AG_F64 ? 1e-13 : 5e-6;
        assert_true(plain_distance_to(y, want, results) <= near);
        assert_true(plain_distance_to(drop[k](x, n, axes), want, results) <= near);
        free(want);
        /* the kernel's gradient against the recorded one */
        ag_tensor *u = ag_detach(ag_add(ag_mul(y, 0.25), 1.0)), *g = ag_vjp(y, x, u);
        AG_NO_GRAD
            plain_g = ag_vjp(y, x, u);
        assert_true(plain_distance(plain_g, g) <= (dtype == AG_F64 ? 1e-13 : 1e-5));
    }
}

/* Rounding errors of a long axis do not pile up, whichever way it lies. */
static void test_reduce_long(void **state)
{
    (void)state;
    ag_tensor *x = ag_rand(AG_F32, 100000, 3), *wide = ag_sum(ag_to(x, AG_F64), 0);
    assert_true(plain_distance(ag_sum(x, 0), wide) <= 2e-6);
    assert_true(plain_distance(ag_sum(ag_contiguous(ag_transpose(x, 0, 1)), 1), wide) <= 2e-6);
}

/* Threads share a long run: the bits are those of the kernel alone, and of any stride. */
static void test_reduce_bits(void **state)
{
    (void)state;
    enum { N = 3400003 };
    for (int wide = 0; wide < 2; wide++) {
        ag_dtype dtype = wide ? AG_F64 : AG_F32;
        ag_tensor *x = ag_add(ag_rand(dtype, N), -0.4), *apart = ag_zeros(dtype, 2 * N);
        const void *data = wide ? (const void *)ag_f64(x) : (const void *)ag_f32(x);
        apart = ag_index_add(apart, 0, ag_arange(AG_I64, 0, 2 * N, 2), x);
        double sum = ag__kernels_of(ag__kernels_choose(), wide)->reduce[AG__SUM](N, data, 1);
        assert_true(ag_item(ag_sum(x)) == (wide ? sum : (double)(float)sum));
        assert_true(ag_item(ag_sum(ag_slice_step(apart, 0, 0, 2 * N, 2))) == ag_item(ag_sum(x)));
        double largest = ag_item(ag_max(x)), smallest = ag_item(ag_min(x));
        assert_true(largest < 0.6 && largest > 0.5999 && smallest >= -0.4 && smallest < -0.3999);
        ag_tensor *rows = ag_reshape(ag_slice(x, 0, 0, 3400000), 340000, 10);
        assert_true(plain_distance(ag_sum(rows, 0), ag_sum(ag_contiguous(ag_transpose(rows, 0, 1)), 1)) <= 1e-5);
        assert_true(plain_distance(ag_max(rows, 0), ag_max(ag_contiguous(ag_transpose(rows, 0, 1)), 1)) == 0);
        ag_tensor *more = ag_zeros(dtype, 10), *blocks = ag_reshape(ag_slice(x, 0, 0, 1080000), 6, 300, 600);
        ag__fold(AG__SUM, rows->layout, rows->data, 1, more->data, true);
        ag__fold(AG__SUM, rows->layout, rows->data, 1, more->data, true);
        assert_true(plain_distance(more, ag_mul(2.0, ag_sum(rows, 0))) <= 1e-5);
        assert_true(plain_distance(ag_sum(blocks, 1), ag_sum(ag_contiguous(ag_transpose(blocks, 1, 2)), 2)) <= 1e-5);
    }
}

/* Down columns as along rows, also where there are infinities and NaN, and a column's largest comes late. */
static void test_columns(void **state)
{
    for (int width = 5; width <= 300; width += 295)
        for (int wide = 0; wide < 2; wide++) {
            ag_tape_reset(*state);
            enum { ROWS = 37 };
            ag_tensor *x = ag_mul(ag_randn(AG_F64, ROWS, width), 3.0),
                      *down = ag_expand(ag_arange(AG_F64, 0, ROWS, 1), 1, ROWS);
            ag_tensor *row = ag_transpose(down, 0, 1), *special[] = {
                ag_full(AG_F64, -INFINITY, ROWS, 1),
                ag_where(ag_lt(row, 20.0), ag_num(-INFINITY), row),
                ag_where(ag_eq(row, 9.0), ag_num(INFINITY), row),
                ag_where(ag_eq(row, 30.0), ag_num(NAN), ag_where(ag_eq(row, 9.0), ag_num(INFINITY), row)),
                ag_mul(row, 300.0),
            };
            x = ag_cat(AG_LIST(special[0], special[1], special[2], special[3], special[4], x), 1);
            x = ag_variable(ag_to(x, wide ? AG_F64 : AG_F32));
            ag_tensor *turned = ag_variable(ag_contiguous(ag_transpose(x, 0, 1)));
            ag_tensor *g = ag_to(ag_randn(AG_F64, ROWS, ag_size(x, 1)), wide ? AG_F64 : AG_F32);
            ag_tensor *gt = ag_contiguous(ag_transpose(g, 0, 1));
            double near = wide ? 1e-13 : 1e-5;
            assert_true(plain_distance(ag_logsumexp(x, 0), ag_logsumexp(turned, 1)) <= near);
            ag_tensor *y[] = { ag_softmax(x, 0), ag_log_softmax(x, 0) };
            ag_tensor *yt[] = { ag_softmax(turned, 1), ag_log_softmax(turned, 1) };
            for (int i = 0; i < 2; i++) {
                assert_true(plain_distance(y[i], ag_contiguous(ag_transpose(yt[i], 0, 1))) <= near);
                AG_NO_GRAD {
                    ag_tensor *d = ag_vjp(y[i], x, g), *dt = ag_vjp(yt[i], turned, gt);
                    assert_true(plain_distance(d, ag_contiguous(ag_transpose(dt, 0, 1))) <= near);
                }
            }
        }
}

static void test_reduce_edges(void **state)
{
    (void)state;
    const double inf = INFINITY, v[] = { -inf, -inf, 1, inf, 2, -inf };
    ag_tensor *x = ag_variable(ag_reshape(ag_copy(v, 6), 3, 2)), *y = ag_logsumexp(x, 1),
              *g = ag_vjp(y, x, ag_ones_like(y)), *plain_g = NULL;
    assert_true(plain_distance_to(y, ((double[]){ -inf, inf, 2 }), 3) == 0);
    assert_true(plain_distance_to(g, ((double[]){ 0, 0, 0, NAN, 1, 0 }), 6) == 0);
    AG_NO_GRAD
        plain_g = ag_vjp(y, x, ag_ones_like(y));
    assert_true(plain_distance(plain_g, g) == 0);
    assert_true(ag_item(ag_logsumexp(ag_slice(x, 0, 0, 1))) == -inf);
    assert_true(ag_item(ag_logsumexp(ag_transpose(ag_slice(x, 0, 1, 3), 0, 1))) == inf);

    ag_tensor *none = ag_zeros(AG_F32, 0, 2);
    assert_true(plain_distance_to(ag_sum(none, 0), ((double[]){ 0, 0 }), 2) == 0);
    assert_true(plain_distance_to(ag_mean(none, 0), ((double[]){ NAN, NAN }), 2) == 0);
    assert_true(plain_distance_to(ag_logsumexp(none, 0), ((double[]){ -inf, -inf }), 2) == 0);
    assert_int_equal(ag_numel(ag_max(none, 1)), 0);
    assert_null(ag_max(none, 0));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);

    const double holes[] = { 1, NAN, 3, NAN };
    ag_tensor *h = ag_copy(holes, 4);
    assert_true(isnan(ag_item(ag_max(h))) && isnan(ag_item(ag_min(h))));
    assert_true(ag_item(ag_argmax(h, 0)) == 1);
}

static void test_reduce_whole(void **state)
{
    (void)state;
    const int64_t v[] = { INT64_MAX - 1, -5, 7, 1, INT64_MAX - 2, 7 };
    ag_tensor *x = ag_reshape(ag_copy(v, 6), 2, 3);
    const int64_t *y = ag_i64(ag_max(x, 1));
    assert_true(y && y[0] == INT64_MAX - 1 && y[1] == INT64_MAX - 2);
    y = ag_i64(ag_min(x, 0));
    assert_true(y && y[0] == 1 && y[1] == -5 && y[2] == 7);
    y = ag_i64(ag_argmax(x, 0)); /* the first of equals */
    assert_true(y && y[0] == 0 && y[1] == 1 && y[2] == 0);
    ag_tensor *bytes = ag_full(AG_U8, 200, 3, 1000);
    y = ag_i64(ag_sum(bytes, 1));
    assert_true(y && y[0] == 200000 && y[2] == 200000);
    assert_true(ag_item(ag_sum(ag_gt(ag_arange(AG_F32, 0, 10, 1), 2.0))) == 7);
}

/* Ties share the gradient. */
static void test_reduce_ties(void **state)
{
    (void)state;
    const double v[] = { 3, 1, 3, 3, 0, 1 };
    ag_tensor *x = ag_variable(ag_reshape(ag_copy(v, 6), 2, 3)), *g = ag_grad(ag_max(x), x);
    assert_true(plain_distance_to(g, ((double[]){ 1. / 3, 0, 1. / 3, 1. / 3, 0, 0 }), 6) <= 1e-16);
    g = ag_grad(ag_sum(ag_min(x, 0)), x);
    assert_true(plain_distance_to(g, ((double[]){ 0.5, 0, 0, 0.5, 1, 1 }), 6) <= 1e-16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reduce_random, tape, end),
        cmocka_unit_test_setup_teardown(test_reduce_long, tape, end),
        cmocka_unit_test_setup_teardown(test_reduce_bits, tape, end),
        cmocka_unit_test_setup_teardown(test_columns, tape, end),
        cmocka_unit_test_setup_teardown(test_reduce_edges, tape, end),
        cmocka_unit_test_setup_teardown(test_reduce_whole, tape, end),
        cmocka_unit_test_setup_teardown(test_reduce_ties, tape, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
