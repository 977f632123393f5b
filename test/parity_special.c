/* parity_special.c - activations, special functions and small formulas. */
#include "parity.h"
#include <math.h>

/* Options for which 0 is not the default. */
static double or_zero(double x)
{
    return x == 0 ? AG_ZERO : x;
}

/* ---- activations ------------------------------------------------------------------------------------------ */
static ag_tensor *celu(args *a)
{
    arg_flag(a, 2, "inplace", false);
    return ag_celu(arg_input(a), .alpha = arg_number(a, 1, "alpha", 1));
}
static ag_tensor *elu(args *a)
{
    arg_flag(a, 2, "inplace", false);
    return ag_elu(arg_input(a), .alpha = or_zero(arg_number(a, 1, "alpha", 1)));
}
static ag_tensor *glu(args *a)
{
    return ag_glu(arg_input(a), arg_axis(a, 1, -1));
}
static ag_tensor *hardshrink(args *a)
{
    return ag_hardshrink(arg_input(a), .lambd = or_zero(arg_number(a, 1, "lambd", 0.5)));
}
static ag_tensor *softshrink(args *a)
{
    return ag_softshrink(arg_input(a), .lambd = or_zero(arg_number(a, 1, "lambd", 0.5)));
}
static ag_tensor *hardtanh(args *a)
{
    arg_flag(a, 3, "inplace", false);
    double low = or_zero(arg_number(a, 1, "min_val", -1)), high = or_zero(arg_number(a, 2, "max_val", 1));
    if (low > high) return ag_add(ag_mul(arg_input(a), 0.0), high);
    return ag_hardtanh(arg_input(a), .min_val = low, .max_val = high);
}
static ag_tensor *threshold(args *a)
{
    arg_flag(a, 3, "inplace", false);
    return ag_threshold(arg_input(a), arg_number(a, 1, "threshold", 0), arg_number(a, 2, "value", 0));
}
static ag_tensor *prelu(args *a)
{
    return ag_prelu(arg_input(a), arg_tensor(a, 1, "weight"));
}
/* In training the slopes are random: PyTorch's numbers are not ours. */
static ag_tensor *rrelu(args *a)
{
    arg_flag(a, 4, "inplace", false);
    return ag_rrelu(arg_input(a), .lower = or_zero(arg_number(a, 1, "lower", 1. / 8)),
                    .upper = or_zero(arg_number(a, 2, "upper", 1. / 3)), .training = arg_flag(a, 3, "training", false));
}
/* f(input, inplace) */
#define IN_PLACE(op)                      \
    static ag_tensor *op(args *a)         \
    {                                     \
        arg_flag(a, 1, "inplace", false); \
        return ag_##op(arg_input(a));     \
    }
IN_PLACE(hardsigmoid)
IN_PLACE(hardswish)
IN_PLACE(mish)
IN_PLACE(relu6)
IN_PLACE(selu)
IN_PLACE(silu)

/* ---- special functions ------------------------------------------------------------------------------------ */
static ag_tensor *logit(args *a)
{
    double eps = arg_given(a, 1, "eps") ? or_zero(arg_number(a, 1, "eps", 0)) : 0;
    return ag_logit(arg_input(a), .eps = eps);
}
static ag_tensor *polygamma(args *a)
{
    return ag_polygamma((int)arg_integer(a, 0, "n", 0), arg_tensor(a, 1, "input"));
}
static ag_tensor *multigammaln(args *a)
{
    return ag_multigammaln(arg_input(a), (int)arg_integer(a, 1, "p", 1));
}
static ag_tensor *nan_to_num(args *a)
{
    return ag_nan_to_num(arg_input(a), .nan = arg_number(a, 1, "nan", 0),
                         .posinf = arg_given(a, 2, "posinf") ? or_zero(arg_number(a, 2, "posinf", 0)) : 0,
                         .neginf = arg_given(a, 3, "neginf") ? or_zero(arg_number(a, 3, "neginf", 0)) : 0);
}

/* ---- small formulas --------------------------------------------------------------------------------------- */
/* (input, tensor1, tensor2, value), or in the older order (input, value, tensor1, tensor2). */
static ag_tensor *of_three(args *a, ag_tensor *f(ag_tensor *, ag_tensor *, ag_tensor *, double))
{
    int first = arg_is_tensor(a, 1, "tensor1") ? 1 : 2;
    ag_tensor *x = arg_input(a), *t1 = arg_tensor(a, first, "tensor1"), *t2 = arg_tensor(a, first + 1, "tensor2");
    return f(x, t1, t2, arg_number(a, first == 2 ? 1 : -1, "value", 1));
}
static ag_tensor *addcmul(args *a)
{
    return of_three(a, ag_addcmul);
}
static ag_tensor *addcdiv(args *a)
{
    return of_three(a, ag_addcdiv);
}
static ag_tensor *lerp(args *a)
{
    return ag_lerp(arg_input(a), arg_tensor(a, 1, "end"), arg_operand(a, 2, "weight"));
}
static ag_tensor *clamp_min(args *a)
{
    return ag_clamp_min(arg_input(a), arg_operand(a, 1, "min"));
}
static ag_tensor *clamp_max(args *a)
{
    return ag_clamp_max(arg_input(a), arg_operand(a, 1, "max"));
}
static ag_tensor *softmin(args *a)
{
    ag_tensor *x = arg_cast(a, 3, "dtype", arg_input(a));
    arg_integer(a, 2, "_stacklevel", 0);
    return ag_softmin(x, arg_axis(a, 1, -1));
}

/* ---- the table -------------------------------------------------------------------------------------------- */
// clang-format off
static const parity_op rows[] = {
    { "nn.functional.celu", .call = celu },
    { "nn.functional.elu", .call = elu },
    { "nn.functional.glu", .call = glu },
    { "nn.functional.hardshrink", .call = hardshrink },
    { "nn.functional.hardsigmoid", .call = hardsigmoid },
    { "nn.functional.hardswish", .call = hardswish },
    { "nn.functional.hardtanh", .call = hardtanh },
    { "nn.functional.logsigmoid", .unary = ag_logsigmoid },
    { "nn.functional.mish", .call = mish },
    { "nn.functional.prelu", .call = prelu },
    { "nn.functional.relu6", .call = relu6 },
    { "nn.functional.rrelu", .call = rrelu },
    { "nn.functional.selu", .call = selu },
    { "nn.functional.silu", .call = silu },
    { "nn.functional.softmin", .call = softmin },
    { "nn.functional.softshrink", .call = softshrink },
    { "nn.functional.softsign", .unary = ag_softsign },
    { "nn.functional.tanhshrink", .unary = ag_tanhshrink },
    { "nn.functional.threshold", .call = threshold },

    { "acosh", .unary = ag_acosh },
    { "asinh", .unary = ag_asinh },
    { "atanh", .unary = ag_atanh },
    { "deg2rad", .unary = ag_deg2rad },
    { "digamma", .unary = ag_digamma },
    { "erfinv", .unary = ag_erfinv },
    { "exp2", .unary = ag_exp2 },
    { "frac", .unary = ag_frac },
    { "i0", .unary = ag_i0 },
    { "lgamma", .unary = ag_lgamma },
    { "log10", .unary = ag_log10 },
    { "log2", .unary = ag_log2 },
    { "logit", .call = logit },
    { "mvlgamma", .call = multigammaln },
    { "nan_to_num", .call = nan_to_num },
    { "polygamma", .call = polygamma },
    { "rad2deg", .unary = ag_rad2deg },
    { "sgn", .unary = ag_sgn },
    { "sinc", .unary = ag_sinc },
    { "special.entr", .unary = ag_entr },
    { "special.erfcx", .unary = ag_erfcx },
    { "special.i0e", .unary = ag_i0e },
    { "special.i1", .unary = ag_i1 },
    { "special.i1e", .unary = ag_i1e },
    { "special.log_ndtr", .unary = ag_log_ndtr },
    { "special.ndtr", .unary = ag_ndtr },
    { "special.ndtri", .unary = ag_ndtri },
    { "special.xlog1py", .binary = ag_xlog1py },

    { "addcdiv", .call = addcdiv },
    { "addcmul", .call = addcmul },
    { "clamp_max", .call = clamp_max },
    { "clamp_min", .call = clamp_min },
    { "copysign", .binary = ag_copysign },
    { "float_power", .binary = ag_float_power, .other = "exponent" },
    { "fmax", .binary = ag_fmax },
    { "fmin", .binary = ag_fmin },
    { "fmod", .binary = ag_fmod },
    { "heaviside", .binary = ag_heaviside, .other = "values" },
    { "hypot", .binary = ag_hypot },
    { "ldexp", .binary = ag_ldexp },
    { "lerp", .call = lerp },
    { "logaddexp", .binary = ag_logaddexp },
    { "logaddexp2", .binary = ag_logaddexp2 },
    { "remainder", .binary = ag_remainder },
    { "xlogy", .binary = ag_xlogy },
};
const parity_table parity_special = { rows, sizeof rows / sizeof *rows };
