/* init.h - initial values, written in place from the thread's generator; no tape is needed and none is touched.
 *
 * Each returns its tensor, also on failure, so that it can be wrapped:
 * ag_own(m, "weight", ag_init_kaiming_normal(ag_param(AG_F32, out, in))).
 * Of a weight [out, in, ...], fan-in is the product of all sizes but the first, fan-out of all but the second. */
#ifndef AG_NN_INIT_H
#define AG_NN_INIT_H
#include <autograd/autograd.h>
AG_BEGIN

AG_API ag_tensor *ag_init_constant(ag_tensor *w, double value);
AG_API ag_tensor *ag_init_uniform(ag_tensor *w, double low, double high);
AG_API ag_tensor *ag_init_normal(ag_tensor *w, double mean, double std);
AG_API ag_tensor *ag_init_trunc_normal(ag_tensor *w, double mean, double std); /* drawn again beyond 2 std */

typedef struct ag_init_options {
    double gain;  /* Xavier: 1, Kaiming: AG_GAIN_RELU */
    bool fan_out; /* Kaiming: keep the variance of gradients, not of activations */
    uint32_t size;
} ag_init_options;
/* Standard deviation gain sqrt(2 / (fan_in + fan_out)). Glorot & Bengio, "Understanding the difficulty of training deep
 * feedforward neural networks", 2010. */
AG_API ag_tensor *ag_init_xavier_uniform(ag_tensor *w, AG_OPTIONS(ag_init_options));
AG_API ag_tensor *ag_init_xavier_normal(ag_tensor *w, AG_OPTIONS(ag_init_options));
/* Standard deviation gain / sqrt(fan). He, Zhang, Ren & Sun, "Delving deep into rectifiers", 2015. */
AG_API ag_tensor *ag_init_kaiming_uniform(ag_tensor *w, AG_OPTIONS(ag_init_options));
AG_API ag_tensor *ag_init_kaiming_normal(ag_tensor *w, AG_OPTIONS(ag_init_options));
/* The rows of w as [first size, rest], or its columns if these are fewer, are orthogonal and of length gain, in a
 * uniformly random direction. Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in
 * deep linear neural networks", 2014. */
AG_API ag_tensor *ag_init_orthogonal(ag_tensor *w, double gain);

/* What keeps the variance through an activation, as PyTorch's calculate_gain; of a linear or sigmoid one it is 1. */
#define AG_GAIN_RELU 1.4142135623730951
#define AG_GAIN_TANH (5.0 / 3)
#define AG_GAIN_SELU 0.75
AG_API double ag_gain_leaky_relu(double slope); /* sqrt(2 / (1 + slope^2)) */

AG_END
#ifndef __cplusplus
#define ag_init_xavier_uniform(...)                                                                                    \
    AG__CALL1(ag_init_xavier_uniform, ag_init_options, __VA_ARGS__, AG__SIZE(ag_init_options))
#define ag_init_xavier_normal(...)                                                                                     \
    AG__CALL1(ag_init_xavier_normal, ag_init_options, __VA_ARGS__, AG__SIZE(ag_init_options))
#define ag_init_kaiming_uniform(...)                                                                                   \
    AG__CALL1(ag_init_kaiming_uniform, ag_init_options, __VA_ARGS__, AG__SIZE(ag_init_options))
#define ag_init_kaiming_normal(...)                                                                                    \
    AG__CALL1(ag_init_kaiming_normal, ag_init_options, __VA_ARGS__, AG__SIZE(ag_init_options))
#endif
#endif
