/* test_order.c - statistics, order, shapes and indices where samples do not reach: PyTorch's values at ties, NaN and
 * zeros; lists of views; the places of results; whole numbers; the ends of the range. */
#include "parity.h"
#include <setjmp.h>
#include <stdarg.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <cmocka.h>

static ag_tape *tape;
static int begin(void **state)
{
    (void)state;
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    int failed = ag_clear_error() != AG_OK;
    ag_tape_free(tape);
    return failed;
}

#define IN(...) \
    ag_copy(((const double[]){ __VA_ARGS__ }), (int64_t)(sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double)))
#define WHOLE(...) \
    ag_copy(((const int64_t[]){ __VA_ARGS__ }), (int64_t)(sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)))

/* Are these the elements of y, in row-major order? NaN equals NaN. */
static void is(ag_tensor *y, ag_tensor *expected)
{
    double a[64], b[64];
    int64_t n = ag_numel(expected);
    assert_non_null(y);
    assert_true(n <= 64 && ag_numel(y) == n);
    assert_int_equal(ag_read(y, a, n), AG_OK);
    assert_int_equal(ag_read(expected, b, n), AG_OK);
    for (int64_t i = 0; i < n; i++)
        if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i])))
            fail_msg("element %d is %.17g, not %.17g", (int)i, a[i], b[i]);
}

static void as_pytorch(void **state)
{
    (void)state;
    FILE *out = tmpfile();
    char line[256] = "";
    assert_non_null(out);
    int status = parity_run("test/golden/reduce.jsonl.gz", NULL, out, out);
    rewind(out);
    while (fgets(line, sizeof line, out))
        if (strncmp(line, "no cases", 8)) print_message("# %s", line);
    fclose(out);
    assert_int_equal(status, 0);
}

/* ---- lists ---- */

static void parts_are_views(void **state)
{
    (void)state;
    ag_tensor *x = ag_reshape(ag_arange(AG_F64, 0, 10, 1), 5, 2);
    ag_list y = ag_split(x, 2, 0);
    assert_int_equal(y.n, 3);
    is(y.at[1], IN(4, 5, 6, 7));
    is(y.at[2], IN(8, 9));
    ag_fill(y.at[2], -1);
    assert_true(ag_at(x, 4, 1) == -1);
    y = ag_split_sizes(x, AG_SIZES(1, 0, 4), 0);
    assert_int_equal(y.n, 3);
    assert_int_equal(ag_numel(y.at[1]), 0);
    assert_int_equal(ag_chunk(x, 4, 0).n, 3); /* of 2, 2 and 1 */
    assert_int_equal(ag_chunk(x, 9, 0).n, 5);
    assert_int_equal(ag_chunk(ag_zeros(AG_F64, 0, 2), 3, 0).n, 3);
    assert_int_equal(ag_split(ag_zeros(AG_F64, 0, 2), 4, 0).n, 1);
    y = ag_unbind(x, -1);
    assert_int_equal(y.n, 2);
    is(y.at[1], IN(1, 3, 5, 7, -1));
    y = ag_meshgrid(AG_LIST(IN(1, 2), IN(3, 4, 5)), true);
    is(y.at[0], IN(1, 2, 1, 2, 1, 2));
    is(y.at[1], IN(3, 3, 4, 4, 5, 5));
}

static void parts_are_differentiated(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(IN(1, 2, 3, 4, 5));
    ag_list y = ag_split_sizes(x, AG_SIZES(2, 3), 0);
    is(ag_grad(ag_mul(ag_sum(y.at[0]), ag_sum(y.at[1])), x), IN(12, 12, 3, 3, 3));
}

/* ---- places ---- */

static void places_of_results(void **state)
{
    (void)state;
    double nan = (double)NAN;
    ag_tensor *i, *x = IN(2, nan, -0.0, 5, 0, 2);
    is(ag_sort(x, 0, .index = &i), IN(0, 0, 2, 2, 5, nan));
    is(i, IN(2, 4, 0, 5, 3, 1)); /* -0 and 0 keep their order */
    is(ag_sort(x, 0, .descending = true, .index = &i), IN(nan, 5, 2, 2, 0, 0));
    is(i, IN(1, 3, 0, 5, 2, 4));
    is(ag_topk(x, 3, 0, .smallest = true, .index = &i), IN(0, 0, 2));
    is(ag_kthvalue(x, 6, 0, .index = &i), IN(nan));
    is(i, IN(1));
    is(ag_mode(x, 0, .index = &i), IN(0));
    is(i, IN(4));
    is(ag_cummax(IN(1, 3, 3, 2, nan, 7), 0, .index = &i), IN(1, 3, 3, 3, nan, nan));
    is(i, IN(0, 1, 2, 2, 4, 4));
    is(ag_cummin(IN(3, 1, 1, 2), 0, .index = &i), IN(3, 1, 1, 1));
    is(i, IN(0, 1, 2, 2));
    is(ag_median(x, .axes = AG_AXES(0), .index = &i), IN(nan));
    is(i, IN(1));
    is(ag_nanmedian(x, .axes = AG_AXES(0), .index = &i), IN(2));
    is(i, IN(0));
    is(ag_searchsorted(IN(1, 2, 2, 3), IN(nan, 2, -1, INFINITY), false), IN(4, 1, 0, 4));
    is(ag_searchsorted(IN(1, 2, 2, 3), IN(nan, 2, -1, INFINITY), true), IN(4, 3, 0, 4));
    assert_null(ag_sort(x, 3, .index = &i));
    assert_null(i);
    ag_clear_error();
}

static void whole_numbers(void **state)
{
    (void)state;
    int64_t most = INT64_MAX;
    ag_tensor *x = WHOLE(most, most - 1, -most), *small = ag_to(WHOLE(3, 1, 2), AG_I32);
    ag_tensor *order = ag_argsort(x, 0);
    is(order, IN(2, 1, 0)); /* which doubles could not tell */
    assert_true(ag_i64(ag_sort(x, 0))[2] == most);
    is(ag_cumsum(small, 0), IN(3, 4, 6));
    assert_int_equal(ag_dtype_of(ag_cumsum(small, 0)), AG_I64);
    assert_int_equal(ag_dtype_of(ag_prod(ag_to(small, AG_U8))), AG_I64);
    is(ag_prod(small), IN(6));
    is(ag_prod(ag_zeros(AG_I32, 0)), IN(1));
    is(ag_cumprod(small, 0), IN(3, 3, 6));
    is(ag_pad(small, AG_SIZES(1, 1), .value = 7), IN(7, 3, 1, 2, 7));
    is(ag_tril(ag_reshape(small, 1, 3), 1), IN(3, 1, 0));
    is(ag_median(small), IN(2));
    is(ag_masked_fill(small, ag_gt(small, 1.0), ag_num(-1)), IN(-1, 1, -1));
    is(ag_scatter(small, 0, WHOLE(0, 0), ag_to(WHOLE(8, 9), AG_I32)), IN(9, 1, 2)); /* the last stays */
    is(ag_index_put(small, AG_LIST(ag_gt(small, 1.0)), ag_num(0), false), IN(0, 1, 0));
    is(ag_repeat_interleave(small, small, 0), IN(3, 3, 3, 1, 2, 2));
}

/* ---- the ends of the range ---- */

static void variance_at_the_ends(void **state)
{
    (void)state;
    double big = 1e308, tiny = 5e-324;
    static const double correction = AG_ZERO;
    is(ag_var(IN(big, big, big)), IN(0));
    is(ag_var(IN(big, -big)), IN(INFINITY));
    is(ag_var(IN(tiny, 2 * tiny)), IN(0));
    is(ag_var(IN(INFINITY, 1)), IN((double)NAN));
    is(ag_var(IN(1)), IN((double)NAN));
    is(ag_var(IN(1), .correction = correction), IN(0));
    is(ag_std(ag_full(AG_F64, 0.1, 10)), IN(0)); /* whose sum is not 1 */
    is(ag_var(IN(1), .correction = 2), IN((double)NAN));
    is(ag_var(IN(1e9 + 1, 1e9 + 2, 1e9 + 6)), IN(7));
    ag_tensor *x = ag_variable(IN(big, big, big)), *same = ag_variable(IN(0.1, 0.1, 0.1));
    is(ag_grad(ag_var(x), x), IN(0, 0, 0));
    is(ag_grad(ag_std(same), same), IN(0, 0, 0));
    x = ag_variable(IN(1e9 + 1, 1e9 + 2, 1e9 + 4)); /* whose mean has no place among the doubles */
    assert_true(fabs(ag_at(ag_grad(ag_var(x), x), 2) - 5.0 / 3) < 1e-14);
    x = ag_variable(IN(big, 0, -big));
    is(ag_grad(ag_var(x), x), IN(big, 0, -big)); /* whose value is infinite */
}

static void running_sums_at_the_ends(void **state)
{
    (void)state;
    double none = -INFINITY, inf = INFINITY;
    ag_tensor *x = ag_variable(IN(none, none, 0, none)), *y = ag_logcumsumexp(x, 0);
    is(y, IN(none, none, 0, 0));
    is(ag_grad(ag_sum(ag_slice(y, 0, 2, 4)), x), IN(0, 0, 2, 0));
    is(ag_grad(ag_sum(y), x), IN(0, 0, 2, 0));
    x = ag_variable(IN(inf, 1)), y = ag_logcumsumexp(x, 0);
    is(y, IN(inf, inf));
    is(ag_grad(ag_sum(y), x), IN(2, 0));
    x = ag_variable(IN(1e308, -1e308, 1e308)), y = ag_logcumsumexp(x, 0);
    is(y, IN(1e308, 1e308, 1e308));
    is(ag_grad(ag_select(y, 0, 1), x), IN(1, 0, 0));
}

/* ---- products with zeros, to the third order: d3/dx0dx1dx2 of x0 x1 x2 x3 is x3 ---- */

static ag_tensor *partial(ag_tensor *y, ag_tensor *x, int i)
{
    return ag_select(ag_grad(y, x), 0, i);
}
static void products_to_the_third_order(void **state)
{
    (void)state;
    static const double rows[3][4] = { { 0, 2, 3, 5 }, { 0, 0, 3, 5 }, { 0, 0, 0, 5 } };
    for (int k = 0; k < 3; k++) {
        ag_tensor *x = ag_variable(ag_copy(rows[k], 4));
        ag_tensor *all[2] = { ag_prod(x), ag_select(ag_cumprod(x, 0), 0, 3) };
        for (int form = 0; form < 2; form++) {
            ag_tensor *third = partial(partial(partial(all[form], x, 0), x, 1), x, 2);
            is(third, IN(5));
        }
    }
}

static ag_tensor *compound(ag_tensor **x, void *user)
{
    (void)user;
    return ag_mul(ag_std(x[0], .axes = AG_AXES(1), .keep = true), ag_cumprod(ag_sort(ag_logcumsumexp(x[0], 1), 0), 1));
}
static void compositions(void **state)
{
    (void)state;
    assert_int_equal(ag_gradcheck(compound, AG_LIST(ag_randn(AG_F64, 3, 4)), .order = 2), AG_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_pytorch),
        TEST(parts_are_views),
        TEST(parts_are_differentiated),
        TEST(places_of_results),
        TEST(whole_numbers),
        TEST(variance_at_the_ends),
        TEST(running_sums_at_the_ends),
        TEST(products_to_the_third_order),
        TEST(compositions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
