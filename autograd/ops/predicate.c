/* predicate.c - questions about each element, answered by bool tensors: operands of any dtype. */
#include <autograd/ops/family.h>
#include <math.h>

typedef bool question(double a, double b);

static inline double number_at(ag_dtype dtype, const char *p, int64_t i)
{
    return ag__is_float(dtype) ? ag__number_at(dtype, p, i) : (double)ag__whole(dtype, p, i);
}

struct question_loop {
    question *f;
    ag_dtype a, b;
};
static void ask(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct question_loop *u = user;
    for (int64_t i = 0; i < n; i++)
        p[0][i * s[0]] = u->f(number_at(u->a, p[1], i * s[1]), number_at(u->b, p[2], i * s[2]));
}
static ag_status answer(ag_call *c, question *f)
{
    ag_tensor *a = c->in[0], *b = c->in[c->n_in - 1];
    const ag__layout *l = c->out[0]->layout;
    ag__iterate_shared(l->rank, l->dims, 3, (const ag__layout *[]){ l, a->layout, b->layout },
                       (void *[]){ c->out[0]->data, a->data, b->data }, ask,
                       &(struct question_loop){ f, a->layout->dtype, b->layout->dtype }, 0, 2);
    return AG_OK;
}
static ag_status question_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[c->n_in - 1] ? c->in[c->n_in - 1]->layout : NULL;
    if (!b) return ag_fail(AG_ENULL, "%s: operand 2 is NULL", ag__title(c->op));
    out->dtype = AG_BOOL, out->rank = 0;
    if (ag__broadcast(&out->rank, out->dims, a) && ag__broadcast(&out->rank, out->dims, b)) return AG_OK;
    return ag_fail(AG_ESHAPE, "%s: shapes do not broadcast: %s and %s", ag__title(c->op), ag__text(a), ag__text(b));
}

#define QUESTION(fn, n, yes)                  \
    static bool fn##_yes(double a, double b)  \
    {                                         \
        (void)b;                              \
        return (yes);                         \
    }                                         \
    static ag_status fn##_forward(ag_call *c) \
    {                                         \
        return answer(c, fn##_yes);           \
    }                                         \
    const ag_op ag__op_##fn = {               \
        .name = #fn,                          \
        .n_in = n,                            \
        .shape = question_shape,              \
        .forward = fn##_forward,              \
        .saves = AG_SAVES_NOTHING,            \
        .flags = AG_OP_STRIDED,               \
    };
#define ONE(fn, yes)                             \
    QUESTION(fn, 1, yes)                         \
    ag_tensor *ag_##fn(ag_tensor *x)             \
    {                                            \
        return ag__apply(&ag__op_##fn, NULL, x); \
    }
#define TWO(fn, yes)                                \
    QUESTION(fn, 2, yes)                            \
    ag_tensor *ag_##fn(ag_tensor *a, ag_tensor *b)  \
    {                                               \
        return ag__apply(&ag__op_##fn, NULL, a, b); \
    }
ONE(isnan, isnan(a))
ONE(isinf, isinf(a))
ONE(isfinite, isfinite(a))
ONE(signbit, signbit(a))
ONE(logical_not, a == 0)
TWO(logical_and, a != 0 && b != 0)
TWO(logical_or, a != 0 || b != 0)
TWO(logical_xor, (a != 0) != (b != 0))
