/* samples_images.c - images resized, sampled and shuffled; sparse products, positions, dropout of channels. */
#include "samples.h"

#define TO(mode_, ...) .mode = AG_INTERPOLATE_##mode_, .sizes = AG_SIZES(__VA_ARGS__)
#define BY(mode_, ...) .mode = AG_INTERPOLATE_##mode_, .scale_factor = AG_FACTORS(__VA_ARGS__)
APPLY(nearest, ag_interpolate(x[0], TO(NEAREST, 5)))
APPLY(nearest_by, ag_interpolate(x[0], BY(NEAREST, 1.7)))
APPLY(nearest_exact, ag_interpolate(x[0], TO(NEAREST_EXACT, 2, 5)))
APPLY(linear, ag_interpolate(x[0], TO(LINEAR, 5)))
APPLY(linear_by, ag_interpolate(x[0], BY(LINEAR, 1.7, 0.6)))
APPLY(linear_by_rounded, ag_interpolate(x[0], BY(LINEAR, 1.7), .recompute_scale_factor = true))
APPLY(linear_aligned, ag_interpolate(x[0], TO(LINEAR, 5, 2, 1), .align_corners = true))
APPLY(linear_filtered, ag_interpolate(x[0], TO(LINEAR, 2, 5), .antialias = true))
APPLY(cubed, ag_interpolate(x[0], TO(CUBIC, 5, 3)))
APPLY(cubed_aligned, ag_interpolate(x[0], TO(CUBIC, 5, 3), .align_corners = true))
APPLY(cubed_filtered, ag_interpolate(x[0], TO(CUBIC, 2, 6), .antialias = true))
APPLY(mean_area, ag_interpolate(x[0], TO(AREA, 2, 5)))
CASES(interpolate){
    CASE("size 1", linear, V(1, 1, 1)),
    CASE("nearest", nearest, V(2, 2, 4)),
    CASE("nearest, by a factor", nearest_by, V(1, 2, 2, 3)),
    CASE("nearest-exact", nearest_exact, V(2, 1, 3, 4)),
    CASE("linear", linear, V(2, 2, 4)),
    CASE("bilinear, by factors", linear_by, V(1, 2, 3, 4)),
    CASE("by the rounded factor", linear_by_rounded, V(2, 1, 4)),
    CASE("trilinear, corners aligned", linear_aligned, V(1, 2, 3, 3, 2)),
    CASE("bilinear, filtered", linear_filtered, V(1, 2, 5, 3)),
    CASE("bicubic", cubed, V(2, 1, 3, 5)),
    CASE("bicubic, corners aligned", cubed_aligned, V(1, 2, 3, 5)),
    CASE("bicubic, filtered", cubed_filtered, V(1, 2, 6, 4)),
    CASE("area", mean_area, V(1, 2, 5, 3)),
    CASE("no batch", linear, V(0, 2, 3)),
    CASE("no channels", cubed, V(2, 0, 3, 2)),
    CASE("transposed", linear_by, T(1, 2, 3, 4)),
    CASE("strided", cubed, S(1, 2, 3, 2)),
    CASE("flipped", nearest, F(2, 2, 3)),
    CASE("expanded", linear, E(2, 2, 3)),
};
SAMPLES(interpolate, { -2, 2 });

APPLY(sampled, ag_grid_sample(x[0], x[1]))
APPLY(sampled_aligned, ag_grid_sample(x[0], x[1], .align_corners = true))
APPLY(sampled_border, ag_grid_sample(x[0], x[1], .padding = AG_GRID_BORDER))
APPLY(sampled_mirrored, ag_grid_sample(x[0], x[1], .padding = AG_GRID_REFLECTION))
APPLY(sampled_mirrored_aligned, ag_grid_sample(x[0], x[1], .padding = AG_GRID_REFLECTION, .align_corners = true))
APPLY(sampled_cubic, ag_grid_sample(x[0], x[1], .mode = AG_GRID_CUBIC))
APPLY(sampled_cubic_border, ag_grid_sample(x[0], x[1], .mode = AG_GRID_CUBIC, .padding = AG_GRID_BORDER))
APPLY(sampled_cubic_mirrored, ag_grid_sample(x[0], x[1], .mode = AG_GRID_CUBIC, .padding = AG_GRID_REFLECTION))
static ag_tensor *sampled_at_random(ag_tensor **x)
{
    ag_seed(9);
    return ag_grid_sample(x[0], ag_to(ag_randn(AG_F64, 1, 3, 2, 2), ag_dtype_of(x[0])), .mode = AG_GRID_NEAREST);
}
CASES(grid_sample){
    CASE("size 1", sampled, V(1, 1, 1, 1), V(1, 1, 1, 2)),
    CASE("bilinear", sampled, V(2, 2, 3, 4), V(2, 2, 3, 2)),
    CASE("corners aligned", sampled_aligned, V(1, 2, 3, 4), V(1, 2, 3, 2)),
    CASE("border", sampled_border, V(1, 2, 3, 4), V(1, 3, 2, 2)),
    CASE("mirrored", sampled_mirrored, V(1, 2, 3, 4), V(1, 3, 2, 2)),
    CASE("mirrored, corners aligned", sampled_mirrored_aligned, V(1, 2, 3, 4), V(1, 3, 2, 2)),
    CASE("nearest", sampled_at_random, V(1, 2, 3, 4)),
    CASE("bicubic", sampled_cubic, V(1, 2, 3, 4), V(1, 2, 2, 2)),
    CASE("bicubic, border", sampled_cubic_border, V(1, 1, 3, 4), V(1, 2, 2, 2)),
    CASE("bicubic, mirrored", sampled_cubic_mirrored, V(1, 1, 3, 4), V(1, 2, 2, 2)),
    CASE("trilinear", sampled, V(1, 2, 2, 3, 2), V(1, 1, 2, 2, 3)),
    CASE("trilinear, mirrored", sampled_mirrored, V(1, 1, 2, 3, 2), V(1, 2, 1, 2, 3)),
    CASE("tricubic", sampled_cubic, V(1, 1, 2, 3, 2), V(1, 1, 1, 2, 3)),
    CASE("no batch", sampled, V(0, 2, 3, 4), V(0, 2, 3, 2)),
    CASE("no channels", sampled, V(1, 0, 3, 4), V(1, 2, 3, 2)),
    CASE("no places", sampled, V(1, 2, 3, 4), V(1, 0, 3, 2)),
    CASE("transposed", sampled, T(1, 2, 3, 4), T(1, 2, 3, 2)),
    CASE("strided", sampled, S(1, 2, 3, 4), S(1, 2, 3, 2)),
    CASE("flipped", sampled_border, F(1, 2, 3, 4), F(1, 2, 3, 2)),
    CASE("expanded", sampled, E(2, 2, 3, 4), E(2, 2, 3, 2)),
};
SAMPLES(grid_sample, { -1.4, 1.4 });

APPLY(affine, ag_affine_grid(x[0], AG_SIZES(ag_size(x[0], 0), 1, 2, 3), false))
APPLY(affine_aligned, ag_affine_grid(x[0], AG_SIZES(ag_size(x[0], 0), 2, 3, 1), true))
APPLY(affine_of_three, ag_affine_grid(x[0], AG_SIZES(ag_size(x[0], 0), 1, 2, 1, 3), false))
CASES(affine_grid){
    CASE("plain", affine, V(2, 2, 3)),
    CASE("corners aligned", affine_aligned, V(1, 2, 3)),
    CASE("three axes", affine_of_three, V(2, 3, 4)),
    CASE("no batch", affine, V(0, 2, 3)),
    CASE("transposed", affine, T(2, 2, 3)),
    CASE("strided", affine, S(2, 2, 3)),
    CASE("flipped", affine, F(2, 2, 3)),
    CASE("expanded", affine, E(2, 2, 3)),
};
SAMPLES(affine_grid, { -2, 2 });

APPLY(shuffled, ag_channel_shuffle(x[0], 3))
CASES(channel_shuffle){
    CASE("plain", shuffled, V(2, 6, 2)),      CASE("nothing", shuffled, V(2, 0, 2)),
    CASE("transposed", shuffled, T(2, 6, 3)), CASE("strided", shuffled, S(1, 6, 2)),
    CASE("flipped", shuffled, F(1, 6, 2)),    CASE("expanded", shuffled, E(2, 6, 2)),
    CASE("5-d", shuffled, V(1, 6, 2, 1, 2)),
};
SAMPLES(channel_shuffle, { -2, 2 });

APPLY(turned, ag_rope(x[0]))
APPLY(turned_pairs, ag_rope(x[0], .interleaved = true, .from = 3, .base = 100))
APPLY(turned_partly, ag_rope(x[0], .width = 2))
APPLY(turned_at, ag_rope(x[0], .positions = ag_to(x[1], AG_I32)))
CASES(rope){
    CASE("plain", turned, V(3, 4)),
    CASE("one pair", turned_pairs, V(1, 2)),
    CASE("interleaved", turned_pairs, V(2, 3, 4)),
    CASE("partly", turned_partly, V(3, 5)),
    CASE("at positions", turned_at, V(2, 3, 4), I(0, 9, 3)),
    CASE("no rows", turned, V(0, 4)),
    CASE("no width", turned, V(3, 0)),
    CASE("transposed", turned, T(2, 3, 4)),
    CASE("strided", turned, S(3, 4)),
    CASE("flipped", turned_pairs, F(3, 4)),
    CASE("expanded", turned, E(2, 3, 4)),
    CASE("5-d", turned, V(2, 1, 2, 2, 4)),
};
SAMPLES(rope, { -2, 2 });

/* Rows of 2, 0 and the other entries, in columns 2, 0, 1, 2, 0, ..; a column may be there twice. */
static ag_tensor *sparse(ag_tensor *values, ag_tensor *dense, ag_dtype index)
{
    int64_t n = ag_numel(values);
    ag_tensor *col = ag_to(ag_remainder(ag_add(ag_arange(AG_F64, 0, (double)n, 1), 2.0), 3.0), index);
    ag_tensor *crow = ag_copy(((const int64_t[]){ 0, n < 2 ? n : 2, n < 2 ? n : 2, n }), 4);
    return ag_sparse_mm(ag_to(crow, index), col, values, dense);
}
APPLY(sparse_product, sparse(x[0], x[1], AG_I64))
APPLY(sparse_product_i32, sparse(x[0], x[1], AG_I32))
CASES(sparse_mm){
    CASE("matrix", sparse_product, V(6), V(3, 2)),     CASE("vector", sparse_product_i32, V(5), V(3)),
    CASE("one entry", sparse_product, V(1), V(3, 1)),  CASE("longer than a vector", sparse_product, V(5), V(3, 19)),
    CASE("no entries", sparse_product, V(0), V(3, 2)), CASE("no columns of the dense", sparse_product, V(4), V(3, 0)),
    CASE("transposed", sparse_product, V(6), T(3, 2)), CASE("strided", sparse_product, S(6), S(3, 2)),
    CASE("flipped", sparse_product, F(6), F(3, 2)),    CASE("expanded", sparse_product, E(4), E(3, 2)),
};
SAMPLES(sparse_mm, { -2, 2 });

#define DROPOUT(fn, ...)                               \
    APPLY(drop_##fn, (ag_seed(7), ag_##fn(x[0], 0.4))) \
    CASES(fn){ __VA_ARGS__ };                          \
    SAMPLES(fn, { -2, 2 })
#define LAYOUTS(fn, ...)                                                                        \
    CASE("plain", drop_##fn, V(__VA_ARGS__)), CASE("transposed", drop_##fn, T(__VA_ARGS__)),    \
        CASE("strided", drop_##fn, S(__VA_ARGS__)), CASE("flipped", drop_##fn, F(__VA_ARGS__)), \
        CASE("expanded", drop_##fn, E(__VA_ARGS__))
DROPOUT(dropout1d, LAYOUTS(dropout1d, 3, 4, 2), CASE("no batch", drop_dropout1d, V(5, 2)),
        CASE("nothing", drop_dropout1d, V(0, 2, 2)));
DROPOUT(dropout2d, LAYOUTS(dropout2d, 2, 4, 2, 2), CASE("2-d", drop_dropout2d, V(3, 4)),
        CASE("nothing", drop_dropout2d, V(2, 0, 2)));
DROPOUT(dropout3d, LAYOUTS(dropout3d, 2, 3, 2, 1, 2), CASE("no batch", drop_dropout3d, V(4, 1, 2, 1)),
        CASE("nothing", drop_dropout3d, V(2, 3, 0, 1)));
DROPOUT(alpha_dropout, LAYOUTS(alpha_dropout, 3, 4), CASE("0-d", drop_alpha_dropout, V0),
        CASE("5-d", drop_alpha_dropout, V(2, 1, 2, 1, 2)), CASE("nothing", drop_alpha_dropout, V(0)));
DROPOUT(feature_alpha_dropout, LAYOUTS(feature_alpha_dropout, 3, 4, 2),
        CASE("2-d", drop_feature_alpha_dropout, V(3, 4)), CASE("nothing", drop_feature_alpha_dropout, V(0, 2)));
