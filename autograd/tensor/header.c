/* header.c - leaves and their owners, checking handles, and looking at a tensor. */
#include <autograd/kernels/kernels.h>
#include <autograd/tensor/header.h>
#include <string.h>

/* ---- handles ---------------------------------------------------------------------------------------------------- */

bool ag__usable(const ag_tensor *x, uint32_t serial, const char *who, int i)
{
    if (!x) {
        if (!ag_error()) ag_fail(AG_ENULL, "%s: operand %d is NULL", who, i);
        return false;
    }
    if (ag__likely((x->serial == serial || x->serial == AG__LEAF_SERIAL) && x->serial != AG__STALE)) return true;
    if (x->serial == AG__STALE)
        ag_fail(AG_ESTALE, "%s: operand %d was released by a reset of its tape", who, i);
    else
        ag_fail(AG_ETAPE, "%s: operand %d belongs to another tape than the current one", who, i);
    return false;
}

static bool is_leaf(const ag_tensor *x, const char *who)
{
    if (!ag__readable(x, who, 1)) return false;
    if (x->flags & AG__LEAF) return true;
    ag_fail(AG_EINVAL, "%s: the temporary %s belongs to its tape", who, ag__text(x->layout));
    return false;
}

/* ---- leaves ----------------------------------------------------------------------------------------------------- */

ag_tensor *ag__leaf_new(const ag__layout *l, bool param)
{
    const size_t header = (sizeof(struct ag__leaf) + 63) & ~(size_t)63;
    size_t bytes, data = (size_t)l->numel * l->item; /* fits: the layout was checked */
    if (!ag__size_add(header, data, &bytes)) bytes = SIZE_MAX;
    struct ag__leaf *leaf = ag__alloc(NULL, bytes, "leaf tensor");
    if (!leaf) return NULL;
    ag__kernels_choose();
    memset(leaf, 0, bytes);
    leaf->bytes = bytes;
    leaf->layout = *l;
    leaf->layout.dense_form = &leaf->layout;
    leaf->layout.chain = NULL;
    atomic_init(&leaf->owners, 1);

    ag_tensor *x = &leaf->x;
    x->data = (char *)leaf + header;
    x->layout = l->rank ? &leaf->layout : &ag__layout_0d[ag__dtype_index(l->dtype)];
    x->in = x->few;
    x->base = x;
    x->serial = AG__LEAF_SERIAL;
    x->klass = x->adj_klass = AG__NO_CLASS;
    x->flags = param ? AG__LEAF | AG__GRAD : AG__LEAF;
    return x;
}

ag_tensor *ag_retain(ag_tensor *x)
{
    if (!is_leaf(x, "ag_retain")) return NULL;
    atomic_fetch_add_explicit(&ag__leaf_of(x)->owners, 1, memory_order_relaxed);
    return x;
}

/* The last to go frees the leaf, and then its gradient, a leaf that it owns. */
static void give_up(ag_tensor *x, uint64_t owner)
{
    while (x) {
        struct ag__leaf *leaf = ag__leaf_of(x);
        if (atomic_fetch_sub_explicit(&leaf->owners, owner, memory_order_acq_rel) != owner) return;
        ag_tensor *gradient = x->adj;
        ag__release(NULL, leaf, leaf->bytes);
        x = gradient, owner = AG__TAPE_OWNER;
    }
}

void ag_free(ag_tensor *x)
{
    if (!x || !is_leaf(x, "ag_free")) return;
    if (ag__leaf_owned(x))
        give_up(x, 1);
    else
        ag_fail(AG_ESTALE, "ag_free: %s is not yours: it was freed before, or is a leaf's gradient",
                ag__text(x->layout));
}

void ag__leaf_hold(ag_tensor *leaf)
{
    atomic_fetch_add_explicit(&ag__leaf_of(leaf)->owners, AG__TAPE_OWNER, memory_order_relaxed);
}

void ag__leaf_drop(ag_tensor *leaf)
{
    give_up(leaf, AG__TAPE_OWNER);
}

ag_tensor *ag_grad_of(const ag_tensor *x)
{
    if (!ag__readable(x, "ag_grad_of", 1)) return NULL;
    if (x->flags & AG__LEAF) return ((const struct ag__leaf *)(const void *)x)->has_grad ? x->adj : NULL;
    if (!x->op && (x->flags & AG__GRAD)) return x->mark ? x->attr : NULL; /* a variable: diff/backward.c */
    ag_fail(AG_EINVAL, "ag_grad_of: %s is a temporary, gradients are collected in leaves; ask ag_grad for it",
            ag__text(x->layout));
    return NULL;
}

bool ag_requires_grad(const ag_tensor *x)
{
    return ag__readable(x, "ag_requires_grad", 1) && (x->flags & AG__GRAD);
}

ag_tensor *ag_freeze(ag_tensor *x, bool frozen)
{
    if (!is_leaf(x, "ag_freeze")) return NULL;
    struct ag__leaf *leaf = ag__leaf_of(x);
    if (frozen && (x->flags & AG__GRAD)) {
        leaf->frozen = 1;
        x->flags &= (uint16_t)~AG__GRAD;
    } else if (!frozen && leaf->frozen) {
        leaf->frozen = 0;
        x->flags |= AG__GRAD;
    }
    return x;
}

/* ---- looking ---------------------------------------------------------------------------------------------------- */

/* axis in [0, rank), or -1 with the error remembered. */
static int axis_of(const ag_tensor *x, int axis, const char *who)
{
    if (!ag__readable(x, who, 1)) return -1;
    int rank = x->layout->rank, at = axis < 0 ? axis + rank : axis;
    if (at >= 0 && at < rank) return at;
    ag_fail(AG_EINVAL, "%s: axis %d of %s", who, axis, ag__text(x->layout));
    return -1;
}

int ag_rank(const ag_tensor *x)
{
    return ag__readable(x, "ag_rank", 1) ? x->layout->rank : 0;
}

int64_t ag_size(const ag_tensor *x, int axis)
{
    int at = axis_of(x, axis, "ag_size");
    return at < 0 ? 0 : x->layout->dims[at];
}

int64_t ag_numel(const ag_tensor *x)
{
    return ag__readable(x, "ag_numel", 1) ? x->layout->numel : 0;
}

int64_t ag_stride(const ag_tensor *x, int axis)
{
    int at = axis_of(x, axis, "ag_stride");
    return at < 0 ? 0 : x->layout->strides[at];
}

bool ag_is_contiguous(const ag_tensor *x)
{
    return ag__readable(x, "ag_is_contiguous", 1) && x->layout->contiguous;
}

ag_dtype ag_dtype_of(const ag_tensor *x)
{
    return ag__readable(x, "ag_dtype_of", 1) ? x->layout->dtype : AG_F32;
}

bool ag_is_mine(const ag_tensor *x)
{
    return ag__readable(x, "ag_is_mine", 1) && (x->flags & AG__LEAF);
}

uint32_t ag_version_of(const ag_tensor *x)
{
    return ag__readable(x, "ag_version_of", 1) ? x->base->version : 0;
}
