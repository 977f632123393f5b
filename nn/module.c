/* module.c - the life of a module: made, given its parts, run, freed. */
#include <nn/private/module.h>
#include <string.h>

bool ag__module_given(const ag_module *m, const char *who)
{
    if (!m && !ag_error()) ag_fail(AG_ENULL, "%s: module is NULL", who);
    return m != NULL;
}

/* ---- making one -------------------------------------------------------------------------------------------------- */

ag_module *ag_module_new(const char *kind, ag_forward_fn *forward, size_t self_size)
{
    if (!kind) return ag_fail(AG_ENULL, "ag_module_new: kind is NULL"), NULL;
    size_t text = strlen(kind) + 1, bytes;
    if (__builtin_add_overflow(sizeof(ag_module) + text, self_size, &bytes))
        return ag_fail(AG_ENOMEM, "ag_module_new: %zu bytes of self are more than memory can hold", self_size), NULL;
    ag_module *m = ag__nn_alloc(bytes, "ag_module_new");
    if (!m) return NULL;
    m->kind = memcpy(m->self + self_size, kind, text);
    m->forward = forward;
    m->owners = 1;
    m->training = true;
    return m;
}

void *ag_self(ag_module *m)
{
    return ag__module_given(m, "ag_self") ? m->self : NULL;
}

/* May m have another part of this name? part NULL: its own constructor failed. */
static bool good_name(const ag_module *m, const char *name, const void *part, const char *who)
{
    if (!ag__module_given(m, who)) return false;
    if (!name || !*name || strchr(name, '.'))
        return ag_fail(AG_EINVAL, "%s: \"%s\" cannot be a name in %s: it is empty or has a dot", who, name ? name : "",
                       m->kind),
               false;
    if (!part) {
        if (!ag_error()) ag_fail(AG_ENULL, "%s: \"%s\" of %s is NULL", who, name, m->kind);
        return false;
    }
    ag__entry *twin;
    HASH_FIND_STR(m->entries, name, twin);
    return !twin || (ag_fail(AG_EINVAL, "%s: %s has a \"%s\" already", who, m->kind, name), false);
}

static bool add(ag_module *m, ag__kind kind, const char *name, ag_tensor *tensor, ag_module *child)
{
    size_t n = strlen(name);
    ag__entry *e = ag__nn_alloc(sizeof *e + n + 1, m->kind);
    if (!e) return false;
    e->kind = kind;
    if (child)
        e->child = child;
    else
        e->tensor = tensor;
    memcpy(e->name, name, n + 1);
    HASH_ADD_KEYPTR(hh, m->entries, e->name, n, e);
    if (e->hh.tbl) return true;
    ag__nn_free(e);
    return false;
}

/* Thawing shows whether a leaf that collects no gradient is frozen or no parameter at all. */
static bool is_parameter(ag_tensor *x)
{
    if (ag_requires_grad(x)) return true;
    bool frozen = ag_requires_grad(ag_freeze(x, false));
    if (frozen) ag_freeze(x, true);
    return frozen;
}

static bool good_tensor(const ag_module *m, ag__kind kind, const char *name, ag_tensor *x, const char *who)
{
    const char *wrong = !ag_is_mine(x) ? "is temporary; ag_param and ag_new make what stays"
                        : is_parameter(x) == (kind == AG__PARAMETER) ? NULL
                        : kind == AG__PARAMETER ? "collects no gradient; ag_param makes a parameter"
                                                : "collects a gradient; ag_new makes a buffer";
    return !wrong || (ag_fail(AG_EINVAL, "%s: \"%s\" of %s %s", who, name, m->kind, wrong), false);
}

static ag_tensor *own(ag_module *m, ag__kind kind, const char *name, ag_tensor *x, const char *who)
{
    if (good_name(m, name, x, who) && good_tensor(m, kind, name, x, who) && add(m, kind, name, x, NULL)) return x;
    if (m) m->failed = true;
    if (x && ag_is_mine(x)) ag_free(x);
    return NULL;
}

ag_tensor *ag_own(ag_module *m, const char *name, ag_tensor *parameter)
{
    return own(m, AG__PARAMETER, name, parameter, "ag_own");
}

ag_tensor *ag_own_buffer(ag_module *m, const char *name, ag_tensor *buffer)
{
    return own(m, AG__BUFFER, name, buffer, "ag_own_buffer");
}

/* Is m in the tree of `from`, as far as this goes down? Not through ag__tree_of, which may run out of memory. */
static bool holds(const ag_module *from, const ag_module *m, int levels)
{
    if (from == m || levels == 0) return true;
    for (const ag__entry *e = from->entries; e; e = e->hh.next)
        if (e->kind == AG__CHILD && holds(e->child, m, levels - 1)) return true;
    return false;
}

static bool good_child(const ag_module *m, const char *name, const ag_module *child)
{
    if (child->owners == child->parents)
        return ag_fail(AG_EINVAL, "ag_child: \"%s\" of %s, a %s, belongs to a parent; ag_module_retain shares it", name,
                       m->kind, child->kind),
               false;
    if (child->failed)
        return ag_fail(AG_EINVAL, "ag_child: \"%s\" of %s, a %s, lacks a part", name, m->kind, child->kind), false;
    return true;
}

ag_module *ag_child(ag_module *m, const char *name, ag_module *child)
{
    bool circle = m && child && (m == child || m->parents) && holds(child, m, AG__MAX_DEPTH);
    if (circle)
        ag_fail(AG_EINVAL, "ag_child: \"%s\" would put %s below itself, or more than %d deep", name ? name : "",
                m->kind, AG__MAX_DEPTH);
    else if (good_name(m, name, child, "ag_child") && good_child(m, name, child) &&
             add(m, AG__CHILD, name, NULL, child)) {
        child->parents++;
        return child;
    }
    if (m) m->failed = true;
    if (!circle) ag_module_free(child); /* which leaves alone what belongs to parents */
    return NULL;
}

ag_module *ag_module_done(ag_module *m)
{
    if (!ag__module_given(m, "ag_module_done")) return NULL;
    if (!m->failed && !ag_error()) return m;
    if (!ag_error()) ag_fail(AG_EINVAL, "ag_module_done: %s lacks a part", m->kind);
    ag_module_free(m);
    return NULL;
}

void ag_module_on_free(ag_module *m, void (*f)(void *self))
{
    if (ag__module_given(m, "ag_module_on_free")) m->on_free = f;
}

void ag_module_on_count(ag_module *m, ag_count_fn *f)
{
    if (ag__module_given(m, "ag_module_on_count")) m->count = f;
}

/* ---- owners ------------------------------------------------------------------------------------------------------ */

ag_module *ag_module_retain(ag_module *m)
{
    if (ag__module_given(m, "ag_module_retain")) m->owners++;
    return m;
}

/* Frees one module, and puts the children that nobody else owns in front of the list. */
static ag_module *free_one(ag_module *m, ag_module *rest)
{
    if (m->on_free) m->on_free(m->self);
    ag__tree_free(&m->tree);
    ag__entry *e, *next;
    HASH_ITER(hh, m->entries, e, next)
    {
        HASH_DEL(m->entries, e);
        if (e->kind != AG__CHILD)
            ag_free(e->tensor);
        else if (e->child->parents--, --e->child->owners == 0) {
            e->child->next = rest;
            rest = e->child;
        }
        ag__nn_free(e);
    }
    ag__nn_free(m);
    return rest;
}

void ag_module_free(ag_module *m)
{
    if (!m) return;
    if (m->owners == m->parents) {
        ag_fail(AG_EINVAL, "ag_module_free: this %s belongs to a parent, which frees it", m->kind);
        return;
    }
    if (--m->owners) return;
    m->next = NULL;
    while (m) m = free_one(m, m->next);
}

/* ---- running it -------------------------------------------------------------------------------------------------- */

/* For ag_module_print; in train mode only, since in eval mode threads may share m. */
static void remember(ag_module *m, const ag_tensor *x, const ag_tensor *y)
{
    m->seen = true;
    m->output.dtype = ag_dtype_of(y);
    m->output.rank = ag_rank(y);
    for (int i = 0; i < m->output.rank; i++) m->output.dims[i] = ag_size(y, i);
    m->madds = m->count ? m->count(m, x, y) : 0;
}

/* What m is called there, or its kind. */
static const char *name_in(const ag_module *above, const ag_module *m)
{
    for (const ag__entry *e = above->entries; e; e = e->hh.next)
        if (e->kind == AG__CHILD && e->child == m) return e->name;
    return m->kind;
}

ag_tensor *ag_forward(ag_module *m, ag_tensor *x)
{
    static _Thread_local int depth;
    static _Thread_local const ag_module *outer;
    if (!ag__module_given(m, "ag_forward")) return NULL;
    if (!x) {
        if (!ag_error()) ag_fail(AG_ENULL, "ag_forward: the input of %s is NULL", m->kind);
        return NULL;
    }
    if (!m->forward) return ag_fail(AG_EINVAL, "ag_forward: %s has no forward of its own", m->kind), NULL;
    if (m->failed) return ag_fail(AG_EINVAL, "ag_forward: %s lacks a part", m->kind), NULL;
    if (depth == AG__MAX_DEPTH)
        return ag_fail(AG_EINVAL, "ag_forward: modules nest more than %d deep", AG__MAX_DEPTH), NULL;
    bool scoped = ag_scopes() && ag_scope_begin(depth ? name_in(outer, m) : m->kind);
    const ag_module *was = outer;
    depth++, outer = m;
    ag_tensor *y = m->forward(m, x);
    depth--, outer = was;
    if (scoped) ag_scope_end();
    if (y && m->training) remember(m, x, y);
    return y;
}

bool ag_is_training(const ag_module *m)
{
    return ag__module_given(m, "ag_is_training") && m->training;
}
