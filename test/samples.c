/* samples.c - the inputs that samples.h describes. */
#include "samples.h"
#include <math.h>

enum { MOST_ELEMENTS = 512 };

/* Sizes of the row-major tensor of which the input is a view. */
static int64_t source_dims(const input *in, int64_t *dims)
{
    for (int d = 0; d < in->rank; d++) dims[d] = in->dims[d];
    int last = in->rank - 1;
    if (in->how == TRANSPOSED) dims[last] = in->dims[last - 1], dims[last - 1] = in->dims[last];
    if (in->how == STRIDED) dims[last] *= 2;
    if (in->how == EXPANDED) dims[0] = 1;
    int64_t n = 1;
    for (int d = 0; d < in->rank; d++) n *= dims[d];
    return n;
}

static ag_tensor *arrange(const input *in, ag_tensor *x)
{
    switch (in->how) {
    case TRANSPOSED: return ag_transpose(x, -1, -2);
    case STRIDED: return ag_slice_step(x, -1, 1, INT64_MAX, 2);
    case FLIPPED: return in->rank > 1 ? ag_flip(x, 0, -1) : ag_flip(x, 0);
    case EXPANDED: return (ag_expand)(x, in->rank, in->dims);
    default: return x;
    }
}

/* Steps of the golden ratio never meet: all values of an input differ, and those of different inputs too. */
double sample_value(const double *domain, int i, int64_t k)
{
    double at = 0.6180339887498949 * (double)(k + 1) + 0.3719 * i;
    return (float)(domain[0] + (domain[1] - domain[0]) * (at - floor(at)));
}

static ag_tensor *source(const samples *s, const input *in, int i, ag_dtype dtype, int64_t n)
{
    double number[MOST_ELEMENTS];
    int64_t index[MOST_ELEMENTS];
    uint8_t flag[MOST_ELEMENTS];
    const double *domain = s->domain[i];
    if (domain[0] == domain[1]) domain = s->domain[0];
    for (int64_t k = 0; k < n; k++) {
        number[k] = sample_value(domain, i, k);
        index[k] = in->what == INDICES ? in->from + (5 * k + k / 3 + i * (k * k + 1)) % (in->to - in->from) : 0;
        flag[k] = (7 * k + 1) % 3 != 0;
    }
    switch (in->what) {
    case INDICES: return ag_copy(index, n);
    case FLAGS: return ag_copy_as(AG_BOOL, flag, n);
    default: return ag_to(ag_copy(number, n), dtype);
    }
}

ag_tensor *sample_input(const samples *s, const sample *c, int i, ag_dtype dtype, ag_tensor **leaf)
{
    const input *in = &c->in[i];
    int64_t dims[AG_MAX_RANK], n = source_dims(in, dims);
    if (n > MOST_ELEMENTS) return ag_fail(AG_EINVAL, "a sample of %s is larger than %d", s->op, MOST_ELEMENTS), NULL;
    ag_tensor *x = (ag_reshape)(source(s, in, i, dtype, n), in->rank, dims);
    if (leaf && in->what == NUMBERS) x = *leaf = ag_param_like(x);
    return arrange(in, x);
}
