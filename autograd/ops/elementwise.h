/* elementwise.h - what the walk knows of the elementary functions, so that they need no ag_call on the way back. */
#ifndef AG_OPS_ELEMENTWISE_H
#define AG_OPS_ELEMENTWISE_H
#include <autograd/ops/apply.h>

/* ag_op.impl of the unary and binary rows. */
typedef struct ag__elementwise {
    int code; /* in the kernel table */
    /* Adds y's adjoint times the slopes to the adjoints of those inputs that need it. False: error remembered. */
    bool (*backward)(ag_tape *t, ag_tensor *y, int code, const bool *need);
} ag__elementwise;

/* For a result of one element of add, sub or mul: the adjoint of input i = or += y's times the slope. Inline, because a
 * kernel's call costs more than the product. False: another function. */
#define AG__ONE_BACKWARD(real)                                                                                             \
    do {                                                                                                               \
        real g = *(const real *)y->adj, v;                                                                             \
        switch (code) {                                                                                                \
        case AG__F_add: v = g; break;                                                                                  \
        case AG__F_sub: v = i ? -g : g; break;                                                                         \
        case AG__F_mul: v = g * *(const real *)y->few[!i]->data; break;                                                \
        default: return false;                                                                                         \
        }                                                                                                              \
        if (!x->adj) x->adj = &x->adj_one;                                                                             \
        real *d = x->adj;                                                                                              \
        *d = (x->flags & AG__ADJ) ? *d + v : v;                                                                        \
    } while (0)
static inline bool ag__one_backward(int code, ag_tensor *y, int i)
{
    ag_tensor *x = y->few[i];
    if (y->layout->dtype == AG_F32) AG__ONE_BACKWARD(float);
    else AG__ONE_BACKWARD(double);
    x->flags |= AG__ADJ;
    return true;
}

/* x, or if it is a C number (ag_num) its value in dtype `as`; NULL if as cannot hold it. */
ag_tensor *ag__adopt(ag_tape *t, ag_tensor *x, ag_dtype as, const char *who);
/* op on two operands of which one may be a C number. */
ag_tensor *ag__apply_pair(const ag_op *op, const char *who, ag_tensor *a, ag_tensor *b);
/* The rule of an element function y = f(a, b): g times the slope, by the operand whose number is at `with`; or attributes
 * are there. Called by ag__guarded (rules.c), which makes it 0 where g is exactly 0 and the slope not finite;
 * that of a plain row directly. */
typedef ag_tensor *ag__rule_fn(const void *with, ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y);
ag_tensor *ag__guarded(ag__rule_fn *rule, const void *with, ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y);
ag_status ag__rule_vjp(ag_call *c, ag__rule_fn *rule, const void *attr);
ag_status ag__rule_jvp(ag_call *c, ag__rule_fn *rule, const void *attr);
#endif
