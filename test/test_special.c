/* test_special.c - activations and special functions: PyTorch's values, scalars beside tensors, derivatives of high
 * order where formulas have gaps. */
#include "parity.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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
    int status = parity_run("test/golden/special.jsonl.gz", NULL, out, out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    if (status) fail_msg("%s", text);
    print_message("# %s", text);
}

/* ---- PyTorch's activations and reductions at eleven awkward points ------------------------------------------------
 */

static ag_tensor *leaky_relu(ag_tensor *x)
{
    return ag_leaky_relu(x, 0.01);
}
static ag_tensor *softplus(ag_tensor *x)
{
    return ag_softplus_beta(x, 1, 20);
}
static ag_tensor *elu(ag_tensor *x)
{
    return ag_elu(x);
}
static ag_tensor *celu(ag_tensor *x)
{
    return ag_celu(x);
}
static ag_tensor *softmax(ag_tensor *x)
{
    return ag_softmax(x, 0);
}
static ag_tensor *log_softmax(ag_tensor *x)
{
    return ag_log_softmax(x, 0);
}
static ag_tensor *logsumexp(ag_tensor *x)
{
    return ag_logsumexp(x);
}
static ag_tensor *cumsum(ag_tensor *x)
{
    return ag_cumsum(x, 0);
}
static ag_tensor *prod(ag_tensor *x)
{
    return ag_prod(ag_slice(x, 0, 3, 8));
}
static ag_tensor *norm2(ag_tensor *x)
{
    return ag_vector_norm(x, 2);
}
static ag_tensor *var(ag_tensor *x)
{
    return ag_var(x);
}
static ag_tensor *max(ag_tensor *x)
{
    return ag_max(x);
}
static ag_tensor *sort(ag_tensor *x)
{
    return ag_mul(ag_sort(x, 0), ag_arange(AG_F64, 0, (double)ag_numel(x), 1));
}
static const struct {
    const char *name;
    ag_tensor *(*f)(ag_tensor *);
} functions[] = {
    { "sigmoid", ag_sigmoid },
    { "tanh", ag_tanh },
    { "relu", ag_relu },
    { "leaky_relu", leaky_relu },
    { "elu", elu },
    { "selu", ag_selu },
    { "gelu_erf", ag_gelu },
    { "gelu_tanh", ag_gelu_tanh },
    { "silu", ag_silu },
    { "mish", ag_mish },
    { "softplus", softplus },
    { "hardswish", ag_hardswish },
    { "hardsigmoid", ag_hardsigmoid },
    { "logsigmoid", ag_logsigmoid },
    { "softsign", ag_softsign },
    { "tanhshrink", ag_tanhshrink },
    { "celu", celu },
    { "erf", ag_erf },
    { "erfc", ag_erfc },
    { "expm1", ag_expm1 },
    { "sinc", ag_sinc },
    { "abs", ag_abs },
    { "softmax", softmax },
    { "log_softmax", log_softmax },
    { "logsumexp", logsumexp },
    { "cumsum", cumsum },
    { "prod", prod },
    { "norm2", norm2 },
    { "var", var },
    { "max", max },
    { "sort", sort },
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, MOST = 16 };

/* Numbers with commas between, up to a tab or the end of the line. */
static int64_t numbers(const char *text, double *x)
{
    int64_t n = 0;
    for (char *end; n < MOST && *text && *text != '\t' && *text != '\n'; text = *end == ',' ? end + 1 : end)
        x[n++] = strtod(text, &end);
    return n;
}

static double farthest(ag_tensor *x, int64_t n, const double *wanted)
{
    double got[MOST], worst = 0;
    if (ag_numel(x) != n || ag_read(x, got, n)) return INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs(got[i] - wanted[i]) / fmax(1, fabs(wanted[i]));
        worst = d > worst || isnan(d) ? d : worst;
    }
    return worst;
}

static void awkward_points(void **state)
{
    (void)state;
    FILE *in = fopen("../shared/data/torch/unary_ops.tsv", "r");
    if (!in) {
        print_message("skipped: ../shared/data/torch/unary_ops.tsv is not there\n");
        skip();
    }
    char line[4096];
    int rows = 0, wrong = 0;
    while (fgets(line, sizeof line, in)) {
        char *column[4] = { line };
        for (int i = 1; i < 4; i++) {
            column[i] = column[i - 1] ? strchr(column[i - 1], '\t') : NULL;
            if (column[i]) *column[i]++ = '\0';
        }
        assert_non_null(column[3]);
        double at[MOST], y[MOST], g[MOST];
        int64_t n = numbers(column[1], at), m = numbers(column[2], y);
        assert_int_equal(numbers(column[3], g), n);
        size_t k = 0;
        while (k < FUNCTIONS && strcmp(functions[k].name, line)) k++;
        if (k == FUNCTIONS) fail_msg("%s is not known", line);
        ag_tensor *x = ag_variable(ag_copy(at, n)), *ours = functions[k].f(x);
        ag_tensor *w = m == 1 ? ag_num(0.5) : ag_linspace(AG_F64, 0.5, 1.5, m);
        double forward = farthest(ours, m, y), back = farthest(ag_grad(ag_sum(ag_mul(w, ours)), x), n, g);
        if (!(forward <= 1e-12 && back <= 1e-12)) {
            print_error("%s: values differ by %.2g, gradients by %.2g %s\n", line, forward, back, ag_errmsg());
            wrong++;
        }
        rows++;
    }
    fclose(in);
    assert_int_equal(wrong, 0);
    assert_true(rows > 20);
    print_message("# %d rows of PyTorch's functions at awkward points\n", rows);
}

/* ---- scalars -------------------------------------------------------------------------------------------------------
 */

typedef struct twin {
    const char *name;
    ag_tensor *(*tensor)(ag_tensor *);
    ag_scalar (*scalar)(ag_scalar);
    ag_tensor *(*tensor2)(ag_tensor *, ag_tensor *);
    ag_scalar (*scalar2)(ag_scalar, ag_scalar);
} twin;
static const twin twins[] = {
#define UNARY(name, ...)  { #name, ag_##name, ags_##name, NULL, NULL },
#define BINARY(name, ...) { #name, NULL, NULL, ag_##name, ags_##name },
    AG_RARE_UNARY(UNARY) AG_RARE_BINARY(BINARY)
};
static const double points[] = { -3.5, -1, -0.6, -0.0, 0, 0.3, 0.5, 1, 2.25, 1000, INFINITY, -INFINITY, NAN, 6, -3, 3 };
enum { POINTS = sizeof points / sizeof *points };

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-12 * fabs(b);
}
/* Values, and the partial of the statement against the tensor's rule. */
static bool twin_agrees(const twin *t, double a, double b)
{
    ag_scalar p = ag_input(a), q = ag_input(b), y = t->scalar ? t->scalar(p) : t->scalar2(p, q);
    ag_tensor *u = ag_variable(ag_copy(&a, 1)), *v = ag_variable(ag_copy(&b, 1));
    ag_tensor *z = ag_sum(t->tensor ? t->tensor(u) : t->tensor2(u, v));
    double g[2] = { 0 };
    ags_gradient(y, (const ag_scalar[]){ p, q }, 2, g);
    bool right = same(y.value, ag_item(z)) && same(g[0], ag_item(ag_sum(ag_grad(z, u))));
    if (t->scalar2) right &= same(g[1], ag_item(ag_sum(ag_grad(z, v))));
    return right;
}

static void scalars_are_as_tensors(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t k = 0; k < sizeof twins / sizeof *twins; k++)
        for (int i = 0; i < POINTS; i++)
            for (int j = 0; j < (twins[k].scalar2 ? POINTS : 1); j++) {
                if (twin_agrees(&twins[k], points[i], points[j])) continue;
                print_error("%s at %g, %g: scalar and tensor differ %s\n", twins[k].name, points[i], points[j],
                            ag_errmsg());
                wrong++;
            }
    assert_int_equal(wrong, 0);
    assert_int_equal(ag_error(), AG_OK);
}

/* A stale operand is named by the function; without a tape, and where nothing is recorded, values are right. */
static void statements_out_of_line(void **state)
{
    (void)state;
    ag_scalar x = ag_input(2), stale = x;
    ag_tape_reset(tape);
    assert_true(ags_lgamma(stale).value == 0 && ag_error() == AG_ESTALE);
    assert_string_equal(ag_errmsg(), "ag_lgamma: operand 1 was recorded before a reset of its tape (stale)");
    ag_clear_error();
    ags_hypot(ag_const(1), stale);
    assert_string_equal(ag_errmsg(), "ag_hypot: operand 2 was recorded before a reset of its tape (stale)");
    ag_clear_error();
    x = ag_input(3);
    AG_NO_GRAD
        assert_true(ag_hypot(x, 4.0).value == 5 && ag_hypot(x, 4.0).id == 0);
    assert_true(ag_hypot(3.0, x).id != 0 && ag_hypot(ag_const(3), 4.0).id == 0);
    ag_scalar sum = x; /* over several chunks of the streams */
    for (int i = 0; i < 5000; i++) sum = ag_add(sum, ag_cbrt(ag_hypot(x, ag_const(i))));
    double g = ags_grad(sum, x).value, wanted = 1;
    for (int i = 0; i < 5000; i++) {
        double r = hypot(3, i), c = cbrt(r);
        wanted += 3 / r / (3 * c * c);
    }
    assert_true(fabs(g - wanted) < 1e-12 * wanted);
    ag_backward(sum);
    assert_true(fabs(ag_adjoint(x) - wanted) < 1e-12 * wanted);
}

/* ---- derivatives of high order -------------------------------------------------------------------------------------
 */

static double nth_scalar(ag_scalar f(ag_scalar), double at, int n)
{
    ag_scalar x = ag_input(at), y = f(x);
    for (int i = 0; i < n; i++) y = ag_grad(y, x);
    return y.value;
}
static double nth_tensor(ag_tensor *f(ag_tensor *), double at, int n)
{
    ag_tensor *x = ag_variable(ag_copy(&at, 1)), *y = ag_sum(f(x));
    for (int i = 0; i < n; i++) y = ag_sum(ag_grad(y, x));
    return ag_item(y);
}
static ag_scalar square_root_away(ag_scalar x)
{
    return ag_square(ag_sub(ag_sqrt(x), 2.0));
}
static ag_tensor *square_root_away_t(ag_tensor *x)
{
    return ag_square(ag_sub(ag_sqrt(x), 2.0));
}

static void high_orders(void **state)
{
    (void)state;
    static const double pi = 3.14159265358979324;
    const struct {
        const char *name;
        ag_scalar (*scalar)(ag_scalar);
        ag_tensor *(*tensor)(ag_tensor *);
        double at;
        int n;
        double wanted;
    } cases[] = {
        { "sinc", ags_sinc, ag_sinc, 0, 2, -pi * pi / 3 },
        { "sinc", ags_sinc, ag_sinc, 0, 4, pi * pi * pi * pi / 5 },
        { "sinc", ags_sinc, ag_sinc, 1e-8, 2, -pi * pi / 3 },
        { "sinc", ags_sinc, ag_sinc, 2, 3, (1.5 - pi * pi) / 2 },
        { "i0", ags_i0, ag_i0, 0, 2, 0.5 },
        { "i0", ags_i0, ag_i0, 0, 4, 0.375 },
        { "i1", ags_i1, ag_i1, 0, 3, 0.375 },
        { "lgamma", ags_lgamma, ag_lgamma, 1, 2, pi * pi / 6 },
        { "lgamma", ags_lgamma, ag_lgamma, 1, 4, pi * pi * pi * pi / 15 },
        { "lgamma", ags_lgamma, ag_lgamma, 0.5, 3, -14 * 1.2020569031595942854 },
        { "log2", ags_log2, ag_log2, 0.5, 4, -6 * 16 / log(2) },
        { "cbrt", ags_cbrt, ag_cbrt, 1, 3, 10. / 27 },
        { "ndtri", ags_ndtri, ag_ndtri, 0.5, 3, 2 * pi * sqrt(2 * pi) },
        { "square of (sqrt x - 2)", square_root_away, square_root_away_t, 4, 2, 0.125 },
        { "softsign", ags_softsign, ag_softsign, 1, 3, 6. / 16 },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double s = nth_scalar(cases[k].scalar, cases[k].at, cases[k].n);
        double t = nth_tensor(cases[k].tensor, cases[k].at, cases[k].n), size = fmax(1, fabs(cases[k].wanted));
        if (!(fabs(s - cases[k].wanted) <= 1e-12 * size && fabs(t - cases[k].wanted) <= 1e-12 * size))
            fail_msg("derivative %d of %s at %g: %.17g and %.17g, not %.17g", cases[k].n, cases[k].name, cases[k].at, s,
                     t, cases[k].wanted);
    }
}

/* ---- training's random slopes --------------------------------------------------------------------------------------
 */

static void random_slopes(void **state)
{
    (void)state;
    enum { N = 20000 };
    ag_seed(3);
    ag_tensor *x = ag_variable(ag_full(AG_F64, -2, N)), *y = ag_rrelu(x, .training = true);
    ag_tensor *slope = ag_div(y, x), *g = ag_grad(ag_sum(y), x);
    double least = ag_item(ag_min(slope)), most = ag_item(ag_max(slope)), mean = ag_item(ag_mean(slope));
    assert_true(least >= 0.125 && most <= 1. / 3 && most - least > 0.208);
    assert_true(fabs(mean - 11. / 48) < 0.002);
    assert_true(ag_item(ag_max(ag_abs(ag_sub(g, slope)))) < 1e-15);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, tape_begin, tape_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases), TEST(awkward_points), TEST(scalars_are_as_tensors),
        TEST(statements_out_of_line),   TEST(high_orders),    TEST(random_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
