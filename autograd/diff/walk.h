/* walk.h - the one reverse walk, over nodes and scalar statements in the reverse order of recording.
 *
 * It goes in one of two ways. PLAIN: adjoints are raw buffers, rules run unrecorded, kernels where an operation has them;
 * each adjoint is given back as soon as its node was passed. RECORDED: adjoints are tensors and scalars on the tape, every
 * rule is the textbook one, and the result can be differentiated again. */
#ifndef AG_DIFF_WALK_H
#define AG_DIFF_WALK_H
#include <autograd/tape/state.h>

typedef ag__position ag__statements(ag_tape *t, ag_scalar *adj, ag__position at, uint32_t stop);
typedef struct ag__walk {
    ag_tape *tape;
    uint32_t top;          /* nodes below this index are visited */
    ag__position at;       /* statements below this position are */
    uint32_t stop;         /* ... down to this id */
    bool recorded;
    ag__statements *statements; /* recorded: the sweep over them */
    bool pruned;           /* only nodes with AG__PATH, set by ag__walk_path, matter */
    bool spend;            /* give back what a second walk would need */
    bool hooks;
    bool failed;
    ag_tensor **adjoint;   /* recorded: by node */
    size_t scratch;        /* bytes of adjoint[] */
    int64_t seeds;         /* recorded: adjoints have an axis of so many in front (batch.h); 0: they have none */
    ag_scalar *scalar;     /* recorded: by id */
    size_t scalar_scratch;
    uint32_t scalars;      /* ids below this have an adjoint */
} ag__walk;

/* Prepares a walk from node index `top` (exclusive) and the scalar position that belongs to it; false: error remembered.
 * recorded: ag__reverse_recorded if the thread's switch is on; NULL, and plain walks link without it. */
bool ag__walk_begin(ag__walk *w, ag_tape *t, uint32_t top, ag__statements *recorded);
/* Index behind the last output of x's node: where a walk from x begins. */
uint32_t ag__walk_top(const ag_tensor *x);
/* Marks with AG__PATH the nodes between x and the top; scalars: some statement may lead to a tensor too. */
void ag__walk_path(ag__walk *w, int64_t n, ag_tensor *const *x, bool scalars);
/* Sets or adds to the adjoint of a node: value may broadcast; in a plain walk NULL is 1, for a single number. */
bool ag__walk_seed(ag__walk *w, ag_tensor *x, ag_tensor *value);
void ag__walk_seed_scalar(ag__walk *w, ag_scalar y, double value);
/* False: error remembered; the adjoints of targets are left where they are. */
bool ag__walk_run(ag__walk *w);
/* The adjoint of x as a tensor (zeros if nothing arrived), when the walk has run. NULL: error remembered. */
ag_tensor *ag__walk_result(ag__walk *w, ag_tensor *x);
/* What was recorded between two positions, and has no part in what a transform made after them. */
typedef struct ag__gap {
    ag__position from, to;
    uint32_t node, end; /* nodes node .. end-1 */
} ag__gap;
/* Has c's gradient by in[i] that input's dtype, and its shape or one the input was broadcast to? False: an error. */
bool ag__gradient_fits(const ag_call *c, int i);
/* jvp.c: ag_jvp that passes over a gap; NULL: there is none. seeds: v and the result have an axis of so many in front. */
ag_tensor *ag__jvp(ag_tensor *y, ag_tensor *x, ag_tensor *v, int64_t seeds, const ag__gap *aside);
/* grad.c: the same of ag_vjp, between operands of the current tape. */
ag_tensor *ag__vjp_batch(ag_tape *t, ag_tensor *y, ag_tensor *x, ag_tensor *u, int64_t seeds);
/* grad.c: u' dy/dx for each x; u NULL is 1, for a single number. False: error remembered, and nothing written. */
bool ag__vjps(const char *who, ag_tensor *y, ag_tensor *u, ag_list by, ag_tensor **out);
/* backward.c and jvp.c: for ag__tensors */
bool ag__leaves_prepare(ag__walk *w, ag_params into, ag_tensor *y, ag_tensor *seed);
void ag__leaves_commit(ag__walk *w);
bool ag__mixed_forward(ag__walk *w, uint32_t end);
/* Frees scratch, drops what adjoints are left, clears the marks. */
void ag__walk_end(ag__walk *w);
#endif
