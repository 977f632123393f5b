/* samples_index.c - indexing by integer tensors; indices repeat. */
#include "samples.h"

APPLY(take_first, ag_take(x[0], 0, x[1]))
APPLY(take_last, ag_take(x[0], -1, x[1]))
APPLY(take_middle, ag_take(x[0], 2, x[1]))
APPLY(take_i32, ag_take(x[0], 0, ag_to(x[1], AG_I32)))
APPLY(take_u8, ag_take(x[0], 0, ag_to(x[1], AG_U8)))
CASES(take){
    CASE("one", take_first, V(3), I0(1, 2)),
    CASE("size 1", take_first, V(1), I(0, 1, 1)),
    CASE("no index", take_first, V(3, 2), I(0, 1, 0)),
    CASE("empty rows", take_first, V(3, 0), I(0, 3, 4)),
    CASE("1-d", take_first, V(4), I(0, 4, 7)),
    CASE("rows", take_first, V(4, 3), I(0, 4, 5)),
    CASE("columns", take_last, V(3, 4), I(0, 4, 5)),
    CASE("2-d index", take_first, V(4, 3), I(0, 4, 2, 3)),
    CASE("2-d index, last", take_last, V(2, 4), I(0, 4, 2, 2)),
    CASE("i32", take_i32, V(4, 2), I(0, 4, 5)),
    CASE("u8", take_u8, V(4, 2), I(0, 4, 5)),
    CASE("transposed", take_first, T(4, 3), I(0, 4, 5)),
    CASE("strided", take_last, S(3, 4), IS(0, 4, 5)),
    CASE("flipped", take_first, F(4, 3), I(0, 4, 5)),
    CASE("expanded", take_last, E(3, 4), I(0, 4, 5)),
    CASE("5-d", take_middle, V(2, 1, 3, 2, 2), I(0, 3, 4)),
};
SAMPLES(take, { -2, 2 });

APPLY(gather_first, ag_gather(x[0], 0, x[1]))
APPLY(gather_last, ag_gather(x[0], -1, x[1]))
APPLY(gather_middle, ag_gather(x[0], 2, x[1]))
APPLY(gather_i32, ag_gather(x[0], 1, ag_to(x[1], AG_I32)))
CASES(gather){
    CASE("size 1", gather_first, V(1), I(0, 1, 1)),
    CASE("empty", gather_first, V(3, 2), I(0, 3, 0, 2)),
    CASE("1-d", gather_first, V(4), I(0, 4, 7)),
    CASE("first axis", gather_first, V(4, 3), I(0, 4, 5, 3)),
    CASE("last axis", gather_last, V(3, 4), I(0, 4, 3, 6)),
    CASE("smaller index", gather_last, V(3, 4), I(0, 4, 2, 2)),
    CASE("i32", gather_i32, V(3, 4), I(0, 4, 3, 2)),
    CASE("transposed", gather_last, T(3, 4), I(0, 4, 3, 2)),
    CASE("strided", gather_first, S(4, 3), IS(0, 4, 2, 3)),
    CASE("flipped", gather_last, F(3, 4), I(0, 4, 3, 5)),
    CASE("expanded", gather_last, E(3, 4), I(0, 4, 3, 2)),
    CASE("5-d", gather_middle, V(2, 1, 3, 2, 2), I(0, 3, 2, 1, 4, 2, 2)),
};
SAMPLES(gather, { -2, 2 });

APPLY(add_first, ag_index_add(x[0], 0, x[1], x[2]))
APPLY(add_last, ag_index_add(x[0], -1, x[1], x[2]))
APPLY(add_middle, ag_index_add(x[0], 2, x[1], x[2]))
APPLY(add_i32, ag_index_add(x[0], 0, ag_to(x[1], AG_I32), x[2]))
CASES(index_add){
    CASE("size 1", add_first, V(1), I(0, 1, 1), V(1)),
    CASE("no index", add_first, V(3, 2), I(0, 1, 0), V(0, 2)),
    CASE("empty rows", add_first, V(3, 0), I(0, 3, 4), V(4, 0)),
    CASE("1-d", add_first, V(4), I(0, 4, 7), V(7)),
    CASE("rows", add_first, V(4, 3), I(0, 4, 5), V(5, 3)),
    CASE("columns", add_last, V(2, 4), I(0, 4, 5), V(2, 5)),
    CASE("i32", add_i32, V(4, 2), I(0, 4, 5), V(5, 2)),
    CASE("transposed", add_first, T(4, 3), I(0, 4, 2), T(2, 3)),
    CASE("strided", add_first, S(4, 3), IS(0, 4, 2), S(2, 3)),
    CASE("flipped", add_last, F(2, 4), I(0, 4, 3), F(2, 3)),
    CASE("expanded", add_first, E(4, 3), I(0, 4, 2), E(2, 3)),
    CASE("5-d", add_middle, V(2, 1, 3, 2, 2), I(0, 3, 4), V(2, 1, 4, 2, 2)),
};
SAMPLES(index_add, { -2, 2 });

APPLY(scatter_first, ag_scatter_add(x[0], 0, x[1], x[2]))
APPLY(scatter_last, ag_scatter_add(x[0], -1, x[1], x[2]))
APPLY(scatter_middle, ag_scatter_add(x[0], 2, x[1], x[2]))
APPLY(scatter_i32, ag_scatter_add(x[0], 1, ag_to(x[1], AG_I32), x[2]))
CASES(scatter_add){
    CASE("size 1", scatter_first, V(1), I(0, 1, 1), V(1)),
    CASE("empty", scatter_first, V(3, 2), I(0, 3, 0, 2), V(0, 2)),
    CASE("1-d", scatter_first, V(4), I(0, 4, 7), V(7)),
    CASE("first axis", scatter_first, V(4, 3), I(0, 4, 5, 3), V(5, 3)),
    CASE("last axis", scatter_last, V(3, 4), I(0, 4, 3, 6), V(3, 6)),
    CASE("smaller index", scatter_last, V(3, 4), I(0, 4, 2, 2), V(2, 2)),
    CASE("i32", scatter_i32, V(3, 4), I(0, 4, 3, 2), V(3, 2)),
    CASE("transposed", scatter_last, T(3, 4), I(0, 4, 3, 2), T(3, 2)),
    CASE("strided", scatter_first, S(4, 3), IS(0, 4, 2, 3), S(2, 3)),
    CASE("flipped", scatter_last, F(3, 4), I(0, 4, 3, 2), F(3, 2)),
    CASE("expanded", scatter_last, E(3, 4), I(0, 4, 3, 2), E(3, 2)),
    CASE("5-d", scatter_middle, V(2, 1, 3, 2, 2), I(0, 3, 2, 1, 4, 2, 2), V(2, 1, 4, 2, 2)),
};
SAMPLES(scatter_add, { -2, 2 });
