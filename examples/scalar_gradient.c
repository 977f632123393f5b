/* The gradient of one expression: z = x y + sin x. */
#include <autograd/autograd.h>

int main(void)
{
    ag_tape *tape = ag_tape_new();

    ag_scalar x = ag_input(0.5), y = ag_input(4.2);
    ag_scalar z = ag_add(ag_mul(x, y), ag_sin(x));

    ag_status status = ag_backward(z);
    if (status)
        fprintf(stderr, "scalar_gradient: %s\n", ag_errmsg());
    else
        printf("z %.6f  dz/dx %.6f  dz/dy %.6f\n", z.value, ag_adjoint(x), ag_adjoint(y));
    ag_tape_free(tape);
    return status != AG_OK;
}
