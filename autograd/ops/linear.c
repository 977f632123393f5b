/* linear.c - y = x w' + bias, and the same with an activation f: dx = g w, dw = g' x, dbias = the sum of g over all but
 * its last axis; where there is f, g times its slope, which follows from y, takes the place of g. */
#include <autograd/ops/product.h>

static ag_status linear_shape(const ag_call *c, ag_shape *out)
{
    const char *who = ag__title(c->op);
    if (!c->in[1]) return ag_fail(AG_ENULL, "%s: the weight is NULL", who);
    const ag__layout *x = c->in[0]->layout, *w = c->in[1]->layout, *b = c->in[2] ? c->in[2]->layout : NULL;
    if (!ag__is_float(x->dtype) || x->dtype != w->dtype || (b && x->dtype != b->dtype))
        return ag_fail(AG_EDTYPE, "%s: all must be f32 or all f64: x %s, weight %s, bias %s", who,
                       ag_dtype_name(x->dtype), ag_dtype_name(w->dtype), b ? ag_dtype_name(b->dtype) : "none");
    if (w->rank != 2 || x->rank < 1 || x->dims[x->rank - 1] != w->dims[1])
        return ag_fail(AG_ESHAPE, "%s: x [..., in] and weight [out, in] do not fit: %s and %s", who, ag__text(x),
                       ag__text(w));
    if (b && (b->rank != 1 || b->dims[0] != w->dims[0]))
        return ag_fail(AG_ESHAPE, "%s: bias %s does not fit weight %s; it must be [out]", who, ag__text(b),
                       ag__text(w));
    ag__shape_copy(out, x);
    out->dims[x->rank - 1] = w->dims[0];
    return AG_OK;
}

/* x [..., in] and y [..., out] as rows of matrices under x's leading axes but one. */
static ag__sizes sizes_of(const ag__layout *x, const ag__layout *w)
{
    ag__sizes s = {
        x->rank > 1 ? x->dims[x->rank - 2] : 1, w->dims[1], w->dims[0], x->rank > 2 ? x->rank - 2 : 0, { 0 }
    };
    for (int i = 0; i < s.rank; i++) s.dims[i] = x->dims[i];
    return s;
}

/* act: as in ag__gemm */
static ag_status forward(ag_call *c, int act)
{
    const ag__layout *x = c->in[0]->layout, *w = c->in[1]->layout;
    const void *bias = c->in[2] ? c->in[2]->data : NULL;
    if (c->out[0]->layout->numel == 0) return AG_OK;
    if (x->contiguous) {
        int64_t in = w->dims[1], out = w->dims[0];
        ag__gemm g = ag__plain_product(c->out[0]->layout->numel / out, in, out, c->in[0]->data, (ag__strides){ in, 1 },
                                       c->in[1]->data, ag__turned(ag__strides_of(w)), c->out[0]->data, false);
        g.bias = bias, g.act = act;
        return ag__multiply_one(x->dtype, g);
    }
    ag__sizes s = sizes_of(x, w);
    ag__product p = ag__product_of(&s, x->dtype, s.m, s.k, s.n);
    p.a = ag__matrix_of(&s, x, c->in[0]->data, true);
    p.b = ag__transposed(ag__matrix_of(&s, w, c->in[1]->data, true));
    p.c = ag__result_of(&s, c->out[0]->data);
    p.bias = bias, p.act = act;
    return ag__multiply(p);
}

/* The rules, g being the gradient of x w' + bias. */
static ag_status vjp(ag_call *c, ag_tensor *g)
{
    ag_tensor *x = c->in[0];
    bool row = x->layout->rank == 1;
    if (c->need[0] && !(c->gin[0] = ag_matmul(g, c->in[1]))) return ag_error();
    if (c->need[1]) {
        ag_tensor *rows = row ? ag_unsqueeze(x, 0) : ag__flat(x), *grows = row ? ag_unsqueeze(g, 0) : ag__flat(g);
        if (!rows || !grows || !(c->gin[1] = ag_matmul(ag__swap_last(grows), rows))) return ag_error();
    }
    if (c->need[2]) c->gin[2] = g;
    return AG_OK;
}

/* The tangent of x w' + bias; NULL: zero, or an error. */
static ag_tensor *tangent(ag_call *c)
{
    ag_tensor *tx = c->tangent[0], *tw = c->tangent[1], *tb = c->tangent[2];
    ag_tensor *by_x = tx ? ag_linear(tx, c->in[1], NULL) : NULL, *by_w = tw ? ag_linear(c->in[0], tw, NULL) : NULL;
    if ((tx && !by_x) || (tw && !by_w)) return NULL;
    ag_tensor *by_both = ag__sum_of(by_x, by_w);
    if (!tb) return by_both;
    return by_both ? ag_add(by_both, tb) : (ag_expand)(tb, c->out[0]->layout->rank, c->out[0]->layout->dims);
}

/* By x and the weight, from the numbers of g, which lie as y's do. */
static ag_status backward(ag_call *c, void *g)
{
    const ag__layout *x = c->in[0]->layout, *w = c->in[1]->layout;
    if (x->contiguous) {
        int64_t in = w->dims[1], out = w->dims[0], rows = c->out[0]->layout->numel / out;
        ag__strides by_rows = { out, 1 };
        if (c->need[0] && ag__multiply_one(x->dtype, ag__plain_product(rows, out, in, g, by_rows, c->in[1]->data,
                                                                       ag__strides_of(w), c->gin[0]->data, c->add[0])))
            return ag_error();
        if (c->need[1] &&
            ag__multiply_one(x->dtype, ag__plain_product(out, rows, in, g, ag__turned(by_rows), c->in[0]->data,
                                                         (ag__strides){ in, 1 }, c->gin[1]->data, c->add[1])))
            return ag_error();
        return AG_OK;
    }
    ag__sizes s = sizes_of(x, w);
    ag__matrix by_rows = ag__result_of(&s, g);
    if (c->need[0]) {
        ag__product p = ag__product_of(&s, x->dtype, s.m, s.n, s.k);
        p.a = by_rows, p.b = ag__matrix_of(&s, w, c->in[1]->data, true);
        p.c = ag__matrix_of(&s, c->gin[0]->layout, c->gin[0]->data, true), p.add = c->add[0];
        if (ag__multiply(p)) return ag_error();
    }
    if (c->need[1]) {
        ag__product p = ag__product_of(&s, x->dtype, s.n, s.m, s.k);
        p.a = ag__transposed(by_rows), p.b = ag__matrix_of(&s, x, c->in[0]->data, true);
        p.c = ag__matrix_of(&s, c->gin[1]->layout, c->gin[1]->data, true), p.add = c->add[1];
        if (ag__multiply(p)) return ag_error();
    }
    return AG_OK;
}

/* Where y holds nothing. */
static ag_status clear_all(ag_call *c)
{
    for (int i = 0; i < 3; i++)
        if (c->need[i] && !c->add[i]) ag__clear(c->gin[i]);
    return AG_OK;
}

/* ---- linear ---- */

static ag_status linear_forward(ag_call *c)
{
    return forward(c, 0);
}

static ag_status linear_vjp(ag_call *c)
{
    return vjp(c, c->g[0]);
}

static ag_status linear_jvp(ag_call *c)
{
    c->tout[0] = tangent(c);
    return c->tout[0] ? AG_OK : ag_error();
}

static ag_status linear_backward(ag_call *c)
{
    const ag__layout *y = c->out[0]->layout;
    if (y->numel == 0) return clear_all(c);
    int64_t out = y->dims[y->rank - 1];
    if (c->need[2])
        ag__kernels_for(y->dtype)->sum_columns(y->numel / out, out, c->g[0]->data, out, c->gin[2]->data, c->add[2]);
    return backward(c, c->g[0]->data);
}

const ag_op ag__op_linear = { .name = "linear",
                              .n_in = 3,
                              .shape = linear_shape,
                              .forward = linear_forward,
                              .vjp = linear_vjp,
                              .jvp = linear_jvp,
                              .backward = linear_backward,
                              .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1),
                              .flags = AG_OP_STRIDED };

ag_tensor *ag_linear(ag_tensor *x, ag_tensor *weight, ag_tensor *bias)
{
    if (bias && !ag_is_contiguous(bias) && !(bias = ag_contiguous(bias))) return NULL;
    return ag__apply(&ag__op_linear, NULL, x, weight, bias);
}

/* ---- linear_act ---- */

static int code_of(const ag_call *c)
{
    static const int codes[] = { [AG_RELU] = AG__F_relu, [AG_TANH] = AG__F_tanh, [AG_SIGMOID] = AG__F_sigmoid };
    return codes[*(const ag_activation *)c->attr];
}

static ag_status act_forward(ag_call *c)
{
    return forward(c, 1 + code_of(c));
}

/* The slope of the activation, from its value. */
static ag_tensor *slope(const ag_call *c)
{
    ag_tensor *y = c->out[0];
    switch (*(const ag_activation *)c->attr) {
    case AG_RELU: return ag_sign(y);
    case AG_TANH: return ag_sub(1.0, ag_square(y));
    default: return ag_mul(y, ag_sub(1.0, y));
    }
}

static ag_status act_vjp(ag_call *c)
{
    ag_tensor *g = ag_mul(c->g[0], slope(c));
    return g ? vjp(c, g) : ag_error();
}

static ag_status act_jvp(ag_call *c)
{
    ag_tensor *t = tangent(c);
    c->tout[0] = t ? ag_mul(t, slope(c)) : NULL;
    return c->tout[0] ? AG_OK : ag_error();
}

/* masked = g times the slope, and the sums of its columns while it is in the nearest cache. */
static void mask(const ag_call *c, char *masked)
{
    enum { NEAR = 4096 };
    const ag__layout *y = c->out[0]->layout;
    const ag__kernels *k = ag__kernels_for(y->dtype);
    const char *g = c->g[0]->data, *value = c->out[0]->data;
    int64_t out = y->dims[y->rank - 1], rows = y->numel / out, some = out < NEAR ? NEAR / out : 1;
    for (int64_t i = 0, n; i < rows; i += n) {
        size_t from = (size_t)(i * out) * y->item;
        n = rows - i < some ? rows - i : some;
        k->unary_back[code_of(c)](n * out, g + from, 1, NULL, 0, value + from, 1, masked + from, 1, false);
        if (c->need[2]) k->sum_columns(n, out, masked + from, out, c->gin[2]->data, c->add[2] || i > 0);
    }
}

static ag_status act_backward(ag_call *c)
{
    const ag__layout *y = c->out[0]->layout;
    if (y->numel == 0) return clear_all(c);
    uint8_t klass;
    ag__pool *pool = &ag__here.tape->pool;
    void *masked = ag__pool_get(pool, (size_t)y->numel * y->item, &klass);
    if (!masked) return ag_error();
    mask(c, masked);
    ag_status status = backward(c, masked);
    ag__pool_put(pool, masked, klass);
    return status;
}

const ag_op ag__op_linear_act = { .name = "linear_act",
                                  .n_in = 3,
                                  .attr_size = sizeof(ag_activation),
                                  .shape = linear_shape,
                                  .forward = act_forward,
                                  .vjp = act_vjp,
                                  .jvp = act_jvp,
                                  .backward = act_backward,
                                  .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_OUT(0),
                                  .flags = AG_OP_STRIDED };

ag_tensor *ag_linear_act(ag_tensor *x, ag_tensor *weight, ag_tensor *bias, ag_activation act)
{
    if (act != AG_RELU && act != AG_TANH && act != AG_SIGMOID) {
        ag_fail(AG_EINVAL, "ag_linear_act: activation %d; there are AG_RELU, AG_TANH, AG_SIGMOID", (int)act);
        return NULL;
    }
    if (bias && !ag_is_contiguous(bias) && !(bias = ag_contiguous(bias))) return NULL;
    return ag__apply(&ag__op_linear_act, &act, x, weight, bias);
}
