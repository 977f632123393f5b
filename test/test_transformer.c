/* test_transformer.c - the layers of Transformers: names, initial values, modes, shapes, derivatives, misuse, memory
 * running out. Their values are compared with PyTorch's in test_gpt.c. */
#define _POSIX_C_SOURCE 200809L
#include "plain.h"
#include <math.h>
#include <nn/nn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int tape(void **state)
{
    return (*state = ag_tape_new()) == NULL;
}
static int end(void **state)
{
    ag_tape_free(*state);
    return 0;
}

static void fails(ag_status code, const char *message)
{
    assert_string_equal(ag_errmsg(), message);
    assert_int_equal(ag_clear_error(), code);
}

/* ---- names, shapes and initial values ---- */

static void parameters_are_pytorchs(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int rank;
        int64_t dims[2];
    } want[] = {
        { "self_attn.in_proj_weight", 2, { 24, 8 } },
        { "self_attn.in_proj_bias", 1, { 24 } },
        { "self_attn.out_proj.weight", 2, { 8, 8 } },
        { "self_attn.out_proj.bias", 1, { 8 } },
        { "linear1.weight", 2, { 32, 8 } },
        { "linear1.bias", 1, { 32 } },
        { "linear2.weight", 2, { 8, 32 } },
        { "linear2.bias", 1, { 8 } },
        { "norm1.weight", 1, { 8 } },
        { "norm1.bias", 1, { 8 } },
        { "norm2.weight", 1, { 8 } },
        { "norm2.bias", 1, { 8 } },
    };
    ag_module *m = ag_TransformerBlock(8, 2, .dtype = AG_F64);
    ag_params p = ag_parameters(m);
    assert_int_equal(p.n, sizeof want / sizeof *want);
    for (int64_t i = 0; i < p.n; i++) {
        assert_string_equal(p.at[i].name, want[i].name);
        assert_int_equal(ag_dtype_of(p.at[i].tensor), AG_F64);
        assert_int_equal(ag_rank(p.at[i].tensor), want[i].rank);
        for (int d = 0; d < want[i].rank; d++) assert_int_equal(ag_size(p.at[i].tensor, d), want[i].dims[d]);
    }
    ag_module_free(m);
    m = ag_TransformerBlock(8, 4, .no_bias = true, .kv_heads = 1, .hidden = 5);
    assert_int_equal(ag_parameters(m).n, 6);
    assert_int_equal(ag_size(ag_module_tensor(m, "self_attn.in_proj_weight"), 0), 8 + 2 * 2);
    assert_int_equal(ag_size(ag_module_tensor(m, "linear1.weight"), 0), 5);
    ag_module_free(m);
}

/* Mean and variance of n numbers, four standard errors allowed (of a uniform distribution's when `bound` is not 0). */
static void is_drawn_from(const ag_tensor *w, double variance, double bound)
{
    int64_t n = ag_numel(w);
    double *v = malloc((size_t)n * sizeof *v), sum = 0, squares = 0, largest = 0, root = sqrt((double)n);
    assert_non_null(v);
    ag_read(w, v, n);
    for (int64_t i = 0; i < n; i++) sum += v[i], squares += v[i] * v[i], largest = fmax(largest, fabs(v[i]));
    free(v);
    assert_true(fabs(sum / (double)n) < 4 * sqrt(variance) / root);
    assert_true(fabs(squares / (double)n - variance) < 4 * variance * sqrt(bound > 0 ? 0.8 : 2) / root);
    if (bound > 0) assert_true(largest <= bound * (1 + 1e-6) && largest > bound * (1 - 20 / (double)n));
}
static void all_are(const ag_tensor *w, double value)
{
    double v[4096];
    int64_t n = ag_numel(w);
    assert_int_equal(ag_read(w, v, n), AG_OK);
    for (int64_t i = 0; i < n; i++) assert_true(v[i] == value);
}

static void initial_values_are_pytorchs(void **state)
{
    (void)state;
    ag_seed(1);
    ag_module *m = ag_MultiheadAttention(128, 4); /* no tape is needed */
    double xavier = 2.0 / (128 + 384), linear = 1.0 / 128;
    is_drawn_from(ag_module_tensor(m, "in_proj_weight"), xavier, sqrt(3 * xavier));
    is_drawn_from(ag_module_tensor(m, "out_proj.weight"), linear / 3, sqrt(linear));
    all_are(ag_module_tensor(m, "in_proj_bias"), 0), all_are(ag_module_tensor(m, "out_proj.bias"), 0);
    ag_module_free(m);
    const int64_t padding = 3;
    ag_module *e = ag_Embedding(1000, 64), *padded = ag_Embedding(5, 64, .dtype = AG_F64, .padding = &padding);
    is_drawn_from(ag_module_tensor(e, "weight"), 1, 0);
    double row[5 * 64];
    ag_read(ag_module_tensor(padded, "weight"), row, 5 * 64);
    for (int i = 0; i < 5 * 64; i++) assert_true((row[i] == 0) == (i / 64 == 3));
    ag_module_free(e), ag_module_free(padded);
    ag_module *n = ag_LayerNorm(16), *r = ag_RMSNorm(16, .dtype = AG_F64), *plain = ag_LayerNorm(16, .no_affine = true);
    all_are(ag_module_tensor(n, "weight"), 1), all_are(ag_module_tensor(n, "bias"), 0);
    all_are(ag_module_tensor(r, "weight"), 1);
    assert_int_equal(ag_parameters(r).n, 1);
    assert_int_equal(ag_parameters(plain).n, 0);
    ag_module_free(n), ag_module_free(r), ag_module_free(plain);
}

/* ---- what they compute ---- */

static void norms_and_embeddings_are_the_operations(void **state)
{
    (void)state;
    ag_tensor *x = ag_mul(ag_randn(AG_F64, 3, 4, 6), 3.0), *index = ag_copy(((const int64_t[]){ 3, 0, 3 }), 3);
    const int64_t padding = 3;
    ag_module *layer = ag_LayerNorm(6, .dtype = AG_F64, .eps = 0.1), *rms = ag_RMSNorm(6, .dtype = AG_F64, .eps = 0.2);
    ag_module *e = ag_Embedding(4, 5, .dtype = AG_F64, .padding = &padding);
    assert_true(plain_distance(ag_forward(layer, x), ag_layer_norm(x, 1, .eps = 0.1)) == 0);
    assert_true(plain_distance(ag_forward(rms, x), ag_rms_norm(x, 1, .eps = 0.2)) == 0);
    ag_tensor *rows = ag_forward(e, index), *weight = ag_module_tensor(e, "weight");
    assert_true(plain_distance(rows, ag_take(weight, 0, index)) == 0);
    ag_backward(ag_sum(rows));
    all_are(ag_select(ag_grad_of(weight), 0, 3), 0), all_are(ag_select(ag_grad_of(weight), 0, 0), 1);
    assert_int_equal(ag_error(), AG_OK);
    ag_module_free(layer), ag_module_free(rms), ag_module_free(e);
}

static void causal_means_that_what_follows_does_not_matter(void **state)
{
    (void)state;
    for (int causal = 0; causal < 2; causal++) {
        ag_module *m = ag_TransformerBlock(8, 4, .dtype = AG_F64, .kv_heads = 2, .causal = causal);
        ag_tensor *x = ag_randn(AG_F64, 2, 5, 8), *y = ag_forward(m, x), *first = ag_slice(x, 1, 0, 3);
        double d = plain_distance(ag_slice(y, 1, 0, 3), ag_forward(m, first));
        assert_true(causal ? d < 1e-14 : d > 1e-3);
        /* without a batch, and with two axes of it */
        assert_true(plain_distance(ag_forward(m, ag_select(x, 0, 1)), ag_select(y, 0, 1)) < 1e-14);
        assert_true(plain_distance(ag_forward(m, ag_unsqueeze(x, 0)), ag_unsqueeze(y, 0)) < 1e-14);
        ag_module_free(m);
    }
}

static void dropout_is_for_training(void **state)
{
    (void)state;
    ag_module *m = ag_TransformerBlock(8, 2, .dtype = AG_F64, .dropout = 0.5);
    ag_module *plain = ag_TransformerBlock(8, 2, .dtype = AG_F64);
    ag_module_copy(plain, m);
    ag_tensor *x = ag_randn(AG_F64, 2, 5, 8), *want = ag_forward(plain, x);
    assert_true(plain_distance(ag_forward(m, x), want) > 1e-2);
    assert_true(plain_distance(ag_forward(m, x), ag_forward(m, x)) > 1e-2);
    ag_train(m, false);
    assert_true(plain_distance(ag_forward(m, x), want) == 0);
    ag_module_free(m), ag_module_free(plain);
}

static ag_tensor *run(ag_tensor **x, void *user)
{
    return ag_forward(user, x[0]);
}
static void gradients_are_right(void **state)
{
    (void)state;
    ag_module *m = ag_Sequential(ag_TransformerBlock(4, 2, .dtype = AG_F64, .hidden = 3, .causal = true, .eps = 0.1),
                                 ag_RMSNorm(4, .dtype = AG_F64),
                                 ag_MultiheadAttention(4, 4, .dtype = AG_F64, .kv_heads = 2, .dropout = 0.2));
    ag_tensor *x = ag_randn(AG_F64, 2, 3, 4);
    if (ag_gradcheck(run, AG_LIST(x), .user = m, .params = ag_parameters(m), .order = 2)) fail_msg("%s", ag_errmsg());
    ag_module_free(m);
}

static void summary_counts(void **state)
{
    (void)state;
    ag_module *m = ag_TransformerBlock(8, 2);
    ag_forward(m, ag_ones(AG_F32, 2, 5, 8));
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    ag_module_print(m, f);
    fclose(f);
    /* 2 x 5 rows times 8 x 24, and 2 x 5 x 5 scores and weights times 8 */
    assert_non_null(strstr(text, "self_attn: MultiheadAttention  [2,5,8]          216           2720          864\n"));
    assert_non_null(strstr(text, "out_proj: Linear             [2,5,8]           72            640          288\n"));
    free(text);
    ag_module_free(m);
}

static void settings_that_cannot_be(void **state)
{
    (void)state;
    const int64_t padding = 4;
    assert_null(ag_LayerNorm(0));
    fails(AG_EINVAL, "ag_LayerNorm: width 0; it takes 1 or more");
    assert_null(ag_RMSNorm(4, .eps = -1));
    fails(AG_EINVAL, "ag_RMSNorm: eps -1 is negative");
    assert_null(ag_Embedding(0, 3));
    fails(AG_EINVAL, "ag_Embedding: count 0; it takes 1 or more");
    assert_null(ag_Embedding(3, 0));
    fails(AG_EINVAL, "ag_Embedding: width 0; it takes 1 or more");
    assert_null(ag_Embedding(4, 3, .padding = &padding));
    fails(AG_EINVAL, "ag_Embedding: padding 4 is none of 4 rows");
    assert_null(ag_MultiheadAttention(8, 3));
    fails(AG_EINVAL, "ag_MultiheadAttention: 3 heads cannot share a width of 8");
    assert_null(ag_MultiheadAttention(8, 4, .kv_heads = 3));
    fails(AG_EINVAL, "ag_MultiheadAttention: 4 heads cannot share 3 of keys and values");
    assert_null(ag_MultiheadAttention(8, 4, .dropout = 1));
    fails(AG_EINVAL, "ag_MultiheadAttention: dropout 1 is not in [0, 1)");
    assert_null(ag_MultiheadAttention(8, 4, .dtype = AG_I64));
    assert_int_equal(ag_clear_error(), AG_EDTYPE);
    assert_null(ag_TransformerBlock(8, 3));
    fails(AG_EINVAL, "ag_MultiheadAttention: 3 heads cannot share a width of 8");
    assert_null(ag_TransformerBlock(8, 2, .hidden = -1));
    fails(AG_EINVAL, "ag_Linear: out -1; it takes 1 or more");
    ag_module *m = ag_MultiheadAttention(8, 2);
    assert_null(ag_forward(m, ag_ones(AG_F32, 8)));
    fails(AG_ESHAPE, "ag_MultiheadAttention: an input of 1 axes, the last 8 long; it takes [.., n, 8]");
    assert_null(ag_forward(m, ag_ones(AG_F32, 3, 7)));
    fails(AG_ESHAPE, "ag_MultiheadAttention: an input of 2 axes, the last 7 long; it takes [.., n, 8]");
    ag_module_free(m);
}

/* ---- every allocation fails once: the linker redirects the library's to these (--wrap) ---- */

void *__real_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);

static long seen, live, fail_at; /* fail_at 0: never */

static void *count(void *p)
{
    live += p != NULL;
    return p;
}
void *__wrap_calloc(size_t n, size_t size)
{
    return ++seen == fail_at ? NULL : count(__real_calloc(n, size));
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    return ++seen == fail_at ? NULL : count(__real_aligned_alloc(align, n));
}
void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

/* Makes, runs and walks back through a network; the error that stopped it. Whatever is made is freed. */
static ag_status whole_life(void)
{
    const int64_t padding = 0;
    ag_module *net = ag_Sequential(ag_Embedding(4, 8, .padding = &padding),
                                   ag_TransformerBlock(8, 2, .causal = true, .dropout = 0.1), ag_RMSNorm(8));
    ag_tape *t = ag_tape_new();
    if (net && t) ag_backward(ag_sum(ag_forward(net, ag_ones(AG_I64, 2, 3))));
    ag_tape_free(t);
    ag_module_free(net);
    return ag_clear_error();
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    long before = live;
    seen = 0;
    assert_int_equal(whole_life(), AG_OK);
    assert_int_equal(live, before);
    long sites = seen;
    for (long k = 1; k <= sites; k++) {
        seen = 0, fail_at = k;
        ag_status s = whole_life();
        fail_at = 0;
        assert_int_equal(s, AG_ENOMEM);
        assert_int_equal(live, before);
    }
    print_message("# allocation failure: %ld sites, each AG_ENOMEM, nothing lost or leaked\n", sites);
    assert_true(sites > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_pytorchs),
        cmocka_unit_test(initial_values_are_pytorchs),
        cmocka_unit_test_setup_teardown(norms_and_embeddings_are_the_operations, tape, end),
        cmocka_unit_test_setup_teardown(causal_means_that_what_follows_does_not_matter, tape, end),
        cmocka_unit_test_setup_teardown(dropout_is_for_training, tape, end),
        cmocka_unit_test_setup_teardown(gradients_are_right, tape, end),
        cmocka_unit_test_setup_teardown(summary_counts, tape, end),
        cmocka_unit_test_setup_teardown(settings_that_cannot_be, tape, end),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
