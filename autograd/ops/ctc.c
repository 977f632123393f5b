/* ctc.c - connectionist temporal classification: minus the log of the sum of the probabilities of all alignments of a
 * sequence of classes with a longer one of predictions (Graves et al. 2006).
 *
 * The states of one sequence are its classes with blanks before, between and behind them, l = 2 s + 1 of them:
 *     alpha[t,i] = x[t, class[i]] + log(e^alpha[t-1,i] + e^alpha[t-1,i-1] + e^alpha[t-1,i-2])
 * where the last term is there only for a class other than that two states before. It begins in state 0 before t = 0
 * and ends in one of the last two. */
#include <autograd/ops/loss.h>
#include <math.h>

enum { X, TARGET, LENGTHS, TARGET_LENGTHS, N_INPUTS };

/* Sequences side by side, with their whole numbers read. */
typedef struct batch {
    int64_t steps, n, classes, longest; /* longest: of the targets */
    ag_tensor *target, *lengths, *target_lengths;
    bool joined; /* the targets stand one after the other: [sum of lengths] */
} batch;

static int64_t whole(const ag_tensor *x, int64_t i)
{
    return ag__whole(x->layout->dtype, x->data, i);
}
static batch batch_of(const ag_call *c)
{
    const ag__layout *x = c->in[X]->layout;
    batch b = { .steps = x->dims[0], .n = x->rank == 3 ? x->dims[1] : 1, .classes = x->dims[x->rank - 1] };
    b.target = ag_contiguous(c->in[TARGET]);
    b.lengths = ag_contiguous(c->in[LENGTHS]), b.target_lengths = ag_contiguous(c->in[TARGET_LENGTHS]);
    b.joined = c->in[TARGET]->layout->rank == 1;
    for (int64_t i = 0; b.target_lengths && i < b.n; i++) {
        int64_t length = whole(b.target_lengths, i);
        b.longest = length > b.longest ? length : b.longest;
    }
    return b;
}

static ag_status need_whole(const ag_call *c)
{
    static const char *const name[] = { "log_probabilities", "target", "lengths", "target_lengths" };
    for (int i = TARGET; i < N_INPUTS; i++) {
        if (!c->in[i]) return ag_fail(AG_ENULL, "ag_ctc_loss: %s is NULL", name[i]);
        const ag__layout *l = c->in[i]->layout;
        if (!ag__is_integer(l->dtype))
            return ag_fail(AG_EDTYPE, "ag_ctc_loss: %s is %s %s; needs i64, i32 or u8", name[i],
                           ag_dtype_name(l->dtype), ag__text(l));
    }
    return AG_OK;
}
static ag_status check_values(const ag_call *c, const batch *b)
{
    int64_t room = b->joined ? b->target->layout->numel : b->target->layout->dims[1], total = 0;
    for (int64_t i = 0; i < b->n; i++) {
        int64_t length = whole(b->lengths, i), n = whole(b->target_lengths, i);
        if (length < 0 || length > b->steps)
            return ag_fail(AG_EINVAL, "ag_ctc_loss: length %lld of sequence %lld is not in 0 .. %lld, of %s",
                           (long long)length, (long long)i, (long long)b->steps, ag__text(c->in[X]->layout));
        if (n < 0 || n > room)
            return ag_fail(AG_EINVAL, "ag_ctc_loss: target length %lld of sequence %lld does not fit target %s",
                           (long long)n, (long long)i, ag__text(b->target->layout));
        total += n;
    }
    if (b->joined && total != room)
        return ag_fail(AG_ESHAPE, "ag_ctc_loss: target %s holds other than the %lld classes of all sequences",
                       ag__text(b->target->layout), (long long)total);
    for (int64_t i = 0; i < b->target->layout->numel; i++) {
        int64_t class = whole(b->target, i);
        bool behind = !b->joined && i % room >= whole(b->target_lengths, i / room);
        if (!behind && (class < 0 || class >= b->classes))
            return ag_fail(AG_EINVAL, "ag_ctc_loss: target %lld at position %lld is no class of %s", (long long)class,
                           (long long)i, ag__text(c->in[X]->layout));
    }
    return AG_OK;
}
static ag_status ctc_loss_shape(const ag_call *c, ag_shape *out)
{
    const ag_loss_options *o = c->attr;
    const ag__layout *x = c->in[X]->layout;
    if (!ag__need_float(c->in[X], "ag_ctc_loss") || need_whole(c)) return ag_error();
    const ag__layout *t = c->in[TARGET]->layout;
    if ((x->rank != 2 && x->rank != 3) || x->dims[x->rank - 1] == 0)
        return ag_fail(AG_ESHAPE, "ag_ctc_loss: log_probabilities %s are not [steps, n, classes] or [steps, classes]",
                       ag__text(x));
    int64_t n = x->rank == 3 ? x->dims[1] : 1;
    if (c->in[LENGTHS]->layout->numel != n || c->in[TARGET_LENGTHS]->layout->numel != n ||
        !(t->rank == 1 || (t->rank == 2 && t->dims[0] == n)))
        return ag_fail(AG_ESHAPE, "ag_ctc_loss: target %s, lengths %s and %s do not fit log_probabilities %s",
                       ag__text(t), ag__text(c->in[LENGTHS]->layout), ag__text(c->in[TARGET_LENGTHS]->layout),
                       ag__text(x));
    if (o->blank < 0 || o->blank >= x->dims[x->rank - 1])
        return ag_fail(AG_EINVAL, "ag_ctc_loss: .blank %lld is no class of %s", (long long)o->blank, ag__text(x));
    batch b = batch_of(c);
    if (!b.target || !b.lengths || !b.target_lengths || check_values(c, &b)) return ag_error();
    out->dtype = x->dtype, out->rank = x->rank == 3, out->dims[0] = n;
    ag__loss_shape(c, out);
    return AG_OK;
}

/* What does not depend on the probabilities: the class of each state [n, l], which states may be entered from two
 * before, where sequences begin [n, l]; how long they are [n, 1]; their last states, and those before [n, 1]. */
typedef struct states {
    ag_tensor *class, *skip, *begin, *length, *last, *before, *none; /* none: has no state before the last */
} states;

static bool states_of(const batch *b, const ag_loss_options *o, ag_dtype dtype, states *s)
{
    int64_t l = 2 * b->longest + 1, at = 0;
    *s = (states){ ag_full(AG_I64, (double)o->blank, b->n, l),
                   ag_zeros(AG_BOOL, b->n, l),
                   ag_full(dtype, -INFINITY, b->n, l),
                   ag_zeros(AG_I64, b->n, 1),
                   ag_zeros(AG_I64, b->n, 1),
                   ag_zeros(AG_I64, b->n, 1),
                   ag_zeros(AG_BOOL, b->n, 1) };
    if (ag_error()) return false;
    for (int64_t i = 0; i < b->n; i++) {
        int64_t n = whole(b->target_lengths, i), *class = (int64_t *)s->class->data + i * l;
        uint8_t *skip = (uint8_t *)s->skip->data + i * l;
        if (!b->joined) at = i * b->target->layout->dims[1];
        for (int64_t k = 0; k < n; k++) class[2 * k + 1] = whole(b->target, at++);
        for (int64_t k = 1; k < n; k++) skip[2 * k + 1] = class[2 * k + 1] != class[2 * k - 1];
        ag__number_put(dtype, s->begin->data, i * l, 0);
        ((int64_t *)s->length->data)[i] = whole(b->lengths, i);
        ((int64_t *)s->last->data)[i] = 2 * n;
        ((int64_t *)s->before->data)[i] = n ? 2 * n - 1 : 0;
        ((uint8_t *)s->none->data)[i] = n == 0;
    }
    return true;
}
/* alpha[.., i - by] */
static ag_tensor *moved(ag_tensor *alpha, int64_t by)
{
    return ag_pad(alpha, AG_SIZES(by, -by), .value = -INFINITY);
}

static ag_tensor *ctc_loss_compose(const ag_call *c)
{
    const ag_loss_options *o = c->attr;
    states s;
    batch b = batch_of(c);
    ag_tensor *x = c->in[X], *never = ag_num(-INFINITY);
    if (!states_of(&b, o, x->layout->dtype, &s)) return NULL;
    ag_tensor *classes = ag_expand(s.class, b.steps, b.n, 2 * b.longest + 1);
    ag_tensor *of_states = ag_gather(ag_reshape(x, b.steps, b.n, b.classes), 2, classes), *alpha = s.begin;
    for (int64_t t = 0; t < b.steps && alpha; t++) {
        ag_tensor *next = ag_logaddexp(alpha, moved(alpha, 1));
        if (b.longest > 1) next = ag_logaddexp(next, ag_where(s.skip, moved(alpha, 2), never));
        next = ag_add(next, ag_select(of_states, 0, t));
        alpha = ag_where(ag_gt(s.length, (double)t), next, alpha);
    }
    ag_tensor *last = ag_gather(alpha, 1, s.last), *before = ag_where(s.none, never, ag_gather(alpha, 1, s.before));
    ag_tensor *each = ag_reshape(ag_neg(ag_logaddexp(last, before)), b.n);
    if (o->zero_infinity) each = ag_where(ag_isinf(each), ag_num(0), each);
    if (o->reduction == AG_MEAN)
        each = ag_div(each,
                      ag_to(ag_reshape(ag_clamp(ag_to(b.target_lengths, AG_F64), 1, INFINITY), b.n), x->layout->dtype));
    return ag__loss_reduced(c, x->layout->rank == 3 || o->reduction != AG_NONE ? each : ag_reshape(each));
}
AG__LOSS_ROW(ctc_loss, N_INPUTS)

ag_tensor *(ag_ctc_loss)(ag_tensor *log_probabilities, ag_tensor *target, ag_tensor *lengths, ag_tensor *target_lengths,
                         const ag_loss_options *options)
{
    ag_loss_options o;
    if (!ag__loss_options(&o, options, AG__CTC, "ag_ctc_loss")) return NULL;
    return ag__apply(&ag__op_ctc_loss, &o, log_probabilities, target, lengths, target_lengths);
}
