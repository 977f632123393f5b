/* gradcheck_scalar.c - ags_gradcheck: a function of scalars as a subject of the check. */
#include <autograd/diff/subject.h>

typedef struct scalars {
    ag__subject s; /* first, so that either is found from the other */
    ags_fn *f;
    void *user;
    size_t n_y;
    const double *at;         /* where f was evaluated */
    double *weight, *slope;   /* [n_y], [n] */
    ag_scalar *now, *y, *out; /* [n], [n_y], and of order 2 [n] */
} scalars;

/* ---- evaluating ---- */

/* The gradient of <y + y^2/2, c>: as statements to be differentiated again, or as numbers. */
static ag_status second(scalars *t, bool record)
{
    for (size_t i = 0; i < t->n_y; i++) t->y[i] = ag_mul(t->y[i], ag_add(1.0, ag_mul(0.5, t->y[i])));
    ag_scalar sum = ags_lin(t->n_y, t->y, t->weight);
    t->s.m = t->s.n;
    return record ? ags_grads(sum, t->now, t->s.n, t->out) : ags_gradient(sum, t->now, t->s.n, t->slope);
}

static ag_status run(ag__subject *s, const double *x)
{
    scalars *t = (scalars *)s;
    ag_tape_use(s->tape);
    ag_tape_reset(s->tape);
    ag_rng_set(s->rng);
    t->at = x;
    ags_inputs(s->n, x, t->now);
    for (size_t i = 0; i < t->n_y; i++) t->y[i] = ag_const(0);
    t->f(t->now, t->y, t->user);
    ag_tape_use(s->tape);
    ag_record(true);
    if (ag_error()) return ag_error();
    if (s->order == 2) return second(t, x == s->x);
    s->m = t->n_y;
    return AG_OK;
}

static const ag_scalar *results(const scalars *t)
{
    return t->s.order == 2 ? t->out : t->y;
}

/* After an evaluation away from the point, order 2 has numbers and no statements. */
static ag_status finish(ag__subject *s, double *y)
{
    scalars *t = (scalars *)s;
    for (size_t i = 0; y && i < s->m; i++) y[i] = s->order == 2 && t->at != s->x ? t->slope[i] : results(t)[i].value;
    return ag_error();
}

/* ---- products with the Jacobian ---- */

static ag_status pull(ag__subject *s, const double *u, double *g, bool recorded)
{
    scalars *t = (scalars *)s;
    if (!recorded) return ags_vjp(results(t), s->m, t->now, s->n, u, g);
    size_t bytes;
    if (!ag__size_mul(s->n + 1, sizeof(ag_scalar), &bytes)) return ag_fail(AG_ENOMEM, "%s: %zu inputs", s->who, s->n);
    ag_scalar *d = ag__alloc(NULL, bytes, "a gradient");
    if (d && !ags_grads(ags_lin(s->m, results(t), u), t->now, s->n, d))
        for (size_t j = 0; j < s->n; j++) g[j] = d[j].value;
    ag__release(NULL, d, bytes);
    return ag_error();
}

static ag_status push(ag__subject *s, size_t group, const double *v, double *jv)
{
    (void)group;
    scalars *t = (scalars *)s;
    return ags_jvp(results(t), s->m, t->now, s->n, v, jv);
}

/* ---- names: one group, x ---- */

static void group_of(const ag__subject *s, size_t group, size_t *first, size_t *count)
{
    (void)group;
    *first = 0, *count = s->n;
}

static void name_group(const ag__subject *s, size_t group, char *text, size_t room)
{
    (void)s, (void)group;
    snprintf(text, room, "x");
}

static void name_in(const ag__subject *s, size_t at, char *text, size_t room)
{
    (void)s;
    snprintf(text, room, "x [%zu]", at);
}

static void name_out(const ag__subject *s, size_t at, char *text, size_t room)
{
    (void)s;
    snprintf(text, room, "y [%zu]", at);
}

/* ---- with tensors as parameters: the same as a function of tensors ---- */

typedef struct bridged {
    ags_fn *f;
    void *user;
    size_t n, m;
    ag_scalar *x, *y;
} bridged;

static ag_tensor *across(ag_tensor **x, void *user)
{
    bridged *b = user;
    if (ag_unpack(x[0], b->n, b->x)) return NULL;
    for (size_t i = 0; i < b->m; i++) b->y[i] = ag_const(0);
    b->f(b->x, b->y, b->user);
    return ag_pack(b->m, b->y);
}

static void check_bridged(bridged *b, const double *x, const ag_gradcheck_options *o)
{
    ag_gradcheck_options inner = *o;
    inner.user = b;
    ag_tensor *point = (ag_new)(AG_F64, 1, (const int64_t[]){ (int64_t)b->n });
    if (point && !ag_write_as(AG_F64, point, x, (int64_t)b->n)) (ag_gradcheck)(across, AG_LIST(point), &inner);
    ag_free(point);
}

/* ---- setting up ---- */

ag_status(ags_gradcheck)(ags_fn *f, size_t m, const double *x, size_t n, const ag_gradcheck_options *options)
{
    const ag_gradcheck_options none = { 0 }, *o = options ? options : &none;
    if (ag_error()) return ag_error();
    if (!f || (!x && n)) return ag_fail(AG_ENULL, "ags_gradcheck: the %s is NULL", f ? "point" : "function");
    size_t count, bytes, numbers;
    if (!ag__size_add(n, n + m, &count) || !ag__size_mul(count, sizeof(ag_scalar), &bytes) ||
        !ag__size_mul(count, sizeof(double), &numbers) || !ag__size_add(bytes, numbers + 1, &bytes))
        return ag_fail(AG_ENOMEM, "ags_gradcheck: %zu inputs, %zu outputs", n, m);
    ag_scalar *block = ag__alloc(NULL, bytes, "the inputs of a gradient check");
    if (!block) return ag_error();
    if (o->params.n) {
        check_bridged(&(bridged){ .f = f, .user = o->user, .n = n, .m = m, .x = block, .y = block + n }, x, o);
    } else {
        scalars t = { .s = { .who = "ags_gradcheck",
                             .n = n,
                             .n_group = 1,
                             .run = run,
                             .finish = finish,
                             .x = x,
                             .pull = pull,
                             .push = push,
                             .group = group_of,
                             .name_group = name_group,
                             .name_in = name_in,
                             .name_out = name_out },
                      .f = f,
                      .user = o->user,
                      .n_y = m,
                      .now = block,
                      .y = block + n,
                      .out = block + n + m };
        t.slope = (double *)(void *)(block + count), t.weight = t.slope + n;
        for (size_t i = 0; i < m; i++) t.weight[i] = ag__check_random(i);
        ag__check(&t.s, o);
    }
    ag__release(NULL, block, bytes);
    return ag_error();
}
