/* hand.c - tracking of a hand: 26 parameters pose 22 bones, whose transforms carry 544 vertices by weights; the
 * residuals are the distances of measured points from their vertices, 3 each.
 *
 * The Jacobian is by columns: there are far fewer variables than residuals. */
#include "adbench.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BONES = 22, VARIABLES = 26, FINGERS = 5, MOST_VERTICES = 4096 };

typedef struct hand {
    int n_vertex, n_point;
    int parent[BONES];
    double relative[BONES][3][4], inverse[BONES][3][4]; /* of the base pose; to a bone's frame */
    double *weighted;                                   /* [vertex][bone][4]: position and 1, times the bone's weight */
    int *at;                                            /* a point's vertex */
    double *point, variable[VARIABLES];
    double *position, *jacobian; /* [vertex][3]; [residual][variable] */
    ag_scalar *moved, *residual;
} hand;

/* Which variable turns a bone about its first and second axis; -1: none. Fingers have four bones: the first is stiff,
 * the second turns about both. */
static void joints(int bone, int *first, int *second)
{
    const int finger = (bone - 1) / 4, k = bone > 0 ? (bone - 1) % 4 - 1 : -1;
    *first = *second = -1;
    if (k < 0 || finger >= FINGERS) return;
    *first = 6 + 4 * finger + k + (k > 0);
    if (k == 0) *second = *first + 1;
}

/* ---- the objective ---- */

/* Turns by a about x, then by b about z. */
static void turn(double a, double b, double r[3][3])
{
    const double ca = cos(a), sa = sin(a), cb = cos(b), sb = sin(b);
    const double all[3][3] = { { cb, -sb * ca, sb * sa }, { sb, cb * ca, -cb * sa }, { 0, sa, ca } };
    memcpy(r, all, sizeof all);
}

/* About the axis v by its length. */
static void axis_turn(const double *v, double r[3][3])
{
    const double angle = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    const double x = v[0] / angle, y = v[1] / angle, z = v[2] / angle, s = sin(angle), c = cos(angle), d = 1 - c;
    const double all[3][3] = { { x * x * d + c, x * y * d - z * s, x * z * d + y * s },
                               { x * y * d + z * s, y * y * d + c, y * z * d - x * s },
                               { x * z * d - y * s, y * z * d + x * s, z * z * d + c } };
    memcpy(r, all, sizeof all);
}

/* y = a b of transforms whose last rows are 0 0 0 1; y may be none of them. */
static void compose(double a[3][4], double b[3][4], double y[3][4])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++)
            y[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j] + (j == 3 ? a[i][3] : 0);
}

static void pose(hand *q, double transform[BONES][3][4])
{
    double absolute[BONES][3][4];
    for (int b = 0; b < BONES; b++) {
        int first, second;
        double r[3][3], local[3][4];
        joints(b, &first, &second);
        turn(first < 0 ? 0 : q->variable[first], second < 0 ? 0 : q->variable[second], r);
        for (int i = 0; i < 3; i++) {
            const double *k = q->relative[b][i];
            for (int j = 0; j < 3; j++) local[i][j] = k[0] * r[0][j] + k[1] * r[1][j] + k[2] * r[2][j];
            local[i][3] = k[3];
        }
        if (q->parent[b] < 0)
            memcpy(absolute[b], local, sizeof local);
        else
            compose(absolute[q->parent[b]], local, absolute[b]);
        compose(absolute[b], q->inverse[b], transform[b]);
    }
}

static void skin(const hand *q, double transform[BONES][3][4])
{
    memset(q->position, 0, 3 * (size_t)q->n_vertex * sizeof *q->position);
    for (int b = 0; b < BONES; b++)
        for (int v = 0; v < q->n_vertex; v++) {
            const double *w = q->weighted + 4 * (BONES * v + b);
            for (int i = 0; i < 3; i++) {
                const double *k = transform[b][i];
                q->position[3 * v + i] += k[0] * w[0] + k[1] * w[1] + k[2] * w[2] + k[3] * w[3];
            }
        }
}

static void objective(task *t)
{
    hand *q = t->data;
    double transform[BONES][3][4], r[3][3];
    pose(q, transform);
    skin(q, transform);
    axis_turn(q->variable, r);
    for (int v = 0; v < q->n_vertex; v++) {
        double *x = q->position + 3 * v, y[3];
        for (int i = 0; i < 3; i++) y[i] = r[i][0] * x[0] + r[i][1] * x[1] + r[i][2] * x[2] + q->variable[3 + i];
        memcpy(x, y, sizeof y);
    }
    for (int k = 0; k < q->n_point; k++)
        for (int i = 0; i < 3; i++) t->value[3 * k + i] = q->point[3 * k + i] - q->position[3 * q->at[k] + i];
}

/* ---- recorded: the sums fused, or one operation at a time ---- */

typedef struct sums {
    ag_scalar (*dot)(size_t n, const ag_scalar *x, const ag_scalar *y);
    ag_scalar (*lin)(size_t n, const ag_scalar *x, const double *k);
} sums;

static ag_scalar dot_per_op(size_t n, const ag_scalar *x, const ag_scalar *y)
{
    ag_scalar sum = ag_mul(x[0], y[0]);
    for (size_t i = 1; i < n; i++) sum = ag_add(sum, ag_mul(x[i], y[i]));
    return sum;
}
static ag_scalar lin_per_op(size_t n, const ag_scalar *x, const double *k)
{
    ag_scalar sum = ag_mul(x[0], k[0]);
    for (size_t i = 1; i < n; i++) sum = ag_add(sum, ag_mul(x[i], k[i]));
    return sum;
}

static void turn_recorded(ag_scalar a, ag_scalar b, ag_scalar r[3][3])
{
    ag_scalar ca = ag_cos(a), sa = ag_sin(a), cb = ag_cos(b), sb = ag_sin(b);
    const ag_scalar all[3][3] = { { cb, ag_neg(ag_mul(sb, ca)), ag_mul(sb, sa) },
                                  { sb, ag_mul(cb, ca), ag_neg(ag_mul(cb, sa)) },
                                  { ag_const(0), sa, ca } };
    memcpy(r, all, sizeof all);
}

static void axis_turn_recorded(const ag_scalar *v, ag_scalar r[3][3])
{
    ag_scalar angle = ag_sqrt(ag_add(ag_add(ag_square(v[0]), ag_square(v[1])), ag_square(v[2])));
    ag_scalar u[3], s = ag_sin(angle), c = ag_cos(angle), d = ag_sub(1.0, c);
    for (int i = 0; i < 3; i++) u[i] = ag_div(v[i], angle);
    for (int i = 0; i < 3; i++) {
        const int j = (i + 1) % 3, k = (i + 2) % 3;
        ag_scalar mean = ag_mul(ag_mul(u[i], u[j]), d), side = ag_mul(u[k], s);
        r[i][i] = ag_add(ag_mul(ag_square(u[i]), d), c);
        r[i][j] = ag_sub(mean, side);
        r[j][i] = ag_add(mean, side);
    }
}

static void compose_recorded(const sums *f, ag_scalar a[3][4], ag_scalar b[3][4], ag_scalar y[3][4])
{
    for (int j = 0; j < 4; j++) {
        const ag_scalar column[3] = { b[0][j], b[1][j], b[2][j] };
        for (int i = 0; i < 3; i++) y[i][j] = f->dot(3, a[i], column);
    }
    for (int i = 0; i < 3; i++) y[i][3] = ag_add(y[i][3], a[i][3]);
}

/* Row i of all transforms lies together: [3][BONES][4]. */
static void pose_recorded(const hand *q, const sums *f, const ag_scalar *x, ag_scalar transform[3][BONES][4])
{
    ag_scalar absolute[BONES][3][4];
    for (int b = 0; b < BONES; b++) {
        int first, second;
        ag_scalar r[3][3], local[3][4];
        joints(b, &first, &second);
        turn_recorded(first < 0 ? ag_const(0) : x[first], second < 0 ? ag_const(0) : x[second], r);
        for (int j = 0; j < 3; j++) {
            const ag_scalar column[3] = { r[0][j], r[1][j], r[2][j] };
            for (int i = 0; i < 3; i++) local[i][j] = f->lin(3, column, q->relative[b][i]);
        }
        for (int i = 0; i < 3; i++) local[i][3] = ag_const(q->relative[b][i][3]);
        if (q->parent[b] < 0)
            memcpy(absolute[b], local, sizeof local);
        else
            compose_recorded(f, absolute[q->parent[b]], local, absolute[b]);
        for (int j = 0; j < 4; j++) {
            const double column[4] = { q->inverse[b][0][j], q->inverse[b][1][j], q->inverse[b][2][j], j == 3 };
            for (int i = 0; i < 3; i++) transform[i][b][j] = f->lin(4, absolute[b][i], column);
        }
    }
}

static void jacobian(task *t, const sums *f)
{
    const hand *q = t->data;
    const size_t rows = 3 * (size_t)q->n_point;
    ag_scalar x[VARIABLES], transform[3][BONES][4], r[3][3], y[3];
    ag_tape_reset(t->tape);
    ags_inputs(VARIABLES, q->variable, x);
    pose_recorded(q, f, x, transform);
    axis_turn_recorded(x, r);
    for (int v = 0; v < q->n_vertex; v++) {
        for (int i = 0; i < 3; i++) y[i] = f->lin(4 * BONES, transform[i][0], q->weighted + 4 * BONES * v);
        for (int i = 0; i < 3; i++) q->moved[3 * v + i] = ag_add(f->dot(3, r[i], y), x[3 + i]);
    }
    for (int k = 0; k < q->n_point; k++)
        for (int i = 0; i < 3; i++) q->residual[3 * k + i] = ag_sub(q->point[3 * k + i], q->moved[3 * q->at[k] + i]);

    ags_jacobian(q->residual, rows, x, VARIABLES, q->jacobian);
    note_tape(t);
    t->operations -= VARIABLES;
    stop_on_error(t);
    for (size_t k = 0; k < rows; k++) {
        t->value[k] = q->residual[k].value;
        for (size_t j = 0; j < VARIABLES; j++) t->derivative[j * rows + k] = q->jacobian[k * VARIABLES + j];
    }
}

static void fused(task *t)
{
    jacobian(t, &(sums){ ags_dot, ags_lin });
}

static void per_op(task *t)
{
    jacobian(t, &(sums){ dot_per_op, lin_per_op });
}

/* ---- the problem ---- */

static void release(task *t)
{
    hand *q = t->data;
    free(q->weighted), free(q->at), free(q->point), free(q->position), free(q->jacobian);
    free(q->moved), free(q->residual), free(q);
}

static void read_transform(text *f, double y[3][4])
{
    double last[4];
    text_numbers(f, 12, y[0]);
    text_numbers(f, 4, last);
    if (last[0] != 0 || last[1] != 0 || last[2] != 0 || last[3] != 1) text_fail(f, "not an affine transform");
}

static void read_bones(const char *path, hand *q)
{
    text f = text_open(path);
    for (int b = 0; b < BONES; b++) {
        char name[64];
        text_word(&f, name, sizeof name);
        q->parent[b] = text_count(&f, -1, b - 1);
        read_transform(&f, q->relative[b]);
        read_transform(&f, q->inverse[b]);
    }
    text_end(&f);
}

/* Position, normal, texture coordinates, and weights of some bones. */
static void read_vertices(const char *path, hand *q)
{
    text f = text_open(path);
    q->weighted = numbers(MOST_VERTICES * 4 * BONES);
    while (text_more(&f)) {
        double own[8];
        if (q->n_vertex == MOST_VERTICES) text_fail(&f, "too many vertices");
        double *w = q->weighted + 4 * BONES * q->n_vertex++;
        text_numbers(&f, 8, own);
        for (int n = text_count(&f, 0, BONES); n > 0; n--) {
            const int b = text_count(&f, 0, BONES - 1);
            const double weight = text_number(&f);
            for (int i = 0; i < 4; i++) w[4 * b + i] += weight * (i < 3 ? own[i] : 1);
        }
    }
    text_end(&f);
}

/* Of hand/simple_small/x.txt in hand/model. */
static void read_model(const char *path, const char *name, void (*read)(const char *path, hand *q), hand *q)
{
    char full[4096];
    size_t n = strlen(path);
    for (int up = 0; n > 0 && up < 2; n--) up += path[n - 1] == '/';
    if (snprintf(full, sizeof full, "%.*s/model/%s", (int)n, path, name) < (int)sizeof full) read(full, q);
}

task hand_task(const char *path)
{
    hand *q = calloc(1, sizeof *q);
    if (!q) exit(EXIT_FAILURE);
    read_model(path, "bones.txt", read_bones, q);
    read_model(path, "vertices.txt", read_vertices, q);

    text f = text_open(path);
    q->n_point = text_count(&f, 1, 1 << 20);
    text_count(&f, VARIABLES, VARIABLES);
    const size_t rows = 3 * (size_t)q->n_point, coordinates = 3 * (size_t)q->n_vertex;
    q->at = calloc((size_t)q->n_point, sizeof *q->at);
    if (!q->at) exit(EXIT_FAILURE);
    q->point = numbers(rows), q->position = numbers(coordinates), q->jacobian = numbers(rows * VARIABLES);
    q->moved = scalars(coordinates), q->residual = scalars(rows);
    for (int k = 0; k < q->n_point; k++) {
        q->at[k] = text_count(&f, 0, q->n_vertex - 1);
        text_numbers(&f, 3, q->point + 3 * k);
    }
    text_numbers(&f, VARIABLES, q->variable);
    text_end(&f);

    task t = { .data = q,
               .n_value = rows,
               .n_derivative = rows * VARIABLES,
               .header = { rows, VARIABLES },
               .n_header = 2,
               .objective = objective,
               .gradient = fused,
               .per_op = per_op,
               .release = release };
    char stem[48];
    stem_of(path, sizeof stem, stem);
    const int length = (int)strcspn(stem, "_");
    snprintf(t.name, sizeof t.name, "%s%.*s", strncmp(stem, "hand", 4) ? "hand_" : "", length, stem);
    snprintf(t.golden, sizeof t.golden, "hand_simple_small_%.*s.txt", length, stem);
    return t;
}
