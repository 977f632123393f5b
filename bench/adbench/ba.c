/* ba.c - bundle adjustment: for each observation the weighted reprojection error of a point in a camera, 2 residuals of
 * 15 variables (camera 11, point 3, weight 1), and 1 - weight^2.
 *
 * No two observations share a recorded variable: of many of them on one tape, the sum of all first residuals has the
 * first rows of all their blocks as its gradient. */
#include "adbench.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAMERA = 11, POINT = 3, INPUTS = CAMERA + POINT + 1 };
/* A camera: rotation vector 3, centre 3, focal length, principal point 2, radial distortion 2. */
enum { ROTATION = 0, CENTRE = 3, FOCAL = 6, PRINCIPAL = 7, RADIAL = 9, WEIGHT = 14 };
enum { BATCH = 32 };

typedef struct ba {
    int n, m, p; /* cameras, points, observations */
    double *camera, *point, *weight, *feature;
    int (*seen)[2]; /* of each observation, its camera and point */
} ba;

/* Values and derivatives, of all observations: errors 2, weight error 1; rows 2 x 15, and the weight's 1. */
static double *errors(const task *t, int i)
{
    return t->value + 3 * (size_t)i;
}
static double *block(const task *t, int i)
{
    return t->derivative + (2 * INPUTS + 1) * (size_t)i;
}

/* ---- the objective ---- */

static void cross(const double *a, const double *b, double *y)
{
    y[0] = a[1] * b[2] - a[2] * b[1];
    y[1] = a[2] * b[0] - a[0] * b[2];
    y[2] = a[0] * b[1] - a[1] * b[0];
}

/* Rodrigues' formula: x turned about the axis r by its length. */
static void rotate(const double *r, const double *x, double *y)
{
    const double square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    double side[3];
    if (square == 0) {
        cross(r, x, side);
        for (int i = 0; i < 3; i++) y[i] = x[i] + side[i];
        return;
    }
    const double angle = sqrt(square), c = cos(angle), s = sin(angle);
    const double axis[3] = { r[0] / angle, r[1] / angle, r[2] / angle };
    cross(axis, x, side);
    const double along = (axis[0] * x[0] + axis[1] * x[1] + axis[2] * x[2]) * (1 - c);
    for (int i = 0; i < 3; i++) y[i] = x[i] * c + side[i] * s + axis[i] * along;
}

static void reproject(const double *cam, const double *point, double weight, const double *feature, double *error)
{
    double x[3], y[3];
    for (int i = 0; i < 3; i++) x[i] = point[i] - cam[CENTRE + i];
    rotate(cam + ROTATION, x, y);
    const double u = y[0] / y[2], v = y[1] / y[2], square = u * u + v * v;
    const double scale = 1 + cam[RADIAL] * square + cam[RADIAL + 1] * square * square;
    error[0] = weight * (u * scale * cam[FOCAL] + cam[PRINCIPAL] - feature[0]);
    error[1] = weight * (v * scale * cam[FOCAL] + cam[PRINCIPAL + 1] - feature[1]);
}

static void objective(task *t)
{
    const ba *q = t->data;
    for (int i = 0; i < q->p; i++) {
        reproject(q->camera + CAMERA * q->seen[i][0], q->point + POINT * q->seen[i][1], q->weight[i],
                  q->feature + 2 * i, errors(t, i));
        errors(t, i)[2] = 1 - q->weight[i] * q->weight[i];
    }
}

/* ---- recorded: expressions in registers, and one operation at a time ---- */

typedef void reproject_fn(const ag_scalar *x, const double *feature, ag_scalar *error);

static ag_scalar minus(ag_scalar a, ag_scalar b, ag_scalar c, ag_scalar d)
{
    return ag_sub(ag_mul(a, b), ag_mul(c, d));
}

static void cross_recorded(const ag_scalar *a, const ag_scalar *b, ag_scalar *y)
{
    y[0] = minus(a[1], b[2], a[2], b[1]);
    y[1] = minus(a[2], b[0], a[0], b[2]);
    y[2] = minus(a[0], b[1], a[1], b[0]);
}

static ag_expr sum_of_squares(ag_scalar a, ag_scalar b)
{
    return agx_add(agx_square(a), agx_square(b));
}
static ag_expr products(ag_scalar a, ag_scalar b, ag_scalar c, ag_scalar d)
{
    return agx_add(agx_mul(a, b), agx_mul(c, d));
}

static void cross_fused(const ag_scalar *a, const ag_scalar *b, ag_scalar *y)
{
    y[0] = agx_end(agx_sub(agx_mul(a[1], b[2]), agx_mul(a[2], b[1])));
    y[1] = agx_end(agx_sub(agx_mul(a[2], b[0]), agx_mul(a[0], b[2])));
    y[2] = agx_end(agx_sub(agx_mul(a[0], b[1]), agx_mul(a[1], b[0])));
}

static void rotate_fused(const ag_scalar *r, const ag_scalar *x, ag_scalar *y)
{
    ag_scalar side[3], axis[3], square = agx_end(agx_add(sum_of_squares(r[0], r[1]), agx_square(r[2])));
    if (square.value == 0) {
        cross_fused(r, x, side);
        for (int i = 0; i < 3; i++) y[i] = ag_add(x[i], side[i]);
        return;
    }
    ag_scalar angle = ag_sqrt(square), c = ag_cos(angle), s = ag_sin(angle), inverse = ag_reciprocal(angle);
    for (int i = 0; i < 3; i++) axis[i] = ag_mul(r[i], inverse);
    cross_fused(axis, x, side);
    ag_scalar flat = agx_end(products(axis[0], x[0], axis[1], x[1]));
    ag_scalar along = agx_end(agx_mul(agx_fma(axis[2], x[2], flat), agx_sub(1.0, c)));
    for (int i = 0; i < 3; i++) y[i] = agx_end(agx_fma(axis[i], along, agx_end(products(x[i], c, side[i], s))));
}

static void reproject_fused(const ag_scalar *q, const double *feature, ag_scalar *error)
{
    ag_scalar x[3], y[3];
    for (int i = 0; i < 3; i++) x[i] = ag_sub(q[CAMERA + i], q[CENTRE + i]);
    rotate_fused(q + ROTATION, x, y);
    ag_scalar image[2] = { agx_end(agx_div(y[0], y[2])), agx_end(agx_div(y[1], y[2])) };
    ag_expr square = sum_of_squares(image[0], image[1]);
    ag_scalar scale = agx_end(agx_fma(agx_fma(q[RADIAL + 1], square, q[RADIAL]), square, 1));
    ag_scalar zoom = ag_mul(scale, q[FOCAL]);
    for (int i = 0; i < 2; i++)
        error[i] = agx_end(agx_mul(q[WEIGHT], agx_sub(agx_fma(image[i], zoom, q[PRINCIPAL + i]), feature[i])));
}

static void rotate_per_op(const ag_scalar *r, const ag_scalar *x, ag_scalar *y)
{
    ag_scalar side[3], axis[3];
    ag_scalar square = ag_add(ag_add(ag_mul(r[0], r[0]), ag_mul(r[1], r[1])), ag_mul(r[2], r[2]));
    if (square.value == 0) {
        cross_recorded(r, x, side);
        for (int i = 0; i < 3; i++) y[i] = ag_add(x[i], side[i]);
        return;
    }
    ag_scalar angle = ag_sqrt(square), c = ag_cos(angle), s = ag_sin(angle);
    for (int i = 0; i < 3; i++) axis[i] = ag_div(r[i], angle);
    cross_recorded(axis, x, side);
    ag_scalar dot = ag_add(ag_add(ag_mul(axis[0], x[0]), ag_mul(axis[1], x[1])), ag_mul(axis[2], x[2]));
    ag_scalar along = ag_mul(dot, ag_sub(1.0, c));
    for (int i = 0; i < 3; i++) y[i] = ag_add(ag_add(ag_mul(x[i], c), ag_mul(side[i], s)), ag_mul(axis[i], along));
}

static void reproject_per_op(const ag_scalar *q, const double *feature, ag_scalar *error)
{
    ag_scalar x[3], y[3];
    for (int i = 0; i < 3; i++) x[i] = ag_sub(q[CAMERA + i], q[CENTRE + i]);
    rotate_per_op(q + ROTATION, x, y);
    ag_scalar image[2] = { ag_div(y[0], y[2]), ag_div(y[1], y[2]) };
    ag_scalar square = ag_add(ag_mul(image[0], image[0]), ag_mul(image[1], image[1]));
    ag_scalar scale = ag_add(1.0, ag_mul(q[RADIAL], square));
    scale = ag_add(scale, ag_mul(ag_mul(q[RADIAL + 1], square), square));
    for (int i = 0; i < 2; i++) {
        ag_scalar there = ag_add(ag_mul(ag_mul(image[i], scale), q[FOCAL]), q[PRINCIPAL + i]);
        error[i] = ag_mul(q[WEIGHT], ag_sub(there, feature[i]));
    }
}

/* Rows of the blocks of observations first .. first + n - 1, all of them by one sweep of two rows. */
static void jacobian_of(task *t, reproject_fn *reproject_recorded, int first, int n)
{
    const ba *q = t->data;
    ag_scalar x[BATCH * INPUTS], error[BATCH * 2];
    double seed[2][BATCH * 2], row[2][BATCH * INPUTS];
    ag_tape_reset(t->tape);
    for (int i = 0; i < n; i++) {
        ag_scalar *own = x + INPUTS * i, *pair = error + 2 * i;
        const int *seen = q->seen[first + i];
        ags_inputs(CAMERA, q->camera + CAMERA * seen[0], own);
        ags_inputs(POINT, q->point + POINT * seen[1], own + CAMERA);
        own[WEIGHT] = ag_input(q->weight[first + i]);
        reproject_recorded(own, q->feature + 2 * (first + i), pair);
        for (int k = 0; k < 2; k++) {
            errors(t, first + i)[k] = pair[k].value;
            seed[0][2 * i + k] = k == 0, seed[1][2 * i + k] = k == 1;
        }
    }
    if (n < BATCH) memcpy(seed[0] + 2 * n, seed[1], 2 * (size_t)n * sizeof **seed); /* rows of 2 n */
    ags_vjps(error, 2 * (size_t)n, x, (size_t)(INPUTS * n), 2, seed[0], row[0]);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < n; i++)
            memcpy(block(t, first + i) + k * INPUTS, row[0] + (k * n + i) * INPUTS, INPUTS * sizeof **row);
}

/* The weights' errors, each of its own weight only. */
static void weights(task *t)
{
    const ba *q = t->data;
    enum { MANY = 1024 };
    ag_scalar w[MANY], error[MANY];
    double one[MANY], slope[MANY];
    for (int first = 0; first < q->p; first += MANY) {
        const int n = q->p - first < MANY ? q->p - first : MANY;
        ag_tape_reset(t->tape);
        ags_inputs((size_t)n, q->weight + first, w);
        for (int i = 0; i < n; i++) error[i] = ag_sub(1.0, ag_square(w[i])), one[i] = 1;
        ags_vjp(error, (size_t)n, w, (size_t)n, one, slope);
        for (int i = 0; i < n; i++)
            errors(t, first + i)[2] = error[i].value, block(t, first + i)[2 * INPUTS] = slope[i];
    }
}

static void jacobian(task *t, reproject_fn *reproject_recorded)
{
    const ba *q = t->data;
    weights(t);
    for (int i = 0; i < q->p; i += BATCH) jacobian_of(t, reproject_recorded, i, q->p - i < BATCH ? q->p - i : BATCH);
    note_tape(t); /* of the last ones */
    const size_t last = (size_t)((q->p - 1) % BATCH + 1);
    t->operations -= INPUTS * last;
    stop_on_error(t);
}

static void fused(task *t)
{
    jacobian(t, reproject_fused);
}

static void per_op(task *t)
{
    jacobian(t, reproject_per_op);
}

/* ---- the problem: ADBench gives every camera, point and observation the same numbers ---- */

static void release(task *t)
{
    ba *q = t->data;
    free(q->camera), free(q->point), free(q->weight), free(q->feature), free(q->seen), free(q);
}

static void repeat(double *x, size_t size, size_t n)
{
    for (size_t i = 1; i < n; i++) memcpy(x + i * size, x, size * sizeof *x);
}

task ba_task(const char *path)
{
    text f = text_open(path);
    ba *q = calloc(1, sizeof *q);
    if (!q) exit(EXIT_FAILURE);
    q->n = text_count(&f, 1, 1 << 20), q->m = text_count(&f, 1, 1 << 22), q->p = text_count(&f, 1, 1 << 22);
    const size_t n = (size_t)q->n, m = (size_t)q->m, p = (size_t)q->p;
    q->camera = numbers(CAMERA * n), q->point = numbers(POINT * m), q->weight = numbers(p);
    q->feature = numbers(2 * p), q->seen = calloc(p, sizeof *q->seen);
    if (!q->seen) exit(EXIT_FAILURE);
    text_numbers(&f, CAMERA, q->camera), repeat(q->camera, CAMERA, n);
    text_numbers(&f, POINT, q->point), repeat(q->point, POINT, m);
    text_numbers(&f, 1, q->weight), repeat(q->weight, 1, p);
    text_numbers(&f, 2, q->feature), repeat(q->feature, 2, p);
    text_end(&f);
    for (int i = 0; i < q->p; i++) q->seen[i][0] = i % q->n, q->seen[i][1] = i % q->m;
    task t = { .data = q,
               .n_value = 3 * p,
               .n_derivative = (2 * INPUTS + 1) * p,
               .n_golden = { 3, 2 * INPUTS + 1 },
               .objective = objective,
               .gradient = fused,
               .per_op = per_op,
               .release = release };
    char stem[48];
    stem_of(path, sizeof stem, stem);
    const int length = (int)strcspn(stem, "_");
    snprintf(t.name, sizeof t.name, "%s%.*s", strncmp(stem, "ba", 2) ? "ba_" : "", length, stem);
    snprintf(t.golden, sizeof t.golden, "ba_%.*s_block0.txt", length, stem);
    return t;
}
