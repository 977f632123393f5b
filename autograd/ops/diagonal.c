/* diagonal.c - diagonals as views, and matrices with such diagonals; triangles. All linear: diagonal and diag_embed are
 * each other's derivative, tril and triu their own. */
#include <autograd/ops/family.h>

/* ---- diagonals ---- */

typedef struct diag {
    int a, b; /* axes of the rows and the columns */
    int64_t offset, rows, columns;
} diag;

/* What of `whole` lies on the diagonal, which becomes the last axis; *from: its first element. */
static bool diagonal_of(ag__layout *part, const ag__layout *whole, const diag *d, int64_t *from, const char *who)
{
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK], below = d->offset < 0 ? -d->offset : 0, right = below + d->offset;
    int64_t n = d->rows - below < d->columns - right ? d->rows - below : d->columns - right;
    int at = 0;
    for (int i = 0; i < whole->rank; i++)
        if (i != d->a && i != d->b) dims[at] = whole->dims[i], strides[at++] = whole->strides[i];
    dims[at] = n > 0 ? n : 0, strides[at++] = whole->strides[d->a] + whole->strides[d->b];
    *from = n > 0 ? below * whole->strides[d->a] + right * whole->strides[d->b] : 0;
    return ag__layout_set(part, whole->dtype, at, dims, strides, who);
}

static ag_status embed_shape(const ag_call *c, ag_shape *out)
{
    const diag *d = c->attr;
    const ag__layout *l = c->in[0]->layout;
    out->dtype = l->dtype, out->rank = l->rank + 1;
    for (int i = 0, from = 0; i < out->rank; i++)
        out->dims[i] = i == d->a ? d->rows : i == d->b ? d->columns : l->dims[from++];
    return AG_OK;
}
static ag_status embed_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout, *whole = c->out[0]->layout;
    ag__layout part;
    int64_t from;
    memset(c->out[0]->data, 0, (size_t)whole->numel * whole->item);
    if (l->numel == 0) return AG_OK;
    if (!diagonal_of(&part, whole, c->attr, &from, "ag_diag_embed")) return ag_error();
    ag__copy_into(&part, (char *)c->out[0]->data + from * (int64_t)whole->item, l, c->in[0]->data, false);
    return AG_OK;
}
static ag_tensor *embedded(const diag *d, ag_tensor *x)
{
    return ag__apply(&ag__op_diag_embed, d, x);
}
static ag_tensor *diagonal(const diag *d, ag_tensor *x)
{
    ag__layout part;
    int64_t from;
    if (!x || !diagonal_of(&part, x->layout, d, &from, "ag_diagonal")) return NULL;
    return ag__view_as(ag__here.tape, &ag__op_diagonal, d, x, part.rank, part.dims, part.strides, from);
}
AG__VJP1(embed_vjp, diagonal(c->attr, g))
AG__JVP1(embed_jvp, embedded(c->attr, t))
AG__VJP1(diagonal_vjp, embedded(c->attr, g))
AG__JVP1(diagonal_jvp, diagonal(c->attr, t))

const ag_op ag__op_diag_embed = { .name = "diag_embed",
                                  .n_in = 1,
                                  .attr_size = sizeof(diag),
                                  .shape = embed_shape,
                                  .forward = embed_forward,
                                  .vjp = embed_vjp,
                                  .jvp = embed_jvp,
                                  .saves = AG_SAVES_NOTHING,
                                  .flags = AG_OP_STRIDED };
const ag_op ag__op_diagonal = { .name = "diagonal",
                                .n_in = 1,
                                .attr_size = sizeof(diag),
                                .vjp = diagonal_vjp,
                                .jvp = diagonal_jvp,
                                .saves = AG_SAVES_NOTHING,
                                .flags = AG_OP_VIEW };

/* The two axes asked for, of `rank` axes, or the default. */
static bool two_axes(diag *d, const ag_diag_options *o, int rank, const ag__layout *l, const char *who)
{
    if (rank < 2 || rank > AG_MAX_RANK || (o->axes.n != 0 && o->axes.n != 2))
        return ag_fail(AG_ESHAPE, "%s: %s has no place for %d axes of a matrix", who, ag__text(l),
                       o->axes.n ? o->axes.n : 2),
               false;
    if (o->axes.n) d->a = o->axes.at[0], d->b = o->axes.at[1];
    if (d->a < 0) d->a += rank;
    if (d->b < 0) d->b += rank;
    if (d->a >= 0 && d->a < rank && d->b >= 0 && d->b < rank && d->a != d->b) return true;
    ag_fail(AG_EINVAL, "%s: axes %d and %d of the %d that %s has or gets", who, o->axes.at[0], o->axes.at[1], rank,
            ag__text(l));
    return false;
}
static bool bounded(int64_t offset, const ag__layout *l, const char *who)
{
    enum { FAR = 1 << 30 };
    if (offset > -FAR && offset < FAR) return true;
    ag_fail(AG_EINVAL, "%s: diagonal %lld of %s", who, (long long)offset, ag__text(l));
    return false;
}

ag_tensor *(ag_diagonal)(ag_tensor *x, const ag_diag_options *options)
{
    ag_tape *t;
    ag_diag_options o = options ? *options : (ag_diag_options){ .offset = 0 };
    diag d = { .a = 0, .b = 1, .offset = o.offset };
    if (!ag__begin(&t, &x, "ag_diagonal") || !two_axes(&d, &o, x->layout->rank, x->layout, "ag_diagonal") ||
        !bounded(o.offset, x->layout, "ag_diagonal"))
        return NULL;
    d.rows = x->layout->dims[d.a], d.columns = x->layout->dims[d.b];
    return diagonal(&d, x);
}

ag_tensor *(ag_diag_embed)(ag_tensor *x, const ag_diag_options *options)
{
    ag_tape *t;
    ag_diag_options o = options ? *options : (ag_diag_options){ .offset = 0 };
    diag d = { .a = -2, .b = -1, .offset = o.offset };
    if (!ag__begin(&t, &x, "ag_diag_embed") || !two_axes(&d, &o, x->layout->rank + 1, x->layout, "ag_diag_embed") ||
        !bounded(o.offset, x->layout, "ag_diag_embed"))
        return NULL;
    d.rows = d.columns = x->layout->dims[x->layout->rank - 1] + (o.offset < 0 ? -o.offset : o.offset);
    return embedded(&d, x);
}

/* ---- diag: the one or the other ---- */

static ag_status diag_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = c->in[0]->layout;
    int64_t k = *(const int64_t *)c->attr;
    if (l->rank < 1 || l->rank > 2)
        return ag_fail(AG_ESHAPE, "ag_diag: %s is neither a vector nor a matrix", ag__text(l));
    if (!bounded(k, l, "ag_diag")) return ag_error();
    int64_t below = k < 0 ? -k : 0, right = below + k;
    ag__shape_copy(out, l);
    out->rank = 3 - l->rank;
    if (l->rank == 1)
        out->dims[0] = out->dims[1] = l->dims[0] + below + right;
    else {
        int64_t rows = l->dims[0] - below, columns = l->dims[1] - right, n = rows < columns ? rows : columns;
        out->dims[0] = n > 0 ? n : 0;
    }
    return AG_OK;
}
static ag_tensor *diag_compose(const ag_call *c)
{
    const ag_diag_options o = { .offset = *(const int64_t *)c->attr };
    return c->in[0]->layout->rank == 1 ? (ag_diag_embed)(c->in[0], &o) : (ag_diagonal)(c->in[0], &o);
}
const ag_op ag__op_diag = {
    .name = "diag", .n_in = 1, .attr_size = sizeof(int64_t), .shape = diag_shape, .compose = diag_compose
};
ag_tensor *ag_diag(ag_tensor *x, int64_t offset)
{
    return ag__apply(&ag__op_diag, &offset, x);
}

/* ---- tril and triu: the others become 0 ---- */

static ag_status triangle_shape(const ag_call *c, ag_shape *out)
{
    const ag__layout *l = c->in[0]->layout;
    if (l->rank < 2) return ag_fail(AG_ESHAPE, "%s: %s is no matrix", ag__title(c->op), ag__text(l));
    if (!bounded(*(const int64_t *)c->attr, l, ag__title(c->op))) return ag_error();
    return ag_shape_same(c, out);
}
static ag_status triangle_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    int64_t rows = l->dims[l->rank - 2], n = l->dims[l->rank - 1], k = *(const int64_t *)c->attr;
    bool lower = c->op == &ag__op_tril;
    for (int64_t r = 0; l->numel && r < l->numel / n; r++) {
        int64_t split = r % rows + k + lower; /* columns before it belong to the lower part */
        split = split < 0 ? 0 : split > n ? n : split;
        int64_t from = lower ? 0 : split, to = lower ? split : n;
        char *y = (char *)c->out[0]->data + (size_t)(r * n) * l->item;
        memset(y, 0, (size_t)n * l->item);
        memcpy(y + (size_t)from * l->item, (char *)c->in[0]->data + (size_t)(r * n + from) * l->item,
               (size_t)(to - from) * l->item);
    }
    return AG_OK;
}
static ag_tensor *again(const ag_call *c, ag_tensor *x)
{
    return ag__apply(c->op, c->attr, x);
}
AG__VJP1(triangle_vjp, again(c, g))
AG__JVP1(triangle_jvp, again(c, t))

#define TRIANGLE(fn)                                          \
    const ag_op ag__op_##fn = { .name = #fn,                  \
                                .n_in = 1,                    \
                                .attr_size = sizeof(int64_t), \
                                .shape = triangle_shape,      \
                                .forward = triangle_forward,  \
                                .vjp = triangle_vjp,          \
                                .jvp = triangle_jvp,          \
                                .saves = AG_SAVES_NOTHING };  \
    ag_tensor *ag_##fn(ag_tensor *x, int64_t offset)          \
    {                                                         \
        return ag__apply(&ag__op_##fn, &offset, x);           \
    }
TRIANGLE(tril)
TRIANGLE(triu)
