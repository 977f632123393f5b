/* linalg.c - see linalg.h. */
#include <autograd/ops/linalg.h>
#include <math.h>

bool ag__need_matrix(const ag_call *c, int i, bool square)
{
    const char *who = ag__title(c->op);
    if (!c->in[i]) return ag_fail(AG_ENULL, "%s: operand %d is NULL", who, i + 1), false;
    const ag__layout *l = c->in[i]->layout, *first = c->in[0]->layout;
    if (!ag__is_float(l->dtype))
        return ag_fail(AG_EDTYPE, "%s: takes f32 or f64, not %s %s", who, ag_dtype_name(l->dtype), ag__text(l)), false;
    if (l->dtype != first->dtype)
        return ag_fail(AG_EDTYPE, "%s: dtypes differ: %s %s and %s %s", who, ag_dtype_name(first->dtype),
                       ag__text(first), ag_dtype_name(l->dtype), ag__text(l)),
               false;
    if (l->rank < 2) return ag_fail(AG_ESHAPE, "%s: %s is no matrix", who, ag__text(l)), false;
    if (square && l->dims[l->rank - 1] != l->dims[l->rank - 2])
        return ag_fail(AG_ESHAPE, "%s: %s is no square matrix", who, ag__text(l)), false;
    return true;
}

ag__matrices ag__matrices_of(const ag__layout *l)
{
    ag__matrices m = { l->dtype, 1, l->dims[l->rank - 2], l->dims[l->rank - 1], 0 };
    for (int i = 0; i < l->rank - 2; i++) m.count *= l->dims[i];
    m.bytes = m.rows * m.cols * (int64_t)l->item;
    return m;
}

void *ag__matrix_at(const ag_tensor *x, int rank, const int64_t *dims, int64_t i)
{
    const ag__layout *l = x->layout;
    int64_t offset = 0;
    for (int d = rank - 1; d >= 0; d--) {
        int own = d - rank + l->rank - 2;
        if (own >= 0 && l->dims[own] != 1) offset += i % dims[d] * l->strides[own];
        i /= dims[d];
    }
    return (char *)x->data + offset * (int64_t)l->item;
}

bool ag__scratch_get(ag__scratch *s, int64_t bytes)
{
    *s = (ag__scratch){ NULL, AG__NO_CLASS };
    return (s->at = ag__pool_get(&ag__here.tape->pool, (size_t)bytes, &s->klass)) != NULL;
}
void ag__scratch_put(ag__scratch *s)
{
    if (s->at) ag__pool_put(&ag__here.tape->pool, s->at, s->klass);
    s->at = NULL;
}

ag_status ag__matrix_fails(const ag_call *c, int64_t i, const char *what, int at)
{
    return ag_fail(AG_EINVAL, "%s: matrix %lld of %s %s %d", ag__title(c->op), (long long)i, ag__text(c->in[0]->layout),
                   what, at);
}
void ag__fill_nan(ag_dtype dtype, int64_t n, void *data)
{
    ag__kernels_for(dtype)->fill(n, NAN, data, 1);
}

/* ---- band ---- */

typedef struct band {
    double below, on, above;
} band;

static void weigh(const ag__kernels *k, int64_t n, double weight, const char *x, char *y)
{
    if (n <= 0) return;
    if (weight == 0)
        k->fill(n, 0, y, 1);
    else
        k->scale(n, weight, x, 1, y, 1, false);
}
static ag_status band_forward(ag_call *c)
{
    const band *w = c->attr;
    ag__matrices m = ag__matrices_of(c->in[0]->layout);
    const ag__kernels *k = ag__kernels_for(m.dtype);
    int64_t item = (int64_t)c->in[0]->layout->item;
    for (int64_t row = 0; row < m.count * m.rows; row++) {
        const char *x = (const char *)c->in[0]->data + row * m.cols * item;
        char *y = (char *)c->out[0]->data + row * m.cols * item;
        int64_t i = row % m.rows, left = i < m.cols ? i : m.cols;
        weigh(k, left, w->below, x, y);
        weigh(k, i < m.cols, w->on, x + i * item, y + i * item);
        weigh(k, m.cols - i - 1, w->above, x + (i + 1) * item, y + (i + 1) * item);
    }
    return AG_OK;
}
static ag_tensor *band_again(const ag_call *c, ag_tensor *x)
{
    return ag__apply(c->op, c->attr, x);
}
AG__VJP1(band_vjp, band_again(c, g))
AG__JVP1(band_jvp, band_again(c, t))

static const ag_op op_band = { .name = "band",
                               .n_in = 1,
                               .attr_size = sizeof(band),
                               .shape = ag_shape_same,
                               .forward = band_forward,
                               .vjp = band_vjp,
                               .jvp = band_jvp,
                               .saves = AG_SAVES_NOTHING };

ag_tensor *ag__band(ag_tensor *x, double below, double on, double above)
{
    return ag__apply(&op_band, (&(band){ below, on, above }), x);
}

/* ---- diagonals ---- */

ag_tensor *ag__diagonal(ag_tensor *x)
{
    return ag_sum(ag__band(x, 0, 1, 0), -1);
}
ag_tensor *ag__diagonal_matrix(ag_tensor *v)
{
    if (!v) return NULL;
    int64_t dims[AG_MAX_RANK];
    int rank = v->layout->rank;
    if (rank == AG_MAX_RANK) return ag_fail(AG_ESHAPE, "%s has no room for an axis", ag__text(v->layout)), NULL;
    memcpy(dims, v->layout->dims, sizeof dims);
    dims[rank] = dims[rank - 1];
    return ag__band((ag_expand)(ag_unsqueeze(v, -1), rank + 1, dims), 0, 1, 0);
}
ag_tensor *ag__gaps(ag_tensor *s)
{
    if (!s) return NULL;
    ag_tensor *gaps = ag_sub(ag_unsqueeze(s, -2), ag_unsqueeze(s, -1));
    return ag_add(gaps, ag_eye(s->layout->dtype, s->layout->dims[s->layout->rank - 1]));
}
