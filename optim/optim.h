/* optim.h - first-order optimizers, with PyTorch's semantics and defaults.
 *
 *     ag_optim *opt = ag_adam(ag_parameters(net), .lr = 1e-3);
 *     ...  ag_backward(loss), ag_clip_norm(params, 1.0), ag_step(opt)
 *
 * Always true:
 *  1. An optimizer is mine: freed with ag_optim_free. It retains its parameters and copies their names, so that the list
 *     and the network may go first.
 *  2. ag_step uses up the collected gradients: there is no zero_grad to forget, and several ag_backward before one
 *     ag_step accumulate. A parameter without a gradient is left alone, its step count too.
 *  3. Everything a step needs is allocated when the optimizer is made: a step fails by the thread's remembered error
 *     only, and then has changed nothing.
 *  4. One thread uses an optimizer at a time. */
#ifndef AG_OPTIM_H
#define AG_OPTIM_H
#include <autograd/autograd.h>
AG_BEGIN

typedef struct ag_optim ag_optim;

/* A field left out or 0 is the default beside it, else 0; AG_ZERO is a zero where that differs. */
typedef struct ag_sgd_options {
    double lr;           /* 1e-3 */
    double momentum;     /* the buffer is made only if it is not 0 */
    double dampening;    /* of gradients that enter the buffer, but for the first */
    double weight_decay; /* added to the gradient */
    bool nesterov;       /* needs momentum, and no dampening */
    uint32_t size;
} ag_sgd_options;
typedef struct ag_adam_options {
    double lr;           /* 1e-3 */
    double betas[2];     /* {0.9, 0.999}; {0, 0.9} is taken as written */
    double eps;          /* 1e-8 */
    double weight_decay; /* ag_adam: 0, added to the gradient; ag_adamw: 0.01, decoupled */
    bool amsgrad;        /* divides by the largest second moment so far */
    uint32_t size;
} ag_adam_options;

/* An optimizer of the parameters, which are mine, f32 or f64, each once and each under a name of its own. NULL on
 * failure: AG_EINVAL for a setting out of range or an empty list. */
AG_API ag_optim *ag_sgd(ag_params params, AG_OPTIONS(ag_sgd_options));    /* Sutskever et al. 2013 */
AG_API ag_optim *ag_adam(ag_params params, AG_OPTIONS(ag_adam_options));  /* Kingma, Ba 2015; Reddi et al. 2018 */
AG_API ag_optim *ag_adamw(ag_params params, AG_OPTIONS(ag_adam_options)); /* Loshchilov, Hutter 2019 */
AG_API void ag_optim_free(ag_optim *opt);                                 /* NULL is fine */

/* One step along the collected gradients, which are used up. */
AG_API ag_status ag_step(ag_optim *opt);

/* Settings by parameter name, in place of group objects: ag_optim_set(opt, "*.bias", AG_WEIGHT_DECAY, 0). Patterns are
 * the shell's (fnmatch), * matches dots as well; later calls win. AG_EINVAL: a setting the algorithm lacks or a value
 * out of range; AG_EMISSING: no name matches. Then nothing has changed. */
typedef enum ag_setting { AG_LR, AG_LR_SCALE, AG_WEIGHT_DECAY, AG_MOMENTUM, AG_BETA1, AG_BETA2, AG_EPS } ag_setting;
AG_API ag_status ag_optim_set(ag_optim *opt, const char *pattern, ag_setting what, double value);
/* The learning rate of all parameters, AG_LR by pattern included: for schedules. AG_LR_SCALE, 1 at first, multiplies it
 * per parameter and stays. */
AG_API void ag_set_lr(ag_optim *opt, double lr);
AG_API double ag_get_lr(const ag_optim *opt); /* the one last given to all parameters; NaN of NULL */

/* What steps remember, to be saved and loaded bit for bit: moments, of the parameters' shapes and dtypes, and step
 * counts, i64[], under the parameters' names: "adam.m.0.weight", "adam.v.0.weight", "adam.step.0.weight"; with .amsgrad
 * "adam.vmax."; adamw alike; "sgd.momentum." and "sgd.step." where there is momentum. The list is borrowed: good until
 * the next ag_optim_state or ag_optim_set of this optimizer. Settings are not state. */
AG_API ag_params ag_optim_state(ag_optim *opt);

AG_END
#ifndef __cplusplus
#define ag_sgd(...) AG__CALL1(ag_sgd, ag_sgd_options, __VA_ARGS__, AG__SIZE(ag_sgd_options))
#define ag_adam(...) AG__CALL1(ag_adam, ag_adam_options, __VA_ARGS__, AG__SIZE(ag_adam_options))
#define ag_adamw(...) AG__CALL1(ag_adamw, ag_adam_options, __VA_ARGS__, AG__SIZE(ag_adam_options))
#endif
#include <optim/clip.h>
#include <optim/schedule.h>
#endif
