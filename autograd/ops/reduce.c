/* reduce.c - sums, means, extremes, logsumexp, any and all over any axes; argmax, argmin. The loops are in fold.c. */
#include <autograd/ops/fold.h>
#include <math.h>

/* ---- what the rows share ---- */

typedef ag__over over;

ag_status ag__over_shape(const ag_call *c, ag_shape *out)
{
    const over *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    out->dtype = l->dtype, out->rank = 0;
    for (int i = 0; i < l->rank; i++) {
        bool goes = o->mask >> i & 1;
        if (!goes || o->keep) out->dims[out->rank++] = goes ? 1 : l->dims[i];
    }
    return AG_OK;
}

static ag_tensor *over_apply(const ag_op *op, ag_tensor *x, over o)
{
    return ag__apply(op, &o, x);
}

/* What over_apply of the call's operation gives on another tensor of its input's shape. */
static ag_tensor *over_again(const ag_call *c, ag_tensor *x)
{
    return ag__apply(c->op, c->attr, x);
}

ag_tensor *ag__reduction(const ag_op *op, const char *who, ag_tensor *x, int n, const int *list, bool keep)
{
    ag_tape *t;
    over o = { 0, keep };
    if (!ag__begin(&t, &x, who) || !ag__axes(n, list, x->layout, who, &o.mask)) return NULL;
    return over_apply(op, x, o);
}

/* The gradient, or the result, with the axes that went put back as size 1. */
static ag_tensor *kept(const ag_call *c, ag_tensor *g)
{
    const over *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    if (o->keep || g->layout->rank == l->rank) return g;
    int64_t dims[AG_MAX_RANK];
    for (int i = 0; i < l->rank; i++) dims[i] = o->mask >> i & 1 ? 1 : l->dims[i];
    return (ag_reshape)(g, l->rank, dims);
}

static ag_tensor *spread(const ag_call *c, ag_tensor *g)
{
    return (ag_expand)(kept(c, g), c->in[0]->layout->rank, c->in[0]->layout->dims);
}

/* How many elements go into each result. */
static double share(const ag_call *c)
{
    const over *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    double n = 1;
    for (int i = 0; i < l->rank; i++) n *= o->mask >> i & 1 ? (double)l->dims[i] : 1;
    return n;
}

/* gin = or += k g, repeated along the axes that went */
struct spread_loop {
    const ag__kernels *k;
    double factor;
    bool add;
};
static void spread_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct spread_loop *u = user;
    u->k->scale(n, u->factor, p[1], s[1], p[0], s[0], u->add);
}
static ag_status spread_back(ag_call *c, double factor)
{
    const over *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    if (c->g[0]->layout->numel == 1 && l->numel <= AG__AT_ONCE) {
        ag__kernels_for(l->dtype)->scale(l->numel, factor, c->g[0]->data, 0, c->gin[0]->data, 1, c->add[0]);
        return AG_OK;
    }
    ag__layout g;
    int64_t dims[AG_MAX_RANK];
    for (int i = 0; i < l->rank; i++) dims[i] = o->mask >> i & 1 ? 1 : l->dims[i];
    if (!ag__layout_set(&g, l->dtype, l->rank, dims, NULL, c->op->name)) return ag_error();
    struct spread_loop u = { ag__kernels_for(l->dtype), factor, c->add[0] };
    ag__iterate_shared(l->rank, l->dims, 2, (const ag__layout *[]){ c->gin[0]->layout, &g },
                       (void *[]){ c->gin[0]->data, c->g[0]->data }, spread_loop, &u, 0, 0.12);
    return AG_OK;
}

/* ---- sum: dx = g, repeated ---- */

static ag_status sum_shape(const ag_call *c, ag_shape *out)
{
    ag__over_shape(c, out);
    if (!ag__is_float(out->dtype)) out->dtype = AG_I64;
    return AG_OK;
}
static ag_status sum_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    uint32_t mask = ((const over *)c->attr)->mask;
    ag_tensor *y = c->out[0];
    if (ag__is_float(l->dtype))
        ag__sum_axes(l, c->in[0]->data, mask, y->data, false);
    else if (l->numel)
        ag__fold_whole(AG__SUM, l, c->in[0]->data, mask, y);
    else
        memset(y->data, 0, (size_t)y->layout->numel * y->layout->item);
    return AG_OK;
}
AG__VJP1(sum_vjp, spread(c, g))
AG__JVP1(over_jvp, over_again(c, t))
static ag_status sum_backward(ag_call *c)
{
    return spread_back(c, 1);
}

const ag_op ag__op_sum = { .name = "sum",
                           .n_in = 1,
                           .attr_size = sizeof(over),
                           .shape = sum_shape,
                           .forward = sum_forward,
                           .vjp = sum_vjp,
                           .jvp = over_jvp,
                           .backward = sum_backward,
                           .saves = AG_SAVES_NOTHING,
                           .flags = AG_OP_STRIDED };

ag_tensor *(ag_sum)(ag_tensor *x, int n, const int *axes)
{
    return ag__reduction(&ag__op_sum, "ag_sum", x, n, axes, false);
}
ag_tensor *(ag_sum_keep)(ag_tensor *x, int n, const int *axes)
{
    return ag__reduction(&ag__op_sum, "ag_sum_keep", x, n, axes, true);
}

ag_tensor *ag_sum_to(ag_tensor *g, ag_tensor *like)
{
    ag_tape *t;
    if (!ag__begin(&t, &g, "ag_sum_to") || !(like = ag__operand(t, like, "ag_sum_to", 2))) return NULL;
    const ag__layout *from = g->layout, *to = like->layout;
    if (ag__same_dims(from, to)) return g;
    int new = from->rank - to->rank;
    bool fits = new >= 0;
    over o = { 0, false };
    for (int i = 0; fits && i < from->rank; i++) {
        bool repeated = i < new || (to->dims[i - new] == 1 && from->dims[i] != 1);
        fits = repeated || to->dims[i - new] == from->dims[i];
        if (repeated) o.mask |= 1u << i;
    }
    if (!fits) return ag_fail(AG_ESHAPE, "ag_sum_to: %s does not broadcast to %s", ag__text(to), ag__text(from)), NULL;
    ag_tensor *y = over_apply(&ag__op_sum, g, o);
    return y && y->layout->rank != to->rank ? (ag_reshape)(y, to->rank, to->dims) : y;
}

/* ---- mean: dx = g / n, repeated ---- */

static ag_status mean_forward(ag_call *c)
{
    ag_status status = sum_forward(c);
    ag_tensor *y = c->out[0];
    ag__number n = ag__number_of(y->layout->dtype, share(c));
    ag__kernels_for(y->layout->dtype)->binary[AG__F_div](y->layout->numel, y->data, 1, &n, 0, y->data, 1);
    return status;
}
AG__VJP1(mean_vjp, spread(c, ag_div(g, share(c))))
static ag_status mean_backward(ag_call *c)
{
    return spread_back(c, 1 / share(c));
}

const ag_op ag__op_mean = { .name = "mean",
                            .n_in = 1,
                            .attr_size = sizeof(over),
                            .shape = ag__over_shape,
                            .forward = mean_forward,
                            .vjp = mean_vjp,
                            .jvp = over_jvp,
                            .backward = mean_backward,
                            .saves = AG_SAVES_NOTHING,
                            .flags = AG_OP_STRIDED };

static ag_tensor *float_reduction(const ag_op *op, const char *who, ag_tensor *x, int n, const int *list, bool keep)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who)) return NULL;
    return ag__reduction(op, who, x, n, list, keep);
}
ag_tensor *(ag_mean)(ag_tensor *x, int n, const int *axes)
{
    return float_reduction(&ag__op_mean, "ag_mean", x, n, axes, false);
}
ag_tensor *(ag_mean_keep)(ag_tensor *x, int n, const int *axes)
{
    return float_reduction(&ag__op_mean, "ag_mean_keep", x, n, axes, true);
}

/* ---- max and min: dx = g where x is the extreme, divided by how many are ---- */

static ag_status extreme_shape(const ag_call *c, ag_shape *out)
{
    const over *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    for (int i = 0; i < l->rank; i++)
        if (l->dims[i] == 0 && (o->mask >> i & 1))
            return ag_fail(AG_ESHAPE, "ag_%s: axis %d of %s holds nothing", c->op->name, i, ag__text(l));
    return ag__over_shape(c, out);
}
static ag_status extreme_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    uint32_t mask = ((const over *)c->attr)->mask;
    int code = c->op == &ag__op_max ? AG__MAX : AG__MIN;
    if (l->numel == 0) return AG_OK;
    if (ag__is_float(l->dtype))
        ag__fold(code, l, c->in[0]->data, mask, c->out[0]->data, false);
    else
        ag__fold_whole(code, l, c->in[0]->data, mask, c->out[0]);
    return AG_OK;
}
/* The share of each element in the extreme: locally constant. */
static ag_tensor *winners(const ag_call *c)
{
    ag_tensor *x = c->in[0];
    ag_tensor *hit = ag_to(ag_eq(x, kept(c, c->out[0])), x->layout->dtype);
    return hit ? ag_div(hit, over_apply(&ag__op_sum, hit, (over){ ((const over *)c->attr)->mask, true })) : NULL;
}
AG__VJP1(extreme_vjp, ag_mul(kept(c, g), winners(c)))
AG__JVP1(extreme_jvp, over_apply(&ag__op_sum, ag_mul(t, winners(c)), *(const over *)c->attr))

const ag_op ag__op_max = { .name = "max",
                           .n_in = 1,
                           .attr_size = sizeof(over),
                           .shape = extreme_shape,
                           .forward = extreme_forward,
                           .vjp = extreme_vjp,
                           .jvp = extreme_jvp,
                           .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0),
                           .flags = AG_OP_STRIDED };
const ag_op ag__op_min = { .name = "min",
                           .n_in = 1,
                           .attr_size = sizeof(over),
                           .shape = extreme_shape,
                           .forward = extreme_forward,
                           .vjp = extreme_vjp,
                           .jvp = extreme_jvp,
                           .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0),
                           .flags = AG_OP_STRIDED };

ag_tensor *(ag_max)(ag_tensor *x, int n, const int *axes)
{
    return ag__reduction(&ag__op_max, "ag_max", x, n, axes, false);
}
ag_tensor *(ag_max_keep)(ag_tensor *x, int n, const int *axes)
{
    return ag__reduction(&ag__op_max, "ag_max_keep", x, n, axes, true);
}
ag_tensor *(ag_min)(ag_tensor *x, int n, const int *axes)
{
    return ag__reduction(&ag__op_min, "ag_min", x, n, axes, false);
}
ag_tensor *(ag_min_keep)(ag_tensor *x, int n, const int *axes)
{
    return ag__reduction(&ag__op_min, "ag_min_keep", x, n, axes, true);
}

/* ---- logsumexp: dx = g e^(x - y) / sum e^(x - y); where all x are -inf, and the value is, 0 ---- */

static ag_status logsumexp_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    ag_tensor *y = c->out[0];
    if (l->numel)
        ag__fold(AG__LOGSUMEXP, l, c->in[0]->data, ((const over *)c->attr)->mask, y->data, false);
    else
        ag__kernels_for(l->dtype)->fill(y->layout->numel, -INFINITY, y->data, 1);
    return AG_OK;
}
/* e^(x - y) by its sum, which is 1 but for the rounding of y. */
static ag_tensor *portions(const ag_call *c)
{
    ag_tensor *y = ag_detach(kept(c, c->out[0]));
    ag_tensor *e = ag_exp(ag_sub(c->in[0], ag_where(ag_eq(y, -INFINITY), ag_num(0), y)));
    ag_tensor *sum = over_apply(&ag__op_sum, e, (over){ ((const over *)c->attr)->mask, true });
    return ag_div(e, ag_where(ag_gt(sum, 0.0), sum, ag_num(1)));
}
AG__VJP1(logsumexp_vjp, ag_mul(kept(c, g), portions(c)))
AG__JVP1(logsumexp_jvp, over_apply(&ag__op_sum, ag_mul(t, portions(c)), *(const over *)c->attr))

/* e = e^(x - shift), m elements */
static void raised(const ag__kernels *k, int64_t m, const char *x, int64_t step, const ag__number *shift, ag__chunk *e)
{
    k->binary[AG__F_sub](m, x, step, shift, 0, e, 1);
    k->unary[AG__F_exp](m, e, 1, e, 1);
}
double ag__exp_sum_from(ag_dtype dtype, int64_t n, const void *x, int64_t step, double y)
{
    const ag__kernels *k = ag__kernels_for(dtype);
    ag__number shift = ag__number_of(dtype, y);
    double sum = 0;
    for (int64_t i = 0; i < n; i += AG__CHUNK) {
        int64_t m = n - i < AG__CHUNK ? n - i : AG__CHUNK;
        ag__chunk e;
        raised(k, m, (const char *)x + i * step * (int64_t)ag_dtype_size(dtype), step, &shift, &e);
        sum += k->reduce[AG__SUM](m, &e, 1);
    }
    return sum;
}
/* gin[i] = or += g e^(x[i] - y) for one run; gin lies as x does */
static void portions_back(const ag__layout *l, int64_t n, const char *x, int64_t step, double y, double g, char *gin,
                          bool add)
{
    const ag__kernels *k = ag__kernels_for(l->dtype);
    ag__number shift = ag__number_of(l->dtype, y == -INFINITY ? 0 : y);
    for (int64_t i = 0; i < n; i += AG__CHUNK) {
        int64_t m = n - i < AG__CHUNK ? n - i : AG__CHUNK, at = i * step * (int64_t)l->item;
        ag__chunk e;
        raised(k, m, x + at, step, &shift, &e);
        k->scale(m, g, &e, 1, gin + at, step, add);
    }
}
static ag_status logsumexp_backward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout; /* row-major, as gin is: one set of offsets serves both */
    if (l->numel == 0) return AG_OK;
    ag__plan p = ag__plan_of(l, ((const over *)c->attr)->mask);
    int last = p.go.n - 1;
    int64_t outer[AG_MAX_RANK] = { 0 }, ox = 0, oy = 0, item = (int64_t)l->item;
    do {
        int64_t inner[AG_MAX_RANK] = { 0 }, ix = ox, none = 0;
        double y = ag__number_at(l->dtype, c->out[0]->data, oy), g = ag__number_at(l->dtype, c->g[0]->data, oy),
               sum = 0;
        bool coarse = ag__is_coarse(y);
        while (coarse) {
            sum += ag__exp_sum_from(l->dtype, p.go.size[last], (char *)c->in[0]->data + ix * item, p.go.x[last], y);
            coarse = ag__nest_next(&p.go, last, inner, &ix, &none);
        }
        if (sum > 0) g /= sum;
        do {
            portions_back(l, p.go.size[last], (char *)c->in[0]->data + ix * item, p.go.x[last], y, g,
                          (char *)c->gin[0]->data + ix * item, c->add[0]);
        } while (ag__nest_next(&p.go, last, inner, &ix, &none));
    } while (ag__nest_next(&p.stay, p.stay.n, outer, &ox, &oy));
    return AG_OK;
}

const ag_op ag__op_logsumexp = { .name = "logsumexp",
                                 .n_in = 1,
                                 .attr_size = sizeof(over),
                                 .shape = ag__over_shape,
                                 .forward = logsumexp_forward,
                                 .vjp = logsumexp_vjp,
                                 .jvp = logsumexp_jvp,
                                 .backward = logsumexp_backward,
                                 .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

ag_tensor *(ag_logsumexp)(ag_tensor *x, int n, const int *axes)
{
    return float_reduction(&ag__op_logsumexp, "ag_logsumexp", x, n, axes, false);
}
ag_tensor *(ag_logsumexp_keep)(ag_tensor *x, int n, const int *axes)
{
    return float_reduction(&ag__op_logsumexp, "ag_logsumexp_keep", x, n, axes, true);
}

/* ---- any and all: truth values ---- */

static ag_status truth_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = c->in[0]->layout;
    if (l->dtype == AG_BOOL) return ag__over_shape(c, out);
    return ag_fail(AG_EDTYPE, "%s: %s %s is not bool", ag__title(c->op), ag_dtype_name(l->dtype), ag__text(l));
}
static ag_status truth_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    bool any = c->op == &ag__op_any;
    if (l->numel)
        ag__fold_whole(any ? AG__MAX : AG__MIN, l, c->in[0]->data, ((const over *)c->attr)->mask, c->out[0]);
    else
        memset(c->out[0]->data, !any, (size_t)c->out[0]->layout->numel);
    return AG_OK;
}

#define TRUTH(fn)                                                                       \
    const ag_op ag__op_##fn = { .name = #fn,                                            \
                                .n_in = 1,                                              \
                                .attr_size = sizeof(over),                              \
                                .shape = truth_shape,                                   \
                                .forward = truth_forward,                               \
                                .saves = AG_SAVES_NOTHING,                              \
                                .flags = AG_OP_STRIDED };                               \
    ag_tensor *(ag_##fn)(ag_tensor * x, int n, const int *axes)                         \
    {                                                                                   \
        return ag__reduction(&ag__op_##fn, "ag_" #fn, truth(x), n, axes, false);        \
    }                                                                                   \
    ag_tensor *(ag_##fn##_keep)(ag_tensor * x, int n, const int *axes)                  \
    {                                                                                   \
        return ag__reduction(&ag__op_##fn, "ag_" #fn "_keep", truth(x), n, axes, true); \
    }
/* Of numbers: which are not 0. */
static ag_tensor *truth(ag_tensor *x)
{
    return x && ag_dtype_of(x) != AG_BOOL ? ag_ne(x, 0.0) : x;
}
TRUTH(any)
TRUTH(all)

/* ---- argmax and argmin ---- */

static ag_status arg_shape(const ag_call *c, ag_shape *out)
{
    int axis = *(const int *)c->attr;
    const ag__layout *l = c->in[0]->layout;
    if (l->rank && l->dims[axis] == 0)
        return ag_fail(AG_ESHAPE, "%s: axis %d of %s holds nothing", ag__title(c->op), axis, ag__text(l));
    ag__shape_drop(out, l, axis);
    out->dtype = AG_I64;
    return AG_OK;
}

/* The first of the largest, or smallest; NaN is the most extreme of all, as in NumPy. */
static int64_t first_extreme(int code, ag_dtype dtype, const char *x, int64_t n, int64_t step)
{
    double most = ag__kernels_for(dtype)->reduce[code](n, x, step);
    for (int64_t i = 0;; i++) {
        double e = ag__number_at(dtype, x, i * step);
        if (e == most || e != e) return i;
    }
}
static int64_t first_extreme_whole(int code, ag_dtype dtype, const char *x, int64_t n, int64_t step)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++) {
        int64_t e = ag__whole(dtype, x, i * step), most = ag__whole(dtype, x, best * step);
        if (code == AG__MAX ? e > most : e < most) best = i;
    }
    return best;
}

/* Short lines whose elements lie apart, or which are many, as columns: `count` lines, `step` from one to the next. */
enum { SHORT = 64, TURNED = 2048, MANY = 8 };
static void first_of_short(const ag__kernels *k, int code, ag__span s, int64_t count, const char *x, int64_t item,
                           int64_t *y)
{
    double turned[TURNED];
    int64_t at[AG__CHUNK], step = s.n * s.inner, most = TURNED / s.n < AG__CHUNK ? TURNED / s.n : AG__CHUNK;
    for (int64_t i = 0, m; i < count; i += m) {
        m = count - i < most ? count - i : most;
        k->turn(m, s.n, x + i * step * item, step, s.inner, turned);
        k->arg_columns(code, s.n, m, turned, m, at);
        for (int64_t j = 0; j < m; j++) y[(i + j) * s.inner] = at[j];
    }
}

static ag_status arg_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    const ag__kernels *k = ag__kernels_for(l->dtype);
    ag__span s = ag__span_of(l, *(const int *)c->attr);
    const int code = c->op == &ag__op_argmax ? AG__MAX : AG__MIN;
    const int64_t item = (int64_t)l->item, plane = s.n * s.inner * item;
    const bool real = ag__is_float(l->dtype);
    const char *x = c->in[0]->data;
    int64_t *y = c->out[0]->data;
    if (real && s.inner < MANY && s.n <= SHORT)
        for (int64_t j = 0; j < s.inner; j++) first_of_short(k, code, s, s.outer, x + j * item, item, y + j);
    else if (real && s.inner >= MANY && s.n <= AG__ARG_ROWS)
        for (int64_t i = 0; i < s.outer; i++)
            k->arg_columns(code, s.n, s.inner, x + i * plane, s.inner, y + i * s.inner);
    else
        for (int64_t i = 0; i < s.outer * s.inner; i++)
            y[i] = (real ? first_extreme : first_extreme_whole)(
                code, l->dtype, x + i / s.inner * plane + i % s.inner * item, s.n, s.inner);
    return AG_OK;
}

#define ARG(fn)                                                                                                   \
    const ag_op ag__op_##fn = { .name = #fn,                                                                      \
                                .n_in = 1,                                                                        \
                                .attr_size = sizeof(int),                                                         \
                                .shape = arg_shape,                                                               \
                                .forward = arg_forward,                                                           \
                                .saves = AG_SAVES_NOTHING };                                                      \
    ag_tensor *ag_##fn(ag_tensor *x, int axis)                                                                    \
    {                                                                                                             \
        ag_tape *t;                                                                                               \
        if (!ag__begin(&t, &x, "ag_" #fn) || (axis = ag__axis_or_0(axis, x->layout, "ag_" #fn)) < 0) return NULL; \
        return ag__apply(&ag__op_##fn, &axis, x);                                                                 \
    }
ARG(argmax)
ARG(argmin)
