/* checkpoint.c - ag_checkpoint: a function of tensors as one node, evaluated again on an inner tape for its
 * derivatives.
 *
 * A derivative of such a node is again a function of tensors - run f, and differentiate on the inner tape - and so
 * again such a node. What is evaluated is an `inside`: the user's function, or a product with the Jacobian of another
 * inside. */
#include <autograd/diff/walk.h>
#include <autograd/ops/apply.h>
#include <string.h>

typedef struct inside inside;
struct inside {
    /* On the current (inner) tape; record: the result will be differentiated. NULL: error remembered. */
    ag_tensor *(*run)(const inside *f, ag_tensor **x, bool record);
    const char *who;
    int n; /* explicit operands; leaves that f uses follow them as operands of the node */
    ag_rng rng;
    ag_fn *f; /* of the user's function */
    void *user;
    const inside *of; /* of a derivative: by what, */
    int n_by;
    const int *by;          /* explicit operands of `of`, or AG_CAPTURED and then */
    ag_tensor *const *leaf; /* leaves */
};
enum { CAPTURED = -1 };

static ag_tensor *apply_inside(const inside *f, ag_tensor *const *x);

/* ---- evaluating ---- */

/* x as a variable of the current tape, sharing its storage. */
static ag_tensor *borrow(ag_tape *t, const ag_tensor *x)
{
    ag_tensor *y = ag__view(t, ag__layout_intern(&t->layouts, x->layout), (ag_tensor *)(uintptr_t)x, 0);
    if (y && (x->flags & AG__GRAD)) y->flags |= AG__GRAD;
    return y;
}

/* The operands x on the inner tape in now[], and the result. */
static ag_tensor *evaluate(const inside *f, ag_tape *t, ag_tensor *const *x, ag_tensor **now, bool record)
{
    for (int i = 0; i < f->n; i++)
        if (!(now[i] = borrow(t, x[i]))) return NULL;
    ag_rng_set(f->rng);
    ag_tensor *y = f->run(f, now, record);
    ag_tape_use(t);
    ag_record(true);
    if (!y && !ag_error()) ag_fail(AG_EINVAL, "%s: the function returned NULL", f->who);
    return ag_error() ? NULL : ag__operand(t, y, f->who, 0);
}

static ag_tensor *run_function(const inside *f, ag_tensor **x, bool record)
{
    ag_record(record);
    return f->f(x, f->user);
}

/* What a derivative is by: of the operands on this tape, or a leaf. */
static ag_tensor *by(const inside *f, ag_tensor **x, int i)
{
    return f->by[i] == CAPTURED ? f->leaf[i] : x[f->by[i]];
}

/* u' dy/dx, all x flat behind each other; u is the last operand. */
static ag_tensor *run_vjp(const inside *f, ag_tensor **x, bool record)
{
    const inside *of = f->of;
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

/* The sum of dy/dx v over all x; the v are the last operands. */
static ag_tensor *run_jvp(const inside *f, ag_tensor **x, bool record)
{
    const inside *of = f->of;
    ag_tensor *y = of->run(of, x, true), *sum = NULL;
    ag_record(record);
    for (int i = 0; y && i < f->n_by; i++) {
        ag_tensor *part = ag_jvp(y, by(f, x, i), x[of->n + i]);
        sum = sum ? ag_add(sum, part) : part;
    }
    return sum;
}

/* ---- derivatives of a node ---- */

static const inside *inside_of(const ag_call *c)
{
    return *(const inside *const *)c->attr;
}

/* Those that a gradient is needed by begin with what they have; how many they are, -1: error remembered. */
static int64_t start(ag__walk *w, const ag_call *c, ag_tensor *const *now, ag_tensor **target)
{
    int64_t n = 0;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->need[i] || !now[i]) continue;
        now[i]->flags |= AG__TARGET;
        target[n++] = now[i];
        if (c->add[i] && !ag__walk_seed(w, now[i], c->gin[i])) return -1;
    }
    return n;
}

static void store(const ag_call *c, ag_tensor *const *now)
{
    for (int i = 0; i < c->n_in; i++) {
        if (!c->need[i]) continue;
        const ag__layout *l = c->gin[i]->layout;
        if (now[i] && (now[i]->flags & AG__ADJ))
            ag__copy_into(l, c->gin[i]->data, now[i]->layout->dense_form, now[i]->adj, false);
        else if (!c->add[i])
            memset(c->gin[i]->data, 0, (size_t)l->numel * l->item);
    }
}

static void walk_inside(const ag_call *c, ag_tape *t, ag_tensor **now)
{
    const inside *f = inside_of(c);
    ag_tensor *y = evaluate(f, t, c->in, now, true), **target = now + c->n_in;
    ag__walk w;
    if (!y || !ag__walk_begin(&w, t, ag__walk_top(y), NULL)) return;
    for (int i = f->n; i < c->n_in; i++) now[i] = ag__proxy_find(t, c->in[i]->few[0]);
    int64_t n = start(&w, c, now, target);
    bool ok = n >= 0;
    if (ok) ag__walk_path(&w, n, target, false);
    if (ok && (y->flags & (AG__PATH | AG__TARGET))) ok = ag__walk_seed(&w, y, c->g[0]) && ag__walk_run(&w);
    if (ok) store(c, now);
    w.failed = !ok;
    ag__walk_end(&w);
}

/* Its plain gradients, added to those there are: sums are formed as if all had been recorded on one tape. */
static ag_status backward(ag_call *c)
{
    ag_tape *outside = ag_tape_current(), *t;
    ag_tensor **now = ag__arena_get(&outside->arena, 2 * (size_t)c->n_in * sizeof *now);
    const ag_rng rng = ag_rng_get();
    bool was;
    if (!now || !(t = ag__inner_enter(outside, &was))) return ag_error();
    walk_inside(c, t, now);
    ag__inner_leave(outside, was);
    ag_rng_set(rng);
    return ag_error();
}

/* A derivative of c's inside by the operands in by[]; room lies in the current tape. */
static inside *derive(const ag_call *c, ag_tensor *(*run)(const inside *, ag_tensor **, bool), int extra, int n_by,
                      const int *which)
{
    const inside *of = inside_of(c);
    ag_tape *t = ag_tape_current();
    inside *f = ag__arena_get(&t->arena, sizeof *f);
    int *at = ag__arena_get(&t->arena, (size_t)n_by * sizeof *at);
    ag_tensor **leaf = ag__arena_get(&t->arena, (size_t)n_by * sizeof *leaf);
    if (!f || !at || !leaf) return NULL;
    *f = *of;
    f->run = run, f->n = of->n + extra, f->of = of, f->n_by = n_by, f->by = at, f->leaf = leaf;
    for (int i = 0; i < n_by; i++) {
        at[i] = which[i] < of->n ? which[i] : CAPTURED;
        leaf[i] = which[i] < of->n ? NULL : c->in[which[i]]->few[0];
    }
    return f;
}

/* Those of dtype d that are needed, as one node; its result cut into theirs. */
static ag_status vjp_of(ag_call *c, ag_dtype d, int *which, ag_tensor **x)
{
    const inside *of = inside_of(c);
    int n = 0;
    for (int i = 0; i < c->n_in; i++)
        if (c->need[i] && c->in[i]->layout->dtype == d) which[n++] = i;
    if (n == 0) return AG_OK;
    const inside *f = derive(c, run_vjp, 1, n, which);
    x[of->n] = c->g[0];
    ag_tensor *all = f ? apply_inside(f, x) : NULL;
    int64_t from = 0;
    for (int k = 0; all && k < n; k++) {
        const ag__layout *l = c->in[which[k]]->layout;
        ag_tensor *part = n == 1 ? all : ag_slice(all, 0, from, from + l->numel);
        if (!(c->gin[which[k]] = (ag_reshape)(part, l->rank, l->dims))) break;
        from += l->numel;
    }
    return ag_error();
}

static ag_status vjp(ag_call *c)
{
    ag_tape *t = ag_tape_current();
    const inside *of = inside_of(c);
    int *which = ag__arena_get(&t->arena, (size_t)c->n_in * sizeof *which);
    ag_tensor **x = ag__arena_get(&t->arena, ((size_t)of->n + 1) * sizeof *x);
    if (!which || !x) return ag_error();
    memcpy(x, c->in, (size_t)of->n * sizeof *x);
    return vjp_of(c, AG_F32, which, x) ? ag_error() : vjp_of(c, AG_F64, which, x);
}

static ag_status jvp(ag_call *c)
{
    ag_tape *t = ag_tape_current();
    const inside *of = inside_of(c);
    int *which = ag__arena_get(&t->arena, (size_t)c->n_in * sizeof *which), n = 0;
    ag_tensor **x = ag__arena_get(&t->arena, (size_t)(of->n + c->n_in) * sizeof *x);
    if (!which || !x) return ag_error();
    memcpy(x, c->in, (size_t)of->n * sizeof *x);
    for (int i = 0; i < c->n_in; i++)
        if (c->tangent[i]) which[n] = i, x[of->n + n++] = c->tangent[i];
    const inside *f = derive(c, run_jvp, n, n, which);
    if (f) c->tout[0] = apply_inside(f, x);
    return ag_error();
}

static const ag_op op = { .name = "ag_checkpoint",
                          .n_in = -1,
                          .attr_size = sizeof(const inside *),
                          .vjp = vjp,
                          .jvp = jvp,
                          .backward = backward,
                          .flags = AG_OP_STRIDED | AG_OP_ANY };

/* ---- recording the node ---- */

/* The leaves with gradients that were used on the inner tape, behind the explicit operands. */
static ag_tensor **operands(ag_tape *outside, const ag_tape *t, const inside *f, ag_tensor *const *x, int *n)
{
    size_t most = (size_t)f->n + t->n_proxy;
    ag_tensor **in = ag__arena_get(&outside->arena, (most + 1) * sizeof *in);
    if (!in) return NULL;
    memcpy(in, x, (size_t)f->n * sizeof *in);
    *n = f->n;
    for (uint32_t i = 0; i < t->n_proxy; i++)
        if (t->proxy[i]->flags & AG__GRAD) in[(*n)++] = t->proxy[i]->few[0];
    return in;
}

/* x are operands of the current tape. */
static ag_tensor *apply_inside(const inside *f, ag_tensor *const *x)
{
    ag_tape *outside = ag_tape_current(), *t;
    ag_tensor **now = ag__arena_get(&outside->arena, (size_t)f->n * sizeof *now + 1), **in = NULL;
    const ag_rng rng = ag_rng_get();
    int n = 0;
    bool was;
    if (!now || !(t = ag__inner_enter(outside, &was))) return NULL;
    ag_tensor *result = evaluate(f, t, x, now, false);
    if (result) in = operands(outside, t, f, x, &n);
    ag__inner_leave(outside, was);
    if (f->of) ag_rng_set(rng); /* a derivative draws nothing */
    if (!in) return NULL;
    if (n > UINT16_MAX) return ag_fail(AG_ENOMEM, "%s: %d operands are too many", f->who, n), NULL;
    for (int i = f->n; i < n; i++)
        if (!(in[i] = ag__operand(outside, in[i], f->who, i + 1))) return NULL;
    const ag__layout *l = ag__layout_intern(&outside->layouts, result->layout->dense_form);
    ag_tensor *y = l ? ag__temporary(outside, l) : NULL; /* behind its operands */
    if (!y) return NULL;
    ag__copy_into(l, y->data, result->layout, result->data, false);
    return ag__node(outside, &op, &f, n, in, &y, false) ? y : NULL;
}

ag_tensor *ag_checkpoint(ag_fn *f, ag_list x, void *user)
{
    static const char who[] = "ag_checkpoint";
    ag_tape *t = ag__tape(who);
    if (ag_error() || !t) return NULL;
    if (!f) return ag_fail(AG_ENULL, "%s: the function is NULL", who), NULL;
    if (!ag__have_list(x.n, x.at, who)) return NULL;
    if (x.n > UINT16_MAX) return ag_fail(AG_EINVAL, "%s: %lld operands are too many", who, (long long)x.n), NULL;
    inside *make = ag__arena_get(&t->arena, sizeof *make);
    ag_tensor **in = ag__arena_get(&t->arena, (size_t)x.n * sizeof *in + 1);
    if (!make || !in) return NULL;
    for (int64_t i = 0; i < x.n; i++)
        if (!(in[i] = ag__operand(t, x.at[i], who, (int)i + 1))) return NULL;
    *make = (inside){ .run = run_function, .who = who, .n = (int)x.n, .rng = ag_rng_get(), .f = f, .user = user };
    return apply_inside(make, in);
}
