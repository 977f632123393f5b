/* functions.c - see functions.h: the descriptors, and the statements of scalars. */
#include <autograd/base/special.h>
#include <autograd/tape/functions.h>
#include <autograd/tape/rules.h>
#include <autograd/tape/streams.h>
#include <stdlib.h>
#include <string.h>

static __attribute__((noinline)) ag_scalar record(ag_pen *p, const ag__function *f, ag_scalar a, ag_scalar b)
{
    const double y = f->value(a.value, b.value);
    const uint32_t i = ag__settled_as(p, a, f->name, 1), j = ag__settled_as(p, b, f->name, 2);
    if ((i | j) == 0 || !ag__room(p, 1, 2, 3)) return ag_const(y);
    p->ix[0] = i, p->ix[1] = j;
    p->pd[0] = i ? f->slope(0, a.value, b.value, y) : a.value;
    p->pd[1] = j ? f->slope(1, a.value, b.value, y) : b.value;
    memcpy(p->pd + 2, &f, sizeof f);
    p->val[p->next & p->keep] = y;
    const uint32_t id = ag__close(p, AG__S_FUNCTION, 1, p->ix + 2, p->pd + 3);
    return (ag_scalar){ y, id, p->gen };
}

#define DESCRIPTOR(name) \
    const ag__function ag__f_##name = { "ag_" #name, name##_value, name##_slope, name##_rule, ag__curvature_##name };

#define UNARY(name, saves, value_of_x, slope_of_xy, vjp)                                             \
    static double name##_value(double x, double b)                                                   \
    {                                                                                                \
        (void)b;                                                                                     \
        return (value_of_x);                                                                         \
    }                                                                                                \
    static double name##_slope(int k, double x, double b, double y)                                  \
    {                                                                                                \
        (void)k, (void)x, (void)b, (void)y;                                                          \
        return (slope_of_xy);                                                                        \
    }                                                                                                \
    static AG__COLD ag_scalar name##_rule(int k, ag_scalar g, ag_scalar x, ag_scalar b, ag_scalar y) \
    {                                                                                                \
        (void)k, (void)x, (void)b, (void)y;                                                          \
        return (vjp);                                                                                \
    }                                                                                                \
    DESCRIPTOR(name)                                                                                 \
    ag_scalar ags_##name##_on(ag_pen *p, ag_scalar x)                                                \
    {                                                                                                \
        return record(p, &ag__f_##name, x, ag_const(0));                                             \
    }
AG_RARE_UNARY(UNARY)

#define BINARY(name, saves, value_of_ab, slope_a, slope_b, vjp_a, vjp_b)                             \
    static double name##_value(double a, double b)                                                   \
    {                                                                                                \
        return (value_of_ab);                                                                        \
    }                                                                                                \
    static double name##_slope(int k, double a, double b, double y)                                  \
    {                                                                                                \
        (void)a, (void)b, (void)y;                                                                   \
        return k ? (slope_b) : (slope_a);                                                            \
    }                                                                                                \
    static AG__COLD ag_scalar name##_rule(int k, ag_scalar g, ag_scalar a, ag_scalar b, ag_scalar y) \
    {                                                                                                \
        (void)a, (void)b, (void)y;                                                                   \
        return k ? (vjp_b) : (vjp_a);                                                                \
    }                                                                                                \
    DESCRIPTOR(name)                                                                                 \
    ag_scalar ags_##name##_on(ag_pen *p, ag_scalar a, ag_scalar b)                                   \
    {                                                                                                \
        return record(p, &ag__f_##name, a, b);                                                       \
    }
AG_RARE_BINARY(BINARY)

#define ORDERED(name, value_of_x, slope_of_xy, vjp)                                                               \
    static double name##_value(double order, double x)                                                            \
    {                                                                                                             \
        const int n = (int)order;                                                                                 \
        return (value_of_x);                                                                                      \
    }                                                                                                             \
    static double name##_slope(int k, double order, double x, double y)                                           \
    {                                                                                                             \
        const int n = (int)order;                                                                                 \
        (void)k, (void)y;                                                                                         \
        return (slope_of_xy);                                                                                     \
    }                                                                                                             \
    static AG__COLD ag_scalar name##_rule(int k, ag_scalar g, ag_scalar order, ag_scalar x, ag_scalar y)          \
    {                                                                                                             \
        const int n = (int)order.value;                                                                           \
        (void)k, (void)y;                                                                                         \
        return (vjp);                                                                                             \
    }                                                                                                             \
    DESCRIPTOR(name)                                                                                              \
    ag_scalar ags_##name##_on(ag_pen *p, int n, ag_scalar x)                                                      \
    {                                                                                                             \
        if (n < 0) return ag_fail(AG_EINVAL, "ag_" #name ": order %d is negative", n), ag_const(NAN);             \
        if (n > 1000000) return ag_fail(AG_EINVAL, "ag_" #name ": order %d is beyond 1000000", n), ag_const(NAN); \
        return record(p, &ag__f_##name, ag_const(n), x);                                                          \
    }
AG_RARE_ORDERED(ORDERED)
