/* loss.c - losses of classes: cross_entropy and nll_loss, defined as PyTorch defines them. */
#include <autograd/base/pool.h>
#include <autograd/ops/loss.h>

/* With t the targets, w the weights (1 without) and e the smoothing:
 *     q[i,c] = (1 - e) w[c] (1 if c = t[i]) + (e / classes) w[c],    q[i] = 0 where t[i] counts for nothing
 *     loss[i] = - sum over c of q[i,c] lp[i,c]
 * where lp is the input of nll_loss (e = 0), the log_softmax of cross_entropy's logits. The mean divides by the sum of
 * w[t[i]] over those that count. */

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

static ag_status classes_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = c->in[0]->layout, *t = c->in[1]->layout, *w = c->in[2] ? c->in[2]->layout : NULL;
    int axis = class_axis(c->in[0]);
    ag__shape_drop(&out[0], x, axis);
    if (c->n_out == 2) out[1] = out[0]; /* a number for each sample */
    bool fits = t->rank == out[0].rank;
    for (int i = 0; fits && i < t->rank; i++) fits = t->dims[i] == out[0].dims[i];
    if (!fits)
        return ag_fail(AG_ESHAPE, "%s: classes %s do not fit logits %s: one for each of %s", ag__title(c->op),
                       ag__text(t), ag__text(x), ag__dims_text(out[0].rank, out[0].dims));
    if (w && (w->rank != 1 || w->dims[0] != x->dims[axis] || w->dtype != x->dtype))
        return ag_fail(AG_ESHAPE, "%s: .weight %s %s does not fit logits %s %s: one for each of axis %d",
                       ag__title(c->op), ag_dtype_name(w->dtype), ag__text(w), ag_dtype_name(x->dtype), ag__text(x),
                       axis);
    if (((const entropy *)c->attr)->reduction != AG_NONE) out[0].rank = 0;
    return AG_OK;
}

/* loss[i] of the sample at x, of a class that is one. norm: the log of its sum of exponentials, where that was saved.
 */
typedef double loss_fn(const batch *b, const char *x, double norm, int64_t class);

static ag_status classes_forward(ag_call *c, loss_fn *f)
{
    batch b = batch_of(c);
    double total = 0, count = 0;
    for (int64_t i = 0; i < b.n; i++) {
        int64_t class = class_of(&b, i);
        if (class >= b.s.n)
            return ag_fail(AG_EINVAL, "%s: target %lld at position %lld is no class of logits %s", ag__title(c->op),
                           (long long)class, (long long)i, ag__text(c->in[0]->layout));
        double norm = c->n_out == 2 ? ag__number_at(b.dtype, c->out[1]->data, i) : 0, loss = 0;
        if (class >= 0) loss = f(&b, (char *)c->in[0]->data + sample_at(&b, i) * b.item, norm, class);
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
static ag_status need_constant_weight(const ag_call *c, bool constant)
{
    return constant ? AG_OK : ag_fail(AG_ENODIFF, "%s: .weight is taken as a constant: detach it", ag__title(c->op));
}

/* slope: d loss[i] / d in[i] */
typedef ag_tensor *slope_fn(const ag_call *c);

static ag_status classes_vjp(ag_call *c, slope_fn *slope)
{
    const entropy *o = c->attr;
    ag_tensor *g = c->g[0];
    if (need_constant_weight(c, !c->need[2]) || !c->need[0] || !g) return ag_error();
    if (o->reduction == AG_NONE) g = ag_unsqueeze(g, class_axis(c->in[0]));
    if (o->reduction == AG_MEAN) g = ag_div(g, divisor(c));
    c->gin[0] = ag_mul(g, slope(c));
    return c->gin[0] ? AG_OK : ag_error();
}
static ag_status classes_jvp(ag_call *c, slope_fn *slope)
{
    const entropy *o = c->attr;
    if (need_constant_weight(c, !c->tangent[2]) || !c->tangent[0]) return ag_error();
    int axis = class_axis(c->in[0]);
    ag_tensor *t = (ag_sum)(ag_mul(c->tangent[0], slope(c)), o->reduction == AG_NONE, &axis);
    c->tout[0] = o->reduction == AG_MEAN ? ag_div(t, divisor(c)) : t;
    return c->tout[0] ? AG_OK : ag_error();
}

/* What each sample's loss is multiplied by, as far as the incoming gradient and the mean go. */
typedef struct incoming {
    const ag_tensor *g;
    bool each;
    double scale;
} incoming;
static incoming incoming_of(const ag_call *c, const entropy *o)
{
    return (incoming){ c->g[0], o->reduction == AG_NONE, o->reduction == AG_MEAN ? 1 / divisor(c) : 1 };
}
static double incoming_at(const incoming *g, const batch *b, int64_t i)
{
    return g->scale * ag__number_at(b->dtype, g->g->data, g->each ? i : 0);
}
/* gin[class] -= g share */
static void class_back(const batch *b, double g, double share, int64_t class, char *gin)
{
    int64_t hit = class * b->s.inner;
    ag__number_put(b->dtype, gin, hit, ag__number_at(b->dtype, gin, hit) - g * share);
}

/* ---- cross_entropy of classes: dlogits[i] = g[i] (softmax(logits)[i] sum(q[i]) - q[i]) ----
 * The log of each sample's sum of exponentials is a hidden second output: with it the kernel makes the softmax anew. */

/* The sum of a sample's e^(x - norm): 1, but where norm is large and rounded. */
static double rounding(const batch *b, const char *x, double norm)
{
    return ag__is_coarse(norm) ? ag__exp_sum_from(b->dtype, b->s.n, x, b->s.inner, norm) : 1;
}
/* The sum over the classes of w (norm - x). */
static double flat_loss(const batch *b, const char *x, double norm)
{
    int64_t step = b->s.inner;
    if (!ag__is_coarse(norm))
        return norm * b->weights -
               (b->weight ? b->k->dot(b->s.n, b->weight, 1, x, step) : b->k->reduce[AG__SUM](b->s.n, x, step));
    double sum = 0;
    for (int64_t c = 0; c < b->s.n; c++) sum += weight_of(b, c) * (norm - ag__number_at(b->dtype, x, c * step));
    return sum;
}
static double entropy_loss(const batch *b, const char *x, double norm, int64_t class)
{
    double rest = log(rounding(b, x, norm));
    double hit = weight_of(b, class) * (norm - ag__number_at(b->dtype, x, class * b->s.inner) + rest);
    if (b->flat == 0) return hit;
    return (1 - b->o->smoothing) * hit + b->flat * (flat_loss(b, x, norm) + rest * b->weights);
}

enum { ELEMENTS_APIECE = 65536 };

/* Samples in runs that one thread takes at a time. */
typedef struct runs {
    batch b;
    const ag_call *c;
    int64_t apiece;
} runs;
static runs runs_of(const ag_call *c)
{
    runs r = { batch_of(c), c, 1 };
    if (r.b.s.n < ELEMENTS_APIECE) r.apiece = ELEMENTS_APIECE / (r.b.s.n ? r.b.s.n : 1);
    return r;
}
static void run(const runs *r, ag__piece_fn *f)
{
    ag__parallel((r->b.n + r->apiece - 1) / r->apiece, f, (void *)(uintptr_t)r);
}

static void norm_piece(void *context, int64_t piece)
{
    const runs *r = context;
    const batch *b = &r->b;
    int64_t from = piece * r->apiece, to = b->n - from < r->apiece ? b->n : from + r->apiece;
    const char *x = r->c->in[0]->data;
    char *norm = r->c->out[1]->data;
    if (b->s.inner == 1) {
        b->k->logsumexp_rows(to - from, b->s.n, x + from * b->s.n * b->item, norm + from * b->item);
        return;
    }
    for (int64_t i = from; i < to; i++)
        ag__number_put(b->dtype, norm, i, b->k->softmax(b->s.n, x + sample_at(b, i) * b->item, b->s.inner, NULL, 0));
}
static ag_status entropy_forward(ag_call *c)
{
    runs r = runs_of(c);
    run(&r, norm_piece);
    return classes_forward(c, entropy_loss);
}

static ag_tensor *entropy_slope(const ag_call *c)
{
    ag_tensor *q = shares(c);
    int axis = class_axis(c->in[0]);
    return q ? ag_sub(ag_mul(ag_softmax(c->in[0], axis), (ag_sum_keep)(q, 1, &axis)), q) : NULL;
}
static ag_status entropy_vjp(ag_call *c)
{
    return classes_vjp(c, entropy_slope);
}
static ag_status entropy_jvp(ag_call *c)
{
    return classes_jvp(c, entropy_slope);
}

/* gin = or += factor[k] softmax of the n samples from number i on */
static void softmax_back(const runs *r, int64_t i, int64_t n, const ag__chunk *factor)
{
    const batch *b = &r->b;
    const char *x = r->c->in[0]->data, *norm = r->c->out[1]->data;
    char *gin = r->c->gin[0]->data;
    int64_t step = b->s.inner, classes = b->s.n;
    if (step == 1) {
        b->k->exp_rows(n, classes, 1, x + i * classes * b->item, norm + i * b->item, factor,
                       gin + i * classes * b->item, r->c->add[0]);
        return;
    }
    for (int64_t k = 0; k < n; k++)
        for (int64_t from = 0; from < classes; from += AG__CHUNK) {
            int64_t m = classes - from < AG__CHUNK ? classes - from : AG__CHUNK;
            int64_t at = (sample_at(b, i + k) + from * step) * b->item;
            ag__chunk p;
            b->k->copy(m, x + at, step, &p, 1, false);
            b->k->exp_rows(1, m, 1, &p, norm + (i + k) * b->item, (const char *)factor + k * b->item, &p, false);
            b->k->copy(m, &p, 1, gin + at, step, r->c->add[0]);
        }
}

static void entropy_piece(void *context, int64_t piece)
{
    const runs *r = context;
    const batch *b = &r->b;
    incoming g = incoming_of(r->c, b->o);
    ag__number one = ag__number_of(b->dtype, 1);
    int64_t from = piece * r->apiece, to = b->n - from < r->apiece ? b->n : from + r->apiece, n;
    for (int64_t i = from; i < to; i += n) {
        ag__chunk factor;
        n = to - i < AG__CHUNK ? to - i : AG__CHUNK;
        for (int64_t k = 0; k < n; k++) {
            int64_t class = class_of(b, i + k);
            double share = class < 0 ? 0 : (1 - b->o->smoothing) * weight_of(b, class) + b->flat * b->weights;
            if (share != 0) {
                double norm = ag__number_at(b->dtype, r->c->out[1]->data, i + k);
                share *= incoming_at(&g, b, i + k) /
                         rounding(b, (char *)r->c->in[0]->data + sample_at(b, i + k) * b->item, norm);
            }
            ag__number_put(b->dtype, &factor, k, share);
        }
        softmax_back(r, i, n, &factor);
        for (int64_t k = 0; k < n; k++) {
            int64_t class = class_of(b, i + k);
            char *gin = (char *)r->c->gin[0]->data + sample_at(b, i + k) * b->item;
            if (class < 0) continue;
            double own = incoming_at(&g, b, i + k);
            class_back(b, own, (1 - b->o->smoothing) * weight_of(b, class), class, gin);
            if (b->flat != 0)
                b->k->scale(b->s.n, -own * b->flat, b->weight ? b->weight : &one, b->weight ? 1 : 0, gin, b->s.inner,
                            true);
        }
    }
}
static ag_status entropy_backward(ag_call *c)
{
    runs r = runs_of(c);
    if (need_constant_weight(c, !c->need[2])) return ag_error();
    run(&r, entropy_piece);
    return AG_OK;
}

const ag_op ag__op_cross_entropy = { .name = "cross_entropy",
                                     .n_in = 3,
                                     .n_out = 2,
                                     .attr_size = sizeof(entropy),
                                     .saved_size = sizeof(double),
                                     .shape = classes_shape,
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
        return ag_fail(AG_ESHAPE,
                       "ag_cross_entropy: the target %s %s differs from the logits %s %s; classes are integers: ag_to",
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

static bool need_classes(const ag_tensor *target, const char *who)
{
    const ag__layout *l = target->layout;
    if (ag__is_integer(l->dtype)) return true;
    ag_fail(AG_EDTYPE, "%s: the target is %s %s; classes are i64, i32 or u8", who, ag_dtype_name(l->dtype),
            ag__text(l));
    return false;
}

/* Tape and operands of a loss of classes; o becomes the attributes. */
static bool begin(ag_tensor **x, ag_tensor **target, ag_tensor **weight, const ag_loss_options *options, entropy *o,
                  const char *who)
{
    ag_tape *t;
    if (!ag__begin(&t, x, who) || !ag__need_float(*x, who) || !(*target = ag__operand(t, *target, who, 2)))
        return false;
    *weight = options->weight ? ag__operand(t, options->weight, who, 3) : NULL;
    if (options->weight && !*weight) return false;
    if ((*x)->layout->rank == 0) return ag_fail(AG_ESHAPE, "%s: logits [] have no axis of classes", who), false;
    *o = (entropy){ options->reduction, options->label_smoothing, options->ignore != NULL,
                    options->ignore ? *options->ignore : 0 };
    return true;
}

ag_tensor *(ag_cross_entropy)(ag_tensor *logits, ag_tensor *target, const ag_loss_options *options)
{
    static const char who[] = "ag_cross_entropy";
    ag_loss_options o;
    ag_tensor *weight;
    entropy e;
    if (!ag__loss_options(&o, options, AG__WEIGHT | AG__SMOOTHING | AG__IGNORE, who) ||
        !begin(&logits, &target, &weight, &o, &e, who))
        return NULL;
    if (!(e.smoothing >= 0 && e.smoothing <= 1))
        return ag_fail(AG_EINVAL, "%s: .label_smoothing %g is not in [0, 1]", who, e.smoothing), NULL;
    if (ag__is_float(target->layout->dtype)) return soft_entropy(logits, target, weight, &e);
    return need_classes(target, who) ? ag__apply(&ag__op_cross_entropy, &e, logits, target, weight) : NULL;
}

/* ---- nll_loss: dx[i] = -g[i] q[i] ---- */

static double nll_loss(const batch *b, const char *x, double norm, int64_t class)
{
    (void)norm;
    return -weight_of(b, class) * ag__number_at(b->dtype, x, class * b->s.inner);
}
static ag_status nll_forward(ag_call *c)
{
    return classes_forward(c, nll_loss);
}

static ag_tensor *nll_slope(const ag_call *c)
{
    return ag_neg(shares(c));
}
static ag_status nll_vjp(ag_call *c)
{
    return classes_vjp(c, nll_slope);
}
static ag_status nll_jvp(ag_call *c)
{
    return classes_jvp(c, nll_slope);
}

static ag_status nll_backward(ag_call *c)
{
    batch b = batch_of(c);
    ag_tensor *gin = c->gin[0];
    if (need_constant_weight(c, !c->need[2])) return ag_error();
    incoming g = incoming_of(c, b.o);
    if (!c->add[0]) memset(gin->data, 0, (size_t)(gin->layout->numel * b.item));
    for (int64_t i = 0; i < b.n; i++) {
        int64_t class = class_of(&b, i);
        if (class >= 0)
            class_back(&b, incoming_at(&g, &b, i), weight_of(&b, class), class,
                       (char *)gin->data + sample_at(&b, i) * b.item);
    }
    return AG_OK;
}

const ag_op ag__op_nll_loss = { .name = "nll_loss",
                                .n_in = 3,
                                .attr_size = sizeof(entropy),
                                .saved_size = sizeof(double),
                                .shape = classes_shape,
                                .forward = nll_forward,
                                .vjp = nll_vjp,
                                .jvp = nll_jvp,
                                .backward = nll_backward,
                                .saves = AG_SAVES_IN(1) | AG_SAVES_IN(2) };

ag_tensor *(ag_nll_loss)(ag_tensor *log_probabilities, ag_tensor *target, const ag_loss_options *options)
{
    static const char who[] = "ag_nll_loss";
    ag_loss_options o;
    ag_tensor *weight;
    entropy e;
    if (!ag__loss_options(&o, options, AG__WEIGHT | AG__IGNORE, who) ||
        !begin(&log_probabilities, &target, &weight, &o, &e, who) || !need_classes(target, who))
        return NULL;
    return ag__apply(&ag__op_nll_loss, &e, log_probabilities, target, weight);
}
