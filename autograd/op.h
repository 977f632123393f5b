/* op.h - an operation: the struct behind every built-in one and every one of yours.
 *
 * Needed: name, n_in, shape and forward. For a derivative: vjp, written in ag_ operations, so that any order follows.
 * For forward mode: jvp. Optional: backward, a faster first-order rule in raw loops, which must agree with vjp.
 * Or name, n_in, shape and compose: an operation made of others, which needs no rules of its own.
 * The struct must outlive every tape that saw it: make it static const. Callbacks run on the thread that applies the
 * operation; they report by ag_fail and return its code. Check with ag_gradcheck(f, AG_LIST(x), .order = 2). */
#ifndef AG_OP_H
#define AG_OP_H
#include <autograd/tensor.h>
AG_BEGIN

typedef struct ag_op ag_op;
enum { AG_MAX_OUT = 4 };

/* One application of an operation. Which fields a callback may read stands beside them. */
typedef struct ag_call {
    const ag_op *op;
    const void *attr;          /* all: a copy of what was passed to ag_apply */
    void *saved;               /* forward, and all after it: saved_size bytes, zeroed at first */
    int n_in, n_out;
    ag_tensor *const *in;      /* all: inputs; an optional one may be NULL */
    ag_tensor *const *out;     /* forward: row-major, to be filled; vjp, jvp, backward: as computed */
    ag_tensor *const *g;       /* vjp, backward: gradient of each output, NULL where zero (backward: never NULL) */
    const bool *need;          /* vjp, backward: is the gradient by in[i] wanted */
    ag_tensor **gin;           /* vjp: store the gradient by in[i] where need[i]; left NULL it is zero. It may have the
                                * shape in[i] was broadcast to: the engine sums it back. backward: row-major tensors of
                                * the shapes of the inputs, to be written, or added to where add[i] */
    const bool *add;           /* backward only */
    ag_tensor *const *tangent; /* jvp: tangent of each input, NULL where zero */
    ag_tensor **tout;          /* jvp: store the tangent of each output; left NULL it is zero */
} ag_call;

typedef struct ag_shape {
    ag_dtype dtype;
    int rank;
    int64_t dims[AG_MAX_RANK];
} ag_shape;

/* Which values the derivative reads, for ag_op.saves. A value that is not saved may be overwritten before backward. */
#define AG_SAVES_IN(i) (1u << (i))
#define AG_SAVES_OUT(i) (0x10000u << (i))
#define AG_SAVES_NOTHING 0x80000000u

struct ag_op {
    const char *name;
    int n_in, n_out;                                      /* n_out 0 means 1; n_in -1: any number */
    size_t attr_size, saved_size;
    ag_status (*shape)(const ag_call *c, ag_shape *out);  /* checks the inputs, fills one ag_shape per output */
    ag_status (*forward)(ag_call *c);
    ag_status (*vjp)(ag_call *c);
    ag_status (*jvp)(ag_call *c);                         /* NULL: no ag_jvp, and ag_gradcheck by .no_forward = true */
    ag_status (*backward)(ag_call *c);
    ag_tensor *(*compose)(const ag_call *c);              /* in place of the four: the result, of the only output's shape */
    uint32_t saves;                                       /* AG_SAVES_IN(0) | AG_SAVES_OUT(0); 0 means everything */
    uint32_t flags;                                       /* AG_OP_*; 0 for an operation of one's own */
    const void *impl;                                     /* built-in operations only */
};
enum {
    AG_OP_STRIDED = 1,  /* forward and backward accept inputs of any strides; others get row-major copies */
    AG_OP_VIEW = 2,     /* built-in only: the output shares the storage of in[0] */
    AG_OP_ANY = 4,      /* built-in only: backward takes gradients of any layout as well */
};

/* Ready-made shape rules. */
AG_API ag_status ag_shape_same(const ag_call *c, ag_shape *out);      /* all inputs alike, output as well */
AG_API ag_status ag_shape_broadcast(const ag_call *c, ag_shape *out); /* NumPy broadcasting, one dtype */
AG_API ag_status ag_shape_scalar(const ag_call *c, ag_shape *out);    /* 0-d of in[0]'s dtype */

/* ag_apply(&op, attr or NULL, inputs...) - the first output; ag_apply_all gives them all. */
AG_API ag_tensor *ag_apply(const ag_op *op, const void *attr, int n, ag_tensor *const *in);
AG_API ag_status ag_apply_all(const ag_op *op, const void *attr, ag_list in, ag_tensor **out);

/* Sums g over what broadcasting repeated, giving the shape of like. */
AG_API ag_tensor *ag_sum_to(ag_tensor *g, ag_tensor *like);

/* The built-in operations, for tests, documentation and bindings. */
AG_API const ag_op *ag_op_find(const char *name);
AG_API const ag_op *const *ag_op_all(int64_t *n);

AG_END
#ifndef __cplusplus
#define ag_apply(op, ...) (AG__HERE("ag_apply"), AG__APPLY(op, __VA_ARGS__))
#define AG__APPLY(op, attr, ...)                                                                                       \
    (ag_apply)((op), (attr), (int)(sizeof((ag_tensor *[]){ __VA_ARGS__ }) / sizeof(ag_tensor *)),                      \
               (ag_tensor *const[]){ __VA_ARGS__ })
#endif
#endif
