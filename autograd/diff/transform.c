/* transform.c - what is made of gradients and Jacobian-vector products: Hessians, Jacobians, higher directional
 * derivatives. */
#include <autograd/diff/batch.h>
#include <autograd/diff/walk.h>
#include <autograd/ops/family.h>
#include <string.h>

/* y and x as operands of the current tape that can be differentiated, x requiring a gradient. */
static ag_tape *begin(const char *who, ag_tensor **y, ag_tensor **x)
{
    ag_tape *t = ag__tape(who);
    if (ag_error() || !t || !(*y = ag__operand(t, *y, who, 1)) || !(*x = ag__operand(t, *x, who, 2))) return NULL;
    if (!ag__need_float(*y, who) || !ag__need_float(*x, who)) return NULL;
    if ((*x)->flags & AG__GRAD) return t;
    ag_fail(AG_EGRAPH, "%s: operand 2 %s requires no gradient; ag_variable and ag_param make what does", who,
            ag__text((*x)->layout));
    return NULL;
}

static bool one_number(const ag_tensor *y, const char *who)
{
    if (y->layout->numel == 1) return true;
    return ag_fail(AG_ESHAPE, "%s: y %s must hold one number", who, ag__text(y->layout)), false;
}

static bool fits(ag_tensor **v, ag_tape *t, const ag_tensor *x, const char *who)
{
    if (!(*v = ag__operand(t, *v, who, 3))) return false;
    const ag__layout *lv = (*v)->layout, *lx = x->layout;
    if (ag__same_dims(lv, lx) && lv->dtype == lx->dtype) return true;
    ag_fail(AG_ESHAPE, "%s: v is %s %s, x %s %s", who, ag_dtype_name(lv->dtype), ag__text(lv), ag_dtype_name(lx->dtype),
            ag__text(lx));
    return false;
}

/* From y on to what is recorded next: earlier transforms, say. */
static const ag__gap *gap_behind(const ag_tape *t, const ag_tensor *y, ag__gap *gap)
{
    if (!y->op) return NULL;
    *gap = (ag__gap){ t->mark[y->mark], ag__streams_tell(t), ag__walk_top(y), t->n_node };
    return gap;
}

/* dy/dx with its own derivative, also inside AG_NO_GRAD. */
static ag_tensor *recorded_gradient(ag_tensor *y, ag_tensor *x)
{
    bool was = ag_record(true);
    ag_tensor *g = ag_grad(y, x);
    ag_record(was);
    return g;
}

ag_tensor *ag_hvp(ag_tensor *y, ag_tensor *x, ag_tensor *v)
{
    ag_tape *t = begin("ag_hvp", &y, &x);
    ag__gap gap;
    if (!t || !one_number(y, "ag_hvp") || !fits(&v, t, x, "ag_hvp")) return NULL;
    const ag__gap *aside = gap_behind(t, y, &gap);
    ag_tensor *g = recorded_gradient(y, x);
    return g ? ag__jvp(g, x, v, 0, aside) : NULL;
}

ag_tensor *ag_directional(ag_tensor *y, ag_tensor *x, ag_tensor *v, int order)
{
    ag_tape *t = begin("ag_directional", &y, &x);
    if (!t || !fits(&v, t, x, "ag_directional")) return NULL;
    if (order < 0) return ag_fail(AG_EINVAL, "ag_directional: order %d", order), NULL;
    ag__gap gap;
    const ag__gap *aside = gap_behind(t, y, &gap);
    bool was = ag_record(true);
    for (int k = 0; y && k < order; k++) {
        if (k + 1 == order) ag_record(was);
        y = ag__jvp(y, x, v, 0, aside);
    }
    ag_record(was);
    return y;
}

/* ---- Jacobians ---- */

/* Unit vectors from the first-th on, in the shape of l; several have an axis for that in front. */
static ag_tensor *units(const ag__layout *l, int64_t first, int64_t seeds)
{
    int64_t dims[AG_MAX_RANK] = { seeds };
    const int more = seeds > 0;
    memcpy(dims + more, l->dims, (size_t)l->rank * sizeof *dims);
    ag_tensor *u = (ag_zeros)(l->dtype, l->rank + more, dims);
    for (int64_t s = 0; u && s < seeds + !more; s++) ag__number_put(l->dtype, u->data, s * l->numel + first + s, 1);
    return u;
}

/* Where nothing is recorded: rows for results of layout l, each put there so that what its sweep made can go. */
static ag_tensor *table(const ag__layout *l, int64_t rows)
{
    return ag_zeros(l->dtype, rows, l->numel);
}
static bool put(ag_tensor *all, int64_t row, ag_tensor *p)
{
    const size_t bytes = (size_t)all->layout->dims[1] * all->layout->item;
    if (!(p = ag_contiguous(p))) return false;
    memcpy((char *)all->data + (size_t)row * bytes, p->data, (size_t)p->layout->dims[0] * bytes);
    return true;
}

/* One seed for each entry of the smaller side, SEEDS in a sweep where that goes: rows by reverse, columns by forward
 * sweeps. */
static ag_tensor *jacobian(ag_tape *t, ag_tensor *y, ag_tensor *x, const ag__gap *aside, const char *who)
{
    enum { SEEDS = 32 };
    const ag__layout *ly = y->layout, *lx = x->layout;
    const bool reverse = ly->numel <= lx->numel;
    const int64_t entries = reverse ? ly->numel : lx->numel;
    int64_t dims[2 * AG_MAX_RANK], n = 0;
    int rank = ly->rank + lx->rank;
    memcpy(dims, ly->dims, (size_t)ly->rank * sizeof *dims);
    memcpy(dims + ly->rank, lx->dims, (size_t)lx->rank * sizeof *dims);
    if (rank > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "%s: the result of y %s by x %s has more than %d axes", who, ag__text(ly),
                       ag__text(lx), AG_MAX_RANK),
               NULL;
    if (!entries) return (ag_zeros)(ly->dtype, rank, dims);
    const bool several = entries > 1 && ag__batch_fits(t, x->seq, ag__walk_top(y), reverse);
    ag_tensor **part = ag__arena_get(&t->arena, (size_t)entries * sizeof *part), *all = NULL;
    if (!part || (several && ag__here.off && !(all = table(reverse ? lx : ly, entries)))) return NULL;
    for (int64_t i = 0, seeds; i < entries; i += seeds ? seeds : 1) {
        const uint32_t first = t->n_node;
        seeds = !several ? 0 : entries - i < SEEDS ? entries - i : SEEDS;
        ag_tensor *u = units(reverse ? ly : lx, i, seeds), *p;
        if (!u) return NULL;
        if (reverse)
            p = seeds ? ag__vjp_batch(t, y, x, u, seeds) : ag_vjp(y, x, u);
        else
            p = ag__jvp(y, x, u, seeds, aside);
        if (!p || !(p = ag_reshape(p, seeds ? seeds : 1, -1))) return NULL;
        if (!all)
            part[n++] = p;
        else if (!put(all, i, p))
            return NULL;
        else
            ag__nodes_release(t, first, true);
    }
    if (!all && !(all = ag_cat((ag_list){ part, n }, 0))) return NULL;
    return (ag_reshape)(reverse ? all : ag_transpose(all, 0, 1), rank, dims);
}

ag_tensor *ag_jacobian(ag_tensor *y, ag_tensor *x)
{
    ag_tape *t = begin("ag_jacobian", &y, &x);
    return t ? jacobian(t, y, x, NULL, "ag_jacobian") : NULL;
}

ag_tensor *ag_hessian(ag_tensor *y, ag_tensor *x)
{
    ag_tape *t = begin("ag_hessian", &y, &x);
    ag__gap gap;
    if (!t || !one_number(y, "ag_hessian")) return NULL;
    const ag__gap *aside = gap_behind(t, y, &gap);
    ag_tensor *g = recorded_gradient(y, x);
    return g ? jacobian(t, g, x, aside, "ag_hessian") : NULL;
}
