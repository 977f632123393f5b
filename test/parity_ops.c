/* parity_ops.c - the operators, table by table, and how one is applied. */
#include "parity.h"
#include <string.h>

static const parity_table *const tables[] = { &parity_basics,  &parity_networks, &parity_reduce, &parity_linalg,
                                              &parity_special, &parity_conv,     &parity_losses, &parity_norms };
enum { TABLES = sizeof tables / sizeof *tables };

const parity_op *parity_op_find(const char *name)
{
    for (size_t i = 0; i < TABLES; i++)
        for (size_t k = 0; k < tables[i]->n; k++)
            if (!strcmp(name, tables[i]->rows[k].name)) return &tables[i]->rows[k];
    return NULL;
}

const parity_op *parity_op_at(size_t number)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (number < tables[i]->n) return &tables[i]->rows[number];
        number -= tables[i]->n;
    }
    return NULL;
}

static ag_tensor *reduce(args *a, const parity_op *op)
{
    int axes[AG_MAX_RANK], n = arg_axes(a, 1, "dim", axes);
    bool kept = arg_flag(a, 2, "keepdim", false);
    ag_tensor *x = arg_cast(a, 3, "dtype", arg_input(a));
    return x && ag_rank(x) == 0 ? op->reduce(x, 0, NULL) : (kept ? op->reduce_keep : op->reduce)(x, n, axes);
}

void parity_op_apply(const parity_op *op, args *a)
{
    a->n_out = 1; /* out[0] is what the function returns; it may add more */
    if (op->unary)
        a->out[0] = op->unary(arg_input(a));
    else if (op->binary)
        a->out[0] = op->binary(arg_operand(a, 0, "input"), arg_operand(a, 1, op->other ? op->other : "other"));
    else if (op->reduce)
        a->out[0] = reduce(a, op);
    else
        a->out[0] = op->call(a);
    arg_check_all_used(a);
}
