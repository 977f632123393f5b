/* product.h - products of strided matrices, in pieces among the threads: what matmul and linear are made of. */
#ifndef AG_OPS_PRODUCT_H
#define AG_OPS_PRODUCT_H
#include <autograd/ops/family.h>

/* Strides in elements. Under leading axes, lead[i] is the step of axis i: 0 where the matrix is repeated. */
typedef struct ag__matrix {
    char *data;
    int64_t row, col, lead[AG_MAX_RANK];
} ag__matrix;
/* c [m,n] = act([c +] a [m,k] b [k,n] + bias [n]) for each set of leading indices. The columns of c lie side by side; a
 * repeated c, the gradient of a repeated input, is added up. No leading size may be 0. */
typedef struct ag__product {
    ag_dtype dtype;
    int64_t m, n, k;
    ag__matrix a, b, c;
    int rank; /* leading axes */
    int64_t dims[AG_MAX_RANK];
    const void *bias;
    bool add;
    int act; /* as in ag__gemm */
} ag__product;

/* Sizes of a product under leading axes. */
typedef struct ag__sizes {
    int64_t m, k, n;
    int rank;
    int64_t dims[AG_MAX_RANK];
} ag__sizes;

/* x of layout l as a matrix under the leading axes of s. left: a 1-d x is a row, else a column. */
ag__matrix ag__matrix_of(const ag__sizes *s, const ag__layout *l, void *data, bool left);
/* The row-major result of sizes s. */
ag__matrix ag__result_of(const ag__sizes *s, void *data);
ag__product ag__product_of(const ag__sizes *s, ag_dtype dtype, int64_t m, int64_t k, int64_t n);

static inline ag__matrix ag__transposed(ag__matrix x)
{
    int64_t row = x.row;
    x.row = x.col, x.col = row;
    return x;
}

/* Only out of memory can be wrong. */
ag_status ag__multiply(ag__product p);
/* One product, whose workspace is not set yet. */
ag_status ag__multiply_one(ag_dtype dtype, ag__gemm g);

/* blas.c: computes g, or returns false where it cannot. How it rounds follows from how a product is cut, which then must
 * not depend on the threads. */
#ifdef AG_HAVE_CBLAS
enum { AG__ONE_CUT = 1 };
bool ag__blas(ag_dtype dtype, const ag__gemm *g);
#else
enum { AG__ONE_CUT = 0 };
static inline bool ag__blas(ag_dtype dtype, const ag__gemm *g) { return (void)dtype, (void)g, false; }
#endif

/* What most products are: c [m,n], row-major, = or += a b of plain matrices. */
typedef struct ag__strides {
    int64_t row, col;
} ag__strides;
static inline ag__strides ag__strides_of(const ag__layout *l) { return (ag__strides){ l->strides[0], l->strides[1] }; }
static inline ag__strides ag__turned(ag__strides s) { return (ag__strides){ s.col, s.row }; }
static inline ag__gemm ag__plain_product(int64_t m, int64_t k, int64_t n, const void *a, ag__strides sa, const void *b,
                                         ag__strides sb, void *c, bool add)
{
    ag__gemm g = { .m = m, .n = n, .k = k, .a = a, .b = b, .c = c, .ldc = n, .add = add };
    g.a_row = sa.row, g.a_col = sa.col, g.b_row = sb.row, g.b_col = sb.col;
    return g;
}

/* The gradient of an operand where the result holds nothing. */
static inline void ag__clear(ag_tensor *x) { memset(x->data, 0, (size_t)x->layout->numel * x->layout->item); }
/* x with its last two axes swapped; with all but the last made one. For rules. */
static inline ag_tensor *ag__swap_last(ag_tensor *x) { return ag_transpose(x, -1, -2); }
ag_tensor *ag__flat(ag_tensor *x);
/* Both terms, or the one there is. */
static inline ag_tensor *ag__sum_of(ag_tensor *a, ag_tensor *b) { return a && b ? ag_add(a, b) : a ? a : b; }
#endif
