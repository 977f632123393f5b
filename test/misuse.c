/* misuse.c - see misuse.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <test/misuse.h>

bool misuse_still_works(void)
{
    ag_tensor *x = ag_variable(ag_full(AG_F64, 3, 2));
    bool tensors = ag_at(ag_grad(ag_sum(ag_square(x)), x), 1) == 6;
    double g = 0;
    ag_scalar s = ag_input(3);
    bool scalars = !ags_gradient(ag_mul(s, s), &s, 1, &g) && g == 6;
    return tensors && scalars && !ag_error();
}

void misuse_check(const misuse *cases, size_t n)
{
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        ag_tape *tape = ag_tape_new();
        assert_non_null(tape);
        cases[i].act();
        ag_status code = ag_error();
        bool right = code == cases[i].code && !strcmp(ag_errmsg(), cases[i].message);
        if (!right)
            print_error("%s: expected %s \"%s\"\n%*sgot %s \"%s\"\n", cases[i].what, ag_status_text(cases[i].code),
                        cases[i].message, (int)strlen(cases[i].what) + 2, "", ag_status_text(code), ag_errmsg());
        while (ag_tape_current() && ag_tape_current() != tape) ag_tape_free(ag_tape_current()); /* one that act made */
        ag_tape_use(tape);
        right &= ag_clear_error() == code && misuse_still_works();     /* on the same tape, */
        right &= ag_tape_reset(tape) == AG_OK && misuse_still_works(); /* and on a new page */
        ag_tape_free(tape);
        wrong += !right;
        if (right && getenv("MISUSE_LIST")) printf("misuse: %s\n", cases[i].message);
    }
    print_message("# %zu misuse cases\n", n);
    assert_int_equal(wrong, 0);
}
