/* pool.c - averages, largest elements and norms of windows. A mean is linear: what takes its gradient back spreads it
 * over the windows. A largest element is found first, as a place, and then gathered. */
#include <autograd/base/pool.h>
#include <autograd/ops/window.h>
#include <math.h>

typedef struct pooling {
    ag__windows w;
    int rank;
    bool adaptive; /* windows that cut an axis into equal parts, as nearly as that goes */
    bool exclude;
    int64_t divisor;
    double p;
    ag_tensor **index;
} pooling;

/* ---- one window ---- */

typedef struct box {
    int64_t from[AG__AXES], to[AG__AXES]; /* the elements inside */
    int64_t count[AG__AXES];              /* elements, with those outside if they count */
} box;

static void cut(const pooling *o, int axis, int64_t p, box *b)
{
    const ag__windows *w = &o->w;
    int64_t n = w->x[axis], step = w->dilation[axis];
    int64_t from = p * w->stride[axis] - w->before[axis], to = from + ag__reach(w, axis);
    if (o->adaptive) from = p * n / w->y[axis], to = ((p + 1) * n + w->y[axis] - 1) / w->y[axis];
    if (to > n + w->before[axis]) to = n + w->before[axis];
    b->count[axis] = to - from;
    if (from < 0) from += (step - 1 - from) / step * step;
    if (to > n) to = n;
    if (o->exclude) b->count[axis] = to - from;
    b->from[axis] = from, b->to[axis] = to;
}
static double divisor(const pooling *o, const box *b)
{
    return (double)(o->divisor ? o->divisor : ag__volume(b->count));
}

#define EACH(o, b, at)                                                                                         \
    for (int64_t i = b->from[0]; i < b->to[0]; i += o->w.dilation[0])                                          \
        for (int64_t j = b->from[1]; j < b->to[1]; j += o->w.dilation[1])                                      \
            for (int64_t line = (i * o->w.x[1] + j) * o->w.x[2], at = line + b->from[2]; at < line + b->to[2]; \
                 at += o->w.dilation[2])

/* What happens to window p of a plane. */
typedef void visit_fn(const pooling *o, const box *b, const void *in, void *out, int64_t p);

#define VISITS(T, suffix)                                                                           \
    static void mean_##suffix(const pooling *o, const box *b, const void *in, void *out, int64_t p) \
    {                                                                                               \
        const T *x = in;                                                                            \
        double sum = 0;                                                                             \
        EACH(o, b, at) sum += (double)x[at];                                                        \
        ((T *)out)[p] = (T)(sum / divisor(o, b));                                                   \
    }                                                                                               \
    static void back_##suffix(const pooling *o, const box *b, const void *in, void *out, int64_t p) \
    {                                                                                               \
        T *x = out, part = (T)((double)((const T *)in)[p] / divisor(o, b));                         \
        EACH(o, b, at) x[at] += part;                                                               \
    }                                                                                               \
    static void most_##suffix(const pooling *o, const box *b, const void *in, void *out, int64_t p) \
    {                                                                                               \
        const T *x = in;                                                                            \
        T most = (T)-INFINITY;                                                                      \
        int64_t best = (b->from[0] * o->w.x[1] + b->from[1]) * o->w.x[2] + b->from[2];              \
        EACH(o, b, at) if (x[at] > most || x[at] != x[at]) most = x[at], best = at;                 \
        ((int64_t *)out)[p] = best;                                                                 \
    }
VISITS(float, f32)
VISITS(double, f64)

/* ---- all windows of all planes ---- */

typedef struct planes {
    const pooling *o;
    visit_fn *visit;
    const char *in;
    char *out;
    int64_t in_bytes, out_bytes, n, share;
} planes;

static void visit_some(void *context, int64_t piece)
{
    const planes *s = context;
    const int64_t *y = s->o->w.y;
    int64_t i = piece * s->share, end = i + s->share < s->n ? i + s->share : s->n;
    box b;
    for (; i < end; i++) {
        const char *in = s->in + i * s->in_bytes;
        char *out = s->out + i * s->out_bytes;
        int64_t p = 0;
        for (int64_t at[AG__AXES] = { 0 }; at[0] < y[0]; at[0]++) {
            cut(s->o, 0, at[0], &b);
            for (at[1] = 0; at[1] < y[1]; at[1]++) {
                cut(s->o, 1, at[1], &b);
                for (at[2] = 0; at[2] < y[2]; at[2]++) {
                    cut(s->o, 2, at[2], &b);
                    s->visit(s->o, &b, in, out, p++);
                }
            }
        }
    }
}
static ag_status visit_all(const ag_call *c, visit_fn *visit, bool back)
{
    const pooling *o = c->attr;
    const ag__layout *in = c->in[0]->layout, *out = c->out[0]->layout;
    int64_t x = ag__volume(o->w.x), y = ag__volume(o->w.y), reach = 1;
    if (in->numel == 0 || out->numel == 0) return AG_OK;
    planes s = { o, visit, c->in[0]->data, c->out[0]->data, 0, 0, in->numel / (back ? y : x), 1 };
    s.in_bytes = (back ? y : x) * (int64_t)in->item, s.out_bytes = (back ? x : y) * (int64_t)out->item;
    for (int i = 0; i < AG__AXES; i++) reach *= o->adaptive ? 1 + o->w.x[i] / o->w.y[i] : o->w.kernel[i];
    int64_t each = y * (10 + reach); /* nanoseconds, nearly */
    if (each < AG__WORTH) s.share = AG__WORTH / each;
    ag__parallel((s.n + s.share - 1) / s.share, visit_some, &s);
    return AG_OK;
}

/* ---- operations on windows: x [.., sizes of x] to [.., numbers of windows], and back ---- */

static ag_status sizes_become(const ag_call *c, ag_shape *out, const int64_t *size)
{
    const pooling *o = c->attr;
    ag__shape_copy(out, c->in[0]->layout);
    for (int i = 1; i <= o->rank; i++) out->dims[out->rank - i] = size[AG__AXES - i];
    return AG_OK;
}
static ag_status pool_shape(const ag_call *c, ag_shape *out)
{
    return sizes_become(c, out, ((const pooling *)c->attr)->w.y);
}
static ag_status places_shape(const ag_call *c, ag_shape *out)
{
    pool_shape(c, out);
    out->dtype = AG_I64;
    return AG_OK;
}
static ag_status spread_shape(const ag_call *c, ag_shape *out)
{
    return sizes_become(c, out, ((const pooling *)c->attr)->w.x);
}

static bool wide(const ag_call *c)
{
    return c->in[0]->layout->dtype == AG_F64;
}
static ag_status mean_forward(ag_call *c)
{
    return visit_all(c, wide(c) ? mean_f64 : mean_f32, false);
}
static ag_status spread_forward(ag_call *c)
{
    ag__fill(c->out[0]->layout, c->out[0]->data, 0);
    return visit_all(c, wide(c) ? back_f64 : back_f32, true);
}
static ag_status places_forward(ag_call *c)
{
    return visit_all(c, wide(c) ? most_f64 : most_f32, false);
}

static const ag_op op_mean, op_spread;
AG__VJP1(mean_vjp, ag__apply(&op_spread, c->attr, g))
AG__JVP1(mean_jvp, ag__apply(&op_mean, c->attr, t))
AG__VJP1(spread_vjp, ag__apply(&op_mean, c->attr, g))
AG__JVP1(spread_jvp, ag__apply(&op_spread, c->attr, t))
static const ag_op op_mean = { .name = "window_mean",
                               .n_in = 1,
                               .attr_size = sizeof(pooling),
                               .shape = pool_shape,
                               .forward = mean_forward,
                               .vjp = mean_vjp,
                               .jvp = mean_jvp,
                               .saves = AG_SAVES_NOTHING };
static const ag_op op_spread = { .name = "window_spread",
                                 .n_in = 1,
                                 .attr_size = sizeof(pooling),
                                 .shape = spread_shape,
                                 .forward = spread_forward,
                                 .vjp = spread_vjp,
                                 .jvp = spread_jvp,
                                 .saves = AG_SAVES_NOTHING };
static const ag_op op_places = { .name = "window_places",
                                 .n_in = 1,
                                 .attr_size = sizeof(pooling),
                                 .shape = places_shape,
                                 .forward = places_forward,
                                 .saves = AG_SAVES_NOTHING };

/* ---- pools made of them ---- */

static ag_tensor *avg_pool_compose(const ag_call *c)
{
    return ag__apply(&op_mean, c->attr, c->in[0]);
}

/* The last `rank` axes as one. */
static ag_tensor *flattened(ag_tensor *x, int rank)
{
    if (!x) return NULL;
    const ag__layout *l = x->layout;
    int64_t dims[AG_MAX_RANK], n = 1;
    memcpy(dims, l->dims, sizeof dims);
    for (int i = 1; i <= rank; i++) n *= l->dims[l->rank - i];
    dims[l->rank - rank] = n;
    return (ag_reshape)(x, l->rank - rank + 1, dims);
}
static ag_tensor *max_pool_compose(const ag_call *c)
{
    const pooling *o = c->attr;
    ag_shape s;
    pool_shape(c, &s);
    ag_tensor *index = ag__apply(&op_places, o, c->in[0]);
    ag_tensor *y = ag_gather(flattened(c->in[0], o->rank), -1, flattened(index, o->rank));
    y = (ag_reshape)(y, s.rank, s.dims);
    if (o->index && y) *o->index = index;
    return y;
}

/* (sum of x^p)^(1/p), where a sum of 0 has slope 0; a window cut off by the border counts as if it were whole. */
static ag_tensor *lp_pool_compose(const ag_call *c)
{
    const pooling *o = c->attr;
    ag_tensor *mean = ag__apply(&op_mean, o, ag_pow(c->in[0], o->p));
    ag_tensor *norm = ag_pow(ag_mul(mean, (double)ag__volume(o->w.kernel)), 1 / o->p);
    return ag_where(ag_eq(mean, 0.0), ag_num(0), norm);
}

/* ---- what users ask for ---- */

static bool ranks_fit(const ag__layout *l, int rank, const char *who)
{
    if (l->rank == rank + 1 || l->rank == rank + 2) return true;
    ag_fail(AG_ESHAPE, "%s: x %s has neither %d nor %d axes: [c, sizes] or [n, c, sizes]", who, ag__text(l), rank + 1,
            rank + 2);
    return false;
}

/* The numbers of windows; false, reported, if windows do not fit or hold nothing. */
static bool counted(pooling *o, const ag__layout *l, bool ceil_mode, const char *who)
{
    ag__windows *w = &o->w;
    box b;
    for (int i = AG__AXES - o->rank; i < AG__AXES; i++) {
        int64_t reach = ag__reach(w, i), before = w->before[i], s = w->stride[i];
        int64_t room = w->x[i] + 2 * before - reach + (ceil_mode ? s - 1 : 0);
        if (before > reach / 2)
            return ag_fail(AG_EINVAL, "%s: .padding %lld is more than half of the kernel, %lld", who, (long long)before,
                           (long long)reach),
                   false;
        w->y[i] = room < 0 ? 0 : room / s + 1;
        if (ceil_mode && (w->y[i] - 1) * s >= w->x[i] + before) w->y[i]--;
        bool filled = w->x[i] > 0 && w->y[i] > 0;
        for (int64_t p = 0; filled && p < w->y[i]; p++) {
            cut(o, i, p, &b);
            filled = b.from[i] < b.to[i];
        }
        if (!filled)
            return ag_fail(AG_ESHAPE, "%s: windows of %lld do not fit axis %d of x %s", who, (long long)reach,
                           l->rank - AG__AXES + i, ag__text(l)),
                   false;
    }
    return true;
}

/* The numbers of windows asked for; a negative one: as many as elements. */
static bool adapted(pooling *o, const ag__layout *l, int64_t size, const int64_t *sizes, const char *who)
{
    int64_t each[AG__AXES];
    for (int i = 0; i < o->rank; i++) {
        int64_t n = l->dims[l->rank - o->rank + i];
        each[i] = sizes[i] ? sizes[i] : size;
        if (each[i] == -1) each[i] = n;
        if (n == 0)
            return ag_fail(AG_ESHAPE, "%s: axis %d of x %s is empty", who, l->rank - o->rank + i, ag__text(l)), false;
    }
    return ag__along(o->w.y, o->rank, 0, each, 0, true, who, "size");
}

/* size: of the kernel, or of the result */
static ag_tensor *pooled(const ag_op *op, const char *who, ag_tensor *x, pooling o, int64_t size, int has,
                         const ag_pool_options *options)
{
    ag_tape *t;
    ag_pool_options asked = options ? *options : (ag_pool_options){ .stride = 0 };
    if (asked.index) *asked.index = NULL;
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) || !ag__pool_options_fit(&asked, has, who) ||
        !ranks_fit(x->layout, o.rank, who))
        return NULL;
    o.exclude = asked.exclude_padding, o.divisor = asked.divisor_override, o.index = asked.index;
    if (o.adaptive)
        o.w = ag__one_window();
    else if (!ag__windows_asked(&o.w, o.rank, size, &asked, true, who))
        return NULL;
    if (!ag__window_sizes(o.w.x, o.rank, x->layout, who) ||
        !(o.adaptive ? adapted(&o, x->layout, size, asked.sizes, who) : counted(&o, x->layout, asked.ceil_mode, who)))
        return NULL;
    return ag__apply(op, &o, x);
}

enum {
    SLIDING = AG__STRIDE | AG__KERNELS | AG__CEIL,
    AVERAGE = SLIDING | AG__PADDING | AG__EXCLUDE | AG__DIVISOR,
    LARGEST = SLIDING | AG__PADDING | AG__DILATION | AG__INDEX,
};
#define OPERATION(fn, inputs, shape_rule, composition)                                                         \
    const ag_op ag__op_##fn = {                                                                                \
        .name = #fn, .n_in = inputs, .attr_size = sizeof(pooling), .shape = shape_rule, .compose = composition \
    };
#define POOL(fn, r, composition, has, cuts)                                                                      \
    OPERATION(fn, 1, pool_shape, composition)                                                                    \
    ag_tensor *(ag_##fn)(ag_tensor * x, int64_t size, const ag_pool_options *options)                            \
    {                                                                                                            \
        return pooled(&ag__op_##fn, "ag_" #fn, x, (pooling){ .rank = r, .adaptive = cuts }, size, has, options); \
    }
POOL(avg_pool1d, 1, avg_pool_compose, AVERAGE, false)
POOL(avg_pool2d, 2, avg_pool_compose, AVERAGE, false)
POOL(avg_pool3d, 3, avg_pool_compose, AVERAGE, false)
POOL(max_pool1d, 1, max_pool_compose, LARGEST, false)
POOL(max_pool2d, 2, max_pool_compose, LARGEST, false)
POOL(max_pool3d, 3, max_pool_compose, LARGEST, false)
POOL(adaptive_avg_pool1d, 1, avg_pool_compose, AG__SIZES, true)
POOL(adaptive_avg_pool2d, 2, avg_pool_compose, AG__SIZES, true)
POOL(adaptive_avg_pool3d, 3, avg_pool_compose, AG__SIZES, true)
POOL(adaptive_max_pool1d, 1, max_pool_compose, AG__SIZES | AG__INDEX, true)
POOL(adaptive_max_pool2d, 2, max_pool_compose, AG__SIZES | AG__INDEX, true)
POOL(adaptive_max_pool3d, 3, max_pool_compose, AG__SIZES | AG__INDEX, true)

#define LP_POOL(fn, r)                                                                                       \
    OPERATION(fn, 1, pool_shape, lp_pool_compose)                                                            \
    ag_tensor *(ag_##fn)(ag_tensor * x, double p, int64_t kernel, const ag_pool_options *options)            \
    {                                                                                                        \
        if (!(isfinite(p) && p != 0)) return ag_fail(AG_EINVAL, "ag_" #fn ": p %g", p), NULL;                \
        return pooled(&ag__op_##fn, "ag_" #fn, x, (pooling){ .rank = r, .p = p }, kernel, SLIDING, options); \
    }
LP_POOL(lp_pool1d, 1)
LP_POOL(lp_pool2d, 2)
LP_POOL(lp_pool3d, 3)

/* ---- max_unpool: elements back at the places that max_pool found them at, 0 elsewhere ---- */

static ag_status unpool_shape(const ag_call *c, ag_shape *out)
{
    const pooling *o = c->attr;
    const ag__layout *x = c->in[0]->layout, *index = c->in[1] ? c->in[1]->layout : NULL;
    const char *who = ag__title(c->op);
    int64_t room = ag__volume(o->w.x);
    if (!index) return ag_fail(AG_ENULL, "%s: the index is NULL", who);
    if (!ag__is_integer(index->dtype))
        return ag_fail(AG_EDTYPE, "%s: the index is %s %s; it must be i64, i32 or u8", who, ag_dtype_name(index->dtype),
                       ag__text(index));
    if (!ag__same_dims(x, index))
        return ag_fail(AG_ESHAPE, "%s: x %s and index %s differ in shape", who, ag__text(x), ag__text(index));
    ag_tensor *plain = ag_contiguous(c->in[1]);
    for (int64_t i = 0; plain && i < index->numel; i++) {
        int64_t at = ag__whole(index->dtype, plain->data, i);
        if (at < 0 || at >= room)
            return ag_fail(AG_EINVAL, "%s: index %lld at position %lld is outside %s", who, (long long)at, (long long)i,
                           ag__dims_text(o->rank, o->w.x + AG__AXES - o->rank));
    }
    return plain ? sizes_become(c, out, o->w.x) : ag_error();
}
static ag_tensor *unpool_compose(const ag_call *c)
{
    const pooling *o = c->attr;
    ag_tensor *x = flattened(c->in[0], o->rank);
    if (!x) return NULL;
    ag_shape s;
    sizes_become(c, &s, o->w.x);
    int64_t dims[AG_MAX_RANK];
    memcpy(dims, s.dims, sizeof dims);
    dims[s.rank - o->rank] = ag__volume(o->w.x);
    ag_tensor *none = (ag_zeros)(s.dtype, s.rank - o->rank + 1, dims);
    return (ag_reshape)(ag_scatter(none, -1, flattened(c->in[1], o->rank), x), s.rank, s.dims);
}

static ag_tensor *unpooled(const ag_op *op, const char *who, int rank, ag_tensor *x, ag_tensor *index, int64_t kernel,
                           const ag_pool_options *options)
{
    ag_tape *t;
    ag_pool_options asked = options ? *options : (ag_pool_options){ .stride = 0 };
    pooling o = { .rank = rank };
    ag__windows *w = &o.w;
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) ||
        !ag__pool_options_fit(&asked, AG__STRIDE | AG__PADDING | AG__KERNELS | AG__SIZES, who) ||
        !ranks_fit(x->layout, rank, who) || !ag__windows_asked(w, rank, kernel, &asked, true, who) ||
        !ag__window_sizes(w->y, rank, x->layout, who))
        return NULL;
    for (int i = AG__AXES - rank; i < AG__AXES; i++) {
        int64_t least = (w->y[i] - 1) * w->stride[i] - 2 * w->before[i] + w->kernel[i],
                given = asked.sizes[i - AG__AXES + rank];
        w->x[i] = given ? given : least;
        if (w->x[i] > 0 && w->x[i] > least - w->stride[i] && w->x[i] < least + w->stride[i]) continue;
        return ag_fail(AG_EINVAL, "%s: size %lld along axis %d; windows of x %s fill %lld", who, (long long)w->x[i],
                       i - AG__AXES + rank, ag__text(x->layout), (long long)least),
               NULL;
    }
    return ag__apply(op, &o, x, index);
}
#define UNPOOL(fn, r)                                                                                      \
    OPERATION(fn, 2, unpool_shape, unpool_compose)                                                         \
    ag_tensor *(ag_##fn)(ag_tensor * x, ag_tensor * index, int64_t kernel, const ag_pool_options *options) \
    {                                                                                                      \
        return unpooled(&ag__op_##fn, "ag_" #fn, r, x, index, kernel, options);                            \
    }
UNPOOL(max_unpool1d, 1)
UNPOOL(max_unpool2d, 2)
UNPOOL(max_unpool3d, 3)
