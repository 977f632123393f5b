/* map.h - element operations that are one loop in double, whatever the dtype, and whose rules are products with a slope. */
#ifndef AG_OPS_MAP_H
#define AG_OPS_MAP_H
#include <autograd/ops/elementwise.h>

typedef double ag__number_fn(double x, const void *attr);
typedef ag_tensor *ag__product_fn(ag_tensor *g, ag_tensor *x, const void *attr);

/* y = f(x, the attributes), and rules that multiply by a slope which depends on x: the same for adjoints and tangents. */
ag_status ag__map(ag_call *c, ag__number_fn *f);
ag_status ag__map_shape(const ag_call *c, ag_shape *out);
ag_status ag__map_vjp(ag_call *c, ag__product_fn *product);
ag_status ag__map_jvp(ag_call *c, ag__product_fn *product);

#define AG__MAP_ROW(fn, attr_type, number, product)                                                                        \
    static ag_status fn##_forward(ag_call *c) { return ag__map(c, number); }                                               \
    static ag_status fn##_vjp(ag_call *c) { return ag__map_vjp(c, product); }                                              \
    static ag_status fn##_jvp(ag_call *c) { return ag__map_jvp(c, product); }                                              \
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
