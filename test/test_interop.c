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
#include <nn/nn.h>
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

/* A file of the folder, network_WHOSE.WHAT.npy, of x. */
static void write_array(const char *whose, const char *what, ag_tensor *x)
{
    char name[64];
    snprintf(name, sizeof name, "network_%s.%s.npy", whose, what);
    if (ag_write_npy(files_path(name), x)) fail_msg("%s", ag_errmsg());
}

/* What a network of ours holds, and its answers to x.npy. */
static void write_network(const char *whose, ag_module *net)
{
    ag_params p = ag_state(net);
    for (int64_t i = 0; i < p.n; i++) write_array(whose, p.at[i].name, p.at[i].tensor);
    ag_tensor *x = ag_read_npy(files_path("x.npy"));
    write_array(whose, "y", ag_forward(net, x));
    ag_free(x);
}

static void exchange_networks(void)
{
    ag_tape *tape = ag_tape_new();
    ag_seed(1);
    ag_module *net = ag_Sequential(ag_Linear(12, 7), ag_Act(ag_tanh), ag_Linear(7, 3, .no_bias = true));
    if (ag_save(files_path("network_ours.safetensors"), ag_state(net))) fail_msg("%s", ag_errmsg());
    write_network("ours", net);
    if (ag_load(files_path("network_theirs.safetensors"), ag_state(net))) fail_msg("%s", ag_errmsg());
    write_network("theirs", net);
    ag_module_free(net);
    ag_tape_free(tape);
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
    if (files_exist(files_path("network_theirs.safetensors"))) exchange_networks();
    assert_true(python("check", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_byte_survives) };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
