/* samples_scatter.c - masks, and values at indices; indices repeat. */
#include "samples.h"

APPLY(fill_number, ag_masked_fill(x[0], x[1], ag_num(0.25)))
APPLY(fill_value, ag_masked_fill(x[0], x[1], x[2]))
CASES(masked_fill){
    CASE("size 1", fill_value, V(1), B(1), V0),
    CASE("empty", fill_value, V(0, 3), B(3), V0),
    CASE("number", fill_number, V(3, 4), B(3, 4)),
    CASE("value", fill_value, V(3, 4), B(3, 4), V0),
    CASE("broadcast left", fill_value, V(4), B(3, 4), V0),
    CASE("broadcast right", fill_value, V(3, 4), B(4), V0),
    CASE("broadcast both", fill_value, V(3, 1), B(1, 4), V0),
    CASE("transposed", fill_value, T(3, 4), B(3, 4), V0),
    CASE("strided", fill_value, S(3, 4), B(3, 4), V0),
    CASE("flipped", fill_value, F(3, 4), B(3, 4), V0),
    CASE("expanded", fill_value, E(3, 4), B(3, 4), V0),
    CASE("5-d", fill_value, V(2, 1, 3, 1, 2), B(3, 1, 1), V0),
};
SAMPLES(masked_fill, { -2, 2 });

APPLY(chosen, ag_masked_select(x[0], x[1]))
CASES(masked_select){
    CASE("nothing", chosen, V(1), B(1)),
    CASE("empty", chosen, V(0, 3), B(3)),
    CASE("1-d", chosen, V(7), B(7)),
    CASE("2-d", chosen, V(3, 4), B(3, 4)),
    CASE("broadcast left", chosen, V(4), B(3, 4)),
    CASE("broadcast right", chosen, V(3, 4), B(4)),
    CASE("broadcast both", chosen, V(3, 1), B(1, 4)),
    CASE("transposed", chosen, T(3, 4), B(3, 4)),
    CASE("strided", chosen, S(3, 4), B(3, 4)),
    CASE("flipped", chosen, F(3, 4), B(3, 4)),
    CASE("expanded", chosen, E(3, 4), B(3, 4)),
    CASE("5-d", chosen, V(2, 1, 3, 1, 2), B(3, 1, 2)),
};
SAMPLES(masked_select, { -2, 2 });

APPLY(scattered, ag_masked_scatter(x[0], x[1], x[2]))
CASES(masked_scatter){
    CASE("size 1", scattered, V(1), B(1), V(1)),
    CASE("empty", scattered, V(0, 3), B(3), V(0)),
    CASE("1-d", scattered, V(6), B(6), V(6)),
    CASE("2-d", scattered, V(3, 4), B(3, 4), V(5, 2)),
    CASE("broadcast left", scattered, V(4), B(2, 4), V(8)),
    CASE("broadcast right", scattered, V(2, 4), B(4), V(8)),
    CASE("broadcast both", scattered, V(3, 1), B(1, 2), V(6)),
    CASE("transposed", scattered, T(2, 3), B(2, 3), T(2, 3)),
    CASE("strided", scattered, S(2, 3), B(2, 3), S(6)),
    CASE("flipped", scattered, F(2, 3), B(2, 3), F(6)),
    CASE("expanded", scattered, E(2, 3), B(2, 3), E(2, 3)),
    CASE("5-d", scattered, V(2, 1, 1, 1, 3), B(3), V(6)),
};
SAMPLES(masked_scatter, { -2, 2 });

/* ---- along an axis ---- */

#define PLACES(op, FIRST, LAST, MIDDLE, ...)                                                                  \
    APPLY(op##_first, FIRST)                                                                                  \
    APPLY(op##_last, LAST)                                                                                    \
    APPLY(op##_middle, MIDDLE)                                                                                \
    CASES(op)                                                                                                 \
    {                                                                                                         \
        CASE("size 1", op##_first, V(1), I(0, 1, 1), V(1)),                                                   \
            CASE("empty", op##_first, V(3, 2), I(0, 3, 0, 2), V(0, 2)),                                       \
            CASE("1-d", op##_first, V(4), I(0, 4, 7), V(7)),                                                  \
            CASE("first axis", op##_first, V(4, 3), I(0, 4, 5, 3), V(5, 3)),                                  \
            CASE("last axis", op##_last, V(3, 4), I(0, 4, 3, 6), V(3, 6)),                                    \
            CASE("smaller index", op##_last, V(3, 4), I(0, 4, 2, 2), V(2, 2)),                                \
            CASE("transposed", op##_last, T(3, 4), I(0, 4, 3, 2), T(3, 2)),                                   \
            CASE("strided", op##_first, S(4, 3), IS(0, 4, 2, 3), S(2, 3)),                                    \
            CASE("flipped", op##_last, F(3, 4), I(0, 4, 3, 2), F(3, 2)),                                      \
            CASE("5-d", op##_middle, V(2, 1, 3, 2, 2), I(0, 3, 2, 1, 4, 2, 2), V(2, 1, 4, 2, 2)), __VA_ARGS__ \
    }
APPLY(scatter_i32, ag_scatter(x[0], 1, ag_to(x[1], AG_I32), x[2]))
APPLY(scatter_number, ag_scatter(x[0], 0, x[1], ag_num(0.5)))
PLACES(scatter, ag_scatter(x[0], 0, x[1], x[2]), ag_scatter(x[0], -1, x[1], x[2]), ag_scatter(x[0], 2, x[1], x[2]),
       CASE("0-d", scatter_first, V0, I0(0, 1), V0), CASE("one value", scatter_first, V(3, 2), I(0, 3, 2, 2), V0),
       CASE("number", scatter_number, V(3, 2), I(0, 3, 2, 2)),
       CASE("i32", scatter_i32, V(3, 4), I(0, 4, 3, 2), V(3, 2)),
       CASE("expanded", scatter_last, E(3, 4), I(0, 4, 3, 2), E(3, 2)));
SAMPLES(scatter, { -2, 2 });

#define REDUCED(axis, mode, ...) ag_scatter_reduce(x[0], axis, x[1], x[2], .reduce = AG_SCATTER_##mode, __VA_ARGS__)
#define BOTH(name, apply) \
    CASE(name, apply, V(4, 3), I(0, 4, 5, 3), V(5, 3)), CASE(name " of few", apply, V(5), I(0, 3, 4), V(4))
APPLY(sum_others, REDUCED(0, SUM, .exclude_self = true))
APPLY(mean_all, REDUCED(0, MEAN, .exclude_self = false))
APPLY(mean_others, REDUCED(0, MEAN, .exclude_self = true))
APPLY(prod_all, REDUCED(0, PROD, .exclude_self = false))
APPLY(prod_others, REDUCED(0, PROD, .exclude_self = true))
APPLY(amax_all, REDUCED(0, AMAX, .exclude_self = false))
APPLY(amax_others, REDUCED(0, AMAX, .exclude_self = true))
APPLY(amin_all, REDUCED(0, AMIN, .exclude_self = false))
APPLY(amin_others, REDUCED(0, AMIN, .exclude_self = true))
/* Factors 0, with a derivative. */
static ag_tensor *prod_of_zeros(ag_tensor **x)
{
    static const double domain[2] = { 0.5, 2 };
    double c[16];
    for (int64_t k = 0; k < ag_numel(x[2]); k++) c[k] = sample_value(domain, 2, k);
    ag_tensor *zeros =
        ag_sub(x[2], ag_to(ag_reshape(ag_copy(c, ag_numel(x[2])), -1, ag_size(x[2], -1)), ag_dtype_of(x[2])));
    return ag_scatter_reduce(x[0], 0, x[1], zeros, .reduce = AG_SCATTER_PROD);
}
PLACES(scatter_reduce, ag_scatter_reduce(x[0], 0, x[1], x[2]), ag_scatter_reduce(x[0], -1, x[1], x[2]),
       REDUCED(2, PROD, .exclude_self = false), CASE("0-d", mean_all, V0, I0(0, 1), V0),
       BOTH("sum of values", sum_others), BOTH("mean", mean_all), BOTH("mean of values", mean_others),
       BOTH("product", prod_all), BOTH("product of values", prod_others), BOTH("largest", amax_all),
       BOTH("largest value", amax_others), BOTH("smallest", amin_all), BOTH("smallest value", amin_others),
       CASE("product of zeros", prod_of_zeros, V(4, 3), I(0, 4, 5, 3), V(5, 3)),
       CASE("expanded", scatter_reduce_last, E(3, 4), I(0, 4, 3, 2), E(3, 2)));
SAMPLES(scatter_reduce, { 0.5, 2 });

APPLY(index_fill_number, ag_index_fill(x[0], 0, x[1], ag_num(0.5)))
APPLY(index_fill_first, ag_index_fill(x[0], 0, x[1], x[2]))
APPLY(index_fill_last, ag_index_fill(x[0], -1, x[1], x[2]))
APPLY(index_fill_middle, ag_index_fill(x[0], 2, x[1], x[2]))
CASES(index_fill){
    CASE("0-d", index_fill_first, V0, I(0, 1, 1), V0),
    CASE("size 1", index_fill_first, V(1), I(0, 1, 1), V0),
    CASE("no index", index_fill_first, V(3, 2), I(0, 1, 0), V0),
    CASE("empty rows", index_fill_first, V(3, 0), I(0, 3, 2), V0),
    CASE("one", index_fill_first, V(4), I0(1, 2), V0),
    CASE("rows", index_fill_first, V(4, 3), I(0, 4, 3), V0),
    CASE("columns", index_fill_last, V(3, 4), I(0, 4, 3), V0),
    CASE("number", index_fill_number, V(4, 3), I(0, 4, 3)),
    CASE("transposed", index_fill_first, T(4, 3), I(0, 4, 3), V0),
    CASE("strided", index_fill_last, S(3, 4), IS(0, 4, 3), V0),
    CASE("flipped", index_fill_first, F(4, 3), I(0, 4, 3), V0),
    CASE("expanded", index_fill_last, E(3, 4), I(0, 4, 3), V0),
    CASE("5-d", index_fill_middle, V(2, 1, 3, 2, 2), I(0, 3, 2), V0),
};
SAMPLES(index_fill, { -2, 2 });

APPLY(index_copy_first, ag_index_copy(x[0], 0, x[1], x[2]))
APPLY(index_copy_last, ag_index_copy(x[0], -1, x[1], x[2]))
APPLY(index_copy_middle, ag_index_copy(x[0], 2, x[1], x[2]))
CASES(index_copy){
    CASE("0-d", index_copy_first, V0, I(0, 1, 1), V0),
    CASE("size 1", index_copy_first, V(1), I(0, 1, 1), V(1)),
    CASE("no index", index_copy_first, V(3, 2), I(0, 1, 0), V(0, 2)),
    CASE("empty rows", index_copy_first, V(3, 0), I(0, 3, 4), V(4, 0)),
    CASE("1-d", index_copy_first, V(4), I(0, 4, 7), V(7)),
    CASE("rows", index_copy_first, V(4, 3), I(0, 4, 5), V(5, 3)),
    CASE("columns", index_copy_last, V(2, 4), I(0, 4, 3), V(2, 3)),
    CASE("transposed", index_copy_first, T(4, 3), I(0, 4, 2), T(2, 3)),
    CASE("strided", index_copy_first, S(4, 3), IS(0, 4, 2), S(2, 3)),
    CASE("flipped", index_copy_last, F(2, 4), I(0, 4, 3), F(2, 3)),
    CASE("expanded", index_copy_first, E(4, 3), I(0, 4, 2), E(2, 3)),
    CASE("5-d", index_copy_middle, V(2, 1, 3, 2, 2), I(0, 3, 2), V(2, 1, 2, 2, 2)),
};
SAMPLES(index_copy, { -2, 2 });

APPLY(index_one, ag_index(x[0], AG_LIST(x[1])))
APPLY(index_two, ag_index(x[0], AG_LIST(x[1], x[2])))
CASES(index){
    CASE("size 1", index_one, V(1), I(0, 1, 1)),
    CASE("nothing", index_one, V(3, 2), I(0, 1, 0)),
    CASE("1-d", index_one, V(4), I(0, 4, 7)),
    CASE("rows", index_one, V(4, 3), I(0, 4, 2, 3)),
    CASE("to 0-d", index_two, V(4, 3), I0(1, 2), I0(2, 3)),
    CASE("pairs", index_two, V(4, 3), I(0, 4, 5), I(0, 3, 5)),
    CASE("broadcast", index_two, V(4, 3, 2), I(0, 4, 3, 1), I(0, 3, 2)),
    CASE("transposed", index_two, T(4, 3), I(0, 4, 5), I(0, 3, 5)),
    CASE("strided", index_one, S(4, 3), IS(0, 4, 5)),
    CASE("flipped", index_two, F(4, 3), I(0, 4, 5), I(0, 3, 5)),
    CASE("expanded", index_two, E(4, 3), I(0, 4, 5), I(0, 3, 5)),
    CASE("5-d", index_two, V(3, 2, 1, 2, 2), I(0, 3, 3), I(0, 2, 3)),
};
SAMPLES(index, { -2, 2 });

APPLY(put_one, ag_index_put(x[0], AG_LIST(x[1]), x[2], false))
APPLY(put_two, ag_index_put(x[0], AG_LIST(x[1], x[2]), x[3], false))
APPLY(add_one, ag_index_put(x[0], AG_LIST(x[1]), x[2], true))
APPLY(add_two, ag_index_put(x[0], AG_LIST(x[1], x[2]), x[3], true))
CASES(index_put){
    CASE("size 1", put_one, V(1), I(0, 1, 1), V(1)),
    CASE("nothing", put_one, V(3, 2), I(0, 1, 0), V(0, 2)),
    CASE("1-d", put_one, V(4), I(0, 4, 7), V(7)),
    CASE("added", add_one, V(4), I(0, 4, 7), V(7)),
    CASE("rows", put_one, V(4, 3), I(0, 4, 2), V(2, 3)),
    CASE("one value", put_one, V(4, 3), I(0, 4, 2), V0),
    CASE("a row added", add_one, V(4, 3), I(0, 4, 5), V(3)),
    CASE("pairs", put_two, V(4, 3), I(0, 4, 5), I(0, 3, 5), V(5)),
    CASE("pairs added", add_two, V(4, 3), I(0, 4, 5), I(0, 3, 5), V(5)),
    CASE("broadcast", add_two, V(4, 3, 2), I(0, 4, 3, 1), I(0, 3, 2), V(2, 1)),
    CASE("transposed", put_two, T(4, 3), I(0, 4, 5), I(0, 3, 5), V(5)),
    CASE("strided", add_one, S(4, 3), IS(0, 4, 5), S(5, 3)),
    CASE("flipped", put_one, F(4, 3), I(0, 4, 5), F(5, 3)),
    CASE("expanded", put_one, E(4, 3), I(0, 4, 2), E(2, 3)),
    CASE("5-d", add_one, V(3, 2, 1, 2, 2), I(0, 3, 4), V(4, 2, 1, 2, 2)),
};
SAMPLES(index_put, { -2, 2 });

APPLY(segments, ag_segment_sum(x[0], x[1], 3))
CASES(segment_sum){
    CASE("empty", segments, V(0, 2), I(0, 3, 0)),    CASE("size 1", segments, V(1), I(0, 3, 1)),
    CASE("1-d", segments, V(7), I(0, 3, 7)),         CASE("one unused", segments, V(6), I(0, 2, 6)),
    CASE("rows", segments, V(5, 2), I(0, 3, 5)),     CASE("transposed", segments, T(5, 2), I(0, 3, 5)),
    CASE("strided", segments, S(5, 2), IS(0, 3, 5)), CASE("flipped", segments, F(5, 2), I(0, 3, 5)),
    CASE("expanded", segments, E(5, 2), I(0, 3, 5)), CASE("5-d", segments, V(4, 1, 2, 1, 2), I(0, 3, 4)),
};
SAMPLES(segment_sum, { -2, 2 });

/* ---- one_hot: nothing to differentiate, found again by looking ---- */

static bool one_hot_right(ag_tensor *const *x, const ag_tensor *y)
{
    enum { MOST = 64 };
    int64_t class[MOST], got[4 * MOST], n = ag_numel(x[0]);
    if (n > MOST || ag_dtype_of(y) != AG_I64 || ag_rank(y) != ag_rank(x[0]) + 1 || ag_size(y, -1) != 4) return false;
    if (ag_read(x[0], class, n) || ag_read(y, got, 4 * n)) return false;
    for (int64_t i = 0; i < 4 * n; i++)
        if (got[i] != (class[i / 4] == i % 4)) return false;
    return true;
}
APPLY(hot, ag_one_hot(x[0], 4))
CASES(one_hot){
    CASE("0-d", hot, I0(2, 3)),
    CASE("empty", hot, I(0, 4, 0, 2)),
    CASE("size 1", hot, I(0, 4, 1)),
    CASE("1-d", hot, I(0, 4, 7)),
    CASE("2-d", hot, I(0, 4, 3, 4)),
    CASE("strided", hot, IS(0, 4, 2, 3)),
    CASE("4-d", hot, I(0, 4, 2, 1, 3, 2)),
};
SAMPLES_WITHOUT_DERIVATIVE(one_hot, one_hot_right, { 0, 1 });
