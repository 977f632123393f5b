/* test_extremes.c - numbers at the ends of their dtype, subnormal ones and infinities: what is computed is the limit,
 * and where that is finite the gradient is as well. */
#include <autograd/autograd.h>
#include <float.h>
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

static ag_tensor *one(ag_tensor *x, int64_t i)
{
    return ag_select(x, 0, i);
}
#define FUNCTION(name, expression)       \
    static ag_tensor *name(ag_tensor *x) \
    {                                    \
        return (expression);             \
    }
FUNCTION(softmax, one(ag_softmax(x, 0), 0))
FUNCTION(log_softmax, one(ag_log_softmax(x, 0), 0))
FUNCTION(logsumexp, ag_logsumexp(x))
FUNCTION(softplus, ag_softplus(one(x, 0)))
FUNCTION(silu, ag_silu(one(x, 0)))
FUNCTION(gelu_tanh, ag_gelu_tanh(one(x, 0)))
FUNCTION(logsigmoid, ag_logsigmoid(one(x, 0)))
FUNCTION(bce, ag_bce_with_logits(one(x, 0), one(x, 1)))
FUNCTION(entropy, ag_cross_entropy(x, ag_full(AG_I64, 0)))
FUNCTION(entropy_smooth, ag_cross_entropy(x, ag_full(AG_I64, 0), .label_smoothing = 0.5))
FUNCTION(log1p_of, ag_log1p(one(x, 0)))
FUNCTION(var, ag_var(x))
FUNCTION(std, ag_std(x))
FUNCTION(norm, ag_norm(x))
FUNCTION(vector_norm, ag_vector_norm(x, 2))
FUNCTION(cubic_norm, ag_vector_norm(x, 3))
FUNCTION(hypot_of, ag_hypot(one(x, 0), one(x, 1)))
FUNCTION(logaddexp, ag_logaddexp(one(x, 0), one(x, 1)))

/* In place of a slope: whatever it is, finite; or not asked for, because the value has no finite limit. */
#define FINITE (-12345.0)
#define ANY    (-54321.0)

typedef struct row {
    const char *name;
    ag_tensor *(*f)(ag_tensor *);
    double x[2], y, slope[2];
} row;

static bool near(double got, double want, double epsilon)
{
    return got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= 4 * epsilon * fabs(want);
}
/* By rules that are recorded, and by kernels. */
static size_t wrong(const row *r, ag_dtype dtype, double epsilon)
{
    ag_tensor *x = ag_variable(ag_to(ag_copy(r->x, 2), dtype)), *y = r->f(x), *g[2] = { ag_grad(y, x), NULL };
    AG_NO_GRAD
        g[1] = ag_grad(y, x);
    double value = ag_item(y), want = ag_item(ag_to(ag_num(r->y), dtype));
    bool right = near(value, want, epsilon), overflows = isinf(want) && !isinf(r->y);
    for (int k = 0; k < 4; k++) {
        double slope = ag_at(g[k / 2], k % 2), expected = r->slope[k % 2];
        right &=
            overflows || expected == ANY || (expected == FINITE ? isfinite(slope) : near(slope, expected, epsilon));
    }
    if (!right)
        print_error("%s %s(%g, %g): %.9g, slopes %.9g and %.9g, or %.9g and %.9g, expected %.9g, %.9g and %.9g\n",
                    ag_dtype_name(dtype), r->name, r->x[0], r->x[1], value, ag_at(g[0], 0), ag_at(g[0], 1),
                    ag_at(g[1], 0), ag_at(g[1], 1), r->y, r->slope[0], r->slope[1]);
    ag_tape_reset(tape);
    return !right;
}

/* big: near the largest number; tiny: the smallest above 0. */
static size_t all(ag_dtype dtype, double big, double tiny, double epsilon)
{
    const double inf = INFINITY, root = sqrt(0.5), far = log(0.5);
    // clang-format off
    const row rows[] = {
#define R(f, a, b, y, da, db) { #f, f, { a, b }, y, { da, db } },
        R(softmax, big, -big, 1, 0, 0) R(softmax, -big, big, 0, 0, 0) R(softmax, big, big, 0.5, 0.25, -0.25)
        R(softmax, tiny, 0, 0.5, 0.25, -0.25) R(softmax, -inf, 0, 0, 0, 0) R(softmax, 0, -inf, 1, 0, 0)
        R(log_softmax, big, -big, 0, 0, 0) R(log_softmax, big, big, far, 0.5, -0.5)
        R(log_softmax, tiny, -tiny, far, 0.5, -0.5) R(log_softmax, 0, -inf, 0, 0, 0)
        R(log_softmax, -big / 4, big / 4, -big / 2, 1, -1) R(log_softmax, -inf, 0, -inf, ANY, ANY)
        R(entropy, big, -big, 0, 0, 0) R(entropy, big, big, -far, -0.5, 0.5) R(entropy, -big, -big, -far, -0.5, 0.5)
        R(entropy, -big / 4, big / 4, big / 2, -1, 1) R(entropy, tiny, 0, -far, -0.5, 0.5)
        R(entropy, 0, -inf, 0, 0, 0)
        R(entropy_smooth, big, big, -far, -0.25, 0.25)
        R(logsumexp, big, -big, big, 1, 0) R(logsumexp, big, big, big, 0.5, 0.5)
        R(logsumexp, -big, -big, -big, 0.5, 0.5) R(logsumexp, tiny, tiny, log(2), 0.5, 0.5)
        R(logsumexp, -inf, 0, 0, 0, 1) R(logsumexp, inf, 0, inf, ANY, ANY) R(logsumexp, -inf, -inf, -inf, ANY, ANY)
        R(logsumexp, inf, inf, inf, ANY, ANY) R(logsumexp, -inf, -big, -big, 0, 1)
        R(softplus, big, 0, big, 1, 0) R(softplus, -big, 0, 0, 0, 0) R(softplus, tiny, 0, log(2), 0.5, 0)
        R(softplus, -inf, 0, 0, 0, 0) R(softplus, inf, 0, inf, 1, 0)
        R(gelu_tanh, big, 0, big, 1, 0) R(gelu_tanh, -big, 0, 0, FINITE, 0) R(gelu_tanh, 1e20, 0, 1e20, 1, 0)
        R(silu, big, 0, big, 1, 0) R(silu, 3e7, 0, 3e7, 1, 0) R(silu, 1e17, 0, 1e17, 1, 0) R(silu, -big, 0, 0, 0, 0)
        R(logsigmoid, big, 0, 0, 0, 0) R(logsigmoid, -big, 0, -big, 1, 0) R(logsigmoid, tiny, 0, far, 0.5, 0)
        R(logsigmoid, inf, 0, 0, 0, 0) R(logsigmoid, -inf, 0, -inf, 1, 0)
        R(bce, big, 1, 0, 0, -big) R(bce, big, 0, big, 1, -big) R(bce, -big, 0, 0, 0, big)
        R(bce, -big, 1, big, -1, big) R(bce, big, 0.5, big / 2, 0.5, -big) R(bce, tiny, 1, log(2), -0.5, FINITE)
        R(bce, inf, 1, 0, 0, ANY) R(bce, -inf, 0, 0, 0, ANY) R(bce, inf, 0, inf, ANY, ANY)
        R(bce, -inf, 1, inf, ANY, ANY)
        R(log1p_of, big, 0, log(big), 1 / big, 0) R(log1p_of, tiny, 0, tiny, 1, 0) R(log1p_of, -tiny, 0, -tiny, 1, 0)
        R(log1p_of, inf, 0, inf, 0, 0) R(log1p_of, -1, 0, -inf, ANY, 0)
        R(var, big, big, 0, 0, 0) R(var, tiny, tiny, 0, 0, 0) R(var, tiny, -tiny, 0, FINITE, FINITE)
        R(var, big, -big, inf, ANY, ANY) R(var, -big, -big, 0, 0, 0)
        R(std, big, big, 0, 0, 0) R(std, big, -big, big / root, root, -root) R(std, tiny, tiny, 0, 0, 0)
        R(std, big, big / 2, big / 4 / root, root, -root)
        R(norm, big, big, big / root, root, root) R(norm, big, 0, big, 1, 0) R(norm, -big, tiny, big, -1, 0)
        R(norm, tiny, 0, tiny, 1, 0) R(norm, tiny, tiny, tiny, FINITE, FINITE) R(norm, 0, 0, 0, 0, 0)
        R(norm, inf, 1, inf, ANY, ANY) R(norm, -inf, big, inf, ANY, ANY)
        R(vector_norm, big, big, big / root, root, root) R(vector_norm, tiny, 0, tiny, 1, 0)
        R(vector_norm, tiny, tiny, tiny, FINITE, FINITE) R(vector_norm, -inf, 1, inf, ANY, ANY)
        R(cubic_norm, big, 0, big, 1, 0) R(cubic_norm, big, big, big * cbrt(2), cbrt(0.25), cbrt( 0.25))
        R(hypot_of, big, big, big / root, root, root) R(hypot_of, tiny, 0, tiny, 1, 0) R(hypot_of, 0, 0, 0, 0, 0)
        R(hypot_of, tiny, tiny, tiny, FINITE, FINITE) R(hypot_of, inf, 1, inf, ANY, ANY)
        R(hypot_of, big, tiny, big, 1, 0) R(hypot_of, -inf, inf, inf, ANY, ANY)
        R(logaddexp, big, big, big, 0.5, 0.5) R(logaddexp, big, -big, big, 1, 0)
        R(logaddexp, -big, -big, -big, 0.5, 0.5) R(logaddexp, tiny, tiny, log(2), 0.5, 0.5)
        R(logaddexp, -inf, 0, 0, 0, 1) R(logaddexp, 0, -inf, 0, 1, 0) R(logaddexp, inf, 0, inf, 1, 0)
        R(logaddexp, -inf, -inf, -inf, ANY, ANY) R(logaddexp, inf, inf, inf, ANY, ANY)
        R(logaddexp, inf, -inf, inf, 1, 0)
#undef R
    };
    // clang-format on
    size_t bad = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) bad += wrong(&rows[i], dtype, epsilon);
    print_message("# %s: %zu limits\n", ag_dtype_name(dtype), sizeof rows / sizeof *rows);
    return bad;
}

static void in_f64(void **state)
{
    (void)state;
    assert_int_equal(all(AG_F64, 1e308, 5e-324, DBL_EPSILON), 0);
}
static void in_f32(void **state)
{
    (void)state;
    assert_int_equal(all(AG_F32, (double)3e38F, (double)1e-45F, (double)FLT_EPSILON), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(in_f64, tape_begin, tape_end),
                                        cmocka_unit_test_setup_teardown(in_f32, tape_begin, tape_end) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
