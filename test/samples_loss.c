/* samples_loss.c - losses. */
#include "samples.h"

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
