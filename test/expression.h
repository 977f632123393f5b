/* expression.h - random smooth expressions of scalars and tensors, from a seed.
 *
 * Each is a list of statements, found by trying: a statement stays if its values are of moderate size and away from
 * kinks and poles. It can be computed twice over: `mixed`, in tensors and scalars with bridges between them, and
 * `elements`, with a scalar for every element and elementary functions only. */
#ifndef TEST_EXPRESSION_H
#define TEST_EXPRESSION_H
#include <autograd/autograd.h>

enum { MOST_VALUES = 32, MOST_TENSORS = 3, MOST_ELEMENTS = 512 };

typedef struct value {
    bool scalar; /* an ag_scalar; else a tensor */
    int rank;
    int64_t dims[2];
    int first, n; /* its elements, among those of all values */
} value;

typedef struct statement {
    int op, a, b;  /* values */
    int argument;  /* which function, axis, element */
    double number; /* the other operand, where b is -1 */
} statement;

typedef struct expression {
    int n_tensor, n_scalar; /* inputs: tensors first */
    int n_value, n_element;
    value value[MOST_VALUES];
    statement statement[MOST_VALUES]; /* of inputs unused */
    double weight[MOST_VALUES];       /* the result is the weighted sum of the elements of what no statement uses */
    bool used[MOST_VALUES];
    int n_in;                         /* numbers of the inputs */
    double x[MOST_ELEMENTS];
} expression;

/* False if memory ran out: the error tells. Computes on the current tape, which it resets. */
bool expression_make(expression *e, uint64_t seed);
/* f64[1] from n_tensor tensors and, if there are scalars, one f64[n_scalar]. */
ag_tensor *expression_mixed(ag_tensor **x, void *expression);
/* From n_in scalars; all elements are left in `all`. */
ag_scalar expression_elements(const expression *e, const ag_scalar *x, ag_scalar *all);
/* How many tensors expression_mixed takes, and their shapes' numbers: x split as they want it, temporaries. */
int expression_inputs(const expression *e, const double *x, ag_tensor **in);
/* "%4 = matmul %1 %3", for whoever has to look for an error. */
void expression_print(const expression *e, FILE *to);

/* Random numbers for tests: the k-th of a seed, in [0, 1). */
double random_of(uint64_t seed, uint64_t k);
#endif
