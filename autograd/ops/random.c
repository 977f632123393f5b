/* random.c - random tensors from this thread's Philox generator.
 *
 * Block number `counter` of the sequence is Philox of (counter, 0) under the seed as key. A call starts at a new block
 * and uses whole ones, words in order: f32 takes a word for a number, everything else two. Of libm only what is
 * exactly rounded is called, so that numbers are the same on every machine. */
#include <autograd/base/philox.h>
#include <autograd/ops/apply.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

static _Thread_local ag_rng generator;

void ag_seed(uint64_t seed)
{
    generator = (ag_rng){ .seed = seed };
}
ag_rng ag_rng_get(void)
{
    return generator;
}
void ag_rng_set(ag_rng state)
{
    generator = state;
}

/* ---- the state as a tensor -------------------------------------------------------------------------------------- */

static _Thread_local ag_named window = { .name = "rng" };
static pthread_key_t window_key; /* of the tensor, so that it goes with its thread */
static bool keyed;

static void window_free(void *x)
{
    window.tensor = NULL;
    ag__leaf_drop(x);
}
static void make_key(void)
{
    keyed = !pthread_key_create(&window_key, window_free);
}

/* A leaf that is the thread's and not the caller's, with the generator for its data. */
static ag_tensor *window_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    _Static_assert(sizeof generator == 2 * sizeof(int64_t), "i64[2]");
    ag_tensor *x = ag_new(AG_I64, 2);
    if (!x) return NULL;
    ag__leaf_hold(x), ag_free(x);
    if (!pthread_once(&once, make_key) && keyed && !pthread_setspecific(window_key, x)) {
        x->data = &generator;
        return x;
    }
    ag_fail(AG_ENOMEM, "ag_rng_state: no room for what is a thread's own");
    ag__leaf_drop(x);
    return NULL;
}

ag_params ag_rng_state(void)
{
    if (!window.tensor) window.tensor = window_new();
    return window.tensor ? (ag_params){ &window, 1 } : (ag_params){ NULL, 0 };
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

typedef struct block {
    uint32_t word[4];
} block;

static block next_block(ag_rng *g)
{
    const uint32_t counter[4] = { (uint32_t)g->counter, (uint32_t)(g->counter >> 32) };
    const uint32_t key[2] = { (uint32_t)g->seed, (uint32_t)(g->seed >> 32) };
    block b;
    ag__philox(counter, key, b.word);
    g->counter++;
    return b;
}

static uint64_t pair(const block *b, int i)
{
    return (uint64_t)b->word[2 * i + 1] << 32 | b->word[2 * i];
}

/* The top 53 bits of a word as a number in [0,1). */
static double unit(uint64_t word)
{
    return (double)(word >> 11) * 0x1p-53;
}

/* 64-bit words one at a time, from blocks. */
typedef struct source {
    ag_rng *g;
    block b;
    int left;
} source;

static uint64_t draw(source *s)
{
    if (!s->left) s->b = next_block(s->g), s->left = 2;
    return pair(&s->b, 2 - s->left--);
}

/* Uniform in [0, below): the high half of word * below, words whose low half would favour some numbers drawn again
 * (Lemire 2019). */
static uint64_t draw_below(source *s, uint64_t below)
{
    wide m = (wide)draw(s) * below;
    if ((uint64_t)m < below) {
        uint64_t least = (0 - below) % below; /* 2^64 mod below */
        while ((uint64_t)m < least) m = (wide)draw(s) * below;
    }
    return (uint64_t)(m >> 64);
}

/* ---- functions that are the same on every machine ---------------------------------------------------------------
 * Sums and products in a fixed order, never fused; good to about 1e-16 of their largest value; without branches. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* log(u), 0 < u <= 1: u = 2^e m with m from sqrt 1/2 to sqrt 2, log m = 2 artanh((m - 1) / (m + 1)). */
static double log_of(double u)
{
    static const double odd[] = { 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                  1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3 };
    const uint64_t root_half = 0x3fe6a09e667f3bcd; /* the bits of sqrt 1/2 */
    uint64_t bits;
    double m;
    memcpy(&bits, &u, sizeof bits);
    int64_t e = (int64_t)(bits - root_half) >> 52;
    bits -= (uint64_t)e << 52;
    memcpy(&m, &bits, sizeof m);
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) sum = (sum + odd[k]) * z;
    return (double)e * 0.69314718055994531 + 2 * (s + s * sum);
}

/* cos and sin of 2 pi u, 0 <= u < 1: by quarter turns to within an eighth, then Taylor's series. */
static void turn_of(double u, double *cosine, double *sine)
{
#define TERM(k) 1.0 / ((k) * ((k)-1))
    static const double even[] = { TERM(16), TERM(14), TERM(12), TERM(10), TERM(8), TERM(6), TERM(4), TERM(2) };
    static const double odd[] = { TERM(17), TERM(15), TERM(13), TERM(11), TERM(9), TERM(7), TERM(5), TERM(3) };
#undef TERM
    static const double cosine_sign[] = { 1, -1, -1, 1 }, sine_sign[] = { 1, 1, -1, -1 };
    int quarter = (int)(4 * u + 0.5);
    double x = (u - quarter * 0.25) * 6.2831853071795865, z = -x * x, c = 1, s = 1;
    for (size_t k = 0; k < sizeof even / sizeof *even; k++) {
        c = 1 + c * (z * even[k]);
        s = 1 + s * (z * odd[k]);
    }
    const double turned[] = { c, s * x };
    *cosine = cosine_sign[quarter & 3] * turned[quarter & 1];
    *sine = sine_sign[quarter & 3] * turned[~quarter & 1];
}

/* Two standard normals from two uniform numbers: u in (0,1], v in [0,1) (Box and Muller 1958). */
static void normals(double u, double v, double out[2])
{
    double radius = sqrt(-2 * log_of(u));
    turn_of(v, &out[0], &out[1]);
    out[0] *= radius, out[1] *= radius;
}

/* ---- tensors ---------------------------------------------------------------------------------------------------- */

static ag_tensor *blank(ag_dtype dtype, int rank, const int64_t *dims, const char *who)
{
    ag_tape *t = ag__tape(who);
    return t ? ag__temporary(t, ag__layout_get(&t->layouts, dtype, rank, dims, who)) : NULL;
}

static ag_tensor *blank_real(ag_dtype dtype, int rank, const int64_t *dims, const char *who)
{
    ag_tensor *x = blank(dtype, rank, dims, who);
    return x && ag__need_float(x, who) ? x : NULL;
}

ag_tensor *(ag_rand)(ag_dtype dtype, int rank, const int64_t *dims)
{
    ag_tensor *x = blank_real(dtype, rank, dims, "ag_rand");
    if (!x) return NULL;
    const int per_block = dtype == AG_F32 ? 4 : 2;
    for (int64_t i = 0, n = x->layout->numel; i < n; i += per_block) {
        block b = next_block(&generator);
        int64_t m = n - i < per_block ? n - i : per_block;
        if (dtype == AG_F32)
            for (int64_t k = 0; k < m; k++) ((float *)x->data)[i + k] = (float)(b.word[k] >> 8) * 0x1p-24f;
        else
            for (int64_t k = 0; k < m; k++) ((double *)x->data)[i + k] = unit(pair(&b, (int)k));
    }
    return x;
}

ag_tensor *(ag_randn)(ag_dtype dtype, int rank, const int64_t *dims)
{
    ag_tensor *x = blank_real(dtype, rank, dims, "ag_randn");
    if (!x) return NULL;
    const int per_block = dtype == AG_F32 ? 4 : 2;
    for (int64_t i = 0, n = x->layout->numel; i < n; i += per_block) {
        block b = next_block(&generator);
        int64_t m = n - i < per_block ? n - i : per_block;
        double z[4];
        if (dtype == AG_F32) {
            for (int k = 0; k < 4; k += 2) normals((b.word[k] + 1.0) * 0x1p-32, b.word[k + 1] * 0x1p-32, z + k);
            for (int64_t k = 0; k < m; k++) ((float *)x->data)[i + k] = (float)z[k];
        } else {
            normals(unit(pair(&b, 0)) + 0x1p-53, unit(pair(&b, 1)), z);
            memcpy((double *)x->data + i, z, (size_t)m * sizeof *z);
        }
    }
    return x;
}

ag_tensor *(ag_randint)(int64_t below, int rank, const int64_t *dims)
{
    if (below <= 0) return ag_fail(AG_EINVAL, "ag_randint: no integers in [0, %" PRId64 ")", below), NULL;
    ag_tensor *x = blank(AG_I64, rank, dims, "ag_randint");
    source s = { .g = &generator };
    for (int64_t i = 0; x && i < x->layout->numel; i++)
        ((int64_t *)x->data)[i] = (int64_t)draw_below(&s, (uint64_t)below);
    return x;
}

void ag__bernoulli_bits(double p, int64_t n, uint8_t *bits)
{
    source s = { .g = &generator };
    for (int64_t i = 0; i < n; i++) {
        if (i % 8 == 0) bits[i / 8] = 0;
        bits[i / 8] = (uint8_t)(bits[i / 8] | (unsigned)(unit(draw(&s)) < p) << i % 8);
    }
}

ag_tensor *(ag_bernoulli)(double p, int rank, const int64_t *dims)
{
    if (!(p >= 0 && p <= 1)) return ag_fail(AG_EINVAL, "ag_bernoulli: probability %g is not in [0, 1]", p), NULL;
    ag_tensor *x = blank(AG_BOOL, rank, dims, "ag_bernoulli");
    source s = { .g = &generator };
    for (int64_t i = 0; x && i < x->layout->numel; i++) ((uint8_t *)x->data)[i] = unit(draw(&s)) < p;
    return x;
}

ag_tensor *ag_randperm(int64_t n)
{
    ag_tensor *x = blank(AG_I64, 1, &n, "ag_randperm");
    if (!x) return NULL;
    int64_t *at = x->data;
    source s = { .g = &generator };
    for (int64_t i = 0; i < n; i++) { /* the numbers so far, i put in a random place among them */
        int64_t j = (int64_t)draw_below(&s, (uint64_t)i + 1);
        if (j < i) at[i] = at[j];
        at[j] = i;
    }
    return x;
}
