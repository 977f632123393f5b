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

#ifdef __GNUC__
#define AG__RARELY(x) __builtin_expect(!!(x), 0)
#define AG__COLD __attribute__((cold))
#define AG__NUMBER(s) (__builtin_constant_p((s).id == 0) && (s).id == 0)
#else
#define AG__RARELY(x) (x)
#define AG__COLD
#define AG__NUMBER(s) false
#endif
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
    AG__S_LONG
};

/* ---- the rare cases, out of line: no room just here, a constant, a handle of an older generation, a stale one ---- */

/* One operand: records `code`, called the operand-th of `who` in messages. */
#define AG__WHAT(code, who, operand) ((unsigned)(code) | (unsigned)(who) << 8 | (unsigned)(operand) << 16)
AG_API AG__COLD ag_scalar ag__pen_unary(ag_pen *p, unsigned what, double y, ag_scalar x, double slope);
AG_API AG__COLD ag_scalar ag__pen_binary(ag_pen *p, unsigned code, double y, ag_scalar a, ag_scalar b, double slope_a,
                                         double slope_b);
AG_API AG__COLD ag_scalar ag__pen_fma(ag_pen *p, double y, ag_scalar a, ag_scalar b, ag_scalar c);
AG_API AG__COLD ag_scalar ag__pen_input(ag_pen *p, double value);

/* ---- one statement ----------------------------------------------------------------------------------------------- */

/* n_ix operands and n_pd partials, both known when compiled; there is room. Everything is read before anything is
 * written, and the byte, which may alias all, goes last. */
static inline ag_scalar ag__write(ag_pen *p, unsigned code, double value, int n_ix, uint32_t a, uint32_t b, uint32_t c,
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

static inline ag_scalar ag_input_on(ag_pen *p, double value)
{
    if (AG__RARELY(p->next >= p->limit)) return ag__pen_input(p, value);
    return ag__write(p, AG__S_INPUT, value, 0, 0, 0, 0, 0, 0, 0);
}

/* code(x), n_pd partials: 0 or 1 */
static inline ag_scalar ag__unary_on(ag_pen *p, unsigned what, double y, ag_scalar x, int n_pd, double slope)
{
    if (AG__RARELY(p->next >= p->limit || x.gen != p->gen)) return ag__pen_unary(p, what, y, x, slope);
    return ag__write(p, what & 0xff, y, 1, x.id, 0, 0, n_pd, slope, 0);
}

#ifdef __GNUC__
#pragma push_macro("K")
#endif
#undef K
#define K(c) (c)

#define AG__UNARY_ON(name, saves, value_of_x, slope, vjp)                                                              \
    static inline ag_scalar ags_##name##_on(ag_pen *p, ag_scalar s)                                                    \
    {                                                                                                                  \
        const double x = s.value, y = (value_of_x);                                                                    \
        (void)x;                                                                                                       \
        const unsigned what = AG__WHAT(AG__S_##name, AG__S_##name, 1);                                                 \
        return ag__unary_on(p, what, y, s, (int)AG__S_##name == AG__S_neg ? 0 : 1, (slope));                           \
    }
AG_UNARY_FUNCTIONS(AG__UNARY_ON)
#undef AG__UNARY_ON

/* `code` is known when compiled, and of the cases only its own stay. Where an operand is written as a C number, so is
 * that, and the statement has one operand: for four of the functions with a code of its own. */
#define AG__BINARY_ON(name, saves, value_of_ab, slope_a, slope_b, vjp_a, vjp_b)                                        \
    static inline ag_scalar ags_##name##_on(ag_pen *p, ag_scalar l, ag_scalar r)                                       \
    {                                                                                                                  \
        enum { code = AG__S_##name, linear = code == AG__S_add || code == AG__S_sub };                                 \
        const double a = l.value, b = r.value, y = (value_of_ab);                                                      \
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
        if (AG__RARELY(p->next >= p->limit || l.gen != p->gen || r.gen != p->gen))                                 \
            return ag__pen_binary(p, code, y, l, r, (slope_a), (slope_b));                                             \
        return ag__write(p, code, y, 2, l.id, r.id, 0, linear ? 0 : 2, (slope_a), (slope_b));                          \
    }
AG_BINARY_FUNCTIONS(AG__BINARY_ON)
#undef AG__BINARY_ON

#undef K
#ifdef __GNUC__
#pragma pop_macro("K")
#endif

static inline ag_scalar ags_fma_on(ag_pen *p, ag_scalar a, ag_scalar b, ag_scalar c)
{
    const double y = a.value * b.value + c.value;
    if (AG__RARELY(p->next >= p->limit || a.gen != p->gen || b.gen != p->gen || c.gen != p->gen))
        return ag__pen_fma(p, y, a, b, c);
    return ag__write(p, AG__S_FMA, y, 3, a.id, b.id, c.id, 2, b.value, a.value);
}

AG_END
#endif
