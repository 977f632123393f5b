/* fixture.h - what tests of scalars begin with: a tape of each test's own, numbers that are near, errors as expected. */
#ifndef FIXTURE_H
#define FIXTURE_H
#include <autograd/autograd.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Relative to numbers above 1; a NaN is like a NaN. */
static inline bool close_to(double a, double b, double tolerance)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * (1 + fabs(b));
}
#define near_by(a, b, tolerance)                                                                    \
    do {                                                                                            \
        const double got_ = (a), want_ = (b);                                                       \
        if (!close_to(got_, want_, tolerance)) fail_msg("%s is %.17g, not %.17g", #a, got_, want_); \
    } while (0)
#define near(a, b) near_by(a, b, 1e-12)

/* No error is remembered; this one is, and no longer. */
#define fine() assert_string_equal(ag_error() ? ag_errmsg() : "", "")
#define fails(code, message)                       \
    do {                                           \
        assert_int_equal(ag_clear_error(), code);  \
        assert_string_equal(ag_errmsg(), message); \
    } while (0)

/* *state is the tape. A test that leaves an error behind has failed. */
static inline int fresh(void **state)
{
    ag_clear_error();
    ag_record(true);
    ag_seed(3);
    *state = ag_tape_new();
    return *state == NULL;
}
static inline int done(void **state)
{
    ag_tape_free(*state);
    return ag_error() != AG_OK;
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, done)

static inline double slope(ag_scalar y, ag_scalar x)
{
    double g = NAN;
    ags_gradient(y, &x, 1, &g);
    return g;
}
#endif
