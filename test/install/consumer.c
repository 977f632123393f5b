/* A program outside the tree: a scalar and a tensor expression with their gradients. */
#include <autograd/autograd.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    ag_tape *tape = ag_tape_new();
    ag_scalar x = ag_input(0.5);
    ag_scalar y = ag_mul(ag_sin(x), ag_exp(x));
    ag_backward(y);
    double slope = ag_adjoint(x), expected = exp(0.5) * (sin(0.5) + cos(0.5));

    ag_tensor *w = ag_param(AG_F64, 3);
    ag_fill(w, 2.0);
    ag_status status = ag_backward(ag_sum(ag_square(w)));
    double gradient = ag_item(ag_sum(ag_grad_of(w)));

    if (status) fprintf(stderr, "%s\n", ag_errmsg());
    bool good = !status && fabs(slope - expected) < 1e-12 && fabs(gradient - 12) < 1e-12 &&
                strcmp(ag_version(), AG_VERSION) == 0;
    if (!good) fprintf(stderr, "slope %g, gradient %g, version %s\n", slope, gradient, ag_version());
    ag_free(w);
    ag_tape_free(tape);
    return good ? 0 : 1;
}
