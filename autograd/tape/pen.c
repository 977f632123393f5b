/* pen.c - what pen.h leaves out of line. */
#include <autograd/tape/streams.h>

static bool room(ag_pen *p)
{
    return p->next < p->limit || ag__streams_turn(p);
}

ag_scalar ag__pen_input(ag_pen *p, double value)
{
    return room(p) ? ag_input_on(p, value) : ag_const(value);
}
ag_scalar ag_input(double value)
{
    return ag_input_on(&ag__pen, value);
}

static ag_scalar record_one(ag_pen *p, unsigned code, double y, uint32_t x, double slope)
{
    if (!room(p)) return ag_const(y);
    if (ag__form_of[code].pd == 0) return ag__write(p, code, y, 1, x, 0, 0, 0, 0, 0);
    return ag__write(p, code, y, 1, x, 0, 0, 1, slope, 0);
}

static ag_scalar record_two(ag_pen *p, unsigned code, double y, uint32_t a, uint32_t b, double pa, double pb)
{
    if (!room(p)) return ag_const(y);
    if (ag__form_of[code].pd == 0) return ag__write(p, code, y, 2, a, b, 0, 0, 0, 0);
    return ag__write(p, code, y, 2, a, b, 0, 2, pa, pb);
}

ag_scalar ag__pen_unary(ag_pen *p, unsigned what, double y, uint32_t id, uint32_t gen, double slope)
{
    id = ag__settled(p, (ag_scalar){ 0, id, gen }, what >> 8 & 0xff, what >> 16);
    return id ? record_one(p, what & 0xff, y, id, slope) : ag_const(y);
}

ag_scalar ag__pen_binary(ag_pen *p, unsigned code, double y, double a, uint32_t a_id, uint32_t a_gen, double b,
                         uint32_t b_id, uint32_t b_gen, double slope_a, double slope_b)
{
    const uint32_t i = ag__settled(p, (ag_scalar){ a, a_id, a_gen }, code, 1);
    const uint32_t j = ag__settled(p, (ag_scalar){ b, b_id, b_gen }, code, 2);
    if (i && j) return record_two(p, code, y, i, j, slope_a, slope_b);
    if (!i && !j) return ag_const(y);
    switch (code) {
    case AG__S_add: return record_one(p, AG__S_COPY, y, i | j, 1);
    case AG__S_sub: return record_one(p, i ? AG__S_COPY : AG__S_neg, y, i | j, 1);
    case AG__S_mul: return record_one(p, AG__S_SCALE, y, i | j, i ? slope_a : slope_b);
    case AG__S_div: return record_one(p, i ? AG__S_SCALE : AG__S_RDIV, y, i | j, i ? slope_a : slope_b);
    default: return record_two(p, code, y, i, j, i ? slope_a : a, j ? slope_b : b);
    }
}

ag_scalar ag__pen_fma(ag_pen *p, double y, ag_scalar a, ag_scalar b, ag_scalar c)
{
    const uint32_t i = ag__settled(p, a, AG__S_FMA, 1), j = ag__settled(p, b, AG__S_FMA, 2);
    const uint32_t k = ag__settled(p, c, AG__S_FMA, 3);
    if ((i | j | k) == 0 || !room(p)) return ag_const(y);
    return ag__write(p, AG__S_FMA, y, 3, i, j, k, 2, b.value, a.value);
}
