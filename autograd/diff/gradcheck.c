/* gradcheck.c - the comparison: analytic Jacobian against differences, recorded against plain, forward against reverse.
 */
#include <autograd/diff/check.h>
#include <float.h>
#include <string.h>

#define ENTRIES_AT_MOST 1000000 /* beyond, projections are the default */

uint64_t ag__check_bits(uint64_t k)
{
    uint64_t z = (k + 1) * UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

double ag__check_random(uint64_t k)
{
    uint64_t z = ag__check_bits(k);
    double size = 0.5 + (double)(z >> 11) * 0x1p-53;
    return z & 1 ? size : -size;
}

/* ---- names and the report ---- */

static const char *verdict_text(ag__verdict v)
{
    static const char *const text[] = { "fine", "wrong", "inconclusive", "kink" };
    return text[v];
}

static void names(const ag__checking *c, const ag__entry *e, char out[AG__NAME + 16], char in[AG__NAME])
{
    ag__subject *s = c->s;
    if (e->j == AG__NOWHERE) {
        s->name_group(s, e->group, in, AG__NAME);
        snprintf(out, AG__NAME + 16, "projection %zu", e->i);
        return;
    }
    s->name_in(s, e->j, in, AG__NAME);
    if (s->order == 1) {
        s->name_out(s, e->i, out, AG__NAME);
        return;
    }
    char by[AG__NAME];
    s->name_in(s, e->i, by, AG__NAME);
    snprintf(out, AG__NAME + 16, "(gradient by %s)", by);
}

static void report_entry(const ag__checking *c, const ag__entry *e, FILE *to)
{
    char out[AG__NAME + 16], in[AG__NAME];
    names(c, e, out, in);
    fprintf(to, "  %-24s %-28s %16.9g %16.9g %9.1e %9.1e  %s\n", in, out, e->analytic, e->numeric, e->estimate,
            e->badness, verdict_text(e->verdict));
}

static void report(const ag__checking *c, FILE *to)
{
    const ag__subject *s = c->s;
    fprintf(to, "%s, order %d: ", s->who, s->order);
    if (c->projected)
        fprintf(to, "%zu projections of ", c->n_projection);
    else if (c->n_judged < s->m * s->n)
        fprintf(to, "%zu chosen of ", c->n_judged);
    fprintf(to, "%zu x %zu entries, %zu failed, %zu of them inconclusive or at a kink\n", s->m, s->n, c->n_failed,
            c->n_doubtful);
    if (!c->n_worst) return;
    fprintf(to, "  %-24s %-28s %16s %16s %9s %9s\n", "worst by each", "of d", "analytic", "numeric", "estimate",
            "/ allowed");
    for (size_t k = 0; k < s->n_group; k++)
        if (c->group[k].judged) report_entry(c, &c->group[k].worst, to);
    if (!c->n_failed) return;
    fprintf(to, "  %s\n", c->n_failed > c->n_worst ? "the worst that failed" : "failed");
    for (size_t k = 0; k < c->n_worst; k++)
        if (c->worst[k].verdict != AG__FINE) report_entry(c, &c->worst[k], to);
}

static ag_status verdict_of(const ag__checking *c)
{
    if (!c->n_failed && *c->disagree)
        return ag_fail(AG_ECHECK, "%s: %s, with which differences agree as far as they tell", c->s->who, c->disagree);
    if (!c->n_failed) return AG_OK;
    const ag__entry *e = &c->worst[0];
    const char *why = e->verdict == AG__KINK           ? "; kink: the slopes to the left and to the right differ"
                      : e->verdict == AG__INCONCLUSIVE ? "; inconclusive: differences of this function cannot tell"
                                                       : "";
    char out[AG__NAME + 16], in[AG__NAME], also[AG__NAME] = "";
    names(c, e, out, in);
    for (size_t k = 0, n = 0; k < c->s->n_group; k++) {
        if (!c->group[k].failed || k == e->group || n >= sizeof also - 1) continue;
        char name[AG__NAME];
        c->s->name_group(c->s, k, name, sizeof name);
        int more = snprintf(also + n, sizeof also - n, "%s%s", n ? ", " : "; also by ", name);
        n += more > 0 ? (size_t)more : 0;
    }
    return ag_fail(AG_ECHECK,
                   "%s: d %s / d %s: analytic %.10g, numeric %.10g, estimated error %.1e%s (%zu of %zu %s failed%s)",
                   c->s->who, out, in, e->analytic, e->numeric, e->estimate, why, c->n_failed, c->n_judged,
                   c->projected ? "projections" : "entries", also);
}

/* ---- differences ---- */

static double larger(double a, double b)
{
    return b > a || b != b ? b : a;
} /* NaN wins */

/* Differences, extrapolated once, judge the analytic value. */
void ag__judge(const ag__checking *c, const ag__five *five, double h, ag__entry *e)
{
    double f0 = five->f[0], right = five->f[1], left = five->f[2], near_right = five->f[3], near_left = five->f[4];
    double wide = (right - left) / (2 * h), near = (near_right - near_left) / h;
    double rounding = DBL_EPSILON * larger(five->magnitude, larger(fabs(right), larger(fabs(left), fabs(f0)))) / h;

    e->numeric = near + (near - wide) / 3, e->verdict = AG__FINE, e->open = false;
    e->estimate = fabs(near - wide) / 3 + rounding;
    if (e->estimate != e->estimate) e->estimate = INFINITY;
    double size = fabs(e->numeric) + five->scale;
    double atol = five->atols * c->atol;
    double error = fabs(e->analytic - e->numeric) / (10 * e->estimate + atol + c->rtol * fabs(e->numeric));
    double doubt = e->estimate / fmax(1e-5 * size, atol);
    e->badness = larger(error, doubt);
    if (e->badness != e->badness) e->badness = INFINITY;
    if (e->badness <= 1) return;
    e->open = !(doubt <= 1);
    e->verdict = e->open ? AG__INCONCLUSIVE : AG__WRONG;

    /* right slope minus left slope: at a kink it stays as h shrinks, elsewhere it halves, at a jump it doubles */
    double bend = fabs(right - 2 * f0 + left) / h, near_bend = fabs(near_right - 2 * f0 + near_left) / (h / 2);
    if (near_bend > 1e-3 * size + 100 * rounding && near_bend > 0.75 * bend && near_bend < 1.5 * bend)
        e->verdict = AG__KINK;
}

bool ag__is_better(const ag__entry *was, const ag__entry *now)
{
    if (now->estimate < was->estimate) return true;
    return was->verdict == AG__WRONG && fabs(was->numeric - now->numeric) > 10 * (was->estimate + now->estimate);
}

void ag__note(ag__checking *c, const ag__entry *e)
{
    bool failed = e->verdict != AG__FINE;
    ag__group *g = &c->group[e->group];
    if (!g->judged++ || e->badness > g->worst.badness) g->worst = *e;
    g->failed += failed;
    c->n_judged++;
    c->n_failed += failed;
    c->n_doubtful += e->verdict == AG__INCONCLUSIVE || e->verdict == AG__KINK;
    if (c->n_worst == AG__N_WORST && !(e->badness > c->worst[AG__N_WORST - 1].badness)) return;
    size_t k = c->n_worst < AG__N_WORST ? c->n_worst++ : AG__N_WORST - 1;
    for (; k > 0 && e->badness > c->worst[k - 1].badness; k--) c->worst[k] = c->worst[k - 1];
    c->worst[k] = *e;
}

ag_status ag__evaluate(const ag__checking *c, const double *at, double *y)
{
    ag__subject *s = c->s;
    size_t m = s->m;
    ag_status status = s->run(s, at);
    if (!status && s->m != m)
        status = ag_fail(AG_EINVAL, "%s: the function gave %zu numbers, then %zu", s->who, m, s->m);
    s->m = m;
    ag_status finished = s->finish(s, status ? NULL : y);
    return status ? status : finished;
}

/* Where a step cannot tell, a smaller one may; and where it finds an error, a smaller one must, too. */
static ag_status column(ag__checking *c, size_t jj, size_t group)
{
    static const double side[] = { 1, -1, 0.5, -0.5 };
    size_t j = c->col[jj];
    double x = c->s->x[j], h = 0x1p-13 * fmax(1, fabs(x)); /* the fourth root of the rounding unit */
    for (int step = 0; step < AG__N_STEPS; step++, h /= 64) {
        for (int k = 0; k < 4; k++) {
            c->at[j] = x + side[k] * h;
            ag_status status = ag__evaluate(c, c->at, c->f[k + 1]);
            c->at[j] = x;
            if (status) return status;
        }
        bool open = false;
        for (size_t ii = 0; ii < c->n_row; ii++) {
            size_t i = c->row[ii];
            ag__five five = { .f = { c->f[0][i], c->f[1][i], c->f[2][i], c->f[3][i], c->f[4][i] },
                              .scale = c->scale[ii],
                              .atols = 1 };
            ag__entry e = { .i = i, .j = j, .group = group, .analytic = c->jacobian[ii * c->n_col + jj] };
            ag__judge(c, &five, h, &e);
            if (step == 0 || ag__is_better(&c->column[ii], &e)) c->column[ii] = e;
            open |= c->column[ii].open || (step == 0 && e.verdict == AG__WRONG);
        }
        if (!open) break;
    }
    for (size_t ii = 0; ii < c->n_row; ii++) ag__note(c, &c->column[ii]);
    return AG_OK;
}

/* ---- the analytic side ---- */

/* May two ways to the same sum of this size differ so? Where all is tiny, cancellation within the function shows. */
static bool apart(const ag__checking *c, double a, double b, double size)
{
    return !(fabs(a - b) <= 1e-12 * size + 1e-4 * c->atol);
}

/* J'u = h, the sum of the rows of J times u: a rule that is not linear in what it is given may be right for each row.
 */
static ag_status is_linear(ag__checking *c)
{
    const ag__subject *s = c->s;
    for (size_t j = 0; j < s->n; j++) {
        const double size = c->sum[j] * (1 + 1e-3 * (double)s->m);
        if (!isfinite(size) || !apart(c, c->g[j], c->h[j], size)) continue;
        char in[AG__NAME];
        s->name_in(s, j, in, AG__NAME);
        return ag_fail(AG_ECHECK, "%s: order %d, %s: a rule is not linear: J'u is %.17g, the sum of its terms %.17g",
                       s->who, s->order, in, c->g[j], c->h[j]);
    }
    return AG_OK;
}

static ag_status reverse(ag__checking *c)
{
    ag__subject *s = c->s;
    memset(c->sum, 0, s->n * sizeof *c->sum);
    memset(c->u, 0, s->m * sizeof *c->u);
    memset(c->h, 0, s->n * sizeof *c->h);
    for (size_t ii = 0; ii < c->n_row; ii++) {
        c->u[c->row[ii]] = 1;
        if (s->pull(s, c->u, c->g, false)) return ag_error();
        c->u[c->row[ii]] = 0;
        c->scale[ii] = 0;
        for (size_t j = 0; j < s->n; j++) {
            c->scale[ii] = fmax(c->scale[ii], fabs(c->g[j]));
            c->h[j] += ag__check_random(c->row[ii]) * c->g[j];
            c->sum[j] += fabs(ag__check_random(c->row[ii]) * c->g[j]);
        }
        for (size_t jj = 0; jj < c->n_col; jj++) c->jacobian[ii * c->n_col + jj] = c->g[c->col[jj]];
    }
    for (size_t i = 0; i < s->m; i++) c->u[i] = ag__check_random(i);
    if (s->pull(s, c->u, c->g, false)) return ag_error();
    if (c->n_row == s->m && is_linear(c)) return ag_error();
    for (size_t j = 0; j < s->n; j++) c->sum[j] += fabs(c->g[j]);
    return AG_OK;
}

ag_status ag__agree_forward(ag__checking *c, size_t group)
{
    ag__subject *s = c->s;
    size_t first, count;
    s->group(s, group, &first, &count);
    if (s->push(s, group, c->v, c->jv)) return ag_error();
    double ahead = 0, back = 0, size = 0;
    for (size_t i = 0; i < s->m; i++) {
        ahead += c->u[i] * c->jv[i];
        if (c->projected) size += fabs(c->u[i] * c->jv[i]);
    }
    for (size_t j = first; j < first + count; j++) {
        back += c->g[j] * c->v[j];
        size += fabs(c->sum[j] * c->v[j]);
    }
    if (!apart(c, ahead, back, size) || *c->disagree) return AG_OK;
    char in[AG__NAME];
    s->name_group(s, group, in, AG__NAME);
    snprintf(c->disagree, sizeof c->disagree,
             "order %d, %s: <u, J v> = %.17g by the forward rules, <J'u, v> = %.17g by the reverse ones", s->order, in,
             ahead, back);
    return AG_OK;
}

static ag_status forward(ag__checking *c)
{
    ag__subject *s = c->s;
    for (size_t k = 0; k < s->n_group; k++) {
        size_t first, count;
        s->group(s, k, &first, &count);
        memset(c->v, 0, s->n * sizeof *c->v);
        for (size_t j = first; j < first + count; j++) c->v[j] = ag__check_random(s->m + j);
        if (ag__agree_forward(c, k)) return ag_error();
    }
    return AG_OK;
}

/* Of what has no second derivative there are no rules to be recorded. */
ag_status ag__agree_recorded(ag__checking *c)
{
    ag__subject *s = c->s;
    if (s->pull(s, c->u, c->h, true)) {
        if (ag_error() != AG_ENODIFF) return ag_error();
        ag_clear_error();
        return AG_OK;
    }
    double size = 0;
    for (size_t j = 0; j < s->n; j++) size = fmax(size, c->sum[j]); /* NaNs aside: the first is named below */
    for (size_t j = 0; j < s->n; j++) {
        if (!apart(c, c->h[j], c->g[j], size)) continue;
        char in[AG__NAME];
        s->name_in(s, j, in, AG__NAME);
        return ag_fail(AG_ECHECK, "%s: order %d, %s: J'u is %.17g by the recorded rules, %.17g by the plain ones",
                       s->who, s->order, in, c->h[j], c->g[j]);
    }
    return AG_OK;
}

static ag_status analytic(ag__checking *c)
{
    if (reverse(c)) return ag_error();
    if (!c->o->no_forward && forward(c)) return ag_error();
    return ag__agree_recorded(c);
}

static ag_status entries(ag__checking *c)
{
    ag__subject *s = c->s;
    ag_status status = analytic(c);
    if (s->finish(s, status ? NULL : c->f[0])) return ag_error();
    for (size_t jj = 0, k = 0; jj < c->n_col; jj++) {
        size_t first, count;
        for (; s->group(s, k, &first, &count), c->col[jj] >= first + count; k++) {}
        if (column(c, jj, k)) return ag_error();
    }
    return AG_OK;
}

/* ---- which entries ---- */

/* So many of [first, first + count), drawn, in order (Knuth's algorithm S); 0: all. */
static size_t draw(size_t first, size_t count, size_t wanted, size_t *out)
{
    size_t n = 0;
    if (!wanted || wanted > count) wanted = count;
    for (size_t k = 0; k < count && n < wanted; k++)
        if (ag__check_bits(first + k) % (count - k) < wanted - n) out[n++] = first + k;
    return n;
}

static ag_status choose(ag__checking *c)
{
    ag__subject *s = c->s;
    size_t wanted = (size_t)c->o->entries;
    c->n_row = draw(0, s->m, wanted, c->row), c->n_col = 0;
    for (size_t k = 0; k < s->n_group && !c->o->only; k++) {
        size_t first, count;
        s->group(s, k, &first, &count);
        c->n_col += draw(first, count, wanted, c->col + c->n_col);
    }
    for (size_t k = 0; c->o->only && k < c->o->n_only; k++) {
        size_t j = c->o->only[k];
        if (j >= s->n || (k && j <= c->o->only[k - 1]))
            return ag_fail(AG_EINVAL, "%s: .only must rise, below %zu: [%zu] is %zu", s->who, s->n, k, j);
        c->col[c->n_col++] = j;
    }
    return AG_OK;
}

/* How many numbers at most, over how many rows: before the lists have room. */
static void count_entries(ag__checking *c)
{
    ag__subject *s = c->s;
    const ag_gradcheck_options *o = c->o;
    size_t wanted = (size_t)o->entries;
    c->n_row = wanted && wanted < s->m ? wanted : s->m, c->n_col = 0;
    for (size_t k = 0; k < s->n_group; k++) {
        size_t first, count;
        s->group(s, k, &first, &count);
        c->n_col += wanted && wanted < count ? wanted : count;
    }
    if (o->only) c->n_col = o->n_only;
    size_t all;
    bool many = !ag__size_mul(c->n_row, c->n_col, &all) || all > ENTRIES_AT_MOST;
    c->projected = o->mode == AG_CHECK_PROJECTIONS || (o->mode == AG_CHECK_BY_SIZE && many);
    c->n_projection = o->projections > 0 ? (size_t)o->projections : AG__N_PROJECTIONS;
    if (c->projected) c->n_row = c->n_projection, c->n_col = s->n;
}

/* ---- one order ---- */

/* One block holds all. NULL: out of memory. */
static void *rooms(ag__checking *c, size_t *bytes)
{
    size_t n = c->s->n, m = c->s->m, numbers, some;
    size_t rows = c->n_row > m ? c->n_row : m, cols = c->n_col > n ? c->n_col : n;
    if (!ag__size_mul(c->n_row, c->n_col, &numbers) || !ag__size_add(numbers, rows + 7 * m + 5 * n, &numbers) ||
        !ag__size_mul(numbers, sizeof(double), bytes) || !ag__size_mul(rows + cols, sizeof(size_t), &some) ||
        !ag__size_add(*bytes, some, bytes) || !ag__size_mul(rows, sizeof(ag__entry), &some) ||
        !ag__size_add(*bytes, some, bytes) || !ag__size_mul(c->s->n_group, sizeof(ag__group), &some) ||
        !ag__size_add(*bytes, some + 1, bytes))
        return ag_fail(AG_ENOMEM, "%s: a Jacobian of %zu x %zu", c->s->who, m, n), NULL;
    double *block = ag__alloc(NULL, *bytes, "the Jacobian of a gradient check"), *at = block;
    if (!block) return NULL;
    c->jacobian = at, at += c->n_row * c->n_col;
    c->scale = at, at += rows;
    for (int k = 0; k < 5; k++) c->f[k] = at, at += m;
    c->u = at, at += m;
    c->jv = at, at += m;
    c->v = at, at += n;
    c->g = at, at += n;
    c->h = at, at += n;
    c->at = at, at += n;
    c->sum = at, at += n;
    c->column = (ag__entry *)(void *)at;
    c->group = (ag__group *)(void *)(c->column + rows);
    c->row = (size_t *)(void *)(c->group + c->s->n_group);
    c->col = c->row + rows;
    memset(c->group, 0, c->s->n_group * sizeof *c->group);
    if (n) memcpy(c->at, c->s->x, n * sizeof *c->at);
    return block;
}

static ag_status one_order(ag__subject *s, const ag_gradcheck_options *o)
{
    ag__checking c = { .s = s, .o = o, .atol = o->atol > 0 ? o->atol : 1e-8 };
    c.rtol = o->rtol > 0 ? o->rtol : s->order == 1 ? 1e-6 : 1e-5;
    size_t bytes;
    void *block = NULL;
    if (!s->run(s, s->x)) count_entries(&c), block = rooms(&c, &bytes);
    if (!block) return s->finish(s, NULL), ag_error();
    if (c.projected ? !ag__project(&c) : choose(&c) ? (s->finish(s, NULL), false) : !entries(&c)) {
        if (o->report) report(&c, o->report);
        verdict_of(&c);
    }
    ag__release(NULL, block, bytes);
    return ag_error();
}

ag_status ag__check(ag__subject *s, const ag_gradcheck_options *o)
{
    if (ag_error()) return ag_error();
    if (o->order < 0 || o->order > 2) return ag_fail(AG_EINVAL, "%s: order %d is neither 1 nor 2", s->who, o->order);
    if (o->projections < 0 || o->entries < 0)
        return ag_fail(AG_EINVAL, "%s: %d projections, %d entries", s->who, o->projections, o->entries);
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
