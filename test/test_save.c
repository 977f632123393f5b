/* Saving and loading as a promise: all or nothing, whatever fails - names that differ, the disk, memory, or the
 * process, killed at random moments. LONG=1 kills 200 times. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <test/files.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- what the library asks of the system passes through here, and fails on demand ---- */

enum call { NONE, ALLOCATE, WRITE, FSYNC, RENAME, READ };
static enum call failing;
static int fail_at, fail_with; /* its fail_at-th call, with this errno; 0: as if the file ended there */
static long live;              /* allocations */
static bool fired, dribble;    /* dribble: a few bytes a call, every other one interrupted */

static bool fails(enum call call)
{
    bool now = call == failing && --fail_at == 0;
    if (now) errno = fail_with;
    fired |= now;
    return now;
}
static size_t part(size_t n)
{
    return dribble && n > 7 ? 7 : n;
}
static bool interrupted(void)
{
    static unsigned turn;
    bool now = dribble && turn++ % 2 == 0;
    if (now) errno = EINTR;
    return now;
}

void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    void *p = fails(ALLOCATE) ? NULL : __real_aligned_alloc(align, n);
    live += p != NULL;
    return p;
}
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
    void *p = __real_malloc(n);
    live += p != NULL;
    return p;
}
void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}
ssize_t __real_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n);
ssize_t __wrap_write(int fd, const void *data, size_t n)
{
    return fails(WRITE) || interrupted() ? -1 : __real_write(fd, data, part(n));
}
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    return fails(FSYNC) ? -1 : __real_fsync(fd);
}
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return fails(RENAME) ? -1 : __real_rename(from, to);
}
ssize_t __real_pread(int fd, void *to, size_t n, off_t from);
ssize_t __wrap_pread(int fd, void *to, size_t n, off_t from);
ssize_t __wrap_pread(int fd, void *to, size_t n, off_t from)
{
    if (fails(READ)) return fail_with ? -1 : 0;
    return interrupted() ? -1 : __real_pread(fd, to, part(n), from);
}

/* ---- a state to be saved ---- */

enum { N = 4 };
static ag_tensor *tensors[N];
static ag_named list[N];

static int make_state(void **state)
{
    (void)state;
    static const char *const names[N] = { "0.weight", "0.bias", "step", "mask" };
    tensors[0] = ag_param(AG_F32, 200, 300), tensors[1] = ag_param(AG_F64, 300);
    tensors[2] = ag_new(AG_I64), tensors[3] = ag_new(AG_U8, 5, 7);
    for (int i = 0; i < N; i++) list[i] = (ag_named){ names[i], tensors[i] };
    return files_setup(state);
}
static int free_state(void **state)
{
    for (int i = 0; i < N; i++) ag_free(tensors[i]);
    return files_teardown(state);
}

static ag_params all(void)
{
    return (ag_params){ list, N };
}

static void fill(double value)
{
    for (int i = 0; i < N; i++) ag_fill(tensors[i], value);
}

/* The number that every element is; -1: they differ. */
static double value_of_all(void)
{
    double first = ag_item(tensors[2]);
    for (int i = 0; i < N; i++) {
        int64_t n = ag_numel(tensors[i]);
        double *v = malloc(sizeof *v * (size_t)n);
        bool same = !ag_read(tensors[i], v, n);
        for (int64_t j = 0; j < n; j++) same &= v[j] == first;
        free(v);
        if (!same) return -1;
    }
    return first;
}

static double value_in(const char *path)
{
    fill(99);
    if (ag_load(path, all())) fail_msg("%s", ag_errmsg());
    return value_of_all();
}

/* ---- names, shapes and types that differ ---- */

static void what_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    const char *path = files_path("fit");
    fill(1);
    assert_int_equal(ag_save(path, all()), AG_OK);
    ag_tape *tape = ag_tape_new();
    ag_tensor *f32 = ag_new(AG_F32, 300), *flat = ag_new(AG_F32, 60000), *turned = ag_new(AG_F32, 300, 200);
    ag_tensor *column = ag_new(AG_F64, 300, 1);
    ag_tensor *passing = ag_zeros(AG_F64, 300);
    const struct {
        ag_named one; /* in the place of list[at] */
        int at, n;
        ag_status status;
        const char *message;
    } cases[] = {
        { { "0.weights", tensors[0] }, 0, N, AG_EMISSING, "no \"0.weights\" in it" },
        { { "0.bia", tensors[1] }, 1, N, AG_EMISSING, "no \"0.bia\" in it" },
        { { "0.bias", f32 }, 1, N, AG_EDTYPE, "\"0.bias\" is f64, to go into f32" },
        { { "0.weight", flat }, 0, N, AG_ESHAPE, "\"0.weight\" is [200,300], to go into [60000]" },
        { { "0.weight", turned }, 0, N, AG_ESHAPE, "\"0.weight\" is [200,300], to go into [300,200]" },
        { { "0.bias", column }, 1, N, AG_ESHAPE, "\"0.bias\" is [300], to go into [300,1]" },
        { { "0.bias", passing }, 1, N, AG_EINVAL, "\"0.bias\" is a temporary" },
        { { "mask", tensors[3] }, 3, N - 1, AG_EMISSING, "holds \"mask\", which is not asked for" },
        { { "step", tensors[2] }, 3, N, AG_EINVAL, "two tensors are named \"step\"" },
        { { "mask", NULL }, 3, N, AG_ENULL, "\"mask\" with no tensor" },
        { { NULL, tensors[3] }, 3, N, AG_ENULL, "\"(NULL)\" with a tensor" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ag_named changed[N];
        memcpy(changed, list, sizeof changed);
        changed[cases[i].at] = cases[i].one;
        fill(2);
        assert_int_equal(ag_load(path, ((ag_params){ changed, cases[i].n })), cases[i].status);
        if (!strstr(ag_errmsg(), cases[i].message)) fail_msg("%s", ag_errmsg());
        ag_clear_error();
        assert_true(value_of_all() == 2);
        assert_true(ag_at(f32, 299) == 0 && ag_at(flat, 59999) == 0 && ag_at(turned, 299, 199) == 0);
    }
    ag_free(f32), ag_free(flat), ag_free(turned), ag_free(column);
    ag_tape_free(tape);
}

static void names_are_checked(void **state)
{
    (void)state;
    static char longest[1026];
    memset(longest, '"', 1025); /* each is two bytes in the file */
    static const char *const bad[] = { "",         "__metadata__", "a\nb",
                                       "\x7f",     "\xff",         "\xc3",
                                       "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                       "\xc2\x9b", "\xe0\x9f\xbf", longest };
    const char *path = files_path("names");
    ag_tensor *w = ag_new(AG_F32, 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ag_save(path, AG_PARAMS({ bad[i], w })), AG_EINVAL);
        assert_non_null(strstr(ag_errmsg(), "ag_save: the name of tensor 0"));
        ag_clear_error();
    }
    assert_int_equal(ag_save(path, AG_PARAMS({ "w", w }), AG_PARAMS({ "v", w }, { "w", w })), AG_EINVAL);
    assert_non_null(strstr(ag_errmsg(), "two tensors are named \"w\""));
    ag_clear_error();
    assert_false(files_exist(path));
    longest[1024] = 0;
    const char *const good[] = { "w", " ", "a.b/c", "\xc2\xa0", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", longest };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (ag_save(path, AG_PARAMS({ good[i], w }))) fail_msg("%s", ag_errmsg());
        if (ag_load(path, AG_PARAMS({ good[i], w }))) fail_msg("%s", ag_errmsg());
    }
    ag_free(w);
}

static void misuse_is_reported(void **state)
{
    (void)state;
    const char *path = files_path("misuse");
    assert_int_equal(ag_save(NULL, all()), AG_ENULL);
    ag_clear_error();
    assert_int_equal(ag_load(NULL, all()), AG_ENULL);
    ag_clear_error();
    assert_null(ag_file_open(NULL));
    assert_int_equal(ag_clear_error(), AG_ENULL);
    assert_int_equal((ag_save)(path, 2, NULL), AG_ENULL);
    ag_clear_error();
    assert_int_equal((ag_save)(path, -1, NULL), AG_EINVAL);
    ag_clear_error();
    assert_int_equal(ag_file_list(NULL).n, 0);
    assert_int_equal(ag_clear_error(), AG_ENULL);
    ag_file_free(NULL);
    ag_tape *tape = ag_tape_new();
    ag_tensor *old = ag_zeros(AG_F32, 3);
    ag_tape_reset(tape);
    assert_int_equal(ag_save(path, AG_PARAMS({ "old", old })), AG_ESTALE);
    ag_clear_error();
    ag_tape_free(tape);
    assert_false(files_exist(path));
}

/* A result that an error spoiled does not replace a good file. */
static void with_an_error_pending_nothing_happens(void **state)
{
    (void)state;
    const char *path = files_path("pending");
    fill(1);
    assert_int_equal(ag_save(path, all()), AG_OK);
    fill(2);
    ag_fail(AG_EUSER, "before");
    assert_int_equal(ag_save(path, all()), AG_EUSER);
    assert_int_equal(ag_load(path, all()), AG_EUSER);
    ag_clear_error();
    assert_true(value_of_all() == 2);
    assert_true(value_in(path) == 1);
}

/* ---- the system fails ---- */

static void a_failed_save_leaves_the_old_file(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int error;
        const char *message;
    } ways[] = {
        { WRITE, ENOSPC, "No space left on device" },
        { WRITE, EIO, "Input/output error" },
        { FSYNC, EIO, "Input/output error" },
        { RENAME, EXDEV, "Invalid cross-device link" },
        { ALLOCATE, 0, "out of memory" },
    };
    const char *path = files_path("old");
    fill(1);
    assert_int_equal(ag_save(path, all()), AG_OK);
    int files = files_count(), sites = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (int k = 1;; k++, sites++) {
            fill(2);
            long before = live;
            failing = ways[i].call, fail_at = k, fail_with = ways[i].error, fired = false;
            ag_status status = ag_save(path, all());
            failing = NONE;
            assert_int_equal(live, before);
            assert_int_equal(files_count(), files); /* no temporary is left */
            if (!fired) {
                assert_int_equal(status, AG_OK);
                assert_true(value_in(path) == 2);
                fill(1);
                assert_int_equal(ag_save(path, all()), AG_OK);
                break;
            }
            assert_int_equal(status, ways[i].call == ALLOCATE ? AG_ENOMEM : AG_EIO);
            assert_non_null(strstr(ag_errmsg(), ways[i].message));
            ag_clear_error();
            /* The last to fail is making the rename itself durable: then the new file is there. */
            assert_true(value_in(path) == (ways[i].call == FSYNC && k == 2 ? 2 : 1));
            fill(1);
            assert_int_equal(ag_save(path, all()), AG_OK);
        }
    print_message("# a save that fails: %d places, the file stays whole in each\n", sites);
    assert_true(sites > 12);
}

static void a_failed_load_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int error;
        const char *message;
    } ways[] = { { READ, EIO, "Input/output error" },
                 { READ, 0, "became shorter while it was read" },
                 { ALLOCATE, 0, "out of memory" } };
    const char *path = files_path("load");
    fill(1);
    assert_int_equal(ag_save(path, all()), AG_OK);
    int sites = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        for (int k = 1, whole = 0;; k++, sites++) { /* loading, then opening */
            fill(2);
            long before = live;
            failing = ways[i].call, fail_at = k, fail_with = ways[i].error, fired = false;
            ag_file *file = whole ? ag_file_open(path) : NULL;
            if (!whole) ag_load(path, all());
            failing = NONE;
            ag_status status = ag_clear_error();
            assert_int_equal(file != NULL, whole && !fired);
            ag_file_free(file);
            assert_int_equal(live, before);
            assert_true(value_of_all() == (fired || whole ? 2 : 1));
            assert_int_equal(status, !fired ? AG_OK : ways[i].call == ALLOCATE ? AG_ENOMEM : AG_EIO);
            if (fired)
                assert_non_null(strstr(ag_errmsg(), ways[i].message));
            else if (whole++)
                break;
            else
                k = 0;
        }
    print_message("# a load that fails: %d places, no tensor changed\n", sites);
    assert_true(sites > 30);
}

static void a_slow_disk_is_waited_for(void **state)
{
    (void)state;
    const char *path = files_path("slow");
    dribble = true;
    fill(5);
    ag_status saved = ag_save(path, all());
    fill(0);
    ag_status loaded = ag_load(path, all());
    dribble = false;
    assert_true(saved == AG_OK && loaded == AG_OK && value_of_all() == 5);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct rlimit was, small;
    const char *path = files_path("full");
    int files = files_count();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){ 100000, was.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ag_status status = ag_save(path, all());
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(status, AG_EIO);
    assert_non_null(strstr(ag_errmsg(), "File too large"));
    ag_clear_error();
    assert_int_equal(files_count(), files);
}

/* Through links, so that a writer which replaces what it should write to replaces a link, not the machine's device. */
static void devices_are_written_to_as_they_are(void **state)
{
    (void)state;
    struct stat about;
    const char *null = files_path("null"), *full = files_path("full");
    assert_int_equal(symlink("/dev/null", null), 0);
    assert_int_equal(symlink("/dev/full", full), 0);
    assert_int_equal(ag_save(null, all()), AG_OK);
    assert_true(!lstat(null, &about) && S_ISLNK(about.st_mode));
    assert_int_equal(ag_save(full, all()), AG_EIO);
    assert_non_null(strstr(ag_errmsg(), "No space left on device"));
    ag_clear_error();
    assert_true(!lstat(full, &about) && S_ISLNK(about.st_mode));
    unlink(null), unlink(full);
}

/* ---- the file itself ---- */

static void places_that_cannot_be_written_are_errors(void **state)
{
    (void)state;
    const char *const paths[] = { files_path("none/x"), files_path(""), "", "/proc/none/x" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        assert_int_equal(ag_save(paths[i], all()), AG_EIO);
        ag_clear_error();
    }
    assert_int_equal(chdir(files_path(".")), 0); /* a name without a folder */
    assert_int_equal(ag_save("here", all()), AG_OK);
    assert_true(files_exist(files_path("here")));
}

static void permissions_are_those_of_any_new_file(void **state)
{
    (void)state;
    const char *path = files_path("mode");
    mode_t was = umask(027);
    ag_status status = ag_save(path, all());
    umask(was);
    struct stat about;
    assert_int_equal(status, AG_OK);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

/* What another process left behind, under the very name that would be used now. */
static void a_left_temporary_is_not_in_the_way(void **state)
{
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "left.%ld-0.tmp", (long)getpid());
    files_store(files_path(name), "half a file", 11);
    fill(3);
    assert_int_equal(ag_save(files_path("left"), all()), AG_OK);
    assert_true(value_in(files_path("left")) == 3);
    size_t n;
    uint8_t *bytes = files_load(files_path(name), &n);
    assert_int_equal(n, 11);
    free(bytes);
    remove(files_path(name));
}

/* ---- kills ---- */

static void save_for_ever(const char *path)
{
    for (int k = 1;; k = 3 - k) {
        fill(k);
        if (ag_save(path, all())) _exit(1);
    }
}

static void sleep_for(double seconds)
{
    nanosleep(&(struct timespec){ 0, (long)(1e9 * seconds) }, NULL);
}

static void a_killed_save_leaves_a_whole_file(void **state)
{
    (void)state;
    const char *path = files_path("killed");
    fill(1);
    assert_int_equal(ag_save(path, all()), AG_OK);
    int kills = getenv("LONG") ? 200 : 30, halfway = 0, seen[3] = { 0 };
    unsigned random = 12345;
    for (int i = 0; i < kills; i++) {
        int files = files_count(), status;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) save_for_ever(path);
        random = random * 1103515245u + 12345u;
        sleep_for(0.001 + 0.02 * (random >> 16 & 0x7fff) / 0x8000);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        halfway += files_count() > files; /* it left its temporary */
        double value = value_in(path);
        if (value != 1 && value != 2) fail_msg("half a file after kill %d", i);
        seen[(int)value]++;
    }
    print_message(
        "# %d kills, %d of them in the middle of a save: the file was the old or the new one, %d and %d times\n", kills,
        halfway, seen[1], seen[2]);
    assert_true(halfway > 0 && seen[1] + seen[2] == kills);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(misuse_is_reported),
        cmocka_unit_test(with_an_error_pending_nothing_happens),
        cmocka_unit_test(a_failed_save_leaves_the_old_file),
        cmocka_unit_test(a_failed_load_changes_nothing),
        cmocka_unit_test(a_slow_disk_is_waited_for),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(devices_are_written_to_as_they_are),
        cmocka_unit_test(places_that_cannot_be_written_are_errors),
        cmocka_unit_test(permissions_are_those_of_any_new_file),
        cmocka_unit_test(a_left_temporary_is_not_in_the_way),
        cmocka_unit_test(a_killed_save_leaves_a_whole_file),
    };
    return cmocka_run_group_tests(tests, make_state, free_state);
}
