/* test_jets.c - every transform of scalars on random programs - of elementary functions, fused statements, blocks,
 * loops, systems and tensors - against polynomials of third order that the same programs are computed with.
 *
 * LONG=1: 100,000 programs, from SEED=n on; without it SEED=n is the only one. */
#include <autograd/autograd.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- polynomials in the distance from where a program is evaluated ---- */

enum { VARS = 4, ORDER = 3, TERMS = 35 };
typedef struct jet {
    double c[TERMS]; /* c[0] is the value */
} jet;
static int power[TERMS][VARS], product_of[TERMS][TERMS]; /* which term, or -1 beyond the order */

static int term_of(const int *powers)
{
    int k = 0;
    while (memcmp(power[k], powers, sizeof power[k]) != 0) k++;
    return k;
}

static void make_terms(void)
{
    int n = 0, p[VARS];
    for (int code = 0; code < 256; code++) { /* two bits for each variable */
        int degree = 0;
        for (int v = 0; v < VARS; v++) degree += p[v] = code >> 2 * v & 3;
        if (degree <= ORDER) memcpy(power[n++], p, sizeof p);
    }
    assert_int_equal(n, TERMS);
    for (int i = 0; i < TERMS; i++)
        for (int j = 0; j < TERMS; j++) {
            int degree = 0;
            for (int v = 0; v < VARS; v++) degree += p[v] = power[i][v] + power[j][v];
            product_of[i][j] = degree <= ORDER ? term_of(p) : -1;
        }
}

static jet number(double value)
{
    return (jet){ { value } };
}
/* a + k b */
static jet plus(jet a, double k, jet b)
{
    for (int i = 0; i < TERMS; i++) a.c[i] += k * b.c[i];
    return a;
}
static jet times(jet a, jet b)
{
    jet y = { { 0 } };
    for (int i = 0; i < TERMS; i++)
        for (int j = 0; j < TERMS && a.c[i] != 0; j++)
            if (product_of[i][j] >= 0) y.c[product_of[i][j]] += a.c[i] * b.c[j];
    return y;
}
/* f(a), from f's value and derivatives there */
static jet composed(jet a, double f, double f1, double f2, double f3)
{
    a.c[0] = 0;
    const jet square = times(a, a);
    return plus(plus(plus(number(f), f1, a), f2 / 2, square), f3 / 6, times(square, a));
}
static jet jet_exp(jet a)
{
    const double y = exp(a.c[0]);
    return composed(a, y, y, y, y);
}
static jet jet_log(jet a)
{
    const double r = 1 / a.c[0];
    return composed(a, log(a.c[0]), r, -r * r, 2 * r * r * r);
}
static jet jet_sin(jet a)
{
    const double s = sin(a.c[0]), c = cos(a.c[0]);
    return composed(a, s, c, -s, -c);
}
static jet jet_tanh(jet a)
{
    const double t = tanh(a.c[0]), s = 1 - t * t;
    return composed(a, t, s, -2 * t * s, s * (6 * t * t - 2));
}
static jet over(jet a, jet b)
{
    const double r = 1 / b.c[0];
    return times(a, composed(b, r, -r * r, 2 * r * r * r, -6 * r * r * r * r));
}

/* The derivative by some variables; by one that is none (-1) it is 0. */
static double derivative(const jet *a, int n, const int *by)
{
    static const double factorial[] = { 1, 1, 2, 6 };
    int p[VARS] = { 0 };
    for (int i = 0; i < n; i++) {
        if (by[i] < 0) return 0;
        p[by[i]]++;
    }
    double f = 1;
    for (int v = 0; v < VARS; v++) f *= factorial[p[v]];
    return f * a->c[term_of(p)];
}
#define D(a, ...) derivative(a, (int)(sizeof((int[]){ __VA_ARGS__ }) / sizeof(int)), (const int[]){ __VA_ARGS__ })

/* ---- programs ---- */

enum { MOST = 40, INPUTS = 3 };
typedef struct value {
    ag_scalar s;
    jet j;
} value;
typedef struct program {
    uint64_t random;
    value v[MOST];
    int n, middle; /* middle: a value that is a variable itself, or 0 */
    bool tensors;
} program;

static int below(program *p, int n)
{
    p->random = p->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((p->random >> 33) % (uint64_t)n);
}
static double between(program *p, double a, double b)
{
    return a + (b - a) * below(p, 1 << 20) / (1 << 20);
}
static void put(program *p, ag_scalar s, jet j)
{
    if (p->n < MOST) p->v[p->n++] = (value){ s, j };
}

enum { OPERANDS = 9 };
static void pick(program *p, ag_scalar *s, jet *j)
{
    for (int i = 0; i < OPERANDS; i++) {
        const value *v = &p->v[below(p, 2) && p->n > 8 ? p->n - 1 - below(p, 8) : below(p, p->n)];
        s[i] = v->s, j[i] = v->j;
        if (below(p, 10) == 0) s[i] = ag_const(0.75), j[i] = number(0.75);
    }
}

static void elementary(program *p, const ag_scalar *s, const jet *j)
{
    switch (below(p, 8)) {
    case 0: put(p, ag_add(s[0], s[1]), plus(j[0], 1, j[1])); break;
    case 1: put(p, ag_sub(0.5, s[0]), plus(number(0.5), -1, j[0])); break;
    case 2: put(p, ag_mul(s[0], s[1]), times(j[0], j[1])); break;
    case 3: put(p, ag_fma(s[0], s[1], s[2]), plus(times(j[0], j[1]), 1, j[2])); break;
    case 4: put(p, ag_sin(s[0]), jet_sin(j[0])); break;
    case 5: put(p, ag_exp(ag_tanh(s[0])), jet_exp(jet_tanh(j[0]))); break;
    case 6:
        put(p, ag_div(s[0], ag_add(1.5, ag_square(s[1]))), over(j[0], plus(number(1.5), 1, times(j[1], j[1]))));
        break;
    default:
        put(p, ag_pow(ag_add(1.25, ag_square(s[0])), s[1]),
            jet_exp(times(j[1], jet_log(plus(number(1.25), 1, times(j[0], j[0]))))));
    }
}

static void fused(program *p, const ag_scalar *s, const jet *j)
{
    static const double k[] = { 0.5, -1, 0.25, 2 };
    jet y = number(0), of_poly = number(1);
    const int what = below(p, 5);
    for (int i = 0; i < 4; i++) {
        y = what == 0   ? plus(y, 1, times(j[i], j[i + 4]))
            : what == 1 ? plus(y, k[i], j[i])
            : what == 2 ? plus(y, 1, times(j[i], j[i]))
            : what == 3 ? plus(y, 1, jet_exp(j[i]))
                        : plus(y, k[i], of_poly);
        of_poly = times(of_poly, j[0]);
    }
    put(p,
        what == 0   ? ags_dot(4, s, s + 4)
        : what == 1 ? ags_lin(4, s, k)
        : what == 2 ? ags_sqnorm(4, s)
        : what == 3 ? ags_logsumexp(4, s)
                    : ags_poly(4, k, s[0]),
        what == 3 ? jet_log(y) : y);
}

static void blocks(program *p, const ag_scalar *s, const jet *j)
{
    const ag_block x = ags_block_of(6, s), y = ags_block_of(3, s + 6);
    const size_t i = (size_t)below(p, 6), row = i / 3;
    jet sum = number(0);
    switch (below(p, 5)) {
    case 0: put(p, ags_block_at(ags_block_mul(x, y), i), times(j[i], j[6 + i % 3])); break;
    case 1: put(p, ags_block_at(ags_block_tanh(ags_block_sub(x, y)), i), jet_tanh(plus(j[i], -1, j[6 + i % 3]))); break;
    case 2:
        for (size_t l = 0; l < 3; l++) sum = plus(sum, 1, times(j[3 * row + l], j[6 + l]));
        put(p, ags_block_at(ags_block_matvec(x, y), row), sum);
        break;
    case 3:
        for (size_t l = 0; l < 3; l++) sum = plus(sum, 1, jet_exp(j[3 * row + l]));
        put(p, ags_block_at(ags_block_logsumexps(3, x), row), jet_log(sum));
        break;
    default: put(p, ags_block_at(ags_block_fma(x, y, y), i), plus(times(j[i], j[6 + i % 3]), 1, j[6 + i % 3]));
    }
}

static void step(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)i, (void)user;
    const ag_scalar was = s[0];
    s[0] = ag_tanh(ag_fma(s[1], p[0], s[0]));
    s[1] = ag_sin(ags_dot(2, (ag_scalar[]){ was, p[1] }, (ag_scalar[]){ s[1], p[0] }));
}
static void loop(program *p, const ag_scalar *s, const jet *j)
{
    ag_scalar state[] = { s[0], s[1] }, of[] = { s[2], s[3] };
    jet a = j[0], b = j[1], c = j[2], d = j[3];
    if (below(p, 3) == 0) of[1] = state[0], d = a; /* one scalar as two operands */
    const int n = 1 + below(p, 6);
    ags_scan(step, n, state, 2, of, 2, .memory = (ag_scan_memory)below(p, 3));
    for (int i = 0; i < n; i++) {
        const jet was = a;
        a = jet_tanh(plus(times(b, c), 1, a));
        b = jet_sin(plus(times(was, b), 1, times(d, c)));
    }
    put(p, state[0], a), put(p, state[1], b);
}

static void equations(program *p, const ag_scalar *s, const jet *j)
{
    const ag_scalar a[] = { ag_add(3.0, ag_tanh(s[0])), s[1], ag_const(0.5), ag_const(-2) };
    ag_scalar x[2];
    ags_solve(2, a, s + 2, x);
    const jet first = plus(number(3), 1, jet_tanh(j[0])), det = plus(plus(number(0), -2, first), -0.5, j[1]);
    put(p, x[0], over(plus(plus(number(0), -2, j[2]), -1, times(j[1], j[3])), det));
    put(p, x[1], over(plus(times(first, j[3]), -0.5, j[2]), det));
}

static ag_tensor *inside(ag_tensor **x, void *user)
{
    (void)user;
    return ag_mul(ag_tanh(x[0]), ag_sum(ag_square(x[1])));
}
static void tensors(program *p, const ag_scalar *s, const jet *j)
{
    ag_tensor *x = ag_pack(3, s);
    ag_scalar out[3];
    const jet square = plus(plus(times(j[0], j[0]), 1, times(j[1], j[1])), 1, times(j[2], j[2]));
    ag_unpack(below(p, 2) ? ag_checkpoint(inside, AG_LIST(x, x), NULL) : inside((ag_tensor *[]){ x, x }, NULL), 3, out);
    for (int i = 0; i < 3; i++) put(p, out[i], times(jet_tanh(j[i]), square));
    p->tensors = true;
}

static void statement(program *p, unsigned kinds)
{
    static void (*const make[])(program *, const ag_scalar *, const jet *) = { elementary, fused,     blocks,
                                                                               loop,       equations, tensors };
    ag_scalar s[OPERANDS];
    jet j[OPERANDS];
    const int kind = below(p, 12), k = kind < 6 && (kinds >> kind & 1) ? kind : 0;
    pick(p, s, j);
    make[k](p, s, j);
    value *last = &p->v[p->n - 1];
    if (fabs(last->j.c[0]) > 3) last->s = ag_tanh(last->s), last->j = jet_tanh(last->j);
    if (!p->middle && k != 3 && last->s.id &&
        below(p, 5) == 0) { /* what a loop has passed on is not its results' alone */
        for (const value *v = p->v; v < last; v++)
            if (v->s.id == last->s.id) return;
        p->middle = p->n - 1;
        last->j.c[term_of((const int[VARS]){ 0, 0, 0, 1 })] += 1;
    }
}

static void make_program(program *p, uint64_t seed)
{
    *p = (program){ .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
    const unsigned kinds = (unsigned)below(p, 64);
    for (int i = 0; i < INPUTS; i++) {
        int powers[VARS] = { 0 };
        const double x = between(p, -1.5, 1.5);
        powers[i] = 1;
        put(p, ag_input(x), number(x));
        p->v[i].j.c[term_of(powers)] = 1;
    }
    for (int i = 0, n = 2 + below(p, 12); i < n && p->n < MOST - 3; i++) statement(p, kinds);
}

/* ---- transforms ---- */

enum { M = 5, N = 4 };
typedef struct question {
    int m, n, by[N];
    ag_scalar y[M], x[N];
    jet j[M];
    double v[N], u[9 * M], scale;
    bool apart; /* no x comes from another */
} question;
static uint64_t seed_now;
static double worst;

static void near(const question *q, const char *what, double got, double wanted)
{
    const double error = fabs(got - wanted) / q->scale;
    if (!(error <= 1e-10)) fail_msg("seed %llu, %s: %.17g, not %.17g", (unsigned long long)seed_now, what, got, wanted);
    if (error > worst) worst = error;
}

static void ask(program *p, question *q)
{
    *q = (question){ .m = 1 + below(p, M), .n = 1 + below(p, N), .scale = 1 };
    const int which = p->middle ? below(p, 3) : 0; /* inputs, the value in the middle, both */
    q->apart = which < 2;
    for (int i = 0; i < q->n; i++) {
        const bool middle = which == 1 || (which == 2 && i % 2);
        q->by[i] = middle ? VARS - 1 : below(p, INPUTS);
        q->x[i] = p->v[middle ? p->middle : q->by[i]].s;
        if (below(p, 12) == 0) q->x[i] = ag_const(1), q->by[i] = -1;
        q->v[i] = between(p, -1, 1);
    }
    for (int i = 0; i < q->m; i++) {
        const value *v = &p->v[below(p, 3) ? p->n - 1 - below(p, 4) : below(p, p->n)];
        q->y[i] = v->s, q->j[i] = v->j;
        for (int k = 0; k < TERMS; k++) q->scale = fmax(q->scale, fabs(v->j.c[k]));
    }
    for (int i = 0; i < 9 * M; i++) q->u[i] = between(p, -1, 1);
}

static void first_order(const question *q)
{
    double jac[M * N], jv[M], ju[9 * N], g[N];
    ag_scalar recorded[N];
    ags_jacobian(q->y, (size_t)q->m, q->x, (size_t)q->n, jac);
    ags_jvp(q->y, (size_t)q->m, q->x, (size_t)q->n, q->v, jv);
    ags_vjps(q->y, (size_t)q->m, q->x, (size_t)q->n, 9, q->u, ju);
    for (int i = 0; i < q->m; i++) {
        double along = 0;
        for (int k = 0; k < q->n; k++) {
            near(q, "Jacobian", jac[i * q->n + k], D(&q->j[i], q->by[k]));
            along += q->v[k] * D(&q->j[i], q->by[k]);
        }
        near(q, "Jacobian times vector", jv[i], along);
    }
    ags_gradient(q->y[0], q->x, (size_t)q->n, g);
    ags_grads(q->y[0], q->x, (size_t)q->n, recorded);
    for (int k = 0; k < q->n; k++) {
        near(q, "gradient", g[k], D(&q->j[0], q->by[k]));
        near(q, "recorded gradient", recorded[k].value, D(&q->j[0], q->by[k]));
        for (int l = 0; l < 9; l++) {
            double sum = 0;
            for (int i = 0; i < q->m; i++) sum += q->u[l * q->m + i] * D(&q->j[i], q->by[k]);
            near(q, "vector times Jacobian", ju[l * q->n + k], sum);
        }
    }
}

static void second_order(const question *q)
{
    double h[N * N], hv[N];
    ags_hessian(q->y[0], q->x, (size_t)q->n, h);
    ags_hvp(q->y[0], q->x, (size_t)q->n, q->v, hv);
    for (int i = 0; i < q->n; i++) {
        double along = 0;
        for (int k = 0; k < q->n; k++) {
            near(q, "Hessian", h[i * q->n + k], D(&q->j[0], q->by[i], q->by[k]));
            along += q->v[k] * D(&q->j[0], q->by[i], q->by[k]);
        }
        near(q, "Hessian times vector", hv[i], along);
    }
}

static void higher_orders(const question *q)
{
    double d[4][M];
    for (int order = 0; order < 4; order++)
        ags_directional(q->y, (size_t)q->m, q->x, (size_t)q->n, q->v, order, d[order]);
    for (int i = 0; i < q->m; i++) {
        double sum[4] = { q->j[i].c[0], 0, 0, 0 };
        for (int a = 0; a < q->n; a++) {
            sum[1] += q->v[a] * D(&q->j[i], q->by[a]);
            for (int b = 0; b < q->n; b++) {
                sum[2] += q->v[a] * q->v[b] * D(&q->j[i], q->by[a], q->by[b]);
                for (int c = 0; c < q->n; c++)
                    sum[3] += q->v[a] * q->v[b] * q->v[c] * D(&q->j[i], q->by[a], q->by[b], q->by[c]);
            }
        }
        for (int order = 0; order < 4; order++) near(q, "along a direction", d[order][i], sum[order]);
    }
    const int last = q->n - 1;
    const ag_scalar second = ag_grad(ag_grad(q->y[0], q->x[0]), q->x[last]), third = ag_grad(second, q->x[0]);
    near(q, "gradient of a gradient", second.value, D(&q->j[0], q->by[0], q->by[last]));
    near(q, "third derivative", third.value, D(&q->j[0], q->by[0], q->by[last], q->by[0]));
}

static void same_rows(const question *q, const char *what, ag_sparse *s, int rows, bool hessian)
{
    if (!s) fail_msg("seed %llu, %s: %s", (unsigned long long)seed_now, what, ag_errmsg());
    for (int i = 0; i < rows; i++) {
        int64_t e = s->start[i];
        for (int k = 0; k < q->n; k++) {
            const bool there = e < s->start[i + 1] && s->index[e] == k;
            near(q, what, there ? s->value[e++] : 0, hessian ? D(&q->j[0], q->by[i], q->by[k]) : D(&q->j[i], q->by[k]));
        }
    }
    ag_sparse_free(s);
}

/* Derivatives of derivatives can grow until nothing is left to compare. */
static bool moderate(const program *p)
{
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < TERMS; k++)
            if (!(fabs(p->v[i].j.c[k]) < 1e12)) return false;
    return true;
}

static void check(program *p)
{
    for (int round = 0; round < 3; round++) {
        question q;
        ask(p, &q);
        const size_t rows = (size_t)q.m, columns = (size_t)q.n;
        first_order(&q);
        if (!p->tensors) same_rows(&q, "sparse Jacobian", ags_sparse_jacobian(q.y, rows, q.x, columns), q.m, false);
        if (!q.apart) continue;
        second_order(&q);
        if (round == 0) higher_orders(&q);
        if (!p->tensors) same_rows(&q, "sparse Hessian", ags_sparse_hessian(q.y[0], q.x, columns), q.n, true);
    }
}

static void all_transforms(void **state)
{
    (void)state;
    make_terms();
    ag_tape *tape = ag_tape_new();
    const char *first = getenv("SEED");
    const uint64_t from = first ? strtoull(first, NULL, 10) : 0, n = getenv("LONG") ? 100000 : first ? 1 : 3000;
    uint64_t checked = 0;
    for (seed_now = from; seed_now < from + n; seed_now++) {
        program p;
        make_program(&p, seed_now);
        if (moderate(&p)) check(&p), checked++;
        if (ag_tape_reset(tape)) fail_msg("seed %llu: %s", (unsigned long long)seed_now, ag_errmsg());
    }
    print_message(
        "# all transforms of %llu random programs, %llu left out: worst error %.1e of the largest coefficient\n",
        (unsigned long long)checked, (unsigned long long)(n - checked), worst);
    assert_true(checked >= n - n / 100);
    ag_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(all_transforms) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
