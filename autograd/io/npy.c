/* npy.c - NumPy's format for one array: a magic number, a version, and a Python dictionary that describes the elements
 * behind it. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#include <autograd/io.h>
#include <autograd/io/file.h>
#include <autograd/tensor/header.h>
#include <inttypes.h>
#include <string.h>

enum { MAGIC = 6, PREFIX = MAGIC + 2, MOST_HEADER = 10000 /* NumPy's own limit */, ALIGN = 64, WORD = 16 };
static const uint8_t magic[MAGIC + 1] = "\x93NUMPY";

static const struct {
    ag_dtype dtype;
    const char *descr;
} descrs[] = { { AG_F32, "<f4" }, { AG_F64, "<f8" }, { AG_I64, "<i8" },
               { AG_I32, "<i4" }, { AG_U8, "|u1" },  { AG_BOOL, "|b1" } };
enum { N_DESCR = sizeof descrs / sizeof *descrs };

typedef struct array { /* what a header describes */
    ag_dtype dtype;
    bool fortran;
    int rank;
    int64_t dims[AG_MAX_RANK];
} array;

/* ---- the dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } ---- */

typedef struct text {
    const ag__input *in;
    const char *at, *end;
} text;

static bool bad(const text *t, const char *what)
{
    ag_fail(AG_EFORMAT, "%s: %s: %s", t->in->who, t->in->path, what);
    return false;
}

/* The next character after spaces, not consumed; 0 at the end. */
static char next(text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\n' || *t->at == '\r')) t->at++;
    return t->at < t->end ? *t->at : 0;
}

static bool accept(text *t, char c)
{
    bool is = next(t) == c;
    t->at += is;
    return is;
}

/* A string of up to WORD - 1 printable characters. */
static bool quoted(text *t, char word[WORD])
{
    char quote = next(t);
    if (quote != '\'' && quote != '"') return false;
    t->at++;
    for (int n = 0; t->at < t->end && n < WORD; n++) {
        char c = *t->at++;
        word[n] = 0;
        if (c == quote) return true;
        if (c < ' ' || c > '~' || c == '\\') return false;
        word[n] = c;
    }
    return false;
}

static bool read_descr(text *t, array *a)
{
    char word[WORD];
    if (!quoted(t, word)) return bad(t, "'descr' is not that of plain numbers");
    for (int i = 0; i < N_DESCR; i++)
        if (!strcmp(word, descrs[i].descr)) {
            a->dtype = descrs[i].dtype;
            return true;
        }
    ag_fail(AG_EDTYPE, "%s: %s: elements of '%s', not <f4 <f8 <i8 <i4 |u1 |b1", t->in->who, t->in->path, word);
    return false;
}

static bool read_order(text *t, array *a)
{
    next(t);
    size_t left = (size_t)(t->end - t->at);
    a->fortran = left >= 4 && !memcmp(t->at, "True", 4);
    if (!a->fortran && (left < 5 || memcmp(t->at, "False", 5) != 0))
        return bad(t, "'fortran_order' is neither True nor False");
    t->at += a->fortran ? 4 : 5;
    return true;
}

static bool read_size(text *t, int64_t *size)
{
    char c = next(t);
    if (c < '0' || c > '9') return bad(t, "'shape' is not a tuple of whole numbers");
    for (*size = 0; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
        if (__builtin_mul_overflow(*size, 10, size) || __builtin_add_overflow(*size, *t->at - '0', size))
            return bad(t, "a size in 'shape' is beyond 64 bits");
    if (t->at < t->end && *t->at == 'L') t->at++; /* Python 2 wrote 3L */
    return true;
}

static bool read_shape(text *t, array *a)
{
    if (!accept(t, '(')) return bad(t, "'shape' is not a tuple of whole numbers");
    for (a->rank = 0; !accept(t, ')'); a->rank++) {
        if (a->rank == AG_MAX_RANK) return bad(t, "'shape' has more than 8 sizes");
        if (!read_size(t, &a->dims[a->rank])) return false;
        if (!accept(t, ',') && (next(t) != ')' || a->rank == 0)) /* (3) is a number, (3,) a tuple */
            return bad(t, "'shape' is not a tuple of whole numbers");
    }
    return true;
}

static bool read_dictionary(text *t, array *a)
{
    static const char *const keys[] = { "descr", "fortran_order", "shape" };
    static bool (*const readers[])(text *, array *) = { read_descr, read_order, read_shape };
    unsigned seen = 0;
    if (!accept(t, '{')) return bad(t, "the header is no dictionary");
    while (!accept(t, '}')) {
        char key[WORD];
        int k = 0;
        if (!quoted(t, key) || !accept(t, ':')) return bad(t, "the header is no dictionary of short strings");
        while (k < 3 && strcmp(key, keys[k]) != 0) k++;
        if (k == 3) return bad(t, "the header has a key besides 'descr', 'fortran_order' and 'shape'");
        if (seen & 1u << k) return bad(t, "the header has a key twice");
        seen |= 1u << k;
        if (!readers[k](t, a)) return false;
        if (!accept(t, ',') && next(t) != '}') return bad(t, "no comma between the keys of the header");
    }
    if (seen != 7) return bad(t, "the header lacks 'descr', 'fortran_order' or 'shape'");
    if (next(t) || t->at < t->end) return bad(t, "the header goes on behind its dictionary");
    return true;
}

/* ---- reading ---- */

/* Finds the header; *data is where it ends. */
static bool read_prefix(const ag__input *in, uint64_t *header, uint64_t *data)
{
    uint8_t p[PREFIX + 4] = { 0 };
    text t = { .in = in };
    if (in->size < PREFIX + 2) return bad(&t, "too short for .npy");
    if (!ag__input_read(in, 0, p, in->size < sizeof p ? (size_t)in->size : sizeof p)) return false;
    if (memcmp(p, magic, MAGIC) != 0) return bad(&t, "does not begin as .npy does");
    int version = p[MAGIC];
    if (version < 1 || version > 3 || p[MAGIC + 1] != 0) {
        ag_fail(AG_EFORMAT, "%s: %s: version %d.%d, not 1.0, 2.0 or 3.0", in->who, in->path, version, p[MAGIC + 1]);
        return false;
    }
    uint32_t n = (uint32_t)p[PREFIX] | (uint32_t)p[PREFIX + 1] << 8;
    if (version > 1) n |= (uint32_t)p[PREFIX + 2] << 16 | (uint32_t)p[PREFIX + 3] << 24;
    *header = version > 1 ? PREFIX + 4 : PREFIX + 2;
    *data = *header + n;
    if (n > MOST_HEADER) {
        ag_fail(AG_EFORMAT, "%s: %s: a header of %" PRIu32 " bytes, more than %d", in->who, in->path, n, MOST_HEADER);
        return false;
    }
    return *data <= in->size || bad(&t, "ends within its header");
}

static bool read_header(const ag__input *in, array *a, uint64_t *data)
{
    char bytes[MOST_HEADER];
    uint64_t header;
    if (!read_prefix(in, &header, data) || !ag__input_read(in, header, bytes, (size_t)(*data - header))) return false;
    text t = { in, bytes, bytes + (*data - header) };
    if (!read_dictionary(&t, a)) return false;
    uint64_t needed, there = in->size - *data;
    if (!ag__input_bytes(a->dtype, a->rank, a->dims, &needed)) return bad(&t, "'shape' is more than memory can hold");
    if (needed == there) return true;
    ag_fail(AG_EFORMAT, "%s: %s: %s of %s takes %" PRIu64 " bytes, the file has %" PRIu64, in->who, in->path,
            ag__dims_text(a->rank, a->dims), ag_dtype_name(a->dtype), needed, there);
    return false;
}

ag_tensor *ag_read_npy(const char *path)
{
    ag__input in;
    array a = { .rank = 0 };
    uint64_t data;
    ag_tensor *x = NULL;
    if (ag__input_open(&in, path, "ag_read_npy") && read_header(&in, &a, &data))
        x = ag__input_tensor(&in, data, a.dtype, a.rank, a.dims, a.fortran);
    ag__input_close(&in);
    return x;
}

/* ---- writing ---- */

/* The header up to the elements, which begin at a multiple of ALIGN. Eight sizes fit in any case. */
static size_t make_header(const ag__layout *l, uint8_t header[4 * ALIGN])
{
    const char *descr = descrs[0].descr;
    for (int i = 0; i < N_DESCR; i++)
        if (descrs[i].dtype == l->dtype) descr = descrs[i].descr;
    char shape[184] = "";
    int n = 0;
    for (int i = 0; i < l->rank; i++)
        n += snprintf(shape + n, sizeof shape - (size_t)n, "%" PRId64 "%s", l->dims[i],
                      l->rank == 1      ? ","
                      : i + 1 < l->rank ? ", "
                                        : "");
    char *dictionary = (char *)header + PREFIX + 2;
    size_t length = (size_t)snprintf(dictionary, 4 * ALIGN - PREFIX - 2,
                                     "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape);
    size_t total = (PREFIX + 2 + length + 1 + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    memset(dictionary + length, ' ', total - PREFIX - 2 - length);
    header[total - 1] = '\n';
    memcpy(header, magic, MAGIC);
    header[MAGIC] = 1;
    header[MAGIC + 1] = 0;
    header[PREFIX] = (uint8_t)(total - PREFIX - 2);
    header[PREFIX + 1] = (uint8_t)((total - PREFIX - 2) >> 8);
    return total;
}

ag_status ag_write_npy(const char *path, ag_tensor *x)
{
    uint8_t header[4 * ALIGN];
    ag__output out;
    if (ag_error() || !ag__readable(x, "ag_write_npy", 1) || !ag__output_open(&out, path, "ag_write_npy"))
        return ag_error();
    if (ag__output_write(&out, header, make_header(x->layout, header))) ag__output_tensor(&out, x);
    return ag__output_close(&out);
}
