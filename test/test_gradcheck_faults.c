/* test_gradcheck_faults.c - ag_gradcheck on trial: faults in the rules of all operations, and it alone has to find
 * them, entry by entry and by projections; those of reverse mode without the help of forward mode. */
#include "plant.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static ag_gradcheck_mode mode;

static ag_tensor *apply_sample(ag_tensor **x, void *user)
{
    return ((const sample *)user)->apply(x);
}

static bool fails(const samples *s, const sample *c, bool forward)
{
    ag_tape *t = ag_tape_new();
    ag_tensor *x[MOST_INPUTS];
    for (int i = 0; i < c->n_in; i++) x[i] = sample_input(s, c, i, AG_F64, NULL);
    ag_list all = { x, c->n_in };
    ag_status status =
        ag_gradcheck(apply_sample, all, .user = (void *)(uintptr_t)c, .order = 2, .mode = mode, .no_forward = !forward);
    ag_clear_error();
    ag_tape_free(t);
    return status == AG_ECHECK;
}

static void none_is_missed(void **state)
{
    (void)state;
    mode = AG_CHECK_ENTRIES;
    plant_tally by_entries = plant_everywhere(fails, false);
    mode = AG_CHECK_PROJECTIONS;
    plant_tally by_projections = plant_everywhere(fails, false);
    print_message("# faults in the rules of %d operations: found %d of %d by entries, %d of %d by projections\n",
                  by_entries.ops, by_entries.caught, by_entries.planted, by_projections.caught, by_projections.planted);
    assert_true(by_entries.planted >= 300);
    assert_int_equal(by_entries.caught, by_entries.planted);
    assert_int_equal(by_projections.caught, by_projections.planted);
}

/* And the samples without faults pass both. */
static void nothing_is_invented(void **state)
{
    (void)state;
    static const samples *const all[] = {
#define AG__ROW(name) &samples_##name,
#include <autograd/ops/rows.inc>
#undef AG__ROW
    };
    int n = 0, alarms = 0;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        for (size_t i = 0; i < all[k]->n && !all[k]->right; i++)
            for (int random = 0; random < 2; random++, n++) {
                mode = random ? AG_CHECK_PROJECTIONS : AG_CHECK_ENTRIES;
                if (!fails(all[k], &all[k]->at[i], true)) continue;
                print_error("ag_%s, %s: %s\n", all[k]->op, all[k]->at[i].name, ag_errmsg());
                alarms++;
            }
    print_message("# %d checks of right rules, %d alarms\n", n, alarms);
    assert_int_equal(alarms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(none_is_missed), cmocka_unit_test(nothing_is_invented) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
