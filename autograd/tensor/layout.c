/* layout.c - sizes and strides: checking, ordering, interning, broadcasting, and how they read in a message. */
#include <autograd/tensor/layout.h>
#include <inttypes.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

#define L0D(t, bytes)                                                                 \
    {                                                                                 \
        .dtype = (t), .dense = true, .contiguous = true, .item = (bytes), .numel = 1, \
        .dense_form = &ag__layout_0d[(t) == AG_F32 ? 0 : (int)(t) - (int)AG_F64 + 1]  \
    }
const ag__layout ag__layout_0d[6] = {
    L0D(AG_F32, sizeof(float)),   L0D(AG_F64, sizeof(double)), L0D(AG_I64, sizeof(int64_t)),
    L0D(AG_I32, sizeof(int32_t)), L0D(AG_U8, sizeof(uint8_t)), L0D(AG_BOOL, sizeof(bool)),
};

/* ---- from sizes to a layout ------------------------------------------------------------------------------------- */

static bool check(ag_dtype dtype, int rank, const int64_t *dims, const char *who)
{
    if (!ag_dtype_size(dtype)) {
        ag_fail(AG_EDTYPE, "%s: %d is no dtype; the dtype comes first", who, (int)dtype);
        return false;
    }
    if (rank < 0 || rank > AG_MAX_RANK) {
        ag_fail(AG_ESHAPE, "%s: rank %d is not in 0..%d", who, rank, AG_MAX_RANK);
        return false;
    }
    if (rank && !dims) {
        ag_fail(AG_ENULL, "%s: the sizes are NULL", who);
        return false;
    }
    int64_t bytes = (int64_t)ag_dtype_size(dtype); /* as if no size were 0: strides must fit as well */
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0) {
            ag_fail(AG_ESHAPE, "%s: negative size in %s", who, ag__dims_text(rank, dims));
            return false;
        }
        if (dims[i] && __builtin_mul_overflow(bytes, dims[i], &bytes)) {
            ag_fail(AG_ESHAPE, "%s: %s of %s is more than memory can hold", who, ag__dims_text(rank, dims),
                    ag_dtype_name(dtype));
            return false;
        }
    }
    return true;
}

static int64_t magnitude(int64_t stride)
{
    return stride < 0 ? -stride : stride;
}

/* The axes by falling |stride|. Those of size 1 or stride 0 say nothing and stay where they are. */
static void axis_order(int rank, const int64_t *dims, const int64_t *strides, int *order)
{
    for (int i = 0; i < rank; i++) {
        int at = i;
        if (dims[i] != 1 && strides[i] != 0)
            for (int j = i - 1; j >= 0; j--) {
                if (dims[order[j]] == 1 || strides[order[j]] == 0) continue;
                if (magnitude(strides[order[j]]) >= magnitude(strides[i])) break;
                at = j;
            }
        memmove(order + at + 1, order + at, (size_t)(i - at) * sizeof *order);
        order[at] = i;
    }
}

/* Do the elements lie without gaps or repeats? numel is not 0. */
static bool is_dense(const ag__layout *l)
{
    int order[AG_MAX_RANK];
    axis_order(l->rank, l->dims, l->strides, order);
    int64_t expected = 1;
    for (int i = l->rank - 1; i >= 0; i--) {
        int axis = order[i];
        if (l->dims[axis] == 1) continue;
        if (l->strides[axis] != expected) return false;
        expected *= l->dims[axis];
    }
    return true;
}

bool ag__layout_set(ag__layout *out, ag_dtype dtype, int rank, const int64_t *dims, const int64_t *strides,
                    const char *who)
{
    if (!check(dtype, rank, dims, who)) return false;
    memset(out, 0, sizeof *out);
    out->dtype = dtype, out->rank = rank, out->item = ag_dtype_size(dtype), out->numel = 1;
    for (int i = 0; i < rank; i++) out->numel *= out->dims[i] = dims[i];
    out->contiguous = true;
    int64_t row_major = 1;
    for (int i = rank - 1; i >= 0; i--) {
        bool given = strides && dims[i] != 1 && out->numel;
        out->strides[i] = given ? strides[i] : row_major;
        if (out->strides[i] != row_major) out->contiguous = false;
        if (dims[i]) row_major *= dims[i];
    }
    out->dense = out->contiguous || is_dense(out);
    return true;
}

/* ---- interning -------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t hash_of(const ag__layout *l)
{
    uint64_t h = mix((uint64_t)l->dtype, (uint64_t)l->rank);
    for (int i = 0; i < l->rank; i++) h = mix(mix(h, (uint64_t)l->dims[i]), (uint64_t)l->strides[i]);
    return h;
}

static bool same(const ag__layout *a, const ag__layout *b)
{
    size_t bytes = (size_t)a->rank * sizeof *a->dims;
    return a->dtype == b->dtype && a->rank == b->rank && !memcmp(a->dims, b->dims, bytes) &&
           !memcmp(a->strides, b->strides, bytes);
}

static bool grow(ag__layouts *t)
{
    uint32_t n = t->n_bucket ? 2 * t->n_bucket : FIRST_BUCKETS;
    ag__layout **bucket = ag__alloc(t->arena.budget, n * sizeof *bucket, "shapes");
    if (!bucket) return false;
    memset(bucket, 0, n * sizeof *bucket);
    for (uint32_t k = 0; k < t->n_bucket; k++)
        for (ag__layout *l = t->bucket[k], *next; l; l = next) {
            next = l->chain;
            ag__layout **head = &bucket[l->hash & (n - 1)];
            l->chain = *head;
            *head = l;
        }
    ag__release(t->arena.budget, t->bucket, t->n_bucket * sizeof *bucket);
    t->bucket = bucket, t->n_bucket = n;
    return true;
}

/* A new entry; its dense_form is still to be set. */
static ag__layout *add(ag__layouts *t, const ag__layout *l, uint64_t hash)
{
    if (t->n == t->n_bucket && !grow(t)) return NULL;
    ag__layout *own = ag__arena_get(&t->arena, sizeof *own);
    if (!own) return NULL;
    *own = *l;
    own->hash = hash;
    ag__layout **head = &t->bucket[hash & (t->n_bucket - 1)];
    own->chain = *head;
    *head = own;
    t->n++;
    return own;
}

const ag__layout *ag__layout_intern(ag__layouts *t, const ag__layout *l)
{
    if (l->rank == 0) return &ag__layout_0d[ag__dtype_index(l->dtype)];
    uint64_t hash = hash_of(l);
    if (t->n_bucket)
        for (ag__layout *k = t->bucket[hash & (t->n_bucket - 1)]; k; k = k->chain)
            if (k->hash == hash && same(k, l)) return k;
    const ag__layout *dense_form = NULL;
    if (!l->dense && !(dense_form = ag__layout_get(t, l->dtype, l->rank, l->dims, "shapes"))) return NULL;
    ag__layout *own = add(t, l, hash);
    if (own) own->dense_form = l->dense ? own : dense_form;
    return own;
}

const ag__layout *ag__layout_get(ag__layouts *t, ag_dtype dtype, int rank, const int64_t *dims, const char *who)
{
    ag__layout l;
    return ag__layout_set(&l, dtype, rank, dims, NULL, who) ? ag__layout_intern(t, &l) : NULL;
}

const ag__layout *ag__layout_like(ag__layouts *t, ag_dtype dtype, int rank, const int64_t *dims, const ag__layout *like,
                                  const char *who)
{
    ag__layout l;
    if (!ag__layout_set(&l, dtype, rank, dims, NULL, who)) return NULL;
    if (!like->contiguous && l.numel) {
        int order[AG_MAX_RANK];
        int64_t strides[AG_MAX_RANK], stride = 1;
        axis_order(rank, like->dims, like->strides, order);
        for (int i = rank - 1; i >= 0; i--) {
            strides[order[i]] = stride;
            stride *= dims[order[i]];
        }
        ag__layout_set(&l, dtype, rank, dims, strides, who);
    }
    return ag__layout_intern(t, &l);
}

void ag__layouts_clear(ag__layouts *t)
{
    if (t->bucket) memset(t->bucket, 0, t->n_bucket * sizeof *t->bucket);
    ag__arena_rewind(&t->arena, (ag__arena_mark){ 0 });
    t->n = 0;
}

void ag__layouts_free(ag__layouts *t)
{
    ag__release(t->arena.budget, t->bucket, t->n_bucket * sizeof *t->bucket);
    ag__arena_free(&t->arena);
    t->bucket = NULL, t->n = t->n_bucket = 0;
}

/* ---- broadcasting, text ----------------------------------------------------------------------------------------- */

bool ag__broadcast(int *rank, int64_t *dims, const ag__layout *with)
{
    int more = with->rank - *rank;
    if (more > 0) {
        memmove(dims + more, dims, (size_t)*rank * sizeof *dims);
        for (int i = 0; i < more; i++) dims[i] = 1;
        *rank = with->rank;
    }
    int64_t *tail = dims + (*rank - with->rank);
    for (int i = 0; i < with->rank; i++) {
        if (tail[i] == with->dims[i] || with->dims[i] == 1) continue;
        if (tail[i] != 1) return false;
        tail[i] = with->dims[i];
    }
    return true;
}

const char *ag__dims_write(char *room, int rank, const int64_t *dims)
{
    int n = snprintf(room, AG__TEXT_SIZE, "[");
    for (int i = 0; i < rank && n < AG__TEXT_SIZE; i++)
        n += snprintf(room + n, (size_t)(AG__TEXT_SIZE - n), i ? ",%" PRId64 : "%" PRId64, dims[i]);
    if (n < AG__TEXT_SIZE) snprintf(room + n, (size_t)(AG__TEXT_SIZE - n), "]");
    return room;
}
