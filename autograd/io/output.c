/* output.c - replacing a file: all of the new one, or none of it. */
#define _POSIX_C_SOURCE 200809L
#include <autograd/io/file.h>
#include <autograd/ops/apply.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUFFIX = 40, MOST_TRIES = 1000 };

static bool failed(const ag__output *out)
{
    return ag__fail_system(out->who, out->path, errno);
}

/* The folder of the file, whose entry is forced to the disk at the end. */
static int open_directory(const ag__output *out)
{
    const char *slash = strrchr(out->path, '/');
    size_t n = slash == out->path ? 1 : slash ? (size_t)(slash - out->path) : 0;
    memcpy(out->temporary, n ? out->path : ".", n ? n : 1);
    out->temporary[n ? n : 1] = 0;
    return open(out->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* A new file beside the old one, with the permissions of any new file: mkstemp would make it private. */
static bool open_temporary(ag__output *out)
{
    out->room = strlen(out->path) + SUFFIX;
    out->temporary = ag__alloc(NULL, out->room, out->who);
    if (!out->temporary) return false;
    out->directory = open_directory(out);
    if (out->directory < 0) return failed(out);
    for (int i = 0; i < MOST_TRIES && out->fd < 0; i++) {
        snprintf(out->temporary, out->room, "%s.%ld-%d.tmp", out->path, (long)getpid(), i);
        out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (out->fd < 0 && errno != EEXIST) break; /* one of a killed process or of another thread */
    }
    return out->fd >= 0 || failed(out);
}

static void forget_temporary(ag__output *out)
{
    if (out->directory >= 0) close(out->directory);
    ag__release(NULL, out->temporary, out->room);
    out->temporary = NULL;
    out->directory = -1;
}

bool ag__output_open(ag__output *out, const char *path, const char *who)
{
    *out = (ag__output){ .who = who, .path = path, .fd = -1, .directory = -1 };
    if (!path) return ag_fail(AG_ENULL, "%s: the path is NULL", who), false;
    struct stat about;
    bool device = stat(path, &about) == 0 && !S_ISREG(about.st_mode);
    if (device) {
        out->fd = open(path, O_WRONLY | O_CLOEXEC);
        return out->fd >= 0 || failed(out);
    }
    if (open_temporary(out)) return true;
    forget_temporary(out);
    return false;
}

bool ag__output_write(ag__output *out, const void *data, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t some = write(out->fd, (const char *)data + done, n - done);
        if (some < 0 && errno != EINTR) return failed(out);
        if (some > 0) done += (size_t)some;
    }
    return true;
}

bool ag__output_tensor(ag__output *out, const ag_tensor *x)
{
    const ag__layout *l = x->layout;
    size_t bytes = (size_t)l->numel * l->item;
    if (l->contiguous) return ag__output_write(out, x->data, bytes);
    ag__layout row_major;
    if (!ag__layout_set(&row_major, l->dtype, l->rank, l->dims, NULL, out->who)) return false;
    void *copy = ag__alloc(NULL, bytes, out->who);
    if (!copy) return false;
    ag__copy_into(&row_major, copy, l, x->data, false);
    bool ok = ag__output_write(out, copy, bytes);
    ag__release(NULL, copy, bytes);
    return ok;
}

/* Data first, then the name, then the folder that holds the name: in this order nothing can be seen half. */
static bool replace(ag__output *out)
{
    bool ok = fsync(out->fd) == 0 || failed(out);
    if (close(out->fd) && ok) ok = failed(out); /* network file systems may only now know of a full disk */
    ok = ok && (rename(out->temporary, out->path) == 0 || failed(out));
    if (!ok) unlink(out->temporary);
    if (ok && fsync(out->directory) && errno != EINVAL) failed(out); /* EINVAL: folders need none here */
    return ok;
}

ag_status ag__output_close(ag__output *out)
{
    if (out->temporary && !ag_error()) {
        replace(out);
    } else {
        if (close(out->fd) && !ag_error()) failed(out);
        if (out->temporary) unlink(out->temporary);
    }
    if (out->temporary) forget_temporary(out);
    return ag_error();
}
