/* test_kernels.c - every kernel of every instruction set this processor has: accuracy against long double, and the same
 * bits whatever the size, stride and place of an element. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <autograd/kernels/kernels.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <tgmath.h>
#include <unistd.h>

typedef long double wide;
#define K(c)             ((wide)(c))
#define AG_SAVES_IN(i)   (1u << (i))
#define AG_SAVES_OUT(i)  (0x10000u << (i))
#define AG_SAVES_NOTHING 0x80000000u

static const char *const archs[] = { "generic", "avx2", "avx512" };
static const char *const dtypes[] = { "f32", "f64" };
#define FOR_EACH_TABLE(k, arch, d)       \
    for (int arch = 0; arch < 3; arch++) \
        for (int d = 0; d < 2; d++)      \
            for (const ag__kernels *k = ag__kernels_of(archs[arch], d); k; k = NULL)

/* ---- numbers of either dtype ---- */

static double get(int dtype, const void *p, int64_t i)
{
    return dtype ? ((const double *)p)[i] : (double)((const float *)p)[i];
}
static void put(int dtype, void *p, int64_t i, double x)
{
    if (dtype)
        ((double *)p)[i] = x;
    else
        ((float *)p)[i] = (float)x;
}
static void *at(int dtype, const void *p, int64_t i)
{
    return (char *)(uintptr_t)p + i * (dtype ? 8 : 4);
}
static double epsilon(int dtype)
{
    return dtype ? DBL_EPSILON : (double)FLT_EPSILON;
}
static double smallest(int dtype)
{
    return dtype ? DBL_MIN : (double)FLT_MIN;
}
static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b);
}

static uint64_t state;
static double uniform(double low, double high)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(state >> 11) * 0x1p-53;
}
static int64_t up_to(int64_t n)
{
    return (int64_t)uniform(0, (double)n + 0.999999);
}

/* Is `got` the number of this dtype nearest to `want`, give or take ulps and `slack`? */
static bool near(int dtype, double got, wide want, double ulps, double slack)
{
    double limit = dtype ? DBL_MAX : (double)FLT_MAX;
    if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
    if (isinf(got)) return want * copysign(1.0, got) > limit * (1 - ulps * epsilon(dtype));
    if (isinf(want)) return false;
    return fabs(got - want) <= ulps * epsilon(dtype) * fabs(want) + slack;
}

/* ---- the rows of elementary.h in long double ---- */

static wide unary_value(int code, wide x)
{
    switch (code) {
#define CASE(name, saves, value, slope, vjp) \
    case AG__F_##name: return value;
        AG_UNARY_FUNCTIONS(CASE)
#undef CASE
    }
    return NAN;
}
static wide unary_slope(int code, wide x, wide y)
{
    (void)x, (void)y;
    switch (code) {
#define CASE(name, saves, value, slope, vjp) \
    case AG__F_##name: return slope;
        AG_UNARY_FUNCTIONS(CASE)
#undef CASE
    }
    return NAN;
}
static wide binary_value(int code, wide a, wide b)
{
    switch (code) {
#define CASE(name, saves, value, slope_a, slope_b, vjp_a, vjp_b) \
    case AG__F_##name: return value;
        AG_BINARY_FUNCTIONS(CASE)
#undef CASE
    }
    return NAN;
}
static wide binary_slope(int code, int by, wide a, wide b, wide y)
{
    (void)a, (void)b, (void)y;
    switch (code) {
#define CASE(name, saves, value, slope_a, slope_b, vjp_a, vjp_b) \
    case AG__F_##name: return by ? (wide)(slope_b) : (wide)(slope_a);
        AG_BINARY_FUNCTIONS(CASE)
#undef CASE
    }
    return NAN;
}
#define NAME(name, ...)         #name,
#define SAVES(name, saves, ...) saves,
static const char *const unary_names[] = { AG_UNARY_FUNCTIONS(NAME) }, *const binary_names[] = { AG_BINARY_FUNCTIONS(
                                                                           NAME) };
static const unsigned unary_saves[] = { AG_UNARY_FUNCTIONS(SAVES) }, binary_saves[] = { AG_BINARY_FUNCTIONS(SAVES) };

enum { SAMPLES = 400 };
static const double special[] = { 0.0,       -0.0,  1,      -1,     2,      -2,    0.5,    INFINITY,
                                  -INFINITY, NAN,   1e-30,  -1e-30, 1e30,   -1e30, 88.7,   -87.4,
                                  -104,      709.8, -745.2, 1e-310, 3e-320, 1e300, -1e300, 1e-45 };
enum { SPECIAL = sizeof special / sizeof *special };

static void fill_samples(int dtype, void *x, int n_special)
{
    for (int i = 0; i < SAMPLES; i++) put(dtype, x, i, i < n_special ? special[i] : uniform(-3, 3));
}

static void test_values(void **unused)
{
    (void)unused;
    static double x[SAMPLES], y[SAMPLES], a[SPECIAL * SAMPLES], b[SPECIAL * SAMPLES], c[SPECIAL * SAMPLES];
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int f = 0; f < AG__N_UNARY; f++) {
            fill_samples(d, x, SPECIAL);
            k->unary[f](SAMPLES, x, 1, y, 1);
            bool gelu = f == AG__F_gelu || f == AG__F_gelu_tanh; /* of its argument, times its square, in the tail */
            for (int i = 0; i < SAMPLES; i++)
                if (!near(d, get(d, y, i), unary_value(f, get(d, x, i)), gelu ? 12 : 5, smallest(d)))
                    fail_msg("%s %s: %s(%a) is %a", archs[arch], dtypes[d], unary_names[f], get(d, x, i), get(d, y, i));
        }
        for (int f = 0; f < AG__N_BINARY; f++) {
            for (int i = 0; i < SPECIAL * SAMPLES; i++) {
                put(d, a, i, i % SAMPLES < SPECIAL ? special[i % SAMPLES] : uniform(-3, 3));
                put(d, b, i, i / SAMPLES < SPECIAL / 2 ? special[i / SAMPLES] : uniform(-3, 3));
            }
            k->binary[f](SPECIAL * SAMPLES, a, 1, b, 1, c, 1);
            for (int i = 0; i < SPECIAL * SAMPLES; i++)
                if (!near(d, get(d, c, i), binary_value(f, get(d, a, i), get(d, b, i)), 5, smallest(d)))
                    fail_msg("%s %s: %s(%a, %a) is %a", archs[arch], dtypes[d], binary_names[f], get(d, a, i),
                             get(d, b, i), get(d, c, i));
        }
    }
}

/* What a row doesn't save must not be read: it is NULL here. */
static void test_slopes(void **unused)
{
    (void)unused;
    static double a[SAMPLES], b[SAMPLES], y[SAMPLES], g[SAMPLES], out[SAMPLES], before[SAMPLES];
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int f = 0; f < AG__N_UNARY + 2 * AG__N_BINARY; f++) {
            bool one = f < AG__N_UNARY, add = up_to(1);
            int code = one ? f : (f - AG__N_UNARY) / 2, by = one ? 0 : (f - AG__N_UNARY) % 2;
            unsigned saves = one ? unary_saves[code] : binary_saves[code];
            fill_samples(d, a, 7), fill_samples(d, b, 3), fill_samples(d, g, 0), fill_samples(d, before, 0);
            memcpy(out, before, sizeof out);
            void *in0 = saves & AG_SAVES_IN(0) ? a : NULL, *in1 = saves & AG_SAVES_IN(1) ? b : NULL;
            void *result = saves & AG_SAVES_OUT(0) ? y : NULL;
            if (one) {
                k->unary[code](SAMPLES, a, 1, y, 1);
                k->unary_back[code](SAMPLES, g, 1, in0, 1, result, 1, out, 1, add);
            } else {
                k->binary[code](SAMPLES, a, 1, b, 1, y, 1);
                (by ? k->back_b : k->back_a)[code](SAMPLES, g, 1, in0, 1, in1, 1, result, 1, out, 1, add);
            }
            for (int i = 0; i < SAMPLES; i++) {
                wide ai = get(d, a, i), bi = get(d, b, i), yi = get(d, y, i), gi = get(d, g, i);
                wide was = add ? (wide)get(d, before, i) : 0;
                wide slope = one ? unary_slope(code, ai, yi) : binary_slope(code, by, ai, bi, yi);
                double slack = 8 * epsilon(d) * (double)(fabs(was) + fabs(gi));
                if (!near(d, get(d, out, i), was + gi * slope, 8, slack))
                    fail_msg("%s %s: slope %d of %s at (%a, %a), y %a, g %a: %a", archs[arch], dtypes[d], by,
                             one ? unary_names[code] : binary_names[code], (double)ai, (double)bi, (double)yi,
                             (double)gi, get(d, out, i));
            }
        }
    }
}

/* ---- any size, stride and place: the bits of one element alone ---- */

enum { ROOM = 2048, OPERANDS = 4 };
typedef struct operands {
    const void *in[OPERANDS];
    int64_t stride[OPERANDS];
    void *out;
    int64_t out_stride;
    bool add;
} operands;
enum { UNARY, UNARY_BACK, BINARY, BACK_A, BACK_B };
typedef struct kernel {
    int kind, code;
} kernel;

static void call(const ag__kernels *k, kernel f, int64_t n, const operands *o)
{
    const void *const *p = o->in;
    const int64_t *s = o->stride;
    if (f.kind == UNARY)
        k->unary[f.code](n, p[1], s[1], o->out, o->out_stride);
    else if (f.kind == BINARY)
        k->binary[f.code](n, p[1], s[1], p[2], s[2], o->out, o->out_stride);
    else if (f.kind == UNARY_BACK)
        k->unary_back[f.code](n, p[0], s[0], p[1], s[1], p[3], s[3], o->out, o->out_stride, o->add);
    else
        (f.kind == BACK_A ? k->back_a : k->back_b)[f.code](n, p[0], s[0], p[1], s[1], p[2], s[2], p[3], s[3], o->out,
                                                           o->out_stride, o->add);
}

static double memory[OPERANDS + 1][ROOM];

static void check_run(const ag__kernels *k, const char *arch, int d, kernel f, int64_t n, const int64_t *stride,
                      bool add)
{
    static double want[ROOM], got[ROOM], term[ROOM];
    operands o = { .out_stride = stride[OPERANDS], .add = add && f.kind != UNARY && f.kind != BINARY };
    for (int j = 0; j < OPERANDS; j++) {
        o.stride[j] = stride[j];
        o.in[j] = at(d, memory[j], j + 1 + (stride[j] < 0 ? -stride[j] * n : 0)); /* off any alignment */
    }
    int64_t from = 1 + (o.out_stride < 0 ? -o.out_stride * n : 0);
    memcpy(want, memory[OPERANDS], sizeof want);
    memcpy(got, memory[OPERANDS], sizeof got);
    o.out = at(d, got, from);
    call(k, f, n, &o);

    bool sums = o.out_stride == 0 && n != 1;
    operands one = { .stride = { 1, 1, 1, 1 }, .out_stride = 1, .add = o.add && !sums };
    for (int64_t i = 0; i < n; i++) {
        for (int j = 0; j < OPERANDS; j++) one.in[j] = at(d, o.in[j], i * o.stride[j]);
        one.out = sums ? at(d, term, i) : at(d, want, from + i * o.out_stride);
        call(k, f, 1, &one);
    }
    if (sums) put(d, want, from, (o.add ? get(d, want, from) : 0) + (n ? k->reduce[AG__SUM](n, term, 1) : 0));
    for (int64_t i = 0; i < ROOM; i++)
        if (!same(get(d, got, i), get(d, want, i)))
            fail_msg("%s %s: kind %d code %d, n %d, strides %d %d %d %d to %d, add %d: element %d is %a, not %a", arch,
                     dtypes[d], f.kind, f.code, (int)n, (int)stride[0], (int)stride[1], (int)stride[2], (int)stride[3],
                     (int)stride[4], o.add, (int)(i - from), get(d, got, i), get(d, want, i));
}

static void test_runs(void **unused)
{
    (void)unused;
    static const int64_t sizes[] = { 0, 1, 2, 3, 5, 8, 15, 16, 17, 33, 67, 256, 259, 600 };
    static const int64_t strides[][OPERANDS + 1] = { { 1, 1, 1, 1, 1 }, { 2, 1, 0, 1, 1 },  { -1, 1, 2, 3, 2 },
                                                     { 0, 0, 0, 0, 1 }, { 1, 1, 1, 1, -1 }, { 3, -2, 1, 0, 3 },
                                                     { 1, 0, 1, 1, 0 }, { 1, 1, 1, 1, 0 } };
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int j = 0; j <= OPERANDS; j++)
            for (int i = 0; i < ROOM; i++) put(d, memory[j], i, uniform(0.25, 2));
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t p = 0; p < sizeof strides / sizeof *strides; p++)
                for (int kind = UNARY; kind <= BACK_B; kind++) {
                    if (strides[p][OPERANDS] == 0 && (kind == UNARY || kind == BINARY)) continue;
                    for (int c = 0; c < (kind <= UNARY_BACK ? (int)AG__N_UNARY : (int)AG__N_BINARY); c++)
                        check_run(k, archs[arch], d, (kernel){ kind, c }, sizes[s], strides[p], (c + (int)(s + p)) % 2);
                }
    }
}

/* A result in the place of its operand, as a tape does with a gradient nobody else needs. */
static void test_in_place(void **unused)
{
    (void)unused;
    static double x[SAMPLES], y[SAMPLES];
    FOR_EACH_TABLE(k, arch, d)
    {
        fill_samples(d, x, SPECIAL);
        k->unary[AG__F_tanh](SAMPLES, x, 1, y, 1);
        k->unary[AG__F_tanh](SAMPLES, x, 1, x, 1);
        for (int i = 0; i < SAMPLES; i++) assert_true(same(get(d, x, i), get(d, y, i)));
        k->binary[AG__F_mul](SAMPLES / 2, x, 2, y, 2, y, 2);
        for (int i = 0; i < SAMPLES; i++)
            assert_true(
                near(d, get(d, y, i), i % 2 ? get(d, x, i) : (wide)get(d, x, i) * get(d, x, i), 1, smallest(d)));
    }
}

static void test_compare(void **unused)
{
    (void)unused;
    static double a[SAMPLES], b[SAMPLES];
    static const int64_t strides[][3] = { { 1, 1, 1 }, { 1, 0, 1 }, { 0, 1, 1 }, { 2, -1, 3 } };
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int i = 0; i < SAMPLES; i++)
            put(d, a, i, special[up_to(SPECIAL - 1)]), put(d, b, i, special[up_to(SPECIAL - 1)]);
        for (int c = 0; c < AG__N_COMPARE; c++)
            for (int s = 0; s < 4; s++)
                for (int n = 0; n <= 67; n++) {
                    uint8_t y[3 * 67 + 2];
                    memset(y, 7, sizeof y);
                    const int64_t *st = strides[s];
                    k->compare[c](n, at(d, a, 1), st[0], at(d, b, 100), st[1], y + 1, st[2]);
                    for (int i = 0; i < n; i++) {
                        double p = get(d, a, 1 + i * st[0]), q = get(d, b, 100 + i * st[1]);
                        bool want[] = { p == q, p != q, p<q, p <= q, p> q, p >= q };
                        assert_int_equal(y[1 + i * st[2]], want[c]);
                        y[1 + i * st[2]] = 7;
                    }
                    for (size_t i = 0; i < sizeof y; i++) assert_int_equal(y[i], 7);
                }
    }
}

/* ---- reductions ---- */

static void test_reduce(void **unused)
{
    (void)unused;
    static const int64_t sizes[] = { 1, 2, 15, 16, 17, 31, 33, 67, 255, 256, 257, 511, 513, 5000 };
    enum { LONGEST = 5000 };
    static double x[3 * LONGEST + 8], y[3 * LONGEST + 8], tight[LONGEST], twice[LONGEST];
    double first[2][14];
    FOR_EACH_TABLE(k, arch, d)
    {
        state = 5;
        for (int i = 0; i < 3 * LONGEST + 8; i++) put(d, x, i, uniform(-1, 1.5)), put(d, y, i, uniform(-1, 1));
        for (int s = 0; s < 14; s++)
            for (int64_t stride = -2; stride <= 3; stride++) {
                int64_t n = sizes[s];
                const void *p = at(d, x, 1 + (stride < 0 ? -stride * n : 0)), *q = at(d, y, 3);
                wide sum = 0, dot = 0, size = 0, dot_size = 0, max = -INFINITY, min = INFINITY;
                for (int64_t i = 0; i < n; i++) {
                    wide xi = get(d, p, i * stride), yi = get(d, q, i);
                    sum += xi, size += fabs(xi), dot += xi * yi, dot_size += fabs(xi * yi);
                    max = xi > max ? xi : max, min = xi < min ? xi : min;
                    put(d, tight, i, (double)xi), put(d, twice, i, get(d, y, 2 * i));
                }
                double got = k->reduce[AG__SUM](n, p, stride);
                assert_true(fabs(got - sum) <= 8 * epsilon(d) * size);
                assert_true(fabs(k->dot(n, p, stride, q, 1) - dot) <= 8 * epsilon(d) * dot_size);
                assert_true(k->reduce[AG__MAX](n, p, stride) == (double)max);
                assert_true(k->reduce[AG__MIN](n, p, stride) == (double)min);
                /* the same order for every stride and instruction set */
                assert_true(got == k->reduce[AG__SUM](n, tight, 1));
                assert_true(k->dot(n, p, stride, q, 1) == k->dot(n, tight, 1, q, 1));
                assert_true(k->dot(n, p, stride, y, 2) == k->dot(n, tight, 1, twice, 1));
                if (stride == 1) {
                    if (arch == 0) first[d][s] = got;
                    assert_true(got == first[d][s]);
                }
            }
    }
}

static void test_extremes(void **unused)
{
    (void)unused;
    double x[300];
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int n = 1; n <= 300; n += n < 40 ? 1 : 37)
            for (int where = 0; where < n; where += 1 + n / 20) {
                for (int i = 0; i < n; i++) put(d, x, i, -INFINITY);
                assert_true(k->reduce[AG__MAX](n, x, 1) == -INFINITY);
                assert_true(k->reduce[AG__SUM](n, x, 1) == -INFINITY);
                put(d, x, where, 1);
                assert_true(k->reduce[AG__MAX](n, x, 1) == 1);
                put(d, x, where, NAN);
                assert_true(isnan(k->reduce[AG__MAX](n, x, 1)) && isnan(k->reduce[AG__MIN](n, x, 1)));
            }
    }
}

static void test_softmax(void **unused)
{
    (void)unused;
    static double x[2000], y[2000];
    FOR_EACH_TABLE(k, arch, d)
    {
        assert_true(k->softmax(0, x, 1, y, 1) == -INFINITY);
        for (int n = 1; n < 900; n += n < 70 ? 1 : 97)
            for (int64_t stride = 0; stride <= 2; stride++) {
                wide sum = 0, max = -INFINITY;
                for (int i = 0; i < 2000; i++) put(d, x, i, uniform(-30, 30) + 1000);
                for (int i = 0; i < n; i++) max = fmax(max, (wide)get(d, x, i * stride));
                for (int i = 0; i < n; i++) sum += exp(get(d, x, i * stride) - max);
                double l = k->softmax(n, x, stride, NULL, 0);
                assert_true(fabs(l - (max + log(sum))) <= 8 * epsilon(d) * max);
                int64_t to = stride ? stride : 1;
                assert_true(l == k->softmax(n, x, stride, y, to));
                for (int i = 0; i < n; i++)
                    assert_true(near(d, get(d, y, i * to), exp(get(d, x, i * stride) - max) / sum, 12, smallest(d)));
                if (!stride) continue;
                assert_true(l == k->softmax(n, x, stride, x, stride));
                for (int i = 0; i < n; i++) assert_true(get(d, x, i * stride) == get(d, y, i * stride));
            }
        for (int i = 0; i < 3; i++) put(d, x, i, -INFINITY);
        assert_true(k->softmax(3, x, 1, y, 1) == -INFINITY && isnan(get(d, y, 0)));
        put(d, x, 1, 5);
        assert_true(k->softmax(3, x, 1, y, 1) == 5 && get(d, y, 0) == 0 && get(d, y, 1) == 1);
        put(d, x, 2, INFINITY);
        assert_true(k->softmax(3, x, 1, y, 1) == INFINITY && isnan(get(d, y, 2)));
        put(d, x, 2, NAN);
        assert_true(isnan(k->softmax(3, x, 1, y, 1)) && isnan(get(d, y, 0)));
    }
}

/* ---- moving ---- */

/* Small integers, exact in any order. */
static void test_move(void **unused)
{
    (void)unused;
    static double x[ROOM], y[ROOM], got[ROOM];
    FOR_EACH_TABLE(k, arch, d)
    {
        for (int i = 0; i < ROOM; i++) put(d, x, i, (double)up_to(99)), put(d, y, i, (double)up_to(99));
        for (int n = 0; n <= 300; n += n < 70 ? 1 : 61)
            for (int64_t sx = -1; sx <= 3; sx++)
                for (int64_t sy = -2; sy <= 3; sy++)
                    for (int which = 0; which < 5; which++) {
                        bool add = which % 2;
                        int64_t from = 1 + (sy < 0 ? -sy * n : 0);
                        const void *p = at(d, x, 1 + (sx < 0 ? -sx * n : 0));
                        double want[ROOM];
                        for (int i = 0; i < ROOM; i++) want[i] = get(d, y, i);
                        memcpy(got, y, sizeof y);
                        if (n && which < 2 && sy == 0 && !add) want[from] = 0;
                        for (int64_t i = 0; i < n; i++) {
                            double *w = &want[from + i * sy], v = get(d, p, i * sx);
                            *w = which == 4 ? 42 : (add || sy == 0 ? *w : 0) + (which < 2 ? v : 3 * v);
                        }
                        if (which < 2)
                            k->copy(n, p, sx, at(d, got, from), sy, add);
                        else if (which == 4)
                            k->fill(n, 42, at(d, got, from), sy);
                        else if (sy)
                            k->scale(n, 3, p, sx, at(d, got, from), sy, add);
                        else
                            continue;
                        for (int i = 0; i < ROOM; i++) assert_true(get(d, got, i) == want[i]);
                    }
    }
}

/* ---- which table ---- */

/* What a process with AG_ARCH=name chooses: 0..2, 3 for nothing, 4 when the tables don't follow. */
static int chosen_by(const char *name)
{
    pid_t child = fork();
    if (child == 0) {
        if (name)
            setenv("AG_ARCH", name, 1);
        else
            unsetenv("AG_ARCH");
        bool none_before = !ag__kernel[0] && !ag__kernel[1];
        const char *chosen = ag__kernels_choose();
        int code = 3;
        for (int i = 0; chosen && i < 3; i++)
            if (!strcmp(chosen, archs[i])) code = i;
        if (!none_before || ag__kernels_choose() != chosen || ag__arch() != chosen) code = 4;
        if (!chosen) chosen = "generic";
        if (code < 4 && (ag__kernel[0] != ag__kernels_of(chosen, 0) || ag__kernel[1] != ag__kernels_of(chosen, 1)))
            code = 4;
        _exit(code);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}
static void test_choice(void **unused)
{
    (void)unused;
    int best = 0;
    for (int i = 0; i < 3; i++) {
        bool here = ag__kernels_of(archs[i], 0);
        if (here) best = i;
        assert_int_equal(chosen_by(archs[i]), here ? i : 3);
    }
    assert_non_null(ag__kernels_of("generic", 0));
    assert_int_equal(chosen_by(NULL), best);
    assert_int_equal(chosen_by(""), best);
    assert_int_equal(chosen_by("pentium"), 3);
    assert_null(ag__kernels_of("pentium", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),   cmocka_unit_test(test_slopes),  cmocka_unit_test(test_runs),
        cmocka_unit_test(test_in_place), cmocka_unit_test(test_compare), cmocka_unit_test(test_reduce),
        cmocka_unit_test(test_extremes), cmocka_unit_test(test_softmax), cmocka_unit_test(test_move),
        cmocka_unit_test(test_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
