/* loss.h - what the losses share: their options, and their reductions. */
#ifndef AG_OPS_LOSS_H
#define AG_OPS_LOSS_H
#include <autograd/ops/family.h>

/* The options that not every loss has. */
enum {
    AG__WEIGHT = 1,
    AG__POS_WEIGHT = 2,
    AG__SMOOTHING = 4,
    AG__IGNORE = 8,
    AG__DELTA = 16,
    AG__BETA = 32,
    AG__MARGIN = 64,
    AG__P = 128,
    AG__EPS = 256,
    AG__FOCUS = 512,
    AG__FULL = 1024,
    AG__LOG_TARGET = 2048,
    AG__RATE = 4096,
    AG__SWAP = 8192,
    AG__CTC = 16384,
    AG__BATCHMEAN = 32768
};

/* *o: what was given, or defaults. False if there is a reduction that is none, or an option that is not in `has`. */
bool ag__loss_options(ag_loss_options *o, const ag_loss_options *given, unsigned has, const char *who);

/* A number given, 0 for AG_ZERO, or the default for 0. */
static inline double ag__given(double given, double otherwise)
{
    return given == 0 ? otherwise : given <= AG_ZERO && given > 0 ? 0 : given;
}

/* For a loss made of other operations, whose attributes are its ag_loss_options: the reduction of each one's loss, and
 * the shape of that. */
ag_tensor *ag__loss_reduced(const ag_call *c, ag_tensor *each);
void ag__loss_shape(const ag_call *c, ag_shape *each);
/* The shape of the first n inputs broadcast together, if they are floating, of one dtype; else that is reported. */
bool ag__loss_broadcast(const ag_call *c, int n, ag_shape *out);
/* *weight, if there is one, as an operand of the current tape in a shape that broadcasts to that of x, or false. */
bool ag__loss_weight(ag_tensor **weight, ag_tensor *x, const char *option, const char *who);

/* The row of a loss that is composed. */
#define AG__LOSS_ROW(fn, inputs)                        \
    const ag_op ag__op_##fn = {                         \
        .name = #fn,                                    \
        .n_in = inputs,                                 \
        .attr_size = sizeof(ag_loss_options),           \
        .shape = fn##_shape,                            \
        .compose = fn##_compose,                        \
    };
#endif
