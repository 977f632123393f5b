/* Exclusive or, learned by two inputs, three ReLU units and a linear output; the start is one from which plain gradient
 * descent arrives. The printed loss is the mean squared error; half of it is what is differentiated, so that the
 * factor 2 goes. Prints `epoch loss`. */
#include <autograd/autograd.h>

int main(void)
{
    const double inputs[] = { 0, 0, 0, 1, 1, 0, 1, 1 }, answers[] = { 0, 1, 1, 0 };
    const double start1[] = { 1, 1, 1, 1, -0.5, 0.3 }, bias1[] = { 0, -0.9, 0.1 };
    const double start2[] = { 0.8, -1.5, 0.2 }, bias2[] = { 0.1 };
    ag_status status = AG_OK;
    ag_tape *tape = ag_tape_new();

    ag_tensor *x = ag_new(AG_F64, 4, 2), *y = ag_new(AG_F64, 4, 1);
    ag_tensor *w1 = ag_param(AG_F64, 3, 2), *b1 = ag_param(AG_F64, 3); /* weights are [outputs, inputs], as ag_linear */
    ag_tensor *w2 = ag_param(AG_F64, 1, 3), *b2 = ag_param(AG_F64, 1); /* takes them */
    ag_params all = AG_PARAMS({ "w1", w1 }, { "b1", b1 }, { "w2", w2 }, { "b2", b2 });
    ag_write(x, inputs, 8), ag_write(y, answers, 4);
    ag_write(w1, start1, 6), ag_write(b1, bias1, 3);
    ag_write(w2, start2, 3), ag_write(b2, bias2, 1);

    for (int epoch = 0; epoch <= 10000 && !status; epoch++) {
        ag_tensor *hidden = ag_relu(ag_linear(x, w1, b1));
        ag_tensor *loss = ag_mse_loss(ag_linear(hidden, w2, b2), y);
        if (epoch == 0 || epoch == 1 || epoch == 10 || epoch == 100 || epoch == 1000 || epoch == 10000)
            printf("%d %.17g\n", epoch, ag_item(loss));

        ag_backward(ag_div(loss, 2.0));
        AG_NO_GRAD
            for (int64_t k = 0; k < all.n; k++) {
                ag_tensor *w = all.at[k].tensor;
                ag_assign(w, ag_sub(w, ag_mul(0.01, ag_grad_of(w))));
            }
        ag_zero_grad(all);
        status = ag_tape_reset(tape);
    }

    if (status) fprintf(stderr, "xor_231_relu: %s\n", ag_errmsg());
    ag_free(x), ag_free(y), ag_free(w1), ag_free(b1), ag_free(w2), ag_free(b2);
    ag_tape_free(tape);
    return status != AG_OK;
}
