/* wide_sweep.h - the text of the sweeps in LANES lanes, compiled by wide.c once for each number of lanes and instruction
 * set. TARGET is the latter's attribute, NAME(x) a name of this text's own. */
typedef double NAME(lanes) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
typedef int64_t NAME(mask) __attribute__((vector_size(8 * LANES), aligned(8), may_alias));
#define V           NAME(lanes)
#define AT(p, id)   (*(V *)((p) + (size_t)(id) * LANES))
#define SEEN(p, id) (*(const V *)((p) + (size_t)(id) * LANES))
#define INLINE      static inline __attribute__((always_inline)) TARGET

INLINE V NAME(along)(double slope, V t)
{
    const V product = slope * t;
    if (ag__likely(isfinite(slope))) return product;
    return (V)((NAME(mask))product & (t != 0));
}

INLINE bool NAME(any)(const double *p)
{
#if LANES == 8 && defined(AVX512)
    return _mm512_cmp_pd_mask(_mm512_loadu_pd(p), _mm512_setzero_pd(), _CMP_NEQ_UQ) != 0;
#elif LANES == 8 && defined(AVX2)
    const __m256d zero = _mm256_setzero_pd(), low = _mm256_cmp_pd(_mm256_loadu_pd(p), zero, _CMP_NEQ_UQ);
    return _mm256_movemask_pd(_mm256_or_pd(low, _mm256_cmp_pd(_mm256_loadu_pd(p + 4), zero, _CMP_NEQ_UQ))) != 0;
#else
    uint64_t bits = 0;
    for (int l = 0; l < LANES; l++) {
        uint64_t one;
        memcpy(&one, p + l, sizeof one);
        bits |= one << 1;
    }
    return bits != 0;
#endif
}

/* ---- forwards ---- */

static TARGET void NAME(forward_links)(void *user, size_t n, const ag__link *link)
{
    const flow *f = user;
    for (const ag__link *l = link; l < link + n; l++) {
        if (!f->live[l->x]) continue;
        f->live[l->y] = 1;
        AT(f->to, l->y) += NAME(along)(l->slope, SEEN(f->to, l->x));
    }
}

/* Lists, polynomials and blocks. */
static TARGET __attribute__((noinline)) ag__step NAME(forward_long)(ag_tape *t, const ag__chunk *c, double *tan,
                                                                    uint8_t *live, uint32_t id, const uint32_t *ix, const double *pd)
{
    ag__record r;
    ag__record_after(&r, c, id, ix, pd);
    const V zero = { 0 };
    for (uint32_t i = 0; i < r.step.ids; i++)
        if (!live[id + i]) AT(tan, id + i) = zero;
    if (r.code >= AG__S_BLOCK) {
        ag__block_links(&r, NAME(forward_links), &(flow){ .to = tan, .live = live });
        return r.step;
    }
    if (r.code == AG__S_CALL) {
        forward_call(t, &r, LANES, tan, live);
        return r.step;
    }
    uint8_t any = live[id];
    V sum = AT(tan, id);
    if (r.code == AG__S_POLY) {
        any |= live[r.ix[0]];
        sum += NAME(along)(r.pd[r.n], AT(tan, r.ix[0]));
    } else if (r.code != AG__S_HOLD) {
        const double k = r.code == AG__S_SQNORM ? 2 : 1;
        for (uint32_t i = 0; i < r.n; i++) {
            if (!live[r.ix[i]]) continue;
            any = 1;
            const V x = AT(tan, r.ix[i]);
            if (r.code == AG__S_SUM)
                sum += x;
            else
                sum += NAME(along)(k * r.pd[i], x);
        }
    }
    live[id] = any;
    AT(tan, id) = sum;
    return r.step;
}

static TARGET void NAME(forward_chunk)(ag_tape *t, const ag__chunk *c, double *tan, uint8_t *live, ag__position *at,
                                       uint32_t end)
{
    const uint8_t *const op = (const uint8_t *)((uintptr_t)c->op - c->first);
    const uint32_t *ix = at->ix;
    const double *pd = at->pd;
    uint32_t id = at->id;
    const V zero = { 0 };
    while (id < end) {
        const unsigned kind = kind_of[op[id]];
        V y = zero;
        uint8_t any = 0;
        switch (kind) {
        case INPUT: break;
        case LIST: {
            const uint32_t n = *ix++;
            for (uint32_t i = 0; i < n; i++)
                if (live[ix[i]]) any = 1, y += NAME(along)(pd[i], AT(tan, ix[i]));
            ix += n + 1, pd += n;
            break;
        }
        case COPY:
            if ((any = live[ix[0]])) y = AT(tan, ix[0]);
            ix += 1;
            break;
        case NEGATE:
            if ((any = live[ix[0]])) y = -AT(tan, ix[0]);
            ix += 1;
            break;
        case ONE:
            if ((any = live[ix[0]])) y = NAME(along)(pd[0], AT(tan, ix[0]));
            ix += 1, pd += 1;
            break;
        case ADD:
            if ((any = live[ix[0]] | live[ix[1]])) y = AT(tan, ix[0]) + AT(tan, ix[1]);
            ix += 2;
            break;
        case SUBTRACT:
            if ((any = live[ix[0]] | live[ix[1]])) y = AT(tan, ix[0]) - AT(tan, ix[1]);
            ix += 2;
            break;
        case TWO:
        case FUNCTION:
            if ((any = live[ix[0]] | live[ix[1]]))
                y = NAME(along)(pd[0], AT(tan, ix[0])) + NAME(along)(pd[1], AT(tan, ix[1]));
            ix += 2, pd += kind == TWO ? 2 : 3;
            break;
        case FMA:
            if ((any = live[ix[0]] | live[ix[1]] | live[ix[2]]))
                y = NAME(along)(pd[0], AT(tan, ix[0])) + NAME(along)(pd[1], AT(tan, ix[1])) + AT(tan, ix[2]);
            ix += 3, pd += 2;
            break;
        default: {
            const ag__step step = NAME(forward_long)(t, c, tan, live, id, ix, pd);
            id += step.ids, ix += step.ix, pd += step.pd;
            continue;
        }
        }
        if (ag__unlikely(live[id])) {
            AT(tan, id) += y; /* a seed */
        } else {
            live[id] = any;
            AT(tan, id) = y;
        }
        id++;
    }
    at->id = id, at->ix = (uint32_t *)(uintptr_t)ix, at->pd = (double *)(uintptr_t)pd;
}

static TARGET void NAME(forward)(ag_tape *t, double *tan, uint8_t *live, ag__position at, uint32_t end)
{
    while (at.id < end) {
        const ag__chunk *c = ag__chunk_after(t, &at);
        const uint32_t last = ag__chunk_end(t, at.chunk);
        NAME(forward_chunk)(t, c, tan, live, &at, last < end ? last : end);
    }
}

/* ---- backwards ---- */

static TARGET void NAME(reverse_links)(void *user, size_t n, const ag__link *link)
{
    const flow *f = user;
    for (const ag__link *l = link; l < link + n; l++) AT(f->to, l->x) += NAME(along)(l->slope, SEEN(f->to, l->y));
}

static TARGET void NAME(bends)(void *user, size_t n, const ag__bend *bend)
{
    const flow *f = user;
    for (const ag__bend *b = bend; b < bend + n; b++) {
        const double w = f->second->adjoint[b->y];
        if (w == 0 || !f->second->live[b->with]) continue;
        AT(f->to, b->x) += NAME(along)(w * b->factor, SEEN(f->second->tangent, b->with));
    }
}

/* Of y = log of the sum of e^x: p_i (t_i - sum of p_j t_j), p the softmax. */
static TARGET void NAME(curve_logsumexp)(double *adj, const ag__second *s, double w, uint32_t n, const uint32_t *ids,
                                         uint32_t first, const double *p)
{
    V mean = { 0 };
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t x = ids ? ids[i] : first + i;
        if (s->live[x]) mean += NAME(along)(p[i], SEEN(s->tangent, x));
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t x = ids ? ids[i] : first + i;
        if (s->live[x])
            AT(adj, x) += NAME(along)(w * p[i], SEEN(s->tangent, x) - mean);
        else
            AT(adj, x) -= NAME(along)(w * p[i], mean);
    }
}

/* The adjoint of the result times the second derivative, along the operands' tangents. */
static TARGET bool NAME(curve_long)(ag_tape *t, const ag__record *r, double *adj, const ag__second *s)
{
    const uint32_t *ix = r->ix;
    const double w = s->adjoint[r->id];
    if (w == 0 && r->code >= AG__S_DOT && r->code <= AG__S_POLY) return true; /* though a tangent be infinite */
    switch (r->code) {
    case AG__S_LIN:
    case AG__S_SUM:
    case AG__S_HOLD: break;
    case AG__S_DOT:
        for (uint32_t i = 0, half = r->n / 2; i < r->n; i++) {
            const uint32_t with = ix[i < half ? i + half : i - half];
            if (s->live[with]) AT(adj, ix[i]) += NAME(along)(w, SEEN(s->tangent, with));
        }
        break;
    case AG__S_SQNORM:
        for (uint32_t i = 0; i < r->n; i++)
            if (s->live[ix[i]]) AT(adj, ix[i]) += NAME(along)(2 * w, SEEN(s->tangent, ix[i]));
        break;
    case AG__S_LOGSUMEXP: NAME(curve_logsumexp)(adj, s, w, r->n, ix, 0, r->pd); break;
    case AG__S_BLOCK_LOGSUMEXPS:
        for (uint32_t i = 0; i < r->n; i++)
            NAME(curve_logsumexp)(adj, s, s->adjoint[r->id + i], ix[1], NULL, ix[0] + i * ix[1],
                                  ag__borrowed(r, 1) + (size_t)i * ix[1]);
        break;
    case AG__S_STATEMENT: return no_curvature(r, s);
    case AG__S_CALL: return false;
    case AG__S_POLY:
        if (s->live[ix[0]]) AT(adj, ix[0]) += NAME(along)(w * ag__curvature_of(t, r).aa, SEEN(s->tangent, ix[0]));
        break;
    default: ag__block_bends(r, NAME(bends), &(flow){ .to = adj, .second = s });
    }
    return true;
}

static TARGET __attribute__((noinline)) bool NAME(reverse_long)(ag_tape *t, const ag__chunk *c, double *adj,
                                                                const ag__second *s, uint32_t id, const uint32_t *ix,
                                                                const double *pd, ag__step *step)
{
    ag__record r;
    ag__record_before(&r, c, id, ix, pd);
    *step = r.step;
    if (r.code >= AG__S_BLOCK) {
        ag__block_links(&r, NAME(reverse_links), &(flow){ .to = adj });
    } else if (r.code == AG__S_CALL) {
        reverse_call(t, &r, LANES, adj);
    } else if (r.code == AG__S_POLY) {
        AT(adj, r.ix[0]) += NAME(along)(r.pd[r.n], AT(adj, r.id));
    } else if (r.code != AG__S_HOLD && NAME(any)(&adj[(size_t)r.id * LANES])) {
        const V w = (r.code == AG__S_SQNORM ? 2.0 : 1.0) * AT(adj, r.id);
        if (r.code == AG__S_SUM)
            for (uint32_t i = 0; i < r.n; i++) AT(adj, r.ix[i]) += w;
        else
            for (uint32_t i = 0; i < r.n; i++) AT(adj, r.ix[i]) += NAME(along)(r.pd[i], w);
    }
    return !s || NAME(curve_long)(t, &r, adj, s);
}

/* w' is passed on already; w is the result's adjoint. */
INLINE void NAME(curve)(ag_tape *t, const ag__chunk *c, const ag__second *s, double *adj, uint32_t id,
                        const uint32_t *ix, const double *pd)
{
    const unsigned code = c->op[id - c->first];
    const double w = s->adjoint[id];
    const V a = SEEN(s->tangent, ix[0]);
    if (code == AG__S_mul || code == AG__S_FMA) {
        const V b = SEEN(s->tangent, ix[1]);
        AT(adj, ix[0]) += NAME(along)(w, b);
        AT(adj, ix[1]) += NAME(along)(w, a);
    } else if (code == AG__S_square) {
        AT(adj, ix[0]) += NAME(along)(2 * w, a);
    } else if (code != AG__S_SCALE) {
        ag__record r = { .code = code };
        ag__record_locate(&r, c, id, ix, pd);
        const ag__curvature h = ag__curvature_of(t, &r);
        if (ag__form_of[code].ix == 1) {
            AT(adj, ix[0]) += NAME(along)(w * h.aa, a);
        } else {
            const V b = SEEN(s->tangent, ix[1]);
            AT(adj, ix[0]) += NAME(along)(w * h.aa, a) + NAME(along)(w * h.ab, b);
            AT(adj, ix[1]) += NAME(along)(w * h.ba, a) + NAME(along)(w * h.bb, b);
        }
    }
}

/* Statements of one chunk down to id `stop`; s as it is known to be NULL or not when compiled. */
INLINE bool NAME(reverse_chunk)(ag_tape *t, const ag__chunk *c, double *adj, const ag__second *s, ag__position *at,
                                uint32_t stop)
{
    const uint8_t *const op = (const uint8_t *)((uintptr_t)c->op - c->first);
    const uint32_t *ix = at->ix;
    const double *pd = at->pd;
    uint32_t id = at->id;
    while (id > stop) {
        const unsigned code = op[--id], kind = kind_of[code];
        if (kind == LIST && !s) {
            const uint32_t n = ix[-1];
            ix -= n + 2, pd -= n;
            if (NAME(any)(&adj[(size_t)id * LANES])) {
                const V w = AT(adj, id);
                for (uint32_t i = 0; i < n; i++) AT(adj, ix[i + 1]) += NAME(along)(pd[i], w);
            }
            continue;
        }
        if (kind <= LIST) {
            ag__step step;
            if (!NAME(reverse_long)(t, c, adj, s, id + 1, ix, pd, &step)) return false;
            id -= step.ids - 1, ix -= step.ix, pd -= step.pd;
            continue;
        }
        ix -= ag__form_of[code].ix, pd -= ag__form_of[code].pd;
        if (NAME(any)(&adj[(size_t)id * LANES])) {
            const V w = AT(adj, id);
            switch (kind) {
            case INPUT: break;
            case COPY: AT(adj, ix[0]) += w; break;
            case NEGATE: AT(adj, ix[0]) -= w; break;
            case ONE: AT(adj, ix[0]) += NAME(along)(pd[0], w); break;
            case ADD:
                AT(adj, ix[0]) += w;
                AT(adj, ix[1]) += w;
                break;
            case SUBTRACT:
                AT(adj, ix[0]) += w;
                AT(adj, ix[1]) -= w;
                break;
            case FMA: AT(adj, ix[2]) += w; /* fall through */
            default:
                AT(adj, ix[0]) += NAME(along)(pd[0], w);
                AT(adj, ix[1]) += NAME(along)(pd[1], w);
            }
        }
        const bool curved = kind == ONE || kind >= TWO;
        if (s && curved && s->live[id] && s->adjoint[id] != 0) NAME(curve)(t, c, s, adj, id, ix, pd);
    }
    at->id = id, at->ix = (uint32_t *)(uintptr_t)ix, at->pd = (double *)(uintptr_t)pd;
    return true;
}

static TARGET void NAME(reverse)(ag_tape *t, double *adj, ag__position at, uint32_t stop)
{
    while (at.id > stop) {
        const ag__chunk *c = ag__chunk_before(t, &at);
        NAME(reverse_chunk)(t, c, adj, NULL, &at, c->first > stop ? c->first : stop);
    }
}

static TARGET bool NAME(second)(ag_tape *t, double *adj, const ag__second *s, ag__position at, uint32_t stop)
{
    bool ok = true;
    while (ok && at.id > stop) {
        const ag__chunk *c = ag__chunk_before(t, &at);
        ok = NAME(reverse_chunk)(t, c, adj, s, &at, c->first > stop ? c->first : stop);
    }
    return ok;
}

static const ag__lanes NAME(table) = { LANES, NAME(forward), NAME(reverse), NAME(second) };
#undef V
#undef AT
#undef SEEN
#undef INLINE
