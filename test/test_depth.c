/* Ten million scalar statements and a million tensor nodes in one chain, in a thread with a stack of 64 KB: nothing in
 * the engine recurses over what the user recorded. Takes about two gigabytes;
 * REDUCED=1 divides by a hundred (sanitizers need stack of their own). */
#define _POSIX_C_SOURCE 200809L
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <autograd/autograd.h>

struct result {
    double value, first, second;
    ag_status status;
    uint64_t count;
};
static long scale = 1;

static void *scalar_chain(void *arg)
{
    struct result *r = arg;
    ag_tape *tape = ag_tape_new();
    long n = 10000000 / scale;
    double factor = 1 + 1e-8;
    ag_scalar x = ag_input(1.5), y = x;
    for (long i = 0; i < n; i++) y = ag_mul(y, factor);
    r->status = ag_backward(y);
    r->value = y.value, r->first = ag_adjoint(x);
    r->count = ag_tape_memory(tape).scalars;
    ag_tape_free(tape);
    return NULL;
}

static void *tensor_chain(void *arg)
{
    struct result *r = arg;
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = ag_param(AG_F64, 1);
    ag_fill(x, 0.5);
    long n = 1000000 / scale;
    ag_tensor *y = ag_square(x);
    for (long i = 1; i < n; i++) y = ag_mul(y, 1 + 1e-7);
    ag_tensor *g = ag_grad(y, x);
    r->status = ag_backward(g);
    r->value = ag_item(y), r->first = ag_item(g), r->second = ag_item(ag_grad_of(x));
    r->count = ag_tape_memory(tape).nodes;
    ag_free(x);
    ag_tape_free(tape);
    return NULL;
}

static void in_small_thread(void *(*f)(void *), struct result *r)
{
    pthread_attr_t attr;
    pthread_t thread;
    size_t stack = 64 * 1024;
    assert_true(stack >= (size_t)PTHREAD_STACK_MIN);
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, stack), 0);
    assert_int_equal(pthread_create(&thread, &attr, f, r), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}

static void ten_million_statements(void **state)
{
    (void)state;
    struct result r = { 0 };
    in_small_thread(scalar_chain, &r);
    assert_int_equal(r.status, AG_OK);
    double slope = exp((double)(10000000 / scale) * log1p(1e-8));
    assert_true(fabs(r.first / slope - 1) < 1e-7);
    assert_true(fabs(r.value / (1.5 * slope) - 1) < 1e-7);
    assert_true(r.count >= (uint64_t)(10000000 / scale));
}

static void a_million_nodes(void **state)
{
    (void)state;
    struct result r = { 0 };
    in_small_thread(tensor_chain, &r);
    assert_int_equal(r.status, AG_OK);
    double c = exp((double)(1000000 / scale - 1) * log1p(1e-7));
    assert_true(fabs(r.value / (0.25 * c) - 1) < 1e-7);
    assert_true(fabs(r.first / c - 1) < 1e-7);
    assert_true(fabs(r.second / (2 * c) - 1) < 1e-7);
    assert_true(r.count >= (uint64_t)(1000000 / scale));
}

int main(void)
{
    if (getenv("REDUCED")) scale = 100;
    const struct CMUnitTest tests[] = { cmocka_unit_test(ten_million_statements), cmocka_unit_test(a_million_nodes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
