/* header.h - the tensor itself.
 *
 *      temporary:  data -> pool buffer, or its own field `one`         leaf: data -> its own allocation
 *      view:       data -> into base's buffer, base -> the tensor that owns it
 *      proxy:      how a leaf appears on a tape: a view of it that the tape's walk may write to, so that threads can
 *                  read one leaf at a time. in[0] -> the leaf, held until the reset
 *
 * A temporary made by a recorded operation is that operation's node: op, inputs, attributes. */
#ifndef AG_TENSOR_HEADER_H
#define AG_TENSOR_HEADER_H
#include <autograd/tensor/layout.h>

enum {                   /* flags */
    AG__LEAF = 1,        /* mine */
    AG__GRAD = 2,        /* requires a gradient: a parameter, a variable, or computed from one while recording */
    AG__PROXY = 4,       /* stands for the leaf in[0] on this tape */
    AG__WEAK = 8,        /* ag_num: takes the dtype of what it meets */
    AG__ADJ = 16,        /* adj holds a (partial) sum: add to it */
    AG__HOOKED = 32,     /* the tape has hooks for it */
    AG__SPENT = 64,      /* a walk without retain has passed */
    AG__PATH = 128,      /* on a way from the result to what is asked for: the walk visits it */
    AG__TARGET = 256,    /* its adjoint is asked for */
    AG__HIDDEN = 512,    /* an output the user never saw: saved by its operation for itself */
    AG__BORROWED = 1024, /* the data are the user's (ag_wrap): not to be written */
};
enum { AG__FEW = 2, AG__STALE = 0, AG__LEAF_SERIAL = 1 };

struct ag_tensor { /* 128 bytes, two cache lines */
    void *data; /* element [0,...,0] */
    const ag__layout *layout;
    const ag_op *op;          /* NULL: not recorded */
    ag_tensor **in;           /* few, or in the arena, the versions seen behind them */
    ag_tensor *few[AG__FEW];
    void *attr;               /* attributes, then what the operation saved; in the arena */
    ag_tensor *base;          /* owner of the storage: itself, or for a view another */
    void *adj;                /* of a node: its adjoint in dense_form; of a leaf: its gradient, an ag_tensor */
    union ag__one { float f32; double f64; int64_t i64; int32_t i32; uint8_t u8; } one, adj_one;
    uint32_t serial;          /* of the tape's run; of a leaf AG__LEAF_SERIAL; AG__STALE once released */
    uint32_t version;         /* of a storage owner: bumped by every write */
    uint32_t seq;             /* place on the tape */
    uint32_t mark;            /* index of the scalar position when it was recorded */
    uint16_t n_in, flags;
    uint8_t klass, adj_klass; /* of the pool's buffers */
    uint8_t nth;              /* which output of its operation; the node proper is output 0 */
    uint32_t few_saw[AG__FEW]; /* versions of the inputs when they were read */
    uint64_t pad;
};

static inline uint32_t *ag__saw(ag_tensor *x) { return x->in == x->few ? x->few_saw : (uint32_t *)(void *)(x->in + x->n_in); }

struct ag__leaf { /* a leaf's allocation: header, layout, then the data */
    ag_tensor x;
    ag__layout layout;
    _Atomic uint64_t owners; /* the user's; and above AG__TAPE_OWNER the tapes that hold a proxy of it. 0: it goes */
    uint32_t has_grad;  /* the gradient counts: between ag_backward and ag_step */
    uint32_t frozen;
    size_t bytes;       /* of the whole allocation */
};

static inline struct ag__leaf *ag__leaf_of(ag_tensor *x) { return (struct ag__leaf *)(void *)x; }

/* A new leaf with zeroed data, one owner; NULL: out of memory. */
ag_tensor *ag__leaf_new(const ag__layout *l, bool param);

/* A tape begins and ceases to hold a leaf; has it an owner besides tapes? */
#define AG__TAPE_OWNER (UINT64_C(1) << 32)
void ag__leaf_hold(ag_tensor *leaf);
void ag__leaf_drop(ag_tensor *leaf);
static inline bool ag__leaf_owned(ag_tensor *leaf)
{
    return atomic_load_explicit(&ag__leaf_of(leaf)->owners, memory_order_relaxed) % AG__TAPE_OWNER != 0;
}

double ag__get(const ag__layout *l, const void *data, int64_t offset); /* any dtype as a double */
void ag__set(const ag__layout *l, void *data, int64_t offset, double value);

/* Is x a usable handle? Reports NULL, stale and foreign handles as `who: operand i ...`; quiet when an error is pending
 * and x is NULL. serial: of the current tape, 0 without one. */
bool ag__usable(const ag_tensor *x, uint32_t serial, const char *who, int i);
/* The same for looking at a value, whichever tape it is on. */
static inline bool ag__readable(const ag_tensor *x, const char *who, int i)
{
    return ag__likely(x && x->serial != AG__STALE) || ag__usable(x, x ? x->serial : 0, who, i);
}
#endif
