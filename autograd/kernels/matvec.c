/* matvec.c - products of a matrix and a vector for block records, f64: forward, and back to both operands.
 *
 * Matrices are small as a rule. So sums stay in registers until they are complete - a load that straddles what was just
 * stored waits for it - and ends of rows are masked where the instruction set can. */
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

typedef double vec __attribute__((vector_size(AG__VECTOR_BYTES), aligned(8), may_alias));
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));
typedef double pair __attribute__((vector_size(16), aligned(8), may_alias));
enum { LANES = AG__VECTOR_BYTES / 8 };

AG__INLINE vec load(const double *p)
{
    return *(const vec *)p;
}
AG__INLINE void store(double *p, vec v)
{
    *(vec *)p = v;
}

#ifdef __AVX512F__
AG__INLINE __mmask8 between(int64_t from, int64_t to)
{
    return (__mmask8)((0xffu >> (8 - to)) & (0xffu << from));
}
AG__INLINE double across(vec v)
{
    return _mm512_reduce_add_pd((__m512d)v);
}
/* Elements from .. to-1 of p[0..LANES), 0 <= from <= to <= LANES; the others are not touched, and read as 0. */
AG__INLINE vec load_part(const double *p, int64_t from, int64_t to)
{
    return (vec)_mm512_maskz_loadu_pd(between(from, to), p);
}
AG__INLINE void store_part(double *p, int64_t from, int64_t to, vec v)
{
    _mm512_mask_storeu_pd(p, between(from, to), (__m512d)v);
}
#else
AG__INLINE double across(vec v)
{
    double sum = v[0];
    for (int i = 1; i < LANES; i++) sum += v[i];
    return sum;
}
AG__INLINE vec load_part(const double *p, int64_t from, int64_t to)
{
    vec v = { 0 };
    for (int i = 0; i < LANES; i++)
        if (i >= from && i < to) v[i] = p[i];
    return v;
}
AG__INLINE void store_part(double *p, int64_t from, int64_t to, vec v)
{
    for (int i = 0; i < LANES; i++)
        if (i >= from && i < to) p[i] = v[i];
}
#endif
AG__INLINE int64_t lanes(int64_t n)
{
    return n < LANES ? n > 0 ? n : 0 : LANES;
}

/* y += k x */
AG__INLINE void add_scaled(int64_t n, double k, const double *x, double *y)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) store(y + i, load(y + i) + k * load(x + i));
    if (i < n) store_part(y + i, 0, n - i, load_part(y + i, 0, n - i) + k * load_part(x + i, 0, n - i));
}

AG__INLINE double dot(int64_t n, const double *x, const double *y)
{
    vec sum = { 0 }, other = { 0 };
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        sum += load(x + i) * load(y + i);
        other += load(x + i + LANES) * load(y + i + LANES);
    }
    for (; i + LANES <= n; i += LANES) sum += load(x + i) * load(y + i);
    if (i < n) other += load_part(x + i, 0, n - i) * load_part(y + i, 0, n - i);
    return across(sum + other);
}

void AG__KERNEL(matvec)(int64_t m, int64_t n, const double *a, const double *x, double *y)
{
    for (int64_t i = 0; i < m; i++, a += n) y[i] = dot(n, a, x);
}

void AG__KERNEL(matvec_back)(int64_t m, int64_t n, const double *a, const double *x, const double *gy, double *ga,
                             double *gx)
{
    for (int64_t i = 0; i < m; i++, a += n, ga += n) {
        if (gy[i] == 0) continue;
        add_scaled(n, gy[i], x, ga);
        add_scaled(n, gy[i], a, gx);
    }
}

/* Rows in pairs of vectors. Row i of column j is l[i - j - 1] of that column's run, which is n - 1 - j long: from one
 * column to the next the same row lies n - 2 - j further on. */
void AG__KERNEL(trimv)(int64_t n, const double *d, const double *l, const double *x, double *y)
{
    for (int64_t r = 0; r < n; r += 2 * LANES) {
        const int64_t n0 = lanes(n - r), n1 = lanes(n - r - LANES);
        int64_t at = r - 1, j = 0; /* row r of column j */
        vec y0 = load_part(d + r, 0, n0) * load_part(x + r, 0, n0), y1 = { 0 };
        if (n1) y1 = load_part(d + r + LANES, 0, n1) * load_part(x + r + LANES, 0, n1);
        if (n1 == LANES) { /* left of the diagonal */
            vec z0 = { 0 }, z1 = { 0 };
            for (; j + 2 <= r; j += 2) {
                y0 += x[j] * load(l + at), y1 += x[j] * load(l + at + LANES);
                at += n - 2 - j;
                z0 += x[j + 1] * load(l + at), z1 += x[j + 1] * load(l + at + LANES);
                at += n - 3 - j;
            }
            y0 += z0, y1 += z1;
        }
        for (; j < r + n0 + n1; at += n - 2 - j, j++) {
            const int64_t first = j + 1 - r, then = first - LANES; /* the rows that column j reaches begin there */
            if (first < n0) y0 += x[j] * load_part(l + at, first > 0 ? first : 0, n0);
            if (n1 && then < n1) y1 += x[j] * load_part(l + at + LANES, then > 0 ? then : 0, n1);
        }
        store_part(y + r, 0, n0, y0);
        if (n1) store_part(y + r + LANES, 0, n1, y1);
    }
}

/* One column of n elements: gl += x gy; returns l gy. In pieces that halve, because masked ones would wait for each
 * other: their windows overlap where columns meet. */
AG__INLINE double column_back(int64_t n, const double *l, const double *gy, double x, double *gl)
{
    vec sum = { 0 }, other = { 0 };
    for (; n >= 2 * LANES; n -= 2 * LANES, l += 2 * LANES, gl += 2 * LANES, gy += 2 * LANES) {
        const vec g = load(gy), h = load(gy + LANES);
        sum += load(l) * g, other += load(l + LANES) * h;
        store(gl, load(gl) + x * g), store(gl + LANES, load(gl + LANES) + x * h);
    }
    if (n >= LANES) {
        const vec g = load(gy);
        sum += load(l) * g;
        store(gl, load(gl) + x * g);
        n -= LANES, l += LANES, gl += LANES, gy += LANES;
    }
    sum += other;
#if AG__VECTOR_BYTES > 32
    quad four = { sum[0] + sum[4], sum[1] + sum[5], sum[2] + sum[6], sum[3] + sum[7] };
    if (n & 4) {
        const quad g = *(const quad *)gy;
        four += *(const quad *)l * g;
        *(quad *)gl += x * g;
        l += 4, gl += 4, gy += 4;
    }
#elif AG__VECTOR_BYTES > 16
    const quad four = sum;
#endif
#if AG__VECTOR_BYTES > 16
    pair two = { four[0] + four[2], four[1] + four[3] };
    if (n & 2) {
        const pair g = *(const pair *)gy;
        two += *(const pair *)l * g;
        *(pair *)gl += x * g;
        l += 2, gl += 2, gy += 2;
    }
#else
    const pair two = sum;
#endif
    double one = two[0] + two[1];
    if (n & 1) {
        one += *l * *gy;
        *gl += x * *gy;
    }
    return one;
}

void AG__KERNEL(trimv_back)(int64_t n, const double *d, const double *l, const double *x, const double *gy, double *gd,
                            double *gl, double *gx)
{
    int64_t i = 0, j = 0;
    for (; i + LANES <= n; i += LANES) store(gd + i, load(gd + i) + load(gy + i) * load(x + i));
    for (; i < n; i++) gd[i] += gy[i] * x[i];
    for (; j + 4 <= n; j += 4) { /* sums in fours: gx is soon read as vectors */
        quad sum;
        for (int k = 0; k < 4; k++) {
            const int64_t below = n - 1 - j - k;
            sum[k] = column_back(below, l, gy + j + k + 1, x[j + k], gl);
            l += below, gl += below;
        }
        *(quad *)(gx + j) += *(const quad *)(gy + j) * *(const quad *)(d + j) + sum;
    }
    for (; j < n; j++) {
        const int64_t below = n - 1 - j;
        gx[j] += gy[j] * d[j] + column_back(below, l, gy + j + 1, x[j], gl);
        l += below, gl += below;
    }
}
