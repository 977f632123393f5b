/* .npy: what is written is read again, files of NumPy's own hand (golden/files), and a table of damaged ones. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <test/files.h>

#include <sys/stat.h>

/* ---- what reading costs: the linker passes the library's allocations through here ---- */

static size_t asked;
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    asked += n;
    return __real_aligned_alloc(align, n);
}

/* ---- making files ---- */

/* A file of this version with this header, `stuffing` spaces, and n bytes 0, 1, 2, ... behind it. */
static const char *make(int version, const char *header, size_t stuffing, size_t n)
{
    static uint8_t bytes[80000];
    size_t length = strlen(header), total = length + stuffing, at = 8;
    assert_true(12 + total + n < sizeof bytes);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (uint8_t)version, bytes[7] = 0;
    for (int i = 0; i < (version == 1 ? 2 : 4); i++) bytes[at++] = (uint8_t)(total >> 8 * i);
    memcpy(bytes + at, header, length);
    memset(bytes + at + length, ' ', stuffing);
    for (size_t i = 0; i < n; i++) bytes[at + total + i] = (uint8_t)i;
    files_store(files_path("x.npy"), bytes, at + total + n);
    return files_path("x.npy");
}

static bool equal(ag_tensor *a, ag_tensor *b)
{
    if (!a || !b || ag_dtype_of(a) != ag_dtype_of(b) || ag_rank(a) != ag_rank(b)) return false;
    for (int i = 0; i < ag_rank(a); i++)
        if (ag_size(a, i) != ag_size(b, i)) return false;
    size_t n = (size_t)ag_numel(a) * sizeof(double);
    double *x = malloc(n + 1), *y = malloc(n + 1);
    assert_int_equal(ag_read(a, x, ag_numel(a)), AG_OK);
    assert_int_equal(ag_read(b, y, ag_numel(b)), AG_OK);
    bool same = !memcmp(x, y, n);
    free(x), free(y);
    return same;
}

/* ---- good files ---- */

static const ag_dtype dtypes[] = { AG_F32, AG_F64, AG_I64, AG_I32, AG_U8, AG_BOOL };
enum { N_DTYPE = sizeof dtypes / sizeof *dtypes };

static ag_tensor *filled(ag_dtype dtype, int rank, const int64_t *dims)
{
    ag_tensor *x = (ag_new)(dtype, rank, dims);
    double *v = malloc(sizeof *v * (size_t)ag_numel(x) + 1);
    for (int64_t i = 0; i < ag_numel(x); i++) v[i] = dtype == AG_BOOL ? i % 3 == 1 : (double)(i % 251);
    assert_int_equal(ag_write(x, v, ag_numel(x)), AG_OK);
    free(v);
    return x;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const struct {
        int rank;
        int64_t dims[8];
    } shapes[] = { { 0, { 0 } },       { 1, { 5 } },          { 1, { 0 } },       { 2, { 3, 4 } },
                   { 3, { 2, 0, 3 } }, { 4, { 2, 1, 3, 2 } }, { 2, { 300, 41 } }, { 8, { 1, 2, 1, 2, 1, 3, 1, 2 } } };
    for (int d = 0; d < N_DTYPE; d++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            ag_tensor *x = filled(dtypes[d], shapes[s].rank, shapes[s].dims);
            assert_int_equal(ag_write_npy(files_path("w.npy"), x), AG_OK);
            asked = 0;
            ag_tensor *y = ag_read_npy(files_path("w.npy"));
            assert_true(asked > 0 && asked < (size_t)ag_numel(x) * 8 + 1024);
            assert_true(equal(x, y));
            assert_true(ag_is_mine(y) && !ag_requires_grad(y) && ag_is_contiguous(y));
            size_t n;
            uint8_t *bytes = files_load(files_path("w.npy"), &n);
            assert_int_equal((n - (size_t)ag_numel(x) * ag_dtype_size(dtypes[d])) % 64, 0); /* aligned, as NumPy's */
            free(bytes), ag_free(x), ag_free(y);
        }
}

static void views_are_written_row_major(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = filled(AG_F32, 2, (const int64_t[]){ 4, 6 });
    ag_tensor *view = ag_flip(ag_transpose(ag_slice(x, 1, 1, 4), 0, 1), 0);
    assert_int_equal(ag_write_npy(files_path("w.npy"), view), AG_OK);
    ag_tensor *y = ag_read_npy(files_path("w.npy"));
    assert_true(equal(view, y));
    ag_free(x), ag_free(y), ag_tape_free(tape);
}

static void headers_may_differ(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *header;
    } good[] = {
        { 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n" },
        { 2, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n" },
        { 3, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n" },
        { 1, "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"|u1\"}" },
        { 1, " {'descr' :'|u1' ,'fortran_order': False,\t'shape': ( 2L , 3L , ) } \r\n" },
    };
    ag_tensor *expected = ag_new(AG_U8, 2, 3);
    ag_write(expected, ((const uint8_t[]){ 0, 1, 2, 3, 4, 5 }), 6);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ag_tensor *x = ag_read_npy(make(good[i].version, good[i].header, 100, 6));
        assert_true(equal(x, expected));
        ag_free(x);
    }
    ag_free(expected);
}

static void fortran_order_is_read(void **state)
{
    (void)state;
    ag_tensor *x = ag_read_npy(make(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2)}", 0, 12));
    assert_non_null(x);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 2; k++) assert_true(ag_at(x, i, j, k) == i + 2 * j + 6 * k);
    ag_free(x);
    x = ag_read_npy(make(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 0)}", 0, 0));
    assert_true(x && ag_rank(x) == 2 && ag_size(x, 0) == 2 && ag_numel(x) == 0);
    ag_free(x);
}

static void every_byte_is_a_truth_value(void **state)
{
    (void)state;
    static const char *const orders[] = { "{'descr': '|b1', 'fortran_order': False, 'shape': (2, 2)}",
                                          "{'descr': '|b1', 'fortran_order': True, 'shape': (2, 2)}" };
    for (int i = 0; i < 2; i++) {
        ag_tensor *x = ag_read_npy(make(1, orders[i], 0, 4)); /* 0 1 2 3 */
        const uint8_t *b = ag_u8(x);
        assert_true(b && b[0] == 0 && b[1] == 1 && b[2] == 1 && b[3] == 1);
        ag_free(x);
    }
}

/* golden/files.py wrote i + 0.5 in every float file, i in the others, i % 3 == 1 as truth values. */
static void numpys_files_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        ag_dtype dtype;
        int rank;
    } files[] = { { "f4", AG_F32, 2 },         { "f8", AG_F64, 2 },         { "i8", AG_I64, 2 },
                  { "i4", AG_I32, 2 },         { "u1", AG_U8, 2 },          { "b1", AG_BOOL, 2 },
                  { "f4_fortran", AG_F32, 2 }, { "f8_fortran", AG_F64, 2 }, { "f8_2", AG_F64, 2 },
                  { "f8_scalar", AG_F64, 0 },  { "f8_vector", AG_F64, 1 } };
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        char path[128];
        snprintf(path, sizeof path, "test/golden/files/%s.npy", files[f].name);
        ag_tensor *x = ag_read_npy(path);
        if (!x) fail_msg("%s", ag_errmsg());
        assert_int_equal(ag_dtype_of(x), files[f].dtype);
        assert_int_equal(ag_rank(x), files[f].rank);
        int64_t n = ag_numel(x);
        assert_int_equal(n, files[f].rank == 2 ? 12 : files[f].rank ? 4 : 1);
        double v[12];
        assert_int_equal(ag_read(x, v, n), AG_OK);
        bool real = files[f].dtype == AG_F32 || files[f].dtype == AG_F64;
        for (int64_t i = 0; i < n; i++)
            assert_true(v[i] == (files[f].dtype == AG_BOOL ? i % 3 == 1 : (double)i + (real ? 0.5 : 0)));
        ag_free(x);
    }
}

/* ---- damaged files ---- */

#define ORDER "'fortran_order': False"
static const struct bad {
    int version;
    const char *header;
    size_t stuffing, n;
    ag_status status;
    const char *message; /* a part of it */
} bad[] = {
    { 0, "{'descr': '<f4', " ORDER ", 'shape': (2,)}", 0, 8, AG_EFORMAT, "version 0.0" },
    { 4, "{'descr': '<f4', " ORDER ", 'shape': (2,)}", 0, 8, AG_EFORMAT, "version 4.0" },
    { 1, "{'descr': '>f4', " ORDER ", 'shape': (2,)}", 0, 8, AG_EDTYPE, "elements of '>f4'" },
    { 1, "{'descr': '<f2', " ORDER ", 'shape': (2,)}", 0, 4, AG_EDTYPE, "elements of '<f2'" },
    { 1, "{'descr': '|O', " ORDER ", 'shape': (2,)}", 0, 16, AG_EDTYPE, "elements of '|O'" },
    { 1, "{'descr': '', " ORDER ", 'shape': (2,)}", 0, 8, AG_EDTYPE, "elements of ''" },
    { 1, "{'descr': [('a', '<f4')], " ORDER ", 'shape': (2,)}", 0, 8, AG_EFORMAT, "not that of plain numbers" },
    { 1, "{'descr': '<f4<f4<f4<f4<f4<f4', " ORDER ", 'shape': (2,)}", 0, 8, AG_EFORMAT, "not that of plain numbers" },
    { 1, "{'descr': '<f4\x1b[2J', " ORDER ", 'shape': (2,)}", 0, 8, AG_EFORMAT, "not that of plain numbers" },
    { 1, "{'descr': '<f4", 0, 8, AG_EFORMAT, "not that of plain numbers" },
    { 1, "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", 0, 8, AG_EFORMAT, "neither True nor False" },
    { 1, "{'descr': '<f4', 'fortran_order': Tru", 0, 8, AG_EFORMAT, "neither True nor False" },
    { 1, "{'descr': '<f4', 'fortran_order': Truely, 'shape': (2,)}", 0, 8, AG_EFORMAT, "no comma" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': 2}", 0, 8, AG_EFORMAT, "not a tuple" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2)}", 0, 8, AG_EFORMAT, "not a tuple" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (,)}", 0, 8, AG_EFORMAT, "not a tuple" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (-2,)}", 0, 8, AG_EFORMAT, "not a tuple" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2 3)}", 0, 24, AG_EFORMAT, "not a tuple" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2", 0, 8, AG_EFORMAT, "not a tuple" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2.0,)}", 0, 8, AG_EFORMAT, "not a tuple" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (1,1,1,1,1,1,1,1,1)}", 0, 4, AG_EFORMAT, "more than 8 sizes" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (9223372036854775808,)}", 0, 8, AG_EFORMAT, "beyond 64 bits" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (99999999999999999999999999,)}", 0, 8, AG_EFORMAT, "beyond 64 bits" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (4611686018427387904,)}", 0, 0, AG_EFORMAT, "more than memory" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (4294967296, 4294967296)}", 0, 0, AG_EFORMAT, "more than memory" },
    { 1, "{'descr': '|u1', " ORDER ", 'shape': (0, 4294967296, 4294967296)}", 0, 0, AG_EFORMAT, "more than memory" },
    { 1, "{'descr': '<f8', " ORDER ", 'shape': (1000000000,)}", 0, 8, AG_EFORMAT, "takes 8000000000 bytes" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2,)}", 0, 7, AG_EFORMAT, "takes 8 bytes, the file has 7" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2,)}", 0, 9, AG_EFORMAT, "takes 8 bytes, the file has 9" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (0,)}", 0, 1, AG_EFORMAT, "takes 0 bytes, the file has 1" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2,), 'x': 1}", 0, 8, AG_EFORMAT, "a key besides" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2,), 'shape': (2,)}", 0, 8, AG_EFORMAT, "a key twice" },
    { 1, "{'descr': '<f4', " ORDER "}", 0, 8, AG_EFORMAT, "lacks" },
    { 1, "{}", 0, 8, AG_EFORMAT, "lacks" },
    { 1, "", 0, 8, AG_EFORMAT, "no dictionary" },
    { 1, "['descr']", 0, 8, AG_EFORMAT, "no dictionary" },
    { 1, "{'descr' '<f4'}", 0, 8, AG_EFORMAT, "no dictionary of short strings" },
    { 1, "{descr: '<f4'}", 0, 8, AG_EFORMAT, "no dictionary of short strings" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2,)", 0, 8, AG_EFORMAT, "no comma" },
    { 1, "{'descr': '<f4' " ORDER ", 'shape': (2,)}", 0, 8, AG_EFORMAT, "no comma" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2,)} x", 0, 8, AG_EFORMAT, "goes on behind" },
    { 1, "{'descr': '<f4', " ORDER ", 'shape': (2,)}", 60000, 8, AG_EFORMAT, "more than 10000" },
    { 2, "{'descr': '<f4', " ORDER ", 'shape': (2,)}", 70000, 8, AG_EFORMAT, "more than 10000" },
};
enum { N_BAD = sizeof bad / sizeof *bad };

static double slowest;
static size_t dearest;

static void refuse(const char *path, ag_status status, const char *message)
{
    asked = 0;
    double start = files_time();
    ag_tensor *x = ag_read_npy(path);
    double seconds = files_time() - start;
    if (seconds > slowest) slowest = seconds;
    if (asked > dearest) dearest = asked;
    if (x || ag_error() != status || !strstr(ag_errmsg(), message))
        fail_msg("expected %s: %s, got \"%s\"", ag_status_text(status), message, x ? "a tensor" : ag_errmsg());
    assert_int_equal(strncmp(ag_errmsg(), "ag_read_npy: ", 13), 0);
    ag_clear_error();
}

static void damaged_files_say_how(void **state)
{
    (void)state;
    for (int i = 0; i < N_BAD; i++)
        refuse(make(bad[i].version, bad[i].header, bad[i].stuffing, bad[i].n), bad[i].status, bad[i].message);

    const char *path = files_path("x.npy");
    files_store(path, "", 0);
    refuse(path, AG_EFORMAT, "too short");
    files_store(path, "\x93NUMPY\1\0\1", 9);
    refuse(path, AG_EFORMAT, "too short");
    files_store(path, "\x93NUMPZ\1\0\0\0 ", 11);
    refuse(path, AG_EFORMAT, "does not begin");
    files_store(path, "PK\3\4 an archive of arrays", 24);
    refuse(path, AG_EFORMAT, "does not begin");
    files_store(path, "\x93NUMPY\1\1\0\0 ", 11);
    refuse(path, AG_EFORMAT, "version 1.1");
    files_store(path, "\x93NUMPY\1\0\7\0{}", 12);
    refuse(path, AG_EFORMAT, "ends within its header");
    files_store(path, "\x93NUMPY\2\0\2\0", 10);
    refuse(path, AG_EFORMAT, "ends within its header");
    files_store(path, "\x93NUMPY\2\0\xff\xff\xff\xff", 12);
    refuse(path, AG_EFORMAT, "a header of 4294967295 bytes");
    refuse(files_path("none.npy"), AG_EIO, "No such file");
    refuse(files_path(""), AG_EIO, "not a regular file");
    print_message("# .npy: %d damaged files refused, at most %.2f ms and %zu bytes of memory each\n", N_BAD + 10,
                  1e3 * slowest, dearest);
    assert_true(slowest < 10e-3);
    assert_true(dearest < 1 << 20);
}

/* Any cut is noticed; any changed byte gives an error or an array, and never a wrong size of it. */
static void any_damage_is_survived(void **state)
{
    (void)state;
    const char *path = make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 4, 24);
    size_t n;
    uint8_t *bytes = files_load(path, &n);
    for (size_t i = 0; i < n; i++) {
        files_store(path, bytes, i);
        assert_null(ag_read_npy(path));
        assert_int_not_equal(ag_clear_error(), AG_OK);
    }
    for (size_t i = 0; i < n; i++)
        for (int v = 0; v < 256; v += i < n - 24 ? 1 : 85) {
            uint8_t was = bytes[i];
            bytes[i] = (uint8_t)v;
            files_store(path, bytes, n);
            ag_tensor *x = ag_read_npy(path);
            assert_int_equal(x == NULL, ag_error() != AG_OK);
            if (x) assert_int_equal((size_t)ag_numel(x) * ag_dtype_size(ag_dtype_of(x)), 24);
            ag_free(x), ag_clear_error();
            bytes[i] = was;
        }
    free(bytes);
}

static void misuse_is_reported(void **state)
{
    (void)state;
    assert_null(ag_read_npy(NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_int_equal(ag_write_npy(files_path("y.npy"), NULL), AG_ENULL);
    ag_clear_error();
    ag_tensor *x = ag_new(AG_F32, 2);
    assert_int_equal(ag_write_npy(NULL, x), AG_ENULL);
    ag_clear_error();
    ag_fail(AG_EUSER, "before");
    assert_int_equal(ag_write_npy(files_path("y.npy"), x), AG_EUSER);
    ag_clear_error();
    assert_false(files_exist(files_path("y.npy")));
    ag_free(x);
}

static void bytes_of_any_file_are_read(void **state)
{
    (void)state;
    files_store(files_path("text"), "to be or not", 12);
    ag_tensor *x = ag_read_bytes(files_path("text"));
    assert_true(x && ag_dtype_of(x) == AG_U8 && ag_numel(x) == 12 && ag_is_mine(x));
    assert_memory_equal(ag_u8(x), "to be or not", 12);
    ag_free(x);
    files_store(files_path("text"), "", 0);
    x = ag_read_bytes(files_path("text"));
    assert_true(x && ag_numel(x) == 0);
    ag_free(x);
    assert_null(ag_read_bytes(files_path("none")));
    assert_int_equal(ag_clear_error(), AG_EIO);
    assert_null(ag_read_bytes("/proc/self/status")); /* its size is 0, its content is not */
    assert_int_equal(ag_clear_error(), AG_EIO);
    assert_int_equal(mkfifo(files_path("pipe"), 0600), 0);
    assert_null(ag_read_bytes(files_path("pipe")));
    assert_non_null(strstr(ag_errmsg(), "not a regular file"));
    ag_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),     cmocka_unit_test(views_are_written_row_major),
        cmocka_unit_test(headers_may_differ),          cmocka_unit_test(fortran_order_is_read),
        cmocka_unit_test(every_byte_is_a_truth_value), cmocka_unit_test(numpys_files_are_read),
        cmocka_unit_test(damaged_files_say_how),       cmocka_unit_test(any_damage_is_survived),
        cmocka_unit_test(misuse_is_reported),          cmocka_unit_test(bytes_of_any_file_are_read),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
