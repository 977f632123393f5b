/* inspect.h - looking at a tape and at gradients: which are too small or too large, what was recorded, what took time.
 *
 * All write to a FILE that is given. Tapes made with .anomaly or .profile also know the lines of the user's text and the
 * modules (ag_scope_begin); others pay nothing for it. */
#ifndef AG_INSPECT_H
#define AG_INSPECT_H
#include <autograd/tape.h>
AG_BEGIN

/* A line for each parameter: shape, root mean square of its values and of its gradient, their ratio, and a verdict:
 *   none        no gradient was collected
 *   not finite  it holds a NaN or an Inf
 *   zero        all of it is 0
 *   vanishing   its root mean square is below 1e-10, or below 1e-4 of the median over all parameters
 *   exploding   above 1e3, or above 1e4 of that median
 * To be called between ag_backward and ag_step. Returns how many have one; -1 on misuse. to NULL: counts only. */
AG_API int64_t ag_gradient_report(ag_params params, FILE *to);

/* What was recorded on the current tape, from leaves to y; y NULL: all of it. A tensor is a box with its operation, number
 * and shape, a statement of scalars an ellipse with its value (of a block or a call: how many values). */
typedef struct ag_graph_options {
    ag_params params; /* leaves found here bear these names */
    uint32_t size;
} ag_graph_options;
/* For Graphviz: ag_write_dot(loss, file), then dot -Tsvg, which takes some thousand boxes. On a tape made with .profile or
 * .anomaly the boxes of a module stand together, inside those of its outer module. */
AG_API ag_status ag_write_dot(ag_tensor *y, FILE *to, AG_OPTIONS(ag_graph_options));
/* {"result": 7 or null, "nodes": [{"id": 7, "op", "name", "dtype", "shape", "inputs", "requires_grad", "at", "scope"}...],
 * "scalars": [{"id": "s12", "op", "n", "value", "inputs", "at"}...]}. Inputs are ids of either kind; what is not known is
 * null; a value that is not finite is "nan", "inf", "-inf". */
AG_API ag_status ag_write_json(ag_tensor *y, FILE *to, AG_OPTIONS(ag_graph_options));

/* Names what is recorded until ag_scope_end "outer.name"; ag_forward does it for modules. False: the current tape does
 * not keep scopes, and there is nothing to end. */
AG_API bool ag_scopes(void);
AG_API bool ag_scope_begin(const char *name);
AG_API void ag_scope_end(void);

/* Of the current tape, ag_tape_new(.profile = true), since it was made: for each operation on tensors, forward and
 * backward, how often, how long, bytes of its operands and results (views move none), floating-point operations: two a
 * multiplication of products, convolutions, attention; elsewhere one an element. Forward an operation lasts until the next
 * one begins, so what the program does in between is in it, unless it was not recorded (AG_NO_GRAD). AG_EINVAL: no profile. */
AG_API ag_status ag_profile_print(FILE *to);
/* The same as a list of events for chrome://tracing and Perfetto. */
AG_API ag_status ag_profile_trace(FILE *to);

AG_END
#ifndef __cplusplus
#define ag_write_dot(...) AG__CALL2(ag_write_dot, ag_graph_options, __VA_ARGS__, AG__SIZE(ag_graph_options))
#define ag_write_json(...) AG__CALL2(ag_write_json, ag_graph_options, __VA_ARGS__, AG__SIZE(ag_graph_options))
#endif
#endif
