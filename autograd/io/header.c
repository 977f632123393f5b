/* header.c - the JSON header of safetensors.
 *
 * It is read through a window, one entry at a time: a parsed tree of all of it would cost a hostile file nothing and us
 * gigabytes. jansson gets the entries, each of a bounded size, and refuses keys that stand there twice. */
#define _POSIX_C_SOURCE 200809L
#include <autograd/io/safetensors.h>
#include <autograd/tensor/header.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#ifdef AG_HAVE_JANSSON
#include <jansson.h>

enum {
    WINDOW = 4096,
    /* of one entry, white space included: ten times what it needs */ BUFFER = 4 * WINDOW,
    PREFIX = 8
};

static const struct {
    ag_dtype dtype;
    const char *name;
} dtypes[] = { { AG_F32, "F32" }, { AG_F64, "F64" }, { AG_I64, "I64" },
               { AG_I32, "I32" }, { AG_U8, "U8" },   { AG_BOOL, "BOOL" } };
enum { N_DTYPE = sizeof dtypes / sizeof *dtypes };

/* The bytes of the character at s, 0 if it is none: control characters are not, since names go into messages, and
 * messages to terminals. */
static size_t character_size(const char *s)
{
    const unsigned char *c = (const unsigned char *)s;
    size_t n = c[0] < 0x80 ? 1 : c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
    uint32_t code = n > 1 ? c[0] & (0x7fu >> n) : c[0];
    for (size_t i = 1; i < n; i++) {
        if ((c[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (c[i] & 0x3fu);
    }
    bool control = code < 0x20 || (code >= 0x7f && code < 0xa0);
    bool shorter = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000); /* may be written in */
    return control || shorter || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff ? 0 : n;
}

static bool is_name(const char *name)
{
    size_t n = 0, more = 1;
    while (n <= AG__MOST_NAME && name[n] && more) n += more = character_size(name + n);
    return more && n > 0 && n <= AG__MOST_NAME;
}

/* ---- reading: the text under the window ---- */

typedef struct text {
    ag_file *file;
    uint64_t next;  /* offset in the file of what is not yet in the buffer */
    size_t at, end; /* of the buffer: what is to be parsed */
    char buffer[BUFFER];
} text;

static bool bad(const text *t, const char *what)
{
    uint64_t byte = t->next - (t->end - t->at);
    ag_fail(AG_EFORMAT, "%s: %s: byte %" PRIu64 ": %s", t->file->in.who, t->file->in.path, byte, what);
    return false;
}

/* Gets at least WINDOW bytes, or all that are left, into the buffer. */
static bool look(text *t)
{
    uint64_t unread = t->file->data - t->next;
    if (t->end - t->at >= WINDOW || !unread) return true;
    memmove(t->buffer, t->buffer + t->at, t->end - t->at);
    t->end -= t->at;
    t->at = 0;
    size_t some = unread < BUFFER - t->end ? (size_t)unread : BUFFER - t->end;
    if (!ag__input_read(&t->file->in, t->next, t->buffer + t->end, some)) return false;
    t->end += some;
    t->next += some;
    return true;
}

/* The next character, not consumed; 0 at the end or when the file cannot be read. */
static char character(text *t)
{
    return look(t) && t->at < t->end ? t->buffer[t->at] : 0;
}

static char after_spaces(text *t)
{
    char c;
    while (c = character(t), c == ' ' || c == '\t' || c == '\n' || c == '\r') t->at++;
    return c;
}

static bool accept(text *t, char c)
{
    bool is = after_spaces(t) == c;
    t->at += is;
    return is;
}

static bool out_of_memory(const text *t)
{
    ag_fail(AG_ENOMEM, "%s: out of memory for JSON", t->file->in.who);
    return false;
}

static json_t *parse(const text *t, size_t n, json_error_t *error)
{
    const size_t flags = JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES;
    return json_loadb(t->buffer + t->at, n, flags, error);
}

/* jansson takes an allocation that fails for an invalid token. Is it that? Then a second try goes well, or we get no
 * memory either. */
static bool lacked_memory(const text *t, size_t n)
{
    json_t *again = parse(t, n, NULL);
    void *probe = ag__alloc(NULL, BUFFER, t->file->in.who);
    bool lacked = again || !probe;
    json_decref(again);
    ag__release(NULL, probe, BUFFER);
    return lacked;
}

/* The next string or object; NULL with the error remembered. */
static json_t *value(text *t)
{
    after_spaces(t);
    json_error_t error;
    size_t n = t->end - t->at < WINDOW ? t->end - t->at : WINDOW;
    json_t *json = parse(t, n, &error);
    if (json) {
        t->at += (size_t)error.position;
        return json;
    }
    bool cut = json_error_code(&error) == json_error_premature_end_of_input && n == WINDOW;
    for (char *c = error.text; *c; c++)
        if (*c < ' ' || *c > '~') *c = '?';
    if (lacked_memory(t, n))
        out_of_memory(t);
    else
        bad(t, cut ? "an entry of more than 4096 bytes" : error.text);
    return NULL;
}

/* ---- reading: one entry ---- */

static bool bad_entry(const text *t, const ag__entry *e, const char *what)
{
    ag_fail(AG_EFORMAT, "%s: %s: \"%s\" %s", t->file->in.who, t->file->in.path, e->name, what);
    return false;
}

static bool set_dtype(const text *t, ag__entry *e, const char *name)
{
    for (int i = 0; i < N_DTYPE; i++)
        if (!strcmp(name, dtypes[i].name)) {
            e->dtype = dtypes[i].dtype;
            return true;
        }
    if (!is_name(name)) return bad_entry(t, e, "has a dtype that is no name");
    ag_fail(AG_EDTYPE, "%s: %s: \"%s\" is of dtype %s, not F32 F64 I64 I32 U8 BOOL", t->file->in.who, t->file->in.path,
            e->name, name);
    return false;
}

static bool set_shape(const text *t, ag__entry *e, const json_t *shape)
{
    if (!json_is_array(shape)) return bad_entry(t, e, "has a shape that is no array");
    if (json_array_size(shape) > AG_MAX_RANK) return bad_entry(t, e, "has more than 8 axes");
    e->rank = (int)json_array_size(shape);
    for (int i = 0; i < e->rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return bad_entry(t, e, "has a size that is not a whole number from 0 on");
        e->dims[i] = json_integer_value(size);
    }
    return true;
}

/* Do the shape and the place in the file agree? */
static bool check_place(const text *t, const ag__entry *e)
{
    uint64_t needed, there = t->file->in.size - t->file->data;
    if (!ag__input_bytes(e->dtype, e->rank, e->dims, &needed))
        return bad_entry(t, e, "has a shape that is more than memory can hold");
    if (e->begin > there || e->end > there) return bad_entry(t, e, "has offsets outside the file");
    if (e->begin > e->end) return bad_entry(t, e, "has offsets in reverse");
    if (e->end - e->begin == needed) return true;
    ag_fail(AG_EFORMAT, "%s: %s: \"%s\": %s of %s takes %" PRIu64 " bytes, its offsets hold %" PRIu64, t->file->in.who,
            t->file->in.path, e->name, ag__dims_text(e->rank, e->dims), ag_dtype_name(e->dtype), needed,
            e->end - e->begin);
    return false;
}

static bool set_entry(const text *t, ag__entry *e, const json_t *object)
{
    const json_t *dtype = json_object_get(object, "dtype"), *shape = json_object_get(object, "shape");
    const json_t *place = json_object_get(object, "data_offsets");
    const json_t *begin = json_array_get(place, 0), *end = json_array_get(place, 1);
    if (json_object_size(object) != 3 || !json_is_string(dtype) || !shape || json_array_size(place) != 2 ||
        !json_is_integer(begin) || !json_is_integer(end))
        return bad_entry(t, e, "has not just a dtype, a shape and two whole data_offsets");
    e->begin = (uint64_t)json_integer_value(begin); /* a negative one is beyond every end */
    e->end = (uint64_t)json_integer_value(end);
    return set_dtype(t, e, json_string_value(dtype)) && set_shape(t, e, shape) && check_place(t, e);
}

static ag__entry *add_entry(ag_file *f, const char *name)
{
    if (f->n == f->room) {
        size_t room = f->room ? 2 * f->room : 16;
        ag__entry *grown = ag__grow(NULL, f->entry, f->room * sizeof *f->entry, room * sizeof *f->entry, f->in.who);
        if (!grown) return NULL;
        f->entry = grown;
        f->room = room;
    }
    size_t bytes = strlen(name) + 1;
    char *copy = ag__arena_get(&f->names, bytes);
    if (!copy) return NULL;
    memcpy(copy, name, bytes);
    f->entry[f->n] = (ag__entry){ .name = copy };
    return &f->entry[f->n++];
}

static bool read_entry(text *t, const char *name)
{
    if (!is_name(name)) return bad(t, "a name that is empty, has control characters or more than 1024 bytes");
    ag__entry *e = add_entry(t->file, name);
    json_t *object = e ? value(t) : NULL;
    bool ok = object && set_entry(t, e, object);
    json_decref(object);
    return ok;
}

/* ---- reading: metadata, of any length and not kept ---- */

static bool skip_string(text *t)
{
    if (!accept(t, '"')) return bad(t, "the metadata are not strings");
    for (char c; c = character(t), c != '"'; t->at++) {
        if (c == '\\') t->at++, c = character(t); /* an escaped character does not end it */
        if ((unsigned char)c < ' ') return bad(t, "a string of the metadata does not end");
    }
    t->at++;
    return true;
}

static bool skip_metadata(text *t)
{
    if (!accept(t, '{')) return bad(t, "the metadata are no object");
    if (accept(t, '}')) return true;
    do {
        if (!skip_string(t)) return false;
        if (!accept(t, ':')) return bad(t, "no colon behind a name of the metadata");
        if (!skip_string(t)) return false;
    } while (accept(t, ','));
    return accept(t, '}') || bad(t, "no comma between the metadata");
}

/* ---- reading: all of it ---- */

static bool read_member(text *t, bool *metadata)
{
    if (after_spaces(t) != '"') return bad(t, "no name where one is due");
    json_t *name = value(t);
    if (!name) return false;
    bool ok = accept(t, ':') || bad(t, "no colon behind a name");
    if (ok && strcmp(json_string_value(name), "__metadata__") != 0) {
        ok = read_entry(t, json_string_value(name));
    } else if (ok) {
        ok = *metadata ? bad(t, "\"__metadata__\" is there twice") : skip_metadata(t);
        *metadata = true;
    }
    json_decref(name);
    return ok;
}

static bool read_members(text *t)
{
    bool metadata = false;
    if (character(t) != '{') return bad(t, "the header does not begin with {");
    t->at++;
    if (!accept(t, '}')) {
        do {
            if (!read_member(t, &metadata)) return false;
        } while (accept(t, ','));
        if (!accept(t, '}')) return bad(t, "no comma or } behind an entry");
    }
    after_spaces(t);
    return t->at == t->end || bad(t, "the header goes on behind its object");
}

static int by_place(const void *a, const void *b)
{
    const ag__entry *x = *(ag__entry *const *)a, *y = *(ag__entry *const *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(ag__entry *const *)a)->name, (*(ag__entry *const *)b)->name);
}

static bool check_all(ag_file *f)
{
    f->sorted = ag__alloc(NULL, f->room * sizeof *f->sorted, f->in.who);
    if (!f->sorted) return false;
    for (size_t i = 0; i < f->n; i++) f->sorted[i] = &f->entry[i];
    uint64_t end = 0;
    qsort(f->sorted, f->n, sizeof *f->sorted, by_place);
    for (size_t i = 0; i < f->n; end = f->sorted[i++]->end)
        if (f->sorted[i]->begin != end) {
            ag_fail(AG_EFORMAT, "%s: %s: %s before \"%s\"", f->in.who, f->in.path,
                    f->sorted[i]->begin < end ? "elements overlap" : "a hole", f->sorted[i]->name);
            return false;
        }
    if (end != f->in.size - f->data) {
        ag_fail(AG_EFORMAT, "%s: %s: %" PRIu64 " bytes behind the last tensor", f->in.who, f->in.path,
                f->in.size - f->data - end);
        return false;
    }
    qsort(f->sorted, f->n, sizeof *f->sorted, by_name);
    for (size_t i = 1; i < f->n; i++)
        if (!strcmp(f->sorted[i - 1]->name, f->sorted[i]->name)) {
            ag_fail(AG_EFORMAT, "%s: %s: \"%s\" is there twice", f->in.who, f->in.path, f->sorted[i]->name);
            return false;
        }
    return true;
}

bool ag__header_read(ag_file *f)
{
    const char *who = f->in.who, *path = f->in.path;
    uint64_t n;
    if (f->in.size < PREFIX) {
        ag_fail(AG_EFORMAT, "%s: %s: too short for safetensors", who, path);
        return false;
    }
    if (!ag__input_read(&f->in, 0, &n, PREFIX)) return false;
    if (n > AG__MOST_HEADER) {
        ag_fail(AG_EFORMAT, "%s: %s: a header of %" PRIu64 " bytes, more than %d", who, path, n, AG__MOST_HEADER);
        return false;
    }
    if (n > f->in.size - PREFIX) {
        ag_fail(AG_EFORMAT, "%s: %s: a header of %" PRIu64 " bytes in a file of %" PRIu64, who, path, n, f->in.size);
        return false;
    }
    f->data = PREFIX + n;
    text t = { .file = f, .next = PREFIX };
    return read_members(&t) && check_all(f);
}

/* ---- writing ---- */

static const char *dtype_name(ag_dtype dtype)
{
    int i = 0;
    while (dtypes[i].dtype != dtype) i++;
    return dtypes[i].name;
}

/* {"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, or NULL: out of memory. */
static json_t *describe(const ag__layout *l, uint64_t begin, uint64_t end)
{
    json_t *shape = json_array();
    for (int i = 0; shape && i < l->rank; i++)
        if (json_array_append_new(shape, json_integer(l->dims[i]))) {
            json_decref(shape);
            shape = NULL;
        }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_name(l->dtype), "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)end);
}

/* All of the header; NULL with the error remembered. */
static json_t *describe_all(const ag__output *out, const ag_named *list, size_t n)
{
    json_t *header = json_object();
    int64_t end = 0;
    bool ok = header != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const char *name = list[i].name;
        const ag__layout *l = list[i].tensor->layout;
        int64_t begin = end;
        if (!is_name(name) || !strcmp(name, "__metadata__"))
            ag_fail(AG_EINVAL,
                    "%s: the name of tensor %zu is not 1 to %d bytes of UTF-8 without control characters, other than "
                    "\"__metadata__\"",
                    out->who, i, AG__MOST_NAME);
        else if (json_object_get(header, name))
            ag_fail(AG_EINVAL, "%s: two tensors are named \"%s\"", out->who, name);
        else if (__builtin_add_overflow(begin, l->numel * (int64_t)l->item, &end))
            ag_fail(AG_EINVAL, "%s: more than a file can hold", out->who);
        ok = !ag_error() && json_object_set_new(header, name, describe(l, (uint64_t)begin, (uint64_t)end)) == 0;
    }
    if (ok) return header;
    json_decref(header);
    if (!ag_error()) ag_fail(AG_ENOMEM, "%s: out of memory for JSON", out->who);
    return NULL;
}

bool ag__header_write(ag__output *out, const ag_named *list, size_t n)
{
    json_t *header = describe_all(out, list, n);
    if (!header) return false;
    size_t length = json_dumpb(header, NULL, 0, JSON_COMPACT), padded = (length + 7) & ~(size_t)7; /* for alignment */
    char *bytes = NULL;
    bool ok = false;
    if (padded > AG__MOST_HEADER)
        ag_fail(AG_EINVAL, "%s: a header of %zu bytes, more than %d", out->who, padded, AG__MOST_HEADER);
    else
        bytes = ag__alloc(NULL, PREFIX + padded, out->who);
    if (bytes) {
        memcpy(bytes, &(uint64_t){ padded }, PREFIX);
        memset(bytes + PREFIX, ' ', padded);
        ok = length && json_dumpb(header, bytes + PREFIX, length, JSON_COMPACT) == length;
        if (!ok) ag_fail(AG_ENOMEM, "%s: out of memory for JSON", out->who);
    }
    json_decref(header);
    ok = ok && ag__output_write(out, bytes, PREFIX + padded);
    ag__release(NULL, bytes, PREFIX + padded);
    return ok;
}

#else /* without jansson */

bool ag__header_read(ag_file *f)
{
    ag_fail(AG_EMISSING, "%s: %s: this library was built without jansson, which reads safetensors", f->in.who,
            f->in.path);
    return false;
}

bool ag__header_write(ag__output *out, const ag_named *list, size_t n)
{
    (void)list, (void)n;
    ag_fail(AG_EMISSING, "%s: %s: this library was built without jansson, which writes safetensors", out->who,
            out->path);
    return false;
}
#endif
