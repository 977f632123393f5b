/* test_optim.c - the optimizers against PyTorch and against plain loops; settings, state, errors, and memory that
 * runs out (the linker redirects the library's allocations to the functions below). */
#define _POSIX_C_SOURCE 200809L
#include "replay.h"
#include <optim/private/optim.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);

static long seen, live, fail_at; /* fail_at 0: never */

void *__wrap_aligned_alloc(size_t align, size_t n)
{
    void *p = ++seen == fail_at ? NULL : __real_aligned_alloc(align, n);
    live += p != NULL;
    return p;
}
void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

/* ---- parameters and gradients ---- */

/* f(x) = <g, x>, whose gradient is g. */
static void collect(ag_tensor *x, const double *g)
{
    ag_tape *tape = ag_tape_new();
    ag_tensor *seed = ag_to(ag_copy(g, ag_numel(x)), ag_dtype_of(x));
    assert_int_equal(ag_backward(x, .seed = seed), AG_OK);
    ag_tape_free(tape);
}

static ag_tensor *param_of(ag_dtype dtype, int64_t n, const double *values)
{
    ag_tensor *x = ag_param(dtype, n);
    assert_int_equal(ag_write(x, values, n), AG_OK);
    return x;
}

static double value(const ag_tensor *x, int64_t i)
{
    return ag_at(x, i);
}

static void close_to(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-14 * fmax(1, fabs(expected)))) fail_msg("%.17g, not %.17g", got, expected);
}

static void failed(ag_status status, const char *text)
{
    if (ag_error() != status || !strstr(ag_errmsg(), text))
        fail_msg("%s: %s; not %s", ag_status_text(ag_error()), ag_errmsg(), text);
    ag_clear_error();
}

static const double one[] = { 1 }, two[] = { 2 };

/* ---- PyTorch's trajectories ---- */

static ag_optim *sgd_wd(ag_params p)
{
    return ag_sgd(p, .weight_decay = 0.1); /* the default rate */
}
static ag_optim *sgd_nesterov_wd(ag_params p)
{
    return ag_sgd(p, .lr = 1e-4, .momentum = 0.8, .nesterov = true, .weight_decay = 0.05);
}
static ag_optim *sgd_groups(ag_params p)
{
    ag_optim *opt = ag_sgd(p, .lr = 1e-4, .weight_decay = 0.02);
    ag_optim_set(opt, "y", AG_MOMENTUM, 0.5);
    ag_optim_set(opt, "y", AG_LR_SCALE, 2);
    return opt;
}
static ag_optim *adam_defaults(ag_params p)
{
    return ag_adam(p);
}
static ag_optim *adam_betas_eps(ag_params p)
{
    return ag_adam(p, .lr = 0.05, .betas = { 0, 0.9 }, .eps = 1e-3);
}
static ag_optim *adam_groups(ag_params p)
{
    ag_optim *opt = ag_adam(p, .lr = 0.05);
    ag_optim_set(opt, "x", AG_LR, 0.1);
    ag_optim_set(opt, "x", AG_BETA1, 0.8);
    ag_optim_set(opt, "x", AG_BETA2, 0.99);
    ag_optim_set(opt, "y", AG_WEIGHT_DECAY, 0.1);
    ag_optim_set(opt, "y", AG_EPS, 1e-2);
    return opt;
}
static ag_optim *adamw_defaults(ag_params p)
{
    return ag_adamw(p);
}
static ag_optim *adamw_amsgrad(ag_params p)
{
    return ag_adamw(p, .lr = 0.05, .weight_decay = 0.1, .amsgrad = true);
}
static ag_optim *adamw_groups(ag_params p)
{
    ag_optim *opt = ag_adamw(p, .lr = 0.05);
    ag_optim_set(opt, "*", AG_WEIGHT_DECAY, 0.2);
    ag_optim_set(opt, "x", AG_WEIGHT_DECAY, 0);
    ag_optim_set(opt, "[yz]", AG_LR_SCALE, 0.4);
    return opt;
}
static const replay_config more[] = {
    { "sgd_wd", sgd_wd },
    { "sgd_nesterov_wd", sgd_nesterov_wd },
    { "sgd_groups", sgd_groups },
    { "adam_defaults", adam_defaults },
    { "adam_betas_eps", adam_betas_eps },
    { "adam_groups", adam_groups },
    { "adamw_defaults", adamw_defaults },
    { "adamw_amsgrad", adamw_amsgrad },
    { "adamw_groups", adamw_groups },
    { NULL, NULL },
};

typedef struct outcome {
    int status;
    char out[4096], err[1024];
} outcome;

static void take(FILE *from, char *to, size_t room)
{
    rewind(from);
    to[fread(to, 1, room - 1, from)] = 0;
    fclose(from);
}

static outcome replayed(const replay_asked *asked)
{
    outcome o;
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    o.status = replay_run(asked, out, err);
    take(out, o.out, sizeof o.out);
    take(err, o.err, sizeof o.err);
    return o;
}

static void trajectories_are_pytorchs(void **state)
{
    (void)state;
    const struct {
        replay_asked asked;
        const char *sum;
    } files[] = {
        { { .file = "test/golden/trajectories.tsv", .configs = replay_configs }, "77 of 77 rows" },
        { { .file = "test/golden/trajectories_more.tsv", .configs = more }, "99 of 99 rows" },
    };
    for (int i = 0; i < 2; i++) {
        outcome o = replayed(&files[i].asked);
        if (o.status || !strstr(o.out, files[i].sum)) fail_msg("%s%s", o.out, o.err);
        print_message("# %s", o.out);
    }
}

static outcome replayed_text(const char *text, const char *only, bool known_only)
{
    char name[] = "/tmp/replay_XXXXXX";
    int file = mkstemp(name);
    FILE *f = file < 0 ? NULL : fdopen(file, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    outcome o = replayed(&(replay_asked){ name, only, known_only, replay_configs });
    remove(name);
    return o;
}

static void a_replay_tells_what_is_wrong(void **state)
{
    (void)state;
#define START "\t0\t-0x1.3333333333333p+0\t1\t24.2\n"
#define NEXT  "\t1\t-0x1.f80346dc5d638p-1\t0x1.16872b020c49cp+0\t5.35\n"
    const struct {
        const char *text, *only;
        bool known_only;
        int status;
        const char *says;
    } cases[] = {
        { "sgd" START "sgd" NEXT "sgd" START, NULL, false, 0, "trajectories: 3 of 3 rows, worst 0\n" },
        { "sgd" START "adam" NEXT, NULL, false, 1, "trajectories: 1 of 2 rows, worst 0." },
        { "sgd\t1\t-0x1.f80346dc5d638p-1\t0x1.16872b021p+0\t5\n", NULL, false, 1, "0 of 1 rows, worst 3.1e-12" },
        { "sgd\t0\t-0x1.3333333333333p+0\tnan\t5\n", NULL, false, 1, "0 of 1 rows, worst inf" },
        { "sgd" START "lion" START, NULL, false, 1, "unknown: lion\ntrajectories: 1 of 2 rows, worst 0\n" },
        { "sgd" START "lion" START, NULL, true, 0, "trajectories: 1 of 1 rows, worst 0\n" },
        { "sgd" START "lion" START, "sgd", false, 0, "trajectories: 1 of 1 rows, worst 0\n" },
        { "sgd" START "lion" START, "adam,lion,sgd", false, 1, "trajectories: 1 of 2 rows, worst 0\n" },
        { "sgd" START "sgd_mom" START "adam" NEXT, "sgd_mom sgd", false, 0, "2 of 2 rows" },
        { "sgd" START, "sgd,adam", false, 1, "1 of 1 rows" }, /* adam is not there */
        { "sgd" START "sgd\t1\t2\t3\n", NULL, false, 1, "1 of 2 rows" },
        { "sgd" START "sgd\t1\t2\t3\t4\t5\n", NULL, true, 1, "1 of 2 rows" },
        { "sgd\t-1\t-1.2\t1\t24.2\n", NULL, false, 1, "0 of 1 rows" },
        { "sgd\t9999999999\t-1.2\t1\t24.2\n", NULL, false, 1, "0 of 1 rows" },
        { "", NULL, false, 1, "trajectories: 0 of 0 rows, worst 0\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outcome o = replayed_text(cases[i].text, cases[i].only, cases[i].known_only);
        if (o.status != cases[i].status || !strstr(o.out, cases[i].says))
            fail_msg("case %d: status %d\n%s%s", (int)i, o.status, o.out, o.err);
    }
    outcome o = replayed(&(replay_asked){ "/nowhere/at.tsv", NULL, false, replay_configs });
    assert_true(o.status == 1 && strstr(o.err, "/nowhere/at.tsv") && strstr(o.out, "0 of 0 rows"));
}

/* ---- plain loops: the formulas once more, an element at a time, every length, f32 and f64, bit for bit ---- */

enum { LONGEST = 67, STEPS = 3 };

#define REFERENCE(real, root)                                                                                      \
    static void adam_##real(const ag_adam_options *o, int t, bool w, real *p, real g, real *m, real *v, real *top) \
    {                                                                                                              \
        const real lr = (real)(o->lr / (1 - pow(o->betas[0], t))), bias = (real)sqrt(1 - pow(o->betas[1], t));     \
        if (w) *p = *p * (real)(1 - o->lr * o->weight_decay);                                                      \
        if (!w && o->weight_decay != 0) g = g + (real)o->weight_decay * *p;                                        \
        *m = *m * (real)o->betas[0] + (real)(1 - o->betas[0]) * g;                                                 \
        *v = *v * (real)o->betas[1] + (real)(1 - o->betas[1]) * g * g;                                             \
        if (*v > *top) *top = *v;                                                                                  \
        *p = *p - lr * *m / (root(o->amsgrad ? *top : *v) / bias + (real)o->eps);                                  \
    }                                                                                                              \
    static void sgd_##real(const ag_sgd_options *o, int t, real *p, real g, real *b)                               \
    {                                                                                                              \
        if (o->weight_decay != 0) g = g + (real)o->weight_decay * *p;                                              \
        if (o->momentum != 0) {                                                                                    \
            *b = t == 1 ? g : *b * (real)o->momentum + (real)(1 - o->dampening) * g;                               \
            g = o->nesterov ? g + (real)o->momentum * *b : *b;                                                     \
        }                                                                                                          \
        *p = *p - (real)o->lr * g;                                                                                 \
    }
REFERENCE(float, sqrtf)
REFERENCE(double, sqrt)

static const ag_adam_options adams[] = {
    { .lr = 0.01, .betas = { 0.9, 0.999 }, .eps = 1e-8 },
    { .lr = 0.01, .betas = { 0.8, 0.99 }, .eps = 1e-6, .weight_decay = 0.1 },
    { .lr = 0.01, .betas = { 0.5, 0.6 }, .eps = 1e-8, .amsgrad = true },
    { .lr = 0.01, .betas = { 0.5, 0.6 }, .eps = 1e-8, .amsgrad = true, .weight_decay = 0.1 },
};
static const ag_sgd_options sgds[] = {
    { .lr = 0.1 },
    { .lr = 0.1, .weight_decay = 0.3 },
    { .lr = 0.1, .momentum = 0.9 },
    { .lr = 0.1, .momentum = 0.9, .dampening = 0.3, .weight_decay = 0.3 },
    { .lr = 0.1, .momentum = 0.7, .nesterov = true },
    { .lr = 0.1, .momentum = 0.7, .nesterov = true, .weight_decay = 0.3 },
};
enum { ADAMS = sizeof adams / sizeof *adams, SGDS = sizeof sgds / sizeof *sgds, KINDS = 2 * ADAMS + SGDS };

static ag_optim *make(int kind, ag_params p)
{
    if (kind < SGDS) return (ag_sgd)(p, &sgds[kind]);
    ag_adam_options o = adams[(kind - SGDS) % ADAMS];
    if (o.weight_decay == 0) o.weight_decay = AG_ZERO;
    return kind < SGDS + ADAMS ? (ag_adam)(p, &o) : (ag_adamw)(p, &o);
}

static double gradient_at(int step, int64_t i)
{
    return (step == 2 ? 0.2 : 1) * sin(1 + 3.7 * step + 1.3 * (double)i);
}
static void collect_step(ag_tensor *x, int step)
{
    double g[LONGEST];
    for (int64_t i = 0; i < ag_numel(x); i++) g[i] = gradient_at(step, i);
    collect(x, g);
}

static void compare_loops(const char *isa)
{
    double start[LONGEST];
    int64_t compared = 0;
    for (int i = 0; i < LONGEST; i++) start[i] = cos(0.9 * i);
    for (int kind = 0; kind < KINDS; kind++)
        for (int n = 1; n <= LONGEST; n += n < 20 ? 1 : 13) {
            ag_tensor *x = param_of(AG_F64, n, start), *y = param_of(AG_F32, n, start);
            ag_optim *opt = make(kind, AG_PARAMS({ "x", x }, { "y", y }));
            for (int t = 1; t <= STEPS; t++) {
                collect_step(x, t), collect_step(y, t);
                assert_int_equal(ag_step(opt), AG_OK);
            }
            for (int i = 0; i < n; i++, compared += 2) {
                double p = start[i], s[3] = { 0, 0, 0 };
                float q = (float)start[i], r[3] = { 0, 0, 0 };
                int a = kind - SGDS;
                for (int t = 1; t <= STEPS; t++) {
                    double g = gradient_at(t, i);
                    if (kind < SGDS) {
                        sgd_double(&sgds[kind], t, &p, g, s);
                        sgd_float(&sgds[kind], t, &q, (float)g, r);
                    } else {
                        adam_double(&adams[a % ADAMS], t, a >= ADAMS, &p, g, &s[0], &s[1], &s[2]);
                        adam_float(&adams[a % ADAMS], t, a >= ADAMS, &q, (float)g, &r[0], &r[1], &r[2]);
                    }
                }
                if (value(x, i) != p || value(y, i) != (double)q)
                    fail_msg("kind %d, element %d of %d: %.17g, %.9g, not %.17g, %.9g", kind, i, n, value(x, i),
                             value(y, i), p, (double)q);
            }
            ag_optim_free(opt), ag_free(x), ag_free(y);
        }
    print_message("# %s: %d configurations, %d elements equal bit for bit\n", isa, KINDS, (int)compared);
}

/* With the loops of every instruction set that the processor has; a name it lacks stands for the generic ones. */
static void loops_are_the_formulas(void **state)
{
    (void)state;
    const char *given = getenv("AG_ARCH"), *isas[] = { "generic", "avx2", "avx512" };
    char kept[32];
    snprintf(kept, sizeof kept, "%s", given ? given : "");
    for (int i = 0; i < 3; i++) {
        setenv("AG_ARCH", isas[i], 1);
        const char *chosen = ag__loops_choose()->isa;
        assert_true(!strcmp(chosen, isas[i]) || !strcmp(chosen, "generic"));
        compare_loops(isas[i]);
    }
    setenv("AG_ARCH", kept, 1);
}

/* The largest second moment takes over a NaN and keeps it, as torch.maximum does. */
static void a_nan_stays(void **state)
{
    (void)state;
    ag_tensor *x = param_of(AG_F64, 1, one);
    ag_optim *opt = ag_adam(AG_PARAMS({ "x", x }), .amsgrad = true);
    ag_params s = ag_optim_state(opt);
    collect(x, one);
    assert_int_equal(ag_step(opt), AG_OK);
    collect(x, (const double[]){ NAN });
    assert_int_equal(ag_step(opt), AG_OK);
    assert_true(isnan(value(x, 0)) && isnan(value(s.at[3].tensor, 0)));
    ag_fill(s.at[2].tensor, 1), ag_fill(x, 1), ag_fill(s.at[1].tensor, 1);
    collect(x, one);
    assert_int_equal(ag_step(opt), AG_OK);
    assert_true(isnan(value(x, 0)) && isnan(value(s.at[3].tensor, 0)));
    ag_optim_free(opt), ag_free(x);
}

/* ---- the step ---- */

static void a_step_uses_up_gradients(void **state)
{
    (void)state;
    ag_tensor *x = param_of(AG_F64, 1, one), *y = param_of(AG_F32, 1, one), *z = param_of(AG_F64, 1, one);
    ag_optim *opt = ag_sgd(AG_PARAMS({ "x", x }, { "y", y }, { "z", z }), .lr = 0.25, .momentum = 0.5);
    collect(x, one), collect(x, two), collect(y, one); /* 3 and 1 */
    assert_int_equal(ag_step(opt), AG_OK);
    assert_true(value(x, 0) == 0.25 && value(y, 0) == 0.75 && value(z, 0) == 1);
    assert_null(ag_grad_of(x));
    assert_null(ag_grad_of(y));
    assert_int_equal(ag_step(opt), AG_OK); /* nothing collected: nothing moves, momentum or not */
    assert_true(value(x, 0) == 0.25 && value(y, 0) == 0.75);
    ag_params s = ag_optim_state(opt);
    assert_true(ag_item(s.at[0].tensor) == 1 && ag_item(s.at[2].tensor) == 1 && ag_item(s.at[4].tensor) == 0);
    collect(z, one); /* its first step, undampened as such */
    assert_int_equal(ag_step(opt), AG_OK);
    assert_true(value(z, 0) == 0.75 && value(x, 0) == 0.25);
    ag_freeze(x, true);
    collect(y, one);
    assert_int_equal(ag_step(opt), AG_OK);
    assert_true(value(x, 0) == 0.25 && value(y, 0) == 0.75 - 0.25 * 1.5);
    ag_optim_free(opt), ag_free(x), ag_free(y), ag_free(z);
}

static void a_failed_step_changes_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        ag_tensor *x = param_of(AG_F64, 1, one);
        ag_optim *opt = make(kind, AG_PARAMS({ "x", x }));
        collect(x, two);
        uint32_t version = ag_version_of(x);
        ag_fail(AG_EUSER, "something else");
        assert_int_equal(ag_step(opt), AG_EUSER);
        failed(AG_EUSER, "something else");
        assert_true(value(x, 0) == 1 && ag_version_of(x) == version && value(ag_grad_of(x), 0) == 2);
        ag_params s = ag_optim_state(opt);
        for (int64_t i = 0; i < s.n; i++)
            if (ag_rank(s.at[i].tensor))
                assert_true(value(s.at[i].tensor, 0) == 0);
            else
                assert_true(ag_item(s.at[i].tensor) == 0);
        assert_int_equal(ag_step(opt), AG_OK);
        assert_true(value(x, 0) < 1 && ag_version_of(x) > version);
        ag_optim_free(opt), ag_free(x);
    }
    assert_int_equal(ag_step(NULL), AG_ENULL);
    failed(AG_ENULL, "ag_step");
}

static void a_second_derivative_notices_the_step(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = param_of(AG_F64, 1, two);
    ag_optim *opt = ag_sgd(AG_PARAMS({ "x", x }));
    collect(x, one);
    ag_tensor *y = ag_sum(ag_square(x));
    assert_int_equal(ag_step(opt), AG_OK);
    ag_backward(y); /* x was overwritten between its use and its derivative */
    assert_int_equal(ag_clear_error(), AG_ESAVED);
    ag_optim_free(opt), ag_free(x), ag_tape_free(tape);
}

static void parameters_outlive_their_list(void **state)
{
    (void)state;
    long before = live;
    ag_tensor *x = param_of(AG_F64, 1, one);
    char name[] = "x";
    ag_named list[] = { { name, x } };
    ag_optim *opt = ag_adam(((ag_params){ list, 1 }));
    list[0] = (ag_named){ NULL, NULL };
    name[0] = 'q';
    collect(x, one);
    ag_free(x); /* the optimizer's now */
    assert_int_equal(ag_step(opt), AG_OK);
    assert_int_equal(ag_optim_set(opt, "x", AG_LR, 1), AG_OK);
    assert_string_equal(ag_optim_state(opt).at[1].name, "adam.m.x");
    ag_optim_free(opt);
    ag_optim_free(NULL);
    assert_int_equal(live, before);
}

static void sizes_zero_and_one(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_tensor *none = ag_param(AG_F32, 0, 3), *number = ag_param(AG_F32), *matrix = ag_param(AG_F32, 2, 3);
    ag_optim *opt = ag_adam(AG_PARAMS({ "none", none }, { "number", number }, { "matrix", matrix }), .lr = 0.5);
    assert_int_equal(ag_backward(ag_add(ag_add(ag_sum(none), number), ag_sum(ag_mul(-2.0, matrix)))), AG_OK);
    assert_int_equal(ag_step(opt), AG_OK);
    assert_true(fabs(ag_item(number) + 0.5) < 1e-6 && fabs(ag_at(matrix, 1, 2) - 0.5) < 1e-6);
    ag_params s = ag_optim_state(opt);
    assert_int_equal(s.n, 9);
    assert_true(ag_rank(s.at[7].tensor) == 2 && ag_size(s.at[7].tensor, 1) == 3 && ag_numel(s.at[1].tensor) == 0);
    ag_optim_free(opt), ag_free(none), ag_free(number), ag_free(matrix), ag_tape_free(tape);
}

/* ---- settings ---- */

static void zero_is_written_as_such(void **state)
{
    (void)state;
    ag_tensor *x = param_of(AG_F64, 1, one);
    const ag_params p = AG_PARAMS({ "x", x });
    ag_optim *still = ag_adamw(p, .lr = AG_ZERO), *whole = ag_adamw(p, .lr = 0.5, .weight_decay = AG_ZERO);
    collect(x, one);
    assert_int_equal(ag_step(still), AG_OK);
    assert_true(value(x, 0) == 1 && ag_get_lr(still) == 0);
    collect(x, one);
    assert_int_equal(ag_step(whole), AG_OK);
    close_to(value(x, 0), 1 - 0.5 / (1 + 1e-8)); /* no decay */
    ag_optim_free(still), ag_optim_free(whole);

    ag_optim *sharp = ag_adam(p, .eps = AG_ZERO, .betas = { AG_ZERO, AG_ZERO }, .lr = 0.5); /* lr g / |g| */
    assert_int_equal(ag_write(x, one, 1), AG_OK);
    for (int i = 0; i < 3; i++) {
        collect(x, i % 2 ? (const double[]){ -1e-9 } : one);
        assert_int_equal(ag_step(sharp), AG_OK);
    }
    close_to(value(x, 0), 0.5);
    ag_optim_free(sharp);

    ag_optim *set = ag_sgd(p, .lr = 0.5, .weight_decay = 1);
    assert_int_equal(ag_optim_set(set, "x", AG_WEIGHT_DECAY, AG_ZERO), AG_OK);
    ag_set_lr(set, AG_ZERO);
    assert_true(ag_get_lr(set) == 0);
    ag_set_lr(set, 1);
    assert_int_equal(ag_optim_set(set, "*", AG_LR, AG_ZERO), AG_OK);
    assert_true(ag_get_lr(set) == 0);
    ag_optim_free(set), ag_free(x);
}

/* An older program's options end before .amsgrad. */
static void options_may_be_shorter(void **state)
{
    (void)state;
    ag_tensor *x = param_of(AG_F64, 1, one);
    ag_adam_options o = { .lr = 0.25, .amsgrad = true, .size = offsetof(ag_adam_options, amsgrad) };
    ag_optim *opt = (ag_adam)(AG_PARAMS({ "x", x }), &o);
    assert_true(ag_get_lr(opt) == 0.25 && ag_optim_state(opt).n == 3);
    ag_optim_free(opt);
    o.size = 0; /* as in this header */
    opt = (ag_adam)(AG_PARAMS({ "x", x }), &o);
    assert_int_equal(ag_optim_state(opt).n, 4);
    ag_optim_free(opt);
    opt = (ag_adamw)(AG_PARAMS({ "x", x }), NULL);
    assert_true(ag_get_lr(opt) == 1e-3);
    ag_optim_free(opt), ag_free(x);
}

static void senseless_options_are_errors(void **state)
{
    (void)state;
    ag_tensor *x = param_of(AG_F64, 1, one);
    const ag_params p = AG_PARAMS({ "x", x });
    long before = live;
#define FAILS(call, text) assert_null(call), failed(AG_EINVAL, text)
    FAILS(ag_sgd(p, .lr = -1), "ag_sgd: AG_LR is -1");
    FAILS(ag_sgd(p, .lr = NAN), "AG_LR is nan");
    FAILS(ag_sgd(p, .lr = INFINITY), "AG_LR is inf");
    FAILS(ag_sgd(p, .momentum = -0.1), "AG_MOMENTUM is -0.1");
    FAILS(ag_sgd(p, .weight_decay = -0.1), "AG_WEIGHT_DECAY");
    FAILS(ag_sgd(p, .momentum = 0.9, .dampening = NAN), ".dampening");
    FAILS(ag_sgd(p, .nesterov = true), ".nesterov");
    FAILS(ag_sgd(p, .nesterov = true, .momentum = 0.9, .dampening = 0.1), ".nesterov");
    FAILS(ag_adam(p, .lr = -1), "ag_adam: AG_LR");
    FAILS(ag_adam(p, .betas = { 1, 0.9 }), "AG_BETA1 is 1");
    FAILS(ag_adam(p, .betas = { 0.9, 1 }), "AG_BETA2 is 1");
    FAILS(ag_adam(p, .betas = { -0.5, 0.9 }), "AG_BETA1");
    FAILS(ag_adam(p, .eps = -1e-8), "AG_EPS");
    FAILS(ag_adamw(p, .weight_decay = NAN), "ag_adamw: AG_WEIGHT_DECAY is nan");
    assert_int_equal(live, before);
    ag_free(x);
}

static void senseless_lists_are_errors(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = param_of(AG_F64, 1, one), *y = param_of(AG_F64, 1, one), *whole = ag_new(AG_I64, 2);
    ag_tensor *temporary = ag_ones(AG_F64, 2);
    long before = live;
#define REFUSED(status, text, ...) assert_null(ag_adam(__VA_ARGS__)), failed(status, text)
    REFUSED(AG_EINVAL, "ag_adam: the list of parameters is empty", ((ag_params){ NULL, 0 }));
    REFUSED(AG_EINVAL, "empty", ((ag_params){ NULL, 3 }));
    REFUSED(AG_ENULL, "ag_adam: parameter 1 is NULL", AG_PARAMS({ "x", x }, { "y", NULL }));
    REFUSED(AG_ENULL, "ag_adam: parameter 0 is NULL", AG_PARAMS({ NULL, x }, { "y", y }));
    REFUSED(AG_EINVAL, "ag_adam: t is a temporary", AG_PARAMS({ "x", x }, { "t", temporary }));
    REFUSED(AG_EDTYPE, "ag_adam: n is i64", AG_PARAMS({ "n", whole }));
    assert_int_equal(live, before);
    assert_null(ag_sgd(AG_PARAMS({ "w", x }, { "a", y }, { "w", y })));
    failed(AG_EINVAL, "ag_sgd: two parameters are named w");
    assert_null(ag_adamw(AG_PARAMS({ "a", x }, { "b", y }, { "c", x })));
    assert_true(strstr(ag_errmsg(), "are one tensor") && strstr(ag_errmsg(), "a") && strstr(ag_errmsg(), "c"));
    ag_clear_error();
    assert_int_equal(live, before);

    /* born of an error: quiet */
    ag_fail(AG_EUSER, "no network");
    assert_null(ag_adam(((ag_params){ NULL, 0 })));
    assert_null(ag_adam(AG_PARAMS({ "x", NULL })));
    ag_set_lr(NULL, 1);
    assert_true(isnan(ag_get_lr(NULL)) && ag_optim_state(NULL).n == 0);
    assert_int_equal(ag_optim_set(NULL, "*", AG_LR, 1), AG_EUSER);
    failed(AG_EUSER, "no network");
    assert_int_equal(ag_optim_set(NULL, "*", AG_LR, 1), AG_ENULL);
    failed(AG_ENULL, "ag_optim_set");
    assert_true(isnan(ag_get_lr(NULL)));
    failed(AG_ENULL, "ag_get_lr");
    ag_free(x), ag_free(y), ag_free(whole), ag_tape_free(tape);
}

/* What a parameter moves by when its gradient is 1. */
static double pace(ag_optim *opt, ag_tensor *x)
{
    ag_write(x, one, 1);
    collect(x, one);
    assert_int_equal(ag_step(opt), AG_OK);
    return 1 - value(x, 0);
}

static void patterns_choose_parameters(void **state)
{
    (void)state;
    ag_tensor *w = param_of(AG_F64, 1, one), *b = param_of(AG_F64, 1, one), *v = param_of(AG_F64, 1, one);
    ag_optim *opt = ag_sgd(AG_PARAMS({ "0.weight", w }, { "0.bias", b }, { "head.1.bias", v }), .lr = 0.5);
    assert_int_equal(ag_optim_set(opt, "*.bias", AG_LR_SCALE, 0.5), AG_OK);
    assert_true(pace(opt, w) == 0.5 && pace(opt, b) == 0.25 && pace(opt, v) == 0.25);
    assert_int_equal(ag_optim_set(opt, "head.*", AG_LR_SCALE, 2), AG_OK); /* the later wins */
    assert_int_equal(ag_optim_set(opt, "0.[bw]*", AG_LR, 0.125), AG_OK);
    assert_true(pace(opt, w) == 0.125 && pace(opt, b) == 0.0625 && pace(opt, v) == 1);
    assert_true(ag_get_lr(opt) == 0.5); /* not of all */
    ag_set_lr(opt, 0.25);
    assert_true(pace(opt, w) == 0.25 && pace(opt, b) == 0.125 && pace(opt, v) == 0.5 && ag_get_lr(opt) == 0.25);
    assert_int_equal(ag_optim_set(opt, "*", AG_LR, 1), AG_OK);
    assert_true(pace(opt, w) == 1 && ag_get_lr(opt) == 1);
    assert_int_equal(ag_optim_set(opt, "*", AG_LR_SCALE, 0), AG_OK);
    assert_true(pace(opt, w) == 0 && pace(opt, v) == 0 && ag_get_lr(opt) == 1);
    assert_int_equal(ag_optim_set(opt, "*", AG_LR_SCALE, 1), AG_OK);

    const struct {
        const char *pattern;
        ag_setting what;
        double value;
        ag_status status;
        const char *text;
    } wrong[] = {
        { "*.bia", AG_LR, 1, AG_EMISSING, "no parameter's name matches *.bia" },
        { "", AG_LR, 1, AG_EMISSING, "matches" },
        { NULL, AG_LR, 1, AG_ENULL, "pattern" },
        { "*", AG_EPS, 1, AG_EINVAL, "ag_optim_set: ag_sgd has no setting AG_EPS" },
        { "*", AG_BETA1, 0.5, AG_EINVAL, "ag_sgd has no setting AG_BETA1" },
        { "*", (ag_setting)99, 0.5, AG_EINVAL, "no setting" },
        { "*", (ag_setting)-1, 0.5, AG_EINVAL, "no setting" },
        { "*", AG_LR, -0.5, AG_EINVAL, "AG_LR is -0.5" },
        { "*", AG_LR_SCALE, NAN, AG_EINVAL, "AG_LR_SCALE is nan" },
        { "*", AG_MOMENTUM, INFINITY, AG_EINVAL, "AG_MOMENTUM is inf" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(ag_optim_set(opt, wrong[i].pattern, wrong[i].what, wrong[i].value), wrong[i].status);
        failed(wrong[i].status, wrong[i].text);
    }
    ag_set_lr(opt, NAN);
    failed(AG_EINVAL, "ag_set_lr: AG_LR is nan");
    assert_true(pace(opt, w) == 1 && pace(opt, v) == 1 && ag_get_lr(opt) == 1);

    ag_optim *moments = ag_adam(AG_PARAMS({ "w", w }));
    ag_optim_set(moments, "*", AG_MOMENTUM, 0.5);
    failed(AG_EINVAL, "ag_adam has no setting AG_MOMENTUM");
    ag_optim_set(moments, "*", AG_BETA2, 1);
    failed(AG_EINVAL, "AG_BETA2 is 1, not from 0 to below 1");
    assert_true(fabs(pace(moments, w) - 1e-3) < 1e-9);
    ag_params before = ag_optim_state(moments);
    ag_tensor *m = before.at[1].tensor;
    assert_int_equal(ag_optim_set(moments, "*", AG_BETA2, 0.5), AG_OK);
    assert_true(ag_optim_state(moments).at[1].tensor == m && fabs(value(m, 0) - 0.1) < 1e-15);
    ag_optim_free(moments), ag_optim_free(opt), ag_free(w), ag_free(b), ag_free(v);
}

/* ---- state ---- */

static void state_is_named(void **state)
{
    (void)state;
    ag_tensor *w = ag_param(AG_F32, 2, 3), *b = ag_param(AG_F64, 3);
    const ag_params p = AG_PARAMS({ "0.weight", w }, { "0.bias", b });
    const struct {
        ag_optim *opt;
        const char *names;
    } cases[] = {
        { ag_sgd(p), "" },
        { ag_sgd(p, .momentum = 0.5), "sgd.step.0.weight sgd.momentum.0.weight sgd.step.0.bias sgd.momentum.0.bias " },
        { ag_adam(p), "adam.step.0.weight adam.m.0.weight adam.v.0.weight adam.step.0.bias adam.m.0.bias "
                      "adam.v.0.bias " },
        { ag_adamw(p, .amsgrad = true), "adamw.step.0.weight adamw.m.0.weight adamw.v.0.weight adamw.vmax.0.weight "
                                        "adamw.step.0.bias adamw.m.0.bias adamw.v.0.bias adamw.vmax.0.bias " },
    };
    for (int c = 0; c < 4; c++) {
        char names[512] = "";
        ag_params s = ag_optim_state(cases[c].opt);
        for (int64_t i = 0; i < s.n; i++) {
            ag_tensor *x = s.at[i].tensor, *of = strstr(s.at[i].name, "bias") ? b : w;
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s ", s.at[i].name);
            bool count = strstr(s.at[i].name, ".step.");
            assert_int_equal(ag_dtype_of(x), count ? AG_I64 : ag_dtype_of(of));
            assert_int_equal(ag_numel(x), count ? 1 : ag_numel(of));
            assert_int_equal(ag_rank(x), count ? 0 : ag_rank(of));
            assert_true(ag_is_mine(x));
        }
        assert_string_equal(names, cases[c].names);
        ag_optim_free(cases[c].opt);
    }
    ag_free(w), ag_free(b);
}

static void copy_list(ag_params to, ag_params from)
{
    assert_int_equal(to.n, from.n);
    for (int64_t i = 0; i < to.n; i++) {
        assert_string_equal(to.at[i].name, from.at[i].name);
        assert_int_equal(ag_assign(to.at[i].tensor, from.at[i].tensor), AG_OK);
    }
}

/* Stopped after any step, with state and parameters copied into fresh ones: the same bits as without a stop. */
static void a_run_resumes_bit_for_bit(void **state)
{
    (void)state;
    enum { N = 19, ALL = 6 };
    double start[N];
    for (int i = 0; i < N; i++) start[i] = cos(2.0 * i);
    for (int kind = 0; kind < KINDS; kind++)
        for (int stop = 0; stop < ALL; stop++) {
            ag_tensor *x[2], *y[2];
            ag_optim *opt[2];
            for (int k = 0; k < 2; k++) {
                x[k] = param_of(AG_F64, N, start), y[k] = param_of(AG_F32, N, start);
                opt[k] = make(kind, AG_PARAMS({ "x", x[k] }, { "y", y[k] }));
            }
            for (int t = 0; t < ALL; t++) {
                if (t == stop) {
                    copy_list(ag_optim_state(opt[1]), ag_optim_state(opt[0]));
                    ag_assign(x[1], x[0]), ag_assign(y[1], y[0]);
                }
                for (int k = 0; k <= (t >= stop); k++) {
                    collect_step(x[k], t);
                    if (t % 3) collect_step(y[k], t); /* the two count their own steps */
                    assert_int_equal(ag_step(opt[k]), AG_OK);
                }
            }
            assert_memory_equal(ag_f64(x[0]), ag_f64(x[1]), N * sizeof(double));
            assert_memory_equal(ag_f32(y[0]), ag_f32(y[1]), N * sizeof(float));
            for (int k = 0; k < 2; k++) ag_optim_free(opt[k]), ag_free(x[k]), ag_free(y[k]);
        }
}

static void momentum_may_come_later(void **state)
{
    (void)state;
    ag_tensor *x = param_of(AG_F64, 1, one), *y = param_of(AG_F64, 1, one);
    ag_optim *opt = ag_sgd(AG_PARAMS({ "x", x }, { "y", y }), .lr = 0.5, .dampening = 0.5);
    assert_true(pace(opt, x) == 0.5 && pace(opt, x) == 0.5 && ag_optim_state(opt).n == 0);
    assert_int_equal(ag_optim_set(opt, "x", AG_MOMENTUM, 0.5), AG_OK);
    ag_params s = ag_optim_state(opt);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.at[1].name, "sgd.momentum.x");
    assert_true(pace(opt, x) == 0.5); /* buffer 1 */
    assert_true(pace(opt, x) == 0.5); /* 0.5 1 + 0.5 1 */
    assert_true(pace(opt, y) == 0.5);
    assert_int_equal(ag_optim_set(opt, "x", AG_MOMENTUM, 0), AG_OK);
    assert_true(ag_optim_state(opt).n == 0 && pace(opt, x) == 0.5);
    ag_optim_free(opt), ag_free(x), ag_free(y);
}

/* ---- memory ---- */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    double start[3] = { 1, 2, 3 };
    ag_tensor *x = param_of(AG_F64, 3, start), *y = param_of(AG_F32, 3, start);
    long before = live, tried = 0;
    for (int kind = 0; kind < KINDS; kind++)
        for (long k = 1;; k++, tried++) {
            seen = 0, fail_at = k;
            ag_optim *opt = make(kind, AG_PARAMS({ "x", x }, { "y", y }));
            fail_at = 0;
            if (seen < k) {
                assert_non_null(opt);
                ag_optim_free(opt);
                assert_int_equal(live, before);
                break;
            }
            assert_null(opt);
            assert_int_equal(ag_clear_error(), AG_ENOMEM);
            assert_int_equal(live, before);
        }
    assert_true(tried >= 2 * KINDS);

    /* momentum for two of which only one gets its buffer: for none */
    ag_optim *opt = ag_sgd(AG_PARAMS({ "x", x }, { "y", y }), .lr = 0.5);
    for (long k = 1; k <= 3; k++) { /* those that were got are kept, so that the third time y's is the third */
        seen = 0, fail_at = k;
        assert_int_equal(ag_optim_set(opt, "*", AG_MOMENTUM, 0.9), AG_ENOMEM);
        fail_at = 0;
        ag_clear_error();
        assert_int_equal(ag_optim_state(opt).n, 0);
    }
    assert_int_equal(ag_optim_set(opt, "*", AG_MOMENTUM, 0.9), AG_OK);
    assert_int_equal(ag_optim_state(opt).n, 4);

    collect_step(x, 1), collect_step(y, 1);
    seen = 0;
    assert_int_equal(ag_step(opt), AG_OK);
    assert_int_equal(seen, 0); /* a step allocates nothing */
    ag_optim_free(opt), ag_free(x), ag_free(y);
    print_message("# %ld allocations made to fail\n", tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trajectories_are_pytorchs),
        cmocka_unit_test(a_replay_tells_what_is_wrong),
        cmocka_unit_test(loops_are_the_formulas),
        cmocka_unit_test(a_nan_stays),
        cmocka_unit_test(a_step_uses_up_gradients),
        cmocka_unit_test(a_failed_step_changes_nothing),
        cmocka_unit_test(a_second_derivative_notices_the_step),
        cmocka_unit_test(parameters_outlive_their_list),
        cmocka_unit_test(sizes_zero_and_one),
        cmocka_unit_test(zero_is_written_as_such),
        cmocka_unit_test(options_may_be_shorter),
        cmocka_unit_test(senseless_options_are_errors),
        cmocka_unit_test(senseless_lists_are_errors),
        cmocka_unit_test(patterns_choose_parameters),
        cmocka_unit_test(state_is_named),
        cmocka_unit_test(a_run_resumes_bit_for_bit),
        cmocka_unit_test(momentum_may_come_later),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
