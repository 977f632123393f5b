/* test_schedule.c - learning rates against PyTorch's and closed values, and at their edges. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <optim/schedule.h>

static void close_to(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-14 * fmax(1, fabs(expected)))) fail_msg("%.17g, not %.17g", value, expected);
}

/* ---- PyTorch's: test/golden/optim.py ---- */

static double linear(int64_t t)
{
    return ag_lr_linear(0.5 * 0.2, 0.5 * 0.8, t, 10);
}
static double cosine(int64_t t)
{
    return ag_lr_cosine(0.3, 0.01, t, 10);
}
static double polynomial(int64_t t)
{
    return ag_lr_polynomial(0.3, 0, 1.7, t, 10);
}
static double restarts_1(int64_t t)
{
    return ag_lr_restarts(0.3, 0.02, t, 7, 1);
}
static double restarts_3(int64_t t)
{
    return ag_lr_restarts(0.3, 0.02, t, 3, 3);
}
static double step(int64_t t)
{
    return ag_lr_step(0.3, 0.3, t, 4);
}
static double milestones(int64_t t)
{
    return ag_lr_milestones(0.3, 0.3, t, 4, (const int64_t[]){ 11, 2, 5, 5 });
}
static double exponential(int64_t t)
{
    return ag_lr_exponential(0.3, 0.9, t);
}
static double one_cycle_100(int64_t t)
{
    return ag_lr_one_cycle(0.3, t, 100);
}
static double one_cycle_7(int64_t t)
{
    return ag_lr_one_cycle(0.3, t, 7);
}
static double triangle(int64_t t)
{
    return ag_lr_triangle(0.01, 0.3, t, 8);
}

static const struct {
    const char *name;
    double (*rate)(int64_t t);
    int rows;
} schedules[] = {
    { "linear", linear, 15 },          { "cosine", cosine, 11 },           { "polynomial", polynomial, 15 },
    { "restarts_1", restarts_1, 31 },  { "restarts_3", restarts_3, 101 },  { "step", step, 21 },
    { "milestones", milestones, 21 },  { "exponential", exponential, 21 }, { "one_cycle_100", one_cycle_100, 100 },
    { "one_cycle_7", one_cycle_7, 7 }, { "triangle", triangle, 41 },
};
enum { SCHEDULES = sizeof schedules / sizeof *schedules, PLATEAUS = 3, PLATEAU_ROWS = 42 };

static struct {
    const char *name;
    ag_plateau p;
    double lr;
    int rows;
} plateaus[PLATEAUS] = {
    { "plateau", { .factor = 0 }, 0.3, 0 },
    { "plateau_set", { .factor = 0.5, .lowest = 0.03, .patience = { .limit = 2, .min_delta = 0.02 } }, 0.3, 0 },
    { "plateau_max", { .factor = 0.8, .patience = { .limit = 3, .min_delta = 0.05, .maximise = true } }, 0.3, 0 },
};

static void rates_are_pytorchs(void **state)
{
    (void)state;
    FILE *file = fopen("test/golden/schedules.tsv", "r");
    assert_non_null(file);
    int rows[SCHEDULES] = { 0 };
    double worst = 0, rate, result;
    char line[256], name[64];
    long long t;
    while (fgets(line, sizeof line, file)) {
        int n = sscanf(line, "%63[^\t] %lld %lf %lf", name, &t, &rate, &result);
        assert_true(n >= 3);
        double ours = NAN;
        for (int i = 0; i < SCHEDULES; i++)
            if (!strcmp(name, schedules[i].name)) ours = schedules[i].rate(t), rows[i]++;
        for (int i = 0; i < PLATEAUS; i++)
            if (!strcmp(name, plateaus[i].name)) {
                assert_int_equal(n, 4);
                ours = plateaus[i].lr = ag_lr_plateau(&plateaus[i].p, plateaus[i].lr, result), plateaus[i].rows++;
            }
        double error = fabs(ours / rate - 1);
        if (rate == 0) error = fabs(ours);
        if (!(error <= 1e-13)) fail_msg("%s at %lld: %.17g, not %.17g", name, t, ours, rate);
        worst = fmax(worst, error);
    }
    fclose(file);
    for (int i = 0; i < SCHEDULES; i++) assert_int_equal(rows[i], schedules[i].rows);
    for (int i = 0; i < PLATEAUS; i++) assert_int_equal(plateaus[i].rows, PLATEAU_ROWS);
    print_message("# %d schedules, %d plateaus, worst %.3g relative\n", SCHEDULES, PLATEAUS, worst);
}

/* ---- closed values ---- */

static void a_warm_up_meets_what_follows(void **state)
{
    (void)state;
    close_to(ag_lr_inverse_sqrt(0.5, 0, 4), 0);
    close_to(ag_lr_inverse_sqrt(0.5, 1, 4), 0.125);
    close_to(ag_lr_inverse_sqrt(0.5, 4, 4), 0.5);
    close_to(ag_lr_inverse_sqrt(0.5, 16, 4), 0.25);
    close_to(ag_lr_inverse_sqrt(0.5, 400, 4), 0.05);
    close_to(ag_lr_inverse_sqrt(0.5, 0, 0), 0.5); /* without warm-up: lr / sqrt(t) */
    close_to(ag_lr_inverse_sqrt(0.5, 4, 0), 0.25);

    const double expected[] = { 0, 0.25, 0.5, 0.75, 1, 1, 1, 1, 0.5, 0, 0 };
    for (int t = 0; t < 11; t++) close_to(ag_lr_warmup_stable_decay(1, t, 4, 3, 2), expected[t]);
    close_to(ag_lr_warmup_stable_decay(0.3, 0, 0, 0, 3), 0.3);
    close_to(ag_lr_warmup_stable_decay(0.3, 1, 0, 0, 3), 0.2);
    close_to(ag_lr_warmup_stable_decay(0.3, 0, 0, 0, 0), 0);
    close_to(ag_lr_warmup_stable_decay(0.3, 6, 5, INT64_MAX, 3), 0.3);
}

static void the_ends_hold(void **state)
{
    (void)state;
    const int64_t far[] = { INT64_MIN, -1, 0 }, late[] = { 10, 11, INT64_MAX };
    for (int i = 0; i < 3; i++) {
        assert_true(ag_lr_linear(0.1, 0.7, far[i], 10) == 0.1 && ag_lr_linear(0.1, 0.7, late[i], 10) == 0.7);
        assert_true(ag_lr_cosine(0.5, 0.25, far[i], 10) == 0.5 && ag_lr_cosine(0.5, 0.25, late[i], 10) == 0.25);
        assert_true(ag_lr_polynomial(0.5, 0.25, 2, far[i], 10) == 0.5);
        assert_true(ag_lr_polynomial(0.5, 0.25, 2, late[i], 10) == 0.25);
        close_to(ag_lr_one_cycle(0.5, far[i], 10), 0.5 / 25);
        close_to(ag_lr_one_cycle(0.5, late[i], 10), 0.5 / 25e4);
        assert_true(ag_lr_step(0.5, 0.1, far[i], 3) == 0.5);
        assert_true(ag_lr_exponential(0.5, 0.1, far[i]) == 0.5);
        assert_true(ag_lr_milestones(0.5, 0.1, far[i], 1, (const int64_t[]){ 1 }) == 0.5);
        assert_true(ag_lr_restarts(0.5, 0.1, far[i], 3, 2) == 0.5);
        assert_true(ag_lr_triangle(0.125, 0.5, far[i], 3) == 0.125);
        assert_true(ag_lr_inverse_sqrt(0.5, far[i], 3) == 0);
        assert_true(ag_lr_warmup_stable_decay(0.5, far[i], 3, 1, 1) == 0);
        assert_true(ag_lr_warmup_stable_decay(0.5, late[i], 3, 1, 1) == 0);
    }
    assert_true(ag_lr_milestones(0.5, 0.1, 7, 0, NULL) == 0.5);
    /* of no steps, the end; of one cycle of one step, its last */
    assert_true(ag_lr_linear(0.1, 0.7, 0, 0) == 0.7 && isnan(ag_lr_linear(0.1, 0.7, 0, -3)));
    assert_true(ag_lr_cosine(0.5, 0.25, 0, 0) == 0.25 && ag_lr_polynomial(0.5, 0.25, 2, 0, 0) == 0.25);
    close_to(ag_lr_one_cycle(0.5, 0, 1), 0.5 / 25e4);
}

static void senseless_lengths_give_nan(void **state)
{
    (void)state;
    for (int64_t n = -1; n <= 0; n++) {
        assert_true(isnan(ag_lr_step(0.1, 0.5, 3, n)));
        assert_true(isnan(ag_lr_restarts(0.1, 0, 3, n, 2)));
        assert_true(isnan(ag_lr_one_cycle(0.1, 3, n)));
        assert_true(isnan(ag_lr_triangle(0.1, 0.2, 3, n)));
    }
    assert_true(isnan(ag_lr_restarts(0.1, 0, 3, 5, 0.99)) && isnan(ag_lr_restarts(0.1, 0, 3, 5, NAN)));
}

/* Cosine k of lengths first factor^k, found by adding them up. */
static void restarts_begin_where_the_last_ended(void **state)
{
    (void)state;
    const double factors[] = { 1, 1.0001, 1.5, 2, 10 };
    for (int f = 0; f < 5; f++) {
        double begin = 0, length = 10;
        for (int64_t t = 0; t < 5000; t++) {
            while ((double)t >= begin + length * (1 - 1e-14)) begin += length, length *= factors[f];
            double done = fmax(0, ((double)t - begin) / length), ours = ag_lr_restarts(1, 0, t, 10, factors[f]);
            if (!(fabs(ours - (1 + cos(acos(-1) * done)) / 2) < 1e-8))
                fail_msg("factor %g, t %d: %.17g", factors[f], (int)t, ours);
        }
    }
    for (int64_t t = 1; t > 0 && t < INT64_MAX / 2; t *= 2) { /* powers of two begin one each: 2^k - 1 + 1 */
        assert_true(ag_lr_restarts(1, 0, t - 1, 1, 2) == 1);
        if (t >= 1 << 20 && t <= INT64_C(1) << 52) assert_true(ag_lr_restarts(1, 0, t - 2, 1, 2) < 1e-9);
        double rate = ag_lr_restarts(1, 0, t, 1, 1 + 1e-12);
        assert_true(rate >= 0 && rate <= 1);
    }
}

static void patience_ends_after_the_limit(void **state)
{
    (void)state;
    ag_patience p = { .limit = 2 };
    const double value[] = { 5, 5, 4, 4, 4.5, 3.9, NAN, 4, 4, 3 };
    const bool better[] = { 1, 0, 1, 0, 0, 1, 0, 0, 0, 1 }, stop[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ag_patience_step(&p, value[i]), stop[i]);
        assert_int_equal(p.improved, better[i]);
        assert_int_equal(p.rounds, i + 1);
    }
    assert_true(p.best == 3 && p.waited == 0);

    ag_patience up = { .maximise = true, .min_delta = 0.5 }; /* no round is borne */
    assert_false(ag_patience_step(&up, -3));
    assert_false(ag_patience_step(&up, -2));
    assert_true(ag_patience_step(&up, -1.5)); /* not by more than 0.5 */
    assert_true(up.best == -2);
    assert_false(ag_patience_step(&up, -1.25));
    ag_patience nothing = { .limit = 1 };
    assert_false(ag_patience_step(&nothing, NAN));
    assert_true(ag_patience_step(&nothing, NAN));
}

static void a_plateau_lowers_to_the_lowest(void **state)
{
    (void)state;
    ag_plateau p = { .factor = 0.5, .lowest = 0.3, .patience = { .limit = -1 } };
    assert_true(ag_lr_plateau(&p, 1, 7) == 1); /* progress */
    assert_true(ag_lr_plateau(&p, 1, 7) == 0.5);
    assert_true(ag_lr_plateau(&p, 0.5, 8) == 0.3);
    assert_true(ag_lr_plateau(&p, 0.3, 8) == 0.3);
    assert_true(ag_lr_plateau(&p, 0.1, 8) == 0.1); /* never up */
    assert_true(ag_lr_plateau(&p, 0.1, 6) == 0.1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_pytorchs),
        cmocka_unit_test(a_warm_up_meets_what_follows),
        cmocka_unit_test(the_ends_hold),
        cmocka_unit_test(senseless_lengths_give_nan),
        cmocka_unit_test(restarts_begin_where_the_last_ended),
        cmocka_unit_test(patience_ends_after_the_limit),
        cmocka_unit_test(a_plateau_lowers_to_the_lowest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
