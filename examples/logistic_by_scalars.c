/* Logistic regression by scalars: Newton's method with the Hessian of an ordinary C function, and standard errors from
 * its inverse. 23 flights of the space shuttle, O-ring damage by temperature (F): Dalal, Fowlkes & Hoadley 1989. */
#include <autograd/autograd.h>
#include <math.h>

enum { FLIGHTS = 23, INTERCEPT = 0, SLOPE, UNKNOWNS };
static const double temperature[FLIGHTS] = { 66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78,
                                             67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58 };
static const double damaged[FLIGHTS] = { 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1 };

/* - log likelihood: the sum of log(1 + e^z) - y z */
static ag_scalar cost(const ag_scalar theta[UNKNOWNS])
{
    ag_scalar part[FLIGHTS];
    for (int i = 0; i < FLIGHTS; i++) {
        ag_scalar z = ag_fma(theta[SLOPE], temperature[i], theta[INTERCEPT]);
        part[i] = ag_sub(ag_softplus(z), ag_mul(damaged[i], z));
    }
    return ags_sum(FLIGHTS, part);
}

int main(void)
{
    ag_tape *tape = ag_tape_new(); /* for all of it: a reset keeps its memory */
    double theta[UNKNOWNS] = { 0, 0 }, g[UNKNOWNS], h[UNKNOWNS][UNKNOWNS], determinant = 1;
    ag_status status = AG_OK;

    for (int step = 0; step < 20 && !status; step++) {
        ag_scalar x[UNKNOWNS];
        ags_inputs(UNKNOWNS, theta, x);
        ag_scalar y = cost(x);
        ags_gradient(y, x, UNKNOWNS, g);
        ags_hessian(y, x, UNKNOWNS, &h[0][0]);
        determinant = h[0][0] * h[1][1] - h[0][1] * h[1][0];
        theta[0] -= (h[1][1] * g[0] - h[0][1] * g[1]) / determinant;
        theta[1] -= (h[0][0] * g[1] - h[1][0] * g[0]) / determinant;
        printf("%2d  cost %.10f  |gradient| %.1e\n", step, y.value, hypot(g[0], g[1]));
        status = ag_tape_reset(tape);
        if (hypot(g[0], g[1]) < 1e-9) break;
    }
    printf("intercept %9.5f +- %.5f\n", theta[INTERCEPT], sqrt(h[1][1] / determinant));
    printf("slope     %9.5f +- %.5f\n", theta[SLOPE], sqrt(h[0][0] / determinant));
    printf("damage at 31 F: probability %.4f\n", 1 / (1 + exp(-theta[INTERCEPT] - 31 * theta[SLOPE])));

    if (status) fprintf(stderr, "logistic_by_scalars: %s\n", ag_errmsg());
    ag_tape_free(tape);
    return status != AG_OK;
}
