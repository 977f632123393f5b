#define _GNU_SOURCE /* memfd_create */
#include <test/fuzz/fuzz.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_require(int condition)
{
    if (!condition) abort();
}

const char *fuzz_file(const uint8_t *bytes, size_t n)
{
    static char path[32];
    static int fd;
    if (!path[0]) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        fuzz_require(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    fuzz_require(!ftruncate(fd, 0) && pwrite(fd, bytes, n, 0) == (ssize_t)n);
    return path;
}
