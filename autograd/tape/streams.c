/* streams.c - the life of the scalar streams: chunks, generations, the thread's pen; see streams.h. */
#include <autograd/tape/streams.h>
#include <autograd/tape/watch.h>
#include <string.h>

enum {
    FIRST_CHUNK = 1024, /* ids; chunks grow with the tape */
    LAST_CHUNK = 262144,
    LITTLE = 32, /* a chunk with room for fewer statements is left */
};
#define NOBODY UINT32_MAX /* the generation of a closed pen */

static const ag_pen closed = { .gen = NOBODY };
__thread ag_pen ag__pen AG__INITIAL_EXEC = { .gen = NOBODY };
__thread const char *ag__at AG__INITIAL_EXEC;

/* ---- generations ---- */

static uint32_t new_generation(ag__streams *s)
{
    static _Atomic uint32_t last;
    uint32_t g;
    do g = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    while (g == 0 || g == NOBODY);
    if (s->taken++ == 0) s->born = g;
    return g;
}

static bool span_room(ag_tape *t)
{
    ag__streams *s = t->streams;
    if (s->n_span < s->max_span) return true;
    const uint32_t n = 2 * s->max_span;
    ag__span *more =
        ag__grow(&t->budget, s->span, s->max_span * sizeof *more, n * sizeof *more, "the tape's generations");
    if (!more) return false;
    s->span = more, s->max_span = n;
    return true;
}

/* Ids from `first` on belong to a new generation. Spans that began later are gone: rewinding often to one place does
 * not add up. Without memory older scalars go stale, and the error says why. */
static void open_span(ag_tape *t, ag_pen *p, uint32_t first)
{
    ag__streams *s = t->streams;
    while (s->n_span && s->span[s->n_span - 1].first >= first) s->n_span--;
    if (!span_room(t)) s->n_span--;
    p->gen = new_generation(s);
    s->span[s->n_span++] = (ag__span){ p->gen, first };
}

/* Generations grow from span to span. Scalars of the same one as a rule come again. */
static bool is_live(const ag_tape *t, ag_scalar x)
{
    ag__streams *s = t->streams;
    uint32_t low = s->span_seen, high = s->n_span - 1;
    if (low > high || s->span[low].gen != x.gen) {
        low = 0;
        while (low < high) { /* the last one that is not younger */
            const uint32_t middle = (low + high + 1) / 2;
            if (s->span[middle].gen - s->born <= x.gen - s->born)
                low = middle;
            else
                high = middle - 1;
        }
        s->span_seen = low;
    }
    const uint32_t end = low + 1 < s->n_span ? s->span[low + 1].first : ag__pen_of(t)->next;
    return s->span[low].gen == x.gen && x.id >= s->span[low].first && x.id < end;
}

/* Generations only grow, and a tape knows its first, its last and how many there were: between them nobody else's can
 * be if none is missing. */
static const char *why_stale(const ag__streams *s, uint32_t gen)
{
    uint32_t last = s->span[s->n_span - 1].gen, since = gen - s->born, life = last - s->born;
    if (gen == 0 || since > life) return "belongs to another tape";
    if (life + 1 != s->taken) return "was recorded before a reset of its tape (stale), or belongs to another tape";
    if (gen - s->span[0].gen <= last - s->span[0].gen) return "was recorded before a rewind of its tape (stale)";
    return "was recorded before a reset of its tape (stale)";
}

/* ---- life ---- */

static void begin(ag_tape *t, ag_pen *p)
{
    ag__streams *s = t->streams;
    *p = (ag_pen){ .next = 1, .limit = 1, .keep = t->first_order ? 0 : UINT32_MAX };
    s->current = s->n_span = 0;
    s->n_adjoint = 0;
    open_span(t, p, 1);
}

ag_status ag__streams_new(ag_tape *t)
{
    enum { SPANS = 8 };
    ag__streams *s = ag__alloc(&t->budget, sizeof *s, "a tape");
    if (!s) return ag_error();
    memset(s, 0, sizeof *s);
    s->span = ag__alloc(&t->budget, SPANS * sizeof *s->span, "a tape");
    if (!s->span) return ag__release(&t->budget, s, sizeof *s), ag_error();
    s->max_span = SPANS;
    t->streams = s;
    begin(t, &s->pen);
    return AG_OK;
}

void ag__streams_free(ag_tape *t)
{
    ag__streams *s = t->streams;
    ag__streams_leave(t);
    for (uint32_t k = 0; k < s->n_chunk; k++) ag__release(&t->budget, s->chunk[k], s->chunk[k]->bytes);
    ag__release(&t->budget, s->chunk, s->max_chunk * sizeof *s->chunk);
    ag__release(&t->budget, s->span, s->max_span * sizeof *s->span);
    ag__release(&t->budget, s->adjoint, s->max_adjoint * sizeof *s->adjoint);
    ag__release(&t->budget, s->spare, s->spare_bytes);
    ag__release(&t->budget, s, sizeof *s);
    t->streams = NULL;
}

void ag__streams_reset(ag_tape *t)
{
    begin(t, ag__pen_of(t));
}

void ag__streams_enter(ag_tape *t)
{
    ag__pen = closed;
    if (!t || ag__here.off) return;
    ag__pen = t->streams->pen;
    t->streams->lent = true;
}

void ag__streams_leave(ag_tape *t)
{
    if (!t->streams->lent) return;
    t->streams->pen = ag__pen;
    t->streams->lent = false;
    ag__pen = closed;
}

void ag__streams_record(bool on)
{
    if (!ag__here.tape) return;
    if (on)
        ag__streams_enter(ag__here.tape);
    else
        ag__streams_leave(ag__here.tape);
}

uint32_t ag__streams_count(const ag_tape *t)
{
    return ag__pen_of(t)->next;
}

/* ---- chunks ---- */

static ag__chunk *current_chunk(const ag__streams *s)
{
    return s->n_chunk ? s->chunk[s->current] : NULL;
}

static bool fits(const ag__chunk *c, const ag_pen *p, size_t ids, size_t n_ix, size_t n_pd)
{
    return c->ids - (p->next - c->first) >= ids && (size_t)(c->ix_end - p->ix) >= n_ix &&
           (size_t)(c->pd_end - p->pd) >= n_pd;
}

/* Up to the limit every statement finds room for three operands and two partials. */
static void set_limit(const ag__streams *s, const ag__chunk *c, ag_pen *p)
{
    size_t room = c->ids - (p->next - c->first);
    size_t ix = (size_t)(c->ix_end - p->ix) / 3, pd = (size_t)(c->pd_end - p->pd) / 2;
    if (ix < room) room = ix;
    if (pd < room) room = pd;
    p->limit = p->next + (s->watched && room ? 1 : (uint32_t)room);
}

/* The pen goes on in chunk c at these places. Indexed by id means: biased by the first, which never is dereferenced. */
static void point(ag_pen *p, ag__streams *s, ag__chunk *c, uint32_t *ix, double *pd)
{
    p->ix = ix, p->pd = pd;
    p->op = (uint8_t *)((uintptr_t)c->op - c->first);
    p->val = c->val ? (double *)((uintptr_t)c->val - c->first * sizeof(double)) : &s->one_place;
    set_limit(s, c, p);
}

static bool sum_bytes(size_t *sum, size_t n, size_t size)
{
    size_t bytes;
    return ag__size_mul(n, size, &bytes) && ag__size_add(*sum, bytes, sum);
}

/* The usual mix of statements uses 1.9 operands and 1.0 partials each. */
static ag__chunk *new_chunk(ag_tape *t, size_t ids, size_t n_ix, size_t n_pd)
{
    size_t usual_ix = 2 * ids, usual_pd = ids + ids / 8, bytes = sizeof(ag__chunk), vals = t->first_order ? 0 : ids;
    if (n_ix < usual_ix) n_ix = usual_ix;
    if (n_pd < usual_pd) n_pd = usual_pd;
    if (!sum_bytes(&bytes, n_pd, sizeof(double)) || !sum_bytes(&bytes, vals, sizeof(double)) ||
        !sum_bytes(&bytes, n_ix, sizeof(uint32_t)) || !sum_bytes(&bytes, ids, 1))
        return ag_fail(AG_ENOMEM, "scalar statements: too many operands"), NULL;
    ag__chunk *c = ag__alloc(&t->budget, bytes, "scalar statements");
    if (!c) return NULL;
    ag__prefer_huge_pages(c, bytes); /* read and written a few per cent faster where it is too long for the caches */
    *c = (ag__chunk){ .ids = (uint32_t)ids, .bytes = bytes };
    c->pd = (double *)(c + 1), c->pd_end = c->pd + n_pd;
    c->val = t->first_order ? NULL : c->pd_end;
    c->ix = (uint32_t *)(c->pd_end + vals), c->ix_end = c->ix + n_ix;
    c->op = (uint8_t *)c->ix_end;
    return c;
}

/* A new chunk at index k: spare ones that were too small for a long record move up. */
static bool insert_chunk(ag_tape *t, uint32_t k, ag__chunk *c)
{
    ag__streams *s = t->streams;
    if (s->n_chunk == s->max_chunk) {
        uint32_t n = s->max_chunk ? 2 * s->max_chunk : 8;
        ag__chunk **more = ag__grow(&t->budget, s->chunk, s->max_chunk * sizeof(ag__chunk *), n * sizeof(ag__chunk *),
                                    "scalar statements");
        if (!more) return ag__release(&t->budget, c, c->bytes), false;
        s->chunk = more, s->max_chunk = n;
    }
    memmove(s->chunk + k + 1, s->chunk + k, (s->n_chunk - k) * sizeof *s->chunk);
    s->chunk[k] = c;
    s->n_chunk++;
    return true;
}

static bool next_chunk(ag_tape *t, ag_pen *p, size_t ids, size_t n_ix, size_t n_pd)
{
    ag__streams *s = t->streams;
    ag__chunk *old = p->ix ? current_chunk(s) : NULL, *c;
    uint32_t k = old ? s->current + 1 : 0;
    if (ids > UINT32_MAX - p->next) return ag_fail(AG_ENOMEM, "a tape holds at most 2^32 scalars"), false;
    c = k < s->n_chunk ? s->chunk[k] : NULL;
    if (!c || c->ids < ids || (size_t)(c->ix_end - c->ix) < n_ix || (size_t)(c->pd_end - c->pd) < n_pd) {
        size_t usual = p->next < FIRST_CHUNK ? FIRST_CHUNK : p->next < LAST_CHUNK ? p->next : LAST_CHUNK;
        if (usual > UINT32_MAX - p->next) usual = UINT32_MAX - p->next;
        c = new_chunk(t, ids > usual ? ids : usual, n_ix, n_pd);
        if (!c || !insert_chunk(t, k, c)) return false;
    } else if (c->ids > UINT32_MAX - p->next)
        c->ids = UINT32_MAX - p->next;
    if (old) old->ix_used = p->ix, old->pd_used = p->pd;
    s->current = k;
    c->first = p->next;
    point(p, s, c, c->ix, c->pd);
    return true;
}

bool ag__streams_turn(ag_pen *p)
{
    ag_tape *t = ag__here.tape;
    if (!t) return ag_fail(AG_ETAPE, "ag_input: no tape is current"), false;
    if (ag__pen_closed(p) || (t->watch && !ag__watch_statement(t))) return false;
    if (p->ix && fits(current_chunk(t->streams), p, LITTLE, 3 * LITTLE, 2 * LITTLE)) {
        set_limit(t->streams, current_chunk(t->streams), p);
        return true;
    }
    return next_chunk(t, p, LITTLE, 3 * LITTLE, 2 * LITTLE);
}

bool ag__streams_room(ag_pen *p, size_t ids, size_t n_ix, size_t n_pd)
{
    ag_tape *t = ag__here.tape;
    if (!t || ag__pen_closed(p) || (t->watch && !ag__watch_statement(t))) return false;
    if (p->ix && fits(current_chunk(t->streams), p, ids, n_ix, n_pd)) {
        set_limit(t->streams, current_chunk(t->streams), p);
        return true;
    }
    return next_chunk(t, p, ids, n_ix, n_pd);
}

ag__position ag__streams_begin(const ag_tape *t)
{
    (void)t;
    return (ag__position){ .id = 1 };
}

ag__position ag__streams_tell(const ag_tape *t)
{
    const ag_pen *p = ag__pen_of(t);
    return (ag__position){ p->next, t->streams->current, p->ix, p->pd };
}

void ag__streams_rewind(ag_tape *t, ag__position to)
{
    ag__streams *s = t->streams;
    ag_pen *p = ag__pen_of(t);
    p->next = to.id;
    s->current = to.chunk;
    if (s->n_adjoint > to.id) s->n_adjoint = to.id;
    if (to.ix)
        point(p, s, s->chunk[to.chunk], to.ix, to.pd);
    else
        p->ix = NULL, p->pd = NULL, p->limit = p->next; /* before the first chunk was opened */
    open_span(t, p, to.id);
}

/* What does not fit behind `to` in its chunk will find the next one large enough for all. An empty one may stand
 * anywhere. */
bool ag__streams_reserve(ag_tape *t, ag__position to, size_t ids, size_t n_ix, size_t n_pd)
{
    ag__streams *s = t->streams;
    if (!span_room(t)) return false;
    if (ids > UINT32_MAX - to.id) return ag_fail(AG_ENOMEM, "a tape holds at most 2^32 scalars"), false;
    if (to.ix && fits(s->chunk[to.chunk], &(ag_pen){ .next = to.id, .ix = to.ix, .pd = to.pd }, ids, n_ix, n_pd))
        return true;
    const uint32_t k = to.ix ? to.chunk + 1 : 0;
    const ag__chunk *next = k < s->n_chunk ? s->chunk[k] : NULL;
    if (next && next->ids >= ids && (size_t)(next->ix_end - next->ix) >= n_ix &&
        (size_t)(next->pd_end - next->pd) >= n_pd)
        return true;
    ag__chunk *c = new_chunk(t, ids > FIRST_CHUNK ? ids : FIRST_CHUNK, n_ix, n_pd);
    if (!c || !insert_chunk(t, k, c)) return false;
    c->ix_used = c->ix, c->pd_used = c->pd;
    if (k <= s->current) c->first = s->chunk[k + 1]->first, s->current++;
    return true;
}

uint64_t ag__streams_bytes(const ag_tape *t)
{
    const ag__streams *s = t->streams;
    const ag_pen *p = ag__pen_of(t);
    uint64_t bytes = s->n_adjoint * sizeof(double);
    if (!p->ix) return bytes;
    for (uint32_t k = 0; k <= s->current; k++) {
        const ag__chunk *c = s->chunk[k];
        bool last = k == s->current;
        bytes += (uint64_t)(ag__chunk_end(t, k) - c->first) * (c->val ? 1 + sizeof(double) : 1);
        bytes += (uint64_t)((last ? p->ix : c->ix_used) - c->ix) * sizeof(uint32_t);
        bytes += (uint64_t)((last ? p->pd : c->pd_used) - c->pd) * sizeof(double);
    }
    return bytes;
}

/* ---- handles ---- */

uint32_t ag__pen_settle(ag_pen *p, ag_scalar x, const char *who, unsigned operand)
{
    ag_tape *t = ag__here.tape;
    if (!t) return ag_fail(AG_ETAPE, "%s: no tape is current", who), 0;
    if (!is_live(t, x)) return ag_fail(AG_ESTALE, "%s: operand %u %s", who, operand, why_stale(t->streams, x.gen)), 0;
    return ag__pen_closed(p) ? 0 : x.id;
}

bool ag__streams_older(ag_scalar x, const char *who)
{
    ag_tape *t = ag__here.tape;
    if (!t) return ag_fail(AG_ETAPE, "%s: no tape is current", who), false;
    if (is_live(t, x)) return true;
    return ag_fail(AG_ESTALE, "%s: the scalar %s", who, why_stale(t->streams, x.gen)), false;
}

uint32_t ag__chunk_of(const ag_tape *t, uint32_t id)
{
    const ag__streams *s = t->streams;
    uint32_t low = 0, high = s->current;
    while (low < high) { /* the last chunk that begins at or before it */
        uint32_t middle = (low + high + 1) / 2;
        if (s->chunk[middle]->first <= id)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

double ag__streams_value(ag_tape *t, uint32_t id)
{
    const ag__chunk *c = t->streams->chunk[ag__chunk_of(t, id)];
    return c->val[id - c->first];
}

ag_scalar ag__streams_handle(ag_tape *t, uint32_t id, const char *who)
{
    const ag__streams *s = t->streams;
    if (t->first_order) return ag_fail(AG_ENODIFF, "%s: this tape keeps no values (first_order)", who), ag_const(0);
    uint32_t k = s->n_span - 1;
    while (s->span[k].first > id) k--;
    return (ag_scalar){ ag__streams_value(t, id), id, s->span[k].gen };
}

/* A record of n ids, and of partials that the caller writes then; NULL: remembered why. */
static const uint32_t *list_ids(unsigned code, const char *who, size_t n, const ag_scalar *x, size_t partials)
{
    ag_pen *p = &ag__pen;
    if (n > UINT32_MAX - 2) return ag_fail(AG_ENOMEM, "%s: %zu scalars are too many", who, n), NULL;
    if (!ag__room(p, 1, n + 2, partials)) return NULL;
    uint32_t *ix = p->ix, *ids = ix + 1;
    for (size_t i = 0; i < n; i++) ids[i] = ag__settled_as(p, x[i], who, (unsigned)i + 1);
    if (ag_error()) return NULL;
    ix[0] = ids[n] = (uint32_t)n;
    p->val[p->next & p->keep] = 0;
    ag__close(p, code, 1, ids + n + 1, p->pd + partials);
    return ids;
}

const uint32_t *ag__streams_hold(ag_tape *t, size_t n, const ag_scalar *x)
{
    (void)t; /* the current one */
    return list_ids(AG__S_HOLD, "ag_pack", n, x, 0);
}

bool ag__streams_call(ag_tape *t, const ag__routine *f, size_t n, const ag_scalar *x, size_t m, const double *values,
                      ag_scalar *y)
{
    if (!list_ids(AG__S_CALL, f->who, n, x, 2)) return false;
    memcpy(ag__pen.pd - 2, &f, sizeof f);
    ag__pen.pd[-1] = (double)m;
    return ag__streams_inputs(t, m, values, y) || m == 0;
}

/* Consecutive also where a chunk ends: ids count through. */
uint32_t ag__streams_inputs(ag_tape *t, size_t n, const double *values, ag_scalar *out)
{
    ag_pen *p = &ag__pen;
    uint32_t first = p->next;
    for (size_t i = 0, m; i < n; i += m) {
        size_t least = n - i < LITTLE ? n - i : LITTLE;
        if (!ag__streams_room(p, least, 0, 0)) {
            for (i = 0; i < n; i++) out[i] = ag_const(values[i]);
            return 0;
        }
        const ag__chunk *c = current_chunk(t->streams);
        m = c->ids - (p->next - c->first);
        if (m > n - i) m = n - i;
        uint32_t id = p->next;
        memset(p->op + id, AG__S_INPUT, m);
        if (p->keep) memcpy(p->val + id, values + i, m * sizeof *values);
        for (size_t k = 0; k < m; k++) out[i + k] = (ag_scalar){ values[i + k], id + (uint32_t)k, p->gen };
        p->next = id + (uint32_t)m;
    }
    return n ? first : 0;
}

double *ag__streams_adjoints(ag_tape *t)
{
    ag__streams *s = t->streams;
    size_t n = ag__streams_count(t);
    if (n > s->max_adjoint) {
        size_t more = n + n / 4;
        double *a = ag__alloc(&t->budget, more * sizeof *a, "adjoints of scalars");
        if (!a) return NULL;
        ag__prefer_huge_pages(a, more * sizeof *a);
        ag__release(&t->budget, s->adjoint, s->max_adjoint * sizeof *a);
        s->adjoint = a, s->max_adjoint = more;
    }
    memset(s->adjoint, 0, n * sizeof *s->adjoint);
    s->n_adjoint = n;
    return s->adjoint;
}
