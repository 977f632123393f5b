/* gemm_narrow.h - products with so few columns that vectors of them would be half empty: vectors along k instead, where
 * both operands lie contiguous along it. Part of gemm.c's text.
 *
 * An element is the sum of its products lane by lane, then of the lanes in a fixed order: the same bits in every row
 * and column. */
enum { AG__TYPED(DOT_ROWS) = MR / 2 };

/* Would a quarter of the lanes be empty? What is asked of m would make rows depend on their number. */
static bool AG__TYPED(is_narrow)(const ag__gemm *g)
{
    return g->n <= AG__GEMM_NARROW && 4 * g->n <= 3 * ((g->n + VL - 1) / VL * VL) && g->k >= NARROW_FROM &&
           g->a_col == 1 && g->b_row == 1;
}

/* The two halves of each quad of a, and of b, added: side by side. */
#define ADD32(a, b) ((vec)(ag__low32((ag__bits)(a), (ag__bits)(b))) + (vec)(ag__high32((ag__bits)(a), (ag__bits)(b))))
#define ADD64(a, b) ((vec)(ag__low64((ag__bits)(a), (ag__bits)(b))) + (vec)(ag__high64((ag__bits)(a), (ag__bits)(b))))

/* dot[j] = the sum of v[j]'s lanes */
AG__INLINE void AG__TYPED(sum_lanes)(const vec *v, real *dot)
{
    typedef real quad __attribute__((vector_size(16), aligned(sizeof(real)), may_alias));
#if AG__REAL_BITS == 32
    const vec in_quads[] = { ADD64(ADD32(v[0], v[1]), ADD32(v[2], v[3])) };
#else
    const vec in_quads[] = { ADD64(v[0], v[1]), ADD64(v[2], v[3]) };
#endif
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

#undef ADD32
#undef ADD64

/* sums[i][j] = row i of a times column j of b */
AG__INLINE void AG__TYPED(dots_body)(int rows, int columns, const ag__gemm *g, const real *a, const real *b, real *sums)
{
    vec sum[AG__TYPED(DOT_ROWS)][DOT_COLUMNS];
    AG__UNROLL
    for (int i = 0; i < rows; i++) {
        AG__UNROLL
        for (int j = 0; j < DOT_COLUMNS; j++) sum[i][j] = (vec){ 0 };
    }
    int64_t p = 0;
    for (; p + VL <= g->k; p += VL) {
        vec x[DOT_COLUMNS];
        AG__UNROLL
        for (int j = 0; j < columns; j++) x[j] = *(const vec *)(b + j * g->b_col + p);
        AG__UNROLL
        for (int i = 0; i < rows; i++) {
            vec y = *(const vec *)(a + i * g->a_row + p);
            AG__UNROLL
            for (int j = 0; j < columns; j++) sum[i][j] += y * x[j];
        }
    }
    if (p < g->k) {
        const int left = (int)(g->k - p);
        vec x[DOT_COLUMNS];
        AG__UNROLL
        for (int j = 0; j < columns; j++) x[j] = AG__TYPED(load_lanes)(b + j * g->b_col + p, 0, left);
        AG__UNROLL
        for (int i = 0; i < rows; i++) {
            vec y = AG__TYPED(load_lanes)(a + i * g->a_row + p, 0, left);
            AG__UNROLL
            for (int j = 0; j < columns; j++) sum[i][j] += y * x[j];
        }
    }
    AG__UNROLL
    for (int i = 0; i < rows; i++) AG__TYPED(sum_lanes)(sum[i], sums + i * AG__GEMM_NARROW);
}

typedef void AG__TYPED(dots_fn)(const ag__gemm *g, const real *a, const real *b, real *sums);
#define DOTS(name, rows, columns)                                                                        \
    static void AG__TYPED(name##_##columns)(const ag__gemm *g, const real *a, const real *b, real *sums) \
    {                                                                                                    \
        AG__TYPED(dots_body)(rows, columns, g, a, b, sums);                                              \
    }
DOTS(dots_of_row, 1, 1)
DOTS(dots_of_row, 1, 2)
DOTS(dots_of_row, 1, 3)
DOTS(dots_of_row, 1, 4)
DOTS(dots, AG__TYPED(DOT_ROWS), 1)
DOTS(dots, AG__TYPED(DOT_ROWS), 2)
DOTS(dots, AG__TYPED(DOT_ROWS), 3)
DOTS(dots, AG__TYPED(DOT_ROWS), 4)
#undef DOTS

/* A row of sums into C. */
AG__INLINE void AG__TYPED(store_sums)(const ag__gemm *g, const real *sums, real *c)
{
    for (int64_t j = 0; j < g->n; j += VL) {
        int lanes = g->n - j < VL ? (int)(g->n - j) : VL;
        vec v = *(const vec *)(sums + j);
        if (g->add) v += AG__TYPED(load_lanes)(c + j, 0, lanes);
        if (g->bias) v += AG__TYPED(load_lanes)((const real *)g->bias + j, 0, lanes);
        if (g->act == RELU) v = AG__TYPED(relu)(v);
        AG__TYPED(store_lanes)(c + j, 0, lanes, v);
    }
}

static void AG__TYPED(narrow)(const ag__gemm *g)
{
    static AG__TYPED(dots_fn) *const dots[2][DOT_COLUMNS] = {
        { AG__TYPED(dots_of_row_1), AG__TYPED(dots_of_row_2), AG__TYPED(dots_of_row_3), AG__TYPED(dots_of_row_4) },
        { AG__TYPED(dots_1), AG__TYPED(dots_2), AG__TYPED(dots_3), AG__TYPED(dots_4) },
    };
    const real *a = g->a, *b = g->b;
    real *c = g->c, sums[AG__TYPED(DOT_ROWS) * AG__GEMM_NARROW];
    for (int64_t i = 0, rows; i < g->m; i += rows) {
        bool several = g->m - i >= AG__TYPED(DOT_ROWS);
        rows = several ? AG__TYPED(DOT_ROWS) : 1;
        for (int64_t j = 0, columns; j < g->n; j += columns) {
            columns = g->n - j < DOT_COLUMNS ? g->n - j : DOT_COLUMNS;
            dots[several][columns - 1](g, a + i * g->a_row, b + j * g->b_col, sums + j);
        }
        for (int64_t r = 0; r < rows; r++) AG__TYPED(store_sums)(g, sums + r * AG__GEMM_NARROW, c + (i + r) * g->ldc);
    }
}
