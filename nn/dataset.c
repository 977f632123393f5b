/* dataset.c - data sets over arrays, IDX files and callbacks. */
#define _POSIX_C_SOURCE 200809L
#include <nn/private/data.h>
#include <nn/private/memory.h>

#include <string.h>
#include <unistd.h>

enum { SIDE = 28, CLASSES = 10 };
static const char default_dir[] = "/usr/share/datasets/fashion-mnist";

static ag_dataset *dataset_new(const char *who, ag_dataset contents)
{
    ag_dataset *set = ag__nn_alloc(sizeof *set, who);
    if (set) *set = contents;
    return set;
}

void ag_dataset_free(ag_dataset *set)
{
    if (!set) return;
    ag_free(set->x);
    ag_free(set->y);
    ag__nn_free(set);
}

int64_t ag_dataset_size(const ag_dataset *set)
{
    if (!set && !ag_error()) ag_fail(AG_ENULL, "ag_dataset_size: the data set is NULL");
    return set ? set->n : 0;
}

ag_samples ag_slice_of(ag_dataset *set, int64_t from, int64_t to)
{
    const ag_samples nothing = { NULL, 0, 0 };
    if (!set) {
        if (!ag_error()) ag_fail(AG_ENULL, "ag_slice_of: the data set is NULL");
        return nothing;
    }
    int64_t n = set->n, first = from < 0 ? from + n : from, end = to <= 0 ? to + n : to;
    if (0 <= first && first <= end && end <= n) return (ag_samples){ set, first, end };
    ag_fail(AG_EINVAL, "ag_slice_of: samples %lld to %lld of %lld", (long long)from, (long long)to, (long long)n);
    return nothing;
}

/* ---- arrays ---------------------------------------------------------------------------------------------------------
 */

static bool fit(const char *name, const ag_tensor *a)
{
    if (ag_is_mine(a) && ag_rank(a) > 0) return true;
    if (!ag_error())
        ag_fail(ag_is_mine(a) ? AG_ESHAPE : AG_EINVAL, "ag_dataset_of: %s %s", name,
                ag_is_mine(a) ? "is 0-d, without an axis of samples" : "is a temporary; ag_keep it");
    return false;
}

ag_dataset *ag_dataset_of(ag_tensor *x, ag_tensor *y)
{
    if (ag_error()) return NULL;
    if (!x) return ag_fail(AG_ENULL, "ag_dataset_of: x is NULL"), NULL;
    if (!fit("x", x) || (y && !fit("y", y))) return NULL;
    int64_t n = ag_size(x, 0);
    if (y && ag_size(y, 0) != n)
        return ag_fail(AG_ESHAPE, "ag_dataset_of: x has %lld samples and y %lld", (long long)n,
                       (long long)ag_size(y, 0)),
               NULL;
    ag_dataset *set = dataset_new("ag_dataset_of", (ag_dataset){ .n = n });
    if (!set) return NULL;
    set->x = ag_retain(x);
    if (y) set->y = ag_retain(y);
    return set;
}

/* ---- IDX files ------------------------------------------------------------------------------------------------------
 */

/* Reads dir/prefix-suffix where there is such a file, else the same with ".gz". */
static ag_tensor *read_part(const char *dir, const char *prefix, const char *suffix, int rank)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s-%s.gz", dir, prefix, suffix);
    if (n < 0 || (size_t)n >= sizeof path) return ag_fail(AG_EIO, "ag_dataset_mnist: %s: name too long", dir), NULL;
    path[n - 3] = '\0';
    if (access(path, F_OK)) path[n - 3] = '.';
    return ag__read_idx_bytes(path, rank);
}

static ag_status check_images(const ag_tensor *images, const ag_tensor *labels, const char *dir, const char *prefix)
{
    long long n = ag_size(images, 0), height = ag_size(images, 1), width = ag_size(images, 2);
    if (height != SIDE || width != SIDE)
        return ag_fail(AG_EFORMAT, "ag_dataset_mnist: %s/%s: images of %lldx%lld pixels where %dx%d are needed", dir,
                       prefix, height, width, SIDE, SIDE);
    if (n != ag_numel(labels))
        return ag_fail(AG_EFORMAT, "ag_dataset_mnist: %s/%s: %lld images but %lld labels", dir, prefix, n,
                       (long long)ag_numel(labels));
    if (n == 0) return ag_fail(AG_EFORMAT, "ag_dataset_mnist: %s/%s: no images", dir, prefix);
    const uint8_t *label = ag_u8(labels);
    for (int64_t i = 0; label && i < n; i++)
        if (label[i] >= CLASSES)
            return ag_fail(AG_EFORMAT, "ag_dataset_mnist: %s/%s: label %d of image %lld is not below %d", dir, prefix,
                           label[i], (long long)i, CLASSES);
    return ag_error();
}

/* Labels as losses and comparisons take them: a batch of them is then a view. */
static ag_tensor *widened(const ag_tensor *labels)
{
    int64_t n = ag_numel(labels);
    ag_tensor *wide = ag_new(AG_I64, n);
    int64_t *to = ag_i64_write(wide);
    const uint8_t *from = ag_u8(labels);
    for (int64_t i = 0; to && from && i < n; i++) to[i] = from[i];
    return wide;
}

static ag_dataset *read_mnist(const char *dir, const char *prefix)
{
    ag_tensor *images = read_part(dir, prefix, "images-idx3-ubyte", 3), *wide = NULL;
    ag_tensor *labels = images ? read_part(dir, prefix, "labels-idx1-ubyte", 1) : NULL;
    ag_dataset *set = NULL;
    if (labels && !check_images(images, labels, dir, prefix) && (wide = widened(labels)))
        set = dataset_new("ag_dataset_mnist",
                          (ag_dataset){ .n = ag_numel(labels), .x = images, .y = wide, .images = true });
    ag_free(labels);
    if (!set) ag_free(images), ag_free(wide);
    return set;
}

/* Whoever did not say where the images are may not know where they come from. */
static void name_the_package(void)
{
    char why[512];
    snprintf(why, sizeof why, "%s", ag_errmsg());
    ag_status code = ag_clear_error();
    ag_fail(code, "%s; Debian's package dataset-fashion-mnist has the images: apt install dataset-fashion-mnist", why);
}

ag_dataset *ag_dataset_mnist(const char *dir, const char *prefix)
{
    if (ag_error()) return NULL;
    if (!prefix) return ag_fail(AG_ENULL, "ag_dataset_mnist: the prefix is NULL"), NULL;
    if (!dir) dir = default_dir;
    ag_dataset *set = read_mnist(dir, prefix);
    ag_status why = ag_error();
    if ((why == AG_EIO || why == AG_EFORMAT) && !strcmp(dir, default_dir)) name_the_package();
    return set;
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------
 */

/* dims: those of x behind a first axis of n */
static int with_axis(const ag_tensor *x, int64_t n, int64_t *dims)
{
    int rank = ag_rank(x);
    dims[0] = n;
    for (int i = 0; i < rank; i++) dims[i + 1] = ag_size(x, i);
    return rank + 1;
}

static ag_tensor *model_of(const ag_tensor *like)
{
    int64_t dims[AG_MAX_RANK + 1];
    int rank = with_axis(like, 0, dims);
    if (rank <= AG_MAX_RANK) return (ag_new)(ag_dtype_of(like), rank - 1, dims + 1);
    ag_fail(AG_ESHAPE, "ag_dataset_from: samples of rank %d, at most %d", rank - 1, AG_MAX_RANK - 1);
    return NULL;
}

ag_dataset *ag_dataset_from(ag_sample_fn *f, void *user, int64_t n, const ag_tensor *x_like, const ag_tensor *y_like)
{
    static const char who[] = "ag_dataset_from";
    if (ag_error()) return NULL;
    if (!f || !x_like) return ag_fail(AG_ENULL, "%s: the %s is NULL", who, f ? "model of x" : "function"), NULL;
    if (n < 0) return ag_fail(AG_EINVAL, "%s: %lld samples", who, (long long)n), NULL;
    ag_dataset *set = dataset_new(who, (ag_dataset){ .n = n, .fill = f, .user = user });
    if (!set) return NULL;
    set->x = model_of(x_like);
    set->y = y_like ? model_of(y_like) : NULL;
    if (set->x && (set->y || !y_like)) return set;
    ag_dataset_free(set);
    return NULL;
}

static ag_tensor *blank(const ag_tensor *model, int64_t n)
{
    int64_t dims[AG_MAX_RANK];
    int rank = with_axis(model, n, dims);
    return (ag_zeros)(ag_dtype_of(model), rank, dims);
}

static void fill(const ag_dataset *set, const int64_t *index, int64_t from, ag_batch *b)
{
    b->x = blank(set->x, b->n);
    b->y = set->y ? blank(set->y, b->n) : NULL;
    for (int64_t i = 0; !ag_error() && i < b->n; i++) {
        int64_t sample = index ? index[i] : from + i;
        ag_tensor *x = ag_select(b->x, 0, i), *y = b->y ? ag_select(b->y, 0, i) : NULL;
        ag_status status = ag_error() ? AG_OK : set->fill(sample, x, y, set->user);
        if (status && !ag_error())
            ag_fail(status, "ag_next: sample %lld: %s", (long long)sample, ag_status_text(status));
    }
}

/* ---- batches --------------------------------------------------------------------------------------------------------
 */

static ag_tensor *rows(ag_tensor *all, ag_tensor *index, int64_t from, int64_t to)
{
    return index ? ag_take(all, 0, index) : ag_slice(all, 0, from, to);
}

void ag__dataset_read(const ag_dataset *set, ag_tensor *index, int64_t from, int64_t to, ag_batch *b)
{
    if (set->fill) {
        fill(set, index ? ag_i64(index) : NULL, from, b);
        return;
    }
    b->x = rows(set->x, index, from, to);
    b->y = set->y ? rows(set->y, index, from, to) : NULL;
    if (set->images) b->x = ag_div(ag_to(ag_reshape(b->x, b->n, 1, SIDE, SIDE), AG_F32), 255.0);
}
