/* two_moons.c - a classifier of points in the plane, from data to picture: 1,000 points on two interleaved half circles
 * train a small network, 500 others test it.
 *
 * Prints the loss as it falls, the share of test points named rightly, and a map: the test points of both classes, o
 * and x, over the regions that the network gives them, blank and dotted. The same map, with shades between the regions,
 * is written as SVG. */
#include <autograd/autograd.h>
#include <nn/nn.h>
#include <optim/optim.h>
#include <errno.h>
#include <math.h>
#include <string.h>

enum { TRAIN = 1000, TEST = 500, EPOCHS = 30 };
static const double noise = 0.1;

/* What the maps show of the plane, and where a point is on them: 0 to 1 from the left, from the top. */
static const double left = -1.5, right = 2.5, bottom = -1, top = 1.5;

static double across(const float *point)
{
    return (point[0] - left) / (right - left);
}
static double down(const float *point)
{
    return (top - point[1]) / (top - bottom);
}

/* Half circles of radius 1, the classes by turns; x [n,2], y [n,1] is 0 or 1. */
static ag_dataset *two_moons(int64_t n)
{
    ag_tensor *x = ag_keep(ag_mul(noise, ag_randn(AG_F32, n, 2))), *y = ag_new(AG_F32, n, 1);
    ag_tensor *angles = ag_mul(acos(-1), ag_rand(AG_F32, n));
    const float *angle = ag_f32(angles);
    float *point = ag_f32_write(x), *class = ag_f32_write(y);
    for (int64_t i = 0; i < n && !ag_error(); i++, point += 2) {
        bool lower = i % 2;
        point[0] += lower ? 1 - cosf(angle[i]) : cosf(angle[i]);
        point[1] += lower ? 0.5F - sinf(angle[i]) : sinf(angle[i]);
        class[i] = lower;
    }
    ag_dataset *set = ag_dataset_of(x, y);
    ag_free(x), ag_free(y); /* the set keeps them */
    return set;
}

static void train(ag_module *net, ag_loader *points, ag_tape *tape)
{
    ag_optim *opt = ag_adam(ag_parameters(net), .lr = 0.005);
    for (int epoch = 1; epoch <= EPOCHS && !ag_error(); epoch++) {
        double sum = 0;
        for (ag_batch b; ag_next(points, &b);) {
            ag_tensor *loss = ag_bce_with_logits(ag_forward(net, b.x), b.y);
            ag_backward(loss);
            if (ag_step(opt)) break; /* whatever went wrong: main reports it */
            sum += ag_item(loss) * (double)b.n;
            ag_tape_reset(tape);
        }
        if (epoch % 10 == 0 && !ag_error())
            printf("epoch %d  loss %.4f\n", epoch, sum / (double)ag_loader_count(points));
    }
    ag_optim_free(opt);
}

/* The probability of class 1 at the centres of cells that cover the maps: f32 [rows,columns], top row first. */
static ag_tensor *probabilities(ag_module *net, int64_t rows, int64_t columns)
{
    ag_tensor *centres = ag_zeros(AG_F32, rows * columns, 2);
    float *at = ag_f32_write(centres);
    for (int64_t i = 0; at && i < rows * columns; i++) {
        at[2 * i] = (float)(left + (right - left) * ((double)(i % columns) + 0.5) / (double)columns);
        at[2 * i + 1] = (float)(top - (top - bottom) * ((double)(i / columns) + 0.5) / (double)rows);
    }
    return ag_reshape(ag_sigmoid(ag_forward(net, centres)), rows, columns);
}

static void draw_text(ag_module *net, ag_batch points)
{
    enum { ROWS = 20, COLUMNS = 64 };
    char map[ROWS][COLUMNS];
    const float *p = ag_f32(probabilities(net, ROWS, COLUMNS)), *at = ag_f32(points.x), *class = ag_f32(points.y);
    if (ag_error()) return;
    for (int i = 0; i < ROWS * COLUMNS; i++) map[i / COLUMNS][i % COLUMNS] = p[i] > 0.5F ? '.' : ' ';
    for (int64_t i = 0; i < points.n; i++, at += 2) {
        double column = across(at) * COLUMNS, row = down(at) * ROWS;
        if (column < 0 || column >= COLUMNS || row < 0 || row >= ROWS) continue;
        map[(int)row][(int)column] = class[i] > 0 ? 'x' : 'o';
    }
    for (int row = 0; row < ROWS; row++) printf("%.*s\n", COLUMNS, map[row]);
}

/* The more likely class 1, the more orange and the less blue, in ten shades; cells of one shade in a row are one
 * rectangle. False if the file could not be written: see errno. */
static bool draw_svg(const char *path, ag_module *net, ag_batch points)
{
    enum { ROWS = 100, COLUMNS = 160, CELL = 5, SHADES = 10 };
    const float *p = ag_f32(probabilities(net, ROWS, COLUMNS)), *at = ag_f32(points.x), *class = ag_f32(points.y);
    if (ag_error()) return true;
    FILE *f = fopen(path, "w");
    if (!f) return false;
    fprintf(f, "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d'>\n", COLUMNS * CELL, ROWS * CELL);
    fputs("<rect width='100%' height='100%' fill='#bfdbfe'/>\n", f);
    for (int row = 0; row < ROWS; row++, p += COLUMNS)
        for (int from = 0, to = 0; from < COLUMNS; from = to) {
            long shade = lrintf(p[from] * SHADES);
            while (to < COLUMNS && lrintf(p[to] * SHADES) == shade) to++;
            if (shade)
                fprintf(f, "<rect x='%d' y='%d' width='%d' height='%d' fill='#fed7aa' fill-opacity='%g'/>\n",
                        from * CELL, row * CELL, (to - from) * CELL, CELL, (double)shade / SHADES);
        }
    for (int64_t i = 0; i < points.n; i++, at += 2)
        fprintf(f, "<circle cx='%.1f' cy='%.1f' r='3' fill='%s'/>\n", across(at) * COLUMNS * CELL,
                down(at) * ROWS * CELL, class[i] > 0 ? "#c2410c" : "#1d4ed8");
    fputs("</svg>\n", f);
    bool written = !ferror(f);
    return fclose(f) == 0 && written;
}

int main(int argc, char **argv)
{
    const char *svg = "build/two_moons.svg";
    if (argc == 3 && !strcmp(argv[1], "--svg"))
        svg = argv[2];
    else if (argc > 1)
        return fputs("usage: two_moons [--svg FILE]     default: build/two_moons.svg\n", stderr), 2;

    ag_seed(1);
    ag_tape *tape = ag_tape_new();
    ag_dataset *set = two_moons(TRAIN + TEST);
    ag_loader *learned = ag_loader_new(ag_slice_of(set, 0, TRAIN), .batch = 32, .shuffle = true);
    ag_loader *held_out = ag_loader_new(ag_slice_of(set, TRAIN, 0), .batch = -1); /* all of them at once */
    ag_module *net =
        ag_Sequential(ag_Linear(2, 16), ag_Act(ag_relu), ag_Linear(16, 16), ag_Act(ag_relu), ag_Linear(16, 1));
    bool written = true;

    train(net, learned, tape);
    ag_batch test;
    AG_NO_GRAD
        if (ag_next(held_out, &test)) {
            ag_tensor *hits = ag_eq(ag_gt(ag_forward(net, test.x), 0.0), ag_gt(test.y, 0.5));
            printf("test accuracy: %.4f\n", ag_item(ag_sum(hits)) / (double)test.n);
            draw_text(net, test);
            written = draw_svg(svg, net, test);
        }
    if (!written) fprintf(stderr, "two_moons: cannot write %s: %s\n", svg, strerror(errno));
    bool failed = ag_error(); /* the one check: everything above stops quietly at the first error */
    if (failed) fprintf(stderr, "two_moons: %s\n", ag_errmsg());

    ag_module_free(net);
    ag_loader_free(learned), ag_loader_free(held_out);
    ag_dataset_free(set);
    ag_tape_free(tape);
    return failed || !written;
}
