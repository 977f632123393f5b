#include <autograd/autograd.h>
#include <test/fuzz/fuzz.h>

#include <string.h>

/* The header and the tensors take the file exactly, and what was read loads into tensors like it; or there is an error
 * that names the function. */
void fuzz_safetensors(const uint8_t *bytes, size_t n)
{
    const char *path = fuzz_file(bytes, n);
    ag_file *file = ag_file_open(path);
    fuzz_require(!file == (ag_error() != AG_OK));
    if (file) {
        uint64_t total;
        memcpy(&total, bytes, 8);
        total += 8;
        ag_params list = ag_file_list(file);
        for (int64_t i = 0; i < list.n; i++) {
            ag_tensor *x = list.at[i].tensor;
            total += (uint64_t)ag_numel(x) * ag_dtype_size(ag_dtype_of(x));
            for (int64_t j = 0; j < i && list.n < 20; j++) fuzz_require(strcmp(list.at[i].name, list.at[j].name) != 0);
        }
        fuzz_require(total == n);
        fuzz_require(ag_load(path, list) == AG_OK);
    } else {
        fuzz_require(!strncmp(ag_errmsg(), "ag_file_open: /proc/", 20));
    }
    ag_file_free(file);
    ag_clear_error();
}
