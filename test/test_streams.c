/* The streams behind scalars: handles that outlive their tape or its generation, statements over many chunks, memory
 * and ids that run out, recording off, tapes of first order. */
#include "fixture.h"
#include <stdlib.h>
#include <string.h>

static double tangent(ag_scalar y, ag_scalar x)
{
    double jv = NAN;
    ags_jvp(&y, 1, &x, 1, &(double){ 1 }, &jv);
    return jv;
}

/* ---- handles ---- */

static void stale_and_foreign_scalars(void **state)
{
    ag_scalar x = ag_input(2), y;
    ag_tape *other = ag_tape_new();
    y = ag_mul(x, 3.0);
    near(y.value, 6);
    assert_int_equal(y.id, 0);
    fails(AG_ESTALE, "ag_mul: operand 1 belongs to another tape");
    y = ag_atan2(1.0, x);
    fails(AG_ESTALE, "ag_atan2: operand 2 belongs to another tape");
    ag_scalar inner = ag_input(1);
    ag_tape_free(other);
    ag_sub(x, inner);
    fails(AG_ESTALE, "ag_sub: operand 2 belongs to another tape");
    ag_tape_reset(*state);
    ag_exp(x); /* another tape has had generations between this one's: who knows */
    fails(AG_ESTALE, "ag_exp: operand 1 was recorded before a reset of its tape (stale), or belongs to another tape");
}

static void stale_after_a_reset(void **state)
{
    ag_scalar x = ag_input(2), ok;
    ag_tape_reset(*state);
    ok = ag_input(3);
    assert_int_equal(x.id, ok.id); /* the same number, of another generation */
    const double want_value[] = { -2, 5, 8, 5, 15, 3 };
    const char *const message[] = { "ag_neg: operand 1",  "ag_add: operand 2",  "ag_fma: operand 3",
                                    "ags_sum: operand 2", "ags_dot: operand 3", "ags_poly: operand 1" };
    for (int i = 0; i < 6; i++) {
        ag_scalar list[2] = { ok, x }, fine_list[2] = { ok, ok }, y;
        y = i == 0   ? ag_neg(x)
            : i == 1 ? ag_add(ok, x)
            : i == 2 ? ag_fma(ok, 2.0, x)
            : i == 3 ? ags_sum(2, list)
            : i == 4 ? ags_dot(2, fine_list, (ag_scalar[]){ x, ok })
                     : ags_poly(2, (double[]){ 1, 1 }, x);
        assert_int_equal(ag_clear_error(), AG_ESTALE);
        char want[100];
        snprintf(want, sizeof want, "%s was recorded before a reset of its tape (stale)", message[i]);
        assert_string_equal(ag_errmsg(), want);
        near(y.value, want_value[i]);
    }
    double g;
    assert_int_equal(ags_gradient(ok, &x, 1, &g), AG_ESTALE);
    assert_int_equal(ag_clear_error(), AG_ESTALE);
}

static void what_a_mark_keeps_stays_good(void **state)
{
    ag_scalar x = ag_input(2), y = ag_square(x);
    const ag_mark mark = ag_tape_mark(*state);
    ag_scalar gone = { 0 }, first = ag_exp(x); /* of the mark's own generation, but behind it */
    uint64_t reserved = 0;
    for (int i = 0; i < 1000; i++) {
        ag_scalar z = ag_mul(ag_add(y, x), (double)i); /* older than the rewinds, and good */
        gone = ag_fma(z, x, y);
        near(slope(gone, x), i * (3 * 4 + 2 * 2) + 4);
        assert_int_equal(ag_tape_rewind(*state, mark), AG_OK);
        if (i == 0) reserved = ag_tape_memory(*state).reserved;
    }
    assert_true(ag_tape_memory(*state).reserved == reserved);
    fine();
    ag_sin(first);
    fails(AG_ESTALE, "ag_sin: operand 1 was recorded before a rewind of its tape (stale)");
    ag_mul(gone, x);
    fails(AG_ESTALE, "ag_mul: operand 1 was recorded before a rewind of its tape (stale)");
    near(slope(y, x), 4);
    near(ag_grad(ag_grad(ag_mul(y, x), x), x).value, 12);
    fine();
}

/* ---- long streams ---- */

/* Of the generation that was looked up last, which a rewind ended. */
static void what_was_just_good_goes_stale(void **state)
{
    ag_scalar x = ag_input(0.5);
    const ag_mark early = ag_tape_mark(*state);
    ag_tape_rewind(*state, early);
    ag_scalar a = ag_sin(x);
    const ag_mark middle = ag_tape_mark(*state);
    ag_tape_rewind(*state, middle);
    ag_scalar b = ag_sin(a);
    const ag_mark late = ag_tape_mark(*state);
    ag_tape_rewind(*state, late);
    near(slope(ag_exp(b), b), exp(b.value)); /* looked up: two generations are later */
    ag_tape_rewind(*state, early);
    for (int i = 0; i < 9; i++) ag_input(i); /* with ids of those that are gone */
    ag_sin(b);
    fails(AG_ESTALE, "ag_sin: operand 1 was recorded before a rewind of its tape (stale)");
    ag_sin(a);
    fails(AG_ESTALE, "ag_sin: operand 1 was recorded before a rewind of its tape (stale)");
    fine();
}

static void a_chain_of_a_million(void **state)
{
    enum { N = 1000000 };
    (void)state;
    const double c = 1 + 1e-6;
    ag_scalar x = ag_input(1), y = x;
    for (int i = 0; i < N; i++) y = i % 2 ? ag_mul(y, c) : ag_add(y, 0.0);
    near_by(slope(y, x), pow(c, N / 2), 1e-9);
    near_by(tangent(y, x), pow(c, N / 2), 1e-9);
    near_by(ag_grad(y, x).value, pow(c, N / 2), 1e-9);
    fine();
}

/* Statements of all lengths, some longer than a chunk, in a random order: backwards and forwards must agree. */
static void long_statements_among_short_ones(void **state)
{
    enum { INPUTS = 3000, STATEMENTS = 4000, LONGEST = 30000 };
    ag_scalar *x = malloc((INPUTS + STATEMENTS) * sizeof *x), *list = malloc(LONGEST * sizeof *list);
    double *value = malloc(LONGEST * sizeof *value), g[INPUTS], v[INPUTS];
    for (int i = 0; i < INPUTS; i++) value[i] = sin(i), v[i] = cos(3 * i);
    for (int round = 0; round < 3; round++) {
        uint32_t s = 1234567;
#define DRAW(n) ((s = s * 1664525u + 1013904223u), (s >> 8) % (uint32_t)(n))
        assert_int_equal(ag_tape_reset(*state), AG_OK);
        ags_inputs(INPUTS, value, x);
        for (int i = 1; i < INPUTS; i++) assert_int_equal(x[i].id, x[0].id + (uint32_t)i);
        uint32_t n = INPUTS;
        for (int k = 0; k < STATEMENTS; k++, n++) {
            const uint32_t length = k % 500 == 77 ? LONGEST : k % 10 == 3 ? DRAW(2000) : DRAW(5);
            for (uint32_t i = 0; i < length; i++) list[i] = x[DRAW(n)];
            const ag_scalar a = x[DRAW(n)], b = x[n - 1];
            switch (DRAW(8)) {
            case 0: x[n] = ag_sin(a); break;
            case 1: x[n] = ag_tanh(ag_mul(a, b)); break;
            case 2: x[n] = ag_fma(a, ag_sin(b), 0.5); break;
            case 3: x[n] = ag_tanh(ags_sum(length, list)); break;
            case 4: x[n] = ag_mul(1e-2, ags_dot(length / 2, list, list + length / 2)); break;
            case 5: x[n] = ag_sin(ags_sqnorm(length, list)); break;
            case 6: x[n] = length ? ags_logsumexp(length, list) : ag_neg(a); break;
            default: x[n] = ags_block_sum(ags_block_exp(ags_block_rsub(value, ags_block_input(length, value)))); break;
            }
            if (x[n].id == 0) x[n] = ag_add(a, b);
        }
        ag_scalar y = ags_sum(n, x);
        double forward, back = 0;
        assert_int_equal(ags_gradient(y, x, INPUTS, g), AG_OK);
        for (int i = 0; i < INPUTS; i++) back += g[i] * v[i];
        assert_int_equal(ags_jvp(&y, 1, x, INPUTS, v, &forward), AG_OK);
        near_by(forward, back, 1e-10);
    }
    const uint64_t reserved = ag_tape_memory(*state).reserved;
    assert_int_equal(ag_tape_reset(*state), AG_OK);
    assert_true(ag_tape_memory(*state).reserved == reserved);
    free(x);
    free(list);
    free(value);
    fine();
}

/* Second derivatives where the sweep itself opens chunks: sum of a_i x^2 in a chain, and the same rewound and redone.
 */
static void chunks_grow_under_a_recorded_sweep(void **state)
{
    enum { N = 20000 };
    ag_scalar x = ag_input(0.5);
    const ag_mark mark = ag_tape_mark(*state);
    for (int round = 0; round < 3; round++) {
        ag_scalar y = ag_const(0);
        double want = 0;
        for (int i = 0; i < N; i++) {
            y = ag_fma(ag_mul(x, sin(i)), x, y);
            want += 2 * sin(i);
        }
        ag_scalar g = ag_grad(y, x), gg = ag_grad(g, x);
        near_by(g.value, 0.5 * want, 1e-9);
        near_by(gg.value, want, 1e-9);
        near_by(tangent(g, x), want, 1e-9);
        assert_int_equal(ag_tape_rewind(*state, mark), AG_OK);
    }
    fine();
}

static void ids_run_out_as_an_error(void **state)
{
    (void)state;
    ag__pen.next = ag__pen.limit = UINT32_MAX - 100; /* as if so many had been recorded */
    ag_scalar x = ag_input(1), y = x;
    for (int i = 0; i < 200; i++) y = ag_add(y, 1.0);
    near(y.value, 201);
    assert_int_equal(y.id, 0);
    assert_true(x.id == UINT32_MAX - 100);
    fails(AG_ENOMEM, "a tape holds at most 2^32 scalars");
    y = ags_sum(1, &x);
    near(y.value, 1);
    ag_clear_error();
    ags_block_input(200, (double[200]){ 0 });
    fails(AG_ENOMEM, "a tape holds at most 2^32 scalars");
    ag_tape_reset(*state);
    near(slope(ag_square(ag_input(3)), ag_const(1)), 0);
    fine();
}

/* Past its limit a tape records nothing and says so; values stay right; after a reset it is as good as before. */
static void memory_runs_out(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.memory_limit = 1 << 20);
    assert_non_null(t);
    for (int round = 0; round < 3; round++) {
        ag_scalar x = ag_input(1), y = x;
        near(slope(ag_mul(x, x), x), 2);
        for (int i = 0; i < 100000; i++) y = ag_add(y, x);
        near(y.value, 100001);
        assert_int_equal(ag_error(), AG_ENOMEM);
        assert_int_equal(ag_backward(y), AG_ENOMEM);
        assert_true(ag_tape_memory(t).reserved <= 1 << 20);
        assert_int_equal(ag_tape_reset(t), AG_ENOMEM);
    }
    double values[1000] = { 0 };
    ag_scalar x[1000], many[200000 / 8] = { { 0, 0, 0 } };
    ags_inputs(1000, values, x);
    for (size_t i = 0; i < 25000; i++) many[i] = x[i % 1000];
    fine();
    for (int i = 0; i < 10; i++) ags_dot(12500, many, many + 12500);
    assert_int_equal(ag_clear_error(), AG_ENOMEM);
    ag_tape_free(t);
}

static void recording_off(void **state)
{
    ag_scalar x = ag_input(2), list[2], y = x, z;
    ags_inputs(2, (double[]){ 3, 4 }, list);
    const uint64_t before = ag_tape_memory(*state).scalars;
    AG_NO_GRAD {
        y = ag_mul(x, ag_sin(x));
        near(y.value, 2 * sin(2));
        assert_int_equal(y.id, 0);
        assert_int_equal(ag_input(1).id, 0);
        assert_int_equal(ag_fma(x, x, x).id, 0);
        z = ags_dot(2, list, list);
        near(z.value, 25);
        assert_int_equal(z.id, 0);
        assert_int_equal(ags_poly(2, (double[]){ 1, 1 }, x).id, 0);
        ags_inputs(2, (double[]){ 3, 4 }, list);
        assert_int_equal(list[1].id, 0);
        near(list[1].value, 4);
        near(slope(ag_square(x), x), 0); /* a constant */
    }
    assert_int_equal(ag_tape_memory(*state).scalars, before);
    AG_NO_GRAD {
        ag_tape *inner = ag_tape_new(); /* new tapes do not record either */
        assert_int_equal(ag_input(1).id, 0);
        assert_int_equal(ag_tape_memory(inner).scalars, 0);
        ag_tape_free(inner);
        assert_int_equal(ag_input(1).id, 0);
    }
    near(slope(ag_mul(y, x), x), y.value);
    bool was = ag_record(false);
    assert_true(was);
    ag_tape_reset(*state);
    near(ag_exp(x).value, exp(2));
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    ag_record(true);
    x = ag_input(5);
    near(slope(ag_square(x), x), 10);
    fine();
}

static void a_first_order_tape(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.first_order = true);
    double values[3] = { 0.5, 1.5, 2.5 }, g[3], want[3];
    ag_scalar x[3], y;
    uint64_t bytes[2];
    for (int first = 1; first >= 0; first--) {
        ag_tape *was = first ? NULL : ag_tape_use(*state);
        (void)was;
        ags_inputs(3, values, x);
        y = ag_fma(ag_pow(x[0], 2.0), ag_div(3.0, x[1]), ags_poly(3, values, x[2]));
        y = ag_add(y, ags_logsumexp(3, x));
        y = ag_add(y, ag_mul(ags_sqnorm(3, x), ags_dot(2, x, x + 1)));
        assert_int_equal(ags_gradient(y, x, 3, first ? g : want), AG_OK);
        bytes[first] = ag_tape_memory(ag_tape_current()).in_use;
    }
    for (int i = 0; i < 3; i++) near(g[i], want[i]);
    assert_true(bytes[1] < bytes[0]);
    ag_tape_use(t);
    ags_inputs(3, values, x);
    assert_int_equal(ag_grad(ag_exp(x[0]), x[0]).id, 0);
    fails(AG_ENODIFF, "ag_grad: this tape keeps no values (first_order), so that its gradients are numbers only");
    ag_tape_free(t);
}

static void without_a_tape(void **state)
{
    ag_scalar x = ag_input(2);
    ag_tape_use(NULL);
    near(ag_mul(ag_const(2), 3.0).value, 6);
    near(ags_sum(2, (ag_scalar[]){ ag_const(2), ag_const(1) }).value, 3);
    fine();
    near(ag_add(x, 1.0).value, 3);
    fails(AG_ETAPE, "ag_add: no tape is current");
    near(ag_input(4).value, 4);
    fails(AG_ETAPE, "ag_input: no tape is current");
    ags_sum(1, &x);
    fails(AG_ETAPE, "ags_sum: no tape is current");
    ag_tape_use(*state);
    near(slope(ag_mul(x, x), x), 4);
}

/* The explicit tier records what the implicit one does. */
static void the_pen_is_the_threads(void **state)
{
    (void)state;
    ag_pen *pen = ag_pen_here();
    ag_scalar x = ag_input_on(pen, 0.7), y = ags_mul_on(pen, ags_exp_on(pen, x), x);
    ag_tape *other = ag_tape_new();
    ag_scalar u = ag_input_on(pen, 3); /* goes where the current tape is */
    near(slope(ags_fma_on(pen, u, u, u), u), 7);
    ag_tape_free(other);
    near(slope(y, x), exp(0.7) * 1.7);
    assert_int_equal(ag_tape_memory(*state).scalars, 3);
    fine();
}

/* Statements whose number of operands is known when compiled are written in line. So many of one size fill chunks to
 * their last place, and are what the plain function records. */
#define CHAIN(n, call)                                                                                            \
    do {                                                                                                          \
        const double k[5] = { 0.5, 0.25, 0.125, 0.125 };                                                          \
        ag_tape_reset(*state);                                                                                    \
        ag_scalar x = ag_input(2), y = x;                                                                         \
        for (int i = 0; i < LONG_CHAIN; i++) y = call(n, ((ag_scalar[]){ y, x, x, x, x }), k, 1 + 1.0 / (i + 1)); \
        assert_int_equal(ag_tape_memory(*state).scalars, LONG_CHAIN + 1);                                         \
        bytes[count] = ag_tape_memory(*state).in_use, value[count] = y.value, derivative[count++] = slope(y, x);  \
    } while (0)
#define IN_LINE(n, x, k, y)    ags_statement(y, n, x, k)
#define CALLED(n, x, k, y)     (ags_statement)(y, n, x, k)
#define LIN(n, x, k, y)        ags_lin(n, x, k)
#define LIN_CALLED(n, x, k, y) (ags_lin)(n, x, k)
#define BOTH(n)        \
    CHAIN(n, IN_LINE); \
    CHAIN(n, CALLED);  \
    CHAIN(n, LIN);     \
    CHAIN(n, LIN_CALLED)
static void short_statements_in_line(void **state)
{
    enum { LONG_CHAIN = 200000 };
    uint64_t bytes[20];
    double value[20], derivative[20];
    int count = 0;
    BOTH(1);
    BOTH(2);
    BOTH(3);
    BOTH(4);
    BOTH(5);
    for (int i = 0; i < count; i += 2) {
        assert_int_equal(bytes[i], bytes[i + 1]);
        near_by(value[i], value[i + 1], 0);
        near_by(derivative[i], derivative[i + 1], 0);
    }
    near(derivative[4], 0.5); /* d = d/2 + 1/4, again and again */
    near(derivative[12], 1);
    near(value[14], 2);
    fine();
}

static void short_statements_of_what_is_not_at_hand(void **state)
{
    const double k[] = { 2, 3, 4 };
    ag_scalar x = ag_input(5), c = ag_const(7);
    near(slope(ags_statement(1, 3, (ag_scalar[]){ c, x, x }, k), x), 7);
    near(slope(ags_lin(2, (ag_scalar[]){ x, c }, k), x), 2);
    assert_int_equal(ags_statement(1, 2, (ag_scalar[]){ c, c }, k).id, 0);
    assert_int_equal(ags_lin(1, &c, k).id, 0);
    ags_statement(1, 2, NULL, k);
    fails(AG_ENULL, "ags_statement: an array of 2 elements is NULL");
    ags_lin(2, (ag_scalar[]){ x, x }, NULL);
    fails(AG_ENULL, "ags_lin: an array of 2 elements is NULL");
    ag_tape_reset(*state);
    ag_scalar now = ag_input(1);
    ags_lin(2, (ag_scalar[]){ now, x }, k);
    fails(AG_ESTALE, "ags_lin: operand 2 was recorded before a reset of its tape (stale)");
    ag_record(false);
    assert_int_equal(ags_statement(1, 1, &now, k).id, 0);
    ag_record(true);
    near(slope(ags_statement(1, 1, &now, k), now), 2);
    fine();
}

/* Seen when compiled; the value is the product's all the same. */
static void x_times_x_is_a_square(void **state)
{
    ag_scalar x = ag_input(3), other = ag_input(5);
    const uint64_t empty = ag_tape_memory(*state).in_use;
    ag_scalar y = ag_mul(x, x);
    const uint64_t square = ag_tape_memory(*state).in_use - empty;
    ag_mul(x, other);
    const uint64_t product = ag_tape_memory(*state).in_use - empty - square;
#ifdef __OPTIMIZE__
    assert_int_equal(product - square, sizeof(uint32_t) + sizeof(double));
#else
    assert_int_equal(product, square);
#endif
    ag_scalar z = x;
    z.value = 4;
    near(ag_mul(x, z).value, 12);
    near(slope(ag_mul(x, z), x), 7);
    near(y.value, 9);
    near(slope(y, x), 6);
    near(ag_grad(ag_grad(y, x), x).value, 2);
    near(ag_mul(ag_const(2), ag_const(3)).value, 6);
    ag_tape_reset(*state);
    ag_mul(x, x);
    fails(AG_ESTALE, "ag_mul: operand 1 was recorded before a reset of its tape (stale)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stale_and_foreign_scalars),
        TEST(stale_after_a_reset),
        TEST(what_a_mark_keeps_stays_good),
        TEST(what_was_just_good_goes_stale),
        TEST(a_chain_of_a_million),
        TEST(long_statements_among_short_ones),
        TEST(chunks_grow_under_a_recorded_sweep),
        TEST(ids_run_out_as_an_error),
        TEST(memory_runs_out),
        TEST(recording_off),
        TEST(a_first_order_tape),
        TEST(without_a_tape),
        TEST(the_pen_is_the_threads),
        TEST(short_statements_in_line),
        TEST(short_statements_of_what_is_not_at_hand),
        TEST(x_times_x_is_a_square),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
