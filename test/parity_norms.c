/* parity_norms.c - PyTorch's operators in ag_ operations: normalisation of channels, vectors divided by their sizes;
 * images resized and sampled. */
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

/* ---- images ---- */

static const json_t *raw(args *a, int i, const char *name)
{
    if (!arg_given(a, i, name)) return NULL;
    const json_t *v = json_array_get(a->args, (size_t)i);
    return v ? v : json_object_get(a->kwargs, name);
}
/* One factor or a list of them. */
static int factors_of(args *a, double factors[AG_MAX_RANK])
{
    const json_t *v = raw(a, 2, "scale_factor");
    if (!json_is_array(v)) return *factors = arg_number(a, 2, "scale_factor", 0), *factors != 0;
    int n = (int)json_array_size(v);
    for (int i = 0; i < n && i < AG_MAX_RANK; i++)
        if (!parity_number(json_array_get(v, (size_t)i), &factors[i])) ag_fail(AG_EINVAL, "%s: scale_factor", a->op);
    return n;
}
static ag_tensor *interpolate(args *a)
{
    static const char *const modes[] = { "nearest", "nearest-exact", "linear", "bicubic", "area" };
    const char *name = arg_text(a, 3, "mode", "nearest");
    int64_t sizes[AG_MAX_RANK] = { 0 };
    double factors[AG_MAX_RANK];
    const json_t *list = raw(a, 1, "size");
    int mode = 0, n = json_is_array(list) ? arg_sizes(a, 1, "size", sizes) : list != NULL;
    if (n && !json_is_array(list)) sizes[0] = arg_integer(a, 1, "size", 0);
    if (!strcmp(name, "bilinear") || !strcmp(name, "trilinear")) name = "linear";
    while (mode < 4 && strcmp(modes[mode], name)) mode++;
    return ag_interpolate(arg_input(a), .mode = (ag_interpolate_mode)mode, .sizes = { sizes, n },
                          .scale_factor = { factors, factors_of(a, factors) },
                          .align_corners = arg_flag(a, 4, "align_corners", false),
                          .recompute_scale_factor = arg_flag(a, 5, "recompute_scale_factor", false),
                          .antialias = arg_flag(a, 6, "antialias", false));
}
static ag_tensor *grid_sample(args *a)
{
    const char *mode = arg_text(a, 2, "mode", "bilinear"), *padding = arg_text(a, 3, "padding_mode", "zeros");
    return ag_grid_sample(arg_input(a), arg_tensor(a, 1, "grid"),
                          .mode = !strcmp(mode, "nearest")   ? AG_GRID_NEAREST
                                  : !strcmp(mode, "bicubic") ? AG_GRID_CUBIC
                                                             : AG_GRID_LINEAR,
                          .padding = !strcmp(padding, "border")       ? AG_GRID_BORDER
                                     : !strcmp(padding, "reflection") ? AG_GRID_REFLECTION
                                                                      : AG_GRID_ZEROS,
                          .align_corners = arg_flag(a, 4, "align_corners", false));
}
static ag_tensor *affine_grid(args *a)
{
    int64_t sizes[AG_MAX_RANK];
    int n = arg_sizes(a, 1, "size", sizes);
    return ag_affine_grid(arg_tensor(a, 0, "theta"), (ag_sizes){ sizes, n }, arg_flag(a, 2, "align_corners", false));
}
static ag_tensor *channel_shuffle(args *a)
{
    return ag_channel_shuffle(arg_input(a), arg_integer(a, 1, "groups", 1));
}

/* ---- what PyTorch spells differently: written for these cases ---- */

static ag_tensor *sparse_mm(args *a)
{
    return ag_sparse_mm(arg_tensor(a, 0, "crow"), arg_tensor(a, 1, "col"), arg_tensor(a, 2, "values"),
                        arg_tensor(a, 3, "dense"));
}
static ag_tensor *rope(args *a)
{
    return ag_rope(arg_input(a), .interleaved = arg_flag(a, 1, "interleaved", false),
                   .base = arg_number(a, 2, "base", 10000), .from = arg_integer(a, 3, "start", 0),
                   .width = arg_integer(a, 4, "width", 0), .positions = arg_optional(a, 5, "positions"));
}

static const parity_op rows[] = {
    { "nn.functional.affine_grid", .call = affine_grid },
    { "nn.functional.batch_norm", .call = batch_norm },
    { "nn.functional.channel_shuffle", .call = channel_shuffle },
    { "nn.functional.cosine_similarity", .call = cosine_similarity },
    { "nn.functional.grid_sample", .call = grid_sample },
    { "nn.functional.group_norm", .call = group_norm },
    { "nn.functional.instance_norm", .call = instance_norm },
    { "nn.functional.interpolate", .call = interpolate },
    { "nn.functional.local_response_norm", .call = local_response_norm },
    { "nn.functional.normalize", .call = normalize },
    { "rope", .call = rope },
    { "sparse.mm", .call = sparse_mm },
};
const parity_table parity_norms = { rows, sizeof rows / sizeof *rows };
