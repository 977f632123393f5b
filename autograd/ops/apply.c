/* apply.c - one application of an operation, whoever wrote it; and the list of the built-in ones. */
#include <autograd/ops/apply.h>
#include <stdatomic.h>
#include <string.h>

static bool well_formed(const ag_op *op, const void *attr, int n)
{
    if (!op) return ag_fail(AG_ENULL, "ag_apply: the operation is NULL"), false;
    const char *name = op->name ? op->name : "ag_apply: an operation without name";
    if (!op->shape || !(op->forward || op->compose))
        return ag_fail(AG_EINVAL, "%s: has no shape rule or no forward", name), false;
    if (op->n_out < 0 || op->n_out > AG_MAX_OUT)
        return ag_fail(AG_EINVAL, "%s: %d outputs, at most %d are possible", name, op->n_out, AG_MAX_OUT), false;
    if (op->compose && op->n_out > 1) return ag_fail(AG_EINVAL, "%s: what is composed has one output", name), false;
    if (op->attr_size && !attr) return ag_fail(AG_ENULL, "%s: its attributes are NULL", name), false;
    if (n < 1 || (op->n_in >= 0 && n != op->n_in) || n > UINT16_MAX)
        return ag_fail(AG_EINVAL, "%s: takes %d inputs, got %d", name, op->n_in, n), false;
    return true;
}

/* Inputs as forward wants them: row-major copies where the operation cannot do with strides. */
static bool row_major(ag_tape *t, const ag_op *op, int n, ag_tensor *const *in, ag_tensor **plain)
{
    for (int i = 0; i < n; i++) {
        plain[i] = in[i];
        if ((op->flags & AG_OP_STRIDED) || !in[i] || in[i]->layout->contiguous) continue;
        const ag__layout *l = in[i]->layout;
        plain[i] = ag__temporary(t, ag__layout_get(&t->layouts, l->dtype, l->rank, l->dims, ag__title(op)));
        if (!plain[i]) return false;
        ag__copy_into(plain[i]->layout, plain[i]->data, l, in[i]->data, false);
    }
    return true;
}

/* Row-major layouts seen lately, by a hash of their sizes: most results have the shape of an earlier one. */
static const ag__layout *layout_of(ag_tape *t, const ag_op *op, const ag_shape *s)
{
    uint64_t h = (uint64_t)s->dtype + (uint64_t)s->rank;
    for (int i = 0; i < s->rank && i < AG_MAX_RANK; i++) h = h * 31 + (uint64_t)s->dims[i];
    const ag__layout **recent = &t->recent[(h ^ h >> 7) % AG__RECENT], *l = *recent;
    bool same = l && l->dtype == s->dtype && l->rank == s->rank;
    for (int i = 0; same && i < s->rank; i++) same = l->dims[i] == s->dims[i];
    if (same) return l;
    l = ag__layout_get(&t->layouts, s->dtype, s->rank, s->dims, ag__title(op));
    return l ? *recent = l : NULL;
}

static bool make_outputs(ag_tape *t, const ag_op *op, const ag_shape *shape, int n_out, ag_tensor **out)
{
    for (int k = 0; k < n_out; k++)
        if (!(out[k] = ag__temporary(t, layout_of(t, op, &shape[k])))) return false;
    return true;
}

/* What an operation is made of is recorded in its place. */
static bool composed(const ag_call *c, const ag_shape *shape, ag_tensor **out)
{
    ag_tensor *y = c->op->compose(c);
    if (!y) return ag__ran(ag_error() ? ag_error() : AG_EINVAL, c->op, "composition");
    const ag__layout *l = y->layout;
    if (l->dtype != shape->dtype || l->rank != shape->rank ||
        memcmp(l->dims, shape->dims, (size_t)l->rank * sizeof *l->dims))
        return ag_fail(AG_ESHAPE, "%s: made %s %s, its shape rule says %s %s", ag__title(c->op),
                       ag_dtype_name(l->dtype), ag__text(l), ag_dtype_name(shape->dtype),
                       ag__dims_text(shape->rank, shape->dims)),
               false;
    out[0] = y;
    return true;
}

static bool apply(ag_tape *t, const ag_op *op, const void *attr, int n, ag_tensor *const *given, ag_tensor **out)
{
    ag_tensor *few[8], **in = few;
    if (n > 4 && !(in = ag__arena_get(&t->arena, 2 * (size_t)n * sizeof *in))) return false;
    ag_tensor **plain = in == few ? few + 4 : in + n;
    for (int i = 0; i < n; i++) {
        in[i] = NULL;
        if (!given[i] && i > 0 && !ag_error()) continue; /* optional; the shape rule knows */
        bool fine = given[i] && (given[i]->serial == t->serial || given[i]->serial == AG__LEAF_SERIAL);
        in[i] = ag__operand(t, given[i], fine ? op->name : ag__title(op), i + 1);
        if (!in[i]) return false;
    }
    bool ok;
    void *kept = ag__node_attr(t, op, attr, &ok);
    if (!ok) return false;
    ag_call c = { .op = op, .attr = kept, .n_in = n, .in = in, .out = out };
    c.saved = ag__saved(op, kept);
    c.n_out = op->n_out ? op->n_out : 1;
    ag_shape shape[AG_MAX_OUT];
    memset(shape, 0, (size_t)c.n_out * sizeof *shape);
    if (!ag__ran(op->shape(&c, shape), op, "shape rule")) return false;
    if (op->compose) return composed(&c, shape, out);
    if (!make_outputs(t, op, shape, c.n_out, out) || !row_major(t, op, n, in, plain)) return false;
    c.in = plain;
    bool was = ag_record(false);
    ag_status status = op->forward(&c);
    ag_record(was);
    for (int k = 0; k < c.n_out; k++) out[k]->version = 0; /* filling it was no overwriting */
    return ag__ran(status, op, "forward") && ag__node_record(t, op, kept, n, in, out, false);
}

ag_tensor *(ag_apply)(const ag_op *op, const void *attr, int n, ag_tensor *const *in)
{
    ag_tape *t = ag__tape(op ? ag__title(op) : "ag_apply");
    ag_tensor *out[AG_MAX_OUT];
    if (!t || !well_formed(op, attr, n) || !apply(t, op, attr, n, in, out)) return NULL;
    for (int k = 1; k < op->n_out; k++) out[k]->flags |= AG__HIDDEN;
    return out[0];
}

ag_status ag_apply_all(const ag_op *op, const void *attr, ag_list in, ag_tensor **out)
{
    ag_tape *t = ag__tape("ag_apply_all");
    ag_tensor *made[AG_MAX_OUT];
    if (!t || !well_formed(op, attr, (int)(in.n <= UINT16_MAX ? in.n : -1)) ||
        !apply(t, op, attr, (int)in.n, in.at, made))
        return ag_error();
    for (int k = 0; k < (op->n_out ? op->n_out : 1); k++) out[k] = made[k];
    return AG_OK;
}

/* ---- ready-made shape rules ---- */

static void shape_of(const ag_tensor *x, ag_shape *out)
{
    out->dtype = x->layout->dtype, out->rank = x->layout->rank;
    memcpy(out->dims, x->layout->dims, sizeof out->dims);
}

/* Inputs after the first may be NULL only if the operation says so with a rule of its own. */
static bool one_dtype(const ag_call *c)
{
    for (int i = 1; i < c->n_in; i++) {
        if (!c->in[i]) return ag_fail(AG_ENULL, "%s: operand %d is NULL", ag__title(c->op), i + 1), false;
        if (c->in[i]->layout->dtype != c->in[0]->layout->dtype)
            return ag_fail(AG_EDTYPE, "%s: dtypes differ: %s %s and %s %s", ag__title(c->op),
                           ag_dtype_name(c->in[0]->layout->dtype), ag__text(c->in[0]->layout),
                           ag_dtype_name(c->in[i]->layout->dtype), ag__text(c->in[i]->layout)),
                   false;
    }
    return true;
}

ag_status ag_shape_same(const ag_call *c, ag_shape *out)
{
    if (!one_dtype(c)) return ag_error();
    for (int i = 1; i < c->n_in; i++)
        if (!ag__same_dims(c->in[0]->layout, c->in[i]->layout))
            return ag_fail(AG_ESHAPE, "%s: shapes differ: %s and %s", ag__title(c->op), ag__text(c->in[0]->layout),
                           ag__text(c->in[i]->layout));
    for (int k = 0; k < c->n_out; k++) shape_of(c->in[0], &out[k]);
    return AG_OK;
}

ag_status ag_shape_broadcast(const ag_call *c, ag_shape *out)
{
    if (!one_dtype(c)) return ag_error();
    shape_of(c->in[0], &out[0]);
    for (int i = 1; i < c->n_in; i++)
        if (!ag__broadcast(&out[0].rank, out[0].dims, c->in[i]->layout))
            return ag_fail(AG_ESHAPE, "%s: shapes do not broadcast: %s and %s", ag__title(c->op),
                           ag__dims_text(out[0].rank, out[0].dims), ag__text(c->in[i]->layout));
    for (int k = 1; k < c->n_out; k++) out[k] = out[0];
    return AG_OK;
}

ag_status ag_shape_scalar(const ag_call *c, ag_shape *out)
{
    for (int k = 0; k < c->n_out; k++) out[k].dtype = c->in[0]->layout->dtype, out[k].rank = 0;
    return AG_OK;
}

/* ---- the table ---- */

static const ag_op *const table[] = {
#define AG__ROW(name) &ag__op_##name,
#include <autograd/ops/rows.inc>
#undef AG__ROW
};
static const char *const title[] = {
#define AG__ROW(name) "ag_" #name,
#include <autograd/ops/rows.inc>
#undef AG__ROW
};
enum { N_OPS = sizeof table / sizeof *table };

/* Where an operation was found the last time, by a hash of its address: titles are asked for at every step. */
const char *ag__title(const ag_op *op)
{
    static _Atomic uint16_t found[256];
    _Atomic uint16_t *here = &found[((uintptr_t)op >> 4) % 256];
    uint16_t guess = atomic_load_explicit(here, memory_order_relaxed);
    if (table[guess] == op) return title[guess];
    for (uint16_t i = 0; i < N_OPS; i++)
        if (table[i] == op) return atomic_store_explicit(here, i, memory_order_relaxed), title[i];
    return op->name;
}

bool ag__ran(ag_status status, const ag_op *op, const char *what)
{
    if (status && !ag_error()) ag_fail(status, "%s: its %s failed", ag__title(op), what);
    return !status;
}

const ag_op *const *ag_op_all(int64_t *n)
{
    if (n) *n = N_OPS;
    return table;
}

const ag_op *ag_op_find(const char *name)
{
    if (!name) return NULL;
    for (int i = 0; i < N_OPS; i++)
        if (strcmp(table[i]->name, name) == 0) return table[i];
    return NULL;
}
