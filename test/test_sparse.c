/* Sparse Jacobians and Hessians against dense ones, of every shape that colorings treat differently; and that their
 * cost grows with the entries, not with the square of the variables. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "fixture.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Entries equal the dense ones, and what is missing is 0 there; rows ascend. */
static void same(const char *what, const ag_sparse *s, const double *dense, size_t rows, size_t cols)
{
    if (!s) fail_msg("%s: %s", what, ag_errmsg());
    assert_int_equal(s->rows, rows);
    assert_int_equal(s->cols, cols);
    assert_int_equal(s->start[0], 0);
    assert_int_equal(s->start[rows], s->nnz);
    for (size_t i = 0; i < rows; i++) {
        int64_t k = s->start[i];
        for (size_t j = 0; j < cols; j++) {
            const double want = dense[i * cols + j];
            const bool there = k < s->start[i + 1] && s->index[k] == (int64_t)j;
            const double got = there ? s->value[k++] : 0;
            if (fabs(got - want) > 1e-12 * (1 + fabs(want)))
                fail_msg("%s: [%zu][%zu] is %.17g, not %.17g", what, i, j, got, want);
        }
        if (k != s->start[i + 1]) fail_msg("%s: row %zu is out of order", what, i);
    }
}

static void check_jacobian(const char *what, const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, int64_t nnz,
                           int64_t colors)
{
    double *dense = malloc((m * n + 1) * sizeof *dense);
    assert_non_null(dense);
    assert_int_equal(ags_jacobian(y, m, x, n, dense), AG_OK);
    ag_sparse *s = ags_sparse_jacobian(y, m, x, n);
    same(what, s, dense, m, n);
    if (nnz >= 0) assert_int_equal(s->nnz, nnz);
    if (colors >= 0) assert_int_equal(s->colors, colors);
    for (int64_t k = 0; k < s->nnz; k++) s->value[k] = NAN;
    assert_int_equal(ags_sparse_update(s, y, m, x, n), AG_OK);
    same(what, s, dense, m, n);
    ag_sparse_free(s), free(dense);
}

static void check_hessian(const char *what, ag_scalar y, const ag_scalar *x, size_t n, int64_t nnz, int64_t most_colors)
{
    double *dense = malloc((n * n + 1) * sizeof *dense);
    assert_non_null(dense);
    assert_int_equal(ags_hessian(y, x, n, dense), AG_OK);
    ag_sparse *s = ags_sparse_hessian(y, x, n);
    same(what, s, dense, n, n);
    if (nnz >= 0) assert_int_equal(s->nnz, nnz);
    if (s->colors > most_colors) fail_msg("%s: %d colors", what, (int)s->colors);
    ag_sparse_free(s), free(dense);
}

enum { N = 40 };
static void inputs(ag_scalar *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = ag_input(0.3 + 0.05 * (double)i);
}

/* ---- Jacobians ---- */

static void jacobians(void **state)
{
    (void)state;
    ag_scalar x[N], y[N], sum;
    inputs(x, N);
    for (int i = 0; i < N; i++) y[i] = ag_sin(x[i]);
    check_jacobian("diagonal", y, N, x, N, N, 1);
    for (int i = 0; i + 2 < N; i++) y[i] = ag_mul(x[i], ag_add(x[i + 1], ag_square(x[i + 2])));
    check_jacobian("band", y, N - 2, x, N, 3 * (N - 2), 3);
    /* a column all rows have: forwards two directions, in reverse N */
    for (int i = 0; i < N; i++) y[i] = ag_mul(x[0], ag_exp(x[i]));
    check_jacobian("dense column", y, N, x, N, 2 * N - 1, 2);
    /* a row of everything: in reverse two */
    y[N - 1] = ags_logsumexp(N, x);
    for (int i = 0; i + 1 < N; i++) y[i] = ag_cos(x[i]);
    check_jacobian("dense row", y, N, x, N, 2 * N - 1, 2);
    check_jacobian("dense row, tall", y + 10, N - 10, x, N, 2 * N - 11, 2);
    sum = ags_sum(N, x);
    for (int i = 0; i < N; i++) y[i] = ag_mul(sum, x[i]);
    check_jacobian("dense", y, N, x, N, N * N, N);
    check_jacobian("dense, wide", y, 9, x, N, 9 * N, 9);
    check_jacobian("constants", (ag_scalar[]){ ag_const(1), x[3], ag_const(2) }, 3, x, N, 1, 1);
    check_jacobian("by constants", y, N, (ag_scalar[]){ ag_const(1) }, 1, 0, 1);
    check_jacobian("nothing", y, 0, x, N, 0, -1);
    check_jacobian("by nothing", y, N, x, 0, 0, -1);
    check_jacobian("slopes of 0", (ag_scalar[]){ ag_floor(x[1]), ag_add(ag_round(x[2]), x[3]) }, 2, x, N, 1, 1);
    ag_scalar by[] = { x[2], y[2], x[2], y[7], ag_const(1) };
    check_jacobian("by anything", (ag_scalar[]){ y[2], ag_mul(y[7], x[1]), x[2] }, 3, by, 5, -1, -1);
    fine();
}

/* ---- Hessians ---- */

static ag_scalar broyden(size_t n, const ag_scalar *x)
{
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n; i++) { /* (3 - 2 x) x - left - 2 right + 1 */
        ag_scalar r = ag_fma(ag_sub(3.0, ag_mul(2.0, x[i])), x[i], 1.0);
        if (i > 0) r = ag_sub(r, x[i - 1]);
        if (i + 1 < n) r = ag_sub(r, ag_mul(2.0, x[i + 1]));
        y = ag_add(y, ag_square(r));
    }
    return y;
}

static void hessians(void **state)
{
    (void)state;
    ag_scalar x[N], y, each[N], sum;
    inputs(x, N);
    y = ag_const(0);
    for (int i = 0; i < N; i++) y = ag_add(y, ag_exp(x[i]));
    check_hessian("diagonal", y, x, N, N, 1);
    check_hessian("band of two", broyden(N, x), x, N, 5 * N - 6, 6);
    for (int i = 0; i + 1 < N; i++) each[i] = ag_square(ag_sub(x[i + 1], ag_square(x[i])));
    check_hessian("three diagonals", ags_sum(N - 1, each), x, N, 3 * N - 2, 3);
    /* an arrow: one variable with all */
    y = ag_const(0);
    for (int i = 1; i < N; i++) y = ag_fma(x[0], ag_square(x[i]), y);
    check_hessian("arrow", y, x, N, 3 * (N - 1), 2);
    /* products only: no diagonal */
    y = ag_const(0);
    for (int i = 0; i + 1 < N; i += 2) y = ag_fma(x[i], x[i + 1], y);
    check_hessian("pairs", y, x, N, N, 2);
    y = ag_const(1);
    for (int i = 0; i < 12; i++) y = ag_mul(y, x[i]);
    check_hessian("product", y, x, 12, 12 * 11, 12);
    sum = ags_sum(N, x);
    check_hessian("square of a sum", ag_square(sum), x, N, N * N, N);
    check_hessian("linear", ag_sub(ag_mul(2.0, sum), ag_abs(x[3])), x, N, 0, 1);
    check_hessian("constant", ag_const(3), x, N, 0, 1);
    /* a block of variables met through intermediate ones, and rings */
    for (int i = 0; i < N; i++) each[i] = ag_tanh(ag_mul(x[i], x[(i + 7) % N]));
    check_hessian("ring", ags_sum(N, each), x, N, 3 * N, 8);
    check_hessian("by intermediates", ag_add(ag_sin(each[3]), ag_mul(each[4], x[4])),
                  (ag_scalar[]){ x[3], each[3], x[4], each[4] }, 4, -1, 4);
    fine();
}

static void pendulum(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)i, (void)user;
    s[1] = ag_sub(s[1], ag_mul(p[0], ag_sin(s[0])));
    s[0] = ag_fma(0.1, s[1], s[0]);
}

/* Every kind of statement. */
static void statements(void **state)
{
    (void)state;
    enum { M = 24 };
    ag_scalar x[M], y[40];
    double values[M];
    for (int i = 0; i < M; i++) values[i] = 0.4 + 0.05 * i;
    ag_block b = ags_block_input(M, values);
    for (size_t i = 0; i < M; i++) x[i] = ags_block_at(b, i);
#define PART(from, n) ags_block_slice(b, from, n)
    size_t m = 0;
    y[m++] = ags_dot(3, x, x + 2);
    y[m++] = ags_sqnorm(3, x + 5);
    y[m++] = ags_logsumexp(3, x + 1);
    y[m++] = ags_poly(4, (double[]){ 1, 2, 3, 4 }, x[6]);
    y[m++] = ags_poly(2, (double[]){ 1, 2 }, x[6]);
    y[m++] = ags_lin(2, x + 6, (double[]){ 1, 2 });
    y[m++] = ag_div(x[0], x[9]);
    y[m++] = ag_div(2.0, x[9]);
    y[m++] = ag_pow(x[3], x[4]);
    y[m++] = ag_hypot(x[3], x[11]);
    y[m++] = ag_atan2(x[3], 2.0);
    y[m++] = ag_lgamma(x[8]);
    y[m++] = ag_maximum(x[8], x[2]);
    y[m++] = ags_block_sum(ags_block_exp(PART(2, 3)));
    y[m++] = ags_block_dot(PART(2, 3), PART(4, 3));
    y[m++] = ags_block_sqnorm(ags_block_rsub(values, PART(9, 4)));
    y[m++] = ags_block_sum(ags_block_matvec(PART(0, 6), PART(6, 3)));
    y[m++] = ags_block_at(ags_block_trimvs(2, PART(0, 4), PART(4, 2), PART(6, 8)), 5);
    y[m++] = ags_block_sum(ags_block_mul(PART(0, 4), PART(10, 2)));
    y[m++] = ags_block_sum(ags_block_fma(PART(0, 4), PART(10, 2), PART(12, 1)));
    y[m++] = ags_block_sum(ags_block_log(ags_block_add(PART(0, 2), PART(2, 2))));
    y[m++] = ags_block_sum(ags_block_sigmoid(ags_block_sub(PART(0, 2), PART(20, 1))));
    y[m++] = ags_block_sum(ags_block_tanh(PART(14, 2)));
    y[m++] = ags_block_sum(ags_block_sqnorms(2, PART(14, 4)));
    y[m++] = ags_block_at(ags_block_logsumexps(2, PART(14, 4)), 1);
    y[m++] = ags_block_at(ags_block_sums(2, PART(14, 4)), 1);
    y[m++] = ags_block_at(ags_block_exp(ags_block_of(2, (ag_scalar[]){ x[1], ag_mul(x[2], x[3]) })), 1);
    ag_scalar z[2] = { x[3], x[5] };
    assert_int_equal(ags_scan(pendulum, 9, z, 2, x + 7, 1), AG_OK);
    y[m++] = z[0], y[m++] = ag_exp(z[1]);
    assert_int_equal(ags_solve(2, x, x + 20, z), AG_OK);
    y[m++] = z[0];
    check_jacobian("statements", y, m, x, M, -1, -1);
    for (size_t i = 0; i < m; i++) check_hessian("a statement", ag_square(ag_add(y[i], x[23])), x, M, -1, M);
    check_hessian("statements", ags_sum(m, y), x, M, -1, M);
    ag_sparse *s = ags_sparse_hessian(ag_add(y[16], y[18]), x, M); /* bilinear: no diagonal but where factors meet */
    assert_non_null(s);
    assert_true(s->nnz < 40);
    ag_sparse_free(s);
    fine();
}

/* Random programs: sets that grow, meet and repeat. */
static void random_programs(void **state)
{
    (void)state;
    enum { LENGTH = 900 };
    uint32_t r = 5;
    ag_scalar x[N], s[LENGTH], y[N];
    for (int round = 0; round < 30; round++) {
        ag_tape_reset(*state);
        inputs(x, N);
        const int length = 60 + round * 28;
        for (int i = 0; i < length; i++) {
            r = r * 1664525 + 1013904223;
            const ag_scalar a = (r >> 9) % 5 && i ? s[(r >> 16) % (uint32_t)i] : x[(r >> 16) % N], b = x[(r >> 20) % N];
            switch (r >> 29) {
            case 0: s[i] = ag_mul(a, b); break;
            case 1: s[i] = ag_sin(a); break;
            case 2: s[i] = ag_tanh(ag_add(a, b)); break;
            case 3: s[i] = i > 4 ? ags_sum(3, s + i - 3) : a; break;
            case 4: s[i] = ag_mul(0.5, ag_sub(a, b)); break;
            default: s[i] = ag_add(ag_mul(0.3, b), ag_square(b)); break;
            }
            s[i] = ag_mul(s[i], 1 / (1 + fabs(s[i].value)));
        }
        for (int i = 0; i < N; i++) y[i] = s[(i * 37) % length];
        check_jacobian("random", y, N, x, N, -1, -1);
        check_hessian("random", ags_sum(N, y), x, N, -1, N);
        check_hessian("random", y[0], x, N, -1, N);
    }
    fine();
}

/* ---- the same pattern again ---- */

static void updates(void **state)
{
    ag_scalar x[N], y[N], z[N];
    double dense[N * N];
    inputs(x, N);
    for (int i = 0; i + 1 < N; i++) y[i] = ag_mul(x[i], ag_exp(x[i + 1]));
    ag_sparse *jac = ags_sparse_jacobian(y, N - 1, x, N), *hes = ags_sparse_hessian(broyden(N, x), x, N);
    assert_true(jac && hes);
    ag_tape_reset(*state); /* they are not the tape's */
    for (int i = 0; i < N; i++) x[i] = ag_input(cos(i));
    for (int i = 0; i + 1 < N; i++) z[i] = ag_mul(x[i], ag_exp(x[i + 1]));
    assert_int_equal(ags_sparse_update(jac, z, N - 1, x, N), AG_OK);
    ags_jacobian(z, N - 1, x, N, dense);
    same("updated", jac, dense, N - 1, N);
    ag_scalar h = broyden(N, x);
    assert_int_equal(ags_sparse_update(hes, &h, 1, x, N), AG_OK);
    ags_hessian(h, x, N, dense);
    same("updated", hes, dense, N, N);
    ags_sparse_update(hes, z, 2, x, N);
    fails(AG_ESHAPE, "ags_sparse_update: 2 scalars by 40, of a Hessian 40 by 40");
    ags_sparse_update(jac, z, N, x, N);
    fails(AG_ESHAPE, "ags_sparse_update: 40 scalars by 40, of a Jacobian 39 by 40");
    ags_sparse_update(NULL, z, N, x, N);
    fails(AG_ENULL, "ags_sparse_update: the matrix is NULL");
    ag_sparse_free(jac), ag_sparse_free(hes), ag_sparse_free(NULL);
}

static void what_cannot_be(void **state)
{
    (void)state;
    ag_scalar x[2] = { ag_input(1), ag_input(2) }, z[2];
    ag_unpack(ag_exp(ag_pack(2, x)), 2, z);
    assert_null(ags_sparse_jacobian(z, 2, x, 2));
    fails(AG_ENODIFF,
          "ags_sparse_jacobian: tensors stand between y and x, and their patterns are not known; ags_jacobian "
          "takes them");
    ag_tape_reset(*state);
    x[0] = ag_input(1);
    assert_null(ags_sparse_hessian(ags_statement(1, 1, x, (double[]){ 2 }), x, 1));
    fails(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
    assert_null(ags_sparse_jacobian(x, 1, NULL, 1));
    fails(AG_ENULL, "ags_sparse_jacobian: the array of 1 scalars is NULL");
    ag_tape *first = ag_tape_new(.first_order = true);
    x[0] = ag_input(1);
    assert_null(ags_sparse_hessian(ag_exp(x[0]), x, 1));
    fails(AG_ENODIFF, "ags_sparse_hessian: this tape keeps no values (first_order)");
    ag_tape_free(first);
}

/* ---- size ---- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Broyden's tridiagonal function (More, Garbow, Hillstrom 1981, problem 30) as a sum of squares. */
static void broyden_of_100000(void **state)
{
    static const size_t sizes[] = { 1000, 10000, 100000 };
    double each[3];
    int64_t sweeps[3];
    ag_scalar *x = malloc(sizes[2] * sizeof *x);
    assert_non_null(x);
    for (int k = 0; k < 3; k++) {
        const size_t n = sizes[k];
        double best[3] = { 1e9, 1e9, 1e9 };
        ag_sparse *h = NULL;
        for (int round = 0; round < (k < 2 ? 5 : 3); round++) {
            ag_tape_reset(*state);
            const double begin = seconds();
            for (size_t i = 0; i < n; i++) x[i] = ag_input(-1 + 1e-3 * (double)(i % 100));
            ag_scalar y = broyden(n, x);
            const double recorded = seconds();
            ag_sparse_free(h);
            h = ags_sparse_hessian(y, x, n);
            const double hessian = seconds();
            if (!h) fail_msg("%s", ag_errmsg());
            assert_int_equal(ags_sparse_update(h, &y, 1, x, n), AG_OK);
            const double updated = seconds(), took[] = { recorded - begin, hessian - recorded, updated - hessian };
            for (int i = 0; i < 3; i++) best[i] = took[i] < best[i] ? took[i] : best[i];
        }
        assert_int_equal(h->nnz, 5 * (int64_t)n - 6);
        print_message("# Broyden, %6zu unknowns: %d colors, %d sweep(s); recording %.0f ns an unknown, Hessian %.0f, "
                      "again %.0f\n",
                      n, (int)h->colors, (int)h->sweeps, best[0] / (double)n * 1e9, best[1] / (double)n * 1e9,
                      best[2] / (double)n * 1e9);
        each[k] = best[1] / (double)n;
        sweeps[k] = h->sweeps;
        /* the row in the middle, by differences of gradients from their formula */
        const int64_t i = (int64_t)n / 2;
        double v[7], r[7], slope[7];
        for (int j = 0; j < 7; j++) v[j] = x[i - 3 + j].value;
        for (int j = 1; j < 6; j++) {
            r[j] = (3 - 2 * v[j]) * v[j] - v[j - 1] - 2 * v[j + 1] + 1;
            slope[j] = 3 - 4 * v[j];
        }
        const double want[] = { 4, -2 * slope[2] - 4 * slope[3], 0, 0, 4 };
        const double row[] = { want[0], -4 * slope[2] - 2 * slope[3], 2 * (slope[3] * slope[3] - 4 * r[3]) + 8 + 2,
                               -4 * slope[3] - 2 * slope[4], want[4] };
        for (int j = 0; j < 5; j++) {
            assert_int_equal(h->index[h->start[i] + j], i - 2 + j);
            if (fabs(h->value[h->start[i] + j] - row[j]) > 1e-11)
                fail_msg("row %d, entry %d: %.17g, not %.17g", (int)i, j, h->value[h->start[i] + j], row[j]);
        }
        ag_sparse_free(h);
    }
    assert_int_equal(sweeps[0], sweeps[2]);
    if (each[2] > 6 * each[0]) fail_msg("%g ns an unknown, %g of few", each[2] * 1e9, each[0] * 1e9);
    free(x);
    fine();
}

/* One variable with 100,000 others, and 100,000 rows that share one: no step of the square of that. */
static void arrows_of_100000(void **state)
{
    (void)state;
    enum { WIDE = 100000 };
    ag_scalar *x = malloc(WIDE * sizeof *x), *z = malloc(WIDE * sizeof *z), y = ag_const(0);
    assert_true(x && z);
    inputs(x, WIDE);
    for (size_t i = 1; i < WIDE; i++) z[i] = ag_mul(x[0], x[i]), y = ag_add(y, ag_square(z[i]));
    z[0] = x[0];
    const double begin = seconds();
    ag_sparse *h = ags_sparse_hessian(y, x, WIDE), *j = ags_sparse_jacobian(z, WIDE, x, WIDE);
    if (!h || !j) fail_msg("%s", ag_errmsg());
    const double took = seconds() - begin;
    print_message("# an arrow of %d: Hessian %d colors, Jacobian %d; %.2f s\n", WIDE, (int)h->colors, (int)j->colors,
                  took);
    assert_true(took < 4);
    assert_int_equal(h->colors, 2);
    assert_int_equal(h->nnz, 3 * (int64_t)WIDE - 2);
    assert_int_equal(j->colors, 2);
    ag_sparse_free(h), ag_sparse_free(j), free(x), free(z);
    fine();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(jacobians), TEST(hessians),       TEST(statements),        TEST(random_programs),
        TEST(updates),   TEST(what_cannot_be), TEST(broyden_of_100000), TEST(arrows_of_100000),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
