/* test_norm.c - layer_norm, rms_norm and embedding at sizes that samples do not reach: against their definitions, the
 * kernels against the recorded rules, each instruction set against the plain one, any number of threads. */
#include "plain.h"
#include <autograd/kernels/kernels.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int tape(void **state)
{
    return (*state = ag_tape_new()) == NULL;
}
static int end(void **state)
{
    ag_tape_free(*state);
    return 0;
}

/* Numbers in [-2, 2) that repeat late. */
static ag_tensor *numbers(ag_dtype dtype, int64_t n, double phase)
{
    ag_tensor *x = ag_mul(ag_sin(ag_add(ag_mul(ag_arange(AG_F64, 0, (double)n, 1), 1.7), phase)), 2.0);
    return ag_to(x, dtype);
}

/* ---- values ---- */

/* (x - mean) / sqrt(mean square + eps) w + b of rows, in long double */
static void plain_norm(int64_t rows, int64_t n, bool centred, double eps, const double *x, const double *w,
                       const double *b, double *y)
{
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        long double mean = 0, square = 0;
        for (int64_t i = 0; i < n && centred; i++) mean += (long double)x[i] / n;
        for (int64_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean) / n;
        long double scale = 1 / sqrtl(square + eps);
        for (int64_t i = 0; i < n; i++) y[i] = (double)((x[i] - mean) * scale * (w ? w[i] : 1) + (b ? b[i] : 0));
    }
}

static void values_are_the_definitions(void **state)
{
    (void)state;
    static const int64_t widths[] = { 1, 2, 7, 16, 17, 64, 255, 256, 257, 1000 };
    static double x[3 * 1000], w[1000], b[1000], want[3 * 1000];
    for (size_t k = 0; k < sizeof widths / sizeof *widths; k++)
        for (int how = 0; how < 16; how++) {
            int64_t n = widths[k];
            bool centred = how & 1, weighted = how & 2, biased = (how & 4) && centred;
            ag_dtype dtype = how & 8 ? AG_F64 : AG_F32;
            double eps = dtype == AG_F64 ? 1e-9 : 1e-3;
            ag_tensor *tx = ag_add(numbers(dtype, 3 * n, 0), 5.0), *tw = numbers(dtype, n, 1),
                      *tb = numbers(dtype, n, 2);
            ag_read(tx, x, 3 * n), ag_read(tw, w, n), ag_read(tb, b, n);
            plain_norm(3, n, centred, eps, x, weighted ? w : NULL, biased ? b : NULL, want);
            ag_tensor *rows = ag_reshape(tx, 3, n), *weight = weighted ? tw : NULL, *bias = biased ? tb : NULL, *y;
            y = centred ? ag_layer_norm(rows, 1, .weight = weight, .bias = bias, .eps = eps)
                        : ag_rms_norm(rows, 1, .weight = weight, .eps = eps);
            double d = plain_distance_to(ag_reshape(y, -1), want, 3 * n);
            if (!(d <= (dtype == AG_F64 ? 1e-13 : 1e-5))) fail_msg("n %d, case %d: off by %g", (int)n, how, d);
            ag_tape_reset(ag_tape_current());
        }
}

static void eps_has_its_default(void **state)
{
    (void)state;
    ag_tensor *x = ag_full(AG_F64, 1e-3, 1, 4), *narrow = ag_full(AG_F32, 1e-4, 1, 4);
    ag_write(ag_select(x, 0, 0), ((const double[]){ 1e-3, -1e-3, 1e-3, -1e-3 }), 4);
    assert_true(fabs(ag_at(ag_layer_norm(x, 1), 0, 0) - 1e-3 / sqrt(1e-6 + 1e-5)) < 1e-14);
    assert_true(fabs(ag_at(ag_layer_norm(x, 1, .eps = AG_ZERO), 0, 0) - 1) < 1e-14);
    assert_true(fabs(ag_at(ag_rms_norm(x, 1), 0, 0) - 1e-3 / sqrt(1e-6 + DBL_EPSILON)) < 1e-14);
    assert_true(fabs(ag_at(ag_rms_norm(narrow, 1), 0, 0) - 1e-4 / sqrt(1e-8 + (double)FLT_EPSILON)) < 1e-7);
}

/* ---- gradients: rows in several pieces ---- */

/* The gradients of f at leaves by ag_backward's kernels, and by rules that are recorded. */
typedef ag_tensor *function(ag_tensor *const *x);
static double kernels_and_rules_differ(function *f, int n, ag_tensor *const *x)
{
    ag_tensor *y = f(x), *seed = numbers(ag_dtype_of(y), ag_numel(y), 0.3), *rule[3];
    ag_tensor *loss = ag_sum(ag_mul(ag_reshape(y, -1), seed));
    assert_int_equal(ag_grads(loss, (ag_list){ x, n }, rule), AG_OK);
    double worst = 0;
    for (int round = 1; round <= 2; round++) { /* the second adds to the first */
        assert_int_equal(ag_backward(loss, .retain = true), AG_OK);
        for (int i = 0; i < n; i++)
            worst = fmax(worst, plain_distance(ag_grad_of(x[i]), ag_mul(rule[i], (double)round)));
    }
    return worst;
}
static ag_tensor *layer(ag_tensor *const *x)
{
    return ag_layer_norm(x[0], 1, .weight = x[1], .bias = x[2]);
}
static ag_tensor *rms(ag_tensor *const *x)
{
    return ag_rms_norm(x[0], 1, .weight = x[1]);
}
static ag_tensor *looked_up(ag_tensor *const *x)
{
    ag_tensor *index = ag_zeros(AG_I64, 3 * ag_size(x[0], 0));
    int64_t *at = ag_i64_write(index);
    for (int64_t i = 0; i < ag_numel(index); i++) at[i] = 7919 * i % ag_size(x[0], 0);
    return ag_embedding(x[0], index);
}

enum { LAYERS = 3 };
static struct {
    function *f;
    int n;
    int64_t rows, width;
} const cases[] = { { layer, 3, 700, 130 }, { rms, 2, 700, 130 }, { layer, 3, 3, 40000 }, { looked_up, 1, 2000, 70 } };
enum { CASES = sizeof cases / sizeof *cases };

static void leaves(int k, ag_tensor **x)
{
    x[0] =
        ag_param_like(ag_reshape(numbers(AG_F64, cases[k].rows * cases[k].width, 0.1), cases[k].rows, cases[k].width));
    x[1] = ag_param_like(numbers(AG_F64, cases[k].width, 0.2));
    x[2] = ag_param_like(numbers(AG_F64, cases[k].width, 0.7));
}

static void gradients_by_kernels_are_those_by_rules(void **state)
{
    for (int k = 0; k < CASES; k++) {
        ag_tensor *x[LAYERS];
        leaves(k, x);
        double d = kernels_and_rules_differ(cases[k].f, cases[k].n, x);
        if (!(d <= 1e-12)) fail_msg("case %d: off by %g: %s", k, d, ag_errmsg());
        assert_int_equal(ag_tape_reset(*state), AG_OK);
        for (int i = 0; i < LAYERS; i++) ag_free(x[i]);
    }
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    static double first[700 * 130 + 40000 * 3], now[sizeof first / sizeof *first];
    for (int k = 0; k < CASES; k++) {
        for (int threads = 1; threads <= 5; threads += 2) {
            ag_tensor *x[LAYERS];
            int64_t at = 0;
            ag_set_threads(threads);
            leaves(k, x);
            ag_tensor *y = cases[k].f(x);
            ag_backward(ag_sum(ag_mul(y, y)));
            for (int i = 0; i < cases[k].n; i++) {
                ag_read(ag_grad_of(x[i]), (threads == 1 ? first : now) + at, ag_numel(x[i]));
                at += ag_numel(x[i]);
            }
            if (threads > 1) assert_memory_equal(first, now, (size_t)at * sizeof *now);
            assert_int_equal(ag_tape_reset(*state), AG_OK);
            for (int i = 0; i < LAYERS; i++) ag_free(x[i]);
        }
    }
    ag_set_threads(0);
}

/* ---- embedding ---- */

static void padding_gets_no_gradient(void **state)
{
    (void)state;
    const int64_t padding = 2;
    ag_tensor *weight = ag_param_like(ag_reshape(ag_arange(AG_F64, 0, 8, 1), 4, 2));
    ag_tensor *index = ag_copy(((const int64_t[]){ 1, 2, 1, 2, 0 }), 5), *g;
    ag_tensor *y = ag_embedding(weight, index, .padding = &padding);
    assert_true(ag_at(y, 1, 0) == 4 && ag_at(y, 4, 1) == 1); /* the values are there */
    static const double want[] = { 1, 1, 2, 2, 0, 0, 0, 0 };
    for (int way = 0; way < 2; way++) {
        if (way == 0) ag_backward(ag_sum(y));
        g = way == 0 ? ag_grad_of(weight) : ag_grad(ag_sum(ag_embedding(weight, index, .padding = &padding)), weight);
        double got[8];
        if (ag_read(g, got, 8)) fail_msg("%s", ag_errmsg());
        assert_memory_equal(got, want, sizeof want);
    }
    ag_tensor *z = ag_embedding(weight, index, .padding = &padding), *t = ag_jvp(z, weight, ag_ones(AG_F64, 4, 2));
    assert_true(ag_at(t, 0, 0) == 1 && ag_at(t, 1, 0) == 0);
    ag_free(weight);
}

/* ---- kernels ---- */

enum { ROWS = 5, MOST = 300 };
typedef struct results {
    double y[ROWS * MOST], mean[ROWS], rstd[ROWS], dx[ROWS * MOST], dw[MOST], db[MOST];
} results;

static void *narrow(int dtype, const double *from, int64_t n, void *to)
{
    for (int64_t i = 0; i < n; i++) {
        if (dtype)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
    }
    return to;
}
static double wide(int dtype, const void *from, int64_t i)
{
    return dtype ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static void compute(const ag__kernels *k, int dtype, int64_t n, bool centred, bool weighted, bool add, results *out)
{
    static double x[ROWS * MOST], g[ROWS * MOST], w[MOST], from[ROWS * MOST], rx[ROWS * MOST], rg[ROWS * MOST],
        rw[MOST];
    static double y[ROWS * MOST], mean[ROWS], rstd[ROWS], dx[ROWS * MOST], dw[MOST], db[MOST];
    for (int64_t i = 0; i < ROWS * n; i++) x[i] = sin(1.3 * (double)i), g[i] = cos(0.7 * (double)i), from[i] = 0.25;
    for (int64_t i = 0; i < n; i++) w[i] = 1 + 0.5 * sin(2.1 * (double)i);
    ag__norm p = { ROWS,
                   n,
                   1e-5,
                   narrow(dtype, x, ROWS * n, rx),
                   weighted ? narrow(dtype, w, n, rw) : NULL,
                   NULL,
                   y,
                   centred ? mean : NULL,
                   rstd };
    k->norm(&p);
    narrow(dtype, from, ROWS * n, dx), narrow(dtype, from, n, dw), narrow(dtype, from, n, db);
    ag__norm_back q = { ROWS, n, rx, p.weight, narrow(dtype, g, ROWS * n, rg), p.mean, rstd, dx, dw, db, add };
    k->norm_back(&q);
    for (int64_t i = 0; i < ROWS * n; i++) out->y[i] = wide(dtype, y, i), out->dx[i] = wide(dtype, dx, i);
    for (int64_t i = 0; i < n; i++) out->dw[i] = wide(dtype, dw, i), out->db[i] = wide(dtype, db, i);
    for (int64_t i = 0; i < ROWS; i++)
        out->mean[i] = centred ? wide(dtype, mean, i) : 0, out->rstd[i] = wide(dtype, rstd, i);
}

static void each_instruction_set_agrees(void **state)
{
    (void)state;
    static results plain, fast;
    static const char *const archs[] = { "avx2", "avx512" };
    static const int64_t widths[] = { 1, 3, 8, 15, 16, 17, 33, 128, 255, 300 };
    for (int a = 0; a < 2; a++)
        for (int dtype = 0; dtype < 2; dtype++) {
            const ag__kernels *k = ag__kernels_of(archs[a], dtype);
            for (int how = 0; k && how < 10 * 8; how++) {
                int64_t n = widths[how / 8];
                memset(&plain, 0, sizeof plain), memset(&fast, 0, sizeof fast);
                compute(ag__kernels_of("generic", dtype), dtype, n, how & 1, how & 2, how & 4, &plain);
                compute(k, dtype, n, how & 1, how & 2, how & 4, &fast);
                const double *u = (const double *)&plain, *v = (const double *)&fast;
                for (size_t i = 0; i < sizeof plain / sizeof *u; i++)
                    if (!(fabs(u[i] - v[i]) <= (dtype ? 1e-13 : 2e-5) * fmax(1, fabs(u[i]))))
                        fail_msg("%s f%d, n %d, case %d: %g is %g", archs[a], dtype ? 64 : 32, (int)n, how % 8, u[i],
                                 v[i]);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_the_definitions, tape, end),
        cmocka_unit_test_setup_teardown(eps_has_its_default, tape, end),
        cmocka_unit_test_setup_teardown(gradients_by_kernels_are_those_by_rules, tape, end),
        cmocka_unit_test_setup_teardown(any_number_of_threads_gives_the_same_bits, tape, end),
        cmocka_unit_test_setup_teardown(padding_gets_no_gradient, tape, end),
        cmocka_unit_test(each_instruction_set_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
