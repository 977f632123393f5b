/* sparse.c - matrices of which only some entries are there, times dense ones.
 *
 * All of it is one form, T(v, x, y) = sum over b, e, o, j of v[b,e] x[b,o,col[b,e],j] y[b,o,row[b,e],j], whose
 * derivative by y is the product, by x the product with rows and columns exchanged, and by v the dots: each of them is
 * linear in the other two, and so on for any order. */
#include <autograd/base/pool.h>
#include <autograd/ops/sparse.h>

enum { COL = 2, ROW }; /* inputs of both operations, behind the two factors */

static ag_status product_shape(const ag_call *c, ag_shape *out)
{
    const ag__entries *s = c->attr;
    *out = (ag_shape){ c->in[1]->layout->dtype, 4, { s->batches, s->outer, s->rows, s->inner } };
    return AG_OK;
}
static ag_status dots_shape(const ag_call *c, ag_shape *out)
{
    const ag__entries *s = c->attr;
    *out = (ag_shape){ c->in[0]->layout->dtype, 2, { s->batches, s->n } };
    return AG_OK;
}

/* Where entry e of a batch takes from and gives to, in elements; false: it is none. */
static bool entry(const ag__entries *s, const int64_t *col, const int64_t *row, int64_t e, int64_t *from, int64_t *to)
{
    *from = col[e] * s->inner, *to = row[e] * s->inner;
    return (col[e] | row[e]) >= 0;
}

enum { SHORT = 8 }; /* runs for which a call is not worth it */
#define PRODUCT(real)                                                                   \
    do {                                                                                \
        const real *v = (const real *)c->in[0]->data + batch * s->n;                    \
        const real *x = (const real *)c->in[1]->data + piece * s->cols * s->inner;      \
        real *y = (real *)c->out[0]->data + piece * s->rows * s->inner;                 \
        for (int64_t e = 0; e < s->n; e++) {                                            \
            if (!entry(s, col, row, e, &from, &to)) continue;                           \
            if (s->inner > SHORT)                                                       \
                k->scale(s->inner, (double)v[e], x + from, 1, y + to, 1, true);         \
            else                                                                        \
                for (int64_t j = 0; j < s->inner; j++) y[to + j] += v[e] * x[from + j]; \
        }                                                                               \
    } while (0)
static void product_piece(void *context, int64_t piece)
{
    const ag_call *c = context;
    const ag__entries *s = c->attr;
    ag_dtype dtype = c->in[1]->layout->dtype;
    const ag__kernels *k = ag__kernels_for(dtype);
    int64_t batch = piece / s->outer, from, to;
    const int64_t *col = (const int64_t *)c->in[COL]->data + batch * s->n;
    const int64_t *row = (const int64_t *)c->in[ROW]->data + batch * s->n;
    if (dtype == AG_F64)
        PRODUCT(double);
    else
        PRODUCT(float);
}
static ag_status product_forward(ag_call *c)
{
    const ag__entries *s = c->attr;
    const ag__layout *y = c->out[0]->layout;
    if (y->numel) memset(c->out[0]->data, 0, (size_t)y->numel * y->item);
    ag__parallel(s->batches * s->outer, product_piece, c);
    return AG_OK;
}

static ag_status dots_forward(ag_call *c)
{
    const ag__entries *s = c->attr;
    const ag__layout *l = c->in[0]->layout;
    const ag__kernels *k = ag__kernels_for(l->dtype);
    const int64_t *col = c->in[COL]->data, *row = c->in[ROW]->data;
    const char *x = c->in[0]->data, *y = c->in[1]->data;
    int64_t item = (int64_t)l->item, from, to;
    for (int64_t b = 0; b < s->batches; b++, col += s->n, row += s->n) {
        for (int64_t e = 0; e < s->n; e++) {
            double sum = 0;
            for (int64_t o = 0; o < s->outer && entry(s, col, row, e, &from, &to); o++) {
                from += (b * s->outer + o) * s->cols * s->inner, to += (b * s->outer + o) * s->rows * s->inner;
                sum += s->inner == 1 ? ag__number_at(l->dtype, x, from) * ag__number_at(l->dtype, y, to)
                                     : k->dot(s->inner, x + from * item, 1, y + to * item, 1);
            }
            ag__number_put(l->dtype, c->out[0]->data, b * s->n + e, sum);
        }
    }
    return AG_OK;
}

/* ---- rules: each by the other ---- */

static ag_tensor *dots(const ag__entries *s, ag_tensor *x, ag_tensor *y, ag_tensor *col, ag_tensor *row);
static ag_tensor *turned(const ag__entries *s, ag_tensor *v, ag_tensor *y, ag_tensor *col, ag_tensor *row)
{
    const ag__entries t = { s->batches, s->n, s->cols, s->rows, s->outer, s->inner };
    return ag__sparse_product(&t, v, y, row, col);
}
#define ENTRIES c->in[COL], c->in[ROW]
AG__VJP2(product_vjp, dots(c->attr, b, g, ENTRIES), turned(c->attr, a, g, ENTRIES))
AG__VJP2(dots_vjp, turned(c->attr, g, b, ENTRIES), ag__sparse_product(c->attr, g, a, ENTRIES))

/* Both are linear in each factor. */
static ag_status factor_jvp(ag_call *c)
{
    ag_tensor *ta = c->tangent[0], *tb = c->tangent[1];
    if (ta) ta = ag__apply(c->op, c->attr, ta, c->in[1], ENTRIES);
    if (tb) tb = ag__apply(c->op, c->attr, c->in[0], tb, ENTRIES);
    c->tout[0] = ta && tb ? ag_add(ta, tb) : ta ? ta : tb;
    return ag_error();
}

#define FACTORS(fn)                                                  \
    static const ag_op op_##fn = { .name = "sparse_" #fn,            \
                                   .n_in = 4,                        \
                                   .attr_size = sizeof(ag__entries), \
                                   .shape = fn##_shape,              \
                                   .forward = fn##_forward,          \
                                   .vjp = fn##_vjp,                  \
                                   .jvp = factor_jvp,                \
                                   .saves = AG_SAVES_IN(0) | AG_SAVES_IN(1) | AG_SAVES_IN(COL) | AG_SAVES_IN(ROW) };
FACTORS(product)
FACTORS(dots)
static ag_tensor *dots(const ag__entries *s, ag_tensor *x, ag_tensor *y, ag_tensor *col, ag_tensor *row)
{
    return ag__apply(&op_dots, s, x, y, col, row);
}
ag_tensor *ag__sparse_product(const ag__entries *s, ag_tensor *v, ag_tensor *x, ag_tensor *col, ag_tensor *row)
{
    return ag__apply(&op_product, s, v, x, col, row);
}

/* ---- sparse_mm ---- */

enum { CROW, COLS, VALUES, DENSE };

static bool is_index(const ag_tensor *x)
{
    return ag__is_integer(x->layout->dtype) && x->layout->rank == 1;
}
static ag_status sparse_mm_shape(const ag_call *c, ag_shape *out)
{
    static const char *const name[] = { "crow", "col", "values", "dense" };
    for (int k = 0; k < c->n_in; k++)
        if (!c->in[k]) return ag_fail(AG_ENULL, "ag_sparse_mm: %s is NULL", name[k]);
    const ag__layout *crow = c->in[CROW]->layout, *v = c->in[VALUES]->layout, *x = c->in[DENSE]->layout;
    for (int k = CROW; k <= COLS; k++)
        if (!is_index(c->in[k]))
            return ag_fail(AG_EDTYPE, "ag_sparse_mm: %s %s %s is no vector of integers", name[k],
                           ag_dtype_name(c->in[k]->layout->dtype), ag__text(c->in[k]->layout));
    if (!ag__is_float(v->dtype) || v->dtype != x->dtype)
        return ag_fail(AG_EDTYPE, "ag_sparse_mm: values %s %s and dense %s %s: both f32 or both f64",
                       ag_dtype_name(v->dtype), ag__text(v), ag_dtype_name(x->dtype), ag__text(x));
    if (crow->numel < 1 || v->rank != 1 || c->in[COLS]->layout->numel != v->numel || x->rank < 1 || x->rank > 2)
        return ag_fail(AG_ESHAPE,
                       "ag_sparse_mm: crow %s, col %s, values %s and dense %s do not fit: [m+1], [nnz], "
                       "[nnz] and [n,k] or [n]",
                       ag__text(crow), ag__text(c->in[COLS]->layout), ag__text(v), ag__text(x));
    ag__shape_copy(out, x);
    out->dims[0] = crow->numel - 1;
    return AG_OK;
}

/* Indices of columns that are checked, and those of rows, one for each entry. */
static bool entries_of(const ag_call *c, const int64_t *crow, const int64_t *col, int64_t *row)
{
    const ag__layout *x = c->in[DENSE]->layout;
    int64_t rows = c->in[CROW]->layout->numel - 1, n = c->in[COLS]->layout->numel;
    bool grows = crow[0] == 0 && crow[rows] == n;
    for (int64_t r = 0; grows && r < rows; r++) grows = crow[r] <= crow[r + 1] && crow[r + 1] <= n;
    if (!grows)
        return ag_fail(AG_EINVAL, "ag_sparse_mm: crow %s does not grow from 0 to the %lld entries",
                       ag__text(c->in[CROW]->layout), (long long)n),
               false;
    for (int64_t e = 0; e < n; e++)
        if (col[e] < 0 || col[e] >= x->dims[0])
            return ag_fail(AG_EINVAL, "ag_sparse_mm: column %lld of entry %lld is none of the rows of dense %s",
                           (long long)col[e], (long long)e, ag__text(x)),
                   false;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t e = crow[r]; e < crow[r + 1]; e++) row[e] = r;
    return true;
}
static ag_tensor *sparse_mm_compose(const ag_call *c)
{
    const ag__layout *x = c->in[DENSE]->layout;
    int64_t n = c->in[COLS]->layout->numel, rows = c->in[CROW]->layout->numel - 1, inner = x->rank > 1 ? x->dims[1] : 1;
    ag_tensor *crow = ag_contiguous(ag_to(c->in[CROW], AG_I64)), *row = ag_zeros(AG_I64, n);
    ag_tensor *col = ag_contiguous(ag_to(c->in[COLS], AG_I64));
    if (!crow || !col || !row || !entries_of(c, crow->data, col->data, row->data)) return NULL;
    const ag__entries s = { 1, n, rows, x->dims[0], 1, inner };
    ag_tensor *y = ag__sparse_product(&s, ag_reshape(c->in[VALUES], 1, n),
                                      ag_reshape(c->in[DENSE], 1, 1, x->dims[0], inner), col, row);
    return x->rank > 1 ? ag_reshape(y, rows, inner) : ag_reshape(y, rows);
}
const ag_op ag__op_sparse_mm = {
    .name = "sparse_mm", .n_in = 4, .shape = sparse_mm_shape, .compose = sparse_mm_compose
};

ag_tensor *ag_sparse_mm(ag_tensor *crow, ag_tensor *col, ag_tensor *values, ag_tensor *dense)
{
    ag_tape *t;
    return ag__begin(&t, &crow, "ag_sparse_mm") ? ag__apply(&ag__op_sparse_mm, NULL, crow, col, values, dense) : NULL;
}
