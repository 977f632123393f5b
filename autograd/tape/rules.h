/* rules.h - the few helpers that ops.def's vjp column needs besides the public operations, for scalars and tensors. */
#ifndef AG_TAPE_RULES_H
#define AG_TAPE_RULES_H
#include <autograd/tape/state.h>

#define AG__RULE(name, first) _Generic((first), ag_scalar: name##_s, ag_tensor *: name##_t)
#include <autograd/tape/rules_number.h>

/* ops/rules.c */
ag_tensor *ag__like_t(double number);
ag_tensor *ag__above_t(ag_tensor *x, double bound, ag_tensor *a, ag_tensor *b);
ag_tensor *ag__part_t(ag_tensor *a, ag_tensor *y);
ag_tensor *ag__share_t(ag_tensor *a, ag_tensor *b);
ag_tensor *ag__minus_t(ag_tensor *a, ag_tensor *b);
ag_tensor *ag__alive_t(ag_tensor *g, ag_tensor *a, ag_tensor *b, double limit);
ag_tensor *ag__mish_t(ag_tensor *x);
ag_tensor *ag__gelu_tanh_slope_t(ag_tensor *x, ag_tensor *y);
ag_tensor *ag__pow_by_base_t(ag_tensor *g, ag_tensor *a, ag_tensor *b);
ag_tensor *ag__pow_by_exponent_t(ag_tensor *g, ag_tensor *a, ag_tensor *b, ag_tensor *y);
ag_tensor *ag__larger_t(ag_tensor *a, ag_tensor *b);
ag_tensor *ag__over_square_t(ag_tensor *p, ag_tensor *a, ag_tensor *b);
#endif
