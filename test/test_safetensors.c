/* safetensors: lists come back as they were saved, a file of another hand (golden/files), and a table of damaged ones.
 */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include <malloc.h>

#include <autograd/autograd.h>
#include <test/files.h>

/* ---- what reading costs: the library's allocations and jansson's pass through here ---- */

static size_t live, most;     /* bytes */
static long jansson_fails_at; /* 0: never */
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void __wrap_free(void *p);

static void *count(void *p)
{
    live += malloc_usable_size(p);
    if (live > most) most = live;
    return p;
}
void *__wrap_malloc(size_t n)
{
    return count(__real_malloc(n));
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return count(__real_aligned_alloc(align, n));
}
void __wrap_free(void *p)
{
    live -= malloc_usable_size(p);
    __real_free(p);
}
static void *jansson_alloc(size_t n)
{
    return jansson_fails_at && --jansson_fails_at == 0 ? NULL : malloc(n);
}

/* ---- making files ---- */

/* A file whose first 8 bytes say `length`, then the header, then n bytes 0, 1, 2, ... */
static const char *make_as(uint64_t length, const char *header, size_t n)
{
    static uint8_t bytes[1 << 18];
    size_t there = strlen(header);
    assert_true(8 + there + n <= sizeof bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(length >> 8 * i);
    memcpy(bytes + 8, header, there);
    for (size_t i = 0; i < n; i++) bytes[8 + there + i] = (uint8_t)i;
    files_store(files_path("x.safetensors"), bytes, 8 + there + n);
    return files_path("x.safetensors");
}

static const char *make(const char *header, size_t n)
{
    return make_as(strlen(header), header, n);
}

static ag_tensor *filled(ag_dtype dtype, int rank, const int64_t *dims, double from)
{
    ag_tensor *x = (ag_new)(dtype, rank, dims);
    double *v = malloc(sizeof *v * (size_t)ag_numel(x) + 1);
    for (int64_t i = 0; i < ag_numel(x); i++) v[i] = dtype == AG_BOOL ? i % 3 == 1 : from + (double)i;
    assert_int_equal(ag_write(x, v, ag_numel(x)), AG_OK);
    free(v);
    return x;
}

static bool holds(ag_tensor *x, int64_t n, double from)
{
    bool same = ag_numel(x) == n;
    double *v = malloc(sizeof *v * (size_t)n + 1);
    assert_int_equal(ag_read(x, v, ag_numel(x)), AG_OK);
    for (int64_t i = 0; same && i < n; i++) same = v[i] == (ag_dtype_of(x) == AG_BOOL ? i % 3 == 1 : from + (double)i);
    free(v);
    return same;
}

/* ---- good files ---- */

enum { N_KIND = 6 };
static const ag_dtype dtypes[N_KIND] = { AG_BOOL, AG_F32, AG_U8, AG_F64, AG_I32, AG_I64 };

static void what_is_saved_is_loaded(void **state)
{
    (void)state;
    static const char *const names[] = {
        "b", "layer.0.weight", "\"quoted\" \\ back", "\xc3\xa9\xe4\xb8\xad", "/", "e"
    };
    static const int64_t dims[][2] = { { 5, 1 }, { 3, 2 }, { 1, 7 }, { 2, 2 }, { 0, 4 }, { 1, 3 } };
    ag_tensor *x[N_KIND], *y[N_KIND];
    ag_named saved[N_KIND], loaded[N_KIND];
    for (int i = 0; i < N_KIND; i++) {
        x[i] = filled(dtypes[i], i % 3, dims[i], i);
        y[i] = (ag_new)(dtypes[i], i % 3, dims[i]);
        saved[i] = (ag_named){ names[i], x[i] };
        loaded[N_KIND - 1 - i] = (ag_named){ names[i], y[i] }; /* the order does not matter */
    }
    const char *path = files_path("s.safetensors");
    assert_int_equal(ag_save(path, ((ag_params){ saved, 2 }), ((ag_params){ saved + 2, N_KIND - 2 })), AG_OK);
    uint32_t version = ag_version_of(y[3]);
    if (ag_load(path, ((ag_params){ loaded, N_KIND }))) fail_msg("%s", ag_errmsg());
    assert_true(ag_version_of(y[3]) > version);
    for (int i = 0; i < N_KIND; i++) assert_true(holds(y[i], ag_numel(x[i]), i));

    ag_file *file = ag_file_open(path);
    ag_params list = ag_file_list(file);
    assert_int_equal(list.n, N_KIND);
    ag_tensor *kept = NULL;
    for (int64_t i = 0; i < list.n; i++) {
        int k = 0;
        while (strcmp(names[k], list.at[i].name) != 0) assert_true(++k < N_KIND);
        assert_true(ag_dtype_of(list.at[i].tensor) == dtypes[k] && ag_rank(list.at[i].tensor) == k % 3);
        assert_true(holds(list.at[i].tensor, ag_numel(x[k]), k));
        if (i > 0) /* wide elements first, so that each tensor is aligned */
            assert_true(ag_dtype_size(ag_dtype_of(list.at[i].tensor)) <=
                        ag_dtype_size(ag_dtype_of(list.at[i - 1].tensor)));
        if (k == 1) kept = ag_retain(list.at[i].tensor);
    }
    ag_file_free(file);
    assert_true(holds(kept, ag_numel(x[1]), 1));
    ag_free(kept);
    for (int i = 0; i < N_KIND; i++) ag_free(x[i]), ag_free(y[i]);

    size_t n;
    uint8_t *bytes = files_load(path, &n);
    assert_int_equal(bytes[0] % 8, 0); /* the elements are aligned to 8 bytes */
    assert_int_equal(bytes[8], '{');
    free(bytes);
}

static void views_are_saved_row_major(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = filled(AG_F64, 2, (const int64_t[]){ 3, 4 }, 0), *y = ag_new(AG_F64, 4, 3);
    const char *path = files_path("v.safetensors");
    assert_int_equal(ag_save(path, AG_PARAMS({ "x", ag_transpose(x, 0, 1) })), AG_OK);
    assert_int_equal(ag_load(path, AG_PARAMS({ "x", y })), AG_OK);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++) assert_true(ag_at(y, i, j) == ag_at(x, j, i));
    ag_free(x), ag_free(y), ag_tape_free(tape);
}

static void an_empty_list_is_a_file(void **state)
{
    (void)state;
    const char *path = files_path("e.safetensors");
    assert_int_equal(ag_save(path, ((ag_params){ NULL, 0 })), AG_OK);
    assert_int_equal(ag_load(path, ((ag_params){ NULL, 0 })), AG_OK);
    ag_file *file = ag_file_open(path);
    assert_non_null(file);
    assert_int_equal(ag_file_list(file).n, 0);
    ag_file_free(file);
}

static void many_tensors_are_saved(void **state)
{
    (void)state;
    enum { MANY = 700 }; /* the header is read through its window many times */
    static char names[MANY][64];
    static ag_named list[MANY];
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "encoder.layers.%d.self_attention.in_proj.weight", (i * 37) % MANY);
        list[i] = (ag_named){ names[i], filled(i % 2 ? AG_F32 : AG_U8, 1, &(int64_t){ i % 5 }, i % 50) };
    }
    const char *path = files_path("m.safetensors");
    assert_int_equal(ag_save(path, ((ag_params){ list, MANY })), AG_OK);
    for (int i = 0; i < MANY; i++) ag_fill(list[i].tensor, 99);
    assert_int_equal(ag_load(path, ((ag_params){ list, MANY })), AG_OK);
    for (int i = 0; i < MANY; i++) assert_true(holds(list[i].tensor, i % 5, i % 50));
    for (int i = 0; i < MANY; i++) ag_free(list[i].tensor);
}

/* golden/files.py describes it. */
static void a_file_of_another_hand_is_read(void **state)
{
    (void)state;
    ag_file *file = ag_file_open("test/golden/files/all.safetensors");
    if (!file) fail_msg("%s", ag_errmsg());
    ag_params list = ag_file_list(file);
    assert_int_equal(list.n, 9);
    int known = 0;
    for (int64_t i = 0; i < list.n; i++) {
        const char *name = list.at[i].name;
        ag_tensor *x = list.at[i].tensor;
        if (!strcmp(name, "f4")) known += ag_dtype_of(x) == AG_F32 && ag_rank(x) == 2 && holds(x, 12, 0.5);
        if (!strcmp(name, "f8")) known += ag_dtype_of(x) == AG_F64 && ag_rank(x) == 2 && holds(x, 12, 0.5);
        if (!strcmp(name, "i8")) known += ag_dtype_of(x) == AG_I64 && holds(x, 12, 0);
        if (!strcmp(name, "i4")) known += ag_dtype_of(x) == AG_I32 && holds(x, 12, 0);
        if (!strcmp(name, "u1")) known += ag_dtype_of(x) == AG_U8 && holds(x, 12, 0);
        if (!strcmp(name, "b1")) known += ag_dtype_of(x) == AG_BOOL && holds(x, 12, 0);
        if (!strcmp(name, "scalar")) known += ag_rank(x) == 0 && ag_item(x) == 0.5;
        if (!strcmp(name, "empty")) known += ag_rank(x) == 2 && ag_size(x, 1) == 3 && ag_numel(x) == 0;
        if (!strcmp(name, "a \"b\" \\ \xc3\xa9\xe4\xb8\xad")) known += ag_numel(x) == 1 && ag_at(x, 0) == 1.5;
    }
    assert_int_equal(known, 9);
    ag_file_free(file);
}

#define W(begin, end) "{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" #begin "," #end "]}"

static void headers_may_differ(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{\"v\":" W(0, 4) ",\"w\":" W(4, 8) "}",
        "{\"w\":" W(4, 8) ",\"v\":" W(0, 4) "}   ", /* in any order */
        "{ \"w\" : { \"data_offsets\" : [ 4 , 8 ],\n\"shape\":[4],\t\"dtype\":\"U8\"} , \"v\":" W(0, 4) " } \r\n",
        "{\"__metadata__\":{},\"v\":" W(0, 4) ",\"w\":" W(4, 8) "}",
        "{\"v\":" W(0, 4) ",\"__metadata__\" : { \"a\" : \"\\\"}{\\\\\" , \"b\":\"\" },\"\\u0077\":" W(4, 8) "}",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ag_tensor *w = ag_new(AG_U8, 4), *v = ag_new(AG_U8, 4);
        if (ag_load(make(good[i], 8), AG_PARAMS({ "w", w }, { "v", v }))) fail_msg("%s", ag_errmsg());
        assert_true(holds(v, 4, 0) && holds(w, 4, 4));
        ag_free(w), ag_free(v);
    }
}

/* Metadata may be larger than the window through which the header is read, and cost nothing. */
static void long_metadata_are_passed_over(void **state)
{
    (void)state;
    enum { LONG = 100000 };
    static char header[LONG + 200];
    int n = snprintf(header, sizeof header, "{\"__metadata__\":{\"k\":\"");
    for (int i = 0; i < LONG; i++) header[n++] = i % 7 ? 'x' : '\\', header[n - 1] = i % 7 == 1 ? '"' : header[n - 1];
    snprintf(header + n, 100, "\"},\"w\":" W(0, 4) "}");
    ag_tensor *w = ag_new(AG_U8, 4);
    size_t before = most = live;
    if (ag_load(make(header, 4), AG_PARAMS({ "w", w }))) fail_msg("%s", ag_errmsg());
    assert_true(holds(w, 4, 0));
    assert_true(most > before && most - before < 20000);
    ag_free(w);
}

/* ---- damaged files ---- */

#define ENTRY(dtype, shape, offsets) \
    "{\"w\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}}"
static const struct bad {
    const char *header;
    size_t n;
    ag_status status;
    const char *message; /* a part of it */
} bad[] = {
    { "", 0, AG_EFORMAT, "does not begin with {" },
    { "[]", 0, AG_EFORMAT, "does not begin with {" },
    { " {}", 0, AG_EFORMAT, "does not begin with {" },
    { "{", 0, AG_EFORMAT, "no name where one is due" },
    { "{1:2}", 0, AG_EFORMAT, "no name where one is due" },
    { "{\"w\":" W(0, 4) ",}", 4, AG_EFORMAT, "no name where one is due" },
    { "{} {}", 0, AG_EFORMAT, "goes on behind its object" },
    { "{}x", 0, AG_EFORMAT, "goes on behind its object" },
    { "{\"w\"" W(0, 4) "}", 4, AG_EFORMAT, "no colon behind a name" },
    { "{\"w\":" W(0, 4) " \"v\":" W(4, 8) "}", 8, AG_EFORMAT, "no comma or } behind an entry" },
    { "{\"w\":" W(0, 4), 4, AG_EFORMAT, "no comma or } behind an entry" },
    { "{\"w", 0, AG_EFORMAT, "premature end of input" },
    { "{\"w\":", 0, AG_EFORMAT, "unexpected token near end of file" },
    { "{\"w\":{\"dtype\":\"U8\"", 0, AG_EFORMAT, "expected near end of file" },
    { "{\"w\":[1,2]}", 0, AG_EFORMAT, "\"w\" has not just a dtype" },
    { "{\"w\":7}", 0, AG_EFORMAT, "\"w\" has not just a dtype" },
    { "{\"w\":null}", 0, AG_EFORMAT, "\"w\" has not just a dtype" },
    { "{\"w\":{}}", 0, AG_EFORMAT, "\"w\" has not just a dtype" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, AG_EFORMAT, "\"w\" has not just a dtype" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1}}", 4, AG_EFORMAT, "has not just" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":[4],\"shape\":[4],\"data_offsets\":[0,4]}}", 4, AG_EFORMAT,
      "duplicate object key" },
    { "{\"w\":{\"dtype\":4,\"shape\":[4],\"data_offsets\":[0,4]}}", 4, AG_EFORMAT, "\"w\" has not just a dtype" },
    { ENTRY("U8", "4", "0"), 4, AG_EFORMAT, "\"w\" has not just a dtype" },
    { ENTRY("U8", "4", "0,4,4"), 4, AG_EFORMAT, "\"w\" has not just a dtype" },
    { ENTRY("U8", "4", "0,4.0"), 4, AG_EFORMAT, "\"w\" has not just a dtype" },
    { ENTRY("U8", "4", "0,1e9"), 4, AG_EFORMAT, "\"w\" has not just a dtype" },
    { ENTRY("U8", "4", "0,99999999999999999999"), 4, AG_EFORMAT, "too big integer" },
    { ENTRY("BF16", "2", "0,4"), 4, AG_EDTYPE, "is of dtype BF16" },
    { ENTRY("f32", "1", "0,4"), 4, AG_EDTYPE, "is of dtype f32" },
    { ENTRY("F\\u001b[2J", "1", "0,4"), 4, AG_EFORMAT, "a dtype that is no name" },
    { "{\"w\":{\"dtype\":\"U8\",\"shape\":4,\"data_offsets\":[0,4]}}", 4, AG_EFORMAT, "a shape that is no array" },
    { ENTRY("U8", "1,1,1,1,1,1,1,1,1", "0,1"), 1, AG_EFORMAT, "more than 8 axes" },
    { ENTRY("U8", "-4", "0,4"), 4, AG_EFORMAT, "a size that is not a whole number" },
    { ENTRY("U8", "4.0", "0,4"), 4, AG_EFORMAT, "a size that is not a whole number" },
    { ENTRY("U8", "\\\"4\\\"", "0,4"), 4, AG_EFORMAT, "invalid token" },
    { ENTRY("U8", "18446744073709551620", "0,4"), 4, AG_EFORMAT, "too big integer" },
    { ENTRY("F32", "4611686018427387905", "0,4"), 4, AG_EFORMAT, "more than memory can hold" },
    { ENTRY("U8", "4294967296,4294967296,4", "0,0"), 0, AG_EFORMAT, "more than memory can hold" },
    { ENTRY("U8", "0,9223372036854775807,2", "0,0"), 0, AG_EFORMAT, "more than memory can hold" },
    { ENTRY("F32", "1000000000", "0,4000000000"), 4, AG_EFORMAT, "offsets outside the file" },
    { ENTRY("U8", "4", "0,4"), 3, AG_EFORMAT, "offsets outside the file" },
    { ENTRY("U8", "4", "4,0"), 4, AG_EFORMAT, "offsets in reverse" },
    { ENTRY("U8", "4", "-4,0"), 4, AG_EFORMAT, "offsets outside the file" },
    { ENTRY("U8", "4", "0,3"), 4, AG_EFORMAT, "[4] of u8 takes 4 bytes, its offsets hold 3" },
    { ENTRY("F64", "4", "0,4"), 4, AG_EFORMAT, "takes 32 bytes, its offsets hold 4" },
    { ENTRY("U8", "4", "0,4"), 5, AG_EFORMAT, "1 bytes behind the last tensor" },
    { "{}", 1, AG_EFORMAT, "1 bytes behind the last tensor" },
    { ENTRY("U8", "4", "1,5"), 5, AG_EFORMAT, "a hole before \"w\"" },
    { "{\"w\":" W(0, 4) ",\"v\":" W(5, 9) "}", 9, AG_EFORMAT, "a hole before \"v\"" },
    { "{\"w\":" W(0, 4) ",\"v\":" W(3, 7) "}", 7, AG_EFORMAT, "elements overlap before \"v\"" },
    { "{\"w\":" W(0, 4) ",\"v\":" W(0, 4) "}", 4, AG_EFORMAT, "elements overlap" },
    { "{\"w\":" W(0, 4) ",\"v\":" W(4, 8) ",\"w\":" W(8, 12) "}", 12, AG_EFORMAT, "\"w\" is there twice" },
    { "{\"w\":" W(0, 4) ",\"\\u0077\":" W(4, 8) "}", 8, AG_EFORMAT, "\"w\" is there twice" },
    { "{\"\":" W(0, 4) "}", 4, AG_EFORMAT, "a name that is empty" },
    { "{\"a\\u001b[2Jb\":" W(0, 4) "}", 4, AG_EFORMAT, "a name that is empty, has control characters" },
    { "{\"a\\u0000b\":" W(0, 4) "}", 4, AG_EFORMAT, "\\u0000 is not allowed" },
    { "{\"a\nb\":" W(0, 4) "}", 4, AG_EFORMAT, "unexpected newline" },
    { "{\"\xff\xfe\":" W(0, 4) "}", 4, AG_EFORMAT, "unable to decode byte 0xff" },
    { "{\"\\ud800\":" W(0, 4) "}", 4, AG_EFORMAT, "invalid Unicode" },
    { "{'w':" W(0, 4) "}", 4, AG_EFORMAT, "no name where one is due" },
    { "{\"__metadata__\":[]}", 0, AG_EFORMAT, "the metadata are no object" },
    { "{\"__metadata__\":{\"a\":1}}", 0, AG_EFORMAT, "the metadata are not strings" },
    { "{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, AG_EFORMAT, "the metadata are not strings" },
    { "{\"__metadata__\":{\"a\" \"b\"}}", 0, AG_EFORMAT, "no colon behind a name of the metadata" },
    { "{\"__metadata__\":{\"a\":\"b\" \"c\":\"d\"}}", 0, AG_EFORMAT, "no comma between the metadata" },
    { "{\"__metadata__\":{\"a\":\"b", 0, AG_EFORMAT, "a string of the metadata does not end" },
    { "{\"__metadata__\":{\"a\":\"b\\", 0, AG_EFORMAT, "a string of the metadata does not end" },
    { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, AG_EFORMAT, "\"__metadata__\" is there twice" },
};
enum { N_BAD = sizeof bad / sizeof *bad };

static double slowest;
static size_t dearest;
static int refused;

static void refuse(const char *path, ag_status status, const char *message)
{
    ag_tensor *w = ag_new(AG_U8, 4);
    for (int whole = 0; whole < 2; whole++) { /* loading, and opening */
        size_t before = most = live;
        double start = files_time();
        ag_file *file = whole ? ag_file_open(path) : NULL;
        if (!whole) ag_load(path, AG_PARAMS({ "w", w }));
        double seconds = files_time() - start;
        if (seconds > slowest) slowest = seconds;
        if (most - before > dearest) dearest = most - before;
        if (file || ag_error() != status || !strstr(ag_errmsg(), message))
            fail_msg("expected %s: %s, got \"%s\"", ag_status_text(status), message, file ? "a file" : ag_errmsg());
        assert_non_null(strstr(ag_errmsg(), whole ? "ag_file_open: " : "ag_load: "));
        for (const char *c = ag_errmsg(); *c; c++) assert_true((unsigned char)*c >= ' '); /* safe on a terminal */
        ag_clear_error();
    }
    refused++;
    ag_free(w);
}

/* `head`, then `middle` many times, then `tail`. */
static const char *repeated(const char *head, const char *middle, int times, const char *tail)
{
    static char text[200000];
    int n = snprintf(text, sizeof text, "%s", head);
    for (int i = 0; i < times; i++) n += snprintf(text + n, sizeof text - (size_t)n, "%s", middle);
    n += snprintf(text + n, sizeof text - (size_t)n, "%s", tail);
    assert_true((size_t)n < sizeof text);
    return text;
}

static void damaged_files_say_how(void **state)
{
    (void)state;
    for (int i = 0; i < N_BAD; i++) refuse(make(bad[i].header, bad[i].n), bad[i].status, bad[i].message);

    const char *path = files_path("x.safetensors");
    files_store(path, "", 0);
    refuse(path, AG_EFORMAT, "too short");
    files_store(path, "\2\0\0\0\0\0\0", 7);
    refuse(path, AG_EFORMAT, "too short");
    refuse(make_as(3, "{}", 0), AG_EFORMAT, "a header of 3 bytes in a file of 10");
    refuse(make_as(100000000, "{}", 0), AG_EFORMAT, "a header of 100000000 bytes in a file of 10");
    refuse(make_as(100000001, "{}", 0), AG_EFORMAT, "a header of 100000001 bytes, more than 100000000");
    refuse(make_as(UINT64_MAX, "{}", 0), AG_EFORMAT, "a header of 18446744073709551615 bytes");
    refuse(make_as(UINT64_MAX - 7, "{}", 0), AG_EFORMAT, "a header of 18446744073709551608 bytes");
    files_store(path, "\x93NUMPY\1\0{}", 10);
    refuse(path, AG_EFORMAT, "more than 100000000");

    /* Trees that would cost many times the file's size, deep ones and long names. */
    refuse(make(repeated("{\"w\":", "[", 150000, ""), 0), AG_EFORMAT, "maximum parsing depth");
    refuse(make(repeated("{\"w\":{\"dtype\":\"U8\",\"shape\":[0", ",0", 90000, "]}}"), 0), AG_EFORMAT,
           "more than 4096");
    refuse(make(repeated("{\"w\":{\"dtype\":\"U8\"", ",\"k\":{}", 20000, "}}"), 0), AG_EFORMAT, "duplicate");
    refuse(make(repeated("{\"", "name", 40000, "\":{}}"), 0), AG_EFORMAT, "more than 4096");
    refuse(make(repeated("{\"", "name", 300, "\":{}}"), 0), AG_EFORMAT, "more than 1024");
    refuse(make(repeated("{\"w\":" W(0, 4) ",\"v\":", " ", 150000, "1}"), 4), AG_EFORMAT, "\"v\" has not just a dtype");
    refuse(make(repeated("{\"__metadata__\":{", "\"a\":\"b\",", 20000, "1}}"), 0), AG_EFORMAT, "not strings");
    refuse(make(repeated("{\"a\":" W(0, 4), ",\"v\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", 500, "}"),
                4),
           AG_EFORMAT, "\"v\" is there twice");
    refuse(files_path("none"), AG_EIO, "No such file");
    refuse(files_path(""), AG_EIO, "not a regular file");
    print_message("# safetensors: %d damaged files refused twice, at most %.2f ms and %zu bytes of memory each\n",
                  refused, 1e3 * slowest, dearest);
    assert_true(slowest < 10e-3);
    assert_true(dearest < 1 << 20);
}

/* A header of 100 MB of nothing, which costs no disk: refused at its first byte. */
static void a_hundred_megabytes_are_not_read(void **state)
{
    (void)state;
    const char *path = files_path("sparse");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(&(uint64_t){ 100000000 }, 8, 1, f), 1);
    assert_int_equal(fseek(f, 100000007, SEEK_SET), 0);
    assert_int_equal(fputc(0, f), 0);
    fclose(f);
    refuse(path, AG_EFORMAT, "does not begin with {");
    assert_true(slowest < 10e-3 && dearest < 1 << 20);
}

/* Any cut is noticed; any changed byte of the header gives an error or tensors that fit the file. */
static void any_damage_is_survived(void **state)
{
    (void)state;
    const char *path =
        make("{\"__metadata__\":{\"a\":\"b\"},\"v\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
             "\"w\":" W(8, 12) "}  ",
             12);
    size_t n;
    uint8_t *bytes = files_load(path, &n);
    for (size_t i = 0; i < n; i++) {
        files_store(path, bytes, i);
        assert_null(ag_file_open(path));
        assert_int_not_equal(ag_clear_error(), AG_OK);
    }
    for (size_t i = 0; i < n - 12; i++)
        for (int v = 0; v < 256; v += 3) {
            uint8_t was = bytes[i];
            bytes[i] = (uint8_t)v;
            files_store(path, bytes, n);
            ag_file *file = ag_file_open(path);
            assert_int_equal(file == NULL, ag_error() != AG_OK);
            size_t held = 0;
            for (int64_t k = 0; file && k < ag_file_list(file).n; k++) {
                ag_tensor *x = ag_file_list(file).at[k].tensor;
                held += (size_t)ag_numel(x) * ag_dtype_size(ag_dtype_of(x));
            }
            if (file) assert_int_equal(held, 12);
            ag_file_free(file), ag_clear_error();
            bytes[i] = was;
        }
    free(bytes);
}

/* ---- jansson's memory may run out as well ---- */

static void every_json_allocation_may_fail(void **state)
{
    (void)state;
    const char *path = files_path("j.safetensors");
    ag_tensor *w = ag_new(AG_U8, 4), *v = ag_new(AG_F32, 2, 3);
    for (int load = 0; load < 2; load++) {
        long k = 1;
        for (bool failed = true; failed; k++) {
            jansson_fails_at = k;
            ag_status status = load ? ag_load(path, AG_PARAMS({ "w", w }, { "v", v }))
                                    : ag_save(path, AG_PARAMS({ "w", w }, { "v", v }));
            failed = jansson_fails_at == 0; /* it was reached */
            jansson_fails_at = 0;
            if (status != (failed ? AG_ENOMEM : AG_OK)) fail_msg("%d %ld: %s", load, k, ag_errmsg());
            if (!load) assert_int_equal(files_exist(path), !failed);
            ag_clear_error();
        }
        assert_true(k > 10);
    }
    ag_free(w), ag_free(v);
}

int main(void)
{
    json_set_alloc_funcs(jansson_alloc, free);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_saved_is_loaded),          cmocka_unit_test(views_are_saved_row_major),
        cmocka_unit_test(an_empty_list_is_a_file),          cmocka_unit_test(many_tensors_are_saved),
        cmocka_unit_test(a_file_of_another_hand_is_read),   cmocka_unit_test(headers_may_differ),
        cmocka_unit_test(long_metadata_are_passed_over),    cmocka_unit_test(damaged_files_say_how),
        cmocka_unit_test(a_hundred_megabytes_are_not_read), cmocka_unit_test(any_damage_is_survived),
        cmocka_unit_test(every_json_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
