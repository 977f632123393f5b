/* create.c - tensors made from sizes and numbers: temporaries of the current tape, and leaves. */
#include <autograd/ops/apply.h>
#include <autograd/tensor/dtype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- filled temporaries ----------------------------------------------------------------------------------------- */

static bool holds(ag_dtype dtype, double value, const char *who)
{
    if (ag__dtype_holds(dtype, value)) return true;
    ag_fail(AG_EINVAL, "%s: %s cannot hold %.17g", who, ag_dtype_name(dtype), value);
    return false;
}

static ag_tensor *filled(ag_dtype dtype, int rank, const int64_t *dims, double value, const char *who)
{
    ag_tape *t = ag__tape(who);
    ag_tensor *x = t ? ag__temporary(t, ag__layout_get(&t->layouts, dtype, rank, dims, who)) : NULL;
    if (x) ag__fill(x->layout, x->data, value);
    return x;
}

ag_tensor *(ag_zeros)(ag_dtype dtype, int rank, const int64_t *dims)
{
    return filled(dtype, rank, dims, 0, "ag_zeros");
}

ag_tensor *(ag_ones)(ag_dtype dtype, int rank, const int64_t *dims)
{
    return filled(dtype, rank, dims, 1, "ag_ones");
}

ag_tensor *(ag_full)(ag_dtype dtype, double value, int rank, const int64_t *dims)
{
    if (ag_dtype_size(dtype) && !holds(dtype, value, "ag_full")) return NULL;
    return filled(dtype, rank, dims, value, "ag_full");
}

static ag_tensor *filled_like(ag_tensor *like, double value, const char *who)
{
    ag_tape *t = ag__tape(who);
    if (!t || !ag__usable(like, t->serial, who, 1)) return NULL;
    const ag__layout *l = like->layout;
    ag_tensor *x = ag__temporary(t, ag__layout_like(&t->layouts, l->dtype, l->rank, l->dims, l, who));
    if (x) ag__fill(x->layout, x->data, value);
    return x;
}

ag_tensor *ag_zeros_like(ag_tensor *x)
{
    return filled_like(x, 0, "ag_zeros_like");
}
ag_tensor *ag_ones_like(ag_tensor *x)
{
    return filled_like(x, 1, "ag_ones_like");
}

ag_tensor *ag_num(double value)
{
    ag_tape *t = ag__tape("ag_num");
    ag_tensor *x = t ? ag__temporary(t, &ag__layout_0d[ag__dtype_index(AG_F64)]) : NULL;
    if (!x) return NULL;
    x->one.f64 = value;
    x->flags |= AG__WEAK;
    return x;
}

/* ---- sequences -------------------------------------------------------------------------------------------------- */

/* How many numbers from, from + step, ... lie before to; false if they cannot be counted. */
static bool count_steps(double from, double to, double step, int64_t *n)
{
    double steps = ceil((to - from) / step);
    if (!(steps < 0x1p62)) return false;
    *n = steps > 0 ? (int64_t)steps : 0;
    double last = from + (double)(*n - 1) * step; /* the quotient may have been rounded up past a whole number */
    if (*n > 0 && (step > 0 ? last >= to : last <= to)) --*n;
    return true;
}

/* Are from, from + step, ... whole numbers that the integer dtype holds? Those between the ends then are as well. */
static bool whole_steps(ag_dtype dtype, double from, double step, int64_t n)
{
    if (n == 0) return true;
    if (!holds(dtype, from, "ag_arange") || !holds(AG_I64, step, "ag_arange")) return false;
    int64_t way, last;
    bool outside =
        __builtin_mul_overflow(n - 1, (int64_t)step, &way) || __builtin_add_overflow((int64_t)from, way, &last);
    return holds(dtype, outside ? NAN : (double)last, "ag_arange");
}

ag_tensor *ag_arange(ag_dtype dtype, double from, double to, double step)
{
    int64_t n;
    if (dtype == AG_BOOL) return ag_fail(AG_EDTYPE, "ag_arange: not of bool"), NULL;
    if (!isfinite(from) || !isfinite(to) || !isfinite(step) || step == 0 || !count_steps(from, to, step, &n)) {
        ag_fail(AG_EINVAL, "ag_arange: step %g does not lead from %g to %g", step, from, to);
        return NULL;
    }
    bool whole = ag_dtype_size(dtype) && !ag__is_float(dtype);
    if (whole && !whole_steps(dtype, from, step, n)) return NULL;
    ag_tape *t = ag__tape("ag_arange");
    ag_tensor *x = t ? ag__temporary(t, ag__layout_get(&t->layouts, dtype, 1, &n, "ag_arange")) : NULL;
    if (!x) return NULL;
    if (dtype == AG_I64) /* exact beyond 2^53 */
        for (int64_t i = 0; i < n; i++) ((int64_t *)x->data)[i] = (int64_t)from + i * (int64_t)step;
    else
        for (int64_t i = 0; i < n; i++) ag__set(x->layout, x->data, i, from + (double)i * step);
    return x;
}

ag_tensor *ag_linspace(ag_dtype dtype, double from, double to, int64_t n)
{
    if (ag_dtype_size(dtype) && !ag__is_float(dtype)) {
        ag_fail(AG_EDTYPE, "ag_linspace: needs f32 or f64, not %s; ag_arange counts in whole numbers",
                ag_dtype_name(dtype));
        return NULL;
    }
    if (!isfinite(from) || !isfinite(to)) return ag_fail(AG_EINVAL, "ag_linspace: from %g to %g", from, to), NULL;
    if (n < 0) return ag_fail(AG_EINVAL, "ag_linspace: %" PRId64 " elements", n), NULL;
    ag_tape *t = ag__tape("ag_linspace");
    ag_tensor *x = t ? ag__temporary(t, ag__layout_get(&t->layouts, dtype, 1, &n, "ag_linspace")) : NULL;
    if (!x) return NULL;
    double parts = n > 1 ? (double)(n - 1) : 1, step = (to - from) / parts;
    if (!isfinite(step)) step = to / parts - from / parts;
    for (int64_t i = 0; i < n; i++) /* from both ends, so that both are exact */
        ag__set(x->layout, x->data, i, i < n - i ? from + (double)i * step : to - (double)(n - 1 - i) * step);
    return x;
}

ag_tensor *ag_eye(ag_dtype dtype, int64_t n)
{
    ag_tensor *x = filled(dtype, 2, (const int64_t[]){ n, n }, 0, "ag_eye");
    for (int64_t i = 0; x && i < n; i++) ag__set(x->layout, x->data, i * (n + 1), 1);
    return x;
}

/* ---- from C data ------------------------------------------------------------------------------------------------ */

static bool have_data(const void *data, int64_t n, const char *who)
{
    if (data || n <= 0) return true; /* a negative n is a bad size, reported as such */
    ag_fail(AG_ENULL, "%s: the data of %" PRId64 " elements is NULL", who, n);
    return false;
}

ag_tensor *ag_wrap_as(ag_dtype dtype, const void *data, int64_t n)
{
    ag_tape *t = ag__tape("ag_wrap");
    if (!t || !have_data(data, n, "ag_wrap")) return NULL;
    const ag__layout *l = ag__layout_get(&t->layouts, dtype, 1, &n, "ag_wrap");
    ag_tensor *x = l ? ag__temporary(t, &ag__layout_0d[ag__dtype_index(dtype)]) : NULL; /* 0-d: takes no buffer */
    if (!x) return NULL;
    x->layout = l;
    x->data = (void *)(uintptr_t)data; /* access.c lets nobody write to it */
    x->flags |= AG__BORROWED;
    return x;
}

ag_tensor *ag_copy_as(ag_dtype dtype, const void *data, int64_t n)
{
    ag_tape *t = ag__tape("ag_copy");
    if (!t || !have_data(data, n, "ag_copy")) return NULL;
    ag_tensor *x = ag__temporary(t, ag__layout_get(&t->layouts, dtype, 1, &n, "ag_copy"));
    if (x && n) memcpy(x->data, data, (size_t)n * x->layout->item);
    return x;
}

/* ---- leaves ----------------------------------------------------------------------------------------------------- */

ag_tensor *(ag_new)(ag_dtype dtype, int rank, const int64_t *dims)
{
    ag__layout l;
    return ag__layout_set(&l, dtype, rank, dims, NULL, "ag_new") ? ag__leaf_new(&l, false) : NULL;
}

static bool differentiable(const ag__layout *l, const char *who)
{
    if (ag__is_float(l->dtype)) return true;
    ag_fail(AG_EDTYPE, "%s: needs f32 or f64, got %s %s", who, ag_dtype_name(l->dtype), ag__text(l));
    return false;
}

ag_tensor *(ag_param)(ag_dtype dtype, int rank, const int64_t *dims)
{
    ag__layout l;
    if (!ag__layout_set(&l, dtype, rank, dims, NULL, "ag_param") || !differentiable(&l, "ag_param")) return NULL;
    return ag__leaf_new(&l, true);
}

/* A leaf with the values of x, row-major. */
static ag_tensor *leaf_of(const ag_tensor *x, bool param, const char *who)
{
    ag__layout l;
    if (!ag__layout_set(&l, x->layout->dtype, x->layout->rank, x->layout->dims, NULL, who)) return NULL;
    ag_tensor *leaf = ag__leaf_new(&l, param);
    if (leaf) ag__copy_into(leaf->layout, leaf->data, x->layout, x->data, false);
    return leaf;
}

ag_tensor *ag_param_like(ag_tensor *value)
{
    if (!ag__readable(value, "ag_param_like", 1) || !differentiable(value->layout, "ag_param_like")) return NULL;
    return leaf_of(value, true, "ag_param_like");
}

ag_tensor *ag_keep(ag_tensor *x)
{
    return ag__readable(x, "ag_keep", 1) ? leaf_of(x, false, "ag_keep") : NULL;
}
