/* graph.c - the tape for other programs: Graphviz's DOT, and JSON. */
#include <autograd/inspect.h>
#include <autograd/ops/apply.h>
#include <autograd/ops/bridge.h>
#include <autograd/tape/watch.h>
#include <string.h>

typedef struct graph {
    ag_tape *t;
    FILE *to;
    ag_params params;
    uint8_t *shown; /* by node */
    const ag_tensor *y;
} graph;

/* In quotes, for both languages. */
static void quote(FILE *to, const char *s)
{
    fputc('"', to);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fputc('\\', to);
        if ((unsigned char)*s >= ' ') fputc(*s, to);
    }
    fputc('"', to);
}
static void quote_or_null(FILE *to, const char *s)
{
    if (s)
        quote(to, s);
    else
        fputs("null", to);
}

static const char *name_of(const graph *g, const ag_tensor *x)
{
    for (int64_t i = 0; (x->flags & AG__PROXY) && i < g->params.n; i++)
        if (g->params.at[i].tensor == x->few[0]) return g->params.at[i].name;
    return NULL;
}

static const char *title_of(const ag_tensor *x)
{
    if (x->op && ag__is_bridge(x)) return x->op == &ag__op_pack ? "ag_pack" : "ag_unpack";
    return x->op ? ag__title(x->op) : x->flags & AG__PROXY ? "leaf" : x->flags & AG__GRAD ? "variable" : "constant";
}

/* A further output belongs to its operation's first. */
static int n_inputs(const ag_tensor *x)
{
    return x->op && x->nth ? 1 : x->op ? x->n_in : 0;
}
static const ag_tensor *input(const ag_tensor *x, int i)
{
    return x->nth ? x->few[0] : x->in[i];
}

/* From the last to the first, so that what is needed is known when its turn comes; through scalars everything before
 * may be. */
static void choose(const graph *g)
{
    ag_tape *t = g->t;
    bool scalars = false;
    if (g->y) g->shown[g->y->seq] = true;
    for (uint32_t k = t->n_node; k-- > 0;) {
        const ag_tensor *x = t->node[k];
        if (!g->y && x->op) g->shown[k] = true;
        if (scalars && x->op == &ag__op_unpack) g->shown[k] = true;
        if (!g->shown[k]) continue;
        scalars |= x->op == &ag__op_pack;
        for (int i = 0; i < n_inputs(x); i++)
            if (input(x, i)) g->shown[input(x, i)->seq] = true;
    }
}

static const char *shape_of(char room[AG__TEXT_SIZE], const ag_tensor *x)
{
    return ag__layout_write(room, x->layout);
}

/* ---- DOT ---- */

static void dot_node(const graph *g, const ag_tensor *x)
{
    char shape[AG__TEXT_SIZE], label[512];
    const char *name = name_of(g, x), *at = ag__watch_place(g->t, x->seq), *line = at ? strchr(at, '(') : NULL;
    snprintf(label, sizeof label, "%s%s%s #%u %s %s%s%s", name ? name : "", name ? ": " : "", title_of(x),
             (unsigned)x->seq, ag_dtype_name(x->layout->dtype), shape_of(shape, x), x->op && line ? " " : "",
             x->op && line ? line : "");
    fprintf(g->to, "  n%u [label=", (unsigned)x->seq);
    quote(g->to, label);
    fprintf(g->to, "%s];\n", !x->op ? ", style=filled, fillcolor=lightgrey" : x == g->y ? ", penwidth=2" : "");
}

static bool in_scope(const graph *g, uint32_t k, const char *scope)
{
    const char *own = g->t->node[k]->op ? ag__watch_scope(g->t, k) : NULL;
    return scope ? own && strcmp(own, scope) == 0 : !own;
}

static void dot_nodes(const graph *g, uint32_t from, const char *scope)
{
    for (uint32_t k = from; k < g->t->n_node; k++)
        if (g->shown[k] == 1 && in_scope(g, k, scope)) dot_node(g, g->t->node[k]), g->shown[k] = 2;
}

static void dot(const graph *g)
{
    FILE *to = g->to;
    unsigned n = 0;
    fputs("digraph tape {\n  node [shape=box, fontname=\"monospace\"];\n", to);
    dot_nodes(g, 0, NULL);
    for (uint32_t k = 0; k < g->t->n_node; k++) {
        if (g->shown[k] != 1) continue;
        const char *scope = ag__watch_scope(g->t, k);
        fprintf(to, "  subgraph cluster%u {\n  label=", n++);
        quote(to, scope);
        fputs(";\n", to);
        dot_nodes(g, k, scope);
        fputs("  }\n", to);
    }
    for (uint32_t k = 0; k < g->t->n_node; k++)
        for (int i = 0; g->shown[k] && i < n_inputs(g->t->node[k]); i++)
            if (input(g->t->node[k], i))
                fprintf(to, "  n%u -> n%u;\n", (unsigned)input(g->t->node[k], i)->seq, (unsigned)k);
    fputs("}\n", to);
}

/* ---- JSON ---- */

static void json_node(const graph *g, const ag_tensor *x, bool first)
{
    FILE *to = g->to;
    fprintf(to, "%s\n  {\"id\": %u, \"op\": ", first ? "" : ",", (unsigned)x->seq);
    quote_or_null(to, x->op ? title_of(x) : NULL);
    fputs(", \"name\": ", to);
    quote_or_null(to, name_of(g, x));
    fprintf(to, ", \"dtype\": \"%s\", \"shape\": [", ag_dtype_name(x->layout->dtype));
    for (int d = 0; d < x->layout->rank; d++) fprintf(to, "%s%lld", d ? ", " : "", (long long)x->layout->dims[d]);
    fputs("], \"inputs\": [", to);
    for (int i = 0; i < n_inputs(x); i++) {
        const ag_tensor *in = input(x, i);
        fputs(i ? ", " : "", to);
        if (in)
            fprintf(to, "%u", (unsigned)in->seq);
        else
            fputs("null", to);
    }
    fprintf(to, "], \"requires_grad\": %s, \"at\": ", x->flags & AG__GRAD ? "true" : "false");
    quote_or_null(to, ag__watch_place(g->t, x->seq));
    fputs(", \"scope\": ", to);
    quote_or_null(to, x->op ? ag__watch_scope(g->t, x->seq) : NULL);
    fputs("}", to);
}

static void json(const graph *g)
{
    bool first = true;
    if (g->y)
        fprintf(g->to, "{\"result\": %u", (unsigned)g->y->seq);
    else
        fputs("{\"result\": null", g->to);
    fprintf(g->to, ", \"scalars\": %u, \"nodes\": [", (unsigned)ag__streams_count(g->t) - 1);
    for (uint32_t k = 0; k < g->t->n_node; k++) {
        if (!g->shown[k]) continue;
        json_node(g, g->t->node[k], first);
        first = false;
    }
    fputs("\n]}\n", g->to);
}

/* ---- both ---- */

static ag_status draw(const char *who, ag_tensor *y, FILE *to, const ag_graph_options *o, void (*write)(const graph *))
{
    graph g = { .t = ag__tape(who), .to = to };
    if (!g.t || ag_error()) return ag_error();
    if (!to) return ag_fail(AG_ENULL, "%s: the file is NULL", who);
    if (o) g.params = o->params;
    if (!ag__have_list(g.params.n, g.params.at, who)) return ag_error();
    if (y && !(g.y = ag__operand(g.t, y, who, 1))) return ag_error();
    size_t bytes = (size_t)g.t->n_node + 1;
    if (!(g.shown = ag__alloc(NULL, bytes, who))) return ag_error();
    memset(g.shown, 0, bytes);
    choose(&g);
    write(&g);
    ag__release(NULL, g.shown, bytes);
    return ferror(to) ? ag_fail(AG_EIO, "%s: cannot write", who) : AG_OK;
}

ag_status(ag_write_dot)(ag_tensor *y, FILE *to, const ag_graph_options *options)
{
    return draw("ag_write_dot", y, to, options, dot);
}
ag_status(ag_write_json)(ag_tensor *y, FILE *to, const ag_graph_options *options)
{
    return draw("ag_write_json", y, to, options, json);
}
