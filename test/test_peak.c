/* The formula for the peak memory of a training step (autograd/tape.h) against what a network takes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <nn/nn.h>
#include <optim/optim.h>

/* What a buffer of so many bytes takes. */
static double rounded(double bytes)
{
    double step = 64;
    while (8 * step < bytes) step *= 2;
    return ceil(bytes / step) * step;
}

static double bytes(ag_params list, bool gradients)
{
    double sum = 0;
    for (int64_t i = 0; i < list.n; i++) {
        const ag_tensor *x = list.at[i].tensor, *g = gradients ? ag_grad_of(x) : NULL;
        sum += (double)ag_dtype_size(ag_dtype_of(x)) * (double)(ag_numel(x) + (g ? ag_numel(g) : 0));
    }
    return sum;
}

enum { BATCH = 16384, IN = 64, WIDE = 128, OUT = 10 };

static void a_network_takes_what_the_formula_says(void **state)
{
    (void)state;
    const double row = sizeof(float) * (double)BATCH;
    const double results = rounded(row * IN) + rounded(8.0 * BATCH) /* images, classes */
                           + 4 * rounded(row * WIDE)                /* linear, relu, linear, relu */
                           + rounded(row * OUT) + rounded(row) /* linear; what cross_entropy keeps for each image */;
    const double adjoints = 2 * rounded(row * WIDE); /* of a relu or linear: its result's and its input's */
    const double headers = 128 * (9 + 6);            /* results and leaves */
    const double parameters = sizeof(float) * (double)(IN * WIDE + WIDE + WIDE * WIDE + WIDE + WIDE * OUT + OUT);

    ag_set_threads(1);
    ag_tape *tape = ag_tape_new();
    ag_module *net = ag_Sequential(ag_Linear(IN, WIDE), ag_Act(ag_relu), ag_Linear(WIDE, WIDE), ag_Act(ag_relu),
                                   ag_Linear(WIDE, OUT));
    ag_optim *opt = ag_adam(ag_parameters(net));
    double beside = 0;
    for (int step = 0; step < 3; step++) {
        ag_backward(ag_cross_entropy(ag_forward(net, ag_rand(AG_F32, BATCH, IN)), ag_randint(OUT, BATCH)));
        if (step == 2) beside = bytes(ag_parameters(net), true) + bytes(ag_optim_state(opt), false);
        assert_int_equal(ag_step(opt), AG_OK);
        ag_tape_reset(tape);
    }
    ag_memory m = ag_tape_memory(tape);
    double peak = results + adjoints + headers;
    print_message("# peak of the tape: %.2f MB, formula %.2f MB; reserved %.2f MB\n", (double)m.peak / 1e6, peak / 1e6,
                  (double)m.reserved / 1e6);
    print_message("# beside it: %.1f kB, 4 times the parameters %.1f kB\n", beside / 1e3, 4 * parameters / 1e3);
    assert_true((double)m.peak > 0.999 * peak && (double)m.peak < 1.03 * peak);
    assert_true((double)m.reserved < 1.05 * peak);
    assert_true(beside == 4 * parameters + 6 * sizeof(int64_t)); /* a step count each */
    ag_optim_free(opt), ag_module_free(net), ag_tape_free(tape);
    ag_set_threads(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_network_takes_what_the_formula_says) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
