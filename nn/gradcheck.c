/* gradcheck.c - ag_gradcheck of a whole module. */
#include <nn/private/memory.h>
#include <nn/private/module.h>

static ag_tensor *through(ag_tensor **x, void *module)
{
    return ag_forward(module, x[0]);
}

/* What is no parameter may be written by an evaluation: running statistics. */
static void put_back(ag_params state, ag_tensor **copy)
{
    for (int64_t i = 0; i < state.n && copy; i++) {
        if (copy[i]) ag_assign(state.at[i].tensor, copy[i]);
        ag_free(copy[i]);
    }
    ag__nn_free(copy);
}

ag_status(ag_gradcheck_module)(ag_module *m, ag_tensor *x, const ag_gradcheck_options *options)
{
    static const char who[] = "ag_gradcheck_module";
    ag_gradcheck_options o = options ? *options : (ag_gradcheck_options){ 0 };
    if (!ag__module_given(m, who)) return ag_error();
    if (o.user || o.params.n) return ag_fail(AG_EINVAL, "%s: .user and .params are the module's", who);
    o.user = m, o.params = ag_parameters(m);
    ag_params state = ag_state(m);
    ag_tensor **copy = ag_error() ? NULL : ag__nn_alloc(((size_t)state.n + 1) * sizeof *copy, who);
    for (int64_t i = 0; i < state.n && copy && !ag_error(); i++)
        if (!ag_requires_grad(state.at[i].tensor)) copy[i] = ag_keep(state.at[i].tensor);
    if (copy && !ag_error()) (ag_gradcheck)(through, (ag_list){ &x, 1 }, &o);
    put_back(state, copy);
    return ag_error();
}
