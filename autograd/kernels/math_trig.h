/* math_trig.h - sin, cos, tan for |x| up to TRIG_HIGHEST. Part of math.h; f32 is computed in f64.
 *
 * x = n pi/2 + r + c with |r| <= pi/4: pi/2 in parts, those before the last so short that times n they are exact. */
#if AG__REAL_BITS == 32
#define TRIG_HIGHEST 0x1p20f
#else
#define TRIG_HIGHEST 0x1p13
#endif

/* Where these don't serve: also infinities and NaN. */
AG__INLINE bool M(trig_beyond)(real x) { return !(AG__LIBM(fabs)(x) <= TRIG_HIGHEST); }

/* A number and what rounding left of it. */
typedef struct M(pair) {
    double high, low;
} M(pair);

/* Sine and cosine of r + c. Returns which quarter of the turn x is in, in the lowest two bits. */
AG__INLINE uint64_t M(sin_cos)(real x, M(pair) * sine, M(pair) * cosine)
{
    const double shift = 0x1.8p52, a = (fabs)((double)x);
    double shifted = a * 0x1.45f306dc9c883p-1 + shift, n = shifted - shift;
    uint64_t quarter;
    memcpy(&quarter, &shifted, sizeof quarter);
#if AG__REAL_BITS == 32
    double r = a - n * 0x1.921fb544p+0 - n * 0x1.0b4611a626331p-34, z = r * r; /* 33 and 53 bits */
    double p = 0x1.6dbdd26f3a324p-19;
    p = p * z - 0x1.a013a6edc8779p-13;
    p = p * z + 0x1.11110deeb33a8p-7;
    p = p * z - 0x1.555555545dd83p-3;
    *sine = (M(pair)){ r, r * z * p };
    p = -0x1.25242a3a04168p-22;
    p = p * z + 0x1.a015c40ec60c3p-16;
    p = p * z - 0x1.6c16bf549517fp-10;
    p = p * z + 0x1.5555555502be6p-5;
    *cosine = (M(pair)){ 1 - 0.5 * z, z * z * p };
#else
    double b = a - n * 0x1.921fb54442p+0, d = n * 0x1.a308d31318p-41, e = b - d; /* 40 bits each */
    double rest = n * 0x1.8a2e03707344ap-81 - ((b - e) - d), r = e - rest, c = (e - r) - rest, z = r * r;
    double p = 0x1.5e0af18699f16p-33;
    p = p * z - 0x1.ae600a926c40bp-26;
    p = p * z + 0x1.71de37961e4cp-19;
    p = p * z - 0x1.a01a019e8357cp-13;
    p = p * z + 0x1.1111111110bb1p-7;
    p = p * z - 0x1.5555555555555p-3;
    double w = 1 - 0.5 * z;
    *sine = (M(pair)){ r, r * z * p + c * w };
    p = -0x1.907d7aebc05d2p-37;
    p = p * z + 0x1.1eeb68b108f2bp-29;
    p = p * z - 0x1.27e4fa17a41b1p-22;
    p = p * z + 0x1.a01a019f4e867p-16;
    p = p * z - 0x1.6c16c16c16966p-10;
    p = p * z + 0x1.5555555555555p-5;
    *cosine = (M(pair)){ w, ((1 - w) - 0.5 * z) + (z * z * p - r * c) };
#endif
    return quarter;
}

AG__INLINE real M(sin)(real x)
{
    M(pair) s, c;
    uint64_t quarter = M(sin_cos)(x, &s, &c);
    double y = (quarter & 1 ? c.high : s.high) + (quarter & 1 ? c.low : s.low);
    return AG__LIBM(copysign)(1, x) * (real)(quarter & 2 ? -y : y);
}
AG__INLINE real M(cos)(real x)
{
    M(pair) s, c;
    uint64_t quarter = M(sin_cos)(x, &s, &c);
    double y = (quarter & 1 ? s.high : c.high) + (quarter & 1 ? s.low : c.low);
    return (real)((quarter + 1) & 2 ? -y : y);
}
#define QUOTIENT AG__JOIN3(quotient, f64, AG__ISA)
AG__INLINE real M(tan)(real x)
{
    M(pair) s, c;
    uint64_t quarter = M(sin_cos)(x, &s, &c);
    double s_high = s.high + s.low, c_high = c.high + c.low;
    s.low += s.high - s_high, c.low += c.high - c_high;
    double y = quarter & 1 ? -QUOTIENT(c_high, c.low, s_high, s.low) : QUOTIENT(s_high, s.low, c_high, c.low);
    return AG__LIBM(copysign)(1, x) * (real)y;
}
#undef TRIG_HIGHEST
#undef QUOTIENT
