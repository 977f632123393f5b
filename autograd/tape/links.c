/* links.c - see links.h. */
#include <autograd/tape/blocks.h>
#include <autograd/tape/links.h>

enum { AT_ONCE = 64 };
typedef struct collector {
    ag__links_fn *links;
    ag__bends_fn *bends; /* one of both */
    void *user;
    size_t n;
    union {
        ag__link link[AT_ONCE];
        ag__bend bend[AT_ONCE];
    } of;
} collector;

static void flush(collector *c)
{
    if (c->n && c->links) c->links(c->user, c->n, c->of.link);
    if (c->n && c->bends) c->bends(c->user, c->n, c->of.bend);
    c->n = 0;
}

static inline void link(collector *c, uint32_t x, uint32_t y, double slope)
{
    if (!c->links) return;
    if (c->n == AT_ONCE) flush(c);
    c->of.link[c->n++] = (ag__link){ x, y, slope };
}

static inline void bend(collector *c, uint32_t x, uint32_t with, uint32_t y, double factor)
{
    if (!c->bends) return;
    if (c->n == AT_ONCE) flush(c);
    c->of.bend[c->n++] = (ag__bend){ x, with, y, factor };
}

/* y = ... + a x */
static inline void product(collector *c, uint32_t y, uint32_t a, double va, uint32_t x, double vx)
{
    link(c, a, y, vx), link(c, x, y, va);
    bend(c, a, x, y, 1), bend(c, x, a, y, 1);
}

static void matvec(collector *c, const ag__record *r)
{
    const double *a = ag__borrowed(r, 0), *x = ag__borrowed(r, 1);
    for (uint32_t i = 0, k = 0; i < r->n; i++)
        for (uint32_t j = 0; j < r->ix[2]; j++, k++) product(c, r->id + i, r->ix[0] + k, a[k], r->ix[1] + j, x[j]);
}

/* Row r of x belongs to matrix r % m. */
static void trimv(collector *c, const ag__record *r)
{
    const uint32_t *ix = r->ix, d = ix[3], m = ix[4];
    const double *diag = ag__borrowed(r, 0), *low = ag__borrowed(r, 1), *x = ag__borrowed(r, 2);
    for (uint32_t row = 0; row < r->n / d; row++) {
        const uint32_t at = row % m * d, first = row * d;
        for (uint32_t i = 0; i < d; i++)
            product(c, r->id + first + i, ix[0] + at + i, diag[at + i], ix[2] + first + i, x[first + i]);
        uint32_t k = (uint32_t)((uint64_t)at * (d - 1) / 2);
        for (uint32_t j = 0; j < d; j++)
            for (uint32_t i = j + 1; i < d; i++, k++)
                product(c, r->id + first + i, ix[1] + k, low[k], ix[2] + first + j, x[first + j]);
    }
}

static void map(const ag__record *r, ag__map_link l, void *user)
{
    collector *c = user;
    const uint32_t y = r->id + l.i;
    const double v = r->y[l.i];
    link(c, l.x, y, c->links ? ag__map_slope(r, l) : 0);
    switch (r->code) {
    case AG__S_BLOCK_MUL:
    case AG__S_BLOCK_FMA:
        if (l.k < 2 && r->ix[1 - l.k]) bend(c, l.x, r->ix[1 - l.k] + ag__map_partner(r, l), y, 1);
        break;
    case AG__S_BLOCK_LOG: {
        const double x = ag__borrowed(r, 0)[l.j];
        bend(c, l.x, l.x, y, -1 / (x * x));
        break;
    }
    case AG__S_BLOCK_SIGMOID: bend(c, l.x, l.x, y, v * (1 - v) * (1 - 2 * v)); break;
    case AG__S_BLOCK_TANH: bend(c, l.x, l.x, y, -2 * v * (1 - v * v)); break;
    case AG__S_BLOCK_SQNORMS: bend(c, l.x, l.x, y, 2); break;
    default: break; /* linear */
    }
}

static void each(collector *c, const ag__record *r)
{
    const uint32_t *ix = r->ix, n = r->n, y = r->id;
    switch (r->code) {
    case AG__S_BLOCK: break;
    case AG__S_BLOCK_RSUB:
        for (uint32_t i = 0; i < n; i++) link(c, ix[0] + i, y + i, -1);
        break;
    case AG__S_BLOCK_EXP:
        for (uint32_t i = 0; i < n; i++)
            link(c, ix[0] + i, y + i, r->y[i]), bend(c, ix[0] + i, ix[0] + i, y + i, r->y[i]);
        break;
    case AG__S_BLOCK_SUM:
        for (uint32_t i = 0; i < n; i++) link(c, ix[0] + i, y, 1);
        break;
    case AG__S_BLOCK_DOT:
        for (uint32_t i = 0; i < n; i++)
            product(c, y, ix[0] + i, ag__borrowed(r, 0)[i], ix[1] + i, ag__borrowed(r, 1)[i]);
        break;
    case AG__S_BLOCK_SQNORM:
        for (uint32_t i = 0; i < n; i++)
            link(c, ix[0] + i, y, 2 * ag__borrowed(r, 0)[i]), bend(c, ix[0] + i, ix[0] + i, y, 2);
        break;
    case AG__S_BLOCK_MATVEC: matvec(c, r); break;
    case AG__S_BLOCK_TRIMV: trimv(c, r); break;
    default: ag__map_links(r, map, c);
    }
    flush(c);
}

void ag__block_links(const ag__record *r, ag__links_fn *f, void *user)
{
    collector c = { .links = f, .user = user };
    each(&c, r);
}

void ag__block_bends(const ag__record *r, ag__bends_fn *f, void *user)
{
    collector c = { .bends = f, .user = user };
    each(&c, r);
}
