/* loops_real.h - the loops over `real`, a part of loops.c: compiled for f32 and f64, into each instruction set's
 * functions. The order of operations is that of PyTorch's CPU code for one tensor. */

AG__INLINE void AG__NAME(sgd)(const ag__pass *a, real *restrict buffer)
{
    const ag__sgd *c = a->constants;
    real *restrict p = a->p;
    const real *restrict g = a->g;
    const int64_t n = a->n;
    const real rate = (real)-c->lr, decay = (real)c->decay, keep = (real)c->keep, take = (real)c->take;
    const real ahead = (real)c->ahead;
    for (int64_t i = 0; i < n; i++) {
        real d = decay != 0 ? g[i] + decay * p[i] : g[i];
        if (buffer) {
            buffer[i] = keep * buffer[i] + take * d;
            d = c->nesterov ? d + ahead * buffer[i] : buffer[i];
        }
        p[i] += rate * d;
    }
}

AG__INLINE void AG__NAME(adam)(const ag__pass *a, real *restrict vmax)
{
    const ag__adam *c = a->constants;
    real *restrict p = a->p, *restrict m = a->x[0], *restrict v = a->x[1];
    const real *restrict g = a->g;
    const int64_t n = a->n;
    const real beta1 = (real)c->beta1, rest1 = (real)(1 - c->beta1), beta2 = (real)c->beta2;
    const real rest2 = (real)(1 - c->beta2), rate = (real)-c->rate, root = (real)c->root, eps = (real)c->eps;
    const real decay = (real)c->decay, shrink = (real)c->shrink;
    for (int64_t i = 0; i < n; i++) {
        real x = shrink * p[i], d = decay != 0 ? g[i] + decay * x : g[i];
        m[i] = beta1 * m[i] + rest1 * d;
        v[i] = beta2 * v[i] + rest2 * d * d;
        real largest = v[i];
        if (vmax) { /* a NaN stays */
            largest = largest > vmax[i] || largest != largest ? largest : vmax[i];
            vmax[i] = largest;
        }
        p[i] = x + rate * m[i] / (AG__SQRT(largest) / root + eps);
    }
}
