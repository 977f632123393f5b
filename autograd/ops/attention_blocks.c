/* attention_blocks.c - scaled dot-product attention, block by block.
 *
 * The scores of a block of queries against a block of keys exist one at a time; the largest score of a query and the
 * sum of its exponentials are carried from block to block, and the result is rescaled when the largest grows (Milakov &
 * Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et al., "FlashAttention", 2022). Of the scores
 * nothing is kept but each query's log of the sum, the hidden second output, from which the way back makes the
 * probabilities anew. So memory is linear in the sequences.
 *
 * Work is cut into units by its sizes alone: for the result a chunk of the queries of one head, for the gradients a
 * head. Where several heads share one of keys and values, each has gradients of its own for these, which are summed in
 * the heads' order. */
#include <autograd/base/pool.h>
#include <autograd/ops/attention.h>
#include <math.h>

/* Of a block; and the queries for which keys are turned together. */
enum { QUERIES = 32, KEYS = 128, CHUNK = 512 };

/* An operand as matrices [row, col] under heads and leading axes. Strides in elements, 0 where it is repeated. */
typedef struct operand {
    char *data;
    int64_t item, row, col, head, lead[AG_MAX_RANK];
} operand;

typedef struct problem {
    const ag__kernels *kernels;
    ag_dtype dtype;
    int64_t item;
    int n_lead;
    int64_t lead_dims[AG_MAX_RANK];
    int64_t leads, heads, kv_heads, group, n, m, width, v_width; /* group: heads of one kv head */
    operand q, k, v, mask;
    bool masked, causal;
    ag_dtype mask_dtype;
    double scale;
} problem;

static int64_t stride(const ag__layout *l, int from_end)
{
    return l->rank < from_end || l->dims[l->rank - from_end] == 1 ? 0 : l->strides[l->rank - from_end];
}
static operand operand_of(const ag_tensor *x, int n_lead)
{
    const ag__layout *l = x->layout;
    operand o = { x->data, (int64_t)l->item, stride(l, 2), stride(l, 1), stride(l, 3), { 0 } };
    for (int i = 0; i < n_lead; i++) o.lead[i] = stride(l, n_lead + 3 - i);
    return o;
}

static problem problem_of(const ag_call *c)
{
    const ag__layout *q = c->in[0]->layout, *k = c->in[1]->layout, *v = c->in[2]->layout;
    const ag__attention *o = c->attr;
    problem p = { .kernels = ag__kernels_for(q->dtype), .dtype = q->dtype, .item = (int64_t)q->item };
    p.n_lead = q->rank > 3 ? q->rank - 3 : 0, p.leads = 1;
    for (int i = 0; i < p.n_lead; i++) p.leads *= p.lead_dims[i] = q->dims[i];
    p.heads = ag__attention_size(q, 3), p.kv_heads = ag__attention_size(k, 3);
    p.group = p.kv_heads ? p.heads / p.kv_heads : 0;
    p.n = ag__attention_size(q, 2), p.m = ag__attention_size(k, 2), p.width = ag__attention_size(q, 1),
    p.v_width = ag__attention_size(v, 1);
    p.q = operand_of(c->in[0], p.n_lead), p.k = operand_of(c->in[1], p.n_lead), p.v = operand_of(c->in[2], p.n_lead);
    if ((p.masked = c->in[3] != NULL)) p.mask = operand_of(c->in[3], p.n_lead), p.mask_dtype = c->in[3]->layout->dtype;
    p.causal = o->causal, p.scale = o->scale;
    return p;
}

/* The matrix of a head under the leading index `lead`. */
static operand at(const problem *p, operand o, int64_t lead, int64_t head)
{
    int64_t offset = head * o.head;
    for (int i = p->n_lead - 1; i >= 0; i--) {
        offset += lead % p->lead_dims[i] * o.lead[i];
        lead /= p->lead_dims[i];
    }
    o.data += offset * o.item;
    return o;
}

/* ---- pieces ---- */

/* Units of work, dealt out to pieces that each have scratch of their own. */
typedef struct job {
    problem p;
    int64_t units, pieces, scratch;
    char *room, *parts;
    const ag_call *c;
} job;

enum { MOST_PIECES = 16, MADDS_APIECE = 1 << 20 };

static ag_status run(job *j, ag__piece_fn *f)
{
    const problem *p = &j->p;
    ag_tape *t = ag__tape("ag_attention");
    double madds = (double)(p->leads * p->heads) * (double)p->n * (double)p->m * (double)(p->width + p->v_width);
    j->pieces = madds < MADDS_APIECE                 ? 1
                : madds / MADDS_APIECE < MOST_PIECES ? (int64_t)(madds / MADDS_APIECE)
                                                     : MOST_PIECES;
    if (j->pieces > j->units) j->pieces = j->units;
    uint8_t klass;
    if (!t || !(j->room = ag__pool_get(&t->pool, (size_t)(j->pieces * j->scratch), &klass))) return ag_error();
    ag__parallel(j->pieces, f, j);
    ag__pool_put(&t->pool, j->room, klass);
    return AG_OK;
}

/* Rounded up to whole cache lines. */
static int64_t room_for(const problem *p, int64_t elements)
{
    return (elements * p->item + 63) / 64 * 64;
}

/* c = or += a b, row-major c */
static void product(const problem *p, int64_t m, int64_t n, int64_t k, const char *a, int64_t a_row, int64_t a_col,
                    const char *b, int64_t b_row, int64_t b_col, char *c, bool add)
{
    ag__gemm g = { .m = m,
                   .n = n,
                   .k = k,
                   .a = a,
                   .a_row = a_row,
                   .a_col = a_col,
                   .b = b,
                   .b_row = b_row,
                   .b_col = b_col,
                   .c = c,
                   .ldc = n,
                   .add = add };
    p->kernels->gemm(&g);
}

/* ---- scores of a block: queries i.., keys j.. ---- */

typedef struct block {
    int64_t i, rows, j, cols;
    int64_t turned; /* keys turned together: the length of k's turned rows, at least cols */
} block;

/* Queries from i on, before `end`, and those of the keys turned at j that one of them sees; cols 0: none. */
static block block_of(const problem *p, int64_t i, int64_t end, int64_t j, int64_t turned)
{
    block b = { i, end - i < QUERIES ? end - i : QUERIES, j, turned, turned };
    if (p->causal && i + b.rows - j < b.cols) b.cols = i + b.rows - j;
    if (b.cols < 0) b.cols = 0;
    return b;
}
/* s = scale s + mask, or -inf where the mask says no */
#define APPLY_MASK(real)                                                                                              \
    do {                                                                                                              \
        real *row = (real *)(void *)s, factor = (real)p->scale;                                                       \
        for (int64_t r = 0; r < b->rows; r++, row += b->cols) {                                                       \
            int64_t from = (b->i + r) * mask.row + b->j * mask.col;                                                   \
            if (p->mask_dtype == AG_BOOL) {                                                                           \
                const uint8_t *may = (const uint8_t *)mask.data + from;                                               \
                for (int64_t l = 0; l < b->cols; l++) row[l] = may[l * mask.col] ? factor * row[l] : (real)-INFINITY; \
            } else {                                                                                                  \
                const real *more = (const real *)(void *)mask.data + from;                                            \
                for (int64_t l = 0; l < b->cols; l++) row[l] = factor * row[l] + more[l * mask.col];                  \
            }                                                                                                         \
        }                                                                                                             \
    } while (0)

/* s [rows][cols] = q k', and what factor, not 0, it still needs. turned: k' of the keys from j on */
static double scores(const problem *p, const block *b, operand q, const char *turned, operand mask, char *s)
{
    product(p, b->rows, b->cols, p->width, q.data + b->i * q.row * p->item, q.row, q.col, turned, b->turned, 1, s,
            false);
    if (!p->masked && (float)p->scale != 0) return p->scale;
    if (!p->masked)
        p->kernels->fill(b->rows * b->cols, 0, s, 1);
    else if (p->dtype == AG_F64)
        APPLY_MASK(double);
    else
        APPLY_MASK(float);
    return 1;
}

/* s = value where causality hides the keys */
static void hide(const problem *p, const block *b, double value, char *s)
{
    if (!p->causal) return;
    for (int64_t r = 0; r < b->rows; r++) {
        int64_t seen = b->i + r + 1 - b->j;
        seen = seen < 0 ? 0 : seen;
        if (seen >= b->cols) return;
        p->kernels->fill(b->cols - seen, value, s + (r * b->cols + seen) * p->item, 1);
    }
}

/* The m keys or values from j on, turned: row-major [width][m]. */
static void turn(const problem *p, operand x, int64_t j, int64_t m, int64_t width, char *to)
{
    p->kernels->turn(m, width, x.data + j * x.row * p->item, x.row, x.col, to);
}
static int64_t keys_from(const problem *p, int64_t j)
{
    return p->m - j < KEYS ? p->m - j : KEYS;
}

/* ---- forward: a unit is a chunk of the queries of one head ---- */

/* The largest score of each query so far, and the sum of the exponentials of all less it. */
typedef struct normalizer {
    double max[CHUNK], sum[CHUNK];
} normalizer;

/* Scores become exponentials, and earlier results y are rescaled to the new largest score. */
static void normalize(const problem *p, const block *b, double factor, char *s, double *max, double *sum, char *y)
{
    hide(p, b, factor < 0 ? INFINITY : -INFINITY, s);
    for (int64_t r = 0; r < b->rows; r++) {
        double old = max[r], more = p->kernels->exp_sum(b->cols, factor, s + r * b->cols * p->item, &max[r]);
        char *row = y + r * p->v_width * p->item;
        double shrink = old == max[r] ? 1 : old == -INFINITY ? 0 : exp(old - max[r]);
        if (b->j && shrink != 1) p->kernels->scale(p->v_width, shrink, row, 1, row, 1, false);
        sum[r] = sum[r] * shrink + more;
    }
}

/* The results are divided by the sums, whose logs are kept. A query that sees nothing gets 0, and +inf, which makes its
 * probabilities 0 on the way back. */
static void finish(const problem *p, int64_t n, const normalizer *z, char *y, char *log_sum)
{
    for (int64_t r = 0; r < n; r++, y += p->v_width * p->item) {
        double sum = z->sum[r];
        p->kernels->scale(p->v_width, sum == 0 ? 0 : 1 / sum, y, 1, y, 1, false);
        ag__number_put(p->dtype, log_sum, r, sum == 0 ? INFINITY : z->max[r] + log(sum));
    }
}

/* Queries from .. to - 1 of a head; y and log_sum are theirs. */
static void attend(const problem *p, int64_t lead, int64_t head, int64_t from, int64_t to, char *room, char *y,
                   char *log_sum)
{
    const int64_t keys = p->causal && to < p->m ? to : p->m;
    operand q = at(p, p->q, lead, head), k = at(p, p->k, lead, head / p->group), v = at(p, p->v, lead, head / p->group);
    operand mask = p->masked ? at(p, p->mask, lead, head) : p->mask;
    char *turned = room, *s = room + room_for(p, p->width * KEYS);
    normalizer z;
    for (int r = 0; r < CHUNK; r++) z.max[r] = -INFINITY, z.sum[r] = 0;
    if (keys == 0) memset(y, 0, (size_t)((to - from) * p->v_width * p->item));
    for (int64_t j = 0; j < keys; j += KEYS) {
        turn(p, k, j, keys_from(p, j), p->width, turned);
        for (int64_t i = from; i < to; i += QUERIES) {
            block b = block_of(p, i, to, j, keys_from(p, j));
            char *rows = y + (i - from) * p->v_width * p->item;
            if (b.cols == 0) continue;
            double factor = scores(p, &b, q, turned, mask, s);
            normalize(p, &b, factor, s, z.max + i - from, z.sum + i - from, rows);
            product(p, b.rows, p->v_width, b.cols, s, b.cols, 1, v.data + j * v.row * p->item, v.row, v.col, rows,
                    j > 0);
        }
    }
    finish(p, to - from, &z, y, log_sum);
}

static void forward_piece(void *context, int64_t piece)
{
    const job *j = context;
    const problem *p = &j->p;
    int64_t chunks = (p->n + CHUNK - 1) / CHUNK;
    for (int64_t u = piece; u < j->units; u += j->pieces) {
        int64_t head = u / chunks % p->heads, lead = u / chunks / p->heads, from = u % chunks * CHUNK;
        int64_t to = p->n - from < CHUNK ? p->n : from + CHUNK, place = (lead * p->heads + head) * p->n + from;
        attend(p, lead, head, from, to, j->room + piece * j->scratch,
               (char *)j->c->out[0]->data + place * p->v_width * p->item, (char *)j->c->out[1]->data + place * p->item);
    }
}

ag_status ag__attention_forward(ag_call *c)
{
    job j = { .p = problem_of(c), .c = c };
    const problem *p = &j.p;
    j.units = p->leads * p->heads * ((p->n + CHUNK - 1) / CHUNK);
    j.scratch = room_for(p, p->width * KEYS) + room_for(p, QUERIES * KEYS);
    return run(&j, forward_piece);
}

/* ---- backward: a unit is a head ----
 * With P the probabilities and D[i] = g[i] y[i]:
 *     dv = P' g    dS = scale P (g v' - D)    dq = dS k    dk = dS' q */

/* What the gradients of a head are made of, and where they go, NULL where they are not wanted. */
typedef struct head {
    operand q, k, v, mask;
    const char *g, *log_sum;
    char *k_turned, *v_turned;
    char *p, *ds, *dots; /* a block of scores each; D */
    char *dq, *dk, *dv;  /* row-major, added to */
} head;

static void attend_back(const problem *p, const head *h, const block *b)
{
    const int64_t item = p->item, width = p->width, v_width = p->v_width;
    const char *g = h->g + b->i * v_width * item, *q = h->q.data + b->i * h->q.row * item;
    double factor = scores(p, b, h->q, h->k_turned, h->mask, h->p);
    p->kernels->exp_rows(b->rows, b->cols, factor, h->p, h->log_sum + b->i * item, NULL, h->p, false);
    hide(p, b, 0, h->p);
    if (h->dv)
        product(p, b->cols, v_width, b->rows, h->p, 1, b->cols, g, v_width, 1, h->dv + b->j * v_width * item, true);
    if (!h->dq && !h->dk) return;
    product(p, b->rows, b->cols, v_width, g, v_width, 1, h->v_turned, b->turned, 1, h->ds, false);
    p->kernels->softmax_back(b->rows, b->cols, p->scale, h->p, h->dots + b->i * item, h->ds);
    if (h->dk)
        product(p, b->cols, width, b->rows, h->ds, 1, b->cols, q, h->q.row, h->q.col, h->dk + b->j * width * item,
                true);
    if (h->dq)
        product(p, b->rows, width, b->cols, h->ds, b->cols, 1, h->k.data + b->j * h->k.row * item, h->k.row, h->k.col,
                h->dq + b->i * width * item, true);
}

/* Where n elements of a gradient are to be added up: zeros, unless there are some already. Inputs may be one tensor, so
 * that nothing is written before all are cleared. */
static char *cleared(const ag_call *c, int i, int64_t place, int64_t n, int64_t item)
{
    if (!c->need[i]) return NULL;
    char *d = (char *)c->gin[i]->data + place * item;
    return c->add[i] ? d : memset(d, 0, (size_t)(n * item));
}

/* Of the keys or values of one head. */
static int64_t part_size(const problem *p, int i)
{
    return p->m * (i == 1 ? p->width : p->v_width);
}
/* Where unit u adds up the gradient of input 1 or 2: at its place, or where several heads share that, in a part. */
static char *gradient(const job *w, int i, int64_t u)
{
    const problem *p = &w->p;
    if (!w->c->need[i]) return NULL;
    if (p->group == 1) return cleared(w->c, i, u * part_size(p, i), part_size(p, i), p->item);
    char *part = w->parts + (u * (part_size(p, 1) + part_size(p, 2)) + (i == 2 ? part_size(p, 1) : 0)) * p->item;
    return memset(part, 0, (size_t)(part_size(p, i) * p->item));
}

/* The head of unit u. */
static head head_of(const job *w, int64_t u, char *room)
{
    const problem *p = &w->p;
    const ag_call *c = w->c;
    int64_t own = u % p->heads, lead = u / p->heads, kv = own / p->group;
    head h = { .q = at(p, p->q, lead, own), .k = at(p, p->k, lead, kv), .v = at(p, p->v, lead, kv), .k_turned = room };
    if (p->masked) h.mask = at(p, p->mask, lead, own);
    h.v_turned = h.k_turned + room_for(p, p->width * KEYS);
    h.p = h.v_turned + room_for(p, p->v_width * KEYS);
    h.ds = h.p + room_for(p, QUERIES * KEYS);
    h.dots = h.ds + room_for(p, QUERIES * KEYS);
    h.dq = cleared(c, 0, u * p->n * p->width, p->n * p->width, p->item);
    h.dk = gradient(w, 1, u);
    h.dv = gradient(w, 2, u);
    h.g = (char *)c->g[0]->data + u * p->n * p->v_width * p->item;
    h.log_sum = (char *)c->out[1]->data + u * p->n * p->item;
    p->kernels->dot_rows(p->n, p->v_width, h.g, (char *)c->out[0]->data + u * p->n * p->v_width * p->item, h.dots);
    return h;
}

static void backward_piece(void *context, int64_t piece)
{
    const job *w = context;
    const problem *p = &w->p;
    for (int64_t u = piece; u < w->units; u += w->pieces) {
        head h = head_of(w, u, w->room + piece * w->scratch);
        for (int64_t j = 0; j < p->m; j += KEYS) {
            turn(p, h.k, j, keys_from(p, j), p->width, h.k_turned);
            turn(p, h.v, j, keys_from(p, j), p->v_width, h.v_turned);
            for (int64_t from = 0; from < p->n; from += QUERIES) {
                block b = block_of(p, from, p->n, j, keys_from(p, j));
                if (b.cols) attend_back(p, &h, &b);
            }
        }
    }
}

/* The gradients of kv head u from the parts of its heads. */
static void gather_piece(void *context, int64_t u)
{
    const job *w = context;
    const problem *p = &w->p;
    for (int i = 1; i < 3; i++) {
        const int64_t n = part_size(p, i), apart = (part_size(p, 1) + part_size(p, 2)) * p->item;
        const char *part = w->parts + u * p->group * apart + (i == 2 ? part_size(p, 1) * p->item : 0);
        if (!w->c->need[i]) continue;
        for (int64_t k = 0; k < p->group; k++, part += apart)
            p->kernels->copy(n, part, 1, (char *)w->c->gin[i]->data + u * n * p->item, 1, w->c->add[i] || k);
    }
}

ag_status ag__attention_backward(ag_call *c)
{
    job j = { .p = problem_of(c), .c = c };
    const problem *p = &j.p;
    ag_tape *t = ag__tape("ag_attention");
    const bool shared = p->group > 1 && (c->need[1] || c->need[2]);
    uint8_t klass;
    j.units = p->leads * p->heads;
    j.scratch = room_for(p, p->width * KEYS) + room_for(p, p->v_width * KEYS) + 2 * room_for(p, QUERIES * KEYS) +
                room_for(p, p->n);
    if (shared) {
        int64_t parts = j.units * (part_size(p, 1) + part_size(p, 2));
        if (!t || !(j.parts = ag__pool_get(&t->pool, (size_t)(parts * p->item), &klass))) return ag_error();
    }
    ag_status status = run(&j, backward_piece);
    if (shared && !status) ag__parallel(p->leads * p->kv_heads, gather_piece, &j);
    if (shared) ag__pool_put(&t->pool, j.parts, klass);
    return status;
}
