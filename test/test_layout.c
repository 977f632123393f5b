/* Layouts: which are dense, what is refused, the table that shares them, broadcasting, their text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/tensor/layout.h>

static const ag_dtype dtypes[] = { AG_F32, AG_F64, AG_I64, AG_I32, AG_U8, AG_BOOL };
enum { N_DTYPE = 6 };
static const int64_t ones9[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };

/* The remembered error, forgotten. */
#define assert_fails(code, text)                  \
    do {                                          \
        assert_int_equal(ag_clear_error(), code); \
        assert_string_equal(ag_errmsg(), text);   \
    } while (0)

static ag__layout layout(int rank, const int64_t *dims, const int64_t *strides)
{
    ag__layout l;
    assert_true(ag__layout_set(&l, AG_F32, rank, dims, strides, "test"));
    return l;
}
#define DIMS(...) ((const int64_t[]){ __VA_ARGS__ })

static void test_layout_kinds(void **state)
{
    (void)state;
    static const struct {
        int rank;
        int64_t dims[4], strides[4];
        bool dense, contiguous;
    } known[] = {
        { 2, { 2, 3 }, { 3, 1 }, true, true },
        { 2, { 2, 3 }, { 1, 2 }, true, false },               /* transposed */
        { 4, { 2, 3, 4, 5 }, { 60, 1, 15, 3 }, true, false }, /* channels last */
        { 2, { 2, 3 }, { 6, 2 }, false, false },              /* every other column */
        { 2, { 2, 3 }, { 0, 1 }, false, false },              /* expanded */
        { 2, { 2, 3 }, { -3, 1 }, false, false },             /* flipped */
        { 2, { 2, 3 }, { 4, 1 }, false, false },              /* with gaps */
        { 3, { 2, 1, 3 }, { 3, 77, 1 }, true, true },         /* strides of size-1 axes mean nothing */
        { 3, { 1, 2, 3 }, { -5, 1, 2 }, true, false },
        { 3, { 1, 1, 1 }, { 9, 0, -4 }, true, true },
        { 2, { 0, 3 }, { 7, 7 }, true, true }, /* nothing is in any order */
        { 2, { 2, 2 }, { 1, 1 }, false, false },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ag__layout l = layout(known[i].rank, known[i].dims, known[i].strides);
        assert_int_equal(l.dense, known[i].dense);
        assert_int_equal(l.contiguous, known[i].contiguous);
    }
    ag__layout l = layout(3, DIMS(4, 1, 5), DIMS(1, 123, 4));
    assert_true(l.dense && !l.contiguous);
    assert_int_equal(l.strides[0], 1);
    assert_int_equal(l.strides[1], 5);
    assert_int_equal(l.strides[2], 4);
    assert_int_equal(l.numel, 20);
    assert_int_equal(l.item, 4);
}

static void test_layout_limits(void **state)
{
    (void)state;
    ag__layout l;
    for (int rank = 0; rank <= AG_MAX_RANK; rank++) assert_true(ag__layout_set(&l, AG_U8, rank, ones9, NULL, "test"));
    assert_false(ag__layout_set(&l, AG_U8, 9, ones9, NULL, "ag_x"));
    assert_fails(AG_ESHAPE, "ag_x: rank 9 is not in 0..8");
    assert_false(ag__layout_set(&l, AG_U8, -1, ones9, NULL, "ag_x"));
    assert_fails(AG_ESHAPE, "ag_x: rank -1 is not in 0..8");
    assert_false(ag__layout_set(&l, (ag_dtype)3, 1, ones9, NULL, "ag_x"));
    assert_fails(AG_EDTYPE, "ag_x: 3 is no dtype; the dtype comes first");
    assert_false(ag__layout_set(&l, AG_U8, 2, DIMS(2, -1), NULL, "ag_x"));
    assert_fails(AG_ESHAPE, "ag_x: negative size in [2,-1]");
    assert_false(ag__layout_set(&l, AG_U8, 2, NULL, NULL, "ag_x"));
    assert_fails(AG_ENULL, "ag_x: the sizes are NULL");
    assert_true(ag__layout_set(&l, AG_U8, 1, DIMS(INT64_MAX), NULL, "ag_x"));
    assert_false(ag__layout_set(&l, AG_I32, 1, DIMS(INT64_MAX / 4 + 1), NULL, "ag_x")); /* by the item's size */
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_false(ag__layout_set(&l, AG_U8, 3, DIMS(INT64_C(1) << 32, INT64_C(1) << 32, 0), NULL, "ag_x"));
    assert_fails(AG_ESHAPE, "ag_x: [4294967296,4294967296,0] of u8 is more than memory can hold");
}

static void test_interning(void **state)
{
    (void)state;
    ag__budget budget = { 0 };
    ag__layouts t = { .arena.budget = &budget };
    const ag__layout *a = ag__layout_get(&t, AG_F32, 2, DIMS(2, 3), "test");
    assert_ptr_equal(a, ag__layout_get(&t, AG_F32, 2, DIMS(2, 3), "test"));
    assert_ptr_not_equal(a, ag__layout_get(&t, AG_F64, 2, DIMS(2, 3), "test"));
    assert_ptr_not_equal(a, ag__layout_get(&t, AG_F32, 2, DIMS(3, 2), "test"));
    assert_ptr_not_equal(a, ag__layout_get(&t, AG_F32, 3, DIMS(2, 3, 1), "test"));
    assert_ptr_equal(a->dense_form, a);
    ag__layout other = layout(2, DIMS(2, 3), DIMS(1, 2));
    const ag__layout *b = ag__layout_intern(&t, &other);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(b->dense_form, b);
    other = layout(2, DIMS(2, 3), DIMS(0, 1));
    assert_ptr_equal(ag__layout_intern(&t, &other)->dense_form, a);
    for (int i = 0; i < N_DTYPE; i++)
        assert_ptr_equal(ag__layout_get(&t, dtypes[i], 0, NULL, "test"), &ag__layout_0d[ag__dtype_index(dtypes[i])]);

    const ag__layout *many[2000]; /* the table grows under them */
    for (int64_t i = 0; i < 2000; i++) many[i] = ag__layout_get(&t, AG_I32, 2, DIMS(i, 7), "test");
    for (int64_t i = 0; i < 2000; i++) {
        assert_ptr_equal(many[i], ag__layout_get(&t, AG_I32, 2, DIMS(i, 7), "test"));
        assert_int_equal(many[i]->dims[0], i);
    }
    ag__layouts_free(&t);
    assert_int_equal(budget.reserved, 0);
}

static void test_layout_like(void **state)
{
    (void)state;
    ag__layouts t = { 0 };
    ag__layout nhwc = layout(4, DIMS(2, 3, 4, 5), DIMS(60, 1, 15, 3));
    const ag__layout *l = ag__layout_like(&t, AG_F64, 4, DIMS(2, 6, 4, 5), &nhwc, "test");
    assert_memory_equal(l->strides, DIMS(120, 1, 30, 6), 4 * sizeof(int64_t));
    assert_true(l->dense && !l->contiguous && l->dtype == AG_F64);
    ag__layout flipped = layout(2, DIMS(2, 3), DIMS(-1, 2)); /* order counts, not direction */
    l = ag__layout_like(&t, AG_F32, 2, DIMS(2, 3), &flipped, "test");
    assert_memory_equal(l->strides, DIMS(1, 2), 2 * sizeof(int64_t));
    ag__layout expanded = layout(3, DIMS(2, 3, 4), DIMS(4, 0, 1)); /* says nothing about axis 1 */
    assert_true(ag__layout_like(&t, AG_F32, 3, DIMS(2, 3, 4), &expanded, "test")->contiguous);
    assert_true(ag__layout_like(&t, AG_F32, 4, DIMS(2, 0, 4, 5), &nhwc, "test")->contiguous);
    ag__layouts_free(&t);
}

static bool broadcasts(int rank, const int64_t *dims, int rank2, const int64_t *dims2, int rank3, const int64_t *dims3)
{
    ag__layout a = layout(rank, dims, NULL), b = layout(rank2, dims2, NULL);
    int n = a.rank;
    int64_t out[AG_MAX_RANK];
    memcpy(out, a.dims, sizeof out);
    if (!ag__broadcast(&n, out, &b)) return rank3 < 0;
    return n == rank3 && !memcmp(out, dims3, (size_t)n * sizeof *out);
}

static void test_broadcast(void **state)
{
    (void)state;
    assert_true(broadcasts(2, DIMS(2, 3), 1, DIMS(3), 2, DIMS(2, 3)));
    assert_true(broadcasts(1, DIMS(3), 3, DIMS(4, 1, 1), 3, DIMS(4, 1, 3)));
    assert_true(broadcasts(0, DIMS(0), 2, DIMS(2, 3), 2, DIMS(2, 3)));
    assert_true(broadcasts(2, DIMS(2, 3), 0, DIMS(0), 2, DIMS(2, 3)));
    assert_true(broadcasts(2, DIMS(1, 0), 2, DIMS(5, 1), 2, DIMS(5, 0)));
    assert_true(broadcasts(1, DIMS(3), 1, DIMS(2), -1, NULL));
    assert_true(broadcasts(1, DIMS(0), 1, DIMS(2), -1, NULL));
    assert_true(broadcasts(8, ones9, 1, DIMS(7), 8, DIMS(1, 1, 1, 1, 1, 1, 1, 7)));
}

static void test_dims_text(void **state)
{
    (void)state;
    assert_string_equal(ag__dims_text(0, NULL), "[]");
    assert_string_equal(ag__dims_text(2, DIMS(2, -3)), "[2,-3]");
    int64_t low[8];
    for (int i = 0; i < 8; i++) low[i] = INT64_MIN;
    assert_int_equal(strlen(ag__dims_text(8, low)), 8 * 20 + 7 + 2);
    const char *a = ag__dims_text(1, DIMS(5)), *b = ag__dims_text(1, DIMS(7)); /* side by side */
    assert_string_equal(a, "[5]");
    assert_string_equal(b, "[7]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_kinds), cmocka_unit_test(test_layout_limits), cmocka_unit_test(test_interning),
        cmocka_unit_test(test_layout_like),  cmocka_unit_test(test_broadcast),     cmocka_unit_test(test_dims_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
