/* lift.h - what generic.h is made of: how one spelling finds the function for tensors, scalars and C numbers.
 *
 * Each argument is bound once, so that nested calls do not multiply their text (ten levels of plain nested _Generic take
 * 9 s to compile, this 0.01 s). Strict C11 without the two extensions: define AG_NO_STATEMENT_EXPR. */
#ifndef AG_LIFT_H
#define AG_LIFT_H
#include <autograd/grad.h>
#include <autograd/ops.h>
#include <autograd/random.h>

#define AG__LIFT_TENSOR(f)                                                                                             \
    static inline ag_tensor *ag__##f##_tn(ag_tensor *a, double b) { return ag_##f(a, ag_num(b)); }                     \
    static inline ag_tensor *ag__##f##_nt(double a, ag_tensor *b) { return ag_##f(ag_num(a), b); }
#define AG__LIFT_SCALAR(f)                                                                                             \
    AG__INLINED ag_scalar ag__##f##_sn(ag_scalar a, double b) { return ags_##f(a, ag_const(b)); }                      \
    AG__INLINED ag_scalar ag__##f##_ns(double a, ag_scalar b) { return ags_##f(ag_const(a), b); }

#ifndef __cplusplus
#define AG__KIND(x) _Generic((x), ag_tensor *: 1, ag_scalar: 2, default: 3)
#define AG__2(f, a, b)                                                                                                 \
    _Generic((char(*)[4 * AG__KIND(a) + AG__KIND(b)])0,                                                                \
        char(*)[5]: (ag_##f), char(*)[7]: ag__##f##_tn, char(*)[13]: ag__##f##_nt,                                     \
        char(*)[10]: ags_##f, char(*)[11]: ag__##f##_sn, char(*)[14]: ag__##f##_ns)((a), (b))
#define AG__2T(f, a, b)                                                                                                \
    _Generic((char(*)[4 * AG__KIND(a) + AG__KIND(b)])0,                                                                \
        char(*)[5]: (ag_##f), char(*)[7]: ag__##f##_tn, char(*)[13]: ag__##f##_nt)((a), (b))
#define AG__1(f, x) _Generic((x), ag_tensor *: (ag_##f), ag_scalar: ags_##f)(x)
#define AG__ORDERED(f, n, x) _Generic((x), ag_tensor *: (ag_##f), ag_scalar: ags_##f)((n), (x))
#if defined(__GNUC__) && !defined(AG_NO_STATEMENT_EXPR)
#define AG__BIND1(M, f, a, p) __extension__({ __auto_type p = (a); AG__SAY(f, p, p); M(f, p); })
#define AG__BIND2(M, f, a, b, p, q)                                                                                    \
    __extension__({ __auto_type p = (a); __auto_type q = (b); AG__SAY(f, p, q); M(f, p, q); })
/* Where it was called: a scalar statement says so only where its pen has no room, as a watched tape's never has. The
 * inline function asks the same, so that the compiler asks once. */
#ifdef AG__LIBRARY
#define AG__SAY(f, p, q) ((void)0)
#else
#define AG__SAY(f, p, q)                                                                                               \
    _Generic((char(*)[4 * AG__KIND(p) + AG__KIND(q)])0,                                                                \
        char(*)[5]: ag__say, char(*)[7]: ag__say, char(*)[13]: ag__say, default: ag__say_scalar)(                      \
            "ag_" #f " (" __FILE__ ":" AG__STR(__LINE__) ")")
#define AG__SAY_SCALAR(f) ag__say_scalar(#f " (" __FILE__ ":" AG__STR(__LINE__) ")")
#define AG__PLACED_SCALAR(f, ...) (AG__SAY_SCALAR(f), (f)(__VA_ARGS__))
#define ag_input(...) AG__PLACED_SCALAR(ag_input, __VA_ARGS__)
#define agx_end(e) AG__PLACED_SCALAR(agx_end, AG__EXPR(e))
#define ags_sum(...) AG__PLACED_SCALAR(ags_sum, __VA_ARGS__)
#define ags_dot(...) AG__PLACED_SCALAR(ags_dot, __VA_ARGS__)
#define ags_lin(...) (AG__SAY_SCALAR(ags_lin), ags_lin_on(&ag__pen, __VA_ARGS__))
#define ags_sqnorm(...) AG__PLACED_SCALAR(ags_sqnorm, __VA_ARGS__)
#define ags_logsumexp(...) AG__PLACED_SCALAR(ags_logsumexp, __VA_ARGS__)
#define ags_poly(...) AG__PLACED_SCALAR(ags_poly, __VA_ARGS__)
#define ags_statement(...) (AG__SAY_SCALAR(ags_statement), ags_statement_on(&ag__pen, __VA_ARGS__))
static inline void ag__say_scalar(const char *where)
{
    if (AG__RARELY(ag__pen.next >= ag__pen.limit)) ag__at = where;
}
#endif
#define AG__UNARY(f, a) AG__BIND1(AG__1, f, a, AG__CAT(ag__a, __COUNTER__))
#define AG__BINARY(f, a, b) AG__BIND2(AG__2, f, a, b, AG__CAT(ag__a, __COUNTER__), AG__CAT(ag__b, __COUNTER__))
#define AG__BINARYT(f, a, b) AG__BIND2(AG__2T, f, a, b, AG__CAT(ag__a, __COUNTER__), AG__CAT(ag__b, __COUNTER__))
#else
#define AG__UNARY(f, a) AG__1(f, a)
#define AG__BINARY(f, a, b) AG__2(f, a, b)
#define AG__BINARYT(f, a, b) AG__2T(f, a, b)
#endif

#define AG__AS_SCALAR(x) _Generic((x), ag_scalar: ag__same, default: ag_const)(x)
static inline ag_scalar ag__same(ag_scalar x) { return x; }
#define AG__AS_TENSOR(x) _Generic((x), ag_tensor *: ag__itself, default: ag_num)(x)
static inline ag_tensor *ag__itself(ag_tensor *x) { return x; }
#define ag_lerp(a, b, weight) (AG__HERE("ag_lerp"), (ag_lerp)((a), (b), AG__AS_TENSOR(weight)))
#define ag_fma(a, b, c) ags_fma(AG__AS_SCALAR(a), AG__AS_SCALAR(b), AG__AS_SCALAR(c))
#define ag_grad(y, x) _Generic((y), ag_tensor *: (ag_grad), ag_scalar: ags_grad)((y), (x))
#define ag_backward(...) AG__BACKWARD(__VA_ARGS__, AG__SIZE(ag_backward_options))
#define AG__BACKWARD(y, ...)                                                                                           \
    _Generic((y), ag_tensor *: (ag_backward), ag_scalar: ags_backward)((y), &(const ag_backward_options){ __VA_ARGS__ })

#else /* C++: overloads */
#include <type_traits>
#define AG__CPP_UNARY(f) inline ag_scalar ag_##f(ag_scalar x) { return ags_##f(x); }
#define AG__CPP_ORDERED(f) inline ag_scalar ag_##f(int n, ag_scalar x) { return ags_##f(n, x); }
#define AG__CPP_BINARY(f)                                                                                              \
    inline ag_scalar ag_##f(ag_scalar a, ag_scalar b) { return ags_##f(a, b); }                                        \
    inline ag_scalar ag_##f(ag_scalar a, double b) { return ags_##f(a, ag_const(b)); }                                 \
    inline ag_scalar ag_##f(double a, ag_scalar b) { return ags_##f(ag_const(a), b); }
/* Templates, because a literal 0 would serve as a pointer as well. */
#define AG__IF_NUMBER(N) class = typename std::enable_if<std::is_arithmetic<N>::value>::type
#define AG__CPP_NUMBER(f)                                                                                              \
    template <class N, AG__IF_NUMBER(N)> inline ag_tensor *ag_##f(ag_tensor *a, N b)                                   \
    {                                                                                                                  \
        return ag_##f(a, ag_num(static_cast<double>(b)));                                                              \
    }                                                                                                                  \
    template <class N, AG__IF_NUMBER(N)> inline ag_tensor *ag_##f(N a, ag_tensor *b)                                   \
    {                                                                                                                  \
        return ag_##f(ag_num(static_cast<double>(a)), b);                                                              \
    }
/* (f)(x, n, list) is the plain function for a list that is not const as well. */
#define AG__CPP_LIST(f, T)                                                                                             \
    inline ag_tensor *ag_##f(ag_tensor *x, int n, T *list) { return ag_##f(x, n, static_cast<const T *>(list)); }      \
    template <class... D> inline ag_tensor *ag_##f(ag_tensor *x, D... d)                                               \
    {                                                                                                                  \
        const T list[] = { static_cast<T>(d)..., 0 };                                                                  \
        return ag_##f(x, int(sizeof...(d)), list);                                                                     \
    }
#define AG__CPP_DIMS(f)                                                                                                \
    inline ag_tensor *f(ag_dtype dtype, int rank, int64_t *dims)                                                       \
    {                                                                                                                  \
        return f(dtype, rank, static_cast<const int64_t *>(dims));                                                     \
    }                                                                                                                  \
    template <class... D> inline ag_tensor *f(ag_dtype dtype, D... d)                                                  \
    {                                                                                                                  \
        const int64_t dims[] = { static_cast<int64_t>(d)..., 0 };                                                      \
        return f(dtype, int(sizeof...(d)), dims);                                                                      \
    }
AG__CPP_DIMS(ag_zeros)
AG__CPP_DIMS(ag_ones)
AG__CPP_DIMS(ag_rand)
AG__CPP_DIMS(ag_randn)
AG__CPP_DIMS(ag_new)
AG__CPP_DIMS(ag_param)
inline ag_scalar ag_fma(ag_scalar a, ag_scalar b, ag_scalar c) { return ags_fma(a, b, c); }
inline ag_scalar ag_grad(ag_scalar y, ag_scalar x) { return ags_grad(y, x); }
inline ag_status ag_backward(ag_scalar y, const ag_backward_options *options = nullptr) { return ags_backward(y, options); }
inline ag_scalar operator+(ag_scalar a, ag_scalar b) { return ags_add(a, b); }
inline ag_scalar operator+(ag_scalar a, double b) { return ags_add(a, ag_const(b)); }
inline ag_scalar operator+(double a, ag_scalar b) { return ags_add(ag_const(a), b); }
inline ag_scalar operator-(ag_scalar a, ag_scalar b) { return ags_sub(a, b); }
inline ag_scalar operator-(ag_scalar a, double b) { return ags_sub(a, ag_const(b)); }
inline ag_scalar operator-(double a, ag_scalar b) { return ags_sub(ag_const(a), b); }
inline ag_scalar operator*(ag_scalar a, ag_scalar b) { return ags_mul(a, b); }
inline ag_scalar operator*(ag_scalar a, double b) { return ags_mul(a, ag_const(b)); }
inline ag_scalar operator*(double a, ag_scalar b) { return ags_mul(ag_const(a), b); }
inline ag_scalar operator/(ag_scalar a, ag_scalar b) { return ags_div(a, b); }
inline ag_scalar operator/(ag_scalar a, double b) { return ags_div(a, ag_const(b)); }
inline ag_scalar operator/(double a, ag_scalar b) { return ags_div(ag_const(a), b); }
inline ag_scalar operator-(ag_scalar x) { return ags_neg(x); }
#endif
#endif
