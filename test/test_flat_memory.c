/* Twenty epochs of training hold no more memory than two and allocate nothing more: the heap to the byte, the
 * tape, and what is resident. The linker redirects allocations to the functions below (--wrap). */
#define _DEFAULT_SOURCE
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include <autograd/autograd.h>
#include <nn/nn.h>
#include <optim/optim.h>

/* ---- what is allocated and not freed ---- */

static atomic_long blocks, bytes, calls;

static void *came(void *p)
{
    calls++;
    blocks += p != NULL;
    bytes += (long)malloc_usable_size(p);
    return p;
}
static void goes(void *p)
{
    blocks -= p != NULL;
    bytes -= (long)malloc_usable_size(p);
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);

void *__wrap_malloc(size_t n)
{
    return came(__real_malloc(n));
}
void *__wrap_calloc(size_t n, size_t size)
{
    return came(__real_calloc(n, size));
}
void *__wrap_realloc(void *p, size_t n)
{
    goes(p);
    return came(__real_realloc(p, n));
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return came(__real_aligned_alloc(align, n));
}
void __wrap_free(void *p)
{
    goes(p);
    __real_free(p);
}

/* Of this process, in bytes; 0: unknown. */
static long resident(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

/* ---- a training: three clusters, most of what a program does in every epoch ---- */

enum { SAMPLES = 1000, TRAINED = 850, IN = 32, HIDDEN = 64, CLASSES = 3, EPOCHS = 20 };

struct figures {
    long blocks, bytes, calls, resident;
    ag_memory tape;
    double loss;
};

static ag_dataset *clusters(void)
{
    ag_tensor *y = ag_randint(CLASSES, SAMPLES);
    ag_tensor *x = ag_add(ag_take(ag_randn(AG_F32, CLASSES, IN), 0, y), ag_randn(AG_F32, SAMPLES, IN));
    ag_tensor *kept_x = ag_keep(x), *kept_y = ag_keep(y);
    ag_dataset *set = ag_dataset_of(kept_x, kept_y);
    ag_free(kept_x), ag_free(kept_y);
    return set;
}

static double mean_loss(ag_module *net, ag_loader *loader, ag_optim *opt, ag_tape *tape)
{
    double sum = 0;
    ag_train(net, opt != NULL);
    for (ag_batch b; ag_next(loader, &b);) {
        ag_tensor *loss = ag_cross_entropy(ag_forward(net, b.x), b.y);
        sum += ag_item(loss) * (double)b.n;
        if (opt) {
            ag_backward(loss);
            ag_clip_norm(ag_parameters(net), 1);
            ag_step(opt);
        }
        assert_int_equal(ag_tape_reset(tape), AG_OK);
    }
    return sum / (double)ag_loader_count(loader);
}

static void train(struct figures *after)
{
    ag_seed(1);
    ag_tape *tape = ag_tape_new();
    ag_dataset *set = clusters();
    ag_loader *batches = ag_loader_new(ag_slice_of(set, 0, TRAINED), .batch = 64, .shuffle = true); /* the last: 18 */
    ag_loader *others = ag_loader_new(ag_slice_of(set, TRAINED, 0), .batch = 100);
    ag_module *net = ag_Sequential(ag_Linear(IN, HIDDEN), ag_Act(ag_relu), ag_Dropout(0.2),
                                   ag_Residual(ag_Linear(HIDDEN, HIDDEN)), ag_Linear(HIDDEN, CLASSES));
    ag_optim *opt = ag_adamw(ag_parameters(net), .lr = 1e-3);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        ag_set_lr(opt, ag_lr_cosine(1e-3, 1e-5, epoch, EPOCHS));
        after[epoch].loss = mean_loss(net, batches, opt, tape);
        mean_loss(net, others, NULL, tape);
        after[epoch].blocks = blocks, after[epoch].bytes = bytes, after[epoch].calls = calls;
        after[epoch].tape = ag_tape_memory(tape);
        after[epoch].resident = resident();
    }
    ag_optim_free(opt), ag_module_free(net);
    ag_loader_free(batches), ag_loader_free(others), ag_dataset_free(set);
    ag_tape_free(tape);
}

static void memory_is_flat(void **state)
{
    (void)state;
    static struct figures after[EPOCHS];
    train(after);
    const struct figures *second = &after[1], *last = &after[EPOCHS - 1];
    assert_true(last->loss < 0.5 * after[0].loss); /* it did train */
    for (int i = 2; i < EPOCHS; i++) {
        const long beside = after[i].bytes - (long)after[i].tape.reserved;
        if (beside != second->bytes - (long)second->tape.reserved)
            fail_msg("after epoch %d: %ld bytes beside the tape's", i + 1, beside);
        assert_int_equal(after[i].tape.peak, second->tape.peak);
        assert_int_equal(after[i].tape.in_use, second->tape.in_use);
        assert_int_equal(after[i].tape.nodes, 0);
    }
    const long grown = last->resident - second->resident;
#ifndef AG_DEBUG /* whose tapes never use a header again */
    assert_int_equal(last->bytes, second->bytes);
    assert_int_equal(last->blocks, second->blocks);
    assert_int_equal(last->calls, second->calls); /* a step allocates nothing */
    assert_true(grown <= 256 * 1024);
#endif
    print_message("# after epoch 2 and after epoch %d: %ld and %ld KiB on the heap, %ld and %ld allocations so far; "
                  "resident: %+ld KiB\n",
                  EPOCHS, second->bytes / 1024, last->bytes / 1024, second->calls, last->calls, grown / 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(memory_is_flat) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
