/* gemm_narrow.h - products with so few columns that vectors of them would be half empty: vectors along k instead, where
 * both operands lie contiguous along it. Part of gemm.c's text.
 *
 * An element is the sum of its products lane by lane, then of the lanes in a fixed order: the same bits in every row and
 * column. */
enum { AG__TYPED(DOT_ROWS) = MR / 2, AG__TYPED(DOT_COLUMNS) = 4 };

/* Would a quarter of the lanes be empty? What is asked of m would make rows depend on their number. */
static bool AG__TYPED(is_narrow)(const ag__gemm *g)
{
    return g->n <= AG__GEMM_NARROW && 4 * g->n <= 3 * ((g->n + VL - 1) / VL * VL) && g->k >= NARROW_FROM && g->a_col == 1 &&
           g->b_row == 1;
}

/* dot[j] = the sum of v[j]'s lanes */
AG__INLINE void AG__TYPED(sum_lanes)(const vec *v, real *dot)
{
    typedef real quad __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));
#if AG__REAL_BITS == 32
#define ADD(a, b) ((vec)(ag__low32((ag__bits)(a), (ag__bits)(b))) + (vec)(ag__high32((ag__bits)(a), (ag__bits)(b))))
    vec ab = ADD(v[0], v[1]), cd = ADD(v[2], v[3]);
#undef ADD
#define ADD(a, b) ((vec)(ag__low64((ag__bits)(a), (ag__bits)(b))) + (vec)(ag__high64((ag__bits)(a), (ag__bits)(b))))
    vec in_quads[1] = { ADD(ab, cd) };
#else
#define ADD(a, b) ((vec)(ag__low64((ag__bits)(a), (ag__bits)(b))) + (vec)(ag__high64((ag__bits)(a), (ag__bits)(b))))
    vec in_quads[2] = { ADD(v[0], v[1]), ADD(v[2], v[3]) };
#endif
#undef ADD
    AG__UNROLL
    for (int i = 0; i < 4 / AG__TYPED(SIDE); i++) {
        real lane[VL];
        *(vec *)lane = in_quads[i];
        quad s = *(quad *)lane;
        AG__UNROLL
        for (int q = AG__TYPED(SIDE); q < VL; q += AG__TYPED(SIDE)) s += *(quad *)(lane + q);
        *(quad *)(dot + i * AG__TYPED(SIDE)) = s;
    }
}

AG__INLINE void AG__TYPED(dots_body)(int rows, int columns, const ag__gemm *g, const real *a, const real *b, const real *bias,
                                     real *c)
{
    vec sum[AG__TYPED(DOT_ROWS)][AG__TYPED(DOT_COLUMNS)];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < AG__TYPED(DOT_COLUMNS); j++) sum[i][j] = (vec){ 0 };
    int64_t p = 0;
    for (; p + VL <= g->k; p += VL) {
        vec x[AG__TYPED(DOT_COLUMNS)];
        AG__UNROLL
        for (int j = 0; j < columns; j++) x[j] = *(const vec *)(b + j * g->b_col + p);
        AG__UNROLL
        for (int i = 0; i < rows; i++) {
            vec y = *(const vec *)(a + i * g->a_row + p);
            AG__UNROLL
            for (int j = 0; j < columns; j++) sum[i][j] += y * x[j];
        }
    }
    if (p < g->k)
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++)
                sum[i][j] += AG__TYPED(load_lanes)(a + i * g->a_row + p, 0, (int)(g->k - p)) *
                             AG__TYPED(load_lanes)(b + j * g->b_col + p, 0, (int)(g->k - p));
    AG__UNROLL
    for (int i = 0; i < rows; i++, c += g->ldc) {
        real dot[AG__TYPED(DOT_COLUMNS)];
        AG__TYPED(sum_lanes)(sum[i], dot);
        AG__UNROLL
        for (int j = 0; j < columns; j++) c[j] = AG__TYPED(finish)(g, dot[j], &c[j], bias ? &bias[j] : NULL);
    }
}

typedef void AG__TYPED(dots_fn)(const ag__gemm *g, const real *a, const real *b, const real *bias, real *c);
#define DOTS(name, rows, columns)                                                                                      \
    static void AG__TYPED(name##_##columns)(const ag__gemm *g, const real *a, const real *b, const real *bias, real *c) \
    {                                                                                                                  \
        AG__TYPED(dots_body)(rows, columns, g, a, b, bias, c);                                                         \
    }
DOTS(dots_of_row, 1, 1) DOTS(dots_of_row, 1, 2) DOTS(dots_of_row, 1, 3) DOTS(dots_of_row, 1, 4)
DOTS(dots, AG__TYPED(DOT_ROWS), 1) DOTS(dots, AG__TYPED(DOT_ROWS), 2) DOTS(dots, AG__TYPED(DOT_ROWS), 3)
DOTS(dots, AG__TYPED(DOT_ROWS), 4)
#undef DOTS

static void AG__TYPED(narrow)(const ag__gemm *g)
{
    static AG__TYPED(dots_fn) *const dots[2][4] = {
        { AG__TYPED(dots_of_row_1), AG__TYPED(dots_of_row_2), AG__TYPED(dots_of_row_3), AG__TYPED(dots_of_row_4) },
        { AG__TYPED(dots_1), AG__TYPED(dots_2), AG__TYPED(dots_3), AG__TYPED(dots_4) },
    };
    const real *a = g->a, *b = g->b, *bias = g->bias;
    real *c = g->c;
    for (int64_t i = 0, rows; i < g->m; i += rows) {
        bool several = g->m - i >= AG__TYPED(DOT_ROWS);
        rows = several ? AG__TYPED(DOT_ROWS) : 1;
        for (int64_t j = 0, columns; j < g->n; j += columns) {
            columns = g->n - j < AG__TYPED(DOT_COLUMNS) ? g->n - j : AG__TYPED(DOT_COLUMNS);
            dots[several][columns - 1](g, a + i * g->a_row, b + j * g->b_col, bias ? bias + j : NULL, c + i * g->ldc + j);
        }
    }
}
