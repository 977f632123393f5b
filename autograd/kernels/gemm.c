/* gemm.c - C = act([C +] op(A) op(B) [+ bias]), in register tiles.
 *
 *                       j: panels of up to NV vectors of columns
 *                     +-------+-------+-------+
 *                   p |       |       |       |   a panel of B, kc x NV * VL: in place, or packed
 *                     +-------+-------+-------+
 *     i +----+----+   +-------+-------+-------+
 *    MR | A  |    |   |  MR x NV accumulators |   A is read element by element through its two strides
 *       +----+----+   +-------+-------+-------+
 *
 * A panel stays in the nearer caches while a block of rows of A passes. B is packed unless its rows are contiguous and
 * it is small or few rows pass; A only where it is so large that its rows compete for the same sets of the caches.
 * Every element of C is the sum over k by blocks of kc, each from zero upwards, plus C, plus the bias; kc follows from
 * k alone. So its bits are the same wherever it lies in its tile, whatever its neighbours are, however callers cut m
 * and n, and whether or not there is room to pack. Products with few columns are the exception (gemm_narrow.h): callers
 * that cut n keep pieces wider than AG__GEMM_NARROW. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/shuffle.h>

#if AG__VECTOR_BYTES == 64 || defined(__aarch64__) /* 32 vector registers */
#define MR                 8
#define NV                 3
#define EACH_HEIGHT(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv) X(7, nv) X(8, nv)
#define EACH_WIDTH(X)      X(1) X(2) X(3)
#else /* 16 */
#define MR                 6
#define NV                 2
#define EACH_HEIGHT(X, nv) X(1, nv) X(2, nv) X(3, nv) X(4, nv) X(5, nv) X(6, nv)
#define EACH_WIDTH(X)      X(1) X(2)
#endif
#define VL ((int)(AG__VECTOR_BYTES / sizeof(real)))
enum {
    KC = 320,            /* a multiple of 16 */
    LINE = 64,           /* bytes of a cache line, */
    PAGE = 4096,         /* of what each way of the nearest cache holds, */
    A_BYTES = 400 << 10, /* of a block of A, a part of the second-level cache, */
    B_BYTES = 2 << 20,   /* of packed panels of B that are kept, a part of the third-level cache, */
    NEAR = 2 << 20,      /* of a B that can be left in place, */
    FAR = 8 << 20,       /* of an A that can't, */
    STACK_PANEL = 28672, /* of a panel without workspace; beside it a small thread still has room */
    PACK_FROM = 100,     /* rows of A from which packing rows of B pays */
    SMALL = 48,          /* multiply-adds up to which a plain loop wins */
    NARROW_FROM = 32,    /* of k: summing lanes costs */
    DOT_COLUMNS = 4,
    RELU = AG__F_relu + 1,
};

#define AG__TEXT <autograd/kernels/gemm.c>
#include <autograd/kernels/each_real.h>
#else
#include <autograd/kernels/vector.h>
#define vec   AG__TYPED(vec)
#define tile  AG__TYPED(tile)
#define plan  AG__TYPED(plan)
/* Rows of A that are packed side by side: whole tiles, and whole vectors for transposing. */
enum { AG__TYPED(GROUP) = MR % VL == 0 ? MR : VL % MR == 0 ? VL : 3 * VL };
#define GROUP ((int)AG__TYPED(GROUP))

/* What the tiles over one panel share. A tile's last vector of columns begins at b_last in the panel's rows and at
 * c_last in C's; its lanes from..to-1 count, for at the right edge it overlaps its neighbour, or a packed panel's
 * padding. */
typedef struct tile {
    int b_last, c_last, from, to;
    bool add, relu;
    int64_t kc, a_row, a_col, b_row, c_row;
    const real *b, *bias;
} tile;

/* x < 0 ? 0 : x, which keeps NaN */
AG__INLINE vec AG__TYPED(relu)(vec v)
{
    return (vec)((AG__TYPED(lanes))v & ~(AG__TYPED(lanes))(v < 0));
}

AG__INLINE void AG__TYPED(tile_body)(int mr, int nv, const tile *t, const real *a, real *c)
{
    vec sum[MR][NV];
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nv; j++) sum[i][j] = (vec){ 0 };
    const real *b = t->b;
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nv; j++) __builtin_prefetch(c + i * t->c_row + j * VL, 1);
    for (int64_t p = 0; p < t->kc; p++, a += t->a_col, b += t->b_row) {
        vec x[NV];
        AG__UNROLL
        for (int j = 0; j < nv; j++) x[j] = *(const vec *)(b + (j < nv - 1 ? j * VL : t->b_last));
        AG__UNROLL
        for (int i = 0; i < mr; i++) {
            real s = a[i * t->a_row];
            AG__UNROLL
            for (int j = 0; j < nv; j++) sum[i][j] += s * x[j];
        }
    }
    const int last = nv - 1, c_last = t->c_last, from = t->from, to = t->to;
    const bool whole = to - from == VL;
    if (t->add) {
        AG__UNROLL
        for (int i = 0; i < mr; i++) {
            const real *at = c + i * t->c_row;
            AG__UNROLL
            for (int j = 0; j < last; j++) sum[i][j] += *(const vec *)(at + j * VL);
            sum[i][last] += whole ? *(const vec *)(at + c_last) : AG__TYPED(load_lanes)(at + c_last, from, to);
        }
    }
    if (t->bias) {
        vec x[NV];
        AG__UNROLL
        for (int j = 0; j < last; j++) x[j] = *(const vec *)(t->bias + j * VL);
        x[last] = AG__TYPED(load_lanes)(t->bias + c_last, from, to);
        AG__UNROLL
        for (int i = 0; i < mr; i++) {
            AG__UNROLL
            for (int j = 0; j < nv; j++) sum[i][j] += x[j];
        }
    }
    if (t->relu) {
        AG__UNROLL
        for (int i = 0; i < mr; i++) {
            AG__UNROLL
            for (int j = 0; j < nv; j++) sum[i][j] = AG__TYPED(relu)(sum[i][j]);
        }
    }
    AG__UNROLL
    for (int i = 0; i < mr; i++) {
        real *at = c + i * t->c_row;
        AG__UNROLL
        for (int j = 0; j < last; j++) *(vec *)(at + j * VL) = sum[i][j];
        if (whole)
            *(vec *)(at + c_last) = sum[i][last];
        else
            AG__TYPED(store_lanes)(at + c_last, from, to, sum[i][last]);
    }
}

/* tiles[vectors - 1][rows - 1] */
typedef void AG__TYPED(tile_fn)(const tile *t, const real *a, real *c);
#define TILE(mr, nv)                                                               \
    static void AG__TYPED(tile_##mr##_##nv)(const tile *t, const real *a, real *c) \
    {                                                                              \
        AG__TYPED(tile_body)(mr, nv, t, a, c);                                     \
    }
#define TILES(nv)         EACH_HEIGHT(TILE, nv)
#define TILE_NAME(mr, nv) AG__TYPED(tile_##mr##_##nv),
#define TILE_NAMES(nv)    { EACH_HEIGHT(TILE_NAME, nv) },
EACH_WIDTH(TILES)
static AG__TYPED(tile_fn) *const AG__TYPED(tiles)[NV][MR] = { EACH_WIDTH(TILE_NAMES) };
#undef TILE
#undef TILES
#undef TILE_NAME
#undef TILE_NAMES

/* ---- packing: kc rows of `width` elements, ld apart; in memory they lie k_step apart, their elements q_step ---- */

/* Rows of whole vectors, as most are. */
AG__INLINE void AG__TYPED(copy_rows)(int vectors, const real *x, int64_t k_step, int64_t kc, real *to, int ld)
{
    for (int64_t p = 0; p < kc; p++, x += k_step, to += ld) {
        AG__UNROLL
        for (int v = 0; v < vectors; v++) *(vec *)(to + v * VL) = *(const vec *)(x + v * VL);
    }
}

static void AG__TYPED(pack_rows)(const real *x, int64_t k_step, int64_t kc, int width, real *to, int ld)
{
    const int vectors = width / VL, rest = width % VL;
    if (vectors == 3)
        AG__TYPED(copy_rows)(3, x, k_step, kc, to, ld);
    else if (vectors == 2)
        AG__TYPED(copy_rows)(2, x, k_step, kc, to, ld);
    else if (vectors == 1)
        AG__TYPED(copy_rows)(1, x, k_step, kc, to, ld);
    if (!rest) return;
    x += width - rest, to += width - rest;
    for (int64_t p = 0; p < kc; p++, x += k_step, to += ld) *(vec *)to = AG__TYPED(load_lanes)(x, 0, rest);
}

static void AG__TYPED(pack)(const real *x, int64_t k_step, int64_t q_step, int64_t kc, int width, real *to, int ld)
{
    const int side = AG__TYPED(SIDE);
    int q = 0;
    if (q_step == 1) {
        AG__TYPED(pack_rows)(x, k_step, kc, width, to, ld);
        return;
    }
    for (int at; k_step == 1 && q < width && width >= VL; q = at + VL) {
        at = q + VL <= width ? q : width - VL; /* the last ones again, rather than one by one */
        int64_t p = 0;
        for (; p + side <= kc; p += side) AG__TYPED(transpose)(x + p + at * q_step, q_step, to + p * ld + at, ld);
        for (; p < kc; p++)
            for (int i = at; i < at + VL; i++) to[p * ld + i] = x[p + i * q_step];
    }
    for (; q < width; q++)
        for (int64_t p = 0; p < kc; p++) to[p * ld + q] = x[p * k_step + q * q_step];
}

/* ---- blocks ---- */

/* How a product is cut, by its sizes and strides alone. */
typedef struct plan {
    int64_t rows, kc;        /* of a block of A; of a sum */
    bool in_place, keep;     /* B isn't packed; its panels are kept for further blocks of A, */
    int64_t columns;         /* as many columns at a time */
    size_t a_bytes, b_bytes; /* of a packed block of A, 0: it isn't; of a panel, or of all that are kept */
    int nv;                  /* vectors of a panel */
    real *a, *b;             /* where they are packed */
} plan;

static bool AG__TYPED(is_narrow)(const ag__gemm *g);

static int64_t AG__TYPED(kc_of)(int64_t k)
{
    int64_t blocks = (k + KC - 1) / KC;
    return blocks < 2 ? k : ((k + blocks - 1) / blocks + 15) / 16 * 16;
}

/* Do cache lines that many elements apart compete for one set of the nearest cache? */
static bool AG__TYPED(crowded)(int64_t step)
{
    return step != 0 && step * (int64_t)sizeof(real) % PAGE == 0;
}

/* Rows of B, if few rows of A pass or all of it is near; but not single lines that compete. */
static bool AG__TYPED(b_stays)(const ag__gemm *g)
{
    if (g->b_col != 1 || g->n < VL) return false;
    if (NV * AG__VECTOR_BYTES <= LINE && AG__TYPED(crowded)(g->b_row)) return g->m <= 2 * MR;
    const double bytes = (double)g->k * (double)g->b_row * sizeof(real);
    return g->m < PACK_FROM || (bytes >= 0 && bytes <= NEAR);
}

/* A, if its columns are lines that compete, or its rows so many that they do; and it is read often enough. */
static bool AG__TYPED(packs_a)(const ag__gemm *g)
{
    const bool far = (double)g->m * (double)g->k * sizeof(real) > FAR;
    return (AG__TYPED(crowded)(g->a_col) && g->m >= 2 * MR && g->n > 2 * NV * VL) || (far && g->n > 8 * NV * VL);
}

static plan AG__TYPED(plan_of)(const ag__gemm *g)
{
    const int64_t most = A_BYTES / KC / (int64_t)sizeof(real), blocks = (g->m + most - 1) / most;
    plan p = { .kc = AG__TYPED(kc_of)(g->k), .columns = INT64_MAX, .nv = NV };
    p.rows = blocks == 1 ? g->m : ((g->m + blocks - 1) / blocks + GROUP - 1) / GROUP * GROUP;
    p.in_place = AG__TYPED(b_stays)(g);
    p.keep = blocks > 1;
    const size_t column = (size_t)p.kc * sizeof(real);
    if (!p.in_place) {
        int64_t columns = NV * VL, all = (g->n + VL - 1) / VL * VL;
        if (p.keep) p.columns = B_BYTES / KC / (int64_t)sizeof(real) / columns * columns;
        if (p.keep && all > columns) columns = all < p.columns ? all : p.columns;
        p.b_bytes = column * (size_t)columns;
    }
    if (AG__TYPED(packs_a)(g)) p.a_bytes = column * (size_t)((most + GROUP - 1) / GROUP * GROUP);
    return p;
}

size_t AG__TYPED(gemm_work)(const ag__gemm *g)
{
    if (g->k <= 0 || g->m <= 0 || g->n <= 0 || AG__TYPED(is_narrow)(g)) return 0;
    const plan p = AG__TYPED(plan_of)(g);
    return p.a_bytes || p.b_bytes > STACK_PANEL ? p.a_bytes + p.b_bytes : 0;
}

/* A block of A in groups of rows, one after the other. */
static void AG__TYPED(pack_block)(const ag__gemm *g, const real *a, int64_t rows, int64_t kc, real *to)
{
    for (int64_t i = 0, some; i < rows; i += GROUP) {
        some = rows - i < GROUP ? rows - i : GROUP;
        AG__TYPED(pack)(a + i * g->a_row, g->a_col, g->a_row, kc, (int)some, to + i * kc, GROUP);
    }
}

/* Rows of C from a block of A and one panel of B, `width` columns from j on. */
static void AG__TYPED(use_panel)(const ag__gemm *g, const plan *p, tile *t, const real *b, int nv, int width,
                                 const real *a, int64_t rows, real *c)
{
    t->c_last = p->in_place ? width - VL : (nv - 1) * VL;
    t->from = p->in_place ? nv * VL - width : 0;
    t->to = p->in_place ? VL : width - t->c_last;
    t->b = b, t->b_row = p->in_place ? g->b_row : nv * VL, t->b_last = p->in_place ? t->c_last : (nv - 1) * VL;
    int64_t tiles = (rows + MR - 1) / MR, height = MR;
    if (!p->a) height = (rows + tiles - 1) / tiles; /* as even as possible */
    for (int64_t i = 0; i < rows; i += height) {
        const real *at = p->a ? a + i / GROUP * GROUP * t->kc + i % GROUP : a + i * t->a_row;
        const int64_t mr = rows - i < height ? rows - i : height;
        AG__TYPED(tiles)[nv - 1][mr - 1](t, at, c + i * t->c_row);
    }
}

/* Columns from .. to-1, rows first .. first + rows - 1 of C, by k from `done` on. */
static void AG__TYPED(block)(const ag__gemm *g, const plan *p, tile *t, int64_t done, int64_t from, int64_t to,
                             int64_t first, int64_t rows)
{
    const real *a = (const real *)g->a + first * g->a_row + done * g->a_col, *b = (const real *)g->b + done * g->b_row;
    const real *bias = done + t->kc == g->k ? g->bias : NULL;
    const bool packs = !p->in_place && (first == 0 || !p->keep);
    if (p->a) AG__TYPED(pack_block)(g, a, rows, t->kc, p->a);
    for (int64_t j = from, width; j < to; j += width) {
        int64_t left = to - j, vectors = (left + VL - 1) / VL;
        int nv = vectors < p->nv ? (int)vectors : p->nv == 3 && vectors == 4 ? 2 : p->nv; /* no lonely vector */
        width = left < nv * VL ? left : nv * VL;
        real *packed = p->keep ? p->b + (j - from) * t->kc : p->b;
        if (packs) AG__TYPED(pack)(b + j * g->b_col, g->b_row, g->b_col, t->kc, (int)width, packed, nv * VL);
        t->bias = bias ? bias + j : NULL, t->relu = g->act == RELU && done + t->kc == g->k;
        real *c = (real *)g->c + first * g->ldc + j;
        AG__TYPED(use_panel)(g, p, t, p->in_place ? b + j : packed, nv, (int)width, p->a ? p->a : a, rows, c);
    }
}

static void AG__TYPED(blocks)(const ag__gemm *g, const plan *p)
{
    tile t = { .c_row = g->ldc, .a_row = p->a ? 1 : g->a_row, .a_col = p->a ? GROUP : g->a_col };
    for (int64_t j = 0; j < g->n; j += p->columns) {
        int64_t to = g->n - j < p->columns ? g->n : j + p->columns;
        for (int64_t done = 0; done < g->k; done += t.kc) {
            t.kc = g->k - done < p->kc ? g->k - done : p->kc;
            t.add = g->add || done > 0;
            for (int64_t i = 0, rows; i < g->m; i += rows) {
                rows = g->m - i < p->rows ? g->m - i : p->rows;
                AG__TYPED(block)(g, p, &t, done, j, to, i, rows);
            }
        }
    }
}

/* Without workspace: a panel at a time. */
static __attribute__((noinline)) void AG__TYPED(on_stack)(const ag__gemm *g, plan p)
{
    real panel[STACK_PANEL / sizeof(real)] __attribute__((aligned(64)));
    int64_t fit = (int64_t)(STACK_PANEL / sizeof(real)) / (p.kc * VL);
    if (fit < NV) p.nv = (int)fit;
    p.b = panel, p.keep = false, p.columns = INT64_MAX;
    AG__TYPED(blocks)(g, &p);
}

/* ---- without tiles ---- */

/* What is stored for a sum; c and bias must exist only if they count. */
AG__INLINE real AG__TYPED(finish)(const ag__gemm *g, real sum, const real *c, const real *bias)
{
    if (g->add) sum += *c;
    if (bias) sum += *bias;
    return g->act == RELU && sum < 0 ? 0 : sum;
}

AG__INLINE void AG__TYPED(plain_k)(const ag__gemm *g, int64_t k)
{
    const real *a = g->a, *bias = g->bias;
    const int64_t a_col = g->a_col, b_row = g->b_row;
    real *c = g->c;
    for (int64_t i = 0; i < g->m; i++, a += g->a_row, c += g->ldc) {
        const real *b = g->b;
        for (int64_t j = 0; j < g->n; j++, b += g->b_col) {
            const real *x = a, *y = b;
            real s = 0;
            for (int64_t p = 0; p < k; p++, x += a_col, y += b_row) {
                s += *x * *y;
                __asm__(""); /* not to be vectorised, which would round the products that a tile fuses */
            }
            c[j] = AG__TYPED(finish)(g, s, &c[j], bias ? &bias[j] : NULL);
        }
    }
}

/* For few multiply-adds, and for none at all (k = 0). The shortest sums are worth a loop each. */
static void AG__TYPED(plain)(const ag__gemm *g)
{
    switch (g->k) {
    case 1: AG__TYPED(plain_k)(g, 1); break;
    case 2: AG__TYPED(plain_k)(g, 2); break;
    case 3: AG__TYPED(plain_k)(g, 3); break;
    case 4: AG__TYPED(plain_k)(g, 4); break;
    default: AG__TYPED(plain_k)(g, g->k);
    }
}

#include <autograd/kernels/gemm_narrow.h>

/* ---- all ---- */

static void AG__TYPED(tiled)(const ag__gemm *g)
{
    plan p = AG__TYPED(plan_of)(g);
    if (!p.in_place && !g->work) {
        AG__TYPED(on_stack)(g, p);
        return;
    }
    if (g->work && p.a_bytes) p.a = (real *)((char *)g->work + p.b_bytes);
    p.b = g->work;
    AG__TYPED(blocks)(g, &p);
}

void AG__TYPED(gemm)(const ag__gemm *g)
{
    if (g->m <= 0 || g->n <= 0) return;
    if (AG__TYPED(is_narrow)(g))
        AG__TYPED(narrow)(g);
    else if (g->k <= 0 || (g->m <= SMALL && g->n <= SMALL && g->k <= KC && g->m * g->n * g->k <= SMALL))
        AG__TYPED(plain)(g);
    else
        AG__TYPED(tiled)(g);
    if (g->act == 0 || g->act == RELU) return;
#define UNARY(name, ...) AG__TYPED(unary_##name),
    static ag__unary_fn *const functions[] = { AG_UNARY_FUNCTIONS(UNARY) };
#undef UNARY
    real *c = g->c;
    for (int64_t i = 0; i < g->m; i++, c += g->ldc) functions[g->act - 1](g->n, c, 1, c, 1);
}
#undef vec
#undef tile
#undef plan
#undef GROUP
#endif
