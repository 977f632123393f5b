/* subject.h - a function whose derivatives are under check: numbers in, numbers out, whatever carries them.
 *
 * gradcheck.c compares; gradcheck_tensor.c and gradcheck_scalar.c evaluate. With order 2 the function is the gradient
 * of <f, c>, c fixed and random, so that its outputs are named like its inputs. */
#ifndef AG_DIFF_SUBJECT_H
#define AG_DIFF_SUBJECT_H
#include <autograd/autograd.h>
#include <autograd/base/memory.h>

typedef struct ag__subject ag__subject;
struct ag__subject {
    const char *who;
    ag_tape *tape; /* of the check: emptied before each evaluation */
    ag_rng rng;    /* put back before each evaluation */
    int order;
    size_t n, m; /* numbers in and out; m as the last `run` found it */
    size_t n_group;
    const double *x; /* the numbers as given */
    /* Evaluates at x (the one above: ready for pull and push as well), which stays until finish. */
    ag_status (*run)(ag__subject *s, const double *x);
    /* After run, whatever it said: the results, if y is not NULL; and what was moved is put back. */
    ag_status (*finish)(ag__subject *s, double *y);
    /* g = J'u; recorded: by the rules that can be differentiated again */
    ag_status (*pull)(ag__subject *s, const double *u, double *g, bool recorded);
    /* jv = J v, v[0..n) zero outside the group */
    ag_status (*push)(ag__subject *s, size_t group, const double *v, double *jv);
    /* The group of input `at` begins at *first and holds *count. */
    void (*group)(const ag__subject *s, size_t group, size_t *first, size_t *count);
    /* "input 0", "input 0 [1,2]", and "y [3]" */
    void (*name_group)(const ag__subject *s, size_t group, char *text, size_t room);
    void (*name_in)(const ag__subject *s, size_t at, char *text, size_t room);
    void (*name_out)(const ag__subject *s, size_t at, char *text, size_t room);
};

/* Makes the tape, checks order 1 and, if asked for, 2, and puts back tape, recording and random generator. */
ag_status ag__check(ag__subject *s, const ag_gradcheck_options *o);

/* A fixed random number for each k: of either sign, 0.5 to 1.5 in size. */
double ag__check_random(uint64_t k);
#endif
