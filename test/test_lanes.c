/* Jacobians, Hessians, their products and higher derivatives of scalars, against gradients of recorded gradients: each
 * function, each kind of statement, tapes that mix them at random, of many chunks, and through tensors. Run once for
 * each instruction set. */
#define _POSIX_C_SOURCE 200809L /* setenv, fork */
#include "fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <autograd/block.h>
#include <autograd/checkpoint.h>

/* ---- against one gradient at a time ---- */

enum { MOST = 40 };

/* The Hessian and the products with a direction, by gradients of recorded gradients. */
static void check_second(const char *what, ag_scalar y, const ag_scalar *x, size_t n, double tolerance)
{
    double got[MOST * MOST], want[MOST * MOST], v[MOST], hv[MOST];
    ag_scalar g[MOST];
    assert_true(n <= MOST);
    bool outside = isnan(y.value); /* of its domain, or at a pole */
    assert_int_equal(ags_gradient(y, x, n, v), AG_OK);
    for (size_t i = 0; i < n; i++) outside |= !isfinite(v[i]);
    if (outside) return;
    const uint64_t before = ag_tape_memory(ag_tape_current()).scalars;
    if (ags_hessian(y, x, n, got)) fail_msg("%s: %s", what, ag_errmsg());
    for (size_t i = 0; i < n; i++) v[i] = sin((double)i + 1);
    assert_int_equal(ags_hvp(y, x, n, v, hv), AG_OK);
    assert_int_equal(ag_tape_memory(ag_tape_current()).scalars, before); /* nothing is recorded, or it is forgotten */
    assert_int_equal(ags_grads(y, x, n, g), AG_OK);
    for (size_t i = 0; i < n; i++) assert_int_equal(ags_gradient(g[i], x, n, want + i * n), AG_OK);
    for (size_t i = 0; i < n; i++) {
        double product = 0;
        for (size_t j = 0; j < n; j++) {
            const double a = got[i * n + j], b = want[i * n + j];
            if (!close_to(a, b, tolerance)) fail_msg("%s: H[%zu][%zu] is %.17g, not %.17g", what, i, j, a, b);
            product += want[i * n + j] * v[j];
        }
        if (!close_to(hv[i], product, tolerance * 10))
            fail_msg("%s: (H v)[%zu] is %.17g, not %.17g", what, i, hv[i], product);
    }
}

static void check_first(const char *what, const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, double tolerance)
{
    double got[MOST * MOST], want[MOST * MOST], unit[MOST] = { 0 };
    assert_true(m <= MOST && n <= MOST);
    assert_int_equal(ags_jacobian(y, m, x, n, got), AG_OK);
    for (size_t i = 0; i < m; i++) {
        unit[i] = 1;
        assert_int_equal(ags_vjp(y, m, x, n, unit, want + i * n), AG_OK);
        unit[i] = 0;
    }
    for (size_t i = 0; i < m * n; i++)
        if (!close_to(got[i], want[i], tolerance))
            fail_msg("%s, %zu by %zu: J[%zu] is %.17g, not %.17g", what, m, n, i, got[i], want[i]);
    enum { ROWS = 11 }; /* more than there are lanes */
    double u[ROWS * MOST], rows[ROWS * MOST], row[MOST];
    for (size_t i = 0; i < ROWS * m; i++) u[i] = sin(1 + 0.7 * (double)i);
    assert_int_equal(ags_vjps(y, m, x, n, ROWS, u, rows), AG_OK);
    for (size_t k = 0; k < ROWS; k++) {
        assert_int_equal(ags_vjp(y, m, x, n, u + k * m, row), AG_OK);
        for (size_t j = 0; j < n; j++)
            if (!close_to(rows[k * n + j], row[j], tolerance * 10))
                fail_msg("%s: product %zu, element %zu is %.17g, not %.17g", what, k, j, rows[k * n + j], row[j]);
    }
}

/* ---- each function ---- */

typedef ag_scalar unary_fn(ag_scalar);
typedef ag_scalar binary_fn(ag_scalar, ag_scalar);
typedef ag_scalar ordered_fn(int, ag_scalar);
static const struct {
    const char *name;
    unary_fn *f;
} unaries[] = {
#define ROW(name, ...) { #name, ags_##name },
    AG_UNARY_FUNCTIONS(ROW) AG_RARE_UNARY(ROW)
};
static const struct {
    const char *name;
    binary_fn *f;
} binaries[] = { AG_BINARY_FUNCTIONS(ROW) AG_RARE_BINARY(ROW) };
static const struct {
    const char *name;
    ordered_fn *f;
} ordereds[] = { AG_RARE_ORDERED(ROW) };
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* At both signs, at 0 and 1, where functions have kinks and poles, and outside of their domains. */
static const double places[] = { 0.37, 1.7, -0.6, 0, 1, -1, 3.2, -2.5 };

static void each_function(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT(places); k++) {
        for (size_t i = 0; i < COUNT(unaries); i++) {
            ag_scalar x = ag_input(places[k]), y = unaries[i].f(x);
            check_second(unaries[i].name, ag_mul(y, 1.3), &x, 1, 1e-12);
        }
        for (size_t i = 0; i < COUNT(ordereds); i++) {
            ag_scalar x = ag_input(places[k]), y = ordereds[i].f(2, x);
            check_second(ordereds[i].name, y, &x, 1, 1e-12);
        }
        for (size_t i = 0; i < COUNT(binaries); i++)
            for (size_t l = 0; l < COUNT(places); l++) {
                ag_scalar x[2] = { ag_input(places[k]), ag_input(places[l]) };
                check_second(binaries[i].name, binaries[i].f(x[0], x[1]), x, 2, 1e-12);
                check_second(binaries[i].name, binaries[i].f(x[0], ag_const(places[l])), x, 2, 1e-12);
                check_second(binaries[i].name, binaries[i].f(ag_const(places[k]), x[1]), x, 2, 1e-12);
                check_second(binaries[i].name, binaries[i].f(x[0], x[0]), x, 1, 1e-12);
            }
    }
    fine();
}

/* ---- each kind of statement, by lanes of every number ---- */

static ag_block exp_of_lines(const ag_scalar *x, ag_block b)
{
    (void)x;
    const double c[] = { 0.3, -0.1, 0.2 };
    ag_block z = ags_block_rsub(c, ags_block_slice(b, 0, 3));
    return ags_block_exp(z);
}

/* A value of each kind of statement over inputs x and the block b of 12 inputs. */
static size_t statements(const ag_scalar *x, ag_block b, ag_scalar *y)
{
    size_t m = 0;
    y[m++] = ag_add(ag_mul(x[0], x[1]), 2.0);
    y[m++] = ag_sub(2.5, ag_div(3.0, ag_square(x[2])));
    y[m++] = ag_fma(x[0], x[1], ag_fma(x[2], 2.0, x[2]));
    y[m++] = ags_sum(5, x);
    y[m++] = ag_exp(ag_mul(0.1, ags_lin(3, x, (double[]){ 1, -2, 3 })));
    y[m++] = ags_dot(2, x, x + 1); /* x0 x1 + x1 x2 */
    y[m++] = ag_sin(ags_sqnorm(4, x));
    y[m++] = ags_logsumexp(5, x);
    y[m++] = ags_poly(4, (double[]){ 1, 2, -0.5, 0.25 }, x[3]);
    y[m++] = ag_hypot(x[0], ag_lgamma(ag_add(3.0, x[1])));
    ag_block e = exp_of_lines(x, b), low = ags_block_slice(b, 3, 3), v = ags_block_slice(b, 6, 3);
    y[m++] = ags_block_sum(e);
    y[m++] = ag_log(ags_block_dot(e, e));
    y[m++] = ag_tanh(ags_block_sqnorm(ags_block_slice(b, 4, 5)));
    ag_block t = ags_block_trimv(e, low, v);
    y[m++] = ag_mul(ags_block_at(t, 2), ags_block_at(t, 0));
    ag_block mv = ags_block_matvec(ags_block_slice(b, 0, 6), e); /* 2 by 3 */
    y[m++] = ag_sqrt(ags_block_sqnorm(mv));
    y[m++] = ag_mul(y[0], y[12]);
    ag_block a = ags_block_slice(b, 0, 6), c = ags_block_slice(b, 6, 2), d = ags_block_slice(b, 3, 3);
    static const double three[] = { 0.5, 2, 3 };
    ag_block k = { three, 0, 3, 0 }; /* constants */
    y[m++] = ags_block_sum(ags_block_exp(ags_block_mul(ags_block_add(a, c), ags_block_sub(d, a))));
    y[m++] = ags_block_sqnorm(ags_block_fma(a, d, ags_block_fma(k, a, c)));
    y[m++] = ags_block_dot(ags_block_log(a), ags_block_sigmoid(ags_block_tanh(ags_block_sub(a, d))));
    ag_block rows =
        ags_block_add(ags_block_sums(3, a), ags_block_mul(ags_block_sqnorms(3, a), ags_block_logsumexps(3, a)));
    y[m++] = ags_block_sum(ags_block_tanh(rows));
    ag_block picked = ags_block_of(4, (ag_scalar[]){ x[0], ags_block_at(t, 1), ag_const(2), x[0] });
    y[m++] = ags_block_sum(ags_block_exp(ags_block_mul(picked, c)));
    y[m++] = ags_block_sqnorm(ags_block_trimvs(2, ags_block_slice(b, 0, 4), c, ags_block_slice(b, 4, 8)));
    y[m++] = ag_const(4);
    y[m++] = x[4];
    return m;
}

enum { INPUTS = 17 };
static size_t make(ag_scalar *x, ag_scalar *y)
{
    double values[12];
    for (int i = 0; i < 5; i++) x[i] = ag_input(0.4 + 0.3 * i);
    for (int i = 0; i < 12; i++) values[i] = 0.2 + 0.1 * i;
    ag_block b = ags_block_input(12, values);
    for (size_t i = 0; i < 12; i++) x[5 + i] = ags_block_at(b, i);
    return statements(x, b, y);
}

static void each_statement(void **state)
{
    (void)state;
    ag_scalar x[INPUTS], y[MOST];
    const size_t m = make(x, y);
    for (size_t rows = 1; rows <= m; rows++)
        for (size_t columns = 1; columns <= INPUTS; columns += columns < 5 ? 1 : 3)
            check_first("statements", y, rows, x, columns, 1e-14);
    for (size_t i = 0; i < m; i++) {
        char name[32];
        snprintf(name, sizeof name, "statement %zu", i);
        check_second(name, y[i], x, INPUTS, 1e-12);
        check_second(name, ag_mul(y[i], y[(i + 5) % m]), x, 7, 1e-12);
    }
    fine();
}

/* By what is no input, by one thing twice, by what was recorded later. */
static void by_anything(void **state)
{
    (void)state;
    ag_scalar a = ag_input(0.7), b = ag_sin(a), c = ag_mul(a, b), y = ag_exp(ag_mul(c, b)), late = ag_input(3);
    ag_scalar x[] = { a, b, c, b, ag_const(1), late, y };
    check_first("anything", (ag_scalar[]){ y, c, late, b, a, c, ag_mul(y, y), y }, 8, x, 7, 1e-14);
    check_first("anything", (ag_scalar[]){ y, c }, 2, x, 7, 1e-14);
    check_second("anything", y, x, 6, 1e-13);
    double jac[2] = { 7, 7 };
    assert_int_equal(ags_jacobian((ag_scalar[]){ y, y }, 2, (ag_scalar[]){ ag_const(1) }, 1, jac), AG_OK);
    near_by(jac[0] + jac[1], 0, 0);
    assert_int_equal(ags_jacobian(NULL, 0, x, 7, NULL), AG_OK);
    assert_int_equal(ags_jacobian(&y, 1, NULL, 0, NULL), AG_OK);
    assert_int_equal(ags_hessian(ag_const(2), &a, 1, jac), AG_OK);
    near_by(jac[0], 0, 0);
    fine();
}

/* Random programs of many chunks: later statements use early ones. */
static void long_tapes(void **state)
{
    (void)state;
    enum { LENGTH = 6000, N = 11 };
    ag_scalar *s = malloc(LENGTH * sizeof *s), y[9];
    assert_non_null(s);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++) s[i] = ag_input(0.5 + 0.1 * i);
        uint32_t r = 17 + (uint32_t)round;
        for (int i = N; i < LENGTH; i++) {
            r = r * 1664525 + 1013904223;
            const ag_scalar a = s[(r >> 8) % (uint32_t)i], b = s[i - 1 - (int)((r >> 4) % 9)];
            switch (r >> 28) {
            case 0: s[i] = ag_tanh(ag_add(a, b)); break;
            case 1: s[i] = ag_sin(ag_mul(a, b)); break;
            case 2: s[i] = ag_div(a, ag_add(2.0, ag_square(b))); break;
            case 3: s[i] = ag_tanh(ags_sum(3, s + i - 3)); break;
            case 4: s[i] = ag_sigmoid(ags_dot(2, s + i - 2, s + i - 4)); break;
            case 5: s[i] = ag_atan2(a, ag_add(2.0, b)); break;
            case 6: s[i] = ag_exp(ag_neg(ag_square(a))); break;
            case 7: s[i] = ag_hypot(a, b); break;
            default: s[i] = ag_mul(0.5, ag_sub(a, b)); break;
            }
        }
        for (int i = 0; i < 9; i++) y[i] = s[LENGTH - 1 - 3 * i];
        check_first("long", y, 9, s, N, 1e-11);
        check_first("long", y, 9, s + 2, 3, 1e-11);
        check_first("long", y, 3, s, N, 1e-11);
        check_second("long", ags_sum(9, y), s, N, 1e-9);
        ag_tape_reset(*state);
    }
    free(s);
    fine();
}

/* ---- loops that are one statement ---- */

static void pendulum(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)i, (void)user;
    s[1] = ag_sub(s[1], ag_mul(p[0], ag_sin(s[0])));
    s[0] = ag_fma(0.1, s[1], s[0]);
}

static void calls(void **state)
{
    (void)state;
    ag_scalar x[3] = { ag_input(0.4), ag_input(1.5), ag_input(0.2) }, s[2] = { ag_square(x[0]), x[1] }, y[3];
    assert_int_equal(ags_scan(pendulum, 20, s, 2, x + 2, 1, .memory = AG_SEGMENTS), AG_OK);
    y[0] = ag_exp(s[0]), y[1] = ag_mul(s[1], s[0]), y[2] = ag_mul(x[0], s[1]);
    check_first("calls", y, 3, x, 3, 1e-14);
    check_first("calls", y, 3, x, 2, 1e-14);
    check_first("calls", y, 2, x, 3, 1e-14);
    check_second("calls", ags_sum(3, y), x, 3, 1e-12);
    check_second("calls", ag_sin(x[0]), x, 3, 1e-12);
    /* one scalar as several operands; results of which not all are asked for */
    ag_scalar z[2] = { x[1], x[1] }, p = x[1];
    assert_int_equal(ags_scan(pendulum, 20, z, 2, &p, 1, .memory = AG_REVOLVE), AG_OK);
    check_first("a repeated operand", z, 2, x, 2, 1e-14);
    for (int k = 1; k >= 0; k--) check_first("one of the results", z + k, 1, x, 3, 1e-14);
    ag_scalar a[4] = { ag_add(x[0], 3.0), x[1], x[1], ag_const(-2) }, b[2] = { x[1], x[2] };
    assert_int_equal(ags_solve(2, a, b, z), AG_OK);
    for (int k = 1; k >= 0; k--) check_first("one of the unknowns", z + k, 1, x, 3, 1e-14);
    for (int k = 1; k >= 0; k--) check_second("one of the unknowns", z[k], x, 3, 1e-12);
    fine();
}

/* ---- through tensors ---- */

/* First derivatives of tapes that keep no values, in both directions; a sweep leaves nothing behind. */
static void mixed_first_order(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new(.first_order = true);
    ag_scalar x[3], z[3], y[3], s[2];
    for (int i = 0; i < 3; i++) x[i] = ag_input(0.3 + 0.2 * i);
    ag_unpack(ag_tanh(ag_flip(ag_pack(3, x), 0)), 3, z);
    s[0] = z[0], s[1] = x[2];
    assert_int_equal(ags_scan(pendulum, 20, s, 2, z + 1, 1), AG_OK);
    for (int i = 0; i < 3; i++) y[i] = ags_dot(2, z + i % 2, s);
    check_first("mixed, of first order", y, 3, x, 2, 1e-14);
    check_first("mixed, of first order", y, 2, x, 3, 1e-14);
    ag_memory before = { 0 }, after = { 0 };
    for (int i = 0; i < 20; i++) {
        double jv[3];
        assert_int_equal(ags_jvp(y, 3, x, 3, (double[]){ 1, i, 2 }, jv), AG_OK);
        before = after, after = ag_tape_memory(tape);
    }
    assert_true(after.nodes == before.nodes && after.scalars == before.scalars && after.in_use == before.in_use);
    ag_tape_free(tape);
    fine();
}

static void mixed_tapes(void **state)
{
    (void)state;
    ag_scalar x[4], z[3], y[3];
    for (int i = 0; i < 4; i++) x[i] = ag_input(0.3 + 0.2 * i);
    ag_tensor *v = ag_pack(4, x), *w = ag_tanh(ag_mul(v, ag_flip(v, 0)));
    ag_unpack(ag_slice(w, 0, 0, 3), 3, z);
    for (int i = 0; i < 3; i++) y[i] = ag_mul(ag_exp(z[i]), x[i]);
    check_first("mixed", y, 3, x, 4, 1e-14);
    check_first("mixed", y, 3, x, 2, 1e-14);
    check_second("mixed", ags_sum(3, y), x, 4, 1e-12);
    ag_scalar by[] = { x[1], z[0] }, s[2] = { z[1], y[0] };
    check_first("mixed, by what was unpacked", (ag_scalar[]){ y[0], z[0], x[1] }, 3, by, 2, 1e-14);
    double slopes[2], sum;
    ags_jacobian(z, 1, by, 2, slopes), ags_jvp(z, 1, by, 2, (double[]){ 1, 1 }, &sum);
    near_by(sum, slopes[0] + 1, 1e-14);
    assert_int_equal(ags_scan(pendulum, 20, s, 2, x, 1), AG_OK);
    check_first("mixed, with a loop", (ag_scalar[]){ s[0], s[1], y[0] }, 3, x, 2, 1e-14);
    check_first("mixed, with a loop", s, 2, x, 3, 1e-14);
    double d[3], direction[] = { 1, 0.5, 0, -1 };
    assert_int_equal(ags_directional(y, 3, x, 4, direction, 2, d), AG_OK);
    for (int i = 0; i < 3; i++) { /* v' H v */
        double hv[4], want = 0;
        assert_int_equal(ags_hvp(y[i], x, 4, direction, hv), AG_OK);
        for (int j = 0; j < 4; j++) want += hv[j] * direction[j];
        near_by(d[i], want, 1e-12);
    }
    fine();
}

/* ---- higher derivatives ---- */

static void directions(void **state)
{
    (void)state;
    ag_scalar x[2] = { ag_input(0.4), ag_input(1.1) };
    /* e^(2t), sin t, 1/t along t: x0 = 0.4 + 2 t, x1 = 1.1 + t */
    ag_scalar y[4] = { ag_exp(x[0]), ag_sin(x[1]), ag_reciprocal(x[1]), ag_const(5) };
    double d[4], factorial = 1;
    const uint64_t before = ag_tape_memory(*state).scalars;
    for (int order = 0; order <= 5; order++) {
        if (order) factorial *= -order;
        assert_int_equal(ags_directional(y, 4, x, 2, (double[]){ 2, 1 }, order, d), AG_OK);
        near_by(d[0], pow(2, order) * exp(0.4), 1e-13);
        near_by(d[1], sin(1.1 + order * acos(-1) / 2), 1e-13);
        near_by(d[2], factorial * pow(1.1, -1 - order), 1e-12);
        near_by(d[3], order ? 0 : 5, 0);
    }
    assert_int_equal(ag_tape_memory(*state).scalars, before);
    assert_int_equal(ags_directional(y, 4, x, 2, (double[]){ 2, 1 }, -1, d), AG_EINVAL);
    fails(AG_EINVAL, "ags_directional: order -1 is negative");
}

/* ---- kinks, and ways that do not count ---- */

/* (sqrt x - 2)^2 at 4: the adjoint of sqrt is 0 there, its tangent is not. */
static void an_adjoint_of_zero(void **state)
{
    (void)state;
    ag_scalar x = ag_input(4), y = ag_square(ag_sub(ag_sqrt(x), 2.0));
    double h = 0;
    near_by(ag_grad(ag_grad(y, x), x).value, 0.125, 1e-15);
    assert_int_equal(ags_hvp(y, &x, 1, &(double){ 2 }, &h), AG_OK);
    near_by(h, 0.25, 1e-15);
    assert_int_equal(ags_hessian(y, &x, 1, &h), AG_OK);
    near_by(h, 0.125, 1e-15);
    ag_tensor *xt = ag_variable(ag_num(4)), *yt = ag_square(ag_sub(ag_sqrt(xt), 2.0));
    near_by(ag_item(ag_grad(ag_grad(yt, xt), xt)), 0.125, 1e-15);
    near_by(ag_item(ag_hvp(yt, xt, ag_num(1))), 0.125, 1e-15);
    near_by(ag_item(ag_hessian(yt, xt)), 0.125, 1e-15);
    fine();
}

/* What is not chosen has an infinite slope. */
static void branches_not_taken(void **state)
{
    (void)state;
    ag_scalar x[2] = { ag_input(0), ag_input(2) };
    ag_scalar bad[] = { ag_sqrt(x[0]),      ag_log(x[0]),   ag_div(1.0, x[0]),
                        ag_pow(x[0], -1.5), ag_rsqrt(x[0]), ag_cbrt(x[0]) };
    for (size_t i = 0; i < COUNT(bad); i++) {
        ag_scalar y[2] = { ag_square(x[1]), ag_maximum(x[1], 1.0) };
        y[1] = ag_add(y[1], ag_mul(0.0, ag_minimum(bad[i], 1e300)));
        double jac[4], h[4];
        ag_scalar s = x[1].value > 0 ? ag_square(x[1]) : bad[i]; /* a choice of C's */
        assert_int_equal(ags_jacobian(y, 1, x, 2, jac), AG_OK);
        near_by(jac[0], 0, 0);
        near_by(jac[1], 4, 0);
        assert_int_equal(ags_hessian(s, x, 2, h), AG_OK);
        near_by(h[0] + h[1] + h[2], 0, 0);
        near_by(h[3], 2, 0);
        ag_scalar late[2] = { x[1], bad[i] }; /* forwards: the other input's lane */
        double columns[4];
        assert_int_equal(ags_jacobian(late, 2, x + 1, 1, columns), AG_OK);
        near_by(columns[0], 1, 0);
        near_by(columns[1], 0, 0);
        assert_int_equal(ags_jacobian(late, 2, x, 2, columns), AG_OK);
        near_by(columns[3], 0, 0);
        assert_true(isinf(columns[2]));
    }
    fine();
}

/* ---- misuse ---- */

static void what_cannot_be(void **state)
{
    (void)state;
    ag_scalar x = ag_input(1), y = ag_sin(x);
    double h;
    ags_jacobian(&y, 1, &x, 1, NULL);
    fails(AG_ENULL, "ags_jacobian: an array of numbers is NULL");
    ags_jacobian(NULL, 2, &x, 1, &h);
    fails(AG_ENULL, "ags_jacobian: the array of 2 scalars is NULL");
    ags_vjps(&y, 1, &x, 1, 1, NULL, &h);
    fails(AG_ENULL, "ags_vjps: an array of numbers is NULL");
    ags_vjps(&y, 1, &x, 1, 2, (double[]){ 1, 2 }, NULL);
    fails(AG_ENULL, "ags_vjps: an array of numbers is NULL");
    ags_vjps(&y, 1, NULL, 1, 1, &(double){ 1 }, &h);
    fails(AG_ENULL, "ags_vjps: the array of 1 scalars is NULL");
    assert_int_equal(ags_vjps(NULL, 0, &x, 1, 1, NULL, &h), AG_OK);
    near_by(h, 0, 0);
    ags_hvp(y, &x, 1, NULL, &h);
    fails(AG_ENULL, "ags_hvp: an array of numbers is NULL");
    ags_hessian(y, &x, 1, NULL);
    fails(AG_ENULL, "ags_hessian: an array of numbers is NULL");
    ag_scalar s = ags_statement(1, 1, &x, (double[]){ 3 });
    assert_int_equal(ags_jacobian(&s, 1, &x, 1, &h), AG_OK);
    near_by(h, 3, 0);
    ags_hessian(ag_mul(s, s), &x, 1, &h);
    fails(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
    ag_tape_reset(*state);
    ags_hessian(y, &x, 1, &h);
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    ag_tape *first = ag_tape_new(.first_order = true);
    x = ag_input(2), y = ag_exp(x);
    assert_int_equal(ags_jacobian(&y, 1, &x, 1, &h), AG_OK);
    near_by(h, exp(2), 1e-15);
    ags_hvp(y, &x, 1, &(double){ 1 }, &h);
    fails(AG_ENODIFF, "ags_hvp: this tape keeps no values (first_order)");
    ags_hessian(y, &x, 1, &h);
    fails(AG_ENODIFF, "ags_hessian: this tape keeps no values (first_order)");
    ags_directional(&y, 1, &x, 1, &(double){ 1 }, 2, &h);
    fails(AG_ENODIFF, "ags_directional: this tape keeps no values (first_order)");
    ag_tape_free(first);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_function),      TEST(each_statement), TEST(by_anything),
        TEST(long_tapes),         TEST(calls),          TEST(mixed_first_order),
        TEST(mixed_tapes),        TEST(directions),     TEST(an_adjoint_of_zero),
        TEST(branches_not_taken), TEST(what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The set of instructions is chosen once in a process. */
int main(void)
{
    static const char *const isas[] = { "generic", "avx2" };
    int failed = 0;
    for (size_t i = 0; i < COUNT(isas) && !getenv("AG_ARCH"); i++) {
        const pid_t child = fork();
        if (child == 0) {
            setenv("AG_ARCH", isas[i], 1);
            _exit(run() != 0);
        }
        int status = 1;
        if (child < 0 || waitpid(child, &status, 0) < 0) return 1;
        failed |= status != 0;
    }
    return run() | failed;
}
