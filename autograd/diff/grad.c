/* grad.c - gradients and vector-Jacobian products as results: walks from y to what was asked for. */
#include <autograd/diff/walk.h>
#include <autograd/ops/apply.h>
#include <string.h>

static void copy_out(ag_tensor **out, ag_tensor *const *result, int64_t n)
{
    memcpy(out, result, (size_t)n * sizeof *out);
}

/* u' dy/dx for each x, all operands of the current tape. */
static bool sweep(ag_tape *t, ag_tensor *y, ag_tensor *u, int64_t n, ag_tensor **x, ag_tensor **out)
{
    ag__walk w;
    if (!ag__walk_begin(&w, t, ag__walk_top(y), ag__here.off ? NULL : ag__reverse_recorded)) return false;
    for (int64_t i = 0; i < n; i++) x[i]->flags |= AG__TARGET;
    ag__walk_path(&w, n, x, false);
    bool ok = !(y->flags & (AG__PATH | AG__TARGET)) || (ag__walk_seed(&w, y, u) && ag__walk_run(&w));
    for (int64_t i = 0; ok && i < n; i++) ok = (out[i] = ag__walk_result(&w, x[i])) != NULL;
    for (int64_t i = 0; i < n; i++) x[i]->flags &= (uint16_t) ~(AG__TARGET | AG__PATH);
    ag__walk_end(&w);
    return ok;
}

ag_tensor *ag__vjp_batch(ag_tape *t, ag_tensor *y, ag_tensor *x, ag_tensor *u, int64_t seeds)
{
    ag__walk w;
    if (!ag__walk_begin(&w, t, ag__walk_top(y), ag__reverse_recorded)) return NULL;
    w.seeds = seeds, w.scalars = 1;
    x->flags |= AG__TARGET;
    ag__walk_path(&w, 1, &x, false);
    if (y->flags & (AG__PATH | AG__TARGET)) w.adjoint[y->seq] = u;
    const bool ok = ag__walk_run(&w);
    ag_tensor *result = w.adjoint[x->seq];
    x->flags &= (uint16_t) ~(AG__TARGET | AG__PATH);
    ag__walk_end(&w);
    if (!ok || result) return ok ? result : NULL;
    int64_t dims[AG_MAX_RANK] = { seeds };
    memcpy(dims + 1, x->layout->dims, (size_t)x->layout->rank * sizeof *dims);
    return (ag_zeros)(x->layout->dtype, 1 + x->layout->rank, dims);
}

static bool operands(ag_tape *t, ag_list given, ag_tensor **x, const char *who)
{
    for (int64_t i = 0; i < given.n; i++) {
        if (!(x[i] = ag__operand(t, given.at[i], who, (int)i + 2))) return false;
        if (!ag__need_float(x[i], who)) return false;
        if (!(x[i]->flags & AG__GRAD))
            return ag_fail(AG_EGRAPH, "%s: operand %d %s requires no gradient; ag_variable and ag_param make what does",
                           who, (int)i + 2, ag__text(x[i]->layout)),
                   false;
    }
    return true;
}

bool ag__vjps(const char *who, ag_tensor *y, ag_tensor *u, ag_list by, ag_tensor **out)
{
    ag_tape *t = ag__tape(who);
    if (ag_error() || !t || !(y = ag__operand(t, y, who, 1))) return false;
    const ag__layout *l = y->layout;
    if (by.n && (!by.at || !out)) return ag_fail(AG_ENULL, "%s: a list is NULL", who), false;
    if (by.n < 0) return ag_fail(AG_EINVAL, "%s: %lld tensors to differentiate by", who, (long long)by.n), false;
    ag_tensor **x = ag__arena_get(&t->arena, 2 * (size_t)by.n * sizeof *x);
    if (!x || !operands(t, by, x, who)) return false;
    if (u) {
        if (!(u = ag__operand(t, u, who, 3))) return false;
        if (!ag__same_dims(u->layout, l) || u->layout->dtype != l->dtype)
            return ag_fail(AG_ESHAPE, "%s: u is %s %s, y %s %s", who, ag_dtype_name(u->layout->dtype),
                           ag__text(u->layout), ag_dtype_name(l->dtype), ag__text(l)),
                   false;
    } else {
        if (l->numel != 1)
            return ag_fail(AG_ESHAPE, "%s: y %s must hold one number; ag_vjp takes any shape", who, ag__text(l)), false;
        if (!ag__need_float(y, who) || !(u = (ag_full)(l->dtype, 1, l->rank, l->dims))) return false;
    }
    if (!sweep(t, y, u, by.n, x, x + by.n)) return false;
    copy_out(out, x + by.n, by.n);
    return true;
}

ag_tensor *(ag_grad)(ag_tensor *y, ag_tensor *x)
{
    ag_tensor *g;
    return ag__vjps("ag_grad", y, NULL, AG_LIST(x), &g) ? g : NULL;
}

ag_status ag_grads(ag_tensor *y, ag_list x, ag_tensor **out)
{
    ag__vjps("ag_grads", y, NULL, x, out);
    return ag_error();
}

ag_tensor *ag_vjp(ag_tensor *y, ag_tensor *x, ag_tensor *u)
{
    ag_tensor *g;
    if (!u) return ag__usable(u, 0, "ag_vjp", 3), NULL;
    return ag__vjps("ag_vjp", y, u, AG_LIST(x), &g) ? g : NULL;
}

/* ---- scalars ---- */

/* Are these constants and live handles? *least becomes the smallest id among them, UINT32_MAX without any. */
static bool live(size_t n, const ag_scalar *x, const char *who, uint32_t *least)
{
    if (n && !x) return ag_fail(AG_ENULL, "%s: the array of %zu scalars is NULL", who, n), false;
    const uint32_t gen = ag__pen.gen;
    uint32_t other = 0, low = UINT32_MAX; /* one less than the id: a constant's is the largest */
    for (size_t i = 0; i < n; i++) {
        other |= x[i].gen ^ gen;
        low = x[i].id - 1 < low ? x[i].id - 1 : low;
    }
    for (size_t i = 0; other && i < n; i++)
        if (!ag__streams_live(x[i], who)) return false;
    *least = low == UINT32_MAX ? low : low + 1;
    return true;
}

/* A walk from sum of u[i] y[i] that is over when the adjoints of x are complete; the caller ends it. */
static bool scalar_walk(ag__walk *w, const char *who, size_t m, const ag_scalar *y, const double *u, size_t n,
                        const ag_scalar *x, ag__statements *recorded)
{
    ag_tape *t = ag__tape(who);
    uint32_t least;
    if (ag_error() || !t || !live(m, y, who, &least) || !live(n, x, who, &least)) return false;
    if (!ag__walk_begin(w, t, t->n_node, recorded)) return false;
    for (size_t i = 0; i < m; i++) {
        if (recorded && u)
            ag__adjoint_add(w->scalar, y[i].id, ag_const(u[i]));
        else
            ag__walk_seed_scalar(w, y[i], u ? u[i] : 1);
    }
    if (least != UINT32_MAX) w->stop = least + 1; /* statements up to the least of x need no visit */
    ag__walk_path(w, 0, NULL, true);
    if (ag__walk_run(w)) return true;
    ag__walk_end(w);
    return false;
}

/* What a plain walk found; a constant's place holds 0. */
static void copy_numbers(const ag__walk *w, size_t n, const ag_scalar *x, double *g)
{
    const double *number = w->tape->sweep.number;
    for (size_t i = 0; i < n; i++) g[i] = number ? number[x[i].id] : 0;
}

ag_status ags_grads(ag_scalar y, const ag_scalar *x, size_t n, ag_scalar *g)
{
    ag__walk w;
    if (n && !g) return ag_fail(AG_ENULL, "ag_grad: the array for %zu gradients is NULL", n);
    if (!scalar_walk(&w, "ag_grad", 1, &y, NULL, n, x, ag__here.off ? NULL : ag__reverse_recorded)) return ag_error();
    for (size_t i = 0; i < n; i++) {
        if (x[i].id == 0 || w.scalars == 1)
            g[i] = ag_const(0);
        else
            g[i] = w.recorded ? w.scalar[x[i].id] : ag_const(w.tape->sweep.number[x[i].id]);
    }
    ag__walk_end(&w);
    return ag_error();
}

ag_scalar ags_grad(ag_scalar y, ag_scalar x)
{
    ag_scalar g = ag_const(0);
    ags_grads(y, &x, 1, &g);
    return g;
}

ag_status ags_vjp(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *u, double *ju)
{
    ag__walk w;
    if ((m && !u) || (n && !ju)) return ag_fail(AG_ENULL, "ags_vjp: an array of numbers is NULL");
    if (!scalar_walk(&w, "ags_vjp", m, y, u, n, x, NULL)) return ag_error();
    copy_numbers(&w, n, x, ju);
    ag__walk_end(&w);
    return ag_error();
}

ag_status ags_gradient(ag_scalar y, const ag_scalar *x, size_t n, double *g)
{
    ag__walk w;
    if (n && !g) return ag_fail(AG_ENULL, "ags_gradient: the array for %zu gradients is NULL", n);
    if (!scalar_walk(&w, "ags_gradient", 1, &y, NULL, n, x, NULL)) return ag_error();
    copy_numbers(&w, n, x, g);
    ag__walk_end(&w);
    return ag_error();
}
