/* gpt.c - the network of gpt.h, as a module of one's own. */
#include <examples/gpt.h>

struct gpt {
    ag_tensor *positions;
    ag_module *tokens, *blocks, *norm, *head;
};

static ag_tensor *forward(ag_module *m, ag_tensor *token)
{
    const struct gpt *g = ag_self(m);
    ag_tensor *x = ag_add(ag_forward(g->tokens, token), ag_slice(g->positions, 0, 0, ag_size(token, -1)));
    return ag_forward(g->head, ag_forward(g->norm, ag_forward(g->blocks, x)));
}

ag_module *gpt_new(gpt_options o)
{
    ag_module *m = ag_module_new("GPT", forward, sizeof(struct gpt)), *blocks = (ag_Sequential)(0, NULL);
    struct gpt *g = ag_self(m);
    for (int64_t i = 0; i < o.layers; i++) {
        char name[24];
        snprintf(name, sizeof name, "%lld", (long long)i);
        ag_child(blocks, name,
                 ag_TransformerBlock(o.width, o.heads, .dtype = o.dtype, .dropout = o.dropout, .causal = true,
                                     .activation = o.activation));
    }
    if (!g) return ag_module_free(blocks), NULL;
    g->positions = ag_own(m, "positions", ag_init_normal(ag_param(o.dtype, o.context, o.width), 0, 0.02));
    g->tokens = ag_child(m, "tokens", ag_Embedding(o.vocabulary, o.width, .dtype = o.dtype));
    g->blocks = ag_child(m, "blocks", blocks);
    g->norm = ag_child(m, "norm", ag_LayerNorm(o.width, .dtype = o.dtype));
    g->head = ag_child(m, "head", ag_Linear(o.width, o.vocabulary, .dtype = o.dtype, .no_bias = true));
    if (g->tokens) ag_init_normal(ag_module_tensor(m, "tokens.weight"), 0, 0.02);
    return ag_module_done(m);
}
