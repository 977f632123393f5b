/* test_kinks.c - branches not taken give no NaN: where the gradient that arrives is exactly 0 and the slope not finite,
 * 0 is passed on, by kernels, by recorded rules, forwards, and to second order. */
#include <autograd/autograd.h>
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

#define WITH(name, expression)               \
    static ag_tensor *name##_t(ag_tensor *x) \
    {                                        \
        return (expression);                 \
    }                                        \
    static ag_scalar name##_s(ag_scalar x)   \
    {                                        \
        return (expression);                 \
    }
WITH(over, ag_div(1.0, x))
WITH(over_itself, ag_div(x, x))
WITH(half_power, ag_pow(x, 0.5))
WITH(minus_power, ag_pow(x, -1.5))
WITH(to_the_x, ag_pow(0.0, x))
WITH(self_power, ag_pow(x, x))
WITH(angle, ag_atan2(x, 2.0))
WITH(distance, ag_hypot(x, x))
WITH(entropy, ag_xlogy(x, x))
WITH(entropy_1, ag_xlog1py(x, ag_sub(x, 1.0)))
WITH(shifted_log, ag_logaddexp(ag_log(x), ag_log(x)))
WITH(steep, ag_ldexp(x, x))
WITH(left_over, ag_fmod(1.0, x))
WITH(left_over_2, ag_remainder(x, x))

static ag_tensor *logit_t(ag_tensor *x)
{
    return ag_logit(x);
}
static ag_tensor *elu_t(ag_tensor *x)
{
    return ag_elu(x);
}

/* At `bad` the slope is infinite or NaN, at `good` all is well. */
static const struct kink {
    const char *name;
    ag_tensor *(*tensor)(ag_tensor *);
    ag_scalar (*scalar)(ag_scalar);
    double bad, good;
} kinks[] = {
#define BOTH(name, bad, good) { #name, ag_##name, ags_##name, bad, good },
#define OWN(name, bad, good)  { #name, name##_t, name##_s, bad, good },
    BOTH(sqrt, 0, 2) BOTH(sqrt, -1, 2) BOTH(rsqrt, 0, 2) BOTH(reciprocal, 0, 2) BOTH(log, 0, 2) BOTH(log, -1, 2) BOTH(
        log1p, -1, 2) BOTH(asin, 1, 0.5) BOTH(acos, -1, 0.5) BOTH(exp, 1e4, 0.5) BOTH(expm1, 1e4, 0.5)
        BOTH(sinh, 1e4, 0.5) BOTH(cosh, -1e4, 0.5) BOTH(sin, INFINITY, 0.5) BOTH(cos, INFINITY, 0.5) BOTH(
            tan, INFINITY, 0.5) BOTH(tanh, NAN, 0.5) BOTH(atan, NAN, 0.5) BOTH(erf, NAN, 0.5) BOTH(erfc, NAN, 0.5)
            BOTH(sigmoid, NAN, 0.5) BOTH(softplus, NAN, 0.5) BOTH(gelu, -INFINITY, 0.5) BOTH(gelu_tanh, -INFINITY, 0.5)
                BOTH(silu, -INFINITY, 0.5) OWN(over, 0, 2) OWN(over_itself, 0, 2) OWN(half_power, 0, 2)
                    OWN(minus_power, 0, 2) OWN(to_the_x, -1, 2) OWN(self_power, 0, 2) OWN(angle, NAN, 2)
                        BOTH(acosh, 1, 2) BOTH(acosh, 0, 2) BOTH(atanh, 1, 0.5) BOTH(asinh, NAN, 0.5)
                            BOTH(exp2, 1e4, 0.5) BOTH(log2, 0, 2) BOTH(log10, 0, 2) BOTH(cbrt, 0, 2) BOTH(lgamma, 0, 2)
                                BOTH(lgamma, -1, 2) BOTH(digamma, 0, 2) BOTH(digamma, -2, 2) BOTH(erfinv, 1, 0.5) BOTH(
                                    erfcx, -1e3, 0.5) BOTH(ndtri, 0, 0.4) BOTH(ndtri, 2, 0.4) BOTH(log_ndtr, NAN, 0.5)
                                    BOTH(ndtr, NAN, 0.5) BOTH(entr, 0, 0.5) BOTH(i0, 1e4, 0.5) BOTH(
                                        i1, 1e4, 0.5) BOTH(i0e, NAN, 0.5) BOTH(i1e, NAN, 0.5) BOTH(sinc, INFINITY, 0.5)
                                        BOTH(logsigmoid, NAN, 0.5) BOTH(mish, -INFINITY, 0.5) BOTH(softsign, NAN, 0.5)
                                            BOTH(tanhshrink, NAN, 0.5) OWN(distance, NAN, 2) OWN(entropy, 0, 2)
                                                OWN(entropy_1, 0, 2) OWN(shifted_log, 0, 2) OWN(steep, 1e4, 2)
                                                    OWN(left_over, 0, 2)
                                                        OWN(left_over_2, 0, 2){ "logit", logit_t, NULL, 0, 0.5 },
    { "elu", elu_t, NULL, NAN, 0.5 },
};
enum { KINKS = sizeof kinks / sizeof *kinks };

/* f where it is well, else 7. */
static ag_tensor *guarded(const struct kink *k, ag_tensor *x)
{
    return ag_sum(ag_where(ag_eq(x, k->good), k->tensor(x), ag_num(7)));
}

static void report(const struct kink *k, const char *what, double got, int *wrong)
{
    if (got == 0) return;
    print_error("%s at %g: %s is %g\n", k->name, k->bad, what, got);
    ++*wrong;
}

static void tensors(void **state)
{
    (void)state;
    int wrong = 0;
    for (int i = 0; i < 2 * KINKS; i++) {
        const struct kink *k = &kinks[i / 2];
        double at[] = { k->good, k->bad, k->bad };
        ag_tensor *x = ag_param_like(ag_to(ag_copy(at, 3), i % 2 ? AG_F32 : AG_F64)), *v = ag_ones_like(x);
        ag_tensor *y = guarded(k, x), *g = ag_grad(y, x), *h = ag_grad(ag_sum(g), x);
        report(k, "the recorded gradient", ag_at(g, 1), &wrong);
        report(k, "the second gradient", ag_at(h, 1), &wrong);
        report(k, "hvp", ag_at(ag_hvp(y, x, v), 2), &wrong);
        report(k, "a column of the hessian", ag_at(ag_hessian(y, x), 1, 1), &wrong);
        ag_tensor *out = ag_where(ag_eq(x, k->good), k->tensor(x), ag_num(7));
        report(k, "jvp", ag_at(ag_jvp(out, x, v), 1), &wrong);
        AG_NO_GRAD
            report(k, "the plain gradient", ag_at(ag_grad(guarded(k, x), x), 1), &wrong);
        double first = ag_at(g, 0);
        ag_backward(guarded(k, x));
        ag_backward(guarded(k, x)); /* once written, once added */
        report(k, "the kernel's gradient", ag_at(ag_grad_of(x), 1), &wrong);
        double twice = ag_at(ag_grad_of(x), 0);
        if (!(fabs(twice - 2 * first) <= 1e-5 * fabs(twice) && isfinite(ag_at(h, 0)) && (first != 0 || twice == 0)))
            print_error("%s at %g: %g, not twice %g\n", k->name, k->good, twice, first), wrong++;
        if (ag_error()) fail_msg("%s: %s", k->name, ag_errmsg());
        ag_free(x);
        ag_tape_reset(tape);
    }
    assert_int_equal(wrong, 0);
    print_message("# %d functions under where, f64 and f32, seven ways each\n", KINKS);
}

/* A factor of 0 behind what has no slope, backwards; before it, forwards. */
static void scalars(void **state)
{
    (void)state;
    int wrong = 0;
    for (int i = 0; i < KINKS; i++) {
        const struct kink *k = &kinks[i];
        if (!k->scalar) continue;
        ag_scalar x = ag_input(k->bad), w = ag_input(0), z = ag_mul(w, k->scalar(x)), g = ag_grad(z, x);
        report(k, "the recorded derivative", g.value, &wrong);
        report(k, "the one after it", ag_grad(g, x).value, &wrong);
        ag_scalar y = k->scalar(ag_add(ag_mul(0.0, w), k->bad));
        double tangent, one = 1;
        assert_int_equal(ags_jvp(&y, 1, &w, 1, &one, &tangent), AG_OK);
        report(k, "jvp", tangent, &wrong);
        ag_backward(z);
        report(k, "the plain derivative", ag_adjoint(x), &wrong);
        double h[1], jac[9]; /* several lanes at once, of which some have no way to what is bad */
        assert_int_equal(ags_hvp(z, &x, 1, &one, h), AG_OK);
        report(k, "hvp", h[0], &wrong);
        assert_int_equal(ags_hessian(z, &x, 1, h), AG_OK);
        report(k, "the hessian", h[0], &wrong);
        assert_int_equal(ags_jacobian((ag_scalar[]){ w, y, w }, 3, (ag_scalar[]){ w, x, w }, 3, jac), AG_OK);
        report(k, "the jacobian forwards", jac[3] + jac[4] + jac[5], &wrong);
        assert_int_equal(ags_jacobian((ag_scalar[]){ w, z }, 2, (ag_scalar[]){ w, x, w }, 3, jac), AG_OK);
        report(k, "the jacobian in reverse", jac[1] + jac[4], &wrong);
        if (ag_error()) fail_msg("%s: %s", k->name, ag_errmsg());
        ag_tape_reset(tape);
    }
    assert_int_equal(wrong, 0);
}

/* Products of scalars likewise, recorded as in plain sweeps: x log x at 0, and sums of such. */
static void products_of_scalars(void **state)
{
    (void)state;
    enum { N = 6 };
    ag_scalar x = ag_input(0), w = ag_input(0), u = ag_log(x), both[2] = { u, u }, none[2] = { w, w };
    const ag_scalar y[N] = {
        ag_mul(w, ag_mul(x, u)),
        ag_mul(w, ag_fma(u, x, x)),
        ag_mul(w, ags_dot(2, both, none)),
        ag_mul(w, ags_sqnorm(2, both)),
        ag_mul(w, ags_poly(3, (double[]){ 1, 2, 3 }, u)),
        ag_mul(w, ags_lin(2, (ag_scalar[]){ x, w }, (double[]){ INFINITY, 1 })),
    };
    for (int k = 0; k < N; k++) {
        double plain, second;
        assert_int_equal(ags_gradient(y[k], &x, 1, &plain), AG_OK);
        assert_int_equal(ags_hessian(y[k], &x, 1, &second), AG_OK);
        ag_scalar g = ag_grad(y[k], x), h = ag_grad(g, x);
        if (!(plain == 0 && second == 0 && g.value == 0 && h.value == 0))
            fail_msg("%d: %g, %g; recorded %g, %g", k, plain, second, g.value, h.value);
    }
}

/* Zero is exact, and only zero: an infinite slope that counts stays infinite, and products keep 0 times inf. */
static void what_counts_stays(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_zeros(AG_F64, 2));
    assert_true(ag_at(ag_grad(ag_sum(ag_sqrt(x)), x), 1) == INFINITY);
    ag_tensor *tiny = ag_grad(ag_sum(ag_mul(1e-300, ag_sqrt(x))), x);
    assert_true(ag_at(tiny, 0) == INFINITY);
    double inf = INFINITY;
    ag_tensor *u = ag_variable(ag_copy(&inf, 1)), *v = ag_variable(ag_num(2));
    ag_tensor *y = ag_where(ag_isfinite(u), ag_mul(u, v), ag_num(0));
    assert_true(isnan(ag_item(ag_grad(ag_sum(y), v))));
}

/* f = (sqrt x - 2)^2 has f'' = 1/8 at 4, where its outer slope is 0: by a recorded gradient twice, forward over
 * reverse, and all at once. */
static ag_tensor *away(ag_tensor *x)
{
    return ag_sum(ag_square(ag_sub(ag_sqrt(x), 2.0)));
}
static void zero_that_has_a_derivative(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_full(AG_F64, 4, 2)), *y = away(x), *g = ag_grad(y, x);
    assert_true(ag_at(g, 0) == 0);
    assert_true(ag_at(ag_grad(ag_sum(g), x), 0) == 0.125);
    assert_true(ag_at(ag_hvp(y, x, ag_ones_like(x)), 1) == 0.125);
    ag_tensor *h = ag_hessian(y, x);
    assert_true(ag_at(h, 0, 0) == 0.125 && ag_at(h, 1, 1) == 0.125 && ag_at(h, 0, 1) == 0);
    assert_true(ag_item(ag_directional(y, x, ag_ones_like(x), 2)) == 0.25);

    ag_scalar s = ag_input(4), f = ag_square(ag_sub(ag_sqrt(s), 2.0)), d = ag_grad(f, s);
    assert_true(d.value == 0 && ag_grad(d, s).value == 0.125);
    double tangent, one = 1;
    assert_int_equal(ags_jvp(&d, 1, &s, 1, &one, &tangent), AG_OK); /* forward over reverse */
    assert_true(tangent == 0.125);
    assert_int_equal(ags_hvp(f, &s, 1, &one, &tangent), AG_OK);
    assert_true(tangent == 0.125);
    assert_int_equal(ags_hessian(f, &s, 1, &tangent), AG_OK);
    assert_true(tangent == 0.125);
    assert_int_equal(ags_directional(&f, 1, &s, 1, &one, 2, &tangent), AG_OK);
    assert_true(tangent == 0.125);
}

/* A power with a base of 0: its own conventions, and the mixed derivative 1 / a of a^b at b = 0. */
static void powers(void **state)
{
    (void)state;
    ag_scalar a = ag_input(2), b = ag_input(0), y = ag_pow(a, b);
    assert_true(ag_grad(ag_grad(y, a), b).value == 0.5 && ag_grad(ag_grad(y, b), a).value == 0.5);
    ag_tensor *p = ag_variable(ag_full(AG_F64, 2, 1)), *q = ag_variable(ag_zeros(AG_F64, 1));
    ag_tensor *z = ag_sum(ag_pow(p, q));
    assert_true(ag_item(ag_grad(ag_sum(ag_grad(z, p)), q)) == 0.5 && ag_item(ag_grad(ag_sum(ag_grad(z, q)), p)) == 0.5);
    ag_tensor *x = ag_variable(ag_zeros(AG_F64, 1));
    for (int n = 0; n < 5; n++) {
        ag_tensor *d = ag_sum(ag_pow(x, (double)n));
        double wanted[] = { n == 0, n == 1, n == 2 ? 2 : 0, n == 3 ? 6 : 0, n == 4 ? 24 : 0 };
        for (int k = 0; k < 5; k++, d = ag_sum(ag_grad(d, x))) assert_true(ag_item(d) == wanted[k]);
    }
}

/* Where a function of two has no derivative at the origin, it and all later ones are 0, for tensors as for scalars. */
static void origins(void **state)
{
    (void)state;
    static ag_tensor *(*const tensor[])(ag_tensor *, ag_tensor *) = { ag_pow, ag_hypot, ag_atan2 };
    static ag_scalar (*const scalar[])(ag_scalar, ag_scalar) = { ags_pow, ags_hypot, ags_atan2 };
    for (int k = 0; k < 3; k++) {
        ag_scalar s[] = { ag_input(0), ag_input(0) }, f = scalar[k](s[0], s[1]);
        ag_tensor *x = ag_variable(ag_zeros(AG_F64, 1)), *y = ag_variable(ag_zeros(AG_F64, 1)), *z = tensor[k](x, y);
        for (int i = 0; i < 2; i++) {
            ag_tensor *d = ag_grad(z, i ? y : x);
            double hessian[4];
            assert_true(ags_grad(f, s[i]).value == 0 && ag_item(d) == 0);
            assert_true(ag_item(ag_grad(d, x)) == 0 && ag_item(ag_grad(d, y)) == 0);
            assert_int_equal(ags_hessian(f, s, 2, hessian), AG_OK);
            for (int h = 0; h < 4; h++) assert_true(hessian[h] == 0);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tape_begin, tape_end)
    const struct CMUnitTest tests[] = { TEST(tensors),
                                        TEST(scalars),
                                        TEST(products_of_scalars),
                                        TEST(what_counts_stays),
                                        TEST(zero_that_has_a_derivative),
                                        TEST(powers),
                                        TEST(origins) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
