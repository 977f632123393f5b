/* mutants.c - do the checks of an operation's samples find the faults of plant.h? Prints those not found, then
 * `N operations, C/P`. */
#include "plant.h"

static bool fails(const samples *s, const sample *c, bool forward)
{
    (void)forward;
    op_tally tally = { 0 };
    return check_sample(s, c, &tally) != NULL;
}

int main(void)
{
    plant_tally t = plant_everywhere(fails, true);
    if (t.idle) printf("%d others changed nothing\n", t.idle);
    printf("%d operations, %d/%d\n", t.ops, t.caught, t.planted);
    return t.caught != t.planted || t.idle;
}
