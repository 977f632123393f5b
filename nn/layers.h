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

AG_END
#ifndef __cplusplus
#define ag_Sequential(...)                                                                                             \
    (ag_Sequential)((int)(sizeof((ag_module *[]){ __VA_ARGS__ }) / sizeof(ag_module *)),                               \
                    (ag_module *const[]){ __VA_ARGS__ })
#define ag_Linear(...) AG__CALL2(ag_Linear, ag_layer_options, __VA_ARGS__, AG__SIZE(ag_layer_options))
#else
template <class... M> inline ag_module *ag_Sequential(ag_module *first, M *...rest)
{
    ag_module *const all[] = { first, rest... };
    return ag_Sequential(1 + int(sizeof...(rest)), all);
}
#endif
#endif
