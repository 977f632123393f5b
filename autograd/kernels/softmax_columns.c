/* softmax_columns.c - softmax down the columns of a block of rows, a column to a lane: so an axis that is not the last
 * is read and written along its neighbours.
 *
 * Rows come in groups that stay in the nearest cache. The first pass keeps the largest element of each column and the
 * sum of e^(x - largest), which a new largest one scales down; the second writes. Sums go on in f64. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/shuffle.h>
#include <math.h>
#include <string.h>

enum { GROUP = 8, COLUMNS = 256 };

#define AG__TEXT <autograd/kernels/softmax_columns.c>
#include <autograd/kernels/each_real.h>
#else
#include <autograd/kernels/math.h>
#include <autograd/kernels/vector.h>
#define vec AG__TYPED(vec)
#define VL  ((int64_t)(AG__VECTOR_BYTES / sizeof(real)))

/* n rows of m columns join max and sum, m whole vectors. NaN is larger than any number; of nothing but -inf the sum is
 * 0. */
AG__INLINE void AG__TYPED(join_group)(int64_t n, int64_t m, const real *x, int64_t ldx, real *max, double *sum)
{
    real part[COLUMNS], shift[COLUMNS], scale[COLUMNS];
    m &= -VL;
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

/* n rows of m elements, filled up with zeros to whole vectors */
AG__INLINE void AG__TYPED(fill_up)(int64_t n, int64_t m, const real *x, int64_t ldx, real *y, int64_t ldy)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t j = 0;
        for (; j + VL <= m; j += VL) *(vec *)(y + i * ldy + j) = *(const vec *)(x + i * ldx + j);
        if (j < m) *(vec *)(y + i * ldy + j) = AG__TYPED(load_lanes)(x + i * ldx + j, 0, (int)(m - j));
    }
}

/* y = e^(x - max) factor */
AG__INLINE void AG__TYPED(raise)(int64_t m, const real *x, const real *max, const real *factor, real *y)
{
    const int64_t whole = m & -VL;
    real rest[VL];
    AG__INDEPENDENT
    for (int64_t j = 0; j < whole; j++) y[j] = AG__TYPED(exp)(x[j] - max[j]) * factor[j];
    if (whole == m) return;
    AG__TYPED(fill_up)(1, m - whole, x + whole, 0, rest, 0);
    for (int64_t j = 0; j < VL; j++) rest[j] = AG__TYPED(exp)(rest[j] - max[whole + j]) * factor[whole + j];
    AG__TYPED(store_lanes)(y + whole, 0, (int)(m - whole), *(const vec *)rest);
}

void AG__TYPED(softmax_columns)(int64_t n, int64_t m, const void *from, int64_t ldx, void *to, int64_t ldy, void *lse)
{
    const real *x = from;
    real *y = to, max[COLUMNS], factor[COLUMNS], group[GROUP * COLUMNS];
    double sum[COLUMNS];
    for (int64_t left = 0, width; left < m; left += width) {
        width = m - left < COLUMNS ? m - left : COLUMNS;
        const int64_t wide = (width + VL - 1) & -VL;
        for (int64_t j = 0; j < wide; j++) max[j] = -K(INFINITY), sum[j] = 0;
        for (int64_t i = 0; i < n; i += GROUP) {
            const int64_t rows = n - i < GROUP ? n - i : GROUP;
            const real *in = x + i * ldx + left;
            if (wide != width) AG__TYPED(fill_up)(rows, width, in, ldx, group, wide);
            AG__TYPED(join_group)(rows, wide, wide == width ? in : group, wide == width ? ldx : wide, max, sum);
        }
        if (lse) {
            for (int64_t j = 0; j < wide; j++) {
                const real log_sum = max[j] + AG__TYPED(log)((real)sum[j]);
                factor[j] = AG__LIBM(fabs)(max[j]) == K(INFINITY) ? max[j] : log_sum;
            }
            memcpy((real *)lse + left, factor, (size_t)width * sizeof *factor);
        }
        if (!y) continue;
        for (int64_t j = 0; j < wide; j++) factor[j] = (real)(1 / sum[j]);
        for (int64_t i = 0; i < n; i++) AG__TYPED(raise)(width, x + i * ldx + left, max, factor, y + i * ldy + left);
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
#undef vec
#undef VL
#endif
