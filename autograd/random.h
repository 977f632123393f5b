/* random.h - random numbers.
 *
 * Every thread has one counter-based generator (Philox 4x32-10: Salmon et al., "Parallel random numbers: as easy as
 * 1, 2, 3", 2011), starting from seed 0. The same seed gives the same numbers on every machine and for any number of
 * worker threads. Its state is a value: save it, put it back, and the numbers repeat. All results are temporaries. */
#ifndef AG_RANDOM_H
#define AG_RANDOM_H
#include <autograd/tensor.h>
AG_BEGIN

typedef struct ag_rng {
    uint64_t seed;    /* the key */
    uint64_t counter; /* blocks of four 32-bit words drawn so far */
} ag_rng;

/* Restarts this thread's generator. */
AG_API void ag_seed(uint64_t seed);
AG_API ag_rng ag_rng_get(void);
AG_API void ag_rng_set(ag_rng state);
/* The state as a list, to be saved and loaded beside a model: "rng", i64[2], seed and counter. It is this thread's
 * generator itself, not a copy: written to, the generator goes on from there. Borrowed, good until the thread ends;
 * empty when memory runs out. */
AG_API ag_params ag_rng_state(void);

/* Uniform in [0,1): ag_rand(AG_F32, 2, 3). Floating dtypes. */
AG_API ag_tensor *ag_rand(ag_dtype dtype, int rank, const int64_t *dims);
/* Standard normal (Box and Muller 1958). Floating dtypes. */
AG_API ag_tensor *ag_randn(ag_dtype dtype, int rank, const int64_t *dims);
/* i64, uniform in [0, below), without modulo bias (Lemire 2019): ag_randint(10, 2, 3). below > 0. */
AG_API ag_tensor *ag_randint(int64_t below, int rank, const int64_t *dims);
/* bool, true with probability p in [0,1]: ag_bernoulli(0.5, 2, 3). */
AG_API ag_tensor *ag_bernoulli(double p, int rank, const int64_t *dims);
/* i64[n], the numbers 0 .. n-1 in random order (Fisher and Yates). */
AG_API ag_tensor *ag_randperm(int64_t n);

AG_END
#ifndef __cplusplus
#define ag_rand(...) (AG__HERE("ag_rand"), AG__DIMS1(ag_rand, __VA_ARGS__, AG__LAST))
#define ag_randn(...) (AG__HERE("ag_randn"), AG__DIMS1(ag_randn, __VA_ARGS__, AG__LAST))
#define ag_randint(...) (AG__HERE("ag_randint"), AG__DIMS1(ag_randint, __VA_ARGS__, AG__LAST))
#define ag_bernoulli(...) (AG__HERE("ag_bernoulli"), AG__DIMS1(ag_bernoulli, __VA_ARGS__, AG__LAST))
#endif
#endif
