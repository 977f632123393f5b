/* gradcheck.h - are the derivatives right? Against finite differences, and forward mode against reverse.
 *
 * Each entry of the Jacobian is compared with scaled central differences, extrapolated once (Richardson), which also
 * estimate their own error: |a - n| <= 10 estimate + atol + rtol |n| passes. Where the estimate exceeds
 * 1e-5 (|n| + scale), scale the largest entry of the row, smaller steps are tried; then the entry is inconclusive, and
 * that counts as failure: a check that cannot tell does not pass. The kernels and the rules that can be differentiated
 * again must agree to 1e-12. */
#ifndef AG_GRADCHECK_H
#define AG_GRADCHECK_H
#include <autograd/scalar.h>
AG_BEGIN

/* From tensors to one tensor. Called with recording on and a fresh current tape; returns NULL to give up. */
typedef ag_tensor *ag_fn(ag_tensor **x, void *user);
/* From x[0..n) to y[0..m), scalars. */
typedef void ags_fn(const ag_scalar *x, ag_scalar *y, void *user);

typedef struct ag_gradcheck_options {
    void *user;       /* passed to f */
    ag_params params; /* also by these leaves; the report names them */
    int order;        /* default 1; 2 checks the gradient of <y + y^2/2, c>, c fixed and random, as a function too */
    double rtol;      /* default 1e-6 (second order: 1e-5) */
    double atol;      /* default 1e-8 */
    bool no_forward;  /* leave out <u, J'v> = <Ju, v>, which must hold to 1e-12 */
    FILE *report;     /* a table, worst entries first; default none */
    uint32_t size;
} ag_gradcheck_options;

/* AG_OK, or AG_ECHECK with the input or parameter, index, both values, and "kink" where one-sided slopes differ. x are
 * f64, and f gets copies in the same memory layout; whole numbers and truth values are passed on, f32 is AG_EDTYPE.
 * Frozen parameters are not differentiated by. The random generator is put back before each evaluation, so dropout may
 * be checked. f's value may have any shape; all of the Jacobian is checked. */
AG_API ag_status ag_gradcheck(ag_fn *f, ag_list x, AG_OPTIONS(ag_gradcheck_options));
/* The same for a function of scalars, y[0..m) of x[0..n). */
AG_API ag_status ags_gradcheck(ags_fn *f, size_t m, const double *x, size_t n, AG_OPTIONS(ag_gradcheck_options));

AG_END
#ifndef __cplusplus
#define ag_gradcheck(...) AG__CALL2(ag_gradcheck, ag_gradcheck_options, __VA_ARGS__, AG__SIZE(ag_gradcheck_options))
#define ags_gradcheck(...) AG__CALL4(ags_gradcheck, ag_gradcheck_options, __VA_ARGS__, AG__SIZE(ag_gradcheck_options))
#endif
#endif
