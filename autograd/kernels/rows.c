/* rows.c - exponentials of whole rows, for cross-entropy and attention. All contiguous.
 *
 * Short rows would leave vectors half empty: several of them are shifted into one buffer and share one loop. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/shuffle.h>
#include <math.h>
#include <string.h>

enum { SHORT = 64, ROOM = 512, LANES = 16, RUN = 1024 };

#define AG__TEXT <autograd/kernels/rows.c>
#include <autograd/kernels/each_real.h>
#else
#include <autograd/kernels/math.h>
#include <autograd/kernels/vector.h>
#define vec AG__TYPED(vec)
#define VL  ((int)(AG__VECTOR_BYTES / sizeof(real)))

/* buffer = e^(k x - shift) of `rows` short rows */
AG__INLINE void AG__TYPED(exp_short)(int64_t rows, int64_t n, real k, const real *x, const real *shift, real *buffer)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++) buffer[r * n + i] = k * x[r * n + i] - shift[r];
    AG__INDEPENDENT
    for (int64_t i = 0; i < rows * n; i++) buffer[i] = AG__TYPED(exp)(buffer[i]);
}

AG__INLINE void AG__TYPED(logsumexp_short)(int64_t rows, int64_t n, const real *x, real *y)
{
    real buffer[ROOM], max[ROOM];
    for (int64_t r = 0; r < rows; r++) {
        max[r] = x[r * n];
        for (int64_t i = 1; i < n; i++) max[r] = x[r * n + i] > max[r] ? x[r * n + i] : max[r];
    }
    AG__TYPED(exp_short)(rows, n, 1, x, max, buffer);
    for (int64_t r = 0; r < rows; r++) {
        real sum = 0;
        for (int64_t i = 0; i < n; i++) sum += buffer[r * n + i];
        y[r] = isinf(max[r]) ? max[r] : max[r] + AG__LIBM(log)(sum);
    }
}

/* max + log of the sum of e^(x - max), in runs so that errors do not grow with n. */
AG__INLINE real AG__TYPED(logsumexp_long)(int64_t n, const real *x)
{
    const real max = (real)AG__TYPED(max)(n, x, 1);
    double sum = 0;
    for (int64_t from = 0; from < n; from += RUN) {
        int64_t to = n - from < RUN ? n : from + RUN;
        real lane[LANES] = { 0 }, end[LANES];
        for (int64_t i = from; i < to; i += LANES) {
            const real *at = x + i;
            if (i + LANES > to) {
                for (int l = 0; l < LANES; l++) end[l] = l < to - i ? at[l] : -K(INFINITY);
                at = end;
            }
            for (int l = 0; l < LANES; l++) lane[l] += AG__TYPED(exp)(at[l] - max);
        }
        sum += AG__TYPED(sum_halves)(lane);
    }
    return isinf(max) ? max : (real)((double)max + log(sum));
}

void AG__TYPED(logsumexp_rows)(int64_t rows, int64_t n, const void *from, void *to)
{
    const real *x = from;
    real *y = to;
    bool is_short = n <= SHORT;
    for (int64_t r = 0, m; r < rows; r += m) {
        m = is_short && n > 0 ? ROOM / n : 1;
        m = rows - r < m ? rows - r : m;
        if (n <= 0)
            y[r] = -K(INFINITY);
        else if (is_short)
            AG__TYPED(logsumexp_short)(m, n, x + r * n, y + r);
        else
            y[r] = AG__TYPED(logsumexp_long)(n, x + r * n);
    }
}

AG__INLINE void AG__TYPED(exp_row)(int64_t n, real k, const real *x, real shift, real factor, real *y, bool add)
{
    if (factor == 0) { /* also where e^x is no number */
        if (!add) memset(y, 0, (size_t)n * sizeof *y);
    } else if (add) {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] += factor * AG__TYPED(exp)(k * x[i] - shift);
    } else {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = factor * AG__TYPED(exp)(k * x[i] - shift);
    }
}

void AG__TYPED(exp_rows)(int64_t rows, int64_t n, double scale, const void *from, const void *shifts,
                         const void *factors, void *to, bool add)
{
    const real *x = from, *shift = shifts, *factor = factors;
    real *y = to, k = (real)scale, buffer[ROOM];
    if (n <= 0) return;
    if (n > SHORT || n % LANES == 0) {
        for (int64_t r = 0; r < rows; r++)
            AG__TYPED(exp_row)(n, k, x + r * n, shift[r], factor ? factor[r] : 1, y + r * n, add);
        return;
    }
    for (int64_t from_row = 0, m; from_row < rows; from_row += m) {
        m = rows - from_row < ROOM / n ? rows - from_row : ROOM / n;
        AG__TYPED(exp_short)(m, n, k, x + from_row * n, shift + from_row, buffer);
        for (int64_t r = 0; r < m; r++) {
            real f = factor ? factor[from_row + r] : 1, *row = y + (from_row + r) * n;
            for (int64_t i = 0; i < n; i++) row[i] = (add ? row[i] : 0) + (f == 0 ? 0 : f * buffer[r * n + i]);
        }
    }
}

/* n a multiple of LANES: x = e^(k x - shift), and the sum by lanes */
AG__INLINE real AG__TYPED(exp_lanes)(int64_t n, real k, real shift, real *x)
{
    real lane[LANES] = { 0 };
    for (int64_t i = 0; i < n; i += LANES) {
        AG__INDEPENDENT
        for (int l = 0; l < LANES; l++) {
            real e = AG__TYPED(exp)(k * x[i + l] - shift);
            x[i + l] = e;
            lane[l] += e;
        }
    }
    return AG__TYPED(sum_halves)(lane);
}

/* The largest element, -inf if there is none; NaN is left out, as it turns up again in the sum. */
AG__INLINE real AG__TYPED(largest)(int64_t n, const real *x)
{
    const int64_t whole = n / LANES * LANES;
    real lane[LANES];
    for (int l = 0; l < LANES; l++) lane[l] = -K(INFINITY);
    for (int64_t i = 0; i < whole; i += LANES) {
        AG__INDEPENDENT
        for (int l = 0; l < LANES; l++) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
    }
    for (int64_t i = whole; i < n; i++) lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    AG__UNROLL
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] = lane[l] > lane[l + half] ? lane[l] : lane[l + half];
    return lane[0];
}

double AG__TYPED(exp_sum)(int64_t n, double scale, void *data, double *max)
{
    real *x = data, k = (real)scale, end[LANES];
    if (n <= 0) return 0;
    double top = scale * (scale < 0 ? AG__TYPED(min)(n, x, 1) : (double)AG__TYPED(largest)(n, x));
    if (!(top <= *max)) *max = top;
    real shift = (real)*max;
    if (shift == -K(INFINITY)) return memset(x, 0, (size_t)n * sizeof *x), 0;
    *max = (double)shift;
    int64_t whole = n / LANES * LANES;
    real sum = AG__TYPED(exp_lanes)(whole, k, shift, x);
    if (whole < n) {
        for (int l = 0; l < LANES; l++) end[l] = l < n - whole ? x[whole + l] : x[whole];
        AG__TYPED(exp_lanes)(LANES, k, shift, end);
        for (int64_t l = 0; l < n - whole; l++) x[whole + l] = end[l], sum += end[l];
    }
    return sum;
}

void AG__TYPED(softmax_back)(int64_t rows, int64_t n, double scale, const void *probabilities, const void *dots,
                             void *gradients)
{
    const real *p = probabilities, *dot = dots, k = (real)scale;
    real *g = gradients;
    for (int64_t r = 0; r < rows; r++, p += n, g += n) {
        const real d = dot[r];
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) g[i] = k * p[i] * (g[i] - d);
    }
}

void AG__TYPED(dot_rows)(int64_t rows, int64_t n, const void *left, const void *right, void *to)
{
    const real *a = left, *b = right;
    const int64_t whole = n / LANES * LANES;
    real *y = to;
    for (int64_t r = 0; r < rows; r++, a += n, b += n) {
        vec sum[LANES / VL];
        real lane[LANES], rest = 0;
        for (int v = 0; v < LANES / VL; v++) sum[v] = (vec){ 0 };
        for (int64_t i = 0; i < whole; i += LANES) {
            AG__UNROLL
            for (int v = 0; v < LANES / VL; v++)
                sum[v] += *(const vec *)(a + i + v * VL) * *(const vec *)(b + i + v * VL);
        }
        for (int64_t i = whole; i < n; i++) rest += a[i] * b[i];
        memcpy(lane, sum, sizeof lane);
        y[r] = AG__TYPED(sum_halves)(lane) + rest;
    }
}
#undef vec
#undef VL
#endif
