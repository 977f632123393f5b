/* grid.c - images sampled at places given by a grid (Jaderberg et al., "Spatial transformer networks", 2015).
 *
 * A sample is a product with a sparse matrix: which elements it takes follows from the places' values, their weights
 * are made of the places in ag_ operations, so that derivatives of any order follow. Where a place is moved inside
 * (border, reflection) its slope is 0, or changes sign. */
#include <autograd/ops/sparse.h>
#include <math.h>

typedef struct sampling {
    ag_grid_mode mode;
    ag_grid_padding padding;
    bool align;
} sampling;

static ag_status grid_sample_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = c->in[0]->layout, *g = c->in[1] ? c->in[1]->layout : NULL;
    if (!g) return ag_fail(AG_ENULL, "ag_grid_sample: the grid is NULL");
    if (x->dtype != g->dtype)
        return ag_fail(AG_EDTYPE, "ag_grid_sample: dtypes differ: %s %s and grid %s %s", ag_dtype_name(x->dtype),
                       ag__text(x), ag_dtype_name(g->dtype), ag__text(g));
    bool fits = (x->rank == 4 || x->rank == 5) && g->rank == x->rank && g->dims[0] == x->dims[0] &&
                g->dims[g->rank - 1] == x->rank - 2;
    for (int i = 2; fits && i < x->rank; i++) fits = x->dims[i] > 0;
    if (!fits)
        return ag_fail(AG_ESHAPE,
                       "ag_grid_sample: %s and grid %s do not fit: [n, c, h, w] and [n, .., .., 2], or "
                       "[n, c, d, h, w] and [n, .., .., .., 3]",
                       ag__text(x), ag__text(g));
    ag__shape_copy(out, x);
    for (int i = 2; i < x->rank; i++) out->dims[i] = g->dims[i - 1];
    return AG_OK;
}

/* ---- places along one axis of n elements ---- */

/* A place reflected or limited so that it lies inside; *slope by what it was. Limits count as outside. */
static double moved_inside(const sampling *o, double at, int64_t n, double *slope)
{
    double last = (double)(n - 1), low = o->align ? 0 : -0.5, span = o->align ? last : (double)n;
    *slope = 1;
    if (o->padding == AG_GRID_REFLECTION && span == 0) return *slope = 0;
    if (o->padding == AG_GRID_REFLECTION) {
        double away = fabs(at - low), extra = fmod(away, span);
        bool odd = fmod(floor(away / span), 2) != 0;
        *slope = (at < low) == odd ? 1 : -1;
        at = low + (odd ? span - extra : extra);
    }
    if (o->padding == AG_GRID_ZEROS || (at > 0 && at < last)) return at;
    *slope = 0;
    return at > 0 ? last : 0;
}
static int64_t element(const sampling *o, double at, int64_t n)
{
    double slope;
    if (o->padding != AG_GRID_ZEROS) at = moved_inside(o, at, n, &slope);
    return at >= 0 && at < (double)n ? (int64_t)at : -1;
}

/* Of each place: which elements it takes, and the weights of those, [.., taps]. */
typedef struct taps {
    int n;
    ag_tensor *index, *weight; /* weight NULL: 1 */
} taps;

static ag_tensor *cubic_weights(ag_tensor *t)
{
    ag_tensor *u = ag_sub(1.0, t), *t2 = ag_square(t), *u2 = ag_square(u);
    ag_tensor *outer_t = ag_mul(-0.75, ag_mul(t, u2)), *outer_u = ag_mul(-0.75, ag_mul(u, t2));
    ag_tensor *inner_t = ag_add(ag_mul(t2, ag_sub(ag_mul(1.25, t), 2.25)), 1.0);
    ag_tensor *inner_u = ag_add(ag_mul(u2, ag_sub(ag_mul(1.25, u), 2.25)), 1.0);
    return ag_stack(AG_LIST(outer_t, inner_t, inner_u, outer_u), -1);
}
/* places: [batches, points] in units of elements */
static bool take(const sampling *o, ag_tensor *places, int64_t n, taps *out)
{
    static const int n_taps[] = { 2, 1, 4 };
    int k = out->n = n_taps[o->mode];
    if (places && o->mode != AG_GRID_NEAREST) places = ag_where(ag_isfinite(places), places, ag_num(-1e9));
    ag_tensor *at = ag_contiguous(ag_to(ag_detach(places), AG_F64)), *slopes = ag_clone(at), *rest = ag_clone(at);
    if (!slopes || !rest) return false;
    int64_t count = at->layout->numel;
    if (!(out->index = ag_zeros(AG_I64, count, k))) return false;
    for (int64_t i = 0; i < count; i++) {
        double *slope = (double *)slopes->data + i, place = ((const double *)at->data)[i];
        int64_t *index = (int64_t *)out->index->data + i * k;
        *slope = 1;
        if (o->mode != AG_GRID_CUBIC) place = moved_inside(o, place, n, slope);
        double base = o->mode == AG_GRID_NEAREST ? nearbyint(place) : floor(place);
        ((double *)rest->data)[i] = place - base;
        for (int j = 0; j < k; j++) index[j] = element(o, base + j - (o->mode == AG_GRID_CUBIC), n);
    }
    out->weight = NULL;
    if (o->mode == AG_GRID_NEAREST) return true;
    ag_dtype dtype = places->layout->dtype;
    ag_tensor *t = ag_add(ag_to(rest, dtype), ag_mul(ag_to(slopes, dtype), ag_sub(places, ag_detach(places))));
    out->weight = o->mode == AG_GRID_CUBIC ? cubic_weights(t) : ag_stack(AG_LIST(ag_sub(1.0, t), t), -1);
    return out->weight != NULL;
}

/* Those of all axes so far and one more: every pair, [.., taps]. The index is that of the flattened axes. */
static bool combine(taps *all, taps one, int64_t n)
{
    if (all->n == 0) return *all = one, true;
    int64_t count = one.index->layout->dims[0], k = all->n * one.n;
    ag_tensor *index = ag_zeros(AG_I64, count, k);
    if (!index) return false;
    const int64_t *a = all->index->data, *b = one.index->data;
    int64_t *both = index->data;
    for (int64_t i = 0; i < count; i++, a += all->n, b += one.n)
        for (int p = 0; p < all->n; p++)
            for (int q = 0; q < one.n; q++) *both++ = a[p] < 0 || b[q] < 0 ? -1 : a[p] * n + b[q];
    if (all->weight) {
        ag_tensor *w = ag_mul(ag_unsqueeze(all->weight, -1), ag_unsqueeze(one.weight, -2));
        all->weight = ag_flatten(w, -2, -1);
    }
    all->n = (int)k, all->index = index;
    return !ag_error();
}

static ag_tensor *grid_sample_compose(const ag_call *c)
{
    const sampling *o = c->attr;
    const ag__layout *x = c->in[0]->layout, *g = c->in[1]->layout;
    int axes = x->rank - 2;
    int64_t batches = x->dims[0], points = 1, elements = 1, dims[AG_MAX_RANK];
    for (int i = 0; i < axes; i++) points *= g->dims[1 + i], elements *= x->dims[2 + i];
    ag_tensor *grid = ag_reshape(c->in[1], batches, points, axes);
    taps all = { 0, NULL, NULL }, one;
    for (int i = 0; i < axes; i++) {
        double n = (double)x->dims[2 + i], factor = (o->align ? n - 1 : n) / 2;
        ag_tensor *places = ag_add(ag_mul(ag_select(grid, -1, axes - 1 - i), factor), (n - 1) / 2);
        if (!take(o, places, x->dims[2 + i], &one) || !combine(&all, one, x->dims[2 + i])) return NULL;
    }
    const ag__entries s = { batches, points * all.n, points, elements, x->dims[1], 1 };
    ag_tensor *row = ag_zeros(AG_I64, batches, s.n);
    ag_tensor *weight = all.weight ? ag_reshape(all.weight, batches, s.n) : ag_ones(x->dtype, batches, s.n);
    if (!row || !weight) return NULL;
    for (int64_t e = 0; e < batches * s.n; e++) ((int64_t *)row->data)[e] = e % s.n / all.n;
    ag_tensor *y = ag__sparse_product(&s, weight, ag_reshape(c->in[0], batches, s.outer, elements, 1), all.index, row);
    memcpy(dims, x->dims, sizeof dims);
    for (int i = 0; i < axes; i++) dims[2 + i] = g->dims[1 + i];
    return (ag_reshape)(y, x->rank, dims);
}
const ag_op ag__op_grid_sample = { .name = "grid_sample",
                                   .n_in = 2,
                                   .attr_size = sizeof(sampling),
                                   .shape = grid_sample_shape,
                                   .compose = grid_sample_compose };

ag_tensor *(ag_grid_sample)(ag_tensor *x, ag_tensor *grid, const ag_grid_options *options)
{
    ag_tape *t;
    ag_grid_options o = options ? *options : (ag_grid_options){ .size = 0 };
    if (!ag__begin(&t, &x, "ag_grid_sample") || !ag__need_float(x, "ag_grid_sample")) return NULL;
    if ((unsigned)o.mode > AG_GRID_CUBIC || (unsigned)o.padding > AG_GRID_REFLECTION)
        return ag_fail(AG_EINVAL, "ag_grid_sample: mode %d, padding %d for %s", (int)o.mode, (int)o.padding,
                       ag__text(x->layout)),
               NULL;
    return ag__apply(&ag__op_grid_sample, (&(const sampling){ o.mode, o.padding, o.align_corners }), x, grid);
}

/* ---- affine_grid: the places' coordinates, and 1, times theta ---- */

typedef struct affine {
    int n; /* axes */
    int64_t dims[3];
    bool align;
} affine;

static ag_status affine_grid_shape(const ag_call *c, ag_shape *out)
{
    const affine *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    *out = (ag_shape){ l->dtype, o->n + 2, { l->dims[0] } };
    memcpy(out->dims + 1, o->dims, (size_t)o->n * sizeof *o->dims);
    out->dims[o->n + 1] = o->n;
    return AG_OK;
}
static ag_tensor *affine_grid_compose(const ag_call *c)
{
    const affine *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    int64_t points = 1;
    for (int i = 0; i < o->n; i++) points *= o->dims[i];
    ag_tensor *base = ag_ones(AG_F64, points, o->n + 1);
    if (!base) return NULL;
    double *at = base->data;
    for (int64_t p = 0; p < points; p++, at += o->n + 1) {
        int64_t rest = p;
        for (int i = o->n - 1; i >= 0; i--) {
            int64_t n = o->dims[i], k = rest % n;
            rest /= n;
            at[o->n - 1 - i] = n > 1 ? (double)(2 * k + 1 - n) / (double)(o->align ? n - 1 : n) : 0;
        }
    }
    ag_tensor *y = ag_matmul(ag_to(base, l->dtype), ag_transpose(c->in[0], 1, 2)); /* [n, points, axes] */
    int64_t dims[AG_MAX_RANK] = { l->dims[0] };
    memcpy(dims + 1, o->dims, (size_t)o->n * sizeof *dims);
    dims[o->n + 1] = o->n;
    return (ag_reshape)(y, o->n + 2, dims);
}
const ag_op ag__op_affine_grid = { .name = "affine_grid",
                                   .n_in = 1,
                                   .attr_size = sizeof(affine),
                                   .shape = affine_grid_shape,
                                   .compose = affine_grid_compose };

ag_tensor *ag_affine_grid(ag_tensor *theta, ag_sizes sizes, bool align_corners)
{
    ag_tape *t;
    const char *who = "ag_affine_grid";
    if (!ag__begin(&t, &theta, who) || !ag__need_float(theta, who) || !ag__have_list(sizes.n, sizes.at, who))
        return NULL;
    const ag__layout *l = theta->layout;
    affine a = { sizes.n - 2, { 0 }, align_corners };
    bool fits = (a.n == 2 || a.n == 3) && l->rank == 3 && l->dims[0] == sizes.at[0] && l->dims[1] == a.n &&
                l->dims[2] == a.n + 1;
    for (int i = 0; fits && i < a.n; i++) fits = (a.dims[i] = sizes.at[2 + i]) > 0;
    if (!fits)
        return ag_fail(AG_ESHAPE,
                       "%s: %s and sizes %s do not fit: [n, 2, 3] and n, c, h, w or [n, 3, 4] and n, c, d, h, w", who,
                       ag__text(l), sizes.n <= AG_MAX_RANK ? ag__dims_text(sizes.n, sizes.at) : "of many axes"),
               NULL;
    return ag__apply(&ag__op_affine_grid, &a, theta);
}
