/* Convolutions and pools against PyTorch's cases and plain loops; bounded memory, threads, infinities, third order. */
#include "parity.h"
#include "plain.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <autograd/base/pool.h>

static int tape(void **state)
{
    return (*state = ag_tape_new()) == NULL;
}
static int end(void **state)
{
    ag_tape_free(*state);
    return 0;
}

static void golden_cases(void **state)
{
    (void)state;
    char text[8192] = "";
    FILE *out = tmpfile();
    assert_non_null(out);
    int status = parity_run("test/golden/conv.jsonl.gz", NULL, out, out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    if (status) fail_msg("%s", text);
    print_message("# %s", text);
}

/* ---- the form itself: sum of x[n, g c, i] w[g o, c, k] y[n, g o, p] over all, i = p stride - padding + k dilation
 * ---- */

typedef struct sizes {
    int64_t n, groups, c, o, x[3], k[3], y[3], stride[3], padding[3], dilation[3], extra[3];
} sizes;

static int64_t volume(const int64_t *a)
{
    return a[0] * a[1] * a[2];
}
/* Where place p and element k of the kernel meet x, or -1. */
static int64_t met(const sizes *s, int64_t p, int64_t k)
{
    int64_t at[3];
    for (int d = 2; d >= 0; p /= s->y[d], k /= s->k[d], d--) {
        at[d] = p % s->y[d] * s->stride[d] - s->padding[d] + k % s->k[d] * s->dilation[d];
        if (at[d] < 0 || at[d] >= s->x[d]) return -1;
    }
    return (at[0] * s->x[1] + at[1]) * s->x[2] + at[2];
}
/* One of x, w and y is summed up from the others. */
static void form(const sizes *s, double *x, double *w, double *y, const double *into)
{
    int64_t nx = volume(s->x), nk = volume(s->k), ny = volume(s->y);
    for (int64_t i = 0; i < s->n * s->groups; i++)
        for (int64_t o = 0; o < s->o; o++)
            for (int64_t c = 0; c < s->c; c++)
                for (int64_t k = 0; k < nk; k++)
                    for (int64_t p = 0; p < ny; p++) {
                        int64_t m = met(s, p, k);
                        if (m < 0) continue;
                        double *a = &x[(i * s->c + c) * nx + m], *b = &y[(i * s->o + o) * ny + p],
                               *v = &w[((i % s->groups * s->o + o) * s->c + c) * nk + k];
                        if (into == x) *a += *v * *b;
                        if (into == w) *v += *a * *b;
                        if (into == y) *b += *a * *v;
                    }
}

static ag_conv_options options(const sizes *s, int rank, bool transposed)
{
    ag_conv_options o = { .groups = s->groups };
    for (int i = 0, d = 3 - rank; i < rank; i++, d++) {
        o.strides[i] = s->stride[d], o.paddings[i] = s->padding[d], o.dilations[i] = s->dilation[d];
        if (transposed) o.output_paddings[i] = s->extra[d];
    }
    return o;
}

static double *numbers(ag_tensor *x)
{
    double *v = malloc((size_t)(ag_numel(x) + 1) * sizeof *v);
    assert_true(v && !ag_read(x, v, ag_numel(x)));
    return v;
}
static double *zeros(int64_t n)
{
    double *v = calloc((size_t)n + 1, sizeof *v);
    assert_non_null(v);
    return v;
}

static ag_tensor *made(ag_dtype dtype, int rank, int64_t a, int64_t b, const int64_t *size)
{
    int64_t dims[5] = { a, b };
    memcpy(dims + 2, size + 3 - rank, (size_t)rank * sizeof *dims);
    return plain_random(dtype, rank + 2, dims);
}

typedef ag_tensor *conv(ag_tensor *, ag_tensor *, ag_tensor *, const ag_conv_options *);
static conv *const straight[] = { (ag_conv1d), (ag_conv2d), (ag_conv3d) };
static conv *const back[] = { (ag_conv_transpose1d), (ag_conv_transpose2d), (ag_conv_transpose3d) };

/* x, w and y of those sizes: convolution, transposed convolution and the gradients of both by everything. */
static void check(const sizes *s, int rank, ag_dtype dtype)
{
    double near = dtype == AG_F64 ? 1e-13 : 1e-4;
    ag_tensor *x = ag_variable(made(dtype, rank, s->n, s->groups * s->c, s->x)),
              *w = ag_variable(made(dtype, rank, s->groups * s->o, s->c, s->k)),
              *y = ag_variable(made(dtype, rank, s->n, s->groups * s->o, s->y)), *none = NULL;
    assert_true(x && w && y);
    int64_t nx = ag_numel(x), nw = ag_numel(w), ny = ag_numel(y);
    double *vx = numbers(x), *vw = numbers(w), *vy = numbers(y), *zx = zeros(nx), *zw = zeros(nw), *zy = zeros(ny);
    form(s, zx, vw, vy, zx), form(s, vx, zw, vy, zw), form(s, vx, vw, zy, zy);
    ag_conv_options o = options(s, rank, false), u = options(s, rank, true);
    ag_tensor *to_y = straight[rank - 1](x, w, none, &o), *to_x = back[rank - 1](y, w, none, &u);
    assert_true(plain_distance_to(to_y, zy, ny) <= near);
    assert_true(plain_distance_to(to_x, zx, nx) <= near);
    assert_true(plain_distance_to(ag_vjp(to_y, w, y), zw, nw) <= near);
    assert_true(plain_distance_to(ag_vjp(to_y, x, y), zx, nx) <= near);
    assert_true(plain_distance_to(ag_vjp(to_x, w, x), zw, nw) <= near);
    assert_true(plain_distance_to(ag_vjp(to_x, y, x), zy, ny) <= near);
    assert_int_equal(ag_error(), AG_OK);
    free(vx), free(vw), free(vy), free(zx), free(zw), free(zy);
}

static void plain_loops(void **state)
{
    for (int round = 0; round < 250; round++) {
        ag_tape_reset(*state);
        int rank = 1 + (int)plain_choice(3);
        sizes s = { .n = 1 + plain_choice(3), .groups = 1 + plain_choice(3) };
        s.c = 1 + plain_choice(3), s.o = 1 + plain_choice(3);
        for (int d = 0; d < 3; d++) {
            bool on = d >= 3 - rank;
            s.k[d] = on ? 1 + plain_choice(4) : 1, s.stride[d] = on ? 1 + plain_choice(3) : 1;
            s.padding[d] = on ? plain_choice(4) : 0, s.dilation[d] = on ? 1 + plain_choice(3) : 1;
            s.extra[d] = on ? plain_choice(s.stride[d]) : 0;
            s.y[d] = on ? 1 + plain_choice(6 - rank) : 1;
            do s.x[d] = (s.y[d] - 1) * s.stride[d] - 2 * s.padding[d] + s.dilation[d] * (s.k[d] - 1) + 1 + s.extra[d];
            while (s.x[d] < 1 && s.y[d]++);
        }
        check(&s, rank, round % 3 ? AG_F64 : AG_F32);
    }
}

/* More windows than are computed at a time, which is also when threads take part. */
static void many_windows(void **state)
{
    static const sizes s[] = {
        { 2, 1, 3, 2, { 1, 1, 70000 }, { 1, 1, 3 }, { 1, 1, 70000 }, { 1, 1, 1 }, { 0, 0, 1 }, { 1, 1, 1 }, { 0 } },
        { 1, 2, 20, 9, { 1, 40, 37 }, { 1, 5, 3 }, { 1, 40, 35 }, { 1, 1, 1 }, { 0, 2, 0 }, { 1, 1, 1 }, { 0 } },
        { 1, 1, 7, 30, { 9, 30, 31 }, { 3, 3, 3 }, { 5, 15, 16 }, { 2, 2, 2 }, { 1, 1, 1 }, { 1, 1, 1 }, { 0, 1 } },
    };
    for (int wide = 0; wide < 2; wide++)
        for (int i = 0; i < 3; i++) ag_tape_reset(*state), check(&s[i], i + 1, wide ? AG_F64 : AG_F32);
}

static void thread_bits(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_randn(AG_F32, 3, 16, 40, 41)), *w = ag_variable(ag_randn(AG_F32, 24, 16, 3, 3)),
              *none = NULL, *result[2][5];
    ag__share_always = true;
    for (int many = 0; many < 2; many++) {
        ag_set_threads(many ? 3 : 1);
        ag_tensor *y = ag_conv2d(x, w, none, .padding = 1);
        ag_tensor *r[] = { y, ag_vjp(y, x, y), ag_vjp(y, w, y), ag_avg_pool2d(x, 3, .stride = 1), ag_max_pool2d(x, 2) };
        memcpy(result[many], r, sizeof r);
    }
    ag__share_always = false;
    for (int i = 0; i < 5; i++) assert_true(plain_distance(result[0][i], result[1][i]) == 0);
}

/* ---- memory ---- */

/* All columns at once would take 512 MB. A limit that is too small is an error, and all of it comes back. */
static void bounded(void **state)
{
    (void)state;
    ag_tensor *x = ag_keep(ag_randn(AG_F64, 1, 1, 1000000)), *w = ag_keep(ag_randn(AG_F64, 1, 1, 64)), *none = NULL;
    ag_tape *small = ag_tape_new(.memory_limit = 48 << 20);
    assert_non_null(ag_conv1d(x, w, none, .padding = 32));
    assert_non_null(ag_conv_transpose1d(x, w, none));
    ag_tape_free(small);
    ag_free(x), ag_free(w);
}

static void out_of_memory(void **state)
{
    (void)state;
    ag_tensor *x = ag_keep(ag_randn(AG_F64, 2, 3, 60, 60)), *w = ag_keep(ag_randn(AG_F64, 2, 3, 3, 3)),
              *b = ag_keep(ag_randn(AG_F64, 2));
    int failed = 0;
    for (int64_t limit = 1 << 15;; limit += 1 << 16) {
        ag_tape *small = ag_tape_new(.memory_limit = (uint64_t)limit);
        ag_tensor *y = ag_max_pool2d(ag_conv2d(ag_variable(x), ag_variable(w), b), 2);
        ag_tensor *z = ag_conv_transpose2d(y, w, NULL, .stride = 2);
        ag_backward(ag_sum(ag_avg_pool2d(z, 3)));
        ag_status status = ag_clear_error();
        failed += status == AG_ENOMEM;
        assert_true(status == AG_OK || status == AG_ENOMEM);
        ag_tape_free(small);
        if (!status) break;
    }
    assert_true(failed > 5);
    ag_free(x), ag_free(w), ag_free(b);
}

/* ---- ends of the world ---- */

/* y = x x^2 */
static void third_order(void **state)
{
    (void)state;
    ag_tensor *x = ag_variable(ag_full(AG_F64, 1.5, 1, 1, 1)), *none = NULL;
    ag_tensor *y[] = { ag_conv1d(x, ag_square(x), none), ag_conv_transpose1d(x, ag_square(x), none) };
    for (int i = 0; i < 2; i++) {
        ag_tensor *d = ag_grad(y[i], x), *d2 = ag_grad(d, x), *d3 = ag_grad(d2, x), *d4 = ag_grad(d3, x);
        assert_true(ag_item(d) == 6.75 && ag_item(d2) == 9 && ag_item(d3) == 6 && ag_item(d4) == 0);
    }
}

/* Of windows that hold nothing but zeros the slope is 0, of the second order too. */
static void flat_norm(void **state)
{
    (void)state;
    const double v[] = { 0, 0, 3, 4 };
    ag_tensor *x = ag_variable(ag_reshape(ag_copy(v, 4), 1, 4)), *y = ag_lp_pool1d(x, 2, 2);
    assert_true(plain_distance_to(y, ((double[]){ 0, 5 }), 2) <= 1e-15);
    ag_tensor *g = ag_grad(ag_sum(y), x), *h = ag_grad(ag_sum(g), x);
    assert_true(plain_distance_to(g, ((double[]){ 0, 0, 0.6, 0.8 }), 4) <= 1e-15);
    assert_true(plain_distance_to(h, ((double[]){ 0, 0, 0.032, -0.024 }), 4) <= 1e-15);
}

/* Of several elements at one place the last stays, and has the gradient. */
static void unpool_twice(void **state)
{
    (void)state;
    const double v[] = { 1, 2, 3 };
    const int64_t at[] = { 4, 0, 4 };
    ag_tensor *x = ag_variable(ag_reshape(ag_copy(v, 3), 1, 3)), *index = ag_reshape(ag_copy(at, 3), 1, 3);
    ag_tensor *y = ag_max_unpool1d(x, index, 2);
    assert_true(plain_distance_to(y, ((double[]){ 2, 0, 0, 0, 3, 0 }), 6) == 0);
    ag_tensor *g = ag_grad(ag_sum(ag_mul(y, ag_arange(AG_F64, 1, 7, 1))), x);
    assert_true(plain_distance_to(g, ((double[]){ 0, 1, 5 }), 3) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases),
        cmocka_unit_test_setup_teardown(plain_loops, tape, end),
        cmocka_unit_test_setup_teardown(many_windows, tape, end),
        cmocka_unit_test_setup_teardown(thread_bits, tape, end),
        cmocka_unit_test_setup_teardown(bounded, tape, end),
        cmocka_unit_test_setup_teardown(out_of_memory, tape, end),
        cmocka_unit_test_setup_teardown(third_order, tape, end),
        cmocka_unit_test_setup_teardown(flat_norm, tape, end),
        cmocka_unit_test_setup_teardown(unpool_twice, tape, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
