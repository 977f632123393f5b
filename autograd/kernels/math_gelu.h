/* math_gelu.h - x Phi(x), Phi the normal distribution, its approximation by tanh, and their slopes. Part of math.h. */

/* Phi(-a) e^(a^2 / 2) (2 + 2 a) - 1 for a >= 1/2; see math_erf.h. */
AG__INLINE real M(normal_tail)(real a)
{
#if AG__REAL_BITS == 32
    real t = (a - K(3.5)) / (a + K(3.5));
    real p = 0x1.3232ep-21f;
    p = p * t + 0x1.76f4d8p-12f;
    p = p * t + 0x1.0419cap-12f;
    p = p * t - 0x1.725e9cp-9f;
    p = p * t + 0x1.1bd778p-11f;
    p = p * t + 0x1.54143ap-6f;
    p = p * t - 0x1.efbb7cp-5f;
    p = p * t + 0x1.37afe8p-4f;
    p = p * t + 0x1.9c8de2p-10f;
    p = p * t - 0x1.903b0ep-3f;
    p = p * t - 0x1.5f627p-5f;
#else
    real t = (a - 4) / (a + 4);
    real p = -0x1.43101e0928953p-28;
    p = p * t + 0x1.e1eb75ddca61fp-28;
    p = p * t + 0x1.5fda70ee0d19fp-25;
    p = p * t - 0x1.0f738e501f3e7p-25;
    p = p * t - 0x1.ef34382f244d1p-23;
    p = p * t - 0x1.1606ca15f563p-28;
    p = p * t + 0x1.2a5620d9f001bp-20;
    p = p * t + 0x1.b449b4ba7c764p-21;
    p = p * t - 0x1.5ef6eb1005f5cp-18;
    p = p * t - 0x1.ccbed03caa9a5p-18;
    p = p * t + 0x1.c943d10e00ca5p-16;
    p = p * t + 0x1.6484d6fd9b5bp-15;
    p = p * t - 0x1.707bcd7af053dp-13;
    p = p * t - 0x1.8c11bb5438454p-13;
    p = p * t + 0x1.6c538371e9e97p-10;
    p = p * t - 0x1.2b7f5dc019e1fp-11;
    p = p * t - 0x1.47d5fc75543e6p-7;
    p = p * t + 0x1.25dd7205f2117p-5;
    p = p * t - 0x1.07c3c2582ae2ap-4;
    p = p * t + 0x1.d4969f10e0616p-5;
    p = p * t + 0x1.cabd72a60f7f1p-6;
    p = p * t - 0x1.8c18f2086e34dp-3;
    p = p * t - 0x1.c9e159045ebecp-5;
#endif
    return p;
}
/* (Phi(x) - 1/2) / x for |x| <= 1/2, z = x^2 */
AG__INLINE real M(normal_near_0)(real z)
{
#if AG__REAL_BITS == 32
    real p = -0x1.27f5d4p-10f;
    p = p * z + 0x1.46817p-7f;
    p = p * z - 0x1.1057b4p-4f;
    p = p * z + 0x1.988452p-2f;
#else
    real p = 0x1.26d767dedd11ap-29;
    p = p * z - 0x1.619a3e593fd13p-25;
    p = p * z + 0x1.6587e7547c88p-21;
    p = p * z - 0x1.3ce8f54f31571p-17;
    p = p * z + 0x1.e42b0d426d6a2p-14;
    p = p * z - 0x1.37403f6b94673p-10;
    p = p * z + 0x1.46d0429769136p-7;
    p = p * z - 0x1.1058377e2ceep-4;
    p = p * z + 0x1.9884533d43651p-2;
#endif
    return p;
}

/* Phi(-a) for 1/2 <= a <= NORMAL_ZERO is 2^n (the result + *rest), e^(-a^2 / 2) is 2^n *y. */
#define NORMAL_ZERO (AG__REAL_BITS == 32 ? K(14.5) : K(39))
AG__INLINE real M(normal_far)(real a, real *n, real *y, real *rest)
{
    real u = M(upper)(a), low, high = M(exp_parts)(K(-0.5) * u * u, K(-0.5) * (a - u) * (a + u), n, &low);
    *y = high + low;
    low += *y * M(normal_tail)(a);
    real w = high + low, d = 1 + a;
    return M(quotient_parts)(K(0.5) * w, K(0.5) * (high - w + low), d, a - (d - 1), rest);
}

/* The far part is multiplied by x before it may become subnormal. */
AG__INLINE real M(gelu)(real x)
{
    real a = AG__LIBM(fabs)(x), n, y, rest;
    a = a > NORMAL_ZERO ? NORMAL_ZERO : a;
    real tail = M(normal_far)(a, &n, &y, &rest), near = x * (K(0.5) + x * M(normal_near_0)(x * x));
    real far = M(scaled)(a * tail + a * rest, n);
    far = x < 0 ? -far : x - far;
    far = x == -K(INFINITY) ? K(NAN) : far; /* as -inf times 0 */
    return a < K(0.5) ? near : far;
}
/* Phi(x) + x e^(-x^2 / 2) / sqrt(2 pi) */
AG__INLINE real M(gelu_slope)(real x)
{
    real a = AG__LIBM(fabs)(x), n, y, rest;
    a = a > NORMAL_ZERO ? NORMAL_ZERO : a;
    real tail = M(normal_far)(a, &n, &y, &rest), near = K(0.5) + x * M(normal_near_0)(x * x);
    tail = M(scaled)(tail + rest, n);
    real far = x < 0 ? tail : 1 - tail;
    return (a < K(0.5) ? near : far) + x * (K(0.3989422804014327) * M(scaled)(y, n));
}
#undef NORMAL_ZERO

/* x sigmoid(v), v = x (c0 + c1 x^2) */
#define GELU_0    1.5957691216057308  /* 2 sqrt(2 / pi) */
#define GELU_1    0.07135481627260025 /* times 0.044715 */
#define GELU_LOW  K(-30)              /* where it is 0 */
#define GELU_HIGH K(8)                /* where the sigmoid is 1 */
/* The exponential of a large v would show its rounding error: v is a sum of two numbers, and c0 has half the digits so
 * that w - c0 is exact. */
AG__INLINE real M(gelu_tanh)(real x)
{
    const real c0 = M(upper)(K(GELU_0)), c0_low = (real)(GELU_0 - (double)c0);
    const real c1 = K(GELU_1), c1_low = (real)(GELU_1 - (double)c1);
    real z_low, w_low, v_low, z = M(product_parts)(x, x, &z_low), w = M(sum_parts)(c1, z, c0, &w_low);
    w_low += c0_low + c1 * z_low + c1_low * z;
    real v = M(product_parts)(x, w, &v_low), y = M(sigmoid_times)(x, v, v_low + x * w_low);
    y = x < GELU_LOW ? 0 * x : y;
    return x > GELU_HIGH ? x : y;
}
/* s + x s (1 - s) v' with s = sigmoid(v) = 1 / (1 + e), 1 - s = e s and v' = c0 + 3 c1 x^2 */
AG__INLINE real M(gelu_tanh_slope)(real x)
{
    const real most = 80; /* of |v| */
    real c = M(clamped)(x, GELU_LOW, -GELU_LOW), z = c * c, v = c * (K(GELU_0) + K(GELU_1) * z);
    real a = M(clamped)(-v, -most, most), n = a * LOG2_E + SHIFT - SHIFT, r = a - n * LN2_HI - n * LN2_LO;
    real p = M(power_of_2)(n + SHIFT), e = p + p * (r + r * r * M(exp_rest)(r)), s = 1 / (1 + e);
    return s + c * (e * s * s) * (K(GELU_0) + K(3 * GELU_1) * z);
}
#undef GELU_0
#undef GELU_1
#undef GELU_LOW
#undef GELU_HIGH
