/* math_log.h - log, log1p, softplus. Part of math.h. The reduction is that of K. C. Ng in fdlibm. */

/* x = 2^k (1 + f) with 1 + f around 1, for 0 < x < infinity. Returns k. */
AG__INLINE real M(log_split)(real x, real *f)
{
    const real tiny = M(from_bits)((BITS)1 << MANTISSA), lift = M(from_bits)((BITS)(BIAS + MANTISSA + 1) << MANTISSA);
    const BITS root_half = M(to_bits)(K(0x1.6a09e667f3bcdp-1));
    bool subnormal = x < tiny;
    BITS b = M(to_bits)(subnormal ? x * lift : x) + (((BITS)BIAS << MANTISSA) - root_half);
    *f = M(from_bits)((b & (((BITS)1 << MANTISSA) - 1)) + root_half) - 1;
    /* the biased exponent as a real, by way of the lowest bits of 2^MANTISSA */
    real k = M(from_bits)((b >> MANTISSA) | ((BITS)(BIAS + MANTISSA) << MANTISSA)) - (real)((BITS)1 << MANTISSA);
    return k - (subnormal ? (real)(BIAS + MANTISSA + 1) : (real)BIAS);
}

/* log(x) + c for a small correction c: log(1 + f) = 2 atanh(s), s = f / (2 + f) */
AG__INLINE real M(log_positive)(real x, real c)
{
    real f, k = M(log_split)(x, &f), s = f / (2 + f), z = s * s, half_square = K(0.5) * f * f;
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

/* log(1 + e^x) = max(x, 0) + log(1 + e), e = e^-|x|. What rounding 1 + e left is to be divided by it: nearly exactly
 * where it counts, near 1. */
AG__INLINE real M(softplus)(real x)
{
    real e = M(exp)(-AG__LIBM(fabs)(x)), w = 1 + e, y = M(log_positive)(w, (1 - w + e) * (K(1.5) - K(0.5) * w));
    return y + (x > 0 ? x : 0);
}
