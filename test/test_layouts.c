/* Reductions and running operations of narrow, turned, strided, reversed and repeated operands, beside plain loops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <autograd/autograd.h>

enum { KINDS = 5, MOST_RANK = 4 };
typedef struct shape {
    int rank;
    int64_t dims[MOST_RANK];
} shape;
static const shape shapes[] = {
    { 2, { 700, 3 } }, { 2, { 3, 700 } },    { 2, { 530, 17 } },    { 2, { 65, 64 } },       { 2, { 1, 300 } },
    { 2, { 300, 1 } }, { 3, { 210, 2, 2 } }, { 3, { 2, 301, 3 } },  { 4, { 5, 3, 33, 18 } }, { 2, { 19, 1100 } },
    { 1, { 2100 } },   { 3, { 40, 1, 70 } }, { 4, { 2, 2, 2, 2 } }, { 3, { 4, 50, 9 } },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Some of them infinite or NaN, if that is asked for. */
static ag_tensor *numbers(ag_dtype dtype, const shape *s, int kind, bool wild)
{
    shape d = *s;
    int last = s->rank - 1;
    if (kind == 1)
        for (int i = 0; i <= last; i++) d.dims[i] = s->dims[last - i];
    if (kind == 2) d.dims[last] *= 2;
    if (kind == 4) d.dims[0] = 1;
    ag_tensor *x = (ag_randn)(dtype, d.rank, d.dims);
    if (wild) x = ag_where(ag_gt(x, 2.5), ag_num(INFINITY), ag_where(ag_lt(x, -2.7), ag_num(NAN), x));
    switch (kind) {
    case 1:
        for (int i = 0; i < last - i; i++) x = ag_transpose(x, i, last - i);
        return x;
    case 2: return ag_slice_step(x, last, 1, d.dims[last], 2);
    case 3: return ag_flip(x, last);
    case 4: return (ag_expand)(x, s->rank, s->dims);
    default: return x;
    }
}

/* Lines along an axis of row-major data: `inner` lie side by side. */
typedef struct lines {
    int64_t n, inner, count;
} lines;
static lines lines_of(const shape *s, int axis)
{
    lines l = { s->dims[axis], 1, 1 };
    for (int i = 0; i < s->rank; i++) {
        if (i > axis) l.inner *= s->dims[i];
        if (i != axis) l.count *= s->dims[i];
    }
    return l;
}
static int64_t first_of(const lines *l, int64_t line)
{
    return line / l->inner * l->n * l->inner + line % l->inner;
}

static double *values(ag_tensor *x) /* as f64, row-major */
{
    assert_non_null(x);
    double *v = malloc((size_t)ag_numel(x) * sizeof *v + 1);
    assert_non_null(v);
    assert_int_equal(ag_read(x, v, ag_numel(x)), AG_OK);
    return v;
}

static void close_to(double got, double wanted, double bound)
{
    bool equal = got == wanted || (got != got && wanted != wanted);
    if (!equal && !(fabs(got - wanted) <= bound * (1 + fabs(wanted)))) fail_msg("%.17g, not %.17g", got, wanted);
}

static void compare_reductions(const double *x, ag_tensor *t, const lines *l, int axis, double eps)
{
    double *sum = values(ag_sum(t, axis)), *max = values(ag_max(t, axis)), *min = values(ag_min(t, axis)),
           *lse = values(ag_logsumexp(t, axis)), *most = values(ag_argmax(t, axis)),
           *least = values(ag_argmin(t, axis));
    for (int64_t i = 0; i < l->count; i++) {
        const double *v = x + first_of(l, i);
        long double s = 0, size = 0, e = 0;
        int64_t high = 0, low = 0;
        for (int64_t k = 0; k < l->n; k++) {
            double a = v[k * l->inner], h = v[high * l->inner], w = v[low * l->inner];
            s += a, size += fabs(a);
            if (h == h && (a > h || a != a)) high = k;
            if (w == w && (a < w || a != a)) low = k;
        }
        double top = v[high * l->inner];
        for (int64_t k = 0; k < l->n; k++) e += exp(v[k * l->inner] - top);
        close_to(sum[i], (double)s, isfinite(size) ? eps * (double)(1 + size) : 0);
        assert_true(most[i] == (double)high && least[i] == (double)low);
        close_to(max[i], top, 0), close_to(min[i], v[low * l->inner], 0);
        close_to(lse[i], isinf(top) ? top : top + log((double)e), 4 * eps);
    }
    free(sum), free(max), free(min), free(lse), free(most), free(least);
}

static void compare_lines(const double *x, ag_tensor *t, const lines *l, int axis, double eps)
{
    double *soft = values(ag_softmax(t, axis)), *log_soft = values(ag_log_softmax(t, axis)),
           *running = values(ag_cumsum(t, axis));
    for (int64_t i = 0; i < l->count; i++) {
        const int64_t from = first_of(l, i);
        double top = -INFINITY;
        long double e = 0, s = 0, size = 0;
        for (int64_t k = 0; k < l->n; k++) top = fmax(top, x[from + k * l->inner]);
        for (int64_t k = 0; k < l->n; k++) e += exp(x[from + k * l->inner] - top);
        for (int64_t k = 0; k < l->n; k++) {
            const int64_t at = from + k * l->inner;
            s += x[at], size += fabs(x[at]);
            close_to(soft[at], exp(x[at] - top) / (double)e, 8 * eps);
            close_to(log_soft[at], x[at] - top - log((double)e), 8 * eps);
            close_to(running[at], (double)s, eps * (double)(1 + size));
        }
    }
    free(soft), free(log_soft), free(running);
}

static void each(void (*compare)(const double *, ag_tensor *, const lines *, int, double), bool wild)
{
    ag_tape *tape = ag_tape_new();
    for (int i = 0; i < SHAPES * KINDS * 2; i++) {
        const shape *s = &shapes[i / 2 / KINDS];
        const ag_dtype dtype = i % 2 ? AG_F64 : AG_F32;
        for (int axis = 0; axis < s->rank; axis++)
            for (int w = 0; w <= wild; w++) {
                ag_tensor *t = numbers(dtype, s, i / 2 % KINDS, w);
                double *x = values(t);
                lines l = lines_of(s, axis);
                compare(x, t, &l, axis, dtype == AG_F64 ? 3e-16 : 1.5e-7);
                free(x);
            }
        assert_int_equal(ag_tape_reset(tape), AG_OK);
    }
    ag_tape_free(tape);
}
static void test_reductions(void **state)
{
    (void)state;
    each(compare_reductions, true);
}
static void test_lines(void **state)
{
    (void)state;
    each(compare_lines, false);
}

/* By the loops of the way back, not by rules that could be differentiated again. */
static ag_tensor *gradient(ag_tensor *y, ag_tensor *x, ag_tensor *g)
{
    ag_tensor *d = NULL;
    AG_NO_GRAD
        d = ag_vjp(y, x, g);
    return d;
}

/* The gradients of narrow operands that were repeated: sums, beside those of the same product written out. */
static void test_repeated_gradients(void **state)
{
    (void)state;
    static const shape repeated[] = {
        { 2, { 700, 3 } }, { 2, { 530, 17 } }, { 3, { 210, 2, 2 } }, { 4, { 5, 3, 33, 18 } }
    };
    ag_tape *tape = ag_tape_new();
    for (int i = 0; i < 4; i++)
        for (int axis = 0; axis < repeated[i].rank; axis++)
            for (int turned = 0; turned < 2; turned++) {
                shape small = repeated[i];
                small.dims[axis] = 1;
                ag_tensor *w = ag_variable((ag_randn)(AG_F64, small.rank, small.dims));
                ag_tensor *x = numbers(AG_F64, &repeated[i], turned, false),
                          *g = numbers(AG_F64, &repeated[i], turned, false);
                ag_tensor *got = gradient(ag_mul(x, w), w, g), *wanted = ag_sum_keep(ag_mul(x, g), axis);
                double off = ag_item(ag_max(ag_abs(ag_sub(got, wanted))));
                if (!(off < 1e-12))
                    fail_msg("shape %d, axis %d%s: off by %g; %s", i, axis, turned ? ", turned" : "", off, ag_errmsg());
                assert_int_equal(ag_tape_reset(tape), AG_OK);
            }
    ag_tape_free(tape);
}

/* The way back along short lines, also where it adds to a gradient, beside the textbook's. */
static void test_softmax_gradients(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    for (int i = 0; i < SHAPES; i++)
        for (int axis = 0; axis < shapes[i].rank; axis++) {
            ag_tensor *x = ag_variable(numbers(AG_F64, &shapes[i], 0, false)),
                      *g = numbers(AG_F64, &shapes[i], 0, false);
            ag_tensor *y = ag_softmax(x, axis), *z = ag_log_softmax(x, axis);
            ag_tensor *slope = ag_mul(y, ag_sub(g, ag_sum_keep(ag_mul(g, y), axis)));
            ag_tensor *log_slope = ag_sub(g, ag_mul(y, ag_sum_keep(g, axis)));
            ag_tensor *got[] = { gradient(y, x, g), gradient(z, x, g), gradient(ag_add(y, x), x, g),
                                 gradient(ag_add(z, x), x, g) };
            ag_tensor *wanted[] = { slope, log_slope, ag_add(slope, g), ag_add(log_slope, g) };
            for (int k = 0; k < 4; k++) {
                double off = ag_item(ag_max(ag_abs(ag_sub(got[k], wanted[k]))));
                if (!(off < 1e-12)) fail_msg("shape %d, axis %d, %d: off by %g; %s", i, axis, k, off, ag_errmsg());
            }
            assert_int_equal(ag_tape_reset(tape), AG_OK);
        }
    ag_tape_free(tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_repeated_gradients),
        cmocka_unit_test(test_softmax_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
