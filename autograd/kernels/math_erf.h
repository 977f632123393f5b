/* math_erf.h - erf, erfc. Part of math.h.
 *
 * Up to 1/2: erf x = x + x P(x^2). Beyond: erfc x = e^(-x^2) W / (1 + 2 x), where W stays around 1 and is a polynomial
 * in t = (x - k) / (x + k) (M. M. Shepherd and J. G. Laframboise, Math. Comp. 36, 1981). x^2 is split into an exact
 * part and a small rest. */

/* erf(x) for |x| < 1/2 */
AG__INLINE real M(erf_near_0)(real x)
{
    real z = x * x;
#if AG__REAL_BITS == 32
    real p = 0x1.354512p-8f;
    p = p * z - 0x1.b6661p-6f;
    p = p * z + 0x1.ce251p-4f;
    p = p * z - 0x1.812732p-2f;
    p = p * z + 0x1.06eba8p-3f;
#else
    real p = -0x1.39fb524c378b2p-23;
    p = p * z + 0x1.b776442d980fcp-20;
    p = p * z - 0x1.f4bb9f72fc2f1p-17;
    p = p * z + 0x1.f9a2a6635fb5cp-14;
    p = p * z - 0x1.c02db23d41128p-11;
    p = p * z + 0x1.565bcd0aa6349p-8;
    p = p * z - 0x1.b82ce3127f739p-6;
    p = p * z + 0x1.ce2f21a042b29p-4;
    p = p * z - 0x1.812746b0379e6p-2;
    p = p * z + 0x1.06eba8214db69p-3;
#endif
    return x * p + x;
}

/* erfc(x) for x >= 1/2 */
AG__INLINE real M(erfc_far)(real x)
{
    const real zero_from = AG__REAL_BITS == 32 ? K(10.5) : K(27.5);
    x = x > zero_from ? zero_from : x;
#if AG__REAL_BITS == 32
    real t = (x - 3) / (x + 3);
    real p = -0x1.84bd3ap-13f;
    p = p * t - 0x1.6a235cp-11f;
    p = p * t + 0x1.00521ep-9f;
    p = p * t + 0x1.486456p-9f;
    p = p * t - 0x1.85c588p-6f;
    p = p * t + 0x1.17cd24p-4f;
    p = p * t - 0x1.e8892p-4f;
    p = p * t + 0x1.098354p-3f;
    p = p * t - 0x1.85a18ep-5f;
    p = p * t - 0x1.15c084p-3f;
    p = p * t + 0x1.03148cp-2f;
#else
    real t = (x - 4) / (x + 4);
    real p = -0x1.6baca058bd04ep-27;
    p = p * t - 0x1.a6e1625c75169p-27;
    p = p * t + 0x1.c723e77fd6127p-24;
    p = p * t + 0x1.20d34f3e95121p-24;
    p = p * t - 0x1.b9c98b0937702p-21;
    p = p * t + 0x1.41606d0c44479p-22;
    p = p * t + 0x1.7f1d62b12fa4fp-18;
    p = p * t - 0x1.78a25bbf98ed4p-17;
    p = p * t - 0x1.995930b07b27ep-16;
    p = p * t + 0x1.3be0cde973d2dp-13;
    p = p * t - 0x1.a1df1f72dd703p-13;
    p = p * t - 0x1.8d4aa0f67d615p-11;
    p = p * t + 0x1.49c6727792682p-8;
    p = p * t - 0x1.0962387e35fcap-6;
    p = p * t + 0x1.3079edf6c224dp-5;
    p = p * t - 0x1.0fb06dfe6860cp-4;
    p = p * t + 0x1.7fee004e10359p-4;
    p = p * t - 0x1.9ddb23c3e7ec3p-4;
    p = p * t + 0x1.16ecefcfa5491p-4;
    p = p * t + 0x1.f7f5df66fd5afp-7;
    p = p * t - 0x1.1df1ad154a28fp-3;
    p = p * t + 0x1.dd2c8b74febf6p-3;
#endif
    real u = M(upper)(x), n, low, y = M(exp_parts)(-u * u, -(x - u) * (x + u), &n, &low);
    low += (y + low) * p;
    real w = y + low, d = 1 + 2 * x;
    return M(scaled)(M(quotient)(w, y - w + low, d, 1 - (d - 2 * x)), n);
}

AG__INLINE real M(erf)(real x)
{
    real a = AG__LIBM(fabs)(x), far = AG__LIBM(copysign)(1 - M(erfc_far)(a), x);
    return a < K(0.5) ? M(erf_near_0)(x) : far;
}

AG__INLINE real M(erfc)(real x)
{
    real a = AG__LIBM(fabs)(x), far = M(erfc_far)(a);
    far = x < 0 ? 2 - far : far;
    return a < K(0.5) ? 1 - M(erf_near_0)(x) : far;
}
