/* test_anomaly.c - anomaly mode names the first operation that makes a NaN or an Inf, forward or backward: its number,
 * the line here, shapes and ranges; and says nothing where all is finite, or an Inf was put in. */
#include "expression.h"
#include <nn/nn.h>
#include <optim/optim.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* ---- the planted cases ---- */

static int line; /* of the culprit, or 0: the text cannot tell */
#define BAD(expression) (line = __LINE__, (expression))

static ag_tensor *vec(double a, double b, double c)
{
    return ag_variable(ag_copy(((double[]){ a, b, c }), 3));
}
static ag_tensor *vec32(float a, float b)
{
    return ag_variable(ag_copy(((float[]){ a, b }), 2));
}
static void back(ag_tensor *y)
{
    ag_backward(ag_sum(y));
}

static ag_status spoils(ag_call *c)
{
    const double *x = ag_f64(c->in[0]);
    double *y = ag_f64_write(c->out[0]);
    for (int64_t i = 0; i < ag_numel(c->in[0]); i++) y[i] = x[i] > 1 ? NAN : x[i];
    return ag_error();
}
static ag_status copies(ag_call *c)
{
    const double *x = ag_f64(c->in[0]);
    double *y = ag_f64_write(c->out[0]);
    for (int64_t i = 0; i < ag_numel(c->in[0]); i++) y[i] = x[i];
    return ag_error();
}
static ag_status passes(ag_call *c)
{
    c->gin[0] = c->g[0];
    return AG_OK;
}
static ag_status overflows(ag_call *c)
{
    c->gin[0] = ag_mul(c->g[0], INFINITY);
    return ag_error();
}
static const ag_op own_forward = { .name = "own", .n_in = 1, .shape = ag_shape_same, .forward = spoils, .vjp = passes };
static const ag_op own_vjp = { .name = "own", .n_in = 1, .shape = ag_shape_same, .forward = copies, .vjp = overflows };

/* Whose own lines are others. */
static ag_tensor *layers(ag_tensor *x)
{
    return ag_slice(ag_exp(ag_sin(x)), 0, 0, 1);
}

static void tensor_then_scalars(void)
{
    ag_scalar x[3];
    ag_unpack(ag_mul(vec(1e-250, 1, 1), 1.0), 3, x);
    ag_backward(BAD(ag_rsqrt(x[0])));
}

/* What is computed again, and forwards. */
static ag_tensor *inside(ag_tensor **x, void *user)
{
    (void)user;
    return BAD(ag_sqrt(ag_sub(x[0], 1.0)));
}
static ag_tensor *away(ag_tensor **x, void *user)
{
    (void)user;
    return BAD(ag_log(ag_sub(x[1], x[0])));
}
static void fall(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)user;
    s[0] = i == 7 ? BAD(ag_log(ag_neg(s[0]))) : ag_mul(s[0], p[0]);
}
static void bend(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)user;
    s[0] = i == 7 ? ag_add(BAD(ag_sqrt(ag_mul(s[0], 0.0))), 1.0) : ag_mul(s[0], p[0]);
}
static void loop(ags_step_fn *step, ag_scalar s, ag_scalar p)
{
    ags_scan(step, 20, &s, 1, &p, 1);
    ag_backward(s);
}
static void system_of_one(void)
{
    ag_scalar x, huge = ag_input(1e200), tiny = ag_input(1e-200);
    ags_solve(1, &tiny, &huge, &x);
}
static void direction(ag_scalar y, ag_scalar x)
{
    double one = 1, d;
    ags_jvp(&y, 1, &x, 1, &one, &d);
}
static void curvature(ag_scalar y, ag_scalar x)
{
    double h;
    ags_hessian(y, &x, 1, &h);
}

#define CASE(name, body)                                                          \
    static void name(void)                                                        \
    {                                                                             \
        ag_tensor *v = vec(4, 0, 1);                                              \
        ag_scalar s = ag_input(2), huge[2] = { ag_input(1e200), ag_const(1e10) }; \
        (void)v, (void)s, (void)huge;                                             \
        body;                                                                     \
    }
/* clang-format off */
CASE(log_of_negative, back(BAD(ag_log(vec(1, -1, 2)))))
CASE(log_of_zero, back(BAD(ag_log(vec(1, 0, 2)))))
CASE(root, back(BAD(ag_sqrt(vec(4, 1, -1)))))
CASE(quotient, back(BAD(ag_div(vec(1, 1, 1), vec(1, 0, 1)))))
CASE(zero_by_zero, back(BAD(ag_div(vec(0, 1, 1), vec(0, 1, 1)))))
CASE(exponential, back(BAD(ag_exp(ag_mul(vec(1, 2, 3), 500.0)))))
CASE(exponential_f32, back(BAD(ag_exp(vec32(1, 100)))))
CASE(power, back(BAD(ag_pow(vec(1, -1, 2), 0.5))))
CASE(arc, back(BAD(ag_acos(vec(0, 2, 0)))))
CASE(inverse, back(BAD(ag_reciprocal(vec(1, 1, 0)))))
CASE(product, back(BAD(ag_mul(vec(1e200, 1, 1), vec(1e200, 1, 1)))))
CASE(square, back(BAD(ag_square(vec(1, 1e300, 1)))))
CASE(total, ag_backward(BAD(ag_sum(vec(1e308, 1e308, 1)))))
CASE(products, back(BAD(ag_matmul(ag_reshape(vec(1e200, 1, 1), 1, 3), vec(1e200, 1, 1)))))
CASE(running, back(BAD(ag_cumsum(vec(1e308, 1e308, 1), 0))))
CASE(variance, ag_backward(BAD(ag_var(ag_slice(vec(1, 2, 3), 0, 0, 1)))))
CASE(infinities, back(BAD(ag_sub(vec(1, INFINITY, 1), vec(1, INFINITY, 1)))))
CASE(masked_row, back(BAD(ag_softmax(vec(-INFINITY, -INFINITY, -INFINITY), 0))))
CASE(distance, back(BAD(ag_log1p(ag_neg(vec(0.5, 2, 0))))))
CASE(after_a_function, ag_backward(BAD(ag_var(layers(v)))))
CASE(own, back(BAD(ag_apply(&own_forward, NULL, vec(0, 1, 2)))))
CASE(data, back(BAD(ag_mul(vec(1, 2, 3), ag_copy(((double[]){ 1, NAN, 1 }), 3)))))
CASE(not_recorded, back(ag_mul(vec(1, 2, 3), BAD(ag_log(ag_neg(ag_ones(AG_F64, 3)))))))
CASE(without_a_walk, BAD(ag_log(vec(1, -1, 2))))
CASE(root_at_0, back(BAD(ag_sqrt(vec(4, 0, 1)))))
CASE(power_at_0, back(BAD(ag_pow(vec(1, 0, 1), 0.5))))
CASE(arc_at_1, back(BAD(ag_asin(vec(0, 1, 0)))))
CASE(small_inverse, back(BAD(ag_reciprocal(vec(1, 1e-200, 1)))))
CASE(small_quotient, back(BAD(ag_div(1.0, vec(1, 1, 1e-200)))))
CASE(steep_product, back(ag_mul(BAD(ag_mul(vec(1e-300, 0, 0), 1e200)), 1e200)))
CASE(own_rule, back(BAD(ag_apply(&own_vjp, NULL, vec(0, 1, 2)))))
CASE(root_recorded, ag_grad(ag_sum(BAD(ag_sqrt(v))), v))
CASE(second, ag_grad(ag_sum(ag_grad(ag_sum(BAD(ag_pow(v, 1.5))), v)), v))
CASE(seeded, ag_vjp(BAD(ag_mul(v, v)), v, ag_full(AG_F64, INFINITY, 3)))
CASE(s_log, ag_backward(BAD(ag_log(ag_input(-1)))))
CASE(s_quotient, ag_backward(BAD(ag_div(s, ag_sub(s, 2.0)))))
CASE(s_exponential, ag_backward(BAD(ag_exp(ag_mul(s, 500.0)))))
CASE(s_input, ag_backward(ag_sin(BAD(ag_input(NAN)))))
CASE(s_dot, ag_backward(BAD(ags_dot(2, huge, huge))))
CASE(s_number, ag_backward(BAD(ag_mul(s, NAN))))
CASE(s_root_at_0, ag_backward(BAD(ag_sqrt(ag_sub(s, 2.0)))))
CASE(s_power_at_0, ag_backward(BAD(ag_pow(ag_sub(s, 2.0), 0.5))))
CASE(s_recorded, ag_grad(BAD(ag_sqrt(ag_sub(s, 2.0))), s))
CASE(s_last, BAD(ag_log(ag_sub(s, 3.0))))
CASE(s_gamma, BAD(ag_lgamma(ag_sub(s, 2.0))))
CASE(s_cube_root, ag_backward(BAD(ag_cbrt(ag_sub(s, 2.0)))))
CASE(s_into_tensors, back(ag_exp(ag_pack(1, (ag_scalar[]){ BAD(ag_log(ag_neg(s))) }))))
CASE(s_from_tensors, tensor_then_scalars())
CASE(checkpoint, ag_checkpoint(inside, AG_LIST(v), NULL))
CASE(checkpoint_back, back(ag_checkpoint(inside, AG_LIST(vec(4, 1, 3)), NULL)))
CASE(fixed_point, ag_fixed_point(away, vec(9, 9, 9), AG_LIST(v)))
CASE(s_loop, loop(fall, s, s))
CASE(s_loop_back, loop(bend, s, s))
CASE(s_system, system_of_one())
CASE(forwards, ag_jvp(BAD(ag_sqrt(v)), v, ag_ones_like(v)))
CASE(curved, ag_hvp(ag_sum(BAD(ag_pow(v, 1.5))), v, ag_ones_like(v)))
CASE(s_forwards, direction(BAD(ag_sqrt(ag_sub(s, 2.0))), s))
CASE(s_curved, curvature(BAD(ag_pow(ag_sub(s, 2.0), 1.5)), s))

typedef struct planted {
    const char *name;
    void (*run)(void);
    const char *words[5];
} planted;
static const planted cases[] = {
    { "log_of_negative", log_of_negative, { "ag_log, node", "made [3] NaN at [1]", "input 1 [3] is -1 to 2" } },
    { "log_of_zero", log_of_zero, { "ag_log", "Inf at [1]" } },
    { "root", root, { "ag_sqrt", "NaN at [2]" } },
    { "quotient", quotient, { "ag_div", "Inf at [1]", "input 2 [3] is 0 to 1" } },
    { "zero_by_zero", zero_by_zero, { "ag_div", "NaN at [0]" } },
    { "exponential", exponential, { "ag_exp", "Inf at [1]", "500 to 1500" } },
    { "exponential_f32", exponential_f32, { "ag_exp", "[2] Inf at [1]" } },
    { "power", power, { "ag_pow", "NaN at [1]" } },
    { "arc", arc, { "ag_acos", "NaN at [1]" } },
    { "inverse", inverse, { "ag_reciprocal", "Inf at [2]" } },
    { "product", product, { "ag_mul", "Inf at [0]" } },
    { "square", square, { "ag_square", "Inf at [1]" } },
    { "total", total, { "ag_sum", "made [] Inf" } },
    { "products", products, { "ag_matmul", "Inf at [0]" } },
    { "running", running, { "ag_cumsum", "Inf at [1]" } },
    { "variance", variance, { "ag_div", "made [] NaN" } },
    { "infinities", infinities, { "ag_sub", "NaN at [1]", "1 to inf" } },
    { "masked_row", masked_row, { "ag_softmax", "NaN at [0]" } },
    { "distance", distance, { "ag_log1p", "NaN at [1]" } },
    { "after_a_function", after_a_function, { "ag_div", "made [] NaN" } },
    { "own", own, { "own, node", "NaN at [2]" } },
    { "data", data, { "ag_mul", "its input 2 [3] holds NaN at [1]" } },
    { "not_recorded", not_recorded, { "its input 2 [3] holds NaN at [0]", "ag_log (" } },
    { "without_a_walk", without_a_walk, { "ag_log", "NaN at [1]" } },
    { "root_at_0", root_at_0, { "the derivative of ag_sqrt", "Inf at [1] by input 1 [3]", "is 0 to 4", "came is 1 to 1" } },
    { "power_at_0", power_at_0, { "the derivative of ag_pow", "Inf at [1]" } },
    { "arc_at_1", arc_at_1, { "the derivative of ag_asin", "Inf at [1]" } },
    { "small_inverse", small_inverse, { "the derivative of ag_reciprocal", "Inf at [1]" } },
    { "small_quotient", small_quotient, { "the derivative of ag_div", "Inf at [2] by input 2" } },
    { "steep_product", steep_product, { "the derivative of ag_mul", "Inf at [0]" } },
    { "own_rule", own_rule, { "the derivative of own", "Inf at [0]" } },
    { "root_recorded", root_recorded, { "the derivative of ag_sqrt", "Inf at [1]" } },
    { "second", second, { "the derivative of ", "Inf at [1]" } },
    { "seeded", seeded, { "the derivative of ag_mul", "came is inf to inf" } },
    { "s_log", s_log, { "ag_log, statement 4", "made NaN", "operand 1 is -1" } },
    { "s_quotient", s_quotient, { "ag_div, statement 4", "made Inf", "operand 2 is 0" } },
    { "s_exponential", s_exponential, { "ag_exp, statement 4", "made Inf", "operand 1 is 1000" } },
    { "s_input", s_input, { "ag_input, statement 3", "made NaN" } },
    { "s_dot", s_dot, { "ags_dot", "made Inf" } },
    { "s_number", s_number, { "ag_mul, statement 3", "made NaN", "operand 1 is 2" } },
    { "s_root_at_0", s_root_at_0, { "the derivative of ag_sqrt, statement 4", "Inf", "operand 1 is 0", "came is 1" } },
    { "s_power_at_0", s_power_at_0, { "the derivative of ag_pow", "Inf" } },
    { "s_recorded", s_recorded, { "the derivative of ag_sqrt", "Inf" } },
    { "s_last", s_last, { "ag_log, statement 4", "made NaN", "operand 1 is -1" } },
    { "s_gamma", s_gamma, { "ag_lgamma, statement 4", "made Inf", "operand 1 is 0" } },
    { "s_cube_root", s_cube_root, { "the derivative of ag_cbrt, statement 4", "Inf", "operand 1 is 0" } },
    { "s_into_tensors", s_into_tensors, { "ag_log, statement 4", "NaN" } },
    { "s_from_tensors", s_from_tensors, { "the derivative of ag_rsqrt", "operand 1 is " } },
    { "checkpoint", checkpoint, { "ag_sqrt, node", "made [3] NaN at [1]", "is -1 to 3" } },
    { "checkpoint_back", checkpoint_back, { "the derivative of ag_sqrt", "Inf at [1]", "is 0 to 3" } },
    { "fixed_point", fixed_point, { "ag_log, node", "NaN at [0]" } },
    { "s_loop", s_loop, { "ag_log, statement", "made NaN" } },
    { "s_loop_back", s_loop_back, { "the derivative of ag_sqrt, statement", "made Inf", "operand 1 is 0" } },
    { "s_system", s_system, { "ags_solve, statement", "made Inf", "operand 1 is 1e-200, operand 2 is 1e+200" } },
    { "forwards", forwards, { "the derivative of ag_sqrt", "forwards: made [3] Inf at [1]", "is 0 to 4" } },
    { "curved", curved, { "the derivative of ag_pow", "forwards: made [3] Inf at [1]" } },
    { "s_forwards", s_forwards, { "the derivative of ag_sqrt, statement", "forwards: made Inf", "operand 1 is 0" } },
    { "s_curved", s_curved, { "the derivative of ag_pow, statement", "made Inf" } },
};
/* clang-format on */
enum { N_CASES = sizeof cases / sizeof *cases };

static bool named(const planted *p)
{
    line = 0;
    ag_tape *t = ag_tape_new(.anomaly = true);
    p->run();
    ag_status status = ag_tape_reset(t);
    bool right = status == AG_ENAN;
    char place[64];
    snprintf(place, sizeof place, "test_anomaly.c:%d)", line);
    if (line && !strstr(ag_errmsg(), place)) right = false;
    for (size_t k = 0; k < 5 && p->words[k]; k++) right = right && strstr(ag_errmsg(), p->words[k]);
    if (!right) print_error("%s, line %d: %s: %s\n", p->name, line, ag_status_text(status), ag_errmsg());
    ag_tape_free(t);
    return right;
}

static void the_first_is_named(void **state)
{
    (void)state;
    int n = 0;
    for (size_t k = 0; k < N_CASES; k++) n += named(&cases[k]);
    print_message("# %d of %d planted NaN and Inf named right\n", n, (int)N_CASES);
    assert_int_equal(n, N_CASES);
}

/* ---- nothing else is changed ---- */

enum { STEPS = 20, MOST_IN = MOST_TENSORS + 1 };

static void train(bool anomaly, double *loss)
{
    ag_tape *t = ag_tape_new(.anomaly = anomaly);
    ag_seed(5);
    ag_module *net = ag_Sequential(ag_Linear(3, 8), ag_Act(ag_tanh), ag_Dropout(0.2), ag_Linear(8, 2));
    ag_optim *opt = ag_adam(ag_parameters(net), .lr = 0.01);
    for (int k = 0; k < STEPS; k++) {
        ag_tensor *y = ag_mse_loss(ag_forward(net, ag_randn(AG_F32, 4, 3)), ag_randn(AG_F32, 4, 2));
        loss[k] = ag_item(y);
        ag_backward(y);
        ag_step(opt);
        assert_int_equal(ag_tape_reset(t), AG_OK);
    }
    ag_optim_free(opt), ag_module_free(net);
    ag_tape_free(t);
}

static double gradients(expression *e, bool anomaly, double *g)
{
    ag_tape *t = ag_tape_new(.anomaly = anomaly);
    ag_tensor *in[MOST_IN];
    int n = expression_inputs(e, e->x, in);
    for (int k = 0; k < n; k++) in[k] = ag_variable(in[k]);
    ag_tensor *y = expression_mixed(in, e), *one = ag_ones(AG_F64, 1);
    double result = ag_item(y), *at = g;
    for (int k = 0; k < n; k++) {
        ag_read(ag_vjp(y, in[k], one), at, ag_numel(in[k]));
        at += ag_numel(in[k]);
    }
    if (ag_error()) print_error("%s\n", ag_errmsg());
    assert_int_equal(ag_tape_reset(t), AG_OK);
    ag_tape_free(t);
    return result;
}

static void the_same_numbers(void **state)
{
    (void)state;
    double plain[STEPS], watched[STEPS], g[2][MOST_ELEMENTS] = { { 0 } };
    train(false, plain), train(true, watched);
    assert_memory_equal(plain, watched, sizeof plain);
    ag_tape *t = ag_tape_new();
    for (uint64_t seed = 0; seed < 200; seed++) {
        expression e;
        assert_true(expression_make(&e, seed));
        double a = gradients(&e, false, g[0]), b = gradients(&e, true, g[1]);
        assert_true(a == b);
        assert_memory_equal(g[0], g[1], sizeof g[0]);
    }
    ag_tape_free(t);
}

static void what_is_put_in_is_meant(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.anomaly = true);
    ag_tensor *x = vec(1, 2, 3), *first = ag_copy(((bool[]){ true, false, false }), 3);
    ag_mark mark = ag_tape_mark(t);
    for (int k = 0; k < 3; k++) { /* hidden keys, an infinite limit, a branch not taken */
        back(ag_mul(ag_softmax(ag_masked_fill(x, first, ag_num(-INFINITY)), 0), vec(1, 2, 3)));
        back(ag_minimum(x, ag_full(AG_F64, INFINITY, 3)));
        ag_scalar s = ag_minimum(ag_input(2), ag_input(INFINITY));
        ag_backward(ag_mul(s, s));
        assert_int_equal(ag_tape_rewind(t, mark), AG_OK);
    }
    AG_NO_GRAD
        ag_log(vec(-1, 1, 1)); /* nobody reads it */
    assert_int_equal(ag_tape_reset(t), AG_OK);

    /* after the report the tape is as good as new, and the next one is found as well */
    for (int k = 0; k < 3; k++) {
        back(ag_log(vec(-1, 1, 1)));
        assert_int_equal(ag_tape_reset(t), AG_ENAN);
        back(ag_log(vec(1, 1, 1)));
        ag_backward(ag_log(ag_input(2)));
        assert_int_equal(ag_tape_reset(t), AG_OK);
    }
    ag_tape_free(t);
    t = ag_tape_new(.anomaly = true, .first_order = true);
    for (int k = 0; k < 5000; k++) ag_sin(ag_input(k));
    ag_log(ag_sub(ag_input(1), 2.0));
    assert_int_equal(ag_tape_reset(t), AG_ENAN);
    assert_non_null(strstr(ag_errmsg(), "ag_log, statement 10003"));
    ag_tape_free(t);
}

/* A watched tape takes other sweeps: the derivatives are the same, through statements of one's own as well. */
static void the_same_products(void **state)
{
    (void)state;
    double j[2][2], h[2][4];
    for (int watched = 0; watched < 2; watched++) {
        ag_tape *t = ag_tape_new(.anomaly = watched);
        ag_scalar x[2] = { ag_input(0.7), ag_input(-0.3) }, own = ags_statement(3, 2, x, (double[]){ 4, 5 });
        ag_scalar y[2] = { ag_mul(own, 2.0), ag_mul(ag_sin(x[0]), ag_exp(x[1])) };
        assert_int_equal(ags_jvp(y, 2, x, 2, (double[]){ 1, -2 }, j[watched]), AG_OK);
        assert_int_equal(ags_hessian(y[1], x, 2, h[watched]), AG_OK);
        ag_tape_free(t);
    }
    assert_true(j[0][0] == -12 && j[1][0] == -12);
    for (int k = 0; k < 4; k++) assert_true(fabs(h[0][k] - h[1][k]) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_products),
        cmocka_unit_test(the_first_is_named),
        cmocka_unit_test(the_same_numbers),
        cmocka_unit_test(what_is_put_in_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
