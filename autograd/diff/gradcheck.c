/* gradcheck.c - the comparison: analytic Jacobian against differences, recorded against plain, forward against reverse.
 */
#include <autograd/diff/subject.h>
#include <float.h>
#include <string.h>

enum { N_WORST = 10, N_STEPS = 3, NAME = 96 };

typedef enum verdict { FINE, WRONG, INCONCLUSIVE, KINK } verdict;

typedef struct entry {
    size_t i, j; /* d output i / d input j */
    double analytic, numeric, estimate;
    double badness; /* error, or estimate, as a multiple of what is allowed */
    bool open;      /* the estimate is too large to tell */
    verdict verdict;
} entry;

typedef struct check {
    ag__subject *s;
    double rtol, atol;
    double *jacobian;                     /* [m][n], by reverse sweeps */
    double *scale;                        /* [m], the largest entry of each row */
    double *f[5];                         /* [m], at x, x + h, x - h, x + h/2, x - h/2 */
    double *u, *jv;                       /* [m] */
    double *v, *g, *h;                    /* [n] */
    entry *column;                        /* [m] */
    entry worst[N_WORST];                 /* worst first */
    size_t n_worst, n_failed, n_doubtful; /* doubtful: inconclusive or at a kink; counted in failed */
} check;

double ag__check_random(uint64_t k)
{
    uint64_t z = (k + 1) * UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    double size = 0.5 + (double)(z >> 11) * 0x1p-53;
    return z & 1 ? size : -size;
}

/* ---- names and the report ---- */

static const char *verdict_text(verdict v)
{
    static const char *const text[] = { "fine", "wrong", "inconclusive", "kink" };
    return text[v];
}

static void names(const check *c, const entry *e, char out[NAME + 16], char in[NAME])
{
    ag__subject *s = c->s;
    s->name_in(s, e->j, in, NAME);
    if (s->order == 1) {
        s->name_out(s, e->i, out, NAME);
        return;
    }
    char by[NAME];
    s->name_in(s, e->i, by, NAME);
    snprintf(out, NAME + 16, "(gradient by %s)", by);
}

static void report(const check *c, FILE *to)
{
    const ag__subject *s = c->s;
    fprintf(to, "%s, order %d: %zu x %zu entries, %zu failed, %zu of them inconclusive or at a kink; worst first\n",
            s->who, s->order, s->m, s->n, c->n_failed, c->n_doubtful);
    if (!c->n_worst) return;
    fprintf(to, "  %-28s %-20s %16s %16s %10s  %s\n", "d", "by", "analytic", "numeric", "estimate", "verdict");
    for (size_t k = 0; k < c->n_worst; k++) {
        const entry *e = &c->worst[k];
        char out[NAME + 16], in[NAME];
        names(c, e, out, in);
        fprintf(to, "  %-28s %-20s %16.9g %16.9g %10.1e  %s\n", out, in, e->analytic, e->numeric, e->estimate,
                verdict_text(e->verdict));
    }
}

static ag_status verdict_of(const check *c)
{
    if (!c->n_failed) return AG_OK;
    const entry *e = &c->worst[0];
    const char *why = e->verdict == KINK           ? "; kink: the slopes to the left and to the right differ"
                      : e->verdict == INCONCLUSIVE ? "; inconclusive: differences of this function cannot tell"
                                                   : "";
    char out[NAME + 16], in[NAME];
    names(c, e, out, in);
    return ag_fail(AG_ECHECK,
                   "%s: d %s / d %s: analytic %.10g, numeric %.10g, estimated error %.1e%s (%zu of %zu entries failed)",
                   c->s->who, out, in, e->analytic, e->numeric, e->estimate, why, c->n_failed, c->s->m * c->s->n);
}

/* ---- differences ---- */

static double larger(double a, double b)
{
    return b > a || b != b ? b : a;
} /* NaN wins */

/* One entry from five values of an output, h apart: differences, extrapolated once, judge the analytic value. */
static entry judge(const check *c, size_t i, size_t j, double h)
{
    double f0 = c->f[0][i], right = c->f[1][i], left = c->f[2][i], near_right = c->f[3][i], near_left = c->f[4][i];
    double wide = (right - left) / (2 * h), near = (near_right - near_left) / h;
    double rounding = DBL_EPSILON * larger(fabs(right), larger(fabs(left), fabs(f0))) / h;

    entry e = { .i = i, .j = j, .analytic = c->jacobian[i * c->s->n + j], .numeric = near + (near - wide) / 3 };
    e.estimate = fabs(near - wide) / 3 + rounding;
    if (e.estimate != e.estimate) e.estimate = INFINITY;
    double size = fabs(e.numeric) + c->scale[i];
    double error = fabs(e.analytic - e.numeric) / (10 * e.estimate + c->atol + c->rtol * fabs(e.numeric));
    double doubt = e.estimate / fmax(1e-5 * size, c->atol);
    e.badness = larger(error, doubt);
    if (e.badness != e.badness) e.badness = INFINITY;
    if (e.badness <= 1) return e;
    e.open = !(doubt <= 1);
    e.verdict = e.open ? INCONCLUSIVE : WRONG;

    /* right slope minus left slope: at a kink it stays as h shrinks, elsewhere it halves, at a jump it doubles */
    double bend = fabs(right - 2 * f0 + left) / h, near_bend = fabs(near_right - 2 * f0 + near_left) / (h / 2);
    if (near_bend > 1e-3 * size + 100 * rounding && near_bend > 0.75 * bend && near_bend < 1.5 * bend) e.verdict = KINK;
    return e;
}

static void note(check *c, const entry *e)
{
    c->n_failed += e->verdict != FINE;
    c->n_doubtful += e->verdict == INCONCLUSIVE || e->verdict == KINK;
    if (c->n_worst == N_WORST && !(e->badness > c->worst[N_WORST - 1].badness)) return;
    size_t k = c->n_worst < N_WORST ? c->n_worst++ : N_WORST - 1;
    for (; k > 0 && e->badness > c->worst[k - 1].badness; k--) c->worst[k] = c->worst[k - 1];
    c->worst[k] = *e;
}

static ag_status evaluate(check *c, size_t at, double value, double *y)
{
    ag__subject *s = c->s;
    size_t m = s->m;
    ag_status status = s->run(s, at, value);
    if (!status && s->m != m)
        status = ag_fail(AG_EINVAL, "%s: the function gave %zu numbers, then %zu", s->who, m, s->m);
    ag_status finished = s->finish(s, status ? NULL : y);
    s->m = m;
    return status ? status : finished;
}

/* Where a step cannot tell, a smaller one may. */
static ag_status column(check *c, size_t j)
{
    static const double side[] = { 1, -1, 0.5, -0.5 };
    size_t m = c->s->m;
    double x = c->s->input(c->s, j), h = 0x1p-13 * fmax(1, fabs(x)); /* the fourth root of the rounding unit */
    for (int step = 0; step < N_STEPS; step++, h /= 64) {
        for (int k = 0; k < 4; k++)
            if (evaluate(c, j, x + side[k] * h, c->f[k + 1])) return ag_error();
        bool open = false;
        for (size_t i = 0; i < m; i++) {
            entry e = judge(c, i, j, h);
            if (step == 0 || e.estimate < c->column[i].estimate) c->column[i] = e;
            open |= c->column[i].open;
        }
        if (!open) break;
    }
    for (size_t i = 0; i < m; i++) note(c, &c->column[i]);
    return AG_OK;
}

/* ---- the analytic side ---- */

static ag_status reverse(check *c)
{
    ag__subject *s = c->s;
    for (size_t i = 0; i < s->m; i++) {
        double *row = c->jacobian + i * s->n;
        memset(c->u, 0, s->m * sizeof *c->u);
        c->u[i] = 1;
        if (s->pull(s, c->u, row, false)) return ag_error();
        c->scale[i] = 0;
        for (size_t j = 0; j < s->n; j++) c->scale[i] = fmax(c->scale[i], fabs(row[j]));
    }
    for (size_t i = 0; i < s->m; i++) c->u[i] = ag__check_random(i);
    return s->pull(s, c->u, c->g, false);
}

/* May two ways to the same sum of this size differ so? Where all is tiny, cancellation within the function shows. */
static bool apart(const check *c, double a, double b, double size)
{
    return !(fabs(a - b) <= 1e-12 * size + 1e-5 * c->atol);
}

/* <u, J v> = <J'u, v>, input by input. */
static ag_status forward(check *c)
{
    ag__subject *s = c->s;
    for (size_t k = 0; k < s->n_group; k++) {
        size_t first, count;
        s->group(s, k, &first, &count);
        memset(c->v, 0, s->n * sizeof *c->v);
        for (size_t j = first; j < first + count; j++) c->v[j] = ag__check_random(s->m + j);
        if (s->push(s, k, c->v, c->jv)) return ag_error();
        double ahead = 0, back = 0, size = 0;
        for (size_t i = 0; i < s->m; i++) {
            ahead += c->u[i] * c->jv[i];
            for (size_t j = first; j < first + count; j++) size += fabs(c->u[i] * c->jacobian[i * s->n + j] * c->v[j]);
        }
        for (size_t j = first; j < first + count; j++) back += c->g[j] * c->v[j];
        if (!apart(c, ahead, back, size)) continue;
        char in[NAME];
        s->name_group(s, k, in, NAME);
        return ag_fail(AG_ECHECK,
                       "%s: order %d, %s: <u, J v> = %.17g by the forward rules, <J'u, v> = %.17g by the reverse ones",
                       s->who, s->order, in, ahead, back);
    }
    return AG_OK;
}

/* J'u once more by the rules that can be differentiated again. Of what has no second derivative there are none. */
static ag_status recorded(check *c)
{
    ag__subject *s = c->s;
    if (s->pull(s, c->u, c->h, true)) {
        if (ag_error() != AG_ENODIFF) return ag_error();
        ag_clear_error();
        return AG_OK;
    }
    double size = 0;
    for (size_t j = 0; j < s->n; j++) {
        double sum = 0;
        for (size_t i = 0; i < s->m; i++) sum += fabs(c->u[i] * c->jacobian[i * s->n + j]);
        size = larger(size, sum);
    }
    for (size_t j = 0; j < s->n; j++) {
        if (!apart(c, c->h[j], c->g[j], size)) continue;
        char in[NAME];
        s->name_in(s, j, in, NAME);
        return ag_fail(AG_ECHECK, "%s: order %d, %s: J'u is %.17g by the recorded rules, %.17g by the plain ones",
                       s->who, s->order, in, c->h[j], c->g[j]);
    }
    return AG_OK;
}

static ag_status analytic(check *c, bool no_forward)
{
    if (reverse(c)) return ag_error();
    if (!no_forward && forward(c)) return ag_error();
    return recorded(c);
}

/* ---- one order ---- */

/* From an evaluation at the point itself on. */
static ag_status compare(check *c, const ag_gradcheck_options *o)
{
    ag__subject *s = c->s;
    ag_status status = analytic(c, o->no_forward);
    if (s->finish(s, status ? NULL : c->f[0])) return ag_error();
    for (size_t j = 0; j < s->n; j++)
        if (column(c, j)) return ag_error();
    if (o->report) report(c, o->report);
    return verdict_of(c);
}

/* One block holds all numbers. NULL: out of memory. */
static void *rooms(check *c, size_t *bytes)
{
    size_t n = c->s->n, m = c->s->m, entries, judged;
    if (!ag__size_mul(m, n, &entries) || !ag__size_add(entries, 8 * m + 3 * n, &entries) ||
        !ag__size_mul(entries, sizeof(double), bytes) || !ag__size_mul(m, sizeof(entry), &judged) ||
        !ag__size_add(*bytes, judged + 1, bytes))
        return ag_fail(AG_ENOMEM, "%s: a Jacobian of %zu x %zu", c->s->who, m, n), NULL;
    double *block = ag__alloc(NULL, *bytes, "the Jacobian of a gradient check"), *at = block;
    if (!block) return NULL;
    c->jacobian = at, at += m * n;
    c->scale = at, at += m;
    for (int k = 0; k < 5; k++) c->f[k] = at, at += m;
    c->u = at, at += m;
    c->jv = at, at += m;
    c->v = at, at += n;
    c->g = at, at += n;
    c->h = at, at += n;
    c->column = (entry *)(void *)at;
    return block;
}

static ag_status one_order(ag__subject *s, const ag_gradcheck_options *o)
{
    check c = { .s = s, .atol = o->atol > 0 ? o->atol : 1e-8 };
    c.rtol = o->rtol > 0 ? o->rtol : s->order == 1 ? 1e-6 : 1e-5;
    size_t bytes;
    void *block = s->run(s, s->n, 0) ? NULL : rooms(&c, &bytes);
    if (!block) return s->finish(s, NULL), ag_error();
    compare(&c, o);
    ag__release(NULL, block, bytes);
    return ag_error();
}

ag_status ag__check(ag__subject *s, const ag_gradcheck_options *o)
{
    if (ag_error()) return ag_error();
    if (o->order < 0 || o->order > 2) return ag_fail(AG_EINVAL, "%s: order %d is neither 1 nor 2", s->who, o->order);
    if (!(s->tape = ag_tape_new())) return ag_error();
    s->rng = ag_rng_get();
    bool was = ag_record(true);
    for (s->order = 1; s->order <= (o->order ? o->order : 1); s->order++)
        if (one_order(s, o)) break;
    ag_record(was);
    ag_rng_set(s->rng);
    ag_tape_free(s->tape);
    return ag_error();
}
