/* test_jacobian.c - Jacobians, many seeds in a sweep, against one product for each entry: every operation on its
 * samples, and what is made of several. */
#include "samples.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

enum { MOST = 1 << 16 };
static double want[MOST], got[MOST];
static int n_jacobians;

/* dy/dx into want, a row of it for each entry of y. */
static bool by_rows(ag_tensor *y, ag_tensor *x)
{
    const int64_t m = ag_numel(y), n = ag_numel(x);
    int64_t dims[AG_MAX_RANK];
    for (int d = 0; d < ag_rank(y); d++) dims[d] = ag_size(y, d);
    for (int64_t i = 0; i < m; i++) {
        static double unit[MOST];
        unit[i] = 1;
        ag_tensor *u = ag_copy(unit, m);
        unit[i] = 0;
        if (ag_read(ag_vjp(y, x, (ag_reshape)(u, ag_rank(y), dims)), want + i * n, n)) return false;
    }
    return true;
}

/* The largest difference of entries from those of want's first rows, over the largest of want; rows of y may repeat. */
static double apart(ag_tensor *jac, int64_t entries, int64_t m, int64_t n)
{
    double worst = 0, size = 1;
    if (ag_numel(jac) != entries || ag_read(jac, got, entries)) return INFINITY;
    for (int64_t i = 0; i < m * n; i++) size = fmax(size, fabs(want[i]));
    for (int64_t i = 0; i < entries; i++) {
        const double d = fabs(got[i] - want[i % (m * n)]);
        if (!(d <= worst)) worst = isnan(d) ? INFINITY : d;
    }
    n_jacobians++;
    return worst / size;
}

/* Whichever side is smaller; both directions: of some of y's entries, and of several copies of it; recorded, and not.
 */
static const char *check(ag_tensor *y, ag_tensor *x)
{
    enum { MOST_COPIES = 64 };
    const int64_t m = ag_numel(y), n = ag_numel(x), copies = m ? n / m + 1 : 0;
    if (m == 0 || n == 0 || ag_rank(x) + ag_rank(y) > AG_MAX_RANK || copies > MOST_COPIES || copies * m * n > MOST)
        return NULL;
    if (!by_rows(y, x)) return "products";
    for (int recorded = 0; recorded < 2; recorded++) {
        ag_tensor *flat = ag_reshape(y, -1), *several[MOST_COPIES];
        for (int64_t k = 0; k < copies; k++) several[k] = flat;
        ag_tensor *many = ag_cat(((ag_list){ several, copies }), 0), *few = ag_slice(flat, 0, 0, m < n ? m : n);
        const bool was = ag_record(recorded);
        const double as_it_is = apart(ag_jacobian(y, x), m * n, m, n);
        const double forward = apart(ag_jacobian(many, x), copies * m * n, m, n);
        const double reverse = apart(ag_jacobian(few, x), ag_numel(few) * n, m, n);
        ag_record(was);
        if (!(as_it_is <= 1e-12)) return "the smaller side";
        if (!(forward <= 1e-12)) return "forward";
        if (!(reverse <= 1e-12)) return "reverse";
    }
    return NULL;
}

static void operation(void **state)
{
    const samples *s = *state;
    int bad = 0;
    for (size_t k = 0; k < s->n && !s->right; k++) {
        const sample *c = &s->at[k];
        ag_tensor *x[MOST_INPUTS], *leaf[MOST_INPUTS] = { NULL };
        ag_tape *tape = ag_tape_new();
        const char *why = NULL;
        for (int i = 0; i < c->n_in; i++) x[i] = sample_input(s, c, i, AG_F64, &leaf[i]);
        ag_tensor *y = c->apply(x);
        for (int i = 0; y && i < c->n_in && !why; i++)
            if (leaf[i]) why = check(y, leaf[i]);
        if (why || ag_error()) {
            print_error("ag_%s, %s: %s %s\n", s->op, c->name, why ? why : "", ag_error() ? ag_errmsg() : "");
            bad++;
        }
        ag_clear_error();
        for (int i = 0; i < MOST_INPUTS; i++) ag_free(leaf[i]);
        ag_tape_free(tape);
    }
    assert_int_equal(bad, 0);
}

/* ---- what is made of several operations ---- */

static ag_tape *tape;
static int begin(void **state)
{
    (void)state;
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    ag_tape_free(tape);
    return ag_error() != AG_OK;
}
#define holds(y, x)                                                                \
    do {                                                                           \
        const char *why_ = check(y, x);                                            \
        if (why_ || ag_error()) fail_msg("%s: %s", why_ ? why_ : "", ag_errmsg()); \
    } while (0)

static ag_tensor *numbers(int64_t a, int64_t b)
{
    return ag_reshape(ag_sin(ag_mul(ag_linspace(AG_F64, 1, 9, a * b), 3.7)), a, b);
}

/* More entries than seeds of a sweep, broadcasting, products from both sides, branches that meet again. */
static void networks(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(numbers(5, 8)), *w = ag_variable(numbers(7, 8)),
              *b = ag_variable(ag_reshape(numbers(1, 7), 7));
    ag_tensor *h = ag_linear_act(x, w, b, AG_TANH);
    ag_tensor *y =
        ag_add(ag_softmax(ag_matmul(h, numbers(7, 9)), -1), ag_mul(ag_sum_keep(ag_square(h), 1), numbers(1, 9)));
    holds(y, x);
    holds(y, w);
    holds(y, b);
    holds(ag_matmul(ag_transpose(h, 0, 1), h), x);
    holds(ag_matmul(numbers(3, 5), ag_linear(x, w, NULL)), x);
    holds(ag_linear(x, ag_cos(ag_slice(x, 0, 0, 3)), NULL), x);
    holds(ag_linear(x, ag_cos(ag_slice(x, 0, 0, 3)), ag_slice(ag_sum(x, 1), 0, 0, 3)), x);
    holds(ag_linear_act(x, w, ag_slice(ag_sum(x, 0), 0, 0, 7), AG_TANH), x);
    holds(x, x);
    holds(ag_add(w, 1.0), x); /* zeros */
}

/* Numbers between tensors, and a watched tape: a seed a sweep. */
static void one_seed_a_sweep(void **state)
{
    (void)state;
    ag_scalar s[6];
    ag_tensor *x = ag_variable(numbers(2, 3));
    ag_unpack(ag_exp(x), 6, s);
    for (int i = 0; i < 5; i++) s[i] = ag_mul(s[i], s[i + 1]);
    holds(ag_sin(ag_pack(6, s)), x);
    ag_tape_free(tape);
    tape = ag_tape_new(.anomaly = true);
    x = ag_variable(numbers(3, 2));
    holds(ag_matmul(ag_exp(x), numbers(2, 2)), x);
}

/* A Jacobian is differentiated as any other result. */
static void of_second_order(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(numbers(2, 3)), *y = ag_matmul(ag_tanh(x), numbers(3, 4));
    ag_tensor *wide = ag_grad(ag_sum(ag_square(ag_jacobian(y, x))), x);                    /* forward */
    ag_tensor *tall = ag_grad(ag_sum(ag_square(ag_jacobian(ag_slice(y, 1, 0, 2), x))), x); /* reverse */
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3; k++) {
            double t = tanh(ag_at(x, i, k)), d = 1 - t * t, all = 0, some = 0;
            for (int j = 0; j < 4; j++) {
                const double c = ag_at(numbers(3, 4), k, j);
                all += c * c, some += j < 2 ? c * c : 0;
            }
            assert_true(fabs(ag_at(wide, i, k) + 4 * t * d * d * all) <= 1e-12 * (1 + all));
            assert_true(fabs(ag_at(tall, i, k) + 4 * t * d * d * some) <= 1e-12 * (1 + all));
        }
    ag_tensor *h = ag_hessian(ag_sum(ag_exp(ag_matmul(x, numbers(3, 2)))), x);
    assert_int_equal(ag_rank(h), 4);
    assert_int_equal(ag_error(), AG_OK);
}

static ag_status copy_forward(ag_call *c)
{
    return ag_assign(c->out[0], c->in[0]);
}
static ag_status turned_vjp(ag_call *c)
{
    return (c->gin[0] = ag_transpose(c->g[0], 0, 1)) ? AG_OK : ag_error();
}
static ag_status turned_jvp(ag_call *c)
{
    return (c->tout[0] = ag_transpose(c->tangent[0], 0, 1)) ? AG_OK : ag_error();
}
static ag_status narrow_jvp(ag_call *c)
{
    return (c->tout[0] = ag_to(c->tangent[0], AG_F32)) ? AG_OK : ag_error();
}
static const ag_op turned = {
    .name = "turned", .n_in = 1, .shape = ag_shape_same, .forward = copy_forward, .vjp = turned_vjp, .jvp = turned_jvp
};
static const ag_op narrow = {
    .name = "narrow", .n_in = 1, .shape = ag_shape_same, .forward = copy_forward, .jvp = narrow_jvp
};

/* Rules of one's own whose results do not fit are named, as in a sweep for one seed, though the numbers would do. */
static void rules_that_do_not_fit(void **state)
{
    (void)state;
    const struct {
        const ag_op *op;
        bool tall;
        const char *message;
    } cases[] = {
        { &turned, false, "turned: its vjp gave a gradient f64 [3,2] for input 1, which is f64 [2,3]" },
        { &turned, true, "ag_jvp: the forward rule of turned gave f64 [3,2] for a result f64 [2,3]" },
        { &narrow, true, "ag_jvp: the forward rule of narrow gave f32 [2,3] for a result f64 [2,3]" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ag_tensor *x = ag_variable(numbers(2, 3)), *y = ag_apply(cases[i].op, NULL, x);
        if (cases[i].tall) y = ag_stack(AG_LIST(y, y), 0);
        assert_non_null(y);
        assert_null(ag_jacobian(y, x));
        assert_int_equal(ag_clear_error(), AG_ESHAPE);
        assert_string_equal(ag_errmsg(), cases[i].message);
        assert_null(cases[i].tall ? ag_jvp(y, x, ag_ones_like(x)) : ag_vjp(y, x, ag_ones_like(y)));
        assert_int_equal(ag_clear_error(), AG_ESHAPE);
        assert_string_equal(ag_errmsg(), cases[i].message);
    }
}

/* Where nothing is recorded a Jacobian leaves itself: no more on the tape with more sweeps, layers or calls. */
static void memory_is_given_back(void **state)
{
    (void)state;
    for (int tall = 0; tall < 2; tall++) {
        ag_tensor *x = ag_variable(ag_linspace(AG_F64, -1, 1, 100)), *y = x;
        for (int i = 0; i < 10; i++) y = ag_tanh(ag_mul(y, 1.1));
        if (tall) y = ag_cat(AG_LIST(y, y), 0);
        ag_record(false);
        const ag_memory before = ag_tape_memory(tape);
        ag_tensor *j = ag_jacobian(y, x);
        const ag_memory after = ag_tape_memory(tape);
        ag_record(true);
        assert_non_null(j);
        assert_true(after.nodes <= before.nodes + 4);
        assert_true(after.in_use - before.in_use <= 2 * 8 * (uint64_t)ag_numel(j));
    }
}

/* Nothing is lost when memory ends: the limit rises until a Jacobian fits. */
static void memory_ends(void **state)
{
    (void)state;
    int failed = 0;
    for (size_t limit = 8000;; limit += 701) {
        ag_tape_free(tape);
        tape = ag_tape_new(.memory_limit = limit);
        ag_tensor *x = tape ? ag_variable(numbers(4, 5)) : NULL, *y = ag_linear_act(x, numbers(3, 5), NULL, AG_SIGMOID);
        ag_tensor *j = ag_jacobian(ag_softmax(y, 1), x);
        if (j) break;
        assert_int_equal(ag_clear_error(), AG_ENOMEM);
        failed++;
    }
    assert_true(failed > 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(networks),
        TEST(one_seed_a_sweep),
        TEST(of_second_order),
        TEST(rules_that_do_not_fit),
        TEST(memory_is_given_back),
        TEST(memory_ends),
#define AG__ROW(name) { "ag_" #name, operation, NULL, NULL, (void *)(uintptr_t)&samples_##name },
#include <autograd/ops/rows.inc>
#undef AG__ROW
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("# %d Jacobians\n", n_jacobians);
    return failed;
}
