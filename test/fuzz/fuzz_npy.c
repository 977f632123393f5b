#include <autograd/autograd.h>
#include <test/fuzz/fuzz.h>

#include <string.h>

/* An array takes no more than its file, or there is an error that names the function. */
void fuzz_npy(const uint8_t *bytes, size_t n)
{
    ag_tensor *x = ag_read_npy(fuzz_file(bytes, n));
    fuzz_require(!x == (ag_error() != AG_OK));
    if (x)
        fuzz_require((size_t)ag_numel(x) * ag_dtype_size(ag_dtype_of(x)) < n);
    else
        fuzz_require(!strncmp(ag_errmsg(), "ag_read_npy: /proc/", 19));
    ag_free(x);
    ag_clear_error();
}
