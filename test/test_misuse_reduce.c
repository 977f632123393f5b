/* test_misuse_reduce.c - what a user can get wrong with statistics, order, shapes, indices and masks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <test/misuse.h>

static const int64_t eight[8] = { 1, 1, 1, 1, 1, 1, 1, 1 }, nine[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static ag_tensor *made;
#define M(...) ag_zeros(AG_BOOL, __VA_ARGS__)

/* An index that holds one number. */
static ag_tensor *index_at(int64_t at)
{
    return ag_fill(I(1), (double)at);
}
static ag_tensor *index_of(int64_t at)
{
    return ag_fill(I(1, 1), (double)at);
}

// clang-format off
#define REDUCTIONS(X)                                                                                                  \
    X(prod_axis, EINVAL, "ag_prod: axis 2 of [2,3]", ag_prod(D(2, 3), 2))                                              \
    X(prod_twice, EINVAL, "ag_prod: axis -2 of [2,3] is given twice", ag_prod(D(2, 3), 0, -2))                         \
    X(prod_null, ENULL, "ag_prod: the list of 1 is NULL", (ag_prod)(D(2, 3), 1, NULL))                                 \
    X(prod_of_null, ENULL, "ag_prod: operand 1 is NULL", ag_prod(NONE))                                                \
    X(nansum_dtype, EDTYPE, "ag_nansum: needs f32 or f64, got i64 [2,3]; ag_to converts", ag_nansum(I(2, 3)))          \
    X(nansum_axis, EINVAL, "ag_nansum: axis -3 of [2,3]", ag_nansum(D(2, 3), -3))                                      \
    X(nansum_twice, EINVAL, "ag_nansum_keep: axis 1 of [2,3] is given twice", ag_nansum_keep(D(2, 3), 1, 1))           \
    X(nanmean_dtype, EDTYPE, "ag_nanmean: needs f32 or f64, got bool [4]; ag_to converts",                             \
      ag_nanmean(ag_zeros(AG_BOOL, 4)))                                                                                \
    X(nanmean_axis, EINVAL, "ag_nanmean_keep: axis 5 of [2,3]", ag_nanmean_keep(D(2, 3), 5))                           \
    X(nanmean_twice, EINVAL, "ag_nanmean: axis -1 of [2,3] is given twice", ag_nanmean(D(2, 3), 1, -1))                \
    X(any_axis, EINVAL, "ag_any: axis 2 of [2,3]", ag_any(D(2, 3), 2))                                                 \
    X(any_twice, EINVAL, "ag_any_keep: axis 0 of [2,3] is given twice", ag_any_keep(D(2, 3), 0, 0))                    \
    X(any_null, ENULL, "ag_any: operand 1 is NULL", ag_any(NONE))                                                      \
    X(any_dtype, EDTYPE, "ag_any: f64 [2] is not bool",                                                                \
      ag_apply(ag_op_find("any"), (&(const int[2]){ 1, 0 }), D(2)))                                                    \
    X(all_axis, EINVAL, "ag_all: axis -4 of [2,3]", ag_all(I(2, 3), -4))                                               \
    X(all_twice, EINVAL, "ag_all: axis 1 of [2,3] is given twice", ag_all(I(2, 3), 1, 1))                              \
    X(all_list, EINVAL, "ag_all: the list of -1 is NULL", (ag_all)(D(2), -1, NULL))                                    \
    X(argmin_axis, EINVAL, "ag_argmin: axis 2 of [2,3]", ag_argmin(D(2, 3), 2))                                        \
    X(argmin_of_nothing, ESHAPE, "ag_argmin: axis 1 of [2,0] holds nothing", ag_argmin(D(2, 0), 1))                    \
    X(argmin_null, ENULL, "ag_argmin: operand 1 is NULL", ag_argmin(NONE, 0))                                          \
    X(var_dtype, EDTYPE, "ag_var: needs f32 or f64, got i64 [2,3]; ag_to converts", ag_var(I(2, 3)))                   \
    X(var_axis, EINVAL, "ag_var: axis 2 of [2,3]", ag_var(D(2, 3), .axes = AG_AXES(2)))                                \
    X(var_twice, EINVAL, "ag_var: axis 0 of [2,3] is given twice", ag_var(D(2, 3), .axes = AG_AXES(0, 0)))             \
    X(var_option, EINVAL, "ag_var: .index and .interpolation are options of other reductions",                         \
      ag_var(D(2, 3), .interpolation = AG_LOWER))                                                                      \
    X(std_dtype, EDTYPE, "ag_std: needs f32 or f64, got u8 [4]; ag_to converts", ag_std(ag_zeros(AG_U8, 4)))           \
    X(std_axis, EINVAL, "ag_std: axis -3 of [2,3]", ag_std(D(2, 3), .axes = AG_AXES(0, -3)))                           \
    X(std_option, EINVAL, "ag_std: .index and .interpolation are options of other reductions",                         \
      ag_std(D(2, 3), .index = &made))                                                                                 \
    X(median_axis, EINVAL, "ag_median: axis 2 of [2,3]", ag_median(D(2, 3), .axes = AG_AXES(2)))                       \
    X(median_axes, EINVAL, "ag_median: 2 axes of [2,3]: it takes one, or none for all without .index",                 \
      ag_median(D(2, 3), .axes = AG_AXES(0, 1)))                                                                       \
    X(median_of_nothing, ESHAPE, "ag_median: axis 1 of [2,0] holds nothing", ag_median(D(2, 0), .axes = AG_AXES(1)))   \
    X(median_index_of_all, EINVAL, "ag_median: 0 axes of [2,3]: it takes one, or none for all without .index",         \
      ag_median(D(2, 3), .index = &made))                                                                              \
    X(median_option, EINVAL, "ag_median: .correction and .interpolation are options of other reductions",              \
      ag_median(D(2, 3), .correction = 1))                                                                             \
    X(nanmedian_axis, EINVAL, "ag_nanmedian: axis -3 of [2,3]", ag_nanmedian(D(2, 3), .axes = AG_AXES(-3)))            \
    X(nanmedian_of_nothing, ESHAPE, "ag_nanmedian: axis 0 of [0,3] holds nothing",                                     \
      ag_nanmedian(I(0, 3), .axes = AG_AXES(0)))                                                                       \
    X(nanmedian_all_of_nothing, EDTYPE, "ag_nanmedian: needs f32 or f64, got i64 [0,3]; ag_to converts",               \
      ag_nanmedian(I(0, 3)))                                                                                           \
    X(quantile_dtype, EDTYPE, "ag_quantile: needs f32 or f64, got i64 [2,3]; ag_to converts",                          \
      ag_quantile(I(2, 3), ag_num(0.5)))                                                                               \
    X(quantile_how, EINVAL, "ag_quantile: .interpolation is 99; AG_LINEAR to AG_NEAREST", \
      ag_quantile(D(2, 3), ag_num(0.5), .interpolation = (ag_interpolation)99)) \
    X(quantile_q, EINVAL, "ag_quantile: q holds 1.5, which is not in [0,1]", ag_quantile(D(2, 3), ag_num(1.5)))        \
    X(quantile_q_dtype, EDTYPE, "ag_quantile: q f32 [2] must be f64, one number or a list",                            \
      ag_quantile(D(2, 3), F(2)))                                                                                      \
    X(quantile_q_rank, ESHAPE, "ag_quantile: q f64 [1,1] must be f64, one number or a list",                           \
      ag_quantile(D(2, 3), D(1, 1)))                                                                                   \
    X(quantile_q_null, ENULL, "ag_quantile: q is NULL", ag_quantile(D(2, 3), NONE))                                    \
    X(quantile_of_nothing, ESHAPE, "ag_quantile: axis 1 of [2,0] holds nothing",                                       \
      ag_quantile(D(2, 0), ag_num(0.5), .axes = AG_AXES(1)))                                                           \
    X(quantile_axes, ESHAPE, "ag_quantile: q [2] of [1,1,1,1,1,1,1,1] has more than 8 axes",                           \
      ag_quantile((ag_zeros)(AG_F64, 8, eight), D(2), .axes = AG_AXES(0), .keep = true))                               \
    X(nanquantile_dtype, EDTYPE, "ag_nanquantile: needs f32 or f64, got i64 [2,3]; ag_to converts",                    \
      ag_nanquantile(I(2, 3), ag_num(0.5)))                                                                            \
    X(nanquantile_q, EINVAL, "ag_nanquantile: q holds -0.5, which is not in [0,1]",                                    \
      ag_nanquantile(D(2, 3), ag_num(-0.5)))                                                                           \
    X(nanquantile_axis, EINVAL, "ag_nanquantile: axis 2 of [2,3]",                                                     \
      ag_nanquantile(D(2, 3), ag_num(0.5), .axes = AG_AXES(2)))                                                        \
    X(nanquantile_option, EINVAL, "ag_nanquantile: .index and .correction are options of other reductions",            \
      ag_nanquantile(D(2, 3), ag_num(0.5), .correction = 2))
#define ORDER(X)                                                                                                       \
    X(sort_axis, EINVAL, "ag_sort: axis 2 of [2,3]", ag_sort(D(2, 3), 2))                                              \
    X(sort_option, EINVAL, "ag_sort: it has no option .smallest", ag_sort(D(2, 3), 0, .smallest = true))               \
    X(sort_null, ENULL, "ag_sort: operand 1 is NULL", ag_sort(NONE, 0))                                                \
    X(argsort_axis, EINVAL, "ag_argsort: axis -3 of [2,3]", ag_argsort(D(2, 3), -3))                                   \
    X(argsort_option, EINVAL, "ag_argsort: it has no option .index", ag_argsort(D(2, 3), 0, .index = &made))           \
    X(argsort_keep, EINVAL, "ag_argsort: it has no option .keep", ag_argsort(D(2, 3), 0, .keep = true))                \
    X(topk_k, EINVAL, "ag_topk: k 4 is not in 0..3, axis 1 of [2,3]", ag_topk(D(2, 3), 4, 1))                          \
    X(topk_negative, EINVAL, "ag_topk: k -1 is not in 0..2, axis 0 of [2,3]", ag_topk(D(2, 3), -1, 0))                 \
    X(topk_0d, EINVAL, "ag_topk: k 0 is not in 0..1, axis 0 of []", ag_topk(D0, 0, 0))                                 \
    X(topk_axis, EINVAL, "ag_topk: axis 2 of [2,3]", ag_topk(D(2, 3), 1, 2))                                           \
    X(topk_option, EINVAL, "ag_topk: it has no option .descending", ag_topk(D(2, 3), 1, 0, .descending = true))        \
    X(kthvalue_0, EINVAL, "ag_kthvalue: k 0 is not in 1..3, axis 1 of [2,3]", ag_kthvalue(D(2, 3), 0, 1))              \
    X(kthvalue_k, EINVAL, "ag_kthvalue: k 3 is not in 1..2, axis 0 of [2,3]", ag_kthvalue(D(2, 3), 3, 0))              \
    X(kthvalue_axis, EINVAL, "ag_kthvalue: axis 3 of [2,3]", ag_kthvalue(D(2, 3), 1, 3))                               \
    X(kthvalue_option, EINVAL, "ag_kthvalue: it has no option .descending",                                            \
      ag_kthvalue(D(2, 3), 1, 0, .descending = true))                                                                  \
    X(mode_axis, EINVAL, "ag_mode: axis 2 of [2,3]", ag_mode(D(2, 3), 2))                                              \
    X(mode_of_nothing, ESHAPE, "ag_mode: axis 1 of [2,0] holds nothing", ag_mode(D(2, 0), 1))                          \
    X(mode_option, EINVAL, "ag_mode: it has no option .smallest", ag_mode(D(2, 3), 0, .smallest = true))               \
    X(cummax_axis, EINVAL, "ag_cummax: axis 2 of [2,3]", ag_cummax(D(2, 3), 2))                                        \
    X(cummax_option, EINVAL, "ag_cummax: it has no option .keep", ag_cummax(D(2, 3), 0, .keep = true))                 \
    X(cummax_null, ENULL, "ag_cummax: operand 1 is NULL", ag_cummax(NONE, 0))                                          \
    X(cummin_axis, EINVAL, "ag_cummin: axis -3 of [2,3]", ag_cummin(D(2, 3), -3))                                      \
    X(cummin_option, EINVAL, "ag_cummin: it has no option .descending", ag_cummin(D(2, 3), 0, .descending = true))     \
    X(cummin_null, ENULL, "ag_cummin: operand 1 is NULL", ag_cummin(NONE, 0))                                          \
    X(searchsorted_dtype, EDTYPE, "ag_searchsorted: dtypes differ: f64 [3] and f32 [2]; convert one with ag_to",       \
      ag_searchsorted(D(3), F(2), false))                                                                              \
    X(searchsorted_rows, ESHAPE, "ag_searchsorted: sequences [2,3] do not fit values [3,4]: one, or one for "          \
      "each row",                                                                                                      \
      ag_searchsorted(D(2, 3), D(3, 4), false))                                                                        \
    X(searchsorted_0d, ESHAPE, "ag_searchsorted: sequences [] do not fit values [2]: one, or one for each row",        \
      ag_searchsorted(D0, D(2), false))                                                                                \
    X(searchsorted_null, ENULL, "ag_searchsorted: the values are NULL", ag_searchsorted(D(3), NONE, true))             \
    X(searchsorted_number, EDTYPE, "ag_searchsorted: the number 0.5 is no i64",                                        \
      ag_searchsorted(I(3), ag_num(0.5), true))                                                                        \
    X(bucketize_dtype, EDTYPE, "ag_bucketize: dtypes differ: f64 [3] and i64 [4]; convert one with ag_to",             \
      ag_bucketize(I(4), D(3), false))                                                                                 \
    X(bucketize_boundaries, ESHAPE, "ag_bucketize: sequences [2,3] do not fit values [4]: one, or one for each row",   \
      ag_bucketize(D(4), D(2, 3), false))                                                                              \
    X(bucketize_null, ENULL, "ag_bucketize: the values are NULL", ag_bucketize(NONE, D(3), false))                     \
    X(cumsum_axis, EINVAL, "ag_cumsum: axis 2 of [2,3]", ag_cumsum(D(2, 3), 2))                                        \
    X(cumsum_0d, EINVAL, "ag_cumsum: axis 1 of []", ag_cumsum(D0, 1))                                                  \
    X(cumsum_null, ENULL, "ag_cumsum: operand 1 is NULL", ag_cumsum(NONE, 0))                                          \
    X(cumprod_axis, EINVAL, "ag_cumprod: axis -3 of [2,3]", ag_cumprod(D(2, 3), -3))                                   \
    X(cumprod_0d, EINVAL, "ag_cumprod: axis -2 of []", ag_cumprod(D0, -2))                                             \
    X(cumprod_null, ENULL, "ag_cumprod: operand 1 is NULL", ag_cumprod(NONE, 0))                                       \
    X(logcumsumexp_axis, EINVAL, "ag_logcumsumexp: axis 2 of [2,3]", ag_logcumsumexp(D(2, 3), 2))                      \
    X(logcumsumexp_dtype, EDTYPE, "ag_logcumsumexp: needs f32 or f64, got i64 [2,3]; ag_to converts",                  \
      ag_logcumsumexp(I(2, 3), 0))                                                                                     \
    X(logcumsumexp_null, ENULL, "ag_logcumsumexp: operand 1 is NULL", ag_logcumsumexp(NONE, 0))                        \
    X(diff_axis, EINVAL, "ag_diff: axis 2 of [2,3]", ag_diff(D(2, 3), 2))                                              \
    X(diff_0d, ESHAPE, "ag_diff: [] has no axis", ag_diff(D0, 0))                                                      \
    X(diff_dtype, EDTYPE, "ag_diff: needs f32 or f64, got i64 [2,3]; ag_to converts", ag_diff(I(2, 3), 0))             \
    X(diff_n, EINVAL, "ag_diff: .n -1 is negative", ag_diff(D(2, 3), 0, .n = -1))                                      \
    X(diff_prepend, ESHAPE, "ag_diff: .prepend f64 [2,2] does not join f64 [2,3] along axis 0",                        \
      ag_diff(D(2, 3), 0, .prepend = D(2, 2)))                                                                         \
    X(diff_append, EDTYPE, "ag_diff: .append f32 [2,3] does not join f64 [2,3] along axis 0",                          \
      ag_diff(D(2, 3), 0, .append = F(2, 3)))
#define ARRANGE(X)                                                                                                     \
    X(roll_axis, EINVAL, "ag_roll: axis 2 of [2,3]", ag_roll(D(2, 3), 1, 2))                                           \
    X(roll_0d, EINVAL, "ag_roll: axis 1 of []", ag_roll(D0, 1, 1))                                                     \
    X(roll_null, ENULL, "ag_roll: operand 1 is NULL", ag_roll(NONE, 1, 0))                                             \
    X(rot90_axis, EINVAL, "ag_rot90: axis 2 of [2,3]", ag_rot90(D(2, 3), 1, 0, 2))                                     \
    X(rot90_same, EINVAL, "ag_rot90: axis 1 of [2,3] twice", ag_rot90(D(2, 3), 1, 1, -1))                              \
    X(rot90_rank, EINVAL, "ag_rot90: axis 1 of [3]", ag_rot90(D(3), 1, 0, 1))                                          \
    X(repeat_fewer, ESHAPE, "ag_repeat: [2,3] times [2]: one for each axis", ag_repeat(D(2, 3), 2))                    \
    X(repeat_negative, EINVAL, "ag_repeat: [2,3] times [2,-1]", ag_repeat(D(2, 3), 2, -1))                             \
    X(repeat_axes, ESHAPE, "ag_repeat: [2,3] to 9 axes; at most 8 are possible", (ag_repeat)(D(2, 3), 9, nine))        \
    X(repeat_null, ENULL, "ag_repeat: the list of 2 is NULL", (ag_repeat)(D(2, 3), 2, NULL))                           \
    X(repeat_overflow, EINVAL, "ag_repeat: [2] times [9223372036854775807]", ag_repeat(D(2), INT64_MAX))               \
    X(tile_negative, EINVAL, "ag_tile: [2,3] times [1,-2]", ag_tile(D(2, 3), -2))                                      \
    X(tile_axes, ESHAPE, "ag_tile: [2,3] to 9 axes; at most 8 are possible", (ag_tile)(D(2, 3), 9, nine))              \
    X(tile_overflow, EINVAL, "ag_tile: [4,2] times [4611686018427387903,3]", ag_tile(D(4, 2), INT64_MAX / 2, 3))       \
    X(repeat_interleave_dtype, EDTYPE, "ag_repeat_interleave: repeats f64 [3] are no integers",                        \
      ag_repeat_interleave(D(2, 3), D(3), 1))                                                                          \
    X(repeat_interleave_count, ESHAPE, "ag_repeat_interleave: repeats [2] do not fit axis 1 of [2,3]: one for "        \
      "each, or one",                                                                                                  \
      ag_repeat_interleave(D(2, 3), I(2), 1))                                                                          \
    X(repeat_interleave_negative, EINVAL, "ag_repeat_interleave: element 0 of axis 1 of [2,3] -1 times",               \
      ag_repeat_interleave(D(2, 3), ag_num(-1), 1))                                                                    \
    X(repeat_interleave_half, EDTYPE, "ag_repeat_interleave: repeats f64 [] are no integers",                          \
      ag_repeat_interleave(D(2, 3), ag_num(0.5), 1))                                                                   \
    X(repeat_interleave_axis, EINVAL, "ag_repeat_interleave: axis 2 of [2,3]",                                         \
      ag_repeat_interleave(D(2, 3), ag_num(2), 2))                                                                     \
    X(repeat_interleave_null, ENULL, "ag_repeat_interleave: repeats is NULL",                                          \
      ag_repeat_interleave(D(2, 3), NONE, 1))                                                                          \
    X(unfold_size, EINVAL, "ag_unfold: windows of 4, step 1, along axis 1 of [2,3]", ag_unfold(D(2, 3), 1, 4, 1))      \
    X(unfold_step, EINVAL, "ag_unfold: windows of 2, step 0, along axis 1 of [2,3]", ag_unfold(D(2, 3), 1, 2, 0))      \
    X(unfold_axis, EINVAL, "ag_unfold: axis 2 of [2,3]", ag_unfold(D(2, 3), 2, 1, 1))                                  \
    X(unfold_room, ESHAPE, "ag_unfold: [1,1,1,1,1,1,1,1] has no room for an axis",                                     \
      ag_unfold((ag_zeros)(AG_F64, 8, eight), 0, 1, 1))                                                                \
    X(pad_odd, ESHAPE, "ag_pad: 3 sizes for [2,3]: two for each axis, the last axis first",                            \
      ag_pad(D(2, 3), AG_SIZES(1, 2, 3)))                                                                              \
    X(pad_axes, ESHAPE, "ag_pad: 4 sizes for [2]: two for each axis, the last axis first",                             \
      ag_pad(D(2), AG_SIZES(1, 2, 3, 4)))                                                                              \
    X(pad_negative, EINVAL, "ag_pad: -2 before and -2 after axis 1 of [2,3] (constant)",                               \
      ag_pad(D(2, 3), AG_SIZES(-2, -2)))                                                                               \
    X(pad_reflect, EINVAL, "ag_pad: 3 before and 0 after axis 1 of [2,3] (reflect)",                                   \
      ag_pad(D(2, 3), AG_SIZES(3, 0), .mode = AG_PAD_REFLECT))                                                         \
    X(pad_circular, EINVAL, "ag_pad: 0 before and 3 after axis 0 of [2,3] (circular)",                                 \
      ag_pad(D(2, 3), AG_SIZES(0, 0, 0, 3), .mode = AG_PAD_CIRCULAR))                                                  \
    X(pad_replicate, EINVAL, "ag_pad: 1 before and 1 after axis 1 of [2,0] (replicate)",                               \
      ag_pad(D(2, 0), AG_SIZES(1, 1), .mode = AG_PAD_REPLICATE))                                                       \
    X(pad_mode, EINVAL, "ag_pad: mode 7 of [2,3]", ag_pad(D(2, 3), AG_SIZES(1, 1), .mode = (ag_pad_mode)7))            \
    X(pad_value, EINVAL, "ag_pad: .value is for the constant mode, not for replicate of [2,3]",                        \
      ag_pad(D(2, 3), AG_SIZES(1, 1), .mode = AG_PAD_REPLICATE, .value = 1))                                           \
    X(pad_whole, EDTYPE, "ag_pad: .value 0.5 is no i64, as [2,3] is", ag_pad(I(2, 3), AG_SIZES(1, 1), .value = 0.5))   \
    X(pad_overflow, EINVAL, "ag_pad: 9223372036854775807 before and 1 after axis 1 of [2,3] (constant)",               \
      ag_pad(D(2, 3), AG_SIZES(INT64_MAX, 1)))                                                                         \
    X(pixel_shuffle_rank, ESHAPE, "ag_pixel_shuffle: [4,2] is no [.., channels, height, width]",                       \
      ag_pixel_shuffle(D(4, 2), 2))                                                                                    \
    X(pixel_shuffle_channels, ESHAPE, "ag_pixel_shuffle: factor 2 does not divide [3,2,2]",                            \
      ag_pixel_shuffle(D(3, 2, 2), 2))                                                                                 \
    X(pixel_shuffle_factor, ESHAPE, "ag_pixel_shuffle: factor 0 does not divide [4,2,2]",                              \
      ag_pixel_shuffle(D(4, 2, 2), 0))                                                                                 \
    X(pixel_unshuffle_rank, ESHAPE, "ag_pixel_unshuffle: [4] is no [.., channels, height, width]",                     \
      ag_pixel_unshuffle(D(4), 2))                                                                                     \
    X(pixel_unshuffle_height, ESHAPE, "ag_pixel_unshuffle: factor 2 does not divide [1,3,2]",                          \
      ag_pixel_unshuffle(D(1, 3, 2), 2))                                                                               \
    X(pixel_unshuffle_factor, ESHAPE, "ag_pixel_unshuffle: factor -1 does not divide [1,2,2]",                         \
      ag_pixel_unshuffle(D(1, 2, 2), -1))                                                                              \
    X(movedim_from, EINVAL, "ag_movedim: axis 2 of [2,3]", ag_movedim(D(2, 3), 2, 0))                                  \
    X(movedim_to, EINVAL, "ag_movedim: axis -3 of [2,3]", ag_movedim(D(2, 3), 0, -3))                                  \
    X(movedim_null, ENULL, "ag_movedim: operand 1 is NULL", ag_movedim(NONE, 0, 1))                                    \
    X(flatten_order, EINVAL, "ag_flatten: axes 2 to 1 of [2,3,4]", ag_flatten(D(2, 3, 4), 2, 1))                       \
    X(flatten_from, EINVAL, "ag_flatten: axis 2 of [2,3]", ag_flatten(D(2, 3), 2, -1))                                 \
    X(flatten_to, EINVAL, "ag_flatten: axis 2 of [2,3]", ag_flatten(D(2, 3), 0, 2))                                    \
    X(unflatten_product, ESHAPE, "ag_unflatten: axis 1 of [2,6] does not become [4,2]",                                \
      ag_unflatten(D(2, 6), 1, AG_SIZES(4, 2)))                                                                        \
    X(unflatten_unknown, ESHAPE, "ag_unflatten: axis 1 of [2,6] does not become [4,-1]",                               \
      ag_unflatten(D(2, 6), 1, AG_SIZES(4, -1)))                                                                       \
    X(unflatten_axis, EINVAL, "ag_unflatten: axis 2 of [2,6]", ag_unflatten(D(2, 6), 2, AG_SIZES(2, 3)))               \
    X(unflatten_nine, ESHAPE, "ag_unflatten: axis 1 of [2,6] into 9 axes",                                             \
      ag_unflatten(D(2, 6), 1, ((ag_sizes){ nine, 9 })))                                                               \
    X(narrow_length, EINVAL, "ag_narrow: 3 elements from 1 along axis 1 of [2,3]", ag_narrow(D(2, 3), 1, 1, 3))        \
    X(narrow_from, EINVAL, "ag_narrow: 0 elements from 4 along axis 1 of [2,3]", ag_narrow(D(2, 3), 1, 4, 0))          \
    X(narrow_axis, EINVAL, "ag_narrow: axis 2 of [2,3]", ag_narrow(D(2, 3), 2, 0, 1))                                  \
    X(narrow_0d, EINVAL, "ag_narrow: 1 elements from 0 along axis 0 of []", ag_narrow(D0, 0, 0, 1))                    \
    X(diagonal_rank, ESHAPE, "ag_diagonal: [3] has no place for 2 axes of a matrix", ag_diagonal(D(3)))                \
    X(diagonal_axis, EINVAL, "ag_diagonal: axes 0 and 2 of the 2 that [2,3] has or gets",                              \
      ag_diagonal(D(2, 3), .axes = AG_AXES(0, 2)))                                                                     \
    X(diagonal_same, EINVAL, "ag_diagonal: axes 1 and -1 of the 2 that [2,3] has or gets",                             \
      ag_diagonal(D(2, 3), .axes = AG_AXES(1, -1)))                                                                    \
    X(diagonal_axes, ESHAPE, "ag_diagonal: [2,3,4] has no place for 3 axes of a matrix",                               \
      ag_diagonal(D(2, 3, 4), .axes = AG_AXES(0, 1, 2)))                                                               \
    X(diagonal_offset, EINVAL, "ag_diagonal: diagonal 9223372036854775807 of [2,3]",                                   \
      ag_diagonal(D(2, 3), .offset = INT64_MAX))                                                                       \
    X(diag_embed_0d, ESHAPE, "ag_diag_embed: [] has no place for 2 axes of a matrix", ag_diag_embed(D0))               \
    X(diag_embed_axis, EINVAL, "ag_diag_embed: axes 0 and 3 of the 3 that [2,3] has or gets",                          \
      ag_diag_embed(D(2, 3), .axes = AG_AXES(0, 3)))                                                                   \
    X(diag_embed_room, ESHAPE, "ag_diag_embed: [1,1,1,1,1,1,1,1] has no place for 2 axes of a matrix",                 \
      ag_diag_embed((ag_zeros)(AG_F64, 8, eight)))                                                                     \
    X(diag_0d, ESHAPE, "ag_diag: [] is neither a vector nor a matrix", ag_diag(D0, 0))                                 \
    X(diag_3d, ESHAPE, "ag_diag: [2,3,4] is neither a vector nor a matrix", ag_diag(D(2, 3, 4), 0))                    \
    X(diag_offset, EINVAL, "ag_diag: diagonal -9223372036854775808 of [2,3]", ag_diag(D(2, 3), INT64_MIN))             \
    X(tril_rank, ESHAPE, "ag_tril: [3] is no matrix", ag_tril(D(3), 0))                                                \
    X(tril_offset, EINVAL, "ag_tril: diagonal 9223372036854775807 of [2,3]", ag_tril(D(2, 3), INT64_MAX))              \
    X(tril_null, ENULL, "ag_tril: operand 1 is NULL", ag_tril(NONE, 0))                                                \
    X(triu_rank, ESHAPE, "ag_triu: [] is no matrix", ag_triu(D0, 0))                                                   \
    X(triu_offset, EINVAL, "ag_triu: diagonal -9223372036854775808 of [2,3]", ag_triu(D(2, 3), INT64_MIN))             \
    X(triu_null, ENULL, "ag_triu: operand 1 is NULL", ag_triu(NONE, 0))                                                \
    X(hstack_shapes, ESHAPE, "ag_hstack: operand 1 is f64 [2,3], operand 2 f64 [3,3]; they do not join along axis 1",  \
      ag_hstack(AG_LIST(D(2, 3), D(3, 3))))                                                                            \
    X(hstack_dtypes, EDTYPE, "ag_hstack: operand 1 is f64 [2], operand 2 f32 [2]; they do not join along axis 0",      \
      ag_hstack(AG_LIST(D(2), F(2))))                                                                                  \
    X(hstack_nothing, EINVAL, "ag_hstack: 0 tensors given; it takes 1 to 65535", ag_hstack((ag_list){ NULL, 0 }))      \
    X(vstack_shapes, ESHAPE, "ag_vstack: operand 1 is f64 [3], operand 2 f64 [2,4]; they do not join along axis 0",    \
      ag_vstack(AG_LIST(D(3), D(2, 4))))                                                                               \
    X(vstack_null, ENULL, "ag_vstack: tensor 2 is NULL", ag_vstack(AG_LIST(D(3), NONE)))                               \
    X(vstack_nothing, EINVAL, "ag_vstack: 0 tensors given; it takes 1 to 65535", ag_vstack((ag_list){ NULL, 0 }))      \
    X(dstack_shapes, ESHAPE, "ag_dstack: operand 1 is f64 [3], operand 2 f64 [2,3]; they do not join along axis 2",    \
      ag_dstack(AG_LIST(D(3), D(2, 3))))                                                                               \
    X(dstack_dtypes, EDTYPE, "ag_dstack: operand 1 is f64 [3], operand 2 i64 [3]; they do not join along axis 2",      \
      ag_dstack(AG_LIST(D(3), I(3))))                                                                                  \
    X(dstack_nothing, EINVAL, "ag_dstack: 0 tensors given; it takes 1 to 65535", ag_dstack((ag_list){ NULL, 0 }))      \
    X(column_stack_shapes, ESHAPE, "ag_column_stack: operand 1 is f64 [3], operand 2 f64 [2,3]; they do not "          \
      "join along axis 1",                                                                                             \
      ag_column_stack(AG_LIST(D(3), D(2, 3))))                                                                         \
    X(column_stack_rank, ESHAPE, "ag_column_stack: operand 1 is f64 [2,3], operand 2 f64 [2,3,1]; they do not "        \
      "join along axis 1",                                                                                             \
      ag_column_stack(AG_LIST(D(2, 3), D(2, 3, 1))))                                                                   \
    X(column_stack_null, ENULL, "ag_column_stack: tensor 2 is NULL", ag_column_stack(AG_LIST(D(3), NONE)))             \
    X(split_size, EINVAL, "ag_split: parts of 0 along axis 1 of [2,3]", ag_split(D(2, 3), 0, 1))                       \
    X(split_axis, EINVAL, "ag_split: axis 2 of [2,3]", ag_split(D(2, 3), 1, 2))                                        \
    X(split_0d, EINVAL, "ag_split: axis 0 of []", ag_split(D0, 1, 0))                                                  \
    X(split_sizes_sum, EINVAL, "ag_split_sizes: 2 sizes do not add up to axis 1 of [2,3]",                             \
      ag_split_sizes(D(2, 3), AG_SIZES(1, 1), 1))                                                                      \
    X(split_sizes_negative, EINVAL, "ag_split_sizes: 2 sizes do not add up to axis 1 of [2,3]",                        \
      ag_split_sizes(D(2, 3), AG_SIZES(4, -1), 1))                                                                     \
    X(split_sizes_axis, EINVAL, "ag_split_sizes: axis 2 of [2,3]", ag_split_sizes(D(2, 3), AG_SIZES(3), 2))            \
    X(chunk_n, EINVAL, "ag_chunk: 0 parts along axis 1 of [2,3]", ag_chunk(D(2, 3), 0, 1))                             \
    X(chunk_axis, EINVAL, "ag_chunk: axis -3 of [2,3]", ag_chunk(D(2, 3), 2, -3))                                      \
    X(chunk_null, ENULL, "ag_chunk: operand 1 is NULL", ag_chunk(NONE, 2, 0))                                          \
    X(unbind_axis, EINVAL, "ag_unbind: axis 2 of [2,3]", ag_unbind(D(2, 3), 2))                                        \
    X(unbind_0d, EINVAL, "ag_unbind: axis 0 of []", ag_unbind(D0, 0))                                                  \
    X(unbind_null, ENULL, "ag_unbind: operand 1 is NULL", ag_unbind(NONE, 0))                                          \
    X(meshgrid_rank, ESHAPE, "ag_meshgrid: tensor 2 is [2,3], not 1-d", ag_meshgrid(AG_LIST(D(2), D(2, 3)), false))    \
    X(meshgrid_nothing, EINVAL, "ag_meshgrid: 0 tensors given; it takes 1 to 8",                                       \
      ag_meshgrid((ag_list){ NULL, 0 }, false))                                                                        \
    X(meshgrid_null, ENULL, "ag_meshgrid: operand 2 is NULL", ag_meshgrid(AG_LIST(D(2), NONE), true))
#define SCATTER(X)                                                                                                     \
    X(masked_fill_mask, EDTYPE, "ag_masked_fill: the mask is f64 [2,3], not bool",                                     \
      ag_masked_fill(D(2, 3), D(2, 3), ag_num(1)))                                                                     \
    X(masked_fill_shape, ESHAPE, "ag_masked_fill: shapes do not broadcast: [2,3] and [2]",                             \
      ag_masked_fill(D(2, 3), M(2), ag_num(1)))                                                                        \
    X(masked_fill_value, ESHAPE, "ag_masked_fill: value [3] into [2,3]; it must be 0-d",                               \
      ag_masked_fill(D(2, 3), M(3), D(3)))                                                                             \
    X(masked_fill_dtype, EDTYPE, "ag_masked_fill: the value is f32 [1], x is f64 [2,3]",                               \
      ag_masked_fill(D(2, 3), M(3), F(1)))                                                                             \
    X(masked_fill_number, EDTYPE, "ag_masked_fill: the number 0.5 is no i64",                                          \
      ag_masked_fill(I(2, 3), M(3), ag_num(0.5)))                                                                      \
    X(masked_fill_null, ENULL, "ag_masked_fill: the mask is NULL", ag_masked_fill(D(2, 3), NONE, ag_num(1)))           \
    X(masked_select_mask, EDTYPE, "ag_masked_select: the mask is i64 [2,3], not bool",                                 \
      ag_masked_select(D(2, 3), I(2, 3)))                                                                              \
    X(masked_select_shape, ESHAPE, "ag_masked_select: shapes do not broadcast: [2,3] and [2,2]",                       \
      ag_masked_select(D(2, 3), M(2, 2)))                                                                              \
    X(masked_select_null, ENULL, "ag_masked_select: the mask is NULL", ag_masked_select(D(2, 3), NONE))                \
    X(masked_scatter_mask, EDTYPE, "ag_masked_scatter: the mask is f64 [2,3], not bool",                               \
      ag_masked_scatter(D(2, 3), D(2, 3), D(6)))                                                                       \
    X(masked_scatter_few, ESHAPE, "ag_masked_scatter: source [5] has fewer than the 6 elements that the mask takes",   \
      ag_masked_scatter(D(2, 3), ag_ones(AG_BOOL, 3), D(5)))                                                           \
    X(masked_scatter_dtype, EDTYPE, "ag_masked_scatter: the source is f32 [6], x is f64 [2,3]",                        \
      ag_masked_scatter(D(2, 3), M(3), F(6)))                                                                          \
    X(masked_scatter_shape, ESHAPE, "ag_masked_scatter: shapes do not broadcast: [2,3] and [2]",                       \
      ag_masked_scatter(D(2, 3), M(2), D(6)))                                                                          \
    X(scatter_index, EINVAL, "ag_scatter: index 2 at position 0 is not in 0..1, the axis of [2,3]",                    \
      ag_scatter(D(2, 3), 0, index_of(2), D(1, 1)))                                                                    \
    X(scatter_negative, EINVAL, "ag_scatter: index -1 at position 0 is not in 0..2, the axis of [2,3]",                \
      ag_scatter(D(2, 3), 1, index_of(-1), D(1, 1)))                                                                   \
    X(scatter_index_dtype, EDTYPE, "ag_scatter: the index is f64 [1,1]; it must be i64, i32 or u8",                    \
      ag_scatter(D(2, 3), 0, D(1, 1), D(1, 1)))                                                                        \
    X(scatter_shape, ESHAPE, "ag_scatter: value [1,4] at index [1,4] does not fit along axis 0 of [2,3]",              \
      ag_scatter(D(2, 3), 0, I(1, 4), D(1, 4)))                                                                        \
    X(scatter_value, ESHAPE, "ag_scatter: value [1,2] at index [1,3] does not fit along axis 0 of [2,3]",              \
      ag_scatter(D(2, 3), 0, I(1, 3), D(1, 2)))                                                                        \
    X(scatter_dtype, EDTYPE, "ag_scatter: the value is f32 [1,3], x is f64 [2,3]",                                     \
      ag_scatter(D(2, 3), 0, I(1, 3), F(1, 3)))                                                                        \
    X(scatter_axis, EINVAL, "ag_scatter: axis 2 of [2,3]", ag_scatter(D(2, 3), 2, I(1, 3), D(1, 3)))                   \
    X(scatter_null, ENULL, "ag_scatter: the index is NULL", ag_scatter(D(2, 3), 0, NONE, D(1, 3)))                     \
    X(scatter_reduce_index, EINVAL, "ag_scatter_reduce: index 2 at position 0 is not in 0..1, the axis of [2,3]",      \
      ag_scatter_reduce(D(2, 3), 0, index_of(2), D(1, 1)))                                                             \
    X(scatter_reduce_dtype, EDTYPE, "ag_scatter_reduce: needs f32 or f64, got i64 [2,3]; ag_to converts",              \
      ag_scatter_reduce(I(2, 3), 0, I(1, 3), I(1, 3)))                                                                 \
    X(scatter_reduce_shape, ESHAPE, "ag_scatter_reduce: value [3,3] at index [3,3] does not fit along axis 1 of "      \
      "[2,3]",                                                                                                         \
      ag_scatter_reduce(D(2, 3), 1, I(3, 3), D(3, 3)))                                                                 \
    X(scatter_reduce_number, ESHAPE, "ag_scatter_reduce: value [] at index [2,3] does not fit along axis 1 of [2,3]",  \
      ag_scatter_reduce(D(2, 3), 1, I(2, 3), D0))                                                                      \
    X(scatter_reduce_how, EINVAL, "ag_scatter_reduce: .reduce 9 of [2,3]",                                             \
      ag_scatter_reduce(D(2, 3), 1, I(2, 3), D(2, 3), .reduce = (ag_scatter_mode)9))                                   \
    X(scatter_reduce_axis, EINVAL, "ag_scatter_reduce: axis -3 of [2,3]",                                              \
      ag_scatter_reduce(D(2, 3), -3, I(2, 3), D(2, 3)))                                                                \
    X(index_fill_index, EINVAL, "ag_index_fill: index 3 at position 0 is not in 0..2, the axis of [2,3]",              \
      ag_index_fill(D(2, 3), 1, index_at(3), ag_num(1)))                                                               \
    X(index_fill_rank, ESHAPE, "ag_index_fill: value [] at index [2,2] of [2,3]; they must be 0-d and 1-d",            \
      ag_index_fill(D(2, 3), 1, I(2, 2), ag_num(1)))                                                                   \
    X(index_fill_value, ESHAPE, "ag_index_fill: value [2] at index [2] of [2,3]; they must be 0-d and 1-d",            \
      ag_index_fill(D(2, 3), 1, I(2), D(2)))                                                                           \
    X(index_fill_dtype, EDTYPE, "ag_index_fill: the index is f64 [2]; it must be i64, i32 or u8",                      \
      ag_index_fill(D(2, 3), 1, D(2), ag_num(1)))                                                                      \
    X(index_fill_axis, EINVAL, "ag_index_fill: axis 2 of [2,3]", ag_index_fill(D(2, 3), 2, I(2), ag_num(1)))           \
    X(index_copy_index, EINVAL, "ag_index_copy: index -1 at position 0 is not in 0..1, the axis of [2,3]",             \
      ag_index_copy(D(2, 3), 0, index_at(-1), D(1, 3)))                                                                \
    X(index_copy_shape, ESHAPE, "ag_index_copy: source [2,4] at index [2] does not fit along axis 0 of [2,3]",         \
      ag_index_copy(D(2, 3), 0, I(2), D(2, 4)))                                                                        \
    X(index_copy_dtype, EDTYPE, "ag_index_copy: the source is f32 [2,3], x is f64 [2,3]",                              \
      ag_index_copy(D(2, 3), 0, I(2), F(2, 3)))                                                                        \
    X(index_copy_axis, EINVAL, "ag_index_copy: axis 3 of [2,3]", ag_index_copy(D(2, 3), 3, I(2), D(2, 3)))             \
    X(index_outside, EINVAL, "ag_index: index 3 at position 0 is not in 0..2, an axis of [2,3]",                       \
      ag_index(D(2, 3), AG_LIST(I(1), index_at(3))))                                                                   \
    X(index_dtype, EDTYPE, "ag_index: the index is f64 [1]; it must be i64, i32 or u8",                                \
      ag_index(D(2, 3), AG_LIST(D(1))))                                                                                \
    X(index_many, ESHAPE, "ag_index: 2 indices for [2]", ag_index(D(2), AG_LIST(I(1), I(1))))                          \
    X(index_broadcast, ESHAPE, "ag_index: index [3] of [2,3] does not broadcast to [2]",                               \
      ag_index(D(2, 3), AG_LIST(I(2), I(3))))                                                                          \
    X(index_none, ESHAPE, "ag_index: 0 indices for [2,3]", ag_index(D(2, 3), (ag_list){ NULL, 0 }))                    \
    X(index_mask, ESHAPE, "ag_index: mask [3] for axis 0 of [2,3]", ag_index(D(2, 3), AG_LIST(M(3))))                  \
    X(index_rank, ESHAPE, "ag_index: [1,1,1,1,1,1,1,1] at an index of [1,1] has more than 8 axes",                     \
      ag_index((ag_zeros)(AG_F64, 8, eight), AG_LIST(I(1, 1))))                                                        \
    X(index_put_outside, EINVAL, "ag_index_put: index 2 at position 0 is not in 0..1, an axis of [2,3]",               \
      ag_index_put(D(2, 3), AG_LIST(index_at(2)), D(3), false))                                                        \
    X(index_put_value, ESHAPE, "ag_index_put: value [2,2] does not broadcast to the [2,3] that are chosen of [2,3]",   \
      ag_index_put(D(2, 3), AG_LIST(I(2)), D(2, 2), false))                                                            \
    X(index_put_dtype, EDTYPE, "ag_index_put: the value is f32 [3], x is f64 [2,3]",                                   \
      ag_index_put(D(2, 3), AG_LIST(I(2)), F(3), true))                                                                \
    X(index_put_whole, EDTYPE, "ag_index_put: needs f32 or f64, got i64 [2,3]; ag_to converts",                        \
      ag_index_put(I(2, 3), AG_LIST(I(2)), I(3), true))                                                                \
    X(index_put_null, ENULL, "ag_index_put: the index is NULL", ag_index_put(D(2, 3), AG_LIST(NONE), D(3), true))      \
    X(segment_sum_outside, EINVAL, "ag_segment_sum: index 2 at position 0 is not in 0..1, the segments of [1,3]",      \
      ag_segment_sum(D(1, 3), index_at(2), 2))                                                                         \
    X(segment_sum_shape, ESHAPE, "ag_segment_sum: segments [3] of [2,3] into 2: one for each row",                     \
      ag_segment_sum(D(2, 3), I(3), 2))                                                                                \
    X(segment_sum_dtype, EDTYPE, "ag_segment_sum: needs f32 or f64, got i64 [2,3]; ag_to converts",                    \
      ag_segment_sum(I(2, 3), I(2), 2))                                                                                \
    X(segment_sum_index, EDTYPE, "ag_segment_sum: the index is f64 [2]; it must be i64, i32 or u8",                    \
      ag_segment_sum(D(2, 3), D(2), 2))                                                                                \
    X(segment_sum_n, ESHAPE, "ag_segment_sum: segments [2] of [2,3] into -1: one for each row",                        \
      ag_segment_sum(D(2, 3), I(2), -1))                                                                               \
    X(one_hot_outside, EINVAL, "ag_one_hot: index 3 at position 0 is not in 0..2, the classes of [1]",                 \
      ag_one_hot(index_at(3), 3))                                                                                      \
    X(one_hot_dtype, EDTYPE, "ag_one_hot: the index is f64 [3]; it must be i64, i32 or u8", ag_one_hot(D(3), 3))       \
    X(one_hot_classes, ESHAPE, "ag_one_hot: [3] of 0 classes", ag_one_hot(I(3), 0))                                    \
    X(one_hot_rank, ESHAPE, "ag_one_hot: [1,1,1,1,1,1,1,1] of 2 classes",                                              \
      ag_one_hot((ag_zeros)(AG_I64, 8, eight), 2))
#define ALL(X) REDUCTIONS(X) ORDER(X) ARRANGE(X) SCATTER(X)
// clang-format on
MISUSE_TABLE(ALL)

static void mistakes(void **state)
{
    (void)state;
    MISUSE_CHECK();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(mistakes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
