/* bridge.c - scalars into a tensor (pack) and a tensor into scalars (unpack).
 *
 *      s0 s1 s2 | pack -> tensor ... tensor -> unpack | u0 u1 u2
 *
 * pack writes its operands' ids into the scalar stream, as a record nothing flows through, and the node follows it:
 * when the walk meets the node, all that came of the tensor is done and the scalars are not. unpack's node comes before
 * its scalars, which are inputs: when the walk meets it their adjoints are complete. */
#include <autograd/ops/bridge.h>
#include <autograd/ops/apply.h>

/* Bridges are walked by the functions below; their rows only carry the names. */
static ag_status never(ag_call *c)
{
    return ag_fail(AG_ENODIFF, "%s: is differentiated by the walk only", c->op->name);
}
const ag_op ag__op_pack = {
    .name = "ag_pack", .attr_size = sizeof(struct ag__pack), .vjp = never, .saves = AG_SAVES_NOTHING
};
const ag_op ag__op_unpack = { .name = "ag_unpack", .n_in = 1, .vjp = never, .saves = AG_SAVES_NOTHING };

ag_tensor *ag_pack(size_t n, const ag_scalar *x)
{
    ag_tape *t = ag__tape("ag_pack");
    if (!t) return NULL;
    if (n && !x) return ag_fail(AG_ENULL, "ag_pack: the array of %zu scalars is NULL", n), NULL;
    if (n > INT64_MAX / sizeof(double)) return ag_fail(AG_ESHAPE, "ag_pack: %zu scalars are too many", n), NULL;
    bool active = false;
    for (size_t i = 0; i < n; i++) active |= x[i].id != 0;
    struct ag__pack keeps = { NULL };
    if (active && !ag__here.off && !(keeps.id = ag__streams_hold(t, n, x))) return NULL;
    ag_tensor *y = ag__temporary(t, ag__layout_get(&t->layouts, AG_F64, 1, (int64_t[]){ (int64_t)n }, "ag_pack"));
    if (!y) return NULL;
    double *to = y->data;
    for (size_t i = 0; i < n; i++) to[i] = x[i].value;
    if (keeps.id && !ag__node(t, &ag__op_pack, &keeps, 0, NULL, &y, true)) return NULL;
    return y;
}

ag_status ag_unpack(ag_tensor *x, size_t n, ag_scalar *out)
{
    ag_tape *t = ag__tape("ag_unpack");
    if (!t || !(x = ag__operand(t, x, "ag_unpack", 1))) return ag_error();
    const ag__layout *l = x->layout;
    if (l->dtype != AG_F64)
        return ag_fail(AG_EDTYPE, "ag_unpack: scalars are f64, got %s %s", ag_dtype_name(l->dtype), ag__text(l));
    if ((uint64_t)l->numel != n)
        return ag_fail(AG_ESHAPE, "ag_unpack: %zu scalars asked of a tensor %s", n, ag__text(l));
    if (n && !out) return ag_fail(AG_ENULL, "ag_unpack: the array of %zu scalars is NULL", n);
    const double *values = x->data;
    if (!l->contiguous) {
        ag_tensor *plain = ag__temporary(t, ag__layout_get(&t->layouts, AG_F64, l->rank, l->dims, "ag_unpack"));
        if (!plain) return ag_error();
        ag__copy_into(plain->layout, plain->data, l, x->data, false);
        values = plain->data;
    }
    if (!ag__records(x)) {
        for (size_t i = 0; i < n; i++) out[i] = ag_const(values[i]);
        return AG_OK;
    }
    ag_tensor *y = ag__temporary(t, &ag__layout_0d[ag__dtype_index(AG_F64)]);
    if (!y) return ag_error();
    y->one.f64 = 0;
    if (!ag__node(t, &ag__op_unpack, NULL, 1, &x, &y, false)) return ag_error();
    if (n) ag__streams_inputs(t, n, values, out);
    return ag_error();
}

static const struct ag__pack *packed(const ag_tensor *y)
{
    return y->attr;
}
static uint32_t first_unpacked(const ag_tape *t, const ag_tensor *y)
{
    return t->mark[y->mark].id;
}

/* The ids of unpack's scalars follow its mark, if there was room for them. */
static bool plain_unpack(ag_tape *t, ag_tensor *y)
{
    ag_tensor *x = y->in[0];
    const ag__layout *l = x->layout;
    const double *a = t->sweep.number + first_unpacked(t, y);
    bool any = false;
    for (int64_t i = 0; i < l->numel; i++) any |= a[i] != 0;
    if (!any) return true;
    bool add;
    double *d = ag__adjoint_of(t, x, &add);
    if (!d) return false;
    ag__layout row = *l; /* the scalars stand in row-major order, the adjoint in x's */
    if (l->dense_form->contiguous) {
        for (int64_t i = 0; i < l->numel; i++) d[i] = (add ? d[i] : 0) + a[i];
        return true;
    }
    ag__layout_set(&row, AG_F64, l->rank, l->dims, NULL, "ag_unpack");
    ag__copy_into(l->dense_form, d, &row, a, add);
    return true;
}

bool ag__bridge_reverse_plain(ag_tape *t, ag_tensor *y)
{
    if (y->op == &ag__op_unpack) return plain_unpack(t, y);
    if (!(y->flags & AG__ADJ)) return true;
    const double *g = y->adj;
    const uint32_t *id = packed(y)->id;
    for (int64_t i = 0; i < y->layout->numel; i++)
        if (id[i]) t->sweep.number[id[i]] += g[i];
    return true;
}

bool ag__pack_reverse(ag_tape *t, ag_tensor *y, ag_tensor *g)
{
    int64_t n = y->layout->numel;
    ag_scalar *part = ag__arena_get(&t->arena, (size_t)n * sizeof *part);
    if (!part || ag_unpack(g, (size_t)n, part)) return false;
    const uint32_t *id = packed(y)->id;
    for (int64_t i = 0; i < n; i++)
        if (id[i]) ag__adjoint_add(t->sweep.scalar, id[i], part[i]);
    return !ag_error();
}

/* Scalars[first ..] as a tensor of l's shape, NULL and true if nothing arrived there. */
static bool gather(const ag_scalar *from, const ag__layout *l, ag_tensor **out)
{
    bool any = false;
    for (int64_t i = 0; i < l->numel; i++) any |= from[i].id != 0 || from[i].value != 0;
    *out = NULL;
    if (!any) return true;
    return (*out = (ag_reshape)(ag_pack((size_t)l->numel, from), l->rank, l->dims)) != NULL;
}

bool ag__unpack_reverse(ag_tape *t, ag_tensor *y, ag_tensor **gin)
{
    return gather(t->sweep.scalar + first_unpacked(t, y), y->in[0]->layout, gin);
}

bool ag__pack_forward(ag_tape *t, ag_tensor *y, ag_tensor **tangent)
{
    int64_t n = y->layout->numel;
    ag_scalar *part = ag__arena_get(&t->arena, (size_t)n * sizeof *part);
    if (!part) return false;
    const uint32_t *id = packed(y)->id;
    for (int64_t i = 0; i < n; i++) part[i] = id[i] ? t->sweep.scalar[id[i]] : ag_const(0);
    return gather(part, y->layout, tangent);
}

bool ag__unpack_forward(ag_tape *t, ag_tensor *y, ag_tensor *tangent)
{
    int64_t n = y->in[0]->layout->numel;
    ag_scalar *part = ag__arena_get(&t->arena, (size_t)n * sizeof *part);
    if (!part || ag_unpack(tangent, (size_t)n, part)) return false;
    for (int64_t i = 0; i < n; i++) ag__adjoint_add(t->sweep.scalar, first_unpacked(t, y) + (uint32_t)i, part[i]);
    return !ag_error();
}
