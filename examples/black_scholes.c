/* A European call option and its sensitivities (Black and Scholes 1973). The derivatives of first order come from one
 * sweep; gamma, vanna and volga by differentiating a derivative. */
#include <autograd/autograd.h>

enum { SPOT, RATE, VOLATILITY, TIME, INPUTS };

static ag_scalar normal_cdf(ag_scalar x)
{
    return ag_mul(0.5, ag_erfc(ag_mul(-0.70710678118654752, x)));
}

static ag_scalar call_price(const ag_scalar x[INPUTS], double strike)
{
    ag_scalar s = x[SPOT], r = x[RATE], vol = x[VOLATILITY], t = x[TIME];
    ag_scalar spread = ag_mul(vol, ag_sqrt(t));
    ag_scalar drift = ag_mul(ag_add(r, ag_mul(0.5, ag_square(vol))), t);
    ag_scalar d1 = ag_div(ag_add(ag_log(ag_div(s, strike)), drift), spread);
    ag_scalar d2 = ag_sub(d1, spread);
    ag_scalar bond = ag_mul(strike, ag_exp(ag_neg(ag_mul(r, t))));
    return ag_sub(ag_mul(s, normal_cdf(d1)), ag_mul(bond, normal_cdf(d2)));
}

int main(void)
{
    ag_tape *tape = ag_tape_new();

    ag_scalar x[INPUTS], g[INPUTS] = { { 0, 0, 0 } };
    ags_inputs(INPUTS, (const double[INPUTS]){ 100, 0.05, 0.2, 1 }, x);
    ag_scalar price = call_price(x, 110);
    ags_grads(price, x, INPUTS, g); /* scalars on the tape like any other */
    ag_scalar gamma = ag_grad(g[SPOT], x[SPOT]), vanna = ag_grad(g[SPOT], x[VOLATILITY]);
    ag_scalar volga = ag_grad(g[VOLATILITY], x[VOLATILITY]);

    printf("price %.6f  delta %.6f  vega %.6f  rho %.6f  theta %.6f\n", price.value, g[SPOT].value, g[VOLATILITY].value,
           g[RATE].value, -g[TIME].value);
    printf("gamma %.6f  vanna %.6f  volga %.6f\n", gamma.value, vanna.value, volga.value);

    ag_status status = ag_tape_reset(tape); /* the one check: whatever went wrong above is still known */
    if (status) fprintf(stderr, "black_scholes: %s\n", ag_errmsg());
    ag_tape_free(tape);
    return status != AG_OK;
}
