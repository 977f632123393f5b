/* scalar.h - numbers that remember where they came from, for expressions with millions of small operations.
 *
 * An ag_scalar is 16 bytes, passed and returned in registers, never freed. Arithmetic is spelled as for tensors -
 * ag_mul(x, y), ag_exp(x) - and either operand of a binary operation may be a C number. Comparisons and branches look at
 * .value:      ag_scalar big = a.value > b.value ? a : b;
 * An ags_ function works on arrays of scalars and is ONE statement however long; block.h works on runs of them.
 * A statement that fails (no memory, a stale operand) returns a constant with the right value and remembers the error. */
#ifndef AG_SCALAR_H
#define AG_SCALAR_H
#include <autograd/tape.h>
#include <math.h>
AG_BEGIN

typedef struct ag_scalar {
    double value;
    uint32_t id;  /* statement number on the tape; 0 is a constant, with derivative zero */
    uint32_t gen; /* generation of the tape, unique in the process: how a stale or foreign scalar is caught */
} ag_scalar;

/* A C number as a constant. */
static inline ag_scalar ag_const(double value)
{
    ag_scalar s = { value, 0, 0 };
    return s;
}

/* Independent variables. */
AG_API ag_scalar ag_input(double value);
AG_API void ags_inputs(size_t n, const double *values, ag_scalar *x);

/* ---- derivatives: dy/dx of what is recorded, without recording again; any number of sweeps ---------------------------
 * (through tensors ag_backward needs .retain for a second one). */
AG_API ag_status ags_backward(ag_scalar y, AG_OPTIONS(ag_backward_options)); /* ag_backward(y) comes here */
/* What the last plain walk left (ag_backward; also ags_gradient, ags_vjp and ag_grad inside AG_NO_GRAD): the derivative by
 * x. 0 for a constant and for what was recorded after that walk. */
AG_API double ag_adjoint(ag_scalar x);
/* ag_grad(y, x): recorded while recording is on, so differentiate again. */
AG_API ag_scalar ags_grad(ag_scalar y, ag_scalar x);
/* By several x in one sweep. On failure nothing is written. */
AG_API ag_status ags_grads(ag_scalar y, const ag_scalar *x, size_t n, ag_scalar *g);
/* The same as numbers. */
AG_API ag_status ags_gradient(ag_scalar y, const ag_scalar *x, size_t n, double *g);
/* dy/dx v by forward sweep: y[0..m), x[0..n), v[0..n) -> jv[0..m). */
AG_API ag_status ags_jvp(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *v, double *jv);
/* u' dy/dx: y[0..m), x[0..n), u[0..m) -> ju[0..n). */
AG_API ag_status ags_vjp(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *u, double *ju);
/* The same for several u, up to 8 of them in one sweep: u[count][m] -> ju[count][n]. */
AG_API ag_status ags_vjps(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, size_t count, const double *u,
                          double *ju);

/* The products with second derivatives d2y/dx2 v: forward over reverse, nothing is recorded; v[0..n) -> hv[0..n). For
 * second derivatives no x may come from another: the first one may read either, say x or exp(x). */
AG_API ag_status ags_hvp(ag_scalar y, const ag_scalar *x, size_t n, const double *v, double *hv);
/* dy/dx, row-major [m][n]: sweeps of up to 8 directions at once, forwards where n <= m, else in reverse. */
AG_API ag_status ags_jacobian(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, double *jac);
/* d2y/dx2, row-major [n][n]: up to 8 directions at once, forward over reverse. */
AG_API ag_status ags_hessian(ag_scalar y, const ag_scalar *x, size_t n, double *hes);
/* The order-th derivatives of y(x + t v) by t at 0: v[0..n) -> d[0..m); order 0 is y. */
AG_API ag_status ags_directional(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *v, int order,
                                 double *d);

/* ---- fused statements: one id, one adjoint, however many operands --------------------------------------------------- */
AG_API ag_scalar ags_sum(size_t n, const ag_scalar *x);
AG_API ag_scalar ags_dot(size_t n, const ag_scalar *x, const ag_scalar *y);
AG_API ag_scalar ags_lin(size_t n, const ag_scalar *x, const double *k);      /* sum of k[i] x[i] */
AG_API ag_scalar ags_sqnorm(size_t n, const ag_scalar *x);                    /* sum of x[i]^2 */
AG_API ag_scalar ags_logsumexp(size_t n, const ag_scalar *x);                 /* log of the sum of e^x[i], n > 0 */
AG_API ag_scalar ags_poly(size_t n, const double *coefficient, ag_scalar x);  /* sum of coefficient[i] x^i */
/* A statement of one's own: value and one partial derivative per operand (expr.h works them out). It has a first
 * derivative only: a recorded one (ag_grad while recording), which could be differentiated again, is AG_ENODIFF;
 * AG_NO_GRAD, ag_backward and ags_gradient give it. */
AG_API ag_scalar ags_statement(double value, size_t n, const ag_scalar *x, const double *partial);

/* ---- preaccumulation: what was recorded since a mark becomes one statement for each y[0..n) ------------------------
 * Its operands are scalars from before the mark, its partials the local Jacobian, by reverse sweeps of that range:
 *      ag_mark here = ag_tape_mark(tape);
 *      ag_scalar y[2] = { ... };                   hundreds of operations on x[0..6)
 *      ags_preaccumulate(here, 2, y);              two statements with 6 operands
 * Values stay, and a y from before the mark is left alone. Other scalars of the range are stale, as after a rewind, its
 * inputs as well: results are constant with respect to them. The mark stays good; ranges may lie in ranges.
 * For ranges with few operands and results, where a tape is swept often or too long for memory; not for one gradient.
 * With 245 operations from 6 numbers to 2, 10,000 times (make bench-tape), the tape shrinks to 0.044; 16 gradients take
 * 0.27 of the time and 16 products by ags_vjps 0.66, but one gradient 1.9 times as long.
 * A first derivative only, as of ags_statement. AG_EINVAL if tensors were made since the mark. On failure nothing has
 * changed. */
AG_API ag_status ags_preaccumulate(ag_mark since, size_t n, ag_scalar *y);

/* ---- bridges to tensors --------------------------------------------------------------------------------------------- */
AG_API ag_tensor *ag_pack(size_t n, const ag_scalar *x);           /* f64[n] */
/* The elements of an f64 tensor in row-major order; n must be their number. */
AG_API ag_status ag_unpack(ag_tensor *x, size_t n, ag_scalar *out);

AG_END
#include <autograd/scalar_ops.h> /* ags_add ... ags_tanh, ags_fma */
#endif
