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

/* Statements of one chunk down to id `stop`. adj[0] takes what flows into constants. Each kind of statement jumps to
 * the next one by itself, which the processor foresees better than one jump for all; the empty asm, different in every
 * place, keeps the compiler from joining them again. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* labels as values */
static void reverse_chunk(const ag__chunk *c, double *adj, ag__position *at, uint32_t stop)
{
#define UNARY(name, ...) [AG__S_##name] = (int)AG__S_##name == AG__S_neg ? &&neg : &&one,
#define BINARY(name, ...) \
    [AG__S_##name] = (int)AG__S_##name == AG__S_add ? &&add : (int)AG__S_##name == AG__S_sub ? &&sub : &&two,
    static const void *const to[AG__S_CODES] = { [AG__S_INPUT] = &&input,
                                                 [AG__S_COPY] = &&copy,
                                                 [AG__S_SCALE] = &&one,
                                                 [AG__S_RDIV] = &&one,
                                                 [AG__S_FMA] = &&fma,
                                                 [AG__S_FUNCTION] = &&function,
                                                 [AG__S_STATEMENT... AG__S_LOGSUMEXP] = &&list,
                                                 [AG__S_SQNORM] = &&squares,
                                                 [AG__S_SUM... AG__S_CODES - 1] = &&other,
                                                 AG_UNARY_FUNCTIONS(UNARY) AG_BINARY_FUNCTIONS(BINARY) };
#undef UNARY
#undef BINARY
#define NEXT                                     \
    do {                                         \
        if (id <= stop) goto done;               \
        w = adj[--id];                           \
        code = op[id];                           \
        if (ag__unlikely(is_zero(w))) goto zero; \
        __asm__ volatile("" : : "i"(__LINE__));  \
        goto *to[code];                          \
    } while (0)
    const uint8_t *const op = (const uint8_t *)((uintptr_t)c->op - c->first);
    const uint32_t *ix = at->ix;
    const double *pd = at->pd;
    uint32_t id = at->id;
    double w;
    unsigned code;
    NEXT;
zero:
    if (code >= AG__S_SUM) goto other;
    if (code >= AG__S_LONG) pd -= ix[-1], ix -= ix[-1] + 2;
    ix -= ag__form_of[code].ix, pd -= ag__form_of[code].pd;
    NEXT;
input:
    NEXT;
copy:
    ix -= 1;
    adj[ix[0]] += w;
    NEXT;
fma : {
    ix -= 3, pd -= 2;
    const double pa = pd[0], pb = pd[1];
    adj[ix[0]] += w * pa;
    adj[ix[1]] += w * pb;
    adj[ix[2]] += w;
    NEXT;
}
one:
    ix -= 1, pd -= 1;
    adj[ix[0]] += w * pd[0];
    NEXT;
neg:
    ix -= 1;
    adj[ix[0]] -= w;
    NEXT;
add:
    ix -= 2;
    adj[ix[0]] += w;
    adj[ix[1]] += w;
    NEXT;
sub:
    ix -= 2;
    adj[ix[0]] += w;
    adj[ix[1]] -= w;
    NEXT;
function: /* the descriptor behind the partials */
    pd -= 1;
two : {
    ix -= 2, pd -= 2;
    const double pa = pd[0], pb = pd[1];
    adj[ix[0]] += w * pa;
    adj[ix[1]] += w * pb;
    NEXT;
}
squares:
    w *= 2;
list : {
    const uint32_t n = ix[-1];
    ix -= n + 2, pd -= n;
    for (uint32_t i = 0; i < n; i++) adj[ix[i + 1]] += w * pd[i];
    NEXT;
}
other : {
    const ag__step step = reverse_long(c, adj, id + 1, ix, pd);
    id -= step.ids - 1, ix -= step.ix, pd -= step.pd;
    NEXT;
}
done:
#undef NEXT
    at->id = id, at->ix = (uint32_t *)(uintptr_t)ix, at->pd = (double *)(uintptr_t)pd;
}
#pragma GCC diagnostic pop

/* The first of the statements from id `from` to `to` that is no input: those in front need no visit. (From within a
 * block, whose inner ids say nothing, at most the block's last.) */
static uint32_t past_inputs(const ag__chunk *c, uint32_t from, uint32_t to)
{
    while (from < to && c->op[from - c->first] == AG__S_INPUT) from++;
    return from;
}

ag__position ag__reverse_plain(ag_tape *t, double *adj, ag__position at, uint32_t stop)
{
    while (at.id > stop) {
        const ag__chunk *c = ag__chunk_before(t, &at);
        const uint32_t end = c->first > stop ? c->first : stop;
        reverse_chunk(c, adj, &at, past_inputs(c, end, at.id));
        if (at.id > end) at.id = end;
    }
    if (adj) adj[0] = 0;
    return at;
}
