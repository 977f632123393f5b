/* sparse.h - Jacobians and Hessians of scalars that are mostly zeros: as many numbers, and as many sweeps, as they need.
 *
 * The tape tells where entries can differ from zero; columns (or rows) that do not meet share a direction; a few sweeps of
 * up to eight directions give all entries. The pattern is structural: an entry in it may happen to be 0. */
#ifndef AG_SPARSE_H
#define AG_SPARSE_H
#include <autograd/scalar.h>
AG_BEGIN

/* Compressed sparse rows. Yours, not the tape's: free with ag_sparse_free. */
typedef struct ag_sparse {
    int64_t rows, cols, nnz;
    int64_t *start;           /* [rows + 1]; row i has the entries start[i] .. start[i + 1] - 1 */
    int64_t *index;           /* [nnz] columns, ascending in a row */
    double *value;            /* [nnz] */
    int64_t colors, sweeps;   /* directions, and sweeps of up to eight of them */
    struct ag__plan *plan;    /* where in the sweeps the entries are */
} ag_sparse;

/* dy/dx, y[0..m) by x[0..n). Forwards or in reverse, whichever needs fewer directions. NULL: an error. Not where tensors
 * stand between, whose patterns are not known (AG_ENODIFF); ags_jacobian and ags_hessian take those. */
AG_API ag_sparse *ags_sparse_jacobian(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n);
/* d2y/dx2, whole (both triangles), likewise. */
AG_API ag_sparse *ags_sparse_hessian(ag_scalar y, const ag_scalar *x, size_t n);
/* The values again, at another point: y and x recorded anew by the same operations in the same order. A Hessian has m = 1.
 * The pattern and its directions are kept, which is most of the work. On failure the values are undefined. */
AG_API ag_status ags_sparse_update(ag_sparse *s, const ag_scalar *y, size_t m, const ag_scalar *x, size_t n);
/* NULL is fine. */
AG_API void ag_sparse_free(ag_sparse *s);

AG_END
#endif
