/* lapack.h - what the decompositions ask of LAPACK: one row-major matrix at a time, f32 or f64.
 *
 * lapack.c is the one file that knows LAPACKE. A library built without it reports AG_EMISSING. All return what LAPACK calls
 * info: 0; positive for what the routine met (a zero pivot, a minor that is not positive, no convergence); or one of the two
 * below. */
#ifndef AG_OPS_LAPACK_H
#define AG_OPS_LAPACK_H
#include <autograd/ops_options.h>

enum {
    AG__LAPACK_NAN = -1,    /* the matrix holds a NaN, and nothing was computed */
    AG__LAPACK_FAILED = -2, /* the error is remembered as `who` */
};

/* a [m,n] becomes its LU factors, pivot [min(m,n)] the rows exchanged, counted from 1. */
int ag__lapack_lu(const char *who, ag_dtype dtype, int64_t m, int64_t n, void *a, int32_t *pivot);
/* b [n,k] becomes the solution, by factors of ag__lapack_lu. */
int ag__lapack_lu_solve(const char *who, ag_dtype dtype, int64_t n, int64_t k, const void *lu, const int32_t *pivot,
                        void *b);
/* The lower (or upper) triangle of a [n,n] becomes its Cholesky factor; the other is neither read nor written. */
int ag__lapack_cholesky(const char *who, ag_dtype dtype, int64_t n, void *a, bool upper);
/* a [m,n] becomes R and the reflections below it, tau [min(m,n)] their factors. */
int ag__lapack_qr(const char *who, ag_dtype dtype, int64_t m, int64_t n, void *a, void *tau);
/* q [m,n], its first k columns from ag__lapack_qr, becomes the first n columns of Q. */
int ag__lapack_q(const char *who, ag_dtype dtype, int64_t m, int64_t n, int64_t k, void *q, const void *tau);
/* a [n,n], of which one triangle is read, becomes its eigenvectors, values [n] the eigenvalues, ascending. */
int ag__lapack_eigh(const char *who, ag_dtype dtype, int64_t n, void *a, bool upper, void *values);
/* a [m,n] is used up; s [k], u [m,k], vh [k,n] with k = min(m,n), or full: u [m,m], vh [n,n]. */
int ag__lapack_svd(const char *who, ag_dtype dtype, int64_t m, int64_t n, void *a, void *s, void *u, void *vh, bool full);
/* Least squares, in doubles: b [max(m,n),k] becomes the solution in its first n rows; a [m,n] is used up. s [min(m,n)]:
 * singular values, of gelsd and gelss. rank: not of gels. */
int ag__lapack_lstsq(const char *who, ag_lstsq_driver driver, int64_t m, int64_t n, int64_t k, double *a, double *b,
                     double rcond, double *s, int32_t *rank);
#endif
