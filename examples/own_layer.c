/* A layer of one's own: x + gain * body(x), used inside a Sequential like any other. */
#include <autograd/autograd.h>
#include <nn/nn.h>
#include <stdio.h>

struct residual {
    ag_tensor *gain;
    ag_module *body;
};

static ag_tensor *residual_forward(ag_module *m, ag_tensor *x)
{
    struct residual *r = ag_self(m);
    return ag_add(x, ag_mul(r->gain, ag_forward(r->body, x)));
}

static ag_module *Residual(int64_t width)
{
    ag_module *m = ag_module_new("Residual", residual_forward, sizeof(struct residual));
    struct residual *r = ag_self(m);
    if (!r) return NULL;
    r->gain = ag_own(m, "gain", ag_init_constant(ag_param(AG_F32, width), 0.1));
    r->body = ag_child(m, "body", ag_Sequential(ag_Linear(width, width), ag_Act(ag_tanh), ag_Linear(width, width)));
    return ag_module_done(m); /* NULL, and all of it freed, if anything above failed */
}

int main(void)
{
    ag_tape *tape = ag_tape_new();
    ag_module *net = ag_Sequential(ag_Linear(8, 32), Residual(32), Residual(32), ag_Linear(32, 1));
    ag_tensor *y = ag_forward(net, ag_randn(AG_F32, 5, 8));

    ag_params p = ag_parameters(net);
    for (int64_t i = 0; i < p.n; i++) /* 0.weight 0.bias 1.gain 1.body.0.weight ... */
        printf("%-16s %5lld\n", p.at[i].name, (long long)ag_numel(p.at[i].tensor));
    ag_module_print(net, stdout);
    printf("mean square %.4f\n", ag_item(ag_mean(ag_square(y))));

    ag_status status = ag_backward(ag_mean(ag_square(y)));
    if (status)
        fprintf(stderr, "%s\n", ag_errmsg());
    else
        printf("its gradient by 1.gain has %lld elements\n", (long long)ag_numel(ag_grad_of(p.at[2].tensor)));
    ag_module_free(net);
    ag_tape_free(tape);
    return status != AG_OK;
}
