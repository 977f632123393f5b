/* Tensors: dtypes, creation, leaves and their owners, looking, reading, writing, assignment. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/ops/apply.h>
#include <autograd/tensor/dtype.h>

static const ag_dtype dtypes[] = { AG_F32, AG_F64, AG_I64, AG_I32, AG_U8, AG_BOOL };
enum { N_DTYPE = 6 };
static const int64_t ones9[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };

static int fresh(void **state)
{
    *state = ag_tape_new();
    return *state == NULL;
}
static int done(void **state)
{
    ag_tape_free(*state);
    return ag_clear_error() != AG_OK;
}

/* The remembered error, forgotten. */
#define assert_fails(code, text)                  \
    do {                                          \
        assert_int_equal(ag_clear_error(), code); \
        assert_string_equal(ag_errmsg(), text);   \
    } while (0)
#define assert_holds(x, ...) \
    assert_true(holds((x), (const double[]){ __VA_ARGS__ }, sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double)))
static bool holds(const ag_tensor *x, const double *v, size_t n)
{
    double have[64];
    if (n > 64 || ag_read(x, have, (int64_t)n)) return false;
    for (size_t i = 0; i < n; i++)
        if (have[i] != v[i] && !(isnan(have[i]) && isnan(v[i]))) return false;
    return true;
}

/* ---- dtypes ----------------------------------------------------------------------------------------------------- */

static void test_dtypes(void **state)
{
    (void)state;
    const char *names[] = { "f32", "f64", "i64", "i32", "u8", "bool" };
    const size_t sizes[] = { 4, 8, 8, 4, 1, 1 };
    for (int i = 0; i < N_DTYPE; i++) {
        assert_string_equal(ag_dtype_name(dtypes[i]), names[i]);
        assert_int_equal(ag_dtype_size(dtypes[i]), sizes[i]);
        assert_int_equal(ag__layout_0d[ag__dtype_index(dtypes[i])].dtype, dtypes[i]);
    }
    assert_int_equal(ag_dtype_size((ag_dtype)7), 0);
    assert_string_equal(ag_dtype_name((ag_dtype)7), "no dtype");
}

static void test_what_a_dtype_holds(void **state)
{
    (void)state;
    static const struct {
        ag_dtype dtype;
        double yes[4], no[4];
    } known[] = {
        { AG_F32, { 0.1, INFINITY, NAN, FLT_MAX }, { 1e39, -1e39, DBL_MAX, 4e38 } },
        { AG_I64, { -0x1p63, 0x1p62, 0, -1 }, { 0x1p63, 0.5, NAN, INFINITY } },
        { AG_I32, { -2147483648.0, 2147483647.0, 0, -1 }, { 2147483648.0, -2147483649.0, 1.5, NAN } },
        { AG_U8, { 0, 255, 1, -0.0 }, { -1, 256, 0.5, NAN } },
        { AG_BOOL, { 0, 1, -0.0, 1 }, { 2, -1, 0.5, NAN } },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        for (int k = 0; k < 4; k++) {
            assert_true(ag__dtype_holds(known[i].dtype, known[i].yes[k]));
            assert_false(ag__dtype_holds(known[i].dtype, known[i].no[k]));
        }
    assert_true(ag__dtype_holds(AG_F64, NAN));
}

/* ---- creation --------------------------------------------------------------------------------------------------- */

static void test_filled(void **state)
{
    (void)state;
    for (int i = 0; i < N_DTYPE; i++) {
        assert_holds(ag_zeros(dtypes[i], 2, 2), 0, 0, 0, 0);
        assert_holds(ag_ones(dtypes[i], 3), 1, 1, 1);
        assert_holds(ag_full(dtypes[i], 1, 1, 2), 1, 1);
        assert_holds(ag_eye(dtypes[i], 2), 1, 0, 0, 1);
        assert_int_equal(ag_dtype_of(ag_zeros(dtypes[i])), dtypes[i]);
        assert_int_equal(ag_numel(ag_ones(dtypes[i], 4, 0)), 0);
        ag_tensor *x = ag_transpose(ag_zeros(dtypes[i], 2, 3), 0, 1), *like = ag_ones_like(x);
        assert_holds(like, 1, 1, 1, 1, 1, 1);
        assert_int_equal(ag_stride(like, 0), 1);
        assert_int_equal(ag_stride(like, 1), 3);
        assert_holds(ag_zeros_like(x), 0, 0, 0, 0, 0, 0);
        assert_ptr_not_equal(like, x);
    }
    for (int rank = 0; rank <= AG_MAX_RANK; rank++) {
        ag_tensor *x = (ag_full)(AG_F64, 0.5, rank, ones9);
        assert_int_equal(ag_rank(x), rank);
        assert_true(ag_item(x) == 0.5);
    }
    assert_int_equal(ag_error(), AG_OK);
    assert_null((ag_zeros)(AG_F32, 9, ones9));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_null(ag_zeros(2, 3));
    assert_fails(AG_EDTYPE, "ag_zeros: 2 is no dtype; the dtype comes first");
    assert_null(ag_full(AG_I32, 2.5, 2));
    assert_fails(AG_EINVAL, "ag_full: i32 cannot hold 2.5");
    assert_null(ag_full(2, 3, 4));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
    assert_null(ag_zeros(AG_F64, INT64_MAX));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_null(ag_zeros(AG_F64, INT64_MAX / 16));
    assert_int_equal(ag_clear_error(), AG_ENOMEM);
    assert_null(ag_ones_like(NULL));
    assert_fails(AG_ENULL, "ag_ones_like: operand 1 is NULL");
    assert_null(ag_eye(AG_F32, -1));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
}

static void test_arange(void **state)
{
    (void)state;
    assert_holds(ag_arange(AG_I64, 0, 5, 1), 0, 1, 2, 3, 4);
    assert_holds(ag_arange(AG_F64, 0, 1, 0.25), 0, 0.25, 0.5, 0.75);
    assert_holds(ag_arange(AG_F32, 5, 0, -2), 5, 3, 1);
    assert_holds(ag_arange(AG_I32, -2, 3, 2), -2, 0, 2);
    assert_holds(ag_arange(AG_U8, 250, 256, 1), 250, 251, 252, 253, 254, 255);
    assert_int_equal(ag_numel(ag_arange(AG_F64, 0, 5, -1)), 0);
    assert_int_equal(ag_numel(ag_arange(AG_F64, 3, 3, 1)), 0);
    assert_int_equal(ag_numel(ag_arange(AG_U8, 300, 300, 1)), 0);
    assert_int_equal(ag_numel(ag_arange(AG_F64, 1, 1.3, 0.1)), 3); /* `to` is out, though 0.3 / 0.1 is above 3 here */
    assert_int_equal(ag_numel(ag_arange(AG_F64, 0, 1, 0.1)), 10);
    assert_int_equal(ag_numel(ag_arange(AG_F64, -1, -1.3, -0.1)), 3);
    int64_t big = INT64_C(1) << 53;
    const int64_t *x = ag_i64(ag_arange(AG_I64, (double)big, (double)(big + 6), 1));
    assert_int_equal(x[5], big + 5); /* odd, which doubles cannot say here */
    assert_int_equal(ag_error(), AG_OK);
    static const double bad[][3] = {
        { 0, 5, 0 },       { 0, INFINITY, 1 },       { NAN, 5, 1 }, { 0, 5, NAN }, { 0, 5, INFINITY },
        { 0, 1e30, 1e-3 }, { -1e308, 1e308, 1e-300 }
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(ag_arange(AG_F64, bad[i][0], bad[i][1], bad[i][2]));
        assert_int_equal(ag_clear_error(), AG_EINVAL);
    }
    assert_null(ag_arange(AG_U8, 250, 258, 1));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_arange(AG_I64, -0x1p63 + 2048, -0x1p63 - 2048, -2100)); /* the last one rounds to -2^63 */
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_arange(AG_I64, 0, 2, 0.5));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_arange(AG_I64, 0.5, 2, 1));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_arange(AG_BOOL, 0, 2, 1));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
}

static void test_linspace(void **state)
{
    (void)state;
    assert_holds(ag_linspace(AG_F64, 0, 1, 5), 0, 0.25, 0.5, 0.75, 1);
    assert_holds(ag_linspace(AG_F32, 1, -1, 3), 1, 0, -1);
    assert_holds(ag_linspace(AG_F64, 2.5, 7, 1), 2.5);
    assert_int_equal(ag_numel(ag_linspace(AG_F64, 0, 1, 0)), 0);
    for (int64_t n = 2; n < 200; n++) {
        const double *x = ag_f64(ag_linspace(AG_F64, 0.1, 0.7, n));
        assert_true(x[0] == 0.1 && x[n - 1] == 0.7);
        for (int64_t i = 1; i < n; i++) assert_true(x[i] > x[i - 1]);
    }
    assert_holds(ag_linspace(AG_F64, -DBL_MAX, DBL_MAX, 3), -DBL_MAX, 0, DBL_MAX);
    assert_int_equal(ag_error(), AG_OK);
    assert_null(ag_linspace(AG_F64, 0, 1, -1));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_linspace(AG_F64, 0, INFINITY, 3));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_linspace(AG_I64, 0, 4, 5));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
}

static void test_from_c_data(void **state)
{
    (void)state;
    double d[3] = { 1, 2, 3 };
    const uint8_t bytes[2] = { 7, 255 };
    const bool flags[2] = { true, false };
    ag_tensor *w = ag_wrap(d, 3), *c = ag_copy(d, 3);
    d[1] = 5;
    assert_holds(w, 1, 5, 3);
    assert_holds(c, 1, 2, 3);
    assert_ptr_equal(ag_f64(w), d);
    assert_holds(ag_wrap(bytes, 2), 7, 255);
    assert_int_equal(ag_dtype_of(ag_copy(flags, 2)), AG_BOOL);
    assert_holds(ag_copy(flags, 2), 1, 0);
    assert_int_equal(ag_numel(ag_wrap_as(AG_F32, NULL, 0)), 0);
    assert_int_equal(ag_numel(ag_copy_as(AG_F32, NULL, 0)), 0);
    assert_int_equal(ag_error(), AG_OK);
    assert_null(ag_wrap_as(AG_F32, NULL, 3));
    assert_fails(AG_ENULL, "ag_wrap: the data of 3 elements is NULL");
    assert_null(ag_copy_as(AG_F32, d, -1));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_null(ag_f64_write(w)); /* nobody writes to wrapped memory, */
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_int_equal(ag_assign(ag_flip(w, 0), c), AG_EINVAL); /* also not by a view */
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_fill(w, 0));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_holds(w, 1, 5, 3);
    assert_holds(ag_mul(ag_wrap(d, 1), 2.0), 2); /* a wrapped single element is not the header's own */
}

static void test_num(void **state)
{
    (void)state;
    ag_tensor *x = ag_num(2.5);
    assert_int_equal(ag_rank(x), 0);
    assert_int_equal(ag_dtype_of(x), AG_F64);
    assert_true(ag_item(x) == 2.5);
    assert_int_equal(ag_dtype_of(ag_mul(ag_ones(AG_F32, 2), ag_num(2))), AG_F32);
}

static void test_no_tape(void **state)
{
    (void)state;
    ag_tape *was = ag_tape_use(NULL);
    assert_null(ag_zeros(AG_F32, 2));
    assert_fails(AG_ETAPE, "ag_zeros: no tape is current; make one with ag_tape_new");
    assert_null(ag_num(1));
    assert_int_equal(ag_clear_error(), AG_ETAPE);
    ag_tensor *x = ag_new(AG_F64, 2); /* leaves need none */
    assert_null(ag_zeros_like(x));
    assert_int_equal(ag_clear_error(), AG_ETAPE);
    assert_int_equal(ag_write(x, ((double[]){ 1, 2 }), 2), AG_OK);
    assert_int_equal(ag_assign(x, x), AG_OK);
    ag_tensor *y = ag_keep(x);
    assert_holds(y, 1, 2);
    ag_free(x);
    ag_free(y);
    ag_tape_use(was);
}

/* ---- leaves ----------------------------------------------------------------------------------------------------- */

static void test_leaves(void **state)
{
    (void)state;
    for (int i = 0; i < N_DTYPE; i++) {
        ag_tensor *x = ag_new(dtypes[i], 3);
        assert_holds(x, 0, 0, 0);
        assert_true(ag_is_mine(x) && !ag_requires_grad(x));
        assert_int_equal((uintptr_t)x->data % 64, 0);
        ag_free(x);
    }
    ag_tensor *w = ag_param(AG_F32, 2, 2);
    assert_true(ag_is_mine(w) && ag_requires_grad(w));
    assert_null(ag_grad_of(w));
    assert_int_equal(ag_error(), AG_OK);
    assert_ptr_equal(ag_retain(w), w);
    ag_free(w);
    assert_holds(w, 0, 0, 0, 0); /* one owner is left */
    assert_ptr_equal(ag_freeze(w, true), w);
    assert_false(ag_requires_grad(w));
    ag_freeze(w, true);
    ag_freeze(w, false);
    assert_true(ag_requires_grad(w));
    ag_free(w);
    ag_free(NULL);
    ag_tensor *x = ag_new(AG_F32, 2);
    ag_freeze(x, false); /* not a parameter, so it does not become one */
    assert_false(ag_requires_grad(x));
    ag_free(x);
    x = ag_new(AG_F64, 3, 0);
    assert_int_equal(ag_numel(x), 0);
    ag_free(x);
    assert_int_equal(ag_error(), AG_OK);
    assert_null(ag_new(AG_F64, INT64_MAX / 8));
    assert_int_equal(ag_clear_error(), AG_ENOMEM);
    assert_null(ag_new(AG_F64, INT64_MAX / 4));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_null(ag_param(AG_I64, 2));
    assert_fails(AG_EDTYPE, "ag_param: needs f32 or f64, got i64 [2]");
}

static void test_leaves_from_values(void **state)
{
    ag_tensor *x = ag_transpose(ag_reshape(ag_arange(AG_F64, 0, 6, 1), 2, 3), 0, 1);
    ag_tensor *k = ag_keep(x), *p = ag_param_like(x);
    assert_true(ag_is_contiguous(k) && ag_is_contiguous(p) && !ag_is_contiguous(x));
    assert_true(!ag_requires_grad(k) && ag_requires_grad(p));
    ag_tape_reset(*state);
    assert_holds(k, 0, 3, 1, 4, 2, 5);
    assert_holds(p, 0, 3, 1, 4, 2, 5);
    ag_free(k);
    ag_free(p);
    k = ag_keep(ag_ones(AG_BOOL));
    assert_true(ag_rank(k) == 0 && ag_dtype_of(k) == AG_BOOL && ag_item(k) == 1);
    ag_free(k);
    assert_null(ag_param_like(ag_ones(AG_I32, 2)));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
    assert_null(ag_keep(NULL));
    assert_fails(AG_ENULL, "ag_keep: operand 1 is NULL");
}

static void test_a_leaf_outlives_its_owner_on_a_tape(void **state)
{
    (void)state;
    ag_tensor *w = ag_param(AG_F64, 2);
    ag_fill(w, 3);
    ag_tensor *y = ag_sum(ag_square(w));
    ag_free(w); /* the tape still reads it */
    assert_true(ag_item(y) == 18);
    assert_int_equal(ag_backward(y), AG_OK);
}

static void test_gradients_of_leaves(void **state)
{
    (void)state;
    ag_tensor *w = ag_param(AG_F64, 2);
    ag_fill(w, 3);
    assert_int_equal(ag_backward(ag_sum(ag_square(w))), AG_OK);
    assert_holds(ag_grad_of(w), 6, 6);
    ag_free(w); /* and its gradient with it */
    assert_null(ag_grad_of(ag_ones(AG_F64, 2)));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
}

static void test_only_leaves_have_owners(void **state)
{
    (void)state;
    ag_tensor *x = ag_ones(AG_F32, 2);
    ag_free(x);
    assert_fails(AG_EINVAL, "ag_free: the temporary [2] belongs to its tape");
    assert_null(ag_retain(x));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_freeze(x, true));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_false(ag_is_mine(x));
    assert_holds(x, 1, 1);
}

/* ---- handles and looking ---------------------------------------------------------------------------------------- */

static void test_stale_and_foreign(void **state)
{
    ag_tensor *x = ag_ones(AG_F32, 2), *leaf = ag_new(AG_F32, 2);
    ag_tape *second = ag_tape_new();
    assert_true(ag_at(x, 1) == 1); /* looking is fine on another tape, computing is not */
    assert_null(ag_zeros_like(x));
    assert_fails(AG_ETAPE, "ag_zeros_like: operand 1 belongs to another tape than the current one");
    assert_non_null(ag_zeros_like(leaf));
    ag_tape_free(second);
    ag_tape_reset(*state);
    assert_true(isnan(ag_at(x, 1)));
    assert_fails(AG_ESTALE, "ag_at: operand 1 was released by a reset of its tape");
    assert_int_equal(ag_assign(leaf, x), AG_ESTALE);
    ag_clear_error();
    ag_free(x);
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    ag_free(leaf);
}

static void test_looking(void **state)
{
    (void)state;
    ag_tensor *x = ag_zeros(AG_I32, 2, 3, 4);
    assert_int_equal(ag_rank(x), 3);
    assert_int_equal(ag_size(x, 0), 2);
    assert_int_equal(ag_size(x, -1), 4);
    assert_int_equal(ag_stride(x, -2), 4);
    assert_int_equal(ag_numel(x), 24);
    assert_true(ag_is_contiguous(x));
    assert_false(ag_is_contiguous(ag_transpose(x, 0, 1)));
    assert_int_equal(ag_stride(ag_expand(ag_ones(AG_F32, 1), 5), 0), 0);
    assert_int_equal(ag_stride(ag_flip(x, 2), 2), -1);
    assert_int_equal(ag_size(x, 3), 0);
    assert_fails(AG_EINVAL, "ag_size: axis 3 of [2,3,4]");
    assert_int_equal(ag_stride(x, -4), 0);
    assert_fails(AG_EINVAL, "ag_stride: axis -4 of [2,3,4]");
    assert_int_equal(ag_numel(NULL), 0);
    assert_fails(AG_ENULL, "ag_numel: operand 1 is NULL");
    assert_false(ag_is_contiguous(NULL) || ag_is_mine(NULL) || ag_requires_grad(NULL));
    assert_fails(AG_ENULL, "ag_is_contiguous: operand 1 is NULL"); /* the first of them */
}

/* ---- reading and writing ---------------------------------------------------------------------------------------- */

static void test_item_and_at(void **state)
{
    (void)state;
    for (int i = 0; i < N_DTYPE; i++) assert_true(ag_item(ag_ones(dtypes[i], 1, 1)) == 1);
    ag_tensor *x = ag_reshape(ag_arange(AG_I64, 0, 6, 1), 2, 3);
    assert_true(ag_at(x, 1, 2) == 5 && ag_at(ag_transpose(x, 0, 1), 2, 1) == 5 && ag_at(ag_flip(x, 1), 0, 0) == 2);
    assert_true(ag_at(ag_num(4)) == 4);
    assert_int_equal(ag_error(), AG_OK);
    assert_true(isnan(ag_item(x)));
    assert_fails(AG_ESHAPE, "ag_item: [2,3] does not hold one element");
    assert_true(isnan(ag_item(ag_zeros(AG_F32, 0))));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_true(isnan(ag_at(x, 1)));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_true(isnan(ag_at(x, 0, 3)));
    assert_fails(AG_EINVAL, "ag_at: index 3 is outside axis 1 of [2,3]");
    assert_true(isnan(ag_at(x, -1, 0)));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_true(isnan((ag_at)(x, 2, NULL)));
    assert_int_equal(ag_clear_error(), AG_ENULL);
}

static void test_pointers(void **state)
{
    (void)state;
    assert_non_null(ag_f32(ag_ones(AG_F32, 2)));
    assert_non_null(ag_f64(ag_ones(AG_F64, 2)));
    assert_non_null(ag_i64(ag_ones(AG_I64, 2)));
    assert_non_null(ag_i32(ag_ones(AG_I32, 2)));
    assert_non_null(ag_u8(ag_ones(AG_U8, 2)));
    assert_int_equal(ag_u8(ag_ones(AG_BOOL, 2))[1], 1);
    ag_tensor *x = ag_reshape(ag_arange(AG_F32, 0, 6, 1), 2, 3), *row = ag_select(x, 0, 1);
    uint32_t version = ag_version_of(x);
    assert_true(ag_f32(row)[0] == 3); /* a contiguous part */
    assert_int_equal(ag_version_of(x), version);
    ag_f32_write(row)[0] = 9;
    assert_true(ag_at(x, 1, 0) == 9);
    assert_true(ag_version_of(x) > version && ag_version_of(row) == ag_version_of(x));
    assert_null(ag_f64(x));
    assert_fails(AG_EDTYPE, "ag_f64: f32 [2,3] is not f64");
    assert_null(ag_f32(ag_transpose(x, 0, 1)));
    assert_fails(AG_EINVAL, "ag_f32: [3,2] is not contiguous; ag_contiguous makes a copy");
    assert_null(ag_i32_write(NULL));
    assert_fails(AG_ENULL, "ag_i32_write: operand 1 is NULL");
}

static double converted(double v, ag_dtype from, ag_dtype to)
{
    ag_tensor *x = ag_zeros(from, 1), *y = ag_zeros(to, 1);
    assert_int_equal(ag_write(x, &v, 1), AG_OK);
    assert_int_equal(ag_assign(y, x), AG_OK);
    return ag_item(y);
}

static void test_conversions(void **state)
{
    (void)state;
    for (int i = 0; i < N_DTYPE; i++)
        for (int k = 0; k < N_DTYPE; k++) {
            assert_true(converted(1, dtypes[i], dtypes[k]) == 1);
            assert_true(converted(0, dtypes[i], dtypes[k]) == 0);
            bool truth = dtypes[i] == AG_BOOL || dtypes[k] == AG_BOOL;
            assert_true(converted(77, dtypes[i], dtypes[k]) == (truth ? 1 : 77));
        }
    for (int i = 0; i < 2; i++) {
        assert_true(converted(-2.75, dtypes[i], AG_I64) == -2 && converted(2.75, dtypes[i], AG_I32) == 2);
        assert_true(converted(0.25, dtypes[i], AG_BOOL) == 1 && converted(NAN, dtypes[i], AG_BOOL) == 1);
        assert_true(converted(NAN, dtypes[i], AG_I64) == 0 && converted(NAN, dtypes[i], AG_U8) == 0);
        assert_true(converted(1e30, dtypes[i], AG_I64) == (double)INT64_MAX);
        assert_true(converted(-1e30, dtypes[i], AG_I64) == (double)INT64_MIN);
        assert_true(converted(INFINITY, dtypes[i], AG_I32) == INT32_MAX);
        assert_true(converted(3e9, dtypes[i], AG_I32) == INT32_MAX && converted(-3e9, dtypes[i], AG_I32) == INT32_MIN);
        assert_true(converted(-INFINITY, dtypes[i], AG_I32) == INT32_MIN);
        assert_true(converted(300, dtypes[i], AG_U8) == 255 && converted(-3, dtypes[i], AG_U8) == 0);
    }
    assert_true(converted(1e300, AG_F64, AG_F32) == INFINITY);
    assert_true(converted(-1, AG_I64, AG_U8) == 255); /* whole numbers wrap around */
    int64_t big = (INT64_C(1) << 53) + 1, back = 0;
    ag_tensor *x = ag_copy(&big, 1);
    assert_int_equal(ag_read(x, &back, 1), AG_OK);
    assert_int_equal(back, big);
}

static void test_read_and_write(void **state)
{
    (void)state;
    ag_tensor *x = ag_transpose(ag_zeros(AG_F32, 3, 2), 0, 1);
    uint32_t version = ag_version_of(x);
    assert_int_equal(ag_write(x, ((int32_t[]){ 1, 2, 3, 4, 5, 6 }), 6), AG_OK);
    assert_true(ag_version_of(x) > version);
    assert_true(ag_at(x, 0, 1) == 2 && ag_at(x, 1, 0) == 4);
    uint8_t bytes[6];
    assert_int_equal(ag_read(x, bytes, 6), AG_OK);
    for (int i = 0; i < 6; i++) assert_int_equal(bytes[i], i + 1);
    assert_int_equal(ag_read_as(AG_F32, ag_zeros(AG_F32, 0), NULL, 0), AG_OK);
    assert_int_equal(ag_read(x, bytes, 5), AG_ESHAPE);
    assert_fails(AG_ESHAPE, "ag_read: 5 elements asked of [2,3]");
    assert_int_equal(ag_write(x, bytes, 7), AG_ESHAPE);
    assert_fails(AG_ESHAPE, "ag_write: 7 elements given for [2,3]");
    assert_int_equal(ag_read_as(AG_F32, x, NULL, 6), AG_ENULL);
    ag_clear_error();
    assert_int_equal(ag_read_as((ag_dtype)5, x, bytes, 6), AG_EDTYPE);
    ag_clear_error();
    ag_fail(AG_EUSER, "before");
    bytes[0] = 99;
    assert_int_equal(ag_read(x, bytes, 6), AG_EUSER); /* tells what went wrong before, and still reads */
    assert_int_equal(bytes[0], 1);
    ag_clear_error();
    assert_int_equal(ag_read(NULL, bytes, 6), AG_ENULL);
    assert_fails(AG_ENULL, "ag_read: operand 1 is NULL");
}

static void test_fill(void **state)
{
    (void)state;
    ag_tensor *x = ag_zeros(AG_U8, 2, 3);
    uint32_t version = ag_version_of(x);
    assert_ptr_equal(ag_fill(x, 7), x);
    assert_int_equal(ag_version_of(x), version + 1);
    assert_non_null(ag_fill(ag_slice_step(x, 1, 0, 3, 2), 9));
    assert_holds(x, 9, 7, 9, 9, 7, 9);
    assert_null(ag_fill(x, 256));
    assert_fails(AG_EINVAL, "ag_fill: u8 cannot hold 256");
    assert_null(ag_fill(ag_expand(ag_select(x, 0, 0), 4, 3), 1));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_holds(x, 9, 7, 9, 9, 7, 9);
    assert_non_null(ag_fill(ag_zeros(AG_F32, 0, 2), 1));
    assert_non_null(ag_fill(ag_zeros(AG_F32, 2, 0), 1));
    assert_int_equal(ag_stride(ag_zeros(AG_F32, 2, 0, 3), 0), 3); /* as if the size were 1 */
}

static void test_assign(void **state)
{
    (void)state;
    ag_tensor *x = ag_zeros(AG_F64, 2, 3);
    uint32_t version = ag_version_of(x);
    assert_int_equal(ag_assign(x, ag_arange(AG_I32, 0, 3, 1)), AG_OK);
    assert_holds(x, 0, 1, 2, 0, 1, 2);
    assert_int_equal(ag_version_of(x), version + 1);
    assert_int_equal(ag_assign(ag_select(x, 1, 0), ag_num(8)), AG_OK);
    assert_holds(x, 8, 1, 2, 8, 1, 2);
    assert_int_equal(ag_assign(x, ag_zeros(AG_F64, 4, 2, 3)), AG_ESHAPE);
    assert_fails(AG_ESHAPE, "ag_assign: [4,2,3] does not broadcast to [2,3]");
    assert_int_equal(ag_assign(ag_zeros(AG_F64, 1), x), AG_ESHAPE);
    ag_clear_error();
    assert_int_equal(ag_assign(x, NULL), AG_ENULL);
    assert_fails(AG_ENULL, "ag_assign: operand 2 is NULL");
    assert_int_equal(ag_assign(ag_expand(x, 2, 2, 3), x), AG_EINVAL);
    ag_clear_error();
    assert_int_equal(ag_assign(ag_zeros(AG_F32, 0), ag_zeros(AG_F32, 1)), AG_OK);
}

/* Where both lie in the same memory, the old values count. */
static void test_assign_within(void **state)
{
    (void)state;
    for (int mine = 0; mine < 2; mine++) {
        ag_tensor *x = mine ? ag_keep(ag_arange(AG_F32, 0, 6, 1)) : ag_arange(AG_F32, 0, 6, 1);
        assert_int_equal(ag_assign(x, ag_flip(x, 0)), AG_OK);
        assert_holds(x, 5, 4, 3, 2, 1, 0);
        assert_int_equal(ag_assign(ag_slice(x, 0, 1, 6), ag_slice(x, 0, 0, 5)), AG_OK);
        assert_holds(x, 5, 5, 4, 3, 2, 1);
        assert_int_equal(ag_assign(ag_slice(x, 0, 0, 5), ag_slice(x, 0, 1, 6)), AG_OK);
        assert_holds(x, 5, 4, 3, 2, 1, 1);
        assert_int_equal(ag_assign(x, ag_slice(x, 0, 1, 2)), AG_OK);
        assert_holds(x, 4, 4, 4, 4, 4, 4);
        if (mine) {
            ag_f32_write(x)[0] = 1;
            assert_int_equal(ag_assign(x, ag_wrap(ag_f32(x), 1)), AG_OK); /* the same memory by another way */
            assert_holds(x, 1, 1, 1, 1, 1, 1);
            ag_free(x);
        }
    }
    ag_tensor *x = ag_arange(AG_F64, 0, 6, 1);
    assert_int_equal(ag_assign(ag_slice(x, 0, 0, 4), ag_flip(ag_slice(x, 0, 1, 5), 0)), AG_OK);
    assert_holds(x, 4, 3, 2, 1, 4, 5);
    ag_tensor *m = ag_reshape(ag_arange(AG_I64, 0, 9, 1), 3, 3);
    assert_int_equal(ag_assign(m, ag_transpose(m, 0, 1)), AG_OK);
    assert_holds(m, 0, 3, 6, 1, 4, 7, 2, 5, 8);
}

#define ON_TAPE(f) cmocka_unit_test_setup_teardown(f, fresh, done)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dtypes),
        cmocka_unit_test(test_what_a_dtype_holds),
        ON_TAPE(test_filled),
        ON_TAPE(test_arange),
        ON_TAPE(test_linspace),
        ON_TAPE(test_from_c_data),
        ON_TAPE(test_num),
        ON_TAPE(test_no_tape),
        ON_TAPE(test_leaves),
        ON_TAPE(test_leaves_from_values),
        ON_TAPE(test_a_leaf_outlives_its_owner_on_a_tape),
        ON_TAPE(test_gradients_of_leaves),
        ON_TAPE(test_only_leaves_have_owners),
        ON_TAPE(test_stale_and_foreign),
        ON_TAPE(test_looking),
        ON_TAPE(test_item_and_at),
        ON_TAPE(test_pointers),
        ON_TAPE(test_conversions),
        ON_TAPE(test_read_and_write),
        ON_TAPE(test_fill),
        ON_TAPE(test_assign),
        ON_TAPE(test_assign_within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
