/* files.c - see files.h. */
#define _POSIX_C_SOURCE 200809L
#include "files.h"
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNREADABLE = 2 };

static _Noreturn void fail(const char *path, const char *why)
{
    fprintf(stderr, "adbench: %s: %s\n", path, why);
    exit(UNREADABLE);
}

void text_fail(const text *t, const char *what)
{
    fprintf(stderr, "adbench: %s: line %d: %s\n", t->path, t->line, what);
    exit(UNREADABLE);
}

text text_open(const char *path)
{
    FILE *f = fopen(path, "rb");
    size_t n = 0, room = 1 << 16;
    char *all = malloc(room);
    if (!f || !all) fail(path, strerror(errno));
    for (size_t got; (got = fread(all + n, 1, room - n - 1, f)) > 0;) {
        n += got;
        if (n + 1 < room) continue;
        char *more = realloc(all, room *= 2);
        if (!more) fail(path, "out of memory");
        all = more;
    }
    if (ferror(f)) fail(path, strerror(errno));
    fclose(f);
    all[n] = 0;
    if (strlen(all) != n) fail(path, "not a text");
    return (text){ path, all, all, 1 };
}

/* To what comes next; comments begin with #. */
static void skip(text *t)
{
    for (;; t->next++) {
        if (*t->next == '#') t->next += strcspn(t->next, "\n");
        if (*t->next == '\n') t->line++;
        if (!*t->next || !strchr(" \t\r\n:", *t->next)) return;
    }
}

double text_number(text *t)
{
    char *end;
    skip(t);
    if (!*t->next) text_fail(t, "it ends here, but a number should follow");
    const double x = strtod(t->next, &end);
    if (end == t->next || !strchr(" \t\r\n:", *end) || !isfinite(x)) text_fail(t, "not a number");
    t->next = end;
    return x;
}

int text_count(text *t, int least, int most)
{
    const double x = text_number(t);
    if (!(x >= least && x <= most) || x != floor(x)) text_fail(t, "unusable whole number");
    return (int)x;
}

void text_numbers(text *t, size_t n, double *x)
{
    for (size_t i = 0; i < n; i++) x[i] = text_number(t);
}

void text_word(text *t, char *word, size_t size)
{
    skip(t);
    const size_t n = strcspn(t->next, " \t\r\n:");
    if (n == 0 || n >= size) text_fail(t, "a name should stand here");
    memcpy(word, t->next, n);
    word[n] = 0;
    t->next += n;
}

bool text_more(text *t)
{
    skip(t);
    return *t->next;
}

void text_end(text *t)
{
    if (text_more(t)) text_fail(t, "more than there should be");
    free(t->all);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **files_of(const char *folder)
{
    size_t n = 0, room = 16;
    char **path = calloc(room, sizeof *path);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && path && (e = readdir(d));) {
        const size_t length = strlen(e->d_name), size = strlen(folder) + length + 2;
        if (length < 5 || strcmp(e->d_name + length - 4, ".txt")) continue;
        char **more = n + 2 > room ? realloc(path, (room *= 2) * sizeof *path) : path;
        if (!more || !(more[n] = malloc(size))) fail(folder, "out of memory");
        path = more;
        snprintf(path[n++], size, "%s/%s", folder, e->d_name);
    }
    if (!path) fail(folder, "out of memory");
    if (d) closedir(d);
    path[n] = NULL;
    qsort(path, n, sizeof *path, by_name);
    return path;
}

void files_free(char **path)
{
    for (size_t i = 0; path[i]; i++) free(path[i]);
    free(path);
}

void stem_of(const char *path, size_t size, char *stem)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t n = strlen(name) - strlen(".txt");
    if (n >= size) fail(path, "its name is too long");
    memcpy(stem, name, n);
    stem[n] = 0;
}
