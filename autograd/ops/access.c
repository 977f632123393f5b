/* access.c - reading and writing elements from C. Nothing here is recorded; every write bumps the storage's version. */
#include <autograd/ops/apply.h>
#include <autograd/tensor/dtype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- one element ------------------------------------------------------------------------------------------------ */

double ag_item(const ag_tensor *x)
{
    if (!ag__readable(x, "ag_item", 1)) return NAN;
    if (x->layout->numel == 1) return ag__get(x->layout, x->data, 0);
    ag_fail(AG_ESHAPE, "ag_item: %s does not hold one element", ag__text(x->layout));
    return NAN;
}

double(ag_at)(const ag_tensor *x, int n, const int64_t *index)
{
    if (!ag__readable(x, "ag_at", 1)) return NAN;
    const ag__layout *l = x->layout;
    if (n != l->rank) return ag_fail(AG_ESHAPE, "ag_at: %d indices for %s", n, ag__text(l)), NAN;
    if (n && !index) return ag_fail(AG_ENULL, "ag_at: the indices are NULL"), NAN;
    int64_t offset = 0;
    for (int i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= l->dims[i]) {
            ag_fail(AG_EINVAL, "ag_at: index %" PRId64 " is outside axis %d of %s", index[i], i, ag__text(l));
            return NAN;
        }
        offset += index[i] * l->strides[i];
    }
    return ag__get(l, x->data, offset);
}

/* ---- all elements: pointers ------------------------------------------------------------------------------------- */

/* May x be read through a pointer to elements of `dtype`? */
static bool direct(const ag_tensor *x, ag_dtype dtype, const char *who)
{
    if (!ag__readable(x, who, 1)) return false;
    ag_dtype own = x->layout->dtype == AG_BOOL ? AG_U8 : x->layout->dtype;
    if (own != dtype) {
        ag_fail(AG_EDTYPE, "%s: %s %s is not %s", who, ag_dtype_name(x->layout->dtype), ag__text(x->layout),
                ag_dtype_name(dtype));
        return false;
    }
    if (x->layout->contiguous) return true;
    ag_fail(AG_EINVAL, "%s: %s is not contiguous; ag_contiguous makes a copy", who, ag__text(x->layout));
    return false;
}

static bool writable(const ag_tensor *x, const char *who)
{
    if (!ag__readable(x, who, 1)) return false;
    if (x->base->flags & AG__BORROWED) {
        ag_fail(AG_EINVAL, "%s: %s wraps memory that is not to be written; ag_copy copies it", who,
                ag__text(x->layout));
        return false;
    }
    for (int i = 0; i < x->layout->rank && !x->layout->dense; i++)
        if (x->layout->strides[i] == 0 && x->layout->dims[i] > 1) {
            ag_fail(AG_EINVAL, "%s: axis %d of %s is expanded, its elements are one; ag_clone separates them", who, i,
                    ag__text(x->layout));
            return false;
        }
    return true;
}

#define POINTERS(name, T, dtype)                                      \
    const T *ag_##name(const ag_tensor *x)                            \
    {                                                                 \
        return direct(x, dtype, "ag_" #name) ? x->data : NULL;        \
    }                                                                 \
    T *ag_##name##_write(ag_tensor *x)                                \
    {                                                                 \
        const char *who = "ag_" #name "_write";                       \
        if (!direct(x, dtype, who) || !writable(x, who)) return NULL; \
        x->base->version++;                                           \
        return x->data;                                               \
    }
POINTERS(f32, float, AG_F32)
POINTERS(f64, double, AG_F64)
POINTERS(i64, int64_t, AG_I64)
POINTERS(i32, int32_t, AG_I32)
POINTERS(u8, uint8_t, AG_U8)

/* ---- all elements: copies --------------------------------------------------------------------------------------- */

/* Describes n C elements in the shape of x, which are `what`; false with the error remembered. */
static bool outside(ag__layout *l, ag_dtype dtype, const ag_tensor *x, const void *data, int64_t n, const char *who,
                    const char *what)
{
    if (n != x->layout->numel) {
        ag_fail(AG_ESHAPE, "%s: %" PRId64 " elements %s %s", who, n, what, ag__text(x->layout));
        return false;
    }
    if (!data && n) {
        ag_fail(AG_ENULL, "%s: the data of %" PRId64 " elements is NULL", who, n);
        return false;
    }
    return ag__layout_set(l, dtype, x->layout->rank, x->layout->dims, NULL, who);
}

ag_status ag_read_as(ag_dtype dtype, const ag_tensor *x, void *out, int64_t n)
{
    ag__layout l;
    if (ag__readable(x, "ag_read", 1) && outside(&l, dtype, x, out, n, "ag_read", "asked of"))
        ag__copy_into(&l, out, x->layout, x->data, false);
    return ag_error();
}

ag_status ag_write_as(ag_dtype dtype, ag_tensor *x, const void *data, int64_t n)
{
    ag__layout l;
    if (writable(x, "ag_write") && outside(&l, dtype, x, data, n, "ag_write", "given for")) {
        x->base->version++;
        ag__copy_into(x->layout, x->data, &l, data, false);
    }
    return ag_error();
}

ag_tensor *ag_fill(ag_tensor *x, double value)
{
    if (!writable(x, "ag_fill")) return NULL;
    if (!ag__dtype_holds(x->layout->dtype, value)) {
        ag_fail(AG_EINVAL, "ag_fill: %s cannot hold %.17g", ag_dtype_name(x->layout->dtype), value);
        return NULL;
    }
    x->base->version++;
    ag__fill(x->layout, x->data, value);
    return x;
}

/* ---- assignment ------------------------------------------------------------------------------------------------- */

/* The bytes from *low to *high that a tensor's elements lie in. numel is not 0. */
static void extent(const ag_tensor *x, uintptr_t *low, uintptr_t *high)
{
    const ag__layout *l = x->layout;
    int64_t first = 0, last = 0;
    for (int i = 0; i < l->rank; i++) {
        int64_t reach = (l->dims[i] - 1) * l->strides[i];
        *(reach < 0 ? &first : &last) += reach;
    }
    *low = (uintptr_t)x->data + (uintptr_t)(first * (int64_t)l->item);
    *high = (uintptr_t)x->data + (uintptr_t)((last + 1) * (int64_t)l->item);
}

static bool overlap(const ag_tensor *a, const ag_tensor *b)
{
    if (!a->layout->numel || !b->layout->numel) return false;
    uintptr_t a_low, a_high, b_low, b_high;
    extent(a, &a_low, &a_high);
    extent(b, &b_low, &b_high);
    return a_low < b_high && b_low < a_high;
}

/* Copies from a value in the same memory by way of a row-major copy. */
static void assign_apart(ag_tensor *to, const ag_tensor *value)
{
    ag__layout l;
    const ag__layout *from = value->layout;
    if (!ag__layout_set(&l, from->dtype, from->rank, from->dims, NULL, "ag_assign")) return;
    size_t bytes = (size_t)l.numel * l.item;
    void *copy = ag__alloc(NULL, bytes, "ag_assign");
    if (!copy) return;
    ag__copy_into(&l, copy, from, value->data, false);
    ag__copy_into(to->layout, to->data, &l, copy, false);
    to->base->version++;
    ag__release(NULL, copy, bytes);
}

ag_status ag_assign(ag_tensor *to, ag_tensor *value)
{
    if (!writable(to, "ag_assign") || !ag__readable(value, "ag_assign", 2)) return ag_error();
    const ag__layout *l = to->layout;
    int rank = l->rank;
    int64_t dims[AG_MAX_RANK];
    memcpy(dims, l->dims, sizeof dims);
    if (!ag__broadcast(&rank, dims, value->layout) || rank != l->rank ||
        memcmp(dims, l->dims, (size_t)rank * sizeof *dims)) {
        ag_fail(AG_ESHAPE, "ag_assign: %s does not broadcast to %s", ag__text(value->layout), ag__text(l));
        return ag_error();
    }
    if (overlap(to, value)) {
        assign_apart(to, value);
        return ag_error();
    }
    to->base->version++;
    ag__copy_into(l, to->data, value->layout, value->data, false);
    return ag_error();
}
