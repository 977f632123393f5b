/* order.c - elements in order: argsort, sort, topk; the k-th, the median, the most frequent; running extremes; places
 * in sorted sequences.
 *
 * A row becomes entries of key and place. Keys are whole numbers in the order of the elements, NaN the largest and -0
 * the same as 0; they are merged from short runs to long ones, so that equal elements keep their order. Only places are
 * computed here: values are gathered from there, and so their gradients return. */
#include <autograd/ops/elementwise.h>
#include <autograd/ops/family.h>
#include <math.h>

typedef struct entry {
    uint64_t key;
    int64_t at;
} entry;

static const uint64_t nan_key = UINT64_MAX;

static uint64_t key_of(ag_dtype dtype, const void *data, int64_t i)
{
    if (!ag__is_float(dtype)) return (uint64_t)ag__whole(dtype, data, i) ^ UINT64_C(1) << 63;
    double v = ag__number_at(dtype, data, i) + 0.0; /* -0 becomes 0 */
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return v != v ? nan_key : bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Two runs next to each other into one. */
static void merge(const entry *a, const entry *middle, const entry *end, entry *out)
{
    const entry *b = middle;
    while (a < middle || b < end) *out++ = b == end || (a < middle && a->key <= b->key) ? *a++ : *b++;
}
/* Stable. The result is in a or in b: the one returned. */
static entry *sorted(entry *a, entry *b, int64_t n)
{
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t i = 0; i < n; i += 2 * run) {
            int64_t middle = i + run < n ? i + run : n, end = middle + run < n ? middle + run : n;
            merge(a + i, a + middle, a + end, b + i);
        }
        entry *other = a;
        a = b, b = other;
    }
    return a;
}

/* ---- what is taken from a sorted row ---- */

typedef enum rule { ALL, KTH, MEDIAN, NANMEDIAN, MODE, CUMMAX, CUMMIN } rule;
typedef struct ranking {
    int axis;
    rule rule;
    int64_t k;
    bool descending;
} ranking;

/* The last of the entries that occur most often, of the smallest such. NaN equals nothing. */
static int64_t most_frequent(const entry *e, int64_t n)
{
    int64_t best = 0, most = 0, first = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i + 1 < n && e[i].key == e[i + 1].key && e[i].key != nan_key) continue;
        if (i + 1 - first > most) most = i + 1 - first, best = i;
        first = i + 1;
    }
    return best;
}
static int64_t chosen(const ranking *r, const entry *e, int64_t n)
{
    int64_t numbers = n;
    while (numbers && e[numbers - 1].key == nan_key) numbers--;
    switch (r->rule) {
    case KTH: return r->k - 1;
    case MEDIAN: return numbers < n ? numbers : (n - 1) / 2;
    case NANMEDIAN: return numbers ? (numbers - 1) / 2 : 0;
    default: return most_frequent(e, n);
    }
}
/* Where the extreme of the first i elements is: the last of equals; once NaN, always NaN. */
static void running(bool max, const entry *e, int64_t n, int64_t *y, int64_t step)
{
    uint64_t most = 0;
    int64_t best = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t key = max || e[i].key == nan_key ? e[i].key : ~e[i].key;
        if (key >= most) most = key, best = i;
        y[i * step] = best;
    }
}

static bool is_running(rule r)
{
    return r == CUMMAX || r == CUMMIN;
}
static ag_status ranking_shape(const ag_call *c, ag_shape *out)
{
    const ranking *r = c->attr;
    ag__shape_copy(out, c->in[0]->layout);
    out->dtype = AG_I64;
    if (out->rank && r->rule != ALL && !is_running(r->rule)) out->dims[r->axis] = 1;
    return AG_OK;
}

/* One row, of elements `step` apart. e has room for two rows. */
static void rank_row(const ranking *r, ag_dtype dtype, const void *x, int64_t n, int64_t step, entry *e, int64_t *y)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t key = key_of(dtype, x, i * step);
        e[i] = (entry){ r->descending ? ~key : key, i };
    }
    if (is_running(r->rule)) {
        running(r->rule == CUMMAX, e, n, y, step);
        return;
    }
    e = sorted(e, e + n, n);
    if (r->rule == ALL)
        for (int64_t i = 0; i < n; i++) y[i * step] = e[i].at;
    else
        *y = e[chosen(r, e, n)].at;
}
static ag_status ranking_forward(ag_call *c)
{
    const ranking *r = c->attr;
    const ag__layout *l = c->in[0]->layout;
    ag__span s = ag__span_of(l, r->axis);
    if (l->numel == 0) return AG_OK;
    ag_tape *t = ag__here.tape;
    size_t bytes;
    uint8_t klass;
    if (!ag__size_mul((size_t)s.n, 2 * sizeof(entry), &bytes)) return ag_fail(AG_ENOMEM, "%s", ag__title(c->op));
    entry *e = ag__pool_get(&t->pool, bytes, &klass);
    if (!e) return ag_error();
    int64_t kept = c->out[0]->layout->numel == l->numel ? s.n : 1;
    for (int64_t i = 0; i < s.outer * s.inner; i++) {
        int64_t row = i / s.inner, column = i % s.inner;
        const char *x = (const char *)c->in[0]->data + (row * s.n * s.inner + column) * (int64_t)l->item;
        rank_row(r, l->dtype, x, s.n, s.inner, e, (int64_t *)c->out[0]->data + row * kept * s.inner + column);
    }
    ag__pool_put(&t->pool, e, klass);
    return AG_OK;
}
static const ag_op op_ranking = { .name = "ranking",
                                  .n_in = 1,
                                  .attr_size = sizeof(ranking),
                                  .shape = ranking_shape,
                                  .forward = ranking_forward,
                                  .saves = AG_SAVES_NOTHING };

/* ---- argsort ---- */

const ag_op ag__op_argsort = { .name = "argsort",
                               .n_in = 1,
                               .attr_size = sizeof(ranking),
                               .shape = ranking_shape,
                               .forward = ranking_forward,
                               .saves = AG_SAVES_NOTHING };

/* ---- values at such places ---- */

typedef struct picking {
    ranking ranking;
    bool keep, shared; /* shared: of the whole tensor, equal elements share the gradient */
    ag_tensor **index;
} picking;

static ag_status picking_shape(const ag_call *c, ag_shape *out)
{
    const picking *p = c->attr;
    const ranking *r = &p->ranking;
    const ag__layout *l = c->in[0]->layout;
    int64_t n = l->rank ? l->dims[r->axis] : 1;
    bool whole_row = r->rule == ALL || is_running(r->rule), top = c->op == &ag__op_topk;
    if (r->rule == KTH || top) {
        if (r->k < !top || r->k > n || (top && !l->rank && r->k != 1))
            return ag_fail(AG_EINVAL, "%s: k %lld is not in %d..%lld, axis %d of %s", ag__title(c->op), (long long)r->k,
                           !top, (long long)n, r->axis, ag__text(l));
    } else if (!whole_row && n == 0)
        return ag_fail(AG_ESHAPE, "%s: axis %d of %s holds nothing", ag__title(c->op), r->axis, ag__text(l));
    ag__shape_copy(out, l);
    if (top && l->rank) out->dims[r->axis] = r->k;
    if (whole_row || !l->rank) return AG_OK;
    if (p->keep)
        out->dims[r->axis] = 1;
    else
        ag__shape_drop(out, l, r->axis);
    return AG_OK;
}
static ag_tensor *picking_compose(const ag_call *c)
{
    const picking *p = c->attr;
    const ranking *r = &p->ranking;
    ag_tensor *x = c->in[0], *index = ag__apply(&op_ranking, r, x);
    int rank = x->layout->rank;
    if (c->op == &ag__op_topk && rank) index = ag_slice(index, r->axis, 0, r->k);
    ag_tensor *y = ag_gather(x, r->axis, index);
    bool goes = rank && !p->keep && r->rule != ALL && !is_running(r->rule);
    if (goes) y = ag_squeeze(y, r->axis), index = ag_squeeze(index, r->axis);
    if (p->index && y) *p->index = index;
    return y;
}

#define PICKING(fn)                                                                                              \
    const ag_op ag__op_##fn = {                                                                                  \
        .name = #fn, .n_in = 1, .attr_size = sizeof(picking), .shape = picking_shape, .compose = picking_compose \
    };
PICKING(sort)
PICKING(topk)
PICKING(kthvalue)
PICKING(mode)
PICKING(cummax)
PICKING(cummin)

/* The options an operation has besides .index. */
enum { DESCENDING = 1, SMALLEST = 2, KEEP = 4, INDEX = 8 };
static bool only(const ag_order_options *o, int has, const char *who)
{
    const char *bad = o->descending && !(has & DESCENDING) ? ".descending"
                      : o->smallest && !(has & SMALLEST)   ? ".smallest"
                      : o->keep && !(has & KEEP)           ? ".keep"
                      : o->index && !(has & INDEX)         ? ".index"
                                                           : NULL;
    if (bad) ag_fail(AG_EINVAL, "%s: it has no option %s", who, bad);
    return !bad;
}
static ag_tensor *picked(const ag_op *op, const char *who, ag_tensor *x, ranking r, int has,
                         const ag_order_options *options)
{
    ag_tape *t;
    ag_order_options o = options ? *options : (ag_order_options){ .keep = false };
    if (o.index) *o.index = NULL;
    if (!ag__begin(&t, &x, who) || (r.axis = ag__axis_or_0(r.axis, x->layout, who)) < 0 || !only(&o, has, who))
        return NULL;
    r.descending = op == &ag__op_topk ? !o.smallest : o.descending;
    if (op == &ag__op_argsort) return ag__apply(op, &r, x);
    return ag__apply(op, (&(const picking){ r, o.keep, false, o.index }), x);
}

ag_tensor *(ag_argsort)(ag_tensor *x, int axis, const ag_order_options *options)
{
    return picked(&ag__op_argsort, "ag_argsort", x, (ranking){ axis, ALL, 0, false }, DESCENDING, options);
}
ag_tensor *(ag_sort)(ag_tensor *x, int axis, const ag_order_options *options)
{
    return picked(&ag__op_sort, "ag_sort", x, (ranking){ axis, ALL, 0, false }, DESCENDING | INDEX, options);
}
ag_tensor *(ag_topk)(ag_tensor *x, int64_t k, int axis, const ag_order_options *options)
{
    return picked(&ag__op_topk, "ag_topk", x, (ranking){ axis, ALL, k, false }, SMALLEST | INDEX, options);
}
ag_tensor *(ag_kthvalue)(ag_tensor *x, int64_t k, int axis, const ag_order_options *options)
{
    return picked(&ag__op_kthvalue, "ag_kthvalue", x, (ranking){ axis, KTH, k, false }, KEEP | INDEX, options);
}
ag_tensor *(ag_mode)(ag_tensor *x, int axis, const ag_order_options *options)
{
    return picked(&ag__op_mode, "ag_mode", x, (ranking){ axis, MODE, 0, false }, KEEP | INDEX, options);
}
ag_tensor *(ag_cummax)(ag_tensor *x, int axis, const ag_order_options *options)
{
    return picked(&ag__op_cummax, "ag_cummax", x, (ranking){ axis, CUMMAX, 0, false }, INDEX, options);
}
ag_tensor *(ag_cummin)(ag_tensor *x, int axis, const ag_order_options *options)
{
    return picked(&ag__op_cummin, "ag_cummin", x, (ranking){ axis, CUMMIN, 0, false }, INDEX, options);
}

/* ---- medians. Along an axis the gradient goes to the element found; of everything, all equal ones share it ---- */

/* value, of which x [n] holds some; the inputs of `shared` */
static ag_status shared_shape(const ag_call *c, ag_shape *out)
{
    ag__shape_copy(out, c->in[1]->layout);
    return AG_OK;
}
static ag_status shared_forward(ag_call *c)
{
    memcpy(c->out[0]->data, c->in[1]->data, c->out[0]->layout->item);
    return AG_OK;
}
static ag_tensor *shares(const ag_call *c)
{
    ag_tensor *x = c->in[0], *value = c->in[1];
    ag_tensor *hit = ag_to(ag_where(ag_ne(value, value), ag_ne(x, x), ag_eq(x, value)), x->layout->dtype);
    return ag_div(hit, ag_sum(hit));
}
AG__VJP1(shared_vjp, ag_mul(g, shares(c)))
AG__JVP1(shared_jvp, ag_sum(ag_mul(t, shares(c))))
static const ag_op op_shared = { .name = "shared",
                                 .n_in = 2,
                                 .shape = shared_shape,
                                 .forward = shared_forward,
                                 .vjp = shared_vjp,
                                 .jvp = shared_jvp,
                                 .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) };

static ag_status median_shape(const ag_call *c, ag_shape *out)
{
    const picking *p = c->attr;
    if (!p->shared) return picking_shape(c, out);
    ag__shape_copy(out, c->in[0]->layout);
    if (!p->keep) out->rank = 0;
    for (int i = 0; i < out->rank; i++) out->dims[i] = 1;
    return c->in[0]->layout->numel || ag__need_float(c->in[0], ag__title(c->op)) ? AG_OK : ag_error();
}
static ag_tensor *median_compose(const ag_call *c)
{
    const picking *p = c->attr;
    ag_tensor *x = c->in[0], *y;
    ag_shape s;
    if (!p->shared) return picking_compose(c);
    median_shape(c, &s);
    if (x->layout->numel == 0) return (ag_full)(s.dtype, (double)NAN, s.rank, s.dims);
    x = ag_reshape(x, -1);
    y = ag_take(ag_detach(x), 0, ag_reshape(ag__apply(&op_ranking, &p->ranking, x)));
    if (ag__is_float(s.dtype)) y = ag__apply(&op_shared, NULL, x, y);
    return (ag_reshape)(y, s.rank, s.dims);
}

static ag_tensor *median(const ag_op *op, const char *who, rule which, ag_tensor *x, const ag_reduce_options *options)
{
    ag_tape *t;
    ag_reduce_options o = options ? *options : (ag_reduce_options){ .keep = false };
    if (o.index) *o.index = NULL;
    if (!ag__begin(&t, &x, who)) return NULL;
    picking p = { { 0, which, 0, false }, o.keep, o.axes.n == 0, o.index };
    if (o.correction != 0 || o.interpolation)
        return ag_fail(AG_EINVAL, "%s: .correction and .interpolation are options of other reductions", who), NULL;
    if (o.axes.n > 1 || (o.index && !o.axes.n))
        return ag_fail(AG_EINVAL, "%s: %d axes of %s: it takes one, or none for all without .index", who, o.axes.n,
                       ag__text(x->layout)),
               NULL;
    if (o.axes.n && (p.ranking.axis = ag__axis_or_0(o.axes.at[0], x->layout, who)) < 0) return NULL;
    return ag__apply(op, &p, x);
}
#define MEDIAN_OF(fn, which)                                                                                   \
    const ag_op ag__op_##fn = {                                                                                \
        .name = #fn, .n_in = 1, .attr_size = sizeof(picking), .shape = median_shape, .compose = median_compose \
    };                                                                                                         \
    ag_tensor *(ag_##fn)(ag_tensor * x, const ag_reduce_options *options)                                      \
    {                                                                                                          \
        return median(&ag__op_##fn, "ag_" #fn, which, x, options);                                             \
    }
MEDIAN_OF(median, MEDIAN)
MEDIAN_OF(nanmedian, NANMEDIAN)

/* ---- searchsorted and bucketize: how many elements of a sorted row are smaller; right: or equal ---- */

static ag_status search_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *row = c->in[0]->layout, *v = c->in[1] ? c->in[1]->layout : NULL;
    if (!v) return ag_fail(AG_ENULL, "%s: the values are NULL", ag__title(c->op));
    if (row->dtype != v->dtype)
        return ag_fail(AG_EDTYPE, "%s: dtypes differ: %s %s and %s %s; convert one with ag_to", ag__title(c->op),
                       ag_dtype_name(row->dtype), ag__text(row), ag_dtype_name(v->dtype), ag__text(v));
    bool fits = row->rank == 1 || (c->op == &ag__op_searchsorted && row->rank > 1 && row->rank == v->rank);
    for (int i = 0; fits && row->rank > 1 && i < row->rank - 1; i++) fits = row->dims[i] == v->dims[i];
    if (!fits)
        return ag_fail(AG_ESHAPE, "%s: sequences %s do not fit values %s: one, or one for each row", ag__title(c->op),
                       ag__text(row), ag__text(v));
    ag__shape_copy(out, v);
    out->dtype = AG_I64;
    return AG_OK;
}
static int64_t place_in(const uint64_t key, bool right, ag_dtype dtype, const void *row, int64_t n)
{
    int64_t low = 0, high = key == nan_key ? 0 : n;
    if (key == nan_key) return n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        uint64_t e = key_of(dtype, row, middle);
        if (e < key || (right && e == key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
static ag_status search_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout, *v = c->in[1]->layout;
    int64_t n = l->dims[l->rank - 1], m = l->rank > 1 ? v->dims[v->rank - 1] : v->numel;
    bool right = *(const bool *)c->attr;
    for (int64_t i = 0; i < v->numel; i++) {
        const char *row = (const char *)c->in[0]->data + i / m * n * (int64_t)l->item;
        ((int64_t *)c->out[0]->data)[i] = place_in(key_of(v->dtype, c->in[1]->data, i), right, l->dtype, row, n);
    }
    return AG_OK;
}
#define SEARCH(fn)                                         \
    const ag_op ag__op_##fn = { .name = #fn,               \
                                .n_in = 2,                 \
                                .attr_size = sizeof(bool), \
                                .shape = search_shape,     \
                                .forward = search_forward, \
                                .saves = AG_SAVES_NOTHING };
SEARCH(searchsorted)
SEARCH(bucketize)

static ag_tensor *searched(const ag_op *op, const char *who, ag_tensor *row, ag_tensor *values, bool right)
{
    ag_tape *t;
    if (!ag__begin(&t, &row, who)) return NULL;
    if (values &&
        (!(values = ag__operand(t, values, who, 2)) || !(values = ag__adopt(t, values, row->layout->dtype, who))))
        return NULL;
    return ag__apply(op, &right, row, values);
}
ag_tensor *ag_searchsorted(ag_tensor *sorted_rows, ag_tensor *values, bool right)
{
    return searched(&ag__op_searchsorted, "ag_searchsorted", sorted_rows, values, right);
}
ag_tensor *ag_bucketize(ag_tensor *values, ag_tensor *boundaries, bool right)
{
    return searched(&ag__op_bucketize, "ag_bucketize", boundaries, values, right);
}
