/* The life of a tape: current, reset, rewind, record switch, walks, hooks, memory, stale handles. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>

#define near(a, b) assert_true(fabs((double)(a) - (double)(b)) <= 1e-12 * (1 + fabs((double)(b))))

/* A debug build never uses a released header again. */
#ifdef AG_DEBUG
#define assert_flat(now, then) assert_true((now) >= (then))
#else
#define assert_flat(now, then) assert_true((now) == (then))
#endif

static int fresh(void **state)
{
    *state = ag_tape_new();
    return *state == NULL;
}
static int done(void **state)
{
    ag_tape_free(*state);
    return ag_clear_error() != AG_OK;
}
static ag_tensor *leaf3(double a, double b, double c)
{
    ag_tensor *x = ag_param(AG_F64, 3);
    ag_write(x, ((double[]){ a, b, c }), 3);
    return x;
}

static void tapes_nest_like_brackets(void **state)
{
    ag_tape *outer = *state, *inner = ag_tape_new();
    assert_ptr_equal(ag_tape_current(), inner);
    ag_tensor *x = ag_ones(AG_F64, 2);
    ag_tape_free(inner);
    assert_ptr_equal(ag_tape_current(), outer);
    (void)x;
    assert_ptr_equal(ag_tape_use(NULL), outer);
    assert_null(ag_ones(AG_F64, 2));
    assert_int_equal(ag_clear_error(), AG_ETAPE);
    assert_true(ag_input(3.0).id == 0);
    ag_clear_error();
    ag_tape_use(outer);
    ag_tape *a = ag_tape_new(), *b = ag_tape_new(); /* freed out of order */
    ag_tape_free(a);
    assert_ptr_equal(ag_tape_current(), b);
    ag_tape_free(b);
    assert_ptr_equal(ag_tape_current(), outer);
}

static void reset_clears_and_returns_the_error(void **state)
{
    assert_null(ag_matmul(ag_ones(AG_F32, 2, 3), ag_ones(AG_F32, 2, 3)));
    assert_int_equal(ag_tape_reset(*state), AG_ESHAPE);
    assert_int_equal(ag_error(), AG_OK);
    assert_string_equal(ag_errmsg(), "ag_matmul: inner sizes differ: [2,3] and [2,3]");
    assert_int_equal(ag_tape_reset(*state), AG_OK);
}

static void stale_tensors_are_caught_for_two_more_resets(void **state)
{
    for (int later = 0; later < 3; later++) {
        ag_tensor *x = ag_ones(AG_F64, 4);
        for (int i = 0; i <= later; i++) {
            ag_tape_reset(*state);
            for (int k = 0; k < 100; k++) assert_non_null(ag_ones(AG_F64, 4));
        }
        if (later < 2) {
            assert_null(ag_square(x));
            assert_int_equal(ag_clear_error(), AG_ESTALE);
        }
        ag_tape_reset(*state);
    }
}

static void rewind_frees_what_came_after(void **state)
{
    ag_tape *t = *state;
    ag_tensor *x = ag_variable(ag_ones(AG_F64, 3)), *y = ag_square(x);
    ag_scalar s = ag_input(2.0);
    ag_mark m = ag_tape_mark(t);
    uint64_t reserved = 0;
    for (int i = 0; i < 1000; i++) {
        ag_tensor *z = ag_mul(ag_exp(y), (double)i);
        ag_scalar u = ag_mul(s, ag_sin(s));
        assert_non_null(z);
        assert_int_equal(ag_tape_rewind(t, m), AG_OK);
        if (i == 10) reserved = ag_tape_memory(t).reserved;
        if (i % 100 == 0) { /* what was made after the mark is gone */
            assert_null(ag_neg(z));
            assert_int_equal(ag_clear_error(), AG_ESTALE);
            assert_true(ag_mul(u, 2.0).id == 0);
            assert_int_equal(ag_clear_error(), AG_ESTALE);
        }
    }
    assert_flat(ag_tape_memory(t).reserved, reserved);
    near(ag_item(ag_sum(ag_grad(ag_sum(y), x))), 6);
    near(ag_grad(ag_square(s), s).value, 4);
    ag_tape_reset(t);
    assert_int_equal(ag_tape_rewind(t, m), AG_ESTALE);
    ag_clear_error();
}

static void recording_can_be_switched_off(void **state)
{
    (void)state;
    ag_tensor *w = leaf3(1, 2, 3), *y = NULL;
    ag_scalar x = ag_input(2.0), s = ag_const(0);
    AG_NO_GRAD {
        y = ag_sum(ag_square(w));
        s = ag_mul(x, x);
    }
    near(ag_item(y), 14);
    near(s.value, 4);
    assert_true(s.id == 0);
    assert_int_equal(ag_backward(y), AG_EGRAPH);
    ag_clear_error();
    assert_true(ag_record(true)); /* it was on again */
    for (int i = 0; i < 2; i++) {
        AG_NO_GRAD {
            if (i == 0) continue; /* leaves the statement early */
            break;
        }
    }
    assert_true(ag_record(true));
    ag_free(w);
}

static void backward_accumulates_until_zeroed(void **state)
{
    ag_tensor *w = leaf3(1, 2, 3);
    assert_null(ag_grad_of(w));
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(ag_backward(ag_sum(ag_square(w))), AG_OK);
        near(ag_at(ag_grad_of(w), 2), 6.0 * i);
        ag_tape_reset(*state);
    }
    ag_zero_grad(AG_PARAMS({ "w", w }));
    assert_null(ag_grad_of(w));
    ag_freeze(w, true);
    assert_int_equal(ag_backward(ag_sum(ag_square(w))), AG_EGRAPH);
    ag_clear_error();
    ag_freeze(w, false);
    assert_int_equal(ag_backward(ag_sum(ag_mul(w, w))), AG_OK);
    near(ag_at(ag_grad_of(w), 0), 2);
    ag_free(w);
}

static void a_variable_collects_too(void **state)
{
    (void)state;
    ag_tensor *w = leaf3(1, 2, 3), *x = ag_variable(ag_mul(w, 2.0));
    assert_null(ag_grad_of(x));
    assert_int_equal(ag_backward(ag_sum(ag_mul(x, w)), .retain = true), AG_OK);
    near(ag_at(ag_grad_of(x), 1), 2);
    near(ag_at(ag_grad_of(w), 1), 4); /* not through x: its history is cut */
    assert_int_equal(ag_backward(ag_sum(ag_square(x))), AG_OK);
    near(ag_at(ag_grad_of(x), 1), 10);
    ag_tensor *d = ag_detach(ag_square(w));
    assert_false(ag_requires_grad(d));
    near(ag_at(d, 2), 9);
    ag_free(w);
}

static void seed_and_into(void **state)
{
    (void)state;
    ag_tensor *w = leaf3(1, 2, 3), *v = leaf3(4, 5, 6);
    ag_tensor *y = ag_mul(ag_square(w), v);
    ag_tensor *seed = ag_copy(((double[]){ 1, 0, 10 }), 3);
    assert_int_equal(ag_backward(y, .seed = seed, .into = AG_PARAMS({ "v", v })), AG_OK);
    assert_null(ag_grad_of(w));
    near(ag_at(ag_grad_of(v), 0), 1);
    near(ag_at(ag_grad_of(v), 1), 0);
    near(ag_at(ag_grad_of(v), 2), 90);
    ag_free(w), ag_free(v);
}

static void a_second_walk_needs_retain(void **state)
{
    ag_tensor *w = leaf3(1, 2, 3), *y = ag_sum(ag_exp(w));
    assert_int_equal(ag_backward(y, .retain = true), AG_OK);
    assert_int_equal(ag_backward(y), AG_OK);
    near(ag_at(ag_grad_of(w), 0), 2 * exp(1));
    assert_int_equal(ag_backward(y), AG_ESAVED);
    near(ag_at(ag_grad_of(w), 0), 2 * exp(1)); /* unchanged by the failure */
    assert_non_null(strstr(ag_errmsg(), ".retain = true"));
    ag_tape_reset(*state);
    ag_free(w);
}

static void values_stay_readable_after_backward(void **state)
{
    (void)state;
    ag_tensor *w = leaf3(1, 2, 3), *h = ag_exp(w), *y = ag_sum(ag_square(h));
    assert_int_equal(ag_backward(y), AG_OK);
    near(ag_at(h, 1), exp(2));
    near(ag_item(y), exp(2) + exp(4) + exp(6));
    ag_free(w);
}

static void overwritten_values_are_noticed(void **state)
{
    ag_tensor *w = leaf3(1, 2, 3), *c = ag_new(AG_F64, 3);
    ag_tensor *y = ag_sum(ag_mul(w, w));
    ag_fill(w, 5);
    assert_int_equal(ag_backward(y), AG_ESAVED);
    assert_null(ag_grad_of(w));
    ag_tape_reset(*state);
    y = ag_sum(ag_add(w, c)); /* the sum's derivative reads neither */
    ag_fill(w, 1), ag_fill(c, 2);
    assert_int_equal(ag_backward(y), AG_OK);
    ag_tape_reset(*state);
    ag_tensor *h = ag_exp(w);
    y = ag_sum(h);
    ag_fill(ag_slice(h, 0, 0, 1), 0); /* through a view */
    assert_int_equal(ag_backward(y), AG_ESAVED);
    ag_tape_reset(*state);
    ag_free(w), ag_free(c);
}

struct seen {
    int calls;
    double first;
};
static ag_tensor *look(ag_tensor *x, ag_tensor *g, void *user)
{
    struct seen *s = user;
    (void)x;
    s->calls++, s->first = ag_at(g, 0);
    return NULL;
}
static ag_tensor *clip(ag_tensor *x, ag_tensor *g, void *user)
{
    (void)x, (void)user;
    return ag_clamp(g, -1, 1);
}
static void hooks_see_and_replace(void **state)
{
    ag_tensor *w = leaf3(1, 2, 3), *h = ag_mul(w, 3.0);
    struct seen s = { 0 }, leaf = { 0 };
    assert_int_equal(ag_hook(h, look, &s), AG_OK);
    assert_int_equal(ag_hook(h, clip, NULL), AG_OK);
    assert_int_equal(ag_hook(w, look, &leaf), AG_OK);
    assert_int_equal(ag_backward(ag_sum(ag_mul(ag_square(h), 2.0))), AG_OK);
    assert_int_equal(s.calls, 1);
    near(s.first, 12);
    assert_int_equal(leaf.calls, 1);
    near(leaf.first, 3); /* 1 (clipped) times 3 */
    near(ag_at(ag_grad_of(w), 2), 3);
    ag_tape_reset(*state); /* hooks go with it */
    assert_int_equal(ag_backward(ag_sum(w)), AG_OK);
    assert_int_equal(leaf.calls, 1);
    ag_free(w);
}

static void memory_is_limited_flat_and_counted(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.memory_limit = 1 << 20);
    assert_null(ag_zeros(AG_F64, 1000, 1000));
    assert_int_equal(ag_tape_reset(t), AG_ENOMEM);
    ag_tensor *x = ag_ones(AG_F64, 100);
    assert_non_null(x);
    ag_tensor *y = x;
    for (int i = 0; y && i < 10000; i++) y = ag_mul(y, x);
    assert_null(y);
    assert_int_equal(ag_tape_reset(t), AG_ENOMEM);
    assert_non_null(ag_ones(AG_F64, 100)); /* usable again */
    ag_tape_free(t);

    t = ag_tape_new();
    ag_tensor *w = leaf3(1, 2, 3);
    uint64_t reserved = 0, in_use = 0;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(ag_backward(ag_sum(ag_tanh(ag_matmul(ag_reshape(w, 3, 1), ag_reshape(w, 1, 3))))), AG_OK);
        ag_memory m = ag_tape_memory(t);
        if (i == 10) reserved = m.reserved, in_use = m.in_use;
        if (i > 10) {
            assert_flat(m.reserved, reserved);
            assert_true(m.in_use == in_use);
        }
        assert_true(m.peak >= m.in_use && m.nodes > 4);
        ag_tape_reset(t);
    }
    assert_true(ag_tape_memory(t).nodes == 0);
    ag_free(w);
    ag_tape_free(t);
}

static void leaves_are_counted(void **state)
{
    ag_tensor *w = leaf3(1, 2, 3);
    assert_ptr_equal(ag_retain(w), w);
    ag_tensor *y = ag_sum(ag_square(w)), *view = ag_slice(w, 0, 1, 3);
    ag_free(w);
    assert_int_equal(ag_backward(y), AG_OK);
    near(ag_at(ag_grad_of(w), 1), 4);
    ag_free(w); /* the tape still holds it for its view */
    near(ag_at(view, 0), 2);
    ag_tape_reset(*state);
    ag_free(NULL);
    ag_free(ag_ones(AG_F64, 1));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
}

static void layouts_flow_through(void **state)
{
    (void)state;
    ag_tensor *x = ag_permute(ag_randn(AG_F32, 2, 4, 5, 3), 0, 3, 1, 2); /* NCHW sizes, channels last in memory */
    ag_tensor *y = ag_relu(ag_add(ag_mul(x, 2.0), ag_randn(AG_F32, 3, 1, 1)));
    assert_int_equal(ag_size(y, 1), 3);
    for (int axis = 0; axis < 4; axis++) assert_int_equal(ag_stride(y, axis), ag_stride(x, axis));
}

static void jvp_and_vjp_agree_with_grad(void **state)
{
    (void)state;
    ag_tensor *w = leaf3(0.5, -1, 2), *v = ag_copy(((double[]){ 1, 2, 3 }), 3);
    ag_tensor *y = ag_mul(ag_sin(w), w);
    ag_tensor *up = ag_jvp(y, w, v), *down = ag_vjp(y, w, v);
    for (int i = 0; i < 3; i++) {
        double x = ag_at(w, i), slope = sin(x) + x * cos(x);
        near(ag_at(up, i), slope * (i + 1));
        near(ag_at(down, i), slope * (i + 1));
    }
    ag_tensor *second = ag_grad(ag_sum(up), w); /* forward, then reverse */
    near(ag_at(second, 1), 2 * (2 * cos(-1) + sin(-1)));
    AG_NO_GRAD
        near(ag_at(ag_jvp(y, w, v), 2), ag_at(up, 2));
    near(ag_item(ag_sum(ag_jvp(ag_ones(AG_F64, 2), w, v))), 0); /* independent */
    ag_free(w);
}

static void third_derivatives(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_full(AG_F64, 0.7)), *y = ag_mul(ag_square(x), ag_sin(x));
    ag_tensor *d3 = ag_grad(ag_grad(ag_grad(y, x), x), x);
    near(ag_item(d3), 6 * cos(0.7) - 6 * 0.7 * sin(0.7) - 0.49 * cos(0.7));
    ag_scalar s = ag_input(0.7), z = ag_mul(ag_square(s), ag_sin(s));
    ag_scalar s3 = ag_grad(ag_grad(ag_grad(z, s), s), s);
    near(s3.value, 6 * cos(0.7) - 6 * 0.7 * sin(0.7) - 0.49 * cos(0.7));
}

/* ---- what a hostile reading of the headers found ---- */

static void rewinding_forgets_what_lay_above(void **state)
{
    ag_tape *t = *state;
    ag_tensor *x = ag_variable(ag_full(AG_F64, 2, 4));
    ag_scalar a = ag_input(2);
    ag_mark m = ag_tape_mark(t);
    assert_int_equal(ag_backward(ag_sum(ag_square(x))), AG_OK);
    assert_non_null(ag_grad_of(x));
    assert_int_equal(ag_backward(ag_mul(a, a)), AG_OK);
    assert_int_equal(ag_tape_rewind(t, m), AG_OK);
    assert_null(ag_grad_of(x)); /* it lay above the mark */
    near(ag_adjoint(ag_sin(a)), 0);
    ag_tape_rewind(t, m), ag_tape_rewind(t, m);
    ag_tensor *z[5];
    for (int i = 0; i < 5; i++) z[i] = ag_full(AG_F64, 7, 4);
    assert_int_equal(ag_backward(ag_sum(ag_square(x))), AG_OK);
    for (int i = 0; i < 5; i++) near(ag_at(z[i], 1), 7);
    near(ag_at(ag_grad_of(x), 3), 4);
}

static void marks_die_with_their_place(void **state)
{
    ag_tape *t = *state;
    ag_mark first = ag_tape_mark(t);
    ag_ones(AG_F64, 2);
    ag_mark second = ag_tape_mark(t);
    assert_int_equal(ag_tape_rewind(t, first), AG_OK);
    ag_ones(AG_F64, 2), ag_ones(AG_F64, 2);
    ag_tape_mark(t);
    assert_int_equal(ag_tape_rewind(t, second), AG_ESTALE);
    ag_clear_error();
    assert_int_equal(ag_tape_rewind(t, first), AG_OK);
}

static void freezing_between_uses(void **state)
{
    (void)state;
    ag_tensor *w = leaf3(1, 1, 1);
    ag_tensor *a = ag_sum(ag_mul(w, 3.0));
    ag_freeze(w, true);
    ag_tensor *k = ag_sum(ag_mul(w, 100.0));
    assert_null(ag_grad(a, w)); /* frozen: no gradient by it */
    assert_int_equal(ag_clear_error(), AG_EGRAPH);
    ag_freeze(w, false);
    ag_tensor *y = ag_add(ag_add(a, ag_sum(ag_mul(w, 5.0))), k);
    near(ag_at(ag_grad(y, w), 0), 8);
    assert_int_equal(ag_backward(y, .retain = true, .into = AG_PARAMS({ "w", w })), AG_OK);
    assert_int_equal(ag_backward(y), AG_OK);
    near(ag_at(ag_grad_of(w), 0), 16);
    ag_free(w);
}

/* What a view passes on must still be there when it was asked for as well, and be summed with what others bring. */
static void views_pass_gradients_on(void **state)
{
    ag_tensor *w = leaf3(1, 2, 3), *out[3];
    for (int retained = 0; retained < 2; retained++) {
        ag_tensor *x = ag_mul(w, 2.0), *view = ag_reshape(x, 3, 1), *turned = ag_transpose(view, 0, 1);
        ag_tensor *y = ag_sum(ag_square(ag_reshape(turned, 3)));
        if (retained) y = ag_add(y, ag_sum(x));
        AG_NO_GRAD
            assert_int_equal(ag_grads(y, AG_LIST(turned, view, x), out), AG_OK);
        for (int i = 0; i < 3; i++) {
            near(ag_at(out[0], 0, i), 4 * (i + 1));
            near(ag_at(out[1], i, 0), 4 * (i + 1));
            near(ag_at(out[2], i), 4 * (i + 1) + retained);
        }
        assert_int_equal(ag_backward(y, .retain = true), AG_OK);
        assert_int_equal(ag_backward(y), AG_OK);
        for (int i = 0; i < 3; i++) near(ag_at(ag_grad_of(w), i), 4 * (4 * (i + 1) + retained));
        ag_zero_grad(AG_PARAMS({ "w", w }));
        assert_int_equal(ag_backward(y), AG_ESAVED);
        assert_int_equal(ag_tape_reset(*state), AG_ESAVED);
    }
    ag_free(w);
}

static void a_gradient_may_be_an_operand(void **state)
{
    (void)state;
    ag_tensor *w = leaf3(1, 1, 1);
    assert_int_equal(ag_backward(ag_sum(ag_mul(w, 10.0))), AG_OK);
    ag_tensor *g = ag_grad_of(w), *p = ag_sum(ag_mul(w, g));
    ag_tensor *y = ag_add(p, ag_mul(3.0, ag_sum(ag_mul(w, g))));
    ag_zero_grad(AG_PARAMS({ "w", w }));
    assert_int_equal(ag_backward(y), AG_OK);
    near(ag_at(ag_grad_of(w), 0), 40);
    ag_free(ag_grad_of(w)); /* not ours */
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    ag_free(w);
}

static void hooks_go_with_their_tensors(void **state)
{
    ag_tape *t = *state;
    ag_tensor *w = leaf3(1, 2, 3);
    struct seen late = { 0 }, kept = { 0 };
    ag_tensor *h = ag_mul(w, 2.0);
    ag_mark m = ag_tape_mark(t);
    ag_tensor *above = ag_exp(h);
    assert_int_equal(ag_hook(above, look, &late), AG_OK);
    assert_int_equal(ag_hook(h, look, &kept), AG_OK); /* added later, lies lower */
    assert_int_equal(ag_tape_rewind(t, m), AG_OK);
    for (int i = 0; i < 8; i++) ag_ones(AG_F64, 3);
    assert_int_equal(ag_backward(ag_sum(ag_exp(h))), AG_OK);
    assert_int_equal(kept.calls, 1);
    assert_int_equal(late.calls, 0);
    ag_free(w);
}

static void tapes_freed_in_any_order(void **state)
{
    (void)state;
    ag_tape *was = ag_tape_current(), *a = ag_tape_new(), *b = ag_tape_new();
    ag_tape_use(a), ag_tape_free(a);
    ag_tape_use(b), ag_tape_free(b); /* must not bring a back */
    ag_tape *now = ag_tape_current();
    assert_true(now == NULL || now == was);
    ag_tape_use(was);
}

static ag_tensor *meddle(ag_tensor *x, ag_tensor *g, void *user)
{
    (void)x, (void)g;
    ag_tape_free(user);
    return NULL;
}
static void a_walked_tape_cannot_be_freed(void **state)
{
    ag_tensor *w = leaf3(1, 2, 3), *h = ag_mul(w, 2.0);
    ag_hook(h, meddle, *state);
    assert_int_equal(ag_backward(ag_sum(h)), AG_ETAPE);
    ag_tape_reset(*state);
    ag_free(w);
}

/* A rule may be wrong in what it returns; mode says how. */
static int mode;
static ag_status odd_forward(ag_call *c)
{
    for (int i = 0; i < 3; i++) ag_f64_write(c->out[0])[i] = ag_f64_write(c->out[1])[i] = sin(ag_f64(c->in[0])[i]);
    return ag_error();
}
static ag_status odd_vjp(ag_call *c)
{
    switch (mode) {
    case 0: c->gin[0] = ag_to(c->in[0], AG_F32); break;
    case 1: c->gin[0] = ag_zeros(AG_F64, 7); break;
    case 2: return AG_EUSER;
    default: c->gin[0] = ag_mul(c->g[0], c->out[1]);
    }
    return ag_error();
}
static const ag_op odd_op = { .name = "odd",
                              .n_in = 1,
                              .n_out = 2,
                              .shape = ag_shape_same,
                              .forward = odd_forward,
                              .vjp = odd_vjp,
                              .saves = AG_SAVES_OUT(1) };
static void rules_are_held_to_their_contract(void **state)
{
    static const ag_status expected[] = { AG_ESHAPE, AG_ESHAPE, AG_EUSER, AG_ESAVED };
    ag_tensor *w = leaf3(1, 2, 3);
    for (mode = 0; mode < 4; mode++) {
        ag_tensor *out[2];
        assert_int_equal(ag_apply_all(&odd_op, NULL, AG_LIST(w), out), AG_OK);
        if (mode == 3) ag_fill(out[1], 100);
        assert_int_equal(ag_backward(ag_sum(out[0])), expected[mode]);
        assert_non_null(strstr(ag_errmsg(), "odd"));
        assert_null(ag_grad_of(w));
        ag_tape_reset(*state);
    }
    ag_free(w);
}

static void attributes_may_not_be_missing(void **state)
{
    (void)state;
    ag_op op = odd_op;
    op.attr_size = 8;
    assert_null(ag_apply(&op, NULL, ag_ones(AG_F64, 3)));
    assert_int_equal(ag_clear_error(), AG_ENULL);
}

static void lists_may_not_be_null(void **state)
{
    (void)state;
    ag_tensor *x = ag_ones(AG_F64, 2, 3);
    assert_null((ag_sum)(x, 2, NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_null((ag_reshape)(x, 2, NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_null((ag_expand)(x, 3, NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_null((ag_permute)(x, 2, NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_null((ag_flip)(x, 1, NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_null(ag_cat((ag_list){ NULL, 2 }, 0));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    ag_zero_grad((ag_params){ NULL, 2 });
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_null(ag_grad(ag_sum(x), x)); /* requires no gradient: an error, not zeros */
    assert_int_equal(ag_clear_error(), AG_EGRAPH);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, done)
    const struct CMUnitTest tests[] = {
        T(tapes_nest_like_brackets),
        T(reset_clears_and_returns_the_error),
        T(stale_tensors_are_caught_for_two_more_resets),
        T(rewind_frees_what_came_after),
        T(recording_can_be_switched_off),
        T(backward_accumulates_until_zeroed),
        T(a_variable_collects_too),
        T(seed_and_into),
        T(a_second_walk_needs_retain),
        T(values_stay_readable_after_backward),
        T(overwritten_values_are_noticed),
        T(hooks_see_and_replace),
        T(memory_is_limited_flat_and_counted),
        T(leaves_are_counted),
        T(layouts_flow_through),
        T(rewinding_forgets_what_lay_above),
        T(marks_die_with_their_place),
        T(freezing_between_uses),
        T(a_gradient_may_be_an_operand),
        T(views_pass_gradients_on),
        T(hooks_go_with_their_tensors),
        T(tapes_freed_in_any_order),
        T(a_walked_tape_cannot_be_freed),
        T(rules_are_held_to_their_contract),
        T(lists_may_not_be_null),
        T(attributes_may_not_be_missing),
        T(jvp_and_vjp_agree_with_grad),
        T(third_derivatives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
