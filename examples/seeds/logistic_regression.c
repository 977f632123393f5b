/* Logistic regression: the probability of y = 1 is sigmoid(x' theta). The first column of x is 1, so theta[0] is the
 * intercept. The mean cross-entropy, written so that no exponential overflows, is
 *
 *     mean(softplus(z) - y z),    z = x theta
 *
 * and is lowered by gradient descent from theta = 0. Prints `epoch loss`. */
#include <autograd/autograd.h>

int main(void)
{
    const double inputs[] = { 1, 0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1 }, answers[] = { 0, 1, 1, 1 };
    ag_status status = AG_OK;
    ag_tape *tape = ag_tape_new();

    ag_tensor *x = ag_new(AG_F64, 4, 3), *y = ag_new(AG_F64, 4);
    ag_tensor *theta = ag_param(AG_F64, 3);
    ag_write(x, inputs, 12);
    ag_write(y, answers, 4);

    for (int epoch = 0; epoch <= 1000 && !status; epoch++) {
        ag_tensor *z = ag_matmul(x, theta);
        ag_tensor *loss = ag_mean(ag_sub(ag_softplus(z), ag_mul(y, z)));
        if (epoch == 0 || epoch == 1 || epoch == 10 || epoch == 100 || epoch == 1000)
            printf("%d %.17g\n", epoch, ag_item(loss));

        ag_backward(loss);
        AG_NO_GRAD
            ag_assign(theta, ag_sub(theta, ag_mul(0.5, ag_grad_of(theta))));
        ag_zero_grad(AG_PARAMS({ "theta", theta }));
        status = ag_tape_reset(tape);
    }

    if (status) fprintf(stderr, "logistic_regression: %s\n", ag_errmsg());
    ag_free(x), ag_free(y), ag_free(theta);
    ag_tape_free(tape);
    return status != AG_OK;
}
