/* plain.h - for tests of values: tensors in any arrangement, and how far two are apart. */
#ifndef PLAIN_H
#define PLAIN_H
#include <autograd/autograd.h>

/* Normal values of the given sizes on the current tape, the memory arranged at random: axes in any order, one of them
 * expanded, one with gaps, one reversed. */
ag_tensor *plain_random(ag_dtype dtype, int rank, const int64_t *dims);
/* Uniform in [0, below), the same on every run. */
int64_t plain_choice(int64_t below);
/* max |a - b| / max(1, max |b|); equal infinities and NaNs are no difference, other shapes an infinite one. */
double plain_distance(ag_tensor *a, ag_tensor *b);
/* The same against numbers in row-major order. */
double plain_distance_to(ag_tensor *a, const double *b, int64_t n);
#endif
