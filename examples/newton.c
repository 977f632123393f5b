/* Newton's method on Rosenbrock's valley in 10 dimensions (1960; minimum 0 at 1): ten steps with the full Hessian, then
 * Newton-CG, which needs its products with vectors only. */
#include <autograd/autograd.h>

static ag_tensor *rosenbrock(ag_tensor *x)
{
    int64_t n = ag_size(x, 0);
    ag_tensor *a = ag_slice(x, 0, 0, n - 1), *b = ag_slice(x, 0, 1, n);
    return ag_sum(ag_add(ag_mul(100.0, ag_square(ag_sub(b, ag_square(a)))), ag_square(ag_sub(1.0, a))));
}

/* Solves H p = g by conjugate gradients (Hestenes & Stiefel 1952). y stays recorded: a product is a sweep up and down.
 */
static ag_tensor *conjugate_gradients(ag_tensor *y, ag_tensor *x, ag_tensor *g, int iterations)
{
    ag_tensor *p = ag_zeros_like(g), *r = g, *d = g;
    double rr = ag_item(ag_dot(r, r));
    for (int i = 0; i < iterations && rr > 1e-24; i++) {
        ag_tensor *hd = ag_hvp(y, x, d);
        double alpha = rr / ag_item(ag_dot(d, hd));
        p = ag_add(p, ag_mul(alpha, d));
        r = ag_sub(r, ag_mul(alpha, hd));
        double next = ag_item(ag_dot(r, r));
        d = ag_add(r, ag_mul(next / rr, d));
        rr = next;
    }
    return p;
}

/* H p = g by the factors of H; without LAPACKE by conjugate gradients as well. */
static ag_tensor *solve(ag_tensor *y, ag_tensor *x, ag_tensor *g)
{
    ag_tensor *p = ag_solve(ag_hessian(y, x), g);
    if (ag_error() != AG_EMISSING) return p;
    ag_clear_error();
    return conjugate_gradients(y, x, g, 100);
}

int main(void)
{
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = ag_param_like(ag_full(AG_F64, 1.2, 10));
    ag_status status = AG_OK;

    for (int i = 0; i < 30 && !status; i++) {
        ag_tensor *y = rosenbrock(x), *g = ag_grad(y, x), *p = NULL;
        double norm = ag_item(ag_sqrt(ag_dot(g, g)));
        printf("%2d  f %.3e  |gradient| %.3e\n", i, ag_item(y), norm);
        if (norm < 1e-10) break;
        AG_NO_GRAD {
            p = i < 5 ? solve(y, x, g) : conjugate_gradients(y, x, g, 100);
            ag_assign(x, ag_sub(x, p));
        }
        status = ag_tape_reset(tape);
    }
    printf("at "), ag_print(x);

    status = ag_tape_reset(tape);
    if (status) fprintf(stderr, "newton: %s\n", ag_errmsg());
    ag_free(x);
    ag_tape_free(tape);
    return status != AG_OK;
}
