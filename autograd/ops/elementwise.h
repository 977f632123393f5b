/* elementwise.h - what the walk knows of the elementary functions, so that they need no ag_call on the way back. */
#ifndef AG_OPS_ELEMENTWISE_H
#define AG_OPS_ELEMENTWISE_H
#include <autograd/ops/apply.h>

/* ag_op.impl of the unary and binary rows. */
typedef struct ag__elementwise {
    int code; /* in the kernel table */
    /* Adds y's adjoint times the slopes to the adjoints of those inputs that need it. False: error remembered. */
    bool (*backward)(ag_tape *t, ag_tensor *y, int code, const bool *need);
} ag__elementwise;

/* x, or if it is a C number (ag_num) its value in dtype `as`; NULL if as cannot hold it. */
ag_tensor *ag__adopt(ag_tape *t, ag_tensor *x, ag_dtype as, const char *who);
#endif
