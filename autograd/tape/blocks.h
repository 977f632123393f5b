/* blocks.h - what the operations on blocks share: operands made fit, room for results, the record's end. */
#ifndef AG_TAPE_BLOCKS_H
#define AG_TAPE_BLOCKS_H
#include <autograd/block.h>
#include <autograd/tape/streams.h>
#include <string.h>

static const ag_block ag__no_block;

/* Is x fit to be an operand? A constant is one, with id 0. */
static inline bool ag__block_settle(ag_block *x, unsigned code, unsigned operand)
{
    if (x->id == 0) return true;
    x->id = ag__settled(&ag__pen, (ag_scalar){ 0, x->id, x->gen }, code, operand);
    return x->id || ag__pen_closed(&ag__pen);
}

/* A constant among recorded operands becomes one of them: its adjoint needs a place. */
static inline bool ag__block_promote(ag_block *x)
{
    if (x->id == 0) *x = ags_block_input(x->n, x->value);
    return x->n == 0 || x->id;
}

static inline bool ag__block_fit(const char *who, const char *what, size_t n, size_t wanted)
{
    if (n == wanted) return true;
    ag_fail(AG_ESHAPE, "%s: %s has %zu elements, not %zu", who, what, n, wanted);
    return false;
}

/* Where n results go: into the streams, with room for so many operands and pointers; or for constants the arena. */
static inline double *ag__block_open(unsigned code, size_t n, size_t n_ix, size_t pointers, bool constant)
{
    ag_pen *p = &ag__pen;
    ag_tape *t = ag__here.tape;
    if (ag__unlikely(!t)) return ag__tape(ag__statement_name(code)), NULL; /* which says so */
    if (constant) return ag__arena_get(&t->arena, n * sizeof(double));
    if (!ag__room(p, n, n_ix, p->keep ? pointers : n + pointers)) return NULL;
    return p->keep ? p->val + p->next : p->pd;
}

static inline ag_block ag__block_close(unsigned code, double *y, uint32_t n, uint32_t *ix, int pointers,
                                   const double *const *from)
{
    ag_pen *p = &ag__pen;
    double *pd = p->keep ? p->pd : p->pd + n;
    for (int i = 0; i < pointers; i++) memcpy(pd + i, from + i, sizeof *from);
    return (ag_block){ y, ag__close(p, code, n, ix, pd + pointers), n, p->gen };
}

/* ---- maps.c: element by element, row by row, gathered: their sweeps, plain and recorded, on the records they are of -- */
static inline bool ag__is_map(unsigned code) { return code >= AG__S_BLOCK_ADD && code <= AG__S_BLOCK_GATHER; }
void ag__map_reverse(const ag__record *r, double *adj);
void ag__map_reverse_recorded(const ag__record *r, ag_scalar *adj);
void ag__map_forward_recorded(const ag__record *r, ag_scalar *tan);
/* From an element of an operand, which is no constant, to a result. */
typedef struct ag__map_link {
    uint32_t x;    /* id of the operand's element */
    uint32_t i, j; /* of the result, of operand k */
    int k;
} ag__map_link;
typedef void ag__map_link_fn(const ag__record *r, ag__map_link l, void *slots);
void ag__map_links(const ag__record *r, ag__map_link_fn *f, void *slots);
double ag__map_slope(const ag__record *r, ag__map_link l);
/* The element of the other factor of operand l.k's product. */
uint32_t ag__map_partner(const ag__record *r, ag__map_link l);
/* adj[id] += g k, recorded. */
void ag__adjoint_add_product(ag_scalar *adj, uint32_t id, ag_scalar g, ag_scalar k);
#endif
