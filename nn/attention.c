/* attention.c - self-attention with several heads, and the Transformer's block around it (Vaswani et al., "Attention is
 * all you need", 2017; normalised before, not after: Xiong et al., "On layer normalization in the Transformer
 * architecture", 2020). Parameters have PyTorch's names and shapes. */
#include <nn/init.h>
#include <nn/layers.h>

/* ---- MultiheadAttention ------------------------------------------------------------------------------------------ */

struct attention {
    ag_tensor *weight, *bias; /* in_proj: queries, keys and values under each other */
    ag_module *out;
    int64_t heads, kv_heads;
    double dropout;
    bool causal;
};

/* Heads from .. to-1 of [.., n, heads, width] as [.., heads, n, width]: a view. */
static ag_tensor *heads_of(ag_tensor *x, int64_t from, int64_t to)
{
    return ag_transpose(ag_slice(x, -2, from, to), -2, -3);
}

/* x [.., n, a] as [.., n, heads, a / heads]; heads 0: [.., n, heads, width] as [.., n, heads width]. */
static ag_tensor *split(ag_tensor *x, int64_t heads)
{
    if (!x) return NULL;
    int64_t dims[AG_MAX_RANK];
    int rank = ag_rank(x), last = heads ? rank : rank - 2;
    for (int i = 0; i < rank && i < AG_MAX_RANK; i++) dims[i] = ag_size(x, i);
    if (heads)
        dims[last] = dims[last - 1] / heads, dims[last - 1] = heads;
    else
        dims[last] *= dims[last + 1];
    return (ag_reshape)(x, last + 1, dims);
}

static ag_tensor *attention_forward(ag_module *m, ag_tensor *x)
{
    const struct attention *a = ag_self(m);
    int rank = ag_rank(x);
    if (rank < 2 || rank >= AG_MAX_RANK || ag_size(x, -1) != ag_size(a->weight, 1))
        return ag_fail(AG_ESHAPE,
                       "ag_MultiheadAttention: an input of %d axes, the last %lld long; it takes [.., n, %lld]", rank,
                       (long long)(rank ? ag_size(x, -1) : 1), (long long)ag_size(a->weight, 1)),
               NULL;
    int64_t h = a->heads, kv = a->kv_heads;
    ag_tensor *qkv = split(ag_linear(x, a->weight, a->bias), h + 2 * kv);
    ag_tensor *y = ag_attention(heads_of(qkv, 0, h), heads_of(qkv, h, h + kv), heads_of(qkv, h + kv, h + 2 * kv),
                                .causal = a->causal, .dropout = ag_is_training(m) ? a->dropout : 0);
    return ag_forward(a->out, split(y ? ag_transpose(y, -2, -3) : NULL, 0));
}

/* The projection of the inputs; scores and weighted sums, the whole square also where it is causal. */
static double attention_count(ag_module *m, const ag_tensor *x, const ag_tensor *y)
{
    const struct attention *a = ag_self(m);
    (void)x;
    return (double)ag_numel(y) * ((double)ag_size(a->weight, 0) + 2 * (double)ag_size(y, -2));
}

static bool good_attention(int64_t width, int64_t heads, int64_t kv_heads, double dropout)
{
    if (width < 1 || heads < 1 || width % heads)
        ag_fail(AG_EINVAL, "ag_MultiheadAttention: %lld heads cannot share a width of %lld", (long long)heads,
                (long long)width);
    else if (kv_heads < 1 || heads % kv_heads)
        ag_fail(AG_EINVAL, "ag_MultiheadAttention: %lld heads cannot share %lld of keys and values", (long long)heads,
                (long long)kv_heads);
    else if (!(dropout >= 0 && dropout < 1))
        ag_fail(AG_EINVAL, "ag_MultiheadAttention: dropout %g is not in [0, 1)", dropout);
    else
        return true;
    return false;
}

ag_module *(ag_MultiheadAttention)(int64_t width, int64_t heads, const ag_mha_options *options)
{
    ag_mha_options o = options ? *options : (ag_mha_options){ .dtype = AG_F32 };
    int64_t kv_heads = o.kv_heads ? o.kv_heads : heads;
    if (!good_attention(width, heads, kv_heads, o.dropout)) return NULL;
    ag_module *m = ag_module_new("MultiheadAttention", attention_forward, sizeof(struct attention));
    struct attention *a = ag_self(m);
    if (!a) return NULL;
    ag_module_on_count(m, attention_count);
    int64_t rows = width + 2 * kv_heads * (width / heads);
    *a = (struct attention){ .heads = heads, .kv_heads = kv_heads, .dropout = o.dropout, .causal = o.causal };
    a->weight = ag_own(m, "in_proj_weight", ag_init_xavier_uniform(ag_param(o.dtype, rows, width)));
    if (!o.no_bias) a->bias = ag_own(m, "in_proj_bias", ag_param(o.dtype, rows));
    a->out = ag_child(m, "out_proj", ag_Linear(width, width, .dtype = o.dtype, .no_bias = o.no_bias));
    if (a->out && !o.no_bias) ag_fill(ag_module_tensor(a->out, "bias"), 0);
    return ag_module_done(m);
}

/* ---- TransformerBlock -------------------------------------------------------------------------------------------- */

struct block {
    ag_module *attention, *linear1, *linear2, *norm1, *norm2;
    ag_tensor *(*activation)(ag_tensor *x);
    double dropout;
};

static ag_tensor *block_forward(ag_module *m, ag_tensor *x)
{
    const struct block *b = ag_self(m);
    double p = ag_is_training(m) ? b->dropout : 0;
    ag_tensor *y = ag_forward(b->attention, ag_forward(b->norm1, x));
    x = ag_add(x, p > 0 ? ag_dropout(y, p) : y);
    y = b->activation(ag_forward(b->linear1, ag_forward(b->norm2, x)));
    y = ag_forward(b->linear2, p > 0 ? ag_dropout(y, p) : y);
    return ag_add(x, p > 0 ? ag_dropout(y, p) : y);
}

ag_module *(ag_TransformerBlock)(int64_t width, int64_t heads, const ag_transformer_options *options)
{
    ag_transformer_options o = options ? *options : (ag_transformer_options){ .dtype = AG_F32 };
    int64_t hidden = o.hidden ? o.hidden : 4 * width;
    ag_module *m = ag_module_new("TransformerBlock", block_forward, sizeof(struct block));
    struct block *b = ag_self(m);
    if (!b) return NULL;
    b->activation = o.activation ? o.activation : ag_gelu;
    b->dropout = o.dropout;
    b->attention = ag_child(m, "self_attn",
                            ag_MultiheadAttention(width, heads, .dtype = o.dtype, .kv_heads = o.kv_heads,
                                                  .dropout = o.dropout, .causal = o.causal, .no_bias = o.no_bias));
    b->linear1 = ag_child(m, "linear1", ag_Linear(width, hidden, .dtype = o.dtype, .no_bias = o.no_bias));
    b->linear2 = ag_child(m, "linear2", ag_Linear(hidden, width, .dtype = o.dtype, .no_bias = o.no_bias));
    b->norm1 = ag_child(m, "norm1", ag_LayerNorm(width, .dtype = o.dtype, .eps = o.eps, .no_bias = o.no_bias));
    b->norm2 = ag_child(m, "norm2", ag_LayerNorm(width, .dtype = o.dtype, .eps = o.eps, .no_bias = o.no_bias));
    return ag_module_done(m);
}
