/* embedding.c - a table of vectors, one for each of a number of things. */
#include <nn/init.h>
#include <nn/layers.h>

struct embedding {
    ag_tensor *weight;
    const int64_t *padding; /* NULL, or the row below */
    int64_t row;
};

static ag_tensor *embedding_forward(ag_module *m, ag_tensor *index)
{
    const struct embedding *e = ag_self(m);
    return ag_embedding(e->weight, index, .padding = e->padding);
}

/* A tape of its own, for the view: there need be none. */
static void clear_row(ag_tensor *weight, int64_t row)
{
    ag_tape *tape = ag_tape_new();
    if (tape) ag_fill(ag_select(weight, 0, row), 0);
    ag_tape_free(tape);
}

ag_module *(ag_Embedding)(int64_t count, int64_t width, const ag_embedding_layer_options *options)
{
    ag_embedding_layer_options o = options ? *options : (ag_embedding_layer_options){ .dtype = AG_F32 };
    if (count < 1) return ag_fail(AG_EINVAL, "ag_Embedding: count %lld; it takes 1 or more", (long long)count), NULL;
    if (width < 1) return ag_fail(AG_EINVAL, "ag_Embedding: width %lld; it takes 1 or more", (long long)width), NULL;
    if (o.padding && (*o.padding < 0 || *o.padding >= count))
        return ag_fail(AG_EINVAL, "ag_Embedding: padding %lld is none of %lld rows", (long long)*o.padding,
                       (long long)count),
               NULL;
    ag_module *m = ag_module_new("Embedding", embedding_forward, sizeof(struct embedding));
    struct embedding *e = ag_self(m);
    if (!e) return NULL;
    e->weight = ag_own(m, "weight", ag_init_normal(ag_param(o.dtype, count, width), 0, 1));
    if (e->weight && o.padding) {
        e->row = *o.padding, e->padding = &e->row;
        clear_row(e->weight, e->row);
    }
    return ag_module_done(m);
}
