/* parity_reduce.c - statistics, order, running results, shapes, indices and masks, one row each at the end. */
#include "parity.h"
#include <string.h>

/* x counts as [1] where it is 0-d and an axis of it is named; back again with arg_without_axis. */
static ag_tensor *with_axis(args *a)
{
    return arg_with_axis(arg_input(a));
}

/* ---- statistics ------------------------------------------------------------------------------------------- */
/* (input, unbiased), (input, dim, unbiased, keepdim) or (input, dim, correction=, keepdim=) */
static ag_tensor *spread(args *a, ag_tensor *(*of)(ag_tensor *, const ag_reduce_options *))
{
    int axes[AG_MAX_RANK], n = 0;
    bool flag_first = json_is_boolean(json_array_get(a->args, 1)), biased;
    if (!flag_first) n = arg_axes(a, 1, "dim", axes);
    biased = !arg_flag(a, flag_first ? 1 : 2, "unbiased", true);
    double correction = arg_number(a, -1, "correction", biased ? 0 : 1);
    ag_tensor *x = arg_input(a);
    return of(x, &(const ag_reduce_options){ .axes = { axes, x && ag_rank(x) ? n : 0 },
                                             .keep = arg_flag(a, 3, "keepdim", false),
                                             .correction = correction == 0 ? AG_ZERO : correction });
}
static ag_tensor *var(args *a)
{
    return spread(a, ag_var);
}
static ag_tensor *std(args *a)
{
    return spread(a, ag_std);
}

/* Values, of everything or along an axis, then indices. */
static ag_tensor *median_of(args *a, ag_tensor *(*of)(ag_tensor *, const ag_reduce_options *))
{
    ag_tensor *index = NULL;
    ag_reduce_options o = { .keep = arg_flag(a, 2, "keepdim", false) };
    if (!arg_given(a, 1, "dim")) return of(arg_input(a), &o);
    int axis = arg_axis(a, 1, -1);
    o.axes = (ag_axes){ &axis, 1 };
    o.index = &index;
    ag_tensor *y = of(arg_input(a), &o);
    arg_output(a, index);
    return y;
}
static ag_tensor *median(args *a)
{
    return median_of(a, ag_median);
}
static ag_tensor *nanmedian(args *a)
{
    return median_of(a, ag_nanmedian);
}

static ag_tensor *quantile_of(args *a, ag_tensor *(*of)(ag_tensor *, ag_tensor *, const ag_reduce_options *))
{
    static const char *const names[] = { "linear", "lower", "higher", "midpoint", "nearest" };
    const char *name = arg_text(a, -1, "interpolation", "linear");
    int axes[AG_MAX_RANK], n = arg_axes(a, 2, "dim", axes), how = 0;
    while (how < 5 && strcmp(name, names[how])) how++;
    return of(arg_input(a), arg_operand(a, 1, "q"),
              &(const ag_reduce_options){ .axes = { axes, n },
                                          .keep = arg_flag(a, 3, "keepdim", false),
                                          .interpolation = (ag_interpolation)how });
}
static ag_tensor *quantile(args *a)
{
    return quantile_of(a, ag_quantile);
}
static ag_tensor *nanquantile(args *a)
{
    return quantile_of(a, ag_nanquantile);
}

/* ---- order: values, then indices -------------------------------------------------------------------------- */
static ag_tensor *sort(args *a)
{
    ag_tensor *index, *x = arg_input(a);
    arg_flag(a, -1, "stable", false);
    ag_tensor *y = ag_sort(x, arg_axis(a, 1, -1), .descending = arg_flag(a, 2, "descending", false), .index = &index);
    return arg_output(a, index), y;
}
static ag_tensor *msort(args *a)
{
    return ag_sort(arg_input(a), 0);
}
static ag_tensor *topk(args *a)
{
    ag_tensor *index, *x = arg_input(a);
    arg_flag(a, 4, "sorted", true);
    ag_tensor *y = ag_topk(x, arg_integer(a, 1, "k", 0), arg_axis(a, 2, -1),
                           .smallest = !arg_flag(a, 3, "largest", true), .index = &index);
    return arg_output(a, index), y;
}
static ag_tensor *kthvalue(args *a)
{
    ag_tensor *index, *x = arg_input(a);
    ag_tensor *y = ag_kthvalue(x, arg_integer(a, 1, "k", 0), arg_axis(a, 2, -1),
                               .keep = arg_flag(a, 3, "keepdim", false), .index = &index);
    return arg_output(a, index), y;
}
static ag_tensor *mode(args *a)
{
    ag_tensor *index, *x = arg_input(a);
    ag_tensor *y = ag_mode(x, arg_axis(a, 1, -1), .keep = arg_flag(a, 2, "keepdim", false), .index = &index);
    return arg_output(a, index), y;
}
static ag_tensor *cummax(args *a)
{
    ag_tensor *index, *y = ag_cummax(arg_input(a), arg_axis(a, 1, 0), .index = &index);
    return arg_output(a, index), y;
}
static ag_tensor *cummin(args *a)
{
    ag_tensor *index, *y = ag_cummin(arg_input(a), arg_axis(a, 1, 0), .index = &index);
    return arg_output(a, index), y;
}

/* ---- running results -------------------------------------------------------------------------------------- */
static ag_tensor *running(args *a, ag_tensor *(*of)(ag_tensor *, int))
{
    return of(arg_cast(a, 2, "dtype", arg_input(a)), arg_axis(a, 1, 0));
}
static ag_tensor *cumsum(args *a)
{
    return running(a, ag_cumsum);
}
static ag_tensor *cumprod(args *a)
{
    return running(a, ag_cumprod);
}
static ag_tensor *logcumsumexp(args *a)
{
    return running(a, ag_logcumsumexp);
}
static ag_tensor *diff(args *a)
{
    ag_tensor *x = arg_input(a), *before = arg_optional(a, 3, "prepend"), *after = arg_optional(a, 4, "append");
    int n = (int)arg_integer(a, 1, "n", 1), axis = arg_axis(a, 2, -1);
    return n ? ag_diff(x, axis, .n = n, .prepend = before, .append = after) : x;
}

/* ---- shapes ----------------------------------------------------------------------------------------------- */
static ag_tensor *roll(args *a)
{
    int64_t shifts[AG_MAX_RANK];
    int axes[AG_MAX_RANK], n = arg_axes(a, 2, "dims", axes), m = n;
    int one[AG_MAX_RANK];
    m = arg_axes(a, 1, "shifts", one);
    for (int i = 0; i < m; i++) shifts[i] = one[i];
    ag_tensor *x = arg_input(a), *y = x;
    int64_t dims[AG_MAX_RANK];
    for (int i = 0; x && i < ag_rank(x); i++) dims[i] = ag_size(x, i);
    if (n == 0) return x ? (ag_reshape)(ag_roll(ag_reshape(x, -1), shifts[0], 0), ag_rank(x), dims) : NULL;
    for (int i = 0; i < n; i++) y = ag_roll(y, shifts[i], axes[i]);
    return y;
}
static ag_tensor *rot90(args *a)
{
    int axes[AG_MAX_RANK] = { 0, 1 };
    arg_axes(a, 2, "dims", axes);
    return ag_rot90(arg_input(a), (int)arg_integer(a, 1, "k", 1), axes[0], axes[1]);
}
static ag_tensor *repeat(args *a)
{
    int64_t times[AG_MAX_RANK];
    int n = arg_sizes(a, 1, "repeats", times);
    return (ag_repeat)(arg_input(a), n, times);
}
static ag_tensor *tile(args *a)
{
    int64_t times[AG_MAX_RANK];
    int n = arg_sizes(a, 1, "dims", times);
    return (ag_tile)(arg_input(a), n, times);
}
static ag_tensor *repeat_interleave(args *a)
{
    ag_tensor *x = arg_input(a), *times = arg_operand(a, 1, "repeats");
    arg_integer(a, -1, "output_size", 0);
    if (!arg_given(a, 2, "dim")) return ag_repeat_interleave(ag_reshape(x, -1), times, 0);
    return ag_repeat_interleave(x, times, arg_axis(a, 2, 0));
}
static ag_tensor *unfold(args *a)
{
    return ag_unfold(arg_input(a), (int)arg_integer(a, 1, "dimension", 0), arg_integer(a, 2, "size", 1),
                     arg_integer(a, 3, "step", 1));
}
static ag_tensor *pad(args *a)
{
    static const char *const names[] = { "constant", "reflect", "replicate", "circular" };
    int64_t sizes[AG_MAX_RANK];
    int list[AG_MAX_RANK], n = arg_axes(a, 1, "pad", list), how = 0;
    const char *name = arg_text(a, 2, "mode", "constant");
    for (int i = 0; i < n; i++) sizes[i] = list[i];
    while (how < 4 && strcmp(name, names[how])) how++;
    return ag_pad(arg_input(a), ((ag_sizes){ sizes, n }), .mode = (ag_pad_mode)how,
                  .value = arg_number(a, 3, "value", 0));
}
static ag_tensor *pixel_shuffle(args *a)
{
    return ag_pixel_shuffle(arg_input(a), arg_integer(a, 1, "upscale_factor", 1));
}
static ag_tensor *pixel_unshuffle(args *a)
{
    return ag_pixel_unshuffle(arg_input(a), arg_integer(a, 1, "downscale_factor", 1));
}

/* One axis; or several, of which those named take their places and the others follow in their order. */
static ag_tensor *movedim(args *a)
{
    int from[AG_MAX_RANK], to[AG_MAX_RANK], n = arg_axes(a, 1, "source", from), m = arg_axes(a, 2, "destination", to);
    ag_tensor *x = arg_input(a);
    int rank = x ? ag_rank(x) : 0;
    if (n == 1 && m == 1) return ag_movedim(x, from[0], to[0]);
    int64_t order[AG_MAX_RANK];
    bool used[AG_MAX_RANK] = { false };
    for (int i = 0; i < rank; i++) order[i] = -1;
    for (int i = 0; i < n; i++) {
        int at = from[i] < 0 ? from[i] + rank : from[i];
        order[to[i] < 0 ? to[i] + rank : to[i]] = at;
        used[at] = true;
    }
    for (int i = 0, next = 0; i < rank; i++) {
        while (order[i] < 0 && used[next]) next++;
        if (order[i] < 0) order[i] = next++;
    }
    return (ag_permute)(x, rank, order);
}
static ag_tensor *flatten(args *a)
{
    return ag_flatten(arg_input(a), (int)arg_integer(a, 1, "start_dim", 0), (int)arg_integer(a, 2, "end_dim", -1));
}
static ag_tensor *unflatten(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int list[AG_MAX_RANK], n = arg_axes(a, 2, "sizes", list);
    for (int i = 0; i < n; i++) sizes[i] = list[i];
    return ag_unflatten(arg_input(a), arg_axis(a, 1, 0), (ag_sizes){ sizes, n });
}
static ag_tensor *narrow(args *a)
{
    int64_t from =
        arg_is_tensor(a, 2, "start") ? (int64_t)ag_item(arg_tensor(a, 2, "start")) : arg_integer(a, 2, "start", 0);
    return ag_narrow(arg_input(a), arg_axis(a, 1, 0), from, arg_integer(a, 3, "length", 0));
}
static ag_tensor *hstack(args *a)
{
    return ag_hstack(arg_tensors(a, 0, "tensors"));
}
static ag_tensor *vstack(args *a)
{
    return ag_vstack(arg_tensors(a, 0, "tensors"));
}
static ag_tensor *dstack(args *a)
{
    return ag_dstack(arg_tensors(a, 0, "tensors"));
}
static ag_tensor *column_stack(args *a)
{
    return ag_column_stack(arg_tensors(a, 0, "tensors"));
}

/* ---- several outputs -------------------------------------------------------------------------------------- */
static ag_tensor *outputs(args *a, ag_list y)
{
    for (int64_t i = 1; i < y.n; i++) arg_output(a, y.at[i]);
    return y.n ? y.at[0] : NULL;
}
static ag_tensor *split(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int list[AG_MAX_RANK], n;
    bool many = json_is_array(json_array_get(a->args, 1));
    if (!many)
        return outputs(a, ag_split(arg_input(a), arg_integer(a, 1, "split_size_or_sections", 1), arg_axis(a, 2, 0)));
    n = arg_axes(a, 1, "split_size_or_sections", list);
    for (int i = 0; i < n; i++) sizes[i] = list[i];
    return outputs(a, ag_split_sizes(arg_input(a), (ag_sizes){ sizes, n }, arg_axis(a, 2, 0)));
}
static ag_tensor *chunk(args *a)
{
    return outputs(a, ag_chunk(arg_input(a), arg_integer(a, 1, "chunks", 1), arg_axis(a, 2, 0)));
}
static ag_tensor *unbind(args *a)
{
    return outputs(a, ag_unbind(arg_input(a), arg_axis(a, 1, 0)));
}
/* A list, or the tensors one after the other. */
static ag_tensor *meshgrid(args *a)
{
    bool xy = !strcmp(arg_text(a, -1, "indexing", "ij"), "xy");
    if (json_is_array(json_array_get(a->args, 0))) return outputs(a, ag_meshgrid(arg_tensors(a, 0, "tensors"), xy));
    int64_t n = (int64_t)json_array_size(a->args);
    for (int i = 0; i < n && i < PARITY_TENSORS; i++) a->list[i] = arg_tensor(a, i, "tensors");
    return outputs(a, ag_meshgrid((ag_list){ a->list, n }, xy));
}

/* ---- diagonals -------------------------------------------------------------------------------------------- */
static ag_tensor *diagonal_of(args *a, ag_tensor *(*of)(ag_tensor *, const ag_diag_options *), int first, int second)
{
    int axes[2] = { (int)arg_integer(a, 2, "dim1", first), (int)arg_integer(a, 3, "dim2", second) };
    return of(arg_input(a), &(const ag_diag_options){ .offset = arg_integer(a, 1, "offset", 0), .axes = { axes, 2 } });
}
static ag_tensor *diagonal(args *a)
{
    return diagonal_of(a, ag_diagonal, 0, 1);
}
static ag_tensor *diag_embed(args *a)
{
    return diagonal_of(a, ag_diag_embed, -2, -1);
}
static ag_tensor *diag(args *a)
{
    return ag_diag(arg_input(a), arg_integer(a, 1, "diagonal", 0));
}
static ag_tensor *tril(args *a)
{
    return ag_tril(arg_input(a), arg_integer(a, 1, "diagonal", 0));
}
static ag_tensor *triu(args *a)
{
    return ag_triu(arg_input(a), arg_integer(a, 1, "diagonal", 0));
}

/* ---- masks and indices ------------------------------------------------------------------------------------ */
static ag_tensor *masked_fill(args *a)
{
    return ag_masked_fill(arg_input(a), arg_tensor(a, 1, "mask"), arg_operand(a, 2, "value"));
}
static ag_tensor *masked_select(args *a)
{
    return ag_masked_select(arg_input(a), arg_tensor(a, 1, "mask"));
}
static ag_tensor *masked_scatter(args *a)
{
    return ag_masked_scatter(arg_input(a), arg_tensor(a, 1, "mask"), arg_tensor(a, 2, "source"));
}

/* The value of a scatter; of one larger than the index PyTorch reads the front. */
static ag_tensor *scatter_value(args *a, ag_tensor *index)
{
    bool number = !arg_is_tensor(a, 3, "src") && !arg_is_tensor(a, -1, "src");
    if (number) return ag_num(arg_number(a, 3, "value", 0));
    ag_tensor *value = arg_tensor(a, 3, "src");
    for (int i = 0; index && value && i < ag_rank(index) && ag_rank(value); i++)
        if (ag_size(value, i) > ag_size(index, i)) value = ag_slice(value, i, 0, ag_size(index, i));
    return value;
}
static ag_tensor *scatter(args *a)
{
    ag_tensor *x = arg_input(a), *index = arg_tensor(a, 2, "index"), *value = scatter_value(a, index);
    const char *reduce = arg_text(a, -1, "reduce", NULL);
    int axis = arg_axis(a, 1, 0);
    if (!reduce) return ag_scatter(x, axis, index, value);
    return ag_scatter_reduce(x, axis, index, value, .reduce = strcmp(reduce, "add") ? AG_SCATTER_PROD : AG_SCATTER_SUM);
}
static ag_tensor *scatter_reduce(args *a)
{
    static const char *const names[] = { "sum", "prod", "mean", "amax", "amin" };
    ag_tensor *x = with_axis(a), *index = arg_with_axis(arg_tensor(a, 2, "index"));
    ag_tensor *value = scatter_value(a, index);
    const char *name = arg_text(a, 4, "reduce", "sum");
    int how = 0;
    while (how < 5 && strcmp(name, names[how])) how++;
    ag_tensor *y = ag_scatter_reduce(x, arg_axis(a, 1, 0), index, arg_with_axis(value), .reduce = (ag_scatter_mode)how,
                                     .exclude_self = !arg_flag(a, 5, "include_self", true));
    return arg_without_axis(y, arg_input(a));
}
static ag_tensor *index_fill(args *a)
{
    return ag_index_fill(arg_input(a), arg_axis(a, 1, 0), arg_tensor(a, 2, "index"), arg_operand(a, 3, "value"));
}
static ag_tensor *index_copy(args *a)
{
    return ag_index_copy(arg_input(a), arg_axis(a, 1, 0), arg_tensor(a, 2, "index"), arg_tensor(a, 3, "source"));
}
static ag_tensor *index_put(args *a)
{
    return ag_index_put(arg_input(a), arg_tensors(a, 1, "indices"), arg_tensor(a, 2, "values"),
                        arg_flag(a, 3, "accumulate", false));
}

/* ---- the table -------------------------------------------------------------------------------------------- */
// clang-format off
static const parity_op rows[] = {
    { "prod", .reduce = ag_prod, .reduce_keep = ag_prod_keep },
    { "nansum", .reduce = ag_nansum, .reduce_keep = ag_nansum_keep },
    { "nanmean", .reduce = ag_nanmean, .reduce_keep = ag_nanmean_keep },
    { "var", .call = var },
    { "std", .call = std },
    { "median", .call = median },
    { "nanmedian", .call = nanmedian },
    { "quantile", .call = quantile },
    { "nanquantile", .call = nanquantile },

    { "sort", .call = sort },
    { "msort", .call = msort },
    { "topk", .call = topk },
    { "kthvalue", .call = kthvalue },
    { "mode", .call = mode },
    { "cummax", .call = cummax },
    { "cummin", .call = cummin },

    { "cumsum", .call = cumsum },
    { "cumprod", .call = cumprod },
    { "logcumsumexp", .call = logcumsumexp },
    { "diff", .call = diff },

    { "roll", .call = roll },
    { "rot90", .call = rot90 },
    { "repeat", .call = repeat },
    { "tile", .call = tile },
    { "repeat_interleave", .call = repeat_interleave },
    { "unfold", .call = unfold },
    { "nn.functional.pad", .call = pad },
    { "nn.functional.pixel_shuffle", .call = pixel_shuffle },
    { "nn.functional.pixel_unshuffle", .call = pixel_unshuffle },
    { "movedim", .call = movedim },
    { "flatten", .call = flatten },
    { "unflatten", .call = unflatten },
    { "narrow", .call = narrow },
    { "hstack", .call = hstack },
    { "vstack", .call = vstack },
    { "dstack", .call = dstack },
    { "column_stack", .call = column_stack },
    { "split", .call = split },
    { "chunk", .call = chunk },
    { "unbind", .call = unbind },
    { "meshgrid", .call = meshgrid },

    { "diagonal", .call = diagonal },
    { "diag_embed", .call = diag_embed },
    { "diag", .call = diag },
    { "tril", .call = tril },
    { "triu", .call = triu },

    { "masked_fill", .call = masked_fill },
    { "masked_select", .call = masked_select },
    { "masked_scatter", .call = masked_scatter },
    { "scatter", .call = scatter },
    { "scatter_reduce", .call = scatter_reduce },
    { "index_fill", .call = index_fill },
    { "index_copy", .call = index_copy },
    { "index_put", .call = index_put },
};
// clang-format on

const parity_table parity_reduce = { rows, sizeof rows / sizeof *rows };
