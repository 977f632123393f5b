/* test_gemm.c - products of matrices by every instruction set this processor has, against sums in long double; and the
 * same bits wherever an element lies, however the product is cut, with and without workspace. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <autograd/kernels/kernels.h>
#include <float.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AG_SANITIZED 1
#endif
#endif

typedef long double wide;
static const char *const archs[] = { "generic", "avx2", "avx512" };
static const char *const dtypes[] = { "f32", "f64" };
#define FOR_EACH_TABLE(k, arch, d)       \
    for (int arch = 0; arch < 3; arch++) \
        for (int d = 0; d < 2; d++)      \
            for (const ag__kernels *k = ag__kernels_of(archs[arch], d); k; k = NULL)

static double get(int dtype, const void *p, int64_t i)
{
    return dtype ? ((const double *)p)[i] : (double)((const float *)p)[i];
}
static void put(int dtype, void *p, int64_t i, double x)
{
    if (dtype)
        ((double *)p)[i] = x;
    else
        ((float *)p)[i] = (float)x;
}
static void *at(int dtype, const void *p, int64_t i)
{
    return (char *)(uintptr_t)p + i * (dtype ? 8 : 4);
}

static uint64_t state;
static double uniform(double low, double high)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(state >> 11) * 0x1p-53;
}
static int64_t up_to(int64_t n)
{
    return (int64_t)uniform(0, (double)n + 0.999999);
}

/* ---- matrices ---- */

typedef struct matrix {
    void *memory;
    const void *start;
    int64_t row, col;
} matrix;
enum { BY_ROWS, BY_COLUMNS, ROWS_APART, COLUMNS_APART, REVERSED, ONE_ROW, ARRANGEMENTS };

/* Values that are exact in any order, or any; off every alignment. */
static matrix new_matrix(int d, int64_t rows, int64_t cols, int kind, bool integers)
{
    int64_t size = 2 * (rows + 3) * (cols + 3) + 1, gap = kind >= ROWS_APART ? 3 : 0;
    matrix x = { malloc((size_t)size * 8), NULL, cols + gap, 1 };
    if (!x.memory) abort();
    if (kind == BY_COLUMNS || kind == COLUMNS_APART) x.row = kind == COLUMNS_APART ? 2 : 1, x.col = x.row * rows + gap;
    for (int64_t i = 0; i < size; i++) put(d, x.memory, i, integers ? (double)up_to(8) - 4 : uniform(-1, 1));
    if (kind == REVERSED) x.row = -x.row, x.col = -1;
    if (kind == ONE_ROW) x.row = 0;
    x.start = at(d, x.memory, kind == REVERSED ? size - 1 : 1);
    return x;
}
static double element(int d, const matrix *x, int64_t i, int64_t j)
{
    return get(d, x->start, i * x->row + j * x->col);
}

/* ---- one product ---- */

typedef struct product {
    const ag__kernels *k;
    const char *arch;
    int d, a_kind, b_kind;
    bool bias, add, integers;
    int act;
    int64_t m, n, inner;
} product;

static void run(const product *p, const ag__gemm *g, bool with_work)
{
    ag__gemm mine = *g;
    size_t bytes = with_work ? p->k->gemm_work(g) : 0;
    mine.work = bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
    if (bytes) memset(mine.work, 0xff, bytes); /* NaN */
    p->k->gemm(&mine);
    free(mine.work);
}

static wide activated(int act, wide x)
{
    return act == 1 + AG__F_relu ? (x < 0 ? 0 : x) : act == 1 + AG__F_tanh ? tanh(x) : x;
}

/* The n columns of C must hold the same bits as `want`. */
static void same(const product *p, const void *got, const void *want, int64_t ldc, const char *what)
{
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++)
            if (get(p->d, got, i * ldc + j) != get(p->d, want, i * ldc + j))
                fail_msg("%s %s: %d x %d x %d, kinds %d %d, add %d: (%d, %d) %s is %a, not %a", p->arch, dtypes[p->d],
                         (int)p->m, (int)p->n, (int)p->inner, p->a_kind, p->b_kind, p->add, (int)i, (int)j, what,
                         get(p->d, got, i * ldc + j), get(p->d, want, i * ldc + j));
}

/* g in pieces of `rows` x `columns`, from a copy of what C held. */
static void same_in_pieces(const product *p, const ag__gemm *g, const void *before, size_t bytes, int64_t rows,
                           int64_t columns, const char *what)
{
    void *c = malloc(bytes);
    if (!c) abort();
    memcpy(c, before, bytes);
    for (int64_t i = 0; i < p->m; i += rows)
        for (int64_t j = 0, n; j < p->n; j += n) {
            ag__gemm piece = *g;
            n = p->n - j - columns <= AG__GEMM_NARROW ? p->n - j : columns;
            piece.m = p->m - i < rows ? p->m - i : rows, piece.n = n;
            piece.a = at(p->d, g->a, i * g->a_row), piece.b = at(p->d, g->b, j * g->b_col);
            piece.c = at(p->d, c, i * g->ldc + j);
            if (g->bias) piece.bias = at(p->d, g->bias, j);
            run(p, &piece, up_to(1));
        }
    same(p, c, g->c, g->ldc, what);
    free(c);
}

static void check(const product *p)
{
    const int d = p->d;
    const int64_t m = p->m, n = p->n, ldc = n + up_to(1) * 5;
    const size_t bytes = (size_t)(m * ldc + 1) * 8;
    matrix a = new_matrix(d, m, p->inner, p->a_kind, p->integers);
    matrix b = new_matrix(d, p->inner, n, p->b_kind, p->integers);
    matrix c = new_matrix(d, m, ldc, BY_ROWS, true), bias = new_matrix(d, 1, n, BY_ROWS, true);
    void *before = malloc(bytes);
    if (!before) abort();
    void *out = at(d, c.memory, 1);
    memcpy(before, out, (size_t)(m * ldc) * (d ? 8 : 4));
    ag__gemm g = { .m = m, .n = n, .k = p->inner, .a = a.start, .b = b.start, .c = out };
    g.a_row = a.row, g.a_col = a.col, g.b_row = b.row, g.b_col = b.col, g.ldc = ldc;
    g.bias = p->bias ? bias.start : NULL, g.add = p->add, g.act = p->act;
    run(p, &g, true);

    const double epsilon = d ? DBL_EPSILON : (double)FLT_EPSILON;
    const bool exact = p->integers && p->act != 1 + AG__F_tanh;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < ldc; j++) {
            double got = get(d, out, i * ldc + j);
            wide want = get(d, before, i * ldc + j);
            if (j < n) {
                want = (p->add ? want : 0) + (p->bias ? get(d, bias.start, j) : 0);
                for (int64_t q = 0; q < p->inner; q++) want += (wide)element(d, &a, i, q) * element(d, &b, q, j);
                want = activated(p->act, want);
            }
            if (!(fabs(got - want) <= (exact || j >= n ? 0 : epsilon * (double)(p->inner + 16))))
                fail_msg("%s %s: %d x %d x %d, kinds %d %d, bias %d, add %d, act %d: (%d, %d) is %g, not %Lg", p->arch,
                         dtypes[d], (int)m, (int)n, (int)p->inner, p->a_kind, p->b_kind, p->bias, p->add, p->act,
                         (int)i, (int)j, got, want);
        }
    same_in_pieces(p, &g, before, bytes, 1 + up_to(6), n > 0 ? n : 1, "in other rows");
    same_in_pieces(p, &g, before, bytes, m > 0 ? m : 1, AG__GEMM_NARROW + 1 + up_to(60), "in other columns");
    free(a.memory), free(b.memory), free(c.memory), free(bias.memory), free(before);
}

static product random_product(const ag__kernels *k, int arch, int d)
{
    product p = { .k = k, .arch = archs[arch], .d = d };
    p.a_kind = (int)up_to(ARRANGEMENTS - 1), p.b_kind = (int)up_to(ARRANGEMENTS - 1);
    p.bias = up_to(1), p.add = up_to(1), p.integers = up_to(1);
    p.act = (int[]){ 0, 0, 1 + AG__F_relu, 1 + AG__F_tanh }[up_to(3)];
    return p;
}

static void test_odd_sizes(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int round = 0; round < 500; round++) {
            product p = random_product(k, arch, d);
            p.m = up_to(70), p.n = up_to(70), p.inner = up_to(70);
            if (round % 4 == 0) p.n = up_to(AG__GEMM_NARROW), p.inner = up_to(150); /* few columns */
            if (round % 4 == 1) p.a_kind = BY_ROWS, p.b_kind = (int)up_to(1);       /* what most are */
            check(&p);
        }
        for (int64_t i = 0; i < 125; i++) {
            product p = random_product(k, arch, d);
            p.m = i / 25, p.n = i / 5 % 5, p.inner = i % 5;
            check(&p);
        }
    }
}

/* Past one and several blocks of every kind: of k, of rows, of columns that are packed and kept; and rows a page apart.
 */
static void test_large(void **unused)
{
    (void)unused;
    static const int64_t sizes[][3] = { { 50, 60, 700 },  { 50, 200, 530 }, { 400, 210, 40 },  { 350, 2100, 18 },
                                        { 700, 97, 257 }, { 64, 9, 1000 },  { 1024, 110, 40 }, { 40, 1024, 30 } };
    FOR_EACH_TABLE(k, arch, d)
    {
        for (size_t s = 0; s < 2 * sizeof sizes / sizeof *sizes; s++) {
            product p = random_product(k, arch, d);
            p.m = sizes[s / 2][0], p.n = sizes[s / 2][1], p.inner = sizes[s / 2][2];
            p.a_kind = s % 2, p.b_kind = (int)up_to(1);
            check(&p);
        }
    }
}

/* NaN and infinities reach their own row or column and no other; relu lets NaN through. */
static void test_special(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int64_t n = 1; n <= 120; n += n < 53 ? 4 : 33)
            for (int kind = 0; kind < 4; kind++) {
                int64_t m = kind < 2 ? 13 : 60, inner = kind < 2 ? 20 : 45;
                matrix a = new_matrix(d, m, inner, BY_ROWS, false), b = new_matrix(d, inner, n, kind % 2, false);
                matrix c = new_matrix(d, m, n, BY_ROWS, false);
                int64_t row = up_to(m - 1), col = up_to(n - 1);
                put(d, at(d, a.start, row * inner + 3), 0, NAN);
                put(d, at(d, b.start, 2 * b.row + col * b.col), 0, INFINITY);
                product p = { .k = k, .d = d };
                ag__gemm g = { .m = m, .n = n, .k = inner, .a = a.start, .b = b.start, .c = c.memory, .ldc = n };
                g.a_row = a.row, g.a_col = a.col, g.b_row = b.row, g.b_col = b.col;
                g.act = kind % 2 ? 1 + AG__F_relu : 0;
                run(&p, &g, kind >= 2);
                for (int64_t i = 0; i < m; i++)
                    for (int64_t j = 0; j < n; j++) {
                        double x = get(d, c.memory, i * n + j);
                        bool fine = i == row ? isnan(x) : j == col ? isinf(x) || (g.act && x == 0) : isfinite(x);
                        if (!fine)
                            fail_msg("%s %s: %d x %d x %d: (%d, %d) is %g; NaN in row %d, infinity in column %d",
                                     archs[arch], dtypes[d], (int)m, (int)n, (int)inner, (int)i, (int)j, x, (int)row,
                                     (int)col);
                    }
                free(a.memory), free(b.memory), free(c.memory);
            }
    }
}

/* Against long double; a column has the same bits alone. */
static void test_sum_columns(void **unused)
{
    (void)unused;
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int round = 0; round < 200; round++) {
            int64_t rows = round % 10 ? up_to(40) : up_to(700), n = up_to(90), ld = n + up_to(3);
            matrix x = new_matrix(d, rows, ld, BY_ROWS, false), y = new_matrix(d, 1, n, BY_ROWS, true);
            void *sums = at(d, y.memory, 1);
            double before[91];
            bool add = up_to(1);
            for (int64_t j = 0; j <= n; j++) before[j] = get(d, sums, j);
            k->sum_columns(rows, n, x.start, ld, sums, add);
            assert_true(get(d, sums, n) == before[n]);
            for (int64_t j = 0; j < n; j++) {
                wide want = add ? before[j] : 0;
                for (int64_t i = 0; i < rows; i++) want += get(d, x.start, i * ld + j);
                double got = get(d, sums, j), slack = (d ? DBL_EPSILON : (double)FLT_EPSILON) * (double)(rows + 8);
                assert_true(fabs(got - want) <= slack * 4);
                double alone[1];
                put(d, alone, 0, before[j]);
                k->sum_columns(rows, 1, at(d, x.start, j), ld, alone, add);
                assert_true(get(d, alone, 0) == got);
            }
            free(x.memory), free(y.memory);
        }
    }
}

static void *with_little_stack(void *unused)
{
    (void)unused;
    FOR_EACH_TABLE(k, arch, d)
    {
        check(&(product){ k, archs[arch], d, BY_ROWS, BY_COLUMNS, true, true, true, 0, 50, 60, 300 });
    }
    return NULL;
}
static void test_small_stack(void **unused)
{
    (void)unused;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(AG_SANITIZED)
    skip(); /* whose frames are larger */
#endif
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 65536), 0);
    assert_int_equal(pthread_create(&thread, &attributes, with_little_stack, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_sizes),   cmocka_unit_test(test_large),       cmocka_unit_test(test_special),
        cmocka_unit_test(test_sum_columns), cmocka_unit_test(test_small_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
