/* curve.h - a curve of as many values as come, kept as means of equal stretches, and written as SVG. */
#ifndef EXAMPLES_CURVE_H
#define EXAMPLES_CURVE_H
#include <stdbool.h>
#include <stdint.h>

enum { CURVE_POINTS = 512 };

/* Zero-initialised to begin with. */
typedef struct curve {
    int n;           /* complete points, each the mean of `stretch` values */
    int64_t stretch; /* 1, then doubled whenever the points run out */
    double point[CURVE_POINTS];
    double sum; /* of the values towards the next point */
    int64_t count;
} curve;

void curve_add(curve *c, double value);
/* A drawing with the values upwards from 0 and `right` written at the right end of the axis, e.g. "5 epochs". False,
 * with errno set, when it cannot be written. */
bool curve_write_svg(const curve *c, const char *path, const char *title, const char *right);
#endif
