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
AG_API ag_block ags_block_const(size_t n, const double *values);         /* not copied: to stay till the reset */
AG_API ag_block ags_block_of(size_t n, const ag_scalar *x);              /* scalars, gathered */
/* x[index[i]], 0 <= i < n; an index past the end is AG_EINVAL. */
AG_API ag_block ags_block_take(ag_block x, size_t n, const uint32_t *index);
/* Elements from .. from+n-1 of x. Out of range is AG_EINVAL. */
AG_API ag_block ags_block_slice(ag_block x, size_t from, size_t n);

/* ---- element by element. A shorter operand is repeated: its size divides that of the longest (else AG_ESHAPE). --- */
AG_API ag_block ags_block_add(ag_block x, ag_block y);
AG_API ag_block ags_block_sub(ag_block x, ag_block y);
AG_API ag_block ags_block_mul(ag_block x, ag_block y);
AG_API ag_block ags_block_fma(ag_block x, ag_block y, ag_block z);       /* x y + z */
AG_API ag_block ags_block_rsub(const double *c, ag_block x);             /* c - x, c[0..x.n) numbers */
AG_API ag_block ags_block_exp(ag_block x);
AG_API ag_block ags_block_log(ag_block x);
AG_API ag_block ags_block_sigmoid(ag_block x);
AG_API ag_block ags_block_tanh(ag_block x);

/* ---- sums -------------------------------------------------------------------------------------------------------- */
AG_API ag_scalar ags_block_sum(ag_block x);
AG_API ag_scalar ags_block_dot(ag_block x, ag_block y);                  /* same size */
AG_API ag_scalar ags_block_sqnorm(ag_block x);
/* One result for each row of n elements of x; x.n is a multiple of n (else AG_ESHAPE). */
AG_API ag_block ags_block_sums(size_t n, ag_block x);
AG_API ag_block ags_block_sqnorms(size_t n, ag_block x);
AG_API ag_block ags_block_logsumexps(size_t n, ag_block x);

/* ---- products ---------------------------------------------------------------------------------------------------- */
/* a[m][n] row-major times x[n]: a.n = m x.n. */
AG_API ag_block ags_block_matvec(ag_block a, ag_block x);
/* (D + L) x: diag holds D's n numbers, low the strictly lower L packed by columns, n (n - 1) / 2 numbers. */
AG_API ag_block ags_block_trimv(ag_block diag, ag_block low, ag_block x);
/* The same for many x, rows of d elements, and m matrices, whose number divides that of the rows: row r of the result
 * is matrix r % m times row r of x. diag holds m d numbers, low m d (d - 1) / 2. */
AG_API ag_block ags_block_trimvs(size_t d, ag_block diag, ag_block low, ag_block x);

/* Element i, 0 <= i < x.n (not checked). */
static inline ag_scalar ags_block_at(ag_block x, size_t i)
{
    ag_scalar s = { x.value[i], x.id ? x.id + (uint32_t)i : 0, x.gen };
    return s;
}

AG_END
#endif
