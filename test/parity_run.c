/* parity_run.c - a file of cases, checked one by one and counted. */
#include "parity.h"
#include <math.h>
#include <string.h>

typedef struct tally {
    long cases, right, second, second_right;
    double worst;
    json_t *known; /* operators met so far: name -> is it in the table */
} tally;

static bool admitted(const char *op, const char *only)
{
    size_t n = strlen(op);
    if (!only || !*only) return true;
    for (const char *at = only; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (!strncmp(at, op, n) && (at[n] == ',' || !at[n])) return true;
    return false;
}

static void count(tally *t, args *a, FILE *out)
{
    bool first_met = !json_object_get(t->known, a->op), known = parity_op_find(a->op) != NULL;
    verdict v = { .has_second = json_object_get(a->line, "w") != NULL };
    if (first_met) json_object_set_new(t->known, a->op, json_boolean(known));
    if (!known && first_met) fprintf(out, "missing: %s\n", a->op);
    if (known) v = parity_case_check(a);
    t->cases++;
    t->right += v.first;
    t->second += v.has_second;
    t->second_right += v.second;
    t->worst = fmax(t->worst, v.worst);
    if (known && (!v.first || v.has_second != v.second))
        fprintf(out, "%s%s%s %d: %s\n", a->op, a->variant && *a->variant ? " " : "", a->variant ? a->variant : "",
                a->number, v.why);
}

/* One line of the file; false with a message in `why` if it is no case. */
static bool take_line(tally *t, const lines *from, const char *only, FILE *out, char *why, size_t room)
{
    json_error_t error;
    args a;
    char what[256];
    json_t *line = json_loadb(from->text, from->length, JSON_REJECT_DUPLICATES, &error);
    bool good = line && parity_case_read(&a, line, what, sizeof what);
    if (!line) snprintf(what, sizeof what, "malformed JSON: %s (column %d)", error.text, error.column);
    if (!good)
        snprintf(why, room, "line %ld: %s", from->number, what);
    else if (admitted(a.op, only))
        count(t, &a, out);
    json_decref(line);
    return good;
}

/* Names in `only` that no case has: a misspelt one should not look like success. */
static void print_unmet(const tally *t, const char *only, FILE *out)
{
    for (const char *at = only ? only : "", *comma; *at; at = comma + (*comma == ',')) {
        comma = at + strcspn(at, ",");
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)(comma - at), at);
        if (*name && !json_object_get(t->known, name)) fprintf(out, "no cases: %s\n", name);
    }
}

int parity_run(const char *file, const char *only, FILE *out, FILE *err)
{
    lines from;
    char why[512] = "no cases";
    tally t = { .known = json_object() };
    int got = lines_open(&from, file, why, sizeof why) ? 1 : -1;
    bool good = got > 0;
    while (good && (got = lines_next(&from, why, sizeof why)) > 0)
        good = take_line(&t, &from, only, out, why, sizeof why);
    good = good && got == 0 && from.number > 1;
    if (from.file) lines_close(&from);
    if (good) {
        print_unmet(&t, only, out);
        fprintf(out, "parity: %ld of %ld cases, %ld of %ld second-order, worst %.1e\n", t.right, t.cases,
                t.second_right, t.second, t.worst);
    } else {
        fprintf(err, "parity: %s: %s\n", file, why);
    }
    json_decref(t.known);
    return good && t.right == t.cases && t.second_right == t.second ? 0 : 1;
}
