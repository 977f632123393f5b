/* samples_loss_more.c - the less common losses. */
#include "samples.h"

/* Losses of an input and a target that broadcast. */
#define SHAPES(f)                                                                                         \
    CASE("0-d", f, V0, V0), CASE("size 1", f, V(1), V(1)), CASE("empty, sum", f##_sum, V(0, 3), V(0, 3)), \
        CASE("empty, each", f##_each, V(0, 3), V(0, 3)), CASE("1-d", f, V(7), V(7)),                      \
        CASE("sum", f##_sum, V(3, 4), V(3, 4)), CASE("each", f##_each, V(3, 4), V(3, 4)),                 \
        CASE("transposed", f, T(3, 4), V(3, 4)), CASE("strided", f, V(3, 4), S(3, 4)),                    \
        CASE("flipped", f##_each, F(3, 4), F(3, 4)), CASE("expanded", f##_sum, E(3, 4), V(3, 4)),         \
        CASE("5-d", f, V(2, 1, 2, 2, 2), T(2, 1, 2, 2, 2))
#define BROADCAST(f)                                                                                      \
    CASE("broadcast left", f##_each, V(4), V(3, 4)), CASE("broadcast right", f##_each, V(3, 4), V(3, 1)), \
        CASE("broadcast both", f, V(3, 1), V(1, 4)), SHAPES(f)
#define REDUCTIONS(f, op)                                    \
    APPLY(f, ag_##op(x[0], x[1]))                            \
    APPLY(f##_sum, ag_##op(x[0], x[1], .reduction = AG_SUM)) \
    APPLY(f##_each, ag_##op(x[0], x[1], .reduction = AG_NONE))

REDUCTIONS(smooth, smooth_l1_loss)
APPLY(smooth_narrow, ag_smooth_l1_loss(x[0], x[1], .beta = 0.3))
APPLY(smooth_none, ag_smooth_l1_loss(x[0], x[1], .beta = AG_ZERO))
CASES(smooth_l1_loss){
    BROADCAST(smooth),
    CASE("mostly lines", smooth_narrow, V(3, 4), V(3, 4)),
    CASE("lines only", smooth_none, V(3, 4), V(3, 4)),
};
SAMPLES(smooth_l1_loss, { -2, 2 });

REDUCTIONS(entropy, binary_cross_entropy)
APPLY(entropy_weighted, ag_binary_cross_entropy(x[0], x[1], .weight = x[2]))
CASES(binary_cross_entropy){
    SHAPES(entropy),
    CASE("weighted", entropy_weighted, V(3, 4), V(3, 4), V(3, 4)),
    CASE("weighted by row", entropy_weighted, V(3, 4), V(3, 4), V(3, 1)),
    CASE("weighted by a number", entropy_weighted, V(3, 4), T(3, 4), V0),
};
SAMPLES(binary_cross_entropy, { 0.1, 0.9 }, { 0.1, 0.9 }, { 0.5, 2 });

REDUCTIONS(divergence, kl_div)
APPLY(divergence_batch, ag_kl_div(x[0], x[1], .reduction = AG_BATCHMEAN))
APPLY(divergence_logs, ag_kl_div(x[0], x[1], .log_target = true))
APPLY(divergence_logs_batch, ag_kl_div(x[0], x[1], .log_target = true, .reduction = AG_BATCHMEAN))
CASES(kl_div){
    BROADCAST(divergence),
    CASE("batch", divergence_batch, V(3, 4), V(3, 4)),
    CASE("batch, 0-d", divergence_batch, V0, V0),
    CASE("logs", divergence_logs, V(3, 4), V(3, 4)),
    CASE("logs, batch", divergence_logs_batch, V(3, 4), V(4)),
};
SAMPLES(kl_div, { -2, -0.1 }, { 0.1, 0.9 });

REDUCTIONS(poisson, poisson_nll_loss)
APPLY(poisson_full, ag_poisson_nll_loss(x[0], x[1], .full = true))
APPLY(poisson_rate, ag_poisson_nll_loss(x[0], x[1], .rate = true, .eps = 0.1, .reduction = AG_SUM))
CASES(poisson_nll_loss){
    BROADCAST(poisson),
    CASE("full", poisson_full, V(3, 4), V(3, 4)),
    CASE("rate", poisson_rate, V(3, 4), V(3, 4)),
};
SAMPLES(poisson_nll_loss, { 0.2, 2 }, { 0.3, 5 });

APPLY(gauss, ag_gaussian_nll_loss(x[0], x[1], x[2]))
APPLY(gauss_sum, ag_gaussian_nll_loss(x[0], x[1], x[2], .reduction = AG_SUM))
APPLY(gauss_each, ag_gaussian_nll_loss(x[0], x[1], x[2], .reduction = AG_NONE, .full = true))
CASES(gaussian_nll_loss){
    CASE("0-d", gauss, V0, V0, V0),
    CASE("size 1", gauss, V(1), V(1), V(1)),
    CASE("empty, sum", gauss_sum, V(0, 3), V(0, 3), V(0, 3)),
    CASE("empty, each", gauss_each, V(0, 3), V(0, 3), V(0, 1)),
    CASE("1-d", gauss, V(7), V(7), V(7)),
    CASE("each", gauss_each, V(3, 4), V(3, 4), V(3, 4)),
    CASE("one variance a row", gauss, V(3, 4), V(3, 4), V(3)),
    CASE("broadcast right", gauss, V(3, 4), V(4), V(3, 1)),
    CASE("broadcast left", gauss_each, V(4), V(3, 4), V(3, 4)),
    CASE("broadcast both", gauss_each, V(3, 1), V(1, 4), V(3, 4)),
    CASE("transposed", gauss_sum, T(3, 4), V(3, 4), V(3, 4)),
    CASE("strided", gauss, V(3, 4), S(3, 4), S(3, 4)),
    CASE("flipped", gauss_each, F(3, 4), V(3, 4), F(3, 4)),
    CASE("expanded", gauss, E(3, 4), V(3, 4), E(3, 4)),
    CASE("5-d", gauss, V(2, 1, 2, 1, 2), V(2, 1, 2, 1, 2), T(2, 1, 2, 1, 2)),
};
SAMPLES(gaussian_nll_loss, { -2, 2 }, { -2, 2 }, { 0.5, 2 });

REDUCTIONS(soft, soft_margin_loss)
CASES(soft_margin_loss){ BROADCAST(soft) };
SAMPLES(soft_margin_loss, { -2, 2 });

REDUCTIONS(labels, multilabel_soft_margin_loss)
APPLY(labels_weighted, ag_multilabel_soft_margin_loss(x[0], x[1], .weight = x[2]))
CASES(multilabel_soft_margin_loss){
    CASE("one row", labels, V(4), V(4)),
    CASE("size 1", labels, V(1, 1), V(1, 1)),
    CASE("empty, sum", labels_sum, V(0, 3), V(0, 3)),
    CASE("empty, each", labels_each, V(0, 3), V(0, 3)),
    CASE("sum", labels_sum, V(3, 4), V(3, 4)),
    CASE("each", labels_each, V(3, 4), V(3, 4)),
    CASE("weighted", labels_weighted, V(3, 4), V(3, 4), V(4)),
    CASE("transposed", labels, T(3, 4), V(3, 4)),
    CASE("strided", labels, V(3, 4), S(3, 4)),
    CASE("flipped", labels_each, F(3, 4), F(3, 4)),
    CASE("expanded", labels, E(3, 4), V(3, 4)),
    CASE("5-d", labels_each, V(2, 1, 2, 2, 2), T(2, 1, 2, 2, 2)),
};
SAMPLES(multilabel_soft_margin_loss, { -2, 2 }, { 0.1, 0.9 }, { 0.5, 2 });

REDUCTIONS(focal, sigmoid_focal_loss)
APPLY(focal_sharp, ag_sigmoid_focal_loss(x[0], x[1], .gamma = 3.5, .alpha = 0.6))
APPLY(focal_plain, ag_sigmoid_focal_loss(x[0], x[1], .gamma = AG_ZERO, .alpha = -1))
CASES(sigmoid_focal_loss){
    BROADCAST(focal),
    CASE("sharp", focal_sharp, V(3, 4), V(3, 4)),
    CASE("plain", focal_plain, V(3, 4), V(3, 4)),
};
SAMPLES(sigmoid_focal_loss, { -2, 2 }, { 0.1, 0.9 });

REDUCTIONS(dice, dice_loss)
APPLY(dice_strict, ag_dice_loss(x[0], x[1], .eps = AG_ZERO))
CASES(dice_loss){
    CASE("size 1", dice, V(1, 1), V(1, 1)),
    CASE("empty, sum", dice_sum, V(0, 3), V(0, 3)),
    CASE("empty, each", dice_each, V(0, 3), V(0, 3)),
    CASE("empty rows", dice_each, V(3, 0), V(3, 0)),
    CASE("2-d", dice, V(3, 4), V(3, 4)),
    CASE("each", dice_each, V(3, 4), V(3, 4)),
    CASE("sum", dice_sum, V(3, 4), V(3, 4)),
    CASE("without eps", dice_strict, V(3, 4), V(3, 4)),
    CASE("broadcast", dice, V(3, 4), V(1, 4)),
    CASE("transposed", dice, T(3, 4), V(3, 4)),
    CASE("strided", dice, V(3, 4), S(3, 4)),
    CASE("flipped", dice_each, F(3, 4), F(3, 4)),
    CASE("expanded", dice, E(3, 4), V(3, 4)),
    CASE("5-d", dice_each, V(2, 1, 2, 2, 2), T(2, 1, 2, 2, 2)),
};
SAMPLES(dice_loss, { 0.1, 0.9 });

/* ---- margins ---- */

/* 1 where the number is positive, else -1: as constants */
static ag_tensor *signs(ag_tensor *x)
{
    return ag_detach(ag_sign(x));
}
APPLY(hinge, ag_hinge_embedding_loss(x[0], signs(x[1])))
APPLY(hinge_sum, ag_hinge_embedding_loss(x[0], signs(x[1]), .reduction = AG_SUM, .margin = -0.3))
APPLY(hinge_each, ag_hinge_embedding_loss(x[0], signs(x[1]), .reduction = AG_NONE))
APPLY(hinge_flags, ag_hinge_embedding_loss(x[0], ag_sub(ag_mul(2.0, ag_to(x[1], ag_dtype_of(x[0]))), 1.0)))
APPLY(hinge_both, ag_hinge_embedding_loss(x[0], ag_mul(signs(x[1]), 0.5)))
CASES(hinge_embedding_loss){
    BROADCAST(hinge),
    CASE("flags", hinge_flags, V(3, 4), B(3, 4)),
    CASE("targets that are neither", hinge_both, V(3, 4), V(3, 4)),
};
SAMPLES(hinge_embedding_loss, { -1.9, 2.3 });

#define THREE(f, op, ...)                                                                \
    APPLY(f, ag_##op(x[0], x[1], __VA_ARGS__))                                           \
    APPLY(f##_sum, ag_##op(x[0], x[1], __VA_ARGS__, .reduction = AG_SUM, .margin = 0.3)) \
    APPLY(f##_each, ag_##op(x[0], x[1], __VA_ARGS__, .reduction = AG_NONE))
THREE(ranking, margin_ranking_loss, signs(x[2]))
APPLY(ranking_by, ag_margin_ranking_loss(x[0], x[1], x[2], .margin = 0.7))
CASES(margin_ranking_loss){
    CASE("0-d", ranking, V0, V0, V0),
    CASE("size 1", ranking, V(1), V(1), V(1)),
    CASE("empty, sum", ranking_sum, V(0, 3), V(0, 3), V(0, 3)),
    CASE("empty, each", ranking_each, V(0, 3), V(0, 3), V(0, 3)),
    CASE("1-d", ranking, V(7), V(7), V(7)),
    CASE("sum", ranking_sum, V(3, 4), V(3, 4), V(3, 4)),
    CASE("each", ranking_each, V(3, 4), V(3, 4), V(3, 4)),
    CASE("by the target too", ranking_by, V(3, 4), V(3, 4), V(3, 4)),
    CASE("broadcast left", ranking_each, V(4), V(3, 4), V(3, 1)),
    CASE("broadcast right", ranking_each, V(3, 4), V(3, 1), V(4)),
    CASE("broadcast both", ranking_each, V(3, 1), V(4), V0),
    CASE("transposed", ranking, T(3, 4), V(3, 4), V(3, 4)),
    CASE("strided", ranking_sum, V(3, 4), S(3, 4), V(3, 4)),
    CASE("flipped", ranking_each, F(3, 4), F(3, 4), F(3, 4)),
    CASE("expanded", ranking, E(3, 4), V(3, 4), V(3, 4)),
    CASE("5-d", ranking, V(2, 1, 2, 1, 2), T(2, 1, 2, 1, 2), V(2, 1, 2, 1, 2)),
};
SAMPLES(margin_ranking_loss, { -2, 2.1 });

THREE(cosine, cosine_embedding_loss, signs(x[2]))
CASES(cosine_embedding_loss){
    CASE("two vectors", cosine, V(4), V(4), V0),
    CASE("size 1", cosine_each, V(1, 2), V(1, 2), V(1)),
    CASE("empty, sum", cosine_sum, V(0, 3), V(0, 3), V(0)),
    CASE("empty, each", cosine_each, V(0, 3), V(0, 3), V(0)),
    CASE("2-d", cosine, V(3, 4), V(3, 4), V(3)),
    CASE("sum", cosine_sum, V(5, 3), V(5, 3), V(5)),
    CASE("each", cosine_each, V(5, 3), V(5, 3), V(5)),
    CASE("broadcast", cosine_each, V(3), V(5, 3), V(5)),
    CASE("transposed", cosine, T(3, 4), V(3, 4), V(3)),
    CASE("strided", cosine_each, V(3, 4), S(3, 4), V(3)),
    CASE("flipped", cosine_each, F(3, 4), F(3, 4), F(3)),
    CASE("expanded", cosine, E(3, 4), V(3, 4), V(3)),
    CASE("5-d", cosine_each, V(2, 1, 2, 1, 2), T(2, 1, 2, 1, 2), V(2, 1, 2, 1)),
};
SAMPLES(cosine_embedding_loss, { -2, 2.1 });

THREE(triplet, triplet_margin_loss, x[2])
APPLY(triplet_swap, ag_triplet_margin_loss(x[0], x[1], x[2], .swap = true, .margin = 3, .reduction = AG_NONE))
APPLY(triplet_cubes, ag_triplet_margin_loss(x[0], x[1], x[2], .p = 3, .eps = 0.01))
CASES(triplet_margin_loss){
    CASE("three vectors", triplet, V(4), V(4), V(4)),
    CASE("size 1", triplet, V(1, 1), V(1, 1), V(1, 1)),
    CASE("empty, sum", triplet_sum, V(0, 3), V(0, 3), V(0, 3)),
    CASE("empty, each", triplet_each, V(0, 3), V(0, 3), V(0, 3)),
    CASE("2-d", triplet, V(3, 4), V(3, 4), V(3, 4)),
    CASE("sum", triplet_sum, V(5, 3), V(5, 3), V(5, 3)),
    CASE("each", triplet_each, V(5, 3), V(5, 3), V(5, 3)),
    CASE("swap", triplet_swap, V(5, 3), V(5, 3), V(5, 3)),
    CASE("cubes", triplet_cubes, V(5, 3), V(5, 3), V(5, 3)),
    CASE("broadcast", triplet_each, V(3), V(5, 3), V(5, 1)),
    CASE("transposed", triplet, T(3, 4), V(3, 4), V(3, 4)),
    CASE("strided", triplet_each, V(3, 4), S(3, 4), V(3, 4)),
    CASE("flipped", triplet_each, F(3, 4), F(3, 4), F(3, 4)),
    CASE("expanded", triplet, E(3, 4), V(3, 4), V(3, 4)),
    CASE("5-d", triplet_swap, V(2, 1, 2, 1, 2), T(2, 1, 2, 1, 2), V(2, 1, 2, 1, 2)),
};
SAMPLES(triplet_margin_loss, { -2, 2.1 });

/* ---- classes ---- */

static ag_tensor *weights(const ag_tensor *x, int64_t n)
{
    return ag_to(ag_linspace(AG_F64, 0.5, 1.75, n), ag_dtype_of(x));
}
REDUCTIONS(margins, multi_margin_loss)
APPLY(margins_squared, ag_multi_margin_loss(x[0], x[1], .p = 2, .margin = 0.7, .weight = weights(x[0], 4)))
CASES(multi_margin_loss){
    CASE("one score", margins, V0, I0(0, 1)),
    CASE("one row", margins, V(4), I0(2, 3)),
    CASE("size 1", margins, V(1, 1), I(0, 1, 1)),
    CASE("no rows, sum", margins_sum, V(0, 4), I(0, 4, 0)),
    CASE("no rows, each", margins_each, V(0, 4), I(0, 4, 0)),
    CASE("2-d", margins, V(5, 4), I(0, 4, 5)),
    CASE("sum", margins_sum, V(5, 4), I(0, 4, 5)),
    CASE("each", margins_each, V(5, 4), I(0, 4, 5)),
    CASE("squared, weighted", margins_squared, V(5, 4), I(0, 4, 5)),
    CASE("transposed", margins, T(5, 4), I(0, 4, 5)),
    CASE("strided", margins, S(5, 4), IS(0, 4, 5)),
    CASE("flipped", margins_each, F(5, 4), I(0, 4, 5)),
    CASE("expanded", margins, E(5, 4), I(0, 4, 5)),
};
SAMPLES(multi_margin_loss, { -2, 2.1 });

REDUCTIONS(lists, multilabel_margin_loss)
CASES(multilabel_margin_loss){
    CASE("one score", lists, V0, I0(0, 1)),
    CASE("one row", lists, V(4), I(-1, 4, 4)),
    CASE("size 1", lists, V(1, 1), I(0, 1, 1, 1)),
    CASE("no rows, sum", lists_sum, V(0, 4), I(0, 4, 0, 4)),
    CASE("no rows, each", lists_each, V(0, 4), I(0, 4, 0, 4)),
    CASE("2-d", lists, V(5, 4), I(-1, 4, 5, 4)),
    CASE("sum", lists_sum, V(5, 6), I(-3, 6, 5, 6)),
    CASE("each", lists_each, V(5, 4), I(-1, 4, 5, 4)),
    CASE("transposed", lists, T(5, 4), I(-1, 4, 5, 4)),
    CASE("strided", lists, S(5, 4), IS(-1, 4, 5, 4)),
    CASE("flipped", lists_each, F(5, 4), I(-1, 4, 5, 4)),
    CASE("expanded", lists, E(5, 4), I(-1, 4, 5, 4)),
};
SAMPLES(multilabel_margin_loss, { -2, 2.1 });

/* 6 steps of 2 sequences, of which the second has a class twice in a row and ends earlier. */
static ag_tensor *whole(int64_t a, int64_t b)
{
    return ag_copy(((const int64_t[]){ a, b }), 2);
}
static ag_tensor *classes(void)
{
    return ag_reshape(ag_copy(((const int64_t[]){ 1, 2, 1, 3, 3, 0 }), 6), 2, 3);
}
APPLY(aligned, ag_ctc_loss(ag_log_softmax(x[0], -1), classes(), whole(6, 4), whole(3, 2)))
APPLY(aligned_sum, ag_ctc_loss(x[0], classes(), whole(6, 4), whole(3, 2), .reduction = AG_SUM))
APPLY(aligned_each, ag_ctc_loss(x[0], classes(), whole(6, 4), whole(3, 2), .reduction = AG_NONE))
APPLY(aligned_joined,
      ag_ctc_loss(x[0], ag_copy(((const int64_t[]){ 2, 1, 0, 0, 1 }), 5), whole(6, 6), whole(2, 3), .blank = 3))
APPLY(aligned_short, ag_ctc_loss(x[0], classes(), whole(6, 2), whole(3, 3), .zero_infinity = true))
APPLY(aligned_to_nothing, ag_ctc_loss(x[0], classes(), whole(3, 0), whole(0, 0)))
APPLY(aligned_one, ag_ctc_loss(x[0], ag_copy(((const int64_t[]){ 2, 1 }), 2), ag_copy(((const int64_t[]){ 5 }), 1),
                               ag_copy(((const int64_t[]){ 2 }), 1), .reduction = AG_NONE))
static ag_tensor *nothing(void)
{
    return ag_zeros(AG_I64, 0);
}
APPLY(aligned_none, ag_ctc_loss(x[0], nothing(), nothing(), nothing(), .reduction = AG_SUM))
CASES(ctc_loss){
    CASE("of log_softmax", aligned, V(6, 2, 4)),
    CASE("sum", aligned_sum, V(6, 2, 4)),
    CASE("each", aligned_each, V(6, 2, 4)),
    CASE("targets one after the other", aligned_joined, V(6, 2, 4)),
    CASE("without alignment", aligned_short, V(6, 2, 4)),
    CASE("no targets", aligned_to_nothing, V(6, 2, 4)),
    CASE("one sequence", aligned_one, V(5, 3)),
    CASE("no sequences", aligned_none, V(6, 0, 4)),
    CASE("transposed", aligned_each, T(6, 2, 4)),
    CASE("strided", aligned_each, S(6, 2, 4)),
    CASE("flipped", aligned_sum, F(6, 2, 4)),
    CASE("expanded", aligned_each, E(6, 2, 4)),
};
SAMPLES(ctc_loss, { -2, -0.1 });
