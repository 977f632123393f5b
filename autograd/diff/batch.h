/* batch.h - several seeds through one sweep over tensors. */
#ifndef AG_DIFF_BATCH_H
#define AG_DIFF_BATCH_H
#include <autograd/tape/state.h>

/* Can the nodes from .. top-1 be swept so, and with profit? Not scalars between them, what is watched, nor, where
 * nothing is recorded, operations whose kernels beat their rules. */
bool ag__batch_fits(const ag_tape *t, uint32_t from, uint32_t top, bool reverse);
/* The rules of c's operation with gradients [seeds, ...] and tangents [seeds, ...]; results as in the rules. */
bool ag__batch_vjp(ag_call *c, int64_t seeds);
bool ag__batch_jvp(ag_call *c, int64_t seeds);
/* Have c's tangents, of one seed, their outputs' dtypes and shapes? False: an error. */
bool ag__tangents_fit(const ag_call *c);
/* g [seeds, ...], summed over what broadcasting repeated: [seeds, shape of like]. */
ag_tensor *ag__batch_sum_to(ag_tensor *g, int64_t seeds, ag_tensor *like);
#endif
