/* Random numbers: the published Philox vectors, the sequence they make, and whether it looks random. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <autograd/base/philox.h>

static int fresh(void **state)
{
    *state = ag_tape_new();
    ag_seed(0);
    return *state == NULL;
}
static int done(void **state)
{
    ag_tape_free(*state);
    return ag_clear_error() != AG_OK;
}

/* Random123's known-answer vectors for philox4x32-10. */
static void test_published_vectors(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
          { 0xffffffff, 0xffffffff },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        ag__philox(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

/* ---- the sequence ----------------------------------------------------------------------------------------------- */

static void test_numbers_from_words(void **state)
{
    (void)state;
    const float *f = ag_f32(ag_rand(AG_F32, 3));
    assert_true(f[0] == (float)(0x6627e8d5u >> 8) * 0x1p-24f && f[2] == (float)(0xbc57ac4cu >> 8) * 0x1p-24f);
    assert_int_equal(ag_rng_get().counter, 1);
    ag_seed(0);
    const double *d = ag_f64(ag_rand(AG_F64, 3));
    assert_true(d[0] == (double)(0xe169c58d6627e8d5u >> 11) * 0x1p-53);
    assert_true(d[1] == (double)(0x9b00dbd8bc57ac4cu >> 11) * 0x1p-53);
    assert_int_equal(ag_rng_get().counter, 2);
}

/* Box and Muller with libm on the same words. */
static void test_normals_against_libm(void **state)
{
    (void)state;
    enum { N = 20000 };
    double *u = malloc(N * sizeof *u);
    ag_read(ag_rand(AG_F64, N), u, N);
    ag_seed(0);
    const double *z = ag_f64(ag_randn(AG_F64, N));
    for (int i = 0; i < N; i += 2) {
        double radius = sqrt(-2 * log(u[i] + 0x1p-53)), angle = 2 * acos(-1) * u[i + 1];
        assert_true(fabs(z[i] - radius * cos(angle)) < 1e-14 && fabs(z[i + 1] - radius * sin(angle)) < 1e-14);
    }
    free(u);
    ag_seed(0);
    const float *f = ag_f32(ag_randn(AG_F32, 4));
    double radius = sqrt(-2 * log((0x6627e8d5u + 1.0) * 0x1p-32)), angle = 2 * acos(-1) * (0xe169c58du * 0x1p-32);
    assert_true(f[0] == (float)(radius * cos(angle)) && f[1] == (float)(radius * sin(angle)));
}

static void draw_all(double out[6])
{
    out[0] = ag_item(ag_rand(AG_F32)), out[1] = ag_item(ag_rand(AG_F64, 1));
    out[2] = ag_item(ag_randn(AG_F32, 1)), out[3] = ag_at(ag_randn(AG_F64, 3), 2);
    out[4] = ag_at(ag_randint(1000000, 2, 2), 1, 1), out[5] = ag_at(ag_randperm(1000), 7);
}

static void test_saved_and_restored(void **state)
{
    (void)state;
    double a[6], b[6], c[6];
    ag_seed(42);
    ag_rand(AG_F32, 17);
    ag_rng saved = ag_rng_get();
    assert_int_equal(saved.seed, 42);
    draw_all(a);
    draw_all(b);
    ag_rng_set(saved);
    draw_all(c);
    assert_memory_equal(a, c, sizeof a);
    assert_memory_not_equal(a, b, sizeof a);
    ag_seed(43);
    ag_rand(AG_F32, 17);
    draw_all(c);
    assert_memory_not_equal(a, c, sizeof a);
    ag_seed(UINT64_C(42) << 32); /* the whole seed counts */
    ag_rand(AG_F32, 17);
    draw_all(b);
    assert_memory_not_equal(b, a, sizeof a);
}

static void test_counter_has_64_bits(void **state)
{
    (void)state;
    ag_rng_set((ag_rng){ .seed = 1, .counter = UINT32_MAX });
    const float *x = ag_f32(ag_rand(AG_F32, 8));
    assert_int_equal(ag_rng_get().counter, (UINT64_C(1) << 32) + 1);
    ag_rng_set((ag_rng){ .seed = 1, .counter = 0 });
    assert_memory_not_equal(x + 4, ag_f32(ag_rand(AG_F32, 4)), 4 * sizeof *x);
}

static void *thread_draws(void *out)
{
    ag_tape *tape = ag_tape_new();
    draw_all(out); /* a new thread begins with seed 0 */
    ag_seed(99);
    ag_tape_free(tape);
    return NULL;
}

static void test_threads_are_independent(void **state)
{
    (void)state;
    double here[6], there[6], after[6], expected[6];
    draw_all(here);
    ag_rng now = ag_rng_get();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, thread_draws, there), 0);
    pthread_join(thread, NULL);
    assert_memory_equal(here, there, sizeof here);
    draw_all(after);
    ag_rng_set(now);
    draw_all(expected);
    assert_memory_equal(after, expected, sizeof after);
}

/* ---- does it look random? Fixed seeds: five standard deviations cannot be bad luck ------------------------------ */

enum { MANY = 200000 };

static void check_moments(const double *x, double mean, double variance, double fourth)
{
    double sum = 0, squares = 0, lag = 0;
    for (int i = 0; i < MANY; i++) sum += x[i] - mean, squares += (x[i] - mean) * (x[i] - mean);
    for (int i = 1; i < MANY; i++) lag += (x[i] - mean) * (x[i - 1] - mean);
    double n = MANY;
    assert_true(fabs(sum / n) < 5 * sqrt(variance / n));
    assert_true(fabs(squares / n - variance) < 5 * sqrt((fourth - variance * variance) / n));
    assert_true(fabs(lag / n) < 5 * variance / sqrt(n));
}

static double fourth_moment(const double *x)
{
    double sum = 0;
    for (int i = 0; i < MANY; i++) sum += x[i] * x[i] * x[i] * x[i];
    return sum / MANY;
}

static void test_uniform(void **state)
{
    (void)state;
    double *x = malloc(MANY * sizeof *x);
    for (int kind = 0; kind < 2; kind++) {
        ag_seed(5);
        ag_read(ag_rand(kind ? AG_F64 : AG_F32, MANY), x, MANY);
        int bin[64] = { 0 };
        for (int i = 0; i < MANY; i++) {
            assert_true(x[i] >= 0 && x[i] < 1);
            bin[(int)(x[i] * 64)]++;
        }
        double chi2 = 0, expected = MANY / 64.0;
        for (int i = 0; i < 64; i++) chi2 += (bin[i] - expected) * (bin[i] - expected) / expected;
        assert_true(chi2 > 63 - 5 * sqrt(126) && chi2 < 63 + 5 * sqrt(126));
        check_moments(x, 0.5, 1.0 / 12, 1.0 / 80);
    }
    free(x);
}

static void test_normal(void **state)
{
    (void)state;
    double *x = malloc(MANY * sizeof *x);
    for (int kind = 0; kind < 2; kind++) {
        ag_seed(6);
        ag_read(ag_randn(kind ? AG_F64 : AG_F32, MANY), x, MANY);
        check_moments(x, 0, 1, 3);
        assert_true(fabs(fourth_moment(x) - 3) < 5 * sqrt(96.0 / MANY)); /* E x^8 - (E x^4)^2 = 105 - 9 */
        int within[3] = { 0 };
        for (int i = 0; i < MANY; i++)
            for (int s = 0; s < 3; s++) within[s] += fabs(x[i]) < s + 1;
        for (int s = 0; s < 3; s++) {
            double p = erf((s + 1) / sqrt(2));
            assert_true(fabs(within[s] / (double)MANY - p) < 5 * sqrt(p * (1 - p) / MANY));
        }
    }
    free(x);
}

static void test_randint(void **state)
{
    (void)state;
    ag_seed(7);
    const int64_t *x = ag_i64(ag_randint(7, MANY));
    int bin[7] = { 0 };
    for (int i = 0; i < MANY; i++) {
        assert_in_range(x[i], 0, 6);
        bin[x[i]]++;
    }
    for (int i = 0; i < 7; i++) assert_true(fabs(bin[i] - MANY / 7.0) < 5 * sqrt(MANY * 6 / 49.0));
    assert_int_equal(ag_item(ag_randint(1)), 0);
    /* 2^64 words on 3 2^61 numbers: without drawing again, one number in three had two words and the others three */
    int64_t below = INT64_C(3) << 61, third = 0;
    x = ag_i64(ag_randint(below, MANY));
    for (int i = 0; i < MANY; i++) {
        assert_true(x[i] >= 0 && x[i] < below);
        third += x[i] % 3 == 2;
    }
    assert_true(fabs((double)third - MANY / 3.0) < 5 * sqrt(MANY * 2 / 9.0));
    assert_true(ag_i64(ag_randint(INT64_MAX, 1))[0] >= 0);
}

static void test_bernoulli(void **state)
{
    (void)state;
    const double p[] = { 0, 0.1, 0.5, 0.9, 1 };
    for (int k = 0; k < 5; k++) {
        ag_seed(8);
        ag_tensor *x = ag_bernoulli(p[k], MANY);
        assert_int_equal(ag_dtype_of(x), AG_BOOL);
        int64_t n = 0;
        for (int i = 0; i < MANY; i++) n += ag_u8(x)[i];
        double spread = 5 * sqrt(p[k] * (1 - p[k]) * MANY);
        assert_true(fabs((double)n - p[k] * MANY) <= spread);
    }
}

static void test_randperm(void **state)
{
    (void)state;
    enum { N = 1000 };
    ag_seed(9);
    const int64_t *x = ag_i64(ag_randperm(N));
    bool seen[N] = { false };
    int fixed = 0;
    for (int i = 0; i < N; i++) {
        assert_in_range(x[i], 0, N - 1);
        assert_false(seen[x[i]]);
        seen[x[i]] = true;
        fixed += x[i] == i;
    }
    assert_true(fixed < 8);
    int place[4][4] = { { 0 } }; /* every number is as often in every place */
    for (int k = 0; k < 8000; k++) {
        x = ag_i64(ag_randperm(4));
        for (int i = 0; i < 4; i++) place[i][x[i]]++;
    }
    for (int i = 0; i < 16; i++) assert_true(abs(place[i / 4][i % 4] - 2000) < 5 * 39); /* sqrt(8000 3/16) = 38.7 */
    assert_int_equal(ag_numel(ag_randperm(0)), 0);
    assert_int_equal(ag_item(ag_randperm(1)), 0);
}

static void test_shapes_and_misuse(void **state)
{
    (void)state;
    assert_int_equal(ag_rank(ag_rand(AG_F32, 2, 3, 4)), 3);
    assert_int_equal(ag_numel(ag_randn(AG_F64, 3, 0)), 0);
    assert_int_equal(ag_rng_get().counter, 6); /* nothing drawn for nothing */
    assert_true(isfinite(ag_item(ag_randn(AG_F64))));
    assert_int_equal(ag_error(), AG_OK);
    assert_null(ag_rand(AG_I32, 2));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
    assert_null(ag_randn(AG_BOOL, 2));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
    assert_null(ag_rand((ag_dtype)2, 3));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
    assert_null(ag_randint(0, 2));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_bernoulli(NAN, 2));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_bernoulli(-0.1, 2));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_randperm(-1));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test_setup_teardown(test_numbers_from_words, fresh, done),
        cmocka_unit_test_setup_teardown(test_normals_against_libm, fresh, done),
        cmocka_unit_test_setup_teardown(test_saved_and_restored, fresh, done),
        cmocka_unit_test_setup_teardown(test_counter_has_64_bits, fresh, done),
        cmocka_unit_test_setup_teardown(test_threads_are_independent, fresh, done),
        cmocka_unit_test_setup_teardown(test_uniform, fresh, done),
        cmocka_unit_test_setup_teardown(test_normal, fresh, done),
        cmocka_unit_test_setup_teardown(test_randint, fresh, done),
        cmocka_unit_test_setup_teardown(test_bernoulli, fresh, done),
        cmocka_unit_test_setup_teardown(test_randperm, fresh, done),
        cmocka_unit_test_setup_teardown(test_shapes_and_misuse, fresh, done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
