/* Products of random shapes, arranged at random, against multiplication and summation: values, gradients, tangents. */
#include "plain.h"
#include <setjmp.h>
#include <stdarg.h>
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

/* sum over k of a[..., m, k, 1] b[..., 1, k, n] */
static ag_tensor *plain_matmul(ag_tensor *a, ag_tensor *b)
{
    bool row = ag_rank(a) == 1, column = ag_rank(b) == 1;
    if (row) a = ag_unsqueeze(a, 0);
    if (column) b = ag_unsqueeze(b, 1);
    ag_tensor *y = ag_sum(ag_mul(ag_unsqueeze(a, -1), ag_unsqueeze(b, -3)), -2);
    if (row) y = ag_squeeze(y, -2);
    return column ? ag_squeeze(y, -1) : y;
}

/* y and z, the same by two ways: the gradient by x as recorded and by the kernel, and the tangent. */
static void same(ag_tensor *y, ag_tensor *z, ag_tensor *x, double near)
{
    ag_tensor *u = ag_detach(ag_add(ag_mul(y, 0.25), 0.5)), *want = ag_vjp(z, x, u), *kernel = NULL;
    AG_NO_GRAD
        kernel = ag_vjp(y, x, u);
    assert_true(plain_distance(ag_vjp(y, x, u), want) <= near);
    assert_true(plain_distance(kernel, want) <= near);
    ag_tensor *v = ag_detach(ag_add(ag_mul(x, 0.1), 0.2));
    assert_true(plain_distance(ag_jvp(y, x, v), ag_jvp(z, x, v)) <= near);
}

/* Now and then 0. */
static int64_t size_up_to(int64_t most)
{
    return plain_choice(16) ? 1 + plain_choice(most) : 0;
}

static void test_matmul_random(void **state)
{
    for (int round = 0; round < 400; round++) {
        ag_tape_reset(*state);
        ag_dtype dtype = plain_choice(2) ? AG_F64 : AG_F32;
        double near = dtype == AG_F64 ? 1e-12 : 3e-5;
        int leads = (int)plain_choice(4), rank[2] = { 0, 0 };
        int64_t m = size_up_to(9), k = size_up_to(plain_choice(4) ? 9 : 90), n = size_up_to(9), dims[2][AG_MAX_RANK];
        int first[2] = { (int)plain_choice(leads + 1), (int)plain_choice(leads + 1) };
        for (int i = 0; i < leads; i++) {
            int64_t size = size_up_to(3);
            for (int j = 0; j < 2; j++)
                if (i >= first[j]) dims[j][rank[j]++] = plain_choice(3) ? size : 1;
        }
        for (int j = 0; j < 2; j++) {
            bool vector = rank[j] == 0 && plain_choice(4) == 0;
            if (j == 1 || !vector) dims[j][rank[j]++] = j == 0 ? m : k;
            if (j == 0 || !vector) dims[j][rank[j]++] = j == 0 ? k : n;
        }
        ag_tensor *a = ag_variable(plain_random(dtype, rank[0], dims[0]));
        ag_tensor *b = ag_variable(plain_random(dtype, rank[1], dims[1]));
        ag_tensor *y = ag_matmul(a, b), *z = plain_matmul(a, b);
        assert_true(plain_distance(y, z) <= near);
        same(y, z, a, near), same(y, z, b, near);
    }
}

static void test_linear_random(void **state)
{
    for (int round = 0; round < 200; round++) {
        ag_tape_reset(*state);
        ag_dtype dtype = plain_choice(2) ? AG_F64 : AG_F32;
        double near = dtype == AG_F64 ? 1e-12 : 3e-5;
        int rank = 1 + (int)plain_choice(4);
        int64_t in = size_up_to(20), out = size_up_to(20), dims[4] = { 0 };
        for (int i = 0; i < rank - 1; i++) dims[i] = size_up_to(rank == 2 ? 200 : 5);
        dims[rank - 1] = in;
        ag_tensor *x = ag_variable(plain_random(dtype, rank, dims));
        ag_tensor *w = ag_variable(plain_random(dtype, 2, ((int64_t[]){ out, in })));
        ag_tensor *b = plain_choice(2) ? ag_variable(plain_random(dtype, 1, &out)) : NULL;
        ag_tensor *y = ag_linear(x, w, b), *z = plain_matmul(x, ag_transpose(w, 0, 1));
        if (b) z = ag_add(z, b);
        assert_true(plain_distance(y, z) <= near);
        same(y, z, x, near), same(y, z, w, near);
        if (b) same(y, z, b, near);
    }
}

/* The same as linear and then the function, to the last digits; rows enough for several passes of its mask. */
static void test_linear_act(void **state)
{
    for (int round = 0; round < 60; round++) {
        ag_tape_reset(*state);
        ag_dtype dtype = plain_choice(2) ? AG_F64 : AG_F32;
        double near = dtype == AG_F64 ? 1e-12 : 1e-4;
        int64_t rows = 1 + plain_choice(round % 4 ? 20 : 300), in = size_up_to(20), out = 1 + plain_choice(70);
        ag_tensor *x = ag_variable(plain_random(dtype, 2, ((int64_t[]){ rows, in })));
        ag_tensor *w = ag_variable(plain_random(dtype, 2, ((int64_t[]){ out, in })));
        ag_tensor *b = plain_choice(2) ? ag_variable(plain_random(dtype, 1, &out)) : NULL;
        ag_activation act = (ag_activation)(AG_RELU + plain_choice(3));
        ag_tensor *y = ag_linear_act(x, w, b, act), *z = ag_linear(x, w, b);
        z = act == AG_RELU ? ag_relu(z) : act == AG_TANH ? ag_tanh(z) : ag_sigmoid(z);
        assert_true(plain_distance(y, z) <= near);
        same(y, z, x, near), same(y, z, w, near);
        if (b) same(y, z, b, near);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_matmul_random, tape, end),
        cmocka_unit_test_setup_teardown(test_linear_random, tape, end),
        cmocka_unit_test_setup_teardown(test_linear_act, tape, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
