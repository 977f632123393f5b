/* Hares and lynxes (Lotka 1925, Volterra 1926): four rates and the first two numbers, fitted to the pelts that the
 * Hudson Bay Company took in 1900-1920, through an integration of 20,000 Runge-Kutta steps. ags_scan keeps a few
 * hundred states of it and computes the rest again on the way back. BFGS (Broyden, Fletcher, Goldfarb, Shanno 1970) on
 * the logarithms. */
#include <autograd/autograd.h>
#include <math.h>
#include <string.h>

enum { YEARS = 21, STEPS = 1000, BIRTH = 0, HUNT, GROWTH, DEATH, HARES, LYNXES, UNKNOWNS };
static const double pelts[2][YEARS] = {
    { 30,   47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22,   25.4, 27.1,
      40.3, 57,   76.6, 52.3, 19.5, 11.2, 7.6,  14.6, 16.2, 24.7 },
    { 4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4, 8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6 },
}; /* thousands */

/* ---- the model ---- */

static void rate(const ag_scalar s[2], const ag_scalar p[4], ag_scalar out[2])
{
    ag_scalar meet = ag_mul(s[0], s[1]);
    out[0] = ag_sub(ag_mul(p[BIRTH], s[0]), ag_mul(p[HUNT], meet));
    out[1] = ag_sub(ag_mul(p[GROWTH], meet), ag_mul(p[DEATH], s[1]));
}

/* One step of Runge and Kutta's method of fourth order, in place. */
static void runge_kutta(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    const double h = *(const double *)user;
    static const double stage[] = { 0.5, 0.5, 1 };
    ag_scalar k[4][2], u[2];
    (void)i;
    rate(s, p, k[0]);
    for (int n = 0; n < 3; n++) {
        for (int j = 0; j < 2; j++) u[j] = ag_fma(k[n][j], ag_const(stage[n] * h), s[j]);
        rate(u, p, k[n + 1]);
    }
    for (int j = 0; j < 2; j++) {
        ag_scalar slopes[] = { k[0][j], k[1][j], k[2][j], k[3][j] };
        s[j] = ag_fma(ags_lin(4, slopes, (const double[]){ 1, 2, 2, 1 }), ag_const(h / 6), s[j]);
    }
}

/* The sum of the squares of log(number / pelts), and its gradient, by the logarithms of the unknowns. */
static double cost(ag_tape *tape, const double *log_x, double *gradient, uint64_t *peak)
{
    static double h = 1.0 / STEPS;
    ag_scalar x[UNKNOWNS], p[UNKNOWNS], off[2 * YEARS];
    ags_inputs(UNKNOWNS, log_x, x);
    for (int i = 0; i < UNKNOWNS; i++) p[i] = ag_exp(x[i]);
    ag_scalar s[2] = { p[HARES], p[LYNXES] };
    for (int year = 0; year < YEARS; year++) {
        if (year) ags_scan(runge_kutta, STEPS, s, 2, p, 4, .user = &h, .memory = AG_REVOLVE);
        for (int j = 0; j < 2; j++) off[2 * year + j] = ag_log(ag_div(s[j], pelts[j][year]));
    }
    ag_scalar y = ags_sqnorm(2 * YEARS, off);
    ags_gradient(y, x, UNKNOWNS, gradient);
    *peak = ag_tape_memory(tape).peak;
    return ag_tape_reset(tape) ? NAN : y.value;
}

/* ---- the fit ---- */

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < UNKNOWNS; i++) sum += a[i] * b[i];
    return sum;
}

/* The estimate of the inverse Hessian, after a step s that changed the gradient by t. */
static void update(double inverse[UNKNOWNS][UNKNOWNS], const double *s, const double *t)
{
    double st = dot(s, t), it[UNKNOWNS];
    if (st <= 0) return;
    for (int i = 0; i < UNKNOWNS; i++) it[i] = dot(inverse[i], t);
    double scale = (1 + dot(t, it) / st) / st;
    for (int i = 0; i < UNKNOWNS; i++)
        for (int j = 0; j < UNKNOWNS; j++) inverse[i][j] += scale * s[i] * s[j] - (it[i] * s[j] + s[i] * it[j]) / st;
}

/* From x along the direction, shorter until the cost falls enough (Armijo 1966); x, g and the result are the new ones.
 */
static double search(ag_tape *tape, double *x, double *g, double was, const double *direction, uint64_t *peak)
{
    double slope = dot(g, direction), to[UNKNOWNS], now = NAN;
    for (double length = 1; length > 1e-10; length /= 2) {
        for (int i = 0; i < UNKNOWNS; i++) to[i] = x[i] + length * direction[i];
        double there[UNKNOWNS];
        now = cost(tape, to, there, peak);
        if (!(now <= was + 1e-4 * length * slope)) continue;
        memcpy(x, to, sizeof to), memcpy(g, there, sizeof there);
        return now;
    }
    return was;
}

int main(void)
{
    double x[UNKNOWNS] = { log(0.5), log(0.02), log(0.02), log(0.8), log(30), log(4) }, g[UNKNOWNS];
    double inverse[UNKNOWNS][UNKNOWNS] = { { 0 } };
    uint64_t peak = 0;
    ag_tape *tape = ag_tape_new(.first_order = true);

    for (int i = 0; i < UNKNOWNS; i++) inverse[i][i] = 0.01;
    double now = cost(tape, x, g, &peak);
    for (int step = 0; step < 60 && sqrt(dot(g, g)) > 1e-8; step++) {
        double direction[UNKNOWNS], from[UNKNOWNS], slope[UNKNOWNS], was = now;
        for (int i = 0; i < UNKNOWNS; i++) direction[i] = -dot(inverse[i], g), from[i] = x[i], slope[i] = g[i];
        now = search(tape, x, g, was, direction, &peak);
        if (!(now < was)) break;
        for (int i = 0; i < UNKNOWNS; i++) from[i] = x[i] - from[i], slope[i] = g[i] - slope[i];
        update(inverse, from, slope);
        if (step % 5 == 0) printf("%2d  cost %.8f  |gradient| %.1e\n", step, now, sqrt(dot(g, g)));
    }

    static const char *const names[] = { "birth", "hunt", "growth", "death", "hares", "lynxes" };
    for (int i = 0; i < UNKNOWNS; i++) printf("%s %.6g\n", names[i], exp(x[i]));
    printf("cost %.8f\n", now);
    printf("memory %.0f KB, for %d steps\n", (double)peak / 1024, (YEARS - 1) * STEPS);

    bool failed = !tape || !(now < INFINITY);
    if (failed) fprintf(stderr, "lotka_volterra: %s\n", ag_errmsg());
    ag_tape_free(tape);
    return failed;
}
