/* test_expressions.c - random expressions of scalars and tensors: reverse mode against forward mode, against finite
 * differences, and the mixed version against the one in scalars alone; and checkpointed, which must not change a bit.
 *
 * Each difference is divided by the expression's first-order rounding bound, the sum of |adjoint * value| over all that
 * is computed, at least 1. LONG=1: 100,000 in the first test, 10,000 in the second, from SEED=n on; without it SEED=n
 * prints that one.
 */
#include "expression.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_IN = MOST_TENSORS + 1 };

typedef struct worst {
    double error;
    uint64_t seed;
} worst;
static void note(worst *w, double error, uint64_t seed)
{
    if (!(error <= w->error)) *w = (worst){ isnan(error) ? INFINITY : error, seed };
}

typedef struct tally {
    worst forward, versions, differences, scalar_forward;
    long n, values, elements, checkpointed, loops;
    double bound;
} tally;

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++) sum += a[k] * b[k];
    return sum;
}

/* Value, gradient and the derivative along v of the version in scalars; the bound. */
static double in_scalars(const expression *e, const double *v, double *y, double *g, double *along)
{
    ag_scalar x[MOST_ELEMENTS], all[MOST_ELEMENTS];
    ags_inputs((size_t)e->n_in, e->x, x);
    ag_scalar r = expression_elements(e, x, all);
    *y = r.value;
    ags_gradient(r, x, (size_t)e->n_in, g);
    double bound = 0;
    for (int k = 0; k < e->n_element; k++) bound += fabs(ag_adjoint(all[k]) * all[k].value);
    ags_jvp(&r, 1, x, (size_t)e->n_in, v, along);
    return fmax(bound, 1);
}

static void in_tensors(expression *e, const double *v, double *y, double *g, double *along)
{
    ag_tensor *in[MOST_IN], *tangent[MOST_IN], *one = ag_ones(AG_F64, 1);
    int n = expression_inputs(e, e->x, in);
    expression_inputs(e, v, tangent);
    for (int k = 0; k < n; k++) in[k] = ag_variable(in[k]);
    ag_tensor *r = expression_mixed(in, e);
    *y = ag_item(r), *along = 0;
    double *at = g;
    for (int k = 0; k < n; at += ag_numel(in[k]), k++) {
        AG_NO_GRAD
            ag_read(ag_vjp(r, in[k], one), at, ag_numel(in[k]));
        *along += ag_item(ag_jvp(r, in[k], tangent[k]));
    }
}

/* Do the gradients through ag_checkpoint have the bits of g? */
static bool same_checkpointed(expression *e, const double *g)
{
    ag_tensor *in[MOST_IN], *one = ag_ones(AG_F64, 1);
    double again[MOST_ELEMENTS], *at = again;
    int n = expression_inputs(e, e->x, in);
    for (int k = 0; k < n; k++) in[k] = ag_variable(in[k]);
    ag_tensor *r = ag_checkpoint(expression_mixed, (ag_list){ in, n }, e);
    for (int k = 0; k < n; at += ag_numel(in[k]), k++)
        AG_NO_GRAD
            ag_read(ag_vjp(r, in[k], one), at, ag_numel(in[k]));
    return !ag_error() && !memcmp(again, g, (size_t)e->n_in * sizeof *g);
}

/* The expression three times over, in a loop. */
static void step(ag_scalar *state, const ag_scalar *p, int64_t i, void *user)
{
    ag_scalar all[MOST_ELEMENTS];
    state[0] = ag_fma(state[0], ag_const(0.5 + (double)i), expression_elements(user, p, all));
}
static bool same_loops(expression *e)
{
    double g[3][MOST_ELEMENTS];
    for (int memory = 0; memory < 3; memory++) {
        ag_scalar x[MOST_ELEMENTS], s;
        ags_inputs((size_t)e->n_in, e->x, x);
        s = x[0];
        ags_scan(step, 3, &s, 1, x, (size_t)e->n_in, .user = e, .memory = (ag_scan_memory)memory);
        ags_gradient(s, x, (size_t)e->n_in, g[memory]);
    }
    return !ag_error() && !memcmp(g[0], g[2], (size_t)e->n_in * sizeof **g) &&
           !memcmp(g[1], g[2], (size_t)e->n_in * sizeof **g);
}

static double value_at(expression *e, const double *v, double h)
{
    double x[MOST_ELEMENTS], y = NAN;
    for (int k = 0; k < e->n_in; k++) x[k] = e->x[k] + h * v[k];
    ag_tensor *in[MOST_IN];
    ag_mark mark = ag_tape_mark(ag_tape_current());
    AG_NO_GRAD
        expression_inputs(e, x, in), y = ag_item(expression_mixed(in, e));
    ag_tape_rewind(ag_tape_current(), mark);
    return y;
}

/* Central differences, extrapolated once, by the step whose own estimate of its error is least. */
static double by_differences(expression *e, const double *v)
{
    double best = NAN, least = INFINITY;
    for (double h = 0x1p-9; h > 0x1p-19; h /= 4) {
        double wide = (value_at(e, v, h) - value_at(e, v, -h)) / (2 * h);
        double near = (value_at(e, v, h / 2) - value_at(e, v, -h / 2)) / h;
        double estimate = fabs(near - wide);
        if (estimate < least) least = estimate, best = near + (near - wide) / 3;
    }
    return best;
}

static void compare(expression *e, uint64_t seed, tally *t)
{
    double v[MOST_ELEMENTS], g[MOST_ELEMENTS] = { 0 }, gs[MOST_ELEMENTS] = { 0 }, y = NAN, ys = NAN, along = NAN,
                             alongs = NAN;
    for (int k = 0; k < e->n_in; k++) v[k] = random_of(~seed, (uint64_t)k) < 0.5 ? 1 : -1;
    double bound = in_scalars(e, v, &ys, gs, &alongs);
    in_tensors(e, v, &y, g, &along);
    t->checkpointed += same_checkpointed(e, g), t->loops += same_loops(e);
    note(&t->versions, fabs(y - ys) / bound, seed);
    for (int k = 0; k < e->n_in; k++) note(&t->versions, fabs(g[k] - gs[k]) / bound, seed);
    note(&t->forward, fabs(dot(g, v, e->n_in) - along) / bound, seed);
    note(&t->scalar_forward, fabs(dot(gs, v, e->n_in) - alongs) / bound, seed);
    note(&t->differences, fabs(by_differences(e, v) - along) / bound, seed);
    t->n++, t->values += e->n_value, t->elements += e->n_element;
    t->bound += log(bound);
}

static void show(const char *what, worst w)
{
    print_message("#   %-46s %.1e (seed %llu)\n", what, w.error, (unsigned long long)w.seed);
}

static uint64_t first_seed(void)
{
    const char *first = getenv("SEED");
    return first ? strtoull(first, NULL, 10) : 0;
}

static void all_ways_agree(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    tally t = { .n = 0 };
    const bool one = getenv("SEED") && !getenv("LONG");
    const uint64_t from = first_seed(), n = one ? 1 : getenv("LONG") ? 100000 : 3000;
    expression e;
    for (uint64_t seed = from; seed < from + n; seed++) {
        assert_true(expression_make(&e, seed));
        compare(&e, seed, &t);
        if (ag_error()) print_error("seed %llu: %s\n", (unsigned long long)seed, ag_errmsg());
        assert_int_equal(ag_tape_reset(tape), AG_OK);
    }
    if (one) expression_print(&e, stdout);
    print_message(
        "# %ld expressions of %.0f values and %.0f elements on average; worst of all, over its bound (%.0f in the "
        "middle):\n",
        t.n, (double)t.values / (double)t.n, (double)t.elements / (double)t.n, exp(t.bound / (double)t.n));
    show("reverse against forward, tensors and scalars", t.forward);
    show("reverse against forward, scalars alone", t.scalar_forward);
    show("tensors and scalars against scalars alone", t.versions);
    show("forward against differences", t.differences);
    print_message("#   the same bits checkpointed: %ld, in loops: %ld\n", t.checkpointed, t.loops);
    assert_int_equal(t.checkpointed, t.n);
    assert_int_equal(t.loops, t.n);
    assert_true(t.forward.error <= 1e-12);
    assert_true(t.scalar_forward.error <= 1e-12);
    assert_true(t.versions.error <= 1e-12);
    assert_true(t.differences.error <= 1e-6);
    ag_tape_free(tape);
}

static void no_false_alarm(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    const uint64_t from = first_seed(), n = getenv("LONG") ? 10000 : 300;
    int alarms = 0;
    for (uint64_t seed = from; seed < from + n; seed++) {
        expression e;
        ag_tensor *in[MOST_IN];
        assert_true(expression_make(&e, seed));
        ag_list list = { in, expression_inputs(&e, e.x, in) };
        ag_gradcheck_mode mode = seed % 2 ? AG_CHECK_PROJECTIONS : AG_CHECK_ENTRIES;
        if (ag_gradcheck(expression_mixed, list, .user = &e, .mode = mode, .order = seed % 4 < 2 ? 2 : 1)) {
            print_error("seed %llu: %s\n", (unsigned long long)seed, ag_errmsg());
            alarms++;
        }
        ag_tape_reset(tape);
    }
    print_message("# gradcheck of %llu random expressions: %d false alarms\n", (unsigned long long)n, alarms);
    assert_int_equal(alarms, 0);
    ag_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(all_ways_agree), cmocka_unit_test(no_false_alarm) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
