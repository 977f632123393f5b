/* test_implicit.c - fixed points and linear systems: derivatives by the implicit function theorem. */
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

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-11 * fmax(1, fabs(b)))) fail_msg("%.17g is not %.17g", a, b);
}

/* ---- fixed points ---- */

static int evaluations;

/* Newton's step for z^2 = a: the square root. */
static ag_tensor *newton_step(ag_tensor **x, void *user)
{
    (void)user;
    evaluations++;
    return ag_mul(0.5, ag_add(x[0], ag_div(x[1], x[0])));
}

static void square_roots(void **state)
{
    (void)state;
    static const double at[] = { 2, 9, 0.25 };
    ag_tensor *a = ag_variable(ag_copy(at, 3)), *z = ag_fixed_point(newton_step, ag_ones(AG_F64, 3), AG_LIST(a));
    ag_tensor *g = ag_grad(ag_sum(z), a), *h = ag_grad(ag_sum(g), a), *third = ag_grad(ag_sum(h), a);
    assert_int_equal(ag_error(), AG_OK);
    for (int i = 0; i < 3; i++) {
        const double r = sqrt(at[i]);
        assert_near(ag_at(z, i), r);
        assert_near(ag_at(g, i), 0.5 / r);
        assert_near(ag_at(h, i), -0.25 / (at[i] * r));
        assert_near(ag_at(third, i), 0.375 / (at[i] * at[i] * r));
    }
    evaluations = 0;
    ag_tensor *sum = ag_sum(z), *plain = NULL;
    AG_NO_GRAD
        plain = ag_grad(sum, a);
    assert_near(ag_at(plain, 0), 0.5 / sqrt(2));
    assert_true(evaluations <= 4); /* Newton's adjoint converges at once */
    ag_tensor *dz = ag_jvp(z, a, ag_ones_like(a));
    assert_near(ag_at(dz, 2), 1);
}

/* The same by a residual and its slope: a step that differentiates. */
static ag_tensor *newton_by_slope(ag_tensor **x, void *user)
{
    (void)user;
    ag_tensor *residual = ag_sub(ag_square(x[0]), x[1]);
    return ag_sub(x[0], ag_div(residual, ag_grad(ag_sum(residual), x[0])));
}
static void steps_that_differentiate(void **state)
{
    (void)state;
    ag_tensor *a = ag_variable(ag_full(AG_F64, 2, 3));
    ag_tensor *z = ag_fixed_point(newton_by_slope, ag_ones(AG_F64, 3), AG_LIST(a));
    ag_tensor *g = ag_grad(ag_sum(z), a), *h = ag_grad(ag_sum(g), a);
    assert_near(ag_at(z, 0), sqrt(2));
    assert_near(ag_at(g, 1), 0.5 / sqrt(2));
    assert_near(ag_at(h, 2), -0.125 / sqrt(2));
}

/* A layer in equilibrium: z = tanh(z W' + x + b); W and b are leaves that f knows. */
struct layer {
    ag_tensor *w, *b;
};
static ag_tensor *equilibrium(ag_tensor **x, void *user)
{
    const struct layer *l = user;
    return ag_tanh(ag_add(ag_linear(x[0], l->w, l->b), x[1]));
}
static ag_tensor *in_balance(ag_tensor **x, void *user)
{
    ag_tensor *start = ag_zeros(AG_F64, 2, 4);
    return ag_square(ag_fixed_point(equilibrium, start, AG_LIST(x[0]), .user = user));
}
/* The same by many steps, all recorded. */
static ag_tensor *unrolled(ag_tensor *x, struct layer *l)
{
    ag_tensor *z = ag_zeros(AG_F64, 2, 4);
    for (int i = 0; i < 200; i++) z = equilibrium((ag_tensor *[]){ z, x }, l);
    return ag_square(z);
}

static void layers_in_equilibrium(void **state)
{
    (void)state;
    ag_seed(3);
    struct layer l = { ag_param_like(ag_mul(0.2, ag_randn(AG_F64, 4, 4))), ag_param_like(ag_randn(AG_F64, 4)) };
    ag_tensor *x = ag_param_like(ag_randn(AG_F64, 2, 4));
    if (ag_gradcheck(in_balance, AG_LIST(x), .order = 2, .user = &l, .params = AG_PARAMS({ "w", l.w }, { "b", l.b })))
        fail_msg("%s", ag_errmsg());
    ag_tensor *g[3], *other[3];
    const ag_list by = AG_LIST(x, l.w, l.b);
    assert_int_equal(ag_grads(ag_sum(in_balance(&x, &l)), by, g), AG_OK);
    assert_int_equal(ag_grads(ag_sum(unrolled(x, &l)), by, other), AG_OK);
    for (int k = 0; k < 3; k++) {
        double a[16], b[16];
        const int64_t n = ag_numel(g[k]);
        ag_read(g[k], a, n), ag_read(other[k], b, n);
        for (int64_t i = 0; i < n; i++) assert_near(a[i], b[i]);
    }
    const uint64_t before = ag_tape_memory(tape).nodes;
    in_balance(&x, &l);
    assert_true(ag_tape_memory(tape).nodes - before <= 8); /* no step is kept */
    ag_free(x), ag_free(l.w), ag_free(l.b);
}

static ag_tensor *doubles(ag_tensor **x, void *user)
{
    (void)user;
    return ag_mul(x[0], 2.0);
}
static ag_tensor *sums(ag_tensor **x, void *user)
{
    (void)user;
    return ag_sum(x[0]);
}
static ag_tensor *gives_up(ag_tensor **x, void *user)
{
    (void)x, (void)user;
    return NULL;
}
static void misused_fixed_points(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_ones(AG_F64, 3));
#define NOT(code, text, ...)                                         \
    do {                                                             \
        assert_null(ag_fixed_point(__VA_ARGS__));                    \
        assert_int_equal(ag_error(), code);                          \
        if (!strstr(ag_errmsg(), text)) fail_msg("%s", ag_errmsg()); \
        ag_clear_error();                                            \
    } while (0)
    NOT(AG_ENULL, "ag_fixed_point: the function is NULL", NULL, x, AG_LIST(x));
    NOT(AG_ENULL, "ag_fixed_point: operand 2 is NULL", doubles, NULL, AG_LIST(x));
    NOT(AG_ENULL, "ag_fixed_point: operand 3 is NULL", doubles, x, AG_LIST(NULL));
    NOT(AG_EDTYPE, "ag_fixed_point", doubles, ag_zeros(AG_I64, 3), AG_LIST(x));
    NOT(AG_EINVAL, "-1 iterations", doubles, x, AG_LIST(x), .iterations = -1);
    NOT(AG_EINVAL, "tolerance nan", doubles, x, AG_LIST(x), .tol = NAN);
    NOT(AG_ECONVERGE, "ag_fixed_point: after 20 iterations [3] still moves by", doubles, x, AG_LIST(x),
        .iterations = 20);
    NOT(AG_ESHAPE, "ag_fixed_point: the function made f64 [] of f64 [3]", sums, x, AG_LIST(x));
    NOT(AG_EINVAL, "ag_fixed_point: the function returned NULL", gives_up, x, AG_LIST(x));
    assert_ptr_equal(ag_tape_current(), tape);
}

static void single_precision(void **state)
{
    (void)state;
    ag_tensor *a = ag_variable(ag_full(AG_F32, 2, 3));
    ag_tensor *z = ag_fixed_point(newton_step, ag_ones(AG_F32, 3), AG_LIST(a));
    assert_int_equal(ag_backward(ag_sum(z)), AG_OK);
    assert_true(fabs(ag_at(ag_grad_of(a), 1) - 0.5 / sqrt(2)) < 1e-6);
}

/* ---- systems of scalars ---- */

enum { N = 4 };
/* b is a function of the first inputs; two rows need exchanging, and some elements are constants. */
static void system_of(const ag_scalar *p, ag_scalar *x, void *user)
{
    (void)user;
    ag_scalar a[N * N], b[N];
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            a[i * N + j] =
                (i + j) % 3 == 0 ? ag_const(0.3 * i - 0.2 * j + 0.1) : ag_mul(p[(i * N + j) % 5], 1.0 + i - j);
        b[i] = i == 2 ? ag_const(1.5) : ag_exp(p[i]);
    }
    a[0] = ag_const(0);
    ags_solve(N, a, b, x);
}
static void other_way(const ag_scalar *p, ag_scalar *x, void *user)
{
    ag_scalar once[N], a[4] = { p[0], p[1], p[1], p[2] }, y[2];
    system_of(p, once, user);
    ags_solve(2, a, once + 1, y); /* a solution as the right side of another system */
    for (int i = 0; i < 2; i++) x[i] = ag_mul(y[i], once[0]);
}

static void systems_pass_gradcheck(void **state)
{
    (void)state;
    static const double at[5] = { 0.7, -0.4, 1.1, 0.3, -0.9 };
    if (ags_gradcheck(system_of, N, at, 5, .order = 2)) fail_msg("%s", ag_errmsg());
    if (ags_gradcheck(other_way, 2, at, 5, .order = 2)) fail_msg("%s", ag_errmsg());
}

/* x = A^-1 b for A = [[a, b], [c, d]] in closed form, with its third derivative by a. */
static void closed_form(void **state)
{
    (void)state;
    const double v[] = { 3, 1, 2, 5, 7, -4 };
    ag_scalar in[6], x[2], g[6];
    ags_inputs(6, v, in);
    assert_int_equal(ags_solve(2, in, in + 4, x), AG_OK);
    const double det = 3 * 5 - 1 * 2;
    assert_near(x[0].value, (7 * 5 - -4 * 1) / det);
    assert_near(x[1].value, (3 * -4 - 2 * 7) / det);
    assert_int_equal(ags_grads(x[0], in, 6, g), AG_OK);
    assert_near(g[0].value, -5 * x[0].value / det);
    assert_near(g[4].value, 5 / det);
    ag_scalar second = ag_grad(g[0], in[0]), third = ag_grad(second, in[0]);
    assert_near(second.value, 2 * 25 * x[0].value / (det * det));
    assert_near(third.value, -6 * 125 * x[0].value / (det * det * det));
    double jv[2];
    assert_int_equal(ags_jvp(x, 2, in, 6, (double[]){ 1, 0, 0, 0, 0, 0 }, jv), AG_OK);
    assert_near(jv[0], g[0].value);
    ag_scalar in_place[2] = { in[4], in[5] };
    assert_int_equal(ags_solve(2, in, in_place, in_place), AG_OK);
    assert_near(ag_grad(in_place[0], in[4]).value, 5 / det);
}

static void misused_systems(void **state)
{
    (void)state;
    ag_scalar a[4] = { ag_input(1), ag_const(2), ag_const(2), ag_const(4) }, b[2] = { ag_input(1), ag_input(2) }, x[2];
    assert_int_equal(ags_solve(2, a, b, x), AG_EINVAL);
    assert_non_null(strstr(ag_errmsg(), "ags_solve: the matrix [2,2] is singular"));
    ag_clear_error();
    assert_int_equal(ags_solve(2, NULL, b, x), AG_ENULL);
    ag_clear_error();
    assert_int_equal(ags_solve(2, a, b, NULL), AG_ENULL);
    ag_clear_error();
    assert_int_equal(ags_solve(40000, a, b, x), AG_ENOMEM);
    ag_clear_error();
    assert_int_equal(ags_solve(0, NULL, NULL, NULL), AG_OK);
    ag_tape_reset(tape);
    assert_int_equal(ags_solve(1, a, b, x), AG_ESTALE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(square_roots),     TEST(steps_that_differentiate), TEST(layers_in_equilibrium), TEST(misused_fixed_points),
        TEST(single_precision), TEST(systems_pass_gradcheck),   TEST(closed_form),           TEST(misused_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
