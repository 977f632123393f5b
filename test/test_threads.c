/* Eight threads, each with its own tape, read the same leaves. Run under TSan by `make tsan`. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <autograd/base/pool.h>

enum { THREADS = 8, ROUNDS = 20, IN = 16, OUT = 8, ROWS = 5 };
static ag_tensor *w, *b;

struct worker {
    int id;
    double grad[OUT * IN];
    ag_status status;
    char message[120];
};

static void *work(void *arg)
{
    struct worker *me = arg;
    ag_tape *tape = ag_tape_new();
    double x[ROWS * IN];
    for (int i = 0; i < ROWS * IN; i++) x[i] = sin(i + 1.0); /* the same for everybody */
    for (int round = 0; round < ROUNDS && !me->status; round++) {
        ag_tensor *y = ag_tanh(ag_linear(ag_reshape(ag_wrap(x, ROWS * IN), ROWS, IN), w, b));
        ag_scalar s[OUT];
        ag_unpack(ag_select(y, 0, round % ROWS), OUT, s);
        ag_tensor *loss = ag_add(ag_mean(ag_square(y)), ag_sum(ag_pack(OUT, s)));
        ag_tensor *g = ag_grad(ag_sum(ag_square(ag_grad(loss, w))), w);
        if (round == 0) ag_read(g, me->grad, OUT * IN);
        if (me->id % 2) ag_matmul(g, g); /* a mistake stays this thread's own */
        me->status = ag_error() && !(me->id % 2) ? ag_error() : AG_OK;
        snprintf(me->message, sizeof me->message, "%s", ag_errmsg());
        ag_tape_reset(tape);
    }
    ag_tape_free(tape);
    return NULL;
}

static void threads_share_leaves(void **state)
{
    (void)state;
    double values[OUT * IN];
    for (int i = 0; i < OUT * IN; i++) values[i] = 0.1 * cos(i);
    w = ag_param(AG_F64, OUT, IN), b = ag_param(AG_F64, OUT);
    assert_int_equal(ag_write(w, values, OUT * IN), AG_OK);
    pthread_t thread[THREADS];
    static struct worker worker[THREADS];
    for (int i = 0; i < THREADS; i++) {
        worker[i].id = i;
        assert_int_equal(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(worker[i].status, AG_OK);
        assert_memory_equal(worker[i].grad, worker[0].grad, sizeof worker[0].grad);
        if (i % 2)
            assert_string_equal(worker[i].message, "ag_matmul: inner sizes differ: [8,16] and [8,16]");
        else
            assert_string_equal(worker[i].message, "");
    }
    assert_null(ag_grad_of(w)); /* ag_grad touches no leaf */
    ag_free(w), ag_free(b);
}

/* A leaf freed by one thread lives on for the tapes that use it. */
static ag_tensor *shared;
static pthread_barrier_t both;
static void *keep_using(void *arg)
{
    ag_tape *tape = ag_tape_new();
    ag_tensor *y = ag_square(shared);
    pthread_barrier_wait(&both); /* recorded; the other thread frees now */
    pthread_barrier_wait(&both);
    *(double *)arg = ag_item(ag_sum(ag_mul(y, 2.0)));
    ag_tape_free(tape);
    return NULL;
}
static void a_leaf_outlives_its_owner(void **state)
{
    (void)state;
    double result = 0;
    pthread_t thread;
    pthread_barrier_init(&both, NULL, 2);
    shared = ag_param(AG_F64, 3);
    ag_fill(shared, 2);
    assert_int_equal(pthread_create(&thread, NULL, keep_using, &result), 0);
    pthread_barrier_wait(&both);
    ag_free(shared);
    pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
    assert_true(result == 24);
    pthread_barrier_destroy(&both);
}

/* Eight threads at work on tapes of their own, at sizes for which each would like the workers: one has them at a time,
 * and all find what a lone thread finds. */
enum { WIDE = 512, BATCH = 128, DEEP = 2 };
static ag_tensor *wide[DEEP];

static void *wide_gradient(void *arg)
{
    struct worker *me = arg;
    ag_tape *tape = ag_tape_new();
    for (int round = 0; round < 3 && !me->status; round++) {
        ag_seed(2);
        ag_tensor *y = ag_randn(AG_F32, BATCH, WIDE);
        for (int i = 0; i < DEEP; i++) y = ag_tanh(ag_matmul(y, wide[i]));
        ag_tensor *g = ag_grad(ag_cross_entropy(y, ag_randint(WIDE, BATCH)), wide[0]);
        for (int i = 0; i < OUT * IN; i++) me->grad[i] = g ? ag_at(g, i, (37 * i) % WIDE) : 0;
        me->status = ag_tape_reset(tape);
    }
    ag_tape_free(tape);
    return NULL;
}

static void tapes_beside_the_pool(void **state)
{
    (void)state;
    static struct worker alone, worker[THREADS];
    ag_tape *tape = ag_tape_new();
    for (int i = 0; i < DEEP; i++) {
        wide[i] = ag_param(AG_F32, WIDE, WIDE);
        AG_NO_GRAD
            ag_assign(wide[i], ag_mul(0.05, ag_randn(AG_F32, WIDE, WIDE)));
    }
    ag_tape_free(tape);
    ag_set_threads(1);
    wide_gradient(&alone);
    assert_int_equal(alone.status, AG_OK);
    assert_true(alone.grad[0] != 0);
    ag_set_threads(4);
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, wide_gradient, &worker[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(worker[i].status, AG_OK);
        assert_memory_equal(worker[i].grad, alone.grad, sizeof alone.grad);
    }
    for (int i = 0; i < DEEP; i++) ag_free(wide[i]);
    ag_set_threads(0);
}

/* Sixteen threads with four tapes of scalars each, used by turns. */
enum { MANY = 16, EACH = 4, N = 40 };

/* Hessian, Jacobian, the sparse one and a gradient of a gradient: numbers that depend on the round only. */
static double scalars(ag_tape *tape, int round)
{
    double hes[N * N], jac[9 * N], sum = 0;
    ag_scalar x[N], y[9], total = ag_const(0);
    ag_tape_use(tape);
    for (int i = 0; i < N; i++) x[i] = ag_input(0.1 + 0.01 * i + round);
    for (int i = 0; i + 1 < N; i++) total = ag_add(total, ag_sin(ag_mul(x[i], ag_lgamma(x[i + 1]))));
    for (int i = 0; i < 9; i++) y[i] = ags_logsumexp((size_t)i + 3, x + i);
    ag_sparse *sparse = ags_sparse_hessian(total, x, N);
    ags_hessian(total, x, N, hes), ags_jacobian(y, 9, x, N, jac);
    for (int i = 0; i < N * N; i++) sum += hes[i];
    for (int i = 0; i < 9 * N; i++) sum += jac[i];
    for (int64_t k = 0; sparse && k < sparse->nnz; k++) sum += sparse->value[k];
    sum += ag_grad(ag_grad(total, x[1]), x[2]).value;
    ag_sparse_free(sparse);
    return ag_tape_reset(tape) ? NAN : sum;
}

static void *use_by_turns(void *arg)
{
    bool *right = arg;
    ag_tape *tape[EACH];
    double first[EACH];
    for (int i = 0; i < EACH; i++) tape[i] = ag_tape_new();
    *right = true;
    for (int round = 0; round < 2 * EACH; round++)
        for (int i = 0; i < EACH; i++) {
            const double sum = scalars(tape[(i + round) % EACH], i);
            if (round == 0) first[i] = sum;
            *right &= sum == first[i];
        }
    for (int i = EACH; i-- > 0;) ag_tape_free(tape[i]);
    return NULL;
}

static void sixty_four_tapes(void **state)
{
    (void)state;
    pthread_t thread[MANY];
    bool right[MANY];
    for (int i = 0; i < MANY; i++) assert_int_equal(pthread_create(&thread[i], NULL, use_by_turns, &right[i]), 0);
    for (int i = 0; i < MANY; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < MANY; i++) assert_true(right[i]);
    print_message("# %d tapes on %d threads\n", MANY * EACH, MANY);
}

int main(void)
{
    ag__share_always = true;
    const struct CMUnitTest tests[] = { cmocka_unit_test(threads_share_leaves),
                                        cmocka_unit_test(a_leaf_outlives_its_owner),
                                        cmocka_unit_test(tapes_beside_the_pool), cmocka_unit_test(sixty_four_tapes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
