/* test_attention.c - attention by blocks against the scores written out: values, gradients by kernels and by rules,
 * masks, shared heads, layouts, memory, threads, and its row kernels on each instruction set. */
#include "plain.h"
#include <autograd/kernels/kernels.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
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

/* Numbers in [-size, size) that repeat late. */
static ag_tensor *numbers(ag_dtype dtype, double size, double phase, int rank, const int64_t *dims)
{
    int64_t n = 1;
    for (int i = 0; i < rank; i++) n *= dims[i];
    ag_tensor *x = ag_mul(ag_sin(ag_add(ag_mul(ag_arange(AG_F64, 0, (double)n, 1), 1.7), phase)), size);
    return (ag_reshape)(ag_to(x, dtype), rank, dims);
}
#define NUMBERS(size, phase, ...) \
    numbers(AG_F64, size, phase, (int)(sizeof((int64_t[]){ __VA_ARGS__ }) / 8), (const int64_t[]){ __VA_ARGS__ })

/* ---- the definition ---- */

typedef struct shape {
    int64_t batch, heads, kv_heads, n, m, width, v_width;
} shape;
enum { NO_MASK, BY_KEY, BY_SCORE, ADDED, BLIND, MASKS };

static ag_tensor *mask_of(const shape *s, int how)
{
    switch (how) {
    case BY_KEY: return ag_gt(NUMBERS(1, 0.4, s->m), -0.3);
    case BY_SCORE: return ag_gt(NUMBERS(1, 0.4, s->heads, s->n, s->m), -0.3);
    case ADDED: return NUMBERS(2, 0.9, s->batch, 1, s->n, s->m);
    case BLIND: return ag_gt(NUMBERS(1, 0.4, s->n, 1), 0.0); /* half of the queries see nothing */
    default: return NULL;
    }
}

/* softmax(q k' scale + mask) v; a query that sees nothing gets 0 */
static ag_tensor *plain_attention(const shape *s, ag_tensor *const *x, ag_tensor *mask, bool causal, double scale)
{
    ag_tensor *k = x[1], *v = x[2];
    int64_t group = s->heads / s->kv_heads;
    if (group > 1) { /* each kv head repeated */
        k = ag_reshape(ag_expand(ag_unsqueeze(k, 2), s->batch, s->kv_heads, group, s->m, s->width), s->batch, s->heads,
                       s->m, s->width);
        v = ag_reshape(ag_expand(ag_unsqueeze(v, 2), s->batch, s->kv_heads, group, s->m, s->v_width), s->batch,
                       s->heads, s->m, s->v_width);
    }
    ag_tensor *score = ag_mul(ag_matmul(x[0], ag_transpose(k, -1, -2)), scale);
    if (mask && ag_dtype_of(mask) != AG_BOOL) score = ag_add(score, mask), mask = NULL;
    ag_tensor *never = ag_num(-1e30);
    if (mask) score = ag_where(mask, score, never);
    if (causal)
        score = ag_where(
            ag_ge(ag_reshape(ag_arange(AG_I64, 0, (double)s->n, 1), s->n, 1), ag_arange(AG_I64, 0, (double)s->m, 1)),
            score, never);
    ag_tensor *sees = ag_gt(ag_max_keep(ag_detach(score), -1), -1e29);
    return ag_matmul(ag_where(sees, ag_softmax(score, -1), ag_num(0)), v);
}

static const shape shapes[] = {
    { 1, 1, 1, 1, 1, 1, 1 },     { 1, 1, 1, 63, 65, 3, 5 },   { 2, 3, 3, 64, 128, 4, 4 },    { 1, 2, 2, 65, 129, 7, 2 },
    { 1, 4, 2, 130, 70, 5, 16 }, { 2, 6, 1, 10, 300, 3, 3 },  { 1, 1, 1, 200, 400, 32, 32 }, { 1, 1, 1, 600, 40, 2, 3 },
    { 1, 1, 1, 40, 600, 2, 3 },  { 3, 4, 4, 33, 33, 16, 16 },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static void leaves(const shape *s, ag_dtype dtype, double size, ag_tensor **x)
{
    x[0] = ag_param_like(numbers(dtype, size, 0.1, 4, (const int64_t[]){ s->batch, s->heads, s->n, s->width }));
    x[1] = ag_param_like(numbers(dtype, size, 0.5, 4, (const int64_t[]){ s->batch, s->kv_heads, s->m, s->width }));
    x[2] = ag_param_like(numbers(dtype, 1, 0.8, 4, (const int64_t[]){ s->batch, s->kv_heads, s->m, s->v_width }));
}
static void drop(ag_tensor **x)
{
    for (int i = 0; i < 3; i++) ag_free(x[i]);
}

static void attention_is_its_definition(void **state)
{
    for (int k = 0; k < SHAPES; k++)
        for (int how = 0; how < 2 * MASKS; how++) {
            const shape *s = &shapes[k];
            bool causal = how % 2;
            ag_tensor *x[3], *want[3], *rule[3], *mask = mask_of(s, how / 2);
            leaves(s, AG_F64, 1, x);
            ag_tensor *y = ag_attention(x[0], x[1], x[2], .mask = mask, .causal = causal, .scale = 0.7);
            ag_tensor *plain = plain_attention(s, x, mask, causal, 0.7);
            double worst = plain_distance(y, plain);
            ag_tensor *seed = NUMBERS(1, 0.3, s->batch, s->heads, s->n, s->v_width), *loss = ag_sum(ag_mul(y, seed));
            ag_grads(ag_sum(ag_mul(plain, seed)), (ag_list){ x, 3 }, want);
            ag_grads(loss, (ag_list){ x, 3 }, rule);
            ag_backward(loss);
            for (int i = 0; i < 3; i++) {
                worst = fmax(worst, plain_distance(ag_grad_of(x[i]), want[i]));
                worst = fmax(worst, plain_distance(rule[i], want[i]));
            }
            if (!(worst <= 1e-13)) fail_msg("shape %d, case %d: off by %g: %s", k, how, worst, ag_errmsg());
            assert_int_equal(ag_tape_reset(*state), AG_OK);
            drop(x);
        }
}

/* Scores whose exponentials overflow, in either dtype. */
static void large_scores_are_no_matter(void **state)
{
    static const shape s = { 1, 2, 2, 70, 300, 8, 4 };
    for (int causal = 0; causal < 2; causal++) {
        ag_tensor *x[3], *narrow[3], *g[3];
        leaves(&s, AG_F64, 60, x), leaves(&s, AG_F32, 60, narrow);
        for (int i = 0; i < 3; i++) ag_assign(x[i], narrow[i]);
        ag_tensor *y = ag_attention(x[0], x[1], x[2], .causal = causal);
        ag_grads(ag_sum(y), (ag_list){ x, 3 }, g);
        ag_tensor *z = ag_attention(narrow[0], narrow[1], narrow[2], .causal = causal);
        assert_true(plain_distance(ag_to(z, AG_F64), y) < 2e-3); /* scores near 1e4 in f32 */
        ag_backward(ag_sum(z));
        for (int i = 0; i < 3; i++) assert_true(isfinite(ag_item(ag_sum(ag_grad_of(narrow[i])))));
        assert_true(plain_distance(y, plain_attention(&s, x, NULL, causal, 1 / sqrt(8))) < 1e-11);
        assert_int_equal(ag_tape_reset(*state), AG_OK);
        drop(x), drop(narrow);
    }
}

/* All keys count alike, and with a negative scale the least alike counts most. */
static void any_scale_will_do(void **state)
{
    static const shape s = { 1, 2, 2, 70, 150, 8, 4 };
    static const double scales[] = { AG_ZERO, -AG_ZERO, -0.7, 1e-30 };
    for (int k = 0; k < 8; k++) {
        ag_tensor *x[3];
        leaves(&s, AG_F32, 1, x);
        ag_tensor *y = ag_attention(x[0], x[1], x[2], .causal = k % 2, .scale = scales[k / 2]);
        assert_true(plain_distance(y, plain_attention(&s, x, NULL, k % 2, scales[k / 2])) < 1e-6);
        assert_int_equal(ag_tape_reset(*state), AG_OK);
        drop(x);
    }
}

/* ---- layouts ---- */

/* One product holds queries, keys and values beside each other, as layers make them. */
static ag_tensor *part(ag_tensor *qkv, int which, int64_t heads)
{
    int64_t batch = ag_size(qkv, 0), n = ag_size(qkv, 1), width = ag_size(qkv, 2) / 3 / heads;
    return ag_permute(ag_select(ag_reshape(qkv, batch, n, 3, heads, width), 2, which), 0, 2, 1, 3);
}
static void strided_heads_are_read_in_place(void **state)
{
    ag_tensor *qkv = ag_param_like(NUMBERS(1, 0.2, 2, 70, 3 * 4 * 5)), *g[2];
    for (int copied = 0; copied < 2; copied++) {
        ag_tensor *x[3];
        for (int i = 0; i < 3; i++) x[i] = copied ? ag_contiguous(part(qkv, i, 4)) : part(qkv, i, 4);
        uint64_t before = ag_tape_memory(*state).in_use;
        ag_tensor *y = ag_attention(x[0], x[1], x[2], .causal = true);
        uint64_t result = 2 * 4 * 70 * (5 + 1) * sizeof(double);
        if (!copied) assert_in_range(ag_tape_memory(*state).in_use - before, result, 2 * result);
        ag_backward(ag_sum(ag_square(y)));
        g[copied] = ag_clone(ag_grad_of(qkv));
        ag_zero_grad(AG_PARAMS({ "qkv", qkv }));
    }
    double d = plain_distance(g[0], g[1]);
    if (!(d < 1e-14)) fail_msg("off by %g", d);
    ag_free(qkv);
}

/* ---- memory: f32, one head of width 16, forward and backward ---- */

static uint64_t peak_at(int64_t n, bool causal, bool permuted)
{
    ag_tape *t = ag_tape_new();
    shape s = { 1, 1, 1, n, n, 16, 16 };
    ag_tensor *x[3], *in[3];
    leaves(&s, AG_F32, 1, x);
    ag_tape_free(t);
    t = ag_tape_new();
    for (int i = 0; i < 3; i++) in[i] = permuted ? ag_permute(ag_permute(x[i], 0, 2, 1, 3), 0, 2, 1, 3) : x[i];
    assert_int_equal(ag_backward(ag_sum(ag_attention(in[0], in[1], in[2], .causal = causal))), AG_OK);
    uint64_t peak = ag_tape_memory(t).peak;
    drop(x);
    ag_tape_free(t);
    return peak;
}
static void memory_is_linear_in_the_sequence(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        uint64_t at[3];
        for (int i = 0; i < 3; i++) at[i] = peak_at(1024 << i, how, how);
        printf("# attention, width 16, f32: %llu, %llu, %llu bytes at sequences of 1024, 2048, 4096\n",
               (unsigned long long)at[0], (unsigned long long)at[1], (unsigned long long)at[2]);
        assert_true(10 * (at[2] - at[1]) < 22 * (at[1] - at[0]));
        assert_true(at[2] < 4096u * 4096u * sizeof(float) / 8);
    }
}

/* ---- threads ---- */

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    static const shape cases[] = { { 2, 3, 3, 200, 200, 16, 16 },
                                   { 1, 4, 2, 700, 130, 8, 8 },
                                   { 1, 1, 1, 1100, 600, 4, 4 } };
    static float first[4][1 << 16], now[4][1 << 16];
    for (int k = 0; k < 3; k++)
        for (int threads = 1; threads <= 5; threads += 2) {
            ag_tensor *x[3];
            float(*to)[1 << 16] = threads == 1 ? first : now;
            ag_set_threads(threads);
            leaves(&cases[k], AG_F32, 1, x);
            ag_tensor *y = ag_attention(x[0], x[1], x[2], .causal = true);
            ag_backward(ag_sum(ag_square(y)));
            ag_read(y, to[3], ag_numel(y));
            for (int i = 0; i < 3; i++) ag_read(ag_grad_of(x[i]), to[i], ag_numel(x[i]));
            for (int i = 0; i < 4 && threads > 1; i++)
                assert_memory_equal(first[i], now[i], (size_t)ag_numel(i < 3 ? x[i] : y) * sizeof(float));
            assert_int_equal(ag_tape_reset(*state), AG_OK);
            drop(x);
        }
    ag_set_threads(0);
}

/* ---- row kernels against plain loops, on each instruction set ---- */

enum { ROWS = 9, MOST = 300 };
static double wide(int dtype, const void *from, int64_t i)
{
    return dtype ? ((const double *)from)[i] : (double)((const float *)from)[i];
}
static void *narrow(int dtype, double scale, double phase, int64_t n, void *to)
{
    for (int64_t i = 0; i < n; i++) {
        double v = scale * sin(1.7 * (double)i + phase);
        if (dtype)
            ((double *)to)[i] = v;
        else
            ((float *)to)[i] = (float)v;
    }
    return to;
}
static void near(int dtype, double got, double want)
{
    if (!(fabs(got - want) <= (dtype ? 1e-13 : 2e-5) * fmax(1, fabs(want)))) fail_msg("%g instead of %g", got, want);
}

static void check_rows(const ag__kernels *k, int dtype, int64_t n)
{
    static double x[ROWS * MOST], y[ROWS * MOST], from[ROWS * MOST], norm[ROWS], factor[ROWS];
    const void *xs = narrow(dtype, 3, 0, ROWS * n, x);
    k->logsumexp_rows(ROWS, n, xs, norm);
    narrow(dtype, 2, 1, ROWS, factor);
    for (int add = 0; add < 2; add++) {
        narrow(dtype, 1, 2, ROWS * n, from), narrow(dtype, 1, 2, ROWS * n, y);
        k->exp_rows(ROWS, n, 0.5, xs, norm, factor, y, add);
        for (int64_t i = 0; i < ROWS * n; i++) {
            double e = wide(dtype, factor, i / n) * exp(0.5 * wide(dtype, x, i) - wide(dtype, norm, i / n));
            near(dtype, wide(dtype, y, i), e + (add ? wide(dtype, from, i) : 0));
        }
    }
    for (int64_t r = 0; r < ROWS; r++) {
        double total = 0;
        for (int64_t i = 0; i < n; i++) total += exp(wide(dtype, x, r * n + i));
        near(dtype, wide(dtype, norm, r), log(total));
    }
    for (int negative = 0; negative < 2; negative++) {
        double max = -INFINITY, scale = negative ? -0.8 : 0.8, top = -INFINITY, total = 0;
        for (int64_t i = 0; i < n; i++) top = fmax(top, scale * wide(dtype, x, i));
        for (int64_t i = 0; i < n; i++) total += exp(scale * wide(dtype, x, i) - top);
        memcpy(y, x, sizeof x);
        near(dtype, k->exp_sum(n, scale, y, &max), total);
        near(dtype, max, top);
        for (int64_t i = 0; i < n; i++) near(dtype, wide(dtype, y, i), exp(scale * wide(dtype, x, i) - top));
    }
    narrow(dtype, 1, 2, ROWS * n, y), narrow(dtype, 1, 2, ROWS * n, from);
    k->softmax_back(ROWS, n, 0.7, xs, norm, y);
    for (int64_t i = 0; i < ROWS * n; i++)
        near(dtype, wide(dtype, y, i), 0.7 * wide(dtype, x, i) * (wide(dtype, from, i) - wide(dtype, norm, i / n)));
    k->dot_rows(ROWS, n, xs, from, y);
    for (int64_t r = 0; r < ROWS; r++) {
        double sum = 0, size = 1;
        for (int64_t i = r * n; i < (r + 1) * n; i++) {
            sum += wide(dtype, x, i) * wide(dtype, from, i);
            size += fabs(wide(dtype, x, i) * wide(dtype, from, i));
        }
        near(dtype, (wide(dtype, y, r) - sum) / size, 0);
    }
    k->turn(n, ROWS, xs, ROWS, 1, y);
    for (int64_t i = 0; i < ROWS * n; i++) assert_true(wide(dtype, y, i % ROWS * n + i / ROWS) == wide(dtype, x, i));
    k->turn(ROWS, n, xs, n, 1, y);
    for (int64_t i = 0; i < ROWS * n; i++) assert_true(wide(dtype, y, i % n * ROWS + i / n) == wide(dtype, x, i));
    k->turn(n, ROWS, xs, 1, n, y);
    for (int64_t i = 0; i < ROWS * n; i++) assert_true(wide(dtype, y, i) == wide(dtype, x, i));
}

static void row_kernels_are_their_definitions(void **state)
{
    (void)state;
    static const char *const archs[] = { "generic", "avx2", "avx512" };
    static const int64_t widths[] = { 1, 2, 7, 10, 16, 31, 64, 65, 128, 257, 300 };
    for (int a = 0; a < 3; a++)
        for (int dtype = 0; dtype < 2; dtype++) {
            const ag__kernels *k = ag__kernels_of(archs[a], dtype);
            for (size_t i = 0; k && i < sizeof widths / sizeof *widths; i++) check_rows(k, dtype, widths[i]);
        }
}

/* Rows of infinities, and of nothing. */
static void row_kernels_know_infinity(void **state)
{
    (void)state;
    const ag__kernels *k = ag__kernels_of(NULL, 1); /* the best */
    double x[6] = { -INFINITY, -INFINITY, INFINITY, 1, NAN, 0 }, y[3], z[6], max = -INFINITY;
    k->logsumexp_rows(3, 2, x, y);
    assert_true(y[0] == -INFINITY && y[1] == INFINITY && isnan(y[2]));
    assert_true(k->exp_sum(2, 1, x, &max) == 0 && max == -INFINITY && x[0] == 0 && x[1] == 0);
    k->exp_rows(2, 3, 1, (double[]){ 1, INFINITY, NAN, 1, 2, 3 }, (double[]){ 0, INFINITY }, (double[]){ 0, 1 }, z,
                false);
    for (int i = 0; i < 6; i++) assert_true(z[i] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(attention_is_its_definition, tape, end),
        cmocka_unit_test_setup_teardown(large_scores_are_no_matter, tape, end),
        cmocka_unit_test_setup_teardown(any_scale_will_do, tape, end),
        cmocka_unit_test_setup_teardown(strided_heads_are_read_in_place, tape, end),
        cmocka_unit_test(memory_is_linear_in_the_sequence),
        cmocka_unit_test_setup_teardown(any_number_of_threads_gives_the_same_bits, tape, end),
        cmocka_unit_test(row_kernels_are_their_definitions),
        cmocka_unit_test_setup_teardown(row_kernels_know_infinity, tape, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
