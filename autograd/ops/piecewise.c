/* piecewise.c - element operations that choose: where, clamp, leaky_relu, softplus_beta, and the comparisons. */
#include <autograd/ops/map.h>
#include <math.h>

/* ---- functions of one operand and numbers ---- */

/* y = x where x > 0, else slope x */
static double leaky_number(double x, const void *attr)
{
    return x > 0 ? x : x * *(const double *)attr;
}
static ag_tensor *leaky_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    return ag_where(ag_gt(x, 0.0), g, ag_mul(g, *(const double *)attr));
}
AG__MAP_ROW(leaky_relu, double, leaky_number, leaky_product)
ag_tensor *(ag_leaky_relu)(ag_tensor *x, double slope)
{
    return ag__apply(&ag__op_leaky_relu, &slope, x);
}

/* y = min(max(x, low), high); dy/dx = 1 where low <= x <= high */
struct range {
    double low, high;
};
static double clamp_number(double x, const void *attr)
{
    const struct range *r = attr;
    double y = x < r->low ? r->low : x;
    return y > r->high ? r->high : y;
}
static ag_tensor *clamp_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    const struct range *r = attr;
    ag_tensor *inside = ag_where(ag_ge(x, r->low), ag_le(x, r->high), ag_ne(x, x));
    return ag_where(inside, g, ag_num(0));
}
AG__MAP_ROW(clamp, struct range, clamp_number, clamp_product)
ag_tensor *(ag_clamp)(ag_tensor *x, double low, double high)
{
    if (isnan(low) || isnan(high)) return ag_fail(AG_EINVAL, "ag_clamp: a bound is NaN"), NULL;
    return ag__apply(&ag__op_clamp, &((struct range){ low, high }), x);
}

/* y = log(1 + e^(beta x)) / beta, x where beta x > threshold; dy/dx = sigmoid(beta x), or 1 */
struct softness {
    double beta, threshold;
};
static double softplus_number(double x, const void *attr)
{
    const struct softness *s = attr;
    double z = s->beta * x;
    return z > s->threshold ? x : (log1p(exp(-fabs(z))) + (z > 0 ? z : 0)) / s->beta;
}
static ag_tensor *softplus_product(ag_tensor *g, ag_tensor *x, const void *attr)
{
    const struct softness *s = attr;
    ag_tensor *z = ag_mul(x, s->beta);
    return ag_where(ag_gt(z, s->threshold), g, ag_mul(g, ag_sigmoid(z)));
}
AG__MAP_ROW(softplus_beta, struct softness, softplus_number, softplus_product)
ag_tensor *(ag_softplus_beta)(ag_tensor *x, double beta, double threshold)
{
    if (!(beta != 0)) return ag_fail(AG_EINVAL, "ag_softplus_beta: beta is %g", beta), NULL;
    return ag__apply(&ag__op_softplus_beta, &((struct softness){ beta, threshold }), x);
}

/* ---- where ---- */

static ag_status where_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l[3];
    for (int i = 0; i < 3; i++) {
        if (!c->in[i]) return ag_fail(AG_ENULL, "ag_where: operand %d is NULL", i + 1);
        l[i] = c->in[i]->layout;
    }
    if (l[0]->dtype != AG_BOOL)
        return ag_fail(AG_EDTYPE, "ag_where: the condition must be bool, got %s %s", ag_dtype_name(l[0]->dtype),
                       ag__text(l[0]));
    if (l[1]->dtype != l[2]->dtype)
        return ag_fail(AG_EDTYPE, "ag_where: dtypes differ: %s %s and %s %s", ag_dtype_name(l[1]->dtype),
                       ag__text(l[1]), ag_dtype_name(l[2]->dtype), ag__text(l[2]));
    out->dtype = l[1]->dtype, out->rank = 0;
    for (int i = 0; i < 3; i++)
        if (!ag__broadcast(&out->rank, out->dims, l[i]))
            return ag_fail(AG_ESHAPE, "ag_where: shapes do not broadcast: %s, %s and %s", ag__text(l[0]),
                           ag__text(l[1]), ag__text(l[2]));
    return AG_OK;
}

/* Without branches, which would be guessed wrongly half the time. */
#define CHOOSE(T, from, to, sy, sc, sa, sb)                               \
    for (int64_t i = (from); i < (to); i++) {                             \
        const T yes = (T)(p[1][i * (sc)] ? -1 : 0);                       \
        y[i * (sy)] = (T)((a[i * (sa)] & yes) | (b[i * (sb)] & (T)~yes)); \
    }
#define WHERE(T)                                                                        \
    static void where_##T(int64_t n, char *const *p, const int64_t *s, void *u)         \
    {                                                                                   \
        T *restrict y = (T *)(void *)p[0];                                              \
        const T *a = (const T *)(const void *)p[2], *b = (const T *)(const void *)p[3]; \
        int64_t whole = s[0] == 1 && s[1] == 1 ? n & -16 : 0;                           \
        (void)u;                                                                        \
        if (s[2] == 1 && s[3] == 1) {                                                   \
            CHOOSE(T, 0, whole, 1, 1, 1, 1)                                             \
        } else if (s[2] == 1 && s[3] == 0) {                                            \
            CHOOSE(T, 0, whole, 1, 1, 1, 0)                                             \
        } else if (s[2] == 0 && s[3] == 1) {                                            \
            CHOOSE(T, 0, whole, 1, 1, 0, 1)                                             \
        } else                                                                          \
            whole = 0;                                                                  \
        CHOOSE(T, whole, n, s[0], s[1], s[2], s[3])                                     \
    }
WHERE(uint8_t)
WHERE(uint32_t)
WHERE(uint64_t)
static ag_status where_forward(ag_call *c)
{
    const ag__layout *l = c->out[0]->layout;
    ag__loop_fn *loop = l->item == 8 ? where_uint64_t : l->item == 4 ? where_uint32_t : where_uint8_t;
    ag__iterate_shared(
        l->rank, l->dims, 4, (const ag__layout *[]){ l, c->in[0]->layout, c->in[1]->layout, c->in[2]->layout },
        (void *[]){ c->out[0]->data, c->in[0]->data, c->in[1]->data, c->in[2]->data }, loop, NULL, 0, 0.3);
    return AG_OK;
}

/* The branch not taken gets exactly 0. */
static ag_tensor *nothing(const ag_tensor *like)
{
    return (ag_zeros)(like->layout->dtype, 0, NULL);
}
static ag_status where_vjp(ag_call *c)
{
    ag_tensor *g = c->g[0];
    if (c->need[1] && !(c->gin[1] = ag_where(c->in[0], g, nothing(g)))) return ag_error();
    if (c->need[2] && !(c->gin[2] = ag_where(c->in[0], nothing(g), g))) return ag_error();
    return AG_OK;
}
static ag_status where_jvp(ag_call *c)
{
    ag_tensor *a = c->tangent[1], *b = c->tangent[2], *y = c->out[0];
    if (!a && !b) return AG_OK;
    ag_tensor *t = ag_where(c->in[0], a ? a : nothing(y), b ? b : nothing(y));
    if (t && !ag__same_dims(t->layout, y->layout)) t = (ag_expand)(t, y->layout->rank, y->layout->dims);
    c->tout[0] = t;
    return ag_error();
}
const ag_op ag__op_where = {
    .name = "where",
    .n_in = 3,
    .shape = where_shape,
    .forward = where_forward,
    .vjp = where_vjp,
    .jvp = where_jvp,
    .saves = AG_SAVES_IN(0),
    .flags = AG_OP_STRIDED,
};
ag_tensor *(ag_where)(ag_tensor *condition, ag_tensor *a, ag_tensor *b)
{
    ag_tape *t = ag__tape("ag_where");
    if (!t || !(condition = ag__operand(t, condition, "ag_where", 1)) || !(a = ag__operand(t, a, "ag_where", 2)) ||
        !(b = ag__operand(t, b, "ag_where", 3)))
        return NULL;
    if (a->flags & AG__WEAK)
        a = ag__adopt(t, a, b->layout->dtype, "ag_where");
    else if (b->flags & AG__WEAK)
        b = ag__adopt(t, b, a->layout->dtype, "ag_where");
    return a && b ? ag__apply(&ag__op_where, NULL, condition, a, b) : NULL;
}

/* ---- comparisons ---- */

struct compare_loop {
    ag__compare_fn *f;
};
static void compare_floats(int64_t n, char *const *p, const int64_t *s, void *user)
{
    ((struct compare_loop *)user)->f(n, p[1], s[1], p[2], s[2], (uint8_t *)p[0], s[0]);
}

static int64_t integer_at(const char *p, int64_t i, ag_dtype dtype)
{
    switch (dtype) {
    case AG_I64: return ((const int64_t *)(const void *)p)[i];
    case AG_I32: return ((const int32_t *)(const void *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}
struct integers {
    ag_dtype dtype;
    int code;
};
static void compare_integers(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct integers *u = user;
    for (int64_t i = 0; i < n; i++) {
        int64_t a = integer_at(p[1], i * s[1], u->dtype), b = integer_at(p[2], i * s[2], u->dtype);
        const bool is[AG__N_COMPARE] = { a == b, a != b, a<b, a <= b, a> b, a >= b };
        p[0][i * s[0]] = is[u->code];
    }
}

static ag_status compare(ag_call *c, int code)
{
    const ag__layout *l = c->out[0]->layout, *la = c->in[0]->layout, *lb = c->in[1]->layout;
    const ag__layout *const all[] = { l, la, lb };
    void *const data[] = { c->out[0]->data, c->in[0]->data, c->in[1]->data };
    if (ag__is_float(la->dtype))
        ag__iterate_shared(l->rank, l->dims, 3, all, data, compare_floats,
                           &(struct compare_loop){ ag__kernels_for(la->dtype)->compare[code] }, 0, 0.12);
    else
        ag__iterate_shared(l->rank, l->dims, 3, all, data, compare_integers, &(struct integers){ la->dtype, code }, 0,
                           2);
    return AG_OK;
}
static ag_status compare_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1] ? c->in[1]->layout : a;
    if (a->dtype != b->dtype)
        return ag_fail(AG_EDTYPE, "ag_%s: dtypes differ: %s %s and %s %s; convert one with ag_to", c->op->name,
                       ag_dtype_name(a->dtype), ag__text(a), ag_dtype_name(b->dtype), ag__text(b));
    out->dtype = AG_BOOL, out->rank = 0;
    if (!ag__broadcast(&out->rank, out->dims, a) || !ag__broadcast(&out->rank, out->dims, b))
        return ag_fail(AG_ESHAPE, "ag_%s: shapes do not broadcast: %s and %s", c->op->name, ag__text(a), ag__text(b));
    return AG_OK;
}
#define COMPARISON(fn, code)                                  \
    static ag_status fn##_forward(ag_call *c)                 \
    {                                                         \
        return compare(c, code);                              \
    }                                                         \
    const ag_op ag__op_##fn = { .name = #fn,                  \
                                .n_in = 2,                    \
                                .shape = compare_shape,       \
                                .forward = fn##_forward,      \
                                .saves = AG_SAVES_NOTHING,    \
                                .flags = AG_OP_STRIDED };     \
    ag_tensor *(ag_##fn)(ag_tensor * a, ag_tensor * b)        \
    {                                                         \
        return ag__apply_pair(&ag__op_##fn, "ag_" #fn, a, b); \
    }
COMPARISON(eq, AG__EQ)
COMPARISON(ne, AG__NE)
COMPARISON(lt, AG__LT)
COMPARISON(le, AG__LE)
COMPARISON(gt, AG__GT)
COMPARISON(ge, AG__GE)
