/* norm.c - layers that normalise the last axis. */
#include <nn/layers.h>

struct norm {
    ag_tensor *weight, *bias;
    double eps;
};

static ag_tensor *layer_norm_forward(ag_module *m, ag_tensor *x)
{
    const struct norm *n = ag_self(m);
    return ag_layer_norm(x, 1, .weight = n->weight, .bias = n->bias, .eps = n->eps);
}
static ag_tensor *rms_norm_forward(ag_module *m, ag_tensor *x)
{
    const struct norm *n = ag_self(m);
    return ag_rms_norm(x, 1, .weight = n->weight, .eps = n->eps);
}

static ag_module *norm(const char *kind, ag_forward_fn *forward, int64_t width, const ag_norm_layer_options *options,
                       bool biased)
{
    ag_norm_layer_options o = options ? *options : (ag_norm_layer_options){ .dtype = AG_F32 };
    if (width < 1) return ag_fail(AG_EINVAL, "ag_%s: width %lld; it takes 1 or more", kind, (long long)width), NULL;
    if (!(o.eps >= 0)) return ag_fail(AG_EINVAL, "ag_%s: eps %g is negative", kind, o.eps), NULL;
    ag_module *m = ag_module_new(kind, forward, sizeof(struct norm));
    struct norm *n = ag_self(m);
    if (!n) return NULL;
    n->eps = o.eps;
    if (!o.no_affine) n->weight = ag_own(m, "weight", ag_fill(ag_param(o.dtype, width), 1));
    if (!o.no_affine && !o.no_bias && biased) n->bias = ag_own(m, "bias", ag_param(o.dtype, width));
    return ag_module_done(m);
}

ag_module *(ag_LayerNorm)(int64_t width, const ag_norm_layer_options *options)
{
    return norm("LayerNorm", layer_norm_forward, width, options, true);
}

ag_module *(ag_RMSNorm)(int64_t width, const ag_norm_layer_options *options)
{
    return norm("RMSNorm", rms_norm_forward, width, options, false);
}
