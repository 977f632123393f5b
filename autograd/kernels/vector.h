/* vector.h - vectors of `real`, as wide as the instruction set's registers: some of their lanes in memory, and blocks of
 * them transposed. Part of a text over `real`. */
typedef real AG__TYPED(vec) __attribute__((vector_size(AG__VECTOR_BYTES), aligned(sizeof(real)), may_alias));
typedef real AG__TYPED(quad) __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));
#if AG__REAL_BITS == 32
typedef int32_t AG__TYPED(lanes) __attribute__((vector_size(AG__VECTOR_BYTES)));
#else
typedef int64_t AG__TYPED(lanes) __attribute__((vector_size(AG__VECTOR_BYTES)));
#endif

/* ---- lanes from .. to-1; the others need not exist in memory, and are read as 0 ---- */

#if defined(__AVX512F__)
#if AG__REAL_BITS == 32
#define AG__MASKED(name)    _mm512_##name##_ps
#define AG__MASK(from, to) ((__mmask16)((1u << (to)) - (1u << (from))))
#else
#define AG__MASKED(name)    _mm512_##name##_pd
#define AG__MASK(from, to) ((__mmask8)((1u << (to)) - (1u << (from))))
#endif
AG__INLINE AG__TYPED(vec) AG__TYPED(load_lanes)(const real *p, int from, int to)
{
    return (AG__TYPED(vec))AG__MASKED(maskz_loadu)(AG__MASK(from, to), p);
}
AG__INLINE void AG__TYPED(store_lanes)(real *p, int from, int to, AG__TYPED(vec) v)
{
    AG__MASKED(mask_storeu)(p, AG__MASK(from, to), v);
}
#undef AG__MASKED
#undef AG__MASK
#elif defined(__AVX2__)
#if AG__REAL_BITS == 32
#define AG__MASKED(name) _mm256_##name##_ps
#define AG__COUNT        0, 1, 2, 3, 4, 5, 6, 7
#else
#define AG__MASKED(name) _mm256_##name##_pd
#define AG__COUNT        0, 1, 2, 3
#endif
AG__INLINE __m256i AG__TYPED(mask)(int from, int to)
{
    const AG__TYPED(lanes) lane = { AG__COUNT };
    return (__m256i)((lane >= from) & (lane < to));
}
AG__INLINE AG__TYPED(vec) AG__TYPED(load_lanes)(const real *p, int from, int to)
{
    return (AG__TYPED(vec))AG__MASKED(maskload)(p, AG__TYPED(mask)(from, to));
}
AG__INLINE void AG__TYPED(store_lanes)(real *p, int from, int to, AG__TYPED(vec) v)
{
    AG__MASKED(maskstore)(p, AG__TYPED(mask)(from, to), v);
}
#undef AG__MASKED
#undef AG__COUNT
#else
AG__INLINE AG__TYPED(vec) AG__TYPED(load_lanes)(const real *p, int from, int to)
{
    real lane[AG__VECTOR_BYTES / sizeof(real)] = { 0 };
    for (int l = from; l < to; l++) lane[l] = p[l];
    return *(AG__TYPED(vec) *)lane;
}
AG__INLINE void AG__TYPED(store_lanes)(real *p, int from, int to, AG__TYPED(vec) v)
{
    real lane[AG__VECTOR_BYTES / sizeof(real)];
    *(AG__TYPED(vec) *)lane = v;
    for (int l = from; l < to; l++) p[l] = lane[l];
}
#endif

/* ---- SIDE rows of one vector, `ld` apart, from as many columns as it has lanes: contiguous, `step` apart ----
 * Each quad of a register gets a square block, and is transposed in itself. */
enum { AG__TYPED(SIDE) = 16 / sizeof(real) };
AG__INLINE void AG__TYPED(transpose)(const real *x, int64_t step, real *to, int64_t ld)
{
    const int64_t apart = step * 16; /* bytes between the first columns of two quads */
    ag__bits a0 = ag__gather(x, apart), a1 = ag__gather(x + step, apart);
#if AG__REAL_BITS == 32
    ag__bits a2 = ag__gather(x + 2 * step, apart), a3 = ag__gather(x + 3 * step, apart);
    ag__bits low01 = ag__low32(a0, a1), high01 = ag__high32(a0, a1), low23 = ag__low32(a2, a3), high23 = ag__high32(a2, a3);
    *(AG__TYPED(vec) *)to = (AG__TYPED(vec))ag__low64(low01, low23);
    *(AG__TYPED(vec) *)(to + ld) = (AG__TYPED(vec))ag__high64(low01, low23);
    *(AG__TYPED(vec) *)(to + 2 * ld) = (AG__TYPED(vec))ag__low64(high01, high23);
    *(AG__TYPED(vec) *)(to + 3 * ld) = (AG__TYPED(vec))ag__high64(high01, high23);
#else
    *(AG__TYPED(vec) *)to = (AG__TYPED(vec))ag__low64(a0, a1);
    *(AG__TYPED(vec) *)(to + ld) = (AG__TYPED(vec))ag__high64(a0, a1);
#endif
}

/* ---- the sum of 16 numbers by halves: lane l joins lane l + 8, and so on ---- */

AG__INLINE real AG__TYPED(sum_halves)(const real *lane)
{
    enum { SIDE = AG__TYPED(SIDE), QUADS = 16 / SIDE };
    AG__TYPED(quad) q[QUADS];
    memcpy(q, lane, sizeof q);
    AG__UNROLL
    for (int half = QUADS / 2; half > 0; half /= 2) AG__UNROLL
    for (int i = 0; i < half; i++) q[i] += q[i + half];
#if AG__REAL_BITS == 32
    return (q[0][0] + q[0][2]) + (q[0][1] + q[0][3]);
#else
    return q[0][0] + q[0][1];
#endif
}
