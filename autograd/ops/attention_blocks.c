/* attention_blocks.c - scaled dot-product attention, block by block.
 *
 * The scores of a block of queries against a block of keys exist one at a time; the largest score of a query and the
 * sum of its exponentials are carried from block to block, and the result is rescaled when the largest grows (Milakov &
 * Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et al., "FlashAttention", 2022). Of the scores
 * nothing is kept but each query's log of the sum, the hidden second output, from which the way back makes the
 * probabilities anew. So memory is linear in the sequences.
 *
 * Work is cut into units by its sizes alone: for the result a chunk of the queries of one head, for the gradients a kv
 * head, whose sums over queries and heads keep one order. */
#include <autograd/base/pool.h>
#include <autograd/ops/attention.h>
#include <math.h>

enum { QUERIES = 64, KEYS = 128, CHUNK = 512 }; /* of a block; queries of a chunk, for which the keys are turned once */

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
    char *room;
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
} block;

/* How many of the block's keys its row r sees. */
static int64_t seen(const problem *p, const block *b, int64_t r)
{
    int64_t n = p->causal ? b->i + r + 1 - b->j : b->cols;
    return n < 0 ? 0 : n < b->cols ? n : b->cols;
}
/* How many keys the block's last row sees in all. */
static int64_t keys_of(const problem *p, const block *b)
{
    return p->causal && b->i + b->rows < p->m ? b->i + b->rows : p->m;
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

/* s [rows][cols] = q k', and what factor it still needs. turned: k' [width][m] */
static double scores(const problem *p, const block *b, operand q, const char *turned, operand mask, char *s)
{
    product(p, b->rows, b->cols, p->width, q.data + b->i * q.row * p->item, q.row, q.col, turned + b->j * p->item, p->m,
            1, s, false);
    if (!p->masked) return p->scale;
    if (p->dtype == AG_F64)
        APPLY_MASK(double);
    else
        APPLY_MASK(float);
    return 1;
}

/* Zeros where causality hides the keys. */
static void hide(const problem *p, const block *b, char *s)
{
    for (int64_t r = 0; r < b->rows; r++) {
        int64_t n = seen(p, b, r);
        memset(s + (r * b->cols + n) * p->item, 0, (size_t)((b->cols - n) * p->item));
    }
}

/* ---- forward: a unit is a chunk of the queries of one head ---- */

/* The largest score of each query so far, and the sum of the exponentials of all less it. */
typedef struct normalizer {
    double max[QUERIES], sum[QUERIES];
} normalizer;

/* Scores become exponentials, and earlier results are rescaled to the new largest score. */
static void normalize(const problem *p, const block *b, double factor, char *s, normalizer *z, char *y)
{
    for (int64_t r = 0; r < b->rows; r++) {
        double old = z->max[r], sum = p->kernels->exp_sum(seen(p, b, r), factor, s + r * b->cols * p->item, &z->max[r]);
        char *row = y + r * p->v_width * p->item;
        double shrink = old == z->max[r] ? 1 : exp(old - z->max[r]);
        if (b->j && shrink != 1) p->kernels->scale(p->v_width, shrink, row, 1, row, 1, false);
        z->sum[r] = z->sum[r] * shrink + sum;
    }
    if (p->causal) hide(p, b, s);
}

/* The results of up to QUERIES queries, y [rows][v_width] and the logs of their sums. A query that sees nothing gets 0,
 * and +inf, which makes its probabilities 0 on the way back. */
static void attend(const problem *p, block b, operand q, operand v, operand mask, const char *turned, char *s, char *y,
                   char *log_sum)
{
    normalizer z;
    for (int r = 0; r < QUERIES; r++) z.max[r] = -INFINITY, z.sum[r] = 0;
    int64_t keys = keys_of(p, &b);
    if (keys == 0) memset(y, 0, (size_t)(b.rows * p->v_width * p->item));
    for (b.j = 0; b.j < keys; b.j += b.cols) {
        b.cols = keys - b.j < KEYS ? keys - b.j : KEYS;
        normalize(p, &b, scores(p, &b, q, turned, mask, s), s, &z, y);
        product(p, b.rows, p->v_width, b.cols, s, b.cols, 1, v.data + b.j * v.row * p->item, v.row, v.col, y, b.j > 0);
    }
    for (int64_t r = 0; r < b.rows; r++) {
        char *row = y + r * p->v_width * p->item;
        p->kernels->scale(p->v_width, z.sum[r] == 0 ? 0 : 1 / z.sum[r], row, 1, row, 1, false);
        ag__number_put(p->dtype, log_sum, r, z.sum[r] == 0 ? INFINITY : z.max[r] + log(z.sum[r]));
    }
}

static void forward_piece(void *context, int64_t piece)
{
    const job *j = context;
    const problem *p = &j->p;
    char *turned = j->room + piece * j->scratch, *s = turned + room_for(p, p->width * p->m);
    int64_t chunks = (p->n + CHUNK - 1) / CHUNK;
    for (int64_t u = piece; u < j->units; u += j->pieces) {
        int64_t head = u / chunks % p->heads, lead = u / chunks / p->heads, from = u % chunks * CHUNK;
        int64_t to = p->n - from < CHUNK ? p->n : from + CHUNK, place = (lead * p->heads + head) * p->n;
        operand q = at(p, p->q, lead, head), k = at(p, p->k, lead, head / p->group);
        operand v = at(p, p->v, lead, head / p->group), mask = p->mask;
        if (p->masked) mask = at(p, mask, lead, head);
        p->kernels->turn(p->m, p->width, k.data, k.row, k.col, turned);
        for (int64_t i = from; i < to; i += QUERIES) {
            block b = { .i = i, .rows = to - i < QUERIES ? to - i : QUERIES };
            attend(p, b, q, v, mask, turned, s, (char *)j->c->out[0]->data + (place + i) * p->v_width * p->item,
                   (char *)j->c->out[1]->data + (place + i) * p->item);
        }
    }
}

ag_status ag__attention_forward(ag_call *c)
{
    job j = { .p = problem_of(c), .c = c };
    const problem *p = &j.p;
    j.units = p->leads * p->heads * ((p->n + CHUNK - 1) / CHUNK);
    j.scratch = room_for(p, p->width * p->m) + room_for(p, QUERIES * KEYS);
    return run(&j, forward_piece);
}

/* ---- backward: a unit is a kv head ----
 * With P the probabilities and D[i] = g[i] y[i]:
 *     dv = P' g    dS = scale P (g v' - D)    dq = dS k    dk = dS' q */

/* What the gradients of a head are made of, and where they go, NULL where they are not wanted. */
typedef struct head {
    operand q, k, mask;
    const char *k_turned, *v_turned, *y, *g, *log_sum;
    char *p, *ds;       /* a block of scores each */
    char *dq, *dk, *dv; /* row-major, added to */
} head;

static void attend_back(const problem *p, const head *h, block b)
{
    union ag__dots {
        float f32[QUERIES];
        double f64[QUERIES];
    } dots;
    const int64_t item = p->item, width = p->width, v_width = p->v_width, keys = keys_of(p, &b);
    const char *g = h->g + b.i * v_width * item, *q = h->q.data + b.i * h->q.row * item;
    char *dq = h->dq ? h->dq + b.i * width * item : NULL;
    for (int64_t r = 0; r < b.rows; r++)
        ag__number_put(p->dtype, &dots, r,
                       p->kernels->dot(v_width, g + r * v_width * item, 1, h->y + (b.i + r) * v_width * item, 1));
    for (b.j = 0; b.j < keys; b.j += b.cols) {
        b.cols = keys - b.j < KEYS ? keys - b.j : KEYS;
        double factor = scores(p, &b, h->q, h->k_turned, h->mask, h->p);
        p->kernels->exp_rows(b.rows, b.cols, factor, h->p, h->log_sum + b.i * item, NULL, h->p, false);
        if (p->causal) hide(p, &b, h->p);
        if (h->dv)
            product(p, b.cols, v_width, b.rows, h->p, 1, b.cols, g, v_width, 1, h->dv + b.j * v_width * item, true);
        if (!h->dq && !h->dk) continue;
        product(p, b.rows, b.cols, v_width, g, v_width, 1, h->v_turned + b.j * item, p->m, 1, h->ds, false);
        p->kernels->softmax_back(b.rows, b.cols, p->scale, h->p, &dots, h->ds);
        if (h->dk)
            product(p, b.cols, width, b.rows, h->ds, 1, b.cols, q, h->q.row, h->q.col, h->dk + b.j * width * item,
                    true);
        if (dq)
            product(p, b.rows, width, b.cols, h->ds, b.cols, 1, h->k.data + b.j * h->k.row * item, h->k.row, h->k.col,
                    dq, true);
    }
}

/* Where n elements of a gradient are to be added up: zeros, unless there are some already. Inputs may be one tensor, so
 * that nothing is written before all are cleared. */
static char *cleared(const ag_call *c, int i, int64_t place, int64_t n, int64_t item)
{
    if (!c->need[i]) return NULL;
    char *d = (char *)c->gin[i]->data + place * item;
    return c->add[i] ? d : memset(d, 0, (size_t)(n * item));
}

static void backward_piece(void *context, int64_t piece)
{
    const job *j = context;
    const problem *p = &j->p;
    const ag_call *c = j->c;
    char *k_turned = j->room + piece * j->scratch, *v_turned = k_turned + room_for(p, p->width * p->m);
    char *probabilities = v_turned + room_for(p, p->v_width * p->m);
    for (int64_t u = piece; u < j->units; u += j->pieces) {
        int64_t kv = u % p->kv_heads, lead = u / p->kv_heads;
        operand k = at(p, p->k, lead, kv), v = at(p, p->v, lead, kv);
        p->kernels->turn(p->m, p->width, k.data, k.row, k.col, k_turned);
        p->kernels->turn(p->m, p->v_width, v.data, v.row, v.col, v_turned);
        head h = { .k = k, .k_turned = k_turned, .v_turned = v_turned, .p = probabilities };
        h.ds = probabilities + room_for(p, QUERIES * KEYS);
        int64_t place = u * p->group * p->n;
        h.dq = cleared(c, 0, place * p->width, p->group * p->n * p->width, p->item);
        h.dk = cleared(c, 1, u * p->m * p->width, p->m * p->width, p->item);
        h.dv = cleared(c, 2, u * p->m * p->v_width, p->m * p->v_width, p->item);
        for (int64_t i = kv * p->group; i < (kv + 1) * p->group; i++, place += p->n) {
            h.q = at(p, p->q, lead, i);
            if (p->masked) h.mask = at(p, p->mask, lead, i);
            h.y = (char *)c->out[0]->data + place * p->v_width * p->item;
            h.g = (char *)c->g[0]->data + place * p->v_width * p->item;
            h.log_sum = (char *)c->out[1]->data + place * p->item;
            for (int64_t from = 0; from < p->n; from += QUERIES)
                attend_back(p, &h, (block){ .i = from, .rows = p->n - from < QUERIES ? p->n - from : QUERIES });
            if (h.dq) h.dq += p->n * p->width * p->item;
        }
    }
}

ag_status ag__attention_backward(ag_call *c)
{
    job j = { .p = problem_of(c), .c = c };
    const problem *p = &j.p;
    j.units = p->leads * p->kv_heads;
    j.scratch = room_for(p, p->width * p->m) + room_for(p, p->v_width * p->m) + 2 * room_for(p, QUERIES * KEYS);
    return run(&j, backward_piece);
}
