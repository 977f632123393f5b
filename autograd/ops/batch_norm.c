/* batch_norm.c - normalisation over a batch, an instance, a group of channels (kernels/norm.c has the formulas of the
 * first). Ioffe & Szegedy 2015; Ulyanov, Vedaldi & Lempitsky, "Instance normalization", 2016; Wu & He, "Group
 * normalization", 2018.
 *
 * The channels are axis 1. Mean, 1 / deviation and variance of each are hidden outputs: for the kernel, and for the
 * running statistics; the textbook rules compute them anew. */
#include <autograd/base/pool.h>
#include <autograd/ops/family.h>

typedef struct batch_norm {
    bool given; /* mean and variance are inputs, not those of x */
    double momentum, eps;
} batch_norm;
enum { X, WEIGHT, BIAS, MEAN, VAR, N_IN }; /* inputs; all but x may be NULL */

/* x as [n][channels][inner]; with one axis it holds nothing. */
static void dims_of(const ag__layout *l, int64_t dims[3])
{
    dims[0] = l->dims[0], dims[1] = l->rank > 1 ? l->dims[1] : 0, dims[2] = 1;
    for (int i = 2; i < l->rank; i++) dims[2] *= l->dims[i];
}

/* Do x and what comes with it fit? */
static bool fits(const ag_call *c)
{
    static const char *const name[] = { "", "weight", "bias", "running_mean", "running_var" };
    const ag__layout *x = c->in[X]->layout;
    const char *who = ag__title(c->op);
    int64_t dims[3];
    if (x->rank < 1 || (x->rank < 2 && x->numel))
        return ag_fail(AG_ESHAPE, "%s: %s has no axis 1, that of the channels", who, ag__text(x)), false;
    dims_of(x, dims);
    for (int k = WEIGHT; k < N_IN; k++) {
        const ag__layout *l = c->in[k] ? c->in[k]->layout : NULL;
        if (l && (l->rank != 1 || l->dims[0] != dims[1] || l->dtype != x->dtype))
            return ag_fail(AG_ESHAPE, "%s: .%s %s %s does not fit the %lld channels of %s %s", who, name[k],
                           ag_dtype_name(l->dtype), ag__text(l), (long long)dims[1], ag_dtype_name(x->dtype),
                           ag__text(x)),
                   false;
    }
    return true;
}
/* And have the channels statistics? per_instance: those over the axes behind the channels. */
static bool have_statistics(const ag_call *c, bool given, bool per_instance)
{
    const ag__layout *x = c->in[X]->layout;
    int64_t dims[3];
    dims_of(x, dims);
    if (given && !(c->in[MEAN] && c->in[VAR]))
        return ag_fail(AG_ENULL, "%s: without statistics of %s it needs .running_mean and .running_var",
                       ag__title(c->op), ag__text(x)),
               false;
    if (!given && x->numel && (per_instance ? 1 : dims[0]) * dims[2] == 1)
        return ag_fail(AG_ESHAPE, "%s: one value per channel, in %s, has no deviation", ag__title(c->op), ag__text(x)),
               false;
    return true;
}
static ag_status batch_norm_shape(const ag_call *c, ag_shape *out)
{
    if (!fits(c) || !have_statistics(c, ((const batch_norm *)c->attr)->given, false)) return ag_error();
    int64_t dims[3];
    dims_of(c->in[X]->layout, dims);
    ag__shape_copy(&out[0], c->in[X]->layout);
    for (int k = 1; k < c->n_out; k++) out[k] = (ag_shape){ c->in[X]->layout->dtype, 1, { dims[1] } };
    return AG_OK;
}

/* ---- kernels ---- */

static const void *data_of(const ag_tensor *x)
{
    return x ? x->data : NULL;
}

struct pieces {
    const ag__kernels *k;
    int64_t channels, apiece;
    ag__batch_norm p;
    ag__batch_norm_back q;
};
static struct pieces pieces_of(const ag_call *c)
{
    enum { ELEMENTS_APIECE = 32768, LINE = 16 };
    const ag__layout *l = c->in[X]->layout;
    const batch_norm *o = c->attr;
    int64_t d[3], apiece;
    dims_of(l, d);
    apiece = d[0] * d[2] < ELEMENTS_APIECE / LINE ? ELEMENTS_APIECE / (d[0] * d[2] + 1) / LINE * LINE + LINE : LINE;
    return (struct pieces){ .k = ag__kernels_for(l->dtype),
                            .channels = d[1],
                            .apiece = d[2] > 1 && d[0] * d[2] >= ELEMENTS_APIECE ? 1 : apiece,
                            .p = { .n = d[0], .channels = d[1], .inner = d[2], .eps = o->eps, .given = o->given },
                            .q = { .n = d[0], .channels = d[1], .inner = d[2], .given = o->given } };
}
static int64_t count_of(const struct pieces *w)
{
    return (w->channels + w->apiece - 1) / w->apiece;
}
static int64_t end_of(const struct pieces *w, int64_t piece)
{
    int64_t to = (piece + 1) * w->apiece;
    return to < w->channels ? to : w->channels;
}

/* Columns [n][channels] are computed as rows [channels][n], in room for `tensors` of them; NULL: out of memory. */
static void *room_for(const ag_call *c, int tensors, uint8_t *klass)
{
    ag_tape *t = ag__tape(ag__title(c->op));
    const ag__layout *l = c->in[X]->layout;
    return t ? ag__pool_get(&t->pool, (size_t)tensors * (size_t)l->numel * l->item, klass) : NULL;
}
static const void *as_rows(const struct pieces *w, const void *x, void *rows)
{
    w->k->turn(w->p.n, w->p.channels, x, w->p.channels, 1, rows);
    return rows;
}
static void as_columns(const struct pieces *w, const void *rows, void *y)
{
    w->k->turn(w->p.channels, w->p.n, rows, w->p.n, 1, y);
}

static void forward_piece(void *context, int64_t piece)
{
    const struct pieces *w = context;
    ag__batch_norm p = w->p;
    p.from = piece * w->apiece, p.to = end_of(w, piece);
    if (p.inner == 1) p.inner = p.n, p.n = 1;
    w->k->batch_norm(&p);
}
static ag_status batch_norm_forward(ag_call *c)
{
    struct pieces w = pieces_of(c);
    bool none = c->in[X]->layout->numel == 0, columns = w.p.inner == 1 && !none;
    void *rows = NULL, *y = c->out[0]->data;
    uint8_t klass;
    w.p.x = c->in[X]->data, w.p.weight = data_of(c->in[WEIGHT]), w.p.bias = data_of(c->in[BIAS]);
    w.p.y = y, w.p.mean = c->out[1]->data, w.p.rstd = c->out[2]->data, w.p.var = c->out[3]->data;
    if (w.p.given) {
        ag_assign(c->out[1], c->in[MEAN]), ag_assign(c->out[3], c->in[VAR]);
        if (ag_assign(c->out[2], ag_rsqrt(ag_add(c->in[VAR], w.p.eps)))) return ag_error();
    }
    for (int k = 1; k < c->n_out && none && !w.p.given; k++) ag_fill(c->out[k], 0);
    if (none) return ag_error();
    if (columns && !(rows = room_for(c, 1, &klass))) return ag_error();
    if (columns) w.p.x = as_rows(&w, w.p.x, rows), w.p.y = rows;
    ag__parallel(count_of(&w), forward_piece, &w);
    if (columns) as_columns(&w, rows, y), ag__pool_put(&ag__here.tape->pool, rows, klass);
    return AG_OK;
}

static void backward_piece(void *context, int64_t piece)
{
    const struct pieces *w = context;
    ag__batch_norm_back q = w->q;
    q.from = piece * w->apiece, q.to = end_of(w, piece);
    if (q.inner == 1) q.inner = q.n, q.n = 1;
    w->k->batch_norm_back(&q);
}
static ag_status batch_norm_backward(ag_call *c)
{
    struct pieces w = pieces_of(c);
    ag__batch_norm_back *q = &w.q;
    const ag__layout *l = c->in[X]->layout;
    bool columns = q->inner == 1 && l->numel;
    char *rows = NULL;
    uint8_t klass;
    for (int k = 0; k < MEAN && l->numel == 0; k++)
        if (c->need[k] && !c->add[k]) ag_fill(c->gin[k], 0);
    if (l->numel == 0) return ag_error();
    q->x = c->in[X]->data, q->weight = data_of(c->in[WEIGHT]), q->g = c->g[0]->data;
    q->mean = c->out[1]->data, q->rstd = c->out[2]->data;
    if (c->need[X]) q->dx = c->gin[X]->data, q->add_x = c->add[X];
    if (c->need[WEIGHT]) q->dweight = c->gin[WEIGHT]->data, q->add_weight = c->add[WEIGHT];
    if (c->need[BIAS]) q->dbias = c->gin[BIAS]->data, q->add_bias = c->add[BIAS];
    if (columns) {
        if (!(rows = room_for(c, 2, &klass))) return ag_error();
        q->x = as_rows(&w, q->x, rows), q->g = as_rows(&w, q->g, rows + l->numel * (int64_t)l->item);
        if (q->dx) q->dx = (void *)(uintptr_t)q->g, q->add_x = false;
    }
    ag__parallel(count_of(&w), backward_piece, &w);
    if (columns && c->need[X]) {
        void *dx = c->add[X] ? rows : c->gin[X]->data; /* the room of x is free */
        as_columns(&w, q->dx, dx);
        if (c->add[X]) w.k->copy(l->numel, dx, 1, c->gin[X]->data, 1, true);
    }
    if (columns) ag__pool_put(&ag__here.tape->pool, rows, klass);
    return AG_OK;
}

/* ---- rules: as in norm.c, with means over axes 0 and 2 of [n, channels, inner]; of given statistics dx = rstd h ----
 */

static ag_tensor *apart(const ag_call *c, ag_tensor *x)
{
    int64_t dims[3];
    dims_of(c->in[X]->layout, dims);
    return (ag_reshape)(x, 3, dims);
}
static ag_tensor *together(const ag_call *c, ag_tensor *y)
{
    return (ag_reshape)(y, c->in[X]->layout->rank, c->in[X]->layout->dims);
}
static ag_tensor *per_channel(ag_tensor *x)
{
    return ag_unsqueeze(x, -1);
}
static ag_tensor *mean(ag_tensor *x)
{
    return ag_mean_keep(x, 0, 2);
}

typedef struct standard {
    ag_tensor *z, *rstd;
} standard;
static standard standard_of(const ag_call *c)
{
    const batch_norm *o = c->attr;
    ag_tensor *x = apart(c, c->in[X]);
    x = ag_sub(x, o->given ? per_channel(c->in[MEAN]) : mean(x));
    ag_tensor *rstd = ag_rsqrt(ag_add(o->given ? per_channel(c->in[VAR]) : mean(ag_square(x)), o->eps));
    return (standard){ ag_mul(x, rstd), rstd };
}
/* dz/dx applied to h, from either side: it is symmetric. */
static ag_tensor *slope(const ag_call *c, standard s, ag_tensor *h)
{
    if (((const batch_norm *)c->attr)->given) return ag_mul(s.rstd, h);
    return ag_mul(s.rstd, ag_sub(ag_sub(h, mean(h)), ag_mul(s.z, mean(ag_mul(h, s.z)))));
}

static ag_status batch_norm_vjp(ag_call *c)
{
    ag_tensor *g = c->g[0] ? apart(c, c->g[0]) : NULL, *weight = c->in[WEIGHT];
    if (!g) return ag_error();
    standard s = standard_of(c);
    if (c->need[X]) c->gin[X] = together(c, slope(c, s, weight ? ag_mul(g, per_channel(weight)) : g));
    if (c->need[WEIGHT]) c->gin[WEIGHT] = ag_sum(ag_mul(g, s.z), 0, 2);
    if (c->need[BIAS]) c->gin[BIAS] = ag_sum(g, 0, 2);
    return ag_error();
}
static ag_status batch_norm_jvp(ag_call *c)
{
    ag_tensor *tx = c->tangent[X], *tw = c->tangent[WEIGHT], *tb = c->tangent[BIAS];
    standard s = standard_of(c);
    int64_t d[3];
    dims_of(c->in[X]->layout, d);
    ag_tensor *sum = tw ? ag_mul(s.z, per_channel(tw)) : NULL;
    if (tx) tx = slope(c, s, apart(c, tx));
    if (tx && c->in[WEIGHT]) tx = ag_mul(tx, per_channel(c->in[WEIGHT]));
    if (tx) sum = sum ? ag_add(sum, tx) : tx;
    if (tb) tb = per_channel(tb);
    if (tb) sum = sum ? ag_add(sum, tb) : ag_expand(tb, d[0], d[1], d[2]);
    if (sum) c->tout[0] = together(c, sum);
    return ag_error();
}

const ag_op ag__op_batch_norm = { .name = "batch_norm",
                                  .n_in = N_IN,
                                  .n_out = 4,
                                  .attr_size = sizeof(batch_norm),
                                  .shape = batch_norm_shape,
                                  .forward = batch_norm_forward,
                                  .vjp = batch_norm_vjp,
                                  .jvp = batch_norm_jvp,
                                  .backward = batch_norm_backward,
                                  .saves = AG_SAVES_IN(X) | AG_SAVES_IN(WEIGHT) | AG_SAVES_IN(MEAN) | AG_SAVES_IN(VAR) |
                                           AG_SAVES_OUT(1) | AG_SAVES_OUT(2) };

/* ---- the functions ---- */

/* Running statistics move towards those of x, the variance without bias: of count elements. NULL: there are none. */
static ag_status move(ag_tensor *mean, ag_tensor *var, ag_tensor *x_mean, ag_tensor *x_var, double count,
                      double momentum)
{
    AG_NO_GRAD {
        ag_tensor *to_mean = NULL, *to_var = NULL;
        if (mean) to_mean = ag_add(ag_mul(mean, 1 - momentum), ag_mul(x_mean, momentum));
        if (var) to_var = ag_add(ag_mul(var, 1 - momentum), ag_mul(x_var, momentum * (count / (count - 1))));
        if (!ag_error() && mean) ag_assign(mean, to_mean);
        if (!ag_error() && var) ag_assign(var, to_var);
    }
    return ag_error();
}

/* x and what the options say as operands, which fit, and the attributes. */
static bool begin(const ag_op *op, ag_tensor *x, const ag_batch_norm_options *o, bool given, ag_tensor *in[N_IN],
                  batch_norm *attr)
{
    ag_tape *t;
    const char *who = ag__title(op);
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who)) return false;
    in[X] = x, in[WEIGHT] = o->weight, in[BIAS] = o->bias, in[MEAN] = o->running_mean, in[VAR] = o->running_var;
    for (int k = WEIGHT; k < N_IN; k++)
        if (in[k] && !(in[k] = ag__operand(t, in[k], who, k + 1))) return false;
    *attr = (batch_norm){ given, ag__or(o->momentum, 0.1), ag__or(o->eps, 1e-5) };
    return fits(&(ag_call){ .op = op, .in = in }) &&
           have_statistics(&(ag_call){ .op = op, .in = in }, given, op != &ag__op_batch_norm);
}

ag_tensor *(ag_batch_norm)(ag_tensor *x, const ag_batch_norm_options *options)
{
    ag_batch_norm_options o = options ? *options : (ag_batch_norm_options){ .eps = 0 };
    ag_tensor *in[N_IN], *out[4];
    batch_norm attr;
    if (o.use_running_stats)
        return ag_fail(AG_EINVAL, "ag_batch_norm: .use_running_stats is an option of ag_instance_norm"), NULL;
    if (!begin(&ag__op_batch_norm, x, &o, !o.training, in, &attr)) return NULL;
    for (int k = MEAN; k < N_IN; k++) in[k] = o.training ? NULL : ag_detach(in[k]);
    if (ag_apply_all(&ag__op_batch_norm, &attr, (ag_list){ in, N_IN }, out)) return NULL;
    for (int k = 1; k < 4; k++) out[k]->flags |= AG__HIDDEN;
    int64_t n = out[0]->layout->numel;
    if (!o.training || n == 0) return out[0];
    double count = (double)(n / out[1]->layout->numel);
    return move(o.running_mean, o.running_var, out[1], out[3], count, attr.momentum) ? NULL : out[0];
}

/* ---- instance_norm: each channel of each instance is a channel of one batch of them all ---- */

static ag_status instance_norm_shape(const ag_call *c, ag_shape *out)
{
    if (!fits(c) || !have_statistics(c, ((const batch_norm *)c->attr)->given, true)) return ag_error();
    ag__shape_copy(out, c->in[X]->layout);
    return AG_OK;
}
static ag_tensor *instance_norm_compose(const ag_call *c)
{
    const batch_norm *o = c->attr;
    int64_t d[3];
    dims_of(c->in[X]->layout, d);
    ag_tensor *in[N_IN] = { ag_reshape(c->in[X], 1, d[0] * d[1], d[2]) }, *out[4];
    for (int k = WEIGHT; k < (o->given ? N_IN : MEAN); k++)
        if (c->in[k]) in[k] = ag_repeat(k < MEAN ? c->in[k] : ag_detach(c->in[k]), d[0]);
    if (ag_apply_all(&ag__op_batch_norm, o, (ag_list){ in, N_IN }, out)) return NULL;
    for (int k = 1; k < 4; k++) out[k]->flags |= AG__HIDDEN;
    ag_tensor *y = together(c, out[0]);
    if (o->given || c->in[X]->layout->numel == 0) return y;
    ag_tensor *x_mean = ag_mean(ag_reshape(out[1], d[0], d[1]), 0), *x_var = ag_mean(ag_reshape(out[3], d[0], d[1]), 0);
    return move(c->in[MEAN], c->in[VAR], x_mean, x_var, (double)d[2], o->momentum) ? NULL : y;
}
const ag_op ag__op_instance_norm = { .name = "instance_norm",
                                     .n_in = N_IN,
                                     .attr_size = sizeof(batch_norm),
                                     .shape = instance_norm_shape,
                                     .compose = instance_norm_compose };

ag_tensor *(ag_instance_norm)(ag_tensor *x, const ag_batch_norm_options *options)
{
    ag_batch_norm_options o = options ? *options : (ag_batch_norm_options){ .eps = 0 };
    ag_tensor *in[N_IN];
    batch_norm attr;
    if (o.training) return ag_fail(AG_EINVAL, "ag_instance_norm: .training is an option of ag_batch_norm"), NULL;
    if (!begin(&ag__op_instance_norm, x, &o, o.use_running_stats, in, &attr)) return NULL;
    return (ag_apply)(&ag__op_instance_norm, &attr, N_IN, in);
}

/* ---- group_norm: the rows of layer_norm are groups of channels ---- */

typedef struct grouping {
    int64_t groups;
    double eps;
} grouping;

static ag_status group_norm_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = c->in[X]->layout;
    int64_t groups = ((const grouping *)c->attr)->groups;
    if (!fits(&(ag_call){ .op = c->op, .in = (ag_tensor *[N_IN]){ c->in[0], c->in[1], c->in[2] } })) return ag_error();
    if (x->rank < 2 || groups < 1 || x->dims[1] % groups)
        return ag_fail(AG_EINVAL, "ag_group_norm: the channels of %s in %lld groups", ag__text(x), (long long)groups);
    ag__shape_copy(out, x);
    return AG_OK;
}
static ag_tensor *group_norm_compose(const ag_call *c)
{
    const grouping *o = c->attr;
    int64_t d[3];
    dims_of(c->in[X]->layout, d);
    ag_tensor *y = ag_reshape(c->in[X], d[0], o->groups, d[1] / o->groups * d[2]);
    y = apart(c, ag_layer_norm(y, 1, .eps = o->eps == 0 ? AG_ZERO : o->eps));
    if (c->in[WEIGHT]) y = ag_mul(y, per_channel(c->in[WEIGHT]));
    if (c->in[BIAS]) y = ag_add(y, per_channel(c->in[BIAS]));
    return together(c, y);
}
const ag_op ag__op_group_norm = { .name = "group_norm",
                                  .n_in = 3,
                                  .attr_size = sizeof(grouping),
                                  .shape = group_norm_shape,
                                  .compose = group_norm_compose };

ag_tensor *(ag_group_norm)(ag_tensor *x, int64_t groups, const ag_norm_options *o)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, "ag_group_norm") || !ag__need_float(x, "ag_group_norm")) return NULL;
    grouping a = { groups, ag__or(o ? o->eps : 0, 1e-5) };
    return ag__apply(&ag__op_group_norm, &a, x, o ? o->weight : NULL, o ? o->bias : NULL);
}
