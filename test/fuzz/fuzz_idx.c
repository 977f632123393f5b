#include <autograd/autograd.h>
#include <nn/data.h>
#include <test/fuzz/fuzz.h>

#include <string.h>

/* An array has no more elements than its file has bytes, or has when decompressed 1032 to 1; or there is an error that
 * names the function. */
void fuzz_idx(const uint8_t *bytes, size_t n)
{
    ag_tensor *x = ag_read_idx(fuzz_file(bytes, n));
    bool gzipped = n > 1 && bytes[0] == 0x1f && bytes[1] == 0x8b;
    fuzz_require(!x == (ag_error() != AG_OK));
    if (x)
        fuzz_require((size_t)ag_numel(x) < (gzipped ? 1032 * n : n));
    else
        fuzz_require(!strncmp(ag_errmsg(), "ag_read_idx: /proc/", 19));
    ag_free(x);
    ag_clear_error();
}
