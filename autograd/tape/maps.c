/* maps.c - operations on blocks whose every slope belongs to one element of an operand and one result: element by
 * element, row by row, gathered. Recording; their sweeps are in maps_sweep.c.
 *
 * Operands that are constants stay where they are, with id 0: no adjoint has to find room. */
#include <autograd/kernels/kernels.h>
#include <autograd/tape/blocks.h>

enum { WIDE = 64 }; /* a single number is spread over so many, so that all loops run along */

typedef struct operand {
    const double *value;
    uint32_t n;
    double spread[WIDE];
} operand;

static void read_operand(operand *o, ag_block x, uint32_t n)
{
    o->value = x.value, o->n = x.n;
    for (uint32_t i = 0; x.n == 1 && i < WIDE && i < n; i++) o->spread[i] = x.value[0];
}

/* Where element i of the repeated operand lies; *run becomes how many follow it there, at most. */
static inline const double *along(const operand *o, uint32_t i, uint32_t *run)
{
    const uint32_t at = o->n == 1 || i == 0 ? 0 : i % o->n, left = o->n == 1 ? WIDE : o->n - at;
    if (left < *run) *run = left;
    return o->n == 1 ? o->spread : o->value + at;
}

static void compute(unsigned code, uint32_t n, const operand *o, double *restrict y)
{
    for (uint32_t i = 0, run; i < n; i += run, y += run) {
        run = n - i;
        const double *a = along(&o[0], i, &run), *b = along(&o[1], i, &run);
        const double *c = code == AG__S_BLOCK_FMA ? along(&o[2], i, &run) : NULL;
        switch (code) {
        case AG__S_BLOCK_ADD:
            for (uint32_t k = 0; k < run; k++) y[k] = a[k] + b[k];
            break;
        case AG__S_BLOCK_SUB:
            for (uint32_t k = 0; k < run; k++) y[k] = a[k] - b[k];
            break;
        case AG__S_BLOCK_MUL:
            for (uint32_t k = 0; k < run; k++) y[k] = a[k] * b[k];
            break;
        default:
            for (uint32_t k = 0; k < run; k++) y[k] = a[k] * b[k] + c[k];
        }
    }
}

static ag_block map(unsigned code, int count, ag_block *x)
{
    uint32_t n = 0, any = 0;
    for (int k = 0; k < count; k++) {
        if (x[k].n == 0 || !ag__block_settle(&x[k], code, (unsigned)k + 1)) return ag__no_block;
        if (x[k].n > n) n = x[k].n;
        any |= x[k].id;
    }
    operand o[3];
    for (int k = 0; k < count; k++) {
        if (x[k].n != n && n % x[k].n) {
            ag_fail(AG_ESHAPE, "%s: %u elements do not repeat to %u", ag__statement_name(code), x[k].n, n);
            return ag__no_block;
        }
        read_operand(&o[k], x[k], n);
    }
    const int pointers = ag__form_of[code].pd;
    double *y = ag__block_open(code, n, 2 * (size_t)count + 1, (size_t)pointers, any == 0);
    if (!y) return ag__no_block;
    compute(code, n, o, y);
    if (any == 0) return (ag_block){ .value = y, .n = n };
    uint32_t *ix = ag__pen.ix;
    for (int k = 0; k < count; k++) ix[k] = x[k].id, ix[count + k] = x[k].n;
    ix[2 * count] = n;
    return ag__block_close(code, y, n, ix + 2 * count + 1, pointers, (const double *[]){ x[0].value, x[1].value });
}

ag_block ags_block_add(ag_block x, ag_block y)
{
    return map(AG__S_BLOCK_ADD, 2, (ag_block[]){ x, y });
}

ag_block ags_block_sub(ag_block x, ag_block y)
{
    return map(AG__S_BLOCK_SUB, 2, (ag_block[]){ x, y });
}

ag_block ags_block_mul(ag_block x, ag_block y)
{
    return map(AG__S_BLOCK_MUL, 2, (ag_block[]){ x, y });
}

ag_block ags_block_fma(ag_block x, ag_block y, ag_block z)
{
    return map(AG__S_BLOCK_FMA, 3, (ag_block[]){ x, y, z });
}

static ag_block function(unsigned code, ag_block x)
{
    if (x.n == 0 || !ag__block_settle(&x, code, 1)) return ag__no_block;
    const int pointers = ag__form_of[code].pd;
    double *restrict y = ag__block_open(code, x.n, 2, (size_t)pointers, x.id == 0);
    if (!y) return ag__no_block;
    switch (code) {
    case AG__S_BLOCK_LOG:
        for (uint32_t i = 0; i < x.n; i++) y[i] = log(x.value[i]);
        break;
    case AG__S_BLOCK_SIGMOID:
        for (uint32_t i = 0; i < x.n; i++) y[i] = 1 / (1 + exp(-x.value[i]));
        break;
    default:
        for (uint32_t i = 0; i < x.n; i++) y[i] = tanh(x.value[i]);
    }
    if (x.id == 0) return (ag_block){ .value = y, .n = x.n };
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = x.n;
    return ag__block_close(code, y, x.n, ix + 2, pointers, (const double *[]){ x.value });
}

ag_block ags_block_log(ag_block x)
{
    return function(AG__S_BLOCK_LOG, x);
}

ag_block ags_block_sigmoid(ag_block x)
{
    return function(AG__S_BLOCK_SIGMOID, x);
}

ag_block ags_block_tanh(ag_block x)
{
    return function(AG__S_BLOCK_TANH, x);
}

/* ---- row by row ---- */

/* log of the sum of e^x, shifted by the largest finite x; the softmax goes into w. */
static double logsumexp(uint32_t n, const double *x, double *w)
{
    double top = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < n; i++) top = x[i] > top ? x[i] : top;
    if (isinf(top)) top = 0;
    for (uint32_t i = 0; i < n; i++) sum += w[i] = exp(x[i] - top);
    for (uint32_t i = 0; i < n; i++) w[i] = w[i] == 0 ? 0 : w[i] / sum;
    return top + log(sum);
}

static void compute_rows(unsigned code, uint32_t columns, uint32_t rows, const double *x, double *w, double *y)
{
    for (uint32_t r = 0; r < rows; r++, x += columns) {
        double sum = 0;
        if (code == AG__S_BLOCK_SUMS)
            for (uint32_t i = 0; i < columns; i++) sum += x[i];
        else if (code == AG__S_BLOCK_LOGSUMEXPS)
            sum = logsumexp(columns, x, w + (size_t)r * columns);
        else
            ag__kernel[1]->matvec(1, columns, x, x, &sum);
        y[r] = sum;
    }
}

static ag_block rows(unsigned code, size_t n, ag_block x)
{
    if (x.n == 0) return ag__no_block;
    if (n == 0 || x.n % n) {
        ag_fail(AG_ESHAPE, "%s: %u elements are no rows of %zu", ag__statement_name(code), x.n, n);
        return ag__no_block;
    }
    if (!ag__block_settle(&x, code, 1)) return ag__no_block;
    const uint32_t columns = (uint32_t)n, m = x.n / columns;
    const int pointers = ag__form_of[code].pd;
    double *y = ag__block_open(code, m, 3, (size_t)pointers, x.id == 0), *w = NULL;
    if (y && code == AG__S_BLOCK_LOGSUMEXPS) w = ag__arena_get(&ag__here.tape->arena, x.n * sizeof *w);
    if (!y || (code == AG__S_BLOCK_LOGSUMEXPS && !w)) return ag__no_block;
    compute_rows(code, columns, m, x.value, w, y);
    if (x.id == 0) return (ag_block){ .value = y, .n = m };
    uint32_t *ix = ag__pen.ix;
    ix[0] = x.id, ix[1] = columns, ix[2] = m;
    return ag__block_close(code, y, m, ix + 3, pointers, (const double *[]){ x.value, w });
}

ag_block ags_block_sums(size_t n, ag_block x)
{
    return rows(AG__S_BLOCK_SUMS, n, x);
}

ag_block ags_block_sqnorms(size_t n, ag_block x)
{
    return rows(AG__S_BLOCK_SQNORMS, n, x);
}

ag_block ags_block_logsumexps(size_t n, ag_block x)
{
    return rows(AG__S_BLOCK_LOGSUMEXPS, n, x);
}

/* ---- from elsewhere ---- */

ag_block ags_block_const(size_t n, const double *values)
{
    if (n == 0) return ag__no_block;
    if (!values) return ag_fail(AG_ENULL, "ags_block_const: the array of %zu values is NULL", n), ag__no_block;
    if (n > UINT32_MAX) return ag_fail(AG_ENOMEM, "ags_block_const: %zu values are too many", n), ag__no_block;
    ag__kernels_choose();
    return (ag_block){ .value = values, .n = (uint32_t)n };
}

/* Ends a gathering: n ids stand behind its count. */
static ag_block close_gather(double *y, uint32_t n)
{
    uint32_t *ix = ag__pen.ix;
    ix[0] = ix[n + 1] = n;
    return ag__block_close(AG__S_BLOCK_GATHER, y, n, ix + n + 2, 0, NULL);
}

static bool few(const char *who, size_t n)
{
    if (n <= UINT32_MAX - 2) return true;
    return ag_fail(AG_ENOMEM, "%s: %zu elements are too many", who, n), false;
}

ag_block ags_block_of(size_t n, const ag_scalar *x)
{
    enum { CODE = AG__S_BLOCK_GATHER };
    if (n == 0 || !few("ags_block_of", n)) return ag__no_block;
    if (!x) return ag_fail(AG_ENULL, "ags_block_of: the array of %zu scalars is NULL", n), ag__no_block;
    ag__kernels_choose();
    uint32_t any = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t id = ag__settled(&ag__pen, x[i], CODE, (unsigned)i + 1);
        if (x[i].id && !id && !ag__pen_closed(&ag__pen)) return ag__no_block;
        any |= id;
    }
    double *y = ag__block_open(CODE, n, n + 2, 0, any == 0);
    if (!y) return ag__no_block;
    for (size_t i = 0; i < n; i++) y[i] = x[i].value;
    if (any == 0) return (ag_block){ .value = y, .n = (uint32_t)n };
    for (size_t i = 0; i < n; i++) ag__pen.ix[i + 1] = x[i].id;
    return close_gather(y, (uint32_t)n);
}

ag_block ags_block_take(ag_block x, size_t n, const uint32_t *index)
{
    enum { CODE = AG__S_BLOCK_GATHER };
    if (n == 0 || !few("ags_block_take", n)) return ag__no_block;
    if (!index) return ag_fail(AG_ENULL, "ags_block_take: the array of %zu indices is NULL", n), ag__no_block;
    for (size_t i = 0; i < n; i++)
        if (index[i] >= x.n) {
            if (x.n || !ag_error()) ag_fail(AG_EINVAL, "ags_block_take: element %u of %u", index[i], x.n);
            return ag__no_block;
        }
    if (!ag__block_settle(&x, CODE, 1)) return ag__no_block;
    double *y = ag__block_open(CODE, n, n + 2, 0, x.id == 0);
    if (!y) return ag__no_block;
    for (size_t i = 0; i < n; i++) y[i] = x.value[index[i]];
    if (x.id == 0) return (ag_block){ .value = y, .n = (uint32_t)n };
    for (size_t i = 0; i < n; i++) ag__pen.ix[i + 1] = x.id + index[i];
    return close_gather(y, (uint32_t)n);
}
