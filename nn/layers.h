/* layers.h - ready-made modules, with PyTorch's names, layouts and default initialisation.
 *
 * Each returns a module, or NULL with the error remembered. Random initial values come from the thread's generator. */
#ifndef AG_NN_LAYERS_H
#define AG_NN_LAYERS_H
#include <nn/module.h>
AG_BEGIN

typedef struct ag_layer_options {
    ag_dtype dtype; /* f32 */
    bool no_bias;
    uint32_t size;
} ag_layer_options;

typedef struct ag_norm_layer_options {
    ag_dtype dtype;
    double eps;     /* ag_LayerNorm: 1e-5, ag_RMSNorm: the dtype's epsilon */
    bool no_affine; /* neither weight nor bias */
    bool no_bias;
    uint32_t size;
} ag_norm_layer_options;
typedef struct ag_embedding_layer_options {
    ag_dtype dtype;
    const int64_t *padding; /* a row that begins as zeros and gets no gradient */
    uint32_t size;
} ag_embedding_layer_options;
typedef struct ag_mha_options {
    ag_dtype dtype;
    int64_t kv_heads; /* of keys and values, each shared by heads / kv_heads heads; default heads */
    double dropout;   /* of the probabilities, in train mode */
    bool causal;      /* an element looks at itself and what is before it only */
    bool no_bias;
    uint32_t size;
} ag_mha_options;
typedef struct ag_transformer_options {
    ag_dtype dtype;
    int64_t hidden;                          /* between the two linear layers; 4 width */
    int64_t kv_heads;                        /* as in ag_mha_options */
    ag_tensor *(*activation)(ag_tensor *x);  /* ag_gelu */
    double dropout;                          /* of probabilities, activations and both results, in train mode */
    double eps;                              /* of the norms: 1e-5 */
    bool causal, no_bias;
    uint32_t size;
} ag_transformer_options;

/* ---- containers: take their children over, also when they fail -------------------------------------------------- */
/* One after the other: ag_Sequential(a, b, c). Names "0", "1", ...; of nothing it is the identity. */
AG_API ag_module *ag_Sequential(int n, ag_module *const *child);
AG_API ag_module *ag_Residual(ag_module *body); /* x + body(x); name "body" */

/* ---- layers ------------------------------------------------------------------------------------------------------ */
/* Any unary function: ag_Act(ag_relu). */
AG_API ag_module *ag_Act(ag_tensor *(*f)(ag_tensor *x));
/* x weight' + bias: [..., in] -> [..., out]; weight [out, in] and bias [out] uniform within 1 / sqrt(in). */
AG_API ag_module *ag_Linear(int64_t in, int64_t out, AG_OPTIONS(ag_layer_options));
/* In train mode each element is zeroed with probability p, in [0, 1), and the others are scaled by 1 / (1 - p); in eval
 * mode x passes. */
AG_API ag_module *ag_Dropout(double p);
AG_API ag_module *ag_Flatten(void); /* [n, ...] -> [n, rest] */
/* Over the last axis, of this width; weight [width], ones, and bias [width], zeros; ag_RMSNorm has no bias. */
AG_API ag_module *ag_LayerNorm(int64_t width, AG_OPTIONS(ag_norm_layer_options));
AG_API ag_module *ag_RMSNorm(int64_t width, AG_OPTIONS(ag_norm_layer_options));
/* Integers below count, [...] -> [..., width]; weight [count, width] standard normal. */
AG_API ag_module *ag_Embedding(int64_t count, int64_t width, AG_OPTIONS(ag_embedding_layer_options));

/* ---- Transformers: [.., n, width] -> [.., n, width] -------------------------------------------------------------- */
/* Self-attention: in_proj_weight [3 width, width] Xavier-uniform, in_proj_bias [3 width] zeros, out_proj a Linear with
 * zero bias. With fewer kv_heads the rows of keys and values are as many as these have. */
AG_API ag_module *ag_MultiheadAttention(int64_t width, int64_t heads, AG_OPTIONS(ag_mha_options));
/* y = x + self_attn(norm1(x)), then y + linear2(activation(linear1(norm2(y)))): PyTorch's TransformerEncoderLayer with
 * norm_first=True. */
AG_API ag_module *ag_TransformerBlock(int64_t width, int64_t heads, AG_OPTIONS(ag_transformer_options));

AG_END
#ifndef __cplusplus
#define ag_Sequential(...)                                                                                             \
    (ag_Sequential)((int)(sizeof((ag_module *[]){ __VA_ARGS__ }) / sizeof(ag_module *)),                               \
                    (ag_module *const[]){ __VA_ARGS__ })
#define ag_Linear(...) AG__CALL2(ag_Linear, ag_layer_options, __VA_ARGS__, AG__SIZE(ag_layer_options))
#define ag_LayerNorm(...) AG__CALL1(ag_LayerNorm, ag_norm_layer_options, __VA_ARGS__, AG__SIZE(ag_norm_layer_options))
#define ag_RMSNorm(...) AG__CALL1(ag_RMSNorm, ag_norm_layer_options, __VA_ARGS__, AG__SIZE(ag_norm_layer_options))
#define ag_Embedding(...)                                                                                              \
    AG__CALL2(ag_Embedding, ag_embedding_layer_options, __VA_ARGS__, AG__SIZE(ag_embedding_layer_options))
#define ag_MultiheadAttention(...) AG__CALL2(ag_MultiheadAttention, ag_mha_options, __VA_ARGS__, AG__SIZE(ag_mha_options))
#define ag_TransformerBlock(...)                                                                                       \
    AG__CALL2(ag_TransformerBlock, ag_transformer_options, __VA_ARGS__, AG__SIZE(ag_transformer_options))
#else
template <class... M> inline ag_module *ag_Sequential(ag_module *first, M *...rest)
{
    ag_module *const all[] = { first, rest... };
    return ag_Sequential(1 + int(sizeof...(rest)), all);
}
#endif
#endif
