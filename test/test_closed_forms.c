/* Gradients and Hessians against their formulas, to 1e-12: by scalars - gradient, recorded gradient, Jacobian of that,
 * Hessian, products with it, sparse Hessian - and by tensors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>

enum { MOST = 40 };
typedef ag_scalar scalar_fn(const ag_scalar *x, size_t n);
typedef ag_tensor *tensor_fn(ag_tensor *x);
typedef void formula_fn(const double *x, size_t n, double *g, double *h); /* h is zeroed */

static double worst;

static void near(const char *what, double got, double want)
{
    const double error = fabs(got - want) / (1 + fabs(want));
    if (!(error <= 1e-12)) fail_msg("%s is %.17g, not %.17g", what, got, want);
    if (error > worst) worst = error;
}

static void by_scalars(scalar_fn *f, const double *at, size_t n, const double *g, const double *h)
{
    static double got[MOST * MOST];
    double v[MOST], hv[MOST];
    ag_scalar x[MOST], d[MOST];
    ags_inputs(n, at, x);
    const ag_scalar y = f(x, n);
    assert_int_equal(ags_gradient(y, x, n, got), AG_OK);
    for (size_t i = 0; i < n; i++) near("gradient", got[i], g[i]), v[i] = cos((double)i);
    assert_int_equal(ags_hessian(y, x, n, got), AG_OK);
    for (size_t i = 0; i < n * n; i++) near("Hessian", got[i], h[i]);
    assert_int_equal(ags_hvp(y, x, n, v, hv), AG_OK);
    for (size_t i = 0; i < n; i++) {
        double want = 0;
        for (size_t j = 0; j < n; j++) want += h[i * n + j] * v[j];
        near("Hessian times vector", hv[i], want);
    }
    ag_sparse *s = ags_sparse_hessian(y, x, n);
    assert_non_null(s);
    memset(got, 0, n * n * sizeof *got);
    for (size_t i = 0; i < n; i++)
        for (int64_t k = s->start[i]; k < s->start[i + 1]; k++) got[i * n + (size_t)s->index[k]] = s->value[k];
    for (size_t i = 0; i < n * n; i++) near("sparse Hessian", got[i], h[i]);
    ag_sparse_free(s);
    assert_int_equal(ags_grads(y, x, n, d), AG_OK);
    for (size_t i = 0; i < n; i++) near("recorded gradient", d[i].value, g[i]);
    assert_int_equal(ags_jacobian(d, n, x, n, got), AG_OK);
    for (size_t i = 0; i < n * n; i++) near("Jacobian of the gradient", got[i], h[i]);
}

static void by_tensors(tensor_fn *f, const double *at, size_t n, const double *g, const double *h)
{
    const int64_t size = (int64_t)n;
    ag_tensor *plain = ag_zeros(AG_F64, size);
    assert_int_equal(ag_write(plain, at, size), AG_OK);
    ag_tensor *x = ag_variable(plain), *y = f(x), *d = ag_grad(y, x), *hessian = ag_hessian(y, x);
    for (int64_t i = 0; i < size; i++) near("gradient by tensors", ag_at(d, i), g[i]);
    for (int64_t i = 0; i < size * size; i++) near("Hessian by tensors", ag_at(hessian, i / size, i % size), h[i]);
}

static void check(const char *name, scalar_fn *f, tensor_fn *tensor, formula_fn *formula, const double *x, size_t n)
{
    static double g[MOST], h[MOST * MOST];
    ag_tape *tape = ag_tape_new();
    assert_true(tape && n <= MOST);
    memset(g, 0, sizeof g), memset(h, 0, sizeof h);
    formula(x, n, g, h);
    worst = 0;
    by_scalars(f, x, n, g, h);
    if (tensor) by_tensors(tensor, x, n, g, h);
    if (ag_error()) fail_msg("%s: %s", name, ag_errmsg());
    ag_tape_free(tape);
    print_message("# %s: worst error %.1e\n", name, worst);
}

/* ---- Rosenbrock: sum of 100 (b - a^2)^2 + (1 - a)^2 over neighbors a, b ---- */

static ag_scalar rosenbrock(const ag_scalar *x, size_t n)
{
    ag_scalar y = ag_const(0);
    for (size_t i = 0; i + 1 < n; i++) {
        y = ag_fma(100.0, ag_square(ag_sub(x[i + 1], ag_square(x[i]))), y);
        y = ag_add(y, ag_square(ag_sub(1.0, x[i])));
    }
    return y;
}
static ag_tensor *rosenbrock_tensor(ag_tensor *x)
{
    const int64_t n = ag_size(x, 0);
    ag_tensor *a = ag_slice(x, 0, 0, n - 1), *b = ag_slice(x, 0, 1, n);
    return ag_sum(ag_add(ag_mul(100.0, ag_square(ag_sub(b, ag_square(a)))), ag_square(ag_sub(1.0, a))));
}
static void rosenbrock_formula(const double *x, size_t n, double *g, double *h)
{
    for (size_t i = 0; i + 1 < n; i++) {
        const double a = x[i], r = x[i + 1] - a * a;
        g[i] += -400 * a * r - 2 * (1 - a), g[i + 1] += 200 * r;
        h[i * n + i] += 1200 * a * a - 400 * x[i + 1] + 2, h[(i + 1) * n + i + 1] += 200;
        h[i * n + i + 1] = h[(i + 1) * n + i] = -400 * a;
    }
}

/* ---- Powell's singular function: singular Hessian at the minimum 0 ---- */

static ag_scalar powell(const ag_scalar *x, size_t n)
{
    (void)n;
    ag_scalar a = ag_add(x[0], ag_mul(10.0, x[1])), b = ag_sub(x[2], x[3]);
    ag_scalar c = ag_sub(x[1], ag_mul(2.0, x[2])), d = ag_sub(x[0], x[3]);
    return ag_add(ag_add(ag_square(a), ag_mul(5.0, ag_square(b))),
                  ag_add(ag_pow(c, 4.0), ag_mul(10.0, ag_pow(d, 4.0))));
}
static ag_tensor *powell_tensor(ag_tensor *x)
{
    ag_tensor *x0 = ag_select(x, 0, 0), *x1 = ag_select(x, 0, 1), *x2 = ag_select(x, 0, 2), *x3 = ag_select(x, 0, 3);
    ag_tensor *a = ag_add(x0, ag_mul(10.0, x1)), *b = ag_sub(x2, x3);
    ag_tensor *c = ag_sub(x1, ag_mul(2.0, x2)), *d = ag_sub(x0, x3);
    return ag_add(ag_add(ag_square(a), ag_mul(5.0, ag_square(b))),
                  ag_add(ag_pow(c, 4.0), ag_mul(10.0, ag_pow(d, 4.0))));
}
static void powell_formula(const double *x, size_t n, double *g, double *h)
{
    /* of each term the coefficients, and its first and second derivative */
    const double k[4][4] = { { 1, 10, 0, 0 }, { 0, 0, 1, -1 }, { 0, 1, -2, 0 }, { 1, 0, 0, -1 } };
    for (int t = 0; t < 4; t++) {
        double z = 0;
        for (int i = 0; i < 4; i++) z += k[t][i] * x[i];
        const double first[] = { 2 * z, 10 * z, 4 * z * z * z, 40 * z * z * z };
        const double second[] = { 2, 10, 12 * z * z, 120 * z * z };
        for (size_t i = 0; i < n; i++) {
            g[i] += first[t] * k[t][i];
            for (size_t j = 0; j < n; j++) h[i * n + j] += second[t] * k[t][i] * k[t][j];
        }
    }
}

/* ---- Helmholtz energy of a mixture (Griewank's example), R T = 1 ----
 * sum of x log(x / (1 - b'x)) - x'A x / (sqrt 8 b'x) log((1 + (1 + sqrt 2) b'x) / (1 + (1 - sqrt 2) b'x)) */

#define ROOT2 1.4142135623730951
static double helmholtz_b(size_t i)
{
    return 0.01 + 0.002 * (double)i;
}
static double helmholtz_a(size_t i, size_t j)
{
    return 1.0 / (1 + (double)(i + j));
}
static ag_scalar helmholtz(const ag_scalar *x, size_t n)
{
    ag_scalar u = ag_const(0), y = ag_const(0), q = ag_const(0);
    for (size_t i = 0; i < n; i++) u = ag_fma(helmholtz_b(i), x[i], u);
    for (size_t i = 0; i < n; i++) y = ag_fma(x[i], ag_log(ag_div(x[i], ag_sub(1.0, u))), y);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) q = ag_fma(ag_mul(helmholtz_a(i, j), x[i]), x[j], q);
    ag_scalar over = ag_div(ag_add(1.0, ag_mul(1 + ROOT2, u)), ag_add(1.0, ag_mul(1 - ROOT2, u)));
    return ag_sub(y, ag_mul(ag_div(q, ag_mul(2 * ROOT2, u)), ag_log(over)));
}
static ag_tensor *helmholtz_tensor(ag_tensor *x)
{
    enum { N = 40 };
    double a[N * N], b[N];
    const int64_t n = ag_size(x, 0);
    for (int64_t i = 0; i < n; i++) {
        b[i] = helmholtz_b((size_t)i);
        for (int64_t j = 0; j < n; j++) a[i * n + j] = helmholtz_a((size_t)i, (size_t)j);
    }
    ag_tensor *at = ag_zeros(AG_F64, n, n), *bt = ag_zeros(AG_F64, n);
    ag_write(at, a, n * n), ag_write(bt, b, n);
    ag_tensor *u = ag_dot(bt, x), *q = ag_dot(x, ag_matmul(at, x));
    ag_tensor *over = ag_div(ag_add(1.0, ag_mul(1 + ROOT2, u)), ag_add(1.0, ag_mul(1 - ROOT2, u)));
    return ag_sub(ag_sum(ag_mul(x, ag_log(ag_div(x, ag_sub(1.0, u))))),
                  ag_mul(ag_div(q, ag_mul(2 * ROOT2, u)), ag_log(over)));
}
static void helmholtz_formula(const double *x, size_t n, double *g, double *h)
{
    const double p = 1 + ROOT2, m = 1 - ROOT2;
    double u = 0, sum = 0, q = 0, ax[MOST] = { 0 };
    for (size_t i = 0; i < n; i++) u += helmholtz_b(i) * x[i], sum += x[i];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) ax[i] += helmholtz_a(i, j) * x[j], q += x[i] * helmholtz_a(i, j) * x[j];
    const double w = log((1 + p * u) / (1 + m * u)), w1 = p / (1 + p * u) - m / (1 + m * u);
    const double w2 = m * m / ((1 + m * u) * (1 + m * u)) - p * p / ((1 + p * u) * (1 + p * u));
    const double r = 1 / (2 * ROOT2), c = r * w / u, c1 = r * (w1 * u - w) / (u * u);
    const double c2 = r * w2 / u - 2 * r * (w1 * u - w) / (u * u * u), left = 1 / (1 - u);
    for (size_t i = 0; i < n; i++) {
        const double bi = helmholtz_b(i);
        g[i] = log(x[i] * left) + 1 + sum * bi * left - 2 * ax[i] * c - q * c1 * bi;
        for (size_t j = 0; j < n; j++) {
            const double bj = helmholtz_b(j);
            h[i * n + j] = (i == j ? 1 / x[i] : 0) + (bi + bj) * left + sum * bi * bj * left * left -
                           2 * helmholtz_a(i, j) * c - 2 * c1 * (ax[i] * bj + ax[j] * bi) - q * c2 * bi * bj;
        }
    }
}

/* ---- Speelpenning's product, also with factors of zero ---- */

static ag_scalar product(const ag_scalar *x, size_t n)
{
    ag_scalar y = x[0];
    for (size_t i = 1; i < n; i++) y = ag_mul(y, x[i]);
    return y;
}
static ag_tensor *product_tensor(ag_tensor *x)
{
    return ag_prod(x);
}
static void product_formula(const double *x, size_t n, double *g, double *h)
{
    for (size_t i = 0; i < n; i++) {
        g[i] = 1;
        for (size_t k = 0; k < n; k++) g[i] *= k == i ? 1 : x[k];
        for (size_t j = 0; j < n; j++) {
            double p = i != j;
            for (size_t k = 0; k < n; k++) p *= k == i || k == j ? 1 : x[k];
            h[i * n + j] = p;
        }
    }
}

/* ---- a determinant by cofactors ---- */

/* Of the rows from `row` on and the columns in the set `left`. */
static ag_scalar cofactors(const ag_scalar *a, size_t n, size_t row, unsigned left)
{
    if (row == n) return ag_const(1);
    ag_scalar det = ag_const(0);
    double sign = 1;
    for (size_t j = 0; j < n; j++) {
        if (!(left >> j & 1)) continue;
        det = ag_fma(ag_mul(sign, a[row * n + j]), cofactors(a, n, row + 1, left & ~(1u << j)), det);
        sign = -sign;
    }
    return det;
}
static ag_scalar determinant(const ag_scalar *x, size_t n)
{
    size_t side = 1;
    while (side * side < n) side++;
    return cofactors(x, side, 0, (1u << side) - 1);
}
static ag_tensor *determinant_tensor(ag_tensor *x)
{
    int64_t side = 1;
    while (side * side < ag_size(x, 0)) side++;
    return ag_det(ag_reshape(x, side, side));
}
/* Without the rows and columns of two sets, which are as many. */
static double minor(const double *a, size_t n, unsigned rows, unsigned columns)
{
    double det = 0, sign = 1;
    size_t row = 0;
    while (row < n && (rows >> row & 1)) row++;
    if (row == n) return 1;
    for (size_t j = 0; j < n; j++) {
        if (columns >> j & 1) continue;
        det += sign * a[row * n + j] * minor(a, n, rows | 1u << row, columns | 1u << j);
        sign = -sign;
    }
    return det;
}
static void determinant_formula(const double *a, size_t entries, double *g, double *h)
{
    size_t n = 1;
    while (n * n < entries) n++;
    for (size_t e = 0; e < entries; e++) {
        const size_t i = e / n, j = e % n;
        g[e] = ((i + j) % 2 ? -1 : 1) * minor(a, n, 1u << i, 1u << j);
        for (size_t f = 0; f < entries; f++) {
            const size_t k = f / n, l = f % n;
            if (i == k || j == l) continue;
            const double sign = ((i + j + k + l) % 2 ? -1 : 1) * ((k > i) == (l > j) ? 1 : -1);
            h[e * entries + f] = sign * minor(a, n, 1u << i | 1u << k, 1u << j | 1u << l);
        }
    }
}

/* ---- log of a sum of exponentials, of numbers around 1000 ---- */

static ag_scalar logsumexp(const ag_scalar *x, size_t n)
{
    return ags_logsumexp(n, x);
}
static ag_scalar logsumexp_by_pairs(const ag_scalar *x, size_t n)
{
    ag_scalar y = x[0];
    for (size_t i = 1; i < n; i++) y = ag_logaddexp(y, x[i]);
    return y;
}
static ag_tensor *logsumexp_tensor(ag_tensor *x)
{
    return ag_logsumexp(x, 0);
}
static void logsumexp_formula(const double *x, size_t n, double *g, double *h)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += g[i] = exp(x[i] - 1000);
    for (size_t i = 0; i < n; i++) g[i] /= sum;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) h[i * n + j] = (i == j ? g[i] : 0) - g[i] * g[j];
}

/* ---- log of a determinant by Cholesky's decomposition; x is the lower triangle, by rows ---- */

enum { SIDE = 5 };
static size_t entry(size_t i, size_t j)
{
    return i < j ? j * (j + 1) / 2 + i : i * (i + 1) / 2 + j;
}
static ag_scalar log_det(const ag_scalar *x, size_t n)
{
    (void)n;
    ag_scalar l[SIDE][SIDE], y = ag_const(0);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j <= i; j++) {
            const ag_scalar s = ag_sub(x[entry(i, j)], ags_dot(j, l[i], l[j]));
            l[i][j] = i == j ? ag_sqrt(s) : ag_div(s, l[j][j]);
        }
    for (size_t i = 0; i < SIDE; i++) y = ag_add(y, ag_mul(2.0, ag_log(l[i][i])));
    return y;
}
static ag_tensor *log_det_tensor(ag_tensor *x)
{
    ag_tensor *entries[SIDE * SIDE];
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) entries[i * SIDE + j] = ag_select(x, 0, (int64_t)entry(i, j));
    ag_tensor *a = ag_reshape(ag_stack((ag_list){ entries, SIDE * SIDE }, 0), SIDE, SIDE);
    return ag_mul(2.0, ag_sum(ag_log(ag_diagonal(ag_cholesky(a, false)))));
}
static void log_det_formula(const double *x, size_t n, double *g, double *h)
{
    double a[SIDE][2 * SIDE] = { { 0 } }, (*inverse)[2 * SIDE] = a;
    for (size_t i = 0; i < SIDE; i++) {
        for (size_t j = 0; j < SIDE; j++) a[i][j] = x[entry(i, j)];
        a[i][SIDE + i] = 1;
    }
    for (size_t p = 0; p < SIDE; p++) { /* Gauss and Jordan */
        const double pivot = a[p][p];
        for (size_t j = 0; j < 2 * SIDE; j++) a[p][j] /= pivot;
        for (size_t i = 0; i < SIDE; i++) {
            const double factor = a[i][p];
            for (size_t j = 0; i != p && j < 2 * SIDE; j++) a[i][j] -= factor * a[p][j];
        }
    }
#define INVERSE(i, j) inverse[i][SIDE + (j)]
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j <= i; j++) {
            g[entry(i, j)] = (i == j ? 1 : 2) * INVERSE(i, j);
            for (size_t k = 0; k < SIDE; k++)
                for (size_t l = 0; l <= k; l++) {
                    double sum = INVERSE(j, k) * INVERSE(l, i); /* - tr(A^-1 E A^-1 F) over the unit matrices of E, F */
                    if (i != j) sum += INVERSE(i, k) * INVERSE(l, j);
                    if (k != l) sum += INVERSE(j, l) * INVERSE(k, i);
                    if (i != j && k != l) sum += INVERSE(i, l) * INVERSE(k, j);
                    h[entry(i, j) * n + entry(k, l)] = -sum;
                }
        }
}

/* ---- where ---- */

static void closed_forms(void **state)
{
    (void)state;
    double x[MOST];
    for (int i = 0; i < 10; i++) x[i] = i % 2 ? 1 : -1.2;
    check("Rosenbrock", rosenbrock, rosenbrock_tensor, rosenbrock_formula, x, 10);
    for (int i = 0; i < 10; i++) x[i] = 1;
    check("Rosenbrock at the minimum", rosenbrock, rosenbrock_tensor, rosenbrock_formula, x, 10);
    check("Powell", powell, powell_tensor, powell_formula, (double[]){ 3, -1, 0, 1 }, 4);
    check("Powell at the minimum", powell, powell_tensor, powell_formula, (double[]){ 0, 0, 0, 0 }, 4);
    for (int i = 0; i < 20; i++) x[i] = 0.1 + 0.05 * i;
    check("Helmholtz energy", helmholtz, helmholtz_tensor, helmholtz_formula, x, 20);
    for (int i = 0; i < 12; i++) x[i] = 0.5 + 0.1 * i;
    check("product", product, product_tensor, product_formula, x, 12);
    x[4] = 0;
    check("product with a 0", product, product_tensor, product_formula, x, 12);
    x[7] = 0;
    check("product with two", product, product_tensor, product_formula, x, 12);
    for (int i = 0; i < 25; i++) x[i] = sin(3.0 * i) + (i % 6 == 0 ? 2 : 0);
    check("determinant", determinant, determinant_tensor, determinant_formula, x, 25);
    for (int i = 0; i < 8; i++) x[i] = 1000 + 0.5 * i;
    check("logsumexp at 1000", logsumexp, logsumexp_tensor, logsumexp_formula, x, 8);
    check("logsumexp at 1000 by pairs", logsumexp_by_pairs, NULL, logsumexp_formula, x, 8);
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j <= i; j++) x[entry(i, j)] = i == j ? 3 + (double)i : cos((double)(i + 3 * j));
    check("log det", log_det, log_det_tensor, log_det_formula, x, SIDE * (SIDE + 1) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(closed_forms) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
