/* window.c - see window.h. */
#include <autograd/base/pool.h>
#include <autograd/ops/window.h>

/* So large that neither products nor sums of a few overflow. */
static const int64_t most_size = INT64_C(1) << 32, most_number = INT64_C(1) << 28;

ag__windows ag__one_window(void)
{
    return (ag__windows){
        .x = { 1, 1, 1 }, .y = { 1, 1, 1 }, .kernel = { 1, 1, 1 }, .stride = { 1, 1, 1 }, .dilation = { 1, 1, 1 }
    };
}

bool ag__window_sizes(int64_t *size, int rank, const ag__layout *l, const char *who)
{
    for (int i = 1; i <= rank; i++) {
        size[AG__AXES - i] = l->dims[l->rank - i];
        if (size[AG__AXES - i] > most_size)
            return ag_fail(AG_ESHAPE, "%s: axis %d of %s is too long", who, l->rank - i, ag__text(l)), false;
    }
    return true;
}

bool ag__along(int64_t *to, int rank, int64_t all, const int64_t *each, int64_t otherwise, bool zero, const char *who,
               const char *what)
{
    for (int i = 0; i < rank; i++) {
        int64_t v = each && each[i] ? each[i] : all ? all : otherwise;
        if (v < !zero || v > most_number)
            return ag_fail(AG_EINVAL, "%s: %s %lld along axis %d of %d", who, what, (long long)v, i, rank), false;
        to[AG__AXES - rank + i] = v;
    }
    return true;
}

/* ---- columns ---- */

typedef struct moving {
    const ag__windows *w;
    const ag__kernels *k;
    int64_t item, channels, share, from, to;
    char *x, *columns;
    bool back;
} moving;

static int64_t clipped(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}
static int64_t rounded_up(int64_t a, int64_t b) /* a / b for b > 0 */
{
    return a > 0 ? (a + b - 1) / b : a / b;
}

/* One line of windows, n of them from the one at place `at` of the last axis; x is where the tap meets line 0. */
static void move_line(const moving *m, int64_t at, int64_t n, int64_t shift, bool inside, char *line, char *column)
{
    const ag__windows *w = m->w;
    int64_t item = m->item, s = w->stride[2], end = at + n;
    int64_t first = inside ? clipped(rounded_up(shift, s), at, end) : end;
    int64_t last = inside ? clipped(rounded_up(w->x[2] + shift, s), first, end) : end;
    if (!m->back) {
        memset(column, 0, (size_t)((first - at) * item));
        memset(column + (last - at) * item, 0, (size_t)((end - last) * item));
    }
    if (last == first) return;
    char *x = line + (first * s - shift) * item, *c = column + (first - at) * item;
    if (m->back)
        m->k->copy(last - first, c, 1, x, s, true);
    else
        m->k->copy(last - first, x, s, c, 1, false);
}

/* The row of one channel and one place of the kernel, k. */
static void move_row(const moving *m, const int64_t *k, char *x, char *column)
{
    const ag__windows *w = m->w;
    int64_t shift[AG__AXES]; /* of the windows against x */
    for (int i = 0; i < AG__AXES; i++) shift[i] = w->before[i] - k[i] * w->dilation[i];
    for (int64_t p = m->from, n; p < m->to; p += n, column += n * m->item) {
        int64_t at = p % w->y[2], line = p / w->y[2];
        int64_t i = line / w->y[1] * w->stride[0] - shift[0], j = line % w->y[1] * w->stride[1] - shift[1];
        bool inside = i >= 0 && i < w->x[0] && j >= 0 && j < w->x[1];
        n = w->y[2] - at < m->to - p ? w->y[2] - at : m->to - p;
        move_line(m, at, n, shift[2], inside, inside ? x + (i * w->x[1] + j) * w->x[2] * m->item : x, column);
    }
}

static void move_channels(void *context, int64_t piece)
{
    const moving *m = context;
    const int64_t *size = m->w->kernel, row = (m->to - m->from) * m->item;
    int64_t c = piece * m->share, end = c + m->share < m->channels ? c + m->share : m->channels;
    char *column = m->columns + c * ag__volume(size) * row;
    for (; c < end; c++) {
        char *x = m->x + c * ag__volume(m->w->x) * m->item;
        for (int64_t k[AG__AXES] = { 0 }; k[0] < size[0]; k[0]++)
            for (k[1] = 0; k[1] < size[1]; k[1]++)
                for (k[2] = 0; k[2] < size[2]; k[2]++, column += row) move_row(m, k, x, column);
    }
}

void ag__columns(const ag__windows *w, ag_dtype dtype, int64_t channels, int64_t from, int64_t to, void *x,
                 void *columns, bool back)
{
    moving m = { w, ag__kernels_for(dtype), (int64_t)ag_dtype_size(dtype), channels, 1, from, to, x, columns, back };
    int64_t each = ag__volume(w->kernel) * (to - from); /* elements of a channel, of some half a nanosecond */
    if (channels == 0 || each == 0) return;
    m.share = each < 2 * AG__WORTH ? 2 * AG__WORTH / each : 1;
    ag__parallel((channels + m.share - 1) / m.share, move_channels, &m);
}

/* ---- options ---- */

static bool any(const int64_t *each)
{
    return each[0] || each[1] || each[2];
}
bool ag__pool_options_fit(const ag_pool_options *o, int has, const char *who)
{
    const struct {
        int option;
        bool given;
        const char *name;
    } all[] = {
        { AG__STRIDE, o->stride || any(o->strides), "stride" },
        { AG__PADDING, o->padding || any(o->paddings), "padding" },
        { AG__DILATION, o->dilation || any(o->dilations), "dilation" },
        { AG__KERNELS, any(o->kernels), "kernels" },
        { AG__SIZES, any(o->sizes), "sizes" },
        { AG__CEIL, o->ceil_mode, "ceil_mode" },
        { AG__EXCLUDE, o->exclude_padding, "exclude_padding" },
        { AG__DIVISOR, o->divisor_override != 0, "divisor_override" },
        { AG__INDEX, o->index != NULL, "index" },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].given && !(has & all[i].option))
            return ag_fail(AG_EINVAL, "%s: it has no option .%s", who, all[i].name), false;
    return true;
}

bool ag__windows_asked(ag__windows *w, int rank, int64_t kernel, const ag_pool_options *o, bool own_stride,
                       const char *who)
{
    *w = ag__one_window();
    int64_t each[AG__AXES];
    if (!ag__along(w->kernel, rank, kernel, o->kernels, 0, false, who, "kernel") ||
        !ag__along(w->before, rank, o->padding, o->paddings, 0, true, who, ".padding") ||
        !ag__along(w->dilation, rank, o->dilation, o->dilations, 1, false, who, ".dilation"))
        return false;
    for (int i = 0; i < rank; i++) {
        int64_t kernel_here = own_stride ? w->kernel[AG__AXES - rank + i] : 1;
        each[i] = o->strides[i] ? o->strides[i] : o->stride ? o->stride : kernel_here;
    }
    return ag__along(w->stride, rank, 0, each, 1, false, who, ".stride");
}
