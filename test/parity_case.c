/* parity_case.c - one case: its tensors are made, the operator applied, and what comes out compared three times. */
#include "parity.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---------------------------------------------------------------------------------------------- */
bool parity_case_read(args *a, const json_t *line, char *why, size_t room)
{
    static const char *const lists[] = { "args", "out", "gout", "gin" };
    *a = (args){ .line = line, .args = json_object_get(line, "args"), .kwargs = json_object_get(line, "kwargs") };
    a->op = json_string_value(json_object_get(line, "op"));
    a->variant = json_string_value(json_object_get(line, "v"));
    a->number = (int)json_integer_value(json_object_get(line, "i"));
    const char *bad = !a->op ? "op" : !json_is_object(a->kwargs) ? "kwargs" : NULL;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!json_is_array(json_object_get(line, lists[i]))) bad = lists[i];
    if (json_object_get(line, "w") && !json_is_array(json_object_get(line, "ggin"))) bad = "ggin";
    if (bad) snprintf(why, room, "not a case: %s is missing or of the wrong kind", bad);
    return !bad;
}

static bool make_tensor(args *a, const json_t *v)
{
    if (a->n_made == PARITY_TENSORS) return ag_fail(AG_EINVAL, "more than %d tensors", PARITY_TENSORS), false;
    ag_tensor *x = parity_tensor(v);
    if (json_is_true(json_object_get(v, "rg"))) a->leaf[a->n_leaf++] = x = ag_variable(x);
    a->made[a->n_made].json = v;
    a->made[a->n_made++].tensor = x;
    return x != NULL;
}

/* Depth first, which is the order of the leaves. The parser has bounded the depth. */
static bool make_tensors(args *a, const json_t *v)
{
    size_t i;
    const char *key;
    json_t *part;
    if (parity_is_tensor(v)) return make_tensor(a, v);
    if (json_is_array(v)) {
        json_array_foreach(v, i, part) if (!make_tensors(a, part)) return false;
    } else if (json_is_object(v)) {
        json_object_foreach((json_t *)(uintptr_t)v, key, part) if (!make_tensors(a, part)) return false;
    }
    return true;
}

/* ---- comparing -------------------------------------------------------------------------------------------- */
static double tolerance(const char *op, bool second)
{
    static const char *const decompositions[] = { "linalg.", "cholesky", "logdet", "lu", "matrix_exp", "qr", "svd" };
    for (size_t i = 0; i < sizeof decompositions / sizeof *decompositions; i++)
        if (!strncmp(op, decompositions[i], strlen(decompositions[i]))) return 1e-9;
    return second ? 1e-11 : 1e-12;
}

/* max |a - b| / max(1, max |b|); NaN equals NaN and inf equals inf, and nothing else does. */
static double difference(int64_t n, const double *a, const double *b)
{
    double scale = 1, worst = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(b[i])) scale = fmax(scale, fabs(b[i]));
    for (int64_t i = 0; i < n; i++) {
        if (a[i] == b[i] || (isnan(a[i]) && isnan(b[i]))) continue;
        double d = fabs(a[i] - b[i]) / scale;
        worst = isnan(d) ? INFINITY : fmax(worst, d);
    }
    return worst;
}

static bool same_kind(ag_tensor *ours, ag_tensor *theirs, verdict *v, const char *what, int k)
{
    bool same = ag_rank(ours) == ag_rank(theirs) && ag_dtype_of(ours) == ag_dtype_of(theirs);
    for (int i = 0; same && i < ag_rank(ours); i++) same = ag_size(ours, i) == ag_size(theirs, i);
    if (same) return true;
    int used = snprintf(v->why, sizeof v->why, "%s %d is %s of shape", what, k, ag_dtype_name(ag_dtype_of(ours)));
    for (int side = 0; side < 2; side++) {
        ag_tensor *x = side ? theirs : ours;
        for (int i = 0; i < ag_rank(x); i++)
            used += snprintf(v->why + used, sizeof v->why - (size_t)used, "%s%lld", i ? "," : " [",
                             (long long)ag_size(x, i));
        used += snprintf(v->why + used, sizeof v->why - (size_t)used, "%s", ag_rank(x) ? "]" : " []");
        if (!side)
            used +=
                snprintf(v->why + used, sizeof v->why - (size_t)used, ", not %s", ag_dtype_name(ag_dtype_of(theirs)));
    }
    return false;
}

/* Is `ours` what the case expects? */
static bool equal(ag_tensor *ours, ag_tensor *theirs, double tol, verdict *v, const char *what, int k)
{
    if (!ours || !theirs || !same_kind(ours, theirs, v, what, k)) return false;
    int64_t n = ag_numel(ours);
    double *a = malloc(2 * sizeof *a * (size_t)(n + 1)), worst = INFINITY;
    if (!a) return ag_fail(AG_ENOMEM, "%s %d", what, k), false;
    bool read = !ag_read(ours, a, n) && !ag_read(theirs, a + n, n);
    if (read) worst = difference(n, a, a + n);
    free(a);
    if (!read) return false;
    v->worst = fmax(v->worst, worst);
    if (worst > tol) snprintf(v->why, sizeof v->why, "%s %d differs by %.1e", what, k, worst);
    return worst <= tol;
}

/* ---- the three comparisons -------------------------------------------------------------------------------- */
static bool forward(args *a, verdict *v)
{
    const json_t *out = json_object_get(a->line, "out");
    if (json_array_size(out) != (size_t)a->n_out) {
        snprintf(v->why, sizeof v->why, "forward: %d outputs, not %zu", a->n_out, json_array_size(out));
        return false;
    }
    for (int i = 0; i < a->n_out; i++)
        if (!equal(a->out[i], parity_unique(a, i, parity_tensor(json_array_get(out, (size_t)i))),
                   tolerance(a->op, false), v, "forward: output", i))
            return false;
    return true;
}

/* Sum of <x[i], w[j]>, j counting those i whose entry in `like` requires a gradient. x: a's outputs, or gradients. */
static ag_tensor *pairing(const args *a, ag_tensor *const *x, const json_t *like, const json_t *w)
{
    ag_tensor *total = NULL;
    size_t i, j = 0;
    const json_t *of;
    json_array_foreach(like, i, of)
    {
        if (!json_is_true(json_object_get(of, "rg"))) continue;
        ag_tensor *by = parity_tensor(json_array_get(w, j++));
        ag_tensor *product = ag_sum(ag_mul(x[i], x == a->out ? parity_unique(a, (int)i, by) : by));
        total = total ? ag_add(total, product) : product;
    }
    if (j != json_array_size(w)) ag_fail(AG_EFORMAT, "%zu weights for %zu tensors", json_array_size(w), j);
    return total;
}

/* The derivative of y by the leaves, into g, is it what the case expects? */
static bool derivative(args *a, ag_tensor *y, ag_tensor **g, const char *key, bool second, verdict *v)
{
    const json_t *expected = json_object_get(a->line, key);
    if (json_array_size(expected) != (size_t)a->n_leaf)
        ag_fail(AG_EFORMAT, "%s has %zu entries for %d leaves", key, json_array_size(expected), a->n_leaf);
    if (ag_error() || ag_grads(y, (ag_list){ a->leaf, a->n_leaf }, g)) return false;
    for (int i = 0; i < a->n_leaf; i++) {
        const json_t *of = json_array_get(expected, (size_t)i);
        ag_tensor *theirs = json_is_null(of) ? ag_zeros_like(g[i]) : parity_tensor(of);
        if (!equal(g[i], theirs, tolerance(a->op, second), v, second ? "second order: leaf" : "vjp: leaf", i))
            return false;
    }
    return true;
}

static void compare(args *a, verdict *v)
{
    ag_tensor *g[PARITY_TENSORS] = { NULL }, *gg[PARITY_TENSORS] = { NULL };
    const json_t *out = json_object_get(a->line, "out"), *gin = json_object_get(a->line, "gin");
    const json_t *gout = json_object_get(a->line, "gout"), *w = json_object_get(a->line, "w");
    if (!forward(a, v)) return;
    v->first = derivative(a, pairing(a, a->out, out, gout), g, "gin", false, v) && !ag_error();
    if (v->first && w) v->second = derivative(a, pairing(a, g, gin, w), gg, "ggin", true, v) && !ag_error();
}

verdict parity_case_check(args *a)
{
    verdict v = { .has_second = json_object_get(a->line, "w") != NULL };
    ag_clear_error();
    ag_tape *tape = ag_tape_new();
    if (make_tensors(a, a->args) && make_tensors(a, a->kwargs)) {
        parity_op_apply(parity_op_find(a->op), a);
        parity_signs_fit(a);
        if (!ag_error()) compare(a, &v);
    }
    if (ag_error()) snprintf(v.why, sizeof v.why, "%s", ag_errmsg());
    ag_tape_free(tape);
    ag_clear_error();
    return v;
}
