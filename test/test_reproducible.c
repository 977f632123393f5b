/* What gives the same bits: every row of the README's table. Runs - trainings, draws, operations - are done again in
 * the same process, with other numbers of worker threads, beside other threads and in processes of their own, with each
 * instruction set that the processor has, and compared by a hash of all their numbers. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/nn.h>
#include <optim/optim.h>

/* ---- what came of a run ------------------------------------------------------------------------------------------ */

typedef struct outcome {
    uint64_t bits; /* a hash of every number noted (as FNV-1a, by words) */
    double last;   /* the last of them */
    ag_status status;
} outcome;

static void note(outcome *o, const ag_tensor *x)
{
    const int64_t n = ag_numel(x);
    double *v = malloc((size_t)(n + 1) * sizeof *v);
    if (v && !ag_read(x, v, n))
        for (int64_t i = 0; i < n; i++) {
            uint64_t word;
            memcpy(&word, &v[i], sizeof word);
            o->bits = (o->bits ^ word) * UINT64_C(0x100000001b3);
            o->bits ^= o->bits >> 29;
            o->last = v[i];
        }
    free(v);
}
static void note_all(outcome *o, ag_params list)
{
    for (int64_t i = 0; i < list.n; i++) note(o, list.at[i].tensor);
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

typedef struct run {
    const char *name;
    void (*f)(outcome *o, const struct run *r);
    ag_dtype dtype;
    int64_t width;
    ag_optim *(*optimizer)(ag_params p);
} run;

enum { SAMPLES = 240, BATCH = 100, EPOCHS = 2, CLASSES = 10 };

static ag_module *network(ag_dtype dtype, int64_t width)
{
    return ag_Sequential(ag_Linear(width, width, .dtype = dtype), ag_Act(ag_relu), ag_Dropout(0.3),
                         ag_Residual(ag_Sequential(ag_Linear(width, width, .dtype = dtype), ag_Act(ag_tanh))),
                         ag_Linear(width, CLASSES, .dtype = dtype));
}

/* The loss of every step; at the end the parameters and the optimizer's state. */
static void train(outcome *o, const run *r)
{
    ag_tensor *x = ag_keep(ag_randn(r->dtype, SAMPLES, r->width)), *y = ag_keep(ag_randint(CLASSES, SAMPLES));
    ag_dataset *set = ag_dataset_of(x, y);
    ag_loader *loader = ag_loader_new(set, .batch = BATCH, .shuffle = true);
    ag_module *net = network(r->dtype, r->width);
    ag_optim *opt = r->optimizer(ag_parameters(net));
    int64_t step = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (ag_batch b; !o->status && ag_next(loader, &b); step++) {
            ag_tensor *loss = ag_cross_entropy(ag_forward(net, b.x), b.y, .label_smoothing = 0.1);
            ag_backward(loss);
            ag_clip_norm(ag_parameters(net), 1);
            ag_set_lr(opt, ag_lr_cosine(0.05, 0.001, step, EPOCHS * ag_loader_batches(loader)));
            ag_step(opt);
            note(o, loss);
            o->status = ag_tape_reset(ag_tape_current());
        }
    note_all(o, ag_state(net));
    note_all(o, ag_optim_state(opt));
    ag_optim_free(opt), ag_module_free(net), ag_loader_free(loader), ag_dataset_free(set);
    ag_free(x), ag_free(y);
}

static ag_optim *sgd(ag_params p)
{
    return ag_sgd(p, .weight_decay = 0.01);
}
static ag_optim *nesterov(ag_params p)
{
    return ag_sgd(p, .momentum = 0.9, .nesterov = true);
}
static ag_optim *dampened(ag_params p)
{
    return ag_sgd(p, .momentum = 0.9, .dampening = 0.2, .weight_decay = 0.01);
}
static ag_optim *adam(ag_params p)
{
    return ag_adam(p);
}
static ag_optim *amsgrad(ag_params p)
{
    return ag_adam(p, .weight_decay = 0.01, .amsgrad = true);
}
static ag_optim *adamw(ag_params p)
{
    return ag_adamw(p);
}

static void draws(outcome *o, const run *r)
{
    note(o, ag_rand(r->dtype, 1001));
    note(o, ag_randn(r->dtype, 1001));
    note(o, ag_randint(1000003, 1001));
    note(o, ag_bernoulli(0.3, 1001));
    note(o, ag_randperm(1001));
    note(o, ag_dropout(ag_ones(r->dtype, 1001), 0.4));
}

static void initialisers(outcome *o, const run *r)
{
    ag_tensor *w = ag_param(r->dtype, r->width, 30);
    note(o, ag_init_uniform(w, -1, 2));
    note(o, ag_init_normal(w, 1, 2));
    note(o, ag_init_trunc_normal(w, 1, 2));
    note(o, ag_init_xavier_uniform(w));
    note(o, ag_init_xavier_normal(w));
    note(o, ag_init_kaiming_uniform(w));
    note(o, ag_init_kaiming_normal(w, .fan_out = true));
    note(o, ag_init_orthogonal(w, 1));
    ag_free(w);
}

/* By the kernels of backward, and by the rule whose result can be differentiated again. */
static void note_gradients(outcome *o, ag_tensor *y, ag_tensor *x)
{
    ag_tensor *loss = ag_sum(ag_square(y)), *g = NULL;
    AG_NO_GRAD
        g = ag_grad(loss, x);
    note(o, g);
    note(o, ag_grad(loss, x));
}

/* Large enough to be shared among threads: values, and gradients, where rows that were taken twice add up. */
static void operations(outcome *o, const run *r)
{
    enum { ROWS = 1030 };
    const int64_t n = r->width;
    ag_tensor *x = ag_variable(ag_randn(r->dtype, ROWS, n)), *w = ag_variable(ag_randn(r->dtype, n, 65));
    ag_tensor *scale = ag_variable(ag_rand(r->dtype, n)), *rows = ag_randint(ROWS, 2 * ROWS);
    ag_tensor *heads = ag_reshape(ag_slice(x, 0, 0, 1024), 8, 128, n);
    ag_tensor *normed = ag_layer_norm(x, 1, .weight = scale), *product = ag_matmul(x, w);
    ag_tensor *results[] = {
        ag_sum(x),
        ag_sum(x, 0),
        ag_sum(x, 1),
        ag_max(x, 0),
        ag_mean(ag_exp(x)),
        ag_logsumexp(x, 0),
        ag_softmax(x, 1),
        ag_log_softmax(x, 0),
        ag_add(ag_tanh(x), ag_sum(x, 0)),
        ag_take(x, 0, rows),
        ag_embedding(x, rows),
        normed,
        ag_rms_norm(x, 1),
        ag_cross_entropy(x, ag_randint(n, ROWS)),
        ag_attention(heads, heads, heads, .causal = true, .dropout = 0.1),
        product,
        ag_matmul(ag_transpose(x, 0, 1), ag_square(x)),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        note(o, results[i]);
        note_gradients(o, results[i], x);
    }
    note_gradients(o, product, w);
    note_gradients(o, normed, scale);
}

static void scalars(outcome *o, const run *r)
{
    (void)r;
    enum { N = 64 };
    ag_scalar x[N], y = ag_input(0);
    ag_unpack(ag_variable(ag_rand(AG_F64, N)), N, x);
    for (int i = 1; i < N; i++) y = ag_add(ag_mul(ag_sin(y), x[i]), ag_exp(ag_mul(x[i], x[i - 1])));
    const ag_scalar slope = ag_grad(y, x[0]), bend = ag_grad(slope, x[0]);
    note(o, ag_pack(3, ((ag_scalar[]){ y, slope, bend })));
}

static const run runs[] = {
    { "draws f32", draws, AG_F32, 0, NULL },
    { "draws f64", draws, AG_F64, 0, NULL },
    { "initialisers f32", initialisers, AG_F32, 40, NULL },
    { "initialisers f64", initialisers, AG_F64, 20, NULL },
    { "scalars", scalars, AG_F64, 0, NULL },
    { "operations f32", operations, AG_F32, 131, NULL },
    { "operations f64", operations, AG_F64, 67, NULL },
    { "sgd", train, AG_F32, 21, sgd },
    { "nesterov", train, AG_F32, 21, nesterov },
    { "dampened", train, AG_F32, 21, dampened },
    { "adam", train, AG_F32, 21, adam },
    { "amsgrad", train, AG_F32, 21, amsgrad },
    { "adamw", train, AG_F32, 21, adamw },
    { "adam f64", train, AG_F64, 21, adam },
    { "wide sgd", train, AG_F32, 200, nesterov },
    { "wide adam", train, AG_F32, 200, adam },
    { "wide adamw f64", train, AG_F64, 100, adamw },
};
enum { RUNS = sizeof runs / sizeof *runs, DRAWS = 2 };

static outcome perform(const run *r, uint64_t seed)
{
    outcome o = { 1, 0, AG_OK };
    ag_tape *tape = ag_tape_new();
    ag_seed(seed);
    r->f(&o, r);
    const ag_status status = ag_tape_reset(tape);
    if (!o.status) o.status = status;
    ag_tape_free(tape);
    return o;
}
static void perform_all(outcome *o, uint64_t seed)
{
    for (int i = 0; i < RUNS; i++) o[i] = perform(&runs[i], seed);
}

enum { SEED = 7 };
static outcome first[RUNS];

static int perform_first(void **state)
{
    (void)state;
    perform_all(first, SEED);
    return 0;
}

static void same(const outcome *got, const outcome *expected, const char *when)
{
    for (int i = 0; i < RUNS; i++) {
        if (got[i].status || expected[i].status) fail_msg("%s, %s: %s", runs[i].name, when, ag_errmsg());
        if (got[i].bits != expected[i].bits)
            fail_msg("%s, %s: ends with %.17g, not %.17g", runs[i].name, when, got[i].last, expected[i].last);
    }
}

/* ---- the promises ------------------------------------------------------------------------------------------------ */

static void a_seed_gives_the_same_bits_again(void **state)
{
    (void)state;
    outcome again[RUNS], other[RUNS];
    perform_all(other, SEED + 1);
    for (int i = RUNS; i-- > 0;) again[i] = perform(&runs[i], SEED); /* what ran before is another */
    same(again, first, "again");
    for (int i = 0; i < RUNS; i++)
        if (first[i].bits == other[i].bits) fail_msg("%s: another seed gives the same", runs[i].name);
}

static void the_number_of_threads_does_not_matter(void **state)
{
    (void)state;
    static const int threads[] = { 1, 2, 3, 4, 8 };
    for (int i = 0; i < 5; i++) {
        outcome o[RUNS];
        char when[40];
        snprintf(when, sizeof when, "%d threads", threads[i]);
        assert_int_equal(ag_set_threads(threads[i]), AG_OK);
        perform_all(o, SEED);
        same(o, first, when);
    }
    assert_int_equal(ag_set_threads(0), AG_OK);
}

static void *perform_aside(void *o)
{
    perform_all(o, SEED);
    return NULL;
}
static void threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    static outcome o[THREADS][RUNS];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, perform_aside, o[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < THREADS; i++) same(o[i], first, "beside other threads");
}

/* ---- processes of their own: this program again, which writes its outcomes ---- */

static const char *program;

static int be_a_process(int to)
{
    outcome o[RUNS];
    memset(o, 0, sizeof o);
    perform_all(o, SEED);
    return write(to, o, sizeof o) != sizeof o;
}

static void in_a_process(outcome *o, const char *arch, const char *threads)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char end[20];
        snprintf(end, sizeof end, "%d", ends[1]);
        setenv("AG_THREADS", threads, 1);
        if (arch) setenv("AG_ARCH", arch, 1);
        execl(program, program, end, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    char *at = (char *)o;
    size_t left = RUNS * sizeof *o;
    for (ssize_t n; left && (n = read(ends[0], at, left)) > 0; left -= (size_t)n) at += n;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (left || status) fail_msg("%s ended with status %d", program, status);
}

static void processes_agree(void **state)
{
    (void)state;
    outcome one[RUNS], four[RUNS];
    in_a_process(one, NULL, "1");
    same(one, first, "in another process");
    in_a_process(four, NULL, "4");
    same(four, first, "in another process, 4 threads");
}

/* Draws are the same ones on all of them; that of sums is not promised. */
static void each_instruction_set_agrees_with_itself(void **state)
{
    (void)state;
    static const char *const archs[] = { "generic", "avx2", "avx512" }; /* the generic one for what is not there */
    for (int i = 0; i < 3; i++) {
        outcome one[RUNS], three[RUNS];
        in_a_process(one, archs[i], "1");
        in_a_process(three, archs[i], "3");
        same(three, one, archs[i]);
        int alike = 0;
        for (int k = 0; k < RUNS; k++) alike += one[k].bits == first[k].bits;
        print_message("# AG_ARCH=%s: %d of %d runs have the bits of the default\n", archs[i], alike, RUNS);
        for (int k = 0; k < DRAWS; k++) assert_true(one[k].bits == first[k].bits);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2) return be_a_process((int)strtol(argv[1], NULL, 10));
    program = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_gives_the_same_bits_again),
        cmocka_unit_test(the_number_of_threads_does_not_matter),
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(processes_agree),
        cmocka_unit_test(each_instruction_set_agrees_with_itself),
    };
    return cmocka_run_group_tests(tests, perform_first, NULL);
}
