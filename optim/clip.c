/* clip.c - see clip.h. Norms are summed in double, in eight lanes, so that vectors of any width give the same bits. */
#include <optim/clip.h>
#include <math.h>

/* ---- loops over one gradient ------------------------------------------------------------------------------------- */

enum { LANES = 8 };

/* largest: of low and the magnitudes; a NaN stays.   squares, powers: the sum of (scale |x|)^2 and ^p. */
#define LOOPS(real)                                                                                           \
    static double largest_##real(int64_t n, const real *x, double low)                                        \
    {                                                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                                     \
            double a = fabs((double)x[i]);                                                                    \
            low = a > low || isnan(a) ? a : low;                                                              \
        }                                                                                                     \
        return low;                                                                                           \
    }                                                                                                         \
    static double squares_##real(int64_t n, const real *x, double scale)                                      \
    {                                                                                                         \
        double sum = 0, lane[LANES] = { 0 };                                                                  \
        int64_t even = n - n % LANES;                                                                         \
        for (int64_t i = 0; i < even; i += LANES)                                                             \
            for (int k = 0; k < LANES; k++) lane[k] += scale * (double)x[i + k] * (scale * (double)x[i + k]); \
        for (int64_t i = even; i < n; i++) sum += scale * (double)x[i] * (scale * (double)x[i]);              \
        for (int k = 0; k < LANES; k++) sum += lane[k];                                                       \
        return sum;                                                                                           \
    }                                                                                                         \
    static double powers_##real(int64_t n, const real *x, double scale, double p)                             \
    {                                                                                                         \
        double sum = 0;                                                                                       \
        for (int64_t i = 0; i < n; i++) sum += pow(scale * fabs((double)x[i]), p);                            \
        return sum;                                                                                           \
    }                                                                                                         \
    static void scale_##real(int64_t n, real *x, double by)                                                   \
    {                                                                                                         \
        const real factor = (real)by;                                                                         \
        for (int64_t i = 0; i < n; i++) x[i] *= factor;                                                       \
    }                                                                                                         \
    static void clamp_##real(int64_t n, real *x, double from, double to)                                      \
    {                                                                                                         \
        const real low = (real)from, high = (real)to;                                                         \
        for (int64_t i = 0; i < n; i++) x[i] = x[i] < low ? low : x[i] > high ? high : x[i];                  \
    }
LOOPS(float)
LOOPS(double)

static bool is_f64(const ag_tensor *g)
{
    return ag_dtype_of(g) == AG_F64;
}

/* ---- all gradients ----------------------------------------------------------------------------------------------- */

/* The i-th, NULL if there is none. */
static ag_tensor *gradient(ag_params params, int64_t i)
{
    return ag_grad_of(params.at[i].tensor);
}

static bool given(ag_params params, const char *who)
{
    if (params.at || params.n <= 0) return true;
    return ag_fail(AG_ENULL, "%s: the list of %lld parameters is NULL", who, (long long)params.n), false;
}

static double largest(ag_params params)
{
    double top = 0;
    for (int64_t i = 0; i < params.n; i++) {
        const ag_tensor *g = gradient(params, i);
        if (g)
            top = is_f64(g) ? largest_double(ag_numel(g), ag_f64(g), top) : largest_float(ag_numel(g), ag_f32(g), top);
    }
    return top;
}

/* The sum of (scale |x|)^p. */
static double powers(ag_params params, double scale, double p)
{
    double sum = 0;
    for (int64_t i = 0; i < params.n; i++) {
        const ag_tensor *g = gradient(params, i);
        if (!g) continue;
        int64_t n = ag_numel(g);
        if (p == 2)
            sum += is_f64(g) ? squares_double(n, ag_f64(g), scale) : squares_float(n, ag_f32(g), scale);
        else
            sum += is_f64(g) ? powers_double(n, ag_f64(g), scale, p) : powers_float(n, ag_f32(g), scale, p);
    }
    return sum;
}

static double root(double sum, double p)
{
    return p == 2 ? sqrt(sum) : pow(sum, 1 / p);
}

static double norm(ag_params params, double p)
{
    if (isinf(p)) return largest(params);
    double sum = powers(params, 1, p);
    if (isnan(sum) || (sum > 1e-290 && sum < INFINITY)) return root(sum, p);
    double top = largest(params); /* powers were lost to under- or overflow, or there are none */
    if (top == 0 || isinf(top)) return top;
    int exponent;
    frexp(top, &exponent);
    double scale = ldexp(1, exponent < -1000 ? 1000 : -exponent);
    return root(powers(params, scale, p), p) / scale;
}

double ag_grad_norm(ag_params params)
{
    return given(params, "ag_grad_norm") ? norm(params, 2) : NAN;
}

double ag_clip_norm_p(ag_params params, double limit, double p)
{
    if (!(limit >= 0) || !(p > 0)) {
        ag_fail(AG_EINVAL, "ag_clip_norm: limit %g of the %g-norm; neither may be negative, nor p zero", limit, p);
        return NAN;
    }
    if (!given(params, "ag_clip_norm")) return NAN;
    double measured = norm(params, p), factor = isinf(limit) ? 1 : limit / (measured + 1e-6);
    for (int64_t i = 0; i < params.n && !(factor >= 1); i++) {
        ag_tensor *g = gradient(params, i);
        if (!g) continue;
        if (is_f64(g))
            scale_double(ag_numel(g), ag_f64_write(g), factor);
        else
            scale_float(ag_numel(g), ag_f32_write(g), factor);
    }
    return measured;
}

double ag_clip_norm(ag_params params, double limit)
{
    return ag_clip_norm_p(params, limit, 2);
}

double ag_clip_value(ag_params params, double low, double high)
{
    if (!(low <= high)) return ag_fail(AG_EINVAL, "ag_clip_value: nothing lies in [%g, %g]", low, high), NAN;
    if (!given(params, "ag_clip_value")) return NAN;
    double top = largest(params);
    for (int64_t i = 0; i < params.n; i++) {
        ag_tensor *g = gradient(params, i);
        if (!g) continue;
        if (is_f64(g))
            clamp_double(ag_numel(g), ag_f64_write(g), low, high);
        else
            clamp_float(ag_numel(g), ag_f32_write(g), low, high);
    }
    return top;
}
