/* linalg.h - what the decompositions share: matrices under leading axes, triangles, scratch memory. linalg.c */
#ifndef AG_OPS_LINALG_H
#define AG_OPS_LINALG_H
#include <autograd/ops/family.h>
#include <autograd/ops/lapack.h>

/* The last two axes are a matrix, or the shape rule of c->op has reported that input i has none, or none that is square,
 * or is not floating, or of another dtype than the first input. */
bool ag__need_matrix(const ag_call *c, int i, bool square);
/* The matrices of a row-major tensor. */
typedef struct ag__matrices {
    ag_dtype dtype;
    int64_t count, rows, cols, bytes; /* bytes: of one matrix */
} ag__matrices;
ag__matrices ag__matrices_of(const ag__layout *l);
/* Where, in a row-major tensor of layout l, matrix i of the (broadcast) leading axes dims[0..rank) lies. */
void *ag__matrix_at(const ag_tensor *x, int rank, const int64_t *dims, int64_t i);

/* Memory for the time of one call, from the pool of the current tape. */
typedef struct ag__scratch {
    void *at;
    uint8_t klass;
} ag__scratch;
bool ag__scratch_get(ag__scratch *s, int64_t bytes);
void ag__scratch_put(ag__scratch *s);
/* AG_EINVAL: "ag_inv: matrix 1 of [2,3,3] <what> <at>". */
ag_status ag__matrix_fails(const ag_call *c, int64_t i, const char *what, int at);
void ag__fill_nan(ag_dtype dtype, int64_t n, void *data);

/* Each element of matrices times one of three weights: below, on and above the diagonal. A weight of 0 gives 0, whatever
 * the element. Linear, and its own derivative. */
ag_tensor *ag__band(ag_tensor *x, double below, double on, double above);
static inline ag_tensor *ag__lower(ag_tensor *x) { return ag__band(x, 1, 1, 0); }
static inline ag_tensor *ag__upper(ag_tensor *x) { return ag__band(x, 0, 1, 1); }
/* The diagonal of square matrices, and a matrix of a diagonal: v [..., n] -> [..., n, n]. */
ag_tensor *ag__diagonal(ag_tensor *x);
ag_tensor *ag__diagonal_matrix(ag_tensor *v);
/* s[j] - s[i] at i, j; 1 on the diagonal: what the derivatives of eigenvectors are divided by. */
ag_tensor *ag__gaps(ag_tensor *s);

static inline ag_tensor *ag__turned(ag_tensor *x) { return ag_transpose(x, -1, -2); }
static inline ag_tensor *ag__skew(ag_tensor *x) { return ag_sub(x, ag__turned(x)); }
static inline ag_tensor *ag__sym(ag_tensor *x) { return ag_add(x, ag__turned(x)); }
static inline ag_tensor *ag__matmul3(ag_tensor *a, ag_tensor *b, ag_tensor *c)
{
    return ag_matmul(a, ag_matmul(b, c));
}
/* Matrices times a diagonal, on the right and on the left. */
static inline ag_tensor *ag__scale_columns(ag_tensor *x, ag_tensor *d) { return ag_mul(x, ag_unsqueeze(d, -2)); }
static inline ag_tensor *ag__scale_rows(ag_tensor *d, ag_tensor *x) { return ag_mul(ag_unsqueeze(d, -1), x); }
static inline ag_tensor *ag__columns(ag_tensor *x, int64_t from, int64_t to) { return ag_slice(x, -1, from, to); }
static inline ag_tensor *ag__rows(ag_tensor *x, int64_t from, int64_t to) { return ag_slice(x, -2, from, to); }
static inline ag_tensor *ag__sum_of(ag_tensor *a, ag_tensor *b) { return a && b ? ag_add(a, b) : a ? a : b; }
static inline int64_t ag__n_rows(const ag_tensor *x) { return x->layout->dims[x->layout->rank - 2]; }
static inline int64_t ag__n_cols(const ag_tensor *x) { return x->layout->dims[x->layout->rank - 1]; }
#endif
