/* gradcheck_project.c - random mode: u' J v by reverse sweeps and by differences, u and v random signs.
 *
 * A fault d in one entry (i, j) changes u' J v by u_i v_j d, whose size is that of d whatever the signs. Several faults
 * cancel in one projection with probability 1/2 at most. Each input or parameter has its own v, so that what is small
 * in one is not lost beside another. */
#include <autograd/diff/check.h>
#include <string.h>

static double sign_of(uint64_t seed, size_t k)
{
    return ag__check_bits(seed + k / 64) >> k % 64 & 1 ? 1 : -1;
}

/* Projection p's u: of the outputs; and its v: of the numbers of a group, each in proportion to the point. */
static void draw_u(ag__checking *c, size_t p)
{
    for (size_t i = 0; i < c->s->m; i++) c->u[i] = sign_of((uint64_t)p << 40, i);
}

static void draw_v(ag__checking *c, size_t p, size_t first, size_t count)
{
    memset(c->v, 0, c->s->n * sizeof *c->v);
    for (size_t j = first; j < first + count; j++)
        c->v[j] = sign_of((uint64_t)p << 40 | UINT64_C(1) << 39, j) * fmax(1, fabs(c->s->x[j]));
}

/* ---- the analytic side: J'u of each projection ---- */

static ag_status reverse(ag__checking *c)
{
    ag__subject *s = c->s;
    memset(c->sum, 0, s->n * sizeof *c->sum);
    for (size_t p = 0; p < c->n_projection; p++) {
        double *g = c->jacobian + p * s->n;
        draw_u(c, p);
        if (s->pull(s, c->u, g, false)) return ag_error();
        for (size_t j = 0; j < s->n; j++) c->sum[j] += fabs(g[j]); /* in one of them terms may cancel, not in all */
    }
    return AG_OK;
}

static ag_status analytic(ag__checking *c)
{
    ag__subject *s = c->s;
    if (reverse(c)) return ag_error();
    for (size_t p = 0; p < c->n_projection; p++) {
        draw_u(c, p);
        memcpy(c->g, c->jacobian + p * s->n, s->n * sizeof *c->g);
        if (ag__agree_recorded(c)) return ag_error();
        for (size_t k = 0; k < s->n_group && !c->o->no_forward; k++) {
            size_t first, count;
            s->group(s, k, &first, &count);
            draw_v(c, p, first, count);
            if (ag__agree_forward(c, k)) return ag_error();
        }
    }
    return AG_OK;
}

/* ---- differences ---- */

static ag_status move_along(ag__checking *c, size_t first, size_t count, double h)
{
    static const double side[] = { 1, -1, 0.5, -0.5 };
    for (int k = 0; k < 4; k++) {
        for (size_t j = first; j < first + count; j++) c->at[j] = c->s->x[j] + side[k] * h * c->v[j];
        ag_status status = ag__evaluate(c, c->at, c->f[k + 1]);
        memcpy(c->at + first, c->s->x + first, count * sizeof *c->at);
        if (status) return status;
    }
    return AG_OK;
}

/* u'f of the five evaluations, over the outputs [from, to). */
static ag__five projected(const ag__checking *c, size_t from, size_t to)
{
    ag__five five = { .atols = 1 };
    for (int k = 0; k < 5; k++)
        for (size_t i = from; i < to; i++) five.f[k] += c->u[i] * c->f[k][i];
    for (size_t i = from; i < to; i++) five.magnitude += fabs(c->f[0][i]);
    return five;
}

/* u' J v, v that of the numbers [first, first + count), with smaller steps while they tell more. The values of the last
 * step stay in f. */
static ag_status measure(ag__checking *c, const double *g, size_t first, size_t count, ag__entry *e)
{
    double squares = 0, moved = 0, h = 0x1p-13 / sqrt((double)count), rows = (double)c->s->m;
    e->analytic = 0;
    for (size_t j = first; j < first + count; j++) {
        e->analytic += g[j] * c->v[j];
        moved += c->v[j] * c->v[j];
    }
    for (size_t j = 0; j < c->s->n; j++) squares += g[j] * g[j]; /* by all: what is large beside it may cost digits */
    for (int step = 0; step < AG__N_STEPS; step++, h /= 64) {
        if (move_along(c, first, count, h)) return ag_error();
        ag__five five = projected(c, 0, c->s->m);
        five.scale = sqrt(squares * moved / (double)count), five.atols = sqrt(moved);
        ag__entry now = *e;
        ag__judge(c, &five, h, &now);
        if (step == 0 || ag__is_better(e, &now)) *e = now;
        if (10 * e->estimate <= c->atol + 0.1 * c->rtol * five.scale / sqrt(rows)) break;
    }
    return AG_OK;
}

/* ---- where it is: halving v, then u, towards the larger error ---- */

static double error_of(const ag__entry *e)
{
    double d = fabs(e->analytic - e->numeric);
    return d == d ? d : INFINITY;
}

static ag_status find_column(ag__checking *c, const double *g, size_t first, size_t count, size_t *j)
{
    while (count > 1) {
        size_t half = count / 2;
        ag__entry left = { .i = 0 }, right = { .i = 0 };
        if (measure(c, g, first, half, &left) || measure(c, g, first + half, count - half, &right)) return ag_error();
        bool goes_left = error_of(&left) >= error_of(&right);
        first = goes_left ? first : first + half;
        count = goes_left ? half : count - half;
    }
    *j = first;
    return AG_OK;
}

/* From an evaluation at the point itself on; the error of column j by the outputs [from, to) of u. */
static ag_status error_within(ag__checking *c, size_t p, size_t from, size_t to, size_t j, double h, ag__entry *e)
{
    ag__subject *s = c->s;
    draw_u(c, p);
    memset(c->u, 0, from * sizeof *c->u);
    memset(c->u + to, 0, (s->m - to) * sizeof *c->u);
    if (s->pull(s, c->u, c->g, false)) return ag_error();
    e->analytic = c->g[j] * c->v[j];
    ag__five five = projected(c, from, to);
    for (size_t k = 0; k < s->n; k++) five.scale = fmax(five.scale, fabs(c->g[k] * c->v[j]));
    ag__judge(c, &five, h, e);
    return AG_OK;
}

/* The entry behind a projection that failed, if one alone fails as well. Of order 2 rows are named like columns. */
static ag_status locate(ag__checking *c, ag__entry *e, size_t first, size_t count)
{
    ag__subject *s = c->s;
    size_t p = e->i, j = first, from = 0, to = s->m;
    double h = 0x1p-13;
    draw_u(c, p);
    if (find_column(c, c->jacobian + p * s->n, first, count, &j)) return ag_error();
    if (move_along(c, j, 1, h)) return ag_error();
    ag__entry found = { .i = 0 };
    ag_status status = s->run(s, s->x);
    while (!status && to - from > 1) {
        size_t middle = from + (to - from) / 2;
        ag__entry low = { .i = 0 }, high = { .i = 0 };
        status = error_within(c, p, from, middle, j, h, &low);
        if (!status) status = error_within(c, p, middle, to, j, h, &high);
        if (error_of(&low) >= error_of(&high))
            to = middle;
        else
            from = middle;
    }
    if (!status) status = error_within(c, p, from, to, j, h, &found);
    if (s->finish(s, NULL)) return ag_error();
    double by = c->u[from] * c->v[j]; /* back to d y_i / d x_j */
    found.i = from, found.j = j, found.group = e->group;
    found.analytic /= by, found.numeric /= by, found.estimate /= fabs(by);
    found.badness = fmax(found.badness, e->badness); /* it is what made the projection fail */
    if (found.verdict != AG__FINE) *e = found;
    return AG_OK;
}

/* All projections by one group; the entry behind the worst stands for it. */
static ag_status by_group(ag__checking *c, size_t k)
{
    ag__entry worst = { .badness = -1 };
    size_t first, count;
    c->s->group(c->s, k, &first, &count);
    for (size_t p = 0; p < c->n_projection && count; p++) {
        ag__entry e = { .i = p, .j = AG__NOWHERE, .group = k };
        draw_u(c, p), draw_v(c, p, first, count);
        if (measure(c, c->jacobian + p * c->s->n, first, count, &e)) return ag_error();
        bool worse = e.badness > worst.badness;
        if (p > 0) ag__note(c, worse ? &worst : &e);
        if (worse) worst = e;
    }
    if (!count) return AG_OK;
    if (worst.verdict != AG__FINE) {
        draw_v(c, worst.i, first, count);
        if (locate(c, &worst, first, count)) return ag_error();
    }
    ag__note(c, &worst);
    return AG_OK;
}

ag_status ag__project(ag__checking *c)
{
    ag__subject *s = c->s;
    ag_status status = analytic(c);
    if (s->finish(s, status ? NULL : c->f[0])) return ag_error();
    for (size_t k = 0; k < s->n_group; k++)
        if (by_group(c, k)) return ag_error();
    return AG_OK;
}
