/* memory.c - allocation with a budget, the arena and the buffer pool. */
#define _DEFAULT_SOURCE /* madvise */
#include <autograd/base/memory.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__SANITIZE_ADDRESS__)
#define AG__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AG__ASAN 1
#endif
#endif
#ifdef AG__ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 64, FIRST_CHUNK = 4096, LAST_CHUNK = 1 << 20, PAGE = 4096, HUGE_PAGE = 2 << 20 };

/* ---- the system ------------------------------------------------------------------------------------------------- */

/* What an allocation of so many bytes really takes; 0 when that is more than memory can hold. */
static size_t whole(size_t bytes)
{
    if (bytes > PTRDIFF_MAX - ALIGN) return 0;
    return bytes ? (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1) : ALIGN;
}

void ag__prefer_huge_pages(void *p, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    uintptr_t from = ((uintptr_t)p + PAGE - 1) & ~(uintptr_t)(PAGE - 1), to = (uintptr_t)p + bytes;
    if (bytes >= (from % HUGE_PAGE ? 2 * HUGE_PAGE : HUGE_PAGE)) madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
    (void)p, (void)bytes;
#endif
}

void *ag__alloc(ag__budget *budget, size_t bytes, const char *what)
{
    size_t size = whole(bytes);
    if (size && budget && budget->limit &&
        (budget->reserved > budget->limit || size > budget->limit - budget->reserved)) {
        ag_fail(AG_ENOMEM, "%s: %zu bytes more would pass the tape's memory limit of %" PRIu64, what, size,
                budget->limit);
        return NULL;
    }
    bool huge = budget && budget->huge_pages && size >= HUGE_PAGE;
    void *p = size ? aligned_alloc(huge ? HUGE_PAGE : ALIGN, size) : NULL;
    if (!p) {
        ag_fail(AG_ENOMEM, "%s: out of memory, %zu bytes wanted", what, bytes);
        return NULL;
    }
    if (budget) budget->reserved += size;
    if (huge) ag__prefer_huge_pages(p, size);
    return p;
}

void ag__release(ag__budget *budget, void *p, size_t bytes)
{
    if (!p) return;
    if (budget) budget->reserved -= whole(bytes);
    free(p);
}

void *ag__grow(ag__budget *budget, void *p, size_t old_bytes, size_t new_bytes, const char *what)
{
    void *q = ag__alloc(budget, new_bytes, what);
    if (!q) return NULL;
    if (p) memcpy(q, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    ag__release(budget, p, old_bytes);
    return q;
}

/* ---- arena ------------------------------------------------------------------------------------------------------ */

/* A chunk that holds at least `bytes`, twice the size of the one before it up to LAST_CHUNK. */
static ag__arena_chunk *new_chunk(ag__arena *a, size_t bytes)
{
    const size_t header = sizeof(ag__arena_chunk);
    size_t size = FIRST_CHUNK;
    if (a->current) size = a->current->size >= LAST_CHUNK / 2 ? LAST_CHUNK : 2 * (a->current->size + header);
    if (bytes > PTRDIFF_MAX - ALIGN - header) {
        ag_fail(AG_ENOMEM, "arena: out of memory, %zu bytes wanted", bytes);
        return NULL;
    }
    if (size < bytes + header) size = whole(bytes + header);
    ag__arena_chunk *c = ag__alloc(a->budget, size, "arena");
    if (c) c->size = size - header;
    return c;
}

void *ag__arena_slow(ag__arena *a, size_t bytes)
{
    ag__arena_chunk *next = a->current ? a->current->next : a->first;
    if (!next || next->size < bytes) { /* a kept chunk that is too small stays behind the new one, for later */
        ag__arena_chunk *c = new_chunk(a, bytes);
        if (!c) return NULL;
        c->next = next;
        if (a->current)
            a->current->next = c;
        else
            a->first = c;
        next = c;
    }
    a->current = next;
    a->used = (bytes + 15) & ~(size_t)15;
    return next + 1;
}

void ag__arena_free(ag__arena *a)
{
    for (ag__arena_chunk *c = a->first, *next; c; c = next) {
        next = c->next;
        ag__release(a->budget, c, c->size + sizeof *c);
    }
    a->first = a->current = NULL;
    a->used = 0;
}

ag__arena_mark ag__arena_tell(const ag__arena *a)
{
    return (ag__arena_mark){ a->current, a->used };
}

void ag__arena_rewind(ag__arena *a, ag__arena_mark mark)
{
    a->current = mark.chunk ? mark.chunk : a->first;
    a->used = mark.used;
}

/* ---- pool ---------------------------------------------------------------------------------------------------------
 * Classes 0..3 are 64, 128, 192, 256 bytes; above, an octave (2^e, 2^(e+1)] is cut into four quarters. */

struct ag__pool_buffer {
    struct ag__pool_buffer *next;
};

static unsigned class_of(size_t bytes)
{
    if (bytes <= 256) return bytes ? (unsigned)((bytes - 1) / 64) : 0;
    unsigned e = 63u - (unsigned)__builtin_clzll(bytes - 1);
    unsigned quarter = (unsigned)((bytes - 1) >> (e - 2)) & 3;
    return 4 + (e - 8) * 4 + quarter;
}

size_t ag__pool_class_bytes(uint8_t klass)
{
    if (klass < 4) return ((size_t)klass + 1) * 64;
    unsigned e = 8 + (klass - 4u) / 4, quarter = (klass - 4u) % 4;
    return (size_t)(5 + quarter) << (e - 2);
}

void *ag__pool_get(ag__pool *p, size_t bytes, uint8_t *klass)
{
    unsigned k = class_of(bytes);
    if (ag__unlikely(k >= AG__POOL_CLASSES)) {
        ag_fail(AG_ENOMEM, "tensor data: out of memory, %zu bytes wanted", bytes);
        return NULL;
    }
    size_t size = ag__pool_class_bytes((uint8_t)k);
    struct ag__pool_buffer *b = p->free_list[k];
    if (ag__likely(b != NULL)) {
        p->free_list[k] = b->next;
        ASAN_UNPOISON_MEMORY_REGION(b, size);
    } else if (!(b = ag__alloc(p->budget, size, "tensor data"))) {
        return NULL;
    }
    *klass = (uint8_t)k;
    if (p->budget) ag__budget_take(p->budget, size);
    return b;
}

void ag__pool_put(ag__pool *p, void *buffer, uint8_t klass)
{
    struct ag__pool_buffer *b = buffer;
    size_t size = ag__pool_class_bytes(klass);
    b->next = p->free_list[klass];
    p->free_list[klass] = b;
    if (p->budget) p->budget->in_use -= size;
    ASAN_POISON_MEMORY_REGION(b + 1, size - sizeof *b); /* a use after the release is then seen */
}

void ag__pool_free(ag__pool *p)
{
    for (unsigned k = 0; k < AG__POOL_CLASSES; k++) {
        for (struct ag__pool_buffer *b = p->free_list[k], *next; b; b = next) {
            next = b->next;
            ag__release(p->budget, b, ag__pool_class_bytes((uint8_t)k));
        }
        p->free_list[k] = NULL;
    }
}
