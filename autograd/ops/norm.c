/* norm.c - layer_norm and rms_norm over the last axes (kernels/norm.c has the formulas).
 *
 * The mean and 1 / deviation of each row are hidden outputs, for the kernel; the textbook rules compute them anew. */
#include <autograd/base/pool.h>
#include <autograd/ops/family.h>
#include <float.h>
#include <math.h>

typedef struct norm {
    int axes; /* how many of the last ones a row takes */
    double eps;
    bool centred; /* layer_norm */
} norm;

/* x as rows. */
typedef struct batch {
    const ag__kernels *k;
    int64_t rows, n, item;
    int64_t apiece, pieces; /* rows that one thread takes at a time */
} batch;

enum { ELEMENTS_APIECE = 32768 };

static batch batch_of(const ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    batch b = { .k = ag__kernels_for(l->dtype), .rows = 1, .n = 1, .item = (int64_t)l->item };
    for (int i = 0; i < l->rank; i++) *(i < l->rank - ((const norm *)c->attr)->axes ? &b.rows : &b.n) *= l->dims[i];
    b.apiece = b.n < ELEMENTS_APIECE ? ELEMENTS_APIECE / (b.n ? b.n : 1) : 1;
    b.pieces = (b.rows + b.apiece - 1) / b.apiece;
    return b;
}
static int64_t rows_of(const batch *b, int64_t piece)
{
    int64_t left = b->rows - piece * b->apiece;
    return left < b->apiece ? left : b->apiece;
}
static ag_tensor *bias_of(const ag_call *c)
{
    return c->n_in > 2 ? c->in[2] : NULL;
}

static ag_status norm_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = c->in[0]->layout;
    static const char *const name[] = { "", "weight", "bias" };
    int axes = ((const norm *)c->attr)->axes, lead = x->rank - axes;
    if (axes < 1 || lead < 0)
        return ag_fail(AG_ESHAPE, "%s: %s has no last %d axes to normalise", ag__title(c->op), ag__text(x), axes);
    for (int k = 1; k < c->n_in; k++) {
        const ag__layout *l = c->in[k] ? c->in[k]->layout : NULL;
        bool fits = !l || (l->rank == axes && l->dtype == x->dtype);
        for (int i = 0; l && fits && i < axes; i++) fits = l->dims[i] == x->dims[lead + i];
        if (!fits)
            return ag_fail(AG_ESHAPE, "%s: .%s %s %s does not fit the last %d axes of %s %s", ag__title(c->op), name[k],
                           ag_dtype_name(l->dtype), ag__text(l), axes, ag_dtype_name(x->dtype), ag__text(x));
    }
    for (int k = 0; k < c->n_out; k++) {
        ag__shape_copy(&out[k], x);
        if (k) out[k].rank = lead;
    }
    return AG_OK;
}

/* ---- kernels ---- */

struct forward {
    batch b;
    ag__norm p;
};
static char *moved(const void *data, int64_t bytes)
{
    return data ? (char *)(uintptr_t)data + bytes : NULL;
}
static void forward_piece(void *context, int64_t piece)
{
    const struct forward *f = context;
    const batch *b = &f->b;
    int64_t row = piece * b->apiece * b->item;
    ag__norm p = f->p;
    p.rows = rows_of(b, piece);
    p.x = moved(p.x, row * b->n), p.y = moved(p.y, row * b->n);
    p.mean = moved(p.mean, row), p.rstd = moved(p.rstd, row);
    b->k->norm(&p);
}
static ag_status norm_forward(ag_call *c)
{
    const norm *o = c->attr;
    struct forward f = { .b = batch_of(c) };
    f.p = (ag__norm){ .n = f.b.n,
                      .eps = o->eps,
                      .x = c->in[0]->data,
                      .weight = c->in[1] ? c->in[1]->data : NULL,
                      .bias = bias_of(c) ? bias_of(c)->data : NULL,
                      .y = c->out[0]->data,
                      .mean = o->centred ? c->out[2]->data : NULL,
                      .rstd = c->out[1]->data };
    ag__parallel(f.b.pieces, forward_piece, &f);
    return AG_OK;
}

/* The gradients of weight and bias are sums over rows: each piece has its own, behind each other in `parts`. */
struct backward {
    batch b;
    ag__norm_back p;
    char *parts;
};
static void backward_piece(void *context, int64_t piece)
{
    const struct backward *w = context;
    const batch *b = &w->b;
    int64_t row = piece * b->apiece * b->item, bytes = b->n * b->item;
    ag__norm_back p = w->p;
    p.rows = rows_of(b, piece);
    p.x = moved(p.x, row * b->n), p.g = moved(p.g, row * b->n), p.dx = moved(p.dx, row * b->n);
    p.mean = moved(p.mean, row), p.rstd = moved(p.rstd, row);
    char *own = w->parts + 2 * piece * bytes;
    if (p.dweight) p.dweight = memset(own, 0, (size_t)bytes);
    if (p.dbias) p.dbias = memset(own + bytes, 0, (size_t)bytes);
    b->k->norm_back(&p);
}
/* d = or += the parts, in their order */
static void gather(const struct backward *w, int which, void *d, bool add)
{
    const batch *b = &w->b;
    if (!add && b->pieces == 0) memset(d, 0, (size_t)(b->n * b->item));
    for (int64_t i = 0; i < b->pieces; i++)
        b->k->copy(b->n, w->parts + (2 * i + which) * b->n * b->item, 1, d, 1, add || i);
}
static ag_status norm_backward(ag_call *c)
{
    const norm *o = c->attr;
    ag_tape *t = ag__tape(ag__title(c->op));
    bool dweight = c->need[1], dbias = bias_of(c) && c->need[2];
    struct backward w = { .b = batch_of(c) };
    w.p = (ag__norm_back){ .n = w.b.n,
                           .x = c->in[0]->data,
                           .weight = c->in[1] ? c->in[1]->data : NULL,
                           .g = c->g[0]->data,
                           .mean = o->centred ? c->out[2]->data : NULL,
                           .rstd = c->out[1]->data,
                           .dx = c->need[0] ? c->gin[0]->data : NULL,
                           .dweight = dweight ? c->gin[1]->data : NULL,
                           .dbias = dbias ? c->gin[2]->data : NULL,
                           .add = c->need[0] && c->add[0] };
    uint8_t klass;
    if (!t || !(w.parts = ag__pool_get(&t->pool, (size_t)(2 * w.b.pieces * w.b.n * w.b.item), &klass)))
        return ag_error();
    ag__parallel(w.b.pieces, backward_piece, &w);
    if (dweight) gather(&w, 0, c->gin[1]->data, c->add[1]);
    if (dbias) gather(&w, 1, c->gin[2]->data, c->add[2]);
    ag__pool_put(&t->pool, w.parts, klass);
    return AG_OK;
}

/* ---- rules: with h = g weight, dx = rstd (h - mean h - z mean h z), dweight = g z, dbias = g ---- */

static ag_tensor *mean(const ag_call *c, ag_tensor *x)
{
    int axes[AG_MAX_RANK];
    for (int i = 0; i < AG_MAX_RANK; i++) axes[i] = -1 - i;
    return (ag_mean_keep)(x, ((const norm *)c->attr)->axes, axes);
}

typedef struct standard {
    ag_tensor *z, *rstd;
} standard;
static standard standard_of(const ag_call *c)
{
    const norm *o = c->attr;
    ag_tensor *x = o->centred ? ag_sub(c->in[0], mean(c, c->in[0])) : c->in[0];
    ag_tensor *rstd = ag_rsqrt(ag_add(mean(c, ag_square(x)), o->eps));
    return (standard){ ag_mul(x, rstd), rstd };
}
/* dz/dx applied to h, from either side: it is symmetric. */
static ag_tensor *slope(const ag_call *c, standard s, ag_tensor *h)
{
    ag_tensor *rest = ag_sub(h, ag_mul(s.z, mean(c, ag_mul(h, s.z))));
    return ag_mul(s.rstd, ((const norm *)c->attr)->centred ? ag_sub(rest, mean(c, h)) : rest);
}

static ag_status norm_vjp(ag_call *c)
{
    ag_tensor *g = c->g[0], *weight = c->in[1];
    standard s = standard_of(c);
    if (!g) return ag_error();
    if (c->need[0]) c->gin[0] = slope(c, s, weight ? ag_mul(g, weight) : g);
    if (c->need[1]) c->gin[1] = ag_mul(g, s.z);
    if (bias_of(c) && c->need[2]) c->gin[2] = g;
    return ag_error();
}

static ag_status norm_jvp(ag_call *c)
{
    ag_tensor *tx = c->tangent[0], *tw = c->tangent[1], *tb = bias_of(c) ? c->tangent[2] : NULL, *sum = NULL;
    standard s = standard_of(c);
    if (tx) sum = c->in[1] ? ag_mul(slope(c, s, tx), c->in[1]) : slope(c, s, tx);
    if (tw) sum = sum ? ag_add(sum, ag_mul(s.z, tw)) : ag_mul(s.z, tw);
    if (tb) sum = sum ? ag_add(sum, tb) : (ag_expand)(tb, c->out[0]->layout->rank, c->out[0]->layout->dims);
    c->tout[0] = sum;
    return ag_error();
}

const ag_op ag__op_layer_norm = { .name = "layer_norm",
                                  .n_in = 3,
                                  .n_out = 3,
                                  .attr_size = sizeof(norm),
                                  .shape = norm_shape,
                                  .forward = norm_forward,
                                  .vjp = norm_vjp,
                                  .jvp = norm_jvp,
                                  .backward = norm_backward,
                                  .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_OUT(1) | AG_SAVES_OUT(2) };

const ag_op ag__op_rms_norm = { .name = "rms_norm",
                                .n_in = 2,
                                .n_out = 2,
                                .attr_size = sizeof(norm),
                                .shape = norm_shape,
                                .forward = norm_forward,
                                .vjp = norm_vjp,
                                .jvp = norm_jvp,
                                .backward = norm_backward,
                                .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_OUT(1) };

static bool begin(ag_tensor **x, const ag_norm_options *o, const char *who)
{
    ag_tape *t;
    if (!ag__begin(&t, x, who) || !ag__need_float(*x, who)) return false;
    if (!isnan(o->eps)) return true;
    ag_fail(AG_EINVAL, "%s: .eps is NaN, for %s", who, ag__text((*x)->layout));
    return false;
}

ag_tensor *(ag_layer_norm)(ag_tensor *x, int axes, const ag_norm_options *options)
{
    ag_norm_options o = options ? *options : (ag_norm_options){ .eps = 0 };
    if (!begin(&x, &o, "ag_layer_norm")) return NULL;
    norm n = { axes, ag__or(o.eps, 1e-5), true };
    return ag__apply(&ag__op_layer_norm, &n, x, o.weight, o.bias);
}

ag_tensor *(ag_rms_norm)(ag_tensor *x, int axes, const ag_norm_options *options)
{
    ag_norm_options o = options ? *options : (ag_norm_options){ .eps = 0 };
    if (!begin(&x, &o, "ag_rms_norm")) return NULL;
    if (o.bias) return ag_fail(AG_EINVAL, "ag_rms_norm: .bias is an option of ag_layer_norm"), NULL;
    double eps = x->layout->dtype == AG_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    norm n = { axes, ag__or(o.eps, eps), false };
    return ag__apply(&ag__op_rms_norm, &n, x, o.weight);
}
