/* move.c - copy, fill and scale. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/pairs.h>
#define AG__TEXT <autograd/kernels/move.c>
#include <autograd/kernels/each_real.h>
#else

#include <autograd/kernels/run.h>

AG__INLINE void AG__TYPED(copy_loop)(int64_t n, const real *x, int64_t sx, real *y, int64_t sy, bool add)
{
    if (add) {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i * sy] += x[i * sx];
    } else {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i * sy] = x[i * sx];
    }
}

AG__INLINE void AG__TYPED(add_runs)(int64_t n, const real *x, int64_t sx, real *y)
{
    real buffer[AG__BLOCK];
    for (int64_t from = 0, m; from < n; from += m) {
        m = n - from < AG__BLOCK ? n - from : AG__BLOCK;
        AG__TYPED(copy_loop)(m, AG__TYPED(gather)(x, sx, from, m, buffer), 1, y + from, 1, true);
    }
}

void AG__TYPED(copy)(int64_t n, const void *x, int64_t sx, void *y, int64_t sy, bool add)
{
    if (sy == 0 && n > 0) {
        real sum = (real)AG__TYPED(sum)(n, x, sx);
        *(real *)y = add ? *(real *)y + sum : sum;
    } else if (n == 1 || (sx == 1 && sy == 1))
        AG__TYPED(copy_loop)(n, x, 1, y, 1, add);
    else if (sx == 0 && sy == 1)
        AG__TYPED(copy_loop)(n, x, 0, y, 1, add);
    else if (sy == 1 && add)
        AG__TYPED(add_runs)(n, x, sx, y);
    else if (sy == 1)
        AG__TYPED(collect)(n, x, sx, y);
    else
        AG__TYPED(copy_loop)(n, x, sx, y, sy, add);
}

void AG__TYPED(fill)(int64_t n, double value, void *y, int64_t sy)
{
    real v = (real)value;
    if (sy == 1)
        AG__TYPED(copy_loop)(n, &v, 0, y, 1, false);
    else
        AG__TYPED(copy_loop)(n, &v, 0, y, sy, false);
}

AG__INLINE void AG__TYPED(scale_loop)(int64_t n, real k, const real *x, int64_t sx, real *y, int64_t sy, bool add)
{
    if (add) {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i * sy] += k * x[i * sx];
    } else {
        AG__INDEPENDENT
        for (int64_t i = 0; i < n; i++) y[i * sy] = k * x[i * sx];
    }
}

void AG__TYPED(scale)(int64_t n, double k, const void *x, int64_t sx, void *y, int64_t sy, bool add)
{
    if (n == 1 || (sx == 1 && sy == 1))
        AG__TYPED(scale_loop)(n, (real)k, x, 1, y, 1, add);
    else if (sx == 0 && sy == 1)
        AG__TYPED(scale_loop)(n, (real)k, x, 0, y, 1, add);
    else
        AG__TYPED(scale_loop)(n, (real)k, x, sx, y, sy, add);
}
#endif
