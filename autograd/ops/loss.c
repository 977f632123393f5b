/* loss.c - cross_entropy and mse_loss, defined as PyTorch defines them. */
#include <autograd/ops/family.h>

static bool good_reduction(ag_reduction r, const char *who)
{
    if (r == AG_MEAN || r == AG_SUM || r == AG_NONE) return true;
    ag_fail(AG_EINVAL, "%s: .reduction %d is none of AG_MEAN, AG_SUM, AG_NONE", who, (int)r);
    return false;
}

/* ---- cross_entropy of classes
 * ------------------------------------------------------------------------------------------ With lp the log_softmax of
 * the logits along the classes, t the targets, w the weights (1 without), e the smoothing: loss[i] = - sum over c of
 * q[i,c] lp[i,c],    q[i,c] = (1 - e) w[c] (1 if c = t[i]) + (e / classes) w[c] and q[i] = 0 where t[i] counts for
 * nothing. The mean divides by the sum of w[t[i]] over those that count. dlogits[i] = g[i] (softmax(logits)[i]
 * sum(q[i]) - q[i]) The softmax is a hidden second output, for the kernel; the textbook rule computes it anew from the
 * logits. */

typedef struct entropy {
    ag_reduction reduction;
    double smoothing;
    bool ignores;
    int64_t ignored;
} entropy;

/* Logits [outer, classes, inner] as outer * inner samples; the classes of one lie inner apart. */
typedef struct batch {
    const ag__kernels *k;
    ag_dtype dtype;
    const entropy *o;
    const ag_tensor *target;
    const void *weight; /* NULL: ones */
    ag__span s;
    int64_t n, item;
    double flat, weights; /* e / classes; the sum of w */
} batch;

static int class_axis(const ag_tensor *logits)
{
    return logits->layout->rank == 1 ? 0 : 1;
}

static batch batch_of(const ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    batch b = { .k = ag__kernels_for(l->dtype), .dtype = l->dtype, .o = c->attr, .target = c->in[1] };
    b.weight = c->in[2] ? c->in[2]->data : NULL;
    b.s = ag__span_of(l, class_axis(c->in[0]));
    b.n = b.s.outer * b.s.inner, b.item = (int64_t)l->item;
    if (!b.s.n) return b;
    b.weights = b.weight ? b.k->reduce[AG__SUM](b.s.n, b.weight, 1) : (double)b.s.n;
    b.flat = b.o->smoothing / (double)b.s.n;
    return b;
}
/* Where sample i begins, in elements. */
static int64_t sample_at(const batch *b, int64_t i)
{
    return i / b->s.inner * b->s.inner * b->s.n + i % b->s.inner;
}

/* The class of sample i, -1 if it counts for nothing. */
static int64_t class_of(const batch *b, int64_t i)
{
    int64_t t = ag__whole(b->target->layout->dtype, b->target->data, i);
    return t < 0 || (b->o->ignores && t == b->o->ignored) ? -1 : t;
}
static double weight_of(const batch *b, int64_t class)
{
    return b->weight ? ag__number_at(b->dtype, b->weight, class) : 1;
}

static ag_status entropy_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = c->in[0]->layout, *t = c->in[1]->layout, *w = c->in[2] ? c->in[2]->layout : NULL;
    int axis = class_axis(c->in[0]);
    ag__shape_copy(&out[1], x);
    ag__shape_drop(&out[0], x, axis);
    bool fits = t->rank == out[0].rank;
    for (int i = 0; fits && i < t->rank; i++) fits = t->dims[i] == out[0].dims[i];
    if (!fits)
        return ag_fail(AG_ESHAPE, "ag_cross_entropy: classes %s do not fit logits %s: one for each of %s", ag__text(t),
                       ag__text(x), ag__dims_text(out[0].rank, out[0].dims));
    if (w && (w->rank != 1 || w->dims[0] != x->dims[axis] || w->dtype != x->dtype))
        return ag_fail(AG_ESHAPE, "ag_cross_entropy: .weight %s %s does not fit logits %s %s: one for each of axis %d",
                       ag_dtype_name(w->dtype), ag__text(w), ag_dtype_name(x->dtype), ag__text(x), axis);
    if (((const entropy *)c->attr)->reduction != AG_NONE) out[0].rank = 0;
    return AG_OK;
}

/* loss[i]; p gets the softmax of the sample at x. */
static double sample_loss(const batch *b, const char *x, char *p, int64_t class)
{
    double norm = b->k->softmax(b->s.n, x, b->s.inner, p, b->s.inner);
    if (class < 0) return 0;
    double hit = weight_of(b, class) * (norm - ag__number_at(b->dtype, x, class * b->s.inner));
    if (b->flat == 0) return hit;
    double sum =
        b->weight ? b->k->dot(b->s.n, b->weight, 1, x, b->s.inner) : b->k->reduce[AG__SUM](b->s.n, x, b->s.inner);
    return (1 - b->o->smoothing) * hit + b->flat * (norm * b->weights - sum);
}

static ag_status entropy_forward(ag_call *c)
{
    batch b = batch_of(c);
    double total = 0, count = 0;
    for (int64_t i = 0; i < b.n; i++) {
        int64_t class = class_of(&b, i), at = sample_at(&b, i) * b.item;
        if (class >= b.s.n)
            return ag_fail(AG_EINVAL, "ag_cross_entropy: target %lld at position %lld is no class of logits %s",
                           (long long)class, (long long)i, ag__text(c->in[0]->layout));
        double loss = sample_loss(&b, (char *)c->in[0]->data + at, (char *)c->out[1]->data + at, class);
        if (b.o->reduction == AG_NONE) ag__number_put(b.dtype, c->out[0]->data, i, loss);
        if (class >= 0) total += loss, count += weight_of(&b, class);
    }
    *(double *)c->saved = count;
    if (b.o->reduction == AG_SUM) ag__number_put(b.dtype, c->out[0]->data, 0, total);
    if (b.o->reduction == AG_MEAN) ag__number_put(b.dtype, c->out[0]->data, 0, total / count);
    return AG_OK;
}

/* q as a constant tensor of the logits' shape. */
static ag_tensor *shares(const ag_call *c)
{
    ag_tensor *q = (ag_zeros)(c->in[0]->layout->dtype, c->in[0]->layout->rank, c->in[0]->layout->dims);
    ag_tensor *target = ag_contiguous(c->in[1]), *weight = c->in[2] ? ag_contiguous(ag_detach(c->in[2])) : NULL;
    if (!q || !target || (c->in[2] && !weight)) return NULL;
    ag_tensor *in[3] = { c->in[0], target, weight };
    batch b = batch_of(&(ag_call){ .attr = c->attr, .in = in });
    ag__number one = ag__number_of(b.dtype, 1);
    for (int64_t i = 0; i < b.n; i++) {
        int64_t class = class_of(&b, i), at = sample_at(&b, i);
        if (class < 0) continue;
        b.k->scale(b.s.n, b.flat, b.weight ? b.weight : &one, b.weight ? 1 : 0, (char *)q->data + at * b.item,
                   b.s.inner, false);
        int64_t hit = at + class * b.s.inner;
        double share = (1 - b.o->smoothing) * weight_of(&b, class);
        ag__number_put(b.dtype, q->data, hit, ag__number_at(b.dtype, q->data, hit) + share);
    }
    return q;
}
/* What the mean divides by. If nothing counts the loss is NaN and the gradient 0, as in PyTorch. */
static double divisor(const ag_call *c)
{
    double count = *(const double *)c->saved;
    return count == 0 ? 1 : count;
}
/* d loss[i] / d logits[i] */
static ag_tensor *entropy_slope(const ag_call *c)
{
    ag_tensor *q = shares(c);
    int axis = class_axis(c->in[0]);
    return q ? ag_sub(ag_mul(ag_softmax(c->in[0], axis), (ag_sum_keep)(q, 1, &axis)), q) : NULL;
}
static ag_status entropy_vjp(ag_call *c)
{
    const entropy *o = c->attr;
    ag_tensor *g = c->g[0];
    if (!c->need[0] || !g) return AG_OK;
    if (o->reduction == AG_NONE) g = ag_unsqueeze(g, class_axis(c->in[0]));
    if (o->reduction == AG_MEAN) g = ag_div(g, divisor(c));
    c->gin[0] = ag_mul(g, entropy_slope(c));
    return c->gin[0] ? AG_OK : ag_error();
}
static ag_status entropy_jvp(ag_call *c)
{
    const entropy *o = c->attr;
    if (!c->tangent[0]) return AG_OK;
    int axis = class_axis(c->in[0]);
    ag_tensor *t = (ag_sum)(ag_mul(c->tangent[0], entropy_slope(c)), o->reduction == AG_NONE, &axis);
    c->tout[0] = o->reduction == AG_MEAN ? ag_div(t, divisor(c)) : t;
    return c->tout[0] ? AG_OK : ag_error();
}

/* gin = or += g (p sum(q) - q) for one sample; p and gin as x lie */
static void sample_back(const batch *b, double g, int64_t class, const char *p, char *gin, bool add)
{
    int64_t step = b->s.inner;
    double share = (1 - b->o->smoothing) * weight_of(b, class);
    ag__number one = ag__number_of(b->dtype, 1);
    b->k->scale(b->s.n, g * (share + b->flat * b->weights), p, step, gin, step, add);
    ag__number_put(b->dtype, gin, class * step, ag__number_at(b->dtype, gin, class * step) - g * share);
    if (b->flat != 0)
        b->k->scale(b->s.n, -g * b->flat, b->weight ? b->weight : &one, b->weight ? 1 : 0, gin, step, true);
}

static ag_status entropy_backward(ag_call *c)
{
    batch b = batch_of(c);
    bool each = b.o->reduction == AG_NONE;
    double scale = b.o->reduction == AG_MEAN ? 1 / divisor(c) : 1;
    for (int64_t i = 0; i < b.n; i++) {
        int64_t class = class_of(&b, i), at = sample_at(&b, i) * b.item;
        double g = scale * ag__number_at(b.dtype, c->g[0]->data, each ? i : 0);
        char *gin = (char *)c->gin[0]->data + at;
        if (class >= 0)
            sample_back(&b, g, class, (const char *)c->out[1]->data + at, gin, c->add[0]);
        else if (!c->add[0])
            b.k->fill(b.s.n, 0, gin, b.s.inner);
    }
    return AG_OK;
}

const ag_op ag__op_cross_entropy = { .name = "cross_entropy",
                                     .n_in = 3,
                                     .n_out = 2,
                                     .attr_size = sizeof(entropy),
                                     .saved_size = sizeof(double),
                                     .shape = entropy_shape,
                                     .forward = entropy_forward,
                                     .vjp = entropy_vjp,
                                     .jvp = entropy_jvp,
                                     .backward = entropy_backward,
                                     .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_IN(2) | AG_SAVES_OUT(1) };

/* ---- cross_entropy of probabilities: - sum over c of w[c] target[i,c] lp[i,c]; the mean is one over the samples ----
 */

static ag_tensor *soft_entropy(ag_tensor *logits, ag_tensor *target, ag_tensor *weight, const entropy *o)
{
    const ag__layout *l = logits->layout, *w = weight ? weight->layout : NULL;
    int axis = class_axis(logits);
    int64_t classes = l->dims[axis], dims[AG_MAX_RANK];
    if (!ag__same_dims(l, target->layout) || l->dtype != target->layout->dtype)
        return ag_fail(AG_ESHAPE, "ag_cross_entropy: probabilities %s %s and logits %s %s differ",
                       ag_dtype_name(target->layout->dtype), ag__text(target->layout), ag_dtype_name(l->dtype),
                       ag__text(l)),
               NULL;
    if (w && (w->rank != 1 || w->dims[0] != classes || w->dtype != l->dtype))
        return ag_fail(AG_ESHAPE, "ag_cross_entropy: .weight %s does not fit logits %s: one for each of axis %d",
                       ag__text(w), ag__text(l), axis),
               NULL;
    if (o->smoothing > 0) target = ag_add(ag_mul(target, 1 - o->smoothing), o->smoothing / (double)classes);
    for (int i = 0; i < l->rank; i++) dims[i] = i == axis ? classes : 1;
    if (weight) target = ag_mul(target, (ag_reshape)(weight, l->rank, dims));
    ag_tensor *loss = ag_neg((ag_sum)(ag_mul(ag_log_softmax(logits, axis), target), 1, &axis));
    return o->reduction == AG_NONE ? loss : o->reduction == AG_SUM ? ag_sum(loss) : ag_mean(loss);
}

ag_tensor *(ag_cross_entropy)(ag_tensor *logits, ag_tensor *target, const ag_loss_options *options)
{
    static const char who[] = "ag_cross_entropy";
    static const ag_loss_options none = { .size = sizeof none };
    const ag_loss_options *o = options ? options : &none;
    ag_tape *t;
    if (!ag__begin(&t, &logits, who) || !ag__need_float(logits, who)) return NULL;
    if (!(target = ag__operand(t, target, who, 2)) || !good_reduction(o->reduction, who)) return NULL;
    ag_tensor *weight = o->weight ? ag__operand(t, o->weight, who, 3) : NULL;
    if (o->weight && !weight) return NULL;
    if (!(o->label_smoothing >= 0 && o->label_smoothing <= 1))
        return ag_fail(AG_EINVAL, "%s: .label_smoothing %g is not in [0, 1]", who, o->label_smoothing), NULL;
    if (logits->layout->rank == 0) return ag_fail(AG_ESHAPE, "%s: logits [] have no axis of classes", who), NULL;
    entropy e = { o->reduction, o->label_smoothing, o->ignore != NULL, o->ignore ? *o->ignore : 0 };
    ag_dtype d = target->layout->dtype;
    if (ag__is_float(d)) return soft_entropy(logits, target, weight, &e);
    if (!ag__is_integer(d))
        return ag_fail(AG_EDTYPE, "%s: the target is %s %s; classes are i64, i32 or u8", who, ag_dtype_name(d),
                       ag__text(target->layout)),
               NULL;
    return ag__apply(&ag__op_cross_entropy, &e, logits, target, weight);
}

/* ---- mse_loss: (x - t)^2; dx = 2 g (x - t), dt = -dx ---- */

/* What the sum is divided by. */
static double mse_divisor(const ag_call *c)
{
    return *(const ag_reduction *)c->attr == AG_MEAN ? (double)c->in[0]->layout->numel : 1;
}

static ag_status mse_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = c->in[0]->layout, *t = c->in[1] ? c->in[1]->layout : NULL;
    if (!t) return ag_fail(AG_ENULL, "ag_mse_loss: the target is NULL");
    if (!ag__is_float(x->dtype) || x->dtype != t->dtype)
        return ag_fail(AG_EDTYPE, "ag_mse_loss: both must be f32 or both f64: %s %s and %s %s", ag_dtype_name(x->dtype),
                       ag__text(x), ag_dtype_name(t->dtype), ag__text(t));
    if (!ag__same_dims(x, t))
        return ag_fail(AG_ESHAPE, "ag_mse_loss: shapes differ: %s and %s", ag__text(x), ag__text(t));
    ag__shape_copy(out, x);
    if (*(const ag_reduction *)c->attr != AG_NONE) out->rank = 0;
    return AG_OK;
}

/* d = x - t for one piece */
static void difference(const ag_call *c, const ag__kernels *k, int64_t from, int64_t n, void *d)
{
    size_t at = (size_t)from * c->in[0]->layout->item;
    k->binary[AG__F_sub](n, (char *)c->in[0]->data + at, 1, (char *)c->in[1]->data + at, 1, d, 1);
}

static ag_status mse_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    const ag__kernels *k = ag__kernels_for(l->dtype);
    double sum = 0;
    for (int64_t i = 0; i < l->numel; i += AG__CHUNK) {
        int64_t n = l->numel - i < AG__CHUNK ? l->numel - i : AG__CHUNK;
        ag__chunk d;
        difference(c, k, i, n, &d);
        if (*(const ag_reduction *)c->attr != AG_NONE)
            sum += k->dot(n, &d, 1, &d, 1);
        else
            k->unary[AG__F_square](n, &d, 1, (char *)c->out[0]->data + (size_t)i * l->item, 1);
    }
    if (*(const ag_reduction *)c->attr != AG_NONE) ag__number_put(l->dtype, c->out[0]->data, 0, sum / mse_divisor(c));
    return AG_OK;
}

static ag_status mse_vjp(ag_call *c)
{
    ag_tensor *gx = ag_mul(ag_mul(c->g[0], 2 / mse_divisor(c)), ag_sub(c->in[0], c->in[1]));
    if (c->need[0]) c->gin[0] = gx;
    if (c->need[1]) c->gin[1] = ag_neg(gx);
    return gx && (!c->need[1] || c->gin[1]) ? AG_OK : ag_error();
}
static ag_status mse_jvp(ag_call *c)
{
    ag_tensor *tx = c->tangent[0], *tt = c->tangent[1];
    if (!tx && !tt) return AG_OK;
    ag_tensor *t = tx && tt ? ag_sub(tx, tt) : tx ? tx : ag_neg(tt);
    t = ag_mul(ag_mul(t, 2 / mse_divisor(c)), ag_sub(c->in[0], c->in[1]));
    c->tout[0] = *(const ag_reduction *)c->attr == AG_NONE ? t : ag_sum(t);
    return c->tout[0] ? AG_OK : ag_error();
}
static ag_status mse_backward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    const ag__kernels *k = ag__kernels_for(l->dtype);
    bool each = *(const ag_reduction *)c->attr == AG_NONE;
    const char *g = c->g[0]->data;
    for (int64_t i = 0; i < l->numel; i += AG__CHUNK) {
        int64_t n = l->numel - i < AG__CHUNK ? l->numel - i : AG__CHUNK;
        size_t at = (size_t)i * l->item;
        ag__chunk d;
        difference(c, k, i, n, &d);
        k->binary[AG__F_mul](n, &d, 1, each ? g + at : g, each, &d, 1);
        for (int j = 0; j < 2; j++)
            if (c->need[j])
                k->scale(n, (j ? -2 : 2) / mse_divisor(c), &d, 1, (char *)c->gin[j]->data + at, 1, c->add[j]);
    }
    return AG_OK;
}

const ag_op ag__op_mse_loss = { .name = "mse_loss",
                                .n_in = 2,
                                .attr_size = sizeof(ag_reduction),
                                .shape = mse_shape,
                                .forward = mse_forward,
                                .vjp = mse_vjp,
                                .jvp = mse_jvp,
                                .backward = mse_backward,
                                .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) };

ag_tensor *(ag_mse_loss)(ag_tensor *x, ag_tensor *target, const ag_loss_options *options)
{
    ag_reduction reduction = options ? options->reduction : AG_MEAN;
    if (!good_reduction(reduction, "ag_mse_loss")) return NULL;
    if (options && (options->weight || options->label_smoothing != 0 || options->ignore))
        return ag_fail(AG_EINVAL, "ag_mse_loss: .weight, .label_smoothing and .ignore belong to ag_cross_entropy"),
               NULL;
    return ag__apply(&ag__op_mse_loss, &reduction, x, target);
}
