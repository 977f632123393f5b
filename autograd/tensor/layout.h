/* layout.h - dtype, sizes and strides, as one immutable object that tensors share.
 *
 * A tape interns its layouts: two tensors of one tape with equal dtype, sizes and strides point to the same layout, so
 * that one comparison of addresses answers "may one flat loop run over both". A leaf carries its own. */
#ifndef AG_TENSOR_LAYOUT_H
#define AG_TENSOR_LAYOUT_H
#include <autograd/base/memory.h>
#include <autograd/op.h>

typedef struct ag__layout {
    ag_dtype dtype;
    int rank;
    bool dense;      /* the elements fill numel places without gaps or repeats: some order of axes is row-major */
    bool contiguous; /* row-major itself */
    size_t item;     /* bytes of one element */
    int64_t numel;
    int64_t dims[AG_MAX_RANK], strides[AG_MAX_RANK]; /* in elements; of a size-1 axis: as row-major would have it */
    const struct ag__layout *dense_form; /* of an interned layout: itself if dense, else row-major of the same sizes */
    struct ag__layout *chain;            /* next in the interning table's bucket */
    uint64_t hash;
} ag__layout;

typedef struct ag__layouts { /* interning table */
    ag__layout **bucket;
    uint32_t n, n_bucket; /* a power of two */
    ag__arena arena;
} ag__layouts;

/* 0-d, one per dtype, shared by everybody. */
extern const ag__layout ag__layout_0d[6];
static inline int ag__dtype_index(ag_dtype d) { return d == AG_F32 ? 0 : (int)d - (int)AG_F64 + 1; }
static inline bool ag__is_float(ag_dtype d) { return d == AG_F32 || d == AG_F64; }

/* Fills *out from sizes; strides NULL: row-major. Checks dtype, rank, signs and overflow, reporting as `who`. */
bool ag__layout_set(ag__layout *out, ag_dtype dtype, int rank, const int64_t *dims, const int64_t *strides,
                    const char *who);
/* The table's own copy of *l, or NULL when out of memory. */
const ag__layout *ag__layout_intern(ag__layouts *t, const ag__layout *l);
/* Row-major, interned. */
const ag__layout *ag__layout_get(ag__layouts *t, ag_dtype dtype, int rank, const int64_t *dims, const char *who);
/* Sizes dims in the memory order of `like` (same rank), dense. */
const ag__layout *ag__layout_like(ag__layouts *t, ag_dtype dtype, int rank, const int64_t *dims,
                                  const ag__layout *like, const char *who);
/* Forgets all layouts, keeps the memory. */
void ag__layouts_clear(ag__layouts *t);
void ag__layouts_free(ag__layouts *t);

static inline bool ag__same_dims(const ag__layout *a, const ag__layout *b)
{
    if (a == b) return true;
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i]) return false;
    return true;
}
/* NumPy's rule: aligned at the last axis, sizes equal or 1. Writes the common sizes; false if they do not fit. */
bool ag__broadcast(int *rank, int64_t *dims, const ag__layout *with);

/* "[2,3]", for messages: good to the end of the block that asks for it, where its room is. */
enum { AG__TEXT_SIZE = 8 * 21 + 3 /* eight sizes of 20 digits, commas, brackets */ };
const char *ag__dims_write(char *room, int rank, const int64_t *dims);
static inline const char *ag__layout_write(char *room, const ag__layout *l)
{
    return ag__dims_write(room, l->rank, l->dims);
}
#define ag__dims_text(rank, dims) ag__dims_write((char[AG__TEXT_SIZE]){ 0 }, rank, dims)
#define ag__text(l)               ag__layout_write((char[AG__TEXT_SIZE]){ 0 }, l)
#endif
