/* matmul.c - the product of matrices under leading axes that broadcast: da = g b', db = a' g. */
#include <autograd/ops/product.h>

/* Broadcasts the leading axes of l, all but its last two. */
static bool lead(ag__sizes *s, const ag__layout *l)
{
    ag__layout head;
    if (l->rank <= 2) return true;
    return ag__layout_set(&head, l->dtype, l->rank - 2, l->dims, NULL, "ag_matmul") &&
           ag__broadcast(&s->rank, s->dims, &head);
}

static bool sizes_of(const ag__layout *a, const ag__layout *b, ag__sizes *s)
{
    s->m = a->rank > 1 ? a->dims[a->rank - 2] : 1;
    s->k = a->dims[a->rank - 1];
    s->n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
    s->rank = 0;
    return lead(s, a) && lead(s, b);
}

static ag_status matmul_shape(const ag_call *c, ag_shape *out)
{
    if (!c->in[1]) return ag_fail(AG_ENULL, "ag_matmul: operand 2 is NULL");
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    ag__sizes s;
    if (a->rank == 0 || b->rank == 0)
        return ag_fail(AG_ESHAPE, "ag_matmul: a number is no matrix: %s and %s; ag_mul scales", ag__text(a),
                       ag__text(b));
    if (!ag__is_float(a->dtype) || a->dtype != b->dtype)
        return ag_fail(AG_EDTYPE, "ag_matmul: both must be f32 or both f64: %s %s and %s %s", ag_dtype_name(a->dtype),
                       ag__text(a), ag_dtype_name(b->dtype), ag__text(b));
    if (a->dims[a->rank - 1] != b->dims[b->rank > 1 ? b->rank - 2 : 0])
        return ag_fail(AG_ESHAPE, "ag_matmul: inner sizes differ: %s and %s", ag__text(a), ag__text(b));
    if (!sizes_of(a, b, &s))
        return ag_fail(AG_ESHAPE, "ag_matmul: leading axes do not broadcast: %s and %s", ag__text(a), ag__text(b));
    out->dtype = a->dtype, out->rank = s.rank;
    memcpy(out->dims, s.dims, sizeof out->dims);
    if (a->rank > 1) out->dims[out->rank++] = s.m;
    if (b->rank > 1) out->dims[out->rank++] = s.n;
    return AG_OK;
}

static ag_status matmul_forward(ag_call *c)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    ag__sizes s;
    if (c->out[0]->layout->numel == 0) return AG_OK;
    if (a->rank == 2 && b->rank == 2)
        return ag__multiply_one(a->dtype,
                                ag__plain_product(a->dims[0], a->dims[1], b->dims[1], c->in[0]->data, ag__strides_of(a),
                                                  c->in[1]->data, ag__strides_of(b), c->out[0]->data, false));
    sizes_of(a, b, &s);
    ag__product p = ag__product_of(&s, a->dtype, s.m, s.k, s.n);
    p.a = ag__matrix_of(&s, a, c->in[0]->data, true);
    p.b = ag__matrix_of(&s, b, c->in[1]->data, false);
    p.c = ag__result_of(&s, c->out[0]->data);
    return ag__multiply(p);
}

static ag_status matmul_vjp(ag_call *c)
{
    ag_tensor *a = c->in[0], *b = c->in[1], *g = c->g[0];
    bool row = a->layout->rank == 1, column = b->layout->rank == 1;
    if (row) a = ag_unsqueeze(a, 0);
    if (column) b = ag_unsqueeze(b, 1), g = ag_unsqueeze(g, -1);
    if (row) g = ag_unsqueeze(g, -2);
    if (!a || !b || !g) return ag_error();
    if (c->need[0]) {
        ag_tensor *ga = ag_matmul(g, ag__swap_last(b));
        c->gin[0] = row && ga ? ag_squeeze(ga, -2) : ga;
    }
    if (c->need[1]) {
        bool shared = b->layout->rank == 2; /* one b for all leading axes: no gradient of each */
        ag_tensor *gb = shared ? ag_matmul(ag__swap_last(ag__flat(a)), ag__flat(g)) : ag_matmul(ag__swap_last(a), g);
        c->gin[1] = column && gb ? ag_squeeze(gb, -1) : gb;
    }
    return (c->need[0] && !c->gin[0]) || (c->need[1] && !c->gin[1]) ? ag_error() : AG_OK;
}

static ag_status matmul_jvp(ag_call *c)
{
    ag_tensor *ta = c->tangent[0], *tb = c->tangent[1];
    c->tout[0] = ag__sum_of(ta ? ag_matmul(ta, c->in[1]) : NULL, tb ? ag_matmul(c->in[0], tb) : NULL);
    return c->tout[0] || (!ta && !tb) ? AG_OK : ag_error();
}

/* da = g b', db = a' g of plain matrices */
static ag_status plain_backward(ag_call *c)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    int64_t m = a->dims[0], k = a->dims[1], n = b->dims[1];
    ag__strides g = { n, 1 };
    if (c->need[0] &&
        ag__multiply_one(a->dtype, ag__plain_product(m, n, k, c->g[0]->data, g, c->in[1]->data,
                                                     ag__turned(ag__strides_of(b)), c->gin[0]->data, c->add[0])))
        return ag_error();
    if (c->need[1] &&
        ag__multiply_one(a->dtype, ag__plain_product(k, m, n, c->in[0]->data, ag__turned(ag__strides_of(a)),
                                                     c->g[0]->data, g, c->gin[1]->data, c->add[1])))
        return ag_error();
    return AG_OK;
}

static ag_status matmul_backward(ag_call *c)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    if (c->out[0]->layout->numel == 0) {
        for (int i = 0; i < 2; i++)
            if (c->need[i] && !c->add[i]) ag__clear(c->gin[i]);
        return AG_OK;
    }
    if (a->rank == 2 && b->rank == 2) return plain_backward(c);
    ag__sizes s;
    sizes_of(a, b, &s);
    ag__matrix g = ag__result_of(&s, c->g[0]->data);
    if (c->need[0]) {
        ag__product p = ag__product_of(&s, a->dtype, s.m, s.n, s.k);
        p.a = g, p.b = ag__transposed(ag__matrix_of(&s, b, c->in[1]->data, false));
        p.c = ag__matrix_of(&s, c->gin[0]->layout, c->gin[0]->data, true), p.add = c->add[0];
        if (ag__multiply(p)) return ag_error();
    }
    if (c->need[1]) {
        ag__product p = ag__product_of(&s, a->dtype, s.k, s.m, s.n);
        p.a = ag__transposed(ag__matrix_of(&s, a, c->in[0]->data, true)), p.b = g;
        p.c = ag__matrix_of(&s, c->gin[1]->layout, c->gin[1]->data, false), p.add = c->add[1];
        if (ag__multiply(p)) return ag_error();
    }
    return AG_OK;
}

const ag_op ag__op_matmul = { .name = "matmul",
                              .n_in = 2,
                              .shape = matmul_shape,
                              .forward = matmul_forward,
                              .vjp = matmul_vjp,
                              .jvp = matmul_jvp,
                              .backward = matmul_backward,
                              .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1),
                              .flags = AG_OP_STRIDED };

ag_tensor *(ag_matmul)(ag_tensor *a, ag_tensor *b)
{
    return ag__apply(&ag__op_matmul, NULL, a, b);
}
