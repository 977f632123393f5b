/* parity_json.c - lines of a gzipped or plain file, and what stands in them: numbers and tensors. */
#include "parity.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines ------------------------------------------------------------------------------------------------ */
bool lines_open(lines *from, const char *name, char *why, size_t room)
{
    *from = (lines){ 0 };
    from->file = gzopen(name, "rb");
    if (!from->file) snprintf(why, room, "cannot open: %s", strerror(errno));
    return from->file != NULL;
}

void lines_close(lines *from)
{
    free(from->text);
    gzclose(from->file);
    *from = (lines){ 0 };
}

static bool has_room(lines *from)
{
    if (from->room - from->length > 1) return true;
    size_t room = from->room ? 2 * from->room : 4096;
    char *text = room > from->room && room < INT32_MAX ? realloc(from->text, room) : NULL;
    if (!text) return false;
    from->text = text;
    from->room = room;
    return true;
}

/* zlib tells a truncated or corrupt file apart from a whole one only when asked. */
static int end(lines *from, char *why, size_t room)
{
    int code;
    const char *text = gzerror(from->file, &code);
    if (code != Z_OK && code != Z_STREAM_END) {
        snprintf(why, room, "line %ld: damaged or truncated file: %s", from->number, text);
        return -1;
    }
    return from->length > 0;
}

int lines_next(lines *from, char *why, size_t room)
{
    from->length = 0;
    from->number++;
    for (;;) {
        if (!has_room(from)) {
            snprintf(why, room, "line %ld: too long", from->number);
            return -1;
        }
        char *at = from->text + from->length;
        if (!gzgets(from->file, at, (int)(from->room - from->length))) return end(from, why, room);
        from->length += strlen(at);
        if (from->length && from->text[from->length - 1] == '\n') {
            from->text[--from->length] = 0;
            return 1;
        }
    }
}

/* ---- values ----------------------------------------------------------------------------------------------- */
bool parity_number(const json_t *v, double *out)
{
    if (json_is_boolean(v)) return *out = json_is_true(v), true;
    if (json_is_number(v)) return *out = json_number_value(v), true;
    if (!json_is_string(v) || !json_string_length(v)) return false;
    char *end;
    *out = strtod(json_string_value(v), &end);
    return !*end;
}

bool parity_is_tensor(const json_t *v)
{
    return json_is_object(v) && json_object_get(v, "s") && json_object_get(v, "d");
}

bool parity_dtype(const char *name, ag_dtype *out)
{
    static const struct {
        const char *name;
        ag_dtype dtype;
    } known[] = { { "float64", AG_F64 }, { "float32", AG_F32 }, { "int64", AG_I64 },
                  { "int32", AG_I32 },   { "uint8", AG_U8 },    { "bool", AG_BOOL } };
    if (!strncmp(name, "torch.", 6)) name += 6;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name)) return *out = known[i].dtype, true;
    ag_fail(AG_EMISSING, "dtype %s is not known", name);
    return false;
}

static bool shape_of(const json_t *v, int64_t *dims, int *rank, int64_t *numel)
{
    size_t i, n = json_array_size(v);
    const json_t *size;
    if (!json_is_array(v) || n > AG_MAX_RANK) return false;
    *numel = 1;
    *rank = (int)n;
    json_array_foreach(v, i, size)
    {
        dims[i] = json_integer_value(size);
        if (!json_is_integer(size) || dims[i] < 0 || __builtin_mul_overflow(*numel, dims[i], numel)) return false;
    }
    return true;
}

static ag_tensor *from_integers(const json_t *data, int64_t n, ag_dtype dtype)
{
    int64_t *buffer = malloc(sizeof *buffer * (size_t)(n + 1));
    if (!buffer) return ag_fail(AG_ENOMEM, "tensor of %lld numbers", (long long)n), NULL;
    for (int64_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(data, (size_t)i);
        buffer[i] = json_integer_value(v);
        if (!json_is_integer(v)) ag_fail(AG_EFORMAT, "tensor: element %lld is no integer", (long long)i);
    }
    ag_tensor *x = ag_to(ag_copy(buffer, n), dtype);
    free(buffer);
    return x;
}

static ag_tensor *from_floats(const json_t *data, int64_t n, ag_dtype dtype)
{
    double *buffer = malloc(sizeof *buffer * (size_t)(n + 1));
    if (!buffer) return ag_fail(AG_ENOMEM, "tensor of %lld numbers", (long long)n), NULL;
    for (int64_t i = 0; i < n; i++)
        if (!parity_number(json_array_get(data, (size_t)i), &buffer[i]))
            ag_fail(AG_EFORMAT, "tensor: element %lld is no number", (long long)i);
    ag_tensor *x = ag_to(ag_copy(buffer, n), dtype);
    free(buffer);
    return x;
}

ag_tensor *parity_tensor(const json_t *v)
{
    const json_t *data = json_object_get(v, "d");
    const char *name = json_string_value(json_object_get(v, "dt"));
    int64_t dims[AG_MAX_RANK], n;
    int rank;
    ag_dtype dtype;
    if (!name || !parity_is_tensor(v) || !shape_of(json_object_get(v, "s"), dims, &rank, &n) || !json_is_array(data))
        return ag_fail(AG_EFORMAT, "tensor: no shape, data and dtype"), NULL;
    if ((size_t)n != json_array_size(data))
        return ag_fail(AG_EFORMAT, "tensor: %zu numbers for a shape of %lld", json_array_size(data), (long long)n),
               NULL;
    if (!parity_dtype(name, &dtype)) return NULL;
    ag_tensor *flat = dtype == AG_F64 || dtype == AG_F32 ? from_floats(data, n, dtype) : from_integers(data, n, dtype);
    return ag_error() ? NULL : (ag_reshape)(flat, rank, dims);
}
