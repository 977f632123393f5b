/* kernels_layouts.c - what shapes and strides cost: operations on narrow, transposed, strided and repeated operands, in
 * time for an element, beside themselves on a row-major [1000,1000] along its last axis. One thread. */
#include "bench.h"
#include <autograd/autograd.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLES = 4, SLOW = 3 /* times as slow as the reference: a cliff */ };

/* ---- operations -------------------------------------------------------------------------------------------------- */

typedef struct operands {
    ag_tensor *x, *y;         /* laid out in some way; row-major, of the same sizes */
    ag_tensor *yes, *index;   /* as y: bool; i64 below 2 */
    ag_tensor *places;        /* all of the axis, i64 [n] */
    ag_tensor *leaf, *result; /* x before it was repeated; mul's result, for the way back */
    int axis;
} operands;

#define OP(name, value)                               \
    static ag_tensor *name##_op(const operands *o)    \
    {                                                 \
        ag_tensor *x = o->x, *y = o->y;               \
        const int axis = o->axis;                     \
        return (void)x, (void)y, (void)axis, (value); \
    }
OP(add, ag_add(y, x))
OP(mul_back, ag_vjp(o->result, o->leaf, y))
OP(square, ag_square(x))
OP(exp, ag_exp(x))
OP(greater, ag_gt(x, y))
OP(where, ag_where(o->yes, x, y))
OP(clamp, ag_clamp(x, 0.2, 0.8))
OP(copy, ag_flip(ag_contiguous(ag_flip(x, -1)), -1))
OP(to_i32, ag_to(x, AG_I32))
OP(pad, ag_pad(x, AG_SIZES(1, 1)))
OP(layer_norm, ag_layer_norm(x, 1))
OP(sum, ag_sum(x, axis))
OP(max, ag_max(x, axis))
OP(var, ag_var(x, .axes = AG_AXES(axis)))
OP(argmax, ag_argmax(x, axis))
OP(logsumexp, ag_logsumexp(x, axis))
OP(softmax, ag_softmax(x, axis))
OP(log_softmax, ag_log_softmax(x, axis))
OP(cumsum, ag_cumsum(x, axis))
OP(cat, ag_cat(AG_LIST(x, y), axis))
OP(take, ag_take(x, axis, o->places))
OP(gather, ag_gather(x, axis, o->index))

static const struct operation {
    const char *name;
    ag_tensor *(*f)(const operands *);
    bool axes; /* along each of them in turn */
} operations[] = {
    { "add", add_op, false },
    { "mul back", mul_back_op, false },
    { "square", square_op, false },
    { "exp", exp_op, false },
    { "gt", greater_op, false },
    { "where", where_op, false },
    { "clamp", clamp_op, false },
    { "copy", copy_op, false },
    { "to i32", to_i32_op, false },
    { "pad", pad_op, false },
    { "layer_norm", layer_norm_op, false },
    { "sum", sum_op, true },
    { "max", max_op, true },
    { "var", var_op, true },
    { "argmax", argmax_op, true },
    { "logsumexp", logsumexp_op, true },
    { "softmax", softmax_op, true },
    { "log_softmax", log_softmax_op, true },
    { "cumsum", cumsum_op, true },
    { "cat", cat_op, true },
    { "take", take_op, true },
    { "gather", gather_op, true },
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* ---- layouts ----------------------------------------------------------------------------------------------------- */

typedef struct shape {
    int rank;
    int64_t dims[4];
} shape;
static const shape reference = { 2, { 1000, 1000 } };
static const shape shapes[] = {
    { 2, { 1000, 1000 } }, { 2, { 1000000, 1 } }, { 2, { 1, 1000000 } },   { 2, { 300000, 3 } },
    { 2, { 3, 300000 } },  { 2, { 4096, 17 } },   { 3, { 200000, 2, 2 } }, { 4, { 64, 3, 32, 32 } },
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

enum { ROW_MAJOR, TURNED, STEP_2, REVERSED, REPEATED_FIRST, REPEATED_MIDDLE, REPEATED_LAST, CHANNELS_LAST, LAYOUTS };
static const char *const layouts[LAYOUTS] = { "row-major",  "transposed",  "step 2",    "reversed",
                                              "first rep.", "middle rep.", "last rep.", "chan. last" };

/* Numbers of that shape; *small, what they repeat. NULL: the layout is of other ranks. */
static ag_tensor *numbers(ag_dtype dtype, const shape *s, int layout, ag_tensor **small)
{
    const int last = s->rank - 1;
    const int64_t turned[] = { 0, 2, 3, 1 }, back[] = { 0, 3, 1, 2 };
    shape d = *s;
    ag_tensor *x = NULL;
    *small = NULL;
    switch (layout) {
    case TURNED:
        for (int i = 0; i <= last; i++) d.dims[i] = s->dims[last - i];
        x = (ag_rand)(dtype, d.rank, d.dims);
        for (int i = 0; i < last - i; i++) x = ag_transpose(x, i, last - i);
        break;
    case STEP_2:
        d.dims[last] *= 2;
        x = ag_slice_step((ag_rand)(dtype, d.rank, d.dims), last, 0, d.dims[last], 2);
        break;
    case REVERSED: x = ag_flip((ag_rand)(dtype, d.rank, d.dims), last); break;
    case REPEATED_FIRST:
    case REPEATED_MIDDLE:
    case REPEATED_LAST:
        if (layout == REPEATED_MIDDLE && last < 2) return NULL;
        d.dims[layout == REPEATED_FIRST ? 0 : layout == REPEATED_MIDDLE ? 1 : last] = 1;
        *small = (ag_rand)(dtype, d.rank, d.dims);
        x = (ag_expand)(*small, s->rank, s->dims);
        break;
    case CHANNELS_LAST:
        if (last != 3) return NULL;
        for (int i = 0; i <= last; i++) d.dims[i] = s->dims[turned[i]];
        x = (ag_permute)((ag_rand)(dtype, d.rank, d.dims), 4, back);
        break;
    default: x = (ag_rand)(dtype, d.rank, d.dims);
    }
    if (!*small) *small = x;
    return x;
}

static operands operands_of(ag_dtype dtype, const shape *s, int layout)
{
    operands o = { .y = NULL };
    ag_tensor *small;
    AG_NO_GRAD {
        if ((o.x = numbers(dtype, s, layout, &small))) {
            o.y = (ag_rand)(dtype, s->rank, s->dims);
            o.yes = ag_gt(o.y, 0.5);
            o.index = (ag_zeros)(AG_I64, s->rank, s->dims);
        }
    }
    if (o.x) o.leaf = ag_variable(small), o.result = ag_mul(o.leaf, o.y);
    return o;
}

/* ---- times ------------------------------------------------------------------------------------------------------- */

/* ns of an element: the least of a few. */
static double measure(ag_tape *tape, const struct operation *f, operands *o, int axis)
{
    double least = 0;
    AG_NO_GRAD {
        o->axis = axis, o->places = ag_arange(AG_I64, 0, (double)ag_size(o->x, axis), 1);
        for (int i = 0; i <= SAMPLES; i++) {
            ag_mark here = ag_tape_mark(tape);
            double start = bench_now();
            f->f(o);
            double t = bench_now() - start;
            ag_tape_rewind(tape, here);
            if (i == 1 || (i && t < least)) least = t; /* the first warms up */
        }
    }
    return least * 1e9 / (double)ag_numel(o->x);
}

/* Ratios of one operation over a shape, the layouts side by side. Adds to [0] how many there are, to [1] the cliffs. */
static void print_ratios(const struct operation *f, double base, const shape *s, int axis, const double *ns, int *n)
{
    char of[16] = "";
    if (f->axes) snprintf(of, sizeof of, " %d", axis);
    printf("%s%s [", f->name, of);
    int width = (int)(strlen(f->name) + strlen(of)) + 2;
    for (int i = 0; i < s->rank; i++) width += printf("%s%lld", i ? "," : "", (long long)s->dims[i]);
    printf("]%*s", 30 - width, "");
    for (int l = 0; l < LAYOUTS; l++) {
        if (ns[l] > 0)
            printf(" %10.2f%c", ns[l] / base, ns[l] > SLOW * base ? '*' : ' '), n[0]++, n[1] += ns[l] > SLOW * base;
        else
            printf(" %10s ", "-");
    }
    printf("\n");
}

static void bench_dtype(ag_tape *tape, ag_dtype dtype, const char *only)
{
    double base[OPERATIONS];
    int n[2] = { 0 };
    printf(
        "\n## layouts, %s: time of an element as a multiple of that in a row-major [1000,1000]; * is above %d\n%-31s",
        ag_dtype_name(dtype), SLOW, "");
    for (int l = 0; l < LAYOUTS; l++) printf(" %11s", layouts[l]);
    printf("\n");
    operands plain = operands_of(dtype, &reference, ROW_MAJOR);
    for (int i = 0; i < OPERATIONS; i++) {
        if (only && !strstr(operations[i].name, only)) continue;
        base[i] = measure(tape, &operations[i], &plain, 1);
        printf("# %s: %.3f ns\n", operations[i].name, base[i]);
    }
    for (int j = 0; j < SHAPES; j++) {
        ag_mark here = ag_tape_mark(tape);
        const shape *s = &shapes[j];
        operands o[LAYOUTS];
        for (int l = 0; l < LAYOUTS; l++) o[l] = operands_of(dtype, s, l);
        for (int i = 0; i < OPERATIONS; i++) {
            if (only && !strstr(operations[i].name, only)) continue;
            for (int axis = operations[i].axes ? 0 : s->rank - 1; axis < s->rank; axis++) {
                double ns[LAYOUTS] = { 0 };
                for (int l = 0; l < LAYOUTS; l++)
                    if (o[l].x) ns[l] = measure(tape, &operations[i], &o[l], axis);
                print_ratios(&operations[i], base[i], s, axis, ns, n);
            }
        }
        ag_tape_rewind(tape, here);
    }
    printf("# %s: %d of %d are cliffs\n", ag_dtype_name(dtype), n[1], n[0]);
}

void bench_layouts(const char *only)
{
    ag_tape *tape = ag_tape_new();
    bench_dtype(tape, AG_F32, only);
    bench_dtype(tape, AG_F64, only);
    if (ag_tape_reset(tape)) fprintf(stderr, "%s\n", ag_errmsg());
    ag_tape_free(tape);
}
