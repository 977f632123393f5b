/* rare.c - tensors of the rarely used elementary functions (rows u, c, n of ops.def): one loop for all, through the
 * descriptors of tape/functions.h. */
#include <autograd/ops/elementwise.h>
#include <autograd/ops/family.h>
#include <autograd/tape/functions.h>
#include <autograd/tape/rules.h>
#include <stdlib.h>

enum { NANOSECONDS = 20 }; /* an element, roughly */

/* y = f(a, b) */
static void loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const ag__function *f = *(const ag__function *const *)user;
    for (int64_t i = 0; i < n; i++)
        ((double *)(void *)p[0])[i * s[0]] =
            f->value(((double *)(void *)p[1])[i * s[1]], ((double *)(void *)p[2])[i * s[2]]);
}
static void loop_f32(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const ag__function *f = *(const ag__function *const *)user;
    for (int64_t i = 0; i < n; i++)
        ((float *)(void *)p[0])[i * s[0]] =
            (float)f->value((double)((float *)(void *)p[1])[i * s[1]], (double)((float *)(void *)p[2])[i * s[2]]);
}
static __attribute__((noinline)) ag_status forward(const ag_call *c, const ag__function *f, const ag__layout *la,
                                                   void *a, ag_tensor *b)
{
    const ag__layout *l = c->out[0]->layout;
    ag__iterate_shared(l->rank, l->dims, 3, (const ag__layout *[]){ l, la, b->layout },
                       (void *[]){ c->out[0]->data, a, b->data }, l->dtype == AG_F64 ? loop : loop_f32, &f, 0,
                       NANOSECONDS);
    return AG_OK;
}

static ag_status shape(const ag_call *c, ag_shape *out)
{
    return ag__need_float(c->in[0], ag__title(c->op)) ? ag_shape_broadcast(c, out) : ag_error();
}

#define RULES(fn, attr_)                          \
    static ag_status fn##_vjp(ag_call *c)         \
    {                                             \
        return ag__rule_vjp(c, fn##_rule, attr_); \
    }                                             \
    static ag_status fn##_jvp(ag_call *c)         \
    {                                             \
        return ag__rule_jvp(c, fn##_rule, attr_); \
    }
#define DESCRIPTOR(fn, inputs, attributes, saves_) \
    const ag_op ag__op_##fn = {                    \
        .name = #fn,                               \
        .n_in = inputs,                            \
        .attr_size = attributes,                   \
        .shape = shape,                            \
        .forward = fn##_forward,                   \
        .vjp = fn##_vjp,                           \
        .jvp = fn##_jvp,                           \
        .saves = (saves_),                         \
        .flags = AG_OP_STRIDED,                    \
    };

#define UNARY(fn, saves_, value_, slope_, vjp_)                                                                    \
    static AG__COLD ag_tensor *fn##_rule(const void *with, ag_tensor *g, ag_tensor *x, ag_tensor *b, ag_tensor *y) \
    {                                                                                                              \
        (void)with, (void)x, (void)b, (void)y;                                                                     \
        return (vjp_);                                                                                             \
    }                                                                                                              \
    static ag_status fn##_forward(ag_call *c)                                                                      \
    {                                                                                                              \
        ag_tensor *x = c->in[0];                                                                                   \
        return forward(c, &ag__f_##fn, x->layout, x->data, x);                                                     \
    }                                                                                                              \
    RULES(fn, NULL)                                                                                                \
    DESCRIPTOR(fn, 1, 0, saves_)                                                                                   \
    ag_tensor *(ag_##fn)(ag_tensor * x)                                                                            \
    {                                                                                                              \
        return ag__apply(&ag__op_##fn, NULL, x);                                                                   \
    }
AG_RARE_UNARY(UNARY)

#define BINARY(fn, saves_, value_, slope_a_, slope_b_, vjp_a_, vjp_b_)                                             \
    static AG__COLD ag_tensor *fn##_rule(const void *with, ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y) \
    {                                                                                                              \
        (void)a, (void)b, (void)y;                                                                                 \
        return *(const int *)with ? (vjp_b_) : (vjp_a_);                                                           \
    }                                                                                                              \
    static ag_status fn##_forward(ag_call *c)                                                                      \
    {                                                                                                              \
        return forward(c, &ag__f_##fn, c->in[0]->layout, c->in[0]->data, c->in[1]);                                \
    }                                                                                                              \
    RULES(fn, NULL)                                                                                                \
    DESCRIPTOR(fn, 2, 0, saves_)                                                                                   \
    ag_tensor *(ag_##fn)(ag_tensor * a, ag_tensor * b)                                                             \
    {                                                                                                              \
        return ag__apply_pair(&ag__op_##fn, "ag_" #fn, a, b);                                                      \
    }
AG_RARE_BINARY(BINARY)

#define ORDERED(fn, value_, slope_, vjp_)                                                                          \
    static AG__COLD ag_tensor *fn##_rule(const void *with, ag_tensor *g, ag_tensor *x, ag_tensor *b, ag_tensor *y) \
    {                                                                                                              \
        const int n = *(const int *)with;                                                                          \
        (void)n, (void)b, (void)y;                                                                                 \
        return (vjp_);                                                                                             \
    }                                                                                                              \
    static ag_status fn##_forward(ag_call *c)                                                                      \
    {                                                                                                              \
        ag_dtype d = c->in[0]->layout->dtype;                                                                      \
        ag__number n = ag__number_of(d, *(const int *)c->attr);                                                    \
        return forward(c, &ag__f_##fn, &ag__layout_0d[ag__dtype_index(d)], &n, c->in[0]);                          \
    }                                                                                                              \
    RULES(fn, c->attr)                                                                                             \
    DESCRIPTOR(fn, 1, sizeof(int), AG_SAVES_IN(0) | AG_SAVES_OUT(0))                                               \
    ag_tensor *(ag_##fn)(int n, ag_tensor *x)                                                                      \
    {                                                                                                              \
        if (n < 0) return ag_fail(AG_EINVAL, "ag_" #fn ": order %d is negative", n), NULL;                         \
        if (n > 1000000) return ag_fail(AG_EINVAL, "ag_" #fn ": order %d is beyond 1000000", n), NULL;             \
        return ag__apply(&ag__op_##fn, &n, x);                                                                     \
    }
AG_RARE_ORDERED(ORDERED)
