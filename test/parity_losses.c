/* parity_losses.c - PyTorch's losses in ag_ operations, other than the commonest. */
#include "parity.h"

static double or_zero(double x)
{
    return x == 0 ? AG_ZERO : x;
}

static ag_tensor *binary_cross_entropy(args *a)
{
    return ag_binary_cross_entropy(arg_input(a), arg_tensor(a, 1, "target"), .weight = arg_optional(a, 2, "weight"),
                                   .reduction = arg_reduction(a, 3, 4, 5));
}
static ag_tensor *kl_div(args *a)
{
    return ag_kl_div(arg_input(a), arg_tensor(a, 1, "target"), .log_target = arg_flag(a, 5, "log_target", false),
                     .reduction = arg_reduction(a, 2, 3, 4));
}
static ag_tensor *poisson_nll_loss(args *a)
{
    return ag_poisson_nll_loss(arg_input(a), arg_tensor(a, 1, "target"), .rate = !arg_flag(a, 2, "log_input", true),
                               .full = arg_flag(a, 3, "full", false), .eps = or_zero(arg_number(a, 5, "eps", 1e-8)),
                               .reduction = arg_reduction(a, 4, 6, 7));
}
static ag_tensor *gaussian_nll_loss(args *a)
{
    ag_tensor *x = arg_input(a), *variance = arg_operand(a, 2, "var");
    if (!arg_is_tensor(a, 2, "var")) variance = ag_mul(ag_ones_like(x), variance);
    return ag_gaussian_nll_loss(x, arg_tensor(a, 1, "target"), variance, .full = arg_flag(a, 3, "full", false),
                                .eps = or_zero(arg_number(a, 4, "eps", 1e-6)),
                                .reduction = arg_reduction(a, -1, -1, 5));
}
static ag_tensor *soft_margin_loss(args *a)
{
    return ag_soft_margin_loss(arg_input(a), arg_tensor(a, 1, "target"), .reduction = arg_reduction(a, 2, 3, 4));
}
static ag_tensor *multilabel_soft_margin_loss(args *a)
{
    return ag_multilabel_soft_margin_loss(arg_input(a), arg_tensor(a, 1, "target"),
                                          .weight = arg_optional(a, 2, "weight"),
                                          .reduction = arg_reduction(a, 3, 4, 5));
}

static ag_tensor *hinge_embedding_loss(args *a)
{
    return ag_hinge_embedding_loss(arg_input(a), arg_tensor(a, 1, "target"),
                                   .margin = or_zero(arg_number(a, 2, "margin", 1)),
                                   .reduction = arg_reduction(a, 3, 4, 5));
}
static ag_tensor *margin_ranking_loss(args *a)
{
    return ag_margin_ranking_loss(arg_tensor(a, 0, "input1"), arg_tensor(a, 1, "input2"), arg_tensor(a, 2, "target"),
                                  .margin = arg_number(a, 3, "margin", 0), .reduction = arg_reduction(a, 4, 5, 6));
}
static ag_tensor *cosine_embedding_loss(args *a)
{
    return ag_cosine_embedding_loss(arg_tensor(a, 0, "input1"), arg_tensor(a, 1, "input2"), arg_tensor(a, 2, "target"),
                                    .margin = arg_number(a, 3, "margin", 0), .reduction = arg_reduction(a, 4, 5, 6));
}
static ag_tensor *triplet_margin_loss(args *a)
{
    return ag_triplet_margin_loss(arg_tensor(a, 0, "anchor"), arg_tensor(a, 1, "positive"),
                                  arg_tensor(a, 2, "negative"), .margin = or_zero(arg_number(a, 3, "margin", 1)),
                                  .p = or_zero(arg_number(a, 4, "p", 2)), .eps = or_zero(arg_number(a, 5, "eps", 1e-6)),
                                  .swap = arg_flag(a, 6, "swap", false), .reduction = arg_reduction(a, 7, 8, 9));
}
static ag_tensor *multi_margin_loss(args *a)
{
    return ag_multi_margin_loss(arg_input(a), arg_tensor(a, 1, "target"), .p = arg_number(a, 2, "p", 1),
                                .margin = or_zero(arg_number(a, 3, "margin", 1)),
                                .weight = arg_optional(a, 4, "weight"), .reduction = arg_reduction(a, 5, 6, 7));
}
static ag_tensor *multilabel_margin_loss(args *a)
{
    return ag_multilabel_margin_loss(arg_input(a), arg_tensor(a, 1, "target"), .reduction = arg_reduction(a, 2, 3, 4));
}
/* Of logits; see test/golden/losses.py. */
static ag_tensor *ctc_loss(args *a)
{
    return ag_ctc_loss(ag_log_softmax(arg_tensor(a, 0, "logits"), -1), arg_tensor(a, 1, "targets"),
                       arg_tensor(a, 2, "input_lengths"), arg_tensor(a, 3, "target_lengths"),
                       .blank = arg_integer(a, 4, "blank", 0), .reduction = arg_reduction(a, -1, -1, 5),
                       .zero_infinity = arg_flag(a, 6, "zero_infinity", false));
}

static const parity_op rows[] = {
    { "nn.CTCLoss", .call = ctc_loss },
    { "nn.functional.binary_cross_entropy", .call = binary_cross_entropy },
    { "nn.functional.cosine_embedding_loss", .call = cosine_embedding_loss },
    { "nn.functional.gaussian_nll_loss", .call = gaussian_nll_loss },
    { "nn.functional.hinge_embedding_loss", .call = hinge_embedding_loss },
    { "nn.functional.kl_div", .call = kl_div },
    { "nn.functional.margin_ranking_loss", .call = margin_ranking_loss },
    { "nn.functional.multi_margin_loss", .call = multi_margin_loss },
    { "nn.functional.multilabel_margin_loss", .call = multilabel_margin_loss },
    { "nn.functional.multilabel_soft_margin_loss", .call = multilabel_soft_margin_loss },
    { "nn.functional.poisson_nll_loss", .call = poisson_nll_loss },
    { "nn.functional.soft_margin_loss", .call = soft_margin_loss },
    { "nn.functional.triplet_margin_loss", .call = triplet_margin_loss },
};
const parity_table parity_losses = { rows, sizeof rows / sizeof *rows };
