/* walk.c - see walk.h. */
#include <autograd/diff/batch.h>
#include <autograd/diff/walk.h>
#include <autograd/ops/bridge.h>
#include <autograd/ops/elementwise.h>
#include <autograd/tape/watch.h>
#include <string.h>

bool ag__walk_begin(ag__walk *w, ag_tape *t, uint32_t top, ag__statements *recorded)
{
    *w = (ag__walk){ .tape = t, .top = top, .recorded = recorded, .statements = recorded, .stop = 1, .failed = true };
    if (t->walking) return ag_fail(AG_ETAPE, "a walk over this tape is already under way"), false;
    if (t->watch && !ag__watch_all(t)) return false;
    w->at = ag__streams_tell(t);
    w->scalars = ag__streams_count(t);
    if (recorded) {
        w->scratch = top * sizeof *w->adjoint;
        w->scalar_scratch = w->scalars > 1 ? w->scalars * sizeof *w->scalar : 0;
        if (top && !(w->adjoint = ag__alloc(&t->budget, w->scratch, "adjoints"))) return false;
        if (w->scalar_scratch && !(w->scalar = ag__alloc(&t->budget, w->scalar_scratch, "adjoints"))) {
            ag__release(&t->budget, w->adjoint, w->scratch);
            return w->adjoint = NULL, false;
        }
        if (w->adjoint) memset(w->adjoint, 0, w->scratch);
        if (w->scalar) memset(w->scalar, 0, w->scalar_scratch);
    }
    t->sweep.number = NULL, t->sweep.scalar = w->scalar;
    if (!recorded && w->scalars > 1 && !(t->sweep.number = ag__streams_adjoints(t))) return false;
    if (!recorded) t->n_adjoint = w->scalars, t->adjoint = t->sweep.number;
    t->walking = true;
    return true;
}

uint32_t ag__walk_top(const ag_tensor *x)
{
    if (!x->op) return x->seq + 1;
    return x->seq - x->nth + (uint32_t)(x->op->n_out ? x->op->n_out : 1);
}

void ag__walk_path(ag__walk *w, int64_t n, ag_tensor *const *x, bool scalars)
{
    ag_tape *t = w->tape;
    uint32_t from = scalars ? 0 : w->top;
    w->pruned = true;
    for (int64_t i = 0; i < n; i++) {
        x[i]->flags |= AG__PATH;
        if (x[i]->seq < from) from = x[i]->seq;
    }
    for (uint32_t k = from; k < w->top; k++) {
        ag_tensor *y = t->node[k];
        if (!y->op) continue;
        bool on = y->op == &ag__op_pack && scalars;
        if (y->nth)
            on = y->few[0]->flags & AG__PATH;
        else
            for (int i = 0; i < y->n_in; i++) on |= y->in[i] && (y->in[i]->flags & AG__PATH);
        if (!on) continue;
        y->flags |= AG__PATH;
        if (y->op == &ag__op_unpack) scalars = true;
    }
}

/* Does the walk owe x an adjoint? */
static inline bool wanted(const ag__walk *w, const ag_tensor *x)
{
    return x && (x->flags & AG__GRAD) && (!w->pruned || (x->flags & AG__PATH));
}

/* ---- accumulation ---- */

/* The buffer of an unshared temporary made since `first` becomes x's adjoint, if it has the layout. */
static bool take_over(ag_tensor *x, ag_tensor *g, uint32_t first)
{
    if (x->adj || (x->flags & AG__ADJ) || g->seq < first || g->base != g || g->klass == AG__NO_CLASS) return false;
    if (g->layout != x->layout->dense_form) return false;
    x->adj = g->data, x->adj_klass = g->klass, x->flags |= AG__ADJ;
    g->klass = AG__NO_CLASS, g->data = NULL;
    return true;
}

/* What undoes a view is y's adjoint under another layout: if that is how x's lies, and nobody asked for y's, it is
 * passed on as it is. */
static bool pass_on(ag_tensor *x, ag_tensor *y, const ag_tensor *g)
{
    if (y->n_in != 1 || g->data != y->adj || g->layout != x->layout->dense_form) return false;
    if (x->adj || (x->flags & AG__ADJ) || y->adj_klass == AG__NO_CLASS || (y->flags & AG__TARGET)) return false;
    x->adj = y->adj, x->adj_klass = y->adj_klass, x->flags |= AG__ADJ;
    y->adj = NULL, y->adj_klass = AG__NO_CLASS;
    return true;
}

/* The adjoint of y's input i += g, summed over what broadcasting repeated. */
static bool add_plain(ag_tape *t, ag_tensor *y, int i, ag_tensor *g, uint32_t first)
{
    ag_tensor *x = y->in[i];
    if (!ag__same_dims(g->layout, x->layout) && !(g = ag_sum_to(g, x))) return false;
    if (take_over(x, g, first) || pass_on(x, y, g)) return true;
    bool add;
    void *d = ag__adjoint_of(t, x, &add);
    if (!d) return false;
    ag__copy_into(x->layout->dense_form, d, g->layout, g->data, add);
    return true;
}

static bool add_recorded(ag__walk *w, ag_tensor *x, ag_tensor *g)
{
    if (w->seeds)
        g = ag__batch_sum_to(g, w->seeds, x);
    else if (!ag__same_dims(g->layout, x->layout))
        g = ag_sum_to(g, x);
    if (!g) return false;
    ag_tensor **sum = &w->adjoint[x->seq];
    return (*sum = *sum ? ag_add(*sum, g) : g) != NULL;
}

bool ag__walk_seed(ag__walk *w, ag_tensor *x, ag_tensor *value)
{
    if (w->recorded) {
        if (!ag__same_dims(value->layout, x->layout)) value = (ag_expand)(value, x->layout->rank, x->layout->dims);
        return (w->adjoint[x->seq] = value) != NULL;
    }
    bool add;
    const ag__layout *l = x->layout->dense_form;
    void *d = ag__adjoint_of(w->tape, x, &add);
    if (!d) return false;
    if (value)
        ag__copy_into(l, d, value->layout, value->data, add);
    else
        ag__set(l, d, 0, 1);
    return true;
}

void ag__walk_seed_scalar(ag__walk *w, ag_scalar y, double value)
{
    if (y.id == 0) return;
    if (w->recorded)
        w->scalar[y.id] = ag_const(value);
    else
        w->tape->sweep.number[y.id] += value;
}

/* ---- one node ---- */

static inline bool still_valid(ag_tensor *y)
{
    uint32_t saves = y->op->saves;
    const uint32_t *saw = ag__saw(y);
    if (ag__unlikely(y->flags & AG__SPENT))
        return ag_fail(AG_ESAVED,
                       "ag_backward passed %s %s before and gave back what it needs; the first time say .retain = true",
                       ag__title(y->op), ag__text(y->layout)),
               false;
    for (int i = 0; i < y->n_in; i++) {
        if (!y->in[i] || ag__likely(y->in[i]->base->version == saw[i])) continue;
        if (saves && (i >= 16 || !(saves & AG_SAVES_IN(i)))) continue;
        return ag_fail(AG_ESAVED, "input %d %s of %s was overwritten after it was used and before its derivative",
                       i + 1, ag__text(y->in[i]->layout), ag__title(y->op)),
               false;
    }
    return true;
}

/* The values of its outputs that the rule reads, likewise. */
static inline bool output_valid(const ag_tensor *y, const ag_tensor *out, int k)
{
    uint32_t saves = y->op->saves;
    if (ag__unlikely(out->base == out && out->version) && (!saves || (saves & AG_SAVES_OUT(k))))
        return ag_fail(AG_ESAVED, "the result %s of %s was overwritten before its derivative", ag__text(y->layout),
                       ag__title(y->op)),
               false;
    return true;
}

/* A header around a buffer, so that rules can read or write it as a tensor. */
static void wrap(ag_tensor *x, const ag_tape *t, const ag__layout *l, void *data)
{
    x->data = data, x->layout = l, x->op = NULL, x->in = x->few, x->attr = NULL, x->base = x, x->adj = NULL;
    x->serial = t->serial, x->version = x->seq = x->mark = 0;
    x->n_in = x->flags = 0, x->klass = x->adj_klass = AG__NO_CLASS, x->nth = 0;
}

/* The parts of a node with all its outputs: g[k] a header in room[k], or NULL. False: no gradient arrived. */
static bool outputs(ag_tape *t, ag_tensor *y, ag_call *c, ag_tensor **out, ag_tensor **g, ag_tensor *room)
{
    bool any = false;
    for (int k = 0; k < c->n_out; k++) {
        out[k] = t->node[y->seq + (uint32_t)k];
        g[k] = NULL;
        if (!(out[k]->flags & AG__ADJ)) continue;
        wrap(&room[k], t, out[k]->layout->dense_form, out[k]->adj);
        g[k] = &room[k], any = true;
    }
    return any;
}

static bool run_kernel(ag_tape *t, ag_call *c, ag_tensor *room, bool *add)
{
    ag_tensor *zeros[AG_MAX_OUT], **g = (ag_tensor **)(uintptr_t)c->g;
    for (int k = 0; k < c->n_out; k++)
        if (!g[k]) {
            const ag__layout *l = c->out[k]->layout->dense_form;
            if (!(zeros[k] = ag__temporary(t, l))) return false;
            memset(zeros[k]->data, 0, (size_t)l->numel * l->item);
            g[k] = zeros[k];
        }
    bool twice = false; /* a tensor is two inputs: both add to its gradient, whichever is written first */
    for (int i = 0; i < c->n_in; i++) add[i] = c->need[i] && (c->in[i]->flags & AG__ADJ);
    for (int i = 0; i < c->n_in; i++) {
        c->gin[i] = NULL;
        if (!c->need[i]) continue;
        bool begun;
        void *d = ag__adjoint_of(t, c->in[i], &begun);
        if (!d) return false;
        wrap(&room[i], t, c->in[i]->layout->dense_form, d);
        c->gin[i] = &room[i], twice |= begun && !add[i];
    }
    for (int i = 0; twice && i < c->n_in; i++) {
        if (!c->need[i] || add[i]) continue;
        memset(room[i].data, 0, (size_t)room[i].layout->numel * room[i].layout->item);
        add[i] = true;
    }
    c->add = add;
    return ag__ran(c->op->backward(c), c->op, "backward");
}

/* May the kernel be used: it takes row-major buffers, or says that it takes any. */
static bool kernel_fits(const ag_call *c)
{
    if (!c->op->backward || (c->op->flags & AG_OP_ANY)) return c->op->backward;
    for (int k = 0; k < c->n_out; k++)
        if (!c->out[k]->layout->dense_form->contiguous) return false;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->in[i]) continue;
        if (c->need[i] && !c->in[i]->layout->dense_form->contiguous) return false;
        if (!(c->op->flags & AG_OP_STRIDED) && !c->in[i]->layout->contiguous) return false;
    }
    return true;
}

enum { FEW = 8 };
struct room { /* for calls of up to FEW inputs; larger ones take theirs from the arena */
    bool need[FEW], add[FEW];
    ag_tensor *gin[FEW], header[FEW];
};
static bool make_room(ag_tape *t, int n, struct room *few, bool **need, bool **add, ag_tensor ***gin,
                      ag_tensor **header)
{
    *need = few->need, *add = few->add, *gin = few->gin, *header = few->header;
    if (n <= FEW) return true;
    size_t m = (size_t)n;
    char *p = ag__arena_get(&t->arena, m * (sizeof **header + sizeof **gin + 2 * sizeof **need));
    if (!p) return false;
    *header = (ag_tensor *)(void *)p, *gin = (ag_tensor **)(void *)(*header + m);
    *need = (bool *)(*gin + m), *add = *need + m;
    return true;
}

/* The elementary functions: no call to set up. */
static inline bool pass_elementwise(ag__walk *w, ag_tensor *y)
{
    const ag__elementwise *e = y->op->impl;
    bool need[2] = { wanted(w, y->in[0]), y->n_in > 1 && wanted(w, y->in[1]) };
    if (!need[0] && !need[1]) return true;
    if (!still_valid(y) || !output_valid(y, y, 0)) return false;
    if (y->n_in == 2 && y->layout->numel == 1 && (!need[0] || ag__one_backward(e->code, y, 0)) &&
        (!need[1] || ag__one_backward(e->code, y, 1)))
        return true;
    return e->backward(w->tape, y, e->code, need);
}

bool ag__gradient_fits(const ag_call *c, int i)
{
    const ag_tensor *g = c->gin[i];
    if (!ag__readable(g, ag__title(c->op), i + 1)) return false;
    const ag__layout *lx = c->in[i]->layout, *lg = g->layout;
    bool fits = lg->dtype == lx->dtype && lg->rank >= lx->rank;
    for (int k = 1; fits && k <= lx->rank; k++) {
        int64_t have = lg->dims[lg->rank - k], want = lx->dims[lx->rank - k];
        fits = have == want || want == 1;
    }
    if (!fits)
        ag_fail(AG_ESHAPE, "%s: its vjp gave a gradient %s %s for input %d, which is %s %s", ag__title(c->op),
                ag_dtype_name(lg->dtype), ag__text(lg), i + 1, ag_dtype_name(lx->dtype), ag__text(lx));
    return fits;
}

/* Runs the rule of y; results go to the adjoints of its inputs. */
static bool pass(ag__walk *w, ag_tensor *y)
{
    ag_tape *t = w->tape;
    ag_call c = { .op = y->op, .attr = y->attr, .in = y->in, .n_in = y->n_in };
    struct room few;
    ag_tensor *out[AG_MAX_OUT], *g[AG_MAX_OUT], out_room[AG_MAX_OUT], *in_room;
    bool *need, *add, any = false;
    if (!make_room(t, c.n_in, &few, &need, &add, &c.gin, &in_room)) return false;
    for (int i = 0; i < c.n_in; i++) any |= need[i] = wanted(w, c.in[i]);
    if (!any) return true;
    c.saved = ag__saved(y->op, y->attr), c.n_out = y->op->n_out ? y->op->n_out : 1;
    c.need = need, c.out = out, c.g = g;
    if (w->recorded) {
        any = false;
        for (int k = 0; k < c.n_out; k++) {
            out[k] = t->node[y->seq + (uint32_t)k];
            any |= (g[k] = w->adjoint[out[k]->seq]) != NULL;
        }
        if (!any) return true;
    } else if (!outputs(t, y, &c, out, g, out_room))
        return true;
    if (!still_valid(y)) return false; /* of what this walk reaches: another may have passed the rest */
    for (int k = 0; k < c.n_out; k++)
        if (!output_valid(y, out[k], k)) return false;
    uint32_t first = t->n_node;
    bool ok;
    if (!w->recorded && kernel_fits(&c))
        ok = run_kernel(t, &c, in_room, add);
    else if (!c.op->vjp) {
        ok = false;
        ag_fail(AG_ENODIFF, "%s %s has no derivative%s", ag__title(c.op), ag__text(y->layout),
                c.op->backward ? " that can be differentiated again" : "");
    } else {
        bool was = !w->recorded && ag_record(false);
        for (int i = 0; i < c.n_in; i++) c.gin[i] = NULL;
        ok = w->seeds ? ag__batch_vjp(&c, w->seeds) : ag__ran(c.op->vjp(&c), c.op, "vjp");
        for (int i = 0; ok && i < c.n_in; i++) {
            if (!need[i] || !c.gin[i]) continue;
            ok = ag__gradient_fits(&c, i) &&
                 (w->recorded ? add_recorded(w, c.in[i], c.gin[i]) : add_plain(t, y, i, c.gin[i], first));
        }
        if (was) ag_record(true);
    }
    if (!w->recorded) ag__nodes_release(t, first, true);
    return ok;
}

static bool call_hook(ag_tape *t, const ag__hook *h, ag_tensor *x)
{
    const ag__layout *l = x->layout->dense_form;
    ag_tensor now;
    wrap(&now, t, l, x->adj);
    ag_tensor *other = h->f((x->flags & AG__PROXY) ? x->few[0] : x, &now, h->user);
    if (ag_error()) return false;
    if (!other || other == &now) return true;
    if (!ag__readable(other, "ag_hook: the hook's result", 1)) return false;
    if (!ag__same_dims(other->layout, l) || other->layout->dtype != l->dtype)
        return ag_fail(AG_ESHAPE, "ag_hook: the hook returned a gradient %s %s for a tensor %s %s",
                       ag_dtype_name(other->layout->dtype), ag__text(other->layout), ag_dtype_name(l->dtype),
                       ag__text(l)),
               false;
    ag__copy_into(l, x->adj, other->layout, other->data, false);
    return true;
}

static bool run_hooks(ag_tape *t, ag_tensor *x)
{
    uint32_t first = t->n_node;
    bool was = ag_record(false), ok = true;
    for (uint32_t i = 0; ok && i < t->n_hook; i++)
        if (t->hook[i].x == x) ok = call_hook(t, &t->hook[i], x);
    ag_record(was);
    ag__nodes_release(t, first, true);
    return ok;
}

/* What a second walk would need: outputs the user never saw. */
static void spend(ag_tape *t, ag_tensor *y)
{
    int n_out = y->op->n_out ? y->op->n_out : 1;
    y->flags |= AG__SPENT;
    for (int k = 1; k < n_out; k++) {
        ag_tensor *hidden = t->node[y->seq + (uint32_t)k];
        if (!(hidden->flags & AG__HIDDEN) || hidden->klass == AG__NO_CLASS) continue;
        ag__pool_put(&t->pool, hidden->data, hidden->klass);
        hidden->klass = AG__NO_CLASS, hidden->data = NULL;
    }
}

static bool visit_bridge(ag__walk *w, ag_tensor *y)
{
    ag_tape *t = w->tape;
    if (!w->recorded) {
        if (!t->sweep.number || (y->op == &ag__op_unpack && !wanted(w, y->in[0]))) return true;
        return ag__bridge_reverse_plain(t, y);
    }
    if (y->op == &ag__op_pack) return !w->adjoint[y->seq] || ag__pack_reverse(t, y, w->adjoint[y->seq]);
    ag_tensor *g = NULL;
    if (!wanted(w, y->in[0])) return true;
    return ag__unpack_reverse(t, y, &g) && (!g || add_recorded(w, y->in[0], g));
}

static bool visit(ag__walk *w, ag_tensor *y)
{
    ag_tape *t = w->tape;
    if (w->hooks && (y->flags & AG__HOOKED) && (y->flags & AG__ADJ) && !run_hooks(t, y)) return false;
    if (!y->op || y->nth) return true; /* a leaf, or an output whose first one speaks for it */
    if (ag__is_bridge(y)) {
        if (!visit_bridge(w, y)) return false;
    } else if (w->recorded) {
        if (!pass(w, y)) return false;
    } else if (y->op->impl ? (y->flags & AG__ADJ) && !pass_elementwise(w, y)
                           : ((y->flags & AG__ADJ) || y->op->n_out > 1) && !pass(w, y))
        return false;
    if (w->spend && (y->flags & AG__ADJ)) spend(t, y);
    return true;
}

/* A node's adjoint has served, unless somebody asked for it. */
static void passed(ag__walk *w, ag_tensor *y)
{
    if (w->recorded || !y->op || y->nth || (y->flags & AG__TARGET)) return;
    int n_out = y->op->n_out ? y->op->n_out : 1;
    for (int k = 0; k < n_out; k++) {
        ag_tensor *o = w->tape->node[y->seq + (uint32_t)k];
        if (!(o->flags & AG__TARGET)) ag__adjoint_drop(w->tape, o);
    }
}

static double number_at(const void *of, uint32_t id)
{
    return ((const double *)of)[id];
}
static double value_at(const void *of, uint32_t id)
{
    return ((const ag_scalar *)of)[id].value;
}

/* One statement after the other, each judged; what was found is remembered as the error. */
static void sweep_watched(ag__walk *w, uint32_t stop)
{
    ag_tape *t = w->tape;
    while (w->at.id > stop && !ag_error()) {
        ag__position at = w->at;
        if (w->recorded)
            w->at = w->statements(t, w->scalar, at, at.id - 1);
        else
            w->at = ag__reverse_plain(t, t->sweep.number, at, at.id - 1);
        if (!ag_error())
            ag__watch_adjoints(t, at, w->recorded ? value_at : number_at,
                               w->recorded ? (const void *)w->scalar : t->sweep.number);
    }
}

static void sweep(ag__walk *w, uint32_t stop)
{
    if (w->at.id <= stop) return;
    if (ag__unlikely(w->tape->watch && w->tape->watch->anomaly)) {
        sweep_watched(w, stop);
        return;
    }
    w->at = w->recorded ? w->statements(w->tape, w->scalar, w->at, stop)
                        : ag__reverse_plain(w->tape, w->tape->sweep.number, w->at, stop);
}

static bool reverse(ag__walk *w)
{
    ag_tape *t = w->tape;
    bool ok = true, scalars = w->scalars > 1, quick = !w->recorded && !w->hooks;
    for (uint32_t k = w->top; ok && k-- > 0;) {
        ag_tensor *y = t->node[k];
        if (scalars && y->op && !y->nth) {
            sweep(w, t->mark[y->mark].id > w->stop ? t->mark[y->mark].id : w->stop);
            if (w->recorded && ag_error()) ok = false;
        }
        if (quick && (y->flags & AG__ADJ) && y->op && y->op->impl) { /* most nodes of small graphs */
            ok = ok && pass_elementwise(w, y);
            if (w->spend) y->flags |= AG__SPENT;
            if (!(y->flags & AG__TARGET)) ag__adjoint_passed(t, y);
            continue;
        }
        ok = ok && visit(w, y);
        passed(w, y);
    }
    return ok;
}

const ag__tensor_side ag__tensors = { ag__leaves_prepare, reverse,  ag__leaves_commit, ag__mixed_forward,
                                      ag__layouts_forget, ag__title };

/* ---- the same, watched ---- */

/* Of the first output: that of several is in brackets of the message only. */
static bool judge(const ag__walk *w, const ag_tensor *y)
{
    ag_tape *t = w->tape;
    const ag_tensor *came = w->recorded ? w->adjoint[y->seq] : NULL;
    const ag__layout *lc = w->recorded ? (came ? came->layout : y->layout) : y->layout->dense_form;
    const void *gy = w->recorded ? (came ? came->data : NULL) : y->adj;
    for (int i = 0; i < y->n_in; i++) {
        const ag_tensor *x = y->in[i], *g = w->recorded && wanted(w, x) ? w->adjoint[x->seq] : NULL;
        if (!wanted(w, x) || (w->recorded ? !g : !(x->flags & AG__ADJ))) continue;
        const ag__layout *l = g ? g->layout : x->layout->dense_form;
        if (!ag__watch_gradient(t, y, i, l, g ? g->data : x->adj, gy ? lc : NULL, gy)) return false;
    }
    return true;
}

/* Did a gradient come to one of its outputs? */
static bool reached(const ag__walk *w, const ag_tensor *y)
{
    bool any = false;
    for (uint32_t k = y->seq; k < y->seq + (y->op->n_out > 1 ? (uint32_t)y->op->n_out : 1); k++)
        any |= w->recorded ? w->adjoint[k] != NULL : w->tape->node[k]->flags & AG__ADJ;
    return any;
}

static bool reverse_watched(ag__walk *w)
{
    ag_tape *t = w->tape;
    bool ok = true, scalars = w->scalars > 1;
    for (uint32_t k = w->top; ok && k-- > 0;) {
        ag_tensor *y = t->node[k];
        if (scalars && y->op && !y->nth) sweep(w, t->mark[y->mark].id > w->stop ? t->mark[y->mark].id : w->stop);
        bool rule = y->op && !y->nth && !ag__is_bridge(y) && reached(w, y);
        double start = t->watch->profile ? ag__watch_clock() : 0;
        ok = !ag_error() && visit(w, y) && (!rule || !t->watch->anomaly || judge(w, y));
        if (ok && rule && t->watch->profile) ok = ag__watch_passed(t, y, start);
        passed(w, y);
    }
    return ok;
}

const ag__tensor_side ag__tensors_watched = { ag__leaves_prepare, reverse_watched,    ag__leaves_commit,
                                              ag__mixed_forward,  ag__layouts_forget, ag__title };

bool ag__walk_run(ag__walk *w)
{
    bool ok = !w->top || w->tape->tensors->reverse(w);
    if (ok && w->scalars > 1) sweep(w, w->stop);
    w->failed = !ok || ag_error();
    return !w->failed;
}

ag_tensor *ag__walk_result(ag__walk *w, ag_tensor *x)
{
    ag_tape *t = w->tape;
    if (w->recorded) {
        ag_tensor *g = x->seq < w->top ? w->adjoint[x->seq] : NULL;
        return g ? g : ag_zeros_like(x);
    }
    if (!(x->flags & AG__ADJ)) return ag_zeros_like(x);
    ag_tensor *g = ag__temporary(t, x->layout->dense_form);
    if (g) memcpy(g->data, x->adj, (size_t)g->layout->numel * g->layout->item);
    return g;
}

void ag__walk_end(ag__walk *w)
{
    ag_tape *t = w->tape;
    bool everywhere = w->pruned || w->failed || t->n_variable; /* else adjoints are left on leaves only */
    if (everywhere)
        for (uint32_t k = 0; k < w->top; k++) {
            ag_tensor *x = t->node[k];
            if (!w->recorded) ag__adjoint_passed(t, x);
            x->flags &= (uint16_t) ~(AG__PATH | AG__TARGET);
        }
    else if (!w->recorded)
        for (uint32_t i = 0; i < t->n_proxy; i++) ag__adjoint_passed(t, t->proxy[i]);
    ag__release(&t->budget, w->adjoint, w->scratch);
    ag__release(&t->budget, w->scalar, w->scalar_scratch);
    t->sweep = (ag__adjoints){ NULL, NULL };
    t->walking = false;
    if (t->watch) ag__watch_from_here(t);
}
