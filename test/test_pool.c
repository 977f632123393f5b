/* The pool of workers: every piece once, nothing but pieces, and no workers where none are wanted. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <autograd/base/pool.h>

#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

/* Threads of this process, those of a sanitizer included. */
static int threads_alive(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    if (!d) return -1;
    for (const struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void busy(int64_t ns)
{
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    do clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - from.tv_sec) * INT64_C(1000000000) + now.tv_nsec - from.tv_nsec < ns);
}

/* ---- every piece once ------------------------------------------------------------------------------------------- */

enum { MOST_PIECES = 1000 };
struct count {
    int times[MOST_PIECES]; /* plain: a piece is one thread's, and its end is seen by the caller */
    int64_t ns;
};
static void count_piece(void *context, int64_t piece)
{
    struct count *c = context;
    c->times[piece]++;
    if (c->ns) busy(c->ns);
}

static void every_piece_once(void **state)
{
    (void)state;
    const int threads[] = { 1, 2, 3, 4, 8, 16 };
    static struct count c;
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
        assert_int_equal(ag_set_threads(threads[k]), AG_OK);
        assert_int_equal(ag_threads(), threads[k]);
        for (int pieces = 0; pieces <= MOST_PIECES; pieces = pieces < 20 ? pieces + 1 : pieces * 7) {
            memset(&c, 0, sizeof c);
            c.ns = pieces < 20 ? 1000 : 0;
            for (int round = 0; round < 50; round++) ag__parallel(pieces, count_piece, &c);
            for (int i = 0; i < MOST_PIECES; i++) assert_int_equal(c.times[i], i < pieces ? 50 : 0);
        }
    }
}

/* Jobs of different functions, contexts and sizes one right behind the other: a late worker takes none for another. */
static void add_piece(void *context, int64_t piece)
{
    atomic_fetch_add((_Atomic int64_t *)context, piece + 1);
}
static void sub_piece(void *context, int64_t piece)
{
    atomic_fetch_sub((_Atomic int64_t *)context, piece + 1);
}
static void jobs_do_not_mix(void **state)
{
    (void)state;
    ag_set_threads(4);
    for (int64_t round = 0; round < 20000; round++) {
        _Atomic int64_t sum = 0;
        int64_t pieces = 2 + round % 5;
        ag__parallel(pieces, round % 2 ? add_piece : sub_piece, (void *)&sum);
        assert_int_equal(sum, (round % 2 ? 1 : -1) * pieces * (pieces + 1) / 2);
    }
}

/* ---- who takes part --------------------------------------------------------------------------------------------- */

struct seen {
    pthread_t by[8];
    struct count inner[8];
};
static void nested(void *context, int64_t piece)
{
    struct seen *s = context;
    s->by[piece] = pthread_self();
    ag__parallel(8, count_piece, &s->inner[piece]);
    busy(200000);
}

static void nested_work_is_the_callers(void **state)
{
    (void)state;
    static struct seen s;
    ag_set_threads(4);
    ag__parallel(8, nested, &s);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k++) assert_int_equal(s.inner[i].times[k], 1);
}

/* With pieces that take longer than a worker needs to wake, workers come. */
static void workers_help(void **state)
{
    (void)state;
    static struct seen s;
    ag_set_threads(0);
    if (ag_threads() == 1) skip(); /* one core */
    int others = 0;
    for (int round = 0; round < 10000 && !others; round++) {
        ag__parallel(8, nested, &s);
        for (int i = 0; i < 8; i++) others += !pthread_equal(s.by[i], pthread_self());
    }
    assert_true(others > 0);
}

struct slow {
    pthread_t caller;
    int ended[8];
};
static void slow_piece(void *context, int64_t piece)
{
    struct slow *s = context;
    busy(pthread_equal(s->caller, pthread_self()) ? 20000 : 500000);
    s->ended[piece] = 1;
}

/* However long a worker takes. */
static void the_caller_waits(void **state)
{
    (void)state;
    ag_set_threads(3);
    for (int round = 0; round < 50; round++) {
        struct slow s = { .caller = pthread_self() };
        ag__parallel(8, slow_piece, &s);
        for (int i = 0; i < 8; i++) assert_int_equal(s.ended[i], 1);
    }
}

static void one_thread_is_the_caller(void **state)
{
    (void)state;
    static struct seen s;
    ag_set_threads(1);
    ag__parallel(8, nested, &s);
    for (int i = 0; i < 8; i++) assert_true(pthread_equal(s.by[i], pthread_self()));
}

/* Surplus workers end with the next job; asked for again, they are there again. */
static void the_number_follows(void **state)
{
    (void)state;
    static struct count c;
    ag_set_threads(2);
    ag__parallel(8, count_piece, &c);
    int two = threads_alive();
    if (two < 0) skip();
    ag_set_threads(5);
    ag__parallel(8, count_piece, &c);
    assert_int_equal(threads_alive(), two + 3);
    ag_set_threads(3);
    ag__parallel(8, count_piece, &c);
    assert_int_equal(threads_alive(), two + 1);
    ag_set_threads(2);
    ag__parallel(8, count_piece, &c);
    assert_int_equal(threads_alive(), two);
}

static void *user(void *context)
{
    for (int round = 0; round < 300; round++) ag__parallel(10, count_piece, context);
    return NULL;
}
/* One of them has the pool at a time; the others don't wait for it. */
static void users_share_the_pool(void **state)
{
    (void)state;
    enum { USERS = 6 };
    static struct count c[USERS];
    pthread_t t[USERS];
    ag_set_threads(3);
    for (int i = 0; i < USERS; i++) assert_int_equal(pthread_create(&t[i], NULL, user, &c[i]), 0);
    for (int i = 0; i < USERS; i++) pthread_join(t[i], NULL);
    for (int i = 0; i < USERS; i++)
        for (int k = 0; k < 10; k++) assert_int_equal(c[i].times[k], 300);
}

/* ---- processes -------------------------------------------------------------------------------------------------- */

/* Runs f in a child; its exit status. */
static int in_child(int (*f)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) _exit(f());
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static int works_in_child(void)
{
    static struct count c;
    memset(&c, 0, sizeof c);
    if (threads_alive() != 1) return 2;
    c.ns = 20000;
    for (int round = 0; round < 20; round++) ag__parallel(10, count_piece, &c);
    for (int i = 0; i < 10; i++)
        if (c.times[i] != 20) return 3;
    return threads_alive() < 2 ? 4 : 0;
}

static void *fork_now_and_then(void *status)
{
    for (int i = 0; i < 5; i++) *(int *)status |= in_child(works_in_child);
    return NULL;
}

static void a_fork_starts_anew(void **state)
{
    (void)state;
#ifdef TSAN
    skip(); /* it allows no threads after the fork of a process that has some */
#endif
    ag_set_threads(3);
    static struct count c;
    ag__parallel(10, count_piece, &c);
    assert_int_equal(in_child(works_in_child), 0);
    int status = 0;
    pthread_t t; /* while this thread has the pool, most of the time */
    assert_int_equal(pthread_create(&t, NULL, fork_now_and_then, &status), 0);
    for (int round = 0; round < 2000; round++) ag__parallel(10, count_piece, &c);
    pthread_join(t, NULL);
    assert_int_equal(status, 0);
}

static int default_is_three(void)
{
    return ag_set_threads(0) || ag_threads() != 3;
}
static int default_is_all(void)
{
    return ag_set_threads(0) || ag_threads() < 1 || ag_threads() > sysconf(_SC_NPROCESSORS_CONF);
}
static void the_default(void **state)
{
    (void)state;
    setenv("AG_THREADS", "3", 1);
    assert_int_equal(in_child(default_is_three), 0);
    const char *const nonsense[] = { "", "0", "-1", "2x", "257", "99999999999999999999" };
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        setenv("AG_THREADS", nonsense[i], 1);
        assert_int_equal(in_child(default_is_all), 0);
    }
    unsetenv("AG_THREADS");
    assert_int_equal(in_child(default_is_all), 0);
}

/* ---- the public side -------------------------------------------------------------------------------------------- */

static void misuse(void **state)
{
    (void)state;
    static struct count c;
    ag_set_threads(2);
    assert_int_equal(ag_set_threads(-1), AG_EINVAL);
    assert_string_equal(ag_errmsg(), "ag_set_threads: -1 threads asked for; it may be 1 to 256, or 0 for the default");
    ag_clear_error();
    assert_int_equal(ag_set_threads(257), AG_EINVAL);
    ag_clear_error();
    assert_int_equal(ag_threads(), 2);
    assert_int_equal(ag_parallel_for(4, NULL, NULL), AG_ENULL);
    ag_clear_error();
    assert_int_equal(ag_parallel_for(-1, count_piece, &c), AG_EINVAL);
    assert_string_equal(ag_errmsg(), "ag_parallel_for: -1 pieces");
    ag_clear_error();
    assert_int_equal(ag_parallel_for(0, count_piece, &c), AG_OK);
    assert_int_equal(ag_parallel_for(4, count_piece, &c), AG_OK);
    for (int i = 0; i < 4; i++) assert_int_equal(c.times[i], 1);
}

/* Scalars never start a thread. */
static int scalars_only(void)
{
    int before = threads_alive(); /* a sanitizer has one of its own */
    ag_tape *tape = ag_tape_new();
    ag_scalar x = ag_input(2.0), y = ag_mul(x, ag_sin(x));
    ag_backward(y);
    double dy = ag_adjoint(x);
    ag_tape_free(tape);
    return dy == 0 || threads_alive() > before;
}
static void scalars_start_no_thread(void **state)
{
    (void)state;
    assert_int_equal(in_child(scalars_only), 0);
}

int main(void)
{
    ag__share_always = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_start_no_thread),    cmocka_unit_test(the_default),
        cmocka_unit_test(every_piece_once),           cmocka_unit_test(jobs_do_not_mix),
        cmocka_unit_test(nested_work_is_the_callers), cmocka_unit_test(workers_help),
        cmocka_unit_test(the_caller_waits),           cmocka_unit_test(one_thread_is_the_caller),
        cmocka_unit_test(the_number_follows),         cmocka_unit_test(users_share_the_pool),
        cmocka_unit_test(a_fork_starts_anew),         cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
