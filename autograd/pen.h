/* pen.h - how a scalar statement is written down: inline, a few stores, no call.
 *
 *      ags_mul(a, b)  =  ags_mul_on(&ag__pen, a, b)  ->  operation code, two operand ids, two partials, one value
 *
 * A pen holds the places where the current tape's streams (tape/streams.c) are written next. There is one a thread, and
 * the tape that is current lends it its places, so that a statement touches no tape. Without a tape, and while
 * recording is switched off, the pen is closed: it has no room, and no scalar's generation is its own.
 *
 * This is the explicit tier, for hot loops. ag_pen_here() is this thread's pen, whatever tape is or becomes current:
 *      ag_pen *pen = ag_pen_here();
 *      for (i = 0; i < n; i++) sum = ags_add_on(pen, sum, ags_mul_on(pen, a[i], b[i]));
 * saves looking it up for every statement. The functions are those of scalar_ops.h with the pen in front. */
#include <autograd/scalar.h> /* which includes this in its last line: then all is here already */
#ifndef AG_PEN_H
#define AG_PEN_H
#include <autograd/elementary.h>
#include <math.h>
AG_BEGIN

typedef struct ag_pen { /* places that move do not lie side by side: joined loads of two would wait for their stores */
    uint32_t *ix;         /* the next operand id goes here */
    uint8_t *op;          /* op[id]: operation code of statement id */
    double *pd;           /* the next partial derivative goes here */
    double *val;          /* val[id & keep]: value of statement id */
    uint32_t next;        /* id of the next statement */
    uint32_t limit;       /* below it, each id has room for three operands and two partials */
    uint32_t gen;         /* generation of the ids being handed out */
    uint32_t keep;        /* all ones; 0 on a first_order tape, whose values all go to one place */
} ag_pen;

/* In line whatever a compiler thinks of its size: it is the constants in a call that leave so little of it. */
#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__) && !defined(AG__LIBRARY)
#define AG__INLINED static inline __attribute__((always_inline))
#else
#define AG__INLINED static inline
#endif
#ifdef __GNUC__
#define AG__RARELY(x) __builtin_expect(!!(x), 0)
#define AG__COLD __attribute__((cold))
#define AG__KNOWN(truth) (__builtin_constant_p(truth) && (truth)) /* when compiled */
#else
#define AG__RARELY(x) (x)
#define AG__COLD
#define AG__KNOWN(truth) false
#endif
#define AG__NUMBER(s) AG__KNOWN((s).id == 0)
extern AG_API AG__THREAD ag_pen ag__pen AG__INITIAL_EXEC;
static inline ag_pen *ag_pen_here(void) { return &ag__pen; }

/* What a statement does; those with operands of any number and those of blocks follow in tape/streams.h. The elementary
 * functions have their own codes, so that derivatives of any order can be rebuilt from values. */
enum ag__statement {
    AG__S_INPUT,
    AG__S_COPY,  /* x + c */
    AG__S_SCALE, /* c x, x / c       | partial */
    AG__S_RDIV,  /* c / x            | partial */
    AG__S_FMA,   /* a b + c          | b, a */
#define AG__S(name, ...) AG__S_##name,
    AG_UNARY_FUNCTIONS(AG__S)  /* f(x)     | partial, but neg: none */
    AG_BINARY_FUNCTIONS(AG__S) /* f(a, b)  | two partials, but add, sub: none. Of a constant operand: its value */
#undef AG__S
    AG__S_FUNCTION, /* tape/functions.h | two partials (of no operand: its value), a descriptor's address */
    AG__S_LONG,
    AG__S_STATEMENT = AG__S_LONG, /* n operands  | n partials */
    AG__S_LIN,                    /* the same    | coefficients */
    AG__S_MORE
};

/* ---- the rare cases, out of line: no room just here, a constant, a handle of an older generation, a stale one ---- */

/* One operand: records `code`, called the operand-th of `who` in messages. */
#define AG__WHAT(code, who, operand) ((unsigned)(code) | (unsigned)(who) << 8 | (unsigned)(operand) << 16)
AG_API AG__COLD ag_scalar ag__pen_unary(ag_pen *p, unsigned what, double y, uint32_t id, uint32_t gen, double slope);
/* Handles in pieces: to put them together for a call costs the statements which do without that call. */
AG_API AG__COLD ag_scalar ag__pen_binary(ag_pen *p, unsigned code, double y, double a, uint32_t a_id, uint32_t a_gen,
                                         double b, uint32_t b_id, uint32_t b_gen, double slope_a, double slope_b);
AG_API AG__COLD ag_scalar ag__pen_fma(ag_pen *p, double y, ag_scalar a, ag_scalar b, ag_scalar c);
AG_API AG__COLD ag_scalar ag__pen_input(ag_pen *p, double value);
AG_API ag_scalar ag__pen_list(ag_pen *p, unsigned code, double y, size_t n, const ag_scalar *x, const double *partial);

/* ---- one statement ----------------------------------------------------------------------------------------------- */

/* n_ix operands and n_pd partials, both known when compiled; there is room. Everything is read before anything is
 * written, and the byte, which may alias all, goes last. */
AG__INLINED ag_scalar ag__write(ag_pen *p, unsigned code, double value, int n_ix, uint32_t a, uint32_t b, uint32_t c,
                                  int n_pd, double pa, double pb)
{
    uint32_t *const ix = p->ix;
    double *const pd = p->pd, *const val = p->val;
    uint8_t *const op = p->op;
    const uint32_t id = p->next, keep = p->keep;
    const ag_scalar s = { value, id, p->gen };
    if (n_ix > 0) ix[0] = a;
    if (n_ix > 1) ix[1] = b;
    if (n_ix > 2) ix[2] = c;
    if (n_pd > 0) pd[0] = pa;
    if (n_pd > 1) pd[1] = pb;
    val[id & keep] = value;
    if (n_ix) p->ix = ix + n_ix;
    if (n_pd) p->pd = pd + n_pd;
    p->next = id + 1;
    op[id] = (uint8_t)code;
    return s;
}

AG__INLINED ag_scalar ag_input_on(ag_pen *p, double value)
{
    if (AG__RARELY(p->next >= p->limit)) return ag__pen_input(p, value);
    return ag__write(p, AG__S_INPUT, value, 0, 0, 0, 0, 0, 0, 0);
}

/* code(x), n_pd partials: 0 or 1 */
AG__INLINED ag_scalar ag__unary_on(ag_pen *p, unsigned what, double y, ag_scalar x, int n_pd, double slope)
{
    if (AG__RARELY(p->next >= p->limit || x.gen != p->gen)) return ag__pen_unary(p, what, y, x.id, x.gen, slope);
    return ag__write(p, what & 0xff, y, 1, x.id, 0, 0, n_pd, slope, 0);
}

#ifdef __GNUC__
#pragma push_macro("K")
#endif
#undef K
#define K(c) (c)

#define AG__UNARY_ON(name, saves, value_of_x, slope, vjp)                                                              \
    AG__INLINED ag_scalar ags_##name##_on(ag_pen *p, ag_scalar s)                                                      \
    {                                                                                                                  \
        const double x = s.value, y = (value_of_x);                                                                    \
        (void)x;                                                                                                       \
        const unsigned what = AG__WHAT(AG__S_##name, AG__S_##name, 1);                                                 \
        return ag__unary_on(p, what, y, s, (int)AG__S_##name == AG__S_neg ? 0 : 1, (slope));                           \
    }
AG_UNARY_FUNCTIONS(AG__UNARY_ON)
#undef AG__UNARY_ON

/* `code` is known when compiled, and of the cases only its own stay. x times x, seen to be that, is a square. Where an
 * operand is written as a C number, so is that, and the statement has one operand: for four of the functions with a
 * code of its own. */
#define AG__BINARY_ON(name, saves, value_of_ab, slope_a, slope_b, vjp_a, vjp_b)                                        \
    AG__INLINED ag_scalar ags_##name##_on(ag_pen *p, ag_scalar l, ag_scalar r)                                         \
    {                                                                                                                  \
        enum { code = AG__S_##name, linear = code == AG__S_add || code == AG__S_sub };                                 \
        const double a = l.value, b = r.value, y = (value_of_ab);                                                      \
        if ((int)code == AG__S_mul && !AG__NUMBER(l) && AG__KNOWN(((l.id ^ r.id) | (l.gen ^ r.gen)) == 0))             \
            return ag__unary_on(p, AG__WHAT(AG__S_square, code, 1), y, l, 1, a + b);                                   \
        if (AG__NUMBER(r)) {                                                                                           \
            if (linear) return ag__unary_on(p, AG__WHAT(AG__S_COPY, code, 1), y, l, 0, 1);                             \
            if ((int)code == AG__S_mul || (int)code == AG__S_div)                                                      \
                return ag__unary_on(p, AG__WHAT(AG__S_SCALE, code, 1), y, l, 1, (slope_a));                            \
        } else if (AG__NUMBER(l)) {                                                                                    \
            if ((int)code == AG__S_add) return ag__unary_on(p, AG__WHAT(AG__S_COPY, code, 2), y, r, 0, 1);             \
            if ((int)code == AG__S_sub) return ag__unary_on(p, AG__WHAT(AG__S_neg, code, 2), y, r, 0, -1);             \
            if ((int)code == AG__S_mul) return ag__unary_on(p, AG__WHAT(AG__S_SCALE, code, 2), y, r, 1, (slope_b));    \
            if ((int)code == AG__S_div) return ag__unary_on(p, AG__WHAT(AG__S_RDIV, code, 2), y, r, 1, (slope_b));     \
        }                                                                                                              \
        if (AG__RARELY(p->next >= p->limit || l.gen != p->gen || r.gen != p->gen))                                     \
            return ag__pen_binary(p, code, y, a, l.id, l.gen, b, r.id, r.gen, (slope_a), (slope_b));                   \
        return ag__write(p, code, y, 2, l.id, r.id, 0, linear ? 0 : 2, (slope_a), (slope_b));                          \
    }
AG_BINARY_FUNCTIONS(AG__BINARY_ON)
#undef AG__BINARY_ON

#undef K
#ifdef __GNUC__
#pragma pop_macro("K")
#endif

AG__INLINED ag_scalar ags_fma_on(ag_pen *p, ag_scalar a, ag_scalar b, ag_scalar c)
{
    const double y = a.value * b.value + c.value;
    if (AG__RARELY(p->next >= p->limit || a.gen != p->gen || b.gen != p->gen || c.gen != p->gen))
        return ag__pen_fma(p, y, a, b, c);
    return ag__write(p, AG__S_FMA, y, 3, a.id, b.id, c.id, 2, b.value, a.value);
}

/* Up to four operands, if their number was known when compiled; any other is a call. The record takes n + 2 operand
 * places and n partials, and what that is beyond its id's share comes off the limit. */
AG__INLINED ag_scalar ag__list_on(ag_pen *p, unsigned code, double y, size_t n, const ag_scalar *x,
                                  const double *partial)
{
    const uint32_t share = n < 2 ? 1 : 2, gen = p->gen, id = p->next, keep = p->keep, limit = p->limit;
    if (!AG__KNOWN(n > 0 && n <= 4) || !x || !partial || AG__RARELY((uint64_t)id + share > limit))
        return ag__pen_list(p, code, y, n, x, partial);
    const ag_scalar *const b = x + (n > 1), *const c = b + (n > 2), *const d = c + (n > 3);
    if (AG__RARELY((x->gen ^ gen) | (b->gen ^ gen) | (c->gen ^ gen) | (d->gen ^ gen)))
        return ag__pen_list(p, code, y, n, x, partial);
    uint32_t *const ix = p->ix;
    double *const pd = p->pd, *const val = p->val;
    uint8_t *const op = p->op;
    const ag_scalar s = { y, id, gen };
    ix[0] = ix[n + 1] = (uint32_t)n;
    ix[1] = x->id, pd[0] = partial[0];
    if (n > 1) ix[2] = b->id, pd[1] = partial[1];
    if (n > 2) ix[3] = c->id, pd[2] = partial[2];
    if (n > 3) ix[4] = d->id, pd[3] = partial[3];
    val[id & keep] = y;
    p->ix = ix + n + 2, p->pd = pd + n, p->next = id + 1;
    if (share > 1) p->limit = limit - (share - 1);
    op[id] = (uint8_t)code;
    return s;
}
AG__INLINED ag_scalar ags_statement_on(ag_pen *p, double y, size_t n, const ag_scalar *x, const double *partial)
{
    return ag__list_on(p, AG__S_STATEMENT, y, n, x, partial);
}
AG__INLINED ag_scalar ags_lin_on(ag_pen *p, size_t n, const ag_scalar *x, const double *k)
{
    double y = 0;
    for (size_t i = 0; x && k && i < n; i++) y += k[i] * x[i].value;
    return ag__list_on(p, AG__S_LIN, y, n, x, k);
}

AG_END
#endif
