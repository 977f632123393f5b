/* embedding.c - rows of a table, chosen by integers; the gradient adds rows up where they came from. */
#include <autograd/base/pool.h>
#include <autograd/ops/family.h>

typedef struct lookup {
    bool pads;
    int64_t padding; /* a row without gradient */
} lookup;

static ag_status embedding_shape(const ag_call *c, ag_shape *out)
{
    if (!c->in[1]) return ag_fail(AG_ENULL, "ag_embedding: the index is NULL");
    const ag__layout *w = c->in[0]->layout, *index = c->in[1]->layout;
    const lookup *o = c->attr;
    if (!ag__is_integer(index->dtype))
        return ag_fail(AG_EDTYPE, "ag_embedding: the index is %s %s; it must be i64, i32 or u8",
                       ag_dtype_name(index->dtype), ag__text(index));
    if (w->rank != 2) return ag_fail(AG_ESHAPE, "ag_embedding: weight %s is not [rows, width]", ag__text(w));
    if (index->rank == AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "ag_embedding: the index %s leaves no axis for the rows", ag__text(index));
    if (o->pads && (o->padding < 0 || o->padding >= w->dims[0]))
        return ag_fail(AG_EINVAL, "ag_embedding: .padding %lld is none of the rows of weight %s", (long long)o->padding,
                       ag__text(w));
    ag__shape_copy(out, index);
    out->dtype = w->dtype;
    out->dims[out->rank++] = w->dims[1];
    return AG_OK;
}

static ag_status embedding_forward(ag_call *c)
{
    const ag__layout *w = c->in[0]->layout, *index = c->in[1]->layout;
    size_t bytes = (size_t)w->dims[1] * w->item;
    const char *table = c->in[0]->data;
    char *y = c->out[0]->data;
    for (int64_t i = 0; i < index->numel; i++, y += bytes) {
        int64_t at = ag__whole(index->dtype, c->in[1]->data, i);
        if (at < 0 || at >= w->dims[0])
            return ag_fail(AG_EINVAL, "ag_embedding: index %lld at position %lld is none of the rows of weight %s",
                           (long long)at, (long long)i, ag__text(w));
        memcpy(y, table + (size_t)at * bytes, bytes);
    }
    return AG_OK;
}

/* Each piece has some rows of the table and adds what belongs to them, in the order of the index. */
struct scatter {
    const ag_call *c;
    int64_t pieces;
};
static void scatter_piece(void *context, int64_t piece)
{
    const struct scatter *s = context;
    const ag_call *c = s->c;
    const ag__layout *w = c->in[0]->layout, *index = c->in[1]->layout;
    const ag__kernels *k = ag__kernels_for(w->dtype);
    const lookup *o = c->attr;
    int64_t from = w->dims[0] * piece / s->pieces, to = w->dims[0] * (piece + 1) / s->pieces;
    int64_t width = w->dims[1], bytes = width * (int64_t)w->item;
    char *d = c->gin[0]->data;
    const char *g = c->g[0]->data;
    if (!c->add[0]) memset(d + from * bytes, 0, (size_t)((to - from) * bytes));
    for (int64_t i = 0; i < index->numel; i++) {
        int64_t at = ag__whole(index->dtype, c->in[1]->data, i);
        if (at >= from && at < to && !(o->pads && at == o->padding))
            k->copy(width, g + i * bytes, 1, d + at * bytes, 1, true);
    }
}
static ag_status embedding_backward(ag_call *c)
{
    enum { ELEMENTS_APIECE = 131072, MOST = 16 };
    int64_t pieces = (c->out[0]->layout->numel + c->in[0]->layout->numel) / ELEMENTS_APIECE;
    struct scatter s = { c, pieces < 1 ? 1 : pieces < MOST ? pieces : MOST };
    ag__parallel(s.pieces, scatter_piece, &s);
    return AG_OK;
}

/* rows, those of the padding made 0 */
static ag_tensor *kept(const ag_call *c, ag_tensor *rows)
{
    const lookup *o = c->attr;
    if (!o->pads) return rows;
    return ag_where(ag_unsqueeze(ag_ne(c->in[1], (double)o->padding), -1), rows, ag_num(0));
}
static ag_tensor *scattered(const ag_call *c, ag_tensor *g)
{
    int64_t n = c->in[1]->layout->numel;
    return ag_index_add(ag_zeros_like(c->in[0]), 0, (ag_reshape)(c->in[1], 1, &n),
                        ag_reshape(kept(c, g), n, c->in[0]->layout->dims[1]));
}
AG__VJP1(embedding_vjp, scattered(c, g))
AG__JVP1(embedding_jvp, kept(c, ag_embedding(t, c->in[1])))

const ag_op ag__op_embedding = { .name = "embedding",
                                 .n_in = 2,
                                 .attr_size = sizeof(lookup),
                                 .shape = embedding_shape,
                                 .forward = embedding_forward,
                                 .vjp = embedding_vjp,
                                 .jvp = embedding_jvp,
                                 .backward = embedding_backward,
                                 .saves = AG_SAVES_IN(1) };

ag_tensor *(ag_embedding)(ag_tensor *weight, ag_tensor *index, const ag_embedding_options *o)
{
    ag_tape *t;
    if (!ag__begin(&t, &weight, "ag_embedding") || !ag__need_float(weight, "ag_embedding")) return NULL;
    lookup l = { .pads = o && o->padding, .padding = o && o->padding ? *o->padding : 0 };
    return ag__apply(&ag__op_embedding, &l, weight, index);
}
