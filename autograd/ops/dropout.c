/* dropout.c - zeros at random places (Srivastava et al., "Dropout: a simple way to prevent neural networks from
 * overfitting", JMLR 2014).
 *
 * The operation itself takes x and a mask of one bit an element, and is linear in x: with the same mask it is its own
 * vjp and jvp. */
#include <autograd/ops/family.h>
#include <math.h>

static int64_t mask_bytes(int64_t n)
{
    return n / 8 + (n % 8 != 0);
}

static ag_status dropout_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *x = c->in[0]->layout, *kept = c->in[1] ? c->in[1]->layout : x;
    if (kept->dtype != AG_U8 || kept->rank != 1 || kept->numel != mask_bytes(x->numel))
        return ag_fail(AG_ESHAPE, "ag_dropout: the mask of %s is %s %s, not one bit an element", ag__text(x),
                       ag_dtype_name(kept->dtype), ag__text(kept));
    ag__shape_copy(out, x);
    return AG_OK;
}

/* y = x scale where kept, else 0, whatever x is */
#define DROP(real)                                                                          \
    do {                                                                                    \
        const real *x = c->in[0]->data;                                                     \
        real *y = c->out[0]->data, scale = (real)(1 / (1 - *(const double *)c->attr));      \
        for (int64_t i = 0; i < n; i++) y[i] = kept[i / 8] >> i % 8 & 1 ? x[i] * scale : 0; \
    } while (0)
static ag_status dropout_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    const uint8_t *kept = c->in[1]->data;
    int64_t n = l->numel;
    if (l->dtype == AG_F64)
        DROP(double);
    else
        DROP(float);
    return AG_OK;
}

static ag_tensor *dropped(const ag_call *c, ag_tensor *x)
{
    return ag__apply(c->op, c->attr, x, c->in[1]);
}
AG__VJP1(dropout_vjp, dropped(c, g))
AG__JVP1(dropout_jvp, dropped(c, t))

const ag_op ag__op_dropout = { .name = "dropout",
                               .n_in = 2,
                               .attr_size = sizeof(double),
                               .shape = dropout_shape,
                               .forward = dropout_forward,
                               .vjp = dropout_vjp,
                               .jvp = dropout_jvp,
                               .saves = AG_SAVES_IN(1) };

ag_tensor *ag_dropout(ag_tensor *x, double p)
{
    static const char who[] = "ag_dropout";
    ag_tape *t;
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who)) return NULL;
    if (!(p >= 0 && p < 1)) return ag_fail(AG_EINVAL, "%s: probability %g is not in [0, 1)", who, p), NULL;
    int64_t n = x->layout->numel;
    ag_tensor *kept = ag__temporary(t, ag__layout_get(&t->layouts, AG_U8, 1, (int64_t[]){ mask_bytes(n) }, who));
    if (!kept) return NULL;
    ag__bernoulli_bits(1 - p, n, kept->data);
    return ag__apply(&ag__op_dropout, &p, x, kept);
}

/* ---- whole channels, and alpha dropout: made of dropout's zeros ---- */

typedef struct channels {
    double p;
    int lead; /* so many axes in front have zeros of their own; the others share them */
} channels;

/* 1 / (1 - p) or 0 for each element of the first axes, to be multiplied with x. */
static ag_tensor *factors_of(const ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    const channels *o = c->attr;
    int64_t dims[AG_MAX_RANK];
    for (int i = 0; i < l->rank; i++) dims[i] = i < o->lead ? l->dims[i] : 1;
    return ag_dropout((ag_ones)(l->dtype, l->rank, dims), o->p);
}
static ag_tensor *channels_compose(const ag_call *c)
{
    return ag_mul(c->in[0], factors_of(c));
}
/* x where kept, else the limit; then scaled and moved to mean 0 and variance 1, had x those. */
static ag_tensor *alpha_compose(const ag_call *c)
{
    const double limit = -1.7580993408473766, p = ((const channels *)c->attr)->p;
    double scale = 1 / sqrt((limit * limit * p + 1) * (1 - p)), shift = -scale * limit * p;
    ag_tensor *kept = ag_mul(factors_of(c), 1 - p);
    return ag_add(ag_mul(ag_mul(c->in[0], kept), scale), ag_add(ag_mul(ag_sub(1.0, kept), limit * scale), shift));
}
#define ROW(fn, how)                                                                                            \
    const ag_op ag__op_##fn = {                                                                                 \
        .name = #fn, .n_in = 1, .attr_size = sizeof(channels), .shape = ag_shape_same, .compose = how##_compose \
    };
ROW(dropout1d, channels)
ROW(dropout2d, channels)
ROW(dropout3d, channels)
ROW(alpha_dropout, alpha)
ROW(feature_alpha_dropout, alpha)

/* Ranks from..to; rank `single` is that of one image without the axis of the batch. */
static ag_tensor *dropped_channels(const ag_op *op, ag_tensor *x, double p, int from, int to, int single)
{
    ag_tape *t;
    const char *who = ag__title(op);
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who)) return NULL;
    if (!(p >= 0 && p < 1)) return ag_fail(AG_EINVAL, "%s: probability %g is not in [0, 1)", who, p), NULL;
    int rank = x->layout->rank;
    if (rank < from || rank > to)
        return ag_fail(AG_ESHAPE, "%s: %s has not %d to %d axes", who, ag__text(x->layout), from, to), NULL;
    const channels o = { p, op == &ag__op_alpha_dropout ? rank : rank == single ? 1 : 2 };
    return ag__apply(op, &o, x);
}
#define DROPOUT(fn, from, to, single)                                  \
    ag_tensor *ag_##fn(ag_tensor *x, double p)                         \
    {                                                                  \
        return dropped_channels(&ag__op_##fn, x, p, from, to, single); \
    }
DROPOUT(dropout1d, 2, 3, 2)
DROPOUT(dropout2d, 2, 4, 0)
DROPOUT(dropout3d, 4, 5, 4)
DROPOUT(alpha_dropout, 0, AG_MAX_RANK, 0)
DROPOUT(feature_alpha_dropout, 2, AG_MAX_RANK, 0)
