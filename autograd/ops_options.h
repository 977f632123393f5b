/* ops_options.h - named arguments of the operations that have many. Zero is the default. */
#ifndef AG_OPS_OPTIONS_H
#define AG_OPS_OPTIONS_H
#include <autograd/tensor.h>

typedef enum ag_reduction { AG_MEAN, AG_SUM, AG_NONE } ag_reduction;
typedef struct ag_loss_options {
    ag_reduction reduction;
    ag_tensor *weight;      /* cross_entropy: one number per class; the mean is then a weighted one */
    double label_smoothing; /* cross_entropy: in [0, 1] */
    const int64_t *ignore;  /* cross_entropy: a class that counts for nothing, besides the negative ones */
    uint32_t size;
} ag_loss_options;
#endif
