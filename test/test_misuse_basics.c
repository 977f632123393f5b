/* test_misuse_basics.c - what can be wrong with arithmetic, elementary functions, reductions, views, indices and the
 * commonest losses. */
#include <autograd/autograd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <test/misuse.h>

#define BOOL(...) ag_zeros(AG_BOOL, __VA_ARGS__)

/* Something whose tape has been reset since. */
static ag_tensor *stale(void)
{
    ag_tensor *x = D(2, 3);
    ag_tape_reset(ag_tape_current());
    return x;
}
/* Something of the tape before the current one, which is left in charge. */
static ag_tensor *foreign(void)
{
    ag_tensor *x = D(2, 3);
    (void)ag_tape_new();
    return x;
}

// clang-format off
/* Of one operand: not of whole numbers, not of nothing. */
#define ONE(X, f)                                                                                                      \
    X(f##_dtype, EDTYPE, "ag_" #f ": needs f32 or f64, got i64 [2,3]", ag_##f(I(2, 3)))                                \
    X(f##_bool, EDTYPE, "ag_" #f ": needs f32 or f64, got bool [2]", ag_##f(BOOL(2)))                                  \
    X(f##_null, ENULL, "ag_" #f ": operand 1 is NULL", ag_##f(NONE))
#define UNARY(X) ONE(X, neg) ONE(X, abs) ONE(X, sign) ONE(X, floor) ONE(X, ceil) ONE(X, trunc) ONE(X, round)           \
    ONE(X, square) ONE(X, sqrt) ONE(X, rsqrt) ONE(X, reciprocal) ONE(X, exp) ONE(X, expm1) ONE(X, log) ONE(X, log1p)   \
    ONE(X, sin) ONE(X, cos) ONE(X, tan) ONE(X, asin) ONE(X, acos) ONE(X, atan) ONE(X, sinh) ONE(X, cosh) ONE(X, tanh)  \
    ONE(X, erf) ONE(X, erfc) ONE(X, sigmoid) ONE(X, softplus) ONE(X, relu) ONE(X, gelu) ONE(X, gelu_tanh)

/* Of two: dtypes and shapes that do not fit. */
#define COMPARISON(X, f)                                                                                               \
    X(f##_shape, ESHAPE, "ag_" #f ": shapes do not broadcast: [2,3] and [4]", ag_##f(D(2, 3), D(4)))                   \
    X(f##_dtypes, EDTYPE, "ag_" #f ": dtypes differ: f64 [2] and f32 [2]; convert one with ag_to", ag_##f(D(2), F(2))) \
    X(f##_null, ENULL, "ag_" #f ": operand 2 is NULL", ag_##f(D(2), NONE))
#define TWO(X, f)                                                                                                      \
    COMPARISON(X, f)                                                                                                   \
    X(f##_bool, EDTYPE, "ag_" #f ": needs f32 or f64, got bool [2]", ag_##f(BOOL(2), BOOL(2)))
#define BINARY(X) TWO(X, add) TWO(X, sub) TWO(X, mul) TWO(X, div) TWO(X, pow) TWO(X, maximum) TWO(X, minimum)          \
    TWO(X, atan2) COMPARISON(X, eq) COMPARISON(X, ne) COMPARISON(X, lt) COMPARISON(X, le) COMPARISON(X, gt)            \
    COMPARISON(X, ge)

/* Of what takes any dtype and shape: nothing, and what is not there. */
#define ANY(X, f)                                                                                                      \
    X(f##_null, ENULL, "ag_" #f ": operand 1 is NULL", ag_##f(NONE))                                                   \
    X(f##_stale, ESTALE, "ag_" #f ": operand 1 was released by a reset of its tape", ag_##f(stale()))                  \
    X(f##_foreign, ETAPE, "ag_" #f ": operand 1 belongs to another tape than the current one", ag_##f(foreign()))
#define OPEN(X) ANY(X, isnan) ANY(X, isinf) ANY(X, isfinite) ANY(X, signbit) ANY(X, logical_not) ANY(X, clone)         \
    ANY(X, contiguous)                                                                                                 \
    X(unsqueeze_stale, ESTALE, "ag_unsqueeze: operand 1 was released by a reset of its tape", ag_unsqueeze(stale(), 0)) \
    X(permute_stale, ESTALE, "ag_permute: operand 1 was released by a reset of its tape", ag_permute(stale(), 1, 0))

#define MORE(X) \
    X(leaky_relu_1, ENULL, "ag_leaky_relu: operand 1 is NULL", \
      ag_leaky_relu(NONE, 1)) \
    X(leaky_relu_2, EDTYPE, "ag_leaky_relu: needs f32 or f64, got i64 [2]; ag_to converts", \
      ag_leaky_relu(I(2), 1)) \
    X(leaky_relu_3, EDTYPE, "ag_leaky_relu: needs f32 or f64, got bool [2]; ag_to converts", \
      ag_leaky_relu(BOOL(2), 1)) \
    X(softplus_beta_1, ENULL, "ag_softplus_beta: operand 1 is NULL", \
      ag_softplus_beta(NONE, 1, 1)) \
    X(softplus_beta_2, EDTYPE, "ag_softplus_beta: needs f32 or f64, got i64 [2]; ag_to converts", \
      ag_softplus_beta(I(2), 1, 1)) \
    X(softplus_beta_3, EINVAL, "ag_softplus_beta: beta is 0", \
      ag_softplus_beta(D(2), 0, 1)) \
    X(clamp_1, ENULL, "ag_clamp: operand 1 is NULL", \
      ag_clamp(NONE, 0, 1)) \
    X(clamp_2, EDTYPE, "ag_clamp: needs f32 or f64, got i64 [2]; ag_to converts", \
      ag_clamp(I(2), 0, 1)) \
    X(clamp_3, EDTYPE, "ag_clamp: needs f32 or f64, got bool [2]; ag_to converts", \
      ag_clamp(BOOL(2), 0, 1)) \
    X(dropout_1, ENULL, "ag_dropout: operand 1 is NULL", \
      ag_dropout(NONE, 0.5)) \
    X(dropout_2, EDTYPE, "ag_dropout: needs f32 or f64, got i64 [2]; ag_to converts", \
      ag_dropout(I(2), 0.5)) \
    X(dropout_3, EINVAL, "ag_dropout: probability 1 is not in [0, 1)", \
      ag_dropout(D(2), 1)) \
    X(dropout_4, EINVAL, "ag_dropout: probability -1 is not in [0, 1)", \
      ag_dropout(D(2), -1)) \
    X(sum_1, ENULL, "ag_sum: operand 1 is NULL", \
      ag_sum(NONE)) \
    X(sum_2, EINVAL, "ag_sum: axis 2 of [2,3]", \
      ag_sum(D(2, 3), 2)) \
    X(sum_3, EINVAL, "ag_sum: axis 0 of [2,3] is given twice", \
      ag_sum(D(2, 3), 0, 0)) \
    X(mean_1, ENULL, "ag_mean: operand 1 is NULL", \
      ag_mean(NONE)) \
    X(mean_2, EDTYPE, "ag_mean: needs f32 or f64, got i64 [2,3]; ag_to converts", \
      ag_mean(I(2, 3))) \
    X(mean_3, EINVAL, "ag_mean: axis 2 of [2,3]", \
      ag_mean(D(2, 3), 2)) \
    X(mean_4, EINVAL, "ag_mean: axis 0 of [2,3] is given twice", \
      ag_mean(D(2, 3), 0, 0)) \
    X(mean_5, EDTYPE, "ag_mean: needs f32 or f64, got bool [2]; ag_to converts", \
      ag_mean(BOOL(2))) \
    X(max_1, ENULL, "ag_max: operand 1 is NULL", \
      ag_max(NONE)) \
    X(max_2, EINVAL, "ag_max: axis 2 of [2,3]", \
      ag_max(D(2, 3), 2)) \
    X(max_3, EINVAL, "ag_max: axis 0 of [2,3] is given twice", \
      ag_max(D(2, 3), 0, 0)) \
    X(max_4, ESHAPE, "ag_max: axis 1 of [2,0] holds nothing", \
      ag_max(D(2, 0), 1)) \
    X(min_1, ENULL, "ag_min: operand 1 is NULL", \
      ag_min(NONE)) \
    X(min_2, EINVAL, "ag_min: axis 2 of [2,3]", \
      ag_min(D(2, 3), 2)) \
    X(min_3, EINVAL, "ag_min: axis 0 of [2,3] is given twice", \
      ag_min(D(2, 3), 0, 0)) \
    X(min_4, ESHAPE, "ag_min: axis 1 of [2,0] holds nothing", \
      ag_min(D(2, 0), 1)) \
    X(logsumexp_1, ENULL, "ag_logsumexp: operand 1 is NULL", \
      ag_logsumexp(NONE)) \
    X(logsumexp_2, EDTYPE, "ag_logsumexp: needs f32 or f64, got i64 [2,3]; ag_to converts", \
      ag_logsumexp(I(2, 3))) \
    X(logsumexp_3, EINVAL, "ag_logsumexp: axis 2 of [2,3]", \
      ag_logsumexp(D(2, 3), 2)) \
    X(logsumexp_4, EINVAL, "ag_logsumexp: axis 0 of [2,3] is given twice", \
      ag_logsumexp(D(2, 3), 0, 0)) \
    X(logsumexp_5, EDTYPE, "ag_logsumexp: needs f32 or f64, got bool [2]; ag_to converts", \
      ag_logsumexp(BOOL(2))) \
    X(prod_1, ENULL, "ag_prod: operand 1 is NULL", \
      ag_prod(NONE)) \
    X(prod_2, EINVAL, "ag_prod: axis 2 of [2,3]", \
      ag_prod(D(2, 3), 2)) \
    X(prod_3, EINVAL, "ag_prod: axis 0 of [2,3] is given twice", \
      ag_prod(D(2, 3), 0, 0)) \
    X(any_1, ENULL, "ag_any: operand 1 is NULL", \
      ag_any(NONE)) \
    X(any_2, EINVAL, "ag_any: axis 2 of [2,3]", \
      ag_any(D(2, 3), 2)) \
    X(any_3, EINVAL, "ag_any: axis 0 of [2,3] is given twice", \
      ag_any(D(2, 3), 0, 0)) \
    X(argmax_1, ENULL, "ag_argmax: operand 1 is NULL", \
      ag_argmax(NONE, 0)) \
    X(argmax_2, EINVAL, "ag_argmax: axis 2 of [2,3]", \
      ag_argmax(D(2, 3), 2)) \
    X(argmax_3, ESHAPE, "ag_argmax: axis 1 of [2,0] holds nothing", \
      ag_argmax(D(2, 0), 1)) \
    X(argmax_4, EINVAL, "ag_argmax: axis 1 of []", \
      ag_argmax(D0, 1)) \
    X(argmax_5, EINVAL, "ag_argmax: axis -3 of [2,3]", \
      ag_argmax(D(2, 3), -3)) \
    X(softmax_1, ENULL, "ag_softmax: operand 1 is NULL", \
      ag_softmax(NONE, 0)) \
    X(softmax_2, EDTYPE, "ag_softmax: needs f32 or f64, got i64 [2,3]; ag_to converts", \
      ag_softmax(I(2, 3), 0)) \
    X(softmax_3, EINVAL, "ag_softmax: axis 2 of [2,3]", \
      ag_softmax(D(2, 3), 2)) \
    X(softmax_4, EDTYPE, "ag_softmax: needs f32 or f64, got bool [2]; ag_to converts", \
      ag_softmax(BOOL(2), 0)) \
    X(softmax_5, EINVAL, "ag_softmax: axis 1 of []", \
      ag_softmax(D0, 1)) \
    X(softmax_6, EINVAL, "ag_softmax: axis -3 of [2,3]", \
      ag_softmax(D(2, 3), -3)) \
    X(log_softmax_1, ENULL, "ag_log_softmax: operand 1 is NULL", \
      ag_log_softmax(NONE, 0)) \
    X(log_softmax_2, EDTYPE, "ag_log_softmax: needs f32 or f64, got i64 [2,3]; ag_to converts", \
      ag_log_softmax(I(2, 3), 0)) \
    X(log_softmax_3, EINVAL, "ag_log_softmax: axis 2 of [2,3]", \
      ag_log_softmax(D(2, 3), 2)) \
    X(log_softmax_4, EDTYPE, "ag_log_softmax: needs f32 or f64, got bool [2]; ag_to converts", \
      ag_log_softmax(BOOL(2), 0)) \
    X(log_softmax_5, EINVAL, "ag_log_softmax: axis 1 of []", \
      ag_log_softmax(D0, 1)) \
    X(log_softmax_6, EINVAL, "ag_log_softmax: axis -3 of [2,3]", \
      ag_log_softmax(D(2, 3), -3)) \
    X(squeeze_1, ENULL, "ag_squeeze: operand 1 is NULL", \
      ag_squeeze(NONE, 0)) \
    X(squeeze_2, ESHAPE, "ag_squeeze: axis 0 of [2,3] is not of size 1", \
      ag_squeeze(I(2, 3), 0)) \
    X(squeeze_3, EINVAL, "ag_squeeze: axis 2 of [2,3]", \
      ag_squeeze(D(2, 3), 2)) \
    X(squeeze_4, ESHAPE, "ag_squeeze: axis 1 of [2,0] is not of size 1", \
      ag_squeeze(D(2, 0), 1)) \
    X(squeeze_5, ESHAPE, "ag_squeeze: axis 0 of [2] is not of size 1", \
      ag_squeeze(BOOL(2), 0)) \
    X(squeeze_6, EINVAL, "ag_squeeze: axis 1 of []", \
      ag_squeeze(D0, 1)) \
    X(squeeze_7, EINVAL, "ag_squeeze: axis -3 of [2,3]", \
      ag_squeeze(D(2, 3), -3)) \
    X(unsqueeze_1, ENULL, "ag_unsqueeze: operand 1 is NULL", \
      ag_unsqueeze(NONE, 0)) \
    X(unsqueeze_2, EINVAL, "ag_unsqueeze: no axis can be added at 1 of []", \
      ag_unsqueeze(D0, 1)) \
    X(linear_1, ENULL, "ag_linear: operand 1 is NULL", \
      ag_linear(NONE, D(2, 3), NULL)) \
    X(linear_2, ENULL, "ag_linear: the weight is NULL", \
      ag_linear(D(2, 3), NONE, NULL)) \
    X(linear_3, EDTYPE, "ag_linear: all must be f32 or all f64: x f64, weight f32, bias none", \
      ag_linear(D(2, 3), F(2, 3), NULL)) \
    X(linear_4, ESHAPE, "ag_linear: x [..., in] and weight [out, in] do not fit: [2,3] and [3]", \
      ag_linear(D(2, 3), D(3), NULL)) \
    X(linear_5, EDTYPE, "ag_linear: all must be f32 or all f64: x i64, weight i64, bias none", \
      ag_linear(I(2, 3), I(2, 3), NULL)) \
    X(linear_act_1, ENULL, "ag_linear_act: operand 1 is NULL", \
      ag_linear_act(NONE, D(2, 3), NULL, AG_RELU)) \
    X(linear_act_2, EDTYPE, "ag_linear_act: all must be f32 or all f64: x f64, weight f32, bias none", \
      ag_linear_act(D(2, 3), F(2, 3), NULL, AG_RELU)) \
    X(linear_act_3, ESHAPE, "ag_linear_act: bias [3] does not fit weight [2,3]; it must be [out]", \
      ag_linear_act(D(2, 3), D(2, 3), D(3), AG_RELU)) \
    X(permute_1, ENULL, "ag_permute: operand 1 is NULL", \
      ag_permute(NONE, 0, 1)) \
    X(permute_2, EINVAL, "ag_permute: [0,2] is no order of the axes of [2,3]", \
      ag_permute(D(2, 3), 0, 2)) \
    X(flip_1, ENULL, "ag_flip: operand 1 is NULL", \
      ag_flip(NONE, 0)) \
    X(flip_2, EINVAL, "ag_flip: axis 2 of [2,3]", \
      ag_flip(D(2, 3), 2)) \
    X(flip_3, EINVAL, "ag_flip: axis 0 of [2,3] is given twice", \
      ag_flip(D(2, 3), 0, 0)) \
    X(transpose_1, ENULL, "ag_transpose: operand 1 is NULL", \
      ag_transpose(NONE, 0, 1)) \
    X(transpose_2, EINVAL, "ag_transpose: axis 2 of [2,3]", \
      ag_transpose(D(2, 3), 0, 2)) \
    X(transpose_3, EINVAL, "ag_transpose: axis -3 of [2,3]", \
      ag_transpose(D(2, 3), -3, 0)) \
    X(transpose_4, EINVAL, "ag_transpose: axis 1 of [2]", \
      ag_transpose(D(2), 0, 1)) \
    X(slice_1, ENULL, "ag_slice: operand 1 is NULL", \
      ag_slice(NONE, 0, 0, 1)) \
    X(slice_2, EINVAL, "ag_slice: axis 2 of [2,3]", \
      ag_slice(D(2, 3), 2, 0, 1)) \
    X(slice_3, ESHAPE, "ag_slice: [] has no axis to slice", \
      ag_slice(D0, 0, 0, 1)) \
    X(slice_4, EINVAL, "ag_slice: axis -2 of [2]", \
      ag_slice(D(2), -2, 0, 1)) \
    X(slice_step_1, ENULL, "ag_slice_step: operand 1 is NULL", \
      ag_slice_step(NONE, 0, 0, 1, 1)) \
    X(slice_step_2, EINVAL, "ag_slice_step: axis 2 of [2,3]", \
      ag_slice_step(D(2, 3), 2, 0, 1, 1)) \
    X(slice_step_3, EINVAL, "ag_slice_step: step 0 along axis 0 of [2,3] is not positive", \
      ag_slice_step(D(2, 3), 0, 0, 1, 0)) \
    X(slice_step_4, EINVAL, "ag_slice_step: step -1 along axis 0 of [2,3] is not positive", \
      ag_slice_step(D(2, 3), 0, 0, 1, -1)) \
    X(select_1, ENULL, "ag_select: operand 1 is NULL", \
      ag_select(NONE, 0, 0)) \
    X(select_2, EINVAL, "ag_select: axis 2 of [2,3]", \
      ag_select(D(2, 3), 2, 0)) \
    X(select_3, EINVAL, "ag_select: index 2 is outside axis 0 of [2,3]", \
      ag_select(D(2, 3), 0, 2)) \
    X(select_4, EINVAL, "ag_select: index -3 is outside axis 0 of [2,3]", \
      ag_select(D(2, 3), 0, -3)) \
    X(stack_1, ENULL, "ag_stack: tensor 1 is NULL", \
      ag_stack(AG_LIST(NONE), 0)) \
    X(stack_2, EDTYPE, "ag_stack: dtypes differ: operand 1 is f64 [2], operand 2 f32 [2]", \
      ag_stack(AG_LIST(D(2), F(2)), 0)) \
    X(stack_3, EINVAL, "ag_stack: no axis can be added at 2 of [2]", \
      ag_stack(AG_LIST(D(2), D(2)), 2)) \
    X(stack_4, EINVAL, "ag_stack: 0 tensors given; it takes 1 to 65535", \
      (ag_stack)(((ag_list){NULL, 0}), 0)) \
    X(to_1, ENULL, "ag_to: operand 1 is NULL", \
      ag_to(NONE, AG_F32)) \
    X(to_2, EDTYPE, "ag_to: 7 is no dtype", \
      ag_to(D(2), (ag_dtype)7)) \
    X(to_3, EDTYPE, "ag_to: 2 is no dtype", \
      ag_to(D(2), (ag_dtype)2)) \
    X(gather_1, ENULL, "ag_gather: operand 1 is NULL", \
      ag_gather(NONE, 0, I(2))) \
    X(gather_2, ENULL, "ag_gather: the index is NULL", \
      ag_gather(D(2), 0, NONE)) \
    X(gather_3, EDTYPE, "ag_gather: the index is f64 [2]; it must be i64, i32 or u8", \
      ag_gather(D(2), 0, D(2))) \
    X(gather_4, EINVAL, "ag_gather: axis 1 of [2]", \
      ag_gather(D(2), 1, I(2))) \
    X(gather_5, EINVAL, "ag_gather: index 5 at position 0 is outside axis 0 of [2]", \
      ag_gather(D(2), 0, ag_full(AG_I64, 5, 2))) \
    X(index_add_1, ENULL, "ag_index_add: operand 1 is NULL", \
      ag_index_add(NONE, 0, I(2), D(2))) \
    X(index_add_2, ESHAPE, "ag_index_add: value [3] at index [2] does not fit along axis 0 of [3]", \
      ag_index_add(D(3), 0, I(2), D(3))) \
    X(index_add_3, EDTYPE, "ag_index_add: the index is f64 [2]; it must be i64, i32 or u8", \
      ag_index_add(D(3), 0, D(2), D(2))) \
    X(index_add_4, EINVAL, "ag_index_add: index 5 at position 0 is outside axis 0 of [3]", \
      ag_index_add(D(3), 0, ag_full(AG_I64, 5, 2), D(2))) \
    X(index_add_5, EDTYPE, "ag_index_add: f32 [2] is added to f64 [3]; both must be f32 or both f64", \
      ag_index_add(D(3), 0, I(2), F(2))) \
    X(scatter_add_1, ENULL, "ag_scatter_add: operand 1 is NULL", \
      ag_scatter_add(NONE, 0, I(2), D(2))) \
    X(scatter_add_2, ESHAPE, "ag_scatter_add: value [3] and index [2] differ in shape", \
      ag_scatter_add(D(3), 0, I(2), D(3))) \
    X(scatter_add_3, EDTYPE, "ag_scatter_add: the index is f64 [2]; it must be i64, i32 or u8", \
      ag_scatter_add(D(3), 0, D(2), D(2))) \
    X(scatter_add_4, EINVAL, "ag_scatter_add: index 5 at position 0 is outside axis 0 of [3]", \
      ag_scatter_add(D(3), 0, ag_full(AG_I64, 5, 2), D(2))) \
    X(scatter_add_5, EINVAL, "ag_scatter_add: axis 1 of [3]", \
      ag_scatter_add(D(3), 1, I(2), D(2))) \
    X(scatter_add_6, EDTYPE, "ag_scatter_add: f32 [2] is added to f64 [3]; both must be f32 or both f64", \
      ag_scatter_add(D(3), 0, I(2), F(2))) \
    X(l1_loss_1, ESHAPE, "ag_l1_loss: shapes differ: [2,3] and [3]", \
      ag_l1_loss(D(2, 3), D(3))) \
    X(l1_loss_2, EDTYPE, "ag_l1_loss: both must be f32 or both f64: f64 [2] and f32 [2]", \
      ag_l1_loss(D(2), F(2))) \
    X(l1_loss_3, ENULL, "ag_l1_loss: the target is NULL", \
      ag_l1_loss(D(2), NONE)) \
    X(l1_loss_4, ENULL, "ag_l1_loss: operand 1 is NULL", \
      ag_l1_loss(NONE, D(2))) \
    X(l1_loss_5, EINVAL, "ag_l1_loss: .weight is an option of other losses", \
      ag_l1_loss(D(2), D(2), .weight=D(2))) \
    X(huber_loss_1, ESHAPE, "ag_huber_loss: shapes differ: [2,3] and [3]", \
      ag_huber_loss(D(2, 3), D(3))) \
    X(huber_loss_2, EDTYPE, "ag_huber_loss: both must be f32 or both f64: f64 [2] and f32 [2]", \
      ag_huber_loss(D(2), F(2))) \
    X(huber_loss_3, ENULL, "ag_huber_loss: the target is NULL", \
      ag_huber_loss(D(2), NONE)) \
    X(huber_loss_4, EINVAL, "ag_huber_loss: .delta -1 is not positive", \
      ag_huber_loss(D(2), D(2), .delta=-1)) \
    X(bce_with_logits_1, ESHAPE, "ag_bce_with_logits: shapes differ: [2,3] and [3]", \
      ag_bce_with_logits(D(2, 3), D(3))) \
    X(bce_with_logits_2, EDTYPE, "ag_bce_with_logits: both must be f32 or both f64: f64 [2] and f32 [2]", \
      ag_bce_with_logits(D(2), F(2))) \
    X(bce_with_logits_3, ENULL, "ag_bce_with_logits: the target is NULL", \
      ag_bce_with_logits(D(2), NONE)) \
    X(bce_with_logits_4, ESHAPE, "ag_bce_with_logits: .weight f64 [3] does not broadcast to the input f64 [2]", \
      ag_bce_with_logits(D(2), D(2), .weight=D(3))) \
    X(bce_with_logits_5, ESHAPE, "ag_bce_with_logits: .pos_weight f32 [2] does not broadcast to the input f64 [2]", \
      ag_bce_with_logits(D(2), D(2), .pos_weight=F(2))) \
    X(nll_loss_1, ESHAPE, "ag_nll_loss: classes [3] do not fit logits [2,3]: one for each of [2]", \
      ag_nll_loss(D(2, 3), I(3))) \
    X(nll_loss_2, EDTYPE, "ag_nll_loss: the target is f64 [2]; classes are i64, i32 or u8", \
      ag_nll_loss(D(2, 3), D(2))) \
    X(nll_loss_3, ESHAPE, "ag_nll_loss: logits [] have no axis of classes", \
      ag_nll_loss(D0, I(1))) \
    X(nll_loss_4, EINVAL, "ag_nll_loss: target 3 at position 0 is no class of logits [2,3]", \
      ag_nll_loss(D(2, 3), ag_full(AG_I64, 3, 2))) \
    X(nll_loss_5, ESHAPE, "ag_nll_loss: .weight f64 [2] does not fit logits f64 [2,3]: one for each of axis 1", \
      ag_nll_loss(D(2, 3), I(2), .weight=D(2))) \
    X(rms_norm_1, ESHAPE, "ag_rms_norm: [2,3] has no last 3 axes to normalise", \
      ag_rms_norm(D(2, 3), 3)) \
    X(rms_norm_2, EDTYPE, "ag_rms_norm: needs f32 or f64, got i64 [2,3]; ag_to converts", \
      ag_rms_norm(I(2, 3), 1)) \
    X(rms_norm_3, ESHAPE, "ag_rms_norm: .weight f64 [2] does not fit the last 1 axes of f64 [2,3]", \
      ag_rms_norm(D(2, 3), 1, .weight=D(2))) \
    X(rms_norm_4, ENULL, "ag_rms_norm: operand 1 is NULL", \
      ag_rms_norm(NONE, 1)) \
    X(matrix_power_1, ESHAPE, "ag_matrix_power: [2,3] is no square matrix", \
      ag_matrix_power(D(2, 3), 2)) \
    X(matrix_power_2, ESHAPE, "ag_matrix_power: [2] is no matrix", \
      ag_matrix_power(D(2), 2)) \
    X(matrix_power_3, EDTYPE, "ag_matrix_power: takes f32 or f64, not i64 [2,2]", \
      ag_matrix_power(I(2, 2), 2)) \
    X(matrix_power_4, ENULL, "ag_matrix_power: operand 1 is NULL", \
      ag_matrix_power(NONE, 2))
// clang-format on
#define ALL(X) UNARY(X) BINARY(X) OPEN(X) MORE(X)
MISUSE_TABLE(ALL)

static void each_mistake(void **state)
{
    (void)state;
    MISUSE_CHECK();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_mistake) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
