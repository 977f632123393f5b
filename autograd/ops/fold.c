/* fold.c - the loops of reductions.
 *
 * A reduction is two nests of loops, over the axes that stay and over those that go, each sorted by stride and merged
 * where axes lie end to end. If the elements next to each other go, runs of them are folded to one number (along);
 * if they stay, rows are folded into a row of results, in blocks, so that rounding errors do not pile up (across).
 * Short runs are turned, so that they can be folded across; narrow rows go many at a time, and in halves. Threads share
 * the results, or where these are few the parts of each; what is a part follows from the sizes alone. */
#include <autograd/base/pool.h>
#include <autograd/kernels/pairs.h>
#include <autograd/ops/fold.h>
#include <math.h>
#include <stdlib.h>

enum { ROWS_PER_BLOCK = 128, NARROW = 64, PACKED = 1024 };

/* What is repeated comes first: it is done again as a whole. */
static void nest_add(ag__nest *a, int64_t size, int64_t x, int64_t y)
{
    int i = a->n++;
    for (; i > 0 && a->x[i - 1] && (!x || llabs(a->x[i - 1]) < llabs(x)); i--)
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
    p.stay.n = p.go.n = 0, p.turned = false;
    if (!plan_plain(&p, l, mask)) plan_any(&p, l, mask);
    if (!p.go.n) nest_add(&p.go, 1, 1, 0);
    return p;
}

/* ---- the loops ----------------------------------------------------------------------------------------------------
 */

typedef struct fold {
    const ag__kernels *k;
    ag_dtype dtype;
    int64_t item;
    int code;           /* AG__SUM, AG__MAX, AG__MIN or AG__LOGSUMEXP */
    bool add;           /* to the result */
    double nanoseconds; /* of an element, roughly */
} fold;

static double join(int code, double a, double b)
{
    switch (code) {
    case AG__SUM: return a + b;
    case AG__MAX: return a > b || a != a ? a : b;
    case AG__MIN: return a < b || a != a ? a : b;
    default: return isinf(a) && a == b ? a : fmax(a, b) + log1p(exp(-fabs(a - b)));
    }
}

static int64_t product(const ag__nest *a, int n)
{
    int64_t size = 1;
    for (int i = 0; i < n; i++) size *= a->size[i];
    return size;
}

/* Iteration i of the first n loops. */
static void nest_start(const ag__nest *a, int n, int64_t i, int64_t *at, int64_t *x, int64_t *y)
{
    *x = *y = 0;
    for (int l = n - 1; l >= 0; i /= a->size[l--]) {
        at[l] = i % a->size[l];
        *x += at[l] * a->x[l], *y += at[l] * a->y[l];
    }
}

/* Iterations from .. to-1 of something, which threads share. */
typedef struct range {
    const fold *f;
    const ag__plan *p;
    const char *x;
    char *y;
    int64_t count, each;
    void (*some)(const struct range *r, int64_t from, int64_t to);
} range;
static void piece(void *context, int64_t i)
{
    const range *r = context;
    r->some(r, i * r->each, (i + 1) * r->each < r->count ? (i + 1) * r->each : r->count);
}
static void all(range r, double nanoseconds) /* of one iteration */
{
    r.each = nanoseconds < AG__WORTH ? (int64_t)(AG__WORTH / nanoseconds) + 1 : 1;
    ag__parallel((r.count + r.each - 1) / r.each, piece, &r);
}

/* ---- along ---- */

/* A long run in parts, each of which is a subtree of the kernel's tree of sums: the result has the bits of one run. */
enum { PART = AG__BLOCK << 10, PARTS = 64 };
typedef struct long_run {
    const fold *f;
    const char *x;
    int64_t n, sx;
    double part[PARTS];
} long_run;
static void run_part(void *context, int64_t i)
{
    long_run *r = context;
    int64_t n = r->n - i * PART < PART ? r->n - i * PART : PART;
    r->part[i] = r->f->k->reduce[r->f->code](n, r->x + i * PART * r->sx * r->f->item, r->sx);
}

static double run_long(const fold *f, int64_t n, const char *x, int64_t sx)
{
    long_run r = { f, x, n, sx, { 0 } };
    ag__pairs sum = { .count = 0 };
    double extreme = 0;
    for (bool first = true; r.n > 0; r.n -= (int64_t)PARTS * PART, r.x += (int64_t)PARTS * PART * sx * f->item) {
        int64_t parts = r.n < (int64_t)PARTS * PART ? (r.n + PART - 1) / PART : PARTS;
        ag__parallel(parts, run_part, &r);
        for (int64_t i = 0; i < parts; i++, first = false) {
            extreme = first ? r.part[i] : join(f->code, extreme, r.part[i]);
            ag__pairs_add(&sum, r.part[i]);
        }
    }
    return f->code == AG__SUM ? ag__pairs_sum(&sum) : extreme;
}

static double run(const fold *f, int64_t n, const char *x, int64_t sx)
{
    if (f->code == AG__LOGSUMEXP) return f->k->softmax(n, x, sx, NULL, 0);
    return n < 2 * PART ? f->k->reduce[f->code](n, x, sx) : run_long(f, n, x, sx);
}

static void along_some(const range *r, int64_t from, int64_t to)
{
    const fold *f = r->f;
    const ag__nest *go = &r->p->go, *stay = &r->p->stay;
    int last = go->n - 1;
    int64_t outer[AG_MAX_RANK], ox, oy;
    nest_start(stay, stay->n, from, outer, &ox, &oy);
    for (int64_t i = from; i < to; i++) {
        int64_t inner[AG_MAX_RANK] = { 0 }, ix = ox, none = 0;
        double v = run(f, go->size[last], r->x + ix * f->item, go->x[last]);
        while (ag__nest_next(go, last, inner, &ix, &none))
            v = join(f->code, v, run(f, go->size[last], r->x + ix * f->item, go->x[last]));
        if (f->add) v += ag__number_at(f->dtype, r->y, oy);
        ag__number_put(f->dtype, r->y, oy, v);
        ag__nest_next(stay, stay->n, outer, &ox, &oy);
    }
}

/* ---- across ---- */

/* y[i] = x[i], or y[i] joined with x[i] */
static void row_join(const fold *f, int64_t n, const void *x, int64_t sx, void *y, int64_t sy, bool first)
{
    if (first || f->code == AG__SUM)
        f->k->copy(n, x, sx, y, sy, !first);
    else
        f->k->binary[f->code == AG__MAX ? AG__F_maximum : AG__F_minimum](n, x, sx, y, sy, y, sy);
}

typedef union packed {
    float f32[PACKED];
    double f64[PACKED];
} packed;

/* y = or joins the rows of n elements, all folded in halves into p; x may be p. */
static void join_rows(const fold *f, int64_t rows, int64_t n, const char *x, packed *p, char *y, int64_t sy, bool first)
{
    const int op = f->code == AG__SUM ? AG__F_add : f->code == AG__MAX ? AG__F_maximum : AG__F_minimum;
    for (int64_t half; rows > 1; rows -= half, x = (char *)p) {
        half = rows / 2;
        f->k->binary[op](half * n, x, 1, x + (rows - half) * n * f->item, 1, p, 1);
        if (rows % 2 && x != (char *)p)
            f->k->copy(n, x + half * n * f->item, 1, (char *)p + half * n * f->item, 1, false);
    }
    row_join(f, n, x, 1, y, sy, first);
}

/* Narrow rows, many at a time. */
static void narrow_rows(const fold *f, const ag__nest *go, int64_t n, const char *x, int64_t sx, char *y, int64_t sy,
                        bool first)
{
    packed p;
    const int last = go->n - 1;
    const int64_t step = go->x[last], most = PACKED / n;
    const bool flat = sx == 1 && step == n;
    int64_t at[AG_MAX_RANK] = { 0 }, ox = 0, none = 0, columns[NARROW];
    for (int64_t j = 0; j < n; j++) columns[j] = j * sx;
    do {
        for (int64_t i = 0, m; i < go->size[last]; i += m, first = false) {
            m = go->size[last] - i < most ? go->size[last] - i : most;
            const char *from = x + (ox + i * step) * f->item;
            if (!flat) f->k->pack_narrow(m, n, from, step, columns, &p);
            join_rows(f, m, n, flat ? from : (char *)&p, &p, y, sy, first);
        }
    } while (ag__nest_next(go, last, at, &ox, &none));
}

/* A piece of a row of results. */
static void across_rows(const fold *f, const ag__nest *go, int64_t n, const char *x, int64_t sx, char *y, int64_t sy,
                        bool first)
{
    if (n < NARROW && go->size[go->n - 1] > 1) {
        narrow_rows(f, go, n, x, sx, y, sy, first);
        return;
    }
    if (f->code == AG__SUM && go->n == 1 && sx == 1 && sy == 1) {
        f->k->sum_columns(go->size[0], n, x, go->x[0], y, !first);
        return;
    }
    ag__chunk sum;
    int64_t at[AG_MAX_RANK] = { 0 }, ox = 0, none = 0, rows = 0;
    bool more;
    do {
        row_join(f, n, x + ox * f->item, sx, &sum, 1, rows++ == 0);
        more = ag__nest_next(go, go->n, at, &ox, &none);
        if (more && rows < ROWS_PER_BLOCK) continue;
        row_join(f, n, &sum, 1, y, sy, first);
        first = false, rows = 0;
    } while (more);
}

/* Many rows to few results: in parts that are joined in their order. */
enum { ROW_PARTS = 8 };
typedef struct tall {
    const fold *f;
    const ag__nest *go;
    const char *x;
    int64_t n, sx, rows; /* rows of a part */
    ag__chunk part[ROW_PARTS];
} tall;
static void rows_part(void *context, int64_t i)
{
    tall *t = context;
    ag__nest go = *t->go;
    go.size[0] = go.size[0] - i * t->rows < t->rows ? go.size[0] - i * t->rows : t->rows;
    across_rows(t->f, &go, t->n, t->x + i * t->rows * go.x[0] * t->f->item, t->sx, (char *)&t->part[i], 1, true);
}
static void across_piece(const fold *f, const ag__nest *go, int64_t n, const char *x, int64_t sx, char *y, int64_t sy)
{
    double whole = f->nanoseconds * (double)n * (double)product(go, go->n);
    if (go->size[0] < ROW_PARTS || whole < 2 * ROW_PARTS * (double)AG__WORTH) {
        across_rows(f, go, n, x, sx, y, sy, !f->add);
        return;
    }
    tall t = { .f = f, .go = go, .x = x, .n = n, .sx = sx, .rows = (go->size[0] + ROW_PARTS - 1) / ROW_PARTS };
    int64_t parts = (go->size[0] + t.rows - 1) / t.rows;
    ag__parallel(parts, rows_part, &t);
    for (int64_t i = 0; i < parts; i++) row_join(f, n, &t.part[i], 1, y, sy, !i && !f->add);
}

/* Columns side by side in p, of short rows that lie apart: x of strides sx from row to row, go->x in them. */
enum { SHORT = 64, FEW = 16, TURNED = 4096 };
typedef union turned {
    float f32[TURNED];
    double f64[TURNED];
} turned;
static void across_turned(const fold *f, const ag__nest *go, int64_t n, const char *x, int64_t sx, char *y, int64_t sy)
{
    turned t;
    ag__chunk lse;
    const ag__nest rows = { 1, { go->size[0] }, { n }, { 0 } };
    f->k->turn(n, go->size[0], x, sx, go->x[0], &t);
    if (f->code != AG__LOGSUMEXP) {
        across_rows(f, &rows, n, (char *)&t, 1, y, sy, !f->add);
        return;
    }
    f->k->softmax_columns(go->size[0], n, &t, n, NULL, 0, &lse);
    f->k->copy(n, &lse, 1, y, sy, f->add);
}

/* An iteration is a chunk of the innermost of the axes that stay: as wide as turned rows fit. */
static int64_t chunk(const ag__plan *p)
{
    return p->turned && p->go.size[0] * AG__CHUNK > TURNED ? TURNED / p->go.size[0] : AG__CHUNK;
}
static int64_t chunks(const ag__plan *p)
{
    return (p->stay.size[p->stay.n - 1] + chunk(p) - 1) / chunk(p);
}
static void across_some(const range *r, int64_t from, int64_t to)
{
    const fold *f = r->f;
    const ag__nest *stay = &r->p->stay, *go = &r->p->go;
    int last = stay->n - 1;
    int64_t at[AG_MAX_RANK], ox, oy, per = chunks(r->p), most = chunk(r->p), sx = stay->x[last], sy = stay->y[last];
    nest_start(stay, last, from / per, at, &ox, &oy);
    for (int64_t i = from; i < to; i++) {
        int64_t j = i % per * most, width = stay->size[last] - j < most ? stay->size[last] - j : most;
        const char *x = r->x + (ox + j * sx) * f->item;
        char *y = r->y + (oy + j * sy) * f->item;
        if (r->p->turned)
            across_turned(f, go, width, x, sx, y, sy);
        else if (f->code == AG__LOGSUMEXP)
            f->k->softmax_columns(go->size[0], width, x, go->x[0], NULL, 0, y);
        else
            across_piece(f, go, width, x, sx, y, sy);
        if (i % per == per - 1) ag__nest_next(stay, last, at, &ox, &oy);
    }
}

/* The longest axis becomes the innermost one. */
static void longest_last(ag__nest *a)
{
    int64_t *const all[] = { a->size, a->x, a->y };
    int best = a->n - 1;
    for (int i = best - 1; i >= 0; i--)
        if (a->size[i] > a->size[best]) best = i;
    for (int k = 0; k < 3; k++) {
        int64_t it = all[k][best];
        memmove(all[k] + best, all[k] + best + 1, (size_t)(a->n - 1 - best) * sizeof it);
        all[k][a->n - 1] = it;
    }
}

/* Is it along, rather than across? Puts the axes in order for that. */
static bool plan_loops(ag__plan *p, int code, bool add)
{
    ag__nest *stay = &p->stay;
    const ag__nest *go = &p->go;
    const int last = stay->n - 1;
    const int64_t rows = product(go, go->n), step = llabs(go->x[go->n - 1]);
    if (!stay->n) return true;
    const bool within = step < llabs(stay->x[last]) || !stay->x[last]; /* what goes lies within what stays */
    if (rows <= SHORT && (within || stay->size[last] < FEW)) {
        longest_last(stay);
        p->turned = rows > 1 && go->n == 1 && stay->size[last] >= FEW &&
                    (code == AG__LOGSUMEXP || (step == 1 && stay->x[last] != 1));
        if (p->turned || code != AG__LOGSUMEXP) return stay->size[last] < FEW;
    }
    if (code == AG__LOGSUMEXP)
        return add || go->n > 1 || stay->x[last] != 1 || stay->y[last] != 1 || stay->size[last] < FEW;
    return within;
}

void ag__fold(int code, const ag__layout *l, const void *x, uint32_t mask, void *y, bool add)
{
    fold f = { ag__kernels_for(l->dtype), l->dtype, (int64_t)l->item, code, add, code == AG__LOGSUMEXP ? 0.6 : 0.1 };
    ag__plan p = ag__plan_of(l, mask);
    const ag__nest *stay = &p.stay;
    double cost = f.nanoseconds * (double)product(&p.go, p.go.n);
    if (plan_loops(&p, code, add)) {
        all((range){ &f, &p, x, y, product(stay, stay->n), 0, along_some }, cost);
        return;
    }
    const int last = stay->n - 1;
    all((range){ &f, &p, x, y, product(stay, last) * chunks(&p), 0, across_some },
        cost * (double)(stay->size[last] < chunk(&p) ? stay->size[last] : chunk(&p)));
}

/* A few rows added up, as a small bias gradient needs: not worth a plan. */
static bool sum_few_rows(const ag__layout *l, const void *x, uint32_t mask, void *y, bool add)
{
    enum { SMALL = 256 };
    if (!l->contiguous || l->rank < 2 || l->numel > SMALL || mask + 1 != 1u << (l->rank - 1)) return false;
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
