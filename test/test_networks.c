/* Ten small networks drawn at random and trained by PyTorch (golden/networks.py): the same layers, weights and data
 * give the same gradients and, for ten steps, the same losses. f64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/nn.h>
#include <optim/optim.h>
#include <test/plain.h>

#define FOLDER "test/golden/networks/"
enum { STEPS = 10, WIDEST = 32, DEEPEST = 20 };
static const double gradient_tolerance = 1e-12, loss_tolerance = 1e-11;

/* ---- a line of networks.tsv: file, layers, loss, optimizer ---- */

typedef struct row {
    char text[1000];
    char *file, *layers, *loss, *optimizer;
} row;

static bool next_row(FILE *table, row *r)
{
    if (!fgets(r->text, sizeof r->text, table)) return false;
    char **const fields[] = { &r->file, &r->layers, &r->loss, &r->optimizer };
    char *at = r->text;
    for (int i = 0; i < 4; i++) {
        *fields[i] = at;
        at += strcspn(at, "\t\n");
        assert_int_equal(*at, i < 3 ? '\t' : '\n');
        *at++ = 0;
    }
    return true;
}

static bool is(const char *words, const char *kind)
{
    const size_t n = strlen(kind);
    return !strncmp(words, kind, n) && (words[n] == ' ' || !words[n]);
}
/* What stands behind "key=" in the words of a loss or an optimizer; NULL: nothing does. */
static const char *setting(const char *words, const char *key)
{
    char sought[40];
    snprintf(sought, sizeof sought, " %s=", key);
    const char *at = strstr(words, sought);
    return at ? at + strlen(sought) : NULL;
}
static double number(const char *words, const char *key)
{
    const char *at = setting(words, key);
    return at ? strtod(at, NULL) : 0;
}

/* ---- layers ---- */

static ag_tensor *leaky_relu(ag_tensor *x)
{
    return ag_leaky_relu(x, 0.01);
}
static ag_tensor *silu(ag_tensor *x)
{
    return ag_mul(x, ag_sigmoid(x));
}
static ag_tensor *gelu(ag_tensor *x)
{
    return ag_mul(ag_mul(0.5, x), ag_add(1.0, ag_erf(ag_mul(sqrt(0.5), x))));
}
static ag_tensor *log_softmax(ag_tensor *x)
{
    return ag_log_softmax(x, -1);
}
static const struct {
    const char *name;
    ag_tensor *(*f)(ag_tensor *x);
} activations[] = {
    { "ReLU", ag_relu },         { "Tanh", ag_tanh }, { "Sigmoid", ag_sigmoid }, { "Softplus", ag_softplus },
    { "LeakyReLU", leaky_relu }, { "SiLU", silu },    { "GELU", gelu },          { "LogSoftmax", log_softmax },
};

static ag_module *layer_of(const char *word)
{
    int64_t in, out;
    double p;
    if (sscanf(word, "Linear:%" SCNd64 ":%" SCNd64, &in, &out) == 2)
        return ag_Linear(in, out, .dtype = AG_F64, .no_bias = strstr(word, ":no_bias"));
    if (sscanf(word, "Dropout:%lf", &p) == 1) return ag_Dropout(p);
    if (is(word, "Flatten")) return ag_Flatten();
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (is(word, activations[i].name)) return ag_Act(activations[i].f);
    fail_msg("no layer \"%s\"", word);
    return NULL;
}

/* "[ ... ]" is a residual of what is in it. */
static ag_module *network_of(char *words)
{
    struct {
        ag_module *child[WIDEST];
        int n;
    } level[DEEPEST] = { { .n = 0 } };
    int depth = 0;
    for (char *word = words, *end; *word; word = end) {
        end = word + strcspn(word, " ");
        if (*end) *end++ = 0;
        assert_true(level[depth].n < WIDEST && depth + 1 < DEEPEST);
        if (is(word, "[")) {
            level[++depth].n = 0;
            continue;
        }
        ag_module *m;
        if (is(word, "]")) {
            m = ag_Residual((ag_Sequential)(level[depth].n, level[depth].child));
            assert_true(--depth >= 0);
        } else
            m = layer_of(word);
        level[depth].child[level[depth].n++] = m;
    }
    assert_int_equal(depth, 0);
    return (ag_Sequential)(level[0].n, level[0].child);
}

/* ---- the recorded tensors ---- */

static ag_tensor *find(ag_params list, const char *prefix, const char *name)
{
    char whole[100];
    snprintf(whole, sizeof whole, "%s%s", prefix, name);
    for (int64_t i = 0; i < list.n; i++)
        if (!strcmp(list.at[i].name, whole)) return list.at[i].tensor;
    return NULL;
}
static ag_tensor *held(ag_params list, const char *prefix, const char *name)
{
    ag_tensor *x = find(list, prefix, name);
    if (!x) fail_msg("no \"%s%s\"", prefix, name);
    return x;
}

/* ---- loss and optimizer ---- */

static const struct {
    const char *name;
    ag_tensor *(*f)(ag_tensor *y, ag_tensor *target, const ag_loss_options *options);
} losses[] = {
    { "cross_entropy", ag_cross_entropy },     { "nll_loss", ag_nll_loss }, { "mse_loss", ag_mse_loss },
    { "bce_with_logits", ag_bce_with_logits }, { "l1_loss", ag_l1_loss },   { "huber_loss", ag_huber_loss },
};

static ag_tensor *loss_of(const char *words, ag_params file, ag_tensor *y)
{
    const char *ignore = setting(words, "ignore"), *reduction = setting(words, "reduction");
    const int64_t ignored = ignore ? strtoll(ignore, NULL, 10) : 0;
    const ag_loss_options options = {
        .reduction = reduction && is(reduction, "sum") ? AG_SUM : AG_MEAN,
        .weight = find(file, "loss.", "weight"),
        .pos_weight = find(file, "loss.", "pos_weight"),
        .label_smoothing = number(words, "label_smoothing"),
        .ignore = ignore ? &ignored : NULL,
        .delta = number(words, "delta"),
    };
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        if (is(words, losses[i].name)) return losses[i].f(y, held(file, "", "target"), &options);
    fail_msg("no loss \"%s\"", words);
    return NULL;
}

static ag_optim *optimizer_of(const char *words, ag_params p)
{
    const double lr = number(words, "lr"), weight_decay = number(words, "weight_decay");
    if (is(words, "sgd"))
        return ag_sgd(p, .lr = lr, .weight_decay = weight_decay, .momentum = number(words, "momentum"),
                      .dampening = number(words, "dampening"), .nesterov = setting(words, "nesterov"));
    const ag_adam_options adam = { .lr = lr,
                                   .weight_decay = weight_decay,
                                   .betas = { number(words, "beta1"), number(words, "beta2") },
                                   .eps = number(words, "eps"),
                                   .amsgrad = setting(words, "amsgrad") };
    if (is(words, "adam")) return (ag_adam)(p, &adam);
    if (is(words, "adamw")) return (ag_adamw)(p, &adam);
    fail_msg("no optimizer \"%s\"", words);
    return NULL;
}

/* ---- the comparison ---- */

typedef struct worst {
    double gradient, loss;
    int gradients, losses;
} worst;

static void compare_gradients(const row *r, ag_params p, ag_params file, worst *w)
{
    for (int64_t i = 0; i < p.n; i++, w->gradients++) {
        const double d = plain_distance(ag_grad_of(p.at[i].tensor), held(file, "grad.", p.at[i].name));
        if (!(d <= gradient_tolerance)) fail_msg("%s: gradient of %s is %.2g off", r->file, p.at[i].name, d);
        w->gradient = fmax(w->gradient, d);
    }
}

static void compare_network(row *r, ag_params file, worst *w)
{
    ag_tape *tape = ag_tape_new();
    ag_module *net = network_of(r->layers);
    ag_train(net, false); /* dropout passes */
    const ag_params p = ag_parameters(net);
    for (int64_t i = 0; i < p.n; i++) {
        ag_tensor *initial = held(file, "", p.at[i].name);
        assert_true(plain_distance(p.at[i].tensor, initial) < INFINITY); /* the same shape */
        ag_assign(p.at[i].tensor, initial);
    }
    ag_optim *opt = optimizer_of(r->optimizer, p);
    ag_tensor *recorded = held(file, "", "losses");
    assert_int_equal(ag_numel(recorded), STEPS + 1);
    for (int step = 0; step <= STEPS; step++, w->losses++) {
        ag_tensor *loss = loss_of(r->loss, file, ag_forward(net, held(file, "", "input")));
        ag_backward(loss);
        if (step == 0) compare_gradients(r, p, file, w);
        const double theirs = ag_at(recorded, step), d = fabs(ag_item(loss) - theirs) / fabs(theirs);
        if (!(d <= loss_tolerance)) fail_msg("%s: loss %d is %.2g off; %s", r->file, step, d, ag_errmsg());
        w->loss = fmax(w->loss, d);
        ag_step(opt);
        if (ag_tape_reset(tape)) fail_msg("%s: %s", r->file, ag_errmsg());
    }
    ag_optim_free(opt);
    ag_module_free(net);
    ag_tape_free(tape);
}

static void networks_train_as_in_pytorch(void **state)
{
    (void)state;
    FILE *table = fopen(FOLDER "networks.tsv", "r");
    assert_non_null(table);
    int networks = 0;
    worst w = { 0, 0, 0, 0 };
    for (row r; next_row(table, &r); networks++) {
        char path[100];
        snprintf(path, sizeof path, FOLDER "%s", r.file);
        ag_file *file = ag_file_open(path);
        if (!file && ag_error() == AG_EMISSING) {
            print_message("# %s\n", ag_errmsg());
            ag_clear_error();
            fclose(table);
            skip();
        }
        if (!file) fail_msg("%s", ag_errmsg());
        compare_network(&r, ag_file_list(file), &w);
        ag_file_free(file);
    }
    fclose(table);
    print_message("# %d networks as in PyTorch: %d gradients within %.1e, %d losses within %.1e\n", networks,
                  w.gradients, w.gradient, w.losses, w.loss);
    assert_true(networks >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(networks_train_as_in_pytorch) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
