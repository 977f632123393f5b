/* blas.c - large products by a CBLAS library, if the build asks for one: make BLAS=openblas. */
#include <autograd/ops/product.h>
#ifdef AG_HAVE_CBLAS
#include <cblas.h>
#include <limits.h>
#include <pthread.h>

/* OpenBLAS' own threads would compete with ours. Other libraries do not have this function. */
extern void openblas_set_num_threads(int n) __attribute__((weak));
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void one_thread(void)
{
    if (openblas_set_num_threads) openblas_set_num_threads(1);
}

/* Are the elements of this matrix, rows or columns, as BLAS knows them? */
static bool fits(int64_t rows, int64_t cols, int64_t row, int64_t col, enum CBLAS_TRANSPOSE *how, int *ld)
{
    bool turned = col != 1;
    int64_t step = turned ? col : row, length = turned ? rows : cols;
    *how = turned ? CblasTrans : CblasNoTrans;
    *ld = (int)step;
    return (turned ? row : col) == 1 && step >= length && step <= INT_MAX && rows <= INT_MAX && cols <= INT_MAX;
}

bool ag__blas(ag_dtype dtype, const ag__gemm *g)
{
    enum CBLAS_TRANSPOSE a, b, c;
    int lda, ldb, ldc, m = (int)g->m, n = (int)g->n, k = (int)g->k;
    if (g->k < 1 || !fits(g->m, g->k, g->a_row, g->a_col, &a, &lda) ||
        !fits(g->k, g->n, g->b_row, g->b_col, &b, &ldb) || !fits(g->m, g->n, g->ldc, 1, &c, &ldc))
        return false;
    pthread_once(&once, one_thread);
    if (dtype == AG_F64)
        cblas_dgemm(CblasRowMajor, a, b, m, n, k, 1, g->a, lda, g->b, ldb, g->add, g->c, ldc);
    else
        cblas_sgemm(CblasRowMajor, a, b, m, n, k, 1, g->a, lda, g->b, ldb, g->add, g->c, ldc);
    const ag__kernels *kernels = ag__kernels_for(dtype);
    char *row = g->c;
    for (int64_t i = 0; i < g->m; i++, row += g->ldc * (int64_t)ag_dtype_size(dtype)) {
        if (g->bias) kernels->copy(g->n, g->bias, 1, row, 1, true);
        if (g->act) kernels->unary[g->act - 1](g->n, row, 1, row, 1);
    }
    return true;
}
#endif
