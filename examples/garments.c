/* garments.c - counts predictions, and draws images with characters. */
#include <examples/garments.h>

#include <string.h>

static const char *const names[CLASSES] = { "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                            "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot" };

static void keep(garment *g, const float *pixels, int64_t label, int64_t prediction)
{
    g->label = (int)label, g->prediction = (int)prediction;
    memcpy(g->pixel, pixels, sizeof g->pixel);
}

void verdict_add(verdict *v, ag_tensor *images, ag_tensor *labels, ag_tensor *predictions)
{
    const float *pixels = ag_f32(images);
    const int64_t *label = ag_i64(labels), *prediction = ag_i64(predictions);
    if (!pixels || !label || !prediction) return;
    for (int64_t i = 0, n = ag_numel(labels); i < n; i++, pixels += 28 * 28) {
        v->count[label[i]][prediction[i]]++;
        if (label[i] == prediction[i] && v->n_right < SHOWN)
            keep(&v->right[v->n_right++], pixels, label[i], prediction[i]);
        else if (label[i] != prediction[i] && v->n_wrong < SHOWN)
            keep(&v->wrong[v->n_wrong++], pixels, label[i], prediction[i]);
    }
}

double verdict_accuracy(const verdict *v)
{
    int64_t right = 0, all = 0;
    for (int i = 0; i < CLASSES; i++)
        for (int j = 0; j < CLASSES; j++) all += v->count[i][j], right += i == j ? v->count[i][j] : 0;
    return (double)right / (double)all;
}

static void print_class(const int64_t count[CLASSES], int label, FILE *to)
{
    int64_t all = 0;
    int other = -1;
    for (int j = 0; j < CLASSES; j++) {
        all += count[j];
        if (j != label && count[j] > 0 && (other < 0 || count[j] > count[other])) other = j;
    }
    if (!all) return;
    fprintf(to, "  %-11s  %.4f", names[label], (double)count[label] / (double)all);
    if (other >= 0)
        fprintf(to, "  else mostly %s (%lld of %lld)", names[other], (long long)count[other], (long long)all);
    fputc('\n', to);
}

/* Side by side; a character is two pixels high. */
static void draw(const garment *g, int n, FILE *to)
{
    static const char shades[] = " .:-=+*#%@";
    for (int i = 0; i < n; i++) {
        char caption[64];
        if (g[i].label == g[i].prediction)
            snprintf(caption, sizeof caption, "%s, named rightly", names[g[i].label]);
        else
            snprintf(caption, sizeof caption, "%s, taken for %s", names[g[i].label], names[g[i].prediction]);
        fprintf(to, i + 1 < n ? "  %-36s" : "  %s\n", caption);
    }
    for (int row = 0; n && row < 28; row += 2) {
        for (int i = 0; i < n; i++) {
            char line[29] = { 0 };
            for (int k = 0; k < 28; k++)
                line[k] = shades[(int)(9.99F * (g[i].pixel[row][k] + g[i].pixel[row + 1][k]) / 2)];
            fprintf(to, i + 1 < n ? "  %-36s" : "  %s\n", line);
        }
    }
}

void verdict_print(const verdict *v, FILE *to)
{
    fputs("accuracy by kind:\n", to);
    for (int i = 0; i < CLASSES; i++) print_class(v->count[i], i, to);
    draw(v->right, v->n_right, to);
    draw(v->wrong, v->n_wrong, to);
}
