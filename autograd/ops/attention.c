/* attention.c - scaled dot-product attention, y = P v with P = softmax(scale q k' + mask) (Vaswani et al., "Attention
 * is all you need", 2017). The kernels in attention_blocks.c never hold P; the textbook rules, and what the kernels
 * cannot do, compute it. */
#include <autograd/ops/attention.h>
#include <math.h>

#define size ag__attention_size

/* ---- shapes ---- */

static ag_status attention_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *q = c->in[0]->layout, *k = c->in[1]->layout, *v = c->in[2]->layout;
    const ag__layout *mask = c->in[3] ? c->in[3]->layout : NULL;
    bool fits = q->rank == k->rank && q->rank == v->rank && size(q, 1) == size(k, 1) && size(k, 2) == size(v, 2) &&
                size(k, 3) == size(v, 3);
    for (int i = 0; fits && i < q->rank - 3; i++) fits = q->dims[i] == k->dims[i] && q->dims[i] == v->dims[i];
    fits = fits && (size(k, 3) ? size(q, 3) % size(k, 3) == 0 : size(q, 3) == 0);
    if (!fits)
        return ag_fail(AG_ESHAPE, "ag_attention: q %s, k %s and v %s do not fit", ag__text(q), ag__text(k),
                       ag__text(v));
    ag__shape_copy(&out[0], q);
    ag__shape_copy(&out[1], q);
    out[0].dims[q->rank - 1] = v->dims[q->rank - 1];
    out[1].rank--;
    if (!mask) return AG_OK;
    ag_shape scores = out[0];
    scores.dims[q->rank - 1] = size(k, 2);
    int rank = q->rank;
    if (mask->dtype != AG_BOOL && mask->dtype != q->dtype)
        return ag_fail(AG_EDTYPE, "ag_attention: .mask is %s; it must be bool or %s, as q is",
                       ag_dtype_name(mask->dtype), ag_dtype_name(q->dtype));
    if (!ag__broadcast(&rank, scores.dims, mask) || rank != q->rank ||
        memcmp(scores.dims, out[0].dims, (size_t)(rank - 1) * sizeof *scores.dims) ||
        scores.dims[rank - 1] != size(k, 2))
        return ag_fail(AG_ESHAPE, "ag_attention: .mask %s does not fit the scores of q %s and k %s", ag__text(mask),
                       ag__text(q), ag__text(k));
    return AG_OK;
}

/* ---- the probabilities in ag_ operations ---- */

/* x [.., heads, n, any] as [.., kv_heads, group n, any]: the heads of a kv head under each other. */
static ag_tensor *grouped(ag_tensor *x, const ag_tensor *k)
{
    if (!x || size(x->layout, 3) == size(k->layout, 3)) return x;
    int64_t dims[AG_MAX_RANK];
    int r = x->layout->rank;
    memcpy(dims, x->layout->dims, sizeof dims);
    dims[r - 2] *= dims[r - 3] / size(k->layout, 3);
    dims[r - 3] = size(k->layout, 3);
    return (ag_reshape)(x, r, dims);
}
/* [.., kv_heads, group n, any] as [.., heads, n, any], heads and n being those of q */
static ag_tensor *ungrouped(ag_tensor *x, const ag_tensor *q)
{
    if (!x || size(x->layout, 3) == size(q->layout, 3)) return x;
    int64_t dims[AG_MAX_RANK];
    int r = x->layout->rank;
    memcpy(dims, q->layout->dims, sizeof dims);
    dims[r - 1] = x->layout->dims[r - 1];
    return (ag_reshape)(x, r, dims);
}
static ag_tensor *swapped(ag_tensor *x)
{
    return ag_transpose(x, -1, -2);
}

/* a [.., heads, n, w] times b' [.., kv_heads, m, w], and a times b [.., kv_heads, w, m], each head with its kv head's.
 */
static ag_tensor *times_turned(ag_tensor *a, ag_tensor *b)
{
    return ungrouped(ag_matmul(grouped(a, b), swapped(b)), a);
}
static ag_tensor *times(ag_tensor *a, ag_tensor *b)
{
    return ungrouped(ag_matmul(grouped(a, b), b), a);
}
/* The sum over a kv head's heads of a' b: [.., kv_heads, m, w], of a [.., heads, n, m] and b [.., heads, n, w]. */
static ag_tensor *turned_times(ag_tensor *a, ag_tensor *b, const ag_tensor *k)
{
    return ag_matmul(swapped(grouped(a, k)), grouped(b, k));
}

/* Which keys a query may look at: bool, broadcasting to the scores; NULL: all. */
static ag_tensor *permitted(const ag__attention *o, ag_tensor *mask, int64_t n, int64_t m)
{
    ag_tensor *may = mask && mask->layout->dtype != AG_BOOL ? ag_ne(mask, (double)-INFINITY) : mask;
    if (!o->causal) return may;
    ag_tensor *before = ag_ge(ag_reshape(ag_arange(AG_I64, 0, (double)n, 1), n, 1), ag_arange(AG_I64, 0, (double)m, 1));
    return may ? ag_where(before, may, ag_zeros(AG_BOOL)) : before;
}

/* The softmax over the permitted keys, 0 for a query that has none. */
static ag_tensor *softmax(ag_tensor *s, ag_tensor *may)
{
    if (!may || !s || s->layout->numel == 0) return ag_softmax(s, -1);
    ag_tensor *some = ag_max_keep(may, -1);
    ag_tensor *p = ag_softmax(ag_where(ag_where(some, may, ag_ones(AG_BOOL)), s, ag_num(-INFINITY)), -1);
    return ag_where(some, p, ag_num(0));
}

static ag_tensor *probabilities(const ag__attention *o, ag_tensor *q, ag_tensor *k, ag_tensor *mask)
{
    ag_tensor *s = ag_mul(times_turned(q, k), o->scale);
    ag_tensor *may = permitted(o, mask, size(q->layout, 2), size(k->layout, 2));
    if (mask && mask->layout->dtype != AG_BOOL)
        s = ag_add(s, ag_where(ag_ne(mask, (double)-INFINITY), mask, ag_num(0)));
    return softmax(s, may);
}

/* P (t - sum P t): the slope of the softmax, from either side */
static ag_tensor *slope(ag_tensor *p, ag_tensor *t)
{
    return ag_mul(p, ag_sub(t, ag_sum_keep(ag_mul(p, t), -1)));
}

static ag_status attention_vjp(ag_call *c)
{
    const ag__attention *o = c->attr;
    ag_tensor *q = c->in[0], *k = c->in[1], *v = c->in[2], *g = c->g[0];
    if (!g) return ag_error();
    ag_tensor *p = probabilities(o, q, k, c->in[3]);
    if (c->need[2]) c->gin[2] = turned_times(p, g, k);
    if (!c->need[0] && !c->need[1]) return ag_error();
    ag_tensor *ds = ag_mul(slope(p, times_turned(g, v)), o->scale);
    if (c->need[0]) c->gin[0] = times(ds, k);
    if (c->need[1]) c->gin[1] = turned_times(ds, q, k);
    return ag_error();
}

static ag_tensor *sum_of(ag_tensor *a, ag_tensor *b)
{
    return a && b ? ag_add(a, b) : a ? a : b;
}
static ag_status attention_jvp(ag_call *c)
{
    const ag__attention *o = c->attr;
    ag_tensor *q = c->in[0], *k = c->in[1], *v = c->in[2], *tq = c->tangent[0], *tk = c->tangent[1],
              *tv = c->tangent[2];
    ag_tensor *p = probabilities(o, q, k, c->in[3]);
    ag_tensor *ts = sum_of(tq ? times_turned(tq, k) : NULL, tk ? times_turned(q, tk) : NULL);
    ag_tensor *by_scores = ts ? times(slope(p, ag_mul(ts, o->scale)), v) : NULL;
    c->tout[0] = sum_of(by_scores, tv ? times(p, tv) : NULL);
    return ag_error();
}

const ag_op ag__op_attention = { .name = "attention",
                                 .n_in = 4,
                                 .n_out = 2,
                                 .attr_size = sizeof(ag__attention),
                                 .shape = attention_shape,
                                 .forward = ag__attention_forward,
                                 .vjp = attention_vjp,
                                 .jvp = attention_jvp,
                                 .backward = ag__attention_backward,
                                 .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_IN(2) | AG_SAVES_IN(3) |
                                          AG_SAVES_OUT(0) | AG_SAVES_OUT(1),
                                 .flags = AG_OP_STRIDED };

/* ---- the public function ---- */

/* x with the leading axes `lead` in front of its heads, of which there are `heads` if it has one only. */
static ag_tensor *spread(ag_tensor *x, int rank, const int64_t *lead, int64_t heads)
{
    const ag__layout *l = x->layout;
    int64_t dims[AG_MAX_RANK];
    for (int i = 0; i < rank - 3; i++) dims[i] = lead[i];
    if (rank > 2) dims[rank - 3] = size(l, 3) == 1 ? heads : size(l, 3);
    dims[rank - 2] = size(l, 2), dims[rank - 1] = size(l, 1);
    bool same = l->rank == rank;
    for (int i = 0; same && i < rank; i++) same = l->dims[i] == dims[i];
    return same ? x : (ag_expand)(x, rank, dims);
}

/* Leading axes broadcast; what needs a gradient and lies dense in another order is copied, as the walk's kernels want.
 */
static bool align(ag_tensor **x)
{
    int rank = 2, n_lead = 0;
    int64_t lead[AG_MAX_RANK];
    for (int i = 0; i < 3; i++) {
        const ag__layout *l = x[i]->layout;
        ag__layout front;
        if (l->rank < 2)
            return ag_fail(AG_ESHAPE, "ag_attention: %s is not [.., heads, length, width]", ag__text(l)), false;
        rank = l->rank > rank ? l->rank : rank;
        if (l->rank <= 3) continue;
        if (!ag__layout_set(&front, l->dtype, l->rank - 3, l->dims, NULL, "ag_attention") ||
            !ag__broadcast(&n_lead, lead, &front))
            return ag_fail(AG_ESHAPE, "ag_attention: leading axes do not broadcast: q %s, k %s, v %s",
                           ag__text(x[0]->layout), ag__text(x[1]->layout), ag__text(x[2]->layout)),
                   false;
    }
    int64_t heads[3], of_kv;
    for (int i = 0; i < 3; i++) heads[i] = size(x[i]->layout, 3);
    of_kv = heads[1] == 1 ? heads[2] : heads[1];
    for (int i = 0; i < 3; i++) {
        if (!(x[i] = spread(x[i], rank, lead, of_kv))) return false;
        bool permuted = x[i]->layout->dense && !x[i]->layout->contiguous;
        if (permuted && ag__records(x[i]) && !(x[i] = ag_contiguous(x[i]))) return false;
    }
    return true;
}

ag_tensor *(ag_attention)(ag_tensor *q, ag_tensor *k, ag_tensor *v, const ag_attention_options *options)
{
    static const char who[] = "ag_attention";
    ag_attention_options o = options ? *options : (ag_attention_options){ .scale = 0 };
    ag_tape *t = ag__tape(who);
    ag_tensor *x[3] = { q, k, v }, *mask = NULL;
    for (int i = 0; i < 3; i++) {
        if (!t || !(x[i] = ag__operand(t, x[i], who, i + 1)) || !ag__need_float(x[i], who)) return NULL;
        if (x[i]->layout->dtype != x[0]->layout->dtype)
            return ag_fail(AG_EDTYPE, "%s: dtypes differ: %s and %s", who, ag_dtype_name(x[0]->layout->dtype),
                           ag_dtype_name(x[i]->layout->dtype)),
                   NULL;
    }
    if (o.mask && !(mask = ag__operand(t, o.mask, who, 4))) return NULL;
    if (!(o.dropout >= 0 && o.dropout < 1))
        return ag_fail(AG_EINVAL, "%s: .dropout %g is not in [0, 1)", who, o.dropout), NULL;
    if (!align(x)) return NULL;
    ag__attention a = { o.scale == 0 ? 1 / sqrt((double)size(x[0]->layout, 1)) : o.scale, o.causal };
    bool learned = mask && ag__records(mask);
    if (!learned && o.dropout == 0) return ag__apply(&ag__op_attention, &a, x[0], x[1], x[2], mask);
    ag_shape unused[2];
    ag_tensor *in[4] = { x[0], x[1], x[2], mask };
    if (attention_shape(&(ag_call){ .op = &ag__op_attention, .in = in }, unused)) return NULL;
    return times(ag_dropout(probabilities(&a, x[0], x[1], mask), o.dropout), x[2]);
}
