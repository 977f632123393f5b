/* idx.c - reads IDX files: two zero bytes, the element type, the rank, one big-endian 32-bit size per axis, then the
 * elements in row-major order, big-endian too. */
#define _POSIX_C_SOURCE 200809L
#include <nn/private/data.h>
#include <nn/private/memory.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef AG_HAVE_ZLIB
#include <zlib.h>
#endif

/* The densest code of deflate takes two bits for 258 bytes. */
enum { FIRST_CHUNK = 1 << 16, MAX_BYTES = 1 << 30, MAX_RATIO = 258 * 8 / 2 };

/* ---- a file's bytes, decompressed if they are gzip's --------------------------------------------------------------
 */

struct source {
    const char *who, *path;
    int fd;
    uint64_t size;
    const uint8_t *next; /* the `left` bytes of `in` not yet used */
    size_t left;
    bool gzipped;
    bool complete; /* a gzip member has ended, and its checksum was right */
#ifdef AG_HAVE_ZLIB
    z_stream zip;
#endif
    uint8_t in[1 << 14];
};

static ag_status fail(const struct source *s, ag_status code, const char *what)
{
    return ag_fail(code, "%s: %s: %s", s->who, s->path, what);
}

#ifdef AG_HAVE_ZLIB
static ag_status unzip_begin(struct source *s)
{
    s->gzipped = inflateInit2(&s->zip, 16 + MAX_WBITS) == Z_OK;
    return s->gzipped ? AG_OK : fail(s, AG_ENOMEM, "no memory to decompress");
}
static void unzip_end(struct source *s)
{
    inflateEnd(&s->zip);
}
/* Up to n bytes from those at hand; how many. zlib's own gzread takes a file without its checksum for a whole one; this
 * does not. */
static size_t unzip(struct source *s, uint8_t *out, size_t n)
{
    z_stream *z = &s->zip;
    if (s->complete) inflateReset(z); /* another member follows */
    z->next_in = (uint8_t *)(uintptr_t)s->next, z->avail_in = (unsigned)s->left;
    z->next_out = out, z->avail_out = (unsigned)n;
    int code = inflate(z, Z_NO_FLUSH);
    s->next = z->next_in, s->left = z->avail_in;
    s->complete = code == Z_STREAM_END;
    if (code != Z_OK && !s->complete)
        ag_fail(code == Z_MEM_ERROR ? AG_ENOMEM : AG_EFORMAT, "%s: %s: damaged: %s", s->who, s->path,
                z->msg ? z->msg : zError(code));
    return n - z->avail_out;
}
#else
static ag_status unzip_begin(struct source *s)
{
    return fail(s, AG_EMISSING, "gzipped, and retrograd was built without zlib; gunzip it");
}
static void unzip_end(struct source *s)
{
    (void)s;
}
static size_t unzip(struct source *s, uint8_t *out, size_t n)
{
    (void)s, (void)out, (void)n;
    return 0;
}
#endif

/* Reads the next bytes of the file; false at its end or on an error. */
static bool refill(struct source *s)
{
    ssize_t n;
    do n = read(s->fd, s->in, sizeof s->in);
    while (n < 0 && errno == EINTR);
    if (n < 0) fail(s, AG_EIO, strerror(errno));
    s->next = s->in, s->left = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static ag_status source_open(struct source *s, const char *path, const char *who)
{
    memset(s, 0, sizeof *s);
    s->who = who, s->path = path;
    struct stat about;
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would let us wait for its writer */
    if (s->fd < 0 || fstat(s->fd, &about)) return fail(s, AG_EIO, strerror(errno));
    if (!S_ISREG(about.st_mode)) return fail(s, AG_EIO, "not a regular file");
    s->size = (uint64_t)about.st_size;
    bool zip = refill(s) && s->left > 1 && s->in[0] == 0x1f && s->in[1] == 0x8b;
    return zip ? unzip_begin(s) : ag_error();
}

static void source_close(struct source *s)
{
    if (s->gzipped) unzip_end(s);
    if (s->fd >= 0) close(s->fd);
}

/* Up to n bytes; fewer at the end or on an error. */
static size_t source_read(struct source *s, uint8_t *out, size_t n)
{
    size_t got = 0;
    while (got < n && (s->left || refill(s))) {
        size_t some = n - got < s->left ? n - got : s->left;
        if (s->gzipped) {
            got += unzip(s, out + got, n - got);
            if (ag_error()) break;
        } else {
            memcpy(out + got, s->next, some);
            got += some, s->next += some, s->left -= some;
        }
    }
    return got;
}

static ag_status source_read_all(struct source *s, uint8_t *out, size_t n)
{
    if (source_read(s, out, n) < n && !ag_error()) fail(s, AG_EFORMAT, "truncated");
    return ag_error();
}

static ag_status source_expect_end(struct source *s)
{
    uint8_t byte;
    if (source_read(s, &byte, 1)) return fail(s, AG_EFORMAT, "longer than its header says");
    if (s->gzipped && !s->complete && !ag_error()) fail(s, AG_EFORMAT, "truncated");
    return ag_error();
}

/* ---- the array ---- */

struct element {
    int code;
    size_t size;
    ag_dtype dtype;
};
static const struct element elements[] = {
    { 0x08, 1, AG_U8 },  { 0x09, 1, AG_I32 }, { 0x0b, 2, AG_I32 },
    { 0x0c, 4, AG_I32 }, { 0x0d, 4, AG_F32 }, { 0x0e, 8, AG_F64 },
};

struct array {
    const struct element *element;
    int rank;
    int64_t dims[AG_MAX_RANK], numel;
};

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
    return v;
}

static ag_status read_magic(struct source *s, int rank, struct array *a)
{
    uint8_t m[4];
    if (source_read_all(s, m, sizeof m)) return ag_error();
    bool good = !m[0] && !m[1] && m[3] >= 1 && m[3] <= AG_MAX_RANK;
    if (rank && !(good && m[2] == elements[0].code && m[3] == rank))
        return ag_fail(AG_EFORMAT,
                       "%s: %s: starts with %02x %02x %02x %02x where IDX bytes of rank %d start with 00 00 08 %02x",
                       s->who, s->path, m[0], m[1], m[2], m[3], rank, (unsigned)rank);
    for (size_t i = 0; good && i < sizeof elements / sizeof *elements; i++)
        if (elements[i].code == m[2]) a->element = &elements[i];
    a->rank = m[3];
    if (a->element) return AG_OK;
    return ag_fail(AG_EFORMAT, "%s: %s: starts with %02x %02x %02x %02x, not as IDX files of rank 1 to %d do", s->who,
                   s->path, m[0], m[1], m[2], m[3], AG_MAX_RANK);
}

static ag_status read_sizes(struct source *s, struct array *a)
{
    uint8_t sizes[4 * AG_MAX_RANK];
    if (source_read_all(s, sizes, 4 * (size_t)a->rank)) return ag_error();
    uint64_t room = a->element->size; /* as if no size were 0, as a tensor's are multiplied */
    bool empty = false;
    for (int i = 0; i < a->rank; i++) {
        a->dims[i] = (int64_t)big_endian(sizes + 4 * i, 4);
        empty |= !a->dims[i];
        if (a->dims[i]) room *= (uint64_t)a->dims[i]; /* no overflow: at most 2^30 2^32 */
        if (room > MAX_BYTES)
            return ag_fail(AG_EFORMAT, "%s: %s: header asks for more than %d bytes", s->who, s->path, MAX_BYTES);
    }
    a->numel = empty ? 0 : (int64_t)(room / a->element->size);
    return AG_OK;
}

/* Can the file hold what its header asks for? */
static ag_status check_size(const struct source *s, const struct array *a)
{
    uint64_t header = 4 + 4 * (uint64_t)a->rank, asked = header + (uint64_t)a->numel * a->element->size;
    if (s->gzipped ? asked / MAX_RATIO <= s->size : asked == s->size) return AG_OK;
    return ag_fail(AG_EFORMAT, "%s: %s: header asks for %llu bytes, the file has %llu%s", s->who, s->path,
                   (unsigned long long)asked, (unsigned long long)s->size, s->gzipped ? ", compressed" : "");
}

/* Reads `total` bytes into a buffer that grows as they are decompressed, so that a false header costs nothing. */
static uint8_t *read_body(struct source *s, size_t total)
{
    uint8_t *data = NULL;
    size_t size = 0, room = s->gzipped ? FIRST_CHUNK : total;
    do {
        if (room > total) room = total;
        uint8_t *grown = ag__nn_alloc(room, s->who);
        if (grown && size) memcpy(grown, data, size);
        ag__nn_free(data);
        data = grown;
        if (!grown || source_read_all(s, data + size, room - size)) {
            ag__nn_free(data);
            return NULL;
        }
        size = room;
        room *= 2;
    } while (size < total);
    return data;
}

static ag_status store_integers(ag_tensor *x, const struct array *a, const uint8_t *data)
{
    size_t size = a->element->size;
    int32_t *out = ag_i32_write(x);
    int shift = 32 - 8 * (int)size;
    for (int64_t i = 0; out && i < a->numel; i++) { /* the sign comes down from the top */
        uint32_t v = (uint32_t)big_endian(data + (size_t)i * size, size) << shift;
        out[i] = (int32_t)v >> shift;
    }
    return ag_error();
}
static ag_status store_f32(ag_tensor *x, const struct array *a, const uint8_t *data)
{
    float *out = ag_f32_write(x);
    for (int64_t i = 0; out && i < a->numel; i++) {
        uint32_t bits = (uint32_t)big_endian(data + 4 * i, 4);
        memcpy(&out[i], &bits, sizeof bits);
    }
    return ag_error();
}
static ag_status store_f64(ag_tensor *x, const struct array *a, const uint8_t *data)
{
    double *out = ag_f64_write(x);
    for (int64_t i = 0; out && i < a->numel; i++) {
        uint64_t bits = big_endian(data + 8 * i, 8);
        memcpy(&out[i], &bits, sizeof bits);
    }
    return ag_error();
}

static ag_tensor *store(const struct array *a, const uint8_t *data)
{
    ag_tensor *x = (ag_new)(a->element->dtype, a->rank, a->dims);
    ag_status status = ag_error();
    if (x) switch (a->element->dtype) {
        case AG_U8: status = ag_write(x, data, a->numel); break;
        case AG_F32: status = store_f32(x, a, data); break;
        case AG_F64: status = store_f64(x, a, data); break;
        default: status = store_integers(x, a, data);
        }
    if (!status) return x;
    ag_free(x);
    return NULL;
}

/* rank 0: of any type and rank */
static ag_tensor *read_idx(const char *path, int rank, const char *who)
{
    if (ag_error()) return NULL;
    struct source s;
    struct array a = { .rank = rank };
    ag_tensor *x = NULL;
    if (!source_open(&s, path, who) && !read_magic(&s, rank, &a) && !read_sizes(&s, &a) && !check_size(&s, &a)) {
        uint8_t *data = read_body(&s, (size_t)a.numel * a.element->size);
        if (data && !source_expect_end(&s)) x = store(&a, data);
        ag__nn_free(data);
    }
    source_close(&s);
    return x;
}

ag_tensor *ag_read_idx(const char *path)
{
    if (path) return read_idx(path, 0, "ag_read_idx");
    ag_fail(AG_ENULL, "ag_read_idx: the path is NULL");
    return NULL;
}

ag_tensor *ag__read_idx_bytes(const char *path, int rank)
{
    return read_idx(path, rank, "ag_dataset_mnist");
}
