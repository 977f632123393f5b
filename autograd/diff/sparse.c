/* sparse.c - sparse Jacobians and Hessians: compressed sweeps, and where in them each entry is. */
#include <autograd/diff/sparsity.h>
#include <string.h>

typedef enum sweep { BY_COLUMNS, BY_ROWS, HESSIAN } sweep;

/* Entry k is read at scalar at[k] (of y or of x) in the direction color[k]. */
struct ag__plan {
    sweep way;
    size_t directed;    /* how many scalars have a direction: x, or by rows y */
    int32_t *direction; /* [directed] */
    int32_t *color;     /* [nnz] */
    int64_t *at;        /* [nnz] */
};

void ag_sparse_free(ag_sparse *s)
{
    if (!s) return;
    const size_t nnz = (size_t)s->nnz + 1;
    if (s->plan) {
        ag__release(NULL, s->plan->direction, (s->plan->directed + 1) * sizeof(int32_t));
        ag__release(NULL, s->plan->color, nnz * sizeof(int32_t));
        ag__release(NULL, s->plan->at, nnz * sizeof(int64_t));
        ag__release(NULL, s->plan, sizeof *s->plan);
    }
    ag__release(NULL, s->value, nnz * sizeof *s->value);
    ag__rows_free(&(ag__rows){ (size_t)s->rows, s->start, s->index });
    ag__release(NULL, s, sizeof *s);
}

/* Takes the rows over. */
static ag_sparse *new_sparse(ag__rows *r, size_t cols, sweep way)
{
    ag_sparse *s = ag__alloc(NULL, sizeof *s, "a sparse matrix");
    if (!s) return ag__rows_free(r), NULL;
    *s = (ag_sparse){
        .rows = (int64_t)r->n, .cols = (int64_t)cols, .nnz = r->start[r->n], .start = r->start, .index = r->index
    };
    const size_t nnz = (size_t)s->nnz + 1;
    s->value = ag__alloc(NULL, nnz * sizeof *s->value, "a sparse matrix");
    struct ag__plan *p = s->value ? ag__alloc(NULL, sizeof *p, "a sparse matrix") : NULL;
    if (!p) return ag_sparse_free(s), NULL;
    *p = (struct ag__plan){ .way = way, .directed = way == BY_ROWS ? r->n : cols };
    s->plan = p;
    p->direction = ag__alloc(NULL, (p->directed + 1) * sizeof *p->direction, "a sparse matrix");
    p->color = ag__alloc(NULL, nnz * sizeof *p->color, "a sparse matrix");
    p->at = ag__alloc(NULL, nnz * sizeof *p->at, "a sparse matrix");
    if (p->direction && p->color && p->at) return s;
    return ag_sparse_free(s), NULL;
}

/* ---- plans ---- */

static int64_t longest(const ag__rows *r)
{
    int64_t most = 0;
    for (size_t i = 0; i < r->n; i++)
        if (r->start[i + 1] - r->start[i] > most) most = r->start[i + 1] - r->start[i];
    return most;
}

/* The longest row is a bound for columns, the longest column for rows: the side with the lower bound goes first, the
 * other only if it could win. */
static bool plan_jacobian(ag_sparse *s, const ag__rows *columns)
{
    struct ag__plan *p = s->plan;
    const ag__rows rows = { (size_t)s->rows, s->start, s->index };
    const int64_t bound[2] = { longest(&rows), longest(columns) };
    const size_t wide = (size_t)(s->rows > s->cols ? s->rows : s->cols) + 1;
    int32_t *color = ag__alloc(NULL, wide * sizeof *color, "a coloring");
    if (!color) return false;
    bool ok = true, first = true;
    sweep way = bound[0] <= bound[1] ? BY_COLUMNS : BY_ROWS;
    for (int turn = 0; ok && turn < 2; turn++, way = way == BY_ROWS ? BY_COLUMNS : BY_ROWS) {
        if (!first && bound[way] >= s->colors) break;
        const int64_t colors =
            way == BY_COLUMNS ? ag__color_apart(columns, &rows, color) : ag__color_apart(&rows, columns, color);
        ok = colors >= 0;
        if (!ok || (!first && colors >= s->colors)) continue;
        const size_t directed = way == BY_ROWS ? rows.n : columns->n;
        int32_t *direction = ag__alloc(NULL, (directed + 1) * sizeof *direction, "a coloring");
        if (!(ok = direction != NULL)) continue;
        memcpy(direction, color, directed * sizeof *direction);
        ag__release(NULL, p->direction, (p->directed + 1) * sizeof *direction);
        p->direction = direction, p->directed = directed, p->way = way, s->colors = colors, first = false;
    }
    ag__release(NULL, color, wide * sizeof *color);
    for (size_t i = 0; ok && i < rows.n; i++)
        for (int64_t k = s->start[i]; k < s->start[i + 1]; k++) {
            p->at[k] = p->way == BY_COLUMNS ? (int64_t)i : s->index[k];
            p->color[k] = p->direction[p->way == BY_COLUMNS ? s->index[k] : (int64_t)i];
        }
    return ok;
}

/* Entry i, j is in row i of the product with j's direction unless another j' of that color is in the row; then j's row
 * has no other of i's color. */
static bool plan_hessian(ag_sparse *s)
{
    struct ag__plan *p = s->plan;
    const ag__rows rows = { (size_t)s->rows, s->start, s->index };
    s->colors = ag__color_stars(&rows, p->direction);
    if (s->colors < 0) return false;
    const size_t bytes = ((size_t)s->colors + 1) * sizeof(int64_t);
    int64_t *seen = ag__alloc(NULL, bytes, "a coloring"); /* 2 i: once in row i, 2 i + 1: more than once */
    if (!seen) return false;
    for (int64_t c = 0; c < s->colors; c++) seen[c] = -1;
    for (int64_t i = 0; i < s->rows; i++) {
        seen[p->direction[i]] = 2 * i;
        for (int64_t k = s->start[i]; k < s->start[i + 1]; k++) {
            const int32_t c = p->direction[s->index[k]];
            if (s->index[k] != i) seen[c] = seen[c] >= 2 * i ? 2 * i + 1 : 2 * i;
        }
        for (int64_t k = s->start[i]; k < s->start[i + 1]; k++) {
            const int64_t j = s->index[k];
            const bool here = i == j || seen[p->direction[j]] == 2 * i;
            p->at[k] = here ? i : j;
            p->color[k] = p->direction[here ? j : i];
        }
    }
    ag__release(NULL, seen, bytes);
    return true;
}

/* ---- values ---- */

static bool compressed(ag_sparse *s, const ag__map *f, sweep way)
{
    const struct ag__plan *p = s->plan;
    const ag_scalar *from = way == BY_ROWS ? f->y : f->x, *at = way == BY_COLUMNS ? f->y : f->x;
    static const int what[] = { [BY_COLUMNS] = AG__FORWARD, [BY_ROWS] = AG__REVERSE, [HESSIAN] = AG__SECOND };
    ag__work w;
    s->sweeps = 0;
    memset(s->value, 0, (size_t)s->nnz * sizeof *s->value);
    if (f->constant || s->nnz == 0) return true;
    if (!ag__work_begin(&w, f, what[way], (size_t)s->colors)) return false;
    bool ok = true;
    for (int32_t c = 0, k = (int32_t)w.lanes->k; ok && c < s->colors; c += k, s->sweeps++) {
        way == BY_ROWS ? ag__reverse_clear(&w, f) : ag__forward_clear(&w, f);
        for (size_t i = 0; i < p->directed; i++) {
            const int32_t lane = p->direction[i] - c;
            if (lane < 0 || lane >= k || from[i].id == 0) continue;
            if (way == BY_ROWS)
                w.adjoint[from[i].id * (size_t)k + (size_t)lane] += 1;
            else
                ag__forward_seed(&w, from[i].id, (size_t)lane, 1);
        }
        if (way == BY_COLUMNS)
            ag__forward_run(&w, f);
        else if (way == BY_ROWS)
            ag__reverse_run(&w, f);
        else
            ok = ag__second_run(&w, f);
        const double *lanes = way == BY_COLUMNS ? w.tangent : w.adjoint;
        for (int64_t e = 0; ok && e < s->nnz; e++) {
            const int32_t lane = p->color[e] - c;
            const uint32_t id = at[p->at[e]].id;
            if (lane < 0 || lane >= k || id == 0 || (way == BY_COLUMNS && !w.live[id])) continue;
            s->value[e] = lanes[id * (size_t)k + (size_t)lane];
        }
    }
    ag__work_end(&w, f);
    return ok && !ag_error();
}

/* The gradient is recorded, differentiated forwards in the Hessian's directions, and forgotten. */
static bool recorded(ag_sparse *s, const ag__map *f)
{
    ag_tape *t = f->tape;
    const size_t bytes = f->n * sizeof(ag_scalar);
    ag_scalar *g = ag__alloc(&t->budget, bytes, "a gradient");
    if (!g) return false;
    const bool was = ag_record(true);
    const ag_mark mark = ag_tape_mark(t);
    ag__map slopes;
    const bool ok = !ags_grads(f->y[0], f->x, f->n, g) &&
                    ag__map_begin(&slopes, "ags_sparse_hessian", g, f->n, f->x, f->n) &&
                    compressed(s, &slopes, BY_COLUMNS);
    ag_tape_rewind(t, mark);
    ag_record(was);
    ag__release(&t->budget, g, bytes);
    return ok;
}

/* A call has no second derivative as a number. */
static bool evaluate(ag_sparse *s, const ag__map *f)
{
    return compressed(s, f, s->plan->way) || (s->plan->way == HESSIAN && !ag_error() && recorded(s, f));
}

/* ---- in public ---- */

static bool is_plain(const ag__map *f, const char *who, bool hessian)
{
    if (f->mixed) {
        ag_fail(AG_ENODIFF, "%s: tensors stand between y and x, and their patterns are not known; ags_%s takes them",
                who, hessian ? "hessian" : "jacobian");
        return false;
    }
    if (hessian && f->tape->first_order)
        return ag_fail(AG_ENODIFF, "%s: this tape keeps no values (first_order)", who), false;
    return true;
}

ag_sparse *ags_sparse_jacobian(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n)
{
    ag__map f;
    ag__rows rows, columns;
    if (!ag__map_begin(&f, "ags_sparse_jacobian", y, m, x, n) || !is_plain(&f, "ags_sparse_jacobian", false))
        return NULL;
    if (!ag__jacobian_pattern(&f, &rows)) return NULL;
    ag_sparse *s = new_sparse(&rows, n, BY_COLUMNS);
    if (!s) return NULL;
    rows = (ag__rows){ m, s->start, s->index };
    bool ok = ag__rows_turn(&rows, n, &columns);
    if (ok) {
        ok = plan_jacobian(s, &columns);
        ag__rows_free(&columns);
    }
    if (ok && evaluate(s, &f)) return s;
    return ag_sparse_free(s), NULL;
}

ag_sparse *ags_sparse_hessian(ag_scalar y, const ag_scalar *x, size_t n)
{
    ag__map f;
    ag__rows rows;
    if (!ag__map_begin(&f, "ags_sparse_hessian", &y, 1, x, n) || !is_plain(&f, "ags_sparse_hessian", true)) return NULL;
    if (!ag__hessian_pattern(&f, &rows)) return NULL;
    ag_sparse *s = new_sparse(&rows, n, HESSIAN);
    if (s && plan_hessian(s) && evaluate(s, &f)) return s;
    return ag_sparse_free(s), NULL;
}

ag_status ags_sparse_update(ag_sparse *s, const ag_scalar *y, size_t m, const ag_scalar *x, size_t n)
{
    static const char who[] = "ags_sparse_update";
    ag__map f;
    if (!s) return ag_fail(AG_ENULL, "%s: the matrix is NULL", who);
    const bool hessian = s->plan->way == HESSIAN;
    const size_t rows = hessian ? n : m;
    if ((hessian && m != 1) || rows != (size_t)s->rows || n != (size_t)s->cols)
        return ag_fail(AG_ESHAPE, "%s: %zu scalars by %zu, of a %s %lld by %lld", who, m, n,
                       hessian ? "Hessian" : "Jacobian", (long long)s->rows, (long long)s->cols);
    if (ag__map_begin(&f, who, y, m, x, n) && is_plain(&f, who, hessian)) evaluate(s, &f);
    return ag_error();
}
