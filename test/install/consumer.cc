// The C program's expressions in C++, where scalars have operators.
#include <autograd/autograd.h>
#include <cmath>
#include <cstdio>

int main()
{
    ag_tape *tape = ag_tape_new();
    int64_t sizes[] = { 2, 3 }, turned[] = { 3, 2 }; // not const, and yet lists
    ag_tensor *listed = (ag_reshape)((ag_ones)(AG_F32, 2, sizes), 2, turned);
    if (ag_rank(listed) != 2 || ag_size(listed, 0) != 3 || ag_numel(listed) != 6) return 1;
    ag_scalar x = ag_input(0.5);
    ag_scalar y = ag_sin(x) * ag_exp(x) + 1.0;
    ag_backward(y);
    double slope = ag_adjoint(x), expected = std::exp(0.5) * (std::sin(0.5) + std::cos(0.5));

    ag_tensor *w = ag_param(AG_F64, 3);
    ag_fill(w, 2.0);
    ag_status status = ag_backward(ag_sum(ag_square(w)));
    double gradient = ag_item(ag_sum(ag_grad_of(w)));

    // Numbers of any type, a literal 0 among them.
    double sum = ag_item(ag_sum(ag_sub(1, ag_add(ag_mul(w, 0), 2.0f))));
    double third = ag_polygamma(1, ag_input(1)).value; // pi^2 / 6

    bool good = !status && std::fabs(slope - expected) < 1e-12 && std::fabs(gradient - 12) < 1e-12 && sum == -3 &&
                std::fabs(third - 1.6449340668482264) < 1e-12;
    if (!good) std::fprintf(stderr, "slope %g, gradient %g: %s\n", slope, gradient, ag_errmsg());
    ag_free(w);
    ag_tape_free(tape);
    return good ? 0 : 1;
}
