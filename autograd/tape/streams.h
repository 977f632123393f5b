/* streams.h - the scalar statements of a tape: four streams, cut into chunks.
 *
 *      op   u8   one a id: what was done                        ids   1 2 3 4 | 5 6 7 8 9 10 | ...
 *      val  f64  one a id: its value (not on first_order tapes) chunk    0    |      1       |
 *      ix   u32  operand ids, as many as the code says
 *      pd   f64  partial derivatives, as many as the code says
 *
 * Ids count through the whole tape, so that adjoints are one array. A record never crosses chunks, and chunks never
 * move or shrink: what points into one stays good until the reset. Those behind the current one are spare. */
#ifndef AG_TAPE_STREAMS_H
#define AG_TAPE_STREAMS_H
#include <autograd/tape/state.h>

/* Statements of any number of operands (the first ones are in pen.h), and of blocks. `ids` means: n, operand ids, n. */
enum {
    AG__S_DOT = AG__S_MORE, /* ids of x, ids of y  | values of y, values of x */
    AG__S_LOGSUMEXP,        /* ids                 | n weights of the softmax */
    AG__S_SQNORM,           /* ids                 | n values */
    AG__S_SUM,              /* ids                 | */
    AG__S_HOLD,             /* ids                 | ; nothing flows through it */
    AG__S_POLY,             /* x, n                | n coefficients, slope */
    AG__S_CALL,             /* ids                 | pointer to an ag__routine, m; its m results are the inputs behind it */
    /* n results each; x means the id of a block's first element, and a pointer to a block's values lies among the
     * partials. On a first_order tape the results' values stand before the pointers. */
    AG__S_BLOCK,            /* n                   | */
    AG__S_BLOCK_RSUB,       /* x, n                | */
    AG__S_BLOCK_EXP,        /* x, n                | */
    AG__S_BLOCK_MATVEC,     /* a, x, columns, n    | a, x */
    AG__S_BLOCK_TRIMV,      /* diag, low, x, d, matrices, n | diag, low, x */
    /* maps.c: x, y, z may be constants, with id 0, and are repeated to fill n */
    AG__S_BLOCK_ADD,        /* x, y, sizes of x, y, n | */
    AG__S_BLOCK_SUB,        /* the same            | */
    AG__S_BLOCK_MUL,        /* the same            | x, y */
    AG__S_BLOCK_FMA,        /* x, y, z, sizes, n   | x, y */
    AG__S_BLOCK_LOG,        /* x, n                | x */
    AG__S_BLOCK_SIGMOID,    /* x, n                | */
    AG__S_BLOCK_TANH,       /* x, n                | */
    AG__S_BLOCK_SUMS,       /* x, columns, n       | */
    AG__S_BLOCK_SQNORMS,    /* x, columns, n       | x */
    AG__S_BLOCK_LOGSUMEXPS, /* x, columns, n       | x, weights of the softmax */
    AG__S_BLOCK_GATHER,     /* ids                 | */
    /* one result */
    AG__S_BLOCK_SUM,        /* x, n                | */
    AG__S_BLOCK_DOT,        /* x, y, n             | x, y */
    AG__S_BLOCK_SQNORM,     /* x, n                | x */
    AG__S_CODES
};

typedef struct ag__chunk {
    uint32_t first, ids; /* its ids: first .. first + ids - 1 */
    uint8_t *op;
    double *val;         /* NULL on a first_order tape */
    uint32_t *ix, *ix_end, *ix_used; /* used: where it was left for the next chunk */
    double *pd, *pd_end, *pd_used;
    size_t bytes;
} ag__chunk;

typedef struct ag__span { /* a generation owns the ids from `first` to the next span's */
    uint32_t gen, first;
} ag__span;

struct ag__streams {
    ag_pen pen;           /* the places, while the thread's pen does not hold them */
    bool lent;            /* ag__pen holds them */
    bool watched;         /* watch.h */
    ag__chunk **chunk;
    uint32_t n_chunk, max_chunk, current;
    ag__span *span;       /* oldest first */
    uint32_t n_span, max_span, span_seen; /* seen: the one looked up last */
    uint32_t born, taken; /* its first generation, and how many it has had */
    double *adjoint;
    size_t max_adjoint, n_adjoint;
    void *spare;          /* what sweeps of several lanes used last; NULL while one does */
    size_t spare_bytes;
    double one_place;     /* where a first_order tape's values go */
};

static inline ag_pen *ag__pen_of(const ag_tape *t) { return t->streams->lent ? &ag__pen : &t->streams->pen; }
static inline bool ag__pen_closed(const ag_pen *p) { return p->gen == UINT32_MAX; }

/* ---- operands ---------------------------------------------------------------------------------------------------- */
/* The id to record for a handle that is not of the pen's generation: its own if it is older than a rewind but still
 * good; else it is stale or another tape's, which is reported as an operand of `who`, and 0 as for a constant. */
uint32_t ag__pen_settle(ag_pen *p, ag_scalar x, const char *who, unsigned operand);
const char *ag__statement_name(unsigned code);
static inline uint32_t ag__settled_as(ag_pen *p, ag_scalar x, const char *who, unsigned operand)
{
    return x.id == 0 || x.gen == p->gen ? x.id : ag__pen_settle(p, x, who, operand);
}
static inline uint32_t ag__settled(ag_pen *p, ag_scalar x, unsigned code, unsigned operand)
{
    return x.id == 0 || x.gen == p->gen ? x.id : ag__pen_settle(p, x, ag__statement_name(code), operand);
}

/* ---- recording --------------------------------------------------------------------------------------------------- */
/* Makes room for at least one more statement; false: it cannot be recorded, and why is remembered. */
bool ag__streams_turn(ag_pen *p);
/* Room in one chunk of the current tape for a record of so many ids, operands and partials; false: remembered why (but
 * quiet when recording is off). */
bool ag__streams_room(ag_pen *p, size_t ids, size_t n_ix, size_t n_pd);
/* The usual case needs no look at the chunk: up to the limit each id brings three operands and two partials. */
static inline bool ag__room(ag_pen *p, size_t ids, size_t n_ix, size_t n_pd)
{
    const size_t room = p->limit > p->next ? p->limit - p->next : 0;
    return ag__likely(ids <= room && n_ix <= 3 * room && n_pd <= 2 * room) || ag__streams_room(p, ids, n_ix, n_pd);
}
/* Ends a record whose operands and partials were written up to ix and pd; returns its first id. What it took beyond its
 * ids' share comes off the limit. */
static inline uint32_t ag__close(ag_pen *p, unsigned code, uint32_t ids, uint32_t *ix, double *pd)
{
    const uint32_t id = p->next, room = p->limit > id ? p->limit - id : 0;
    const size_t share = ((size_t)(ix - p->ix) + 2) / 3, other = ((size_t)(pd - p->pd) + 1) / 2;
    const size_t worth = share > other ? share : other;
    uint8_t *const op = p->op;
    if (worth > room || ids > room) p->limit = id + ids; /* the next statement measures again */
    else if (worth > ids) p->limit -= (uint32_t)worth - ids;
    p->ix = ix, p->pd = pd, p->next = id + ids;
    op[id] = op[id + ids - 1] = (uint8_t)code;
    return id;
}
/* The value of a recorded id; values must be kept. */
double ag__streams_value(ag_tape *t, uint32_t id);
static inline ag_scalar ag__streams_own(ag_tape *t, uint32_t id) /* a handle that does not leave the sweep */
{
    return (ag_scalar){ ag__streams_value(t, id), id, ag__pen.gen };
}

/* A call of something that was not recorded itself, as one statement: how its derivatives flow. r->ix are the n operands
 * (0: a constant), the results have the ids from r->id + 1 on. Adjoints and tangents are added to what stands there; what
 * fails is remembered. The recorded ones may be called with recording off. */
typedef struct ag__record ag__record;
typedef struct ag__routine ag__routine;
struct ag__routine {
    void (*reverse)(const ag__routine *f, const ag__record *r, double *adj);
    void (*forward)(const ag__routine *f, const ag__record *r, double *tan);
    void (*reverse_recorded)(const ag__routine *f, ag_tape *t, const ag__record *r, ag_scalar *adj);
    void (*forward_recorded)(const ag__routine *f, ag_tape *t, const ag__record *r, ag_scalar *tan);
    const char *who; /* what the user called */
};
/* Records a call with n operands, and its m results with their values; f lives as long as the statements. */
bool ag__streams_call(ag_tape *t, const ag__routine *f, size_t n, const ag_scalar *x, size_t m, const double *values,
                      ag_scalar *y);

/* ---- reading ----------------------------------------------------------------------------------------------------- */
typedef struct ag__form { /* how a record lies in the streams */
    uint8_t ix, pd;       /* fixed numbers of operands and partials */
    bool list;            /* ids between two counts n; otherwise, if `counted`, the last operand is n */
    bool counted;
    bool per;             /* one more partial for each of n */
    bool block;           /* n ids */
} ag__form;
extern const ag__form ag__form_of[AG__S_CODES];

typedef struct ag__step { /* how far a record reaches in the streams; returned in two registers */
    uint32_t ids, ix;
    size_t pd;
} ag__step;

struct ag__record {
    unsigned code;
    uint32_t id, n;
    const uint32_t *ix;   /* operands; of a list, its ids */
    const double *pd;     /* partials (of a block: its pointers) */
    const double *y;      /* values of the results; NULL on a first_order tape, but for blocks */
    ag__step step;
};

static inline ag__step ag__record_step(const ag__chunk *c, const ag__form *f, uint32_t n)
{
    const size_t own = f->block && !c->val ? n : 0;
    return (ag__step){ f->block ? n : 1, f->list ? n + 2 : f->ix, f->pd + (f->per ? n : 0) + own };
}
/* r begins at id, ix, pd. */
static inline void ag__record_locate(ag__record *r, const ag__chunk *c, uint32_t id, const uint32_t *ix,
                                     const double *pd)
{
    const ag__form *f = &ag__form_of[r->code];
    r->id = id;
    r->ix = f->list ? ix + 1 : ix;
    r->y = c->val ? c->val + (id - c->first) : f->block ? pd : NULL;
    r->pd = f->block && !c->val ? pd + r->n : pd;
}
/* The record of chunk c that ends at id, ix, pd. Written in place: a struct copied right after it was filled waits for
 * its own stores. */
static inline void ag__record_before(ag__record *r, const ag__chunk *c, uint32_t id, const uint32_t *ix,
                                     const double *pd)
{
    r->code = c->op[id - 1 - c->first];
    const ag__form *f = &ag__form_of[r->code];
    const uint32_t n = f->list || f->counted ? ix[-1] : 0;
    const ag__step step = ag__record_step(c, f, n);
    r->n = n;
    r->step = step;
    ag__record_locate(r, c, id - step.ids, ix - step.ix, pd - step.pd);
}
/* The one that begins there. */
static inline void ag__record_after(ag__record *r, const ag__chunk *c, uint32_t id, const uint32_t *ix,
                                    const double *pd)
{
    r->code = c->op[id - c->first];
    const ag__form *f = &ag__form_of[r->code];
    r->n = f->list ? ix[0] : f->counted ? ix[f->ix - 1] : 0;
    r->step = ag__record_step(c, f, r->n);
    ag__record_locate(r, c, id, ix, pd);
}
/* What the user called: of a rare function its own name. */
const char *ag__record_name(const ag__record *r);
/* How many of r->ix something flows to; not of blocks. */
static inline uint32_t ag__record_operands(const ag__record *r)
{
    const ag__form *f = &ag__form_of[r->code];
    return r->code == AG__S_HOLD ? 0 : f->list ? r->n : r->code == AG__S_POLY ? 1 : f->ix;
}
static inline void ag__step_back(ag__position *at, ag__step s) { at->id -= s.ids, at->ix -= s.ix, at->pd -= s.pd; }
static inline void ag__step_on(ag__position *at, ag__step s) { at->id += s.ids, at->ix += s.ix, at->pd += s.pd; }
/* The chunk with the statement before *at (which is not the first), or with the one at *at (which is not the last);
 * *at is moved there. */
const ag__chunk *ag__chunk_before(const ag_tape *t, ag__position *at);
const ag__chunk *ag__chunk_after(const ag_tape *t, ag__position *at);
/* The index of the chunk with a recorded id. */
uint32_t ag__chunk_of(const ag_tape *t, uint32_t id);
/* Where the ids of a chunk end. */
uint32_t ag__chunk_end(const ag_tape *t, uint32_t chunk);

/* The k-th pointer among the partials of a block record. */
static inline const double *ag__borrowed(const ag__record *r, int k)
{
    const double *p;
    __builtin_memcpy(&p, r->pd + k, sizeof p);
    return p;
}
static inline const ag__routine *ag__routine_of(const ag__record *r)
{
    const ag__routine *f;
    __builtin_memcpy(&f, r->pd, sizeof f);
    return f;
}
#endif
