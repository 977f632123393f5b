/* fold.h - the loops of reductions, for any axes and strides. Floating dtypes unless said otherwise. */
#ifndef AG_OPS_FOLD_H
#define AG_OPS_FOLD_H
#include <autograd/ops/family.h>

/* What the attributes of a reduction begin with. */
typedef struct ag__over {
    uint32_t mask; /* bit i: axis i goes */
    bool keep;     /* as size 1 */
} ag__over;
/* The shape rule for such attributes; the dtype stays. reduce.c */
ag_status ag__over_shape(const ag_call *c, ag_shape *out);
/* op, whose attributes are an ag__over, along the axes a user lists (none: all). */
ag_tensor *ag__reduction(const ag_op *op, const char *who, ag_tensor *x, int n, const int *list, bool keep);

/* Nested loops, the outermost first, with what one step moves in the input and in the row-major result. */
typedef struct ag__nest {
    int n;
    int64_t size[AG_MAX_RANK], x[AG_MAX_RANK], y[AG_MAX_RANK];
} ag__nest;
/* The axes of l that stay, and those in mask, which go: at least one loop. l must hold something. */
typedef struct ag__plan {
    ag__nest stay, go;
    bool turned; /* for ag__fold: short rows become columns first */
} ag__plan;
ag__plan ag__plan_of(const ag__layout *l, uint32_t mask);
/* The next place of the first n loops; false after the last, with everything back at the start. */
bool ag__nest_next(const ag__nest *a, int n, int64_t *at, int64_t *x, int64_t *y);

/* y (row-major, the axes that stay) = or += x folded by AG__SUM, AG__MAX, AG__MIN or AG__LOGSUMEXP. x holds something.
 */
enum { AG__LOGSUMEXP = AG__N_REDUCE };
void ag__fold(int code, const ag__layout *l, const void *x, uint32_t mask, void *y, bool add);
/* Sum, maximum or minimum of whole numbers and truth values, into y of its own whole dtype. */
void ag__fold_whole(int code, const ag__layout *l, const void *x, uint32_t mask, ag_tensor *y);
/* The sum, 0 where x holds nothing. */
void ag__sum_axes(const ag__layout *l, const void *x, uint32_t mask, void *y, bool add);
#endif
