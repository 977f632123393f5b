/* module.h - what a module is.
 *
 *      ag_module --entries--> "weight" -> tensor        by name, in the order they came
 *          |                  "body"   -> module ...
 *          tree               every module and tensor below, once, by address, with its path: made when first asked
 *                             for, made again when a module of it has got another entry. Entries never go. */
#ifndef AG_NN_PRIVATE_MODULE_H
#define AG_NN_PRIVATE_MODULE_H
#include <nn/module.h>
#include <nn/private/hash.h>

/* ag_forward is as deep on the C stack as modules are nested. */
enum { AG__MAX_DEPTH = 256 };

typedef enum ag__kind { AG__PARAMETER, AG__BUFFER, AG__CHILD } ag__kind;

typedef struct ag__entry {
    ag__kind kind;
    union {
        ag_tensor *tensor;
        ag_module *child;
    };
    UT_hash_handle hh;
    char name[];
} ag__entry;

typedef struct ag__place {
    void *thing;             /* ag_module or ag_tensor: the key */
    const ag__entry *entry;  /* a tensor's */
    const ag_module *home;   /* the module a tensor was first found in */
    unsigned n_entries;      /* a module's when it was visited */
    struct ag__place *after; /* of modules: parents after children */
    UT_hash_handle hh;
    char path[];
} ag__place;

typedef struct ag__tree {
    ag__place *modules;  /* parents before children; NULL: not made */
    ag__place *tensors;
    ag__place *deepest;  /* first of the list linked by `after` */
    ag_named *state;     /* all of tensors */
    ag_named *trained;   /* room for as many */
} ag__tree;

struct ag_module {
    const char *kind;       /* behind self */
    ag_forward_fn *forward; /* NULL: a bag of names */
    ag_count_fn *count;
    void (*on_free)(void *self);
    ag__entry *entries;
    uint32_t owners;        /* users and parents */
    uint32_t parents;       /* how many of them are parents */
    bool training;
    bool failed;            /* a part is missing */
    bool seen;              /* output and madds are known */
    ag_shape output;        /* of the last ag_forward in train mode */
    double madds;
    ag__tree tree;
    ag_module *next;        /* to be freed as well */
    _Alignas(max_align_t) unsigned char self[];
};

/* The module's tree, up to date, or NULL with the error remembered. */
ag__tree *ag__tree_of(const ag_module *m);
void ag__tree_free(ag__tree *t);

/* False if m is NULL, which is reported as `who: module is NULL` unless an error is pending. */
bool ag__module_given(const ag_module *m, const char *who);
#endif
