/* XOR from the default initialisation is learned by as many seeds as in PyTorch; the others begin with too few units
 * alive, and get stuck. A network 2-8-1 with ReLU on inputs 0 and 1, binary cross-entropy with logits over the four
 * rows at once, Adam 0.01, 2,000 steps, f32. Of PyTorch 1.13's seeds 0 to 199, 189 end below 0.01, and as many with the
 * mean squared error; two standard deviations below that is 182. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/nn.h>
#include <optim/optim.h>

enum { SEEDS = 200, ENOUGH = 182, STEPS = 2000 };

/* The loss after the last step; NaN if anything failed. */
static double trained(uint64_t seed)
{
    static const float rows[] = { 0, 0, 0, 1, 1, 0, 1, 1 }, truth[] = { 0, 1, 1, 0 };
    ag_seed(seed);
    ag_tape *tape = ag_tape_new();
    ag_module *net = ag_Sequential(ag_Linear(2, 8), ag_Act(ag_relu), ag_Linear(8, 1));
    ag_optim *opt = ag_adam(ag_parameters(net), .lr = 0.01);
    double last = 0;
    for (int step = 0; step <= STEPS; step++) {
        ag_tensor *y = ag_forward(net, ag_reshape(ag_wrap(rows, 8), 4, 2));
        ag_tensor *loss = ag_bce_with_logits(y, ag_reshape(ag_wrap(truth, 4), 4, 1));
        if (step < STEPS)
            ag_backward(loss), ag_step(opt);
        else
            last = ag_item(loss);
        if (ag_tape_reset(tape)) fail_msg("seed %d, step %d: %s", (int)seed, step, ag_errmsg());
    }
    ag_optim_free(opt);
    ag_module_free(net);
    ag_tape_free(tape);
    return last;
}

static void most_seeds_learn_xor(void **state)
{
    (void)state;
    int learned = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) learned += trained(seed) < 0.01;
    print_message("# XOR 2-8-1: %d of %d seeds end below 0.01 (PyTorch: 189)\n", learned, SEEDS);
    assert_true(learned >= ENOUGH);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(most_seeds_learn_xor) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
