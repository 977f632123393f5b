/* wide.h - plain sweeps over statements in several lanes at once: k tangents, or k adjoints, for each id.
 *
 * Lane l of id stands at [id * k + l]. As in the sweeps of one lane (sweep.c) nothing is passed on where nothing arrived:
 * the product of a slope that is not finite with exactly 0 is 0. */
#ifndef AG_TAPE_WIDE_H
#define AG_TAPE_WIDE_H
#include <autograd/tape/state.h>

enum { AG__MOST_LANES = 8 };

/* What a sweep of second order knows besides: the adjoints of the function, by id, and its operands' tangents. */
typedef struct ag__second {
    const double *adjoint;
    const double *tangent; /* k lanes, from a forward sweep */
    const uint8_t *live;
} ag__second;

typedef struct ag__lanes {
    size_t k;
    /* Tangents of the statements from `at` up to id `end`. live[id] says whether id has any; at first it does where it
     * has a seed, to which the statement adds. Of ids below `at` the tangents must be there, above only the seeds. */
    void (*forward)(ag_tape *t, double *tangent, uint8_t *live, ag__position at, uint32_t end);
    /* Adds to the adjoints of operands, from the statement before `at` down to id `stop`. */
    void (*reverse)(ag_tape *t, double *adjoint, ag__position at, uint32_t stop);
    /* The same for the tangents of adjoints: forward over reverse. False: a statement has no second derivative, which is
     * remembered, or is a call, which has none as a number. */
    bool (*second)(ag_tape *t, double *adjoint, const ag__second *s, ag__position at, uint32_t stop);
} ag__lanes;

/* The fewest of 1, 2, 4, 8 lanes for so many directions, by the best instructions there are. */
const ag__lanes *ag__lanes_for(size_t directions);

/* Room for a sweep: *bytes or more, which becomes how many; what the last one gave back, or new. NULL: out of memory. */
void *ag__work_take(ag_tape *t, size_t *bytes);
void ag__work_give(ag_tape *t, void *room, size_t bytes);

/* Where the record with id begins and ends. */
ag__position ag__position_before(const ag_tape *t, uint32_t id);
ag__position ag__position_after(const ag_tape *t, uint32_t id);

struct ag__record;
/* Second derivatives of a statement of one or two operands: ab is that by b of the derivative by a. As ag_grad of ag_grad
 * has them; ab and ba differ at most where the conventions of kinks and poles do. */
typedef struct ag__curvature {
    double aa, ab, ba, bb;
} ag__curvature;
ag__curvature ag__curvature_of(ag_tape *t, const struct ag__record *r);
#endif
