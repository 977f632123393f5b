/* plain.c - see plain.h. */
#include "plain.h"
#include <stdlib.h>

int64_t plain_choice(int64_t below)
{
    static uint64_t s = 88172645463325252; /* xorshift (Marsaglia 2003) */
    s ^= s << 13, s ^= s >> 7, s ^= s << 17;
    return (int64_t)((s >> 33) % (uint64_t)below);
}

ag_tensor *plain_random(ag_dtype dtype, int rank, const int64_t *dims)
{
    enum { EXPANDED, GAPS, REVERSED, N_KINDS };
    int axis[N_KINDS];
    int64_t made[AG_MAX_RANK], order[AG_MAX_RANK];
    for (int k = 0; k < N_KINDS; k++) axis[k] = rank && plain_choice(4) == 0 ? (int)plain_choice(rank) : -1;
    for (int i = 0; i < rank; i++) order[i] = i;
    for (int i = rank - 1; i > 0; i--) {
        int j = (int)plain_choice(i + 1);
        int64_t swapped = order[i];
        order[i] = order[j], order[j] = swapped;
    }
    for (int i = 0; i < rank; i++) {
        int64_t size = dims[i];
        if (i == axis[GAPS]) size = 2 * size + 1;
        made[order[i]] = i == axis[EXPANDED] ? 1 : size;
    }
    ag_tensor *x = (ag_permute)((ag_randn)(dtype, rank, made), rank, order);
    if (axis[GAPS] >= 0 && axis[GAPS] != axis[EXPANDED])
        x = ag_slice_step(x, axis[GAPS], 1, 2 * dims[axis[GAPS]] + 1, 2);
    if (axis[REVERSED] >= 0) x = (ag_flip)(x, 1, &axis[REVERSED]);
    return (ag_expand)(x, rank, dims);
}

double plain_distance_to(ag_tensor *a, const double *b, int64_t n)
{
    double *v = malloc((size_t)(n + 1) * sizeof *v), worst = 0, size = 1;
    if (!a || !v || ag_read(a, v, n)) {
        free(v);
        return INFINITY;
    }
    for (int64_t i = 0; i < n; i++)
        if (isfinite(b[i])) size = fmax(size, fabs(b[i]));
    for (int64_t i = 0; i < n; i++) {
        if (v[i] == b[i] || (v[i] != v[i] && b[i] != b[i])) continue;
        double d = fabs(v[i] - b[i]) / size;
        worst = d <= worst ? worst : d != d ? INFINITY : d;
    }
    free(v);
    return worst;
}

double plain_distance(ag_tensor *a, ag_tensor *b)
{
    if (!a || !b || ag_rank(a) != ag_rank(b)) return INFINITY;
    for (int i = 0; i < ag_rank(a); i++)
        if (ag_size(a, i) != ag_size(b, i)) return INFINITY;
    int64_t n = ag_numel(b);
    double *v = malloc((size_t)(n + 1) * sizeof *v), d = INFINITY;
    if (v && !ag_read(b, v, n)) d = plain_distance_to(a, v, n);
    free(v);
    return d;
}
