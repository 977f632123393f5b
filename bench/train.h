/* train.h - the training steps that `make bench` times. One process runs one case, so each keeps its state to itself. */
#ifndef BENCH_TRAIN_H
#define BENCH_TRAIN_H
#include <autograd/autograd.h>

typedef struct train_case {
    const char *name;
    double gflop; /* 1e9 floating-point operations of the matrix products of a step; 0: not what it is about */
    int per_step; /* what is timed is a step divided by this: op1's chain has many operations */
    /* Makes network, optimizer and batch from a fixed seed; exits with a message on failure, as the others do. */
    void (*open)(void);
    double (*step)(void); /* a whole step on the tape: forward, loss, backward, optimizer; the loss */
    /* The same step written out on the same kernels with buffers made once: what the tape is compared with. Goes on from
     * the present weights at hand_open. NULL if there is none. */
    void (*hand_open)(void);
    double (*hand)(void);
    /* The batch as "x" and "y", and the weights under PyTorch's names, for a peer that starts from the same place. */
    ag_params (*weights)(void);
    ag_tensor *(*x)(void), *(*y)(void);
} train_case;

extern const train_case train_xor, train_op1, train_mlp128, train_mlp512, train_gpt_tiny, train_gpt_small;

void train_stop_on_error(ag_status status);
#endif
