/* dtype.h - numbers as elements of a type. What does not fit an integer type becomes its nearest number, NaN becomes 0. */
#ifndef AG_TENSOR_DTYPE_H
#define AG_TENSOR_DTYPE_H
#include <autograd/tensor.h>

static inline int64_t ag__i64_of(double v)
{
    return v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : v == v ? (int64_t)v : 0;
}
static inline int32_t ag__i32_of(double v)
{
    return v >= 0x1p31 ? INT32_MAX : v <= -0x1p31 ? INT32_MIN : v == v ? (int32_t)v : 0;
}
static inline uint8_t ag__u8_of(double v) { return v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0; }

/* Can an element of this type hold value? Rounding to a floating type is fine, losing a fraction or the range is not. */
bool ag__dtype_holds(ag_dtype dtype, double value);
#endif
