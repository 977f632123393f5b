/* fuzz.h - readers under bytes of any kind. Each function reads one file of these bytes and ends the program if what the
 * reader promises does not hold. test_fuzz runs them on the corpus; `make fuzz` gives them to libFuzzer. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H
#include <stddef.h>
#include <stdint.h>

void fuzz_idx(const uint8_t *bytes, size_t n);
void fuzz_npy(const uint8_t *bytes, size_t n);
void fuzz_safetensors(const uint8_t *bytes, size_t n);

/* The path of a file of these bytes, which costs no disk. */
const char *fuzz_file(const uint8_t *bytes, size_t n);
void fuzz_require(int condition);

#ifdef FUZZ_TARGET /* libFuzzer's entry */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FUZZ_TARGET(bytes, n);
    return 0;
}
#endif
#endif
