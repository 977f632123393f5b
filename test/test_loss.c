/* Losses against their definitions, with every combination of options. */
#include "plain.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { CLASSES = 4, MOST = 3 * CLASSES * 2 * 2 };

static int tape(void **state)
{
    return (*state = ag_tape_new()) == NULL;
}
static int end(void **state)
{
    ag_tape_free(*state);
    return 0;
}

/* logits [c], [3,c] or [3,c,2,2]: sample i has its classes `inner` apart */
typedef struct shape {
    int rank;
    int64_t dims[4], samples, inner;
} shape;
static const shape shapes[] = { { 1, { CLASSES }, 1, 1 },
                                { 2, { 3, CLASSES }, 3, 1 },
                                { 4, { 3, CLASSES, 2, 2 }, 12, 4 } };

/* loss[i] = - sum of ((1 - e) w[t] [c = t] + e / C w[c]) lp[c]; the mean divides by the sum of w[t]. Returns it, or the
 * sum of w[t] in *count. */
static void plain_entropy(const shape *s, const double *lp, const int64_t *target, const double *w, double e,
                          const int64_t *ignore, double *loss, double *count)
{
    *count = 0;
    for (int64_t i = 0; i < s->samples; i++) {
        int64_t t = target[i], from = i / s->inner * s->inner * CLASSES + i % s->inner;
        loss[i] = 0;
        if (t < 0 || (ignore && t == *ignore)) continue;
        for (int64_t c = 0; c < CLASSES; c++)
            loss[i] -= ((c == t ? 1 - e : 0) + e / CLASSES) * (w ? w[c] : 1) * lp[from + c * s->inner];
        *count += w ? w[t] : 1;
    }
}

static void test_cross_entropy_classes(void **state)
{
    static const double weights[CLASSES] = { 0.5, 2, 1.25, 0.75 };
    const int64_t ignored = 1;
    for (int round = 0; round < 3 * 3 * 2 * 2 * 2; round++) {
        ag_tape_reset(*state);
        ag_seed((uint64_t)round);
        const shape *s = &shapes[round % 3];
        ag_reduction reduction = (ag_reduction)(round / 3 % 3);
        double e = round / 9 % 2 ? 0.15 : 0;
        const double *w = round / 18 % 2 ? weights : NULL;
        const int64_t *ignore = round / 36 % 2 ? &ignored : NULL;
        ag_tensor *x = (ag_randn)(AG_F64, s->rank, s->dims), *y;
        int64_t drop[4] = { 3, 2, 2 };
        ag_tensor *t = (ag_randint)(CLASSES, s->rank ? s->rank - 1 : 0, drop);
        if (s->samples > 1) ag_i64_write(t)[1] = -100;
        y = ag_cross_entropy(x, t, .reduction = reduction, .label_smoothing = e, .ignore = ignore,
                             .weight = w ? ag_copy(weights, CLASSES) : NULL);

        double lp[MOST], loss[MOST], count, total = 0;
        assert_int_equal(ag_read(ag_log_softmax(x, s->rank == 1 ? 0 : 1), lp, s->samples * CLASSES), AG_OK);
        plain_entropy(s, lp, ag_i64(t), w, e, ignore, loss, &count);
        for (int64_t i = 0; i < s->samples; i++) total += loss[i];
        double one = reduction == AG_SUM ? total : total / count;
        assert_true(plain_distance_to(y, reduction == AG_NONE ? loss : &one, reduction == AG_NONE ? s->samples : 1) <=
                    1e-14);
    }
}

/* Classes as probabilities are the same loss, but for what the mean divides by. */
static void test_cross_entropy_probabilities(void **state)
{
    (void)state;
    const double weights[CLASSES] = { 0.5, 2, 1.25, 0.75 }, hot[] = { 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1 };
    const int64_t classes[] = { 2, 0, 3 };
    ag_tensor *x = ag_randn(AG_F64, 3, CLASSES), *p = ag_reshape(ag_copy(hot, 12), 3, CLASSES),
              *t = ag_copy(classes, 3);
    for (int smooth = 0; smooth < 2; smooth++) {
        ag_tensor *w = ag_copy(weights, CLASSES);
        double e = smooth ? 0.2 : 0;
        ag_tensor *a = ag_cross_entropy(x, p, .weight = w, .label_smoothing = e, .reduction = AG_NONE);
        assert_true(plain_distance(
                        a, ag_cross_entropy(x, t, .weight = w, .label_smoothing = e, .reduction = AG_NONE)) <= 1e-14);
        assert_true(plain_distance(ag_cross_entropy(x, p, .weight = w, .label_smoothing = e), ag_mean(a)) <= 1e-14);
    }
}

static void test_cross_entropy_edges(void **state)
{
    (void)state;
    const int64_t none[] = { -1, -100 };
    ag_tensor *x = ag_variable(ag_randn(AG_F64, 2, 3)), *y = ag_cross_entropy(x, ag_copy(none, 2)), *g = NULL;
    const double zeros[6] = { 0 };
    assert_true(isnan(ag_item(y)));
    assert_true(plain_distance_to(ag_grad(y, x), zeros, 6) == 0);
    AG_NO_GRAD
        g = ag_grad(y, x);
    assert_true(plain_distance_to(g, zeros, 6) == 0);
    assert_true(isnan(ag_item(ag_cross_entropy(ag_zeros(AG_F32, 0, 3), ag_zeros(AG_I64, 0)))));
    /* no overflow */
    const double far[] = { 1000, 0, -1000 };
    const int32_t last = 2;
    ag_tensor *l = ag_cross_entropy(ag_copy(far, 3), ag_reshape(ag_copy(&last, 1)));
    assert_true(ag_item(l) == 2000);
}

static void test_mse(void **state)
{
    (void)state;
    const double a[] = { 1, 2, 4 }, b[] = { 0, 2, 1 }, each[] = { 1, 0, 9 };
    ag_tensor *x = ag_copy(a, 3), *t = ag_copy(b, 3);
    assert_true(ag_item(ag_mse_loss(x, t)) == 10. / 3);
    assert_true(ag_item(ag_mse_loss(x, t, .reduction = AG_SUM)) == 10);
    assert_true(plain_distance_to(ag_mse_loss(x, t, .reduction = AG_NONE), each, 3) == 0);
    assert_true(isnan(ag_item(ag_mse_loss(ag_zeros(AG_F32, 0), ag_zeros(AG_F32, 0)))));
    /* longer than one block of the kernel */
    ag_tensor *u = ag_randn(AG_F64, 7, 111), *v = ag_randn(AG_F64, 7, 111);
    assert_true(plain_distance(ag_mse_loss(u, v), ag_mean(ag_square(ag_sub(u, v)))) <= 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cross_entropy_classes, tape, end),
        cmocka_unit_test_setup_teardown(test_cross_entropy_probabilities, tape, end),
        cmocka_unit_test_setup_teardown(test_cross_entropy_edges, tape, end),
        cmocka_unit_test_setup_teardown(test_mse, tape, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
