/* optim.c - an optimizer's parameters, settings and state, and the step. */
#define _POSIX_C_SOURCE 200809L
#include <optim/private/optim.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    double below; /* from 0 to below this */
} settings[AG__SETTINGS] = {
    [AG_LR] = { "AG_LR", INFINITY },
    [AG_LR_SCALE] = { "AG_LR_SCALE", INFINITY },
    [AG_WEIGHT_DECAY] = { "AG_WEIGHT_DECAY", INFINITY },
    [AG_MOMENTUM] = { "AG_MOMENTUM", INFINITY },
    [AG_BETA1] = { "AG_BETA1", 1 },
    [AG_BETA2] = { "AG_BETA2", 1 },
    [AG_EPS] = { "AG_EPS", INFINITY },
};

static bool in_range(ag_setting what, double value, const char *who, const char *suffix)
{
    if (value >= 0 && value < settings[what].below) return true;
    ag_fail(AG_EINVAL, "%s%s: %s is %g, not from 0 to below %g", who, suffix, settings[what].name, value,
            settings[what].below);
    return false;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static const char *name_of(const ag_optim *opt)
{
    return opt->algorithm->name;
}

static bool usable(const ag_optim *opt, const ag_named *p, int64_t i)
{
    const char *who = name_of(opt);
    if (!p->name || !p->tensor) return ag_fail(AG_ENULL, "ag_%s: parameter %" PRId64 " is NULL", who, i), false;
    if (!ag_is_mine(p->tensor)) {
        ag_fail(AG_EINVAL, "ag_%s: %s is a temporary, gone at its tape's reset; ag_param makes one that stays", who,
                p->name);
        return false;
    }
    ag_dtype dtype = ag_dtype_of(p->tensor);
    if (dtype == AG_F32 || dtype == AG_F64) return true;
    ag_fail(AG_EDTYPE, "ag_%s: %s is %s, not f32 or f64", who, p->name, ag_dtype_name(dtype));
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const ag_named *)a)->name, ((const ag_named *)b)->name);
}
static int by_tensor(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const ag_named *)a)->tensor, y = (uintptr_t)((const ag_named *)b)->tensor;
    return (x > y) - (x < y);
}

/* Is every name and every tensor there once? The state list lends its room. */
static bool distinct(ag_optim *opt)
{
    size_t n = (size_t)opt->params.n;
    ag_named *at = memcpy(opt->list, opt->param, n * sizeof *at);
    qsort(at, n, sizeof *at, by_name);
    for (size_t i = 1; i < n; i++)
        if (!by_name(&at[i - 1], &at[i]))
            return ag_fail(AG_EINVAL, "ag_%s: two parameters are named %s", name_of(opt), at[i].name), false;
    qsort(at, n, sizeof *at, by_tensor);
    for (size_t i = 1; i < n; i++)
        if (!by_tensor(&at[i - 1], &at[i]))
            return ag_fail(AG_EINVAL, "ag_%s: %s and %s are one tensor", name_of(opt), at[i - 1].name, at[i].name),
                   false;
    return true;
}

/* The state tensors of a slot that a step uses and that are not there yet. */
static bool allot(const ag_optim *opt, ag__slot *slot, const ag_tensor *param)
{
    int rank = ag_rank(param);
    int64_t dims[AG_MAX_RANK];
    for (int i = 0; i < rank; i++) dims[i] = ag_size(param, i);
    for (int k = 0; k < opt->algorithm->n_state(opt, slot); k++) {
        if (slot->state[k]) continue;
        slot->state[k] = k ? (ag_new)(ag_dtype_of(param), rank, dims) : ag_new(AG_I64);
        if (!slot->state[k]) return false;
    }
    return true;
}

/* "adam.m.", of which the parameter's name is the rest. */
static size_t prefix_length(const ag__algorithm *a, int state)
{
    return strlen(a->name) + strlen(a->state[state]) + 2;
}

/* The labels of slot i, written from `text` on; returns their end. */
static char *write_labels(ag_optim *opt, int64_t i, const char *name, char *text)
{
    const ag__algorithm *a = opt->algorithm;
    for (int k = 0; k < AG__STATES && a->state[k]; k++) {
        size_t size = prefix_length(a, k) + strlen(name) + 1;
        snprintf(text, size, "%s.%s.%s", a->name, a->state[k], name);
        opt->slot[i].label[k] = text;
        text += size;
    }
    opt->param[i].name = opt->slot[i].label[0] + prefix_length(a, 0);
    return text;
}

/* Everything but the state tensors, zeroed, with room for the labels. */
static ag_optim *reserve(const ag_optim *model, ag_params params, size_t text)
{
    size_t n = (size_t)params.n, slots = n * sizeof(ag__slot), named = n * sizeof(ag_named);
    int64_t bytes = (int64_t)(sizeof *model + slots + named + AG__STATES * named + text);
    ag_tensor *memory = ag_new(AG_U8, bytes);
    if (!memory) return NULL;
    ag_optim *opt = (void *)ag_u8_write(memory);
    *opt = *model;
    opt->memory = memory;
    opt->loops = ag__loops_choose();
    opt->slot = (void *)(opt + 1);
    opt->param = (void *)(opt->slot + n);
    opt->list = opt->param + n;
    opt->params = (ag_params){ opt->param, params.n };
    return opt;
}

/* Fills what reserve gave. */
static bool take(ag_optim *opt, ag_params params, const double setting[AG__SETTINGS])
{
    char *text = (void *)(opt->list + AG__STATES * params.n);
    for (int64_t i = 0; i < params.n; i++) {
        text = write_labels(opt, i, params.at[i].name, text);
        memcpy(opt->slot[i].setting, setting, sizeof opt->slot[i].setting);
        opt->param[i].tensor = ag_retain(params.at[i].tensor);
        if (!opt->param[i].tensor || !allot(opt, &opt->slot[i], opt->param[i].tensor)) return false;
    }
    return distinct(opt);
}

ag_optim *ag__optim_new(const ag_optim *model, ag_params params, const double setting[AG__SETTINGS])
{
    const ag__algorithm *a = model->algorithm;
    for (int what = 0; what < AG__SETTINGS; what++)
        if ((a->settings >> what & 1) && !in_range((ag_setting)what, setting[what], "ag_", a->name)) return NULL;
    if (params.n <= 0 || !params.at) return ag_fail(AG_EINVAL, "ag_%s: the list of parameters is empty", a->name), NULL;
    size_t text = 0;
    for (int64_t i = 0; i < params.n; i++) {
        if (!usable(model, &params.at[i], i)) return NULL;
        for (int k = 0; k < AG__STATES && a->state[k]; k++) text += prefix_length(a, k) + strlen(params.at[i].name) + 1;
    }
    ag_optim *opt = reserve(model, params, text);
    if (!opt) return NULL;
    opt->lr = setting[AG_LR];
    if (take(opt, params, setting)) return opt;
    ag_optim_free(opt);
    return NULL;
}

void ag_optim_free(ag_optim *opt)
{
    if (!opt) return;
    for (int64_t i = 0; i < opt->params.n; i++) {
        for (int k = 0; k < AG__STATES; k++) ag_free(opt->slot[i].state[k]);
        ag_free(opt->param[i].tensor);
    }
    ag_free(opt->memory);
}

/* ---- settings and state ------------------------------------------------------------------------------------------ */

static bool present(const ag_optim *opt, const char *who)
{
    if (!opt) ag_fail(AG_ENULL, "%s: the optimizer is NULL", who);
    return opt;
}

static bool matches(const ag_optim *opt, int64_t i, const char *pattern)
{
    return fnmatch(pattern, opt->param[i].name, 0) == 0;
}

/* How many parameters the setting is given to; 0, and nothing changed, if that fails. */
static int64_t set(ag_optim *opt, const char *pattern, ag_setting what, double value)
{
    int64_t n = 0;
    for (int64_t i = 0; i < opt->params.n; i++) {
        if (!matches(opt, i, pattern)) continue;
        ag__slot as_set = opt->slot[i];
        as_set.setting[what] = value;
        bool enough = allot(opt, &as_set, opt->param[i].tensor);
        memcpy(opt->slot[i].state, as_set.state, sizeof as_set.state); /* unused, should another not get its own */
        if (!enough) return 0;
        n++;
    }
    if (!n) return ag_fail(AG_EMISSING, "ag_optim_set: no parameter's name matches %s", pattern), 0;
    for (int64_t i = 0; i < opt->params.n; i++)
        if (matches(opt, i, pattern)) opt->slot[i].setting[what] = value;
    return n;
}

ag_status ag_optim_set(ag_optim *opt, const char *pattern, ag_setting what, double value)
{
    if (!present(opt, "ag_optim_set")) return ag_error();
    if (!pattern) return ag_fail(AG_ENULL, "ag_optim_set: the pattern is NULL"), ag_error();
    bool known = (unsigned)what < AG__SETTINGS;
    if (!known || !(opt->algorithm->settings >> what & 1))
        ag_fail(AG_EINVAL, "ag_optim_set: ag_%s has no setting %s", name_of(opt),
                known ? settings[what].name : "so numbered");
    else if (in_range(what, value, "ag_optim_set", "")) {
        value = value == AG_ZERO ? 0 : value;
        bool all = set(opt, pattern, what, value) == opt->params.n;
        if (all && what == AG_LR) opt->lr = value;
    }
    return ag_error();
}

void ag_set_lr(ag_optim *opt, double lr)
{
    if (!present(opt, "ag_set_lr") || !in_range(AG_LR, lr, "ag_set_lr", "")) return;
    opt->lr = lr == AG_ZERO ? 0 : lr;
    for (int64_t i = 0; i < opt->params.n; i++) opt->slot[i].setting[AG_LR] = opt->lr;
}

double ag_get_lr(const ag_optim *opt)
{
    return present(opt, "ag_get_lr") ? opt->lr : NAN;
}

ag_params ag_optim_state(ag_optim *opt)
{
    if (!present(opt, "ag_optim_state")) return (ag_params){ NULL, 0 };
    int64_t n = 0;
    for (int64_t i = 0; i < opt->params.n; i++) {
        const ag__slot *slot = &opt->slot[i];
        for (int k = 0; k < opt->algorithm->n_state(opt, slot); k++)
            opt->list[n++] = (ag_named){ slot->label[k], slot->state[k] };
    }
    return (ag_params){ opt->list, n };
}

/* ---- the step ---------------------------------------------------------------------------------------------------- */

ag_status ag_step(ag_optim *opt)
{
    if (!present(opt, "ag_step") || ag_error()) return ag_error();
    for (int64_t i = 0; i < opt->params.n; i++) {
        ag_tensor *param = opt->param[i].tensor;
        const ag_tensor *gradient = ag_grad_of(param);
        if (gradient) opt->algorithm->step(opt, &opt->slot[i], param, gradient);
    }
    ag_zero_grad(opt->params);
    return ag_error();
}
