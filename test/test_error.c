/* The remembered error: first wins, text outlives clearing, one record for each thread; status codes; version. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>

static void test_first_wins(void **state)
{
    (void)state;
    assert_int_equal(ag_error(), AG_OK);
    assert_int_equal(ag_fail(AG_ESHAPE, "%s: %d", "first", 1), AG_ESHAPE);
    assert_int_equal(ag_fail(AG_EIO, "second"), AG_EIO);
    assert_int_equal(ag_error(), AG_ESHAPE);
    assert_string_equal(ag_errmsg(), "first: 1");
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_int_equal(ag_clear_error(), AG_OK);
}

static void test_text_outlives_clearing(void **state)
{
    (void)state;
    ag_fail(AG_EUSER, "kept");
    ag_clear_error();
    assert_int_equal(ag_error(), AG_OK);
    assert_string_equal(ag_errmsg(), "kept");
    ag_fail(AG_EUSER, "again: %s", ag_errmsg()); /* the old text as an argument of the new */
    assert_string_equal(ag_errmsg(), "again: kept");
    ag_tape *tape = ag_tape_new();
    assert_int_equal(ag_tape_reset(tape), AG_EUSER);
    assert_string_equal(ag_errmsg(), "again: kept");
    ag_tape_free(tape);
}

static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(ag_fail(AG_OK, "no error is none"), AG_EINVAL);
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_int_equal(ag_fail((ag_status)1000, "no such code"), AG_EINVAL);
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_int_equal(ag_fail((ag_status)-1, "nor this"), AG_EINVAL);
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_string_equal(ag_status_text(AG_OK), "no error");
    assert_string_equal(ag_status_text(AG_ESTOP), "stopped by the user's callback");
    assert_string_equal(ag_status_text((ag_status)1000), "no such status");
    for (int code = AG_OK; code <= AG_ESTOP; code++) assert_true(strlen(ag_status_text((ag_status)code)) > 5);
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    char long_name[2000];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    ag_fail(AG_EUSER, "%s", long_name);
    size_t n = strlen(ag_errmsg());
    assert_in_range(n, 200, sizeof long_name - 1);
    assert_string_equal(ag_errmsg() + n - 4, "x...");
    ag_clear_error();
}

static void *other_thread(void *arg)
{
    bool *clean = arg;
    *clean = ag_error() == AG_OK && !ag_errmsg()[0];
    ag_fail(AG_EIO, "theirs");
    return NULL;
}

static void test_each_thread_has_its_own(void **state)
{
    (void)state;
    pthread_t thread;
    bool clean = false;
    ag_fail(AG_EUSER, "mine");
    assert_int_equal(pthread_create(&thread, NULL, other_thread, &clean), 0);
    pthread_join(thread, NULL);
    assert_true(clean);
    assert_string_equal(ag_errmsg(), "mine");
    assert_int_equal(ag_clear_error(), AG_EUSER);
}

static void test_null_flows(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_fail(AG_EUSER, "why");
    assert_null(ag_mul(ag_sin((ag_tensor *)NULL), 2.0));
    assert_int_equal(ag_rank(NULL), 0);
    assert_null(ag_retain(NULL));
    assert_int_equal(ag_assign(NULL, NULL), AG_EUSER); /* a status function tells what was remembered */
    assert_string_equal(ag_errmsg(), "why");
    ag_clear_error();
    assert_null(ag_sin((ag_tensor *)NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_string_equal(ag_errmsg(), "ag_sin: operand 1 is NULL");
    ag_tape_free(tape);
}

static void test_version(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", AG_VERSION_MAJOR, AG_VERSION_MINOR, AG_VERSION_PATCH);
    assert_string_equal(ag_version(), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_wins),
        cmocka_unit_test(test_text_outlives_clearing),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_each_thread_has_its_own),
        cmocka_unit_test(test_null_flows),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
