/* file.h - reading files that nobody trusts, and replacing files so that no reader ever sees half of one. */
#ifndef AG_IO_FILE_H
#define AG_IO_FILE_H
#include <autograd/base/memory.h>
#include <autograd/tensor.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "files hold little-endian numbers, which are copied as they are"
#endif

/* Reports what the system says about a file: `who: path: No such file or directory`. Returns false. */
bool ag__fail_system(const char *who, const char *path, int error);

/* ---- input --------------------------------------------------------------------------------------------------------- */
typedef struct ag__input {
    const char *who, *path;
    int fd; /* -1: not open */
    uint64_t size;
} ag__input;

/* Opens a regular file. The names are borrowed. */
bool ag__input_open(ag__input *in, const char *path, const char *who);
void ag__input_close(ag__input *in);
/* The n bytes from offset `from` on; all of them, or false. */
bool ag__input_read(const ag__input *in, uint64_t from, void *to, size_t n);
/* What elements take in a file, or false: more than memory can hold. */
bool ag__input_bytes(ag_dtype dtype, int rank, const int64_t *dims, uint64_t *bytes);
/* A leaf with the elements from offset `from` on, which the file must have; fortran: the first axis is the fastest. */
ag_tensor *ag__input_tensor(const ag__input *in, uint64_t from, ag_dtype dtype, int rank, const int64_t *dims,
                            bool fortran);

/* ---- output: open, write, close; a file takes its place when all of it went well ------------------------------------- */
typedef struct ag__output {
    const char *who, *path;
    char *temporary; /* its name while it is written; NULL: path is a device, written to as it is */
    size_t room;     /* bytes of that name's buffer */
    int fd, directory;
} ag__output;

/* Called without a pending error. */
bool ag__output_open(ag__output *out, const char *path, const char *who);
bool ag__output_write(ag__output *out, const void *data, size_t n);
/* The elements of x, row-major. */
bool ag__output_tensor(ag__output *out, const ag_tensor *x);
/* Replaces the file, or removes the temporary if an error is pending; returns the error. */
ag_status ag__output_close(ag__output *out);

#endif
