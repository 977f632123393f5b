/* samples_conv.c - convolutions and pools. */
#include "samples.h"

#define NO_BIAS ((ag_tensor *)NULL)

/* ---- convolutions: x, weight, bias ---- */

#define CONV(op, ...)                                                                        \
    APPLY(op##_plain, ag_##op(x[0], x[1], NO_BIAS))                                          \
    APPLY(op##_bias, ag_##op(x[0], x[1], x[2]))                                              \
    APPLY(op##_strided, ag_##op(x[0], x[1], x[2], .stride = 2, .padding = 1))                \
    APPLY(op##_dilated, ag_##op(x[0], x[1], x[2], .dilation = 2, .padding = 2, .stride = 3)) \
    APPLY(op##_groups, ag_##op(x[0], x[1], x[2], .groups = 2, .padding = 1))                 \
    APPLY(op##_itself, ag_##op(x[0], ag_square(x[0]), NO_BIAS, .padding = 1))                \
    __VA_ARGS__
#define SAME(op) APPLY(op##_same, ag_##op(x[0], x[1], NO_BIAS, .same = true))
#define FARTHER(op)                                                                             \
    APPLY(op##_more, ag_##op(x[0], x[1], x[2], .stride = 3, .output_padding = 2, .padding = 1)) \
    APPLY(op##_most, ag_##op(x[0], x[1], NO_BIAS, .dilation = 3, .output_padding = 1))

CONV(conv1d, SAME(conv1d))
CASES(conv1d){
    CASE("no images", conv1d_bias, V(0, 2, 5), V(3, 2, 3), V(3)),
    CASE("no channels", conv1d_bias, V(2, 0, 5), V(3, 0, 3), V(3)),
    CASE("size 1", conv1d_bias, V(1, 1, 1), V(1, 1, 1), V(1)),
    CASE("one image", conv1d_bias, V(2, 6), V(3, 2, 3), V(3)),
    CASE("kernel of 1", conv1d_bias, V(2, 3, 4), V(2, 3, 1), V(2)),
    CASE("transposed", conv1d_plain, T(2, 2, 5), T(3, 2, 3)),
    CASE("strided", conv1d_strided, S(2, 2, 5), S(3, 2, 3), S(3)),
    CASE("flipped", conv1d_bias, F(2, 2, 5), F(2, 2, 2), F(2)),
    CASE("expanded", conv1d_bias, E(2, 2, 5), E(3, 2, 2), E(3)),
    CASE("dilated", conv1d_dilated, V(2, 2, 9), V(2, 2, 3), V(2)),
    CASE("groups", conv1d_groups, V(2, 4, 4), V(6, 2, 2), V(6)),
    CASE("same", conv1d_same, V(2, 2, 5), V(2, 2, 4)),
    CASE("with itself", conv1d_itself, V(3, 3, 3)),
};
SAMPLES(conv1d, { -1, 1 });

APPLY(conv2d_uneven, ag_conv2d(x[0], x[1], x[2], .strides = { 2, 1 }, .paddings = { 0, 2 }, .dilations = { 1, 2 }))
CONV(conv2d, SAME(conv2d))
CASES(conv2d){
    CASE("no images", conv2d_bias, V(0, 2, 4, 4), V(3, 2, 3, 3), V(3)),
    CASE("one image", conv2d_bias, V(2, 4, 5), V(2, 2, 3, 3), V(2)),
    CASE("kernel of 1", conv2d_plain, V(2, 2, 3, 3), V(3, 2, 1, 1)),
    CASE("transposed", conv2d_plain, T(2, 2, 4, 3), T(2, 2, 3, 2)),
    CASE("strided", conv2d_strided, S(1, 2, 4, 4), S(2, 2, 3, 3), S(2)),
    CASE("flipped", conv2d_bias, F(2, 2, 4, 3), F(2, 2, 2, 2), F(2)),
    CASE("expanded", conv2d_bias, E(2, 2, 3, 4), E(3, 2, 2, 2), E(3)),
    CASE("dilated", conv2d_dilated, V(1, 1, 6, 7), V(2, 1, 3, 2), V(2)),
    CASE("depthwise", conv2d_groups, V(2, 2, 3, 4), V(4, 1, 2, 3), V(4)),
    CASE("uneven", conv2d_uneven, V(1, 2, 4, 4), V(2, 2, 2, 3), V(2)),
    CASE("same", conv2d_same, V(1, 2, 3, 4), V(2, 2, 2, 4)),
    CASE("with itself", conv2d_itself, V(2, 2, 2, 2)),
};
SAMPLES(conv2d, { -1, 1 });

CONV(conv3d, SAME(conv3d))
CASES(conv3d){
    CASE("no images", conv3d_bias, V(0, 2, 2, 3, 3), V(3, 2, 2, 2, 2), V(3)),
    CASE("one image", conv3d_bias, V(2, 2, 3, 2), V(2, 2, 2, 2, 1), V(2)),
    CASE("transposed", conv3d_plain, T(1, 1, 2, 3, 3), T(2, 1, 1, 2, 2)),
    CASE("strided", conv3d_strided, S(1, 1, 3, 2, 3), S(2, 1, 2, 2, 3), S(2)),
    CASE("dilated", conv3d_dilated, F(1, 1, 3, 3, 3), V(1, 1, 2, 2, 2), V(1)),
    CASE("groups", conv3d_groups, V(1, 2, 2, 1, 3), E(4, 1, 2, 2, 2), V(4)),
    CASE("same", conv3d_same, V(1, 1, 2, 3, 2), V(1, 1, 2, 3, 2)),
    CASE("with itself", conv3d_itself, V(1, 1, 2, 2, 2)),
};
SAMPLES(conv3d, { -1, 1 });

CONV(conv_transpose1d, FARTHER(conv_transpose1d))
CASES(conv_transpose1d){
    CASE("no images", conv_transpose1d_bias, V(0, 2, 5), V(2, 3, 3), V(3)),
    CASE("size 1", conv_transpose1d_bias, V(1, 1, 1), V(1, 1, 1), V(1)),
    CASE("one image", conv_transpose1d_bias, V(2, 4), V(2, 3, 3), V(3)),
    CASE("kernel of 1", conv_transpose1d_bias, V(2, 3, 4), V(3, 2, 1), V(2)),
    CASE("transposed", conv_transpose1d_plain, T(2, 2, 4), T(2, 2, 3)),
    CASE("strided", conv_transpose1d_strided, S(2, 2, 4), S(2, 3, 3), S(3)),
    CASE("flipped", conv_transpose1d_bias, F(2, 2, 4), F(2, 2, 2), F(2)),
    CASE("expanded", conv_transpose1d_bias, E(2, 2, 4), E(2, 2, 2), E(2)),
    CASE("dilated", conv_transpose1d_dilated, V(1, 2, 3), V(2, 2, 3), V(2)),
    CASE("groups", conv_transpose1d_groups, V(2, 4, 4), V(4, 3, 2), V(6)),
    CASE("output padding", conv_transpose1d_more, V(1, 2, 3), V(2, 2, 2), V(2)),
    CASE("more than the stride", conv_transpose1d_most, V(1, 2, 3), V(2, 2, 2)),
    CASE("with itself", conv_transpose1d_itself, V(3, 3, 3)),
};
SAMPLES(conv_transpose1d, { -1, 1 });

APPLY(conv_transpose2d_uneven,
      ag_conv_transpose2d(x[0], x[1], x[2], .strides = { 2, 1 }, .paddings = { 0, 1 }, .output_paddings = { 1, 0 }))
CONV(conv_transpose2d, FARTHER(conv_transpose2d))
CASES(conv_transpose2d){
    CASE("no images", conv_transpose2d_bias, V(0, 2, 3, 3), V(2, 3, 2, 2), V(3)),
    CASE("one image", conv_transpose2d_bias, V(2, 3, 2), V(2, 2, 2, 3), V(2)),
    CASE("transposed", conv_transpose2d_plain, T(1, 2, 3, 2), T(2, 2, 3, 2)),
    CASE("strided", conv_transpose2d_strided, S(1, 2, 2, 3), S(2, 2, 3, 3), S(2)),
    CASE("flipped", conv_transpose2d_bias, F(2, 2, 2, 3), F(2, 2, 2, 2), F(2)),
    CASE("expanded", conv_transpose2d_bias, E(2, 2, 3, 2), E(2, 3, 2, 2), E(3)),
    CASE("dilated", conv_transpose2d_dilated, V(1, 1, 2, 3), V(1, 2, 3, 2), V(2)),
    CASE("groups", conv_transpose2d_groups, V(2, 2, 2, 3), V(2, 2, 2, 3), V(4)),
    CASE("uneven", conv_transpose2d_uneven, V(1, 2, 2, 3), V(2, 2, 2, 3), V(2)),
    CASE("output padding", conv_transpose2d_more, V(1, 1, 2, 2), V(1, 1, 2, 2), V(1)),
    CASE("more than the stride", conv_transpose2d_most, V(1, 1, 2, 2), V(1, 1, 2, 2)),
    CASE("with itself", conv_transpose2d_itself, V(2, 2, 2, 2)),
};
SAMPLES(conv_transpose2d, { -1, 1 });

CONV(conv_transpose3d, FARTHER(conv_transpose3d))
CASES(conv_transpose3d){
    CASE("no images", conv_transpose3d_bias, V(0, 2, 2, 3, 3), V(2, 3, 2, 2, 2), V(3)),
    CASE("one image", conv_transpose3d_bias, V(2, 2, 1, 2), V(2, 2, 2, 2, 1), V(2)),
    CASE("transposed", conv_transpose3d_plain, T(1, 1, 2, 1, 2), T(1, 2, 1, 2, 2)),
    CASE("strided", conv_transpose3d_strided, S(1, 1, 2, 1, 2), S(1, 2, 2, 3, 3), S(2)),
    CASE("dilated", conv_transpose3d_dilated, F(1, 1, 2, 2, 1), V(1, 1, 2, 3, 3), V(1)),
    CASE("groups", conv_transpose3d_groups, V(1, 2, 2, 2, 2), E(2, 2, 2, 2, 2), V(4)),
    CASE("output padding", conv_transpose3d_more, V(1, 1, 1, 2, 1), V(1, 1, 2, 2, 2), V(1)),
    CASE("more than the stride", conv_transpose3d_most, V(1, 1, 1, 2, 1), V(1, 1, 1, 2, 1)),
    CASE("with itself", conv_transpose3d_itself, V(1, 1, 2, 2, 2)),
};
SAMPLES(conv_transpose3d, { -1, 1 });

/* ---- im2col, col2im ---- */

APPLY(im2col_plain, ag_im2col(x[0], 2))
APPLY(im2col_uneven, ag_im2col(x[0], 0, .kernels = { 3, 2 }, .strides = { 1, 2 }, .padding = 1, .dilations = { 2, 1 }))
CASES(im2col){
    CASE("no images", im2col_plain, V(0, 2, 3, 3)), CASE("size 1", im2col_uneven, V(1, 1, 3, 1)),
    CASE("one image", im2col_plain, V(2, 3, 4)),    CASE("transposed", im2col_plain, T(2, 2, 3, 4)),
    CASE("strided", im2col_plain, S(1, 2, 3, 3)),   CASE("flipped", im2col_uneven, F(2, 1, 4, 3)),
    CASE("expanded", im2col_plain, E(2, 2, 3, 2)),  CASE("uneven", im2col_uneven, V(1, 2, 4, 4)),
};
SAMPLES(im2col, { -1, 1 });

APPLY(col2im_plain, ag_col2im(x[0], AG_SIZES(3, 4), 2))
APPLY(col2im_uneven,
      ag_col2im(x[0], AG_SIZES(4, 4), 0, .kernels = { 3, 2 }, .strides = { 1, 2 }, .padding = 1, .dilations = { 2, 1 }))
CASES(col2im){
    CASE("no images", col2im_plain, V(0, 4, 6)),  CASE("one image", col2im_plain, V(8, 6)),
    CASE("transposed", col2im_plain, T(2, 8, 6)), CASE("strided", col2im_plain, S(1, 4, 6)),
    CASE("flipped", col2im_uneven, F(2, 6, 6)),   CASE("expanded", col2im_plain, E(2, 4, 6)),
    CASE("uneven", col2im_uneven, V(1, 12, 6)),
};
SAMPLES(col2im, { -1, 1 });

/* ---- pools of x ---- */

#define SHAPES1(f)                                                                                         \
    CASE("no images", f, V(0, 2, 6)), CASE("one image", f, V(2, 7)), CASE("1-d", f, V(2, 2, 6)),           \
        CASE("transposed", f, T(2, 2, 6)), CASE("strided", f, S(2, 1, 7)), CASE("flipped", f, F(1, 2, 6)), \
        CASE("expanded", f, E(2, 2, 6))
#define SHAPES2(f)                                                                                                  \
    CASE("no images", f, V(0, 2, 5, 6)), CASE("one image", f, V(2, 5, 6)), CASE("2-d", f, V(1, 2, 6, 5)),           \
        CASE("transposed", f, T(1, 2, 5, 6)), CASE("strided", f, S(2, 1, 5, 5)), CASE("flipped", f, F(1, 2, 5, 5)), \
        CASE("expanded", f, E(2, 1, 5, 6))
#define SHAPES3(f)                                                                                                 \
    CASE("no images", f, V(0, 2, 4, 4, 4)), CASE("one image", f, V(1, 4, 4, 4)), CASE("3-d", f, V(1, 2, 4, 4, 3)), \
        CASE("transposed", f, T(1, 1, 4, 3, 5)), CASE("strided", f, S(1, 1, 4, 5, 3)),                             \
        CASE("flipped", f, F(1, 1, 4, 4, 4)), CASE("expanded", f, E(2, 1, 3, 3, 4))
#define SPECIAL1(name, f) CASE(name, f, V(1, 2, 7))
#define SPECIAL2(name, f) CASE(name, f, V(1, 1, 6, 7))
#define SPECIAL3(name, f) CASE(name, f, V(1, 1, 4, 5, 4))
#define ONE1              V(1, 1, 1)
#define ONE2              V(1, 1, 1, 1)
#define ONE3              V(1, 1, 1, 1, 1)

#define AVG_POOL(op, r)                                                                                          \
    APPLY(op##_one, ag_##op(x[0], 1))                                                                            \
    APPLY(op##_plain, ag_##op(x[0], 2))                                                                          \
    APPLY(op##_overlapping, ag_##op(x[0], 3, .stride = 1, .padding = 1))                                         \
    APPLY(op##_ceil, ag_##op(x[0], 3, .stride = 2, .padding = 1, .ceil_mode = true))                             \
    APPLY(op##_exclude, ag_##op(x[0], 3, .stride = 2, .padding = 1, .ceil_mode = true, .exclude_padding = true)) \
    APPLY(op##_divisor, ag_##op(x[0], 2, .divisor_override = 3))                                                 \
    CASES(op){ SHAPES##r(op##_plain),                                                                            \
               CASE("size 1", op##_one, ONE##r),                                                                 \
               SPECIAL##r("overlapping", op##_overlapping),                                                      \
               SPECIAL##r("ceil", op##_ceil),                                                                    \
               SPECIAL##r("exclude", op##_exclude),                                                              \
               SPECIAL##r("divisor", op##_divisor) };                                                            \
    SAMPLES(op, { -1, 1 })
AVG_POOL(avg_pool1d, 1);
AVG_POOL(avg_pool2d, 2);
AVG_POOL(avg_pool3d, 3);

#define MAX_POOL(op, r)                                                                                              \
    APPLY(op##_one, ag_##op(x[0], 1))                                                                                \
    APPLY(op##_plain, ag_##op(x[0], 2))                                                                              \
    APPLY(op##_overlapping, ag_##op(x[0], 3, .stride = 1, .padding = 1))                                             \
    APPLY(op##_ceil, ag_##op(x[0], 3, .stride = 2, .padding = 1, .ceil_mode = true))                                 \
    APPLY(op##_dilated, ag_##op(x[0], 2, .stride = 1, .dilation = 3, .padding = 2))                                  \
    CASES(op){ SHAPES##r(op##_plain), CASE("size 1", op##_one, ONE##r), SPECIAL##r("overlapping", op##_overlapping), \
               SPECIAL##r("ceil", op##_ceil), SPECIAL##r("dilated", op##_dilated) };                                 \
    SAMPLES(op, { -1, 1 })
MAX_POOL(max_pool1d, 1);
MAX_POOL(max_pool2d, 2);
MAX_POOL(max_pool3d, 3);

#define ADAPTIVE(op, r)                                                                                  \
    APPLY(op##_two, ag_##op(x[0], 2))                                                                    \
    APPLY(op##_uneven, ag_##op(x[0], 3, .sizes = { 4, -1 }))                                             \
    APPLY(op##_more, ag_##op(x[0], 5))                                                                   \
    APPLY(op##_none, ag_##op(x[0], 0))                                                                   \
    CASES(op){ SHAPES##r(op##_two), CASE("size 1", op##_two, ONE##r), SPECIAL##r("uneven", op##_uneven), \
               SPECIAL##r("more than there are", op##_more), SPECIAL##r("none", op##_none) };            \
    SAMPLES(op, { -1, 1 })
ADAPTIVE(adaptive_avg_pool1d, 1);
ADAPTIVE(adaptive_avg_pool2d, 2);
ADAPTIVE(adaptive_avg_pool3d, 3);
ADAPTIVE(adaptive_max_pool1d, 1);
ADAPTIVE(adaptive_max_pool2d, 2);
ADAPTIVE(adaptive_max_pool3d, 3);

#define LP_POOL(op, r)                                                                                   \
    APPLY(op##_one, ag_##op(x[0], 3, 1))                                                                 \
    APPLY(op##_plain, ag_##op(x[0], 2, 2))                                                               \
    APPLY(op##_ceil, ag_##op(x[0], 1.5, 3, .stride = 2, .ceil_mode = true))                              \
    CASES(op){ SHAPES##r(op##_plain), CASE("size 1", op##_one, ONE##r), SPECIAL##r("ceil", op##_ceil) }; \
    SAMPLES(op, { 0.2, 1 })
LP_POOL(lp_pool1d, 1);
LP_POOL(lp_pool2d, 2);
LP_POOL(lp_pool3d, 3);

/* ---- max_unpool: the places are those of a pool of other numbers ---- */

#define MAX_UNPOOL(op, pool, r)                                                          \
    static ag_tensor *op##_apply(ag_tensor **x)                                          \
    {                                                                                    \
        ag_tensor *index = NULL;                                                         \
        ag_##pool(ag_neg(ag_detach(x[1])), 2, .index = &index);                          \
        return ag_##op(x[0], index, 2);                                                  \
    }                                                                                    \
    static ag_tensor *op##_larger(ag_tensor **x)                                         \
    {                                                                                    \
        ag_tensor *index = NULL;                                                         \
        ag_##pool(ag_detach(x[1]), 2, .stride = 3, .padding = 1, .index = &index);       \
        return ag_##op(x[0], index, 2, .stride = 3, .padding = 1, .sizes = { 5, 5, 5 }); \
    }
MAX_UNPOOL(max_unpool1d, max_pool1d, 1)
MAX_UNPOOL(max_unpool2d, max_pool2d, 2)
MAX_UNPOOL(max_unpool3d, max_pool3d, 3)
CASES(max_unpool1d){
    CASE("no images", max_unpool1d_apply, V(0, 2, 3), V(0, 2, 6)),
    CASE("one image", max_unpool1d_apply, V(2, 3), V(2, 6)),
    CASE("transposed", max_unpool1d_apply, T(2, 2, 3), V(2, 2, 6)),
    CASE("strided", max_unpool1d_apply, S(1, 2, 3), V(1, 2, 6)),
    CASE("flipped", max_unpool1d_apply, F(2, 1, 3), V(2, 1, 6)),
    CASE("expanded", max_unpool1d_apply, E(2, 2, 3), V(2, 2, 6)),
    CASE("given size", max_unpool1d_larger, V(1, 2, 2), V(1, 2, 5)),
};
SAMPLES(max_unpool1d, { -1, 1 });
CASES(max_unpool2d){
    CASE("no images", max_unpool2d_apply, V(0, 2, 3, 2), V(0, 2, 6, 4)),
    CASE("one image", max_unpool2d_apply, V(2, 3, 2), V(2, 6, 4)),
    CASE("transposed", max_unpool2d_apply, T(2, 1, 2, 3), V(2, 1, 4, 6)),
    CASE("strided", max_unpool2d_apply, S(1, 2, 2, 2), V(1, 2, 4, 4)),
    CASE("flipped", max_unpool2d_apply, F(2, 1, 2, 2), V(2, 1, 4, 4)),
    CASE("expanded", max_unpool2d_apply, E(2, 1, 2, 3), V(2, 1, 4, 6)),
    CASE("given size", max_unpool2d_larger, V(1, 1, 2, 2), V(1, 1, 5, 5)),
};
SAMPLES(max_unpool2d, { -1, 1 });
APPLY(max_unpool3d_last, ag_max_unpool3d(x[0], ag_full(AG_I64, 7, 1, 1, 1, 1), 2))
CASES(max_unpool3d){
    CASE("the last place", max_unpool3d_last, V(1, 1, 1, 1)),
    CASE("no images", max_unpool3d_apply, V(0, 1, 1, 2, 2), V(0, 1, 2, 4, 4)),
    CASE("one image", max_unpool3d_apply, V(1, 1, 2, 2), V(1, 2, 4, 4)),
    CASE("transposed", max_unpool3d_apply, T(2, 1, 1, 2, 2), V(2, 1, 2, 4, 4)),
    CASE("flipped", max_unpool3d_apply, F(1, 1, 2, 2, 2), V(1, 1, 4, 4, 4)),
    CASE("given size", max_unpool3d_larger, V(1, 1, 2, 2, 2), V(1, 1, 5, 5, 5)),
};
SAMPLES(max_unpool3d, { -1, 1 });
