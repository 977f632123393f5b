/* test_module.c - modules: names and order, sharing, modes, freezing, traversal, the printed table, misuse, threads. */
#include <nn/nn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* ---- a layer of one's own with everything a layer can have ---- */

struct scale {
    ag_tensor *by, *runs;
    ag_module *body;
    int *freed;
};

static ag_tensor *scale_forward(ag_module *m, ag_tensor *x)
{
    struct scale *s = ag_self(m);
    if (ag_is_training(m)) ag_fill(s->runs, ag_item(s->runs) + 1);
    return ag_mul(s->by, ag_forward(s->body, x));
}

static void scale_free(void *self)
{
    struct scale *s = self;
    if (s->freed) ++*s->freed;
}

/* Its child comes before its tensors on purpose. */
static ag_module *Scale(int64_t width, int *freed)
{
    ag_module *m = ag_module_new("Scale", scale_forward, sizeof(struct scale));
    struct scale *s = ag_self(m);
    if (!s) return NULL;
    s->freed = freed;
    ag_module_on_free(m, scale_free);
    s->body = ag_child(m, "body", ag_Linear(width, width));
    s->by = ag_own(m, "by", ag_init_constant(ag_param(AG_F32, width), 2));
    s->runs = ag_own_buffer(m, "runs", ag_new(AG_F32));
    return ag_module_done(m);
}

static void names_are(ag_params list, const char *expected)
{
    char names[400] = "";
    size_t n = 0;
    for (int64_t i = 0; i < list.n; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? " " : "", list.at[i].name);
    assert_string_equal(names, expected);
}

static void fails(ag_status code, const char *message)
{
    assert_string_equal(ag_errmsg(), message);
    assert_int_equal(ag_clear_error(), code);
}

/* ---- names ---- */

static void names_are_pytorchs_paths(void **state)
{
    (void)state;
    ag_module *net = ag_Sequential(ag_Linear(3, 4), ag_Act(ag_relu), Scale(4, NULL), ag_Linear(4, 1, .no_bias = true));
    names_are(ag_parameters(net), "0.weight 0.bias 2.by 2.body.weight 2.body.bias 3.weight");
    names_are(ag_state(net), "0.weight 0.bias 2.by 2.runs 2.body.weight 2.body.bias 3.weight");
    ag_params p = ag_parameters(net);
    for (int64_t i = 0; i < p.n; i++) assert_ptr_equal(ag_module_tensor(net, p.at[i].name), p.at[i].tensor);
    names_are(ag_parameters(ag_module_at(net, "2")), "by body.weight body.bias");
    assert_ptr_equal(ag_module_at(ag_module_at(net, "2"), "body"), ag_module_at(net, "2.body"));
    assert_ptr_equal(ag_module_at(net, ""), net);
    assert_int_equal(ag_error(), AG_OK);

    assert_null(ag_module_tensor(net, "2.body.wieght"));
    fails(AG_EMISSING, "ag_module_tensor: no tensor \"2.body.wieght\" in Sequential");
    assert_null(ag_module_tensor(net, "2.body"));
    fails(AG_EMISSING, "ag_module_tensor: no tensor \"2.body\" in Sequential");
    assert_null(ag_module_tensor(net, "0.weight.x"));
    fails(AG_EMISSING, "ag_module_tensor: no tensor \"0.weight.x\" in Sequential");
    assert_null(ag_module_at(net, "0.weight"));
    fails(AG_EMISSING, "ag_module_at: no module \"0.weight\" in Sequential");
    assert_null(ag_module_at(net, "2."));
    fails(AG_EMISSING, "ag_module_at: no module \"2.\" in Sequential");
    ag_module_free(net);
}

static void lists_follow_the_tree(void **state)
{
    (void)state;
    ag_module *net = ag_module_new("Model", NULL, 0);
    names_are(ag_parameters(net), "");
    ag_module *layers = ag_child(net, "layers", ag_module_new("ModuleList", NULL, 0));
    names_are(ag_state(net), "");
    ag_child(layers, "first", ag_Linear(2, 2));
    names_are(ag_parameters(net), "layers.first.weight layers.first.bias");
    ag_params before = ag_parameters(net);
    assert_ptr_equal(ag_parameters(net).at, before.at); /* nothing new, nothing moved */
    ag_own(ag_module_at(net, "layers.first"), "extra", ag_param(AG_F64, 2));
    names_are(ag_parameters(net), "layers.first.weight layers.first.bias layers.first.extra");
    ag_own(net, "own", ag_param(AG_F64, 1));
    names_are(ag_parameters(net), "own layers.first.weight layers.first.bias layers.first.extra");
    assert_int_equal(ag_error(), AG_OK);
    ag_module_free(net);
}

static void many_names_are_found(void **state)
{
    (void)state;
    ag_module *bag = ag_module_new("Bag", NULL, 0);
    char name[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "w%d", i);
        assert_non_null(ag_own(bag, name, ag_param(AG_F32, i + 1)));
    }
    ag_params p = ag_parameters(bag);
    assert_int_equal(p.n, 1000);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "w%d", i);
        assert_string_equal(p.at[i].name, name);
        assert_int_equal(ag_numel(ag_module_tensor(bag, name)), i + 1);
    }
    ag_module_free(bag);
}

/* ---- sharing ---- */

static void what_is_shared_counts_once(void **state)
{
    (void)state;
    int freed = 0;
    ag_module *twice = Scale(3, &freed), *first = ag_Linear(5, 3), *last = ag_module_new("Tied", NULL, 0);
    ag_own(last, "weight", ag_retain(ag_module_tensor(first, "weight")));
    ag_module *net = ag_Sequential(first, twice, ag_Act(ag_tanh), ag_module_retain(twice), last);
    assert_int_equal(ag_error(), AG_OK);
    names_are(ag_state(net), "0.weight 0.bias 1.by 1.runs 1.body.weight 1.body.bias");
    assert_ptr_equal(ag_module_tensor(net, "3.by"), ag_module_tensor(net, "1.by")); /* by any of its names */
    assert_ptr_equal(ag_module_tensor(net, "4.weight"), ag_module_tensor(net, "0.weight"));
    ag_module_free(net);
    assert_int_equal(freed, 1);
}

static void a_retained_part_outlives_the_tree(void **state)
{
    (void)state;
    int freed = 0;
    ag_module *net = ag_Sequential(Scale(2, &freed), ag_Linear(2, 2));
    ag_module *part = ag_module_retain(ag_module_at(net, "0"));
    ag_tensor *weight = ag_retain(ag_module_tensor(net, "1.weight"));
    ag_module_free(net);
    assert_int_equal(freed, 0);
    names_are(ag_parameters(part), "by body.weight body.bias");
    assert_int_equal(ag_numel(weight), 4);
    ag_module_free(part), ag_free(weight);
    assert_int_equal(freed, 1);
    assert_int_equal(ag_error(), AG_OK);
}

static void a_gradient_of_both_uses(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *half = ag_Linear(1, 1, .no_bias = true, .dtype = AG_F64);
    ag_tensor *w = ag_init_constant(ag_module_tensor(half, "weight"), 3);
    ag_module *net = ag_Sequential(half, ag_module_retain(half));
    assert_int_equal(ag_backward(ag_sum(ag_forward(net, ag_ones(AG_F64, 1, 1)))), AG_OK);
    assert_true(ag_item(ag_grad_of(w)) == 6); /* d w^2 */
    ag_module_free(net), ag_tape_free(tape);
}

static void long_chains_are_freed(void **state)
{
    (void)state;
    int freed = 0;
    ag_module *m = Scale(1, &freed);
    for (int i = 0; i < 100000; i++) m = ag_Residual(m);
    assert_null(ag_parameters(m).at);
    fails(AG_EINVAL, "Residual: modules nest more than 256 deep");
    ag_tape *tape = ag_tape_new();
    assert_null(ag_forward(m, ag_ones(AG_F32, 1)));
    fails(AG_EINVAL, "ag_forward: modules nest more than 256 deep");
    ag_tape_free(tape);
    ag_module_free(m);
    assert_int_equal(freed, 1);
}

static void as_deep_as_promised(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *m = ag_Act(ag_neg);
    for (int i = 1; i < 256; i++) m = ag_Sequential(m);
    assert_true(ag_item(ag_forward(m, ag_ones(AG_F32, 1))) == -1);
    assert_non_null(ag_module_at(m, "0.0.0"));
    ag_train(m, false);
    assert_int_equal(ag_error(), AG_OK);
    m = ag_Sequential(m);
    assert_null(ag_forward(m, ag_ones(AG_F32, 1)));
    fails(AG_EINVAL, "ag_forward: modules nest more than 256 deep");
    ag_train(m, false);
    fails(AG_EINVAL, "Act: modules nest more than 256 deep");
    ag_module_free(m), ag_tape_free(tape);
}

/* ---- modes, freezing, copying ---- */

static void modes_reach_the_whole_tree(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *net = ag_Sequential(ag_Sequential(ag_Dropout(0.5)), Scale(2, NULL));
    assert_true(ag_is_training(net) && ag_is_training(ag_module_at(net, "0.0")));
    ag_forward(net, ag_ones(AG_F32, 1, 2));
    ag_train(net, false);
    assert_false(ag_is_training(net) || ag_is_training(ag_module_at(net, "0.0")));
    ag_forward(net, ag_ones(AG_F32, 1, 2));
    assert_true(ag_item(ag_module_tensor(net, "1.runs")) == 1); /* the second run only read */
    ag_train(ag_module_at(net, "0"), true);
    assert_true(!ag_is_training(net) && ag_is_training(ag_module_at(net, "0.0")));
    assert_int_equal(ag_error(), AG_OK);
    ag_module_free(net), ag_tape_free(tape);
}

static void freezing_goes_by_pattern(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *net = ag_Sequential(Scale(2, NULL), ag_Linear(2, 2));
    assert_int_equal(ag_module_freeze(net, "0.*", true), 3); /* no buffer */
    names_are(ag_parameters(net), "1.weight 1.bias");
    names_are(ag_state(net), "0.by 0.runs 0.body.weight 0.body.bias 1.weight 1.bias");
    assert_int_equal(ag_backward(ag_sum(ag_forward(net, ag_ones(AG_F32, 1, 2)))), AG_OK);
    assert_null(ag_grad_of(ag_module_tensor(net, "0.by")));
    assert_non_null(ag_grad_of(ag_module_tensor(net, "1.weight")));
    assert_int_equal(ag_module_freeze(net, "*.b[iy]*", false), 3);
    names_are(ag_parameters(net), "0.by 0.body.bias 1.weight 1.bias");
    ag_freeze(ag_module_tensor(net, "1.bias"), true); /* behind the module's back */
    names_are(ag_parameters(net), "0.by 0.body.bias 1.weight");
    assert_int_equal(ag_error(), AG_OK);
    assert_int_equal(ag_module_freeze(net, "1.wait", true), 0);
    fails(AG_EMISSING, "ag_module_freeze: no parameter of Sequential matches \"1.wait\"");
    ag_module *other = ag_module_new("Other", NULL, 0); /* frozen, and yet a parameter */
    assert_non_null(ag_own(other, "bias", ag_retain(ag_module_tensor(net, "1.bias"))));
    assert_false(ag_requires_grad(ag_module_tensor(net, "1.bias")));
    ag_module_free(other), ag_module_free(net), ag_tape_free(tape);
}

static void copies_convert(void **state)
{
    (void)state;
    ag_module *from = ag_Sequential(ag_Linear(3, 2), ag_Linear(2, 1));
    ag_module *to = ag_Sequential(ag_Linear(3, 2, .dtype = AG_F64), ag_Linear(2, 1, .dtype = AG_F64));
    assert_int_equal(ag_module_copy(to, from), AG_OK);
    ag_params a = ag_state(from), b = ag_state(to);
    for (int64_t i = 0; i < a.n; i++) {
        float x[6];
        double y[6];
        int64_t n = ag_numel(a.at[i].tensor);
        ag_read(a.at[i].tensor, x, n), ag_read(b.at[i].tensor, y, n);
        for (int64_t k = 0; k < n; k++) assert_true((double)x[k] == y[k]);
    }
    ag_module *wide = ag_Sequential(ag_Linear(3, 2), ag_Linear(2, 2)),
              *odd = ag_Sequential(ag_Linear(3, 2), ag_Dropout(0));
    ag_init_constant(ag_module_tensor(wide, "0.weight"), 7);
    assert_int_equal(ag_module_copy(wide, from), AG_ESHAPE);
    fails(AG_ESHAPE, "ag_module_copy: \"1.weight\" differs in shape");
    assert_true(ag_at(ag_module_tensor(wide, "0.weight"), 1, 2) == 7); /* nothing has changed */
    assert_int_equal(ag_module_copy(odd, from), AG_EINVAL);
    fails(AG_EINVAL, "ag_module_copy: Sequential has 2 tensors, Sequential has 4");
    ag_module *renamed = ag_Sequential(ag_Linear(3, 2), ag_Dropout(0), ag_Linear(2, 1));
    assert_int_equal(ag_module_copy(renamed, from), AG_EMISSING);
    fails(AG_EMISSING, "ag_module_tensor: no tensor \"2.weight\" in Sequential");
    ag_module_free(from), ag_module_free(to), ag_module_free(wide), ag_module_free(odd), ag_module_free(renamed);
}

/* ---- traversal ---- */

struct visits {
    char text[200];
    size_t n;
    int left;
};

static ag_status note(ag_module *m, const char *path, void *user)
{
    struct visits *v = user;
    assert_non_null(ag_self(m));
    v->n += (size_t)snprintf(v->text + v->n, sizeof v->text - v->n, "[%s]", path);
    return --v->left ? AG_OK : AG_ESTOP;
}

static void children_are_visited_before_parents(void **state)
{
    (void)state;
    ag_module *shared = ag_Dropout(0.1);
    ag_module *net = ag_Sequential(ag_Sequential(shared, ag_Linear(1, 1)), ag_Residual(ag_module_retain(shared)));
    struct visits v = { .left = 100 };
    assert_int_equal(ag_apply_to(net, note, &v), AG_OK);
    assert_string_equal(v.text, "[0.0][0.1][0][1][]");
    v = (struct visits){ .left = 3 };
    assert_int_equal(ag_apply_to(net, note, &v), AG_ESTOP);
    assert_string_equal(v.text, "[0.0][0.1][0]");
    assert_int_equal(ag_apply_to(net, NULL, NULL), AG_ENULL);
    fails(AG_ENULL, "ag_apply_to: f is NULL");
    ag_module_free(net);
}

/* ---- the table ---- */

static void prints(const ag_module *m, const char *expected)
{
    char text[4000];
    FILE *file = tmpfile();
    assert_non_null(file);
    ag_module_print(m, file);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    assert_string_equal(text, expected);
}

static void the_table(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *tied = ag_Linear(4, 4);
    ag_module *net = ag_Sequential(ag_Flatten(), ag_Linear(6, 4), tied, Scale(4, NULL), ag_module_retain(tied));
    prints(net, "module            output  parameters  multiply-adds        bytes\n"
                "Sequential                         -              -            -\n"
                "  0: Flatten                       -              -            -\n"
                "  1: Linear                       28              -          112\n"
                "  2: Linear                       20              -           80\n"
                "  3: Scale                         4              -           20\n"
                "    body: Linear                  20              -           80\n"
                "total                             72              -          292\n");
    ag_forward(net, ag_ones(AG_F32, 10, 2, 3));
    ag_module_freeze(net, "3.*", true);
    ag_train(net, false);
    ag_forward(net, ag_ones(AG_F32, 99, 2, 3)); /* leaves no trace */
    prints(net, "module            output  parameters  multiply-adds        bytes\n"
                "Sequential        [10,4]           -              -            -\n"
                "  0: Flatten      [10,6]           -              -            -\n"
                "  1: Linear       [10,4]          28            240          112\n"
                "  2: Linear       [10,4]          20            160           80\n"
                "  3: Scale        [10,4]           4              -           20\n"
                "    body: Linear  [10,4]          20            160           80\n"
                "total                             72            560          292\n"
                "frozen                            24\n");
    ag_train(net, true);
    ag_module *empty = (ag_Sequential)(0, NULL);
    ag_forward(empty, ag_ones(AG_F32));
    prints(empty, "module      output  parameters  multiply-adds        bytes\n"
                  "Sequential  []               -              -            -\n"
                  "total                        -              -            -\n");
    assert_int_equal(ag_error(), AG_OK);
    ag_module_print(net, NULL);
    fails(AG_ENULL, "ag_module_print: no file is given");
    ag_module_free(net), ag_module_free(empty), ag_tape_free(tape);
}

/* ---- misuse ---- */

static ag_tensor *identity(ag_module *m, ag_tensor *x)
{
    return (void)m, x;
}

static void parts_that_cannot_be(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *m = ag_module_new("Net", identity, 0);
    ag_own(m, "w", ag_param(AG_F32, 2));
    assert_null(ag_own(m, "w", ag_param(AG_F32, 3)));
    fails(AG_EINVAL, "ag_own: Net has a \"w\" already");
    assert_null(ag_child(m, "w", ag_Flatten()));
    fails(AG_EINVAL, "ag_child: Net has a \"w\" already");
    assert_null(ag_own(m, "a.b", ag_param(AG_F32, 3)));
    fails(AG_EINVAL, "ag_own: \"a.b\" cannot be a name in Net: it is empty or has a dot");
    assert_null(ag_own_buffer(m, "", ag_new(AG_F32, 3)));
    fails(AG_EINVAL, "ag_own_buffer: \"\" cannot be a name in Net: it is empty or has a dot");
    assert_null(ag_child(m, NULL, ag_Flatten()));
    fails(AG_EINVAL, "ag_child: \"\" cannot be a name in Net: it is empty or has a dot");
    assert_null(ag_own(m, "v", NULL));
    fails(AG_ENULL, "ag_own: \"v\" of Net is NULL");
    assert_null(ag_child(m, "c", NULL));
    fails(AG_ENULL, "ag_child: \"c\" of Net is NULL");
    assert_null(ag_own(m, "t", ag_ones(AG_F32, 2)));
    fails(AG_EINVAL, "ag_own: \"t\" of Net is temporary; ag_param and ag_new make what stays");
    assert_null(ag_own(m, "n", ag_new(AG_F32, 2)));
    fails(AG_EINVAL, "ag_own: \"n\" of Net collects no gradient; ag_param makes a parameter");
    assert_null(ag_own_buffer(m, "p", ag_param(AG_F32, 2)));
    fails(AG_EINVAL, "ag_own_buffer: \"p\" of Net collects a gradient; ag_new makes a buffer");
    assert_null(ag_own(NULL, "w", ag_param(AG_F32, 2)));
    fails(AG_ENULL, "ag_own: module is NULL");
    assert_null(ag_child(NULL, "w", ag_Flatten()));
    fails(AG_ENULL, "ag_child: module is NULL");
    names_are(ag_state(m), "w");

    assert_null(ag_forward(m, ag_ones(AG_F32, 2))); /* it is incomplete, and stays so */
    fails(AG_EINVAL, "ag_forward: Net lacks a part");
    ag_module *parent = ag_module_new("Parent", NULL, 0);
    assert_null(ag_child(parent, "net", ag_module_retain(m)));
    fails(AG_EINVAL, "ag_child: \"net\" of Parent, a Net, lacks a part");
    assert_null(ag_module_done(m));
    fails(AG_EINVAL, "ag_module_done: Net lacks a part");
    assert_null(ag_module_done(parent));
    fails(AG_EINVAL, "ag_module_done: Parent lacks a part");
    m = ag_module_new("Net", identity, 0);
    ag_own(m, "w", NULL);
    fails(AG_ENULL, "ag_own: \"w\" of Net is NULL");
    assert_null(ag_module_done(m));
    fails(AG_EINVAL, "ag_module_done: Net lacks a part");
    ag_tape_free(tape);
}

static void owners_that_cannot_be(void **state)
{
    (void)state;
    int freed = 0;
    ag_module *child = Scale(1, &freed);
    assert_null(ag_Sequential(child, child)); /* given away twice; the first time counted */
    fails(AG_EINVAL, "ag_child: \"1\" of Sequential, a Scale, belongs to a parent; ag_module_retain shares it");
    assert_int_equal(freed, 1);

    ag_module *net = ag_Sequential(Scale(1, &freed));
    ag_module_free(ag_module_at(net, "0"));
    fails(AG_EINVAL, "ag_module_free: this Scale belongs to a parent, which frees it");
    assert_null(ag_child(net, "self", net));
    fails(AG_EINVAL, "ag_child: \"self\" would put Sequential below itself, or more than 256 deep");
    assert_int_equal(freed, 1);
    ag_module_free(net);
    assert_int_equal(freed, 2);

    ag_module *top = ag_module_new("Top", NULL, 0), *middle = ag_child(top, "middle", ag_module_new("Middle", NULL, 0));
    ag_module *bottom = ag_child(middle, "bottom", Scale(1, &freed));
    assert_null(ag_child(bottom, "top", ag_module_retain(top)));
    fails(AG_EINVAL, "ag_child: \"top\" would put Scale below itself, or more than 256 deep");
    ag_module_free(top); /* what was refused as a circle was not taken */
    assert_int_equal(freed, 2);
    ag_module_free(top);
    assert_int_equal(freed, 3);
}

static void nothing_to_work_on(void **state)
{
    (void)state;
    ag_tape *tape = ag_tape_new();
    ag_module *bag = ag_module_new("Bag", NULL, 0);
    assert_null(ag_forward(bag, ag_ones(AG_F32, 1)));
    fails(AG_EINVAL, "ag_forward: Bag has no forward of its own");
    assert_null(ag_forward(bag, NULL));
    fails(AG_ENULL, "ag_forward: the input of Bag is NULL");
    assert_null(ag_forward(NULL, ag_ones(AG_F32, 1)));
    fails(AG_ENULL, "ag_forward: module is NULL");
    assert_null(ag_module_new(NULL, NULL, 0));
    fails(AG_ENULL, "ag_module_new: kind is NULL");
    assert_null(ag_module_new("Huge", NULL, SIZE_MAX - 4));
    fails(AG_ENOMEM, "ag_module_new: 18446744073709551611 bytes of self are more than memory can hold");
    assert_int_equal(ag_module_freeze(bag, NULL, true), 0);
    fails(AG_ENULL, "ag_module_freeze: pattern is NULL");
    assert_null(ag_module_at(bag, NULL));
    fails(AG_ENULL, "ag_module_at: no module \"NULL\" in Bag");

    ag_train(NULL, true), fails(AG_ENULL, "ag_train: module is NULL");
    ag_state(NULL), fails(AG_ENULL, "ag_state: module is NULL");
    ag_parameters(NULL), fails(AG_ENULL, "ag_parameters: module is NULL");
    ag_module_tensor(NULL, "x"), fails(AG_ENULL, "ag_module_tensor: module is NULL");
    ag_module_print(NULL, stderr), fails(AG_ENULL, "ag_module_print: module is NULL");
    assert_int_equal(ag_module_copy(NULL, bag), AG_ENULL);
    fails(AG_ENULL, "ag_module_copy: module is NULL");
    assert_int_equal(ag_apply_to(NULL, note, NULL), AG_ENULL);
    fails(AG_ENULL, "ag_apply_to: module is NULL");

    ag_fail(AG_EUSER, "first"); /* NULL flows while an error is pending, and a constructor then makes nothing */
    assert_null(ag_forward(NULL, NULL));
    assert_null(ag_module_done(NULL));
    assert_null(ag_Sequential(ag_Linear(2, 2), ag_Act(ag_relu)));
    fails(AG_EUSER, "first");
    ag_module_free(NULL), ag_module_free(bag), ag_tape_free(tape);
    assert_int_equal(ag_error(), AG_OK);
}

/* ---- threads share a module in eval mode ---- */

enum { THREADS = 4, ROWS = 16, WIDTH = 32, ROUNDS = 50 };
struct worker {
    ag_module *net;
    float out[ROWS * 8];
    ag_status status;
};

static void *serve(void *arg)
{
    struct worker *w = arg;
    ag_tape *tape = ag_tape_new();
    ag_record(false);
    for (int i = 0; i < ROUNDS && !w->status; i++) {
        ag_read(ag_forward(w->net, ag_full(AG_F32, 0.5, ROWS, WIDTH)), w->out, ROWS * 8);
        w->status = ag_tape_reset(tape);
    }
    ag_tape_free(tape);
    return NULL;
}

static void threads_share_a_module(void **state)
{
    (void)state;
    ag_module *net =
        ag_Sequential(ag_Linear(WIDTH, 64), ag_Act(ag_relu), Scale(64, NULL), ag_Dropout(0.5), ag_Linear(64, 8));
    ag_train(net, false);
    struct worker w[THREADS] = { { .net = net }, { .net = net }, { .net = net }, { .net = net } };
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&t[i], NULL, serve, &w[i]), 0);
    for (int i = 0; i < THREADS; i++) pthread_join(t[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(w[i].status, AG_OK);
        assert_memory_equal(w[i].out, w[0].out, sizeof w[0].out);
    }
    assert_true(w[0].out[0] != 0);
    ag_module_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_pytorchs_paths),
        cmocka_unit_test(lists_follow_the_tree),
        cmocka_unit_test(many_names_are_found),
        cmocka_unit_test(what_is_shared_counts_once),
        cmocka_unit_test(a_retained_part_outlives_the_tree),
        cmocka_unit_test(a_gradient_of_both_uses),
        cmocka_unit_test(long_chains_are_freed),
        cmocka_unit_test(as_deep_as_promised),
        cmocka_unit_test(modes_reach_the_whole_tree),
        cmocka_unit_test(freezing_goes_by_pattern),
        cmocka_unit_test(copies_convert),
        cmocka_unit_test(children_are_visited_before_parents),
        cmocka_unit_test(the_table),
        cmocka_unit_test(parts_that_cannot_be),
        cmocka_unit_test(owners_that_cannot_be),
        cmocka_unit_test(nothing_to_work_on),
        cmocka_unit_test(threads_share_a_module),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
