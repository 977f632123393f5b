/* shuffle.h - the widest register as bits: quads (16 bytes) gathered from memory, and interleaved within each quad. */
#ifndef AG_KERNELS_SHUFFLE_H
#define AG_KERNELS_SHUFFLE_H
#include <autograd/kernels/isa.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

/* ag__gather: quads p, p + step, ... bytes; each 128 bits of a register one of them. low/high32, 64: the low or high
 * halves of each quad of a and b, interleaved by 4 or 8 bytes. */
#if defined(__AVX512F__)
typedef __m512 ag__bits;
#define ag__low32(a, b)  _mm512_unpacklo_ps(a, b)
#define ag__high32(a, b) _mm512_unpackhi_ps(a, b)
#define ag__low64(a, b)  ((ag__bits)_mm512_unpacklo_pd((__m512d)(a), (__m512d)(b)))
#define ag__high64(a, b) ((ag__bits)_mm512_unpackhi_pd((__m512d)(a), (__m512d)(b)))
#elif defined(__AVX2__)
typedef __m256 ag__bits;
#define ag__low32(a, b)  _mm256_unpacklo_ps(a, b)
#define ag__high32(a, b) _mm256_unpackhi_ps(a, b)
#define ag__low64(a, b)  ((ag__bits)_mm256_unpacklo_pd((__m256d)(a), (__m256d)(b)))
#define ag__high64(a, b) ((ag__bits)_mm256_unpackhi_pd((__m256d)(a), (__m256d)(b)))
#else
typedef float ag__bits __attribute__((vector_size(16)));
#if defined(__clang__)
#define AG__SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define AG__SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (int32_t __attribute__((vector_size(16)))){ __VA_ARGS__ })
#endif
#define ag__low32(a, b)  AG__SHUFFLE(a, b, 0, 4, 1, 5)
#define ag__high32(a, b) AG__SHUFFLE(a, b, 2, 6, 3, 7)
#define ag__low64(a, b)  AG__SHUFFLE(a, b, 0, 1, 4, 5)
#define ag__high64(a, b) AG__SHUFFLE(a, b, 2, 3, 6, 7)
#endif

AG__INLINE ag__bits ag__gather(const void *p, int64_t step)
{
#if defined(__AVX512F__)
    const char *at = p;
    ag__bits v = _mm512_castps128_ps512(_mm_loadu_ps((const float *)at));
    v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(at + step)), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(at + 2 * step)), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(at + 3 * step)), 3);
#elif defined(__AVX2__)
    const char *at = p;
    ag__bits v = _mm256_castps128_ps256(_mm_loadu_ps((const float *)at));
    return _mm256_insertf128_ps(v, _mm_loadu_ps((const float *)(at + step)), 1);
#else
    ag__bits v;
    (void)step;
    memcpy(&v, p, sizeof v);
    return v;
#endif
}
#endif
