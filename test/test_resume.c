/* A run that is stopped, saved to one file and taken up again by another process, once or several times: losses,
 * weights and everything remembered are bit for bit those of a run that nobody stopped. Each stretch of a run is this
 * program, started anew with arguments. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/nn.h>
#include <optim/optim.h>
#include <test/files.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* 13 batches an epoch, the last of 5 samples. */
enum { SAMPLES = 101, FEATURES = 6, CLASSES = 4, BATCH = 8, STEPS = 60 };

/* ---- optimizers and schedules ---- */

static ag_optim *plain_sgd(ag_params p)
{
    return ag_sgd(p, .lr = 0.1);
}
static ag_optim *damped_sgd(ag_params p)
{
    return ag_sgd(p, .lr = 0.05, .momentum = 0.9, .dampening = 0.3, .weight_decay = 1e-3);
}
static ag_optim *nesterov(ag_params p)
{
    return ag_sgd(p, .lr = 0.05, .momentum = 0.9, .nesterov = true);
}
static ag_optim *some_momentum(ag_params p)
{
    ag_optim *opt = ag_sgd(p, .lr = 0.05);
    if (opt) ag_optim_set(opt, "*.weight", AG_MOMENTUM, 0.8);
    return opt;
}
static ag_optim *adam(ag_params p)
{
    return ag_adam(p, .lr = 0.01);
}
static ag_optim *amsgrad(ag_params p)
{
    return ag_adam(p, .lr = 0.01, .amsgrad = true, .weight_decay = 1e-2);
}
static ag_optim *adamw(ag_params p)
{
    return ag_adamw(p, .lr = 0.01);
}
static ag_optim *adamw_amsgrad(ag_params p)
{
    return ag_adamw(p, .lr = 0.01, .amsgrad = true);
}

enum schedule { CONSTANT, COSINE, PLATEAU };
static const struct config {
    const char *name;
    ag_optim *(*make)(ag_params p);
    enum schedule schedule;
    ag_dtype dtype;
} configs[] = {
    { "sgd", plain_sgd, CONSTANT, AG_F32 },
    { "sgd, momentum and dampening", damped_sgd, COSINE, AG_F64 },
    { "sgd, Nesterov", nesterov, CONSTANT, AG_F32 },
    { "sgd, momentum of weights only", some_momentum, PLATEAU, AG_F32 },
    { "adam", adam, PLATEAU, AG_F32 },
    { "adam, f64", adam, COSINE, AG_F64 },
    { "adam, amsgrad", amsgrad, CONSTANT, AG_F32 },
    { "adamw", adamw, COSINE, AG_F32 },
    { "adamw, amsgrad", adamw_amsgrad, PLATEAU, AG_F64 },
};
enum { CONFIGS = sizeof configs / sizeof *configs, ADAM = 4 };

/* ---- one stretch of a run ---- */

/* x less a running mean of what came before: a layer with a buffer. */
static ag_tensor *centre_forward(ag_module *m, ag_tensor *x)
{
    ag_tensor *mean = *(ag_tensor **)ag_self(m), *y = ag_sub(x, mean);
    if (ag_is_training(m))
        AG_NO_GRAD
            ag_assign(mean, ag_add(ag_mul(0.9, mean), ag_mul(0.1, ag_mean(x, 0))));
    return y;
}
static ag_module *Centre(ag_dtype dtype, int64_t width)
{
    ag_module *m = ag_module_new("Centre", centre_forward, sizeof(ag_tensor *));
    ag_tensor **mean = ag_self(m);
    if (mean) *mean = ag_own_buffer(m, "mean", ag_new(dtype, width));
    return ag_module_done(m);
}

struct run {
    const struct config *config;
    ag_tape *tape;
    ag_dataset *data;
    ag_module *net;
    ag_optim *opt;
    ag_loader *loader;
    ag_tensor *notes; /* what the program itself remembers: see note */
    double step, lr;
    ag_plateau plateau;
};

static ag_dataset *make_data(ag_dtype dtype)
{
    ag_tensor *x = ag_new(dtype, SAMPLES, FEATURES), *y = ag_new(AG_I64, SAMPLES);
    double inputs[SAMPLES * FEATURES];
    int64_t classes[SAMPLES];
    for (int i = 0; i < SAMPLES * FEATURES; i++) inputs[i] = (i * 37 % 101 - 50) / 40.0;
    for (int i = 0; i < SAMPLES; i++) classes[i] = i * i % 7 % CLASSES;
    ag_write(x, inputs, SAMPLES * FEATURES), ag_write(y, classes, SAMPLES);
    ag_dataset *data = ag_dataset_of(x, y);
    ag_free(x), ag_free(y);
    return data;
}

static ag_status run_make(struct run *r, const struct config *config)
{
    ag_dtype t = config->dtype;
    *r = (struct run){ .config = config, .tape = ag_tape_new(), .data = make_data(t), .lr = 0.05 };
    r->net = ag_Sequential(Centre(t, FEATURES), ag_Linear(FEATURES, 16, .dtype = t), ag_Act(ag_tanh), ag_Dropout(0.3),
                           ag_Residual(ag_Linear(16, 16, .dtype = t)), ag_Linear(16, CLASSES, .dtype = t));
    if (!r->net) return ag_error();
    r->opt = config->make(ag_parameters(r->net));
    r->loader = ag_loader_new(r->data, .batch = BATCH, .shuffle = true);
    r->notes = ag_new(AG_F64, 5);
    r->plateau = (ag_plateau){ .factor = 0.7, .patience.limit = 2 };
    return ag_error();
}

static void run_free(struct run *r)
{
    ag_free(r->notes);
    ag_optim_free(r->opt), ag_loader_free(r->loader);
    ag_module_free(r->net), ag_dataset_free(r->data);
    ag_tape_free(r->tape);
}

static void note(struct run *r)
{
    const ag_patience *p = &r->plateau.patience;
    ag_write(r->notes, ((double[]){ r->step, r->lr, p->best, (double)p->waited, (double)p->rounds }), 5);
}
static void recall(struct run *r)
{
    const double *n = ag_f64(r->notes);
    ag_patience *p = &r->plateau.patience;
    r->step = n[0], r->lr = n[1], p->best = n[2], p->waited = (int64_t)n[3], p->rounds = (int64_t)n[4];
}

/* Saves or loads all parts but those in the mask. */
enum { PARTS = 5 };
static const char *const part_names[PARTS] = { "model", "optimizer", "loader", "generator", "numbers of one's own" };

static ag_status transfer(ag_status (*f)(const char *, int, const ag_params *), const char *path, struct run *r,
                          unsigned left_out)
{
    const ag_params all[PARTS] = { ag_state(r->net), ag_optim_state(r->opt), ag_loader_state(r->loader), ag_rng_state(),
                                   AG_PARAMS({ "notes", r->notes }) };
    ag_params some[PARTS];
    int n = 0;
    for (int i = 0; i < PARTS; i++)
        if (!(left_out >> i & 1)) some[n++] = all[i];
    return f(path, n, some);
}

static double train_step(struct run *r, const ag_batch *b)
{
    if (r->config->schedule == COSINE) ag_set_lr(r->opt, ag_lr_cosine(0.1, 0.001, (int64_t)r->step, STEPS));
    if (r->config->schedule == PLATEAU) ag_set_lr(r->opt, r->lr);
    ag_tensor *loss = ag_cross_entropy(ag_forward(r->net, b->x), b->y);
    ag_backward(loss);
    double value = ag_item(loss);
    ag_clip_norm(ag_parameters(r->net), 2);
    ag_step(r->opt);
    if (r->config->schedule == PLATEAU) r->lr = ag_lr_plateau(&r->plateau, r->lr, value);
    r->step++;
    return value;
}

/* CONFIG TO LEFT_OUT FROM_FILE SAVE_TO LOSSES: goes on from a file, or with "-" begins, to step TO. */
static int stretch(char **arg)
{
    struct run r;
    const char *from = arg[3];
    unsigned left_out = (unsigned)strtoul(arg[2], NULL, 10);
    long to = strtol(arg[1], NULL, 10);
    bool fresh = !strcmp(from, "-");
    ag_seed(fresh ? 1 : 2); /* so that what is not loaded is different */
    ag_status status = run_make(&r, &configs[strtol(arg[0], NULL, 10)]);
    if (!status && !fresh && !(status = transfer(ag_load, from, &r, left_out))) recall(&r);
    FILE *losses = fopen(arg[5], "ab");
    while (losses && !status && r.step < (double)to) {
        ag_batch b;
        if (ag_next(r.loader, &b)) {
            double loss = train_step(&r, &b);
            fwrite(&loss, sizeof loss, 1, losses);
        }
        status = ag_tape_reset(r.tape);
    }
    if (!status) note(&r), status = transfer(ag_save, arg[4], &r, left_out);
    if (status) fprintf(stderr, "%s\n", ag_errmsg());
    run_free(&r);
    return !losses || fclose(losses) || status;
}

/* ---- runs ---- */

static char *program;

static void run_to(int config, int to, unsigned left_out, const char *from, const char *save, const char *losses)
{
    char numbers[3][16];
    int status;
    snprintf(numbers[0], sizeof numbers[0], "%d", config);
    snprintf(numbers[1], sizeof numbers[1], "%d", to);
    snprintf(numbers[2], sizeof numbers[2], "%u", left_out);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl(program, program, numbers[0], numbers[1], numbers[2], from, save, losses, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) fail_msg("%s: stretch to step %d failed", configs[config].name, to);
}

/* A run in stretches that end at the n given steps; its files are NAME.safetensors and NAME.losses. */
static void run_in(const char *name, int config, int n, const int *stops, unsigned left_out)
{
    char save[32], losses[32];
    snprintf(save, sizeof save, "%s.safetensors", name);
    snprintf(losses, sizeof losses, "%s.losses", name);
    remove(files_path(losses));
    for (int i = 0; i < n; i++)
        run_to(config, stops[i], left_out, i ? files_path(save) : "-", files_path(save), files_path(losses));
}

static bool same_file(const char *a, const char *b)
{
    size_t n, m;
    uint8_t *x = files_load(files_path(a), &n), *y = files_load(files_path(b), &m);
    bool same = n > 0 && n == m && !memcmp(x, y, n);
    free(x), free(y);
    return same;
}

static int random_below(int n)
{
    static uint32_t state = 20;
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return (int)(state % (uint32_t)n);
}
static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void a_stopped_run_goes_on_bit_for_bit(void **state)
{
    (void)state;
    enum { TRIALS = 4, MOST = 4 };
    /* Before the first step, at the ends of epochs, just before and after, and behind the last step. */
    static const int edges[] = { 0, 12, 13, 14, 26, STEPS, STEPS };
    int processes = 0, stops = 0;
    for (int c = 0; c < CONFIGS; c++) {
        run_in("whole", c, 1, (const int[]){ STEPS }, 0);
        for (int trial = 0; trial <= TRIALS; trial++) {
            int at[MOST], n = trial ? 1 + random_below(MOST - 1) : 0;
            for (int i = 0; i < n; i++) at[i] = random_below(STEPS + 1);
            qsort(at, (size_t)n, sizeof *at, ascending);
            at[n++] = STEPS;
            if (trial)
                run_in("parts", c, n, at, 0);
            else
                n = (int)(sizeof edges / sizeof *edges), run_in("parts", c, n, edges, 0);
            processes += n, stops += n - 1;
            if (!same_file("whole.losses", "parts.losses") || !same_file("whole.safetensors", "parts.safetensors"))
                fail_msg("%s: differs when stopped at step %d%s", configs[c].name, trial ? at[0] : edges[0],
                         n > 2 ? " and later" : "");
        }
    }
    size_t n;
    free(files_load(files_path("whole.losses"), &n));
    assert_int_equal(n, STEPS * sizeof(double));
    print_message("# %d ways to train %d steps, stopped %d times, %d new processes: losses and states bit-equal\n",
                  CONFIGS, STEPS, stops, processes);
}

/* What the test above compares would notice. */
static void each_part_is_needed(void **state)
{
    (void)state;
    run_in("whole", ADAM, 1, (const int[]){ STEPS }, 0);
    for (int i = 0; i < PARTS; i++) {
        run_in("parts", ADAM, 2, (const int[]){ 23, STEPS }, 1u << i);
        if (same_file("whole.losses", "parts.losses")) fail_msg("without the %s nothing differs", part_names[i]);
    }
}

/* ---- the generator's state as a tensor ---- */

static void the_generator_follows_its_tensor(void **state)
{
    (void)state;
    ag_seed(5);
    ag_params p = ag_rng_state();
    assert_int_equal(p.n, 1);
    assert_string_equal(p.at[0].name, "rng");
    const int64_t *now = ag_i64(p.at[0].tensor);
    assert_true(now[0] == 5 && now[1] == 0);
    ag_tape *tape = ag_tape_new();
    ag_tensor *then = ag_keep(p.at[0].tensor);
    double a = ag_item(ag_rand(AG_F64));
    assert_int_equal(now[1], 1);
    ag_assign(ag_rng_state().at[0].tensor, then);
    assert_true(ag_item(ag_rand(AG_F64)) == a);
    assert_int_equal(ag_rng_get().counter, 1);
    ag_rng_set((ag_rng){ .seed = UINT64_MAX, .counter = 9 });
    assert_true(now[0] == -1 && now[1] == 9);
    ag_free(p.at[0].tensor); /* it is not the caller's */
    assert_int_equal(ag_tape_reset(tape), AG_ESTALE);
    ag_retain(p.at[0].tensor), ag_free(p.at[0].tensor);
    assert_int_equal(ag_rng_get().counter, 9);
    ag_free(then);
    ag_tape_free(tape);
}

static bool no_memory;
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return no_memory ? NULL : __real_aligned_alloc(align, n);
}

static void *of_another_thread(void *own)
{
    no_memory = true;
    ag_params p = ag_rng_state();
    no_memory = false;
    if (p.n || ag_clear_error() != AG_ENOMEM) return NULL;
    p = ag_rng_state();
    *(ag_tensor **)own = p.n ? p.at[0].tensor : NULL;
    ag_seed(7);
    return p.n && ag_i64(p.at[0].tensor)[0] == 7 ? own : NULL;
}

static void each_thread_has_its_own(void **state)
{
    (void)state;
    ag_seed(3);
    pthread_t thread;
    ag_tensor *its = NULL;
    void *right;
    assert_int_equal(pthread_create(&thread, NULL, of_another_thread, &its), 0);
    assert_int_equal(pthread_join(thread, &right), 0);
    assert_non_null(right);
    assert_true(its != ag_rng_state().at[0].tensor);
    assert_int_equal(ag_i64(ag_rng_state().at[0].tensor)[0], 3);
}

int main(int argc, char **argv)
{
    if (argc == 7) return stretch(argv + 1);
    program = argv[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stopped_run_goes_on_bit_for_bit),
        cmocka_unit_test(each_part_is_needed),
        cmocka_unit_test(the_generator_follows_its_tensor),
        cmocka_unit_test(each_thread_has_its_own),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
