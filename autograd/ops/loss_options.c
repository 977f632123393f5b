/* loss_options.c - see loss.h. */
#include <autograd/ops/loss.h>

bool ag__loss_options(ag_loss_options *o, const ag_loss_options *given, unsigned has, const char *who)
{
    *o = given ? *given : (ag_loss_options){ .size = sizeof *o };
    const struct {
        bool is_given;
        unsigned bit;
        const char *name;
    } all[] = {
        { o->weight != NULL, AG__WEIGHT, "weight" },
        { o->pos_weight != NULL, AG__POS_WEIGHT, "pos_weight" },
        { o->label_smoothing != 0, AG__SMOOTHING, "label_smoothing" },
        { o->ignore != NULL, AG__IGNORE, "ignore" },
        { o->delta != 0, AG__DELTA, "delta" },
        { o->beta != 0, AG__BETA, "beta" },
        { o->margin != 0, AG__MARGIN, "margin" },
        { o->p != 0, AG__P, "p" },
        { o->eps != 0, AG__EPS, "eps" },
        { o->alpha != 0, AG__FOCUS, "alpha" },
        { o->gamma != 0, AG__FOCUS, "gamma" },
        { o->full, AG__FULL, "full" },
        { o->log_target, AG__LOG_TARGET, "log_target" },
        { o->rate, AG__RATE, "rate" },
        { o->swap, AG__SWAP, "swap" },
        { o->zero_infinity, AG__CTC, "zero_infinity" },
        { o->blank != 0, AG__CTC, "blank" },
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].is_given && !(has & all[i].bit))
            return ag_fail(AG_EINVAL, "%s: .%s is an option of other losses", who, all[i].name), false;
    if (o->reduction == AG_MEAN || o->reduction == AG_SUM || o->reduction == AG_NONE ||
        (o->reduction == AG_BATCHMEAN && has & AG__BATCHMEAN))
        return true;
    ag_fail(AG_EINVAL, "%s: .reduction %d is none of AG_MEAN, AG_SUM, AG_NONE", who, (int)o->reduction);
    return false;
}

ag_tensor *ag__loss_reduced(const ag_call *c, ag_tensor *each)
{
    switch (((const ag_loss_options *)c->attr)->reduction) {
    case AG_NONE: return each;
    case AG_SUM: return ag_sum(each);
    case AG_MEAN: return ag_mean(each);
    default: break;
    }
    const ag__layout *l = c->in[0]->layout;
    return ag_div(ag_sum(each), l->rank ? (double)l->dims[0] : 1);
}
void ag__loss_shape(const ag_call *c, ag_shape *each)
{
    if (((const ag_loss_options *)c->attr)->reduction != AG_NONE) each->rank = 0;
}

bool ag__loss_broadcast(const ag_call *c, int n, ag_shape *out)
{
    ag_call first = *c;
    first.n_in = n;
    return ag__need_float(c->in[0], ag__title(c->op)) && !ag_shape_broadcast(&first, out);
}

bool ag__loss_weight(ag_tensor **weight, ag_tensor *x, const char *option, const char *who)
{
    if (!*weight) return true;
    const ag__layout *l = x->layout;
    ag_shape all;
    ag__shape_copy(&all, l);
    if (!(*weight = ag__operand(ag__tape(who), *weight, who, 3))) return false;
    const ag__layout *w = (*weight)->layout;
    bool fits = w->dtype == l->dtype && ag__broadcast(&all.rank, all.dims, w) && all.rank == l->rank;
    for (int i = 0; fits && i < l->rank; i++) fits = all.dims[i] == l->dims[i];
    if (fits) return (*weight = (ag_expand)(*weight, l->rank, l->dims)) != NULL;
    ag_fail(AG_ESHAPE, "%s: .%s %s %s does not broadcast to the input %s %s", who, option, ag_dtype_name(w->dtype),
            ag__text(w), ag_dtype_name(l->dtype), ag__text(l));
    return false;
}
