/* test_clip.c - norms of gradients, and gradients bounded by them or entry by entry. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <optim/clip.h>
#include <autograd/autograd.h>

/* Parameters whose gradients are what a test says. */
enum { MOST = 5 };
struct fixture {
    ag_tape *tape;
    ag_named named[MOST];
    int n;
};

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    f->tape = ag_tape_new();
    *state = f;
    return f->tape ? 0 : -1;
}
static int end(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < f->n; i++) ag_free(f->named[i].tensor);
    ag_tape_free(f->tape);
    free(f);
    return (int)ag_clear_error();
}

static ag_params params(struct fixture *f)
{
    return (ag_params){ f->named, f->n };
}

/* One more parameter; g NULL: it has no gradient. */
static ag_tensor *param(struct fixture *f, ag_dtype dtype, int64_t n, const double *g)
{
    ag_tensor *x = ag_param(dtype, n);
    f->named[f->n++] = (ag_named){ "p", x };
    if (g && n) assert_int_equal(ag_backward(x, .seed = ag_to(ag_copy(g, n), dtype)), AG_OK);
    return x;
}

static void gradient_is(ag_tensor *x, const double *expected, double tolerance)
{
    double g[64];
    int64_t n = ag_numel(x);
    assert_int_equal(ag_read(ag_grad_of(x), g, n), AG_OK);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(g[i] - expected[i]) <= tolerance * fabs(expected[i]) || g[i] == expected[i] ||
              (isnan(g[i]) && isnan(expected[i]))))
            fail_msg("entry %d: %.17g, not %.17g", (int)i, g[i], expected[i]);
}

static void close_to(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-14 * fabs(expected))) fail_msg("%.17g, not %.17g", value, expected);
}

/* ---- norms ---- */

static void norms_are_of_all_gradients(void **state)
{
    struct fixture *f = *state;
    assert_true(ag_grad_norm(params(f)) == 0); /* of none */
    param(f, AG_F64, 3, NULL);
    assert_true(ag_grad_norm(params(f)) == 0);
    param(f, AG_F64, 3, (double[]){ 1, -2, 4 });
    param(f, AG_F32, 2, (double[]){ -6, 8 });
    param(f, AG_F64, 0, NULL);
    assert_true(ag_grad_norm(params(f)) == 11); /* 1 + 4 + 16 + 36 + 64 = 121 */
    assert_true(ag_clip_norm(params(f), INFINITY) == 11);
    assert_true(ag_clip_norm_p(params(f), 100, 1) == 21);
    close_to(ag_clip_norm_p(params(f), 100, 3), cbrt(1 + 8 + 64 + 216 + 512));
    close_to(ag_clip_norm_p(params(f), 1000, 0.5), pow(1 + sqrt(2) + 2 + sqrt(6) + sqrt(8), 2));
    assert_true(ag_clip_norm_p(params(f), 100, INFINITY) == 8);
    gradient_is(f->named[1].tensor, (double[]){ 1, -2, 4 }, 0); /* no limit was passed */
    gradient_is(f->named[2].tensor, (double[]){ -6, 8 }, 0);
}

/* Every length has its own remainder of lanes. */
static void norms_of_every_length(void **state)
{
    struct fixture *f = *state;
    double g[40], sum = 0;
    for (int n = 1; n <= 40; n++) {
        g[n - 1] = n; /* sums of squares are whole */
        sum += (double)n * n;
        ag_dtype dtype = n % 2 ? AG_F32 : AG_F64;
        param(f, dtype, n, g);
        assert_true(ag_grad_norm(params(f)) == sqrt(sum));
        assert_true(ag_clip_norm_p(params(f), INFINITY, INFINITY) == n);
        assert_true(ag_clip_value(params(f), -INFINITY, INFINITY) == n);
        ag_free(f->named[--f->n].tensor);
    }
}

static void norms_neither_overflow_nor_vanish(void **state)
{
    struct fixture *f = *state;
    const double scales[] = { 1e300, 1e200, 1e150, 1e-150, 1e-158, 1e-200, 1e-300, 0x1p-1070, 0x1p1021 };
    for (int i = 0; i < 9; i++) {
        double s = scales[i];
        param(f, AG_F64, 3, (double[]){ 3 * s, 0, -4 * s });
        close_to(ag_grad_norm(params(f)), 5 * s);
        close_to(ag_clip_norm_p(params(f), INFINITY, 1), 7 * s);
        double cube = ag_clip_norm_p(params(f), INFINITY, 3);
        assert_true(fabs(cube / (cbrt(91) * s) - 1) < (s < DBL_MIN ? 0.1 : 1e-13));
        ag_free(f->named[--f->n].tensor);
    }
    param(f, AG_F32, 2, (double[]){ 3e38, 3e38 });
    close_to(ag_grad_norm(params(f)), sqrt(2) * (double)3e38f);
}

static void what_is_not_finite_is_told(void **state)
{
    struct fixture *f = *state;
    ag_tensor *x = param(f, AG_F64, 9, (double[]){ 1, 2, 3, 4, 5, 6, 7, 8, INFINITY });
    assert_true(ag_grad_norm(params(f)) == INFINITY);
    assert_true(ag_clip_norm_p(params(f), INFINITY, INFINITY) == INFINITY);
    assert_true(ag_clip_value(params(f), -1, 1) == INFINITY);
    gradient_is(x, (double[]){ 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 0);

    ag_tensor *y = param(f, AG_F32, 3, (double[]){ NAN, 9, -9 });
    assert_true(isnan(ag_grad_norm(params(f))));
    assert_true(isnan(ag_clip_norm_p(params(f), INFINITY, INFINITY)) && isnan(ag_clip_norm_p(params(f), 1e9, 3)));
    ag_zero_grad(params(f));
    ag_backward(y, .seed = ag_to(ag_copy(((const double[]){ NAN, 9, -9 }), 3), AG_F32));
    assert_true(isnan(ag_clip_value(params(f), -2, 3)));
    gradient_is(y, (double[]){ NAN, 3, -2 }, 0);
    assert_true(isnan(ag_clip_norm(params(f), 1))); /* as PyTorch's: nothing good can come of it */
    gradient_is(y, (double[]){ NAN, NAN, NAN }, 0);
}

/* ---- clipping ---- */

static void the_norm_is_brought_to_the_limit(void **state)
{
    struct fixture *f = *state;
    ag_tensor *x = param(f, AG_F64, 3, (double[]){ 1, -2, 4 }), *y = param(f, AG_F32, 2, (double[]){ -6, 8 });
    param(f, AG_F64, 3, NULL);
    const double c = 2 / (11 + 1e-6); /* PyTorch's factor */
    assert_true(ag_clip_norm(params(f), 2) == 11);
    gradient_is(x, (double[]){ c, -2 * c, 4 * c }, 1e-15);
    gradient_is(y, (double[]){ -6 * c, 8 * c }, 1e-6);
    assert_null(ag_grad_of(f->named[2].tensor));
    double left = ag_clip_norm_p(params(f), 1, INFINITY), d = c / (left + 1e-6);
    assert_true(fabs(left - 8 * c) < 1e-6);
    gradient_is(x, (double[]){ d, -2 * d, 4 * d }, 1e-15);
    assert_true(ag_clip_norm(params(f), 0) > 1);
    assert_true(ag_grad_norm(params(f)) == 0);
}

static void entries_are_moved_between_the_bounds(void **state)
{
    struct fixture *f = *state;
    ag_tensor *x = param(f, AG_F64, 4, (double[]){ 0.5, -2, 4, -0.0625 });
    ag_tensor *y = param(f, AG_F32, 2, (double[]){ -6, 8 });
    assert_true(ag_clip_value(params(f), -1, 3) == 8);
    gradient_is(x, (double[]){ 0.5, -1, 3, -0.0625 }, 0);
    gradient_is(y, (double[]){ -1, 3 }, 0);
    assert_true(ag_clip_value(params(f), 0.25, 0.25) == 3);
    gradient_is(x, (double[]){ 0.25, 0.25, 0.25, 0.25 }, 0);
}

static void senseless_limits_are_errors(void **state)
{
    struct fixture *f = *state;
    ag_tensor *x = param(f, AG_F64, 2, (double[]){ 3, 4 });
    const double limits[][2] = { { -1, 2 }, { NAN, 2 }, { 1, 0 }, { 1, -2 }, { 1, NAN } };
    for (int i = 0; i < 5; i++) {
        assert_true(isnan(ag_clip_norm_p(params(f), limits[i][0], limits[i][1])));
        assert_int_equal(ag_clear_error(), AG_EINVAL);
    }
    const double bounds[][2] = { { 1, 0.5 }, { NAN, 1 }, { 0, NAN } };
    for (int i = 0; i < 3; i++) {
        assert_true(isnan(ag_clip_value(params(f), bounds[i][0], bounds[i][1])));
        assert_int_equal(ag_clear_error(), AG_EINVAL);
    }
    gradient_is(x, (double[]){ 3, 4 }, 0);
    f->named[1] = (ag_named){ "absent", NULL };
    assert_true(ag_grad_norm((ag_params){ f->named, 2 }) == 5);
    assert_int_equal(ag_clear_error(), AG_ENULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(norms_are_of_all_gradients),        TEST(norms_of_every_length),
        TEST(norms_neither_overflow_nor_vanish), TEST(what_is_not_finite_is_told),
        TEST(the_norm_is_brought_to_the_limit),  TEST(entries_are_moved_between_the_bounds),
        TEST(senseless_limits_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
