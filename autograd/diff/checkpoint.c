/* checkpoint.c - ag_checkpoint: a function of tensors as one node, of which nothing inside is kept. */
#include <autograd/diff/inside.h>
#include <autograd/ops/apply.h>
#include <string.h>

/* Those that a gradient is needed by begin with what they have; how many they are, -1: error remembered. */
static int64_t start(ag__walk *w, const ag_call *c, ag_tensor *const *now, ag_tensor **target)
{
    int64_t n = 0;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->need[i] || !now[i] || (now[i]->flags & AG__TARGET)) continue;
        now[i]->flags |= AG__TARGET;
        target[n++] = now[i];
        const bool first = ag__inside_first(ag__inside_of(c), c->in, i) == i;
        if (c->add[i] && first && !ag__walk_seed(w, now[i], c->gin[i])) return -1;
    }
    return n;
}

/* Of a tensor that is several operands there is one gradient; inside they may be one, or each for itself. */
static void store(const ag_call *c, ag_tensor *const *now)
{
    for (int i = 0; i < c->n_in; i++) {
        const int first = ag__inside_first(ag__inside_of(c), c->in, i);
        if (!c->need[i] || (first < i && now[first] == now[i])) continue;
        const ag__layout *l = c->gin[i]->layout;
        if (now[i] && (now[i]->flags & AG__ADJ))
            ag__copy_into(l, c->gin[i]->data, now[i]->layout->dense_form, now[i]->adj, first < i);
        else if (!c->add[i])
            memset(c->gin[i]->data, 0, (size_t)l->numel * l->item);
    }
}

static void walk_inside(const ag_call *c, ag_tape *t, ag_tensor **now)
{
    const ag__inside *f = ag__inside_of(c);
    ag_tensor *y = ag__inside_evaluate(f, t, c->in, now), **target = now + c->n_in;
    ag__walk w;
    const ag__layout *l = c->out[0]->layout;
    if (y && (!ag__same_dims(y->layout, l) || y->layout->dtype != l->dtype)) {
        ag_fail(AG_ESHAPE, "%s: the function made %s %s first, and now %s %s", f->who, ag_dtype_name(l->dtype),
                ag__text(l), ag_dtype_name(y->layout->dtype), ag__text(y->layout));
        return;
    }
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

/* Room for the explicit operands and so many more; NULL: out of memory. */
static ag_tensor **explicit_operands(const ag_call *c, int more)
{
    const ag__inside *f = ag__inside_of(c);
    ag_tensor **x = ag__arena_get(&ag_tape_current()->arena, (size_t)(f->n + more) * sizeof *x);
    if (x) memcpy(x, c->in, (size_t)f->n * sizeof *x);
    return x;
}

static ag_status vjp(ag_call *c)
{
    ag_tensor **x = explicit_operands(c, 1);
    if (!x) return ag_error();
    x[ag__inside_of(c)->n] = c->g[0];
    return ag__inside_gradients(c, &ag__checkpoint, x);
}

static ag_status jvp(ag_call *c)
{
    int *which = ag__arena_get(&ag_tape_current()->arena, (size_t)c->n_in * sizeof *which), n = 0;
    ag_tensor **x = explicit_operands(c, c->n_in);
    if (!which || !x) return ag_error();
    for (int i = 0; i < c->n_in; i++)
        if (c->tangent[i]) which[n] = i, x[ag__inside_of(c)->n + n++] = c->tangent[i];
    const ag__inside *f = ag__inside_derive(c, ag__inside_jvp, n, n, which);
    if (f) c->tout[0] = ag__inside_apply(f, &ag__checkpoint, x);
    return ag_error();
}

const ag_op ag__checkpoint = { .name = "ag_checkpoint",
                               .n_in = -1,
                               .attr_size = sizeof(const ag__inside *),
                               .vjp = vjp,
                               .jvp = jvp,
                               .backward = backward,
                               .flags = AG_OP_STRIDED | AG_OP_ANY };

ag_tensor *ag_checkpoint(ag_fn *f, ag_list x, void *user)
{
    static const char who[] = "ag_checkpoint";
    ag_tape *t = ag__tape(who);
    if (ag_error() || !t) return NULL;
    if (!f) return ag_fail(AG_ENULL, "%s: the function is NULL", who), NULL;
    if (!ag__have_list(x.n, x.at, who)) return NULL;
    if (x.n > UINT16_MAX) return ag_fail(AG_EINVAL, "%s: %lld operands are too many", who, (long long)x.n), NULL;
    ag__inside *make = ag__arena_get(&t->arena, sizeof *make);
    ag_tensor **in = ag__arena_get(&t->arena, (size_t)x.n * sizeof *in + 1);
    if (!make || !in) return NULL;
    for (int64_t i = 0; i < x.n; i++)
        if (!(in[i] = ag__operand(t, x.at[i], who, (int)i + 1))) return NULL;
    *make = (ag__inside){
        .run = ag__inside_function, .who = who, .n = (int)x.n, .rng = ag_rng_get(), .f = f, .user = user
    };
    return ag__inside_apply(make, &ag__checkpoint, in);
}
