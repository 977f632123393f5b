/* gradients.c - ag_gradient_report. */
#include <autograd/inspect.h>
#include <autograd/ops/apply.h>
#include <math.h>
#include <stdlib.h>

/* The root mean square, in units of the largest number so far, whose own square may be 0 or infinite. */
static double size_of(const ag_tensor *x)
{
    if (!x || !x->layout->numel || !ag__is_float(x->layout->dtype)) return 0;
    const ag__layout *l = x->layout;
    double unit = 0, squares = 0;
    int64_t index[AG_MAX_RANK] = { 0 }, offset = 0;
    for (int64_t i = 0; i < l->numel; i++) {
        double v = fabs(ag__get(l, x->data, offset));
        if (v > unit)
            squares = 1 + squares * (unit / v) * (unit / v), unit = v;
        else if (v != 0)
            squares += v / unit * (v / unit);
        for (int d = l->rank; d-- > 0;) {
            offset += l->strides[d];
            if (++index[d] < l->dims[d]) break;
            offset -= index[d] * l->strides[d], index[d] = 0;
        }
    }
    return unit * sqrt(squares / (double)l->numel);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of those that are there, finite and not 0; 0: there are none. */
static double median(ag_params p, const double *size, double *sorted)
{
    size_t n = 0;
    for (int64_t i = 0; i < p.n; i++)
        if (ag_grad_of(p.at[i].tensor) && size[i] > 0 && isfinite(size[i])) sorted[n++] = size[i];
    if (n) qsort(sorted, n, sizeof *sorted, ascending);
    return n ? sorted[n / 2] : 0;
}

static const char *verdict(const ag_tensor *gradient, double size, double typical)
{
    if (!gradient) return "none";
    if (!isfinite(size)) return "not finite";
    if (gradient->layout->numel == 0) return "";
    if (size == 0) return "zero";
    if (size < 1e-10 || size < 1e-4 * typical) return "vanishing";
    if (size > 1e3 || size > 1e4 * typical) return "exploding";
    return "";
}

int64_t ag_gradient_report(ag_params params, FILE *to)
{
    if (!ag__have_list(params.n, params.at, "ag_gradient_report")) return -1;
    size_t bytes;
    if (!ag__size_mul((size_t)params.n + 1, 2 * sizeof(double), &bytes)) return -1;
    for (int64_t i = 0; i < params.n; i++)
        if (!ag__readable(params.at[i].tensor, "ag_gradient_report", (int)i + 1)) return -1;
    double *size = ag__alloc(NULL, bytes, "ag_gradient_report");
    if (!size) return -1;
    for (int64_t i = 0; i < params.n; i++) size[i] = size_of(ag_grad_of(params.at[i].tensor));
    double typical = median(params, size, size + params.n);
    int64_t flagged = 0;
    if (to) fprintf(to, "%-32s %-16s %11s %11s %9s\n", "parameter", "shape", "values", "gradient", "ratio");
    for (int64_t i = 0; i < params.n; i++) {
        const ag_tensor *x = params.at[i].tensor;
        const char *what = verdict(ag_grad_of(x), size[i], typical);
        flagged += *what != 0;
        double values = size_of(x);
        if (to)
            fprintf(to, "%-32s %-16s %11.3e %11.3e %9.1e%s%s\n", params.at[i].name ? params.at[i].name : "",
                    ag__text(x->layout), values, size[i], values > 0 ? size[i] / values : 0, *what ? "  " : "", what);
    }
    if (to) fprintf(to, "root mean squares; the median gradient is %.3e; %lld flagged\n", typical, (long long)flagged);
    ag__release(NULL, size, bytes);
    return flagged;
}
