/* misuse.h - tables of what a user can get wrong: each mistake has its own code and message, which names the operation and
 * the shapes, and everything works afterwards.
 *
 *     #define ALL(X) X(add, ESHAPE, "ag_add: shapes do not broadcast: [2,3] and [4]", ag_add(D(2, 3), D(4)))
 *     MISUSE_TABLE(ALL)
 *     ... in a test: MISUSE_CHECK(); */
#ifndef TEST_MISUSE_H
#define TEST_MISUSE_H
#include <autograd/autograd.h>

#define D(...) ag_zeros(AG_F64, __VA_ARGS__)
#define D0     ag_zeros(AG_F64)
#define F(...) ag_zeros(AG_F32, __VA_ARGS__)
#define I(...) ag_zeros(AG_I64, __VA_ARGS__)
#define V(...) ag_variable(ag_ones(AG_F64, __VA_ARGS__))
#define NONE   ((ag_tensor *)NULL)

typedef struct misuse {
    const char *what;
    void (*act)(void);
    ag_status code;
    const char *message;
} misuse;

/* X(what, code, message, statements) */
#define MISUSE_ACT(what, code, message, ...) \
    static void act_##what(void)             \
    {                                        \
        __VA_ARGS__;                         \
    }
#define MISUSE_ROW(what, code, message, ...) { #what, act_##what, AG_##code, message },
#define MISUSE_TABLE(ALL) \
    ALL(MISUSE_ACT)       \
    static const misuse misuse_cases[] = { ALL(MISUSE_ROW) };
#define MISUSE_CHECK() misuse_check(misuse_cases, sizeof misuse_cases / sizeof *misuse_cases)

/* Fails the test unless every case ends as it should; prints their number, and with MISUSE_LIST in the environment the
 * messages, which test_misuse_table.sh counts. */
void misuse_check(const misuse *cases, size_t n);
/* d/dx x^2 = 2 x, by tensor and by scalar. */
bool misuse_still_works(void);
#endif
