/* ops_options.h - named arguments of the operations that have many. Zero is the default. */
#ifndef AG_OPS_OPTIONS_H
#define AG_OPS_OPTIONS_H
#include <autograd/tensor.h>

/* linear_act */
typedef enum ag_activation { AG_RELU = 1, AG_TANH, AG_SIGMOID } ag_activation;

typedef enum ag_reduction { AG_MEAN, AG_SUM, AG_NONE } ag_reduction;
/* An option given to a loss that does not have it is AG_EINVAL. */
typedef struct ag_loss_options {
    ag_reduction reduction;
    ag_tensor *weight;      /* cross_entropy, nll_loss: one number per class, a constant; the mean is then a weighted one.
                             * bce_with_logits: a factor of each loss, broadcast to the logits */
    double label_smoothing; /* cross_entropy: in [0, 1] */
    const int64_t *ignore;  /* cross_entropy, nll_loss: a class that counts for nothing, besides the negative ones */
    ag_tensor *pos_weight;  /* bce_with_logits: a factor of the target's part, broadcast to the logits */
    double delta;           /* huber_loss: where the square turns into a line; default 1 */
    uint32_t size;
} ag_loss_options;

typedef struct ag_norm_options {
    ag_tensor *weight, *bias; /* of the shape of the normalised axes; the result is multiplied by the one and the other added.
                               * rms_norm has no bias */
    double eps;               /* added to the variance; layer_norm: 1e-5, rms_norm: the dtype's epsilon */
    uint32_t size;
} ag_norm_options;

typedef struct ag_embedding_options {
    const int64_t *padding; /* a row that gets no gradient */
    uint32_t size;
} ag_embedding_options;

typedef struct ag_attention_options {
    ag_tensor *mask; /* broadcasts to the scores [.., heads, n, m]. bool: where a query may look; else added to the scores. A
                      * query that may look nowhere gets 0 */
    bool causal;     /* query i looks at keys 0 .. i only */
    double scale;    /* 1 / sqrt(width) */
    double dropout;  /* of the probabilities, in [0, 1) */
    uint32_t size;
} ag_attention_options;
#endif
