/* test_gradcheck.c - the check is checked: right derivatives pass, planted faults are found and named. */
#include <autograd/autograd.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const double point[] = { 0.7, -1.2, 0.4, 1.9, -0.6, 1.1 };

static int with_tape(void **state)
{
    *state = ag_tape_new();
    return *state ? 0 : -1;
}
static int without_tape(void **state)
{
    ag_clear_error();
    ag_tape_free(*state);
    return 0;
}

static ag_tensor *matrix(void)
{
    return ag_reshape(ag_copy(point, 6), 2, 3);
}

/* The check fails with AG_ECHECK, and says all of this. */
static void found(ag_status status, const char *const *words)
{
    if (status != AG_ECHECK) print_error("%s: %s\n", ag_status_text(status), ag_errmsg());
    assert_int_equal(status, AG_ECHECK);
    for (; *words; words++) {
        if (!strstr(ag_errmsg(), *words)) print_error("no \"%s\" in: %s\n", *words, ag_errmsg());
        assert_non_null(strstr(ag_errmsg(), *words));
    }
    ag_clear_error();
}
#define FOUND(status, ...) found((status), (const char *const[]){ __VA_ARGS__, NULL })
#define PASSES(status)                                \
    do {                                              \
        if (status) print_error("%s\n", ag_errmsg()); \
        assert_int_equal(ag_error(), AG_OK);          \
    } while (0)
#define FAILS(code, status)                 \
    do {                                    \
        assert_int_equal((status), (code)); \
        assert_true(*ag_errmsg());          \
        ag_clear_error();                   \
    } while (0)

/* ---- an operation of one's own, a^2 b, and its faulty copies ---- */

static ag_status product_forward(ag_call *c)
{
    const double *a = ag_f64(c->in[0]), *b = ag_f64(c->in[1]);
    double *y = ag_f64_write(c->out[0]);
    for (int64_t i = 0; y && i < ag_numel(c->out[0]); i++) y[i] = a[i] * a[i] * b[i];
    return ag_error();
}

static ag_tensor *by_a(ag_call *c, ag_tensor *g)
{
    return ag_mul(g, ag_mul(2.0, ag_mul(c->in[0], c->in[1])));
}
static ag_tensor *by_b(ag_call *c, ag_tensor *g)
{
    return ag_mul(g, ag_square(c->in[0]));
}

static ag_status vjp_with(ag_call *c, double sign, double factor, bool second)
{
    if (c->need[0]) c->gin[0] = ag_mul(by_a(c, c->g[0]), sign);
    if (c->need[1]) c->gin[1] = second ? ag_mul(by_b(c, c->g[0]), factor) : NULL;
    return ag_error();
}
static ag_status vjp_right(ag_call *c)
{
    return vjp_with(c, 1, 1, true);
}
static ag_status vjp_sign(ag_call *c)
{
    return vjp_with(c, -1, 1, true);
}
static ag_status vjp_factor(ag_call *c)
{
    return vjp_with(c, 1, 1.001, true);
}
static ag_status vjp_missing(ag_call *c)
{
    return vjp_with(c, 1, 1, false);
}

/* One entry, 4 of 6, is off by a little. */
static ag_status vjp_entry(ag_call *c)
{
    double off[] = { 1, 1, 1, 1, 1.0001, 1 };
    vjp_right(c);
    if (c->need[1]) c->gin[1] = ag_mul(c->gin[1], ag_reshape(ag_copy(off, 6), 2, 3));
    return ag_error();
}
/* Right for a gradient that is 0 but in one place. */
static ag_status vjp_bent(ag_call *c)
{
    ag_tensor *flat = ag_reshape(c->g[0], -1);
    vjp_right(c);
    if (c->need[0]) c->gin[0] = ag_add(c->gin[0], ag_reshape(ag_mul(flat, ag_roll(flat, 1, 0)), 2, 3));
    return ag_error();
}
/* The right values, but a part of them is no longer a function of a. */
static ag_status vjp_cut(ag_call *c)
{
    if (c->need[0]) c->gin[0] = by_a(c, c->g[0]);
    if (c->need[1]) c->gin[1] = ag_mul(c->g[0], ag_mul(c->in[0], ag_detach(c->in[0])));
    return ag_error();
}

/* The same with what it was given. */
static ag_status vjp_deaf(ag_call *c)
{
    ag_tensor *g = ag_detach(c->g[0]);
    if (c->need[0]) c->gin[0] = by_a(c, g);
    if (c->need[1]) c->gin[1] = by_b(c, g);
    return ag_error();
}

static ag_status jvp_with(ag_call *c, double factor)
{
    ag_tensor *a = c->tangent[0] ? by_a(c, c->tangent[0]) : NULL, *b = c->tangent[1] ? by_b(c, c->tangent[1]) : NULL;
    if (b) b = ag_mul(b, factor);
    c->tout[0] = a && b ? ag_add(a, b) : a ? a : b;
    return ag_error();
}
static ag_status jvp_right(ag_call *c)
{
    return jvp_with(c, 1);
}
static ag_status jvp_wrong(ag_call *c)
{
    return jvp_with(c, 1 + 1e-9);
}

static ag_status backward_with(ag_call *c, double factor)
{
    const double *a = ag_f64(c->in[0]), *b = ag_f64(c->in[1]), *g = ag_f64(c->g[0]);
    double *ga = c->need[0] ? ag_f64_write(c->gin[0]) : NULL, *gb = c->need[1] ? ag_f64_write(c->gin[1]) : NULL;
    for (int64_t i = 0; i < ag_numel(c->out[0]); i++) {
        if (ga) ga[i] = (c->add[0] ? ga[i] : 0) + factor * g[i] * 2 * a[i] * b[i];
        if (gb) gb[i] = (c->add[1] ? gb[i] : 0) + g[i] * a[i] * a[i];
    }
    return ag_error();
}
static ag_status backward_right(ag_call *c)
{
    return backward_with(c, 1);
}
static ag_status backward_wrong(ag_call *c)
{
    return backward_with(c, 1.001);
}
/* The second input's gradient first, which matters where both are one tensor. */
static ag_status backward_from_behind(ag_call *c)
{
    const double *a = ag_f64(c->in[0]), *b = ag_f64(c->in[1]), *g = ag_f64(c->g[0]);
    for (int k = 1; k >= 0; k--) {
        double *to = c->need[k] ? ag_f64_write(c->gin[k]) : NULL;
        for (int64_t i = 0; to && i < ag_numel(c->out[0]); i++)
            to[i] = (c->add[k] ? to[i] : 0) + g[i] * a[i] * (k ? a[i] : 2 * b[i]);
    }
    return ag_error();
}

#define PRODUCT(name_, vjp_, jvp_, backward_)                \
    static const ag_op name_ = { .name = #name_,             \
                                 .n_in = 2,                  \
                                 .shape = ag_shape_same,     \
                                 .forward = product_forward, \
                                 .vjp = vjp_,                \
                                 .jvp = jvp_,                \
                                 .backward = backward_ }
PRODUCT(product, vjp_right, jvp_right, backward_right);
PRODUCT(from_behind, vjp_right, jvp_right, backward_from_behind);
PRODUCT(without_kernel, vjp_right, jvp_right, NULL);
PRODUCT(without_forward_rule, vjp_right, NULL, NULL);
PRODUCT(wrong_sign, vjp_sign, jvp_right, NULL);
PRODUCT(not_linear, vjp_bent, jvp_right, NULL);
PRODUCT(wrong_factor, vjp_factor, jvp_right, NULL);
PRODUCT(missing_term, vjp_missing, jvp_right, NULL);
PRODUCT(wrong_entry, vjp_entry, jvp_right, NULL);
PRODUCT(wrong_second, vjp_cut, jvp_right, NULL);
PRODUCT(wrong_by_gradient, vjp_deaf, jvp_right, NULL);
PRODUCT(wrong_jvp, vjp_right, jvp_wrong, NULL);
PRODUCT(wrong_kernel, vjp_right, jvp_right, backward_wrong);
PRODUCT(wrong_beside_kernel, vjp_factor, jvp_right, backward_right);

static ag_tensor *apply(ag_tensor **x, void *op)
{
    return ag_apply((const ag_op *)op, NULL, x[0], x[1]);
}
static ag_tensor *apply_to_one(ag_tensor **x, void *op)
{
    ag_tensor *y = ag_mul(x[0], 2.0);
    return ag_add(ag_apply((const ag_op *)op, NULL, y, y), ag_apply((const ag_op *)op, NULL, x[0], x[0]));
}
#define CHECK(op, ...) \
    ag_gradcheck(apply, AG_LIST(matrix(), ag_add(matrix(), 0.3)), .user = (void *)(uintptr_t) & (op), __VA_ARGS__)

static void right_ones_pass(void **state)
{
    (void)state;
    PASSES(CHECK(product, .order = 2));
    PASSES(CHECK(from_behind, .order = 2));
    PASSES(ag_gradcheck(apply_to_one, AG_LIST(matrix()), .user = (void *)(uintptr_t)&product, .order = 2));
    PASSES(ag_gradcheck(apply_to_one, AG_LIST(matrix()), .user = (void *)(uintptr_t)&from_behind, .order = 2));
    PASSES(CHECK(without_kernel, .order = 2));
    PASSES(CHECK(without_forward_rule, .order = 2, .no_forward = true));
}

/* A step in proportion to x jumps over many waves: first differences agree with each other and with nothing else. */
static ag_tensor *waves(ag_tensor **x, void *user)
{
    return ag_mul(ag_sin(ag_mul(100.0, x[0])), *(const double *)user);
}
static void waves_are_seen(void **state)
{
    (void)state;
    double one = 1;
    for (int k = 0; k < 40; k++)
        PASSES(ag_gradcheck(waves, AG_LIST(ag_mul(1000.0, ag_randn(AG_F64, 8))), .user = &one));
}

static void faults_are_found(void **state)
{
    (void)state;
    FOUND(CHECK(wrong_sign, .no_forward = true), "ag_gradcheck", "input 0 [", "analytic", "numeric", "6 of 72");
    FOUND(CHECK(wrong_factor, .no_forward = true), "input 1 [", "6 of 72");
    FOUND(CHECK(missing_term, .no_forward = true), "input 1 [", "analytic 0");
    FOUND(CHECK(wrong_entry, .no_forward = true), "d y [1,1] / d input 1 [1,1]", "1 of 72");
    FOUND(CHECK(wrong_kernel, .no_forward = true), "input 0 [");
    FOUND(CHECK(wrong_beside_kernel, .order = 1), "input 1 [", "recorded rules");
    FOUND(CHECK(wrong_jvp, .order = 1), "input 1", "<u, J v>", "with which differences agree");
    PASSES(CHECK(wrong_jvp, .no_forward = true));
    PASSES(CHECK(wrong_second, .no_forward = true));
    FOUND(CHECK(wrong_second, .no_forward = true, .order = 2), "(gradient by input 1 [", "/ d input 0 [");
    PASSES(CHECK(wrong_by_gradient, .no_forward = true));
    FOUND(CHECK(wrong_by_gradient, .no_forward = true, .order = 2), "(gradient by input ");
    FOUND(CHECK(wrong_sign, .order = 1), "d y [", "/ d input 0 [",
          "6 of 72"); /* which of the two is wrong, and where */
    FOUND(CHECK(not_linear, .no_forward = true), "input 0 [", "a rule is not linear");
    FAILS(AG_ENODIFF, CHECK(without_forward_rule, .order = 1));
}

/* ---- functions of tensors ---- */

static ag_tensor *mixture(ag_tensor **x, void *user)
{
    (void)user;
    return ag_matmul(ag_tanh(x[0]), ag_transpose(ag_exp(x[0]), 0, 1));
}

static int expanded_seen;
static ag_tensor *keeps_strides(ag_tensor **x, void *user)
{
    (void)user;
    assert_int_equal(ag_stride(x[0], 0), 1);
    assert_int_equal(ag_stride(x[0], 1), 3);
    assert_int_equal(ag_stride(x[1], 1), -1);
    expanded_seen += ag_stride(x[2], 0) == 0;
    assert_int_equal(ag_dtype_of(x[3]), AG_I64);
    assert_int_equal(ag_stride(x[3], 0), 2);
    return ag_take(ag_mul(ag_transpose(x[0], 0, 1), ag_mul(x[1], x[2])), 1, x[3]);
}

static void strides_are_kept(void **state)
{
    (void)state;
    const int64_t index[] = { 2, 9, 0, 9, 2, 9 };
    ag_tensor *x[] = { ag_transpose(matrix(), 0, 1), ag_flip(matrix(), 1), ag_expand(ag_copy(point, 3), 2, 3),
                       ag_slice_step(ag_copy(index, 6), 0, 0, 6, 2) };
    expanded_seen = 0;
    PASSES(ag_gradcheck(keeps_strides, AG_LIST(x[0], x[1], x[2], x[3]), .order = 2));
    assert_true(expanded_seen > 0);
}

static ag_tensor *nothing_of_it(ag_tensor **x, void *user)
{
    (void)user;
    return ag_slice(ag_exp(x[0]), 0, 1, 1);
}
static ag_tensor *itself(ag_tensor **x, void *user)
{
    (void)user;
    return x[0];
}
static ag_tensor *constant(ag_tensor **x, void *user)
{
    (void)user;
    return ag_ones_like(x[0]);
}

static void shapes_of_all_kinds(void **state)
{
    (void)state;
    PASSES(ag_gradcheck(mixture, AG_LIST(matrix()), .order = 2));
    PASSES(ag_gradcheck(itself, AG_LIST(ag_zeros(AG_F64)), .order = 2));
    PASSES(ag_gradcheck(itself, AG_LIST(ag_zeros(AG_F64, 2, 0)), .order = 2));
    PASSES(ag_gradcheck(nothing_of_it, AG_LIST(ag_ones(AG_F64, 3)), .order = 2));
    PASSES(ag_gradcheck(constant, AG_LIST(ag_ones(AG_F64, 3)), .order = 2));
}

/* A function of thousands: steps follow the size of x, and offsets do not hide slopes. */
static ag_tensor *far_away(ag_tensor **x, void *user)
{
    (void)user;
    return ag_add(ag_square(x[0]), 1e3);
}
static ag_tensor *narrow(ag_tensor **x, void *user)
{
    (void)user;
    return ag_log(x[0]);
}

static void points_of_all_sizes(void **state)
{
    (void)state;
    const double far[] = { 1e6, -3e4, 1e-9 }, near_0[] = { 1e-2, 1e-3, 1e-4 };
    PASSES(ag_gradcheck(far_away, AG_LIST(ag_copy(far, 3))));
    PASSES(ag_gradcheck(far_away, AG_LIST(ag_full(AG_F64, 1e9))));
    PASSES(ag_gradcheck(narrow, AG_LIST(ag_copy(near_0, 3))));
}

/* ---- what cannot be told ---- */

static ag_tensor *rectified(ag_tensor **x, void *user)
{
    (void)user;
    return ag_relu(x[0]);
}
static ag_tensor *noisy(ag_tensor **x, void *user)
{
    unsigned *calls = user;
    return ag_add(ag_sin(x[0]), 1e-7 * sin(1e5 * ++*calls));
}
static ag_tensor *not_a_number(ag_tensor **x, void *user)
{
    (void)user;
    return ag_log(x[0]);
}

static void doubt_is_failure(void **state)
{
    (void)state;
    const double at_kink[] = { 1.0, 0.0, -1.0 }, beside[] = { 1.0, 1e-6, -1e-6 };
    FOUND(ag_gradcheck(rectified, AG_LIST(ag_copy(at_kink, 3))), "d y [1] / d input 0 [1]", "kink", "1 of 9");
    PASSES(ag_gradcheck(rectified, AG_LIST(ag_copy(beside, 3))));
    unsigned calls = 0;
    FOUND(ag_gradcheck(noisy, AG_LIST(ag_copy(point, 3)), .user = &calls), "inconclusive");
    FOUND(ag_gradcheck(not_a_number, AG_LIST(ag_full(AG_F64, -1, 2)), .no_forward = true), "ag_gradcheck");
}

/* ---- parameters, random numbers, what is put back ---- */

struct layer {
    ag_tensor *w, *b, *counts;
    bool dropout;
};
static ag_tensor *layer(ag_tensor **x, void *user)
{
    const struct layer *l = user;
    ag_tensor *y = ag_tanh(ag_linear(x[0], l->w, l->b));
    return l->dropout ? ag_mul(y, ag_to(ag_bernoulli(0.5, 2, 2), AG_F64)) : y;
}
static ag_tensor *wrong_layer(ag_tensor **x, void *user)
{
    const struct layer *l = user;
    return ag_add(layer(x, user), ag_detach(l->b));
}

static void parameters(void **state)
{
    (void)state;
    struct layer l = { ag_param(AG_F64, 2, 3), ag_param(AG_F64, 2), ag_new(AG_I64, 2), false };
    ag_write(l.w, point, 6);
    ag_params params = AG_PARAMS({ "w", l.w }, { "b", l.b }, { "counts", l.counts });
    uint32_t version = ag_version_of(l.w);
    PASSES(ag_gradcheck(layer, AG_LIST(matrix()), .user = &l, .params = params, .order = 2));
    assert_memory_equal(ag_f64(l.w), point, sizeof point);
    assert_int_equal(ag_version_of(l.w), version);
    assert_null(ag_grad_of(l.w));
    FOUND(ag_gradcheck(wrong_layer, AG_LIST(matrix()), .user = &l, .params = params), "/ d b [", "4 of 56");
    ag_freeze(l.b, true);
    PASSES(ag_gradcheck(wrong_layer, AG_LIST(matrix()), .user = &l, .params = params));
    ag_tensor *temporary = ag_ones(AG_F64, 2);
    FAILS(AG_EINVAL, ag_gradcheck(layer, AG_LIST(matrix()), .user = &l, .params = AG_PARAMS({ "t", temporary })));
    ag_free(l.w), ag_free(l.b), ag_free(l.counts);
}

static void the_thread_is_as_before(void **state)
{
    struct layer l = { ag_param(AG_F64, 2, 3), ag_param(AG_F64, 2), NULL, true };
    ag_write(l.w, point, 6);
    ag_seed(11);
    (void)ag_rand(AG_F64, 3);
    ag_rng before = ag_rng_get();
    ag_tensor *x = matrix();
    bool was = ag_record(false);
    PASSES(ag_gradcheck(layer, AG_LIST(x), .user = &l, .params = AG_PARAMS({ "w", l.w }), .order = 2));
    assert_false(ag_record(was));
    ag_rng after = ag_rng_get();
    assert_true(before.seed == after.seed && before.counter == after.counter);
    assert_ptr_equal(ag_tape_current(), *state);
    assert_true(ag_item(ag_select(ag_select(x, 0, 0), 0, 0)) == point[0]);
    ag_free(l.w), ag_free(l.b);
}

/* A tape made by the function and left behind is not what the caller comes back to. */
static ag_tensor *leaves_a_tape(ag_tensor **x, void *user)
{
    ag_tensor *y = ag_sin(x[0]);
    ag_tape **left = user;
    if (!*left) *left = ag_tape_new();
    return y;
}

static void nor_is_a_tape_left_current(void **state)
{
    ag_tape *left = NULL;
    PASSES(ag_gradcheck(leaves_a_tape, AG_LIST(matrix()), .user = &left));
    assert_ptr_equal(ag_tape_current(), *state);
    ag_tape_free(left);
}

/* ---- misuse ---- */

static ag_tensor *gives_up(ag_tensor **x, void *user)
{
    (void)x, (void)user;
    return NULL;
}
static ag_tensor *reports(ag_tensor **x, void *user)
{
    (void)x, (void)user;
    ag_fail(AG_ESTOP, "reports: no more");
    return NULL;
}
static ag_tensor *single(ag_tensor **x, void *user)
{
    (void)user;
    return ag_to(x[0], AG_F32);
}
static ag_tensor *grows(ag_tensor **x, void *user)
{
    int64_t *n = user;
    return ag_expand(ag_sum(x[0]), ++*n);
}
static ag_tensor *stops_later(ag_tensor **x, void *user)
{
    int64_t *n = user;
    return --*n > 0 ? ag_exp(x[0]) : NULL;
}

static void misuse(void **state)
{
    (void)state;
    ag_tensor *x = matrix(), *whole = ag_ones(AG_I64, 2);
    FAILS(AG_EUSER, ag_gradcheck(gives_up, AG_LIST(x)));
    FAILS(AG_ESTOP, ag_gradcheck(reports, AG_LIST(x)));
    FAILS(AG_EDTYPE, ag_gradcheck(single, AG_LIST(x)));
    FAILS(AG_EDTYPE, ag_gradcheck(mixture, AG_LIST(ag_to(x, AG_F32))));
    FAILS(AG_EINVAL, ag_gradcheck(itself, AG_LIST(whole)));
    FAILS(AG_EINVAL, ag_gradcheck(mixture, AG_LIST(x), .order = 3));
    FAILS(AG_ENULL, ag_gradcheck(NULL, AG_LIST(x)));
    FAILS(AG_ENULL, ag_gradcheck(mixture, AG_LIST(NULL)));
    int64_t n = 0;
    FAILS(AG_EINVAL, ag_gradcheck(grows, AG_LIST(x), .user = &n, .no_forward = true));
    for (n = 1; n < 8; n++) {
        int64_t left = n;
        FAILS(AG_EUSER, ag_gradcheck(stops_later, AG_LIST(x), .user = &left, .order = 2));
    }
    ag_fail(AG_EIO, "of before");
    FAILS(AG_EIO, ag_gradcheck(mixture, AG_LIST(x)));
}

static void without_a_tape(void **state)
{
    (void)state;
    ag_tensor *x = ag_new(AG_F64, 2, 3);
    ag_write(x, point, 6);
    assert_null(ag_tape_current());
    PASSES(ag_gradcheck(mixture, AG_LIST(x), .order = 2));
    assert_null(ag_tape_current());
    ag_free(x);
}

/* ---- the report ---- */

static void the_report(void **state)
{
    (void)state;
    FILE *to = tmpfile();
    char text[4096];
    assert_non_null(to);
    FOUND(CHECK(wrong_entry, .no_forward = true, .report = to), "input 1");
    PASSES(CHECK(product, .order = 2, .report = to));
    rewind(to);
    text[fread(text, 1, sizeof text - 1, to)] = 0;
    fclose(to);
    const char *worst = strstr(text, "y [1,1]"), *next = strchr(worst ? worst : text, '\n');
    assert_non_null(strstr(text, "ag_gradcheck, order 1: 6 x 12 entries, 1 failed"));
    assert_non_null(worst);
    assert_true(strstr(worst, "wrong") < next);
    assert_non_null(strstr(next, "fine"));
    assert_non_null(strstr(text, "ag_gradcheck, order 2: 12 x 12 entries, 0 failed"));
    assert_non_null(strstr(text, "(gradient by input "));
}

/* ---- functions of scalars ---- */

static void smooth(const ag_scalar *x, ag_scalar *y, void *user)
{
    (void)user;
    y[0] = ag_mul(ag_sin(x[0]), ag_exp(x[1]));
    y[1] = ags_dot(3, x, x);
    y[2] = ag_div(ag_tanh(x[2]), ag_add(2.0, ag_cos(y[0])));
    y[3] = ag_const(3);
}

static void half_filled(const ag_scalar *x, ag_scalar *y, void *user)
{
    (void)user;
    y[1] = ag_sin(x[0]);
}

/* sin x0 by hand, its partial a little off when told so. */
static void by_hand(const ag_scalar *x, ag_scalar *y, void *user)
{
    double partial = cos(x[0].value) * (user ? 1.0001 : 1);
    y[0] = ags_statement(sin(x[0].value), 1, x, &partial);
}
static void bent(const ag_scalar *x, ag_scalar *y, void *user)
{
    (void)user;
    y[0] = ag_relu(x[0]);
}
static void with_leaf(const ag_scalar *x, ag_scalar *y, void *user)
{
    ag_tensor *h = ag_tanh(ag_mul(ag_pack(3, x), (ag_tensor *)user));
    ag_scalar u[3] = { ag_const(0) };
    if (ag_unpack(h, 3, u)) return;
    y[0] = ags_dot(3, u, x);
    y[1] = ag_mul(u[0], u[2]);
}
static void cut_leaf(const ag_scalar *x, ag_scalar *y, void *user)
{
    with_leaf(x, y, ag_detach(user));
}

static void scalars(void **state)
{
    (void)state;
    PASSES(ags_gradcheck(smooth, 4, point, 3, .order = 2));
    PASSES(ags_gradcheck(half_filled, 3, point, 1, .order = 2));
    PASSES(ags_gradcheck(by_hand, 1, point, 2));
    int fault;
    FOUND(ags_gradcheck(by_hand, 1, point, 2, .user = &fault), "ags_gradcheck", "d y [0] / d x [0]", "1 of 2");
    FAILS(AG_ENODIFF, ags_gradcheck(by_hand, 1, point, 2, .order = 2));
    FOUND(ags_gradcheck(bent, 1, (const double[]){ 0 }, 1), "kink");
    FAILS(AG_ENULL, ags_gradcheck(NULL, 1, point, 1));
    FAILS(AG_ENULL, ags_gradcheck(smooth, 4, NULL, 3));
    ag_tensor *w = ag_param(AG_F64, 3);
    ag_write(w, point + 3, 3);
    PASSES(ags_gradcheck(with_leaf, 2, point, 3, .user = w, .params = AG_PARAMS({ "w", w }), .order = 2));
    FOUND(ags_gradcheck(cut_leaf, 2, point, 3, .user = w, .params = AG_PARAMS({ "w", w })), "/ d w [");
    ag_free(w);
}

/* ---- out of memory: the library's one allocator is made to fail, at each of its calls ---- */

void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void __wrap_free(void *p);
static long calls, fail_at, live;
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    void *p = ++calls == fail_at ? NULL : __real_aligned_alloc(align, n);
    live += p != NULL;
    return p;
}
void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

static ag_status all_of_it(const struct layer *l, ag_tensor *x)
{
    ag_params params = AG_PARAMS({ "w", l->w }, { "b", l->b });
    if (ag_gradcheck(layer, AG_LIST(x), .user = (void *)(uintptr_t)l, .params = params, .order = 2)) return ag_error();
    if (ags_gradcheck(smooth, 4, point, 3, .order = 2)) return ag_error();
    return ags_gradcheck(with_leaf, 2, point, 3, .user = x, .params = AG_PARAMS({ "x", x }));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct layer l = { ag_param(AG_F64, 2, 3), ag_param(AG_F64, 2), NULL, true };
    ag_tensor *x = ag_param(AG_F64, 3);
    ag_write(l.w, point, 6), ag_write(x, point, 3);
    calls = 0;
    PASSES(all_of_it(&l, x));
    long sites = calls, before = live;
    assert_true(sites > 10);
    for (long k = 1; k <= sites; k++) {
        calls = 0, fail_at = k;
        ag_status status = all_of_it(&l, x);
        fail_at = 0;
        assert_int_equal(status, AG_ENOMEM);
        ag_clear_error();
        assert_int_equal(live, before);
        assert_null(ag_tape_current());
        assert_true(ag_record(true));
        assert_memory_equal(ag_f64(l.w), point, sizeof point);
        assert_memory_equal(ag_f64(x), point, 3 * sizeof *point);
    }
    print_message("# gradcheck: each of %ld allocations failed once\n", sites);
    ag_free(l.w), ag_free(l.b), ag_free(x);
}

int main(void)
{
#define ON_TAPE(test) cmocka_unit_test_setup_teardown(test, with_tape, without_tape)
    const struct CMUnitTest tests[] = {
        ON_TAPE(right_ones_pass),
        ON_TAPE(waves_are_seen),
        ON_TAPE(faults_are_found),
        ON_TAPE(strides_are_kept),
        ON_TAPE(shapes_of_all_kinds),
        ON_TAPE(points_of_all_sizes),
        ON_TAPE(doubt_is_failure),
        ON_TAPE(parameters),
        ON_TAPE(the_thread_is_as_before),
        ON_TAPE(nor_is_a_tape_left_current),
        ON_TAPE(misuse),
        cmocka_unit_test(without_a_tape),
        ON_TAPE(the_report),
        ON_TAPE(scalars),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
