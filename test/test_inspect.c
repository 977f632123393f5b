/* test_inspect.c - reports of gradients, the tape as DOT and JSON, profiles. */
#define _POSIX_C_SOURCE 200809L
#include "files.h"
#include <nn/nn.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

static char text[65536];
static const char *written(FILE *to)
{
    rewind(to);
    text[fread(text, 1, sizeof text - 1, to)] = 0;
    fclose(to);
    return text;
}
static FILE *paper(void)
{
    FILE *to = tmpfile();
    assert_non_null(to);
    return to;
}
static json_t *parsed(FILE *to)
{
    json_error_t error;
    json_t *j = json_loads(written(to), JSON_REJECT_DUPLICATES, &error);
    if (!j) print_error("%d: %s\n", error.line, error.text);
    assert_non_null(j);
    return j;
}

/* ---- gradients ---- */

static bool said(const char *report, const char *name, const char *what)
{
    const char *line = strstr(report, name), *end = line ? strchr(line, '\n') : NULL,
               *at = line ? strstr(line, what) : NULL;
    return at && at < end;
}

static void gradients_are_judged(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new();
    enum { N = 8 };
    static const char *const name[N] = { "fine", "also", "small", "tiny", "large", "none", "bad", "still" };
    static const double slope[N] = { 1, 2, 1e-5, 1e-12, 5e4, 1, NAN, 0 };
    ag_named list[N];
    ag_tensor *sum = ag_num(0);
    for (int k = 0; k < N; k++) {
        list[k] = (ag_named){ name[k], ag_init_constant(ag_param(AG_F64, 3, 2), 0.5) };
        if (k != 5) sum = ag_add(sum, ag_sum(ag_mul(list[k].tensor, slope[k])));
    }
    assert_int_equal(ag_backward(sum), AG_OK);
    FILE *to = paper();
    assert_int_equal(ag_gradient_report((ag_params){ list, N }, to), 6);
    const char *report = written(to);
    for (int k = 0; k < 2; k++) assert_false(said(report, name[k], "ing"));
    assert_true(said(report, "fine", "[3,2]") && said(report, "fine", "5.000e-01   1.000e+00"));
    assert_true(said(report, "small", "vanishing") && said(report, "tiny", "vanishing"));
    assert_true(said(report, "large", "exploding") && said(report, "none ", "  none"));
    assert_true(said(report, "bad", "not finite") && said(report, "still", "zero"));
    assert_non_null(strstr(report, "6 flagged"));
    assert_int_equal(ag_gradient_report((ag_params){ list, N }, NULL), 6);
    assert_int_equal(ag_gradient_report((ag_params){ list, 2 }, NULL), 0);
    assert_int_equal(ag_gradient_report((ag_params){ NULL, 0 }, NULL), 0);
    assert_int_equal(ag_gradient_report((ag_params){ NULL, 2 }, NULL), -1);
    assert_int_equal(ag_clear_error(), AG_ENULL);
    for (int k = 0; k < N; k++) ag_free(list[k].tensor);
    ag_tape_free(t);
}

/* Sizes whose squares are no numbers, in f64. */
static void gradients_of_any_size(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new();
    const struct {
        double gradient;
        const char *verdict;
    } at[] = { { 1e-200, "vanishing" }, { 1e200, "exploding" }, { -INFINITY, "not finite" }, { 0, "zero" } };
    for (int k = 0; k < 4; k++) {
        ag_tensor *x = ag_param(AG_F64, 4);
        ag_backward(ag_dot(x, ag_copy(((double[]){ 0, at[k].gradient, at[k].gradient, 0 }), 4)));
        FILE *to = paper();
        assert_int_equal(ag_gradient_report(AG_PARAMS({ "x", x }), to), 1);
        assert_true(said(written(to), "x ", at[k].verdict));
        ag_free(x);
        ag_tape_reset(t);
    }
    ag_tape_free(t);
}

/* ---- the tape ---- */

static ag_module *small_net(void)
{
    return ag_Sequential(ag_Linear(3, 4), ag_Act(ag_tanh), ag_Sequential(ag_Linear(4, 2), ag_Act(ag_sigmoid)));
}

static const json_t *node_of(const json_t *graph, const char *key, const char *value)
{
    size_t i;
    json_t *node;
    json_array_foreach(json_object_get(graph, "nodes"), i, node)
    {
        const char *s = json_string_value(json_object_get(node, key));
        if (s && strcmp(s, value) == 0) return node;
    }
    return NULL;
}

static void the_tape_as_json(void **state)
{
    (void)state;
    for (int watched = 0; watched < 2; watched++) {
        ag_tape *t = ag_tape_new(.profile = watched);
        ag_module *net = small_net();
        ag_tensor *y = ag_mean(ag_square(ag_forward(net, ag_randn(AG_F32, 5, 3)))), *apart = ag_exp(y);
        (void)apart;
        FILE *to = paper();
        assert_int_equal(ag_write_json(y, to, .params = ag_parameters(net)), AG_OK);
        json_t *graph = parsed(to);
        assert_null(node_of(graph, "op", "ag_exp"));
        const json_t *mean = node_of(graph, "op", "ag_mean"), *bias = node_of(graph, "name", "2.0.bias");
        assert_non_null(mean);
        assert_non_null(bias);
        assert_int_equal(json_integer_value(json_object_get(graph, "result")),
                         json_integer_value(json_object_get(mean, "id")));
        assert_int_equal(json_integer_value(json_array_get(json_object_get(bias, "shape"), 0)), 2);
        assert_true(json_is_true(json_object_get(bias, "requires_grad")));
        assert_true((node_of(graph, "scope", "Sequential.2.1") != NULL) == watched);
        const char *at = json_string_value(json_object_get(mean, "at"));
        assert_true((at && strstr(at, "ag_mean (test/test_inspect.c:")) == watched);
        /* each input is there, and before what it goes into */
        size_t i, k;
        json_t *node, *in;
        json_int_t last = -1;
        json_array_foreach(json_object_get(graph, "nodes"), i, node)
        {
            json_int_t id = json_integer_value(json_object_get(node, "id"));
            assert_true(id > last);
            last = id;
            json_array_foreach(json_object_get(node, "inputs"), k, in) assert_true(json_integer_value(in) < id);
        }
        json_decref(graph);
        to = paper();
        assert_int_equal(ag_write_json(NULL, to), AG_OK);
        graph = parsed(to);
        assert_non_null(node_of(graph, "op", "ag_exp"));
        assert_true(json_is_null(json_object_get(graph, "result")));
        json_decref(graph);
        ag_module_free(net);
        ag_tape_free(t);
    }
}

static ag_tensor *mixed(void)
{
    ag_scalar s[2], x = ag_input(0.5);
    ag_unpack(ag_sin(ag_variable(ag_ones(AG_F64, 2))), 2, s);
    return ag_exp(ag_pack(2, ((ag_scalar[]){ ag_mul(s[0], x), ag_add(s[1], x) })));
}

static void the_tape_as_dot(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.anomaly = true);
    ag_module *net = small_net();
    ag_tensor *through_scalars = mixed();
    ag_tensor *y = ag_add(ag_mean(ag_to(ag_forward(net, ag_randn(AG_F32, 5, 3)), AG_F64)), ag_sum(through_scalars));
    const char *path = files_path("tape.dot");
    FILE *to = fopen(path, "w+");
    assert_non_null(to);
    assert_int_equal(ag_write_dot(y, to, .params = ag_parameters(net)), AG_OK);
    const char *dot = written(to);
    static const char *const parts[] = { "digraph tape {",
                                         "label=\"Sequential.0\"",
                                         "label=\"Sequential.2.0\"",
                                         "0.weight\\nleaf",
                                         "ag_sin",
                                         "ag_unpack",
                                         "ag_pack",
                                         "test_inspect.c:",
                                         "penwidth=2" };
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        if (!strstr(dot, parts[k])) fail_msg("no %s in %s", parts[k], dot);
    int open = 0;
    for (const char *s = dot; *s; s++) open += (*s == '{') - (*s == '}');
    assert_int_equal(open, 0);
    ag_module_free(net);
    ag_tape_free(t);

    t = ag_tape_new();
    assert_int_equal(ag_write_dot(NULL, NULL), AG_ENULL);
    ag_clear_error();
    to = paper();
    assert_int_equal(ag_write_dot(NULL, to), AG_OK);
    assert_int_equal(ag_write_json(NULL, to), AG_OK);
    fclose(to);
    ag_tape_free(t);

    if (system("command -v dot >/dev/null")) skip(); /* graphviz is not installed */
    char command[600];
    snprintf(command, sizeof command, "dot -Tsvg '%s' -o '%s'", path, files_path("tape.svg"));
    assert_int_equal(system(command), 0);
    assert_true(files_exist(files_path("tape.svg")));
}

/* ---- profiles ---- */

static void a_profile(void **state)
{
    (void)state;
    enum { STEPS = 3 };
    ag_tape *t = ag_tape_new(.profile = true);
    ag_module *net = small_net();
    for (int k = 0; k < STEPS; k++) {
        ag_tensor *x = ag_variable(ag_randn(AG_F64, 50, 40)), *w = ag_variable(ag_randn(AG_F64, 40, 30));
        ag_backward(ag_add(ag_sum(ag_matmul(x, w)), ag_to(ag_mean(ag_forward(net, ag_ones(AG_F32, 5, 3))), AG_F64)));
        assert_int_equal(ag_tape_reset(t), AG_OK);
    }
    FILE *to = paper();
    assert_int_equal(ag_profile_print(to), AG_OK);
    const char *table = written(to);
    unsigned long long count = 0, bytes = 0, back = 0;
    double ms = -1;
    const char *line = strstr(table, "ag_matmul  "), *backward = strstr(table, "ag_matmul backward");
    assert_non_null(line);
    assert_non_null(backward);
    assert_int_equal(sscanf(line, "ag_matmul %llu %lf %*f %llu", &count, &ms, &bytes), 3);
    assert_int_equal(count, STEPS);
    assert_int_equal(bytes, STEPS * 8 * (50 * 40 + 40 * 30 + 50 * 30));
    assert_true(ms >= 0);
    assert_int_equal(sscanf(backward, "ag_matmul backward %llu", &back), 1);
    assert_int_equal(back, STEPS);
    assert_non_null(strstr(table, "total"));

    to = paper();
    assert_int_equal(ag_profile_trace(to), AG_OK);
    json_t *trace = parsed(to), *event;
    size_t i, products = 0;
    double end = 0;
    json_array_foreach(json_object_get(trace, "traceEvents"), i, event)
    {
        double ts = json_number_value(json_object_get(event, "ts")),
               dur = json_number_value(json_object_get(event, "dur"));
        assert_string_equal(json_string_value(json_object_get(event, "ph")), "X");
        assert_true(dur >= 0 && ts >= end - 0.01); /* one after the other */
        end = ts + dur;
        if (strcmp(json_string_value(json_object_get(event, "name")), "ag_matmul")) continue;
        products++;
        json_t *args = json_object_get(event, "args");
        assert_int_equal(json_integer_value(json_object_get(args, "flops")), 2 * 50 * 40 * 30);
    }
    assert_int_equal(products, STEPS);
    json_decref(trace);
    ag_module_free(net);
    ag_tape_free(t);

    t = ag_tape_new();
    assert_int_equal(ag_profile_print(stdout), AG_EINVAL);
    ag_clear_error();
    assert_int_equal(ag_profile_trace(NULL), AG_ENULL);
    ag_clear_error();
    assert_false(ag_scopes());
    assert_false(ag_scope_begin("a"));
    ag_scope_end();
    ag_tape_free(t);
}

/* By hand: f32, what is differentiated drawn by DRAW. */
#define DRAW(...) ag_variable(ag_randn(AG_F32, __VA_ARGS__))
static ag_tensor *product(void)
{
    return ag_matmul(DRAW(50, 40), DRAW(40, 30));
}
static ag_tensor *product_by_data(void)
{
    return ag_matmul(DRAW(50, 40), ag_randn(AG_F32, 40, 30));
}
static ag_tensor *products_of_a_batch(void)
{
    return ag_matmul(DRAW(3, 5, 7), DRAW(3, 7, 11));
}
static ag_tensor *layer(void)
{
    return ag_linear(DRAW(50, 40), DRAW(30, 40), DRAW(30));
}
static ag_tensor *convolution(void)
{
    return ag_conv2d(DRAW(2, 6, 8, 8), DRAW(9, 2, 3, 3), NULL, .groups = 3, .padding = 1);
}
static ag_tensor *transposed_convolution(void)
{
    return ag_conv_transpose2d(DRAW(2, 3, 8, 8), DRAW(3, 5, 3, 3), DRAW(5), .stride = 2);
}
static ag_tensor *attention(void)
{
    return ag_attention(DRAW(2, 4, 10, 8), DRAW(2, 4, 12, 8), DRAW(2, 4, 12, 6));
}
static ag_tensor *sum_of_two(void)
{
    return ag_add(DRAW(50, 40), DRAW(40));
}
static ag_tensor *by_a_number(void)
{
    return ag_mul(DRAW(50, 40), 3.0);
}
static ag_tensor *sum_of_rows(void)
{
    return ag_sum(DRAW(50, 40), 1);
}
static ag_tensor *view(void)
{
    return ag_reshape(DRAW(50, 40), 2000);
}
static ag_tensor *copied_operand(void) /* to row-major order */
{
    return ag_cumsum(ag_transpose(DRAW(50, 40), 0, 1), 1);
}
static ag_status first_forward(ag_call *c)
{
    memcpy(ag_f32_write(c->out[0]), ag_f32(c->in[0]), (size_t)ag_numel(c->in[0]) * sizeof(float));
    return AG_OK;
}
static ag_status first_vjp(ag_call *c)
{
    c->gin[0] = c->g[0];
    return AG_OK;
}
static ag_tensor *copied_operands(void) /* three of them */
{
    static const ag_op op = {
        .name = "first", .n_in = 3, .shape = ag_shape_same, .forward = first_forward, .vjp = first_vjp
    };
    ag_tensor *x = ag_transpose(DRAW(5, 4), 0, 1);
    return ag_apply(&op, NULL, x, x, x);
}

static void profiles_count_what_was_done(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        ag_tensor *(*make)(void);
        uint64_t flops, back, bytes, back_bytes;
    } cases[] = {
        { "ag_matmul", product, 2 * 50 * 40 * 30, 4 * 50 * 40 * 30, 4 * (2000 + 1200 + 1500), 18800 },
        { "ag_matmul", product_by_data, 2 * 50 * 40 * 30, 2 * 50 * 40 * 30, 18800, 18800 },
        { "ag_matmul", products_of_a_batch, 2 * 3 * 5 * 7 * 11, 4 * 3 * 5 * 7 * 11, 4 * (105 + 231 + 165), 2004 },
        { "ag_linear", layer, 2 * 50 * 40 * 30, 4 * 50 * 40 * 30, 4 * (2000 + 1200 + 30 + 1500), 18920 },
        { "convolution", convolution, 2 * 2 * 9 * 64 * 18, 4 * 2 * 9 * 64 * 18, 4 * (768 + 162 + 1152), 8328 },
        { "convolution_input", transposed_convolution, 2 * 2 * 3 * 64 * 45, 4 * 2 * 3 * 64 * 45,
          4 * (384 + 135 + 5 + 2 * 5 * 17 * 17), 13656 },
        { "ag_attention", attention, 2 * 8 * 10 * 12 * (8 + 6), 2 * 8 * 10 * 12 * (3 * 8 + 2 * 6),
          4 * (640 + 768 + 576 + 480), 9856 },
        { "ag_add", sum_of_two, 2000, 2000, 4 * (2000 + 40 + 2000), 16160 },
        { "ag_mul", by_a_number, 2000, 2000, 4 * (2000 + 1 + 2000), 16004 },
        { "ag_sum", sum_of_rows, 2000, 2000, 4 * (2000 + 50), 8200 },
        { "ag_reshape", view, 0, 0, 0, 4 * (2000 + 2000) },
        { "ag_cumsum", copied_operand, 2000, 2000, 4 * (2000 + 2000), 16000 },
        { "first", copied_operands, 20, 20, 4 * 4 * 20, 4 * 4 * 20 },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        ag_tape *t = ag_tape_new(.profile = true);
        ag_tensor *apart = ag_erf(DRAW(2)), *y = cases[k].make();
        (void)apart;
        ag_backward(ag_mean(y));
        FILE *to = paper();
        assert_int_equal(ag_profile_trace(to), AG_OK);
        json_t *trace = parsed(to), *event;
        size_t i, forward = 0, backward = 0;
        json_array_foreach(json_object_get(trace, "traceEvents"), i, event)
        {
            const char *name = json_string_value(json_object_get(event, "name")), *rest;
            const json_t *args = json_object_get(event, "args");
            const uint64_t flops = (uint64_t)json_integer_value(json_object_get(args, "flops")),
                           bytes = (uint64_t)json_integer_value(json_object_get(args, "bytes"));
            assert_string_not_equal(name, "ag_erf backward"); /* no gradient came to it */
            assert_string_not_equal(name, "ag_apply");        /* a part of "first" */
            if (strncmp(name, cases[k].name, strlen(cases[k].name))) continue;
            rest = name + strlen(cases[k].name);
            assert_true(!*rest || !strcmp(rest, " backward"));
            *rest ? backward++ : forward++;
            if (flops != (*rest ? cases[k].back : cases[k].flops) ||
                bytes != (*rest ? cases[k].back_bytes : cases[k].bytes))
                fail_msg("%s: %llu flops, %llu bytes", name, (unsigned long long)flops, (unsigned long long)bytes);
        }
        if (forward != 1 || backward != 1) fail_msg("%s: %zu and %zu times", cases[k].name, forward, backward);
        json_decref(trace);
        ag_tape_free(t);
    }
}

/* What is not recorded has a name, a count and a size as well. */
static void profiles_without_gradients(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.profile = true);
    for (int k = 0; k < 5; k++)
        AG_NO_GRAD {
            ag_tensor *y = ag_relu(ag_matmul(ag_randn(AG_F32, 50, 40), ag_randn(AG_F32, 40, 30)));
            ag_argmax(ag_mul(ag_cumsum(ag_transpose(y, 0, 1), 1), 2.0), 1);
            ag_tape_reset(t);
        }
    FILE *to = paper();
    assert_int_equal(ag_profile_print(to), AG_OK);
    const char *table = written(to);
    static const struct {
        const char *name;
        uint64_t count, bytes, flops;
    } rows[] = {
        { "\nag_randn ", 10, 5 * 4 * (2000 + 1200), 0 },
        { "\nag_matmul ", 5, 5 * 18800, 5 * 120000 },
        { "\nag_relu ", 5, 5 * 4 * 3000, 5 * 1500 },
        { "\nag_cumsum ", 5, 5 * 4 * 3000, 5 * 1500 },
        { "\nag_mul ", 5, 5 * 4 * 3001, 5 * 1500 },
        { "\nag_argmax ", 5, 5 * (4 * 1500 + 8 * 30), 5 * 1500 },
        { "\nag_transpose ", 5, 0, 0 },
        { "\ntotal ", 40, 0, 0 },
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        unsigned long long count = 0, bytes = 0, flops = 0;
        const char *row = strstr(table, rows[k].name);
        assert_non_null(row);
        sscanf(row + strlen(rows[k].name), "%llu %*f %*f %llu %*f %llu", &count, &bytes, &flops);
        if (count != rows[k].count || bytes != rows[k].bytes || flops != rows[k].flops)
            fail_msg("%s: %llu times, %llu bytes, %llu flops", rows[k].name + 1, count, bytes, flops);
    }
    ag_tape_free(t);
}

static void operations_have_any_name(void **state)
{
    (void)state;
    static const ag_op op = {
        .name = "my \"copy\" \\ \n\xff", .n_in = 1, .shape = ag_shape_same, .forward = first_forward, .vjp = first_vjp
    };
    ag_tape *t = ag_tape_new(.profile = true);
    ag_backward(ag_sum(ag_apply(&op, NULL, DRAW(2))));
    FILE *to = paper();
    assert_int_equal(ag_profile_trace(to), AG_OK);
    json_t *trace = parsed(to), *event;
    size_t i, seen = 0;
    json_array_foreach(json_object_get(trace, "traceEvents"), i, event) seen +=
        !strcmp(json_string_value(json_object_get(event, "name")), "my \"copy\" \\ \n\xef\xbf\xbd backward");
    assert_int_equal(seen, 1);
    json_decref(trace);
    to = paper();
    assert_int_equal(ag_profile_print(to), AG_OK);
    assert_non_null(strstr(written(to), "my \"copy\""));
    ag_tape_free(t);
}

/* ---- a file that cannot grow: what was written may still be in its buffer ---- */

static void full_files_are_reported(void **state)
{
    (void)state;
    ag_tape *t = ag_tape_new(.profile = true);
    ag_tensor *y = ag_exp(DRAW(2));
    struct rlimit was, small;
    ag_status got[4] = { AG_OK };
    getrlimit(RLIMIT_FSIZE, &was);
    small = was, small.rlim_cur = 8;
    signal(SIGXFSZ, SIG_IGN);
    for (int k = 0; k < 4; k++) {
        FILE *to = fopen(files_path("full.txt"), "w");
        assert_non_null(to);
        setrlimit(RLIMIT_FSIZE, &small);
        got[k] = k == 0   ? ag_write_dot(y, to)
                 : k == 1 ? ag_write_json(y, to)
                 : k == 2 ? ag_profile_print(to)
                          : ag_profile_trace(to);
        fclose(to);
        setrlimit(RLIMIT_FSIZE, &was);
        ag_clear_error();
    }
    signal(SIGXFSZ, SIG_DFL);
    for (int k = 0; k < 4; k++) assert_int_equal(got[k], AG_EIO);
    ag_tape_free(t);
}

/* ---- out of memory: a limit that is too small for what a watched tape keeps ---- */

static void watched_tapes_may_run_out_of_memory(void **state)
{
    (void)state;
    int full = 0;
    for (uint64_t limit = 4096; limit < 1000000; limit += 9973) {
        ag_tape *t = ag_tape_new(.anomaly = true, .profile = true, .memory_limit = limit);
        if (!t) {
            assert_int_equal(ag_clear_error(), AG_ENOMEM);
            continue;
        }
        ag_tensor *x = ag_variable(ag_ones(AG_F64, 20)), *y = x;
        ag_scalar s = ag_input(1);
        for (int k = 0; k < 600; k++) y = ag_sin(y), s = ag_sin(s);
        ag_backward(ag_sum(y));
        ag_status status = ag_tape_reset(t);
        full += status == AG_ENOMEM;
        assert_true(status == AG_OK || status == AG_ENOMEM);
        ag_tape_free(t);
    }
    print_message("# a watched tape: %d memory limits too small\n", full);
    assert_true(full > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_judged),
        cmocka_unit_test(gradients_of_any_size),
        cmocka_unit_test(the_tape_as_json),
        cmocka_unit_test(the_tape_as_dot),
        cmocka_unit_test(a_profile),
        cmocka_unit_test(profiles_count_what_was_done),
        cmocka_unit_test(profiles_without_gradients),
        cmocka_unit_test(operations_have_any_name),
        cmocka_unit_test(full_files_are_reported),
        cmocka_unit_test(watched_tapes_may_run_out_of_memory),
    };
    return cmocka_run_group_tests(tests, files_setup, files_teardown);
}
