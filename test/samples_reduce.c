/* samples_reduce.c - reductions and normalised exponentials. */
#include "samples.h"

#define REDUCTION(op, ...)                                                                                            \
    APPLY(op##_all, ag_##op(x[0]))                                                                                    \
    APPLY(op##_first, ag_##op(x[0], 0))                                                                               \
    APPLY(op##_last, ag_##op(x[0], -1))                                                                               \
    APPLY(op##_outer, ag_##op(x[0], 0, -1))                                                                           \
    APPLY(op##_middle, ag_##op(x[0], 1))                                                                              \
    APPLY(op##_three, ag_##op(x[0], 4, 0, 2))                                                                         \
    APPLY(op##_keep_all, ag_##op##_keep(x[0]))                                                                        \
    APPLY(op##_keep_last, ag_##op##_keep(x[0], -1))                                                                   \
    APPLY(op##_keep_middle, ag_##op##_keep(x[0], 1))                                                                  \
    CASES(op)                                                                                                         \
    {                                                                                                                 \
        CASE("0-d", op##_all, V0), CASE("0-d, keep", op##_keep_all, V0), CASE("size 1", op##_first, V(1)),            \
            CASE("no rows", op##_last, V(0, 3)), CASE("1-d", op##_all, V(37)), CASE("all of 2-d", op##_all, V(3, 4)), \
            CASE("first axis", op##_first, V(3, 4)), CASE("last axis", op##_last, V(3, 4)),                           \
            CASE("outer axes", op##_outer, V(3, 2, 3)), CASE("middle axis", op##_middle, V(3, 4, 2)),                 \
            CASE("keep all", op##_keep_all, V(3, 4)), CASE("keep last", op##_keep_last, V(3, 4)),                     \
            CASE("keep middle", op##_keep_middle, V(2, 3, 2)), CASE("long rows", op##_last, V(2, 40)),                \
            CASE("transposed", op##_last, T(3, 4)), CASE("transposed, all", op##_all, T(3, 4)),                       \
            CASE("transposed, first", op##_first, T(2, 3, 4)), CASE("strided", op##_last, S(3, 4)),                   \
            CASE("strided, first", op##_first, S(3, 4)), CASE("flipped", op##_outer, F(2, 3, 2)),                     \
            CASE("expanded", op##_last, E(3, 4)), CASE("5-d", op##_three, V(2, 3, 2, 1, 2)),                          \
            CASE("5-d, one axis", op##_middle, T(2, 3, 1, 2, 2)), __VA_ARGS__                                         \
    }
/* Expanded elements tie along the repeated axis, so that max and min sum over another one. */
REDUCTION(sum, CASE("of nothing", sum_first, V(0, 3)), CASE("expanded, repeated axis", sum_first, E(3, 4)));
SAMPLES(sum, { -2, 2 });
REDUCTION(mean, CASE("expanded, repeated axis", mean_first, E(3, 4)));
SAMPLES(mean, { -2, 2 });
REDUCTION(max, CASE("all of 5-d", max_all, F(2, 1, 2, 3, 2)));
SAMPLES(max, { -2, 2 });
REDUCTION(min, CASE("all of 5-d", min_all, F(2, 1, 2, 3, 2)));
SAMPLES(min, { -2, 2 });
REDUCTION(logsumexp, CASE("expanded, repeated axis", logsumexp_first, E(3, 4)));
SAMPLES(logsumexp, { -2, 2 });

/* ---- along one axis ---- */

#define NORMALISED(op)                                       \
    APPLY(op##_first, ag_##op(x[0], 0))                      \
    APPLY(op##_last, ag_##op(x[0], -1))                      \
    APPLY(op##_middle, ag_##op(x[0], 1))                     \
    APPLY(op##_far, ag_##op(ag_mul(x[0], 3.0), -1))          \
    CASES(op){                                               \
        CASE("0-d", op##_last, V0),                          \
        CASE("empty", op##_last, V(0, 3)),                   \
        CASE("empty axis", op##_last, V(2, 0)),              \
        CASE("size 1", op##_last, V(1)),                     \
        CASE("1-d", op##_first, V(37)),                      \
        CASE("last axis", op##_last, V(3, 4)),               \
        CASE("first axis", op##_first, V(3, 4)),             \
        CASE("middle axis", op##_middle, V(2, 3, 2)),        \
        CASE("far apart", op##_far, V(2, 4)),                \
        CASE("transposed", op##_last, T(3, 4)),              \
        CASE("transposed, middle", op##_middle, T(2, 3, 2)), \
        CASE("strided", op##_last, S(3, 4)),                 \
        CASE("flipped", op##_last, F(3, 4)),                 \
        CASE("expanded", op##_last, E(3, 4)),                \
        CASE("5-d", op##_middle, V(2, 3, 1, 2, 2)),          \
    };                                                       \
    SAMPLES(op, { -2, 2 })

NORMALISED(softmax);
NORMALISED(log_softmax);

/* ---- argmax: the first largest, found again by looking ---- */

static bool argmax_is_right(const ag_tensor *x, const ag_tensor *y, int axis)
{
    enum { MOST = 64 };
    double v[MOST];
    int64_t got[MOST], outer = 1, inner = 1, n = ag_rank(x) ? ag_size(x, axis) : 1;
    for (int d = 0; d < axis; d++) outer *= ag_size(x, d);
    for (int d = axis + 1; d < ag_rank(x); d++) inner *= ag_size(x, d);
    if (ag_numel(x) > MOST || ag_dtype_of(y) != AG_I64 || ag_numel(y) != outer * inner) return false;
    if (ag_rank(y) != (ag_rank(x) ? ag_rank(x) - 1 : 0)) return false;
    if (ag_read(x, v, ag_numel(x)) || ag_read(y, got, ag_numel(y))) return false;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            const double *line = v + o * n * inner + i;
            int64_t best = 0;
            for (int64_t k = 1; k < n; k++)
                if (line[k * inner] > line[best * inner]) best = k;
            if (got[o * inner + i] != best) return false;
        }
    return true;
}
/* Rows are told apart by their second input, which only names the axis. */
APPLY(argmax_first, ag_argmax(x[0], 0))
APPLY(argmax_middle, ag_argmax(x[0], 1))
APPLY(argmax_ties, ag_argmax(ag_to(x[0], AG_F64), 1))
static bool argmax_right(ag_tensor *const *x, const ag_tensor *y)
{
    return argmax_is_right(x[0], y, (int)ag_item(x[1]));
}
#define AXIS(k) I0(k, k + 1)
CASES(argmax){
    CASE("0-d", argmax_first, V0, AXIS(0)),
    CASE("no rows", argmax_middle, V(0, 3), AXIS(1)),
    CASE("size 1", argmax_first, V(1), AXIS(0)),
    CASE("first axis", argmax_first, V(4, 3), AXIS(0)),
    CASE("last axis", argmax_middle, V(4, 3), AXIS(1)),
    CASE("middle axis", argmax_middle, V(2, 4, 3), AXIS(1)),
    CASE("ties", argmax_ties, I(0, 3, 5, 7), AXIS(1)),
    CASE("transposed", argmax_middle, T(4, 3), AXIS(1)),
    CASE("strided", argmax_middle, S(4, 3), AXIS(1)),
    CASE("flipped", argmax_first, F(4, 3), AXIS(0)),
    CASE("expanded", argmax_middle, E(4, 3), AXIS(1)),
    CASE("5-d", argmax_middle, V(2, 3, 1, 2, 2), AXIS(1)),
};
SAMPLES_WITHOUT_DERIVATIVE(argmax, argmax_right, { -2, 2 });
