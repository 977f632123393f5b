/* test_batch_norm.c - running statistics, which no gradient checks: against plain loops, and what writing them means.
 */
#include <autograd/autograd.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static ag_tape *tape;
static int begin(void **state)
{
    (void)state;
    ag_seed(3);
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    int failed = ag_clear_error() != AG_OK;
    ag_tape_free(tape);
    return failed;
}

static bool close(double a, double b)
{
    return fabs(a - b) <= 1e-13 * (1 + fabs(b));
}

/* The mean of channel c of x [n][channels][inner], elements from .. to-1 of axis 0, and its variance by n - 1. */
static void moments(const double *x, int64_t from, int64_t to, int64_t channels, int64_t inner, int64_t c, double *mean,
                    double *var)
{
    double n = (double)((to - from) * inner), sum = 0, squares = 0;
    for (int64_t i = from; i < to; i++)
        for (int64_t j = 0; j < inner; j++) sum += x[(i * channels + c) * inner + j];
    *mean = sum / n;
    for (int64_t i = from; i < to; i++)
        for (int64_t j = 0; j < inner; j++) squares += pow(x[(i * channels + c) * inner + j] - *mean, 2);
    *var = squares / (n - 1);
}

enum { N = 4, CHANNELS = 3, INNER = 5 };

static void running_statistics_move(void **state)
{
    (void)state;
    static const double momentum[] = { 0.1, 0.5, 1, -1.2, AG_ZERO };
    for (size_t k = 0; k < 5; k++)
        for (int instance = 0; instance < 2; instance++)
            for (int64_t inner = 1; inner <= INNER; inner += INNER - 1) {
                if (instance && inner == 1) continue;
                ag_tensor *x = ag_randn(AG_F64, N, CHANNELS, inner);
                ag_tensor *mean = ag_full(AG_F64, 0.25, CHANNELS), *var = ag_full(AG_F64, 2, CHANNELS);
                double m = momentum[k] == AG_ZERO ? 0 : momentum[k];
                assert_non_null(
                    instance ? ag_instance_norm(x, .running_mean = mean, .running_var = var, .momentum = momentum[k])
                             : ag_batch_norm(x, .running_mean = mean, .running_var = var, .momentum = momentum[k],
                                             .training = true));
                for (int64_t c = 0; c < CHANNELS; c++) {
                    double means = 0, vars = 0, one, other;
                    int64_t parts = instance ? N : 1, apiece = N / parts;
                    for (int64_t i = 0; i < parts; i++) {
                        moments(ag_f64(x), i * apiece, (i + 1) * apiece, CHANNELS, inner, c, &one, &other);
                        means += one / (double)parts, vars += other / (double)parts;
                    }
                    assert_true(close(ag_at(mean, c), (1 - m) * 0.25 + m * means));
                    assert_true(close(ag_at(var, c), (1 - m) * 2 + m * vars));
                }
            }
}

static void they_are_read_without_training(void **state)
{
    (void)state;
    ag_tensor *x = ag_randn(AG_F64, N, CHANNELS, INNER), *mean = ag_randn(AG_F64, CHANNELS);
    ag_tensor *var = ag_square(ag_randn(AG_F64, CHANNELS)), *weight = ag_randn(AG_F64, CHANNELS);
    for (int instance = 0; instance < 2; instance++) {
        ag_tensor *y = instance
                           ? ag_instance_norm(x, .running_mean = mean, .running_var = var, .weight = weight,
                                              .eps = 0.01, .use_running_stats = true)
                           : ag_batch_norm(x, .running_mean = mean, .running_var = var, .weight = weight, .eps = 0.01);
        for (int64_t i = 0; i < N * CHANNELS * INNER; i++) {
            int64_t c = i / INNER % CHANNELS;
            double z = (ag_f64(x)[i] - ag_at(mean, c)) / sqrt(ag_at(var, c) + 0.01);
            assert_true(close(ag_f64(y)[i], z * ag_at(weight, c)));
        }
    }
}

/* Training writes leaves, views and strided tensors; a derivative that needs what was there before is an error. */
static void writing_them_is_seen(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_randn(AG_F64, N, CHANNELS)), *mean = ag_new(AG_F64, CHANNELS);
    ag_tensor *both = ag_ones(AG_F64, CHANNELS, 2), *var = ag_select(both, 1, 1);
    ag_tensor *given = ag_batch_norm(x, .running_mean = mean, .running_var = var);
    ag_tensor *y = ag_batch_norm(x, .running_mean = mean, .running_var = var, .training = true);
    assert_true(ag_at(mean, 0) != 0 && ag_at(both, 0, 1) != 1 && ag_at(both, 0, 0) == 1);
    assert_non_null(ag_grad(ag_sum(ag_square(y)), x)); /* needs none of them */
    assert_null(ag_grad(ag_sum(given), x));
    assert_int_equal(ag_clear_error(), AG_ESAVED);
    ag_free(mean);
}

static void nothing_moves_them_without_values(void **state)
{
    (void)state;
    ag_tensor *mean = ag_full(AG_F64, 0.25, CHANNELS), *var = ag_full(AG_F64, 2, CHANNELS);
    assert_non_null(
        ag_batch_norm(ag_zeros(AG_F64, 0, CHANNELS), .running_mean = mean, .running_var = var, .training = true));
    assert_non_null(ag_instance_norm(ag_zeros(AG_F64, 2, CHANNELS, 0), .running_mean = mean, .running_var = var));
    assert_true(ag_at(mean, 1) == 0.25 && ag_at(var, 1) == 2);
    assert_null(ag_batch_norm(ag_zeros(AG_F64, 2, CHANNELS), .running_mean = mean, .running_var = ag_zeros(AG_F64, 2),
                              .training = true));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_true(ag_at(mean, 1) == 0.25);
}

/* Many channels, so that several threads share them, long runs and short: as the rule of layer_norm on turned axes. */
static void as_rows_of_layer_norm(void **state)
{
    (void)state;
    static const int64_t shape[][3] = { { 300, 500, 1 }, { 7, 70, 100 }, { 2, 3, 40000 } };
    for (size_t k = 0; k < 3; k++) {
        const int64_t *d = shape[k];
        ag_tensor *x = ag_variable(ag_randn(AG_F64, d[0], d[1], d[2])), *g = ag_randn(AG_F64, d[0], d[1], d[2]);
        ag_tensor *rows = ag_reshape(ag_permute(x, 1, 0, 2), d[1], d[0] * d[2]);
        ag_tensor *back = ag_permute(ag_reshape(ag_layer_norm(rows, 1), d[1], d[0], d[2]), 1, 0, 2);
        ag_tensor *y = ag_batch_norm(x, .training = true);
        assert_true(ag_item(ag_max(ag_abs(ag_sub(y, back)))) < 1e-13);
        ag_tensor *dy = NULL, *dback = NULL;
        AG_NO_GRAD { dy = ag_grad(ag_sum(ag_mul(y, g)), x), dback = ag_grad(ag_sum(ag_mul(back, g)), x); }
        assert_true(ag_item(ag_max(ag_abs(ag_sub(dy, dback)))) < 1e-13);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(running_statistics_move, begin, end),
        cmocka_unit_test_setup_teardown(they_are_read_without_training, begin, end),
        cmocka_unit_test_setup_teardown(writing_them_is_seen, begin, end),
        cmocka_unit_test_setup_teardown(nothing_moves_them_without_values, begin, end),
        cmocka_unit_test_setup_teardown(as_rows_of_layer_norm, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
