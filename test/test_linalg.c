/* test_linalg.c - linear algebra: PyTorch's values, and what samples do not reach: singular, huge, tiny and NaN. */
#include "parity.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static ag_tape *tape;
static int tape_begin(void **state)
{
    (void)state;
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int tape_end(void **state)
{
    (void)state;
    ag_clear_error();
    ag_tape_free(tape);
    return 0;
}

static ag_tensor *matrix(int64_t m, int64_t n, const double *values)
{
    return ag_reshape(ag_copy(values, m * n), m, n);
}
#define MATRIX(m, n, ...) matrix(m, n, (const double[]){ __VA_ARGS__ })
#define VECTOR(n, ...)    ag_copy(((const double[]){ __VA_ARGS__ }), n)

/* max |a - b| / max(1, max |b|) */
static double apart(ag_tensor *a, ag_tensor *b)
{
    double size = fmax(1, ag_item(ag_max(ag_abs(b))));
    return ag_item(ag_max(ag_abs(ag_sub(a, b)))) / size;
}

static void golden_cases(void **state)
{
    (void)state;
    char text[4096] = "";
    FILE *out = tmpfile();
    assert_non_null(out);
    int status = parity_run("test/golden/linalg.jsonl.gz", NULL, out, out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    if (status) fail_msg("%s", text);
    print_message("# %s", text);
}

/* ---- decompositions make up what was decomposed ---- */

static void factors_multiply_to_the_matrix(void **state)
{
    (void)state;
    static const int64_t sizes[][2] = { { 1, 1 }, { 5, 5 }, { 40, 40 }, { 60, 25 }, { 25, 60 }, { 3, 0 }, { 0, 3 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ag_tensor *x = ag_randn(AG_F64, 3, sizes[i][0], sizes[i][1]), *l, *u, *r, *s, *vh;
        ag_tensor *p = ag_lu(x, &l, &u), *again[4] = { ag_matmul(p, ag_matmul(l, u)) };
        ag_tensor *q = ag_qr(x, AG_COMPLETE, &r);
        again[1] = ag_matmul(q, r);
        q = ag_qr(x, AG_REDUCED, &r);
        again[2] = ag_matmul(q, r);
        q = ag_svd(x, false, &s, &vh);
        again[3] = ag_matmul(ag_mul(q, ag_unsqueeze(s, -2)), vh);
        for (int k = 0; k < 4; k++) {
            assert_int_equal(ag_numel(again[k]), ag_numel(x));
            if (ag_numel(x)) assert_true(apart(again[k], x) < 1e-12);
        }
    }
    assert_int_equal(ag_error(), AG_OK);
}

static void systems_are_solved(void **state)
{
    (void)state;
    ag_tensor *x = ag_randn(AG_F64, 2, 30, 30), *b = ag_randn(AG_F64, 2, 30, 3), *v;
    ag_tensor *a = ag_add(ag_matmul(x, ag_transpose(x, -1, -2)), ag_eye(AG_F64, 30)), *l = ag_cholesky(a, false);
    assert_true(apart(ag_matmul(a, ag_solve(a, b)), b) < 1e-10);
    assert_true(apart(ag_matmul(a, ag_cholesky_solve(b, l, false)), b) < 1e-10);
    assert_true(apart(ag_cholesky_inverse(l, false), ag_inv(a)) < 1e-10);
    assert_true(apart(ag_cholesky_inverse(ag_cholesky(a, true), true), ag_inv(a)) < 1e-10);
    assert_true(apart(ag_matrix_power(a, -2), ag_inv(ag_matmul(a, a))) < 1e-10);
    ag_tensor *e = ag_eigh(a, false, &v);
    assert_true(apart(ag_matmul(a, v), ag_mul(v, ag_unsqueeze(e, -2))) < 1e-10);
    assert_true(apart(ag_sum(ag_log(e), -1), ag_logdet(a)) < 1e-10);
}

/* The other triangle holds nonsense. */
static void one_triangle_is_read(void **state)
{
    (void)state;
    ag_tensor *low = MATRIX(2, 2, 4, NAN, 2, 3), *up = MATRIX(2, 2, 4, 2, NAN, 3), *whole = MATRIX(2, 2, 4, 2, 2, 3);
    ag_tensor *b = MATRIX(2, 1, 4, 8);
    assert_true(apart(ag_solve_triangular(low, b), MATRIX(2, 1, 1, 2)) == 0);
    assert_true(apart(ag_solve_triangular(up, b, .upper = true), MATRIX(2, 1, -1. / 3, 8. / 3)) < 1e-15);
    assert_true(apart(ag_eigvalsh(MATRIX(2, 2, 4, 7, 2, 3), false), ag_eigvalsh(whole, false)) < 1e-15);
    assert_true(apart(ag_eigvalsh(MATRIX(2, 2, 4, 2, 7, 3), true), ag_eigvalsh(whole, false)) < 1e-15);
    assert_true(apart(ag_cholesky(MATRIX(2, 2, 4, 7, 2, 3), false), ag_cholesky(whole, false)) < 1e-15);
    assert_int_equal(ag_error(), AG_OK);
}

static void nan_comes_through(void **state)
{
    (void)state;
    ag_tensor *x = ag_add(ag_eye(AG_F64, 3), MATRIX(3, 3, 0, 0, 0, 0, NAN, 0, 0, 0, 0)), *r;
    ag_tensor *y[] = { ag_inv(x),
                       ag_solve(x, VECTOR(3, 1, 2, 3)),
                       ag_det(x),
                       ag_logdet(x),
                       ag_cholesky(x, false),
                       ag_qr(x, AG_REDUCED, &r),
                       ag_lu_factor(x, NULL),
                       ag_matrix_exp(x),
                       ag_norm(x),
                       ag_lstsq(x, VECTOR(3, 1, 2, 3)) };
    for (size_t i = 0; i < sizeof y / sizeof *y; i++) {
        assert_non_null(y[i]);
        assert_true(isnan(ag_item(ag_sum(y[i]))));
    }
    assert_int_equal(ag_error(), AG_OK);
}

/* ---- determinants ---- */

/* Of rank 2: d det = cofactors; they are quadratic, so that differences of det are exact up to rounding. */
static void singular_matrices_have_a_gradient(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(MATRIX(3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9)), *det = ag_det(x), *g = ag_grad(det, x);
    assert_true(fabs(ag_item(det)) < 1e-14);
    assert_true(apart(g, MATRIX(3, 3, -3, 6, -3, 6, -12, 6, -3, 6, -3)) < 1e-13);
    /* by x[0][0] again: only the minor of the other two rows and columns has it: d^2/dx00 dx11 = x22 = 9, ... */
    ag_tensor *h = ag_grad(ag_select(ag_select(g, 0, 0), 0, 0), x);
    assert_true(apart(h, MATRIX(3, 3, 0, 0, 0, 0, 9, -8, 0, -6, 5)) < 1e-12);
    ag_tensor *none = ag_variable(ag_zeros(AG_F64, 2, 2, 2));
    assert_true(ag_item(ag_max(ag_abs(ag_grad(ag_sum(ag_det(none)), none)))) == 0);
}

static void logarithms_do_not_overflow(void **state)
{
    (void)state;
    ag_tensor *sign, *x = ag_mul(ag_eye(AG_F64, 4), -1e200), *size = ag_slogdet(x, &sign);
    assert_true(isinf(ag_item(ag_det(x))) && ag_item(sign) == 1);
    assert_true(fabs(ag_item(size) - 4 * log(1e200)) < 1e-9);
    size = ag_slogdet(ag_mul(ag_eye(AG_F64, 3), -1e-200), &sign);
    assert_true(ag_item(sign) == -1 && fabs(ag_item(size) + 3 * 200 * log(10)) < 1e-9);
    size = ag_slogdet(ag_ones(AG_F64, 2, 2), &sign);
    assert_true(ag_item(sign) == 0 && ag_item(size) == -INFINITY);
    assert_true(isnan(ag_item(ag_logdet(ag_mul(ag_eye(AG_F64, 3), -1.0)))));
}

/* ---- norms of huge and tiny vectors ---- */

static void norms_do_not_overflow(void **state)
{
    (void)state;
    static const double scale[] = { 1e300, 1e-300, 1e160, 1e-160, 4e-323 };
    for (size_t i = 0; i < sizeof scale / sizeof *scale; i++) {
        ag_tensor *x = ag_variable(ag_mul(VECTOR(2, 3, -4), scale[i])), *y = ag_norm(x), *g = ag_grad(y, x);
        assert_true(fabs(ag_item(y) / (5 * scale[i]) - 1) < 1e-2 * (scale[i] < 1e-310) + 1e-14);
        assert_true(fabs(ag_at(g, 0) - 0.6) < 0.02 && fabs(ag_at(g, 1) + 0.8) < 0.02);
        if (scale[i] < 1e-310) continue;
        y = ag_vector_norm(x, 3), g = ag_grad(y, x);
        assert_true(fabs(ag_item(y) / (cbrt(91) * scale[i]) - 1) < 1e-14);
        assert_true(fabs(ag_at(g, 0) - 9 / pow(91, 2. / 3)) < 1e-14);
        y = ag_vector_norm(x, -2);
        assert_true(fabs(ag_item(y) / (2.4 * scale[i]) - 1) < 1e-14);
    }
    assert_true(ag_item(ag_norm(VECTOR(2, INFINITY, 1))) == INFINITY && isnan(ag_item(ag_norm(VECTOR(2, NAN, 1)))));
    ag_tensor *zero = ag_variable(ag_zeros(AG_F64, 3));
    static const double p[] = { 0, 0.5, 1, 1.5, 2, 3, INFINITY, -1, -INFINITY };
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
        ag_tensor *y = ag_vector_norm(zero, p[i]);
        assert_true(ag_item(y) == 0 && ag_item(ag_max(ag_abs(ag_grad(y, zero)))) == 0);
    }
}

/* ---- exponentials of matrices that need halving ---- */

static void exponentials(void **state)
{
    (void)state;
    const double turn = 100;
    ag_tensor *x = ag_matrix_exp(MATRIX(2, 2, 0, -turn, turn, 0));
    assert_true(apart(x, MATRIX(2, 2, cos(turn), -sin(turn), sin(turn), cos(turn))) < 1e-12);
    x = ag_matrix_exp(MATRIX(3, 3, 0, 1e6, 0, 0, 0, 2e6, 0, 0, 0));
    assert_true(apart(x, MATRIX(3, 3, 1, 1e6, 1e12, 0, 1, 2e6, 0, 0, 1)) < 1e-12);
    x = ag_matrix_exp(MATRIX(2, 2, -700, 0, 0, 3));
    assert_true(fabs(ag_at(x, 0, 0) / exp(-700) - 1) < 1e-11 && fabs(ag_at(x, 1, 1) / exp(3) - 1) < 1e-11);
    assert_true(isnan(ag_item(ag_sum(ag_matrix_exp(MATRIX(2, 2, INFINITY, 0, 0, 1))))));
}

/* ---- least squares of matrices without full rank: the shortest solution ---- */

static void shortest_solution(void **state)
{
    (void)state;
    static const ag_lstsq_driver driver[] = { AG_GELSY, AG_GELSD, AG_GELSS };
    ag_tensor *a = MATRIX(3, 2, 1, 2, 2, 4, 3, 6), *b = MATRIX(3, 1, 5, 10, 15), *rank, *s;
    for (size_t i = 0; i < sizeof driver / sizeof *driver; i++) {
        ag_tensor *x = ag_lstsq(a, b, .driver = driver[i], .rank = &rank, .singular_values = &s);
        assert_true(apart(x, MATRIX(2, 1, 1, 2)) < 1e-14);
        assert_true(ag_item(rank) == 1);
        if (driver[i] != AG_GELSY) assert_true(apart(s, VECTOR(2, sqrt(70), 0)) < 1e-14);
    }
    assert_true(apart(ag_matmul(ag_pinv(a), b), MATRIX(2, 1, 1, 2)) < 1e-14);
    ag_tensor *narrow = ag_lstsq(ag_to(a, AG_F32), ag_to(b, AG_F32));
    assert_true(apart(ag_to(narrow, AG_F64), MATRIX(2, 1, 1, 2)) < 1e-6);
}

/* ---- outputs that nobody asked for ---- */

static void outputs_may_be_left_out(void **state)
{
    (void)state;
    ag_tensor *x = ag_randn(AG_F64, 3, 3), *sign = x;
    assert_non_null(ag_svd(x, true, NULL, NULL));
    assert_non_null(ag_qr(x, AG_REDUCED, NULL));
    assert_non_null(ag_eigh(x, false, NULL));
    assert_non_null(ag_lu(x, NULL, NULL));
    assert_non_null(ag_slogdet(x, NULL));
    assert_null(ag_slogdet(ag_zeros(AG_F64, 2), &sign)); /* on failure they are NULL */
    assert_null(sign);
}

/* ---- out of memory, at each place that takes some ---- */

static ag_tensor *everything(ag_tensor *x)
{
    ag_tensor *a = ag_add(ag_matmul(x, ag_transpose(x, -1, -2)), ag_eye(AG_F64, 12)), *r, *s, *vh, *v, *l, *u;
    ag_tensor *sum = ag_sum(ag_inv(a)), *b = ag_ones(AG_F64, 12, 2);
    sum = ag_add(sum, ag_add(ag_sum(ag_solve(a, b)), ag_logdet(a)));
    sum = ag_add(sum, ag_sum(ag_cholesky_solve(b, ag_cholesky(a, false), false)));
    sum = ag_add(sum, ag_sum(ag_matmul(ag_qr(x, AG_REDUCED, &r), r)));
    sum = ag_add(sum, ag_sum(ag_matmul(ag_svd(x, true, &s, &vh), vh)));
    sum = ag_add(sum, ag_sum(ag_square(ag_matmul(ag_eigh(a, false, &v), v))));
    sum = ag_add(sum, ag_sum(ag_matmul(ag_lu(x, &l, &u), ag_matmul(l, u))));
    sum = ag_add(sum, ag_add(ag_sum(ag_pinv(x)), ag_sum(ag_lstsq(x, b))));
    sum = ag_add(sum, ag_log(ag_norm(ag_matrix_exp(x))));
    return ag_add(sum, ag_sum(ag_einsum("ij,jk,kl->il", AG_LIST(x, a, b))));
}

static void memory_may_run_out(void **state)
{
    (void)state;
    ag_tape_free(tape), tape = NULL;
    ag_status status = AG_ENOMEM;
    double first = 0;
    int failures = 0;
    for (uint64_t limit = 1 << 14; status; limit += 1 << 12) {
        ag_tape *small = ag_tape_new(.memory_limit = limit);
        if (!small) {
            assert_int_equal(ag_clear_error(), AG_ENOMEM);
            continue;
        }
        ag_tensor *x = ag_variable(ag_reshape(ag_sin(ag_square(ag_arange(AG_F64, 0, 144, 1))), 12, 12));
        ag_tensor *g = ag_grad(everything(x), x);
        if (g) first = ag_at(g, 0, 0);
        assert_true((g != NULL) == (ag_error() == AG_OK));
        status = ag_tape_reset(small);
        assert_true(status == AG_OK || status == AG_ENOMEM);
        failures += status != AG_OK;
        ag_tape_free(small);
    }
    assert_true(isfinite(first) && failures > 20);
    print_message("# %d memory limits too small\n", failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases),
        cmocka_unit_test_setup_teardown(factors_multiply_to_the_matrix, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(systems_are_solved, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(one_triangle_is_read, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(nan_comes_through, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(singular_matrices_have_a_gradient, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(logarithms_do_not_overflow, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(norms_do_not_overflow, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(exponentials, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(shortest_solution, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(memory_may_run_out, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(outputs_may_be_left_out, tape_begin, tape_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
