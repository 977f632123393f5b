/* lanes.c - see lanes.h. */
#include <autograd/diff/lanes.h>
#include <autograd/ops/bridge.h>
#include <autograd/tape/streams.h>
#include <autograd/tape/watch.h>
#include <string.h>

static bool are_live(size_t n, const ag_scalar *x, const char *who)
{
    if (n && !x) return ag_fail(AG_ENULL, "%s: the array of %zu scalars is NULL", who, n), false;
    for (size_t i = 0; i < n; i++)
        if (!ag__streams_live(x[i], who)) return false;
    return true;
}

/* The last result of the call that made `id`, which has all of them swept, or else id. */
static uint32_t last_of_call(const ag_tape *t, uint32_t id)
{
    for (ag__position at = ag__position_after(t, id); at.id > 1;) {
        const ag__chunk *c = ag__chunk_before(t, &at);
        ag__record r;
        ag__record_before(&r, c, at.id, at.ix, at.pd);
        if (r.code == AG__S_CALL && id - r.id <= r.pd[1]) return r.id + (uint32_t)r.pd[1];
        if (r.code != AG__S_INPUT) break;
        ag__step_back(&at, r.step);
    }
    return id;
}

bool ag__map_begin(ag__map *f, const char *who, const ag_scalar *y, size_t m, const ag_scalar *x, size_t n)
{
    ag_tape *t = ag__tape(who);
    *f = (ag__map){ .tape = t, .y = y, .x = x, .m = m, .n = n, .ids = 1 };
    if (ag_error() || !t || !are_live(m, y, who) || !are_live(n, x, who)) return false;
    uint32_t first = UINT32_MAX, last = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i].id && x[i].id < first) first = x[i].id;
        if (x[i].id >= f->ids) f->ids = x[i].id + 1;
    }
    for (size_t i = 0; i < m; i++)
        if (y[i].id > last) last = y[i].id;
    if (last) last = last_of_call(t, last);
    if (last >= f->ids) f->ids = last + 1;
    f->constant = first == UINT32_MAX || last == 0;
    if (f->constant) return true;
    f->from = ag__position_before(t, first);
    f->to = ag__position_after(t, last);
    if (f->to.id > f->ids) f->ids = f->to.id;
    f->watched = t->watch && t->watch->anomaly && !t->first_order;
    for (uint32_t k = 0; k < t->n_node && !f->mixed; k++) f->mixed = t->node[k]->op && ag__is_bridge(t->node[k]);
    return true;
}

/* Bytes for n doubles by id, in lines of their own. */
static bool take(size_t *bytes, size_t ids, size_t doubles)
{
    size_t more;
    if (!ag__size_mul(ids, doubles * sizeof(double), &more) || !ag__size_add(more, 63, &more)) return false;
    return ag__size_add(*bytes, more & ~(size_t)63, bytes);
}

static double *place(char **at, size_t ids, size_t doubles)
{
    double *p = (double *)(void *)*at;
    *at += (ids * doubles * sizeof(double) + 63) & ~(size_t)63;
    return p;
}

bool ag__work_begin(ag__work *w, const ag__map *f, int what, size_t directions)
{
    ag_tape *t = f->tape;
    *w = (ag__work){ .lanes = ag__lanes_for(directions) };
    const size_t k = w->lanes->k, ids = f->ids;
    bool fits = take(&w->bytes, ids, 1); /* live, which takes less */
    if (what & (AG__FORWARD | AG__SECOND)) fits = fits && take(&w->bytes, ids, k);
    if (what & (AG__REVERSE | AG__SECOND)) fits = fits && take(&w->bytes, ids, k);
    if (what & AG__SECOND) fits = fits && take(&w->bytes, ids, 1);
    if (!fits) return ag_fail(AG_ENOMEM, "a sweep of %zu lanes over %zu scalars is too large", k, ids), false;
    if (!(w->block = ag__work_take(t, &w->bytes))) return false;
    char *at = w->block;
    if (what & (AG__FORWARD | AG__SECOND)) {
        w->tangent = place(&at, ids, k);
        memset(w->tangent, 0, f->from.id * k * sizeof(double));
    }
    if (what & (AG__REVERSE | AG__SECOND)) w->adjoint = place(&at, ids, k);
    if (what & AG__SECOND) {
        w->function = place(&at, ids, 1);
        memset(w->function, 0, ids * sizeof(double));
        w->function[f->y[0].id] = 1;
        ag__reverse_plain(t, w->function, f->to, f->from.id);
    }
    w->live = (uint8_t *)at;
    return true;
}

void ag__work_end(ag__work *w, const ag__map *f)
{
    ag__work_give(f->tape, w->block, w->bytes);
}

void ag__forward_clear(ag__work *w, const ag__map *f)
{
    memset(w->live, 0, f->ids);
}

void ag__forward_seed(ag__work *w, uint32_t id, size_t lane, double seed)
{
    const size_t k = w->lanes->k;
    if (id == 0) return;
    if (!w->live[id]) memset(w->tangent + id * k, 0, k * sizeof(double));
    w->live[id] = 1;
    w->tangent[id * k + lane] += seed;
}

void ag__forward_run(ag__work *w, const ag__map *f)
{
    w->lanes->forward(f->tape, w->tangent, w->live, f->from, f->to.id);
}

void ag__reverse_clear(ag__work *w, const ag__map *f)
{
    const size_t k = w->lanes->k, from = f->from.id * k;
    memset(w->adjoint + from, 0, (f->ids * k - from) * sizeof(double));
}

void ag__reverse_run(ag__work *w, const ag__map *f)
{
    w->lanes->reverse(f->tape, w->adjoint, f->to, f->from.id);
}

bool ag__second_run(ag__work *w, const ag__map *f)
{
    const ag__second s = { w->function, w->tangent, w->live };
    ag__forward_run(w, f);
    ag__reverse_clear(w, f);
    return w->lanes->second(f->tape, w->adjoint, &s, f->to, f->from.id);
}
