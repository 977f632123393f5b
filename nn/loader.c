/* loader.c - batches of a data set, epoch after epoch. */
#include <nn/private/data.h>
#include <nn/private/memory.h>

enum { SEED, EPOCH, BATCH, N_STATE };
/* Far below what the generator's counter has room for: see order_epoch. */
enum { MAX_EPOCH = INT32_MAX };

struct ag_loader {
    ag_samples samples;
    int64_t n, batch, batches;
    bool shuffle;
    ag_named state[N_STATE];             /* i64 []; batch counts those given out in this epoch */
    ag_tensor *order;                    /* shuffling: i64 [n], numbers of samples */
    int64_t ordered_seed, ordered_epoch; /* which order it is; epoch -1: none yet */
};

static bool given(const ag_loader *l, const char *who)
{
    if (!l && !ag_error()) ag_fail(AG_ENULL, "%s: the loader is NULL", who);
    return l != NULL;
}

/* A seed from the thread's generator, one block of which is then used up. Any two states give different ones: the steps
 * are invertible (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t draw_seed(void)
{
    ag_rng g = ag_rng_get();
    uint64_t z = g.seed + 0x9e3779b97f4a7c15 * (g.counter + 1);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    g.counter++;
    ag_rng_set(g);
    return z ^ z >> 31;
}

static int64_t *state_of(ag_loader *l, int which)
{
    return ag_i64_write(l->state[which].tensor);
}

static bool make_state(ag_loader *l, uint64_t seed)
{
    static const char *const name[N_STATE] = { "loader.seed", "loader.epoch", "loader.batch" };
    for (int i = 0; i < N_STATE; i++) l->state[i] = (ag_named){ name[i], ag_new(AG_I64) };
    if (l->shuffle) l->order = ag_new(AG_I64, l->n);
    l->ordered_epoch = -1;
    if (ag_error()) return false;
    *state_of(l, SEED) = (int64_t)seed;
    return true;
}

ag_loader *(ag_loader_new)(ag_samples samples, const ag_loader_options *options)
{
    static const char who[] = "ag_loader_new";
    static const ag_loader_options none = { .size = sizeof none };
    const ag_loader_options *o = options ? options : &none;
    if (ag_error()) return NULL;
    if (!samples.set) return ag_fail(AG_ENULL, "%s: the data set is NULL", who), NULL;
    if (samples.from < 0 || samples.to < samples.from || samples.to > samples.set->n)
        return ag_fail(AG_EINVAL, "%s: samples %lld to %lld of %lld", who, (long long)samples.from,
                       (long long)samples.to, (long long)samples.set->n),
               NULL;
    if (o->batch < -1)
        return ag_fail(AG_EINVAL, "%s: .batch %lld; it is at least 1, or -1 for all", who, (long long)o->batch), NULL;

    ag_loader *l = ag__nn_alloc(sizeof *l, who);
    if (!l) return NULL;
    int64_t n = samples.to - samples.from;
    l->samples = samples, l->n = n, l->shuffle = o->shuffle;
    l->batch = o->batch == 0 ? 1 : o->batch > 0 ? o->batch : n > 0 ? n : 1;
    l->batches = n / l->batch + (!o->drop_last && n % l->batch > 0);
    if (make_state(l, o->seed || !o->shuffle ? o->seed : draw_seed())) return l;
    ag_loader_free(l);
    return NULL;
}

void ag_loader_free(ag_loader *l)
{
    if (!l) return;
    for (int i = 0; i < N_STATE; i++) ag_free(l->state[i].tensor);
    ag_free(l->order);
    ag__nn_free(l);
}

int64_t ag_loader_batches(const ag_loader *l)
{
    return given(l, "ag_loader_batches") ? l->batches : 0;
}
int64_t ag_loader_count(const ag_loader *l)
{
    if (!given(l, "ag_loader_count")) return 0;
    int64_t full = l->batches * l->batch; /* the last batch may be smaller */
    return full < l->n ? full : l->n;
}
ag_params ag_loader_state(const ag_loader *l)
{
    return given(l, "ag_loader_state") ? (ag_params){ l->state, N_STATE } : (ag_params){ NULL, 0 };
}

/* Each epoch has a stretch of the generator's sequence to itself, the first one being left to others who use the same
 * seed: 2^32 blocks are more than a permutation of any data set in memory takes. */
static ag_status order_epoch(ag_loader *l, int64_t seed, int64_t epoch)
{
    if (l->ordered_epoch == epoch && l->ordered_seed == seed) return AG_OK;
    ag_rng was = ag_rng_get();
    ag_rng_set((ag_rng){ .seed = (uint64_t)seed, .counter = ((uint64_t)epoch + 1) << 32 });
    ag_tensor *permutation = ag_randperm(l->n);
    ag_rng_set(was);
    const int64_t *from = ag_i64(permutation);
    int64_t *to = ag_i64_write(l->order);
    if (ag_error()) return ag_error();
    for (int64_t i = 0; i < l->n; i++) to[i] = l->samples.from + from[i];
    l->ordered_seed = seed, l->ordered_epoch = epoch;
    return AG_OK;
}

static ag_status read_batch(ag_loader *l, int64_t seed, int64_t epoch, int64_t at, ag_batch *b)
{
    int64_t from = at * l->batch, left = l->n - from, to = left < l->batch ? l->n : from + l->batch;
    *b = (ag_batch){ .n = to - from, .index = at };
    AG_NO_GRAD {
        if (l->shuffle && order_epoch(l, seed, epoch)) return ag_error();
        ag_tensor *index = l->shuffle ? ag_slice(l->order, 0, from, to) : NULL;
        ag__dataset_read(l->samples.set, index, l->samples.from + from, l->samples.from + to, b);
    }
    return ag_error();
}

bool ag_next(ag_loader *l, ag_batch *b)
{
    if (!given(l, "ag_next")) return false;
    if (!b && !ag_error()) ag_fail(AG_ENULL, "ag_next: the batch is NULL");
    if (ag_error()) return false;
    int64_t seed = *state_of(l, SEED), *epoch = state_of(l, EPOCH), *batch = state_of(l, BATCH);
    if (*epoch < 0 || *epoch >= MAX_EPOCH || *batch < 0 || *batch > l->batches) {
        ag_fail(AG_EINVAL, "ag_next: the loader's state says batch %lld of epoch %lld; an epoch has %lld",
                (long long)*batch, (long long)*epoch, (long long)l->batches);
        return false;
    }
    if (*batch == l->batches) {
        *batch = 0, ++*epoch;
        return false;
    }
    if (read_batch(l, seed, *epoch, *batch, b)) {
        *b = (ag_batch){ .x = NULL };
        return false;
    }
    ++*batch;
    return true;
}
