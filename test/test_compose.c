/* test_compose.c - operations made of other operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>

/* attr: a power of the distance */
static ag_status distance_shape(const ag_call *c, ag_shape *out)
{
    if (*(const double *)c->attr <= 0) return ag_fail(AG_EINVAL, "distance: power %g", *(const double *)c->attr);
    return ag_shape_broadcast(c, out);
}
static ag_tensor *distance_compose(const ag_call *c)
{
    return ag_pow(ag_abs(ag_sub(c->in[0], c->in[1])), *(const double *)c->attr);
}
static const ag_op distance = {
    .name = "distance", .n_in = 2, .attr_size = sizeof(double), .shape = distance_shape, .compose = distance_compose
};

static ag_tensor *cubed(ag_tensor **x, void *user)
{
    (void)user;
    return ag_apply(&distance, &(const double){ 3 }, x[0], x[1]);
}

static ag_tape *tape;
static int tape_begin(void **state)
{
    (void)state;
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int tape_end(void **state)
{
    (void)state;
    ag_clear_error();
    ag_tape_free(tape);
    return 0;
}

static void its_parts_derivatives_are_its_own(void **state)
{
    (void)state;
    ag_tensor *a = ag_randn(AG_F64, 2, 3), *b = ag_randn(AG_F64, 3);
    assert_int_equal(ag_gradcheck(cubed, AG_LIST(a, b), .order = 2), AG_OK);
    ag_tensor *x = ag_variable(ag_num(5)), *y = ag_apply(&distance, &(const double){ 2 }, x, ag_num(2));
    assert_true(ag_item(y) == 9 && ag_item(ag_grad(y, x)) == 6 && ag_item(ag_jvp(y, x, ag_num(1))) == 6);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    assert_null(ag_apply(&distance, &(const double){ 2 }, ag_ones(AG_F64, 2), ag_ones(AG_F64, 3)));
    assert_string_equal(ag_errmsg(), "distance: shapes do not broadcast: [2] and [3]");
    ag_clear_error();
    assert_null(ag_apply(&distance, &(const double){ -1 }, ag_num(1), ag_num(2)));
    assert_string_equal(ag_errmsg(), "distance: power -1");
}

static ag_tensor *wrong_compose(const ag_call *c)
{
    return ag_sum(c->in[0]);
}
static ag_tensor *silent_compose(const ag_call *c)
{
    (void)c;
    return NULL;
}

static void what_it_makes_is_checked(void **state)
{
    (void)state;
    const ag_op wrong = { .name = "wrong", .n_in = 1, .shape = ag_shape_same, .compose = wrong_compose };
    assert_null(ag_apply(&wrong, NULL, ag_ones(AG_F32, 2, 3)));
    assert_string_equal(ag_errmsg(), "wrong: made f32 [], its shape rule says f32 [2,3]");
    ag_clear_error();
    const ag_op silent = { .name = "silent", .n_in = 1, .shape = ag_shape_same, .compose = silent_compose };
    assert_null(ag_apply(&silent, NULL, ag_ones(AG_F32, 2)));
    assert_string_equal(ag_errmsg(), "silent: its composition failed");
    ag_clear_error();
    const ag_op two = { .name = "two", .n_in = 1, .n_out = 2, .shape = ag_shape_same, .compose = wrong_compose };
    assert_null(ag_apply(&two, NULL, ag_ones(AG_F32, 2)));
    assert_string_equal(ag_errmsg(), "two: what is composed has one output");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_parts_derivatives_are_its_own, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(bad_input_is_named, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(what_it_makes_is_checked, tape_begin, tape_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
