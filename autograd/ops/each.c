/* each.c - element kernels over operands of any strides: what remains when a short flat run does not fit. */
#include <autograd/ops/apply.h>
#include <string.h>

/* Nanoseconds of one element where the operands are in a cache: roughly, to know what is worth several threads. */
static const double moving = 0.12, computing = 0.6, calling = 8;

static double cost_unary(int code)
{
    switch (code) {
    case AG__F_neg:
    case AG__F_abs:
    case AG__F_sign:
    case AG__F_floor:
    case AG__F_ceil:
    case AG__F_trunc:
    case AG__F_round:
    case AG__F_square:
    case AG__F_sqrt:
    case AG__F_reciprocal:
    case AG__F_relu: return moving;
    case AG__F_asin:
    case AG__F_acos:
    case AG__F_atan:
    case AG__F_sinh:
    case AG__F_cosh: return calling;
    default: return computing;
    }
}
static double cost_binary(int code)
{
    return code == AG__F_atan2 || code == AG__F_pow ? calling : moving;
}

struct unary_loop {
    ag__unary_fn *f;
};
static void unary_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    ((struct unary_loop *)user)->f(n, p[1], s[1], p[0], s[0]);
}
void ag__each_unary(int code, const ag__layout *ly, void *y, const ag__layout *lx, const void *x)
{
    ag__iterate_shared(ly->rank, ly->dims, 2, (const ag__layout *[]){ ly, lx }, (void *[]){ y, (void *)(uintptr_t)x },
                       unary_loop, &(struct unary_loop){ ag__kernels_for(ly->dtype)->unary[code] }, 0,
                       cost_unary(code));
}

struct binary_loop {
    ag__binary_fn *f;
};
static void binary_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    ((struct binary_loop *)user)->f(n, p[1], s[1], p[2], s[2], p[0], s[0]);
}
void ag__each_binary(int code, const ag__layout *ly, void *y, const ag__layout *la, const void *a, const ag__layout *lb,
                     const void *b)
{
    ag__iterate_shared(ly->rank, ly->dims, 3, (const ag__layout *[]){ ly, la, lb },
                       (void *[]){ y, (void *)(uintptr_t)a, (void *)(uintptr_t)b }, binary_loop,
                       &(struct binary_loop){ ag__kernels_for(ly->dtype)->binary[code] }, 0, cost_binary(code));
}

struct unary_back_loop {
    ag__unary_back_fn *f;
    bool add;
};
static void unary_back_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct unary_back_loop *u = user;
    u->f(n, p[0], s[0], p[1], s[1], p[2], s[2], p[3], s[3], u->add);
}
void ag__each_unary_back(int code, const ag__layout *ly, const void *g, const void *y, const ag__layout *lx,
                         const void *x, void *d, bool add)
{
    ag__iterate_shared(ly->rank, ly->dims, 4, (const ag__layout *[]){ ly, lx, ly, lx->dense_form },
                       (void *[]){ (void *)(uintptr_t)g, (void *)(uintptr_t)x, (void *)(uintptr_t)y, d },
                       unary_back_loop, &(struct unary_back_loop){ ag__kernels_for(ly->dtype)->unary_back[code], add },
                       3, cost_unary(code));
}

struct binary_back_loop {
    ag__binary_back_fn *f;
    bool add;
};
static void binary_back_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct binary_back_loop *u = user;
    u->f(n, p[0], s[0], p[1], s[1], p[2], s[2], p[3], s[3], p[4], s[4], u->add);
}
void ag__each_binary_back(int code, int by, const ag__layout *ly, const void *g, const void *y, const ag__layout *la,
                          const void *a, const ag__layout *lb, const void *b, void *d, bool add)
{
    const ag__kernels *k = ag__kernels_for(ly->dtype);
    const ag__layout *l = (by ? lb : la)->dense_form;
    bool repeats = l->numel != ly->numel; /* several elements of g meet in one of d: start from zero and add */
    if (repeats && !add) memset(d, 0, (size_t)l->numel * l->item), add = true;
    ag__iterate_shared(
        ly->rank, ly->dims, 5, (const ag__layout *[]){ ly, la, lb, ly, l },
        (void *[]){ (void *)(uintptr_t)g, (void *)(uintptr_t)a, (void *)(uintptr_t)b, (void *)(uintptr_t)y, d },
        binary_back_loop, &(struct binary_back_loop){ (by ? k->back_b : k->back_a)[code], add }, 4, cost_binary(code));
}
