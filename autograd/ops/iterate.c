/* iterate.c - one loop over several operands of one broadcast shape, in the order of memory; and checks on axes.
 *
 *   [2,3,4] row-major                     one run of 24
 *   [2,3,4] + [4]                         6 runs of 4: the outer axes merged
 *   y = x transposed, both large          bands of rows, in which x is turned into a buffer first
 *   [1000,3] + [3]                        runs of many rows, for which the 3 numbers are repeated in a buffer
 *
 * A large loop is cut along one axis into pieces that threads share. */
#include <autograd/base/pool.h>
#include <autograd/ops/apply.h>
#include <string.h>

enum { TILE = 32, LONG_TILE = 256, SHORT = 8, TURN_FROM = 16, WORTH_TILING = 1024 };
/* Of narrow rows: how many elements, and of how many a run is made. */
enum { NARROW = 64, PACKED = 512 };
/* Of a band that is turned: its width in bytes, two cache lines, and how long a piece of it goes through the buffer. */
enum { BAND = 128, ALONG = 128, MOST_TURNED = 2 };

/* ---- axes of the loop ------------------------------------------------------------------------------------------- */

typedef struct loop_axis {
    int64_t size, stride[AG__MAX_OPERANDS]; /* in elements */
} loop_axis;

static int64_t magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* Positive: a belongs outside b, negative: inside. The first operand that moves along both decides, the written one
 * before the others. */
static int compare(const loop_axis *a, const loop_axis *b, int n, int written)
{
    for (int i = 0; i < n; i++) {
        int k = i == 0 ? written : i - (i <= written);
        int64_t s = magnitude(a->stride[k]), t = magnitude(b->stride[k]);
        if (s && t && s != t) return s > t ? 1 : -1;
    }
    return 0;
}

/* Sorts a into at[0..n_axis): outer axes first. */
static void insert(loop_axis *at, int n_axis, loop_axis a, int n, int written)
{
    int place = n_axis;
    for (int j = n_axis - 1; j >= 0; j--) {
        int order = compare(&a, &at[j], n, written);
        if (order < 0) break;
        if (order > 0) place = j;
    }
    memmove(at + place + 1, at + place, (size_t)(n_axis - place) * sizeof *at);
    at[place] = a;
}

/* The axes longer than 1, sorted. */
static int collect(loop_axis *at, int rank, const int64_t *dims, int n, const ag__layout *const *l, int written)
{
    int n_axis = 0;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 1) continue;
        loop_axis a = { .size = dims[i] };
        for (int k = 0; k < n; k++) {
            int own = i - (rank - l[k]->rank);
            a.stride[k] = own < 0 || l[k]->dims[own] == 1 ? 0 : l[k]->strides[own];
        }
        insert(at, n_axis++, a, n, written);
    }
    return n_axis;
}

/* Joins neighbours that every operand passes through in one stride. */
static int merge(loop_axis *at, int n_axis, int n)
{
    int last = 0;
    for (int i = 1; i < n_axis; i++) {
        bool joined = true;
        for (int k = 0; k < n; k++) joined &= at[last].stride[k] == at[i].stride[k] * at[i].size;
        int64_t outer = at[last].size;
        if (!joined) last++;
        at[last] = at[i];
        if (joined) at[last].size *= outer;
    }
    return last + 1;
}

static void move_to(loop_axis *at, int from, int to)
{
    loop_axis a = at[from];
    memmove(at + from, at + from + 1, (size_t)(to - from) * sizeof *at);
    at[to] = a;
}

typedef struct nest {
    loop_axis at[AG_MAX_RANK];
    int n_axis, n, written;
    int narrow;                           /* the axes from here on are a narrow row; 0: there is none */
    int64_t step, item[AG__MAX_OPERANDS]; /* of the last axis at a time; bytes */
    int turned[MOST_TURNED], n_turned;    /* operands that lie along the last axis but one */
    ag__loop_fn *loop;
    void *user;
} nest;

/* How many elements of the last axis to take at a time, having put beside it the axis that shares its cache lines. */
static int64_t tile(nest *w)
{
    loop_axis *run = &w->at[w->n_axis - 1];
    if (w->n_axis < 2) return run->size;
    if (run->size < SHORT && run[-1].size > 2 * run->size) {
        move_to(w->at, w->n_axis - 2, w->n_axis - 1);
        return LONG_TILE;
    }
    for (int k = 0; k < w->n && run->size >= TURN_FROM; k++) {
        int best = w->n_axis - 1;
        for (int i = best - 1; i >= 0; i--) {
            int64_t s = magnitude(w->at[i].stride[k]);
            if (s && s < magnitude(w->at[best].stride[k])) best = i;
        }
        if (best == w->n_axis - 1 || w->at[best].size * run->size < WORTH_TILING) continue;
        move_to(w->at, best, w->n_axis - 2);
        return TILE;
    }
    return run->size;
}

/* Of a tiled nest: the operands, but for the written one, that can be turned. */
static void find_turned(nest *w)
{
    const loop_axis *run = &w->at[w->n_axis - 1];
    for (int k = 0; w->step == TILE && w->n_axis > 1 && k < w->n && w->n_turned < MOST_TURNED; k++)
        if (k != w->written && w->item[k] >= 4 && run[-1].stride[k] == 1 && magnitude(run->stride[k]) > 1)
            w->turned[w->n_turned++] = k;
}

/* How an operand lies in many narrow rows: end to end; everywhere the same element; or otherwise. */
enum lie { FLAT, ONE, SPREAD };
static enum lie lie_of(const nest *w, int k)
{
    int64_t width = 1;
    bool flat = true, one = true;
    for (int i = w->n_axis - 1; i >= w->narrow - 1; width *= w->at[i--].size)
        flat &= w->at[i].stride[k] == width, one &= w->at[i].stride[k] == 0;
    return flat ? FLAT : one ? ONE : SPREAD;
}

/* Is there an operand whose neighbours in memory are along one of the first n axes? */
static bool lies_across(const nest *w, int n)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < w->n; k++)
            if (magnitude(w->at[i].stride[k]) == 1 && w->at[i].size >= TURN_FROM) return true;
    return false;
}

/* If the last axes are narrow together, and the result lies flat there, or is a sum over some of them. */
static void find_narrow(nest *w, bool may_sum)
{
    int64_t width = 1;
    int i = w->n_axis;
    while (i > 1 && width * w->at[i - 1].size <= NARROW) width *= w->at[--i].size;
    if (i == w->n_axis || (w->at[w->n_axis - 1].size >= TURN_FROM && lies_across(w, i - 1))) return;
    w->narrow = i;
    bool repeats = false;
    for (i--; i < w->n_axis; i++) repeats |= w->at[i].stride[w->written] == 0;
    if (lie_of(w, w->written) != FLAT && !(may_sum && repeats)) w->narrow = 0;
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static void advance(const nest *w, char **p, const loop_axis *a, int64_t steps)
{
    for (int k = 0; k < w->n; k++) p[k] += steps * a->stride[k] * w->item[k];
}

/* A block of rows x n elements, in which some operands are turned. */
static void block(const nest *w, char *const *from, int64_t rows, int64_t n)
{
    double buffer[MOST_TURNED][BAND * ALONG / sizeof(double)];
    const loop_axis *across = &w->at[w->n_axis - 2];
    int64_t stride[AG__MAX_OPERANDS], step[AG__MAX_OPERANDS]; /* bytes from row to row */
    char *p[AG__MAX_OPERANDS];
    for (int k = 0; k < w->n; k++)
        p[k] = from[k], stride[k] = across[1].stride[k], step[k] = across->stride[k] * w->item[k];
    for (int t = 0; t < w->n_turned; t++) {
        int k = w->turned[t];
        ag__kernel[w->item[k] == 8]->turn(n, rows, p[k], stride[k], 1, buffer[t]);
        p[k] = (char *)buffer[t], stride[k] = 1, step[k] = n * w->item[k];
    }
    for (int64_t r = 0; r < rows; r++) {
        w->loop(n, p, stride, w->user);
        for (int k = 0; k < w->n; k++) p[k] += step[k];
    }
}

/* The last two axes. */
static void bands(const nest *w, char *const *from)
{
    const loop_axis *across = &w->at[w->n_axis - 2], *last = across + 1;
    char *band[AG__MAX_OPERANDS], *p[AG__MAX_OPERANDS];
    int64_t item = 0;
    for (int t = 0; t < w->n_turned; t++) item = w->item[w->turned[t]] > item ? w->item[w->turned[t]] : item;
    const int64_t most = BAND / item;
    memcpy(band, from, sizeof band);
    for (int64_t i = 0, rows; i < across->size; i += rows) {
        rows = across->size - i < most ? across->size - i : most;
        memcpy(p, band, sizeof p);
        for (int64_t j = 0, n; j < last->size; j += n) {
            n = last->size - j < ALONG ? last->size - j : ALONG;
            block(w, p, rows, n);
            advance(w, p, last, n);
        }
        advance(w, band, across, rows);
    }
}

/* To the next place of the first n axes; false after the last, with everything back where it was. */
static bool next(const nest *w, int n, int64_t *index, char **p)
{
    for (int i = n - 1; i >= 0; i--) {
        advance(w, p, &w->at[i], 1);
        if (++index[i] < w->at[i].size) return true;
        advance(w, p, &w->at[i], -w->at[i].size);
        index[i] = 0;
    }
    return false;
}

/* All runs of n elements that start where p points along the last axis; or all bands. */
static void run(const nest *w, char **p, int64_t n)
{
    const loop_axis *last = &w->at[w->n_axis - 1];
    const int inner = w->n_turned ? 2 : 1;
    int64_t index[AG_MAX_RANK] = { 0 };
    do {
        if (w->n_turned)
            bands(w, p);
        else
            w->loop(n, p, last->stride, w->user);
    } while (next(w, w->n_axis - inner, index, p));
}

/* ---- narrow rows ------------------------------------------------------------------------------------------------ */

typedef struct rows {
    int64_t width, at[AG__MAX_OPERANDS][NARROW]; /* elements of a row, and where they are */
    enum lie lie[AG__MAX_OPERANDS];
    const char *packed[AG__MAX_OPERANDS]; /* what a buffer holds, if all rows are the same */
    double buffer[AG__MAX_OPERANDS][PACKED], turned[PACKED];
} rows;

static void rows_of(const nest *w, rows *r)
{
    for (int k = 0; k < w->n; k++) {
        r->lie[k] = lie_of(w, k), r->packed[k] = NULL, r->at[k][0] = 0, r->width = 1;
        for (const loop_axis *a = &w->at[w->n_axis - 1]; a >= &w->at[w->narrow]; r->width *= a->size, a--)
            for (int64_t j = r->width; j < r->width * a->size; j++) r->at[k][j] = r->at[k][j - r->width] + a->stride[k];
    }
}

static void pack_bytes(int64_t n, int64_t width, const char *x, int64_t step, const int64_t *at, char *y)
{
    for (int64_t i = 0; i < n; i++, x += step)
        for (int64_t j = 0; j < width; j++) *y++ = x[at[j]];
}

/* The sum of n rows of x, in pairs, becomes the first one. */
static void add_rows(const ag__kernels *k, int64_t n, int64_t bytes, int64_t width, char *x)
{
    for (int64_t half; (half = n / 2) > 0; n -= half) k->copy(half * width, x + (n - half) * bytes, 1, x, 1, true);
}

/* What `count` rows of the result, whose elements partly coincide, gain: buffer, which is used up. */
static void sum(const nest *w, rows *r, int64_t count, char *to)
{
    const int k = w->written;
    const int64_t item = w->item[k], n = r->width, step = w->at[w->narrow - 1].stride[k], *at = r->at[k];
    const ag__kernels *kernels = ag__kernel[item == 8];
    char *x = (char *)r->buffer[k];
    bool one = true;
    for (int64_t j = 0; j < n; j++) one &= at[j] == 0;
    if (step == 0) {
        add_rows(kernels, count, n * item, n, x);
        for (int64_t j = 0; j < n; j++) kernels->copy(1, x + j * item, 1, to + at[j] * item, 1, true);
    } else if (one) {
        kernels->turn(count, n, x, n, 1, r->turned);
        add_rows(kernels, n, count * item, count, (char *)r->turned);
        kernels->copy(count, r->turned, 1, to, step, true);
    } else
        for (int64_t j = 0; j < n; j++) kernels->copy(count, x + j * item, n, to + at[j] * item, step, true);
}

/* Rows that are one run, with what does not lie flat packed into buffers. */
static void some_rows(const nest *w, rows *r, char *const *from, int64_t count)
{
    const int64_t n = count * r->width;
    char *p[AG__MAX_OPERANDS];
    int64_t stride[AG__MAX_OPERANDS];
    for (int k = 0; k < w->n; k++) {
        const int64_t step = w->at[w->narrow - 1].stride[k];
        p[k] = from[k], stride[k] = r->lie[k] != ONE;
        if (r->lie[k] == FLAT || (r->lie[k] == ONE && k != w->written)) continue;
        p[k] = (char *)r->buffer[k], stride[k] = 1;
        if (k == w->written)
            memset(p[k], 0, (size_t)(n * w->item[k]));
        else if (w->item[k] < 4)
            pack_bytes(count, r->width, from[k], step, r->at[k], p[k]);
        else if (step || r->packed[k] != from[k]) {
            ag__kernel[w->item[k] == 8]->pack_narrow(count, r->width, from[k], step, r->at[k], p[k]);
            r->packed[k] = from[k];
        }
    }
    w->loop(n, p, stride, w->user);
    if (p[w->written] != from[w->written]) sum(w, r, count, from[w->written]);
}

static void walk_narrow(const nest *w, char **p)
{
    rows r;
    const loop_axis *down = &w->at[w->narrow - 1];
    int64_t index[AG_MAX_RANK] = { 0 };
    rows_of(w, &r);
    const int64_t most = PACKED / r.width;
    for (;;) {
        for (int64_t i = 0, n; i < down->size; i += n) {
            n = down->size - i < most ? down->size - i : most;
            some_rows(w, &r, p, n);
            advance(w, p, down, n);
        }
        advance(w, p, down, -down->size);
        if (!next(w, w->narrow - 1, index, p)) return;
    }
}

static void walk(const nest *w, char **p)
{
    if (w->narrow) {
        walk_narrow(w, p);
        return;
    }
    const loop_axis *last = &w->at[w->n_axis - 1];
    const int64_t step = w->n_turned ? last->size : w->step;
    for (int64_t from = 0; from < last->size; from += step) {
        int64_t n = last->size - from < step ? last->size - from : step;
        run(w, p, n); /* leaves p where it was */
        advance(w, p, last, n);
    }
}

/* ---- in pieces -------------------------------------------------------------------------------------------------- */

enum { MOST_PIECES = 64, GRAIN = 256 };

typedef struct shared {
    const nest *w;
    char *const *p;
    int axis;
    int64_t each; /* how much of the axis is a piece */
} shared;

static void piece(void *context, int64_t i)
{
    const shared *s = context;
    nest w = *s->w;
    char *p[AG__MAX_OPERANDS];
    memcpy(p, s->p, sizeof p);
    loop_axis *a = &w.at[s->axis];
    advance(&w, p, a, i * s->each);
    a->size = a->size - i * s->each < s->each ? a->size - i * s->each : s->each;
    walk(&w, p);
}

/* The outermost axis that is long enough, else the longest; never one along which elements of `written` coincide, so
 * that what is summed is summed in one piece. */
static int axis_to_cut(const nest *w, int64_t pieces)
{
    int best = -1;
    for (int i = 0; i < (w->narrow ? w->narrow : w->n_axis); i++) {
        if (!w->at[i].stride[w->written]) continue;
        if (w->at[i].size >= pieces) return i;
        if (best < 0 || w->at[i].size > w->at[best].size) best = i;
    }
    return best;
}

static void share(const nest *w, char **p, double nanoseconds)
{
    double total = nanoseconds;
    for (int i = 0; i < w->n_axis; i++) total *= (double)w->at[i].size;
    int64_t pieces = total < MOST_PIECES * (double)AG__WORTH ? (int64_t)(total / AG__WORTH) : MOST_PIECES;
    shared s = { w, p, pieces > 1 ? axis_to_cut(w, pieces) : -1, 0 };
    if (s.axis < 0) {
        walk(w, p);
        return;
    }
    int64_t size = w->at[s.axis].size, grain = s.axis == w->n_axis - 1 ? GRAIN : 1;
    s.each = ((size + pieces - 1) / pieces + grain - 1) / grain * grain;
    ag__parallel((size + s.each - 1) / s.each, piece, &s);
}

void ag__iterate_shared(int rank, const int64_t *dims, int n_operand, const ag__layout *const *l, void *const *data,
                        ag__loop_fn *loop, void *user, int written, double nanoseconds)
{
    nest w = { .n = n_operand, .written = written, .loop = loop, .user = user };
    char *p[AG__MAX_OPERANDS] = { NULL };
    for (int i = 0; i < rank; i++)
        if (dims[i] == 0) return;
    for (int k = 0; k < n_operand; k++) p[k] = data[k], w.item[k] = (int64_t)l[k]->item;

    w.n_axis = collect(w.at, rank, dims, n_operand, l, written < 0 ? 0 : written);
    if (!w.n_axis) { /* one element */
        const int64_t stride[AG__MAX_OPERANDS] = { 1, 1, 1, 1, 1 };
        loop(1, p, stride, user);
        return;
    }
    w.n_axis = merge(w.at, w.n_axis, n_operand);
    if (written >= 0) find_narrow(&w, ag__is_float(l[written]->dtype));
    if (!w.narrow) w.step = tile(&w), find_turned(&w);
    share(&w, p, nanoseconds);
}

void ag__iterate(int rank, const int64_t *dims, int n_operand, const ag__layout *const *l, void *const *data,
                 ag__loop_fn *loop, void *user)
{
    ag__iterate_shared(rank, dims, n_operand, l, data, loop, user, -1, 0);
}

/* ---- checks ----------------------------------------------------------------------------------------------------- */

int ag__axis(int axis, const ag__layout *l, const char *who)
{
    int at = axis < 0 ? axis + l->rank : axis;
    if (at >= 0 && at < l->rank) return at;
    ag_fail(AG_EINVAL, "%s: axis %d of %s", who, axis, ag__text(l));
    return -1;
}

bool ag__axes(int n, const int *axes, const ag__layout *l, const char *who, uint32_t *mask)
{
    if (!ag__have_list(n, axes, who)) return false;
    *mask = n ? 0 : (1u << l->rank) - 1;
    for (int i = 0; i < n; i++) {
        if (l->rank == 0 && (axes[i] == 0 || axes[i] == -1)) continue; /* as NumPy and PyTorch: over nothing */
        int at = ag__axis(axes[i], l, who);
        if (at < 0) return false;
        if (*mask >> at & 1) {
            ag_fail(AG_EINVAL, "%s: axis %d of %s is given twice", who, axes[i], ag__text(l));
            return false;
        }
        *mask |= 1u << at;
    }
    return true;
}

bool ag__need_float(const ag_tensor *x, const char *who)
{
    if (ag__is_float(x->layout->dtype)) return true;
    ag_fail(AG_EDTYPE, "%s: needs f32 or f64, got %s %s; ag_to converts", who, ag_dtype_name(x->layout->dtype),
            ag__text(x->layout));
    return false;
}
