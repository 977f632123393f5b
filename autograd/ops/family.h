/* family.h - what the families other than the elementwise one share: axes, parts of layouts, whole numbers. */
#ifndef AG_OPS_FAMILY_H
#define AG_OPS_FAMILY_H
#include <autograd/ops/apply.h>
#include <math.h>
#include <string.h>

/* Row-major sizes before, along and after one axis. A 0-d tensor has one axis of size 1 here. */
typedef struct ag__span {
    int64_t outer, n, inner;
} ag__span;
static inline ag__span ag__span_of(const ag__layout *l, int axis)
{
    ag__span s = { 1, l->rank ? l->dims[axis] : 1, 1 };
    for (int i = 0; i < axis; i++) s.outer *= l->dims[i];
    for (int i = axis + 1; i < l->rank; i++) s.inner *= l->dims[i];
    return s;
}

/* The current tape and x as an operand on it; false with the error remembered. First act of a public operation. */
static inline bool ag__begin(ag_tape **t, ag_tensor **x, const char *who)
{
    *t = ag__tape(who);
    return *t && (*x = ag__operand(*t, *x, who, 1));
}

/* axis in [0, rank), or -1 with the error remembered; a 0-d tensor has axis 0, as in PyTorch. */
static inline int ag__axis_or_0(int axis, const ag__layout *l, const char *who)
{
    return l->rank == 0 && (axis == 0 || axis == -1) ? 0 : ag__axis(axis, l, who);
}

/* *part: `size` places along an axis of `of`, `step` apart. */
static inline bool ag__part(ag__layout *part, const ag__layout *of, int axis, int64_t size, int64_t step,
                            const char *who)
{
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK];
    memcpy(dims, of->dims, sizeof dims);
    memcpy(strides, of->strides, sizeof strides);
    dims[axis] = size, strides[axis] *= step;
    return ag__layout_set(part, of->dtype, of->rank, dims, strides, who);
}

static inline void ag__shape_copy(ag_shape *out, const ag__layout *l)
{
    out->dtype = l->dtype, out->rank = l->rank;
    memcpy(out->dims, l->dims, sizeof out->dims);
}
/* The shape of l without one axis; 0-d stays 0-d. */
static inline void ag__shape_drop(ag_shape *out, const ag__layout *l, int axis)
{
    out->dtype = l->dtype, out->rank = 0;
    for (int i = 0; i < l->rank; i++)
        if (i != axis) out->dims[out->rank++] = l->dims[i];
}

/* Element i of whole numbers or truth values that lie side by side. */
static inline int64_t ag__whole(ag_dtype dtype, const void *data, int64_t i)
{
    switch (dtype) {
    case AG_I64: return ((const int64_t *)data)[i];
    case AG_I32: return ((const int32_t *)data)[i];
    default: return ((const uint8_t *)data)[i];
    }
}
static inline void ag__whole_put(ag_dtype dtype, void *data, int64_t i, int64_t v)
{
    switch (dtype) {
    case AG_I64: ((int64_t *)data)[i] = v; break;
    case AG_I32: ((int32_t *)data)[i] = (int32_t)v; break;
    default: ((uint8_t *)data)[i] = (uint8_t)v; break;
    }
}
static inline bool ag__is_integer(ag_dtype d)
{
    return d == AG_I64 || d == AG_I32 || d == AG_U8;
}

/* What an option says: 0 the default, AG_ZERO a true 0. */
static inline double ag__or(double option, double otherwise)
{
    return option == 0 ? otherwise : option == AG_ZERO ? 0 : option;
}

/* A number as one element of a floating dtype, for kernels that take a pointer. */
typedef union ag__number {
    float f32;
    double f64;
} ag__number;
static inline ag__number ag__number_of(ag_dtype d, double v)
{
    return d == AG_F64 ? (ag__number){ .f64 = v } : (ag__number){ .f32 = (float)v };
}
static inline double ag__number_at(ag_dtype d, const void *data, int64_t i)
{
    return d == AG_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}
static inline void ag__number_put(ag_dtype d, void *data, int64_t i, double v)
{
    if (d == AG_F64)
        ((double *)data)[i] = v;
    else
        ((float *)data)[i] = (float)v;
}

/* Is the log of a sum of exponentials rounded so much that e^(x - it) does not sum to 1? */
static inline bool ag__is_coarse(double y)
{
    return fabs(y) > 16 && !isinf(y);
}
/* The sum of e^(x - y) of n elements, step apart. reduce.c */
double ag__exp_sum_from(ag_dtype dtype, int64_t n, const void *x, int64_t step, double y);

/* Room for a run of numbers on the stack, so that kernels can be chained block by block. */
enum { AG__CHUNK = 256 };
typedef union ag__chunk {
    float f32[AG__CHUNK];
    double f64[AG__CHUNK];
} ag__chunk;

/* A view of x, recorded as op: sizes, strides (NULL: row-major), data moved by offset elements. shape.c */
ag_tensor *ag__view_as(ag_tape *t, const ag_op *op, const void *attr, ag_tensor *x, int rank, const int64_t *dims,
                       const int64_t *strides, int64_t offset);
/* op of all tensors of a list, with one int for its attributes. join.c */
ag_tensor *ag__join(const ag_op *op, const char *who, ag_list x, int attr);
/* s[i] = b[i] + a[i] s[i-1] along an axis, s[0] = b[0]: a recurrence, differentiable to any order. scan.c */
ag_tensor *ag__recur(ag_tensor *a, ag_tensor *b, int axis);
#endif
