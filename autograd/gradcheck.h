/* gradcheck.h - are the derivatives right? Against finite differences, and forward mode against reverse.
 *
 * Each entry of the Jacobian is compared with scaled central differences, extrapolated once (Richardson), which also
 * estimate their own error: |a - n| <= 10 estimate + atol + rtol |n| passes. Where the estimate exceeds
 * 1e-5 (|n| + scale), scale the largest entry of the row, smaller steps are tried; then the entry is inconclusive, and
 * that counts as failure: a check that cannot tell does not pass. The kernels and the rules that can be differentiated
 * again must agree to 1e-12.
 *
 * A Jacobian J of more than 1e6 entries is checked by projections instead: u' J v for each input and parameter, with
 * fresh random signs in u and v each time, so that a wrong entry shows with all its size whichever it is, and two can
 * hide each other from one projection but not from eight. From a projection that failed the check looks for the entry. */
#ifndef AG_GRADCHECK_H
#define AG_GRADCHECK_H
#include <autograd/scalar.h>
AG_BEGIN

/* From tensors to one tensor. Called with recording on and a fresh current tape; returns NULL to give up. */
typedef ag_tensor *ag_fn(ag_tensor **x, void *user);
/* From x[0..n) to y[0..m), scalars. */
typedef void ags_fn(const ag_scalar *x, ag_scalar *y, void *user);

typedef enum ag_gradcheck_mode {
    AG_CHECK_BY_SIZE,     /* entries; where there are more than 1e6 of them, projections */
    AG_CHECK_ENTRIES,     /* each entry for itself: four evaluations a number of the inputs and parameters */
    AG_CHECK_PROJECTIONS, /* four to twelve evaluations a projection, input and parameter */
} ag_gradcheck_mode;

typedef struct ag_gradcheck_options {
    void *user;       /* passed to f */
    ag_params params; /* also by these leaves; the report names them */
    int order;        /* default 1; 2 checks the gradient of <y + y^2/2, c>, c fixed and random, as a function too */
    double rtol;      /* default 1e-6 (second order: 1e-5) */
    double atol;      /* default 1e-8 */
    ag_gradcheck_mode mode;
    int projections;  /* default 8 */
    /* Only these entries: so many rows, and so many numbers of each input and parameter, drawn from a fixed seed (0:
     * all), or these numbers, counted through all inputs and parameters in turn. */
    int entries;
    const size_t *only;
    size_t n_only;
    bool no_forward;  /* leave out <u, J'v> = <Ju, v>, which must hold to 1e-12; so without a jvp of an own operation */
    FILE *report;     /* a table, the worst entry of each input and parameter first; default none */
    uint32_t size;
} ag_gradcheck_options;

/* AG_OK, or AG_ECHECK with the input or parameter, index, both values, and "kink" where one-sided slopes differ. x are
 * f64, and f gets copies in the same memory layout; whole numbers and truth values are passed on, f32 is AG_EDTYPE.
 * Frozen parameters are not differentiated by. The random generator is put back before each evaluation, so dropout may
 * be checked. f's value may have any shape. */
AG_API ag_status ag_gradcheck(ag_fn *f, ag_list x, AG_OPTIONS(ag_gradcheck_options));
/* The same for a function of scalars, y[0..m) of x[0..n). */
AG_API ag_status ags_gradcheck(ags_fn *f, size_t m, const double *x, size_t n, AG_OPTIONS(ag_gradcheck_options));

AG_END
#ifndef __cplusplus
#define ag_gradcheck(...) AG__CALL2(ag_gradcheck, ag_gradcheck_options, __VA_ARGS__, AG__SIZE(ag_gradcheck_options))
#define ags_gradcheck(...) AG__CALL4(ags_gradcheck, ag_gradcheck_options, __VA_ARGS__, AG__SIZE(ag_gradcheck_options))
#endif
#endif
