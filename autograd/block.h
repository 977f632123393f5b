/* block.h - runs of scalars with contiguous ids whose values lie in the tape: whole vectors as one record.
 *
 * A block operation stores its n results and borrows its operands, where one statement per element would store every
 * partial: a triangular matrix times a vector costs n numbers in place of n^2/2. Elements are ordinary scalars
 * (ags_block_at), slices cost nothing, and blocks live as long as other scalars: until their tape's reset or rewind.
 * Sizes are counts of elements; n = 0 gives an empty block. A failed operation returns an empty block and remembers
 * why. */
#ifndef AG_BLOCK_H
#define AG_BLOCK_H
#include <autograd/scalar.h>
AG_BEGIN

typedef struct ag_block {
    const double *value; /* n of them, owned by the tape */
    uint32_t id;         /* of the first element; 0: constants */
    uint32_t n;
    uint32_t gen;
} ag_block;

AG_API ag_block ags_block_input(size_t n, const double *values);         /* independent variables */
AG_API ag_block ags_block_rsub(const double *c, ag_block x);             /* c - x, c[0..x.n) numbers */
AG_API ag_block ags_block_exp(ag_block x);
AG_API ag_scalar ags_block_sum(ag_block x);
AG_API ag_scalar ags_block_dot(ag_block x, ag_block y);                  /* same size */
AG_API ag_scalar ags_block_sqnorm(ag_block x);
/* a[m][n] row-major times x[n]: a.n = m x.n. */
AG_API ag_block ags_block_matvec(ag_block a, ag_block x);
/* (D + L) x: diag holds D's n numbers, low the strictly lower L packed by columns, n (n - 1) / 2 numbers. */
AG_API ag_block ags_block_trimv(ag_block diag, ag_block low, ag_block x);
/* Elements from .. from+n-1 of x. Out of range is AG_EINVAL. */
AG_API ag_block ags_block_slice(ag_block x, size_t from, size_t n);

/* Element i, 0 <= i < x.n (not checked). */
static inline ag_scalar ags_block_at(ag_block x, size_t i)
{
    ag_scalar s = { x.value[i], x.id ? x.id + (uint32_t)i : 0, x.gen };
    return s;
}

AG_END
#endif
