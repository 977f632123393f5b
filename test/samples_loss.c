/* samples_loss.c - losses, and dropout. */
#include "samples.h"
#include <math.h>

/* One weight per class, in the dtype of the logits. */
static ag_tensor *weights(const ag_tensor *x, int64_t n)
{
    return ag_to(ag_linspace(AG_F64, 0.5, 1.75, n), ag_dtype_of(x));
}

static const int64_t class_1 = 1;
APPLY(entropy, ag_cross_entropy(x[0], x[1]))
APPLY(entropy_sum, ag_cross_entropy(x[0], x[1], .reduction = AG_SUM))
APPLY(entropy_each, ag_cross_entropy(x[0], x[1], .reduction = AG_NONE))
APPLY(entropy_i32, ag_cross_entropy(x[0], ag_to(x[1], AG_I32)))
APPLY(entropy_ignored, ag_cross_entropy(x[0], x[1], .ignore = &class_1))
APPLY(entropy_weighted, ag_cross_entropy(x[0], x[1], .weight = weights(x[0], 4)))
APPLY(entropy_weighted_each, ag_cross_entropy(x[0], x[1], .weight = weights(x[0], 4), .reduction = AG_NONE))
APPLY(entropy_smooth, ag_cross_entropy(x[0], x[1], .label_smoothing = 0.1))
APPLY(entropy_all, ag_cross_entropy(x[0], x[1], .label_smoothing = 0.2, .weight = weights(x[0], 4), .ignore = &class_1))
APPLY(entropy_far, ag_cross_entropy(ag_mul(x[0], 15.0), x[1]))
CASES(cross_entropy){
    CASE("one row", entropy, V(4), I0(2, 3)),
    CASE("size 1", entropy, V(1, 1), I(0, 1, 1)),
    CASE("2-d", entropy, V(5, 4), I(0, 4, 5)),
    CASE("many classes", entropy, V(2, 40), I(0, 40, 2)),
    CASE("sum", entropy_sum, V(5, 4), I(0, 4, 5)),
    CASE("each", entropy_each, V(5, 4), I(0, 4, 5)),
    CASE("no rows, sum", entropy_sum, V(0, 4), I(0, 4, 0)),
    CASE("no rows, each", entropy_each, V(0, 4), I(0, 4, 0)),
    CASE("negative classes", entropy, V(7, 4), I(-1, 4, 7)),
    CASE("negative classes, each", entropy_each, V(7, 4), I(-1, 4, 7)),
    CASE("i32", entropy_i32, V(5, 4), I(0, 4, 5)),
    CASE("ignored", entropy_ignored, V(7, 4), I(0, 4, 7)),
    CASE("weighted", entropy_weighted, V(7, 4), I(-1, 4, 7)),
    CASE("weighted, each", entropy_weighted_each, V(5, 4), I(0, 4, 5)),
    CASE("smooth", entropy_smooth, V(7, 4), I(-1, 4, 7)),
    CASE("smooth, weighted, ignored", entropy_all, V(7, 4), I(0, 4, 7)),
    CASE("far apart", entropy_far, V(3, 4), I(0, 4, 3)),
    CASE("images", entropy, V(2, 4, 3), I(0, 4, 2, 3)),
    CASE("images, each", entropy_each, V(2, 4, 2, 2), I(0, 4, 2, 2, 2)),
    CASE("images, weighted", entropy_all, V(2, 4, 3), I(0, 4, 2, 3)),
    CASE("5-d", entropy, V(2, 3, 1, 2, 2), I(0, 3, 2, 1, 2, 2)),
    CASE("transposed", entropy, T(5, 4), I(0, 4, 5)),
    CASE("strided", entropy, S(5, 4), IS(0, 4, 5)),
    CASE("flipped", entropy_each, F(5, 4), I(0, 4, 5)),
    CASE("expanded", entropy, E(5, 4), I(0, 4, 5)),
    CASE("images transposed", entropy_each, T(2, 4, 3), I(0, 4, 2, 3)),
    CASE("probabilities", entropy, V(3, 4), V(3, 4)),
    CASE("probabilities, one row", entropy, V(4), V(4)),
    CASE("probabilities, each", entropy_each, V(3, 4), V(3, 4)),
    CASE("probabilities, smooth", entropy_smooth, V(3, 4), V(3, 4)),
    CASE("probabilities, weighted", entropy_weighted, V(3, 4), V(3, 4)),
    CASE("probabilities, images", entropy_sum, V(2, 4, 2), V(2, 4, 2)),
    CASE("probabilities transposed", entropy, T(3, 4), T(3, 4)),
};
SAMPLES(cross_entropy, { -2, 2 }, { 0.1, 0.9 });

APPLY(squares, ag_mse_loss(x[0], x[1]))
APPLY(squares_sum, ag_mse_loss(x[0], x[1], .reduction = AG_SUM))
APPLY(squares_each, ag_mse_loss(x[0], x[1], .reduction = AG_NONE))
CASES(mse_loss){
    CASE("0-d", squares, V0, V0),
    CASE("size 1", squares, V(1), V(1)),
    CASE("empty, sum", squares_sum, V(0, 3), V(0, 3)),
    CASE("empty, each", squares_each, V(0, 3), V(0, 3)),
    CASE("1-d", squares, V(37), V(37)),
    CASE("2-d", squares, V(3, 4), V(3, 4)),
    CASE("sum", squares_sum, V(3, 4), V(3, 4)),
    CASE("each", squares_each, V(3, 4), V(3, 4)),
    CASE("transposed", squares, T(3, 4), V(3, 4)),
    CASE("strided", squares, V(3, 4), S(3, 4)),
    CASE("flipped", squares_each, F(3, 4), F(3, 4)),
    CASE("expanded", squares_sum, E(3, 4), V(3, 4)),
    CASE("5-d", squares, V(2, 1, 2, 2, 2), T(2, 1, 2, 2, 2)),
};
SAMPLES(mse_loss, { -2, 2 });

APPLY(distance, ag_l1_loss(x[0], x[1]))
APPLY(distance_sum, ag_l1_loss(x[0], x[1], .reduction = AG_SUM))
APPLY(distance_each, ag_l1_loss(x[0], x[1], .reduction = AG_NONE))
CASES(l1_loss){
    CASE("0-d", distance, V0, V0),
    CASE("size 1", distance, V(1), V(1)),
    CASE("empty, sum", distance_sum, V(0, 3), V(0, 3)),
    CASE("empty, each", distance_each, V(0, 3), V(0, 3)),
    CASE("1-d", distance, V(37), V(37)),
    CASE("sum", distance_sum, V(3, 4), V(3, 4)),
    CASE("each", distance_each, V(3, 4), V(3, 4)),
    CASE("transposed", distance, T(3, 4), V(3, 4)),
    CASE("strided", distance, V(3, 4), S(3, 4)),
    CASE("flipped", distance_each, F(3, 4), F(3, 4)),
    CASE("expanded", distance_sum, E(3, 4), V(3, 4)),
    CASE("5-d", distance, V(2, 1, 2, 2, 2), T(2, 1, 2, 2, 2)),
};
SAMPLES(l1_loss, { -2, 2 });

APPLY(huber, ag_huber_loss(x[0], x[1]))
APPLY(huber_narrow, ag_huber_loss(x[0], x[1], .delta = 0.3))
APPLY(huber_wide, ag_huber_loss(x[0], x[1], .delta = 30, .reduction = AG_SUM))
APPLY(huber_each, ag_huber_loss(x[0], x[1], .delta = 1.7, .reduction = AG_NONE))
APPLY(huber_infinite, ag_huber_loss(x[0], x[1], .delta = HUGE_VAL))
CASES(huber_loss){
    CASE("0-d", huber, V0, V0),
    CASE("size 1", huber_narrow, V(1), V(1)),
    CASE("empty, sum", huber_wide, V(0, 3), V(0, 3)),
    CASE("empty, each", huber_each, V(0, 3), V(0, 3)),
    CASE("1-d", huber, V(37), V(37)),
    CASE("mostly lines", huber_narrow, V(3, 4), V(3, 4)),
    CASE("squares, sum", huber_wide, V(3, 4), V(3, 4)),
    CASE("squares without end", huber_infinite, V(3, 4), V(3, 4)),
    CASE("each", huber_each, V(3, 4), V(3, 4)),
    CASE("transposed", huber, T(3, 4), V(3, 4)),
    CASE("strided", huber, V(3, 4), S(3, 4)),
    CASE("flipped", huber_each, F(3, 4), F(3, 4)),
    CASE("expanded", huber, E(3, 4), V(3, 4)),
    CASE("5-d", huber, V(2, 1, 2, 2, 2), T(2, 1, 2, 2, 2)),
};
SAMPLES(huber_loss, { -2, 2 });

APPLY(bce, ag_bce_with_logits(x[0], x[1]))
APPLY(bce_sum, ag_bce_with_logits(x[0], x[1], .reduction = AG_SUM))
APPLY(bce_each, ag_bce_with_logits(x[0], x[1], .reduction = AG_NONE))
APPLY(bce_weighted, ag_bce_with_logits(x[0], x[1], .weight = x[2]))
APPLY(bce_positive, ag_bce_with_logits(x[0], x[1], .pos_weight = x[2]))
APPLY(bce_positive_each, ag_bce_with_logits(x[0], x[1], .pos_weight = x[2], .reduction = AG_NONE))
APPLY(bce_all, ag_bce_with_logits(x[0], x[1], .weight = x[2], .pos_weight = x[3], .reduction = AG_SUM))
CASES(bce_with_logits){
    CASE("0-d", bce, V0, V0),
    CASE("size 1", bce, V(1), V(1)),
    CASE("empty, sum", bce_sum, V(0, 3), V(0, 3)),
    CASE("empty, each", bce_each, V(0, 3), V(0, 3)),
    CASE("1-d", bce, V(37), V(37)),
    CASE("each", bce_each, V(3, 4), V(3, 4)),
    CASE("weighted", bce_weighted, V(3, 4), V(3, 4), V(3, 4)),
    CASE("weighted by row", bce_weighted, V(3, 4), V(3, 4), V(3, 1)),
    CASE("weighted by a number", bce_weighted, V(3, 4), V(3, 4), V0),
    CASE("positive weights", bce_positive, V(3, 4), V(3, 4), V(4)),
    CASE("positive weights, each", bce_positive_each, V(3, 4), V(3, 4), V(3, 4)),
    CASE("both", bce_all, V(3, 4), V(3, 4), V(3, 1), V(4)),
    CASE("both, empty", bce_all, V(0, 3), V(0, 3), V(3), V(1, 3)),
    CASE("transposed", bce, T(3, 4), V(3, 4)),
    CASE("strided", bce_weighted, V(3, 4), S(3, 4), S(3, 4)),
    CASE("flipped", bce_each, F(3, 4), F(3, 4)),
    CASE("expanded", bce_sum, E(3, 4), V(3, 4)),
    CASE("5-d", bce, V(2, 1, 2, 2, 2), T(2, 1, 2, 2, 2)),
};
SAMPLES(bce_with_logits, { -2, 2 }, { 0.1, 0.9 }, { 0.5, 2 }, { 0.5, 2 });

APPLY(nll, ag_nll_loss(x[0], x[1]))
APPLY(nll_sum, ag_nll_loss(x[0], x[1], .reduction = AG_SUM))
APPLY(nll_each, ag_nll_loss(x[0], x[1], .reduction = AG_NONE))
APPLY(nll_i32, ag_nll_loss(x[0], ag_to(x[1], AG_I32)))
APPLY(nll_all, ag_nll_loss(x[0], x[1], .weight = weights(x[0], 4), .ignore = &class_1))
APPLY(nll_all_each, ag_nll_loss(x[0], x[1], .weight = weights(x[0], 4), .ignore = &class_1, .reduction = AG_NONE))
APPLY(nll_of_softmax, ag_nll_loss(ag_log_softmax(x[0], 1), x[1], .weight = weights(x[0], 4)))
CASES(nll_loss){
    CASE("one row", nll, V(4), I0(2, 3)),
    CASE("size 1", nll, V(1, 1), I(0, 1, 1)),
    CASE("2-d", nll, V(5, 4), I(0, 4, 5)),
    CASE("sum", nll_sum, V(5, 4), I(0, 4, 5)),
    CASE("each", nll_each, V(5, 4), I(0, 4, 5)),
    CASE("no rows, sum", nll_sum, V(0, 4), I(0, 4, 0)),
    CASE("no rows, each", nll_each, V(0, 4), I(0, 4, 0)),
    CASE("negative classes", nll, V(7, 4), I(-1, 4, 7)),
    CASE("negative classes, each", nll_each, V(7, 4), I(-1, 4, 7)),
    CASE("i32", nll_i32, V(5, 4), I(0, 4, 5)),
    CASE("weighted, ignored", nll_all, V(7, 4), I(-1, 4, 7)),
    CASE("weighted, ignored, each", nll_all_each, V(7, 4), I(0, 4, 7)),
    CASE("of log_softmax", nll_of_softmax, V(5, 4), I(0, 4, 5)),
    CASE("images", nll, V(2, 4, 3), I(0, 4, 2, 3)),
    CASE("images, weighted", nll_all, V(2, 4, 3), I(0, 4, 2, 3)),
    CASE("5-d", nll, V(2, 3, 1, 2, 2), I(0, 3, 2, 1, 2, 2)),
    CASE("transposed", nll, T(5, 4), I(0, 4, 5)),
    CASE("strided", nll, S(5, 4), IS(0, 4, 5)),
    CASE("flipped", nll_each, F(5, 4), I(0, 4, 5)),
    CASE("expanded", nll, E(5, 4), I(0, 4, 5)),
};
SAMPLES(nll_loss, { -2, 2 });

/* Every evaluation with the same mask. */
APPLY(drop, (ag_seed(5), ag_dropout(x[0], 0.4)))
APPLY(drop_nothing, ag_dropout(x[0], 0))
APPLY(drop_before, (ag_seed(5), ag_square(ag_dropout(ag_sin(x[0]), 0.4))))
CASES(dropout){
    CASE("0-d", drop, V0),
    CASE("size 1", drop, V(1)),
    CASE("empty", drop, V(0, 3)),
    CASE("1-d", drop, V(37)),
    CASE("2-d", drop, V(3, 4)),
    CASE("nothing", drop_nothing, V(3, 4)),
    CASE("curved", drop_before, V(3, 4)),
    CASE("transposed", drop, T(3, 4)),
    CASE("strided", drop, S(3, 4)),
    CASE("flipped", drop, F(3, 4)),
    CASE("expanded", drop, E(3, 4)),
    CASE("5-d", drop, V(2, 1, 2, 2, 2)),
};
SAMPLES(dropout, { -2, 2 });
