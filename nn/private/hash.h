/* hash.h - uthash, which would end the program when memory runs out, told not to: an element that could not be added
 * has hh.tbl == NULL. Iteration is in the order of adding. */
#ifndef AG_NN_PRIVATE_HASH_H
#define AG_NN_PRIVATE_HASH_H
#include <nn/private/memory.h>

#define HASH_NONFATAL_OOM        1
#define uthash_malloc(bytes)     ag__nn_alloc((bytes), "a hash table")
#define uthash_free(p, bytes)    ag__nn_free(p)
#include <uthash.h>
#endif
