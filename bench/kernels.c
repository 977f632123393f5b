/* kernels.c - raw kernels beside the machine's limits and the libraries that are installed: `make bench-kernels`.
 *
 * usage: kernels [gemm|elementwise|layouts [SHAPE]]. AG_ARCH chooses our instruction set; SHAPE, as 512x512 or "64 NT",
 * the products whose title has it in it. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "bench.h"
#include <autograd/kernels/kernels.h>
#include <dlfcn.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 11 };
static const double SLICE = 2e-3; /* seconds */

/* ---- the libraries, row-major, one thread ---- */

typedef struct product {
    int m, n, k;
    bool a_turned, b_turned; /* a lies as [k][m], b as [n][k] */
    bool wide;               /* f64 */
    void *a, *b, *c, *work;
    const ag__kernels *kernels;
} product;

typedef void cblas_sgemm_fn(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                            const float *b, int ldb, float beta, float *c, int ldc);
typedef void cblas_dgemm_fn(int order, int ta, int tb, int m, int n, int k, double alpha, const double *a, int lda,
                            const double *b, int ldb, double beta, double *c, int ldc);
typedef int dnnl_sgemm_fn(char ta, char tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                          const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
static cblas_sgemm_fn *cblas_sgemm;
static cblas_dgemm_fn *cblas_dgemm;
static dnnl_sgemm_fn *dnnl_sgemm;

static void *open_first(const char *const *names)
{
    void *library = NULL;
    for (; *names && !library; names++) library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
    return library;
}

static void find(void *library, const char *name, void *function)
{
    void *found = library ? dlsym(library, name) : NULL;
    memcpy(function, &found, sizeof found);
}

/* What the libraries read when they are opened. OpenBLAS 0.3.21 takes new AMD processors for a Haswell; with AVX-512
 * its SkylakeX kernels are the best. One core for all, or they start more threads. */
static void prepare_libraries(bool avx512)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    setenv("OPENBLAS_CORETYPE", avx512 ? "SkylakeX" : "Haswell", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    if (!avx512) setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
}

static void open_libraries(void)
{
    void *openblas = open_first((const char *[]){ "libopenblas.so.0", "libopenblas.so", NULL });
    void *dnnl = open_first((const char *[]){ "libdnnl.so.3", "libdnnl.so.2", "libdnnl.so", NULL });
    find(openblas, "cblas_sgemm", &cblas_sgemm);
    find(openblas, "cblas_dgemm", &cblas_dgemm);
    find(dnnl, "dnnl_sgemm", &dnnl_sgemm);
    char *(*config)(void) = NULL;
    find(openblas, "openblas_get_config", &config);
    printf("# beside us: %s%s\n", config ? config() : "no OpenBLAS", dnnl_sgemm ? ", oneDNN" : "");
}

static void run_openblas(void *arg)
{
    const product *p = arg;
    enum { ROWS = 101, PLAIN = 111, TURNED = 112 };
    int ta = p->a_turned ? TURNED : PLAIN, tb = p->b_turned ? TURNED : PLAIN;
    int lda = p->a_turned ? p->m : p->k, ldb = p->b_turned ? p->k : p->n;
    if (p->wide)
        cblas_dgemm(ROWS, ta, tb, p->m, p->n, p->k, 1, p->a, lda, p->b, ldb, 0, p->c, p->n);
    else
        cblas_sgemm(ROWS, ta, tb, p->m, p->n, p->k, 1, p->a, lda, p->b, ldb, 0, p->c, p->n);
}

static void run_dnnl(void *arg)
{
    const product *p = arg;
    dnnl_sgemm(p->a_turned ? 'T' : 'N', p->b_turned ? 'T' : 'N', p->m, p->n, p->k, 1, p->a, p->a_turned ? p->m : p->k,
               p->b, p->b_turned ? p->k : p->n, 0, p->c, p->n);
}

static ag__gemm ours(const product *p)
{
    ag__gemm g = { .m = p->m, .n = p->n, .k = p->k, .a = p->a, .b = p->b, .c = p->c, .ldc = p->n };
    g.a_row = p->a_turned ? 1 : p->k, g.a_col = p->a_turned ? p->m : 1;
    g.b_row = p->b_turned ? 1 : p->n, g.b_col = p->b_turned ? p->k : 1;
    return g;
}
static void run_ours(void *arg)
{
    const product *p = arg;
    ag__gemm g = ours(p);
    g.work = p->work;
    p->kernels->gemm(&g);
}

/* ---- products of matrices ---- */

static const struct shape {
    int m, n, k;
    const char *kind; /* which of a and b is transposed */
    bool listed;      /* in the table that the geometric mean is over */
} shapes[] = {
    { 64, 64, 64, "NN", true },        { 512, 512, 512, "NN", true },     { 2048, 2048, 2048, "NN", true },
    { 64, 128, 784, "NN", true },      { 64, 128, 784, "NT", true },      { 3072, 768, 128, "TN", true },
    { 32, 1024, 576, "NN", true },     { 16, 16, 16, "NN", true },        { 64, 10, 128, "NT", true },
    { 8, 8, 8, "NN", false },          { 32, 32, 32, "NN", false },       { 128, 128, 128, "NN", false },
    { 256, 256, 256, "NN", false },    { 256, 256, 256, "NT", false },    { 256, 256, 256, "TN", false },
    { 256, 256, 256, "TT", false },    { 512, 512, 512, "NT", false },    { 512, 512, 512, "TN", false },
    { 1024, 1024, 1024, "NN", false }, { 1024, 1024, 1024, "NT", false }, { 1000, 1000, 1000, "NN", false },
    { 128, 784, 64, "TN", false },     { 64, 128, 10, "NN", false },      { 10, 128, 64, "TN", false },
    { 128, 512, 784, "NT", false },    { 512, 512, 128, "TN", false },    { 128, 3072, 768, "NT", false },
    { 1024, 384, 384, "NT", false },   { 1, 512, 784, "NT", false },      { 128, 128, 32, "NT", false },
    { 100, 70, 300, "NN", false },     { 37, 53, 41, "NT", false },       { 4096, 64, 64, "NN", false },
};

static void *numbers(size_t n, bool wide)
{
    void *p = aligned_alloc(64, (n * (wide ? 8 : 4) + 127) & ~(size_t)63);
    if (!p) abort();
    for (size_t i = 0; i < n; i++) {
        double x = (double)(i * 2654435761u % 1000) * 1e-3 - 0.5;
        if (wide)
            ((double *)p)[i] = x;
        else
            ((float *)p)[i] = (float)x;
    }
    return p;
}

/* Nobody times a wrong answer. */
static void compare(const product *p, void (*other)(void *), const char *name)
{
    size_t n = (size_t)p->m * (size_t)p->n, bytes = n * (p->wide ? 8 : 4);
    void *mine = malloc(bytes);
    if (!mine) abort();
    run_ours((void *)(uintptr_t)p);
    memcpy(mine, p->c, bytes);
    other((void *)(uintptr_t)p);
    for (size_t i = 0; i < n; i++) {
        double x = p->wide ? ((double *)mine)[i] : (double)((float *)mine)[i];
        double y = p->wide ? ((double *)p->c)[i] : (double)((float *)p->c)[i];
        if (!(fabs(x - y) <= 1e-4 * (1 + sqrt(p->k)))) {
            fprintf(stderr, "%s differs at %zu: %g and %g\n", name, i, x, y);
            exit(EXIT_FAILURE);
        }
    }
    free(mine);
}

static const char *title_of(const struct shape *s)
{
    static char title[48];
    snprintf(title, sizeof title, "%dx%dx%d %s", s->m, s->n, s->k, s->kind);
    return title;
}

typedef struct summary {
    double log_ratio, worst;
    int n;
} summary;

static void one_product(const struct shape *s, bool wide, const ag__kernels *kernels, summary *sum)
{
    product p = { s->m, s->n, s->k, s->kind[0] == 'T', s->kind[1] == 'T', wide, .kernels = kernels };
    p.a = numbers((size_t)s->m * (size_t)s->k, wide), p.b = numbers((size_t)s->k * (size_t)s->n, wide);
    p.c = numbers((size_t)s->m * (size_t)s->n, wide);
    ag__gemm g = ours(&p);
    size_t work = kernels->gemm_work(&g);
    p.work = work ? aligned_alloc(64, (work + 63) & ~(size_t)63) : NULL;

    bench_case cases[3] = { { "ours", run_ours, &p, 0 } };
    int n = 1;
    if (wide ? cblas_dgemm != NULL : cblas_sgemm != NULL) cases[n++] = (bench_case){ "OpenBLAS", run_openblas, &p, 0 };
    if (!wide && dnnl_sgemm) cases[n++] = (bench_case){ "oneDNN", run_dnnl, &p, 0 };
    for (int i = 1; i < n; i++) compare(&p, cases[i].run, cases[i].name);

    double before = (bench_peak() / (wide ? 2 : 1));
    bench_run(cases, n, ROUNDS, SLICE);
    double after = (bench_peak() / (wide ? 2 : 1)), peak = (before + after) / 2;
    double gflop = 2e-9 * s->m * s->n * s->k, best = 0;
    const char *title = title_of(s);
    printf("%-22s %7.1f GFLOP/s %5.1f %% of %5.1f%s", title, gflop / cases[0].median,
           100 * gflop / cases[0].median / peak, peak, fabs(before - after) > 0.03 * peak ? "~" : " ");
    for (int i = 1; i < n; i++) {
        printf("  %s %6.1f", cases[i].name, gflop / cases[i].median);
        best = fmax(best, 1 / cases[i].median);
    }
    if (best > 0) {
        double ratio = 1 / cases[0].median / best;
        printf("  ratio %.2f", ratio);
        if (s->listed) sum->log_ratio += log(ratio), sum->n++;
        if (s->listed && s->m != 16) sum->worst = fmin(sum->worst, ratio);
    }
    printf("\n");
    fflush(stdout);
    free(p.a), free(p.b), free(p.c), free(p.work);
}

static void bench_gemm(const char *arch, const char *only)
{
    for (int wide = 0; wide < 2; wide++) {
        summary sum = { .worst = INFINITY };
        printf("# %s, %s, one core\n", wide ? "f64" : "f32", arch);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            if (!only || strstr(title_of(&shapes[i]), only))
                one_product(&shapes[i], wide, ag__kernels_of(arch, wide), &sum);
        if (sum.n)
            printf("# the first %d: geometric mean %.2f of the best library, worst but for 16^3 %.2f\n", sum.n,
                   exp(sum.log_ratio / sum.n), sum.worst);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *only = argc > 2 ? argv[2] : NULL, *arch = ag__kernels_choose();
    bool gemm = !strcmp(what, "gemm"), elementwise = !strcmp(what, "elementwise"), layouts = !strcmp(what, "layouts");
    bool all = argc < 2;
    if (!arch || argc > 3 || !(all || gemm || elementwise || layouts)) {
        fprintf(stderr,
                "usage: kernels [gemm [SHAPE]|elementwise|layouts [OPERATION]]; AG_ARCH names an instruction set\n");
        return EXIT_FAILURE;
    }
    prepare_libraries(!strcmp(arch, "avx512"));
    if (all || gemm) open_libraries(), bench_gemm(arch, only);
    if (all || elementwise) bench_elementwise();
    if (all || layouts) bench_layouts(only);
    return EXIT_SUCCESS;
}
