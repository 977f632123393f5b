/* fashion_mnist.c - trains a network on real images, 60,000 garments of ten kinds, and tries it on 10,000 others.
 *
 * From top to bottom: the networks and optimizers to choose from, the training loop, what is known at the end, the
 * command line. The last two lines of the output are for comparing runs: the mean loss over the samples of the last
 * epoch as seen during training, and the share of test images named rightly afterwards. */
#define _POSIX_C_SOURCE 200809L
#include <autograd/autograd.h>
#include <examples/curve.h>
#include <examples/garments.h>
#include <examples/progress.h>
#include <nn/nn.h>
#include <optim/optim.h>

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CURVE "build/fashion_mnist.svg"
enum { TEST_BATCH = 1000 };

/* ---- what to train, and how ---- */

static ag_module *mlp(void)
{
    return ag_Sequential(ag_Flatten(), ag_Linear(28 * 28, 128), ag_Act(ag_relu), ag_Linear(128, CLASSES));
}

static ag_optim *sgd(ag_params params, double lr)
{
    return ag_sgd(params, .lr = lr);
}
static ag_optim *adam(ag_params params, double lr)
{
    return ag_adam(params, .lr = lr);
}
static ag_optim *adamw(ag_params params, double lr)
{
    return ag_adamw(params, .lr = lr);
}

typedef struct model {
    const char *name;
    ag_module *(*make)(void);
} model;
typedef struct optimizer {
    const char *name;
    ag_optim *(*make)(ag_params params, double lr);
    double lr; /* unless --lr says otherwise */
} optimizer;

static const model models[] = { { "mlp", mlp } };
static const optimizer optimizers[] = { { "adam", adam, 1e-3 }, { "adamw", adamw, 1e-3 }, { "sgd", sgd, 0.1 } };
#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

typedef struct settings {
    const model *model;
    const optimizer *optimizer;
    double lr;                            /* 0: the optimizer's */
    int64_t epochs, batch, seed, threads; /* threads 0: as many as there are processors */
    const char *data, *save;
} settings;

/* ---- training ---- */

/* Set by Ctrl-C, which is then the default again: a second one ends the program at once. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}
static void catch_interrupt(void)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
    sigaction(SIGINT, &action, NULL);
}

typedef struct run {
    ag_tape *tape;
    ag_module *net;
    ag_optim *opt;
    ag_loader *train, *test;
    progress progress;
    curve curve;       /* the loss of each batch */
    double train_loss; /* of the last epoch with a batch */
    int64_t steps;
    bool stopped; /* by Ctrl-C */
} run;

static double count_right(ag_tensor *logits, ag_tensor *labels)
{
    double right = 0;
    AG_NO_GRAD
        right = ag_item(ag_sum(ag_eq(ag_argmax(logits, 1), labels)));
    return right;
}

/* The reset at the end reports whatever went wrong before it. */
static ag_status train_batch(run *r, const ag_batch *b)
{
    ag_tensor *logits = ag_forward(r->net, b->x);
    ag_tensor *loss = ag_cross_entropy(logits, b->y);
    if (!ag_backward(loss) && !ag_step(r->opt)) {
        progress_batch(&r->progress, b->n, ag_item(loss), count_right(logits, b->y));
        curve_add(&r->curve, ag_item(loss));
        r->train_loss = r->progress.loss / (double)r->progress.seen;
        r->steps++;
    }
    return ag_tape_reset(r->tape);
}

static ag_status train(run *r, int64_t epochs)
{
    r->progress = progress_start(epochs, ag_loader_count(r->train));
    for (int64_t epoch = 1; epoch <= epochs && !interrupted; epoch++) {
        ag_status status = AG_OK;
        ag_batch b;
        progress_epoch(&r->progress, epoch);
        while (!status && !interrupted && ag_next(r->train, &b)) status = train_batch(r, &b);
        if (status || (status = ag_error())) return status;
    }
    r->stopped = interrupted;
    progress_stop(&r->progress);
    return AG_OK;
}

/* ---- what is known at the end ---- */

static ag_status evaluate(run *r, verdict *v)
{
    ag_status status = AG_OK;
    ag_batch b;
    ag_train(r->net, false);
    while (!status && ag_next(r->test, &b)) {
        AG_NO_GRAD
            verdict_add(v, b.x, b.y, ag_argmax(ag_forward(r->net, b.x), 1));
        status = ag_tape_reset(r->tape);
    }
    return status ? status : ag_error();
}

static void report(const run *r, const verdict *v)
{
    const progress *p = &r->progress;
    if (r->stopped)
        printf("interrupted in epoch %lld of %lld, after %lld batches\n", (long long)p->epoch, (long long)p->epochs,
               (long long)r->steps);
    verdict_print(v, stdout);
    char axis[64];
    snprintf(axis, sizeof axis, "batch %lld", (long long)r->steps);
    if (curve_write_svg(&r->curve, CURVE, "Training loss", axis))
        printf("the loss of each batch is drawn in " CURVE "\n");
    else
        fprintf(stderr, "fashion_mnist: no drawing of the loss: %s: %s\n", CURVE, strerror(errno));
    printf("train loss: %.4f\ntest accuracy: %.4f\n", r->train_loss, verdict_accuracy(v));
}

/* Better known before the training than after it. */
static bool can_be_saved(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    if (access(folder, W_OK) == 0) return true;
    return ag_fail(AG_EIO, "--save %s: %s", path, strerror(errno)), false;
}

static int train_and_report(const settings *s)
{
    double lr = s->lr > 0 ? s->lr : s->optimizer->lr;
    run r = { .tape = ag_tape_new(), .train_loss = NAN };
    verdict v = { 0 };
    int status = 1;
    ag_seed((uint64_t)s->seed);
    ag_set_threads((int)s->threads);
    ag_dataset *train_set = ag_dataset_mnist(s->data, "train"), *test_set = ag_dataset_mnist(s->data, "t10k");
    ag_status read = ag_error();
    r.train = ag_loader_new(train_set, .batch = s->batch, .shuffle = true, .seed = (uint64_t)s->seed);
    r.test = ag_loader_new(test_set, .batch = TEST_BATCH);
    r.net = s->model->make();
    r.opt = s->optimizer->make(ag_parameters(r.net), lr);
    if (ag_error() || (s->save && !can_be_saved(s->save))) goto out;

    printf("%s, %s %g, batches of %lld, seed %lld\n", s->model->name, s->optimizer->name, lr, (long long)s->batch,
           (long long)s->seed);
    catch_interrupt();
    if (train(&r, s->epochs) || evaluate(&r, &v)) goto out;
    report(&r, &v);
    status = s->save && ag_save(s->save, ag_state(r.net));
out:
    if (status) fprintf(stderr, "fashion_mnist: %s\n", ag_errmsg());
    if (read == AG_EIO || read == AG_EFORMAT)
        fprintf(stderr, "fashion_mnist: the images come with Debian's package dataset-fashion-mnist: "
                        "`make deps` or `apt install dataset-fashion-mnist`; --data names another directory\n");
    ag_optim_free(r.opt);
    ag_module_free(r.net);
    ag_loader_free(r.train), ag_loader_free(r.test);
    ag_dataset_free(train_set), ag_dataset_free(test_set);
    ag_tape_free(r.tape);
    return status;
}

/* ---- the command line ---- */

static const settings defaults = {
    .model = &models[0],
    .optimizer = &optimizers[0],
    .epochs = 5,
    .batch = 64,
    .seed = 1,
    .data = "/usr/share/datasets/fashion-mnist",
};

static void usage(FILE *to)
{
    fprintf(to,
            "usage: fashion_mnist [options]\n"
            "Trains a network on Fashion-MNIST: 28 x 28 pixels, ten kinds of garment.\n"
            "  --model NAME      mlp: 784-128-10 with ReLU (default)\n"
            "  --optimizer NAME  adam (default), adamw or sgd\n"
            "  --lr X            learning rate (default 0.001; 0.1 for sgd)\n"
            "  --batch N         images per step (default %lld)\n"
            "  --epochs N        passes over the training images (default %lld)\n"
            "  --seed N          of initial weights and order (default %lld)\n"
            "  --threads N       to compute with (default: as many as there are processors)\n"
            "  --data DIR        directory of the IDX files, gzipped or not\n"
            "                    (default %s)\n"
            "  --save FILE       writes the trained parameters as safetensors\n"
            "  --help            this text\n"
            "Ctrl-C ends the training and reports what is known by then.\n",
            (long long)defaults.batch, (long long)defaults.epochs, (long long)defaults.seed, defaults.data);
}

/* A whole number from low to high; the whole of text must be one. */
static bool parse_count(const char *text, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno || value < low || value > high) return false;
    *out = value;
    return true;
}

static bool parse_rate(const char *text, double *out)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value <= 0) return false;
    *out = value;
    return true;
}

static bool parse_model(const char *name, const model **out)
{
    for (int i = 0; i < COUNT(models); i++)
        if (!strcmp(name, models[i].name)) return *out = &models[i], true;
    return false;
}

static bool parse_optimizer(const char *name, const optimizer **out)
{
    for (int i = 0; i < COUNT(optimizers); i++)
        if (!strcmp(name, optimizers[i].name)) return *out = &optimizers[i], true;
    return false;
}

/* Fills s; -1 to go on, else the status to exit with. */
static int parse(int argc, char **argv, settings *s)
{
    static const struct option options[] = {
        { "model", required_argument, NULL, 'm' },
        { "optimizer", required_argument, NULL, 'o' },
        { "lr", required_argument, NULL, 'l' },
        { "batch", required_argument, NULL, 'b' },
        { "epochs", required_argument, NULL, 'e' },
        { "seed", required_argument, NULL, 's' },
        { "threads", required_argument, NULL, 't' },
        { "data", required_argument, NULL, 'd' },
        { "save", required_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    bool good = true;
    for (int c, which = 0; good && (c = getopt_long(argc, argv, "", options, &which)) != -1;) {
        switch (c) {
        case 'm': good = parse_model(optarg, &s->model); break;
        case 'o': good = parse_optimizer(optarg, &s->optimizer); break;
        case 'l': good = parse_rate(optarg, &s->lr); break;
        case 'b': good = parse_count(optarg, 1, 1000000, &s->batch); break;
        case 'e': good = parse_count(optarg, 1, 1000000, &s->epochs); break;
        case 's': good = parse_count(optarg, 0, INT64_MAX, &s->seed); break;
        case 't': good = parse_count(optarg, 1, 256, &s->threads); break;
        case 'd': s->data = optarg; break;
        case 'f': s->save = optarg; break;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
        if (!good) fprintf(stderr, "fashion_mnist: --%s: unusable value '%s'\n", options[which].name, optarg);
    }
    if (good && optind < argc) {
        fprintf(stderr, "fashion_mnist: unknown argument '%s'\n", argv[optind]);
        good = false;
    }
    return good ? -1 : 2;
}

int main(int argc, char **argv)
{
    settings s = defaults;
    int status = parse(argc, argv, &s);
    return status < 0 ? train_and_report(&s) : status;
}
