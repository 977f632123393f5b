/* test_checkpoint.c - loops and functions that are computed again: the plain gradients bit for bit, in little memory.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <autograd/autograd.h>

static ag_tape *tape;
static int begin(void **state)
{
    (void)state;
    return (tape = ag_tape_new()) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    ag_clear_error();
    ag_tape_free(tape);
    return 0;
}

/* ---- loops ---- */

enum { NS = 3, NP = 3 };
static int64_t stepped;

/* A damped, driven oscillation and a quantity that is a constant until step 3. */
static void oscillate(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    const double h = *(const double *)user;
    ag_scalar force =
        ag_sub(ag_mul(p[2], sin(0.1 * (double)i)), ag_add(ag_mul(p[0], ag_sin(s[0])), ag_mul(p[1], s[1])));
    ag_scalar v = ag_fma(force, ag_const(h), s[1]);
    s[0] = ag_add(s[0], ag_mul(h, v));
    s[1] = v;
    s[2] = i < 3 ? ag_const((double)i) : ag_add(ag_mul(0.5, s[2]), ag_tanh(ag_mul(s[0], p[0])));
    stepped++;
}

struct kind {
    ag_scan_memory memory;
    int snapshots;
};
static const struct kind kinds[] = { { AG_SEGMENTS, 0 }, { AG_REVOLVE, 0 }, { AG_REVOLVE, 1 },
                                     { AG_REVOLVE, 2 },  { AG_REVOLVE, 5 }, { AG_STORE_ALL, 0 } };
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Parameters and first state; two loops with the same parameters and other uses of everything around them. */
static ag_scalar story(int64_t n, const ag_scalar *x, struct kind k, bool shared)
{
    static double h = 0.01;
    ag_scalar s[NS] = { x[NP], x[NP + 1], x[NP + 2] }, p[NP] = { x[0], x[1], x[2] };
    if (shared) s[1] = p[1], p[2] = p[0], s[2] = ag_const(0.25);
    ag_scalar before = ag_mul(s[0], p[0]);
    ags_scan(oscillate, n, s, NS, p, NP, .user = &h, .memory = k.memory, .snapshots = k.snapshots);
    ag_scalar between = ag_mul(ag_exp(s[1]), p[1]);
    s[0] = ag_mul(s[0], 1.125);
    ags_scan(oscillate, n / 2, s, NS, p, NP, .user = &h, .memory = k.memory, .snapshots = k.snapshots);
    return ag_add(ag_add(before, between), ag_add(ag_mul(s[0], s[2]), ag_mul(s[1], p[2])));
}

static const double start[NP + NS] = { 1.3, 0.2, 0.7, 0.4, -0.3, 0.9 };

static void loops_are_bit_equal(void **state)
{
    (void)state;
    static const int64_t lengths[] = { 0, 1, 2, 3, 10, 64, 65, 1000, 5000 };
    int compared = 0;
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (int shared = 0; shared < 2; shared++)
            for (int first_order = 0; first_order < 2; first_order++) {
                double plain[NP + NS], value = 0;
                for (int k = KINDS; k-- > 0;) {
                    ag_tape *t = ag_tape_new(.first_order = first_order);
                    ag_scalar x[NP + NS];
                    ags_inputs(NP + NS, start, x);
                    ag_scalar y = story(lengths[l], x, kinds[k], shared);
                    double g[2][NP + NS];
                    for (int again = 0; again < 2; again++) /* the second sweep has lost the states of the first */
                        assert_int_equal(ags_gradient(y, x, NP + NS, g[again]), AG_OK);
                    assert_memory_equal(g[0], g[1], sizeof *g);
                    if (kinds[k].memory == AG_STORE_ALL) memcpy(plain, g[0], sizeof plain), value = y.value;
                    assert_memory_equal(g[0], plain, sizeof plain);
                    assert_memory_equal(&y.value, &value, sizeof value);
                    compared += NP + NS;
                    ag_tape_free(t);
                }
            }
    print_message("# %d derivatives through loops, bit-equal to the plain ones\n", compared);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-11 * fmax(1, fabs(b));
}
#define NEAR(a, b) assert_true(near(a, b))

static void other_derivatives_of_loops(void **state)
{
    (void)state;
    enum { N = NP + NS, STEPS = 30 };
    const double v[N] = { 1, -2, 0.5, 0.25, 3, -1 };
    double jv[2], hessian[2][N][N], third[2];
    for (int shared = 0; shared < 2; shared++) {
        for (int plain = 0; plain < 2; plain++) {
            ag_scalar x[N], g[N], h[N];
            ags_inputs(N, start, x);
            ag_scalar y = story(STEPS, x, plain ? kinds[KINDS - 1] : kinds[1], shared);
            assert_int_equal(ags_jvp(&y, 1, x, N, v, &jv[plain]), AG_OK);
            assert_int_equal(ags_grads(y, x, N, g), AG_OK);
            for (int i = 0; i < N; i++) assert_int_equal(ags_gradient(g[i], x, N, hessian[plain][i]), AG_OK);
            assert_int_equal(ags_grads(g[0], x, N, h), AG_OK);
            third[plain] = ag_grad(h[1], x[3]).value;
            assert_int_equal(ag_tape_reset(tape), AG_OK);
        }
        NEAR(jv[0], jv[1]);
        NEAR(third[0], third[1]);
        for (int i = 0; i < N * N; i++) NEAR(hessian[0][i / N][i % N], hessian[1][i / N][i % N]);
    }
}

static void check_me(const ag_scalar *x, ag_scalar *y, void *user)
{
    y[0] = story(20, x, *(const struct kind *)user, false);
}
static void loops_pass_gradcheck(void **state)
{
    (void)state;
    for (int k = 0; k < KINDS; k++)
        if (ags_gradcheck(check_me, 1, start, NP + NS, .order = 2, .user = (void *)(uintptr_t)&kinds[k]))
            fail_msg("%s", ag_errmsg());
}

/* Tensors inside a step have a first derivative. */
static void through_tensors(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)i, (void)user;
    ag_scalar both[2] = { s[0], p[0] };
    ag_unpack(ag_tanh(ag_mul(ag_pack(2, both), 0.9)), 2, both);
    s[0] = ag_add(both[0], both[1]);
}
static void steps_with_tensors(void **state)
{
    (void)state;
    double g[2][2];
    for (int k = 0; k < 2; k++) {
        ag_scalar p = ag_input(0.3), s = ag_input(0.8), first = s;
        ags_scan(through_tensors, 50, &s, 1, &p, 1, .memory = k ? AG_STORE_ALL : AG_REVOLVE);
        assert_int_equal(ags_gradient(s, (ag_scalar[]){ p, first }, 2, g[k]), AG_OK);
        assert_int_equal(ag_tape_reset(tape), AG_OK);
    }
    assert_memory_equal(g[0], g[1], sizeof *g);
    ag_scalar p = ag_input(0.3), s = ag_input(0.8);
    ags_scan(through_tensors, 5, &s, 1, &p, 1);
    ag_grad(s, p);
    assert_int_equal(ag_error(), AG_ENODIFF);
}

/* A pendulum whose force is a derivative. */
static void by_energy(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)i, (void)user;
    ag_scalar energy = ag_mul(p[0], ag_square(ag_sin(s[0])));
    s[1] = ag_sub(s[1], ag_mul(0.1, ag_grad(energy, s[0])));
    s[0] = ag_add(s[0], ag_mul(0.1, s[1]));
}
static void steps_that_differentiate(void **state)
{
    (void)state;
    double value[KINDS], g[KINDS][3], hessian[KINDS][9];
    for (int k = KINDS; k-- > 0;) {
        ag_scalar x[3] = { ag_input(1.5), ag_input(0.5), ag_input(0.1) }, s[2] = { x[1], x[2] };
        ags_scan(by_energy, 30, s, 2, x, 1, .memory = kinds[k].memory, .snapshots = kinds[k].snapshots);
        value[k] = s[0].value;
        assert_int_equal(ags_gradient(s[0], x, 3, g[k]), AG_OK);
        assert_int_equal(ags_hessian(s[0], x, 3, hessian[k]), AG_OK);
        assert_true(value[k] == value[KINDS - 1]);
        assert_memory_equal(g[k], g[KINDS - 1], sizeof *g);
        for (int i = 0; i < 9; i++) NEAR(hessian[k][i], hessian[KINDS - 1][i]);
        assert_int_equal(ag_tape_reset(tape), AG_OK);
    }
}

/* A gradient that has nothing to do with a loop does not record it. */
static void loops_aside_cost_nothing(void **state)
{
    (void)state;
    ag_scalar x = ag_input(3), s = x, p = ag_input(0.5);
    ag_scalar square = ag_square(x);
    ags_scan(through_tensors, 1000, &s, 1, &p, 1);
    const uint64_t before = ag_tape_memory(tape).scalars;
    assert_true(ag_grad(square, x).value == 6);
    assert_true(ag_tape_memory(tape).scalars < before + 10);
}

/* Time as steps, so that it repeats; memory by the tape, the inner one included. */
static void loops_take_little(void **state)
{
    (void)state;
    struct {
        uint64_t peak;
        double steps, ms;
    } cost[3][2];
    static double h = 0.001;
    for (int k = 0; k < 3; k++)
        for (int big = 0; big < 2; big++) {
            const int64_t n = big ? 200000 : 2000;
            ag_tape *t = ag_tape_new(.first_order = true);
            double least = INFINITY;
            for (int round = 0; round < 3; round++) {
                clock_t from = clock();
                ag_scalar x[NP + NS], s[NS];
                double g[NP + NS];
                stepped = 0;
                ags_inputs(NP + NS, start, x);
                memcpy(s, x + NP, sizeof s);
                ags_scan(oscillate, n, s, NS, x, NP, .user = &h, .memory = (ag_scan_memory)k);
                assert_int_equal(ags_gradient(ag_add(s[0], s[1]), x, NP + NS, g), AG_OK);
                const double ms = 1e3 * (double)(clock() - from) / CLOCKS_PER_SEC;
                least = ms < least ? ms : least;
                cost[k][big].peak = ag_tape_memory(t).peak;
                assert_int_equal(ag_tape_reset(t), AG_OK);
            }
            cost[k][big].steps = (double)stepped / (double)n, cost[k][big].ms = least;
            ag_tape_free(t);
        }
    static const char *const names[] = { "segments", "revolve", "plain" };
    for (int k = 0; k < 3; k++)
        print_message(
            "# %-8s 2000 steps: %6.1f KB; 200000: %8.1f KB, each step runs %.2f times, %.2f of the plain time\n",
            names[k], (double)cost[k][0].peak / 1024, (double)cost[k][1].peak / 1024, cost[k][1].steps,
            cost[k][1].ms / cost[2][1].ms);
    assert_true(cost[AG_SEGMENTS][1].peak < 12 * cost[AG_SEGMENTS][0].peak); /* sqrt(100) */
    assert_true(cost[AG_REVOLVE][1].peak < 2 * cost[AG_REVOLVE][0].peak);    /* log(200000) / log(2000) */
    assert_true(cost[AG_REVOLVE][1].peak < 256 * 1024);
    assert_true(cost[AG_SEGMENTS][1].steps <= 2.01);
    assert_true(cost[AG_REVOLVE][1].steps <= 4);
}

static ag_scalar outsider;
static void captures(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)p, (void)i, (void)user;
    s[0] = ag_mul(s[0], outsider);
}
static void fails_late(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)p, (void)user;
    if (i == 7) ag_fail(AG_EINVAL, "no step after the seventh");
    s[0] = ag_mul(s[0], 1.5);
}

static void misused_loops(void **state)
{
    (void)state;
    ag_scalar s = ag_input(2), was = s;
    static double h = 0.1;
#define REFUSED(code, text, ...)                       \
    do {                                               \
        ag_clear_error();                              \
        s = ag_input(2), was = s;                      \
        assert_int_equal(ags_scan(__VA_ARGS__), code); \
        assert_non_null(strstr(ag_errmsg(), text));    \
        assert_memory_equal(&s, &was, sizeof s);       \
        ag_tape_reset(tape);                           \
    } while (0)
    REFUSED(AG_ENULL, "ags_scan: the step is NULL", NULL, 3, &s, 1, NULL, 0);
    REFUSED(AG_ENULL, "ags_scan: an array of 2 scalars is NULL", fails_late, 3, NULL, 2, NULL, 0);
    REFUSED(AG_ENULL, "ags_scan: an array of 1 scalars is NULL", fails_late, 3, &s, 1, NULL, 1);
    REFUSED(AG_EINVAL, "ags_scan: -1 steps", fails_late, -1, &s, 1, NULL, 0);
    REFUSED(AG_EINVAL, "-2 snapshots", fails_late, 3, &s, 1, NULL, 0, .snapshots = -2);
    REFUSED(AG_EINVAL, ".memory is 7", fails_late, 3, &s, 1, NULL, 0, .memory = (ag_scan_memory)7);
    for (int k = 0; k < 3; k++)
        REFUSED(AG_EINVAL, "after the seventh", fails_late, 20, &s, 1, NULL, 0, .memory = (ag_scan_memory)k);
    outsider = ag_input(3);
    assert_int_equal(ags_scan(captures, 4, &s, 1, NULL, 0), AG_ESTALE);
    ag_tape_reset(tape);
    assert_int_equal(ags_scan(captures, 4, &s, 1, NULL, 0), AG_ESTALE); /* s itself is stale */
    ag_tape_reset(tape);

    ag_tape *t = ag_tape_new(.first_order = true);
    ag_scalar x[NP + NS];
    ags_inputs(NP + NS, start, x);
    ags_scan(oscillate, 5, x + NP, NS, x, NP, .user = &h);
    ag_grad(x[NP], x[0]);
    assert_int_equal(ag_error(), AG_ENODIFF);
    ag_clear_error();
    ag_tape_free(t);
    assert_ptr_equal(ag_tape_current(), tape);

    AG_NO_GRAD {
        s = ag_const(1);
        assert_int_equal(ags_scan(fails_late, 5, &s, 1, NULL, 0), AG_OK);
    }
    assert_true(s.id == 0 && s.value == pow(1.5, 5));
}

/* ---- functions of tensors ---- */

struct block {
    ag_tensor *w, *b;
    int calls;
};

/* A block of a network with dropout; uses x twice. */
static ag_tensor *inside(ag_tensor **x, void *user)
{
    struct block *k = user;
    k->calls++;
    ag_tensor *h = ag_tanh(ag_linear(x[0], k->w, k->b));
    return ag_add(ag_dropout(ag_mul(h, x[1]), 0.3), ag_mul(x[0], ag_sum(h, -1)));
}

enum { ROWS = 3, WIDTH = 5 };
static ag_tensor *column_of(ag_tensor *x)
{
    return ag_reshape(x, -1, 1);
}
static ag_tensor *smooth(ag_tensor **x, void *user)
{
    struct block *k = user;
    k->calls++;
    ag_tensor *h = ag_tanh(ag_linear(x[0], k->w, k->b));
    return ag_add(ag_mul(h, x[1]), ag_mul(x[0], column_of(ag_sum(h, 1))));
}

static ag_tensor *maybe(bool checkpointed, ag_fn *f, ag_list x, void *user)
{
    return checkpointed ? ag_checkpoint(f, x, user) : f((ag_tensor **)(uintptr_t)x.at, user);
}

/* x is used around the block as well, and the block twice, the second time with a transposed operand. */
static ag_tensor *network(bool checkpointed, struct block *k, ag_tensor *x, ag_tensor *scale)
{
    ag_tensor *y = maybe(checkpointed, smooth, AG_LIST(x, scale), k);
    y = ag_add(y, ag_mul(0.3, x));
    ag_tensor *t = ag_transpose(ag_contiguous(ag_transpose(y, 0, 1)), 0, 1);
    return ag_add(maybe(checkpointed, smooth, AG_LIST(t, scale), k), ag_mul(scale, x));
}

static struct block make_block(ag_dtype dtype)
{
    ag_seed(5);
    return (struct block){ ag_param_like(ag_randn(dtype, WIDTH, WIDTH)), ag_param_like(ag_randn(dtype, WIDTH)), 0 };
}
static void free_block(struct block *k)
{
    ag_free(k->w), ag_free(k->b);
}

static void functions_are_bit_equal(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < 2; dtype++) {
        const ag_dtype d = dtype ? AG_F64 : AG_F32;
        struct block k = make_block(d);
        ag_tensor *x = ag_param_like(ag_randn(d, ROWS, WIDTH)), *scale = ag_param_like(ag_randn(d, ROWS, 1));
        ag_tensor *all[] = { k.w, k.b, x, scale };
        double plain[4][WIDTH * WIDTH];
        for (int checkpointed = 0; checkpointed < 2; checkpointed++) {
            ag_zero_grad(AG_PARAMS({ "w", k.w }, { "b", k.b }, { "x", x }, { "scale", scale }));
            k.calls = 0;
            ag_seed(9);
            ag_tensor *y = network(checkpointed, &k, x, scale);
            y = ag_add(y, ag_randn(d, ROWS, WIDTH)); /* drawn after the block */
            ag_hook(x, NULL, NULL), ag_clear_error();
            assert_int_equal(ag_backward(ag_sum(ag_square(y))), AG_OK);
            for (int i = 0; i < 4; i++) {
                double g[WIDTH * WIDTH];
                const int64_t n = ag_numel(all[i]);
                assert_int_equal(ag_read(ag_grad_of(all[i]), g, n), AG_OK);
                if (!checkpointed) memcpy(plain[i], g, (size_t)n * sizeof *g);
                assert_memory_equal(g, plain[i], (size_t)n * sizeof *g);
            }
            assert_int_equal(k.calls, checkpointed ? 4 : 2);
            assert_int_equal(ag_tape_reset(tape), AG_OK);
        }
        free_block(&k), ag_free(x), ag_free(scale);
    }
}

/* Random numbers repeat, and the generator stands where the plain run leaves it. */
static void random_numbers_repeat(void **state)
{
    (void)state;
    struct block k = make_block(AG_F64);
    ag_tensor *x = ag_param_like(ag_randn(AG_F64, WIDTH)), *scale = ag_param_like(ag_randn(AG_F64, WIDTH));
    double g[2][WIDTH], after[2];
    for (int checkpointed = 0; checkpointed < 2; checkpointed++) {
        ag_seed(11);
        ag_tensor *y = maybe(checkpointed, inside, AG_LIST(x, scale), &k);
        ag_tensor *sum = ag_sum(y), *d = NULL;
        AG_NO_GRAD
            d = ag_grad(sum, x);
        assert_int_equal(ag_read(d, g[checkpointed], WIDTH), AG_OK);
        after[checkpointed] = ag_item(ag_rand(AG_F64, 1));
        ag_tape_reset(tape);
    }
    assert_memory_equal(g[0], g[1], sizeof *g);
    assert_true(g[0][0] != 0 && after[0] == after[1]);
    free_block(&k), ag_free(x), ag_free(scale);
}

struct nested {
    struct block k;
    bool deep;
};
static ag_tensor *one_level(ag_tensor **x, void *user)
{
    struct nested *n = user;
    return ag_tanh(ag_checkpoint(smooth, AG_LIST(ag_mul(x[0], 0.5), x[1]), &n->k));
}
static ag_tensor *two_levels(ag_tensor **x, void *user)
{
    struct nested *n = user;
    ag_tensor *y = ag_checkpoint(one_level, AG_LIST(x[0], x[1]), n);
    return ag_sum(
        ag_mul(y, ag_checkpoint(n->deep ? one_level : smooth, AG_LIST(y, x[1]), n->deep ? (void *)n : &n->k)));
}
static ag_tensor *returns_its_operand(ag_tensor **x, void *user)
{
    (void)user;
    return x[1];
}
static ag_tensor *around(ag_tensor **x, void *user)
{
    return ag_mul(ag_checkpoint(returns_its_operand, AG_LIST(x[0], x[1]), user), x[0]);
}

static void functions_pass_gradcheck(void **state)
{
    (void)state;
    struct nested n = { make_block(AG_F64), true };
    ag_params params = AG_PARAMS({ "w", n.k.w }, { "b", n.k.b });
    ag_list x = AG_LIST(ag_randn(AG_F64, ROWS, WIDTH), ag_randn(AG_F64, ROWS, 1));
    for (int deep = 0; deep < 2; deep++) {
        n.deep = deep;
        if (ag_gradcheck(two_levels, x, .order = 2, .user = &n, .params = params)) fail_msg("%s", ag_errmsg());
    }
    if (ag_gradcheck(around, AG_LIST(ag_randn(AG_F64, 3), ag_randn(AG_F64, 3)), .order = 2))
        fail_msg("%s", ag_errmsg());
    free_block(&n.k);
}

/* One tensor as several operands, or as an operand and a leaf that the function uses besides. */
static ag_tensor *of_two(ag_tensor **x, void *user)
{
    ag_tensor *y = ag_mul(ag_tanh(x[0]), ag_sum(ag_square(x[1])));
    return user ? ag_mul(y, (ag_tensor *)user) : y;
}
static ag_tensor *of_one(ag_tensor **x, void *user)
{
    ag_tensor *y = ag_checkpoint(of_two, AG_LIST(x[0], x[0]), user);
    return ag_checkpoint(of_two, AG_LIST(ag_sin(y), y), NULL);
}
static void repeated_operands(void **state)
{
    (void)state;
    ag_tensor *w = ag_param_like(ag_randn(AG_F64, 5)), *x = ag_variable(ag_copy(ag_f64(w), 5)), *g[2], *y[2];
    for (int plain = 0; plain < 2; plain++) {
        ag_tensor *in[] = { x, x }, *two = plain ? of_two(in, NULL) : ag_checkpoint(of_two, AG_LIST(x, x), NULL);
        y[plain] = ag_sum(ag_mul(ag_exp(two), x)); /* the checkpoint's gradient is added to another */
        AG_NO_GRAD
            g[plain] = ag_grad(y[plain], x);
    }
    assert_int_equal(ag_error(), AG_OK);
    assert_memory_equal(ag_f64(g[0]), ag_f64(g[1]), 5 * sizeof(double));
    if (ag_gradcheck(of_one, AG_LIST(x), .order = 2)) fail_msg("%s", ag_errmsg());
    /* tanh(w) times the sum of w^2, times w as a leaf */
    ag_backward(ag_sum(ag_checkpoint(of_two, AG_LIST(w, w), w)));
    double sum = 0, of_products = 0;
    for (int i = 0; i < 5; i++) sum += ag_at(w, i) * ag_at(w, i), of_products += ag_at(w, i) * tanh(ag_at(w, i));
    for (int i = 0; i < 5; i++) {
        const double v = ag_at(w, i), t = tanh(v);
        NEAR(ag_at(ag_grad_of(w), i), 2 * v * of_products + sum * (t + v * (1 - t * t)));
    }
    ag_free(w);
}

/* Third derivatives, and Hessian-vector products, forward over reverse. */
static ag_tensor *quartic(ag_tensor **x, void *user)
{
    (void)user;
    return ag_sum(ag_mul(ag_square(ag_square(x[0])), x[1]));
}
static void higher_derivatives(void **state)
{
    (void)state;
    static const double at[] = { 1, -2 }, factor[] = { 3, 0.5 }, v[] = { 1, 10 };
    ag_tensor *x = ag_variable(ag_copy(at, 2)), *c = ag_copy(factor, 2);
    ag_tensor *y = ag_checkpoint(quartic, AG_LIST(x, c), NULL);
    ag_tensor *g = ag_grad(y, x), *h = ag_grad(ag_sum(g), x), *third = ag_grad(ag_sum(h), x);
    ag_tensor *hv = ag_hvp(y, x, ag_copy(v, 2)), *all = ag_hessian(y, x);
    assert_int_equal(ag_error(), AG_OK);
    NEAR(ag_at(g, 1), 4 * 0.5 * -8);
    NEAR(ag_at(h, 0), 36), NEAR(ag_at(h, 1), 24);
    NEAR(ag_at(third, 0), 72), NEAR(ag_at(third, 1), -24);
    NEAR(ag_at(hv, 0), 36), NEAR(ag_at(hv, 1), 240);
    NEAR(ag_at(all, 0, 0), 36), NEAR(ag_at(all, 0, 1), 0), NEAR(ag_at(all, 1, 1), 24);
}

/* Both dtypes among the operands, so that a derivative is cut in two. */
static ag_tensor *mixed(ag_tensor **x, void *user)
{
    (void)user;
    return ag_mul(ag_to(ag_exp(x[0]), AG_F64), ag_sin(x[1]));
}
static void mixed_dtypes(void **state)
{
    (void)state;
    ag_tensor *a = ag_variable(ag_full(AG_F32, 0.5, 2)), *b = ag_variable(ag_full(AG_F64, 0.25, 2));
    ag_tensor *g[2];
    assert_int_equal(ag_grads(ag_sum(ag_checkpoint(mixed, AG_LIST(a, b), NULL)), AG_LIST(a, b), g), AG_OK);
    assert_true(ag_dtype_of(g[0]) == AG_F32 && ag_dtype_of(g[1]) == AG_F64);
    assert_true(fabs(ag_at(g[0], 1) - exp(0.5) * sin(0.25)) < 1e-6);
    assert_true(fabs(ag_at(g[1], 1) - exp(0.5) * cos(0.25)) < 1e-6);
}

/* A deep chain: what is inside the blocks is there one block at a time. */
static ag_tensor *wide(ag_tensor **x, void *user)
{
    (void)user;
    ag_tensor *y = x[0];
    for (int i = 0; i < 10; i++) y = ag_tanh(ag_mul(y, 1.01));
    return y;
}
static void functions_take_little(void **state)
{
    (void)state;
    uint64_t peak[2];
    for (int checkpointed = 0; checkpointed < 2; checkpointed++) {
        ag_tape *t = ag_tape_new();
        ag_tensor *x = ag_variable(ag_full(AG_F64, 0.5, 10000)), *y = x;
        for (int i = 0; i < 20; i++) y = maybe(checkpointed, wide, AG_LIST(y), NULL);
        assert_int_equal(ag_backward(ag_sum(y)), AG_OK);
        peak[checkpointed] = ag_tape_memory(t).peak;
        ag_tape_free(t);
    }
    print_message("# 20 blocks of 20 operations: %.1f MB plain, %.1f MB checkpointed\n", (double)peak[0] / 1e6,
                  (double)peak[1] / 1e6);
    assert_true(peak[1] < peak[0] / 5);
}

static ag_tensor *gives_up(ag_tensor **x, void *user)
{
    (void)x, (void)user;
    return NULL;
}
static ag_tensor *kept;
static ag_tensor *foreign(ag_tensor **x, void *user)
{
    (void)user;
    return ag_mul(x[0], kept);
}

/* f may differentiate, and hold loops. */
static ag_tensor *slope_inside(ag_tensor **x, void *user)
{
    (void)user;
    return ag_grad(ag_sum(ag_mul(ag_square(x[0]), ag_exp(x[0]))), x[0]);
}
static ag_tensor *loop_inside(ag_tensor **x, void *user)
{
    static double h = 0.01;
    ag_scalar s[NP + NS];
    (void)user;
    ag_unpack(x[0], NP + NS, s);
    ags_scan(oscillate, 20, s + NP, NS, s, NP, .user = &h);
    return ag_pack(NP + NS, s);
}
static void what_functions_may_do(void **state)
{
    (void)state;
    ag_fn *const fs[] = { slope_inside, loop_inside };
    for (int k = 0; k < 2; k++) {
        double h[2][NP + NS], j[2][NP + NS], y[2][NP + NS];
        for (int plain = 0; plain < 2; plain++) {
            ag_tensor *x = ag_variable(ag_copy(start, NP + NS)), *v = ag_linspace(AG_F64, -1, 1, NP + NS);
            ag_tensor *out = plain ? fs[k](&x, NULL) : ag_checkpoint(fs[k], AG_LIST(x), NULL);
            ag_read(out, y[plain], NP + NS);
            ag_read(ag_jvp(out, x, v), j[plain], NP + NS);
            ag_read(ag_hvp(ag_sum(ag_square(out)), x, v), h[plain], NP + NS);
            assert_int_equal(ag_tape_reset(tape), AG_OK);
        }
        assert_memory_equal(y[0], y[1], sizeof *y);
        for (int i = 0; i < NP + NS; i++) {
            NEAR(h[0][i], h[1][i]);
            NEAR(j[0][i], j[1][i]);
        }
    }
}

static ag_tensor *moody(ag_tensor **x, void *user)
{
    return ++*(int *)user > 1 ? ag_sum(x[0]) : x[0];
}
static void misused_functions(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_ones(AG_F64, 3));
#define NOT(code, text, f, list)                    \
    do {                                            \
        assert_null(ag_checkpoint(f, list, NULL));  \
        assert_int_equal(ag_error(), code);         \
        assert_non_null(strstr(ag_errmsg(), text)); \
        ag_clear_error();                           \
    } while (0)
    NOT(AG_ENULL, "ag_checkpoint: the function is NULL", NULL, AG_LIST(x));
    NOT(AG_ENULL, "ag_checkpoint: operand 2 is NULL", quartic, AG_LIST(x, NULL));
    NOT(AG_EINVAL, "ag_checkpoint: the function returned NULL", gives_up, AG_LIST(x));
    int runs = 0;
    assert_int_equal(ag_backward(ag_sum(ag_checkpoint(moody, AG_LIST(x), &runs))), AG_ESHAPE);
    assert_non_null(strstr(ag_errmsg(), "ag_checkpoint: the function made "));
    ag_clear_error();
    kept = ag_mul(x, 2.0);
    NOT(AG_ETAPE, "operand 2", foreign, AG_LIST(x));
    assert_ptr_equal(ag_tape_current(), tape);
    assert_non_null(ag_checkpoint(quartic, AG_LIST(x, x), NULL));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(loops_are_bit_equal),      TEST(other_derivatives_of_loops),
        TEST(loops_pass_gradcheck),     TEST(steps_with_tensors),
        TEST(steps_that_differentiate), TEST(loops_aside_cost_nothing),
        TEST(loops_take_little),        TEST(misused_loops),
        TEST(functions_are_bit_equal),  TEST(random_numbers_repeat),
        TEST(functions_pass_gradcheck), TEST(repeated_operands),
        TEST(higher_derivatives),       TEST(mixed_dtypes),
        TEST(functions_take_little),    TEST(what_functions_may_do),
        TEST(misused_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
