/* The same bits for any number of threads: every elementary operation, products, reductions, losses, indexing and
 * training steps, at sizes that threads share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <autograd/base/pool.h>
#include <nn/nn.h>
#include <optim/optim.h>

#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif
#ifdef TSAN /* ten times slower */
static const int threads[] = { 1, 2, 8 };
enum { STEPS = 1 };
#else
static const int threads[] = { 1, 2, 3, 4, 8, 16 };
enum { STEPS = 3 };
#endif
enum { COUNTS = sizeof threads / sizeof *threads };

/* ---- what was computed, in few words ----------------------------------------------------------------------------- */

enum { MOST = 400 };
typedef struct digest {
    uint64_t at[MOST];
    const char *name[MOST];
    int n;
} digest;

static const void *elements_of(const ag_tensor *x)
{
    switch (ag_dtype_of(x)) {
    case AG_F32: return ag_f32(x);
    case AG_F64: return ag_f64(x);
    case AG_I64: return ag_i64(x);
    default: return ag_u8(x);
    }
}

static void put(digest *d, const char *name, const ag_tensor *x)
{
    if (!x) fail_msg("%s: %s", name, ag_errmsg());
    const unsigned char *bytes = elements_of(x);
    size_t n = (size_t)ag_numel(x) * ag_dtype_size(ag_dtype_of(x));
    uint64_t h = 14695981039346656037u; /* FNV-1a over words */
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, n - i < 8 ? n - i : 8);
        h = (h ^ word) * 1099511628211u;
        h ^= h >> 29;
    }
    assert_in_range(d->n, 0, MOST - 1);
    d->at[d->n] = h, d->name[d->n++] = name;
}

typedef void computation(digest *d, ag_dtype dtype);

/* Twice for each number: which thread takes what is chance. */
static void same_bits(computation *f)
{
    static digest first, other;
    for (int wide = 0; wide < 2; wide++) {
        for (int k = 0; k < 2 * COUNTS; k++) {
            digest *d = k ? &other : &first;
            d->n = 0;
            assert_int_equal(ag_set_threads(threads[k / 2]), AG_OK);
            ag_seed(7);
            ag_tape *tape = ag_tape_new();
            f(d, wide ? AG_F64 : AG_F32);
            if (ag_error()) fail_msg("%s", ag_errmsg());
            ag_tape_free(tape);
            assert_int_equal(d->n, first.n);
            for (int i = 0; k && i < first.n; i++)
                if (other.at[i] != first.at[i])
                    fail_msg("%s, %s: %d threads, other bits than with one", first.name[i], wide ? "f64" : "f32",
                             threads[k / 2]);
        }
    }
    print_message("# %d results, each with %d to %d threads\n", 2 * first.n, threads[0], threads[COUNTS - 1]);
}

/* The result of an operation on x and y, and the gradients that a random seed sends back. */
static void both_ways(digest *d, const char *name, ag_tensor *result, ag_tensor *x, ag_tensor *y)
{
    put(d, name, ag_contiguous(result));
    if (!(ag_dtype_of(result) == AG_F32 || ag_dtype_of(result) == AG_F64)) return;
    ag_rng at = ag_rng_get();
    ag_seed(3);
    int64_t dims[AG_MAX_RANK];
    for (int i = 0; i < ag_rank(result); i++) dims[i] = ag_size(result, i);
    ag_backward(result, .seed = (ag_randn)(ag_dtype_of(result), ag_rank(result), dims));
    ag_rng_set(at);
    ag_tensor *const leaves[] = { x, y };
    for (int i = 0; i < 2; i++)
        if (leaves[i] && ag_grad_of(leaves[i])) put(d, name, ag_grad_of(leaves[i]));
    ag_zero_grad(AG_PARAMS({ "x", x }, { "y", y ? y : x }));
    ag_tape_reset(ag_tape_current());
}

static ag_tensor *leaf(ag_dtype dtype, int rank, const int64_t *dims)
{
    ag_tensor *x = (ag_param)(dtype, rank, dims);
    AG_NO_GRAD
        ag_assign(x, (ag_randn)(dtype, rank, dims));
    return x;
}
#define LEAF(dtype, ...) \
    leaf(dtype, (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (const int64_t[]){ __VA_ARGS__ })

/* ---- elements ---------------------------------------------------------------------------------------------------- */

/* Every built-in operation that takes one or two tensors of one shape and nothing else. */
static void elements(digest *d, ag_dtype dtype)
{
    int64_t n;
    const ag_op *const *op = ag_op_all(&n);
    ag_tensor *x = LEAF(dtype, 450, 601), *y = LEAF(dtype, 450, 601);
    for (int64_t i = 0; i < n; i++) {
        if (op[i]->attr_size || op[i]->n_in < 1 || op[i]->n_in > 2) continue;
        ag_tensor *r = op[i]->n_in == 1 ? ag_apply(op[i], NULL, x) : ag_apply(op[i], NULL, x, y);
        if (r)
            both_ways(d, op[i]->name, r, x, y);
        else
            ag_tape_reset(ag_tape_current()); /* takes other shapes or dtypes */
    }
    ag_free(x), ag_free(y);
}

/* Broadcast, transposed, sliced; and the sums that the way back then needs. */
static void layouts(digest *d, ag_dtype dtype)
{
    ag_tensor *x = LEAF(dtype, 450, 601), *row = LEAF(dtype, 601), *column = LEAF(dtype, 450, 1);
    ag_tensor *other = LEAF(dtype, 601, 450), *one = LEAF(dtype, 1);
    both_ways(d, "x * row", ag_mul(x, row), x, row);
    both_ways(d, "x + row", ag_add(x, row), x, row);
    both_ways(d, "x / column", ag_div(x, column), x, column);
    both_ways(d, "x * one", ag_mul(x, one), x, one);
    both_ways(d, "row * column", ag_mul(row, column), row, column);
    both_ways(d, "x - other'", ag_sub(x, ag_transpose(other, 0, 1)), x, other);
    both_ways(d, "tanh(x')", ag_tanh(ag_transpose(x, 0, 1)), x, NULL);
    both_ways(d, "x[:, ::2] ^ 2", ag_square(ag_slice_step(x, 1, 0, 601, 2)), x, NULL);
    both_ways(d, "copy of x'", ag_contiguous(ag_transpose(x, 0, 1)), x, NULL);
    both_ways(d, "where", ag_where(ag_gt(x, 0.0), x, ag_transpose(other, 0, 1)), x, other);
    both_ways(d, "dropout", ag_dropout(x, 0.3), x, NULL);
    both_ways(d, "leaky_relu", ag_leaky_relu(x, 0.1), x, NULL);
    both_ways(d, "clamp", ag_clamp(x, -0.5, 0.5), x, NULL);
    both_ways(d, "to", ag_to(x, dtype == AG_F32 ? AG_F64 : AG_F32), x, NULL);
    both_ways(d, "cat", ag_cat(AG_LIST(x, ag_transpose(other, 0, 1)), 1), x, other);
    ag_free(x), ag_free(row), ag_free(column), ag_free(other), ag_free(one);
}

/* ---- reductions, losses, indices --------------------------------------------------------------------------------- */

static void reductions(digest *d, ag_dtype dtype)
{
    ag_tensor *x = LEAF(dtype, 450, 601), *deep = LEAF(dtype, 31, 20, 450);
    both_ways(d, "sum", ag_sum(x), x, NULL);
    both_ways(d, "sum 0", ag_sum(x, 0), x, NULL);
    both_ways(d, "sum 1", ag_sum(x, 1), x, NULL);
    both_ways(d, "sum of x'", ag_sum(ag_transpose(x, 0, 1)), x, NULL);
    both_ways(d, "mean 0 2", ag_mean(deep, 0, 2), deep, NULL);
    both_ways(d, "max", ag_max(x), x, NULL);
    both_ways(d, "min 1", ag_min(x, 1), x, NULL);
    both_ways(d, "logsumexp", ag_logsumexp(x), x, NULL);
    both_ways(d, "logsumexp 1", ag_logsumexp(deep, 1), deep, NULL);
    both_ways(d, "argmax", ag_argmax(x, 1), x, NULL);
    both_ways(d, "softmax 1", ag_softmax(x, 1), x, NULL);
    both_ways(d, "softmax 0", ag_softmax(x, 0), x, NULL);
    both_ways(d, "log_softmax 1", ag_log_softmax(x, 1), x, NULL);
    ag_free(x), ag_free(deep);
}

static void losses(digest *d, ag_dtype dtype)
{
    ag_tensor *x = LEAF(dtype, 2000, 250), *y = LEAF(dtype, 2000, 250);
    both_ways(d, "cross_entropy", ag_cross_entropy(x, ag_randint(250, 2000)), x, NULL);
    both_ways(d, "cross_entropy of probabilities", ag_cross_entropy(x, ag_softmax(y, 1)), x, y);
    both_ways(d, "mse_loss", ag_mse_loss(x, y), x, y);
    both_ways(d, "l1_loss", ag_l1_loss(x, y), x, y);
    both_ways(d, "huber_loss", ag_huber_loss(x, y), x, y);
    both_ways(d, "bce_with_logits", ag_bce_with_logits(x, ag_sigmoid(y)), x, NULL);
    both_ways(d, "nll_loss", ag_nll_loss(ag_log_softmax(x, 1), ag_randint(250, 2000)), x, NULL);
    ag_free(x), ag_free(y);
}

static void indices(digest *d, ag_dtype dtype)
{
    ag_tensor *table = LEAF(dtype, 300, 128), *values = LEAF(dtype, 3000, 128), *x = LEAF(dtype, 3000, 128);
    both_ways(d, "take", ag_take(table, 0, ag_randint(300, 20, 150)), table, NULL);
    both_ways(d, "gather", ag_gather(x, 1, ag_randint(128, 3000, 100)), x, NULL);
    both_ways(d, "index_add", ag_index_add(table, 0, ag_randint(300, 3000), values), table, values);
    both_ways(d, "scatter_add", ag_scatter_add(table, 0, ag_randint(300, 3000, 128), values), table, values);
    ag_free(table), ag_free(values), ag_free(x);
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

static void product(digest *d, const char *name, ag_dtype dtype, int64_t m, int64_t n, int64_t k)
{
    ag_tensor *a = LEAF(dtype, m, k), *b = LEAF(dtype, k, n), *at = LEAF(dtype, k, m), *bt = LEAF(dtype, n, k);
    both_ways(d, name, ag_matmul(a, b), a, b);
    both_ways(d, name, ag_matmul(ag_transpose(at, 0, 1), b), at, b);
    both_ways(d, name, ag_matmul(a, ag_transpose(bt, 0, 1)), a, bt);
    both_ways(d, name, ag_matmul(ag_transpose(at, 0, 1), ag_transpose(bt, 0, 1)), at, bt);
    ag_tensor *bias = LEAF(dtype, n);
    both_ways(d, name, ag_relu(ag_linear(a, bt, bias)), a, bt);
    both_ways(d, name, ag_linear(a, bt, bias), bias, NULL);
    ag_free(a), ag_free(b), ag_free(at), ag_free(bt), ag_free(bias);
}

static void products(digest *d, ag_dtype dtype)
{
    product(d, "128 512 784", dtype, 128, 512, 784);
    product(d, "301 207 259", dtype, 301, 207, 259);
    product(d, "3 5000 257", dtype, 3, 5000, 257);
    product(d, "5000 10 128", dtype, 5000, 10, 128);
    product(d, "16 16 40000", dtype, 16, 16, 40000);
    product(d, "2000 1 600", dtype, 2000, 1, 600);
    product(d, "1 2000 600", dtype, 1, 2000, 600);
    ag_tensor *a = LEAF(dtype, 12, 96, 64), *b = LEAF(dtype, 12, 64, 97), *c = LEAF(dtype, 96, 64);
    both_ways(d, "batched", ag_matmul(a, b), a, b);
    both_ways(d, "batched, transposed", ag_matmul(a, ag_transpose(a, 1, 2)), a, NULL);
    both_ways(d, "batched, one b", ag_matmul(c, b), c, b);
    ag_free(a), ag_free(b), ag_free(c);
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

static void train(digest *d, ag_dtype dtype, ag_module *net, ag_optim *opt, const char *name)
{
    for (int step = 0; step < STEPS; step++) {
        ag_tensor *loss = ag_cross_entropy(ag_forward(net, ag_rand(dtype, 128, 784)), ag_randint(10, 128));
        put(d, name, loss);
        ag_backward(loss);
        ag_clip_norm(ag_parameters(net), 1);
        ag_step(opt);
        ag_tape_reset(ag_tape_current());
    }
    ag_params p = ag_parameters(net), kept = ag_optim_state(opt);
    for (int64_t i = 0; i < p.n; i++) put(d, name, p.at[i].tensor);
    for (int64_t i = 0; i < kept.n; i++) put(d, name, kept.at[i].tensor);
    ag_optim_free(opt), ag_module_free(net);
}

static ag_module *network(ag_dtype dtype)
{
    return ag_Sequential(ag_Linear(784, 512, .dtype = dtype), ag_Act(ag_relu), ag_Dropout(0.2),
                         ag_Linear(512, 512, .dtype = dtype), ag_Act(ag_tanh), ag_Linear(512, 10, .dtype = dtype));
}

static void training(digest *d, ag_dtype dtype)
{
    ag_module *net = network(dtype);
    train(d, dtype, net, ag_sgd(ag_parameters(net), .lr = 0.1, .momentum = 0.9, .weight_decay = 1e-3), "sgd");
    net = network(dtype);
    train(d, dtype, net, ag_adam(ag_parameters(net), .amsgrad = true), "adam");
    net = network(dtype);
    train(d, dtype, net, ag_adamw(ag_parameters(net)), "adamw");
}

#define TEST(f)                        \
    static void test_##f(void **state) \
    {                                  \
        (void)state;                   \
        same_bits(f);                  \
    }
TEST(elements)
TEST(layouts)
TEST(reductions)
TEST(losses)
TEST(indices)
TEST(products)
TEST(training)

int main(void)
{
    ag__share_always = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements), cmocka_unit_test(test_layouts), cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_losses),   cmocka_unit_test(test_indices), cmocka_unit_test(test_products),
        cmocka_unit_test(test_training),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
