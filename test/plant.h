/* plant.h - faults planted in the derivative rules of every operation, while the program runs: wrong signs, factors,
 * single entries, transposed, cut off from the tape, missing terms, sums over broadcast axes left out, buffers written
 * that should be added to. (test/mutants.sh plants others in the source text.) */
#ifndef TEST_PLANT_H
#define TEST_PLANT_H
#include "op_check.h"

/* Does the check of a sample fail? forward: the fault is in the rule of forward mode. */
typedef bool plant_check(const samples *s, const sample *c, bool forward);
typedef struct plant_tally {
    int ops, planted, caught, idle; /* idle: changed nothing; not counted as planted */
} plant_tally;
/* Each fault in turn, and the samples of its operation until one check fails; prints the faults not found. added: with
 * those that only show where two uses of a value add up. */
plant_tally plant_everywhere(plant_check *check, bool added);
#endif
