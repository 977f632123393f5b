/* lstm.c - negative log-likelihood of a sequence of characters under l layers of LSTM whose weights are diagonal.
 *
 * Variables: for each layer weights and biases of the four gates (forget, in, out, change), b of each; then of the
 * input, of the output and its bias. State: for each layer hidden, then cell. ADBench's logsumexp adds 2 inside the
 * log. */
#include "adbench.h"
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct lstm {
    int l, c, b; /* layers, characters, bits of a character */
    size_t n_p;
    double *p, *state, *sequence;
    double *number; /* room for the objective */
    ag_scalar *scalar, *input, *loss;
} lstm;
#define LAYER(p, i) ((p) + 8 * (i)*q->b)
#define EXTRA(p)    LAYER(p, q->l)

/* ---- the objective ---- */

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static void layer(int b, const double *w, const double *bias, double *hidden, double *cell, const double *x)
{
    for (int i = 0; i < b; i++) {
        const double forget = sigmoid(x[i] * w[i] + bias[i]), in = sigmoid(hidden[i] * w[b + i] + bias[b + i]);
        const double out = sigmoid(x[i] * w[2 * b + i] + bias[2 * b + i]);
        const double change = tanh(hidden[i] * w[3 * b + i] + bias[3 * b + i]);
        cell[i] = cell[i] * forget + in * change;
        hidden[i] = out * tanh(cell[i]);
    }
}

static void objective(task *t)
{
    const lstm *q = t->data;
    const int b = q->b;
    const double *w = EXTRA(q->p);
    double *state = q->number, *x = state + 2 * q->l * b, *y = x + b, total = 0;
    memcpy(state, q->state, (size_t)(2 * q->l * b) * sizeof *state);
    for (int k = 0; k + 1 < q->c; k++) {
        const double *now = q->sequence + k * b, *next = now + b, *from = x;
        for (int i = 0; i < b; i++) x[i] = now[i] * w[i];
        for (int j = 0; j < q->l; j++) {
            double *hidden = state + 2 * j * b;
            layer(b, LAYER(q->p, j), LAYER(q->p, j) + 4 * b, hidden, hidden + b, from);
            from = hidden;
        }
        double sum = 2;
        for (int i = 0; i < b; i++) y[i] = from[i] * w[b + i] + w[2 * b + i], sum += exp(y[i]);
        const double norm = log(sum);
        for (int i = 0; i < b; i++) total += next[i] * (y[i] - norm);
    }
    *t->value = -total / ((q->c - 1) * b);
}

/* ---- in blocks: b elements at once ---- */

typedef struct cell {
    ag_block forget_w, in_w, out_w, change_w, forget_b, in_b, out_b, change_b, hidden, cell;
} cell;

static cell cell_of(const lstm *q, ag_block p, size_t i)
{
    const size_t b = (size_t)q->b;
    ag_block part[8];
    for (size_t k = 0; k < 8; k++) part[k] = ags_block_slice(p, (8 * i + k) * b, b);
    return (cell){ part[0],
                   part[1],
                   part[2],
                   part[3],
                   part[4],
                   part[5],
                   part[6],
                   part[7],
                   ags_block_const(b, q->state + 2 * i * b),
                   ags_block_const(b, q->state + (2 * i + 1) * b) };
}

static ag_block cell_step(cell *c, ag_block x)
{
    ag_block forget = ags_block_sigmoid(ags_block_fma(x, c->forget_w, c->forget_b));
    ag_block in = ags_block_sigmoid(ags_block_fma(c->hidden, c->in_w, c->in_b));
    ag_block out = ags_block_sigmoid(ags_block_fma(x, c->out_w, c->out_b));
    ag_block change = ags_block_tanh(ags_block_fma(c->hidden, c->change_w, c->change_b));
    c->cell = ags_block_fma(c->cell, forget, ags_block_mul(in, change));
    return c->hidden = ags_block_mul(out, ags_block_tanh(c->cell));
}

static void by_blocks(task *t)
{
    enum { MOST = 16 };
    static const double two = 2;
    const lstm *q = t->data;
    const size_t b = (size_t)q->b, l = (size_t)q->l, steps = (size_t)q->c - 1;
    ag_tape_reset(t->tape);
    ag_block p = ags_block_input(q->n_p, q->p), extra[3];
    cell c[MOST];
    for (size_t i = 0; i < l; i++) c[i] = cell_of(q, p, i);
    for (size_t i = 0; i < 3; i++) extra[i] = ags_block_slice(p, 8 * l * b + i * b, b);

    for (size_t k = 0; k < steps; k++) {
        const double *now = q->sequence + k * b;
        ag_block x = ags_block_mul(ags_block_const(b, now), extra[0]);
        for (size_t i = 0; i < l; i++) x = cell_step(&c[i], x);
        ag_block y = ags_block_fma(x, extra[1], extra[2]);
        ag_block sum = ags_block_add(ags_block_sums(b, ags_block_exp(y)), ags_block_const(1, &two));
        ag_block normal = ags_block_sub(y, ags_block_log(sum));
        q->loss[k] = ags_block_sum(ags_block_mul(ags_block_const(b, now + b), normal));
    }

    for (size_t i = 0; i < q->n_p; i++) q->input[i] = ags_block_at(p, i);
    take_gradient(t, ag_div(ags_sum(steps, q->loss), -(double)(steps * b)), q->n_p, q->input);
}

/* ---- one operation at a time ---- */

static void layer_per_op(int b, const ag_scalar *w, const ag_scalar *bias, ag_scalar *hidden, ag_scalar *c,
                         const ag_scalar *x)
{
    for (int i = 0; i < b; i++) {
        ag_scalar forget = ag_sigmoid(ag_add(ag_mul(x[i], w[i]), bias[i]));
        ag_scalar in = ag_sigmoid(ag_add(ag_mul(hidden[i], w[b + i]), bias[b + i]));
        ag_scalar out = ag_sigmoid(ag_add(ag_mul(x[i], w[2 * b + i]), bias[2 * b + i]));
        ag_scalar change = ag_tanh(ag_add(ag_mul(hidden[i], w[3 * b + i]), bias[3 * b + i]));
        c[i] = ag_add(ag_mul(c[i], forget), ag_mul(in, change));
        hidden[i] = ag_mul(out, ag_tanh(c[i]));
    }
}

static void per_op(task *t)
{
    const lstm *q = t->data;
    const int b = q->b;
    ag_scalar *state = q->scalar, *x = state + 2 * q->l * b, *y = x + b, *p = q->input, *w = EXTRA(p);
    ag_tape_reset(t->tape);
    ags_inputs(q->n_p, q->p, p);
    for (int i = 0; i < 2 * q->l * b; i++) state[i] = ag_const(q->state[i]);
    ag_scalar total = ag_const(0);
    for (int k = 0; k + 1 < q->c; k++) {
        const double *now = q->sequence + k * b, *next = now + b;
        const ag_scalar *from = x;
        for (int i = 0; i < b; i++) x[i] = ag_mul(now[i], w[i]);
        for (int j = 0; j < q->l; j++) {
            ag_scalar *hidden = state + 2 * j * b;
            layer_per_op(b, LAYER(p, j), LAYER(p, j) + 4 * b, hidden, hidden + b, from);
            from = hidden;
        }
        ag_scalar sum = ag_const(2);
        for (int i = 0; i < b; i++) {
            y[i] = ag_add(ag_mul(from[i], w[b + i]), w[2 * b + i]);
            sum = ag_add(sum, ag_exp(y[i]));
        }
        ag_scalar norm = ag_log(sum);
        for (int i = 0; i < b; i++) total = ag_add(total, ag_mul(next[i], ag_sub(y[i], norm)));
    }
    take_gradient(t, ag_div(total, -(double)((q->c - 1) * b)), q->n_p, p);
}

/* ---- the problem ---- */

static void release(task *t)
{
    lstm *q = t->data;
    free(q->p), free(q->state), free(q->sequence), free(q->number), free(q->scalar), free(q->input), free(q->loss);
    free(q);
}

task lstm_task(const char *path)
{
    text f = text_open(path);
    lstm *q = calloc(1, sizeof *q);
    if (!q) exit(EXIT_FAILURE);
    q->l = text_count(&f, 1, 16), q->c = text_count(&f, 2, 1 << 20), q->b = text_count(&f, 1, 1024);
    const size_t l = (size_t)q->l, b = (size_t)q->b, c = (size_t)q->c;
    q->n_p = 8 * l * b + 3 * b;
    q->p = numbers(q->n_p), q->state = numbers(2 * l * b), q->sequence = numbers(c * b);
    q->number = numbers(2 * l * b + 2 * b), q->scalar = scalars(2 * l * b + 2 * b);
    q->input = scalars(q->n_p), q->loss = scalars(c);
    text_numbers(&f, q->n_p, q->p);
    text_numbers(&f, 2 * l * b, q->state);
    text_numbers(&f, c * b, q->sequence);
    text_end(&f);
    task t = { .data = q,
               .n_value = 1,
               .n_derivative = q->n_p,
               .header = { q->n_p },
               .n_header = 1,
               .objective = objective,
               .gradient = by_blocks,
               .per_op = per_op,
               .release = release };
    char stem[48];
    stem_of(path, sizeof stem, stem);
    snprintf(t.name, sizeof t.name, "%s%s", strncmp(stem, "lstm_", 5) ? "lstm_" : "", stem);
    snprintf(t.golden, sizeof t.golden, "%s.txt", t.name);
    return t;
}
