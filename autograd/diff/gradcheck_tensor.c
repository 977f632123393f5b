/* gradcheck_tensor.c - ag_gradcheck: a function of tensors as a subject of the check. */
#include <autograd/diff/subject.h>
#include <autograd/ops/apply.h>
#include <string.h>

/* An argument or a parameter. Arguments are copied onto the check's tape in their own memory layout, parameters moved
 * in place. */
typedef struct input {
    ag_tensor *x;
    const char *name;  /* of a parameter */
    int number;        /* of an argument */
    bool overlaps;     /* some elements share a place (expanded) */
    int64_t low, span; /* places below x->data, and in all */
    size_t first;      /* its numbers among all that are differentiated by */
} input;

typedef struct tensors {
    ag__subject s; /* first, so that either is found from the other */
    ag_fn *f;
    void *user;
    size_t n_x, n_in, n_wrt; /* arguments, those and parameters, differentiated by */
    input *in;
    input **wrt;
    ag_tensor **now, **out; /* of in; results: one, or of order 2 one per wrt */
    size_t n_out;
    double *scratch;  /* [n] */
    const double *at; /* where f is evaluated, until finish */
} tensors;

/* ---- places of elements ---- */

static int64_t offset_of(const ag__layout *l, size_t at, int64_t *index)
{
    int64_t offset = 0, rest = (int64_t)at;
    for (int d = l->rank; d-- > 0; rest /= l->dims[d]) {
        index[d] = rest % l->dims[d];
        offset += index[d] * l->strides[d];
    }
    return offset;
}

static void measure(input *in)
{
    const ag__layout *l = in->x->layout;
    if (l->numel == 0) return;
    int64_t high = 0;
    for (int d = 0; d < l->rank; d++) {
        int64_t reach = (l->dims[d] - 1) * l->strides[d];
        if (reach < 0)
            in->low -= reach;
        else
            high += reach;
        in->overlaps |= l->strides[d] == 0 && l->dims[d] > 1;
    }
    in->span = in->low + high + 1;
}

static size_t count_of(const input *in)
{
    return (size_t)in->x->layout->numel;
}

static input *find(const tensors *t, size_t *at)
{
    size_t k = t->n_wrt - 1;
    while (t->wrt[k]->first > *at) k--;
    *at -= t->wrt[k]->first;
    return t->wrt[k];
}

/* ---- evaluating ---- */

/* Writes the numbers of an input that differ between two points. */
static void move(const input *in, ag_tensor *y, const double *from, const double *to)
{
    int64_t index[AG_MAX_RANK];
    const double *a = from + in->first, *b = to + in->first;
    for (size_t i = 0; i < count_of(in); i++)
        if (memcmp(&a[i], &b[i], sizeof *a)) ag__set(y->layout, y->data, offset_of(y->layout, i, index), b[i]);
}

/* A copy of an argument as a variable. Where elements share a place, one of them alone can move in a row-major copy
 * only. */
static ag_tensor *copy_of(const tensors *t, const input *in, const double *at)
{
    ag_tape *tape = t->s.tape;
    const ag__layout *l = in->x->layout;
    bool moves = l->dtype == AG_F64 && memcmp(t->s.x + in->first, at + in->first, count_of(in) * sizeof *at) != 0;
    ag_tensor *y;
    if (l->numel == 0 || (moves && in->overlaps)) {
        y = ag__temporary(tape, ag__layout_get(&tape->layouts, l->dtype, l->rank, l->dims, t->s.who));
        if (!y) return NULL;
        ag__copy_into(y->layout, y->data, l, in->x->data, false);
    } else {
        ag_tensor *whole = ag__temporary(tape, ag__layout_get(&tape->layouts, l->dtype, 1, &in->span, t->s.who));
        if (!whole) return NULL;
        memcpy(whole->data, (char *)in->x->data - in->low * (int64_t)l->item, (size_t)in->span * l->item);
        y = ag__view(tape, ag__layout_intern(&tape->layouts, l), whole, in->low);
        if (!y) return NULL;
    }
    if (l->dtype == AG_F64) y->flags |= AG__GRAD; /* a variable; ag_variable would not keep the strides */
    if (moves) move(in, y, t->s.x, at);
    return y;
}

static ag_status arguments(tensors *t, const double *at)
{
    for (size_t k = 0; k < t->n_x; k++)
        if (!(t->now[k] = copy_of(t, &t->in[k], at))) return ag_error();
    for (size_t k = t->n_x; k < t->n_in; k++) t->now[k] = t->in[k].x;
    /* in place and without a new version: it will be put back, and nobody's saved value has changed */
    t->at = at;
    for (size_t k = 0; k < t->n_wrt && at != t->s.x; k++)
        if (t->wrt[k]->name) move(t->wrt[k], t->wrt[k]->x, t->s.x, at);
    return AG_OK;
}

static ag_tensor *now_of(const tensors *t, const input *in)
{
    return t->now[in - t->in];
}

/* A tensor of the shape of `like` holding numbers, or random ones. */
static ag_tensor *filled(const ag_tensor *like, const double *numbers)
{
    ag_tensor *u = (ag_zeros)(AG_F64, like->layout->rank, like->layout->dims);
    double *p = ag_f64_write(u);
    for (int64_t i = 0; p && i < like->layout->numel; i++) p[i] = numbers ? numbers[i] : ag__check_random((uint64_t)i);
    return u;
}

/* The gradient of <y + y^2/2, c> by each input, recorded if it is to be differentiated again: the rules of y are given
 * c (1 + y), so that they are differentiated by what they are given, too. */
static ag_status second(tensors *t, ag_tensor *y, bool record)
{
    ag_record(record);
    ag_tensor *c = ag_mul(filled(y, NULL), ag_add(y, 1.0));
    for (size_t k = 0; k < t->n_wrt && c; k++)
        if (!(t->out[k] = ag_vjp(y, now_of(t, t->wrt[k]), c))) break;
    ag_record(true);
    t->n_out = t->n_wrt;
    t->s.m = t->s.n;
    return ag_error();
}

static ag_status run(ag__subject *s, const double *at)
{
    tensors *t = (tensors *)s;
    ag_tape_use(s->tape);
    ag_tape_reset(s->tape);
    ag_rng_set(s->rng);
    if (arguments(t, at)) return ag_error();
    ag_tensor *y = t->f(t->now, t->user);
    ag_tape_use(s->tape);
    ag_record(true);
    if (ag_error()) return ag_error();
    if (!y) return ag_fail(AG_EUSER, "%s: the function gave up: it returned NULL", s->who);
    if (!ag__operand(s->tape, y, s->who, 0)) return ag_error();
    if (y->layout->dtype != AG_F64)
        return ag_fail(AG_EDTYPE, "%s: the function returned %s, not f64", s->who, ag_dtype_name(y->layout->dtype));
    if (s->order == 2) return second(t, y, at == s->x);
    t->n_out = 1, t->out[0] = y;
    s->m = (size_t)y->layout->numel;
    return AG_OK;
}

static ag_status finish(ag__subject *s, double *y)
{
    tensors *t = (tensors *)s;
    for (size_t k = 0, first = 0; y && k < t->n_out; k++) {
        ag_read_as(AG_F64, t->out[k], y + first, t->out[k]->layout->numel);
        first += (size_t)t->out[k]->layout->numel;
    }
    for (size_t k = 0; k < t->n_wrt && t->at && t->at != s->x; k++)
        if (t->wrt[k]->name) move(t->wrt[k], t->wrt[k]->x, t->at, s->x);
    t->at = NULL;
    return ag_error();
}

/* ---- products with the Jacobian ---- */

static bool all_zero(const double *u, size_t n)
{
    while (n > 0 && u[n - 1] == 0) n--;
    return n == 0;
}

/* Adds what flows from result k to the inputs. */
static ag_status pull_from(tensors *t, size_t k, const double *u, double *g)
{
    ag_tensor *y = t->out[k], *seed = filled(y, u);
    for (size_t i = 0; i < t->n_wrt && seed; i++) {
        size_t n = count_of(t->wrt[i]);
        ag_tensor *d = ag_vjp(y, now_of(t, t->wrt[i]), seed);
        if (!d || ag_read_as(AG_F64, d, t->scratch, (int64_t)n)) break;
        for (size_t j = 0; j < n; j++) g[t->wrt[i]->first + j] += t->scratch[j];
    }
    return ag_error();
}

static ag_status pull(ag__subject *s, const double *u, double *g, bool recorded)
{
    tensors *t = (tensors *)s;
    memset(g, 0, s->n * sizeof *g);
    ag_mark mark = ag_tape_mark(s->tape);
    ag_record(recorded);
    for (size_t k = 0, first = 0; k < t->n_out && !ag_error(); k++) {
        size_t m = (size_t)t->out[k]->layout->numel;
        if (t->n_out == 1 || !all_zero(u + first, m)) pull_from(t, k, u + first, g);
        first += m;
    }
    ag_record(true);
    ag_tape_rewind(s->tape, mark);
    return ag_error();
}

static ag_status push(ag__subject *s, size_t group, const double *v, double *jv)
{
    tensors *t = (tensors *)s;
    const input *in = t->wrt[group];
    ag_mark mark = ag_tape_mark(s->tape);
    ag_record(false);
    ag_tensor *tangent = filled(in->x, v + in->first);
    for (size_t k = 0, first = 0; k < t->n_out && tangent; k++) {
        ag_tensor *d = ag_jvp(t->out[k], now_of(t, in), tangent);
        if (!d || ag_read_as(AG_F64, d, jv + first, d->layout->numel)) break;
        first += (size_t)d->layout->numel;
    }
    ag_record(true);
    ag_tape_rewind(s->tape, mark);
    return ag_error();
}

/* ---- names ---- */

static void group_of(const ag__subject *s, size_t group, size_t *first, size_t *count)
{
    const input *in = ((const tensors *)s)->wrt[group];
    *first = in->first, *count = count_of(in);
}

static const char *index_text(char *room, const ag__layout *l, size_t at)
{
    int64_t index[AG_MAX_RANK];
    offset_of(l, at, index);
    return l->rank ? ag__dims_write(room, l->rank, index) : "";
}

static void name_input(const input *in, const char *index, char *text, size_t room)
{
    const char *space = *index ? " " : "";
    if (in->name)
        snprintf(text, room, "%s%s%s", in->name, space, index);
    else
        snprintf(text, room, "input %d%s%s", in->number, space, index);
}

static void name_group(const ag__subject *s, size_t group, char *text, size_t room)
{
    name_input(((const tensors *)s)->wrt[group], "", text, room);
}

static void name_in(const ag__subject *s, size_t at, char *text, size_t room)
{
    const input *in = find((const tensors *)s, &at);
    name_input(in, index_text((char[AG__TEXT_SIZE]){ 0 }, in->x->layout, at), text, room);
}

static void name_out(const ag__subject *s, size_t at, char *text, size_t room)
{
    snprintf(text, room, "y %s", index_text((char[AG__TEXT_SIZE]){ 0 }, ((const tensors *)s)->out[0]->layout, at));
}

/* ---- setting up ---- */

static bool add_input(tensors *t, ag_tensor *x, const char *name, int number)
{
    const char *who = t->s.who;
    if (!ag__usable(x, ag__here.tape ? ag__here.tape->serial : AG__STALE, who, number)) return false;
    if (x->layout->dtype == AG_F32)
        return ag_fail(AG_EDTYPE, "%s: %s %d is f32; differences need f64", who, name ? "parameter" : "input", number),
               false;
    input *in = &t->in[t->n_in++];
    *in = (input){ .x = x, .name = name, .number = number };
    measure(in);
    bool wanted = x->layout->dtype == AG_F64;
    if (name) {
        if (!ag_is_mine(x)) return ag_fail(AG_EINVAL, "%s: parameter %d (%s) is a temporary", who, number, name), false;
        wanted = wanted && ag_requires_grad(x);
    }
    if (!wanted) return true;
    in->first = t->s.n;
    t->wrt[t->n_wrt++] = in;
    return ag__size_add(t->s.n, count_of(in), &t->s.n);
}

static ag_status set_up(tensors *t, ag_list x, ag_params params)
{
    for (int64_t k = 0; k < x.n; k++)
        if (!add_input(t, x.at[k], NULL, (int)k)) return ag_error();
    t->n_x = t->n_in;
    for (int64_t k = 0; k < params.n; k++) {
        const ag_named *p = &params.at[k];
        if (!add_input(t, p->tensor, p->name ? p->name : "a parameter", (int)k)) return ag_error();
    }
    t->s.n_group = t->n_wrt;
    if (!t->n_wrt) return ag_fail(AG_EINVAL, "%s: no f64 input or parameter to differentiate by", t->s.who);
    return AG_OK;
}

/* The lists lie in one block, cut here. */
static void *rooms(tensors *t, size_t n, size_t *bytes)
{
    if (!ag__size_mul(n + 1, sizeof(input) + 4 * sizeof(void *), bytes))
        return ag_fail(AG_ENOMEM, "%s: %zu inputs", t->s.who, n), NULL;
    char *block = ag__alloc(NULL, *bytes, "the inputs of a gradient check");
    if (!block) return NULL;
    t->in = (input *)(void *)block;
    t->wrt = (input **)(void *)(t->in + n);
    t->now = (ag_tensor **)(void *)(t->wrt + n);
    t->out = t->now + n;
    return block;
}

static void check(tensors *t, const ag_gradcheck_options *o)
{
    size_t room;
    if (!ag__size_mul(2 * t->s.n + 1, sizeof *t->scratch, &room)) return;
    double *x = ag__alloc(NULL, room, "the inputs of a gradient check");
    if (!x) return;
    t->scratch = x + t->s.n;
    for (size_t k = 0; k < t->n_wrt; k++)
        ag_read_as(AG_F64, t->wrt[k]->x, x + t->wrt[k]->first, t->wrt[k]->x->layout->numel);
    t->s.x = x;
    ag__check(&t->s, o);
    ag__release(NULL, x, room);
}

ag_status(ag_gradcheck)(ag_fn *f, ag_list x, const ag_gradcheck_options *options)
{
    const ag_gradcheck_options none = { 0 }, *o = options ? options : &none;
    tensors t = { .s = { .who = "ag_gradcheck",
                         .run = run,
                         .finish = finish,
                         .pull = pull,
                         .push = push,
                         .group = group_of,
                         .name_group = name_group,
                         .name_in = name_in,
                         .name_out = name_out },
                  .f = f,
                  .user = o->user };
    if (ag_error()) return ag_error();
    if (!f) return ag_fail(AG_ENULL, "ag_gradcheck: the function is NULL");
    if (x.n < 0 || o->params.n < 0) return ag_fail(AG_EINVAL, "ag_gradcheck: a list of negative length");
    size_t bytes;
    void *block = rooms(&t, (size_t)x.n + (size_t)o->params.n, &bytes);
    if (!block) return ag_error();
    if (!set_up(&t, x, o->params)) check(&t, o);
    ag__release(NULL, block, bytes);
    return ag_error();
}
