/* table.c - the kernels of one instruction set, gathered. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>

/* of matvec.c, which knows f64 only */
void AG__KERNEL(matvec)(int64_t m, int64_t n, const double *a, const double *x, double *y);
void AG__KERNEL(matvec_back)(int64_t m, int64_t n, const double *a, const double *x, const double *gy, double *ga,
                             double *gx);
void AG__KERNEL(trimv)(int64_t n, const double *d, const double *l, const double *x, double *y);
void AG__KERNEL(trimv_back)(int64_t n, const double *d, const double *l, const double *x, const double *gy, double *gd,
                            double *gl, double *gx);

extern const ag__kernels AG__JOIN3(kernels, f32, AG__ISA), AG__JOIN3(kernels, f64, AG__ISA);
#define AG__TEXT <autograd/kernels/table.c>
#include <autograd/kernels/each_real.h>
#else

#define UNARY(name, ...)      AG__TYPED(unary_##name),
#define UNARY_BACK(name, ...) AG__TYPED(unary_back_##name),
#define BINARY(name, ...)     AG__TYPED(binary_##name),
#define BACK_A(name, ...)     AG__TYPED(back_a_##name),
#define BACK_B(name, ...)     AG__TYPED(back_b_##name),
const ag__kernels AG__TYPED(kernels) = {
    .unary = { AG_UNARY_FUNCTIONS(UNARY) },
    .unary_back = { AG_UNARY_FUNCTIONS(UNARY_BACK) },
    .binary = { AG_BINARY_FUNCTIONS(BINARY) },
    .back_a = { AG_BINARY_FUNCTIONS(BACK_A) },
    .back_b = { AG_BINARY_FUNCTIONS(BACK_B) },
    .compare = { AG__TYPED(eq), AG__TYPED(ne), AG__TYPED(lt), AG__TYPED(le), AG__TYPED(gt), AG__TYPED(ge) },
    .reduce = { AG__TYPED(sum), AG__TYPED(max), AG__TYPED(min) },
    .arg_columns = AG__TYPED(arg_columns),
    .copy = AG__TYPED(copy),
    .fill = AG__TYPED(fill),
    .scale = AG__TYPED(scale),
    .softmax = AG__TYPED(softmax),
    .dot = AG__TYPED(dot),
    .gemm = AG__TYPED(gemm),
    .gemm_work = AG__TYPED(gemm_work),
    .sum_columns = AG__TYPED(sum_columns),
    .norm = AG__TYPED(norm),
    .norm_back = AG__TYPED(norm_back),
    .batch_norm = AG__TYPED(batch_norm),
    .batch_norm_back = AG__TYPED(batch_norm_back),
    .logsumexp_rows = AG__TYPED(logsumexp_rows),
    .exp_rows = AG__TYPED(exp_rows),
    .exp_sum = AG__TYPED(exp_sum),
    .dot_rows = AG__TYPED(dot_rows),
    .softmax_back = AG__TYPED(softmax_back),
    .softmax_columns = AG__TYPED(softmax_columns),
    .softmax_columns_back = AG__TYPED(softmax_columns_back),
    .turn = AG__TYPED(turn),
    .pack_narrow = AG__TYPED(pack_narrow),
#if AG__REAL_BITS == 64
    .matvec = AG__KERNEL(matvec),
    .matvec_back = AG__KERNEL(matvec_back),
    .trimv = AG__KERNEL(trimv),
    .trimv_back = AG__KERNEL(trimv_back),
#endif
};
#undef UNARY
#undef UNARY_BACK
#undef BINARY
#undef BACK_A
#undef BACK_B
#endif
