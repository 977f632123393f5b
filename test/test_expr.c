/* Expressions in registers: they are worth what the operations are, one by one, and are one statement. */
#include "fixture.h"

/* In both, y is recorded; z is the expression's. */
static void same(ag_scalar y, ag_scalar z, const ag_scalar *x, size_t n, const char *name)
{
    double by_op[8], by_expr[8];
    assert_int_equal(ags_gradient(y, x, n, by_op), AG_OK);
    assert_int_equal(ags_gradient(z, x, n, by_expr), AG_OK);
    if (!close_to(z.value, y.value, 0)) fail_msg("%s: %.17g, not %.17g", name, z.value, y.value);
    for (size_t i = 0; i < n; i++)
        if (!close_to(by_expr[i], by_op[i], 1e-14))
            fail_msg("%s: derivative %zu is %.17g, not %.17g", name, i, by_expr[i], by_op[i]);
}

static const double points[] = { -2.5, -1, -0.3, 0, 0.2, 0.7, 1, 3 };
enum { POINTS = sizeof points / sizeof *points };

/* Every function of an expression of two scalars, and of expressions of one. */
static void every_function(void **state)
{
    for (int i = 0; i < POINTS; i++)
        for (int k = 0; k < POINTS; k++) {
            ag_scalar x[] = { ag_input(points[i]), ag_input(points[k]) };
#define UNARY(name, ...)                                                                                        \
    same(ag_##name(ag_mul(x[0], x[1])), agx_end(agx_##name(agx_mul(x[0], x[1]))), x, 2, #name " of a product"); \
    same(ag_mul(x[1], ag_##name(x[0])), agx_end(agx_mul(x[1], agx_##name(x[0]))), x, 2, "a product with " #name);
            AG_UNARY_FUNCTIONS(UNARY)
#define BINARY(name, ...)                                                                                            \
    same(ag_##name(x[0], x[1]), agx_end(agx_##name(x[0], x[1])), x, 2, #name);                                       \
    same(ag_##name(x[0], 2.0), agx_end(agx_##name(x[0], 2.0)), x, 2, #name " with 2");                               \
    same(ag_##name(2.0, x[0]), agx_end(agx_##name(2.0, x[0])), x, 2, "2 " #name);                                    \
    same(ag_##name(ag_add(x[0], x[1]), ag_sin(x[1])), agx_end(agx_##name(agx_add(x[0], x[1]), agx_sin(x[1]))), x, 2, \
         #name " of expressions");
            AG_BINARY_FUNCTIONS(BINARY)
            same(ag_fma(x[0], x[1], x[0]), agx_end(agx_fma(x[0], x[1], x[0])), x, 2, "fma");
            ag_tape_reset(*state);
        }
    fine();
}

static uint32_t statements(void *tape)
{
    return (uint32_t)ag_tape_memory(tape).scalars;
}

static void one_statement(void **state)
{
    ag_scalar x[4];
    ags_inputs(4, (double[]){ 2, 3, 5, 7 }, x);
    ag_scalar y = agx_end(agx_div(agx_fma(x[0], x[1], agx_exp(x[2])), agx_sub(x[3], 1.0)));
    assert_int_equal(statements(*state), 5);
    same(ag_div(ag_fma(x[0], x[1], ag_exp(x[2])), ag_sub(x[3], 1.0)), y, x, 4, "a quotient");
    fine();
}

static void the_same_operand_again(void **state)
{
    ag_scalar x = ag_input(3), z = ag_input(2);
    ag_expr e = agx_add(agx_mul(x, x), agx_mul(z, x));
    near(slope(agx_end(e), x), 8);
    near(slope(agx_end(agx_mul(e, e)), x), 2 * 15 * 8);
    near(slope(agx_end(agx_sub(e, e)), x), 0);
    near(slope(agx_end(agx_of(x)), x), 1);
    (void)state;
    fine();
}

static void more_than_four_operands(void **state)
{
    ag_scalar x[8];
    ags_inputs(8, (double[]){ 2, 3, 5, 7, 11, 13, 17, 19 }, x);
    ag_expr left = agx_add(agx_mul(x[0], x[1]), agx_mul(x[2], x[3]));
    ag_expr right = agx_add(agx_mul(x[4], x[5]), agx_mul(x[6], x[7]));
    ag_scalar y =
        ag_mul(ag_add(ag_mul(x[0], x[1]), ag_mul(x[2], x[3])), ag_add(ag_mul(x[4], x[5]), ag_mul(x[6], x[7])));
    const uint32_t before = statements(*state);
    ag_scalar z = agx_end(agx_mul(left, right));
    assert_int_equal(statements(*state) - before, 3); /* left, right, their product */
    same(y, z, x, 8, "eight operands");

    ag_expr sum = agx_const(1); /* how many it holds is not known when compiled */
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 8; i++) sum = agx_add(sum, agx_mul(x[i], points[i]));
    z = agx_end(sum);
    double g[8];
    assert_int_equal(ags_gradient(z, x, 8, g), AG_OK);
    for (int i = 0; i < 8; i++) near(g[i], 3 * points[i]);
    fine();
}

static void constants(void **state)
{
    ag_scalar x = ag_input(4), c = ag_const(5);
    assert_int_equal(agx_end(agx_mul(2.0, 3)).id, 0);
    near(agx_end(agx_mul(2.0, 3)).value, 6);
    assert_int_equal(agx_end(agx_mul(c, 3.0F)).id, 0);
    near(slope(agx_end(agx_mul(c, x)), x), 5);
    near(slope(agx_end(agx_mul(x, 1)), x), 1);
    (void)state;
    fine();
}

/* Nothing flows where the derivative behind it is zero, as in a sweep; what is not a number stays so. */
static void untaken_branches(void **state)
{
    ag_scalar x = ag_input(0), y = ag_input(-1);
    near(slope(agx_end(agx_mul(0.0, agx_sqrt(x))), x), 0);
    near(slope(agx_end(agx_maximum(agx_log(x), 1.0)), x), 0);
    near(slope(agx_end(agx_mul(agx_sqrt(x), agx_sqrt(x))), x), slope(ag_mul(ag_sqrt(x), ag_sqrt(x)), x));
    assert_true(isinf(slope(agx_end(agx_sqrt(x)), x)));
    assert_true(isnan(slope(agx_end(agx_sqrt(y)), y)));
    (void)state;
    fine();
}

static void misuse(void **state)
{
    ag_scalar x = ag_input(2), y = agx_end(agx_square(x));
    ag_grad(ag_grad(y, x), x);
    fails(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
    ag_record(false);
    assert_int_equal(agx_end(agx_square(x)).id, 0);
    ag_record(true);
    ag_tape_reset(*state);
    ag_scalar now = ag_input(1);
    agx_end(agx_mul(now, x));
    fails(AG_ESTALE, "ags_statement: operand 2 was recorded before a reset of its tape (stale)");
    ag_scalar known = { 2, 1, now.gen }, old = { 2, 1, now.gen - 1 }; /* the same ids, when compiled */
    agx_end(agx_add(known, old));
    fails(AG_ESTALE, "ags_statement: operand 2 was recorded before a reset of its tape (stale)");
    ag_mul(known, old);
    fails(AG_ESTALE, "ag_mul: operand 2 was recorded before a reset of its tape (stale)");
    ag_tape_use(NULL);
    agx_end(agx_square(now));
    fails(AG_ETAPE, "ags_statement: no tape is current");
    ag_tape_use(*state);
}

/* Forward sweeps, several directions, a tape of first order: a statement like others. */
static void derivatives(void **state)
{
    ag_tape *quick = ag_tape_new(.first_order = true);
    ag_scalar x[2];
    ags_inputs(2, (double[]){ 0.3, 0.8 }, x);
    ag_scalar y[] = { agx_end(agx_mul(agx_sin(x[0]), x[1])), agx_end(agx_exp(agx_sub(x[0], x[1]))) };
    double jac[4], jv[2];
    assert_int_equal(ags_jacobian(y, 2, x, 2, jac), AG_OK);
    near(jac[0], cos(0.3) * 0.8);
    near(jac[1], sin(0.3));
    near(jac[2], exp(-0.5));
    near(jac[3], -exp(-0.5));
    assert_int_equal(ags_jvp(y, 2, x, 2, (double[]){ 1, 2 }, jv), AG_OK);
    near(jv[0], jac[0] + 2 * jac[1]);
    near(jv[1], jac[2] + 2 * jac[3]);
    ag_tape_free(quick);
    ag_tape_use(*state);
    fine();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_function),
        TEST(one_statement),
        TEST(the_same_operand_again),
        TEST(more_than_four_operands),
        TEST(constants),
        TEST(untaken_branches),
        TEST(misuse),
        TEST(derivatives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
