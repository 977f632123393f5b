/* test_parity.c - the parity reader: does it pass what is right, fail what is wrong, and say what is damaged? */
#define _POSIX_C_SOURCE 200809L
#include "parity.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* x^2 at (1.5, -2), v = 'plain', i = 3: every number stands once. */
static const char square[] =
    "{\"op\":\"square\",\"v\":\"plain\",\"i\":3,"
    "\"args\":[{\"s\":[2],\"d\":[\"0x1.8p+0\",\"-2\"],\"rg\":true,\"dt\":\"float64\"}],\"kwargs\":{},"
    "\"out\":[{\"s\":[2],\"d\":[\"2.25\",\"4.00\"],\"rg\":true,\"dt\":\"float64\"}],"
    "\"gout\":[{\"s\":[2],\"d\":[\"10\",\"0.5\"],\"rg\":false,\"dt\":\"float64\"}],"
    "\"gin\":[{\"s\":[2],\"d\":[\"30\",\"-2.000\"],\"rg\":true,\"dt\":\"float64\"}],"
    "\"w\":[{\"s\":[2],\"d\":[\"0.125\",\"7\"],\"rg\":false,\"dt\":\"float64\"}],"
    "\"ggin\":[{\"s\":[2],\"d\":[\"2.5\",\"7.00\"],\"rg\":false,\"dt\":\"float64\"}]}";

typedef struct outcome {
    int status;
    char out[4096], err[1024];
} outcome;

static void take(FILE *from, char *to, size_t room)
{
    rewind(from);
    to[fread(to, 1, room - 1, from)] = 0;
    fclose(from);
}

static outcome run_file(const char *file, const char *only)
{
    outcome o;
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    o.status = parity_run(file, only, out, err);
    take(out, o.out, sizeof o.out);
    take(err, o.err, sizeof o.err);
    return o;
}

/* The bytes as a file of that content. */
static outcome run_bytes(const void *bytes, size_t n, const char *only)
{
    char name[] = "/tmp/parity_XXXXXX";
    int file = mkstemp(name);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, n), n);
    close(file);
    outcome o = run_file(name, only);
    unlink(name);
    return o;
}

static void replaced(char *to, size_t room, const char *text, const char *from, const char *by)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    int n = snprintf(to, room, "%.*s%s%s", (int)(at - text), text, by, at + strlen(from));
    assert_true(n > 0 && (size_t)n < room);
}

/* ---- verdicts --------------------------------------------------------------------------------------------- */
static const struct {
    const char *from, *by; /* what is changed in `square` */
    const char *line;      /* the line about it; NULL: passes */
    int right, second_right;
} verdicts[] = {
    { "2.25", "2.25", NULL, 1, 1 },
    { "2.25", "0x1.2p+1", NULL, 1, 1 },
    { "\"2.25\"", "2.25", NULL, 1, 1 },
    { "2.25", "2.250000000003", NULL, 1, 1 },
    { "2.25", "2.250000000006", "square plain 3: forward: output 0 differs by 1.5e-12\n", 0, 0 },
    { "2.25", "2.26", "square plain 3: forward: output 0 differs by 2.5e-03\n", 0, 0 },
    { "2.25", "nan", "square plain 3: forward: output 0 differs by inf\n", 0, 0 },
    { "2.25", "-inf", "square plain 3: forward: output 0 differs by inf\n", 0, 0 },
    { "-2\"", "nan\"", "square plain 3: forward: output 0 differs by inf\n", 0, 0 },
    { "30", "30.00000000002", NULL, 1, 1 },
    { "30", "30.0000000001", "square plain 3: vjp: leaf 0 differs by 3.3e-12\n", 0, 0 },
    { "30", "-30", "square plain 3: vjp: leaf 0 differs by 2.0e+00\n", 0, 0 },
    { "0.5", "0.25", "square plain 3: vjp: leaf 0 differs by 3.3e-02\n", 0, 0 },
    { "7.00", "7.00000000006", NULL, 1, 1 },
    { "7.00", "7.0000000001", "square plain 3: second order: leaf 0 differs by 1.4e-11\n", 1, 0 },
    { "0.125", "0.25", "square plain 3: second order: leaf 0 differs by 3.6e-01\n", 1, 0 },
    { "\"v\":\"plain\"", "\"v\":\"\"", NULL, 1, 1 },
    { "\"op\":\"square\"", "\"op\":\"squarish\"", "missing: squarish\n", 0, 0 },
    { "{},", "{\"inplace\":false},", NULL, 1, 1 },
    { "{},", "{\"alpha\":2},", "square plain 3: square: argument alpha is not understood\n", 0, 0 },
    { "}],\"kwargs\"", "},1],\"kwargs\"", "square plain 3: square: argument 1 is not understood\n", 0, 0 },
    { "\"args\":[{\"s\":[2]", "\"args\":[{\"s\":[3]", "square plain 3: tensor: 2 numbers for a shape of 3\n", 0, 0 },
    { "\"-2\"", "\"-2x\"", "square plain 3: tensor: element 1 is no number\n", 0, 0 },
    { "true,\"dt\":\"float64\"", "true,\"dt\":\"int64\"", "square plain 3: tensor: element 0 is no integer\n", 0, 0 },
    { "true,\"dt\":\"float64\"", "true,\"dt\":\"half\"", "square plain 3: dtype half is not known\n", 0, 0 },
    { "\"out\":[{\"s\":[2]", "\"out\":[{\"s\":[1,2]",
      "square plain 3: forward: output 0 is f64 of shape [2], not f64 [1,2]\n", 0, 0 },
    { "\"out\":[{\"s\":[2]", "\"out\":[{\"s\":[2,1]",
      "square plain 3: forward: output 0 is f64 of shape [2], not f64 [2,1]\n", 0, 0 },
    { "\"out\":[", "\"out\":[null,", "square plain 3: forward: 1 outputs, not 2\n", 0, 0 },
    { "\"gin\":[", "\"gin\":[null,", "square plain 3: gin has 2 entries for 1 leaves\n", 0, 0 },
    { "\"w\":[", "\"w\":[null,", "square plain 3: tensor: no shape, data and dtype\n", 1, 0 },
    { "\"w\":[", "\"w\":[{\"s\":[],\"d\":[1],\"dt\":\"float64\"},", "square plain 3: 2 weights for 1 tensors\n", 1, 0 },
};

static void test_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        char text[2048], summary[128];
        replaced(text, sizeof text, square, verdicts[i].from, verdicts[i].by);
        outcome o = run_bytes(text, strlen(text), NULL);
        int n = snprintf(summary, sizeof summary, "parity: %d of 1 cases, %d of 1 second-order, worst ",
                         verdicts[i].right, verdicts[i].second_right);
        size_t lead = verdicts[i].line ? strlen(verdicts[i].line) : 0;
        if (lead && strncmp(o.out, verdicts[i].line, lead))
            fail_msg("%s -> %s: %s%s", verdicts[i].from, verdicts[i].by, o.out, o.err);
        if (strncmp(o.out + lead, summary, (size_t)n))
            fail_msg("%s -> %s: %s", verdicts[i].from, verdicts[i].by, o.out);
        assert_int_equal(o.status, verdicts[i].right && verdicts[i].second_right ? 0 : 1);
        assert_string_equal(o.err, "");
        assert_int_equal(ag_error(), AG_OK);
    }
}

/* `square` with several replacements, each a pair; ends with NULL. */
static outcome run_changed(const char *const *change)
{
    char one[2048], two[2048], *from = one, *to = two;
    snprintf(one, sizeof one, "%s", square);
    for (; *change; change += 2) {
        replaced(to, sizeof one, from, change[0], change[1]);
        char *done = to;
        to = from;
        from = done;
    }
    return run_bytes(from, strlen(from), NULL);
}
#define CHANGED(...) run_changed((const char *const[]){ __VA_ARGS__, NULL })

static void test_infinite_and_nan_outputs_are_compared(void **state)
{
    (void)state;
    assert_int_equal(CHANGED("0x1.8p+0", "-inf", "2.25", "inf", "30", "-inf").status, 0);
    assert_int_equal(CHANGED("0x1.8p+0", "nan", "2.25", "nan", "30", "nan").status, 0);
    assert_int_equal(CHANGED("0x1.8p+0", "nan", "2.25", "inf", "30", "nan").status, 1);
    /* An infinite neighbour excuses nothing. */
    assert_int_equal(CHANGED("0x1.8p+0", "-inf", "2.25", "inf", "30", "-inf", "4.00", "4.01").status, 1);
}

/* At (0.5, 0) the values and the zero of the vjp are below 1, where differences are absolute. */
static void test_small_numbers_are_compared_to_one(void **state)
{
    (void)state;
#define AT_HALF "0x1.8p+0", "0.5", "-2\"", "0\"", "30", "10", "-2.000", "0"
    assert_int_equal(CHANGED(AT_HALF, "2.25", "0.2500000000008", "4.00", "8e-13").status, 0);
    assert_int_equal(CHANGED(AT_HALF, "2.25", "0.250000000002", "4.00", "0").status, 1);
    assert_int_equal(CHANGED(AT_HALF, "2.25", "0.25", "4.00", "2e-12").status, 1);
}

static void test_cases_without_second_order(void **state)
{
    (void)state;
    const char *right = "parity: 1 of 1 cases, 0 of 0 second-order, worst 0.0e+00\n";
    outcome o = CHANGED("\"w\"", "\"without\"");
    assert_string_equal(o.out, right);
    assert_int_equal(o.status, 0);
    o = CHANGED("\"w\"", "\"without\"", "2.25", "2.5");
    assert_non_null(strstr(o.out, "parity: 0 of 1 cases, 0 of 0 second-order"));
    assert_int_equal(o.status, 1);
}

static void test_only_and_missing(void **state)
{
    (void)state;
    char text[8192], strange[2048];
    replaced(strange, sizeof strange, square, "\"op\":\"square\"", "\"op\":\"strange\"");
    int n = snprintf(text, sizeof text, "%s\n%s\n%s\n%s\n", strange, square, strange, square);
    outcome o = run_bytes(text, (size_t)n, NULL);
    assert_string_equal(o.out, "missing: strange\nparity: 2 of 4 cases, 2 of 4 second-order, worst 0.0e+00\n");
    assert_int_equal(o.status, 1);
    o = run_bytes(text, (size_t)n, "square");
    assert_string_equal(o.out, "parity: 2 of 2 cases, 2 of 2 second-order, worst 0.0e+00\n");
    assert_int_equal(o.status, 0);
    o = run_bytes(text, (size_t)n, "sin,strange");
    assert_string_equal(o.out, "missing: strange\nno cases: sin\n"
                               "parity: 0 of 2 cases, 0 of 2 second-order, worst 0.0e+00\n");
    assert_int_equal(o.status, 1);
    assert_string_equal(run_bytes(text, (size_t)n, "squar,quare,squares").out,
                        "no cases: squar\nno cases: quare\nno cases: squares\n"
                        "parity: 0 of 0 cases, 0 of 0 second-order, worst 0.0e+00\n");
}

/* ---- files that are not what they should be ---------------------------------------------------------------- */
static const struct {
    const char *from, *by, *err;
} malformed[] = {
    { "}]}", "}]", "line 1: malformed JSON: " },
    { "\"op\":\"square\"", "\"op\":\"square\",\"op\":\"sin\"", "line 1: malformed JSON: duplicate object key" },
    { "{\"op\"", "nonsense", "line 1: malformed JSON: " },
    { "\"op\"", "\"operator\"", "line 1: not a case: op is missing or of the wrong kind" },
    { "\"op\":\"square\"", "\"op\":7", "line 1: not a case: op is missing or of the wrong kind" },
    { "\"kwargs\":{}", "\"kwargs\":[]", "line 1: not a case: kwargs is missing or of the wrong kind" },
    { "\"gout\"", "\"gin2\"", "line 1: not a case: gout is missing or of the wrong kind" },
    { "\"ggin\"", "\"gg\"", "line 1: not a case: ggin is missing or of the wrong kind" },
};

static void test_malformed_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        char text[2048];
        replaced(text, sizeof text, square, malformed[i].from, malformed[i].by);
        outcome o = run_bytes(text, strlen(text), NULL);
        if (!strstr(o.err, malformed[i].err)) fail_msg("%s: %s", malformed[i].by, o.err);
        assert_string_equal(o.out, "");
        assert_int_equal(o.status, 1);
    }
}

static void expect_damage(const void *bytes, size_t n)
{
    outcome o = run_bytes(bytes, n, NULL);
    if (!strstr(o.err, "damaged or truncated file")) fail_msg("%zu bytes: %s%s", n, o.out, o.err);
    assert_null(strstr(o.out, "parity:"));
    assert_int_equal(o.status, 1);
}

static void test_damaged_files(void **state)
{
    (void)state;
    unsigned char packed[4096];
    z_stream z = { .next_in = (unsigned char *)(uintptr_t)square, .avail_in = sizeof square - 1, .next_out = packed };
    z.avail_out = sizeof packed;
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = z.total_out;
    deflateEnd(&z);
    assert_int_equal(run_bytes(packed, n, NULL).status, 0);
    expect_damage(packed, n - 1); /* the text is whole, its checksum is not */
    expect_damage(packed, n / 2);
    packed[n - 6] ^= 1;
    expect_damage(packed, n);

    outcome o = run_bytes("", 0, NULL);
    assert_int_equal(o.status, 1);
    assert_non_null(strstr(o.err, "no cases"));
    o = run_file("no/such/file.gz", NULL);
    assert_int_equal(o.status, 1);
    assert_string_equal(o.err, "parity: no/such/file.gz: cannot open: No such file or directory\n");
}

/* ---- whole files -------------------------------------------------------------------------------------------- */
static void test_small_golden_file(void **state)
{
    (void)state;
    outcome o = run_file("test/golden/parity_small.jsonl.gz", "");
    const char *expected = "parity: 13 of 13 cases, 3 of 3 second-order, worst ";
    if (strncmp(o.out, expected, strlen(expected))) fail_msg("%s%s", o.out, o.err);
    assert_int_equal(o.status, 0);
}

/* PyTorch's own cases of the operators in the table, where the file is at hand. */
static void test_recorded_cases(void **state)
{
    (void)state;
    const char *file = "../shared/data/torch/ops.jsonl.gz";
    if (access(file, R_OK)) {
        print_message("skipped: %s is not there\n", file);
        skip();
    }
    char only[16384];
    int n = 0;
    const parity_op *op;
    for (size_t i = 0; (op = parity_op_at(i)) != NULL; i++)
        n += snprintf(only + n, sizeof only - (size_t)n, "%s,", op->name);
    assert_true(n < (int)sizeof only);
    outcome o = run_file(file, only);
    if (o.status) fail_msg("%s%s", o.out, o.err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_infinite_and_nan_outputs_are_compared),
        cmocka_unit_test(test_small_numbers_are_compared_to_one),
        cmocka_unit_test(test_cases_without_second_order),
        cmocka_unit_test(test_only_and_missing),
        cmocka_unit_test(test_malformed_lines),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_small_golden_file),
        cmocka_unit_test(test_recorded_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
