/* tree.c - all that is below a module: lists, look-up by path, and what is done to the whole of it. */
#define _POSIX_C_SOURCE 200809L
#include <nn/private/module.h>
#include <fnmatch.h>
#include <string.h>

/* ---- the tree of a module ------------------------------------------------------------------------------------------
 */

static ag__place *add_place(ag__place **set, void *thing, const char *above, const char *name)
{
    size_t bytes = strlen(above) + strlen(name) + 2;
    ag__place *p = ag__nn_alloc(sizeof *p + bytes, "a module's tree");
    if (!p) return NULL;
    snprintf(p->path, bytes, "%s%s%s", above, *above ? "." : "", name);
    p->thing = thing;
    HASH_ADD_PTR(*set, thing, p);
    if (p->hh.tbl) return p;
    ag__nn_free(p);
    return NULL;
}

static bool add_tensors(ag__tree *t, const ag_module *m, const char *path)
{
    for (const ag__entry *e = m->entries; e; e = e->hh.next) {
        ag__place *known;
        if (e->kind == AG__CHILD) continue;
        HASH_FIND_PTR(t->tensors, &e->tensor, known);
        if (known) continue;
        if (!(known = add_place(&t->tensors, e->tensor, path, e->name))) return false;
        known->entry = e;
        known->home = m;
    }
    return true;
}

/* Enters m, its tensors and then its children; what is there already keeps its first name. *end is where the next
 * module in the order of `after` is to be linked. */
static bool visit(ag__tree *t, ag_module *m, const char *above, const char *name, int depth, ag__place ***end)
{
    ag__place *here;
    HASH_FIND_PTR(t->modules, &m, here);
    if (here) return true;
    if (depth == AG__MAX_DEPTH)
        return ag_fail(AG_EINVAL, "%s: modules nest more than %d deep", m->kind, AG__MAX_DEPTH), false;
    if (!(here = add_place(&t->modules, m, above, name))) return false;
    here->n_entries = HASH_COUNT(m->entries);
    if (!add_tensors(t, m, here->path)) return false;
    for (const ag__entry *e = m->entries; e; e = e->hh.next)
        if (e->kind == AG__CHILD && !visit(t, e->child, here->path, e->name, depth + 1, end)) return false;
    **end = here;
    *end = &here->after;
    return true;
}

static bool make(ag__tree *t, ag_module *m)
{
    ag__place **end = &t->deepest;
    if (!visit(t, m, "", "", 0, &end)) return false;
    size_t n = HASH_COUNT(t->tensors);
    if (!(t->state = ag__nn_alloc(2 * n * sizeof *t->state, "a module's tree"))) return false;
    t->trained = t->state + n;
    ag_named *at = t->state;
    for (const ag__place *p = t->tensors; p; p = p->hh.next) *at++ = (ag_named){ p->path, p->thing };
    return true;
}

static void free_places(ag__place **set)
{
    ag__place *p, *next;
    HASH_ITER(hh, *set, p, next)
    {
        HASH_DEL(*set, p);
        ag__nn_free(p);
    }
}

void ag__tree_free(ag__tree *t)
{
    free_places(&t->modules);
    free_places(&t->tensors);
    ag__nn_free(t->state);
    *t = (ag__tree){ 0 };
}

static bool up_to_date(const ag__tree *t)
{
    for (const ag__place *p = t->modules; p; p = p->hh.next)
        if (p->n_entries != HASH_COUNT(((const ag_module *)p->thing)->entries)) return false;
    return t->modules != NULL;
}

ag__tree *ag__tree_of(const ag_module *m)
{
    ag_module *self = (ag_module *)m; /* its tree is no part of its value */
    ag__tree fresh = { 0 };
    if (up_to_date(&m->tree)) return &self->tree;
    if (!make(&fresh, self)) {
        ag__tree_free(&fresh);
        return NULL;
    }
    ag__tree_free(&self->tree);
    self->tree = fresh;
    return &self->tree;
}

/* ---- lists ---------------------------------------------------------------------------------------------------------
 */

ag_params ag_state(const ag_module *m)
{
    const ag__tree *t = ag__module_given(m, "ag_state") ? ag__tree_of(m) : NULL;
    return t ? (ag_params){ t->state, (int64_t)HASH_COUNT(t->tensors) } : (ag_params){ NULL, 0 };
}

/* Anybody may freeze a tensor, so the list is made again each time. */
ag_params ag_parameters(const ag_module *m)
{
    const ag__tree *t = ag__module_given(m, "ag_parameters") ? ag__tree_of(m) : NULL;
    if (!t) return (ag_params){ NULL, 0 };
    int64_t n = 0;
    for (const ag__place *p = t->tensors; p; p = p->hh.next)
        if (ag_requires_grad(p->thing)) t->trained[n++] = (ag_named){ p->path, p->thing };
    return (ag_params){ t->trained, n };
}

/* ---- look-up -------------------------------------------------------------------------------------------------------
 */

static const ag__entry *find(const ag_module *m, const char *path)
{
    for (;;) {
        size_t n = strcspn(path, ".");
        ag__entry *e;
        HASH_FIND(hh, m->entries, path, n, e);
        if (!e || !path[n]) return e;
        if (e->kind != AG__CHILD) return NULL;
        m = e->child;
        path += n + 1;
    }
}

/* The entry at path, a child or a tensor as asked. */
static const ag__entry *look_up(const ag_module *m, const char *path, bool child, const char *who)
{
    const ag__entry *e = path ? find(m, path) : NULL;
    if (e && (e->kind == AG__CHILD) == child) return e;
    ag_fail(path ? AG_EMISSING : AG_ENULL, "%s: no %s \"%s\" in %s", who, child ? "module" : "tensor",
            path ? path : "NULL", m->kind);
    return NULL;
}

ag_tensor *ag_module_tensor(const ag_module *m, const char *path)
{
    const ag__entry *e = NULL;
    if (ag__module_given(m, "ag_module_tensor")) e = look_up(m, path, false, "ag_module_tensor");
    return e ? e->tensor : NULL;
}

ag_module *ag_module_at(const ag_module *m, const char *path)
{
    if (!ag__module_given(m, "ag_module_at")) return NULL;
    if (path && !*path) return (ag_module *)m;
    const ag__entry *e = look_up(m, path, true, "ag_module_at");
    return e ? e->child : NULL;
}

/* ---- done to all of it ---------------------------------------------------------------------------------------------
 */

void ag_train(ag_module *m, bool on)
{
    const ag__tree *t = ag__module_given(m, "ag_train") ? ag__tree_of(m) : NULL;
    if (!t) return;
    for (const ag__place *p = t->modules; p; p = p->hh.next) ((ag_module *)p->thing)->training = on;
}

int64_t ag_module_freeze(ag_module *m, const char *pattern, bool frozen)
{
    const ag__tree *t = ag__module_given(m, "ag_module_freeze") ? ag__tree_of(m) : NULL;
    int64_t n = 0;
    if (!t) return 0;
    if (!pattern) return ag_fail(AG_ENULL, "ag_module_freeze: pattern is NULL"), 0;
    for (const ag__place *p = t->tensors; p; p = p->hh.next) {
        if (p->entry->kind != AG__PARAMETER || fnmatch(pattern, p->path, 0) != 0) continue;
        ag_freeze(p->thing, frozen);
        n++;
    }
    if (!n) ag_fail(AG_EMISSING, "ag_module_freeze: no parameter of %s matches \"%s\"", m->kind, pattern);
    return n;
}

static bool same_shape(const ag_tensor *a, const ag_tensor *b)
{
    if (ag_rank(a) != ag_rank(b)) return false;
    for (int i = 0; i < ag_rank(a); i++)
        if (ag_size(a, i) != ag_size(b, i)) return false;
    return true;
}

ag_status ag_module_copy(ag_module *to, const ag_module *from)
{
    static const char who[] = "ag_module_copy";
    if (!ag__module_given(to, who) || !ag__module_given(from, who)) return ag_error();
    ag_params target = ag_state(to), source = ag_state(from);
    if (ag_error()) return ag_error();
    if (target.n != source.n)
        return ag_fail(AG_EINVAL, "%s: %s has %lld tensors, %s has %lld", who, to->kind, (long long)target.n,
                       from->kind, (long long)source.n);
    for (int64_t i = 0; i < target.n; i++) {
        ag_tensor *value = ag_module_tensor(from, target.at[i].name);
        if (!value) return ag_error();
        if (!same_shape(target.at[i].tensor, value))
            return ag_fail(AG_ESHAPE, "%s: \"%s\" differs in shape", who, target.at[i].name);
    }
    for (int64_t i = 0; i < target.n; i++) ag_assign(target.at[i].tensor, ag_module_tensor(from, target.at[i].name));
    return ag_error();
}

ag_status ag_apply_to(ag_module *m, ag_visit_fn *f, void *user)
{
    const ag__tree *t = ag__module_given(m, "ag_apply_to") ? ag__tree_of(m) : NULL;
    if (!t) return ag_error();
    if (!f) return ag_fail(AG_ENULL, "ag_apply_to: f is NULL"), ag_error();
    for (const ag__place *p = t->deepest; p; p = p->after) {
        ag_status s = f(p->thing, p->path, user);
        if (s) return s;
    }
    return ag_error();
}
