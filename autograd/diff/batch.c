/* batch.c - the rules of operations for several seeds at once: adjoints and tangents have one more axis in front.
 *
 * Elementwise rules, and those of products by what is not differentiated, take the axis as they take any in front, and
 * one call serves all seeds. Others are called for each seed. */
#include <autograd/diff/batch.h>
#include <autograd/diff/walk.h>
#include <autograd/ops/apply.h>
#include <autograd/ops/bridge.h>
#include <string.h>

/* May the rules of an operation serve all seeds, its inputs permitting? */
static bool broadcasts(const ag_op *op)
{
    return op->impl || op == &ag__op_matmul || op == &ag__op_linear || op == &ag__op_linear_act;
}

bool ag__batch_fits(const ag_tape *t, uint32_t from, uint32_t top, bool reverse)
{
    if (t->watch) return false;
    for (uint32_t k = from; k < top; k++) {
        const ag_tensor *y = t->node[k];
        if (y->layout->rank == AG_MAX_RANK) return false;
        if (y->op && (ag__is_bridge(y) || (reverse && ag__here.off && y->op->backward && !broadcasts(y->op))))
            return false;
    }
    return true;
}

static int rank_of(const ag_tensor *x)
{
    return x ? x->layout->rank : 0;
}

/* x, of shape l for each seed, with so many axes behind that of the seeds. */
static ag_tensor *with_axis(ag_tensor *x, int64_t seeds, const ag__layout *l, int rank)
{
    int64_t dims[AG_MAX_RANK] = { seeds };
    const int more = rank - l->rank;
    for (int i = 0; i < more; i++) dims[1 + i] = 1;
    memcpy(dims + 1 + more, l->dims, (size_t)l->rank * sizeof *dims);
    return (ag_reshape)(x, 1 + rank, dims);
}

ag_tensor *ag__batch_sum_to(ag_tensor *g, int64_t seeds, ag_tensor *like)
{
    const ag__layout *l = like->layout;
    const int rank = g->layout->rank - 1;
    int axes[AG_MAX_RANK], n = 0;
    for (int i = 0; i < rank; i++) {
        const int at = i - (rank - l->rank); /* the axis of like */
        if (at < 0 || (l->dims[at] == 1 && g->layout->dims[1 + i] != 1)) axes[n++] = 1 + i;
    }
    if (n == 0) return g;
    g = (ag_sum)(g, n, axes);
    return g ? with_axis(g, seeds, l, l->rank) : NULL;
}

/* The parts of all seeds along a new axis; NULL where there is none of any. */
static bool join(ag_tensor **part, int64_t seeds, ag_tensor *like, ag_tensor **all)
{
    bool any = false;
    for (int64_t s = 0; s < seeds; s++) any |= part[s] != NULL;
    *all = NULL;
    if (!any) return true;
    for (int64_t s = 0; s < seeds; s++)
        if (!part[s] && !(part[s] = ag_zeros_like(like))) return false;
    return (*all = ag_stack((ag_list){ part, seeds }, 0)) != NULL;
}

/* Of each tensor the s-th entry along its first axis. */
static bool select(int n, ag_tensor *const *all, int64_t s, ag_tensor **one)
{
    for (int i = 0; i < n; i++)
        if ((one[i] = all[i]) && !(one[i] = ag_select(all[i], 0, s))) return false;
    return true;
}

static ag_tensor **room_for(int64_t n)
{
    ag_tensor **p = ag__arena_get(&ag__here.tape->arena, (size_t)n * sizeof *p);
    if (p) memset(p, 0, (size_t)n * sizeof *p);
    return p;
}

/* ---- reverse ---- */

static bool takes_gradients(const ag_call *c)
{
    return c->op->impl || (broadcasts(c->op) && !c->need[1]);
}

static bool vjp_of_each(ag_call *c, int64_t seeds)
{
    ag_tensor *const *all = c->g, *one[AG_MAX_OUT], **part = room_for(c->n_in * seeds);
    bool ok = part;
    for (int64_t s = 0; ok && s < seeds; s++) {
        for (int i = 0; i < c->n_in; i++) c->gin[i] = NULL;
        c->g = one;
        ok = select(c->n_out, all, s, one) && ag__ran(c->op->vjp(c), c->op, "vjp");
        for (int i = 0; ok && i < c->n_in; i++)
            if (c->need[i] && c->gin[i])
                ok = ag__gradient_fits(c, i) && (part[i * seeds + s] = ag_sum_to(c->gin[i], c->in[i]));
    }
    c->g = all;
    for (int i = 0; ok && i < c->n_in; i++) ok = join(part + i * seeds, seeds, c->in[i], &c->gin[i]);
    return ok;
}

bool ag__batch_vjp(ag_call *c, int64_t seeds)
{
    return takes_gradients(c) ? ag__ran(c->op->vjp(c), c->op, "vjp") : vjp_of_each(c, seeds);
}

/* ---- forward ---- */

/* An elementwise operation's tangent is the sum of what its rules make of the operands' as of gradients. */
static ag_tensor *tangent_elementwise(const ag_call *c, int64_t seeds)
{
    ag_tensor *sum = NULL, *gin[2], *t;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->tangent[i] || !(t = with_axis(c->tangent[i], seeds, c->in[i]->layout, rank_of(c->out[0])))) continue;
        ag_call one = *c;
        const bool need[2] = { i == 0, i == 1 };
        one.g = &t, one.need = need, one.gin = gin;
        gin[0] = gin[1] = NULL;
        if (!ag__ran(c->op->vjp(&one), c->op, "vjp") || !(sum = sum ? ag_add(sum, gin[i]) : gin[i])) return NULL;
    }
    return ag_error() ? NULL : sum;
}

static bool takes_tangents(const ag_call *c)
{
    if (c->op == &ag__op_matmul)
        return rank_of(c->in[1]) <= 2 && (!c->tangent[1] || (rank_of(c->in[1]) == 2 && rank_of(c->in[0]) <= 2));
    return broadcasts(c->op) && c->tangent[0] && !c->tangent[1] && !c->tangent[2];
}

bool ag__tangents_fit(const ag_call *c)
{
    for (int k = 0; k < c->n_out; k++) {
        if (!c->tout[k]) continue;
        if (!ag__readable(c->tout[k], ag__title(c->op), k + 1)) return false;
        const ag__layout *ly = c->out[k]->layout, *lt = c->tout[k]->layout;
        if (ag__same_dims(lt, ly) && lt->dtype == ly->dtype) continue;
        return ag_fail(AG_ESHAPE, "ag_jvp: the forward rule of %s gave %s %s for a result %s %s", ag__title(c->op),
                       ag_dtype_name(lt->dtype), ag__text(lt), ag_dtype_name(ly->dtype), ag__text(ly)),
               false;
    }
    return true;
}

static bool jvp_of_each(ag_call *c, int64_t seeds)
{
    ag_tensor *const *all = c->tangent, **tout = c->tout, *one_out[AG_MAX_OUT];
    ag_tensor **one = room_for(c->n_in), **part = room_for(c->n_out * seeds);
    bool ok = one && part;
    for (int64_t s = 0; ok && s < seeds; s++) {
        memset(one_out, 0, sizeof one_out);
        c->tangent = one, c->tout = one_out;
        ok = select(c->n_in, all, s, one) && ag__ran(c->op->jvp(c), c->op, "jvp") && ag__tangents_fit(c);
        for (int k = 0; ok && k < c->n_out; k++) part[k * seeds + s] = one_out[k];
    }
    c->tangent = all, c->tout = tout;
    for (int k = 0; ok && k < c->n_out; k++) ok = join(part + k * seeds, seeds, c->out[k], &tout[k]);
    return ok;
}

bool ag__batch_jvp(ag_call *c, int64_t seeds)
{
    if (c->op->impl) {
        const ag__layout *l = c->out[0]->layout;
        ag_tensor *sum = tangent_elementwise(c, seeds);
        int64_t dims[AG_MAX_RANK] = { seeds };
        memcpy(dims + 1, l->dims, (size_t)l->rank * sizeof *dims);
        return sum && (c->tout[0] = (ag_expand)(sum, 1 + l->rank, dims));
    }
    return takes_tangents(c) ? ag__ran(c->op->jvp(c), c->op, "jvp") : jvp_of_each(c, seeds);
}
