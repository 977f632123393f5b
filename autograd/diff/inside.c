/* inside.c - see inside.h. */
#include <autograd/diff/inside.h>
#include <autograd/ops/apply.h>
#include <string.h>

/* ---- evaluating ---- */

/* x as a variable of the current tape, sharing its storage. */
static ag_tensor *borrow(ag_tape *t, const ag_tensor *x)
{
    ag_tensor *y = ag__view(t, ag__layout_intern(&t->layouts, x->layout), (ag_tensor *)(uintptr_t)x, 0);
    if (y && (x->flags & AG__GRAD)) y->flags |= AG__GRAD;
    return y;
}

static ag_tensor *once(const ag__inside *f, ag_tape *t, ag_tensor **now, bool record)
{
    ag_rng_set(f->rng);
    ag_tensor *y = f->run(f, now, record);
    ag_tape_use(t);
    ag_record(true);
    if (!y && !ag_error()) ag_fail(AG_EINVAL, "%s: the function returned NULL", f->who);
    return ag_error() ? NULL : ag__operand(t, y, f->who, 0);
}

/* The largest change over the largest element. */
static double change(const ag_tensor *was, const ag_tensor *now)
{
    double most = 0, size = 0;
    const double *a = was->data, *b = now->data;
    for (int64_t i = 0; i < was->layout->numel; i++) {
        double d = was->layout->dtype == AG_F64 ? fabs(a[i] - b[i])
                                                : fabs((double)((const float *)a)[i] - (double)((const float *)b)[i]);
        double s = was->layout->dtype == AG_F64 ? fabs(b[i]) : fabs((double)((const float *)b)[i]);
        most = d > most || d != d ? d : most, size = s > size ? s : size;
    }
    return size > 1 ? most / size : most;
}

/* Until now[0] and the result agree; what one evaluation leaves is freed before the next. */
static ag_tensor *iterated(const ag__inside *f, ag_tape *t, ag_tensor **now)
{
    const ag__layout *l =
        ag__layout_get(&t->layouts, now[0]->layout->dtype, now[0]->layout->rank, now[0]->layout->dims, f->who);
    ag_tensor *z = l ? ag__temporary(t, l) : NULL, *next = z ? ag__temporary(t, l) : NULL;
    if (!next) return NULL;
    ag__copy_into(l, z->data, now[0]->layout, now[0]->data, false);
    z->flags |= AG__GRAD; /* as the result will have it: f may differentiate by it */
    now[0] = z;
    const ag_mark mark = ag_tape_mark(t);
    double moved = INFINITY;
    for (int k = 0; k < f->most; k++) {
        if (k > 0 && ag_tape_rewind(t, mark)) return NULL;
        ag_tensor *y = once(f, t, now, false);
        if (!y) return NULL;
        if (!ag__same_dims(y->layout, l) || y->layout->dtype != l->dtype)
            return ag_fail(AG_ESHAPE, "%s: the function made %s %s of %s %s", f->who, ag_dtype_name(y->layout->dtype),
                           ag__text(y->layout), ag_dtype_name(l->dtype), ag__text(l)),
                   NULL;
        ag__copy_into(l, next->data, y->layout, y->data, false);
        moved = change(z, next);
        memcpy(z->data, next->data, (size_t)l->numel * l->item);
        if (moved <= f->tol) return z;
    }
    return ag_fail(AG_ECONVERGE, "%s: after %d iterations %s still moves by %.1e, not %.1e", f->who, f->most,
                   ag__text(l), moved, f->tol),
           NULL;
}

ag_tensor *ag__inside_evaluate(const ag__inside *f, ag_tape *t, ag_tensor *const *x, ag_tensor **now)
{
    for (int i = 0; i < f->n; i++) {
        const int k = f->of ? i : ag__inside_first(f, x, i); /* a derivative is by each operand for itself */
        if (!(now[i] = k < i ? now[k] : borrow(t, x[i]))) return NULL;
    }
    return once(f, t, now, true);
}

/* Recorded in any case: f may differentiate, and what it makes lies on the inner tape either way. */
ag_tensor *ag__inside_function(const ag__inside *f, ag_tensor **x, bool record)
{
    (void)record;
    ag_record(true);
    return f->f(x, f->user);
}

/* What a derivative is by: of the operands on this tape, or a leaf. */
static ag_tensor *by(const ag__inside *f, ag_tensor **x, int i)
{
    return f->by[i] == AG__CAPTURED ? f->leaf[i] : x[f->by[i]];
}

ag_tensor *ag__inside_vjp(const ag__inside *f, ag_tensor **x, bool record)
{
    const ag__inside *of = f->of;
    ag_tape *t = ag_tape_current();
    ag_tensor **at = ag__arena_get(&t->arena, 2 * (size_t)f->n_by * sizeof *at), **g = at + f->n_by;
    ag_tensor *y = at ? of->run(of, x, true) : NULL;
    if (!y) return NULL;
    ag_record(record);
    for (int i = 0; i < f->n_by; i++) at[i] = by(f, x, i);
    if (!ag__vjps(f->who, y, x[of->n], (ag_list){ at, f->n_by }, g)) return NULL;
    for (int i = 0; i < f->n_by; i++) g[i] = ag_reshape(g[i], -1);
    return f->n_by == 1 ? g[0] : ag_cat((ag_list){ g, f->n_by }, 0);
}

ag_tensor *ag__inside_jvp(const ag__inside *f, ag_tensor **x, bool record)
{
    const ag__inside *of = f->of;
    ag_tensor *y = of->run(of, x, true), *sum = NULL;
    ag_record(record);
    for (int i = 0; y && i < f->n_by; i++) {
        ag_tensor *part = ag_jvp(y, by(f, x, i), x[of->n + i]);
        sum = sum ? ag_add(sum, part) : part;
    }
    return sum;
}

/* ---- derivatives of a node ---- */

ag__inside *ag__inside_derive(const ag_call *c, ag__inside_run *run, int extra, int n_by, const int *which)
{
    const ag__inside *of = ag__inside_of(c);
    ag_tape *t = ag_tape_current();
    ag__inside *f = ag__arena_get(&t->arena, sizeof *f);
    int *at = ag__arena_get(&t->arena, (size_t)n_by * sizeof *at);
    ag_tensor **leaf = ag__arena_get(&t->arena, (size_t)n_by * sizeof *leaf);
    if (!f || !at || !leaf) return NULL;
    *f = *of;
    f->run = run, f->n = of->n + extra, f->most = 0, f->of = of, f->n_by = n_by, f->by = at, f->leaf = leaf;
    for (int i = 0; i < n_by; i++) {
        const int k = which[i] + ag__inside_own(of);
        at[i] = k < of->n ? k : AG__CAPTURED;
        leaf[i] = k < of->n ? NULL : c->in[which[i]]->few[0];
    }
    return f;
}

/* Those of one dtype as one node; its result is cut into theirs. */
static ag_status gradients_of(ag_call *c, ag_dtype d, const ag_op *op, ag_tensor **x, int *which)
{
    int n = 0;
    for (int i = 0; i < c->n_in; i++)
        if (c->need[i] && c->in[i]->layout->dtype == d) which[n++] = i;
    if (n == 0) return AG_OK;
    const ag__inside *f = ag__inside_derive(c, ag__inside_vjp, 1, n, which);
    ag_tensor *all = f ? ag__inside_apply(f, op, x) : NULL;
    int64_t from = 0;
    for (int k = 0; all && k < n; k++) {
        const ag__layout *l = c->in[which[k]]->layout;
        ag_tensor *part = n == 1 ? all : ag_slice(all, 0, from, from + l->numel);
        if (!(c->gin[which[k]] = (ag_reshape)(part, l->rank, l->dims))) break;
        from += l->numel;
    }
    return ag_error();
}

ag_status ag__inside_gradients(ag_call *c, const ag_op *op, ag_tensor **x)
{
    int *which = ag__arena_get(&ag_tape_current()->arena, (size_t)c->n_in * sizeof *which);
    if (!which || gradients_of(c, AG_F32, op, x, which)) return ag_error();
    return gradients_of(c, AG_F64, op, x, which);
}

/* ---- recording the node ---- */

/* The leaves with gradients that were used on the inner tape, behind the explicit operands. */
static ag_tensor **operands(ag_tape *outside, const ag_tape *t, const ag__inside *f, ag_tensor *const *x, int *n)
{
    const int own = ag__inside_own(f);
    size_t most = (size_t)(f->n - own) + t->n_proxy;
    ag_tensor **in = ag__arena_get(&outside->arena, (most + 1) * sizeof *in);
    if (!in) return NULL;
    *n = f->n - own;
    memcpy(in, x + own, (size_t)*n * sizeof *in);
    for (uint32_t i = 0; i < t->n_proxy; i++)
        if (t->proxy[i]->flags & AG__GRAD) in[(*n)++] = t->proxy[i]->few[0];
    return in;
}

/* The result on the inner tape, which stays as it is until it is entered again; and the node's operands. */
static ag_tensor *inner_result(const ag__inside *f, ag_tape *outside, ag_tensor *const *x, ag_tensor ***in, int *n)
{
    ag_tensor **now = ag__arena_get(&outside->arena, (size_t)f->n * sizeof *now + 1);
    const ag_rng rng = ag_rng_get();
    bool was, ok = true;
    ag_tape *t = now ? ag__inner_enter(outside, &was) : NULL;
    if (!t) return NULL;
    for (int i = 0; ok && i < f->n; i++) ok = (now[i] = borrow(t, x[i])) != NULL;
    ag_tensor *y = !ok ? NULL : f->most ? iterated(f, t, now) : once(f, t, now, false);
    if (y) *in = operands(outside, t, f, x, n);
    ag__inner_leave(outside, was);
    if (f->of || f->most) ag_rng_set(rng); /* as the plain run leaves it: a derivative draws nothing */
    return *in && !ag_error() ? y : NULL;
}

ag_tensor *ag__inside_apply(const ag__inside *f, const ag_op *op, ag_tensor *const *x)
{
    ag_tape *t = ag_tape_current();
    ag_tensor **in = NULL;
    int n = 0;
    const ag_tensor *result = inner_result(f, t, x, &in, &n);
    if (!result) return NULL;
    if (n > UINT16_MAX) return ag_fail(AG_ENOMEM, "%s: %d operands are too many", f->who, n), NULL;
    for (int i = f->n - ag__inside_own(f); i < n; i++)
        if (!(in[i] = ag__operand(t, in[i], f->who, i + 1))) return NULL;
    const ag__layout *l = ag__layout_intern(&t->layouts, result->layout->dense_form);
    ag_tensor *y = l ? ag__temporary(t, l) : NULL; /* behind its operands */
    if (!y) return NULL;
    ag__copy_into(l, y->data, result->layout, result->data, false);
    return ag__node(t, op, &f, n, in, &y, false) ? y : NULL;
}
