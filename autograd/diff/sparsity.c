/* sparsity.c - patterns from the tape, in one pass over its records.
 *
 * Each statement has the set of x it depends on. For a Hessian a second pass, backwards, finds for each the set of x
 * that the adjoint depends on: what its results' adjoints do, and where a slope bends, what moves it (the nonlinear
 * interactions of Walther, "Computing sparse Hessians with automatic differentiation", 2008).
 *
 * A set is a list of indices, or the union of two sets, formed when it is needed: the partial sums of a long sum are
 * never spread out. A union is spread as soon as it could cost more than a few times its size to do it later. */
#include <autograd/diff/sparsity.h>
#include <autograd/tape/links.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 32, SLACK = 64 };
#define UNION UINT32_MAX

typedef struct set {
    uint32_t n;    /* of a list; or UNION */
    uint32_t size; /* at least so many indices */
    uint32_t cost; /* of spreading it */
    uint32_t left, right;
    uint32_t seen; /* by which spreading */
    size_t first;  /* of a list: in the pool */
} set;

typedef struct sets {
    ag__budget *budget;
    size_t n, room; /* set 0 is empty */
    set *set;
    size_t used, pool_room;
    uint32_t *pool;
    size_t stack_room;
    uint32_t *stack;
    size_t indices; /* 0 .. indices - 1 */
    uint32_t *seen, spreadings;
    bool failed;
} sets;

static bool grow(sets *s, void *array, size_t *room, size_t wanted, size_t each)
{
    void **at = array;
    if (wanted <= *room) return true;
    const size_t more = wanted + wanted / 2 + 64;
    void *p = ag__grow(s->budget, *at, *room * each, more * each, "a sparsity pattern");
    if (!p) return s->failed = true, false;
    *at = p, *room = more;
    return true;
}

static bool sets_begin(sets *s, ag__budget *budget, size_t indices)
{
    *s = (sets){ .budget = budget, .indices = indices };
    s->seen = ag__alloc(budget, (indices + 1) * sizeof *s->seen, "a sparsity pattern");
    if (!s->seen || !grow(s, &s->set, &s->room, 1, sizeof *s->set)) return false;
    memset(s->seen, 0, (indices + 1) * sizeof *s->seen);
    s->set[0] = (set){ 0 };
    s->n = 1;
    return true;
}

static void sets_end(sets *s)
{
    ag__release(s->budget, s->set, s->room * sizeof *s->set);
    ag__release(s->budget, s->pool, s->pool_room * sizeof *s->pool);
    ag__release(s->budget, s->stack, s->stack_room * sizeof *s->stack);
    ag__release(s->budget, s->seen, (s->indices + 1) * sizeof *s->seen);
}

static uint32_t new_set(sets *s, set new)
{
    if (s->n == UNION - 1 || !grow(s, &s->set, &s->room, s->n + 1, sizeof *s->set)) return s->failed = true, 0;
    s->set[s->n] = new;
    return (uint32_t)s->n++;
}

static uint32_t new_list(sets *s, size_t first, uint32_t n)
{
    return new_set(s, (set){ .n = n, .size = n, .cost = n, .first = first });
}

static uint32_t single(sets *s, uint32_t index)
{
    if (!grow(s, &s->pool, &s->pool_room, s->used + 1, sizeof *s->pool)) return 0;
    s->pool[s->used] = index;
    return new_list(s, s->used++, 1);
}

/* Is a, a short list, part of the list b? */
static bool is_part(const sets *s, const set *a, const set *b)
{
    for (uint32_t i = 0; i < a->n; i++) {
        const uint32_t wanted = s->pool[a->first + i], *p = s->pool + b->first;
        uint32_t n = b->n;
        for (; n > 1; n -= n / 2)
            if (p[n / 2] <= wanted) p += n / 2;
        if (*p != wanted) return false;
    }
    return true;
}

/* Both short, and neither part of the other. */
static uint32_t merge(sets *s, const set *a, const set *b)
{
    if (!grow(s, &s->pool, &s->pool_room, s->used + a->n + b->n, sizeof *s->pool)) return 0;
    const uint32_t *p = s->pool + a->first, *q = s->pool + b->first, *p_end = p + a->n, *q_end = q + b->n;
    uint32_t *to = s->pool + s->used;
    while (p < p_end || q < q_end) {
        const bool first = q == q_end || (p < p_end && *p <= *q), second = p == p_end || (q < q_end && *q <= *p);
        *to++ = first ? *p : *q;
        p += first, q += second;
    }
    const uint32_t n = (uint32_t)(to - (s->pool + s->used));
    s->used += n;
    return new_list(s, s->used - n, n);
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The indices of lists below u go behind the pool's end, each once, in any order. */
static uint32_t collect(sets *s, uint32_t u, uint32_t *largest)
{
    const uint32_t now = ++s->spreadings;
    size_t depth = 1;
    uint32_t n = 0;
    *largest = 0;
    if (!grow(s, &s->stack, &s->stack_room, 1, sizeof *s->stack)) return 0;
    s->stack[0] = u;
    while (depth) {
        const uint32_t k = s->stack[--depth];
        set *e = &s->set[k];
        if (e->seen == now) continue;
        e->seen = now;
        if (e->n == UNION) {
            if (!grow(s, &s->stack, &s->stack_room, depth + 2, sizeof *s->stack)) return 0;
            s->stack[depth++] = e->left, s->stack[depth++] = e->right;
            continue;
        }
        if (!grow(s, &s->pool, &s->pool_room, s->used + n + e->n, sizeof *s->pool)) return 0;
        if (e->n > s->set[*largest].n) *largest = k;
        for (uint32_t i = 0; i < e->n; i++) {
            const uint32_t index = s->pool[e->first + i];
            if (s->seen[index] != now) s->pool[s->used + n++] = index;
            s->seen[index] = now;
        }
    }
    return n;
}

/* Makes u a list. */
static void spread(sets *s, uint32_t u)
{
    uint32_t largest, n;
    if (s->set[u].n != UNION) return;
    n = collect(s, u, &largest);
    if (s->failed) return;
    set *e = &s->set[u];
    e->first = s->used;
    if (n == s->set[largest].n) {
        e->first = s->set[largest].first; /* they share it */
    } else {
        if (n < s->indices / 16) {
            qsort(s->pool + s->used, n, sizeof *s->pool, ascending);
        } else {
            uint32_t *to = s->pool + s->used;
            for (uint32_t i = 0; i < s->indices; i++)
                if (s->seen[i] == s->spreadings) *to++ = i;
        }
        s->used += n;
    }
    e->n = e->size = e->cost = n;
}

static uint32_t both(sets *s, uint32_t a, uint32_t b)
{
    if (a == b || b == 0 || s->failed) return a;
    if (a == 0) return b;
    const set *p = &s->set[a], *q = &s->set[b];
    if (p->n != UNION && q->n != UNION) {
        if (p->first == q->first && p->n == q->n) return a;
        if (p->n <= q->n && p->n <= SMALL / 2 && is_part(s, p, q)) return b;
        if (q->n <= p->n && q->n <= SMALL / 2 && is_part(s, q, p)) return a;
        if (p->n + q->n <= SMALL) return merge(s, p, q);
    }
    const uint32_t size = p->size > q->size ? p->size : q->size, cost = p->cost + q->cost + 1;
    const uint32_t u = new_set(s, (set){ .n = UNION, .size = size, .cost = cost, .left = a, .right = b });
    if (cost > SLACK + 4 * (uint64_t)size) spread(s, u);
    return u;
}

/* ---- what depends on which x ---- */

typedef struct pass {
    const ag__map *f;
    sets sets;
    uint32_t *on;      /* by id: the x it depends on */
    uint32_t *adjoint; /* by id: the x its adjoint depends on */
    uint8_t *reached;  /* by id: has it an adjoint */
} pass;

static bool is_step(unsigned code) /* slope 0 everywhere */
{
    return code == AG__S_sign || code == AG__S_floor || code == AG__S_ceil || code == AG__S_trunc ||
           code == AG__S_round;
}

static uint32_t operands(const ag__record *r)
{
    return is_step(r->code) ? 0 : ag__record_operands(r);
}

static void links_forward(void *user, size_t n, const ag__link *link)
{
    pass *p = user;
    for (size_t i = 0; i < n; i++) p->on[link[i].y] = both(&p->sets, p->on[link[i].y], p->on[link[i].x]);
}

static uint32_t on_any(pass *p, uint32_t n, const uint32_t *ids, const uint32_t *by_id)
{
    uint32_t u = 0;
    for (uint32_t i = 0; i < n; i++) u = both(&p->sets, u, by_id[ids[i]]);
    return u;
}

static void record_forward(pass *p, const ag__record *r)
{
    if (r->code >= AG__S_BLOCK) {
        ag__block_links(r, links_forward, p);
        return;
    }
    const uint32_t u = on_any(p, operands(r), r->ix, p->on);
    const uint32_t first = r->code == AG__S_CALL ? r->id + 1 : r->id;
    const uint32_t count = r->code == AG__S_CALL ? (uint32_t)r->pd[1] : 1;
    for (uint32_t id = first; id < first + count && id < p->f->ids; id++) p->on[id] = both(&p->sets, p->on[id], u);
}

static void forward(pass *p)
{
    const ag__map *f = p->f;
    ag_tape *t = f->tape;
    for (size_t j = 0; j < f->n; j++)
        if (f->x[j].id) p->on[f->x[j].id] = both(&p->sets, p->on[f->x[j].id], single(&p->sets, (uint32_t)j));
    for (ag__position at = f->from; at.id < f->to.id && !p->sets.failed;) {
        const ag__chunk *c = ag__chunk_after(t, &at);
        ag__record r;
        ag__record_after(&r, c, at.id, at.ix, at.pd);
        ag__step_on(&at, r.step);
        record_forward(p, &r);
    }
}

/* ---- what adjoints depend on ---- */

static void add(pass *p, uint32_t id, uint32_t u)
{
    if (id == 0) return;
    p->reached[id] = 1;
    p->adjoint[id] = both(&p->sets, p->adjoint[id], u);
}

static void links_back(void *user, size_t n, const ag__link *link)
{
    pass *p = user;
    for (size_t i = 0; i < n; i++)
        if (p->reached[link[i].y]) add(p, link[i].x, p->adjoint[link[i].y]);
}

static void bends_back(void *user, size_t n, const ag__bend *bend)
{
    pass *p = user;
    for (size_t i = 0; i < n; i++)
        if (p->reached[bend[i].y]) add(p, bend[i].x, p->on[bend[i].with]);
}

/* The adjoints of all n depend on all. */
static void all_with_all(pass *p, uint32_t n, const uint32_t *ids, uint32_t first)
{
    uint32_t u = 0;
    for (uint32_t i = 0; i < n; i++) u = both(&p->sets, u, p->on[ids ? ids[i] : first + i]);
    for (uint32_t i = 0; i < n; i++) add(p, ids ? ids[i] : first + i, u);
}

static void block_back(pass *p, const ag__record *r)
{
    ag__block_links(r, links_back, p);
    ag__block_bends(r, bends_back, p);
    for (uint32_t i = 0; r->code == AG__S_BLOCK_LOGSUMEXPS && i < r->n; i++)
        if (p->reached[r->id + i]) all_with_all(p, r->ix[1], NULL, r->ix[0] + i * r->ix[1]);
}

static void call_back(pass *p, const ag__record *r)
{
    uint32_t u = 0;
    bool reached = false;
    for (uint32_t id = r->id + 1; id <= r->id + (uint32_t)r->pd[1] && id < p->f->ids; id++) {
        reached |= p->reached[id];
        u = both(&p->sets, u, p->adjoint[id]);
    }
    if (!reached) return;
    for (uint32_t i = 0; i < r->n; i++) add(p, r->ix[i], u);
    all_with_all(p, r->n, r->ix, 0);
}

static void bend_back(pass *p, const ag__record *r)
{
    const uint32_t *ix = r->ix, n = operands(r);
    switch (r->code) {
    case AG__S_COPY:
    case AG__S_SCALE:
    case AG__S_neg:
    case AG__S_add:
    case AG__S_sub:
    case AG__S_abs:
    case AG__S_relu:
    case AG__S_maximum:
    case AG__S_minimum:
    case AG__S_LIN:
    case AG__S_SUM: break; /* slopes do not bend */
    case AG__S_mul:
    case AG__S_FMA:
        if (ix[0] && ix[1]) add(p, ix[0], p->on[ix[1]]), add(p, ix[1], p->on[ix[0]]);
        break;
    case AG__S_div:
        if (ix[0] && ix[1]) add(p, ix[0], p->on[ix[1]]), add(p, ix[1], p->on[ix[0]]);
        if (ix[1]) add(p, ix[1], p->on[ix[1]]);
        break;
    case AG__S_DOT:
        for (uint32_t i = 0, half = n / 2; i < n; i++) add(p, ix[i], p->on[ix[i < half ? i + half : i - half]]);
        break;
    case AG__S_SQNORM:
        for (uint32_t i = 0; i < n; i++) add(p, ix[i], p->on[ix[i]]);
        break;
    case AG__S_POLY:
        if (r->n > 2) add(p, ix[0], p->on[ix[0]]);
        break;
    default: all_with_all(p, n, ix, 0);
    }
}

static void backward(pass *p)
{
    const ag__map *f = p->f;
    ag_tape *t = f->tape;
    p->reached[f->y[0].id] = 1;
    for (ag__position at = f->to; at.id > f->from.id && !p->sets.failed;) {
        const ag__chunk *c = ag__chunk_before(t, &at);
        ag__record r;
        ag__record_before(&r, c, at.id, at.ix, at.pd);
        ag__step_back(&at, r.step);
        if (r.code >= AG__S_BLOCK) {
            block_back(p, &r);
        } else if (r.code == AG__S_CALL) {
            call_back(p, &r);
        } else if (p->reached[r.id]) {
            for (uint32_t i = 0, n = operands(&r); i < n; i++) add(p, r.ix[i], p->adjoint[r.id]);
            bend_back(p, &r);
        }
    }
}

/* ---- rows ---- */

void ag__rows_free(ag__rows *r)
{
    if (r->index) ag__release(NULL, r->index, ((size_t)r->start[r->n] + 1) * sizeof *r->index);
    ag__release(NULL, r->start, (r->n + 1) * sizeof *r->start);
    r->start = r->index = NULL;
}

static bool rows_begin(ag__rows *r, size_t n)
{
    *r = (ag__rows){ n, ag__alloc(NULL, (n + 1) * sizeof *r->start, "a sparse matrix"), NULL };
    if (r->start) memset(r->start, 0, (n + 1) * sizeof *r->start);
    return r->start;
}

/* start[i + 1] are lengths so far. */
static bool rows_room(ag__rows *r)
{
    for (size_t i = 0; i < r->n; i++) r->start[i + 1] += r->start[i];
    r->index = ag__alloc(NULL, ((size_t)r->start[r->n] + 1) * sizeof *r->index, "a sparse matrix");
    return r->index;
}

bool ag__rows_turn(const ag__rows *r, size_t n, ag__rows *turned)
{
    if (!rows_begin(turned, n)) return false;
    const int64_t nnz = r->start[r->n];
    for (int64_t k = 0; k < nnz; k++) turned->start[r->index[k] + 1]++;
    if (!rows_room(turned)) return ag__rows_free(turned), false;
    for (size_t i = 0; i < r->n; i++) /* start[j] moves to the end of row j, where j + 1 begins */
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++)
            turned->index[turned->start[r->index[k]]++] = (int64_t)i;
    memmove(turned->start + 1, turned->start, n * sizeof *turned->start);
    turned->start[0] = 0;
    return true;
}

/* The sets of n scalars as rows. */
static bool rows_of(pass *p, size_t n, const ag_scalar *s, const uint32_t *by_id, ag__rows *r)
{
    if (!rows_begin(r, n)) return false;
    for (size_t i = 0; i < n && !p->sets.failed; i++) {
        const uint32_t u = by_id[s[i].id];
        spread(&p->sets, u);
        r->start[i + 1] = p->sets.set[u].n;
    }
    if (p->sets.failed || !rows_room(r)) return ag__rows_free(r), false;
    for (size_t i = 0; i < n; i++) {
        const set *e = &p->sets.set[by_id[s[i].id]];
        for (uint32_t k = 0; k < e->n; k++) r->index[r->start[i] + k] = p->sets.pool[e->first + k];
    }
    return true;
}

static bool pattern(const ag__map *f, bool hessian, ag__rows *r)
{
    ag__budget *budget = &f->tape->budget;
    const size_t ids = f->ids, bytes = ids * (hessian ? 2 * sizeof(uint32_t) + 1 : sizeof(uint32_t));
    pass p = { .f = f };
    bool ok = false;
    if (!sets_begin(&p.sets, budget, f->n)) return sets_end(&p.sets), false;
    if ((p.on = ag__alloc(budget, bytes, "a sparsity pattern"))) {
        memset(p.on, 0, bytes);
        forward(&p);
        p.on[0] = 0;
        if (hessian) {
            p.adjoint = p.on + ids, p.reached = (uint8_t *)(p.adjoint + ids);
            backward(&p);
        }
        ok = !p.sets.failed && rows_of(&p, hessian ? f->n : f->m, hessian ? f->x : f->y, hessian ? p.adjoint : p.on, r);
        ag__release(budget, p.on, bytes);
    }
    sets_end(&p.sets);
    return ok;
}

bool ag__jacobian_pattern(const ag__map *f, ag__rows *r)
{
    return pattern(f, false, r);
}

bool ag__hessian_pattern(const ag__map *f, ag__rows *r)
{
    return pattern(f, true, r);
}
