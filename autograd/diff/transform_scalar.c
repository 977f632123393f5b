/* transform_scalar.c - Jacobians, Hessians and higher derivatives of scalars, as numbers: sweeps of several lanes over
 * what is recorded (lanes.c); where tensors stand between, a sweep by the tensors' rules for each column or row. */
#include <autograd/diff/lanes.h>
#include <autograd/diff/walk.h>
#include <string.h>

static bool have_numbers(size_t n, const void *array, const char *who)
{
    if (!n || array) return true;
    return ag_fail(AG_ENULL, "%s: an array of numbers is NULL", who), false;
}

static bool keeps_values(const ag_tape *t, const char *who)
{
    if (!t || !t->first_order) return true;
    return ag_fail(AG_ENODIFF, "%s: this tape keeps no values (first_order)", who), false;
}

/* ---- Jacobians ---- */

static void by_columns(const ag__map *f, double *jac)
{
    ag__work w;
    if (!ag__work_begin(&w, f, AG__FORWARD, f->n)) return;
    const size_t k = w.lanes->k;
    for (size_t j = 0; j < f->n; j += k) {
        const size_t wide = f->n - j < k ? f->n - j : k;
        ag__forward_clear(&w, f);
        for (size_t l = 0; l < wide; l++) ag__forward_seed(&w, f->x[j + l].id, l, 1);
        ag__forward_run(&w, f);
        for (size_t i = 0; i < f->m; i++) {
            const uint32_t id = f->y[i].id;
            double *row = jac + i * f->n + j;
            if (id && w.live[id])
                memcpy(row, w.tangent + id * k, wide * sizeof *row);
            else
                memset(row, 0, wide * sizeof *row);
        }
    }
    ag__work_end(&w, f);
}

/* Products of dy/dx with the vectors u, [count][m], or with all unit vectors (NULL): rows of jac. */
static void by_rows(const ag__map *f, size_t count, const double *u, double *jac)
{
    ag__work w;
    if (!ag__work_begin(&w, f, AG__REVERSE, count)) return;
    const size_t k = w.lanes->k;
    for (size_t i = 0; i < count; i += k) {
        const size_t wide = count - i < k ? count - i : k;
        ag__reverse_clear(&w, f);
        for (size_t l = 0; l < wide; l++)
            for (size_t r = u ? 0 : i + l, end = u ? f->m : r + 1; r < end; r++)
                if (f->y[r].id) w.adjoint[f->y[r].id * k + l] += u ? u[(i + l) * f->m + r] : 1;
        ag__reverse_run(&w, f);
        for (size_t j = 0; j < f->n; j++) {
            const uint32_t id = f->x[j].id;
            for (size_t l = 0; l < wide; l++) jac[(i + l) * f->n + j] = id ? w.adjoint[id * k + l] : 0;
        }
    }
    ag__work_end(&w, f);
}

/* Through tensors, or watched: one direction a sweep. */
static void by_units(const ag__map *f, double *jac)
{
    const size_t m = f->m, n = f->n, sweeps = n <= m ? n : m;
    ag_tape *t = f->tape;
    double *unit = ag__alloc(&t->budget, (sweeps + m) * sizeof *unit, "a Jacobian"), *column = unit + sweeps;
    if (!unit) return;
    memset(unit, 0, sweeps * sizeof *unit);
    for (size_t s = 0; s < sweeps && !ag_error(); s++) {
        unit[s] = 1;
        if (n <= m)
            ags_jvp(f->y, m, f->x, n, unit, column);
        else
            ags_vjp(f->y, m, f->x, n, unit, jac + s * n);
        for (size_t i = 0; n <= m && i < m; i++) jac[i * n + s] = column[i];
        unit[s] = 0;
    }
    ag__release(&t->budget, unit, (sweeps + m) * sizeof *unit);
}

static void jacobian(const ag__map *f, double *jac)
{
    if (f->mixed || f->watched)
        by_units(f, jac);
    else if (f->n <= f->m)
        by_columns(f, jac);
    else
        by_rows(f, f->m, NULL, jac);
}

ag_status ags_jacobian(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, double *jac)
{
    ag__map f;
    if (!have_numbers(m && n, jac, "ags_jacobian") || !ag__map_begin(&f, "ags_jacobian", y, m, x, n)) return ag_error();
    if (!f.constant)
        jacobian(&f, jac);
    else if (m && n)
        memset(jac, 0, m * n * sizeof *jac);
    return ag_error();
}

ag_status ags_vjps(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, size_t count, const double *u,
                   double *ju)
{
    static const char who[] = "ags_vjps";
    ag__map f;
    if (!have_numbers(count * m, u, who) || !have_numbers(count * n, ju, who)) return ag_error();
    if (!ag__map_begin(&f, who, y, m, x, n)) return ag_error();
    if (f.constant && count && n)
        memset(ju, 0, count * n * sizeof *ju);
    else if (f.mixed || f.watched)
        for (size_t i = 0; i < count && !ag_error(); i++) ags_vjp(y, m, x, n, u + i * m, ju + i * n);
    else if (!f.constant)
        by_rows(&f, count, u, ju);
    return ag_error();
}

/* ---- Hessians ---- */

/* Through tensors and calls: the gradient is recorded, differentiated forwards and forgotten. v NULL: by all unit
 * vectors. */
static void recorded_products(const ag__map *f, const double *v, double *h)
{
    ag_tape *t = f->tape;
    const size_t n = f->n, bytes = n * sizeof(ag_scalar);
    ag_scalar *g = ag__alloc(&t->budget, bytes, "a gradient");
    if (!g) return;
    const bool was = ag_record(true);
    const ag_mark mark = ag_tape_mark(t);
    ag__map second;
    if (!ags_grads(f->y[0], f->x, n, g)) {
        if (v)
            ags_jvp(g, n, f->x, n, v, h);
        else if (ag__map_begin(&second, "ags_hessian", g, n, f->x, n) && second.constant)
            memset(h, 0, n * n * sizeof *h);
        else if (!ag_error())
            by_units(&second, h);
    }
    ag_tape_rewind(t, mark);
    ag_record(was);
    ag__release(&t->budget, g, bytes);
}

/* Products with the direction v, or with all unit vectors (NULL): columns of h. */
static void products(const ag__map *f, const double *v, double *h)
{
    ag__work w;
    const size_t n = f->n, columns = v ? 1 : n;
    bool ok = ag__work_begin(&w, f, AG__SECOND, columns);
    for (size_t c = 0, k = w.lanes->k; ok && c < columns; c += k) {
        const size_t wide = columns - c < k ? columns - c : k;
        ag__forward_clear(&w, f);
        for (size_t j = 0; v && j < n; j++) ag__forward_seed(&w, f->x[j].id, 0, v[j]);
        for (size_t l = 0; !v && l < wide; l++) ag__forward_seed(&w, f->x[c + l].id, l, 1);
        ok = ag__second_run(&w, f);
        for (size_t j = 0; ok && j < n; j++)
            for (size_t l = 0; l < wide; l++) h[j * columns + c + l] = f->x[j].id ? w.adjoint[f->x[j].id * k + l] : 0;
    }
    ag__work_end(&w, f);
    if (!ok && !ag_error()) recorded_products(f, v, h);
}

static ag_status hessian(const char *who, ag_scalar y, const ag_scalar *x, size_t n, const double *v, double *h)
{
    ag__map f;
    if (!have_numbers(n, h, who) || !ag__map_begin(&f, who, &y, 1, x, n) || !keeps_values(f.tape, who))
        return ag_error();
    if (n == 0) return AG_OK;
    if (f.constant)
        memset(h, 0, (v ? n : n * n) * sizeof *h);
    else if (f.mixed || f.watched)
        recorded_products(&f, v, h);
    else
        products(&f, v, h);
    return ag_error();
}

ag_status ags_hvp(ag_scalar y, const ag_scalar *x, size_t n, const double *v, double *hv)
{
    return have_numbers(n, v, "ags_hvp") ? hessian("ags_hvp", y, x, n, v, hv) : ag_error();
}

ag_status ags_hessian(ag_scalar y, const ag_scalar *x, size_t n, double *h)
{
    return hessian("ags_hessian", y, x, n, NULL, h);
}

/* ---- higher derivatives ---- */

/* dy/dx v as scalars that are recorded; y may be `to` itself. */
static bool recorded_jvp(const ag__map *f, const double *v, ag_scalar *to)
{
    ag__walk w;
    ag_tape *t = f->tape;
    if (!ag__walk_begin(&w, t, f->mixed ? t->n_node : 0, ag__reverse_recorded)) return false;
    for (size_t i = 0; i < f->n; i++)
        if (f->x[i].id) w.scalar[f->x[i].id].value += v[i];
    if (f->mixed)
        t->tensors->forward(&w, f->to.id);
    else
        ag__forward_recorded(t, w.scalar, ag__streams_begin(t), f->to.id);
    for (size_t i = 0; i < f->m; i++) to[i] = f->y[i].id ? w.scalar[f->y[i].id] : ag_const(0);
    ag__walk_end(&w);
    return !ag_error();
}

static void directional(const ag__map *f, const double *v, int order, double *d)
{
    ag_tape *t = f->tape;
    const size_t bytes = f->m * sizeof(ag_scalar);
    ag_scalar *z = ag__alloc(&t->budget, bytes, "derivatives");
    if (!z) return;
    memcpy(z, f->y, bytes);
    const bool was = ag_record(true);
    const ag_mark mark = ag_tape_mark(t);
    ag__map g = *f;
    for (int k = 1; k < order && !ag_error() && !g.constant; k++)
        if (recorded_jvp(&g, v, z)) ag__map_begin(&g, "ags_directional", z, f->m, f->x, f->n);
    ags_jvp(z, f->m, f->x, f->n, v, d);
    ag_tape_rewind(t, mark);
    ag_record(was);
    ag__release(&t->budget, z, bytes);
}

ag_status ags_directional(const ag_scalar *y, size_t m, const ag_scalar *x, size_t n, const double *v, int order,
                          double *d)
{
    static const char who[] = "ags_directional";
    ag__map f;
    if (!have_numbers(n, v, who) || !have_numbers(m, d, who) || !ag__map_begin(&f, who, y, m, x, n)) return ag_error();
    if (order < 0) return ag_fail(AG_EINVAL, "%s: order %d is negative", who, order);
    if (order > 1 && !keeps_values(f.tape, who)) return ag_error();
    for (size_t i = 0; i < m; i++) d[i] = order ? 0 : y[i].value;
    if (order && !f.constant) directional(&f, v, order, d);
    return ag_error();
}
