/* test_gpt.c - a four-layer GPT whose weights come from PyTorch: logits, every gradient, and ten steps of AdamW against
 * what PyTorch made of them (golden/gpt.py). */
#include "plain.h"
#include <examples/gpt.h>
#include <math.h>
#include <optim/optim.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { VOCABULARY = 11, STEPS = 10 };

static ag_tensor *find(ag_params list, const char *prefix, const char *name)
{
    size_t n = strlen(prefix);
    for (int64_t i = 0; i < list.n; i++)
        if (!strncmp(list.at[i].name, prefix, n) && !strcmp(list.at[i].name + n, name)) return list.at[i].tensor;
    fail_msg("gpt.safetensors has no %s%s", prefix, name);
    return NULL;
}

static ag_tensor *loss_of(ag_module *net, ag_params golden, ag_tensor **logits)
{
    *logits = ag_forward(net, find(golden, "", "tokens"));
    return ag_cross_entropy(ag_reshape(*logits, -1, VOCABULARY), ag_reshape(find(golden, "", "targets"), -1));
}

static void trains_as_in_pytorch(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_file *file = ag_file_open("test/golden/gpt.safetensors");
    if (!file && ag_error() == AG_EMISSING) { /* a build without jansson */
        print_message("%s\n", ag_errmsg());
        ag_tape_free(tape);
        skip();
    }
    assert_non_null(file);
    ag_params golden = ag_file_list(file);
    ag_module *net = gpt_new(
        (gpt_options){ .vocabulary = VOCABULARY, .context = 7, .width = 8, .heads = 2, .layers = 4, .dtype = AG_F64 });
    ag_params all = ag_parameters(net);
    assert_int_equal(golden.n, 2 * all.n + 4);
    for (int64_t i = 0; i < all.n; i++)
        assert_int_equal(ag_assign(all.at[i].tensor, find(golden, "", all.at[i].name)), 0);

    ag_tensor *logits, *loss = loss_of(net, golden, &logits);
    double worst_logit = plain_distance(logits, find(golden, "", "logits")), worst = 0;
    assert_int_equal(ag_backward(loss), AG_OK);
    for (int64_t i = 0; i < all.n; i++)
        worst = fmax(worst, plain_distance(ag_grad_of(all.at[i].tensor), find(golden, "grad.", all.at[i].name)));
    ag_zero_grad(all);
    assert_int_equal(ag_tape_reset(tape), AG_OK);

    ag_optim *opt = ag_adamw(all, .lr = 1e-2, .weight_decay = 0.1);
    double want[STEPS], worst_loss = 0;
    assert_int_equal(ag_read(find(golden, "", "losses"), want, STEPS), AG_OK);
    for (int step = 0; step < STEPS; step++) {
        loss = loss_of(net, golden, &logits);
        worst_loss = fmax(worst_loss, fabs(ag_item(loss) - want[step]));
        assert_int_equal(ag_backward(loss), AG_OK);
        assert_int_equal(ag_step(opt), AG_OK);
        assert_int_equal(ag_tape_reset(tape), AG_OK);
    }
    printf("# GPT beside PyTorch, f64: logits %.1e, gradients %.1e, losses of ten steps %.1e apart\n", worst_logit,
           worst, worst_loss);
    assert_true(worst_logit <= 1e-10 && worst <= 1e-10 && worst_loss <= 1e-9);
    ag_optim_free(opt), ag_module_free(net), ag_file_free(file), ag_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(trains_as_in_pytorch) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
