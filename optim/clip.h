/* clip.h - between ag_backward and ag_step: measures the collected gradients, and bounds them.
 * Each returns what it measured before. Parameters without a gradient count for nothing; without any the answer is 0.
 * A NaN among the gradients is the answer. NaN too for an argument out of range, which is reported (AG_EINVAL). */
#ifndef AG_CLIP_H
#define AG_CLIP_H
#include <autograd/tensor.h>
AG_BEGIN

/* The Euclidean norm of all gradients as one vector. */
AG_API double ag_grad_norm(ag_params params);
/* Scales all gradients by limit / (norm + 1e-6), as PyTorch does, if that is below 1; so a norm that is not finite makes
 * them useless. A limit of INFINITY only measures. */
AG_API double ag_clip_norm(ag_params params, double limit);
/* The same with the p-norm, p > 0; INFINITY for the largest magnitude. */
AG_API double ag_clip_norm_p(ag_params params, double limit, double p);
/* Moves each entry into [low, high]; returns the largest magnitude. */
AG_API double ag_clip_value(ag_params params, double low, double high);

AG_END
#endif
