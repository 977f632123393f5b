/* Scalar statements: every elementary function and fused statement to second order and forwards, constants in every place,
 * handles that outlive their tape, streams over many chunks, memory limits, recording off. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>

static bool close_to(double a, double b, double tolerance)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * (1 + fabs(b));
}
#define near_by(a, b, tolerance)                                                                                       \
    do {                                                                                                               \
        const double got_ = (a), want_ = (b);                                                                          \
        if (!close_to(got_, want_, tolerance)) fail_msg("%s is %.17g, not %.17g", #a, got_, want_);                    \
    } while (0)
#define near(a, b) near_by(a, b, 1e-12)
#define fine() assert_string_equal(ag_error() ? ag_errmsg() : "", "")
#define fails(code, message)                                                                                           \
    do {                                                                                                               \
        assert_int_equal(ag_clear_error(), code);                                                                      \
        assert_string_equal(ag_errmsg(), message);                                                                     \
    } while (0)

static int fresh(void **state)
{
    ag_clear_error();
    ag_record(true);
    *state = ag_tape_new();
    return *state == NULL;
}
static int done(void **state)
{
    ag_tape_free(*state);
    return ag_error() != AG_OK;
}

static double slope(ag_scalar y, ag_scalar x)
{
    double g = NAN;
    ags_gradient(y, &x, 1, &g);
    return g;
}
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
#define UNARY(name, ...) { #name, ags_##name, NULL },
#define BINARY(name, ...) { #name, NULL, ags_##name },
    AG_UNARY_FUNCTIONS(UNARY) AG_BINARY_FUNCTIONS(BINARY)
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* The same functions from the C library, and where to try them. */
static double f_sign(double x) { return (x > 0) - (x < 0); }
static double f_square(double x) { return x * x; }
static double f_rsqrt(double x) { return pow(x, -0.5); }
static double f_reciprocal(double x) { return 1 / x; }
static double f_sigmoid(double x) { return 0.5 + 0.5 * tanh(x / 2); }
static double f_softplus(double x) { return log(1 + exp(x)); }
static double f_relu(double x) { return fmax(x, 0); }
static double f_neg(double x) { return -x; }
static const struct {
    const char *name;
    double (*f)(double);
    double from, to;
} unary_reference[] = {
    { "neg", f_neg, -2, 2 },       { "abs", fabs, -2, 2 },         { "sign", f_sign, -2, 2 },
    { "square", f_square, -2, 2 }, { "sqrt", sqrt, 0.3, 4 },       { "rsqrt", f_rsqrt, 0.3, 4 },
    { "exp", exp, -2, 2 },         { "expm1", expm1, -2, 2 },      { "reciprocal", f_reciprocal, 0.4, 3 },
    { "log", log, 0.3, 4 },        { "log1p", log1p, -0.5, 3 },    { "sin", sin, -4, 4 },
    { "cos", cos, -4, 4 },         { "tan", tan, -1.2, 1.2 },      { "asin", asin, -0.8, 0.8 },
    { "acos", acos, -0.8, 0.8 },   { "atan", atan, -4, 4 },        { "sinh", sinh, -2, 2 },
    { "cosh", cosh, -2, 2 },       { "tanh", tanh, -2, 2 },        { "erf", erf, -2, 2 },
    { "erfc", erfc, -2, 2 },       { "sigmoid", f_sigmoid, -4, 4 }, { "softplus", f_softplus, -4, 4 },
    { "relu", f_relu, -2, 2 },     { "floor", floor, 1.1, 1.9 },   { "ceil", ceil, 1.1, 1.9 },
    { "trunc", trunc, 1.1, 1.9 },  { "round", rint, 1.6, 2.4 },
};
static double f_add(double a, double b) { return a + b; }
static double f_sub(double a, double b) { return a - b; }
static double f_mul(double a, double b) { return a * b; }
static double f_div(double a, double b) { return a / b; }
static const struct {
    const char *name;
    double (*f)(double, double);
} binary_reference[] = {
    { "add", f_add }, { "sub", f_sub },     { "mul", f_mul },     { "div", f_div },
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
static double unary_value(double x, const void *user) { return ((const unary_case *)user)->f(x); }
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
        { ag_add(x, 2.0), 1, 0 },       { ag_add(2.0, x), 1, 0 },
        { ag_sub(x, 2.0), 1, 0 },       { ag_sub(2.0, x), -1, 0 },
        { ag_mul(x, 2.0), 2, 0 },       { ag_mul(2.0, x), 2, 0 },
        { ag_div(x, 2.0), 0.5, 0 },     { ag_div(2.0, x), -2 / 2.25, 4 / 3.375 },
        { ag_pow(x, 3.0), 6.75, 9 },    { ag_pow(2.0, x), pow(2, 1.5) * log(2), pow(2, 1.5) * log(2) * log(2) },
        { ag_maximum(x, 9), 0, 0 },     { ag_minimum(9, x), 1, 0 },
        { ag_fma(x, x, 1.0), 3, 2 },    { ag_fma(2.0, x, x), 3, 0 },
        { ag_fma(x, 2.0, 1.0), 2, 0 },  { ag_fma(2.0, 3.0, x), 1, 0 },
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

static ag_scalar sum_of(size_t n, const ag_scalar *x, const double *k) { return (void)k, ags_sum(n, x); }
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
static ag_scalar dot_of(size_t n, const ag_scalar *x, const double *k) { return (void)k, ags_dot(n / 2, x, x + n / 2); }
static ag_scalar dot_op(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n / 2; i++) y = ag_add(y, ag_mul(x[i], x[n / 2 + i]));
    return y;
}
static ag_scalar sqnorm_of(size_t n, const ag_scalar *x, const double *k) { return (void)k, ags_sqnorm(n, x); }
static ag_scalar sqnorm_op(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n; i++) y = ag_add(y, ag_square(x[i]));
    return y;
}
static ag_scalar logsumexp_of(size_t n, const ag_scalar *x, const double *k) { return (void)k, ags_logsumexp(n, x); }
static ag_scalar logsumexp_op(size_t n, const ag_scalar *x, const double *k)
{
    (void)k;
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i < n; i++) y = ag_add(y, ag_exp(x[i]));
    return ag_log(y);
}
static ag_scalar poly_of(size_t n, const ag_scalar *x, const double *k) { return n ? ags_poly(n, k, x[0]) : ag_const(0); }
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
        { "sum", sum_of, sum_op, 0 },          { "lin", ags_lin, lin_op, 0 },
        { "dot", dot_of, dot_op, 0 },          { "sqnorm", sqnorm_of, sqnorm_op, 0 },
        { "logsumexp", logsumexp_of, logsumexp_op, 1 }, { "poly", poly_of, poly_op, 0 },
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
    const double v = 1.3, want[] = { -2 + 6 * v + 1.5 * v * v - 4 * v * v * v, 6 + 3 * v - 12 * v * v, 3 - 24 * v, -24, 0 };
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

/* ---- handles ---- */

static void stale_and_foreign_scalars(void **state)
{
    ag_scalar x = ag_input(2), y;
    ag_tape *other = ag_tape_new();
    y = ag_mul(x, 3.0);
    near(y.value, 6);
    assert_int_equal(y.id, 0);
    fails(AG_ESTALE, "ag_mul: operand 1 belongs to another tape");
    y = ag_atan2(1.0, x);
    fails(AG_ESTALE, "ag_atan2: operand 2 belongs to another tape");
    ag_scalar inner = ag_input(1);
    ag_tape_free(other);
    ag_sub(x, inner);
    fails(AG_ESTALE, "ag_sub: operand 2 belongs to another tape");
    ag_tape_reset(*state);
    ag_exp(x);
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    assert_non_null(strstr(ag_errmsg(), "ag_exp: operand 1 was recorded before a reset of its tape (stale)"));
}

static void stale_after_a_reset(void **state)
{
    ag_scalar x = ag_input(2), ok;
    ag_tape_reset(*state);
    ok = ag_input(3);
    assert_int_equal(x.id, ok.id); /* the same number, of another generation */
    const double want_value[] = { -2, 5, 8, 5, 15, 3 };
    const char *const message[] = { "ag_neg: operand 1", "ag_add: operand 2", "ag_fma: operand 3", "ags_sum: operand 2",
                                    "ags_dot: operand 3", "ags_poly: operand 1" };
    for (int i = 0; i < 6; i++) {
        ag_scalar list[2] = { ok, x }, fine_list[2] = { ok, ok }, y;
        y = i == 0 ? ag_neg(x) : i == 1 ? ag_add(ok, x) : i == 2 ? ag_fma(ok, 2.0, x) : i == 3 ? ags_sum(2, list)
          : i == 4 ? ags_dot(2, fine_list, (ag_scalar[]){ x, ok }) : ags_poly(2, (double[]){ 1, 1 }, x);
        assert_int_equal(ag_clear_error(), AG_ESTALE);
        char want[100];
        snprintf(want, sizeof want, "%s was recorded before a reset of its tape (stale)", message[i]);
        assert_string_equal(ag_errmsg(), want);
        near(y.value, want_value[i]);
    }
    double g;
    assert_int_equal(ags_gradient(ok, &x, 1, &g), AG_ESTALE);
    assert_int_equal(ag_clear_error(), AG_ESTALE);
}

static void what_a_mark_keeps_stays_good(void **state)
{
    ag_scalar x = ag_input(2), y = ag_square(x);
    const ag_mark mark = ag_tape_mark(*state);
    ag_scalar gone = { 0 };
    for (int i = 0; i < 1000; i++) {
        ag_scalar z = ag_mul(ag_add(y, x), (double)i); /* older than the rewinds, and good */
        gone = ag_fma(z, x, y);
        near(slope(gone, x), i * (3 * 4 + 2 * 2) + 4);
        assert_int_equal(ag_tape_rewind(*state, mark), AG_OK);
    }
    fine();
    ag_mul(gone, x);
    fails(AG_ESTALE, "ag_mul: operand 1 was recorded before a rewind of its tape (stale)");
    near(slope(y, x), 4);
    near(ag_grad(ag_grad(ag_mul(y, x), x), x).value, 12);
    fine();
}

/* ---- long streams ---- */

static void a_chain_of_a_million(void **state)
{
    enum { N = 1000000 };
    (void)state;
    const double c = 1 + 1e-6;
    ag_scalar x = ag_input(1), y = x;
    for (int i = 0; i < N; i++) y = i % 2 ? ag_mul(y, c) : ag_add(y, 0.0);
    near_by(slope(y, x), pow(c, N / 2), 1e-9);
    near_by(tangent(y, x), pow(c, N / 2), 1e-9);
    near_by(ag_grad(y, x).value, pow(c, N / 2), 1e-9);
    fine();
}

/* Statements of all lengths, some longer than a chunk, in a random order: backwards and forwards must agree. */
static void long_statements_among_short_ones(void **state)
{
    enum { INPUTS = 3000, STATEMENTS = 4000, LONGEST = 30000 };
    ag_scalar *x = malloc((INPUTS + STATEMENTS) * sizeof *x), *list = malloc(LONGEST * sizeof *list);
    double *value = malloc(LONGEST * sizeof *value), g[INPUTS], v[INPUTS];
    for (int i = 0; i < INPUTS; i++) value[i] = sin(i), v[i] = cos(3 * i);
    for (int round = 0; round < 3; round++) {
        uint32_t s = 1234567;
#define DRAW(n) ((s = s * 1664525u + 1013904223u), (s >> 8) % (uint32_t)(n))
        assert_int_equal(ag_tape_reset(*state), AG_OK);
        ags_inputs(INPUTS, value, x);
        for (int i = 1; i < INPUTS; i++) assert_int_equal(x[i].id, x[0].id + (uint32_t)i);
        uint32_t n = INPUTS;
        for (int k = 0; k < STATEMENTS; k++, n++) {
            const uint32_t length = k % 500 == 77 ? LONGEST : k % 10 == 3 ? DRAW(2000) : DRAW(5);
            for (uint32_t i = 0; i < length; i++) list[i] = x[DRAW(n)];
            const ag_scalar a = x[DRAW(n)], b = x[n - 1];
            switch (DRAW(8)) {
            case 0: x[n] = ag_sin(a); break;
            case 1: x[n] = ag_tanh(ag_mul(a, b)); break;
            case 2: x[n] = ag_fma(a, ag_sin(b), 0.5); break;
            case 3: x[n] = ag_tanh(ags_sum(length, list)); break;
            case 4: x[n] = ag_mul(1e-2, ags_dot(length / 2, list, list + length / 2)); break;
            case 5: x[n] = ag_sin(ags_sqnorm(length, list)); break;
            case 6: x[n] = length ? ags_logsumexp(length, list) : ag_neg(a); break;
            default: x[n] = ags_block_sum(ags_block_exp(ags_block_rsub(value, ags_block_input(length, value)))); break;
            }
            if (x[n].id == 0) x[n] = ag_add(a, b);
        }
        ag_scalar y = ags_sum(n, x);
        double forward, back = 0;
        assert_int_equal(ags_gradient(y, x, INPUTS, g), AG_OK);
        for (int i = 0; i < INPUTS; i++) back += g[i] * v[i];
        assert_int_equal(ags_jvp(&y, 1, x, INPUTS, v, &forward), AG_OK);
        near_by(forward, back, 1e-10);
    }
    const uint64_t reserved = ag_tape_memory(*state).reserved;
    assert_int_equal(ag_tape_reset(*state), AG_OK);
    assert_true(ag_tape_memory(*state).reserved == reserved);
    free(x);
    free(list);
    free(value);
    fine();
}

/* Second derivatives where the sweep itself opens chunks: sum of a_i x^2 in a chain, and the same rewound and redone. */
static void chunks_grow_under_a_recorded_sweep(void **state)
{
    enum { N = 20000 };
    ag_scalar x = ag_input(0.5);
    const ag_mark mark = ag_tape_mark(*state);
    for (int round = 0; round < 3; round++) {
        ag_scalar y = ag_const(0);
        double want = 0;
        for (int i = 0; i < N; i++) {
            y = ag_fma(ag_mul(x, sin(i)), x, y);
            want += 2 * sin(i);
        }
        ag_scalar g = ag_grad(y, x), gg = ag_grad(g, x);
        near_by(g.value, 0.5 * want, 1e-9);
        near_by(gg.value, want, 1e-9);
        near_by(tangent(g, x), want, 1e-9);
        assert_int_equal(ag_tape_rewind(*state, mark), AG_OK);
    }
    fine();
}

static void ids_run_out_as_an_error(void **state)
{
    (void)state;
    ag__pen.next = ag__pen.limit = UINT32_MAX - 100; /* as if so many had been recorded */
    ag_scalar x = ag_input(1), y = x;
    for (int i = 0; i < 200; i++) y = ag_add(y, 1.0);
    near(y.value, 201);
    assert_int_equal(y.id, 0);
    assert_true(x.id == UINT32_MAX - 100);
    fails(AG_ENOMEM, "a tape holds at most 2^32 scalars");
    y = ags_sum(1, &x);
    near(y.value, 1);
    ag_clear_error();
    ags_block_input(200, (double[200]){ 0 });
    fails(AG_ENOMEM, "a tape holds at most 2^32 scalars");
    ag_tape_reset(*state);
    near(slope(ag_square(ag_input(3)), ag_const(1)), 0);
    fine();
}

/* Past its limit a tape records nothing and says so; values stay right; after a reset it is as good as before. */
static void memory_runs_out(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.memory_limit = 1 << 20);
    assert_non_null(t);
    for (int round = 0; round < 3; round++) {
        ag_scalar x = ag_input(1), y = x;
        near(slope(ag_mul(x, x), x), 2);
        for (int i = 0; i < 100000; i++) y = ag_add(y, x);
        near(y.value, 100001);
        assert_int_equal(ag_error(), AG_ENOMEM);
        assert_int_equal(ag_backward(y), AG_ENOMEM);
        assert_true(ag_tape_memory(t).reserved <= 1 << 20);
        assert_int_equal(ag_tape_reset(t), AG_ENOMEM);
    }
    double values[1000] = { 0 };
    ag_scalar x[1000], many[200000 / 8] = { { 0, 0, 0 } };
    ags_inputs(1000, values, x);
    for (size_t i = 0; i < 25000; i++) many[i] = x[i % 1000];
    fine();
    for (int i = 0; i < 10; i++) ags_dot(12500, many, many + 12500);
    assert_int_equal(ag_clear_error(), AG_ENOMEM);
    ag_tape_free(t);
}

static void recording_off(void **state)
{
    ag_scalar x = ag_input(2), list[2], y = x, z;
    ags_inputs(2, (double[]){ 3, 4 }, list);
    const uint64_t before = ag_tape_memory(*state).scalars;
    AG_NO_GRAD
    {
        y = ag_mul(x, ag_sin(x));
        near(y.value, 2 * sin(2));
        assert_int_equal(y.id, 0);
        assert_int_equal(ag_input(1).id, 0);
        assert_int_equal(ag_fma(x, x, x).id, 0);
        z = ags_dot(2, list, list);
        near(z.value, 25);
        assert_int_equal(z.id, 0);
        assert_int_equal(ags_poly(2, (double[]){ 1, 1 }, x).id, 0);
        ags_inputs(2, (double[]){ 3, 4 }, list);
        assert_int_equal(list[1].id, 0);
        near(list[1].value, 4);
        near(slope(ag_square(x), x), 0); /* a constant */
    }
    assert_int_equal(ag_tape_memory(*state).scalars, before);
    near(slope(ag_mul(y, x), x), y.value);
    bool was = ag_record(false);
    assert_true(was);
    ag_tape_reset(*state);
    near(ag_exp(x).value, exp(2));
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    ag_record(true);
    x = ag_input(5);
    near(slope(ag_square(x), x), 10);
    fine();
}

static void a_first_order_tape(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.first_order = true);
    double values[3] = { 0.5, 1.5, 2.5 }, g[3], want[3];
    ag_scalar x[3], y;
    uint64_t bytes[2];
    for (int first = 1; first >= 0; first--) {
        ag_tape *was = first ? NULL : ag_tape_use(*state);
        (void)was;
        ags_inputs(3, values, x);
        y = ag_fma(ag_pow(x[0], 2.0), ag_div(3.0, x[1]), ags_poly(3, values, x[2]));
        y = ag_add(y, ags_logsumexp(3, x));
        y = ag_add(y, ag_mul(ags_sqnorm(3, x), ags_dot(2, x, x + 1)));
        assert_int_equal(ags_gradient(y, x, 3, first ? g : want), AG_OK);
        bytes[first] = ag_tape_memory(ag_tape_current()).in_use;
    }
    for (int i = 0; i < 3; i++) near(g[i], want[i]);
    assert_true(bytes[1] < bytes[0]);
    ag_tape_use(t);
    ags_inputs(3, values, x);
    assert_int_equal(ag_grad(ag_exp(x[0]), x[0]).id, 0);
    fails(AG_ENODIFF, "ag_grad: this tape keeps no values (first_order), so that its gradients are numbers only");
    ag_tape_free(t);
}

static void without_a_tape(void **state)
{
    ag_scalar x = ag_input(2);
    ag_tape_use(NULL);
    near(ag_mul(ag_const(2), 3.0).value, 6);
    near(ags_sum(2, (ag_scalar[]){ ag_const(2), ag_const(1) }).value, 3);
    fine();
    near(ag_add(x, 1.0).value, 3);
    fails(AG_ETAPE, "ag_add: no tape is current");
    near(ag_input(4).value, 4);
    fails(AG_ETAPE, "ag_input: no tape is current");
    ags_sum(1, &x);
    fails(AG_ETAPE, "ags_sum: no tape is current");
    ag_tape_use(*state);
    near(slope(ag_mul(x, x), x), 4);
}

/* The explicit tier records what the implicit one does. */
static void the_pen_is_the_threads(void **state)
{
    (void)state;
    ag_pen *pen = ag_pen_here();
    ag_scalar x = ag_input_on(pen, 0.7), y = ags_mul_on(pen, ags_exp_on(pen, x), x);
    ag_tape *other = ag_tape_new();
    ag_scalar u = ag_input_on(pen, 3); /* goes where the current tape is */
    near(slope(ags_fma_on(pen, u, u, u), u), 7);
    ag_tape_free(other);
    near(slope(y, x), exp(0.7) * 1.7);
    assert_int_equal(ag_tape_memory(*state).scalars, 3);
    fine();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, done)
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
        TEST(stale_and_foreign_scalars),
        TEST(stale_after_a_reset),
        TEST(what_a_mark_keeps_stays_good),
        TEST(a_chain_of_a_million),
        TEST(long_statements_among_short_ones),
        TEST(chunks_grow_under_a_recorded_sweep),
        TEST(ids_run_out_as_an_error),
        TEST(memory_runs_out),
        TEST(recording_off),
        TEST(a_first_order_tape),
        TEST(without_a_tape),
        TEST(the_pen_is_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
