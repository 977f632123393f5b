/* special.c - see special.h. Formulas of chapters 5, 7 and 10 of the NIST Digital Library of Mathematical Functions. */
#define _DEFAULT_SOURCE /* lgamma_r */
#include <autograd/base/special.h>
#include <stddef.h>

static const double pi = 3.14159265358979324;

/* ---- the gamma function and its kin ---- */

double ag__lgamma(double x)
{
    int sign; /* not libm's global one, which threads would share */
    return lgamma_r(x, &sign);
}

/* 1 <= x <= 2: the distance from the root, which is kept in two parts, times a polynomial fitted to what remains */
static double digamma_1_to_2(double x)
{
    static const double c[] = {
        -0x1.6b107f71aa124p-13, 0x1.104c9d0897b58p-12, -0x1.3db05b36d9a48p-13, 0x1.dc8ae08af0fc4p-13,
        -0x1.f99f529bd0771p-12, 0x1.7b3b41b0b38cdp-11, -0x1.1002aaf6255f5p-10, 0x1.980fc9c9f0be8p-10,
        -0x1.33661f9073563p-9,  0x1.cd3e42d157015p-9,  -0x1.5a071c746535bp-8,  0x1.03c00801ba958p-7,
        -0x1.86355f6f68797p-7,  0x1.256475e5ac975p-6,  -0x1.b9f8b1367959dp-6,  0x1.4de9aa05d3418p-5,
        -0x1.fb442029cdbf4p-5,  0x1.8512e5905d180p-4,  -0x1.2feeeb98a7cd8p-3,  0x1.eca189b8e6da1p-3,
        -0x1.b1cb63005ee97p-2,  0x1.e6f0cbb873617p-1,
    };
    const double t = x - 1.5, from_root = (x - 0x1.762d86356be3fp+0) - 0x1.b86a722197829p-54;
    double sum = 0;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) sum = sum * t + c[i];
    return from_root * sum;
}

/* Bernoulli numbers B2, B4, ..., over (2k)! for the zeta function, over 2k for digamma */
static const double bernoulli[] = { 1. / 6,       -1. / 30,       1. / 42,       -1. / 30,
                                    5. / 66,      -691. / 2730,   7. / 6,        -3617. / 510,
                                    43867. / 798, -174611. / 330, 854513. / 138, -236364091. / 2730 };
enum { N_BERNOULLI = sizeof bernoulli / sizeof *bernoulli };

/* x > 0 */
static double digamma_positive(double x)
{
    if (x >= 10) { /* asymptotic, (5.11.2) */
        const double w = 1 / x / x;
        double sum = 0;
        for (int k = 8; k > 0; k--) sum = w * (sum + bernoulli[k - 1] / (2 * k));
        return log(x) - 0.5 / x - sum;
    }
    double sum = 0;
    for (; x > 2; x--) sum += 1 / (x - 1);
    return x < 1 ? digamma_1_to_2(x + 1) - 1 / x : digamma_1_to_2(x) + sum;
}

double ag__digamma(double x)
{
    if (x > 0) return digamma_positive(x);
    if (x == 0) return copysign(INFINITY, -x);
    const double r = x - rint(x);
    if (r == 0) return NAN;
    return digamma_positive(1 - x) - pi / tan(pi * r); /* reflection, (5.5.4) */
}

/* Hurwitz's zeta function: the sum of (q + i)^-s for i >= 0; q > 0. The first terms, then Euler and Maclaurin's. */
static double zeta(int s, double q)
{
    const double begin = 10 + 0.5 * s;
    const int terms = q < begin ? (int)ceil(begin - q) : 0;
    const double w = q + terms, last = pow(w, -s);
    double sum = last * w / (s - 1) + 0.5 * last, factor = last / w * s / 2;
    if (isinf(w)) return 0;
    for (int k = 1; k <= N_BERNOULLI; k++) {
        sum += bernoulli[k - 1] * factor;
        factor *= (s + 2 * k - 1) / w * (s + 2 * k) / w / ((2 * k + 1) * (2 * k + 2));
    }
    for (int i = terms - 1; i >= 0; i--) sum += pow(q + i, -s);
    return sum;
}

/* The sum of (x + i)^-s for i >= 0. Of a negative x: over all i, which depends on the distance r to the nearest whole
 * number alone, without i < 0. */
static double zeta_anywhere(int s, double x)
{
    if (x > 0) return zeta(s, x);
    const double r = x - rint(x), sign = s % 2 ? -1 : 1;
    if (r == 0 || isinf(x)) return INFINITY;
    return pow(r, -s) + (zeta(s, 1 + r) + sign * (zeta(s, 1 - r) - zeta(s, 1 - x)));
}

double ag__polygamma(int n, double x)
{
    if (n < 0 || isnan(x)) return NAN;
    if (n == 0) return ag__digamma(x);
    return (n % 2 ? 1 : -1) * tgamma(n + 1.0) * zeta_anywhere(n + 1, x); /* (5.15.1) */
}

/* ---- the error function and its kin ---- */

double ag__erfcx(double x)
{
    static const double one_over_sqrt_pi = 0.564189583547756287;
    if (x >= 10) { /* (7.12.1) */
        const double w = 0.5 / x / x;
        double sum = 1;
        for (int k = 14; k > 0; k--) sum = 1 - (2 * k - 1) * w * sum;
        return one_over_sqrt_pi / x * sum;
    }
    const double square = x * x, rest = fma(x, x, -square);
    return square < 700 ? exp(square) * (1 + rest) * erfc(x) : x == x ? INFINITY : x;
}

/* 0 < q <= 1/2: Newton's steps for log erfc(y) = log q, which is nearly a parabola */
static double erfcinv(double q)
{
    static const double half_sqrt_pi = 0.886226925452758014;
    const double l = -log(q);
    double y = sqrt(l - 0.572 - 0.5 * log(l));
    for (int i = 0; i < 5; i++) {
        const double e = ag__erfcx(y);
        y += half_sqrt_pi * e * (log(e) - y * y + l);
    }
    return y;
}

double ag__erfinv(double x)
{
    static const double half_sqrt_pi = 0.886226925452758014;
    const double size = fabs(x);
    if (!(size < 1)) return size == 1 ? copysign(INFINITY, x) : NAN;
    if (size > 0.5) return copysign(erfcinv(1 - size), x);
    const double z = half_sqrt_pi * x, z2 = z * z;
    double y = z * (1 + z2 * (1. / 3 + z2 * (7. / 30 + z2 * (127. / 630)))); /* (7.17.2) */
    for (int i = 0; i < 2; i++) {                                            /* Halley's steps */
        const double u = (erf(y) - x) * half_sqrt_pi * exp(y * y);
        y -= u / (1 + y * u);
    }
    return y;
}

double ag__ndtri(double p)
{
    static const double sqrt2 = 1.41421356237309505;
    if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    if (p < 0.25) return -sqrt2 * erfcinv(2 * p);
    if (p > 0.75) return sqrt2 * erfcinv(2 * (1 - p));
    return sqrt2 * ag__erfinv(2 * p - 1);
}

double ag__log_ndtr(double x)
{
    static const double sqrt_half = 0.707106781186547524;
    if (x > -1) return log1p(-0.5 * erfc(x * sqrt_half));
    return log(0.5 * ag__erfcx(-x * sqrt_half)) - 0.5 * x * x;
}

/* ---- modified Bessel functions ---- */

/* x >= 0: e^-x I_n(x) = the result * e^-(*rest) */
static double bessel(int n, double x, double *rest)
{
    const double order = 4.0 * n * n;
    double term = 1, sum = 1;
    *rest = 0;
    if (x > 30 && x > order) { /* (10.40.1), until the terms are small */
        for (int k = 1; fabs(term) > 0x1p-60 && k < 60; k++) {
            term *= -(order - (2 * k - 1.0) * (2 * k - 1)) / (8 * k * x);
            sum += term;
        }
        return sum / sqrt(2 * pi * x);
    }
    const double half = 0.5 * x, square = half * half; /* (10.25.2): all terms are positive */
    for (int k = 1; term > 0x1p-60 * sum; k++) sum += term *= square / k / (k + n);
    for (int k = 1; k <= n; k++) sum *= half / k;
    *rest = x;
    return sum;
}

double ag__bessel_ie(int n, double x)
{
    double rest, y;
    n = n < 0 ? -n : n;
    if (isnan(x)) return x;
    if (isinf(x)) return x < 0 && n % 2 ? -0.0 : 0;
    y = bessel(n, fabs(x), &rest);
    return (x < 0 && n % 2 ? -y : y) * exp(-rest);
}

double ag__bessel_i(int n, double x)
{
    double rest, y, size = fabs(x);
    n = n < 0 ? -n : n;
    if (isnan(x)) return x;
    y = isinf(x) ? INFINITY : bessel(n, size, &rest);
    if (!isinf(x) && rest == 0 && size > 0) y = y * exp(0.5 * size) * exp(0.5 * size); /* e^x may overflow earlier */
    return x < 0 && n % 2 ? -y : y;
}

/* ---- sin(pi x) / (pi x) ---- */

/* pi^n times the sum of (-1)^k z^(2k-n) / ((2k + 1) (2k - n)!) for 2k >= n, z = pi x */
static double sinc_near_0(int n, double x)
{
    const double z = pi * x;
    int m = n % 2; /* 2k - n */
    double sum = 0, term = m ? z : 1;
    for (int j = 0; j < n; j++) term *= pi;
    for (; m < 40; m += 2) {
        sum += ((m + n) / 2 % 2 ? -term : term) / (m + n + 1);
        term *= z / (m + 1) * (z / (m + 2));
    }
    return sum;
}

double ag__sinc(int n, double x)
{
    const double z = pi * x;
    if (n < 0) return NAN;
    if (x == 0 || (n > 1 && fabs(x) < 1)) return sinc_near_0(n, x);
    double y = sin(z) / z, power = 1;
    if (n > 0) y = (z * cos(z) - sin(z)) / (z * x);
    for (int k = 2; k <= n; k++) { /* from x y(k) + k y(k-1) = pi^(k-1) sin(z + k pi / 2) */
        power *= pi;
        const double wave = k % 2 ? cos(z) : sin(z);
        y = (power * (k / 2 % 2 ? -wave : wave) - k * y) / x;
    }
    return y;
}
