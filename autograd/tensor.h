/* tensor.h - typed n-dimensional arrays.
 *
 * Always true:
 *  1. A tensor is either TEMPORARY - made by any operation or by ag_zeros, ag_randn, ag_wrap and the like, owned by the
 *     current tape, gone at its reset - or MINE: made by ag_new, ag_param, ag_keep, ag_read_*; counted, freed with
 *     ag_free, alive across any number of tapes. The function's name decides, never a mode.
 *  2. Shape and dtype never change. Rank is 0 to 8; any size may be 0; a 0-d tensor holds one number.
 *  3. There is no implicit change of dtype. A C number takes the dtype of the tensor it meets (ag_num).
 *  4. Views (reshape, slice, transpose, ...) share storage. Writing goes through ag_assign, ag_fill, ag_write and
 *     ag_*_write only, which bump a version: if a saved value was overwritten, backward says so instead of being wrong.
 *  5. Axes may be negative: -1 is the last. Sizes and indices are int64_t.
 *  6. One thread uses a tensor at a time, except that any number may read one nobody writes.
 *  7. Functions that take a NULL tensor return NULL (or NaN, 0, the remembered error) quietly if an error is pending,
 *     and report the NULL if none is. */
#ifndef AG_TENSOR_H
#define AG_TENSOR_H
#include <autograd/error.h>
AG_BEGIN

typedef struct ag_tensor ag_tensor;

/* f32 is zero: it is what an options struct without .dtype means. There is no changeable default. */
typedef enum ag_dtype {
    AG_F32 = 0,
    AG_F64 = 0x1001, /* far from any size, so that a forgotten dtype, ag_zeros(2, 3), is an error and not an i64[3] */
    AG_I64,
    AG_I32,
    AG_U8,
    AG_BOOL
} ag_dtype;
enum { AG_MAX_RANK = 8 };

/* ---- temporaries: (dtype, sizes...) ------------------------------------------------------------------------------ */
AG_API ag_tensor *ag_zeros(ag_dtype dtype, int rank, const int64_t *dims);
AG_API ag_tensor *ag_ones(ag_dtype dtype, int rank, const int64_t *dims);
/* ag_full(AG_F64, 0.5, 2, 3): every element is value, which the dtype must be able to hold. */
AG_API ag_tensor *ag_full(ag_dtype dtype, double value, int rank, const int64_t *dims);
AG_API ag_tensor *ag_zeros_like(ag_tensor *x); /* shape, dtype and memory layout of x */
AG_API ag_tensor *ag_ones_like(ag_tensor *x);
AG_API ag_tensor *ag_arange(ag_dtype dtype, double from, double to, double step);  /* to is not included */
AG_API ag_tensor *ag_linspace(ag_dtype dtype, double from, double to, int64_t n);  /* to is included */
AG_API ag_tensor *ag_eye(ag_dtype dtype, int64_t n);                               /* [n,n] identity */
/* A C number as a 0-d tensor without a dtype of its own: it adopts that of the tensor it is combined with, f64 alone. */
AG_API ag_tensor *ag_num(double value);
/* Borrows memory of 1-d C data, dtype from the pointer: ag_wrap(pixels, 784). It must live until the reset. */
AG_API ag_tensor *ag_wrap_as(ag_dtype dtype, const void *data, int64_t n);
/* A copy of it. */
AG_API ag_tensor *ag_copy_as(ag_dtype dtype, const void *data, int64_t n);

/* ---- mine: freed with ag_free -------------------------------------------------------------------------------------- */
AG_API ag_tensor *ag_new(ag_dtype dtype, int rank, const int64_t *dims);   /* zeros, not differentiated */
AG_API ag_tensor *ag_param(ag_dtype dtype, int rank, const int64_t *dims); /* zeros, collects a gradient; f32, f64 */
AG_API ag_tensor *ag_param_like(ag_tensor *value);                         /* a parameter holding a copy of value */
AG_API ag_tensor *ag_keep(ag_tensor *x); /* copies a result out of the tape, contiguous, not differentiated */
/* One more owner of a tensor that is mine; returns x. Each owner calls ag_free. */
AG_API ag_tensor *ag_retain(ag_tensor *x);
/* Gives up one ownership. The last one frees; tapes that still use x hold its storage until their reset.
 * NULL is fine; AG_EINVAL is reported if x is temporary. */
AG_API void ag_free(ag_tensor *x);

/* ---- looking ------------------------------------------------------------------------------------------------------- */
AG_API int ag_rank(const ag_tensor *x);
AG_API int64_t ag_size(const ag_tensor *x, int axis);
AG_API int64_t ag_numel(const ag_tensor *x);
/* Elements between neighbours along an axis; may be 0 (expanded) or negative (flipped). */
AG_API int64_t ag_stride(const ag_tensor *x, int axis);
AG_API bool ag_is_contiguous(const ag_tensor *x); /* row-major without gaps */
AG_API ag_dtype ag_dtype_of(const ag_tensor *x);
AG_API const char *ag_dtype_name(ag_dtype dtype); /* "f32", ... */
AG_API size_t ag_dtype_size(ag_dtype dtype);      /* bytes; 0 for what is no dtype */
AG_API bool ag_is_mine(const ag_tensor *x);
/* The one element of x as a double; NaN and AG_ESHAPE if x holds more or fewer. */
AG_API double ag_item(const ag_tensor *x);
/* The element at an index, one number per axis: ag_at(x, i, j). */
AG_API double ag_at(const ag_tensor *x, int n, const int64_t *index);
/* Copies all n elements out in row-major order, converting: ag_read(y, scores, 10). */
AG_API ag_status ag_read_as(ag_dtype dtype, const ag_tensor *x, void *out, int64_t n);
/* Elements in row-major order, or NULL with AG_EDTYPE / AG_EINVAL if x is of another dtype or not contiguous. */
AG_API const float *ag_f32(const ag_tensor *x);
AG_API const double *ag_f64(const ag_tensor *x);
AG_API const int64_t *ag_i64(const ag_tensor *x);
AG_API const int32_t *ag_i32(const ag_tensor *x);
AG_API const uint8_t *ag_u8(const ag_tensor *x); /* u8 and bool */
/* As NumPy prints, axes longer than 1000 elements in all abbreviated. */
AG_API void ag_fprint(FILE *to, const ag_tensor *x);
static inline void ag_print(const ag_tensor *x) { ag_fprint(stdout, x); }

/* ---- writing (never recorded) --------------------------------------------------------------------------------------- */
AG_API ag_status ag_assign(ag_tensor *to, ag_tensor *value); /* broadcasts, converts; value's history is not taken over */
AG_API ag_status ag_write_as(ag_dtype dtype, ag_tensor *x, const void *data, int64_t n);
AG_API ag_tensor *ag_fill(ag_tensor *x, double value); /* returns x */
AG_API float *ag_f32_write(ag_tensor *x);
AG_API double *ag_f64_write(ag_tensor *x);
AG_API int64_t *ag_i64_write(ag_tensor *x);
AG_API int32_t *ag_i32_write(ag_tensor *x);
AG_API uint8_t *ag_u8_write(ag_tensor *x);
/* How often the storage of x was written. */
AG_API uint32_t ag_version_of(const ag_tensor *x);

/* ---- gradients of leaves -------------------------------------------------------------------------------------------- */
/* The gradient collected by ag_backward: same shape, belongs to x, NULL before the first one and after it was used up. */
AG_API ag_tensor *ag_grad_of(const ag_tensor *x);
AG_API bool ag_requires_grad(const ag_tensor *x);
AG_API ag_tensor *ag_freeze(ag_tensor *x, bool frozen); /* a frozen leaf collects nothing; returns x */

/* ---- lists ---------------------------------------------------------------------------------------------------------- */
/* Several tensors, by value: AG_LIST(x, y). */
typedef struct ag_list {
    ag_tensor *const *at;
    int64_t n;
} ag_list;
/* A named list, by value: what optimizers, clipping, saving and reports take. It borrows; the maker owns the array. */
typedef struct ag_named {
    const char *name;
    ag_tensor *tensor;
} ag_named;
typedef struct ag_params {
    const ag_named *at;
    int64_t n;
} ag_params;

AG_END

#ifndef __cplusplus
#define ag_zeros(...) (AG__HERE("ag_zeros"), AG__DIMS1(ag_zeros, __VA_ARGS__, AG__LAST))
#define ag_ones(...) (AG__HERE("ag_ones"), AG__DIMS1(ag_ones, __VA_ARGS__, AG__LAST))
#define ag_full(dtype, ...) (AG__HERE("ag_full"), AG__DIMS2(ag_full, dtype, __VA_ARGS__, AG__LAST))
#define ag_new(...) AG__DIMS1(ag_new, __VA_ARGS__, AG__LAST)
#define ag_param(...) AG__DIMS1(ag_param, __VA_ARGS__, AG__LAST)
#define ag_at(...) AG__DIMS1(ag_at, __VA_ARGS__, AG__LAST)

/* The dtype of a C array; any other pointer is a compile error. */
#define AG_DTYPE(p)                                                                                                    \
    _Generic(&*(p), float *: AG_F32, const float *: AG_F32, double *: AG_F64, const double *: AG_F64,                  \
        int64_t *: AG_I64, const int64_t *: AG_I64, int32_t *: AG_I32, const int32_t *: AG_I32, uint8_t *: AG_U8,      \
        const uint8_t *: AG_U8, bool *: AG_BOOL, const bool *: AG_BOOL)
#define ag_wrap(data, n) ag_wrap_as(AG_DTYPE(data), (data), (n))
#define ag_copy(data, n) ag_copy_as(AG_DTYPE(data), (data), (n))
#define ag_read(x, out, n) ag_read_as(AG_DTYPE(out), (x), (out), (n))
#define ag_write(x, data, n) ag_write_as(AG_DTYPE(data), (x), (data), (n))

#define AG_LIST(...)                                                                                                   \
    ((ag_list){ (ag_tensor *const[]){ __VA_ARGS__ },                                                                   \
                (int64_t)(sizeof((ag_tensor *[]){ __VA_ARGS__ }) / sizeof(ag_tensor *)) })
/* Loose parameters as a named list: AG_PARAMS({ "w", w }, { "b", b }) */
#define AG_PARAMS(...)                                                                                                 \
    ((ag_params){ (const ag_named[]){ __VA_ARGS__ }, (int64_t)(sizeof((ag_named[]){ __VA_ARGS__ }) / sizeof(ag_named)) })
#endif
#endif
