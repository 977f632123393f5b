/* test_distribution.c - random numbers of given parameters: their distributions, their gradients, and that the same
 * seed gives the same. */
#include <autograd/autograd.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 20000 };

static ag_tape *tape;
static int tape_begin(void **state)
{
    (void)state;
    ag_seed(12);
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int tape_end(void **state)
{
    (void)state;
    ag_clear_error();
    ag_tape_free(tape);
    return 0;
}
static ag_tensor *all(double value)
{
    return ag_full(AG_F64, value, N);
}

static ag_tensor *uniform(void)
{
    return ag_uniform(all(-1), all(3));
}
static ag_tensor *normal(void)
{
    return ag_normal(all(2), all(0.5));
}
static ag_tensor *laplace(void)
{
    return ag_laplace(all(1), all(2));
}
static ag_tensor *gumbel(void)
{
    return ag_gumbel(all(-1), all(0.5));
}
static ag_tensor *exponential(void)
{
    return ag_exponential(all(0.25));
}
static ag_tensor *relaxed(void) /* with temperature 1 and logit 0: uniform */
{
    return ag_relaxed_bernoulli(all(0), 1);
}
static double uniform_below(double x)
{
    return (x + 1) / 4;
}
static double normal_below(double x)
{
    return 0.5 * erfc(-(x - 2) / 0.5 * 0.7071067811865476);
}
static double laplace_below(double x)
{
    double z = (x - 1) / 2;
    return z < 0 ? 0.5 * exp(z) : 1 - 0.5 * exp(-z);
}
static double gumbel_below(double x)
{
    return exp(-exp(-(x + 1) / 0.5));
}
static double exponential_below(double x)
{
    return -expm1(-0.25 * x);
}
static double relaxed_below(double x)
{
    return x;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}
/* Kolmogorov and Smirnov: the largest difference of the two distribution functions, which 1.95 / sqrt(n) contains
 * in 99.9 of 100 cases. */
static void distributions(void **state)
{
    (void)state;
    const struct {
        const char *name;
        ag_tensor *(*draw)(void);
        double (*below)(double);
    } rows[] = { { "uniform", uniform, uniform_below },
                 { "normal", normal, normal_below },
                 { "laplace", laplace, laplace_below },
                 { "gumbel", gumbel, gumbel_below },
                 { "exponential", exponential, exponential_below },
                 { "relaxed_bernoulli", relaxed, relaxed_below } };
    double *x = malloc(N * sizeof *x);
    assert_non_null(x);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        assert_int_equal(ag_read(rows[k].draw(), x, N), AG_OK);
        qsort(x, N, sizeof *x, ascending);
        double worst = 0;
        for (int i = 0; i < N; i++) {
            double p = rows[k].below(x[i]);
            worst = fmax(worst, fmax(fabs(p - (double)i / N), fabs(p - (i + 1.0) / N)));
        }
        print_message("# %s: %.4f from its distribution, allowed %.4f\n", rows[k].name, worst, 1.95 / sqrt(N));
        assert_true(worst < 1.95 / sqrt(N));
        ag_tape_reset(tape);
    }
    free(x);
}

static void frequencies(void **state)
{
    (void)state;
    const double p[] = { 0.1, 0.25, 0.65 };
    ag_tensor *logits = ag_expand(ag_log(ag_copy(p, 3)), N, 3), *drawn = ag_categorical(logits);
    ag_tensor *hard = ag_gumbel_softmax(logits, 0.5, true, -1), *coins = ag_bernoulli_of(all(0.3));
    for (int i = 0; i < 3; i++) {
        double allowed = 4 * sqrt(p[i] * (1 - p[i]) / N);
        double share = ag_item(ag_mean(ag_to(ag_eq(drawn, (double)i), AG_F64)));
        double relaxed_share = ag_item(ag_mean(ag_select(hard, 1, i)));
        assert_true(fabs(share - p[i]) < allowed && fabs(relaxed_share - p[i]) < allowed);
    }
    assert_true(fabs(ag_item(ag_mean(coins)) - 0.3) < 4 * sqrt(0.21 / N));
}

/* The gradients by place and scale are 1 and the noise: (y - place) / scale. */
static void gradients(void **state)
{
    (void)state;
    ag_tensor *(*const located[])(ag_tensor *, ag_tensor *) = { ag_normal, ag_laplace, ag_gumbel };
    for (int k = 0; k < 3; k++) {
        ag_tensor *place = ag_variable(ag_full(AG_F64, 0.75)), *scale = ag_variable(ag_full(AG_F64, 2));
        ag_tensor *y = located[k](place, scale);
        assert_true(ag_item(ag_grad(y, place)) == 1);
        assert_true(fabs(ag_item(ag_grad(y, scale)) - (ag_item(y) - 0.75) / 2) <= 1e-15);
    }
    ag_tensor *low = ag_variable(ag_full(AG_F64, 1)), *high = ag_variable(ag_full(AG_F64, 5)),
              *y = ag_uniform(low, high);
    double u = (ag_item(y) - 1) / 4;
    assert_true(fabs(ag_item(ag_grad(y, low)) - (1 - u)) <= 1e-15 && fabs(ag_item(ag_grad(y, high)) - u) <= 1e-15);
    ag_tensor *rate = ag_variable(ag_full(AG_F64, 4)), *wait = ag_exponential(rate);
    assert_true(fabs(ag_item(ag_grad(wait, rate)) + ag_item(wait) / 4) <= 1e-15);
}

/* Of the classes that are the largest, with the gradient of the softmax. */
static void straight_through(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_randn(AG_F64, 4, 3)), *w = ag_randn(AG_F64, 4, 3);
    ag_seed(3);
    ag_tensor *soft = ag_gumbel_softmax(x, 0.7, false, 1);
    ag_seed(3);
    ag_tensor *hard = ag_gumbel_softmax(x, 0.7, true, 1);
    ag_tensor *a = ag_vjp(soft, x, w), *b = ag_vjp(hard, x, w);
    for (int i = 0; i < 4; i++) {
        double sum = 0;
        for (int j = 0; j < 3; j++) {
            double v = ag_at(hard, i, j);
            bool largest = ag_at(ag_argmax(soft, 1), i) == j;
            assert_true(fabs(v - largest) <= 1e-15 && ag_at(a, i, j) == ag_at(b, i, j));
            sum += v;
        }
        assert_true(fabs(sum - 1) <= 1e-15);
    }
}

static void repeatable(void **state)
{
    (void)state;
    ag_tensor *place = ag_zeros(AG_F64, 50), *scale = ag_ones(AG_F64, 50), *narrow = ag_ones(AG_F32, 50);
    ag_rng here = ag_rng_get();
    ag_tensor *a = ag_gumbel(place, scale);
    ag_rng_set(here);
    ag_tensor *b = ag_gumbel(place, scale), *c = ag_gumbel(place, scale);
    ag_rng_set(here);
    ag_tensor *d = ag_gumbel(ag_zeros(AG_F32, 50), narrow);
    int differ = 0;
    for (int64_t i = 0; i < 50; i++) {
        assert_true(ag_at(a, i) == ag_at(b, i) && ag_at(d, i) == (double)(float)ag_at(a, i));
        differ += ag_at(a, i) != ag_at(c, i);
    }
    assert_int_equal(differ, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(distributions, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(frequencies, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(gradients, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(straight_through, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(repeatable, tape_begin, tape_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
