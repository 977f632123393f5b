/* curve.c - means of stretches, and a drawing of them. */
#include <examples/curve.h>

#include <math.h>
#include <stdio.h>

enum { WIDTH = 720, HEIGHT = 400, LEFT = 60, RIGHT = 700, TOP = 40, BOTTOM = 360 };

/* Half as many points, each the mean of twice as many values. */
static void halve(curve *c)
{
    c->n /= 2;
    c->stretch *= 2;
    for (int i = 0; i < c->n; i++) c->point[i] = (c->point[2 * i] + c->point[2 * i + 1]) / 2;
}

void curve_add(curve *c, double value)
{
    if (!c->stretch) c->stretch = 1;
    c->sum += value;
    if (++c->count < c->stretch) return;
    c->point[c->n++] = c->sum / (double)c->count;
    c->sum = 0, c->count = 0;
    if (c->n == CURVE_POINTS) halve(c);
}

/* The largest point, rounded up to 1, 2 or 5 times a power of ten; 1 of a curve without a positive one. */
static double top_of(const curve *c)
{
    double most = 0;
    for (int i = 0; i < c->n; i++)
        if (isfinite(c->point[i])) most = fmax(most, c->point[i]);
    if (most <= 0) return 1;
    double power = pow(10, floor(log10(most)));
    return most <= power ? power : most <= 2 * power ? 2 * power : most <= 5 * power ? 5 * power : 10 * power;
}

static void draw(const curve *c, FILE *f, const char *title, const char *right)
{
    double top = top_of(c), step = c->n > 1 ? (double)(RIGHT - LEFT) / (c->n - 1) : 0;
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
            "font-size=\"13\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
            "<text x=\"%d\" y=\"24\" font-size=\"16\">%s</text>\n",
            WIDTH, HEIGHT, LEFT, title);
    for (int i = 0; i <= 5; i++) {
        int y = BOTTOM - (BOTTOM - TOP) * i / 5;
        fprintf(f, "<path d=\"M%d %dH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3g</text>\n",
                LEFT, y, RIGHT, LEFT - 8, y + 4, top * i / 5);
    }
    fprintf(f, "<text x=\"%d\" y=\"%d\">0</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT,
            BOTTOM + 20, RIGHT, BOTTOM + 20, right);
    fputs("<polyline fill=\"none\" stroke=\"#1f6fb4\" stroke-width=\"1.5\" points=\"", f);
    for (int i = 0; i < c->n; i++)
        if (isfinite(c->point[i]))
            fprintf(f, "%.1f,%.1f ", LEFT + i * step, BOTTOM - (BOTTOM - TOP) * c->point[i] / top);
    fputs("\"/>\n</svg>\n", f);
}

bool curve_write_svg(const curve *c, const char *path, const char *title, const char *right)
{
    FILE *f = fopen(path, "w");
    if (!f) return false;
    draw(c, f, title, right);
    bool whole = !ferror(f);
    return fclose(f) == 0 && whole;
}
