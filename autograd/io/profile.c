/* profile.c - what a watched tape has measured: a table, and events for chrome://tracing. */
#include <autograd/inspect.h>
#include <autograd/io/quote.h>
#include <autograd/ops/apply.h>
#include <autograd/tape/watch.h>
#include <stdlib.h>
#include <string.h>

typedef struct row {
    const char *name;
    int length; /* of the name: without the place */
    bool backward;
    uint64_t count, bytes, flops;
    double seconds;
} row;

static const ag__watch *profile_of(const char *who, FILE *to)
{
    ag_tape *t = ag__tape(who);
    if (!t || ag_error()) return NULL;
    if (!to) return ag_fail(AG_ENULL, "%s: the file is NULL", who), NULL;
    if (!t->watch || !t->watch->profile)
        return ag_fail(AG_EINVAL, "%s: the tape was not made with .profile = true", who), NULL;
    return t->walking || ag__watch_all(t) ? t->watch : NULL;
}

/* Without the place, of "ag_log (model.c:12)". */
static int length_of(const char *name)
{
    const char *place = strstr(name, " (");
    return (int)(place ? (size_t)(place - name) : strlen(name));
}

static ag_status written(FILE *to, const char *who)
{
    return fflush(to) || ferror(to) ? ag_fail(AG_EIO, "%s: cannot write", who) : AG_OK;
}

static int by_name(const void *a, const void *b)
{
    const row *x = a, *y = b;
    int order = strncmp(x->name, y->name, (size_t)(x->length < y->length ? x->length : y->length));
    return order ? order : x->length != y->length ? x->length - y->length : x->backward - y->backward;
}
static int by_time(const void *a, const void *b)
{
    const row *x = a, *y = b;
    return (x->seconds < y->seconds) - (x->seconds > y->seconds);
}

/* Events of one operation and direction into one row; how many there are. */
static size_t gather(const ag__watch *w, row *r)
{
    size_t n = 0;
    for (uint64_t k = 0; k < w->n_event; k++) {
        const ag__event *e = &w->event[k];
        r[k] = (row){ e->name, length_of(e->name), e->backward, 1, e->bytes, e->flops, e->end - e->start };
    }
    qsort(r, w->n_event, sizeof *r, by_name);
    for (uint64_t k = 0; k < w->n_event; k++) {
        if (!n || by_name(&r[n - 1], &r[k])) {
            r[n++] = r[k];
            continue;
        }
        r[n - 1].count++, r[n - 1].bytes += r[k].bytes, r[n - 1].flops += r[k].flops;
        r[n - 1].seconds += r[k].seconds;
    }
    qsort(r, n, sizeof *r, by_time);
    return n;
}

ag_status ag_profile_print(FILE *to)
{
    const ag__watch *w = profile_of("ag_profile_print", to);
    size_t bytes;
    if (!w) return ag_error();
    if (!ag__size_mul(w->n_event + 1, sizeof(row), &bytes)) return ag_fail(AG_ENOMEM, "ag_profile_print: too long");
    row *r = ag__alloc(NULL, bytes, "ag_profile_print");
    if (!r) return ag_error();
    size_t n = gather(w, r);
    double all = 0;
    for (size_t k = 0; k < n; k++) all += r[k].seconds;
    fprintf(to, "%-28s %9s %11s %6s %12s %8s %14s %9s\n", "operation", "count", "ms", "%", "bytes", "GB/s", "flops",
            "GFLOP/s");
    for (size_t k = 0; k < n; k++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s%s", r[k].length, r[k].name, r[k].backward ? " backward" : "");
        double seconds = r[k].seconds > 0 ? r[k].seconds : 1e-9;
        fprintf(to, "%-28s %9llu %11.3f %6.1f %12llu %8.2f %14llu %9.2f\n", name, (unsigned long long)r[k].count,
                1e3 * r[k].seconds, all > 0 ? 100 * r[k].seconds / all : 0, (unsigned long long)r[k].bytes,
                1e-9 * (double)r[k].bytes / seconds, (unsigned long long)r[k].flops,
                1e-9 * (double)r[k].flops / seconds);
    }
    fprintf(to, "%-28s %9llu %11.3f\n", "total", (unsigned long long)w->n_event, 1e3 * all);
    ag__release(NULL, r, bytes);
    return written(to, "ag_profile_print");
}

/* With a point, whatever the locale. */
static void microseconds(FILE *to, double seconds)
{
    const unsigned long long ns = (unsigned long long)(1e9 * seconds + 0.5);
    fprintf(to, "%llu.%03llu", ns / 1000, ns % 1000);
}

ag_status ag_profile_trace(FILE *to)
{
    const ag__watch *w = profile_of("ag_profile_trace", to);
    if (!w) return ag_error();
    double origin = w->n_event ? w->event[0].start : 0;
    fputs("{\"traceEvents\": [", to);
    for (uint64_t k = 0; k < w->n_event; k++) {
        const ag__event *e = &w->event[k];
        fprintf(to, "%s\n  {\"name\": \"", k ? "," : "");
        ag__quote_json(to, e->name, (size_t)length_of(e->name));
        fprintf(to, "%s\", \"cat\": \"%s\", \"ph\": \"X\", \"pid\": 1, \"tid\": 1, \"ts\": ",
                e->backward ? " backward" : "", e->backward ? "backward" : "forward");
        microseconds(to, e->start - origin);
        fputs(", \"dur\": ", to);
        microseconds(to, e->end - e->start);
        fprintf(to, ", \"args\": {\"node\": %u, \"bytes\": %llu, \"flops\": %llu}}", (unsigned)e->node,
                (unsigned long long)e->bytes, (unsigned long long)e->flops);
    }
    fputs("\n]}\n", to);
    return written(to, "ag_profile_trace");
}
