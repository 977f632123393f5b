/* optim.h - what an optimizer is, and what an algorithm is to it.
 *
 *      ag_optim   all of it lies in one tensor of bytes, `memory`: the struct, then slots, lists, names
 *      slot[i]    of params.at[i]: settings, and state tensors, state[0] being the step count
 *      algorithm  a name, the names of its state, which settings it has, one step of one parameter */
#ifndef AG_OPTIM_PRIVATE_OPTIM_H
#define AG_OPTIM_PRIVATE_OPTIM_H
#include <optim/optim.h>

enum { AG__SETTINGS = AG_EPS + 1, AG__STATES = 4 };

typedef struct ag__slot {
    double setting[AG__SETTINGS];
    ag_tensor *state[AG__STATES];   /* NULL: never needed so far */
    const char *label[AG__STATES];  /* "adam.m.0.weight" */
} ag__slot;

typedef struct ag__loops ag__loops;

typedef struct ag__algorithm {
    const char *name;
    const char *state[AG__STATES];  /* NULL: no more */
    uint32_t settings;              /* bit 1 << AG_LR, ... */
    int (*n_state)(const ag_optim *opt, const ag__slot *slot); /* how many of the states a step uses */
    void (*step)(const ag_optim *opt, ag__slot *slot, ag_tensor *param, const ag_tensor *gradient);
} ag__algorithm;

struct ag_optim {
    const ag__algorithm *algorithm;
    const ag__loops *loops;
    double lr;          /* last given to all parameters */
    double dampening;   /* sgd */
    bool nesterov;      /* sgd */
    bool amsgrad;       /* adam, adamw */
    bool decoupled;     /* adamw */
    ag_tensor *memory;
    ag_params params;
    ag_named *param;    /* params.at */
    ag__slot *slot;
    ag_named *list;     /* room for every state of every parameter */
};

/* An optimizer like `model`, in which algorithm and flags are set, every slot with these settings. */
ag_optim *ag__optim_new(const ag_optim *model, ag_params params, const double setting[AG__SETTINGS]);

/* ---- the loops: one pass over n elements, f32 or f64; a product is rounded before it is added to ------------------- */

/* d = g + decay p;  buffer = keep buffer + take d;  p -= lr d, or with a buffer p -= lr buffer, or for Nesterov's
 * p -= lr (d + ahead buffer) */
typedef struct ag__sgd {
    double lr, decay, keep, take, ahead;
    bool nesterov;
} ag__sgd;

/* p = shrink p;  d = g + decay p;  m = beta1 m + (1 - beta1) d;  v = beta2 v + (1 - beta2) d^2;
 * p -= rate m / (sqrt(v) / root + eps), or with vmax the largest v so far in v's place */
typedef struct ag__adam {
    double rate, beta1, beta2, root, eps, decay, shrink;
} ag__adam;

/* The parameter's elements, its gradient's, and what the algorithm keeps: x[0] buffer; or m, v, vmax. NULL: none. */
typedef struct ag__pass {
    ag_dtype dtype;
    int64_t n;
    const void *constants; /* ag__sgd or ag__adam */
    void *p;
    const void *g;
    void *x[AG__STATES - 1];
} ag__pass;
typedef void ag__loop(const ag__pass *pass);
struct ag__loops {
    const char *isa;
    bool (*supported)(void);
    ag__loop *sgd, *adam;
};
/* A loop over all of a parameter; threads share a large one. state: as x above, as tensors. */
void ag__run(ag__loop *loop, const void *constants, ag_tensor *param, const ag_tensor *gradient,
             ag_tensor *const state[AG__STATES - 1]);
/* Of the widest instruction set the processor has, or of the one AG_ARCH names. */
const ag__loops *ag__loops_choose(void);
#endif
