/* node.c - tensor headers: where they come from, where they go, and what one records. */
#include <autograd/kernels/kernels.h>
#include <autograd/tape/watch.h>
#include <string.h>

enum { HEADERS_PER_CHUNK = 64, QUARANTINE = 2 };

_Thread_local ag__thread ag__here __attribute__((tls_model("initial-exec")));

ag_tape *ag__tape(const char *who)
{
    if (ag__unlikely(!ag__here.tape)) ag_fail(AG_ETAPE, "%s: no tape is current; make one with ag_tape_new", who);
    return ag__here.tape;
}

/* ---- headers ---- */

static ag_tensor *header_new(ag_tape *t)
{
    if (t->fresh == t->fresh_end) {
        ag_tensor *chunk = ag__arena_get(&t->header_arena, HEADERS_PER_CHUNK * sizeof *chunk);
        if (!chunk) return NULL;
        t->fresh = chunk, t->fresh_end = chunk + HEADERS_PER_CHUNK;
    }
    return t->fresh++;
}

/* A released header serves again only when a stale handle to it has had two resets' time to be noticed. */
static inline ag_tensor *header_get(ag_tape *t)
{
    ag_tensor *x = t->idle;
#ifndef AG_DEBUG
    if (ag__likely(x && t->epoch - x->version >= QUARANTINE)) {
        t->idle = x->base;
        return x;
    }
#else
    (void)x;
#endif
    return header_new(t);
}

static bool node_room(ag_tape *t)
{
    if (t->watch && !ag__watch_node(t)) return false;
    if (t->n_node < t->node_room) return t->max_node = t->n_node + 1, true;
    uint32_t n = t->node_room ? 2 * t->node_room : 256;
    if (n <= t->node_room) return ag_fail(AG_ENOMEM, "the tape has no more room for tensors"), false;
    ag_tensor **grown =
        ag__grow(&t->budget, t->node, t->node_room * sizeof *grown, n * sizeof *grown, "the tape's nodes");
    if (!grown) return false;
    if (!t->node) ag__kernels_choose(), t->tensors = t->watch ? &ag__tensors_watched : &ag__tensors;
    t->node = grown, t->node_room = n, t->max_node = t->watch ? t->n_node + 1 : n;
    return true;
}

static inline ag_tensor *append(ag_tape *t, const ag__layout *l)
{
    if (ag__unlikely(t->n_node == t->max_node) && !node_room(t)) return NULL;
    ag_tensor *x = header_get(t);
    if (ag__unlikely(!x)) return NULL;
    x->layout = l, x->op = NULL, x->in = x->few, x->attr = NULL, x->adj = NULL;
    x->serial = t->serial, x->version = 0, x->seq = t->n_node, x->mark = 0;
    x->n_in = 0, x->flags = 0, x->klass = x->adj_klass = AG__NO_CLASS, x->nth = 0;
    t->node[t->n_node++] = x;
    return x;
}

ag_tensor *ag__temporary(ag_tape *t, const ag__layout *l)
{
    if (ag__unlikely(!l)) return NULL;
    ag_tensor *x = append(t, l);
    if (ag__unlikely(!x)) return NULL;
    x->base = x;
    x->data = &x->one;
    if (l->numel == 1) return x;
    x->data = ag__pool_get(&t->pool, (size_t)l->numel * l->item, &x->klass);
    if (ag__likely(x->data != NULL)) return x;
    x->klass = AG__NO_CLASS;
    ag__nodes_release(t, x->seq, true);
    return NULL;
}

ag_tensor *ag__view(ag_tape *t, const ag__layout *l, ag_tensor *of, int64_t offset)
{
    if (!l) return NULL;
    ag_tensor *x = append(t, l);
    if (!x) return NULL;
    x->base = of->base;
    x->data = (char *)of->data + offset * (int64_t)l->item;
    return x;
}

static uint32_t table_place(const ag_tape *t, const ag_tensor *leaf)
{
    uint32_t mask = 2 * t->max_proxy - 1, at = ag__proxy_place(t, leaf);
    while (t->proxy_table[at] && t->proxy_table[at]->few[0] != leaf) at = (at + 1) & mask;
    return at;
}

static void table_rebuild(ag_tape *t)
{
    if (t->max_proxy) memset(t->proxy_table, 0, 2 * t->max_proxy * sizeof *t->proxy_table);
    for (uint32_t i = 0; i < t->n_proxy; i++) t->proxy_table[table_place(t, t->proxy[i]->few[0])] = t->proxy[i];
}

/* A chain of headers linked by base, to the front of the quarantine (aged) or to its end. */
static void retire(ag_tape *t, ag_tensor *first, ag_tensor *last, bool at_once)
{
    if (!first) return;
    last->base = at_once ? t->idle : NULL;
    if (!t->idle) t->idle_last = last;
    if (at_once || !t->idle)
        t->idle = first;
    else
        t->idle_last->base = first, t->idle_last = last;
}

/* Hooks of what was released. */
static void forget_hooks(ag_tape *t)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_hook; i++)
        if (t->hook[i].x->serial != AG__STALE) t->hook[n++] = t->hook[i];
    t->n_hook = n;
}

static void release(ag_tape *t, uint32_t from, bool at_once, bool keep)
{
    uint32_t epoch = at_once ? t->epoch - QUARANTINE : t->epoch, kept = 0;
    ag_tensor *first = NULL, *last = NULL;
    bool dropped = false, hooked = false;
    for (uint32_t k = from; k < t->n_node; k++) {
        ag_tensor *x = t->node[k];
        if (x->klass != AG__NO_CLASS) ag__pool_put(&t->pool, x->data, x->klass);
        if (x->adj_klass != AG__NO_CLASS) ag__pool_put(&t->pool, x->adj, x->adj_klass);
        if (ag__unlikely(x->flags & (AG__PROXY | AG__HOOKED))) {
            hooked |= x->flags & AG__HOOKED;
            if (keep && (x->flags & AG__PROXY) && ag__leaf_owned(x->few[0]) && ag__proxy_find(t, x->few[0]) == x) {
                x->adj = NULL, x->adj_klass = AG__NO_CLASS, x->flags &= AG__PROXY | AG__GRAD;
                x->seq = kept, t->node[kept] = t->proxy[kept] = x, kept++;
                continue;
            }
            if (x->flags & AG__PROXY) {
                ag__leaf_drop(x->few[0]);
                t->n_proxy--, dropped = true;
            }
        }
        x->serial = AG__STALE, x->version = epoch;
        if (last)
            last->base = x;
        else
            first = x;
        last = x;
    }
    if (hooked) forget_hooks(t);
    retire(t, first, last, at_once);
    t->n_node = from + kept;
    if (dropped) table_rebuild(t);
}

void ag__nodes_release(ag_tape *t, uint32_t from, bool at_once)
{
    release(t, from, at_once, false);
}

void ag__nodes_reset(ag_tape *t, uint32_t serial)
{
    release(t, 0, false, true);
    t->serial = serial, t->n_kept = t->n_proxy;
    for (uint32_t i = 0; i < t->n_proxy; i++) t->proxy[i]->serial = serial;
}

/* ---- leaves ---- */

static bool proxy_room(ag_tape *t)
{
    uint32_t n = t->max_proxy ? 2 * t->max_proxy : 16;
    size_t old = t->max_proxy * sizeof(ag_tensor *), wide = n * sizeof(ag_tensor *);
    ag_tensor **table = ag__alloc(&t->budget, 2 * wide, "the tape's leaves");
    if (!table) return false;
    ag_tensor **list = ag__grow(&t->budget, t->proxy, old, wide, "the tape's leaves");
    if (!list) return ag__release(&t->budget, table, 2 * wide), false;
    ag__release(&t->budget, t->proxy_table, 2 * old);
    t->proxy = list, t->proxy_table = table, t->max_proxy = n;
    table_rebuild(t);
    return true;
}

static ag_tensor *proxy_new(ag_tape *t, ag_tensor *leaf, uint16_t grad)
{
    if (t->n_proxy == t->max_proxy && !proxy_room(t)) return NULL;
    const ag__layout *l = ag__layout_intern(&t->layouts, leaf->layout);
    ag_tensor *x = l ? append(t, l) : NULL;
    if (!x) return NULL;
    x->data = leaf->data, x->base = leaf, x->few[0] = leaf;
    x->flags = (uint16_t)(AG__PROXY | grad);
    ag__leaf_hold(leaf);
    t->proxy_table[table_place(t, leaf)] = x;
    t->proxy[t->n_proxy++] = x;
    return x;
}

ag_tensor *ag__proxy_find(const ag_tape *t, const ag_tensor *leaf)
{
    return t->max_proxy ? t->proxy_table[table_place(t, leaf)] : NULL;
}

ag_tensor *ag__operand_slow(ag_tape *t, ag_tensor *x, const char *who, int i)
{
    if (!x || x->serial != AG__LEAF_SERIAL) return ag__usable(x, t->serial, who, i), NULL;
    uint16_t grad = x->flags & AG__GRAD;
    ag_tensor *p = ag__proxy_find(t, x);
    if (ag__likely(p && (p->flags & AG__GRAD) == grad)) return p;
    for (uint32_t k = 0; p && k < t->n_proxy; k++) /* frozen or thawed since: one proxy for each */
        if (t->proxy[k]->few[0] == x && (t->proxy[k]->flags & AG__GRAD) == grad)
            return t->proxy_table[table_place(t, x)] = t->proxy[k];
    return proxy_new(t, x, grad);
}

/* ---- recording ---- */

bool ag__mark_here(ag_tape *t, uint32_t *index)
{
    uint32_t id = ag__streams_count(t);
    if (ag__unlikely(t->n_mark == 0 || t->mark[t->n_mark - 1].id != id)) {
        if (t->n_mark == t->max_mark) {
            uint32_t n = t->max_mark ? 2 * t->max_mark : 64;
            ag__position *m = ag__grow(&t->budget, t->mark, t->max_mark * sizeof *m, n * sizeof *m, "the tape's marks");
            if (!m) return false;
            t->mark = m, t->max_mark = n;
        }
        t->mark[t->n_mark++] = ag__streams_tell(t);
    }
    *index = t->n_mark - 1;
    return true;
}

void *ag__node_attr(ag_tape *t, const ag_op *op, const void *attr, bool *ok)
{
    *ok = true;
    size_t bytes = op->attr_size + op->saved_size;
    if (bytes == 0) return NULL;
    size_t at = (op->attr_size + 15) & ~(size_t)15;
    char *p = ag__arena_get(&t->arena, at + op->saved_size);
    if (!p) return *ok = false, NULL;
    if (op->attr_size) memcpy(p, attr, op->attr_size);
    if (op->saved_size) memset(p + at, 0, op->saved_size);
    return p;
}

bool ag__node_record(ag_tape *t, const ag_op *op, void *attr, int n_in, ag_tensor *const *in, ag_tensor *const *out,
                     bool force)
{
    bool grad = force;
    for (int i = 0; i < n_in; i++) grad |= in[i] && (in[i]->flags & AG__GRAD);
    ag_tensor *y = out[0];
    if (!grad || ag__here.off || !ag__is_float(y->layout->dtype))
        return !t->watch || ag__watch_unrecorded(t, op, n_in, in, y);
    if (n_in > AG__FEW) {
        y->in = ag__arena_get(&t->arena, (size_t)n_in * (sizeof *y->in + sizeof(uint32_t)));
        if (!y->in) return y->in = y->few, false;
    }
    if (!ag__mark_here(t, &y->mark)) return false;
    y->n_in = (uint16_t)n_in, y->attr = attr, y->op = op;
    uint32_t *saw = ag__saw(y);
    for (int i = 0; i < n_in; i++) {
        y->in[i] = in[i];
        saw[i] = in[i] ? in[i]->base->version : 0;
    }
    int n_out = op->n_out ? op->n_out : 1;
    for (int k = 0; k < n_out; k++) {
        ag_tensor *o = out[k];
        if (ag__is_float(o->layout->dtype)) o->flags |= AG__GRAD;
        if (k == 0) continue;
        o->op = op, o->mark = y->mark, o->nth = (uint8_t)k, o->few[0] = y;
    }
    return true;
}

bool ag__node(ag_tape *t, const ag_op *op, const void *attr, int n_in, ag_tensor *const *in, ag_tensor *const *out,
              bool force)
{
    bool ok;
    void *kept = ag__node_attr(t, op, attr, &ok);
    return ok && ag__node_record(t, op, kept, n_in, in, out, force);
}

/* ---- adjoints ---- */

void *ag__adjoint_of(ag_tape *t, ag_tensor *x, bool *add)
{
    *add = x->flags & AG__ADJ;
    if (*add) return x->adj;
    if (!x->adj) {
        const ag__layout *l = x->layout;
        x->adj =
            l->numel == 1 ? (void *)&x->adj_one : ag__pool_get(&t->pool, (size_t)l->numel * l->item, &x->adj_klass);
        if (ag__unlikely(!x->adj)) return x->adj_klass = AG__NO_CLASS, NULL;
    }
    x->flags |= AG__ADJ;
    return x->adj;
}

void ag__adjoint_drop(ag_tape *t, ag_tensor *x)
{
    if (x->adj_klass != AG__NO_CLASS) ag__pool_put(&t->pool, x->adj, x->adj_klass);
    x->adj = NULL, x->adj_klass = AG__NO_CLASS;
    x->flags &= (uint16_t)~AG__ADJ;
}
