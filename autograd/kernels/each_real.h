/* each_real.h - compiles AG__TEXT twice: `real` is double, then float, whose text may use the functions of double.
 * Included once by each kernel file, which names itself as the text. */
#define AG__REAL_BITS 64
#define AG__REAL_NAME f64
#define AG__LIBM(name) (name) /* in parentheses: no macro of that name meddles */
#define real double
#define K(c) ((double)(c))
#include <autograd/kernels/typed.h>
#include AG__TEXT
#undef AG__REAL_BITS
#undef AG__REAL_NAME
#undef AG__LIBM
#undef real
#undef K

#define AG__REAL_BITS 32
#define AG__REAL_NAME f32
#define AG__LIBM(name) (name##f)
#define real float
#define K(c) ((float)(c))
#include <autograd/kernels/typed.h>
#include AG__TEXT
