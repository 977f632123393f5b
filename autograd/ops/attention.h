/* attention.h - scaled dot-product attention: q [.., heads, n, width], k [.., kv_heads, m, width], v [.., kv_heads, m, any],
 * one rank, equal leading axes; each kv head serves heads / kv_heads heads in a row. A mask, which may be NULL, broadcasts
 * to the scores [.., heads, n, m]. Outputs: y [.., heads, n, any], and hidden, for each query, the log of the sum of its
 * exponentials. */
#ifndef AG_OPS_ATTENTION_H
#define AG_OPS_ATTENTION_H
#include <autograd/ops/family.h>

typedef struct ag__attention {
    double scale;
    bool causal;
} ag__attention;

/* The size of an axis counted from the end, 1 for the last; 1 where there is none. */
static inline int64_t ag__attention_size(const ag__layout *l, int from_end)
{
    return l->rank < from_end ? 1 : l->dims[l->rank - from_end];
}

/* attention_blocks.c */
ag_status ag__attention_forward(ag_call *c);
ag_status ag__attention_backward(ag_call *c);
#endif
