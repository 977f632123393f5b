/* train_mlp.c - networks of linear layers and ReLU on random images: with the library's layers and optimizers, and
 * written out by hand on the same kernels. */
#include <autograd/autograd.h>
#include <autograd/kernels/kernels.h>
#include <bench/train.h>
#include <nn/nn.h>
#include <optim/optim.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 3 };
typedef struct mlp {
    int layers;
    int64_t batch, width[MOST + 1];
    bool adam;
    double lr;
} mlp;
static const mlp mlp128 = { 2, 64, { 784, 128, 10 }, false, 0.1 };
static const mlp mlp512 = { 3, 128, { 784, 512, 512, 10 }, true, 1e-3 };

/* ---- on the tape ---- */

static const mlp *shape;
static ag_tape *tape;
static ag_module *net;
static ag_optim *opt;
static ag_tensor *images, *labels;

static void open_mlp(const mlp *m)
{
    shape = m;
    tape = ag_tape_new();
    ag_seed(1);
    images = ag_keep(ag_randn(AG_F32, m->batch, m->width[0]));
    labels = ag_keep(ag_randint(m->width[m->layers], m->batch));
    ag_module *part[2 * MOST];
    int n = 0;
    for (int i = 0; i < m->layers; i++) {
        if (i) part[n++] = ag_Act(ag_relu);
        part[n++] = ag_Linear(m->width[i], m->width[i + 1]);
    }
    net = (ag_Sequential)(n, part);
    opt = m->adam ? ag_adam(ag_parameters(net), .lr = m->lr) : ag_sgd(ag_parameters(net), .lr = m->lr);
    train_stop_on_error(ag_tape_reset(tape));
}
static void open_mlp128(void)
{
    open_mlp(&mlp128);
}
static void open_mlp512(void)
{
    open_mlp(&mlp512);
}

static double step(void)
{
    ag_tensor *loss = ag_cross_entropy(ag_forward(net, images), labels);
    ag_backward(loss);
    ag_step(opt);
    double value = ag_item(loss);
    train_stop_on_error(ag_tape_reset(tape));
    return value;
}

static ag_params weights(void)
{
    return ag_state(net);
}
static ag_tensor *x(void)
{
    return images;
}
static ag_tensor *y(void)
{
    return labels;
}

/* ---- by hand ---- */

typedef struct layer {
    int64_t in, out;
    float *w, *b, *gw, *gb;   /* [out][in], [out], and their gradients */
    float *mw, *mb, *vw, *vb; /* Adam's moments */
    float *result, *g;        /* [batch][out], and its gradient */
} layer;
static layer hand_layer[MOST];
static int64_t hand_step_count;

static float *buffer(int64_t n)
{
    float *p = aligned_alloc(64, ((size_t)n * sizeof *p + 63) / 64 * 64);
    if (!p) abort();
    memset(p, 0, (size_t)n * sizeof *p);
    return p;
}

static void hand_open(void)
{
    ag_params p = ag_parameters(net);
    for (int i = 0; i < shape->layers; i++) {
        layer *l = &hand_layer[i];
        l->in = shape->width[i], l->out = shape->width[i + 1];
        int64_t nw = l->in * l->out;
        l->w = buffer(nw), l->gw = buffer(nw), l->mw = buffer(nw), l->vw = buffer(nw);
        l->b = buffer(l->out), l->gb = buffer(l->out), l->mb = buffer(l->out), l->vb = buffer(l->out);
        l->result = buffer(shape->batch * l->out), l->g = buffer(shape->batch * l->out);
        memcpy(l->w, ag_f32(p.at[2 * i].tensor), (size_t)nw * sizeof *l->w);
        memcpy(l->b, ag_f32(p.at[2 * i + 1].tensor), (size_t)l->out * sizeof *l->b);
    }
}

/* With the room that the kernel asks for. */
static void multiply(ag__gemm g)
{
    static float *room;
    static size_t has;
    size_t wants = ag__kernel[0]->gemm_work(&g);
    if (wants > has) {
        free(room);
        room = buffer((int64_t)(wants / sizeof *room) + 1), has = wants;
    }
    g.work = wants ? room : NULL;
    ag__kernel[0]->gemm(&g);
}

static void forward(const layer *l, const float *in, bool relu)
{
    multiply((ag__gemm){ .m = shape->batch,
                         .n = l->out,
                         .k = l->in,
                         .a = in,
                         .a_row = l->in,
                         .a_col = 1,
                         .b = l->w,
                         .b_row = 1,
                         .b_col = l->in,
                         .bias = l->b,
                         .c = l->result,
                         .ldc = l->out });
    if (!relu) return;
    for (int64_t i = 0; i < shape->batch * l->out; i++) l->result[i] = l->result[i] > 0 ? l->result[i] : 0;
}

/* The loss, and its gradient by the logits. */
static double cross_entropy(const layer *l, const int64_t *label)
{
    double loss = 0;
    float share = 1 / (float)shape->batch;
    for (int64_t i = 0; i < shape->batch; i++) {
        const float *z = l->result + i * l->out;
        float *g = l->g + i * l->out;
        loss += ag__kernel[0]->softmax(l->out, z, 1, g, 1) - (double)z[label[i]];
        for (int64_t j = 0; j < l->out; j++) g[j] *= share;
        g[label[i]] -= share;
    }
    return loss / (double)shape->batch;
}

/* From the gradient of the layer's result to those of its weights and, through ReLU, of the layer below. */
static void backward(const layer *l, const float *in, const layer *below)
{
    multiply((ag__gemm){ .m = l->out,
                         .n = l->in,
                         .k = shape->batch,
                         .a = l->g,
                         .a_row = 1,
                         .a_col = l->out,
                         .b = in,
                         .b_row = l->in,
                         .b_col = 1,
                         .c = l->gw,
                         .ldc = l->in });
    memset(l->gb, 0, (size_t)l->out * sizeof *l->gb);
    for (int64_t i = 0; i < shape->batch; i++)
        for (int64_t j = 0; j < l->out; j++) l->gb[j] += l->g[i * l->out + j];
    if (!below) return;
    multiply((ag__gemm){ .m = shape->batch,
                         .n = l->in,
                         .k = l->out,
                         .a = l->g,
                         .a_row = l->out,
                         .a_col = 1,
                         .b = l->w,
                         .b_row = l->in,
                         .b_col = 1,
                         .c = below->g,
                         .ldc = l->in });
    for (int64_t i = 0; i < shape->batch * l->in; i++) below->g[i] = below->result[i] > 0 ? below->g[i] : 0;
}

static void sgd(int64_t n, float *restrict w, const float *restrict g, float lr)
{
    for (int64_t i = 0; i < n; i++) w[i] -= lr * g[i];
}

static void adam(int64_t n, float *restrict w, const float *restrict g, float *restrict m, float *restrict v, float lr)
{
    double t = (double)hand_step_count;
    float size = (float)((double)lr / (1 - pow(0.9, t))), root = (float)(1 / sqrt(1 - pow(0.999, t)));
    for (int64_t i = 0; i < n; i++) {
        m[i] += 0.1F * (g[i] - m[i]);
        v[i] += 0.001F * (g[i] * g[i] - v[i]);
        w[i] -= size * m[i] / (sqrtf(v[i]) * root + 1e-8F);
    }
}

static double hand(void)
{
    const float *in = ag_f32(images);
    int top = shape->layers - 1;
    for (int i = 0; i <= top; i++) forward(&hand_layer[i], i ? hand_layer[i - 1].result : in, i < top);
    double loss = cross_entropy(&hand_layer[top], ag_i64(labels));
    for (int i = top; i >= 0; i--)
        backward(&hand_layer[i], i ? hand_layer[i - 1].result : in, i ? &hand_layer[i - 1] : NULL);
    hand_step_count++;
    for (int i = 0; i <= top; i++) {
        layer *l = &hand_layer[i];
        if (shape->adam) {
            adam(l->in * l->out, l->w, l->gw, l->mw, l->vw, (float)shape->lr);
            adam(l->out, l->b, l->gb, l->mb, l->vb, (float)shape->lr);
        } else {
            sgd(l->in * l->out, l->w, l->gw, (float)shape->lr);
            sgd(l->out, l->b, l->gb, (float)shape->lr);
        }
    }
    return loss;
}

const train_case train_mlp128 = { "mlp128", 0.026182, 1, open_mlp128, step, hand_open, hand, weights, x, y };
const train_case train_mlp512 = { "mlp512", 0.41078, 1, open_mlp512, step, hand_open, hand, weights, x, y };
