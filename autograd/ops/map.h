/* map.h - element operations that are one loop in double, whatever the dtype, and whose rules are products with a slope. */
#ifndef AG_OPS_MAP_H
#define AG_OPS_MAP_H
#include <autograd/ops/elementwise.h>

typedef double ag__number_fn(double x, const void *attr);

/* y = f(x, the attributes), and rules that multiply by a slope which depends on x: product(g, x, attributes). */
ag_status ag__map(ag_call *c, ag__number_fn *f);
ag_status ag__map_shape(const ag_call *c, ag_shape *out);

#define AG__MAP_ROW(fn, attr_type, number, product)                                                                        \
    static ag_status fn##_forward(ag_call *c) { return ag__map(c, number); }                                               \
    static ag_tensor *fn##_rule(const void *attr, ag_tensor *g, ag_tensor *x, ag_tensor *b, ag_tensor *y)                  \
    {                                                                                                                      \
        (void)b, (void)y;                                                                                                  \
        return product(g, x, attr);                                                                                        \
    }                                                                                                                      \
    static ag_status fn##_vjp(ag_call *c) { return ag__rule_vjp(c, fn##_rule, c->attr); }                                  \
    static ag_status fn##_jvp(ag_call *c) { return ag__rule_jvp(c, fn##_rule, c->attr); }                                  \
    const ag_op ag__op_##fn = {                                                                                            \
        .name = #fn,                                                                                                       \
        .n_in = 1,                                                                                                         \
        .attr_size = sizeof(attr_type),                                                                                    \
        .shape = ag__map_shape,                                                                                            \
        .forward = fn##_forward,                                                                                           \
        .vjp = fn##_vjp,                                                                                                   \
        .jvp = fn##_jvp,                                                                                                   \
        .saves = AG_SAVES_IN(0),                                                                                           \
        .flags = AG_OP_STRIDED,                                                                                            \
    };
#endif
