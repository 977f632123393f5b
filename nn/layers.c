/* layers.c - ready-made modules: containers, and the layers of a multi-layer perceptron. */
#include <math.h>
#include <nn/init.h>
#include <nn/layers.h>
#include <nn/private/module.h>

/* ---- Sequential -------------------------------------------------------------------------------------------------- */

static ag_tensor *sequential_forward(ag_module *m, ag_tensor *x)
{
    for (const ag__entry *e = m->entries; e; e = e->hh.next)
        if (e->kind == AG__CHILD) x = ag_forward(e->child, x);
    return x;
}

ag_module *(ag_Sequential)(int n, ag_module *const *child)
{
    if (n < 0 || (n > 0 && !child)) return ag_fail(AG_ENULL, "ag_Sequential: the list of %d modules is NULL", n), NULL;
    ag_module *m = ag_module_new("Sequential", sequential_forward, 0);
    for (int i = 0; i < n; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        ag_child(m, name, child[i]);
    }
    return ag_module_done(m);
}

/* ---- Residual ---------------------------------------------------------------------------------------------------- */

struct residual {
    ag_module *body;
};

static ag_tensor *residual_forward(ag_module *m, ag_tensor *x)
{
    const struct residual *r = ag_self(m);
    return ag_add(x, ag_forward(r->body, x));
}

ag_module *ag_Residual(ag_module *body)
{
    ag_module *m = ag_module_new("Residual", residual_forward, sizeof(struct residual));
    ag_module *child = ag_child(m, "body", body);
    if (child) ((struct residual *)ag_self(m))->body = child;
    return ag_module_done(m);
}

/* ---- Act --------------------------------------------------------------------------------------------------------- */

struct act {
    ag_tensor *(*f)(ag_tensor *x);
};

static ag_tensor *act_forward(ag_module *m, ag_tensor *x)
{
    const struct act *a = ag_self(m);
    return a->f(x);
}

ag_module *ag_Act(ag_tensor *(*f)(ag_tensor *x))
{
    if (!f) return ag_fail(AG_ENULL, "ag_Act: f is NULL"), NULL;
    ag_module *m = ag_module_new("Act", act_forward, sizeof(struct act));
    if (m) ((struct act *)ag_self(m))->f = f;
    return ag_module_done(m);
}

/* ---- Linear ------------------------------------------------------------------------------------------------------ */

struct linear {
    ag_tensor *weight, *bias;
};

static ag_tensor *linear_forward(ag_module *m, ag_tensor *x)
{
    const struct linear *l = ag_self(m);
    return ag_linear(x, l->weight, l->bias);
}

static double linear_count(ag_module *m, const ag_tensor *x, const ag_tensor *y)
{
    const struct linear *l = ag_self(m);
    (void)x;
    return (double)ag_numel(y) * (double)ag_size(l->weight, 1);
}

ag_module *(ag_Linear)(int64_t in, int64_t out, const ag_layer_options *options)
{
    ag_layer_options o = options ? *options : (ag_layer_options){ .dtype = AG_F32 };
    if (in < 1) return ag_fail(AG_EINVAL, "ag_Linear: in %lld; it takes 1 or more", (long long)in), NULL;
    if (out < 1) return ag_fail(AG_EINVAL, "ag_Linear: out %lld; it takes 1 or more", (long long)out), NULL;
    ag_module *m = ag_module_new("Linear", linear_forward, sizeof(struct linear));
    struct linear *l = ag_self(m);
    if (!l) return NULL;
    ag_module_on_count(m, linear_count);
    double bound = 1 / sqrt((double)in);
    l->weight = ag_own(m, "weight", ag_init_uniform(ag_param(o.dtype, out, in), -bound, bound));
    if (!o.no_bias) l->bias = ag_own(m, "bias", ag_init_uniform(ag_param(o.dtype, out), -bound, bound));
    return ag_module_done(m);
}

/* ---- Dropout ----------------------------------------------------------------------------------------------------- */

struct dropout {
    double p;
};

static ag_tensor *dropout_forward(ag_module *m, ag_tensor *x)
{
    const struct dropout *d = ag_self(m);
    return ag_is_training(m) ? ag_dropout(x, d->p) : x;
}

ag_module *ag_Dropout(double p)
{
    if (!(p >= 0 && p < 1)) return ag_fail(AG_EINVAL, "ag_Dropout: p %g is not in [0, 1)", p), NULL;
    ag_module *m = ag_module_new("Dropout", dropout_forward, sizeof(struct dropout));
    if (m) ((struct dropout *)ag_self(m))->p = p;
    return ag_module_done(m);
}

/* ---- Flatten ----------------------------------------------------------------------------------------------------- */

static ag_tensor *flatten_forward(ag_module *m, ag_tensor *x)
{
    (void)m;
    int rank = ag_rank(x);
    if (rank < 2)
        return ag_fail(AG_ESHAPE, "ag_Flatten: an input of %d axes; it takes [n, ...], 2 or more", rank), NULL;
    int64_t rest = 1; /* not -1, which says nothing when n is 0 */
    for (int i = 1; i < rank; i++) rest *= ag_size(x, i);
    return ag_reshape(x, ag_size(x, 0), rest);
}

ag_module *ag_Flatten(void)
{
    return ag_module_done(ag_module_new("Flatten", flatten_forward, 0));
}
