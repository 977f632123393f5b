/* fixed_point.c - ag_fixed_point: the solution of z = f(z, x) as one node. Its derivatives are fixed points again:
 *
 *     backwards   u = g + (df/dz)' u,           then  (df/dx)' u
 *     forwards    dz = df/dz dz + df/dx dx */
#include <autograd/diff/inside.h>
#include <autograd/implicit.h>
#include <autograd/ops/apply.h>
#include <string.h>

static const ag_op fixed_point;

/* Of u, g, and the operands z, x of what it is the adjoint of. */
static ag_tensor *adjoint_step(const ag__inside *f, ag_tensor **x, bool record)
{
    const ag__inside *of = f->of;
    ag_tensor *y = of->run(of, x + 2, true), *flow;
    ag_record(record);
    if (!y || !ag__vjps(f->who, y, x[0], AG_LIST(x[2]), &flow)) return NULL;
    return ag_add(x[1], flow);
}

/* Of dz, z, x, and the tangents of x. */
static ag_tensor *tangent_step(const ag__inside *f, ag_tensor **x, bool record)
{
    const ag__inside *of = f->of;
    ag_tensor *y = of->run(of, x + 1, true), *sum = NULL;
    ag_record(record);
    if (y) sum = ag_jvp(y, x[1], x[0]);
    for (int i = 0; sum && i < f->n_by; i++) {
        ag_tensor *at = f->by[i] == AG__CAPTURED ? f->leaf[i] : x[1 + f->by[i]];
        sum = ag_add(sum, ag_jvp(y, at, x[1 + of->n + i]));
    }
    return sum;
}

/* Another equation, solved with the same patience. */
static ag__inside *equation(const ag_call *c, ag__inside_run *run, int extra, int n_by, const int *which)
{
    ag__inside *f = ag__inside_derive(c, run, extra, n_by, which);
    if (f) f->most = ag__inside_of(c)->most;
    return f;
}

static ag_status vjp(ag_call *c)
{
    const ag__inside *f = ag__inside_of(c), *adjoint = equation(c, adjoint_step, 2, 0, NULL);
    ag_tensor **x = ag__arena_get(&ag_tape_current()->arena, (size_t)(f->n + 2) * sizeof *x);
    if (!adjoint || !x) return ag_error();
    x[0] = x[1] = c->g[0], x[2] = c->out[0];
    memcpy(x + 3, c->in, (size_t)(f->n - 1) * sizeof *x);
    ag_tensor *u = ag__inside_apply(adjoint, &fixed_point, x);
    if (!u) return ag_error();
    memmove(x, x + 2, (size_t)f->n * sizeof *x);
    x[f->n] = u;
    return ag__inside_gradients(c, &ag__checkpoint, x);
}

static ag_status jvp(ag_call *c)
{
    const ag__inside *f = ag__inside_of(c);
    ag_tape *t = ag_tape_current();
    int *which = ag__arena_get(&t->arena, (size_t)c->n_in * sizeof *which), n = 0;
    ag_tensor **x = ag__arena_get(&t->arena, (size_t)(f->n + 1 + c->n_in) * sizeof *x);
    if (!which || !x || !(x[0] = ag_zeros_like(c->out[0]))) return ag_error();
    x[1] = c->out[0];
    memcpy(x + 2, c->in, (size_t)(f->n - 1) * sizeof *x);
    for (int i = 0; i < c->n_in; i++)
        if (c->tangent[i]) which[n] = i, x[1 + f->n + n++] = c->tangent[i];
    const ag__inside *tangent = equation(c, tangent_step, 1 + n, n, which);
    if (tangent) c->tout[0] = ag__inside_apply(tangent, &fixed_point, x);
    return ag_error();
}

static const ag_op fixed_point = { .name = "ag_fixed_point",
                                   .n_in = -1,
                                   .attr_size = sizeof(const ag__inside *),
                                   .vjp = vjp,
                                   .jvp = jvp,
                                   .flags = AG_OP_STRIDED };

ag_tensor *(ag_fixed_point)(ag_fn *f, ag_tensor *start, ag_list x, const ag_fixed_point_options *options)
{
    static const char who[] = "ag_fixed_point";
    const ag_fixed_point_options none = { 0 }, *o = options ? options : &none;
    ag_tape *t = ag__tape(who);
    if (ag_error() || !t) return NULL;
    if (!f) return ag_fail(AG_ENULL, "%s: the function is NULL", who), NULL;
    if (!ag__have_list(x.n, x.at, who)) return NULL;
    if (x.n >= UINT16_MAX) return ag_fail(AG_EINVAL, "%s: %lld operands are too many", who, (long long)x.n), NULL;
    if (o->iterations < 0 || !(o->tol >= 0))
        return ag_fail(AG_EINVAL, "%s: %d iterations, tolerance %g", who, o->iterations, o->tol), NULL;
    ag__inside *make = ag__arena_get(&t->arena, sizeof *make);
    ag_tensor **in = ag__arena_get(&t->arena, ((size_t)x.n + 1) * sizeof *in);
    if (!make || !in || !(in[0] = ag__operand(t, start, who, 2)) || !ag__need_float(in[0], who)) return NULL;
    for (int64_t i = 0; i < x.n; i++)
        if (!(in[i + 1] = ag__operand(t, x.at[i], who, (int)i + 3))) return NULL;
    *make = (ag__inside){ .run = ag__inside_function,
                          .who = who,
                          .n = (int)x.n + 1,
                          .most = o->iterations ? o->iterations : 1000,
                          .tol = o->tol > 0                       ? o->tol
                                 : in[0]->layout->dtype == AG_F64 ? 1e-13
                                                                  : 1e-6,
                          .rng = ag_rng_get(),
                          .f = f,
                          .user = o->user };
    return ag__inside_apply(make, &fixed_point, in);
}
