/* The IDX reader on good files, on a table of damaged ones, and on every cut and every changed byte of a small one. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <examples/idx.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { IMAGES, LABELS, ROWS = 2, COLUMNS = 2, CLASSES = 10 };

/* Three images of 2x2 pixels and their labels. */
static const uint8_t image_file[] = { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2,   0,   0,
                                      0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 253, 254, 255 };
static const uint8_t label_file[] = { 0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 5 };

static char dir[64];

/* The largest block the reader has asked for (the linker passes its calls through here). */
static size_t largest;
void *__real_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_realloc(void *block, size_t size)
{
    if (size > largest) largest = size;
    return __real_realloc(block, size);
}

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

static ag_status read_set(idx_set *set)
{
    return idx_read_set(set, dir, "t10k", ROWS, COLUMNS, CLASSES);
}

static bool holds_the_data(const idx_set *set)
{
    return set->n == 3 && ag_rank(set->images) == 3 && ag_size(set->images, 1) == ROWS &&
           ag_size(set->images, 2) == COLUMNS && !memcmp(ag_u8(set->images), image_file + 16, 12) &&
           ag_numel(set->labels) == 3 && !memcmp(ag_u8(set->labels), label_file + 8, 3);
}

static void good_files_are_read(void **state)
{
    (void)state;
    for (int gzipped = 0; gzipped < 2; gzipped++) {
        idx_set set;
        store_good(gzipped);
        assert_int_equal(read_set(&set), AG_OK);
        assert_true(holds_the_data(&set));
        assert_true(ag_is_mine(set.images) && ag_is_mine(set.labels));
        idx_free_set(&set);
    }
}

/* gzip files may be joined: the contents are, too. */
static void joined_members_are_read(void **state)
{
    (void)state;
    uint8_t bytes[256];
    const char *path = path_of(LABELS, true);
    store_gzipped(path, label_file, 5);
    size_t n = load(path, bytes, sizeof bytes);
    store_gzipped(path, label_file + 5, sizeof label_file - 5);
    n += load(path, bytes + n, sizeof bytes - n);
    store(path, bytes, n);
    ag_tensor *x = idx_read(path, 1);
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
    for (int gzipped = 0; gzipped < 2; gzipped++) {
        const char *path = path_of(LABELS, gzipped);
        (gzipped ? store_gzipped : store)(path, bytes, 8 + N);
        ag_tensor *x = idx_read(path, 1);
        assert_int_equal(ag_numel(x), N);
        assert_memory_equal(ag_u8(x), bytes + 8, N);
        ag_free(x);
    }
    /* Here the end of the data is not read before it is asked for. */
    const char *path = path_of(LABELS, true);
    size_t n = load(path, bytes, 8 + N);
    for (size_t cut = 1; cut < 9; cut++) {
        store(path, bytes, n - cut);
        assert_null(idx_read(path, 1));
        assert_int_equal(ag_clear_error(), AG_EFORMAT);
    }
    bytes[n - 8] ^= 1; /* the checksum */
    store(path, bytes, n);
    assert_null(idx_read(path, 1));
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
    { "no pixels", .cut = 12, .says = "truncated" },
    { "last pixel missing", .cut = 1, .says = "truncated" },
    { "last label missing", .file = LABELS, .cut = 1, .says = "truncated" },
    { "one pixel too many", .add = 1, .says = "longer than" },
    { "one label too many", .file = LABELS, .add = 1, .says = "longer than" },
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
    { "2^30 labels", .file = LABELS, .at = 4, .n = 4, .bytes = { 64, 0, 0, 0 }, .says = "truncated" },
    { "2^27 images, zipped", .form = THEN_ZIPPED, .at = 4, .n = 1, .bytes = { 8 }, .says = "truncated" },
    { "more images", .at = 7, .n = 1, .bytes = { 4 }, .add = 4, .says = "4 images but 3 labels" },
    { "more labels", .file = LABELS, .at = 7, .n = 1, .bytes = { 4 }, .add = 1, .says = "3 images but 4 labels" },
    { "no images", .at = 7, .n = 1, .cut = 12, .says = "0 images but 3 labels" },
    { "images of 1x4", .at = 11, .n = 5, .bytes = { 1, 0, 0, 0, 4 }, .says = "images of 1x4 pixels where 2x2" },
    { "images of 0x2^32 - 1", .at = 11, .n = 5, .bytes = { 0, FF, FF, FF, FF }, .cut = 12, .says = "pixels where 2x2" },
    { "label 10", .file = LABELS, .at = 9, .n = 1, .bytes = { 10 }, .says = "label 10 of image 1" },
    { "label 255", .file = LABELS, .at = 10, .n = 1, .bytes = { FF }, .says = "label 255 of image 2" },
    { "label 10, zipped", .file = LABELS, .form = THEN_ZIPPED, .at = 8, .n = 1, .bytes = { 10 },
      .says = "label 10 of image 0" },
    { "one pixel too many, zipped", .form = THEN_ZIPPED, .add = 1, .says = "longer than" },
    { "last pixel missing, zipped", .form = THEN_ZIPPED, .cut = 1, .says = "truncated" },
    { "zipped data cut", .form = WHEN_ZIPPED, .cut = 12, .says = "truncated" },
    { "zipped checksum cut", .form = WHEN_ZIPPED, .cut = 6, .says = "truncated" },
    { "zipped length cut", .form = WHEN_ZIPPED, .cut = 1, .says = "truncated" },
    { "zipped checksum wrong", .form = WHEN_ZIPPED, .at = -8, .n = 4, .bytes = { 1, 2, 3, 4 }, .says = "damaged" },
    { "zipped length wrong", .form = WHEN_ZIPPED, .at = -4, .n = 4, .bytes = { FF, FF, 0, 0 }, .says = "damaged" },
    { "bytes after the zipped", .form = WHEN_ZIPPED, .add = 30, .says = "damaged" },
    { "zipped with a false magic", .form = WHEN_ZIPPED, .n = 1, .bytes = { 0 }, .says = "starts with 00 8b" },
    { "zipped by an unknown method", .form = WHEN_ZIPPED, .at = 2, .n = 1, .bytes = { 9 }, .says = "damaged" },
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
    uint8_t bytes[256];
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

static void damaged_files_are_refused(void **state)
{
    (void)state;
    largest = 0;
    for (int i = 0; i < DAMAGES; i++) {
        const struct damage *d = &damages[i];
        store_damaged(d);
        idx_set set;
        ag_status status = read_set(&set);
        if (status != AG_EFORMAT || !strstr(ag_errmsg(), d->says) || !strstr(ag_errmsg(), "t10k"))
            fail_msg("%s: status %d, \"%s\" where \"%s\" was expected", d->name, (int)status, ag_errmsg(), d->says);
        assert_true(!set.images && !set.labels && set.n == 0);
        assert_int_equal(ag_clear_error(), AG_EFORMAT);
    }
    assert_in_range(largest, 1, 1 << 17); /* whatever the headers promise */
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
    idx_set set;
    assert_int_equal(read_set(&set), AG_EFORMAT);
    assert_non_null(strstr(ag_errmsg(), "no images"));
    ag_clear_error();
}

static void absent_files_are_named(void **state)
{
    (void)state;
    idx_set set;
    remove_all();
    assert_int_equal(read_set(&set), AG_EIO);
    assert_non_null(strstr(ag_errmsg(), "t10k-images-idx3-ubyte.gz: No such file"));
    ag_clear_error();

    store_good(true);
    remove(path_of(LABELS, true));
    assert_int_equal(read_set(&set), AG_EIO);
    assert_non_null(strstr(ag_errmsg(), "t10k-labels-idx1-ubyte.gz: No such file"));
    assert_true(!set.images && !set.labels);
    ag_clear_error();

    assert_int_equal(mkdir(path_of(LABELS, false), 0700), 0); /* a directory in its place */
    assert_int_equal(read_set(&set), AG_EIO);
    assert_non_null(strstr(ag_errmsg(), "t10k-labels-idx1-ubyte: "));
    ag_clear_error();
    rmdir(path_of(LABELS, false));
}

static void a_wrong_rank_is_refused(void **state)
{
    (void)state;
    store_good(false);
    for (int rank = -1; rank <= 4; rank += 5) {
        assert_null(idx_read(path_of(IMAGES, false), rank));
        assert_int_equal(ag_clear_error(), AG_EINVAL);
    }
}

/* Every cut of each file and every value of every byte: an error, or, where gzip's header has room for it, the same
 * data. */
static void no_cut_and_no_changed_byte_goes_unseen(void **state)
{
    (void)state;
    for (int gzipped = 0; gzipped < 2; gzipped++) {
        uint8_t good[256], bytes[256];
        idx_set set;
        store_good(gzipped);
        const char *path = path_of(IMAGES, gzipped);
        size_t n = load(path, good, sizeof good), checked = gzipped ? n : 16;
        for (size_t keep = 0; keep < n; keep++) {
            store(path, good, keep);
            assert_int_equal(read_set(&set), AG_EFORMAT);
            ag_clear_error();
        }
        for (size_t i = 0; i < checked; i++) {
            for (unsigned flip = 1; flip < 256; flip = flip == 1 ? 8 : 2 * flip + 1) {
                memcpy(bytes, good, n);
                bytes[i] ^= (uint8_t)flip;
                store(path, bytes, n);
                if (read_set(&set))
                    assert_int_equal(ag_clear_error(), AG_EFORMAT);
                else
                    assert_true(gzipped && i < 10 && holds_the_data(&set));
                idx_free_set(&set);
            }
        }
    }
}

static int make_directory(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    int n = snprintf(dir, sizeof dir, "%s/retrograd-idx-XXXXXX", base && strlen(base) < 32 ? base : "/tmp");
    return n < 0 || !mkdtemp(dir);
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
        cmocka_unit_test(good_files_are_read),         cmocka_unit_test(joined_members_are_read),
        cmocka_unit_test(a_large_file_is_read),        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(a_set_of_nothing_is_refused), cmocka_unit_test(absent_files_are_named),
        cmocka_unit_test(a_wrong_rank_is_refused),     cmocka_unit_test(no_cut_and_no_changed_byte_goes_unseen),
    };
    return cmocka_run_group_tests_name("idx", tests, make_directory, remove_directory);
}
