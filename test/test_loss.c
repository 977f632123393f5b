/* Losses against their definitions, with every combination of options. */
#include "plain.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static void test_l1_and_huber(void **state)
{
    (void)state;
    const double a[] = { 1, 2, 4, -3, INFINITY }, b[] = { 0, 2, 1, -2.5, 0 };
    const double l1[] = { 1, 0, 3, 0.5, INFINITY }, huber[] = { 0.5, 0, 2.5, 0.125, INFINITY };
    const double wide[] = { 0.5, 0, 4, 0.125, INFINITY }, slope[] = { 1, 0, 1, -0.5, 1 }, curve[] = { 0, 1, 0, 1, 0 };
    ag_tensor *x = ag_variable(ag_copy(a, 5)), *t = ag_copy(b, 5);
    assert_true(plain_distance_to(ag_l1_loss(x, t, .reduction = AG_NONE), l1, 5) == 0);
    assert_true(plain_distance_to(ag_huber_loss(x, t, .reduction = AG_NONE, .delta = 2), wide, 5) == 0);
    ag_tensor *h = ag_huber_loss(x, t, .reduction = AG_NONE), *g = ag_vjp(h, x, ag_ones_like(x));
    assert_true(plain_distance_to(h, huber, 5) == 0);
    assert_true(plain_distance_to(g, slope, 5) == 0);
    /* |x - t| = delta belongs to the line */
    assert_true(plain_distance_to(ag_vjp(g, x, ag_ones_like(x)), curve, 5) == 0);
    assert_true(isnan(ag_item(ag_huber_loss(ag_full(AG_F64, NAN, 1), ag_zeros(AG_F64, 1)))));
    const double bad[] = { -1, NAN };
    for (int i = 0; i < 2; i++) {
        assert_null(ag_huber_loss(x, t, .delta = bad[i]));
        assert_int_equal(ag_clear_error(), AG_EINVAL);
    }
}

/* PyTorch's expression, where it does not overflow. */
static double plain_bce(double x, double t, double w, double p)
{
    return w * ((1 - t) * x + (1 + (p - 1) * t) * (log1p(exp(-fabs(x))) + fmax(-x, 0)));
}
static void test_bce_values(void **state)
{
    (void)state;
    enum { N = 300 }; /* longer than one block of the kernel */
    double x[N], t[N], w[N], each[N], total = 0;
    const double p = 2.5;
    assert_int_equal(ag_read(ag_mul(ag_randn(AG_F64, N), 5.0), x, N), AG_OK);
    assert_int_equal(ag_read(ag_rand(AG_F64, N), t, N), AG_OK);
    assert_int_equal(ag_read(ag_rand(AG_F64, N), w, N), AG_OK);
    for (int i = 0; i < N; i++) total += each[i] = plain_bce(x[i], t[i], w[i], p);
    ag_tensor *logits = ag_copy(x, N), *target = ag_copy(t, N), *weight = ag_copy(w, N);
    ag_tensor *factor = (ag_full)(AG_F64, p, 0, NULL);
    ag_tensor *y = ag_bce_with_logits(logits, target, .weight = weight, .pos_weight = factor, .reduction = AG_NONE);
    assert_true(plain_distance_to(y, each, N) <= 1e-14);
    y = ag_bce_with_logits(logits, target, .weight = weight, .pos_weight = factor, .reduction = AG_SUM);
    assert_true(fabs(ag_item(y) - total) <= 1e-12 * total);
    y = ag_bce_with_logits(logits, target, .weight = weight, .pos_weight = factor);
    assert_true(fabs(ag_item(y) - total / N) <= 1e-12 * total / N);
    assert_true(isnan(ag_item(ag_bce_with_logits(ag_zeros(AG_F32, 0), ag_zeros(AG_F32, 0)))));
}

/* Logits of any size: loss, slope and curvature are the limits, never NaN. */
static void test_bce_extremes(void **state)
{
    (void)state;
    const double x[] = { 1e308, 1e308, -1e308, -1e308, INFINITY, INFINITY, -INFINITY, -INFINITY, 800, -800 };
    const double t[] = { 1, 0, 1, 0, 1, 0, 1, 0, 0, 1 };
    const double loss[] = { 0, 1e308, 1e308, 0, 0, INFINITY, INFINITY, 0, 800, 800 };
    const double slope[] = { 0, 1, -1, 0, 0, 1, -1, 0, 1, -1 }, flat[10] = { 0 };
    ag_tensor *v = ag_variable(ag_copy(x, 10)), *target = ag_copy(t, 10);
    ag_tensor *y = ag_bce_with_logits(v, target, .reduction = AG_NONE), *g = ag_vjp(y, v, ag_ones_like(v));
    assert_true(plain_distance_to(y, loss, 10) <= 1e-15);
    assert_true(plain_distance_to(g, slope, 10) == 0);
    assert_true(plain_distance_to(ag_vjp(g, v, ag_ones_like(v)), flat, 10) == 0);
    /* far out the loss keeps its digits, where 1 - sigmoid would have none */
    ag_tensor *far = ag_variable(ag_full(AG_F64, 40, 1)), *one = ag_ones(AG_F64, 1);
    ag_tensor *small = ag_bce_with_logits(far, one);
    assert_true(fabs(ag_item(small) / exp(-40) - 1) <= 1e-14);
    assert_true(fabs(ag_item(ag_grad(small, far)) / -exp(-40) - 1) <= 1e-14);
}

static void test_nll(void **state)
{
    static const double weights[CLASSES] = { 0.5, 2, 1.25, 0.75 };
    const int64_t ignored = 1;
    for (int round = 0; round < 3 * 3 * 2 * 2; round++) { /* after log_softmax it is cross_entropy */
        ag_tape_reset(*state);
        ag_seed((uint64_t)round);
        const shape *s = &shapes[round % 3];
        ag_reduction r = (ag_reduction)(round / 3 % 3);
        ag_tensor *w = round / 9 % 2 ? ag_copy(weights, CLASSES) : NULL;
        const int64_t *ignore = round / 18 % 2 ? &ignored : NULL, drop[] = { 3, 2, 2 };
        ag_tensor *x = (ag_randn)(AG_F64, s->rank, s->dims), *t = (ag_randint)(CLASSES, s->rank - 1, drop);
        ag_tensor *lp = ag_log_softmax(x, s->rank == 1 ? 0 : 1);
        ag_tensor *y = ag_nll_loss(lp, t, .reduction = r, .weight = w, .ignore = ignore);
        assert_true(plain_distance(y, ag_cross_entropy(x, t, .reduction = r, .weight = w, .ignore = ignore)) <= 1e-14);
    }
    /* the entries themselves, whatever stands beside them */
    const double lp[] = { -INFINITY, -1, NAN, -2 };
    const int64_t classes[] = { 1, 1 };
    assert_true(ag_item(ag_nll_loss(ag_reshape(ag_copy(lp, 4), 2, 2), ag_copy(classes, 2))) == 1.5);
    ag_tensor *none = ag_nll_loss(ag_ones(AG_F64, 2, 3), ag_full(AG_I64, -100, 2));
    assert_true(isnan(ag_item(none)));
}

static void test_what_is_refused(void **state)
{
    (void)state;
    ag_tensor *x = ag_randn(AG_F64, 3, 4), *t = ag_randint(4, 3), *w = ag_ones(AG_F64, 4);
    const int64_t class = 1;
#define REFUSED(code, text, expr)                   \
    do {                                            \
        assert_null(expr);                          \
        assert_int_equal(ag_clear_error(), code);   \
        assert_non_null(strstr(ag_errmsg(), text)); \
    } while (0)
    REFUSED(AG_EINVAL, "ag_mse_loss: .weight", ag_mse_loss(x, x, .weight = w));
    REFUSED(AG_EINVAL, "ag_l1_loss: .delta", ag_l1_loss(x, x, .delta = 1));
    REFUSED(AG_EINVAL, "ag_huber_loss: .ignore", ag_huber_loss(x, x, .ignore = &class));
    REFUSED(AG_EINVAL, "ag_bce_with_logits: .label_smoothing", ag_bce_with_logits(x, x, .label_smoothing = 0.1));
    REFUSED(AG_EINVAL, "ag_nll_loss: .label_smoothing", ag_nll_loss(x, t, .label_smoothing = 0.1));
    REFUSED(AG_EINVAL, "ag_cross_entropy: .pos_weight", ag_cross_entropy(x, t, .pos_weight = w));
    REFUSED(AG_EINVAL, "ag_l1_loss: .reduction 7", ag_l1_loss(x, x, .reduction = (ag_reduction)7));
    REFUSED(AG_ESHAPE, "ag_l1_loss: shapes differ: [3,4] and [4]", ag_l1_loss(x, w));
    REFUSED(AG_ESHAPE, "ag_huber_loss: shapes differ: [3,4] and [4]", ag_huber_loss(x, w));
    REFUSED(AG_EDTYPE, "ag_bce_with_logits: both must be", ag_bce_with_logits(x, t));
    REFUSED(AG_ESHAPE, ".weight f64 [3] does not", ag_bce_with_logits(x, x, .weight = ag_ones(AG_F64, 3)));
    REFUSED(AG_ESHAPE, ".weight f64 [2,3,4] does", ag_bce_with_logits(x, x, .weight = ag_ones(AG_F64, 2, 3, 4)));
    REFUSED(AG_ESHAPE, ".pos_weight f32 [4] does", ag_bce_with_logits(x, x, .pos_weight = ag_ones(AG_F32, 4)));
    REFUSED(AG_EDTYPE, "ag_nll_loss: the target is f64", ag_nll_loss(x, x));
    REFUSED(AG_ESHAPE, "ag_nll_loss: classes [4] do not fit", ag_nll_loss(x, ag_zeros(AG_I64, 4)));
    REFUSED(AG_EINVAL, "target 4 at position 0", ag_nll_loss(x, ag_full(AG_I64, 4, 3)));
    REFUSED(AG_ESHAPE, "ag_nll_loss: .weight f64 [3] does", ag_nll_loss(x, t, .weight = ag_ones(AG_F64, 3)));
    REFUSED(AG_ESHAPE, "no axis of classes", ag_nll_loss(ag_ones(AG_F64), t));
    ag_tensor *learned = ag_variable(w), *y = ag_nll_loss(x, t, .weight = learned);
    REFUSED(AG_ENODIFF, "ag_nll_loss: .weight is taken as a constant", ag_grad(y, learned));
}

static void test_dropout(void **state)
{
    (void)state;
    enum { N = 100000 };
    static float a[N], b[N];
    ag_tensor *x = ag_variable(ag_ones(AG_F32, N)), *y = ag_dropout(x, 0.25);
    assert_int_equal(ag_read(y, a, N), AG_OK);
    assert_int_equal(ag_read(ag_dropout(x, 0.25), b, N), AG_OK);
    int64_t kept = 0, same = 0;
    for (int i = 0; i < N; i++) {
        assert_true(a[i] == 0 || a[i] == 1 / 0.75f);
        kept += a[i] != 0;
        same += a[i] == b[i];
    }
    /* six standard deviations */
    assert_true(llabs(kept - 75000) < 6 * 137 && llabs(same - 62500) < 6 * 154);
    printf("# dropout 0.25: %lld of %d kept, %lld places alike in two draws\n", (long long)kept, N, (long long)same);
    /* the gradient passes where the value did, by the kernel and by the rule */
    assert_int_equal(ag_read(ag_vjp(y, x, ag_ones_like(x)), b, N), AG_OK);
    assert_memory_equal(a, b, sizeof a);
    ag_seed(3);
    ag_tensor *first = ag_dropout(x, 0.5);
    ag_seed(3);
    assert_true(plain_distance(first, ag_dropout(x, 0.5)) == 0);
    ag_seed(3); /* each element has its own number */
    assert_true(plain_distance(first, ag_mul(2.0, ag_to(ag_bernoulli(0.5, N), AG_F32))) == 0);
    const double wild[] = { INFINITY, NAN, 1, 2, 3, 4, 5, 6 };
    assert_true(plain_distance_to(ag_dropout(ag_copy(wild, 8), 0), wild, 8) == 0);
    assert_true(ag_item(ag_sum(ag_dropout(ag_full(AG_F64, INFINITY, 100), 1 - 1e-16))) == 0);
    const double bad[] = { -0.1, 1, 1.5, NAN };
    for (int i = 0; i < 4; i++) REFUSED(AG_EINVAL, "ag_dropout: probability", ag_dropout(x, bad[i]));
    REFUSED(AG_EDTYPE, "ag_dropout", ag_dropout(ag_zeros(AG_I64, 3), 0.5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cross_entropy_classes, tape, end),
        cmocka_unit_test_setup_teardown(test_cross_entropy_probabilities, tape, end),
        cmocka_unit_test_setup_teardown(test_cross_entropy_edges, tape, end),
        cmocka_unit_test_setup_teardown(test_mse, tape, end),
        cmocka_unit_test_setup_teardown(test_l1_and_huber, tape, end),
        cmocka_unit_test_setup_teardown(test_bce_values, tape, end),
        cmocka_unit_test_setup_teardown(test_bce_extremes, tape, end),
        cmocka_unit_test_setup_teardown(test_nll, tape, end),
        cmocka_unit_test_setup_teardown(test_what_is_refused, tape, end),
        cmocka_unit_test_setup_teardown(test_dropout, tape, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
