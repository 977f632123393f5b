/* softmax.c - softmax and log_softmax along an axis: row by row along the last one, else down columns that lie side by
 * side. Short rows are turned into columns. */
#include <autograd/base/pool.h>
#include <autograd/ops/family.h>

/* ---- the loops --------------------------------------------------------------------------------------------------- */

/* n elements along the axis of row-major x, as it lies in up to three tensors: `inner` lines of them side by side. */
typedef struct lines {
    const ag__kernels *k;
    ag_dtype dtype;
    int64_t n, inner, item, each, count; /* of lines: a piece for a thread, all */
    const char *x, *g;
    char *y;
    bool add;
    /* One line from element `at` on, elements inner apart; or several one after the other, with inner 1. */
    void (*rows)(const struct lines *l, int64_t at, int64_t count);
    /* Lines side by side. */
    void (*columns)(const struct lines *l, int64_t at, int64_t count);
} lines;

/* Short lines, of which few lie side by side: `count` of them, `step` apart, become columns, and the columns of the
 * result lines again. */
enum { NARROW = 8, SHORT = 64, WORTH_TURNING = 16, TURNED = 1024 };
typedef union turned {
    float f32[TURNED];
    double f64[TURNED];
} turned;
static void turned_lines(const lines *l, int64_t at, int64_t count, int64_t step)
{
    const int64_t most = TURNED / l->n < 256 ? TURNED / l->n / WORTH_TURNING * WORTH_TURNING : 256;
    turned x, g, y;
    for (int64_t m; count > 0; count -= m, at += m * step) {
        m = count < most ? count : most;
        lines t = *l;
        t.x = (char *)&x, t.g = (char *)&g, t.y = (char *)&y, t.inner = m, t.add = false;
        l->k->turn(m, l->n, l->x + at * l->item, step, l->inner, &x);
        if (l->g) l->k->turn(m, l->n, l->g + at * l->item, step, l->inner, &g);
        l->columns(&t, 0, m);
        if (l->inner == 1 && !l->add)
            l->k->turn(l->n, m, &y, m, 1, l->y + at * l->item);
        else
            for (int64_t j = 0; j < l->n; j++)
                l->k->copy(m, (char *)&y + j * m * l->item, 1, l->y + (at + j * l->inner) * l->item, step, l->add);
    }
}

/* Lines from .. to-1, of all those side by side if they are few. */
static void some_lines(const lines *l, int64_t from, int64_t to)
{
    const int64_t all = l->n * l->inner;
    if (l->inner < NARROW && l->n <= SHORT && to - from >= WORTH_TURNING * l->inner) {
        for (int64_t j = 0; j < l->inner; j++) turned_lines(l, from / l->inner * all + j, (to - from) / l->inner, all);
        return;
    }
    if (l->inner == 1) {
        l->rows(l, from * l->n, to - from);
        return;
    }
    for (int64_t m; from < to; from += m) {
        int64_t column = from % l->inner;
        m = l->inner < NARROW ? 1 : l->inner - column < to - from ? l->inner - column : to - from;
        (l->inner < NARROW ? l->rows : l->columns)(l, (from - column) * l->n + column, m);
    }
}
static void piece(void *context, int64_t i)
{
    const lines *l = context;
    some_lines(l, i * l->each, (i + 1) * l->each < l->count ? (i + 1) * l->each : l->count);
}

static ag_status all_lines(const ag_call *c, lines l)
{
    const double nanoseconds = 0.8; /* of an element */
    const ag__layout *layout = c->in[0]->layout;
    ag__span s = ag__span_of(layout, *(const int *)c->attr);
    l.k = ag__kernels_for(layout->dtype), l.dtype = layout->dtype, l.item = (int64_t)layout->item;
    l.n = s.n, l.inner = s.inner, l.count = s.outer * s.inner;
    if (!layout->numel) return AG_OK;
    l.each = (int64_t)(AG__WORTH / (nanoseconds * (double)s.n)) + 1;
    if (s.inner < NARROW) l.each = (l.each + s.inner - 1) / s.inner * s.inner;
    ag__parallel((l.count + l.each - 1) / l.each, piece, &l);
    return AG_OK;
}

static ag_tensor *normalised(const ag_op *op, const char *who, ag_tensor *x, int axis)
{
    ag_tape *t;
    if (!ag__begin(&t, &x, who) || !ag__need_float(x, who) || (axis = ag__axis_or_0(axis, x->layout, who)) < 0)
        return NULL;
    return ag__apply(op, &axis, x);
}

/* The sum along the axis, kept as size 1. */
static ag_tensor *total(const ag_call *c, ag_tensor *x)
{
    return (ag_sum_keep)(x, 1, c->attr);
}

/* ---- softmax: dx = y (g - sum g y) ---- */

static void softmax_rows(const lines *l, int64_t at, int64_t count)
{
    for (int64_t end = at + count * l->n; at < end; at += l->n)
        l->k->softmax(l->n, l->x + at * l->item, l->inner, l->y + at * l->item, l->inner);
}
static void softmax_columns(const lines *l, int64_t at, int64_t count)
{
    l->k->softmax_columns(l->n, count, l->x + at * l->item, l->inner, l->y + at * l->item, l->inner, NULL);
}
static ag_status softmax_forward(ag_call *c)
{
    return all_lines(
        c, (lines){ .x = c->in[0]->data, .y = c->out[0]->data, .rows = softmax_rows, .columns = softmax_columns });
}
static ag_tensor *softmax_slope(const ag_call *c, ag_tensor *t)
{
    ag_tensor *y = c->out[0];
    return ag_mul(y, ag_sub(t, total(c, ag_mul(t, y))));
}
AG__VJP1(softmax_vjp, softmax_slope(c, g))
AG__JVP1(softmax_jvp, softmax_slope(c, t)) /* the Jacobian is symmetric */
static void softmax_rows_back(const lines *l, int64_t at, int64_t count)
{
    int64_t n = l->n, s = l->inner;
    for (int64_t end = at + count * n; at < end; at += n) {
        const char *y = l->x + at * l->item, *g = l->g + at * l->item;
        char *d = l->y + at * l->item;
        double mean = l->k->dot(n, g, s, y, s);
        l->k->back_a[AG__F_mul](n, g, s, g, s, y, s, y, s, d, s, l->add);
        l->k->scale(n, -mean, y, s, d, s, true);
    }
}
static void softmax_columns_back(const lines *l, int64_t at, int64_t count)
{
    at *= l->item;
    l->k->softmax_columns_back(l->n, count, l->x + at, l->g + at, l->inner, l->y + at, l->add);
}
static ag_status softmax_backward(ag_call *c)
{
    return all_lines(c, (lines){ .x = c->out[0]->data,
                                 .g = c->g[0]->data,
                                 .y = c->gin[0]->data,
                                 .add = c->add[0],
                                 .rows = softmax_rows_back,
                                 .columns = softmax_columns_back });
}

const ag_op ag__op_softmax = { .name = "softmax",
                               .n_in = 1,
                               .attr_size = sizeof(int),
                               .shape = ag_shape_same,
                               .forward = softmax_forward,
                               .vjp = softmax_vjp,
                               .jvp = softmax_jvp,
                               .backward = softmax_backward,
                               .saves = AG_SAVES_OUT(0) };

ag_tensor *ag_softmax(ag_tensor *x, int axis)
{
    return normalised(&ag__op_softmax, "ag_softmax", x, axis);
}

/* ---- log_softmax: dx = g - e^y sum g ---- */

/* y = x - max - log(sum e^(x - max)), where max + log(sum) would be rounded too much */
static void log_softmax_from_max(const lines *l, const char *x, char *y)
{
    ag__number shift = ag__number_of(l->dtype, l->k->reduce[AG__MAX](l->n, x, l->inner));
    l->k->binary[AG__F_sub](l->n, x, l->inner, &shift, 0, y, l->inner);
    shift = ag__number_of(l->dtype, l->k->softmax(l->n, y, l->inner, NULL, 0));
    l->k->binary[AG__F_sub](l->n, y, l->inner, &shift, 0, y, l->inner);
}
static void log_softmax_rows(const lines *l, int64_t at, int64_t count)
{
    for (int64_t end = at + count * l->n; at < end; at += l->n) {
        const char *x = l->x + at * l->item;
        char *y = l->y + at * l->item;
        double log_sum = l->k->softmax(l->n, x, l->inner, NULL, 0);
        ag__number norm = ag__number_of(l->dtype, log_sum);
        if (ag__is_coarse(log_sum))
            log_softmax_from_max(l, x, y);
        else
            l->k->binary[AG__F_sub](l->n, x, l->inner, &norm, 0, y, l->inner);
    }
}
static void log_softmax_columns(const lines *l, int64_t at, int64_t count)
{
    for (int64_t left = 0, m; left < count; left += m) {
        ag__chunk norm;
        m = count - left < AG__CHUNK ? count - left : AG__CHUNK;
        const char *x = l->x + (at + left) * l->item;
        char *y = l->y + (at + left) * l->item;
        l->k->softmax_columns(l->n, m, x, l->inner, NULL, 0, &norm);
        for (int64_t i = 0, row = 0; i < l->n; i++, row += l->inner * l->item)
            l->k->binary[AG__F_sub](m, x + row, 1, &norm, 1, y + row, 1);
        for (int64_t j = 0; j < m; j++)
            if (ag__is_coarse(ag__number_at(l->dtype, &norm, j)))
                log_softmax_from_max(l, x + j * l->item, y + j * l->item);
    }
}
static ag_status log_softmax_forward(ag_call *c)
{
    return all_lines(
        c,
        (lines){ .x = c->in[0]->data, .y = c->out[0]->data, .rows = log_softmax_rows, .columns = log_softmax_columns });
}
AG__VJP1(log_softmax_vjp, ag_sub(g, ag_mul(ag_exp(y), total(c, g))))
AG__JVP1(log_softmax_jvp, ag_sub(t, total(c, ag_mul(ag_exp(y), t))))

/* d = or += g - e^y sums, m elements from `at` on, `step` apart; sums of stride 0 or 1 */
static void log_softmax_some(const lines *l, int64_t m, int64_t at, int64_t step, const void *sums, int64_t stride)
{
    const char *y = l->x + at * l->item, *g = l->g + at * l->item;
    char *d = l->y + at * l->item;
    ag__chunk p;
    l->k->unary[AG__F_exp](m, y, step, &p, 1);
    l->k->binary[AG__F_mul](m, &p, 1, sums, stride, &p, 1);
    l->k->copy(m, g, step, d, step, l->add);
    l->k->scale(m, -1, &p, 1, d, step, true);
}
static void log_softmax_rows_back(const lines *l, int64_t at, int64_t count)
{
    for (int64_t end = at + count * l->n; at < end; at += l->n) {
        ag__number sum = ag__number_of(l->dtype, l->k->reduce[AG__SUM](l->n, l->g + at * l->item, l->inner));
        for (int64_t j = 0; j < l->n; j += AG__CHUNK)
            log_softmax_some(l, l->n - j < AG__CHUNK ? l->n - j : AG__CHUNK, at + j * l->inner, l->inner, &sum, 0);
    }
}
static void log_softmax_columns_back(const lines *l, int64_t at, int64_t count)
{
    for (int64_t left = 0, m; left < count; left += m) {
        ag__chunk sums;
        m = count - left < AG__CHUNK ? count - left : AG__CHUNK;
        l->k->sum_columns(l->n, m, l->g + (at + left) * l->item, l->inner, &sums, false);
        for (int64_t i = 0; i < l->n; i++) log_softmax_some(l, m, at + left + i * l->inner, 1, &sums, 1);
    }
}
static ag_status log_softmax_backward(ag_call *c)
{
    return all_lines(c, (lines){ .x = c->out[0]->data,
                                 .g = c->g[0]->data,
                                 .y = c->gin[0]->data,
                                 .add = c->add[0],
                                 .rows = log_softmax_rows_back,
                                 .columns = log_softmax_columns_back });
}

const ag_op ag__op_log_softmax = { .name = "log_softmax",
                                   .n_in = 1,
                                   .attr_size = sizeof(int),
                                   .shape = ag_shape_same,
                                   .forward = log_softmax_forward,
                                   .vjp = log_softmax_vjp,
                                   .jvp = log_softmax_jvp,
                                   .backward = log_softmax_backward,
                                   .saves = AG_SAVES_OUT(0) };

ag_tensor *ag_log_softmax(ag_tensor *x, int axis)
{
    return normalised(&ag__op_log_softmax, "ag_log_softmax", x, axis);
}
