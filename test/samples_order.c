/* samples_order.c - statistics, order, running results. */
#include "samples.h"
#include <math.h>

/* Along one axis: the first, the second, the last. */
#define ALONG(op, FIRST, MIDDLE, LAST, ...)                                                                   \
    APPLY(op##_first, FIRST)                                                                                  \
    APPLY(op##_middle, MIDDLE)                                                                                \
    APPLY(op##_last, LAST)                                                                                    \
    CASES(op)                                                                                                 \
    {                                                                                                         \
        CASE("no rows", op##_last, V(0, 3)), CASE("size 1", op##_first, V(1)), CASE("1-d", op##_first, V(7)), \
            CASE("first axis", op##_first, V(4, 3)), CASE("last axis", op##_last, V(3, 4)),                   \
            CASE("middle axis", op##_middle, V(2, 3, 2)), CASE("transposed", op##_last, T(3, 4)),             \
            CASE("transposed, middle", op##_middle, T(2, 3, 2)), CASE("strided", op##_last, S(3, 4)),         \
            CASE("flipped", op##_first, F(4, 3)), CASE("expanded", op##_last, E(3, 4)),                       \
            CASE("5-d", op##_middle, V(2, 3, 1, 2, 2)), __VA_ARGS__                                           \
    }

/* ---- reductions over any axes ---- */

#define REDUCTION(op, ...)                                                                                   \
    APPLY(op##_all, ag_##op(x[0]))                                                                           \
    APPLY(op##_outer, ag_##op(x[0], 0, -1))                                                                  \
    APPLY(op##_three, ag_##op(x[0], 4, 0, 2))                                                                \
    APPLY(op##_keep_all, ag_##op##_keep(x[0]))                                                               \
    APPLY(op##_keep_last, ag_##op##_keep(x[0], -1))                                                          \
    ALONG(op, ag_##op(x[0], 0), ag_##op(x[0], 1), ag_##op(x[0], -1), CASE("0-d", op##_all, V0),              \
          CASE("0-d, keep", op##_keep_all, V0), CASE("all of 2-d", op##_all, V(3, 4)),                       \
          CASE("outer axes", op##_outer, V(3, 2, 3)), CASE("keep all", op##_keep_all, V(3, 4)),              \
          CASE("keep last", op##_keep_last, V(3, 4)), CASE("5-d, three axes", op##_three, V(2, 3, 2, 1, 2)), \
          CASE("expanded, repeated axis", op##_first, E(3, 4)), __VA_ARGS__)
/* x without the values it has as a sample, at places 1, 5, 9, ...: 0 there, but with a derivative. */
static const double positive[2] = { 0.5, 2 };
static ag_tensor *zeros_among(ag_tensor *x)
{
    double c[64] = { 0 };
    for (int64_t k = 1; k < ag_numel(x); k += 4) c[k] = sample_value(positive, 0, k);
    ag_tensor *known = ag_to(ag_reshape(ag_copy(c, ag_numel(x)), -1, ag_size(x, -1)), ag_dtype_of(x));
    return ag_sub(x, known);
}
/* NaN in place of a few. */
static ag_tensor *nan_among(ag_tensor *x)
{
    return ag_where(ag_eq(zeros_among(ag_zeros_like(x)), 0.0), x, ag_num((double)NAN));
}
APPLY(prod_zeros, ag_prod(zeros_among(x[0]), -1))
APPLY(prod_two_zeros, ag_prod(zeros_among(x[0])))
REDUCTION(prod, CASE("of nothing", prod_first, V(0, 3)), CASE("zeros", prod_zeros, V(3, 4)),
          CASE("several zeros", prod_two_zeros, V(2, 3)));
SAMPLES(prod, { 0.5, 2 });
APPLY(nansum_some, ag_nansum(nan_among(x[0]), -1))
REDUCTION(nansum, CASE("of nothing", nansum_first, V(0, 3)), CASE("some", nansum_some, V(3, 4)));
SAMPLES(nansum, { -2, 2 });
APPLY(nanmean_some, ag_nanmean(nan_among(x[0]), -1))
REDUCTION(nanmean, CASE("some", nanmean_some, V(3, 4)));
SAMPLES(nanmean, { -2, 2 });

#define SPREAD(op)                                                                                                 \
    APPLY(op##_all, ag_##op(x[0], .correction = 0.5))                                                              \
    APPLY(op##_biased, ag_##op(x[0], .correction = AG_ZERO))                                                       \
    APPLY(op##_keep, ag_##op(x[0], .axes = AG_AXES(-1), .keep = true, .correction = 2))                            \
    APPLY(op##_three, ag_##op(x[0], .axes = AG_AXES(4, 0, 2)))                                                     \
    ALONG(op, ag_##op(x[0], .axes = AG_AXES(0), .correction = 0.25), ag_##op(x[0], .axes = AG_AXES(1)),            \
          ag_##op(x[0], .axes = AG_AXES(-1)), CASE("all of 2-d", op##_all, V(3, 4)),                               \
          CASE("divided by n", op##_biased, V(2, 3)), CASE("keep", op##_keep, V(3, 4)), CASE("0-d", op##_all, V0), \
          CASE("three axes", op##_three, T(2, 3, 2, 1, 2)));                                                       \
    SAMPLES(op, { -2, 2 })
SPREAD(var);
SPREAD(std);

#define MEDIAN(op)                                                                                          \
    APPLY(op##_all, ag_##op(x[0]))                                                                          \
    APPLY(op##_keep_all, ag_##op(x[0], .keep = true))                                                       \
    APPLY(op##_keep, ag_##op(x[0], .axes = AG_AXES(1), .keep = true))                                       \
    ALONG(op, ag_##op(x[0], .axes = AG_AXES(0)), ag_##op(x[0], .axes = AG_AXES(1)),                         \
          ag_##op(x[0], .axes = AG_AXES(-1)), CASE("0-d", op##_all, V0), CASE("0-d, axis", op##_first, V0), \
          CASE("all of 2-d", op##_all, V(3, 5)), CASE("an even number", op##_all, V(2, 3)),                 \
          CASE("keep all", op##_keep_all, V(3, 4)), CASE("keep", op##_keep, V(2, 5)));                      \
    SAMPLES(op, { -2, 2 })
MEDIAN(median);
MEDIAN(nanmedian);

#define QUANTILE(op)                                                                            \
    APPLY(op##_all, ag_##op(x[0], x[1]))                                                        \
    APPLY(op##_first, ag_##op(x[0], x[1], .axes = AG_AXES(0)))                                  \
    APPLY(op##_keep, ag_##op(x[0], x[1], .axes = AG_AXES(-1), .keep = true))                    \
    APPLY(op##_middle, ag_##op(x[0], x[1], .axes = AG_AXES(1)))                                 \
    APPLY(op##_outer, ag_##op(x[0], x[1], .axes = AG_AXES(0, -1)))                              \
    APPLY(op##_lower, ag_##op(x[0], x[1], .axes = AG_AXES(0), .interpolation = AG_LOWER))       \
    APPLY(op##_higher, ag_##op(x[0], x[1], .axes = AG_AXES(0), .interpolation = AG_HIGHER))     \
    APPLY(op##_midpoint, ag_##op(x[0], x[1], .axes = AG_AXES(0), .interpolation = AG_MIDPOINT)) \
    APPLY(op##_nearest, ag_##op(x[0], x[1], .axes = AG_AXES(0), .interpolation = AG_NEAREST))   \
    CASES(op){                                                                                  \
        CASE("0-d", op##_all, V0, V0),                                                          \
        CASE("no rows", op##_keep, V(0, 3), V(2)),                                              \
        CASE("no q", op##_all, V(3), V(0)),                                                     \
        CASE("size 1", op##_first, V(1), V(1)),                                                 \
        CASE("1-d", op##_first, V(7), V(3)),                                                    \
        CASE("all of 2-d", op##_all, V(3, 4), V(2)),                                            \
        CASE("first axis", op##_first, V(4, 3), V0),                                            \
        CASE("keep", op##_keep, V(3, 4), V(2)),                                                 \
        CASE("middle axis", op##_middle, V(2, 4, 3), V(2)),                                     \
        CASE("outer axes", op##_outer, V(2, 3, 2), V(2)),                                       \
        CASE("lower", op##_lower, V(5, 2), V(2)),                                               \
        CASE("higher", op##_higher, V(5, 2), V(2)),                                             \
        CASE("midpoint", op##_midpoint, V(5, 2), V(2)),                                         \
        CASE("nearest", op##_nearest, V(5, 2), V(2)),                                           \
        CASE("transposed", op##_first, T(4, 3), V(2)),                                          \
        CASE("strided", op##_keep, S(3, 4), S(2)),                                              \
        CASE("flipped", op##_first, F(4, 3), F(2)),                                             \
        CASE("expanded", op##_keep, E(3, 4), V(2)),                                             \
        CASE("5-d", op##_middle, V(2, 3, 1, 2, 2), V0),                                         \
    };                                                                                          \
    SAMPLES(op, { -2, 2 }, { 0.1, 0.9 })
QUANTILE(quantile);
QUANTILE(nanquantile);

/* ---- order ---- */

#define ZERO_D(op) CASE("0-d", op##_last, V0)
APPLY(sort_down, ag_sort(x[0], -1, .descending = true))
ALONG(sort, ag_sort(x[0], 0), ag_sort(x[0], 1), ag_sort(x[0], -1), ZERO_D(sort), CASE("empty axis", sort_last, V(2, 0)),
      CASE("descending", sort_down, V(2, 5)));
SAMPLES(sort, { -2, 2 });

APPLY(topk_smallest, ag_topk(x[0], 2, -1, .smallest = true))
APPLY(topk_none, ag_topk(x[0], 0, 0))
ALONG(topk, ag_topk(x[0], 1, 0), ag_topk(x[0], 2, 1), ag_topk(x[0], 1, -1), ZERO_D(topk),
      CASE("smallest", topk_smallest, V(3, 4)), CASE("none", topk_none, V(3, 2)));
SAMPLES(topk, { -2, 2 });

APPLY(kthvalue_keep, ag_kthvalue(x[0], 3, 0, .keep = true))
ALONG(kthvalue, ag_kthvalue(x[0], 1, 0), ag_kthvalue(x[0], 2, 1), ag_kthvalue(x[0], 3, -1),
      CASE("0-d", kthvalue_first, V0), CASE("keep", kthvalue_keep, V(4, 2)));
SAMPLES(kthvalue, { -2, 2 });

APPLY(mode_keep, ag_mode(x[0], 0, .keep = true))
ALONG(mode, ag_mode(x[0], 0), ag_mode(x[0], 1), ag_mode(x[0], -1), ZERO_D(mode), CASE("keep", mode_keep, V(4, 2)));
SAMPLES(mode, { -2, 2 });

ALONG(cummax, ag_cummax(x[0], 0), ag_cummax(x[0], 1), ag_cummax(x[0], -1), ZERO_D(cummax),
      CASE("empty axis", cummax_last, V(2, 0)));
SAMPLES(cummax, { -2, 2 });
ALONG(cummin, ag_cummin(x[0], 0), ag_cummin(x[0], 1), ag_cummin(x[0], -1), ZERO_D(cummin),
      CASE("empty axis", cummin_last, V(2, 0)));
SAMPLES(cummin, { -2, 2 });

/* ---- running results ---- */

#define RUNNING(op, ...)                                                                 \
    ALONG(op, ag_##op(x[0], 0), ag_##op(x[0], 1), ag_##op(x[0], -1), ZERO_D(op),         \
          CASE("empty axis", op##_last, V(2, 0)), CASE("a long row", op##_first, V(40)), \
          CASE("equals", op##_first, E(3, 2)), __VA_ARGS__)
RUNNING(cumsum, CASE("two", cumsum_first, V(2)));
SAMPLES(cumsum, { -2, 2 });
APPLY(cumprod_zeros, ag_cumprod(zeros_among(x[0]), -1))
RUNNING(cumprod, CASE("zeros", cumprod_zeros, V(3, 4)), CASE("a zero in one row", cumprod_zeros, V(1, 6)));
SAMPLES(cumprod, { 0.5, 2 });
APPLY(logcumsumexp_far, ag_logcumsumexp(ag_mul(30.0, x[0]), -1))
RUNNING(logcumsumexp, CASE("far apart", logcumsumexp_far, V(2, 5)));
SAMPLES(logcumsumexp, { -2, 2 });

APPLY(diff_twice, ag_diff(x[0], -1, .n = 2))
APPLY(diff_too_often, ag_diff(x[0], 0, .n = 4))
APPLY(diff_more, ag_diff(x[0], 0, .prepend = x[1], .append = x[2]))
ALONG(diff, ag_diff(x[0], 0), ag_diff(x[0], 1), ag_diff(x[0], -1), CASE("twice", diff_twice, V(2, 5)),
      CASE("too often", diff_too_often, V(3, 2)), CASE("joined", diff_more, V(3, 2), V(1, 2), V(2, 2)));
SAMPLES(diff, { -2, 2 });

/* ---- whole numbers and truth values: every line of y against a loop over that of x ---- */

enum { MOST = 128 };
typedef struct lines {
    double x[MOST], y[MOST];
    int64_t outer, n, inner, kept;
} lines;

/* axis < 0: x is one line. */
static bool lines_of(lines *l, const ag_tensor *x, const ag_tensor *y, int axis, ag_dtype dtype)
{
    *l = (lines){ .outer = 1, .n = axis < 0 ? ag_numel(x) : ag_rank(x) ? ag_size(x, axis) : 1, .inner = 1 };
    for (int d = 0; d < axis; d++) l->outer *= ag_size(x, d);
    for (int d = axis + 1; axis >= 0 && d < ag_rank(x); d++) l->inner *= ag_size(x, d);
    l->kept = l->outer * l->inner > 0 ? ag_numel(y) / (l->outer * l->inner) : 0;
    return ag_numel(x) <= MOST && ag_numel(y) <= MOST && ag_dtype_of(y) == dtype && !ag_read(x, l->x, ag_numel(x)) &&
           !ag_read(y, l->y, ag_numel(y));
}
static bool every_line(const lines *l, bool (*right)(const double *x, const double *y, int64_t n, int64_t step))
{
    for (int64_t o = 0; o < l->outer; o++)
        for (int64_t i = 0; i < l->inner; i++)
            if (!right(l->x + o * l->n * l->inner + i, l->y + o * l->kept * l->inner + i, l->n, l->inner)) return false;
    return true;
}
static int axis_of(ag_tensor *const *x)
{
    return (int)ag_item(x[1]);
}
#define AXIS(k) I0(k, k + 1)
#define WHOLE   I0(-1, 0)

/* Rows are told apart by their second input, which only names the axis. */
#define WITHOUT_DERIVATIVE(op, how, what, ALL, ...)                                                                   \
    APPLY(op##_all, ALL)                                                                                              \
    APPLY(op##_first, how(0))                                                                                         \
    APPLY(op##_middle, how(1))                                                                                        \
    CASES(op)                                                                                                         \
    {                                                                                                                 \
        CASE("no rows", op##_middle, what(0, 3), AXIS(1)), CASE("size 1", op##_first, what(1), AXIS(0)),              \
            CASE("first axis", op##_first, what(4, 3), AXIS(0)), CASE("last axis", op##_middle, what(4, 3), AXIS(1)), \
            CASE("middle axis", op##_middle, what(2, 4, 3), AXIS(1)),                                                 \
            CASE("5-d", op##_middle, what(2, 3, 1, 2, 2), AXIS(1)), __VA_ARGS__                                       \
    }

#define ARGMIN(axis) ag_argmin(x[0], axis)
static bool argmin_line(const double *x, const double *y, int64_t n, int64_t step)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i * step] < x[best * step]) best = i;
    return *y == (double)best;
}
static bool argmin_right(ag_tensor *const *x, const ag_tensor *y)
{
    lines l;
    return lines_of(&l, x[0], y, axis_of(x), AG_I64) && every_line(&l, argmin_line);
}
WITHOUT_DERIVATIVE(argmin, ARGMIN, V, ag_argmin(ag_to(x[0], AG_F64), 1),
                   CASE("ties", argmin_all, I(0, 3, 5, 7), AXIS(1)),
                   CASE("whole numbers", argmin_first, I(0, 9, 5, 7), AXIS(0)), CASE("0-d", argmin_first, V0, AXIS(0)),
                   CASE("transposed", argmin_middle, T(4, 3), AXIS(1)),
                   CASE("strided", argmin_middle, S(4, 3), AXIS(1)), CASE("flipped", argmin_first, F(4, 3), AXIS(0)),
                   CASE("expanded", argmin_middle, E(4, 3), AXIS(1)));
SAMPLES_WITHOUT_DERIVATIVE(argmin, argmin_right, { -2, 2 });

/* A permutation under which the line ascends, and equals stay in order. */
#define ARGSORT(axis) ag_argsort(x[0], axis)
static bool argsort_line(const double *x, const double *y, int64_t n, int64_t step)
{
    bool seen[MOST] = { false };
    for (int64_t i = 0; i < n; i++) {
        int64_t at = (int64_t)y[i * step], before = i ? (int64_t)y[(i - 1) * step] : 0;
        if (at < 0 || at >= n || seen[at]) return false;
        seen[at] = true;
        if (i && !(x[before * step] < x[at * step] || (x[before * step] == x[at * step] && before < at))) return false;
    }
    return true;
}
static bool argsort_right(ag_tensor *const *x, const ag_tensor *y)
{
    lines l;
    bool down = ag_numel(x[1]) == 2; /* so the one descending case says */
    if (!lines_of(&l, x[0], y, down ? 1 : axis_of(x), AG_I64)) return false;
    for (int64_t i = 0; down && i < ag_numel(x[0]); i++) l.x[i] = -l.x[i];
    return every_line(&l, argsort_line);
}
WITHOUT_DERIVATIVE(argsort, ARGSORT, V, ag_argsort(x[0], 1, .descending = true),
                   CASE("descending", argsort_all, I(0, 4, 3, 9), I(1, 2, 2)),
                   CASE("ties", argsort_middle, I(0, 3, 5, 7), AXIS(1)), CASE("0-d", argsort_first, V0, AXIS(0)),
                   CASE("transposed", argsort_middle, T(4, 3), AXIS(1)),
                   CASE("strided", argsort_middle, S(4, 3), AXIS(1)), CASE("flipped", argsort_first, F(4, 3), AXIS(0)),
                   CASE("expanded", argsort_first, E(4, 3), AXIS(0)));
SAMPLES_WITHOUT_DERIVATIVE(argsort, argsort_right, { -2, 2 });

#define ANY(axis) ag_any(x[0], axis)
#define ALL(axis) ag_all_keep(x[0], axis)
static bool any_line(const double *x, const double *y, int64_t n, int64_t step)
{
    bool any = false;
    for (int64_t i = 0; i < n; i++) any |= x[i * step] != 0;
    return *y == any;
}
static bool any_right(ag_tensor *const *x, const ag_tensor *y)
{
    lines l;
    return lines_of(&l, x[0], y, axis_of(x), AG_BOOL) && every_line(&l, any_line);
}
static bool all_line(const double *x, const double *y, int64_t n, int64_t step)
{
    bool all = true;
    for (int64_t i = 0; i < n; i++) all &= x[i * step] != 0;
    return *y == all;
}
static bool all_right(ag_tensor *const *x, const ag_tensor *y)
{
    lines l;
    return lines_of(&l, x[0], y, axis_of(x), AG_BOOL) && every_line(&l, all_line);
}
#define TRUTH(op, how)                                                                                              \
    WITHOUT_DERIVATIVE(op, how, B, ag_##op(x[0]), CASE("everything", op##_all, B(3, 4), WHOLE),                     \
                       CASE("one false", op##_all, B(1), WHOLE), CASE("of nothing", op##_all, B(0), WHOLE),         \
                       CASE("0-d", op##_all, I0(1, 2), WHOLE), CASE("numbers", op##_first, I(0, 2, 3, 5), AXIS(0)), \
                       CASE("one number", op##_first, I(0, 5, 2, 1), AXIS(0)));                                     \
    SAMPLES_WITHOUT_DERIVATIVE(op, op##_right, { -2, 2 })
TRUTH(any, ANY);
TRUTH(all, ALL);

/* How many elements of the row, as it was before sorting, are smaller; or equal. */
APPLY(search_left, ag_searchsorted(ag_sort(x[0], -1), x[1], false))
APPLY(search_right, ag_searchsorted(ag_sort(x[0], -1), x[1], true))
APPLY(bucketize_left, ag_bucketize(x[1], ag_sort(x[0], -1), false))
APPLY(bucketize_right, ag_bucketize(x[1], ag_sort(x[0], -1), true))
static bool search_is_right(ag_tensor *const *x, const ag_tensor *y)
{
    double row[MOST], v[MOST], got[MOST];
    int64_t n = ag_size(x[0], -1), m = ag_numel(x[1]), rows = ag_numel(x[0]) / n;
    bool right = ag_numel(x[2]) == 2;
    if (ag_read(x[0], row, n * rows) || ag_read(x[1], v, m) || ag_read(y, got, m) || ag_rank(y) != ag_rank(x[1]))
        return false;
    for (int64_t i = 0; i < m; i++) {
        int64_t count = 0;
        const double *r = row + (ag_rank(x[0]) > 1 ? i / (m / rows) * n : 0);
        for (int64_t k = 0; k < n; k++) count += r[k] < v[i] || (right && r[k] == v[i]);
        if (got[i] != (double)count) return false;
    }
    return ag_dtype_of(y) == AG_I64;
}
#define LEFT  I(0, 1, 1)
#define RIGHT I(0, 1, 2)
CASES(searchsorted){
    CASE("0-d", search_left, V(5), V0, LEFT),
    CASE("nothing", search_left, V(5), V(0), LEFT),
    CASE("size 1", search_right, V(1), V(1), RIGHT),
    CASE("one sequence", search_left, V(7), V(3, 4), LEFT),
    CASE("rows", search_right, V(3, 5), V(3, 4), RIGHT),
    CASE("whole numbers", search_left, I(0, 5, 9), I(-1, 6, 8), LEFT),
    CASE("whole numbers, right", search_right, I(0, 5, 9), I(-1, 6, 8), RIGHT),
    CASE("transposed", search_left, T(3, 5), T(3, 2), LEFT),
    CASE("strided", search_left, S(6), S(4), LEFT),
    CASE("flipped", search_right, F(6), F(4), RIGHT),
    CASE("expanded", search_left, E(2, 4), V(2, 3), LEFT),
    CASE("5-d", search_left, V(2, 1, 1, 2, 4), V(2, 1, 1, 2, 3), LEFT),
};
SAMPLES_WITHOUT_DERIVATIVE(searchsorted, search_is_right, { -2, 2 });
CASES(bucketize){
    CASE("0-d", bucketize_left, V(5), V0, LEFT),
    CASE("nothing", bucketize_left, V(5), V(0), LEFT),
    CASE("size 1", bucketize_right, V(1), V(1), RIGHT),
    CASE("2-d", bucketize_left, V(7), V(3, 4), LEFT),
    CASE("whole numbers", bucketize_left, I(0, 5, 9), I(-1, 6, 8), LEFT),
    CASE("whole numbers, right", bucketize_right, I(0, 5, 9), I(-1, 6, 8), RIGHT),
    CASE("transposed", bucketize_left, V(5), T(3, 2), LEFT),
    CASE("5-d", bucketize_right, V(5), V(2, 1, 1, 2, 3), RIGHT),
};
SAMPLES_WITHOUT_DERIVATIVE(bucketize, search_is_right, { -2, 2 });
