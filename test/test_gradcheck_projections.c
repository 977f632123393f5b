/* test_gradcheck_projections.c - random mode and chosen entries: one small fault in a large Jacobian is found, always.
 */
#include <autograd/autograd.h>
#include <nn/nn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 300 };

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

/* ---- y = tanh(A x), an entry of whose Jacobian the rules have wrong; and another of its row as much in the opposite
 * direction, if j is not 0 ---- */

typedef struct fault {
    int64_t i, j;
    double by;
    int64_t opposite;
} fault;

static ag_status layer_shape(const ag_call *c, ag_shape *out)
{
    *out = (ag_shape){ AG_F64, 1, { ag_size(c->in[1], 0) } };
    return AG_OK;
}
static ag_status layer_forward(ag_call *c)
{
    const double *x = ag_f64(c->in[0]), *a = ag_f64(c->in[1]);
    double *y = ag_f64_write(c->out[0]);
    int64_t n = ag_numel(c->in[0]);
    for (int64_t i = 0; i < ag_numel(c->out[0]); i++) {
        double sum = 0;
        for (int64_t j = 0; j < n; j++) sum += a[i * n + j] * x[j];
        y[i] = tanh(sum);
    }
    return ag_error();
}
static ag_tensor *slope(ag_call *c)
{
    return ag_sub(1.0, ag_square(c->out[0]));
}
static ag_tensor *at_place(const ag_tensor *like, int64_t k, ag_tensor *value)
{
    int64_t n = ag_numel(like);
    return ag_cat(AG_LIST(ag_zeros(AG_F64, k), ag_reshape(value, 1), ag_zeros(AG_F64, n - k - 1)), 0);
}
static ag_status layer_vjp(ag_call *c)
{
    const fault *f = c->attr;
    ag_tensor *d = ag_matmul(ag_mul(c->g[0], slope(c)), c->in[1]);
    ag_tensor *off = ag_mul(f->by, ag_select(c->g[0], 0, f->i));
    c->gin[0] = ag_add(d, at_place(c->in[0], f->j, off));
    if (f->opposite) c->gin[0] = ag_sub(c->gin[0], at_place(c->in[0], f->opposite, off));
    return ag_error();
}
static ag_status layer_jvp(ag_call *c)
{
    const fault *f = c->attr;
    ag_tensor *t = c->tangent[0], *d = ag_mul(slope(c), ag_matmul(c->in[1], t));
    c->tout[0] = ag_add(d, at_place(c->out[0], f->i, ag_mul(f->by, ag_select(t, 0, f->j))));
    return ag_error();
}
static const ag_op layer_op = { .name = "layer",
                                .n_in = 2,
                                .attr_size = sizeof(fault),
                                .shape = layer_shape,
                                .forward = layer_forward,
                                .vjp = layer_vjp,
                                .jvp = layer_jvp };

typedef struct subject {
    ag_tensor *a; /* [m,n] */
    fault fault;
} subject;
static ag_tensor *layer(ag_tensor **x, void *user)
{
    subject *s = user;
    return ag_apply(&layer_op, &s->fault, x[0], s->a);
}

static subject large(int64_t m, int64_t n)
{
    return (subject){ ag_keep(ag_mul(ag_randn(AG_F64, m, n), 1 / sqrt((double)n))), { 0, 0, 0, 0 } };
}

/* With rules that agree with each other, differences alone can tell; the entry is named. */
static void one_fault_of_90000_is_found(void **state)
{
    ag_seed(3);
    subject s = large(N, N);
    ag_tensor *x = ag_keep(ag_randn(AG_F64, N));
    int found = 0, named = 0, trials = getenv("LONG") ? 1000 : 100;
    for (int k = 0; k < trials; k++) {
        int64_t at[2];
        ag_tape_reset(*state);
        ag_read(ag_randint(N, 2), at, 2);
        s.fault = (fault){ at[0], at[1], k % 2 ? 0.1 : -0.1, 0 };
        ag_status status = ag_gradcheck(layer, AG_LIST(x), .user = &s, .mode = AG_CHECK_PROJECTIONS);
        char name[64];
        snprintf(name, sizeof name, "d y [%d] / d input 0 [%d]:", (int)at[0], (int)at[1]);
        found += status == AG_ECHECK;
        named += strstr(ag_errmsg(), name) != NULL;
        ag_clear_error();
    }
    print_message("# an entry of %dx%d wrong by 0.1: found %d of %d times, named %d times\n", N, N, found, trials,
                  named);
    assert_int_equal(found, trials);
    assert_int_equal(named, trials);
    s.fault.by = 0;
    assert_int_equal(ag_gradcheck(layer, AG_LIST(x), .user = &s, .mode = AG_CHECK_PROJECTIONS, .order = 2), AG_OK);
    ag_free(s.a), ag_free(x);
}

/* Two faults whose sum is zero pass a projection half the time, and all eight once in 256. */
static void two_faults_do_not_hide_each_other(void **state)
{
    ag_seed(4);
    subject s = large(20, 30);
    ag_tensor *x = ag_keep(ag_randn(AG_F64, 30));
    int found = 0;
    for (int k = 0; k < 200; k++) {
        ag_tape_reset(*state);
        s.fault = (fault){ k % 20, k % 29, 0.1, k % 29 + 1 };
        found +=
            ag_gradcheck(layer, AG_LIST(x), .user = &s, .mode = AG_CHECK_PROJECTIONS, .no_forward = true) == AG_ECHECK;
        ag_clear_error();
    }
    print_message("# two opposite faults in a row: found %d of 200 times\n", found);
    assert_true(found >= 195);
    ag_free(s.a), ag_free(x);
}

/* ---- which mode, and what of it ---- */

typedef struct counted {
    long calls;
} counted;
static ag_tensor *square_of(ag_tensor **x, void *user)
{
    if (user) ((counted *)user)->calls++;
    return ag_square(x[0]);
}

static char report_text[8192];
static const char *report_of(FILE *to)
{
    rewind(to);
    report_text[fread(report_text, 1, sizeof report_text - 1, to)] = 0;
    fclose(to);
    return report_text;
}

static void the_size_decides(void **state)
{
    (void)state;
    FILE *to = tmpfile();
    assert_non_null(to);
    assert_int_equal(ag_gradcheck(square_of, AG_LIST(ag_rand(AG_F64, 20)), .report = to), AG_OK);
    assert_int_equal(ag_gradcheck(square_of, AG_LIST(ag_rand(AG_F64, 1200)), .report = to), AG_OK);
    assert_int_equal(ag_gradcheck(square_of, AG_LIST(ag_rand(AG_F64, 20)), .mode = AG_CHECK_PROJECTIONS,
                                  .projections = 3, .report = to),
                     AG_OK);
    const char *text = report_of(to);
    assert_non_null(strstr(text, "order 1: 20 x 20 entries, 0 failed"));
    assert_non_null(strstr(text, "order 1: 8 projections of 1200 x 1200 entries, 0 failed"));
    assert_non_null(strstr(text, "order 1: 3 projections of 20 x 20 entries, 0 failed"));
}

static void chosen_entries(void **state)
{
    (void)state;
    subject s = large(6, 8);
    ag_tensor *x = ag_randn(AG_F64, 8);
    const size_t beside[] = { 0, 2, 7 }, on[] = { 1, 3, 4 }, falling[] = { 3, 3 }, outside[] = { 8 };
    s.fault = (fault){ 5, 3, 0.1, 0 };
    assert_int_equal(ag_gradcheck(layer, AG_LIST(x), .user = &s, .only = beside, .n_only = 3), AG_OK);
    assert_int_equal(ag_gradcheck(layer, AG_LIST(x), .user = &s, .only = on, .n_only = 3), AG_ECHECK);
    assert_non_null(strstr(ag_errmsg(), "d y [5] / d input 0 [3]"));
    assert_non_null(strstr(ag_errmsg(), "1 of 18 entries"));
    ag_clear_error();
    assert_int_equal(ag_gradcheck(layer, AG_LIST(x), .user = &s, .only = falling, .n_only = 2), AG_EINVAL);
    ag_clear_error();
    assert_int_equal(ag_gradcheck(layer, AG_LIST(x), .user = &s, .only = outside, .n_only = 1), AG_EINVAL);
    ag_clear_error();

    counted c = { 0 };
    FILE *to = tmpfile();
    assert_non_null(to);
    assert_int_equal(ag_gradcheck(square_of, AG_LIST(ag_rand(AG_F64, 5000)), .user = &c, .entries = 7, .report = to),
                     AG_OK);
    assert_int_equal(c.calls, 1 + 4 * 7);
    assert_non_null(strstr(report_of(to), "49 chosen of 5000 x 5000 entries"));
    ag_free(s.a);
}

/* ---- several inputs: a small one beside a large one; kinks; scalars ---- */

static ag_tensor *unequal(ag_tensor **x, void *user)
{
    const double *off = user;
    ag_tensor *small = ag_sum(ag_mul(0.1, ag_sin(x[1])));
    /* the value stays, the slope does not */
    return ag_add(ag_mul(10.0, ag_sum(ag_square(x[0]))), ag_add(small, ag_mul(*off, ag_sub(small, ag_detach(small)))));
}
static ag_tensor *with_kink(ag_tensor **x, void *user)
{
    (void)user;
    return ag_relu(x[0]);
}
static void scalars(const ag_scalar *x, ag_scalar *y, void *user)
{
    const double *off = user;
    for (int i = 0; i < 4; i++) {
        ag_scalar product = ag_mul(x[i], ag_sin(x[i + 1]));
        y[i] = i == 2 ? ag_add(product, ag_mul(*off, ag_sub(x[4], x[4].value))) : product;
    }
}

static void each_input_by_itself(void **state)
{
    (void)state;
    double right = 0, wrong = 0.01;
    ag_tensor *x = ag_randn(AG_F64, 50), *y = ag_randn(AG_F64, 3, 20);
    assert_int_equal(ag_gradcheck(unequal, AG_LIST(x, y), .user = &right, .mode = AG_CHECK_PROJECTIONS, .order = 2),
                     AG_OK);
    assert_int_equal(ag_gradcheck(unequal, AG_LIST(x, y), .user = &wrong, .mode = AG_CHECK_PROJECTIONS), AG_ECHECK);
    assert_non_null(strstr(ag_errmsg(), "input 1"));
    assert_null(strstr(ag_errmsg(), "input 0"));
    ag_clear_error();

    double at_kink[] = { 0.5, 1, 0, -1, 0.25 };
    assert_int_equal(ag_gradcheck(with_kink, AG_LIST(ag_copy(at_kink, 5)), .mode = AG_CHECK_PROJECTIONS), AG_ECHECK);
    assert_non_null(strstr(ag_errmsg(), "d y [2] / d input 0 [2]"));
    assert_non_null(strstr(ag_errmsg(), "kink"));
    ag_clear_error();

    assert_int_equal(ags_gradcheck(scalars, 4, at_kink, 5, .user = &right, .mode = AG_CHECK_PROJECTIONS, .order = 2),
                     AG_OK);
    assert_int_equal(ags_gradcheck(scalars, 4, at_kink, 5, .user = &wrong, .mode = AG_CHECK_PROJECTIONS), AG_ECHECK);
    assert_non_null(strstr(ag_errmsg(), "d y [2] / d x [4]"));
    ag_clear_error();
    FILE *to = tmpfile();
    assert_non_null(to);
    assert_int_equal(
        ags_gradcheck(scalars, 4, at_kink, 5, .user = &right, .only = (const size_t[]){ 2 }, .n_only = 1, .report = to),
        AG_OK);
    assert_non_null(strstr(report_of(to), "4 chosen of 4 x 5 entries"));
    assert_int_equal(ag_gradcheck(with_kink, AG_LIST(y), .projections = -1), AG_EINVAL);
    ag_clear_error();
}

/* ---- modules ---- */

typedef struct damped {
    ag_tensor *gain, *runs;
    bool cut;
} damped;

/* Multiplies; with the gradient by the gain cut off if it is told so. */
static ag_tensor *damped_forward(ag_module *m, ag_tensor *x)
{
    damped *self = ag_self(m);
    ag_fill(self->runs, ag_item(self->runs) + 1);
    return ag_mul(x, self->cut ? ag_detach(self->gain) : self->gain);
}
static ag_module *Damped(bool cut)
{
    ag_module *m = ag_module_new("Damped", damped_forward, sizeof(damped));
    damped *self = ag_self(m);
    assert_non_null(self);
    self->gain = ag_own(m, "gain", ag_init_constant(ag_param(AG_F64, 4), 0.5));
    self->runs = ag_own_buffer(m, "runs", ag_new(AG_F64));
    self->cut = cut;
    return ag_module_done(m);
}

static void a_module_and_its_parameters_by_name(void **state)
{
    (void)state;
    for (int cut = 0; cut < 2; cut++)
        for (int random = 0; random < 2; random++) {
            ag_module *net = ag_Sequential(ag_Linear(3, 4, .dtype = AG_F64), Damped(false), Damped(cut));
            FILE *to = tmpfile();
            assert_non_null(to);
            ag_status status =
                ag_gradcheck_module(net, ag_randn(AG_F64, 2, 3), .report = to, .order = 2,
                                    .mode = random ? AG_CHECK_PROJECTIONS : AG_CHECK_ENTRIES, .no_forward = true);
            if (status != (cut ? AG_ECHECK : AG_OK)) print_error("%s\n", ag_errmsg());
            assert_int_equal(status, cut ? AG_ECHECK : AG_OK);
            if (cut && !strstr(ag_errmsg(), "/ d 2.gain [")) fail_msg("%s", ag_errmsg());
            ag_clear_error();
            const char *text = report_of(to);
            const char *const named[] = { "input 0", "0.weight", "0.bias", "1.gain" };
            for (size_t k = 0; k < sizeof named / sizeof *named; k++) assert_non_null(strstr(text, named[k]));
            assert_true(ag_item(ag_module_tensor(net, "1.runs")) == 0);
            ag_module_free(net);
        }
    ag_module *single = ag_Linear(2, 2);
    assert_int_equal(ag_gradcheck_module(single, ag_randn(AG_F64, 2)), AG_EDTYPE);
    ag_clear_error();
    assert_int_equal(ag_gradcheck_module(NULL, ag_randn(AG_F64, 2)), AG_ENULL);
    ag_clear_error();
    assert_int_equal(ag_gradcheck_module(single, ag_randn(AG_F64, 2), .user = single), AG_EINVAL);
    ag_module_free(single);
}

int main(void)
{
#define ON_TAPE(test) cmocka_unit_test_setup_teardown(test, with_tape, without_tape)
    const struct CMUnitTest tests[] = {
        ON_TAPE(one_fault_of_90000_is_found),
        ON_TAPE(two_faults_do_not_hide_each_other),
        ON_TAPE(the_size_decides),
        ON_TAPE(chosen_entries),
        ON_TAPE(each_input_by_itself),
        ON_TAPE(a_module_and_its_parameters_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
