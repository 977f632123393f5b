/* links.h - block records taken apart: which element of an operand a result depends on, how steeply, and how slopes bend. */
#ifndef AG_TAPE_LINKS_H
#define AG_TAPE_LINKS_H
#include <autograd/tape/streams.h>

typedef struct ag__link { /* dy/dx has the term `slope` */
    uint32_t x, y;
    double slope;
} ag__link;
typedef struct ag__bend { /* d2y/dx dwith has the term `factor` */
    uint32_t x, with, y;
    double factor;
} ag__bend;

/* Hands over all links of a block record, some at a time. */
typedef void ag__links_fn(void *user, size_t n, const ag__link *link);
void ag__block_links(const ag__record *r, ag__links_fn *f, void *user);
/* All bends, of both orders of x and with; but not those of AG__S_BLOCK_LOGSUMEXPS. */
typedef void ag__bends_fn(void *user, size_t n, const ag__bend *bend);
void ag__block_bends(const ag__record *r, ag__bends_fn *f, void *user);
#endif
