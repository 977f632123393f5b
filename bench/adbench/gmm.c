/* gmm.c - log-likelihood of a Gaussian mixture with a Wishart prior on the inverse covariances.
 *
 * Variables: k weights alpha, k means of d, and for each component the logarithms of the diagonal of the inverse
 * covariance's factor, then its strictly lower triangle by columns. */
#include "adbench.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct gmm {
    int d, k, n, m; /* dimensions, components, points, Wishart's m */
    double gamma;
    size_t n_low, n_p;          /* of a strictly lower triangle; variables */
    double *x, *p;              /* points, variables */
    double *repeated;           /* each point k times */
    uint32_t *diag_at, *low_at; /* where they lie in p */
    double *number;             /* room for the objective */
    ag_scalar *scalar, *input;  /* room for the recorded ones; the variables */
} gmm;
#define MEAN(p, c) ((p) + q->k + (c)*q->d)
#define DIAG(p, c) ((p) + q->k + q->k * q->d + (c) * (q->d + (int)q->n_low))
#define LOW(p, c)  (DIAG(p, c) + q->d)

/* What doesn't depend on the variables. */
static double constant(const gmm *q)
{
    const double pi = 3.14159265358979323846;
    double n = q->d + q->m + 1, log_gamma = 0.25 * q->d * (q->d - 1) * log(pi);
    for (int j = 1; j <= q->d; j++) log_gamma += lgamma(0.5 * n + 0.5 * (1 - j));
    double c = n * q->d * (log(q->gamma) - 0.5 * log(2)) - log_gamma;
    return -q->n * q->d * 0.5 * log(2 * pi) - q->k * c;
}

/* ---- the objective ---- */

static double logsumexp(int n, const double *x)
{
    double top = x[0], s = 0;
    for (int i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++) s += exp(x[i] - top);
    return top + log(s);
}

static double prior(const gmm *q, const double *p, const double *diag, const double *sum)
{
    double e = 0;
    for (int c = 0; c < q->k; c++) {
        double f = 0;
        for (int i = 0; i < q->d; i++) f += diag[c * q->d + i] * diag[c * q->d + i];
        for (size_t i = 0; i < q->n_low; i++) f += LOW(p, c)[i] * LOW(p, c)[i];
        e += 0.5 * q->gamma * q->gamma * f - q->m * sum[c];
    }
    return e;
}

static void objective(task *t)
{
    const gmm *q = t->data;
    const int d = q->d, k = q->k;
    const double *p = q->p;
    double *diag = q->number, *sum = diag + k * d, *term = sum + k, *xc = term + k, *qx = xc + d, total = 0;
    for (int c = 0; c < k; c++) {
        sum[c] = 0;
        for (int i = 0; i < d; i++) sum[c] += DIAG(p, c)[i], diag[c * d + i] = exp(DIAG(p, c)[i]);
    }
    for (int r = 0; r < q->n; r++) {
        for (int c = 0; c < k; c++) {
            const double *l = LOW(p, c);
            double s = 0;
            for (int i = 0; i < d; i++) xc[i] = q->x[r * d + i] - MEAN(p, c)[i];
            for (int i = 0; i < d; i++) qx[i] = diag[c * d + i] * xc[i];
            for (int j = 0; j < d; j++)
                for (int i = j + 1; i < d; i++) qx[i] += *l++ * xc[j];
            for (int i = 0; i < d; i++) s += qx[i] * qx[i];
            term[c] = p[c] + sum[c] - 0.5 * s;
        }
        total += logsumexp(k, term);
    }
    *t->value = total - q->n * logsumexp(k, p) + constant(q) + prior(q, p, diag, sum);
}

/* ---- in blocks: all points and components at once ---- */

static void by_blocks(task *t)
{
    static const double minus_half = -0.5;
    const gmm *q = t->data;
    const size_t d = (size_t)q->d, k = (size_t)q->k, n = (size_t)q->n;
    ag_tape_reset(t->tape);
    ag_block p = ags_block_input(q->n_p, q->p);
    ag_block alpha = ags_block_slice(p, 0, k), mean = ags_block_slice(p, k, k * d);
    ag_block log_diag = ags_block_take(p, k * d, q->diag_at), diag = ags_block_exp(log_diag);
    ag_block low = ags_block_take(p, k * q->n_low, q->low_at), sum = ags_block_sums(d, log_diag);

    ag_block xc = ags_block_sub(ags_block_const(n * k * d, q->repeated), mean);
    ag_block square = ags_block_sqnorms(d, ags_block_trimvs(d, diag, low, xc));
    ag_block term = ags_block_fma(ags_block_const(1, &minus_half), square, ags_block_add(alpha, sum));
    ag_scalar likelihood = ags_block_sum(ags_block_logsumexps(k, term));
    ag_scalar weights = ags_block_sum(ags_block_logsumexps(k, alpha));
    ag_scalar f = ag_add(ags_block_sqnorm(diag), ags_block_sqnorm(low));
    ag_scalar e = ags_lin(4, (ag_scalar[]){ likelihood, weights, f, ags_block_sum(sum) },
                          (double[]){ 1, -q->n, 0.5 * q->gamma * q->gamma, -q->m });

    for (size_t i = 0; i < q->n_p; i++) q->input[i] = ags_block_at(p, i);
    take_gradient(t, ag_add(e, constant(q)), q->n_p, q->input);
}

/* ---- one operation at a time ---- */

static ag_scalar logsumexp_per_op(int n, const ag_scalar *x)
{
    ag_scalar top = x[0];
    for (int i = 1; i < n; i++) top = x[i].value > top.value ? x[i] : top;
    ag_scalar s = ag_exp(ag_sub(x[0], top));
    for (int i = 1; i < n; i++) s = ag_add(s, ag_exp(ag_sub(x[i], top)));
    return ag_add(ag_log(s), top);
}

static ag_scalar prior_per_op(const gmm *q, const ag_scalar *p, const ag_scalar *diag, const ag_scalar *sum)
{
    ag_scalar e = ag_const(0);
    for (int c = 0; c < q->k; c++) {
        ag_scalar f = ag_const(0);
        for (int i = 0; i < q->d; i++) f = ag_add(f, ag_square(diag[c * q->d + i]));
        for (size_t i = 0; i < q->n_low; i++) f = ag_add(f, ag_square(LOW(p, c)[i]));
        e = ag_add(e, ag_sub(ag_mul(f, 0.5 * q->gamma * q->gamma), ag_mul(sum[c], (double)q->m)));
    }
    return e;
}

static void per_op(task *t)
{
    const gmm *q = t->data;
    const int d = q->d, k = q->k;
    ag_scalar *p = q->input, *diag = q->scalar, *sum = diag + k * d, *term = sum + k, *xc = term + k, *qx = xc + d;
    ag_tape_reset(t->tape);
    ags_inputs(q->n_p, q->p, p);
    for (int c = 0; c < k; c++) {
        sum[c] = ag_const(0);
        for (int i = 0; i < d; i++) sum[c] = ag_add(sum[c], DIAG(p, c)[i]), diag[c * d + i] = ag_exp(DIAG(p, c)[i]);
    }
    ag_scalar total = ag_const(0);
    for (int r = 0; r < q->n; r++) {
        for (int c = 0; c < k; c++) {
            const ag_scalar *l = LOW(p, c);
            for (int i = 0; i < d; i++) xc[i] = ag_sub(q->x[r * d + i], MEAN(p, c)[i]);
            for (int i = 0; i < d; i++) qx[i] = ag_mul(diag[c * d + i], xc[i]);
            for (int j = 0; j < d; j++)
                for (int i = j + 1; i < d; i++) qx[i] = ag_add(qx[i], ag_mul(*l++, xc[j]));
            ag_scalar s = ag_square(qx[0]);
            for (int i = 1; i < d; i++) s = ag_add(s, ag_square(qx[i]));
            term[c] = ag_sub(ag_add(p[c], sum[c]), ag_mul(s, 0.5));
        }
        total = ag_add(total, logsumexp_per_op(k, term));
    }
    ag_scalar e = ag_add(ag_sub(total, ag_mul(logsumexp_per_op(k, p), (double)q->n)), constant(q));
    take_gradient(t, ag_add(e, prior_per_op(q, p, diag, sum)), q->n_p, p);
}

/* ---- the problem ---- */

static void release(task *t)
{
    gmm *q = t->data;
    free(q->x), free(q->p), free(q->repeated), free(q->diag_at), free(q->low_at);
    free(q->number), free(q->scalar), free(q->input), free(q);
}

static gmm *gmm_new(int d, int k, int n)
{
    gmm *q = calloc(1, sizeof *q);
    if (!q) exit(EXIT_FAILURE);
    *q = (gmm){ .d = d, .k = k, .n = n, .gamma = 1 };
    const size_t kd = (size_t)k * (size_t)d, few = 2 * (size_t)(k + d);
    q->n_low = (size_t)d * (size_t)(d - 1) / 2;
    q->n_p = (size_t)k + 2 * kd + (size_t)k * q->n_low;
    q->p = numbers(q->n_p), q->x = numbers((size_t)n * (size_t)d), q->repeated = numbers((size_t)n * kd);
    q->number = numbers(kd + few), q->scalar = scalars(kd + few), q->input = scalars(q->n_p);
    q->diag_at = calloc(kd, sizeof *q->diag_at);
    q->low_at = calloc((size_t)k * q->n_low + 1, sizeof *q->low_at);
    if (!q->diag_at || !q->low_at) exit(EXIT_FAILURE);
    return q;
}

static task prepared(gmm *q)
{
    const size_t d = (size_t)q->d, k = (size_t)q->k;
    for (size_t c = 0; c < k; c++) {
        const uint32_t first = (uint32_t)(k + k * d + c * (d + q->n_low));
        for (size_t i = 0; i < d; i++) q->diag_at[c * d + i] = first + (uint32_t)i;
        for (size_t i = 0; i < q->n_low; i++) q->low_at[c * q->n_low + i] = first + (uint32_t)(d + i);
    }
    for (size_t r = 0; r < (size_t)q->n; r++)
        for (size_t c = 0; c < k; c++) memcpy(q->repeated + (r * k + c) * d, q->x + r * d, d * sizeof *q->x);
    return (task){ .data = q,
                   .n_value = 1,
                   .n_derivative = q->n_p,
                   .header = { q->n_p },
                   .n_header = 1,
                   .objective = objective,
                   .gradient = by_blocks,
                   .per_op = per_op,
                   .release = release };
}

task gmm_task(const char *path)
{
    enum { MOST = 1 << 27 };
    text f = text_open(path);
    const int d = text_count(&f, 1, 1024), k = text_count(&f, 1, 4096), n = text_count(&f, 1, MOST / d / k);
    gmm *q = gmm_new(d, k, n);
    text_numbers(&f, q->n_p, q->p);
    text_numbers(&f, (size_t)n * (size_t)d, q->x);
    q->gamma = text_number(&f), q->m = text_count(&f, 0, 1 << 20);
    text_end(&f);
    task t = prepared(q);
    char stem[48];
    stem_of(path, sizeof stem, stem);
    snprintf(t.name, sizeof t.name, "%s%s", strncmp(stem, "gmm_", 4) ? "gmm_" : "", stem);
    snprintf(t.golden, sizeof t.golden, "%s.txt", t.name);
    return t;
}

/* Points uniform in (-1, 1), variables in (-0.3, 0.3): Knuth's linear congruential generator, seed 12345. */
task gmm_task_drawn(int d, int k, int n)
{
    gmm *q = gmm_new(d, k, n);
    uint64_t s = 12345;
    for (size_t i = 0; i < q->n_p + (size_t)n * (size_t)d; i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        const double v = (double)(s >> 11) / 9007199254740992.0 * 2 - 1;
        *(i < q->n_p ? q->p + i : q->x + (i - q->n_p)) = i < q->n_p ? 0.3 * v : v;
    }
    task t = prepared(q);
    snprintf(t.name, sizeof t.name, "gmm_d%d_K%d_drawn", d, k);
    return t;
}
