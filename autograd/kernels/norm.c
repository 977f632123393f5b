/* norm.c - layer normalisation of rows (Ba, Kiros & Hinton, "Layer normalization", 2016) and by the root mean square
 * alone (Zhang & Sennrich, "Root mean square layer normalization", 2019); batch normalisation of channels (Ioffe &
 * Szegedy, "Batch normalization", 2015).
 *
 *      z = (x - mean) rstd    y = z weight + bias    rstd = 1 / sqrt(mean of (x - mean)^2 + eps)
 *
 * By the root mean square, mean is 0. The way back, with h = g weight, is dx = rstd (h - mean of h - z mean of h z). */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/shuffle.h>
#include <math.h>
#include <string.h>

enum { LANES = 16, RUN = 1024 };
#define APART static __attribute__((noinline)) /* one copy for several callers */

#define AG__TEXT <autograd/kernels/norm.c>
#include <autograd/kernels/each_real.h>
#else

#include <autograd/kernels/vector.h>
#define vec AG__TYPED(vec)
#define VL  ((int)(AG__VECTOR_BYTES / sizeof(real)))

AG__INLINE real AG__TYPED(sum_parts)(const vec *part)
{
    real lane[LANES];
    memcpy(lane, part, sizeof lane);
    return AG__TYPED(sum_halves)(lane);
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
        sum += AG__TYPED(sum_parts)(part);
    }
    return sum;
}

APART double AG__TYPED(row_total)(int64_t n, const real *x)
{
    return AG__TYPED(row_sum)(false, n, x, 0);
}
APART double AG__TYPED(row_squares)(int64_t n, const real *x, real mean)
{
    return AG__TYPED(row_sum)(true, n, x, mean);
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
        real mean = means ? (real)(AG__TYPED(row_total)(n, x) / (double)n) : 0;
        real rstd = (real)(1 / sqrt(AG__TYPED(row_squares)(n, x, mean) / (double)n + p->eps));
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
    *sum = AG__TYPED(sum_parts)(h);
    *product = AG__TYPED(sum_parts)(hx);
}

/* dx = or += rstd (h - a - (x - mean) b) */
AG__INLINE void AG__TYPED(norm_dx)(int64_t n, const real *g, const real *weight, const real *x, real mean, real rstd,
                                   real a, real b, real *dx, bool add)
{
    AG__INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        dx[i] = (add ? dx[i] : 0) + rstd * (g[i] * (weight ? weight[i] : 1) - a - (x[i] - mean) * b);
}

/* Without weight. */
APART void AG__TYPED(plain_moments)(int64_t n, const real *g, const real *x, real mean, real *sum, real *product)
{
    AG__TYPED(moments)(n, g, NULL, x, mean, sum, product);
}
APART void AG__TYPED(plain_dx)(int64_t n, const real *g, const real *x, real mean, real rstd, real a, real b, real *dx,
                               bool add)
{
    if (add)
        AG__TYPED(norm_dx)(n, g, NULL, x, mean, rstd, a, b, dx, true);
    else
        AG__TYPED(norm_dx)(n, g, NULL, x, mean, rstd, a, b, dx, false);
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
            if (weight)
                AG__TYPED(moments)(n, g, weight, x, mean, &sum, &product);
            else
                AG__TYPED(plain_moments)(n, g, x, mean, &sum, &product);
            real a = means ? sum / (real)n : 0, b = product * rstd * rstd / (real)n;
            if (!weight)
                AG__TYPED(plain_dx)(n, g, x, mean, rstd, a, b, dx + r * n, p->add);
            else if (p->add)
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

/* ---- channels: n runs of inner elements each ---- */

AG__INLINE real AG__TYPED(weight_of)(const void *weight, int64_t c)
{
    return weight ? ((const real *)weight)[c] : 1;
}
/* y = scale (x - mean) + shift: mean, rstd and their share of weight and bias are known. */
AG__INLINE void AG__TYPED(put_run)(int64_t n, const real *x, real mean, real scale, real shift, real *y)
{
    AG__INDEPENDENT
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale + shift;
}
void AG__TYPED(batch_norm)(const ag__batch_norm *p)
{
    const real *bias = p->bias;
    real *means = p->mean, *rstds = p->rstd, *vars = p->var;
    const int64_t step = p->channels * p->inner;
    const double count = (double)p->n * (double)p->inner;
    for (int64_t c = p->from; c < p->to; c++) {
        const real *x = (const real *)p->x + c * p->inner;
        real *y = (real *)p->y + c * p->inner;
        if (!p->given) {
            double sum = 0, squares = 0;
            for (int64_t i = 0; i < p->n; i++) sum += AG__TYPED(row_total)(p->inner, x + i * step);
            const real mean = (real)(sum / count);
            for (int64_t i = 0; i < p->n; i++) squares += AG__TYPED(row_squares)(p->inner, x + i * step, mean);
            means[c] = mean, vars[c] = (real)(squares / count);
            rstds[c] = (real)(1 / sqrt(squares / count + p->eps));
        }
        const real scale = rstds[c] * AG__TYPED(weight_of)(p->weight, c), shift = bias ? bias[c] : 0;
        for (int64_t i = 0; i < p->n; i++)
            AG__TYPED(put_run)(p->inner, x + i * step, means[c], scale, shift, y + i * step);
    }
}

/* The sums of g and of g (x - mean) go to weight and bias. */
AG__INLINE void AG__TYPED(put_sums)(const ag__batch_norm_back *p, int64_t c, double sum, double product)
{
    real *dweight = p->dweight, *dbias = p->dbias;
    if (dweight) dweight[c] = (p->add_weight ? dweight[c] : 0) + (real)(product * ((const real *)p->rstd)[c]);
    if (dbias) dbias[c] = (p->add_bias ? dbias[c] : 0) + (real)sum;
}
/* dx = or += scale (g - a - (x - mean) b) */
void AG__TYPED(batch_norm_back)(const ag__batch_norm_back *p)
{
    const real *means = p->mean, *rstds = p->rstd;
    const int64_t step = p->channels * p->inner;
    const double count = (double)p->n * (double)p->inner;
    for (int64_t c = p->from; c < p->to; c++) {
        const real *x = (const real *)p->x + c * p->inner, *g = (const real *)p->g + c * p->inner;
        real *dx = p->dx ? (real *)p->dx + c * p->inner : NULL;
        const real mean = means[c], rstd = rstds[c], scale = rstd * AG__TYPED(weight_of)(p->weight, c);
        double sum = 0, product = 0;
        for (int64_t i = 0; i < p->n; i++) {
            real part, parts;
            AG__TYPED(plain_moments)(p->inner, g + i * step, x + i * step, mean, &part, &parts);
            sum += part, product += parts;
        }
        AG__TYPED(put_sums)(p, c, sum, product);
        const real a = (real)(sum / count), b = (real)(product / count * rstd * rstd);
        for (int64_t i = 0; dx && i < p->n; i++) {
            const real *gi = g + i * step, *xi = x + i * step;
            real *di = dx + i * step;
            if (p->given)
                AG__TYPED(scale)(p->inner, scale, gi, 1, di, 1, p->add_x);
            else
                AG__TYPED(plain_dx)(p->inner, gi, xi, mean, scale, a, b, di, p->add_x);
        }
    }
}
#undef vec
#undef VL
#endif
