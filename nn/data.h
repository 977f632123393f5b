/* data.h - data sets and loaders.
 *
 * A data set is mine; a loader borrows it, and both are freed by whoever made them, the loader first. A slice is a value,
 * a data set and a range of it, so that a split costs nothing. Batches are temporaries of the current tape: gone at its
 * reset. In an order that is not shuffled they may be views of the data set, so don't write to them.
 *
 * The order of an epoch depends on the seed and the number of the epoch alone. With the position, which is a list of
 * tensors to be saved beside the model (ag_loader_state), a run that was stopped goes on with the very batches that would
 * have come. */
#ifndef AG_NN_DATA_H
#define AG_NN_DATA_H
#include <autograd/autograd.h>
AG_BEGIN

typedef struct ag_dataset ag_dataset;
typedef struct ag_loader ag_loader;

/* ---- data sets --------------------------------------------------------------------------------------------------- */
/* Of arrays that share their first axis; both must be mine (ag_keep) and get one more owner. y may be NULL. */
AG_API ag_dataset *ag_dataset_of(ag_tensor *x, ag_tensor *y);
/* MNIST and its relatives of ten classes: PREFIX-images-idx3-ubyte and PREFIX-labels-idx1-ubyte in dir, plain or with .gz;
 * prefix "train" or "t10k". Batches are images f32 [n,1,28,28] in [0,1] and labels i64 [n]. dir NULL is where Debian's
 * package dataset-fashion-mnist puts them, /usr/share/datasets/fashion-mnist. AG_EIO, AG_EFORMAT as ag_read_idx. */
AG_API ag_dataset *ag_dataset_mnist(const char *dir, const char *prefix);
/* One's own: f fills sample i into x and y, tensors of the shapes and dtypes of x_like and y_like (which may be NULL; then
 * y is), on the thread that calls ag_next. Another result than AG_OK ends the batch with that error. */
typedef ag_status ag_sample_fn(int64_t i, ag_tensor *x, ag_tensor *y, void *user);
AG_API ag_dataset *ag_dataset_from(ag_sample_fn *f, void *user, int64_t n, const ag_tensor *x_like,
                                   const ag_tensor *y_like);
AG_API int64_t ag_dataset_size(const ag_dataset *set); /* samples */
AG_API void ag_dataset_free(ag_dataset *set);          /* NULL is fine */

/* The array in an IDX file (the format of MNIST), plain or gzipped: a tensor that is mine. Unsigned bytes become u8, other
 * integers i32, the rest f32 and f64. Nothing in the file is trusted: memory grows with what is really there. NULL with
 * AG_EIO if it cannot be read, AG_EFORMAT if it is damaged, truncated, longer than it says or holds more than 1 GiB,
 * AG_EMISSING if it is gzipped and this build has no zlib. */
AG_API ag_tensor *ag_read_idx(const char *path);

typedef struct ag_samples {
    ag_dataset *set;
    int64_t from, to;
} ag_samples;
/* Samples from .. to-1; negative counts from the end; to 0 is the end. */
AG_API ag_samples ag_slice_of(ag_dataset *set, int64_t from, int64_t to);

/* ---- loaders ----------------------------------------------------------------------------------------------------- */
typedef struct ag_loader_options {
    int64_t batch;  /* samples; default 1; -1 takes all of them: full-batch descent */
    bool shuffle;   /* a new order every epoch */
    bool drop_last; /* leave out a smaller last batch */
    uint64_t seed;  /* of the order; default drawn from the thread's generator when a shuffling loader is made */
    uint32_t size;
} ag_loader_options;
/* Of a data set or a slice of one: ag_loader_new(set, .batch = 64, .shuffle = true). */
AG_API ag_loader *ag_loader_new(ag_samples samples, AG_OPTIONS(ag_loader_options));
AG_API void ag_loader_free(ag_loader *loader); /* NULL is fine */
AG_API int64_t ag_loader_batches(const ag_loader *loader); /* in an epoch */
AG_API int64_t ag_loader_count(const ag_loader *loader);   /* samples in an epoch */
/* "loader.seed", "loader.epoch" and "loader.batch", i64 []: where the loader is. Borrowed; written to, it goes on from
 * there. */
AG_API ag_params ag_loader_state(const ag_loader *loader);

typedef struct ag_batch {
    ag_tensor *x, *y;
    int64_t n, index; /* samples in it; its number in the epoch */
} ag_batch;
/* The next batch; or false at the end of an epoch, when the following call begins the next one, and on an error, when the
 * following call tries the same batch again: see ag_error. */
AG_API bool ag_next(ag_loader *loader, ag_batch *batch);

AG_END
#ifndef __cplusplus
#define ag_loader_new(...) AG__LOADER(__VA_ARGS__, AG__SIZE(ag_loader_options))
#define AG__LOADER(s, ...)                                                                                             \
    (ag_loader_new)(_Generic((s), ag_dataset *: ag__whole, ag_samples: ag__samples)(s),                                \
                    &(const ag_loader_options){ __VA_ARGS__ })
static inline ag_samples ag__whole(ag_dataset *set) { return ag_slice_of(set, 0, 0); }
static inline ag_samples ag__samples(ag_samples s) { return s; }
#else
inline ag_loader *ag_loader_new(ag_dataset *set, const ag_loader_options *options = nullptr)
{
    return ag_loader_new(ag_slice_of(set, 0, 0), options);
}
#endif
#endif
