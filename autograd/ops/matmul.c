/* matmul.c - matrix products: matmul and linear, and their gradients, as runs of one gemm.
 *
 * A product is described by three strided matrices that share leading axes. An axis along which a matrix is repeated
 * has stride 0 there: repeated inputs are read again, and a repeated result, the gradient of a repeated input, is
 * added up. Leading axes that continue the rows, or the inner axis, are folded into these first. */
#include <autograd/ops/fold.h>

typedef struct matrix {
    char *data;
    int64_t row, col, lead[AG_MAX_RANK];
} matrix;
typedef struct product {
    int64_t m, n, k;
    matrix a, b, c; /* c [m,n] = or += a [m,k] b [k,n] + bias; its columns lie side by side */
    int rank;       /* leading axes */
    int64_t dims[AG_MAX_RANK];
    const void *bias;
    bool add;
} product;

static matrix transposed(matrix x)
{
    int64_t row = x.row;
    x.row = x.col, x.col = row;
    return x;
}

/* Leading axes of size 1 go; then, from the last, those that are only more rows or more of the inner axis. */
static void fold(product *p)
{
    int n = 0;
    for (int i = 0; i < p->rank; i++) {
        if (p->dims[i] == 1) continue;
        p->dims[n] = p->dims[i];
        p->a.lead[n] = p->a.lead[i], p->b.lead[n] = p->b.lead[i], p->c.lead[n] = p->c.lead[i], n++;
    }
    for (; n > 0; n--) {
        int64_t size = p->dims[n - 1], a = p->a.lead[n - 1], b = p->b.lead[n - 1], c = p->c.lead[n - 1];
        if (b == 0 && a == p->m * p->a.row && c == p->m * p->c.row)
            p->m *= size;
        else if (c == 0 && a == p->k * p->a.col && b == p->k * p->b.row)
            p->k *= size;
        else
            break;
    }
    p->rank = n;
}

/* The next set of leading indices, the matrices moved there; *again: c has been written before. False after the last.
 */
static bool next(product *p, int64_t *at, int64_t item, bool *again)
{
    int i = p->rank - 1;
    for (; i >= 0; i--) {
        int64_t steps = ++at[i] < p->dims[i] ? 1 : 1 - p->dims[i];
        p->a.data += steps * p->a.lead[i] * item;
        p->b.data += steps * p->b.lead[i] * item;
        p->c.data += steps * p->c.lead[i] * item;
        if (steps == 1) break;
        at[i] = 0;
    }
    *again = false;
    for (int d = 0; d < p->rank; d++) *again |= p->c.lead[d] == 0 && at[d] > 0;
    return i >= 0;
}

/* No leading size may be 0. */
static void multiply(product p, ag_dtype dtype)
{
    const ag__kernels *k = ag__kernels_for(dtype);
    int64_t at[AG_MAX_RANK] = { 0 };
    bool again = false;
    if (p.m == 0 || p.n == 0) return;
    fold(&p);
    do {
        ag__gemm g = { .m = p.m,
                       .n = p.n,
                       .k = p.k,
                       .a = p.a.data,
                       .b = p.b.data,
                       .bias = p.bias,
                       .c = p.c.data,
                       .a_row = p.a.row,
                       .a_col = p.a.col,
                       .b_row = p.b.row,
                       .b_col = p.b.col,
                       .ldc = p.c.row,
                       .add = p.add || again };
        k->gemm(&g);
    } while (next(&p, at, (int64_t)ag_dtype_size(dtype), &again));
}

/* c [m,n] = or += a b + bias for plain matrices: what most products are. */
typedef struct strides {
    int64_t row, col;
} strides;
static strides strides_of(const ag__layout *l)
{
    return (strides){ l->strides[0], l->strides[1] };
}
static strides turned(strides s)
{
    return (strides){ s.col, s.row };
}
static void multiply_plain(ag_dtype dtype, int64_t m, int64_t k, int64_t n, const void *a, strides sa, const void *b,
                           strides sb, void *c, const void *bias, bool add)
{
    ag__gemm g = { .m = m, .n = n, .k = k, .a = a, .b = b, .bias = bias, .c = c, .ldc = n, .add = add };
    g.a_row = sa.row, g.a_col = sa.col, g.b_row = sb.row, g.b_col = sb.col;
    ag__kernels_for(dtype)->gemm(&g);
}

/* ---- matmul: da = g b', db = a' g ---- */

/* Sizes of a product as matmul sees them: 1-d operands are a row on the left, a column on the right. */
typedef struct sizes {
    int64_t m, k, n;
    int rank; /* leading axes */
    int64_t dims[AG_MAX_RANK];
} sizes;

/* Broadcasts the leading axes of l, all but its last two. */
static bool lead(sizes *s, const ag__layout *l)
{
    ag__layout head;
    if (l->rank <= 2) return true;
    return ag__layout_set(&head, l->dtype, l->rank - 2, l->dims, NULL, "ag_matmul") &&
           ag__broadcast(&s->rank, s->dims, &head);
}

static bool sizes_of(const ag__layout *a, const ag__layout *b, sizes *s)
{
    s->m = a->rank > 1 ? a->dims[a->rank - 2] : 1;
    s->k = a->dims[a->rank - 1];
    s->n = b->rank > 1 ? b->dims[b->rank - 1] : 1;
    s->rank = 0;
    return lead(s, a) && lead(s, b);
}

/* x of layout l as a matrix under the leading axes of s. left: a 1-d x is a row, else a column. */
static matrix matrix_of(const sizes *s, const ag__layout *l, void *data, bool left)
{
    matrix x = { .data = data };
    int r = l->rank;
    if (r == 1)
        x.row = left ? l->dims[0] : l->strides[0], x.col = left ? l->strides[0] : 1;
    else
        x.row = l->strides[r - 2], x.col = l->strides[r - 1];
    for (int i = 0; i < s->rank; i++) {
        int own = i - s->rank + r - 2;
        x.lead[i] = own < 0 || l->dims[own] == 1 ? 0 : l->strides[own];
    }
    return x;
}

/* The row-major result of sizes s. */
static matrix result_of(const sizes *s, void *data)
{
    matrix x = { .data = data, .row = s->n, .col = 1 };
    int64_t step = s->m * s->n;
    for (int i = s->rank - 1; i >= 0; i--) x.lead[i] = step, step *= s->dims[i];
    return x;
}

static ag_status matmul_shape(const ag_call *c, ag_shape *out)
{
    if (!c->in[1]) return ag_fail(AG_ENULL, "ag_matmul: operand 2 is NULL");
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    sizes s;
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

static product product_of(const sizes *s, int64_t m, int64_t k, int64_t n)
{
    product p = { .m = m, .n = n, .k = k, .rank = s->rank };
    memcpy(p.dims, s->dims, sizeof p.dims);
    return p;
}

static ag_status matmul_forward(ag_call *c)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    sizes s;
    if (c->out[0]->layout->numel == 0) return AG_OK;
    if (a->rank == 2 && b->rank == 2) {
        multiply_plain(a->dtype, a->dims[0], a->dims[1], b->dims[1], c->in[0]->data, strides_of(a), c->in[1]->data,
                       strides_of(b), c->out[0]->data, NULL, false);
        return AG_OK;
    }
    sizes_of(a, b, &s);
    product p = product_of(&s, s.m, s.k, s.n);
    p.a = matrix_of(&s, a, c->in[0]->data, true);
    p.b = matrix_of(&s, b, c->in[1]->data, false);
    p.c = result_of(&s, c->out[0]->data);
    multiply(p, a->dtype);
    return AG_OK;
}

static ag_tensor *swap_last(ag_tensor *x)
{
    return ag_transpose(x, -1, -2);
}

/* All but the last axis made one. */
static ag_tensor *flat(ag_tensor *x)
{
    if (!x || x->layout->rank == 2) return x;
    const ag__layout *l = x->layout;
    int64_t last = l->dims[l->rank - 1], rows = 1;
    for (int i = 0; i < l->rank - 1; i++) rows *= l->dims[i];
    return (ag_reshape)(x, 2, (int64_t[]){ rows, last });
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
        ag_tensor *ga = ag_matmul(g, swap_last(b));
        c->gin[0] = row && ga ? ag_squeeze(ga, -2) : ga;
    }
    if (c->need[1]) {
        bool shared = b->layout->rank == 2; /* one b for all leading axes: no gradient of each */
        ag_tensor *gb = shared ? ag_matmul(swap_last(flat(a)), flat(g)) : ag_matmul(swap_last(a), g);
        c->gin[1] = column && gb ? ag_squeeze(gb, -1) : gb;
    }
    return (c->need[0] && !c->gin[0]) || (c->need[1] && !c->gin[1]) ? ag_error() : AG_OK;
}

/* Both terms, or the one there is. */
static ag_tensor *sum_of(ag_tensor *a, ag_tensor *b)
{
    return a && b ? ag_add(a, b) : a ? a : b;
}

static ag_status matmul_jvp(ag_call *c)
{
    ag_tensor *ta = c->tangent[0], *tb = c->tangent[1];
    c->tout[0] = sum_of(ta ? ag_matmul(ta, c->in[1]) : NULL, tb ? ag_matmul(c->in[0], tb) : NULL);
    return c->tout[0] || (!ta && !tb) ? AG_OK : ag_error();
}

static void clear(ag_tensor *x)
{
    memset(x->data, 0, (size_t)x->layout->numel * x->layout->item);
}

static ag_status matmul_backward(ag_call *c)
{
    const ag__layout *a = c->in[0]->layout, *b = c->in[1]->layout;
    if (c->out[0]->layout->numel == 0) {
        for (int i = 0; i < 2; i++)
            if (c->need[i] && !c->add[i]) clear(c->gin[i]);
        return AG_OK;
    }
    if (a->rank == 2 && b->rank == 2) {
        int64_t m = a->dims[0], k = a->dims[1], n = b->dims[1];
        strides g = { n, 1 };
        if (c->need[0])
            multiply_plain(a->dtype, m, n, k, c->g[0]->data, g, c->in[1]->data, turned(strides_of(b)), c->gin[0]->data,
                           NULL, c->add[0]);
        if (c->need[1])
            multiply_plain(a->dtype, k, m, n, c->in[0]->data, turned(strides_of(a)), c->g[0]->data, g, c->gin[1]->data,
                           NULL, c->add[1]);
        return AG_OK;
    }
    sizes s;
    sizes_of(a, b, &s);
    matrix g = result_of(&s, c->g[0]->data);
    if (c->need[0]) {
        product p = product_of(&s, s.m, s.n, s.k);
        p.a = g, p.b = transposed(matrix_of(&s, b, c->in[1]->data, false));
        p.c = matrix_of(&s, c->gin[0]->layout, c->gin[0]->data, true), p.add = c->add[0];
        multiply(p, a->dtype);
    }
    if (c->need[1]) {
        product p = product_of(&s, s.k, s.m, s.n);
        p.a = transposed(matrix_of(&s, a, c->in[0]->data, true)), p.b = g;
        p.c = matrix_of(&s, c->gin[1]->layout, c->gin[1]->data, false), p.add = c->add[1];
        multiply(p, a->dtype);
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

/* ---- linear, y = x w' + bias: dx = g w, dw = g' x, dbias = the sum of g over all but its last axis ---- */

static ag_status linear_shape(const ag_call *c, ag_shape *out)
{
    if (!c->in[1]) return ag_fail(AG_ENULL, "ag_linear: the weight is NULL");
    const ag__layout *x = c->in[0]->layout, *w = c->in[1]->layout, *b = c->in[2] ? c->in[2]->layout : NULL;
    if (!ag__is_float(x->dtype) || x->dtype != w->dtype || (b && x->dtype != b->dtype))
        return ag_fail(AG_EDTYPE, "ag_linear: all must be f32 or all f64: x %s, weight %s, bias %s",
                       ag_dtype_name(x->dtype), ag_dtype_name(w->dtype), b ? ag_dtype_name(b->dtype) : "none");
    if (w->rank != 2 || x->rank < 1 || x->dims[x->rank - 1] != w->dims[1])
        return ag_fail(AG_ESHAPE, "ag_linear: x [..., in] and weight [out, in] do not fit: %s and %s", ag__text(x),
                       ag__text(w));
    if (b && (b->rank != 1 || b->dims[0] != w->dims[0]))
        return ag_fail(AG_ESHAPE, "ag_linear: bias %s does not fit weight %s; it must be [out]", ag__text(b),
                       ag__text(w));
    ag__shape_copy(out, x);
    out->dims[x->rank - 1] = w->dims[0];
    return AG_OK;
}

/* x [..., in] and y [..., out] as rows of matrices under x's leading axes but one. */
static sizes linear_sizes(const ag__layout *x, const ag__layout *w)
{
    sizes s = { x->rank > 1 ? x->dims[x->rank - 2] : 1, w->dims[1], w->dims[0], x->rank > 2 ? x->rank - 2 : 0, { 0 } };
    for (int i = 0; i < s.rank; i++) s.dims[i] = x->dims[i];
    return s;
}

static ag_status linear_forward(ag_call *c)
{
    const ag__layout *x = c->in[0]->layout, *w = c->in[1]->layout;
    if (c->out[0]->layout->numel == 0) return AG_OK;
    if (x->contiguous) {
        int64_t in = w->dims[1], out = w->dims[0];
        multiply_plain(x->dtype, c->out[0]->layout->numel / out, in, out, c->in[0]->data, (strides){ in, 1 },
                       c->in[1]->data, turned(strides_of(w)), c->out[0]->data, c->in[2] ? c->in[2]->data : NULL, false);
        return AG_OK;
    }
    sizes s = linear_sizes(x, w);
    product p = product_of(&s, s.m, s.k, s.n);
    p.a = matrix_of(&s, x, c->in[0]->data, true);
    p.b = transposed(matrix_of(&s, w, c->in[1]->data, true));
    p.c = result_of(&s, c->out[0]->data);
    p.bias = c->in[2] ? c->in[2]->data : NULL;
    multiply(p, x->dtype);
    return AG_OK;
}

static ag_status linear_vjp(ag_call *c)
{
    ag_tensor *x = c->in[0], *g = c->g[0];
    bool row = x->layout->rank == 1;
    if (c->need[0] && !(c->gin[0] = ag_matmul(g, c->in[1]))) return ag_error();
    if (c->need[1]) {
        ag_tensor *rows = row ? ag_unsqueeze(x, 0) : flat(x), *grows = row ? ag_unsqueeze(g, 0) : flat(g);
        if (!rows || !grows || !(c->gin[1] = ag_matmul(swap_last(grows), rows))) return ag_error();
    }
    if (c->need[2]) c->gin[2] = g;
    return AG_OK;
}

static ag_status linear_jvp(ag_call *c)
{
    ag_tensor *tx = c->tangent[0], *tw = c->tangent[1], *tb = c->tangent[2];
    ag_tensor *by_x = tx ? ag_linear(tx, c->in[1], NULL) : NULL, *by_w = tw ? ag_linear(c->in[0], tw, NULL) : NULL;
    if ((tx && !by_x) || (tw && !by_w)) return ag_error();
    ag_tensor *by_both = sum_of(by_x, by_w);
    if (!tb)
        c->tout[0] = by_both;
    else
        c->tout[0] = by_both ? ag_add(by_both, tb) : (ag_expand)(tb, c->out[0]->layout->rank, c->out[0]->layout->dims);
    return c->tout[0] || (!by_both && !tb) ? AG_OK : ag_error();
}

static ag_status linear_backward(ag_call *c)
{
    const ag__layout *x = c->in[0]->layout, *w = c->in[1]->layout, *y = c->out[0]->layout;
    if (y->numel == 0) {
        for (int i = 0; i < 3; i++)
            if (c->need[i] && !c->add[i]) clear(c->gin[i]);
        return AG_OK;
    }
    if (c->need[2]) ag__sum_axes(y, c->g[0]->data, (1u << (y->rank - 1)) - 1, c->gin[2]->data, c->add[2]);
    if (x->contiguous) {
        int64_t in = w->dims[1], out = w->dims[0], rows = y->numel / out;
        strides g = { out, 1 };
        if (c->need[0])
            multiply_plain(x->dtype, rows, out, in, c->g[0]->data, g, c->in[1]->data, strides_of(w), c->gin[0]->data,
                           NULL, c->add[0]);
        if (c->need[1])
            multiply_plain(x->dtype, out, rows, in, c->g[0]->data, turned(g), c->in[0]->data, (strides){ in, 1 },
                           c->gin[1]->data, NULL, c->add[1]);
        return AG_OK;
    }
    sizes s = linear_sizes(x, w);
    matrix g = result_of(&s, c->g[0]->data);
    if (c->need[0]) {
        product p = product_of(&s, s.m, s.n, s.k);
        p.a = g, p.b = matrix_of(&s, w, c->in[1]->data, true);
        p.c = matrix_of(&s, c->gin[0]->layout, c->gin[0]->data, true), p.add = c->add[0];
        multiply(p, x->dtype);
    }
    if (c->need[1]) {
        product p = product_of(&s, s.n, s.m, s.k);
        p.a = transposed(g), p.b = matrix_of(&s, x, c->in[0]->data, true);
        p.c = matrix_of(&s, c->gin[1]->layout, c->gin[1]->data, true), p.add = c->add[1];
        multiply(p, x->dtype);
    }
    return AG_OK;
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
