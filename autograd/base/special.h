/* special.h - functions of real numbers that libm lacks, in double, with errors of a few units in the last place.
 * Poles, infinities and NaN come out as PyTorch's. */
#ifndef AG_BASE_SPECIAL_H
#define AG_BASE_SPECIAL_H
#include <math.h>

double ag__lgamma(double x);
double ag__digamma(double x);
/* its n-th derivative; NaN for n < 0 */
double ag__polygamma(int n, double x);

double ag__erfcx(double x);
double ag__erfinv(double x);
double ag__ndtri(double p);
double ag__log_ndtr(double x);

/* I_n(x), and e^-|x| I_n(x) */
double ag__bessel_i(int n, double x);
double ag__bessel_ie(int n, double x);

/* n-th derivative of sin(pi x) / (pi x) */
double ag__sinc(int n, double x);

static inline double ag__sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}
/* a's part of the larger of both: 1, 1/2 of ties, 0; of NaN the other */
static inline double ag__share(double a, double b)
{
    return a > b || isnan(b) ? 1 : a == b ? 0.5 : 0;
}
/* a - b, and 0 for two equal infinities */
static inline double ag__minus(double a, double b)
{
    return a == b ? 0 : a - b;
}
static inline double ag__remainder(double a, double b)
{
    const double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static inline double ag__logaddexp(double a, double b)
{
    return (a < b ? b : a) + log1p(exp(-fabs(ag__minus(a, b))));
}
static inline double ag__logaddexp2(double a, double b)
{
    return (a < b ? b : a) + 1.4426950408889634 * log1p(exp2(-fabs(ag__minus(a, b))));
}
static inline double ag__xlogy(double a, double b)
{
    return a == 0 && b == b ? 0 : a * log(b);
}
static inline double ag__xlog1py(double a, double b)
{
    return a == 0 && b == b ? 0 : a * log1p(b);
}

/* tanh(softplus(x)) = (e^2 + 2 e) / (e^2 + 2 e + 2) with e = e^x */
static inline double ag__mish_gate(double x)
{
    const double e = exp(x < 20 ? x : 20), w = e * (e + 2); /* from 19.06 on the gate is 1 */
    return x == x ? w / (w + 2) : x;
}
static inline double ag__mish_slope(double x)
{
    const double gate = ag__mish_gate(x);
    return gate + x * (1 - gate) * (1 + gate) / (1 + exp(-x));
}
#endif
