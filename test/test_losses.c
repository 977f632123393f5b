/* test_losses.c - the less common losses: PyTorch's values, definitions where PyTorch has none, and their ends. */
#include "parity.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

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

static void golden_cases(void **state)
{
    (void)state;
    char text[8192] = "";
    FILE *out = tmpfile();
    assert_non_null(out);
    int status = parity_run("test/golden/losses.jsonl.gz", NULL, out, out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    if (status) fail_msg("%s", text);
    print_message("# %s", text);
}

/* ---- definitions ---- */

enum { N = 6 };
static const double logits[N] = { -3, -0.5, 0.25, 1, 2.5, 30 }, targets[N] = { 0, 1, 0, 1, 0.25, 1 },
                    odds[N] = { 0.1, 0.9, 0.5, 0.3, 0.7, 1 };

static void focal(void **state)
{
    (void)state;
    const struct {
        double alpha, gamma;
    } all[] = { { 0.25, 2 }, { 0.7, 0.5 }, { -1, 3 } };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        ag_tensor *y = ag_sigmoid_focal_loss(ag_copy(logits, N), ag_copy(targets, N), .alpha = all[k].alpha,
                                             .gamma = all[k].gamma, .reduction = AG_NONE);
        for (int i = 0; i < N; i++) {
            double p = 1 / (1 + exp(-logits[i])), t = targets[i], doubt = p * (1 - t) + t / (1 + exp(logits[i]));
            double entropy = t * log1p(exp(-logits[i])) + (1 - t) * log1p(exp(logits[i]));
            double share = all[k].alpha < 0 ? 1 : all[k].alpha * t + (1 - all[k].alpha) * (1 - t);
            double want = share * entropy * pow(doubt, all[k].gamma);
            assert_true(fabs(ag_at(y, i) - want) <= 1e-13 * want);
        }
    }
    ag_tensor *plain = ag_sigmoid_focal_loss(ag_copy(logits, N), ag_copy(targets, N));
    assert_true(ag_item(plain) ==
                ag_item(ag_sigmoid_focal_loss(ag_copy(logits, N), ag_copy(targets, N), .alpha = 0.25, .gamma = 2)));
}

static void dice(void **state)
{
    (void)state;
    ag_tensor *p = ag_reshape(ag_copy(odds, N), 2, 3), *t = ag_reshape(ag_copy(targets, N), 2, 3);
    double want[2], eps = 0.5;
    for (int r = 0; r < 2; r++) {
        double both = 0, either = 0;
        for (int i = 3 * r; i < 3 * r + 3; i++) both += odds[i] * targets[i], either += odds[i] + targets[i];
        want[r] = 1 - (2 * both + eps) / (either + eps);
    }
    ag_tensor *each = ag_dice_loss(p, t, .eps = eps, .reduction = AG_NONE);
    for (int r = 0; r < 2; r++) assert_true(fabs(ag_at(each, r) - want[r]) <= 1e-15);
    assert_true(fabs(ag_item(ag_dice_loss(p, t, .eps = eps)) - (want[0] + want[1]) / 2) <= 1e-15);
    assert_true(fabs(ag_item(ag_dice_loss(p, t, .eps = eps, .reduction = AG_SUM)) - want[0] - want[1]) <= 1e-15);
    assert_true(ag_item(ag_dice_loss(ag_ones(AG_F64, 2, 3), ag_ones(AG_F64, 2, 3))) == 0);
}

/* All alignments of 3 steps with "1 1" and "1 2", counted by hand. */
static void alignments(void **state)
{
    (void)state;
    const double p[3][3] = { { 0.2, 0.5, 0.3 }, { 0.6, 0.3, 0.1 }, { 0.25, 0.35, 0.4 } };
    ag_tensor *lp = ag_log(ag_reshape(ag_copy(&p[0][0], 9), 3, 3)), *three = ag_copy(((const int64_t[]){ 3 }), 1);
    const int64_t twice[] = { 1, 1 }, differ[] = { 1, 2 };
    ag_tensor *two = ag_copy(((const int64_t[]){ 2 }), 1);
    double same = p[0][1] * p[1][0] * p[2][1];
    double other = p[0][1] * p[1][2] * (p[2][2] + p[2][0]) + p[0][1] * p[1][1] * p[2][2] + p[0][1] * p[1][0] * p[2][2] +
                   p[0][0] * p[1][1] * p[2][2];
    assert_true(fabs(ag_item(ag_ctc_loss(lp, ag_copy(twice, 2), three, two)) + log(same) / 2) <= 1e-15);
    assert_true(fabs(ag_item(ag_ctc_loss(lp, ag_copy(differ, 2), three, two)) + log(other) / 2) <= 1e-15);
}

/* ---- ends ---- */

static double slope_at(ag_tensor *(*f)(ag_tensor *), double at, double *value)
{
    ag_tensor *x = ag_variable(ag_full(AG_F64, at)), *y = f(x);
    *value = ag_item(y);
    return ag_item(ag_grad(y, x));
}
static ag_tensor *entropy_of_0(ag_tensor *x)
{
    return ag_binary_cross_entropy(x, ag_full(AG_F64, 0));
}
static ag_tensor *entropy_of_1(ag_tensor *x)
{
    return ag_binary_cross_entropy(x, ag_full(AG_F64, 1));
}
static ag_tensor *entropy_by_target(ag_tensor *x)
{
    return ag_binary_cross_entropy(ag_full(AG_F64, 0), x);
}
static ag_tensor *divergence(ag_tensor *x)
{
    return ag_kl_div(x, ag_full(AG_F64, 0));
}
static ag_tensor *soft(ag_tensor *x)
{
    return ag_soft_margin_loss(x, ag_full(AG_F64, -1));
}
static ag_tensor *focus(ag_tensor *x)
{
    return ag_sigmoid_focal_loss(x, ag_full(AG_F64, 1), .alpha = -1);
}
static ag_tensor *variance(ag_tensor *x)
{
    return ag_gaussian_nll_loss(ag_full(AG_F64, 1), ag_full(AG_F64, 1), x, .eps = 0.5);
}
static ag_tensor *hinge(ag_tensor *x)
{
    return ag_hinge_embedding_loss(x, ag_full(AG_F64, -1));
}
static ag_tensor *hinge_of_both(ag_tensor *x)
{
    return ag_hinge_embedding_loss(x, ag_full(AG_F64, 0.5));
}
static ag_tensor *classes(ag_tensor *x)
{
    return ag_multi_margin_loss(ag_reshape(ag_stack(AG_LIST(x, ag_full(AG_F64, 0)), 0), 2), ag_full(AG_I64, 0));
}

static void ends(void **state)
{
    (void)state;
    const struct {
        ag_tensor *(*f)(ag_tensor *);
        double x, value, slope;
    } all[] = {
        { entropy_of_0, 0, 0, 0 },
        { entropy_of_0, 1, 100, 1e12 },
        { entropy_of_1, 1, 0, 0 },
        { entropy_of_1, 0, 100, -1e12 },
        { entropy_by_target, 0.5, 50, 100 },
        { divergence, -3, 0, 0 },
        { soft, 1e308, 1e308, 1 },
        { soft, -1e308, 0, 0 },
        { soft, 3e-310, log(2), 0.5 },
        { focus, 1e308, 0, 0 },
        { focus, -1e300, 1e300, -1 },
        { variance, 0.25, log(0.5) / 2, 1 },
        { hinge, 1, 0, -1 },
        { hinge_of_both, 0.25, 1, 0 },
        { classes, 1, 0, 0 },
        { classes, 0.5, 0.25, -0.5 },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        double value, slope = slope_at(all[i].f, all[i].x, &value);
        if (!(value == all[i].value && fabs(slope - all[i].slope) <= 1e-12 * fabs(all[i].slope)))
            fail_msg("row %zu: %.17g, slope %.17g", i, value, slope);
    }
}

static void no_alignment(void **state)
{
    (void)state;
    const int64_t t[] = { 1, 1, 2 }, lengths[] = { 3 }, sizes[] = { 3 };
    ag_tensor *x = ag_variable(ag_full(AG_F64, -1, 3, 3));
    ag_tensor *inf = ag_ctc_loss(x, ag_copy(t, 3), ag_copy(lengths, 1), ag_copy(sizes, 1));
    assert_true(ag_item(inf) == INFINITY);
    ag_tensor *none = ag_ctc_loss(x, ag_copy(t, 3), ag_copy(lengths, 1), ag_copy(sizes, 1), .zero_infinity = true);
    assert_true(ag_item(none) == 0);
    ag_tensor *g = ag_grad(none, x);
    for (int64_t i = 0; i < 9; i++) assert_true(ag_at(g, i / 3, i % 3) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases),
        cmocka_unit_test_setup_teardown(focal, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(dice, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(alignments, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(ends, tape_begin, tape_end),
        cmocka_unit_test_setup_teardown(no_alignment, tape_begin, tape_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
