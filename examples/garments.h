/* garments.h - what became of the test images: per kind of garment, and a few of them drawn as text. */
#ifndef EXAMPLES_GARMENTS_H
#define EXAMPLES_GARMENTS_H
#include <autograd/autograd.h>

enum { CLASSES = 10, SHOWN = 2 };

typedef struct garment {
    int label, prediction;
    float pixel[28][28]; /* 0 to 1 */
} garment;

/* Zero-initialised to begin with. */
typedef struct verdict {
    int64_t count[CLASSES][CLASSES]; /* by label, then by prediction */
    int n_right, n_wrong;            /* how many are kept for drawing: the first ones */
    garment right[SHOWN], wrong[SHOWN];
} verdict;

/* Adds a batch: images f32 [n,1,28,28], labels and predictions i64 [n]. */
void verdict_add(verdict *v, ag_tensor *images, ag_tensor *labels, ag_tensor *predictions);
double verdict_accuracy(const verdict *v);
/* The accuracy of each kind with what it is most often taken for, and the garments that were kept. */
void verdict_print(const verdict *v, FILE *to);
#endif
