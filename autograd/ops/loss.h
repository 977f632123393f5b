/* loss.h - what the losses share: their options. */
#ifndef AG_OPS_LOSS_H
#define AG_OPS_LOSS_H
#include <autograd/ops/family.h>

/* The options that not every loss has. */
enum { AG__WEIGHT = 1, AG__POS_WEIGHT = 2, AG__SMOOTHING = 4, AG__IGNORE = 8, AG__DELTA = 16 };

/* *o: what was given, or defaults. False if there is a reduction that is none, or an option that is not in `has`. */
static inline bool ag__loss_options(ag_loss_options *o, const ag_loss_options *given, unsigned has, const char *who)
{
    *o = given ? *given : (ag_loss_options){ .size = sizeof *o };
    const char *odd = o->weight && !(has & AG__WEIGHT)                         ? "weight"
                      : o->pos_weight && !(has & AG__POS_WEIGHT)               ? "pos_weight"
                      : o->label_smoothing != 0 && !(has & AG__SMOOTHING)      ? "label_smoothing"
                      : o->ignore && !(has & AG__IGNORE)                       ? "ignore"
                      : o->delta != 0 && !(has & AG__DELTA)                    ? "delta"
                                                                               : NULL;
    if (odd) return ag_fail(AG_EINVAL, "%s: .%s is an option of other losses", who, odd), false;
    if (o->reduction == AG_MEAN || o->reduction == AG_SUM || o->reduction == AG_NONE) return true;
    ag_fail(AG_EINVAL, "%s: .reduction %d is none of AG_MEAN, AG_SUM, AG_NONE", who, (int)o->reduction);
    return false;
}
#endif
