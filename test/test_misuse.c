/* test_misuse.c - what a user can get wrong: each mistake has its own code and message, which names the operation and
 * the shapes, and everything works afterwards. */
#include <autograd/autograd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <test/misuse.h>

static const int64_t huge[] = { INT64_MAX / 2, 3 }, tall[] = { INT64_C(1) << 40, 1 }, wide[] = { 1, INT64_C(1) << 40 },
                     nine[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static const double numbers[3] = { 1, 2, 3 };
static double room[3];
static const int64_t five = 5;

static ag_tensor *index_of(int64_t at)
{
    return ag_fill(ag_zeros(AG_I64, 1), (double)at);
}

/* Something whose tape has been reset since. */
static ag_tensor *stale_tensor(void)
{
    ag_tensor *x = D(2, 3);
    ag_tape_reset(ag_tape_current());
    return x;
}
static ag_scalar stale_scalar(void)
{
    ag_scalar x = ag_input(2);
    ag_tape_reset(ag_tape_current());
    return x;
}

/* Something of the tape before the current one, which is left in charge. */
static ag_tensor *foreign_tensor(void)
{
    ag_tensor *x = D(2, 3);
    (void)ag_tape_new();
    return x;
}
static ag_scalar foreign_scalar(void)
{
    ag_scalar x = ag_input(2);
    (void)ag_tape_new();
    return x;
}

/* x^2 summed, its operand overwritten before the derivative. */
static ag_tensor *overwritten(void)
{
    ag_tensor *x = ag_variable(D(2, 3)), *y = ag_sum(ag_square(x));
    ag_fill(x, 1);
    return y;
}
static ag_tensor *result_overwritten(void)
{
    ag_tensor *x = ag_variable(D(2, 3)), *y = ag_exp(x), *z = ag_sum(y);
    ag_fill(y, 1);
    return z;
}
static ag_tensor *spent(void)
{
    ag_tensor *y = ag_sum(ag_square(V(2, 3)));
    ag_backward(y);
    return y;
}
static ag_tensor *returns_null(ag_tensor **x, void *user)
{
    return (void)x, (void)user, NONE;
}
static ag_tensor *returns_first(ag_tensor **x, void *user)
{
    return (void)user, x[0];
}
static const ag_op nameless = { .n_in = 1 }, unfinished = { .name = "unfinished", .n_in = 1 };
static ag_status copy_in(ag_call *c)
{
    return ag_assign(c->out[0], c->in[0]);
}
static const ag_op no_rule = { .name = "opaque", .n_in = 1, .shape = ag_shape_same, .forward = copy_in };

// clang-format off
#define SHAPES(X)                                                                                                      \
    X(norm_axes, ESHAPE, "ag_layer_norm: [2,3] has no last 3 axes to normalise", ag_layer_norm(D(2, 3), 3))            \
    X(norm_no_axes, ESHAPE, "ag_rms_norm: [2,3] has no last 0 axes to normalise", ag_rms_norm(D(2, 3), 0))             \
    X(norm_weight, ESHAPE, "ag_layer_norm: .weight f64 [2] does not fit the last 1 axes of f64 [2,3]",                 \
      ag_layer_norm(D(2, 3), 1, .weight = D(2)))                                                                       \
    X(norm_bias, ESHAPE, "ag_layer_norm: .bias f32 [3] does not fit the last 1 axes of f64 [2,3]",                     \
      ag_layer_norm(D(2, 3), 1, .bias = F(3)))                                                                         \
    X(embedding_weight, ESHAPE, "ag_embedding: weight [5] is not [rows, width]", ag_embedding(D(5), I(3)))             \
    X(embedding_index_rank, ESHAPE, "ag_embedding: the index [1,1,1,1,1,1,1,1] leaves no axis for the rows",           \
      ag_embedding(D(5, 2), I(1, 1, 1, 1, 1, 1, 1, 1)))                                                                \
    X(attention_width, ESHAPE, "ag_attention: q [3,2], k [4,5] and v [4,2] do not fit",                                \
      ag_attention(D(3, 2), D(4, 5), D(4, 2)))                                                                         \
    X(attention_lengths, ESHAPE, "ag_attention: q [3,2], k [4,2] and v [5,2] do not fit",                              \
      ag_attention(D(3, 2), D(4, 2), D(5, 2)))                                                                         \
    X(attention_heads, ESHAPE, "ag_attention: q [3,4,2], k [2,4,2] and v [2,4,2] do not fit",                          \
      ag_attention(D(3, 4, 2), D(2, 4, 2), D(2, 4, 2)))                                                                \
    X(attention_lead, ESHAPE, "ag_attention: leading axes do not broadcast: q [2,1,4,2], k [3,1,4,2], v [3,1,4,2]",    \
      ag_attention(D(2, 1, 4, 2), D(3, 1, 4, 2), D(3, 1, 4, 2)))                                                       \
    X(attention_vector, ESHAPE, "ag_attention: [2] is not [.., heads, length, width]",                                 \
      ag_attention(D(2), D(4, 2), D(4, 2)))                                                                            \
    X(attention_mask, ESHAPE, "ag_attention: .mask [2,4] does not fit the scores of q [3,2] and k [4,2]",              \
      ag_attention(D(3, 2), D(4, 2), D(4, 2), .mask = D(2, 4)))                                                        \
    X(attention_mask_rank, ESHAPE, "ag_attention: .mask [1,3,4] does not fit the scores of q [3,2] and k [4,2]",       \
      ag_attention(D(3, 2), D(4, 2), D(4, 2), .mask = D(1, 3, 4)))                                                     \
    X(attention_mask_learned, ESHAPE, "ag_attention: .mask [2,4] does not fit the scores of q [3,2] and k [4,2]",      \
      ag_attention(D(3, 2), D(4, 2), D(4, 2), .mask = V(2, 4)))                                                        \
    X(add, ESHAPE, "ag_add: shapes do not broadcast: [2,3] and [4]", ag_add(D(2, 3), D(4)))                            \
    X(mul_front, ESHAPE, "ag_mul: shapes do not broadcast: [3,2] and [2,1,4]", ag_mul(D(3, 2), D(2, 1, 4)))            \
    X(compare, ESHAPE, "ag_lt: shapes do not broadcast: [2] and [3]", ag_lt(D(2), D(3)))                               \
    X(where, ESHAPE, "ag_where: shapes do not broadcast: [2], [3] and [1]",                                            \
      ag_where(ag_zeros(AG_BOOL, 2), D(3), D(1)))                                                                      \
    X(matmul_inner, ESHAPE, "ag_matmul: inner sizes differ: [2,3] and [2,3]", ag_matmul(D(2, 3), D(2, 3)))             \
    X(matmul_batch, ESHAPE, "ag_matmul: leading axes do not broadcast: [2,4,3] and [3,3,5]",                           \
      ag_matmul(D(2, 4, 3), D(3, 3, 5)))                                                                               \
    X(matmul_0d, ESHAPE, "ag_matmul: a number is no matrix: [] and [3]; ag_mul scales", ag_matmul(D0, D(3)))           \
    X(linear_weight, ESHAPE, "ag_linear: x [..., in] and weight [out, in] do not fit: [2,3] and [4,5]",                \
      ag_linear(D(2, 3), D(4, 5), NULL))                                                                               \
    X(linear_bias, ESHAPE, "ag_linear: bias [3] does not fit weight [4,3]; it must be [out]",                          \
      ag_linear(D(2, 3), D(4, 3), D(3)))                                                                               \
    X(linear_act_weight, ESHAPE, "ag_linear_act: x [..., in] and weight [out, in] do not fit: [2,3] and [4,5]",        \
      ag_linear_act(D(2, 3), D(4, 5), NULL, AG_RELU))                                                                  \
    X(linear_act_unknown, EINVAL, "ag_linear_act: activation 0; there are AG_RELU, AG_TANH, AG_SIGMOID",               \
      ag_linear_act(D(2, 3), D(4, 3), NULL, (ag_activation)0))                                                         \
    X(reshape, ESHAPE, "ag_reshape: [2,3] does not fit into [4,2]", ag_reshape(D(2, 3), 4, 2))                         \
    X(reshape_unknown, ESHAPE, "ag_reshape: [2,3] does not fit into [-1,-1]", ag_reshape(D(2, 3), -1, -1))             \
    X(reshape_negative, ESHAPE, "ag_reshape: [2,3] does not fit into [-2,-3]", ag_reshape(D(2, 3), -2, -3))            \
    X(expand, ESHAPE, "ag_expand: [2,3] does not broadcast to [2,4]", ag_expand(D(2, 3), 2, 4))                        \
    X(expand_fewer, ESHAPE, "ag_expand: [2,3] to 1 axes; it takes 2 to 8", ag_expand(D(2, 3), 3))                      \
    X(permute_count, ESHAPE, "ag_permute: 1 axes given for [2,3], which has 2", ag_permute(D(2, 3), 0))                \
    X(permute_twice, EINVAL, "ag_permute: [1,1] is no order of the axes of [2,3]", ag_permute(D(2, 3), 1, 1))          \
    X(squeeze, ESHAPE, "ag_squeeze: axis 1 of [2,3] is not of size 1", ag_squeeze(D(2, 3), 1))                         \
    X(cat, ESHAPE, "ag_cat: operand 1 is [2,3], operand 2 [2,4]; they do not join along axis 0",                       \
      ag_cat(AG_LIST(D(2, 3), D(2, 4)), 0))                                                                            \
    X(cat_0d, EINVAL, "ag_cat: axis 0 of []", ag_cat(AG_LIST(D0, D0), 0))                                              \
    X(stack, ESHAPE, "ag_stack: operand 1 is [2], operand 2 [3]; they do not join along axis 0",                       \
      ag_stack(AG_LIST(D(2), D(3)), 0))                                                                                \
    X(max_of_nothing, ESHAPE, "ag_max: axis 1 of [2,0] holds nothing", ag_max(D(2, 0), 1))                             \
    X(where_null, ENULL, "ag_where: operand 3 is NULL", ag_where(ag_zeros(AG_BOOL, 2), D(2), NULL))                    \
    X(argmax_of_nothing, ESHAPE, "ag_argmax: axis 0 of [0,3] holds nothing", ag_argmax(D(0, 3), 0))                    \
    X(mse_loss, ESHAPE, "ag_mse_loss: shapes differ: [2,3] and [2]", ag_mse_loss(D(2, 3), D(2)))                       \
    X(cross_entropy, ESHAPE, "ag_cross_entropy: classes [3] do not fit logits [2,5]: one for each of [2]",             \
      ag_cross_entropy(D(2, 5), I(3)))                                                                                 \
    X(class_weight, ESHAPE, "ag_cross_entropy: .weight f64 [4] does not fit logits f64 [2,5]: one for each of axis 1", \
      ag_cross_entropy(D(2, 5), I(2), .weight = D(4)))                                                                 \
    X(gather, ESHAPE, "ag_gather: index [3] does not fit [2,3]: as many axes, and none longer but axis 0",             \
      ag_gather(D(2, 3), 0, I(3)))                                                                                     \
    X(index_add, ESHAPE, "ag_index_add: value [2,4] at index [2] does not fit along axis 0 of [2,3]",                  \
      ag_index_add(D(2, 3), 0, I(2), D(2, 4)))                                                                         \
    X(scatter_add, ESHAPE, "ag_scatter_add: value [2,2] and index [1,3] differ in shape",                              \
      ag_scatter_add(D(2, 3), 0, I(1, 3), D(2, 2)))                                                                    \
    X(rank_9, ESHAPE, "ag_zeros: rank 9 is not in 0..8", (ag_zeros)(AG_F64, 9, nine))                                  \
    X(rank_9_view, EINVAL, "ag_unsqueeze: no axis can be added at 0 of [1,1,1,1,1,1,1,1]",                             \
      ag_unsqueeze((ag_zeros)(AG_F64, 8, nine), 0))                                                                    \
    X(negative_size, ESHAPE, "ag_zeros: negative size in [2,-3]", D(2, -3))                                            \
    X(overflow, ESHAPE, "ag_new: [4611686018427387903,3] of f64 is more than memory can hold",                         \
      (ag_new)(AG_F64, 2, huge))                                                                                       \
    X(overflow_by_expanding, ESHAPE, "ag_expand: [4611686018427387903,3] of f64 is more than memory can hold",         \
      (ag_expand)(D(1), 2, huge))                                                                                      \
    X(overflow_by_broadcasting, ESHAPE, "ag_mul: [1099511627776,1099511627776] of f64 is more than memory can hold",   \
      ag_mul((ag_expand)(D(1, 1), 2, tall), (ag_expand)(D(1, 1), 2, wide)))                                            \
    X(overflow_of_product, ESHAPE, "ag_matmul: [1099511627776,1099511627776] of f64 is more than memory can hold",     \
      ag_matmul((ag_expand)(D(1, 1), 2, tall), (ag_expand)(D(1, 1), 2, wide)))                                         \
    X(item, ESHAPE, "ag_item: [2,3] does not hold one element", ag_item(D(2, 3)))                                      \
    X(at_count, ESHAPE, "ag_at: 1 indices for [2,3]", ag_at(D(2, 3), 1))                                               \
    X(read, ESHAPE, "ag_read: 3 elements asked of [2,3]", ag_read(D(2, 3), room, 3))                                   \
    X(write, ESHAPE, "ag_write: 3 elements given for [2,3]", ag_write(D(2, 3), numbers, 3))                            \
    X(assign, ESHAPE, "ag_assign: [2] does not broadcast to [2,3]", ag_assign(D(2, 3), D(2)))                          \
    X(unpack, ESHAPE, "ag_unpack: 2 scalars asked of a tensor [2,3]",                                                  \
      ag_scalar s[2]; ag_unpack(D(2, 3), 2, s))

#define AXES(X)                                                                                                        \
    X(sum_axis, EINVAL, "ag_sum: axis 2 of [2,3]", ag_sum(D(2, 3), 2))                                                 \
    X(sum_axis_below, EINVAL, "ag_sum: axis -3 of [2,3]", ag_sum(D(2, 3), -3))                                         \
    X(sum_axis_twice, EINVAL, "ag_sum: axis -1 of [2,3] is given twice", ag_sum(D(2, 3), 1, -1))                       \
    X(flip_axis, EINVAL, "ag_flip: axis 5 of [2,3]", ag_flip(D(2, 3), 5))                                              \
    X(softmax_axis, EINVAL, "ag_softmax: axis 2 of [2,3]", ag_softmax(D(2, 3), 2))                                     \
    X(transpose_axis, EINVAL, "ag_transpose: axis 2 of [2,3]", ag_transpose(D(2, 3), 0, 2))                            \
    X(squeeze_axis, EINVAL, "ag_squeeze: axis 2 of [2,1]", ag_squeeze(D(2, 1), 2))                                     \
    X(unsqueeze_axis, EINVAL, "ag_unsqueeze: no axis can be added at 4 of [2,3]", ag_unsqueeze(D(2, 3), 4))            \
    X(cat_axis, EINVAL, "ag_cat: axis 1 of [2]", ag_cat(AG_LIST(D(2), D(2)), 1))                                       \
    X(size_axis, EINVAL, "ag_size: axis 2 of [2,3]", ag_size(D(2, 3), 2))                                              \
    X(select_index, EINVAL, "ag_select: index 2 is outside axis 0 of [2,3]", ag_select(D(2, 3), 0, 2))                 \
    X(select_0d, ESHAPE, "ag_select: [] has no axis to select from", ag_select(D0, 0, 0))                              \
    X(slice_step, EINVAL, "ag_slice_step: step 0 along axis 1 of [2,3] is not positive",                               \
      ag_slice_step(D(2, 3), 1, 0, 3, 0))                                                                              \
    X(at_index, EINVAL, "ag_at: index 3 is outside axis 1 of [2,3]", ag_at(D(2, 3), 0, 3))                             \
    X(take_index, EINVAL, "ag_take: index 3 at position 0 is outside axis 1 of [2,3]",                                 \
      ag_take(D(2, 3), 1, index_of(3)))                                                                                \
    X(take_negative, EINVAL, "ag_take: index -1 at position 0 is outside axis 0 of [2,3]",                             \
      ag_take(D(2, 3), 0, index_of(-1)))                                                                               \
    X(class_index, EINVAL, "ag_cross_entropy: target 5 at position 0 is no class of logits [1,5]",                     \
      ag_cross_entropy(D(1, 5), index_of(5)))                                                                          \
    X(block_slice, EINVAL, "ags_block_slice: elements 2 .. 5 of 3",                                                    \
      ags_block_slice(ags_block_input(3, numbers), 2, 3))                                                              \
    X(block_dot, ESHAPE, "ags_block_dot: y has 2 elements, not 3",                                                     \
      ags_block_dot(ags_block_input(3, numbers), ags_block_input(2, numbers)))                                         \
    X(block_matvec, ESHAPE, "ags_block_matvec: 3 elements are no rows of 2",                                           \
      ags_block_matvec(ags_block_input(3, numbers), ags_block_input(2, numbers)))

#define DTYPES(X)                                                                                                      \
    X(norm_integer, EDTYPE, "ag_layer_norm: needs f32 or f64, got i64 [2,3]; ag_to converts",                          \
      ag_layer_norm(I(2, 3), 1))                                                                                       \
    X(embedding_integer, EDTYPE, "ag_embedding: needs f32 or f64, got i64 [5,2]; ag_to converts",                      \
      ag_embedding(I(5, 2), I(3)))                                                                                     \
    X(embedding_index, EDTYPE, "ag_embedding: the index is f64 [3]; it must be i64, i32 or u8",                        \
      ag_embedding(D(5, 2), D(3)))                                                                                     \
    X(attention_integer, EDTYPE, "ag_attention: needs f32 or f64, got i64 [3,2]; ag_to converts",                      \
      ag_attention(I(3, 2), I(4, 2), I(4, 2)))                                                                         \
    X(attention_dtypes, EDTYPE, "ag_attention: dtypes differ: f64 and f32", ag_attention(D(3, 2), D(4, 2), F(4, 2)))   \
    X(attention_mask_dtype, EDTYPE, "ag_attention: .mask is f32; it must be bool or f64, as q is",                     \
      ag_attention(D(3, 2), D(4, 2), D(4, 2), .mask = F(3, 4)))                                                        \
    X(forgotten, EDTYPE, "ag_zeros: 2 is no dtype; the dtype comes first", ag_zeros(2, 3))                             \
    X(mixed, EDTYPE, "ag_mul: dtypes differ: f64 [2,3] and f32 [3]; convert one with ag_to", ag_mul(D(2, 3), F(3)))    \
    X(mixed_matmul, EDTYPE, "ag_matmul: both must be f32 or both f64: f64 [2,3] and f32 [3,2]",                        \
      ag_matmul(D(2, 3), F(3, 2)))                                                                                     \
    X(mixed_cat, EDTYPE, "ag_cat: dtypes differ: operand 1 is f64 [2], operand 2 f32 [2]",                             \
      ag_cat(AG_LIST(D(2), F(2)), 0))                                                                                  \
    X(exp_of_integers, EDTYPE, "ag_exp: needs f32 or f64, got i64 [2,3]", ag_exp(I(2, 3)))                             \
    X(mean_of_integers, EDTYPE, "ag_mean: needs f32 or f64, got i64 [2,3]; ag_to converts", ag_mean(I(2, 3)))          \
    X(softmax_of_integers, EDTYPE, "ag_softmax: needs f32 or f64, got i64 [2,3]; ag_to converts",                      \
      ag_softmax(I(2, 3), 1))                                                                                          \
    X(half_an_integer, EDTYPE, "ag_add: the number 0.5 is no i64", ag_add(I(2, 3), 0.5))                               \
    X(condition, EDTYPE, "ag_where: the condition must be bool, got f64 [2]", ag_where(D(2), D(2), D(2)))              \
    X(leaky_relu_of_integers, EDTYPE, "ag_leaky_relu: needs f32 or f64, got i64 [2,3]; ag_to converts",                \
      ag_leaky_relu(I(2, 3), 0.1))                                                                                     \
    X(float_index, EDTYPE, "ag_take: the index is f64 [2]; it must be i64, i32 or u8", ag_take(D(2, 3), 0, D(2)))      \
    X(convert, EDTYPE, "ag_to: 7 is no dtype", ag_to(D(2, 3), (ag_dtype)7))                                            \
    X(param_of_integers, EDTYPE, "ag_param: needs f32 or f64, got i64 [2,3]", ag_param(AG_I64, 2, 3))                  \
    X(variable_of_integers, EDTYPE, "ag_variable: needs f32 or f64, got i64 [2,3]; ag_to converts",                    \
      ag_variable(I(2, 3)))                                                                                            \
    X(randn_of_integers, EDTYPE, "ag_randn: needs f32 or f64, got i64 [2]; ag_to converts", ag_randn(AG_I64, 2))       \
    X(pointer, EDTYPE, "ag_f64: f32 [2,3] is not f64", ag_f64(F(2, 3)))                                                \
    X(write_pointer, EDTYPE, "ag_f32_write: i64 [2,3] is not f32", ag_f32_write(I(2, 3)))                              \
    X(pointer_of_view, EINVAL, "ag_f64: [3,2] is not contiguous; ag_contiguous makes a copy",                          \
      ag_f64(ag_transpose(D(2, 3), 0, 1)))                                                                             \
    X(full, EINVAL, "ag_full: u8 cannot hold 300", ag_full(AG_U8, 300, 2, 3))                                          \
    X(unpack_f32, EDTYPE, "ag_unpack: scalars are f64, got f32 [2]", ag_scalar s[2]; ag_unpack(F(2), 2, s))            \
    X(index_add_dtypes, EDTYPE, "ag_index_add: f32 [2,3] is added to f64 [2,3]; both must be f32 or both f64",         \
      ag_index_add(D(2, 3), 0, I(2), F(2, 3)))                                                                         \
    X(integer_targets, EDTYPE, "ag_mse_loss: both must be f32 or both f64: f64 [2] and i64 [2]",                       \
      ag_mse_loss(D(2), I(2)))

#define VALUES(X)                                                                                                      \
    X(norm_eps, EINVAL, "ag_layer_norm: .eps is NaN, for [2,3]", ag_layer_norm(D(2, 3), 1, .eps = NAN))               \
    X(rms_bias, EINVAL, "ag_rms_norm: .bias is an option of ag_layer_norm", ag_rms_norm(D(2, 3), 1, .bias = D(3)))     \
    X(embedding_beyond, EINVAL, "ag_embedding: index 5 at position 0 is none of the rows of weight [5,2]",             \
      ag_embedding(D(5, 2), index_of(5)))                                                                              \
    X(embedding_negative, EINVAL, "ag_embedding: index -1 at position 0 is none of the rows of weight [5,2]",          \
      ag_embedding(D(5, 2), index_of(-1)))                                                                             \
    X(embedding_padding, EINVAL, "ag_embedding: .padding 5 is none of the rows of weight [5,2]",                       \
      ag_embedding(D(5, 2), I(3), .padding = &five))                                                                   \
    X(attention_dropout, EINVAL, "ag_attention: .dropout 1 is not in [0, 1)",                                          \
      ag_attention(D(3, 2), D(4, 2), D(4, 2), .dropout = 1))                                                           \
    X(clamp, EINVAL, "ag_clamp: a bound is NaN", ag_clamp(D(2, 3), (double)NAN, 1))                                    \
    X(softplus, EINVAL, "ag_softplus_beta: beta is 0", ag_softplus_beta(D(2, 3), 0, 20))                               \
    X(smoothing, EINVAL, "ag_cross_entropy: .label_smoothing 1.5 is not in [0, 1]",                                    \
      ag_cross_entropy(D(2, 5), I(2), .label_smoothing = 1.5))                                                         \
    X(reduction, EINVAL, "ag_mse_loss: .reduction 7 is none of AG_MEAN, AG_SUM, AG_NONE",                              \
      ag_mse_loss(D(2, 3), D(2, 3), .reduction = (ag_reduction)7))                                                     \
    X(arange, EINVAL, "ag_arange: step 0 does not lead from 0 to 5", ag_arange(AG_F64, 0, 5, 0))                       \
    X(linspace, EINVAL, "ag_linspace: -1 elements", ag_linspace(AG_F64, 0, 1, -1))                                     \
    X(eye, ESHAPE, "ag_eye: negative size in [-2,-2]", ag_eye(AG_F64, -2))                                             \
    X(randint, EINVAL, "ag_randint: no integers in [0, 0)", ag_randint(0, 2, 3))                                       \
    X(bernoulli, EINVAL, "ag_bernoulli: probability 1.5 is not in [0, 1]", ag_bernoulli(1.5, 2, 3))                    \
    X(randperm, ESHAPE, "ag_randperm: negative size in [-3]", ag_randperm(-3))                                         \
    X(wrap, ENULL, "ag_wrap: the data of 3 elements is NULL", ag_wrap((const double *)NULL, 3))                        \
    X(copy, ESHAPE, "ag_copy: negative size in [-3]", ag_copy(numbers, -3))                                            \
    X(empty_list, EINVAL, "ag_cat: 0 tensors given; it takes 1 to 65535", ag_cat((ag_list){ NULL, 0 }, 0))             \
    X(memory_limit, ENOMEM, "tensor data: 8388608 bytes more would pass the tape's memory limit of 1000000",           \
      (void)ag_tape_new(.memory_limit = 1000000); D(1024, 1024))                                                       \
    X(order, EINVAL, "ag_gradcheck: order 3 is neither 1 nor 2",                                                       \
      ag_gradcheck(returns_first, AG_LIST(D(2)), .order = 3))                                                          \
    X(gives_up, EUSER, "ag_gradcheck: the function gave up: it returned NULL",                                         \
      ag_gradcheck(returns_null, AG_LIST(D(2))))                                                                       \
    X(nothing_to_check, EDTYPE, "ag_gradcheck: input 0 is f32; differences need f64",                                  \
      ag_gradcheck(returns_first, AG_LIST(F(2))))                                                                      \
    X(own_op_nameless, EINVAL, "ag_apply: an operation without name: has no shape rule or no forward",                 \
      ag_apply(&nameless, NULL, D(2, 3)))                                                                              \
    X(own_op_unfinished, EINVAL, "unfinished: has no shape rule or no forward", ag_apply(&unfinished, NULL, D(2, 3)))  \
    X(own_op_inputs, EINVAL, "opaque: takes 1 inputs, got 2", ag_apply(&no_rule, NULL, D(2, 3), D(2, 3)))

#define HANDLES(X)                                                                                                     \
    X(null_norm, ENULL, "ag_layer_norm: operand 1 is NULL", ag_layer_norm(NONE, 1))                                    \
    X(null_rows, ENULL, "ag_embedding: the index is NULL", ag_embedding(D(5, 2), NULL))                                \
    X(null_keys, ENULL, "ag_attention: operand 2 is NULL", ag_attention(D(3, 2), NONE, D(4, 2)))                       \
    X(stale_weight, ESTALE, "ag_layer_norm: operand 2 was released by a reset of its tape",                            \
      ag_tensor *w = stale_tensor(); ag_layer_norm(D(2, 3), 1, .weight = w))                                           \
    X(null_operand, ENULL, "ag_mul: operand 2 is NULL", ag_mul(D(2, 3), NONE))                                         \
    X(null_unary, ENULL, "ag_exp: operand 1 is NULL", ag_exp(NONE))                                                    \
    X(null_view, ENULL, "ag_reshape: operand 1 is NULL", ag_reshape(NONE, 2, 3))                                       \
    X(null_reduction, ENULL, "ag_sum: operand 1 is NULL", ag_sum(NONE))                                                \
    X(null_in_list, ENULL, "ag_cat: tensor 2 is NULL", ag_cat(AG_LIST(D(2), NONE), 0))                                 \
    X(null_index, ENULL, "ag_gather: the index is NULL", ag_gather(D(2, 3), 0, NULL))                                  \
    X(null_target, ENULL, "ag_cross_entropy: operand 2 is NULL", ag_cross_entropy(D(2, 5), NULL))                      \
    X(null_backward, ENULL, "ag_backward: operand 1 is NULL", ag_backward(NONE))                                       \
    X(null_looked_at, ENULL, "ag_numel: operand 1 is NULL", ag_numel(NULL))                                            \
    X(null_tape, ENULL, "ag_tape_rewind: the tape is NULL", ag_tape_rewind(NULL, (ag_mark){ 0 }))                      \
    X(stale_operand, ESTALE, "ag_add: operand 1 was released by a reset of its tape", ag_add(stale_tensor(), 1.0))     \
    X(stale_second, ESTALE, "ag_matmul: operand 2 was released by a reset of its tape",                                \
      ag_tensor *x = stale_tensor(); ag_matmul(D(2, 2), x))                                                            \
    X(stale_view, ESTALE, "ag_transpose: operand 1 was released by a reset of its tape",                               \
      ag_transpose(stale_tensor(), 0, 1))                                                                              \
    X(stale_read, ESTALE, "ag_read: operand 1 was released by a reset of its tape",                                    \
      ag_read(stale_tensor(), room, 3))                                                                                \
    X(stale_written, ESTALE, "ag_fill: operand 1 was released by a reset of its tape", ag_fill(stale_tensor(), 1))     \
    X(stale_backward, ESTALE, "ag_backward: operand 1 was released by a reset of its tape",                            \
      ag_backward(stale_tensor()))                                                                                     \
    X(stale_scalar, ESTALE, "ag_mul: operand 1 was recorded before a reset of its tape (stale)",                       \
      ag_mul(stale_scalar(), 3.0))                                                                                     \
    X(stale_scalar_grad, ESTALE, "ag_grad: the scalar was recorded before a reset of its tape (stale)",                \
      ag_scalar x = stale_scalar(); ag_grad(ag_square(ag_input(1)), x))                                                \
    X(stale_mark, ESTALE, "ag_tape_rewind: the mark was set before a reset, or after a place rewound to since",        \
      ag_tape *t = ag_tape_current(); ag_mark m = ag_tape_mark(t); ag_tape_reset(t); ag_tape_rewind(t, m))             \
    X(foreign_operand, ETAPE, "ag_neg: operand 1 belongs to another tape than the current one",                        \
      ag_neg(foreign_tensor()))                                                                                        \
    X(foreign_scalar, ESTALE, "ag_exp: operand 1 belongs to another tape", ag_exp(foreign_scalar()))                   \
    X(foreign_packed, ESTALE, "ag_pack: operand 1 belongs to another tape",                                            \
      ag_scalar x = foreign_scalar(); ag_pack(1, &x))                                                                  \
    X(no_tape, ETAPE, "ag_zeros: no tape is current; make one with ag_tape_new", ag_tape_use(NULL); D(2, 3))           \
    X(no_tape_operation, ETAPE, "ag_exp: no tape is current; make one with ag_tape_new",                               \
      ag_tensor *w = ag_new(AG_F64, 2, 3); ag_tape_use(NULL); ag_exp(w); ag_free(w))                                   \
    X(no_tape_scalar, ETAPE, "ag_input: no tape is current", ag_tape_use(NULL); ag_input(1))                           \
    X(free_temporary, EINVAL, "ag_free: the temporary [2,3] belongs to its tape", ag_free(D(2, 3)))                    \
    X(retain_temporary, EINVAL, "ag_retain: the temporary [2,3] belongs to its tape", ag_retain(D(2, 3)))              \
    X(freeze_temporary, EINVAL, "ag_freeze: the temporary [2,3] belongs to its tape", ag_freeze(D(2, 3), true))        \
    X(null_packed, ENULL, "ag_pack: the array of 2 scalars is NULL", ag_pack(2, NULL))

#define DERIVATIVES(X)                                                                                                 \
    X(backward_of_many, ESHAPE, "ag_backward: the result [2,3] must hold one number, or pass .seed",                   \
      ag_backward(ag_square(V(2, 3))))                                                                                 \
    X(backward_of_nothing, EGRAPH,                                                                                     \
      "ag_backward: the result [] does not depend on anything that requires a gradient", ag_backward(ag_sum(D(2, 3)))) \
    X(backward_of_constant, EGRAPH, "ag_backward: the result 2 is a constant: it does not depend on any input",        \
      ag_backward(ag_const(2)))                                                                                        \
    X(seed, ESHAPE, "ag_backward: .seed is f64 [3], the result f64 [2,3]",                                             \
      ag_backward(ag_square(V(2, 3)), .seed = D(3)))                                                                   \
    X(into_intermediate, EINVAL, "ag_backward: .into: y [2,3] is no leaf that collects a gradient",                    \
      ag_tensor *y = ag_square(V(2, 3)); ag_backward(ag_sum(y), .into = AG_PARAMS({ "y", y })))                        \
    X(second_walk, ESAVED,                                                                                             \
      "ag_backward passed ag_sum [] before and gave back what it needs; the first time say .retain = true",         \
      ag_backward(spent()))                                                                                            \
    X(overwritten, ESAVED, "input 1 [2,3] of ag_square was overwritten after it was used and before its derivative",   \
      ag_backward(overwritten()))                                                                                      \
    X(result_overwritten, ESAVED, "the result [2,3] of ag_exp was overwritten before its derivative",                  \
      ag_backward(result_overwritten()))                                                                               \
    X(grad_of_many, ESHAPE, "ag_grad: y [2,3] must hold one number; ag_vjp takes any shape",                           \
      ag_tensor *x = V(2, 3); ag_grad(ag_square(x), x))                                                                \
    X(grads_without_place, ENULL, "ag_grads: a list is NULL",                                                          \
      ag_tensor *x = V(2, 3); ag_grads(ag_sum(x), AG_LIST(x), NULL))                                                   \
    X(vjp_shape, ESHAPE, "ag_vjp: u is f64 [3], y f64 [2,3]",                                                          \
      ag_tensor *x = V(2, 3); ag_vjp(ag_square(x), x, D(3)))                                                           \
    X(jvp_shape, ESHAPE, "ag_jvp: v is f64 [3], x f64 [2,3]",                                                          \
      ag_tensor *x = V(2, 3); ag_jvp(ag_square(x), x, D(3)))                                                           \
    X(grad_of_temporary, EINVAL,                                                                                       \
      "ag_grad_of: [2,3] is a temporary, gradients are collected in leaves; ask ag_grad for it", ag_grad_of(D(2, 3)))  \
    X(hook_without_function, ENULL, "ag_hook: the function is NULL", ag_hook(V(2, 3), NULL, NULL))                     \
    X(second_of_statement, ENODIFF, "ags_statement: a statement of one's own has a first derivative only",             \
      ag_scalar x = ag_input(2); ag_scalar y = ags_statement(4, 1, &x, &(double){ 4 }); ag_grad(ag_grad(y, x), x))     \
    X(second_of_first_order, ENODIFF,                                                                                  \
      "ag_grad: this tape keeps no values (first_order), so that its gradients are numbers only",                      \
      (void)ag_tape_new(.first_order = true); ag_scalar x = ag_input(2); ag_grad(ag_exp(ag_mul(x, x)), x))
// clang-format on

#define ALL(X) SHAPES(X) AXES(X) DTYPES(X) VALUES(X) HANDLES(X) DERIVATIVES(X)
MISUSE_TABLE(ALL)

static void test_each_misuse_has_its_message(void **state)
{
    (void)state;
    MISUSE_CHECK();
}

/* An expression carries on quietly after its first error, and the last call tells it. */
static void test_first_error_wins(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_tensor *y = ag_sum(ag_exp(ag_matmul(D(2, 3), D(2, 3))));
    assert_null(y);
    assert_null(ag_add(D(2, 3), F(3)));
    assert_int_equal(ag_backward(y), AG_ESHAPE);
    assert_string_equal(ag_errmsg(), "ag_matmul: inner sizes differ: [2,3] and [2,3]");
    assert_int_equal(ag_tape_reset(tape), AG_ESHAPE);
    assert_int_equal(ag_error(), AG_OK);
    assert_string_equal(ag_errmsg(), "ag_matmul: inner sizes differ: [2,3] and [2,3]");
    assert_true(misuse_still_works());
    ag_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_misuse_has_its_message),
                                        cmocka_unit_test(test_first_error_wins) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
