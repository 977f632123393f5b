/* backward.c - ag_backward: the plain walk whose results are the gradients of leaves, all or none of them. */
#include <autograd/diff/walk.h>
#include <autograd/kernels/kernels.h>
#include <autograd/ops/apply.h>

/* ---- where gradients go ----
 * A leaf without gradient lends its buffer to the walk; one that has collected before gets a second one, added at the
 * end. So a walk that fails has changed nothing, and everything it needs for its results is there before it starts. */

static bool collects(const ag__walk *w, const ag_tensor *x)
{
    return x->seq < w->top && (x->flags & AG__GRAD) && (!w->pruned || (x->flags & AG__TARGET));
}

static bool prepare_leaf(ag_tape *t, ag_tensor *proxy)
{
    struct ag__leaf *leaf = ag__leaf_of(proxy->few[0]);
    if (!leaf->x.adj) {
        ag_tensor *made = ag__leaf_new(&leaf->layout, false);
        if (!made) return false;
        ag__leaf_hold(made); /* by its leaf, as by a tape: it is not the user's to free */
        ag_free(made);
        leaf->x.adj = made;
    }
    ag_tensor *gradient = leaf->x.adj;
    bool free_to_write = !leaf->has_grad && !ag__proxy_find(t, gradient); /* or it is an operand itself */
    if (free_to_write && ag__proxy_find(t, &leaf->x) == proxy) proxy->adj = gradient->data;
    return true;
}

static void commit_leaf(ag_tensor *proxy)
{
    struct ag__leaf *leaf = ag__leaf_of(proxy->few[0]);
    if (!(proxy->flags & AG__ADJ)) return;
    ag_tensor *gradient = leaf->x.adj;
    const ag__layout *l = proxy->layout->dense_form;
    if (proxy->adj != gradient->data) ag__copy_into(l, gradient->data, l, proxy->adj, leaf->has_grad);
    leaf->has_grad = true;
    gradient->version++;
}

/* ag_variable's gradient is a temporary that its header points to. */
static bool is_variable(const ag_tensor *x)
{
    return !x->op && (x->flags & AG__GRAD) && !(x->flags & AG__PROXY);
}

static bool prepare_variable(ag_tape *t, ag_tensor *x)
{
    if (x->attr) return true;
    const ag__layout *l = x->layout->dense_form;
    ag_tensor *gradient = ag__temporary(t, l);
    if (!gradient) return false;
    x->attr = gradient;
    x->mark = false; /* nothing collected yet */
    return true;
}

static void commit_variable(ag_tensor *x)
{
    if (!(x->flags & AG__ADJ)) return;
    ag_tensor *gradient = x->attr;
    ag__copy_into(gradient->layout, gradient->data, gradient->layout, x->adj, x->mark);
    x->mark = true;
}

/* Only these leaves: what leads to them is marked. */
static bool restrict_to(ag__walk *w, ag_params into)
{
    ag_tape *t = w->tape;
    ag_tensor **x = ag__arena_get(&t->arena, (size_t)into.n * sizeof *x);
    int64_t n = 0;
    if (!x) return false;
    for (int64_t i = 0; i < into.n; i++) {
        ag_tensor *leaf = into.at[i].tensor, *on_tape = leaf;
        if (leaf->flags & AG__LEAF)
            on_tape = ag__proxy_find(t, leaf);
        else if (!is_variable(leaf))
            return ag_fail(AG_EINVAL, "ag_backward: .into: %s %s is no leaf that collects a gradient",
                           into.at[i].name ? into.at[i].name : "a tensor", ag__text(leaf->layout)),
                   false;
        if (!on_tape || on_tape->seq >= w->top) continue; /* not used: no gradient */
        on_tape->flags |= AG__TARGET;
        x[n++] = on_tape;
    }
    ag__walk_path(w, n, x, false);
    return true;
}

bool ag__leaves_prepare(ag__walk *w, ag_params into, ag_tensor *y, ag_tensor *seed)
{
    ag_tape *t = w->tape;
    if (into.n && !restrict_to(w, into)) return false;
    for (uint32_t i = 0; i < t->n_proxy; i++)
        if (collects(w, t->proxy[i]) && !prepare_leaf(t, t->proxy[i])) return false;
    for (uint32_t k = 0; t->n_variable && k < w->top; k++)
        if (is_variable(t->node[k]) && collects(w, t->node[k]) && !prepare_variable(t, t->node[k])) return false;
    return !y || ag__walk_seed(w, y, seed);
}

void ag__leaves_commit(ag__walk *w)
{
    ag_tape *t = w->tape;
    for (uint32_t i = 0; i < t->n_proxy; i++)
        if (collects(w, t->proxy[i])) commit_leaf(t->proxy[i]);
    for (uint32_t k = 0; t->n_variable && k < w->top; k++)
        if (is_variable(t->node[k]) && collects(w, t->node[k])) commit_variable(t->node[k]);
}

static bool usable(const ag_tape *t, ag_params into)
{
    if (into.n && !ag__have_list(into.n, into.at, "ag_backward: .into")) return false;
    for (int64_t i = 0; i < into.n; i++)
        if (!ag__usable(into.at[i].tensor, t->serial, "ag_backward: .into", (int)i + 1)) return false;
    return true;
}

/* From the tensor y, or the scalar s. */
static ag_status run(ag__walk *w, ag_tensor *y, ag_tensor *seed, ag_scalar s, const ag_backward_options *o)
{
    ag_tape *t = w->tape;
    ag_params into = o ? o->into : (ag_params){ NULL, 0 };
    w->spend = !o || !o->retain;
    w->hooks = t->n_hook > 0;
    bool ok = usable(t, into) && (!t->tensors || t->tensors->prepare(w, into, y, seed));
    if (ok && !y) ag__walk_seed_scalar(w, s, seed ? *(const double *)seed->data : 1);
    if (ok && ag__walk_run(w) && t->tensors) t->tensors->commit(w);
    ag__walk_end(w);
    return ag_error();
}

ag_status(ag_backward)(ag_tensor *y, const ag_backward_options *o)
{
    ag_tape *t = ag__tape("ag_backward");
    if (ag_error() || !t || !(y = ag__operand(t, y, "ag_backward", 1))) return ag_error();
    const ag__layout *l = y->layout;
    ag_tensor *seed = o ? o->seed : NULL;
    if (!(y->flags & AG__GRAD))
        return ag_fail(AG_EGRAPH, "ag_backward: the result %s does not depend on anything that requires a gradient",
                       ag__text(l));
    if (!seed && l->numel != 1)
        return ag_fail(AG_ESHAPE, "ag_backward: the result %s must hold one number, or pass .seed", ag__text(l));
    if (seed) {
        if (!(seed = ag__operand(t, seed, "ag_backward: .seed", 1))) return ag_error();
        if (!ag__same_dims(seed->layout, l) || seed->layout->dtype != l->dtype)
            return ag_fail(AG_ESHAPE, "ag_backward: .seed is %s %s, the result %s %s",
                           ag_dtype_name(seed->layout->dtype), ag__text(seed->layout), ag_dtype_name(l->dtype),
                           ag__text(l));
    }
    ag__walk w;
    if (!ag__walk_begin(&w, t, ag__walk_top(y), NULL)) return ag_error();
    return run(&w, y, seed, ag_const(0), o);
}

ag_status ags_backward(ag_scalar y, const ag_backward_options *o)
{
    ag_tape *t = ag__tape("ag_backward");
    if (ag_error() || !t || !ag__streams_live(y, "ag_backward")) return ag_error();
    ag_tensor *seed = o ? o->seed : NULL;
    if (seed) {
        if (!ag__usable(seed, t->serial, "ag_backward: .seed", 1)) return ag_error();
        if (seed->layout->numel != 1 || seed->layout->dtype != AG_F64)
            return ag_fail(AG_ESHAPE, "ag_backward: .seed of a scalar is one f64 number, got %s %s",
                           ag_dtype_name(seed->layout->dtype), ag__text(seed->layout));
    }
    if (y.id == 0)
        return ag_fail(AG_EGRAPH, "ag_backward: the result %g is a constant: it does not depend on any input", y.value);
    ag__walk w;
    if (!ag__walk_begin(&w, t, t->n_node, NULL)) return ag_error();
    return run(&w, NULL, seed, y, o);
}

double ag_adjoint(ag_scalar x)
{
    ag_tape *t = ag__tape("ag_adjoint");
    if (!t || !ag__streams_live(x, "ag_adjoint")) return 0;
    return x.id && x.id < t->n_adjoint && t->adjoint ? t->adjoint[x.id] : 0;
}

/* ---- leaves, variables, hooks ---- */

void ag_zero_grad(ag_params params)
{
    if (!ag__have_list(params.n, params.at, "ag_zero_grad")) return;
    for (int64_t i = 0; i < params.n; i++) {
        ag_tensor *x = params.at[i].tensor;
        if (!x) continue;
        if (x->flags & AG__LEAF)
            ag__leaf_of(x)->has_grad = false;
        else if (is_variable(x))
            x->attr = NULL;
    }
}

ag_tensor *ag_variable(ag_tensor *value)
{
    ag_tape *t = ag__tape("ag_variable");
    if (!t || !(value = ag__operand(t, value, "ag_variable", 1))) return NULL;
    if (!ag__need_float(value, "ag_variable")) return NULL;
    ag_tensor *x = ag__temporary(t, value->layout->dense_form);
    if (!x) return NULL;
    ag__copy_into(x->layout, x->data, value->layout, value->data, false);
    x->flags |= AG__GRAD;
    t->n_variable++;
    return x;
}

ag_tensor *ag_detach(ag_tensor *x)
{
    ag_tape *t = ag__tape("ag_detach");
    if (!t || !(x = ag__operand(t, x, "ag_detach", 1))) return NULL;
    return ag__view(t, x->layout, x, 0);
}

ag_status ag_hook(ag_tensor *x, ag_hook_fn *f, void *user)
{
    ag_tape *t = ag__tape("ag_hook");
    if (!t || !(x = ag__operand(t, x, "ag_hook", 1))) return ag_error();
    if (!f) return ag_fail(AG_ENULL, "ag_hook: the function is NULL");
    if (!(x->flags & AG__GRAD)) return ag_fail(AG_EGRAPH, "ag_hook: %s requires no gradient", ag__text(x->layout));
    if (t->n_hook == t->max_hook) {
        uint32_t n = t->max_hook ? 2 * t->max_hook : 8;
        ag__hook *h = ag__grow(&t->budget, t->hook, t->max_hook * sizeof *h, n * sizeof *h, "hooks");
        if (!h) return ag_error();
        t->hook = h, t->max_hook = n;
    }
    t->hook[t->n_hook++] = (ag__hook){ x, f, user };
    x->flags |= AG__HOOKED;
    return AG_OK;
}
