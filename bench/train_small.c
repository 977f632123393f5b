/* train_small.c - where a step is all overhead: a chain of operations on one element, and XOR. */
#include <autograd/autograd.h>
#include <bench/train.h>

#include <string.h>

enum { CHAIN = 1000 };
static ag_tape *tape;

/* ---- op1: operations on one element, forward and backward ---- */

static ag_tensor *one, *factor;

static void open_op1(void)
{
    tape = ag_tape_new();
    one = (ag_param)(AG_F32, 0, NULL), factor = (ag_param)(AG_F32, 0, NULL);
    ag_fill(one, 0.5), ag_fill(factor, 0.999);
    train_stop_on_error(ag_error());
}

static double step_op1(void)
{
    ag_tensor *v = one;
    ag_zero_grad(AG_PARAMS({ "one", one }, { "factor", factor }));
    for (int i = 0; i < CHAIN / 2; i++) v = ag_mul(ag_add(v, factor), factor);
    double value = ag_item(v);
    ag_backward(v);
    train_stop_on_error(ag_tape_reset(tape));
    return value;
}

/* ---- xor: 2-3-1 with ReLU, batch 4, mean squared error, gradient descent ---- */

static ag_tensor *x4, *y4, *w1, *b1, *w2, *b2;

static void open_xor(void)
{
    tape = ag_tape_new();
    ag_seed(1);
    x4 = ag_new(AG_F32, 4, 2), y4 = ag_new(AG_F32, 4, 1);
    ag_write(x4, ((float[]){ 0, 0, 0, 1, 1, 0, 1, 1 }), 8), ag_write(y4, ((float[]){ 0, 1, 1, 0 }), 4);
    w1 = ag_param_like(ag_sub(ag_rand(AG_F32, 3, 2), 0.5)), b1 = ag_param_like(ag_sub(ag_rand(AG_F32, 3), 0.5));
    w2 = ag_param_like(ag_sub(ag_rand(AG_F32, 1, 3), 0.5)), b2 = ag_param_like(ag_sub(ag_rand(AG_F32, 1), 0.5));
    train_stop_on_error(ag_tape_reset(tape));
}

static void descend(ag_tensor *p)
{
    const float *g = ag_f32(ag_grad_of(p));
    float *w = ag_f32_write(p);
    for (int64_t i = 0, n = ag_numel(p); i < n; i++) w[i] -= 0.1f * g[i];
}

static ag_params weights(void)
{
    static ag_named list[4];
    const ag_named all[] = { { "0.weight", w1 }, { "0.bias", b1 }, { "2.weight", w2 }, { "2.bias", b2 } };
    memcpy(list, all, sizeof list);
    return (ag_params){ list, 4 };
}

static double step_xor(void)
{
    ag_tensor *loss = ag_mse_loss(ag_linear(ag_relu(ag_linear(x4, w1, b1)), w2, b2), y4);
    train_stop_on_error(ag_backward(loss));
    double value = ag_item(loss);
    descend(w1), descend(b1), descend(w2), descend(b2);
    ag_zero_grad(weights());
    train_stop_on_error(ag_tape_reset(tape));
    return value;
}

static ag_tensor *x(void)
{
    return x4;
}
static ag_tensor *y(void)
{
    return y4;
}

const train_case train_op1 = { "op1", 0, CHAIN, open_op1, step_op1, NULL, NULL, NULL, NULL, NULL };
const train_case train_xor = { "xor", 0, 1, open_xor, step_xor, NULL, NULL, weights, x, y };
