/* state.h - what a tape is made of.
 *
 *   scalar statements   streams.c   chunks of operation codes, operand ids, partials, values; ids grow
 *   tensor nodes        node.c      headers in record order; node[k]->mark says how far the scalars were
 *   bridges             ops/bridge.c   nodes whose other side are scalars
 *   the walk            diff/walk.c    visits nodes last to first, and before each the statements recorded after it
 *
 * The cursors of the current tape's scalar streams lie in thread-local storage (ag__pen, autograd/pen.h), so that
 * recording a statement touches no tape object; ag_tape_use swaps them. */
#ifndef AG_TAPE_STATE_H
#define AG_TAPE_STATE_H
#include <autograd/autograd.h>
#include <autograd/tensor/header.h>

/* A place in the scalar streams. */
typedef struct ag__position {
    uint32_t id;    /* the next id to be handed out there */
    uint32_t chunk; /* index of the stream chunk */
    uint32_t *ix;   /* the next free operand place */
    double *pd;     /* the next free partial */
} ag__position;

typedef struct ag__streams ag__streams; /* streams.c */

typedef struct ag__adjoints {
    double *number;     /* plain sweep: by id */
    ag_scalar *scalar;  /* recorded sweep: by id; id 0 and value 0 where nothing arrived */
} ag__adjoints;

/* A place marked by the user. */
typedef struct ag__saved_place {
    ag__arena_mark arena;
    uint32_t node, scalar; /* nodes, and index among the scalar positions */
    uint32_t stamp;        /* tells it from another at the same index, before or after */
} ag__saved_place;

typedef struct ag__hook {
    ag_tensor *x;
    ag_hook_fn *f;
    void *user;
} ag__hook;

/* What a walk does with tensors. A tape points to it from its first tensor on, so that programs of scalars alone are
 * linked without tensors. In diff/walk.c. */
struct ag__walk;
typedef struct ag__tensor_side {
    /* room for the gradients of leaves, or of those in `into`; y (or NULL: a scalar) gets its seed */
    bool (*prepare)(struct ag__walk *w, ag_params into, ag_tensor *y, ag_tensor *seed);
    bool (*reverse)(struct ag__walk *w);               /* over nodes, and the statements between them */
    void (*commit)(struct ag__walk *w);                /* gradients are the leaves' */
    bool (*forward)(struct ag__walk *w, uint32_t end); /* tangents: nodes, and statements up to id end */
    void (*forget)(ag_tape *t);                        /* shapes not seen again, at a reset */
    const char *(*title)(const ag_op *op);
} ag__tensor_side;
extern const ag__tensor_side ag__tensors, ag__tensors_watched;
typedef struct ag__watch ag__watch; /* watch.h */
void ag__layouts_forget(ag_tape *t);

enum { AG__RECENT = 32 };
struct ag_tape {
    /* what recording a tensor operation touches */
    uint32_t serial;      /* of this run: from reset to reset; unique in the process, never AG__STALE or a leaf's */
    uint32_t n_node, max_node; /* a watched tape has no more room than for the next one */
    ag_tensor **node;     /* headers in record order */
    ag_tensor *idle, *idle_last; /* released headers, oldest first, linked by base; version is the epoch of release */
    ag_tensor *fresh, *fresh_end; /* headers never used yet */
    uint32_t epoch;       /* resets and rewinds so far */
    bool walking, first_order;
    uint32_t node_room;   /* of node[] */
    ag__watch *watch;     /* NULL: nobody does */
    ag__adjoints sweep;   /* of the scalars, while a walk passes */
    const ag__tensor_side *tensors; /* NULL: it never had any */
    const double *adjoint; /* what the last plain walk left: by id, for ids below n_adjoint */
    uint32_t n_adjoint, n_variable;
    ag__pool pool;
    ag__arena arena;      /* inputs, attributes: until the reset */
    ag__layouts layouts;
    const ag__layout *recent[AG__RECENT]; /* ops/apply.c */
    /* leaves on this tape: their proxies in record order, and found by the leaf's address (open addressing) */
    ag_tensor **proxy, **proxy_table;
    uint32_t n_proxy, max_proxy; /* the table has 2 max_proxy places, a power of two */
    uint32_t n_kept;      /* proxies that outlived a reset, because their leaf has an owner: the first nodes */
    /* scalar positions remembered by nodes */
    ag__position *mark;
    uint32_t n_mark, max_mark;
    ag__streams *streams;
    ag__saved_place *saved; /* of each ag_tape_mark */
    uint32_t n_saved, max_saved, n_mark_made;
    ag__hook *hook;
    uint32_t n_hook, max_hook;
    ag__arena header_arena; /* headers; never rewound */
    ag_tape *previous;    /* brought back when this one is freed */
    ag_tape *inner;       /* where checkpoints compute again; NULL before the first */
    ag_tape *younger, *older; /* all tapes of the process */
    ag__budget budget;
    uint64_t peak;
};

/* This thread's current tape and whether it records. */
typedef struct ag__thread {
    ag_tape *tape;
    bool off; /* recording switched off */
} ag__thread;
extern _Thread_local ag__thread ag__here __attribute__((tls_model("initial-exec")));

/* t's inner tape, emptied, becomes current, and recording is on; NULL: error remembered, nothing has changed. Then
 * ag__inner_leave, with what it stored in *was. For use while no error is pending. */
ag_tape *ag__inner_enter(ag_tape *t, bool *was);
void ag__inner_leave(ag_tape *t, bool was);

/* The place of a mark of t; NULL: it is stale, or a walk is under way, reported as `who`. */
const ag__saved_place *ag__marked(ag_tape *t, ag_mark m, const char *who);

/* ---- streams.c: the life of the scalar streams ------------------------------------------------------------------------ */
ag_status ag__streams_new(ag_tape *t);   /* t->streams, a closed pen; takes no chunk before the first statement */
void ag__streams_free(ag_tape *t);
void ag__streams_reset(ag_tape *t);      /* new generation, chunks kept */
void ag__streams_enter(ag_tape *t);      /* its cursors become this thread's pen; NULL: a closed dummy */
void ag__streams_leave(ag_tape *t);      /* cursors stored back */
ag__position ag__streams_begin(const ag_tape *t); /* of the first statement */
ag__position ag__streams_tell(const ag_tape *t);  /* behind the last */
void ag__streams_rewind(ag_tape *t, ag__position to);
/* Makes sure that a rewind to `to` succeeds, and then statements with so many ids, operands and partials in all. */
bool ag__streams_reserve(ag_tape *t, ag__position to, size_t ids, size_t n_ix, size_t n_pd);
uint32_t ag__streams_count(const ag_tape *t);  /* the next id; 1 when empty */
uint64_t ag__streams_bytes(const ag_tape *t);  /* in use by statements and adjoints */
void ag__streams_record(bool on);              /* of the current tape, for this thread */
/* ids of n scalars, checked, into a record without partials or flow that the node which follows it owns (pack). */
const uint32_t *ag__streams_hold(ag_tape *t, size_t n, const ag_scalar *x);
/* n consecutive new inputs; their first id, or 0. */
uint32_t ag__streams_inputs(ag_tape *t, size_t n, const double *values, ag_scalar *out);
/* Handle of a recorded id, with its value: needs values kept (else AG_ENODIFF reported as who, and id 0). */
ag_scalar ag__streams_handle(ag_tape *t, uint32_t id, const char *who);
/* Is y a live handle of the current tape, or a constant? Reports AG_ESTALE as `who`. */
bool ag__streams_older(ag_scalar y, const char *who); /* of an older generation */
static inline bool ag__streams_live(ag_scalar y, const char *who)
{
    return ag__likely(y.id == 0 || y.gen == ag__pen.gen) || ag__streams_older(y, who);
}

/* ---- sweeps over statements: from `at` down to `stop` (the first id not to be visited is stop - 1) ---------------------- */
/* The tape's own adjoint buffer, zeroed up to the current id; NULL: out of memory. */
double *ag__streams_adjoints(ag_tape *t);
ag__position ag__reverse_plain(ag_tape *t, double *adj, ag__position at, uint32_t stop);
/* Records while sweeping; statements it records are not visited. On an error it stops and reports. */
ag__position ag__reverse_recorded(ag_tape *t, ag_scalar *adj, ag__position at, uint32_t stop);
/* Forward: the tangents of the statements from `at` up to id `end`. A statement's tangent adds to what stands at its id (0,
 * or what the caller seeded it with). */
ag__position ag__forward_recorded(ag_tape *t, ag_scalar *tangent, ag__position at, uint32_t end);
/* Adds b to adj[id], recording. */
void ag__adjoint_add(ag_scalar *adj, uint32_t id, ag_scalar b);

/* ---- node.c: headers, proxies, marks --------------------------------------------------------------------------------- */
/* The current tape, or NULL with AG_ETAPE reported as `who`. */
ag_tape *ag__tape(const char *who);
/* A new temporary with its buffer (uninitialised) at the end of the tape; NULL with the error remembered. */
ag_tensor *ag__temporary(ag_tape *t, const ag__layout *l);
/* One that shares `of`'s storage: data + offset elements. */
ag_tensor *ag__view(ag_tape *t, const ag__layout *l, ag_tensor *of, int64_t offset);
/* Checks a handle and turns a leaf into its proxy; NULL with the error remembered. */
ag_tensor *ag__operand_slow(ag_tape *t, ag_tensor *x, const char *who, int i);
static inline uint32_t ag__proxy_place(const ag_tape *t, const ag_tensor *leaf)
{
    uint64_t h = (uint64_t)(uintptr_t)leaf * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(h >> 32) & (2 * t->max_proxy - 1);
}
static inline ag_tensor *ag__operand(ag_tape *t, ag_tensor *x, const char *who, int i)
{
    if (ag__unlikely(!x)) return ag__operand_slow(t, x, who, i);
    if (ag__likely(x->serial == t->serial)) return x;
    if (x->serial == AG__LEAF_SERIAL && t->max_proxy) {
        ag_tensor *p = t->proxy_table[ag__proxy_place(t, x)];
        if (ag__likely(p && p->few[0] == x && !((p->flags ^ x->flags) & AG__GRAD))) return p;
    }
    return ag__operand_slow(t, x, who, i);
}
/* Makes out[0..n_out) the results of op on in[0..n_in): records it if recording is on and an input requires a gradient
 * (or force), else leaves them plain. attr is copied; op->saved_size zeroed bytes follow it. */
bool ag__node(ag_tape *t, const ag_op *op, const void *attr, int n_in, ag_tensor *const *in, ag_tensor *const *out,
              bool force);
/* The same when the attributes lie in the arena already. */
bool ag__node_record(ag_tape *t, const ag_op *op, void *attr, int n_in, ag_tensor *const *in, ag_tensor *const *out,
                     bool force);
/* Room for attributes and saved bytes of op, attr copied; NULL if it has none, or (*ok false) out of memory. */
void *ag__node_attr(ag_tape *t, const ag_op *op, const void *attr, bool *ok);
/* Where op's saved bytes lie behind its attributes. */
static inline void *ag__saved(const ag_op *op, void *attr)
{
    return op->saved_size ? (char *)attr + ((op->attr_size + 15) & ~(size_t)15) : NULL;
}
/* Releases the nodes from index `from` on. at_once: their handles were never shown to a user, and may be used again. */
void ag__nodes_release(ag_tape *t, uint32_t from, bool at_once);
/* Releases everything but the proxies of leaves that somebody owns; they begin the next run, called serial. */
void ag__nodes_reset(ag_tape *t, uint32_t serial);
/* The proxy of a leaf, or NULL if it was not used on this tape. */
ag_tensor *ag__proxy_find(const ag_tape *t, const ag_tensor *leaf);
/* The dense buffer of x's adjoint, to be written (*add false) or added to; NULL with the error remembered. */
void *ag__adjoint_of(ag_tape *t, ag_tensor *x, bool *add);
void ag__adjoint_drop(ag_tape *t, ag_tensor *x);
/* Index in t->mark of the current scalar position. */
bool ag__mark_here(ag_tape *t, uint32_t *index);

/* Is an operation with this input recorded now? */
static inline bool ag__records(const ag_tensor *x) { return (x->flags & AG__GRAD) && !ag__here.off; }
/* ag__node_record for up to two inputs, no attributes, one output, when it is known to be recorded. */
static inline bool ag__node_record_few(ag_tape *t, const ag_op *op, int n_in, ag_tensor *a, ag_tensor *b, ag_tensor *y)
{
    if (ag__likely(t->n_mark && t->mark[t->n_mark - 1].id == ag__pen.next)) y->mark = t->n_mark - 1;
    else if (!ag__mark_here(t, &y->mark)) return false;
    y->n_in = (uint16_t)n_in, y->op = op, y->flags |= AG__GRAD;
    y->few[0] = a, y->few_saw[0] = a->base->version;
    if (n_in > 1) y->few[1] = b, y->few_saw[1] = b->base->version;
    return true;
}
/* ag__adjoint_drop, inline for tensors of one element. */
static inline void ag__adjoint_passed(ag_tape *t, ag_tensor *x)
{
    if (ag__unlikely(x->adj_klass != AG__NO_CLASS)) ag__adjoint_drop(t, x);
    else x->adj = NULL, x->flags &= (uint16_t)~AG__ADJ;
}

#endif
