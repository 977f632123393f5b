/* parity_args.c - what an operator was given, by place or by name, with PyTorch's defaults. */
#include "parity.h"
#include <string.h>

/* Arguments that change how PyTorch works, never what comes out. */
static const char *const no_effect[] = { "inplace", "out", "memory_format", "sparse_grad", "_stacklevel", "implicit" };

static bool listed(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(name, list[i])) return true;
    return false;
}

/* The argument, or NULL if it is absent or None. */
static const json_t *find(args *a, int i, const char *name)
{
    if (i >= (int)a->positions) a->positions = (size_t)i + 1;
    if (a->n_name < PARITY_TENSORS && !listed(name, a->name, (size_t)a->n_name)) a->name[a->n_name++] = name;
    const json_t *v = i >= 0 ? json_array_get(a->args, (size_t)i) : NULL;
    if (!v) v = json_object_get(a->kwargs, name);
    return json_is_null(v) ? NULL : v;
}

void arg_check_all_used(args *a)
{
    const char *key;
    json_t *value;
    if (json_array_size(a->args) > a->positions)
        ag_fail(AG_EMISSING, "%s: argument %zu is not understood", a->op, a->positions);
    json_object_foreach((json_t *)(uintptr_t)a->kwargs, key, value)
    {
        if (!listed(key, a->name, (size_t)a->n_name) && !listed(key, no_effect, sizeof no_effect / sizeof *no_effect))
            ag_fail(AG_EMISSING, "%s: argument %s is not understood", a->op, key);
    }
}

static void wrong(args *a, const char *name, const char *kind)
{
    ag_fail(AG_EINVAL, "%s: argument %s is absent or no %s", a->op, name, kind);
}

bool arg_given(args *a, int i, const char *name)
{
    return find(a, i, name) != NULL;
}
bool arg_is_tensor(args *a, int i, const char *name)
{
    return parity_is_tensor(find(a, i, name));
}

/* ---- tensors ---------------------------------------------------------------------------------------------- */
static ag_tensor *made(args *a, const json_t *v)
{
    for (int i = 0; i < a->n_made; i++)
        if (a->made[i].json == v) return a->made[i].tensor;
    return NULL;
}

ag_tensor *arg_optional(args *a, int i, const char *name)
{
    const json_t *v = find(a, i, name);
    ag_tensor *x = made(a, v);
    if (v && !x) wrong(a, name, "tensor");
    return x;
}

ag_tensor *arg_tensor(args *a, int i, const char *name)
{
    ag_tensor *x = arg_optional(a, i, name);
    if (!x) wrong(a, name, "tensor");
    return x;
}

ag_tensor *arg_operand(args *a, int i, const char *name)
{
    return arg_is_tensor(a, i, name) ? arg_tensor(a, i, name) : ag_num(arg_number(a, i, name, 0));
}

ag_list arg_tensors(args *a, int i, const char *name)
{
    const json_t *v = find(a, i, name);
    size_t n = json_array_size(v);
    if (!json_is_array(v) || n > PARITY_TENSORS) return wrong(a, name, "list of tensors"), (ag_list){ a->list, 0 };
    for (size_t k = 0; k < n; k++)
        if (!(a->list[k] = made(a, json_array_get(v, k)))) wrong(a, name, "list of tensors");
    return (ag_list){ a->list, (int64_t)n };
}

/* ---- numbers, flags, names -------------------------------------------------------------------------------- */
double arg_number(args *a, int i, const char *name, double otherwise)
{
    const json_t *v = find(a, i, name);
    if (v && !parity_number(v, &otherwise)) wrong(a, name, "number");
    return otherwise;
}

int64_t arg_integer(args *a, int i, const char *name, int64_t otherwise)
{
    const json_t *v = find(a, i, name);
    if (!v) return otherwise;
    if (!json_is_integer(v)) wrong(a, name, "integer");
    return json_integer_value(v);
}

bool arg_flag(args *a, int i, const char *name, bool otherwise)
{
    const json_t *v = find(a, i, name);
    if (!v) return otherwise;
    if (!json_is_boolean(v) && !json_is_integer(v)) wrong(a, name, "flag");
    return json_is_true(v) || json_integer_value(v);
}

const char *arg_text(args *a, int i, const char *name, const char *otherwise)
{
    const json_t *v = find(a, i, name);
    if (!v) return otherwise;
    if (!json_is_string(v)) wrong(a, name, "text");
    return json_is_string(v) ? json_string_value(v) : otherwise;
}

/* ---- lists of integers ------------------------------------------------------------------------------------ */
/* From a list; else from the integers among the arguments at places i, i + 1, ... up to `most` of them. */
int arg_sizes(args *a, int i, const char *name, int64_t sizes[AG_MAX_RANK])
{
    const json_t *v = find(a, i, name), *list = json_is_array(v) ? v : NULL;
    size_t n = list                                             ? json_array_size(list)
               : !v                                             ? 0
               : i < 0 || json_array_size(a->args) <= (size_t)i ? 1
                                                                : json_array_size(a->args) - (size_t)i;
    if (n > AG_MAX_RANK) return wrong(a, name, "list of at most 8 integers"), 0;
    for (size_t k = 0; k < n; k++) {
        const json_t *item = list ? json_array_get(list, k) : k ? find(a, i + (int)k, name) : v;
        if (!json_is_integer(item)) wrong(a, name, "list of integers");
        sizes[k] = json_integer_value(item);
    }
    return (int)n;
}

int arg_axes(args *a, int i, const char *name, int axes[AG_MAX_RANK])
{
    const json_t *v = find(a, i, name);
    size_t n = json_is_array(v) ? json_array_size(v) : v != NULL;
    if (n > AG_MAX_RANK) return wrong(a, name, "list of at most 8 axes"), 0;
    for (size_t k = 0; k < n; k++) {
        const json_t *item = json_is_array(v) ? json_array_get(v, k) : v;
        if (!json_is_integer(item)) wrong(a, name, "list of axes");
        axes[k] = (int)json_integer_value(item);
    }
    return (int)n;
}

/* ---- dtype, outputs --------------------------------------------------------------------------------------- */
ag_tensor *arg_cast(args *a, int i, const char *name, ag_tensor *x)
{
    const char *name_of_dtype = arg_text(a, i, name, NULL);
    ag_dtype dtype;
    if (!name_of_dtype) return x;
    return parity_dtype(name_of_dtype, &dtype) ? ag_to(x, dtype) : NULL;
}

void arg_output(args *a, ag_tensor *y)
{
    if (a->n_out == PARITY_TENSORS)
        ag_fail(AG_EINVAL, "%s: more than %d outputs", a->op, PARITY_TENSORS);
    else
        a->out[a->n_out++] = y;
}

/* ---- what many operators have ---- */

/* x with at least one axis, and a result of it back in the rank of x. */
ag_tensor *arg_with_axis(ag_tensor *x)
{
    return x && ag_rank(x) == 0 ? ag_reshape(x, 1) : x;
}
ag_tensor *arg_without_axis(ag_tensor *y, ag_tensor *x)
{
    return x && ag_rank(x) == 0 ? ag_reshape(y) : y;
}

ag_tensor *arg_input(args *a)
{
    return arg_tensor(a, 0, "input");
}
int arg_axis(args *a, int i, int otherwise)
{
    return (int)arg_integer(a, i, "dim", otherwise);
}

ag_reduction arg_reduction(args *a, int size_average, int reduce, int i)
{
    const char *name = arg_text(a, i, "reduction", "mean");
    if (arg_given(a, size_average, "size_average") || arg_given(a, reduce, "reduce"))
        name = !arg_flag(a, reduce, "reduce", true)               ? "none"
               : !arg_flag(a, size_average, "size_average", true) ? "sum"
                                                                  : "mean";
    if (!strcmp(name, "sum")) return AG_SUM;
    if (!strcmp(name, "none")) return AG_NONE;
    if (!strcmp(name, "batchmean")) return AG_BATCHMEAN;
    if (strcmp(name, "mean")) ag_fail(AG_EMISSING, "%s: reduction %s is not known", a->op, name);
    return AG_MEAN;
}
