/* math_pow.h - a^b. Part of math.h.
 *
 * log2 |a| and its product with b are sums of two numbers; the first has half the digits, so that products of two such
 * are exact. After e_pow.c of
 * fdlibm (K. C. Ng). */
#if AG__REAL_BITS == 64

/* log2(x) = the result, of 26 bits, + *low, for 0 < x < infinity. x = 2^k (1 + f), s = f / (2 + f),
 * log(1 + f) = 2/3 s (3 + s^2 + 3/5 s^4 + ...). */
AG__INLINE real M(log2_pair)(real x, real *low)
{
    real f, k = M(log_split)(x, &f), d = 2 + f, v = 1 / d, s = f * v;
    real sh = M(upper)(s), dh = M(upper)(d), sl = v * ((f - sh * dh) - sh * (f - (dh - 2)));
    real z = s * s, square = sh * sh;
    real p = 0x1.682bdc1b45fa4p-3;
    p = p * z + 0x1.679cb97760752p-3;
    p = p * z + 0x1.99a5341ab7aa7p-3;
    p = p * z + 0x1.d89d60943a82dp-3;
    p = p * z + 0x1.1745d19c1f28fp-2;
    p = p * z + 0x1.555555552fc41p-2;
    p = p * z + 0x1.b6db6db6db7b4p-2;
    p = p * z + 0x1.3333333333333p-1;
    real rest = z * z * p + sl * (sh + s), th = M(upper)(3 + square + rest), tl = rest - ((th - 3) - square);
    real u = sh * th, w = sl * th + tl * s, ph = M(upper)(u + w), pl = w - (ph - u);
    real zh = 0x1.ec709d8p-1 * ph, zl = 0x1.0e80ff5d27f05p-27 * ph + pl * 0x1.ec709dc3a03fdp-1; /* times 2/3 log2(e) */
    real high = M(upper)(zh + zl + k);
    *low = zl - ((high - k) - zh);
    return high;
}

/* Where M(pow) does not serve. */
AG__INLINE bool M(pow_beyond)(real a, real b) { return !(a != 0 && (fabs)(a) < INFINITY && (fabs)(b) < 0x1p51); }

/* NaN for a negative a unless b is whole. */
AG__INLINE real M(pow)(real a, real b)
{
    const real most = 1200, whole = b + SHIFT;
    real tl, th = M(log2_pair)((fabs)(a), &tl), bh = M(upper)(b), high = bh * th, low = (b - bh) * th + b * tl;
    low = (fabs)(high) > most ? 0 : low;
    high = high > most ? most : high;
    high = high < -most ? -most : high;
    real n = high + low + SHIFT - SHIFT, g = M(upper)(high - n + low), e = low - (g - (high - n));
    real x = g * 0x1.62e42f8p-1, more = e * 0x1.62e42fefa39efp-1 + g * 0x1.be8e7bcd5e4f2p-27; /* times log(2) */
    real r = x + more, rest, y = M(exp_near_0)(r, &rest);
    y = M(scaled)(y + (rest + ((x - r) + more)), n);
    y = a < 0 && (M(to_bits)(whole) & 1) ? -y : y;
    return a < 0 && whole - SHIFT != b ? NAN : y;
}
#else
/* In f64 the rounding errors of e^(b log |a|) are far below those of f32. */
AG__INLINE bool M(pow_beyond)(real a, real b) { return AG__JOIN3(pow_beyond, f64, AG__ISA)((double)a, (double)b); }
AG__INLINE real M(pow)(real a, real b)
{
    const double shift = 0x1.8p52, whole = (double)b + shift;
    double log = AG__JOIN3(log_positive, f64, AG__ISA)((fabs)((double)a), 0);
    real y = (real)AG__JOIN3(exp, f64, AG__ISA)((double)b * log);
    y = a < 0 && (AG__JOIN3(to_bits, f64, AG__ISA)(whole) & 1) ? -y : y;
    return a < 0 && whole - shift != (double)b ? K(NAN) : y;
}
#endif
