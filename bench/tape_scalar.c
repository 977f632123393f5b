/* tape_scalar.c - recording and reversing scalar statements: nanoseconds and bytes per operation, and the time of one
 * gradient beside that of the plain objective in the same run.
 *
 * A task has an objective in plain C and the same objective recorded: one statement an operation; expressions in
 * registers; fused statements; block records. `first_order` is the same on a tape that keeps no values. An operation is
 * what per-op records. */
#include "bench.h"
#include <autograd/autograd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct task {
    const char *name;
    const void *data;
    size_t n; /* variables, and where they are */
    const double *x;
    double (*plain)(const void *data, const double *x);
    ag_scalar (*per_op)(const void *data, const ag_scalar *x);
    ag_scalar (*expr)(const void *data, const ag_scalar *x); /* may be NULL */
    ag_scalar (*fused)(const void *data, const ag_scalar *x);
    ag_scalar (*block)(const void *data, ag_block x); /* may be NULL */
} task;

/* ---- Rosenbrock's function of many variables ---- */
enum { ROSENBROCK = 100000 };

static double rosenbrock_plain(const void *data, const double *x)
{
    (void)data;
    double s = 0;
    for (int i = 0; i + 1 < ROSENBROCK; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
        s += 100 * a * a + b * b;
    }
    return s;
}

static ag_scalar rosenbrock_per_op(const void *data, const ag_scalar *x)
{
    (void)data;
    ag_scalar s = ag_const(0);
    for (int i = 0; i + 1 < ROSENBROCK; i++) {
        ag_scalar a = ag_sub(x[i + 1], ag_mul(x[i], x[i])), b = ag_sub(1.0, x[i]);
        s = ag_add(s, ag_add(ag_mul(100.0, ag_mul(a, a)), ag_mul(b, b)));
    }
    return s;
}

static ag_scalar rosenbrock_expr(const void *data, const ag_scalar *x)
{
    (void)data;
    ag_scalar s = ag_const(0);
    for (int i = 0; i + 1 < ROSENBROCK; i++) {
        ag_expr a = agx_sub(x[i + 1], agx_mul(x[i], x[i])), b = agx_sub(1.0, x[i]);
        s = agx_end(agx_add(s, agx_add(agx_mul(100.0, agx_mul(a, a)), agx_mul(b, b))));
    }
    return s;
}

static ag_scalar rosenbrock_fused(const void *data, const ag_scalar *x)
{
    (void)data;
    ag_scalar s = ag_const(0);
    for (int i = 0; i + 1 < ROSENBROCK; i++) {
        double a = x[i + 1].value - x[i].value * x[i].value, b = 1 - x[i].value;
        s = ags_statement(s.value + 100 * a * a + b * b, 3, (ag_scalar[]){ s, x[i], x[i + 1] },
                          (double[]){ 1, -400 * a * x[i].value - 2 * b, 200 * a });
    }
    return s;
}

/* ---- a chain of library functions, six operations a step ---- */
enum { STEPS = 166667 };

static double chain_plain(const void *data, const double *x)
{
    (void)data;
    double y = x[0];
    for (int i = 0; i < STEPS; i++) y += x[2] * (sin(y) / exp(x[1] * y));
    return y;
}

static ag_scalar chain_per_op(const void *data, const ag_scalar *x)
{
    (void)data;
    ag_scalar y = x[0];
    for (int i = 0; i < STEPS; i++) y = ag_add(y, ag_mul(x[2], ag_div(ag_sin(y), ag_exp(ag_mul(x[1], y)))));
    return y;
}

static ag_scalar chain_expr(const void *data, const ag_scalar *x)
{
    (void)data;
    ag_scalar y = x[0];
    for (int i = 0; i < STEPS; i++)
        y = agx_end(agx_add(y, agx_mul(x[2], agx_div(agx_sin(y), agx_exp(agx_mul(x[1], y))))));
    return y;
}

static ag_scalar chain_fused(const void *data, const ag_scalar *x)
{
    (void)data;
    ag_scalar y = x[0], a = x[1], h = x[2];
    for (int i = 0; i < STEPS; i++) {
        double s = sin(y.value), c = cos(y.value), e = 1 / exp(a.value * y.value), q = s * e;
        y = ags_statement(y.value + h.value * q, 3, (ag_scalar[]){ y, h, a },
                          (double[]){ 1 + h.value * (c * e - q * a.value), q, -h.value * q * y.value });
    }
    return y;
}

/* ---- a network 2-8-1 with tanh, mean squared error over a thousand points ---- */
enum { HIDDEN = 8, POINTS = 1000, WEIGHTS = 4 * HIDDEN + 1 };
typedef struct mlp {
    double x[POINTS][2], y[POINTS];
} mlp;
/* weights: two of each hidden unit, its bias, its output weight; the output's bias */
#define W(j, i) w[2 * (j) + (i)]
#define BIAS(j) w[2 * HIDDEN + (j)]
#define OUT(j)  w[3 * HIDDEN + (j)]

static double mlp_plain(const void *data, const double *w)
{
    const mlp *m = data;
    double loss = 0;
    for (int n = 0; n < POINTS; n++) {
        double o = w[WEIGHTS - 1];
        for (int j = 0; j < HIDDEN; j++) o += OUT(j) * tanh(W(j, 0) * m->x[n][0] + W(j, 1) * m->x[n][1] + BIAS(j));
        loss += (o - m->y[n]) * (o - m->y[n]);
    }
    return loss / POINTS;
}

static ag_scalar mlp_per_op(const void *data, const ag_scalar *w)
{
    const mlp *m = data;
    ag_scalar loss = ag_const(0);
    for (int n = 0; n < POINTS; n++) {
        ag_scalar o = w[WEIGHTS - 1];
        for (int j = 0; j < HIDDEN; j++) {
            ag_scalar z = ag_add(ag_mul(W(j, 0), m->x[n][0]), ag_mul(W(j, 1), m->x[n][1]));
            o = ag_add(o, ag_mul(OUT(j), ag_tanh(ag_add(z, BIAS(j)))));
        }
        ag_scalar d = ag_sub(o, m->y[n]);
        loss = ag_add(loss, ag_mul(d, d));
    }
    return ag_mul(loss, 1.0 / POINTS);
}

static ag_scalar mlp_expr(const void *data, const ag_scalar *w)
{
    const mlp *m = data;
    ag_scalar loss = ag_const(0);
    for (int n = 0; n < POINTS; n++) {
        ag_scalar o = w[WEIGHTS - 1];
        for (int j = 0; j < HIDDEN; j++) {
            ag_expr z = agx_add(agx_mul(W(j, 0), m->x[n][0]), agx_mul(W(j, 1), m->x[n][1]));
            o = agx_end(agx_add(o, agx_mul(OUT(j), agx_end(agx_tanh(agx_add(z, BIAS(j)))))));
        }
        ag_expr d = agx_sub(o, m->y[n]);
        loss = agx_end(agx_add(loss, agx_mul(d, d)));
    }
    return ag_mul(loss, 1.0 / POINTS);
}

static ag_scalar mlp_fused(const void *data, const ag_scalar *w)
{
    const mlp *m = data;
    ag_scalar loss = ag_const(0);
    for (int n = 0; n < POINTS; n++) {
        const double *x = m->x[n];
        ag_scalar o = w[WEIGHTS - 1];
        for (int j = 0; j < HIDDEN; j++) {
            double v = tanh(W(j, 0).value * x[0] + W(j, 1).value * x[1] + BIAS(j).value), d = 1 - v * v;
            ag_scalar unit =
                ags_statement(v, 3, (ag_scalar[]){ W(j, 0), W(j, 1), BIAS(j) }, (double[]){ d * x[0], d * x[1], d });
            o = ag_fma(OUT(j), unit, o);
        }
        double r = o.value - m->y[n];
        loss = ags_statement(loss.value + r * r, 2, (ag_scalar[]){ loss, o }, (double[]){ 1, 2 * r });
    }
    return ag_mul(loss, 1.0 / POINTS);
}

/* ---- Gaussian mixture (ADBench): log-likelihood with a Wishart prior
 * ------------------------------------------------------ Variables: k weights alpha, k means of d, and for each
 * component the logarithms of the diagonal of the inverse covariance's factor, then its strictly lower triangle by
 * columns. */
typedef struct gmm {
    int d, k, n, m; /* dimensions, components, points, Wishart's m */
    double gamma;
    double *x; /* points */
    double *p; /* variables */
    size_t n_p;
    double *number;    /* room for the plain one */
    ag_scalar *scalar; /* room for the recorded ones: see gmm_room */
} gmm;
#define MEAN(p, c) ((p) + q->k + (c)*q->d)
#define DIAG(p, c) ((p) + q->k + q->k * q->d + (c) * (q->d + low_size(q)))
#define LOW(p, c)  (DIAG(p, c) + q->d)
static int low_size(const gmm *q)
{
    return q->d * (q->d - 1) / 2;
}

/* What doesn't depend on the variables. */
static double gmm_constant(const gmm *q)
{
    const double pi = 3.14159265358979323846;
    double n = q->d + q->m + 1, log_gamma = 0.25 * q->d * (q->d - 1) * log(pi);
    for (int j = 1; j <= q->d; j++) log_gamma += lgamma(0.5 * n + 0.5 * (1 - j));
    double c = n * q->d * (log(q->gamma) - 0.5 * log(2)) - log_gamma;
    return -q->n * q->d * 0.5 * log(2 * pi) - q->k * c;
}

static double logsumexp_plain(int n, const double *x)
{
    double top = x[0], s = 0;
    for (int i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++) s += exp(x[i] - top);
    return top + log(s);
}

static double gmm_plain(const void *data, const double *p)
{
    const gmm *q = data;
    const int d = q->d, k = q->k;
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
        total += logsumexp_plain(k, term);
    }
    double e = total - q->n * logsumexp_plain(k, p) + gmm_constant(q);
    for (int c = 0; c < k; c++) {
        double f = 0;
        for (int i = 0; i < d; i++) f += diag[c * d + i] * diag[c * d + i];
        for (int i = 0; i < low_size(q); i++) f += LOW(p, c)[i] * LOW(p, c)[i];
        e += 0.5 * q->gamma * q->gamma * f - q->m * sum[c];
    }
    return e;
}

/* Room for the recorded ones: diag[k d] sum[k] term[k] xc[d] qx[d] row[k low_size] lse[n]. */
typedef struct gmm_room {
    ag_scalar *diag, *sum, *term, *xc, *qx, *row, *lse;
} gmm_room;
static gmm_room gmm_scalars(const gmm *q)
{
    gmm_room a = { .diag = q->scalar };
    a.sum = a.diag + q->k * q->d, a.term = a.sum + q->k, a.xc = a.term + q->k, a.qx = a.xc + q->d;
    a.row = a.qx + q->d, a.lse = a.row + q->k * low_size(q);
    return a;
}

static ag_scalar logsumexp_per_op(int n, const ag_scalar *x)
{
    ag_scalar top = x[0], s = ag_const(0);
    for (int i = 1; i < n; i++) top = x[i].value > top.value ? x[i] : top;
    for (int i = 0; i < n; i++) s = ag_add(s, ag_exp(ag_sub(x[i], top)));
    return ag_add(ag_log(s), top);
}

static ag_scalar gmm_per_op(const void *data, const ag_scalar *p)
{
    const gmm *q = data;
    const gmm_room a = gmm_scalars(q);
    const int d = q->d, k = q->k;
    for (int c = 0; c < k; c++) {
        a.sum[c] = ag_const(0);
        for (int i = 0; i < d; i++) {
            a.sum[c] = ag_add(a.sum[c], DIAG(p, c)[i]);
            a.diag[c * d + i] = ag_exp(DIAG(p, c)[i]);
        }
    }
    ag_scalar total = ag_const(0);
    for (int r = 0; r < q->n; r++) {
        for (int c = 0; c < k; c++) {
            const ag_scalar *l = LOW(p, c);
            ag_scalar s = ag_const(0), *xc = a.xc, *qx = a.qx;
            for (int i = 0; i < d; i++) xc[i] = ag_sub(q->x[r * d + i], MEAN(p, c)[i]);
            for (int i = 0; i < d; i++) qx[i] = ag_mul(a.diag[c * d + i], xc[i]);
            for (int j = 0; j < d; j++)
                for (int i = j + 1; i < d; i++) qx[i] = ag_add(qx[i], ag_mul(*l++, xc[j]));
            for (int i = 0; i < d; i++) s = ag_add(s, ag_mul(qx[i], qx[i]));
            a.term[c] = ag_sub(ag_add(p[c], a.sum[c]), ag_mul(s, 0.5));
        }
        total = ag_add(total, logsumexp_per_op(k, a.term));
    }
    ag_scalar e = ag_add(ag_sub(total, ag_mul(logsumexp_per_op(k, p), (double)q->n)), gmm_constant(q));
    for (int c = 0; c < k; c++) {
        ag_scalar f = ag_const(0);
        for (int i = 0; i < d; i++) f = ag_add(f, ag_mul(a.diag[c * d + i], a.diag[c * d + i]));
        for (int i = 0; i < low_size(q); i++) f = ag_add(f, ag_mul(LOW(p, c)[i], LOW(p, c)[i]));
        e = ag_add(e, ag_sub(ag_mul(f, 0.5 * q->gamma * q->gamma), ag_mul(a.sum[c], (double)q->m)));
    }
    return e;
}

/* The end of both fused ones: likelihoods of the points, of the weights, and the prior of each component. */
static ag_scalar gmm_join(const gmm *q, const ag_scalar *lse, ag_scalar weights, const ag_scalar *f,
                          const ag_scalar *sum)
{
    ag_scalar e = ags_lin(2, (ag_scalar[]){ ags_sum((size_t)q->n, lse), weights }, (double[]){ 1, -q->n });
    e = ag_add(e, gmm_constant(q));
    for (int c = 0; c < q->k; c++)
        e = ags_lin(3, (ag_scalar[]){ e, f[c], sum[c] }, (double[]){ 1, 0.5 * q->gamma * q->gamma, -q->m });
    return e;
}

static ag_scalar gmm_fused(const void *data, const ag_scalar *p)
{
    const gmm *q = data;
    const gmm_room a = gmm_scalars(q);
    const int d = q->d, k = q->k, nl = low_size(q);
    for (int c = 0; c < k; c++) {
        a.sum[c] = ags_sum((size_t)d, DIAG(p, c));
        for (int i = 0; i < d; i++) a.diag[c * d + i] = ag_exp(DIAG(p, c)[i]);
        ag_scalar *row = a.row + c * nl; /* the triangle by rows */
        for (int i = 1; i < d; i++)
            for (int j = 0; j < i; j++) *row++ = LOW(p, c)[j * d - j * (j + 1) / 2 + i - j - 1];
    }
    for (int r = 0; r < q->n; r++) {
        for (int c = 0; c < k; c++) {
            const ag_scalar *l = a.row + c * nl, *diag = a.diag + c * d;
            ag_scalar *xc = a.xc, *qx = a.qx;
            for (int i = 0; i < d; i++) xc[i] = ag_sub(q->x[r * d + i], MEAN(p, c)[i]);
            qx[0] = ag_mul(diag[0], xc[0]);
            for (int i = 1; i < d; l += i, i++) qx[i] = ag_fma(diag[i], xc[i], ags_dot((size_t)i, l, xc));
            a.term[c] =
                ags_lin(3, (ag_scalar[]){ p[c], a.sum[c], ags_sqnorm((size_t)d, qx) }, (double[]){ 1, 1, -0.5 });
        }
        a.lse[r] = ags_logsumexp((size_t)k, a.term);
    }
    for (int c = 0; c < k; c++)
        a.term[c] = ag_add(ags_sqnorm((size_t)d, a.diag + c * d), ags_sqnorm((size_t)nl, LOW(p, c)));
    return gmm_join(q, a.lse, ags_logsumexp((size_t)k, p), a.term, a.sum);
}

static ag_scalar gmm_block(const void *data, ag_block p)
{
    enum { MOST = 64 };
    const gmm *q = data;
    const gmm_room a = gmm_scalars(q);
    const size_t d = (size_t)q->d, k = (size_t)q->k, nl = (size_t)low_size(q);
    ag_block mean[MOST], low[MOST], diag[MOST];
    for (size_t c = 0; c < k && k <= MOST; c++) {
        ag_block log_diag = ags_block_slice(p, k + k * d + c * (d + nl), d);
        mean[c] = ags_block_slice(p, k + c * d, d);
        low[c] = ags_block_slice(p, k + k * d + c * (d + nl) + d, nl);
        a.sum[c] = ags_block_sum(log_diag);
        diag[c] = ags_block_exp(log_diag);
    }
    for (size_t r = 0; r < (size_t)q->n; r++) {
        for (size_t c = 0; c < k; c++) {
            ag_block qx = ags_block_trimv(diag[c], low[c], ags_block_rsub(q->x + r * d, mean[c]));
            a.term[c] = ags_lin(3, (ag_scalar[]){ ags_block_at(p, c), a.sum[c], ags_block_sqnorm(qx) },
                                (double[]){ 1, 1, -0.5 });
        }
        a.lse[r] = ags_logsumexp(k, a.term);
    }
    for (size_t c = 0; c < k; c++) a.term[c] = ags_block_at(p, c);
    ag_scalar weights = ags_logsumexp(k, a.term);
    for (size_t c = 0; c < k; c++) a.term[c] = ag_add(ags_block_sqnorm(diag[c]), ags_block_sqnorm(low[c]));
    return gmm_join(q, a.lse, weights, a.term, a.sum);
}

static void *room(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p) exit(EXIT_FAILURE);
    return p;
}

static gmm gmm_new(int d, int k, int n)
{
    gmm q = { .d = d, .k = k, .n = n, .gamma = 1 };
    const size_t kd = (size_t)(k * d), nl = (size_t)(k * low_size(&q)), few = (size_t)(2 * k + 2 * d);
    q.n_p = (size_t)k + 2 * kd + nl;
    q.p = room(q.n_p, sizeof *q.p);
    q.x = room((size_t)n * (size_t)d, sizeof *q.x);
    q.number = room(kd + few, sizeof *q.number);
    q.scalar = room(kd + few + nl + (size_t)n, sizeof *q.scalar);
    return q;
}

static void gmm_free(gmm *q)
{
    free(q->p);
    free(q->x);
    free(q->number);
    free(q->scalar);
}

static bool gmm_read(const char *path, gmm *q)
{
    FILE *f = fopen(path, "r");
    int d, k, n;
    if (!f) return false;
    bool ok = fscanf(f, "%d %d %d", &d, &k, &n) == 3;
    if (ok) {
        *q = gmm_new(d, k, n);
        for (size_t i = 0; i < q->n_p; i++) ok &= fscanf(f, "%lf", q->p + i) == 1;
        for (int i = 0; i < n * d; i++) ok &= fscanf(f, "%lf", q->x + i) == 1;
        ok &= fscanf(f, "%lf %d", &q->gamma, &q->m) == 2;
        if (!ok) gmm_free(q);
    }
    fclose(f);
    return ok;
}

/* Points uniform in (-1, 1), variables in (-0.3, 0.3): Knuth's linear congruential generator, seed 12345. */
static gmm gmm_drawn(int d, int k, int n)
{
    gmm q = gmm_new(d, k, n);
    uint64_t s = 12345;
    for (size_t i = 0; i < q.n_p + (size_t)(n * d); i++) {
        s = s * 6364136223846793005u + 1442695040888963407u;
        double v = (double)(s >> 11) / 9007199254740992.0 * 2 - 1;
        if (i < q.n_p)
            q.p[i] = 0.3 * v;
        else
            q.x[i - q.n_p] = v;
    }
    return q;
}

/* ---- running them ---- */

static ag_tape *tapes[2]; /* the default one, and one of first order */

typedef struct variant {
    const task *task;
    enum { PLAIN, PER_OP, EXPR, FUSED, BLOCK } kind;
    ag_tape *tape;
    ag_scalar *x;
    double *gradient, value;
} variant;

static void run(void *arg)
{
    variant *v = arg;
    const task *k = v->task;
    if (v->kind == PLAIN) {
        v->value = k->plain(k->data, k->x);
        return;
    }
    ag_tape_use(v->tape);
    ag_tape_reset(v->tape);
    ag_scalar y;
    if (v->kind == BLOCK) {
        ag_block x = ags_block_input(k->n, k->x);
        y = k->block(k->data, x);
        for (size_t i = 0; i < k->n; i++) v->x[i] = ags_block_at(x, i);
    } else {
        ags_inputs(k->n, k->x, v->x);
        y = (v->kind == FUSED ? k->fused : v->kind == EXPR ? k->expr : k->per_op)(k->data, v->x);
    }
    v->value = y.value;
    if (ags_gradient(y, v->x, k->n, v->gradient)) {
        fprintf(stderr, "%s: %s\n", k->name, ag_errmsg());
        exit(EXIT_FAILURE);
    }
}

/* Largest difference, relative to the largest element. */
static double difference(size_t n, const double *a, const double *b)
{
    double top = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        top = fmax(top, fabs(b[i]));
        worst = fmax(worst, fabs(a[i] - b[i]));
    }
    return top > 0 ? worst / top : worst;
}

static void measure(const task *k, int rounds)
{
    enum { MOST = 9 };
    variant v[MOST];
    bench_case c[MOST];
    int n = 0;
#define VARIANT(name_, kind_, tape_) \
    (c[n] = (bench_case){ name_, run, &v[n], 0 }, v[n++] = (variant){ k, kind_, tape_, NULL, NULL, 0 })
    VARIANT("plain", PLAIN, NULL);
    VARIANT("per-op", PER_OP, tapes[0]);
    VARIANT("per-op first_order", PER_OP, tapes[1]);
    if (k->expr) VARIANT("registers", EXPR, tapes[0]);
    if (k->expr) VARIANT("registers first_order", EXPR, tapes[1]);
    VARIANT("fused", FUSED, tapes[0]);
    VARIANT("fused first_order", FUSED, tapes[1]);
    if (k->block) VARIANT("block", BLOCK, tapes[0]);
    if (k->block) VARIANT("block first_order", BLOCK, tapes[1]);
    double bytes[MOST] = { 0 }, operations = 0;
    for (int i = 0; i < n; i++) {
        v[i].x = room(k->n, sizeof *v[i].x);
        v[i].gradient = room(k->n, sizeof *v[i].gradient);
        run(&v[i]);
        if (i == 0) continue;
        const ag_memory m = ag_tape_memory(v[i].tape);
        bytes[i] = (double)m.in_use;
        if (i == 1) operations = (double)(m.scalars - k->n);
        const double off = difference(k->n, v[i].gradient, v[1].gradient) + fabs(v[i].value / v[0].value - 1);
        if (!(off < 1e-11)) {
            fprintf(stderr, "%s: %s is off by %g\n", k->name, c[i].name, off);
            exit(EXIT_FAILURE);
        }
    }
    const double before = bench_peak();
    bench_run(c, n, rounds, 0.02);
    const double after = bench_peak(), scale = (before + after) / 2 / BENCH_REFERENCE;
    for (int i = 0; i < n; i++) {
        const double ns = c[i].median / operations * 1e9;
        printf("%-11s %-21s %9.3f ms %7.2fx %6.2f ns/op %6.2f scaled %6.1f B/op\n", k->name, c[i].name,
               c[i].median * 1e3, c[i].median / c[0].median, ns, ns * scale, bytes[i] / operations);
        free(v[i].x);
        free(v[i].gradient);
    }
    printf("%-11s %.0f operations; peak %.0f GFLOP/s before, %.0f after\n", k->name, operations, before, after);
    fflush(stdout);
}

static void measure_gmm(const char *name, gmm *q, int rounds)
{
    measure(&(task){ name, q, q->n_p, q->p, gmm_plain, gmm_per_op, NULL, gmm_fused, gmm_block }, rounds);
    gmm_free(q);
}

static void measure_gmm_file(const char *name, const char *path, int rounds)
{
    gmm q;
    if (gmm_read(path, &q))
        measure_gmm(name, &q, rounds);
    else
        printf("%-11s skipped: no %s\n", name, path);
}

static void measure_rosenbrock(int rounds)
{
    double *x = room(ROSENBROCK, sizeof *x);
    for (int i = 0; i < ROSENBROCK; i++) x[i] = 1 + 0.5 * sin(i * 0.1);
    measure(&(task){ "rosenbrock", NULL, ROSENBROCK, x, rosenbrock_plain, rosenbrock_per_op, rosenbrock_expr,
                     rosenbrock_fused, NULL },
            rounds);
    free(x);
}

static void measure_mlp(int rounds)
{
    mlp *m = room(1, sizeof *m);
    double w[WEIGHTS];
    for (int i = 0; i < WEIGHTS; i++) w[i] = 0.3 * sin(1.7 * i + 0.5);
    for (int i = 0; i < POINTS; i++) {
        m->x[i][0] = cos(0.37 * i), m->x[i][1] = sin(0.91 * i);
        m->y[i] = m->x[i][0] * m->x[i][1];
    }
    measure(&(task){ "mlp 2-8-1", m, WEIGHTS, w, mlp_plain, mlp_per_op, mlp_expr, mlp_fused, NULL }, rounds);
    free(m);
}

void bench_scalar(int rounds)
{
    tapes[0] = ag_tape_new();
    tapes[1] = ag_tape_new(.first_order = true);
    if (!tapes[0] || !tapes[1]) exit(EXIT_FAILURE);
    printf(
        "scalars: one gradient, recorded and reversed; times the plain objective's; ns per operation, scaled to %.0f "
        "GFLOP/s; bytes with adjoints\n",
        BENCH_REFERENCE);
    measure_rosenbrock(rounds);
    measure(&(task){ "chain", NULL, 3, (double[]){ 0.3, 1.1, 1e-6 }, chain_plain, chain_per_op, chain_expr, chain_fused,
                     NULL },
            rounds);
    measure_mlp(rounds);
    measure_gmm_file("gmm d2 K5", "../shared/data/adbench/gmm/gmm_d2_K5.txt", rounds);
    measure_gmm_file("gmm d10 K25", "../shared/data/adbench/gmm/gmm_d10_K25.txt", rounds);
    gmm drawn = gmm_drawn(64, 5, 1000);
    measure_gmm("gmm d64 K5", &drawn, rounds < 7 ? rounds : 7);
    ag_tape_free(tapes[1]);
    ag_tape_free(tapes[0]);
}
