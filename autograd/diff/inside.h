/* inside.h - a function of tensors that is one node: evaluated on an inner tape, and again for each derivative.
 *
 * A derivative of such a node is again a function of tensors - run f, and differentiate on the inner tape - and so again
 * such a node. An ag__inside is the user's function, or a product with the Jacobian of another inside. */
#ifndef AG_DIFF_INSIDE_H
#define AG_DIFF_INSIDE_H
#include <autograd/diff/walk.h>

typedef struct ag__inside ag__inside;
typedef ag_tensor *ag__inside_run(const ag__inside *f, ag_tensor **x, bool record);
struct ag__inside {
    /* On the current (inner) tape, of n explicit operands; record: the result will be differentiated. NULL: error. */
    ag__inside_run *run;
    const char *who;
    int n;           /* explicit operands; leaves that f uses besides follow them as operands of the node */
    /* most > 0: evaluated until the first operand and the result agree; that operand is then none of the node's */
    int most;
    double tol;
    ag_rng rng;      /* where random numbers begin */
    ag_fn *f;        /* of the user's function */
    void *user;
    const ag__inside *of; /* of a derivative: by what, */
    int n_by;
    const int *by;        /* explicit operands of `of`, or AG__CAPTURED and then */
    ag_tensor *const *leaf; /* leaves */
};
enum { AG__CAPTURED = -1 };

/* How many explicit operands are not the node's. */
static inline int ag__inside_own(const ag__inside *f) { return f->most > 0; }
/* The first explicit operand that is the same tensor as operand i of the node, or i. */
static inline int ag__inside_first(const ag__inside *f, ag_tensor *const *x, int i)
{
    for (int k = 0; k < i && k < f->n - ag__inside_own(f); k++)
        if (x[k] == x[i]) return k;
    return i;
}
static inline const ag__inside *ag__inside_of(const ag_call *c) { return *(const ag__inside *const *)c->attr; }
/* f as a node of op on x[0..n), operands of the current tape. NULL: error remembered. */
ag_tensor *ag__inside_apply(const ag__inside *f, const ag_op *op, ag_tensor *const *x);
/* f on x on the inner tape t, its operands there in now[]; recorded. NULL: error remembered. */
ag_tensor *ag__inside_evaluate(const ag__inside *f, ag_tape *t, ag_tensor *const *x, ag_tensor **now);

/* The user's function. */
ag__inside_run ag__inside_function;
/* u' dy/dx by f->by, all flat behind each other; u is the last operand. */
ag__inside_run ag__inside_vjp;
/* The sum of dy/dx v by f->by; the v are the last operands. */
ag__inside_run ag__inside_jvp;
/* A derivative of c's inside with so many operands more, by those of c that which[] names. Lives on the current tape. */
ag__inside *ag__inside_derive(const ag_call *c, ag__inside_run *run, int extra, int n_by, const int *which);
/* Stores the gradients that c needs, with x the explicit operands of c's inside, u, and room for them, as nodes of op. */
ag_status ag__inside_gradients(ag_call *c, const ag_op *op, ag_tensor **x);
extern const ag_op ag__checkpoint;
#endif
