/* test_misuse_linalg.c - what can be wrong with matrices. */
#include <autograd/autograd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <math.h>
#include <cmocka.h>

#include <test/misuse.h>

#define EYE(n) ag_eye(AG_F64, n)
static ag_tensor *pivots_of(int32_t a, int32_t b)
{
    return ag_copy(((const int32_t[]){ a, b }), 2);
}
static ag_tensor *not_a_number(int64_t n)
{
    return ag_full(AG_F64, NAN, n, n);
}
static ag_tensor *of_rank_1(void) /* [3,2] */
{
    return ag_slice(ag_mul(EYE(3), ag_copy(((const double[]){ 1, 0, 0 }), 3)), 1, 0, 2);
}
static ag_tensor *by_all_of_q(ag_tensor *x)
{
    return ag_grad(ag_sum(ag_qr(x, AG_COMPLETE, NULL)), x);
}

// clang-format off
#define PRODUCTS(X)                                                                                                    \
    X(mm_rank, ESHAPE, "ag_mm: operand 1 is [3], which has not 2 axes", ag_mm(D(3), D(3, 2)))                          \
    X(mm_inner, ESHAPE, "ag_mm: [2,3] and [2,3] do not fit", ag_mm(D(2, 3), D(2, 3)))                                  \
    X(mm_dtype, EDTYPE, "ag_mm: all must be f32 or all f64: operand 2 is f32 [3,2]", ag_mm(D(2, 3), F(3, 2)))          \
    X(mm_null, ENULL, "ag_mm: operand 2 is NULL", ag_mm(D(2, 3), NONE))                                                \
    X(bmm_rank, ESHAPE, "ag_bmm: operand 2 is [3,2], which has not 3 axes", ag_bmm(D(2, 2, 3), D(3, 2)))               \
    X(bmm_batch, ESHAPE, "ag_bmm: [2,2,3] and [3,3,2] do not fit", ag_bmm(D(2, 2, 3), D(3, 3, 2)))                     \
    X(bmm_dtype, EDTYPE, "ag_bmm: all must be f32 or all f64: operand 1 is i64 [1,1,1]",                               \
      ag_bmm(I(1, 1, 1), D(1, 1, 1)))                                                                                  \
    X(mv_rank, ESHAPE, "ag_mv: operand 2 is [3,1], which has not 1 axis", ag_mv(D(2, 3), D(3, 1)))                     \
    X(mv_inner, ESHAPE, "ag_mv: [2,3] and [2] do not fit", ag_mv(D(2, 3), D(2)))                                       \
    X(mv_dtype, EDTYPE, "ag_mv: all must be f32 or all f64: operand 2 is i64 [3]", ag_mv(D(2, 3), I(3)))               \
    X(dot_rank, ESHAPE, "ag_dot: operand 1 is [2,3], which has not 1 axis", ag_dot(D(2, 3), D(3)))                     \
    X(dot_size, ESHAPE, "ag_dot: [2] and [3] do not fit", ag_dot(D(2), D(3)))                                          \
    X(dot_dtype, EDTYPE, "ag_dot: all must be f32 or all f64: operand 2 is f32 [2]", ag_dot(D(2), F(2)))               \
    X(outer_rank, ESHAPE, "ag_outer: operand 1 is [], which has not 1 axis", ag_outer(D0, D(3)))                       \
    X(outer_rank_2, ESHAPE, "ag_outer: operand 2 is [1,3], which has not 1 axis", ag_outer(D(2), D(1, 3)))             \
    X(outer_dtype, EDTYPE, "ag_outer: all must be f32 or all f64: operand 2 is f32 [2]", ag_outer(D(2), F(2)))         \
    X(inner_size, ESHAPE, "ag_inner: [2,3] and [2,4] do not fit", ag_inner(D(2, 3), D(2, 4)))                          \
    X(inner_axes, ESHAPE, "ag_inner: [1,1,1,1,1,2] and [1,1,1,1,2] have too many axes",                                \
      ag_inner(D(1, 1, 1, 1, 1, 2), D(1, 1, 1, 1, 2)))                                                                 \
    X(inner_dtype, EDTYPE, "ag_inner: all must be f32 or all f64: operand 1 is i64 [2]", ag_inner(I(2), D(2)))         \
    X(vecdot_shape, ESHAPE, "ag_vecdot: shapes do not broadcast: [2,3] and [4]", ag_vecdot(D(2, 3), D(4), -1))         \
    X(vecdot_axis, EINVAL, "ag_vecdot: axis 2 of [2,3]", ag_vecdot(D(2, 3), D(3), 2))                                  \
    X(vecdot_0d, ESHAPE, "ag_vecdot: [] and [] hold no vectors", ag_vecdot(D0, D0, 0))                                 \
    X(cross_size, ESHAPE, "ag_cross: axis 1 of [2,4] and [2,4] does not hold vectors of 3",                            \
      ag_cross(D(2, 4), D(2, 4), -1))                                                                                  \
    X(cross_axis, EINVAL, "ag_cross: axis 2 of [2,3]", ag_cross(D(2, 3), D(2, 3), 2))                                  \
    X(cross_rank, ESHAPE, "ag_cross: [2,3] and [3] do not fit", ag_cross(D(2, 3), D(3), -1))                           \
    X(kron_rank, ESHAPE, "ag_kron: [1,1,1,1,2] and [2] have more than 4 axes", ag_kron(D(1, 1, 1, 1, 2), D(2)))        \
    X(kron_dtype, EDTYPE, "ag_kron: all must be f32 or all f64: operand 2 is f32 [2]", ag_kron(D(2), F(2)))            \
    X(kron_null, ENULL, "ag_kron: operand 2 is NULL", ag_kron(D(2), NONE))                                             \
    X(tensorinv_axes, EINVAL, "ag_tensorinv: 0 axes for rows, of [2,2]", ag_tensorinv(D(2, 2), 0))                     \
    X(tensorinv_shape, ESHAPE, "ag_tensorinv: the first 1 axes of [2,3] hold other than the rest",                     \
      ag_tensorinv(D(2, 3), 1))                                                                                        \
    X(tensorinv_dtype, EDTYPE, "ag_tensorinv: needs f32 or f64, got i64 [2,2]; ag_to converts",                        \
      ag_tensorinv(I(2, 2), 1))                                                                                        \
    X(tensorsolve_shape, ESHAPE,                                                                                       \
      "ag_tensorsolve: the first axes of a [2,2,4] must hold as much as b [3], the others too",                        \
      ag_tensorsolve(D(2, 2, 4), D(3), ((ag_axes){ NULL, 0 })))                                                                  \
    X(tensorsolve_axis, EINVAL, "ag_tensorsolve: axis 3 of [2,2,4]", ag_tensorsolve(D(2, 2, 4), D(4), AG_AXES(3)))     \
    X(tensorsolve_dtype, EDTYPE, "ag_tensorsolve: dtypes differ: f64 [2,2] and f32 [2]",                               \
      ag_tensorsolve(D(2, 2), F(2), ((ag_axes){ NULL, 0 })))                                                                     \
    X(tensorsolve_null, ENULL, "ag_tensorsolve: operand 2 is NULL", ag_tensorsolve(D(2, 2), NONE, ((ag_axes){ NULL, 0 })))       \
    X(trace_rank, ESHAPE, "ag_trace: operand 1 is [2,2,2], which has not 2 axes", ag_trace(D(2, 2, 2)))                \
    X(trace_vector, ESHAPE, "ag_trace: operand 1 is [2], which has not 2 axes", ag_trace(D(2)))                        \
    X(trace_dtype, EDTYPE, "ag_trace: all must be f32 or all f64: operand 1 is i64 [2,2]", ag_trace(I(2, 2)))          \
    X(addmm_inner, ESHAPE, "ag_addmm: [2,3] and [2,3] do not fit", ag_addmm(D0, D(2, 3), D(2, 3)))                     \
    X(addmm_added, ESHAPE, "ag_addmm: [3,2] does not broadcast to the product's [2,4]",                                \
      ag_addmm(D(3, 2), D(2, 3), D(3, 4)))                                                                             \
    X(addmm_dtype, EDTYPE, "ag_addmm: all must be f32 or all f64: operand 3 is f32 [3,4]",                             \
      ag_addmm(D0, D(2, 3), F(3, 4)))                                                                                  \
    X(addmv_inner, ESHAPE, "ag_addmv: [2,3] and [2] do not fit", ag_addmv(D0, D(2, 3), D(2)))                          \
    X(addmv_added, ESHAPE, "ag_addmv: [3] does not broadcast to the product's [2]", ag_addmv(D(3), D(2, 3), D(3)))     \
    X(addmv_rank, ESHAPE, "ag_addmv: operand 2 is [3], which has not 2 axes", ag_addmv(D0, D(3), D(3)))                \
    X(addr_rank, ESHAPE, "ag_addr: operand 2 is [1,2], which has not 1 axis", ag_addr(D0, D(1, 2), D(3)))              \
    X(addr_added, ESHAPE, "ag_addr: [2,2] does not broadcast to the product's [2,3]", ag_addr(D(2, 2), D(2), D(3)))    \
    X(addr_null, ENULL, "ag_addr: operand 3 is NULL", ag_addr(D0, D(2), NONE))                                         \
    X(baddbmm_batch, ESHAPE, "ag_baddbmm: [2,2,3] and [3,3,2] do not fit",                                             \
      ag_baddbmm(D0, D(2, 2, 3), D(3, 3, 2)))                                                                          \
    X(baddbmm_added, ESHAPE, "ag_baddbmm: [3,1,1] does not broadcast to the product's [2,2,2]",                        \
      ag_baddbmm(D(3, 1, 1), D(2, 2, 3), D(2, 3, 2)))                                                                  \
    X(baddbmm_rank, ESHAPE, "ag_baddbmm: operand 2 is [2,3], which has not 3 axes",                                    \
      ag_baddbmm(D0, D(2, 3), D(2, 3, 2)))                                                                             \
    X(addbmm_inner, ESHAPE, "ag_addbmm: [2,2,3] and [2,2,2] do not fit", ag_addbmm(D0, D(2, 2, 3), D(2, 2, 2)))        \
    X(addbmm_added, ESHAPE, "ag_addbmm: [2,2,2] does not broadcast to the product's [2,2]",                            \
      ag_addbmm(D(2, 2, 2), D(2, 2, 3), D(2, 3, 2)))                                                                   \
    X(addbmm_dtype, EDTYPE, "ag_addbmm: all must be f32 or all f64: operand 2 is f32 [2,2,3]",                         \
      ag_addbmm(D0, F(2, 2, 3), D(2, 3, 2)))                                                                           \
    X(multi_dot_one, EINVAL, "ag_multi_dot: takes at least 2 matrices, got 1", ag_multi_dot(AG_LIST(D(2, 3))))         \
    X(multi_dot_rank, ESHAPE, "ag_multi_dot: operand 2 is [3], not a matrix",                                          \
      ag_multi_dot(AG_LIST(D(2, 3), D(3), D(3, 2))))                                                                   \
    X(multi_dot_inner, ESHAPE, "ag_multi_dot: operand 2 is [2,3], after one with 3 columns",                           \
      ag_multi_dot(AG_LIST(D(2, 3), D(2, 3))))                                                                         \
    X(multi_dot_dtype, EDTYPE, "ag_multi_dot: all must be f32 or all f64; operand 2 is f32 [3,2]",                     \
      ag_multi_dot(AG_LIST(D(2, 3), F(3, 2))))                                                                         \
    X(bilinear_rows, ESHAPE, "ag_bilinear: [2,3] and [3,2] do not fit",                                                \
      ag_bilinear(D(2, 3), D(3, 2), D(4, 3, 2), NULL))                                                                 \
    X(bilinear_weight, ESHAPE, "ag_bilinear: [2,3] and [4,2,2] do not fit",                                            \
      ag_bilinear(D(2, 3), D(2, 2), D(4, 2, 2), NULL))                                                                 \
    X(bilinear_rank, ESHAPE, "ag_bilinear: operand 3 is [3,2], which has not 3 axes",                                  \
      ag_bilinear(D(2, 3), D(2, 2), D(3, 2), NULL))                                                                    \
    X(bilinear_bias, ESHAPE, "ag_bilinear: bias f64 [3] does not fit weight f64 [4,3,2]; it must be [out]",            \
      ag_bilinear(D(2, 3), D(2, 2), D(4, 3, 2), D(3)))                                                                 \
    X(tensordot_size, ESHAPE, "ag_tensordot: axis 1 of [2,3] and axis 0 of [2,3] differ in size",                      \
      ag_tensordot(D(2, 3), D(2, 3), 1, NULL, NULL))                                                                   \
    X(tensordot_axis, EINVAL, "ag_tensordot: axis 2 of [2,3]",                                                         \
      ag_tensordot(D(2, 3), D(2, 3), 1, (int[]){ 2 }, (int[]){ 0 }))                                                   \
    X(tensordot_twice, EINVAL, "ag_tensordot: axis 0 of [2,2] or axis 1 of [2,2] is named twice",                      \
      ag_tensordot(D(2, 2), D(2, 2), 2, (int[]){ 0, 0 }, (int[]){ 0, 1 }))                                             \
    X(tensordot_count, EINVAL, "ag_tensordot: 9 pairs of axes; it takes 0 to 8",                                       \
      ag_tensordot(D(2), D(2), 9, NULL, NULL))                                                                         \
    X(tensordot_rank, ESHAPE, "ag_tensordot: the product of [1,1,1,1,1] and [1,1,1,1] has more than 8 axes",           \
      ag_tensordot(D(1, 1, 1, 1, 1), D(1, 1, 1, 1), 0, NULL, NULL))                                                    \
    X(tensordot_dtype, EDTYPE, "ag_tensordot: both must be f32 or both f64: f64 [2] and f32 [2]",                      \
      ag_tensordot(D(2), F(2), 1, NULL, NULL))

#define NOTATION(X)                                                                                                    \
    X(einsum_null, ENULL, "ag_einsum: the equation is NULL", ag_einsum(NULL, AG_LIST(D(2))))                           \
    X(einsum_none, EINVAL, "ag_einsum: \"i\": has no operands", ag_einsum("i", (ag_list){ NULL, 0 }))                  \
    X(einsum_sign, EINVAL, "ag_einsum: \"i+j\": takes letters, commas, -> and ...",                                    \
      ag_einsum("i+j", AG_LIST(D(2, 2))))                                                                              \
    X(einsum_terms, EINVAL, "ag_einsum: \"ij,jk\": has terms for more than 1 operands",                                \
      ag_einsum("ij,jk", AG_LIST(D(2, 2))))                                                                            \
    X(einsum_operands, EINVAL, "ag_einsum: \"ij\": has terms for fewer than 2 operands",                               \
      ag_einsum("ij", AG_LIST(D(2, 2), D(2, 2))))                                                                      \
    X(einsum_rank, ESHAPE, "ag_einsum: \"ijk\": names 3 axes of operand 1, which is [2,2]",                            \
      ag_einsum("ijk", AG_LIST(D(2, 2))))                                                                              \
    X(einsum_size, ESHAPE, "ag_einsum: \"ij,jk\": a label of size 3 is 2 in operand 2, which is [2,3]",                \
      ag_einsum("ij,jk", AG_LIST(D(2, 3), D(2, 3))))                                                                   \
    X(einsum_empty, ESHAPE, "ag_einsum: \"i,i\": a label of size 0 is 2 in operand 2, which is [2]",                   \
      ag_einsum("i,i", AG_LIST(D(0), D(2))))                                                                           \
    X(einsum_diagonal, ESHAPE, "ag_einsum: \"ii\": one label for axes 0 and 1 of operand 1, which is [2,3]",           \
      ag_einsum("ii", AG_LIST(D(2, 3))))                                                                               \
    X(einsum_result, EINVAL, "ag_einsum: \"ij->k\": has a label in its result that no operand has",                    \
      ag_einsum("ij->k", AG_LIST(D(2, 3))))                                                                            \
    X(einsum_twice, EINVAL, "ag_einsum: \"ij->ii\": has a label twice in its result",                                  \
      ag_einsum("ij->ii", AG_LIST(D(2, 3))))                                                                           \
    X(einsum_more, EINVAL, "ag_einsum: \"ij->i,j\": has more behind its result",                                       \
      ag_einsum("ij->i,j", AG_LIST(D(2, 3))))                                                                          \
    X(einsum_dots, EINVAL, "ag_einsum: \"...i...\": has ... twice in one term",                                        \
      ag_einsum("...i...", AG_LIST(D(2, 3))))                                                                          \
    X(einsum_long_term, EINVAL, "ag_einsum: \"abcdefghi\": has a term of more than 8 axes",                            \
      ag_einsum("abcdefghi", AG_LIST(D(2, 3))))                                                                        \
    X(einsum_wide, EINVAL, "ag_einsum: \"abcde,fghij\": has a result of more than 8 axes",                             \
      ag_einsum("abcde,fghij", AG_LIST(D(1, 1, 1, 1, 1), D(1, 1, 1, 1, 1))))                                           \
    X(einsum_between, ESHAPE, "ag_einsum: the product of [1,1,1,1,1] and [1,1,1,1] has more than 8 axes",              \
      ag_einsum("abcde,fghi,abcdefgh->i", AG_LIST(D(1, 1, 1, 1, 1), D(1, 1, 1, 1), D(1, 1, 1, 1, 1, 1, 1, 1))))        \
    X(einsum_dtype, EDTYPE, "ag_einsum: all must be f32 or all f64: operand 2 is f32 [2]",                             \
      ag_einsum("i,i", AG_LIST(D(2), F(2))))                                                                           \
    X(einsum_operand_null, ENULL, "ag_einsum: operand 2 is NULL", ag_einsum("i,i", AG_LIST(D(2), NONE)))

#define SYSTEMS(X)                                                                                                     \
    X(solve_square, ESHAPE, "ag_solve: [2,3] is no square matrix", ag_solve(D(2, 3), D(2)))                            \
    X(solve_fit, ESHAPE, "ag_solve: [2,2] and right sides [3,1] do not fit", ag_solve(EYE(2), D(3, 1)))                \
    X(solve_batch, ESHAPE, "ag_solve: [2,2,2] and right sides [3,2,1] do not fit", ag_solve(D(2, 2, 2), D(3, 2, 1)))   \
    X(solve_number, ESHAPE, "ag_solve: [] is no matrix", ag_solve(EYE(2), D0))                                         \
    X(solve_dtype, EDTYPE, "ag_solve: dtypes differ: f64 [2,2] and f32 [2]", ag_solve(EYE(2), F(2)))                   \
    X(solve_singular, EINVAL, "ag_solve: matrix 0 of [2,2] is singular: its LU has a zero pivot in row 0",             \
      ag_solve(D(2, 2), D(2)))                                                                                         \
    X(inv_square, ESHAPE, "ag_inv: [2,3] is no square matrix", ag_inv(D(2, 3)))                                        \
    X(inv_rank, ESHAPE, "ag_inv: [3] is no matrix", ag_inv(D(3)))                                                      \
    X(inv_dtype, EDTYPE, "ag_inv: takes f32 or f64, not i64 [2,2]", ag_inv(I(2, 2)))                                   \
    X(inv_singular, EINVAL, "ag_inv: matrix 0 of [3,2,2] is singular: its LU has a zero pivot in row 1",               \
      ag_inv(ag_ones(AG_F64, 3, 2, 2)))                                                                                \
    X(triangular_square, ESHAPE, "ag_solve_triangular: [2,3] is no square matrix",                                     \
      ag_solve_triangular(D(2, 3), D(2, 1)))                                                                           \
    X(triangular_vector, ESHAPE, "ag_solve_triangular: [2] is no matrix", ag_solve_triangular(EYE(2), D(2)))           \
    X(triangular_fit, ESHAPE, "ag_solve_triangular: [2,2] and right sides [3,1] do not fit",                           \
      ag_solve_triangular(EYE(2), D(3, 1)))                                                                            \
    X(triangular_null, ENULL, "ag_solve_triangular: operand 2 is NULL", ag_solve_triangular(EYE(2), NONE))             \
    X(cholesky_square, ESHAPE, "ag_cholesky: [2,3] is no square matrix", ag_cholesky(D(2, 3), false))                  \
    X(cholesky_dtype, EDTYPE, "ag_cholesky: takes f32 or f64, not i64 [2,2]", ag_cholesky(I(2, 2), false))             \
    X(cholesky_indefinite, EINVAL,                                                                                     \
      "ag_cholesky: matrix 0 of [2,2] is not positive definite: nor is its leading minor of order 2",                  \
      ag_cholesky(ag_ones(AG_F64, 2, 2), false))                                                                       \
    X(cholesky_solve_square, ESHAPE, "ag_cholesky_solve: [2,3] is no square matrix",                                   \
      ag_cholesky_solve(D(2, 1), D(2, 3), false))                                                                      \
    X(cholesky_solve_fit, ESHAPE, "ag_cholesky_solve: [2,2] and right sides [3,1] do not fit",                         \
      ag_cholesky_solve(D(3, 1), EYE(2), false))                                                                       \
    X(cholesky_solve_vector, ESHAPE, "ag_cholesky_solve: [2] is no matrix", ag_cholesky_solve(D(2), EYE(2), false))    \
    X(cholesky_inverse_square, ESHAPE, "ag_cholesky_inverse: [2,3] is no square matrix",                               \
      ag_cholesky_inverse(D(2, 3), false))                                                                             \
    X(cholesky_inverse_rank, ESHAPE, "ag_cholesky_inverse: [2] is no matrix", ag_cholesky_inverse(D(2), false))        \
    X(cholesky_inverse_dtype, EDTYPE, "ag_cholesky_inverse: takes f32 or f64, not i64 [2,2]",                          \
      ag_cholesky_inverse(I(2, 2), false))                                                                             \
    X(det_square, ESHAPE, "ag_det: [2,3] is no square matrix", ag_det(D(2, 3)))                                        \
    X(det_rank, ESHAPE, "ag_det: [] is no matrix", ag_det(D0))                                                         \
    X(det_dtype, EDTYPE, "ag_det: takes f32 or f64, not i64 [2,2]", ag_det(I(2, 2)))                                   \
    X(slogdet_square, ESHAPE, "ag_slogdet: [2,3] is no square matrix", ag_slogdet(D(2, 3), NULL))                      \
    X(slogdet_rank, ESHAPE, "ag_slogdet: [2] is no matrix", ag_slogdet(D(2), NULL))                                    \
    X(slogdet_dtype, EDTYPE, "ag_slogdet: takes f32 or f64, not i64 [2,2]", ag_slogdet(I(2, 2), NULL))                 \
    X(logdet_square, ESHAPE, "ag_logdet: [2,3] is no square matrix", ag_logdet(D(2, 3)))                               \
    X(logdet_rank, ESHAPE, "ag_logdet: [2] is no matrix", ag_logdet(D(2)))                                             \
    X(logdet_dtype, EDTYPE, "ag_logdet: takes f32 or f64, not i64 [2,2]", ag_logdet(I(2, 2)))                          \
    X(lu_factor_rank, ESHAPE, "ag_lu_factor: [2] is no matrix", ag_lu_factor(D(2), NULL))                              \
    X(lu_factor_dtype, EDTYPE, "ag_lu_factor: takes f32 or f64, not i64 [2,2]", ag_lu_factor(I(2, 2), NULL))           \
    X(lu_factor_null, ENULL, "ag_lu_factor: operand 1 is NULL", ag_lu_factor(NONE, NULL))                              \
    X(lu_rank, ESHAPE, "ag_lu: [] is no matrix", ag_lu(D0, NULL, NULL))                                                \
    X(lu_dtype, EDTYPE, "ag_lu: takes f32 or f64, not i64 [2,2]", ag_lu(I(2, 2), NULL, NULL))                          \
    X(lu_null, ENULL, "ag_lu: operand 1 is NULL", ag_lu(NONE, NULL, NULL))                                             \
    X(lu_solve_square, ESHAPE, "ag_lu_solve: [2,3] is no square matrix",                                               \
      ag_lu_solve(D(2, 3), pivots_of(1, 2), D(2, 1), false))                                                           \
    X(lu_solve_pivots, ESHAPE,                                                                                         \
      "ag_lu_solve: pivots i64 [2] are not those of factors [2,2]: i32, one for each row",                             \
      ag_lu_solve(EYE(2), I(2), D(2, 1), false))                                                                       \
    X(lu_solve_fit, ESHAPE, "ag_lu_solve: factors [2,2] and right sides [3,1] do not fit",                             \
      ag_lu_solve(EYE(2), pivots_of(1, 2), D(3, 1), false))                                                            \
    X(lu_solve_row, EINVAL, "ag_lu_solve: pivot 3 at position 1 is no row of 2, counted from 1",                       \
      ag_lu_solve(EYE(2), pivots_of(1, 3), D(2, 1), false))

#define SPECTRA(X)                                                                                                     \
    X(qr_rank, ESHAPE, "ag_qr: [3] is no matrix", ag_qr(D(3), AG_REDUCED, NULL))                                       \
    X(qr_mode, EINVAL, "ag_qr: mode 7 is neither AG_REDUCED nor AG_COMPLETE", ag_qr(D(3, 2), (ag_qr_mode)7, NULL))     \
    X(qr_dtype, EDTYPE, "ag_qr: takes f32 or f64, not i64 [2,2]", ag_qr(I(2, 2), AG_REDUCED, NULL))                    \
    X(qr_derivative, ENODIFF, "ag_qr: Q [3,3] of [3,2] is not unique: AG_REDUCED has a derivative",                    \
      by_all_of_q(V(3, 2)))                                                                                            \
    X(eigh_square, ESHAPE, "ag_eigh: [2,3] is no square matrix", ag_eigh(D(2, 3), false, NULL))                        \
    X(eigh_dtype, EDTYPE, "ag_eigh: takes f32 or f64, not i64 [2,2]", ag_eigh(I(2, 2), false, NULL))                   \
    X(eigh_nan, EINVAL, "ag_eigh: matrix 0 of [2,2] has no eigenvalues that LAPACK finds; it said -1",                 \
      ag_eigh(not_a_number(2), false, NULL))                                                                           \
    X(eigvalsh_square, ESHAPE, "ag_eigvalsh: [2,3] is no square matrix", ag_eigvalsh(D(2, 3), false))                  \
    X(eigvalsh_rank, ESHAPE, "ag_eigvalsh: [2] is no matrix", ag_eigvalsh(D(2), false))                                \
    X(eigvalsh_dtype, EDTYPE, "ag_eigvalsh: takes f32 or f64, not i64 [2,2]", ag_eigvalsh(I(2, 2), false))             \
    X(svd_rank, ESHAPE, "ag_svd: [3] is no matrix", ag_svd(D(3), false, NULL, NULL))                                   \
    X(svd_dtype, EDTYPE, "ag_svd: takes f32 or f64, not i64 [2,2]", ag_svd(I(2, 2), false, NULL, NULL))                \
    X(svd_nan, EINVAL, "ag_svd: matrix 0 of [2,2] has no singular values that LAPACK finds; it said -1",               \
      ag_svd(not_a_number(2), false, NULL, NULL))                                                                      \
    X(svdvals_rank, ESHAPE, "ag_svdvals: [3] is no matrix", ag_svdvals(D(3)))                                          \
    X(svdvals_0d, ESHAPE, "ag_svdvals: [] is no matrix", ag_svdvals(D0))                                               \
    X(svdvals_dtype, EDTYPE, "ag_svdvals: takes f32 or f64, not i64 [2,2]", ag_svdvals(I(2, 2)))                       \
    X(pinv_rank, ESHAPE, "ag_pinv: [3] is no matrix", ag_pinv(D(3)))                                                   \
    X(pinv_hermitian, ESHAPE, "ag_pinv: [2,3] is no square matrix", ag_pinv(D(2, 3), .hermitian = true))               \
    X(pinv_cutoff, EINVAL, "ag_pinv: .atol -1 and .rtol 0 of [2,3] must not be negative",                              \
      ag_pinv(D(2, 3), .atol = -1))                                                                                    \
    X(lstsq_rank, ESHAPE, "ag_lstsq: [3] is no matrix", ag_lstsq(D(3), D(3)))                                          \
    X(lstsq_fit, ESHAPE, "ag_lstsq: [3,2] and right sides [2,1] do not fit", ag_lstsq(D(3, 2), D(2, 1)))               \
    X(lstsq_dtype, EDTYPE, "ag_lstsq: dtypes differ: f64 [3,2] and f32 [3]", ag_lstsq(D(3, 2), F(3)))                  \
    X(lstsq_driver, EINVAL, "ag_lstsq: driver 9 is none of AG_GELSY, AG_GELS, AG_GELSD, AG_GELSS",                     \
      ag_lstsq(D(3, 2), D(3), .driver = (ag_lstsq_driver)9))                                                           \
    X(lstsq_deficient, EINVAL, "ag_lstsq: matrix 0 of [3,2] has not full rank, or does not converge; LAPACK said 2",   \
      ag_lstsq(of_rank_1(), D(3), .driver = AG_GELS))                                                                  \
    X(householder_wide, ESHAPE, "ag_householder_product: f64 [2,3] and tau f64 [2] do not fit: [..., m, n] with "      \
      "m >= n and [..., k] with k <= n", ag_householder_product(D(2, 3), D(2)))                                        \
    X(householder_tau, ESHAPE, "ag_householder_product: f64 [3,2] and tau f64 [3] do not fit: [..., m, n] with "       \
      "m >= n and [..., k] with k <= n", ag_householder_product(D(3, 2), D(3)))                                        \
    X(householder_rank, ESHAPE, "ag_householder_product: [2] is no matrix", ag_householder_product(D(2), D(2)))        \
    X(power_square, ESHAPE, "ag_matrix_power: [2,3] is no square matrix", ag_matrix_power(D(2, 3), 2))                 \
    X(power_rank, ESHAPE, "ag_matrix_power: [2] is no matrix", ag_matrix_power(D(2), 2))                               \
    X(power_singular, EINVAL, "ag_inv: matrix 0 of [2,2] is singular: its LU has a zero pivot in row 0",               \
      ag_matrix_power(D(2, 2), -1))                                                                                    \
    X(exp_square, ESHAPE, "ag_matrix_exp: [2,3] is no square matrix", ag_matrix_exp(D(2, 3)))                          \
    X(exp_rank, ESHAPE, "ag_matrix_exp: [2] is no matrix", ag_matrix_exp(D(2)))                                        \
    X(exp_dtype, EDTYPE, "ag_matrix_exp: takes f32 or f64, not i64 [2,2]", ag_matrix_exp(I(2, 2)))

#define NORMS(X)                                                                                                       \
    X(norm_dtype, EDTYPE, "ag_norm: needs f32 or f64, got i64 [2]; ag_to converts", ag_norm(I(2)))                     \
    X(norm_axis, EINVAL, "ag_norm: axis 2 of [2,3]", ag_norm(D(2, 3), 2))                                              \
    X(norm_twice, EINVAL, "ag_norm_keep: axis -1 of [2,3] is given twice", ag_norm_keep(D(2, 3), 1, -1))               \
    X(vector_norm_nan, EINVAL, "ag_vector_norm: p is NaN, for [2,3]", ag_vector_norm(D(2, 3), NAN))                    \
    X(vector_norm_nothing, ESHAPE, "ag_vector_norm: of nothing, in [2,0], there is no norm with p = inf",              \
      ag_vector_norm(D(2, 0), INFINITY))                                                                               \
    X(vector_norm_axis, EINVAL, "ag_vector_norm: axis -3 of [2,3]",                                                    \
      ag_vector_norm(D(2, 3), 2, .axes = AG_AXES(-3)))                                                                 \
    X(vector_norm_axes, ENULL, "ag_vector_norm: the list of 2 is NULL",                                                \
      ag_vector_norm(D(2, 3), 2, .axes = { NULL, 2 }))                                                                 \
    X(matrix_norm_p, EINVAL, "ag_matrix_norm: p 3, for [2,3], is none of 1, 2, inf and their negatives",               \
      ag_matrix_norm(D(2, 3), 3))                                                                                      \
    X(matrix_norm_rank, ESHAPE, "ag_matrix_norm: [3] and 2 axes; takes two axes of a tensor that has them",            \
      ag_matrix_norm(D(3), 1))                                                                                         \
    X(matrix_norm_axes, ESHAPE, "ag_matrix_norm: [2,3] and 1 axes; takes two axes of a tensor that has them",          \
      ag_matrix_norm(D(2, 3), 1, .axes = AG_AXES(1)))                                                                  \
    X(matrix_norm_twice, EINVAL, "ag_matrix_norm: axis 1 of [2,3] is named twice",                                     \
      ag_matrix_norm(D(2, 3), 1, .axes = AG_AXES(1, -1)))                                                              \
    X(matrix_norm_empty, ESHAPE, "ag_matrix_norm: a matrix of [2,0] holds nothing", ag_matrix_norm(D(2, 0), 1))        \
    X(frobenius_rank, ESHAPE, "ag_frobenius_norm: [3] and 2 axes; takes two axes of a tensor that has them",           \
      ag_frobenius_norm(D(3)))                                                                                         \
    X(frobenius_axis, EINVAL, "ag_frobenius_norm: axis 2 of [2,3]",                                                    \
      ag_frobenius_norm(D(2, 3), .axes = AG_AXES(0, 2)))                                                               \
    X(frobenius_dtype, EDTYPE, "ag_frobenius_norm: needs f32 or f64, got i64 [2,2]; ag_to converts",                   \
      ag_frobenius_norm(I(2, 2)))                                                                                      \
    X(nuclear_rank, ESHAPE, "ag_nuclear_norm: [3] and 2 axes; takes two axes of a tensor that has them",               \
      ag_nuclear_norm(D(3)))                                                                                           \
    X(nuclear_twice, EINVAL, "ag_nuclear_norm: axis 0 of [2,3] is named twice",                                        \
      ag_nuclear_norm(D(2, 3), .axes = AG_AXES(0, 0)))                                                                 \
    X(nuclear_dtype, EDTYPE, "ag_nuclear_norm: needs f32 or f64, got i64 [2,2]; ag_to converts",                       \
      ag_nuclear_norm(I(2, 2)))                                                                                        \
    X(cond_square, ESHAPE, "ag_cond: [2,3] is no square matrix", ag_cond(D(2, 3), 1))                                  \
    X(cond_p, EINVAL, "ag_cond: p 4, for [2,2], is none of 1, 2, inf and their negatives", ag_cond(EYE(2), 4))         \
    X(cond_empty, ESHAPE, "ag_cond: a matrix of [0,0] holds nothing", ag_cond(D(0, 0), 2))                             \
    X(dist_shape, ESHAPE, "ag_dist: shapes do not broadcast: [2] and [3]", ag_dist(D(2), D(3), 2))                     \
    X(dist_p, EINVAL, "ag_dist: no norm with p = nan of the difference of [2] and [2]", ag_dist(D(2), D(2), NAN))      \
    X(dist_dtype, EDTYPE, "ag_dist: takes f32 or f64, not i64 [2]", ag_dist(I(2), I(2), 2))                            \
    X(pairwise_shape, ESHAPE, "ag_pairwise_distance: shapes do not broadcast: [2,3] and [2,4]",                        \
      ag_pairwise_distance(D(2, 3), D(2, 4)))                                                                          \
    X(pairwise_0d, ESHAPE, "ag_pairwise_distance: [] and [] hold no vectors with a norm for p = 2",                    \
      ag_pairwise_distance(D0, D0))                                                                                    \
    X(pairwise_dtype, EDTYPE, "ag_pairwise_distance: takes f32 or f64, not i64 [2]", ag_pairwise_distance(I(2), I(2))) \
    X(cdist_fit, ESHAPE, "ag_cdist: [2,3] and [2,4] do not fit: [..., m, n] and [..., k, n]",                          \
      ag_cdist(D(2, 3), D(2, 4), 2))                                                                                   \
    X(cdist_rank, ESHAPE, "ag_cdist: [3] is no matrix", ag_cdist(D(3), D(2, 3), 2))                                    \
    X(cdist_p, EINVAL, "ag_cdist: p -1, of [2,3] and [2,3], is negative", ag_cdist(D(2, 3), D(2, 3), -1))              \
    X(cov_rank, ESHAPE, "ag_cov: takes f32 or f64 of at most 2 axes, not f64 [1,2,3]", ag_cov(D(1, 2, 3)))             \
    X(cov_counts, EDTYPE, "ag_cov: .fweights are f64 [3], for f64 [2,3]", ag_cov(D(2, 3), .fweights = D(3)))           \
    X(cov_weights, ESHAPE, "ag_cov: .aweights [2] do not fit [2,3]: one for each observation",                         \
      ag_cov(D(2, 3), .aweights = D(2)))                                                                               \
    X(corrcoef_rank, ESHAPE, "ag_corrcoef: takes f32 or f64 of at most 2 axes, not f64 [1,2,3]",                       \
      ag_corrcoef(D(1, 2, 3)))                                                                                         \
    X(corrcoef_dtype, EDTYPE, "ag_corrcoef: takes f32 or f64 of at most 2 axes, not i64 [2,3]", ag_corrcoef(I(2, 3)))  \
    X(corrcoef_null, ENULL, "ag_corrcoef: operand 1 is NULL", ag_corrcoef(NONE))
// clang-format on

#define ALL(X) PRODUCTS(X) NOTATION(X) SYSTEMS(X) SPECTRA(X) NORMS(X)
MISUSE_TABLE(ALL)

static void test_each_misuse_has_its_message(void **state)
{
    (void)state;
    MISUSE_CHECK();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_misuse_has_its_message) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
