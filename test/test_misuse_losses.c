/* test_misuse_losses.c - what can be wrong with losses and with random numbers of given parameters. */
#include <autograd/autograd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <test/misuse.h>

// clang-format off
/* Input and target broadcast. */
#define PAIR(X, f)                                                                                                     \
    X(f##_shape, ESHAPE, "ag_" #f ": shapes do not broadcast: [2,3] and [4]", ag_##f(D(2, 3), D(4)))                   \
    X(f##_dtype, EDTYPE, "ag_" #f ": dtypes differ: f64 [2] and f32 [2]", ag_##f(D(2), F(2)))                          \
    X(f##_whole, EDTYPE, "ag_" #f ": needs f32 or f64, got i64 [2]; ag_to converts", ag_##f(I(2), I(2)))               \
    X(f##_first, ENULL, "ag_" #f ": operand 1 is NULL", ag_##f(NONE, D(2)))                                            \
    X(f##_second, ENULL, "ag_" #f ": operand 2 is NULL", ag_##f(D(2), NONE))
#define REDUCTION(X, f, ...)                                                                                           \
    X(f##_reduction, EINVAL, "ag_" #f ": .reduction 9 is none of AG_MEAN, AG_SUM, AG_NONE",                            \
      ag_##f(__VA_ARGS__, .reduction = (ag_reduction)9))                                                               \
    X(f##_option, EINVAL, "ag_" #f ": .delta is an option of other losses", ag_##f(__VA_ARGS__, .delta = 2))
#define PAIRS(X) PAIR(X, smooth_l1_loss) PAIR(X, kl_div) PAIR(X, poisson_nll_loss) PAIR(X, soft_margin_loss)           \
    PAIR(X, sigmoid_focal_loss) PAIR(X, uniform) PAIR(X, normal) PAIR(X, laplace) PAIR(X, gumbel)                      \
    REDUCTION(X, smooth_l1_loss, D(2), D(2)) REDUCTION(X, kl_div, D(2), D(2))                                          \
    REDUCTION(X, poisson_nll_loss, D(2), D(2)) REDUCTION(X, soft_margin_loss, D(2), D(2))                              \
    REDUCTION(X, sigmoid_focal_loss, D(2), D(2)) REDUCTION(X, dice_loss, D(2, 3), D(2, 3))                             \
    REDUCTION(X, gaussian_nll_loss, D(2), D(2), D(2)) REDUCTION(X, hinge_embedding_loss, D(2), D(2))                   \
    REDUCTION(X, margin_ranking_loss, D(2), D(2), D(2)) REDUCTION(X, cosine_embedding_loss, D(2, 3), D(2, 3), D(2))    \
    REDUCTION(X, triplet_margin_loss, D(2), D(2), D(2)) REDUCTION(X, multi_margin_loss, D(2), I(1))                    \
    REDUCTION(X, multilabel_margin_loss, D(2), I(2)) REDUCTION(X, multilabel_soft_margin_loss, D(2), D(2))             \
    REDUCTION(X, binary_cross_entropy, D(2), D(2)) REDUCTION(X, ctc_loss, D(3, 2, 4), I(2, 1), I(2), I(2))

#define LIKELIHOODS(X)                                                                                                 \
    X(smooth_l1_beta, EINVAL, "ag_smooth_l1_loss: .beta -1 is negative", ag_smooth_l1_loss(D(2), D(2), .beta = -1))    \
    X(batchmean, EINVAL, "ag_mse_loss: .reduction 3 is none of AG_MEAN, AG_SUM, AG_NONE",                              \
      ag_mse_loss(D(2), D(2), .reduction = AG_BATCHMEAN))                                                              \
    X(entropy_shape, ESHAPE, "ag_binary_cross_entropy: shapes differ: [2,3] and [3]",                                  \
      ag_binary_cross_entropy(D(2, 3), D(3)))                                                                          \
    X(entropy_dtype, EDTYPE, "ag_binary_cross_entropy: both must be f32 or both f64: f64 [2] and i64 [2]",             \
      ag_binary_cross_entropy(D(2), I(2)))                                                                             \
    X(entropy_weight, ESHAPE, "ag_binary_cross_entropy: .weight f64 [3] does not broadcast to the input f64 [2]",      \
      ag_binary_cross_entropy(D(2), D(2), .weight = D(3)))                                                             \
    X(entropy_value, EINVAL, "ag_binary_cross_entropy: 1.5 at position 1 of [2] is no probability",                    \
      ag_binary_cross_entropy(ag_linspace(AG_F64, 0, 1.5, 2), D(2)))                                                   \
    X(entropy_null, ENULL, "ag_binary_cross_entropy: the target is NULL", ag_binary_cross_entropy(D(2), NONE))         \
    X(gauss_shape, ESHAPE, "ag_gaussian_nll_loss: shapes do not broadcast: [2,3] and [2]",                             \
      ag_gaussian_nll_loss(D(2, 3), D(2), D(2, 3)))                                                                    \
    X(gauss_variance, ESHAPE, "ag_gaussian_nll_loss: shapes do not broadcast: [2,3] and [4]",                          \
      ag_gaussian_nll_loss(D(2, 3), D(2, 3), D(4)))                                                                    \
    X(gauss_negative, EINVAL, "ag_gaussian_nll_loss: the variance [2] holds -1",                                       \
      ag_gaussian_nll_loss(D(2), D(2), ag_linspace(AG_F64, 1, -1, 2)))                                                 \
    X(gauss_null, ENULL, "ag_gaussian_nll_loss: the variance is NULL", ag_gaussian_nll_loss(D(2), D(2), NONE))         \
    X(gauss_dtype, EDTYPE, "ag_gaussian_nll_loss: dtypes differ: f64 [2] and f32 [2]",                                 \
      ag_gaussian_nll_loss(D(2), D(2), F(2)))                                                                          \
    X(labels_shape, ESHAPE, "ag_multilabel_soft_margin_loss: shapes differ: [2,3] and [3]",                            \
      ag_multilabel_soft_margin_loss(D(2, 3), D(3)))                                                                   \
    X(labels_0d, ESHAPE, "ag_multilabel_soft_margin_loss: logits [] have no axis of classes",                          \
      ag_multilabel_soft_margin_loss(D0, D0))                                                                          \
    X(labels_weight, ESHAPE, "ag_multilabel_soft_margin_loss: .weight f64 [2] does not broadcast to the input f64 [2,3]", \
      ag_multilabel_soft_margin_loss(D(2, 3), D(2, 3), .weight = D(2)))                                                \
    X(focal_alpha, EINVAL, "ag_sigmoid_focal_loss: .alpha 2 is above 1", ag_sigmoid_focal_loss(D(2), D(2), .alpha = 2)) \
    X(focal_gamma, EINVAL, "ag_sigmoid_focal_loss: .gamma -1 is negative",                                             \
      ag_sigmoid_focal_loss(D(2), D(2), .gamma = -1))                                                                  \
    X(dice_rank, ESHAPE, "ag_dice_loss: [3] and [3] are not [n, ...]", ag_dice_loss(D(3), D(3)))                       \
    X(dice_shape, ESHAPE, "ag_dice_loss: shapes do not broadcast: [2,3] and [2,4]", ag_dice_loss(D(2, 3), D(2, 4)))    \
    X(dice_eps, EINVAL, "ag_dice_loss: .eps -1 is negative", ag_dice_loss(D(2, 3), D(2, 3), .eps = -1))                \
    X(dice_dtype, EDTYPE, "ag_dice_loss: needs f32 or f64, got i64 [2,3]; ag_to converts", ag_dice_loss(I(2, 3), I(2, 3)))

#define MARGINS(X)                                                                                                     \
    X(hinge_shape, ESHAPE, "ag_hinge_embedding_loss: shapes do not broadcast: [2,3] and [4]",                          \
      ag_hinge_embedding_loss(D(2, 3), D(4)))                                                                          \
    X(hinge_dtype, EDTYPE, "ag_hinge_embedding_loss: needs f32 or f64, got i64 [2]; ag_to converts",                   \
      ag_hinge_embedding_loss(I(2), I(2)))                                                                             \
    X(hinge_null, ENULL, "ag_hinge_embedding_loss: operand 2 is NULL", ag_hinge_embedding_loss(D(2), NONE))            \
    X(ranking_shape, ESHAPE, "ag_margin_ranking_loss: shapes do not broadcast: [2,3] and [2]",                         \
      ag_margin_ranking_loss(D(2, 3), D(3), D(2)))                                                                     \
    X(ranking_dtype, EDTYPE, "ag_margin_ranking_loss: dtypes differ: f64 [2] and i64 [2]",                             \
      ag_margin_ranking_loss(D(2), D(2), I(2)))                                                                        \
    X(ranking_null, ENULL, "ag_margin_ranking_loss: operand 3 is NULL", ag_margin_ranking_loss(D(2), D(2), NONE))      \
    X(cosine_target, ESHAPE, "ag_cosine_embedding_loss: target [3] does not fit vectors [2,3]: one for each",          \
      ag_cosine_embedding_loss(D(2, 3), D(2, 3), D(3)))                                                                \
    X(cosine_0d, ESHAPE, "ag_cosine_embedding_loss: target [] does not fit vectors []: one for each",                  \
      ag_cosine_embedding_loss(D0, D0, D0))                                                                            \
    X(cosine_shape, ESHAPE, "ag_cosine_embedding_loss: shapes do not broadcast: [2,3] and [2,4]",                      \
      ag_cosine_embedding_loss(D(2, 3), D(2, 4), D(2)))                                                                \
    X(cosine_null, ENULL, "ag_cosine_embedding_loss: operand 3 is NULL", ag_cosine_embedding_loss(D(2), D(2), NONE))   \
    X(triplet_shape, ESHAPE, "ag_triplet_margin_loss: shapes do not broadcast: [2,3] and [2]",                         \
      ag_triplet_margin_loss(D(2, 3), D(3), D(2)))                                                                     \
    X(triplet_0d, ESHAPE, "ag_triplet_margin_loss: [], [] and [] hold no vectors", ag_triplet_margin_loss(D0, D0, D0)) \
    X(triplet_null, ENULL, "ag_triplet_margin_loss: operand 3 is NULL", ag_triplet_margin_loss(D(2), D(2), NONE))      \
    X(margins_power, EINVAL, "ag_multi_margin_loss: .p 3 is neither 1 nor 2", ag_multi_margin_loss(D(2, 3), I(2), .p = 3)) \
    X(margins_target, ESHAPE,                                                                                          \
      "ag_multi_margin_loss: target [3] does not fit scores [2,3]: one class for each row of [c] or [n, c]",           \
      ag_multi_margin_loss(D(2, 3), I(3)))                                                                             \
    X(margins_class, EINVAL, "ag_multi_margin_loss: target 3 at position 0 is no class of scores [2,3]",               \
      ag_multi_margin_loss(D(2, 3), ag_full(AG_I64, 3, 2)))                                                            \
    X(margins_dtype, EDTYPE, "ag_multi_margin_loss: the target is f64 [2]; classes are i64, i32 or u8",                \
      ag_multi_margin_loss(D(2, 3), D(2)))                                                                             \
    X(margins_weight, ESHAPE, "ag_multi_margin_loss: .weight f64 [2] does not fit scores f64 [2,3]: one for each class", \
      ag_multi_margin_loss(D(2, 3), I(2), .weight = D(2)))                                                             \
    X(lists_shape, ESHAPE,                                                                                             \
      "ag_multilabel_margin_loss: target [2] does not fit scores [2,3]: the same shape, [c] or [n, c]",                \
      ag_multilabel_margin_loss(D(2, 3), I(2)))                                                                        \
    X(lists_rank, ESHAPE,                                                                                              \
      "ag_multilabel_margin_loss: target [1,2,3] does not fit scores [1,2,3]: the same shape, [c] or [n, c]",          \
      ag_multilabel_margin_loss(D(1, 2, 3), I(1, 2, 3)))                                                               \
    X(lists_class, EINVAL, "ag_multilabel_margin_loss: target 5 at position 0 is no class of [3]",                     \
      ag_multilabel_margin_loss(D(3), ag_full(AG_I64, 5, 3)))                                                          \
    X(lists_dtype, EDTYPE, "ag_multilabel_margin_loss: the target is i32 [3]; ag_to converts to i64",                  \
      ag_multilabel_margin_loss(D(3), ag_zeros(AG_I32, 3)))

#define CTC(X)                                                                                                         \
    X(ctc_rank, ESHAPE, "ag_ctc_loss: log_probabilities [4] are not [steps, n, classes] or [steps, classes]",          \
      ag_ctc_loss(D(4), I(1), I(1), I(1)))                                                                             \
    X(ctc_lengths, ESHAPE, "ag_ctc_loss: target [2,1], lengths [3] and [2] do not fit log_probabilities [3,2,4]",      \
      ag_ctc_loss(D(3, 2, 4), I(2, 1), I(3), I(2)))                                                                    \
    X(ctc_length, EINVAL, "ag_ctc_loss: length 5 of sequence 0 is not in 0 .. 3, of [3,2,4]",                          \
      ag_ctc_loss(D(3, 2, 4), I(2, 1), ag_full(AG_I64, 5, 2), I(2)))                                                   \
    X(ctc_target_length, EINVAL, "ag_ctc_loss: target length 2 of sequence 0 does not fit target [2,1]",               \
      ag_ctc_loss(D(3, 2, 4), I(2, 1), I(2), ag_full(AG_I64, 2, 2)))                                                   \
    X(ctc_joined, ESHAPE, "ag_ctc_loss: target [3] holds other than the 2 classes of all sequences",                   \
      ag_ctc_loss(D(3, 2, 4), I(3), I(2), ag_full(AG_I64, 1, 2)))                                                      \
    X(ctc_class, EINVAL, "ag_ctc_loss: target 4 at position 0 is no class of [3,2,4]",                                 \
      ag_ctc_loss(D(3, 2, 4), ag_full(AG_I64, 4, 2, 1), I(2), ag_full(AG_I64, 1, 2)))                                  \
    X(ctc_blank, EINVAL, "ag_ctc_loss: .blank 4 is no class of [3,2,4]",                                               \
      ag_ctc_loss(D(3, 2, 4), I(2, 1), I(2), I(2), .blank = 4))                                                        \
    X(ctc_dtype, EDTYPE, "ag_ctc_loss: target is f64 [2,1]; needs i64, i32 or u8",                                     \
      ag_ctc_loss(D(3, 2, 4), D(2, 1), I(2), I(2)))                                                                    \
    X(ctc_null, ENULL, "ag_ctc_loss: target_lengths is NULL", ag_ctc_loss(D(3, 2, 4), I(2, 1), I(2), NONE))

#define RANDOM(X)                                                                                                      \
    X(exponential_dtype, EDTYPE, "ag_exponential: needs f32 or f64, got i64 [2]; ag_to converts", ag_exponential(I(2))) \
    X(exponential_bool, EDTYPE, "ag_exponential: needs f32 or f64, got bool [2]; ag_to converts",                      \
      ag_exponential(ag_zeros(AG_BOOL, 2)))                                                                            \
    X(exponential_null, ENULL, "ag_exponential: operand 1 is NULL", ag_exponential(NONE))                              \
    X(relaxed_tau, EINVAL, "ag_relaxed_bernoulli: temperature 0 is not positive", ag_relaxed_bernoulli(D(2), 0))       \
    X(relaxed_dtype, EDTYPE, "ag_relaxed_bernoulli: needs f32 or f64, got i64 [2]; ag_to converts",                    \
      ag_relaxed_bernoulli(I(2), 1))                                                                                   \
    X(relaxed_null, ENULL, "ag_relaxed_bernoulli: operand 1 is NULL", ag_relaxed_bernoulli(NONE, 1))                   \
    X(gumbel_softmax_tau, EINVAL, "ag_gumbel_softmax: temperature -1 is not positive",                                 \
      ag_gumbel_softmax(D(2), -1, false, 0))                                                                           \
    X(gumbel_softmax_axis, EINVAL, "ag_gumbel_softmax: axis 2 of [2,3]", ag_gumbel_softmax(D(2, 3), 1, false, 2))      \
    X(gumbel_softmax_0d, EINVAL, "ag_gumbel_softmax: axis 0 of []", ag_gumbel_softmax(D0, 1, false, 0))                \
    X(gumbel_softmax_dtype, EDTYPE, "ag_gumbel_softmax: needs f32 or f64, got i64 [2]; ag_to converts",                \
      ag_gumbel_softmax(I(2), 1, false, 0))                                                                            \
    X(coins_value, EINVAL, "ag_bernoulli_of: 2 at position 1 of [2] is no probability",                                \
      ag_bernoulli_of(ag_linspace(AG_F64, 0, 2, 2)))                                                                   \
    X(coins_dtype, EDTYPE, "ag_bernoulli_of: needs f32 or f64, got i64 [2]; ag_to converts", ag_bernoulli_of(I(2)))    \
    X(coins_null, ENULL, "ag_bernoulli_of: operand 1 is NULL", ag_bernoulli_of(NONE))                                  \
    X(categorical_0d, ESHAPE, "ag_categorical: logits [] hold no classes along their last axis", ag_categorical(D0))   \
    X(categorical_empty, ESHAPE, "ag_categorical: logits [2,0] hold no classes along their last axis",                 \
      ag_categorical(D(2, 0)))                                                                                         \
    X(categorical_dtype, EDTYPE, "ag_categorical: needs f32 or f64, got i64 [2]; ag_to converts", ag_categorical(I(2)))
// clang-format on
#define ALL(X) PAIRS(X) LIKELIHOODS(X) MARGINS(X) CTC(X) RANDOM(X)
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
