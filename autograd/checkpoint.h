/* checkpoint.h - long computations in little memory: what lies inside is not kept but computed again on the way back.
 *
 * Gradients are those of the plain recording, bit for bit (of a loop: unless a component of its state becomes the same
 * scalar as another or as a parameter along the way, or comes out as it went in: then up to rounding). They can be
 * differentiated again; that keeps everything, as the plain recording would. */
#ifndef AG_CHECKPOINT_H
#define AG_CHECKPOINT_H
#include <autograd/gradcheck.h>
AG_BEGIN

/* f(x), of which only inputs and result are kept: f runs again for each derivative, with the same random numbers. Leaves
 * that f uses besides x - the parameters of a module - get their gradients too; other tensors and scalars of the current
 * tape must come through x. f runs on a tape of its own, with copies of x that share their storage; what it writes, such as
 * running statistics, it writes again each time. */
AG_API ag_tensor *ag_checkpoint(ag_fn *f, ag_list x, void *user);

/* One step of a loop, in place: state[0..ns) becomes the next state. What a derivative is wanted by must come through
 * state or p, both of a tape of the loop's own; a scalar from outside is AG_ESTALE. It is run several times for the same i
 * and must do the same each time; the random generator is put back for it. It may differentiate on its way; then, where the
 * tape holds tensors too, and with tensors in the step, the loop has a first derivative only. */
typedef void ags_step_fn(ag_scalar *state, const ag_scalar *p, int64_t i, void *user);

typedef enum ag_scan_memory {
    AG_SEGMENTS, /* about sqrt(n) states and sqrt(n) recorded steps; each step runs twice */
    AG_REVOLVE,  /* a fixed number of states (snapshots); each step runs a few times: the binomial schedule */
    AG_STORE_ALL /* the plain loop */
} ag_scan_memory;
typedef struct ags_scan_options {
    void *user;            /* passed to step */
    ag_scan_memory memory; /* default AG_SEGMENTS */
    int snapshots;         /* of AG_REVOLVE; default 8 log2(n): the gradient costs at most about three plain ones */
    uint32_t size;
} ags_scan_options;
/* Runs step for i = 0 .. n-1 on state[0..ns) with parameters p[0..np): on the tape it is one statement with ns results.
 * ags_scan(step, n, state, ns, p, np, .user = &h, .memory = AG_REVOLVE). On failure state is as it was. Binomial schedule:
 * Griewank and Walther, "Algorithm 799: revolve", 2000. */
AG_API ag_status ags_scan(ags_step_fn *step, int64_t n, ag_scalar *state, size_t ns, const ag_scalar *p, size_t np,
                          AG_OPTIONS(ags_scan_options));

AG_END
#ifndef __cplusplus
#define ags_scan(...) AG__CALL6(ags_scan, ags_scan_options, __VA_ARGS__, AG__SIZE(ags_scan_options))
#endif
#endif
