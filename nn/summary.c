/* summary.c - the table of ag_module_print.
 *
 *      module       output  parameters  multiply-adds  bytes
 *      Sequential   [5,1]
 *        0: Linear  [5,32]         288           1280   1152 */
#include <nn/private/module.h>
#include <string.h>

typedef struct row {
    const ag_module *m;
    const char *name; /* in its parent, "" at the top */
    int depth;
    double parameters, frozen, madds, bytes; /* of its own tensors, those first listed elsewhere left out */
} row;

static row row_of(const ag__tree *t, const ag__place *p)
{
    const char *dot = strrchr(p->path, '.');
    row r = { .m = p->thing, .name = dot ? dot + 1 : p->path };
    for (const char *c = p->path; *c; c++) r.depth += c == p->path || *c == '.';
    r.madds = r.m->madds;
    for (const ag__place *x = t->tensors; x; x = x->hh.next) {
        double n = (double)ag_numel(x->thing);
        if (x->home != r.m) continue;
        r.bytes += n * (double)ag_dtype_size(ag_dtype_of(x->thing));
        if (x->entry->kind != AG__PARAMETER) continue;
        r.parameters += n;
        if (!ag_requires_grad(x->thing)) r.frozen += n;
    }
    return r;
}

/* Characters of the first column, "    0: Linear". */
static int title_width(const row *r)
{
    return snprintf(NULL, 0, "%*s%s%s%s", 2 * r->depth, "", r->name, *r->name ? ": " : "", r->m->kind);
}

/* "[64,10]"; nothing before the first ag_forward. */
enum { SHAPE_TEXT = 24 * AG_MAX_RANK };
static int output_text(const ag_module *m, char text[SHAPE_TEXT])
{
    int n = 0;
    text[0] = 0;
    if (!m->seen) return 0;
    for (int i = 0; i < m->output.rank; i++)
        n += snprintf(text + n, (size_t)(SHAPE_TEXT - n), "%c%lld", i ? ',' : '[', (long long)m->output.dims[i]);
    return n + snprintf(text + n, (size_t)(SHAPE_TEXT - n), n ? "]" : "[]");
}

static void numbers(FILE *to, const row *r)
{
    const double value[] = { r->parameters, r->madds, r->bytes };
    const int width[] = { 12, 15, 13 };
    for (int i = 0; i < 3; i++)
        if (value[i] != 0)
            fprintf(to, "%*.0f", width[i], value[i]);
        else
            fprintf(to, "%*s", width[i], "-");
    fputc('\n', to);
}

void ag_module_print(const ag_module *m, FILE *to)
{
    const ag__tree *t = ag__module_given(m, "ag_module_print") ? ag__tree_of(m) : NULL;
    if (!t) return;
    if (!to) {
        ag_fail(AG_ENULL, "ag_module_print: no file is given");
        return;
    }
    row total = { .parameters = 0 };
    char shape[SHAPE_TEXT];
    int titles = 6, shapes = 6; /* widths of the headings */
    for (const ag__place *p = t->modules; p; p = p->hh.next) {
        row r = row_of(t, p);
        int a = title_width(&r), b = output_text(r.m, shape);
        titles = a > titles ? a : titles;
        shapes = b > shapes ? b : shapes;
        total.parameters += r.parameters, total.frozen += r.frozen, total.madds += r.madds, total.bytes += r.bytes;
    }
    fprintf(to, "%-*s  %-*s%12s%15s%13s\n", titles, "module", shapes, "output", "parameters", "multiply-adds", "bytes");
    for (const ag__place *p = t->modules; p; p = p->hh.next) {
        row r = row_of(t, p);
        output_text(r.m, shape);
        fprintf(to, "%*s%s%s%s%*s  %-*s", 2 * r.depth, "", r.name, *r.name ? ": " : "", r.m->kind,
                titles - title_width(&r), "", shapes, shape);
        numbers(to, &r);
    }
    fprintf(to, "%-*s  %-*s", titles, "total", shapes, "");
    numbers(to, &total);
    if (total.frozen > 0) fprintf(to, "%-*s  %-*s%12.0f\n", titles, "frozen", shapes, "", total.frozen);
}
