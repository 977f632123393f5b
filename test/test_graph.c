/* test_graph.c - the tape as DOT and JSON: modules inside modules, scalars, names of any bytes; and what Graphviz says.
 */
#include "files.h"
#include <nn/nn.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char text[65536];
static const char *dot_of(ag_tensor *y, ag_params params)
{
    FILE *to = fopen(files_path("tape.dot"), "w+");
    assert_non_null(to);
    assert_int_equal(ag_write_dot(y, to, .params = params), AG_OK);
    rewind(to);
    text[fread(text, 1, sizeof text - 1, to)] = 0;
    fclose(to);
    return text;
}
static json_t *json_of(ag_tensor *y, ag_params params)
{
    json_error_t error;
    FILE *to = fopen(files_path("tape.json"), "w+");
    assert_non_null(to);
    assert_int_equal(ag_write_json(y, to, .params = params), AG_OK);
    rewind(to);
    json_t *j = json_loadf(to, JSON_REJECT_DUPLICATES, &error);
    if (!j) print_error("%d: %s\n", error.line, error.text);
    assert_non_null(j);
    fclose(to);
    return j;
}

/* Takes Graphviz what dot_of wrote last, without a word? Yes where it is not installed. */
static bool graphviz_takes_it(void)
{
    char command[600];
    if (system("command -v dot >/dev/null")) return true;
    const char *svg = files_path("tape.svg"), *said = files_path("said.txt");
    snprintf(command, sizeof command, "dot -Tsvg '%s' -o '%s' 2>'%s'", files_path("tape.dot"), svg, said);
    if (system(command)) return false;
    size_t n;
    uint8_t *words = files_load(said, &n);
    print_message("%.*s", (int)n, (char *)words);
    free(words);
    return n == 0;
}

/* Is the box with this in its label in the cluster of that name (NULL: in none), and this one in its outer modules'? */
static bool stands_in(const char *dot, const char *label, const char *scope)
{
    const char *open[16], *end = strstr(dot, label);
    int n = 0;
    for (const char *line = dot; end && line < end; line = strchr(line, '\n') + 1) {
        if (!strncmp(line, "  subgraph \"cluster_", 20)) open[n++] = line + 20;
        if (!strncmp(line, "  }\n", 4)) n--;
    }
    if (!end || !scope || !n) return end && !scope && !n;
    for (int k = 0; k < n; k++) { /* "net", "net.1", "net.1.f" */
        const size_t length = strcspn(open[k], "\"");
        if (strncmp(open[k], scope, length) || (scope[length] && scope[length] != '.')) return false;
        if (k + 1 == n && scope[length]) return false;
    }
    return true;
}

static void modules_stand_in_modules(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.profile = true);
    ag_module *inner = ag_Sequential(ag_Linear(4, 4), ag_Act(ag_tanh));
    ag_module *net = ag_Sequential(ag_Linear(3, 4), ag_Sequential(inner, ag_Act(ag_relu)), ag_Linear(4, 2));
    ag_tensor *x = ag_keep(ag_randn(AG_F32, 5, 3)), *y = ag_mean(ag_forward(net, x));
    const char *dot = dot_of(y, ag_parameters(net));
    assert_true(stands_in(dot, "\"0.weight", "Sequential.0"));
    assert_true(stands_in(dot, "\"1.0.0.bias", "Sequential.1.0.0"));
    assert_true(stands_in(dot, "\"ag_tanh", "Sequential.1.0.1"));
    assert_true(stands_in(dot, "\"ag_relu", "Sequential.1.1"));
    assert_true(stands_in(dot, "\"2.weight", "Sequential.2"));
    assert_true(stands_in(dot, "\"ag_mean", NULL));
    assert_true(stands_in(dot, "\"leaf", NULL)); /* the data, used first inside */
    assert_non_null(strstr(dot, "\\ntest_graph.c:"));
    assert_true(graphviz_takes_it());
    ag_free(x), ag_module_free(net);
    ag_tape_free(t);
}

static const json_t *of_op(const json_t *graph, const char *kind, const char *op)
{
    size_t i;
    json_t *e;
    json_array_foreach(json_object_get(graph, kind), i, e)
    {
        const char *s = json_string_value(json_object_get(e, "op"));
        if (s && strcmp(s, op) == 0) return e;
    }
    fail_msg("no %s", op);
    return NULL;
}
static const char *id_of(const json_t *graph, const char *op)
{
    return json_string_value(json_object_get(of_op(graph, "scalars", op), "id"));
}
static bool reads(const json_t *statement, const char *from, const char *and)
{
    const json_t *inputs = json_object_get(statement, "inputs");
    const char *first = json_string_value(json_array_get(inputs, 0)),
               *second = json_string_value(json_array_get(inputs, 1));
    return json_array_size(inputs) == (and? 2u : 1u) && first && strcmp(first, from) == 0 &&
           (!and || (second && strcmp(second, and) == 0));
}

static void an_expression_of_scalars(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.anomaly = true);
    ag_scalar x = ag_input(2), y = ag_sin(ag_mul(x, ag_lgamma(ag_exp(x))));
    const char *dot = dot_of(NULL, (ag_params){ 0 });
    assert_non_null(strstr(dot, "label=\"ag_input\\n2\\ntest_graph.c:"));
    assert_true(graphviz_takes_it());
    json_t *j = json_of(NULL, (ag_params){ 0 });
    assert_int_equal(json_array_size(json_object_get(j, "scalars")), 5);
    assert_true(reads(of_op(j, "scalars", "ag_exp"), id_of(j, "ag_input"), NULL));
    assert_true(reads(of_op(j, "scalars", "ag_lgamma"), id_of(j, "ag_exp"), NULL));
    assert_true(reads(of_op(j, "scalars", "ag_mul"), id_of(j, "ag_input"), id_of(j, "ag_lgamma")));
    const json_t *sin = of_op(j, "scalars", "ag_sin");
    assert_true(json_real_value(json_object_get(sin, "value")) == y.value);
    assert_non_null(strstr(json_string_value(json_object_get(sin, "at")), "test_graph.c:"));
    json_decref(j);
    ag_tape_free(t);

    t = ag_tape_new();
    ag_log(ag_sub(ag_input(1), 2.0)), ag_exp(ag_input(1000));
    j = json_of(NULL, (ag_params){ 0 });
    assert_true(isnan(strtod(json_string_value(json_object_get(of_op(j, "scalars", "ag_log"), "value")), NULL)));
    assert_string_equal(json_string_value(json_object_get(of_op(j, "scalars", "ag_exp"), "value")), "inf");
    json_decref(j);
    ag_tape_free(t);

    t = ag_tape_new(.first_order = true); /* which keeps no values */
    ag_exp(ag_input(1));
    j = json_of(NULL, (ag_params){ 0 });
    assert_true(json_is_null(json_object_get(of_op(j, "scalars", "ag_exp"), "value")));
    json_decref(j);
    ag_tape_free(t);
}

static void turn(ag_scalar *s, const ag_scalar *p, int64_t i, void *user)
{
    (void)i, (void)user;
    ag_scalar a = s[0];
    s[0] = ag_mul(p[0], s[1]), s[1] = ag_sub(a, s[1]);
}

/* Edges run through blocks, calls, and the bridges to tensors; what y does not depend on is left out. */
static void blocks_calls_and_bridges(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new();
    const double two[4] = { 1, 2, 3, 4 };
    ag_block a = ags_block_input(4, two), b = ags_block_exp(ags_block_slice(a, 1, 2));
    ag_scalar product = ags_block_dot(b, ags_block_slice(a, 2, 2)), s[2] = { ag_input(0.5), ag_input(0.25) };
    ag_scalar rate = ag_cos(ag_input(3)), u[3];
    ags_scan(turn, 10, s, 2, &rate, 1);
    ag_tensor *x = ag_variable(ag_ones(AG_F64, 3));
    ag_unpack(ag_sin(x), 3, u);
    ag_tensor *y = ag_pack(3, ((ag_scalar[]){ ag_add(s[1], product), ag_mul(u[2], u[0]), ag_const(1) }));
    ag_tan(ag_input(1)), ag_tanh(x);

    json_t *j = json_of(y, (ag_params){ 0 });
    assert_true(reads(of_op(j, "scalars", "ags_block_exp"), id_of(j, "ags_block_input"), NULL));
    assert_true(reads(of_op(j, "scalars", "ags_block_dot"), id_of(j, "ags_block_exp"), id_of(j, "ags_block_input")));
    assert_int_equal(json_integer_value(json_object_get(of_op(j, "scalars", "ags_block_exp"), "n")), 2);
    assert_true(reads(of_op(j, "scalars", "ag_add"), id_of(j, "ags_scan"), id_of(j, "ags_block_dot")));
    assert_int_equal(json_array_size(json_object_get(of_op(j, "scalars", "ags_scan"), "inputs")), 3);
    const json_t *unpack = of_op(j, "nodes", "ag_unpack"), *pack = of_op(j, "nodes", "ag_pack");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(unpack, "shape"), 0)), 3);
    for (size_t k = 0; k < 2; k++)
        assert_int_equal(
            json_integer_value(json_array_get(json_object_get(of_op(j, "scalars", "ag_mul"), "inputs"), k)),
            json_integer_value(json_object_get(unpack, "id")));
    const json_t *packed = json_object_get(pack, "inputs");
    assert_string_equal(json_string_value(json_array_get(packed, 0)), id_of(j, "ag_add"));
    assert_string_equal(json_string_value(json_array_get(packed, 1)), id_of(j, "ag_mul"));
    assert_true(json_is_null(json_array_get(packed, 2)));
    assert_int_equal(json_array_size(json_object_get(j, "scalars")), 10);
    assert_int_equal(json_array_size(json_object_get(j, "nodes")), 4);
    json_decref(j);

    const char *dot = dot_of(y, (ag_params){ 0 });
    assert_null(strstr(dot, "ag_tan"));
    assert_non_null(strstr(dot, "label=\"ags_block_exp [2]\""));
    assert_true(graphviz_takes_it());
    dot = dot_of(NULL, (ag_params){ 0 });
    assert_true(strstr(dot, "\"ag_tan\\n") && strstr(dot, "\"ag_tanh "));
    assert_true(graphviz_takes_it());
    ag_tape_free(t);
}

/* One edge from a block, not one for each of its elements; two where a scalar is used twice. */
static void edges_of_many_elements(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new();
    ag_block a = ags_block_input(3, (const double[]){ 1, 2, 3 });
    ag_scalar sum = ags_sum(3, (ag_scalar[]){ ags_block_at(a, 0), ags_block_at(a, 1), ags_block_at(a, 2) });
    ag_atan2(sum, sum);
    const char *dot = dot_of(NULL, (ag_params){ 0 });
    int edges = 0;
    for (const char *s = dot; (s = strstr(s, " -> ")); s++) edges++;
    assert_int_equal(edges, 3);
    ag_tape_free(t);
}

static void names_of_any_bytes(void **state)
{
    (void)state;
    static const char *const odd[][2] = {
        { "a \"quoted\" \\name\\n", NULL },
        { "tab\t, line\n, \x01\x1f\x7f", NULL },
        { "<b>{a|b}</b> &amp; %s%n", NULL },
        { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", NULL },
        { "\\", NULL },
        { "", NULL },
        { "cut \xc3", "cut \xef\xbf\xbd" },
        { "no \xff\xfe \xc0\x80", "no \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd" },
        { "half \xed\xa0\x80", "half \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "long \xe0\x80\x80", "long \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "far \xf4\x90\x80\x80.", "far \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd." },
    };
    ag_tensor *w = ag_param(AG_F64, 2);
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        ag_tape *t = ag_tape_new(.profile = true);
        ag_scope_begin(odd[k][0]);
        ag_tensor *y = ag_exp(w);
        ag_scope_end();
        const ag_params named = { (ag_named[]){ { odd[k][0], w } }, 1 };
        const char *meant = odd[k][1] ? odd[k][1] : odd[k][0];
        json_t *j = json_of(y, named);
        assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(j, "nodes"), 0), "name")),
                            meant);
        assert_string_equal(json_string_value(json_object_get(of_op(j, "nodes", "ag_exp"), "scope")), meant);
        json_decref(j);
        const char *entity = strchr(odd[k][0], '&'), *dot = dot_of(y, named);
        assert_true(!entity || strstr(dot, "&amp;amp;")); /* Graphviz reads entities */
        assert_true(graphviz_takes_it());
        ag_tape_free(t);
    }
    ag_free(w);
}

/* Time and text grow with the tape, not with its square, though every node is in another module. */
static void long_tapes(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    ag_tape *t = ag_tape_new(.profile = true);
    ag_tensor *y = ag_variable(ag_ones(AG_F64, 2));
    ag_scalar s = ag_input(1);
    for (int k = 0; k < MANY; k++) {
        char name[32];
        snprintf(name, sizeof name, "part%d", k);
        ag_scope_begin(name);
        y = ag_neg(y), s = ag_neg(s);
        ag_scope_end();
    }
    const double start = files_time();
    dot_of(ag_add(y, ag_pack(1, &s)), (ag_params){ 0 });
    json_decref(json_of(NULL, (ag_params){ 0 }));
    print_message("# %d tensors and scalars, each in a module of its own: %.2f s\n", MANY, files_time() - start);
    assert_true(files_time() - start < 10);
    ag_tape_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_stand_in_modules), cmocka_unit_test(an_expression_of_scalars),
        cmocka_unit_test(blocks_calls_and_bridges), cmocka_unit_test(edges_of_many_elements),
        cmocka_unit_test(names_of_any_bytes),       cmocka_unit_test(long_tapes),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
