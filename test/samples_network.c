/* samples_network.c - normalisation, embedding, attention. */
#include "samples.h"

APPLY(layer_plain, ag_layer_norm(x[0], 1))
APPLY(layer_two_axes, ag_layer_norm(x[0], 2))
APPLY(layer_weight, ag_layer_norm(x[0], 1, .weight = x[1]))
APPLY(layer_bias, ag_layer_norm(x[0], 1, .bias = x[1], .eps = 0.1))
APPLY(layer_both, ag_layer_norm(x[0], 1, .weight = x[1], .bias = x[2]))
APPLY(layer_both_two_axes, ag_layer_norm(x[0], 2, .weight = x[1], .bias = x[2], .eps = 0.01))
APPLY(layer_shared, ag_layer_norm(x[0], 1, .weight = x[1], .bias = x[1]))
CASES(layer_norm){
    CASE("one row", layer_both, V(5), V(5), V(5)),
    CASE("size 1", layer_bias, V(1, 1), V(1)),
    CASE("plain", layer_plain, V(3, 4)),
    CASE("two axes", layer_two_axes, V(2, 3, 4)),
    CASE("weight", layer_weight, V(3, 4), V(4)),
    CASE("bias", layer_bias, V(3, 4), V(4)),
    CASE("weight and bias", layer_both, V(3, 4), V(4), V(4)),
    CASE("weight and bias, two axes", layer_both_two_axes, V(2, 2, 3), V(2, 3), V(2, 3)),
    CASE("one tensor for both", layer_shared, V(3, 4), V(4)),
    CASE("longer than a vector", layer_both, V(2, 37), V(37), V(37)),
    CASE("no rows", layer_both, V(0, 4), V(4), V(4)),
    CASE("empty rows", layer_both, V(3, 0), V(0), V(0)),
    CASE("transposed", layer_both, T(3, 4), V(4), V(4)),
    CASE("strided", layer_both, S(3, 4), S(4), S(4)),
    CASE("flipped", layer_both, F(3, 4), F(4), F(4)),
    CASE("expanded", layer_both, E(3, 4), E(4), E(4)),
    CASE("weight transposed", layer_both_two_axes, V(2, 2, 3), T(2, 3), T(2, 3)),
    CASE("5-d", layer_both, V(2, 1, 2, 1, 3), V(3), V(3)),
};
SAMPLES(layer_norm, { -2, 2 });

APPLY(rms_plain, ag_rms_norm(x[0], 1))
APPLY(rms_two_axes, ag_rms_norm(x[0], 2, .eps = 0.1))
APPLY(rms_weight, ag_rms_norm(x[0], 1, .weight = x[1]))
APPLY(rms_weight_two_axes, ag_rms_norm(x[0], 2, .weight = x[1]))
CASES(rms_norm){
    CASE("one row", rms_weight, V(5), V(5)),
    CASE("size 1", rms_two_axes, V(1, 1)),
    CASE("plain", rms_plain, V(3, 4)),
    CASE("two axes", rms_two_axes, V(2, 3, 4)),
    CASE("weight", rms_weight, V(3, 4), V(4)),
    CASE("weight, two axes", rms_weight_two_axes, V(2, 2, 3), V(2, 3)),
    CASE("longer than a vector", rms_weight, V(2, 37), V(37)),
    CASE("no rows", rms_weight, V(0, 4), V(4)),
    CASE("empty rows", rms_weight, V(3, 0), V(0)),
    CASE("transposed", rms_weight, T(3, 4), V(4)),
    CASE("strided", rms_weight, S(3, 4), S(4)),
    CASE("flipped", rms_weight, F(3, 4), F(4)),
    CASE("expanded", rms_weight, E(3, 4), E(4)),
    CASE("5-d", rms_weight, V(2, 1, 2, 1, 3), V(3)),
};
SAMPLES(rms_norm, { -2, 2 });

/* A padding row has values but no gradient, which differences would not know: test_embedding.c has it. */
APPLY(rows, ag_embedding(x[0], x[1]))
APPLY(rows_i32, ag_embedding(x[0], ag_to(x[1], AG_I32)))
APPLY(rows_u8, ag_embedding(x[0], ag_to(x[1], AG_U8)))
CASES(embedding){
    CASE("one", rows, V(4, 3), I0(2, 3)),
    CASE("size 1", rows, V(1, 1), I(0, 1, 1)),
    CASE("no index", rows, V(4, 3), I(0, 4, 0)),
    CASE("no width", rows, V(4, 0), I(0, 4, 5)),
    CASE("1-d", rows, V(4, 3), I(0, 4, 7)),
    CASE("2-d", rows, V(4, 3), I(0, 4, 2, 3)),
    CASE("i32", rows_i32, V(4, 3), I(0, 4, 5)),
    CASE("u8", rows_u8, V(4, 3), I(0, 4, 5)),
    CASE("transposed", rows, T(4, 3), I(0, 4, 5)),
    CASE("strided", rows, S(4, 3), IS(0, 4, 5)),
    CASE("flipped", rows, F(4, 3), I(0, 4, 5)),
    CASE("expanded", rows, E(4, 3), I(0, 4, 5)),
    CASE("5-d", rows, V(4, 2), I(0, 4, 2, 1, 3, 1)),
};
SAMPLES(embedding, { -2, 2 });

APPLY(attend, ag_attention(x[0], x[1], x[2]))
APPLY(attend_causal, ag_attention(x[0], x[1], x[2], .causal = true))
APPLY(attend_scaled, ag_attention(x[0], x[1], x[2], .scale = 0.3))
APPLY(attend_masked, ag_attention(x[0], x[1], x[2], .mask = x[3]))
APPLY(attend_masked_causal, ag_attention(x[0], x[1], x[2], .mask = x[3], .causal = true))
/* Queries 1, 2 .. look nowhere. */
APPLY(attend_blind, ag_attention(x[0], x[1], x[2], .mask = ag_lt(ag_reshape(ag_arange(AG_I64, 0, 3, 1), 3, 1), 1.0)))
static ag_tensor *bias(const ag_tensor *q)
{
    return ag_to(ag_reshape(ag_linspace(AG_F64, -1, 1, 12), 3, 4), ag_dtype_of(q));
}
APPLY(attend_added, ag_attention(x[0], x[1], x[2], .mask = bias(x[0])))
APPLY(attend_dropout, (ag_seed(5), ag_attention(x[0], x[1], x[2], .dropout = 0.4, .causal = true)))
APPLY(attend_itself, ag_attention(x[0], x[0], x[0], .causal = true))
CASES(attention){
    CASE("2-d", attend, V(3, 2), V(4, 2), V(4, 3)),
    CASE("size 1", attend, V(1, 1), V(1, 1), V(1, 1)),
    CASE("heads", attend, V(2, 3, 2), V(2, 4, 2), V(2, 4, 3)),
    CASE("batches of heads", attend, V(2, 2, 2, 3), V(2, 2, 3, 3), V(2, 2, 3, 1)),
    CASE("causal", attend_causal, V(2, 4, 2), V(2, 4, 2), V(2, 4, 3)),
    CASE("causal, fewer keys", attend_causal, V(5, 2), V(3, 2), V(3, 2)),
    CASE("causal, more keys", attend_causal, V(2, 2), V(4, 2), V(4, 2)),
    CASE("scaled", attend_scaled, V(3, 2), V(4, 2), V(4, 2)),
    CASE("masked", attend_masked, V(2, 3, 2), V(2, 4, 2), V(2, 4, 2), B(2, 3, 4)),
    CASE("masked alike", attend_masked, V(2, 3, 2), V(2, 4, 2), V(2, 4, 2), B(3, 4)),
    CASE("masked by key, causal", attend_masked_causal, V(2, 3, 2), V(2, 4, 2), V(2, 4, 2), B(4)),
    CASE("looking nowhere", attend_blind, V(2, 3, 2), V(2, 4, 2), V(2, 4, 2)),
    CASE("with a constant added", attend_added, V(2, 3, 2), V(2, 4, 2), V(2, 4, 2)),
    CASE("with something learned added", attend_masked, V(2, 3, 2), V(2, 4, 2), V(2, 4, 2), V(2, 1, 4)),
    CASE("the same, causal", attend_masked_causal, V(2, 3, 2), V(2, 3, 2), V(2, 3, 2), V(3, 3)),
    CASE("dropout", attend_dropout, V(2, 3, 2), V(2, 3, 2), V(2, 3, 2)),
    CASE("grouped heads", attend, V(4, 3, 2), V(2, 3, 2), V(2, 3, 2)),
    CASE("grouped heads, masked, causal", attend_masked_causal, V(4, 3, 2), V(2, 3, 2), V(2, 3, 2), B(4, 3, 1)),
    CASE("grouped heads, something added", attend_masked, V(4, 2, 2), V(2, 3, 2), V(2, 3, 2), V(4, 1, 3)),
    CASE("one kv head", attend_causal, V(1, 3, 2, 2), V(1, 1, 3, 2), V(1, 1, 3, 2)),
    CASE("leading axes repeated left", attend, V(3, 2), V(2, 3, 2), V(2, 3, 2)),
    CASE("leading axes repeated right", attend, V(2, 2, 2, 2), V(3, 2), V(3, 2)),
    CASE("leading axes repeated on both sides", attend, V(2, 1, 2, 2), V(1, 2, 3, 2), V(3, 2)),
    CASE("no queries", attend, V(2, 0, 2), V(2, 3, 2), V(2, 3, 2)),
    CASE("no keys", attend, V(2, 3, 2), V(2, 0, 2), V(2, 0, 2)),
    CASE("no width", attend_scaled, V(2, 3, 0), V(2, 4, 0), V(2, 4, 2)),
    CASE("no result", attend, V(2, 3, 2), V(2, 4, 2), V(2, 4, 0)),
    CASE("no batch", attend, V(0, 2, 3, 2), V(0, 2, 3, 2), V(0, 2, 3, 2)),
    CASE("more queries than a block", attend_causal, V(66, 1), V(3, 1), V(3, 1)),
    CASE("more keys than a block", attend, V(2, 1), V(130, 1), V(130, 1)),
    CASE("of one tensor", attend_itself, V(2, 4, 2)),
    CASE("transposed", attend_causal, T(2, 3, 2), T(2, 3, 2), T(2, 3, 2)),
    CASE("strided", attend, S(2, 3, 2), S(2, 3, 2), S(2, 3, 2)),
    CASE("flipped", attend_masked, F(2, 3, 2), F(2, 4, 2), F(2, 4, 2), B(3, 4)),
    CASE("expanded", attend, E(2, 3, 2), E(2, 4, 2), E(2, 4, 2)),
    CASE("5-d", attend_causal, V(2, 1, 2, 2, 2), V(2, 1, 2, 3, 2), V(2, 1, 2, 3, 1)),
};
SAMPLES(attention, { -2, 2 });
