/* records.c - what a record is called and how it lies in the streams; from chunk to chunk in both directions. */
#include <autograd/tape/functions.h>
#include <autograd/tape/streams.h>
#include <string.h>

const ag__form ag__form_of[AG__S_CODES] = {
    [AG__S_INPUT] = { 0 },
    [AG__S_COPY] = { .ix = 1 },
    [AG__S_SCALE] = { .ix = 1, .pd = 1 },
    [AG__S_RDIV] = { .ix = 1, .pd = 1 },
    [AG__S_FMA] = { .ix = 3, .pd = 2 },
#define FORM(name, ...) [AG__S_##name] = { .ix = 1, .pd = (int)AG__S_##name == AG__S_neg ? 0 : 1 },
    AG_UNARY_FUNCTIONS(FORM)
#undef FORM
#define FORM(name, ...) \
    [AG__S_##name] = { .ix = 2, .pd = (int)AG__S_##name == AG__S_add || (int)AG__S_##name == AG__S_sub ? 0 : 2 },
        AG_BINARY_FUNCTIONS(FORM)
#undef FORM
            [AG__S_FUNCTION] = { .ix = 2, .pd = 3 },
    [AG__S_LIN] = { .list = true, .per = true },
    [AG__S_SUM] = { .list = true },
    [AG__S_DOT] = { .list = true, .per = true },
    [AG__S_SQNORM] = { .list = true, .per = true },
    [AG__S_LOGSUMEXP] = { .list = true, .per = true },
    [AG__S_STATEMENT] = { .list = true, .per = true },
    [AG__S_HOLD] = { .list = true },
    [AG__S_POLY] = { .ix = 2, .counted = true, .per = true, .pd = 1 },
    [AG__S_CALL] = { .list = true, .pd = 2 },
    [AG__S_BLOCK] = { .ix = 1, .counted = true, .block = true },
    [AG__S_BLOCK_RSUB] = { .ix = 2, .counted = true, .block = true },
    [AG__S_BLOCK_EXP] = { .ix = 2, .counted = true, .block = true },
    [AG__S_BLOCK_MATVEC] = { .ix = 4, .counted = true, .block = true, .pd = 2 },
    [AG__S_BLOCK_TRIMV] = { .ix = 6, .counted = true, .block = true, .pd = 3 },
    [AG__S_BLOCK_ADD] = { .ix = 5, .counted = true, .block = true },
    [AG__S_BLOCK_SUB] = { .ix = 5, .counted = true, .block = true },
    [AG__S_BLOCK_MUL] = { .ix = 5, .counted = true, .block = true, .pd = 2 },
    [AG__S_BLOCK_FMA] = { .ix = 7, .counted = true, .block = true, .pd = 2 },
    [AG__S_BLOCK_LOG] = { .ix = 2, .counted = true, .block = true, .pd = 1 },
    [AG__S_BLOCK_SIGMOID] = { .ix = 2, .counted = true, .block = true },
    [AG__S_BLOCK_TANH] = { .ix = 2, .counted = true, .block = true },
    [AG__S_BLOCK_SUMS] = { .ix = 3, .counted = true, .block = true },
    [AG__S_BLOCK_SQNORMS] = { .ix = 3, .counted = true, .block = true, .pd = 1 },
    [AG__S_BLOCK_LOGSUMEXPS] = { .ix = 3, .counted = true, .block = true, .pd = 2 },
    [AG__S_BLOCK_GATHER] = { .list = true, .block = true },
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
        [AG__S_CALL] = "a call",
        [AG__S_BLOCK] = "ags_block_input",
        [AG__S_BLOCK_RSUB] = "ags_block_rsub",
        [AG__S_BLOCK_EXP] = "ags_block_exp",
        [AG__S_BLOCK_MATVEC] = "ags_block_matvec",
        [AG__S_BLOCK_TRIMV] = "ags_block_trimv",
        [AG__S_BLOCK_ADD] = "ags_block_add",
        [AG__S_BLOCK_SUB] = "ags_block_sub",
        [AG__S_BLOCK_MUL] = "ags_block_mul",
        [AG__S_BLOCK_FMA] = "ags_block_fma",
        [AG__S_BLOCK_LOG] = "ags_block_log",
        [AG__S_BLOCK_SIGMOID] = "ags_block_sigmoid",
        [AG__S_BLOCK_TANH] = "ags_block_tanh",
        [AG__S_BLOCK_SUMS] = "ags_block_sums",
        [AG__S_BLOCK_SQNORMS] = "ags_block_sqnorms",
        [AG__S_BLOCK_LOGSUMEXPS] = "ags_block_logsumexps",
        [AG__S_BLOCK_GATHER] = "ags_block_of",
        [AG__S_BLOCK_SUM] = "ags_block_sum",
        [AG__S_BLOCK_DOT] = "ags_block_dot",
        [AG__S_BLOCK_SQNORM] = "ags_block_sqnorm",
    };
    return name[code];
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

const char *ag__record_name(const ag__record *r)
{
    const ag__function *f;
    if (r->code == AG__S_CALL) return ag__routine_of(r)->who;
    if (r->code != AG__S_FUNCTION) return ag__statement_name(r->code);
    memcpy(&f, r->pd + 2, sizeof f);
    return f->name;
}
