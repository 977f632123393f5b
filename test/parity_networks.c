/* parity_networks.c - PyTorch's operators in ag_ operations: normalisation, embedding, attention, GELU. */
#include "parity.h"
#include <string.h>

static ag_tensor *gelu(args *a)
{
    return strcmp(arg_text(a, 1, "approximate", "none"), "tanh") ? ag_gelu(arg_input(a)) : ag_gelu_tanh(arg_input(a));
}

static double eps_of(args *a, int i, double otherwise)
{
    return arg_given(a, i, "eps") && arg_number(a, i, "eps", 0) == 0 ? AG_ZERO : arg_number(a, i, "eps", otherwise);
}
/* normalized_shape only counts: PyTorch wants the sizes that the last axes have. */
static ag_tensor *layer_norm(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int axes = arg_sizes(a, 1, "normalized_shape", sizes);
    return ag_layer_norm(arg_input(a), axes, .weight = arg_optional(a, 2, "weight"), .bias = arg_optional(a, 3, "bias"),
                         .eps = eps_of(a, 4, 1e-5));
}
/* With the mean and 1 / deviation of each row as further outputs. */
static ag_tensor *native_layer_norm(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int axes = arg_sizes(a, 1, "normalized_shape", sizes), last[AG_MAX_RANK];
    for (int i = 0; i < AG_MAX_RANK; i++) last[i] = -1 - i;
    ag_tensor *x = arg_input(a), *y = layer_norm(a), *mean = (ag_mean_keep)(x, axes, last);
    ag_tensor *variance = (ag_mean_keep)(ag_square(ag_sub(x, mean)), axes, last);
    arg_output(a, mean);
    arg_output(a, ag_rsqrt(ag_add(variance, arg_number(a, 4, "eps", 1e-5))));
    return y;
}

/* torch.nn.functional.embedding(input, weight); the cases put the weight first. A negative padding row counts from the
 * end. */
static ag_tensor *embedding(args *a)
{
    const char *names[] = { "input", "weight" };
    int first = arg_is_tensor(a, 0, names[0]) && ag_dtype_of(arg_tensor(a, 0, names[0])) == AG_I64 ? 0 : 1;
    ag_tensor *index = arg_tensor(a, first, names[0]), *weight = arg_tensor(a, !first, names[1]);
    if (!arg_given(a, 2, "padding_idx")) return ag_embedding(weight, index);
    int64_t padding = arg_integer(a, 2, "padding_idx", 0);
    if (padding < 0) padding += ag_size(weight, 0);
    return ag_embedding(weight, index, .padding = &padding);
}

static ag_tensor *attention(args *a)
{
    return ag_attention(arg_tensor(a, 0, "query"), arg_tensor(a, 1, "key"), arg_tensor(a, 2, "value"),
                        .mask = arg_optional(a, 3, "attn_mask"), .dropout = arg_number(a, 4, "dropout_p", 0),
                        .causal = arg_flag(a, 5, "is_causal", false), .scale = arg_number(a, -1, "scale", 0));
}

static ag_tensor *rms_norm(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int axes = arg_sizes(a, 1, "normalized_shape", sizes);
    return ag_rms_norm(arg_input(a), axes, .weight = arg_optional(a, 2, "weight"), .eps = eps_of(a, 3, 0));
}

static const parity_op rows[] = {
    { "native_layer_norm", .call = native_layer_norm },
    { "nn.functional.embedding", .call = embedding },
    { "nn.functional.gelu", .call = gelu },
    { "nn.functional.layer_norm", .call = layer_norm },
    { "nn.functional.rms_norm", .call = rms_norm },
    { "nn.functional.scaled_dot_product_attention", .call = attention },
};
const parity_table parity_networks = { rows, sizeof rows / sizeof *rows };
