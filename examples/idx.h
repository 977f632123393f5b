/* idx.h - reads IDX files, the format of MNIST and its relatives: arrays of unsigned bytes, gzipped or plain.
 *
 * The header is two zero bytes, the element type (8: unsigned byte), the rank, and one big-endian 32-bit size per axis;
 * the elements follow in row-major order. Nothing in a file is trusted: memory grows with what is really there, and a
 * file that is longer or shorter than its header says is an error. */
#ifndef IDX_H
#define IDX_H
#include <autograd/tensor.h>

/* The array in a file as a u8 tensor of the given rank (1 to 3), to be freed with ag_free. NULL if the file cannot be
 * read (AG_EIO) or is not what it should be (AG_EFORMAT); ag_errmsg() names the file and says why. */
ag_tensor *idx_read(const char *path, int rank);

/* Images and their classes, n of each. */
typedef struct idx_set {
    ag_tensor *images; /* u8 [n, rows, columns] */
    ag_tensor *labels; /* u8 [n], each below the number of classes */
    int64_t n;
} idx_set;

/* Reads dir/NAME-images-idx3-ubyte and dir/NAME-labels-idx1-ubyte, or the same with .gz. They must agree on n > 0,
 * images must be rows x columns, labels below classes. On failure the set is empty. */
ag_status idx_read_set(idx_set *set, const char *dir, const char *name, int rows, int columns, int classes);
void idx_free_set(idx_set *set);

#endif
