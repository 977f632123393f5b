/* records.c - reading the streams, one record after the other, in both directions. */
#include <autograd/tape/streams.h>

const ag__form ag__form_of[AG__S_CODES] = {
    [AG__S_INPUT] = { 0 },
    [AG__S_COPY] = { .ix = 1 },
    [AG__S_SCALE] = { .ix = 1, .pd = 1 },
    [AG__S_RDIV] = { .ix = 1, .pd = 1 },
    [AG__S_FMA] = { .ix = 3, .pd = 2 },
#define FORM(name, ...) [AG__S_##name] = { .ix = 1, .pd = (int)AG__S_##name == AG__S_neg ? 0 : 1 },
    AG_UNARY_FUNCTIONS(FORM)
#undef FORM
#define FORM(name, ...)                                                                                                \
    [AG__S_##name] = { .ix = 2, .pd = (int)AG__S_##name == AG__S_add || (int)AG__S_##name == AG__S_sub ? 0 : 2 },
    AG_BINARY_FUNCTIONS(FORM)
#undef FORM
    [AG__S_LIN] = { .list = true, .per = 1 },
    [AG__S_SUM] = { .list = true },
    [AG__S_DOT] = { .list = true, .per = 1 },
    [AG__S_SQNORM] = { .list = true, .per = 1 },
    [AG__S_LOGSUMEXP] = { .list = true, .per = 1 },
    [AG__S_STATEMENT] = { .list = true, .per = 1 },
    [AG__S_HOLD] = { .list = true },
    [AG__S_POLY] = { .ix = 2, .counted = true, .per = 1, .pd = 1 },
    [AG__S_BLOCK] = { .ix = 1, .counted = true, .block = true },
    [AG__S_BLOCK_RSUB] = { .ix = 2, .counted = true, .block = true },
    [AG__S_BLOCK_EXP] = { .ix = 2, .counted = true, .block = true },
    [AG__S_BLOCK_MATVEC] = { .ix = 4, .counted = true, .block = true, .pd = 2 },
    [AG__S_BLOCK_TRIMV] = { .ix = 4, .counted = true, .block = true, .pd = 3 },
    [AG__S_BLOCK_SUM] = { .ix = 2, .counted = true },
    [AG__S_BLOCK_DOT] = { .ix = 3, .counted = true, .pd = 2 },
    [AG__S_BLOCK_SQNORM] = { .ix = 2, .counted = true, .pd = 1 },
};

const char *ag__statement_name(unsigned code)
{
    static const char *const name[AG__S_CODES] = {
        [AG__S_INPUT] = "ag_input",
        [AG__S_COPY] = "ag_add",
        [AG__S_SCALE] = "ag_mul",
        [AG__S_RDIV] = "ag_div",
        [AG__S_FMA] = "ag_fma",
#define NAME(name, ...) [AG__S_##name] = "ag_" #name,
        AG_UNARY_FUNCTIONS(NAME) AG_BINARY_FUNCTIONS(NAME)
#undef NAME
        [AG__S_LIN] = "ags_lin",
        [AG__S_SUM] = "ags_sum",
        [AG__S_DOT] = "ags_dot",
        [AG__S_SQNORM] = "ags_sqnorm",
        [AG__S_LOGSUMEXP] = "ags_logsumexp",
        [AG__S_STATEMENT] = "ags_statement",
        [AG__S_HOLD] = "ag_pack",
        [AG__S_POLY] = "ags_poly",
        [AG__S_BLOCK] = "ags_block_input",
        [AG__S_BLOCK_RSUB] = "ags_block_rsub",
        [AG__S_BLOCK_EXP] = "ags_block_exp",
        [AG__S_BLOCK_MATVEC] = "ags_block_matvec",
        [AG__S_BLOCK_TRIMV] = "ags_block_trimv",
        [AG__S_BLOCK_SUM] = "ags_block_sum",
        [AG__S_BLOCK_DOT] = "ags_block_dot",
        [AG__S_BLOCK_SQNORM] = "ags_block_sqnorm",
    };
    return name[code];
}

/* The sizes of a record of form f whose count is n. */
static void measure(const ag__chunk *c, const ag__form *f, uint32_t n, ag__record *r, size_t *n_ix, size_t *n_pd)
{
    r->n = n;
    r->ids = f->block ? n : 1;
    *n_ix = f->list ? (size_t)n + 2 : f->ix;
    *n_pd = f->pd + (size_t)f->per * n + (f->block && !c->val ? n : 0);
}

/* ix and pd are where its operands and partials begin. */
static void locate(const ag__chunk *c, const ag__form *f, const uint32_t *ix, const double *pd, ag__record *r)
{
    r->ix = f->list ? ix + 1 : ix;
    r->y = c->val ? c->val + (r->id - c->first) : f->block ? pd : NULL;
    r->pd = f->block && !c->val ? pd + r->n : pd;
}

ag__record ag__record_before(const ag__chunk *c, ag__position *at)
{
    ag__record r = { .code = c->op[at->id - 1 - c->first] };
    const ag__form *f = &ag__form_of[r.code];
    size_t n_ix, n_pd;
    measure(c, f, f->list || f->counted ? at->ix[-1] : 0, &r, &n_ix, &n_pd);
    at->id -= r.ids, at->ix -= n_ix, at->pd -= n_pd;
    r.id = at->id;
    locate(c, f, at->ix, at->pd, &r);
    return r;
}

ag__record ag__record_after(const ag__chunk *c, ag__position *at)
{
    ag__record r = { .code = c->op[at->id - c->first], .id = at->id };
    const ag__form *f = &ag__form_of[r.code];
    size_t n_ix, n_pd;
    measure(c, f, f->list ? at->ix[0] : f->counted ? at->ix[f->ix - 1] : 0, &r, &n_ix, &n_pd);
    locate(c, f, at->ix, at->pd, &r);
    at->id += r.ids, at->ix += n_ix, at->pd += n_pd;
    return r;
}

uint32_t ag__chunk_end(const ag_tape *t, uint32_t chunk)
{
    const ag__streams *s = t->streams;
    return chunk == s->current ? ag__pen_of(t)->next : s->chunk[chunk + 1]->first;
}

const ag__chunk *ag__chunk_before(const ag_tape *t, ag__position *at)
{
    const ag__chunk *c = t->streams->chunk[at->chunk];
    while (c->first == at->id) {
        c = t->streams->chunk[--at->chunk];
        at->ix = c->ix_used, at->pd = c->pd_used;
    }
    return c;
}

const ag__chunk *ag__chunk_after(const ag_tape *t, ag__position *at)
{
    const ag__chunk *c = t->streams->chunk[at->chunk];
    if (!at->ix) at->ix = c->ix, at->pd = c->pd; /* told before the first chunk was opened */
    while (ag__chunk_end(t, at->chunk) == at->id) {
        c = t->streams->chunk[++at->chunk];
        at->ix = c->ix, at->pd = c->pd;
    }
    return c;
}
