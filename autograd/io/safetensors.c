/* safetensors.c - saving named lists, loading them again, and opening a file of unknown content. */
#include <autograd/io/safetensors.h>
#include <autograd/tensor/header.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---------------------------------------------------------------------------------------------------------
 */

/* Counts what the lists hold and checks that it is there. */
static bool count(const char *who, int n, const ag_params *lists, size_t *total)
{
    *total = 0;
    if (n < 0) return ag_fail(AG_EINVAL, "%s: %d lists", who, n), false;
    if (n && !lists) return ag_fail(AG_ENULL, "%s: the lists are NULL", who), false;
    for (int i = 0; i < n; i++) {
        if (lists[i].n > 0 && !lists[i].at) return ag_fail(AG_ENULL, "%s: list %d is NULL", who, i), false;
        for (int64_t j = 0; j < lists[i].n; j++) {
            const ag_named *p = &lists[i].at[j];
            if (!p->name || !p->tensor) {
                ag_fail(AG_ENULL, "%s: entry %lld of list %d is \"%s\" with %s", who, (long long)j, i,
                        p->name ? p->name : "(NULL)", p->tensor ? "a tensor" : "no tensor");
                return false;
            }
            if (!ag__readable(p->tensor, who, i + 1)) return false;
        }
        if (lists[i].n > 0) *total += (size_t)lists[i].n;
    }
    return true;
}

/* ---- saving --------------------------------------------------------------------------------------------------------
 */

/* Appends the tensors whose elements have `item` bytes. */
static size_t gather(ag_named *to, int n, const ag_params *lists, size_t item)
{
    size_t found = 0;
    for (int i = 0; i < n; i++)
        for (int64_t j = 0; j < lists[i].n; j++)
            if (lists[i].at[j].tensor->layout->item == item) to[found++] = lists[i].at[j];
    return found;
}

static ag_status save(const char *path, const ag_named *list, size_t n)
{
    ag__output out;
    if (!ag__output_open(&out, path, "ag_save")) return ag_error();
    bool ok = ag__header_write(&out, list, n);
    for (size_t i = 0; ok && i < n; i++) ok = ag__output_tensor(&out, list[i].tensor);
    return ag__output_close(&out);
}

ag_status(ag_save)(const char *path, int n, const ag_params *lists)
{
    size_t total;
    if (ag_error() || !count("ag_save", n, lists, &total)) return ag_error();
    ag_named *list = ag__alloc(NULL, total * sizeof *list, "ag_save");
    if (!list) return ag_error();
    size_t found = 0; /* wide elements first: each tensor is aligned, which some readers need */
    for (size_t item = 8; item; item /= 2) found += gather(list + found, n, lists, item);
    save(path, list, found);
    ag__release(NULL, list, total * sizeof *list);
    return ag_error();
}

/* ---- an open file --------------------------------------------------------------------------------------------------
 */

static bool open_file(ag_file *f, const char *path, const char *who)
{
    *f = (ag_file){ .n = 0 };
    return ag__input_open(&f->in, path, who) && ag__header_read(f);
}

static void close_file(ag_file *f)
{
    for (size_t i = 0; i < f->n; i++) ag_free(f->entry[i].tensor);
    ag__release(NULL, f->entry, f->room * sizeof *f->entry);
    ag__release(NULL, f->sorted, f->room * sizeof *f->sorted);
    ag__release(NULL, f->list, f->n * sizeof *f->list);
    ag__arena_free(&f->names);
    ag__input_close(&f->in);
}

static bool read_tensors(ag_file *f)
{
    for (size_t i = 0; i < f->n; i++) {
        ag__entry *e = &f->entry[i];
        e->tensor = ag__input_tensor(&f->in, f->data + e->begin, e->dtype, e->rank, e->dims, false);
        if (!e->tensor) return false;
    }
    return true;
}

static bool make_list(ag_file *f)
{
    f->list = ag__alloc(NULL, f->n * sizeof *f->list, f->in.who);
    for (size_t i = 0; f->list && i < f->n; i++) f->list[i] = (ag_named){ f->entry[i].name, f->entry[i].tensor };
    return f->list != NULL;
}

ag_file *ag_file_open(const char *path)
{
    ag_file *f = ag__alloc(NULL, sizeof *f, "ag_file_open");
    if (!f) return NULL;
    if (open_file(f, path, "ag_file_open") && read_tensors(f) && make_list(f)) {
        ag__input_close(&f->in);
        return f;
    }
    ag_file_free(f);
    return NULL;
}

ag_params ag_file_list(const ag_file *file)
{
    if (!file && !ag_error()) ag_fail(AG_ENULL, "ag_file_list: the file is NULL");
    return file ? (ag_params){ file->list, (int64_t)file->n } : (ag_params){ NULL, 0 };
}

void ag_file_free(ag_file *file)
{
    if (!file) return;
    close_file(file);
    ag__release(NULL, file, sizeof *file);
}

/* ---- loading -------------------------------------------------------------------------------------------------------
 */

static int name_against(const void *name, const void *entry)
{
    return strcmp(name, (*(ag__entry *const *)entry)->name);
}

static ag__entry *find(const ag_file *f, const char *name)
{
    ag__entry **e = bsearch(name, f->sorted, f->n, sizeof *f->sorted, name_against);
    return e ? *e : NULL;
}

/* Does an entry fit where it is to go? */
static bool fits(const ag_file *f, const ag_named *p, const ag__entry *e)
{
    const ag__layout *l = p->tensor->layout;
    const char *path = f->in.path;
    if (!e) {
        ag_fail(AG_EMISSING, "ag_load: %s: no \"%s\" in it", path, p->name);
    } else if (!(p->tensor->flags & AG__LEAF)) {
        ag_fail(AG_EINVAL, "ag_load: \"%s\" is a temporary, gone at the next reset; load into tensors of yours",
                p->name);
    } else if (e->dtype != l->dtype) {
        ag_fail(AG_EDTYPE, "ag_load: %s: \"%s\" is %s, to go into %s", path, p->name, ag_dtype_name(e->dtype),
                ag_dtype_name(l->dtype));
    } else if (e->rank != l->rank || memcmp(e->dims, l->dims, (size_t)e->rank * sizeof *e->dims) != 0) {
        ag_fail(AG_ESHAPE, "ag_load: %s: \"%s\" is %s, to go into %s", path, p->name, ag__dims_text(e->rank, e->dims),
                ag__text(l));
    } else {
        return true;
    }
    return false;
}

/* Are the names of the file and the lists the same ones, each once, and do the tensors fit? */
static bool match(const ag_file *f, int n, const ag_params *lists, bool *wanted)
{
    memset(wanted, 0, f->n);
    for (int i = 0; i < n; i++)
        for (int64_t j = 0; j < lists[i].n; j++) {
            const ag_named *p = &lists[i].at[j];
            const ag__entry *e = find(f, p->name);
            if (!fits(f, p, e)) return false;
            if (wanted[e - f->entry]) {
                ag_fail(AG_EINVAL, "ag_load: two tensors are named \"%s\"", p->name);
                return false;
            }
            wanted[e - f->entry] = true;
        }
    for (size_t i = 0; i < f->n; i++)
        if (!wanted[i]) {
            ag_fail(AG_EMISSING, "ag_load: %s: holds \"%s\", which is not asked for", f->in.path, f->entry[i].name);
            return false;
        }
    return true;
}

static bool check_lists(const ag_file *f, int n, const ag_params *lists)
{
    bool *wanted = ag__alloc(NULL, f->n, "ag_load");
    bool ok = wanted && match(f, n, lists, wanted);
    ag__release(NULL, wanted, f->n);
    return ok;
}

ag_status(ag_load)(const char *path, int n, const ag_params *lists)
{
    size_t total;
    ag_file f;
    if (ag_error() || !count("ag_load", n, lists, &total)) return ag_error();
    /* All is read before anything is written, so that a failure changes nothing. */
    if (open_file(&f, path, "ag_load") && check_lists(&f, n, lists) && read_tensors(&f))
        for (int i = 0; i < n; i++)
            for (int64_t j = 0; j < lists[i].n; j++)
                ag_assign(lists[i].at[j].tensor, find(&f, lists[i].at[j].name)->tensor);
    close_file(&f);
    return ag_error();
}
