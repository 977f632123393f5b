/* samples_elementwise.c - functions of each element: unary, binary, with parameters, comparisons. */
#include "samples_each.h"

/* ---- f(x) ---- */

UNARY(neg, { -2, 2 });
UNARY(abs, { -2, 2 });
UNARY(sign, { -2, 2 });
UNARY(floor, { -1.9, -1.1 });
UNARY(ceil, { 1.1, 1.9 });
UNARY(trunc, { -1.9, -1.1 });
UNARY(round, { 1.6, 2.4 });
UNARY(square, { -2, 2 });
UNARY(sqrt, { 0.3, 3 });
UNARY(rsqrt, { 0.3, 3 });
UNARY(reciprocal, { -3, -0.4 });
UNARY(exp, { -2, 2 });
UNARY(expm1, { -2, 2 });
UNARY(log, { 0.3, 3 });
UNARY(log1p, { -0.7, 2 });
UNARY(sin, { -3, 3 });
UNARY(cos, { -3, 3 });
UNARY(tan, { -1.2, 1.2 });
UNARY(asin, { -0.9, 0.9 });
UNARY(acos, { -0.9, 0.9 });
UNARY(atan, { -2, 2 });
UNARY(sinh, { -2, 2 });
UNARY(cosh, { -2, 2 });
UNARY(tanh, { -2, 2 });
UNARY(erf, { -2, 2 });
UNARY(erfc, { -2, 2 });
UNARY(sigmoid, { -3, 3 });
UNARY(softplus, { -3, 3 });
UNARY(relu, { -2, 2 });
UNARY(gelu, { -3, 3 });
UNARY(gelu_tanh, { -3, 3 });
UNARY(silu, { -3, 3 });

UNARY_WITH(leaky_relu, ag_leaky_relu(x[0], 0.1), { -2, 2 });
UNARY_WITH(softplus_beta, ag_softplus_beta(x[0], 1.7, 2.0), { -3, 3 });
UNARY_WITH(clamp, ag_clamp(x[0], -0.7, 1.1), { -2, 2 });

/* ---- f(a, b) ---- */

BINARY(add, { -2, 2 });
BINARY(sub, { -2, 2 });
BINARY(mul, { -2, 2 });
BINARY(div, { 0.4, 2 }, { 0.4, 2 });
BINARY(pow, { 0.4, 2 }, { -2, 2 });
BINARY(maximum, { -2, 2 });
BINARY(minimum, { -2, 2 });
BINARY(atan2, { -2, 2 });

/* ---- where ---- */

APPLY(apply_where, ag_where(x[0], x[1], x[2]))
CASES(where){
    CASE("0-d", apply_where, { PLAIN, FLAGS, 0, 0, 0, { 0 } }, V0, V0),
    CASE("empty", apply_where, B(0, 2), V(0, 2), V(2)),
    CASE("size 1", apply_where, B(1), V(1), V(1)),
    CASE("2-d", apply_where, B(3, 4), V(3, 4), V(3, 4)),
    CASE("condition broadcast", apply_where, B(4), V(3, 4), V(3, 4)),
    CASE("all broadcast", apply_where, B(2, 1, 1), V(3, 1), V(4)),
    CASE("numbers broadcast", apply_where, B(3, 4), V0, V(3, 1)),
    CASE("transposed", apply_where, B(3, 4), T(3, 4), V(3, 4)),
    CASE("strided condition", apply_where, { STRIDED, FLAGS, 0, 0, SHAPE(3, 4) }, S(3, 4), F(3, 4)),
    CASE("expanded", apply_where, B(3, 4), E(3, 4), V(3, 4)),
    CASE("5-d", apply_where, B(2, 1, 2, 1, 2), V(2, 2, 1), V(2, 1, 1, 2, 2)),
};
SAMPLES(where, { -2, 2 });

/* ---- comparisons: of few whole numbers, so that many are equal; against C, element by element ---- */

static bool compared(ag_tensor *const *x, const ag_tensor *y, bool holds(double, double))
{
    enum { MOST = 64 };
    double a[MOST], b[MOST];
    uint8_t got[MOST];
    int64_t n = ag_numel(y), dims[AG_MAX_RANK];
    for (int d = 0; d < ag_rank(y); d++) dims[d] = ag_size(y, d);
    if (n > MOST || ag_dtype_of(y) != AG_BOOL || ag_read(y, got, n)) return false;
    if (ag_read((ag_expand)(x[0], ag_rank(y), dims), a, n) || ag_read((ag_expand)(x[1], ag_rank(y), dims), b, n))
        return false;
    for (int64_t i = 0; i < n; i++)
        if ((got[i] != 0) != holds(a[i], b[i])) return false;
    return true;
}

#define AS_F64(x) ag_to((x), AG_F64)
#define COMPARISON(op, sign)                                                                       \
    APPLY(op##_whole, ag_##op(x[0], x[1]))                                                         \
    APPLY(op##_float, ag_##op(AS_F64(x[0]), AS_F64(x[1])))                                         \
    APPLY(op##_single, ag_##op(ag_to(x[0], AG_F32), ag_to(x[1], AG_F32)))                          \
    APPLY(op##_number_right, ag_##op(x[0], 1.0))                                                   \
    APPLY(op##_number_left, ag_##op(1.0, AS_F64(x[1])))                                            \
    static bool op##_holds(double a, double b)                                                     \
    {                                                                                              \
        return a sign b;                                                                           \
    }                                                                                              \
    static bool op##_right(ag_tensor *const *x, const ag_tensor *y)                                \
    {                                                                                              \
        return compared(x, y, op##_holds);                                                         \
    }                                                                                              \
    CASES(op){                                                                                     \
        CASE("0-d", op##_float, I0(0, 3), I0(0, 3)),                                               \
        CASE("empty", op##_float, I(0, 3, 0, 2), I(0, 3, 2)),                                      \
        CASE("size 1", op##_float, I(0, 3, 1), I(0, 3, 1)),                                        \
        CASE("2-d", op##_float, I(0, 3, 3, 4), I(0, 3, 3, 4)),                                     \
        CASE("i64", op##_whole, I(0, 3, 3, 4), I(0, 3, 3, 4)),                                     \
        CASE("f32", op##_single, I(0, 3, 3, 4), I(0, 3, 4)),                                       \
        CASE("broadcast left", op##_float, I(0, 3, 4), I(0, 3, 3, 4)),                             \
        CASE("broadcast right", op##_whole, I(0, 3, 3, 4), I(0, 3, 3, 1)),                         \
        CASE("broadcast both", op##_float, I(0, 3, 3, 1), I(0, 3, 1, 4)),                          \
        CASE("transposed", op##_float, { TRANSPOSED, INDICES, 0, 3, SHAPE(3, 4) }, I(0, 3, 3, 4)), \
        CASE("strided", op##_whole, IS(0, 3, 3, 4), I(0, 3, 3, 4)),                                \
        CASE("flipped", op##_float, { FLIPPED, INDICES, 0, 3, SHAPE(3, 4) }, I(0, 3, 3, 4)),       \
        CASE("5-d", op##_float, I(0, 3, 2, 1, 2, 1, 2), I(0, 3, 2, 2, 1, 1)),                      \
        CASE("a number right", op##_number_right, I(0, 3, 7), I0(1, 2)),                           \
        CASE("a number left", op##_number_left, I0(1, 2), I(0, 3, 7)),                             \
    };                                                                                             \
    SAMPLES_WITHOUT_DERIVATIVE(op, op##_right, { 0, 1 })

COMPARISON(eq, ==);
COMPARISON(ne, !=);
COMPARISON(lt, <);
COMPARISON(le, <=);
COMPARISON(gt, >);
COMPARISON(ge, >=);
