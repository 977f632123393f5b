/* check.h - a gradient check under way: gradcheck.c judges entries and reports, gradcheck_project.c projections. */
#ifndef AG_DIFF_CHECK_H
#define AG_DIFF_CHECK_H
#include <autograd/diff/subject.h>

enum { AG__N_WORST = 10, AG__N_STEPS = 3, AG__NAME = 96, AG__N_PROJECTIONS = 8, AG__DISAGREE = 320 };
#define AG__NOWHERE SIZE_MAX

typedef enum ag__verdict { AG__FINE, AG__WRONG, AG__INCONCLUSIVE, AG__KINK } ag__verdict;

/* d output i / d input j; of projection number i, by all of a group: j is AG__NOWHERE. */
typedef struct ag__entry {
    size_t i, j, group;
    double analytic, numeric, estimate;
    double badness; /* error, or estimate, as a multiple of what is allowed */
    bool open;      /* the estimate is too large to tell */
    ag__verdict verdict;
} ag__entry;

typedef struct ag__group {
    size_t judged, failed;
    ag__entry worst; /* of those judged */
} ag__group;

typedef struct ag__checking {
    ag__subject *s;
    const ag_gradcheck_options *o;
    double rtol, atol;
    bool projected;
    size_t n_projection;
    size_t *row, *col, n_row, n_col;     /* the entries to be judged */
    double *jacobian;                    /* [n_row][n_col] by reverse sweeps, or [n_projection][n]: J'u of each */
    double *scale;                       /* [n_row], the largest entry of each row */
    double *f[5];                        /* [m], at x, x + h, x - h, x + h/2, x - h/2 */
    double *u, *jv;                      /* [m] */
    double *v, *g, *h, *at, *sum;        /* [n]; sum: of |u_i J_ij| over the rows seen, and |J'u|_j */
    ag__entry *column;                   /* [n_row] */
    ag__group *group;                    /* [n_group] */
    ag__entry worst[AG__N_WORST];        /* worst first */
    size_t n_worst, n_judged, n_failed, n_doubtful; /* doubtful: inconclusive or at a kink; counted in failed */
    char disagree[AG__DISAGREE]; /* how forward and reverse rules first differed; differences may tell which is wrong */
} ag__checking;

/* Values of one number at x, x + h v, x - h v, x + h/2 v, x - h/2 v; how large what it is made of is, and how large the
 * derivative may be expected to be; how many times atol is allowed. */
typedef struct ag__five {
    double f[5], magnitude, scale, atols;
} ag__five;
/* Fills numeric, estimate, badness and verdict of an entry that has its analytic value. */
void ag__judge(const ag__checking *c, const ag__five *five, double h, ag__entry *e);
/* Is what `now` tells, of another step, better? Its estimate is smaller; or it shows that was's differences were of too
 * fast an oscillation. */
bool ag__is_better(const ag__entry *was, const ag__entry *now);
void ag__note(ag__checking *c, const ag__entry *e);
/* The function at a point, into y[0..m). */
ag_status ag__evaluate(const ag__checking *c, const double *at, double *y);
/* <u, J v> = <J'u, v> for the v of one group, or c->disagree; and J'u = h by the rules that can be differentiated again.
 */
ag_status ag__agree_forward(ag__checking *c, size_t group);
ag_status ag__agree_recorded(ag__checking *c);

ag_status ag__project(ag__checking *c); /* the analytic side, and then the judging */

/* Random bits for each k. */
uint64_t ag__check_bits(uint64_t k);
#endif
