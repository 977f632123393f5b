/* memory.c - see private/memory.h. */
#include <autograd/error.h>
#include <nn/private/memory.h>
#include <stdlib.h>

void *ag__nn_alloc(size_t bytes, const char *what)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p) ag_fail(AG_ENOMEM, "%s: out of memory, %zu bytes wanted", what, bytes);
    return p;
}

void ag__nn_free(void *p)
{
    free(p);
}
