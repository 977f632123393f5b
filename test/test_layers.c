/* test_layers.c - layers: values, shapes, default initialisation, modes, derivatives, memory running out. */
#include <math.h>
#include <nn/nn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void fails(ag_status code, const char *message)
{
    assert_string_equal(ag_errmsg(), message);
    assert_int_equal(ag_clear_error(), code);
}

static void shape_is(const ag_tensor *x, int rank, int64_t a, int64_t b, int64_t c)
{
    const int64_t dims[] = { a, b, c };
    assert_non_null(x);
    assert_int_equal(ag_rank(x), rank);
    for (int i = 0; i < rank; i++) assert_int_equal(ag_size(x, i), dims[i]);
}

/* ---- Linear ---- */

static void linear_is_x_weight_bias(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *m = ag_Linear(2, 3, .dtype = AG_F64);
    ag_write(ag_module_tensor(m, "weight"), ((const double[]){ 1, 2, 3, 4, 5, 6 }), 6);
    ag_write(ag_module_tensor(m, "bias"), ((const double[]){ 10, 20, 30 }), 3);
    ag_tensor *x = ag_reshape(ag_copy(((const double[]){ 1, -1, 0, 2, 1, 1, 3, 0 }), 8), 2, 2, 2),
              *y = ag_forward(m, x);
    static const double expected[] = { 9, 19, 29, 14, 28, 42, 13, 27, 41, 13, 29, 45 };
    double got[12];
    shape_is(y, 3, 2, 2, 3);
    assert_int_equal(ag_read(y, got, 12), AG_OK);
    for (int i = 0; i < 12; i++) assert_true(got[i] == expected[i]);
    shape_is(ag_forward(m, ag_ones(AG_F64, 2)), 1, 3, 0, 0);
    shape_is(ag_forward(m, ag_ones(AG_F64, 0, 2)), 2, 0, 3, 0);
    ag_module *plain = ag_Linear(2, 3, .no_bias = true);
    assert_int_equal(ag_parameters(plain).n, 1);
    assert_int_equal(ag_dtype_of(ag_module_tensor(plain, "weight")), AG_F32);
    assert_true(ag_item(ag_sum(ag_forward(plain, ag_zeros(AG_F32, 4, 2)))) == 0);
    assert_int_equal(ag_error(), AG_OK);
    ag_module_free(m), ag_module_free(plain), ag_tape_free(tape);
}

/* Uniform within 1 / sqrt(in), mean and variance as such numbers have, four standard errors allowed. */
static void starts_as_pytorchs(const ag_tensor *w, int64_t in)
{
    int64_t n = ag_numel(w);
    double *v = malloc((size_t)n * sizeof *v), bound = 1 / sqrt((double)in), sum = 0, squares = 0, largest = 0;
    assert_non_null(v);
    ag_read(w, v, n);
    for (int64_t i = 0; i < n; i++) {
        sum += v[i], squares += v[i] * v[i];
        largest = fmax(largest, fabs(v[i]));
    }
    free(v);
    double variance = bound * bound / 3, root = sqrt((double)n);
    assert_true(largest <= bound * (1 + 1e-6) && largest > bound * (1 - 20 / (double)n));
    assert_true(fabs(sum / (double)n) < 4 * sqrt(variance) / root);
    assert_true(fabs(squares / (double)n - variance) < 4 * variance * sqrt(0.8) / root);
}

static void linear_starts_as_pytorchs(void **state)
{
    (void)state;
    ag_seed(1);
    static const ag_dtype dtypes[] = { AG_F32, AG_F64 };
    for (int i = 0; i < 2; i++) {
        ag_module *m = ag_Linear(100, 1000, .dtype = dtypes[i]); /* no tape is needed */
        assert_int_equal(ag_dtype_of(ag_module_tensor(m, "weight")), dtypes[i]);
        assert_int_equal(ag_dtype_of(ag_module_tensor(m, "bias")), dtypes[i]);
        starts_as_pytorchs(ag_module_tensor(m, "weight"), 100);
        starts_as_pytorchs(ag_module_tensor(m, "bias"), 100);
        ag_module_free(m);
    }
}

static void same_seed_same_weights(void **state)
{
    (void)state;
    float v[3][12];
    for (int i = 0; i < 3; i++) {
        ag_seed(i < 2 ? 5 : 6);
        ag_module *m = ag_Sequential(ag_Linear(2, 3), ag_Linear(3, 1));
        ag_read(ag_module_tensor(m, "0.weight"), v[i], 6), ag_read(ag_module_tensor(m, "0.bias"), v[i] + 6, 3);
        ag_read(ag_module_tensor(m, "1.weight"), v[i] + 9, 3);
        ag_module_free(m);
    }
    assert_memory_equal(v[0], v[1], sizeof v[0]);
    assert_memory_not_equal(v[0], v[2], sizeof v[0]);
}

/* ---- the others ---- */

static void flatten_keeps_the_batch(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *m = ag_Flatten();
    shape_is(ag_forward(m, ag_ones(AG_F32, 2, 3, 4, 5)), 2, 2, 60, 0);
    shape_is(ag_forward(m, ag_ones(AG_U8, 7, 3)), 2, 7, 3, 0);
    shape_is(ag_forward(m, ag_ones(AG_F32, 0, 3, 4)), 2, 0, 12, 0);
    shape_is(ag_forward(m, ag_ones(AG_F32, 3, 0, 4)), 2, 3, 0, 0);
    assert_true(ag_at(ag_forward(m, ag_reshape(ag_arange(AG_F32, 0, 24, 1), 2, 3, 4)), 1, 5) == 17);
    assert_int_equal(ag_error(), AG_OK);
    assert_null(ag_forward(m, ag_ones(AG_F32, 3)));
    fails(AG_ESHAPE, "ag_Flatten: an input of 1 axes; it takes [n, ...], 2 or more");
    ag_module_free(m), ag_tape_free(tape);
}

static ag_tensor *slope_02(ag_tensor *x)
{
    return ag_leaky_relu(x, 0.2);
}

static void act_is_any_function(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *m = ag_Sequential(ag_Act(ag_square), ag_Act(slope_02), ag_Act(ag_neg), ag_Act(slope_02));
    assert_true(fabs(ag_item(ag_forward(m, ag_full(AG_F64, -3, 1))) + 1.8) < 1e-15);
    ag_module_free(m), ag_tape_free(tape);
}

static void dropout_is_for_training(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_seed(3);
    ag_module *m = ag_Dropout(0.25);
    ag_tensor *x = ag_ones(AG_F64, 10000), *y = ag_forward(m, x);
    double zeros = ag_item(ag_sum(ag_eq(y, 0.0))), scaled = ag_item(ag_sum(ag_eq(y, 1 / 0.75)));
    assert_true(zeros + scaled == 10000);
    assert_true(fabs(zeros - 2500) < 4 * sqrt(10000 * 0.25 * 0.75));
    ag_train(m, false);
    assert_ptr_equal(ag_forward(m, x), x);
    ag_module_free(m), ag_tape_free(tape);
}

static void containers_chain_and_add(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *net = ag_Sequential(ag_Act(ag_square), ag_Residual(ag_Sequential(ag_Act(ag_neg), ag_Act(ag_square))));
    assert_true(ag_item(ag_forward(net, ag_full(AG_F64, 3, 1))) == 90);
    assert_non_null(ag_child(net, "last", ag_Act(ag_sqrt))); /* a Sequential may grow */
    assert_true(ag_item(ag_forward(net, ag_full(AG_F64, 3, 1))) == sqrt(90));
    ag_module *nothing = (ag_Sequential)(0, NULL);
    ag_tensor *x = ag_ones(AG_F32, 2);
    assert_ptr_equal(ag_forward(nothing, x), x);
    ag_module *narrow = ag_Residual(ag_Linear(3, 2));
    assert_int_equal(ag_error(), AG_OK);
    assert_null(ag_forward(narrow, ag_ones(AG_F32, 4, 3)));
    fails(AG_ESHAPE, "ag_add: shapes do not broadcast: [4,3] and [4,2]");
    ag_module_free(net), ag_module_free(nothing), ag_module_free(narrow), ag_tape_free(tape);
}

static void settings_that_cannot_be(void **state)
{
    (void)state;
    assert_null(ag_Linear(0, 3));
    fails(AG_EINVAL, "ag_Linear: in 0; it takes 1 or more");
    assert_null(ag_Linear(3, -1));
    fails(AG_EINVAL, "ag_Linear: out -1; it takes 1 or more");
    assert_null(ag_Linear(3, 2, .dtype = AG_I64));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
    assert_null(ag_Linear(INT64_MAX / 2, 3));
    assert_int_equal(ag_clear_error(), AG_ESHAPE);
    assert_null(ag_Dropout(1));
    fails(AG_EINVAL, "ag_Dropout: p 1 is not in [0, 1)");
    assert_null(ag_Dropout(-0.1));
    fails(AG_EINVAL, "ag_Dropout: p -0.1 is not in [0, 1)");
    assert_null(ag_Dropout((double)NAN));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_Act(NULL));
    fails(AG_ENULL, "ag_Act: f is NULL");
    assert_null(ag_Residual(NULL));
    fails(AG_ENULL, "ag_child: \"body\" of Residual is NULL");
    assert_null(ag_Sequential(ag_Linear(2, 2), ag_Linear(0, 1), ag_Residual(ag_Linear(1, 1))));
    fails(AG_EINVAL, "ag_Linear: in 0; it takes 1 or more"); /* the first error, all else freed */
}

/* ---- derivatives, by the input and every parameter, to second order ---- */

static ag_tensor *run(ag_tensor **x, void *user)
{
    return ag_forward(user, x[0]);
}

static void gradients_are_right(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *shared = ag_Linear(4, 4, .dtype = AG_F64);
    ag_module *net = ag_Sequential(ag_Flatten(), ag_Linear(6, 4, .dtype = AG_F64), ag_Act(ag_tanh), ag_Dropout(0.3),
                                   ag_Residual(shared), ag_Act(ag_softplus), ag_module_retain(shared),
                                   ag_Linear(4, 2, .dtype = AG_F64, .no_bias = true));
    if (ag_gradcheck(run, AG_LIST(ag_randn(AG_F64, 3, 2, 3)), .user = net, .params = ag_parameters(net), .order = 2))
        fail_msg("%s", ag_errmsg());
    ag_module_free(net), ag_tape_free(tape);
}

/* ---- every allocation fails once: the linker redirects the library's to these (--wrap) ---- */

void *__real_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);

static long seen, live, fail_at; /* fail_at 0: never */

static void *count(void *p)
{
    live += p != NULL;
    return p;
}
void *__wrap_calloc(size_t n, size_t size)
{
    return ++seen == fail_at ? NULL : count(__real_calloc(n, size));
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return ++seen == fail_at ? NULL : count(__real_aligned_alloc(align, n));
}
void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

enum { MANY = 20 }; /* names; a hash table grows at ten */

static ag_module *Crowd(void)
{
    ag_module *m = ag_module_new("Crowd", NULL, 0);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        ag_own(m, name, ag_param(AG_F32, 1));
    }
    return ag_module_done(m);
}

/* Makes, runs and lists a network; the error that stopped it. Whatever is made is freed. */
static ag_status whole_life(void)
{
    ag_seed(1); /* how often a truncated normal is drawn again is chance */
    ag_module *shared = ag_Linear(3, 3), *top = NULL;
    ag_module *net = ag_Sequential(ag_Flatten(), ag_Linear(4, 3), ag_Dropout(0.5), ag_Residual(ag_Sequential(shared)),
                                   ag_Act(ag_relu));
    if (net) {
        top = ag_module_new("Top", NULL, 0);
        ag_child(top, "net", net);
        ag_child(top, "again", ag_module_retain(ag_module_at(top, "net.3.body.0")));
        ag_init_orthogonal(ag_module_tensor(top, "net.1.weight"), 1);
        ag_init_trunc_normal(ag_module_tensor(top, "again.weight"), 0, 1);
        ag_child(top, "crowd", Crowd());
        top = ag_module_done(top);
    }
    ag_tape *tape = ag_tape_new();
    if (top && tape) {
        ag_params p = ag_parameters(top);
        if (!ag_error()) assert_int_equal(p.n, 4 + MANY);
        ag_train(top, false);
        ag_train(top, true);
        ag_forward(ag_module_at(top, "net"), ag_ones(AG_F32, 2, 2, 2));
        ag_module_copy(top, top);
    }
    ag_tape_free(tape);
    ag_module_free(top);
    return ag_clear_error();
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    long before = live;
    seen = 0;
    assert_int_equal(whole_life(), AG_OK);
    assert_int_equal(live, before);
    long sites = seen;
    for (long k = 1; k <= sites; k++) {
        seen = 0, fail_at = k;
        ag_status s = whole_life();
        fail_at = 0;
        assert_int_equal(s, AG_ENOMEM);
        assert_int_equal(live, before);
    }
    print_message("# allocation failure: %ld sites, each AG_ENOMEM, nothing lost or leaked\n", sites);
    assert_true(sites > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_is_x_weight_bias),  cmocka_unit_test(linear_starts_as_pytorchs),
        cmocka_unit_test(same_seed_same_weights),   cmocka_unit_test(flatten_keeps_the_batch),
        cmocka_unit_test(act_is_any_function),      cmocka_unit_test(dropout_is_for_training),
        cmocka_unit_test(containers_chain_and_add), cmocka_unit_test(settings_that_cannot_be),
        cmocka_unit_test(gradients_are_right),      cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
