/* scan.c - ags_scan: a loop whose steps are recorded again, bundle by bundle, when the sweep comes back.
 *
 * The loop is one call statement. The states at the beginning of some bundles of steps are kept; from them the sweep
 * advances to the bundle it needs, records that on a tape of its own, and sweeps it with the adjoints the outer tape
 * has so far, so that sums are formed in the order of the plain loop. */
#include <autograd/checkpoint.h>
#include <autograd/diff/walk.h>
#include <autograd/tape/streams.h>
#include <autograd/tape/watch.h>
#include <string.h>

typedef struct scan {
    ag__routine routine; /* first, so that either is found from the other */
    ags_step_fn *step;
    void *user;
    int64_t n, bundle, bundles;
    size_t ns, np;
    uint32_t *first; /* [ns + np] of the operands state, p: the first that is the same scalar; NONE for a constant */
    const double *p; /* [np] */
    /* kept states, the first of them that of bundle 0 */
    int64_t slots, used, *at;
    ag_rng *rng;  /* [slots] */
    double *kept; /* [slots][ns] */
} scan;
static const uint32_t NONE = UINT32_MAX;

/* A run of the loop: its own tape and the state it has come to. */
typedef struct run {
    const scan *s;
    ag_tape *outside, *tape;
    ag_scalar *x, *state; /* [ns + np] operands of the bundle, [ns] */
    double *now, *flow;   /* [ns] values; [ns + np] adjoints or tangents */
    size_t bytes;
    bool was; /* recording */
} run;

static const ag_scalar *params(const run *r)
{
    return r->x + r->s->ns;
}

/* Parameters come first: they are the same in every bundle. */
static size_t in_order(const scan *s, size_t j)
{
    return j < s->np ? s->ns + j : j - s->np;
}

/* Does operand k stand for itself: is it no constant, and the first of those that are the same? */
static bool is_own(const scan *s, size_t k)
{
    return s->first[k] == k;
}

/* ---- steps ---- */

static bool steps(const scan *s, int64_t bundle, ag_scalar *state, const ag_scalar *p)
{
    int64_t i = bundle * s->bundle, end = s->n - i < s->bundle ? s->n : i + s->bundle;
    for (; i < end && !ag_error(); i++) s->step(state, p, i, s->user);
    return !ag_error();
}

/* Operands that are one scalar outside are one here. */
static bool record(run *r, int64_t bundle)
{
    const scan *s = r->s;
    ag_tape_reset(r->tape);
    for (size_t j = 0, n = s->ns + s->np; j < n; j++) {
        const size_t k = in_order(s, j);
        const bool outside = k >= s->ns || bundle == 0; /* else it is what the bundle before left */
        const double value = k < s->ns ? r->now[k] : s->p[k - s->ns];
        if (outside && s->first[k] == NONE)
            r->x[k] = ag_const(value);
        else if (outside && s->first[k] != k)
            r->x[k] = r->x[s->first[k]];
        else
            r->x[k] = ag_input(value);
    }
    memcpy(r->state, r->x, s->ns * sizeof *r->state);
    bool ok = !ag_error() && steps(s, bundle, r->state, params(r));
    ag_tape_use(r->tape);
    ag_record(true);
    return ok && (!r->tape->watch || ag__watch_all(r->tape)); /* before the next one resets it */
}

/* The state behind it. With a record as well, which is no dearer: a step may differentiate. */
static bool advance(run *r, int64_t bundle)
{
    bool ok = record(r, bundle);
    for (size_t i = 0; i < r->s->ns; i++) r->now[i] = r->state[i].value;
    return ok;
}

/* ---- the schedule ---- */

/* How far to go before the next state is kept, with l > 1 bundles ahead and c places, that of the present state
 * included: (c + r)! / c! r! bundles can be reversed when none runs more than r times; r is the least that is enough
 * for l. */
static int64_t stride(int64_t l, int64_t c)
{
    double far = 1, reach = 1;
    for (int64_t r = 1; reach < (double)l; r++) far = reach, reach = reach * (double)(c + r) / (double)r;
    return far < (double)l ? (int64_t)(far + 0.5) : l - 1;
}

/* Moves to the beginning of a bundle, keeping states on the way. */
static bool go_to(run *r, int64_t bundle)
{
    scan *s = (scan *)(uintptr_t)r->s;
    int64_t k = s->used - 1;
    while (s->at[k] > bundle) k--;
    memcpy(r->now, s->kept + (size_t)k * s->ns, s->ns * sizeof *r->now);
    ag_rng_set(s->rng[k]);
    for (int64_t at = s->at[k]; at < bundle;) {
        s->used = k + 1;
        int64_t free = s->slots - s->used, to = bundle;
        if (free > 0) to = at + stride(bundle + 1 - at, free + 1);
        for (; at < to; at++)
            if (!advance(r, at)) return false;
        if (free > 0 && at <= bundle) {
            k = s->used++;
            s->at[k] = at, s->rng[k] = ag_rng_get();
            memcpy(s->kept + (size_t)k * s->ns, r->now, s->ns * sizeof *r->now);
        }
    }
    return true;
}

/* ---- runs ---- */

static bool begin(run *r, const scan *s)
{
    size_t n = s->ns + s->np;
    *r = (run){ .s = s, .outside = ag__here.tape, .bytes = (n + s->ns) * (sizeof *r->x + sizeof *r->now) + 1 };
    if (!(r->x = ag__alloc(NULL, r->bytes, "a loop's state"))) return false;
    r->state = r->x + n, r->now = (double *)(void *)(r->state + s->ns), r->flow = r->now + s->ns;
    if ((r->tape = ag__inner_enter(r->outside, &r->was))) return true;
    ag__release(NULL, r->x, r->bytes);
    return false;
}

static void end(run *r)
{
    ag__release(NULL, r->x, r->bytes);
    ag__inner_leave(r->outside, r->was);
}

/* One bundle backwards: flow holds the adjoints of the state behind it and of p, and then of the state before it. */
static bool reverse_bundle(run *r, int64_t bundle, const double *outer)
{
    const scan *s = r->s;
    ag__walk w;
    if (!record(r, bundle) || !ag__walk_begin(&w, r->tape, r->tape->n_node, NULL)) return false;
    for (size_t i = 0; i < s->ns; i++) ag__walk_seed_scalar(&w, r->state[i], r->flow[i]);
    for (size_t k = s->ns; k < s->ns + s->np; k++)
        if (is_own(s, k)) ag__walk_seed_scalar(&w, r->x[k], r->flow[k]);
    for (size_t k = 0; bundle == 0 && k < s->ns; k++)
        if (is_own(s, k)) ag__walk_seed_scalar(&w, r->x[k], outer[k]);
    ag__walk_path(&w, 0, NULL, true);
    bool ok = ag__walk_run(&w);
    const double *number = r->tape->sweep.number;
    for (size_t k = 0; ok && k < s->ns + s->np; k++) r->flow[k] = r->x[k].id ? number[r->x[k].id] : 0;
    ag__walk_end(&w);
    return ok;
}

static bool complete(const ag_tape *t, const scan *s, const ag__record *rec)
{
    return ag__streams_count(t) > rec->id + s->ns; /* else it ran out of memory before its results */
}

static bool any(size_t n, const double *x)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0) return true;
    return false;
}

static void reverse(const ag__routine *f, const ag__record *rec, double *adj)
{
    const scan *s = (const scan *)f;
    const size_t n = s->ns + s->np;
    double *outer = adj; /* adjoints of the operands so far, gathered below */
    run r;
    if (ag_error() || !complete(ag__here.tape, s, rec) || !any(s->ns, adj + rec->id + 1)) return;
    if (!begin(&r, s)) return;
    outer = ag__alloc(NULL, n * sizeof *outer + 1, "adjoints");
    bool ok = outer != NULL;
    for (size_t k = 0; ok && k < n; k++) outer[k] = rec->ix[k] ? adj[rec->ix[k]] : 0;
    for (size_t k = 0; ok && k < n; k++) r.flow[k] = k < s->ns ? adj[rec->id + 1 + k] : outer[k];
    ag_rng rng = ag_rng_get();
    for (int64_t b = s->bundles; ok && b-- > 0;) ok = go_to(&r, b) && reverse_bundle(&r, b, outer);
    ag_rng_set(rng);
    for (size_t k = 0; ok && k < n; k++)
        if (is_own(s, k)) adj[rec->ix[k]] = r.flow[k];
    ag__release(NULL, outer, n * sizeof *outer + 1);
    end(&r);
}

/* Forwards through all bundles: flow holds the tangents of the operands, of each scalar once, and then of the results.
 */
static bool run_forward(run *r)
{
    const scan *s = r->s;
    const ag_rng rng = ag_rng_get();
    bool ok = go_to(r, 0);
    for (int64_t b = 0; ok && b < s->bundles; b++) {
        ok = record(r, b) && !ags_jvp(r->state, s->ns, r->x, s->ns + s->np, r->flow, r->flow);
        for (size_t i = 0; i < s->ns; i++) r->now[i] = r->state[i].value;
    }
    ag_rng_set(rng);
    return ok;
}

static void forward(const ag__routine *f, const ag__record *rec, double *tan)
{
    const scan *s = (const scan *)f;
    run r;
    if (ag_error() || !complete(ag__here.tape, s, rec) || !begin(&r, s)) return;
    for (size_t k = 0; k < s->ns + s->np; k++) r.flow[k] = is_own(s, k) ? tan[rec->ix[k]] : 0;
    const bool ok = run_forward(&r);
    for (size_t i = 0; ok && i < s->ns; i++) tan[rec->id + 1 + i] += r.flow[i];
    end(&r);
}

/* The same of tangents that stand in scalars and are not to be differentiated again. */
static void forward_values(const scan *s, const ag__record *rec, ag_scalar *tan)
{
    run r;
    if (ag_error() || !complete(ag__here.tape, s, rec) || !begin(&r, s)) return;
    for (size_t k = 0; k < s->ns + s->np; k++) r.flow[k] = is_own(s, k) ? tan[rec->ix[k]].value : 0;
    const bool ok = run_forward(&r);
    for (size_t i = 0; ok && i < s->ns; i++) tan[rec->id + 1 + i].value += r.flow[i];
    end(&r);
}

/* ---- to be differentiated again: the loop is recorded behind everything else, and that swept ---- */

typedef struct replay {
    ag_scalar *x, *flow; /* operands, then the state; by id */
    size_t bytes, flow_bytes;
    uint32_t from;   /* the first id of the loop */
    ag__position at; /* before it */
} replay;

static bool arrived(ag_scalar g)
{
    return g.id != 0 || g.value != 0;
}

static bool replay_begin(replay *p, ag_tape *t, const scan *s, const ag__record *rec)
{
    const size_t n = s->ns + s->np;
    *p = (replay){ .bytes = (n + s->ns) * sizeof *p->x + 1 };
    if (ag_error() || !complete(t, s, rec) || !(p->x = ag__alloc(NULL, p->bytes, "a loop's state"))) return false;
    for (size_t k = 0; k < n; k++) {
        const double value = k < s->ns ? s->kept[k] : s->p[k - s->ns];
        p->x[k] = rec->ix[k] ? ag__streams_own(t, rec->ix[k]) : ag_const(value);
    }
    memcpy(p->x + n, p->x, s->ns * sizeof *p->x);
    const uint32_t nodes = t->n_node;
    const bool was = ag_record(true);
    const ag_rng rng = ag_rng_get();
    ag_rng_set(s->rng[0]);
    const ag__adjoints sweep = t->sweep; /* a step may differentiate; among tensors this walk's marks would be lost */
    if (nodes == 0) t->walking = false;
    p->from = ag__streams_count(t), p->at = ag__streams_tell(t);
    for (int64_t b = 0; b < s->bundles; b++)
        if (!steps(s, b, p->x + n, p->x + s->ns)) break;
    t->sweep = sweep, t->walking = true;
    ag_rng_set(rng);
    ag_tape_use(t);
    ag_record(was);
    if (!ag_error() && t->n_node != nodes)
        ag_fail(AG_ENODIFF, "ags_scan: a step with tensors in it has a first derivative only");
    p->flow_bytes = ag__streams_count(t) * sizeof *p->flow;
    if (!ag_error() && (p->flow = ag__alloc(NULL, p->flow_bytes, "adjoints"))) memset(p->flow, 0, p->flow_bytes);
    return p->flow;
}

static void replay_end(replay *p)
{
    ag__release(NULL, p->flow, p->flow_bytes);
    ag__release(NULL, p->x, p->bytes);
}

static void reverse_recorded(const ag__routine *f, ag_tape *t, const ag__record *rec, ag_scalar *adj)
{
    const scan *s = (const scan *)f;
    const size_t n = s->ns + s->np;
    bool any = false;
    for (size_t i = 0; i < s->ns && complete(t, s, rec); i++) any |= arrived(adj[rec->id + 1 + i]);
    if (!any) return;
    replay p;
    if (replay_begin(&p, t, s, rec)) {
        for (size_t i = 0; i < s->ns; i++) ag__adjoint_add(p.flow, p.x[n + i].id, adj[rec->id + 1 + i]);
        ag__reverse_recorded(t, p.flow, ag__streams_tell(t), p.from);
        for (size_t k = 0; k < n; k++)
            if (is_own(s, k)) ag__adjoint_add(adj, rec->ix[k], p.flow[rec->ix[k]]);
    }
    replay_end(&p);
}

static void forward_recorded(const ag__routine *f, ag_tape *t, const ag__record *rec, ag_scalar *tan)
{
    const scan *s = (const scan *)f;
    const size_t n = s->ns + s->np;
    bool any = false;
    for (size_t k = 0; k < n; k++) any |= rec->ix[k] && arrived(tan[rec->ix[k]]);
    if (!any) return;
    replay p;
    if (ag__here.off) {
        forward_values(s, rec, tan);
        return;
    }
    if (replay_begin(&p, t, s, rec)) {
        const uint32_t end = (uint32_t)(p.flow_bytes / sizeof *p.flow);
        for (size_t k = 0; k < n; k++)
            if (rec->ix[k]) p.flow[rec->ix[k]] = tan[rec->ix[k]];
        ag__forward_recorded(t, p.flow, p.at, end);
        for (size_t i = 0; i < s->ns; i++) ag__adjoint_add(tan, rec->id + 1 + (uint32_t)i, p.flow[p.x[n + i].id]);
    }
    replay_end(&p);
}

/* ---- recording the loop ---- */

/* Which operands are one scalar: by id, through a table. */
static bool find_same(scan *s, const ag_scalar *state, const ag_scalar *p)
{
    size_t n = s->ns + s->np, places = 4;
    while (places < 2 * n) places *= 2;
    uint32_t *table = ag__alloc(NULL, places * sizeof *table, "a table of operands");
    if (!table) return false;
    memset(table, 0xff, places * sizeof *table);
    for (size_t j = 0; j < n; j++) {
        const size_t k = in_order(s, j);
        const uint32_t id = k < s->ns ? state[k].id : p[k - s->ns].id;
        size_t at = id * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (places - 1);
        s->first[k] = NONE;
        if (id == 0) continue;
        for (; table[at] != NONE; at = (at + 1) & (places - 1)) {
            const uint32_t other = table[at];
            if ((other < s->ns ? state[other].id : p[other - s->ns].id) == id) break;
        }
        if (table[at] == NONE) table[at] = (uint32_t)k;
        s->first[k] = table[at];
    }
    ag__release(NULL, table, places * sizeof *table);
    return true;
}

/* How many steps are recorded at once: as many as fit a few thousand statements, or sqrt(n). */
static int64_t bundle_of(const scan *s, ag_scan_memory memory, uint64_t statements)
{
    int64_t k = 1, most = s->n > 0 ? s->n : 1;
    if (memory == AG_REVOLVE)
        k = (int64_t)(4096 / (statements ? statements : 1));
    else
        while (k * k < s->n) k++;
    return k < 1 ? 1 : k < most ? k : most;
}

static int64_t log2_of(int64_t n)
{
    int64_t k = 0;
    while (n >> k > 1) k++;
    return k;
}

static bool keep_states(scan *s, ag_tape *t, const ags_scan_options *o, const ag_scalar *state, uint64_t statements)
{
    s->bundle = bundle_of(s, o->memory, statements);
    s->bundles = (s->n + s->bundle - 1) / s->bundle;
    s->slots = s->bundles;
    if (o->memory == AG_REVOLVE) s->slots = o->snapshots > 0 ? o->snapshots : 8 * (log2_of(s->n) + 1);
    if (s->slots > s->bundles) s->slots = s->bundles > 0 ? s->bundles : 1;
    size_t each = s->ns * sizeof *s->kept + sizeof *s->at + sizeof *s->rng, bytes;
    if (!ag__size_mul((size_t)s->slots, each, &bytes))
        return ag_fail(AG_ENOMEM, "ags_scan: %lld states are too many", (long long)s->slots), false;
    if (!(s->rng = ag__arena_get(&t->arena, bytes))) return false;
    s->at = (int64_t *)(s->rng + s->slots), s->kept = (double *)(s->at + s->slots);
    s->used = 1, s->at[0] = 0, s->rng[0] = ag_rng_get();
    for (size_t i = 0; i < s->ns; i++) s->kept[i] = state[i].value;
    return true;
}

/* Statements of a step; what it should not have used is found here. */
static bool measure(run *r, uint64_t *statements)
{
    ((scan *)(uintptr_t)r->s)->bundle = 1;
    const ag_rng rng = ag_rng_get();
    for (size_t i = 0; i < r->s->ns; i++) r->now[i] = r->state[i].value;
    bool ok = record(r, 0);
    *statements = ag_tape_memory(r->tape).scalars + ag_tape_memory(r->tape).nodes;
    ag_rng_set(rng);
    return ok;
}

static bool loop(ag_tape *t, scan *s, ag_scalar *state, const ag_scalar *p, const ags_scan_options *o)
{
    const size_t n = s->ns + s->np;
    double *values = ag__arena_get(&t->arena, s->np * sizeof *values);
    ag_scalar *all = ag__arena_get(&t->arena, n * sizeof *all);
    s->first = ag__arena_get(&t->arena, n * sizeof *s->first);
    if (!values || !all || !s->first || !find_same(s, state, p)) return false;
    for (size_t j = 0; j < s->np; j++) values[j] = p[j].value;
    s->p = values;
    memcpy(all, state, s->ns * sizeof *all);
    if (s->np) memcpy(all + s->ns, p, s->np * sizeof *all);
    run r;
    uint64_t statements;
    if (!begin(&r, s)) return false;
    memcpy(r.state, state, s->ns * sizeof *state);
    bool ok = measure(&r, &statements) && keep_states(s, t, o, state, statements);
    if (ok) ok = go_to(&r, s->bundles - 1) && advance(&r, s->bundles - 1);
    ag_tape_use(t);
    ok = ok && ag__streams_call(t, &s->routine, n, all, s->ns, r.now, state);
    end(&r);
    return ok;
}

/* Are these scalars of this tape; and does any need a derivative? */
static bool usable(size_t n, const ag_scalar *x, bool *active)
{
    if (n && !x) return ag_fail(AG_ENULL, "ags_scan: an array of %zu scalars is NULL", n), false;
    for (size_t i = 0; i < n; i++) {
        if (!ag__streams_live(x[i], "ags_scan")) return false;
        *active |= x[i].id != 0;
    }
    return true;
}

ag_status(ags_scan)(ags_step_fn *step, int64_t n, ag_scalar *state, size_t ns, const ag_scalar *p, size_t np,
                    const ags_scan_options *options)
{
    const ags_scan_options none = { 0 }, *o = options ? options : &none;
    ag_tape *t = ag__tape("ags_scan");
    bool active = false;
    if (ag_error() || !t || !usable(ns, state, &active) || !usable(np, p, &active)) return ag_error();
    if (!step) return ag_fail(AG_ENULL, "ags_scan: the step is NULL");
    if (n < 0 || o->snapshots < 0)
        return ag_fail(AG_EINVAL, "ags_scan: %lld steps, %d snapshots", (long long)n, o->snapshots);
    if ((unsigned)o->memory > AG_STORE_ALL)
        return ag_fail(AG_EINVAL, "ags_scan: .memory is %d; AG_SEGMENTS, AG_REVOLVE or AG_STORE_ALL", (int)o->memory);
    if (ns > UINT32_MAX / 2 || np > UINT32_MAX / 2) return ag_fail(AG_ENOMEM, "ags_scan: %zu, %zu scalars", ns, np);
    scan *s = ag__arena_get(&t->arena, sizeof *s);
    ag_scalar *next = ag__arena_get(&t->arena, ns * sizeof *next);
    if (!s || !next) return ag_error();
    *s = (scan){
        { reverse, forward, reverse_recorded, forward_recorded, "ags_scan" }, step, o->user, .n = n, .ns = ns, .np = np
    };
    if (ns) memcpy(next, state, ns * sizeof *next);
    if (o->memory == AG_STORE_ALL || !active || ag__here.off || n == 0 || ns == 0) {
        s->bundle = n;
        if (n > 0) steps(s, 0, next, p);
    } else {
        loop(t, s, next, p, o);
    }
    if (!ag_error() && ns) memcpy(state, next, ns * sizeof *next);
    return ag_error();
}
