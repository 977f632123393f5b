/* tape_tensor.c - what a small tensor operation costs: a one-element chain, a whole training step of XOR, and that a
 * steady step neither allocates nor touches new pages. */
#define _GNU_SOURCE
#include "bench.h"
#include <autograd/autograd.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Every allocation of the process passes here. */
static unsigned long allocations;
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void *malloc(size_t n)
{
    return allocations++, __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    return allocations++, __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    return allocations++, __libc_realloc(p, n);
}
void *aligned_alloc(size_t align, size_t n)
{
    return allocations++, __libc_memalign(align, n);
}

static ag_tape *tape;
static void stop_on_error(ag_status s)
{
    if (!s) return;
    fprintf(stderr, "bench: %s\n", ag_errmsg());
    exit(EXIT_FAILURE);
}

/* ---- op1: a thousand operations on one element, forward and backward ---- */

enum { CHAIN = 1000 };
static ag_tensor *one_a, *one_b;

static ag_tensor *chain(void)
{
    ag_tensor *x = one_a;
    for (int i = 0; i < CHAIN / 2; i++) x = ag_mul(ag_add(x, one_b), one_b);
    return x;
}
static void chain_both(void *user)
{
    (void)user;
    ag_zero_grad(AG_PARAMS({ "a", one_a }, { "b", one_b }));
    stop_on_error(ag_backward(chain()));
    ag_tape_reset(tape);
}
static void chain_forward(void *user)
{
    (void)user;
    chain();
    ag_tape_reset(tape);
}
static void chain_recorded(void *user) /* the textbook rules: as for a second derivative */
{
    (void)user;
    if (!ag_grad(chain(), one_b)) stop_on_error(ag_error());
    ag_tape_reset(tape);
}

/* ---- xor: 2-3-1, batch 4, mean squared error, a hand-written SGD: one whole step ---- */

static ag_tensor *xor_x, *xor_y, *w1, *b1, *w2, *b2;
static double xor_loss;

static void sgd(ag_tensor *p, float rate)
{
    const float *g = ag_f32(ag_grad_of(p));
    float *w = ag_f32_write(p);
    for (int64_t i = 0, n = ag_numel(p); i < n; i++) w[i] -= rate * g[i];
}
static void xor_finish(ag_tensor *out)
{
    ag_tensor *loss = ag_mse_loss(out, xor_y);
    stop_on_error(ag_backward(loss));
    xor_loss = ag_item(loss);
    sgd(w1, 0.1f), sgd(b1, 0.1f), sgd(w2, 0.1f), sgd(b2, 0.1f);
    ag_zero_grad(AG_PARAMS({ "w1", w1 }, { "b1", b1 }, { "w2", w2 }, { "b2", b2 }));
    stop_on_error(ag_tape_reset(tape));
}
static void xor_linear(void *user)
{
    (void)user;
    xor_finish(ag_tanh(ag_linear(ag_tanh(ag_linear(xor_x, w1, b1)), w2, b2)));
}
static void xor_separate(void *user)
{
    (void)user;
    ag_tensor *h = ag_tanh(ag_add(ag_matmul(xor_x, ag_transpose(w1, 0, 1)), b1));
    xor_finish(ag_tanh(ag_add(ag_matmul(h, ag_transpose(w2, 0, 1)), b2)));
}

static ag_tensor *parameter(int64_t rows, int64_t cols, unsigned *seed)
{
    ag_tensor *p = rows ? ag_param(AG_F32, rows, cols) : ag_param(AG_F32, cols);
    float *v = ag_f32_write(p);
    for (int64_t i = 0; i < ag_numel(p); i++) {
        *seed = *seed * 1664525u + 1013904223u;
        v[i] = (float)(*seed >> 8) / (1 << 23) - 1;
    }
    return p;
}

/* ---- steady state ---- */

static long resident_kb(void)
{
    long pages = 0, all;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return -1;
    if (fscanf(f, "%ld %ld", &all, &pages) != 2) pages = -1;
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
static void steady(const char *name, void (*step)(void *), long steps)
{
    struct rusage before, after;
    for (int i = 0; i < 50; i++) step(NULL);
    long resident = resident_kb();
    unsigned long allocated = allocations;
    getrusage(RUSAGE_SELF, &before);
    for (long i = 0; i < steps; i++) step(NULL);
    getrusage(RUSAGE_SELF, &after);
    printf("steady   %-16s %8ld steps: %lu allocations, %ld page faults", name, steps, allocations - allocated,
           after.ru_minflt - before.ru_minflt);
    printf(", resident %ld kB, %+ld kB\n", resident, resident_kb() - resident);
}

void bench_tensor(int rounds)
{
    unsigned seed = 7;
    tape = ag_tape_new();
    one_a = (ag_param)(AG_F32, 0, NULL), one_b = (ag_param)(AG_F32, 0, NULL);
    ag_fill(one_a, 0.5), ag_fill(one_b, 0.999);
    xor_x = ag_new(AG_F32, 4, 2), xor_y = ag_new(AG_F32, 4, 1);
    ag_write(xor_x, ((float[]){ 0, 0, 0, 1, 1, 0, 1, 1 }), 8), ag_write(xor_y, ((float[]){ 0, 1, 1, 0 }), 4);
    w1 = parameter(3, 2, &seed), b1 = parameter(0, 3, &seed), w2 = parameter(1, 3, &seed), b2 = parameter(0, 1, &seed);
    stop_on_error(ag_error());

    double peak = bench_peak(), scale = peak / BENCH_REFERENCE;
    bench_case one[] = { { "forward+backward", chain_both, NULL, 0 },
                         { "forward", chain_forward, NULL, 0 },
                         { "recorded grad", chain_recorded, NULL, 0 } };
    bench_run(one, 3, rounds, 0.005);
    for (int i = 0; i < 3; i++)
        printf("op1      %-16s %8.2f ns/op  scaled %8.2f\n", one[i].name, one[i].median / CHAIN * 1e9,
               one[i].median / CHAIN * 1e9 * scale);
    bench_case x[] = { { "linear", xor_linear, NULL, 0 }, { "matmul, add", xor_separate, NULL, 0 } };
    bench_run(x, 2, rounds, 0.005);
    for (int i = 0; i < 2; i++)
        printf("xor      %-16s %8.3f us/step scaled %6.3f\n", x[i].name, x[i].median * 1e6, x[i].median * 1e6 * scale);
    steady("op1 chain", chain_both, 1000);
    steady("xor", xor_linear, 1000000);
    printf("xor      loss after training %.4f\n", xor_loss);

    ag_free(one_a), ag_free(one_b), ag_free(xor_x), ag_free(xor_y);
    ag_free(w1), ag_free(b1), ag_free(w2), ag_free(b2);
    ag_tape_free(tape);
}
