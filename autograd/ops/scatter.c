/* scatter.c - elements chosen by masks and replaced at indices. Made of where, take and index_add: an index says, once
 * and for all, which element of the source stands where, the last one if several want the same place. */
#include <autograd/ops/elementwise.h>
#include <autograd/ops/family.h>
#include <math.h>

static const ag__layout *layout_of(const ag_call *c, int i)
{
    return c->in[i]->layout;
}

/* ---- checks; messages name the operation ---- */

static bool present(const ag_call *c, int i, const char *what)
{
    if (!c->in[i]) ag_fail(AG_ENULL, "%s: the %s is NULL", ag__title(c->op), what);
    return c->in[i] != NULL;
}
static bool is_index(const ag_call *c, int i)
{
    if (!present(c, i, "index")) return false;
    const ag__layout *l = layout_of(c, i);
    if (ag__is_integer(l->dtype)) return true;
    ag_fail(AG_EDTYPE, "%s: the index is %s %s; it must be i64, i32 or u8", ag__title(c->op), ag_dtype_name(l->dtype),
            ag__text(l));
    return false;
}
static bool is_mask(const ag_call *c)
{
    if (!present(c, 1, "mask")) return false;
    const ag__layout *l = layout_of(c, 1);
    if (l->dtype == AG_BOOL) return true;
    ag_fail(AG_EDTYPE, "%s: the mask is %s %s, not bool", ag__title(c->op), ag_dtype_name(l->dtype), ag__text(l));
    return false;
}
/* in[i] has the dtype of x. */
static bool is_alike(const ag_call *c, int i, const char *what)
{
    if (!present(c, i, what)) return false;
    const ag__layout *x = layout_of(c, 0), *v = layout_of(c, i);
    if (v->dtype == x->dtype) return true;
    ag_fail(AG_EDTYPE, "%s: the %s is %s %s, x is %s %s", ag__title(c->op), what, ag_dtype_name(v->dtype), ag__text(v),
            ag_dtype_name(x->dtype), ag__text(x));
    return false;
}
static bool is_floating(const ag_call *c)
{
    return ag__need_float(c->in[0], ag__title(c->op));
}
/* x and the mask broadcast. */
static ag_status masked_shape(const ag_call *c, ag_shape *out)
{
    if (!is_mask(c)) return ag_error();
    ag__shape_copy(out, layout_of(c, 0));
    if (ag__broadcast(&out->rank, out->dims, layout_of(c, 1))) return AG_OK;
    return ag_fail(AG_ESHAPE, "%s: shapes do not broadcast: %s and %s", ag__title(c->op), ag__text(layout_of(c, 0)),
                   ag__text(layout_of(c, 1)));
}

/* ---- values of indices and masks, in row-major order ---- */

/* All of an index, which must lie in [0, size); NULL with the error remembered. */
static const int64_t *whole_of(const ag_call *c, ag_tensor *index, int64_t size, const char *of)
{
    const int64_t *at = ag_i64(ag_contiguous(ag_to(index, AG_I64)));
    for (int64_t i = 0; at && i < index->layout->numel; i++)
        if (at[i] < 0 || at[i] >= size)
            return ag_fail(AG_EINVAL, "%s: index %lld at position %lld is not in 0..%lld, %s of %s", ag__title(c->op),
                           (long long)at[i], (long long)i, (long long)size - 1, of, ag__text(layout_of(c, 0))),
                   NULL;
    return at;
}
/* A new tensor of whole numbers, to be filled. */
static ag_tensor *blank(int rank, const int64_t *dims, int64_t **data)
{
    ag_tensor *x = (ag_zeros)(AG_I64, rank, dims);
    *data = x ? ag_i64_write(x) : NULL;
    return *data ? x : NULL;
}
/* Which element of a source stands at each place: `from` where `hit`. */
typedef struct choice {
    ag_tensor *hit, *from;
    uint8_t *is_hit;
    int64_t *source;
} choice;
static bool choice_of(choice *o, int rank, const int64_t *dims)
{
    o->hit = (ag_zeros)(AG_BOOL, rank, dims), o->from = blank(rank, dims, &o->source);
    return o->hit && o->from && (o->is_hit = ag_u8_write(o->hit));
}
static void choose(choice *o, int64_t place, int64_t source)
{
    o->is_hit[place] = 1, o->source[place] = source;
}
/* x, and elements of source (1-d) where they were chosen. */
static ag_tensor *overlaid(ag_tensor *x, ag_tensor *source, const choice *o)
{
    return source && source->layout->numel ? ag_where(o->hit, ag_take(source, 0, o->from), x) : x;
}

/* ---- masked_fill, masked_select, masked_scatter ---- */

static ag_status masked_fill_shape(const ag_call *c, ag_shape *out)
{
    if (!is_mask(c) || !is_alike(c, 2, "value")) return ag_error();
    if (layout_of(c, 2)->rank)
        return ag_fail(AG_ESHAPE, "ag_masked_fill: value %s into %s; it must be 0-d", ag__text(layout_of(c, 2)),
                       ag__text(layout_of(c, 0)));
    return masked_shape(c, out);
}
static ag_tensor *masked_fill_compose(const ag_call *c)
{
    return ag_where(c->in[1], c->in[2], c->in[0]);
}
const ag_op ag__op_masked_fill = {
    .name = "masked_fill", .n_in = 3, .shape = masked_fill_shape, .compose = masked_fill_compose
};

/* x and a value that may be a C number. */
static bool with_value(ag_tensor **x, ag_tensor **value, const char *who)
{
    ag_tape *t;
    if (!ag__begin(&t, x, who)) return false;
    return !*value ||
           ((*value = ag__operand(t, *value, who, 2)) && (*value = ag__adopt(t, *value, (*x)->layout->dtype, who)));
}
ag_tensor *ag_masked_fill(ag_tensor *x, ag_tensor *mask, ag_tensor *value)
{
    return with_value(&x, &value, "ag_masked_fill") ? ag__apply(&ag__op_masked_fill, NULL, x, mask, value) : NULL;
}

/* The mask in the shape of the result; *n: how many of it are true. */
static ag_tensor *full_mask(const ag_call *c, const ag_shape *s, int64_t *n)
{
    ag_tensor *mask = ag_contiguous((ag_expand)(c->in[1], s->rank, s->dims)), *count = ag_sum(mask);
    if (count) *n = (int64_t)ag_item(count);
    return count ? mask : NULL;
}
static ag_status masked_select_shape(const ag_call *c, ag_shape *out)
{
    int64_t n;
    if (masked_shape(c, out) || !full_mask(c, out, &n)) return ag_error();
    out->rank = 1, out->dims[0] = n;
    return AG_OK;
}
static ag_tensor *masked_select_compose(const ag_call *c)
{
    ag_shape s;
    int64_t n, *index;
    if (masked_shape(c, &s)) return NULL;
    ag_tensor *mask = full_mask(c, &s, &n), *from = mask ? blank(1, &n, &index) : NULL;
    if (!from) return NULL;
    const uint8_t *is = mask->data;
    for (int64_t i = 0; i < mask->layout->numel; i++)
        if (is[i]) *index++ = i;
    return ag_take(ag_reshape((ag_expand)(c->in[0], s.rank, s.dims), -1), 0, from);
}
const ag_op ag__op_masked_select = {
    .name = "masked_select", .n_in = 2, .shape = masked_select_shape, .compose = masked_select_compose
};
ag_tensor *ag_masked_select(ag_tensor *x, ag_tensor *mask)
{
    return ag__apply(&ag__op_masked_select, NULL, x, mask);
}

static ag_status masked_scatter_shape(const ag_call *c, ag_shape *out)
{
    int64_t n;
    if (!is_mask(c) || !is_alike(c, 2, "source") || masked_shape(c, out) || !full_mask(c, out, &n)) return ag_error();
    if (n <= layout_of(c, 2)->numel) return AG_OK;
    return ag_fail(AG_ESHAPE, "ag_masked_scatter: source %s has fewer than the %lld elements that the mask takes",
                   ag__text(layout_of(c, 2)), (long long)n);
}
static ag_tensor *masked_scatter_compose(const ag_call *c)
{
    ag_shape s;
    choice o;
    int64_t n, next = 0;
    if (masked_shape(c, &s) || !choice_of(&o, s.rank, s.dims)) return NULL;
    ag_tensor *mask = full_mask(c, &s, &n), *x = (ag_expand)(c->in[0], s.rank, s.dims);
    if (!mask || !x) return NULL;
    for (int64_t i = 0; i < mask->layout->numel; i++)
        if (((const uint8_t *)mask->data)[i]) choose(&o, i, next++);
    return overlaid(x, ag_reshape(c->in[2], -1), &o);
}
const ag_op ag__op_masked_scatter = {
    .name = "masked_scatter", .n_in = 3, .shape = masked_scatter_shape, .compose = masked_scatter_compose
};
ag_tensor *ag_masked_scatter(ag_tensor *x, ag_tensor *mask, ag_tensor *source)
{
    return ag__apply(&ag__op_masked_scatter, NULL, x, mask, source);
}

/* ---- scatter and scatter_reduce: value goes where gather would read ---- */

typedef struct scattering {
    int axis;
    ag_scatter_mode reduce;
    bool exclude_self;
} scattering;

static ag_status scatter_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = layout_of(c, 0);
    int axis = ((const scattering *)c->attr)->axis;
    if (!is_index(c, 1) || !is_alike(c, 2, "value")) return ag_error();
    const ag__layout *index = layout_of(c, 1), *v = layout_of(c, 2);
    bool fits = index->rank == x->rank && (ag__same_dims(index, v) || (v->rank == 0 && c->op == &ag__op_scatter));
    for (int i = 0; fits && i < x->rank; i++) fits = i == axis || index->dims[i] <= x->dims[i];
    if (!fits)
        return ag_fail(AG_ESHAPE, "%s: value %s at index %s does not fit along axis %d of %s", ag__title(c->op),
                       ag__text(v), ag__text(index), axis, ag__text(x));
    ag__shape_copy(out, x);
    return AG_OK;
}

/* The place in x, counted in row-major order, that each element of the index means: [numel]. */
static ag_tensor *targets(const ag_call *c, int axis)
{
    const ag__layout *x = layout_of(c, 0), *l = layout_of(c, 1);
    const int64_t *index = whole_of(c, c->in[1], x->rank ? x->dims[axis] : 1, "the axis");
    int64_t at[AG_MAX_RANK] = { 0 }, stride[AG_MAX_RANK], size = 1, *target;
    ag_tensor *t = index ? blank(1, &l->numel, &target) : NULL;
    if (!t) return NULL;
    for (int i = x->rank - 1; i >= 0; i--) stride[i] = size, size *= x->dims[i];
    for (int64_t k = 0; k < l->numel; k++) {
        target[k] = 0;
        for (int i = 0; i < l->rank; i++) target[k] += (i == axis ? index[k] : at[i]) * stride[i];
        for (int i = l->rank - 1; i >= 0 && ++at[i] == l->dims[i]; i--) at[i] = 0;
    }
    return t;
}

static ag_tensor *scatter_compose(const ag_call *c)
{
    const ag__layout *x = layout_of(c, 0), *v = layout_of(c, 2);
    ag_tensor *t = targets(c, ((const scattering *)c->attr)->axis);
    bool number = v->rank == 0 && x->rank;
    choice o;
    if (!t || !choice_of(&o, x->rank, x->dims)) return NULL;
    for (int64_t k = 0; k < t->layout->numel; k++) choose(&o, ((const int64_t *)t->data)[k], number ? 0 : k);
    return overlaid(c->in[0], ag_reshape(c->in[2], -1), &o);
}
const ag_op ag__op_scatter = {
    .name = "scatter", .n_in = 3, .attr_size = sizeof(scattering), .shape = scatter_shape, .compose = scatter_compose
};
ag_tensor *ag_scatter(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value)
{
    if (!with_value(&x, &value, "ag_scatter") || (axis = ag__axis_or_0(axis, x->layout, "ag_scatter")) < 0) return NULL;
    return ag__apply(&ag__op_scatter, (&(const scattering){ .axis = axis }), x, index, value);
}

/* -- the largest or smallest at each place: equal ones share the gradient. x [n], targets [m], value [m] -- */

static ag_status extreme_shape(const ag_call *c, ag_shape *out)
{
    ag__shape_copy(out, layout_of(c, 0));
    return AG_OK;
}
static ag_status extreme_forward(ag_call *c)
{
    const ag__layout *l = layout_of(c, 0);
    const int64_t *target = c->in[1]->data;
    double sign = *(const bool *)c->attr ? 1 : -1;
    memcpy(c->out[0]->data, c->in[0]->data, (size_t)l->numel * l->item);
    for (int64_t k = 0; k < layout_of(c, 1)->numel; k++) {
        double v = ag__number_at(l->dtype, c->in[2]->data, k),
               best = ag__number_at(l->dtype, c->out[0]->data, target[k]);
        if (sign * v > sign * best || v != v) ag__number_put(l->dtype, c->out[0]->data, target[k], v);
    }
    return AG_OK;
}
/* What each element of x and value holds of the result: 1 / number of equals, or 0. */
static bool holds(const ag_call *c, ag_tensor **by_x, ag_tensor **by_value)
{
    ag_tensor *x = c->in[0], *target = c->in[1], *v = c->in[2], *y = c->out[0];
    ag_tensor *self = ag_to(ag_eq(x, y), x->layout->dtype),
              *hit = ag_to(ag_eq(v, ag_take(y, 0, target)), x->layout->dtype);
    ag_tensor *n = ag_index_add(self, 0, target, hit);
    *by_x = ag_div(self, n), *by_value = ag_div(hit, ag_take(n, 0, target));
    return *by_x && *by_value;
}
static ag_status extreme_vjp(ag_call *c)
{
    ag_tensor *by_x, *by_value;
    if (!holds(c, &by_x, &by_value)) return ag_error();
    if (c->need[0]) c->gin[0] = ag_mul(c->g[0], by_x);
    if (c->need[2]) c->gin[2] = ag_mul(ag_take(c->g[0], 0, c->in[1]), by_value);
    return ag_error();
}
static ag_status extreme_jvp(ag_call *c)
{
    ag_tensor *by_x, *by_value, *tx = c->tangent[0], *tv = c->tangent[2];
    if (!holds(c, &by_x, &by_value)) return ag_error();
    ag_tensor *t = tx ? ag_mul(tx, by_x) : ag_zeros_like(c->out[0]);
    c->tout[0] = tv ? ag_index_add(t, 0, c->in[1], ag_mul(tv, by_value)) : t;
    return ag_error();
}
static const ag_op op_extreme = { .name = "scatter_extreme",
                                  .n_in = 3,
                                  .attr_size = sizeof(bool),
                                  .shape = extreme_shape,
                                  .forward = extreme_forward,
                                  .vjp = extreme_vjp,
                                  .jvp = extreme_jvp };

/* -- the product at each place: all factors in the order of their places, and running products that begin anew -- */

static ag_tensor *products(ag_tensor *x, const int64_t *target, ag_tensor *value, const int64_t *self)
{
    int64_t n = x->layout->numel, m = value->layout->numel, total = m, *end, *order;
    ag_dtype dtype = x->layout->dtype;
    for (int64_t i = 0; i < n; i++) total += self[i];
    ag_tensor *ends = blank(1, &n, &end), *orders = blank(1, &total, &order), *fresh = ag_zeros(AG_BOOL, total);
    uint8_t *first = fresh ? ag_u8_write(fresh) : NULL;
    if (!ends || !orders || !first) return NULL;
    for (int64_t i = 0; i < n; i++) end[i] = self[i];
    for (int64_t k = 0; k < m; k++) end[target[k]]++;
    for (int64_t i = 0, from = 0; i < n; i++) { /* the place of the first factor of i but itself; filling moves it on */
        int64_t size = end[i];
        if (self[i]) order[from] = i;
        if (size) first[from] = 1;
        end[i] = from + self[i], from += size;
    }
    for (int64_t k = 0; k < m; k++) order[end[target[k]]++] = n + k;
    for (int64_t i = 0; i < n; i++) end[i]--;
    ag_tensor *factors = ag_take(ag_cat(AG_LIST(x, value), 0), 0, orders), *begin = ag_to(fresh, dtype);
    ag_tensor *run = ag__recur(ag_mul(factors, ag_sub(1.0, begin)), ag_mul(factors, begin), 0);
    return ag_take(run, 0, ends);
}

static ag_status scatter_reduce_shape(const ag_call *c, ag_shape *out)
{
    const scattering *s = c->attr;
    if ((unsigned)s->reduce > AG_SCATTER_AMIN)
        return ag_fail(AG_EINVAL, "ag_scatter_reduce: .reduce %d of %s", (int)s->reduce, ag__text(layout_of(c, 0)));
    return is_floating(c) ? scatter_shape(c, out) : ag_error();
}
static ag_tensor *scatter_reduce_compose(const ag_call *c)
{
    const scattering *s = c->attr;
    const ag__layout *l = layout_of(c, 0);
    ag_tensor *t = targets(c, s->axis), *x = ag_reshape(c->in[0], -1), *v = ag_reshape(c->in[2], -1);
    choice o;
    int64_t n = l->numel, *self;
    ag_tensor *selves = blank(1, &n, &self);
    if (!t || !x || !v || !selves || !choice_of(&o, 1, &n)) return NULL;
    const int64_t *target = t->data;
    for (int64_t k = 0; k < t->layout->numel; k++) choose(&o, target[k], k);
    for (int64_t i = 0; i < n; i++) self[i] = !(s->exclude_self && o.is_hit[i]); /* does x[i] count? */
    if (s->reduce == AG_SCATTER_PROD) {
        x = products(x, target, v, self);
    } else if (s->reduce == AG_SCATTER_AMAX || s->reduce == AG_SCATTER_AMIN) {
        bool max = s->reduce == AG_SCATTER_AMAX;
        if (s->exclude_self) x = ag_where(o.hit, ag_num(max ? -INFINITY : INFINITY), x);
        x = ag__apply(&op_extreme, &max, x, t, v);
    } else {
        if (s->exclude_self) x = ag_where(o.hit, ag_num(0), x);
        x = ag_index_add(x, 0, t, v);
        ag_tensor *count = ag_index_add(ag_to(selves, l->dtype), 0, t, ag_ones_like(v));
        if (s->reduce == AG_SCATTER_MEAN) x = ag_div(x, count);
    }
    return (ag_reshape)(x, l->rank, l->dims);
}
const ag_op ag__op_scatter_reduce = { .name = "scatter_reduce",
                                      .n_in = 3,
                                      .attr_size = sizeof(scattering),
                                      .shape = scatter_reduce_shape,
                                      .compose = scatter_reduce_compose };
ag_tensor *(ag_scatter_reduce)(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value,
                               const ag_scatter_options *options)
{
    ag_tape *t;
    ag_scatter_options o = options ? *options : (ag_scatter_options){ .exclude_self = false };
    if (!ag__begin(&t, &x, "ag_scatter_reduce") || (axis = ag__axis_or_0(axis, x->layout, "ag_scatter_reduce")) < 0)
        return NULL;
    return ag__apply(&ag__op_scatter_reduce, (&(const scattering){ axis, o.reduce, o.exclude_self }), x, index, value);
}

/* ---- index_fill and index_copy: along one axis ---- */

static int axis_of(const ag_call *c)
{
    return *(const int *)c->attr;
}
/* The last index that means each place of the axis. */
static bool choice_along(choice *o, const ag_call *c)
{
    const ag__layout *x = layout_of(c, 0);
    int64_t n = x->rank ? x->dims[axis_of(c)] : 1;
    const int64_t *index = whole_of(c, c->in[1], n, "the axis");
    if (!index || !choice_of(o, 1, &n)) return false;
    for (int64_t k = 0; k < layout_of(c, 1)->numel; k++) choose(o, index[k], k);
    return true;
}
/* y where its place along the axis was hit, else x. */
static ag_tensor *where_along(const ag_call *c, const choice *o, ag_tensor *y)
{
    const ag__layout *x = layout_of(c, 0);
    int64_t dims[AG_MAX_RANK] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    if (x->rank) dims[axis_of(c)] = x->dims[axis_of(c)];
    return ag_where((ag_reshape)(o->hit, x->rank, dims), y, c->in[0]);
}

static ag_status index_fill_shape(const ag_call *c, ag_shape *out)
{
    if (!is_index(c, 1) || !is_alike(c, 2, "value")) return ag_error();
    if (layout_of(c, 1)->rank > 1 || layout_of(c, 2)->rank)
        return ag_fail(AG_ESHAPE, "ag_index_fill: value %s at index %s of %s; they must be 0-d and 1-d",
                       ag__text(layout_of(c, 2)), ag__text(layout_of(c, 1)), ag__text(layout_of(c, 0)));
    ag__shape_copy(out, layout_of(c, 0));
    return AG_OK;
}
static ag_tensor *index_fill_compose(const ag_call *c)
{
    choice o;
    return choice_along(&o, c) ? where_along(c, &o, c->in[2]) : NULL;
}
const ag_op ag__op_index_fill = {
    .name = "index_fill", .n_in = 3, .attr_size = sizeof(int), .shape = index_fill_shape, .compose = index_fill_compose
};
ag_tensor *ag_index_fill(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value)
{
    if (!with_value(&x, &value, "ag_index_fill") || (axis = ag__axis_or_0(axis, x->layout, "ag_index_fill")) < 0)
        return NULL;
    return ag__apply(&ag__op_index_fill, &axis, x, index, value);
}

static ag_status index_copy_shape(const ag_call *c, ag_shape *out)
{
    if (!is_index(c, 1) || !is_alike(c, 2, "source")) return ag_error();
    const ag__layout *x = layout_of(c, 0), *index = layout_of(c, 1), *v = layout_of(c, 2);
    bool fits = index->rank <= 1 && v->rank == x->rank && (x->rank || index->numel == 1);
    for (int i = 0; fits && i < x->rank; i++) fits = v->dims[i] == (i == axis_of(c) ? index->numel : x->dims[i]);
    if (!fits)
        return ag_fail(AG_ESHAPE, "ag_index_copy: source %s at index %s does not fit along axis %d of %s", ag__text(v),
                       ag__text(index), axis_of(c), ag__text(x));
    ag__shape_copy(out, x);
    return AG_OK;
}
static ag_tensor *index_copy_compose(const ag_call *c)
{
    choice o;
    if (!choice_along(&o, c)) return NULL;
    if (layout_of(c, 1)->numel == 0) return c->in[0];
    return where_along(c, &o, layout_of(c, 0)->rank ? ag_take(c->in[2], axis_of(c), o.from) : c->in[2]);
}
const ag_op ag__op_index_copy = {
    .name = "index_copy", .n_in = 3, .attr_size = sizeof(int), .shape = index_copy_shape, .compose = index_copy_compose
};
ag_tensor *ag_index_copy(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *source)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_index_copy") || (axis = ag__axis_or_0(axis, x->layout, "ag_index_copy")) < 0)
        return NULL;
    return ag__apply(&ag__op_index_copy, &axis, x, index, source);
}

/* ---- index and index_put: one index for each of the first axes, broadcast ---- */

/* The common shape of in[from], in[from + 1], ... into *s. */
static bool indices_fit(const ag_call *c, int from, ag_shape *s)
{
    const ag__layout *x = layout_of(c, 0);
    s->dtype = AG_I64, s->rank = 0;
    if (c->n_in - from > x->rank || c->n_in == from)
        return ag_fail(AG_ESHAPE, "%s: %d indices for %s", ag__title(c->op), c->n_in - from, ag__text(x)), false;
    for (int i = from; i < c->n_in; i++) {
        if (!is_index(c, i)) return false;
        if (!ag__broadcast(&s->rank, s->dims, layout_of(c, i)))
            return ag_fail(AG_ESHAPE, "%s: index %s of %s does not broadcast to %s", ag__title(c->op),
                           ag__text(layout_of(c, i)), ag__text(x), ag__dims_text(s->rank, s->dims)),
                   false;
    }
    return true;
}
/* x with its indexed axes as one, and where on that axis each element of the indices lies: in the shape s. */
static bool indexed(const ag_call *c, int from, const ag_shape *s, ag_tensor **x, ag_tensor **index)
{
    const ag__layout *l = layout_of(c, 0);
    int n = c->n_in - from;
    int64_t dims[AG_MAX_RANK] = { 1 }, *at;
    for (int i = 0; i < n; i++) dims[0] *= l->dims[i];
    for (int i = n; i < l->rank; i++) dims[i - n + 1] = l->dims[i];
    if (!(*index = blank(s->rank, s->dims, &at))) return false;
    for (int i = 0; i < n; i++) {
        ag_tensor *full = (ag_expand)(c->in[from + i], s->rank, s->dims);
        const int64_t *part = full ? whole_of(c, full, l->dims[i], "an axis") : NULL;
        if (!part) return false;
        for (int64_t k = 0; k < full->layout->numel; k++) at[k] = at[k] * l->dims[i] + part[k];
    }
    return (*x = (ag_reshape)(c->in[0], l->rank - n + 1, dims)) != NULL;
}

static ag_status index_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = layout_of(c, 0);
    int from = c->op == &ag__op_index_put ? 2 : 1, n = c->n_in - from;
    if (!indices_fit(c, from, out)) return ag_error();
    if (out->rank + x->rank - n > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "%s: %s at an index of %s has more than %d axes", ag__title(c->op), ag__text(x),
                       ag__dims_text(out->rank, out->dims), AG_MAX_RANK);
    out->dtype = x->dtype;
    for (int i = n; i < x->rank; i++) out->dims[out->rank++] = x->dims[i];
    return AG_OK;
}
static ag_tensor *index_compose(const ag_call *c)
{
    ag_shape s;
    ag_tensor *x, *index;
    return indices_fit(c, 1, &s) && indexed(c, 1, &s, &x, &index) ? ag_take(x, 0, index) : NULL;
}
const ag_op ag__op_index = { .name = "index", .n_in = -1, .shape = index_shape, .compose = index_compose };

static ag_status index_put_shape(const ag_call *c, ag_shape *out)
{
    if (!is_alike(c, 1, "value") || (*(const bool *)c->attr && !is_floating(c)) || index_shape(c, out))
        return ag_error();
    int rank = out->rank;
    int64_t dims[AG_MAX_RANK];
    memcpy(dims, out->dims, sizeof dims);
    if (!ag__broadcast(&rank, dims, layout_of(c, 1)) || rank != out->rank || memcmp(dims, out->dims, (size_t)rank * 8))
        return ag_fail(AG_ESHAPE, "ag_index_put: value %s does not broadcast to the %s that are chosen of %s",
                       ag__text(layout_of(c, 1)), ag__dims_text(out->rank, out->dims), ag__text(layout_of(c, 0)));
    ag__shape_copy(out, layout_of(c, 0));
    return AG_OK;
}
static ag_tensor *index_put_compose(const ag_call *c)
{
    const ag__layout *l = layout_of(c, 0);
    ag_shape s, all;
    ag_tensor *x, *index;
    if (!indices_fit(c, 2, &s) || index_shape(c, &all) || !indexed(c, 2, &s, &x, &index)) return NULL;
    int64_t dims[AG_MAX_RANK];
    memcpy(dims, x->layout->dims, sizeof dims);
    dims[0] = index->layout->numel;
    ag_tensor *v = (ag_reshape)((ag_expand)(c->in[1], all.rank, all.dims), x->layout->rank, dims);
    index = ag_reshape(index, -1);
    x = *(const bool *)c->attr ? ag_index_add(x, 0, index, v) : ag_index_copy(x, 0, index, v);
    return (ag_reshape)(x, l->rank, l->dims);
}
const ag_op ag__op_index_put = {
    .name = "index_put", .n_in = -1, .attr_size = sizeof(bool), .shape = index_put_shape, .compose = index_put_compose
};

/* Where a mask of an axis is true; other indices as they are. */
static ag_tensor *unmasked(ag_tape *t, const char *who, ag_tensor *index, const ag_tensor *x, int axis)
{
    if (!index || !(index = ag__operand(t, index, who, 2)) || index->layout->dtype != AG_BOOL) return index;
    const ag__layout *l = index->layout;
    if (axis >= x->layout->rank || l->rank != 1 || l->numel != x->layout->dims[axis])
        return ag_fail(AG_ESHAPE, "%s: mask %s for axis %d of %s", who, ag__text(l), axis, ag__text(x->layout)), NULL;
    return ag_masked_select(ag_arange(AG_I64, 0, (double)l->numel, 1), index);
}
/* op of the `n` tensors before and those of the list. */
static ag_tensor *with_indices(const ag_op *op, const char *who, const void *attr, int n, ag_tensor *const *before,
                               ag_list index)
{
    ag_tensor *in[2 + AG_MAX_RANK];
    ag_tape *t = ag__tape(who);
    if (!t || !ag__have_list(index.n, index.at, who)) return NULL;
    if (index.n > AG_MAX_RANK || (index.n < 1 && before[0]))
        return ag_fail(AG_ESHAPE, "%s: %lld indices for %s", who, (long long)index.n, ag__text(before[0]->layout)),
               NULL;
    for (int i = 0; i < n; i++) in[i] = before[i];
    for (int i = 0; i < index.n; i++) in[n + i] = unmasked(t, who, index.at[i], before[0], i);
    return (ag_apply)(op, attr, n + (int)index.n, in);
}
ag_tensor *ag_index(ag_tensor *x, ag_list index)
{
    ag_tape *t;
    return ag__begin(&t, &x, "ag_index") ? with_indices(&ag__op_index, "ag_index", NULL, 1, &x, index) : NULL;
}
ag_tensor *ag_index_put(ag_tensor *x, ag_list index, ag_tensor *value, bool accumulate)
{
    if (!with_value(&x, &value, "ag_index_put")) return NULL;
    return with_indices(&ag__op_index_put, "ag_index_put", &accumulate, 2, (ag_tensor *const[]){ x, value }, index);
}

/* ---- segment_sum: rows of the same number, added up ---- */

static ag_status segment_sum_shape(const ag_call *c, ag_shape *out)
{
    int64_t n = *(const int64_t *)c->attr;
    if (!is_index(c, 1) || !is_floating(c)) return ag_error();
    const ag__layout *x = layout_of(c, 0), *s = layout_of(c, 1);
    if (x->rank < 1 || s->rank != 1 || s->dims[0] != x->dims[0] || n < 0)
        return ag_fail(AG_ESHAPE, "ag_segment_sum: segments %s of %s into %lld: one for each row", ag__text(s),
                       ag__text(x), (long long)n);
    ag__shape_copy(out, x);
    out->dims[0] = n;
    return AG_OK;
}
static ag_tensor *segment_sum_compose(const ag_call *c)
{
    ag_shape s;
    if (segment_sum_shape(c, &s) || !whole_of(c, c->in[1], s.dims[0], "the segments")) return NULL;
    return ag_index_add((ag_zeros)(s.dtype, s.rank, s.dims), 0, c->in[1], c->in[0]);
}
const ag_op ag__op_segment_sum = { .name = "segment_sum",
                                   .n_in = 2,
                                   .attr_size = sizeof(int64_t),
                                   .shape = segment_sum_shape,
                                   .compose = segment_sum_compose };
ag_tensor *ag_segment_sum(ag_tensor *x, ag_tensor *segment, int64_t n)
{
    return ag__apply(&ag__op_segment_sum, &n, x, segment);
}

/* ---- one_hot ---- */

static ag_status one_hot_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = layout_of(c, 0);
    int64_t n = *(const int64_t *)c->attr;
    if (!is_index(c, 0)) return ag_error();
    if (l->rank == AG_MAX_RANK || n < 1)
        return ag_fail(AG_ESHAPE, "ag_one_hot: %s of %lld classes", ag__text(l), (long long)n);
    ag__shape_copy(out, l);
    out->dtype = AG_I64, out->dims[out->rank++] = n;
    return AG_OK;
}
static ag_status one_hot_forward(ag_call *c)
{
    int64_t n = *(const int64_t *)c->attr, *y = c->out[0]->data;
    const int64_t *class = whole_of(c, c->in[0], n, "the classes");
    if (!class) return ag_error();
    memset(y, 0, (size_t)c->out[0]->layout->numel * sizeof *y);
    for (int64_t i = 0; i < layout_of(c, 0)->numel; i++) y[i * n + class[i]] = 1;
    return AG_OK;
}
const ag_op ag__op_one_hot = { .name = "one_hot",
                               .n_in = 1,
                               .attr_size = sizeof(int64_t),
                               .shape = one_hot_shape,
                               .forward = one_hot_forward,
                               .saves = AG_SAVES_NOTHING };
ag_tensor *ag_one_hot(ag_tensor *classes, int64_t n)
{
    return ag__apply(&ag__op_one_hot, &n, classes);
}
