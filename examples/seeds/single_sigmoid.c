/* One sigmoid unit, one sample, one target: the smallest network there is. Prints `epoch loss` for every epoch.
 *
 * The loss is ((sigmoid(x w + b)) - 0.5)^2; each epoch moves w and b by -0.01 times its derivative. */
#include <autograd/autograd.h>

int main(void)
{
    ag_status status = AG_OK;
    ag_tape *tape = ag_tape_new();

    const double sample[] = { 0.1, 0.9 }, start[] = { 0.3, 0.7 };
    ag_tensor *x = ag_new(AG_F64, 1, 2);
    ag_tensor *w = ag_param(AG_F64, 2, 1), *b = ag_param(AG_F64, 1);
    ag_write(x, sample, 2);
    ag_write(w, start, 2);
    ag_fill(b, 0.2);

    for (int epoch = 0; epoch <= 1000 && !status; epoch++) {
        ag_tensor *output = ag_sigmoid(ag_add(ag_matmul(x, w), b));
        ag_tensor *loss = ag_mean(ag_square(ag_sub(output, 0.5)));
        printf("%d %.17g\n", epoch, ag_item(loss));

        ag_backward(loss);
        AG_NO_GRAD {
            ag_assign(w, ag_sub(w, ag_mul(0.01, ag_grad_of(w))));
            ag_assign(b, ag_sub(b, ag_mul(0.01, ag_grad_of(b))));
        }
        ag_zero_grad(AG_PARAMS({ "w", w }, { "b", b }));
        status = ag_tape_reset(tape);
    }

    if (status) fprintf(stderr, "single_sigmoid: %s\n", ag_errmsg());
    ag_free(x), ag_free(w), ag_free(b);
    ag_tape_free(tape);
    return status != AG_OK;
}
