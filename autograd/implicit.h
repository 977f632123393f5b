/* implicit.h - derivatives of what an equation defines, without those of how it was solved.
 *
 * By the implicit function theorem: where z = f(z, x), dz/dx = (1 - df/dz)^-1 df/dx. What the solver did on its way is not
 * recorded; memory is that of one evaluation of f. (ag_linalg_solve does the same for a matrix.) */
#ifndef AG_IMPLICIT_H
#define AG_IMPLICIT_H
#include <autograd/gradcheck.h>
AG_BEGIN

typedef struct ag_fixed_point_options {
    void *user;     /* passed to f */
    int iterations; /* at most; default 1000 */
    double tol;     /* largest change of an element, relative to the largest element if that is above 1; default 1e-13
                     * (f32: 1e-6) */
    uint32_t size;
} ag_fixed_point_options;
/* z with z = f(z, x...), by iterating f from start; f gets z as x[0] and the list behind it, and returns a tensor of z's
 * shape. Differentiable by x and by leaves that f uses besides, to any order, not by start. The adjoint equation is
 * solved in the same way, at f's own rate of convergence: with a Newton step as f, at once. AG_ECONVERGE if it still moves
 * after that many iterations. f runs on a tape of its own, as in ag_checkpoint.
 * ag_fixed_point(f, start, AG_LIST(a, b), .user = &u). */
AG_API ag_tensor *ag_fixed_point(ag_fn *f, ag_tensor *start, ag_list x, AG_OPTIONS(ag_fixed_point_options));

/* x[0..n) with A x = b, A row-major [n,n], of scalars: one statement, solved by LU factors with row exchanges; a
 * derivative costs one more solution with the same factors (Giles 2008). x may be b. AG_EINVAL if A is singular. */
AG_API ag_status ags_solve(size_t n, const ag_scalar *a, const ag_scalar *b, ag_scalar *x);

AG_END
#ifndef __cplusplus
#define ag_fixed_point(...) AG__CALL3(ag_fixed_point, ag_fixed_point_options, __VA_ARGS__, AG__SIZE(ag_fixed_point_options))
#endif
#endif
