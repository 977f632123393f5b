/* memory.h - every byte of nn/ that is not a tensor's comes through here. */
#ifndef AG_NN_PRIVATE_MEMORY_H
#define AG_NN_PRIVATE_MEMORY_H
#include <stddef.h>

/* Zeroed, aligned for any type. NULL remembers AG_ENOMEM with `what` in the message. */
void *ag__nn_alloc(size_t bytes, const char *what);
void ag__nn_free(void *p); /* NULL is fine */
#endif
