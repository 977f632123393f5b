/* network_by_hand.c - a classifier of images without modules and without an optimizer: four parameters, the forward
 * pass written in operations, the gradients asked for by name, the update written out.
 *
 * The network has 784 inputs, 10 sigmoid units and 10 softmax outputs; stochastic gradient descent with learning rate
 * 0.01 and batches of 32 on the 60,000 images of Fashion-MNIST. Prints, for every epoch, the mean loss as seen during
 * training and the share of the 10,000 test images named rightly: near 0.78 after ten. */
#include <autograd/autograd.h>
#include <nn/nn.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 784, HIDDEN = 10, CLASSES = 10, BATCH = 32 };
static const double rate = 0.01;

typedef struct network {
    ag_tensor *w1, *b1, *w2, *b2;
} network;

/* Leaves of the tape: they live across its resets and may be differentiated by. */
static network network_new(void)
{
    double near = 1 / sqrt(PIXELS), far = 1 / sqrt(HIDDEN);
    return (network){
        .w1 = ag_init_uniform(ag_param(AG_F32, PIXELS, HIDDEN), -near, near),
        .b1 = ag_init_uniform(ag_param(AG_F32, HIDDEN), -near, near),
        .w2 = ag_init_uniform(ag_param(AG_F32, HIDDEN, CLASSES), -far, far),
        .b2 = ag_init_uniform(ag_param(AG_F32, CLASSES), -far, far),
    };
}

static void network_free(network *n)
{
    ag_free(n->w1), ag_free(n->b1), ag_free(n->w2), ag_free(n->b2);
}

/* Images [n,1,28,28] to the logarithms of the classes' probabilities, [n,10]. */
static ag_tensor *forward(const network *n, ag_tensor *images)
{
    ag_tensor *x = ag_reshape(images, -1, PIXELS);
    ag_tensor *hidden = ag_sigmoid(ag_add(ag_matmul(x, n->w1), n->b1));
    return ag_log_softmax(ag_add(ag_matmul(hidden, n->w2), n->b2), 1);
}

/* w -= rate dloss/dw for each parameter. The update is no part of what is differentiated. */
static void descend(const network *n, ag_tensor *loss)
{
    ag_tensor *g[4] = { NULL };
    AG_NO_GRAD {
        ag_grads(loss, AG_LIST(n->w1, n->b1, n->w2, n->b2), g);
        ag_assign(n->w1, ag_sub(n->w1, ag_mul(rate, g[0])));
        ag_assign(n->b1, ag_sub(n->b1, ag_mul(rate, g[1])));
        ag_assign(n->w2, ag_sub(n->w2, ag_mul(rate, g[2])));
        ag_assign(n->b2, ag_sub(n->b2, ag_mul(rate, g[3])));
    }
}

/* One pass over the images; returns their mean loss. */
static double train(const network *n, ag_loader *images, ag_tape *tape)
{
    double sum = 0;
    ag_batch b;
    while (ag_next(images, &b)) {
        ag_tensor *loss = ag_nll_loss(forward(n, b.x), b.y);
        sum += ag_item(loss) * (double)b.n;
        descend(n, loss);
        if (ag_error()) break;
        ag_tape_reset(tape); /* frees the step's temporaries */
    }
    return sum / (double)ag_loader_count(images);
}

static double accuracy(const network *n, ag_loader *images, ag_tape *tape)
{
    double right = 0;
    ag_batch b;
    AG_NO_GRAD
        while (ag_next(images, &b)) {
            right += ag_item(ag_sum(ag_eq(ag_argmax(forward(n, b.x), 1), b.y)));
            if (ag_error()) break;
            ag_tape_reset(tape);
        }
    return right / (double)ag_loader_count(images);
}

static int run(int64_t epochs, uint64_t seed, const char *dir)
{
    ag_seed(seed);
    ag_tape *tape = ag_tape_new();
    ag_dataset *images = ag_dataset_mnist(dir, "train"), *others = ag_dataset_mnist(dir, "t10k");
    bool readable = images && others;
    ag_loader *learned = ag_loader_new(images, .batch = BATCH, .shuffle = true);
    ag_loader *held_out = ag_loader_new(others, .batch = 1000);
    network net = network_new();

    for (int64_t epoch = 1; epoch <= epochs && !ag_error(); epoch++) {
        double loss = train(&net, learned, tape), share = accuracy(&net, held_out, tape);
        if (!ag_error()) printf("epoch %lld  loss %.4f  test accuracy %.4f\n", (long long)epoch, loss, share);
    }
    bool failed = ag_error();
    if (failed) fprintf(stderr, "network_by_hand: %s\n", ag_errmsg());
    if (!readable) fputs("network_by_hand: the images come with Debian's package dataset-fashion-mnist\n", stderr);

    network_free(&net);
    ag_loader_free(learned), ag_loader_free(held_out);
    ag_dataset_free(images), ag_dataset_free(others);
    ag_tape_free(tape);
    return failed;
}

/* A whole number from low on; the whole of text must be one. */
static bool parse(const char *text, long long low, long long *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return end != text && !*end && !errno && *out >= low;
}

int main(int argc, char **argv)
{
    long long epochs = 10, seed = 0;
    const char *dir = NULL; /* where Debian puts them */
    bool good = argc % 2;
    for (int i = 1; good && i < argc; i += 2) {
        if (!strcmp(argv[i], "--epochs"))
            good = parse(argv[i + 1], 1, &epochs);
        else if (!strcmp(argv[i], "--seed"))
            good = parse(argv[i + 1], 0, &seed);
        else if (!strcmp(argv[i], "--data"))
            dir = argv[i + 1];
        else
            good = false;
    }
    if (good) return run(epochs, (uint64_t)seed, dir);
    fputs("usage: network_by_hand [--epochs N] [--seed N] [--data DIR]     default: 10 epochs, seed 0\n", stderr);
    return 2;
}
