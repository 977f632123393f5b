/* reduce.c - sum, max, min, dot and softmax of one row.
 *
 * A block of AG__BLOCK elements is reduced in LANES interleaved partial results, which keep several vectors busy, then
 * these by halves; FEW elements one after the other. The order is the same on every instruction set and for every
 * stride; blocks join as pairs.h says. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/pairs.h>
#include <math.h>
#include <string.h>

enum { FEW = 16, DOT = AG__N_REDUCE };
#define LANES ((int)(256 / sizeof(real)))
#define VL    ((int)(AG__VECTOR_BYTES / sizeof(real)))
#define vec   AG__TYPED(vec)

#define AG__TEXT <autograd/kernels/reduce.c>
#include <autograd/kernels/each_real.h>
#else
#include <autograd/kernels/math.h>
#include <autograd/kernels/run.h>

typedef real vec __attribute__((vector_size(AG__VECTOR_BYTES), aligned(sizeof(real)), may_alias));

AG__INLINE vec AG__TYPED(join_vec)(int op, vec p, vec x)
{
    if (op == AG__SUM || op == DOT) return p + x;
    __typeof__(x > p) wins = (op == AG__MAX ? x > p : x < p) | (x != x); /* the first NaN stays */
    return (vec)(((__typeof__(wins))x & wins) | ((__typeof__(wins))p & ~wins));
}
AG__INLINE real AG__TYPED(join)(int op, real p, real x)
{
    if (op == AG__MAX) return x > p || x != x ? x : p;
    if (op == AG__MIN) return x < p || x != x ? x : p;
    return p + x;
}

/* LANES elements join the partial results. */
AG__INLINE void AG__TYPED(step)(int op, vec *partial, const real *a, const real *b)
{
    AG__UNROLL
    for (int v = 0; v < LANES / VL; v++) {
        vec x = *(const vec *)(a + v * VL);
        if (op == DOT)
            partial[v] += x * *(const vec *)(b + v * VL);
        else
            partial[v] = AG__TYPED(join_vec)(op, partial[v], x);
    }
}

/* n elements join the partial results, the last of them filled up with what changes nothing. */
AG__INLINE void AG__TYPED(steps)(int op, real empty, vec *partial, int64_t n, const real *a, const real *b)
{
    real tail[2][LANES];
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) AG__TYPED(step)(op, partial, a + i, b + i);
    if (i == n) return;
    for (int l = 0; l < LANES; l++) tail[0][l] = empty, tail[1][l] = 0;
    for (int l = 0; l < (int)(n - i); l++) tail[0][l] = a[i + l], tail[1][l] = b[i + l];
    AG__TYPED(step)(op, partial, tail[0], tail[1]);
}

AG__INLINE void AG__TYPED(start)(vec *partial, real empty)
{
    AG__UNROLL
    for (int v = 0; v < LANES / VL; v++) partial[v] = (vec){ 0 } + empty;
}

/* By halves: lane l joins lane l + LANES / 2, and so on. */
AG__INLINE real AG__TYPED(finish)(int op, vec *partial)
{
    real lane[VL];
    AG__UNROLL
    for (int half = LANES / VL / 2; half > 0; half /= 2) AG__UNROLL
    for (int v = 0; v < half; v++) partial[v] = AG__TYPED(join_vec)(op, partial[v], partial[v + half]);
    memcpy(lane, partial, sizeof lane);
    for (int half = VL / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lane[l] = AG__TYPED(join)(op, lane[l], lane[l + half]);
    return lane[0];
}

AG__INLINE real AG__TYPED(reduce_few)(int op, int64_t n, const real *a, const real *b)
{
    real r = op == DOT ? a[0] * b[0] : a[0];
    for (int64_t i = 1; i < n; i++) {
        if (op == DOT)
            r += a[i] * b[i];
        else
            r = AG__TYPED(join)(op, r, a[i]);
        __asm__(""); /* not to be vectorised: it would not pay, and change the rounding of products */
    }
    return r;
}

/* Sums and products, a block. */
AG__INLINE real AG__TYPED(reduce_block)(int op, int64_t n, const real *a, const real *b)
{
    if (n < FEW) return AG__TYPED(reduce_few)(op, n, a, b);
    vec partial[LANES / VL];
    AG__TYPED(start)(partial, 0);
    AG__TYPED(steps)(op, 0, partial, n, a, b);
    return AG__TYPED(finish)(op, partial);
}

AG__INLINE double AG__TYPED(reduce)(int op, int64_t n, const real *a, int64_t sa, const real *b, int64_t sb)
{
    real a_run[AG__BLOCK], b_run[AG__BLOCK];
    ag__pairs sum;
    sum.count = 0;
    for (int64_t from = 0, m; from < n; from += m) {
        m = n - from < AG__BLOCK ? n - from : AG__BLOCK;
        const real *x = AG__TYPED(gather)(a, sa, from, m, a_run);
        real r = AG__TYPED(reduce_block)(op, m, x, op == DOT ? AG__TYPED(gather)(b, sb, from, m, b_run) : x);
        if (n <= AG__BLOCK) return r;
        ag__pairs_add(&sum, r);
    }
    return ag__pairs_sum(&sum);
}

/* max and min: rounding is no matter, and the lanes go on from block to block. */
AG__INLINE double AG__TYPED(extreme)(int op, int64_t n, const real *x, int64_t sx)
{
    real run[AG__BLOCK], empty = op == AG__MAX ? -K(INFINITY) : K(INFINITY);
    vec partial[LANES / VL];
    AG__TYPED(start)(partial, empty);
    const int64_t block = sx == 1 ? n : AG__BLOCK;
    for (int64_t from = 0, m; from < n; from += m) {
        m = n - from < block ? n - from : block;
        const real *in = AG__TYPED(gather)(x, sx, from, m, run);
        if (n < FEW) return AG__TYPED(reduce_few)(op, n, in, in);
        AG__TYPED(steps)(op, empty, partial, m, in, in);
    }
    return AG__TYPED(finish)(op, partial);
}

double AG__TYPED(sum)(int64_t n, const void *x, int64_t sx)
{
    return AG__TYPED(reduce)(AG__SUM, n, x, sx, x, sx);
}
double AG__TYPED(max)(int64_t n, const void *x, int64_t sx)
{
    return AG__TYPED(extreme)(AG__MAX, n, x, sx);
}
double AG__TYPED(min)(int64_t n, const void *x, int64_t sx)
{
    return AG__TYPED(extreme)(AG__MIN, n, x, sx);
}
double AG__TYPED(dot)(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb)
{
    return n > 0 ? AG__TYPED(reduce)(DOT, n, a, sa, b, sb) : 0;
}

/* Where the first extreme of each column is; a NaN is the most extreme of all. */
AG__INLINE void AG__TYPED(arg)(int op, int64_t rows, int64_t n, const real *x, int64_t ld, real *best, real *place)
{
    for (int64_t j = 0; j < n; j++) best[j] = x[j], place[j] = 0;
    for (int64_t i = 1; i < rows; i++) {
        const real *row = x + i * ld, number = (real)i;
        for (int64_t j = 0; j < n; j++) {
            const bool wins = (op == AG__MAX ? row[j] > best[j] : row[j] < best[j]) || row[j] != row[j];
            const bool better = wins && best[j] == best[j];
            place[j] = better ? number : place[j], best[j] = better ? row[j] : best[j];
        }
    }
}
void AG__TYPED(arg_columns)(int op, int64_t rows, int64_t n, const void *from, int64_t ld, int64_t *to)
{
    const real *x = from;
    real best[AG__BLOCK], place[AG__BLOCK];
    for (int64_t left = 0, m; left < n; left += m) {
        m = n - left < AG__BLOCK ? n - left : AG__BLOCK;
        if (op == AG__MAX)
            AG__TYPED(arg)(AG__MAX, rows, m, x + left, ld, best, place);
        else
            AG__TYPED(arg)(AG__MIN, rows, m, x + left, ld, best, place);
        for (int64_t j = 0; j < m; j++) to[left + j] = (int64_t)place[j];
    }
}

/* With a max of +inf or NaN every y is NaN, as it is for a row of nothing but -inf. */
double AG__TYPED(softmax)(int64_t n, const void *x, int64_t sx, void *to, int64_t sy)
{
    if (n <= 0) return -INFINITY;
    real in_run[AG__BLOCK], out_run[AG__BLOCK], max = (real)AG__TYPED(max)(n, x, sx), *y = to;
    ag__pairs sum;
    sum.count = 0;
    for (int64_t from = 0, m; from < n; from += m) {
        m = n - from < AG__BLOCK ? n - from : AG__BLOCK;
        const real *in = AG__TYPED(gather)(x, sx, from, m, in_run);
        real *out = y && sy == 1 ? y + from : out_run;
        AG__INDEPENDENT
        for (int64_t i = 0; i < m; i++) out[i] = AG__TYPED(exp)(in[i] - max);
        ag__pairs_add(&sum, AG__TYPED(reduce_block)(AG__SUM, m, out, out));
        if (y && sy != 1) AG__TYPED(scatter)(m, out, y + from * sy, sy, false);
    }
    double total = ag__pairs_sum(&sum);
    if (y) AG__TYPED(scale)(n, 1 / total, y, sy, y, sy, false);
    return isinf(max) ? max : max + log(total);
}
#endif
