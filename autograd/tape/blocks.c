/* blocks.c - operations on runs of scalars: one record each, which keeps the results and borrows the operands.
 *
 * The results' values lie in the streams like those of other statements (on a first_order tape among the partials), and
 * blocks point to them. While recording is off blocks have no ids, and their values lie in the tape's arena. */
#include <autograd/kernels/kernels.h>
#include <autograd/tape/streams.h>
#include <string.h>

static const ag_block empty;

/* Is x fit to be an operand? A constant is one, with id 0. */
static inline bool settle(ag_block *x, unsigned code, unsigned operand)
{
    if (x->id == 0) return true;
    x->id = ag__settled(&ag__pen, (ag_scalar){ 0, x->id, x->gen }, code, operand);
    return x->id || ag__pen_closed(&ag__pen);
}

/* A constant among recorded operands becomes one of them: its adjoint needs a place. */
static inline bool promote(ag_block *x)
{
    if (x->id == 0) *x = ags_block_input(x->n, x->value);
    return x->n == 0 || x->id;
}

static bool fit(unsigned code, const char *what, size_t n, size_t wanted)
{
    if (n == wanted) return true;
    ag_fail(AG_ESHAPE, "%s: %s has %zu elements, not %zu", ag__statement_name(code), what, n, wanted);
    return false;
}

/* Where n results go: into the streams, with room for so many operands and pointers; or for constants the arena. */
static inline double *open_block(unsigned code, size_t n, size_t n_ix, size_t pointers, bool constant)
{
    ag_pen *p = &ag__pen;
    ag_tape *t = ag__here.tape;
    if (ag__unlikely(!t)) return ag__tape(ag__statement_name(code)), NULL; /* which says so */
    if (constant) return ag__arena_get(&t->arena, n * sizeof(double));
    if (!ag__room(p, n, n_ix, p->keep ? pointers : n + pointers)) return NULL;
    return p->keep ? p->val + p->next : p->pd;
}

static inline ag_block close_block(unsigned code, double *y, uint32_t n, uint32_t *ix, int pointers,
                                   const double *const *from)
{
    ag_pen *p = &ag__pen;
    double *pd = p->keep ? p->pd : p->pd + n;
    for (int i = 0; i < pointers; i++) memcpy(pd + i, from + i, sizeof *from);
    return (ag_block){ y, ag__close(p, code, n, ix, pd + pointers), n, p->gen };
}

ag_block ags_block_input(size_t n, const double *values)
{
    if (n == 0) return empty;
    if (!values) return ag_fail(AG_ENULL, "ags_block_input: the array of %zu values is NULL", n), empty;
    if (n > UINT32_MAX) return ag_fail(AG_ENOMEM, "ags_block_input: %zu values are too many", n), empty;
    ag__kernels_choose(); /* every block begins here */
    ag_pen *p = &ag__pen;
    bool constant = ag__here.off;
    double *y = open_block(AG__S_BLOCK, n, 1, 0, constant);
    if (!y) return empty;
    memcpy(y, values, n * sizeof *values);
    if (constant) return (ag_block){ .value = y, .n = (uint32_t)n };
    p->ix[0] = (uint32_t)n;
    return close_block(AG__S_BLOCK, y, (uint32_t)n, p->ix + 1, 0, NULL);
}

/* f(x) or f(c, x), element by element. */
static ag_block elementwise(unsigned code, const double *c, ag_block x)
{
    if (x.n == 0 || !settle(&x, code, 1)) return empty;
    double *y = open_block(code, x.n, 2, 0, x.id == 0);
    if (!y) return empty;
    if (code == AG__S_BLOCK_EXP) {
        for (uint32_t i = 0; i < x.n; i++) y[i] = exp(x.value[i]);
    } else {
        for (uint32_t i = 0; i < x.n; i++) y[i] = c[i] - x.value[i];
    }
    if (x.id == 0) return (ag_block){ .value = y, .n = x.n };
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = x.n;
    return close_block(code, y, x.n, ix + 2, 0, NULL);
}

ag_block ags_block_rsub(const double *c, ag_block x)
{
    if (x.n && !c) return ag_fail(AG_ENULL, "ags_block_rsub: the array of %u numbers is NULL", x.n), empty;
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
        return empty;
    }
    if (a.n == 0 || !settle(&a, CODE, 1) || !settle(&x, CODE, 2)) return empty;
    bool constant = a.id == 0 && x.id == 0;
    if (!constant && !(promote(&a) && promote(&x))) return empty;
    const uint32_t rows = a.n / x.n;
    double *y = open_block(CODE, rows, 4, 2, constant);
    if (!y) return empty;
    ag__kernel[1]->matvec(rows, x.n, a.value, x.value, y);
    if (constant) return (ag_block){ .value = y, .n = rows };
    uint32_t *ix = ag__pen.ix;
    ix[0] = a.id, ix[1] = x.id, ix[2] = x.n, ix[3] = rows;
    return close_block(CODE, y, rows, ix + 4, 2, (const double *[]){ a.value, x.value });
}

ag_block ags_block_trimv(ag_block diag, ag_block low, ag_block x)
{
    enum { CODE = AG__S_BLOCK_TRIMV };
    if (!fit(CODE, "diag", diag.n, x.n) || !fit(CODE, "low", low.n, x.n ? (uint64_t)x.n * (x.n - 1) / 2 : 0))
        return empty;
    if (x.n == 0 || !settle(&diag, CODE, 1) || !settle(&low, CODE, 2) || !settle(&x, CODE, 3)) return empty;
    bool constant = (diag.id | low.id | x.id) == 0;
    if (!constant && !(promote(&diag) && promote(&low) && promote(&x))) return empty;
    double *y = open_block(CODE, x.n, 4, 3, constant);
    if (!y) return empty;
    if (low.n == 0) low.value = diag.value; /* empty, but no NULL to count from */
    ag__kernel[1]->trimv(x.n, diag.value, low.value, x.value, y);
    if (constant) return (ag_block){ .value = y, .n = x.n };
    uint32_t *ix = ag__pen.ix;
    ix[0] = diag.id, ix[1] = low.id, ix[2] = x.id, ix[3] = x.n;
    return close_block(CODE, y, x.n, ix + 4, 3, (const double *[]){ diag.value, low.value, x.value });
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
    if (!settle(&x, AG__S_BLOCK_SUM, 1) || x.id == 0) return ag_const(y);
    if (!ag__room(&ag__pen, 1, 2, 0)) return ag_const(y);
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = x.n;
    return close_sum(AG__S_BLOCK_SUM, y, ix + 2, 0, NULL);
}

ag_scalar ags_block_dot(ag_block x, ag_block y)
{
    enum { CODE = AG__S_BLOCK_DOT };
    double v = 0;
    if (!fit(CODE, "y", y.n, x.n)) return ag_const(v);
    if (x.n) ag__kernel[1]->matvec(1, x.n, x.value, y.value, &v);
    if (!settle(&x, CODE, 1) || !settle(&y, CODE, 2) || (x.id | y.id) == 0) return ag_const(v);
    if (!promote(&x) || !promote(&y) || !ag__room(&ag__pen, 1, 3, 2)) return ag_const(v);
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = y.id, ix[2] = x.n;
    return close_sum(CODE, v, ix + 3, 2, (const double *[]){ x.value, y.value });
}

ag_scalar ags_block_sqnorm(ag_block x)
{
    double y = 0;
    if (x.n) ag__kernel[1]->matvec(1, x.n, x.value, x.value, &y);
    if (!settle(&x, AG__S_BLOCK_SQNORM, 1) || x.id == 0) return ag_const(y);
    if (!ag__room(&ag__pen, 1, 2, 1)) return ag_const(y);
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = x.n;
    return close_sum(AG__S_BLOCK_SQNORM, y, ix + 2, 1, (const double *[]){ x.value });
}

ag_block ags_block_slice(ag_block x, size_t from, size_t n)
{
    if (from > x.n || n > x.n - from) {
        ag_fail(AG_EINVAL, "ags_block_slice: elements %zu .. %zu of %u", from, from + n, x.n);
        return empty;
    }
    if (n == 0) return empty;
    return (ag_block){ x.value + from, x.id ? x.id + (uint32_t)from : 0, (uint32_t)n, x.gen };
}
