#define _POSIX_C_SOURCE 200809L
#include <examples/idx.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { UNSIGNED_BYTE = 8, MAX_RANK = 3, FIRST_CHUNK = 1 << 16, MAX_BYTES = 1 << 30 };

/* Fewer bytes than asked for: at the file's end, or where it is damaged. Says which. */
static ag_status short_read(gzFile file, const char *path)
{
    int code = Z_OK;
    const char *text = gzerror(file, &code);
    if (code == Z_ERRNO) return ag_fail(AG_EIO, "%s: %s", path, strerror(errno));
    if (code != Z_OK && code != Z_BUF_ERROR) return ag_fail(AG_EFORMAT, "%s: damaged: %s", path, text);
    return ag_fail(AG_EFORMAT, "%s: truncated", path);
}

static ag_status read_header(gzFile file, const char *path, int rank, int64_t *dims, size_t *total)
{
    uint8_t head[4 + 4 * MAX_RANK];
    unsigned size = 4 + 4 * (unsigned)rank;
    if (gzread(file, head, size) != (int)size) return short_read(file, path);
    if (head[0] || head[1] || head[2] != UNSIGNED_BYTE || head[3] != rank)
        return ag_fail(AG_EFORMAT,
                       "%s: starts with %02x %02x %02x %02x where IDX bytes of rank %d start with 00 00 08 %02x", path,
                       head[0], head[1], head[2], head[3], rank, (unsigned)rank);
    uint64_t product = 1;
    for (int i = 0; i < rank; i++) {
        const uint8_t *p = head + 4 + 4 * i;
        dims[i] = (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | (int64_t)p[3];
        product *= (uint64_t)dims[i]; /* no overflow: at most 2^30 2^32 */
        if (product > MAX_BYTES) return ag_fail(AG_EFORMAT, "%s: header asks for more than %d bytes", path, MAX_BYTES);
    }
    *total = (size_t)product;
    return AG_OK;
}

/* Reads total bytes into a buffer that grows as they arrive, so that a false header costs nothing. */
static uint8_t *read_body(gzFile file, const char *path, size_t total)
{
    uint8_t *data = NULL, *grown;
    for (size_t size = 0, room = 0; size < total || !data; size = room) {
        room = room ? 2 * room : FIRST_CHUNK;
        if (room > total) room = total;
        if (!(grown = realloc(data, room ? room : 1))) {
            ag_fail(AG_ENOMEM, "%s: no memory for %zu bytes", path, room);
            goto failed;
        }
        data = grown;
        if (gzread(file, data + size, (unsigned)(room - size)) != (int)(room - size)) {
            short_read(file, path);
            goto failed;
        }
    }
    return data;
failed:
    free(data);
    return NULL;
}

/* The file must end here; gzip's checksum is compared while finding out. */
static ag_status expect_end(gzFile file, const char *path, size_t total)
{
    uint8_t byte;
    int code = Z_OK, got = gzread(file, &byte, 1);
    if (got > 0) return ag_fail(AG_EFORMAT, "%s: longer than the %zu bytes of its header", path, total);
    gzerror(file, &code);
    return got < 0 || code != Z_OK ? short_read(file, path) : AG_OK;
}

static ag_tensor *read_array(gzFile file, const char *path, int rank)
{
    int64_t dims[MAX_RANK];
    size_t total;
    if (read_header(file, path, rank, dims, &total)) return NULL;
    uint8_t *data = read_body(file, path, total);
    ag_tensor *array = NULL;
    if (data && !expect_end(file, path, total)) {
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
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file) {
        ag_fail(AG_EIO, "%s: %s", path, errno ? strerror(errno) : "out of memory");
        return NULL;
    }
    ag_tensor *array = read_array(file, path, rank);
    gzclose(file);
    return array;
}

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
