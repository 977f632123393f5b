/* test_math.c - the elementary functions of every instruction set this processor has, against libm in wider arithmetic:
 * f32 in f64, f64 in long double. LONG=1 tries every f32 there is. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <autograd/kernels/kernels.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long double wide;
static const char *const archs[] = { "generic", "avx2", "avx512" }, *const dtypes[] = { "f32", "f64" };
enum { ARCHS = 3, N = 4096 };

/* ---- what is right ---- */

static wide sigmoid(wide x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}
static wide softplus(wide x)
{
    return log1pl(expl(-fabsl(x))) + (x > 0 ? x : 0);
}
static wide gelu(wide x)
{
    return x * erfcl(-x * sqrtl(0.5L)) / 2;
}
static wide gelu_tanh(wide x)
{
    return x / (1 + expl(-x * (1.5957691216057308 + 0.07135481627260025 * x * x)));
}

/* What f64 gives is good enough for f32, and five times as fast. */
static const struct function {
    const char *name;
    int code;
    wide (*value)(wide);
    double (*less_wide)(double);
    double worst[2]; /* units in the last place, for f32 and f64 */
} functions[] = {
    { "exp", AG__F_exp, expl, exp, { 1, 1 } },
    { "expm1", AG__F_expm1, expm1l, expm1, { 2, 2 } },
    { "log", AG__F_log, logl, log, { 1, 1 } },
    { "log1p", AG__F_log1p, log1pl, log1p, { 2, 2 } },
    { "tanh", AG__F_tanh, tanhl, tanh, { 2, 2 } },
    { "sigmoid", AG__F_sigmoid, sigmoid, NULL, { 2, 2 } },
    { "softplus", AG__F_softplus, softplus, NULL, { 2, 2 } },
    { "erf", AG__F_erf, erfl, erf, { 2, 2 } },
    { "erfc", AG__F_erfc, erfcl, erfc, { 2, 2 } },
    { "gelu", AG__F_gelu, gelu, NULL, { 2, 2 } },
    { "gelu_tanh", AG__F_gelu_tanh, gelu_tanh, NULL, { 2, 2 } },
    { "sin", AG__F_sin, sinl, sin, { 2, 2 } },
    { "cos", AG__F_cos, cosl, cos, { 2, 2 } },
    { "tan", AG__F_tan, tanl, tan, { 2, 2 } },
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

/* ---- numbers ---- */

static uint64_t state;
static uint64_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state ^ state >> 29;
}
static double uniform(double low, double high)
{
    return low + (high - low) * (double)(next() >> 11) * 0x1p-53;
}
static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

/* Distance in units of the last place of what is right, at a number of this dtype; INFINITY if only one is infinite or
 * NaN, or the signs of zeros differ. */
static double ulps(int dtype, double got, wide right)
{
    double nearest = dtype ? (double)right : (double)(float)right;
    if (!isfinite(nearest) || !isfinite(got) || (got == 0 && nearest == 0)) return same(got, nearest) ? 0 : INFINITY;
    int digits = dtype ? DBL_MANT_DIG : FLT_MANT_DIG, lowest = dtype ? DBL_MIN_EXP : FLT_MIN_EXP, e;
    frexpl(right, &e);
    return (double)fabsl(ldexpl((wide)got - right, digits - (e < lowest ? lowest : e)));
}

/* ---- error bounds ---- */

typedef struct worst {
    double ulps, x;
} worst;

static void judge(const struct function *f, int arch, int dtype, double x, double got, wide right, worst *w)
{
    double e = ulps(dtype, got, right);
    if (e > f->worst[dtype])
        fail_msg("%s %s: %s(%a) is %a, %g ulp from %La", archs[arch], dtypes[dtype], f->name, x, got, e, right);
    if (e > w->ulps) *w = (worst){ e, x };
}

static void run_f32(const struct function *f, const float *x, worst *w)
{
    static float y[N];
    static double right[N];
    for (int i = 0; i < N; i++) right[i] = f->less_wide ? f->less_wide((double)x[i]) : (double)f->value((wide)x[i]);
    for (int a = 0; a < ARCHS; a++) {
        const ag__kernels *k = ag__kernels_of(archs[a], 0);
        if (!k) continue;
        k->unary[f->code](N, x, 1, y, 1);
        for (int i = 0; i < N; i++) judge(f, a, 0, (double)x[i], (double)y[i], (wide)right[i], w);
    }
}

static void test_f32(void **unused)
{
    (void)unused;
    uint64_t step = getenv("LONG") ? 1 : 16411;
    for (int j = 0; j < FUNCTIONS; j++) {
        worst w = { 0, 0 };
        for (uint64_t from = 0; from < (uint64_t)1 << 32; from += N * step) {
            static float x[N];
            for (int i = 0; i < N; i++) {
                uint32_t bits = (uint32_t)(from + (uint64_t)i * step);
                memcpy(&x[i], &bits, sizeof bits);
            }
            run_f32(&functions[j], x, &w);
        }
        printf("# %-9s f32 %.3f ulp at %a\n", functions[j].name, w.ulps, w.x);
    }
}

/* All bits; all exponents; evenly where the functions bend, around e^x's thresholds, and near multiples of pi/2. */
static double any_f64(int kind)
{
    uint64_t bits = next();
    double x;
    memcpy(&x, &bits, sizeof x);
    switch (kind) {
    case 0: return x;
    case 1: return uniform(-1, 1) * exp2(uniform(-60, 3));
    case 2: return uniform(-3, 3);
    case 3: return uniform(-45, 45);
    case 4: return uniform(-760, 760);
    case 5: return uniform(0.5, 2);
    case 6: return 1.5707963267948966 * floor(uniform(-5500, 5500));
    default: return uniform(-10000, 10000);
    }
}

static void test_f64(void **unused)
{
    (void)unused;
    int rounds = getenv("LONG") ? 20000 : 100;
    for (int j = 0; j < FUNCTIONS; j++) {
        worst w = { 0, 0 };
        for (int round = 0; round < rounds; round++) {
            static double x[N], y[N];
            static wide right[N];
            for (int i = 0; i < N; i++) x[i] = any_f64(i % 8), right[i] = functions[j].value((wide)x[i]);
            for (int a = 0; a < ARCHS; a++) {
                const ag__kernels *k = ag__kernels_of(archs[a], 1);
                if (!k) continue;
                k->unary[functions[j].code](N, x, 1, y, 1);
                for (int i = 0; i < N; i++) judge(&functions[j], a, 1, x[i], y[i], right[i], &w);
            }
        }
        printf("# %-9s f64 %.3f ulp at %a\n", functions[j].name, w.ulps, w.x);
    }
}

/* Bases and exponents over all of range, near 1 to large powers, and negative ones to whole powers. */
static void any_power(int kind, double *a, double *b)
{
    switch (kind) {
    case 0: *a = exp2(uniform(-1074, 1023)), *b = uniform(-3, 3); break;
    case 1: *a = 1 + uniform(-0.06, 0.06), *b = uniform(-8000, 8000); break;
    case 2: *a = uniform(0, 10), *b = uniform(-100, 100); break;
    case 3: *a = uniform(-10, 0), *b = floor(uniform(-200, 200)); break;
    default: *a = any_f64(0), *b = any_f64(0); break;
    }
}
static const double special[] = { 0.0,      -0.0,      1,      -1,    2,       -2,       0.5,   -0.5,     3,
                                  INFINITY, -INFINITY, NAN,    1e-30, -1e-30,  1e30,     -1e30, 1e-310,   -3e-320,
                                  1e300,    -1e300,    1e-45,  88.7,  -87.4,   -103.98,  709.8, -745.2,   0x1p51,
                                  0x1.8p53, 8192,      8192.5, 1e6,   1048577, -1048577, 1e15,  123456.7, -3 };
enum { SPECIAL = sizeof special / sizeof *special };

static void test_pow(void **unused)
{
    (void)unused;
    int rounds = getenv("LONG") ? 5000 : 100;
    for (int d = 0; d < 2; d++) {
        double most = 0;
        for (int round = 0; round < rounds; round++) {
            static double a[N], b[N], y[N];
            static float a32[N], b32[N], y32[N];
            static wide right[N];
            for (int i = 0; i < N; i++) {
                if (i < SPECIAL * SPECIAL)
                    a[i] = special[i / SPECIAL], b[i] = special[i % SPECIAL];
                else
                    any_power(i % 5, &a[i], &b[i]);
                a32[i] = (float)a[i], b32[i] = (float)b[i];
                right[i] = d ? powl((wide)a[i], (wide)b[i]) : powl((wide)a32[i], (wide)b32[i]);
            }
            for (int arch = 0; arch < ARCHS; arch++) {
                const ag__kernels *k = ag__kernels_of(archs[arch], d);
                if (!k) continue;
                if (d)
                    k->binary[AG__F_pow](N, a, 1, b, 1, y, 1);
                else
                    k->binary[AG__F_pow](N, a32, 1, b32, 1, y32, 1);
                for (int i = 0; i < N; i++) {
                    double got = d ? y[i] : (double)y32[i], e = ulps(d, got, right[i]);
                    if (e > 1)
                        fail_msg("%s %s: pow(%a, %a) is %a, %g ulp from %La", archs[arch], dtypes[d],
                                 d ? a[i] : (double)a32[i], d ? b[i] : (double)b32[i], got, e, right[i]);
                    if (e > most) most = e;
                }
            }
        }
        printf("# %-9s %s %.3f ulp\n", "pow", dtypes[d], most);
    }
}

/* ---- special values ---- */

/* Infinities, NaN, zeros and what lies around the thresholds, as libm has them. */
static void test_special(void **unused)
{
    (void)unused;
    for (int j = 0; j < FUNCTIONS; j++)
        for (int a = 0; a < ARCHS; a++)
            for (int d = 0; d < 2; d++) {
                const ag__kernels *k = ag__kernels_of(archs[a], d);
                worst w = { 0, 0 };
                for (int i = 0; k && i < SPECIAL; i++) {
                    double x = d ? special[i] : (double)(float)special[i], y = x;
                    float x32 = (float)x, y32;
                    if (d)
                        k->unary[functions[j].code](1, &x, 1, &y, 1);
                    else
                        k->unary[functions[j].code](1, &x32, 1, &y32, 1), y = (double)y32;
                    judge(&functions[j], a, d, x, y, functions[j].value((wide)x), &w);
                }
            }
}

static double get(int dtype, const char *p, int i)
{
    double x;
    float x32;
    memcpy(&x, p + (dtype ? 8 * i : 0), sizeof x);
    memcpy(&x32, p + (dtype ? 0 : 4 * i), sizeof x32);
    return dtype ? x : (double)x32;
}
static void put(int dtype, char *p, int i, double x)
{
    float x32 = (float)x;
    if (dtype)
        memcpy(p + 8 * i, &x, sizeof x);
    else
        memcpy(p + 4 * i, &x32, sizeof x32);
}
static void call(const ag__kernels *k, int code, int n, const void *a, const void *b, void *y)
{
    if (code < AG__N_UNARY)
        k->unary[code](n, a, 1, y, 1);
    else
        k->binary[code - AG__N_UNARY](n, a, 1, b, 1, y, 1);
}

/* An element's value does not depend on those around it, nor on where in a vector it stands: also when some are outside
 * the range of the fast way. */
static void test_places(void **unused)
{
    (void)unused;
    enum { MOST = 67 };
    for (int a = 0; a < ARCHS; a++)
        for (int d = 0; d < 2; d++)
            for (int code = 0; code < AG__N_UNARY + AG__N_BINARY; code++) {
                const ag__kernels *k = ag__kernels_of(archs[a], d);
                for (int n = 1; k && n <= MOST; n++) {
                    char in[2][8 * MOST], out[8 * MOST], alone[8];
                    for (int i = 0; i < n; i++)
                        for (int j = 0; j < 2; j++)
                            put(d, in[j], i, next() % 8 ? uniform(-4, 4) : special[next() % SPECIAL]);
                    call(k, code, n, in[0], in[1], out);
                    for (int i = 0; i < n; i++) {
                        int at = i * (d ? 8 : 4);
                        call(k, code, 1, in[0] + at, in[1] + at, alone);
                        if (!same(get(d, out, i), get(d, alone, 0)))
                            fail_msg("%s %s: function %d of %a, %a is %a at %d of %d, alone %a", archs[a], dtypes[d],
                                     code, get(d, in[0], i), get(d, in[1], i), get(d, out, i), i, n, get(d, alone, 0));
                    }
                }
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32),     cmocka_unit_test(test_f64),    cmocka_unit_test(test_pow),
        cmocka_unit_test(test_special), cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
