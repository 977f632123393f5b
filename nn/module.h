/* module.h - a named tree of parameters, with one function through it.
 *
 * Always true:
 *  1. A module is mine until it becomes someone's child (ag_child, ag_Sequential); then its parent frees it. Modules
 *     and tensors are counted: ag_module_retain and ag_retain make one more owner, for a module used in two places or
 *     a tied weight.
 *  2. Names are dotted paths, as in PyTorch: "0.weight", "body.2.bias". A module's own tensors come first, in the order
 *     they were given, then its children. What is in several places is listed once, under its first name.
 *  3. Parameters are ordinary leaf tensors. Lists from ag_parameters and ag_state are borrowed: good until the tree
 *     gets another part or is freed, or a parameter is frozen or released.
 *  4. A fresh module is in train mode. Train mode may write (running statistics, what ag_module_print shows); in eval
 *     mode ag_forward only reads, so any number of threads, each with its own tape, may share the module. All other
 *     functions: one thread at a time.
 *  5. A capital letter makes a layer, ag_Linear(784, 10); a small one is the operation, ag_linear(x, w, b).
 *
 * A layer of one's own: a struct with its parts, a forward, a constructor that ends in ag_module_done. */
#ifndef AG_NN_MODULE_H
#define AG_NN_MODULE_H
#include <autograd/autograd.h>
AG_BEGIN

typedef struct ag_module ag_module;
typedef ag_tensor *ag_forward_fn(ag_module *self, ag_tensor *x);

/* ---- making one ------------------------------------------------------------------------------------------------- */
/* A new module with self_size zeroed bytes of its own, reached by ag_self. forward may be NULL: a bag of names. */
AG_API ag_module *ag_module_new(const char *kind, ag_forward_fn *forward, size_t self_size);
AG_API void *ag_self(ag_module *m);
/* Each takes over what it is given and returns it. On failure - it is NULL, the name is taken or has a dot - it is
 * freed, NULL returned, and the failure sticks to m. */
AG_API ag_tensor *ag_own(ag_module *m, const char *name, ag_tensor *parameter);     /* an ag_param */
AG_API ag_tensor *ag_own_buffer(ag_module *m, const char *name, ag_tensor *buffer); /* an ag_new: state */
AG_API ag_module *ag_child(ag_module *m, const char *name, ag_module *child);
/* m, or NULL with everything freed if any of the above failed or an error is pending: the end of a constructor. */
AG_API ag_module *ag_module_done(ag_module *m);
/* For what self holds besides tensors and children; runs before they go. */
AG_API void ag_module_on_free(ag_module *m, void (*f)(void *self));
/* Tells ag_module_print how many multiply-adds took x to y, those of children left out. */
typedef double ag_count_fn(ag_module *m, const ag_tensor *x, const ag_tensor *y);
AG_API void ag_module_on_count(ag_module *m, ag_count_fn *f);
/* One more owner; returns m. Each calls ag_module_free, or hands m to a parent. */
AG_API ag_module *ag_module_retain(ag_module *m);
/* Gives up one ownership; the last one frees the tree. NULL is fine; what belongs to parents only is AG_EINVAL. */
AG_API void ag_module_free(ag_module *m);

/* ---- using it --------------------------------------------------------------------------------------------------- */
/* Modules may nest 256 deep. */
AG_API ag_tensor *ag_forward(ag_module *m, ag_tensor *x);
AG_API void ag_train(ag_module *m, bool on); /* false: eval mode; the whole tree */
AG_API bool ag_is_training(const ag_module *m);

AG_API ag_params ag_parameters(const ag_module *m); /* not the frozen ones */
AG_API ag_params ag_state(const ag_module *m);      /* all parameters and buffers: what is saved and loaded */
/* By path, each of its names; "" is m itself. NULL and AG_EMISSING if there is no such thing. */
AG_API ag_tensor *ag_module_tensor(const ag_module *m, const char *path);
AG_API ag_module *ag_module_at(const ag_module *m, const char *path);
/* Freezes, or thaws, the parameters whose names match a shell pattern: "features.*". How many did; none is AG_EMISSING.
 * '*' matches dots as well. */
AG_API int64_t ag_module_freeze(ag_module *m, const char *pattern, bool frozen);
/* Takes over all values of a module with the same names and shapes, converting the dtype. Otherwise nothing changes. */
AG_API ag_status ag_module_copy(ag_module *to, const ag_module *from);
/* Calls f on every module once, parents after children, with its path; stops at what is not AG_OK and returns it. f
 * must not give the tree other parts. */
typedef ag_status ag_visit_fn(ag_module *m, const char *path, void *user);
AG_API ag_status ag_apply_to(ag_module *m, ag_visit_fn *f, void *user);
/* A table of the modules with their parameters and bytes, and of the last ag_forward in train mode: output shapes and
 * multiply-adds. */
AG_API void ag_module_print(const ag_module *m, FILE *to);

/* ag_gradcheck of ag_forward(m, x) by x and every parameter, each of which the report names with its worst entry. m and
 * x must be f64. Mode and buffers are left as they were. */
AG_API ag_status ag_gradcheck_module(ag_module *m, ag_tensor *x, AG_OPTIONS(ag_gradcheck_options));

AG_END
#ifndef __cplusplus
#ifndef AG__LIBRARY
#define ag_forward(...) AG__PLACED(ag_forward, __VA_ARGS__)
#endif
#define ag_gradcheck_module(...)                                                                                       \
    AG__CALL2(ag_gradcheck_module, ag_gradcheck_options, __VA_ARGS__, AG__SIZE(ag_gradcheck_options))
#endif
#endif
