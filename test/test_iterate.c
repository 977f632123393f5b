/* Iteration and copies between any two layouts, against the plainest loops; and checks on axes. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <autograd/base/pool.h>
#include <autograd/ops/apply.h>
#include <autograd/threads.h>

static const ag_dtype dtypes[] = { AG_F32, AG_F64, AG_I64, AG_I32, AG_U8, AG_BOOL };
enum { N_DTYPE = 6 };

static int fresh(void **state)
{
    *state = ag_tape_new();
    return *state == NULL;
}
static int done(void **state)
{
    ag_tape_free(*state);
    return ag_clear_error() != AG_OK;
}

/* The remembered error, forgotten. */
#define assert_fails(code, text)                  \
    do {                                          \
        assert_int_equal(ag_clear_error(), code); \
        assert_string_equal(ag_errmsg(), text);   \
    } while (0)

static ag__layout layout(int rank, const int64_t *dims, const int64_t *strides)
{
    ag__layout l;
    assert_true(ag__layout_set(&l, AG_F32, rank, dims, strides, "test"));
    return l;
}
#define DIMS(...) ((const int64_t[]){ __VA_ARGS__ })

static uint32_t lot = 1;
static int64_t pick(int64_t n) /* in [0, n) */
{
    lot = lot * 1664525u + 1013904223u;
    return (int64_t)(lot >> 8) % n;
}

/* A random layout of these sizes over a buffer that it stays within: *first is where element [0,...] lies. */
static ag__layout random_layout(ag_dtype dtype, int rank, const int64_t *dims, int64_t *first, int64_t *room,
                                bool repeats)
{
    int order[AG_MAX_RANK];
    int64_t strides[AG_MAX_RANK], stride = 1 + pick(2);
    for (int i = 0; i < rank; i++) {
        int at = (int)pick(i + 1);
        memmove(order + at + 1, order + at, (size_t)(i - at) * sizeof *order);
        order[at] = i;
    }
    *first = 0;
    for (int i = 0; i < rank; i++) {
        int axis = order[i];
        if (repeats && pick(5) == 0) {
            strides[axis] = 0;
            continue;
        }
        strides[axis] = pick(4) ? stride : -stride;
        if (strides[axis] < 0) *first += stride * (dims[axis] - 1);
        stride *= dims[axis];
        if (pick(4) == 0) stride += pick(3);
    }
    *room = stride + 2;
    ag__layout l;
    assert_true(ag__layout_set(&l, dtype, rank, dims, strides, "test"));
    return l;
}

static bool next(int rank, const int64_t *dims, int64_t *index)
{
    for (int i = rank - 1; i >= 0; i--) {
        if (++index[i] < dims[i]) return true;
        index[i] = 0;
    }
    return false;
}

static int64_t place(const ag__layout *l, int rank, const int64_t *index) /* aligned at the last axis */
{
    int64_t at = 0;
    for (int i = 0; i < l->rank; i++) at += l->dims[i] == 1 ? 0 : index[rank - l->rank + i] * l->strides[i];
    return at;
}

static void random_dims(int rank, int64_t *dims)
{
    int64_t most = rank <= 2 ? 90 : rank == 3 ? 24 : 4;
    for (int i = 0; i < rank; i++) dims[i] = pick(3) ? 1 + pick(most) : 1 + pick(3);
}

static void test_copies(void **state)
{
    (void)state;
    for (int round = 0; round < 1500; round++) {
        int rank = (int)pick(AG_MAX_RANK + 1);
        int64_t dims[AG_MAX_RANK], narrow[AG_MAX_RANK], to_first, from_first, to_room, from_room;
        random_dims(rank, dims);
        int cut = pick(3) ? 0 : (int)pick(rank + 1); /* src has fewer axes, and some of size 1 */
        for (int i = cut; i < rank; i++) narrow[i - cut] = pick(5) ? dims[i] : 1;
        bool add = pick(4) == 0;
        ag_dtype to = dtypes[pick(add ? 2 : N_DTYPE)], from = add ? to : dtypes[pick(N_DTYPE)];
        ag__layout dl = random_layout(to, rank, dims, &to_first, &to_room, false);
        ag__layout sl = random_layout(from, rank - cut, narrow, &from_first, &from_room, true);
        char *dst = calloc((size_t)to_room, dl.item), *src = calloc((size_t)from_room, sl.item);
        for (int64_t i = 0; i < from_room; i++) ag__set(&sl, src, i, (double)(from == AG_BOOL ? i % 2 : i % 120));
        for (int64_t i = 0; i < to_room; i++) ag__set(&dl, dst, i, 1);
        double expected = 0, sum = 0;
        char *dst0 = dst + to_first * (int64_t)dl.item, *src0 = src + from_first * (int64_t)sl.item;
        ag__copy_into(&dl, dst0, &sl, src0, add);
        int64_t index[AG_MAX_RANK] = { 0 };
        do {
            double v = ag__get(&sl, src0, place(&sl, rank, index)), w = ag__get(&dl, dst0, place(&dl, rank, index));
            if (to == AG_BOOL) v = v != 0;
            assert_true(w == v + add);
            expected += w;
        } while (next(rank, dims, index));
        for (int64_t i = 0; i < to_room; i++) sum += ag__get(&dl, dst, i);
        assert_true(sum == expected + (double)(to_room - dl.numel)); /* nothing beside it was touched */
        free(dst);
        free(src);
    }
}

/* Large enough for threads to share, and for bands to be turned; neither divides the sizes. */
static void test_large(void **state)
{
    (void)state;
    enum { ROWS = 1237, COLS = 1409 };
    const int64_t dims[] = { ROWS, COLS }, plain[] = { COLS, 1 }, turned[] = { 1, ROWS }, back[] = { -1, -ROWS };
    assert_int_equal(ag_set_threads(4), AG_OK);
    for (int d = 0; d < N_DTYPE; d++)
        for (int reversed = 0; reversed < 2; reversed++) {
            ag__layout dl, sl;
            assert_true(ag__layout_set(&dl, dtypes[d], 2, dims, plain, "to"));
            assert_true(ag__layout_set(&sl, dtypes[d], 2, dims, reversed ? back : turned, "from"));
            char *dst = calloc(ROWS * COLS, dl.item), *src = calloc(ROWS * COLS, sl.item);
            char *first = src + (reversed ? (ROWS * COLS - 1) * sl.item : 0);
            for (int64_t i = 0; i < ROWS * COLS; i++) ag__set(&sl, src, i, (double)(i * 7 % 127 % (d == 5 ? 2 : 127)));
            ag__copy_into(&dl, dst, &sl, first, false);
            for (int64_t i = 0; i < ROWS; i++)
                for (int64_t j = 0; j < COLS; j++) {
                    int64_t at = reversed ? -i - j * ROWS : i + j * ROWS;
                    if (ag__get(&dl, dst, i * COLS + j) != ag__get(&sl, first, at))
                        fail_msg("(%d, %d)", (int)i, (int)j);
                }
            free(dst), free(src);
        }
    assert_int_equal(ag_set_threads(0), AG_OK);
}

/* One axis, as long as a tile and about: there is none beside it to be turned with. */
static void test_one_axis(void **state)
{
    (void)state;
    enum { MOST = 40 };
    for (int64_t n = 1; n <= MOST; n++)
        for (int64_t step = -3; step <= 3; step++) {
            float x[3 * MOST], y[MOST];
            ag__layout lx, ly;
            for (int i = 0; i < 3 * MOST; i++) x[i] = (float)i;
            assert_true(ag__layout_set(&lx, AG_F32, 1, &n, &step, "x") &&
                        ag__layout_set(&ly, AG_F32, 1, &n, NULL, "y"));
            const int64_t first = step < 0 ? (1 - n) * step : 0;
            ag__copy_into(&ly, y, &lx, x + first, false);
            for (int64_t i = 0; i < n; i++) assert_true(y[i] == (float)(first + i * step));
        }
}

/* Sums into a repeated operand are not cut: two threads would lose what the other adds. The caller waits at its first
 * run until another thread has come, or for a while, so that what is cut is shared however busy the machine is. */
enum { SUM_ROWS = 64, SUM_COLS = 48 };
typedef struct sums {
    double y[SUM_ROWS * SUM_COLS];
    _Atomic(uintptr_t) writer[SUM_ROWS * SUM_COLS]; /* the thread that an element belongs to */
    _Atomic bool shared, clash;
    uintptr_t caller;
    bool waited;
} sums;

static uintptr_t this_thread(void)
{
    static _Thread_local char mine;
    return (uintptr_t)&mine;
}
static void add_up(int64_t n, char *const *p, const int64_t *stride, void *user)
{
    sums *s = user;
    const uintptr_t me = this_thread();
    if (me != s->caller) s->shared = true;
    for (int i = 0; i < 100 && me == s->caller && !s->waited && !s->shared; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    if (me == s->caller) s->waited = true;
    for (int64_t i = 0; i < n; i++) {
        double *y = (double *)(void *)p[1] + i * stride[1];
        uintptr_t nobody = 0;
        bool ours = y >= s->y && y < s->y + SUM_ROWS * SUM_COLS; /* else in a thread's own buffer */
        if (ours && !atomic_compare_exchange_strong(&s->writer[y - s->y], &nobody, me) && nobody != me) s->clash = true;
        *y += ((double *)(void *)p[0])[i * stride[0]];
    }
}
static void test_shared_sums(void **state)
{
    (void)state;
    static double x[SUM_ROWS * SUM_COLS];
    static sums s;
    const int64_t dims[] = { SUM_ROWS, SUM_COLS }, results[][2] = { { 1, SUM_COLS }, { SUM_ROWS, 1 }, { 1, 1 } };
    int shared[3] = { 0 };
    assert_int_equal(ag_set_threads(4), AG_OK);
    ag__share_always = true;
    for (int i = 0; i < SUM_ROWS * SUM_COLS; i++) x[i] = 1;
    for (int round = 0; round < 60; round++) {
        int k = round % 3;
        ag__layout lx, ly;
        assert_true(ag__layout_set(&lx, AG_F64, 2, dims, NULL, "x") &&
                    ag__layout_set(&ly, AG_F64, 2, results[k], NULL, "y"));
        memset(&s, 0, sizeof s);
        s.caller = this_thread();
        ag__iterate_shared(2, dims, 2, (const ag__layout *[]){ &lx, &ly }, (void *[]){ x, s.y }, add_up, &s, 1, 1000);
        assert_false(s.clash);
        for (int64_t i = 0; i < ly.numel; i++) assert_true(s.y[i] == (double)(SUM_ROWS * SUM_COLS / ly.numel));
        shared[k] += s.shared;
    }
    ag__share_always = false;
    assert_int_equal(ag_set_threads(0), AG_OK);
    printf("# sums along rows and columns: %d and %d of 20 shared\n", shared[0], shared[1]);
    assert_int_equal(shared[2], 0);
}

/* y += a b c, every element once. */
static void accumulate(int64_t n, char *const *p, const int64_t *stride, void *user)
{
    ++*(int *)user;
    for (int64_t i = 0; i < n; i++) {
        double *y = (double *)(void *)p[0] + i * stride[0];
        *y += ((double *)(void *)p[1])[i * stride[1]] * ((float *)(void *)p[2])[i * stride[2]] *
              ((uint8_t *)p[3])[i * stride[3]];
    }
}

static void test_iterate(void **state)
{
    (void)state;
    const ag_dtype kinds[] = { AG_F64, AG_F64, AG_F32, AG_U8 };
    for (int round = 0; round < 500; round++) {
        int rank = (int)pick(AG_MAX_RANK + 1);
        int64_t dims[AG_MAX_RANK], first[4], room[4];
        random_dims(rank, dims);
        ag__layout l[4];
        const ag__layout *layouts[4];
        char *memory[4];
        void *data[4];
        for (int k = 0; k < 4; k++) {
            l[k] = random_layout(kinds[k], rank, dims, &first[k], &room[k], k > 0);
            memory[k] = calloc((size_t)room[k], l[k].item);
            for (int64_t i = 0; k && i < room[k]; i++) ag__set(&l[k], memory[k], i, (double)(1 + i % 7));
            layouts[k] = &l[k];
            data[k] = memory[k] + first[k] * (int64_t)l[k].item;
        }
        int calls = 0;
        if (round % 2) /* operands may be packed */
            ag__iterate_shared(rank, dims, 4, layouts, data, accumulate, &calls, 0, 0);
        else
            ag__iterate(rank, dims, 4, layouts, data, accumulate, &calls);
        assert_true(calls > 0);
        int64_t index[AG_MAX_RANK] = { 0 };
        do {
            double v[4];
            for (int k = 0; k < 4; k++) v[k] = ag__get(&l[k], data[k], place(&l[k], rank, index));
            assert_true(v[0] == v[1] * v[2] * v[3]);
        } while (next(rank, dims, index));
        for (int k = 0; k < 4; k++) free(memory[k]);
    }
}

/* Narrow rows of many layouts, beside one long axis; the result may repeat, and is a sum then. */
static void add_product(int64_t n, char *const *p, const int64_t *stride, void *user)
{
    const bool f64 = *(const bool *)user;
    for (int64_t i = 0; i < n; i++) {
        double factor = ((uint8_t *)p[2])[i * stride[2]];
        if (f64)
            ((double *)(void *)p[0])[i * stride[0]] += ((double *)(void *)p[1])[i * stride[1]] * factor;
        else
            ((float *)(void *)p[0])[i * stride[0]] += ((float *)(void *)p[1])[i * stride[1]] * (float)factor;
    }
}

static void test_narrow(void **state)
{
    (void)state;
    for (int round = 0; round < 600; round++) {
        bool f64 = round % 2;
        const ag_dtype kinds[] = { f64 ? AG_F64 : AG_F32, f64 ? AG_F64 : AG_F32, AG_U8 };
        int rank = 2 + (int)pick(3);
        int64_t dims[AG_MAX_RANK], first[3], room[3], index[AG_MAX_RANK] = { 0 };
        for (int i = 0; i < rank; i++) dims[i] = 1 + pick(rank < 4 ? 9 : 4);
        dims[pick(rank)] = 300 + pick(300);
        ag__layout l[3];
        char *memory[3];
        void *data[3];
        for (int k = 0; k < 3; k++) {
            l[k] = random_layout(kinds[k], rank, dims, &first[k], &room[k], true);
            memory[k] = calloc((size_t)room[k], l[k].item);
            for (int64_t i = 0; k && i < room[k]; i++) ag__set(&l[k], memory[k], i, (double)(1 + i % 7));
            data[k] = memory[k] + first[k] * (int64_t)l[k].item;
        }
        char *expected = calloc((size_t)room[0], l[0].item), *origin = expected + first[0] * (int64_t)l[0].item;
        do {
            int64_t at[3];
            for (int k = 0; k < 3; k++) at[k] = place(&l[k], rank, index);
            double product = ag__get(&l[1], data[1], at[1]) * ag__get(&l[2], data[2], at[2]);
            ag__set(&l[0], origin, at[0], ag__get(&l[0], origin, at[0]) + product);
        } while (next(rank, dims, index));
        ag__iterate_shared(rank, dims, 3, (const ag__layout *[]){ &l[0], &l[1], &l[2] }, data, add_product, &f64, 0, 0);
        assert_memory_equal(memory[0], expected, (size_t)room[0] * l[0].item); /* small whole numbers: exact */
        for (int k = 0; k < 3; k++) free(memory[k]);
        free(expected);
    }
}

static int calls_for(int rank, const int64_t *dims, const int64_t *strides, const int64_t *strides2)
{
    static double y[65536], x[65536];
    static float f[65536];
    static uint8_t u[65536];
    ag__layout l[4];
    const ag_dtype kinds[] = { AG_F64, AG_F64, AG_F32, AG_U8 };
    const ag__layout *layouts[4];
    for (int k = 0; k < 4; k++) {
        assert_true(ag__layout_set(&l[k], kinds[k], rank, dims, k == 1 ? strides2 : strides, "test"));
        layouts[k] = &l[k];
    }
    int calls = 0;
    ag__iterate(rank, dims, 4, layouts, (void *[]){ y, x, f, u }, accumulate, &calls);
    return calls;
}

static void test_iterate_merges(void **state)
{
    (void)state;
    assert_int_equal(calls_for(3, DIMS(2, 3, 4), NULL, NULL), 1);
    assert_int_equal(calls_for(3, DIMS(2, 3, 4), DIMS(1, 8, 2), DIMS(1, 8, 2)), 1); /* in the order of memory */
    assert_int_equal(calls_for(3, DIMS(20, 3, 40), NULL, DIMS(0, 40, 1)), 20);      /* axes 1 and 2 merged */
    assert_int_equal(calls_for(3, DIMS(20, 3, 40), NULL, DIMS(0, 0, 1)), 60);
    assert_int_equal(calls_for(2, DIMS(200, 3), NULL, DIMS(0, 1)), 3); /* along the long axis */
    assert_int_equal(calls_for(2, DIMS(0, 3), NULL, NULL), 0);
    assert_int_equal(calls_for(0, NULL, NULL, NULL), 1);
}

static void test_axes(void **state)
{
    (void)state;
    ag__layout l = layout(3, DIMS(2, 3, 4), NULL), l0 = layout(0, NULL, NULL);
    uint32_t mask;
    assert_int_equal(ag__axis(-1, &l, "ag_x"), 2);
    assert_int_equal(ag__axis(0, &l, "ag_x"), 0);
    assert_int_equal(ag__axis(3, &l, "ag_x"), -1);
    assert_fails(AG_EINVAL, "ag_x: axis 3 of [2,3,4]");
    assert_true(ag__axes(0, NULL, &l, "ag_x", &mask) && mask == 7);
    assert_true(ag__axes(2, (const int[]){ -1, 0 }, &l, "ag_x", &mask) && mask == 5);
    assert_true(ag__axes(1, (const int[]){ -1 }, &l0, "ag_x", &mask) && mask == 0);
    assert_false(ag__axes(2, (const int[]){ 1, -2 }, &l, "ag_x", &mask));
    assert_fails(AG_EINVAL, "ag_x: axis -2 of [2,3,4] is given twice");
    assert_false(ag__axes(1, (const int[]){ 1 }, &l0, "ag_x", &mask));
    assert_fails(AG_EINVAL, "ag_x: axis 1 of []");
}

int main(void)
{
    ag__kernels_choose(); /* as a tape does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_copies, fresh, done),
        cmocka_unit_test_setup_teardown(test_large, fresh, done),
        cmocka_unit_test(test_one_axis),
        cmocka_unit_test(test_shared_sums),
        cmocka_unit_test(test_iterate),
        cmocka_unit_test(test_narrow),
        cmocka_unit_test(test_iterate_merges),
        cmocka_unit_test(test_axes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
