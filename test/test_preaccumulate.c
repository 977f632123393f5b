/* Ranges of the tape that become one statement for each result: derivatives as those of the plain recording, for each
 * kind of statement and random programs with ranges in ranges; what it costs; what is refused, and that nothing is lost
 * then. */
#include "fixture.h"
#include <stdlib.h>
#include <string.h>

#include <autograd/block.h>
#include <autograd/checkpoint.h>
#include <autograd/implicit.h>
#include <autograd/sparse.h>

static double apart(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) ? 0 : fabs(a - b) / (1 + fabs(b));
}

/* ---- random programs ---- */

enum { INPUTS = 14, IN_BLOCK = 8, MOST = 400, RESULTS = 9, PRODUCTS = 11 };

typedef struct world {
    uint32_t r;
    bool fold; /* preaccumulate */
    ag_block block;
    ag_scalar v[MOST];
    int n;
} world;

static uint32_t draw(world *w, uint32_t below)
{
    w->r = w->r * 1664525 + 1013904223;
    return (w->r >> 8) % below;
}

/* Mostly something recent. */
static ag_scalar some(world *w)
{
    const uint32_t n = (uint32_t)w->n;
    return w->v[draw(w, 4) ? n - 1 - draw(w, n < 12 ? n : 12) : draw(w, n)];
}

static void pendulum(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)i, (void)user;
    s[1] = ag_sub(s[1], ag_mul(p[0], ag_sin(s[0])));
    s[0] = ag_fma(0.1, s[1], s[0]);
}

static ag_scalar of_blocks(world *w, const ag_scalar *a)
{
    ag_block p = ags_block_of(4, (ag_scalar[]){ a[0], a[1], ag_const(0.5), a[0] }), q = ags_block_slice(w->block, 2, 4);
    static const double four[] = { 0.5, 0.3, 0.2, 0.1 };
    switch (draw(w, 6)) {
    case 0:
        return ags_block_dot(ags_block_exp(ags_block_mul(p, q)), ags_block_sigmoid(ags_block_slice(w->block, 4, 4)));
    case 1: return ags_block_sqnorm(ags_block_matvec(w->block, ags_block_tanh(ags_block_slice(p, 0, 2))));
    case 2: return ags_block_sum(ags_block_log(ags_block_add(ags_block_exp(p), ags_block_exp(q))));
    case 3:
        return ags_block_at(
            ags_block_trimv(ags_block_slice(p, 0, 3), ags_block_slice(q, 0, 3), ags_block_slice(w->block, 0, 3)), 2);
    case 4: return ags_block_at(ags_block_logsumexps(2, ags_block_fma(p, q, ags_block_rsub(four, q))), 1);
    default: return ags_block_at(ags_block_sub(ags_block_sums(2, p), ags_block_sqnorms(2, q)), draw(w, 2));
    }
}

static ag_scalar statement(world *w)
{
    const ag_scalar a = some(w), b = some(w), c = some(w), four[] = { a, b, c, a };
    ag_scalar s[2] = { a, b };
    switch (draw(w, 22)) {
    case 0: return ag_sub(ag_add(a, b), ag_add(0.3, c));
    case 1: return ag_sin(ag_mul(a, b));
    case 2: return ag_div(a, ag_add(2.0, ag_square(b)));
    case 3: return ags_sum(4, four);
    case 4: return ags_dot(2, four, four + 1);
    case 5: return ags_lin(4, four, (double[]){ 1, -2, 0.5, 3 });
    case 6: return ags_sqnorm(4, four);
    case 7: return ags_logsumexp(4, four);
    case 8: return ags_poly(4, (double[]){ 1, 2, -0.5, 0.25 }, ag_tanh(a));
    case 9: return ag_fma(a, b, ag_fma(c, 2.0, a));
    case 10: return ag_atan2(a, ag_add(2.0, ag_tanh(b)));
    case 11: return ag_hypot(ag_exp(ag_neg(ag_square(a))), b);
    case 12: return ag_lgamma(ag_add(3.0, ag_sin(c)));
    case 13: return ag_sub(2.5, ag_div(3.0, ag_add(2.0, ag_square(c))));
    case 14: return ags_statement(a.value * b.value, 3, four, (double[]){ b.value, a.value, 0 });
    case 15: return ag_maximum(a, b);
    case 16: return a;
    case 17: return ag_mul(a, ag_input(0.5)); /* by which there is no derivative later */
    case 18: {
        ag_scalar z[2], m[] = { ag_add(3.0, ag_tanh(a)), b, ag_const(0.1), ag_add(4.0, ag_tanh(b)) };
        ags_solve(2, m, (ag_scalar[]){ c, a }, z);
        return ag_sub(z[0], ag_mul(b.value < 2 ? 0.1 : 0.0, z[1]));
    }
    case 19: ags_scan(pendulum, 5, s, 2, &c, 1); return ag_mul(s[0], s[1]);
    default: return of_blocks(w, four);
    }
}

/* Results from a range, with others in it; among them some twice, some older. */
static void range(world *w, int depth)
{
    const ag_mark mark = ag_tape_mark(ag_tape_current());
    const int start = w->n;
    ag_scalar y[16];
    const size_t m = 1 + draw(w, 16);
    for (int k = 0, length = 5 + (int)draw(w, 25); k < length; k++) {
        if (depth && draw(w, 6) == 0)
            range(w, depth - 1);
        else
            w->v[w->n] = ag_tanh(statement(w)), w->n++;
    }
    for (size_t i = 0; i < m; i++) y[i] = draw(w, 9) ? some(w) : ag_const(0.25);
    if (w->fold) assert_int_equal(ags_preaccumulate(mark, m, y), AG_OK);
    w->n = start;
    for (size_t i = 0; i < m; i++) w->v[w->n++] = y[i];
}

typedef struct derivatives {
    double value[RESULTS], jacobian[RESULTS * INPUTS], forward[RESULTS], products[PRODUCTS * INPUTS], gradient[INPUTS];
} derivatives;

static void differentiate(const ag_scalar *y, const ag_scalar *x, derivatives *d)
{
    double u[PRODUCTS * RESULTS], v[INPUTS];
    for (int i = 0; i < PRODUCTS * RESULTS; i++) u[i] = sin(1 + 0.7 * i);
    for (int i = 0; i < INPUTS; i++) v[i] = cos(1.3 * i);
    for (int i = 0; i < RESULTS; i++) d->value[i] = y[i].value;
    ags_jacobian(y, RESULTS, x, INPUTS, d->jacobian);
    ags_jvp(y, RESULTS, x, INPUTS, v, d->forward);
    ags_vjps(y, RESULTS, x, INPUTS, PRODUCTS, u, d->products);
    ag_backward(ag_add(ags_sqnorm(RESULTS, y), x[0]));
    for (int i = 0; i < INPUTS; i++) d->gradient[i] = ag_adjoint(x[i]);
    fine();
}

static void run(uint32_t seed, bool fold, derivatives *d)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->r = seed, w->fold = fold;
    double values[IN_BLOCK];
    for (int i = 0; i < INPUTS - IN_BLOCK; i++) w->v[w->n++] = ag_input(0.4 + 0.2 * i);
    for (int i = 0; i < IN_BLOCK; i++) values[i] = 0.2 + 0.1 * i;
    w->block = ags_block_input(IN_BLOCK, values);
    for (int i = 0; i < IN_BLOCK; i++) w->v[w->n++] = ags_block_at(w->block, (size_t)i);
    for (int k = 0; k < 8; k++) range(w, 2);
    differentiate(w->v + w->n - RESULTS, w->v, d);
    free(w);
}

static double furthest(const derivatives *a, const derivatives *b)
{
    const double *p = a->value, *q = b->value;
    double most = 0;
    for (size_t i = 0; i < sizeof *a / sizeof *p; i++) most = fmax(most, apart(p[i], q[i]));
    return most;
}

static void random_programs(void **state)
{
    (void)state;
    enum { PROGRAMS = 300 };
    double most = 0;
    for (uint32_t seed = 1; seed <= PROGRAMS; seed++)
        for (int first_order = 0; first_order < 2; first_order++) {
            derivatives plain, folded;
            ag_tape *tape = ag_tape_new(.first_order = first_order);
            run(seed, false, &plain);
            ag_tape_reset(tape);
            run(seed, true, &folded);
            assert_memory_equal(plain.value, folded.value, sizeof plain.value);
            const double d = furthest(&folded, &plain);
            if (!(d <= 1e-13)) fail_msg("program %u: apart by %g", (unsigned)seed, d);
            most = fmax(most, d);
            ag_tape_free(tape);
        }
    print_message("# %d programs, recorded both ways: apart by at most %.1e\n", PROGRAMS, most);
}

/* ---- one range at a time ---- */

static void every_number_of_results(void **state)
{
    enum { N = 3, M = 19 };
    for (size_t m = 0; m <= M; m++) {
        ag_scalar x[N], y[M];
        double want[M * N], got[M * N];
        for (int i = 0; i < N; i++) x[i] = ag_input(1 + 0.5 * i);
        const ag_mark mark = ag_tape_mark(*state);
        for (size_t i = 0; i < M; i++) y[i] = ag_sin(ag_mul(i ? y[i - 1] : x[0], x[i % N]));
        assert_int_equal(ags_jacobian(y, m, x, N, want), AG_OK);
        assert_int_equal(ags_preaccumulate(mark, m, y), AG_OK);
        assert_int_equal(ag_tape_memory(*state).scalars, N + m);
        assert_int_equal(ags_jacobian(y, m, x, N, got), AG_OK);
        for (size_t i = 0; i < m * N; i++) near_by(got[i], want[i], 2e-16);
        ag_tape_reset(*state);
    }
    fine();
}

/* Of which there are none, which are there twice, which are constants, which were there before. */
static void results_of_all_kinds(void **state)
{
    ag_scalar x[2] = { ag_input(2), ag_input(3) }, before = ag_mul(x[0], x[1]);
    const ag_mark mark = ag_tape_mark(*state);
    ag_scalar inside = ag_input(5), a = ag_mul(before, ag_square(x[0])), z = ag_add(a, inside);
    ag_scalar y[] = { a, before, ag_const(7), a, inside, ag_exp(inside), z };
    const double values[] = { a.value, before.value, 7, a.value, 5, exp(5), z.value };
    assert_int_equal(ags_preaccumulate(mark, 7, y), AG_OK);
    for (int i = 0; i < 7; i++) assert_true(y[i].value == values[i]);
    assert_int_equal(y[1].id, before.id);
    assert_int_equal(y[0].id, y[3].id);
    assert_int_equal(y[4].id | y[5].id | y[2].id, 0);
    assert_int_equal(ag_tape_memory(*state).scalars, 5); /* two inputs, before, a, z */
    double g[2];
    assert_int_equal(ags_gradient(y[6], x, 2, g), AG_OK); /* x0^3 x1 */
    near_by(g[0], 36, 0);
    near_by(g[1], 8, 0);
    assert_int_equal(ags_gradient(ag_mul(y[0], y[3]), &before, 1, g), AG_OK); /* as if x0 stood apart */
    near_by(g[0], 2 * 24 * 4, 0);
    ag_sin(z);
    fails(AG_ESTALE, "ag_sin: operand 1 was recorded before a rewind of its tape (stale)");
    assert_int_equal(ags_preaccumulate(mark, 1, &y[6]), AG_OK); /* again: y[0] goes, y[6] stays */
    assert_int_equal(ags_gradient(y[6], x, 2, g), AG_OK);
    near_by(g[0], 36, 0);
    ag_sin(y[0]);
    fails(AG_ESTALE, "ag_sin: operand 1 was recorded before a rewind of its tape (stale)");
    assert_int_equal(ags_preaccumulate(mark, 0, NULL), AG_OK); /* all goes */
    assert_int_equal(ag_tape_memory(*state).scalars, 3);
    assert_int_equal(ags_preaccumulate(mark, 1, x), AG_OK); /* nothing to do */
    assert_int_equal(ags_gradient(x[0], x, 2, g), AG_OK);
    near_by(g[0], 1, 0);
    fine();
}

/* A way that does not count has an infinite slope, inside of the range or behind it. */
static void branches_not_taken(void **state)
{
    ag_scalar x[2] = { ag_input(0), ag_input(2) };
    double g[2];
    const ag_mark mark = ag_tape_mark(*state);
    ag_scalar bad = ag_sqrt(x[0]), y[] = { ag_mul(0.0, bad), bad, ag_mul(x[1], ag_add(x[1], ag_mul(0.0, bad))) };
    assert_int_equal(ags_preaccumulate(mark, 3, y), AG_OK);
    assert_int_equal(ags_gradient(y[2], x, 2, g), AG_OK);
    near_by(g[0], 0, 0);
    near_by(g[1], 4, 0);
    assert_int_equal(ags_gradient(ag_add(ag_mul(0.0, y[1]), x[1]), x, 2, g), AG_OK);
    near_by(g[0], 0, 0);
    near_by(g[1], 1, 0);
    assert_int_equal(ags_gradient(y[1], x, 2, g), AG_OK);
    near_by(g[0], INFINITY, 0);
    near_by(g[1], 0, 0);
    assert_int_equal(y[0].id, 0);
    fine();
}

/* More than a chunk of the tape holds, before the mark and behind it; results larger than what they replace. */
static void ranges_of_any_size(void **state)
{
    enum { X = 700, SIZES = 9 };
    static const int sizes[SIZES] = { 1, 30, 400, 1000, 1100, 5000, 20, 40000, 300 };
    ag_scalar *x = malloc(X * sizeof *x), *y = malloc(40 * sizeof *y);
    double *g = malloc(X * sizeof *g), want[X] = { 0 };
    assert_true(x && y && g);
    for (int first_order = 0; first_order < 2; first_order++) {
        ag_tape *tape = ag_tape_new(.first_order = first_order);
        for (int round = 0; round < 12; round++) {
            ag_scalar sum = ag_const(0);
            if (round % 4 == 0) ag_tape_reset(tape); /* else it grows */
            const ag_mark begin = ag_tape_mark(tape);
            for (int i = 0; i < X; i++) x[i] = ag_input(1 + 0.001 * i), want[i] = 0;
            for (int k = 0; k < SIZES; k++) {
                const ag_mark mark = ag_tape_mark(tape);
                ag_scalar s = x[k], all = ags_sqnorm(X, x);
                for (int i = 0; i < sizes[k]; i++) s = i % 2 ? ag_sub(s, x[i % X]) : ag_add(s, x[i % X]);
                const size_t m = sizes[k] < 100 ? 40 : 1; /* 40 of X operands */
                for (size_t i = 0; i < m; i++) y[i] = ag_add(all, ag_mul((double)i, s));
                assert_int_equal(ags_preaccumulate(mark, m, y), AG_OK);
                sum = ag_add(sum, y[m - 1]);
                want[k] += (double)m - 1;
                for (int i = 0; i < X; i++) want[i] += 2 * x[i].value;
                for (int i = 0; i < sizes[k]; i++) want[i % X] += (i % 2 ? -1 : 1) * ((double)m - 1);
            }
            assert_int_equal(ags_gradient(sum, x, X, g), AG_OK);
            for (int i = 0; i < X; i++) near_by(g[i], want[i], 1e-14);
            if (round % 4 == 2) assert_int_equal(ag_tape_rewind(tape, begin), AG_OK);
        }
        ag_tape_free(tape);
    }
    (void)state;
    free(x), free(y), free(g);
    fine();
}

/* The chunk behind the mark's is one of the range, and too small for what comes there. */
static void results_across_chunks(void **state)
{
    (void)state;
    enum { X = 300, M = 25, LENGTH = 400 };
    ag_scalar x[X], y[M];
    double g[X];
    for (int others = 0; others < 1400; others += 60) {
        ag_tape *tape = ag_tape_new();
        for (int i = 0; i < X; i++) x[i] = ag_input(1 + 0.001 * i);
        for (int i = 0; i < others; i++) ag_sin(x[0]);
        const ag_mark mark = ag_tape_mark(tape);
        ag_scalar s = x[1], all = ags_sum(X, x);
        for (int i = 0; i < LENGTH; i++) s = ag_add(s, x[i % 2]);
        for (int i = 0; i < M; i++) y[i] = ag_add(all, ag_mul(i, s));
        assert_int_equal(ags_preaccumulate(mark, M, y), AG_OK);
        assert_true(ag_tape_memory(tape).peak <= ag_tape_memory(tape).reserved);
        for (int k = 0; k < M; k += 6) {
            assert_int_equal(ags_gradient(y[k], x, X, g), AG_OK);
            for (int i = 0; i < X; i++) near_by(g[i], 1 + k * (i < 2 ? LENGTH / 2 + i : 0), 0);
        }
        ag_tape_free(tape);
    }
    fine();
}

/* ---- what it costs ---- */

static ag_scalar many_steps(ag_scalar a, ag_scalar b)
{
    for (int i = 0; i < 250; i++) a = ag_sin(ag_mul(a, b));
    return a;
}

/* Bytes that are taken for a range of 500 statements behind so many others, and left of it. */
static void cost(uint32_t others, uint64_t *taken, uint64_t *left, uint64_t *plain)
{
    ag_tape *tape = ag_tape_new();
    ag_scalar x[2] = { ag_input(0.7), ag_input(1.2) }, s = x[0];
    for (uint32_t i = 0; i < others; i++) s = ag_add(s, x[1]);
    const uint64_t none = ag_tape_memory(tape).in_use;
    const ag_mark mark = ag_tape_mark(tape);
    ag_scalar y[] = { many_steps(x[0], s), s };
    const ag_memory full = ag_tape_memory(tape);
    assert_int_equal(ags_preaccumulate(mark, 2, y), AG_OK);
    *taken = ag_tape_memory(tape).reserved - full.reserved;
    *left = ag_tape_memory(tape).in_use - none, *plain = full.in_use - none;
    ag_tape_free(tape);
}

static void cost_of_the_range_only(void **state)
{
    (void)state;
    uint64_t taken[2], left[2], plain[2];
    cost(100, taken, left, plain);
    cost(1000000, taken + 1, left + 1, plain + 1);
    print_message("# 500 statements: %d bytes become %d, %d taken meanwhile; behind a million others %d, %d, %d\n",
                  (int)plain[0], (int)left[0], (int)taken[0], (int)plain[1], (int)left[1], (int)taken[1]);
    assert_true(taken[0] <= 32768 && taken[1] <= 32768);
    assert_true(left[0] * 10 < plain[0] && left[1] * 10 < plain[1]);
}

/* A long loop of ranges takes the memory of their results. */
static void a_tape_of_ranges(void **state)
{
    enum { RANGES = 3000 };
    ag_scalar x[2] = { ag_input(0.7), ag_input(1.2) }, s = x[0];
    double plain, folded, slope[2][2];
    for (int fold = 0; fold < 2; fold++) {
        ag_tape_reset(*state);
        x[0] = ag_input(0.7), x[1] = ag_input(1.2), s = x[0];
        for (int k = 0; k < RANGES; k++) {
            const ag_mark mark = ag_tape_mark(*state);
            s = ag_add(0.5, many_steps(ag_mul(s, x[0]), x[1]));
            if (fold) assert_int_equal(ags_preaccumulate(mark, 1, &s), AG_OK);
        }
        *(fold ? &folded : &plain) = (double)ag_tape_memory(*state).in_use;
        assert_int_equal(ags_gradient(s, x, 2, slope[fold]), AG_OK);
    }
    for (int i = 0; i < 2; i++) near_by(slope[1][i], slope[0][i], 1e-13);
    print_message("# %d ranges of 500 statements: %.0f kB become %.0f kB\n", RANGES, plain / 1e3, folded / 1e3);
    assert_true(folded < 0.03 * plain);
    fine();
}

/* ---- together with the rest ---- */

static void step(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    const ag_mark mark = ag_tape_mark(ag_tape_current());
    for (int k = 0; k < 5; k++) pendulum(s, p, i, NULL);
    if (user) ags_preaccumulate(mark, 2, s);
}

static void inside_of_loops(void **state)
{
    bool fold = true;
    double got[2][3];
    for (int k = 0; k < 2; k++) {
        ag_scalar x[3] = { ag_input(0.4), ag_input(1.5), ag_input(0.2) }, s[2] = { x[0], x[1] };
        assert_int_equal(ags_scan(step, 30, s, 2, x + 2, 1, .user = k ? &fold : NULL), AG_OK);
        assert_int_equal(ags_gradient(ag_mul(s[0], s[1]), x, 3, got[k]), AG_OK);
        ag_grad(s[0], x[0]);
        assert_int_equal(ag_tape_reset(*state), k ? AG_ENODIFF : AG_OK);
    }
    for (int i = 0; i < 3; i++) near_by(got[1][i], got[0][i], 1e-14);
    AG_NO_GRAD {
        ag_scalar s[2] = { ag_const(0.4), ag_const(1.5) }, p = ag_const(0.2);
        step(s, &p, 0, &fold); /* nothing is recorded, nothing to do */
        assert_int_equal(s[0].id, 0);
    }
    fine();
}

static void on_watched_tapes(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new(.anomaly = true, .profile = true);
    double g;
    for (int k = 0; k < 40; k++) {
        ag_scalar x = ag_input(0.5);
        const ag_mark mark = ag_tape_mark(tape);
        ag_scalar y[2] = { ag_exp(ag_square(x)), ag_sin(x) };
        assert_int_equal(ags_preaccumulate(mark, 2, y), AG_OK);
        assert_int_equal(ags_gradient(ag_mul(y[0], y[1]), &x, 1, &g), AG_OK);
        near_by(g, exp(0.25) * (sin(0.5) + cos(0.5)), 1e-15);
    }
    ag_scalar x = ag_input(-1);
    const ag_mark mark = ag_tape_mark(tape);
    ag_scalar y = ag_log(x);
    const ag_scalar was = y;
    assert_int_equal(ags_preaccumulate(mark, 1, &y), AG_ENAN);
    assert_memory_equal(&y, &was, sizeof y);
    assert_non_null(strstr(ag_errmsg(), "ag_log"));
    ag_clear_error();
    ag_tape_free(tape);
}

static void patterns_and_tensors(void **state)
{
    ag_scalar x[3] = { ag_input(0.5), ag_input(2), ag_input(3) }, u;
    ag_mark mark = ag_tape_mark(*state);
    ag_scalar y[2] = { ag_mul(x[0], x[1]), ag_exp(x[2]) };
    assert_int_equal(ags_preaccumulate(mark, 2, y), AG_OK);
    ag_sparse *j = ags_sparse_jacobian(y, 2, x, 3);
    fine();
    assert_int_equal(j->nnz, 3);
    ag_sparse_free(j);
    ag_tensor *t = ag_variable(ag_num(2.0));
    assert_int_equal(ag_unpack(t, 1, &u), AG_OK);
    mark = ag_tape_mark(*state);
    y[0] = ag_mul(ag_square(y[0]), u);
    assert_int_equal(ags_preaccumulate(mark, 1, y), AG_OK);
    assert_int_equal(ag_backward(ag_sum(ag_square(ag_pack(2, y)))), AG_OK); /* (x0^2 x1^2 u)^2 + e^(2 x2) */
    near_by(ag_adjoint(x[0]), 4 * 4 * 2, 1e-15);
    near_by(ag_adjoint(x[2]), 2 * exp(6), 1e-15);
    near_by(ag_item(ag_grad_of(t)), 2 * 2, 1e-15);
    fine();
}

/* ---- what is refused; nothing is lost then ---- */

static void first_derivatives_only(void **state)
{
    ag_scalar x = ag_input(0.5);
    const ag_mark mark = ag_tape_mark(*state);
    ag_scalar y = ag_exp(ag_square(x));
    double h, v = 1;
    assert_int_equal(ags_preaccumulate(mark, 1, &y), AG_OK);
    AG_NO_GRAD
        near_by(ag_grad(y, x).value, exp(0.25), 1e-15);
    ag_grad(y, x);
    fails(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
    ags_hessian(y, &x, 1, &h);
    fails(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
    ags_hvp(y, &x, 1, &v, &h);
    fails(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
    near_by(ag_grad(ag_grad(ag_sin(x), x), x).value, -sin(0.5), 1e-15);
    fine();
}

static ag_scalar watched[2];
static ag_mark watched_mark;
static ag_tensor *in_a_walk(ag_tensor *x, ag_tensor *gradient, void *user)
{
    (void)x, (void)user;
    ags_preaccumulate(watched_mark, 1, watched + 1);
    return gradient;
}

static void what_cannot_be(void **state)
{
    ag_tape *other = ag_tape_new();
    const ag_mark foreign = ag_tape_mark(other);
    ag_scalar stranger = ag_input(1);
    ag_tape_use(*state);
    ag_scalar x = ag_input(0.5);
    const ag_mark early = ag_tape_mark(*state);
    ag_scalar gone = ag_sin(x);
    const ag_mark late = ag_tape_mark(*state);
    assert_int_equal(ag_tape_rewind(*state, early), AG_OK);
    ag_scalar y = ag_exp(ag_square(x)), both[2] = { y, gone };
    double g = 0;
    ags_preaccumulate(foreign, 1, &y);
    fails(AG_ESTALE, "ags_preaccumulate: the mark was set before a reset, or after a place rewound to since");
    ags_preaccumulate(late, 1, &y);
    fails(AG_ESTALE, "ags_preaccumulate: the mark was set before a reset, or after a place rewound to since");
    ags_preaccumulate((ag_mark){ 0 }, 1, &y);
    fails(AG_ESTALE, "ags_preaccumulate: the mark was set before a reset, or after a place rewound to since");
    ags_preaccumulate(early, 1, NULL);
    fails(AG_ENULL, "ags_preaccumulate: the array of 1 scalars is NULL");
    ags_preaccumulate(early, 2, both);
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    ags_preaccumulate(early, 1, &stranger);
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    assert_non_null(strstr(ag_errmsg(), "ags_preaccumulate: the scalar "));
    AG_NO_GRAD
        ags_preaccumulate(early, 1, &y);
    fails(AG_EINVAL, "ags_preaccumulate: recording was on since the mark, and is off now");
    ag_fail(AG_EUSER, "earlier");
    assert_int_equal(ags_preaccumulate(early, 1, &y), AG_EUSER);
    fails(AG_EUSER, "earlier");
    ag_tape_use(NULL);
    ags_preaccumulate(early, 1, &y);
    fails(AG_ETAPE, "ags_preaccumulate: no tape is current; make one with ag_tape_new");
    ag_tape_use(*state);
    assert_int_equal(ags_gradient(y, &x, 1, &g), AG_OK); /* all is there */
    near_by(g, exp(0.25), 1e-15);
    assert_int_equal(both[0].id, y.id);

    ag_tensor *t = ag_square(ag_variable(ag_num(1.0)));
    ags_preaccumulate(early, 1, &y);
    fails(AG_EINVAL, "ags_preaccumulate: a range has scalars only, and 3 tensors were made since the mark");
    watched_mark = ag_tape_mark(*state), watched[0] = x, watched[1] = ag_sin(y);
    ag_hook(t, in_a_walk, NULL);
    assert_int_equal(ag_backward(ag_add(t, ag_sum(ag_pack(1, watched + 1)))), AG_ETAPE);
    fails(AG_ETAPE, "ags_preaccumulate: a walk over this tape is under way");
    assert_int_equal(ags_gradient(y, &x, 1, &g), AG_OK);
    near_by(g, exp(0.25), 1e-15);
    ag_tape_free(other);
}

/* A range under a memory limit; what its tape reserved before and after. */
static ag_status under(uint64_t limit, uint64_t *before, uint64_t *after)
{
    enum { LENGTH = 3000 };
    ag_tape *tape = ag_tape_new(.memory_limit = limit);
    ag_scalar x[2] = { ag_input(0.7), ag_input(1.2) }, y[8];
    const double u[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    double want[2], got[2];
    const ag_mark mark = ag_tape_mark(tape);
    for (int i = 0; i < LENGTH; i++) y[i % 8] = ag_sin(ag_mul(i ? y[(i - 1) % 8] : x[0], x[i % 2]));
    assert_int_equal(ags_vjp(y, 8, x, 2, u, want), AG_OK);
    *before = ag_tape_memory(tape).reserved;
    const ag_status status = ags_preaccumulate(mark, 8, y);
    *after = ag_tape_memory(tape).reserved;
    ag_clear_error();
    assert_int_equal(ag_tape_memory(tape).scalars, status ? 2 + 2 * LENGTH : 10);
    assert_int_equal(ags_vjp(y, 8, x, 2, u, got), AG_OK);
    for (int i = 0; i < 2; i++) near_by(got[i], want[i], 1e-14);
    ag_tape_free(tape);
    return status;
}

static void no_step(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)p, (void)i, (void)user;
    s[0] = ag_sin(s[0]);
}

/* A loop whose results found no room, behind so many inputs: what depends on it has no slope, the others have theirs.
 */
static bool without_results(uint64_t limit, int inputs)
{
    enum { STATE = 30 };
    ag_tape *tape = ag_tape_new(.memory_limit = limit);
    ag_scalar x = ag_input(0.5), s[STATE];
    double g = 0;
    const ag_mark mark = ag_tape_mark(tape);
    ag_scalar y = ag_exp(x);
    for (int i = 0; i < STATE; i++) s[i] = x;
    for (int i = 0; i < inputs; i++) ag_input(i);
    const bool begun = !ag_error();
    const uint64_t before = ag_tape_memory(tape).scalars;
    ags_scan(no_step, 3, s, STATE, NULL, 0);
    const bool missing = begun && ag_clear_error() && ag_tape_memory(tape).scalars == before + 1;
    ag_clear_error();
    const bool folded = begun && !ags_preaccumulate(mark, 1, &y);
    ag_clear_error();
    if (begun && !ags_gradient(y, &x, 1, &g)) near_by(g, exp(0.5), 1e-15);
    ag_clear_error();
    ag_tape_free(tape);
    return missing && folded;
}

static void loops_without_results(void **state)
{
    (void)state;
    int cases = 0;
    for (uint64_t limit = 20000; limit < 120000; limit += 2000)
        for (int inputs = 980; inputs < 1024; inputs += 4) cases += without_results(limit, inputs);
    print_message("# %d loops were without results\n", cases);
    assert_true(cases > 0);
}

static void past_the_limit(void **state)
{
    (void)state;
    uint64_t before, after, now, then;
    assert_int_equal(under(0, &before, &after), AG_OK);
    assert_true(before < after);
    for (uint64_t limit = before; limit < after; limit += 1 + (after - before) / 50)
        assert_int_equal(under(limit, &now, &then), AG_ENOMEM);
    assert_int_equal(under(after, &now, &then), AG_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_programs),
        cmocka_unit_test_setup_teardown(every_number_of_results, fresh, done),
        cmocka_unit_test_setup_teardown(results_of_all_kinds, fresh, done),
        cmocka_unit_test_setup_teardown(branches_not_taken, fresh, done),
        cmocka_unit_test(ranges_of_any_size),
        cmocka_unit_test(results_across_chunks),
        cmocka_unit_test(cost_of_the_range_only),
        cmocka_unit_test_setup_teardown(a_tape_of_ranges, fresh, done),
        cmocka_unit_test_setup_teardown(inside_of_loops, fresh, done),
        cmocka_unit_test(on_watched_tapes),
        cmocka_unit_test_setup_teardown(patterns_and_tensors, fresh, done),
        cmocka_unit_test_setup_teardown(first_derivatives_only, fresh, done),
        cmocka_unit_test_setup_teardown(what_cannot_be, fresh, done),
        cmocka_unit_test(loops_without_results),
        cmocka_unit_test(past_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
