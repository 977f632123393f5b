/* tape.c - the life of a tape: new, current, reset, rewind, free; recording on and off; memory figures. */
#include <autograd/kernels/kernels.h>
#include <autograd/tape/watch.h>
#include <stdlib.h>
#include <string.h>

/* Serial numbers of runs, unique in the process; 0 is "released" and 1 "leaf". */
static uint32_t new_serial(void)
{
    static _Atomic uint32_t last = AG__LEAF_SERIAL;
    uint32_t s;
    do s = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    while (s == AG__STALE || s == AG__LEAF_SERIAL);
    return s;
}

/* All tapes of the process, so that none remembers one that is gone as the one before it. */
static ag_tape *youngest;
static atomic_flag listing = ATOMIC_FLAG_INIT;
static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&listing, memory_order_acquire)) {}
}
static void unlock(void)
{
    atomic_flag_clear_explicit(&listing, memory_order_release);
}

static void list(ag_tape *t)
{
    lock();
    t->older = youngest;
    if (youngest) youngest->younger = t;
    youngest = t;
    unlock();
}
static void unlist(ag_tape *t)
{
    lock();
    for (ag_tape *other = youngest; other; other = other->older)
        if (other->previous == t) other->previous = t->previous != other ? t->previous : NULL;
    if (t->younger)
        t->younger->older = t->older;
    else
        youngest = t->older;
    if (t->older) t->older->younger = t->younger;
    unlock();
}

static void make_current(ag_tape *t)
{
    if (ag__here.tape) ag__streams_leave(ag__here.tape);
    ag__here.tape = t;
    ag__streams_enter(t);
}

ag_tape *(ag_tape_new)(const ag_tape_options *options)
{
    if (!ag__arch()) {
        const char *arch = getenv("AG_ARCH");
        return ag_fail(AG_EINVAL, "ag_tape_new: AG_ARCH=%s is not generic, avx2 or avx512, or this processor lacks it",
                       arch ? arch : ""),
               NULL;
    }
    ag_tape *t = ag__alloc(NULL, sizeof *t, "a tape");
    if (!t) return NULL;
    memset(t, 0, sizeof *t);
    if (options) {
        t->budget.limit = options->memory_limit, t->budget.huge_pages = options->huge_pages;
        t->first_order = options->first_order;
    }
    t->budget.reserved = sizeof *t;
    t->pool.budget = t->arena.budget = t->layouts.arena.budget = t->header_arena.budget = &t->budget;
    t->serial = new_serial();
    if (ag__streams_new(t) || (options && (options->anomaly || options->profile) && !ag__watch_new(t, options))) {
        if (t->streams) ag__streams_free(t);
        ag__release(NULL, t, sizeof *t);
        return NULL;
    }
    t->previous = ag__here.tape;
    list(t);
    make_current(t);
    return t;
}

void ag_tape_free(ag_tape *t)
{
    if (!t) return;
    if (t->walking) {
        ag_fail(AG_ETAPE, "ag_tape_free: a walk over this tape is under way");
        return;
    }
    ag_tape_free(t->inner);
    if (ag__here.tape == t) make_current(t->previous);
    unlist(t);
    ag__nodes_release(t, 0, false);
    ag__watch_free(t);
    ag__streams_free(t);
    ag__pool_free(&t->pool);
    ag__arena_free(&t->arena);
    ag__arena_free(&t->header_arena);
    ag__layouts_free(&t->layouts);
    ag__release(&t->budget, t->node, t->node_room * sizeof *t->node);
    ag__release(&t->budget, t->proxy, t->max_proxy * sizeof *t->proxy);
    ag__release(&t->budget, t->proxy_table, 2 * t->max_proxy * sizeof *t->proxy_table);
    ag__release(&t->budget, t->mark, t->max_mark * sizeof *t->mark);
    ag__release(&t->budget, t->saved, t->max_saved * sizeof *t->saved);
    ag__release(&t->budget, t->hook, t->max_hook * sizeof *t->hook);
    ag__release(NULL, t, sizeof *t);
}

ag_tape *ag_tape_use(ag_tape *t)
{
    ag_tape *was = ag__here.tape;
    if (t != was) make_current(t);
    return was;
}

ag_tape *ag_tape_current(void)
{
    return ag__here.tape;
}

ag_tape *ag__inner_enter(ag_tape *t, bool *was)
{
    if (!t->inner)
        t->inner = ag_tape_new(.memory_limit = t->budget.limit, .first_order = t->first_order,
                               .huge_pages = t->budget.huge_pages, .anomaly = t->watch && t->watch->anomaly);
    if (!t->inner) return NULL;
    ag_tape_use(t->inner);
    ag_tape_reset(t->inner);
    ag__nodes_release(t->inner, 0, false); /* the proxies as well: those there later are of leaves in use */
    t->inner->n_kept = 0;
    *was = ag_record(true);
    return t->inner;
}

void ag__inner_leave(ag_tape *t, bool was)
{
    if (t->inner->watch && !ag_error()) ag__watch_all(t->inner);
    ag_tape_use(t);
    ag_record(was);
}

/* The pool knows its own peak; headers and statements only grow between resets. */
static void note_peak(ag_tape *t)
{
    uint64_t now = t->budget.peak + t->n_node * sizeof(ag_tensor) + ag__streams_bytes(t);
    if (now > t->peak) t->peak = now;
    t->budget.peak = t->budget.in_use;
}

/* A program whose shapes never repeat must not grow the tape for ever. Only proxies outlive a reset with a layout. */
enum { MOST_LAYOUTS = 4096 };
void ag__layouts_forget(ag_tape *t)
{
    if (t->layouts.n < MOST_LAYOUTS || t->n_proxy >= MOST_LAYOUTS / 2) return;
    ag__layouts_clear(&t->layouts);
    memset(t->recent, 0, sizeof t->recent);
    for (uint32_t i = 0; i < t->n_proxy; i++) /* there is room: more than these were there before */
        t->proxy[i]->layout = ag__layout_intern(&t->layouts, t->proxy[i]->few[0]->layout);
}

ag_status ag_tape_reset(ag_tape *t)
{
    if (!t) {
        ag_fail(AG_ENULL, "ag_tape_reset: the tape is NULL");
        return ag_clear_error();
    }
    if (t->walking) return ag_fail(AG_ETAPE, "ag_tape_reset: a walk over this tape is under way");
    if (t->watch && !ag_error()) ag__watch_all(t);
    note_peak(t);
    t->epoch++;
    ag__nodes_reset(t, new_serial());
    ag__arena_rewind(&t->arena, (ag__arena_mark){ 0 });
    if (t->tensors) t->tensors->forget(t);
    t->n_mark = t->n_hook = t->n_saved = t->n_variable = t->n_adjoint = 0;
    ag__streams_reset(t);
    if (t->watch) ag__watch_from_here(t), t->watch->scope = NULL; /* its room is gone */
    if (ag_error() == AG_ENOMEM)
        ag__pool_free(&t->pool); /* what is kept may be of the wrong sizes for the next round */
    return ag_clear_error();
}

/* A mark is the index of its saved place and that place's stamp. */
ag_mark ag_tape_mark(ag_tape *t)
{
    ag_mark m = { 0 };
    ag__saved_place now = { .stamp = 0 };
    if (!t) return ag_fail(AG_ENULL, "ag_tape_mark: the tape is NULL"), m;
    if (!ag__mark_here(t, &now.scalar)) return m;
    now.arena = ag__arena_tell(&t->arena), now.node = t->n_node;
    const ag__saved_place *last = t->n_saved ? &t->saved[t->n_saved - 1] : NULL;
    bool again = last && last->arena.chunk == now.arena.chunk && last->arena.used == now.arena.used &&
                 last->node == now.node && last->scalar == now.scalar;
    if (!again) {
        if (t->n_saved == t->max_saved) {
            uint32_t n = t->max_saved ? 2 * t->max_saved : 16;
            ag__saved_place *p =
                ag__grow(&t->budget, t->saved, t->max_saved * sizeof *p, n * sizeof *p, "the tape's marks");
            if (!p) return m;
            t->saved = p, t->max_saved = n;
        }
        now.stamp = ++t->n_mark_made;
        t->saved[t->n_saved++] = now;
    }
    m.node = t->n_saved - 1, m.scalar = t->saved[m.node].stamp, m.generation = t->serial;
    return m;
}

/* What is known of places above the mark must not be read as being of what comes there next. */
static void forget_above(ag_tape *t, uint32_t node, uint32_t id)
{
    if (t->n_adjoint > id) t->n_adjoint = id;
    for (uint32_t k = 0; t->n_variable && k < node; k++) {
        ag_tensor *x = t->node[k];
        bool variable = !x->op && (x->flags & AG__GRAD) && !(x->flags & AG__PROXY);
        if (variable && x->attr && ((ag_tensor *)x->attr)->seq >= node) x->attr = NULL, x->mark = 0;
    }
}

const ag__saved_place *ag__marked(ag_tape *t, ag_mark m, const char *who)
{
    if (t->walking) return ag_fail(AG_ETAPE, "%s: a walk over this tape is under way", who), NULL;
    if (m.generation != t->serial || m.node >= t->n_saved || t->saved[m.node].stamp != m.scalar)
        return ag_fail(AG_ESTALE, "%s: the mark was set before a reset, or after a place rewound to since", who), NULL;
    return &t->saved[m.node];
}

ag_status ag_tape_rewind(ag_tape *t, ag_mark m)
{
    if (!t) return ag_fail(AG_ENULL, "ag_tape_rewind: the tape is NULL");
    const ag__saved_place *marked = ag__marked(t, m, "ag_tape_rewind");
    if (!marked) return ag_error();
    const ag__saved_place to = *marked;
    note_peak(t);
    t->epoch++;
    if (t->watch && !ag_error()) ag__watch_all(t);
    forget_above(t, to.node, t->mark[to.scalar].id);
    ag__nodes_release(t, to.node, false);
    ag__arena_rewind(&t->arena, to.arena);
    t->n_saved = (uint32_t)m.node + 1;
    t->n_mark = to.scalar + 1;
    ag__streams_rewind(t, t->mark[to.scalar]);
    if (t->watch) ag__watch_from_here(t), t->watch->scope = NULL;
    return ag_error();
}

bool ag_record(bool on)
{
    bool was = !ag__here.off;
    if (was != on) {
        ag__here.off = !on;
        ag__streams_record(on);
    }
    return was;
}

ag__guard ag__guard_begin(void)
{
    return (ag__guard){ ag_record(false), false };
}
void ag__guard_end(ag__guard *guard)
{
    ag_record(guard->was);
}

ag_memory ag_tape_memory(const ag_tape *t)
{
    ag_memory m = { 0 };
    if (!t) return ag_fail(AG_ENULL, "ag_tape_memory: the tape is NULL"), m;
    uint64_t records = t->n_node * sizeof(ag_tensor) + ag__streams_bytes(t);
    m.in_use = t->budget.in_use + records;
    m.peak = t->budget.peak + records > t->peak ? t->budget.peak + records : t->peak;
    m.reserved = t->budget.reserved;
    m.nodes = t->n_node - t->n_kept;
    m.scalars = ag__streams_count(t) - 1;
    if (t->inner) {
        ag_memory inside = ag_tape_memory(t->inner);
        m.in_use += inside.in_use, m.peak += inside.peak, m.reserved += inside.reserved;
    }
    return m;
}
