/* Data sets: slices, arrays, callbacks, and Fashion-MNIST where it is installed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/data.h>

enum { N = 7, WIDE = 3 };

static int tape(void **state)
{
    return (*state = ag_tape_new()) == NULL;
}
static int end(void **state)
{
    ag_tape_free(*state);
    return ag_clear_error() != AG_OK;
}

/* x[i] = { 10 i, 10 i + 1, 10 i + 2 } and y[i] = i */
static ag_tensor *numbers(void)
{
    ag_tensor *x = ag_new(AG_F32, N, WIDE);
    for (int i = 0; i < N * WIDE; i++) ag_f32_write(x)[i] = (float)(i / WIDE * 10 + i % WIDE);
    return x;
}
static ag_tensor *labels(void)
{
    return ag_keep(ag_arange(AG_I64, 0, N, 1));
}
/* Its owners are gone; the set holds them. */
static ag_dataset *pairs(void)
{
    ag_tensor *x = numbers(), *y = labels();
    ag_dataset *set = ag_dataset_of(x, y);
    ag_free(x), ag_free(y);
    return set;
}

#define REFUSED(code, text, expr)                   \
    do {                                            \
        expr;                                       \
        assert_int_equal(ag_clear_error(), code);   \
        assert_non_null(strstr(ag_errmsg(), text)); \
    } while (0)

static void slices_are_ranges(void **state)
{
    (void)state;
    static const struct {
        int64_t from, to, first, end; /* end -1: refused */
    } cases[] = { { 0, 0, 0, N },   { 2, 5, 2, 5 },   { -3, 0, N - 3, N }, { 0, -3, 0, N - 3 }, { -N, N, 0, N },
                  { 3, 3, 3, 3 },   { -2, -1, 5, 6 }, { N, 0, N, N },      { 0, N + 1, 0, -1 }, { 5, 2, 0, -1 },
                  { -8, 0, 0, -1 }, { 8, 0, 0, -1 },  { 0, -8, 0, -1 } };
    ag_dataset *set = pairs();
    assert_int_equal(ag_dataset_size(set), N);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ag_samples s = ag_slice_of(set, cases[i].from, cases[i].to);
        bool refused = cases[i].end < 0;
        assert_int_equal(ag_clear_error(), refused ? AG_EINVAL : AG_OK);
        assert_ptr_equal(s.set, refused ? NULL : set);
        if (!refused) assert_true(s.from == cases[i].first && s.to == cases[i].end);
    }
    REFUSED(AG_EINVAL, "ag_slice_of: samples 5 to 9 of 7", ag_slice_of(set, 5, 9));
    REFUSED(AG_ENULL, "ag_slice_of", ag_slice_of(NULL, 0, 0));
    REFUSED(AG_ENULL, "ag_dataset_size", ag_dataset_size(NULL));
    ag_dataset_free(set);
    ag_dataset_free(NULL);
}

static void batches_in_order_are_views(void **state)
{
    (void)state;
    ag_tensor *x = numbers(), *y = labels();
    ag_dataset *set = ag_dataset_of(x, y), *alone = ag_dataset_of(x, NULL);
    ag_loader *loader = ag_loader_new(ag_slice_of(set, 1, 6), .batch = 2), *all = ag_loader_new(alone, .batch = -1);
    ag_batch b;
    for (int64_t from = 1; ag_next(loader, &b); from += b.n) {
        assert_int_equal(b.n, from < 5 ? 2 : 1);
        assert_ptr_equal(ag_f32(b.x), ag_f32(x) + from * WIDE);
        assert_ptr_equal(ag_i64(b.y), ag_i64(y) + from);
        assert_true(ag_rank(b.x) == 2 && ag_size(b.x, 0) == b.n && ag_size(b.x, 1) == WIDE && ag_rank(b.y) == 1);
        assert_false(ag_is_mine(b.x));
    }
    assert_true(ag_next(all, &b) && !b.y && b.n == N);
    assert_ptr_equal(ag_f32(b.x), ag_f32(x));
    ag_loader_free(loader), ag_loader_free(all);
    ag_dataset_free(set), ag_dataset_free(alone);
    ag_free(x), ag_free(y);
}

/* Data that happen to be parameters take no part in the graph. */
static void batches_are_constants(void **state)
{
    (void)state;
    ag_tensor *x = ag_param(AG_F64, 4, 2), *w = ag_param(AG_F64, 2);
    ag_dataset *set = ag_dataset_of(x, NULL);
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        ag_loader *loader = ag_loader_new(set, .batch = 4, .shuffle = shuffle);
        ag_batch b;
        assert_true(ag_next(loader, &b));
        assert_int_equal(ag_backward(ag_sum(ag_mul(b.x, w))), AG_OK);
        assert_non_null(ag_grad_of(w));
        assert_null(ag_grad_of(x));
        assert_true(ag_record(true));
        ag_loader_free(loader);
    }
    ag_dataset_free(set);
    ag_free(x), ag_free(w);
}

static void arrays_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    ag_tensor *x = numbers(), *y = labels(), *few = ag_new(AG_I64, N - 1), *number = ag_new(AG_F32);
    REFUSED(AG_ESHAPE, "x has 7 samples and y 6", assert_null(ag_dataset_of(x, few)));
    REFUSED(AG_ESHAPE, "x is 0-d", assert_null(ag_dataset_of(number, y)));
    REFUSED(AG_ESHAPE, "y is 0-d", assert_null(ag_dataset_of(x, number)));
    REFUSED(AG_EINVAL, "x is a temporary", assert_null(ag_dataset_of(ag_ones(AG_F32, N), y)));
    REFUSED(AG_EINVAL, "y is a temporary", assert_null(ag_dataset_of(x, ag_ones(AG_F32, N))));
    REFUSED(AG_ENULL, "ag_dataset_of: x is NULL", assert_null(ag_dataset_of(NULL, y)));
    ag_fail(AG_EUSER, "mine");
    assert_null(ag_dataset_of(NULL, y));
    assert_null(ag_dataset_mnist(NULL, "train"));
    assert_int_equal(ag_clear_error(), AG_EUSER);
    ag_free(x), ag_free(y), ag_free(few), ag_free(number);
}

/* ---- callbacks ---- */

struct source {
    int64_t calls, fail_at;
    bool silent;
};
static ag_status sample(int64_t i, ag_tensor *x, ag_tensor *y, void *user)
{
    struct source *s = user;
    s->calls++;
    if (i == s->fail_at) return s->silent ? AG_ESTOP : ag_fail(AG_EUSER, "no sample %d", (int)i);
    assert_int_equal(ag_rank(x), 1);
    assert_int_equal(ag_size(x, 0), WIDE);
    for (int k = 0; k < WIDE; k++) ag_f32_write(x)[k] = (float)(10 * i + k);
    if (y) {
        assert_int_equal(ag_rank(y), 0);
        ag_fill(y, (double)i);
    }
    return AG_OK;
}

static void callbacks_give_what_arrays_would(void **state)
{
    (void)state;
    struct source s = { 0, -1, false };
    ag_dataset *arrays = pairs(), *calls = ag_dataset_from(sample, &s, N, ag_zeros(AG_F32, WIDE), ag_zeros(AG_I64));
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        ag_loader *a = ag_loader_new(ag_slice_of(arrays, 1, 0), .batch = 4, .shuffle = shuffle, .seed = 5);
        ag_loader *c = ag_loader_new(ag_slice_of(calls, 1, 0), .batch = 4, .shuffle = shuffle, .seed = 5);
        ag_batch p, q;
        while (ag_next(a, &p)) {
            assert_true(ag_next(c, &q) && p.n == q.n && p.index == q.index);
            assert_memory_equal(ag_f32(p.x), ag_f32(q.x), (size_t)(p.n * WIDE) * sizeof(float));
            assert_memory_equal(ag_i64(p.y), ag_i64(q.y), (size_t)p.n * sizeof(int64_t));
        }
        assert_false(ag_next(c, &q));
        ag_loader_free(a), ag_loader_free(c);
    }
    assert_int_equal(s.calls, 2 * (N - 1));
    ag_dataset_free(arrays), ag_dataset_free(calls);
}

static void a_failing_callback_ends_its_batch(void **state)
{
    (void)state;
    for (int silent = 0; silent < 2; silent++) {
        struct source s = { 0, 3, silent };
        ag_dataset *set = ag_dataset_from(sample, &s, N, ag_zeros(AG_F32, WIDE), NULL);
        ag_loader *loader = ag_loader_new(set, .batch = 2);
        ag_batch b;
        assert_true(ag_next(loader, &b) && !b.y);
        assert_false(ag_next(loader, &b));
        assert_null(b.x);
        assert_int_equal(s.calls, 4);
        assert_non_null(strstr(ag_errmsg(), "sample 3"));
        assert_false(ag_next(loader, &b)); /* quietly: nothing was asked */
        assert_int_equal(s.calls, 4);
        assert_int_equal(ag_tape_reset(*state), silent ? AG_ESTOP : AG_EUSER);
        s.fail_at = -1; /* the same batch again */
        assert_true(ag_next(loader, &b) && b.index == 1 && ag_f32(b.x)[0] == 20);
        ag_loader_free(loader);
        ag_dataset_free(set);
    }
    ag_tensor *x = ag_zeros(AG_F32, 1), *deep = ag_zeros(AG_F32, 1, 1, 1, 1, 1, 1, 1, 1);
    REFUSED(AG_ENULL, "the function is NULL", assert_null(ag_dataset_from(NULL, NULL, 1, x, NULL)));
    REFUSED(AG_ENULL, "the model of x is NULL", assert_null(ag_dataset_from(sample, NULL, 1, NULL, NULL)));
    REFUSED(AG_EINVAL, "-1 samples", assert_null(ag_dataset_from(sample, NULL, -1, x, NULL)));
    REFUSED(AG_ESHAPE, "samples of rank 8", assert_null(ag_dataset_from(sample, NULL, 1, deep, NULL)));
    REFUSED(AG_ESHAPE, "samples of rank 8", assert_null(ag_dataset_from(sample, NULL, 1, x, deep)));
}

/* Memory runs out at any point of a batch: callbacks never see a NULL. */
static ag_status needs_tensors(int64_t i, ag_tensor *x, ag_tensor *y, void *user)
{
    (void)i;
    *(bool *)user = *(bool *)user && x && y;
    return AG_OK;
}
static void callbacks_never_get_null(void **state)
{
    (void)state;
    enum { MANY = 20000 }; /* views enough for several chunks of the tape */
    bool always = true, done = false;
    int failures = 0;
    ag_dataset *set = ag_dataset_from(needs_tensors, &always, MANY, ag_zeros(AG_F32), ag_zeros(AG_F32));
    for (uint64_t limit = 1 << 14; !done; limit += limit / 4) {
        ag_tape *small = ag_tape_new(.memory_limit = limit);
        ag_loader *all = ag_loader_new(set, .batch = -1);
        ag_batch b;
        done = ag_next(all, &b);
        ag_status status = ag_clear_error();
        assert_int_equal(status, done ? AG_OK : AG_ENOMEM);
        failures += !done;
        ag_loader_free(all);
        ag_tape_free(small);
    }
    assert_true(always && failures > 3);
    ag_dataset_free(set);
}

/* Known facts about the files of Debian's package. */
static void fashion_mnist_is_read(void **state)
{
    ag_dataset *set = ag_dataset_mnist(NULL, "train");
    if (!set) {
        print_message("%s\n", ag_errmsg());
        ag_clear_error();
        skip();
    }
    assert_int_equal(ag_dataset_size(set), 60000);
    static const int64_t first[] = { 9, 0, 0, 3, 0, 2, 7, 2, 5, 5 };
    int64_t count[10] = { 0 };
    double sum = 0, lowest = 1, highest = 0;
    ag_loader *loader = ag_loader_new(set, .batch = 5000);
    ag_batch b;
    while (ag_next(loader, &b)) {
        assert_true(ag_dtype_of(b.x) == AG_F32 && ag_dtype_of(b.y) == AG_I64 && ag_rank(b.x) == 4);
        if (b.index == 0) assert_memory_equal(ag_i64(b.y), first, sizeof first);
        for (int64_t i = 0; i < b.n; i++) count[ag_i64(b.y)[i]]++;
        sum += ag_item(ag_sum(ag_to(b.x, AG_F64)));
        lowest = fmin(lowest, ag_item(ag_min(b.x))), highest = fmax(highest, ag_item(ag_max(b.x)));
        assert_int_equal(ag_tape_reset(*state), AG_OK);
    }
    for (int c = 0; c < 10; c++) assert_int_equal(count[c], 6000);
    printf("# Fashion-MNIST: mean pixel %.6f\n", sum / (60000. * 784));
    assert_true(fabs(sum / (60000. * 784) - 0.286041) < 1e-6 && lowest == 0 && highest == 1);
    ag_loader_free(loader);
    ag_dataset_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slices_are_ranges, tape, end),
        cmocka_unit_test_setup_teardown(batches_in_order_are_views, tape, end),
        cmocka_unit_test_setup_teardown(batches_are_constants, tape, end),
        cmocka_unit_test_setup_teardown(arrays_that_do_not_fit_are_refused, tape, end),
        cmocka_unit_test_setup_teardown(callbacks_give_what_arrays_would, tape, end),
        cmocka_unit_test_setup_teardown(a_failing_callback_ends_its_batch, tape, end),
        cmocka_unit_test_setup_teardown(callbacks_never_get_null, tape, end),
        cmocka_unit_test_setup_teardown(fashion_mnist_is_read, tape, end),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
