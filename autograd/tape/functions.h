/* functions.h - the rarely used elementary functions (rows u, c, n of ops.def), which are reached through descriptors: a
 * statement that uses one carries its address, and a program is linked with those it names.
 *
 * f(x) has its x as a; f(a, b); f_n(x) has n, a number, as a, and x as b. */
#ifndef AG_TAPE_FUNCTIONS_H
#define AG_TAPE_FUNCTIONS_H
#include <autograd/pen.h>
#include <autograd/tape/wide.h>

typedef struct ag__function {
    const char *name; /* "ag_lgamma" */
    double (*value)(double a, double b);
    double (*slope)(int k, double a, double b, double y); /* by a, by b */
    /* g times the slope by operand k, recorded */
    ag_scalar (*rule)(int k, ag_scalar g, ag_scalar a, ag_scalar b, ag_scalar y);
    ag__curvature (*curvature)(double a, double b); /* second derivatives; curvature.c */
} ag__function;

#define AG__FUNCTION(name, ...) extern const ag__function ag__f_##name;
AG_RARE_UNARY(AG__FUNCTION)
AG_RARE_BINARY(AG__FUNCTION)
AG_RARE_ORDERED(AG__FUNCTION)
#undef AG__FUNCTION
#define AG__FUNCTION(name, ...) ag__curvature ag__curvature_##name(double a, double b);
AG_RARE_UNARY(AG__FUNCTION)
AG_RARE_BINARY(AG__FUNCTION)
AG_RARE_ORDERED(AG__FUNCTION)
#undef AG__FUNCTION
#endif
