/* apply.h - what the family files share: applying an operation, and helpers for shape rules and kernels. */
#ifndef AG_OPS_APPLY_H
#define AG_OPS_APPLY_H
#include <autograd/kernels/kernels.h>
#include <autograd/tape/state.h>

/* Every row of ops.def has its descriptor, ag__op_NAME, in its family's file. */
#define AG__ROW(name) extern const ag_op ag__op_##name;
#include <autograd/ops/rows.inc>
#undef AG__ROW

/* What messages begin with: "ag_sum" for a built-in operation, its name for a user's. */
const char *ag__title(const ag_op *op);

/* Did a callback of op succeed? If it failed without saying why, that is remembered. */
bool ag__ran(ag_status status, const ag_op *op, const char *what);

/* The first output of op on n inputs; NULL operands and stale handles are reported as ag_NAME. */
#define ag__apply(op, attr, ...)                                                                                       \
    (ag_apply)((op), (attr), (int)(sizeof((ag_tensor *[]){ __VA_ARGS__ }) / sizeof(ag_tensor *)),                      \
               (ag_tensor *const[]){ __VA_ARGS__ })

/* Rules of one line. vjp: g is the (only) output's gradient, x/a the first input, b the second, y the output. */
#define AG__VJP1(name, expr)                                                                                           \
    static ag_status name(ag_call *c)                                                                                  \
    {                                                                                                                  \
        ag_tensor *g = c->g[0], *x = c->in[0], *y = c->out[0];                                                         \
        (void)g, (void)x, (void)y;                                                                                     \
        c->gin[0] = (expr);                                                                                            \
        return c->gin[0] ? AG_OK : ag_error();                                                                         \
    }
#define AG__VJP2(name, expr_a, expr_b)                                                                                 \
    static ag_status name(ag_call *c)                                                                                  \
    {                                                                                                                  \
        ag_tensor *g = c->g[0], *a = c->in[0], *b = c->in[1], *y = c->out[0];                                          \
        (void)g, (void)a, (void)b, (void)y;                                                                            \
        if (c->need[0] && !(c->gin[0] = (expr_a))) return ag_error();                                                  \
        if (c->need[1] && !(c->gin[1] = (expr_b))) return ag_error();                                                  \
        return AG_OK;                                                                                                  \
    }
/* jvp of an operation that is linear in its only input: the operation itself, applied to the tangent t. */
#define AG__JVP1(name, expr)                                                                                           \
    static ag_status name(ag_call *c)                                                                                  \
    {                                                                                                                  \
        ag_tensor *t = c->tangent[0], *x = c->in[0], *y = c->out[0];                                                   \
        (void)t, (void)x, (void)y;                                                                                     \
        if (!t) return AG_OK;                                                                                          \
        c->tout[0] = (expr);                                                                                           \
        return c->tout[0] ? AG_OK : ag_error();                                                                        \
    }

/* Is there a list of n things? Reports a NULL one. */
static inline bool ag__have_list(int64_t n, const void *list, const char *who)
{
    if (n >= 0 && (n == 0 || list)) return true;
    ag_fail(n < 0 ? AG_EINVAL : AG_ENULL, "%s: the list of %lld is %s", who, (long long)n, list ? "impossible" : "NULL");
    return false;
}

/* axis in [0, rank) from one that may be negative, or -1 with AG_EINVAL reported as `who` ("ag_flip: axis 3 of [2,3]"). */
int ag__axis(int axis, const ag__layout *l, const char *who);
/* Axes as a bit mask; n 0: all of them. Repeated and out-of-range axes are reported; then false. */
bool ag__axes(int n, const int *axes, const ag__layout *l, const char *who, uint32_t *mask);
/* Fails with AG_EDTYPE unless x is f32 or f64. */
bool ag__need_float(const ag_tensor *x, const char *who);

static inline const ag__kernels *ag__kernels_for(ag_dtype d) { return ag__kernel[d == AG_F64]; }

/* ---- iteration over up to four operands of one (broadcast) shape ----------------------------------------------------
 * The axes are sorted by the strides of the first operand, merged where possible, and the last handed to `loop` as one
 * run: loop(n, pointers, strides in elements, user). */
enum { AG__MAX_OPERANDS = 5 };
typedef void ag__loop_fn(int64_t n, char *const *p, const int64_t *stride, void *user);
/* Sizes are those of `rank, dims`; operands are aligned at the last axis and repeat where their size is 1 or absent. */
void ag__iterate(int rank, const int64_t *dims, int n_operand, const ag__layout *const *l, void *const *data,
                 ag__loop_fn *loop, void *user);
/* The same by several threads if it is worth it, an element taking so many nanoseconds: `loop` writes to operand `written`
 * only, whatever the others' addresses, and keeps nothing in *user. Where elements of `written` coincide it adds. */
void ag__iterate_shared(int rank, const int64_t *dims, int n_operand, const ag__layout *const *l, void *const *data,
                        ag__loop_fn *loop, void *user, int written, double nanoseconds);

/* each.c: element kernels (ag__unary_code, ag__binary_code) over any strides, by several threads if it is worth it.
 * Operands broadcast to the layout of y; d lies in the dense form of its input's layout (lx, ld). Up to AG__AT_ONCE elements
 * that lie flat need not come here. */
enum { AG__AT_ONCE = 4096 };
void ag__each_unary(int code, const ag__layout *ly, void *y, const ag__layout *lx, const void *x);
void ag__each_binary(int code, const ag__layout *ly, void *y, const ag__layout *la, const void *a, const ag__layout *lb,
                     const void *b);
void ag__each_unary_back(int code, const ag__layout *ly, const void *g, const void *y, const ag__layout *lx,
                         const void *x, void *d, bool add);
void ag__each_binary_back(int code, int by, const ag__layout *ly, const void *g, const void *y, const ag__layout *la,
                          const void *a, const ag__layout *lb, const void *b, void *d, bool add);

/* Copies src (any strides, any dtype) into dst's shape, broadcasting and converting; add: += (floating, same dtype). */
void ag__copy_into(const ag__layout *dl, void *dst, const ag__layout *sl, const void *src, bool add);
/* Every element becomes value, which the dtype can hold. */
void ag__fill(const ag__layout *l, void *data, double value);
/* random.c: bit i % 8 of bits[i / 8] is what ag_bernoulli(p, n) would draw as element i. */
void ag__bernoulli_bits(double p, int64_t n, uint8_t *bits);
#endif
