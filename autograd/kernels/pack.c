/* pack.c - strided elements laid side by side: transposition, and narrow rows of any strides. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/shuffle.h>
#include <string.h>

#define AG__TEXT <autograd/kernels/pack.c>
#include <autograd/kernels/each_real.h>
#else
#include <autograd/kernels/vector.h>
#define vec  AG__TYPED(vec)
#define quad AG__TYPED(quad)
#define VL   ((int64_t)(AG__VECTOR_BYTES / sizeof(real)))

/* Few columns, as many as the compiler is told: y[i][j] = x[i * step + at[j]], and y[j][i] = x[i][j]. */
AG__INLINE void AG__TYPED(weave)(int cols, int64_t n, const real *x, int64_t step, const int64_t *at, real *y)
{
    const int64_t whole = step == 1 ? n & -VL : 0;
    AG__INDEPENDENT
    for (int64_t i = 0; i < whole; i++) {
        AG__UNROLL
        for (int j = 0; j < cols; j++) y[i * cols + j] = x[i + at[j]];
    }
    for (int64_t i = whole; i < n; i++) {
        AG__UNROLL
        for (int j = 0; j < cols; j++) y[i * cols + j] = x[i * step + at[j]];
    }
}
#define WEAVE(cols)                                                                                         \
    static void AG__TYPED(weave_##cols)(int64_t n, const real *x, int64_t step, const int64_t *at, real *y) \
    {                                                                                                       \
        AG__TYPED(weave)(cols, n, x, step, at, y);                                                          \
    }
WEAVE(2)
WEAVE(3)
WEAVE(4)
#undef WEAVE
#define UNWEAVE(cols)                                                        \
    static void AG__TYPED(unweave_##cols)(int64_t n, const real *x, real *y) \
    {                                                                        \
        const int64_t whole = n & -VL;                                       \
        AG__INDEPENDENT                                                      \
        for (int64_t i = 0; i < whole; i++) {                                \
            AG__UNROLL                                                       \
            for (int j = 0; j < cols; j++) y[j * n + i] = x[i * cols + j];   \
        }                                                                    \
    }
UNWEAVE(2)
UNWEAVE(3)
#undef UNWEAVE

void AG__TYPED(turn)(int64_t rows, int64_t cols, const void *from, int64_t sr, int64_t sc, void *to)
{
    const real *x = from;
    real *y = to;
    const int64_t side = AG__TYPED(SIDE), few = sc == 1 && sr == cols ? cols : 0;
    int64_t right = sc == 1 && rows >= VL ? cols / side * side : 0, done = 0;
    if (few == 2 || few == 3) {
        (few == 2 ? AG__TYPED(unweave_2) : AG__TYPED(unweave_3))(rows, x, y);
        done = rows & -VL, right = 0;
    }
    for (int64_t i = 0, at; right && i < rows; i += VL) {
        at = i + VL <= rows ? i : rows - VL; /* the last ones again, rather than one by one */
        for (int64_t j = 0; j < right; j += side) AG__TYPED(transpose)(x + at * sr + j, sr, y + j * rows + at, rows);
    }
    for (int64_t j = right; j < cols; j++)
        for (int64_t i = done; i < rows; i++) y[j * rows + i] = x[i * sr + j * sc];
}

/* Rows of n elements that lie side by side, or are one element repeated. */
AG__INLINE void AG__TYPED(pack_rows)(bool repeated, int64_t rows, int64_t n, const real *x, int64_t step, real *y)
{
    const int rest = (int)(n % VL);
    const int64_t whole = n - rest;
    for (int64_t i = 0; i < rows; i++, x += step, y += n) {
        const vec one = (vec){ 0 } + *x;
        for (int64_t j = 0; j < whole; j += VL) *(vec *)(y + j) = repeated ? one : *(const vec *)(x + j);
        if (rest)
            AG__TYPED(store_lanes)(y + whole, 0, rest, repeated ? one : AG__TYPED(load_lanes)(x + whole, 0, rest));
    }
}

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#elif AG__REAL_BITS == 32
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (int32_t __attribute__((vector_size(16)))){ __VA_ARGS__ })
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (int64_t __attribute__((vector_size(16)))){ __VA_ARGS__ })
#endif
AG__INLINE void AG__TYPED(square)(const real *x, const int64_t *at, real *y, int64_t ldy)
{
    quad a = *(const quad *)(x + at[0]), b = *(const quad *)(x + at[1]);
#if AG__REAL_BITS == 32
    quad c = *(const quad *)(x + at[2]), d = *(const quad *)(x + at[3]);
    quad ab = SHUFFLE(a, b, 0, 4, 1, 5), cd = SHUFFLE(c, d, 0, 4, 1, 5);
    *(quad *)y = SHUFFLE(ab, cd, 0, 1, 4, 5);
    *(quad *)(y + ldy) = SHUFFLE(ab, cd, 2, 3, 6, 7);
    ab = SHUFFLE(a, b, 2, 6, 3, 7), cd = SHUFFLE(c, d, 2, 6, 3, 7);
    *(quad *)(y + 2 * ldy) = SHUFFLE(ab, cd, 0, 1, 4, 5);
    *(quad *)(y + 3 * ldy) = SHUFFLE(ab, cd, 2, 3, 6, 7);
#else
    *(quad *)y = SHUFFLE(a, b, 0, 2);
    *(quad *)(y + ldy) = SHUFFLE(a, b, 1, 3);
#endif
}
#undef SHUFFLE

/* Columns that lie side by side in x, by squares. */
AG__INLINE void AG__TYPED(pack_columns)(int64_t rows, int64_t n, const real *x, const int64_t *at, real *y)
{
    const int64_t side = AG__TYPED(SIDE);
    for (int64_t j = 0; j < n; j = j + side < n && j + 2 * side > n ? n - side : j + side)
        for (int64_t i = 0; i < rows; i += side) AG__TYPED(square)(x + i, at + j, y + i * n + j, n);
}

void AG__TYPED(pack_narrow)(int64_t rows, int64_t n, const void *from, int64_t step, const int64_t *at, void *to)
{
    enum { FEW = 4 };
    const real *x = from;
    real *y = to;
    int64_t done = 0;
    bool beside = true, repeated = true;
    for (int64_t j = 0; j < n; j++) beside &= at[j] == j, repeated &= at[j] == 0;
    if (step == 0 && rows > 1) {
        AG__TYPED(pack_narrow)(1, n, x, 0, at, y);
        for (done = 1; done < rows; done *= 2)
            memcpy(y + done * n, y, (size_t)((rows - done < done ? rows - done : done) * n) * sizeof *y);
    } else if (n > 1 && n <= FEW) {
        (n == 2 ? AG__TYPED(weave_2) : n == 3 ? AG__TYPED(weave_3) : AG__TYPED(weave_4))(rows, x, step, at, y);
        done = rows;
    } else if (beside || repeated)
        AG__TYPED(pack_rows)(repeated, rows, n, x, step, y), done = rows;
    else if (step == 1)
        done = rows / AG__TYPED(SIDE) * AG__TYPED(SIDE), AG__TYPED(pack_columns)(done, n, x, at, y);
    for (int64_t i = done; i < rows; i++)
        for (int64_t j = 0; j < n; j++) y[i * n + j] = x[i * step + at[j]];
}
#undef vec
#undef quad
#undef VL
#endif
