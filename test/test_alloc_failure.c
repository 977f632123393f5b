/* Every allocation of a program that uses all of the engine is made to fail: once, and from then on.
 * The linker redirects the library's allocations to the functions below (--wrap). */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>

/* ---- allocations that fail on demand ---- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);

static long seen, live, fail_at; /* fail_at 0: never */
static bool from_then_on, fired;

static bool refuse(void)
{
    seen++;
    bool now = fail_at && (from_then_on ? seen >= fail_at : seen == fail_at);
    fired |= now;
    return now;
}
static void *count(void *p)
{
    live += p != NULL;
    return p;
}
void *__wrap_malloc(size_t n)
{
    return refuse() ? NULL : count(__real_malloc(n));
}
void *__wrap_calloc(size_t n, size_t size)
{
    return refuse() ? NULL : count(__real_calloc(n, size));
}
void *__wrap_realloc(void *p, size_t n)
{
    if (refuse()) return NULL;
    if (!p) return count(__real_realloc(p, n));
    return __real_realloc(p, n);
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return refuse() ? NULL : count(__real_aligned_alloc(align, n));
}
void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

/* ---- the program ---- */

enum { ROWS = 6, IN = 9, OUT = 5, SCALARS = 40 };
struct model {
    ag_tensor *w, *b, *x, *label;
};

static bool make(struct model *m)
{
    static double w[OUT * IN], x[ROWS * IN];
    static const int64_t label[ROWS] = { 0, 1, 2, 3, 4, 0 };
    for (int i = 0; i < OUT * IN; i++) w[i] = 0.3 * sin(i + 1.0);
    for (int i = 0; i < ROWS * IN; i++) x[i] = cos(0.7 * i);
    m->w = ag_param(AG_F64, OUT, IN), m->b = ag_param(AG_F64, OUT);
    m->x = ag_new(AG_F64, ROWS, IN), m->label = ag_new(AG_I64, ROWS);
    ag_write(m->w, w, OUT * IN), ag_write(m->x, x, ROWS * IN), ag_write(m->label, label, ROWS);
    return !ag_error();
}
static void destroy(struct model *m)
{
    ag_free(m->w), ag_free(m->b), ag_free(m->x), ag_free(m->label);
}

static ag_tensor *again(ag_tensor **x, void *user)
{
    const struct model *m = user;
    return ag_mul(ag_tanh(ag_linear(x[0], m->w, m->b)), 1e-3);
}
static void round_about(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)i, (void)user;
    s[0] = ag_sin(ag_mul(s[0], p[0]));
}

/* A loss of both kinds: a network, its output through scalars and back, and the square of a gradient. */
static ag_tensor *loss(const struct model *m)
{
    ag_tensor *z = ag_linear(m->x, m->w, m->b), *h = ag_tanh(ag_add(z, ag_mul(0.5, ag_flip(z, 1))));
    ag_tensor *fit = ag_cross_entropy(h, m->label);
    ag_tensor *joined =
        ag_cat(AG_LIST(ag_transpose(h, 0, 1), ag_softmax(ag_slice(ag_transpose(h, 0, 1), 0, 1, 3), 0)), 0);
    ag_scalar s[SCALARS], p[ROWS];
    if (ag_unpack(ag_reshape(ag_slice(joined, 0, 0, 1), -1), ROWS, p)) return NULL;
    for (int i = 0; i < SCALARS; i++) s[i] = ag_sin(ag_mul(i ? s[i - 1] : p[0], p[i % ROWS]));
    ag_scalar slope = ag_grad(ags_logsumexp(SCALARS, s), p[1]);
    ags_scan(round_about, 40, s, 1, s + 1, 1, .memory = AG_REVOLVE, .snapshots = 3);
    ag_block block = ags_block_exp(ags_block_input(3, (double[]){ 1, 2, 3 }));
    ag_scalar part[3] = { slope, ags_dot(SCALARS, s, s), ags_block_sqnorm(block) };
    ag_tensor *back = ag_sum(ag_square(ag_matmul(ag_reshape(ag_pack(3, part), 1, 3), ag_ones(AG_F64, 3, 2))));
    ag_tensor *g = ag_grad(fit, m->w);
    ag_tensor *twice = ag_sum(ag_grad(ag_sum(ag_checkpoint(again, AG_LIST(m->x), (void *)(uintptr_t)m)), m->w));
    return ag_add(ag_add(fit, ag_mul(1e-6, back)), ag_add(ag_sum(ag_square(g)), twice));
}

struct outcome {
    ag_status first, second, any;
    bool has_grad;
    double grad[OUT * IN];
};

static void step(const struct model *m, ag_status *status)
{
    *status = ag_backward(loss(m));
}

/* Two backward walks that accumulate, a reset in between; what failed must be known and have changed nothing. */
static struct outcome program(struct model *m, ag_tape **tape)
{
    struct outcome o = { AG_ENOMEM, AG_ENOMEM, AG_OK, false, { 0 } };
    *m = (struct model){ NULL, NULL, NULL, NULL };
    *tape = ag_tape_new();
    if (*tape && make(m)) {
        step(m, &o.first);
        ag_status reset = ag_tape_reset(*tape);
        if (!o.any) o.any = reset;
        step(m, &o.second);
        ag_hook(m->w, NULL, NULL), o.any = o.any ? o.any : (o.first ? o.first : o.second);
        ag_clear_error();
    } else
        o.any = ag_clear_error();
    ag_tensor *g = ag_grad_of(m->w);
    ag_clear_error(); /* m->w may be NULL */
    if (g) o.has_grad = true, ag_read(g, o.grad, OUT * IN);
    return o;
}

static bool same(const double *a, const double *b, double factor)
{
    for (int i = 0; i < OUT * IN; i++)
        if (fabs(a[i] - factor * b[i]) > 1e-12 * (1 + fabs(b[i]))) return false;
    return true;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct model m;
    ag_tape *tape;
    double once[OUT * IN];
    long before = live;
    seen = 0;
    struct outcome o = program(&m, &tape);
    assert_int_equal(o.first, AG_OK);
    assert_int_equal(o.second, AG_OK);
    assert_true(o.has_grad);
    for (int i = 0; i < OUT * IN; i++) once[i] = o.grad[i] / 2;
    destroy(&m), ag_tape_free(tape);
    assert_int_equal(live, before);
    long sites = seen, reached = 0;
    for (int mode = 0; mode < 2; mode++) {
        from_then_on = mode;
        for (long k = 1; k <= sites; k++) {
            seen = 0, fired = false, fail_at = k;
            o = program(&m, &tape);
            fail_at = 0;
            reached += fired;
            if (fired) assert_int_equal(o.any, AG_ENOMEM);
            int walks = (o.first == AG_OK) + (o.second == AG_OK);
            assert_int_equal(o.has_grad, walks > 0);
            if (walks) assert_true(same(o.grad, once, walks));
            if (tape && m.label && m.w && m.b && m.x) { /* everything still works */
                ag_tape_reset(tape);
                ag_zero_grad(AG_PARAMS({ "w", m.w }, { "b", m.b }));
                destroy(&m);
                assert_true(make(&m));
                assert_int_equal(ag_backward(loss(&m)), AG_OK);
                double again[OUT * IN];
                assert_int_equal(ag_read(ag_grad_of(m.w), again, OUT * IN), AG_OK);
                assert_true(same(again, once, 1));
            }
            destroy(&m), ag_tape_free(tape);
            ag_clear_error();
            assert_int_equal(live, before);
        }
    }
    print_message("# allocation failure: %ld sites tried twice, %ld of %ld reached, nothing lost or leaked\n", sites,
                  reached, 2 * sites);
    assert_true(sites > 20);
    assert_int_equal(reached, 2 * sites);
}

/* ---- matrices of scalars ---- */

/* The sum of everything there is, or NAN. */
static double matrices(void)
{
    enum { N = 300 };
    static double jac[9 * N], hes[64];
    ag_tape *tape = ag_tape_new();
    ag_scalar x[N], y[N], z[2];
    double sum = 0, d[2];
    for (int i = 0; i < N; i++) x[i] = ag_input(0.1 + 0.01 * i);
    for (int i = 0; i < N; i++) y[i] = ag_exp(ag_mul(x[i], x[(i * 7 + 1) % N]));
    const ag_scalar all = ags_sum(N, y), dense = ag_sin(ag_square(ags_logsumexp(N, x)));
    const ag_scalar through = ags_lin(1, y, (double[]){ 2 });
    ag_sparse *j = ags_sparse_jacobian(y, N, x, N), *h = ags_sparse_hessian(ag_add(all, dense), x, N);
    ags_jacobian(y, 9, x, N, jac), ags_hessian(all, x, 8, hes);
    ags_directional(&through, 1, x, 2, (double[]){ 1, 2 }, 3, d);
    if (j) ags_sparse_update(j, y, N, x, N);
    if (!ag_unpack(ag_tanh(ag_pack(2, y)), 2, z)) ags_hessian(ag_mul(z[0], z[1]), x, 2, hes + 4);
    for (int i = 0; i < 9 * N; i++) sum += jac[i];
    for (int i = 0; i < 64; i++) sum += hes[i];
    for (int64_t k = 0; j && k < j->nnz; k++) sum += j->value[k];
    for (int64_t k = 0; h && k < h->nnz; k++) sum += h->value[k];
    ag_sparse_free(j), ag_sparse_free(h);
    ag_tape_free(tape);
    return ag_clear_error() ? NAN : sum + d[0];
}

static void matrices_of_scalars(void **state)
{
    (void)state;
    const long before = live;
    seen = 0, fail_at = 0;
    const double want = matrices();
    const long sites = seen;
    assert_true(isfinite(want));
    for (int mode = 0; mode < 2; mode++)
        for (long k = 1; k <= sites; k++) {
            from_then_on = mode, seen = 0, fired = false, fail_at = k;
            const double got = matrices();
            fail_at = 0;
            assert_true(fired && isnan(got));
            assert_int_equal(live, before);
        }
    assert_true(matrices() == want);
    print_message("# matrices of scalars: %ld sites tried twice\n", sites);
    assert_true(sites > 40);
}

/* ---- ranges that become statements ---- */

/* A slope by way of many; NAN and nothing lost where memory ran out. */
static double ranges(void)
{
    enum { N = 600, RANGES = 20 };
    ag_tape *tape = ag_tape_new();
    ag_scalar x[N], y[12];
    double g[N], sum = 0;
    for (int i = 0; i < N; i++) x[i] = ag_input(0.1 + 0.005 * i);
    for (int k = 0; k < RANGES && !ag_error(); k++) {
        const ag_mark mark = ag_tape_mark(tape);
        const ag_scalar all = ags_sqnorm((size_t)(k % 2 ? N : 5), x);
        y[0] = ag_exp(ag_mul(-0.1, all));
        for (int i = 1; i < 12; i++) y[i] = ag_mul(y[i - 1], x[i]);
        for (int i = 0; (k == 1 || k == 4) && i < 600 * k; i++) y[11] = ag_sin(y[11]);
        if (k == 6) ags_solve(2, y + 1, y + 5, y + 7);
        if (ag_error()) { /* what is missing is no hindrance */
            ag_clear_error(), fail_at = 0;
            if (mark.generation) assert_int_equal(ags_preaccumulate(mark, 12, y), AG_OK);
            ag_fail(AG_ENOMEM, "as before");
            break;
        }
        const uint64_t scalars = ag_tape_memory(tape).scalars;
        if (!ags_preaccumulate(mark, 12, y)) continue;
        ag_clear_error(), fail_at = 0; /* all is there, and goes on */
        assert_int_equal(ag_tape_memory(tape).scalars, scalars);
        ags_gradient(y[1], x, N, g);
        assert_true(fabs(g[0] - -0.2 * x[0].value * y[1].value) < 1e-15);
        assert_int_equal(ags_preaccumulate(mark, 12, y), AG_OK);
        ag_fail(AG_ENOMEM, "as above");
    }
    ags_gradient(y[1], x, N, g);
    for (int i = 0; i < N; i++) sum += g[i];
    ag_tape_free(tape);
    return ag_clear_error() ? NAN : sum;
}

static void ranges_of_scalars(void **state)
{
    (void)state;
    const long before = live;
    seen = 0, fail_at = 0;
    const double want = ranges();
    const long sites = seen;
    assert_true(isfinite(want));
    for (int mode = 0; mode < 2; mode++)
        for (long k = 1; k <= sites; k++) {
            from_then_on = mode, seen = 0, fired = false, fail_at = k;
            const double got = ranges();
            fail_at = 0;
            assert_true(fired && isnan(got));
            assert_int_equal(live, before);
        }
    assert_true(ranges() == want);
    print_message("# ranges of scalars: %ld sites tried twice\n", sites);
    assert_true(sites > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail),
                                        cmocka_unit_test(matrices_of_scalars), cmocka_unit_test(ranges_of_scalars) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
