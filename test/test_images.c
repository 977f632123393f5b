/* test_images.c - PyTorch's cases of normalisation, images, positions and sparse products; what is random. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "parity.h"

static ag_tape *tape;
static int begin(void **state)
{
    (void)state;
    ag_seed(5);
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    int failed = ag_clear_error() != AG_OK;
    ag_tape_free(tape);
    return failed;
}

static void as_pytorch(void **state)
{
    (void)state;
    FILE *out = tmpfile();
    char line[256] = "";
    assert_non_null(out);
    int status = parity_run("test/golden/norms.jsonl.gz", NULL, out, out);
    rewind(out);
    while (fgets(line, sizeof line, out))
        if (strncmp(line, "no cases", 8)) print_message("# %s", line);
    fclose(out);
    assert_int_equal(status, 0);
}

enum { BATCH = 40, CHANNELS = 50, INNER = 6 };

/* Each channel is 0 or scaled as a whole, about p of them 0. */
static void whole_channels_drop(void **state)
{
    (void)state;
    const double p = 0.3;
    for (int axes = 1; axes <= 3; axes++) {
        ag_tensor *x = ag_ones(AG_F64, BATCH, CHANNELS, INNER, 1, 1);
        x = axes == 3 ? x : axes == 2 ? ag_squeeze(x, -1) : ag_reshape(x, BATCH, CHANNELS, INNER);
        ag_tensor *y = axes == 3 ? ag_dropout3d(x, p) : axes == 2 ? ag_dropout2d(x, p) : ag_dropout1d(x, p);
        const double *at = ag_f64(y);
        int kept = 0;
        assert_non_null(at);
        for (int64_t i = 0; i < BATCH * CHANNELS; i++) {
            assert_true(at[i * INNER] == 0 || fabs(at[i * INNER] - 1 / (1 - p)) < 1e-15);
            for (int64_t j = 1; j < INNER; j++) assert_true(at[i * INNER + j] == at[i * INNER]);
            kept += at[i * INNER] != 0;
        }
        assert_true(fabs(kept / (double)(BATCH * CHANNELS) - (1 - p)) < 0.05);
    }
}

static void alpha_dropout_keeps_mean_and_variance(void **state)
{
    (void)state;
    const double p = 0.4, limit = -1.7580993408473766, a = 1 / sqrt((1 - p) * (1 + p * limit * limit));
    ag_tensor *x = ag_randn(AG_F64, 200, 300), *y = ag_alpha_dropout(x, p);
    assert_true(fabs(ag_item(ag_mean(y))) < 0.02);
    assert_true(fabs(ag_item(ag_var(y)) - 1) < 0.02);
    for (int64_t i = 0; i < 60000; i++) {
        double kept = a * ag_f64(x)[i] - a * limit * p, dropped = a * limit - a * limit * p, v = ag_f64(y)[i];
        assert_true(fabs(v - kept) < 1e-13 || fabs(v - dropped) < 1e-13);
    }
    ag_tensor *whole = ag_feature_alpha_dropout(ag_ones(AG_F64, BATCH, CHANNELS, INNER), p);
    for (int64_t i = 0; i < BATCH * CHANNELS; i++)
        assert_true(ag_at(whole, i / CHANNELS, i % CHANNELS, 0) == ag_at(whole, i / CHANNELS, i % CHANNELS, INNER - 1));
}

/* Places that are no numbers, or too far away for integers, are outside. */
static void odd_places_are_outside(void **state)
{
    (void)state;
    ag_tensor *x = ag_ones(AG_F64, 1, 1, 3, 4);
    ag_tensor *grid = ag_reshape(ag_copy(((const double[]){ NAN, 0, INFINITY, 0, 0, -1e300, 0, 0 }), 8), 1, 1, 4, 2);
    for (int mode = AG_GRID_LINEAR; mode <= AG_GRID_CUBIC; mode++) {
        ag_tensor *y = ag_grid_sample(x, grid, .mode = (ag_grid_mode)mode);
        for (int i = 0; i < 3; i++) assert_true(ag_at(y, 0, 0, 0, i) == 0);
        assert_true(fabs(ag_at(y, 0, 0, 0, 3) - 1) < 1e-15);
    }
}

/* Turning changes no lengths, and products of rows depend on the distance of their positions only. */
static void positions_are_relative(void **state)
{
    (void)state;
    for (int interleaved = 0; interleaved < 2; interleaved++) {
        ag_tensor *q = ag_expand(ag_randn(AG_F64, 1, 8), 6, 8), *k = ag_expand(ag_randn(AG_F64, 1, 8), 6, 8);
        q = ag_rope(q, .interleaved = interleaved), k = ag_rope(k, .interleaved = interleaved, .from = 4);
        ag_tensor *scores = ag_matmul(q, ag_transpose(k, 0, 1));
        assert_true(fabs(ag_at(scores, 0, 1) - ag_at(scores, 3, 4)) < 1e-13);
        assert_true(fabs(ag_at(scores, 2, 0) - ag_at(scores, 5, 3)) < 1e-13);
        assert_true(fabs(ag_at(scores, 0, 1) - ag_at(scores, 0, 2)) > 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_pytorch),
        cmocka_unit_test_setup_teardown(whole_channels_drop, begin, end),
        cmocka_unit_test_setup_teardown(alpha_dropout_keeps_mean_and_variance, begin, end),
        cmocka_unit_test_setup_teardown(odd_places_are_outside, begin, end),
        cmocka_unit_test_setup_teardown(positions_are_relative, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
