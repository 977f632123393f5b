/* sparse.h - products with matrices of which only some entries are there. */
#ifndef AG_OPS_SPARSE_H
#define AG_OPS_SPARSE_H
#include <autograd/ops/family.h>

/* y[b, o, row[e], j] = sum over e of v[b, e] x[b, o, col[e], j], with v [batches, n], x [batches, outer, cols, inner],
 * y [batches, outer, rows, inner] and i64 indices col and row [batches, n]; an entry where one of them is negative is
 * none. Linear in v and in x; its derivatives are of the same kind. */
typedef struct ag__entries {
    int64_t batches, n, rows, cols, outer, inner;
} ag__entries;
ag_tensor *ag__sparse_product(const ag__entries *s, ag_tensor *v, ag_tensor *x, ag_tensor *col, ag_tensor *row);
#endif
