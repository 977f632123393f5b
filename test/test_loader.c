/* Loaders: what an epoch holds, in what order, resuming, and what it costs.
 * The linker redirects allocations to the functions below (--wrap). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/data.h>

/* ---- allocations, counted and failing on demand ---- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

static long asked, fail_at; /* fail_at 0: never */
static bool refuse(void)
{
    return ++asked == fail_at;
}
void *__wrap_malloc(size_t n)
{
    return refuse() ? NULL : __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    return refuse() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    return refuse() ? NULL : __real_realloc(p, n);
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return refuse() ? NULL : __real_aligned_alloc(align, n);
}

/* ---- a set of N samples, sample i being i ---- */

enum { N = 23 };

static int tape(void **state)
{
    return (*state = ag_tape_new()) == NULL;
}
static int end(void **state)
{
    ag_tape_free(*state);
    return ag_clear_error() != AG_OK;
}

static ag_dataset *counting(int64_t n)
{
    ag_tensor *x = ag_new(AG_I64, n);
    int64_t *at = ag_i64_write(x);
    for (int64_t i = 0; at && i < n; i++) at[i] = i;
    ag_dataset *set = ag_dataset_of(x, NULL);
    ag_free(x);
    return set;
}

/* The samples up to the end of the epoch, appended to out; how many. */
static int64_t rest_of_epoch(ag_loader *loader, ag_tape *t, int64_t *out)
{
    int64_t n = 0;
    ag_batch b;
    while (ag_next(loader, &b)) {
        assert_int_equal(ag_read(b.x, out + n, b.n), AG_OK);
        n += b.n;
        assert_int_equal(ag_tape_reset(t), AG_OK);
    }
    assert_int_equal(ag_error(), AG_OK);
    return n;
}

static void an_epoch_is_cut_into_batches(void **state)
{
    static const struct {
        int64_t batch, n;
        bool drop;
        int64_t batches, count, last;
    } cases[] = { { 0, N, false, N, N, 1 },    { 1, N, true, N, N, 1 },   { 5, N, false, 5, N, 3 },
                  { 5, N, true, 4, 20, 5 },    { N, N, true, 1, N, N },   { N + 1, N, false, 1, N, N },
                  { N + 1, N, true, 0, 0, 0 }, { -1, N, false, 1, N, N }, { -1, N, true, 1, N, N },
                  { 4, 0, false, 0, 0, 0 },    { -1, 0, false, 0, 0, 0 }, { INT64_MAX, N, false, 1, N, N } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int shuffle = 0; shuffle < 2; shuffle++) {
            ag_dataset *set = counting(cases[i].n);
            ag_loader *loader =
                ag_loader_new(set, .batch = cases[i].batch, .drop_last = cases[i].drop, .shuffle = shuffle);
            assert_int_equal(ag_loader_batches(loader), cases[i].batches);
            assert_int_equal(ag_loader_count(loader), cases[i].count);
            for (int epoch = 0; epoch < 3; epoch++) {
                int64_t seen = 0, batches = 0, last = 0;
                for (ag_batch b; ag_next(loader, &b); seen += b.n, batches++) {
                    last = b.n;
                    assert_int_equal(b.index, batches);
                    assert_int_equal(ag_numel(b.x), b.n);
                    if (!shuffle) assert_int_equal(ag_i64(b.x)[0], seen);
                }
                assert_true(seen == cases[i].count && batches == cases[i].batches && last == cases[i].last);
                assert_int_equal(ag_tape_reset(*state), AG_OK);
            }
            ag_loader_free(loader);
            ag_dataset_free(set);
        }
}

static void a_shuffled_epoch_holds_every_sample_once(void **state)
{
    ag_dataset *set = counting(N + 7);
    ag_loader *loader = ag_loader_new(ag_slice_of(set, 4, -3), .batch = 4, .shuffle = true, .seed = 9);
    int64_t order[10][N], alike = 0, in_place = 0;
    for (int epoch = 0; epoch < 10; epoch++) {
        bool seen[N] = { false };
        assert_int_equal(rest_of_epoch(loader, *state, order[epoch]), N);
        for (int i = 0; i < N; i++) {
            assert_in_range(order[epoch][i], 4, 4 + N - 1);
            assert_false(seen[order[epoch][i] - 4]);
            seen[order[epoch][i] - 4] = true;
            in_place += order[epoch][i] - 4 == i;
            if (epoch) alike += order[epoch][i] == order[epoch - 1][i];
        }
    }
    /* about one of an epoch's places is a fixed point, and one equals that of the epoch before */
    printf("# of 10 epochs of %d: %lld fixed points, %lld places as before\n", N, (long long)in_place,
           (long long)alike);
    assert_true(in_place < 30 && alike < 30);
    ag_loader_free(loader);
    ag_dataset_free(set);
}

/* Whatever else draws numbers, and however the epoch is cut. */
static void the_order_follows_from_seed_and_epoch(void **state)
{
    ag_dataset *set = counting(N);
    ag_loader *a = ag_loader_new(set, .batch = 4, .shuffle = true, .seed = 3);
    ag_seed(77);
    ag_rng before = ag_rng_get();
    ag_loader *b = ag_loader_new(set, .batch = 7, .shuffle = true, .seed = 3);
    ag_loader *c = ag_loader_new(set, .batch = 4, .shuffle = true, .seed = 4);
    int64_t x[N], y[N], z[N];
    for (int epoch = 0; epoch < 3; epoch++) {
        rest_of_epoch(a, *state, x), rest_of_epoch(b, *state, y), rest_of_epoch(c, *state, z);
        assert_memory_equal(x, y, sizeof x);
        assert_memory_not_equal(x, z, sizeof x);
        ag_rng now = ag_rng_get(); /* left alone */
        assert_true(now.seed == before.seed && now.counter == before.counter);
    }
    ag_loader_free(a), ag_loader_free(b), ag_loader_free(c);

    /* without a seed the generator gives one, another one every time, the same ones again after ag_seed */
    for (int round = 0; round < 2; round++) {
        ag_seed(5);
        ag_loader *d = ag_loader_new(set, .shuffle = true), *e = ag_loader_new(set, .shuffle = true);
        rest_of_epoch(d, *state, round ? y : x), rest_of_epoch(e, *state, z);
        assert_memory_not_equal(round ? y : x, z, sizeof z);
        ag_loader_free(d), ag_loader_free(e);
    }
    assert_memory_equal(x, y, sizeof x);
    ag_dataset_free(set);
}

/* Stopped after any number of batches of any epoch, a new loader goes on where the old one was. */
static void a_restored_loader_goes_on(void **state)
{
    enum { EPOCHS = 3, BATCH = 5, BATCHES = 5 };
    ag_dataset *set = counting(N);
    for (int stop = 0; stop < EPOCHS * (BATCHES + 1); stop++) {
        ag_loader *old = ag_loader_new(set, .batch = BATCH, .shuffle = true, .seed = 11);
        ag_loader *new = ag_loader_new(set, .batch = BATCH, .shuffle = true, .seed = 999);
        ag_batch b;
        for (int i = 0; i < stop; i++) ag_next(old, &b);
        ag_params from = ag_loader_state(old), to = ag_loader_state(new);
        assert_true(from.n == 3 && to.n == 3 && !strcmp(from.at[1].name, "loader.epoch"));
        if (stop % 2) ag_next(new, &b); /* it may have an order already */
        for (int i = 0; i < 3; i++) {
            assert_string_equal(from.at[i].name, to.at[i].name);
            assert_int_equal(ag_assign(to.at[i].tensor, from.at[i].tensor), AG_OK);
        }
        int64_t x[N], y[N];
        for (int epoch = 0; epoch < 2; epoch++) {
            int64_t n = rest_of_epoch(old, *state, x);
            assert_int_equal(rest_of_epoch(new, *state, y), n);
            assert_memory_equal(x, y, (size_t)n * sizeof *x);
        }
        ag_loader_free(old), ag_loader_free(new);
    }
    ag_dataset_free(set);
}

static void misuse_is_reported(void **state)
{
    ag_dataset *set = counting(N);
    ag_loader *loader = ag_loader_new(set, .batch = 5, .shuffle = true);
    ag_params at = ag_loader_state(loader);
    ag_batch b;
    static const int64_t bad[][2] = { { -1, 0 }, { 0, -1 }, { 0, 6 }, { INT32_MAX, 0 }, { INT64_MAX, 0 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        *ag_i64_write(at.at[1].tensor) = bad[i][0], *ag_i64_write(at.at[2].tensor) = bad[i][1];
        assert_false(ag_next(loader, &b));
        assert_int_equal(ag_clear_error(), AG_EINVAL);
        assert_non_null(strstr(ag_errmsg(), "ag_next: the loader's state says batch"));
    }
    *ag_i64_write(at.at[1].tensor) = *ag_i64_write(at.at[2].tensor) = 0;
    assert_false(ag_next(loader, NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_false(ag_next(NULL, &b));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_null(ag_loader_new(set, .batch = -2));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    ag_samples beyond = { set, 0, N + 1 }, nothing = { NULL, 0, 0 };
    assert_null(ag_loader_new(beyond));
    assert_int_equal(ag_clear_error(), AG_EINVAL);
    assert_null(ag_loader_new(nothing));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_int_equal(ag_loader_state(NULL).n + ag_loader_batches(NULL) + ag_loader_count(NULL), 0);
    assert_int_equal(ag_clear_error(), AG_ENULL);
    ag_loader_free(NULL);

    /* without a tape there are no batches; none is lost by it */
    ag_tape_use(NULL);
    assert_false(ag_next(loader, &b));
    assert_int_equal(ag_clear_error(), AG_ETAPE);
    ag_tape_use(*state);
    assert_true(ag_next(loader, &b) && b.index == 0);
    ag_loader_free(loader);
    ag_dataset_free(set);
}

static ag_status sample(int64_t i, ag_tensor *x, ag_tensor *y, void *user)
{
    (void)user;
    ag_fill(x, (double)i);
    ag_fill(y, (double)i);
    return ag_error();
}

/* From the second epoch on nothing is asked of the system. */
static void steady_epochs_allocate_nothing(void **state)
{
    enum { MANY = 3000, EPOCHS = 20 };
    static int64_t x[MANY];
    ag_dataset *arrays = counting(MANY);
    ag_dataset *calls = ag_dataset_from(sample, NULL, MANY, ag_zeros(AG_I64), ag_zeros(AG_I64));
    for (int kind = 0; kind < 4; kind++) {
        ag_loader *loader = ag_loader_new(kind % 2 ? calls : arrays, .batch = 64, .shuffle = kind / 2);
        long after_first = 0;
        uint64_t reserved = 0;
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            assert_int_equal(rest_of_epoch(loader, *state, x), MANY);
            if (epoch == 1) after_first = asked, reserved = ag_tape_memory(*state).reserved;
        }
#ifndef AG_DEBUG /* whose tapes never use a header again */
        assert_int_equal(asked - after_first, 0);
        assert_int_equal(ag_tape_memory(*state).reserved, reserved);
#else
        (void)after_first, (void)reserved;
#endif
        ag_loader_free(loader);
    }
    ag_dataset_free(arrays), ag_dataset_free(calls);
}

/* Everything above with one allocation failing, whichever: AG_ENOMEM, and what is there can be freed. */
static bool program(void)
{
    int64_t x[N];
    ag_tape *t = ag_tape_new();
    ag_dataset *set = counting(N),
               *calls = t ? ag_dataset_from(sample, NULL, N, ag_zeros(AG_I64), ag_zeros(AG_I64)) : NULL;
    bool whole = true;
    for (int kind = 0; kind < 2; kind++) {
        ag_loader *loader = ag_loader_new(kind ? calls : set, .batch = 5, .shuffle = true, .seed = 1);
        ag_batch b;
        int64_t n = 0;
        for (; ag_next(loader, &b); n += b.n) ag_read(b.x, x + n, b.n);
        whole = whole && n == N;
        ag_loader_free(loader);
    }
    ag_dataset_free(set), ag_dataset_free(calls);
    ag_tape_free(t);
    return whole;
}
static void every_allocation_may_fail(void **state)
{
    (void)state;
    asked = 0;
    assert_true(program());
    long all = asked;
    assert_int_equal(ag_clear_error(), AG_OK);
    for (long k = 1; k <= all; k++) {
        asked = 0, fail_at = k;
        bool whole = program();
        fail_at = 0;
        ag_status status = ag_clear_error();
        assert_true(status == AG_ENOMEM || (status == AG_OK && whole));
    }
    printf("# %ld allocations made to fail\n", all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_epoch_is_cut_into_batches, tape, end),
        cmocka_unit_test_setup_teardown(a_shuffled_epoch_holds_every_sample_once, tape, end),
        cmocka_unit_test_setup_teardown(the_order_follows_from_seed_and_epoch, tape, end),
        cmocka_unit_test_setup_teardown(a_restored_loader_goes_on, tape, end),
        cmocka_unit_test_setup_teardown(misuse_is_reported, tape, end),
        cmocka_unit_test_setup_teardown(steady_epochs_allocate_nothing, tape, end),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("loader", tests, NULL, NULL);
}
