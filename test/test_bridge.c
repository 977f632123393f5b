/* test_bridge.c - scalars and tensors on one tape: derivatives of any order across pack and unpack, in both directions,
 * and beside blocks and operations of one's own. */
#include <autograd/autograd.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static int with_tape(void **state)
{
    *state = ag_tape_new();
    return *state ? 0 : -1;
}
static int without_tape(void **state)
{
    ag_clear_error();
    ag_tape_free(*state);
    return 0;
}

#define PASSES(status)                                \
    do {                                              \
        if (status) print_error("%s\n", ag_errmsg()); \
        assert_int_equal(ag_error(), AG_OK);          \
    } while (0)

static void close_to(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance * fmax(1, fabs(wanted)))) print_error("%.17g is not %.17g\n", got, wanted);
    assert_true(fabs(got - wanted) <= tolerance * fmax(1, fabs(wanted)));
}

static const double point[] = { 0.7, -1.3, 0.4, 1.1, -0.5, 0.9 };

/* ---- scalars, a tensor network, scalars, and again; some used on both sides ---- */

struct net {
    ag_tensor *w, *v;
};

static void there_and_back(const ag_scalar *x, ag_scalar *y, void *user)
{
    const struct net *n = user;
    ag_scalar s[3] = { ag_mul(x[0], x[1]), ag_sin(x[2]), ag_exp(ag_mul(x[0], 0.3)) }, u[3], q[3];
    ag_tensor *h = ag_tanh(ag_matmul(n->w, ag_pack(3, s)));
    if (ag_unpack(h, 3, u)) return;
    ag_scalar p[3] = { ag_add(u[0], s[1]), ag_mul(u[1], u[2]), ag_div(u[2], x[1]) };
    ag_tensor *k = ag_mul(ag_add(ag_pack(3, p), h), n->v); /* h once more, after it was unpacked */
    if (ag_unpack(k, 3, q)) return;
    y[0] = ag_add(ags_dot(3, q, s), ags_logsumexp(3, q));
    y[1] = ag_mul(q[1], x[2]);
}

/* The same kind of thing begun and ended by tensors. */
static ag_tensor *and_the_other_way(ag_tensor **x, void *user)
{
    (void)user;
    ag_scalar s[6], r[4];
    if (ag_unpack(ag_exp(ag_transpose(x[0], 0, 1)), 6, s)) return NULL;
    r[0] = ags_sum(6, s), r[1] = ag_mul(s[0], s[5]), r[2] = ag_log(ag_add(1.0, ag_square(s[2]))), r[3] = ag_const(2);
    return ag_mul(ag_reshape(ag_pack(4, r), 2, 2), ag_add(ag_sum(x[0]), ag_slice(x[0], 1, 0, 2)));
}

static ag_tensor *nothing_crosses(ag_tensor **x, void *user)
{
    (void)user;
    ag_scalar none[1];
    if (ag_unpack(ag_slice(x[0], 0, 0, 0), 0, none)) return NULL;
    return ag_cat(AG_LIST(ag_pack(0, none), ag_square(x[0])), 0);
}

static void mixed_expressions(void **state)
{
    (void)state;
    struct net n = { ag_param(AG_F64, 3, 3), ag_param(AG_F64, 3) };
    ag_assign(n.w, ag_reshape(ag_linspace(AG_F64, -0.8, 0.9, 9), 3, 3));
    ag_assign(n.v, ag_linspace(AG_F64, 1.1, 0.3, 3));
    PASSES(ags_gradcheck(there_and_back, 2, point, 3, .user = &n, .order = 2));
    PASSES(ags_gradcheck(there_and_back, 2, point, 3, .user = &n, .order = 2,
                         .params = AG_PARAMS({ "w", n.w }, { "v", n.v })));
    PASSES(ag_gradcheck(and_the_other_way, AG_LIST(ag_reshape(ag_copy(point, 6), 2, 3)), .order = 2));
    PASSES(
        ag_gradcheck(and_the_other_way, AG_LIST(ag_transpose(ag_reshape(ag_copy(point, 6), 3, 2), 0, 1)), .order = 2));
    PASSES(ag_gradcheck(nothing_crosses, AG_LIST(ag_copy(point, 3)), .order = 2));
    ag_free(n.w), ag_free(n.v);
}

/* What ag_backward collects is what ag_vjp gives, for leaves and scalars of one walk. */
static void one_walk_for_both(void **state)
{
    (void)state;
    struct net n = { ag_param(AG_F64, 3, 3), ag_param(AG_F64, 3) };
    ag_assign(n.w, ag_reshape(ag_linspace(AG_F64, -0.8, 0.9, 9), 3, 3));
    ag_assign(n.v, ag_ones(AG_F64, 3));
    ag_scalar x[3], y[2], g[3];
    ags_inputs(3, point, x);
    there_and_back(x, y, &n);
    PASSES(ags_grads(y[0], x, 3, g));
    ag_tensor *gw = ag_grad(ag_select(ag_pack(1, y), 0, 0), n.w);
    PASSES(ag_backward(y[0]));
    for (int i = 0; i < 3; i++) close_to(ag_adjoint(x[i]), g[i].value, 1e-14);
    assert_non_null(ag_grad_of(n.w));
    for (int i = 0; i < 9; i++) close_to(ag_f64(ag_grad_of(n.w))[i], ag_f64(gw)[i], 1e-14);
    ag_free(n.w), ag_free(n.v);
}

/* ---- third derivatives against closed forms ---- */

/* (x^2 sin x)''' = 6 cos x - 6 x sin x - x^2 cos x */
static double third_of_x2_sin(double x)
{
    return 6 * cos(x) - 6 * x * sin(x) - x * x * cos(x);
}

static void third_derivative_of_scalars(void **state)
{
    (void)state;
    for (double at = -2; at <= 2; at += 0.8) {
        ag_scalar x = ag_input(at), y = ag_mul(ag_square(x), ag_sin(x));
        close_to(ag_grad(ag_grad(ag_grad(y, x), x), x).value, third_of_x2_sin(at), 1e-13);
    }
}

static void third_derivative_of_tensors(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_linspace(AG_F64, -2, 2, 6)), *d = ag_mul(ag_square(x), ag_sin(x));
    for (int order = 0; order < 3; order++) d = ag_grad(ag_sum(d), x);
    for (int i = 0; i < 6; i++) close_to(ag_at(d, i), third_of_x2_sin(-2 + 0.8 * i), 1e-13);
}

/* The scalars' expression with the square on the tensors' side, and the other way about. */
static void third_derivative_across(void **state)
{
    (void)state;
    ag_scalar x = ag_input(0.9), back[1];
    PASSES(ag_unpack(ag_square(ag_pack(1, &x)), 1, back));
    ag_scalar y = ag_mul(back[0], ag_sin(x));
    close_to(ag_grad(ag_grad(ag_grad(y, x), x), x).value, third_of_x2_sin(0.9), 1e-13);

    ag_tensor *t = ag_variable(ag_full(AG_F64, 0.9, 1));
    ag_scalar s[1];
    PASSES(ag_unpack(t, 1, s));
    s[0] = ag_sin(s[0]);
    ag_tensor *d = ag_mul(ag_square(t), ag_pack(1, s));
    for (int order = 0; order < 3; order++) d = ag_grad(ag_sum(d), t);
    close_to(ag_item(d), third_of_x2_sin(0.9), 1e-13);
}

/* sum of v[i] tanh(w[i] x + b[i]): its third derivative by x is sum of v w^3 (1 - h^2) (6 h^2 - 2), h = tanh(w x + b).
 */
enum { WIDTH = 4 };
static const double net_w[WIDTH] = { 0.8, -1.4, 0.5, 2.0 }, net_b[WIDTH] = { 0.1, 0.4, -0.7, 0.2 },
                    net_v[WIDTH] = { 1.2, 0.6, -0.9, 0.3 };
static double third_of_net(double x)
{
    double sum = 0;
    for (int i = 0; i < WIDTH; i++) {
        double h = tanh(net_w[i] * x + net_b[i]);
        sum += net_v[i] * pow(net_w[i], 3) * (1 - h * h) * (6 * h * h - 2);
    }
    return sum;
}

static void third_derivative_of_a_network(void **state)
{
    (void)state;
    ag_scalar x = ag_input(0.35), h[WIDTH];
    for (int i = 0; i < WIDTH; i++) h[i] = ag_tanh(ag_fma(x, net_w[i], net_b[i]));
    ag_scalar y = ags_lin(WIDTH, h, net_v);
    close_to(ag_grad(ag_grad(ag_grad(y, x), x), x).value, third_of_net(0.35), 1e-13);

    ag_tensor *t = ag_variable(ag_full(AG_F64, 0.35, 1, 1)), *w = ag_reshape(ag_copy(net_w, WIDTH), WIDTH, 1);
    ag_tensor *hidden = ag_tanh(ag_linear(t, w, ag_copy(net_b, WIDTH)));
    ag_tensor *d = ag_matmul(hidden, ag_copy(net_v, WIDTH));
    for (int order = 0; order < 3; order++) d = ag_grad(ag_sum(d), t);
    close_to(ag_item(d), third_of_net(0.35), 1e-13);

    ag_scalar packed[WIDTH], z = ag_input(0.35); /* weights on the tensors' side, activations on the scalars' */
    ag_tensor *a = ag_add(ag_mul(ag_pack(1, &z), ag_copy(net_w, WIDTH)), ag_copy(net_b, WIDTH));
    PASSES(ag_unpack(a, WIDTH, packed));
    for (int i = 0; i < WIDTH; i++) packed[i] = ag_tanh(packed[i]);
    ag_tensor *out = ag_matmul(ag_pack(WIDTH, packed), ag_copy(net_v, WIDTH));
    ag_scalar s[1];
    PASSES(ag_unpack(out, 1, s));
    close_to(ag_grad(ag_grad(ag_grad(s[0], z), z), z).value, third_of_net(0.35), 1e-13);
}

/* The third derivatives mixed: d3/dx dw db of v tanh(w x + b) = v d/dw [w f'''...], by order of asking: all agree. */
static void the_order_of_asking_does_not_matter(void **state)
{
    (void)state;
    ag_scalar x[3];
    ags_inputs(3, (const double[]){ 0.35, 0.8, 0.1 }, x);
    ag_scalar y = ag_tanh(ag_fma(x[0], x[1], x[2]));
    static const int order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    /* f = tanh(u), u = w x + b: d/db f = f', d/dw of it f'' x, d/dx of that f'' + f''' w x */
    double h = tanh(0.35 * 0.8 + 0.1), s = 1 - h * h, f2 = -2 * h * s, f3 = s * (6 * h * h - 2);
    for (int k = 0; k < 6; k++) {
        ag_scalar d = y;
        for (int i = 0; i < 3; i++) d = ag_grad(d, x[order[k][i]]);
        close_to(d.value, f2 + f3 * 0.35 * 0.8, 1e-13);
    }
}

/* ---- fused statements and blocks ---- */

static void fused(const ag_scalar *x, ag_scalar *y, void *user)
{
    (void)user;
    static const double k[] = { 0.5, -1.5, 2.0, 0.25 };
    y[0] = ags_sum(6, x);
    y[1] = ags_dot(3, x, x + 3);
    y[2] = ags_dot(3, x, x + 1); /* overlapping operands */
    y[3] = ags_lin(4, x, k);
    y[4] = ags_sqnorm(6, x);
    y[5] = ags_logsumexp(6, x);
    y[6] = ags_poly(4, k, x[0]);
    y[7] = ag_fma(x[0], x[1], x[0]);
    y[8] = ags_sum(0, x);
    y[9] = ag_mul(ags_dot(6, x, x), ag_fma(x[3], 2.0, y[5]));
    y[10] = ags_logsumexp(1, x + 2);
    y[11] = ags_poly(0, k, x[0]);
    y[12] = ags_poly(1, k, x[0]);
}

static void fused_statements(void **state)
{
    (void)state;
    PASSES(ags_gradcheck(fused, 13, point, 6, .order = 2));
}

/* Blocks are variables of their own, so that the check's functions of scalars cannot hold them. */
enum { N_BLOCK = 15 };
static ag_scalar of_blocks(const double *value, ag_scalar *x)
{
    ag_block in = ags_block_input(N_BLOCK, value), a = ags_block_slice(in, 0, 6), v = ags_block_slice(in, 6, 3),
             diag = ags_block_slice(in, 9, 3), low = ags_block_slice(in, 12, 3);
    for (size_t i = 0; i < N_BLOCK; i++) x[i] = ags_block_at(in, i);
    ag_block av = ags_block_matvec(a, v), lv = ags_block_trimv(ags_block_exp(diag), low, ags_block_rsub(point, v));
    ag_scalar y = ag_add(ags_block_sqnorm(lv), ag_mul(ags_block_dot(av, ags_block_slice(lv, 1, 2)), x[7]));
    return ag_sub(ag_mul(y, ags_block_at(lv, 2)), ag_sin(ags_block_sum(in)));
}

/* The value, or at k > 0 the derivative by x[k - 1], each evaluated afresh. */
static double evaluate_blocks(const double *value, size_t k)
{
    ag_scalar x[N_BLOCK], y = of_blocks(value, x);
    if (k == 0) return y.value;
    assert_int_equal(ag_backward(y), AG_OK);
    return ag_adjoint(x[k - 1]);
}

static double difference(double *at, size_t i, size_t k)
{
    double was = at[i], h = 2e-4, d[2];
    for (int half = 0; half < 2; half++, h /= 2) {
        at[i] = was + h;
        double right = evaluate_blocks(at, k);
        at[i] = was - h;
        d[half] = (right - evaluate_blocks(at, k)) / (2 * h);
    }
    at[i] = was;
    return d[1] + (d[1] - d[0]) / 3;
}

static void blocks_by_differences(void **state)
{
    double at[N_BLOCK], v[N_BLOCK], u[N_BLOCK], jv, along = 0;
    for (int i = 0; i < N_BLOCK; i++) at[i] = sin(i + 1.0), v[i] = cos(3.0 * i);
    ag_scalar x[N_BLOCK], g[N_BLOCK], y = of_blocks(at, x);
    PASSES(ags_grads(y, x, N_BLOCK, g));
    for (size_t i = 0; i < N_BLOCK; i++) {
        close_to(g[i].value, difference(at, i, 0), 1e-9);
        close_to(g[i].value, evaluate_blocks(at, i + 1), 1e-13);
        along += g[i].value * v[i];
    }
    PASSES(ags_jvp(&y, 1, x, N_BLOCK, v, &jv));
    close_to(jv, along, 1e-12);
    for (size_t k = 0; k < N_BLOCK;
         k++) { /* a row of the Hessian, by reverse sweep, by forward sweep and by differences */
        double hv, row = 0;
        PASSES(ags_gradient(g[k], x, N_BLOCK, u));
        for (size_t i = 0; i < N_BLOCK; i++) close_to(u[i], difference(at, i, k + 1), 1e-8), row += u[i] * v[i];
        PASSES(ags_jvp(&g[k], 1, x, N_BLOCK, v, &hv));
        close_to(hv, row, 1e-12);
    }
    ag_scalar third = ag_grad(ag_grad(g[9], x[7]), x[13]), swapped = ag_grad(ag_grad(g[13], x[9]), x[7]);
    assert_true(fabs(third.value) > 1e-3);
    close_to(third.value, swapped.value, 1e-13);
    assert_int_equal(ag_tape_reset(*state), AG_OK);
}

/* ---- operations of one's own between them ---- */

static ag_status halve_forward(ag_call *c)
{
    const double *x = ag_f64(c->in[0]);
    double *y = ag_f64_write(c->out[0]), *z = ag_f64_write(c->out[1]);
    for (int64_t i = 0; y && z && i < ag_numel(c->in[0]); i++) y[i] = x[i] / 2, z[i] = x[i] * x[i];
    return ag_error();
}
static ag_status halve_shape(const ag_call *c, ag_shape *out)
{
    ag_status status = ag_shape_same(c, out);
    out[1] = out[0];
    return status;
}
static ag_status halve_vjp(ag_call *c)
{
    ag_tensor *a = c->g[0] ? ag_mul(c->g[0], 0.5) : NULL;
    ag_tensor *b = c->g[1] ? ag_mul(c->g[1], ag_mul(2.0, c->in[0])) : NULL;
    c->gin[0] = a && b ? ag_add(a, b) : a ? a : b;
    return ag_error();
}
static ag_status halve_jvp(ag_call *c)
{
    if (!c->tangent[0]) return AG_OK;
    c->tout[0] = ag_mul(c->tangent[0], 0.5);
    c->tout[1] = ag_mul(c->tangent[0], ag_mul(2.0, c->in[0]));
    return ag_error();
}
static const ag_op halve = { .name = "halve",
                             .n_in = 1,
                             .n_out = 2,
                             .shape = halve_shape,
                             .forward = halve_forward,
                             .vjp = halve_vjp,
                             .jvp = halve_jvp };

static void through_own_operation(const ag_scalar *x, ag_scalar *y, void *user)
{
    (void)user;
    ag_tensor *out[2];
    ag_scalar u[3];
    if (ag_apply_all(&halve, NULL, AG_LIST(ag_pack(3, x)), out)) return;
    if (ag_unpack(ag_mul(ag_sin(out[0]), out[1]), 3, u)) return;
    y[0] = ags_dot(3, u, x);
    if (!ag_unpack(out[1], 3, u)) y[1] = ags_sum(3, u); /* one of the two only */
}

static void own_operations(void **state)
{
    (void)state;
    PASSES(ags_gradcheck(through_own_operation, 2, point, 3, .order = 2));
}

/* ---- misuse ---- */

static void misuse(void **state)
{
    ag_scalar x[3];
    ags_inputs(3, point, x);
    ag_tensor *t = ag_pack(3, x);
    assert_int_equal(ag_unpack(t, 2, x), AG_ESHAPE);
    ag_clear_error();
    assert_int_equal(ag_unpack(ag_to(t, AG_F32), 3, x), AG_EDTYPE);
    ag_clear_error();
    assert_int_equal(ag_tape_reset(*state), AG_OK);
    assert_null(ag_pack(3, x));
    assert_int_equal(ag_clear_error(), AG_ESTALE);
}

int main(void)
{
#define ON_TAPE(test) cmocka_unit_test_setup_teardown(test, with_tape, without_tape)
    const struct CMUnitTest tests[] = {
        ON_TAPE(mixed_expressions),
        ON_TAPE(one_walk_for_both),
        ON_TAPE(third_derivative_of_scalars),
        ON_TAPE(third_derivative_of_tensors),
        ON_TAPE(third_derivative_across),
        ON_TAPE(third_derivative_of_a_network),
        ON_TAPE(the_order_of_asking_does_not_matter),
        ON_TAPE(fused_statements),
        ON_TAPE(blocks_by_differences),
        ON_TAPE(own_operations),
        ON_TAPE(misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
