/* test_ops.c - every row of ops.def on all its samples: one test for each operation. */
#include "op_check.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static op_tally tally;

static void operation(void **state)
{
    const samples *s = *state;
    int bad = 0;
    assert_true(s->n > 0);
    for (size_t i = 0; i < s->n; i++) {
        const char *why = check_sample(s, &s->at[i], &tally);
        if (!why) continue;
        print_error("ag_%s, %s: %s\n", s->op, s->at[i].name, why);
        bad++;
    }
    assert_int_equal(bad, 0);
}

/* The table lists the rows, and nothing else. */
static void rows(void **state)
{
    (void)state;
    int64_t n;
    const ag_op *const *op = ag_op_all(&n);
    static const char *const name[] = {
#define AG__ROW(name) #name,
#include <autograd/ops/rows.inc>
#undef AG__ROW
    };
    assert_int_equal(n, sizeof name / sizeof *name);
    for (int64_t i = 0; i < n; i++) {
        assert_string_equal(op[i]->name, name[i]);
        assert_ptr_equal(ag_op_find(name[i]), op[i]);
    }
    assert_null(ag_op_find("no such operation"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows),
#define AG__ROW(name) { "ag_" #name, operation, NULL, NULL, (void *)(uintptr_t)&samples_##name },
#include <autograd/ops/rows.inc>
#undef AG__ROW
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("# %zu operations, %llu cases, %llu gradient entries checked\n", sizeof tests / sizeof *tests - 1,
           (unsigned long long)tally.cases, (unsigned long long)tally.entries);
    return failed;
}
