/* coloring.c - greedy colorings: which columns of a Jacobian, or of a Hessian, can be asked for by one direction.
 *
 * No small, well kept C library does this by itself (ColPack is C++ with a graph library's weight), and greedy needs
 * few lines. Terms and the star coloring: Gebremedhin, Manne, Pothen, "What color is your Jacobian?", 2005. */
#include <autograd/diff/sparsity.h>
#include <math.h>
#include <string.h>

/* Which colors cannot be had: those marked by the present vertex. */
typedef struct palette {
    int64_t *mark, n, colors;
} palette;

static bool palette_begin(palette *p, size_t n)
{
    *p = (palette){ ag__alloc(NULL, (n + 1) * sizeof *p->mark, "a coloring"), (int64_t)n, 0 };
    for (size_t c = 0; p->mark && c <= n; c++) p->mark[c] = -1;
    return p->mark;
}

static int64_t palette_end(palette *p)
{
    ag__release(NULL, p->mark, ((size_t)p->n + 1) * sizeof *p->mark);
    return p->colors;
}

static int32_t least_free(palette *p, int64_t v)
{
    int32_t c = 0;
    while (p->mark[c] == v) c++;
    if (c >= p->colors) p->colors = c + 1;
    return c;
}

int64_t ag__color_apart(const ag__rows *members, const ag__rows *meets, int32_t *color)
{
    palette p;
    const int64_t n = (int64_t)members->n;
    if (!palette_begin(&p, members->n)) return -1;
    for (int64_t v = 0; v < n; v++) color[v] = -1;
    for (int64_t v = 0; v < n; v++) {
        for (int64_t k = members->start[v]; k < members->start[v + 1]; k++) {
            const int64_t row = members->index[k];
            for (int64_t l = meets->start[row]; l < meets->start[row + 1]; l++)
                if (color[meets->index[l]] >= 0) p.mark[color[meets->index[l]]] = v;
        }
        color[v] = least_free(&p, v);
    }
    return palette_end(&p);
}

/* Does x, a neighbor of w other than v, begin a path of four v - w - x - y whose ends and middles pair in color? */
static bool closes(const ag__rows *g, const int32_t *color, int64_t w, int64_t x)
{
    for (int64_t k = g->start[x]; k < g->start[x + 1]; k++) {
        const int64_t y = g->index[k];
        if (y != w && y != x && color[y] == color[w]) return true;
    }
    return false;
}

/* Colors that v must not have, by its neighbor w. */
static void forbid(const ag__rows *g, const int32_t *color, palette *p, int64_t v, int64_t w)
{
    if (color[w] >= 0) p->mark[color[w]] = v;
    for (int64_t k = g->start[w]; k < g->start[w + 1]; k++) {
        const int64_t x = g->index[k];
        if (x == v || x == w || color[x] < 0 || p->mark[color[x]] == v) continue;
        if (color[w] < 0 || closes(g, color, w, x)) p->mark[color[x]] = v;
    }
}

/* A vertex that meets very many gets a color that no other has: then no path through it has two colors, and its
 * neighbors need not be looked through for each other. */
int64_t ag__color_stars(const ag__rows *g, int32_t *color)
{
    palette p;
    const int64_t n = (int64_t)g->n, many = 32 + 4 * (int64_t)sqrt((double)n);
    int32_t hubs = 0;
    if (!palette_begin(&p, g->n)) return -1;
    for (int64_t v = 0; v < n; v++) color[v] = g->start[v + 1] - g->start[v] > many ? hubs++ : -1;
    for (int32_t c = 0; c < hubs; c++) p.mark[c] = n; /* taken for good */
    p.colors = hubs;
    for (int64_t v = 0; v < n; v++) {
        if (color[v] >= 0) continue;
        for (int64_t k = g->start[v]; k < g->start[v + 1]; k++) {
            const int64_t w = g->index[k];
            if (w != v && (color[w] < 0 || color[w] >= hubs)) forbid(g, color, &p, v, w);
        }
        int32_t c = hubs;
        while (p.mark[c] == v) c++;
        if (c >= p.colors) p.colors = c + 1;
        color[v] = c;
    }
    return palette_end(&p);
}
