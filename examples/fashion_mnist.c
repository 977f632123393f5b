/* fashion_mnist.c - trains a network on real images: 784 pixels, 128 hidden units, 10 kinds of garment.
 *
 * The layers are operations of the engine and the optimizer is a loop, so that all of it can be seen: record a batch,
 * walk back, move each parameter against its gradient, reset the tape. The last two lines are for comparing runs: the
 * mean loss over the samples of the last epoch as seen during training, and the share of test images named rightly
 * afterwards. */
#define _POSIX_C_SOURCE 200809L
#include <autograd/autograd.h>
#include <nn/data.h>

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PIXELS = 28 * 28, HIDDEN = 128, CLASSES = 10, TEST_BATCH = 1000, BAR = 12 };

struct settings {
    int64_t epochs, batch;
    double lr;
    uint64_t seed;
    const char *data;
};

/* ---- the network ---- */

struct network {
    ag_tensor *w1, *b1, *w2, *b2;
};

/* A parameter with uniform random elements in +-1/sqrt(fan_in). */
static ag_tensor *parameter(int64_t fan_in, ag_tensor *uniform)
{
    return ag_param_like(ag_mul(1 / sqrt((double)fan_in), ag_sub(ag_mul(2.0, uniform), 1.0)));
}

static struct network network_new(void)
{
    return (struct network){
        .w1 = parameter(PIXELS, ag_rand(AG_F32, HIDDEN, PIXELS)),
        .b1 = parameter(PIXELS, ag_rand(AG_F32, HIDDEN)),
        .w2 = parameter(HIDDEN, ag_rand(AG_F32, CLASSES, HIDDEN)),
        .b2 = parameter(HIDDEN, ag_rand(AG_F32, CLASSES)),
    };
}

static void network_free(const struct network *net)
{
    ag_free(net->w1), ag_free(net->b1), ag_free(net->w2), ag_free(net->b2);
}

static ag_tensor *logits(const struct network *net, ag_tensor *x)
{
    x = ag_reshape(x, -1, PIXELS);
    return ag_linear(ag_relu(ag_linear(x, net->w1, net->b1)), net->w2, net->b2);
}

/* w <- w - lr dL/dw, and the gradients are used up. */
static ag_status descend(const struct network *net, double lr)
{
    ag_params all = AG_PARAMS({ "w1", net->w1 }, { "b1", net->b1 }, { "w2", net->w2 }, { "b2", net->b2 });
    for (int64_t k = 0; k < all.n; k++) {
        ag_tensor *parameter = all.at[k].tensor;
        const float *g = ag_f32(ag_grad_of(parameter));
        float *w = ag_f32_write(parameter), step = (float)lr;
        if (!g || !w) break;
        for (int64_t i = 0, n = ag_numel(parameter); i < n; i++) w[i] -= step * g[i];
    }
    ag_zero_grad(all);
    return ag_error();
}

/* ---- accuracy ---- */

static double count_right(ag_tensor *scores, ag_tensor *labels)
{
    double right = 0;
    AG_NO_GRAD
        right = ag_item(ag_sum(ag_eq(ag_argmax(scores, 1), labels)));
    return right;
}

/* How many of the loader's images are named rightly. */
static ag_status evaluate(const struct network *net, ag_loader *data, ag_tape *tape, double *right)
{
    ag_status status = AG_OK;
    ag_batch b;
    *right = 0;
    while (!status && ag_next(data, &b)) {
        AG_NO_GRAD
            *right += count_right(logits(net, b.x), b.y);
        status = ag_tape_reset(tape);
    }
    return status ? status : ag_error();
}

/* ---- progress ---- */

struct progress {
    const struct settings *settings;
    bool terminal;
    int64_t epoch, seen, total; /* of this epoch, counted from 1; samples of it; samples in each */
    double loss, right;         /* sums over the samples seen */
    double began, shown;        /* seconds: start of the run, last time the bar was drawn */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void show(struct progress *p)
{
    bool last = p->seen == p->total;
    double time = now(), elapsed = time - p->began, n = (double)p->seen;
    if (!last && (!p->terminal || time - p->shown < 0.1)) return;
    p->shown = time;

    double done = (double)((p->epoch - 1) * p->total + p->seen), all = (double)(p->settings->epochs * p->total);
    double rate = elapsed > 0 ? done / elapsed : 0, left = rate > 0 ? (all - done) / rate : 0;
    if (p->terminal) { /* one line of 80 columns */
        int filled = (int)(BAR * p->seen / p->total);
        printf("\r%lld/%lld [%.*s%*s]", (long long)p->epoch, (long long)p->settings->epochs, filled, "############",
               BAR - filled, "");
    } else {
        printf("epoch %lld/%lld", (long long)p->epoch, (long long)p->settings->epochs);
    }
    printf("  loss %.4f  accuracy %.4f  %.0f samples/s", p->loss / n, p->right / n, rate);
    if (p->terminal) printf("  %.0f s left ", left);
    if (last) putchar('\n');
    fflush(stdout);
}

/* ---- training ---- */

/* One step. The reset at the end reports whatever went wrong before it. */
static ag_status train_batch(const struct network *net, const ag_batch *b, ag_tape *tape, struct progress *p)
{
    ag_tensor *scores = logits(net, b->x);
    ag_tensor *loss = ag_cross_entropy(scores, b->y);
    if (!ag_backward(loss) && !descend(net, p->settings->lr)) {
        p->loss += ag_item(loss) * (double)b->n;
        p->right += count_right(scores, b->y);
        p->seen += b->n;
    }
    return ag_tape_reset(tape);
}

static ag_status train_epoch(const struct network *net, ag_loader *data, ag_tape *tape, struct progress *p)
{
    ag_status status = AG_OK;
    ag_batch b;
    p->seen = 0, p->loss = 0, p->right = 0;
    while (!status && ag_next(data, &b)) {
        status = train_batch(net, &b, tape, p);
        if (!status) show(p);
    }
    return status ? status : ag_error();
}

static int run(const struct settings *s)
{
    ag_tape *tape = ag_tape_new();
    ag_seed(s->seed);
    ag_dataset *train_set = ag_dataset_mnist(s->data, "train"), *test_set = ag_dataset_mnist(s->data, "t10k");
    ag_status read = ag_error();
    ag_loader *train = ag_loader_new(train_set, .batch = s->batch, .shuffle = true, .seed = s->seed);
    ag_loader *test = ag_loader_new(test_set, .batch = TEST_BATCH);
    struct network net = { NULL, NULL, NULL, NULL };
    struct progress p = { .settings = s, .terminal = isatty(STDOUT_FILENO) };
    int status = 1;
    if (ag_error()) goto out;

    net = network_new();
    p.total = ag_loader_count(train);
    p.began = now();
    for (p.epoch = 1; p.epoch <= s->epochs; p.epoch++)
        if (train_epoch(&net, train, tape, &p)) goto out;
    double right;
    if (evaluate(&net, test, tape, &right)) goto out;
    printf("train loss: %.4f\ntest accuracy: %.4f\n", p.loss / (double)p.total, right / (double)ag_loader_count(test));
    status = 0;
out:
    if (status) fprintf(stderr, "fashion_mnist: %s\n", ag_errmsg());
    if (read == AG_EIO || read == AG_EFORMAT)
        fprintf(stderr, "fashion_mnist: the images come with Debian's package dataset-fashion-mnist: "
                        "`make deps` or `apt install dataset-fashion-mnist`; --data names another directory\n");
    network_free(&net);
    ag_loader_free(train), ag_loader_free(test);
    ag_dataset_free(train_set), ag_dataset_free(test_set);
    ag_tape_free(tape);
    return status;
}

/* ---- the command line ---- */

static const struct settings defaults = {
    .epochs = 3, .batch = 64, .lr = 0.1, .seed = 1, .data = "/usr/share/datasets/fashion-mnist"
};

static void usage(FILE *to)
{
    fprintf(to,
            "usage: fashion_mnist [options]\n"
            "Trains a 784-128-10 network on Fashion-MNIST by stochastic gradient descent.\n"
            "  --epochs N   passes over the training images (default %lld)\n"
            "  --lr X       learning rate (default %g)\n"
            "  --batch N    images per step (default %lld)\n"
            "  --seed N     of initial weights and order (default %llu)\n"
            "  --data DIR   directory of the IDX files, gzipped or not\n"
            "               (default %s)\n"
            "  --help       this text\n",
            (long long)defaults.epochs, defaults.lr, (long long)defaults.batch, (unsigned long long)defaults.seed,
            defaults.data);
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

/* Fills s; -1 to go on, else the status to exit with. */
static int parse(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {
        { "epochs", required_argument, NULL, 'e' },
        { "lr", required_argument, NULL, 'l' },
        { "batch", required_argument, NULL, 'b' },
        { "seed", required_argument, NULL, 's' },
        { "data", required_argument, NULL, 'd' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int64_t seed = (int64_t)s->seed;
    bool good = true;
    for (int c, which = 0; good && (c = getopt_long(argc, argv, "", options, &which)) != -1;) {
        switch (c) {
        case 'e': good = parse_count(optarg, 1, 1000000, &s->epochs); break;
        case 'l': good = parse_rate(optarg, &s->lr); break;
        case 'b': good = parse_count(optarg, 1, 1000000, &s->batch); break;
        case 's': good = parse_count(optarg, 0, INT64_MAX, &seed); break;
        case 'd': s->data = optarg; break;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
        if (!good) fprintf(stderr, "fashion_mnist: --%s: unusable value '%s'\n", options[which].name, optarg);
    }
    if (good && optind < argc) {
        fprintf(stderr, "fashion_mnist: unknown argument '%s'\n", argv[optind]);
        good = false;
    }
    s->seed = (uint64_t)seed;
    return good ? -1 : 2;
}

int main(int argc, char **argv)
{
    struct settings s = defaults;
    int status = parse(argc, argv, &s);
    return status < 0 ? run(&s) : status;
}
