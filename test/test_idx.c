/* The IDX reader on good files, on a table of damaged ones, and on every cut and every changed byte of a small one. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/data.h>

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

/* The largest block the reader has asked for (the linker passes its calls through here). */
static size_t largest;
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
    if (n * size > largest) largest = n * size;
    return __real_calloc(n, size);
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
    const uint8_t odd[][4] = { { 0, 0, 10, 1 }, { 0, 0, 8, 0 }, { 0, 0, 8, 9 }, { 0, 1, 8, 1 }, { 1, 0, 8, 1 } };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        store(path, odd[i], 4);
        assert_null(ag_read_idx(path));
        assert_non_null(strstr(ag_errmsg(), "not as IDX files"));
        assert_int_equal(ag_clear_error(), AG_EFORMAT);
    }
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
    { "no pixels", .cut = 3 * PIXELS, .says = "truncated" },
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
    { "2^20 images, zipped", .form = THEN_ZIPPED, .at = 5, .n = 1, .bytes = { 16 }, .says = "truncated" },
    { "more images", .at = 7, .n = 1, .bytes = { 4 }, .add = PIXELS, .says = "4 images but 3 labels" },
    { "more labels", .file = LABELS, .at = 7, .n = 1, .bytes = { 4 }, .add = 1, .says = "3 images but 4 labels" },
    { "no images", .at = 7, .n = 1, .cut = 3 * PIXELS, .says = "0 images but 3 labels" },
    { "images of 14x56", .at = 11, .n = 5, .bytes = { 14, 0, 0, 0, 56 }, .says = "images of 14x56 pixels where 28x28" },
    { "images of 0x2^32 - 1", .at = 11, .n = 5, .bytes = { 0, FF, FF, FF, FF }, .cut = 3 * PIXELS,
      .says = "pixels where 28x28" },
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

static void damaged_files_are_refused(void **state)
{
    (void)state;
    largest = 0;
    for (int i = 0; i < DAMAGES; i++) {
        const struct damage *d = &damages[i];
        if (d->form != PLAIN && forms < 2) continue;
        store_damaged(d);
        ag_dataset *set = read_set();
        ag_status status = ag_error();
        if (set || status != AG_EFORMAT || !strstr(ag_errmsg(), d->says) || !strstr(ag_errmsg(), "t10k"))
            fail_msg("%s: status %d, \"%s\" where \"%s\" was expected", d->name, (int)status, ag_errmsg(), d->says);
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
    assert_unreadable("t10k-labels-idx1-ubyte: ");
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
        cmocka_unit_test(good_files_are_read),       cmocka_unit_test(all_types_are_read),
        cmocka_unit_test(joined_members_are_read),   cmocka_unit_test(a_large_file_is_read),
        cmocka_unit_test(damaged_files_are_refused), cmocka_unit_test(a_set_of_nothing_is_refused),
        cmocka_unit_test(absent_files_are_named),    cmocka_unit_test(no_cut_and_no_changed_byte_goes_unseen),
    };
    return cmocka_run_group_tests_name("idx", tests, make_directory, remove_directory);
}
