/* elementwise.c - the unary and binary rows of ops.def: one body for all, one list of functions.
 *
 * Operands are iterated in the order of their strides; results inherit the memory order of the operand of full size, so
 * that a layout chosen once flows through a network. One-element tensors, flat runs and a broadcast number come first:
 * they are most of what is called. */
#include <autograd/ops/elementwise.h>
#include <autograd/tape/rules.h>
#include <autograd/tape/watch.h>
#include <string.h>

/* ---- C numbers ---- */

ag_tensor *ag__adopt(ag_tape *t, ag_tensor *x, ag_dtype as, const char *who)
{
    if (!(x->flags & AG__WEAK) || as == AG_F64) return x;
    double v = x->one.f64;
    ag_tensor *y = ag__temporary(t, &ag__layout_0d[ag__dtype_index(as)]);
    if (!y) return NULL;
    ag__set(y->layout, y->data, 0, v);
    if (!ag__is_float(as) && ag__get(y->layout, y->data, 0) != v)
        return ag_fail(AG_EDTYPE, "%s: the number %g is no %s", who, v, ag_dtype_name(as)), NULL;
    return y;
}

static bool adopt_each_other(ag_tape *t, ag_tensor **a, ag_tensor **b, const char *who)
{
    if ((*a)->flags & AG__WEAK) {
        if (!((*b)->flags & AG__WEAK)) *a = ag__adopt(t, *a, (*b)->layout->dtype, who);
    } else if ((*b)->flags & AG__WEAK)
        *b = ag__adopt(t, *b, (*a)->layout->dtype, who);
    return *a && *b;
}

ag_tensor *ag__apply_pair(const ag_op *op, const char *who, ag_tensor *a, ag_tensor *b)
{
    ag_tape *t = ag__tape(who);
    if (!t || !(a = ag__operand(t, a, who, 1)) || !(b = ag__operand(t, b, who, 2))) return NULL;
    return adopt_each_other(t, &a, &b, who) ? ag__apply(op, NULL, a, b) : NULL;
}

/* ---- forward ---- */

static ag_tensor *not_recorded(ag_tape *t, const ag_op *op, int n, ag_tensor *const *in, ag_tensor *y)
{
    return ag__likely(!t->watch) || ag__watch_unrecorded(t, op, n, in, y) ? y : NULL;
}

static ag_tensor *unary(const ag_op *op, int code, const char *who, ag_tensor *x)
{
    ag_tape *t = ag__here.tape;
    if (ag__unlikely(!t)) return ag__tape(who), NULL;
    if (ag__unlikely(!(x = ag__operand(t, x, who, 1)))) return NULL;
    const ag__layout *l = x->layout, *ly = l->dense_form;
    if (ag__unlikely(!ag__is_float(l->dtype)))
        return ag_fail(AG_EDTYPE, "%s: needs f32 or f64, got %s %s", who, ag_dtype_name(l->dtype), ag__text(l)), NULL;
    ag_tensor *y = ag__temporary(t, ly);
    if (ag__unlikely(!y)) return NULL;
    if (ag__likely(l == ly && l->numel <= AG__AT_ONCE))
        ag__kernels_for(l->dtype)->unary[code](l->numel, x->data, 1, y->data, 1);
    else
        ag__each_unary(code, ly, y->data, l, x->data);
    if (!ag__records(x)) return not_recorded(t, op, 1, &x, y);
    return ag__node_record_few(t, op, 1, x, NULL, y) ? y : NULL;
}

/* One element and one rounding: not worth a kernel's call. False: not one of these. */
#define ONE_FORWARD(real)                                                          \
    switch (code) {                                                                \
    case AG__F_add: *(real *)y = *(const real *)a + *(const real *)b; return true; \
    case AG__F_sub: *(real *)y = *(const real *)a - *(const real *)b; return true; \
    case AG__F_mul: *(real *)y = *(const real *)a * *(const real *)b; return true; \
    default: return false;                                                         \
    }
static inline bool one_forward(int code, ag_dtype dtype, const void *a, const void *b, void *y)
{
    if (dtype == AG_F32) ONE_FORWARD(float)
    ONE_FORWARD(double)
}

/* The layout of the result of two operands that broadcast; NULL with the error remembered. */
static const ag__layout *common(ag_tape *t, const ag__layout *a, const ag__layout *b, const char *who)
{
    if (a->dtype != b->dtype)
        return ag_fail(AG_EDTYPE, "%s: dtypes differ: %s %s and %s %s; convert one with ag_to", who,
                       ag_dtype_name(a->dtype), ag__text(a), ag_dtype_name(b->dtype), ag__text(b)),
               NULL;
    if (b->numel == 1 && b->rank <= a->rank) return a->dense_form;
    if (a->numel == 1 && a->rank <= b->rank) return b->dense_form;
    int rank = a->rank;
    int64_t dims[AG_MAX_RANK];
    memcpy(dims, a->dims, sizeof dims);
    if (!ag__broadcast(&rank, dims, b))
        return ag_fail(AG_ESHAPE, "%s: shapes do not broadcast: %s and %s", who, ag__text(a), ag__text(b)), NULL;
    const ag__layout *full = a->rank == rank && !memcmp(a->dims, dims, (size_t)rank * sizeof *dims)   ? a
                             : b->rank == rank && !memcmp(b->dims, dims, (size_t)rank * sizeof *dims) ? b
                                                                                                      : NULL;
    return full ? full->dense_form : ag__layout_get(&t->layouts, a->dtype, rank, dims, who);
}

static ag_tensor *binary(const ag_op *op, int code, const char *who, ag_tensor *a, ag_tensor *b)
{
    ag_tape *t = ag__here.tape;
    if (ag__unlikely(!t)) return ag__tape(who), NULL;
    if (ag__unlikely(!(a = ag__operand(t, a, who, 1)) || !(b = ag__operand(t, b, who, 2)))) return NULL;
    if (ag__unlikely((a->flags | b->flags) & AG__WEAK) && !adopt_each_other(t, &a, &b, who)) return NULL;
    const ag__layout *la = a->layout, *lb = b->layout, *l = la;
    if (la != lb || !la->dense) {
        if (!(l = common(t, la, lb, who))) return NULL;
    }
    if (ag__unlikely(!ag__is_float(l->dtype)))
        return ag_fail(AG_EDTYPE, "%s: needs f32 or f64, got %s %s", who, ag_dtype_name(l->dtype), ag__text(l)), NULL;
    ag_tensor *y = ag__temporary(t, l);
    if (ag__unlikely(!y)) return NULL;
    if (l->numel == 1 && one_forward(code, l->dtype, a->data, b->data, y->data)) {
    } else if (ag__likely((la == l || la->numel == 1) && (lb == l || lb->numel == 1) && l->numel <= AG__AT_ONCE))
        ag__kernels_for(l->dtype)->binary[code](l->numel, a->data, la->numel != 1, b->data, lb->numel != 1, y->data, 1);
    else
        ag__each_binary(code, l, y->data, la, a->data, lb, b->data);
    if (!ag__records(a) && !ag__records(b)) return not_recorded(t, op, 2, (ag_tensor *[]){ a, b }, y);
    return ag__node_record_few(t, op, 2, a, b, y) ? y : NULL;
}

/* ---- the way back, in raw loops ---- */

static bool unary_backward(ag_tape *t, ag_tensor *y, int code, const bool *need)
{
    (void)need;
    ag_tensor *x = y->in[0];
    const ag__layout *l = y->layout;
    bool add;
    void *d = ag__adjoint_of(t, x, &add);
    if (ag__unlikely(!d)) return false;
    if (ag__likely(x->layout == l && l->numel <= AG__AT_ONCE))
        ag__kernels_for(l->dtype)->unary_back[code](l->numel, y->adj, 1, x->data, 1, y->data, 1, d, 1, add);
    else
        ag__each_unary_back(code, l, y->adj, y->data, x->layout, x->data, d, add);
    return true;
}

static bool binary_backward(ag_tape *t, ag_tensor *y, int code, const bool *need)
{
    ag_tensor *a = y->in[0], *b = y->in[1];
    const ag__layout *l = y->layout, *la = a->layout, *lb = b->layout;
    const ag__kernels *k = ag__kernels_for(l->dtype);
    bool flat = (la == l || la->numel == 1) && (lb == l || lb->numel == 1) && l->numel <= AG__AT_ONCE;
    int64_t sa = la->numel != 1, sb = lb->numel != 1;
    for (int i = 0; i < 2; i++) {
        if (!need[i] || (l->numel == 1 && ag__one_backward(code, y, i))) continue;
        bool add;
        void *d = ag__adjoint_of(t, y->in[i], &add);
        if (ag__unlikely(!d)) return false;
        if (ag__likely(flat)) {
            int64_t sd = l->numel == 1 ? 1 : i ? sb : sa;
            if (l->numel == 0 && !add)
                memset(d, 0, (size_t)y->in[i]->layout->numel * l->item);
            else
                (i ? k->back_b : k->back_a)[code](l->numel, y->adj, 1, a->data, sa, b->data, sb, y->data, 1, d, sd,
                                                  add);
        } else
            ag__each_binary_back(code, i, l, y->adj, y->data, la, a->data, lb, b->data, d, add);
    }
    return true;
}

/* ---- the rows ---- */

#define RULES(fn)                                \
    static ag_status fn##_vjp(ag_call *c)        \
    {                                            \
        return ag__rule_vjp(c, fn##_rule, NULL); \
    }                                            \
    static ag_status fn##_jvp(ag_call *c)        \
    {                                            \
        return ag__rule_jvp(c, fn##_rule, NULL); \
    }
#define DESCRIPTOR(fn, inputs, kind, saves_)                                  \
    static const ag__elementwise fn##_impl = { AG__F_##fn, kind##_backward }; \
    const ag_op ag__op_##fn = {                                               \
        .name = #fn,                                                          \
        .n_in = inputs,                                                       \
        .shape = shape,                                                       \
        .forward = kind##_forward,                                            \
        .vjp = fn##_vjp,                                                      \
        .jvp = fn##_jvp,                                                      \
        .saves = (saves_),                                                    \
        .flags = AG_OP_STRIDED,                                               \
        .impl = &fn##_impl,                                                   \
    };

#define UNARY(fn, saves_, value_, slope_, vjp_)                                                                    \
    static AG__COLD ag_tensor *fn##_rule(const void *with, ag_tensor *g, ag_tensor *x, ag_tensor *b, ag_tensor *y) \
    {                                                                                                              \
        (void)with, (void)x, (void)b, (void)y;                                                                     \
        return (vjp_);                                                                                             \
    }                                                                                                              \
    RULES(fn)                                                                                                      \
    DESCRIPTOR(fn, 1, unary, saves_)                                                                               \
    ag_tensor *(ag_##fn)(ag_tensor * x)                                                                            \
    {                                                                                                              \
        return unary(&ag__op_##fn, AG__F_##fn, "ag_" #fn, x);                                                      \
    }

#define BINARY(fn, saves_, value_, slope_a_, slope_b_, vjp_a_, vjp_b_)                                             \
    static AG__COLD ag_tensor *fn##_rule(const void *with, ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y) \
    {                                                                                                              \
        (void)a, (void)b, (void)y;                                                                                 \
        return *(const int *)with ? (vjp_b_) : (vjp_a_);                                                           \
    }                                                                                                              \
    RULES(fn)                                                                                                      \
    DESCRIPTOR(fn, 2, binary, saves_)                                                                              \
    ag_tensor *(ag_##fn)(ag_tensor * a, ag_tensor * b)                                                             \
    {                                                                                                              \
        return binary(&ag__op_##fn, AG__F_##fn, "ag_" #fn, a, b);                                                  \
    }

/* The rows through ag_apply: for generic tools. */
static ag_status shape(const ag_call *c, ag_shape *out)
{
    return ag__need_float(c->in[0], ag__title(c->op)) ? ag_shape_broadcast(c, out) : ag_error();
}
static ag_status unary_forward(ag_call *c)
{
    const ag__layout *lx = c->in[0]->layout, *ly = c->out[0]->layout;
    int code = ((const ag__elementwise *)c->op->impl)->code;
    ag__each_unary(code, ly, c->out[0]->data, lx, c->in[0]->data);
    return AG_OK;
}
static ag_status binary_forward(ag_call *c)
{
    const ag__layout *ly = c->out[0]->layout;
    int code = ((const ag__elementwise *)c->op->impl)->code;
    ag__each_binary(code, ly, c->out[0]->data, c->in[0]->layout, c->in[0]->data, c->in[1]->layout, c->in[1]->data);
    return AG_OK;
}

static ag_tensor *product(const ag_call *c, ag__rule_fn *rule, const void *with, ag_tensor *g)
{
    ag_tensor *a = c->in[0], *b = c->n_in > 1 ? c->in[1] : NULL, *y = c->out[0];
    return c->op->saves & AG__PLAIN ? rule(with, g, a, b, y) : ag__guarded(rule, with, g, a, b, y);
}
__attribute__((noinline)) ag_status ag__rule_vjp(ag_call *c, ag__rule_fn *rule, const void *attr)
{
    for (int i = 0; i < c->n_in; i++)
        if (c->need[i] && !(c->gin[i] = product(c, rule, attr ? attr : &i, c->g[0]))) return ag_error();
    return AG_OK;
}

/* The sum of g times each slope, g being the tangent, in the shape of y. */
__attribute__((noinline)) ag_status ag__rule_jvp(ag_call *c, ag__rule_fn *rule, const void *attr)
{
    ag_tensor *sum = NULL, *y = c->out[0];
    for (int i = 0; i < c->n_in; i++) {
        if (!c->tangent[i]) continue;
        ag_tensor *part = product(c, rule, attr ? attr : &i, c->tangent[i]);
        if (!part || !(sum = sum ? ag_add(sum, part) : part)) return ag_error();
    }
    if (sum && !ag__same_dims(sum->layout, y->layout)) sum = (ag_expand)(sum, y->layout->rank, y->layout->dims);
    c->tout[0] = sum;
    return ag_error();
}

AG_UNARY_FUNCTIONS(UNARY)
AG_BINARY_FUNCTIONS(BINARY)
