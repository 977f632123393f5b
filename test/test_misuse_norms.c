/* test_misuse_norms.c - what can be wrong with normalisation. */
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

#define ALL(X) NORMS(X) VECTORS(X)
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
