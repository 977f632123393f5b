/* sweep_recorded.c - sweeps whose adjoints and tangents are scalars on the tape themselves, so that what they arrive at
 * can be differentiated again.
 *
 * Operands are rebuilt from kept values, and every rule is written in the public operations; those of the elementary
 * functions are the table's (ops.def). What is recorded meanwhile lies behind what is visited. */
#include <autograd/tape/blocks.h>
#include <autograd/tape/functions.h>
#include <autograd/tape/rules.h>
#include <autograd/tape/watch.h>

static bool arrived(ag_scalar g)
{
    return g.id != 0 || g.value != 0;
}

void ag__adjoint_add(ag_scalar *adj, uint32_t id, ag_scalar b)
{
    if (id && arrived(b)) adj[id] = arrived(adj[id]) ? ags_add(adj[id], b) : b;
}

/* As one statement where it can be. */
void ag__adjoint_add_product(ag_scalar *adj, uint32_t id, ag_scalar g, ag_scalar k)
{
    if (id && arrived(g)) adj[id] = arrived(adj[id]) ? ags_fma(g, k, adj[id]) : ags_mul(g, k);
}

/* ---- g times the slope of a record by its operand k, recorded: serves both directions ---- */

static ag_scalar result(const ag__record *r, uint32_t i)
{
    return (ag_scalar){ r->y[i], r->id + i, ag__pen.gen };
}

/* The operands of products carry their values as each other's partials, and what has no id is a constant. */
static ag_scalar with_value(uint32_t id, double value)
{
    return id ? (ag_scalar){ value, id, ag__pen.gen } : ag_const(value);
}

static ag_scalar unary_flow(ag_tape *t, const ag__record *r, ag_scalar g)
{
    const ag_scalar x = ag__streams_own(t, r->ix[0]), y = result(r, 0);
    switch (r->code) {
#define UNARY(name, saves, value, slope, vjp) \
    case AG__S_##name: return (vjp);
        AG_UNARY_FUNCTIONS(UNARY)
#undef UNARY
    default: return g; /* copy */
    }
}

static ag_scalar function_flow(ag_tape *t, const ag__record *r, uint32_t k, ag_scalar g)
{
    const uint32_t *ix = r->ix;
    const ag__function *f;
    __builtin_memcpy(&f, r->pd + 2, sizeof f);
    const ag_scalar a = ix[0] ? ag__streams_own(t, ix[0]) : ag_const(r->pd[0]);
    const ag_scalar b = ix[1] ? ag__streams_own(t, ix[1]) : ag_const(r->pd[1]);
    return f->rule((int)k, g, a, b, result(r, 0));
}

static ag_scalar binary_flow(ag_tape *t, const ag__record *r, uint32_t k, ag_scalar g)
{
    const uint32_t *ix = r->ix;
    const ag_scalar a = ix[0] ? ag__streams_own(t, ix[0]) : ag_const(r->pd[0]);
    const ag_scalar b = ix[1] ? ag__streams_own(t, ix[1]) : ag_const(r->pd[1]), y = result(r, 0);
    switch (r->code) {
#define BINARY(name, saves, value, slope_a, slope_b, vjp_a, vjp_b) \
    case AG__S_##name: return k == 0 ? (vjp_a) : (vjp_b);
        AG_BINARY_FUNCTIONS(BINARY)
#undef BINARY
    default: return g;
    }
}

/* sum of (i + 1) c[i + 1] x^i, as another polynomial */
static ag_scalar poly_slope(ag_tape *t, const ag__record *r)
{
    uint32_t n = r->n;
    if (n < 2) return ag_const(0);
    double *c = ag__alloc(&t->budget, n * sizeof *c, "coefficients");
    if (!c) return ag_const(0);
    for (uint32_t i = 1; i < n; i++) c[i - 1] = i * r->pd[i];
    ag_scalar p = ags_poly(n - 1, c, ag__streams_own(t, r->ix[0]));
    ag__release(&t->budget, c, n * sizeof *c);
    return p;
}

/* Does nothing flow, as in plain sweeps: g is 0, and the slope not finite? */
static bool is_cut(const ag__record *r, uint32_t k, ag_scalar g)
{
    const ag__form *f = &ag__form_of[r->code];
    if (g.value != 0) return false;
    if (r->code == AG__S_POLY) return !isfinite(r->pd[r->n]);
    return k < (f->list ? f->per * r->n : f->pd) && !isfinite(r->pd[k]);
}

static ag_scalar flow(ag_tape *t, const ag__record *r, uint32_t k, ag_scalar g)
{
    if (is_cut(r, k, g)) return ag_const(0);
    const uint32_t *ix = r->ix;
    const double *pd = r->pd;
    uint32_t half = r->n / 2;
    switch (r->code) {
    case AG__S_FUNCTION: return function_flow(t, r, k, g);
    case AG__S_SUM: return g;
    case AG__S_SCALE:
    case AG__S_LIN: return ag_mul(g, pd[k]);
    case AG__S_RDIV: return ag_neg(ag_mul(g, ag_div(result(r, 0), ag__streams_own(t, ix[0]))));
    case AG__S_FMA: return k == 2 ? g : ag_mul(g, with_value(ix[1 - k], pd[k]));
    case AG__S_DOT: return ag_mul(g, with_value(ix[k < half ? k + half : k - half], pd[k]));
    case AG__S_SQNORM: return ag_mul(g, ag_mul(2.0, with_value(ix[k], pd[k])));
    case AG__S_LOGSUMEXP:
        if (pd[k] == 0) return ag_const(0); /* e^-inf, and then y may be -inf too */
        return ag_mul(g, ag_exp(ag_sub(ag__streams_own(t, ix[k]), result(r, 0))));
    case AG__S_POLY: return ag_mul(g, poly_slope(t, r));
    case AG__S_STATEMENT:
        if (ag__here.off) return ag_const(g.value * r->pd[k]);
        ag_fail(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
        return ag_const(0);
    default: return ag__form_of[r->code].ix == 1 ? unary_flow(t, r, g) : binary_flow(t, r, k, g);
    }
}

/* ---- blocks: element by element ---- */

/* Element i of the block operand with first id `id` and values v. */
static ag_scalar element(uint32_t id, const double *v, size_t i)
{
    return (ag_scalar){ v[i], id + (uint32_t)i, ag__pen.gen };
}

/* Adds what y[i] = ... a x ... means: one product. Backwards g is y's adjoint, forwards the tangents go into y's. */
typedef void product_fn(ag_scalar *adj, uint32_t y, uint32_t a, const double *va, size_t i, uint32_t x,
                        const double *vx, size_t j);
static void product_back(ag_scalar *adj, uint32_t y, uint32_t a, const double *va, size_t i, uint32_t x,
                         const double *vx, size_t j)
{
    ag_scalar g = adj[y];
    ag__adjoint_add_product(adj, a + (uint32_t)i, g, element(x, vx, j));
    ag__adjoint_add_product(adj, x + (uint32_t)j, g, element(a, va, i));
}
static void product_on(ag_scalar *tan, uint32_t y, uint32_t a, const double *va, size_t i, uint32_t x, const double *vx,
                       size_t j)
{
    ag__adjoint_add_product(tan, y, tan[a + i], element(x, vx, j));
    ag__adjoint_add_product(tan, y, tan[x + j], element(a, va, i));
}

/* Row k of x belongs to matrix k % m. */
static void trimv_products(const ag__record *r, ag_scalar *adj, product_fn *f)
{
    const uint32_t *ix = r->ix, d = ix[3], m = ix[4];
    const double *diag = ag__borrowed(r, 0), *low = ag__borrowed(r, 1), *x = ag__borrowed(r, 2);
    for (uint32_t k = 0; k < r->n / d; k++) {
        const uint32_t y = r->id + k * d;
        const size_t first = (size_t)(k % m) * d, row = (size_t)k * d;
        size_t at = first * (d - 1) / 2;
        for (uint32_t i = 0; i < d; i++) f(adj, y + i, ix[0], diag, first + i, ix[2], x, row + i);
        for (uint32_t j = 0; j < d; j++)
            for (uint32_t i = j + 1; i < d; i++) f(adj, y + i, ix[1], low, at++, ix[2], x, row + j);
    }
}

/* The products a record is the sum of. */
static void products(const ag__record *r, ag_scalar *adj, product_fn *f)
{
    const uint32_t *ix = r->ix, n = r->n;
    const double *v0 = ag__borrowed(r, 0), *v1;
    switch (r->code) {
    case AG__S_BLOCK_DOT:
        v1 = ag__borrowed(r, 1);
        for (uint32_t i = 0; i < n; i++) f(adj, r->id, ix[0], v0, i, ix[1], v1, i);
        break;
    case AG__S_BLOCK_SQNORM:
        for (uint32_t i = 0; i < n; i++) f(adj, r->id, ix[0], v0, i, ix[0], v0, i);
        break;
    case AG__S_BLOCK_MATVEC:
        v1 = ag__borrowed(r, 1);
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < ix[2]; j++) f(adj, r->id + i, ix[0], v0, (size_t)i * ix[2] + j, ix[1], v1, j);
        break;
    default: trimv_products(r, adj, f);
    }
}

static void reverse_block(const ag__record *r, ag_scalar *adj)
{
    const uint32_t x = r->ix[0];
    switch (r->code) {
    case AG__S_BLOCK: break;
    case AG__S_BLOCK_RSUB:
        for (uint32_t i = 0; i < r->n; i++)
            if (arrived(adj[r->id + i])) ag__adjoint_add(adj, x + i, ag_neg(adj[r->id + i]));
        break;
    case AG__S_BLOCK_EXP:
        for (uint32_t i = 0; i < r->n; i++) ag__adjoint_add_product(adj, x + i, adj[r->id + i], result(r, i));
        break;
    case AG__S_BLOCK_SUM:
        for (uint32_t i = 0; i < r->n; i++) ag__adjoint_add(adj, x + i, adj[r->id]);
        break;
    default: ag__is_map(r->code) ? ag__map_reverse_recorded(r, adj) : products(r, adj, product_back);
    }
}

static void forward_block(const ag__record *r, ag_scalar *tan)
{
    const uint32_t x = r->ix[0];
    switch (r->code) {
    case AG__S_BLOCK: break;
    case AG__S_BLOCK_RSUB:
        for (uint32_t i = 0; i < r->n; i++)
            if (arrived(tan[x + i])) ag__adjoint_add(tan, r->id + i, ag_neg(tan[x + i]));
        break;
    case AG__S_BLOCK_EXP:
        for (uint32_t i = 0; i < r->n; i++) ag__adjoint_add_product(tan, r->id + i, tan[x + i], result(r, i));
        break;
    case AG__S_BLOCK_SUM:
        for (uint32_t i = 0; i < r->n; i++) ag__adjoint_add(tan, r->id, tan[x + i]);
        break;
    default: ag__is_map(r->code) ? ag__map_forward_recorded(r, tan) : products(r, tan, product_on);
    }
}

/* ---- the sweeps ---- */

static bool keeps_values(const ag_tape *t)
{
    if (!t->first_order) return true;
    ag_fail(AG_ENODIFF, "ag_grad: this tape keeps no values (first_order), so that its gradients are numbers only");
    return false;
}

ag__position ag__reverse_recorded(ag_tape *t, ag_scalar *adj, ag__position at, uint32_t stop)
{
    while (at.id > stop && !ag_error()) {
        const ag__chunk *c = ag__chunk_before(t, &at);
        ag__record r;
        ag__record_before(&r, c, at.id, at.ix, at.pd);
        ag__step_back(&at, r.step);
        if (r.code >= AG__S_BLOCK) {
            if (keeps_values(t)) reverse_block(&r, adj);
            continue;
        }
        if (r.code == AG__S_CALL) {
            if (keeps_values(t)) ag__routine_of(&r)->reverse_recorded(ag__routine_of(&r), t, &r, adj);
            continue;
        }
        const ag_scalar g = adj[r.id];
        const uint32_t n = ag__record_operands(&r);
        if (n == 0 || !arrived(g) || !keeps_values(t)) continue;
        for (uint32_t k = 0; k < n; k++)
            if (r.ix[k]) ag__adjoint_add(adj, r.ix[k], flow(t, &r, k, g));
    }
    return at;
}

ag__position ag__forward_recorded(ag_tape *t, ag_scalar *tangent, ag__position at, uint32_t end)
{
    while (at.id < end && !ag_error()) {
        const ag__chunk *c = ag__chunk_after(t, &at);
        ag__record r;
        ag__record_after(&r, c, at.id, at.ix, at.pd);
        ag__step_on(&at, r.step);
        if (r.code >= AG__S_BLOCK) {
            if (keeps_values(t)) forward_block(&r, tangent);
        } else if (r.code == AG__S_CALL) {
            if (keeps_values(t)) ag__routine_of(&r)->forward_recorded(ag__routine_of(&r), t, &r, tangent);
        } else {
            for (uint32_t k = 0, n = ag__record_operands(&r); k < n; k++) {
                const ag_scalar g = tangent[r.ix[k]];
                if (arrived(g) && keeps_values(t)) ag__adjoint_add(tangent, r.id, flow(t, &r, k, g));
            }
        }
        if (ag__unlikely(t->watch != NULL) && t->watch->anomaly && !ag__watch_tangent(t, at, tangent)) break;
    }
    return at;
}
