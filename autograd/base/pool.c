/* pool.c - see pool.h.
 *
 * The job at hand lies in `pool`. Its ticket is a number of the job and the range of its pieces that nobody has
 * claimed: a claim is one compare-and-swap, which succeeds only while that very job is on, so that a worker that comes
 * late, or sleeps through many jobs, takes no part in what it has not seen. Whoever claimed pieces adds their number to
 * `ended` when it finds no more. The owner claims from the front and workers from behind, so that from job to job much
 * of the same data stays with the same core. */
#define _GNU_SOURCE /* sched_getaffinity */
#include <autograd/base/pool.h>
#include <autograd/threads.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_THREADS = 256,
    STACK = 1 << 20,
    SPIN_OWNER = 20000, /* nanoseconds */
    SPIN_WORKER = 100000,
    SLACK = 10000,    /* a loss so small is none */
    CREDIT = 1000000, /* so much of what was gained is set against losses */
    LEAST_FACTOR = 16,
    MOST_FACTOR = 256,
    BITS = 20 /* of each end of a ticket's range */
};

static struct {
    pthread_mutex_t owner; /* held by the thread whose job it is; guards worker and n_worker */
    pthread_t worker[MOST_THREADS - 1];
    int n_worker;
    int cores; /* known before the first worker starts */
    int64_t balance, factor;
    _Atomic int64_t debt; /* nanoseconds of work to be done without workers, see account */
    _Atomic int threads;  /* wanted; 0: the default is not known yet */
    _Atomic int limit;    /* worker k ends when k >= limit */

    _Alignas(64) _Atomic uint64_t ticket;
    ag__piece_fn *_Atomic f;
    void *_Atomic context;
    _Atomic int64_t pieces;
    _Atomic int cpu; /* where the owner was */
    _Alignas(64) _Atomic int64_t ended;

    pthread_mutex_t lock;      /* of the two conditions */
    pthread_cond_t work, rest; /* there is a job; its last piece has ended */
    _Atomic int sleeping;      /* workers that wait for `work` */
    _Atomic bool owner_sleeps; /* waits for `rest` */
} pool = { .factor = LEAST_FACTOR,
           .owner = PTHREAD_MUTEX_INITIALIZER,
           .lock = PTHREAD_MUTEX_INITIALIZER,
           .work = PTHREAD_COND_INITIALIZER,
           .rest = PTHREAD_COND_INITIALIZER };

_Atomic bool ag__share_always;
static _Thread_local bool inside; /* a piece is running on this thread */

/* ---- how many --------------------------------------------------------------------------------------------------- */

static int cores(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n < MOST_THREADS ? (int)n : MOST_THREADS;
}

static int default_threads(void)
{
    const char *text = getenv("AG_THREADS");
    char *end;
    long n = text ? strtol(text, &end, 10) : 0;
    if (n >= 1 && n <= MOST_THREADS && !*end) return (int)n;
    int all = cores();
    return all < MOST_THREADS ? all : MOST_THREADS;
}

int ag_threads(void)
{
    int n = atomic_load(&pool.threads);
    if (n) return n;
    int standard = default_threads();
    return atomic_compare_exchange_strong(&pool.threads, &n, standard) ? standard : n;
}

ag_status ag_set_threads(int n)
{
    if (n < 0 || n > MOST_THREADS)
        return ag_fail(AG_EINVAL, "ag_set_threads: %d threads asked for; it may be 1 to %d, or 0 for the default", n,
                       MOST_THREADS);
    atomic_store(&pool.threads, n ? n : default_threads());
    return ag_error();
}

/* ---- pieces ----------------------------------------------------------------------------------------------------- */

struct job {
    ag__piece_fn *f;
    void *context;
    int64_t pieces;
};

static int64_t front_of(uint64_t ticket)
{
    return (int64_t)(ticket >> BITS & ((1u << BITS) - 1));
}
static int64_t back_of(uint64_t ticket)
{
    return (int64_t)(ticket & ((1u << BITS) - 1));
}
static uint64_t number_of(uint64_t ticket)
{
    return ticket >> 2 * BITS;
}

/* What is read before the exchange belongs to the ticket's job if that succeeds: the next job is written only after the
 * last piece of this one was claimed. */
static bool claim(struct job *j, bool owner, int64_t *piece)
{
    uint64_t ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    while (front_of(ticket) < back_of(ticket)) {
        j->f = atomic_load_explicit(&pool.f, memory_order_relaxed);
        j->context = atomic_load_explicit(&pool.context, memory_order_relaxed);
        j->pieces = atomic_load_explicit(&pool.pieces, memory_order_relaxed);
        uint64_t rest = owner ? ticket + (1u << BITS) : ticket - 1;
        *piece = owner ? front_of(ticket) : back_of(ticket) - 1;
        if (atomic_compare_exchange_weak_explicit(&pool.ticket, &ticket, rest, memory_order_acq_rel,
                                                  memory_order_acquire))
            return true;
    }
    return false;
}

/* Runs what it can claim; true if the job's last piece has ended by that. */
static bool take_part(bool owner, int64_t *mine)
{
    struct job j = { .f = NULL };
    int64_t piece;
    inside = true;
    for (*mine = 0; claim(&j, owner, &piece); ++*mine) j.f(j.context, piece);
    inside = false;
    return *mine && atomic_fetch_add(&pool.ended, *mine) + *mine == j.pieces;
}

static bool has_pieces(void)
{
    uint64_t ticket = atomic_load(&pool.ticket);
    return front_of(ticket) < back_of(ticket);
}
static bool all_ended(void)
{
    return atomic_load(&pool.ended) == atomic_load(&pool.pieces);
}

/* Does a worker stand in its owner's way? */
static bool in_the_way(void)
{
#ifdef __linux__
    return sched_getcpu() == atomic_load_explicit(&pool.cpu, memory_order_relaxed) && !ag__share_always;
#else
    return false;
#endif
}

static int64_t nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Waits for a short while without sleeping, if there is a core for each thread. */
static bool spin(bool (*done)(void), int64_t ns)
{
    if (ag_threads() > pool.cores) return done();
    for (int64_t end = nanoseconds() + ns; nanoseconds() < end;) {
        for (int i = 0; i < 32; i++) {
            if (done()) return true;
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#endif
        }
    }
    return false;
}

/* ---- workers ---------------------------------------------------------------------------------------------------- */

/* Having held the lock once, whoever saw no reason to stay awake before is asleep now. */
static void wake(pthread_cond_t *condition, int (*signal_to)(pthread_cond_t *))
{
    pthread_mutex_lock(&pool.lock);
    pthread_mutex_unlock(&pool.lock);
    signal_to(condition);
}

/* One worker; it wakes the next one, if there is still something to do. */
static void wake_one(void)
{
    if (atomic_load(&pool.sleeping) && has_pieces()) wake(&pool.work, pthread_cond_signal);
}

/* Is there something to do for worker `me`, or is it to end? It leaves the job numbered `passed` to others. */
static bool called(int me, uint64_t passed)
{
    uint64_t ticket = atomic_load(&pool.ticket);
    bool pieces = front_of(ticket) < back_of(ticket);
    return (pieces && number_of(ticket) != passed) || me >= atomic_load(&pool.limit);
}

static void *worker(void *number)
{
    int me = (int)(intptr_t)number;
    uint64_t passed = UINT64_MAX;
    int64_t mine;
    while (me < atomic_load(&pool.limit)) {
        if (in_the_way()) {
            passed = number_of(atomic_load(&pool.ticket));
        } else {
            if (take_part(false, &mine) && atomic_load(&pool.owner_sleeps)) wake(&pool.rest, pthread_cond_signal);
            if (spin(has_pieces, SPIN_WORKER)) continue;
        }
        pthread_mutex_lock(&pool.lock);
        atomic_fetch_add(&pool.sleeping, 1);
        while (!called(me, passed)) pthread_cond_wait(&pool.work, &pool.lock);
        atomic_fetch_sub(&pool.sleeping, 1);
        pthread_mutex_unlock(&pool.lock);
        wake_one();
    }
    return NULL;
}

/* Ends the workers from number n on. The caller holds `owner`. */
static void keep(int n)
{
    if (pool.n_worker <= n) return;
    atomic_store(&pool.limit, n);
    wake(&pool.work, pthread_cond_broadcast);
    while (pool.n_worker > n) pthread_join(pool.worker[--pool.n_worker], NULL);
}

static void at_exit(void)
{
    atomic_store(&pool.threads, 1);
    if (inside) return;
    pthread_mutex_lock(&pool.owner);
    keep(0);
    pthread_mutex_unlock(&pool.owner);
}

static void before_fork(void)
{
    pthread_mutex_lock(&pool.lock);
}
static void after_fork(void)
{
    pthread_mutex_unlock(&pool.lock);
}
/* The workers, and a job of another thread, stayed behind. */
static void in_child(void)
{
    pthread_mutex_init(&pool.owner, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.work, NULL);
    pthread_cond_init(&pool.rest, NULL);
    atomic_store(&pool.ticket, 0);
    atomic_store(&pool.sleeping, 0);
    atomic_store(&pool.owner_sleeps, false);
    pool.n_worker = 0;
}

static bool prepared;
static void prepare(void)
{
    pool.cores = cores();
    prepared = !atexit(at_exit) && !pthread_atfork(before_fork, after_fork, in_child);
}

/* Starts workers until there are n, or the system gives no more. Signals stay with the user's threads. */
static void start(int n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_attr_t attributes;
    sigset_t all, before;
    if (pthread_once(&once, prepare) || !prepared || pthread_attr_init(&attributes)) return;
    pthread_attr_setstacksize(&attributes, STACK);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&pool.limit, n);
    while (pool.n_worker < n &&
           !pthread_create(&pool.worker[pool.n_worker], &attributes, worker, (void *)(intptr_t)pool.n_worker))
        pool.n_worker++;
    if (pool.n_worker < n) atomic_store(&pool.threads, pool.n_worker + 1); /* asking again would take time */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

/* ---- a job ------------------------------------------------------------------------------------------------------ */

static void wait_for_rest(void)
{
    if (spin(all_ended, SPIN_OWNER)) return;
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.owner_sleeps, true);
    while (!all_ended()) pthread_cond_wait(&pool.rest, &pool.lock);
    atomic_store(&pool.owner_sleeps, false);
    pthread_mutex_unlock(&pool.lock);
}

static int64_t share(int64_t pieces, ag__piece_fn *f, void *context)
{
    int64_t from = nanoseconds(), mine;
    atomic_store_explicit(&pool.f, f, memory_order_relaxed);
    atomic_store_explicit(&pool.context, context, memory_order_relaxed);
    atomic_store_explicit(&pool.pieces, pieces, memory_order_relaxed);
    atomic_store_explicit(&pool.ended, 0, memory_order_relaxed);
#ifdef __linux__
    atomic_store_explicit(&pool.cpu, sched_getcpu(), memory_order_relaxed);
#endif
    uint64_t number = number_of(atomic_load_explicit(&pool.ticket, memory_order_relaxed)) + 1;
    atomic_store(&pool.ticket, number << 2 * BITS | (uint64_t)pieces);
    wake_one();
    int64_t begun = nanoseconds();
    bool ended = take_part(true, &mine);
    int64_t own = nanoseconds() - begun;
    if (!ended) wait_for_rest();
    return mine ? nanoseconds() - from - own / mine * pieces : 0;
}

static void alone(int64_t pieces, ag__piece_fn *f, void *context)
{
    for (int64_t piece = 0; piece < pieces; piece++) f(context, piece);
}

/* What another process does to the cores can make sharing slower than not sharing: a worker woken for nothing, a piece
 * that its worker left lying. What was lost, as the caller's own pieces tell, and not gained shortly before, is
 * followed by many times as much work without workers, more from loss to loss, so that losses stay small beside the
 * rest. */
static void account(int64_t loss)
{
    pool.balance -= loss;
    if (pool.balance > CREDIT) pool.balance = CREDIT;
    if (pool.balance < 0) {
        pool.debt = -pool.balance * pool.factor;
        pool.balance = 0;
        pool.factor = pool.factor < MOST_FACTOR ? 2 * pool.factor : MOST_FACTOR;
    } else if (loss < 0)
        pool.factor = LEAST_FACTOR;
}

static void owned(int threads, int64_t pieces, ag__piece_fn *f, void *context)
{
    int wanted = pieces < threads ? (int)pieces - 1 : threads - 1;
    keep(threads - 1);
    if (pool.n_worker < wanted) start(wanted);
    if (pool.debt > 0) {
        int64_t from = nanoseconds();
        alone(pieces, f, context);
        pool.debt -= nanoseconds() - from;
        return;
    }
    int64_t loss = share(pieces, f, context);
    if (!ag__share_always) account(loss < 0 ? loss : loss < SLACK ? 0 : loss - SLACK);
}

int ag__sharers(void)
{
    return inside || atomic_load_explicit(&pool.debt, memory_order_relaxed) > 0 ? 1 : ag_threads();
}

void ag__parallel(int64_t pieces, ag__piece_fn *f, void *context)
{
    bool counts = pieces > 1 || (pieces == 1 && atomic_load_explicit(&pool.debt, memory_order_relaxed) > 0);
    int threads = counts && !inside ? ag_threads() : 1;
    if (threads > 1 && pieces < 1 << BITS && !pthread_mutex_trylock(&pool.owner)) {
        owned(threads, pieces, f, context);
        pthread_mutex_unlock(&pool.owner);
    } else {
        alone(pieces, f, context);
    }
}

ag_status ag_parallel_for(int64_t pieces, ag_piece_fn *f, void *context)
{
    if (!f) return ag_fail(AG_ENULL, "ag_parallel_for: f is NULL");
    if (pieces < 0) return ag_fail(AG_EINVAL, "ag_parallel_for: %lld pieces", (long long)pieces);
    ag__parallel(pieces, f, context);
    return ag_error();
}
