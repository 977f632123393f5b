/* memory.h - sizes that cannot overflow, an arena, and a pool of buffers; all keep their pages, all count.
 *
 * Every byte of the library comes through ag__alloc, so that a test can make any allocation fail. Nothing here prints
 * or aborts: out of memory is NULL (with AG_ENOMEM remembered), and what existed before stays usable. */
#ifndef AG_BASE_MEMORY_H
#define AG_BASE_MEMORY_H
#include <autograd/error.h>
#include <stdatomic.h>

#define ag__likely(x) __builtin_expect(!!(x), 1)
#define ag__unlikely(x) __builtin_expect(!!(x), 0)

/* a * b and a + b, or false if that overflows size_t. */
static inline bool ag__size_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool ag__size_add(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }

/* What one tape holds. limit 0: none. */
typedef struct ag__budget {
    uint64_t in_use, peak, reserved, limit;
    bool huge_pages; /* for blocks that fill at least one */
} ag__budget;
static inline void ag__budget_take(ag__budget *b, uint64_t bytes)
{
    b->in_use += bytes;
    if (b->in_use > b->peak) b->peak = b->in_use;
}

/* From the system, aligned to 64 bytes; NULL remembers AG_ENOMEM with `what` in the message. budget may be NULL. A
 * budget's limit applies to `reserved`. */
void *ag__alloc(ag__budget *budget, size_t bytes, const char *what);
void ag__release(ag__budget *budget, void *p, size_t bytes); /* bytes as allocated; NULL is fine */
/* Asks the system for huge pages where the block covers whole ones. */
void ag__prefer_huge_pages(void *p, size_t bytes);
/* Contents kept, old block released; on failure the old block stays valid and NULL is returned. */
void *ag__grow(ag__budget *budget, void *p, size_t old_bytes, size_t new_bytes, const char *what);

/* ---- arena: bump allocation in chunks that double from 4 KiB to 1 MiB ------------------------------------------------
 * Addresses never move. Resetting or rewinding keeps the chunks. */
typedef struct ag__arena_chunk {
    struct ag__arena_chunk *next;
    size_t size; /* bytes behind this header */
} ag__arena_chunk;
typedef struct ag__arena {
    ag__budget *budget;
    ag__arena_chunk *first, *current;
    size_t used; /* in current */
} ag__arena;
typedef struct ag__arena_mark {
    ag__arena_chunk *chunk; /* NULL: the very beginning */
    size_t used;
} ag__arena_mark;
void *ag__arena_slow(ag__arena *a, size_t bytes);
void ag__arena_free(ag__arena *a);
ag__arena_mark ag__arena_tell(const ag__arena *a);
void ag__arena_rewind(ag__arena *a, ag__arena_mark mark); /* a zeroed mark: everything */
/* Uninitialised, aligned to 16 bytes. NULL: out of memory. in_use is not counted here but by reserved chunks. */
static inline void *ag__arena_get(ag__arena *a, size_t bytes)
{
    if (ag__likely(a->current && a->current->size - a->used >= bytes)) { /* both multiples of 16 */
        void *p = (char *)(a->current + 1) + a->used;
        a->used += (bytes + 15) & ~(size_t)15;
        return p;
    }
    return ag__arena_slow(a, bytes);
}

/* ---- pool: buffers in four size classes per octave, aligned to 64 bytes; freed ones are kept ------------------------- */
enum { AG__POOL_CLASSES = 200, AG__NO_CLASS = 255 };
typedef struct ag__pool {
    ag__budget *budget;
    struct ag__pool_buffer *free_list[AG__POOL_CLASSES];
} ag__pool;
/* *klass is what ag__pool_put wants back. bytes 0 gives a valid buffer. NULL: out of memory. */
void *ag__pool_get(ag__pool *p, size_t bytes, uint8_t *klass);
void ag__pool_put(ag__pool *p, void *buffer, uint8_t klass);
size_t ag__pool_class_bytes(uint8_t klass);
void ag__pool_free(ag__pool *p); /* the kept ones; those handed out must have come back */

#endif
