/* math.h - elementary functions as straight-line arithmetic, which compilers vectorise. Part of a text over `real`.
 *
 * Errors stay below 2 units in the last place, mostly below 1 (test_kernels.c measures); infinities, NaN, subnormal
 * numbers and overflow come out as from libm. No table and no branch: a special case is a selection, which leaves NaN
 * alone when written `x < low ? low : x`. Polynomials are minimax, evaluated by Horner's rule. The reductions follow
 * W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980); log's is that of K. C. Ng in fdlibm. */
#define M(name) AG__TYPED(name)
#if AG__REAL_BITS == 32
#define BITS     uint32_t
#define MANTISSA 23
#define BIAS     127u
#define LN2_HI   0x1.62e4p-1f /* 15 bits: times an exponent it is exact */
#define LN2_LO   0x1.7f7d1cp-20f
#else
#define BITS     uint64_t
#define MANTISSA 52
#define BIAS     1023u
#define LN2_HI   0x1.62e42fefa38p-1 /* 42 bits */
#define LN2_LO   0x1.ef35793c7673p-45
#endif
#define LOG2_E K(0x1.71547652b82fep+0)
/* 1.5 * 2^MANTISSA: adding it rounds to an integer, which then stands in the lowest bits. */
#define SHIFT ((real)((BITS)3 << (MANTISSA - 1)))

AG__INLINE BITS M(to_bits)(real x)
{
    BITS b;
    memcpy(&b, &x, sizeof b);
    return b;
}
AG__INLINE real M(from_bits)(BITS b)
{
    real x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* e^r - 1 for |r| <= log(2) / 2 */
AG__INLINE real M(expm1_near_0)(real r)
{
#if AG__REAL_BITS == 32
    real p = 0x1.6d9930p-10f;
    p = p * r + 0x1.122838p-7f;
    p = p * r + 0x1.555486p-5f;
    p = p * r + 0x1.5554b0p-3f;
    p = p * r + 0x1.000000p-1f;
#else
    real p = 0x1.af76cae5ee8edp-26;
    p = p * r + 0x1.28a2d27f24e3ap-22;
    p = p * r + 0x1.71dde9f3c5988p-19;
    p = p * r + 0x1.a019a6604df01p-16;
    p = p * r + 0x1.a01a01b5df0d2p-13;
    p = p * r + 0x1.6c16c17f43508p-10;
    p = p * r + 0x1.111111110e6c4p-7;
    p = p * r + 0x1.55555555520c8p-5;
    p = p * r + 0x1.555555555555cp-3;
    p = p * r + 0x1.0000000000005p-1;
#endif
    return r * r * p + r;
}

/* 2^i for the integer in the lowest bits of `shifted`, which is SHIFT + i */
AG__INLINE real M(power_of_2)(real shifted)
{
    return M(from_bits)((M(to_bits)(shifted) - M(to_bits)(SHIFT) + BIAS) << MANTISSA);
}

/* x = n log(2) + r: returns r and, as SHIFT + i, halves of n that sum up to it; 2^n itself may not be a number. */
AG__INLINE real M(reduce_exp)(real x, real *half, real *other_half)
{
    real n = x * LOG2_E + SHIFT - SHIFT;
    *half = n * K(0.5) + SHIFT;
    *other_half = n - (*half - SHIFT) + SHIFT;
    return x - n * LN2_HI - n * LN2_LO;
}

/* Beyond these e^x is 0 and infinity. */
#define EXP_LOW  (AG__REAL_BITS == 32 ? K(-104) : K(-746))
#define EXP_HIGH (AG__REAL_BITS == 32 ? K(89) : K(710))

AG__INLINE real M(exp)(real x)
{
    x = x < EXP_LOW ? EXP_LOW : x;
    x = x > EXP_HIGH ? EXP_HIGH : x;
    real half, other, r = M(reduce_exp)(x, &half, &other);
    return (1 + M(expm1_near_0)(r)) * M(power_of_2)(half) * M(power_of_2)(other);
}

/* 2^n (e^r - 1) + (2^n - 1), with 2^n = s t: exact where n is 0. */
AG__INLINE real M(expm1)(real x)
{
    real c = x < EXP_LOW ? EXP_LOW : x;
    c = c > EXP_HIGH ? EXP_HIGH : c;
    real half, other, r = M(reduce_exp)(c, &half, &other);
    real s = M(power_of_2)(half), t = M(power_of_2)(other), one_over_t = M(power_of_2)(2 * SHIFT - other);
    real y = (s * M(expm1_near_0)(r) + (s - one_over_t)) * t;
    return x == 0 ? x : y; /* keeps -0 */
}

/* e / (e + 2) with e = e^(2|x|) - 1, which keeps the relative accuracy near 0 */
AG__INLINE real M(tanh)(real x)
{
    const real one_from = AG__REAL_BITS == 32 ? K(10) : K(20);
    real a = AG__LIBM(fabs)(x);
    a = a > one_from ? one_from : a;
    real half, other, r = M(reduce_exp)(2 * a, &half, &other);
    real s = M(power_of_2)(half) * M(power_of_2)(other);
    real e = s * M(expm1_near_0)(r) + (s - 1);
    return AG__LIBM(copysign)(e / (e + 2), x);
}

/* log(x) + c for 0 < x < infinity and a small correction c: x = 2^k (1 + f) with 1 + f around 1, and
 * log(1 + f) = 2 atanh(s), s = f / (2 + f). */
AG__INLINE real M(log_positive)(real x, real c)
{
    const real tiny = M(from_bits)((BITS)1 << MANTISSA), lift = M(from_bits)((BITS)(BIAS + MANTISSA + 1) << MANTISSA);
    const BITS root_half = M(to_bits)(K(0x1.6a09e667f3bcdp-1));
    bool subnormal = x < tiny;
    BITS b = M(to_bits)(subnormal ? x * lift : x) + (((BITS)BIAS << MANTISSA) - root_half);
    /* the biased exponent as a real, by way of the lowest bits of 2^MANTISSA */
    real k = M(from_bits)((b >> MANTISSA) | ((BITS)(BIAS + MANTISSA) << MANTISSA)) - (real)((BITS)1 << MANTISSA);
    k -= subnormal ? (real)(BIAS + MANTISSA + 1) : (real)BIAS;
    real f = M(from_bits)((b & (((BITS)1 << MANTISSA) - 1)) + root_half) - 1;
    real s = f / (2 + f), z = s * s, half_square = K(0.5) * f * f;
#if AG__REAL_BITS == 32
    real p = 0x1.31ea0ap-2f;
    p = p * z + 0x1.995e7cp-2f;
    p = p * z + 0x1.55557ap-1f;
#else
    real p = 0x1.2f15b9e5b28e7p-3;
    p = p * z + 0x1.39a02f09b330cp-3;
    p = p * z + 0x1.74664d75bce34p-3;
    p = p * z + 0x1.c71c51c66c473p-3;
    p = p * z + 0x1.249249423e5dap-2;
    p = p * z + 0x1.999999997f8a5p-2;
    p = p * z + 0x1.5555555555593p-1;
#endif
    real low = s * (half_square + z * p) + (k * LN2_LO + c);
    return k * LN2_HI - ((half_square - low) - f);
}

AG__INLINE real M(log_special)(real x, real y)
{
    y = x < K(INFINITY) ? y : x;
    y = x > 0 ? y : K(NAN);
    return x == 0 ? -K(INFINITY) : y;
}

AG__INLINE real M(log)(real x) { return M(log_special)(x, M(log_positive)(x, 0)); }

/* The rounding error of 1 + x comes back as a correction. */
AG__INLINE real M(log1p)(real x)
{
    real w = 1 + x, y = M(log_special)(w, M(log_positive)(w, (x - (w - 1)) / w));
    return x == 0 ? x : y;
}

#undef M
#undef BITS
#undef MANTISSA
#undef BIAS
#undef LN2_HI
#undef LN2_LO
#undef LOG2_E
#undef SHIFT
#undef EXP_LOW
#undef EXP_HIGH
