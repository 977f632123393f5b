/* samples_norms.c - normalisation of channels, vectors divided by their sizes. */
#include "samples.h"

/* Statistics given, which are constants. */
static ag_tensor *stat(const ag_tensor *x, double from)
{
    int64_t n = ag_size(x, 1);
    return ag_to(ag_linspace(AG_F64, from, from + 0.5, n), ag_dtype_of(x));
}
#define GIVEN .running_mean = stat(x[0], -0.25), .running_var = stat(x[0], 0.75)

APPLY(batch_plain, ag_batch_norm(x[0], .training = true))
APPLY(batch_weight, ag_batch_norm(x[0], .training = true, .weight = x[1], .eps = 0.1))
APPLY(batch_bias, ag_batch_norm(x[0], .training = true, .bias = x[1]))
APPLY(batch_both, ag_batch_norm(x[0], .training = true, .weight = x[1], .bias = x[2]))
APPLY(batch_shared, ag_batch_norm(x[0], .training = true, .weight = x[1], .bias = x[1]))
APPLY(batch_moving, ag_batch_norm(x[0], .training = true, .weight = x[1], .momentum = -1.2, GIVEN))
APPLY(batch_given, ag_batch_norm(x[0], GIVEN))
APPLY(batch_given_bias, ag_batch_norm(x[0], GIVEN, .bias = x[1]))
APPLY(batch_given_both, ag_batch_norm(x[0], GIVEN, .weight = x[1], .bias = x[2]))
CASES(batch_norm){
    CASE("columns", batch_plain, V(4, 3)),
    CASE("columns, weight and bias", batch_both, V(4, 3), V(3), V(3)),
    CASE("more columns than a block", batch_weight, V(3, 131), V(131)),
    CASE("one channel", batch_weight, V(5, 1), V(1)),
    CASE("one row", batch_both, V(1, 3, 4), V(3), V(3)),
    CASE("2 inside", batch_plain, V(2, 2, 2)),
    CASE("weight", batch_weight, V(2, 3, 4), V(3)),
    CASE("bias", batch_bias, V(2, 3, 4), V(3)),
    CASE("one tensor for both", batch_shared, V(2, 3, 4), V(3)),
    CASE("images", batch_both, V(2, 2, 3, 2), V(2), V(2)),
    CASE("longer than a vector", batch_both, V(2, 2, 37), V(2), V(2)),
    CASE("running statistics move", batch_moving, V(2, 3, 2), V(3)),
    CASE("given", batch_given, V(2, 3, 2)),
    CASE("given, columns", batch_given_both, V(4, 3), V(3), V(3)),
    CASE("given, bias", batch_given_bias, V(2, 3, 2), V(3)),
    CASE("given, weight and bias", batch_given_both, V(2, 3, 2, 2), V(3), V(3)),
    CASE("given, one value per channel", batch_given_both, V(1, 3), V(3), V(3)),
    CASE("no rows", batch_both, V(0, 3), V(3), V(3)),
    CASE("no channels", batch_both, V(2, 0, 3), V(0), V(0)),
    CASE("nothing inside", batch_given_both, V(2, 3, 0), V(3), V(3)),
    CASE("nothing, one axis", batch_plain, V(0)),
    CASE("transposed", batch_both, T(3, 2, 4), V(2), V(2)),
    CASE("strided", batch_both, S(3, 2, 4), S(2), S(2)),
    CASE("flipped", batch_both, F(3, 2, 4), F(2), F(2)),
    CASE("expanded", batch_both, E(3, 2, 4), E(2), E(2)),
    CASE("5-d", batch_both, V(2, 2, 1, 2, 2), V(2), V(2)),
};
SAMPLES(batch_norm, { -2, 2 });

APPLY(instance_plain, ag_instance_norm(x[0]))
APPLY(instance_weight, ag_instance_norm(x[0], .weight = x[1], .momentum = 0.5, GIVEN))
APPLY(instance_both, ag_instance_norm(x[0], .weight = x[1], .bias = x[2], .eps = 0.1))
APPLY(instance_given, ag_instance_norm(x[0], .weight = x[1], .bias = x[2], .use_running_stats = true, GIVEN))
CASES(instance_norm){
    CASE("plain", instance_plain, V(2, 3, 4)),
    CASE("one of each", instance_plain, V(1, 1, 3)),
    CASE("running statistics move", instance_weight, V(2, 2, 3), V(2)),
    CASE("images", instance_both, V(2, 2, 2, 3), V(2), V(2)),
    CASE("given", instance_given, V(2, 3, 2), V(3), V(3)),
    CASE("given, no axis inside", instance_given, V(2, 3), V(3), V(3)),
    CASE("no rows", instance_both, V(0, 3, 2), V(3), V(3)),
    CASE("transposed", instance_both, T(2, 3, 2), V(3), V(3)),
    CASE("strided", instance_both, S(2, 3, 2), S(3), S(3)),
    CASE("flipped", instance_plain, F(2, 3, 3)),
    CASE("expanded", instance_both, E(2, 3, 2), E(3), E(3)),
    CASE("5-d", instance_plain, V(2, 2, 1, 2, 2)),
};
SAMPLES(instance_norm, { -2, 2 });

APPLY(group_plain, ag_group_norm(x[0], 2))
APPLY(group_both, ag_group_norm(x[0], 2, .weight = x[1], .bias = x[2], .eps = 0.1))
APPLY(group_bias, ag_group_norm(x[0], 3, .bias = x[1]))
CASES(group_norm){
    CASE("plain", group_plain, V(2, 4, 3)),
    CASE("columns", group_both, V(2, 4), V(4), V(4)),
    CASE("a channel each", group_bias, V(2, 3, 4), V(3)),
    CASE("images", group_both, V(2, 4, 2, 2), V(4), V(4)),
    CASE("no rows", group_both, V(0, 4, 2), V(4), V(4)),
    CASE("nothing inside", group_both, V(2, 4, 0), V(4), V(4)),
    CASE("transposed", group_both, T(2, 4, 2), V(4), V(4)),
    CASE("strided", group_both, S(2, 4, 2), S(4), S(4)),
    CASE("flipped", group_plain, F(2, 4, 2)),
    CASE("expanded", group_both, E(2, 4, 2), E(4), E(4)),
    CASE("5-d", group_plain, V(2, 2, 1, 2, 2)),
};
SAMPLES(group_norm, { -2, 2 });

APPLY(response, ag_local_response_norm(x[0], 3, .alpha = 0.5, .beta = 0.6, .k = 1.5))
APPLY(response_of_one, ag_local_response_norm(x[0], 1, .alpha = 1, .beta = 0.5))
APPLY(response_wide, ag_local_response_norm(x[0], 6))
CASES(local_response_norm){
    CASE("plain", response, V(2, 4, 3)),
    CASE("size 1", response, V(1, 1, 1)),
    CASE("of itself", response_of_one, V(2, 3, 2)),
    CASE("wider than the channels", response_wide, V(2, 3, 2)),
    CASE("nothing", response, V(2, 0, 3)),
    CASE("transposed", response, T(2, 4, 2)),
    CASE("strided", response, S(2, 4, 2)),
    CASE("flipped", response, F(2, 4, 2)),
    CASE("expanded", response, E(2, 4, 2)),
    CASE("5-d", response, V(1, 3, 2, 1, 2)),
};
SAMPLES(local_response_norm, { -2, 2 });

APPLY(unit_vectors, ag_normalize(x[0]))
APPLY(unit_first, ag_normalize(x[0], .p = 3, .axes = AG_AXES(0)))
APPLY(unit_1, ag_normalize(x[0], .p = 1, .axes = AG_AXES(-1)))
APPLY(unit_both, ag_normalize(x[0], .axes = AG_AXES(0, 1)))
APPLY(unit_limited, ag_normalize(x[0], .eps = 100, .axes = AG_AXES(-1)))
CASES(normalize){
    CASE("0-d", unit_limited, V0),
    CASE("size 1", unit_limited, V(1)),
    CASE("plain", unit_vectors, V(2, 3)),
    CASE("axis 0, p 3", unit_first, V(3, 2)),
    CASE("last axis, p 1", unit_1, V(2, 3, 2)),
    CASE("two axes", unit_both, V(2, 3)),
    CASE("limited", unit_limited, V(2, 3)),
    CASE("nothing", unit_vectors, V(2, 0)),
    CASE("transposed", unit_vectors, T(2, 3)),
    CASE("strided", unit_vectors, S(2, 3)),
    CASE("flipped", unit_vectors, F(2, 3)),
    CASE("expanded", unit_vectors, E(2, 3)),
    CASE("5-d", unit_vectors, V(2, 3, 1, 2, 1)),
};
SAMPLES(normalize, { 0.5, 2 });

APPLY(cosine_last, ag_cosine_similarity(x[0], x[1], -1))
APPLY(cosine_first, ag_cosine_similarity(x[0], x[1], 0))
/* With something whose slope is not 0, beside which rounding errors can be seen. */
APPLY(cosine_of_one, ag_add(ag_mul(x[0], x[1]), ag_cosine_similarity(x[0], x[1], 0)))
APPLY(cosine_itself, ag_add(x[0], ag_cosine_similarity(x[0], x[0], 0)))
CASES(cosine_similarity){
    CASE("0-d", cosine_of_one, V0, V0),
    CASE("size 1", cosine_of_one, V(1), V(1)),
    CASE("vectors", cosine_first, V(3), V(3)),
    CASE("of itself", cosine_itself, V(3)),
    CASE("plain", cosine_last, V(2, 3), V(2, 3)),
    CASE("broadcast left", cosine_last, V(3), V(2, 3)),
    CASE("broadcast right", cosine_first, V(3, 2), V(3, 1)),
    CASE("broadcast on both sides", cosine_last, V(2, 1, 3), V(2, 3)),
    CASE("nothing", cosine_first, V(2, 0), V(2, 0)),
    CASE("of no length", cosine_last, V(2, 0), V(2, 0)),
    CASE("transposed", cosine_last, T(2, 3), T(2, 3)),
    CASE("strided", cosine_last, S(2, 3), S(2, 3)),
    CASE("flipped", cosine_last, F(2, 3), F(2, 3)),
    CASE("expanded", cosine_last, E(2, 3), E(2, 3)),
    CASE("5-d", cosine_first, V(2, 1, 2, 1, 2), V(2, 1, 2, 1, 2)),
};
SAMPLES(cosine_similarity, { -2, 2 });
