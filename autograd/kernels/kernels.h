/* kernels.h - raw loops over pointers and strides, one table per instruction set and floating dtype.
 *
 * The text of a kernel stands once (the .c files beside this) and is compiled for each instruction set with its own
 * compiler flags and AG__ISA; the best one the processor has is chosen at run time, AG_ARCH=generic|avx2|avx512 forces
 * one. The generic one always exists and the others are tested against it.
 * Strides are in elements. A result may lie in place of an operand of the same stride, else they don't overlap.
 * Nothing here knows a tensor or a tape, allocates, or fails. */
#ifndef AG_KERNELS_H
#define AG_KERNELS_H
#include <autograd/elementary.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ag__unary_code {
#define AG__CODE(name, ...) AG__F_##name,
    AG_UNARY_FUNCTIONS(AG__CODE)
    AG__N_UNARY
};
enum ag__binary_code {
    AG_BINARY_FUNCTIONS(AG__CODE)
#undef AG__CODE
    AG__N_BINARY
};
enum ag__compare_code { AG__EQ, AG__NE, AG__LT, AG__LE, AG__GT, AG__GE, AG__N_COMPARE };
enum ag__reduce_code { AG__SUM, AG__MAX, AG__MIN, AG__N_REDUCE };

/* y[i] = f(x[i]) */
typedef void ag__unary_fn(int64_t n, const void *x, int64_t sx, void *y, int64_t sy);
/* d[i] = or += g[i] * slope(x[i], y[i]); sd 0 sums all n into d[0] in a fixed order. Operands that the row of
 * elementary.h doesn't save are not read. */
typedef void ag__unary_back_fn(int64_t n, const void *g, int64_t sg, const void *x, int64_t sx, const void *y,
                               int64_t sy, void *d, int64_t sd, bool add);
typedef void ag__binary_fn(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb, void *y, int64_t sy);
/* the same with g times the slope by a, or by b; sd 0 sums */
typedef void ag__binary_back_fn(int64_t n, const void *g, int64_t sg, const void *a, int64_t sa, const void *b,
                                int64_t sb, const void *y, int64_t sy, void *d, int64_t sd, bool add);
/* y[i] (bool) = a[i] ? b[i] */
typedef void ag__compare_fn(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb, uint8_t *y, int64_t sy);
/* the sum / max / min of x[0..n), n > 0, in a fixed order (blocks of partial sums, the same for every n and stride);
 * NaN wins in max and min */
typedef double ag__reduce_fn(int64_t n, const void *x, int64_t sx);

/* c[m][n] = act((add ? c : 0) + op(a) op(b) + (bias ? bias[n] : 0)). Element (i,p) of op(a) is a[i * a_row + p * a_col], of
 * op(b) (p,j) b[p * b_row + j * b_col]; rows of c lie ldc apart, its columns are contiguous.
 * An element has the same bits however m, and n in pieces above AG__GEMM_NARROW, are cut into several calls, and whether
 * or not there is a workspace. */
enum { AG__GEMM_NARROW = 16 };
typedef struct ag__gemm {
    int64_t m, n, k;
    const void *a, *b, *bias;
    void *c;
    int64_t a_row, a_col, b_row, b_col, ldc;
    bool add;
    int act;    /* 0: none; else 1 + an ag__unary_code */
    void *work; /* NULL, or gemm_work(g) bytes aligned to 64: room to pack, without which large products are slower */
} ag__gemm;

/* Rows normalised, as norm.c says; weight and bias may be NULL; without mean by the root mean square. */
typedef struct ag__norm {
    int64_t rows, n;
    double eps;
    const void *x, *weight, *bias;
    void *y, *mean, *rstd;
} ag__norm;
/* The way back: dx = or += (NULL: not wanted), dweight += and dbias += (NULL likewise). */
typedef struct ag__norm_back {
    int64_t rows, n;
    const void *x, *weight, *g, *mean, *rstd;
    void *dx, *dweight, *dbias;
    bool add;
} ag__norm_back;

/* Channels from .. to-1 of x [n][channels][inner] normalised over n and inner, with a weight and a bias (or NULL) for each
 * channel. Unless given, mean, var (that of n inner elements) and rstd are written; else mean and rstd are read. */
typedef struct ag__batch_norm {
    int64_t n, channels, inner, from, to;
    double eps;
    bool given;
    const void *x, *weight, *bias;
    void *y, *mean, *rstd, *var;
} ag__batch_norm;
/* The way back; NULL: not wanted. */
typedef struct ag__batch_norm_back {
    int64_t n, channels, inner, from, to;
    bool given;
    const void *x, *weight, *g, *mean, *rstd;
    void *dx, *dweight, *dbias;
    bool add_x, add_weight, add_bias;
} ag__batch_norm_back;

enum { AG__ARG_ROWS = 1 << 24 }; /* a float counts as far */
typedef struct ag__kernels {
    ag__unary_fn *unary[AG__N_UNARY];
    ag__unary_back_fn *unary_back[AG__N_UNARY];
    ag__binary_fn *binary[AG__N_BINARY];
    ag__binary_back_fn *back_a[AG__N_BINARY], *back_b[AG__N_BINARY];
    ag__compare_fn *compare[AG__N_COMPARE];
    ag__reduce_fn *reduce[AG__N_REDUCE];
    /* y[j]: the row of the first of the largest (AG__MAX) or smallest elements of column j; NaN is the most extreme. At
     * most AG__ARG_ROWS rows, ld apart */
    void (*arg_columns)(int op, int64_t rows, int64_t n, const void *x, int64_t ld, int64_t *y);
    /* y[i] = or += x[i]; sy 0 sums x into y[0] in the order of reduce */
    void (*copy)(int64_t n, const void *x, int64_t sx, void *y, int64_t sy, bool add);
    void (*fill)(int64_t n, double value, void *y, int64_t sy);
    /* y[i] = or += k x[i] */
    void (*scale)(int64_t n, double k, const void *x, int64_t sx, void *y, int64_t sy, bool add);
    /* one row: y[i] = e^(x[i] - max) / sum; returns max + log(sum), -inf for n 0. y may be NULL, or x itself */
    double (*softmax)(int64_t n, const void *x, int64_t sx, void *y, int64_t sy);
    double (*dot)(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb);
    void (*gemm)(const ag__gemm *g);
    size_t (*gemm_work)(const ag__gemm *g);
    /* y[j] = or += the sum of x[i * ld + j] over the rows, in a fixed order */
    void (*sum_columns)(int64_t rows, int64_t n, const void *x, int64_t ld, void *y, bool add);
    void (*norm)(const ag__norm *p);
    void (*norm_back)(const ag__norm_back *p);
    void (*batch_norm)(const ag__batch_norm *p);
    void (*batch_norm_back)(const ag__batch_norm_back *p);
    /* rows.c, contiguous rows of n: y[r] = log of the sum of e^x */
    void (*logsumexp_rows)(int64_t rows, int64_t n, const void *x, void *y);
    /* y = or += factor[r] e^(k x - shift[r]); factor NULL: 1; where it is 0, 0 whatever x is */
    void (*exp_rows)(int64_t rows, int64_t n, double k, const void *x, const void *shift, const void *factor, void *y,
                     bool add);
    /* *max becomes the largest of itself and k x; x becomes e^(k x - *max), 0 where that is -inf; its sum */
    double (*exp_sum)(int64_t n, double k, void *x, double *max);
    /* y[r] = the sum of a b */
    void (*dot_rows)(int64_t rows, int64_t n, const void *a, const void *b, void *y);
    /* g = k p (g - dot[r]) */
    void (*softmax_back)(int64_t rows, int64_t n, double k, const void *p, const void *dot, void *g);
    /* m columns of n rows, ldx apart: y = e^(x - max) / sum down each column, rows ldy apart; lse = max + log(sum). Either
     * may be NULL, y may be x. */
    void (*softmax_columns)(int64_t n, int64_t m, const void *x, int64_t ldx, void *y, int64_t ldy, void *lse);
    /* d = or += y (g - sum of g y down the column), all ld apart; y is softmax's result */
    void (*softmax_columns_back)(int64_t n, int64_t m, const void *y, const void *g, int64_t ld, void *d, bool add);
    /* y [cols][rows] = x' of strides sr, sc */
    void (*turn)(int64_t rows, int64_t cols, const void *x, int64_t sr, int64_t sc, void *y);
    /* y [rows][n]: row i is x[i * step + at[j]] */
    void (*pack_narrow)(int64_t rows, int64_t n, const void *x, int64_t step, const int64_t *at, void *y);
    /* f64 only, in matvec.c, for block records (block.h): y = A x, A row-major [m][n]; and the way back, which adds
     * ga += gy x', gx += A' gy */
    void (*matvec)(int64_t m, int64_t n, const double *a, const double *x, double *y);
    void (*matvec_back)(int64_t m, int64_t n, const double *a, const double *x, const double *gy, double *ga, double *gx);
    /* y = (D + L) x, L strictly lower, packed by columns; and gd += gy x, gl += gy x', gx += (D + L)' gy */
    void (*trimv)(int64_t n, const double *d, const double *l, const double *x, double *y);
    void (*trimv_back)(int64_t n, const double *d, const double *l, const double *x, const double *gy, double *gd,
                       double *gl, double *gx);
} ag__kernels;

/* The chosen tables for f32 (0) and f64 (1); NULL until ag__kernels_choose, which whoever makes the first tensor or
 * block calls. */
extern const ag__kernels *_Atomic ag__kernel[2];
/* Chooses once per process: the tables of ag__arch(), or the generic ones if that is NULL. Returns ag__arch(). */
const char *ag__kernels_choose(void);
/* `generic`, `avx2` or `avx512`, chosen once per process, without linking any of them; NULL: what AG_ARCH names is not
 * there. */
const char *ag__arch(void);
/* A table by name, or NULL if not built or not supported here: for tests. */
const ag__kernels *ag__kernels_of(const char *arch, int dtype);
#endif
