/* samples_shape.c - views, joining, copies. */
#include "samples.h"

APPLY(to_1d, ag_reshape(x[0], -1))
APPLY(to_4_3, ag_reshape(x[0], 4, 3))
APPLY(to_0d, ag_reshape(x[0]))
APPLY(to_1_1, ag_reshape(x[0], 1, 1))
APPLY(to_0_2, ag_reshape(x[0], 0, 2))
APPLY(to_5d, ag_reshape(x[0], 2, 1, 3, -1, 2))
CASES(reshape){
    CASE("0-d", to_1_1, V0),
    CASE("to 0-d", to_0d, V(1, 1)),
    CASE("empty", to_0_2, V(0, 3)),
    CASE("size 1", to_1_1, V(1)),
    CASE("2-d", to_4_3, V(3, 4)),
    CASE("flat", to_1d, V(3, 4)),
    CASE("transposed", to_1d, T(3, 4)),
    CASE("strided", to_4_3, S(3, 4)),
    CASE("flipped", to_1d, F(3, 4)),
    CASE("expanded", to_4_3, E(3, 4)),
    CASE("5-d", to_5d, V(4, 6)),
    CASE("from 5-d", to_1d, T(2, 1, 2, 2, 3)),
};
SAMPLES(reshape, { -2, 2 });

APPLY(expand_3_4, ag_expand(x[0], 3, 4))
APPLY(expand_front, ag_expand(x[0], 2, -1, -1))
APPLY(expand_keep, ag_expand(x[0], -1, 4))
APPLY(expand_5d, ag_expand(x[0], 2, -1, 2, -1, -1))
APPLY(expand_to_nothing, ag_expand(x[0], 0, 3))
CASES(expand){
    CASE("0-d", expand_3_4, V0),
    CASE("size 1", expand_3_4, V(1)),
    CASE("empty", expand_front, V(0, 3)),
    CASE("to nothing", expand_to_nothing, V(1, 3)),
    CASE("first axis", expand_3_4, V(1, 4)),
    CASE("last axis", expand_keep, V(3, 1)),
    CASE("new axis", expand_3_4, V(4)),
    CASE("front", expand_front, V(3, 2)),
    CASE("transposed", expand_front, T(3, 2)),
    CASE("strided", expand_3_4, S(4)),
    CASE("flipped", expand_front, F(3, 2)),
    CASE("expanded", expand_front, E(3, 2)),
    CASE("5-d", expand_5d, V(3, 1, 1, 2)),
};
SAMPLES(expand, { -2, 2 });

APPLY(permute_none, (ag_permute)(x[0], 0, NULL))
APPLY(permute_10, ag_permute(x[0], 1, 0))
APPLY(permute_201, ag_permute(x[0], 2, 0, 1))
APPLY(permute_5d, ag_permute(x[0], 3, 1, 4, 0, 2))
CASES(permute){
    CASE("0-d", permute_none, V0),
    CASE("empty", permute_10, V(0, 3)),
    CASE("size 1", permute_10, V(1, 1)),
    CASE("2-d", permute_10, V(3, 4)),
    CASE("3-d", permute_201, V(2, 3, 2)),
    CASE("negative", permute_201, V(2, 1, 3)),
    CASE("transposed", permute_201, T(2, 3, 2)),
    CASE("strided", permute_10, S(3, 4)),
    CASE("flipped", permute_10, F(3, 4)),
    CASE("expanded", permute_10, E(3, 4)),
    CASE("5-d", permute_5d, V(2, 1, 2, 3, 2)),
};
SAMPLES(permute, { -2, 2 });

APPLY(squeeze_0, ag_squeeze(x[0], 0))
APPLY(squeeze_last, ag_squeeze(x[0], -1))
APPLY(squeeze_1, ag_squeeze(x[0], 1))
CASES(squeeze){
    CASE("to 0-d", squeeze_0, V(1)),         CASE("empty", squeeze_0, V(1, 0)),
    CASE("first", squeeze_0, V(1, 4)),       CASE("last", squeeze_last, V(3, 1)),
    CASE("of 3-d", squeeze_0, V(1, 3, 2)),   CASE("transposed", squeeze_last, T(3, 1)),
    CASE("strided", squeeze_0, S(1, 4)),     CASE("flipped", squeeze_0, F(1, 4)),
    CASE("expanded", squeeze_1, E(3, 1, 2)), CASE("5-d", squeeze_1, V(2, 1, 3, 1, 2)),
};
SAMPLES(squeeze, { -2, 2 });

APPLY(unsqueeze_0, ag_unsqueeze(x[0], 0))
APPLY(unsqueeze_1, ag_unsqueeze(x[0], 1))
APPLY(unsqueeze_last, ag_unsqueeze(x[0], -1))
CASES(unsqueeze){
    CASE("0-d", unsqueeze_0, V0),
    CASE("empty", unsqueeze_1, V(0, 2)),
    CASE("size 1", unsqueeze_last, V(1)),
    CASE("first", unsqueeze_0, V(3, 2)),
    CASE("middle", unsqueeze_1, V(3, 2)),
    CASE("last", unsqueeze_last, V(3, 2)),
    CASE("transposed", unsqueeze_1, T(3, 2)),
    CASE("strided", unsqueeze_last, S(3, 2)),
    CASE("flipped", unsqueeze_0, F(3, 2)),
    CASE("expanded", unsqueeze_1, E(3, 2)),
    CASE("to 5-d", unsqueeze_1, V(2, 2, 1, 3)),
};
SAMPLES(unsqueeze, { -2, 2 });

APPLY(flip_first, ag_flip(x[0], 0))
APPLY(flip_last, ag_flip(x[0], -1))
APPLY(flip_outer, ag_flip(x[0], 0, 2))
CASES(flip){
    CASE("empty", flip_last, V(0, 3)),
    CASE("size 1", flip_first, V(1)),
    CASE("1-d", flip_first, V(5)),
    CASE("last", flip_last, V(3, 4)),
    CASE("two axes", flip_outer, V(2, 2, 3)),
    CASE("transposed", flip_first, T(3, 4)),
    CASE("strided", flip_last, S(3, 4)),
    CASE("flipped", flip_first, F(3, 4)),
    CASE("expanded", flip_last, E(3, 4)),
    CASE("5-d", flip_outer, V(2, 1, 3, 2, 2)),
};
SAMPLES(flip, { -2, 2 });

APPLY(transpose_01, ag_transpose(x[0], 0, 1))
APPLY(transpose_outer, ag_transpose(x[0], 0, -1))
APPLY(transpose_same, ag_transpose(x[0], 0, 0))
CASES(transpose){
    CASE("empty", transpose_01, V(0, 3)),       CASE("size 1", transpose_01, V(1, 1)),
    CASE("same axis", transpose_same, V(3)),    CASE("2-d", transpose_01, V(3, 4)),
    CASE("outer", transpose_outer, V(2, 3, 2)), CASE("transposed", transpose_01, T(3, 4)),
    CASE("strided", transpose_01, S(3, 4)),     CASE("flipped", transpose_01, F(3, 4)),
    CASE("expanded", transpose_01, E(3, 4)),    CASE("5-d", transpose_outer, V(2, 1, 2, 2, 3)),
};
SAMPLES(transpose, { -2, 2 });

APPLY(slice_first, ag_slice(x[0], 0, 1, 3))
APPLY(slice_last, ag_slice(x[0], -1, -3, -1))
APPLY(slice_clipped, ag_slice(x[0], 0, -100, 100))
APPLY(slice_none, ag_slice(x[0], 0, 2, 2))
APPLY(slice_middle, ag_slice(x[0], 2, 1, 3))
CASES(slice){
    CASE("empty", slice_first, V(0, 3)),         CASE("to nothing", slice_none, V(4, 2)),
    CASE("size 1", slice_clipped, V(1)),         CASE("first", slice_first, V(4, 3)),
    CASE("last", slice_last, V(3, 4)),           CASE("clipped", slice_clipped, V(3, 2)),
    CASE("transposed", slice_first, T(4, 3)),    CASE("strided", slice_last, S(3, 4)),
    CASE("flipped", slice_last, F(3, 4)),        CASE("expanded", slice_first, E(4, 3)),
    CASE("5-d", slice_middle, V(2, 1, 4, 2, 2)),
};
SAMPLES(slice, { -2, 2 });

APPLY(step_first, ag_slice_step(x[0], 0, 0, 5, 2))
APPLY(step_last, ag_slice_step(x[0], -1, 1, 100, 3))
APPLY(step_far, ag_slice_step(x[0], 0, 0, 100, 100))
APPLY(step_middle, ag_slice_step(x[0], 2, -3, 100, 2))
CASES(slice_step){
    CASE("empty", step_first, V(0, 3)),    CASE("size 1", step_far, V(1)),
    CASE("1-d", step_first, V(6)),         CASE("first", step_first, V(5, 2)),
    CASE("last", step_last, V(2, 7)),      CASE("transposed", step_first, T(5, 2)),
    CASE("strided", step_last, S(2, 7)),   CASE("flipped", step_last, F(2, 7)),
    CASE("expanded", step_first, E(5, 2)), CASE("5-d", step_middle, V(2, 1, 4, 2, 2)),
};
SAMPLES(slice_step, { -2, 2 });

APPLY(select_first, ag_select(x[0], 0, 1))
APPLY(select_last, ag_select(x[0], -1, -1))
APPLY(select_middle, ag_select(x[0], 2, 1))
APPLY(select_only, ag_select(x[0], 0, 0))
CASES(select){
    CASE("to 0-d", select_first, V(3)),      CASE("empty", select_last, V(0, 2)),
    CASE("size 1", select_only, V(1)),       CASE("first", select_first, V(3, 4)),
    CASE("last", select_last, V(3, 4)),      CASE("transposed", select_first, T(3, 4)),
    CASE("strided", select_last, S(3, 4)),   CASE("flipped", select_last, F(3, 4)),
    CASE("expanded", select_first, E(3, 4)), CASE("5-d", select_middle, V(2, 1, 3, 2, 2)),
};
SAMPLES(select, { -2, 2 });

/* ---- joining ---- */

APPLY(cat_one, ag_cat(AG_LIST(x[0]), 0))
APPLY(cat_first, ag_cat(AG_LIST(x[0], x[1]), 0))
APPLY(cat_last, ag_cat(AG_LIST(x[0], x[1], x[2]), -1))
APPLY(cat_twice, ag_cat(AG_LIST(x[0], x[1], x[0]), 0))
APPLY(cat_middle, ag_cat(AG_LIST(x[0], x[1]), 1))
CASES(cat){
    CASE("one", cat_one, V(3)),
    CASE("size 1", cat_first, V(1), V(1)),
    CASE("with nothing", cat_first, V(0, 2), V(3, 2)),
    CASE("all empty", cat_first, V(0, 2), V(0, 2)),
    CASE("first", cat_first, V(2, 3), V(1, 3)),
    CASE("three, last", cat_last, V(2, 1), V(2, 2), V(2, 3)),
    CASE("one twice", cat_twice, V(2, 2), V(1, 2)),
    CASE("transposed", cat_first, T(2, 3), V(2, 3)),
    CASE("strided", cat_first, V(2, 3), S(2, 3)),
    CASE("flipped", cat_last, F(2, 2), V(2, 1), F(2, 2)),
    CASE("expanded", cat_first, E(2, 3), E(1, 3)),
    CASE("5-d", cat_middle, V(2, 1, 1, 2, 2), V(2, 2, 1, 2, 2)),
};
SAMPLES(cat, { -2, 2 });

APPLY(stack_one, ag_stack(AG_LIST(x[0]), 0))
APPLY(stack_first, ag_stack(AG_LIST(x[0], x[1]), 0))
APPLY(stack_last, ag_stack(AG_LIST(x[0], x[1], x[2]), -1))
APPLY(stack_twice, ag_stack(AG_LIST(x[0], x[0]), 1))
CASES(stack){
    CASE("one", stack_one, V(3)),
    CASE("0-d", stack_first, V0, V0),
    CASE("size 1", stack_first, V(1), V(1)),
    CASE("empty", stack_first, V(0, 2), V(0, 2)),
    CASE("first", stack_first, V(2, 3), V(2, 3)),
    CASE("three, last", stack_last, V(2, 2), V(2, 2), V(2, 2)),
    CASE("one twice", stack_twice, V(2, 3)),
    CASE("transposed", stack_first, T(2, 3), V(2, 3)),
    CASE("strided", stack_first, V(2, 3), S(2, 3)),
    CASE("flipped", stack_last, F(2, 2), V(2, 2), F(2, 2)),
    CASE("expanded", stack_first, E(2, 3), V(2, 3)),
    CASE("to 5-d", stack_first, V(2, 1, 2, 2), V(2, 1, 2, 2)),
};
SAMPLES(stack, { -2, 2 });

/* ---- copies ---- */

#define COPY(op, expr)                             \
    APPLY(apply_##op, expr)                        \
    CASES(op){                                     \
        CASE("0-d", apply_##op, V0),               \
        CASE("empty", apply_##op, V(0, 3)),        \
        CASE("size 1", apply_##op, V(1)),          \
        CASE("2-d", apply_##op, V(3, 4)),          \
        CASE("transposed", apply_##op, T(3, 4)),   \
        CASE("strided", apply_##op, S(3, 4)),      \
        CASE("flipped", apply_##op, F(3, 4)),      \
        CASE("expanded", apply_##op, E(3, 4)),     \
        CASE("5-d", apply_##op, T(2, 1, 2, 2, 3)), \
    };                                             \
    SAMPLES(op, { -2, 2 })

/* f64 to f64 here; the f32 run of each sample converts from f32, and back on the way back. */
COPY(to, ag_to(x[0], AG_F64));
COPY(clone, ag_clone(x[0]));
COPY(contiguous, ag_contiguous(x[0]));
