/* sweep.c - the plain sweep over statements: adjoints backwards, as numbers. (Several at once, and tangents: wide.c.)
 *
 * Where nothing arrived nothing is passed on, so that an infinite slope on a way that does not count makes no NaN. */
#include <autograd/kernels/kernels.h>
#include <autograd/tape/blocks.h>
#include <string.h>

static bool all_zero(size_t n, const double *x)
{
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0) return false;
    return true;
}

/* Row r of x belongs to matrix r % m. */
static void reverse_trimv(const ag__record *r, const double *g, double *adj)
{
    const size_t d = r->ix[3], m = r->ix[4], rows = r->n / d, low = d * (d - 1) / 2;
    for (size_t c = 0; c < m; c++)
        for (size_t k = c; k < rows; k += m)
            if (!all_zero(d, g + k * d))
                ag__kernel[1]->trimv_back((int64_t)d, ag__borrowed(r, 0) + c * d, ag__borrowed(r, 1) + c * low,
                                          ag__borrowed(r, 2) + k * d, g + k * d, adj + r->ix[0] + c * d,
                                          adj + r->ix[1] + c * low, adj + r->ix[2] + k * d);
}

static void reverse_block(const ag__record *r, double *adj)
{
    const ag__kernels *f64 = ag__kernel[1];
    const double *restrict g = adj + r->id; /* results lie behind operands: their adjoints do not overlap */
    double *restrict x = adj + r->ix[0];
    if (r->code == AG__S_BLOCK || all_zero(r->n, g)) return;
    switch (r->code) {
    case AG__S_BLOCK_RSUB:
        for (uint32_t i = 0; i < r->n; i++) x[i] -= g[i];
        break;
    case AG__S_BLOCK_EXP:
        for (uint32_t i = 0; i < r->n; i++) x[i] += g[i] != 0 ? g[i] * r->y[i] : 0;
        break;
    case AG__S_BLOCK_MATVEC:
        f64->matvec_back(r->n, r->ix[2], ag__borrowed(r, 0), ag__borrowed(r, 1), g, x, adj + r->ix[1]);
        break;
    case AG__S_BLOCK_TRIMV: reverse_trimv(r, g, adj); break;
    default: ag__map_reverse(r, adj);
    }
}

/* One result with adjoint w, operands a block. */
static void reverse_block_sum(const ag__record *r, double w, double *adj)
{
    double *restrict x = adj + r->ix[0];
    if (r->code == AG__S_BLOCK_SUM) {
        for (uint32_t i = 0; i < r->n; i++) x[i] += w;
    } else if (r->code == AG__S_BLOCK_SQNORM) {
        const double *restrict v = ag__borrowed(r, 0);
        for (uint32_t i = 0; i < r->n; i++) x[i] += 2 * w * v[i];
    } else {
        const double *vx = ag__borrowed(r, 0), *vy = ag__borrowed(r, 1);
        double *y = adj + r->ix[1];
        for (uint32_t i = 0; i < r->n; i++) x[i] += w * vy[i];
        for (uint32_t i = 0; i < r->n; i++) y[i] += w * vx[i];
    }
}

/* The record that ends at id, ix, pd. Out of line: its loops would cost the short statements their registers; and the
 * position goes by value, because a struct that is half in memory waits for its own stores. */
static __attribute__((noinline)) ag__step reverse_long(const ag__chunk *c, double *adj, uint32_t id, const uint32_t *ix,
                                                       const double *pd)
{
    ag__record r;
    ag__record_before(&r, c, id, ix, pd);
    const double w = adj[r.id];
    if (ag__form_of[r.code].block)
        reverse_block(&r, adj);
    else if (r.code == AG__S_CALL)
        ag__routine_of(&r)->reverse(ag__routine_of(&r), &r, adj);
    else if (w == 0 || r.code == AG__S_HOLD)
        return r.step;
    else if (r.code == AG__S_POLY)
        adj[r.ix[0]] += w * r.pd[r.n];
    else if (r.code == AG__S_SUM)
        for (uint32_t i = 0; i < r.n; i++) adj[r.ix[i]] += w;
    else
        reverse_block_sum(&r, w, adj);
    return r.step;
}

/* w == 0 without a thought for NaN: one instruction. */
static inline bool is_zero(double w)
{
    uint64_t bits;
    memcpy(&bits, &w, sizeof bits);
    return bits << 1 == 0;
}

/* Statements of one chunk down to id `stop`. adj[0] takes what flows into constants. */
static void reverse_chunk(const ag__chunk *c, double *adj, ag__position *at, uint32_t stop)
{
    const uint8_t *const op = (const uint8_t *)((uintptr_t)c->op - c->first);
    const uint32_t *ix = at->ix;
    const double *pd = at->pd;
    uint32_t id = at->id;
    while (id > stop) {
        const double w = adj[--id];
        const unsigned code = op[id];
        if (ag__unlikely(is_zero(w)) && code < AG__S_LONG) {
            ix -= ag__form_of[code].ix, pd -= ag__form_of[code].pd;
            continue;
        }
        switch (code) {
        case AG__S_INPUT: break;
        case AG__S_COPY:
            ix -= 1;
            adj[ix[0]] += w;
            break;
        case AG__S_FMA: {
            ix -= 3, pd -= 2;
            const double pa = pd[0], pb = pd[1];
            adj[ix[0]] += w * pa;
            adj[ix[1]] += w * pb;
            adj[ix[2]] += w;
            break;
        }
#define UNARY(name, ...)                              \
    case AG__S_##name:                                \
        if ((int)AG__S_##name == AG__S_neg) goto neg; \
        goto one;
            AG_UNARY_FUNCTIONS(UNARY)
#undef UNARY
        case AG__S_SCALE:
        case AG__S_RDIV:
        one:
            ix -= 1, pd -= 1;
            adj[ix[0]] += w * pd[0];
            break;
        neg:
            ix -= 1;
            adj[ix[0]] -= w;
            break;
#define BINARY(name, ...)                             \
    case AG__S_##name:                                \
        if ((int)AG__S_##name == AG__S_add) goto add; \
        if ((int)AG__S_##name == AG__S_sub) goto sub; \
        goto two;
            AG_BINARY_FUNCTIONS(BINARY)
#undef BINARY
        add:
            ix -= 2;
            adj[ix[0]] += w;
            adj[ix[1]] += w;
            break;
        sub:
            ix -= 2;
            adj[ix[0]] += w;
            adj[ix[1]] -= w;
            break;
        two : {
            ix -= 2, pd -= 2;
            const double pa = pd[0], pb = pd[1];
            adj[ix[0]] += w * pa;
            adj[ix[1]] += w * pb;
            break;
        }
        case AG__S_FUNCTION: {
            ix -= 2, pd -= 3;
            const double pa = pd[0], pb = pd[1];
            adj[ix[0]] += w * pa;
            adj[ix[1]] += w * pb;
            break;
        }
        case AG__S_SQNORM:
        case AG__S_LIN:
        case AG__S_DOT:
        case AG__S_LOGSUMEXP:
        case AG__S_STATEMENT: {
            const uint32_t n = ix[-1];
            const double k = code == AG__S_SQNORM ? 2 * w : w;
            ix -= n + 2, pd -= n;
            if (w != 0)
                for (uint32_t i = 0; i < n; i++) adj[ix[i + 1]] += k * pd[i];
            break;
        }
        case AG__S_SUM:
        case AG__S_HOLD:
        case AG__S_POLY:
        case AG__S_CALL:
        case AG__S_BLOCK:
        case AG__S_BLOCK_RSUB:
        case AG__S_BLOCK_EXP:
        case AG__S_BLOCK_MATVEC:
        case AG__S_BLOCK_TRIMV:
        case AG__S_BLOCK_ADD:
        case AG__S_BLOCK_SUB:
        case AG__S_BLOCK_MUL:
        case AG__S_BLOCK_FMA:
        case AG__S_BLOCK_LOG:
        case AG__S_BLOCK_SIGMOID:
        case AG__S_BLOCK_TANH:
        case AG__S_BLOCK_SUMS:
        case AG__S_BLOCK_SQNORMS:
        case AG__S_BLOCK_LOGSUMEXPS:
        case AG__S_BLOCK_GATHER:
        case AG__S_BLOCK_SUM:
        case AG__S_BLOCK_DOT:
        case AG__S_BLOCK_SQNORM: {
            const ag__step step = reverse_long(c, adj, id + 1, ix, pd);
            id -= step.ids - 1, ix -= step.ix, pd -= step.pd;
            break;
        }
        default: __builtin_unreachable(); /* spares the jump table its bounds check */
        }
    }
    at->id = id, at->ix = (uint32_t *)(uintptr_t)ix, at->pd = (double *)(uintptr_t)pd;
}

ag__position ag__reverse_plain(ag_tape *t, double *adj, ag__position at, uint32_t stop)
{
    while (at.id > stop) {
        const ag__chunk *c = ag__chunk_before(t, &at);
        reverse_chunk(c, adj, &at, c->first > stop ? c->first : stop);
    }
    if (adj) adj[0] = 0;
    return at;
}
