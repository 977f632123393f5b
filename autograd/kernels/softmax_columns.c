/* softmax_columns.c - softmax down the columns of a block of rows, a column to a lane: so an axis that is not the last
 * is read and written along its neighbours.
 *
 * Rows come in groups that stay in the nearest cache. The first pass keeps the largest element of each column and the
 * sum of e^(x - largest), which a new largest one scales down; the second writes. Sums go on in f64. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <math.h>
#include <string.h>

enum { GROUP = 8, COLUMNS = 256 };

#define AG__TEXT <autograd/kernels/softmax_columns.c>
#include <autograd/kernels/each_real.h>
#else
#include <autograd/kernels/math.h>

/* n rows of m columns join max and sum. NaN is larger than any number; of nothing but -inf the sum is 0. */
AG__INLINE void AG__TYPED(join_group)(int64_t n, int64_t m, const real *x, int64_t ldx, real *max, double *sum)
{
    real part[COLUMNS], shift[COLUMNS], scale[COLUMNS];
    for (int64_t j = 0; j < m; j++) shift[j] = max[j], part[j] = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) {
            real v = x[i * ldx + j];
            max[j] = v > max[j] || v != v ? v : max[j];
        }
    for (int64_t j = 0; j < m; j++) {
        real finite = max[j] == -K(INFINITY) ? 0 : max[j];
        scale[j] = AG__TYPED(exp)(shift[j] - finite), shift[j] = finite;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) part[j] += AG__TYPED(exp)(x[i * ldx + j] - shift[j]);
    for (int64_t j = 0; j < m; j++) sum[j] = sum[j] * (double)scale[j] + (double)part[j];
}

void AG__TYPED(softmax_columns)(int64_t n, int64_t m, const void *from, int64_t ldx, void *to, int64_t ldy, void *lse)
{
    const real *x = from;
    real *y = to, max[COLUMNS], factor[COLUMNS];
    double sum[COLUMNS];
    for (int64_t left = 0, width; left < m; left += width) {
        width = m - left < COLUMNS ? m - left : COLUMNS;
        for (int64_t j = 0; j < width; j++) max[j] = -K(INFINITY), sum[j] = 0;
        for (int64_t i = 0; i < n; i += GROUP)
            AG__TYPED(join_group)(n - i < GROUP ? n - i : GROUP, width, x + i * ldx + left, ldx, max, sum);
        for (int64_t j = 0; lse && j < width; j++)
            ((real *)lse)[left + j] = isinf(max[j]) ? max[j] : (real)((double)max[j] + log(sum[j]));
        if (!y) continue;
        for (int64_t j = 0; j < width; j++) factor[j] = (real)(1 / sum[j]);
        for (int64_t i = 0; i < n; i++) {
            const real *in = x + i * ldx + left;
            real *out = y + i * ldy + left;
            AG__INDEPENDENT
            for (int64_t j = 0; j < width; j++) out[j] = AG__TYPED(exp)(in[j] - max[j]) * factor[j];
        }
    }
}

void AG__TYPED(softmax_columns_back)(int64_t n, int64_t m, const void *probabilities, const void *gradient, int64_t ld,
                                     void *to, bool add)
{
    const real *y = probabilities, *g = gradient;
    real *d = to, part[COLUMNS], dot[COLUMNS];
    double sum[COLUMNS];
    for (int64_t left = 0, width; left < m; left += width, y += width, g += width, d += width) {
        width = m - left < COLUMNS ? m - left : COLUMNS;
        for (int64_t j = 0; j < width; j++) sum[j] = 0;
        for (int64_t i = 0; i < n; i += GROUP) {
            for (int64_t j = 0; j < width; j++) part[j] = 0;
            for (int64_t k = i; k < n && k < i + GROUP; k++)
                for (int64_t j = 0; j < width; j++) part[j] += y[k * ld + j] * g[k * ld + j];
            for (int64_t j = 0; j < width; j++) sum[j] += (double)part[j];
        }
        for (int64_t j = 0; j < width; j++) dot[j] = (real)sum[j];
        for (int64_t i = 0; i < n * ld; i += ld) {
            AG__INDEPENDENT
            for (int64_t j = 0; j < width; j++) d[i + j] = (add ? d[i + j] : 0) + y[i + j] * (g[i + j] - dot[j]);
        }
    }
}
#endif
