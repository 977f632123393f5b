/* test_transform.c - Hessians, Jacobians and higher directional derivatives against closed forms. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>

static ag_tape *tape;
static int begin(void **state)
{
    (void)state;
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    ag_clear_error();
    ag_tape_free(tape);
    return 0;
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-12 * fmax(1, fabs(b)))

static ag_tensor *point(int64_t n, const double *x)
{
    return ag_variable(ag_copy(x, n));
}

/* sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2 */
static ag_tensor *rosenbrock(ag_tensor *x)
{
    ag_tensor *a = ag_slice(x, 0, 0, ag_size(x, 0) - 1), *b = ag_slice(x, 0, 1, ag_size(x, 0));
    return ag_sum(ag_add(ag_mul(100.0, ag_square(ag_sub(b, ag_square(a)))), ag_square(ag_sub(1.0, a))));
}

static const double at[4] = { -1.2, 0.7, 1.5, -0.3 };

static double rosenbrock_hessian(int i, int j)
{
    if (i > j) return rosenbrock_hessian(j, i);
    if (j > i + 1) return 0;
    if (j == i + 1) return -400 * at[i];
    return (i > 0 ? 200 : 0) + (i < 3 ? 1200 * at[i] * at[i] - 400 * at[i + 1] + 2 : 0);
}

static void hessians(void **state)
{
    (void)state;
    ag_tensor *x = point(4, at), *y = rosenbrock(x), *h = ag_hessian(y, x);
    assert_true(h && ag_rank(h) == 2);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) NEAR(ag_at(h, i, j), rosenbrock_hessian(i, j));

    const double v[4] = { 1, -2, 0.5, 3 };
    ag_tensor *hv = ag_hvp(y, x, ag_copy(v, 4)), *plain = NULL;
    AG_NO_GRAD
        plain = ag_hvp(y, x, ag_copy(v, 4));
    for (int i = 0; i < 4; i++) {
        double expected = 0;
        for (int j = 0; j < 4; j++) expected += rosenbrock_hessian(i, j) * v[j];
        NEAR(ag_at(hv, i), expected);
        NEAR(ag_at(plain, i), expected);
    }
    /* and once more: d/dx0 of the first row's product with v */
    ag_tensor *third = ag_grad(ag_select(hv, 0, 0), x);
    NEAR(ag_at(third, 0), 2400 * at[0] * v[0] - 400 * v[1]);
    NEAR(ag_at(third, 1), -400 * v[0]);
}

/* y[i] = sum_j a[i][j] sin(x[j] (i + 1)), tall or wide */
static void jacobian_of(int64_t m, int64_t n)
{
    ag_tensor *a = ag_randn(AG_F64, m, n), *x = ag_variable(ag_randn(AG_F64, n));
    ag_tensor *k = ag_reshape(ag_add(ag_arange(AG_F64, 0, (double)m, 1), 1.0), m, 1);
    ag_tensor *y = ag_sum(ag_mul(a, ag_sin(ag_mul(k, x))), 1), *j = ag_jacobian(y, x);
    assert_true(j && ag_size(j, 0) == m && ag_size(j, 1) == n);
    for (int64_t i = 0; i < m; i++)
        for (int64_t q = 0; q < n; q++)
            NEAR(ag_at(j, i, q), ag_at(a, i, q) * (double)(i + 1) * cos(ag_at(x, q) * (double)(i + 1)));
    /* differentiable: d/dx of the sum of all entries */
    ag_tensor *g = ag_grad(ag_sum(j), x);
    for (int64_t q = 0; q < n; q++) {
        double expected = 0;
        for (int64_t i = 0; i < m; i++)
            expected -= ag_at(a, i, q) * (double)((i + 1) * (i + 1)) * sin(ag_at(x, q) * (double)(i + 1));
        NEAR(ag_at(g, q), expected);
    }
}

static void jacobians_by_the_smaller_side(void **state)
{
    (void)state;
    jacobian_of(7, 3);
    jacobian_of(3, 7);
    jacobian_of(1, 1);
}

static void jacobians_have_both_shapes(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_randn(AG_F64, 2, 3)), *y = ag_square(ag_transpose(x, 0, 1));
    ag_tensor *j = ag_jacobian(y, x);
    assert_true(ag_rank(j) == 4 && ag_size(j, 0) == 3 && ag_size(j, 1) == 2 && ag_size(j, 2) == 2 &&
                ag_size(j, 3) == 3);
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 2; b++)
            for (int c = 0; c < 2; c++)
                for (int d = 0; d < 3; d++) NEAR(ag_at(j, a, b, c, d), b == c && a == d ? 2 * ag_at(x, c, d) : 0);
    ag_tensor *number = ag_jacobian(ag_sum(x), x), *empty = ag_jacobian(ag_slice(x, 0, 0, -2), x);
    assert_true(ag_rank(number) == 2 && ag_at(number, 1, 2) == 1);
    assert_true(ag_rank(empty) == 4 && ag_numel(empty) == 0);
    ag_tensor *other = ag_jacobian(ag_variable(ag_ones(AG_F64, 2)), x);
    assert_true(ag_at(other, 1, 1, 2) == 0);
}

static void directions(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_full(AG_F64, 0.4, 2)), *v = ag_copy(((const double[]){ 2, -1 }), 2);
    ag_tensor *y = ag_exp(ag_mul(3.0, x)); /* k-th: (3 v)^k e^(3 x) */
    for (int k = 0; k <= 5; k++) {
        ag_tensor *d = ag_directional(y, x, v, k);
        NEAR(ag_at(d, 0), pow(6, k) * exp(1.2));
        NEAR(ag_at(d, 1), pow(-3, k) * exp(1.2));
    }
    ag_tensor *plain = NULL;
    AG_NO_GRAD
        plain = ag_directional(y, x, v, 3);
    NEAR(ag_at(plain, 0), 216 * exp(1.2));
}

#define FAILS(call, message)                       \
    do {                                           \
        assert_null(call);                         \
        assert_string_equal(ag_errmsg(), message); \
        ag_clear_error();                          \
    } while (0)

/* The same recording serves any number of transforms: what each leaves behind is no burden to the next. */
static void transforms_do_not_pile_up(void **state)
{
    (void)state;
    uint64_t cost[6];
    for (int mixed = 0; mixed < 2; mixed++) { /* the root by tensors, by scalars */
        ag_tensor *x = ag_variable(ag_full(AG_F64, 4, 3)), *v = ag_ones_like(x), *root = ag_sqrt(x);
        ag_scalar s[3];
        ag_unpack(x, 3, s);
        for (int i = 0; i < 3; i++) s[i] = ag_sqrt(s[i]);
        if (mixed) root = ag_pack(3, s);
        ag_tensor *y = ag_sum(ag_square(ag_sub(root, 2.0)));
        ag_memory now = ag_tape_memory(tape), was;
        for (int k = 0; k < 6; k++) {
            was = now;
            assert_true(ag_at(ag_hvp(y, x, v), 0) == 0.125);
            assert_true(ag_item(ag_directional(y, x, v, 2)) == 0.375);
            assert_true(ag_at(ag_hessian(y, x), 1, 1) == 0.125);
            now = ag_tape_memory(tape);
            cost[k] = now.nodes - was.nodes + now.scalars - was.scalars;
        }
        assert_int_equal(cost[5], cost[1]);
        assert_int_equal(ag_tape_reset(tape), AG_OK);
    }
    print_message("# %d nodes and statements for second derivatives in three ways, however many went before\n",
                  (int)cost[5]);
}

static void misuse_is_reported(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_ones(AG_F64, 2, 3)), *y = ag_square(x), *v = ag_ones(AG_F64, 3);
    FAILS(ag_hvp(y, x, x), "ag_hvp: y [2,3] must hold one number");
    FAILS(ag_hvp(ag_sum(y), x, v), "ag_hvp: v is f64 [3], x f64 [2,3]");
    FAILS(ag_hessian(y, x), "ag_hessian: y [2,3] must hold one number");
    FAILS(ag_jacobian(y, v),
          "ag_jacobian: operand 2 [3] requires no gradient; ag_variable and ag_param make what does");
    FAILS(ag_directional(y, x, x, -1), "ag_directional: order -1");
    FAILS(ag_directional(y, x, v, 1), "ag_directional: v is f64 [3], x f64 [2,3]");
    ag_tensor *deep = ag_reshape(x, 1, 1, 1, 2, 3);
    FAILS(ag_jacobian(deep, ag_variable(ag_ones(AG_F64, 1, 1, 1, 1))),
          "ag_jacobian: the result of y [1,1,1,2,3] by x [1,1,1,1] has more than 8 axes");
    assert_null(ag_hvp(NULL, x, x));
    assert_int_equal(ag_clear_error(), AG_ENULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hessians, begin, end),
        cmocka_unit_test_setup_teardown(jacobians_by_the_smaller_side, begin, end),
        cmocka_unit_test_setup_teardown(jacobians_have_both_shapes, begin, end),
        cmocka_unit_test_setup_teardown(directions, begin, end),
        cmocka_unit_test_setup_teardown(transforms_do_not_pile_up, begin, end),
        cmocka_unit_test_setup_teardown(misuse_is_reported, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
