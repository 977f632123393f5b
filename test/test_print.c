/* Printing against what NumPy prints: golden/print.txt, made by golden/print.py, or the file PRINT_GOLDEN names. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>

enum { MOST_NUMBERS = 16, MOST_TEXT = 1 << 20 };

typedef struct sample {
    ag_dtype dtype;
    int rank, n_number;
    int64_t dims[AG_MAX_RANK];
    bool cycle;
    double real[MOST_NUMBERS];
    int64_t whole[MOST_NUMBERS];
} sample;

static ag_dtype dtype_of(const char *name)
{
    const ag_dtype all[] = { AG_F32, AG_F64, AG_I64, AG_I32, AG_U8, AG_BOOL };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcmp(name, ag_dtype_name(all[i]))) return all[i];
    fail_msg("no dtype %s", name);
    return AG_F32;
}

/* `= dtype sizes kind numbers...` */
static sample parse(char *line)
{
    sample s = { .rank = 0 };
    char *rest = NULL;
    strtok_r(line, " \n", &rest);
    s.dtype = dtype_of(strtok_r(NULL, " \n", &rest));
    char *sizes = strtok_r(NULL, " \n", &rest);
    for (char *end = sizes; *sizes != '-' && *sizes; sizes = *end ? end + 1 : end)
        s.dims[s.rank++] = strtoll(sizes, &end, 10);
    s.cycle = !strcmp(strtok_r(NULL, " \n", &rest), "cycle");
    for (char *number; (number = strtok_r(NULL, " \n", &rest)); s.n_number++) {
        assert_in_range(s.n_number, 0, MOST_NUMBERS - 1);
        s.real[s.n_number] = strtod(number, NULL);
        s.whole[s.n_number] = strtoll(number, NULL, 10);
    }
    return s;
}

static ag_tensor *build(const sample *s)
{
    ag_tensor *x = (ag_zeros)(s->dtype, s->rank, s->dims);
    int64_t n = ag_numel(x);
    if (s->dtype == AG_F32 || s->dtype == AG_F64) {
        double *v = calloc((size_t)n + 1, sizeof *v);
        float by = (float)s->real[1], from = (float)s->real[0];
        for (int64_t i = 0; i < n; i++)
            if (s->cycle)
                v[i] = s->real[i % s->n_number];
            else
                v[i] = s->dtype == AG_F32 ? (double)(from + by * (float)i) : s->real[0] + s->real[1] * (double)i;
        ag_write(x, v, n);
        free(v);
    } else {
        int64_t *v = calloc((size_t)n + 1, sizeof *v);
        for (int64_t i = 0; i < n; i++) v[i] = s->cycle ? s->whole[i % s->n_number] : s->whole[0] + s->whole[1] * i;
        ag_write(x, v, n);
        free(v);
    }
    return x;
}

/* What ag_fprint writes; to be freed. */
static char *printed(const ag_tensor *x)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    ag_fprint(f, x);
    fclose(f);
    return text;
}

static void expect(const ag_tensor *x, const char *wanted)
{
    char *text = printed(x);
    assert_string_equal(text, wanted);
    free(text);
}

static void test_as_numpy(void **state)
{
    (void)state;
    const char *path = getenv("PRINT_GOLDEN") ? getenv("PRINT_GOLDEN") : "test/golden/print.txt";
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *line = NULL, *wanted = calloc(1, MOST_TEXT);
    size_t room = 0, n = 0, n_case = 0;
    ag_tensor *x = NULL;
    ag_tape *tape = ag_tape_new();
    for (bool more = true; more;) {
        more = getline(&line, &room, f) >= 0;
        if (more && line[0] != '=') {
            assert_true(n + strlen(line) < MOST_TEXT);
            n += (size_t)snprintf(wanted + n, MOST_TEXT - n, "%s", line);
            continue;
        }
        if (x) expect(x, wanted), n_case++;
        assert_int_equal(ag_tape_reset(tape), AG_OK);
        n = 0, wanted[0] = 0;
        if (!more) break;
        sample s = parse(line);
        x = build(&s);
    }
    assert_true(n_case > 100);
    ag_tape_free(tape);
    free(line);
    free(wanted);
    fclose(f);
}

static void test_layouts(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = ag_reshape(ag_arange(AG_I64, 0, 6, 1), 2, 3);
    expect(ag_transpose(x, 0, 1), "[[0 3]\n [1 4]\n [2 5]]\n");
    expect(ag_flip(x, 1), "[[2 1 0]\n [5 4 3]]\n");
    expect(ag_expand(ag_select(x, 0, 1), 2, 3), "[[3 4 5]\n [3 4 5]]\n");
    expect(ag_slice_step(x, 1, 0, 3, 2), "[[0 2]\n [3 5]]\n");
    ag_tape_free(tape);
}

static void test_locale_with_comma(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    const char *names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) setlocale(LC_NUMERIC, names[i]);
    expect(ag_full(AG_F64, 0.1, 2), "[0.1 0.1]\n"); /* whether or not such a locale is installed */
    setlocale(LC_NUMERIC, "C");
    ag_tape_free(tape);
}

static void test_misuse(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    expect(NULL, "");
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_string_equal(ag_errmsg(), "ag_fprint: operand 1 is NULL");
    ag_fail(AG_EUSER, "mine");
    expect(NULL, "");
    assert_int_equal(ag_clear_error(), AG_EUSER);
    ag_fprint(NULL, ag_zeros(AG_F32, 1));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    ag_tensor *x = ag_zeros(AG_F32, 1);
    ag_tape_reset(tape);
    expect(x, "");
    assert_int_equal(ag_clear_error(), AG_ESTALE);
    ag_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_numpy),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_locale_with_comma),
        cmocka_unit_test(test_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
