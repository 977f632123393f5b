/* op_check.h - everything a sample of an operation must satisfy. */
#ifndef OP_CHECK_H
#define OP_CHECK_H
#include "samples.h"

typedef struct op_tally {
    uint64_t cases, entries; /* samples, and entries of Jacobians compared with differences */
} op_tally;

/* NULL if all is well, else what is wrong (good until the next call on this thread). In order: full Jacobian against
 * differences, of first and second order, and forward against reverse; ag_backward's kernels against the recorded rules;
 * f32 against f64; any strides against row-major copies. Of an operation without derivative: its values. */
const char *check_sample(const samples *s, const sample *c, op_tally *tally);
/* The second and third derivatives of the sample of an operation that holds few numbers, as the first and second ones of
 * its gradient. False if the operation has no derivative or no such sample, else *why as above. */
bool check_third(const samples *s, const char **wrong);
#endif
