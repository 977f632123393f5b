/* map.c - see map.h. */
#include <autograd/ops/map.h>

enum { NANOSECONDS = 10 }; /* an element, roughly */

struct one_loop {
    ag__number_fn *f;
    const void *attr;
};
static void loop_f32(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct one_loop *u = user;
    float *y = (float *)(void *)p[0];
    const float *x = (const float *)(void *)p[1];
    for (int64_t i = 0; i < n; i++) y[i * s[0]] = (float)u->f((double)x[i * s[1]], u->attr);
}
static void loop_f64(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct one_loop *u = user;
    double *y = (double *)(void *)p[0];
    const double *x = (const double *)(void *)p[1];
    for (int64_t i = 0; i < n; i++) y[i * s[0]] = u->f(x[i * s[1]], u->attr);
}
ag_status ag__map(ag_call *c, ag__number_fn *f)
{
    const ag__layout *ly = c->out[0]->layout, *lx = c->in[0]->layout;
    ag__iterate_shared(ly->rank, ly->dims, 2, (const ag__layout *[]){ ly, lx },
                       (void *[]){ c->out[0]->data, c->in[0]->data }, ly->dtype == AG_F64 ? loop_f64 : loop_f32,
                       &(struct one_loop){ f, c->attr }, 0, NANOSECONDS);
    return AG_OK;
}

ag_status ag__map_shape(const ag_call *c, ag_shape *out)
{
    return ag__need_float(c->in[0], ag__title(c->op)) ? ag_shape_same(c, out) : ag_error();
}
