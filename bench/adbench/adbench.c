/* adbench.c - ADBench's problems, measured: `make adbench [DATA=dir]`.
 *
 * A line for each file of DATA/{gmm,lstm,ba,hand/simple_small}:
 *      name objective_ms gradient_ms ratio bytes_per_op worst_rel_err
 * and one that starts with `perop:` for the same written one operation at a time. The gradient (or Jacobian) includes
 * its recording, on a tape that was used before. Times are the least of several runs, taken in turn. worst_rel_err is
 * max |a - b| / (|b| + 1e-3 max |b|) against DATA/golden, for values and for derivatives; `-` without such a file.
 * Exit status: 1 if one is over 1e-9, 2 if a file cannot be read. */
#include "adbench.h"
#include "../bench.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAST, PER_OP, WAYS };
static const char *const prefix[WAYS] = { "", "perop: " };
static const double tolerance = 1e-9;
static bool missed;
static int rounds = 15;

static void *room(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (p) return p;
    fprintf(stderr, "adbench: out of memory\n");
    exit(EXIT_FAILURE);
}
double *numbers(size_t n)
{
    return room(n, sizeof(double));
}
ag_scalar *scalars(size_t n)
{
    return room(n, sizeof(ag_scalar));
}

void stop_on_error(const task *t)
{
    if (!ag_error()) return;
    fprintf(stderr, "adbench: %s: %s\n", t->name, ag_errmsg());
    exit(EXIT_FAILURE);
}

void note_tape(task *t)
{
    const ag_memory m = ag_tape_memory(t->tape);
    t->bytes = (double)m.in_use, t->operations = m.scalars;
}

void take_gradient(task *t, ag_scalar y, size_t n, const ag_scalar *x)
{
    *t->value = y.value;
    ags_gradient(y, x, n, t->derivative);
    note_tape(t);
    t->operations -= n;
    stop_on_error(t);
}

static double worst(size_t n, const double *a, const double *b)
{
    double top = 0, most = 0;
    for (size_t i = 0; i < n; i++) top = fmax(top, fabs(b[i]));
    for (size_t i = 0; i < n; i++) {
        const double off = fabs(a[i] - b[i]), allowed = fabs(b[i]) + 1e-3 * top;
        if (!(off <= most * allowed)) most = allowed > 0 || isnan(off) ? off / allowed : INFINITY;
    }
    return most;
}
/* From golden values, of which there may be fewer; or from others. */
static double off_golden(const task *t, const double *golden)
{
    const size_t *n = t->n_golden;
    return fmax(worst(n[0], t->value, golden), worst(n[1], t->derivative, golden + n[0]));
}
static double apart(const task *t, const double *value, const double *derivative)
{
    return fmax(worst(t->n_value, t->value, value), worst(t->n_derivative, t->derivative, derivative));
}

/* What ought to come out: NULL if nobody says. */
static double *golden_of(const task *t, const char *data)
{
    char path[4096];
    const int length = snprintf(path, sizeof path, "%s/golden/%s", data, t->golden);
    FILE *f = *t->golden && length < (int)sizeof path ? fopen(path, "r") : NULL;
    if (!f) return NULL;
    fclose(f);
    const size_t n = t->n_golden[0] + t->n_golden[1];
    double *golden = numbers(n);
    text g = text_open(path);
    for (size_t i = 0; i < t->n_header; i++)
        if (text_number(&g) != (double)t->header[i]) text_fail(&g, "of another size than the problem");
    text_numbers(&g, n, golden);
    text_end(&g);
    return golden;
}

/* ---- time ---- */

static double once(task *t, void (*run)(task *), int repeats)
{
    const double start = bench_now();
    for (int i = 0; i < repeats; i++) run(t);
    return fmax(bench_now() - start, 1e-9) / repeats; /* the clock may not have moved */
}

/* The least of `rounds` samples of each, in turn. */
static void measure(task *t, int n, void (*const *run)(task *), double *least)
{
    enum { MOST = 1 + WAYS };
    int repeats[MOST];
    for (int i = 0; i < n; i++) {
        once(t, run[i], 1); /* warms the tape */
        const double first = once(t, run[i], 1), slice = rounds > 1 ? 0.01 : 0;
        repeats[i] = first < slice ? (int)(slice / fmax(first, 1e-7)) + 1 : 1;
        least[i] = first;
    }
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < n; i++) least[i] = fmin(least[i], once(t, run[i], repeats[i]));
}

static void show(const task *t, int way, const double *least, double bytes, const double *golden, double off)
{
    char error[32] = "-";
    if (golden) snprintf(error, sizeof error, "%.1e", off);
    printf("%s%-18s %11.6f %11.6f %7.2f %6.1f %s\n", prefix[way], t->name, 1e3 * least[0], 1e3 * least[1 + way],
           least[1 + way] / least[0], bytes, error);
}

static void run_task(task t, const char *data)
{
    t.value = numbers(t.n_value), t.derivative = numbers(t.n_derivative), t.tape = ag_tape_new(.first_order = true);
    if (!t.n_golden[0]) t.n_golden[0] = t.n_value, t.n_golden[1] = t.n_derivative;
    double *golden = golden_of(&t, data), *plain = numbers(t.n_value), off[WAYS], bytes[WAYS], least[1 + WAYS];
    stop_on_error(&t);
    t.objective(&t);
    memcpy(plain, t.value, t.n_value * sizeof *plain);
    void (*const run[])(task *) = { t.objective, t.gradient, t.per_op };
    double *first = numbers(t.n_derivative), operations = 1;
    for (int way = WAYS; way-- > 0;) {
        run[1 + way](&t);
        bytes[way] = t.bytes;
        if (way == PER_OP)
            operations = (double)t.operations, memcpy(first, t.derivative, t.n_derivative * sizeof *first);
        off[way] = golden ? off_golden(&t, golden) : 0;
        const double between = apart(&t, plain, first); /* from the objective's values, and the two ways */
        if (off[way] <= tolerance && between <= tolerance) continue;
        missed = true;
        fprintf(stderr, "adbench: %s%s: off by %.1e from golden, %.1e from each other\n", prefix[way], t.name, off[way],
                between);
    }
    measure(&t, 1 + WAYS, run, least);
    for (int way = 0; way < WAYS; way++) show(&t, way, least, bytes[way] / operations, golden, off[way]);
    fflush(stdout);
    free(golden), free(plain), free(first), free(t.value), free(t.derivative);
    t.release(&t);
    ag_tape_free(t.tape);
}

static void run_folder(const char *data, const char *folder, task (*read)(const char *path))
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", data, folder) >= (int)sizeof path) return;
    char **file = files_of(path);
    for (size_t i = 0; file[i]; i++) run_task(read(file[i]), data);
    files_free(file);
}

int main(int argc, char **argv)
{
    if (argc > 2) rounds = (int)strtol(argv[2], NULL, 10);
    if (argc < 2 || argc > 3 || rounds < 1) {
        fprintf(stderr, "usage: adbench DATA [ROUNDS]\n");
        return 2;
    }
    run_folder(argv[1], "gmm", gmm_task);
    run_task(gmm_task_drawn(64, 5, 1000), argv[1]);
    run_folder(argv[1], "lstm", lstm_task);
    run_folder(argv[1], "ba", ba_task);
    run_folder(argv[1], "hand/simple_small", hand_task);
    return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}
