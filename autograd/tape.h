/* tape.h - recording and the reverse walk.
 *
 * Always true:
 *  1. A tape belongs to one thread at a time and is that thread's CURRENT tape from ag_tape_new (or ag_tape_use) on.
 *     Operations, on tensors and on scalars alike, record there; none takes a tape argument.
 *  2. New and free nest like brackets: freeing the current tape brings back the one before it.
 *  3. The tape owns every temporary. ag_tape_reset frees them all at once, keeps its memory for the next round, clears
 *     this thread's error and returns it: one reset per training step, per request, per residual.
 *  4. A handle used after its reset is an error (AG_ESTALE), not a crash: always for scalars; for tensors during at
 *     least two further resets or rewinds, after which its memory may serve a new tensor.
 *  5. Scalars and tensors share one tape, one order and one walk.
 *  6. Recording can be switched off; the tape still owns the temporaries.
 *  7. Values stay readable until the reset; what ag_backward gives back as it passes is what the walk itself needs:
 *     adjoints, and what operations saved for their derivative. */
#ifndef AG_TAPE_H
#define AG_TAPE_H
#include <autograd/tensor.h>
AG_BEGIN

typedef struct ag_tape ag_tape;

typedef struct ag_tape_options {
    uint64_t memory_limit; /* bytes; past it operations fail with AG_ENOMEM; default none */
    bool first_order;      /* scalar statements keep no values: 8 bytes less each, and no second derivative */
    bool anomaly;          /* the first operation that makes a NaN or an Inf is AG_ENAN; see below */
    bool profile;          /* time and size of each operation: ag_profile_print (inspect.h) */
    bool huge_pages;       /* tensors of 2 MB and more lie in pages of 2 MB, where the system has some (Linux's madvise) */
    uint32_t size;
} ag_tape_options;

/* Anomaly mode. An operation or scalar statement whose result is not finite although its operands were, and one whose
 * derivative is not finite although what came was, is reported as AG_ENAN: its name, its number on the tape, the line of
 * the user's text (C; not for functions called without their macro), shapes, ranges of its operands. It is noticed when
 * the next operation begins, or at a walk or reset. Operations that were not recorded are noticed when a recorded one
 * reads their NaN, as are NaNs in data; an Inf that is put in is taken as meant. In ag_checkpoint, ag_fixed_point and
 * ags_scan it is the operation inside. Forward sweeps are looked at as well. It looks at every number, and costs other
 * tapes nothing. */
/* A new tape, current for this thread: ag_tape_new(), ag_tape_new(.memory_limit = 1 << 30). NULL on failure. */
AG_API ag_tape *ag_tape_new(AG_OPTIONS(ag_tape_options));
/* Frees the tape and every temporary on it. NULL is fine. */
AG_API void ag_tape_free(ag_tape *tape);
AG_API ag_status ag_tape_reset(ag_tape *tape);
AG_API ag_tape *ag_tape_use(ag_tape *tape); /* makes it current (NULL: none), returns the previous one */
AG_API ag_tape *ag_tape_current(void);

/* Frees only what was made since the mark. A mark is good until its tape is reset or rewound to an earlier one. */
typedef struct ag_mark {
    uint64_t node, scalar, generation;
} ag_mark;
AG_API ag_mark ag_tape_mark(ag_tape *tape);
AG_API ag_status ag_tape_rewind(ag_tape *tape, ag_mark mark);

/* ---- what is recorded ------------------------------------------------------------------------------------------------ */
AG_API bool ag_record(bool on);                  /* returns what it was; per thread, on at first */
AG_API ag_tensor *ag_variable(ag_tensor *value); /* a temporary leaf one may differentiate by; history cut */
AG_API ag_tensor *ag_detach(ag_tensor *x);       /* same value and storage, no history */

/* AG_NO_GRAD statement: nothing in it is recorded. With gcc and clang it may be left by return, break or goto. */
typedef struct ag__guard {
    bool was, done;
} ag__guard;
AG_API ag__guard ag__guard_begin(void);
AG_API void ag__guard_end(ag__guard *guard);
#define AG_NO_GRAD                                                                                                     \
    for (ag__guard AG__CAT(ag__g, __LINE__) AG_CLEANUP(ag__guard_end) = ag__guard_begin();                             \
         !AG__CAT(ag__g, __LINE__).done; AG__CAT(ag__g, __LINE__).done = true)

/* ---- the walk -------------------------------------------------------------------------------------------------------- */
typedef struct ag_backward_options {
    ag_tensor *seed; /* dL/dy, of y's shape; default ones, and then y must hold one number */
    ag_params into;  /* collect into these leaves only; default every leaf that requires a gradient */
    bool retain;     /* keep what the walk needs for a second one; default it is given back as the walk passes */
    uint32_t size;
} ag_backward_options;
/* Adds dy/dw to the gradient of every leaf w. y is a tensor, or a scalar (then read results with ag_adjoint; .seed is
 * one number). On failure no gradient has changed. */
AG_API ag_status ag_backward(ag_tensor *y, AG_OPTIONS(ag_backward_options));
/* Forgets the collected gradients. */
AG_API void ag_zero_grad(ag_params params);

/* f runs in the walk of ag_backward when the gradient of x (a temporary, or a leaf already used on the current tape) is
 * complete; it may return a replacement of the same shape, or NULL to leave it. Gone at the reset. */
typedef ag_tensor *ag_hook_fn(ag_tensor *x, ag_tensor *gradient, void *user);
AG_API ag_status ag_hook(ag_tensor *x, ag_hook_fn *f, void *user);

/* What a tape holds, in bytes and counts. A training step needs at its peak
 *
 *     the sum of c(results) + the most of c(adjoints at work) + 128 a tensor + workspace,    c(bytes): what a buffer takes
 *
 * results: of every operation and everything drawn or copied onto the tape, views and single numbers excepted, with what
 * operations keep for their derivative (dropout a bit an element, cross_entropy a number a row). At work are, while the
 * walk passes an operation, the gradients of its results and inputs, and those that still wait for their operation: in a
 * chain of layers two. c rounds up to 64 bytes, above 512 to an eighth of the next power of two. Workspace: to pack
 * operands a product takes at most 3 MB for each thread. Beside the tape stand the parameters, their gradients and what
 * the optimizer keeps: 4 times the parameters with Adam, 3 with momentum, 2 without. */
typedef struct ag_memory {
    uint64_t in_use;   /* by live temporaries and records */
    uint64_t peak;     /* the most it was */
    uint64_t reserved; /* obtained from the system and kept */
    uint64_t nodes;    /* tensors on the tape */
    uint64_t scalars;  /* scalar ids handed out */
} ag_memory;
AG_API ag_memory ag_tape_memory(const ag_tape *tape);

AG_END
#ifndef __cplusplus
#define ag_tape_new(...) AG__CALL0(ag_tape_new, ag_tape_options, __VA_ARGS__)
#endif
#endif
