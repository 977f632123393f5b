/* matvec.c - products of a matrix and a vector for block records, f64: forward, and back to both operands.
 *
 * Matrices are small as a rule, and results are read right after. A load that straddles what was just stored waits for
 * it: so sums stay in registers until they are complete, and ends are stored and read back in pieces that halve. Only
 * what was written long ago is read under masks. */
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
/* Elements from .. to-1 of p[0..LANES), 0 <= from <= to <= LANES; the others are not touched, and read as 0. */
AG__INLINE vec load_part(const double *p, int64_t from, int64_t to)
{
    return (vec)_mm512_maskz_loadu_pd(between(from, to), p);
}
#else
AG__INLINE vec load_part(const double *p, int64_t from, int64_t to)
{
    vec v = { 0 };
    for (int i = 0; i < LANES; i++)
        if (i >= from && i < to) v[i] = p[i];
    return v;
}
#endif
AG__INLINE int64_t lanes(int64_t n)
{
    return n < LANES ? n > 0 ? n : 0 : LANES;
}

/* Returns x y; and if z is not NULL, z += k y. */
AG__INLINE double dot_add(int64_t n, const double *x, const double *y, double k, double *z)
{
    vec sum = { 0 }, other = { 0 };
    for (; n >= 2 * LANES; n -= 2 * LANES, x += 2 * LANES, y += 2 * LANES) {
        const vec a = load(y), b = load(y + LANES);
        sum += load(x) * a, other += load(x + LANES) * b;
        if (z) store(z, load(z) + k * a), store(z + LANES, load(z + LANES) + k * b), z += 2 * LANES;
    }
    if (n >= LANES) {
        const vec a = load(y);
        sum += load(x) * a;
        if (z) store(z, load(z) + k * a), z += LANES;
        n -= LANES, x += LANES, y += LANES;
    }
    sum += other;
#if AG__VECTOR_BYTES > 32
    quad four = (quad){ sum[0], sum[1], sum[2], sum[3] } + (quad){ sum[4], sum[5], sum[6], sum[7] };
    if (n & 4) {
        const quad a = *(const quad *)y;
        four += *(const quad *)x * a;
        if (z) *(quad *)z += k * a, z += 4;
        x += 4, y += 4;
    }
#elif AG__VECTOR_BYTES > 16
    const quad four = sum;
#endif
#if AG__VECTOR_BYTES > 16
    pair two = (pair){ four[0], four[1] } + (pair){ four[2], four[3] };
    if (n & 2) {
        const pair a = *(const pair *)y;
        two += *(const pair *)x * a;
        if (z) *(pair *)z += k * a, z += 2;
        x += 2, y += 2;
    }
#else
    const pair two = sum;
#endif
    double one = two[0] + two[1];
    if (n & 1) {
        one += *x * *y;
        if (z) *z += k * *y;
    }
    return one;
}

/* The first n < LANES elements of v. */
AG__INLINE void store_first(int64_t n, double *p, vec v)
{
#if AG__VECTOR_BYTES > 32
    if (n & 4) {
        *(quad *)p = (quad){ v[0], v[1], v[2], v[3] };
        v = (vec){ v[4], v[5], v[6], v[7] }, p += 4;
    }
#endif
#if AG__VECTOR_BYTES > 16
    if (n & 2) {
        *(pair *)p = (pair){ v[0], v[1] };
        v = (vec){ v[2], v[3] }, p += 2;
    }
#endif
    if (n & 1) *p = v[0];
}

/* y += k x */
AG__INLINE void add_scaled(int64_t n, double k, const double *x, double *y)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) store(y + i, load(y + i) + k * load(x + i));
    for (; i < n; i++) y[i] += k * x[i];
}

void AG__KERNEL(matvec)(int64_t m, int64_t n, const double *a, const double *x, double *y)
{
    for (int64_t i = 0; i < m; i++, a += n) y[i] = dot_add(n, a, x, 0, NULL);
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
        vec y0 = { 0 }, y1 = { 0 };
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
        /* x as vectors comes last: its elements may be fresh */
        y0 += load_part(d + r, 0, n0) * load_part(x + r, 0, n0);
        if (n1) y1 += load_part(d + r + LANES, 0, n1) * load_part(x + r + LANES, 0, n1);
        if (n0 == LANES)
            store(y + r, y0);
        else
            store_first(n0, y + r, y0);
        if (n1 == LANES)
            store(y + r + LANES, y1);
        else
            store_first(n1, y + r + LANES, y1);
    }
}

void AG__KERNEL(trimv_back)(int64_t n, const double *d, const double *l, const double *x, const double *gy, double *gd,
                            double *gl, double *gx)
{
    int64_t i = 0, j = 0;
    for (; i + LANES <= n; i += LANES) store(gd + i, load(gd + i) + load(gy + i) * load(x + i));
    for (; i < n; i++) gd[i] += gy[i] * x[i];
    /* Sums of columns in fours and twos, since gx is soon read as vectors. */
    for (; j + 4 <= n; j += 4) {
        const int64_t m = n - 1 - j, second = m, third = 2 * m - 1, fourth = 3 * m - 3;
        const quad sum = { dot_add(m, l, gy + j + 1, x[j], gl),
                           dot_add(m - 1, l + second, gy + j + 2, x[j + 1], gl + second),
                           dot_add(m - 2, l + third, gy + j + 3, x[j + 2], gl + third),
                           dot_add(m - 3, l + fourth, gy + j + 4, x[j + 3], gl + fourth) };
        *(quad *)(gx + j) += *(const quad *)(gy + j) * *(const quad *)(d + j) + sum;
        l += 4 * m - 6, gl += 4 * m - 6;
    }
    if (j + 2 <= n) {
        const int64_t m = n - 1 - j;
        const pair sum = { dot_add(m, l, gy + j + 1, x[j], gl), dot_add(m - 1, l + m, gy + j + 2, x[j + 1], gl + m) };
        *(pair *)(gx + j) += *(const pair *)(gy + j) * *(const pair *)(d + j) + sum;
        j += 2;
    }
    if (j < n) gx[j] += gy[j] * d[j];
}
