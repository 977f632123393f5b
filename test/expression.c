/* expression.c - see expression.h. */
#include "expression.h"
#include <math.h>
#include <string.h>

double random_of(uint64_t seed, uint64_t k)
{
    uint64_t z = seed * UINT64_C(0xd1342543de82ef95) + (k + 1) * UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

/* ---- elementary functions, and where they are smooth and moderate ---- */

/* clang-format off */
#define UNARY(X) \
    X(neg, true) X(sin, true) X(cos, true) X(tanh, true) X(sigmoid, true) X(softplus, true) X(atan, true) \
    X(erf, true) X(gelu, true) X(silu, true) X(asinh, true) X(mish, true) X(softsign, fabs(x) > 0.1) \
    X(exp, fabs(x) < 2) X(expm1, fabs(x) < 2) X(sinh, fabs(x) < 2) X(cosh, fabs(x) < 2) X(square, fabs(x) < 3) \
    X(tan, fabs(x) < 1) X(asin, fabs(x) < 0.8) X(acos, fabs(x) < 0.8) X(atanh, fabs(x) < 0.8) X(log, x > 0.3) \
    X(sqrt, x > 0.3) X(rsqrt, x > 0.4) X(log1p, x > -0.5) X(reciprocal, fabs(x) > 0.4) X(abs, fabs(x) > 0.1) \
    X(relu, fabs(x) > 0.1) X(cbrt, fabs(x) > 0.3) X(lgamma, x > 0.5) X(digamma, x > 0.7) X(erfcx, fabs(x) < 1) \
    X(i0, fabs(x) < 2) X(sinc, fabs(x) > 0.1)
#define BINARY(X) \
    X(add, true) X(sub, true) X(mul, true) X(div, fabs(b) > 0.4) X(pow, a > 0.3 && fabs(b) < 2) \
    X(atan2, fabs(a) > 0.1 || b > 0.1) X(hypot, a * a + b * b > 0.1) X(maximum, fabs(a - b) > 0.1) \
    X(minimum, fabs(a - b) > 0.1) X(logaddexp, true) X(xlogy, b > 0.3)
/* clang-format on */

typedef struct unary {
    const char *name;
    ag_tensor *(*tensor)(ag_tensor *);
    ag_scalar (*scalar)(ag_scalar);
    bool (*smooth)(double);
} unary;
typedef struct binary {
    const char *name;
    ag_tensor *(*tensor)(ag_tensor *, ag_tensor *);
    ag_scalar (*scalar)(ag_scalar, ag_scalar);
    bool (*smooth)(double, double);
} binary;

#define SMOOTH(name, where)             \
    static bool name##_smooth(double x) \
    {                                   \
        (void)x;                        \
        return where;                   \
    }
UNARY(SMOOTH)
#undef SMOOTH
#define SMOOTH(name, where)                       \
    static bool name##_smooth(double a, double b) \
    {                                             \
        (void)a, (void)b;                         \
        return where;                             \
    }
BINARY(SMOOTH)
#undef SMOOTH
#define ROW(name, where) { #name, ag_##name, ags_##name, name##_smooth },
static const unary unaries[] = { UNARY(ROW) };
static const binary binaries[] = { BINARY(ROW) };
#undef ROW
enum { N_UNARY = sizeof unaries / sizeof *unaries, N_BINARY = sizeof binaries / sizeof *binaries };

/* ---- statements ---- */

typedef enum code {
    F1,     /* f(a) */
    F2,     /* f(a, b), broadcasting; f(a, number); f(number, a) */
    SUM,    /* to a scalar */
    SUM_OF, /* over an axis */
    MATMUL,
    SWAP,    /* a transposed */
    SOFTMAX, /* over the last axis */
    LSE,     /* over the last axis */
    PICK,    /* an element, as a scalar */
    ROW_OF,
    FLAT,
    PAIR, /* two scalars as a tensor [2] */
    DOT,  /* fused, of scalars: a b + b b */
    NORM, /* of scalars: a^2 + b^2 */
    FMA,  /* of scalars: a b + a */
    N_CODES
} code;
static const char *const code_name[] = { "f1",        "f2",      "sum",       "sum over axis", "matmul",
                                         "transpose", "softmax", "logsumexp", "pick",          "select",
                                         "flat",      "pack",    "dot",       "sqnorm",        "fma" };

static void tensor_shape(value *v, int rank, int64_t rows, int64_t cols)
{
    *v = (value){ .rank = rank, .dims = { rows, cols }, .n = (int)(rank == 0 ? 1 : rank == 1 ? rows : rows * cols) };
}
static void scalar_shape(value *v)
{
    *v = (value){ .scalar = true, .n = 1 };
}

/* The last axis of b lies along that of a, or b is one number. */
static bool broadcasts(const value *a, const value *b)
{
    if (b->n == 1 && b->rank < 2) return true;
    if (a->rank == b->rank) return a->dims[0] == b->dims[0] && (a->rank < 2 || a->dims[1] == b->dims[1]);
    return a->rank == 2 && b->rank == 1 && a->dims[1] == b->dims[0];
}

/* Which element of operand b meets element k of the result. */
static int element_of(const value *y, const value *x, int k)
{
    if (x->n == 1) return 0;
    return y->rank == x->rank ? k : k % (int)y->dims[1];
}

/* The shape of a statement's result, or false if it cannot be. */
static bool shape_of(const expression *e, const statement *s, value *y)
{
    const value *a = &e->value[s->a], *b = s->b >= 0 ? &e->value[s->b] : NULL;
    bool both = a->scalar && b && b->scalar;
    int last = a->rank - 1;
    switch ((code)s->op) {
    case F1: *y = *a; return true;
    case F2: *y = *a; return !b || (a->scalar ? b->scalar : broadcasts(a, b));
    case SUM: scalar_shape(y); return !a->scalar;
    case SUM_OF: tensor_shape(y, 1, a->dims[!s->argument], 0); return a->rank == 2;
    case MATMUL:
        if (!b || a->rank != 2 || b->rank == 0 || a->dims[1] != b->dims[0]) return false;
        tensor_shape(y, b->rank, a->dims[0], b->dims[1]);
        return true;
    case SWAP: tensor_shape(y, 2, a->dims[1], a->dims[0]); return a->rank == 2;
    case SOFTMAX: *y = *a; return a->rank > 0;
    case LSE: tensor_shape(y, last, a->dims[0], 0); return a->rank > 0;
    case PICK: scalar_shape(y); return !a->scalar;
    case ROW_OF: tensor_shape(y, 1, a->dims[1], 0); return a->rank == 2;
    case FLAT: tensor_shape(y, 1, a->n, 0); return a->rank == 2;
    case PAIR: tensor_shape(y, 1, 2, 0); return both;
    default: scalar_shape(y); return both;
    }
}

/* ---- in tensors and scalars ---- */

typedef struct operand {
    ag_tensor *t;
    ag_scalar s;
} operand;

static ag_tensor *tensor_of(const value *v, const operand *x)
{
    return v->scalar ? ag_pack(1, &x->s) : x->t;
}

static ag_scalar scalar_of(ag_tensor *x, int64_t n, int64_t k)
{
    ag_scalar all[MOST_ELEMENTS] = { { 0, 0, 0 } };
    ag_unpack(x, (size_t)n, all);
    return all[k];
}

static operand of_tensors(const expression *e, const statement *s, const operand *v)
{
    const value *a = &e->value[s->a];
    ag_tensor *x = v[s->a].t, *y = s->b >= 0 ? tensor_of(&e->value[s->b], &v[s->b]) : NULL;
    operand r = { NULL, { 0, 0, 0 } };
    switch ((code)s->op) {
    case F1: r.t = unaries[s->argument].tensor(x); break;
    case F2: {
        const binary *f = &binaries[s->argument];
        bool left = s->number < 0;
        r.t = y ? f->tensor(x, y) : left ? f->tensor(ag_num(-s->number), x) : f->tensor(x, ag_num(s->number));
        break;
    }
    case SUM: r.s = scalar_of(ag_sum(x), 1, 0); break;
    case SUM_OF: r.t = ag_sum(x, s->argument); break;
    case MATMUL: r.t = ag_matmul(x, y); break;
    case SWAP: r.t = ag_transpose(x, 0, 1); break;
    case SOFTMAX: r.t = ag_softmax(x, -1); break;
    case LSE: r.t = ag_logsumexp(x, -1); break;
    case PICK: r.s = scalar_of(x, a->n, s->argument); break;
    case ROW_OF: r.t = ag_select(x, 0, s->argument); break;
    default: r.t = ag_reshape(x, a->n); break; /* FLAT */
    }
    return r;
}

static operand of_scalars(const statement *s, ag_scalar a, ag_scalar b)
{
    operand r = { NULL, { 0, 0, 0 } };
    switch ((code)s->op) {
    case F1: r.s = unaries[s->argument].scalar(a); break;
    case F2: {
        const binary *f = &binaries[s->argument];
        bool left = s->b < 0 && s->number < 0;
        r.s = left ? f->scalar(ag_const(-s->number), a) : f->scalar(a, s->b < 0 ? ag_const(s->number) : b);
        break;
    }
    case PAIR: r.t = ag_pack(2, (const ag_scalar[]){ a, b }); break;
    case DOT: r.s = ags_dot(2, (const ag_scalar[]){ a, b }, (const ag_scalar[]){ b, b }); break;
    case NORM: r.s = ags_sqnorm(2, (const ag_scalar[]){ a, b }); break;
    default: r.s = ags_fma(a, b, a); break;
    }
    return r;
}

ag_tensor *expression_mixed(ag_tensor **x, void *user)
{
    const expression *e = user;
    operand v[MOST_VALUES];
    ag_scalar scalars[MOST_VALUES] = { { 0, 0, 0 } };
    if (e->n_scalar && ag_unpack(x[e->n_tensor], (size_t)e->n_scalar, scalars)) return NULL;
    int n_in = e->n_tensor + e->n_scalar;
    for (int k = 0; k < e->n_tensor; k++) v[k].t = x[k];
    for (int k = 0; k < e->n_scalar; k++) v[e->n_tensor + k].s = scalars[k];
    ag_scalar sum = ag_const(0);
    for (int k = 0; k < e->n_value; k++) {
        const statement *s = &e->statement[k];
        if (k >= n_in)
            v[k] = e->value[s->a].scalar ? of_scalars(s, v[s->a].s, s->b >= 0 ? v[s->b].s : ag_const(0))
                                         : of_tensors(e, s, v);
        if (e->used[k]) continue;
        ag_scalar part = e->value[k].scalar ? v[k].s : scalar_of(ag_sum(v[k].t), 1, 0);
        sum = ag_add(sum, ag_mul(e->weight[k], part));
    }
    return ag_pack(1, &sum);
}

/* ---- in scalars alone ---- */

static ag_scalar sum_of(const ag_scalar *x, int n, int step)
{
    ag_scalar sum = x[0];
    for (int k = 1; k < n; k++) sum = ag_add(sum, x[k * step]);
    return sum;
}

static void row_softmax(const ag_scalar *x, int n, ag_scalar *y, ag_scalar *log_of_sum)
{
    ag_scalar power[MOST_ELEMENTS] = { ag_exp(x[0]) };
    for (int k = 1; k < n; k++) power[k] = ag_exp(x[k]);
    ag_scalar sum = sum_of(power, n, 1);
    for (int k = 0; y && k < n; k++) y[k] = ag_div(power[k], sum);
    if (log_of_sum) *log_of_sum = ag_log(sum);
}

static void by_elements(const expression *e, const statement *s, const value *vy, const ag_scalar *all, ag_scalar *y)
{
    const value *va = &e->value[s->a], *vb = s->b >= 0 ? &e->value[s->b] : NULL;
    const ag_scalar *a = all + va->first, *b = vb ? all + vb->first : NULL;
    int n = vy->n, cols = va->rank == 2 ? (int)va->dims[1] : (int)va->dims[0];
    for (int k = 0; k < n; k++) switch ((code)s->op) {
        case F1:
        case F2: y[k] = of_scalars(s, a[k], b ? b[element_of(vy, vb, k)] : ag_const(0)).s; break;
        case SUM: y[k] = sum_of(a, va->n, 1); break;
        case SUM_OF: y[k] = s->argument ? sum_of(a + k * cols, cols, 1) : sum_of(a + k, (int)va->dims[0], cols); break;
        case MATMUL: {
            int out = vb->rank == 2 ? (int)vb->dims[1] : 1, i = k / out, j = k % out;
            y[k] = ag_mul(a[i * cols], b[j]);
            for (int l = 1; l < cols; l++) y[k] = ag_add(y[k], ag_mul(a[i * cols + l], b[l * out + j]));
            break;
        }
        case SWAP: y[k] = a[k % (int)va->dims[0] * cols + k / (int)va->dims[0]]; break;
        case SOFTMAX:
            if (k % cols == 0) row_softmax(a + k, cols, y + k, NULL);
            break;
        case LSE: row_softmax(a + k * cols, cols, NULL, y + k); break;
        case PICK: y[k] = a[s->argument]; break;
        case ROW_OF: y[k] = a[s->argument * cols + k]; break;
        case FLAT: y[k] = a[k]; break;
        case PAIR: y[k] = k ? *b : *a; break;
        case DOT: y[k] = ag_add(ag_mul(*a, *b), ag_mul(*b, *b)); break;
        case NORM: y[k] = ag_add(ag_mul(*a, *a), ag_mul(*b, *b)); break;
        default: y[k] = ag_add(ag_mul(*a, *b), *a); break;
        }
}

ag_scalar expression_elements(const expression *e, const ag_scalar *x, ag_scalar *all)
{
    memcpy(all, x, (size_t)e->n_in * sizeof *x);
    ag_scalar sum = ag_const(0);
    for (int k = 0; k < e->n_value; k++) {
        const value *v = &e->value[k];
        if (k >= e->n_tensor + e->n_scalar) by_elements(e, &e->statement[k], v, all, all + v->first);
        if (!e->used[k]) sum = ag_add(sum, ag_mul(e->weight[k], sum_of(all + v->first, v->n, 1)));
    }
    return sum;
}

/* ---- making one ---- */

typedef struct draws {
    uint64_t seed, k;
} draws;
static double number(draws *d, double from, double to)
{
    return from + (to - from) * random_of(d->seed, d->k++);
}
static int below(draws *d, int n)
{
    return (int)(number(d, 0, 1) * n);
}

static bool smooth_there(const expression *e, const statement *s, const value *y, const ag_scalar *all)
{
    const value *b = s->b >= 0 ? &e->value[s->b] : NULL;
    for (int k = 0; k < y->n && s->op <= F2; k++) {
        double left = all[e->value[s->a].first + k].value;
        double right = b ? all[b->first + element_of(y, b, k)].value : fabs(s->number);
        if (s->op == F1 && !unaries[s->argument].smooth(left)) return false;
        if (s->op == F2 && !b && s->number < 0 && !binaries[s->argument].smooth(right, left)) return false;
        if (s->op == F2 && (b || s->number >= 0) && !binaries[s->argument].smooth(left, right)) return false;
    }
    return true;
}

/* One more statement, if it can be and has moderate values. */
static bool attempt(expression *e, draws *d, ag_scalar *all)
{
    statement s = { .op = below(d, 2) ? below(d, 2) : below(d, N_CODES), .a = below(d, e->n_value), .b = -1 };
    bool two = s.op == MATMUL || s.op >= PAIR || (s.op == F2 && below(d, 3));
    if (two) s.b = below(d, e->n_value);
    s.number = number(d, -2, 2);
    const value *a = &e->value[s.a];
    s.argument = s.op == F1       ? below(d, N_UNARY)
                 : s.op == F2     ? below(d, N_BINARY)
                 : s.op == SUM_OF ? below(d, 2)
                 : s.op == ROW_OF ? below(d, (int)a->dims[0])
                                  : below(d, a->n);
    value y;
    if (!shape_of(e, &s, &y) || e->n_element + y.n > MOST_ELEMENTS || !smooth_there(e, &s, &y, all)) return false;
    y.first = e->n_element;
    by_elements(e, &s, &y, all, all + y.first);
    for (int k = 0; k < y.n; k++)
        if (!(fabs(all[y.first + k].value) < 6)) return false;
    e->used[s.a] = true;
    if (s.b >= 0) e->used[s.b] = true;
    e->statement[e->n_value] = s, e->value[e->n_value++] = y;
    e->n_element += y.n;
    return true;
}

static void add_input(expression *e, const value *v)
{
    e->value[e->n_value] = *v;
    e->value[e->n_value++].first = e->n_element;
    e->n_element += v->n;
}

bool expression_make(expression *e, uint64_t seed)
{
    draws d = { seed, 0 };
    ag_scalar all[MOST_ELEMENTS];
    memset(e, 0, sizeof *e);
    ag_tape_reset(ag_tape_current());
    int64_t p = 1 + below(&d, 4), q = 1 + below(&d, 4);
    const int64_t shape[MOST_TENSORS][3] = { { 2, p, q }, { 2, q, p }, { 1, q, 0 } };
    value v;
    e->n_tensor = 1 + below(&d, MOST_TENSORS), e->n_scalar = below(&d, 4);
    for (int k = 0; k < e->n_tensor; k++) {
        int which = (below(&d, 2) + k) % MOST_TENSORS;
        tensor_shape(&v, (int)shape[which][0], shape[which][1], shape[which][2]);
        add_input(e, &v);
    }
    scalar_shape(&v);
    for (int k = 0; k < e->n_scalar; k++) add_input(e, &v);
    e->n_in = e->n_element;
    for (int j = 0; j < e->n_in; j++) e->x[j] = number(&d, 0.2, 1.5) * (below(&d, 2) ? 1 : -1);
    ags_inputs((size_t)e->n_in, e->x, all);
    int wanted = e->n_value + 4 + below(&d, MOST_VALUES - e->n_value - 4);
    for (int tries = 0; e->n_value < wanted && tries < 20 * MOST_VALUES; tries++) attempt(e, &d, all);
    for (int k = 0; k < e->n_value; k++) e->weight[k] = number(&d, 0.5, 1.5);
    return !ag_tape_reset(ag_tape_current());
}

int expression_inputs(const expression *e, const double *x, ag_tensor **in)
{
    int n = 0;
    for (; n < e->n_tensor; n++) {
        const value *v = &e->value[n];
        in[n] = (ag_reshape)(ag_copy(x + v->first, v->n), v->rank, v->dims);
    }
    if (e->n_scalar) in[n++] = ag_copy(x + e->value[e->n_tensor].first, e->n_scalar);
    return n;
}

void expression_print(const expression *e, FILE *to)
{
    for (int k = 0; k < e->n_value; k++) {
        const value *v = &e->value[k];
        const statement *s = &e->statement[k];
        fprintf(to, "%%%d %s[%d,%d] = ", k, v->scalar ? "scalar" : "tensor", v->rank > 0 ? (int)v->dims[0] : 1,
                v->rank > 1 ? (int)v->dims[1] : 1);
        if (k < e->n_tensor + e->n_scalar)
            fprintf(to, "input\n");
        else
            fprintf(to, "%s %%%d %%%d, %s %.3g\n",
                    s->op == F1   ? unaries[s->argument].name
                    : s->op == F2 ? binaries[s->argument].name
                                  : code_name[s->op],
                    s->a, s->b, e->used[k] ? "used" : "summed", s->number);
    }
}
