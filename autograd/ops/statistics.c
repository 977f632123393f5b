/* statistics.c - products, sums and means that pass over NaN, variance, standard deviation and quantiles. */
#include <autograd/ops/fold.h>
#include <math.h>

/* ---- what the rows share ---- */

static bool floating(const ag_call *c)
{
    return ag__need_float(c->in[0], ag__title(c->op));
}

/* x with the axes in mask joined into one, the last. */
static ag_tensor *joined(ag_tensor *x, uint32_t mask)
{
    const ag__layout *l = x->layout;
    int64_t order[AG_MAX_RANK], dims[AG_MAX_RANK + 1], n = 1;
    int at = 0;
    for (int i = 0; i < l->rank; i++)
        if (!(mask >> i & 1)) dims[at] = l->dims[i], order[at++] = i;
    int stay = at;
    for (int i = 0; i < l->rank; i++)
        if (mask >> i & 1) n *= l->dims[i], order[at++] = i;
    dims[stay] = n;
    return (ag_reshape)((ag_permute)(x, l->rank, order), stay + 1, dims);
}
static uint32_t mask_of(const ag_call *c)
{
    return ((const ag__over *)c->attr)->mask;
}
static int64_t last_size(const ag_tensor *x)
{
    return x->layout->dims[x->layout->rank - 1];
}

/* Rows of ops.def with axes, and their options. */
#define REDUCTION(fn, shape_)                                                                           \
    const ag_op ag__op_##fn = {                                                                         \
        .name = #fn, .n_in = 1, .attr_size = sizeof(ag__over), .shape = shape_, .compose = fn##_compose \
    };                                                                                                  \
    ag_tensor *(ag_##fn)(ag_tensor * x, int n, const int *axes)                                         \
    {                                                                                                   \
        return ag__reduction(&ag__op_##fn, "ag_" #fn, x, n, axes, false);                               \
    }                                                                                                   \
    ag_tensor *(ag_##fn##_keep)(ag_tensor * x, int n, const int *axes)                                  \
    {                                                                                                   \
        return ag__reduction(&ag__op_##fn, "ag_" #fn "_keep", x, n, axes, true);                        \
    }

/* ---- prod: the last running product ---- */

static ag_status prod_shape(const ag_call *c, ag_shape *out)
{
    ag__over_shape(c, out);
    if (!ag__is_float(out->dtype)) out->dtype = AG_I64;
    return AG_OK;
}
static ag_tensor *prod_compose(const ag_call *c)
{
    ag_shape s;
    prod_shape(c, &s);
    ag_tensor *x = joined(c->in[0], mask_of(c));
    if (!x) return NULL;
    if (last_size(x) == 0) return (ag_ones)(s.dtype, s.rank, s.dims);
    return (ag_reshape)(ag_select(ag_cumprod(x, -1), -1, -1), s.rank, s.dims);
}
REDUCTION(prod, prod_shape)

/* ---- nansum and nanmean: NaN counts as nothing ---- */

static ag_status float_shape(const ag_call *c, ag_shape *out)
{
    return floating(c) ? ag__over_shape(c, out) : ag_error();
}
static ag_tensor *nansum_compose(const ag_call *c)
{
    ag_tensor *x = c->in[0];
    return ag__apply(&ag__op_sum, c->attr, ag_where(ag_ne(x, x), ag_num(0), x));
}
static ag_tensor *nanmean_compose(const ag_call *c)
{
    ag_tensor *x = c->in[0];
    return ag_div(nansum_compose(c), ag__apply(&ag__op_sum, c->attr, ag_to(ag_eq(x, x), x->layout->dtype)));
}
REDUCTION(nansum, float_shape)
REDUCTION(nanmean, float_shape)

/* ---- centred: rows minus their mean; linear and its own transpose ----
 * The mean so far moves by a part of each element: exact for constant rows, and nothing overflows that fits. What it is
 * off by changes a variance by its square only, and leaves a gradient when that is centred in turn. */

#define CENTRE(name, T)                                                  \
    static void name(int64_t n, const void *from, void *to)              \
    {                                                                    \
        const T *x = from;                                               \
        T *y = to;                                                       \
        double mean = 0;                                                 \
        for (int64_t i = 0; i < n; i++) {                                \
            double part = 1 / (double)(i + 1);                           \
            mean += part * (double)x[i] - part * mean;                   \
        }                                                                \
        for (int64_t i = 0; i < n; i++) y[i] = (T)((double)x[i] - mean); \
    }
CENTRE(centre_f32, float)
CENTRE(centre_f64, double)

static ag_status centred_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    int64_t n = last_size(c->in[0]);
    for (int64_t i = 0; i < l->numel; i += n)
        (l->dtype == AG_F64 ? centre_f64 : centre_f32)(n, (const char *)c->in[0]->data + i * (int64_t)l->item,
                                                       (char *)c->out[0]->data + i * (int64_t)l->item);
    return AG_OK;
}
static ag_tensor *centred(ag_tensor *x);
AG__VJP1(centred_vjp, centred(g))
AG__JVP1(centred_jvp, centred(t))

static const ag_op op_centred = { .name = "centred",
                                  .n_in = 1,
                                  .shape = ag_shape_same,
                                  .forward = centred_forward,
                                  .vjp = centred_vjp,
                                  .jvp = centred_jvp,
                                  .saves = AG_SAVES_NOTHING };
static ag_tensor *centred(ag_tensor *x)
{
    return ag__apply(&op_centred, NULL, x);
}

/* ---- var and std ---- */

typedef struct spread {
    ag__over over;
    double correction;
} spread;

/* The sum of d^2 divided by n. */
static ag_tensor *mean_square(const ag_call *c, ag_tensor *d)
{
    double n = fmax((double)last_size(d) - ((const spread *)c->attr)->correction, 0);
    return ag_div(ag_sum(ag_mul(d, d), -1), n); /* 2 d might overflow */
}
static ag_tensor *in_shape(const ag_call *c, ag_tensor *y)
{
    ag_shape s;
    ag__over_shape(c, &s);
    return (ag_reshape)(y, s.rank, s.dims);
}
static ag_tensor *var_compose(const ag_call *c)
{
    ag_tensor *x = joined(c->in[0], mask_of(c));
    return x ? in_shape(c, mean_square(c, centred(x))) : NULL;
}
/* The largest |d| of each row, down to a power of 2; 1 where that is none. */
static ag_tensor *unit_of(ag_tensor *d)
{
    if (last_size(d) == 0) return ag_num(1);
    ag_tensor *power = ag_log2(ag_max_keep(ag_abs(ag_detach(d)), -1));
    return ag_where(ag_isfinite(power), ag_exp2(ag_floor(power)), ag_num(1));
}
/* Where the variance is 0 its root has slope 0, as in PyTorch. In units that neither overflow nor vanish. */
static ag_tensor *std_compose(const ag_call *c)
{
    ag_tensor *x = joined(c->in[0], mask_of(c)), *d = x ? centred(x) : NULL;
    if (!d) return NULL;
    ag_tensor *unit = unit_of(d), *v = mean_square(c, ag_div(d, unit)), *none = ag_eq(v, 0.0);
    ag_tensor *root = ag_where(none, ag_num(0), ag_sqrt(v));
    return in_shape(c, ag_mul(root, last_size(d) ? ag_squeeze(unit, -1) : unit));
}

static ag_tensor *spread_of(const ag_op *op, const char *who, ag_tensor *x, const ag_reduce_options *options)
{
    ag_tape *t;
    ag_reduce_options o = options ? *options : (ag_reduce_options){ .keep = false };
    spread s = { { 0, o.keep }, o.correction == 0 ? 1 : o.correction };
    if (!ag__begin(&t, &x, who) || !ag__axes(o.axes.n, o.axes.at, x->layout, who, &s.over.mask)) return NULL;
    if (o.index || o.interpolation)
        return ag_fail(AG_EINVAL, "%s: .index and .interpolation are options of other reductions", who), NULL;
    return ag__apply(op, &s, x);
}
#define SPREAD(fn)                                                                                         \
    const ag_op ag__op_##fn = {                                                                            \
        .name = #fn, .n_in = 1, .attr_size = sizeof(spread), .shape = float_shape, .compose = fn##_compose \
    };                                                                                                     \
    ag_tensor *(ag_##fn)(ag_tensor * x, const ag_reduce_options *options)                                  \
    {                                                                                                      \
        return spread_of(&ag__op_##fn, "ag_" #fn, x, options);                                             \
    }
SPREAD(var)
SPREAD(std)

/* ---- quantile and nanquantile: between the two elements next to place q (n - 1) in order ---- */

typedef struct quantile {
    ag__over over;
    ag_interpolation interpolation;
} quantile;

static ag_status quantile_shape(const ag_call *c, ag_shape *out)
{
    const char *who = ag__title(c->op);
    const ag__layout *l = c->in[0]->layout, *q = c->in[1] ? c->in[1]->layout : NULL;
    if (!floating(c)) return ag_error();
    if (!q) return ag_fail(AG_ENULL, "%s: q is NULL", who);
    if (q->dtype != l->dtype || q->rank > 1)
        return ag_fail(q->rank > 1 ? AG_ESHAPE : AG_EDTYPE, "%s: q %s %s must be %s, one number or a list", who,
                       ag_dtype_name(q->dtype), ag__text(q), ag_dtype_name(l->dtype));
    for (int i = 0; i < l->rank; i++)
        if (mask_of(c) >> i & 1 && l->dims[i] == 0)
            return ag_fail(AG_ESHAPE, "%s: axis %d of %s holds nothing", who, i, ag__text(l));
    for (int64_t i = 0; i < q->numel; i++) {
        double v = ag__get(q, c->in[1]->data, q->rank ? i * q->strides[0] : 0);
        if (!(v >= 0 && v <= 1)) return ag_fail(AG_EINVAL, "%s: q holds %g, which is not in [0,1]", who, v);
    }
    ag__over_shape(c, out);
    if (out->rank + q->rank > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "%s: q %s of %s has more than %d axes", who, ag__text(q), ag__text(l), AG_MAX_RANK);
    memmove(out->dims + q->rank, out->dims, sizeof *out->dims * (size_t)out->rank);
    if (q->rank) out->dims[0] = q->dims[0];
    out->rank += q->rank;
    return AG_OK;
}

/* Places in the sorted rows [.., n], one for each q: [.., q]. NaN comes last: a row that has one gets it, or counts
 * only what is before it. */
static ag_tensor *places(ag_tensor *x, ag_tensor *q, bool nan)
{
    double n = (double)last_size(x);
    int last = -1;
    ag_tensor *numbers = (ag_sum_keep)(ag_to(ag_eq(x, x), x->layout->dtype), 1, &last);
    if (nan) return ag_mul(ag_clamp(ag_sub(numbers, 1.0), 0, n), q);
    return ag_where(ag_lt(numbers, n), ag_num(n - 1), ag_mul(q, n - 1));
}
static ag_tensor *element(ag_tensor *sorted, ag_tensor *place)
{
    return ag_gather(sorted, -1, ag_to(place, AG_I64));
}
/* a + w (b - a), from the nearer end */
static ag_tensor *between(ag_tensor *a, ag_tensor *b, ag_tensor *w)
{
    ag_tensor *d = ag_sub(b, a);
    return ag_where(ag_lt(w, 0.5), ag_add(a, ag_mul(w, d)), ag_sub(b, ag_mul(d, ag_sub(1.0, w))));
}
static ag_tensor *interpolated(ag_tensor *sorted, ag_tensor *p, ag_interpolation how)
{
    switch (how) {
    case AG_LOWER: return element(sorted, ag_floor(p));
    case AG_HIGHER: return element(sorted, ag_ceil(p));
    case AG_NEAREST: return element(sorted, ag_round(p));
    default: break;
    }
    ag_tensor *below = ag_floor(p), *w = how == AG_MIDPOINT ? ag_add(ag_mul(p, 0.0), 0.5) : ag_sub(p, below);
    return between(element(sorted, below), element(sorted, ag_ceil(p)), w);
}
static ag_tensor *quantile_compose(const ag_call *c)
{
    const quantile *p = c->attr;
    ag_shape s;
    ag_tensor *x = joined(c->in[0], mask_of(c)), *q = ag_reshape(c->in[1], -1);
    if (!x || !q || quantile_shape(c, &s)) return NULL;
    int rank = x->layout->rank;
    int64_t dims[AG_MAX_RANK], order[AG_MAX_RANK] = { rank - 1 };
    memcpy(dims, x->layout->dims, sizeof dims);
    dims[rank - 1] = q->layout->numel;
    for (int i = 1; i < rank; i++) order[i] = i - 1;
    ag_tensor *at = (ag_expand)(places(x, q, c->op == &ag__op_nanquantile), rank, dims);
    ag_tensor *y = interpolated(ag_sort(x, -1), at, p->interpolation);
    return (ag_reshape)((ag_permute)(y, rank, order), s.rank, s.dims);
}

static ag_tensor *quantile_of(const ag_op *op, const char *who, ag_tensor *x, ag_tensor *q,
                              const ag_reduce_options *options)
{
    ag_tape *t;
    ag_reduce_options o = options ? *options : (ag_reduce_options){ .keep = false };
    quantile p = { { 0, o.keep }, o.interpolation };
    if (!ag__begin(&t, &x, who) || !ag__axes(o.axes.n, o.axes.at, x->layout, who, &p.over.mask)) return NULL;
    if (o.index || o.correction != 0)
        return ag_fail(AG_EINVAL, "%s: .index and .correction are options of other reductions", who), NULL;
    if ((unsigned)o.interpolation > AG_NEAREST)
        return ag_fail(AG_EINVAL, "%s: .interpolation is %d; AG_LINEAR to AG_NEAREST", who, (int)o.interpolation), NULL;
    if (q && !(q = ag__operand(t, q, who, 2))) return NULL;
    if (q && (q->flags & AG__WEAK)) q = ag_to(q, x->layout->dtype);
    return ag__apply(op, &p, x, q);
}
#define QUANTILE(fn)                                                                                                \
    const ag_op ag__op_##fn = {                                                                                     \
        .name = #fn, .n_in = 2, .attr_size = sizeof(quantile), .shape = quantile_shape, .compose = quantile_compose \
    };                                                                                                              \
    ag_tensor *(ag_##fn)(ag_tensor * x, ag_tensor * q, const ag_reduce_options *options)                            \
    {                                                                                                               \
        return quantile_of(&ag__op_##fn, "ag_" #fn, x, q, options);                                                 \
    }
QUANTILE(quantile)
QUANTILE(nanquantile)
