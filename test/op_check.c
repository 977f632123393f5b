/* op_check.c - see op_check.h. */
#include "op_check.h"
#include <math.h>
#include <string.h>

enum { MOST_NUMBERS = 4096 };

static _Thread_local char why[640];

static const char *wrong(const char *what, double got, double allowed)
{
    snprintf(why, sizeof why, "%s: %.3g of the largest, allowed %.3g", what, got, allowed);
    return why;
}
static const char *failed(const char *what)
{
    snprintf(why, sizeof why, "%s: %s: %s", what, ag_status_text(ag_error()), ag_errmsg());
    return why;
}

/* ---- applying ---- */

/* One evaluation of a sample on the current tape, and its derivatives by the inputs that have them: u J, J v, and
 * of second order that of (u y) J. */
typedef struct run {
    ag_tensor *x[MOST_INPUTS], *leaf[MOST_INPUTS], *y, *g[MOST_INPUTS], *t[MOST_INPUTS], *h[MOST_INPUTS];
} run;

static bool evaluate(run *r, const samples *s, const sample *c, ag_dtype dtype, bool row_major)
{
    memset(r, 0, sizeof *r);
    for (int i = 0; i < c->n_in; i++) {
        r->x[i] = sample_input(s, c, i, dtype, &r->leaf[i]);
        if (row_major) r->x[i] = ag_contiguous(r->x[i]);
    }
    r->y = c->apply(r->x);
    return r->y && !ag_error();
}

static void drop(run *r)
{
    for (int i = 0; i < MOST_INPUTS; i++) ag_free(r->leaf[i]);
    memset(r, 0, sizeof *r);
}

/* Distinct weights for the elements of y: a seed, or a direction. */
static ag_tensor *weights(const ag_tensor *y)
{
    int64_t dims[AG_MAX_RANK];
    for (int d = 0; d < ag_rank(y); d++) dims[d] = ag_size(y, d);
    ag_tensor *w = ag_linspace(AG_F64, 0.6, 1.7, ag_numel(y));
    return ag_to((ag_reshape)(w, ag_rank(y), dims), ag_dtype_of(y));
}

static bool gradients(run *r, const sample *c)
{
    ag_tensor *w = weights(r->y);
    for (int i = 0; i < c->n_in; i++) {
        if (!r->leaf[i]) continue;
        r->g[i] = ag_vjp(r->y, r->leaf[i], w);
        r->t[i] = ag_jvp(r->y, r->leaf[i], weights(r->leaf[i]));
        r->h[i] = ag_vjp(ag_vjp(r->y, r->leaf[i], ag_mul(r->y, w)), r->leaf[i], weights(r->leaf[i]));
    }
    return !ag_error();
}

static double largest(const ag_tensor *a)
{
    double v[MOST_NUMBERS], size = 0;
    int64_t n = ag_numel(a);
    if (n > MOST_NUMBERS || ag_read(a, v, n)) return INFINITY;
    for (int64_t i = 0; i < n; i++) size = fmax(size, fabs(v[i]));
    return size;
}

/* max |a - b| / max(|b|, size); 0 if there is no difference, infinite where one is not a number. */
static double distance(const ag_tensor *a, const ag_tensor *b, double size)
{
    double u[MOST_NUMBERS], v[MOST_NUMBERS];
    int64_t n = ag_numel(b);
    if (n > MOST_NUMBERS || ag_numel(a) != n || ag_rank(a) != ag_rank(b)) return INFINITY;
    for (int d = 0; d < ag_rank(a); d++)
        if (ag_size(a, d) != ag_size(b, d)) return INFINITY;
    if (ag_read(a, u, n) || ag_read(b, v, n)) return INFINITY;
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(u[i] - v[i]);
        if (!(d <= worst)) worst = isnan(d) ? INFINITY : d;
        size = fmax(size, fabs(v[i]));
    }
    return worst == 0 ? 0 : worst / size;
}

static const char *compare(const run *a, const run *b, const sample *c, double allowed, const char *what)
{
    double d = distance(a->y, b->y, 0);
    for (int i = 0; i < c->n_in && d <= allowed; i++) {
        if (!b->g[i]) continue;
        double size = largest(b->g[i]); /* sums of terms as large as the gradient may cancel */
        d = fmax(distance(a->g[i], b->g[i], 0),
                 fmax(distance(a->t[i], b->t[i], size), distance(a->h[i], b->h[i], size)));
    }
    return d <= allowed ? NULL : wrong(what, d, allowed);
}

/* ---- the checks ---- */

static ag_tensor *apply_sample(ag_tensor **x, void *user)
{
    return ((const sample *)user)->apply(x);
}

static const char *differences(const samples *s, const sample *c, op_tally *tally)
{
    ag_tensor *x[MOST_INPUTS];
    uint64_t n = 0;
    for (int i = 0; i < c->n_in; i++) {
        if (!(x[i] = sample_input(s, c, i, AG_F64, NULL))) return failed("making the inputs");
        if (ag_dtype_of(x[i]) == AG_F64) n += (uint64_t)ag_numel(x[i]);
    }
    ag_list all = { x, c->n_in };
    if (ag_gradcheck(apply_sample, all, .user = (void *)(uintptr_t)c, .order = 2)) return failed("differences");
    ag_tensor *y = c->apply(x);
    if (!y) return failed("applying");
    tally->entries += n * (uint64_t)ag_numel(y) + n * n;
    return NULL;
}

/* What ag_backward's kernels collect in the leaves, against rules that are recorded. A later use of each input makes
 * the kernels add to what is there already; that they write where nothing is, the differences have seen. */
static const char *kernels(run *r, const sample *c)
{
    ag_tensor *sum = ag_sum(ag_mul(r->y, weights(r->y))), *wanted[MOST_INPUTS];
    for (int i = 0; i < c->n_in; i++)
        if (r->leaf[i]) sum = ag_add(sum, ag_sum(ag_mul(r->x[i], weights(r->x[i]))));
    for (int i = 0; i < c->n_in; i++)
        if (r->leaf[i]) wanted[i] = ag_grad(sum, r->leaf[i]);
    if (ag_backward(sum)) return failed("ag_backward");
    for (int i = 0; i < c->n_in; i++) {
        if (!r->leaf[i]) continue;
        double d = distance(ag_grad_of(r->leaf[i]), wanted[i], 0);
        if (!(d <= 1e-13)) return wrong("the kernel's gradient against the recorded one", d, 1e-13);
    }
    return NULL;
}

static const char *derivatives(const samples *s, const sample *c, op_tally *tally)
{
    const char *bad = differences(s, c, tally);
    run wide = { 0 }, narrow = { 0 }, plain = { 0 };
    if (!bad && !(evaluate(&wide, s, c, AG_F64, false) && gradients(&wide, c))) bad = failed("f64");
    if (!bad) bad = kernels(&wide, c);
    if (!bad && !(evaluate(&narrow, s, c, AG_F32, false) && gradients(&narrow, c))) bad = failed("f32");
    if (!bad) bad = compare(&narrow, &wide, c, 1e-5, "f32 against f64");
    if (!bad && !(evaluate(&plain, s, c, AG_F64, true) && gradients(&plain, c))) bad = failed("row-major");
    if (!bad) bad = compare(&wide, &plain, c, 1e-14, "strided against row-major");
    drop(&wide), drop(&narrow), drop(&plain);
    return bad;
}

static const char *values(const samples *s, const sample *c)
{
    ag_tensor *x[MOST_INPUTS];
    for (int i = 0; i < c->n_in; i++)
        if (!(x[i] = sample_input(s, c, i, AG_F64, NULL))) return failed("making the inputs");
    ag_tensor *y = c->apply(x);
    if (!y) return failed("applying");
    return s->right(x, y) ? NULL : "wrong values";
}

const char *check_sample(const samples *s, const sample *c, op_tally *tally)
{
    const ag_op *op = ag_op_find(s->op);
    if (!op) return "ag_op_find does not know it";
    if (!(op->vjp || op->compose) != (s->right != NULL))
        return "has a derivative, or its table of samples says so, but not both";
    ag_tape *t = ag_tape_new();
    if (!t) return failed("ag_tape_new");
    const char *bad = s->right ? values(s, c) : derivatives(s, c, tally);
    if (!bad && ag_error()) bad = failed("afterwards");
    ag_clear_error();
    ag_tape_free(t);
    tally->cases++;
    return bad;
}

/* ---- third order ---- */

enum { FEWEST = 2, MOST = 6 };

/* The gradients by all inputs in one row. */
static ag_tensor *gradient(ag_tensor **x, void *user)
{
    const sample *c = user;
    ag_tensor *y = c->apply(x), *w = y ? weights(y) : NULL, *part[MOST_INPUTS];
    int64_t n = 0;
    for (int i = 0; w && i < c->n_in; i++)
        if (ag_dtype_of(x[i]) == AG_F64) part[n++] = ag_reshape(ag_vjp(y, x[i], w), -1);
    return w ? ag_cat(((ag_list){ part, n }), 0) : NULL;
}

static int64_t numbers_in(const sample *c)
{
    int64_t total = 0;
    for (int i = 0; i < c->n_in; i++) {
        int64_t n = c->in[i].what == NUMBERS;
        for (int d = 0; d < c->in[i].rank; d++) n *= c->in[i].dims[d];
        total += n;
    }
    return total;
}

bool check_third(const samples *s, const char **wrong)
{
    const ag_op *op = ag_op_find(s->op);
    const sample *c = s->at, *end = s->at + s->n;
    while (c < end && !(numbers_in(c) >= FEWEST && numbers_in(c) <= MOST)) c++;
    if (!op || !(op->vjp || op->compose) || c == end) return false;
    ag_tape *t = ag_tape_new();
    ag_tensor *x[MOST_INPUTS];
    bool made = t != NULL;
    for (int i = 0; made && i < c->n_in; i++) made = (x[i] = sample_input(s, c, i, AG_F64, NULL)) != NULL;
    bool right = made && !ag_gradcheck(gradient, ((ag_list){ x, c->n_in }), .user = (void *)(uintptr_t)c, .order = 2);
    *wrong = right ? NULL : failed(c->name);
    ag_clear_error();
    ag_tape_free(t);
    return true;
}
