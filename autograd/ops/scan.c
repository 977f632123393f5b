/* scan.c - running sums, products, extremes and logsumexp along an axis, and differences.
 *
 * What comes back along such an axis is a recurrence, s[i] = b[i] + a[i] s[i-1]; that of a recurrence is one in the
 * other direction. So the derivatives of cumprod divide by nothing and are right where elements are 0, to any order. */
#include <autograd/ops/family.h>
#include <math.h>

typedef struct scan {
    int axis;
    bool reverse; /* from the last element to the first */
} scan;

static scan scan_of(const ag_call *c)
{
    return *(const scan *)c->attr;
}
static scan turned(scan s)
{
    return (scan){ s.axis, !s.reverse };
}

/* ---- m rows of n elements, `step` apart, of operands a, b, c; from row to row it is `apart`: many that lie side by
 * side go together ---- */

enum { OPERANDS = 3, MANY = 8 };
typedef void row_fn(int64_t m, int64_t apart, int64_t n, const void *const *in, void *y, int64_t step);

#define ROW(name, T, WIDE, before, next)                                                                 \
    static void name(int64_t m, int64_t apart, int64_t n, const void *const *in, void *py, int64_t step) \
    {                                                                                                    \
        const T *a = in[0], *b = in[1];                                                                  \
        T *restrict y = py;                                                                              \
        WIDE s, sums[AG__CHUNK];                                                                         \
        const bool together = m >= MANY && apart == 1 && n > 1;                                          \
        (void)b;                                                                                         \
        for (int64_t j = 0; j < m && !together; j++) {                                                   \
            s = (before);                                                                                \
            for (int64_t k = 0, i = j * apart; k < n; k++, i += step) s = (next), y[i] = (T)s;           \
        }                                                                                                \
        for (int64_t j = 0; j < m && together; j++) sums[j] = (before);                                  \
        for (int64_t k = 0; k < n && together; k++)                                                      \
            for (int64_t j = 0; j < m; j++) {                                                            \
                const int64_t i = k * step + j;                                                          \
                s = sums[j], s = (next), sums[j] = s, y[i] = (T)s;                                       \
            }                                                                                            \
    }
#define ROWS(name, before, next)                 \
    ROW(name##_f32, float, double, before, next) \
    ROW(name##_f64, double, double, before, next)

static double log_of_sum(double a, double b) /* of e^a + e^b */
{
    double high = a > b || a != a ? a : b, low = a > b || a != a ? b : a;
    return isinf(high) || high != high ? high : high + log1p(exp(low - high));
}
ROWS(cumsum, 0, s + (double)a[i])
ROW(cumsum_i64, int64_t, uint64_t, 0, s + (uint64_t)a[i])
ROWS(cumprod, 1, s *(double)a[i])
ROW(cumprod_i64, int64_t, uint64_t, 1, s *(uint64_t)a[i])
ROWS(logcumsumexp, -INFINITY, s != s ? s : log_of_sum(s, (double)a[i]))
ROWS(recur, 0, k ? (double)b[i] + (double)a[i] * s : (double)b[i])

static ag_status each_row(const ag_call *c, row_fn *f)
{
    const ag__layout *l = c->in[0]->layout;
    scan s = scan_of(c);
    ag__span p = ag__span_of(l, s.axis);
    int64_t item = (int64_t)l->item, step = s.reverse ? -p.inner : p.inner;
    if (l->numel == 0) return AG_OK;
    const bool rows = p.inner == 1; /* else columns */
    for (int64_t i = 0, m; i < p.outer * p.inner; i += m) {
        const int64_t column = i % p.inner;
        int64_t at = (i - column) * p.n + column + (s.reverse ? (p.n - 1) * p.inner : 0);
        m = rows ? p.outer : p.inner - column < AG__CHUNK ? p.inner - column : AG__CHUNK;
        const void *in[OPERANDS] = { NULL };
        for (int k = 0; k < c->n_in; k++) in[k] = (const char *)c->in[k]->data + at * item;
        f(m, rows ? p.n : 1, p.n, in, (char *)c->out[0]->data + at * item, step);
    }
    return AG_OK;
}

/* x moved by one along the scan: what stood before each element; before the first stands `edge` of the first. */
static ag_tensor *behind(ag_tensor *x, scan s, ag_tensor *(*edge)(ag_tensor *))
{
    if (!x || x->layout->numel == 0) return x;
    int64_t n = x->layout->dims[s.axis];
    if (s.reverse) return ag_cat(AG_LIST(ag_slice(x, s.axis, 1, n), edge(ag_slice(x, s.axis, n - 1, n))), s.axis);
    return ag_cat(AG_LIST(edge(ag_slice(x, s.axis, 0, 1)), ag_slice(x, s.axis, 0, n - 1)), s.axis);
}
static ag_tensor *itself(ag_tensor *x)
{
    return x;
}

/* x of any rank as one with an axis, and the result back: a 0-d tensor counts as [1]. */
static ag_tensor *scanned(const ag_op *op, const char *who, ag_tensor *x, int axis, bool floating)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, who) || (axis = ag__axis_or_0(axis, x->layout, who)) < 0) return NULL;
    if (floating && !ag__need_float(x, who)) return NULL;
    if (!ag__is_float(x->layout->dtype) && !(x = ag_to(x, AG_I64))) return NULL;
    scan s = { axis, false };
    if (x->layout->rank) return ag__apply(op, &s, x);
    ag_tensor *y = ag__apply(op, &s, ag_unsqueeze(x, 0));
    return y ? ag_squeeze(y, 0) : NULL;
}

/* ---- cumsum: dx = the running sum of g from the other end ---- */

static ag_status cumsum_forward(ag_call *c)
{
    ag_dtype d = c->in[0]->layout->dtype;
    return each_row(c, d == AG_F64 ? cumsum_f64 : d == AG_F32 ? cumsum_f32 : cumsum_i64);
}
static ag_tensor *cumsum(ag_tensor *x, scan s)
{
    return ag__apply(&ag__op_cumsum, &s, x);
}
AG__VJP1(cumsum_vjp, cumsum(g, turned(scan_of(c))))
AG__JVP1(cumsum_jvp, cumsum(t, scan_of(c)))

const ag_op ag__op_cumsum = { .name = "cumsum",
                              .n_in = 1,
                              .attr_size = sizeof(scan),
                              .shape = ag_shape_same,
                              .forward = cumsum_forward,
                              .vjp = cumsum_vjp,
                              .jvp = cumsum_jvp,
                              .saves = AG_SAVES_NOTHING };

ag_tensor *ag_cumsum(ag_tensor *x, int axis)
{
    return scanned(&ag__op_cumsum, "ag_cumsum", x, axis, false);
}

/* ---- the recurrence: with r[i] = g[i] + a[i+1] r[i+1],   db = r,   da[i] = r[i] s[i-1] ---- */

static const ag_op op_recur;
static ag_tensor *recur(scan s, ag_tensor *a, ag_tensor *b)
{
    return ag__apply(&op_recur, &s, a, b);
}
ag_tensor *ag__recur(ag_tensor *a, ag_tensor *b, int axis)
{
    return recur((scan){ axis, false }, a, b);
}

static ag_status recur_forward(ag_call *c)
{
    return each_row(c, c->in[0]->layout->dtype == AG_F64 ? recur_f64 : recur_f32);
}
static ag_status recur_vjp(ag_call *c)
{
    scan s = scan_of(c), back = turned(s);
    ag_tensor *r = recur(back, behind(c->in[0], back, ag_zeros_like), c->g[0]);
    if (c->need[0]) c->gin[0] = ag_mul(r, behind(c->out[0], s, ag_zeros_like));
    if (c->need[1]) c->gin[1] = r;
    return ag_error();
}
static ag_status recur_jvp(ag_call *c)
{
    scan s = scan_of(c);
    ag_tensor *ta = c->tangent[0], *u = c->tangent[1];
    if (ta) {
        ta = ag_mul(ta, behind(c->out[0], s, ag_zeros_like));
        u = u ? ag_add(u, ta) : ta;
    }
    if (u) c->tout[0] = recur(s, c->in[0], u);
    return ag_error();
}
static const ag_op op_recur = { .name = "recurrence",
                                .n_in = 2,
                                .attr_size = sizeof(scan),
                                .shape = ag_shape_same,
                                .forward = recur_forward,
                                .vjp = recur_vjp,
                                .jvp = recur_jvp,
                                .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

/* ---- cumprod: the recurrence y[i] = x[i] y[i-1] that begins with 1 ---- */

static ag_status cumprod_forward(ag_call *c)
{
    ag_dtype d = c->in[0]->layout->dtype;
    return each_row(c, d == AG_F64 ? cumprod_f64 : d == AG_F32 ? cumprod_f32 : cumprod_i64);
}
static ag_tensor *cumprod_back(scan s, ag_tensor *g, ag_tensor *x, ag_tensor *y)
{
    return ag_mul(recur(turned(s), behind(x, turned(s), ag_zeros_like), g), behind(y, s, ag_ones_like));
}
AG__VJP1(cumprod_vjp, cumprod_back(scan_of(c), g, x, y))
AG__JVP1(cumprod_jvp, recur(scan_of(c), x, ag_mul(t, behind(y, scan_of(c), ag_ones_like))))

const ag_op ag__op_cumprod = { .name = "cumprod",
                               .n_in = 1,
                               .attr_size = sizeof(scan),
                               .shape = ag_shape_same,
                               .forward = cumprod_forward,
                               .vjp = cumprod_vjp,
                               .jvp = cumprod_jvp,
                               .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

ag_tensor *ag_cumprod(ag_tensor *x, int axis)
{
    return scanned(&ag__op_cumprod, "ag_cumprod", x, axis, false);
}

/* ---- logcumsumexp: dx[j] = e^(x[j] - y[j]) r[j], where r[j] = g[j] + e^(y[j] - y[j+1]) r[j+1]: no power exceeds 1.
 *      PyTorch adds up logarithms of the positive and of the negative g instead, which rounds where |y| is large. The
 * value comes from there, to be the same digits; the derivatives from the recurrence, which is one also where g is 0.
 * ---- */

static ag_status logcumsumexp_forward(ag_call *c)
{
    return each_row(c, c->in[0]->layout->dtype == AG_F64 ? logcumsumexp_f64 : logcumsumexp_f32);
}
/* e^(a - b) for a <= b: 0 where b is -inf, 1 where both are inf. */
static ag_tensor *ratio(ag_tensor *a, ag_tensor *b)
{
    if (!a || !b) return NULL;
    ag_tensor *top = ag_eq(b, INFINITY), *shift = ag_where(ag_eq(ag_abs(b), INFINITY), ag_num(0), b);
    return ag_where(top, ag_to(ag_eq(a, INFINITY), a->layout->dtype), ag_exp(ag_sub(a, shift)));
}
static ag_tensor *logcumsumexp_back(scan s, ag_tensor *g, ag_tensor *x, ag_tensor *y)
{
    return ag_mul(ratio(x, y), recur(turned(s), ratio(y, behind(y, turned(s), itself)), g));
}

#define IN_LOGS(name, T)                                                                                 \
    static void name(int64_t m, int64_t apart, int64_t n, const void *const *in, void *py, int64_t step) \
    {                                                                                                    \
        const T *g = in[0], *x = in[1], *y = in[2];                                                      \
        T *d = py;                                                                                       \
        for (int64_t j = 0; j < m; j++) {                                                                \
            double plus = -INFINITY, minus = -INFINITY;                                                  \
            for (int64_t k = 0, i = j * apart; k < n; k++, i += step) {                                  \
                double term = log(fabs((double)g[i])) - (double)y[i];                                    \
                if (g[i] > 0) plus = log_of_sum(plus, term);                                             \
                if (g[i] < 0) minus = log_of_sum(minus, term);                                           \
                d[i] = (T)(exp(plus + (double)x[i]) - exp(minus + (double)x[i]));                        \
            }                                                                                            \
        }                                                                                                \
    }
IN_LOGS(in_logs_f32, float)
IN_LOGS(in_logs_f64, double)

static ag_status in_logs_forward(ag_call *c)
{
    return each_row(c, c->in[0]->layout->dtype == AG_F64 ? in_logs_f64 : in_logs_f32);
}
static const ag_op op_in_logs = { .name = "logcumsumexp_back",
                                  .n_in = 3,
                                  .attr_size = sizeof(scan),
                                  .shape = ag_shape_same,
                                  .forward = in_logs_forward,
                                  .saves = AG_SAVES_NOTHING };
static ag_tensor *same_digits(scan s, ag_tensor *g, ag_tensor *x, ag_tensor *y)
{
    scan back = turned(s);
    ag_tensor *value = ag__apply(&op_in_logs, &back, ag_detach(g), ag_detach(x), ag_detach(y));
    ag_tensor *exact = logcumsumexp_back(s, g, x, y), *digits = ag_detach(exact);
    value = ag_where(ag_eq(value, value), value, digits); /* at infinities it is none */
    return ag_add(value, ag_sub(exact, digits));
}
AG__VJP1(logcumsumexp_vjp, same_digits(scan_of(c), g, x, y))
AG__JVP1(logcumsumexp_jvp, recur(scan_of(c), ratio(behind(y, scan_of(c), itself), y), ag_mul(ratio(x, y), t)))

const ag_op ag__op_logcumsumexp = { .name = "logcumsumexp",
                                    .n_in = 1,
                                    .attr_size = sizeof(scan),
                                    .shape = ag_shape_same,
                                    .forward = logcumsumexp_forward,
                                    .vjp = logcumsumexp_vjp,
                                    .jvp = logcumsumexp_jvp,
                                    .saves = AG_SAVES_IN(0) | AG_SAVES_OUT(0) };

ag_tensor *ag_logcumsumexp(ag_tensor *x, int axis)
{
    return scanned(&ag__op_logcumsumexp, "ag_logcumsumexp", x, axis, true);
}

/* ---- diff: its own formula ---- */

typedef struct differences {
    int axis, n;
} differences;

static ag_status diff_shape(const ag_call *c, ag_shape *out)
{
    const differences *d = c->attr;
    const ag__layout *l = c->in[0]->layout;
    if (l->rank == 0) return ag_fail(AG_ESHAPE, "ag_diff: [] has no axis");
    if (!ag__need_float(c->in[0], "ag_diff")) return ag_error();
    ag__shape_copy(out, l);
    for (int i = 1; i < 3; i++) {
        const ag__layout *e = c->in[i] ? c->in[i]->layout : NULL;
        if (!e) continue;
        bool fits = e->dtype == l->dtype && e->rank == l->rank;
        for (int k = 0; fits && k < l->rank; k++) fits = k == d->axis || e->dims[k] == l->dims[k];
        if (!fits)
            return ag_fail(e->dtype == l->dtype ? AG_ESHAPE : AG_EDTYPE,
                           "ag_diff: .%s %s %s does not join %s %s along axis %d", i == 1 ? "prepend" : "append",
                           ag_dtype_name(e->dtype), ag__text(e), ag_dtype_name(l->dtype), ag__text(l), d->axis);
        out->dims[d->axis] += e->dims[d->axis];
    }
    out->dims[d->axis] = out->dims[d->axis] > d->n ? out->dims[d->axis] - d->n : 0;
    return AG_OK;
}
static ag_tensor *diff_compose(const ag_call *c)
{
    const differences *d = c->attr;
    ag_tensor *x = c->in[0];
    if (c->in[1]) x = ag_cat(AG_LIST(c->in[1], x), d->axis);
    if (c->in[2]) x = ag_cat(AG_LIST(x, c->in[2]), d->axis);
    for (int i = 0; i < d->n && x && x->layout->dims[d->axis]; i++)
        x = ag_sub(ag_slice(x, d->axis, 1, INT64_MAX), ag_slice(x, d->axis, 0, -1));
    return x;
}

const ag_op ag__op_diff = {
    .name = "diff", .n_in = 3, .attr_size = sizeof(differences), .shape = diff_shape, .compose = diff_compose
};

ag_tensor *(ag_diff)(ag_tensor *x, int axis, const ag_diff_options *options)
{
    ag_tape *t;
    ag_diff_options o = options ? *options : (ag_diff_options){ .n = 0 };
    if (!ag__begin(&t, &x, "ag_diff") || (axis = ag__axis_or_0(axis, x->layout, "ag_diff")) < 0) return NULL;
    if (o.n < 0) return ag_fail(AG_EINVAL, "ag_diff: .n %d is negative", o.n), NULL;
    return ag__apply(&ag__op_diff, (&(const differences){ axis, o.n ? o.n : 1 }), x, o.prepend, o.append);
}
