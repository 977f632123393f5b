/* samples_each.h - the rows of samples for functions of each element. */
#ifndef SAMPLES_EACH_H
#define SAMPLES_EACH_H
#include "samples.h"

/* ---- f(x) ---- */

#define UNARY(op, ...)                          \
    static ag_tensor *apply_##op(ag_tensor **x) \
    {                                           \
        return ag_##op(x[0]);                   \
    }                                           \
    UNARY_CASES(op, apply_##op);                \
    SAMPLES(op, __VA_ARGS__)
#define UNARY_CASES(op, apply)                                                                                         \
    CASES(op)                                                                                                          \
    {                                                                                                                  \
        CASE("0-d", apply, V0), CASE("empty", apply, V(0, 3)), CASE("size 1", apply, V(1)), CASE("1-d", apply, V(37)), \
            CASE("2-d", apply, V(3, 4)), CASE("transposed", apply, T(3, 4)), CASE("strided", apply, S(3, 4)),          \
            CASE("flipped", apply, F(3, 4)), CASE("expanded", apply, E(3, 4)), CASE("5-d", apply, V(2, 1, 3, 2, 2)),   \
            CASE("5-d transposed", apply, T(2, 1, 2, 2, 3))                                                            \
    }

#define UNARY_WITH(op, expr, ...) \
    APPLY(apply_##op, expr)       \
    UNARY_CASES(op, apply_##op);  \
    SAMPLES(op, __VA_ARGS__)

#define BINARY_CASES(op, apply, with_number)                                                                          \
    CASES(op)                                                                                                         \
    {                                                                                                                 \
        CASE("0-d", apply, V0, V0), CASE("empty", apply, V(0, 3), V(3)), CASE("size 1", apply, V(1), V(1)),           \
            CASE("1-d", apply, V(37), V(37)), CASE("2-d", apply, V(3, 4), V(3, 4)),                                   \
            CASE("broadcast left", apply, V(4), V(3, 4)), CASE("broadcast right", apply, V(3, 4), V(3, 1)),           \
            CASE("broadcast both", apply, V(3, 1), V(1, 4)), CASE("0-d left", apply, V0, V(2, 3)),                    \
            CASE("0-d right", apply, V(2, 3), V0), CASE("size 1 against empty", apply, V(1), V(0)),                   \
            CASE("middle axis", apply, V(2, 1, 3), V(2, 4, 3)), CASE("transposed", apply, T(3, 4), V(3, 4)),          \
            CASE("both transposed", apply, T(3, 4), T(3, 4)), CASE("strided", apply, V(3, 4), S(3, 4)),               \
            CASE("flipped", apply, F(3, 4), V(4)), CASE("expanded", apply, E(3, 4), T(3, 4)),                         \
            CASE("5-d", apply, V(2, 1, 2, 2, 2), V(2, 1, 1, 2)),                                                      \
            CASE("5-d transposed", apply, T(2, 1, 2, 1, 3), V(3, 1, 1, 1)),                                           \
            CASE("a number right", with_number##_right, V(2, 3)), CASE("a number left", with_number##_left, V(2, 3)), \
            CASE("with itself", with_number##_itself, V(2, 3))                                                        \
    }
#define BINARY(op, ...)                                       \
    APPLY(apply_##op, ag_##op(x[0], x[1]))                    \
    APPLY(op##_number_right, ag_##op(x[0], 1.25))             \
    APPLY(op##_number_left, ag_##op(1.25, x[0]))              \
    APPLY(op##_number_itself, ag_##op(x[0], ag_square(x[0]))) \
    BINARY_CASES(op, apply_##op, op##_number);                \
    SAMPLES(op, __VA_ARGS__)
#endif
