/* parity_norms.c - PyTorch's operators in ag_ operations: normalisation of channels, vectors divided by their sizes. */
#include "parity.h"
#include <string.h>

/* A number that may be a true zero. */
static double number(args *a, int i, const char *name, double otherwise)
{
    double k = arg_number(a, i, name, otherwise);
    return k == 0 ? AG_ZERO : k;
}

static ag_tensor *batch_norm(args *a)
{
    return ag_batch_norm(arg_input(a), .running_mean = arg_optional(a, 1, "running_mean"),
                         .running_var = arg_optional(a, 2, "running_var"), .weight = arg_optional(a, 3, "weight"),
                         .bias = arg_optional(a, 4, "bias"), .training = arg_flag(a, 5, "training", false),
                         .momentum = number(a, 6, "momentum", 0.1), .eps = number(a, 7, "eps", 1e-5));
}
static ag_tensor *instance_norm(args *a)
{
    return ag_instance_norm(arg_input(a), .running_mean = arg_optional(a, 1, "running_mean"),
                            .running_var = arg_optional(a, 2, "running_var"), .weight = arg_optional(a, 3, "weight"),
                            .bias = arg_optional(a, 4, "bias"),
                            .use_running_stats = !arg_flag(a, 5, "use_input_stats", true),
                            .momentum = number(a, 6, "momentum", 0.1), .eps = number(a, 7, "eps", 1e-5));
}
static ag_tensor *group_norm(args *a)
{
    return ag_group_norm(arg_input(a), arg_integer(a, 1, "num_groups", 1), .weight = arg_optional(a, 2, "weight"),
                         .bias = arg_optional(a, 3, "bias"), .eps = number(a, 4, "eps", 1e-5));
}
static ag_tensor *local_response_norm(args *a)
{
    return ag_local_response_norm(arg_input(a), arg_integer(a, 1, "size", 1), .alpha = number(a, 2, "alpha", 1e-4),
                                  .beta = number(a, 3, "beta", 0.75), .k = number(a, 4, "k", 1));
}
static ag_tensor *normalize(args *a)
{
    int axes[AG_MAX_RANK], n = arg_axes(a, 2, "dim", axes);
    return ag_normalize(arg_input(a), .p = number(a, 1, "p", 2), .axes = { axes, n },
                        .eps = number(a, 3, "eps", 1e-12));
}
static ag_tensor *cosine_similarity(args *a)
{
    return ag_cosine_similarity(arg_tensor(a, 0, "x1"), arg_tensor(a, 1, "x2"), arg_axis(a, 2, 1),
                                .eps = number(a, 3, "eps", 1e-8));
}

static const parity_op rows[] = {
    { "nn.functional.batch_norm", .call = batch_norm },
    { "nn.functional.cosine_similarity", .call = cosine_similarity },
    { "nn.functional.group_norm", .call = group_norm },
    { "nn.functional.instance_norm", .call = instance_norm },
    { "nn.functional.local_response_norm", .call = local_response_norm },
    { "nn.functional.normalize", .call = normalize },
};
const parity_table parity_norms = { rows, sizeof rows / sizeof *rows };
