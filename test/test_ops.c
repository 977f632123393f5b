/* test_ops.c - every row of ops.def on all its samples: one test for each operation. */
#include "op_check.h"
#include <autograd/elementary.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static op_tally tally;
static int n_ops, n_differentiable, n_third;

static void operation(void **state)
{
    const samples *s = *state;
    int bad = 0;
    assert_true(s->n > 0);
    n_ops++, n_differentiable += !s->right;
    for (size_t i = 0; i < s->n; i++) {
        const char *why = check_sample(s, &s->at[i], &tally);
        if (!why) continue;
        print_error("ag_%s, %s: %s\n", s->op, s->at[i].name, why);
        bad++;
    }
    assert_int_equal(bad, 0);
}

/* ---- the scalar twins of the elementary functions, at points of their samples' domains ---- */

typedef struct twin {
    const samples *s;
    ag_scalar (*unary)(ag_scalar);
    ag_scalar (*binary)(ag_scalar, ag_scalar);
} twin;

static void apply_unary(const ag_scalar *x, ag_scalar *y, void *user)
{
    for (int i = 0; i < 3; i++) y[i] = ((const twin *)user)->unary(x[i]);
}

#define ORDERED(name, ...)                          \
    static ag_scalar name##_of_order_2(ag_scalar x) \
    {                                               \
        return ags_##name(2, x);                    \
    }
AG_RARE_ORDERED(ORDERED)
#undef ORDERED

/* Of two variables, of one and a number, of one twice. */
static void apply_binary(const ag_scalar *x, ag_scalar *y, void *user)
{
    const twin *t = user;
    y[0] = t->binary(x[0], x[1]);
    y[1] = t->binary(x[0], ag_const(1.25));
    y[2] = t->binary(ag_const(1.25), x[1]);
    y[3] = t->binary(x[0], x[0]);
    y[4] = t->binary(x[2], ag_square(x[2]));
}

static void scalar_twins(void **state)
{
    (void)state;
    static const twin all[] = {
#define UNARY(name, ...)  { &samples_##name, ags_##name, NULL },
#define BINARY(name, ...) { &samples_##name, NULL, ags_##name },
        AG_UNARY_FUNCTIONS(UNARY) AG_BINARY_FUNCTIONS(BINARY) AG_RARE_UNARY(UNARY) AG_RARE_BINARY(BINARY)
#define ORDERED(name, ...) { &samples_##name, name##_of_order_2, NULL },
            AG_RARE_ORDERED(ORDERED)
    };
    static const double at[] = { 0.17, 0.61, 0.93 };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        const double(*domain)[2] = all[k].s->domain;
        bool own = domain[1][0] != domain[1][1];
        double x[3];
        for (int i = 0; i < 3; i++) {
            const double *d = domain[i == 1 && own];
            x[i] = d[0] + (d[1] - d[0]) * at[i];
        }
        ags_fn *f = all[k].unary ? apply_unary : apply_binary;
        size_t m = all[k].unary ? 3 : 5;
        if (ags_gradcheck(f, m, x, 3, .user = (void *)(uintptr_t)&all[k], .order = 2))
            print_error("ags_%s: %s\n", all[k].s->op, ag_errmsg());
        assert_int_equal(ag_error(), AG_OK);
        tally.entries += 3 * m + 9;
    }
}

/* Of all operations with a sample of few numbers. */
static void third_order(void **state)
{
    (void)state;
    static const samples *const all[] = {
#define AG__ROW(name) &samples_##name,
#include <autograd/ops/rows.inc>
#undef AG__ROW
    };
    int bad = 0;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        const char *why = NULL;
        if (!check_third(all[k], &why)) continue;
        n_third++;
        if (!why) continue;
        print_error("ag_%s, third order, %s\n", all[k]->op, why);
        bad++;
    }
    assert_int_equal(bad, 0);
    assert_true(n_third >= 20);
}

/* The table lists the rows, and nothing else. */
static void rows(void **state)
{
    (void)state;
    int64_t n;
    const ag_op *const *op = ag_op_all(&n);
    static const char *const name[] = {
#define AG__ROW(name) #name,
#include <autograd/ops/rows.inc>
#undef AG__ROW
    };
    assert_int_equal(n, sizeof name / sizeof *name);
    for (int64_t i = 0; i < n; i++) {
        assert_string_equal(op[i]->name, name[i]);
        assert_ptr_equal(ag_op_find(name[i]), op[i]);
    }
    assert_null(ag_op_find("no such operation"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
        cmocka_unit_test(scalar_twins),
        cmocka_unit_test(third_order),
#define AG__ROW(name) { "ag_" #name, operation, NULL, NULL, (void *)(uintptr_t)&samples_##name },
#include <autograd/ops/rows.inc>
#undef AG__ROW
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf(
        "# %d operations, %d of them differentiable: first and second order on all their %llu samples, of which %llu "
        "gradient entries were compared; third order of %d operations\n",
        n_ops, n_differentiable, (unsigned long long)tally.cases, (unsigned long long)tally.entries, n_third);
    return failed;
}
