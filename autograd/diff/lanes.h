/* lanes.h - the scalars y as functions of the scalars x, and sweeps over what is recorded between them, in several
 * directions at once. */
#ifndef AG_DIFF_LANES_H
#define AG_DIFF_LANES_H
#include <autograd/tape/wide.h>

typedef struct ag__map {
    ag_tape *tape;
    const ag_scalar *y, *x;
    size_t m, n;
    bool mixed;      /* tensors may stand between them */
    bool watched;    /* each statement's derivative is judged, which sweeps in lanes do not */
    bool constant;   /* all of y or all of x are */
    ag__position from, to; /* where the first of x's records begins, and the last of y's ends */
    uint32_t ids;    /* all of both, and what is swept, lie below */
} ag__map;
/* False: an operand is stale, or NULL, which is reported as `who`. */
bool ag__map_begin(ag__map *f, const char *who, const ag_scalar *y, size_t m, const ag_scalar *x, size_t n);

/* What sweeps need, by id; NULL what they do not. */
typedef struct ag__work {
    const ag__lanes *lanes;
    double *tangent;  /* k lanes each */
    uint8_t *live;
    double *adjoint;  /* k lanes each; in sweeps of second order its tangents */
    double *function; /* the adjoints of y[0], one lane */
    void *block;
    size_t bytes;
} ag__work;
enum { AG__FORWARD = 1, AG__REVERSE = 2, AG__SECOND = 4 };
/* Room for `directions` lanes at once, or the most there are. A Hessian's also has the adjoints of y[0] computed. */
bool ag__work_begin(ag__work *w, const ag__map *f, int what, size_t directions);
void ag__work_end(ag__work *w, const ag__map *f);
/* Forgets the seeds; adds a seed in a lane; then the sweep leaves tangents, or adjoints, in [id * k + lane]. */
void ag__forward_clear(ag__work *w, const ag__map *f);
void ag__forward_seed(ag__work *w, uint32_t id, size_t lane, double seed);
void ag__forward_run(ag__work *w, const ag__map *f);
void ag__reverse_clear(ag__work *w, const ag__map *f);
void ag__reverse_run(ag__work *w, const ag__map *f);
/* Forward with the seeds, then over reverse: in adjoint the Hessian's products with the directions. */
bool ag__second_run(ag__work *w, const ag__map *f);
#endif
