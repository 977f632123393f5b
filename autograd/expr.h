/* expr.h - expressions in registers: several operations that become one statement, for half the time and bytes.
 *
 *      ag_expr a = agx_sub(x[1], agx_square(x[0])), b = agx_sub(1.0, x[0]);        nothing is recorded yet
 *      ag_scalar y = agx_end(agx_fma(100.0, agx_square(a), agx_square(b)));         one statement, of x[0] and x[1]
 *
 * An ag_expr is a value and its partial derivatives by up to four scalars; where gcc or clang see a whole expression
 * (-O2) it is kept in registers. Operands are expressions, scalars and C numbers. An expression of more than four
 * scalars is recorded in parts. There are the functions that scalar_ops.h has in line; the value of any other is an
 * operand too: agx_mul(x, ag_lgamma(y)).
 *
 * What is recorded is an ags_statement, which has a first derivative only: for others there are the operations
 * themselves. As in a sweep, nothing flows on where 0 arrives, though the next slope be infinite. */
#ifndef AG_EXPR_H
#define AG_EXPR_H
#include <autograd/scalar.h>
AG_BEGIN

typedef struct ag_expr { /* plain members: arrays and structures in it would lie in memory */
    double value;
    double p0, p1, p2, p3;       /* partial derivatives */
    uint32_t id0, id1, id2, id3; /* by which scalars */
    uint32_t gen0, gen1, gen2, gen3;
    uint32_t n;
#ifdef __cplusplus
    ag_expr() = default;
    ag_expr(ag_scalar x);
    ag_expr(double number);
#endif
} ag_expr;

/* A C number, a scalar: as they stand in expressions. */
AG__INLINED ag_expr agx_const(double value)
{
    ag_expr e;
    e.value = value, e.n = 0;
    e.p0 = e.p1 = e.p2 = e.p3 = 0;
    e.id0 = e.id1 = e.id2 = e.id3 = e.gen0 = e.gen1 = e.gen2 = e.gen3 = 0;
    return e;
}
AG__INLINED ag_expr agx_of(ag_scalar x)
{
    ag_expr e = agx_const(x.value);
    e.n = 1, e.p0 = 1, e.id0 = x.id, e.gen0 = x.gen;
    return e;
}

/* Records it. A constant where no scalar takes part. */
AG__INLINED ag_scalar agx_end(ag_expr e)
{
    const ag_scalar x[] = {
        { 0, e.id0, e.gen0 }, { 0, e.id1, e.gen1 }, { 0, e.id2, e.gen2 }, { 0, e.id3, e.gen3 }
    };
    const double p[] = { e.p0, e.p1, e.p2, e.p3 };
    switch (e.n) {
    case 0: return ag_const(e.value);
    case 1: return ags_statement_on(&ag__pen, e.value, 1, x, p);
    case 2: return ags_statement_on(&ag__pen, e.value, 2, x, p);
    case 3: return ags_statement_on(&ag__pen, e.value, 3, x, p);
    default: return ags_statement_on(&ag__pen, e.value, 4, x, p);
    }
}

/* ---- machinery ---------------------------------------------------------------------------------------------------- */

/* What flows on: zero where none arrived, though the partial be infinite. */
AG__INLINED double ag__flow(double arrived, double partial) { return arrived == 0 ? 0 : arrived * partial; }

/* An expression of e, with that value and slope. */
AG__INLINED ag_expr ag__expr_of(ag_expr e, double value, double slope)
{
    e.value = value;
    e.p0 = ag__flow(slope, e.p0), e.p1 = ag__flow(slope, e.p1);
    e.p2 = ag__flow(slope, e.p2), e.p3 = ag__flow(slope, e.p3);
    return e;
}

/* One more operand; the same one again only adds to its partial, where that is seen when compiled. There is room. */
AG__INLINED void ag__expr_put(ag_expr *e, uint32_t id, uint32_t gen, double p)
{
    if (AG__KNOWN((e->n > 0) & (((e->id0 ^ id) | (e->gen0 ^ gen)) == 0))) e->p0 += p;
    else if (AG__KNOWN((e->n > 1) & (((e->id1 ^ id) | (e->gen1 ^ gen)) == 0))) e->p1 += p;
    else if (AG__KNOWN((e->n > 2) & (((e->id2 ^ id) | (e->gen2 ^ gen)) == 0))) e->p2 += p;
    else if (e->n == 0) e->n = 1, e->p0 = p, e->id0 = id, e->gen0 = gen;
    else if (e->n == 1) e->n = 2, e->p1 = p, e->id1 = id, e->gen1 = gen;
    else if (e->n == 2) e->n = 3, e->p2 = p, e->id2 = id, e->gen2 = gen;
    else e->n = 4, e->p3 = p, e->id3 = id, e->gen3 = gen;
}

/* An expression of a and b: their slopes. */
AG__INLINED ag_expr ag__expr_join(ag_expr a, ag_expr b, double value, double slope_a, double slope_b)
{
    if (a.n + b.n > 4 && b.n > 1) b = agx_of(agx_end(b));
    if (a.n + b.n > 4) a = agx_of(agx_end(a));
    ag_expr e = ag__expr_of(a, value, slope_a);
    if (b.n > 0) ag__expr_put(&e, b.id0, b.gen0, ag__flow(slope_b, b.p0));
    if (b.n > 1) ag__expr_put(&e, b.id1, b.gen1, ag__flow(slope_b, b.p1));
    if (b.n > 2) ag__expr_put(&e, b.id2, b.gen2, ag__flow(slope_b, b.p2));
    if (b.n > 3) ag__expr_put(&e, b.id3, b.gen3, ag__flow(slope_b, b.p3));
    return e;
}

#ifdef __GNUC__
#pragma push_macro("K")
#endif
#undef K
#define K(c) (c)
#define AG__EXPR_UNARY(name, saves, value_of_x, slope, vjp)                                                            \
    AG__INLINED ag_expr agx_##name(ag_expr e)                                                                          \
    {                                                                                                                  \
        const double x = e.value, y = (value_of_x);                                                                    \
        (void)x;                                                                                                       \
        return ag__expr_of(e, y, (slope));                                                                             \
    }
#define AG__EXPR_BINARY(name, saves, value_of_ab, slope_a, slope_b, vjp_a, vjp_b)                                      \
    AG__INLINED ag_expr agx_##name(ag_expr l, ag_expr r)                                                               \
    {                                                                                                                  \
        const double a = l.value, b = r.value, y = (value_of_ab);                                                      \
        return ag__expr_join(l, r, y, (slope_a), (slope_b));                                                           \
    }
AG_UNARY_FUNCTIONS(AG__EXPR_UNARY)
AG_BINARY_FUNCTIONS(AG__EXPR_BINARY)
#undef AG__EXPR_UNARY
#undef AG__EXPR_BINARY
#undef K
#ifdef __GNUC__
#pragma pop_macro("K")
#endif

/* a b + c */
AG__INLINED ag_expr agx_fma(ag_expr a, ag_expr b, ag_expr c) { return agx_add(agx_mul(a, b), c); }

AG_END
#ifdef __cplusplus
inline ag_expr::ag_expr(ag_scalar x) { *this = agx_of(x); }
inline ag_expr::ag_expr(double number) { *this = agx_const(number); }
#else
AG__INLINED ag_expr ag__expr_itself(ag_expr e) { return e; }
#define AG__EXPR(x) _Generic((x), ag_expr: ag__expr_itself, ag_scalar: agx_of, default: agx_const)(x)
#define agx_fma(a, b, c) (agx_fma)(AG__EXPR(a), AG__EXPR(b), AG__EXPR(c))
#include <autograd/expr_ops.h> /* the same for each function: agx_exp(x) is (agx_exp)(AG__EXPR(x)) */
#endif
#endif
