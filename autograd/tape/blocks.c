/* blocks.c - operations on runs of scalars: one record each, which keeps the results and borrows the operands.
 *
 * The results' values lie in the streams like those of other statements (on a first_order tape among the partials), and
 * blocks point to them. While recording is off blocks have no ids, and their values lie in the tape's arena. */
#include <autograd/kernels/kernels.h>
#include <autograd/tape/blocks.h>
#include <string.h>

ag_block ags_block_input(size_t n, const double *values)
{
    if (n == 0) return ag__no_block;
    if (!values) return ag_fail(AG_ENULL, "ags_block_input: the array of %zu values is NULL", n), ag__no_block;
    if (n > UINT32_MAX) return ag_fail(AG_ENOMEM, "ags_block_input: %zu values are too many", n), ag__no_block;
    ag__kernels_choose(); /* every block begins here */
    ag_pen *p = &ag__pen;
    bool constant = ag__here.off;
    double *y = ag__block_open(AG__S_BLOCK, n, 1, 0, constant);
    if (!y) return ag__no_block;
    memcpy(y, values, n * sizeof *values);
    if (constant) return (ag_block){ .value = y, .n = (uint32_t)n };
    p->ix[0] = (uint32_t)n;
    return ag__block_close(AG__S_BLOCK, y, (uint32_t)n, p->ix + 1, 0, NULL);
}

/* f(x) or f(c, x), element by element. */
static ag_block elementwise(unsigned code, const double *c, ag_block x)
{
    if (x.n == 0 || !ag__block_settle(&x, code, 1)) return ag__no_block;
    double *y = ag__block_open(code, x.n, 2, 0, x.id == 0);
    if (!y) return ag__no_block;
    if (code == AG__S_BLOCK_EXP) {
        for (uint32_t i = 0; i < x.n; i++) y[i] = exp(x.value[i]);
    } else {
        for (uint32_t i = 0; i < x.n; i++) y[i] = c[i] - x.value[i];
    }
    if (x.id == 0) return (ag_block){ .value = y, .n = x.n };
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = x.n;
    return ag__block_close(code, y, x.n, ix + 2, 0, NULL);
}

ag_block ags_block_rsub(const double *c, ag_block x)
{
    if (x.n && !c) return ag_fail(AG_ENULL, "ags_block_rsub: the array of %u numbers is NULL", x.n), ag__no_block;
    return elementwise(AG__S_BLOCK_RSUB, c, x);
}

ag_block ags_block_exp(ag_block x)
{
    return elementwise(AG__S_BLOCK_EXP, NULL, x);
}

ag_block ags_block_matvec(ag_block a, ag_block x)
{
    enum { CODE = AG__S_BLOCK_MATVEC };
    if (x.n == 0 || a.n % x.n) {
        if (x.n || a.n) ag_fail(AG_ESHAPE, "ags_block_matvec: %u elements are no rows of %u", a.n, x.n);
        return ag__no_block;
    }
    if (a.n == 0 || !ag__block_settle(&a, CODE, 1) || !ag__block_settle(&x, CODE, 2)) return ag__no_block;
    bool constant = a.id == 0 && x.id == 0;
    if (!constant && !(ag__block_promote(&a) && ag__block_promote(&x))) return ag__no_block;
    const uint32_t rows = a.n / x.n;
    double *y = ag__block_open(CODE, rows, 4, 2, constant);
    if (!y) return ag__no_block;
    ag__kernel[1]->matvec(rows, x.n, a.value, x.value, y);
    if (constant) return (ag_block){ .value = y, .n = rows };
    uint32_t *ix = ag__pen.ix;
    ix[0] = a.id, ix[1] = x.id, ix[2] = x.n, ix[3] = rows;
    return ag__block_close(CODE, y, rows, ix + 4, 2, (const double *[]){ a.value, x.value });
}

/* Row r of x belongs to matrix r % m; of each matrix all rows in turn, while it lies in the nearest cache. */
static void trimv_rows(uint32_t d, uint32_t m, uint32_t rows, const double *diag, const double *low, const double *x,
                       double *y)
{
    const size_t n = d, low_n = n * (n - 1) / 2;
    for (size_t c = 0; c < m; c++)
        for (size_t r = c; r < rows; r += m)
            ag__kernel[1]->trimv(d, diag + c * n, low + c * low_n, x + r * n, y + r * n);
}

static ag_block trimv(const char *who, size_t d, ag_block diag, ag_block low, ag_block x)
{
    enum { CODE = AG__S_BLOCK_TRIMV };
    const size_t m = d ? diag.n / d : 0, rows = d ? x.n / d : 0;
    if (!ag__block_fit(who, "diag", diag.n, m * d) || !ag__block_fit(who, "x", x.n, rows * d)) return ag__no_block;
    if (!ag__block_fit(who, "low", low.n, m * (d * (d - 1) / 2))) return ag__no_block;
    if (m && rows % m) return ag_fail(AG_ESHAPE, "%s: %zu matrices for %zu rows", who, m, rows), ag__no_block;
    if (m == 0 || rows == 0) return ag__block_fit(who, "x", x.n, m * d), ag__no_block;
    if (!ag__block_settle(&diag, CODE, 1) || !ag__block_settle(&low, CODE, 2) || !ag__block_settle(&x, CODE, 3))
        return ag__no_block;
    bool constant = (diag.id | low.id | x.id) == 0;
    if (!constant && !(ag__block_promote(&diag) && ag__block_promote(&low) && ag__block_promote(&x)))
        return ag__no_block;
    double *y = ag__block_open(CODE, x.n, 6, 3, constant);
    if (!y) return ag__no_block;
    if (low.n == 0) low.value = diag.value; /* empty, but no NULL to count from */
    trimv_rows((uint32_t)d, (uint32_t)m, (uint32_t)rows, diag.value, low.value, x.value, y);
    if (constant) return (ag_block){ .value = y, .n = x.n };
    uint32_t *ix = ag__pen.ix;
    ix[0] = diag.id, ix[1] = low.id, ix[2] = x.id, ix[3] = (uint32_t)d, ix[4] = (uint32_t)m, ix[5] = x.n;
    return ag__block_close(CODE, y, x.n, ix + 6, 3, (const double *[]){ diag.value, low.value, x.value });
}

ag_block ags_block_trimv(ag_block diag, ag_block low, ag_block x)
{
    if (!ag__block_fit("ags_block_trimv", "diag", diag.n, x.n)) return ag__no_block;
    return trimv("ags_block_trimv", x.n, diag, low, x);
}

ag_block ags_block_trimvs(size_t d, ag_block diag, ag_block low, ag_block x)
{
    return trimv("ags_block_trimvs", d, diag, low, x);
}

/* One result y: the operands were written up to ix. */
static inline ag_scalar close_sum(unsigned code, double y, uint32_t *ix, int pointers, const double *const *from)
{
    ag_pen *p = &ag__pen;
    for (int i = 0; i < pointers; i++) memcpy(p->pd + i, from + i, sizeof *from);
    p->val[p->next & p->keep] = y;
    return (ag_scalar){ y, ag__close(p, code, 1, ix, p->pd + pointers), p->gen };
}

ag_scalar ags_block_sum(ag_block x)
{
    double y = 0;
    for (uint32_t i = 0; i < x.n; i++) y += x.value[i];
    if (!ag__block_settle(&x, AG__S_BLOCK_SUM, 1) || x.id == 0) return ag_const(y);
    if (!ag__room(&ag__pen, 1, 2, 0)) return ag_const(y);
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = x.n;
    return close_sum(AG__S_BLOCK_SUM, y, ix + 2, 0, NULL);
}

ag_scalar ags_block_dot(ag_block x, ag_block y)
{
    enum { CODE = AG__S_BLOCK_DOT };
    double v = 0;
    if (!ag__block_fit("ags_block_dot", "y", y.n, x.n)) return ag_const(v);
    if (x.n) ag__kernel[1]->matvec(1, x.n, x.value, y.value, &v);
    if (!ag__block_settle(&x, CODE, 1) || !ag__block_settle(&y, CODE, 2) || (x.id | y.id) == 0) return ag_const(v);
    if (!ag__block_promote(&x) || !ag__block_promote(&y) || !ag__room(&ag__pen, 1, 3, 2)) return ag_const(v);
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = y.id, ix[2] = x.n;
    return close_sum(CODE, v, ix + 3, 2, (const double *[]){ x.value, y.value });
}

ag_scalar ags_block_sqnorm(ag_block x)
{
    double y = 0;
    if (x.n) ag__kernel[1]->matvec(1, x.n, x.value, x.value, &y);
    if (!ag__block_settle(&x, AG__S_BLOCK_SQNORM, 1) || x.id == 0) return ag_const(y);
    if (!ag__room(&ag__pen, 1, 2, 1)) return ag_const(y);
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = x.n;
    return close_sum(AG__S_BLOCK_SQNORM, y, ix + 2, 1, (const double *[]){ x.value });
}

ag_block ags_block_slice(ag_block x, size_t from, size_t n)
{
    if (from > x.n || n > x.n - from) {
        ag_fail(AG_EINVAL, "ags_block_slice: elements %zu .. %zu of %u", from, from + n, x.n);
        return ag__no_block;
    }
    if (n == 0) return ag__no_block;
    return (ag_block){ x.value + from, x.id ? x.id + (uint32_t)from : 0, (uint32_t)n, x.gen };
}
