/* Bundle adjustment: cameras and points moved until the points' images are where they were seen. The Jacobian of all
 * residuals is sparse - each depends on one camera and one point - and costs as many sweeps as a residual has unknowns,
 * however many there are. Levenberg-Marquardt (1944, 1963), its equations solved by conjugate gradients.
 *
 * A camera: rotation (axis times angle) 3, centre 3, focal length, principal point 2, radial distortion 2. */
#include <autograd/autograd.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CAMERA = 11, POINT = 3, CAMERAS = 8, POINTS = 60, SEEN = CAMERAS * POINTS };
enum { UNKNOWNS = CAMERAS * CAMERA + POINTS * POINT, RESIDUALS = 2 * SEEN };

/* ---- the projection ---- */

static ag_scalar cross(const ag_scalar *a, const ag_scalar *b, int i)
{
    int j = (i + 1) % 3, k = (i + 2) % 3;
    return ag_sub(ag_mul(a[j], b[k]), ag_mul(a[k], b[j]));
}

/* Rodrigues' formula: p turned by the axis times angle w. */
static void rotate(const ag_scalar *w, const ag_scalar *p, ag_scalar *out)
{
    ag_scalar angle2 = ags_sqnorm(3, w), axis[3];
    if (angle2.value < 1e-20) { /* to first order */
        for (int i = 0; i < 3; i++) out[i] = ag_add(p[i], cross(w, p, i));
        return;
    }
    ag_scalar angle = ag_sqrt(angle2), c = ag_cos(angle), s = ag_sin(angle);
    for (int i = 0; i < 3; i++) axis[i] = ag_div(w[i], angle);
    ag_scalar along = ag_mul(ags_dot(3, axis, p), ag_sub(1.0, c));
    for (int i = 0; i < 3; i++) out[i] = ag_fma(axis[i], along, ag_fma(cross(axis, p, i), s, ag_mul(p[i], c)));
}

static void project(const ag_scalar *camera, const ag_scalar *point, ag_scalar *image)
{
    ag_scalar d[3], q[3], u[2];
    for (int i = 0; i < 3; i++) d[i] = ag_sub(point[i], camera[3 + i]);
    rotate(camera, d, q);
    for (int i = 0; i < 2; i++) u[i] = ag_div(q[i], q[2]);
    ag_scalar r2 = ags_sqnorm(2, u), lens = ag_add(1.0, ag_mul(r2, ag_fma(camera[10], r2, camera[9])));
    for (int i = 0; i < 2; i++) image[i] = ag_fma(ag_mul(camera[6], lens), u[i], camera[7 + i]);
}

static void residuals(const ag_scalar *x, const double *image, ag_scalar *r)
{
    for (int i = 0; i < SEEN; i++) {
        project(x + CAMERA * (i % CAMERAS), x + CAMERAS * CAMERA + POINT * (i / CAMERAS), r + 2 * i);
        for (int k = 0; k < 2; k++) r[2 * i + k] = ag_sub(r[2 * i + k], image[2 * i + k]);
    }
}

/* ---- least squares ---- */

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < UNKNOWNS; i++) sum += a[i] * b[i];
    return sum;
}

/* J'v, and J'J v if v is of the unknowns. */
static void transposed_times(const ag_sparse *j, const double *v, double *out)
{
    memset(out, 0, UNKNOWNS * sizeof *out);
    for (int64_t row = 0; row < j->rows; row++)
        for (int64_t k = j->start[row]; k < j->start[row + 1]; k++) out[j->index[k]] += j->value[k] * v[row];
}
static void normal_times(const ag_sparse *j, const double *v, double *out)
{
    static double jv[RESIDUALS];
    for (int64_t row = 0; row < j->rows; row++) {
        jv[row] = 0;
        for (int64_t k = j->start[row]; k < j->start[row + 1]; k++) jv[row] += j->value[k] * v[j->index[k]];
    }
    transposed_times(j, jv, out);
}

/* Solves (J'J + damping D) step = -g with D the diagonal of J'J, by conjugate gradients scaled by D. */
static void solve(const ag_sparse *j, const double *g, double damping, double *step)
{
    static double diagonal[UNKNOWNS], r[UNKNOWNS], z[UNKNOWNS], d[UNKNOWNS], hd[UNKNOWNS];
    memset(diagonal, 0, sizeof diagonal);
    for (int64_t k = 0; k < j->nnz; k++) diagonal[j->index[k]] += j->value[k] * j->value[k];
    for (int i = 0; i < UNKNOWNS; i++) step[i] = 0, r[i] = -g[i], d[i] = z[i] = r[i] / diagonal[i];
    double rz = dot(r, z), first = rz;
    for (int n = 0; n < 2 * UNKNOWNS && rz > 1e-20 * first; n++) {
        normal_times(j, d, hd);
        for (int i = 0; i < UNKNOWNS; i++) hd[i] += damping * diagonal[i] * d[i];
        double length = rz / dot(d, hd), next;
        for (int i = 0; i < UNKNOWNS; i++) step[i] += length * d[i], r[i] -= length * hd[i], z[i] = r[i] / diagonal[i];
        next = dot(r, z);
        for (int i = 0; i < UNKNOWNS; i++) d[i] = z[i] + next / rz * d[i];
        rz = next;
    }
}

/* The root of the mean square of all residuals. With a gradient also that, and the Jacobian: its pattern is found once.
 */
static double evaluate(ag_tape *tape, const double *at, const double *image, double *g, ag_sparse **jacobian)
{
    static ag_scalar x[UNKNOWNS], r[RESIDUALS];
    static double value[RESIDUALS];
    ag_record(g != NULL);
    ags_inputs(UNKNOWNS, at, x);
    residuals(x, image, r);
    ag_record(true);
    double sum = 0;
    for (int i = 0; i < RESIDUALS; i++) value[i] = r[i].value, sum += value[i] * value[i];
    if (g && *jacobian)
        ags_sparse_update(*jacobian, r, RESIDUALS, x, UNKNOWNS);
    else if (g)
        *jacobian = ags_sparse_jacobian(r, RESIDUALS, x, UNKNOWNS);
    if (g && *jacobian) transposed_times(*jacobian, value, g);
    return ag_tape_reset(tape) ? NAN : sqrt(sum / RESIDUALS);
}

/* ---- a scene ---- */

static double uniform(void) /* -1 to 1 */
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(state >> 11) / (double)(UINT64_C(1) << 52) - 1;
}

/* Points in a box, cameras on an arc before it; what they see, to half a pixel. */
static void scene(ag_tape *tape, double *truth, double *image)
{
    static const double none[RESIDUALS];
    static ag_scalar x[UNKNOWNS], r[RESIDUALS];
    for (int i = 0; i < CAMERAS; i++) {
        double turn = 0.12 * (i - 0.5 * (CAMERAS - 1)), *c = truth + CAMERA * i;
        double camera[CAMERA] = { 0.02 * uniform(),
                                  turn,
                                  0.02 * uniform(),
                                  8 * sin(turn),
                                  0.3 * uniform(),
                                  -8 * cos(turn),
                                  800 + 5 * uniform(),
                                  320,
                                  240,
                                  0.01 * uniform(),
                                  0.001 * uniform() };
        memcpy(c, camera, sizeof camera);
        c[1] = -turn;
    }
    for (int i = CAMERAS * CAMERA; i < UNKNOWNS; i++) truth[i] = 2 * uniform();
    AG_NO_GRAD {
        ags_inputs(UNKNOWNS, truth, x);
        residuals(x, none, r);
    }
    for (int i = 0; i < RESIDUALS; i++) image[i] = r[i].value + 0.5 * uniform();
    ag_tape_reset(tape);
}

int main(void)
{
    static double x[UNKNOWNS], image[RESIDUALS], g[UNKNOWNS], step[UNKNOWNS], to[UNKNOWNS];
    ag_tape *tape = ag_tape_new(.first_order = true);
    if (!tape) return fprintf(stderr, "bundle_adjustment: %s\n", ag_errmsg()), EXIT_FAILURE;

    scene(tape, x, image);
    for (int i = 0; i < UNKNOWNS; i++) x[i] += 0.02 * uniform();

    ag_sparse *jacobian = NULL;
    double now = evaluate(tape, x, image, g, &jacobian), damping = 1e-3;
    if (jacobian)
        printf("%lld residuals, %lld unknowns, %lld derivatives in %lld directions\n", (long long)jacobian->rows,
               (long long)jacobian->cols, (long long)jacobian->nnz, (long long)jacobian->colors);
    for (int i = 0; i < 50 && jacobian && damping < 1e8; i++) {
        solve(jacobian, g, damping, step);
        for (int k = 0; k < UNKNOWNS; k++) to[k] = x[k] + step[k];
        double next = evaluate(tape, to, image, NULL, NULL), was = now;
        if (!(next < now)) {
            damping *= 10;
            continue;
        }
        damping /= 10, memcpy(x, to, sizeof x);
        now = evaluate(tape, x, image, g, &jacobian);
        printf("%2d  error %.6f pixels\n", i, now);
        if (was - now < 1e-6 * was) break;
    }

    ag_sparse_free(jacobian);
    bool failed = !(now < INFINITY);
    if (failed) fprintf(stderr, "bundle_adjustment: %s\n", ag_errmsg());
    ag_tape_free(tape);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
