/* ops_options.h - named arguments of the operations that have many. Zero is the default. */
#ifndef AG_OPS_OPTIONS_H
#define AG_OPS_OPTIONS_H
#include <autograd/tensor.h>

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
#endif
