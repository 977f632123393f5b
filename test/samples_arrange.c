/* samples_arrange.c - elements moved, repeated, padded, on diagonals; axes; joining. */
#include "samples.h"

/* Along one axis: the first, the second, the last. */
#define ALONG(op, FIRST, MIDDLE, LAST, ...)                                                                   \
    APPLY(op##_first, FIRST)                                                                                  \
    APPLY(op##_middle, MIDDLE)                                                                                \
    APPLY(op##_last, LAST)                                                                                    \
    CASES(op)                                                                                                 \
    {                                                                                                         \
        CASE("no rows", op##_last, V(0, 3)), CASE("size 1", op##_first, V(1)), CASE("1-d", op##_first, V(7)), \
            CASE("first axis", op##_first, V(4, 3)), CASE("last axis", op##_last, V(3, 4)),                   \
            CASE("middle axis", op##_middle, V(2, 3, 2)), CASE("transposed", op##_last, T(3, 4)),             \
            CASE("strided", op##_last, S(3, 4)), CASE("flipped", op##_first, F(4, 3)),                        \
            CASE("expanded", op##_last, E(3, 4)), CASE("5-d", op##_middle, V(2, 3, 1, 2, 2)), __VA_ARGS__     \
    }
/* Of the last two axes or so. */
#define MATRICES(op, PLAIN_, OTHER, THIRD, ...)                                                                        \
    APPLY(op##_plain, PLAIN_)                                                                                          \
    APPLY(op##_other, OTHER)                                                                                           \
    APPLY(op##_third, THIRD)                                                                                           \
    CASES(op)                                                                                                          \
    {                                                                                                                  \
        CASE("no rows", op##_plain, V(0, 3)), CASE("size 1", op##_plain, V(1, 1)),                                     \
            CASE("square", op##_plain, V(3, 3)), CASE("wide", op##_other, V(3, 5)), CASE("tall", op##_third, V(4, 2)), \
            CASE("3-d", op##_other, V(2, 3, 4)), CASE("3-d, other", op##_third, V(2, 3, 2)),                           \
            CASE("transposed", op##_plain, T(3, 4)), CASE("strided", op##_other, S(3, 4)),                             \
            CASE("flipped", op##_third, F(4, 3)), CASE("expanded", op##_plain, E(3, 4)),                               \
            CASE("5-d", op##_other, V(2, 2, 1, 2, 3)), __VA_ARGS__                                                     \
    }
#define ZERO_D(op) CASE("0-d", op##_first, V0)

ALONG(roll, ag_roll(x[0], 1, 0), ag_roll(x[0], -2, 1), ag_roll(x[0], 7, -1), ZERO_D(roll),
      CASE("empty axis", roll_last, V(2, 0)));
SAMPLES(roll, { -2, 2 });

APPLY(rot90_twice, ag_rot90(x[0], 2, 0, 1))
APPLY(rot90_not, ag_rot90(x[0], -4, 0, 1))
MATRICES(rot90, ag_rot90(x[0], 1, 0, 1), ag_rot90(x[0], -1, 1, 0), ag_rot90(x[0], 3, 0, -1),
         CASE("twice", rot90_twice, V(2, 3)), CASE("not", rot90_not, V(2, 3)));
SAMPLES(rot90, { -2, 2 });

APPLY(repeat_0d, ag_repeat(x[0]))
APPLY(repeat_1d, ag_repeat(x[0], 3))
APPLY(repeat_2d, ag_repeat(x[0], 2, 3))
APPLY(repeat_rows, ag_repeat(x[0], 3, 1))
APPLY(repeat_never, ag_repeat(x[0], 2, 0))
APPLY(repeat_5d, ag_repeat(x[0], 2, 1, 2, 3, 1))
CASES(repeat){
    CASE("0-d", repeat_0d, V0),           CASE("of 0-d", repeat_2d, V0),
    CASE("empty", repeat_2d, V(0, 3)),    CASE("to nothing", repeat_never, V(2, 3)),
    CASE("size 1", repeat_1d, V(1)),      CASE("1-d", repeat_1d, V(4)),
    CASE("new axis", repeat_2d, V(3)),    CASE("2-d", repeat_2d, V(2, 3)),
    CASE("rows", repeat_rows, V(2, 3)),   CASE("transposed", repeat_2d, T(2, 3)),
    CASE("strided", repeat_2d, S(2, 3)),  CASE("flipped", repeat_2d, F(2, 3)),
    CASE("expanded", repeat_2d, E(2, 3)), CASE("5-d", repeat_5d, V(2, 2, 1, 1, 2)),
};
SAMPLES(repeat, { -2, 2 });

APPLY(tile_once, ag_tile(x[0]))
APPLY(tile_last, ag_tile(x[0], 3))
APPLY(tile_2d, ag_tile(x[0], 2, 3))
APPLY(tile_front, ag_tile(x[0], 2, 1, 2))
CASES(tile){
    CASE("0-d", tile_last, V0),         CASE("empty", tile_last, V(0, 3)),      CASE("size 1", tile_last, V(1)),
    CASE("once", tile_once, V(2, 3)),   CASE("last", tile_last, V(2, 3)),       CASE("2-d", tile_2d, V(2, 3)),
    CASE("new axes", tile_front, V(3)), CASE("transposed", tile_last, T(2, 3)), CASE("strided", tile_2d, S(2, 3)),
    CASE("flipped", tile_2d, F(2, 3)),  CASE("expanded", tile_2d, E(2, 3)),     CASE("5-d", tile_2d, V(2, 2, 1, 1, 2)),
};
SAMPLES(tile, { -2, 2 });

APPLY(interleave_twice, ag_repeat_interleave(x[0], ag_num(2), -1))
APPLY(interleave_first, ag_repeat_interleave(x[0], x[1], 0))
APPLY(interleave_middle, ag_repeat_interleave(x[0], x[1], 1))
CASES(repeat_interleave){
    CASE("0-d", interleave_first, V0, I(2, 3, 1)),
    CASE("0-d, number", interleave_twice, V0),
    CASE("empty", interleave_first, V(0, 3), I(0, 1, 0)),
    CASE("size 1", interleave_first, V(1), I(3, 4, 1)),
    CASE("1-d", interleave_first, V(5), I(0, 4, 5)),
    CASE("number", interleave_twice, V(3, 4)),
    CASE("one for all", interleave_first, V(3, 4), I0(2, 3)),
    CASE("first axis", interleave_first, V(4, 3), I(0, 4, 4)),
    CASE("middle axis", interleave_middle, V(2, 3, 2), I(0, 3, 3)),
    CASE("transposed", interleave_first, T(3, 4), I(0, 4, 3)),
    CASE("strided", interleave_middle, S(2, 3), IS(0, 4, 3)),
    CASE("flipped", interleave_twice, F(3, 2)),
    CASE("expanded", interleave_first, E(3, 4), I(0, 4, 3)),
    CASE("5-d", interleave_middle, V(2, 3, 1, 2, 2), I(0, 3, 3)),
};
SAMPLES(repeat_interleave, { -2, 2 });

APPLY(unfold_single, ag_unfold(x[0], 0, 1, 1))
APPLY(unfold_none, ag_unfold(x[0], 0, 0, 1))
APPLY(unfold_overlap, ag_unfold(x[0], 0, 3, 1))
APPLY(unfold_last, ag_unfold(x[0], -1, 3, 2))
APPLY(unfold_gaps, ag_unfold(x[0], 0, 1, 3))
APPLY(unfold_middle, ag_unfold(x[0], 1, 2, 1))
CASES(unfold){
    CASE("0-d", unfold_single, V0),
    CASE("0-d, none", unfold_none, V0),
    CASE("empty", unfold_none, V(0, 3)),
    CASE("size 1", unfold_single, V(1)),
    CASE("overlapping", unfold_overlap, V(7)),
    CASE("gaps", unfold_gaps, V(7)),
    CASE("first axis", unfold_overlap, V(5, 2)),
    CASE("last axis", unfold_last, V(2, 8)),
    CASE("middle axis", unfold_middle, V(2, 4, 2)),
    CASE("transposed", unfold_last, T(3, 5)),
    CASE("strided", unfold_last, S(2, 5)),
    CASE("flipped", unfold_overlap, F(5, 2)),
    CASE("expanded", unfold_overlap, E(4, 2)),
    CASE("5-d", unfold_middle, V(2, 3, 1, 2, 2)),
};
SAMPLES(unfold, { -2, 2 });

#define MODE(m) .mode = AG_PAD_##m
APPLY(pad_last, ag_pad(x[0], AG_SIZES(1, 2), .value = 0.5))
APPLY(pad_both, ag_pad(x[0], AG_SIZES(2, 1, 0, 1)))
APPLY(pad_cut, ag_pad(x[0], AG_SIZES(-1, 2, 1, -1)))
APPLY(pad_not, ag_pad(x[0], AG_SIZES(0, 0)))
APPLY(reflect_last, ag_pad(x[0], AG_SIZES(2, 1), MODE(REFLECT)))
APPLY(reflect_both, ag_pad(x[0], AG_SIZES(1, -1, 0, 2), MODE(REFLECT)))
APPLY(replicate_last, ag_pad(x[0], AG_SIZES(3, 1), MODE(REPLICATE)))
APPLY(replicate_both, ag_pad(x[0], AG_SIZES(-1, 2, 0, 2), MODE(REPLICATE)))
APPLY(circular_last, ag_pad(x[0], AG_SIZES(1, 2), MODE(CIRCULAR)))
APPLY(circular_both, ag_pad(x[0], AG_SIZES(-1, 2, 1, 0), MODE(CIRCULAR)))
CASES(pad){
    CASE("not", pad_not, V(3)),
    CASE("empty", pad_both, V(0, 3)),
    CASE("size 1", pad_last, V(1)),
    CASE("1-d", pad_last, V(4)),
    CASE("2-d", pad_both, V(2, 3)),
    CASE("cut", pad_cut, V(3, 4)),
    CASE("transposed", pad_both, T(2, 3)),
    CASE("strided", pad_both, S(2, 3)),
    CASE("flipped", pad_both, F(2, 3)),
    CASE("expanded", pad_both, E(2, 3)),
    CASE("5-d", pad_both, V(2, 1, 1, 2, 2)),
    CASE("reflect", reflect_last, V(4)),
    CASE("reflect, two axes", reflect_both, V(3, 4)),
    CASE("replicate", replicate_last, V(2, 3)),
    CASE("replicate, two axes", replicate_both, V(3, 4)),
    CASE("circular", circular_last, V(3)),
    CASE("circular, two axes", circular_both, V(3, 4)),
};
SAMPLES(pad, { -2, 2 });

#define PIXELS(op, ...)                                                                      \
    APPLY(op##_one, ag_##op(x[0], 1))                                                        \
    APPLY(op##_two, ag_##op(x[0], 2))                                                        \
    CASES(op){ CASE("empty", op##_one, V(1, 0, 1, 1)), CASE("size 1", op##_one, V(1, 1, 1)), \
               CASE("once", op##_one, V(2, 2, 3)), __VA_ARGS__ };                            \
    SAMPLES(op, { -2, 2 })
PIXELS(pixel_shuffle, CASE("3-d", pixel_shuffle_two, V(8, 2, 3)), CASE("4-d", pixel_shuffle_two, V(2, 4, 1, 2)),
       CASE("transposed", pixel_shuffle_two, T(4, 3, 2)), CASE("strided", pixel_shuffle_two, S(4, 2, 2)),
       CASE("flipped", pixel_shuffle_two, F(4, 2, 3)), CASE("expanded", pixel_shuffle_two, E(4, 2, 2)),
       CASE("5-d", pixel_shuffle_two, V(2, 1, 4, 2, 2)));
PIXELS(pixel_unshuffle, CASE("3-d", pixel_unshuffle_two, V(2, 4, 6)), CASE("4-d", pixel_unshuffle_two, V(2, 1, 2, 4)),
       CASE("transposed", pixel_unshuffle_two, T(2, 4, 2)), CASE("strided", pixel_unshuffle_two, S(1, 2, 4)),
       CASE("flipped", pixel_unshuffle_two, F(2, 2, 4)), CASE("expanded", pixel_unshuffle_two, E(2, 2, 2)),
       CASE("5-d", pixel_unshuffle_two, V(2, 1, 2, 2, 4)));

ALONG(movedim, ag_movedim(x[0], 0, -1), ag_movedim(x[0], 2, 1), ag_movedim(x[0], -1, 0), ZERO_D(movedim));
SAMPLES(movedim, { -2, 2 });
APPLY(flatten_two, ag_flatten(x[0], 1, 2))
ALONG(flatten, ag_flatten(x[0], 0, -1), ag_flatten(x[0], 1, -1), ag_flatten(x[0], -1, -1), ZERO_D(flatten),
      CASE("inner axes", flatten_two, T(2, 3, 2, 1, 2)));
SAMPLES(flatten, { -2, 2 });
APPLY(unflatten_only, ag_unflatten(x[0], 0, AG_SIZES(1, -1, 1)))
ALONG(unflatten, ag_unflatten(x[0], 0, AG_SIZES(1, -1)), ag_unflatten(x[0], 1, AG_SIZES(3, 1)),
      ag_unflatten(x[0], -1, AG_SIZES(-1, 1)), CASE("0-d", unflatten_only, V0),
      CASE("two parts", unflatten_first, V(6, 2)), CASE("three parts", unflatten_only, V(6)));
SAMPLES(unflatten, { -2, 2 });
APPLY(narrow_none, ag_narrow(x[0], 0, 1, 0))
ALONG(narrow, ag_narrow(x[0], 0, 0, 1), ag_narrow(x[0], 1, -2, 2), ag_narrow(x[0], -1, 1, 2),
      CASE("none", narrow_none, V(3, 2)));
SAMPLES(narrow, { -2, 2 });

/* ---- diagonals ---- */

APPLY(diagonal_outer, ag_diagonal(x[0], .axes = AG_AXES(-1, 0), .offset = -1))
MATRICES(diagonal, ag_diagonal(x[0]), ag_diagonal(x[0], .offset = 1), ag_diagonal(x[0], .offset = -1),
         CASE("outer axes", diagonal_outer, V(3, 2, 4)), CASE("beyond", diagonal_other, V(3, 1)));
SAMPLES(diagonal, { -2, 2 });
APPLY(embed_above, ag_diag_embed(x[0], .offset = 1))
APPLY(embed_below, ag_diag_embed(x[0], .offset = -2, .axes = AG_AXES(0, -1)))
APPLY(embed_plain, ag_diag_embed(x[0]))
CASES(diag_embed){
    CASE("empty", embed_plain, V(0)),           CASE("no rows", embed_above, V(0, 2)),
    CASE("size 1", embed_plain, V(1)),          CASE("1-d", embed_plain, V(4)),
    CASE("above", embed_above, V(3)),           CASE("below, outer axes", embed_below, V(2, 3)),
    CASE("transposed", embed_plain, T(2, 3)),   CASE("strided", embed_above, S(2, 3)),
    CASE("flipped", embed_plain, F(2, 3)),      CASE("expanded", embed_plain, E(2, 3)),
    CASE("5-d", embed_above, V(2, 1, 1, 1, 2)),
};
SAMPLES(diag_embed, { -2, 2 });
APPLY(diag_plain, ag_diag(x[0], 0))
APPLY(diag_above, ag_diag(x[0], 1))
APPLY(diag_below, ag_diag(x[0], -2))
CASES(diag){
    CASE("empty", diag_plain, V(0)),         CASE("no rows", diag_above, V(0, 2)),
    CASE("size 1", diag_plain, V(1)),        CASE("vector", diag_above, V(3)),
    CASE("vector, below", diag_below, V(2)), CASE("matrix", diag_plain, V(3, 4)),
    CASE("above", diag_above, V(3, 4)),      CASE("below", diag_below, V(4, 3)),
    CASE("transposed", diag_above, T(3, 4)), CASE("strided", diag_above, S(3)),
    CASE("flipped", diag_plain, F(3, 3)),    CASE("expanded", diag_plain, E(3, 3)),
};
SAMPLES(diag, { -2, 2 });
MATRICES(tril, ag_tril(x[0], 0), ag_tril(x[0], 1), ag_tril(x[0], -1), CASE("nothing", tril_third, V(1, 3)));
SAMPLES(tril, { -2, 2 });
MATRICES(triu, ag_triu(x[0], 0), ag_triu(x[0], 1), ag_triu(x[0], -1), CASE("nothing", triu_other, V(3, 1)));
SAMPLES(triu, { -2, 2 });

/* ---- joining ---- */

#define STACK(op, ...)                                                    \
    APPLY(op##_one, ag_##op(AG_LIST(x[0])))                               \
    APPLY(op##_two, ag_##op(AG_LIST(x[0], x[1])))                         \
    CASES(op){ CASE("0-d", op##_two, V0, V0),                             \
               CASE("one", op##_one, V(3)),                               \
               CASE("size 1", op##_two, V(1), V(1)),                      \
               CASE("1-d", op##_two, V(3), V(3)),                         \
               CASE("2-d", op##_two, V(2, 3), V(2, 3)),                   \
               CASE("empty", op##_two, V(2, 0), V(2, 0)),                 \
               CASE("transposed", op##_two, T(2, 3), V(2, 3)),            \
               CASE("strided", op##_two, V(2, 3), S(2, 3)),               \
               CASE("flipped", op##_two, F(3, 3), V(3, 3)),               \
               CASE("expanded", op##_two, E(2, 3), V(2, 3)),              \
               CASE("3-d", op##_two, V(2, 1, 3), V(2, 1, 3)),             \
               CASE("5-d", op##_two, V(2, 1, 1, 2, 2), V(2, 1, 1, 2, 2)), \
               __VA_ARGS__ };                                             \
    SAMPLES(op, { -2, 2 })
STACK(hstack, CASE("other sizes", hstack_two, V(2, 1), V(2, 3)));
STACK(vstack, CASE("vector and matrix", vstack_two, V(3), V(2, 3)));
STACK(dstack, CASE("matrix and 3-d", dstack_two, V(2, 3), V(2, 3, 2)));
STACK(column_stack, CASE("vector and matrix", column_stack_two, V(2), V(2, 3)));
