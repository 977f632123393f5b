/* rope.c - rotary position embedding (Su et al., "RoFormer", 2021): pairs of numbers turned by an angle that grows with
 * the position. Linear; its transpose turns back. */
#include <autograd/ops/family.h>
#include <math.h>

typedef struct rope {
    double base;
    int64_t from, width;
    bool interleaved, back;
} rope;

static ag_status rope_shape(const ag_call *c, ag_shape *out)
{
    const rope *o = c->attr;
    const ag__layout *l = c->in[0]->layout, *at = c->in[1] ? c->in[1]->layout : NULL;
    if (l->rank < 2) return ag_fail(AG_ESHAPE, "ag_rope: %s is not [.., n, width]", ag__text(l));
    int64_t n = l->dims[l->rank - 2], width = l->dims[l->rank - 1];
    if (o->width < 0 || o->width > width || o->width % 2)
        return ag_fail(AG_EINVAL, "ag_rope: %lld numbers of each row of %s: it takes pairs", (long long)o->width,
                       ag__text(l));
    if (!(o->base > 0)) return ag_fail(AG_EINVAL, "ag_rope: .base %g for %s", o->base, ag__text(l));
    if (at && (!ag__is_integer(at->dtype) || at->rank != 1 || at->dims[0] != n))
        return ag_fail(AG_ESHAPE, "ag_rope: .positions %s %s are not %lld integers, one for each row of %s",
                       ag_dtype_name(at->dtype), ag__text(at), (long long)n, ag__text(l));
    ag__shape_copy(out, l);
    return AG_OK;
}

/* One row: a pair is (i, i + half), or interleaved (2 i, 2 i + 1). */
#define TURN(real)                                                                    \
    do {                                                                              \
        const real *from = (const real *)c->in[0]->data + row * width;                \
        real *to = (real *)c->out[0]->data + row * width, a = from[p], b = from[q];   \
        to[p] = (real)(a * cosine - b * sine), to[q] = (real)(b * cosine + a * sine); \
    } while (0)
static ag_status rope_forward(ag_call *c)
{
    const rope *o = c->attr;
    const ag__layout *l = c->in[0]->layout;
    int64_t n = l->dims[l->rank - 2], width = l->dims[l->rank - 1], half = o->width / 2,
            rows = width ? l->numel / width : 0;
    memcpy(c->out[0]->data, c->in[0]->data, (size_t)l->numel * l->item);
    for (int64_t r = 0; r < n && rows; r++) {
        int64_t at = o->from + (c->in[1] ? ag__whole(c->in[1]->layout->dtype, c->in[1]->data, r) : r);
        for (int64_t i = 0; i < half; i++) {
            double angle = (double)at * pow(o->base, -2 * (double)i / (double)o->width);
            double cosine = cos(angle), sine = o->back ? -sin(angle) : sin(angle);
            int64_t p = o->interleaved ? 2 * i : i, q = o->interleaved ? p + 1 : i + half;
            for (int64_t row = r; row < rows; row += n) {
                if (l->dtype == AG_F64)
                    TURN(double);
                else
                    TURN(float);
            }
        }
    }
    return AG_OK;
}
static ag_tensor *turned(const ag_call *c, ag_tensor *x, bool other_way)
{
    rope o = *(const rope *)c->attr;
    o.back = o.back != other_way;
    return ag__apply(&ag__op_rope, &o, x, c->in[1]);
}
AG__VJP1(rope_vjp, turned(c, g, true))
AG__JVP1(rope_jvp, turned(c, t, false))

const ag_op ag__op_rope = { .name = "rope",
                            .n_in = 2,
                            .attr_size = sizeof(rope),
                            .shape = rope_shape,
                            .forward = rope_forward,
                            .vjp = rope_vjp,
                            .jvp = rope_jvp,
                            .saves = AG_SAVES_IN(1) };

ag_tensor *(ag_rope)(ag_tensor *x, const ag_rope_options *options)
{
    ag_tape *t;
    ag_rope_options o = options ? *options : (ag_rope_options){ .size = 0 };
    if (!ag__begin(&t, &x, "ag_rope") || !ag__need_float(x, "ag_rope")) return NULL;
    const ag__layout *l = x->layout;
    int64_t width = o.width || !l->rank ? o.width : l->dims[l->rank - 1];
    rope a = { o.base == 0 ? 10000 : o.base, o.from, width, o.interleaved, false };
    return ag__apply(&ag__op_rope, &a, x, o.positions);
}
