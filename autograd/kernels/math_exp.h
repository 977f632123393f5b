/* math_exp.h - exp, expm1, tanh, sigmoid. Part of math.h. */

/* (e^r - 1 - r) / r^2 for |r| <= log(2) / 2 */
AG__INLINE real M(exp_rest)(real r)
{
#if AG__REAL_BITS == 32
    real z = r * r, p = 0x1.6d9930p-10f * z + (0x1.122838p-7f * r + 0x1.555486p-5f);
    p = p * z + (0x1.5554b0p-3f * r + 0x1.000000p-1f);
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
    return p;
}

/* 2^i for the integer in the lowest bits of `shifted`, which is SHIFT + i */
AG__INLINE real M(power_of_2)(real shifted)
{
    return M(from_bits)((M(to_bits)(shifted) - M(to_bits)(SHIFT) + BIAS) << MANTISSA);
}

/* Beyond these e^x is 0 and infinity. */
#define EXP_LOW  (AG__REAL_BITS == 32 ? K(-104) : K(-746))
#define EXP_HIGH (AG__REAL_BITS == 32 ? K(89) : K(710))

/* y 2^n, which may not be a number */
AG__INLINE real M(scaled)(real y, real n)
{
    real half = n * K(0.5) + SHIFT;
    return y * M(power_of_2)(half) * M(power_of_2)(n - (half - SHIFT) + SHIFT);
}

/* e^r = the result, around 1, + *low, which rounding to the result left; |r| <= log(2) / 2 */
AG__INLINE real M(exp_near_0)(real r, real *low)
{
    real y = 1 + r;
    *low = (1 - y + r) + r * r * M(exp_rest)(r);
    return y;
}

/* e^(x + more) = 2^n (the result + *low), more being small */
AG__INLINE real M(exp_parts)(real x, real more, real *n, real *low)
{
    *n = x * LOG2_E + SHIFT - SHIFT;
    return M(exp_near_0)(x - *n * LN2_HI - (*n * LN2_LO - more), low);
}

AG__INLINE real M(exp)(real x)
{
    x = x < EXP_LOW ? EXP_LOW : x;
    x = x > EXP_HIGH ? EXP_HIGH : x;
    real n, low, y = M(exp_parts)(x, 0, &n, &low);
    return M(scaled)(y + low, n);
}

/* 2^n (e^r - 1) + (2^n - 1) with 2^n = s t, all divided by t: exact where n is 0. */
AG__INLINE real M(expm1)(real x)
{
    real c = x < EXP_LOW ? EXP_LOW : x;
    c = c > EXP_HIGH ? EXP_HIGH : c;
    real n = c * LOG2_E + SHIFT - SHIFT, half = n * K(0.5) + SHIFT, other = n - (half - SHIFT) + SHIFT;
    real s = M(power_of_2)(half), t = M(power_of_2)(other), whole = s - M(power_of_2)(2 * SHIFT - other);
    real r = c - n * LN2_HI, r_low = n * LN2_LO, high = r - r_low;
    r_low = (r - high) - r_low, r = high;
    real y = whole + s * r, low = (whole - y) + s * r;
    y = (y + (low + s * (r * r * M(exp_rest)(r) + r_low))) * t;
    return x == 0 ? x : y; /* keeps -0 */
}

/* 1 - 2 / (e^(2|x|) + 1); near 0 |x| + |x|^3 times a rational function of x^2. They share the division. */
AG__INLINE real M(tanh)(real x)
{
    const real one_from = AG__REAL_BITS == 32 ? K(10) : K(20);
    real a = AG__LIBM(fabs)(x);
    a = a > one_from ? one_from : a;
    real n, low, y = M(exp_parts)(2 * a, 0, &n, &low), s = M(power_of_2)(n + SHIFT), z = a * a;
    real e = s * y + 1 + s * low;
#if AG__REAL_BITS == 32
    real p = -0x1.969a4ep-10f * z + -0x1.555552p-2f, q = 0x1.9e5bbcp-2f * z + 1;
#else
    real p = -0x1.a1b4e5dd67593p-13, q = 0x1.b121f4bc98e25p-13;
    p = p * z + -0x1.4fda3296b9fd5p-6, q = q * z + 0x1.7d9aed2c14f57p-6;
    p = p * z + -0x1.5555555555555p-2, q = q * z + 0x1.d8928315dc753p-2;
    q = q * z + 1;
#endif
    bool small = a < K(0.625);
    real quotient = (small ? a * z * p : K(-2)) / (small ? q : e);
    return AG__LIBM(copysign)((small ? a : 1) + quotient, x);
}

/* k sigmoid(x + more), more being small: q = 1 / (1 + s + s m) with e^-(x + more) = s (1 + m), s a power of 2. What
 * rounding took from q is q (1 - q - q s - q s m). Where 1 + s is s, the rest of a large power comes last. */
AG__INLINE real M(sigmoid_times)(real k, real x, real more)
{
    const real highest = 8 - EXP_LOW /* where it is 0 for k up to 1000 */, lowest = K(-60), most = K(100);
    real a = M(clamped)(-x, lowest, highest), n = a * LOG2_E + SHIFT - SHIFT, nearer = M(clamped)(n, -most, most);
    real r = a - n * LN2_HI - (n * LN2_LO + more), m = r + r * r * M(exp_rest)(r);
    real s = M(power_of_2)(nearer + SHIFT), sm = s * m, q = 1 / (1 + s + sm);
    return (k * q + k * q * (1 - q - q * s - q * sm)) * M(power_of_2)(nearer - n + SHIFT);
}
AG__INLINE real M(sigmoid)(real x)
{
    real y = M(sigmoid_times)(1, x, 0);
    return x != x ? x : y;
}
