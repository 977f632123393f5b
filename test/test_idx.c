/* The IDX reader on good files, on a table of damaged ones, and on every cut and every changed byte of a small one. */
#define _DEFAULT_SOURCE /* mallinfo2 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/data.h>

#include <test/files.h>

#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { IMAGES, LABELS, PIXELS = 28 * 28, ROOM = 4096 };

/* Three images and their labels. */
static uint8_t image_file[16 + 3 * PIXELS] = { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 28, 0, 0, 0, 28 };
static const uint8_t label_file[] = { 0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 5 };

static char dir[64];
/* 2: plain and gzipped; 1 if the library was built without zlib. */
static int forms = 2;

/* ---- what reading costs: the linker passes the library's calls through here ---- */

static size_t largest; /* block asked for */
static size_t highest; /* the heap in use, zlib's part of it included; a sanitizer's malloc does not tell */

static void look_at_heap(void)
{
    struct mallinfo2 now = mallinfo2();
    if (now.uordblks + now.hblkhd > highest) highest = now.uordblks + now.hblkhd;
}
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    if (n * size > largest) largest = n * size;
    void *p = __real_calloc(n, size);
    look_at_heap();
    return p;
}
int __real_inflate(z_streamp stream, int flush);
int __wrap_inflate(z_streamp stream, int flush);
int __wrap_inflate(z_streamp stream, int flush)
{
    int code = __real_inflate(stream, flush);
    look_at_heap();
    return code;
}

static struct cost {
    double seconds;
    size_t bytes;
    int files;
} worst;

static struct cost cost_begin(void)
{
    highest = largest = 0;
    look_at_heap();
    return (struct cost){ files_time(), highest, 0 };
}
static void cost_end(struct cost begin)
{
    double seconds = files_time() - begin.seconds;
    size_t bytes = highest - begin.bytes > largest ? highest - begin.bytes : largest;
    if (seconds > worst.seconds) worst.seconds = seconds;
    if (bytes > worst.bytes) worst.bytes = bytes;
    worst.files++;
}

/* ---- files ---- */

static const char *path_of(int file, bool gzipped)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/t10k-%s%s", dir, file == IMAGES ? "images-idx3-ubyte" : "labels-idx1-ubyte",
             gzipped ? ".gz" : "");
    return path;
}

static void store(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static size_t load(const char *path, uint8_t *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, room, f);
    assert_true(n < room);
    fclose(f);
    return n;
}

static void store_gzipped(const char *path, const void *bytes, size_t n)
{
    gzFile f = gzopen(path, "wb9");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)n), (int)n);
    assert_int_equal(gzclose(f), Z_OK);
}

static void remove_all(void)
{
    for (int i = 0; i < 4; i++) remove(path_of(i / 2, i % 2));
}

static void store_good(bool gzipped)
{
    remove_all();
    void (*write)(const char *, const void *, size_t) = gzipped ? store_gzipped : store;
    write(path_of(IMAGES, gzipped), image_file, sizeof image_file);
    write(path_of(LABELS, gzipped), label_file, sizeof label_file);
}

/* The set, NULL with the status remembered. */
static ag_dataset *read_set(void)
{
    return ag_dataset_mnist(dir, "t10k");
}

static bool holds_the_data(ag_dataset *set)
{
    ag_tape *tape = ag_tape_new();
    ag_loader *all = ag_loader_new(set, .batch = -1);
    ag_batch b;
    bool right = ag_next(all, &b) && b.n == 3 && ag_rank(b.x) == 4 && ag_size(b.x, 1) == 1 && ag_size(b.x, 2) == 28 &&
                 ag_size(b.x, 3) == 28 && ag_rank(b.y) == 1;
    const float *pixel = ag_f32(b.x);
    const int64_t *label = ag_i64(b.y);
    for (int i = 0; right && i < 3 * PIXELS; i++) right = pixel[i] == (float)image_file[16 + i] / 255.0f;
    for (int i = 0; right && i < 3; i++) right = label[i] == label_file[8 + i];
    ag_loader_free(all);
    ag_tape_free(tape);
    return right && !ag_error();
}

static void good_files_are_read(void **state)
{
    (void)state;
    for (int gzipped = 0; gzipped < forms; gzipped++) {
        store_good(gzipped);
        ag_dataset *set = read_set();
        assert_int_equal(ag_dataset_size(set), 3);
        assert_true(holds_the_data(set));
        ag_dataset_free(set);
    }
}

/* Every element type, and the extremes of each. */
static void all_types_are_read(void **state)
{
    (void)state;
    static const struct {
        uint8_t code, size, bytes[3 * 8];
        ag_dtype dtype;
        double value[3];
    } cases[] = {
        { 8, 1, { 0, 1, 255 }, AG_U8, { 0, 1, 255 } },
        { 9, 1, { 0x80, 0xff, 0x7f }, AG_I32, { -128, -1, 127 } },
        { 11, 2, { 0x80, 0, 0xff, 0xfe, 0x7f, 0xff }, AG_I32, { -32768, -2, 32767 } },
        { 12, 4, { 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfd, 1, 2, 3, 4 }, AG_I32, { -2147483648.0, -3, 0x1020304 } },
        { 13, 4, { 0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0, 0x7f, 0x80, 0, 0 }, AG_F32, { 1, -2.5, HUGE_VAL } },
        { 14,
          8,
          { 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xbf, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a, 0x7f, 0xf0 },
          AG_F64,
          { 1, -0.1, HUGE_VAL } },
    };
    const char *path = path_of(LABELS, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[64] = { 0, 0, cases[i].code, 2, 0, 0, 0, 3, 0, 0, 0, 1 };
        double got[3];
        size_t n = 12 + 3u * cases[i].size;
        memcpy(bytes + 12, cases[i].bytes, n - 12);
        store(path, bytes, n);
        ag_tensor *x = ag_read_idx(path);
        assert_true(x && ag_is_mine(x) && ag_dtype_of(x) == cases[i].dtype && ag_rank(x) == 2 && ag_size(x, 0) == 3);
        assert_int_equal(ag_read(x, got, 3), AG_OK);
        for (int k = 0; k < 3; k++) assert_true(got[k] == cases[i].value[k]);
        ag_free(x);
    }
    const uint8_t none[] = { 0, 0, 12, 8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
                             0, 1, 0,  0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0 };
    store(path, none, sizeof none);
    ag_tensor *x = ag_read_idx(path);
    assert_int_equal(ag_numel(x), 0);
    assert_int_equal(ag_rank(x), 8);
    ag_free(x);
    assert_null(ag_read_idx(NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
}

/* gzip files may be joined: the contents are, too. */
static void joined_members_are_read(void **state)
{
    (void)state;
    if (forms < 2) skip();
    uint8_t bytes[ROOM];
    const char *path = path_of(LABELS, true);
    store_gzipped(path, label_file, 5);
    size_t n = load(path, bytes, sizeof bytes);
    store_gzipped(path, label_file + 5, sizeof label_file - 5);
    n += load(path, bytes + n, sizeof bytes - n);
    store(path, bytes, n);
    ag_tensor *x = ag_read_idx(path);
    assert_int_equal(ag_numel(x), 3);
    assert_memory_equal(ag_u8(x), label_file + 8, 3);
    ag_free(x);
}

/* More than one chunk of the reader, so that its buffer has grown. */
static void a_large_file_is_read(void **state)
{
    (void)state;
    enum { N = 300001 };
    uint8_t *bytes = malloc(8 + N);
    assert_non_null(bytes);
    memcpy(bytes, (const uint8_t[]){ 0, 0, 8, 1, 0, N >> 16, N >> 8 & 255, N & 255 }, 8);
    for (size_t i = 0; i < N; i++) bytes[8 + i] = (uint8_t)(i * i >> 3);
    for (int gzipped = 0; gzipped < forms; gzipped++) {
        const char *path = path_of(LABELS, gzipped);
        (gzipped ? store_gzipped : store)(path, bytes, 8 + N);
        ag_tensor *x = ag_read_idx(path);
        assert_int_equal(ag_numel(x), N);
        assert_memory_equal(ag_u8(x), bytes + 8, N);
        ag_free(x);
    }
    if (forms < 2) {
        free(bytes);
        return;
    }
    /* Here the end of the data is not read before it is asked for. */
    const char *path = path_of(LABELS, true);
    size_t n = load(path, bytes, 8 + N);
    for (size_t cut = 1; cut < 9; cut++) {
        store(path, bytes, n - cut);
        assert_null(ag_read_idx(path));
        assert_int_equal(ag_clear_error(), AG_EFORMAT);
    }
    bytes[n - 8] ^= 1; /* the checksum */
    store(path, bytes, n);
    assert_null(ag_read_idx(path));
    assert_int_equal(ag_clear_error(), AG_EFORMAT);
    free(bytes);
}

/* How a file is damaged: n bytes from `at` on are replaced (at counts from the end if negative), then the last `cut`
 * bytes taken away and `add` bytes appended; the file as it is, or compressed before or after. */
enum { PLAIN, THEN_ZIPPED, WHEN_ZIPPED };
struct damage {
    const char *name;
    int file, form, at, n;
    uint8_t bytes[12];
    size_t cut, add;
    const char *says;
};

enum { FF = 255, ALL_IMAGES = sizeof image_file };
static const struct damage damages[] = {
    { "empty file", .cut = ALL_IMAGES, .says = "truncated" },
    { "cut in the magic number", .cut = ALL_IMAGES - 3, .says = "truncated" },
    { "cut in the sizes", .cut = ALL_IMAGES - 15, .says = "truncated" },
    { "no pixels", .cut = 3 * PIXELS, .says = "header asks for 2368 bytes, the file has 16" },
    { "last pixel missing", .cut = 1, .says = "header asks for 2368 bytes, the file has 2367" },
    { "last label missing", .file = LABELS, .cut = 1, .says = "header asks for 11 bytes, the file has 10" },
    { "one pixel too many", .add = 1, .says = "header asks for 2368 bytes, the file has 2369" },
    { "one label too many", .file = LABELS, .add = 1, .says = "header asks for 11 bytes, the file has 12" },
    { "first byte not zero", .n = 1, .bytes = { 1 }, .says = "starts with 01 00 08 03" },
    { "elements are floats", .at = 2, .n = 1, .bytes = { 13 }, .says = "starts with 00 00 0d 03" },
    { "little-endian", .n = 4, .bytes = { 3, 8, 0, 0 }, .says = "starts with 03 08 00 00" },
    { "labels for images", .at = 3, .n = 1, .bytes = { 1 }, .says = "of rank 3" },
    { "images for labels", .file = LABELS, .at = 3, .n = 1, .bytes = { 3 }, .says = "of rank 1" },
    { "rank 255", .at = 3, .n = 1, .bytes = { FF }, .says = "starts with 00 00 08 ff" },
    { "a web page", .n = 9, .bytes = "<!DOCTYPE", .says = "starts with 3c 21 44 4f" },
    { "sizes of 2^32 - 1", .at = 4, .n = 12, .bytes = { FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF },
      .says = "more than" },
    { "a product past 2^64", .at = 4, .n = 12, .bytes = { 64, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 16 },
      .says = "more than" },
    { "2^32 - 1 labels", .file = LABELS, .at = 4, .n = 4, .bytes = { FF, FF, FF, FF }, .says = "more than" },
    { "2^30 labels", .file = LABELS, .at = 4, .n = 4, .bytes = { 64, 0, 0, 0 },
      .says = "header asks for 1073741832 bytes, the file has 11" },
    { "2^20 images, zipped", .form = THEN_ZIPPED, .at = 5, .n = 1, .bytes = { 16 },
      .says = "header asks for 822085952 bytes, the file has" },
    { "more images", .at = 7, .n = 1, .bytes = { 4 }, .add = PIXELS, .says = "4 images but 3 labels" },
    { "more labels", .file = LABELS, .at = 7, .n = 1, .bytes = { 4 }, .add = 1, .says = "3 images but 4 labels" },
    { "no images", .at = 7, .n = 1, .cut = 3 * PIXELS, .says = "0 images but 3 labels" },
    { "images of 14x56", .at = 11, .n = 5, .bytes = { 14, 0, 0, 0, 56 }, .says = "images of 14x56 pixels where 28x28" },
    { "images of 0x2^32 - 1", .at = 11, .n = 5, .bytes = { 0, FF, FF, FF, FF }, .cut = 3 * PIXELS,
      .says = "more than 1073741824 bytes" },
    { "images of 0x65535", .at = 11, .n = 5, .bytes = { 0, 0, 0, FF, FF }, .cut = 3 * PIXELS,
      .says = "images of 0x65535 pixels where 28x28" },
    { "label 10", .file = LABELS, .at = 9, .n = 1, .bytes = { 10 }, .says = "label 10 of image 1" },
    { "label 255", .file = LABELS, .at = 10, .n = 1, .bytes = { FF }, .says = "label 255 of image 2" },
    { "label 10, zipped", .file = LABELS, .form = THEN_ZIPPED, .at = 8, .n = 1, .bytes = { 10 },
      .says = "label 10 of image 0" },
    { "one pixel too many, zipped", .form = THEN_ZIPPED, .add = 1, .says = "longer than" },
    { "last pixel missing, zipped", .form = THEN_ZIPPED, .cut = 1, .says = "truncated" },
    { "zipped data cut", .form = WHEN_ZIPPED, .cut = 12, .says = "truncated" },
    { "zipped checksum cut", .form = WHEN_ZIPPED, .cut = 6, .says = "truncated" },
    { "zipped length cut", .form = WHEN_ZIPPED, .cut = 1, .says = "truncated" },
    { "zipped checksum wrong", .form = WHEN_ZIPPED, .at = -8, .n = 4, .bytes = { 1, 2, 3, 4 },
      .says = "damaged: incorrect data check" },
    { "zipped length wrong", .form = WHEN_ZIPPED, .at = -4, .n = 4, .bytes = { FF, FF, 0, 0 },
      .says = "damaged: incorrect length check" },
    { "bytes after the zipped", .form = WHEN_ZIPPED, .add = 30, .says = "damaged: incorrect header check" },
    { "zipped with a false magic", .form = WHEN_ZIPPED, .n = 1, .bytes = { 0 }, .says = "starts with 00 8b" },
    { "zipped by an unknown method", .form = WHEN_ZIPPED, .at = 2, .n = 1, .bytes = { 9 },
      .says = "damaged: unknown compression method" },
};
enum { DAMAGES = sizeof damages / sizeof *damages };

static size_t spoil(const struct damage *d, uint8_t *bytes, size_t n)
{
    size_t at = d->at < 0 ? n - (size_t)-d->at : (size_t)d->at;
    memcpy(bytes + at, d->bytes, (size_t)d->n);
    n -= d->cut;
    memset(bytes + n, 7, d->add);
    return n + d->add;
}

static void store_damaged(const struct damage *d)
{
    uint8_t bytes[ROOM];
    store_good(d->form != PLAIN);
    const char *path = path_of(d->file, d->form != PLAIN);
    if (d->form == THEN_ZIPPED) {
        memcpy(bytes, d->file == IMAGES ? image_file : label_file,
               d->file == IMAGES ? sizeof image_file : sizeof label_file);
        store_gzipped(path, bytes, spoil(d, bytes, d->file == IMAGES ? sizeof image_file : sizeof label_file));
    } else {
        size_t n = load(path, bytes, sizeof bytes);
        store(path, bytes, spoil(d, bytes, n));
    }
}

static void damaged_sets_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < DAMAGES; i++) {
        const struct damage *d = &damages[i];
        if (d->form != PLAIN && forms < 2) continue;
        store_damaged(d);
        struct cost begin = cost_begin();
        ag_dataset *set = read_set();
        cost_end(begin);
        ag_status status = ag_error();
        if (set || status != AG_EFORMAT || !strstr(ag_errmsg(), d->says) || !strstr(ag_errmsg(), "t10k") ||
            strncmp(ag_errmsg(), "ag_dataset_mnist: ", 18) != 0)
            fail_msg("%s: status %d, \"%s\" where \"%s\" was expected", d->name, (int)status, ag_errmsg(), d->says);
        assert_int_equal(ag_clear_error(), AG_EFORMAT);
    }
}

/* Any type and rank: the first `header` bytes, then n more, of which a long row are zeros. zipped: how many bytes of
 * the compressed file are kept, ALL or that many. */
enum { NOT = 0, ALL = -1 };
static const struct odd {
    int header;
    uint8_t bytes[40];
    size_t n;
    int zipped;
    const char *says;
} odd[] = {
    { 2, { 0, 0 }, 0, NOT, "truncated" },
    { 4, { 0, 0, 8, 0 }, 1, NOT, "starts with 00 00 08 00, not as IDX files" },
    { 4, { 0, 0, 8, 9 }, 36, NOT, "starts with 00 00 08 09" },
    { 4, { 0, 0, 10, 1 }, 8, NOT, "starts with 00 00 0a 01" },
    { 4, { 0, 0, 15, 1 }, 8, NOT, "starts with 00 00 0f 01" },
    { 4, { 0, 0, 0, 1 }, 8, NOT, "starts with 00 00 00 01" },
    { 4, { 0, 1, 8, 1 }, 8, NOT, "starts with 00 01 08 01" },
    { 4, { 0x93, 'N', 'U', 'M' }, 80, NOT, "starts with 93 4e 55 4d" },
    { 4, { 0x1f, 0x8c, 8, 1 }, 8, NOT, "starts with 1f 8c 08 01" },
    { 4, { 'P', 'K', 3, 4 }, 80, NOT, "starts with 50 4b 03 04" },
    { 4, { 0, 0, 8, 1 }, 3, NOT, "truncated" },
    { 8, { 0, 0, 8, 8, 0, 0, 0, 1 }, 27, NOT, "truncated" },
    { 8, { 0, 0, 8, 1, 0, 0, 0, 0 }, 1, NOT, "header asks for 8 bytes, the file has 9" },
    { 8, { 0, 0, 11, 1, 0, 0, 0, 3 }, 5, NOT, "header asks for 14 bytes, the file has 13" },
    { 8, { 0, 0, 12, 1, 0, 0, 0, 2 }, 7, NOT, "header asks for 16 bytes, the file has 15" },
    { 8, { 0, 0, 13, 1, 0, 0, 0, 2 }, 2, NOT, "header asks for 16 bytes, the file has 10" },
    { 8, { 0, 0, 14, 1, 0, 0, 0, 1 }, 9, NOT, "header asks for 16 bytes, the file has 17" },
    { 8, { 0, 0, 9, 1, 0, 0, 1, 0 }, 1, NOT, "header asks for 264 bytes, the file has 9" },
    { 8, { 0, 0, 8, 1, 0, 1, 0, 0 }, 256, NOT, "header asks for 65544 bytes, the file has 264" },
    { 8, { 0, 0, 14, 1, 8, 0, 0, 0 }, 8, NOT, "header asks for 1073741832 bytes" },
    { 8, { 0, 0, 14, 1, 8, 0, 0, 1 }, 8, NOT, "more than 1073741824 bytes" },
    { 8, { 0, 0, 8, 1, 0x80, 0, 0, 0 }, 8, NOT, "more than 1073741824 bytes" },
    { 12, { 0, 0, 8, 2, 0, 1, 0, 0, 0, 1, 0, 0 }, 0, NOT, "more than 1073741824 bytes" },
    { 12, { 0, 0, 8, 2, 0, 0, 0, 0, FF, FF, FF, FF }, 0, NOT, "more than 1073741824 bytes" },
    { 36,
      { 0,  0,  14, 8,  FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF,
        FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF },
      8,
      NOT,
      "more than 1073741824 bytes" },
    { 8, { 0, 0, 8, 1, 0, 0, 0, 9 }, 9, 1, "truncated" },
    { 8, { 0, 0, 8, 1, 0, 0, 0, 9 }, 9, 10, "truncated" },
    { 8, { 0, 0, 8, 1, 0, 0, 0, 9 }, 9, 15, "truncated" },
    { 4, { 0, 0, 8, 1 }, 2, ALL, "truncated" },
    { 0, { 0 }, 0, ALL, "truncated" },
    { 8, { 0, 0, 8, 1, 0, 0, 0, 9 }, 10, ALL, "longer than its header says" },
    { 8, { 0, 0, 8, 1, 0, 0, 0, 0 }, 1, ALL, "longer than its header says" },
    { 8, { 0, 0, 8, 1, 0, 0, 0, 9 }, 8, ALL, "truncated" },
    { 4, { 0, 0, 7, 1 }, 8, ALL, "starts with 00 00 07 01" },
    { 12, { 0, 0, 8, 2, 0, 1, 0, 0, 0, 1, 0, 0 }, 8, ALL, "more than 1073741824 bytes" },
    { 8, { 0, 0, 8, 1, 0, 30, 0, 0 }, 3000, ALL, "truncated" }, /* it could be that long */
    /* bombs: little that promises much, and little that is much */
    { 8, { 0, 0, 8, 1, 0x40, 0, 0, 0 }, 9, ALL, "header asks for 1073741832 bytes, the file has" },
    { 8, { 0, 0, 8, 1, 0, 4, 0, 0 }, 100000, ALL, "header asks for 262152 bytes, the file has" },
    { 8, { 0, 0, 8, 1, 0, 3, 0, 0 }, 196000, ALL, "truncated" },
    { 8, { 0, 0, 8, 1, 0, 0, 0, 5 }, 4000000, ALL, "longer than its header says" },
};
enum { ODD = sizeof odd / sizeof *odd };

static void store_odd(const struct odd *o, const char *path)
{
    size_t n = (size_t)o->header + o->n;
    uint8_t *bytes = malloc(n + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) bytes[i] = n < ROOM ? (uint8_t)(i * i * 40503 >> 11) : 0;
    memcpy(bytes, o->bytes, (size_t)o->header);
    (o->zipped ? store_gzipped : store)(path, bytes, n);
    free(bytes);
    if (o->zipped > 0) assert_int_equal(truncate(path, o->zipped), 0);
}

static void damaged_files_say_how(void **state)
{
    (void)state;
    const char *path = path_of(LABELS, true);
    for (int i = 0; i < ODD; i++) {
        const struct odd *o = &odd[i];
        if (o->zipped && forms < 2) continue;
        store_odd(o, path);
        struct cost begin = cost_begin();
        ag_tensor *x = ag_read_idx(path);
        cost_end(begin);
        if (x || ag_error() != AG_EFORMAT || !strstr(ag_errmsg(), o->says) ||
            strncmp(ag_errmsg(), "ag_read_idx: ", 13) != 0)
            fail_msg("file %d: \"%s\" where \"%s\" was expected", i, x ? "a tensor" : ag_errmsg(), o->says);
        ag_clear_error();
    }
    print_message("# IDX: %d damaged files refused, at most %.2f ms and %zu bytes of memory each\n", worst.files,
                  1e3 * worst.seconds, worst.bytes);
    assert_int_equal(worst.files, forms == 2 ? DAMAGES + ODD : worst.files);
    assert_true(worst.files >= 40 && worst.seconds < 10e-3);
    assert_in_range(worst.bytes, 1, 1 << 20); /* whatever the headers promise */
}

static void a_set_of_nothing_is_refused(void **state)
{
    (void)state;
    uint8_t images[16], labels[8];
    memcpy(images, image_file, sizeof images);
    memcpy(labels, label_file, sizeof labels);
    images[7] = labels[7] = 0;
    remove_all();
    store(path_of(IMAGES, false), images, sizeof images);
    store(path_of(LABELS, false), labels, sizeof labels);
    assert_null(read_set());
    assert_non_null(strstr(ag_errmsg(), "no images"));
    assert_int_equal(ag_clear_error(), AG_EFORMAT);
}

static void assert_unreadable(const char *says)
{
    assert_null(read_set());
    assert_non_null(strstr(ag_errmsg(), says));
    assert_null(strstr(ag_errmsg(), "Debian")); /* who names a directory has data of his own */
    assert_int_equal(ag_clear_error(), AG_EIO);
}

static void absent_files_are_named(void **state)
{
    (void)state;
    remove_all();
    assert_unreadable("t10k-images-idx3-ubyte.gz: No such file");
    store_good(forms == 2);
    remove(path_of(LABELS, forms == 2));
    assert_unreadable("t10k-labels-idx1-ubyte.gz: No such file");
    assert_int_equal(mkdir(path_of(LABELS, false), 0700), 0); /* a directory in its place */
    assert_unreadable("t10k-labels-idx1-ubyte: not a regular file");
    rmdir(path_of(LABELS, false));
    /* and who does not is told where to get them */
    assert_null(ag_dataset_mnist(NULL, "nothing"));
    assert_non_null(strstr(ag_errmsg(), "nothing-images-idx3-ubyte.gz: No such file"));
    assert_non_null(strstr(ag_errmsg(), "apt install dataset-fashion-mnist"));
    assert_int_equal(ag_clear_error(), AG_EIO);
    assert_null(ag_dataset_mnist(dir, NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
}

/* Every cut of each file and every value of every byte: an error, or, where gzip has room for it (in its header, and
 * between the last code and the checksum), the same data. */
static void no_cut_and_no_changed_byte_goes_unseen(void **state)
{
    (void)state;
    for (int gzipped = 0; gzipped < forms; gzipped++) {
        uint8_t good[ROOM], bytes[ROOM];
        store_good(gzipped);
        const char *path = path_of(IMAGES, gzipped);
        size_t n = load(path, good, sizeof good), checked = gzipped ? n : 16;
        for (size_t keep = 0; keep < n; keep++) {
            store(path, good, keep);
            assert_null(read_set());
            assert_int_equal(ag_clear_error(), AG_EFORMAT);
        }
        for (size_t i = 0; i < checked; i++) {
            for (unsigned flip = 1; flip < 256; flip = flip == 1 ? 8 : 2 * flip + 1) {
                memcpy(bytes, good, n);
                bytes[i] ^= (uint8_t)flip;
                store(path, bytes, n);
                ag_dataset *set = read_set();
                if (set)
                    assert_true(gzipped && holds_the_data(set));
                else
                    assert_int_equal(ag_clear_error(), AG_EFORMAT);
                ag_dataset_free(set);
            }
        }
    }
}

static int make_directory(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * PIXELS; i++) image_file[16 + i] = (uint8_t)(i * i / 7);
    const char *base = getenv("TMPDIR");
    int n = snprintf(dir, sizeof dir, "%s/retrograd-idx-XXXXXX", base && strlen(base) < 32 ? base : "/tmp");
    if (n < 0 || !mkdtemp(dir)) return 1;
    store_gzipped(path_of(LABELS, true), label_file, sizeof label_file);
    ag_tensor *x = ag_read_idx(path_of(LABELS, true));
    if (ag_clear_error() == AG_EMISSING) {
        printf("# built without zlib: %s\n", ag_errmsg());
        forms = 1;
    }
    ag_free(x);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    remove_all();
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read),
        cmocka_unit_test(all_types_are_read),
        cmocka_unit_test(joined_members_are_read),
        cmocka_unit_test(a_large_file_is_read),
        cmocka_unit_test(damaged_sets_are_refused),
        cmocka_unit_test(damaged_files_say_how),
        cmocka_unit_test(a_set_of_nothing_is_refused),
        cmocka_unit_test(absent_files_are_named),
        cmocka_unit_test(no_cut_and_no_changed_byte_goes_unseen),
    };
    return cmocka_run_group_tests_name("idx", tests, make_directory, remove_directory);
}
