/* index.c - elements chosen by integer tensors, and what undoes that: take and index_add move whole slices, gather and
 * scatter_add single elements. Each is the other's derivative. */
#include <autograd/ops/family.h>

static int axis_of(const ag_call *c)
{
    return *(const int *)c->attr;
}

/* ---- indices ---- */

static bool need_integer(const ag_call *c)
{
    const ag__layout *l = c->in[1] ? c->in[1]->layout : NULL;
    if (!l)
        ag_fail(AG_ENULL, "ag_%s: the index is NULL", c->op->name);
    else if (!ag__is_integer(l->dtype))
        ag_fail(AG_EDTYPE, "ag_%s: the index is %s %s; it must be i64, i32 or u8", c->op->name, ag_dtype_name(l->dtype),
                ag__text(l));
    else
        return true;
    return false;
}

/* Do all indices lie on the axis of `l`? */
static bool in_range(const ag_call *c, const ag__layout *l)
{
    const ag_tensor *index = c->in[1];
    int64_t n = l->dims[axis_of(c)], count = index->layout->numel;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = ag__whole(index->layout->dtype, index->data, i);
        if (at >= 0 && at < n) continue;
        ag_fail(AG_EINVAL, "ag_%s: index %lld at position %lld is outside axis %d of %s", c->op->name, (long long)at,
                (long long)i, axis_of(c), ag__text(l));
        return false;
    }
    return true;
}

/* value, and x, that are added: one floating dtype */
static bool need_value(const ag_call *c)
{
    const ag_tensor *x = c->in[0], *v = c->in[2];
    if (!v)
        ag_fail(AG_ENULL, "ag_%s: the value is NULL", c->op->name);
    else if (!ag__is_float(x->layout->dtype) || x->layout->dtype != v->layout->dtype)
        ag_fail(AG_EDTYPE, "ag_%s: %s %s is added to %s %s; both must be f32 or both f64", c->op->name,
                ag_dtype_name(v->layout->dtype), ag__text(v->layout), ag_dtype_name(x->layout->dtype),
                ag__text(x->layout));
    else
        return true;
    return false;
}

/* x on the tape and the axis resolved; a 0-d x counts as [1]. */
static bool begin(ag_tensor **x, int *axis, const char *who)
{
    ag_tape *t;
    if (!ag__begin(&t, x, who) || (*axis = ag__axis_or_0(*axis, (*x)->layout, who)) < 0) return false;
    if ((*x)->layout->rank == 0) *x = ag_unsqueeze(*x, 0);
    return *x != NULL;
}

/* One tangent, or the zeros it stands for. */
static ag_tensor *tangent(const ag_call *c, int i)
{
    return c->tangent[i] ? c->tangent[i] : ag_zeros_like(c->in[i]);
}

/* Where gradients are to be added up: zeros, unless there are some already. */
static void clear(void *data, const ag__layout *l, bool add)
{
    if (!add) memset(data, 0, (size_t)l->numel * l->item);
}

/* ---- take: y[.., j, ..] = x[.., index[j], ..]; dx = g added at index ---- */

static ag_status take_shape(const ag_call *c, ag_shape *out)
{
    if (!need_integer(c)) return ag_error();
    const ag__layout *x = c->in[0]->layout, *index = c->in[1]->layout;
    int axis = axis_of(c), rank = x->rank - 1 + index->rank;
    if (rank > AG_MAX_RANK)
        return ag_fail(AG_ESHAPE, "ag_take: %s at an index of %s has more than %d axes", ag__text(x), ag__text(index),
                       AG_MAX_RANK);
    out->dtype = x->dtype, out->rank = rank;
    int64_t *d = out->dims;
    for (int i = 0; i < axis; i++) *d++ = x->dims[i];
    for (int i = 0; i < index->rank; i++) *d++ = index->dims[i];
    for (int i = axis + 1; i < x->rank; i++) *d++ = x->dims[i];
    return AG_OK;
}

static ag_status take_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    const ag_tensor *index = c->in[1];
    if (!in_range(c, l)) return ag_error();
    ag__span s = ag__span_of(l, axis_of(c));
    size_t bytes = (size_t)s.inner * l->item;
    const char *x = c->in[0]->data;
    char *y = c->out[0]->data;
    for (int64_t o = 0; o < s.outer; o++, x += (size_t)s.n * bytes)
        for (int64_t j = 0; j < index->layout->numel; j++, y += bytes)
            memcpy(y, x + (size_t)ag__whole(index->layout->dtype, index->data, j) * bytes, bytes);
    return AG_OK;
}

/* y[.., index[j], ..] += v[.., j, ..] */
static void add_slices(const ag__layout *l, int axis, void *into, const ag_tensor *index, const void *value)
{
    const ag__kernels *k = ag__kernels_for(l->dtype);
    ag__span s = ag__span_of(l, axis);
    size_t bytes = (size_t)s.inner * l->item;
    const char *v = value;
    char *y = into;
    for (int64_t o = 0; o < s.outer; o++, y += (size_t)s.n * bytes)
        for (int64_t j = 0; j < index->layout->numel; j++, v += bytes)
            k->copy(s.inner, v, 1, y + (size_t)ag__whole(index->layout->dtype, index->data, j) * bytes, 1, true);
}

/* index_add needs one axis where take's result has those of the index. */
static ag_tensor *untake(const ag_call *c, ag_tensor *g)
{
    const ag__layout *x = c->in[0]->layout;
    int64_t n = c->in[1]->layout->numel, dims[AG_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    dims[axis_of(c)] = n;
    return ag_index_add(ag_zeros_like(c->in[0]), axis_of(c), (ag_reshape)(c->in[1], 1, &n),
                        (ag_reshape)(g, x->rank, dims));
}
AG__VJP1(take_vjp, untake(c, g))
AG__JVP1(take_jvp, ag_take(t, axis_of(c), c->in[1]))
static ag_status take_backward(ag_call *c)
{
    ag_tensor *gin = c->gin[0];
    clear(gin->data, gin->layout, c->add[0]);
    add_slices(gin->layout, axis_of(c), gin->data, c->in[1], c->g[0]->data);
    return AG_OK;
}

const ag_op ag__op_take = { .name = "take",
                            .n_in = 2,
                            .attr_size = sizeof(int),
                            .shape = take_shape,
                            .forward = take_forward,
                            .vjp = take_vjp,
                            .jvp = take_jvp,
                            .backward = take_backward,
                            .saves = AG_SAVES_IN(1) };

ag_tensor *ag_take(ag_tensor *x, int axis, ag_tensor *index)
{
    return begin(&x, &axis, "ag_take") ? ag__apply(&ag__op_take, &axis, x, index) : NULL;
}

/* ---- index_add: dx = g, dvalue = g at index ---- */

static ag_status index_add_shape(const ag_call *c, ag_shape *out)
{
    if (!need_integer(c) || !need_value(c)) return ag_error();
    const ag__layout *x = c->in[0]->layout, *index = c->in[1]->layout, *v = c->in[2]->layout;
    bool fits = index->rank == 1 && v->rank == x->rank;
    for (int i = 0; fits && i < x->rank; i++) fits = v->dims[i] == (i == axis_of(c) ? index->dims[0] : x->dims[i]);
    if (!fits)
        return ag_fail(AG_ESHAPE, "ag_index_add: value %s at index %s does not fit along axis %d of %s", ag__text(v),
                       ag__text(index), axis_of(c), ag__text(x));
    ag__shape_copy(out, x);
    return AG_OK;
}
static ag_status index_add_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    if (!in_range(c, l)) return ag_error();
    memcpy(c->out[0]->data, c->in[0]->data, (size_t)l->numel * l->item);
    add_slices(l, axis_of(c), c->out[0]->data, c->in[1], c->in[2]->data);
    return AG_OK;
}
static ag_status index_add_vjp(ag_call *c)
{
    if (c->need[0]) c->gin[0] = c->g[0];
    if (c->need[2] && !(c->gin[2] = ag_take(c->g[0], axis_of(c), c->in[1]))) return ag_error();
    return AG_OK;
}
static ag_status index_add_jvp(ag_call *c)
{
    if (!c->tangent[2])
        c->tout[0] = c->tangent[0];
    else if (!(c->tout[0] = ag_index_add(tangent(c, 0), axis_of(c), c->in[1], c->tangent[2])))
        return ag_error();
    return AG_OK;
}

const ag_op ag__op_index_add = { .name = "index_add",
                                 .n_in = 3,
                                 .attr_size = sizeof(int),
                                 .shape = index_add_shape,
                                 .forward = index_add_forward,
                                 .vjp = index_add_vjp,
                                 .jvp = index_add_jvp,
                                 .saves = AG_SAVES_IN(1) };

ag_tensor *ag_index_add(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value)
{
    return begin(&x, &axis, "ag_index_add") ? ag__apply(&ag__op_index_add, &axis, x, index, value) : NULL;
}

/* ---- gather: y[i, j] = x[index[i, j], j]; dx = g added there ---- */

static bool index_fits(const ag_call *c)
{
    const ag__layout *x = c->in[0]->layout, *index = c->in[1]->layout;
    bool fits = index->rank == x->rank;
    for (int i = 0; fits && i < x->rank; i++) fits = i == axis_of(c) || index->dims[i] <= x->dims[i];
    if (!fits)
        ag_fail(AG_ESHAPE, "ag_%s: index %s does not fit %s: as many axes, and none longer but axis %d", c->op->name,
                ag__text(index), ag__text(x), axis_of(c));
    return fits;
}

static ag_status gather_shape(const ag_call *c, ag_shape *out)
{
    if (!need_integer(c) || !index_fits(c)) return ag_error();
    ag__shape_copy(out, c->in[1]->layout);
    out->dtype = c->in[0]->layout->dtype;
    return AG_OK;
}

/* For each place of the index (operand 0): operand 1 is the row of x it chooses from, operand 2 the element. */
struct pick_loop {
    ag_dtype index, dtype;
    size_t item;
    int64_t step; /* of x along the axis */
};
static void gather_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct pick_loop *u = user;
    for (int64_t i = 0; i < n; i++) {
        int64_t from = i * s[1] + ag__whole(u->index, p[0], i * s[0]) * u->step;
        const char *element = p[1] + from * (int64_t)u->item;
        char *place = p[2] + i * s[2] * (int64_t)u->item;
        if (u->item == 8)
            memcpy(place, element, 8);
        else if (u->item == 4)
            memcpy(place, element, 4);
        else
            *place = *element;
    }
}
static void scatter_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct pick_loop *u = user;
    for (int64_t i = 0; i < n; i++) {
        int64_t to = i * s[1] + ag__whole(u->index, p[0], i * s[0]) * u->step;
        if (u->dtype == AG_F64)
            ((double *)(void *)p[1])[to] += ((double *)(void *)p[2])[i * s[2]];
        else
            ((float *)(void *)p[1])[to] += ((float *)(void *)p[2])[i * s[2]];
    }
}
static ag_status pick(const ag_call *c, ag__loop_fn *loop, const ag__layout *lx, void *x, void *element)
{
    int axis = axis_of(c);
    const ag_tensor *index = c->in[1];
    ag__layout row, place;
    int64_t strides[AG_MAX_RANK];
    memcpy(strides, lx->strides, sizeof strides);
    strides[axis] = 0;
    const int64_t *dims = index->layout->dims;
    if (index->layout->numel == 0) return AG_OK;
    if (!ag__layout_set(&row, lx->dtype, lx->rank, dims, strides, c->op->name) ||
        !ag__layout_set(&place, lx->dtype, lx->rank, dims, NULL, c->op->name))
        return ag_error();
    struct pick_loop u = { index->layout->dtype, lx->dtype, lx->item, lx->strides[axis] };
    ag__iterate(lx->rank, dims, 3, (const ag__layout *[]){ index->layout, &row, &place },
                (void *[]){ index->data, x, element }, loop, &u);
    return AG_OK;
}

static ag_status gather_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    return in_range(c, l) ? pick(c, gather_loop, l, c->in[0]->data, c->out[0]->data) : ag_error();
}
AG__VJP1(gather_vjp, ag_scatter_add(ag_zeros_like(x), axis_of(c), c->in[1], g))
AG__JVP1(gather_jvp, ag_gather(t, axis_of(c), c->in[1]))
static ag_status gather_backward(ag_call *c)
{
    ag_tensor *gin = c->gin[0];
    clear(gin->data, gin->layout, c->add[0]);
    return pick(c, scatter_loop, gin->layout, gin->data, c->g[0]->data);
}

const ag_op ag__op_gather = { .name = "gather",
                              .n_in = 2,
                              .attr_size = sizeof(int),
                              .shape = gather_shape,
                              .forward = gather_forward,
                              .vjp = gather_vjp,
                              .jvp = gather_jvp,
                              .backward = gather_backward,
                              .saves = AG_SAVES_IN(1) };

ag_tensor *ag_gather(ag_tensor *x, int axis, ag_tensor *index)
{
    bool flat = x && index && ag_rank(x) == 0 && ag_rank(index) == 0;
    if (!begin(&x, &axis, "ag_gather")) return NULL;
    if (!flat) return ag__apply(&ag__op_gather, &axis, x, index);
    ag_tensor *y = ag__apply(&ag__op_gather, &axis, x, ag_unsqueeze(index, 0));
    return y ? ag_squeeze(y, 0) : NULL;
}

/* ---- scatter_add: dx = g, dvalue = g where gather would read ---- */

static ag_status scatter_add_shape(const ag_call *c, ag_shape *out)
{
    if (!need_integer(c) || !need_value(c) || !index_fits(c)) return ag_error();
    const ag__layout *index = c->in[1]->layout, *v = c->in[2]->layout;
    if (!ag__same_dims(index, v))
        return ag_fail(AG_ESHAPE, "ag_scatter_add: value %s and index %s differ in shape", ag__text(v),
                       ag__text(index));
    ag__shape_copy(out, c->in[0]->layout);
    return AG_OK;
}
static ag_status scatter_add_forward(ag_call *c)
{
    const ag__layout *l = c->in[0]->layout;
    if (!in_range(c, l)) return ag_error();
    memcpy(c->out[0]->data, c->in[0]->data, (size_t)l->numel * l->item);
    return pick(c, scatter_loop, l, c->out[0]->data, c->in[2]->data);
}
static ag_status scatter_add_vjp(ag_call *c)
{
    if (c->need[0]) c->gin[0] = c->g[0];
    if (c->need[2] && !(c->gin[2] = ag_gather(c->g[0], axis_of(c), c->in[1]))) return ag_error();
    return AG_OK;
}
static ag_status scatter_add_jvp(ag_call *c)
{
    if (!c->tangent[2])
        c->tout[0] = c->tangent[0];
    else if (!(c->tout[0] = ag_scatter_add(tangent(c, 0), axis_of(c), c->in[1], c->tangent[2])))
        return ag_error();
    return AG_OK;
}

const ag_op ag__op_scatter_add = { .name = "scatter_add",
                                   .n_in = 3,
                                   .attr_size = sizeof(int),
                                   .shape = scatter_add_shape,
                                   .forward = scatter_add_forward,
                                   .vjp = scatter_add_vjp,
                                   .jvp = scatter_add_jvp,
                                   .saves = AG_SAVES_IN(1) };

ag_tensor *ag_scatter_add(ag_tensor *x, int axis, ag_tensor *index, ag_tensor *value)
{
    return begin(&x, &axis, "ag_scatter_add") ? ag__apply(&ag__op_scatter_add, &axis, x, index, value) : NULL;
}
