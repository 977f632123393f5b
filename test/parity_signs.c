/* parity_signs.c - the vectors of a decomposition, given the signs that the case has. */
#include "parity.h"
#include <string.h>

enum { COLUMNS = -1, ROWS = -2, NO_MORE = -1 };
static const struct vectors {
    const char *op;
    int first, axis;         /* the output that tells the signs, and the axis along which its vectors are counted */
    int second, second_axis; /* one that has the same signs */
} decompositions[] = {
    { "linalg.eigh", 1, COLUMNS, NO_MORE, 0 },
    { "linalg.qr", 0, COLUMNS, 1, ROWS },
    { "linalg.svd", 0, COLUMNS, 2, ROWS },
};

static const struct vectors *vectors_of(const args *a)
{
    for (size_t i = 0; i < sizeof decompositions / sizeof *decompositions; i++)
        if (!strcmp(a->op, decompositions[i].op)) return &decompositions[i];
    return NULL;
}
/* Output i as the case has it, if of ours' shape and matrices; else the comparison will say so. */
static ag_tensor *theirs_like(const args *a, int i)
{
    const json_t *out = json_object_get(a->line, "out");
    ag_tensor *ours = a->out[i], *theirs = parity_tensor(json_array_get(out, (size_t)i));
    bool same = theirs && ours && ag_rank(ours) >= 2 && ag_rank(theirs) == ag_rank(ours);
    for (int k = 0; same && k < ag_rank(ours); k++) same = ag_size(ours, k) == ag_size(theirs, k);
    return same ? theirs : NULL;
}

void parity_signs_fit(args *a)
{
    const struct vectors *v = ag_error() ? NULL : vectors_of(a);
    if (!v || a->n_out != (int)json_array_size(json_object_get(a->line, "out"))) return;
    ag_tensor *theirs = theirs_like(a, v->first), *second = v->second < 0 ? theirs : theirs_like(a, v->second);
    if (!theirs || !second) return;
    ag_tensor *x = a->out[v->first];
    int64_t n = ag_size(x, v->axis), other = v->second < 0 ? n : ag_size(a->out[v->second], v->second_axis);
    if (!strcmp(v->op, "linalg.qr")) other = ag_size(a->out[1], COLUMNS);
    if (other < n) n = other;
    a->unique[v->first].axis = v->axis, a->unique[v->first].n = n;
    a->out[v->first] = x = parity_unique(a, v->first, x);
    ag_tensor *along = ag_sum_keep(ag_mul(ag_detach(x), parity_unique(a, v->first, theirs)), ROWS);
    ag_tensor *sign = ag_sub(ag_mul(2.0, ag_to(ag_ge(along, 0.0), AG_F64)), 1.0);
    a->out[v->first] = ag_mul(x, sign);
    if (v->second < 0) return;
    a->unique[v->second].axis = v->second_axis, a->unique[v->second].n = n;
    a->out[v->second] = ag_mul(parity_unique(a, v->second, a->out[v->second]), ag_transpose(sign, -1, -2));
}

ag_tensor *parity_unique(const args *a, int i, ag_tensor *theirs)
{
    int axis = a->unique[i].axis;
    return axis && theirs ? ag_slice(theirs, axis, 0, a->unique[i].n) : theirs;
}
