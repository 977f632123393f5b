#define _POSIX_C_SOURCE 200809L
#include <examples/idx.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { UNSIGNED_BYTE = 8, MAX_RANK = 3, FIRST_CHUNK = 1 << 16, MAX_BYTES = 1 << 30 };

/* ---- a file's bytes, decompressed if they are gzip's
 * ------------------------------------------------------------------ */

/* zlib's gzread takes a file without its checksum for a whole one; this does not. */
struct source {
    const char *path;
    FILE *file;
    z_stream zip; /* next_in and avail_in serve plain files too */
    bool gzipped;
    bool complete; /* a gzip member has ended, and its checksum was right */
    uint8_t in[1 << 14];
};

/* Reads the next bytes of the file; false at its end or on an error. */
static bool refill(struct source *s)
{
    size_t n = fread(s->in, 1, sizeof s->in, s->file);
    s->zip.next_in = s->in;
    s->zip.avail_in = (unsigned)n;
    if (!n && ferror(s->file)) ag_fail(AG_EIO, "%s: %s", s->path, strerror(errno));
    return n > 0;
}

static ag_status source_open(struct source *s, const char *path)
{
    *s = (struct source){ .path = path, .file = fopen(path, "rb") };
    if (!s->file) return ag_fail(AG_EIO, "%s: %s", path, strerror(errno));
    s->gzipped = refill(s) && s->zip.avail_in > 1 && s->in[0] == 0x1f && s->in[1] == 0x8b;
    if (s->gzipped && inflateInit2(&s->zip, 16 + MAX_WBITS) != Z_OK) {
        s->gzipped = false;
        return ag_fail(AG_ENOMEM, "%s: no memory to decompress", path);
    }
    return ag_error();
}

static void source_close(struct source *s)
{
    if (s->gzipped) inflateEnd(&s->zip);
    if (s->file) fclose(s->file);
}

static ag_status decompress(struct source *s)
{
    if (s->complete) inflateReset(&s->zip); /* another member follows */
    int code = inflate(&s->zip, Z_NO_FLUSH);
    s->complete = code == Z_STREAM_END;
    if (code == Z_OK || s->complete) return AG_OK;
    return ag_fail(code == Z_MEM_ERROR ? AG_ENOMEM : AG_EFORMAT, "%s: damaged: %s", s->path,
                   s->zip.msg ? s->zip.msg : zError(code));
}

/* Up to n bytes; fewer at the end or on an error. */
static size_t source_read(struct source *s, uint8_t *out, size_t n)
{
    z_stream *z = &s->zip;
    z->next_out = out;
    z->avail_out = (unsigned)n;
    while (z->avail_out && (z->avail_in || refill(s))) {
        if (s->gzipped) {
            if (decompress(s)) break;
        } else {
            unsigned some = z->avail_in < z->avail_out ? z->avail_in : z->avail_out;
            memcpy(z->next_out, z->next_in, some);
            z->next_in += some, z->avail_in -= some;
            z->next_out += some, z->avail_out -= some;
        }
    }
    return n - z->avail_out;
}

static ag_status source_read_all(struct source *s, uint8_t *out, size_t n)
{
    if (source_read(s, out, n) < n && !ag_error()) ag_fail(AG_EFORMAT, "%s: truncated", s->path);
    return ag_error();
}

static ag_status source_expect_end(struct source *s)
{
    uint8_t byte;
    if (source_read(s, &byte, 1)) return ag_fail(AG_EFORMAT, "%s: longer than its header says", s->path);
    if (s->gzipped && !s->complete && !ag_error()) ag_fail(AG_EFORMAT, "%s: truncated", s->path);
    return ag_error();
}

/* ---- one array
 * -------------------------------------------------------------------------------------------------------- */

static ag_status read_header(struct source *s, int rank, int64_t *dims, size_t *total)
{
    uint8_t head[4 + 4 * MAX_RANK];
    if (source_read_all(s, head, 4 + 4 * (size_t)rank)) return ag_error();
    if (head[0] || head[1] || head[2] != UNSIGNED_BYTE || head[3] != rank)
        return ag_fail(AG_EFORMAT,
                       "%s: starts with %02x %02x %02x %02x where IDX bytes of rank %d start with 00 00 08 %02x",
                       s->path, head[0], head[1], head[2], head[3], rank, (unsigned)rank);
    uint64_t product = 1;
    for (int i = 0; i < rank; i++) {
        const uint8_t *p = head + 4 + 4 * i;
        dims[i] = (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | (int64_t)p[3];
        product *= (uint64_t)dims[i]; /* no overflow: at most 2^30 2^32 */
        if (product > MAX_BYTES)
            return ag_fail(AG_EFORMAT, "%s: header asks for more than %d bytes", s->path, MAX_BYTES);
    }
    *total = (size_t)product;
    return AG_OK;
}

/* Reads total bytes into a buffer that grows as they arrive, so that a false header costs nothing. */
static uint8_t *read_body(struct source *s, size_t total)
{
    uint8_t *data = NULL;
    size_t size = 0, room = FIRST_CHUNK;
    do {
        if (room > total) room = total;
        uint8_t *grown = realloc(data, room ? room : 1);
        if (grown) data = grown;
        if (!grown) ag_fail(AG_ENOMEM, "%s: no memory for %zu bytes", s->path, room);
        if (!grown || source_read_all(s, data + size, room - size)) {
            free(data);
            return NULL;
        }
        size = room;
        room *= 2;
    } while (size < total);
    return data;
}

static ag_tensor *read_array(struct source *s, int rank)
{
    int64_t dims[MAX_RANK];
    size_t total = 0;
    if (read_header(s, rank, dims, &total)) return NULL;
    uint8_t *data = read_body(s, total);
    ag_tensor *array = NULL;
    if (data && !source_expect_end(s)) {
        array = (ag_new)(AG_U8, rank, dims);
        if (ag_write(array, data, (int64_t)total)) {
            ag_free(array);
            array = NULL;
        }
    }
    free(data);
    return array;
}

ag_tensor *idx_read(const char *path, int rank)
{
    if (rank < 1 || rank > MAX_RANK) {
        ag_fail(AG_EINVAL, "idx_read: rank %d is not 1 to %d", rank, MAX_RANK);
        return NULL;
    }
    struct source source;
    ag_tensor *array = source_open(&source, path) ? NULL : read_array(&source, rank);
    source_close(&source);
    return array;
}

/* ---- images and labels
 * ------------------------------------------------------------------------------------------------ */

/* Reads dir/name-suffix where there is such a file, else the same with ".gz". */
static ag_tensor *read_part(const char *dir, const char *name, const char *suffix, int rank)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s-%s.gz", dir, name, suffix);
    if (n < 0 || (size_t)n >= sizeof path) {
        ag_fail(AG_EIO, "%s: name too long", dir);
        return NULL;
    }
    path[n - 3] = '\0';
    if (access(path, F_OK)) path[n - 3] = '.';
    return idx_read(path, rank);
}

static ag_status check_set(const idx_set *set, const char *dir, const char *name, int rows, int columns, int classes)
{
    int64_t n = ag_size(set->images, 0), height = ag_size(set->images, 1), width = ag_size(set->images, 2);
    if (height != rows || width != columns)
        return ag_fail(AG_EFORMAT, "%s/%s: images of %lldx%lld pixels where %dx%d are needed", dir, name,
                       (long long)height, (long long)width, rows, columns);
    if (n != ag_numel(set->labels))
        return ag_fail(AG_EFORMAT, "%s/%s: %lld images but %lld labels", dir, name, (long long)n,
                       (long long)ag_numel(set->labels));
    if (n == 0) return ag_fail(AG_EFORMAT, "%s/%s: no images", dir, name);
    const uint8_t *label = ag_u8(set->labels);
    for (int64_t i = 0; label && i < n; i++)
        if (label[i] >= classes)
            return ag_fail(AG_EFORMAT, "%s/%s: label %d of image %lld is not below %d", dir, name, label[i],
                           (long long)i, classes);
    return ag_error();
}

ag_status idx_read_set(idx_set *set, const char *dir, const char *name, int rows, int columns, int classes)
{
    set->images = read_part(dir, name, "images-idx3-ubyte", 3);
    set->labels = set->images ? read_part(dir, name, "labels-idx1-ubyte", 1) : NULL;
    set->n = 0;
    if (!set->labels || check_set(set, dir, name, rows, columns, classes))
        idx_free_set(set);
    else
        set->n = ag_numel(set->labels);
    return ag_error();
}

void idx_free_set(idx_set *set)
{
    ag_free(set->images);
    ag_free(set->labels);
    *set = (idx_set){ NULL, NULL, 0 };
}
