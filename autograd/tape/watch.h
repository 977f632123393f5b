/* watch.h - a tape that is looked at while it records: anomaly mode, profile, scopes.
 *
 * Nobody else pays for it. A watched tape has never room for more than the next node and the next statement, so that
 * each takes the slow way in, where a tape grows; there, what was finished since the last time is judged. In its walks
 * every node and every statement is judged as soon as its derivative was passed on. */
#ifndef AG_TAPE_WATCH_H
#define AG_TAPE_WATCH_H
#include <autograd/tape/state.h>

enum { AG__N_OPEN = 16 };
#define AG__NOBODY UINT32_MAX

typedef struct ag__scope { /* in the arena */
    const struct ag__scope *outer;
    char path[];
} ag__scope;

typedef struct ag__event {
    const char *name;  /* a title, or "ag_log (model.c:12)" of what was not recorded */
    double start, end; /* seconds */
    uint64_t bytes, flops;
    uint32_t node;
    bool backward;
} ag__event;

struct ag__watch {
    bool anomaly, profile;
    const ag__scope *scope, **node_scope; /* the current one; by node, as long as node_at */
    ag__event *event;
    uint64_t n_event, max_event;
    uint64_t n_settled; /* events from here on are of tensors that no operation is known for, up to now */
    uint32_t timed;   /* the node that is being computed since; AG__NOBODY: none */
    double since;
    const char **node_at, **scalar_at; /* where in the user's text, by node and by id; NULL: where the one before was */
    uint32_t max_node_at, max_scalar_at;
    uint32_t n_node, n_scalar;       /* nodes and ids below are judged, but for those that were not finished yet */
    uint32_t open[AG__N_OPEN], n_open;
};

bool ag__watch_new(ag_tape *t, const ag_tape_options *o);
void ag__watch_free(ag_tape *t);
/* Before the tape's next node, its next id: judges what is finished. False: reported, or out of memory. */
bool ag__watch_node(ag_tape *t);
bool ag__watch_statement(ag_tape *t);
/* Before a walk or a reset: judges all that is finished. */
bool ag__watch_all(ag_tape *t);
/* After a walk, a rewind, a reset: there are so many nodes and ids; the next one is watched again. */
void ag__watch_from_here(ag_tape *t);

/* Of a profile: the time, and an operation's derivative that began at `start`. */
double ag__watch_clock(void);
bool ag__watch_passed(ag_tape *t, const ag_tensor *y, double start);
/* An operation made y, but was not recorded. */
bool ag__watch_unrecorded(ag_tape *t, const ag_op *op, int n_in, ag_tensor *const *in, const ag_tensor *y);

/* "ag_log (model.c:12)", what made node k or statement id, and the scope a node was made in; NULL: not known. */
const char *ag__watch_place(const ag_tape *t, uint32_t k);
const char *ag__watch_statement_place(const ag_tape *t, uint32_t id);
const char *ag__watch_scope(const ag_tape *t, uint32_t k);

/* The gradient g (of x's shape, its adjoint's buffer) that the derivative of y gave its input i; y's own is came. */
bool ag__watch_gradient(ag_tape *t, const ag_tensor *y, int i, const ag__layout *l, const void *g, const ag__layout *lc,
                        const void *came);
/* The adjoints of the operands of the record that ends at `at`; its results' are passed on. adj(user, id). */
bool ag__watch_adjoints(ag_tape *t, ag__position at, double (*adj)(const void *of, uint32_t id), const void *of);
/* Forwards: the tangents of y's n outputs, from those of its inputs; those of the results of the record that ends at
 * `at`. NULL and 0: nothing came. */
bool ag__watch_tangents(ag_tape *t, const ag_tensor *y, int n, ag_tensor *const *came, ag_tensor *const *made);
bool ag__watch_tangent(ag_tape *t, ag__position at, const ag_scalar *tangent);
#endif
