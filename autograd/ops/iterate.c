/* iterate.c - one loop over several operands of one broadcast shape, in the order of memory; and checks on axes.
 *
 *   [2,3,4] row-major                     one run of 24
 *   [2,3,4] + [4]                         6 runs of 4: the outer axes merged
 *   y = x transposed, both large          bands of rows, in which x is turned into a buffer first
 *   [1000,3] + [3]                        3 runs along the long axis for each LONG_TILE of it, in place of 1000 short
 * ones
 *
 * A large loop is cut along one axis into pieces that threads share. */
#include <autograd/base/pool.h>
#include <autograd/ops/apply.h>
#include <string.h>

enum { TILE = 32, LONG_TILE = 256, SHORT = 8, WORTH_TILING = 4096 };
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

/* Positive: a belongs outside b, negative: inside. The first operand that moves along both decides. */
static int compare(const loop_axis *a, const loop_axis *b, int n)
{
    for (int k = 0; k < n; k++) {
        int64_t s = magnitude(a->stride[k]), t = magnitude(b->stride[k]);
        if (s && t && s != t) return s > t ? 1 : -1;
    }
    return 0;
}

/* Sorts a into at[0..n_axis): outer axes first. */
static void insert(loop_axis *at, int n_axis, loop_axis a, int n)
{
    int place = n_axis;
    for (int j = n_axis - 1; j >= 0; j--) {
        int order = compare(&a, &at[j], n);
        if (order < 0) break;
        if (order > 0) place = j;
    }
    memmove(at + place + 1, at + place, (size_t)(n_axis - place) * sizeof *at);
    at[place] = a;
}

/* The axes longer than 1, sorted. */
static int collect(loop_axis *at, int rank, const int64_t *dims, int n, const ag__layout *const *l)
{
    int n_axis = 0;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 1) continue;
        loop_axis a = { .size = dims[i] };
        for (int k = 0; k < n; k++) {
            int own = i - (rank - l[k]->rank);
            a.stride[k] = own < 0 || l[k]->dims[own] == 1 ? 0 : l[k]->strides[own];
        }
        insert(at, n_axis++, a, n);
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
    int n_axis, n;
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
    for (int k = 1; k < w->n; k++)
        for (int i = w->n_axis - 2; i >= 0 && run->size > TILE; i--) {
            int64_t s = magnitude(w->at[i].stride[k]);
            if (!s || s >= magnitude(run->stride[k]) || w->at[i].size * run->size < WORTH_TILING) continue;
            move_to(w->at, i, w->n_axis - 2);
            return TILE;
        }
    return run->size;
}

/* Of a tiled nest: the operands, but for the written one, that can be turned. */
static void find_turned(nest *w, int written)
{
    const loop_axis *run = &w->at[w->n_axis - 1];
    for (int k = 0; w->step == TILE && w->n_axis > 1 && k < w->n && w->n_turned < MOST_TURNED; k++)
        if (k != written && w->item[k] >= 4 && run[-1].stride[k] == 1 && magnitude(run->stride[k]) > 1)
            w->turned[w->n_turned++] = k;
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

/* All runs of n elements that start where p points along the last axis; or all bands. */
static void run(const nest *w, char **p, int64_t n)
{
    const loop_axis *last = &w->at[w->n_axis - 1];
    const int inner = w->n_turned ? 2 : 1;
    int64_t index[AG_MAX_RANK] = { 0 };
    for (;;) {
        if (w->n_turned)
            bands(w, p);
        else
            w->loop(n, p, last->stride, w->user);
        int i = w->n_axis - inner - 1;
        for (; i >= 0 && ++index[i] == w->at[i].size; i--) {
            index[i] = 0;
            advance(w, p, &w->at[i], 1 - w->at[i].size);
        }
        if (i < 0) return;
        advance(w, p, &w->at[i], 1);
    }
}

static void walk(const nest *w, char **p)
{
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
static int axis_to_cut(const nest *w, int written, int64_t pieces)
{
    int best = -1;
    for (int i = 0; i < w->n_axis; i++) {
        if (!w->at[i].stride[written]) continue;
        if (w->at[i].size >= pieces) return i;
        if (best < 0 || w->at[i].size > w->at[best].size) best = i;
    }
    return best;
}

static void share(const nest *w, char **p, int written, double nanoseconds)
{
    double total = nanoseconds;
    for (int i = 0; i < w->n_axis; i++) total *= (double)w->at[i].size;
    int64_t pieces = total < MOST_PIECES * (double)AG__WORTH ? (int64_t)(total / AG__WORTH) : MOST_PIECES;
    shared s = { w, p, pieces > 1 ? axis_to_cut(w, written, pieces) : -1, 0 };
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
    nest w = { .n = n_operand, .loop = loop, .user = user };
    char *p[AG__MAX_OPERANDS] = { NULL };
    for (int i = 0; i < rank; i++)
        if (dims[i] == 0) return;
    for (int k = 0; k < n_operand; k++) p[k] = data[k], w.item[k] = (int64_t)l[k]->item;

    w.n_axis = collect(w.at, rank, dims, n_operand, l);
    if (!w.n_axis) { /* one element */
        const int64_t stride[AG__MAX_OPERANDS] = { 1, 1, 1, 1, 1 };
        loop(1, p, stride, user);
        return;
    }
    w.n_axis = merge(w.at, w.n_axis, n_operand);
    w.step = tile(&w);
    find_turned(&w, written);
    share(&w, p, written, nanoseconds);
}

void ag__iterate(int rank, const int64_t *dims, int n_operand, const ag__layout *const *l, void *const *data,
                 ag__loop_fn *loop, void *user)
{
    ag__iterate_shared(rank, dims, n_operand, l, data, loop, user, 0, 0);
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
