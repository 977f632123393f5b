/* From the start of a process to its first gradient and its end: this program run again with an argument. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <cmocka.h>

#include <autograd/autograd.h>

extern char **environ;
static const char *program;

static int nothing(void)
{
    return 0;
}

static int scalar_gradient(void)
{
    ag_tape *tape = ag_tape_new();
    ag_scalar x = ag_input(2.0), y = ag_mul(ag_square(x), ag_sin(x));
    ag_status status = ag_backward(y);
    double slope = ag_adjoint(x);
    ag_tape_free(tape);
    return status || slope == 0;
}

static int network_gradient(void)
{
    ag_tape *tape = ag_tape_new();
    ag_tensor *w = ag_param(AG_F32, 3, 2);
    ag_tensor *y = ag_matmul(ag_randn(AG_F32, 4, 2), ag_transpose(w, 0, 1));
    ag_status status = ag_backward(ag_cross_entropy(y, ag_randint(3, 4)));
    bool arrived = ag_grad_of(w);
    ag_tape_free(tape);
    ag_free(w);
    return status || !arrived;
}

static const struct {
    const char *name;
    int (*run)(void);
} starts[] = { { "nothing", nothing }, { "scalars", scalar_gradient }, { "network", network_gradient } };

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* The fastest of 50: what other processes take is not the library's. */
static double fastest(const char *what)
{
    double best = 1e9;
    char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)what, NULL };
    for (int i = 0; i < 50; i++) {
        double from = milliseconds();
        pid_t child;
        int status;
        assert_int_equal(posix_spawn(&child, program, NULL, NULL, argv, environ), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        double took = milliseconds() - from;
        if (took < best) best = took;
    }
    return best;
}

static void two_milliseconds(void **state)
{
    (void)state;
#ifdef AG_DEBUG
    skip(); /* sanitizers take longer to start */
#endif
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        double took = fastest(starts[i].name);
        print_message("# process start to end, %s: %.2f ms\n", starts[i].name, took);
        assert_true(took < (getenv("LONG") ? 2 : 8)); /* the bound itself is for a machine with nothing else to do */
    }
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof starts / sizeof *starts; i++)
        if (!strcmp(argv[1], starts[i].name)) return starts[i].run();
    program = argv[0];
    const struct CMUnitTest tests[] = { cmocka_unit_test(two_milliseconds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
