/* preaccumulate.c - ags_preaccumulate: what was recorded since a mark becomes one statement for each result, whose
 * partials are a row of the local Jacobian.
 *
 *      x1 x2 x3 ... | t1 t2 y1 t3 t4 y2              x1 x2 x3 ... | y1 y2
 *                  mark                                          mark
 *
 * The Jacobian comes of reverse sweeps in up to 8 lanes. Adjoints of ids since the mark lie in an array; an id from
 * before it gets a column when the first term arrives there, found by a hash table: however long the tape is, the cost
 * is that of the range. All scratch lies in the tape's arena behind the mark, and nothing changes before the last
 * allocation. */
#include <autograd/tape/links.h>
#include <autograd/tape/watch.h>
#include <autograd/tape/wide.h>
#include <math.h>
#include <string.h>

static const char who[] = "ags_preaccumulate";
#define INLINE static inline __attribute__((always_inline))

typedef struct row {
    ag_scalar y; /* a result: as it is recorded, and then its statement */
    uint32_t n;
    ag_scalar *x;    /* what it depends on, and */
    double *partial; /* how steeply; none is 0 */
} row;

typedef struct range {
    ag_tape *tape;
    ag__position from, to;
    size_t lanes;
    double *since;    /* adjoints by id - from.id, each in so many lanes */
    double *before;   /* and by column; column 0 takes what flows into constants */
    uint32_t *id;     /* by column */
    uint32_t n, room; /* columns */
    uint32_t *table;  /* 2 room places for columns; 0 where none is */
    row *row;
    size_t m;
    uint32_t *row_of; /* by id - from.id: the row's number and 1, or 0 */
} range;

static void *get(range *w, size_t n, size_t each)
{
    size_t bytes;
    if (ag__size_mul(n, each, &bytes)) return ag__arena_get(&w->tape->arena, bytes);
    return ag_fail(AG_ENOMEM, "%s: %zu scalars are too many", who, n), NULL;
}

static void *get_zeros(range *w, size_t n, size_t each)
{
    void *p = get(w, n, each);
    return p ? memset(p, 0, n * each) : NULL;
}

/* ---- columns ---- */

static uint32_t *find(const range *w, uint32_t id)
{
    const uint32_t last = 2 * w->room - 1;
    uint32_t at = (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & last;
    while (w->table[at] && w->id[w->table[at]] != id) at = (at + 1) & last;
    return &w->table[at];
}

static bool widen(range *w)
{
    range wide = *w;
    wide.room = w->room ? 2 * w->room : 32;
    wide.before = get(w, wide.room, AG__MOST_LANES * sizeof *wide.before);
    wide.id = get(w, wide.room, sizeof *wide.id);
    wide.table = get_zeros(w, wide.room, 2 * sizeof *wide.table);
    if (!wide.before || !wide.id || !wide.table) return false;
    if (w->n) memcpy(wide.before, w->before, w->n * w->lanes * sizeof *w->before);
    for (uint32_t j = 1; j < w->n; j++) wide.id[j] = w->id[j], *find(&wide, w->id[j]) = j;
    *w = wide;
    return true;
}

/* Out of memory, which is remembered, it is that of constants. */
static double *column(range *w, uint32_t id, size_t lanes)
{
    if (id == 0 || (w->n == w->room && !widen(w))) return w->before;
    uint32_t *at = find(w, id);
    if (*at == 0) {
        *at = w->n++, w->id[*at] = id;
        memset(w->before + *at * lanes, 0, lanes * sizeof *w->before);
    }
    return w->before + *at * lanes;
}

INLINE double *adjoint(range *w, uint32_t id, size_t lanes)
{
    return ag__likely(id >= w->from.id) ? w->since + (id - w->from.id) * lanes : column(w, id, lanes);
}

/* ---- the sweep ---- */

INLINE bool any(const double *g, size_t lanes)
{
    uint64_t bits = 0, one;
    for (size_t l = 0; l < lanes; l++) memcpy(&one, g + l, sizeof one), bits |= one << 1;
    return bits != 0;
}

/* Where nothing arrived nothing is passed on (sweep.c). */
INLINE void pass(range *w, uint32_t x, double slope, const double *g, size_t lanes)
{
    double *to = adjoint(w, x, lanes);
    if (ag__likely(isfinite(slope)))
        for (size_t l = 0; l < lanes; l++) to[l] += slope * g[l];
    else
        for (size_t l = 0; l < lanes; l++) to[l] += g[l] != 0 ? slope * g[l] : 0;
}

static void pass_links(void *user, size_t n, const ag__link *link)
{
    range *w = user;
    for (size_t i = 0; i < n; i++) pass(w, link[i].x, link[i].slope, adjoint(w, link[i].y, w->lanes), w->lanes);
}

/* A routine knows adjoints by id, in one lane: it sees a call alone, with ids 1 .. m its results and those of operands
 * behind them. */
static void reverse_call(range *w, const ag__record *r)
{
    const ag__routine *f = ag__routine_of(r);
    const uint32_t m = (uint32_t)r->pd[1];
    if (m >= w->to.id - r->id || ag_error()) return; /* there was no room for its results */
    uint32_t *ix = get(w, r->n, sizeof *ix);
    double *adj = get(w, (size_t)r->n + m + 1, sizeof *adj);
    if (!ix || !adj) return;
    ag__record alone = *r;
    alone.id = 0, alone.ix = ix;
    for (uint32_t i = 0; i < r->n; i++) ix[i] = r->ix[i] ? m + 1 + i : 0;
    for (size_t l = 0; l < w->lanes; l++) {
        memset(adj, 0, ((size_t)r->n + m + 1) * sizeof *adj);
        for (uint32_t i = 0; i < m; i++) adj[1 + i] = adjoint(w, r->id + 1 + i, w->lanes)[l];
        f->reverse(f, &alone, adj);
        for (uint32_t i = 0; i < r->n; i++)
            if (r->ix[i]) adjoint(w, r->ix[i], w->lanes)[l] += adj[m + 1 + i];
    }
}

/* Lists, polynomials, blocks and calls. */
static __attribute__((noinline)) ag__step reverse_long(range *w, const ag__chunk *c, ag__position at)
{
    ag__record r;
    ag__record_before(&r, c, at.id, at.ix, at.pd);
    const double *g = adjoint(w, r.id, w->lanes);
    if (r.code >= AG__S_BLOCK)
        ag__block_links(&r, pass_links, w);
    else if (r.code == AG__S_CALL)
        reverse_call(w, &r);
    else if (r.code == AG__S_POLY)
        pass(w, r.ix[0], r.pd[r.n], g, w->lanes);
    else if (r.code != AG__S_HOLD && any(g, w->lanes))
        for (uint32_t i = 0; i < r.n; i++)
            pass(w, r.ix[i], r.code == AG__S_SUM ? 1 : r.code == AG__S_SQNORM ? 2 * r.pd[i] : r.pd[i], g, w->lanes);
    return r.step;
}

/* A statement of up to three operands. */
INLINE void reverse_short(range *w, unsigned code, const uint32_t *ix, const double *pd, const double *g, size_t lanes)
{
    switch (code) {
    case AG__S_INPUT: break;
    case AG__S_COPY: pass(w, ix[0], 1, g, lanes); break;
    case AG__S_neg: pass(w, ix[0], -1, g, lanes); break;
    case AG__S_add:
    case AG__S_sub:
        pass(w, ix[0], 1, g, lanes);
        pass(w, ix[1], code == AG__S_add ? 1 : -1, g, lanes);
        break;
    default:
        pass(w, ix[0], pd[0], g, lanes);
        if (ag__form_of[code].ix > 1) pass(w, ix[1], pd[1], g, lanes);
        if (code == AG__S_FMA) pass(w, ix[2], 1, g, lanes);
    }
}

INLINE void sweep(range *w, size_t lanes)
{
    const uint32_t from = w->from.id;
    for (ag__position next = w->to; next.id > from;) {
        const ag__chunk *c = ag__chunk_before(w->tape, &next);
        const uint32_t first = c->first, stop = first > from ? first : from;
        ag__position at = next; /* of which nobody has the address */
        while (at.id > stop) {
            const unsigned code = c->op[at.id - 1 - first];
            if (code >= AG__S_LONG) {
                ag__step_back(&at, reverse_long(w, c, at));
                continue;
            }
            at.id--, at.ix -= ag__form_of[code].ix, at.pd -= ag__form_of[code].pd;
            const double *g = w->since + (at.id - from) * lanes;
            if (any(g, lanes)) reverse_short(w, code, at.ix, at.pd, g, lanes);
        }
        next = at;
    }
}

/* ---- rows ---- */

static void take_row(range *w, row *r, size_t lane)
{
    const double *column = w->before + lane;
    size_t n = 0;
    for (uint32_t j = 1; j < w->n; j++) n += column[j * w->lanes] != 0;
    r->x = get(w, n, sizeof *r->x), r->partial = get(w, n, sizeof *r->partial);
    for (uint32_t j = 1; r->x && r->partial && j < w->n; j++)
        if (column[j * w->lanes] != 0) r->x[r->n].id = w->id[j], r->partial[r->n++] = column[j * w->lanes];
}

static bool find_rows(range *w)
{
    const size_t ids = w->to.id - w->from.id;
    w->since = get(w, ids, ag__lanes_for(w->m)->k * sizeof *w->since);
    if (!w->since || !widen(w)) return false;
    w->n = 1;
    for (row *r = w->row, *end = r + w->m; r < end; r += w->lanes) {
        const size_t left = (size_t)(end - r), lanes = w->lanes = ag__lanes_for(left)->k;
        memset(w->since, 0, ids * lanes * sizeof *w->since);
        memset(w->before, 0, w->n * lanes * sizeof *w->before);
        for (size_t l = 0; l < lanes && l < left; l++) adjoint(w, r[l].y.id, lanes)[l] = 1;
        switch (lanes) {
        case 1: sweep(w, 1); break;
        case 2: sweep(w, 2); break;
        case 4: sweep(w, 4); break;
        default: sweep(w, 8);
        }
        for (size_t l = 0; l < lanes && l < left; l++) take_row(w, &r[l], l);
        if (ag_error()) return false;
    }
    return true;
}

/* Which of y are recorded since the mark, each once. */
static bool list_rows(range *w, size_t n, const ag_scalar *y)
{
    const uint32_t from = w->from.id;
    w->row_of = get_zeros(w, w->to.id - from, sizeof *w->row_of);
    w->row = get_zeros(w, n, sizeof *w->row);
    if (!w->row_of || !w->row) return false;
    for (size_t i = 0; i < n; i++) {
        if (y[i].id < from || w->row_of[y[i].id - from]) continue;
        w->row[w->m].y = y[i];
        w->row_of[y[i].id - from] = (uint32_t)++w->m;
    }
    return true;
}

/* Room for the statements, beside what is there. */
static bool reserve(range *w)
{
    size_t operands = 0;
    for (size_t i = 0; i < w->m; i++) operands += w->row[i].n;
    return ag__streams_reserve(w->tape, w->from, w->m, operands + 2 * w->m, operands);
}

static void replace(range *w, ag_mark since, size_t n, ag_scalar *y)
{
    ag_tape_rewind(w->tape, since);
    for (row *r = w->row; r < w->row + w->m; r++) {
        for (uint32_t j = 0; j < r->n; j++) r->x[j].gen = ag__pen.gen;
        r->y = ags_statement(r->y.value, r->n, r->x, r->partial);
    }
    for (size_t i = 0; i < n; i++)
        if (y[i].id >= w->from.id) y[i] = w->row[w->row_of[y[i].id - w->from.id] - 1].y;
}

ag_status ags_preaccumulate(ag_mark since, size_t n, ag_scalar *y)
{
    ag_tape *t = ag__tape(who);
    if (ag_error() || !t) return ag_error();
    if (n && !y) return ag_fail(AG_ENULL, "%s: the array of %zu scalars is NULL", who, n);
    const ag__saved_place *place = ag__marked(t, since, who);
    if (!place) return ag_error();
    for (size_t i = 0; i < n; i++)
        if (!ag__streams_live(y[i], who)) return ag_error();
    if (t->n_node > place->node)
        return ag_fail(AG_EINVAL, "%s: a range has scalars only, and %u tensors were made since the mark", who,
                       t->n_node - place->node);
    range w = { .tape = t, .from = t->mark[place->scalar], .to = ag__streams_tell(t) };
    if (w.to.id == w.from.id) return AG_OK;
    if (ag__here.off) return ag_fail(AG_EINVAL, "%s: recording was on since the mark, and is off now", who);
    const ag__arena_mark scratch = ag__arena_tell(&t->arena);
    if ((!t->watch || ag__watch_all(t)) && list_rows(&w, n, y) && find_rows(&w) && reserve(&w))
        replace(&w, since, n, y);
    else
        ag__arena_rewind(&t->arena, scratch);
    return ag_error();
}
