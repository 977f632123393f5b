/* test_misuse_conv.c - what can be wrong with convolutions and pools. */
#include <autograd/autograd.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include <test/misuse.h>

// clang-format off
/* For one, two and three axes: their number, sizes, and these as text. */
#define EACH(M, X, op) M(X, op##1d, 1, (4), "4") M(X, op##2d, 2, (4, 5), "4,5") M(X, op##3d, 3, (4, 5, 3), "4,5,3")
#define OPEN(...) __VA_ARGS__
#define ANY_CONV(X, op, d, s, t, wanted)                                                                               \
    X(op##_weight_null, ENULL, "ag_" #op ": the weight is NULL", ag_##op(D(1, 2, OPEN s), NONE, NONE))                 \
    X(op##_null, ENULL, "ag_" #op ": operand 1 is NULL", ag_##op(NONE, D(2, 2, OPEN s), NONE))                         \
    X(op##_dtypes, EDTYPE, "ag_" #op ": dtypes differ: f64 [1,2," t "] and f32 [2,2," t "]",                           \
      ag_##op(D(1, 2, OPEN s), F(2, 2, OPEN s), NONE))                                                                 \
    X(op##_bias_dtype, EDTYPE, "ag_" #op ": dtypes differ: f64 [1,2," t "] and f32 [2]",                               \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), F(2)))                                                                 \
    X(op##_whole, EDTYPE, "ag_" #op ": needs f32 or f64, got i64 [1,2," t "]; ag_to converts",                         \
      ag_##op(I(1, 2, OPEN s), I(2, 2, OPEN s), NONE))                                                                 \
    X(op##_rank, ESHAPE, "ag_" #op ": x [" t "] and weight [2,2," t "] do not fit: [n, in, " #d " sizes] and " wanted  \
      " with 1 groups", ag_##op(D(OPEN s), D(2, 2, OPEN s), NONE))                                                     \
    X(op##_weight_rank, ESHAPE, "ag_" #op ": x [1,2," t "] and weight [2] do not fit: [n, in, " #d " sizes] and "      \
      wanted " with 1 groups", ag_##op(D(1, 2, OPEN s), D(2), NONE))                                                   \
    X(op##_channels, ESHAPE, "ag_" #op ": x [1,3," t "] and weight [2,2," t "] do not fit: [n, in, " #d " sizes] and " \
      wanted " with 1 groups", ag_##op(D(1, 3, OPEN s), D(2, 2, OPEN s), NONE))                                        \
    X(op##_groups_fit, ESHAPE, "ag_" #op ": x [1,2," t "] and weight [2,2," t "] do not fit: [n, in, " #d              \
      " sizes] and " wanted " with 4 groups", ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .groups = 4))            \
    X(op##_groups, EINVAL, "ag_" #op ": .groups -1", ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .groups = -1))    \
    X(op##_bias, ESHAPE, "ag_" #op ": bias [3] does not fit weight [2,2," t "]: [2]",                                  \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), D(3)))                                                                 \
    X(op##_stride, EINVAL, "ag_" #op ": .stride -1 along axis 0 of " #d,                                               \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .stride = -1))                                                   \
    X(op##_padding, EINVAL, "ag_" #op ": .padding -2 along axis 0 of " #d,                                             \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .paddings = { -2 }))                                             \
    X(op##_dilation, EINVAL, "ag_" #op ": .dilation 9223372036854775807 along axis 0 of " #d,                          \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .dilation = INT64_MAX))
#define CONV(X, op, d, s, t)                                                                                     \
    ANY_CONV(X, op, d, s, t, "[out, in / groups, kernel]")                                                             \
    X(op##_large, ESHAPE, "ag_" #op ": the kernel of weight [2,2," t "] does not fit axis 2 of x [1,2," t            \
      "] with 0 of padding", ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .dilation = 2))                           \
    X(op##_same_stride, EINVAL, "ag_" #op ": .same goes neither with a .stride nor with .padding",                     \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .same = true, .stride = 2))                                      \
    X(op##_same_padding, EINVAL, "ag_" #op ": .same goes neither with a .stride nor with .padding",                    \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .same = true, .padding = 1))                                     \
    X(op##_output, EINVAL, "ag_" #op ": it has no option .output_padding",                                             \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .stride = 3, .output_padding = 1))
#define TRANSPOSED(X, op, d, s, t)                                                                               \
    ANY_CONV(X, op, d, s, t, "[in, out / groups, kernel]")                                                             \
    X(op##_small, ESHAPE, "ag_" #op ": the kernel of weight [2,2," t "] does not fit axis 2 of x [1,2," t            \
      "] with 18 of padding", ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .padding = 9))                           \
    X(op##_output, EINVAL, "ag_" #op ": .output_padding 2 is less than neither stride 2 nor dilation 1",               \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .stride = 2, .output_padding = 2))                               \
    X(op##_same, EINVAL, "ag_" #op ": it has no option .same",                                                         \
      ag_##op(D(1, 2, OPEN s), D(2, 2, OPEN s), NONE, .same = true))

#define AXES1 "2 nor 3"
#define AXES2 "3 nor 4"
#define AXES3 "4 nor 5"
#define TWO(op, x) ag_##op(x, 2)
#define SQUARES(op, x) ag_##op(x, 2, 2)
#define ANY_POOL(X, op, d, s, t, call)                                                                                 \
    X(op##_null, ENULL, "ag_" #op ": operand 1 is NULL", call(op, NONE))                                               \
    X(op##_whole, EDTYPE, "ag_" #op ": needs f32 or f64, got i64 [2," t "]; ag_to converts",                           \
      call(op, I(2, OPEN s)))                                                                                          \
    X(op##_rank, ESHAPE, "ag_" #op ": x [" t "] has neither " AXES##d " axes: [c, sizes] or [n, c, sizes]",            \
      call(op, D(OPEN s)))
#define POOL(X, op, d, s, t)                                                                                           \
    ANY_POOL(X, op, d, s, t, TWO)                                                                                      \
    X(op##_kernel, EINVAL, "ag_" #op ": kernel 0 along axis 0 of " #d, ag_##op(D(1, 2, OPEN s), 0))                    \
    X(op##_stride, EINVAL, "ag_" #op ": .stride -1 along axis 0 of " #d,                                               \
      ag_##op(D(1, 2, OPEN s), 2, .strides = { -1 }))                                                                  \
    X(op##_padding, EINVAL, "ag_" #op ": .padding 2 is more than half of the kernel, 3",                               \
      ag_##op(D(1, 2, OPEN s), 3, .padding = 2))                                                                       \
    X(op##_large, ESHAPE, "ag_" #op ": windows of 6 do not fit axis 2 of x [1,2," t "]", ag_##op(D(1, 2, OPEN s), 6))  \
    X(op##_sizes, EINVAL, "ag_" #op ": it has no option .sizes", ag_##op(D(1, 2, OPEN s), 2, .sizes = { 3 }))
#define AVG_POOL(X, op, d, s, t)                                                                                       \
    POOL(X, op, d, s, t)                                                                                               \
    X(op##_dilation, EINVAL, "ag_" #op ": it has no option .dilation", ag_##op(D(1, 2, OPEN s), 2, .dilation = 2))     \
    X(op##_index, EINVAL, "ag_" #op ": it has no option .index",                                                       \
      ag_tensor *i; ag_##op(D(1, 2, OPEN s), 2, .index = &i))
#define MAX_POOL(X, op, d, s, t)                                                                                       \
    POOL(X, op, d, s, t)                                                                                               \
    X(op##_hollow, ESHAPE, "ag_" #op ": windows of 9 do not fit axis 2 of x [1,2," t "]",                              \
      ag_##op(D(1, 2, OPEN s), 2, .dilation = 8, .padding = 4))                                                        \
    X(op##_divisor, EINVAL, "ag_" #op ": it has no option .divisor_override",                                          \
      ag_##op(D(1, 2, OPEN s), 2, .divisor_override = 2))                                                              \
    X(op##_exclude, EINVAL, "ag_" #op ": it has no option .exclude_padding",                                           \
      ag_##op(D(1, 2, OPEN s), 2, .exclude_padding = true))
#define ADAPTIVE(X, op, d, s, t)                                                                                       \
    ANY_POOL(X, op, d, s, t, TWO)                                                                                      \
    X(op##_size, EINVAL, "ag_" #op ": size -2 along axis 0 of " #d, ag_##op(D(1, 2, OPEN s), -2))                      \
    X(op##_empty, ESHAPE, "ag_" #op ": axis " #d " of x [2" ZEROS##d "] is empty", ag_##op(D(2 NOTHING##d), 2))        \
    X(op##_kernels, EINVAL, "ag_" #op ": it has no option .kernels", ag_##op(D(1, 2, OPEN s), 2, .kernels = { 3 }))    \
    X(op##_ceil, EINVAL, "ag_" #op ": it has no option .ceil_mode", ag_##op(D(1, 2, OPEN s), 2, .ceil_mode = true))
#define ZEROS1 ",0"
#define ZEROS2 ",3,0"
#define ZEROS3 ",3,3,0"
#define NOTHING1 , 0
#define NOTHING2 , 3, 0
#define NOTHING3 , 3, 3, 0
#define LP_POOL(X, op, d, s, t)                                                                                        \
    ANY_POOL(X, op, d, s, t, SQUARES)                                                                                  \
    X(op##_p, EINVAL, "ag_" #op ": p 0", ag_##op(D(1, 2, OPEN s), 0, 2))                                               \
    X(op##_p_inf, EINVAL, "ag_" #op ": p inf", ag_##op(D(1, 2, OPEN s), (double)INFINITY, 2))                          \
    X(op##_padding, EINVAL, "ag_" #op ": it has no option .padding", ag_##op(D(1, 2, OPEN s), 2, 2, .padding = 1))
#define UNPOOL(X, op, d, s, t)                                                                                         \
    X(op##_null, ENULL, "ag_" #op ": operand 1 is NULL", ag_##op(NONE, I(2, OPEN s), 2))                               \
    X(op##_index_null, ENULL, "ag_" #op ": the index is NULL", ag_##op(D(2, OPEN s), NONE, 2))                         \
    X(op##_index_dtype, EDTYPE, "ag_" #op ": the index is f64 [2," t "]; it must be i64, i32 or u8",                   \
      ag_##op(D(2, OPEN s), D(2, OPEN s), 2))                                                                          \
    X(op##_index_shape, ESHAPE, "ag_" #op ": x [2," t "] and index [1,2," t "] differ in shape",                       \
      ag_##op(D(2, OPEN s), I(1, 2, OPEN s), 2))                                                                       \
    X(op##_rank, ESHAPE, "ag_" #op ": x [" t "] has neither " AXES##d " axes: [c, sizes] or [n, c, sizes]",            \
      ag_##op(D(OPEN s), I(OPEN s), 2))                                                                                \
    X(op##_place, EINVAL, "ag_" #op ": index 999 at position 0 is outside [" LARGE##d "]",                             \
      ag_##op(D(2, OPEN s), ag_full(AG_I64, 999, 2, OPEN s), 2))                                                       \
    X(op##_negative, EINVAL, "ag_" #op ": index -1 at position 0 is outside [" LARGE##d "]",                           \
      ag_##op(D(2, OPEN s), ag_full(AG_I64, -1, 2, OPEN s), 2))                                                        \
    X(op##_size, EINVAL, "ag_" #op ": size 10 along axis 0; windows of x [2," t "] fill 8",                            \
      ag_##op(D(2, OPEN s), I(2, OPEN s), 2, .sizes = { 10 }))
#define LARGE1 "8"
#define LARGE2 "8,10"
#define LARGE3 "8,10,6"

#define COLUMNS(X)                                                                                                     \
    X(im2col_null, ENULL, "ag_im2col: operand 1 is NULL", ag_im2col(NONE, 2))                                          \
    X(im2col_whole, EDTYPE, "ag_im2col: needs f32 or f64, got i64 [1,4,4]; ag_to converts", ag_im2col(I(1, 4, 4), 2))  \
    X(im2col_rank, ESHAPE, "ag_im2col: [4,4] is neither [c, h, w] nor [n, c, h, w]", ag_im2col(D(4, 4), 2))            \
    X(im2col_large, ESHAPE, "ag_im2col: a kernel of [2,5] does not fit [4,4] with its padding",                        \
      ag_im2col(D(1, 4, 4), 0, .kernels = { 2, 5 }))                                                                   \
    X(im2col_option, EINVAL, "ag_im2col: it has no option .ceil_mode", ag_im2col(D(1, 4, 4), 2, .ceil_mode = true))    \
    X(im2col_kernel, EINVAL, "ag_im2col: kernel -1 along axis 0 of 2", ag_im2col(D(1, 4, 4), -1))                      \
    X(im2col_many, ESHAPE, "ag_im2col: too many columns of [1024,1,1]",                                                \
      ag_im2col(D(1024, 1, 1), 1 << 28, .padding = 1 << 28))                                                           \
    X(col2im_null, ENULL, "ag_col2im: operand 1 is NULL", ag_col2im(NONE, AG_SIZES(4, 4), 2))                          \
    X(col2im_whole, EDTYPE, "ag_col2im: needs f32 or f64, got i64 [4,9]; ag_to converts",                              \
      ag_col2im(I(4, 9), AG_SIZES(4, 4), 2))                                                                           \
    X(col2im_rank, ESHAPE, "ag_col2im: [9] is neither [c 4, 9] nor [n, c 4, 9]", ag_col2im(D(9), AG_SIZES(4, 4), 2))   \
    X(col2im_rows, ESHAPE, "ag_col2im: [6,9] is neither [c 4, 9] nor [n, c 4, 9]",                                     \
      ag_col2im(D(6, 9), AG_SIZES(4, 4), 2))                                                                           \
    X(col2im_columns, ESHAPE, "ag_col2im: [4,8] is neither [c 4, 9] nor [n, c 4, 9]",                                  \
      ag_col2im(D(4, 8), AG_SIZES(4, 4), 2))                                                                           \
    X(col2im_sizes, EINVAL, "ag_col2im: 3 sizes of an image; it takes 2", ag_col2im(D(4, 9), AG_SIZES(4, 4, 4), 2))    \
    X(col2im_list, ENULL, "ag_col2im: the list of 2 is NULL", ag_col2im(D(4, 9), ((ag_sizes){ NULL, 2 }), 2))          \
    X(col2im_size, EINVAL, "ag_col2im: size 0 along axis 1 of 2", ag_col2im(D(4, 9), AG_SIZES(4, 0), 2))               \
    X(col2im_large, ESHAPE, "ag_col2im: a kernel of [5,5] does not fit [4,4] with its padding",                        \
      ag_col2im(D(4, 9), AG_SIZES(4, 4), 5))
// clang-format on
#define ALL(X)                           \
    EACH(CONV, X, conv)                  \
    EACH(TRANSPOSED, X, conv_transpose)  \
    EACH(AVG_POOL, X, avg_pool)          \
    EACH(MAX_POOL, X, max_pool)          \
    EACH(ADAPTIVE, X, adaptive_avg_pool) \
    EACH(ADAPTIVE, X, adaptive_max_pool) EACH(LP_POOL, X, lp_pool) EACH(UNPOOL, X, max_unpool) COLUMNS(X)
MISUSE_TABLE(ALL)

static void each_mistake(void **state)
{
    (void)state;
    MISUSE_CHECK();
}

/* A place for indices holds none after a failure. */
static void no_index(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = D(1, 4), *index = x;
    assert_null(ag_max_pool1d(x, 9, .index = &index));
    assert_null(index);
    index = x;
    assert_null(ag_adaptive_max_pool1d(x, -3, .index = &index));
    assert_null(index);
    ag_clear_error();
    ag_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_mistake), cmocka_unit_test(no_index) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
