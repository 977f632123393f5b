/* Scalar statements: every elementary function and fused statement to second order and forwards, with constants in
 * every place. */
#include "fixture.h"
#include <stdlib.h>
#include <string.h>

static double tangent(ag_scalar y, ag_scalar x)
{
    double jv = NAN;
    ags_jvp(&y, 1, &x, 1, &(double){ 1 }, &jv);
    return jv;
}

/* ---- elementary functions ---- */

typedef ag_scalar unary_fn(ag_scalar);
typedef ag_scalar binary_fn(ag_scalar, ag_scalar);
typedef struct function {
    const char *name;
    unary_fn *unary;
    binary_fn *binary;
} function;
static const function functions[] = {
#define UNARY(name, ...)  { #name, ags_##name, NULL },
#define BINARY(name, ...) { #name, NULL, ags_##name },
    AG_UNARY_FUNCTIONS(UNARY) AG_BINARY_FUNCTIONS(BINARY)
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* The same functions from the C library, and where to try them. */
static double f_sign(double x)
{
    return (x > 0) - (x < 0);
}
static double f_square(double x)
{
    return x * x;
}
static double f_rsqrt(double x)
{
    return pow(x, -0.5);
}
static double f_reciprocal(double x)
{
    return 1 / x;
}
static double f_sigmoid(double x)
{
    return 0.5 + 0.5 * tanh(x / 2);
}
static double f_softplus(double x)
{
    return log(1 + exp(x));
}
static double f_relu(double x)
{
    return fmax(x, 0);
}
static double f_gelu(double x)
{
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}
static double f_gelu_tanh(double x)
{
    return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}
static double f_silu(double x)
{
    return x * f_sigmoid(x);
}
static double f_neg(double x)
{
    return -x;
}
static const struct {
    const char *name;
    double (*f)(double);
    double from, to;
} unary_reference[] = {
    { "neg", f_neg, -2, 2 },
    { "abs", fabs, -2, 2 },
    { "sign", f_sign, -2, 2 },
    { "square", f_square, -2, 2 },
    { "sqrt", sqrt, 0.3, 4 },
    { "rsqrt", f_rsqrt, 0.3, 4 },
    { "exp", exp, -2, 2 },
    { "expm1", expm1, -2, 2 },
    { "reciprocal", f_reciprocal, 0.4, 3 },
    { "log", log, 0.3, 4 },
    { "log1p", log1p, -0.5, 3 },
    { "sin", sin, -4, 4 },
    { "cos", cos, -4, 4 },
    { "tan", tan, -1.2, 1.2 },
    { "asin", asin, -0.8, 0.8 },
    { "acos", acos, -0.8, 0.8 },
    { "atan", atan, -4, 4 },
    { "sinh", sinh, -2, 2 },
    { "cosh", cosh, -2, 2 },
    { "tanh", tanh, -2, 2 },
    { "erf", erf, -2, 2 },
    { "erfc", erfc, -2, 2 },
    { "sigmoid", f_sigmoid, -4, 4 },
    { "softplus", f_softplus, -4, 4 },
    { "relu", f_relu, -2, 2 },
    { "floor", floor, 1.1, 1.9 },
    { "ceil", ceil, 1.1, 1.9 },
    { "trunc", trunc, 1.1, 1.9 },
    { "round", rint, 1.6, 2.4 },
    { "gelu", f_gelu, -3, 3 },
    { "gelu_tanh", f_gelu_tanh, -3, 3 },
    { "silu", f_silu, -3, 3 },
};
static double f_add(double a, double b)
{
    return a + b;
}
static double f_sub(double a, double b)
{
    return a - b;
}
static double f_mul(double a, double b)
{
    return a * b;
}
static double f_div(double a, double b)
{
    return a / b;
}
static const struct {
    const char *name;
    double (*f)(double, double);
} binary_reference[] = {
    { "add", f_add }, { "sub", f_sub },    { "mul", f_mul },    { "div", f_div },
    { "pow", pow },   { "maximum", fmax }, { "minimum", fmin }, { "atan2", atan2 },
};

/* Central differences, extrapolated once. */
static double difference(double (*f)(double, const void *), double x, const void *user)
{
    const double h = 2e-3, d1 = (f(x + h, user) - f(x - h, user)) / (2 * h), k = h / 2;
    return (4 * ((f(x + k, user) - f(x - k, user)) / (2 * k)) - d1) / 3;
}

typedef struct unary_case {
    const function *function;
    double (*f)(double);
} unary_case;
static double unary_value(double x, const void *user)
{
    return ((const unary_case *)user)->f(x);
}
static double unary_slope(double x, const void *user)
{
    ag_scalar s = ag_input(x);
    return slope(((const unary_case *)user)->function->unary(s), s);
}

static void each_unary_function(void **state)
{
    enum { REFERENCES = sizeof unary_reference / sizeof *unary_reference, POINTS = 7 };
    (void)state;
    for (int k = 0; k < FUNCTIONS; k++) {
        if (!functions[k].unary) continue;
        int r = 0;
        while (r < REFERENCES && strcmp(unary_reference[r].name, functions[k].name) != 0) r++;
        if (r == REFERENCES) fail_msg("%s has no reference here", functions[k].name);
        const unary_case c = { &functions[k], unary_reference[r].f };
        for (int i = 0; i < POINTS; i++) {
            const double from = unary_reference[r].from, to = unary_reference[r].to;
            const double at = from + (to - from) * (i + 0.4) / POINTS;
            ag_scalar x = ag_input(at), y = functions[k].unary(x), g = ag_grad(y, x), gg = ag_grad(g, x);
            const double first = slope(y, x);
            near_by(y.value, c.f(at), 1e-14);
            near_by(first, difference(unary_value, at, &c), 1e-8);
            near_by(g.value, first, 1e-14);
            near_by(gg.value, difference(unary_slope, at, &c), 1e-8);
            near_by(tangent(y, x), first, 1e-15);
            near_by(tangent(g, x), gg.value, 1e-12);
            const ag_scalar number = functions[k].unary(ag_const(at));
            assert_int_equal(number.id, 0);
            assert_true(number.value == y.value);
        }
    }
    fine();
}

typedef struct binary_case {
    binary_fn *f;
    double (*reference)(double, double);
    double other;
    bool second; /* varies b, not a */
} binary_case;
static double binary_value(double x, const void *user)
{
    const binary_case *c = user;
    return c->second ? c->reference(c->other, x) : c->reference(x, c->other);
}
static double slope_by_a(double x, const void *user) /* and that as a function of a or b */
{
    const binary_case *c = user;
    ag_scalar a = ag_input(c->second ? c->other : x), b = ag_input(c->second ? x : c->other);
    return slope(c->f(a, b), a);
}
static double slope_by_b(double x, const void *user)
{
    const binary_case *c = user;
    ag_scalar a = ag_input(c->second ? c->other : x), b = ag_input(c->second ? x : c->other);
    return slope(c->f(a, b), b);
}

/* One operand a constant, whose value the function cannot know when it is compiled. */
static void one_constant(const function *k, double va, double vb, const double want[2], const double second[2])
{
    for (int which = 0; which < 2; which++) {
        ag_scalar a = which ? ag_const(va) : ag_input(va), b = which ? ag_input(vb) : ag_const(vb), x = which ? b : a;
        ag_scalar y = k->binary(a, b), g = ag_grad(y, x);
        near_by(slope(y, x), want[which], 1e-14);
        near_by(tangent(y, x), want[which], 1e-14);
        near_by(g.value, want[which], 1e-14);
        near_by(ag_grad(g, x).value, second[which], 1e-12);
        near_by(tangent(g, x), second[which], 1e-12);
        assert_true(ag_adjoint(ag_const(va)) == 0);
    }
    assert_int_equal(k->binary(ag_const(va), ag_const(vb)).id, 0);
}

static void each_binary_function(void **state)
{
    enum { REFERENCES = sizeof binary_reference / sizeof *binary_reference };
    static const double points[][2] = { { 0.7, 1.9 }, { 2.3, 0.6 }, { 1.4, -1.7 }, { 0.2, 3.1 } };
    (void)state;
    for (int k = 0; k < FUNCTIONS; k++) {
        if (!functions[k].binary) continue;
        int r = 0;
        while (r < REFERENCES && strcmp(binary_reference[r].name, functions[k].name) != 0) r++;
        if (r == REFERENCES) fail_msg("%s has no reference here", functions[k].name);
        for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
            const double va = points[i][0], vb = points[i][1];
            const binary_case by_a = { functions[k].binary, binary_reference[r].f, vb, false };
            const binary_case by_b = { functions[k].binary, binary_reference[r].f, va, true };
            ag_scalar x[2] = { ag_input(va), ag_input(vb) }, y = functions[k].binary(x[0], x[1]), g[2];
            double first[2], hessian[2][2];
            assert_int_equal(ags_gradient(y, x, 2, first), AG_OK);
            assert_int_equal(ags_grads(y, x, 2, g), AG_OK);
            assert_int_equal(ags_gradient(g[0], x, 2, hessian[0]), AG_OK);
            assert_int_equal(ags_gradient(g[1], x, 2, hessian[1]), AG_OK);
            near_by(y.value, binary_reference[r].f(va, vb), 1e-15);
            near_by(first[0], difference(binary_value, va, &by_a), 1e-8);
            near_by(first[1], difference(binary_value, vb, &by_b), 1e-8);
            near_by(g[0].value, first[0], 1e-14);
            near_by(g[1].value, first[1], 1e-14);
            near_by(hessian[0][0], difference(slope_by_a, va, &by_a), 1e-8);
            near_by(hessian[0][1], difference(slope_by_a, vb, &by_b), 1e-8);
            near_by(hessian[1][0], difference(slope_by_b, va, &by_a), 1e-8);
            near_by(hessian[1][1], difference(slope_by_b, vb, &by_b), 1e-8);
            near_by(tangent(y, x[1]), first[1], 1e-15);
            one_constant(&functions[k], va, vb, first, (double[]){ hessian[0][0], hessian[1][1] });
        }
    }
    fine();
}

static void c_numbers_on_either_side(void **state)
{
    (void)state;
    ag_scalar x = ag_input(1.5);
    const struct {
        ag_scalar y;
        double first, second;
    } c[] = {
        { ag_add(x, 2.0), 1, 0 },      { ag_add(2.0, x), 1, 0 },
        { ag_sub(x, 2.0), 1, 0 },      { ag_sub(2.0, x), -1, 0 },
        { ag_mul(x, 2.0), 2, 0 },      { ag_mul(2.0, x), 2, 0 },
        { ag_div(x, 2.0), 0.5, 0 },    { ag_div(2.0, x), -2 / 2.25, 4 / 3.375 },
        { ag_pow(x, 3.0), 6.75, 9 },   { ag_pow(2.0, x), pow(2, 1.5) * log(2), pow(2, 1.5) * log(2) * log(2) },
        { ag_maximum(x, 9), 0, 0 },    { ag_minimum(9, x), 1, 0 },
        { ag_fma(x, x, 1.0), 3, 2 },   { ag_fma(2.0, x, x), 3, 0 },
        { ag_fma(x, 2.0, 1.0), 2, 0 }, { ag_fma(2.0, 3.0, x), 1, 0 },
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        near(slope(c[i].y, x), c[i].first);
        near(tangent(c[i].y, x), c[i].first);
        near(ag_grad(c[i].y, x).value, c[i].first);
        near(ag_grad(ag_grad(c[i].y, x), x).value, c[i].second);
    }
    assert_int_equal(ag_fma(ag_const(2), 3.0, 1.0).id, 0);
    near(ag_fma(ag_const(2), 3.0, 1.0).value, 7);
    fine();
}

static void at_the_kinks(void **state)
{
    (void)state;
    ag_scalar zero = ag_input(0), two = ag_input(2), also = ag_input(2);
    near(slope(ag_abs(zero), zero), 0);
    near(slope(ag_relu(zero), zero), 0);
    near(slope(ag_maximum(two, also), two), 0.5);
    near(slope(ag_minimum(two, also), also), 0.5);
    near(ag_grad(ag_maximum(two, also), two).value, 0.5);
    near(slope(ag_pow(zero, 0.0), zero), 0);
    near(slope(ag_pow(zero, two), two), 0);
    near(ag_grad(ag_grad(ag_pow(zero, 2.0), zero), zero).value, 2);
    near(slope(ag_atan2(zero, ag_input(0)), zero), 0);
    near(ag_grad(ag_atan2(zero, ag_input(0)), zero).value, 0);
    near(ag_grad(ag_pow(zero, two), two).value, 0);
    near(ag_grad(ag_grad(ag_pow(two, zero), two), zero).value, 0.5); /* d/db of b a^(b-1) */
    near(ag_grad(ag_pow(two, 0.0), two).value, 0);
    /* an infinite slope on a way that does not count */
    ag_scalar y = ag_add(ag_mul(ag_sqrt(zero), 0.0), zero);
    near(slope(y, zero), 1);
    near(ag_maximum(ag_const(NAN), two).value, NAN);
    /* an infinite constant operand */
    near(slope(ag_maximum(two, -INFINITY), two), 1);
    near(tangent(ag_maximum(two, -INFINITY), two), 1);
    fine();
}

/* x^2 sin x, to the third derivative; the sum of an intermediate, and by an intermediate. */
static void closed_forms(void **state)
{
    (void)state;
    for (double v = -2; v < 3; v += 0.7) {
        ag_scalar x = ag_input(v), y = ag_mul(ag_square(x), ag_sin(x)), d = y;
        const double want[] = { 2 * v * sin(v) + v * v * cos(v), (2 - v * v) * sin(v) + 4 * v * cos(v),
                                (6 - v * v) * cos(v) - 6 * v * sin(v) };
        for (int order = 0; order < 3; order++) {
            near(slope(d, x), want[order]);
            d = ag_grad(d, x);
            near(d.value, want[order]);
        }
    }
    ag_scalar x = ag_input(2), shifted = ag_add(x, 1.0), y = ag_mul(shifted, shifted);
    near(ag_grad(y, shifted).value, 6);
    near(ag_grad(y, x).value, 6);
    assert_int_equal(ag_backward(y), AG_OK);
    near(ag_adjoint(shifted), 6);
    near(ag_adjoint(y), 1);
    near(ag_adjoint(ag_input(1)), 0); /* recorded later */
    fine();
}

/* ---- fused statements ---- */

enum { MOST = 12 };
typedef ag_scalar list_fn(size_t n, const ag_scalar *x, const double *k);

static ag_scalar sum_of(size_t n, const ag_scalar *x, const double *k)
{
    return (void)k, ags_sum(n, x);
}
static ag_scalar sum_op(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n; i++) y = ag_add(y, x[i]);
    return y;
}
static ag_scalar lin_op(size_t n, const ag_scalar *x, const double *k)
{
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n; i++) y = ag_add(y, ag_mul(k[i], x[i]));
    return y;
}
static ag_scalar dot_of(size_t n, const ag_scalar *x, const double *k)
{
    return (void)k, ags_dot(n / 2, x, x + n / 2);
}
static ag_scalar dot_op(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n / 2; i++) y = ag_add(y, ag_mul(x[i], x[n / 2 + i]));
    return y;
}
static ag_scalar sqnorm_of(size_t n, const ag_scalar *x, const double *k)
{
    return (void)k, ags_sqnorm(n, x);
}
static ag_scalar sqnorm_op(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n; i++) y = ag_add(y, ag_square(x[i]));
    return y;
}
static ag_scalar logsumexp_of(size_t n, const ag_scalar *x, const double *k)
{
    return (void)k, ags_logsumexp(n, x);
}
static ag_scalar logsumexp_op(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n; i++) y = ag_add(y, ag_exp(x[i]));
    return ag_log(y);
}
static ag_scalar poly_of(size_t n, const ag_scalar *x, const double *k)
{
    return n ? ags_poly(n, k, x[0]) : ag_const(0);
}
static ag_scalar poly_op(size_t n, const ag_scalar *x, const double *k)
{
    ag_scalar y = ag_const(0);
    for (size_t i = n; i-- > 0;) y = ag_add(ag_mul(y, x[0]), k[i]);
    return y;
}
static ag_scalar fma_of(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    return n < 3 ? ag_const(0) : ag_fma(x[0], x[1], x[2]);
}
static ag_scalar fma_op(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    return n < 3 ? ag_const(0) : ag_add(ag_mul(x[0], x[1]), x[2]);
}

/* A function with second derivatives whatever f is: f(x)^2 + 3 f. */
static void derivatives(list_fn *f, size_t n, const ag_scalar *x, const double *k, double *value, double *first,
                        double *second, double *forward)
{
    ag_scalar z = f(n, x, k), y = ag_add(ag_mul(z, z), ag_mul(3.0, z)), g[MOST], along = ag_const(0);
    double v[MOST];
    for (size_t i = 0; i < n; i++) v[i] = 0.3 + (double)i;
    *value = y.value;
    assert_int_equal(ags_gradient(y, x, n, first), AG_OK);
    assert_int_equal(ags_grads(y, x, n, g), AG_OK);
    for (size_t i = 0; i < n; i++) {
        near(g[i].value, first[i]);
        along = ag_add(along, ag_mul(v[i], g[i]));
    }
    assert_int_equal(ags_gradient(along, x, n, second), AG_OK);
    assert_int_equal(ags_jvp((ag_scalar[]){ y, along }, 2, x, n, v, forward), AG_OK);
}

static void fused_statements_agree_with_operations(void **state)
{
    static const struct {
        const char *name;
        list_fn *fused, *one_by_one;
        size_t least;
    } c[] = {
        { "sum", sum_of, sum_op, 0 },
        { "lin", ags_lin, lin_op, 0 },
        { "dot", dot_of, dot_op, 0 },
        { "sqnorm", sqnorm_of, sqnorm_op, 0 },
        { "logsumexp", logsumexp_of, logsumexp_op, 1 },
        { "poly", poly_of, poly_op, 0 },
        { "fma", fma_of, fma_op, 0 },
    };
    static const size_t sizes[] = { 0, 1, 2, 4, 6, MOST };
    enum { ALL, SOME_CONSTANT, REPEATED, NONE, WAYS };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int way = ALL; way < WAYS; way++) {
                const size_t n = sizes[s];
                if (n < c[i].least) continue;
                ag_tape_reset(*state);
                ag_scalar x[MOST];
                double k[MOST], a[2 + 2 * MOST + 2], b[2 + 2 * MOST + 2];
                for (size_t j = 0; j < n; j++) {
                    const double v = sin(1 + 0.7 * (double)j);
                    const bool constant = way == NONE || (way == SOME_CONSTANT && j % 3 == 1);
                    x[j] = way == REPEATED && j ? x[j - 1] : constant ? ag_const(v) : ag_input(v);
                    k[j] = cos((double)j);
                }
                derivatives(c[i].fused, n, x, k, a, a + 4, a + 4 + n, a + 1);
                derivatives(c[i].one_by_one, n, x, k, b, b + 4, b + 4 + n, b + 1);
                a[3] = b[3] = 0;
                for (size_t j = 0; j < 4 + 2 * n; j++)
                    if (!close_to(a[j], b[j], 1e-11))
                        fail_msg("%s of %zu, way %d: number %zu is %.17g, not %.17g", c[i].name, n, way, j, a[j], b[j]);
                if (way == NONE) assert_int_equal(c[i].fused(n, x, k).id, 0);
            }
    fine();
}

static void logsumexp_of_extremes(void **state)
{
    (void)state;
    double g[3];
    ag_scalar x[3] = { ag_input(1000), ag_input(1001), ag_input(-INFINITY) }, y = ags_logsumexp(3, x);
    near(y.value, 1001 + log1p(exp(-1)));
    ags_gradient(y, x, 3, g);
    near(g[0], 1 / (1 + exp(1)));
    near(g[1], 1 / (1 + exp(-1)));
    near(g[2], 0);
    ag_scalar d[3];
    assert_int_equal(ags_grads(y, x, 3, d), AG_OK);
    near(d[2].value, 0);
    near(slope(d[0], x[0]), g[0] * (1 - g[0]));
    ag_scalar none[2] = { ag_input(-INFINITY), ag_input(-INFINITY) };
    y = ags_logsumexp(2, none);
    near(y.value, -INFINITY);
    near(slope(y, none[0]), 0);
    near(ag_grad(y, none[0]).value, 0);
    near(ags_logsumexp(2, (ag_scalar[]){ ag_const(INFINITY), ag_const(1) }).value, INFINITY);
    near(ags_logsumexp(0, NULL).value, -INFINITY);
    fine();
}

static void a_polynomial_to_its_last_derivative(void **state)
{
    (void)state;
    const double c[] = { 1, -2, 3, 0.5, -1 };
    ag_scalar x = ag_input(1.3), d = ags_poly(5, c, x);
    const double v = 1.3,
                 want[] = { -2 + 6 * v + 1.5 * v * v - 4 * v * v * v, 6 + 3 * v - 12 * v * v, 3 - 24 * v, -24, 0 };
    for (int order = 0; order < 5; order++) {
        d = ag_grad(d, x);
        near(d.value, want[order]);
    }
    fine();
}

static void a_statement_of_ones_own(void **state)
{
    (void)state;
    ag_scalar x[2] = { ag_input(3), ag_input(4) };
    ag_scalar y = ags_statement(5, 2, x, (double[]){ 0.6, 0.8 }), z = ag_mul(y, y);
    near(slope(z, x[1]), 8);
    near(tangent(z, x[0]), 6);
    near(ags_statement(5, 1, (ag_scalar[]){ ag_const(1) }, (double[]){ 1 }).value, 5);
    near(ags_statement(2, 0, NULL, NULL).value, 2);
    fine();
    assert_int_equal(ag_grad(z, x[0]).id, 0);
    fails(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
}

static void null_arrays_are_errors(void **state)
{
    (void)state;
    ag_scalar x = ag_input(1);
    near(ags_sum(2, NULL).value, 0);
    fails(AG_ENULL, "ags_sum: an array of 2 elements is NULL");
    near(ags_lin(1, &x, NULL).value, 0);
    fails(AG_ENULL, "ags_lin: an array of 1 elements is NULL");
    ags_dot(1, NULL, &x);
    fails(AG_ENULL, "ags_dot: an array of 1 elements is NULL");
    ags_inputs(1, NULL, &x);
    fails(AG_ENULL, "ags_inputs: the array of 1 values is NULL");
    assert_int_equal(x.id, 0);
    ags_poly(3, NULL, x);
    fails(AG_ENULL, "ags_poly: an array of 3 elements is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_unary_function),
        TEST(each_binary_function),
        TEST(c_numbers_on_either_side),
        TEST(at_the_kinks),
        TEST(closed_forms),
        TEST(fused_statements_agree_with_operations),
        TEST(logsumexp_of_extremes),
        TEST(a_polynomial_to_its_last_derivative),
        TEST(a_statement_of_ones_own),
        TEST(null_arrays_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
