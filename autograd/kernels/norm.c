/* norm.c - layer normalisation of rows (Ba, Kiros & Hinton, "Layer normalization", 2016) and by the root mean square
 * alone (Zhang & Sennrich, "Root mean square layer normalization", 2019).
 *
 *      z = (x - mean) rstd    y = z weight + bias    rstd = 1 / sqrt(mean of (x - mean)^2 + eps)
 *
 * By the root mean square, mean is 0. The way back, with h = g weight, is dx = rstd (h - mean of h - z mean of h z). */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <math.h>
#include <string.h>

enum { LANES = 16, RUN = 1024 };
#define VL  ((int)(AG__VECTOR_BYTES / sizeof(real)))
#define vec AG__TYPED(vec)

#define AG__TEXT <autograd/kernels/norm.c>
#include <autograd/kernels/each_real.h>
#else

typedef real vec __attribute__((vector_size(AG__VECTOR_BYTES), aligned(sizeof(real)), may_alias));

AG__INLINE real AG__TYPED(lanes)(vec *part)
{
    real lane[LANES];
    memcpy(lane, part, sizeof lane);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

/* The sum of x, or of (x - mean)^2. */
AG__INLINE double AG__TYPED(row_sum)(bool squares, int64_t n, const real *x, real mean)
{
    double sum = 0;
    for (int64_t from = 0; from < n; from += RUN) { /* so that errors do not grow with n */
        int64_t to = n - from < RUN ? n : from + RUN;
        vec part[LANES / VL];
        for (int v = 0; v < LANES / VL; v++) part[v] = (vec){ 0 };
        for (int64_t i = from; i < to; i += LANES) {
            real end[LANES];
            const real *at = x + i;
            if (i + LANES > to) {
                for (int l = 0; l < LANES; l++) end[l] = l < to - i ? at[l] : squares ? mean : 0;
                at = end;
            }
            AG__UNROLL
            for (int v = 0; v < LANES / VL; v++) {
                vec t = *(const vec *)(at + v * VL);
                if (squares) t = (t - mean) * (t - mean);
                part[v] += t;
            }
        }
        sum += AG__TYPED(lanes)(part);
    }
    return sum;
}

/* y = (x - mean) scale weight + bias */
AG__INLINE void AG__TYPED(stretch)(int64_t n, const real *x, real mean, real scale, const real *weight,
                                   const real *bias, real *y)
{
    if (weight && bias) {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
    } else if (weight) {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * weight[i];
    } else if (bias) {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale + bias[i];
    } else {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale;
    }
}

void AG__TYPED(norm)(const ag__norm *p)
{
    const int64_t n = p->n;
    const real *x = p->x;
    real *y = p->y, *means = p->mean, *rstds = p->rstd;
    for (int64_t r = 0; r < p->rows; r++, x += n, y += n) {
        real mean = means ? (real)(AG__TYPED(row_sum)(false, n, x, 0) / (double)n) : 0;
        real rstd = (real)(1 / sqrt(AG__TYPED(row_sum)(true, n, x, mean) / (double)n + p->eps));
        AG__TYPED(stretch)(n, x, mean, rstd, p->weight, p->bias, y);
        rstds[r] = rstd;
        if (means) means[r] = mean;
    }
}

/* The sums of h and of h (x - mean) over a row. */
AG__INLINE void AG__TYPED(moments)(int64_t n, const real *g, const real *weight, const real *x, real mean, real *sum,
                                   real *product)
{
    vec h[LANES / VL], hx[LANES / VL];
    real g_end[LANES] = { 0 }, w_end[LANES] = { 0 }, x_end[LANES] = { 0 };
    for (int v = 0; v < LANES / VL; v++) h[v] = hx[v] = (vec){ 0 };
    for (int64_t i = 0; i < n; i += LANES) {
        const real *gi = g + i, *xi = x + i, *wi = weight ? weight + i : NULL;
        if (i + LANES > n) {
            for (int l = 0; l < (int)(n - i); l++) g_end[l] = gi[l], x_end[l] = xi[l], w_end[l] = wi ? wi[l] : 0;
            gi = g_end, xi = x_end, wi = wi ? w_end : NULL;
        }
        AG__UNROLL
        for (int v = 0; v < LANES / VL; v++) {
            vec t = *(const vec *)(gi + v * VL);
            if (wi) t *= *(const vec *)(wi + v * VL);
            h[v] += t;
            hx[v] += t * (*(const vec *)(xi + v * VL) - mean);
        }
    }
    *sum = AG__TYPED(lanes)(h);
    *product = AG__TYPED(lanes)(hx);
}

/* dx = or += rstd (h - a - (x - mean) b) */
AG__INLINE void AG__TYPED(norm_dx)(int64_t n, const real *g, const real *weight, const real *x, real mean, real rstd,
                                   real a, real b, real *dx, bool add)
{
    if (weight) {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) dx[i] = (add ? dx[i] : 0) + rstd * (g[i] * weight[i] - a - (x[i] - mean) * b);
    } else {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) dx[i] = (add ? dx[i] : 0) + rstd * (g[i] - a - (x[i] - mean) * b);
    }
}

void AG__TYPED(norm_back)(const ag__norm_back *p)
{
    const int64_t n = p->n;
    const real *x = p->x, *g = p->g, *weight = p->weight, *means = p->mean, *rstds = p->rstd;
    real *dx = p->dx, *dweight = p->dweight, *dbias = p->dbias;
    for (int64_t r = 0; r < p->rows; r++, x += n, g += n) {
        const real mean = means ? means[r] : 0, rstd = rstds[r];
        if (dx) {
            real sum, product;
            AG__TYPED(moments)(n, g, weight, x, mean, &sum, &product);
            real a = means ? sum / (real)n : 0, b = product * rstd * rstd / (real)n;
            if (p->add)
                AG__TYPED(norm_dx)(n, g, weight, x, mean, rstd, a, b, dx + r * n, true);
            else
                AG__TYPED(norm_dx)(n, g, weight, x, mean, rstd, a, b, dx + r * n, false);
        }
        if (dweight && dbias) {
            AG__INDEPENDENT
            for (int64_t i = 0; i < n; i++) dweight[i] += g[i] * ((x[i] - mean) * rstd), dbias[i] += g[i];
        } else if (dweight) {
            AG__INDEPENDENT
            for (int64_t i = 0; i < n; i++) dweight[i] += g[i] * ((x[i] - mean) * rstd);
        } else if (dbias) {
            AG__INDEPENDENT
            for (int64_t i = 0; i < n; i++) dbias[i] += g[i];
        }
    }
}
#endif
