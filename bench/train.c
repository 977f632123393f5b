/* train.c - whole training steps beside the processor's peak, the same step written by hand, and PyTorch: `make bench`.
 *
 * usage: train [--case NAME] [--threads N] [--json FILE] [--peer PYTHON]...
 *
 * Every case runs in a process of its own and is measured between two measurements of the peak; where these differ by
 * more than 3 % it is measured again, three times at most, then marked as noisy. What is compared is run in turn. Times
 * are CPU time with one thread, else elapsed time. */
#define _GNU_SOURCE
#include <autograd/autograd.h>
#include <autograd/kernels/kernels.h>
#include <bench/bench.h>
#include <bench/peer.h>
#include <bench/train.h>

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const train_case *const cases[] = { &train_xor,    &train_op1,      &train_mlp128,
                                           &train_mlp512, &train_gpt_tiny, &train_gpt_small };
enum { CASES = sizeof cases / sizeof *cases, ROUNDS = 15, TRIES = 3, MOST_PYTHONS = 4 };

static int threads = 1;
static FILE *json;
static const char *python[MOST_PYTHONS];
static int pythons;

typedef struct result {
    double step, hand, peak; /* seconds, seconds or 0, GFLOP/s */
    bool noisy;
    double rss;
    char peer[MOST_PYTHONS][160];
    double peer_step[MOST_PYTHONS]; /* seconds, or 0 */
} result;

void train_stop_on_error(ag_status status)
{
    if (!status) return;
    fprintf(stderr, "bench: %s\n", ag_errmsg());
    exit(EXIT_FAILURE);
}

/* ---- measuring ---- */

static void run_step(void *c)
{
    ((const train_case *)c)->step();
}
static void run_hand(void *c)
{
    ((const train_case *)c)->hand();
}

static double resident_mb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

static void measure(const train_case *c, result *r)
{
    bench_case runs[] = { { "tape", run_step, (void *)c, 0 }, { "hand", run_hand, (void *)c, 0 } };
    r->noisy = true;
    for (int i = 0; i < TRIES && r->noisy; i++) {
        double before = bench_peak();
        bench_run(runs, c->hand ? 2 : 1, ROUNDS, 0.1);
        double after = bench_peak();
        r->noisy = fabs(before - after) > 0.03 * fmin(before, after);
        r->peak = (before + after) / 2;
    }
    r->step = runs[0].median / c->per_step;
    r->hand = c->hand ? runs[1].median : 0;
}

/* ---- PyTorch ---- */

#define ALLOCATOR "MALLOC_MMAP_THRESHOLD_=4000000000", "MALLOC_TRIM_THRESHOLD_=8000000000", "MALLOC_TOP_PAD_=67108864"
static const struct setting {
    const char *name;
    char *environment[8];
} settings[] = {
    { "default", { NULL } },
    { "AVX-512, Cooperlake", { "ATEN_CPU_CAPABILITY=avx512", "OPENBLAS_CORETYPE=Cooperlake", ALLOCATOR, NULL } },
    { "AVX-512, SkylakeX", { "ATEN_CPU_CAPABILITY=avx512", "OPENBLAS_CORETYPE=SkylakeX", ALLOCATOR, NULL } },
};
static const char *const variants[] = { "plain", "foreach", "fused" };
enum { SETTINGS = sizeof settings / sizeof *settings, VARIANTS = sizeof variants / sizeof *variants };

static char *const weights_file = "build/bench-weights.safetensors";

static bool start(peer *p, const char *interpreter, const train_case *c, int setting, int variant)
{
    char count[16];
    snprintf(count, sizeof count, "%d", threads);
    char *const argv[] = { (char *)interpreter,
                           "bench/peer_torch.py",
                           (char *)c->name,
                           weights_file,
                           count,
                           (char *)variants[variant],
                           (char *)settings[setting].name,
                           NULL };
    return peer_start(p, argv, settings[setting].environment);
}

static bool same_loss(const peer *p, double ours)
{
    if (fabs(p->loss - ours) <= 1e-3 * fabs(ours) + 1e-6) return true;
    fprintf(stderr, "bench: %s: a loss of %.7g after 20 steps, ours %.7g: not compared\n", p->name, p->loss, ours);
    return false;
}

/* Tries all settings, then times the best one in turn with ours. */
static void compare(const train_case *c, double loss, result *r, int which)
{
    double best = INFINITY;
    int setting = 0, variant = 0;
    for (int s = 0; s < SETTINGS; s++)
        for (int v = 0; v < VARIANTS; v++) {
            peer p;
            if (!start(&p, python[which], c, s, v)) continue; /* this version lacks the variant */
            double time = same_loss(&p, loss) ? peer_time(&p, 0.3) : -1;
            if (time > 0) printf("         tried %s: %.4g us\n", p.name, time * 1e6);
            if (time > 0 && time < best) best = time, setting = s, variant = v;
            peer_stop(&p);
        }
    peer p;
    if (best == INFINITY || !start(&p, python[which], c, setting, variant)) return;
    enum { TURNS = 7 };
    double ratio[TURNS];
    bench_case ours = { "tape", run_step, (void *)c, 0 };
    for (int i = 0; i < TURNS; i++) {
        double theirs = peer_time(&p, 0.3);
        bench_run(&ours, 1, 1, 0.3);
        ratio[i] = theirs * c->per_step / ours.median;
    }
    r->peer_step[which] = bench_median(ratio, TURNS) * r->step;
    memcpy(r->peer[which], p.name, sizeof p.name);
    peer_stop(&p);
}

/* ---- reporting ---- */

static void print_number(FILE *to, const char *name, double value, bool known)
{
    if (known)
        fprintf(to, ",\"%s\":%.6g", name, value);
    else
        fprintf(to, ",\"%s\":null", name);
}

static void print_json(const train_case *c, const result *r)
{
    double us = r->step * 1e6;
    bool compared = r->peer_step[0] > 0;
    fprintf(json, "{\"case\":\"%s\",\"arch\":\"%s\",\"threads\":%d", c->name, ag__kernels_choose(), threads);
    print_number(json, "us", us, true);
    print_number(json, "gflop", c->gflop, c->gflop > 0);
    print_number(json, "peak_gflops", r->peak, true);
    print_number(json, "ratio_fma", us * 1e-6 * r->peak / c->gflop, c->gflop > 0);
    print_number(json, "tape_over_hand", r->step / r->hand, r->hand > 0);
    fprintf(json, compared ? ",\"peer\":\"%s\"" : ",\"peer\":null", r->peer[0]);
    print_number(json, "peer_us", r->peer_step[0] * 1e6, compared);
    print_number(json, "ratio_peer", r->peer_step[0] / r->step, compared);
    print_number(json, "rss_mb", r->rss, true);
    for (int i = 1; i < pythons; i++)
        if (r->peer_step[i] > 0)
            fprintf(json, ",\"peer%d\":\"%s\",\"peer%d_us\":%.6g,\"ratio_peer%d\":%.6g", i + 1, r->peer[i], i + 1,
                    r->peer_step[i] * 1e6, i + 1, r->peer_step[i] / r->step);
    fprintf(json, r->noisy ? ",\"noisy\":true}\n" : "}\n");
    fflush(json);
}

static void print_row(const train_case *c, const result *r)
{
    printf("%-10s %-8s %12.4g", c->name, ag__kernels_choose(), r->step * 1e6);
    if (c->gflop > 0)
        printf(" %8.3f", r->step * r->peak / c->gflop);
    else
        printf(" %8s", "-");
    if (r->hand > 0)
        printf(" %8.3f", r->step / r->hand);
    else
        printf(" %8s", "-");
    printf(" %8.1f %8.1f%s\n", r->peak, r->rss, r->noisy ? "  noisy" : "");
    for (int i = 0; i < pythons; i++)
        if (r->peer_step[i] > 0)
            printf("         %s: %.4g us, %.2f times ours\n", r->peer[i], r->peer_step[i] * 1e6,
                   r->peer_step[i] / r->step);
    fflush(stdout);
}

/* ---- one case, a process ---- */

static void run_case(const train_case *c)
{
    result r = { 0 };
    double loss = 0;
    if (threads > 1) bench_use_wall_clock();
    train_stop_on_error(ag_set_threads(threads));
    c->open();
    if (pythons && c->weights)
        train_stop_on_error(ag_save(weights_file, AG_PARAMS({ "x", c->x() }, { "y", c->y() }), c->weights()));
    for (int i = 0; i < 20; i++) loss = c->step();
    r.rss = resident_mb();
    if (c->hand_open) c->hand_open();
    measure(c, &r);
    for (int i = 0; i < pythons; i++) compare(c, loss, &r, i);
    print_row(c, &r);
    if (json) print_json(c, &r);
}

static bool run_in_child(const train_case *c)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        run_case(c);
        fflush(NULL);
        _exit(EXIT_SUCCESS);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

static int usage(void)
{
    fputs("usage: train [--case NAME] [--threads N] [--json FILE] [--peer PYTHON]...\ncases:", stderr);
    for (int i = 0; i < CASES; i++) fprintf(stderr, " %s", cases[i]->name);
    fputc('\n', stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = { { "case", required_argument, NULL, 'c' },
                                             { "threads", required_argument, NULL, 't' },
                                             { "json", required_argument, NULL, 'j' },
                                             { "peer", required_argument, NULL, 'p' },
                                             { NULL, 0, NULL, 0 } };
    const char *chosen = NULL;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'c': chosen = optarg; break;
        case 't': threads = (int)strtol(optarg, NULL, 10); break;
        case 'p':
            if (pythons < MOST_PYTHONS) python[pythons++] = optarg;
            break;
        case 'j':
            json = fopen(optarg, "w");
            if (!json) return perror(optarg), EXIT_FAILURE;
            break;
        default: return usage();
        }
    }
    if (optind < argc || threads < 1 || threads > 256) return usage();

    bool good = true, found = false;
    printf("%-10s %-8s %12s %8s %8s %8s %8s\n", "case", "arch", "us", "x FMA", "x hand", "GFLOP/s", "MB");
    for (int i = 0; i < CASES; i++) {
        if (chosen && strcmp(chosen, cases[i]->name) != 0) continue;
        found = true;
        good = run_in_child(cases[i]) && good;
    }
    return !found ? usage() : good ? EXIT_SUCCESS : EXIT_FAILURE;
}
