/* kernels_elementwise.c - element functions beside libm, libmvec and SLEEF; operations that only move memory beside
 * loops with the same reads and writes; and what strides cost. One thread. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"
#include <autograd/autograd.h>
#include <autograd/kernels/kernels.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 9 };
static const double slice = 0.002;

/* ---- element functions ------------------------------------------------------------------------------------------- */

#ifdef __AVX512F__
enum { BYTES = 64 };
#define MVEC_F32  "_ZGVeN16v_%sf"
#define MVEC_F64  "_ZGVeN8v_%s"
#define SLEEF_F32 "Sleef_%sf16_u10"
#define SLEEF_F64 "Sleef_%sd8_u10"
#else
enum { BYTES = 32 };
#define MVEC_F32  "_ZGVdN8v_%sf"
#define MVEC_F64  "_ZGVdN4v_%s"
#define SLEEF_F32 "Sleef_%sf8_u10"
#define SLEEF_F64 "Sleef_%sd4_u10"
#endif
typedef float vec_f32 __attribute__((vector_size(BYTES)));
typedef double vec_f64 __attribute__((vector_size(BYTES)));

static const struct function {
    const char *name;
    int code;
    float (*f32)(float); /* libm's, where it has it */
    double (*f64)(double);
    double low, high;
} functions[] = {
    { "exp", AG__F_exp, expf, exp, -10, 10 },
    { "expm1", AG__F_expm1, expm1f, expm1, -10, 10 },
    { "log", AG__F_log, logf, log, 0.01, 100 },
    { "log1p", AG__F_log1p, log1pf, log1p, -0.9, 100 },
    { "tanh", AG__F_tanh, tanhf, tanh, -5, 5 },
    { "sigmoid", AG__F_sigmoid, NULL, NULL, -8, 8 },
    { "softplus", AG__F_softplus, NULL, NULL, -8, 8 },
    { "erf", AG__F_erf, erff, erf, -4, 4 },
    { "erfc", AG__F_erfc, erfcf, erfc, -4, 4 },
    { "gelu", AG__F_gelu, NULL, NULL, -5, 5 },
    { "gelu_tanh", AG__F_gelu_tanh, NULL, NULL, -5, 5 },
    { "sin", AG__F_sin, sinf, sin, -100, 100 },
    { "cos", AG__F_cos, cosf, cos, -100, 100 },
    { "tan", AG__F_tan, tanf, tan, -100, 100 },
};
enum { FUNCTIONS = sizeof functions / sizeof *functions, N = 4096 };

typedef struct element {
    const struct function *f;
    const ag__kernels *k;
    bool f64;
    vec_f32 (*vector_f32)(vec_f32);
    vec_f64 (*vector_f64)(vec_f64);
    void *x, *y;
} element;

static void run_ours(void *p)
{
    const element *e = p;
    e->k->unary[e->f->code](N, e->x, 1, e->y, 1);
}
static void run_libm(void *p)
{
    const element *e = p;
    for (int i = 0; i < N; i++)
        if (e->f64)
            ((double *)e->y)[i] = e->f->f64(((const double *)e->x)[i]);
        else
            ((float *)e->y)[i] = e->f->f32(((const float *)e->x)[i]);
}
static void run_vectors(void *p)
{
    const element *e = p;
    for (size_t i = 0; i < N * (e->f64 ? sizeof(double) : sizeof(float)) / BYTES; i++)
        if (e->f64)
            ((vec_f64 *)e->y)[i] = e->vector_f64(((const vec_f64 *)e->x)[i]);
        else
            ((vec_f32 *)e->y)[i] = e->vector_f32(((const vec_f32 *)e->x)[i]);
}

/* Puts the function of that name, if the library has it, into e. */
static bool find(void *library, const char *format, element *e)
{
    char name[64];
    snprintf(name, sizeof name, format, e->f->name);
    void *found = library ? dlsym(library, name) : NULL;
    if (e->f64)
        memcpy(&e->vector_f64, &found, sizeof found);
    else
        memcpy(&e->vector_f32, &found, sizeof found);
    return found != NULL;
}

static void *memory(size_t bytes)
{
    void *p = NULL;
    if (posix_memalign(&p, 4096, bytes)) abort();
    return p;
}

static void print_or_dash(double seconds, double per)
{
    if (seconds > 0)
        printf(" %8.3f", seconds * 1e9 / per);
    else
        printf(" %8s", "-");
}

static void bench_functions(const char *arch)
{
    void *mvec = dlopen("libmvec.so.1", RTLD_NOW), *sleef = dlopen("libsleef.so.3", RTLD_NOW);
    printf("\n## element functions (%s, %d-byte vectors for the libraries): ns per element, %d elements\n", arch, BYTES,
           N);
    printf("%-10s %5s %8s %8s %8s %8s %8s\n", "", "", "ours", "libm", "libmvec", "SLEEF", "ratio");
    void *x = memory(N * sizeof(double)), *y = memory(N * sizeof(double));
    for (int d = 0; d < 2; d++)
        for (int j = 0; j < FUNCTIONS; j++) {
            const struct function *f = &functions[j];
            for (int i = 0; i < N; i++) {
                double v = f->low + (f->high - f->low) * ((double)((unsigned)i * 2654435761u % 65536) + 0.5) / 65536;
                if (d)
                    ((double *)x)[i] = v;
                else
                    ((float *)x)[i] = (float)v;
            }
            element e = { f, ag__kernels_of(arch, d), d, NULL, NULL, x, y }, m = e, s = e;
            enum { OURS, LIBM, MVEC, SLEEF, ALL };
            bench_case cases[ALL] = { { "ours", run_ours, &e, 0 } };
            int n = 1, of[ALL] = { 0, -1, -1, -1 };
            if (f->f32) cases[of[LIBM] = n++] = (bench_case){ "libm", run_libm, &e, 0 };
            if (find(mvec, d ? MVEC_F64 : MVEC_F32, &m))
                cases[of[MVEC] = n++] = (bench_case){ "libmvec", run_vectors, &m, 0 };
            if (find(sleef, d ? SLEEF_F64 : SLEEF_F32, &s))
                cases[of[SLEEF] = n++] = (bench_case){ "SLEEF", run_vectors, &s, 0 };
            bench_run(cases, n, ROUNDS, slice);
            printf("%-10s %5s", f->name, d ? "f64" : "f32");
            double best = 0;
            for (int i = 0; i < ALL; i++) {
                double t = of[i] < 0 ? 0 : cases[of[i]].median;
                print_or_dash(t, N);
                if (i && t > 0 && (best == 0 || t < best)) best = t;
            }
            print_or_dash(best / cases[0].median, 1e9); /* of the best of them to ours */
            printf("\n");
        }
    free(x), free(y);
}

/* ---- what only moves memory -------------------------------------------------------------------------------------- */

typedef struct stream {
    const ag__kernels *k;
    int64_t n;
    float *a, *b, *y;
    double sum;
} stream;

/* The limits: the same reads and writes, and next to no arithmetic. */
static void limit_2_to_1(void *p)
{
    const stream *s = p;
    for (int64_t i = 0; i < s->n; i++) s->y[i] = s->a[i] + 3 * s->b[i];
}
static void limit_1_to_1(void *p)
{
    const stream *s = p;
    for (int64_t i = 0; i < s->n; i++) s->y[i] = 3 * s->a[i];
}
static void limit_1_to_0(void *p)
{
    stream *s = p;
    enum { CHAINS = 8 };
    const vec_f32 *x = (const vec_f32 *)s->a;
    vec_f32 sum[CHAINS] = { { 0 } };
    for (int64_t i = 0; i + CHAINS <= s->n * 4 / BYTES; i += CHAINS)
        for (int j = 0; j < CHAINS; j++) sum[j] += x[i + j];
    for (int j = 1; j < CHAINS; j++) sum[0] += sum[j];
    s->sum = (double)sum[0][0];
}
static void limit_0_to_1(void *p)
{
    const stream *s = p;
    memset(s->y, 0, (size_t)s->n * sizeof *s->y);
}
static void run_add(void *p)
{
    const stream *s = p;
    s->k->binary[AG__F_add](s->n, s->a, 1, s->b, 1, s->y, 1);
}
static void run_mul(void *p)
{
    const stream *s = p;
    s->k->binary[AG__F_mul](s->n, s->a, 1, s->b, 1, s->y, 1);
}
static void run_relu(void *p)
{
    const stream *s = p;
    s->k->unary[AG__F_relu](s->n, s->a, 1, s->y, 1);
}
static void run_copy(void *p)
{
    const stream *s = p;
    s->k->copy(s->n, s->a, 1, s->y, 1, false);
}
static void run_sum(void *p)
{
    stream *s = p;
    s->sum = s->k->reduce[AG__SUM](s->n, s->a, 1);
}
static void run_max(void *p)
{
    stream *s = p;
    s->sum = s->k->reduce[AG__MAX](s->n, s->a, 1);
}
static void run_fill(void *p)
{
    const stream *s = p;
    s->k->fill(s->n, 1, s->y, 1);
}

static void bench_bandwidth(const char *arch)
{
    static const struct {
        const char *name;
        int64_t n;
    } sizes[] = { { "L2", 1 << 16 }, { "L3", 1 << 20 }, { "DRAM", 1 << 24 } };
    printf("\n## f32 beside the bandwidth of one core (%s): GB/s, and the share of the limit\n", arch);
    printf("%-6s %10s %14s", "", "elements", "limit 2>1, 1>1");
    const char *const names[] = { "add", "mul", "relu", "copy", "sum", "max", "fill" };
    for (int i = 0; i < 7; i++) printf(" %11s", names[i]);
    printf("\n");
    for (int j = 0; j < 3; j++) {
        int64_t n = sizes[j].n;
        size_t bytes = (size_t)n * sizeof(float);
        stream s = { ag__kernels_of(arch, 0), n, memory(bytes), memory(bytes), memory(bytes), 0 };
        for (int64_t i = 0; i < n; i++) s.a[i] = 1, s.b[i] = 2, s.y[i] = 0;
        bench_case c[] = { { "2>1", limit_2_to_1, &s, 0 }, { "1>1", limit_1_to_1, &s, 0 },
                           { "1>0", limit_1_to_0, &s, 0 }, { "0>1", limit_0_to_1, &s, 0 },
                           { "add", run_add, &s, 0 },      { "mul", run_mul, &s, 0 },
                           { "relu", run_relu, &s, 0 },    { "copy", run_copy, &s, 0 },
                           { "sum", run_sum, &s, 0 },      { "max", run_max, &s, 0 },
                           { "fill", run_fill, &s, 0 } };
        static const int limit[] = { 0, 0, 1, 1, 2, 2, 3 }, streams[] = { 3, 3, 2, 2, 1, 1, 1 };
        bench_run(c, 11, ROUNDS, slice);
        printf("%-6s %10lld %6.0f %7.0f", sizes[j].name, (long long)n, (double)(3 * bytes) / c[0].median * 1e-9,
               (double)(2 * bytes) / c[1].median * 1e-9);
        for (int i = 0; i < 7; i++)
            printf(" %5.0f %4.0f%%", (double)((size_t)streams[i] * bytes) / c[4 + i].median * 1e-9,
                   100 * c[limit[i]].median / c[4 + i].median);
        printf("\n");
        free(s.a), free(s.b), free(s.y);
    }
}

/* ---- strides ------------------------------------------------------------------------------------------------------
 */

enum { SIDE = 1024 };
typedef struct strided {
    ag_tape *tape;
    ag_tensor *a, *b;
    ag_tensor *(*f)(ag_tensor *, ag_tensor *);
} strided;
static ag_tensor *first_exp(ag_tensor *a, ag_tensor *b)
{
    (void)b;
    return ag_exp(a);
}
static ag_tensor *first_copy(ag_tensor *a, ag_tensor *b)
{
    (void)b;
    return ag_contiguous(a);
}
static ag_tensor *first_sum_0(ag_tensor *a, ag_tensor *b)
{
    (void)b;
    return ag_sum(a, 0);
}
static ag_tensor *first_sum_1(ag_tensor *a, ag_tensor *b)
{
    (void)b;
    return ag_sum(a, 1);
}
static ag_tensor *first_softmax_0(ag_tensor *a, ag_tensor *b)
{
    (void)b;
    return ag_softmax(a, 0);
}
static ag_tensor *first_softmax_1(ag_tensor *a, ag_tensor *b)
{
    (void)b;
    return ag_softmax(a, 1);
}
static ag_tensor *first_logsumexp_0(ag_tensor *a, ag_tensor *b)
{
    (void)b;
    return ag_logsumexp(a, 0);
}
static ag_tensor *first_logsumexp_1(ag_tensor *a, ag_tensor *b)
{
    (void)b;
    return ag_logsumexp(a, 1);
}
static ag_tensor *add(ag_tensor *a, ag_tensor *b)
{
    return ag_add(a, b);
}

static void run_strided(void *p)
{
    const strided *s = p;
    ag_mark here = ag_tape_mark(s->tape);
    AG_NO_GRAD
        s->f(s->a, s->b);
    ag_tape_rewind(s->tape, here);
}

static void bench_strides(void)
{
    static ag_tensor *(*const f[])(ag_tensor *, ag_tensor *) = { add,
                                                                 first_exp,
                                                                 first_copy,
                                                                 first_sum_0,
                                                                 first_sum_1,
                                                                 first_softmax_0,
                                                                 first_softmax_1,
                                                                 first_logsumexp_0,
                                                                 first_logsumexp_1 };
    static const char *const names[] = { "add",       "exp",       "contiguous", "sum 0", "sum 1",
                                         "softmax 0", "softmax 1", "lse 0",      "lse 1" };
    enum { OPS = sizeof f / sizeof *f, KINDS = 7 };
    static const char *const kinds[KINDS] = { "contiguous",  "row repeated", "column repeated", "transposed",
                                              "every other", "reversed",     "narrow [n,3]" };
    printf("\n## strides: f32 [%d,%d], the first operand as said: ns per element\n%-16s", SIDE, SIDE, "");
    for (int i = 0; i < OPS; i++) printf(" %10s", names[i]);
    printf("\n");
    ag_tape *tape = ag_tape_new();
    ag_tensor *full = ag_rand(AG_F32, SIDE, SIDE), *wide = ag_rand(AG_F32, SIDE, 2 * SIDE);
    ag_tensor *a[KINDS] = { full,
                            ag_expand(ag_rand(AG_F32, 1, SIDE), SIDE, SIDE),
                            ag_expand(ag_rand(AG_F32, SIDE, 1), SIDE, SIDE),
                            ag_transpose(ag_rand(AG_F32, SIDE, SIDE), 0, 1),
                            ag_slice_step(wide, 1, 0, 2 * SIDE, 2),
                            ag_flip(full, 1),
                            ag_transpose(ag_rand(AG_F32, 3, SIDE * SIDE / 3), 0, 1) };
    ag_tensor *narrow = ag_rand(AG_F32, SIDE * SIDE / 3, 3);
    for (int j = 0; j < KINDS; j++) {
        bench_case c[OPS];
        strided s[OPS];
        for (int i = 0; i < OPS; i++) {
            s[i] = (strided){ tape, a[j], j == KINDS - 1 ? narrow : full, f[i] };
            c[i] = (bench_case){ names[i], run_strided, &s[i], 0 };
        }
        bench_run(c, OPS, ROUNDS, slice);
        printf("%-16s", kinds[j]);
        for (int i = 0; i < OPS; i++) printf(" %10.3f", c[i].median * 1e9 / (double)ag_numel(a[j]));
        printf("\n");
    }
    if (ag_tape_reset(tape)) fprintf(stderr, "%s\n", ag_errmsg());
    ag_tape_free(tape);
}

void bench_elementwise(void)
{
    const char *arch = ag__kernels_choose();
    if (!arch) return;
    bench_functions(arch);
    bench_bandwidth(arch);
    bench_strides();
}
