/* interpolate.c - axes made longer or shorter by interpolation, one after the other: all modes are products with a
 * sparse matrix along each axis. Bicubic: Keys, "Cubic convolution interpolation for digital image processing", 1981.
 */
#include <autograd/ops/sparse.h>
#include <math.h>

typedef struct interpolate {
    ag_interpolate_mode mode;
    bool align, antialias;
    int n;                     /* axes, the last ones */
    int64_t size[AG_MAX_RANK]; /* theirs, in the result */
    double scale[AG_MAX_RANK]; /* places of x for one of the result; 0: by the sizes */
} interpolate;

static ag_status interpolate_shape(const ag_call *c, ag_shape *out)
{
    const interpolate *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    ag__shape_copy(out, l);
    for (int i = 0; i < o->n; i++) {
        out->dims[2 + i] = o->size[i];
        if (o->size[i] < 1 || l->dims[2 + i] < 1)
            return ag_fail(AG_ESHAPE, "ag_interpolate: axis %d of %s from %lld to %lld elements", 2 + i, ag__text(l),
                           (long long)l->dims[2 + i], (long long)o->size[i]);
    }
    return AG_OK;
}

/* ---- which elements of an axis make element i of the result, and how ---- */

typedef struct axis {
    const interpolate *o;
    int64_t from, to; /* sizes */
    double scale;
} axis;

static double cubic(double d, double a)
{
    d = fabs(d);
    return d < 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}
static int64_t limited(int64_t i, int64_t n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

static int nearest(const axis *a, int64_t i, int64_t *index, double *weight)
{
    double at = ((double)i + (a->o->mode == AG_INTERPOLATE_NEAREST_EXACT ? 0.5 : 0)) * a->scale;
    *index = limited((int64_t)floorf((float)at), a->from), *weight = 1; /* in float, as PyTorch does */
    return 1;
}
static int linear(const axis *a, int64_t i, int64_t *index, double *weight)
{
    double at = a->o->align ? a->scale * (double)i : fmax(a->scale * ((double)i + 0.5) - 0.5, 0);
    if (a->from == a->to) at = (double)i;
    index[0] = limited((int64_t)at, a->from), index[1] = limited(index[0] + 1, a->from);
    weight[1] = fmin(at - (double)index[0], 1), weight[0] = 1 - weight[1];
    return 2;
}
static int by_four(const axis *a, int64_t i, int64_t *index, double *weight)
{
    double at = a->o->align ? a->scale * (double)i : a->scale * ((double)i + 0.5) - 0.5;
    int64_t base = (int64_t)floor(at);
    for (int k = 0; k < 4; k++) {
        index[k] = limited(base - 1 + k, a->from);
        weight[k] = cubic(at - (double)(base - 1 + k), -0.75);
    }
    return 4;
}
static int area(const axis *a, int64_t i, int64_t *index, double *weight)
{
    int64_t first = i * a->from / a->to, last = ((i + 1) * a->from + a->to - 1) / a->to;
    for (int64_t k = first; k < last; k++) index[k - first] = k, weight[k - first] = 1 / (double)(last - first);
    return (int)(last - first);
}
/* A filter as wide as an element of the result, its weights made to sum to 1. */
static int filtered(const axis *a, int64_t i, int64_t *index, double *weight)
{
    bool wide = a->scale >= 1, cubes = a->o->mode == AG_INTERPOLATE_CUBIC;
    double support = (cubes ? 2 : 1) * (wide ? a->scale : 1), shrink = wide ? 1 / a->scale : 1, total = 0;
    double centre = a->scale * ((double)i + 0.5);
    int64_t first = (int64_t)fmax(centre - support + 0.5, 0);
    int64_t last = (int64_t)fmin(centre + support + 0.5, (double)a->from);
    for (int64_t k = first; k < last; k++) {
        double d = ((double)k - centre + 0.5) * shrink;
        index[k - first] = k;
        total += weight[k - first] = cubes ? cubic(d, -0.5) : fmax(1 - fabs(d), 0);
    }
    for (int64_t k = first; k < last && total != 0; k++) weight[k - first] /= total;
    return last > first ? (int)(last - first) : 0;
}

typedef int taps_fn(const axis *a, int64_t i, int64_t *index, double *weight);
static taps_fn *taps_of(const interpolate *o)
{
    switch (o->mode) {
    case AG_INTERPOLATE_LINEAR: return o->antialias ? filtered : linear;
    case AG_INTERPOLATE_CUBIC: return o->antialias ? filtered : by_four;
    case AG_INTERPOLATE_AREA: return area;
    default: return nearest;
    }
}
/* The most of them that an element can have. */
static int64_t most_taps(const axis *a)
{
    if (a->o->mode == AG_INTERPOLATE_AREA) return a->from / a->to + 2;
    if (a->o->antialias) return 2 * (int64_t)ceil(2 * fmax(a->scale, 1)) + 1;
    return 4;
}

static axis axis_of(const interpolate *o, int i, int64_t from)
{
    axis a = { o, from, o->size[i], o->scale[i] > 0 ? o->scale[i] : (double)from / (double)o->size[i] };
    if (o->align) a.scale = a.to > 1 ? (double)(from - 1) / (double)(a.to - 1) : 0;
    return a;
}
static ag_tensor *along(ag_tensor *x, const interpolate *o, int i)
{
    if (!x) return NULL;
    const ag__layout *l = x->layout;
    ag__span span = ag__span_of(l, 2 + i);
    axis a = axis_of(o, i, span.n);
    int64_t most = most_taps(&a), n, dims[AG_MAX_RANK];
    if (__builtin_mul_overflow(a.to, most, &n) || n > INT64_MAX / (int64_t)sizeof(double))
        return ag_fail(AG_ENOMEM, "ag_interpolate: %s to %lld along axis %d is too large", ag__text(l), (long long)a.to,
                       2 + i),
               NULL;
    ag_tensor *col = ag_full(AG_I64, -1, n), *row = ag_zeros(AG_I64, n), *weight = ag_zeros(AG_F64, n);
    if (!col || !row || !weight) return NULL;
    for (int64_t k = 0; k < n; k++) ((int64_t *)row->data)[k] = k / most;
    for (int64_t k = 0; k < a.to; k++)
        taps_of(o)(&a, k, (int64_t *)col->data + k * most, (double *)weight->data + k * most);
    const ag__entries s = { 1, n, a.to, span.n, span.outer, span.inner };
    ag_tensor *y = ag__sparse_product(&s, ag_to(ag_reshape(weight, 1, n), l->dtype),
                                      ag_reshape(x, 1, span.outer, span.n, span.inner), col, row);
    memcpy(dims, l->dims, sizeof dims);
    dims[2 + i] = a.to;
    return (ag_reshape)(y, l->rank, dims);
}
static ag_tensor *interpolate_compose(const ag_call *c)
{
    const interpolate *o = c->attr;
    ag_tensor *x = c->in[0];
    for (int i = 0; i < o->n; i++) x = along(x, o, i);
    return x;
}
const ag_op ag__op_interpolate = { .name = "interpolate",
                                   .n_in = 1,
                                   .attr_size = sizeof(interpolate),
                                   .shape = interpolate_shape,
                                   .compose = interpolate_compose };

/* The sizes of the result; false with the error remembered. */
static bool sizes_of(interpolate *a, const ag__layout *l, const ag_interpolate_options *o)
{
    int given = o->sizes.n ? o->sizes.n : o->scale_factor.n;
    if (!o->sizes.n == !o->scale_factor.n || (given != 1 && given != a->n))
        return ag_fail(AG_EINVAL,
                       "ag_interpolate: %d .sizes and %d .scale_factor for %s: one of the two, for all %d axes "
                       "or for each",
                       o->sizes.n, o->scale_factor.n, ag__text(l), a->n),
               false;
    if (o->recompute_scale_factor && o->sizes.n)
        return ag_fail(AG_EINVAL, "ag_interpolate: .recompute_scale_factor of %s by .sizes", ag__text(l)), false;
    for (int i = 0; i < a->n; i++) {
        int k = given > 1 ? i : 0;
        double factor = o->sizes.n ? 0 : o->scale_factor.at[k], size = factor * (double)l->dims[2 + i];
        if (!o->sizes.n && !(factor > 0 && size < 1e15))
            return ag_fail(AG_EINVAL, "ag_interpolate: .scale_factor %g for axis %d of %s", factor, 2 + i, ag__text(l)),
                   false;
        a->size[i] = o->sizes.n ? o->sizes.at[k] : (int64_t)size;
        a->scale[i] = o->sizes.n || o->recompute_scale_factor ? 0 : 1 / factor;
    }
    return true;
}

ag_tensor *(ag_interpolate)(ag_tensor *x, const ag_interpolate_options *options)
{
    ag_tape *t;
    ag_interpolate_options o = options ? *options : (ag_interpolate_options){ .size = 0 };
    const char *who = "ag_interpolate";
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) || !ag__have_list(o.sizes.n, o.sizes.at, who) ||
        !ag__have_list(o.scale_factor.n, o.scale_factor.at, who))
        return NULL;
    const ag__layout *l = x->layout;
    interpolate a = { o.mode, o.align_corners, o.antialias, l->rank - 2, { 0 }, { 0 } };
    bool smooth = o.mode == AG_INTERPOLATE_LINEAR || o.mode == AG_INTERPOLATE_CUBIC;
    if (a.n < 1) return ag_fail(AG_ESHAPE, "%s: %s has no axis behind [n, channels]", who, ag__text(l)), NULL;
    if ((unsigned)o.mode > AG_INTERPOLATE_AREA)
        return ag_fail(AG_EINVAL, "%s: mode %d of %s", who, (int)o.mode, ag__text(l)), NULL;
    if (!smooth && (o.align_corners || o.antialias))
        return ag_fail(AG_EINVAL, "%s: .align_corners and .antialias of %s are for linear and cubic", who, ag__text(l)),
               NULL;
    return sizes_of(&a, l, &o) ? ag__apply(&ag__op_interpolate, &a, x) : NULL;
}
