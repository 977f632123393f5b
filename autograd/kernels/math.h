/* math.h - elementary functions as straight-line arithmetic, which compilers vectorise. Part of a text over `real`.
 *
 * exp and log err by less than 1 unit in the last place, the others by less than 2, with and without fused
 * multiply-adds (test_math.c measures); infinities, NaN, subnormal numbers and overflow come out as from libm. No table
 * and no branch: a special case is a selection, which leaves NaN alone when written `x < low ? low : x`. Polynomials
 * are near minimax, evaluated by Horner's rule. Where a rounding would show, the terms of a sum are kept apart until
 * the last addition: with |a| >= |b| the error of s = a + b is (a - s) + b (T. J. Dekker, Numer. Math. 18, 1971).
 * Reductions follow W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980). */
#define M(name) AG__TYPED(name)
#if AG__REAL_BITS == 32
#define BITS     uint32_t
#define SIGNED_BITS int32_t
#define MANTISSA 23
#define BIAS     127u
#define LN2_HI   0x1.62e4p-1f /* 15 bits: times an exponent it is exact */
#define LN2_LO   0x1.7f7d1cp-20f
#else
#define BITS     uint64_t
#define SIGNED_BITS int64_t
#define MANTISSA 52
#define BIAS     1023u
#define LN2_HI   0x1.62e42fefa38p-1 /* 42 bits */
#define LN2_LO   0x1.ef35793c7673p-45
#endif
#define LOG2_E K(0x1.71547652b82fep+0)
/* 1.5 * 2^MANTISSA: adding it rounds to an integer, which then stands in the lowest bits. */
#define SHIFT ((real)((BITS)3 << (MANTISSA - 1)))

typedef BITS M(bits); /* as many as a number has */
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
/* x without the lower half of its digits: the product of two such is exact. */
AG__INLINE real M(upper)(real x)
{
    return M(from_bits)(M(to_bits)(x) >> (MANTISSA / 2 + 1) << (MANTISSA / 2 + 1));
}

/* x, but not below `low` < 0 nor above `high` > 0, by its bits, which takes less time than a selection; NaN becomes a
 * bound. The bits of negative numbers exceed those of positive ones and grow from 0 downwards. */
AG__INLINE real M(clamped)(real x, real low, real high)
{
    BITS b = M(to_bits)(x), least = M(to_bits)(low);
    b = b < least ? b : least;
    SIGNED_BITS s = (SIGNED_BITS)b, most = (SIGNED_BITS)M(to_bits)(high);
    return M(from_bits)((BITS)(s < most ? s : most));
}

/* 1 / x for x > 0 with an error of an eighth: for corrections (the bits of x are nearly a logarithm) */
AG__INLINE real M(rough_reciprocal)(real x)
{
    const BITS magic = AG__REAL_BITS == 32 ? 0x7ef311c7 : (BITS)0x7fde6238da3c2117;
    return M(from_bits)(magic - M(to_bits)(x));
}
/* (a + a_low) / (b + b_low) for b > 0 */
AG__INLINE real M(quotient)(real a, real a_low, real b, real b_low)
{
    real q = a / b;
    return q + (a_low - q * b_low) * M(rough_reciprocal)(b);
}
/* the same as the result + *low */
AG__INLINE real M(quotient_parts)(real a, real a_low, real b, real b_low, real *low)
{
    real q = a / b;
#ifdef __FMA__
    real rest = AG__LIBM(fma)(-q, b, a);
#else
    real qh = M(upper)(q), bh = M(upper)(b), rest = ((a - qh * bh) - qh * (b - bh)) - (q - qh) * b;
#endif
    *low = (rest + (a_low - q * b_low)) * M(rough_reciprocal)(b);
    return q;
}
/* a b as the result + *low */
AG__INLINE real M(product_parts)(real a, real b, real *low)
{
    real p = a * b;
#ifdef __FMA__
    *low = AG__LIBM(fma)(a, b, -p);
#else
    real ah = M(upper)(a), bh = M(upper)(b);
    *low = (ah * bh - p) + (ah * (b - bh) + (a - ah) * b);
#endif
    return p;
}
/* a b + c likewise, if the result less c is exact */
AG__INLINE real M(sum_parts)(real a, real b, real c, real *low)
{
#ifdef __FMA__
    real sum = AG__LIBM(fma)(a, b, c);
    *low = AG__LIBM(fma)(a, b, c - sum);
#else
    real p = M(product_parts)(a, b, low), sum = c + p;
    *low += p - (sum - c);
#endif
    return sum;
}

#include <autograd/kernels/math_exp.h>
#include <autograd/kernels/math_log.h>
#include <autograd/kernels/math_erf.h>
#include <autograd/kernels/math_gelu.h>
#include <autograd/kernels/math_trig.h>
#include <autograd/kernels/math_pow.h>

#undef M
#undef BITS
#undef SIGNED_BITS
#undef MANTISSA
#undef BIAS
#undef LN2_HI
#undef LN2_LO
#undef LOG2_E
#undef SHIFT
#undef EXP_LOW
#undef EXP_HIGH
