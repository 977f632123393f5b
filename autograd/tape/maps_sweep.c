/* maps_sweep.c - sweeps over the records of maps.c.
 *
 * Backwards, as numbers, each has its loop. In the other directions a record is a list of links, from an element of an
 * operand to a result, with a slope that is read or rebuilt. */
#include <autograd/tape/blocks.h>

/* ---- backwards ---- */

/* x += k g v, or without v (NULL) k g. Where g is 0 nothing flows, whatever v is. */
static inline void along(uint32_t n, const double *restrict g, double k, double *restrict x, const double *restrict v)
{
    if (v)
        for (uint32_t i = 0; i < n; i++) {
            const double flow = g[i] * v[i];
            x[i] += g[i] != 0 ? flow : 0;
        }
    else
        for (uint32_t i = 0; i < n; i++) {
            const double flow = k * g[i];
            x[i] += g[i] != 0 ? flow : 0;
        }
}
static inline double along_sum(uint32_t n, const double *restrict g, double k, const double *restrict v)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) sum += g[i] != 0 ? g[i] * (v ? v[i] : k) : 0;
    return sum;
}

/* The same where x and v are repeated: in pieces over which neither begins again. */
static void flow_back(uint32_t n, const double *g, double k, double *x, uint32_t nx, const double *v, uint32_t nv)
{
    if (v && nv == 1) k = v[0], v = NULL;
    if (nx == n && (!v || nv == n)) {
        along(n, g, k, x, v);
        return;
    }
    for (uint32_t i = 0, run; i < n; i += run) {
        const uint32_t at = nx == n ? i : i % nx, v_at = v ? i % nv : 0;
        run = n - i;
        if (nx > 1 && nx - at < run) run = nx - at;
        if (v && nv - v_at < run) run = nv - v_at;
        if (nx > 1)
            along(run, g + i, k, x + at, v ? v + v_at : NULL);
        else
            x[0] += along_sum(run, g + i, k, v ? v + v_at : NULL);
    }
}

static void product_back(const ag__record *r, const double *g, double *adj, int count)
{
    const uint32_t *ix = r->ix, *size = ix + count;
    for (int k = 0; k < 2; k++)
        if (ix[k]) flow_back(r->n, g, 1, adj + ix[k], size[k], ag__borrowed(r, 1 - k), size[1 - k]);
}

void ag__map_reverse(const ag__record *r, double *adj)
{
    const uint32_t *ix = r->ix, n = r->n;
    const double *restrict g = adj + r->id, *restrict y = r->y; /* results lie behind operands */
    double *restrict x = adj + ix[0];
    switch (r->code) {
    case AG__S_BLOCK_ADD:
    case AG__S_BLOCK_SUB:
        if (ix[0]) flow_back(n, g, 1, x, ix[2], NULL, 0);
        if (ix[1]) flow_back(n, g, r->code == AG__S_BLOCK_ADD ? 1 : -1, adj + ix[1], ix[3], NULL, 0);
        break;
    case AG__S_BLOCK_MUL: product_back(r, g, adj, 2); break;
    case AG__S_BLOCK_FMA:
        product_back(r, g, adj, 3);
        if (ix[2]) flow_back(n, g, 1, adj + ix[2], ix[5], NULL, 0);
        break;
    case AG__S_BLOCK_LOG:
        for (uint32_t i = 0; i < n; i++) x[i] += g[i] != 0 ? g[i] / ag__borrowed(r, 0)[i] : 0;
        break;
    case AG__S_BLOCK_SIGMOID:
        for (uint32_t i = 0; i < n; i++) x[i] += g[i] * (y[i] * (1 - y[i]));
        break;
    case AG__S_BLOCK_TANH:
        for (uint32_t i = 0; i < n; i++) x[i] += g[i] * (1 - y[i] * y[i]);
        break;
    case AG__S_BLOCK_GATHER:
        for (uint32_t i = 0; i < n; i++) adj[ix[i]] += g[i];
        break;
    default: /* rows */
        for (uint32_t i = 0, m = ix[1]; i < n; i++, x += m) {
            const double *v = r->code == AG__S_BLOCK_SUMS ? NULL : ag__borrowed(r, r->code == AG__S_BLOCK_LOGSUMEXPS);
            const double w = r->code == AG__S_BLOCK_SQNORMS ? 2 * g[i] : g[i];
            if (w == 0) continue;
            if (v)
                for (uint32_t j = 0; j < m; j++) x[j] += w * v[(size_t)i * m + j];
            else
                for (uint32_t j = 0; j < m; j++) x[j] += w;
        }
    }
}

/* ---- links ---- */

static int operands(const ag__record *r)
{
    return r->code == AG__S_BLOCK_FMA ? 3 : r->code <= AG__S_BLOCK_MUL ? 2 : 1;
}

void ag__map_links(const ag__record *r, ag__map_link_fn *f, void *slots)
{
    const uint32_t *ix = r->ix;
    const int count = operands(r);
    const bool by_rows = r->code >= AG__S_BLOCK_SUMS && r->code <= AG__S_BLOCK_LOGSUMEXPS;
    for (uint32_t i = 0; i < r->n; i++) {
        if (r->code == AG__S_BLOCK_GATHER) {
            if (ix[i]) f(r, (ag__map_link){ ix[i], i, 0, 0 }, slots);
        } else if (by_rows) {
            for (uint32_t j = i * ix[1]; j < (i + 1) * ix[1]; j++) f(r, (ag__map_link){ ix[0] + j, i, j, 0 }, slots);
        } else {
            for (int k = 0; k < count; k++) {
                const uint32_t j = count > 1 ? i % ix[count + k] : i;
                if (ix[k]) f(r, (ag__map_link){ ix[k] + j, i, j, k }, slots);
            }
        }
    }
}

uint32_t ag__map_partner(const ag__record *r, ag__map_link l)
{
    return l.i % r->ix[operands(r) + 1 - l.k];
}

double ag__map_slope(const ag__record *r, ag__map_link l)
{
    switch (r->code) {
    case AG__S_BLOCK_SUB: return l.k ? -1 : 1;
    case AG__S_BLOCK_FMA:
        if (l.k == 2) return 1; /* fall through */
    case AG__S_BLOCK_MUL: return ag__borrowed(r, 1 - l.k)[ag__map_partner(r, l)];
    case AG__S_BLOCK_LOG: return 1 / ag__borrowed(r, 0)[l.j];
    case AG__S_BLOCK_SIGMOID: return r->y[l.i] * (1 - r->y[l.i]);
    case AG__S_BLOCK_TANH: return 1 - r->y[l.i] * r->y[l.i];
    case AG__S_BLOCK_SQNORMS: return 2 * ag__borrowed(r, 0)[l.j];
    case AG__S_BLOCK_LOGSUMEXPS: return ag__borrowed(r, 1)[l.j];
    default: return 1; /* add, sums, gathered */
    }
}

/* The same on the tape, so that it can be differentiated. */
static ag_scalar slope_recorded(const ag__record *r, ag__map_link l)
{
    const ag_scalar y = { r->y[l.i], r->id + l.i, ag__pen.gen };
    const double *v = ag__form_of[r->code].pd ? ag__borrowed(r, 0) : NULL;
    const ag_scalar x = { v && operands(r) == 1 ? v[l.j] : 0, l.x, ag__pen.gen };
    switch (r->code) {
    case AG__S_BLOCK_FMA:
        if (l.k == 2) return ag_const(1); /* fall through */
    case AG__S_BLOCK_MUL: {
        const uint32_t id = r->ix[1 - l.k], at = ag__map_partner(r, l);
        const double value = ag__borrowed(r, 1 - l.k)[at];
        return id ? (ag_scalar){ value, id + at, ag__pen.gen } : ag_const(value);
    }
    case AG__S_BLOCK_LOG: return ag_div(1.0, x);
    case AG__S_BLOCK_SIGMOID: return ag_mul(y, ag_sub(1.0, y));
    case AG__S_BLOCK_TANH: return ag_sub(1.0, ag_square(y));
    case AG__S_BLOCK_SQNORMS: return ag_mul(2.0, x);
    case AG__S_BLOCK_LOGSUMEXPS:
        return ag__map_slope(r, l) == 0 ? ag_const(0) : ag_exp(ag_sub(x, y)); /* x, y may be -inf */
    default: return ag_const(ag__map_slope(r, l));
    }
}

/* to += slope from: a slope that is not finite meets no 0. */
static void flow_recorded(const ag__record *r, ag__map_link l, ag_scalar *slots, uint32_t from, uint32_t to)
{
    const ag_scalar g = slots[from];
    if ((g.id || g.value != 0) && (g.value != 0 || isfinite(ag__map_slope(r, l))))
        ag__adjoint_add_product(slots, to, g, slope_recorded(r, l));
}
static void reverse_recorded_link(const ag__record *r, ag__map_link l, void *slots)
{
    flow_recorded(r, l, slots, r->id + l.i, l.x);
}
static void forward_recorded_link(const ag__record *r, ag__map_link l, void *slots)
{
    flow_recorded(r, l, slots, l.x, r->id + l.i);
}
void ag__map_reverse_recorded(const ag__record *r, ag_scalar *adj)
{
    ag__map_links(r, reverse_recorded_link, adj);
}
void ag__map_forward_recorded(const ag__record *r, ag_scalar *tan)
{
    ag__map_links(r, forward_recorded_link, tan);
}
