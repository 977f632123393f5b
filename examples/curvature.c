/* Second derivatives of a tensor expression. f(x) = log(e^x0 + e^x1 + e^x2) has the gradient p = softmax(x) and the
 * Hessian diag(p) - p p'. The Hessian times a vector is the gradient of (gradient . vector); its rows are the gradients
 * of the gradient's elements. */
#include <autograd/autograd.h>

int main(void)
{
    ag_tape *tape = ag_tape_new();

    ag_tensor *x = ag_variable(ag_copy(((const double[]){ 0.5, -1, 2 }), 3));
    ag_tensor *v = ag_copy(((const double[]){ 1, 0, -1 }), 3);
    ag_tensor *f = ag_log(ag_sum(ag_exp(x)));
    ag_tensor *gradient = ag_grad(f, x);

    printf("gradient        "), ag_print(gradient);
    printf("Hessian times v "), ag_print(ag_grad(ag_sum(ag_mul(gradient, v)), x));
    for (int i = 0; i < 3; i++) printf("Hessian row %d   ", i), ag_print(ag_grad(ag_select(gradient, 0, i), x));

    ag_status status = ag_tape_reset(tape);
    if (status) fprintf(stderr, "curvature: %s\n", ag_errmsg());
    ag_tape_free(tape);
    return status != AG_OK;
}
