/* solve_scalar.c - ags_solve: a linear system of scalars as one statement.
 *
 *     A x = b;   backwards  A' u = g, b += u, A -= u x';   forwards  A dx = db - dA x */
#include <autograd/implicit.h>
#include <autograd/tape/streams.h>
#include <math.h>
#include <string.h>

typedef struct system {
    ag__routine routine; /* first, so that either is found from the other */
    size_t n;
    double *lu;    /* [n,n], row-major: the unit lower factor below the diagonal */
    uint32_t *row; /* [n]: row k was exchanged with row[k] */
    double *a, *x; /* [n,n], [n] */
} system;

/* ---- numbers ---- */

static bool factor(system *s)
{
    const size_t n = s->n;
    double *a = s->lu;
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[best * n + k])) best = i;
        s->row[k] = (uint32_t)best;
        const double pivot = a[best * n + k];
        if (pivot == 0 || pivot != pivot) return false;
        for (size_t j = 0; best != k && j < n; j++) {
            const double other = a[k * n + j];
            a[k * n + j] = a[best * n + j], a[best * n + j] = other;
        }
        for (size_t i = k + 1; i < n; i++) {
            const double l = a[i * n + k] /= pivot;
            for (size_t j = k + 1; l != 0 && j < n; j++) a[i * n + j] -= l * a[k * n + j];
        }
    }
    return true;
}

static void exchange(double *y, size_t a, size_t b)
{
    const double was = y[a];
    y[a] = y[b], y[b] = was;
}

/* y becomes the solution of A x = y. */
static void solve(const system *s, double *y)
{
    const size_t n = s->n;
    for (size_t k = 0; k < n; k++) exchange(y, k, s->row[k]);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) y[i] -= s->lu[i * n + j] * y[j];
    for (size_t i = n; i-- > 0;) {
        for (size_t j = i + 1; j < n; j++) y[i] -= s->lu[i * n + j] * y[j];
        y[i] /= s->lu[i * n + i];
    }
}

/* y becomes the solution of A' x = y. */
static void solve_transposed(const system *s, double *y)
{
    const size_t n = s->n;
    for (size_t i = 0; i < n; i++) {
        y[i] /= s->lu[i * n + i];
        for (size_t j = i + 1; j < n; j++) y[j] -= s->lu[i * n + j] * y[i];
    }
    for (size_t i = n; i-- > 0;)
        for (size_t j = 0; j < i; j++) y[j] -= s->lu[i * n + j] * y[i];
    for (size_t k = n; k-- > 0;) exchange(y, k, s->row[k]);
}

/* ---- the statement's derivatives; r->ix: A, then b ---- */

/* Has it all its results, and room for n numbers? NULL: no. */
static double *numbers(const system *s, const ag__record *r)
{
    if (ag_error() || ag__streams_count(ag__here.tape) <= r->id + s->n) return NULL;
    return ag__alloc(NULL, s->n * sizeof(double), "a system's adjoints");
}

static void reverse(const ag__routine *f, const ag__record *r, double *adj)
{
    const system *s = (const system *)f;
    const size_t n = s->n;
    double *u = numbers(s, r);
    bool any = false;
    for (size_t i = 0; u && i < n; i++) any |= (u[i] = adj[r->id + 1 + i]) != 0;
    if (any) {
        solve_transposed(s, u);
        for (size_t i = 0; i < n; i++) adj[r->ix[n * n + i]] += u[i];
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) adj[r->ix[i * n + j]] -= u[i] * s->x[j];
    }
    ag__release(NULL, u, n * sizeof *u);
}

static void forward(const ag__routine *f, const ag__record *r, double *tan)
{
    const system *s = (const system *)f;
    const size_t n = s->n;
    double *d = numbers(s, r);
    for (size_t i = 0; d && i < n; i++) {
        d[i] = r->ix[n * n + i] ? tan[r->ix[n * n + i]] : 0;
        for (size_t j = 0; j < n; j++)
            if (r->ix[i * n + j]) d[i] -= tan[r->ix[i * n + j]] * s->x[j];
    }
    if (d) solve(s, d);
    for (size_t i = 0; d && i < n; i++) tan[r->id + 1 + i] += d[i];
    ag__release(NULL, d, n * sizeof *d);
}

/* ---- the same as statements ---- */

static ag_scalar operand(const system *s, ag_tape *t, const ag__record *r, size_t i, size_t j)
{
    const uint32_t id = r->ix[i * s->n + j];
    return id ? ag__streams_own(t, id) : ag_const(s->a[i * s->n + j]);
}

static ag_scalar solution(const system *s, const ag__record *r, size_t i)
{
    return (ag_scalar){ s->x[i], r->id + 1 + (uint32_t)i, ag__pen.gen };
}

/* Room for A or its transpose, a right side and a solution; NULL: out of memory, or without its results. */
static ag_scalar *statements(const system *s, ag_tape *t, const ag__record *r, bool transposed)
{
    const size_t n = s->n;
    if (ag_error() || ag__streams_count(t) <= r->id + n) return NULL;
    ag_scalar *a = ag__arena_get(&t->arena, (n * n + 2 * n) * sizeof *a);
    for (size_t i = 0; a && i < n; i++)
        for (size_t j = 0; j < n; j++) a[transposed ? j * n + i : i * n + j] = operand(s, t, r, i, j);
    return a;
}

static void reverse_recorded(const ag__routine *f, ag_tape *t, const ag__record *r, ag_scalar *adj)
{
    const system *s = (const system *)f;
    const size_t n = s->n;
    ag_scalar *a = statements(s, t, r, true), *g = a + n * n, *u = g + n;
    bool any = false;
    for (size_t i = 0; a && i < n; i++) g[i] = adj[r->id + 1 + i], any |= g[i].id || g[i].value != 0;
    if (!any || ags_solve(n, a, g, u)) return;
    for (size_t i = 0; i < n; i++) {
        ag__adjoint_add(adj, r->ix[n * n + i], u[i]);
        for (size_t j = 0; j < n; j++)
            if (r->ix[i * n + j]) ag__adjoint_add(adj, r->ix[i * n + j], ag_neg(ag_mul(u[i], solution(s, r, j))));
    }
}

static void forward_recorded(const ag__routine *f, ag_tape *t, const ag__record *r, ag_scalar *tan)
{
    const system *s = (const system *)f;
    const size_t n = s->n;
    ag_scalar *a = statements(s, t, r, false), *d = a + n * n, *x = d + n;
    for (size_t i = 0; a && i < n; i++) {
        d[i] = r->ix[n * n + i] ? tan[r->ix[n * n + i]] : ag_const(0);
        for (size_t j = 0; j < n; j++)
            if (r->ix[i * n + j]) d[i] = ag_sub(d[i], ag_mul(tan[r->ix[i * n + j]], solution(s, r, j)));
    }
    if (!a || ags_solve(n, a, d, x)) return;
    for (size_t i = 0; i < n; i++) ag__adjoint_add(tan, r->id + 1 + (uint32_t)i, x[i]);
}

/* ---- recording it ---- */

static system *make(ag_tape *t, size_t n, const ag_scalar *a, const ag_scalar *b)
{
    system *s = ag__arena_get(&t->arena, sizeof *s);
    double *room = ag__arena_get(&t->arena, (2 * n * n + n) * sizeof *room + 1);
    uint32_t *row = ag__arena_get(&t->arena, n * sizeof *row + 1);
    if (!s || !room || !row) return NULL;
    *s = (system){
        { reverse, forward, reverse_recorded, forward_recorded, "ags_solve" }, n, room, row, room + n * n, NULL
    };
    s->x = s->a + n * n;
    for (size_t i = 0; i < n * n; i++) s->a[i] = s->lu[i] = a[i].value;
    for (size_t i = 0; i < n; i++) s->x[i] = b[i].value;
    return s;
}

static bool usable(size_t n, const ag_scalar *x, bool *active)
{
    if (n && !x) return ag_fail(AG_ENULL, "ags_solve: an array of %zu scalars is NULL", n), false;
    for (size_t i = 0; i < n; i++) {
        if (!ag__streams_live(x[i], "ags_solve")) return false;
        *active |= x[i].id != 0;
    }
    return true;
}

ag_status ags_solve(size_t n, const ag_scalar *a, const ag_scalar *b, ag_scalar *x)
{
    ag_tape *t = ag__tape("ags_solve");
    bool active = false;
    if (ag_error() || !t) return ag_error();
    if (n >= 1u << 15) return ag_fail(AG_ENOMEM, "ags_solve: %zu unknowns are too many", n);
    if (!usable(n * n, a, &active) || !usable(n, b, &active)) return ag_error();
    if (n && !x) return ag_fail(AG_ENULL, "ags_solve: the array for %zu unknowns is NULL", n);
    system *s = make(t, n, a, b);
    if (!s || n == 0) return ag_error();
    if (!factor(s)) return ag_fail(AG_EINVAL, "ags_solve: the matrix [%zu,%zu] is singular", n, n);
    solve(s, s->x);
    ag_scalar *all = NULL;
    if (active && !ag__here.off && (all = ag__arena_get(&t->arena, (n * n + n) * sizeof *all))) {
        memcpy(all, a, n * n * sizeof *all);
        memcpy(all + n * n, b, n * sizeof *all);
    }
    for (size_t i = 0; i < n; i++) x[i] = ag_const(s->x[i]); /* from here on b may be lost */
    if (all) ag__streams_call(t, &s->routine, n * n + n, all, n, s->x, x);
    return ag_error();
}
