/* fused.c - arrays of inputs, and statements of any number of operands with one result: one id and one adjoint each. */
#include <autograd/tape/streams.h>

void ags_inputs(size_t n, const double *values, ag_scalar *x)
{
    if (n == 0) return;
    if (!values || !x) {
        ag_fail(AG_ENULL, "ags_inputs: the array of %zu %s is NULL", n, values ? "scalars" : "values");
        for (size_t i = 0; x && i < n; i++) x[i] = ag_const(0);
        return;
    }
    ag_tape *t = ag__tape("ags_inputs");
    if (t)
        ag__streams_inputs(t, n, values, x);
    else
        for (size_t i = 0; i < n; i++) x[i] = ag_const(values[i]);
}

static bool given(size_t n, const void *array, const char *who)
{
    if (n == 0 || array) return true;
    ag_fail(AG_ENULL, "%s: an array of %zu elements is NULL", who, n);
    return false;
}

/* Few numbers as a rule: a call would cost more than they do. */
static inline void copy(size_t n, const double *from, double *to)
{
    for (; n >= 4; n -= 4, from += 4, to += 4) to[0] = from[0], to[1] = from[1], to[2] = from[2], to[3] = from[3];
    if (n & 2) to[0] = from[0], to[1] = from[1], to += 2, from += 2;
    if (n & 1) to[0] = from[0];
}

/* Room for a list of `lists` times n operands and as many partials; NULL: not to be recorded. */
static inline uint32_t *open_list(ag_pen *p, unsigned code, size_t n, size_t lists)
{
    if (n > (UINT32_MAX - 2) / lists) {
        ag_fail(AG_ENOMEM, "%s: %zu operands are too many", ag__statement_name(code), n);
        return NULL;
    }
    n *= lists;
    return ag__room(p, 1, n + 2, ag__form_of[code].per * n) ? p->ix + 1 : NULL;
}

/* Ids of x into ix, 0 for constants; the union of their bits. `before` counts the operands in front of them. */
static inline uint32_t put_ids(ag_pen *p, unsigned code, size_t n, const ag_scalar *x, size_t before, uint32_t *ix)
{
    uint32_t foreign = 0, any = 0;
    for (size_t i = 0; i < n; i++) {
        ix[i] = x[i].id;
        any |= x[i].id;
        foreign |= x[i].gen ^ p->gen;
    }
    if (ag__likely(!foreign)) return any;
    any = 0;
    for (size_t i = 0; i < n; i++) any |= ix[i] = ag__settled(p, x[i], code, (unsigned)(before + i + 1));
    return any;
}

/* Where nothing is recorded, stale operands are reported all the same. */
static ag_scalar unrecorded(ag_pen *p, unsigned code, size_t n, const ag_scalar *x, size_t before, double y)
{
    for (size_t i = 0; i < n; i++) ag__settled(p, x[i], code, (unsigned)(before + i + 1));
    return ag_const(y);
}

/* Ends a list of n ids; n partials were written if the code has any. With constants only, nothing was recorded. */
static inline ag_scalar close_list(ag_pen *p, unsigned code, size_t n, uint32_t any, double y)
{
    if (any == 0) return ag_const(y);
    p->ix[0] = p->ix[n + 1] = (uint32_t)n;
    p->val[p->next & p->keep] = y;
    const uint32_t id = ag__close(p, code, 1, p->ix + n + 2, p->pd + ag__form_of[code].per * n);
    return (ag_scalar){ y, id, p->gen };
}

ag_scalar ag__pen_list(ag_pen *p, unsigned code, double y, size_t n, const ag_scalar *x, const double *partial)
{
    if (!given(n, x, ag__statement_name(code)) || !given(n, partial, ag__statement_name(code))) return ag_const(y);
    uint32_t *ix = open_list(p, code, n, 1);
    if (!ix) return unrecorded(p, code, n, x, 0, y);
    copy(n, partial, p->pd);
    return close_list(p, code, n, put_ids(p, code, n, x, 0, ix), y);
}

ag_scalar ags_statement(double y, size_t n, const ag_scalar *x, const double *partial)
{
    return ag__pen_list(&ag__pen, AG__S_STATEMENT, y, n, x, partial);
}
ag_scalar ags_lin(size_t n, const ag_scalar *x, const double *k)
{
    return ags_lin_on(&ag__pen, n, x, k);
}

ag_scalar ags_sum(size_t n, const ag_scalar *x)
{
    ag_pen *p = &ag__pen;
    double y = 0;
    if (!given(n, x, "ags_sum")) return ag_const(y);
    for (size_t i = 0; i < n; i++) y += x[i].value;
    uint32_t *ix = open_list(p, AG__S_SUM, n, 1);
    if (!ix) return unrecorded(p, AG__S_SUM, n, x, 0, y);
    return close_list(p, AG__S_SUM, n, put_ids(p, AG__S_SUM, n, x, 0, ix), y);
}

ag_scalar ags_dot(size_t n, const ag_scalar *x, const ag_scalar *y)
{
    ag_pen *p = &ag__pen;
    double v = 0;
    if (!given(n, x, "ags_dot") || !given(n, y, "ags_dot")) return ag_const(v);
    for (size_t i = 0; i < n; i++) v += x[i].value * y[i].value;
    uint32_t *ix = open_list(p, AG__S_DOT, n, 2), any;
    if (!ix) {
        unrecorded(p, AG__S_DOT, n, x, 0, v);
        return unrecorded(p, AG__S_DOT, n, y, n, v);
    }
    for (size_t i = 0; i < n; i++) p->pd[i] = y[i].value, p->pd[n + i] = x[i].value;
    any = put_ids(p, AG__S_DOT, n, x, 0, ix);
    any |= put_ids(p, AG__S_DOT, n, y, n, ix + n);
    return close_list(p, AG__S_DOT, 2 * n, any, v);
}

ag_scalar ags_sqnorm(size_t n, const ag_scalar *x)
{
    ag_pen *p = &ag__pen;
    double y = 0;
    if (!given(n, x, "ags_sqnorm")) return ag_const(y);
    for (size_t i = 0; i < n; i++) y += x[i].value * x[i].value;
    uint32_t *ix = open_list(p, AG__S_SQNORM, n, 1);
    if (!ix) return unrecorded(p, AG__S_SQNORM, n, x, 0, y);
    for (size_t i = 0; i < n; i++) p->pd[i] = x[i].value;
    return close_list(p, AG__S_SQNORM, n, put_ids(p, AG__S_SQNORM, n, x, 0, ix), y);
}

/* log of the sum of e^x, shifted by the largest finite-sized x; weights e^x / sum go where `weight` says, if anywhere.
 */
static double logsumexp(size_t n, const ag_scalar *x, double *weight)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) top = x[i].value > top ? x[i].value : top;
    if (isinf(top)) top = 0;
    for (size_t i = 0; i < n; i++) {
        const double e = exp(x[i].value - top);
        if (weight) weight[i] = e;
        sum += e;
    }
    for (size_t i = 0; weight && i < n; i++) weight[i] = weight[i] == 0 ? 0 : weight[i] / sum;
    return top + log(sum);
}

ag_scalar ags_logsumexp(size_t n, const ag_scalar *x)
{
    ag_pen *p = &ag__pen;
    if (!given(n, x, "ags_logsumexp")) return ag_const(-INFINITY);
    uint32_t *ix = open_list(p, AG__S_LOGSUMEXP, n, 1);
    if (!ix) return unrecorded(p, AG__S_LOGSUMEXP, n, x, 0, logsumexp(n, x, NULL));
    const double y = logsumexp(n, x, p->pd);
    return close_list(p, AG__S_LOGSUMEXP, n, put_ids(p, AG__S_LOGSUMEXP, n, x, 0, ix), y);
}

/* Horner's rule, for the value and the slope at once. */
static double horner(size_t n, const double *c, double x, double *slope)
{
    double y = 0, d = 0;
    for (size_t i = n; i-- > 0;) {
        d = d * x + y;
        y = y * x + c[i];
    }
    return *slope = d, y;
}

ag_scalar ags_poly(size_t n, const double *coefficient, ag_scalar x)
{
    ag_pen *p = &ag__pen;
    if (!given(n, coefficient, "ags_poly")) return ag_const(0);
    double slope, y = horner(n, coefficient, x.value, &slope);
    const uint32_t id = ag__settled(p, x, AG__S_POLY, 1);
    if (id == 0) return ag_const(y);
    if (p->keep == 0)
        return ag__unary_on(p, AG__WHAT(AG__S_SCALE, AG__S_POLY, 1), y, x, 1, slope); /* nobody asks for more */
    if (n > UINT32_MAX) return ag_fail(AG_ENOMEM, "ags_poly: %zu coefficients are too many", n), ag_const(y);
    if (!ag__room(p, 1, 2, n + 1)) return ag_const(y);
    copy(n, coefficient, p->pd);
    p->pd[n] = slope;
    p->ix[0] = id, p->ix[1] = (uint32_t)n;
    p->val[p->next & p->keep] = y;
    return (ag_scalar){ y, ag__close(p, AG__S_POLY, 1, p->ix + 2, p->pd + n + 1), p->gen };
}
