/* grad.h - derivatives of tensors by tensors.
 *
 * A transform takes the result and what to differentiate by, (y, x), both on the tape - not a function. C has no closures,
 * and the tape already is one: the same recording serves any number of transforms.
 *
 * Results are temporaries and, while recording is on, themselves differentiable - to any order. Inside AG_NO_GRAD they
 * are plain values and cheaper. x may be a leaf or any intermediate that requires a gradient (ag_variable makes one of a plain
 * value; else AG_EGRAPH); if y does not depend on it the result is zeros. */
#ifndef AG_GRAD_H
#define AG_GRAD_H
#include <autograd/scalar.h>
AG_BEGIN

/* dy/dx, y one number; shape of x. */
AG_API ag_tensor *ag_grad(ag_tensor *y, ag_tensor *x);
/* The same by several x in one sweep; out[i] belongs to x.at[i]. On failure nothing is written. */
AG_API ag_status ag_grads(ag_tensor *y, ag_list x, ag_tensor **out);
/* u' dy/dx (vector-Jacobian product); u has the shape of y, the result that of x. */
AG_API ag_tensor *ag_vjp(ag_tensor *y, ag_tensor *x, ag_tensor *u);
/* dy/dx v (Jacobian-vector product) by the operations' forward rules; v has the shape of x, the result that of y. */
AG_API ag_tensor *ag_jvp(ag_tensor *y, ag_tensor *x, ag_tensor *v);
/* d2y/dx2 v (Hessian-vector product), y one number: forward over reverse; v and the result have the shape of x. */
AG_API ag_tensor *ag_hvp(ag_tensor *y, ag_tensor *x, ag_tensor *v);
/* All of dy/dx: the shape of y, then that of x, at most AG_MAX_RANK axes together. A seed for each element of the smaller
 * of the two, in reverse for y, forward for x; 32 of them in a sweep, but one with scalars between y and x, on a watched
 * tape, and where nothing is recorded and kernels are faster. */
AG_API ag_tensor *ag_jacobian(ag_tensor *y, ag_tensor *x);
/* d2y/dx2, y one number: the shape of x twice. */
AG_API ag_tensor *ag_hessian(ag_tensor *y, ag_tensor *x);
/* The order-th derivative of y(x + t v) by t at 0, shape of y: forward sweeps through forward sweeps; order 0 is y. */
AG_API ag_tensor *ag_directional(ag_tensor *y, ag_tensor *x, ag_tensor *v, int order);

AG_END
#endif
