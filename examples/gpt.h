/* gpt.h - a decoder of Transformer blocks as in GPT-2 (Radford et al., "Language models are unsupervised multitask
 * learners", 2019): of each token it says which may come next. */
#ifndef EXAMPLES_GPT_H
#define EXAMPLES_GPT_H
#include <nn/nn.h>

typedef struct gpt_options {
    int64_t vocabulary, context, width, heads, layers; /* context: the longest sequence */
    double dropout;
    ag_dtype dtype;
    ag_tensor *(*activation)(ag_tensor *x); /* ag_gelu */
} gpt_options;

/* Tokens, integers [.., n], n at most context -> logits [.., n, vocabulary]. Parameters: positions [context, width],
 * tokens.weight, blocks.0.self_attn.in_proj_weight, ..., norm.weight, norm.bias, head.weight. */
ag_module *gpt_new(gpt_options o);
#endif
