/* samples_algebra.c - products of vectors and matrices, einsum, norms, distances. */
#include "samples.h"
#include <math.h>

/* ---- products ---- */

APPLY(apply_mm, ag_mm(x[0], x[1]))
CASES(mm){
    CASE("size 1", apply_mm, V(1, 1), V(1, 1)),     CASE("2-d", apply_mm, V(3, 4), V(4, 2)),
    CASE("no rows", apply_mm, V(0, 3), V(3, 2)),    CASE("empty inside", apply_mm, V(2, 0), V(0, 3)),
    CASE("transposed", apply_mm, T(3, 4), T(4, 2)), CASE("strided", apply_mm, S(3, 4), S(4, 2)),
    CASE("flipped", apply_mm, F(3, 4), F(4, 2)),    CASE("expanded", apply_mm, E(3, 4), E(4, 2)),
};
SAMPLES(mm, { -2, 2 });

APPLY(apply_bmm, ag_bmm(x[0], x[1]))
CASES(bmm){
    CASE("size 1", apply_bmm, V(1, 1, 1), V(1, 1, 1)),     CASE("3-d", apply_bmm, V(2, 3, 4), V(2, 4, 2)),
    CASE("no batch", apply_bmm, V(0, 3, 2), V(0, 2, 2)),   CASE("empty inside", apply_bmm, V(2, 2, 0), V(2, 0, 3)),
    CASE("transposed", apply_bmm, T(2, 3, 4), T(2, 4, 2)), CASE("strided", apply_bmm, S(2, 3, 4), S(2, 4, 2)),
    CASE("flipped", apply_bmm, F(2, 3, 4), F(2, 4, 2)),    CASE("expanded", apply_bmm, E(2, 3, 4), E(2, 4, 2)),
};
SAMPLES(bmm, { -2, 2 });

APPLY(apply_mv, ag_mv(x[0], x[1]))
CASES(mv){
    CASE("size 1", apply_mv, V(1, 1), V(1)),     CASE("2-d", apply_mv, V(3, 4), V(4)),
    CASE("no rows", apply_mv, V(0, 3), V(3)),    CASE("empty inside", apply_mv, V(2, 0), V(0)),
    CASE("transposed", apply_mv, T(3, 4), V(4)), CASE("strided", apply_mv, S(3, 4), S(4)),
    CASE("flipped", apply_mv, F(3, 4), F(4)),    CASE("expanded", apply_mv, E(3, 4), E(4)),
};
SAMPLES(mv, { -2, 2 });

APPLY(apply_dot, ag_dot(x[0], x[1]))
CASES(dot){
    CASE("size 1", apply_dot, V(1), V(1)),  CASE("1-d", apply_dot, V(5), V(5)),
    CASE("nothing", apply_dot, V(0), V(0)), CASE("strided", apply_dot, S(5), S(5)),
    CASE("flipped", apply_dot, F(5), F(5)), CASE("expanded", apply_dot, E(5), V(5)),
};
SAMPLES(dot, { -2, 2 });

APPLY(apply_outer, ag_outer(x[0], x[1]))
CASES(outer){
    CASE("size 1", apply_outer, V(1), V(1)),  CASE("1-d", apply_outer, V(3), V(2)),
    CASE("nothing", apply_outer, V(0), V(2)), CASE("strided", apply_outer, S(3), S(2)),
    CASE("flipped", apply_outer, F(3), F(2)), CASE("expanded", apply_outer, E(3), V(2)),
};
SAMPLES(outer, { -2, 2 });

APPLY(apply_inner, ag_inner(x[0], x[1]))
CASES(inner){
    CASE("0-d", apply_inner, V0, V0),
    CASE("a number", apply_inner, V0, V(2, 3)),
    CASE("size 1", apply_inner, V(1), V(1)),
    CASE("1-d", apply_inner, V(3), V(3)),
    CASE("2-d", apply_inner, V(2, 3), V(4, 3)),
    CASE("of different ranks", apply_inner, V(2, 2, 3), V(3)),
    CASE("no rows", apply_inner, V(0, 3), V(2, 3)),
    CASE("empty inside", apply_inner, V(2, 0), V(3, 0)),
    CASE("transposed", apply_inner, T(2, 3), T(4, 3)),
    CASE("strided", apply_inner, S(2, 3), S(4, 3)),
    CASE("flipped", apply_inner, F(2, 3), F(4, 3)),
    CASE("expanded", apply_inner, E(2, 3), E(4, 3)),
    CASE("5-d", apply_inner, V(2, 1, 2, 1, 3), V(2, 3)),
};
SAMPLES(inner, { -2, 2 });

APPLY(vecdot_last, ag_vecdot(x[0], x[1], -1))
APPLY(vecdot_0, ag_vecdot(x[0], x[1], 0))
CASES(vecdot){
    CASE("1-d", vecdot_last, V(3), V(3)),
    CASE("size 1", vecdot_last, V(1, 1), V(1, 1)),
    CASE("2-d", vecdot_last, V(2, 3), V(2, 3)),
    CASE("first axis", vecdot_0, V(2, 3), V(2, 3)),
    CASE("broadcast left", vecdot_last, V(3), V(2, 3)),
    CASE("broadcast right", vecdot_0, V(2, 3), V(3)),
    CASE("broadcast both", vecdot_last, V(2, 1, 3), V(1, 3, 3)),
    CASE("nothing", vecdot_last, V(2, 0), V(2, 0)),
    CASE("transposed", vecdot_last, T(2, 3), T(2, 3)),
    CASE("strided", vecdot_last, S(2, 3), S(2, 3)),
    CASE("flipped", vecdot_last, F(2, 3), F(2, 3)),
    CASE("expanded", vecdot_0, E(2, 3), V(2, 3)),
    CASE("5-d", vecdot_last, V(2, 1, 2, 1, 3), V(3)),
};
SAMPLES(vecdot, { -2, 2 });

APPLY(cross_last, ag_cross(x[0], x[1], -1))
APPLY(cross_0, ag_cross(x[0], x[1], 0))
CASES(cross){
    CASE("1-d", cross_last, V(3), V(3)),
    CASE("2-d", cross_last, V(2, 3), V(2, 3)),
    CASE("first axis", cross_0, V(3, 2), V(3, 2)),
    CASE("broadcast left", cross_last, V(1, 3), V(2, 3)),
    CASE("broadcast right", cross_0, V(3, 2), V(3, 1)),
    CASE("broadcast both", cross_last, V(2, 1, 3), V(1, 3, 3)),
    CASE("nothing", cross_last, V(0, 3), V(0, 3)),
    CASE("transposed", cross_last, T(2, 3), T(2, 3)),
    CASE("strided", cross_last, S(2, 3), S(2, 3)),
    CASE("flipped", cross_last, F(2, 3), F(2, 3)),
    CASE("expanded", cross_last, E(2, 3), V(2, 3)),
    CASE("5-d", cross_last, V(2, 1, 2, 1, 3), V(1, 1, 2, 1, 3)),
};
SAMPLES(cross, { -2, 2 });

APPLY(apply_kron, ag_kron(x[0], x[1]))
CASES(kron){
    CASE("0-d", apply_kron, V0, V0),
    CASE("a number", apply_kron, V(2), V0),
    CASE("size 1", apply_kron, V(1, 1), V(1, 1)),
    CASE("1-d", apply_kron, V(2), V(3)),
    CASE("2-d", apply_kron, V(2, 3), V(2, 2)),
    CASE("of different ranks", apply_kron, V(2, 1, 2), V(3)),
    CASE("nothing", apply_kron, V(0, 2), V(2, 2)),
    CASE("transposed", apply_kron, T(2, 3), T(2, 2)),
    CASE("strided", apply_kron, S(2, 3), S(2, 2)),
    CASE("flipped", apply_kron, F(2, 3), F(2, 2)),
    CASE("expanded", apply_kron, E(2, 3), V(2, 2)),
    CASE("4-d", apply_kron, V(2, 1, 2, 1), V(1, 2, 1, 2)),
};
SAMPLES(kron, { -2, 2 });

APPLY(apply_trace, ag_trace(x[0]))
CASES(trace){
    CASE("size 1", apply_trace, V(1, 1)),   CASE("square", apply_trace, V(3, 3)),
    CASE("wide", apply_trace, V(2, 4)),     CASE("tall", apply_trace, V(4, 2)),
    CASE("nothing", apply_trace, V(0, 3)),  CASE("transposed", apply_trace, T(3, 2)),
    CASE("strided", apply_trace, S(3, 3)),  CASE("flipped", apply_trace, F(2, 3)),
    CASE("expanded", apply_trace, E(3, 3)),
};
SAMPLES(trace, { -2, 2 });

/* ---- products added to something ---- */

APPLY(apply_addmm, ag_addmm(x[0], x[1], x[2]))
APPLY(weighed_addmm, ag_addmm(x[0], x[1], x[2], .beta = 0.5, .alpha = -2))
APPLY(addmm_of_nothing, ag_addmm(x[0], x[1], x[2], .beta = AG_ZERO))
CASES(addmm){
    CASE("size 1", apply_addmm, V(1, 1), V(1, 1), V(1, 1)),
    CASE("2-d", apply_addmm, V(3, 2), V(3, 4), V(4, 2)),
    CASE("weights", weighed_addmm, V(3, 2), V(3, 4), V(4, 2)),
    CASE("beta 0", addmm_of_nothing, V(3, 2), V(3, 4), V(4, 2)),
    CASE("broadcast left", weighed_addmm, V(2), V(3, 4), V(4, 2)),
    CASE("broadcast 0-d", weighed_addmm, V0, V(3, 4), V(4, 2)),
    CASE("no rows", apply_addmm, V(0, 2), V(0, 4), V(4, 2)),
    CASE("empty inside", apply_addmm, V(2, 3), V(2, 0), V(0, 3)),
    CASE("transposed", apply_addmm, T(3, 2), T(3, 4), T(4, 2)),
    CASE("strided", weighed_addmm, S(3, 2), S(3, 4), S(4, 2)),
    CASE("flipped", apply_addmm, F(3, 2), F(3, 4), F(4, 2)),
    CASE("expanded", apply_addmm, E(3, 2), E(3, 4), E(4, 2)),
};
SAMPLES(addmm, { -2, 2 });

APPLY(apply_addmv, ag_addmv(x[0], x[1], x[2], .beta = 0.5, .alpha = -2))
CASES(addmv){
    CASE("size 1", apply_addmv, V(1), V(1, 1), V(1)),         CASE("2-d", apply_addmv, V(3), V(3, 4), V(4)),
    CASE("broadcast left", apply_addmv, V(1), V(3, 4), V(4)), CASE("no rows", apply_addmv, V(0), V(0, 4), V(4)),
    CASE("empty inside", apply_addmv, V(2), V(2, 0), V(0)),   CASE("transposed", apply_addmv, V(3), T(3, 4), V(4)),
    CASE("strided", apply_addmv, S(3), S(3, 4), S(4)),        CASE("flipped", apply_addmv, F(3), F(3, 4), F(4)),
    CASE("expanded", apply_addmv, E(3), E(3, 4), E(4)),
};
SAMPLES(addmv, { -2, 2 });

APPLY(apply_addr, ag_addr(x[0], x[1], x[2], .beta = 0.5, .alpha = -2))
CASES(addr){
    CASE("size 1", apply_addr, V(1, 1), V(1), V(1)),      CASE("2-d", apply_addr, V(3, 2), V(3), V(2)),
    CASE("broadcast left", apply_addr, V(2), V(3), V(2)), CASE("nothing", apply_addr, V(0, 2), V(0), V(2)),
    CASE("transposed", apply_addr, T(3, 2), V(3), V(2)),  CASE("strided", apply_addr, S(3, 2), S(3), S(2)),
    CASE("flipped", apply_addr, F(3, 2), F(3), F(2)),     CASE("expanded", apply_addr, E(3, 2), E(3), V(2)),
};
SAMPLES(addr, { -2, 2 });

APPLY(apply_baddbmm, ag_baddbmm(x[0], x[1], x[2], .beta = 0.5, .alpha = -2))
CASES(baddbmm){
    CASE("size 1", apply_baddbmm, V(1, 1, 1), V(1, 1, 1), V(1, 1, 1)),
    CASE("3-d", apply_baddbmm, V(2, 3, 2), V(2, 3, 4), V(2, 4, 2)),
    CASE("broadcast left", apply_baddbmm, V(3, 1), V(2, 3, 4), V(2, 4, 2)),
    CASE("no batch", apply_baddbmm, V(0, 3, 2), V(0, 3, 4), V(0, 4, 2)),
    CASE("empty inside", apply_baddbmm, V(2, 2, 3), V(2, 2, 0), V(2, 0, 3)),
    CASE("transposed", apply_baddbmm, T(2, 3, 2), T(2, 3, 2), T(2, 2, 2)),
    CASE("strided", apply_baddbmm, S(2, 3, 2), S(2, 3, 2), S(2, 2, 2)),
    CASE("flipped", apply_baddbmm, F(2, 3, 2), F(2, 3, 2), F(2, 2, 2)),
    CASE("expanded", apply_baddbmm, E(2, 3, 2), E(2, 3, 2), E(2, 2, 2)),
};
SAMPLES(baddbmm, { -2, 2 });

APPLY(apply_addbmm, ag_addbmm(x[0], x[1], x[2], .beta = 0.5, .alpha = -2))
CASES(addbmm){
    CASE("size 1", apply_addbmm, V(1, 1), V(1, 1, 1), V(1, 1, 1)),
    CASE("3-d", apply_addbmm, V(3, 2), V(2, 3, 4), V(2, 4, 2)),
    CASE("broadcast left", apply_addbmm, V(2), V(2, 3, 4), V(2, 4, 2)),
    CASE("no batch", apply_addbmm, V(3, 2), V(0, 3, 4), V(0, 4, 2)),
    CASE("empty inside", apply_addbmm, V(2, 3), V(2, 2, 0), V(2, 0, 3)),
    CASE("transposed", apply_addbmm, T(3, 2), T(2, 3, 2), T(2, 2, 2)),
    CASE("strided", apply_addbmm, S(3, 2), S(2, 3, 2), S(2, 2, 2)),
    CASE("flipped", apply_addbmm, F(3, 2), F(2, 3, 2), F(2, 2, 2)),
    CASE("expanded", apply_addbmm, E(3, 2), E(2, 3, 2), E(2, 2, 2)),
};
SAMPLES(addbmm, { -2, 2 });

APPLY(chain_of_2, ag_multi_dot(AG_LIST(x[0], x[1])))
APPLY(chain_of_3, ag_multi_dot(AG_LIST(x[0], x[1], x[2])))
APPLY(chain_of_4, ag_multi_dot(AG_LIST(x[0], x[1], x[2], x[3])))
CASES(multi_dot){
    CASE("size 1", chain_of_2, V(1, 1), V(1, 1)),
    CASE("2", chain_of_2, V(2, 3), V(3, 2)),
    CASE("3", chain_of_3, V(2, 3), V(3, 2), V(2, 4)),
    CASE("4", chain_of_4, V(2, 3), V(3, 2), V(2, 1), V(1, 2)),
    CASE("vector first", chain_of_3, V(3), V(3, 2), V(2, 2)),
    CASE("vector last", chain_of_3, V(2, 3), V(3, 2), V(2)),
    CASE("vectors", chain_of_2, V(3), V(3)),
    CASE("nothing", chain_of_3, V(0, 3), V(3, 2), V(2, 2)),
    CASE("empty inside", chain_of_2, V(2, 0), V(0, 3)),
    CASE("transposed", chain_of_2, T(2, 3), T(3, 2)),
    CASE("strided", chain_of_2, S(2, 3), S(3, 2)),
    CASE("flipped", chain_of_2, F(2, 3), F(3, 2)),
    CASE("expanded", chain_of_2, E(2, 3), E(3, 2)),
};
SAMPLES(multi_dot, { -2, 2 });

APPLY(with_bias, ag_bilinear(x[0], x[1], x[2], x[3]))
APPLY(without_bias, ag_bilinear(x[0], x[1], x[2], NULL))
CASES(bilinear){
    CASE("one", with_bias, V(3), V(2), V(2, 3, 2), V(2)),
    CASE("size 1", with_bias, V(1, 1), V(1, 1), V(1, 1, 1), V(1)),
    CASE("2-d", with_bias, V(2, 3), V(2, 2), V(2, 3, 2), V(2)),
    CASE("no bias", without_bias, V(2, 3), V(2, 2), V(2, 3, 2)),
    CASE("nobody", with_bias, V(0, 3), V(0, 2), V(2, 3, 2), V(2)),
    CASE("no inputs", with_bias, V(2, 0), V(2, 2), V(2, 0, 2), V(2)),
    CASE("transposed", with_bias, T(2, 3), T(2, 2), T(2, 3, 2), V(2)),
    CASE("strided", with_bias, S(2, 3), S(2, 2), S(2, 3, 2), S(2)),
    CASE("flipped", with_bias, F(2, 3), F(2, 2), F(2, 3, 2), F(2)),
    CASE("expanded", with_bias, E(2, 3), E(2, 2), E(2, 3, 2), E(2)),
    CASE("5-d", without_bias, V(2, 1, 1, 2, 2), V(2, 1, 1, 2, 2), V(1, 2, 2)),
};
SAMPLES(bilinear, { -2, 2 });

/* ---- tensordot, einsum ---- */

APPLY(dot_0, ag_tensordot(x[0], x[1], 0, NULL, NULL))
APPLY(dot_1, ag_tensordot(x[0], x[1], 1, NULL, NULL))
APPLY(dot_2, ag_tensordot(x[0], x[1], 2, NULL, NULL))
APPLY(dot_crossed, ag_tensordot(x[0], x[1], 2, (int[]){ 0, -1 }, (int[]){ 1, 0 }))
CASES(tensordot){
    CASE("0-d", dot_0, V0, V0),
    CASE("size 1", dot_1, V(1), V(1)),
    CASE("1-d", dot_1, V(3), V(3)),
    CASE("no axes", dot_0, V(2), V(2, 2)),
    CASE("one", dot_1, V(2, 3), V(3, 2)),
    CASE("two", dot_2, V(2, 3, 2), V(3, 2, 2)),
    CASE("crossed", dot_crossed, V(2, 3, 4), V(4, 2, 3)),
    CASE("1 beside 3", dot_1, V(2, 3), V(1, 2)),
    CASE("3 beside 1", dot_1, V(2, 1), V(3, 2)),
    CASE("nothing", dot_1, V(0, 3), V(3, 2)),
    CASE("empty inside", dot_1, V(2, 0), V(0, 2)),
    CASE("transposed", dot_crossed, T(2, 3, 4), T(4, 2, 3)),
    CASE("strided", dot_1, S(2, 3), S(3, 2)),
    CASE("flipped", dot_1, F(2, 3), F(3, 2)),
    CASE("expanded", dot_1, E(2, 3), E(3, 2)),
    CASE("5-d", dot_2, V(2, 1, 2, 1, 3), V(1, 3, 2)),
};
SAMPLES(tensordot, { -2, 2 });

#define EINSUM_1(id, text) APPLY(id, ag_einsum(text, AG_LIST(x[0])))
#define EINSUM_2(id, text) APPLY(id, ag_einsum(text, AG_LIST(x[0], x[1])))
#define EINSUM_3(id, text) APPLY(id, ag_einsum(text, AG_LIST(x[0], x[1], x[2])))
EINSUM_1(einsum_number, "->")
EINSUM_1(einsum_copy, "ij->ij")
EINSUM_1(einsum_turn, "ij->ji")
EINSUM_1(einsum_sum, "ij->")
EINSUM_1(einsum_trace, "ii")
EINSUM_1(einsum_diagonal, "ii->i")
EINSUM_1(einsum_middle, "iji->j")
EINSUM_1(einsum_three, "iii->i")
EINSUM_1(einsum_dots, "...ij -> ...ji")
EINSUM_1(einsum_alphabet, "ba")
EINSUM_2(einsum_matmul, "ij,jk")
EINSUM_2(einsum_outer, "i,j->ij")
EINSUM_2(einsum_batch, "bij,bjk->bik")
EINSUM_2(einsum_dots_both, "...ik, ...j -> ij")
EINSUM_2(einsum_dots_keep, "...ij,...jk->...ik")
EINSUM_2(einsum_elements, "ij,ij->ij")
EINSUM_2(einsum_mixed, "abc,cbd->da")
EINSUM_3(einsum_chain, "ij,jk,kl->il")
EINSUM_3(einsum_bilinear, "bi,oij,bj->bo")
EINSUM_3(einsum_late, "i,ij,i->j")
CASES(einsum){
    CASE("0-d", einsum_number, V0),
    CASE("copy", einsum_copy, V(2, 3)),
    CASE("turned", einsum_turn, V(2, 3)),
    CASE("sum", einsum_sum, V(2, 3)),
    CASE("trace", einsum_trace, V(3, 3)),
    CASE("diagonal", einsum_diagonal, V(3, 3)),
    CASE("diagonal about the middle", einsum_middle, V(2, 3, 2)),
    CASE("diagonal of three", einsum_three, V(3, 3, 3)),
    CASE("dots", einsum_dots, V(2, 2, 3)),
    CASE("in the alphabet's order", einsum_alphabet, V(2, 3)),
    CASE("product", einsum_matmul, V(2, 3), V(3, 2)),
    CASE("size 1", einsum_matmul, V(1, 1), V(1, 1)),
    CASE("outer", einsum_outer, V(2), V(3)),
    CASE("batch", einsum_batch, V(2, 2, 3), V(2, 3, 2)),
    CASE("broadcast left", einsum_dots_keep, V(2, 3), V(2, 3, 2)),
    CASE("broadcast right", einsum_dots_keep, V(2, 2, 3), V(3, 2)),
    CASE("broadcast 1", einsum_matmul, V(2, 1), V(3, 2)),
    CASE("dots summed", einsum_dots_both, V(2, 2, 3), V(2, 3)),
    CASE("elements", einsum_elements, V(2, 3), V(2, 3)),
    CASE("mixed", einsum_mixed, V(2, 3, 2), V(2, 3, 2)),
    CASE("three", einsum_chain, V(2, 3), V(3, 2), V(2, 2)),
    CASE("bilinear", einsum_bilinear, V(2, 3), V(2, 3, 2), V(2, 2)),
    CASE("a label wanted later", einsum_late, V(3), V(3, 2), V(3)),
    CASE("nothing", einsum_matmul, V(0, 3), V(3, 2)),
    CASE("empty inside", einsum_matmul, V(2, 0), V(0, 2)),
    CASE("transposed", einsum_matmul, T(2, 3), T(3, 2)),
    CASE("strided", einsum_batch, S(2, 2, 3), S(2, 3, 2)),
    CASE("flipped", einsum_mixed, F(2, 3, 2), F(2, 3, 2)),
    CASE("expanded", einsum_trace, E(3, 3)),
    CASE("5-d", einsum_dots_keep, V(2, 1, 2, 2, 3), V(2, 3, 2)),
};
SAMPLES(einsum, { -2, 2 });

/* ---- norms ---- */

APPLY(euclidean, ag_norm(x[0]))
APPLY(euclidean_last, ag_norm(x[0], -1))
APPLY(euclidean_keep, ag_norm_keep(x[0], 0, -1))
CASES(norm){
    CASE("0-d", euclidean, V0),
    CASE("size 1", euclidean, V(1)),
    CASE("1-d", euclidean, V(5)),
    CASE("2-d", euclidean, V(2, 3)),
    CASE("last", euclidean_last, V(2, 3)),
    CASE("kept", euclidean_keep, V(2, 3, 2)),
    CASE("nothing left", euclidean_last, V(0, 3)),
    CASE("transposed", euclidean_last, T(2, 3)),
    CASE("strided", euclidean_last, S(2, 3)),
    CASE("flipped", euclidean_last, F(2, 3)),
    CASE("expanded", euclidean_last, E(2, 3)),
    CASE("5-d", euclidean_keep, V(2, 1, 2, 1, 3)),
};
SAMPLES(norm, { -2, 2 });

#define P_NORM(id, p) APPLY(id, ag_vector_norm(x[0], p))
P_NORM(norm_0, 0)
P_NORM(norm_half, 0.5)
P_NORM(norm_1, 1)
P_NORM(norm_1_5, 1.5)
P_NORM(norm_2, 2)
P_NORM(norm_3, 3)
P_NORM(norm_inf, INFINITY)
P_NORM(norm_minus_1, -1)
P_NORM(norm_minus_2_5, -2.5)
P_NORM(norm_minus_inf, -INFINITY)
APPLY(norm_3_last, ag_vector_norm(x[0], 3, .axes = AG_AXES(-1)))
APPLY(norm_2_two, ag_vector_norm(x[0], 2, .axes = AG_AXES(0, 2), .keep = true))
APPLY(norm_inf_first, ag_vector_norm(x[0], INFINITY, .axes = AG_AXES(0)))
APPLY(norm_large, ag_vector_norm(ag_mul(x[0], 1e12), 3))
CASES(vector_norm){
    CASE("0-d", norm_3, V0),
    CASE("0-d, an axis", norm_3_last, V0),
    CASE("size 1", norm_2, V(1)),
    CASE("p 0", norm_0, V(2, 3)),
    CASE("p 0.5", norm_half, V(5)),
    CASE("p 1", norm_1, V(2, 3)),
    CASE("p 1.5", norm_1_5, V(5)),
    CASE("p 2", norm_2, V(2, 3)),
    CASE("p 3", norm_3, V(2, 3)),
    CASE("p inf", norm_inf, V(2, 3)),
    CASE("p -1", norm_minus_1, V(5)),
    CASE("p -2.5", norm_minus_2_5, V(5)),
    CASE("p -inf", norm_minus_inf, V(2, 3)),
    CASE("powers overflow in f32", norm_large, V(5)),
    CASE("nothing", norm_2, V(0)),
    CASE("nothing left", norm_3_last, V(0, 3)),
    CASE("last", norm_3_last, V(2, 3)),
    CASE("two axes kept", norm_2_two, V(2, 3, 2)),
    CASE("inf, first", norm_inf_first, V(2, 3)),
    CASE("transposed", norm_3_last, T(2, 3)),
    CASE("strided", norm_3_last, S(2, 3)),
    CASE("flipped", norm_3_last, F(2, 3)),
    CASE("expanded", norm_3_last, E(2, 3)),
    CASE("5-d", norm_2_two, V(2, 1, 2, 1, 3)),
};
SAMPLES(vector_norm, { 0.2, 2.2 });

/* Rows and columns of different sizes, so that the extreme is one. */
static ag_tensor *uneven(ag_tensor *x)
{
    ag_dtype dtype = ag_dtype_of(x);
    ag_tensor *rows = ag_arange(dtype, 1, (double)ag_size(x, -2) + 1, 1);
    return ag_mul(x, ag_unsqueeze(rows, -1));
}
#define MATRIX_NORM(id, p) APPLY(id, ag_matrix_norm(uneven(x[0]), p))
MATRIX_NORM(largest_column, 1)
MATRIX_NORM(smallest_column, -1)
MATRIX_NORM(largest_row, INFINITY)
MATRIX_NORM(smallest_row, -INFINITY)
MATRIX_NORM(largest_value, 2)
MATRIX_NORM(smallest_value, -2)
APPLY(column_of_axes, ag_matrix_norm(x[0], 1, .axes = AG_AXES(2, 0), .keep = true))
APPLY(row_of_axes, ag_matrix_norm(x[0], INFINITY, .axes = AG_AXES(0, 1)))
APPLY(value_of_axes, ag_matrix_norm(x[0], 2, .axes = AG_AXES(2, 0), .keep = true))
#define NORMS(first)                                                                                            \
    CASE("size 1", first, V(1, 1)), CASE("square", first, V(3, 3)), CASE("wide", first, V(2, 3)),               \
        CASE("tall", first, V(3, 2)), CASE("batch", first, V(2, 3, 2)), CASE("no matrices", first, V(0, 2, 2)), \
        CASE("transposed", first, T(3, 2)), CASE("strided", first, S(3, 2)), CASE("flipped", first, F(3, 2)),   \
        CASE("5-d", first, V(2, 1, 1, 3, 2))
CASES(matrix_norm){ NORMS(largest_column),
                    CASE("expanded", largest_value, E(3, 2)),
                    CASE("p -1", smallest_column, V(3, 2)),
                    CASE("p inf", largest_row, V(3, 2)),
                    CASE("p -inf", smallest_row, V(3, 2)),
                    CASE("p 2", largest_value, V(3, 2)),
                    CASE("p -2", smallest_value, V(2, 3)),
                    CASE("axes 2 and 0, kept", column_of_axes, V(2, 3, 2)),
                    CASE("axes 0 and 1, inf", row_of_axes, V(2, 3, 2)),
                    CASE("axes 2 and 0, 2", value_of_axes, V(2, 3, 2)) };
SAMPLES(matrix_norm, { 0.2, 2.2 });

APPLY(frobenius, ag_frobenius_norm(x[0]))
APPLY(frobenius_of_axes, ag_frobenius_norm(x[0], .axes = AG_AXES(0, -1), .keep = true))
CASES(frobenius_norm){ NORMS(frobenius), CASE("expanded", frobenius, E(3, 2)),
                       CASE("axes", frobenius_of_axes, V(2, 3, 2)) };
SAMPLES(frobenius_norm, { -2, 2 });

APPLY(nuclear, ag_nuclear_norm(uneven(x[0])))
APPLY(nuclear_of_axes, ag_nuclear_norm(x[0], .axes = AG_AXES(0, -1), .keep = true))
CASES(nuclear_norm){ NORMS(nuclear), CASE("axes", nuclear_of_axes, V(2, 3, 2)) };
SAMPLES(nuclear_norm, { -2, 2 });

static ag_tensor *steady(ag_tensor *x)
{
    return ag_add(ag_mul(x, 0.25), ag_mul(ag_eye(ag_dtype_of(x), ag_size(x, -1)),
                                          ag_arange(ag_dtype_of(x), 2, 2 * (double)ag_size(x, -1) + 2, 2)));
}
APPLY(condition_1, ag_cond(steady(x[0]), 1))
APPLY(condition_2, ag_cond(steady(x[0]), 2))
APPLY(condition_minus_2, ag_cond(steady(x[0]), -2))
APPLY(condition_inf, ag_cond(steady(x[0]), -INFINITY))
APPLY(condition_of_any, ag_cond(uneven(x[0]), 2))
CASES(cond){
    CASE("1", condition_1, V(3, 3)),
    CASE("2", condition_2, V(3, 3)),
    CASE("-2", condition_minus_2, V(3, 3)),
    CASE("-inf", condition_inf, V(3, 3)),
    CASE("tall", condition_of_any, V(3, 2)),
    CASE("batch", condition_1, V(2, 2, 2)),
    CASE("no matrices", condition_2, V(0, 2, 2)),
    CASE("transposed", condition_2, T(3, 3)),
    CASE("strided", condition_1, S(3, 3)),
    CASE("flipped", condition_2, F(3, 3)),
    CASE("expanded", condition_2, E(3, 3)),
    CASE("5-d", condition_2, V(2, 1, 1, 2, 2)),
};
SAMPLES(cond, { -1, 1 });

/* ---- distances ---- */

APPLY(dist_2, ag_dist(x[0], x[1], 2))
APPLY(dist_3, ag_dist(x[0], x[1], 3))
CASES(dist){
    CASE("0-d", dist_3, V0, V0),
    CASE("size 1", dist_2, V(1), V(1)),
    CASE("2-d", dist_3, V(2, 3), V(2, 3)),
    CASE("broadcast left", dist_2, V(3), V(2, 3)),
    CASE("broadcast right", dist_3, V(2, 3), V0),
    CASE("broadcast both", dist_2, V(2, 1), V(1, 3)),
    CASE("nothing", dist_2, V(0), V(0)),
    CASE("transposed", dist_2, T(2, 3), V(2, 3)),
    CASE("strided", dist_2, S(2, 3), S(2, 3)),
    CASE("flipped", dist_2, F(2, 3), V(2, 3)),
    CASE("expanded", dist_2, E(2, 3), V(2, 3)),
    CASE("5-d", dist_2, V(2, 1, 2, 1, 3), V(3)),
};
SAMPLES(dist, { -2, 2 });

APPLY(pairwise, ag_pairwise_distance(x[0], x[1]))
APPLY(pairwise_3, ag_pairwise_distance(x[0], x[1], .p = 3, .eps = 0.01, .keep = true))
CASES(pairwise_distance){
    CASE("size 1", pairwise, V(1), V(1)),
    CASE("1-d", pairwise, V(3), V(3)),
    CASE("2-d", pairwise, V(2, 3), V(2, 3)),
    CASE("p 3, kept", pairwise_3, V(2, 3), V(2, 3)),
    CASE("broadcast left", pairwise, V(3), V(2, 3)),
    CASE("broadcast right", pairwise_3, V(2, 3), V(1, 3)),
    CASE("no pairs", pairwise, V(0, 3), V(0, 3)),
    CASE("transposed", pairwise, T(2, 3), V(2, 3)),
    CASE("strided", pairwise, S(2, 3), S(2, 3)),
    CASE("flipped", pairwise, F(2, 3), V(2, 3)),
    CASE("expanded", pairwise, E(2, 3), V(2, 3)),
    CASE("5-d", pairwise, V(2, 1, 2, 1, 3), V(3)),
};
SAMPLES(pairwise_distance, { -2, 2 });

APPLY(cdist_2, ag_cdist(x[0], x[1], 2))
APPLY(cdist_1, ag_cdist(x[0], x[1], 1))
APPLY(cdist_3, ag_cdist(x[0], x[1], 3))
CASES(cdist){
    CASE("size 1", cdist_2, V(1, 1), V(1, 1)),
    CASE("p 2", cdist_2, V(2, 3), V(4, 3)),
    CASE("p 1", cdist_1, V(2, 3), V(4, 3)),
    CASE("p 3", cdist_3, V(2, 3), V(4, 3)),
    CASE("batch", cdist_2, V(2, 2, 3), V(2, 3, 3)),
    CASE("broadcast left", cdist_2, V(2, 3), V(2, 2, 3)),
    CASE("broadcast right", cdist_2, V(2, 2, 3), V(2, 3)),
    CASE("nothing", cdist_2, V(0, 3), V(2, 3)),
    CASE("no coordinates", cdist_2, V(2, 0), V(3, 0)),
    CASE("transposed", cdist_2, T(2, 3), T(4, 3)),
    CASE("strided", cdist_2, S(2, 3), S(4, 3)),
    CASE("flipped", cdist_2, F(2, 3), F(4, 3)),
    CASE("expanded", cdist_2, E(2, 3), V(4, 3)),
    CASE("5-d", cdist_2, V(2, 1, 1, 2, 3), V(2, 3)),
};
SAMPLES(cdist, { -2, 2 });

APPLY(covariance, ag_cov(x[0]))
APPLY(covariance_0, ag_cov(x[0], .correction = AG_ZERO))
APPLY(counted, ag_cov(x[0], .fweights = x[1]))
APPLY(weighted, ag_cov(x[0], .aweights = ag_square(x[1])))
APPLY(counted_and_weighted, ag_cov(x[0], .fweights = x[1], .aweights = ag_square(x[2])))
CASES(cov){
    CASE("0-d", covariance_0, V0),
    CASE("one variable", covariance, V(5)),
    CASE("a row", covariance, V(1, 4)),
    CASE("2-d", covariance, V(2, 4)),
    CASE("correction 0", covariance_0, V(2, 4)),
    CASE("counts", counted, V(2, 4), I(1, 4, 4)),
    CASE("weights", weighted, V(2, 4), V(4)),
    CASE("counts and weights", counted_and_weighted, V(2, 4), I(1, 4, 4), V(4)),
    CASE("no variables", covariance, V(0, 3)),
    CASE("transposed", covariance, T(2, 4)),
    CASE("strided", covariance, S(2, 4)),
    CASE("flipped", covariance, F(2, 4)),
    CASE("expanded", covariance, E(2, 4)),
};
SAMPLES(cov, { -2, 2 });

APPLY(correlation, ag_corrcoef(x[0]))
APPLY(off_diagonal, ag_select(ag_select(ag_corrcoef(x[0]), 0, 0), 0, 1))
CASES(corrcoef){
    CASE("one variable", correlation, V(5)),    CASE("2-d", off_diagonal, V(2, 4)),
    CASE("3 variables", off_diagonal, V(3, 4)), CASE("no variables", correlation, V(0, 3)),
    CASE("transposed", off_diagonal, T(2, 4)),  CASE("strided", off_diagonal, S(2, 5)),
    CASE("flipped", off_diagonal, F(2, 4)),
};
SAMPLES(corrcoef, { -2, 2 });
