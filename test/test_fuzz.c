/* The fuzzers' corpus, each file as it is, cut short, with a few bytes changed, and with random ones from some place
 * on. `make fuzz` looks further. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <test/files.h>
#include <test/fuzz/fuzz.h>

#include <dirent.h>
#include <stdio.h>

enum { CHANGES = 200 };
typedef void target(const uint8_t *bytes, size_t n);

static uint32_t random_bits(void)
{
    static uint32_t state = 1;
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state;
}

static int run_file(target *f, const char *path)
{
    size_t n;
    uint8_t *bytes = files_load(path, &n), *changed = malloc(n + 1);
    assert_non_null(changed);
    f(bytes, n);
    for (int i = 0; i < CHANGES && n; i++) {
        memcpy(changed, bytes, n);
        for (uint32_t k = random_bits() % 4; k; k--) changed[random_bits() % n] = (uint8_t)random_bits();
        f(changed, i % 2 ? n : random_bits() % n);
        for (size_t k = random_bits() % n; k < n; k++) changed[k] = (uint8_t)random_bits();
        f(changed, n);
    }
    free(bytes), free(changed);
    return n ? 1 + 2 * CHANGES : 1;
}

static void run_corpus(target *f, const char *name)
{
    char folder[128], path[512];
    snprintf(folder, sizeof folder, "test/fuzz/corpus/%s", name);
    DIR *d = opendir(folder);
    assert_non_null(d);
    int files = 0, runs = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        runs += run_file(f, path);
        files++;
    }
    closedir(d);
    assert_true(files > 10);
    print_message("# %s: %d runs on %d files of the corpus\n", name, runs, files);
}

static void idx(void **state)
{
    (void)state;
    run_corpus(fuzz_idx, "idx");
}

static void npy(void **state)
{
    (void)state;
    run_corpus(fuzz_npy, "npy");
}

static void safetensors(void **state)
{
    (void)state;
    run_corpus(fuzz_safetensors, "safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(idx), cmocka_unit_test(npy), cmocka_unit_test(safetensors) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
