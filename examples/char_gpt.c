/* char_gpt.c - learns to write like a text: a GPT over its characters, trained on windows of it, then asked to go on.
 *
 * From top to bottom: the text, training and validation, writing, the command line. A character is a byte of the file.
 * The last tenth of the text is kept back; the validation loss, in nats per character, is that of windows spread over
 * it. */
#define _POSIX_C_SOURCE 200809L
#include <autograd/autograd.h>
#include <examples/gpt.h>
#include <optim/optim.h>

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { REPORTS = 10, VALIDATION_BATCHES = 8 };

typedef struct settings {
    int64_t layers, heads, width, context, steps, batch, seed, threads, sample;
    double lr;
    const char *path;
} settings;

/* ---- the text ---- */

typedef struct text {
    ag_tensor *bytes; /* u8[n] of the file */
    const uint8_t *at;
    int64_t n, train; /* so many characters to train with, the others to validate */
    int64_t token[256];
    uint8_t letter[256]; /* of each token */
    int64_t vocabulary;
} text;

/* False with the error remembered: no such file, or too short for one window in either part. */
static bool text_read(text *t, const settings *s)
{
    t->bytes = ag_read_bytes(s->path);
    if (!t->bytes) return false;
    t->at = ag_u8(t->bytes), t->n = ag_numel(t->bytes), t->train = t->n - t->n / 10;
    if (t->n / 10 < s->context + 1) {
        ag_fail(AG_EINVAL, "%s: %lld characters are too few for a context of %lld: a tenth of them must be longer",
                s->path, (long long)t->n, (long long)s->context);
        return false;
    }
    bool seen[256] = { false };
    for (int64_t i = 0; i < t->n; i++) seen[t->at[i]] = true;
    for (int c = 0; c < 256; c++)
        if (seen[c]) t->letter[t->vocabulary] = (uint8_t)c, t->token[c] = t->vocabulary++;
    return true;
}

typedef struct windows {
    ag_tensor *token, *next; /* i64 [batch, context], and the tokens that follow each */
} windows;

static windows windows_at(const text *t, int64_t batch, int64_t context, const int64_t *start)
{
    windows w = { ag_zeros(AG_I64, batch, context), ag_zeros(AG_I64, batch * context) };
    int64_t *token = ag_i64_write(w.token), *next = ag_i64_write(w.next);
    for (int64_t i = 0; token && next && i < batch * context; i++) {
        const uint8_t *c = t->at + start[i / context] + i % context;
        token[i] = t->token[c[0]], next[i] = t->token[c[1]];
    }
    return w;
}

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
    const settings *s;
    text text;
    ag_tape *tape;
    ag_module *net;
    ag_optim *opt;
    double loss;         /* the sum since the last report */
    int64_t since;       /* steps since then */
    double began, shown; /* seconds */
} run;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ag_tensor *loss_of(run *r, windows w)
{
    return ag_cross_entropy(ag_reshape(ag_forward(r->net, w.token), -1, r->text.vocabulary), w.next);
}

/* The rate climbs during the first twentieth of the steps, then falls as a cosine to a tenth. */
static double rate(const settings *s, int64_t step)
{
    int64_t warm = s->steps / 20;
    return step < warm ? ag_lr_linear(0, s->lr, step + 1, warm)
                       : ag_lr_cosine(s->lr, s->lr / 10, step - warm, s->steps > warm ? s->steps - warm : 1);
}

static ag_status train_step(run *r, int64_t step)
{
    const settings *s = r->s;
    ag_tensor *start = ag_randint(r->text.train - s->context, s->batch);
    if (!start) return ag_error();
    ag_tensor *loss = loss_of(r, windows_at(&r->text, s->batch, s->context, ag_i64(start)));
    ag_set_lr(r->opt, rate(s, step));
    if (!ag_backward(loss)) {
        ag_clip_norm(ag_parameters(r->net), 1);
        ag_step(r->opt);
        r->loss += ag_item(loss), r->since++;
    }
    return ag_tape_reset(r->tape);
}

/* Nats per character over windows that are spread evenly; NaN with the error remembered. */
static double validate(run *r)
{
    const settings *s = r->s;
    const text *t = &r->text;
    int64_t places = t->n - t->train - s->context, start[VALIDATION_BATCHES];
    double sum = 0;
    ag_train(r->net, false);
    for (int64_t i = 0; i < s->batch; i++) {
        for (int64_t k = 0; k < VALIDATION_BATCHES; k++)
            start[k] = t->train + (places - 1) * (i * VALIDATION_BATCHES + k) / (s->batch * VALIDATION_BATCHES);
        AG_NO_GRAD
            sum += ag_item(loss_of(r, windows_at(t, VALIDATION_BATCHES, s->context, start)));
        if (ag_tape_reset(r->tape)) return (double)NAN;
    }
    ag_train(r->net, true);
    return sum / (double)s->batch;
}

/* Every now and then a line with both losses; on a terminal the line in between counts the steps. */
static ag_status report(run *r, int64_t done)
{
    const settings *s = r->s;
    bool due = done % ((s->steps + REPORTS - 1) / REPORTS) == 0 || done == s->steps, terminal = isatty(STDOUT_FILENO);
    double time = now(), speed = (double)(done * s->batch * s->context) / fmax(time - r->began, 1e-9);
    if (!due && !(terminal && time - r->shown > 0.1)) return AG_OK;
    r->shown = time;
    printf("%sstep %lld/%lld  loss %.4f", terminal ? "\r" : "", (long long)done, (long long)s->steps,
           r->loss / (double)r->since);
    if (due) {
        double validation = validate(r);
        if (isnan(validation)) return ag_error() ? ag_error() : ag_fail(AG_EINVAL, "the loss is no number");
        printf("  validation %.4f  %.0f characters/s%s\n", validation, speed, terminal ? "          " : "");
        r->loss = 0, r->since = 0;
    } else {
        printf("  %.0f characters/s  %.0f s left ", speed,
               (double)(s->steps - done) * (time - r->began) / (double)done);
    }
    fflush(stdout);
    return AG_OK;
}

static ag_status train(run *r)
{
    r->began = now();
    for (int64_t step = 0; step < r->s->steps && !interrupted; step++)
        if (train_step(r, step) || report(r, step + 1)) return ag_error();
    if (interrupted) puts("\ninterrupted");
    return AG_OK;
}

/* ---- writing ---- */

/* A token drawn with the probabilities that the network gives to what follows the last n. */
static int64_t draw(run *r, const int64_t *last, int64_t n)
{
    int64_t token = -1;
    AG_NO_GRAD {
        ag_tensor *logits = ag_forward(r->net, ag_copy(last, n));
        const double *p = ag_f64(ag_to(ag_softmax(ag_select(logits, 0, -1), 0), AG_F64));
        double left = ag_item(ag_rand(AG_F64, 1));
        for (token = 0; p && token < r->text.vocabulary - 1 && left >= p[token]; token++) left -= p[token];
    }
    return ag_tape_reset(r->tape) ? -1 : token;
}

/* Begins after the last characters of the training part. */
static ag_status write_sample(run *r)
{
    int64_t context = r->s->context, *last = malloc((size_t)context * sizeof *last);
    if (!last) return ag_fail(AG_ENOMEM, "the last %lld characters", (long long)context);
    for (int64_t i = 0; i < context; i++) last[i] = r->text.token[r->text.at[r->text.train - context + i]];
    ag_train(r->net, false);
    for (int64_t k = 0; k < r->s->sample; k++) {
        int64_t token = draw(r, last, context);
        if (token < 0) break;
        putchar(r->text.letter[token]);
        fflush(stdout);
        for (int64_t i = 1; i < context; i++) last[i - 1] = last[i];
        last[context - 1] = token;
    }
    putchar('\n');
    free(last);
    return ag_error();
}

static int train_and_write(const settings *s)
{
    run r = { .s = s, .tape = ag_tape_new() };
    int status = 1;
    ag_seed((uint64_t)s->seed);
    ag_set_threads((int)s->threads);
    if (!text_read(&r.text, s)) goto out;
    r.net = gpt_new((gpt_options){ .vocabulary = r.text.vocabulary,
                                   .context = s->context,
                                   .width = s->width,
                                   .heads = s->heads,
                                   .layers = s->layers });
    r.opt = ag_adamw(ag_parameters(r.net), .lr = s->lr, .weight_decay = 0.1);
    if (ag_error()) goto out;
    ag_optim_set(r.opt, "*bias", AG_WEIGHT_DECAY, 0);

    ag_params all = ag_parameters(r.net);
    int64_t numbers = 0;
    for (int64_t i = 0; i < all.n; i++) numbers += ag_numel(all.at[i].tensor);
    printf("%lld characters, %lld kinds; %lld parameters\n", (long long)r.text.n, (long long)r.text.vocabulary,
           (long long)numbers);
    catch_interrupt();
    if (train(&r)) goto out;
    double loss = validate(&r);
    if (ag_error() || (s->sample && write_sample(&r))) goto out;
    printf("validation loss: %.4f\n", loss);
    status = 0;
out:
    if (status) fprintf(stderr, "char_gpt: %s\n", ag_errmsg());
    ag_optim_free(r.opt);
    ag_module_free(r.net);
    ag_free(r.text.bytes);
    ag_tape_free(r.tape);
    return status;
}

/* ---- the command line ---- */

static void usage(FILE *to)
{
    fputs("usage: char_gpt [options] FILE\n"
          "Trains a GPT on the characters of a text, then writes on in its manner.\n"
          "  --layers N   blocks (default 4)\n"
          "  --heads N    of attention (default 4)\n"
          "  --width N    of the network, shared by the heads (default 128)\n"
          "  --context N  characters it sees (default 128)\n"
          "  --steps N    (default 2000)\n"
          "  --batch N    windows per step (default 8)\n"
          "  --lr X       highest learning rate (default 0.001)\n"
          "  --seed N     of initial weights, windows and the text written (default 1)\n"
          "  --threads N  to compute with (default: as many as there are processors)\n"
          "  --sample N   characters to write at the end (default 400)\n"
          "  --help       this text\n"
          "Ctrl-C ends the training; validation and writing follow.\n",
          to);
}

/* A whole number from low to high; the whole of what is given must be one. */
static bool parse_count(const char *given, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    long long value = strtoll(given, &end, 10);
    if (end == given || *end || errno || value < low || value > high) return false;
    *out = value;
    return true;
}
static bool parse_rate(const char *given, double *out)
{
    char *end;
    double value = strtod(given, &end);
    if (end == given || *end || !isfinite(value) || value <= 0) return false;
    *out = value;
    return true;
}

/* Fills s; -1 to go on, else the status to exit with. */
static int parse(int argc, char **argv, settings *s)
{
    static const struct option options[] = {
        { "layers", required_argument, NULL, 'l' },  { "heads", required_argument, NULL, 'H' },
        { "width", required_argument, NULL, 'w' },   { "context", required_argument, NULL, 'c' },
        { "steps", required_argument, NULL, 'n' },   { "batch", required_argument, NULL, 'b' },
        { "lr", required_argument, NULL, 'r' },      { "seed", required_argument, NULL, 's' },
        { "threads", required_argument, NULL, 't' }, { "sample", required_argument, NULL, 'S' },
        { "help", no_argument, NULL, 'h' },          { NULL, 0, NULL, 0 },
    };
    bool good = true;
    for (int c, which = 0; good && (c = getopt_long(argc, argv, "", options, &which)) != -1;) {
        switch (c) {
        case 'l': good = parse_count(optarg, 1, 1000, &s->layers); break;
        case 'H': good = parse_count(optarg, 1, 1000, &s->heads); break;
        case 'w': good = parse_count(optarg, 1, 100000, &s->width); break;
        case 'c': good = parse_count(optarg, 1, 100000, &s->context); break;
        case 'n': good = parse_count(optarg, 1, INT32_MAX, &s->steps); break;
        case 'b': good = parse_count(optarg, 1, 10000, &s->batch); break;
        case 'r': good = parse_rate(optarg, &s->lr); break;
        case 's': good = parse_count(optarg, 0, INT64_MAX, &s->seed); break;
        case 't': good = parse_count(optarg, 1, 256, &s->threads); break;
        case 'S': good = parse_count(optarg, 0, INT32_MAX, &s->sample); break;
        case 'h': usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
        if (!good) fprintf(stderr, "char_gpt: --%s: unusable value '%s'\n", options[which].name, optarg);
    }
    if (!good) return 2;
    if (optind + 1 != argc) return usage(stderr), 2;
    s->path = argv[optind];
    return -1;
}

int main(int argc, char **argv)
{
    settings s = { .layers = 4,
                   .heads = 4,
                   .width = 128,
                   .context = 128,
                   .steps = 2000,
                   .batch = 8,
                   .seed = 1,
                   .sample = 400,
                   .lr = 1e-3 };
    int status = parse(argc, argv, &s);
    return status < 0 ? train_and_write(&s) : status;
}
