/* einsum.c - Einstein's notation and tensordot, as products of matrices.
 *
 * Each axis has a label. Two operands are multiplied by sorting their labels into those that stay side by side (in
 * both, and wanted later), those of one operand alone, and those that are summed (in both, and wanted no more): then
 * the one is a batch of matrices [side, own, summed], the other [side, summed, own]. */
#include <autograd/ops/linalg.h>
#include <ctype.h>
#include <stdio.h>

enum { LETTERS = 52, LABELS = LETTERS + AG_MAX_RANK, MOST_TEXT = 256 };

/* A tensor whose axis i has label[i]. */
typedef struct labelled {
    ag_tensor *x;
    int n, label[AG_MAX_RANK];
} labelled;

/* ---- the equation: letters a-z and A-Z, `...` for axes without one; those are labels LETTERS and up, aligned at the
 *      last ---- */

typedef struct term {
    int n, label[AG_MAX_RANK]; /* ELLIPSIS among them, once at most */
} term;
enum { ELLIPSIS = -1 };

static int letter(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? 26 + c - 'a' : -1;
}
static ag_status wrong(const char *text, const char *why)
{
    return ag_fail(AG_EINVAL, "ag_einsum: \"%s\": %s", text, why);
}
/* Labels up to a comma, an arrow or the end. */
static const char *read_term(const char *text, const char *at, term *t)
{
    bool dots = false;
    t->n = 0;
    for (; *at && *at != ',' && strncmp(at, "->", 2); at++) {
        if (*at == ' ') continue;
        bool three = !strncmp(at, "...", 3);
        if (!three && letter(*at) < 0) return wrong(text, "takes letters, commas, -> and ..."), (const char *)NULL;
        if (three && dots) return wrong(text, "has ... twice in one term"), (const char *)NULL;
        if (t->n == AG_MAX_RANK) return wrong(text, "has a term of more than 8 axes"), (const char *)NULL;
        t->label[t->n++] = three ? ELLIPSIS : letter(*at);
        if (three) dots = true, at += 2;
    }
    return at;
}

/* The labels of operand i's axes. */
static bool label_operand(const char *text, const term *t, int i, ag_tensor *x, labelled *out)
{
    bool dots = false;
    int rank = x->layout->rank;
    for (int k = 0; k < t->n; k++) dots |= t->label[k] == ELLIPSIS;
    int unnamed = rank - (t->n - dots);
    if (unnamed < 0 || (unnamed > 0 && !dots))
        return ag_fail(AG_ESHAPE, "ag_einsum: \"%s\": names %d axes of operand %d, which is %s", text, t->n - dots,
                       i + 1, ag__text(x->layout)),
               false;
    *out = (labelled){ .x = x };
    for (int k = 0; k < t->n; k++) {
        if (t->label[k] != ELLIPSIS) {
            out->label[out->n++] = t->label[k];
            continue;
        }
        for (int u = 0; u < unnamed; u++) out->label[out->n++] = LABELS - unnamed + u;
    }
    return true;
}

/* What the whole equation says: the operands' labels, the sizes of all labels, and the result's labels. */
typedef struct plan {
    labelled result;
    int64_t size[LABELS]; /* 0: label not there; else 1 + size */
    int count[LABELS];    /* in how many places */
} plan;

static bool note_sizes(const char *text, plan *p, const labelled *o, int i)
{
    for (int k = 0; k < o->n; k++) {
        int64_t *have = &p->size[o->label[k]], size = o->x->layout->dims[k];
        for (int j = 0; j < k; j++)
            if (o->label[j] == o->label[k] && o->x->layout->dims[j] != size)
                return ag_fail(AG_ESHAPE, "ag_einsum: \"%s\": one label for axes %d and %d of operand %d, which is %s",
                               text, j, k, i + 1, ag__text(o->x->layout)),
                       false;
        if (*have > 1 + 1 && size != 1 && *have != size + 1)
            return ag_fail(AG_ESHAPE, "ag_einsum: \"%s\": a label of size %lld is %lld in operand %d, which is %s",
                           text, (long long)(*have - 1), (long long)size, i + 1, ag__text(o->x->layout)),
                   false;
        if (*have == 1 && size != 0 && size != 1)
            return ag_fail(AG_ESHAPE, "ag_einsum: \"%s\": a label of size 0 is %lld in operand %d, which is %s", text,
                           (long long)size, i + 1, ag__text(o->x->layout)),
                   false;
        if (*have == 0 || *have == 1 + 1) *have = size + 1;
        p->count[o->label[k]]++;
    }
    return true;
}
/* Without ->: what ... stands for, then the letters that occur once, in the alphabet's order, capitals first. */
static bool implicit_result(const char *text, plan *p)
{
    for (int l = LETTERS; l < LABELS + LETTERS; l++) {
        int label = l < LABELS ? l : l - LABELS;
        bool takes = label >= LETTERS ? p->count[label] > 0 : p->count[label] == 1;
        if (!takes) continue;
        if (p->result.n == AG_MAX_RANK) return wrong(text, "has a result of more than 8 axes"), false;
        p->result.label[p->result.n++] = label;
    }
    return true;
}
static bool explicit_result(const char *text, plan *p, const char *at)
{
    term t;
    at = read_term(text, at, &t);
    if (!at) return false;
    if (*at) return wrong(text, "has more behind its result"), false;
    for (int k = 0; k < t.n; k++) {
        int from = t.label[k] == ELLIPSIS ? LETTERS : t.label[k], to = t.label[k] == ELLIPSIS ? LABELS : from + 1;
        for (int l = from; l < to; l++) {
            if (p->count[l] == 0 && l >= LETTERS) continue;
            if (p->count[l] == 0) return wrong(text, "has a label in its result that no operand has"), false;
            for (int j = 0; j < p->result.n; j++)
                if (p->result.label[j] == l) return wrong(text, "has a label twice in its result"), false;
            if (p->result.n == AG_MAX_RANK) return wrong(text, "has a result of more than 8 axes"), false;
            p->result.label[p->result.n++] = l;
        }
    }
    return true;
}
/* operand: room for the labels of all. */
static bool read_equation(const ag_call *c, plan *p, labelled *operand)
{
    const char *text = c->attr, *at = text;
    memset(p, 0, sizeof *p);
    for (int i = 0; i < c->n_in; i++) {
        term t;
        labelled o;
        if (!c->in[i]) return ag_fail(AG_ENULL, "ag_einsum: operand %d is NULL", i + 1), false;
        if (!ag__is_float(c->in[i]->layout->dtype) || c->in[i]->layout->dtype != c->in[0]->layout->dtype)
            return ag_fail(AG_EDTYPE, "ag_einsum: all must be f32 or all f64: operand %d is %s %s", i + 1,
                           ag_dtype_name(c->in[i]->layout->dtype), ag__text(c->in[i]->layout)),
                   false;
        if (!(at = read_term(text, at, &t)) || !label_operand(text, &t, i, c->in[i], &o)) return false;
        if (!note_sizes(text, p, &o, i)) return false;
        if (operand) operand[i] = o;
        bool more = *at == ',';
        if (more != (i < c->n_in - 1))
            return ag_fail(AG_EINVAL, "ag_einsum: \"%s\": has terms for %s than %d operands", text,
                           more ? "more" : "fewer", c->n_in),
                   false;
        at += more;
    }
    return *at ? explicit_result(text, p, at + 2) : implicit_result(text, p);
}

static ag_status einsum_shape(const ag_call *c, ag_shape *out)
{
    plan p;
    if (!read_equation(c, &p, NULL)) return ag_error();
    out->dtype = c->in[0]->layout->dtype, out->rank = p.result.n;
    for (int k = 0; k < p.result.n; k++) out->dims[k] = p.size[p.result.label[k]] - 1;
    return AG_OK;
}

/* ---- one operand ---- */

static int place_of(const labelled *o, int label)
{
    for (int k = 0; k < o->n; k++)
        if (o->label[k] == label) return k;
    return -1;
}
static void forget(labelled *o, int place)
{
    for (int k = place; k + 1 < o->n; k++) o->label[k] = o->label[k + 1];
    o->n--;
}
/* Axes in the order of these labels, all of which it has. */
static ag_tensor *ordered(const labelled *o, int n, const int *label)
{
    int64_t order[AG_MAX_RANK];
    bool same = true;
    for (int k = 0; k < n; k++) order[k] = place_of(o, label[k]), same &= order[k] == k;
    return same ? o->x : (ag_permute)(o->x, n, order);
}
/* Of axes with one label, the diagonal. */
static void take_diagonals(labelled *o)
{
    for (int i = 0; i < o->n; i++)
        for (int j = o->n - 1; j > i; j--) {
            if (o->label[i] != o->label[j]) continue;
            int64_t order[AG_MAX_RANK];
            int n = 0, rest[AG_MAX_RANK];
            for (int k = 0; k < o->n; k++)
                if (k != i && k != j) order[n] = k, rest[n++] = o->label[k];
            order[n] = i, rest[n] = o->label[i], order[n + 1] = j;
            o->x = ag__diagonal((ag_permute)(o->x, n + 2, order));
            memcpy(o->label, rest, sizeof rest);
            o->n = n + 1, i = -1;
            break;
        }
}
/* Sums over the labels for which wanted is false. */
static void sum_out(labelled *o, const bool *wanted)
{
    int axes[AG_MAX_RANK], n = 0;
    for (int k = 0; k < o->n; k++)
        if (!wanted[o->label[k]]) axes[n++] = k;
    if (n) o->x = (ag_sum)(o->x, n, axes);
    for (int k = n - 1; k >= 0; k--) forget(o, axes[k]);
}

/* ---- two ---- */

/* An axis of size 1 beside a longer one of the same label says nothing. */
static void drop_ones(labelled *o, const labelled *other)
{
    for (int k = o->n - 1; k >= 0 && o->x && other->x; k--) {
        int there = place_of(other, o->label[k]);
        if (there < 0 || o->x->layout->dims[k] != 1 || other->x->layout->dims[there] == 1) continue;
        o->x = ag_squeeze(o->x, k);
        forget(o, k);
    }
}
typedef struct group {
    int n, label[AG_MAX_RANK];
    int64_t numel;
} group;
static void put(group *g, const labelled *o, int k)
{
    g->numel *= o->x->layout->dims[k];
    g->label[g->n++] = o->label[k];
}
/* As [a, b, c], each a group of axes. */
static ag_tensor *grouped(const labelled *o, const group *a, const group *b, const group *c)
{
    int label[3 * AG_MAX_RANK], n = 0;
    const group *all[] = { a, b, c };
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < all[i]->n; k++) label[n++] = all[i]->label[k];
    return ag_reshape(ordered(o, n, label), a->numel, b->numel, c->numel);
}
static labelled multiply(labelled a, labelled b, const bool *wanted, const char *who)
{
    labelled y = { NULL, 0, { 0 } };
    group side = { 0, { 0 }, 1 }, summed = side, own_a = side, own_b = side;
    drop_ones(&a, &b), drop_ones(&b, &a);
    if (!a.x || !b.x) return y;
    int64_t dims[2 * AG_MAX_RANK];
    for (int k = 0; k < a.n; k++)
        put(place_of(&b, a.label[k]) < 0 ? &own_a : wanted[a.label[k]] ? &side : &summed, &a, k);
    for (int k = 0; k < b.n; k++)
        if (place_of(&a, b.label[k]) < 0) put(&own_b, &b, k);
    const group *kept[] = { &side, &own_a, &own_b };
    const labelled *from[] = { &a, &a, &b };
    int n = 0;
    if (side.n + own_a.n + own_b.n > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "%s: the product of %s and %s has more than %d axes", who, ag__text(a.x->layout),
                       ag__text(b.x->layout), AG_MAX_RANK),
               y;
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < kept[i]->n; k++) {
            y.label[n] = kept[i]->label[k];
            dims[n++] = from[i]->x->layout->dims[place_of(from[i], kept[i]->label[k])];
        }
    y.n = n;
    y.x = ag_matmul(grouped(&a, &side, &own_a, &summed), grouped(&b, &side, &summed, &own_b));
    y.x = (ag_reshape)(y.x, n, dims);
    return y;
}

static ag_tensor *einsum_compose(const ag_call *c)
{
    plan p;
    ag_tape *t = ag__tape("ag_einsum");
    labelled *o = t ? ag__arena_get(&t->arena, (size_t)c->n_in * sizeof *o) : NULL, y = { NULL, 0, { 0 } };
    if (!o || !read_equation(c, &p, o)) return NULL;
    for (int i = 0; i < c->n_in && o[i].x; i++) {
        take_diagonals(&o[i]);
        if (i > 0 && !y.x) return NULL;
        bool wanted[LABELS] = { false }, alone[LABELS];
        for (int k = 0; k < p.result.n; k++) wanted[p.result.label[k]] = true;
        for (int j = i + 1; j < c->n_in; j++)
            for (int k = 0; k < o[j].n; k++) wanted[o[j].label[k]] = true;
        memcpy(alone, wanted, sizeof alone);
        for (int k = 0; i > 0 && k < y.n; k++) alone[y.label[k]] = true;
        if (!o[i].x) return NULL;
        sum_out(&o[i], alone);
        if (!o[i].x) return NULL;
        y = i ? multiply(y, o[i], wanted, "ag_einsum") : o[i];
        if (y.x && i) sum_out(&y, wanted);
    }
    if (!y.x) return NULL;
    ag_tensor *result = ordered(&y, p.result.n, p.result.label);
    return result == c->in[0] ? ag_clone(result) : result;
}
const ag_op ag__op_einsum = {
    .name = "einsum", .n_in = -1, .attr_size = MOST_TEXT, .shape = einsum_shape, .compose = einsum_compose
};

ag_tensor *ag_einsum(const char *equation, ag_list x)
{
    char text[MOST_TEXT] = "";
    if (!ag__have_list(x.n, x.at, "ag_einsum")) return NULL;
    if (!equation) return ag_fail(AG_ENULL, "ag_einsum: the equation is NULL"), NULL;
    if (x.n == 0) return wrong(equation, "has no operands"), NULL;
    if (strlen(equation) >= MOST_TEXT)
        return ag_fail(AG_EINVAL, "ag_einsum: the equation has more than %d characters", MOST_TEXT - 1), NULL;
    memcpy(text, equation, strlen(equation));
    return (ag_apply)(&ag__op_einsum, text, (int)x.n, x.at);
}

/* ---- tensordot ---- */

typedef struct pairs {
    int n, a[AG_MAX_RANK], b[AG_MAX_RANK];
} pairs;

/* The axes paired, counted from 0; false if that is reported. */
static bool resolve(const ag_call *c, pairs *p)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    uint32_t seen_a = 0, seen_b = 0;
    *p = *(const pairs *)c->attr;
    for (int i = 0; i < p->n; i++) {
        p->a[i] = ag__axis(p->a[i], a, "ag_tensordot");
        if (p->a[i] < 0 || (p->b[i] = ag__axis(p->b[i], b, "ag_tensordot")) < 0) return false;
        int64_t m = a->dims[p->a[i]], n = b->dims[p->b[i]];
        if (m != n && m != 1 && n != 1)
            return ag_fail(AG_ESHAPE, "ag_tensordot: axis %d of %s and axis %d of %s differ in size", p->a[i],
                           ag__text(a), p->b[i], ag__text(b)),
                   false;
        if (seen_a >> p->a[i] & 1 || seen_b >> p->b[i] & 1)
            return ag_fail(AG_EINVAL, "ag_tensordot: axis %d of %s or axis %d of %s is named twice", p->a[i],
                           ag__text(a), p->b[i], ag__text(b)),
                   false;
        seen_a |= 1u << p->a[i], seen_b |= 1u << p->b[i];
    }
    return true;
}
/* Labels of both: 0 .. n-1 for the pairs, others for the rest. */
static void label_pairs(const ag_call *c, const pairs *p, labelled *a, labelled *b)
{
    int next = p->n;
    *a = (labelled){ c->in[0], c->in[0]->layout->rank, { 0 } };
    *b = (labelled){ c->in[1], c->in[1]->layout->rank, { 0 } };
    for (int k = 0; k < a->n; k++) a->label[k] = -1;
    for (int k = 0; k < b->n; k++) b->label[k] = -1;
    for (int i = 0; i < p->n; i++) a->label[p->a[i]] = i, b->label[p->b[i]] = i;
    for (int k = 0; k < a->n; k++)
        if (a->label[k] < 0) a->label[k] = next++;
    for (int k = 0; k < b->n; k++)
        if (b->label[k] < 0) b->label[k] = next++;
}
static ag_status tensordot_shape(const ag_call *c, ag_shape *out)
{
    pairs p;
    labelled o[2];
    if (!c->in[1]) return ag_fail(AG_ENULL, "ag_tensordot: operand 2 is NULL");
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    if (!ag__is_float(a->dtype) || a->dtype != b->dtype)
        return ag_fail(AG_EDTYPE, "ag_tensordot: both must be f32 or both f64: %s %s and %s %s",
                       ag_dtype_name(a->dtype), ag__text(a), ag_dtype_name(b->dtype), ag__text(b));
    if (!resolve(c, &p)) return ag_error();
    if (a->rank + b->rank - 2 * p.n > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "ag_tensordot: the product of %s and %s has more than %d axes", ag__text(a),
                       ag__text(b), AG_MAX_RANK);
    label_pairs(c, &p, &o[0], &o[1]);
    out->dtype = a->dtype, out->rank = 0;
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < o[i].n; k++)
            if (o[i].label[k] >= p.n) out->dims[out->rank++] = o[i].x->layout->dims[k];
    return AG_OK;
}
/* A pair of which one is of size 1 is summed on the other side. */
static ag_tensor *tensordot_compose(const ag_call *c)
{
    pairs p;
    labelled a, b;
    bool wanted[2 * AG_MAX_RANK];
    if (!resolve(c, &p)) return NULL;
    label_pairs(c, &p, &a, &b);
    for (int l = 0; l < 2 * AG_MAX_RANK; l++) wanted[l] = l >= p.n;
    labelled y = multiply(a, b, wanted, "ag_tensordot");
    if (y.x) sum_out(&y, wanted);
    return y.x;
}
const ag_op ag__op_tensordot = {
    .name = "tensordot", .n_in = 2, .attr_size = sizeof(pairs), .shape = tensordot_shape, .compose = tensordot_compose
};

ag_tensor *ag_tensordot(ag_tensor *a, ag_tensor *b, int n, const int *axes_a, const int *axes_b)
{
    pairs p = { n, { 0 }, { 0 } };
    if (n < 0 || n > AG_MAX_RANK)
        return ag_fail(AG_EINVAL, "ag_tensordot: %d pairs of axes; it takes 0 to %d", n, AG_MAX_RANK), NULL;
    for (int i = 0; i < n; i++) p.a[i] = axes_a ? axes_a[i] : i - n, p.b[i] = axes_b ? axes_b[i] : i;
    return ag__apply(&ag__op_tensordot, &p, a, b);
}
