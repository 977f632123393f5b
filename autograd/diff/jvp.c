/* jvp.c - Jacobian times vector by the operations' forward rules: one sweep in the order of recording. */
#include <autograd/diff/batch.h>
#include <autograd/diff/lanes.h>
#include <autograd/diff/walk.h>
#include <autograd/ops/apply.h>
#include <autograd/ops/bridge.h>
#include <autograd/tape/watch.h>
#include <string.h>

/* A forward sweep's state is a recorded walk's, read as tangents: tensors by node, scalars by id. */
static bool node_tangent(ag__walk *w, ag_tensor *y)
{
    ag_tape *t = w->tape;
    if (y->op == &ag__op_pack) return ag__pack_forward(t, y, &w->adjoint[y->seq]);
    if (y->op == &ag__op_unpack)
        return !w->adjoint[y->in[0]->seq] || ag__unpack_forward(t, y, w->adjoint[y->in[0]->seq]);
    size_t n = (size_t)y->n_in;
    ag_tensor *few[8], *out[AG_MAX_OUT], *tout[AG_MAX_OUT] = { NULL };
    ag_tensor **tangent = n <= 8 ? few : ag__arena_get(&t->arena, n * sizeof *tangent);
    if (!tangent) return false;
    bool any = false;
    for (size_t i = 0; i < n; i++) any |= (tangent[i] = y->in[i] ? w->adjoint[y->in[i]->seq] : NULL) != NULL;
    if (!any) return true;
    if (!y->op->jvp)
        return ag_fail(AG_ENODIFF, "ag_jvp: %s %s has no forward rule: .jvp is NULL", ag__title(y->op),
                       ag__text(y->layout)),
               false;
    ag_call c = { .op = y->op,
                  .attr = y->attr,
                  .saved = ag__saved(y->op, y->attr),
                  .n_in = y->n_in,
                  .in = y->in,
                  .out = out,
                  .tangent = tangent,
                  .tout = tout };
    c.n_out = y->op->n_out ? y->op->n_out : 1;
    for (int k = 0; k < c.n_out; k++) out[k] = t->node[y->seq + (uint32_t)k];
    if (!(w->seeds ? ag__batch_jvp(&c, w->seeds) : ag__ran(y->op->jvp(&c), y->op, "jvp"))) return false;
    if (!w->seeds && !ag__tangents_fit(&c)) return false;
    for (int k = 0; k < c.n_out; k++) w->adjoint[out[k]->seq] = tout[k];
    return !t->watch || !t->watch->anomaly || ag__watch_tangents(t, y, c.n_out, tangent, tout);
}

/* Leaves AG__PATH on what leads to y: what else was made of x - earlier products with it - has tangents nobody wants.
 */
static void towards(ag__walk *w, ag_tensor *y, uint32_t from, const ag__gap *aside)
{
    ag_tape *t = w->tape;
    bool scalars = false; /* a pack that leads to y may have come from any unpack before it */
    y->flags |= AG__TARGET;
    for (uint32_t k = w->top; k-- > from;) {
        ag_tensor *node = t->node[k];
        const bool apart = aside && k >= aside->node && k < aside->end;
        if (scalars && !apart && node->op == &ag__op_unpack) node->flags |= AG__TARGET;
        if (!(node->flags & AG__TARGET)) {
            node->flags &= (uint16_t)~AG__PATH;
            continue;
        }
        if (node->nth) {
            node->few[0]->flags |= AG__TARGET;
            continue;
        }
        scalars |= node->op == &ag__op_pack;
        for (int i = 0; node->op && i < node->n_in; i++)
            if (node->in[i]) node->in[i]->flags |= AG__TARGET;
    }
}

static ag__position statements(ag__walk *w, ag__position at, uint32_t end, const ag__gap *aside)
{
    if (aside && at.id <= aside->from.id && aside->from.id < end) {
        ag__forward_recorded(w->tape, w->scalar, at, aside->from.id);
        at = aside->to;
    }
    return ag__forward_recorded(w->tape, w->scalar, at, end);
}

static bool forward(ag__walk *w, uint32_t from, const ag__gap *aside)
{
    ag_tape *t = w->tape;
    ag__position at = { 0 };
    bool scalars = false; /* from the first unpack on, statements matter */
    for (uint32_t k = from; k < w->top; k++) {
        ag_tensor *y = t->node[k];
        if (!y->op || y->nth || !(y->flags & AG__PATH)) continue;
        if (scalars)
            at = statements(w, at, t->mark[y->mark].id, aside);
        else if (y->op == &ag__op_unpack)
            scalars = true, at = t->mark[y->mark];
        if (ag_error() || !node_tangent(w, y)) return false;
    }
    return true;
}

ag_tensor *ag__jvp(ag_tensor *y, ag_tensor *x, ag_tensor *v, int64_t seeds, const ag__gap *aside)
{
    ag_tape *t = ag__tape("ag_jvp");
    if (ag_error() || !t || !(y = ag__operand(t, y, "ag_jvp", 1)) || !(x = ag__operand(t, x, "ag_jvp", 2))) return NULL;
    if (!(v = ag__operand(t, v, "ag_jvp", 3))) return NULL;
    if ((!seeds && !ag__same_dims(v->layout, x->layout)) || v->layout->dtype != x->layout->dtype)
        return ag_fail(AG_ESHAPE, "ag_jvp: v is %s %s, x %s %s", ag_dtype_name(v->layout->dtype), ag__text(v->layout),
                       ag_dtype_name(x->layout->dtype), ag__text(x->layout)),
               NULL;
    if (!ag__need_float(x, "ag_jvp") || !ag__need_float(y, "ag_jvp")) return NULL;
    if (!(x->flags & AG__GRAD))
        return ag_fail(AG_EGRAPH, "ag_jvp: operand 2 %s requires no gradient; ag_variable and ag_param make what does",
                       ag__text(x->layout)),
               NULL;
    ag__walk w;
    uint32_t top = ag__walk_top(y) > x->seq + 1 ? ag__walk_top(y) : x->seq + 1;
    if (!ag__walk_begin(&w, t, top, ag__reverse_recorded)) return NULL;
    ag__walk_path(&w, 1, &x, false);
    towards(&w, y, x->seq, aside);
    w.seeds = seeds, w.adjoint[x->seq] = v;
    bool ok = forward(&w, x->seq, aside);
    ag_tensor *result = ok ? w.adjoint[y->seq] : NULL;
    if (ok && !result) {
        int64_t dims[AG_MAX_RANK] = { seeds };
        const int more = seeds > 0;
        memcpy(dims + more, y->layout->dims, (size_t)y->layout->rank * sizeof *dims);
        result = (ag_zeros)(y->layout->dtype, y->layout->rank + more, dims);
    }
    ag__walk_end(&w);
    return result;
}

ag_tensor *ag_jvp(ag_tensor *y, ag_tensor *x, ag_tensor *v)
{
    return ag__jvp(y, x, v, 0, NULL);
}

/* Over scalars alone: tangents are numbers, partials stand on the tape. */
static void plain_sweep(const ag__map *f, const double *v, double *jv)
{
    ag__work w;
    if (!ag__work_begin(&w, f, AG__FORWARD, 1)) return;
    ag__forward_clear(&w, f);
    for (size_t i = 0; i < f->n; i++) ag__forward_seed(&w, f->x[i].id, 0, v[i]);
    ag__forward_run(&w, f);
    for (size_t i = 0; i < f->m; i++) jv[i] = f->y[i].id && w.live[f->y[i].id] ? w.tangent[f->y[i].id] : 0;
    ag__work_end(&w, f);
}

bool ag__mixed_forward(ag__walk *w, uint32_t end)
{
    ag_tape *t = w->tape;
    ag__position at = ag__streams_begin(t);
    for (uint32_t k = 0; k < w->top; k++) {
        ag_tensor *node = t->node[k];
        if (!node->op || node->nth) continue;
        at = ag__forward_recorded(t, w->scalar, at, t->mark[node->mark].id);
        if (ag_error() || !node_tangent(w, node)) return false;
    }
    ag__forward_recorded(t, w->scalar, at, end);
    return true;
}

/* From numbers by id to a node's tangent. */
static bool into_tensor(ag__walk *w, const ag_tensor *y, const ag__work *numbers)
{
    const uint32_t *id = ((const struct ag__pack *)y->attr)->id;
    const int64_t n = y->layout->numel;
    bool any = false;
    for (int64_t i = 0; i < n && !any; i++) any = id[i] && numbers->live[id[i]];
    if (!any) return true;
    ag_tensor *tangent = ag_zeros(AG_F64, n);
    double *to = tangent ? tangent->data : NULL;
    for (int64_t i = 0; to && i < n; i++)
        if (id[i] && numbers->live[id[i]]) to[i] = numbers->tangent[id[i]];
    return (w->adjoint[y->seq] = tangent) != NULL;
}

/* And back: the node's scalars begin at its mark. */
static bool out_of_tensor(ag__walk *w, const ag_tensor *y, const ag__map *f, ag__work *numbers)
{
    const ag_tensor *tangent = w->adjoint[y->in[0]->seq];
    if (!tangent) return true;
    ag_tensor *row = ag_contiguous((ag_tensor *)(uintptr_t)tangent);
    const double *from = row ? row->data : NULL;
    const uint32_t first = w->tape->mark[y->mark].id;
    for (uint32_t i = 0; from && i < (uint64_t)row->layout->numel && first + i < f->ids; i++)
        ag__forward_seed(numbers, first + i, 0, from[i]);
    return from;
}

/* Through tensors as well: numbers between the nodes, and the nodes' forward rules with recording switched off. */
static void mixed_sweep(const ag__map *f, const double *v, double *jv)
{
    ag_tape *t = f->tape;
    ag__walk w;
    ag__work numbers;
    if (!ag__work_begin(&numbers, f, AG__FORWARD, 1)) return;
    ag__forward_clear(&numbers, f);
    for (size_t i = 0; i < f->n; i++) ag__forward_seed(&numbers, f->x[i].id, 0, v[i]);
    const uint32_t first = t->n_node;
    if (ag__walk_begin(&w, t, first, ag__reverse_recorded)) {
        ag__position at = f->from;
        bool ok = true;
        for (uint32_t k = 0; ok && k < w.top; k++) {
            ag_tensor *y = t->node[k];
            if (!y->op || y->nth) continue;
            const ag__position here = t->mark[y->mark];
            if (here.id > f->to.id) break;
            if (here.id > at.id) numbers.lanes->forward(t, numbers.tangent, numbers.live, at, here.id), at = here;
            if (ag_error())
                ok = false;
            else if (y->op == &ag__op_pack)
                ok = into_tensor(&w, y, &numbers);
            else
                ok = y->op == &ag__op_unpack ? out_of_tensor(&w, y, f, &numbers) : node_tangent(&w, y);
        }
        if (ok) numbers.lanes->forward(t, numbers.tangent, numbers.live, at, f->to.id);
        for (size_t i = 0; ok && i < f->m; i++)
            jv[i] = f->y[i].id && numbers.live[f->y[i].id] ? numbers.tangent[f->y[i].id] : 0;
        ag__walk_end(&w);
        ag__nodes_release(t, first, true);
    }
    ag__work_end(&numbers, f);
}

/* Watched: the recorded sweep with recording switched off. */
static void watched_sweep(const ag__map *f, const double *v, double *jv)
{
    ag_tape *t = f->tape;
    ag__walk w;
    if (!ag__walk_begin(&w, t, t->n_node, ag__reverse_recorded)) return;
    for (size_t i = 0; i < f->n; i++)
        if (f->x[i].id) w.scalar[f->x[i].id].value += v[i];
    bool ok = true;
    if (f->mixed)
        ok = t->tensors->forward(&w, f->to.id);
    else
        ag__forward_recorded(t, w.scalar, ag__streams_begin(t), f->to.id);
    for (size_t i = 0; ok && i < f->m; i++) jv[i] = f->y[i].id ? w.scalar[f->y[i].id].value : 0;
    ag__walk_end(&w);
}

ag_status ags_jvp(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *v, double *jv)
{
    ag__map f;
    if ((m && !jv) || (n && !v)) return ag_fail(AG_ENULL, "ags_jvp: an array of numbers is NULL");
    if (!ag__map_begin(&f, "ags_jvp", y, m, x, n)) return ag_error();
    if (f.constant) {
        for (size_t i = 0; i < m; i++) jv[i] = 0;
    } else if (!f.mixed && !f.watched) {
        plain_sweep(&f, v, jv);
    } else {
        bool was = ag_record(false);
        f.watched ? watched_sweep(&f, v, jv) : mixed_sweep(&f, v, jv);
        ag_record(was);
    }
    return ag_error();
}
