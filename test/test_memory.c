/* Allocation with a budget, the arena and the buffer pool. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <autograd/base/memory.h>

static bool aligned(const void *p, uintptr_t to)
{
    return (uintptr_t)p % to == 0;
}

static void test_sizes_do_not_overflow(void **state)
{
    (void)state;
    size_t n;
    assert_true(ag__size_mul(SIZE_MAX / 2, 2, &n));
    assert_false(ag__size_mul(SIZE_MAX / 2 + 1, 2, &n));
    assert_true(ag__size_add(SIZE_MAX - 1, 1, &n));
    assert_false(ag__size_add(SIZE_MAX, 1, &n));
}

static void test_alloc(void **state)
{
    (void)state;
    ag__budget budget = { 0 };
    const size_t sizes[] = { 0, 1, 63, 64, 65, 100000 };
    void *p[6];
    for (int i = 0; i < 6; i++) {
        p[i] = ag__alloc(&budget, sizes[i], "test");
        assert_non_null(p[i]);
        assert_true(aligned(p[i], 64));
        memset(p[i], i, sizes[i]);
    }
    assert_true(budget.reserved >= 100000 + 65 + 64 + 63 + 1);
    for (int i = 0; i < 6; i++) ag__release(&budget, p[i], sizes[i]);
    ag__release(&budget, NULL, 77);
    assert_int_equal(budget.reserved, 0);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 63, (size_t)PTRDIFF_MAX, (size_t)1 << 62 };
    for (int i = 0; i < 4; i++) {
        assert_null(ag__alloc(NULL, sizes[i], "huge"));
        assert_int_equal(ag_clear_error(), AG_ENOMEM);
        assert_ptr_equal(strstr(ag_errmsg(), "huge: out of memory"), ag_errmsg());
    }
}

static void test_limit(void **state)
{
    (void)state;
    ag__budget budget = { .limit = 1024 };
    void *p = ag__alloc(&budget, 512, "half");
    assert_non_null(p);
    assert_null(ag__alloc(&budget, 513, "more"));
    assert_int_equal(ag_clear_error(), AG_ENOMEM);
    assert_string_equal(ag_errmsg(), "more: 576 bytes more would pass the tape's memory limit of 1024");
    assert_null(ag__grow(&budget, p, 512, 1024, "more"));
    assert_int_equal(ag_clear_error(), AG_ENOMEM);
    void *q = ag__alloc(&budget, 512, "half");
    assert_non_null(q);
    ag__release(&budget, p, 512), ag__release(&budget, q, 512);
    assert_int_equal(budget.reserved, 0);
}

static void test_grow(void **state)
{
    (void)state;
    ag__budget budget = { 0 };
    unsigned char *p = ag__grow(&budget, NULL, 0, 100, "first");
    assert_non_null(p);
    memset(p, 7, 100);
    p = ag__grow(&budget, p, 100, 10000, "second");
    for (int i = 0; i < 100; i++) assert_int_equal(p[i], 7);
    p = ag__grow(&budget, p, 10000, 50, "shrunk");
    for (int i = 0; i < 50; i++) assert_int_equal(p[i], 7);
    ag__release(&budget, p, 50);
    assert_int_equal(budget.reserved, 0);
}

/* ---- arena ------------------------------------------------------------------------------------------------------ */

static void fill_arena(ag__arena *a, int n, size_t bytes, unsigned char **p)
{
    for (int i = 0; i < n; i++) {
        p[i] = ag__arena_get(a, bytes);
        assert_non_null(p[i]);
        assert_true(aligned(p[i], 16));
        memset(p[i], i & 255, bytes);
    }
}

static void test_arena_keeps_addresses(void **state)
{
    (void)state;
    enum { N = 3000 };
    static unsigned char *p[N], *again[N];
    ag__budget budget = { 0 };
    ag__arena a = { .budget = &budget };
    fill_arena(&a, N, 100, p);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 100; k += 33) assert_int_equal(p[i][k], i & 255);
    uint64_t reserved = budget.reserved;
    ag__arena_rewind(&a, (ag__arena_mark){ 0 });
    fill_arena(&a, N, 100, again);
    assert_memory_equal(p, again, sizeof p); /* the same chunks, nothing new */
    assert_int_equal(budget.reserved, reserved);
    ag__arena_free(&a);
    assert_int_equal(budget.reserved, 0);
    fill_arena(&a, 1, 100, p); /* usable again */
    ag__arena_free(&a);
}

static void test_arena_marks(void **state)
{
    (void)state;
    ag__arena a = { 0 };
    assert_null(ag__arena_tell(&a).chunk);
    char *first = ag__arena_get(&a, 24);
    ag__arena_mark mark = ag__arena_tell(&a);
    char *second = ag__arena_get(&a, 1);
    assert_ptr_equal(second, first + 32);
    char *big = ag__arena_get(&a, 100000), *bigger = ag__arena_get(&a, 5000000);
    assert_non_null(big);
    assert_non_null(bigger);
    big[99999] = bigger[4999999] = 1;
    ag__arena_rewind(&a, mark);
    assert_ptr_equal(ag__arena_get(&a, 16), second);
    ag__arena_rewind(&a, (ag__arena_mark){ 0 });
    assert_ptr_equal(ag__arena_get(&a, 1), first);
    ag__arena_free(&a);
}

/* A chunk kept from before that is too small for a request stays in line for the next ones. */
static void test_arena_sizes_in_any_order(void **state)
{
    (void)state;
    ag__budget budget = { 0 };
    ag__arena a = { .budget = &budget };
    const size_t sizes[] = { 4000, 9000, 16, 300000, 4000, 70000, 1, 2000000, 4000 };
    enum { N = sizeof sizes / sizeof *sizes };
    uint64_t reserved = 0;
    for (int round = 0; round < 40; round++) {
        unsigned char *p[N];
        for (int i = 0; i < N; i++) {
            size_t n = sizes[(i * 4 + round) % N];
            p[i] = ag__arena_get(&a, n);
            assert_non_null(p[i]);
            memset(p[i], i, n);
        }
        for (int i = 0; i < N; i++) assert_int_equal(p[i][sizes[(i * 4 + round) % N] - 1], i);
        ag__arena_rewind(&a, (ag__arena_mark){ 0 });
        if (round == 20) reserved = budget.reserved;
        if (round > 20) assert_true(budget.reserved <= 2 * reserved);
    }
    ag__arena_free(&a);
    assert_int_equal(budget.reserved, 0);
}

static void test_arena_out_of_memory(void **state)
{
    (void)state;
    ag__budget budget = { .limit = 10000 };
    ag__arena a = { .budget = &budget };
    char *p = ag__arena_get(&a, 64);
    assert_non_null(p);
    assert_null(ag__arena_get(&a, SIZE_MAX)); /* rounding up must not wrap */
    assert_int_equal(ag_clear_error(), AG_ENOMEM);
    assert_null(ag__arena_get(&a, 20000));
    assert_int_equal(ag_clear_error(), AG_ENOMEM);
    assert_ptr_equal(ag__arena_get(&a, 64), p + 64);
    ag__arena_free(&a);
    assert_int_equal(budget.reserved, 0);
}

/* ---- pool ------------------------------------------------------------------------------------------------------- */

static void test_pool_classes(void **state)
{
    (void)state;
    ag__budget budget = { 0 };
    ag__pool pool = { .budget = &budget };
    for (size_t n = 0; n < 300000; n = n < 700 ? n + 1 : n + n / 97) {
        uint8_t klass = AG__NO_CLASS;
        void *p = ag__pool_get(&pool, n, &klass);
        assert_non_null(p);
        assert_true(aligned(p, 64));
        size_t size = ag__pool_class_bytes(klass);
        assert_true(size >= n && size % 64 == 0);
        assert_true(n < 256 || size <= n + n / 4 + 64);                            /* four classes per octave */
        assert_true(klass == 0 || ag__pool_class_bytes((uint8_t)(klass - 1)) < n); /* the smallest that fits */
        assert_int_equal(budget.in_use, size);
        memset(p, 255, n);
        ag__pool_put(&pool, p, klass);
        assert_int_equal(budget.in_use, 0);
    }
    assert_true(budget.peak >= 290000);
    ag__pool_free(&pool);
    assert_int_equal(budget.reserved, 0);
}

static void test_pool_keeps_buffers(void **state)
{
    (void)state;
    ag__budget budget = { 0 };
    ag__pool pool = { .budget = &budget };
    uint8_t k1, k2;
    void *a = ag__pool_get(&pool, 1000, &k1), *b = ag__pool_get(&pool, 1000, &k2);
    assert_ptr_not_equal(a, b);
    assert_int_equal(k1, k2);
    uint64_t reserved = budget.reserved;
    ag__pool_put(&pool, a, k1);
    ag__pool_put(&pool, b, k2);
    assert_ptr_equal(ag__pool_get(&pool, 960, &k1), b);
    assert_ptr_equal(ag__pool_get(&pool, 1001, &k2), a);
    assert_int_equal(budget.reserved, reserved);
    ag__pool_put(&pool, a, k1);
    ag__pool_put(&pool, b, k2);
    ag__pool_free(&pool);
}

static void test_pool_out_of_memory(void **state)
{
    (void)state;
    ag__pool pool = { 0 };
    uint8_t klass;
    const size_t sizes[] = { SIZE_MAX, (size_t)1 << 60, (size_t)1 << 56 };
    for (int i = 0; i < 3; i++) {
        assert_null(ag__pool_get(&pool, sizes[i], &klass));
        assert_int_equal(ag_clear_error(), AG_ENOMEM);
    }
    ag__pool_free(&pool);
}

static void test_tape_limit(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new(.memory_limit = 1 << 20);
    assert_non_null(tape);
    assert_non_null(ag_zeros(AG_F64, 1000));
    assert_null(ag_zeros(AG_F64, 1000, 1000));
    assert_int_equal(ag_error(), AG_ENOMEM);
    assert_true(ag_tape_memory(tape).reserved <= 1 << 20);
    assert_int_equal(ag_tape_reset(tape), AG_ENOMEM);
    assert_non_null(ag_zeros(AG_F64, 1000));
    assert_int_equal(ag_error(), AG_OK);
    ag_tape_free(tape);
}

/* Does the system know that huge pages are wanted where p lies? -1: it doesn't say. */
static int advised(const void *p)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    bool here = false;
    int found = -1;
    while (f && found < 0 && fgets(line, sizeof line, f)) {
        uintptr_t from, to;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
            here = from <= (uintptr_t)p && (uintptr_t)p < to;
        else if (here && !strncmp(line, "VmFlags:", 8))
            found = strstr(line, " hg") != NULL;
    }
    if (f) fclose(f);
    return found;
}

static void test_huge_pages(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new(.huge_pages = true);
    const ag_tensor *large = ag_ones(AG_F32, 3, 1 << 20), *small = ag_ones(AG_F32, 1 << 10);
    assert_true(aligned(ag_f32(large), 2 << 20));
    assert_int_equal(ag_error(), AG_OK);
    int large_is = advised(ag_f32(large)), small_is = advised(ag_f32(small));
    ag_tape_free(tape);
    tape = ag_tape_new();
    int without = advised(ag_f32(ag_ones(AG_F32, 3, 1 << 20)));
    ag_tape_free(tape);
    if (large_is < 0) skip();
    assert_int_equal(large_is, 1);
    assert_int_equal(small_is, 0);
    assert_int_equal(without, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_do_not_overflow),
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_arena_keeps_addresses),
        cmocka_unit_test(test_arena_marks),
        cmocka_unit_test(test_arena_sizes_in_any_order),
        cmocka_unit_test(test_arena_out_of_memory),
        cmocka_unit_test(test_pool_classes),
        cmocka_unit_test(test_pool_keeps_buffers),
        cmocka_unit_test(test_pool_out_of_memory),
        cmocka_unit_test(test_tape_limit),
        cmocka_unit_test(test_huge_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
