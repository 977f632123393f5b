/* train_gpt.c - a Transformer's training step on random tokens: AdamW, cross-entropy over the vocabulary. */
#include <autograd/autograd.h>
#include <bench/train.h>
#include <examples/gpt.h>
#include <optim/optim.h>

static ag_tape *tape;
static ag_module *net;
static ag_optim *opt;
static ag_tensor *tokens, *following;

static void open_gpt(gpt_options o, int64_t batch)
{
    tape = ag_tape_new();
    ag_seed(1);
    tokens = ag_keep(ag_randint(o.vocabulary, batch, o.context));
    following = ag_keep(ag_randint(o.vocabulary, batch * o.context));
    net = gpt_new(o);
    opt = ag_adamw(ag_parameters(net), .lr = 3e-4);
    train_stop_on_error(ag_tape_reset(tape));
}
static void open_tiny(void)
{
    open_gpt(
        (gpt_options){
            .vocabulary = 256, .context = 128, .width = 128, .heads = 4, .layers = 4, .activation = ag_gelu_tanh },
        8);
}
static void open_small(void)
{
    open_gpt(
        (gpt_options){
            .vocabulary = 256, .context = 256, .width = 384, .heads = 6, .layers = 6, .activation = ag_gelu_tanh },
        4);
}

static double step(void)
{
    ag_tensor *logits = ag_forward(net, tokens);
    ag_tensor *loss = ag_cross_entropy(ag_reshape(logits, -1, ag_size(logits, -1)), following);
    ag_backward(loss);
    ag_step(opt);
    double value = ag_item(loss);
    train_stop_on_error(ag_tape_reset(tape));
    return value;
}

static ag_params weights(void)
{
    return ag_state(net);
}
static ag_tensor *x(void)
{
    return tokens;
}
static ag_tensor *y(void)
{
    return following;
}

const train_case train_gpt_tiny = { "gpt_tiny", 5.838471, 1, open_tiny, step, NULL, NULL, weights, x, y };
const train_case train_gpt_small = { "gpt_small", 73.081553, 1, open_small, step, NULL, NULL, weights, x, y };
