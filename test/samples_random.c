/* samples_random.c - random numbers of given parameters: with the same noise in each evaluation. */
#include "samples.h"
#include <string.h>

#define SEEDED(f, ...) APPLY(f, (ag_seed(5), __VA_ARGS__))
#define TWO(f)                                              \
    SEEDED(f, ag_##f(x[0], x[1]))                           \
    CASES(f){                                               \
        CASE("0-d", f, V0, V0),                             \
        CASE("size 1", f, V(1), V(1)),                      \
        CASE("empty", f, V(0, 3), V(0, 3)),                 \
        CASE("1-d", f, V(7), V(7)),                         \
        CASE("broadcast left", f, V(4), V(3, 4)),           \
        CASE("broadcast right", f, V(3, 4), V(3, 1)),       \
        CASE("broadcast both", f, V(3, 1), V(1, 4)),        \
        CASE("transposed", f, T(3, 4), V(3, 4)),            \
        CASE("strided", f, V(3, 4), S(3, 4)),               \
        CASE("flipped", f, F(3, 4), F(3, 4)),               \
        CASE("expanded", f, E(3, 4), V(3, 4)),              \
        CASE("5-d", f, V(2, 1, 2, 2, 2), T(2, 1, 2, 2, 2)), \
    };                                                      \
    SAMPLES(f, { -2, 0 }, { 0.5, 2 });
TWO(uniform)
TWO(normal)
TWO(laplace)
TWO(gumbel)

#define ONE(f)                                                                                    \
    CASE("0-d", f, V0), CASE("size 1", f, V(1)), CASE("empty", f, V(0, 3)), CASE("1-d", f, V(7)), \
        CASE("2-d", f, V(3, 4)), CASE("transposed", f, T(3, 4)), CASE("strided", f, S(3, 4)),     \
        CASE("flipped", f, F(3, 4)), CASE("expanded", f, E(3, 4)), CASE("5-d", f, V(2, 1, 2, 2, 2))
SEEDED(waiting, ag_exponential(x[0]))
CASES(exponential){ ONE(waiting) };
SAMPLES(exponential, { 0.5, 2 });

SEEDED(relaxed, ag_relaxed_bernoulli(x[0], 0.7))
CASES(relaxed_bernoulli){ ONE(relaxed) };
SAMPLES(relaxed_bernoulli, { -2, 2 });

SEEDED(soft, ag_gumbel_softmax(x[0], 1.2, false, -1))
SEEDED(soft_columns, ag_gumbel_softmax(x[0], 1.5, false, 0))
CASES(gumbel_softmax){
    CASE("size 1", soft, V(1)),
    CASE("empty", soft, V(0, 3)),
    CASE("1-d", soft, V(7)),
    CASE("columns", soft_columns, V(3, 4)),
    CASE("transposed", soft, T(3, 4)),
    CASE("strided", soft, S(3, 4)),
    CASE("flipped", soft, F(3, 4)),
    CASE("expanded", soft, E(3, 4)),
    CASE("5-d", soft, V(2, 1, 2, 2, 2)),
};
SAMPLES(gumbel_softmax, { -2, 2 });

/* 0 or 1, and always that of a probability that is 0 or 1. */
static bool is_bernoulli(ag_tensor *const *x, const ag_tensor *y)
{
    double p[64], v[64];
    int64_t n = ag_numel(y);
    if (ag_read(x[0], p, n) || ag_read(y, v, n)) return false;
    for (int64_t i = 0; i < n; i++)
        if ((v[i] != 0 && v[i] != 1) || (p[i] == 0 && v[i] != 0) || (p[i] == 1 && v[i] != 1)) return false;
    return true;
}
SEEDED(coins, ag_bernoulli_of(x[0]))
CASES(bernoulli_of){ ONE(coins) };
SAMPLES_WITHOUT_DERIVATIVE(bernoulli_of, is_bernoulli, { 0, 1 });

/* Of logits that are far apart the class with the largest. */
static bool is_largest(ag_tensor *const *x, const ag_tensor *y)
{
    int64_t want[64], got[64], n = ag_numel(y);
    return ag_dtype_of(y) == AG_I64 && !ag_read(ag_argmax(x[0], -1), want, n) && !ag_read(y, got, n) &&
           (n == 0 || !memcmp(want, got, (size_t)n * sizeof *got));
}
SEEDED(draw, ag_categorical(ag_mul(x[0], 1e4)))
CASES(categorical){
    CASE("size 1", draw, V(1)),     CASE("empty", draw, V(0, 3)),      CASE("1-d", draw, V(7)),
    CASE("2-d", draw, V(3, 4)),     CASE("transposed", draw, T(3, 4)), CASE("strided", draw, S(3, 4)),
    CASE("flipped", draw, F(3, 4)), CASE("expanded", draw, E(3, 4)),   CASE("5-d", draw, V(2, 1, 2, 2, 2)),
};
SAMPLES_WITHOUT_DERIVATIVE(categorical, is_largest, { -2, 2 });
