/* samples_product.c - matrix products. */
#include "samples.h"

APPLY(apply_matmul, ag_matmul(x[0], x[1]))
APPLY(with_own_transpose, ag_matmul(x[0], ag_transpose(x[0], -1, -2)))
CASES(matmul){
    CASE("dot", apply_matmul, V(5), V(5)),
    CASE("dot of nothing", apply_matmul, V(0), V(0)),
    CASE("size 1", apply_matmul, V(1, 1), V(1, 1)),
    CASE("matrix vector", apply_matmul, V(3, 4), V(4)),
    CASE("vector matrix", apply_matmul, V(3), V(3, 4)),
    CASE("2-d", apply_matmul, V(3, 4), V(4, 2)),
    CASE("larger", apply_matmul, V(7, 9), V(9, 5)),
    CASE("no rows", apply_matmul, V(0, 3), V(3, 2)),
    CASE("empty inside", apply_matmul, V(2, 0), V(0, 3)),
    CASE("left transposed", apply_matmul, T(3, 4), V(4, 2)),
    CASE("right transposed", apply_matmul, V(3, 4), T(4, 2)),
    CASE("both transposed", apply_matmul, T(3, 4), T(4, 2)),
    CASE("left strided", apply_matmul, S(3, 4), V(4, 2)),
    CASE("right strided", apply_matmul, V(3, 4), S(4, 2)),
    CASE("left flipped", apply_matmul, F(3, 4), V(4, 2)),
    CASE("right flipped", apply_matmul, V(3, 4), F(4, 2)),
    CASE("strided vector", apply_matmul, V(3, 4), S(4)),
    CASE("expanded", apply_matmul, E(3, 4), E(4, 2)),
    CASE("batched", apply_matmul, V(2, 3, 4), V(2, 4, 2)),
    CASE("broadcast left", apply_matmul, V(3, 4), V(2, 4, 2)),
    CASE("broadcast right", apply_matmul, V(2, 3, 4), V(4, 2)),
    CASE("broadcast both", apply_matmul, V(2, 1, 2, 3), V(1, 3, 3, 2)),
    CASE("batch of vectors", apply_matmul, V(2, 3, 4), V(4)),
    CASE("vector by batch", apply_matmul, V(3), V(2, 3, 2)),
    CASE("batched transposed", apply_matmul, T(2, 3, 4), T(2, 4, 2)),
    CASE("batch repeated", apply_matmul, E(2, 3, 4), V(2, 4, 2)),
    CASE("no batch", apply_matmul, V(0, 2, 3), V(3, 2)),
    CASE("5-d", apply_matmul, V(2, 1, 2, 2, 3), V(2, 1, 3, 2)),
    CASE("with its own transpose", with_own_transpose, V(3, 4)),
};
SAMPLES(matmul, { -2, 2 });

APPLY(with_bias, ag_linear(x[0], x[1], x[2]))
APPLY(without_bias, ag_linear(x[0], x[1], NULL))
CASES(linear){
    CASE("one input", with_bias, V(4), V(3, 4), V(3)),
    CASE("size 1", with_bias, V(1, 1), V(1, 1), V(1)),
    CASE("2-d", with_bias, V(5, 4), V(3, 4), V(3)),
    CASE("no bias", without_bias, V(5, 4), V(3, 4)),
    CASE("larger", with_bias, V(7, 9), V(5, 9), V(5)),
    CASE("no rows", with_bias, V(0, 4), V(3, 4), V(3)),
    CASE("no inputs", with_bias, V(2, 0), V(3, 0), V(3)),
    CASE("3-d", with_bias, V(2, 3, 4), V(3, 4), V(3)),
    CASE("transposed", with_bias, T(5, 4), V(3, 4), V(3)),
    CASE("weight transposed", with_bias, V(5, 4), T(3, 4), V(3)),
    CASE("strided", with_bias, S(5, 4), S(3, 4), S(3)),
    CASE("flipped", with_bias, F(5, 4), F(3, 4), F(3)),
    CASE("expanded", with_bias, E(5, 4), E(3, 4), E(3)),
    CASE("3-d transposed, no bias", without_bias, T(2, 3, 4), T(3, 4)),
    CASE("5-d", with_bias, V(2, 1, 2, 1, 3), V(2, 3), V(2)),
};
SAMPLES(linear, { -2, 2 });

APPLY(relu, ag_linear_act(x[0], x[1], x[2], AG_RELU))
APPLY(hyperbolic, ag_linear_act(x[0], x[1], x[2], AG_TANH))
APPLY(logistic, ag_linear_act(x[0], x[1], x[2], AG_SIGMOID))
APPLY(logistic_without_bias, ag_linear_act(x[0], x[1], NULL, AG_SIGMOID))
CASES(linear_act){
    CASE("relu", relu, V(5, 4), V(3, 4), V(3)),
    CASE("relu, one input", relu, V(4), V(3, 4), V(3)),
    CASE("relu, larger", relu, V(9, 7), V(8, 7), V(8)),
    CASE("tanh", hyperbolic, V(5, 4), V(3, 4), V(3)),
    CASE("tanh, size 1", hyperbolic, V(1, 1), V(1, 1), V(1)),
    CASE("tanh, 3-d", hyperbolic, V(2, 3, 4), V(3, 4), V(3)),
    CASE("tanh, transposed", hyperbolic, T(5, 4), T(3, 4), V(3)),
    CASE("sigmoid", logistic, V(5, 4), V(3, 4), V(3)),
    CASE("sigmoid, no bias", logistic_without_bias, V(5, 4), V(3, 4)),
    CASE("sigmoid, no rows", logistic, V(0, 4), V(3, 4), V(3)),
    CASE("sigmoid, no inputs", logistic, V(2, 0), V(3, 0), V(3)),
    CASE("sigmoid, strided", logistic, S(5, 4), F(3, 4), E(3)),
    CASE("sigmoid, 5-d", logistic, V(2, 1, 1, 2, 4), V(3, 4), V(3)),
};
SAMPLES(linear_act, { -2, 2 });
