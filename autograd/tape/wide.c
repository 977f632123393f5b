/* wide.c - see wide.h: which sweeps there are, and which serves. */
#include <autograd/kernels/kernels.h>
#include <autograd/tape/links.h>
#include <autograd/tape/wide.h>
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors wider than the registers, in functions that are inlined */

/* What a sweep does with a statement. LONG are those of any number of operands or results; LIST those of them whose
 * operands and partials go in pairs. */
enum { LONG, LIST, INPUT, COPY, NEGATE, ADD, SUBTRACT, ONE, TWO, FUNCTION, FMA };
static const uint8_t kind_of[AG__S_CODES] = {
    [AG__S_INPUT] = INPUT,
    [AG__S_COPY] = COPY,
    [AG__S_SCALE] = ONE,
    [AG__S_RDIV] = ONE,
    [AG__S_FMA] = FMA,
#define KIND(name, ...) [AG__S_##name] = (int)AG__S_##name == AG__S_neg ? NEGATE : ONE,
    AG_UNARY_FUNCTIONS(KIND)
#undef KIND
#define KIND(name, ...) \
    [AG__S_##name] = (int)AG__S_##name == AG__S_add ? ADD : (int)AG__S_##name == AG__S_sub ? SUBTRACT : TWO,
        AG_BINARY_FUNCTIONS(KIND)
#undef KIND
            [AG__S_FUNCTION] = FUNCTION,
    [AG__S_STATEMENT] = LIST,
    [AG__S_LIN] = LIST,
    [AG__S_DOT] = LIST,
    [AG__S_LOGSUMEXP] = LIST,
};

/* What links and bends add to: tangents, or adjoints. */
typedef struct flow {
    double *to;
    uint8_t *live;
    const ag__second *second;
} flow;

static bool no_curvature(const ag__record *r, const ag__second *s)
{
    bool any = false;
    for (uint32_t i = 0; i < r->n; i++) any |= s->live[r->ix[i]];
    if (!any || s->adjoint[r->id] == 0) return true;
    ag_fail(AG_ENODIFF, "ags_statement: a statement of one's own has a first derivative only");
    return false;
}

/* ---- calls know one lane only: each is copied out and back ---- */

typedef struct call {
    const ag__routine *f;
    uint32_t m, end;
    double *one; /* by id, written where the call reads */
} call;

static bool open_call(ag_tape *t, const ag__record *r, call *c)
{
    *c = (call){ .f = ag__routine_of(r), .m = (uint32_t)r->pd[1] };
    c->end = r->id + 1 + c->m;
    if (c->end > ag__streams_count(t)) return false; /* there was no room for its results */
    c->one = ag__alloc(&t->budget, c->end * sizeof *c->one, "a call's lane");
    return c->one;
}

static void copy_lane(const ag__record *r, const call *c, size_t k, double *lanes, bool back)
{
    for (uint32_t i = 0; i < r->n + c->m; i++) {
        const uint32_t id = i < r->n ? r->ix[i] : r->id + 1 + (i - r->n);
        if (back)
            lanes[id * k] = c->one[id];
        else
            c->one[id] = lanes[id * k];
    }
}

static void forward_call(ag_tape *t, const ag__record *r, size_t k, double *tan, uint8_t *live)
{
    call c;
    bool any = false;
    for (uint32_t i = 0; i < r->n; i++) any |= live[r->ix[i]];
    if (!any || !open_call(t, r, &c)) return;
    for (uint32_t id = r->id + 1; id < c.end; id++) {
        if (!live[id]) memset(tan + id * k, 0, k * sizeof *tan);
        live[id] = 1;
    }
    for (size_t l = 0; l < k; l++) {
        copy_lane(r, &c, k, tan + l, false);
        c.f->forward(c.f, r, c.one);
        copy_lane(r, &c, k, tan + l, true);
    }
    ag__release(&t->budget, c.one, c.end * sizeof *c.one);
}

static void reverse_call(ag_tape *t, const ag__record *r, size_t k, double *adj)
{
    call c;
    if (!open_call(t, r, &c)) return;
    for (size_t l = 0; l < k; l++) {
        copy_lane(r, &c, k, adj + l, false);
        c.f->reverse(c.f, r, c.one);
        copy_lane(r, &c, k, adj + l, true);
    }
    ag__release(&t->budget, c.one, c.end * sizeof *c.one);
}

/* ---- the sweeps ---- */

#define JOIN_(name, lanes, isa) name##_##lanes##_##isa
#define JOIN(name, lanes, isa)  JOIN_(name, lanes, isa)
#define NAME(name)              JOIN(name, LANES, ISA)

#define ISA generic
#define TARGET
#define LANES 1
#include <autograd/tape/wide_sweep.h>
#undef LANES
#define LANES 2
#include <autograd/tape/wide_sweep.h>
#undef LANES
#define LANES 4
#include <autograd/tape/wide_sweep.h>
#undef LANES
#define LANES 8
#include <autograd/tape/wide_sweep.h>
#undef TARGET
#undef ISA

#if defined(__x86_64__)
#define ISA avx2
#define AVX2
#define TARGET __attribute__((target("avx2,fma")))
#include <autograd/tape/wide_sweep.h>
#undef AVX2
#undef TARGET
#undef ISA

#define ISA avx512
#define AVX512
#define TARGET __attribute__((target("avx2,fma,avx512f,avx512dq,avx512vl,avx512bw")))
#include <autograd/tape/wide_sweep.h>
#endif

const ag__lanes *ag__lanes_for(size_t directions)
{
    if (directions <= 1) return &table_1_generic;
    if (directions <= 2) return &table_2_generic;
    if (directions <= 4) return &table_4_generic;
#if defined(__x86_64__)
    const char *arch = ag__arch();
    if (arch && !strcmp(arch, "avx512")) return &table_8_avx512;
    if (arch && !strcmp(arch, "avx2")) return &table_8_avx2;
#endif
    return &table_8_generic;
}

void *ag__work_take(ag_tape *t, size_t *bytes)
{
    ag__streams *s = t->streams;
    void *room = s->spare;
    if (room && s->spare_bytes >= *bytes) {
        *bytes = s->spare_bytes, s->spare = NULL;
        return room;
    }
    *bytes += *bytes / 4;
    if ((room = ag__alloc(&t->budget, *bytes, "a sweep of several lanes"))) ag__prefer_huge_pages(room, *bytes);
    return room;
}

void ag__work_give(ag_tape *t, void *room, size_t bytes)
{
    ag__streams *s = t->streams;
    const bool larger = room && (!s->spare || s->spare_bytes < bytes);
    ag__release(&t->budget, larger ? s->spare : room, larger ? s->spare_bytes : bytes);
    if (larger) s->spare = room, s->spare_bytes = bytes;
}

ag__position ag__position_before(const ag_tape *t, uint32_t id)
{
    const uint32_t k = ag__chunk_of(t, id);
    const ag__chunk *c = t->streams->chunk[k];
    ag__position at = { c->first, k, c->ix, c->pd };
    while (at.id < id) {
        ag__record r;
        ag__record_after(&r, c, at.id, at.ix, at.pd);
        if (id - at.id < r.step.ids) break;
        ag__step_on(&at, r.step);
    }
    return at;
}

ag__position ag__position_after(const ag_tape *t, uint32_t id)
{
    const uint32_t k = ag__chunk_of(t, id);
    const ag__chunk *c = t->streams->chunk[k];
    ag__position at = { ag__chunk_end(t, k), k, c->ix_used, c->pd_used };
    if (k == t->streams->current) at = ag__streams_tell(t);
    while (at.id > id + 1) {
        ag__record r;
        ag__record_before(&r, c, at.id, at.ix, at.pd);
        if (r.id <= id) break;
        ag__step_back(&at, r.step);
    }
    return at;
}
