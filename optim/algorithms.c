/* algorithms.c - SGD, Adam and AdamW: their options, and the constants of one step of one parameter. */
#include <optim/private/optim.h>
#include <math.h>
#include <string.h>

/* ---- options ---------------------------------------------------------------------------------------------------- */

static double given(double value, double fallback)
{
    return value == 0 ? fallback : value == AG_ZERO ? 0 : value;
}

/* Options as this library knows them; a caller compiled for an older one knows fewer. */
static void take_options(void *to, size_t ours, const void *from, uint32_t theirs)
{
    memcpy(to, from, theirs && theirs < ours ? theirs : ours);
}

/* The count of this step, the first being 1. */
static int64_t next_step(ag__slot *slot)
{
    return ++*ag_i64_write(slot->state[0]);
}

/* ---- sgd -------------------------------------------------------------------------------------------------------- */

enum { SGD_STEP, SGD_BUFFER, SGD_STATES };

static int sgd_states(const ag_optim *opt, const ag__slot *slot)
{
    (void)opt;
    return slot->setting[AG_MOMENTUM] != 0 ? SGD_STATES : 0;
}

static void sgd_step(const ag_optim *opt, ag__slot *slot, ag_tensor *param, const ag_tensor *gradient)
{
    const double *s = slot->setting;
    ag__sgd c = {
        .lr = s[AG_LR] * s[AG_LR_SCALE], .decay = s[AG_WEIGHT_DECAY], .ahead = s[AG_MOMENTUM], .nesterov = opt->nesterov
    };
    ag_tensor *buffer = NULL;
    if (s[AG_MOMENTUM] != 0) {
        bool first = next_step(slot) == 1; /* the buffer begins as the gradient, undampened */
        c.keep = first ? 0 : s[AG_MOMENTUM], c.take = first ? 1 : 1 - opt->dampening;
        buffer = slot->state[SGD_BUFFER];
    }
    ag__run(opt->loops->sgd, &c, param, gradient, (ag_tensor * [AG__STATES - 1]){ buffer });
}

static const ag__algorithm sgd = {
    .name = "sgd",
    .state = { [SGD_STEP] = "step", [SGD_BUFFER] = "momentum" },
    .settings = 1u << AG_LR | 1u << AG_LR_SCALE | 1u << AG_WEIGHT_DECAY | 1u << AG_MOMENTUM,
    .n_state = sgd_states,
    .step = sgd_step,
};

ag_optim *(ag_sgd)(ag_params params, const ag_sgd_options *options)
{
    ag_sgd_options o = { .lr = 0 };
    if (options) take_options(&o, sizeof o, options, options->size);
    ag_optim model = { .algorithm = &sgd, .dampening = given(o.dampening, 0), .nesterov = o.nesterov };
    const double setting[AG__SETTINGS] = { [AG_LR] = given(o.lr, 1e-3),
                                           [AG_LR_SCALE] = 1,
                                           [AG_WEIGHT_DECAY] = given(o.weight_decay, 0),
                                           [AG_MOMENTUM] = given(o.momentum, 0) };
    if (!isfinite(model.dampening)) return ag_fail(AG_EINVAL, "ag_sgd: .dampening is %g", o.dampening), NULL;
    if (o.nesterov && (setting[AG_MOMENTUM] == 0 || model.dampening != 0)) {
        ag_fail(AG_EINVAL, "ag_sgd: .nesterov needs .momentum, and no .dampening; they are %g and %g", o.momentum,
                o.dampening);
        return NULL;
    }
    return ag__optim_new(&model, params, setting);
}

/* ---- adam and adamw --------------------------------------------------------------------------------------------- */

enum { ADAM_STEP, ADAM_M, ADAM_V, ADAM_VMAX, ADAM_STATES };

static int adam_states(const ag_optim *opt, const ag__slot *slot)
{
    (void)slot;
    return opt->amsgrad ? ADAM_STATES : ADAM_VMAX;
}

/* Weight decay is added to the gradient, or takes its share of the parameter. */
static void adam_step(const ag_optim *opt, ag__slot *slot, ag_tensor *param, const ag_tensor *gradient)
{
    const double *s = slot->setting, lr = s[AG_LR] * s[AG_LR_SCALE], step = (double)next_step(slot);
    const ag__adam c = {
        .rate = lr / (1 - pow(s[AG_BETA1], step)),
        .root = sqrt(1 - pow(s[AG_BETA2], step)),
        .beta1 = s[AG_BETA1],
        .beta2 = s[AG_BETA2],
        .eps = s[AG_EPS],
        .decay = opt->decoupled ? 0 : s[AG_WEIGHT_DECAY],
        .shrink = opt->decoupled ? 1 - lr * s[AG_WEIGHT_DECAY] : 1,
    };
    ag__run(opt->loops->adam, &c, param, gradient, &slot->state[ADAM_M]);
}

#define ADAM_PARTS                                                                                                \
    .state = { [ADAM_STEP] = "step", [ADAM_M] = "m", [ADAM_V] = "v", [ADAM_VMAX] = "vmax" },                      \
    .settings =                                                                                                   \
        1u << AG_LR | 1u << AG_LR_SCALE | 1u << AG_WEIGHT_DECAY | 1u << AG_BETA1 | 1u << AG_BETA2 | 1u << AG_EPS, \
    .n_state = adam_states, .step = adam_step
static const ag__algorithm adam = { .name = "adam", ADAM_PARTS };
static const ag__algorithm adamw = { .name = "adamw", ADAM_PARTS };

static ag_optim *adam_new(const ag_optim *kind, ag_params params, const ag_adam_options *options, double weight_decay)
{
    ag_adam_options o = { .lr = 0 };
    if (options) take_options(&o, sizeof o, options, options->size);
    bool betas = o.betas[0] != 0 || o.betas[1] != 0;
    const double setting[AG__SETTINGS] = { [AG_LR] = given(o.lr, 1e-3),
                                           [AG_LR_SCALE] = 1,
                                           [AG_WEIGHT_DECAY] = given(o.weight_decay, weight_decay),
                                           [AG_BETA1] = betas ? given(o.betas[0], 0) : 0.9,
                                           [AG_BETA2] = betas ? given(o.betas[1], 0) : 0.999,
                                           [AG_EPS] = given(o.eps, 1e-8) };
    ag_optim model = *kind;
    model.amsgrad = o.amsgrad;
    return ag__optim_new(&model, params, setting);
}

ag_optim *(ag_adam)(ag_params params, const ag_adam_options *options)
{
    return adam_new(&(ag_optim){ .algorithm = &adam }, params, options, 0);
}

ag_optim *(ag_adamw)(ag_params params, const ag_adam_options *options)
{
    return adam_new(&(ag_optim){ .algorithm = &adamw, .decoupled = true }, params, options, 0.01);
}
