/* parity_conv.c - convolutions and pools, one row each at the end. */
#include "parity.h"
#include <string.h>

/* A number for all axes, or one for each; 0 where nothing is said. */
typedef struct along {
    int64_t all, each[3];
} along;
static along arg_along(args *a, int i, const char *name)
{
    int64_t sizes[AG_MAX_RANK];
    along v = { 0, { 0 } };
    const json_t *list = i >= 0 ? json_array_get(a->args, (size_t)i) : NULL;
    if (!list) list = json_object_get(a->kwargs, name);
    if (!json_is_array(list)) return v.all = arg_integer(a, i, name, 0), v;
    int n = arg_sizes(a, i, name, sizes);
    if (n > 3) ag_fail(AG_EINVAL, "%s: %d numbers for %s", a->op, n, name);
    if (n == 1) v.all = sizes[0];
    for (int k = 0; n > 1 && k < n && k < 3; k++) v.each[k] = sizes[k];
    return v;
}
#define ALONG(o, field, v) ((o).field = (v).all, memcpy((o).field##s, (v).each, sizeof(v).each))

/* ---- convolutions: (input, weight, bias, stride, padding, dilation, groups) ---------------------------------- */
typedef ag_tensor *conv_fn(ag_tensor *, ag_tensor *, ag_tensor *, const ag_conv_options *);

static ag_conv_options conv_options(args *a, int dilation, int groups)
{
    ag_conv_options o = { .groups = arg_integer(a, groups, "groups", 1) };
    ALONG(o, stride, arg_along(a, 3, "stride"));
    ALONG(o, dilation, arg_along(a, dilation, "dilation"));
    return o;
}
static ag_tensor *conv(args *a, conv_fn *f)
{
    ag_conv_options o = conv_options(a, 5, 6);
    const json_t *text = json_array_get(a->args, 4);
    if (!text) text = json_object_get(a->kwargs, "padding");
    if (!json_is_string(text))
        ALONG(o, padding, arg_along(a, 4, "padding"));
    else
        o.same = !strcmp(arg_text(a, 4, "padding", "valid"), "same");
    return f(arg_input(a), arg_tensor(a, 1, "weight"), arg_optional(a, 2, "bias"), &o);
}
/* (input, weight, bias, stride, padding, output_padding, groups, dilation) */
static ag_tensor *transposed(args *a, conv_fn *f)
{
    ag_conv_options o = conv_options(a, 7, 6);
    ALONG(o, padding, arg_along(a, 4, "padding"));
    ALONG(o, output_padding, arg_along(a, 5, "output_padding"));
    return f(arg_input(a), arg_tensor(a, 1, "weight"), arg_optional(a, 2, "bias"), &o);
}

/* ---- pools ------------------------------------------------------------------------------------------------ */
typedef ag_tensor *pool_fn(ag_tensor *, int64_t, const ag_pool_options *);

/* (input, kernel_size, stride, padding, ...) */
static int64_t kernel_of(args *a, ag_pool_options *o, int i)
{
    along kernel = arg_along(a, i, "kernel_size");
    memcpy(o->kernels, kernel.each, sizeof kernel.each);
    return kernel.all;
}
static ag_tensor *avg_pool(args *a, pool_fn *f)
{
    ag_pool_options o = { .ceil_mode = arg_flag(a, 4, "ceil_mode", false),
                          .exclude_padding = !arg_flag(a, 5, "count_include_pad", true),
                          .divisor_override = arg_integer(a, 6, "divisor_override", 0) };
    ALONG(o, stride, arg_along(a, 2, "stride"));
    ALONG(o, padding, arg_along(a, 3, "padding"));
    return f(arg_input(a), kernel_of(a, &o, 1), &o);
}
static ag_tensor *with_index(args *a, pool_fn *f, int64_t size, ag_pool_options *o, int flag)
{
    ag_tensor *index = NULL;
    if (!arg_flag(a, flag, "return_indices", false)) return f(arg_input(a), size, o);
    o->index = &index;
    ag_tensor *y = f(arg_input(a), size, o);
    return arg_output(a, index), y;
}
/* (input, kernel_size, stride, padding, dilation, ceil_mode, return_indices) */
static ag_tensor *max_pool(args *a, pool_fn *f)
{
    ag_pool_options o = { .ceil_mode = arg_flag(a, 5, "ceil_mode", false) };
    ALONG(o, stride, arg_along(a, 2, "stride"));
    ALONG(o, padding, arg_along(a, 3, "padding"));
    ALONG(o, dilation, arg_along(a, 4, "dilation"));
    return with_index(a, f, kernel_of(a, &o, 1), &o, 6);
}
/* (input, output_size, return_indices): None is as many as there are */
static ag_tensor *adaptive(args *a, pool_fn *f, int flag)
{
    ag_pool_options o = { .stride = 0 };
    const json_t *size = json_array_get(a->args, 1);
    if (!size) size = json_object_get(a->kwargs, "output_size");
    arg_given(a, 1, "output_size");
    for (size_t i = 0; i < json_array_size(size) && i < 3; i++) {
        const json_t *v = json_array_get(size, i);
        o.sizes[i] = json_is_null(v) ? -1 : json_integer_value(v);
    }
    if (flag >= 0) return with_index(a, f, json_integer_value(size), &o, flag);
    return f(arg_input(a), json_integer_value(size), &o);
}
/* (input, norm_type, kernel_size, stride, ceil_mode) */
static ag_tensor *lp_pool(args *a, ag_tensor *(*f)(ag_tensor *, double, int64_t, const ag_pool_options *))
{
    ag_pool_options o = { .ceil_mode = arg_flag(a, 4, "ceil_mode", false) };
    ALONG(o, stride, arg_along(a, 3, "stride"));
    return f(arg_input(a), arg_number(a, 1, "norm_type", 2), kernel_of(a, &o, 2), &o);
}
/* (input, indices, kernel_size, stride, padding, output_size), whose last sizes are those of the axes */
static ag_tensor *max_unpool(args *a, ag_tensor *(*f)(ag_tensor *, ag_tensor *, int64_t, const ag_pool_options *),
                             int rank)
{
    ag_pool_options o = { .stride = 0 };
    int64_t sizes[AG_MAX_RANK];
    ALONG(o, stride, arg_along(a, 3, "stride"));
    ALONG(o, padding, arg_along(a, 4, "padding"));
    int n = arg_sizes(a, 5, "output_size", sizes);
    for (int i = 0; n >= rank && i < rank; i++) o.sizes[i] = sizes[n - rank + i];
    return f(arg_input(a), arg_tensor(a, 1, "indices"), kernel_of(a, &o, 2), &o);
}

/* (input, kernel_size, dilation, padding, stride), with an output_size in front for fold */
static ag_pool_options blocks(args *a, int first)
{
    ag_pool_options o = { .stride = 0 };
    ALONG(o, dilation, arg_along(a, first + 1, "dilation"));
    ALONG(o, padding, arg_along(a, first + 2, "padding"));
    ALONG(o, stride, arg_along(a, first + 3, "stride"));
    return o;
}
static ag_tensor *unfold(args *a)
{
    ag_pool_options o = blocks(a, 1);
    return (ag_im2col)(arg_input(a), kernel_of(a, &o, 1), &o);
}
static ag_tensor *fold(args *a)
{
    ag_pool_options o = blocks(a, 2);
    along size = arg_along(a, 1, "output_size");
    int64_t both[2] = { size.all ? size.all : size.each[0], size.all ? size.all : size.each[1] };
    return (ag_col2im)(arg_input(a), (ag_sizes){ both, 2 }, kernel_of(a, &o, 2), &o);
}

/* ---- the table -------------------------------------------------------------------------------------------- */
#define AXES(X) X(1) X(2) X(3)
#define CALLS(r)                                              \
    static ag_tensor *conv##r(args *a)                        \
    {                                                         \
        return conv(a, (ag_conv##r##d));                      \
    }                                                         \
    static ag_tensor *transposed##r(args *a)                  \
    {                                                         \
        return transposed(a, (ag_conv_transpose##r##d));      \
    }                                                         \
    static ag_tensor *avg_pool##r(args *a)                    \
    {                                                         \
        return avg_pool(a, (ag_avg_pool##r##d));              \
    }                                                         \
    static ag_tensor *max_pool##r(args *a)                    \
    {                                                         \
        return max_pool(a, (ag_max_pool##r##d));              \
    }                                                         \
    static ag_tensor *max_unpool##r(args *a)                  \
    {                                                         \
        return max_unpool(a, (ag_max_unpool##r##d), r);       \
    }                                                         \
    static ag_tensor *adaptive_avg##r(args *a)                \
    {                                                         \
        return adaptive(a, (ag_adaptive_avg_pool##r##d), -1); \
    }                                                         \
    static ag_tensor *adaptive_max##r(args *a)                \
    {                                                         \
        return adaptive(a, (ag_adaptive_max_pool##r##d), 2);  \
    }                                                         \
    static ag_tensor *lp_pool##r(args *a)                     \
    {                                                         \
        return lp_pool(a, (ag_lp_pool##r##d));                \
    }
#define ROWS(r)                                                                \
    { "nn.functional.conv" #r "d", .call = conv##r },                          \
        { "nn.functional.conv_transpose" #r "d", .call = transposed##r },      \
        { "nn.functional.avg_pool" #r "d", .call = avg_pool##r },              \
        { "nn.functional.max_pool" #r "d", .call = max_pool##r },              \
        { "nn.functional.max_unpool" #r "d", .call = max_unpool##r },          \
        { "nn.functional.adaptive_avg_pool" #r "d", .call = adaptive_avg##r }, \
        { "nn.functional.adaptive_max_pool" #r "d", .call = adaptive_max##r }, \
        { "nn.functional.lp_pool" #r "d", .call = lp_pool##r },
AXES(CALLS)

static const parity_op rows[] = {
    AXES(ROWS){ "nn.functional.unfold", .call = unfold },
    { "nn.functional.fold", .call = fold },
};
const parity_table parity_conv = { rows, sizeof rows / sizeof *rows };
