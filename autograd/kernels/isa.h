/* isa.h - what one compilation of the kernels is called, and how wide its vectors are.
 *
 * The Makefile compiles every kernel file once per instruction set:
 *   generic   whatever the compiler targets by default
 *   avx2      -mavx2 -mfma
 *   avx512    -mavx512f -mavx512vl -mavx512bw -mavx512dq -mfma -mprefer-vector-width=512
 * all with -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math: products may fuse with sums, nothing else may
 * change a value. dispatch.c asks the processor for the same features. */
#ifndef AG_KERNELS_ISA_H
#define AG_KERNELS_ISA_H

#ifndef AG__ISA
#define AG__ISA generic
#endif
#define AG__JOIN2_(a, b) ag__##a##_##b
#define AG__JOIN2(a, b) AG__JOIN2_(a, b)
#define AG__JOIN3_(a, b, c) ag__##a##_##b##_##c
#define AG__JOIN3(a, b, c) AG__JOIN3_(a, b, c)
/* ag__name_<isa>, and ag__name_<dtype>_<isa> inside a text over `real` (each_real.h). */
#define AG__KERNEL(name) AG__JOIN2(name, AG__ISA)
#define AG__TYPED(name) AG__JOIN3(name, AG__REAL_NAME, AG__ISA)

#if defined(__AVX512F__)
#define AG__VECTOR_BYTES 64
#elif defined(__AVX__)
#define AG__VECTOR_BYTES 32
#else
#define AG__VECTOR_BYTES 16
#endif

/* Before a loop whose iterations are independent although its pointers may be equal (never overlap otherwise). */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* loops around libm calls stay scalar */
#define AG__INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define AG__UNROLL _Pragma("clang loop unroll(full)")
#else
#define AG__INDEPENDENT _Pragma("GCC ivdep")
#define AG__UNROLL _Pragma("GCC unroll 8")
#endif
#define AG__INLINE static inline __attribute__((always_inline))

#endif
