/* gemm.c - C = [C +] op(A) op(B) [+ bias] in register tiles.
 *
 *                 j: up to NV vectors of columns
 *               +-------+-------+-------+
 *             p |  panel of B, KC x NV * VL: in place where its rows are contiguous, else packed on the stack
 *               +-------+-------+-------+
 *     i +----+  +-------+-------+-------+
 *    MR | A  |  |  MR x NV accumulators |   A is read element by element through its two strides
 *       +----+  +-------+-------+-------+
 *
 * A panel stays in the first-level cache while all rows of A pass. Every element of C is the sum over k by blocks of
 * KC, each from zero upwards, plus C, plus the bias: the same wherever the element lies in its tile, so that a row's
 * result doesn't depend on its neighbours. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>

#if AG__VECTOR_BYTES == 64 || defined(__aarch64__) /* 32 vector registers */
#define MR 8
#define NV 3
#else /* 16 */
#define MR 6
#define NV 2
#endif
#define VL ((int)(AG__VECTOR_BYTES / sizeof(real)))
enum {
    PANEL_BYTES = 28672, /* on the stack, beside which a small thread still has room */
    KC = PANEL_BYTES / (NV * AG__VECTOR_BYTES) < 256 ? PANEL_BYTES / (NV * AG__VECTOR_BYTES) : 256,
    SMALL = 48,     /* multiply-adds up to which a plain loop wins */
    PACK_FROM = 48, /* rows of A from which packing rows of B pays: they no longer compete for cache sets */
};

#define AG__TEXT <autograd/kernels/gemm.c>
#include <autograd/kernels/each_real.h>
#else

#define vec  AG__TYPED(vec)
#define tile AG__TYPED(tile)
#define quad AG__TYPED(quad)
typedef real vec __attribute__((vector_size(AG__VECTOR_BYTES), aligned(sizeof(real)), may_alias));
typedef real quad __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));
#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#elif AG__REAL_BITS == 32
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (int32_t __attribute__((vector_size(16)))){ __VA_ARGS__ })
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (int64_t __attribute__((vector_size(16)))){ __VA_ARGS__ })
#endif

/* What the tiles over one panel share. A tile's last vector of columns begins at b_last in the panel's rows and at
 * c_last in C's; its lanes from..to-1 count, for at the right edge it overlaps its neighbour, or a packed panel's
 * padding. */
typedef struct tile {
    int b_last, c_last, from, to;
    bool add;
    int64_t kc, a_row, a_col, b_row, c_row;
    const real *b, *bias;
} tile;

AG__INLINE void AG__TYPED(store)(const tile *t, vec v, real *c, const real *bias)
{
    if (t->add) v += *(const vec *)c;
    if (bias) v += *(const vec *)bias;
    *(vec *)c = v;
}

AG__INLINE void AG__TYPED(store_part)(const tile *t, vec v, real *c, const real *bias)
{
    real lane[VL];
    *(vec *)lane = v;
    for (int l = t->from; l < t->to; l++) {
        real s = lane[l];
        if (t->add) s += c[l];
        if (bias) s += bias[l];
        c[l] = s;
    }
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
    bool whole = t->to - t->from == VL;
    AG__UNROLL
    for (int i = 0; i < mr; i++, c += t->c_row) {
        AG__UNROLL
        for (int j = 0; j < nv; j++) {
            int at = j < nv - 1 ? j * VL : t->c_last;
            if (j < nv - 1 || whole)
                AG__TYPED(store)(t, sum[i][j], c + at, t->bias ? t->bias + at : NULL);
            else
                AG__TYPED(store_part)(t, sum[i][j], c + at, t->bias ? t->bias + at : NULL);
        }
    }
}

/* tile_<rows>_<vectors> */
#define TILE(mr, nv)                                                               \
    static void AG__TYPED(tile_##mr##_##nv)(const tile *t, const real *a, real *c) \
    {                                                                              \
        AG__TYPED(tile_body)(mr, nv, t, a, c);                                     \
    }
#define TILES(nv) TILE(1, nv) TILE(2, nv) TILE(4, nv) TILE(MR, nv)
#define TILE_NAMES(nv)                                                                                  \
    {                                                                                                   \
        AG__TYPED(tile_1_##nv), AG__TYPED(tile_2_##nv), AG__TYPED(tile_4_##nv), AG__TYPED(tile_MR_##nv) \
    }
typedef void AG__TYPED(tile_fn)(const tile *t, const real *a, real *c);
TILES(1)
TILES(2)
#if NV == 3
TILES(3)
static AG__TYPED(tile_fn) *const AG__TYPED(tiles)[NV][4] = { TILE_NAMES(1), TILE_NAMES(2), TILE_NAMES(3) };
#else
static AG__TYPED(tile_fn) *const AG__TYPED(tiles)[NV][4] = { TILE_NAMES(1), TILE_NAMES(2) };
#endif
#undef TILE
#undef TILES
#undef TILE_NAMES

/* ---- packing: kc x width elements of B as rows of nv vectors ---- */

/* B's own rows. The last vector is the one that ends at the panel's right edge. */
static void AG__TYPED(pack_rows)(const ag__gemm *g, const real *b, int64_t kc, int width, int nv, real *panel)
{
    for (int64_t p = 0; p < kc; p++, b += g->b_row, panel += nv * VL) {
        for (int v = 0; v < nv - 1; v++) *(vec *)(panel + v * VL) = *(const vec *)(b + v * VL);
        *(vec *)(panel + (nv - 1) * VL) = *(const vec *)(b + width - VL);
    }
}

/* SIDE x SIDE elements from columns that lie contiguous, ld apart */
enum { AG__TYPED(SIDE) = 16 / sizeof(real) };
AG__INLINE void AG__TYPED(transpose)(const real *b, int64_t ld, real *to, int64_t to_ld)
{
    quad a0 = *(const quad *)b, a1 = *(const quad *)(b + ld);
#if AG__REAL_BITS == 32
    quad a2 = *(const quad *)(b + 2 * ld), a3 = *(const quad *)(b + 3 * ld);
    quad low01 = SHUFFLE(a0, a1, 0, 4, 1, 5), high01 = SHUFFLE(a0, a1, 2, 6, 3, 7);
    quad low23 = SHUFFLE(a2, a3, 0, 4, 1, 5), high23 = SHUFFLE(a2, a3, 2, 6, 3, 7);
    *(quad *)to = SHUFFLE(low01, low23, 0, 1, 4, 5);
    *(quad *)(to + to_ld) = SHUFFLE(low01, low23, 2, 3, 6, 7);
    *(quad *)(to + 2 * to_ld) = SHUFFLE(high01, high23, 0, 1, 4, 5);
    *(quad *)(to + 3 * to_ld) = SHUFFLE(high01, high23, 2, 3, 6, 7);
#else
    *(quad *)to = SHUFFLE(a0, a1, 0, 2);
    *(quad *)(to + to_ld) = SHUFFLE(a0, a1, 1, 3);
#endif
}

/* Any strides; padded with zeros. */
static void AG__TYPED(pack)(const ag__gemm *g, const real *b, int64_t kc, int width, int nv, real *panel)
{
    int ld = nv * VL, side = AG__TYPED(SIDE), q = 0;
    for (; g->b_row == 1 && q + side <= width; q += side) {
        int64_t p = 0;
        for (; p + side <= kc; p += side) AG__TYPED(transpose)(b + p + q * g->b_col, g->b_col, panel + p * ld + q, ld);
        for (; p < kc; p++)
            for (int i = q; i < q + side; i++) panel[p * ld + i] = b[p + i * g->b_col];
    }
    for (; q < width; q++)
        for (int64_t p = 0; p < kc; p++) panel[p * ld + q] = b[p * g->b_row + q * g->b_col];
    for (; q < ld; q++)
        for (int64_t p = 0; p < kc; p++) panel[p * ld + q] = 0;
}

/* The panel of `width` columns from j on, in place or in `packed`. */
static void AG__TYPED(use_panel)(const ag__gemm *g, tile *t, const real *b, int width, int nv, real *packed)
{
    bool rows = g->b_col == 1 && g->n >= VL;
    t->c_last = rows ? width - VL : (nv - 1) * VL;
    t->from = rows ? nv * VL - width : 0;
    t->to = rows ? VL : width - t->c_last;
    if (rows && g->m < PACK_FROM) {
        t->b = b, t->b_row = g->b_row, t->b_last = t->c_last;
        return;
    }
    (rows ? AG__TYPED(pack_rows) : AG__TYPED(pack))(g, b, t->kc, width, nv, packed);
    t->b = packed, t->b_row = nv * VL, t->b_last = (nv - 1) * VL;
}

static __attribute__((noinline)) void AG__TYPED(blocked)(const ag__gemm *g)
{
    real packed[KC * NV * VL] __attribute__((aligned(64)));
    tile t = { .a_row = g->a_row, .a_col = g->a_col, .c_row = g->ldc };
    for (int64_t done = 0; done < g->k; done += t.kc) {
        t.kc = g->k - done < KC ? g->k - done : KC;
        t.add = g->add || done > 0;
        const real *a = (const real *)g->a + done * g->a_col, *b = (const real *)g->b + done * g->b_row;
        const real *bias = done + t.kc == g->k ? g->bias : NULL;
        for (int64_t j = 0; j < g->n; j += NV * VL) {
            int width = g->n - j < NV * VL ? (int)(g->n - j) : NV * VL, nv = (width + VL - 1) / VL;
            AG__TYPED(use_panel)(g, &t, b + j * g->b_col, width, nv, packed);
            t.bias = bias ? bias + j : NULL;
            real *c = (real *)g->c + j;
            for (int64_t i = 0, mr; i < g->m; i += mr) {
                mr = g->m - i >= MR ? MR : g->m - i >= 4 ? 4 : g->m - i >= 2 ? 2 : 1;
                AG__TYPED(tiles)[nv - 1][mr == MR ? 3 : mr / 2](&t, a + i * t.a_row, c + i * t.c_row);
            }
        }
    }
}

/* For few multiply-adds, and for none at all (k = 0). */
static void AG__TYPED(plain)(const ag__gemm *g)
{
    const real *a = g->a, *bias = g->bias;
    const int64_t a_col = g->a_col, b_row = g->b_row, k = g->k;
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
            if (g->add) s += c[j];
            if (bias) s += bias[j];
            c[j] = s;
        }
    }
}

void AG__TYPED(gemm)(const ag__gemm *g)
{
    if (g->k <= 0 || (g->m <= SMALL && g->n <= SMALL && g->k <= KC && g->m * g->n * g->k <= SMALL))
        AG__TYPED(plain)(g);
    else
        AG__TYPED(blocked)(g);
}
#undef vec
#undef tile
#undef quad
#undef SHUFFLE
#endif
