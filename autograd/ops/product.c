/* product.c - see product.h.
 *
 * Leading axes that continue the rows, or the inner axis, are folded into these first. Then a large product is cut into
 * blocks of C, and many small ones into runs; every element has the same bits wherever it is computed (gemm.c), so that
 * cuts may follow the number of threads.
 * Kernels pack into workspace, which comes from the tape's buffers: one slot for each thread that may be at work. */
#include <autograd/base/pool.h>
#include <autograd/ops/product.h>
#include <autograd/threads.h>
#include <stdatomic.h>

enum {
    MOST_PIECES = 32,
    MOST_SLOTS = 64,
    WORTH = AG__WORTH * 100, /* f32 multiply-adds of a piece, at some 100 in a nanosecond; half as many of f64 */
    FEW = 32768,             /* multiply-adds for which packing isn't worth asking for room */
    ROWS = 24,
    COLUMNS = 48, /* pieces hold whole tiles of every instruction set */
};

/* ---- matrices ---- */

ag__matrix ag__matrix_of(const ag__sizes *s, const ag__layout *l, void *data, bool left)
{
    ag__matrix x = { .data = data };
    int r = l->rank;
    if (r == 1)
        x.row = left ? l->dims[0] : l->strides[0], x.col = left ? l->strides[0] : 1;
    else
        x.row = l->strides[r - 2], x.col = l->strides[r - 1];
    for (int i = 0; i < s->rank; i++) {
        int own = i - s->rank + r - 2;
        x.lead[i] = own < 0 || l->dims[own] == 1 ? 0 : l->strides[own];
    }
    return x;
}

ag__matrix ag__result_of(const ag__sizes *s, void *data)
{
    ag__matrix x = { .data = data, .row = s->n, .col = 1 };
    int64_t step = s->m * s->n;
    for (int i = s->rank - 1; i >= 0; i--) x.lead[i] = step, step *= s->dims[i];
    return x;
}

ag__product ag__product_of(const ag__sizes *s, ag_dtype dtype, int64_t m, int64_t k, int64_t n)
{
    ag__product p = { .dtype = dtype, .m = m, .n = n, .k = k, .rank = s->rank };
    memcpy(p.dims, s->dims, sizeof p.dims);
    return p;
}

ag_tensor *ag__flat(ag_tensor *x)
{
    if (!x || x->layout->rank == 2) return x;
    const ag__layout *l = x->layout;
    int64_t last = l->dims[l->rank - 1], rows = 1;
    for (int i = 0; i < l->rank - 1; i++) rows *= l->dims[i];
    return (ag_reshape)(x, 2, (int64_t[]){ rows, last });
}

/* ---- workspace ---- */

typedef struct room {
    ag__pool *pool;
    char *memory; /* slots x bytes */
    size_t bytes;
    int slots;
    uint8_t klass;
    _Atomic uint64_t busy; /* slots, a bit each */
} room;

static bool room_begin(room *r, size_t bytes, int64_t pieces)
{
    *r = (room){ .bytes = (bytes + 63) / 64 * 64, .slots = 1 };
    if (!bytes) return true;
    if (pieces > 1) r->slots = ag_threads() < pieces ? ag_threads() : (int)pieces;
    if (r->slots > MOST_SLOTS) r->slots = MOST_SLOTS; /* the others do without */
    r->pool = &ag__here.tape->pool;
    return (r->memory = ag__pool_get(r->pool, r->bytes * (size_t)r->slots, &r->klass)) != NULL;
}
static void room_end(room *r)
{
    if (r->memory) ag__pool_put(r->pool, r->memory, r->klass);
}

/* The caller's own slot until it is given back, or -1. */
static int room_take(room *r)
{
    uint64_t busy = atomic_load(&r->busy);
    for (int slot = 0; r->memory && slot < r->slots;) {
        if (busy >> slot & 1)
            slot++;
        else if (atomic_compare_exchange_weak(&r->busy, &busy, busy | UINT64_C(1) << slot))
            return slot;
    }
    return -1;
}
static void room_give(room *r, int slot)
{
    if (slot >= 0) atomic_fetch_and(&r->busy, ~(UINT64_C(1) << slot));
}
static void *room_at(const room *r, int slot)
{
    return slot >= 0 ? r->memory + (size_t)slot * r->bytes : NULL;
}

static int64_t worth(ag_dtype dtype)
{
    return dtype == AG_F64 ? WORTH / 2 : WORTH;
}

/* ---- one product, in blocks of C ---- */

typedef struct blocks {
    ag__gemm g;
    ag_dtype dtype;
    const ag__kernels *k;
    int64_t item, rows, columns, across; /* of a block; blocks side by side, the last of which takes what is left */
    room room;
} blocks;

static ag__gemm block_of(const blocks *b, int64_t piece)
{
    ag__gemm g = b->g;
    int64_t i = piece / b->across * b->rows, j = piece % b->across * b->columns;
    g.m = g.m - i < b->rows ? g.m - i : b->rows;
    g.n = piece % b->across == b->across - 1 ? g.n - j : b->columns;
    g.a = (const char *)g.a + i * g.a_row * b->item;
    g.b = (const char *)g.b + j * g.b_col * b->item;
    g.c = (char *)g.c + (i * g.ldc + j) * b->item;
    if (g.bias) g.bias = (const char *)g.bias + j * b->item;
    return g;
}

static void run_block(void *context, int64_t piece)
{
    blocks *b = context;
    int slot = room_take(&b->room);
    ag__gemm g = block_of(b, piece);
    g.work = room_at(&b->room, slot);
    if (!ag__blas(b->dtype, &g)) b->k->gemm(&g);
    room_give(&b->room, slot);
}

static int64_t rounded_up(int64_t x, int64_t step)
{
    return (x + step - 1) / step * step;
}

/* Halves the longer side until there are enough pieces; how many that makes. */
static int64_t cut(blocks *b)
{
    const ag__gemm *g = &b->g;
    double most = (double)g->m * (double)g->n * (double)g->k / (double)worth(b->dtype);
    int64_t down = 1, across = 1;
    bool cuts = AG__ONE_CUT || ag__sharers() > 1;
    if (most > MOST_PIECES) most = MOST_PIECES;
    while (cuts && 2 * (double)(down * across) <= most) {
        bool rows = g->m / down >= g->n / across || g->n / across < 4 * COLUMNS;
        if (rows && g->m / down < 2 * ROWS) break;
        *(rows ? &down : &across) *= 2;
    }
    b->rows = down > 1 ? rounded_up((g->m + down - 1) / down, ROWS) : g->m;
    b->columns = across > 1 ? rounded_up((g->n + across - 1) / across, COLUMNS) : g->n;
    b->across = g->n > b->columns ? (g->n - AG__GEMM_NARROW + b->columns - 1) / b->columns : 1;
    return (g->m + b->rows - 1) / b->rows * b->across;
}

ag_status ag__multiply_one(ag_dtype dtype, ag__gemm g)
{
    if (g.m == 0 || g.n == 0) return AG_OK;
    if ((double)g.m * (double)g.n * (double)g.k <= FEW) {
        ag__kernels_for(dtype)->gemm(&g);
        return AG_OK;
    }
    blocks b = { .g = g, .dtype = dtype, .k = ag__kernels_for(dtype), .item = (int64_t)ag_dtype_size(dtype) };
    int64_t pieces = cut(&b);
    ag__gemm largest = g;
    largest.m = b.rows;
    if (b.across > 1) largest.n = b.columns + AG__GEMM_NARROW;
    if (!room_begin(&b.room, b.k->gemm_work(&largest), pieces)) return ag_error();
    ag__parallel(pieces, run_block, &b);
    room_end(&b.room);
    return AG_OK;
}

/* ---- many products ---- */

static ag__gemm gemm_of(const ag__product *p, bool again)
{
    ag__gemm g = { .m = p->m, .n = p->n, .k = p->k, .a = p->a.data, .b = p->b.data, .c = p->c.data };
    g.a_row = p->a.row, g.a_col = p->a.col, g.b_row = p->b.row, g.b_col = p->b.col, g.ldc = p->c.row;
    g.bias = p->bias, g.act = p->act, g.add = p->add || again;
    return g;
}

/* Leading axes of size 1 go; then, from the last, those that are only more rows or more of the inner axis. */
static void fold(ag__product *p)
{
    int n = 0;
    for (int i = 0; i < p->rank; i++) {
        if (p->dims[i] == 1) continue;
        p->dims[n] = p->dims[i];
        p->a.lead[n] = p->a.lead[i], p->b.lead[n] = p->b.lead[i], p->c.lead[n] = p->c.lead[i], n++;
    }
    for (; n > 0; n--) {
        int64_t size = p->dims[n - 1], a = p->a.lead[n - 1], b = p->b.lead[n - 1], c = p->c.lead[n - 1];
        if (b == 0 && a == p->m * p->a.row && c == p->m * p->c.row)
            p->m *= size;
        else if (c == 0 && a == p->k * p->a.col && b == p->k * p->b.row)
            p->k *= size;
        else
            break;
    }
    p->rank = n;
}

/* The next set of leading indices, the matrices moved there; *again: c has been written before. */
static void next(ag__product *p, int64_t *at, int64_t item, bool *again)
{
    for (int i = p->rank - 1; i >= 0; i--) {
        int64_t steps = ++at[i] < p->dims[i] ? 1 : 1 - p->dims[i];
        p->a.data += steps * p->a.lead[i] * item;
        p->b.data += steps * p->b.lead[i] * item;
        p->c.data += steps * p->c.lead[i] * item;
        if (steps == 1) break;
        at[i] = 0;
    }
    *again = false;
    for (int d = 0; d < p->rank; d++) *again |= p->c.lead[d] == 0 && at[d] > 0;
}

/* The same, by any number of steps. */
static void move_to(ag__product *p, int64_t *at, int64_t item, int64_t index)
{
    for (int i = p->rank - 1; i >= 0; index /= p->dims[i], i--) {
        at[i] = index % p->dims[i];
        p->a.data += at[i] * p->a.lead[i] * item;
        p->b.data += at[i] * p->b.lead[i] * item;
        p->c.data += at[i] * p->c.lead[i] * item;
    }
}

typedef struct batch {
    const ag__product *p;
    const ag__kernels *k;
    int64_t count, run; /* of all, of a piece */
    room room;
} batch;

static void run_some(void *context, int64_t piece)
{
    batch *b = context;
    ag__product p = *b->p;
    int64_t at[AG_MAX_RANK] = { 0 }, item = (int64_t)ag_dtype_size(p.dtype), i = piece * b->run;
    int64_t end = b->count - i < b->run ? b->count : i + b->run;
    bool again = false;
    int slot = room_take(&b->room);
    for (move_to(&p, at, item, i); i < end; i++, next(&p, at, item, &again)) {
        ag__gemm g = gemm_of(&p, again);
        g.work = room_at(&b->room, slot);
        if (!ag__blas(p.dtype, &g)) b->k->gemm(&g);
    }
    room_give(&b->room, slot);
}

/* Each large enough to be cut itself. */
static ag_status one_by_one(ag__product p, int64_t count)
{
    int64_t at[AG_MAX_RANK] = { 0 };
    bool again = false;
    for (; count > 0; count--, next(&p, at, (int64_t)ag_dtype_size(p.dtype), &again))
        if (ag__multiply_one(p.dtype, gemm_of(&p, again))) return ag_error();
    return AG_OK;
}

ag_status ag__multiply(ag__product p)
{
    if (p.m == 0 || p.n == 0) return AG_OK;
    fold(&p);
    bool repeated = false; /* c, which then is added up in one order */
    int64_t count = 1;
    for (int i = 0; i < p.rank; i++) count *= p.dims[i], repeated |= p.c.lead[i] == 0;
    double each = (double)p.m * (double)p.n * (double)p.k;
    if (count == 1 || each >= MOST_PIECES * (double)worth(p.dtype)) return one_by_one(p, count);
    batch b = { .p = &p, .k = ag__kernels_for(p.dtype), .count = count, .run = count };
    if (!repeated && ag__sharers() > 1 && each * (double)count >= 2 * (double)worth(p.dtype)) {
        int64_t enough = 1 + (int64_t)((double)worth(p.dtype) / (each + 1)),
                share = (count + MOST_PIECES - 1) / MOST_PIECES;
        b.run = enough > share ? enough : share;
    }
    const ag__gemm g = gemm_of(&p, false);
    int64_t pieces = (count + b.run - 1) / b.run;
    if (!room_begin(&b.room, b.k->gemm_work(&g), pieces)) return ag_error();
    ag__parallel(pieces, run_some, &b);
    room_end(&b.room);
    return AG_OK;
}
