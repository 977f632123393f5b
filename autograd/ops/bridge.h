/* bridge.h - the two operations with scalars on one side; the walk visits their nodes always. */
#ifndef AG_OPS_BRIDGE_H
#define AG_OPS_BRIDGE_H
#include <autograd/tape/state.h>

extern const ag_op ag__op_pack, ag__op_unpack;

/* What a pack node keeps: where its scalars' ids stand in the stream. An unpack node's scalars are the n inputs recorded
 * right after it, from the id of its mark on. */
struct ag__pack { const uint32_t *id; };

static inline bool ag__is_bridge(const ag_tensor *y) { return y->op == &ag__op_pack || y->op == &ag__op_unpack; }

/* The walks over a bridge node, both directions. The adjoints or tangents of the scalars are in t->sweep; a tensor's
 * recorded adjoint or tangent is handed in, or comes back where a new one arises (NULL: none). False: error remembered. */
bool ag__bridge_reverse_plain(ag_tape *t, ag_tensor *y);
bool ag__pack_reverse(ag_tape *t, ag_tensor *y, ag_tensor *g);
bool ag__unpack_reverse(ag_tape *t, ag_tensor *y, ag_tensor **gin);
bool ag__pack_forward(ag_tape *t, ag_tensor *y, ag_tensor **tangent);
bool ag__unpack_forward(ag_tape *t, ag_tensor *y, ag_tensor *tangent);
#endif
