/* curvature.c - second derivatives of statements as numbers: the table's rules (ops.def) once more, computed with
 * numbers that have a tangent. A rule says g f'(x); with g = 1 and x moving at speed 1 its tangent is f''(x). */
#include <autograd/base/special.h>
#include <autograd/tape/functions.h>
#include <autograd/tape/streams.h>
#include <stdlib.h>
#include <string.h>

typedef struct ag__dual {
    double value, tangent;
    uint32_t id; /* 0: a constant, as in rules */
} ag__dual;

static inline double along(double slope, double tangent)
{
    return tangent == 0 ? 0 : slope * tangent;
}
static inline ag__dual constant(double value)
{
    return (ag__dual){ value, 0, 0 };
}
static inline ag__dual same(ag__dual x)
{
    return x;
}

#define K(c) (c)
#define UNARY(name, saves, value_of_x, slope, vjp)               \
    static inline ag__dual dual_##name(ag__dual s)               \
    {                                                            \
        const double x = s.value, y = (value_of_x);              \
        return (ag__dual){ y, along((slope), s.tangent), s.id }; \
    }
AG_UNARY_FUNCTIONS(UNARY)
AG_RARE_UNARY(UNARY)
#undef UNARY
#define BINARY(name, saves, value_of_ab, slope_a, slope_b, vjp_a, vjp_b)                                \
    static inline ag__dual dual_##name(ag__dual l, ag__dual r)                                          \
    {                                                                                                   \
        const double a = l.value, b = r.value, y = (value_of_ab);                                       \
        (void)a, (void)b;                                                                               \
        return (ag__dual){ y, along((slope_a), l.tangent) + along((slope_b), r.tangent), l.id | r.id }; \
    }
AG_BINARY_FUNCTIONS(BINARY)
AG_RARE_BINARY(BINARY)
#undef BINARY
#define ORDERED(name, value_of_x, slope, vjp)                    \
    static inline ag__dual dual_##name(int n, ag__dual s)        \
    {                                                            \
        const double x = s.value, y = (value_of_x);              \
        return (ag__dual){ y, along((slope), s.tangent), s.id }; \
    }
AG_RARE_ORDERED(ORDERED)
#undef ORDERED

/* From here on ag_mul and the others mean these. */
#undef AG__UNARY
#undef AG__BINARY
#undef AG__ORDERED
#define DUAL(x)               _Generic((x), ag__dual : same, default : constant)(x)
#define AG__UNARY(f, x)       dual_##f(DUAL(x))
#define AG__BINARY(f, a, b)   dual_##f(DUAL(a), DUAL(b))
#define AG__ORDERED(f, n, x)  dual_##f((n), (x))
#define AG__RULE(name, first) name##_s
#define ag_scalar             ag__dual
#define ag_const              constant
#include <autograd/tape/rules_number.h>

/* Second derivatives: the tangent of a rule's slope while one operand moves. */
#define UNARY(name, saves, value_of_x, slope, vjp)          \
    static double curve_##name(ag__dual x)                  \
    {                                                       \
        const ag__dual g = constant(1), y = dual_##name(x); \
        (void)y;                                            \
        const ag__dual s = (vjp);                           \
        return s.tangent;                                   \
    }
AG_UNARY_FUNCTIONS(UNARY)
AG_RARE_UNARY(UNARY)
#undef UNARY
#define BINARY(name, saves, value_of_ab, slope_a, slope_b, vjp_a, vjp_b) \
    static double curve_##name(int k, ag__dual a, ag__dual b)            \
    {                                                                    \
        const ag__dual g = constant(1), y = dual_##name(a, b);           \
        (void)y;                                                         \
        const ag__dual s = k ? (vjp_b) : (vjp_a);                        \
        return s.tangent;                                                \
    }
AG_BINARY_FUNCTIONS(BINARY)
AG_RARE_BINARY(BINARY)
#undef BINARY
#define ORDERED(name, value_of_x, slope, vjp)                  \
    static double curve_##name(int n, ag__dual x)              \
    {                                                          \
        const ag__dual g = constant(1), y = dual_##name(n, x); \
        (void)y;                                               \
        const ag__dual s = (vjp);                              \
        return s.tangent;                                      \
    }
AG_RARE_ORDERED(ORDERED)
#undef ORDERED

typedef double binary_curve(int k, ag__dual a, ag__dual b);
static ag__curvature of_two(binary_curve *f, ag__dual a, ag__dual b)
{
    const ag__dual a_moves = { a.value, 1, a.id }, b_moves = { b.value, 1, b.id };
    ag__curvature h = { 0 };
    if (a.id) h.aa = f(0, a_moves, b);
    if (b.id) h.bb = f(1, a, b_moves);
    if (a.id && b.id) h.ab = f(0, a, b_moves), h.ba = f(1, a_moves, b);
    return h;
}

#define UNARY(name, ...)                                                     \
    ag__curvature ag__curvature_##name(double a, double b)                   \
    {                                                                        \
        (void)b;                                                             \
        return (ag__curvature){ .aa = curve_##name((ag__dual){ a, 1, 1 }) }; \
    }
AG_RARE_UNARY(UNARY)
#undef UNARY
#define BINARY(name, ...)                                                          \
    ag__curvature ag__curvature_##name(double a, double b)                         \
    {                                                                              \
        return of_two(curve_##name, (ag__dual){ a, 0, 1 }, (ag__dual){ b, 0, 1 }); \
    }
AG_RARE_BINARY(BINARY)
#undef BINARY
#define ORDERED(name, ...)                                                           \
    ag__curvature ag__curvature_##name(double a, double b)                           \
    {                                                                                \
        return (ag__curvature){ .bb = curve_##name((int)a, (ag__dual){ b, 1, 1 }) }; \
    }
AG_RARE_ORDERED(ORDERED)
#undef ORDERED

/* Horner's rule for the coefficients i (i - 1) c[i]. */
static double poly(const ag__record *r, double x)
{
    double y = 0;
    for (uint32_t i = r->n; i-- > 2;) y = y * x + (double)i * (i - 1) * r->pd[i];
    return y;
}

/* Operand k: what has no id is a constant, and its value stands for the slope. */
static ag__dual operand(ag_tape *t, const ag__record *r, int k)
{
    const uint32_t id = r->ix[k];
    return (ag__dual){ id ? ag__streams_value(t, id) : r->pd[k], 0, id };
}

ag__curvature ag__curvature_of(ag_tape *t, const ag__record *r)
{
    const ag__function *f;
    ag__dual x;
    switch (r->code) {
    case AG__S_POLY: return (ag__curvature){ .aa = poly(r, ag__streams_value(t, r->ix[0])) };
    case AG__S_RDIV: x = operand(t, r, 0); return (ag__curvature){ .aa = 2 * r->y[0] / (x.value * x.value) };
    case AG__S_FUNCTION:
        memcpy(&f, r->pd + 2, sizeof f);
        return f->curvature(operand(t, r, 0).value, operand(t, r, 1).value);
#define UNARY(name, ...)                                               \
    case AG__S_##name:                                                 \
        x = (ag__dual){ ag__streams_value(t, r->ix[0]), 1, r->ix[0] }; \
        return (ag__curvature){ .aa = curve_##name(x) };
        AG_UNARY_FUNCTIONS(UNARY)
#undef UNARY
#define BINARY(name, ...) \
    case AG__S_##name: return of_two(curve_##name, operand(t, r, 0), operand(t, r, 1));
        AG_BINARY_FUNCTIONS(BINARY)
#undef BINARY
    default: return (ag__curvature){ 0 };
    }
}
