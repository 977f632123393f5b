/* watch.c - see watch.h. Anomaly mode: What makes a NaN or an Inf has made it from finite operands; that is what is
 * looked for. */
#define _POSIX_C_SOURCE 200809L
#include <autograd/inspect.h>
#include <autograd/tape/streams.h>
#include <autograd/tape/watch.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* ---- life, places in the text ---- */

bool ag__watch_new(ag_tape *t, const ag_tape_options *o)
{
    t->watch = ag__alloc(&t->budget, sizeof *t->watch, "a tape");
    if (!t->watch) return false;
    *t->watch = (ag__watch){ .anomaly = o->anomaly, .profile = o->profile, .timed = AG__NOBODY, .n_scalar = 1 };
    t->streams->watched = o->anomaly;
    return true;
}

void ag__watch_free(ag_tape *t)
{
    ag__watch *w = t->watch;
    if (!w) return;
    ag__release(&t->budget, w->node_at, w->max_node_at * sizeof *w->node_at);
    ag__release(&t->budget, w->node_scope, w->max_node_at * sizeof *w->node_scope);
    ag__release(&t->budget, w->event, w->max_event * sizeof *w->event);
    ag__release(&t->budget, w->scalar_at, w->max_scalar_at * sizeof *w->scalar_at);
    ag__release(&t->budget, w, sizeof *w);
}

void ag__watch_from_here(ag_tape *t)
{
    ag__watch *w = t->watch;
    t->max_node = w->n_node = t->n_node;
    w->n_scalar = ag__streams_count(t);
    w->n_open = 0;
    w->timed = AG__NOBODY, w->n_settled = w->n_event;
    if (!w->anomaly) return;
    ag_pen *p = ag__pen_of(t);
    if (!ag__pen_closed(p)) p->limit = p->next;
}

static uint32_t more_than(uint32_t k)
{
    return k < 512 ? 1024 : k > UINT32_MAX / 2 ? UINT32_MAX : 2 * k;
}

static bool grow(ag_tape *t, const void *array, uint32_t room, uint32_t n)
{
    char **at = (char **)(uintptr_t)array,
         *more = ag__grow(&t->budget, *at, room * sizeof more, n * sizeof more, "places");
    if (!more) return false;
    memset(more + room * sizeof more, 0, (n - room) * sizeof more);
    *at = more;
    return true;
}

static bool note_statement(ag_tape *t, uint32_t id)
{
    ag__watch *w = t->watch;
    if (id >= w->max_scalar_at) {
        if (!grow(t, &w->scalar_at, w->max_scalar_at, more_than(id))) return false;
        w->max_scalar_at = more_than(id);
    }
    w->scalar_at[id] = ag__at;
    return true;
}

static bool note_node(ag_tape *t, uint32_t k)
{
    ag__watch *w = t->watch;
    if (k >= w->max_node_at) {
        uint32_t n = more_than(k), was = w->max_node_at;
        if (!grow(t, &w->node_at, was, n)) return false;
        w->max_node_at = n;
        const ag__scope **scopes =
            ag__grow(&t->budget, w->node_scope, was * sizeof *scopes, n * sizeof *scopes, "scopes");
        if (!scopes) return w->max_node_at = was, false;
        w->node_scope = scopes;
    }
    w->node_at[k] = ag__at, w->node_scope[k] = w->scope;
    return true;
}

/* "ag_log (model.c:12)", what the user's text called; NULL: not known. */
static const char *place(const char *const *at, uint32_t room, uint32_t k)
{
    if (k >= room) return NULL;
    while (k > 0 && !at[k]) k--;
    return at[k];
}

const char *ag__watch_place(const ag_tape *t, uint32_t k)
{
    return t->watch ? place(t->watch->node_at, t->watch->max_node_at, k) : NULL;
}
const char *ag__watch_statement_place(const ag_tape *t, uint32_t id)
{
    return t->watch ? place(t->watch->scalar_at, t->watch->max_scalar_at, id) : NULL;
}
const char *ag__watch_scope(const ag_tape *t, uint32_t k)
{
    return t->watch && k < t->watch->max_node_at && t->watch->node_scope[k] ? t->watch->node_scope[k]->path : NULL;
}

bool ag_scopes(void)
{
    return ag__here.tape && ag__here.tape->watch;
}
bool ag_scope_begin(const char *name)
{
    ag_tape *t = ag__here.tape;
    if (!t || !t->watch || !name) return false;
    const ag__scope *outer = t->watch->scope;
    size_t n = (outer ? strlen(outer->path) + 1 : 0) + strlen(name) + 1;
    ag__scope *s = ag__arena_get(&t->arena, sizeof *s + n);
    if (!s) return false;
    s->outer = outer;
    snprintf(s->path, n, "%s%s%s", outer ? outer->path : "", outer && *outer->path ? "." : "", name);
    t->watch->scope = s;
    return true;
}
void ag_scope_end(void)
{
    ag_tape *t = ag__here.tape;
    if (t && t->watch && t->watch->scope) t->watch->scope = t->watch->scope->outer;
}

/* Its part in brackets, or "". */
static const char *line_of(const char *place)
{
    const char *bracket = place ? strchr(place, '(') : NULL;
    return bracket ? bracket : "";
}

/* ---- the numbers of a tensor ---- */

typedef struct range {
    double low, high;
    int64_t first_nan, first_inf; /* in row-major order; -1: none */
} range;

static range range_of(const ag__layout *l, const void *data)
{
    range r = { INFINITY, -INFINITY, -1, -1 };
    int64_t index[AG_MAX_RANK] = { 0 }, offset = 0;
    for (int64_t i = 0; i < l->numel; i++) {
        double x = ag__get(l, data, offset);
        if (isnan(x) && r.first_nan < 0) r.first_nan = i;
        if (isinf(x) && r.first_inf < 0) r.first_inf = i;
        if (x < r.low) r.low = x;
        if (x > r.high) r.high = x;
        for (int d = l->rank; d-- > 0;) {
            offset += l->strides[d];
            if (++index[d] < l->dims[d]) break;
            offset -= index[d] * l->strides[d], index[d] = 0;
        }
    }
    return r;
}

static bool is_finite(const range *r)
{
    return r->first_nan < 0 && r->first_inf < 0;
}
static const char *kind_of(const range *r)
{
    return r->first_nan >= 0 ? "NaN" : "Inf";
}

/* " at [0,3]", or nothing for a single number. */
static const char *where_in(char room[AG__TEXT_SIZE + 4], const ag__layout *l, const range *r)
{
    int64_t at = r->first_nan >= 0 ? r->first_nan : r->first_inf, index[AG_MAX_RANK];
    if (!l->rank) return "";
    for (int d = l->rank; d-- > 0; at /= l->dims[d]) index[d] = at % l->dims[d];
    memcpy(room, " at ", 4);
    ag__dims_write(room + 4, l->rank, index);
    return room;
}

/* "-1 to 4", and " and NaN". */
enum { RANGE = 64 };
static const char *range_text(char room[RANGE], const range *r)
{
    if (r->low > r->high)
        snprintf(room, RANGE, "%s", r->first_nan >= 0 ? "NaN" : "nothing");
    else
        snprintf(room, RANGE, "%.6g to %.6g%s", r->low, r->high, r->first_nan >= 0 ? " and NaN" : "");
    return room;
}

/* ---- nodes ---- */

static const char *title(const ag_tape *t, const ag_tensor *y)
{
    return t->tensors->title(y->op);
}

/* ", input 1 [2,3] is -1 to 4" for each, as far as there is room. */
static void inputs_text(const ag_tensor *y, char *text, size_t room)
{
    size_t at = 0;
    *text = 0;
    for (int i = 0; i < y->n_in && at + 1 < room; i++) {
        if (!y->in[i]) continue;
        range r = range_of(y->in[i]->layout, y->in[i]->data);
        char numbers[RANGE];
        int n = snprintf(text + at, room - at, "%s input %d %s is %s", at ? "," : ";", i + 1,
                         ag__text(y->in[i]->layout), range_text(numbers, &r));
        at += n > 0 ? (size_t)n : 0;
    }
}

static bool report_node(const ag_tape *t, const ag_tensor *y, const range *r)
{
    const ag__watch *w = t->watch;
    char inputs[160], where[AG__TEXT_SIZE + 4];
    inputs_text(y, inputs, sizeof inputs);
    ag_fail(AG_ENAN, "%s, node %u %s: made %s %s%s%s", title(t, y), (unsigned)y->seq,
            line_of(place(w->node_at, w->max_node_at, y->seq)), ag__text(y->layout), kind_of(r),
            where_in(where, y->layout, r), inputs);
    return false;
}

/* A number that nobody on the tape made: data, a parameter, or an operation that was not recorded. */
static bool report_input(const ag_tape *t, const ag_tensor *y, int i, const range *r)
{
    const ag__watch *w = t->watch;
    const ag_tensor *x = y->in[i];
    const char *from = x->flags & AG__PROXY ? "a tensor that is yours" : place(w->node_at, w->max_node_at, x->seq);
    char where[AG__TEXT_SIZE + 4];
    ag_fail(AG_ENAN, "%s, node %u %s: its input %d %s holds NaN%s: %s, node %u", title(t, y), (unsigned)y->seq,
            line_of(place(w->node_at, w->max_node_at, y->seq)), i + 1, ag__text(x->layout),
            where_in(where, x->layout, r), from ? from : "not recorded", (unsigned)x->seq);
    return false;
}

static bool judge_node(const ag_tape *t, const ag_tensor *y)
{
    if ((y->op->flags & AG_OP_VIEW) || (y->flags & AG__HIDDEN) || !ag__is_float(y->layout->dtype)) return true;
    const ag_tensor *node = y->nth ? y->few[0] : y;
    range made = range_of(y->layout, y->data);
    if (is_finite(&made)) return true;
    bool had_inf = false;
    for (int i = 0; i < node->n_in; i++) {
        if (!node->in[i] || !ag__is_float(node->in[i]->layout->dtype)) continue;
        range r = range_of(node->in[i]->layout, node->in[i]->data);
        if (r.first_nan >= 0) return made.first_nan < 0 || report_input(t, node, i, &r);
        had_inf |= r.first_inf >= 0;
    }
    return (made.first_nan < 0 && had_inf) || report_node(t, node, &made);
}

/* What has no operation is not finished yet, or never will be recorded. */
static bool judge_nodes(ag_tape *t)
{
    ag__watch *w = t->watch;
    for (uint32_t i = 0; i < w->n_open;) {
        const ag_tensor *y = t->node[w->open[i]];
        if (!y->op) {
            i++;
            continue;
        }
        memmove(w->open + i, w->open + i + 1, (--w->n_open - i) * sizeof *w->open);
        if (!judge_node(t, y)) return false;
    }
    while (w->n_node < t->n_node) {
        const ag_tensor *y = t->node[w->n_node++];
        if (y->op) {
            if (!judge_node(t, y)) return false;
        } else if (!(y->flags & (AG__PROXY | AG__GRAD))) {
            if (w->n_open == AG__N_OPEN) memmove(w->open, w->open + 1, --w->n_open * sizeof *w->open);
            w->open[w->n_open++] = y->seq;
        }
    }
    return true;
}

/* ---- profile ---- */

double ag__watch_clock(void)
{
    struct timespec now = { 0, 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static uint64_t bytes_of(const ag_tensor *x)
{
    return x ? (uint64_t)x->layout->numel * x->layout->item : 0;
}

static uint64_t numel_of(const ag_tensor *x)
{
    return (uint64_t)x->layout->numel;
}
static uint64_t size_of(const ag_tensor *x, int axis) /* from the end */
{
    return x->layout->rank >= axis ? (uint64_t)x->layout->dims[x->layout->rank - axis] : 1;
}

static bool is_view(const ag_tensor *y)
{
    return y->op && (y->op->flags & AG_OP_VIEW);
}

/* One a result, or an element that is reduced; of products two a multiplication, and in a derivative a product for each
 * operand that asks for it. */
static uint64_t flops_of(const ag_tensor *y, bool backward)
{
    if (!y->op || is_view(y)) return 0;
    const char *name = y->op->name;
    ag_tensor *const *in = y->in;
    if (y->n_in == 1 && numel_of(in[0]) > numel_of(y)) return numel_of(in[0]);
    if (y->n_in < 2 || !in[1]) return numel_of(y);
    uint64_t times = 1;
    if (backward) times = (in[0]->flags & AG__GRAD ? 1u : 0) + (in[1]->flags & AG__GRAD ? 1u : 0);
    if (strcmp(name, "matmul") == 0 || strcmp(name, "linear") == 0 || strcmp(name, "linear_act") == 0)
        return 2 * numel_of(y) * size_of(in[0], 1) * times;
    if (strncmp(name, "convolution", 11) == 0) { /* of x and the kernel w into z: two of them are given */
        const ag_tensor *w = !name[11] ? in[1] : strcmp(name + 11, "_weight") ? in[0] : y, *z = name[11] ? in[1] : y;
        const uint64_t channels = w->layout->rank ? (uint64_t)w->layout->dims[0] : 1;
        return channels ? 2 * numel_of(z) * (numel_of(w) / channels) * times : 0;
    }
    if (strcmp(name, "attention") == 0 && y->n_in > 2 && in[2]) { /* q k' and its product with v; backward q k' again */
        const uint64_t width = size_of(in[0], 1), out = size_of(in[2], 1);
        const uint64_t scores = out ? numel_of(y) / out * size_of(in[1], 2) : 0;
        return 2 * scores * (backward ? 3 * width + 2 * out : width + out);
    }
    return numel_of(y);
}

static void describe(ag_tape *t, const ag_tensor *y, ag__event *e)
{
    const char *at = y->op ? title(t, y) : ag__watch_place(t, y->seq);
    e->name = at ? at : "not recorded";
    e->flops = flops_of(y, e->backward);
    if (is_view(y) && !e->backward) return; /* nothing is moved */
    e->bytes = bytes_of(y);
    for (int i = 0; i < y->n_in; i++) e->bytes += bytes_of(y->in[i]);
}

static bool add_event(ag_tape *t, const ag_tensor *y, double start, bool backward)
{
    ag__watch *w = t->watch;
    if (w->n_event == w->max_event) {
        uint64_t n = w->max_event ? 2 * w->max_event : 1024;
        ag__event *more = ag__grow(&t->budget, w->event, w->max_event * sizeof *more, n * sizeof *more, "a profile");
        if (!more) return false;
        w->event = more, w->max_event = n;
    }
    ag__event e = { .start = start, .end = ag__watch_clock(), .node = y->seq, .backward = backward };
    describe(t, y, &e);
    w->event[w->n_event++] = e;
    return true;
}

bool ag__watch_passed(ag_tape *t, const ag_tensor *y, double start)
{
    return add_event(t, y, start, true);
}

/* An operation is done. The tensors that were made after its result belong to it, and so do numbers before it that were
 * made in the same place. */
static bool settle(ag_tape *t, const ag_tensor *y, double start)
{
    ag__watch *w = t->watch;
    const char *at = ag__watch_place(t, y->seq);
    for (const ag__event *e; w->n_event > w->n_settled; w->n_event--, start = e->start) {
        e = &w->event[w->n_event - 1];
        if (e->node < y->seq && (e->name != at || t->node[e->node]->layout->numel != 1)) break;
    }
    const bool added = add_event(t, y, start, false);
    w->n_settled = w->n_event, w->timed = AG__NOBODY;
    return added;
}

/* What was being computed is finished. What only looks at another's data is no computation unless it was recorded. */
static bool finish(ag_tape *t)
{
    ag__watch *w = t->watch;
    if (!w->profile || w->timed >= t->n_node) return true;
    if (w->n_event > w->n_settled + AG__N_OPEN) w->n_settled = w->n_event - AG__N_OPEN;
    for (uint64_t k = w->n_settled; k < w->n_event; k++) { /* recorded only after others were made */
        const uint32_t node = w->event[k].node;
        if (node < t->n_node && t->node[node]->op) return settle(t, t->node[node], w->since);
    }
    const ag_tensor *y = t->node[w->timed];
    if (y->op) return y->nth || settle(t, y, w->since);
    w->timed = AG__NOBODY;
    return (y->flags & AG__PROXY) || y->base != y || add_event(t, y, w->since, false);
}

bool ag__watch_unrecorded(ag_tape *t, const ag_op *op, int n_in, ag_tensor *const *in, const ag_tensor *y)
{
    const ag__watch *w = t->watch;
    if (!w->profile || t->walking) return true;
    ag_tensor as_recorded = *y;
    as_recorded.op = op, as_recorded.n_in = (uint16_t)n_in, as_recorded.in = (ag_tensor **)(uintptr_t)in;
    return settle(t, &as_recorded, w->timed == AG__NOBODY ? ag__watch_clock() : w->since);
}

bool ag__watch_node(ag_tape *t)
{
    ag__watch *w = t->watch;
    if (!t->walking && ((w->anomaly && !judge_nodes(t)) || !finish(t))) return false;
    if (!note_node(t, t->n_node)) return false;
    if (w->profile && !t->walking) w->timed = t->n_node, w->since = ag__watch_clock();
    return true;
}

/* ---- statements ---- */

/* The record that ends at `at`, which may have to be moved to the chunk before. */
static void record_at(const ag_tape *t, ag__position at, ag__record *r)
{
    const ag__chunk *c = ag__chunk_before(t, &at);
    ag__record_before(r, c, at.id, at.ix, at.pd);
}

/* How many of r->ix are ids of operands. */
static uint32_t operands_of(const ag__record *r)
{
    return ag__form_of[r->code].list ? r->n : r->code <= AG__S_FUNCTION ? ag__form_of[r->code].ix : 0;
}

/* "; operands 0, 2", of those that are recorded. */
static void operands_text(ag_tape *t, const ag__record *r, char *text, size_t room)
{
    size_t at = 0;
    *text = 0;
    for (uint32_t i = 0; i < operands_of(r) && at + 1 < room && !t->first_order; i++) {
        if (!r->ix[i]) continue;
        int n = snprintf(text + at, room - at, "%s operand %u is %.9g", at ? "," : ";", (unsigned)i + 1,
                         ag__streams_value(t, r->ix[i]));
        at += n > 0 ? (size_t)n : 0;
    }
}

/* Was one of its operands, or the number given to ag_input, not finite already? */
static bool had_inf(ag_tape *t, const ag__record *r)
{
    if (r->code == AG__S_INPUT) return true;
    for (uint32_t i = 0; i < operands_of(r) && !t->first_order; i++)
        if (r->ix[i] && !isfinite(ag__streams_value(t, r->ix[i]))) return true;
    return false;
}

/* The record that ends at `at`; where that is a result of a call, which are inputs behind it, the call's. */
static void made_by(const ag_tape *t, ag__position at, ag__record *r)
{
    record_at(t, at, r);
    const uint32_t id = r->id;
    ag__record before = *r;
    while (before.code == AG__S_INPUT && before.id > 1) {
        ag__chunk_before(t, &at);
        ag__step_back(&at, before.step);
        record_at(t, at, &before);
    }
    if (before.code == AG__S_CALL && id - before.id <= before.pd[1]) *r = before;
}

static double value_of(ag_tape *t, uint32_t id)
{
    return t->first_order ? t->streams->one_place : ag__streams_value(t, id);
}

static bool judge_statement(ag_tape *t, ag__position at)
{
    const ag__watch *w = t->watch;
    ag__record last, r;
    record_at(t, at, &last);
    made_by(t, at, &r);
    for (uint32_t k = 0; k < last.step.ids; k++) {
        double y = value_of(t, last.id + k);
        if (isfinite(y) || (isinf(y) && had_inf(t, &r))) continue;
        char operands[96];
        operands_text(t, &r, operands, sizeof operands);
        ag_fail(AG_ENAN, "%s, statement %u %s: made %s%s", ag__record_name(&r), (unsigned)(last.id + k),
                line_of(place(w->scalar_at, w->max_scalar_at, r.id)), isnan(y) ? "NaN" : "Inf", operands);
        return false;
    }
    return true;
}

/* Backwards over those that are new, and the first of what is found is reported. */
static bool judge_statements(ag_tape *t)
{
    ag__watch *w = t->watch;
    ag__position at = ag__streams_tell(t), bad = { .id = 0 };
    const uint32_t end = at.id;
    while (at.id > w->n_scalar) {
        ag__record r;
        record_at(t, at, &r);
        for (uint32_t k = 0; k < r.step.ids; k++) {
            double y = t->first_order && r.id + k + 1 != end ? 0 : value_of(t, r.id + k);
            if (isfinite(y)) continue;
            ag__record made;
            made_by(t, at, &made);
            if (isnan(y) || !had_inf(t, &made)) bad = at;
        }
        ag__chunk_before(t, &at);
        ag__step_back(&at, r.step);
    }
    w->n_scalar = end;
    return !bad.id || judge_statement(t, bad);
}

bool ag__watch_statement(ag_tape *t)
{
    if (!t->watch->anomaly) return true;
    if (!t->walking && !judge_statements(t)) return false;
    return note_statement(t, ag__streams_count(t));
}

bool ag__watch_all(ag_tape *t)
{
    return finish(t) && (!t->watch->anomaly || (judge_statements(t) && judge_nodes(t)));
}

/* ---- the walk ---- */

bool ag__watch_gradient(ag_tape *t, const ag_tensor *y, int i, const ag__layout *l, const void *g, const ag__layout *lc,
                        const void *came)
{
    const ag__watch *w = t->watch;
    range made = range_of(l, g);
    if (is_finite(&made)) return true;
    range got = lc ? range_of(lc, came) : (range){ INFINITY, -INFINITY, -1, -1 };
    range x = range_of(y->in[i]->layout, y->in[i]->data);
    char where[AG__TEXT_SIZE + 4], numbers[RANGE], gradient[RANGE];
    ag_fail(AG_ENAN,
            "the derivative of %s, node %u %s: made %s%s by input %d %s, which is %s; the gradient that came is %s",
            title(t, y), (unsigned)y->seq, line_of(place(w->node_at, w->max_node_at, y->seq)), kind_of(&made),
            where_in(where, l, &made), i + 1, ag__text(l), range_text(numbers, &x), range_text(gradient, &got));
    return false;
}

bool ag__watch_adjoints(ag_tape *t, ag__position at, double (*adj)(const void *of, uint32_t id), const void *of)
{
    const ag__watch *w = t->watch;
    ag__record r;
    record_at(t, at, &r);
    for (uint32_t i = 0; i < operands_of(&r); i++) {
        double g = r.ix[i] ? adj(of, r.ix[i]) : 0;
        if (isfinite(g)) continue;
        char operands[96];
        operands_text(t, &r, operands, sizeof operands);
        ag_fail(AG_ENAN,
                "the derivative of %s, statement %u %s: made %s by operand %u%s; the adjoint that came is %.9g",
                ag__record_name(&r), (unsigned)r.id, line_of(place(w->scalar_at, w->max_scalar_at, r.id)),
                isnan(g) ? "NaN" : "Inf", (unsigned)i + 1, operands, adj(of, r.id));
        return false;
    }
    return true;
}

/* ---- forwards ---- */

bool ag__watch_tangents(ag_tape *t, const ag_tensor *y, int n, ag_tensor *const *came, ag_tensor *const *made)
{
    const ag__watch *w = t->watch;
    for (int k = 0; k < n; k++) {
        range r = made[k] ? range_of(made[k]->layout, made[k]->data) : (range){ 0, 0, -1, -1 };
        if (is_finite(&r)) continue;
        int i = 0; /* an input that moves */
        while (!came[i]) i++;
        range x = range_of(y->in[i]->layout, y->in[i]->data), v = range_of(came[i]->layout, came[i]->data);
        char where[AG__TEXT_SIZE + 4], numbers[RANGE], tangent[RANGE];
        ag_fail(AG_ENAN,
                "the derivative of %s, node %u %s, forwards: made %s %s%s; input %d %s is %s, and its tangent is %s",
                title(t, y), (unsigned)y->seq, line_of(place(w->node_at, w->max_node_at, y->seq)),
                ag__text(made[k]->layout), kind_of(&r), where_in(where, made[k]->layout, &r), i + 1,
                ag__text(y->in[i]->layout), range_text(numbers, &x), range_text(tangent, &v));
        return false;
    }
    return true;
}

bool ag__watch_tangent(ag_tape *t, ag__position at, const ag_scalar *tangent)
{
    const ag__watch *w = t->watch;
    ag__record r;
    record_at(t, at, &r);
    const bool call = r.code == AG__S_CALL;
    const uint32_t first = call ? r.id + 1 : r.id, n = call ? (uint32_t)r.pd[1] : r.step.ids;
    for (uint32_t k = 0; k < n; k++) {
        const double v = tangent[first + k].value;
        if (isfinite(v) || r.code == AG__S_INPUT) continue;
        char operands[96];
        operands_text(t, &r, operands, sizeof operands);
        ag_fail(AG_ENAN, "the derivative of %s, statement %u %s, forwards: made %s%s", ag__record_name(&r),
                (unsigned)(first + k), line_of(place(w->scalar_at, w->max_scalar_at, r.id)), isnan(v) ? "NaN" : "Inf",
                operands);
        return false;
    }
    return true;
}
