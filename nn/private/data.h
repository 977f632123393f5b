/* data.h - what a data set is. */
#ifndef AG_NN_PRIVATE_DATA_H
#define AG_NN_PRIVATE_DATA_H
#include <nn/data.h>

struct ag_dataset {
    int64_t n;
    ag_tensor *x, *y; /* all samples; with `fill` of the shape of one, their contents of no interest */
    ag_sample_fn *fill;
    void *user;
    bool images;      /* x is u8 [n,28,28], batches are f32 [.,1,28,28] */
};

/* The samples whose numbers are in index, i64 [n]; of NULL the samples from .. to-1. AG_NO_GRAD is the caller's. */
void ag__dataset_read(const ag_dataset *set, ag_tensor *index, int64_t from, int64_t to, ag_batch *batch);

/* ag_read_idx of a file whose elements must be bytes of this rank. */
ag_tensor *ag__read_idx_bytes(const char *path, int rank);
#endif
