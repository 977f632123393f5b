/* loss_margin.c - losses that are 0 beyond a margin, as PyTorch defines them. The slope is that of max(0, x): 1 at 0
 * where PyTorch clamps, 0 where it compares. */
#include <autograd/ops/loss.h>
#include <math.h>

static const ag_loss_options *options_of(const ag_call *c)
{
    return c->attr;
}
static ag_tensor *positive(ag_tensor *x)
{
    return ag_clamp(x, 0, INFINITY);
}

/* ---- hinge_embedding_loss: x where t = 1, max(0, margin - x) where t = -1, both of any other t ---- */

static ag_status hinge_embedding_loss_shape(const ag_call *c, ag_shape *out)
{
    if (!c->in[1]) return ag_fail(AG_ENULL, "ag_hinge_embedding_loss: operand 2 is NULL");
    if (!ag__loss_broadcast(c, 1, out)) return ag_error();
    if (!ag__broadcast(&out->rank, out->dims, c->in[1]->layout))
        return ag_fail(AG_ESHAPE, "ag_hinge_embedding_loss: shapes do not broadcast: %s and %s",
                       ag__text(c->in[0]->layout), ag__text(c->in[1]->layout));
    ag__loss_shape(c, out);
    return AG_OK;
}
static ag_tensor *hinge_embedding_loss_compose(const ag_call *c)
{
    ag_tensor *x = c->in[0], *t = c->in[1];
    ag_tensor *apart = ag_where(ag_ne(t, 1.0), positive(ag_sub(options_of(c)->margin, x)), ag_num(0));
    return ag__loss_reduced(c, ag_add(apart, ag_where(ag_ne(t, -1.0), x, ag_num(0))));
}
AG__LOSS_ROW(hinge_embedding_loss, 2)
ag_tensor *(ag_hinge_embedding_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__MARGIN, "ag_hinge_embedding_loss")) return NULL;
    o.margin = ag__given(o.margin, 1);
    return ag__apply(&ag__op_hinge_embedding_loss, &o, x, target);
}

/* ---- margin_ranking_loss: max(0, margin - t (a - b)) ---- */

static ag_status margin_ranking_loss_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__loss_broadcast(c, 3, out)) return ag_error();
    ag__loss_shape(c, out);
    return AG_OK;
}
static ag_tensor *margin_ranking_loss_compose(const ag_call *c)
{
    ag_tensor *ahead = ag_mul(c->in[2], ag_sub(c->in[0], c->in[1]));
    return ag__loss_reduced(c, positive(ag_sub(options_of(c)->margin, ahead)));
}
AG__LOSS_ROW(margin_ranking_loss, 3)
ag_tensor *(ag_margin_ranking_loss)(ag_tensor *a, ag_tensor *b, ag_tensor *target, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__MARGIN, "ag_margin_ranking_loss")) return NULL;
    o.margin = ag__given(o.margin, 0);
    return ag__apply(&ag__op_margin_ranking_loss, &o, a, b, target);
}

/* ---- cosine_embedding_loss: 1 - cos(a, b) where t = 1, max(0, cos - margin) where t = -1, else 0 ---- */

static ag_status cosine_embedding_loss_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__loss_broadcast(c, 2, out)) return ag_error();
    const ag__layout *t = c->in[2] ? c->in[2]->layout : NULL;
    if (!t) return ag_fail(AG_ENULL, "ag_cosine_embedding_loss: operand 3 is NULL");
    bool fits = out->rank >= 1 && t->rank == out->rank - 1;
    for (int i = 0; fits && i < t->rank; i++) fits = t->dims[i] == out->dims[i];
    if (!fits)
        return ag_fail(AG_ESHAPE, "ag_cosine_embedding_loss: target %s does not fit vectors %s: one for each",
                       ag__text(t), ag__dims_text(out->rank, out->dims));
    out->rank--;
    ag__loss_shape(c, out);
    return AG_OK;
}
static ag_tensor *cosine_embedding_loss_compose(const ag_call *c)
{
    ag_tensor *a = c->in[0], *b = c->in[1], *t = c->in[2];
    ag_tensor *squares =
        ag_mul(ag_sqrt(ag_add(ag_sum(ag_square(a), -1), 1e-12)), ag_sqrt(ag_add(ag_sum(ag_square(b), -1), 1e-12)));
    ag_tensor *cosine = ag_div(ag_sum(ag_mul(a, b), -1), squares), *none = ag_num(0);
    ag_tensor *alike = ag_where(ag_eq(t, 1.0), ag_sub(1.0, cosine), none);
    ag_tensor *apart = ag_where(ag_eq(t, -1.0), positive(ag_sub(cosine, options_of(c)->margin)), none);
    return ag__loss_reduced(c, ag_add(alike, apart));
}
AG__LOSS_ROW(cosine_embedding_loss, 3)
ag_tensor *(ag_cosine_embedding_loss)(ag_tensor *a, ag_tensor *b, ag_tensor *target, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__MARGIN, "ag_cosine_embedding_loss")) return NULL;
    o.margin = ag__given(o.margin, 0);
    return ag__apply(&ag__op_cosine_embedding_loss, &o, a, b, target);
}

/* ---- triplet_margin_loss: max(0, margin + |a - p| - |a - n|) ---- */

static ag_status triplet_margin_loss_shape(const ag_call *c, ag_shape *out)
{
    if (!ag__loss_broadcast(c, 3, out)) return ag_error();
    if (!out->rank)
        return ag_fail(AG_ESHAPE, "ag_triplet_margin_loss: %s, %s and %s hold no vectors", ag__text(c->in[0]->layout),
                       ag__text(c->in[1]->layout), ag__text(c->in[2]->layout));
    out->rank--;
    ag__loss_shape(c, out);
    return AG_OK;
}
static ag_tensor *apart(const ag_call *c, int i, int k)
{
    const ag_loss_options *o = options_of(c);
    return ag_pairwise_distance(c->in[i], c->in[k], .p = o->p, .eps = o->eps == 0 ? AG_ZERO : o->eps);
}
static ag_tensor *triplet_margin_loss_compose(const ag_call *c)
{
    const ag_loss_options *o = options_of(c);
    ag_tensor *near = apart(c, 0, 1), *far = apart(c, 0, 2);
    if (o->swap) far = ag_minimum(far, apart(c, 1, 2));
    return ag__loss_reduced(c, positive(ag_add(ag_sub(near, far), o->margin)));
}
AG__LOSS_ROW(triplet_margin_loss, 3)
ag_tensor *(ag_triplet_margin_loss)(ag_tensor *anchor, ag_tensor *same, ag_tensor *other,
                                    const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__MARGIN | AG__P | AG__EPS | AG__SWAP, "ag_triplet_margin_loss")) return NULL;
    o.margin = ag__given(o.margin, 1), o.eps = ag__given(o.eps, 1e-6);
    return ag__apply(&ag__op_triplet_margin_loss, &o, anchor, same, other);
}

/* ---- losses of classes: [c], or [n, c] with one loss for each row ---- */

static bool rows_shape(const ag_call *c, bool classes_too, ag_shape *out)
{
    const char *who = ag__title(c->op);
    const ag__layout *x = c->in[0]->layout, *t = c->in[1] ? c->in[1]->layout : NULL;
    if (!ag__need_float(c->in[0], who)) return false;
    if (!t) return ag_fail(AG_ENULL, "%s: the target is NULL", who), false;
    if (!ag__is_integer(t->dtype))
        return ag_fail(AG_EDTYPE, "%s: the target is %s %s; classes are i64, i32 or u8", who, ag_dtype_name(t->dtype),
                       ag__text(t)),
               false;
    bool fits = x->rank <= 2;
    if (classes_too)
        fits &= ag__same_dims(x, t);
    else if (x->rank < 2)
        fits &= t->rank <= 1 && t->numel == 1;
    else
        fits &= t->rank == 1 && t->dims[0] == x->dims[0];
    if (!fits)
        return ag_fail(AG_ESHAPE, "%s: target %s does not fit scores %s: %s", who, ag__text(t), ag__text(x),
                       classes_too ? "the same shape, [c] or [n, c]" : "one class for each row of [c] or [n, c]"),
               false;
    out->dtype = x->dtype, out->rank = x->rank == 2;
    if (x->rank == 2) out->dims[0] = x->dims[0];
    ag__loss_shape(c, out);
    return true;
}
static int64_t classes_of(const ag_tensor *x)
{
    return x->layout->rank ? x->layout->dims[x->layout->rank - 1] : 1;
}

/* ---- multi_margin_loss: sum over i != t of max(0, margin - x[t] + x[i])^p, times w[t] / c ---- */

static ag_status multi_margin_loss_shape(const ag_call *c, ag_shape *out)
{
    const ag_loss_options *o = options_of(c);
    const ag__layout *x = c->in[0]->layout, *w = c->in[2] ? c->in[2]->layout : NULL;
    if (o->p != 1 && o->p != 2) return ag_fail(AG_EINVAL, "ag_multi_margin_loss: .p %g is neither 1 nor 2", o->p);
    if (!rows_shape(c, false, out)) return ag_error();
    int64_t classes = classes_of(c->in[0]);
    if (w && (w->rank != 1 || w->dims[0] != classes || w->dtype != x->dtype))
        return ag_fail(AG_ESHAPE, "ag_multi_margin_loss: .weight %s %s does not fit scores %s %s: one for each class",
                       ag_dtype_name(w->dtype), ag__text(w), ag_dtype_name(x->dtype), ag__text(x));
    ag_tensor *target = ag_contiguous(c->in[1]);
    for (int64_t i = 0; target && i < target->layout->numel; i++) {
        int64_t class = ag__whole(target->layout->dtype, target->data, i);
        if (class < 0 || class >= classes)
            return ag_fail(AG_EINVAL, "ag_multi_margin_loss: target %lld at position %lld is no class of scores %s",
                           (long long)class, (long long)i, ag__text(x));
    }
    return ag_error();
}
static ag_tensor *multi_margin_loss_compose(const ag_call *c)
{
    const ag_loss_options *o = options_of(c);
    bool rows = c->in[0]->layout->rank == 2;
    int64_t classes = classes_of(c->in[0]);
    ag_tensor *x = rows ? c->in[0] : ag_reshape(c->in[0], 1, classes), *t = ag_to(ag_reshape(c->in[1], -1), AG_I64);
    ag_tensor *own = ag_gather(x, 1, ag_unsqueeze(t, 1));
    ag_tensor *others = ag_eq(ag_one_hot(t, classes), 0.0);
    ag_tensor *over = ag_where(others, ag_relu(ag_add(ag_sub(x, own), o->margin)), ag_num(0));
    ag_tensor *each = ag_div(ag_sum(o->p == 2 ? ag_square(over) : over, 1), (double)classes);
    if (c->in[2]) each = ag_mul(each, ag_take(c->in[2], 0, t));
    return ag__loss_reduced(c, rows ? each : ag_reshape(each));
}
AG__LOSS_ROW(multi_margin_loss, 3)
ag_tensor *(ag_multi_margin_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__MARGIN | AG__P | AG__WEIGHT, "ag_multi_margin_loss")) return NULL;
    o.margin = ag__given(o.margin, 1), o.p = ag__given(o.p, 1);
    return ag__apply(&ag__op_multi_margin_loss, &o, x, target, o.weight);
}

/* ---- multilabel_margin_loss: sum over the classes t listed and i not listed of max(0, 1 - x[t] + x[i]), by c ----
 * The list ends at the first negative number. The loss is linear between its kinks: the slopes are constants. */

/* Loss of one row; its slopes into d, if that is not NULL. */
static double row_loss(int64_t n, ag_dtype dtype, const void *x, const ag_tensor *target, int64_t from, double *d)
{
    const int64_t *t = (const int64_t *)target->data + from;
    double sum = 0;
    for (int64_t i = 0; d && i < n; i++) d[i] = 0;
    for (int64_t i = 0; i < n; i++) {
        bool listed = false;
        for (int64_t k = 0; !listed && k < n && t[k] >= 0; k++) listed = t[k] == i;
        if (listed) continue;
        for (int64_t k = 0; k < n && t[k] >= 0; k++) {
            double over = 1 - ag__number_at(dtype, x, from + t[k]) + ag__number_at(dtype, x, from + i);
            if (over <= 0) continue;
            sum += over;
            if (d) d[i] += 1, d[t[k]] -= 1;
        }
    }
    return sum;
}
static int64_t rows_of(const ag_tensor *x)
{
    return x->layout->rank == 2 ? x->layout->dims[0] : 1;
}
static double divisor(const ag_call *c)
{
    bool mean = options_of(c)->reduction == AG_MEAN;
    return (double)classes_of(c->in[0]) * (mean ? (double)rows_of(c->in[0]) : 1);
}
static ag_status multilabel_margin_shape(const ag_call *c, ag_shape *out)
{
    if (!rows_shape(c, true, out)) return ag_error();
    if (c->in[1]->layout->dtype != AG_I64)
        return ag_fail(AG_EDTYPE, "ag_multilabel_margin_loss: the target is %s %s; ag_to converts to i64",
                       ag_dtype_name(c->in[1]->layout->dtype), ag__text(c->in[1]->layout));
    return AG_OK;
}
static ag_status multilabel_margin_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    int64_t classes = classes_of(c->in[0]), rows = rows_of(c->in[0]);
    const int64_t *t = c->in[1]->data;
    double total = 0;
    for (int64_t i = 0; i < l->numel; i++)
        if (t[i] >= classes)
            return ag_fail(AG_EINVAL, "ag_multilabel_margin_loss: target %lld at position %lld is no class of %s",
                           (long long)t[i], (long long)i, ag__text(l));
    for (int64_t r = 0; r < rows; r++) {
        double loss = row_loss(classes, l->dtype, c->in[0]->data, c->in[1], r * classes, NULL) / divisor(c);
        if (options_of(c)->reduction == AG_NONE) ag__number_put(l->dtype, c->out[0]->data, r, loss);
        total += loss;
    }
    if (options_of(c)->reduction != AG_NONE)
        ag__number_put(l->dtype, c->out[0]->data, 0, rows ? total : total / divisor(c));
    return AG_OK;
}
static ag_tensor *multilabel_margin_slope(const ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    ag_tensor *x = ag_contiguous(ag_detach(c->in[0])), *t = ag_contiguous(c->in[1]);
    ag_tensor *d = (ag_zeros)(AG_F64, l->rank, l->dims);
    int64_t classes = classes_of(c->in[0]);
    for (int64_t r = 0; x && t && d && r < rows_of(x); r++)
        row_loss(classes, l->dtype, x->data, t, r * classes, (double *)d->data + r * classes);
    return ag_div(ag_to(d, l->dtype), divisor(c));
}
static ag_tensor *each_row(const ag_call *c, ag_tensor *g)
{
    return options_of(c)->reduction == AG_NONE && c->in[0]->layout->rank == 2 ? ag_unsqueeze(g, 1) : g;
}
AG__VJP1(multilabel_margin_vjp, ag_mul(each_row(c, g), multilabel_margin_slope(c)))
static ag_status multilabel_margin_jvp(ag_call *c)
{
    if (!c->tangent[0]) return AG_OK;
    ag_tensor *t = ag_mul(c->tangent[0], multilabel_margin_slope(c));
    bool rows = options_of(c)->reduction == AG_NONE && c->in[0]->layout->rank == 2;
    c->tout[0] = rows ? ag_sum(t, 1) : ag_sum(t);
    return ag_error();
}
const ag_op ag__op_multilabel_margin_loss = { .name = "multilabel_margin_loss",
                                              .n_in = 2,
                                              .attr_size = sizeof(ag_loss_options),
                                              .shape = multilabel_margin_shape,
                                              .forward = multilabel_margin_forward,
                                              .vjp = multilabel_margin_vjp,
                                              .jvp = multilabel_margin_jvp,
                                              .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) };
ag_tensor *(ag_multilabel_margin_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, 0, "ag_multilabel_margin_loss")) return NULL;
    return ag__apply(&ag__op_multilabel_margin_loss, &o, x, target);
}
