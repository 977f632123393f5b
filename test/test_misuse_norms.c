/* test_misuse_norms.c - what can be wrong with normalisation, images, sparse products. */
#include <autograd/autograd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <cmocka.h>

#include <test/misuse.h>

// clang-format off
#define NORMS(X)                                                                                                       \
    X(batch_rank, ESHAPE, "ag_batch_norm: [3] has no axis 1, that of the channels",                                    \
      ag_batch_norm(D(3), .training = true))                                                                           \
    X(batch_0d, ESHAPE, "ag_batch_norm: [] has no axis 1, that of the channels", ag_batch_norm(D0, .training = true))  \
    X(batch_dtype, EDTYPE, "ag_batch_norm: needs f32 or f64, got i64 [2,3]; ag_to converts",                           \
      ag_batch_norm(I(2, 3), .training = true))                                                                        \
    X(batch_weight, ESHAPE, "ag_batch_norm: .weight f64 [2] does not fit the 3 channels of f64 [2,3]",                 \
      ag_batch_norm(D(2, 3), .training = true, .weight = D(2)))                                                        \
    X(batch_bias, ESHAPE, "ag_batch_norm: .bias f64 [3,1] does not fit the 3 channels of f64 [2,3]",                   \
      ag_batch_norm(D(2, 3), .training = true, .bias = D(3, 1)))                                                       \
    X(batch_mean, ESHAPE, "ag_batch_norm: .running_mean f32 [3] does not fit the 3 channels of f64 [2,3]",             \
      ag_batch_norm(D(2, 3), .training = true, .running_mean = F(3)))                                                  \
    X(batch_var, ESHAPE, "ag_batch_norm: .running_var f64 [2] does not fit the 3 channels of f64 [2,3]",               \
      ag_batch_norm(D(2, 3), .running_mean = D(3), .running_var = D(2)))                                               \
    X(batch_no_statistics, ENULL,                                                                                      \
      "ag_batch_norm: without statistics of [2,3] it needs .running_mean and .running_var",                            \
      ag_batch_norm(D(2, 3), .running_mean = D(3)))                                                                    \
    X(batch_one_value, ESHAPE, "ag_batch_norm: one value per channel, in [1,3], has no deviation",                     \
      ag_batch_norm(D(1, 3), .training = true))                                                                        \
    X(batch_option, EINVAL, "ag_batch_norm: .use_running_stats is an option of ag_instance_norm",                      \
      ag_batch_norm(D(2, 3), .use_running_stats = true))                                                               \
    X(instance_rank, ESHAPE, "ag_instance_norm: [3] has no axis 1, that of the channels", ag_instance_norm(D(3)))      \
    X(instance_one_value, ESHAPE, "ag_instance_norm: one value per channel, in [2,3], has no deviation",               \
      ag_instance_norm(D(2, 3)))                                                                                       \
    X(instance_weight, ESHAPE, "ag_instance_norm: .weight f64 [4] does not fit the 3 channels of f64 [2,3,4]",         \
      ag_instance_norm(D(2, 3, 4), .weight = D(4)))                                                                    \
    X(instance_no_statistics, ENULL,                                                                                   \
      "ag_instance_norm: without statistics of [2,3,4] it needs .running_mean and .running_var",                       \
      ag_instance_norm(D(2, 3, 4), .use_running_stats = true))                                                         \
    X(instance_option, EINVAL, "ag_instance_norm: .training is an option of ag_batch_norm",                            \
      ag_instance_norm(D(2, 3, 4), .training = true))                                                                  \
    X(group_rank, ESHAPE, "ag_group_norm: [3] has no axis 1, that of the channels", ag_group_norm(D(3), 1))            \
    X(group_groups, EINVAL, "ag_group_norm: the channels of [2,4] in 3 groups", ag_group_norm(D(2, 4), 3))             \
    X(group_none, EINVAL, "ag_group_norm: the channels of [2,4] in 0 groups", ag_group_norm(D(2, 4), 0))               \
    X(group_bias, ESHAPE, "ag_group_norm: .bias f64 [2] does not fit the 4 channels of f64 [2,4]",                     \
      ag_group_norm(D(2, 4), 2, .bias = D(2)))                                                                         \
    X(group_dtype, EDTYPE, "ag_group_norm: needs f32 or f64, got i64 [2,4]; ag_to converts",                           \
      ag_group_norm(I(2, 4), 2))                                                                                       \
    X(response_rank, ESHAPE, "ag_local_response_norm: [2,3] is not [n, channels, ...] with 3 axes or more",            \
      ag_local_response_norm(D(2, 3), 2))                                                                              \
    X(response_size, EINVAL, "ag_local_response_norm: 0 neighbouring channels of [2,3,4]",                             \
      ag_local_response_norm(D(2, 3, 4), 0))                                                                           \
    X(response_dtype, EDTYPE, "ag_local_response_norm: needs f32 or f64, got i64 [2,3,4]; ag_to converts",             \
      ag_local_response_norm(I(2, 3, 4), 1))

#define VECTORS(X)                                                                                                     \
    X(normalize_axis, EINVAL, "ag_normalize: axis 1 of [3]", ag_normalize(D(3)))                                       \
    X(normalize_axes, EINVAL, "ag_normalize: axis -1 of [2,3] is given twice",                                         \
      ag_normalize(D(2, 3), .axes = AG_AXES(1, -1)))                                                                   \
    X(normalize_p, EINVAL, "ag_normalize: .p nan, .eps 1e-12 of [2,3]", ag_normalize(D(2, 3), .p = NAN))               \
    X(normalize_dtype, EDTYPE, "ag_normalize: needs f32 or f64, got i64 [2,3]; ag_to converts",                        \
      ag_normalize(I(2, 3)))                                                                                           \
    X(cosine_shapes, ESHAPE, "ag_cosine_similarity: shapes do not broadcast: [2,3] and [2,4]",                         \
      ag_cosine_similarity(D(2, 3), D(2, 4), 1))                                                                       \
    X(cosine_axis, EINVAL, "ag_cosine_similarity: axis 2 of [2,3]", ag_cosine_similarity(D(2, 3), D(3), 2))            \
    X(cosine_dtype, EDTYPE, "ag_cosine_similarity: dtypes differ: f64 [3] and f32 [3]",                                \
      ag_cosine_similarity(D(3), F(3), 0))                                                                             \
    X(cosine_null, ENULL, "ag_cosine_similarity: operand 2 is NULL", ag_cosine_similarity(D(3), NONE, 0))

#define IMAGES(X)                                                                                                      \
    X(interpolate_rank, ESHAPE, "ag_interpolate: [2,3] has no axis behind [n, channels]",                              \
      ag_interpolate(D(2, 3), .sizes = AG_SIZES(2)))                                                                   \
    X(interpolate_huge, ENOMEM, "ag_interpolate: [1,2,3] to 4611686018427387904 along axis 2 is too large", \
      ag_interpolate(D(1, 2, 3), .sizes = AG_SIZES((int64_t)1 << 62))) \
    X(interpolate_none, EINVAL, "ag_interpolate: 0 .sizes and 0 .scale_factor for [1,2,3]: one of the two, for all 1 " \
      "axes or for each", ag_interpolate(D(1, 2, 3)))                                                                  \
    X(interpolate_both, EINVAL, "ag_interpolate: 1 .sizes and 1 .scale_factor for [1,2,3]: one of the two, for all 1 " \
      "axes or for each", ag_interpolate(D(1, 2, 3), .sizes = AG_SIZES(2), .scale_factor = AG_FACTORS(2)))             \
    X(interpolate_many, EINVAL, "ag_interpolate: 3 .sizes and 0 .scale_factor for [1,2,3,4]: one of the two, for all " \
      "2 axes or for each", ag_interpolate(D(1, 2, 3, 4), .sizes = AG_SIZES(2, 2, 2)))                                 \
    X(interpolate_size, ESHAPE, "ag_interpolate: axis 2 of [1,2,3] from 3 to 0 elements",                              \
      ag_interpolate(D(1, 2, 3), .sizes = AG_SIZES(0)))                                                                \
    X(interpolate_empty, ESHAPE, "ag_interpolate: axis 3 of [1,2,3,0] from 0 to 2 elements",                           \
      ag_interpolate(D(1, 2, 3, 0), .sizes = AG_SIZES(2)))                                                             \
    X(interpolate_small, ESHAPE, "ag_interpolate: axis 2 of [1,2,3] from 3 to 0 elements",                             \
      ag_interpolate(D(1, 2, 3), .scale_factor = AG_FACTORS(0.3)))                                                     \
    X(interpolate_factor, EINVAL, "ag_interpolate: .scale_factor -1 for axis 2 of [1,2,3]",                            \
      ag_interpolate(D(1, 2, 3), .scale_factor = AG_FACTORS(-1)))                                                      \
    X(interpolate_recompute, EINVAL, "ag_interpolate: .recompute_scale_factor of [1,2,3] by .sizes",                   \
      ag_interpolate(D(1, 2, 3), .sizes = AG_SIZES(2), .recompute_scale_factor = true))                                \
    X(interpolate_aligned, EINVAL,                                                                                     \
      "ag_interpolate: .align_corners and .antialias of [1,2,3] are for linear and cubic",                             \
      ag_interpolate(D(1, 2, 3), .sizes = AG_SIZES(2), .align_corners = true))                                         \
    X(interpolate_mode, EINVAL, "ag_interpolate: mode 9 of [1,2,3]",                                                   \
      ag_interpolate(D(1, 2, 3), .sizes = AG_SIZES(2), .mode = (ag_interpolate_mode)9))                                \
    X(interpolate_dtype, EDTYPE, "ag_interpolate: needs f32 or f64, got i64 [1,2,3]; ag_to converts",                  \
      ag_interpolate(I(1, 2, 3), .sizes = AG_SIZES(2)))                                                                \
    X(grid_shape, ESHAPE, "ag_grid_sample: [1,2,3,4] and grid [1,2,2,3] do not fit: [n, c, h, w] and [n, .., .., 2], " \
      "or [n, c, d, h, w] and [n, .., .., .., 3]", ag_grid_sample(D(1, 2, 3, 4), D(1, 2, 2, 3)))                       \
    X(grid_batch, ESHAPE, "ag_grid_sample: [1,2,3,4] and grid [2,2,2,2] do not fit: [n, c, h, w] and [n, .., .., 2], " \
      "or [n, c, d, h, w] and [n, .., .., .., 3]", ag_grid_sample(D(1, 2, 3, 4), D(2, 2, 2, 2)))                       \
    X(grid_dtype, EDTYPE, "ag_grid_sample: dtypes differ: f64 [1,2,3,4] and grid f32 [1,2,2,2]",                       \
      ag_grid_sample(D(1, 2, 3, 4), F(1, 2, 2, 2)))                                                                    \
    X(grid_null, ENULL, "ag_grid_sample: the grid is NULL", ag_grid_sample(D(1, 2, 3, 4), NONE))                       \
    X(grid_mode, EINVAL, "ag_grid_sample: mode 3, padding 0 for [1,2,3,4]",                                            \
      ag_grid_sample(D(1, 2, 3, 4), D(1, 2, 2, 2), .mode = (ag_grid_mode)3))                                           \
    X(affine_shape, ESHAPE, "ag_affine_grid: [1,2,4] and sizes [1,1,2,2] do not fit: [n, 2, 3] and n, c, h, w or "     \
      "[n, 3, 4] and n, c, d, h, w", ag_affine_grid(D(1, 2, 4), AG_SIZES(1, 1, 2, 2), false))                          \
    X(affine_sizes, ESHAPE, "ag_affine_grid: [1,2,3] and sizes [1,1,0,2] do not fit: [n, 2, 3] and n, c, h, w or "     \
      "[n, 3, 4] and n, c, d, h, w", ag_affine_grid(D(1, 2, 3), AG_SIZES(1, 1, 0, 2), false))                          \
    X(affine_dtype, EDTYPE, "ag_affine_grid: needs f32 or f64, got i64 [1,2,3]; ag_to converts",                       \
      ag_affine_grid(I(1, 2, 3), AG_SIZES(1, 1, 2, 2), false))                                                         \
    X(shuffle_groups, ESHAPE, "ag_channel_shuffle: 3 groups of the channels of [1,4,2], [n, channels, ..]",            \
      ag_channel_shuffle(D(1, 4, 2), 3))                                                                               \
    X(shuffle_none, ESHAPE, "ag_channel_shuffle: 0 groups of the channels of [1,4,2], [n, channels, ..]",              \
      ag_channel_shuffle(D(1, 4, 2), 0))                                                                               \
    X(shuffle_rank, ESHAPE, "ag_channel_shuffle: 2 groups of the channels of [1,4], [n, channels, ..]",                \
      ag_channel_shuffle(D(1, 4), 2))

#define OTHERS(X)                                                                                                      \
    X(rope_rank, ESHAPE, "ag_rope: [4] is not [.., n, width]", ag_rope(D(4)))                                          \
    X(rope_odd, EINVAL, "ag_rope: 3 numbers of each row of [2,3]: it takes pairs", ag_rope(D(2, 3)))                   \
    X(rope_wide, EINVAL, "ag_rope: 6 numbers of each row of [2,4]: it takes pairs", ag_rope(D(2, 4), .width = 6))      \
    X(rope_base, EINVAL, "ag_rope: .base -1 for [2,4]", ag_rope(D(2, 4), .base = -1))                                  \
    X(rope_positions, ESHAPE, "ag_rope: .positions i64 [3] are not 2 integers, one for each row of [2,4]",             \
      ag_rope(D(2, 4), .positions = I(3)))                                                                             \
    X(rope_positions_dtype, ESHAPE, "ag_rope: .positions f64 [2] are not 2 integers, one for each row of [2,4]",       \
      ag_rope(D(2, 4), .positions = D(2)))                                                                             \
    X(sparse_null, ENULL, "ag_sparse_mm: values is NULL", ag_sparse_mm(I(3), I(2), NONE, D(2, 2)))                     \
    X(sparse_index, EDTYPE, "ag_sparse_mm: col f64 [2] is no vector of integers",                                      \
      ag_sparse_mm(I(3), D(2), D(2), D(2, 2)))                                                                         \
    X(sparse_dtype, EDTYPE, "ag_sparse_mm: values f64 [2] and dense f32 [2,2]: both f32 or both f64",                  \
      ag_sparse_mm(I(3), I(2), D(2), F(2, 2)))                                                                         \
    X(sparse_shape, ESHAPE, "ag_sparse_mm: crow [3], col [2], values [3] and dense [2,2] do not fit: [m+1], [nnz], "   \
      "[nnz] and [n,k] or [n]", ag_sparse_mm(I(3), I(2), D(3), D(2, 2)))                                               \
    X(sparse_crow, EINVAL, "ag_sparse_mm: crow [3] does not grow from 0 to the 2 entries",                             \
      ag_sparse_mm(I(3), I(2), D(2), D(2, 2)))                                                                         \
    X(sparse_back, EINVAL, "ag_sparse_mm: crow [4] does not grow from 0 to the 2 entries",                             \
      ag_sparse_mm(ag_copy(((const int64_t[]){ 0, 2, 1, 2 }), 4), I(2), D(2), D(2, 2)))                                \
    X(sparse_col, EINVAL, "ag_sparse_mm: column 2 of entry 1 is none of the rows of dense [2,2]",                      \
      ag_sparse_mm(ag_copy(((const int64_t[]){ 0, 2 }), 2), ag_copy(((const int64_t[]){ 1, 2 }), 2), D(2), D(2, 2)))   \
    X(dropout1d_rank, ESHAPE, "ag_dropout1d: [2] has not 2 to 3 axes", ag_dropout1d(D(2), 0.5))                        \
    X(dropout1d_p, EINVAL, "ag_dropout1d: probability 1 is not in [0, 1)", ag_dropout1d(D(2, 3), 1))                   \
    X(dropout1d_dtype, EDTYPE, "ag_dropout1d: needs f32 or f64, got i64 [2,3]; ag_to converts",                        \
      ag_dropout1d(I(2, 3), 0.5))                                                                                      \
    X(dropout2d_rank, ESHAPE, "ag_dropout2d: [2] has not 2 to 4 axes", ag_dropout2d(D(2), 0.5))                        \
    X(dropout2d_p, EINVAL, "ag_dropout2d: probability -1 is not in [0, 1)", ag_dropout2d(D(2, 3), -1))                 \
    X(dropout2d_null, ENULL, "ag_dropout2d: operand 1 is NULL", ag_dropout2d(NONE, 0.5))                               \
    X(dropout3d_rank, ESHAPE, "ag_dropout3d: [2,3] has not 4 to 5 axes", ag_dropout3d(D(2, 3), 0.5))                   \
    X(dropout3d_p, EINVAL, "ag_dropout3d: probability 2 is not in [0, 1)", ag_dropout3d(D(1, 2, 3, 4), 2))             \
    X(dropout3d_null, ENULL, "ag_dropout3d: operand 1 is NULL", ag_dropout3d(NONE, 0.5))                               \
    X(alpha_dropout_p, EINVAL, "ag_alpha_dropout: probability 1 is not in [0, 1)", ag_alpha_dropout(D(2), 1))          \
    X(alpha_dropout_dtype, EDTYPE, "ag_alpha_dropout: needs f32 or f64, got i64 [2]; ag_to converts",                  \
      ag_alpha_dropout(I(2), 0.5))                                                                                     \
    X(alpha_dropout_null, ENULL, "ag_alpha_dropout: operand 1 is NULL", ag_alpha_dropout(NONE, 0.5))                   \
    X(feature_alpha_rank, ESHAPE, "ag_feature_alpha_dropout: [2] has not 2 to 8 axes",                                 \
      ag_feature_alpha_dropout(D(2), 0.5))                                                                             \
    X(feature_alpha_p, EINVAL, "ag_feature_alpha_dropout: probability nan is not in [0, 1)",                           \
      ag_feature_alpha_dropout(D(2, 2), NAN))                                                                          \
    X(feature_alpha_dtype, EDTYPE, "ag_feature_alpha_dropout: needs f32 or f64, got i64 [2,2]; ag_to converts",        \
      ag_feature_alpha_dropout(I(2, 2), 0.5))

#define ALL(X) NORMS(X) VECTORS(X) IMAGES(X) OTHERS(X)
// clang-format on
MISUSE_TABLE(ALL)

static void each_is_told(void **state)
{
    (void)state;
    MISUSE_CHECK();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_is_told) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
