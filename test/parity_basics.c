/* parity_basics.c - arithmetic, reductions, products, shapes and the commonest losses, one row each at the end. */
#include "parity.h"
#include <math.h>
#include <string.h>

/* ---- arithmetic ------------------------------------------------------------------------------------------- */
static ag_tensor *scaled_other(args *a)
{
    double alpha = arg_number(a, 2, "alpha", 1);
    ag_tensor *other = arg_operand(a, 1, "other");
    return alpha == 1 ? other : ag_mul(other, alpha);
}
static ag_tensor *add(args *a)
{
    return ag_add(arg_operand(a, 0, "input"), scaled_other(a));
}
static ag_tensor *sub(args *a)
{
    return ag_sub(arg_operand(a, 0, "input"), scaled_other(a));
}

static ag_tensor *divide(args *a)
{
    ag_tensor *quotient = ag_div(arg_operand(a, 0, "input"), arg_operand(a, 1, "other"));
    const char *rounding = arg_text(a, -1, "rounding_mode", NULL);
    if (!rounding) return quotient;
    const ag_op *round = ag_op_find(rounding); /* trunc, floor */
    if (!round) return ag_fail(AG_EMISSING, "div: rounding_mode %s has no operation", rounding), NULL;
    return ag_apply(round, NULL, quotient);
}

static ag_tensor *round_to(args *a)
{
    double unit = pow(10, -(double)arg_integer(a, -1, "decimals", 0));
    ag_tensor *x = arg_input(a);
    if (unit == 1) return ag_round(x);
    return unit > 1 ? ag_mul(ag_round(ag_div(x, unit)), unit) : ag_div(ag_round(ag_mul(x, 1 / unit)), 1 / unit);
}

static ag_tensor *of_dtype(const ag_tensor *x, ag_tensor *bound)
{
    return x ? ag_to(bound, ag_dtype_of(x)) : NULL;
}
static ag_tensor *clamp(args *a)
{
    ag_tensor *x = arg_input(a);
    if (!arg_is_tensor(a, 1, "min") && !arg_is_tensor(a, 2, "max"))
        return ag_clamp(x, arg_number(a, 1, "min", -INFINITY), arg_number(a, 2, "max", INFINITY));
    if (arg_given(a, 1, "min")) {
        ag_tensor *low = of_dtype(x, arg_operand(a, 1, "min"));
        x = ag_where(ag_lt(x, low), low, x);
    }
    if (arg_given(a, 2, "max")) {
        ag_tensor *high = of_dtype(x, arg_operand(a, 2, "max"));
        x = ag_where(ag_gt(x, high), high, x);
    }
    return x;
}

/* torch.where(condition, input, other); the cases put the condition second. */
static ag_tensor *where(args *a)
{
    const char *names[] = { "condition", "input", "other" };
    int condition = arg_is_tensor(a, 0, names[0]) && ag_dtype_of(arg_tensor(a, 0, names[0])) == AG_BOOL ? 0 : 1;
    return ag_where(arg_tensor(a, condition, names[0]), arg_operand(a, !condition, names[1]),
                    arg_operand(a, 2, names[2]));
}

static ag_tensor *leaky_relu(args *a)
{
    return ag_leaky_relu(arg_input(a), arg_number(a, 1, "negative_slope", 0.01));
}
static ag_tensor *softplus(args *a)
{
    return ag_softplus_beta(arg_input(a), arg_number(a, 1, "beta", 1), arg_number(a, 2, "threshold", 20));
}

/* ---- reductions ------------------------------------------------------------------------------------------- */
typedef ag_tensor *reduction(ag_tensor *x, int n, const int *axes);

/* max and min: of everything; along an axis, with indices, which alone get the gradient; or of two tensors. */
static ag_tensor *extreme(args *a, reduction *all, ag_tensor *(*index_of)(ag_tensor *, int),
                          ag_tensor *(*of_two)(ag_tensor *, ag_tensor *))
{
    ag_tensor *x = arg_input(a);
    if (arg_is_tensor(a, 1, "other")) return of_two(x, arg_tensor(a, 1, "other"));
    if (!arg_given(a, 1, "dim")) return all(x, 0, NULL);
    int axis = arg_axis(a, 1, 0);
    bool kept = arg_flag(a, 2, "keepdim", false);
    ag_tensor *v = arg_with_axis(x), *index = ag_unsqueeze(index_of(v, axis), axis), *y = ag_gather(v, axis, index);
    if (!kept) index = ag_squeeze(index, axis), y = ag_squeeze(y, axis);
    if (kept) index = arg_without_axis(index, x), y = arg_without_axis(y, x);
    return arg_output(a, index), y;
}
static ag_tensor *max(args *a)
{
    return extreme(a, ag_max, ag_argmax, ag_maximum);
}
static ag_tensor *min(args *a)
{
    return extreme(a, ag_min, ag_argmin, ag_minimum);
}

static ag_tensor *softmax(args *a)
{
    ag_tensor *x = arg_cast(a, 2, "dtype", arg_input(a));
    return arg_without_axis(ag_softmax(arg_with_axis(x), arg_axis(a, 1, -1)), x);
}
static ag_tensor *log_softmax(args *a)
{
    ag_tensor *x = arg_cast(a, 2, "dtype", arg_input(a));
    return arg_without_axis(ag_log_softmax(arg_with_axis(x), arg_axis(a, 1, -1)), x);
}

/* ---- products, losses ------------------------------------------------------------------------------------- */
static ag_tensor *linear(args *a)
{
    ag_tensor *x = arg_input(a), *w = arg_tensor(a, 1, "weight"), *b = arg_optional(a, 2, "bias");
    if (!w || ag_rank(w) != 1) return ag_linear(x, w, b);
    return b ? ag_add(ag_matmul(x, w), b) : ag_matmul(x, w);
}

static ag_tensor *cross_entropy(args *a)
{
    int64_t ignore = arg_integer(a, 4, "ignore_index", -100);
    return ag_cross_entropy(arg_input(a), arg_tensor(a, 1, "target"), .weight = arg_optional(a, 2, "weight"),
                            .ignore = &ignore, .reduction = arg_reduction(a, 3, 5, 6),
                            .label_smoothing = arg_number(a, 7, "label_smoothing", 0));
}

static ag_tensor *expand_to_shape_of(ag_tensor *x, ag_tensor *y)
{
    int64_t sizes[AG_MAX_RANK];
    int rank = y ? ag_rank(y) : 0;
    for (int i = 0; i < rank; i++) sizes[i] = ag_size(y, i);
    return (ag_expand)(x, rank, sizes);
}

static ag_tensor *nll_loss(args *a)
{
    int64_t ignore = arg_integer(a, 4, "ignore_index", -100);
    return ag_nll_loss(arg_input(a), arg_tensor(a, 1, "target"), .weight = arg_optional(a, 2, "weight"),
                       .ignore = &ignore, .reduction = arg_reduction(a, 3, 5, 6));
}

static ag_tensor *bce_with_logits(args *a)
{
    return ag_bce_with_logits(arg_input(a), arg_tensor(a, 1, "target"), .weight = arg_optional(a, 2, "weight"),
                              .reduction = arg_reduction(a, 3, 4, 5), .pos_weight = arg_optional(a, 6, "pos_weight"));
}

/* Of losses of differences: PyTorch warns of shapes that differ, and broadcasts. */
typedef struct both {
    ag_tensor *x, *target;
} both;
static both both_of(args *a)
{
    ag_tensor *x = arg_input(a), *target = arg_tensor(a, 1, "target"), *all = ag_add(x, target);
    return (both){ expand_to_shape_of(x, all), expand_to_shape_of(target, all) };
}
static ag_tensor *mse_loss(args *a)
{
    both b = both_of(a);
    return ag_mse_loss(b.x, b.target, .reduction = arg_reduction(a, 2, 3, 4));
}
static ag_tensor *l1_loss(args *a)
{
    both b = both_of(a);
    return ag_l1_loss(b.x, b.target, .reduction = arg_reduction(a, 2, 3, 4));
}
static ag_tensor *huber_loss(args *a)
{
    both b = both_of(a);
    return ag_huber_loss(b.x, b.target, .reduction = arg_reduction(a, -1, -1, 2),
                         .delta = arg_number(a, 3, "delta", 1));
}
/* huber / beta; with beta 0 the lines meet. */
static ag_tensor *smooth_l1_loss(args *a)
{
    both b = both_of(a);
    ag_reduction r = arg_reduction(a, 2, 3, 4);
    double beta = arg_number(a, 5, "beta", 1);
    if (beta == 0) return ag_l1_loss(b.x, b.target, .reduction = r);
    return ag_div(ag_huber_loss(b.x, b.target, .reduction = r, .delta = beta), beta);
}

/* ---- shape ------------------------------------------------------------------------------------------------ */
static ag_tensor *reshape(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int n = arg_sizes(a, 1, "shape", sizes);
    return (ag_reshape)(arg_input(a), n, sizes);
}
static ag_tensor *expand(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int n = arg_sizes(a, 1, arg_given(a, -1, "size") ? "size" : "shape", sizes);
    return (ag_expand)(arg_input(a), n, sizes);
}
static ag_tensor *permute(args *a)
{
    int64_t order[AG_MAX_RANK];
    int n = arg_sizes(a, 1, "dims", order);
    return (ag_permute)(arg_input(a), n, order);
}
static ag_tensor *transpose(args *a)
{
    ag_tensor *x = arg_input(a);
    int first = (int)arg_integer(a, 1, "dim0", 0), second = (int)arg_integer(a, 2, "dim1", 0);
    return arg_without_axis(ag_transpose(arg_with_axis(x), first, second), x);
}
static ag_tensor *flip(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int axes[AG_MAX_RANK], n = arg_sizes(a, 1, "dims", sizes);
    for (int i = 0; i < n; i++) axes[i] = (int)sizes[i];
    ag_tensor *x = arg_input(a);
    return arg_without_axis((ag_flip)(arg_with_axis(x), n, axes), x);
}

/* Every size-1 axis, or those of size 1 among the ones named. */
static ag_tensor *squeeze(args *a)
{
    ag_tensor *x = arg_input(a);
    int axes[AG_MAX_RANK], n = arg_axes(a, 1, "dim", axes), rank = x ? ag_rank(x) : 0;
    bool all = !arg_given(a, 1, "dim");
    for (int i = rank - 1; i >= 0; i--) {
        bool named = all;
        for (int k = 0; k < n; k++) named |= axes[k] == i || axes[k] == i - rank;
        if (named && ag_size(x, i) == 1) x = ag_squeeze(x, i);
    }
    return x;
}
static ag_tensor *unsqueeze(args *a)
{
    return ag_unsqueeze(arg_input(a), arg_axis(a, 1, 0));
}

static ag_tensor *slice(args *a)
{
    int64_t from = arg_integer(a, 2, "start", 0), to = arg_integer(a, 3, "end", INT64_MAX);
    int64_t step = arg_integer(a, 4, "step", 1);
    return step == 1 ? ag_slice(arg_input(a), arg_axis(a, 1, 0), from, to)
                     : ag_slice_step(arg_input(a), arg_axis(a, 1, 0), from, to, step);
}
static ag_tensor *select_one(args *a)
{
    return ag_select(arg_input(a), arg_axis(a, 1, 0), arg_integer(a, 2, "index", 0));
}

/* PyTorch passes over tensors of shape [0], whatever the rank of the others. */
static ag_tensor *cat(args *a)
{
    ag_list x = arg_tensors(a, 0, "tensors");
    int64_t n = 0;
    int rank = 1;
    for (int64_t i = 0; i < x.n; i++)
        if (ag_rank(x.at[i]) > rank) rank = ag_rank(x.at[i]);
    for (int64_t i = 0; i < x.n; i++)
        if (rank == 1 || ag_rank(x.at[i]) != 1 || ag_numel(x.at[i])) a->list[n++] = x.at[i];
    return ag_cat((ag_list){ a->list, n }, arg_axis(a, 1, 0));
}
static ag_tensor *stack(args *a)
{
    return ag_stack(arg_tensors(a, 0, "tensors"), arg_axis(a, 1, 0));
}

/* ---- indexing --------------------------------------------------------------------------------------------- */
static ag_tensor *index_select(args *a)
{
    ag_tensor *x = arg_input(a), *index = arg_with_axis(arg_tensor(a, 2, "index"));
    return arg_without_axis(ag_take(arg_with_axis(x), arg_axis(a, 1, 0), index), x);
}

static ag_tensor *gather(args *a)
{
    ag_tensor *x = arg_input(a), *index = arg_tensor(a, 2, "index");
    int axis = arg_axis(a, 1, 0);
    if (index && ag_numel(index) == 0) return expand_to_shape_of(ag_sum(ag_slice(ag_reshape(x, -1), 0, 0, 0)), index);
    return arg_without_axis(ag_gather(arg_with_axis(x), axis, arg_with_axis(index)), index);
}

/* Negative indices count from the end. */
static ag_tensor *from_start(ag_tensor *index, int64_t size)
{
    return index ? ag_to(ag_remainder(ag_to(index, AG_F64), (double)size), AG_I64) : NULL;
}
static ag_tensor *take_along_dim(args *a)
{
    ag_tensor *x = arg_input(a), *index = arg_tensor(a, 1, "indices");
    if (!arg_given(a, 2, "dim")) return ag_gather(ag_reshape(x, -1), 0, from_start(ag_reshape(index, -1), ag_numel(x)));
    int64_t source[AG_MAX_RANK], wanted[AG_MAX_RANK];
    int rank = index ? ag_rank(index) : 0, axis = arg_axis(a, 2, 0);
    for (int i = 0; i < rank; i++) {
        source[i] = ag_size(x, i);
        wanted[i] = ag_size(index, i);
        if (i == axis || i == axis + rank) continue;
        if (source[i] == 1)
            source[i] = wanted[i];
        else
            wanted[i] = source[i];
    }
    index = from_start((ag_expand)(index, rank, wanted), ag_size(x, axis));
    return ag_gather((ag_expand)(x, rank, source), axis, index);
}

static ag_tensor *index_add(args *a)
{
    ag_tensor *x = arg_input(a), *index = arg_with_axis(arg_tensor(a, 2, "index")), *value = arg_tensor(a, 3, "source");
    double alpha = arg_number(a, 4, "alpha", 1);
    if (alpha != 1) value = ag_mul(value, alpha);
    return arg_without_axis(ag_index_add(arg_with_axis(x), arg_axis(a, 1, 0), index, arg_with_axis(value)), x);
}

/* Of a source larger than the index PyTorch reads the front. */
static ag_tensor *scatter_add(args *a)
{
    ag_tensor *x = arg_input(a), *index = arg_with_axis(arg_tensor(a, 2, "index")),
              *value = arg_with_axis(arg_tensor(a, 3, "src"));
    for (int i = 0; index && i < ag_rank(index); i++)
        if (ag_size(value, i) > ag_size(index, i)) value = ag_slice(value, i, 0, ag_size(index, i));
    return arg_without_axis(ag_scatter_add(arg_with_axis(x), arg_axis(a, 1, 0), index, value), x);
}

/* ---- the table -------------------------------------------------------------------------------------------- */
// clang-format off
static const parity_op rows[] = {
    { "add", .call = add },
    { "sub", .call = sub },
    { "mul", .binary = ag_mul },
    { "div", .call = divide },
    { "pow", .binary = ag_pow, .other = "exponent" },
    { "maximum", .binary = ag_maximum },
    { "minimum", .binary = ag_minimum },
    { "atan2", .binary = ag_atan2 },
    { "clamp", .call = clamp },
    { "where", .call = where },

    { "abs", .unary = ag_abs },
    { "acos", .unary = ag_acos },
    { "asin", .unary = ag_asin },
    { "atan", .unary = ag_atan },
    { "ceil", .unary = ag_ceil },
    { "clone", .unary = ag_clone },
    { "cos", .unary = ag_cos },
    { "cosh", .unary = ag_cosh },
    { "erf", .unary = ag_erf },
    { "erfc", .unary = ag_erfc },
    { "exp", .unary = ag_exp },
    { "expm1", .unary = ag_expm1 },
    { "floor", .unary = ag_floor },
    { "log", .unary = ag_log },
    { "log1p", .unary = ag_log1p },
    { "neg", .unary = ag_neg },
    { "nn.functional.leaky_relu", .call = leaky_relu },
    { "nn.functional.relu", .unary = ag_relu },
    { "nn.functional.softplus", .call = softplus },
    { "reciprocal", .unary = ag_reciprocal },
    { "round", .call = round_to },
    { "rsqrt", .unary = ag_rsqrt },
    { "sigmoid", .unary = ag_sigmoid },
    { "sign", .unary = ag_sign },
    { "sin", .unary = ag_sin },
    { "sinh", .unary = ag_sinh },
    { "sqrt", .unary = ag_sqrt },
    { "square", .unary = ag_square },
    { "tan", .unary = ag_tan },
    { "tanh", .unary = ag_tanh },
    { "trunc", .unary = ag_trunc },

    { "amax", .reduce = ag_max, .reduce_keep = ag_max_keep },
    { "amin", .reduce = ag_min, .reduce_keep = ag_min_keep },
    { "logsumexp", .reduce = ag_logsumexp, .reduce_keep = ag_logsumexp_keep },
    { "mean", .reduce = ag_mean, .reduce_keep = ag_mean_keep },
    { "sum", .reduce = ag_sum, .reduce_keep = ag_sum_keep },
    { "max", .call = max },
    { "min", .call = min },
    { "softmax", .call = softmax },
    { "log_softmax", .call = log_softmax },

    { "bmm", .binary = ag_matmul, .other = "mat2" },
    { "matmul", .binary = ag_matmul },
    { "mm", .binary = ag_matmul, .other = "mat2" },
    { "mv", .binary = ag_matmul, .other = "vec" },
    { "nn.functional.linear", .call = linear },
    { "nn.functional.cross_entropy", .call = cross_entropy },
    { "nn.functional.binary_cross_entropy_with_logits", .call = bce_with_logits },
    { "nn.functional.huber_loss", .call = huber_loss },
    { "nn.functional.l1_loss", .call = l1_loss },
    { "nn.functional.mse_loss", .call = mse_loss },
    { "nn.functional.nll_loss", .call = nll_loss },
    { "nn.functional.smooth_l1_loss", .call = smooth_l1_loss },

    { "broadcast_to", .call = expand },
    { "cat", .call = cat },
    { "expand", .call = expand },
    { "flip", .call = flip },
    { "permute", .call = permute },
    { "reshape", .call = reshape },
    { "select", .call = select_one },
    { "slice", .call = slice },
    { "squeeze", .call = squeeze },
    { "stack", .call = stack },
    { "transpose", .call = transpose },
    { "unsqueeze", .call = unsqueeze },

    { "gather", .call = gather },
    { "index_add", .call = index_add },
    { "index_select", .call = index_select },
    { "scatter_add", .call = scatter_add },
    { "take_along_dim", .call = take_along_dim },
};
// clang-format on

const parity_table parity_basics = { rows, sizeof rows / sizeof *rows };
