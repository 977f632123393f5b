/* dtype.c - names, sizes and single elements of the six element types. */
#include <autograd/tensor/dtype.h>
#include <autograd/tensor/header.h>
#include <math.h>

const char *ag_dtype_name(ag_dtype dtype)
{
    switch (dtype) {
    case AG_F32: return "f32";
    case AG_F64: return "f64";
    case AG_I64: return "i64";
    case AG_I32: return "i32";
    case AG_U8: return "u8";
    case AG_BOOL: return "bool";
    }
    return "no dtype";
}

size_t ag_dtype_size(ag_dtype dtype)
{
    switch (dtype) {
    case AG_F32: return sizeof(float);
    case AG_F64: return sizeof(double);
    case AG_I64: return sizeof(int64_t);
    case AG_I32: return sizeof(int32_t);
    case AG_U8: return sizeof(uint8_t);
    case AG_BOOL: return sizeof(bool);
    }
    return 0;
}

bool ag__dtype_holds(ag_dtype dtype, double value)
{
    switch (dtype) {
    case AG_F32: return !isfinite(value) || isfinite((float)value);
    case AG_F64: return true;
    case AG_I64: return value >= -0x1p63 && value < 0x1p63 && value == trunc(value);
    case AG_I32: return value >= -0x1p31 && value < 0x1p31 && value == trunc(value);
    case AG_U8: return value >= 0 && value < 256 && value == trunc(value);
    case AG_BOOL: return value == 0 || value == 1;
    }
    return false;
}

double ag__get(const ag__layout *l, const void *data, int64_t offset)
{
    switch (l->dtype) {
    case AG_F32: return (double)((const float *)data)[offset];
    case AG_F64: return ((const double *)data)[offset];
    case AG_I64: return (double)((const int64_t *)data)[offset];
    case AG_I32: return ((const int32_t *)data)[offset];
    case AG_U8:
    case AG_BOOL: return ((const uint8_t *)data)[offset];
    }
    return NAN;
}

void ag__set(const ag__layout *l, void *data, int64_t offset, double value)
{
    switch (l->dtype) {
    case AG_F32: ((float *)data)[offset] = (float)value; break;
    case AG_F64: ((double *)data)[offset] = value; break;
    case AG_I64: ((int64_t *)data)[offset] = ag__i64_of(value); break;
    case AG_I32: ((int32_t *)data)[offset] = ag__i32_of(value); break;
    case AG_U8: ((uint8_t *)data)[offset] = ag__u8_of(value); break;
    case AG_BOOL: ((uint8_t *)data)[offset] = value != 0; break;
    }
}
