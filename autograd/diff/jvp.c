/* jvp.c - Jacobian times vector by the operations' forward rules: one sweep in the order of recording. */
#include <autograd/diff/walk.h>
#include <autograd/ops/apply.h>
#include <autograd/ops/bridge.h>
#include <string.h>

/* A forward sweep's state is a recorded walk's, read as tangents: tensors by node, scalars by id. */
static bool node_tangent(ag__walk *w, ag_tensor *y)
{
    ag_tape *t = w->tape;
    if (y->op == &ag__op_pack) return ag__pack_forward(t, y, &w->adjoint[y->seq]);
    if (y->op == &ag__op_unpack)
        return !w->adjoint[y->in[0]->seq] || ag__unpack_forward(t, y, w->adjoint[y->in[0]->seq]);
    size_t n = (size_t)y->n_in;
    ag_tensor **tangent = ag__arena_get(&t->arena, n * sizeof *tangent), *out[AG_MAX_OUT], *tout[AG_MAX_OUT] = { NULL };
    if (!tangent) return false;
    bool any = false;
    for (size_t i = 0; i < n; i++) any |= (tangent[i] = y->in[i] ? w->adjoint[y->in[i]->seq] : NULL) != NULL;
    if (!any) return true;
    if (!y->op->jvp)
        return ag_fail(AG_ENODIFF, "ag_jvp: %s %s has no forward rule", ag__title(y->op), ag__text(y->layout)), false;
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
    if (!ag__ran(y->op->jvp(&c), y->op, "jvp")) return false;
    for (int k = 0; k < c.n_out; k++) {
        if (tout[k] && !ag__same_dims(tout[k]->layout, out[k]->layout))
            return ag_fail(AG_ESHAPE, "ag_jvp: the forward rule of %s gave %s for a result %s", ag__title(y->op),
                           ag__text(tout[k]->layout), ag__text(out[k]->layout)),
                   false;
        w->adjoint[out[k]->seq] = tout[k];
    }
    return true;
}

static bool forward(ag__walk *w, uint32_t from)
{
    ag_tape *t = w->tape;
    ag__position at = { 0 };
    bool scalars = false; /* from the first unpack on, statements matter */
    for (uint32_t k = from; k < w->top; k++) {
        ag_tensor *y = t->node[k];
        if (!y->op || y->nth || !(y->flags & AG__PATH)) continue;
        if (scalars)
            at = ag__forward_recorded(t, w->scalar, at, t->mark[y->mark].id);
        else if (y->op == &ag__op_unpack)
            scalars = true, at = t->mark[y->mark];
        if (ag_error() || !node_tangent(w, y)) return false;
    }
    return true;
}

ag_tensor *ag_jvp(ag_tensor *y, ag_tensor *x, ag_tensor *v)
{
    ag_tape *t = ag__tape("ag_jvp");
    if (ag_error() || !t || !(y = ag__operand(t, y, "ag_jvp", 1)) || !(x = ag__operand(t, x, "ag_jvp", 2))) return NULL;
    if (!(v = ag__operand(t, v, "ag_jvp", 3))) return NULL;
    if (!ag__same_dims(v->layout, x->layout) || v->layout->dtype != x->layout->dtype)
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
    w.adjoint[x->seq] = v;
    bool ok = forward(&w, x->seq);
    ag_tensor *result = ok ? w.adjoint[y->seq] : NULL;
    if (ok && !result) result = ag_zeros_like(y);
    ag__walk_end(&w);
    return result;
}

/* Over scalars alone: tangents are numbers, partials stand on the tape. */
static bool plain_sweep(ag_tape *t, const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *v,
                        uint32_t end, double *jv)
{
    size_t bytes = ag__streams_count(t) * sizeof(double);
    double *tangent = ag__alloc(&t->budget, bytes, "tangents");
    if (!tangent) return false;
    memset(tangent, 0, bytes);
    for (size_t i = 0; i < n; i++)
        if (x[i].id) tangent[x[i].id] = v[i];
    ag__forward_plain(t, tangent, ag__streams_begin(t), end);
    for (size_t i = 0; i < m; i++) jv[i] = y[i].id ? tangent[y[i].id] : 0;
    ag__release(&t->budget, tangent, bytes);
    return true;
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

/* Through tensors as well: the recorded sweep with recording switched off. */
static bool mixed_sweep(ag_tape *t, const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *v,
                        uint32_t end, double *jv)
{
    ag__walk w;
    if (!ag__walk_begin(&w, t, t->n_node, ag__reverse_recorded)) return false;
    for (size_t i = 0; i < n; i++)
        if (x[i].id) w.scalar[x[i].id] = ag_const(v[i]);
    bool ok = t->tensors->forward(&w, end);
    for (size_t i = 0; ok && i < m; i++) jv[i] = y[i].id ? w.scalar[y[i].id].value : 0;
    ag__walk_end(&w);
    return ok;
}

ag_status ags_jvp(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *v, double *jv)
{
    ag_tape *t = ag__tape("ags_jvp");
    if (ag_error() || !t) return ag_error();
    if ((m && (!y || !jv)) || (n && (!x || !v))) return ag_fail(AG_ENULL, "ags_jvp: an array is NULL");
    uint32_t end = 1;
    for (size_t i = 0; i < m; i++) {
        if (!ag__streams_live(y[i], "ags_jvp")) return ag_error();
        if (y[i].id >= end) end = y[i].id + 1;
    }
    for (size_t i = 0; i < n; i++)
        if (!ag__streams_live(x[i], "ags_jvp")) return ag_error();
    bool bridges = false;
    for (uint32_t k = 0; k < t->n_node && !bridges; k++) bridges = t->node[k]->op && ag__is_bridge(t->node[k]);
    if (end == 1)
        memset(jv, 0, m * sizeof *jv);
    else if (!bridges)
        plain_sweep(t, y, m, x, n, v, end, jv);
    else {
        bool was = ag_record(false);
        mixed_sweep(t, y, m, x, n, v, end, jv);
        ag_record(was);
    }
    return ag_error();
}
