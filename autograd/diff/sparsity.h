/* sparsity.h - which entries of a Jacobian or Hessian can differ from zero, and which directions can share a sweep. */
#ifndef AG_DIFF_SPARSITY_H
#define AG_DIFF_SPARSITY_H
#include <autograd/diff/lanes.h>
#include <autograd/sparse.h>

/* Compressed rows of indices; freed with ag__rows_free. */
typedef struct ag__rows {
    size_t n;
    int64_t *start, *index; /* [n + 1], [start[n]]; ascending in each row */
} ag__rows;
void ag__rows_free(ag__rows *r);
/* The other way round: n rows, one for each index. False: out of memory. */
bool ag__rows_turn(const ag__rows *r, size_t n, ag__rows *turned);

/* sparsity.c: y by x; x by x of the one y. False: error remembered, nothing to free. */
bool ag__jacobian_pattern(const ag__map *f, ag__rows *r);
bool ag__hessian_pattern(const ag__map *f, ag__rows *r);

/* coloring.c: color[0..n) such that no row of `meets` has two of one color; members[i] are the rows with i. Returns how many
 * colors, -1 out of memory. */
int64_t ag__color_apart(const ag__rows *members, const ag__rows *meets, int32_t *color);
/* A star coloring of a symmetric pattern: neighbors differ, and no path of four has two colors only. */
int64_t ag__color_stars(const ag__rows *pattern, int32_t *color);
#endif
