/* input.c - reading files. */
#define _POSIX_C_SOURCE 200809L
#include <autograd/io.h>
#include <autograd/io/file.h>
#include <autograd/ops/apply.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ag__fail_system(const char *who, const char *path, int error)
{
    char text[128];
    if (strerror_r(error, text, sizeof text)) snprintf(text, sizeof text, "error %d", error);
    ag_fail(AG_EIO, "%s: %s: %s", who, path, text);
    return false;
}

bool ag__input_open(ag__input *in, const char *path, const char *who)
{
    *in = (ag__input){ .who = who, .path = path, .fd = -1 };
    if (!path) return ag_fail(AG_ENULL, "%s: the path is NULL", who), false;
    struct stat about;
    in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would let us wait for its writer */
    if (in->fd < 0 || fstat(in->fd, &about)) {
        ag__fail_system(who, path, errno);
    } else if (!S_ISREG(about.st_mode)) {
        ag_fail(AG_EIO, "%s: %s: not a regular file", who, path);
    } else {
        in->size = (uint64_t)about.st_size;
        return true;
    }
    ag__input_close(in);
    return false;
}

void ag__input_close(ag__input *in)
{
    if (in->fd >= 0) close(in->fd);
    in->fd = -1;
}

bool ag__input_read(const ag__input *in, uint64_t from, void *to, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(in->fd, (char *)to + done, n - done, (off_t)(from + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return ag__fail_system(in->who, in->path, errno);
        if (got == 0) return ag_fail(AG_EIO, "%s: %s: became shorter while it was read", in->who, in->path), false;
        done += (size_t)got;
    }
    return true;
}

bool ag__input_bytes(ag_dtype dtype, int rank, const int64_t *dims, uint64_t *bytes)
{
    int64_t room = (int64_t)ag_dtype_size(dtype); /* as if no size were 0, as ag__layout_set counts */
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(room, dims[i], &room))
            return false;
    }
    *bytes = empty ? 0 : (uint64_t)room;
    return true;
}

/* Column-major elements by way of a buffer. */
static bool read_fortran(const ag__input *in, uint64_t from, ag_tensor *x)
{
    const ag__layout *l = x->layout;
    ag__layout fortran;
    int64_t strides[AG_MAX_RANK], stride = 1;
    for (int i = 0; i < l->rank; i++) strides[i] = stride, stride *= l->dims[i];
    if (!ag__layout_set(&fortran, l->dtype, l->rank, l->dims, strides, in->who)) return false;
    size_t bytes = (size_t)l->numel * l->item;
    void *buffer = ag__alloc(NULL, bytes, in->who);
    bool ok = buffer && ag__input_read(in, from, buffer, bytes);
    if (ok) ag__copy_into(l, x->data, &fortran, buffer, false);
    ag__release(NULL, buffer, bytes);
    return ok;
}

ag_tensor *ag__input_tensor(const ag__input *in, uint64_t from, ag_dtype dtype, int rank, const int64_t *dims,
                            bool fortran)
{
    ag_tensor *x = (ag_new)(dtype, rank, dims);
    if (!x) return NULL;
    const ag__layout *l = x->layout;
    bool ok = fortran ? read_fortran(in, from, x) : ag__input_read(in, from, x->data, (size_t)l->numel * l->item);
    if (!ok) {
        ag_free(x);
        return NULL;
    }
    if (dtype == AG_BOOL) /* any byte may be there, and no other code expects it */
        for (int64_t i = 0; i < l->numel; i++) ((uint8_t *)x->data)[i] = ((uint8_t *)x->data)[i] != 0;
    return x;
}

ag_tensor *ag_read_bytes(const char *path)
{
    ag__input in;
    ag_tensor *x = NULL;
    if (ag__input_open(&in, path, "ag_read_bytes"))
        x = ag__input_tensor(&in, 0, AG_U8, 1, &(int64_t){ (int64_t)in.size }, false);
    char more; /* as in the files that a system makes up while they are read */
    if (x && pread(in.fd, &more, 1, (off_t)in.size) > 0) {
        ag_fail(AG_EIO, "ag_read_bytes: %s: holds more than its size of %" PRIu64, path, in.size);
        ag_free(x);
        x = NULL;
    }
    ag__input_close(&in);
    return x;
}
