/* lapack.c - see lapack.h. */
#include <autograd/ops/lapack.h>
#include <autograd/base/memory.h>
#include <limits.h>

/* CALL(rows, columns, routine, its arguments): of the matrix that is largest.
 *
 * LAPACKE is loaded when the first matrix is decomposed: linked, it and the BLAS below it would cost every program some
 * ten milliseconds at its start, threads of their own and room in each thread's stack. */
#ifdef AG_HAVE_LAPACKE
#include <dlfcn.h>
#include <lapacke.h>
#include <pthread.h>
#define ROUTINE(f) ((__typeof__(LAPACKE_##f) *)routine("LAPACKE_" #f))
#define CALL(m, n, f, ...)                                                              \
    (!ready(who, (m), (n)) ? AG__LAPACK_FAILED                                          \
     : dtype == AG_F64     ? outcome(who, ROUTINE(d##f)(LAPACK_ROW_MAJOR, __VA_ARGS__)) \
                           : outcome(who, ROUTINE(s##f)(LAPACK_ROW_MAJOR, __VA_ARGS__)))
#define CALL_F64(m, n, f, ...) \
    (!ready(who, (m), (n)) ? AG__LAPACK_FAILED : outcome(who, ROUTINE(d##f)(LAPACK_ROW_MAJOR, __VA_ARGS__)))

static void *library;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    library = dlopen("liblapacke.so.3", RTLD_LAZY | RTLD_LOCAL);
    if (!library) library = dlopen("liblapacke.so", RTLD_LAZY | RTLD_LOCAL);
}

typedef void function(void);
static function *routine(const char *name)
{
    function *f;
    *(void **)&f = dlsym(library, name); /* as POSIX has it */
    return f;
}

static bool ready(const char *who, int64_t m, int64_t n)
{
    if (m > INT_MAX || n > INT_MAX)
        return ag_fail(AG_ESHAPE, "%s: [%lld,%lld] is more than LAPACK can count", who, (long long)m, (long long)n),
               false;
    if (!pthread_once(&once, load) && library) return true;
    return ag_fail(AG_EMISSING, "%s: LAPACKE's library, liblapacke.so, is not there", who), false;
}

/* LAPACKE looks for NaNs itself, and has its own memory for work. */
static int outcome(const char *who, lapack_int info)
{
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return ag_fail(AG_ENOMEM, "%s: LAPACK's memory for work", who), AG__LAPACK_FAILED;
    return info < 0 ? AG__LAPACK_NAN : info;
}
#else
typedef int32_t lapack_int;
#define CALL(m, n, f, ...)     missing(who, dtype, m, n, __VA_ARGS__)
#define CALL_F64(m, n, f, ...) missing(who, m, n, __VA_ARGS__)

static int missing(const char *who, ...)
{
    return ag_fail(AG_EMISSING, "%s: this library was built without LAPACKE", who), AG__LAPACK_FAILED;
}
#endif

/* A leading dimension, at least 1. */
static lapack_int lead(int64_t n)
{
    return n > 0 ? (lapack_int)n : 1;
}
static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int ag__lapack_lu(const char *who, ag_dtype dtype, int64_t m, int64_t n, void *a, int32_t *pivot)
{
    return CALL(m, n, getrf, (lapack_int)m, (lapack_int)n, a, lead(n), pivot);
}
int ag__lapack_lu_solve(const char *who, ag_dtype dtype, int64_t n, int64_t k, const void *lu, const int32_t *pivot,
                        void *b)
{
    return CALL(n, k, getrs, 'N', (lapack_int)n, (lapack_int)k, lu, lead(n), pivot, b, lead(k));
}
int ag__lapack_cholesky(const char *who, ag_dtype dtype, int64_t n, void *a, bool upper)
{
    return CALL(n, n, potrf, upper ? 'U' : 'L', (lapack_int)n, a, lead(n));
}
int ag__lapack_qr(const char *who, ag_dtype dtype, int64_t m, int64_t n, void *a, void *tau)
{
    return CALL(m, n, geqrf, (lapack_int)m, (lapack_int)n, a, lead(n), tau);
}
int ag__lapack_q(const char *who, ag_dtype dtype, int64_t m, int64_t n, int64_t k, void *q, const void *tau)
{
    return CALL(m, n, orgqr, (lapack_int)m, (lapack_int)n, (lapack_int)k, q, lead(n), tau);
}
int ag__lapack_eigh(const char *who, ag_dtype dtype, int64_t n, void *a, bool upper, void *values)
{
    return CALL(n, n, syevd, 'V', upper ? 'U' : 'L', (lapack_int)n, a, lead(n), values);
}
int ag__lapack_svd(const char *who, ag_dtype dtype, int64_t m, int64_t n, void *a, void *s, void *u, void *vh,
                   bool full)
{
    int64_t k = full ? m : m < n ? m : n;
    return CALL(m, n, gesdd, full ? 'A' : 'S', (lapack_int)m, (lapack_int)n, a, lead(n), s, u, lead(k), vh, lead(n));
}

int ag__lapack_lstsq(const char *who, ag_lstsq_driver driver, int64_t m, int64_t n, int64_t k, double *a, double *b,
                     double rcond, double *s, int32_t *rank)
{
    lapack_int rows = (lapack_int)m, cols = (lapack_int)n, right = (lapack_int)k;
    if (driver == AG_GELS) return CALL_F64(larger(m, k), n, gels, 'N', rows, cols, right, a, lead(n), b, lead(k));
    if (driver == AG_GELSD)
        return CALL_F64(larger(m, k), n, gelsd, rows, cols, right, a, lead(n), b, lead(k), s, rcond, rank);
    if (driver == AG_GELSS)
        return CALL_F64(larger(m, k), n, gelss, rows, cols, right, a, lead(n), b, lead(k), s, rcond, rank);
    size_t bytes = (size_t)lead(n) * sizeof(lapack_int);
    lapack_int *order = ag__alloc(NULL, bytes, who);
    if (!order) return AG__LAPACK_FAILED;
    for (lapack_int i = 0; i < cols; i++) order[i] = 0; /* any column may come first */
    int info = CALL_F64(larger(m, k), n, gelsy, rows, cols, right, a, lead(n), b, lead(k), order, rcond, rank);
    ag__release(NULL, order, bytes);
    return info;
}
