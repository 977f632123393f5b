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

/* Operands of a way back, each once: those that a row of elementary.h doesn't save are not read, and may be gone; the
 * first one stands in for them. */
typedef struct reads {
    const ag__layout *l[AG__MAX_OPERANDS];
    void *data[AG__MAX_OPERANDS];
    int n;
} reads;
static int read_one(reads *r, bool saved, const ag__layout *l, const void *data)
{
    if (!saved) return 0;
    r->l[r->n] = l, r->data[r->n] = (void *)(uintptr_t)data;
    return r->n++;
}

#define SAVES(name, saves, ...) (saves),
static const uint32_t saved_unary[] = { AG_UNARY_FUNCTIONS(SAVES) };
static const uint32_t saved_binary[] = { AG_BINARY_FUNCTIONS(SAVES) };

struct back_loop {
    ag__unary_back_fn *unary;
    ag__binary_back_fn *binary;
    int a, b, y, d;
    bool add;
};
static void unary_back_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct back_loop *u = user;
    u->unary(n, p[0], s[0], p[u->a], s[u->a], p[u->y], s[u->y], p[u->d], s[u->d], u->add);
}
void ag__each_unary_back(int code, const ag__layout *ly, const void *g, const void *y, const ag__layout *lx,
                         const void *x, void *d, bool add)
{
    uint32_t saved = saved_unary[code];
    struct back_loop u = { .unary = ag__kernels_for(ly->dtype)->unary_back[code], .add = add };
    reads r = { .n = 0 };
    read_one(&r, true, ly, g);
    u.a = read_one(&r, saved & AG_SAVES_IN(0), lx, x), u.y = read_one(&r, saved & AG_SAVES_OUT(0), ly, y);
    u.d = read_one(&r, true, lx->dense_form, d);
    ag__iterate_shared(ly->rank, ly->dims, r.n, r.l, r.data, unary_back_loop, &u, u.d, cost_unary(code));
}

static void binary_back_loop(int64_t n, char *const *p, const int64_t *s, void *user)
{
    const struct back_loop *u = user;
    u->binary(n, p[0], s[0], p[u->a], s[u->a], p[u->b], s[u->b], p[u->y], s[u->y], p[u->d], s[u->d], u->add);
}
void ag__each_binary_back(int code, int by, const ag__layout *ly, const void *g, const void *y, const ag__layout *la,
                          const void *a, const ag__layout *lb, const void *b, void *d, bool add)
{
    const ag__kernels *k = ag__kernels_for(ly->dtype);
    const ag__layout *l = (by ? lb : la)->dense_form;
    uint32_t saved = saved_binary[code];
    bool repeats = l->numel != ly->numel; /* several elements of g meet in one of d: start from zero and add */
    if (repeats && !add) memset(d, 0, (size_t)l->numel * l->item), add = true;
    struct back_loop u = { .binary = (by ? k->back_b : k->back_a)[code], .add = add };
    reads r = { .n = 0 };
    read_one(&r, true, ly, g);
    u.a = read_one(&r, saved & AG_SAVES_IN(0), la, a), u.b = read_one(&r, saved & AG_SAVES_IN(1), lb, b);
    u.y = read_one(&r, saved & AG_SAVES_OUT(0), ly, y), u.d = read_one(&r, true, l, d);
    ag__iterate_shared(ly->rank, ly->dims, r.n, r.l, r.data, binary_back_loop, &u, u.d, cost_binary(code));
}
