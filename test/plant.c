/* plant.c - see plant.h.
 *
 * The rules are reached through the operations' descriptors, so that a descriptor whose page is made writable can be
 * given a rule that calls the original and spoils what it says. A fault that never spoiled anything was not planted. */
#define _DEFAULT_SOURCE
#include "plant.h"
#include <autograd/ops/elementwise.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef enum fault { SIGN, FACTOR, ENTRY, SWAPPED, CUT, MISSING, NO_SUM, OVERWRITE, N_FAULTS } fault;
static const char *const fault_name[] = { "sign", "factor 1.001", "one wrong entry",  "transposed",
                                          "cut",  "missing",      "no broadcast sum", "written, not added" };
typedef enum rule { VJP, JVP, BACKWARD, COMPOSE, N_RULES } rule;
static const char *const rule_name[] = { "vjp", "jvp", "backward", "compose" };

/* The fault under way. */
static ag_op original;
static const ag__elementwise *original_impl;
static fault planted;
static bool spoiled;

/* ---- what a fault does to a tensor: vjp and jvp ---- */

static ag_tensor *one_entry(ag_tensor *x)
{
    int64_t n = ag_numel(x);
    if (n == 0) return x;
    ag_tensor *flat = ag_reshape(x, -1), *last = ag_slice(flat, 0, n - 1, n);
    return ag_cat(AG_LIST(ag_slice(flat, 0, 0, n - 1), ag_add(last, 0.01)), 0);
}

static ag_tensor *like(ag_tensor *x, const ag_tensor *shape)
{
    int64_t dims[AG_MAX_RANK];
    for (int d = 0; d < ag_rank(shape); d++) dims[d] = ag_size(shape, d);
    return x ? (ag_reshape)(x, ag_rank(shape), dims) : NULL;
}

/* The first of what should have been summed. */
static ag_tensor *first_of(ag_tensor *x, const ag_tensor *in)
{
    while (x && ag_rank(x) > ag_rank(in)) x = ag_select(x, 0, 0);
    for (int d = 0; x && d < ag_rank(in); d++)
        if (ag_size(x, d) != ag_size(in, d)) x = ag_slice(x, d, 0, 1);
    return x;
}

static bool alike(const ag_tensor *a, const ag_tensor *b)
{
    if (ag_rank(a) != ag_rank(b)) return false;
    for (int d = 0; d < ag_rank(a); d++)
        if (ag_size(a, d) != ag_size(b, d)) return false;
    return true;
}

static ag_tensor *spoil(ag_tensor *x, const ag_tensor *in)
{
    if (!x || ag_numel(x) == 0) return x;
    int r = ag_rank(x);
    switch (planted) {
    case SIGN: spoiled = true; return ag_neg(x);
    case FACTOR: spoiled = true; return ag_mul(x, 1.001);
    case ENTRY: spoiled = true; return like(one_entry(x), x);
    case SWAPPED:
        if (r < 2 || ag_size(x, -1) < 2 || ag_size(x, -2) < 2) return x;
        spoiled = true;
        return like(ag_transpose(x, -1, -2), x);
    case CUT: spoiled = true; return ag_detach(x);
    case NO_SUM:
        if (alike(x, in) || ag_numel(in) == 0) return x;
        spoiled = true;
        return first_of(x, in);
    default: return x;
    }
}

static ag_status spoiled_vjp(ag_call *c)
{
    if (original.vjp(c)) return ag_error();
    for (int i = 0; i < c->n_in; i++) {
        if (!c->need[i] || !c->gin[i]) continue;
        if (planted == MISSING && i > 0)
            c->gin[i] = NULL, spoiled = true;
        else
            c->gin[i] = spoil(c->gin[i], c->in[i]);
    }
    return ag_error();
}

static ag_status spoiled_jvp(ag_call *c)
{
    ag_tensor *tangent[16];
    ag_call without = *c;
    if (planted == MISSING && c->n_in <= 16) {
        for (int i = 0; i < c->n_in; i++) {
            tangent[i] = i ? NULL : c->tangent[i];
            spoiled |= i && c->tangent[i];
        }
        without.tangent = tangent;
        if (!tangent[0]) return AG_OK;
    }
    if (original.jvp(&without)) return ag_error();
    for (int k = 0; k < c->n_out; k++) c->tout[k] = spoil(c->tout[k], c->out[k]);
    return ag_error();
}

/* ---- to the derivative of what is made of other operations: the value stays ---- */

static ag_tensor *last_doubled(ag_tensor *x)
{
    ag_tensor *flat = ag_reshape(x, -1);
    int64_t last = ag_numel(x) - 1;
    return ag_cat(AG_LIST(ag_slice(flat, 0, 0, last), ag_mul(ag_slice(flat, 0, last, last + 1), 2.0)), 0);
}

static ag_tensor *spoiled_compose(const ag_call *c)
{
    ag_tensor *y = original.compose(c), *value = ag_detach(y), *nothing = ag_sub(y, value);
    if (!y || ag_numel(y) == 0) return y;
    spoiled = true;
    switch (planted) {
    case SIGN: return ag_sub(value, nothing);
    case FACTOR: return ag_add(value, ag_mul(nothing, 1.001));
    case ENTRY: return ag_add(value, like(last_doubled(nothing), y));
    default: return value; /* CUT */
    }
}

/* ---- and to a buffer that a kernel has written or added to ---- */

static void spoil_buffer(ag_dtype dtype, int64_t n, void *data, const double *before, bool add)
{
    for (int64_t i = 0; i < n; i++) {
        double now = dtype == AG_F64 ? ((double *)data)[i] : ((float *)data)[i], old = add ? before[i] : 0,
               step = now - old;
        if (planted == SIGN) step = -step;
        if (planted == FACTOR) step *= 1.001;
        if (planted == ENTRY && i == n - 1) step += 0.01;
        if (planted == OVERWRITE) old = 0;
        spoiled |= old + step != now;
        if (dtype == AG_F64)
            ((double *)data)[i] = old + step;
        else
            ((float *)data)[i] = (float)(old + step);
    }
}

/* The numbers in a buffer, to be freed. */
static double *copy_of(ag_dtype dtype, int64_t n, const void *data)
{
    double *copy = malloc(((size_t)n + 1) * sizeof *copy);
    if (!copy) abort();
    for (int64_t i = 0; i < n; i++) copy[i] = dtype == AG_F64 ? ((const double *)data)[i] : ((const float *)data)[i];
    return copy;
}

static ag_status spoiled_backward(ag_call *c)
{
    double *before[16] = { NULL };
    for (int i = 0; i < c->n_in; i++)
        if (c->need[i] && c->add[i]) before[i] = copy_of(ag_dtype_of(c->in[i]), ag_numel(c->in[i]), c->gin[i]->data);
    if (original.backward(c)) return ag_error();
    for (int i = 0; i < c->n_in; i++) {
        if (c->need[i]) spoil_buffer(ag_dtype_of(c->in[i]), ag_numel(c->in[i]), c->gin[i]->data, before[i], c->add[i]);
        free(before[i]);
    }
    return AG_OK;
}

static bool spoiled_elementwise(ag_tape *t, ag_tensor *y, int code, const bool *need)
{
    double *before[2] = { NULL };
    bool add[2] = { false };
    for (int i = 0; i < y->n_in; i++) {
        add[i] = y->in[i]->flags & AG__ADJ;
        if (need[i] && add[i]) before[i] = copy_of(ag_dtype_of(y), ag_numel(y->in[i]), y->in[i]->adj);
    }
    bool ok = original_impl->backward(t, y, code, need);
    for (int i = 0; i < y->n_in; i++) {
        if (ok && need[i]) spoil_buffer(ag_dtype_of(y), ag_numel(y->in[i]), y->in[i]->adj, before[i], add[i]);
        free(before[i]);
    }
    return ok;
}

/* ---- planting ---- */

static bool is_among(const char *name, size_t n, const char *const *names)
{
    while (n > 0 && strcmp(names[n - 1], name)) n--;
    return n > 0;
}

static bool is_elementwise(const char *name)
{
    static const char *const names[] = {
#define NAME(name, ...) #name,
        AG_UNARY_FUNCTIONS(NAME) AG_BINARY_FUNCTIONS(NAME)
#undef NAME
    };
    return is_among(name, sizeof names / sizeof *names, names);
}

/* With a slope of 0 wherever there is one. */
static bool is_flat(const char *name)
{
    static const char *const names[] = { "sign", "floor", "ceil", "trunc", "round", "sgn", "heaviside" };
    return is_among(name, sizeof names / sizeof *names, names);
}

/* With such a slope by all inputs but the first. */
static bool is_flat_by_others(const char *name)
{
    static const char *const names[] = { "copysign" };
    return is_among(name, sizeof names / sizeof *names, names);
}

/* Whose last entry is constant, or dropped in its samples. */
static bool ends_flat(const char *name)
{
    static const char *const names[] = { "corrcoef", "dropout3d", "feature_alpha_dropout" };
    return is_among(name, sizeof names / sizeof *names, names);
}

/* Whose gradient is a symmetric matrix. */
static bool is_symmetric(const char *name)
{
    static const char *const names[] = { "cholesky", "eigh" };
    return is_among(name, sizeof names / sizeof *names, names);
}

static ag_op *writable(const ag_op *op)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)op & ~(page - 1);
    size_t bytes = ((uintptr_t)op + sizeof *op - from + page - 1) & ~(page - 1);
    if (mprotect((void *)from, bytes, PROT_READ | PROT_WRITE)) perror("mprotect"), exit(1);
    return (ag_op *)(uintptr_t)op;
}

/* Can this fault be planted there, and would it change the function? */
static bool meaningful(const samples *s, const ag_op *op, rule r, fault f)
{
    bool several = false, matrices = false, broadcasts = false;
    for (size_t k = 0; k < s->n; k++) {
        const sample *c = &s->at[k];
        for (int i = 0; i < c->n_in; i++) {
            several |= i > 0 && c->in[i].what == NUMBERS;
            matrices |= c->in[i].rank >= 2;
        }
        broadcasts |=
            c->n_in > 1 && c->in[0].what == NUMBERS && c->in[1].what == NUMBERS && strstr(c->name, "broadcast");
    }
    several = several && strcmp(s->op, "cross_entropy"); /* which is made of other operations for probabilities */
    if (is_flat(s->op) && f != ENTRY) return false;      /* of zeros nothing else is wrong */
    if (is_flat_by_others(s->op) && f == MISSING) return false;
    if (ends_flat(s->op) && f == ENTRY) return false;
    if (r == VJP)
        return op->vjp && f != OVERWRITE && (f != MISSING || several) &&
               (f != SWAPPED || (matrices && !is_symmetric(s->op))) && (f != NO_SUM || broadcasts);
    if (r == JVP) return op->jvp && (f == SIGN || f == FACTOR || f == ENTRY || (f == MISSING && several));
    if (r == COMPOSE) return op->compose && (f == SIGN || f == FACTOR || f == ENTRY || f == CUT);
    return (op->backward || is_elementwise(s->op)) && (f == SIGN || f == FACTOR || f == ENTRY || f == OVERWRITE);
}

/* Does a check of one of its samples fail, with the fault in place? */
static void try_it(plant_check *check, const samples *s, ag_op *op, rule r, fault f, plant_tally *tally)
{
    static ag__elementwise impl;
    original = *op, original_impl = op->impl;
    planted = f, spoiled = false;
    if (r == VJP) op->vjp = spoiled_vjp;
    if (r == JVP) op->jvp = spoiled_jvp;
    if (r == COMPOSE) op->compose = spoiled_compose;
    if (r == BACKWARD && is_elementwise(s->op)) {
        impl = (ag__elementwise){ original_impl->code, spoiled_elementwise };
        op->impl = &impl;
    } else if (r == BACKWARD)
        op->backward = spoiled_backward;
    bool found = false;
    for (size_t k = 0; k < s->n && !found; k++) found = check(s, &s->at[k], r == JVP);
    *op = original;
    tally->planted += spoiled, tally->caught += spoiled && found, tally->idle += !spoiled;
    if (spoiled && !found) printf("not caught: ag_%s, %s: %s\n", s->op, rule_name[r], fault_name[f]);
}

plant_tally plant_everywhere(plant_check *check, bool added)
{
    static const samples *const all[] = {
#define AG__ROW(name) &samples_##name,
#include <autograd/ops/rows.inc>
#undef AG__ROW
    };
    plant_tally tally = { 0 };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        const ag_op *found = ag_op_find(all[k]->op);
        if (!found) printf("ag_op_find does not know %s\n", all[k]->op), tally.planted++;
        if (!found || (!found->vjp && !found->compose)) continue;
        ag_op *op = writable(found);
        tally.ops++;
        for (rule r = 0; r < N_RULES; r++)
            for (fault f = 0; f < N_FAULTS; f++) {
                if (!meaningful(all[k], op, r, f) || (f == OVERWRITE && !added)) continue;
                try_it(check, all[k], op, r, f, &tally);
            }
    }
    return tally;
}
