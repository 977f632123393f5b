/* fold.c - the loops of reductions.
 *
 * A reduction is two nests of loops, over the axes that stay and over those that go, each sorted by stride and merged
 * where axes lie end to end. If the elements next to each other go, runs of them are folded to one number (along);
 * if they stay, rows are folded into a row of results, in blocks, so that rounding errors do not pile up (across). */
#include <autograd/ops/fold.h>
#include <math.h>
#include <stdlib.h>

enum { ROWS_PER_BLOCK = 128, LONG_RUN = 16 };

static void nest_add(ag__nest *a, int64_t size, int64_t x, int64_t y)
{
    int i = a->n++;
    for (; i > 0 && llabs(a->x[i - 1]) < llabs(x); i--)
        a->size[i] = a->size[i - 1], a->x[i] = a->x[i - 1], a->y[i] = a->y[i - 1];
    a->size[i] = size, a->x[i] = x, a->y[i] = y;
}

static void nest_merge(ag__nest *a)
{
    int n = 0;
    for (int i = 1; i < a->n; i++) {
        bool joint = a->x[n] == a->size[i] * a->x[i] && a->y[n] == a->size[i] * a->y[i];
        int64_t before = joint ? a->size[n] : 1;
        n += !joint;
        a->size[n] = before * a->size[i], a->x[n] = a->x[i], a->y[n] = a->y[i];
    }
    if (a->n) a->n = n + 1;
}

bool ag__nest_next(const ag__nest *a, int n, int64_t *at, int64_t *x, int64_t *y)
{
    for (int i = n - 1; i >= 0; i--) {
        *x += a->x[i], *y += a->y[i];
        if (++at[i] < a->size[i]) return true;
        *x -= a->size[i] * a->x[i], *y -= a->size[i] * a->y[i];
        at[i] = 0;
    }
    return false;
}

/* Row-major, and what goes is the first `n` axes or all but these: nothing to sort. */
static bool plan_plain(ag__plan *p, const ag__layout *l, uint32_t mask)
{
    int n = 0;
    int64_t outer = 1;
    bool first = mask & 1;
    while (n < l->rank && (mask >> n & 1) == first) outer *= l->dims[n++];
    uint32_t head = (1u << n) - 1, all = (1u << l->rank) - 1;
    if (!l->contiguous || mask != (first ? head : all & ~head)) return false;
    int64_t inner = l->numel / outer;
    ag__nest *out = first ? &p->go : &p->stay, *in = first ? &p->stay : &p->go;
    if (outer > 1) nest_add(out, outer, inner, !first);
    if (inner > 1) nest_add(in, inner, 1, first);
    return true;
}

static void plan_any(ag__plan *p, const ag__layout *l, uint32_t mask)
{
    int64_t y = 1;
    for (int i = l->rank - 1; i >= 0; i--) {
        if (l->dims[i] == 1) continue;
        if (mask >> i & 1)
            nest_add(&p->go, l->dims[i], l->strides[i], 0);
        else
            nest_add(&p->stay, l->dims[i], l->strides[i], y), y *= l->dims[i];
    }
    nest_merge(&p->stay), nest_merge(&p->go);
}

ag__plan ag__plan_of(const ag__layout *l, uint32_t mask)
{
    ag__plan p;
    p.stay.n = p.go.n = 0;
    if (!plan_plain(&p, l, mask)) plan_any(&p, l, mask);
    if (!p.go.n) nest_add(&p.go, 1, 1, 0);
    return p;
}

/* ---- the loops ---- */

typedef struct fold {
    const ag__kernels *k;
    ag_dtype dtype;
    size_t item;
    int code; /* AG__SUM, AG__MAX, AG__MIN or AG__LOGSUMEXP */
    bool add; /* to the result */
} fold;

static double run(const fold *f, int64_t n, const void *x, int64_t sx)
{
    return f->code == AG__LOGSUMEXP ? f->k->softmax(n, x, sx, NULL, 0) : f->k->reduce[f->code](n, x, sx);
}

static double join(int code, double a, double b)
{
    switch (code) {
    case AG__SUM: return a + b;
    case AG__MAX: return a > b || a != a ? a : b;
    case AG__MIN: return a < b || a != a ? a : b;
    default: return isinf(a) && a == b ? a : fmax(a, b) + log1p(exp(-fabs(a - b)));
    }
}

static void along(const fold *f, const ag__plan *p, const char *x, char *y)
{
    const ag__nest *go = &p->go;
    int last = go->n - 1;
    int64_t outer[AG_MAX_RANK] = { 0 }, ox = 0, oy = 0;
    do {
        int64_t inner[AG_MAX_RANK] = { 0 }, ix = ox, none = 0;
        double v = run(f, go->size[last], x + ix * (int64_t)f->item, go->x[last]);
        while (ag__nest_next(go, last, inner, &ix, &none))
            v = join(f->code, v, run(f, go->size[last], x + ix * (int64_t)f->item, go->x[last]));
        if (f->add) v += ag__number_at(f->dtype, y, oy);
        ag__number_put(f->dtype, y, oy, v);
    } while (ag__nest_next(&p->stay, p->stay.n, outer, &ox, &oy));
}

/* y[i] = x[i], or y[i] joined with x[i] */
static void row_join(const fold *f, int64_t n, const void *x, int64_t sx, void *y, int64_t sy, bool first)
{
    if (first || f->code == AG__SUM)
        f->k->copy(n, x, sx, y, sy, !first);
    else
        f->k->binary[f->code == AG__MAX ? AG__F_maximum : AG__F_minimum](n, x, sx, y, sy, y, sy);
}

/* One piece of a row of results. */
static void across_piece(const fold *f, const ag__nest *go, int64_t n, const char *x, int64_t sx, char *y, int64_t sy)
{
    ag__chunk sum;
    int64_t at[AG_MAX_RANK] = { 0 }, ox = 0, none = 0, rows = 0;
    bool first = !f->add, more;
    do {
        row_join(f, n, x + ox * (int64_t)f->item, sx, &sum, 1, rows++ == 0);
        more = ag__nest_next(go, go->n, at, &ox, &none);
        if (more && rows < ROWS_PER_BLOCK) continue;
        row_join(f, n, &sum, 1, y, sy, first);
        first = false, rows = 0;
    } while (more);
}

static void across(const fold *f, const ag__plan *p, const char *x, char *y)
{
    int last = p->stay.n - 1;
    int64_t n = p->stay.size[last], sx = p->stay.x[last], sy = p->stay.y[last], item = (int64_t)f->item;
    int64_t at[AG_MAX_RANK] = { 0 }, ox = 0, oy = 0;
    do {
        for (int64_t j = 0; j < n; j += AG__CHUNK) {
            int64_t width = n - j < AG__CHUNK ? n - j : AG__CHUNK;
            across_piece(f, &p->go, width, x + (ox + j * sx) * item, sx, y + (oy + j * sy) * item, sy);
        }
    } while (ag__nest_next(&p->stay, last, at, &ox, &oy));
}

void ag__fold(int code, const ag__layout *l, const void *x, uint32_t mask, void *y, bool add)
{
    fold f = { ag__kernels_for(l->dtype), l->dtype, l->item, code, add };
    ag__plan p = ag__plan_of(l, mask);
    const ag__nest *stay = &p.stay, *go = &p.go;
    bool runs = stay->n == 0 || code == AG__LOGSUMEXP ||
                (go->size[go->n - 1] >= LONG_RUN && llabs(go->x[go->n - 1]) < llabs(stay->x[stay->n - 1]));
    (runs ? along : across)(&f, &p, x, y);
}

/* A few rows added up, as a small bias gradient needs: not worth a plan. */
static bool sum_few_rows(const ag__layout *l, const void *x, uint32_t mask, void *y, bool add)
{
    enum { FEW = 256 };
    if (!l->contiguous || l->rank < 2 || l->numel > FEW || mask + 1 != 1u << (l->rank - 1)) return false;
    int64_t n = l->dims[l->rank - 1], rows = l->numel / n;
    for (int64_t j = 0; j < n; j++) {
        if (l->dtype == AG_F32) {
            const float *from = (const float *)x + j;
            float sum = add ? ((float *)y)[j] : 0;
            for (int64_t i = 0; i < rows; i++) sum += from[i * n];
            ((float *)y)[j] = sum;
        } else {
            const double *from = (const double *)x + j;
            double sum = add ? ((double *)y)[j] : 0;
            for (int64_t i = 0; i < rows; i++) sum += from[i * n];
            ((double *)y)[j] = sum;
        }
    }
    return true;
}

void ag__sum_axes(const ag__layout *l, const void *x, uint32_t mask, void *y, bool add)
{
    if (l->numel) {
        if (sum_few_rows(l, x, mask, y, add)) return;
        ag__fold(AG__SUM, l, x, mask, y, add);
        return;
    }
    int64_t n = 1;
    for (int i = 0; i < l->rank; i++) n *= mask >> i & 1 ? 1 : l->dims[i];
    if (!add) memset(y, 0, (size_t)n * l->item);
}

void ag__fold_whole(int code, const ag__layout *l, const void *x, uint32_t mask, ag_tensor *y)
{
    ag__plan p = ag__plan_of(l, mask);
    int64_t outer[AG_MAX_RANK] = { 0 }, ox = 0, oy = 0;
    do {
        int64_t inner[AG_MAX_RANK] = { 0 }, ix = ox, none = 0;
        int64_t v = ag__whole(l->dtype, x, ix);
        while (ag__nest_next(&p.go, p.go.n, inner, &ix, &none)) {
            int64_t e = ag__whole(l->dtype, x, ix);
            if (code == AG__SUM)
                v = (int64_t)((uint64_t)v + (uint64_t)e);
            else if (code == AG__MAX ? e > v : e < v)
                v = e;
        }
        ag__whole_put(y->layout->dtype, y->data, oy, v);
    } while (ag__nest_next(&p.stay, p.stay.n, outer, &ox, &oy));
}
