/* io.h - files.
 *
 * Always true:
 *  1. What is saved is a named list: ag_state(net), ag_optim_state(opt), AG_PARAMS({ "w", w }). Its file is safetensors,
 *     with PyTorch's names; one array alone may be .npy.
 *  2. A file is replaced whole: written beside its place under another name, forced to the disk, then renamed. Whenever
 *     the machine stops, the old one or the new one is there, complete. A process that is killed may leave
 *     NAME.PROCESS-NUMBER.tmp behind, which nobody needs; an error leaves nothing. The new file's permissions are those
 *     of any new file, and a symbolic link is replaced, not followed. Devices and pipes are written to as they are.
 *  3. With an error pending nothing is written and nothing is loaded: it is returned.
 *  4. A file is not trusted. Every size in it is checked against the others and against the file before memory is asked
 *     for, and nothing in it may be left over, missing or named twice: AG_EFORMAT says what is wrong. AG_EIO is what the
 *     system says. */
#ifndef AG_IO_H
#define AG_IO_H
#include <autograd/tensor.h>
AG_BEGIN

/* ---- named lists: safetensors -------------------------------------------------------------------------------------- */
/* ag_save("run.safetensors", ag_state(net), ag_optim_state(opt)): any number of lists, all their names different. Names
 * are UTF-8 of 1 to 1024 bytes without control characters, and not "__metadata__" (AG_EINVAL). Any tensor may be saved,
 * views too; the file holds them row-major. */
AG_API ag_status ag_save(const char *path, int n, const ag_params *lists);
/* Writes a file into the tensors of the lists, which are mine. As PyTorch's strict loading: the names of the file and of
 * the lists are the same ones, each once (AG_EMISSING), with equal dtype (AG_EDTYPE) and shape (AG_ESHAPE), or the
 * message names the first that differs and no tensor is changed - nor is one when reading fails half-way. */
AG_API ag_status ag_load(const char *path, int n, const ag_params *lists);

/* To stop a run and go on later, save all that it remembers and load that into the same things made anew:
 *     #define ALL ag_state(net), ag_optim_state(opt), ag_loader_state(batches), ag_rng_state(), AG_PARAMS({ "t", t })
 *     ag_save("run.safetensors", ALL)  ...  ag_load("run.safetensors", ALL)
 * What follows is bit for bit what would have followed. Numbers of one's own, such as how far a schedule is, go into a
 * tensor of one's own (ag_write, ag_read). Settings, such as the learning rate, are for the program to set again. */

/* A file of unknown content, read whole. NULL on failure. Tensors and names are the file's and good until ag_file_free;
 * ag_retain keeps a tensor for longer. */
typedef struct ag_file ag_file;
AG_API ag_file *ag_file_open(const char *path);
AG_API ag_params ag_file_list(const ag_file *file); /* in the order of the file's header */
AG_API void ag_file_free(ag_file *file);            /* NULL is fine */

/* ---- one array ----------------------------------------------------------------------------------------------------- */
/* NumPy's format, versions 1.0 to 3.0, little-endian f4 f8 i4 i8 u1 b1 in row-major or Fortran order. Mine. */
AG_API ag_tensor *ag_read_npy(const char *path);
/* As version 1.0, row-major. */
AG_API ag_status ag_write_npy(const char *path, ag_tensor *x);
/* The file as u8[n], mine. */
AG_API ag_tensor *ag_read_bytes(const char *path);

AG_END
#ifndef __cplusplus
#define AG__LISTS(f, path, ...)                                                                                        \
    (f)((path), (int)(sizeof((ag_params[]){ __VA_ARGS__ }) / sizeof(ag_params)), (const ag_params[]){ __VA_ARGS__ })
#define ag_save(path, ...) AG__LISTS(ag_save, path, __VA_ARGS__)
#define ag_load(path, ...) AG__LISTS(ag_load, path, __VA_ARGS__)
#else
inline ag_status ag_save(const char *path, ag_params list) { return ag_save(path, 1, &list); }
inline ag_status ag_load(const char *path, ag_params list) { return ag_load(path, 1, &list); }
#endif
#endif
