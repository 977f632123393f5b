/* graph.c - the tape for other programs: Graphviz's DOT, and JSON.
 *
 * Vertices are statements of scalars, by their first id, and behind them the nodes. What a call, or ag_unpack, hands to
 * the scalars are inputs on the tape and part of it here. */
#include <autograd/inspect.h>
#include <autograd/io/quote.h>
#include <autograd/ops/apply.h>
#include <autograd/ops/bridge.h>
#include <autograd/tape/streams.h>
#include <autograd/tape/watch.h>
#include <math.h>
#include <string.h>

typedef struct graph {
    ag_tape *t;
    FILE *to;
    ag_params params;
    const ag_tensor *y;
    size_t n_id;       /* ids are below */
    uint8_t *shown;    /* by vertex */
    size_t *vertex;    /* by id: where it comes from */
    const char *scope; /* of the clusters that are open */
} graph;

static size_t vertex_of(const graph *g, const ag_tensor *x)
{
    return g->n_id + x->seq;
}

/* ---- what depends on what ---- */

/* A further output belongs to its operation's first. */
static int n_inputs(const ag_tensor *x)
{
    return x->op && x->nth ? 1 : x->op ? x->n_in : 0;
}
static const ag_tensor *input(const ag_tensor *x, int i)
{
    return x->nth ? x->few[0] : x->in[i];
}

static uint32_t n_packed(const ag_tensor *x)
{
    return x->op == &ag__op_pack ? (uint32_t)x->layout->numel : 0;
}
static const uint32_t *packed(const ag_tensor *x)
{
    return ((const struct ag__pack *)x->attr)->id;
}

/* How many of r->ix are ids: all of a list; of a block's operands the first ids, before its sizes. */
static uint32_t n_operands(const ag__record *r)
{
    switch (r->code) {
    case AG__S_FUNCTION: return r->ix[1] ? 2 : 1;
    case AG__S_BLOCK: return 0;
    case AG__S_BLOCK_TRIMV:
    case AG__S_BLOCK_FMA: return 3;
    case AG__S_BLOCK_MATVEC:
    case AG__S_BLOCK_ADD:
    case AG__S_BLOCK_SUB:
    case AG__S_BLOCK_MUL:
    case AG__S_BLOCK_DOT: return 2;
    default: return r->code < AG__S_BLOCK || ag__form_of[r->code].list ? ag__record_operands(r) : 1;
    }
}

static ag__record next_record(const ag_tape *t, ag__position *at)
{
    ag__record r;
    const ag__chunk *c = ag__chunk_after(t, at);
    ag__record_after(&r, c, at->id, at->ix, at->pd);
    ag__step_on(at, r.step);
    return r;
}
static ag__record previous_record(const ag_tape *t, ag__position *at)
{
    ag__record r;
    const ag__chunk *c = ag__chunk_before(t, at);
    ag__record_before(&r, c, at->id, at->ix, at->pd);
    ag__step_back(at, r.step);
    return r;
}

/* ids from .. from+n-1 come from there */
static void come_from(const graph *g, size_t from, size_t n, size_t vertex)
{
    for (size_t id = from; id < from + n && id < g->n_id; id++) g->vertex[id] = vertex;
}

static void find_vertices(const graph *g)
{
    const ag_tape *t = g->t;
    for (ag__position at = ag__streams_begin(t); at.id < g->n_id;) {
        const ag__record r = next_record(t, &at);
        for (uint32_t k = 0; k < r.step.ids; k++)
            if (!g->vertex[r.id + k]) g->vertex[r.id + k] = r.id;
        if (r.code == AG__S_CALL) come_from(g, r.id + 1, (size_t)r.pd[1], r.id);
    }
    for (uint32_t k = 0; k < t->n_node; k++) {
        const ag_tensor *x = t->node[k];
        if (x->op == &ag__op_unpack)
            come_from(g, t->mark[x->mark].id, (size_t)x->in[0]->layout->numel, vertex_of(g, x));
    }
}

static bool is_vertex(const graph *g, const ag__record *r)
{
    return r->code != AG__S_HOLD && g->vertex[r->id] == r->id;
}

static void show_ids(const graph *g, uint32_t n, const uint32_t *id)
{
    for (uint32_t i = 0; i < n; i++)
        if (id[i]) g->shown[g->vertex[id[i]]] = 1;
}

static void choose_statements(const graph *g, ag__position *at, uint32_t stop)
{
    while (at->id > stop) {
        const ag__record r = previous_record(g->t, at);
        if (!g->y && is_vertex(g, &r)) g->shown[r.id] = 1;
        if (g->shown[r.id]) show_ids(g, n_operands(&r), r.ix);
    }
}

/* From the last to the first, so that what is needed is known when its turn comes. */
static void choose(const graph *g)
{
    const ag_tape *t = g->t;
    ag__position at = ag__streams_tell(t);
    if (g->y) g->shown[vertex_of(g, g->y)] = 1;
    for (uint32_t k = t->n_node; k-- > 0;) {
        const ag_tensor *x = t->node[k];
        if (x->op && !x->nth) choose_statements(g, &at, t->mark[x->mark].id);
        if (!g->y && x->op) g->shown[vertex_of(g, x)] = 1;
        if (!g->shown[vertex_of(g, x)]) continue;
        show_ids(g, n_packed(x), n_packed(x) ? packed(x) : NULL);
        for (int i = 0; i < n_inputs(x); i++)
            if (input(x, i)) g->shown[vertex_of(g, input(x, i))] = 1;
    }
    choose_statements(g, &at, 1);
}

/* ---- what they are called ---- */

static const char *name_of(const graph *g, const ag_tensor *x)
{
    for (int64_t i = 0; (x->flags & AG__PROXY) && i < g->params.n; i++)
        if (g->params.at[i].tensor == x->few[0]) return g->params.at[i].name;
    return NULL;
}

static const char *title_of(const ag_tensor *x)
{
    return x->op ? ag__title(x->op) : x->flags & AG__PROXY ? "leaf" : x->flags & AG__GRAD ? "variable" : "constant";
}

/* A parameter stands where it is used first; other leaves, data, outside. */
static const char *scope_of(const graph *g, const ag_tensor *x)
{
    return (x->flags & AG__PROXY) && !(x->flags & AG__GRAD) ? NULL : ag__watch_scope(g->t, x->seq);
}

/* ag_unpack makes scalars of its operand. */
static const ag__layout *layout_of(const ag_tensor *x)
{
    return x->op == &ag__op_unpack ? x->in[0]->layout : x->layout;
}

enum { NUMBER = 32 };
/* With a point, whatever the locale. */
static const char *number(char room[NUMBER], int digits, double x)
{
    snprintf(room, NUMBER, "%.*g", digits, x);
    char *comma = strchr(room, ',');
    if (comma) *comma = '.';
    return room;
}

/* ---- DOT ---- */

static void quote(const graph *g, const char *s)
{
    ag__quote_dot(g->to, s, strlen(s));
}

/* The line of a label with "model.c:12" of "ag_log (/home/me/model.c:12)". */
static void dot_place(const graph *g, const char *place)
{
    const char *from = place ? strchr(place, '(') : NULL, *end = place ? strrchr(place, ')') : NULL;
    if (!from || !end) return;
    for (const char *s = from; s < end; s++)
        if (*s == '/' || *s == '(') from = s + 1;
    fputs("\\n", g->to);
    ag__quote_dot(g->to, from, (size_t)(end - from));
}

/* How far a and b agree in whole parts: "net.0" and "net.1.f" in "net". */
static size_t common(const char *a, const char *b)
{
    size_t i = 0, n = 0;
    for (; a[i] && a[i] == b[i]; i++)
        if (a[i] == '.') n = i;
    return (!a[i] || a[i] == '.') && (!b[i] || b[i] == '.') ? i : n;
}

/* Closes clusters and opens others, each in that of its outer module. Graphviz takes those of one name for one. */
static void dot_scope(graph *g, const char *scope)
{
    const char *was = g->scope ? g->scope : "", *now = scope ? scope : "";
    const size_t same = common(was, now);
    for (const char *s = was + same; *s; s++)
        if (*s == '.' || s == was) fputs("  }\n", g->to);
    for (size_t n = same; now[n];) {
        n += now[n] == '.';
        n += strcspn(now + n, ".");
        fputs("  subgraph \"cluster_", g->to);
        ag__quote_dot(g->to, now, n);
        fputs("\" {\n  label=\"", g->to);
        ag__quote_dot(g->to, now, n);
        fputs("\";\n", g->to);
    }
    g->scope = scope;
}

static void dot_node(graph *g, const ag_tensor *x)
{
    char shape[AG__TEXT_SIZE];
    const char *name = name_of(g, x);
    dot_scope(g, scope_of(g, x));
    fprintf(g->to, "  n%u [label=\"", (unsigned)x->seq);
    if (name) quote(g, name), fputs("\\n", g->to);
    quote(g, title_of(x));
    fprintf(g->to, " #%u\\n%s %s", (unsigned)x->seq, ag_dtype_name(x->layout->dtype),
            ag__layout_write(shape, layout_of(x)));
    if (x->op) dot_place(g, ag__watch_place(g->t, x->seq));
    fprintf(g->to, "\"%s];\n",
            x == g->y             ? ", penwidth=2"
            : x->op               ? ""
            : x->flags & AG__GRAD ? ", fillcolor=lightblue"
                                  : ", fillcolor=lightgrey");
}

static void dot_statement(const graph *g, const ag__record *r)
{
    char value[NUMBER];
    fprintf(g->to, "  s%u [shape=ellipse, label=\"", (unsigned)r->id);
    quote(g, ag__record_name(r));
    if (r->step.ids > 1)
        fprintf(g->to, " [%u]", (unsigned)r->step.ids);
    else if (r->y && r->code != AG__S_CALL)
        fprintf(g->to, "\\n%s", number(value, 6, *r->y));
    dot_place(g, ag__watch_statement_place(g->t, r->id));
    fprintf(g->to, "\"%s];\n", r->code == AG__S_INPUT || r->code == AG__S_BLOCK ? ", fillcolor=lightblue" : "");
}

static void dot_end(const graph *g, size_t vertex)
{
    if (vertex < g->n_id)
        fprintf(g->to, "s%zu", vertex);
    else
        fprintf(g->to, "n%zu", vertex - g->n_id);
}
static void dot_edge(const graph *g, size_t from, size_t to)
{
    fputs("  ", g->to);
    dot_end(g, from);
    fputs(" -> ", g->to);
    dot_end(g, to);
    fputs(";\n", g->to);
}

/* Those from one block's elements, one after the other, are one. */
static void dot_edges(const graph *g, uint32_t n, const uint32_t *id, size_t to)
{
    size_t last = 0;
    for (uint32_t i = 0; i < n; i++) {
        const size_t from = id[i] ? g->vertex[id[i]] : 0;
        if (from && (from != last || from == id[i])) dot_edge(g, from, to);
        last = from;
    }
}

static void dot(graph *g)
{
    const ag_tape *t = g->t;
    fputs("digraph tape {\n  fontname=\"sans-serif\"; style=\"rounded,filled\"; fillcolor=\"#0000000c\"; color=grey;\n"
          "  node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\"];\n",
          g->to);
    for (uint32_t k = 0; k < t->n_node; k++) {
        const ag_tensor *x = t->node[k];
        if (g->shown[vertex_of(g, x)]) dot_node(g, x);
    }
    dot_scope(g, NULL);
    for (uint32_t k = 0; k < t->n_node; k++) {
        const ag_tensor *x = t->node[k];
        if (!g->shown[vertex_of(g, x)]) continue;
        for (int i = 0; i < n_inputs(x); i++)
            if (input(x, i)) dot_edge(g, vertex_of(g, input(x, i)), vertex_of(g, x));
        if (n_packed(x)) dot_edges(g, n_packed(x), packed(x), vertex_of(g, x));
    }
    for (ag__position at = ag__streams_begin(t); at.id < g->n_id;) {
        const ag__record r = next_record(t, &at);
        if (!g->shown[r.id] || !is_vertex(g, &r)) continue;
        dot_statement(g, &r);
        dot_edges(g, n_operands(&r), r.ix, r.id);
    }
    fputs("}\n", g->to);
}

/* ---- JSON ---- */

static void json_text(const graph *g, const char *s)
{
    if (!s) {
        fputs("null", g->to);
        return;
    }
    fputc('"', g->to);
    ag__quote_json(g->to, s, strlen(s));
    fputc('"', g->to);
}

static void json_ids(const graph *g, uint32_t n, const uint32_t *id)
{
    for (uint32_t i = 0; i < n; i++) {
        const size_t from = id[i] ? g->vertex[id[i]] : 0;
        fputs(i ? ", " : "", g->to);
        if (!from)
            fputs("null", g->to);
        else if (from < g->n_id)
            fprintf(g->to, "\"s%zu\"", from);
        else
            fprintf(g->to, "%zu", from - g->n_id);
    }
}

static void json_node(const graph *g, const ag_tensor *x)
{
    FILE *to = g->to;
    fprintf(to, "{\"id\": %u, \"op\": ", (unsigned)x->seq);
    json_text(g, x->op ? title_of(x) : NULL);
    fputs(", \"name\": ", to);
    json_text(g, name_of(g, x));
    fprintf(to, ", \"dtype\": \"%s\", \"shape\": [", ag_dtype_name(x->layout->dtype));
    const ag__layout *l = layout_of(x);
    for (int d = 0; d < l->rank; d++) fprintf(to, "%s%lld", d ? ", " : "", (long long)l->dims[d]);
    fputs("], \"inputs\": [", to);
    for (int i = 0; i < n_inputs(x); i++) {
        fputs(i ? ", " : "", to);
        if (input(x, i))
            fprintf(to, "%u", (unsigned)input(x, i)->seq);
        else
            fputs("null", to);
    }
    if (n_packed(x)) json_ids(g, n_packed(x), packed(x));
    fprintf(to, "], \"requires_grad\": %s, \"at\": ", x->flags & AG__GRAD ? "true" : "false");
    json_text(g, ag__watch_place(g->t, x->seq));
    fputs(", \"scope\": ", to);
    json_text(g, scope_of(g, x));
    fputs("}", to);
}

static void json_statement(const graph *g, const ag__record *r)
{
    char value[NUMBER];
    fprintf(g->to, "{\"id\": \"s%u\", \"op\": ", (unsigned)r->id);
    json_text(g, ag__record_name(r));
    fprintf(g->to, ", \"n\": %u, \"value\": ", (unsigned)r->step.ids);
    if (r->step.ids > 1 || !r->y || r->code == AG__S_CALL)
        fputs("null", g->to);
    else
        fprintf(g->to, isfinite(*r->y) ? "%s" : "\"%s\"", number(value, 17, *r->y));
    fputs(", \"inputs\": [", g->to);
    json_ids(g, n_operands(r), r->ix);
    fputs("], \"at\": ", g->to);
    json_text(g, ag__watch_statement_place(g->t, r->id));
    fputs("}", g->to);
}

static void json(graph *g)
{
    const ag_tape *t = g->t;
    const char *between = "";
    if (g->y)
        fprintf(g->to, "{\"result\": %u", (unsigned)g->y->seq);
    else
        fputs("{\"result\": null", g->to);
    fputs(", \"nodes\": [", g->to);
    for (uint32_t k = 0; k < t->n_node; k++) {
        if (!g->shown[vertex_of(g, t->node[k])]) continue;
        fprintf(g->to, "%s\n  ", between);
        json_node(g, t->node[k]);
        between = ",";
    }
    fputs("\n], \"scalars\": [", g->to);
    between = "";
    for (ag__position at = ag__streams_begin(t); at.id < g->n_id;) {
        const ag__record r = next_record(t, &at);
        if (!g->shown[r.id] || !is_vertex(g, &r)) continue;
        fprintf(g->to, "%s\n  ", between);
        json_statement(g, &r);
        between = ",";
    }
    fputs("\n]}\n", g->to);
}

/* ---- both ---- */

static ag_status draw(const char *who, ag_tensor *y, FILE *to, const ag_graph_options *o, void (*write)(graph *))
{
    graph g = { .t = ag__tape(who), .to = to };
    if (!g.t || ag_error()) return ag_error();
    if (!to) return ag_fail(AG_ENULL, "%s: the file is NULL", who);
    if (o) g.params = o->params;
    if (!ag__have_list(g.params.n, g.params.at, who)) return ag_error();
    if (y && !(g.y = ag__operand(g.t, y, who, 1))) return ag_error();
    g.n_id = ag__streams_count(g.t);
    const size_t vertices = g.n_id + g.t->n_node, bytes = g.n_id * sizeof *g.vertex;
    g.shown = ag__alloc(NULL, vertices, who);
    g.vertex = g.shown ? ag__alloc(NULL, bytes, who) : NULL;
    if (g.vertex) {
        memset(g.shown, 0, vertices), memset(g.vertex, 0, bytes);
        find_vertices(&g);
        choose(&g);
        write(&g);
    }
    ag__release(NULL, g.vertex, bytes);
    ag__release(NULL, g.shown, vertices);
    if (!g.vertex) return ag_error();
    return fflush(to) || ferror(to) ? ag_fail(AG_EIO, "%s: cannot write", who) : AG_OK;
}

ag_status(ag_write_dot)(ag_tensor *y, FILE *to, const ag_graph_options *options)
{
    return draw("ag_write_dot", y, to, options, dot);
}
ag_status(ag_write_json)(ag_tensor *y, FILE *to, const ag_graph_options *options)
{
    return draw("ag_write_json", y, to, options, json);
}
