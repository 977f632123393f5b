/* safetensors.h - a file of named tensors.
 *
 *      8 bytes     n, little-endian
 *      n bytes     {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, ...} and spaces
 *      the rest    the elements, row-major; the offsets count from here and cover all of it exactly
 *
 * "__metadata__" may stand among the names, an object of strings. */
#ifndef AG_IO_SAFETENSORS_H
#define AG_IO_SAFETENSORS_H
#include <autograd/io.h>
#include <autograd/io/file.h>

enum {
    AG__MOST_HEADER = 100000000, /* the format's own limit */
    AG__MOST_NAME = 1024,        /* bytes of a tensor's name */
};

typedef struct ag__entry {
    const char *name;
    ag_dtype dtype;
    int rank;
    int64_t dims[AG_MAX_RANK];
    uint64_t begin, end; /* in the elements */
    ag_tensor *tensor;   /* when read, a leaf */
} ag__entry;

struct ag_file {
    ag__input in;
    uint64_t data;      /* where in the file the elements begin */
    ag__entry *entry;   /* in the order of the header */
    ag__entry **sorted; /* by name */
    ag_named *list;
    size_t n, room;
    ag__arena names;
};

/* Reads the header of an open file and checks all of it. */
bool ag__header_read(ag_file *f);
/* Writes what comes before the elements of the tensors, which follow in this order. */
bool ag__header_write(ag__output *out, const ag_named *list, size_t n);

#endif
