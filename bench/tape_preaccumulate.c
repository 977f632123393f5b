/* tape_preaccumulate.c - ags_preaccumulate: pressure and speed between two gas states, 6 numbers to 2 in about 250
 * operations, at each of 10,000 places. The tape's bytes, and the time of one gradient and of 16 products, recorded as
 * it is and with every place preaccumulated. */
#include "bench.h"
#include <autograd/autograd.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACES = 10000, INPUTS = 3 * (PLACES + 1), OUTPUTS = 2 * PLACES, PRODUCTS = 16, STEPS = 8 };

enum task { GRADIENT, NEW_TAPE, PRODUCTS_AT_ONCE, GRADIENTS, TASKS };
static const char *const name[TASKS] = { "a gradient", "on a new tape", "16 products", "16 gradients" };

typedef struct program {
    enum task task;
    bool preaccumulate;
    ag_tape *tape;
    double bytes, operations; /* recorded */
    double *result;
} program;

static double value[INPUTS], weight[PRODUCTS * OUTPUTS];
static ag_scalar x[INPUTS], y[OUTPUTS];

/* What a shock from state k = (density, speed, pressure) to pressure p does to the speed, and its slope by p. */
static ag_scalar jump(ag_pen *t, const ag_scalar *k, ag_scalar p, ag_scalar *slope)
{
    const ag_scalar rise = ags_sub_on(t, p, k[2]);
    const ag_scalar below = ags_add_on(t, p, ags_mul_on(t, ag_const(0.4 / 2.4), k[2]));
    const ag_scalar q = ags_sqrt_on(t, ags_div_on(t, ags_div_on(t, ag_const(2 / 2.4), k[0]), below));
    const ag_scalar bend = ags_div_on(t, ags_mul_on(t, ag_const(0.5), rise), below);
    *slope = ags_mul_on(t, q, ags_sub_on(t, ag_const(1), bend));
    return ags_mul_on(t, rise, q);
}

/* Both waves taken as shocks: Newton's iteration for the pressure (Toro, "Riemann solvers", 2009, section 9.4). */
static void between(ag_pen *t, const ag_scalar *l, const ag_scalar *r, ag_scalar *to)
{
    ag_scalar p = ags_mul_on(t, ag_const(0.5), ags_add_on(t, l[2], r[2])), fl, fr, dl, dr;
    const ag_scalar apart = ags_sub_on(t, r[1], l[1]);
    for (int i = 0;; i++) {
        fl = jump(t, l, p, &dl), fr = jump(t, r, p, &dr);
        if (i == STEPS) break;
        const ag_scalar f = ags_add_on(t, ags_add_on(t, fl, fr), apart);
        p = ags_sub_on(t, p, ags_div_on(t, f, ags_add_on(t, dl, dr)));
    }
    const ag_scalar twice = ags_add_on(t, ags_add_on(t, l[1], r[1]), ags_sub_on(t, fr, fl));
    to[0] = p, to[1] = ags_mul_on(t, ag_const(0.5), twice);
}

static void record(program *p)
{
    ags_inputs(INPUTS, value, x);
    p->operations = 0;
    for (int i = 0; i < PLACES; i++) {
        const uint32_t before = ag_pen_here()->next;
        const ag_mark mark = p->preaccumulate ? ag_tape_mark(p->tape) : (ag_mark){ 0 };
        between(ag_pen_here(), x + 3 * i, x + 3 * i + 3, y + 2 * i);
        p->operations += ag_pen_here()->next - before;
        if (p->preaccumulate) ags_preaccumulate(mark, 2, y + 2 * i);
    }
    p->bytes = (double)ag_tape_memory(p->tape).in_use;
}

static void run(void *user)
{
    program *p = user;
    if (p->task == NEW_TAPE) ag_tape_free(p->tape), p->tape = ag_tape_new(.first_order = true);
    ag_tape_use(p->tape);
    ag_tape_reset(p->tape);
    record(p);
    if (p->task == PRODUCTS_AT_ONCE) {
        ags_vjps(y, OUTPUTS, x, INPUTS, PRODUCTS, weight, p->result);
        return;
    }
    for (int k = 0; k < (p->task == GRADIENTS ? PRODUCTS : 1); k++) {
        const ag_scalar sum = ags_lin(OUTPUTS, y, weight + k * OUTPUTS);
        ags_gradient(sum, x, INPUTS, p->result + k * INPUTS);
    }
}

/* The largest, relative to numbers above 1. */
static double difference(const double *a, const double *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs(a[i] - b[i]) / fmax(1, fabs(b[i])));
    return most;
}

void bench_preaccumulate(int rounds)
{
    enum { RESULTS = INPUTS * PRODUCTS };
    program p[2 * TASKS];
    bench_case c[2 * TASKS];
    for (int i = 0; i < INPUTS; i++) value[i] = i % 3 == 1 ? 0.1 * (i % 7) : 1 + 0.03 * (i * 7 % 11);
    for (int i = 0; i < PRODUCTS * OUTPUTS; i++) weight[i] = (double)(i * 5 % 13) - 6;
    for (int i = 0; i < 2 * TASKS; i++) {
        p[i] =
            (program){ .task = (enum task)(i / 2), .preaccumulate = i % 2, .tape = ag_tape_new(.first_order = true) };
        p[i].result = calloc(RESULTS, sizeof *p[i].result);
        if (!p[i].tape || !p[i].result) exit(EXIT_FAILURE);
        c[i] = (bench_case){ name[i / 2], run, &p[i], 0 };
    }
    bench_run(c, 2 * TASKS, rounds, 0.02);
    printf("preaccumulated: %d ranges of %.0f operations, 6 numbers to 2; %.0f kB become %.0f (%.3fx)\n", PLACES,
           p[0].operations / PLACES, p[0].bytes / 1e3, p[1].bytes / 1e3, p[1].bytes / p[0].bytes);
    for (int i = 0; i < 2 * TASKS; i += 2)
        printf("%-14s plain %9.3f ms  preaccumulated %9.3f ms %7.2fx  apart by %.0e\n", c[i].name, c[i].median * 1e3,
               c[i + 1].median * 1e3, c[i + 1].median / c[i].median, difference(p[i + 1].result, p[i].result, RESULTS));
    if (ag_error()) printf("%s\n", ag_errmsg());
    fflush(stdout);
    for (int i = 0; i < 2 * TASKS; i++) ag_tape_free(p[i].tape), free(p[i].result);
}
