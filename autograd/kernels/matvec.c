/* matvec.c - products of a matrix and a vector for block records, f64: forward, and back to both operands.
 *
 * All of them are made of three loops over contiguous runs: y += k x; the dot product; and the two joined. Short runs are
 * the usual case, so that their ends are masked where the instruction set can. */
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

typedef double vec __attribute__((vector_size(AG__VECTOR_BYTES), aligned(8), may_alias));
enum { LANES = AG__VECTOR_BYTES / 8 };

/* In pairs: the same order whatever the run's length. */
AG__INLINE double across(vec v)
{
    double part[LANES];
    for (int i = 0; i < LANES; i++) part[i] = v[i];
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
}

#ifdef __AVX512F__
AG__INLINE __mmask8 first(int64_t n) { return (__mmask8)((1u << n) - 1); }
AG__INLINE vec load_first(__mmask8 m, const double *p) { return (vec)_mm512_maskz_loadu_pd(m, p); }
AG__INLINE void store_first(__mmask8 m, double *p, vec v) { _mm512_mask_storeu_pd(p, m, (__m512d)v); }
#endif

/* y += k x */
AG__INLINE void add_scaled(int64_t n, double k, const double *x, double *y)
{
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) *(vec *)(y + i) += k * *(const vec *)(x + i);
#ifdef __AVX512F__
    if (i == n) return;
    __mmask8 m = first(n - i);
    store_first(m, y + i, load_first(m, y + i) + k * load_first(m, x + i));
#else
    for (; i < n; i++) y[i] += k * x[i];
#endif
}

/* y += k x if `add`; returns x z. */
AG__INLINE double dot_add_scaled(int64_t n, const double *z, double k, const double *x, double *y, bool add)
{
    vec sum = { 0 }, other = { 0 };
    double rest = 0;
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        const vec a = *(const vec *)(x + i), b = *(const vec *)(x + i + LANES);
        if (add) *(vec *)(y + i) += k * a, *(vec *)(y + i + LANES) += k * b;
        sum += a * *(const vec *)(z + i), other += b * *(const vec *)(z + i + LANES);
    }
    if (i + LANES <= n) {
        const vec a = *(const vec *)(x + i);
        if (add) *(vec *)(y + i) += k * a;
        sum += a * *(const vec *)(z + i);
        i += LANES;
    }
#ifdef __AVX512F__
    if (i < n) {
        const __mmask8 m = first(n - i);
        const vec a = load_first(m, x + i);
        if (add) store_first(m, y + i, load_first(m, y + i) + k * a);
        other += a * load_first(m, z + i);
    }
#else
    for (; i < n; i++) {
        if (add) y[i] += k * x[i];
        rest += x[i] * z[i];
    }
#endif
    return across(sum + other) + rest;
}

void AG__KERNEL(matvec)(int64_t m, int64_t n, const double *a, const double *x, double *y)
{
    for (int64_t i = 0; i < m; i++, a += n) y[i] = dot_add_scaled(n, a, 0, x, y, false);
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

void AG__KERNEL(trimv)(int64_t n, const double *d, const double *l, const double *x, double *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = d[i] * x[i];
    for (int64_t j = 0, below = n - 1; j < n; l += below, below--, j++) add_scaled(below, x[j], l, y + j + 1);
}

void AG__KERNEL(trimv_back)(int64_t n, const double *d, const double *l, const double *x, const double *gy, double *gd,
                            double *gl, double *gx)
{
    for (int64_t i = 0; i < n; i++) gd[i] += gy[i] * x[i];
    for (int64_t i = 0; i < n; i++) gx[i] += gy[i] * d[i];
    for (int64_t j = 0, below = n - 1; j < n; l += below, gl += below, below--, j++)
        gx[j] += dot_add_scaled(below, l, x[j], gy + j + 1, gl, true);
}

