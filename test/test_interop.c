/* Files exchanged with NumPy, the safetensors package and PyTorch (interop_torch.py), as far as python3, or the
 * interpreter that PYTHON names, has them. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <test/files.h>

static bool python(const char *what, const char *quiet)
{
    char command[512];
    const char *interpreter = getenv("PYTHON");
    snprintf(command, sizeof command, "%s test/interop_torch.py %s %s %s",
             interpreter && *interpreter ? interpreter : "python3", what, files_path(""), quiet);
    fflush(stdout);
    return system(command) == 0;
}

/* Their files, read and written again by us. */
static void every_byte_survives(void **state)
{
    (void)state;
    if (!python("probe", "2>/dev/null")) {
        print_message("# python3 has no numpy or no safetensors\n");
        skip();
    }
    assert_true(python("write", ""));
    static const char *const lists[] = { "", "_torch" };
    for (int i = 0; i < 2; i++) {
        char theirs[64], ours[64];
        snprintf(theirs, sizeof theirs, "theirs%s.safetensors", lists[i]);
        snprintf(ours, sizeof ours, "ours%s.safetensors", lists[i]);
        if (!files_exist(files_path(theirs))) continue;
        ag_file *file = ag_file_open(files_path(theirs));
        if (!file) fail_msg("%s", ag_errmsg());
        if (ag_save(files_path(ours), ag_file_list(file))) fail_msg("%s", ag_errmsg());
        ag_file_free(file);
    }
    int arrays = 0;
    for (;; arrays++) {
        char theirs[64], ours[64];
        snprintf(theirs, sizeof theirs, "theirs%d.npy", arrays);
        snprintf(ours, sizeof ours, "ours%d.npy", arrays);
        if (!files_exist(files_path(theirs))) break;
        ag_tensor *x = ag_read_npy(files_path(theirs));
        if (!x) fail_msg("%s", ag_errmsg());
        if (ag_write_npy(files_path(ours), x)) fail_msg("%s", ag_errmsg());
        ag_free(x);
    }
    assert_true(arrays > 0);
    assert_true(python("check", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_byte_survives) };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
