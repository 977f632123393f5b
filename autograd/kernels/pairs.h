/* pairs.h - sums of blocks, joined in pairs.
 *
 * Every reduction goes by blocks of AG__BLOCK elements counted from the first, whatever the stride, and adds the blocks'
 * sums as a binary tree: the result is a function of the values alone, and its rounding error grows with log n. */
#ifndef AG_KERNELS_PAIRS_H
#define AG_KERNELS_PAIRS_H
#include <stdint.h>

enum { AG__BLOCK = 256 };

/* A binary counter: part[i] holds the sum of 2^i blocks where bit i of count is set. */
typedef struct ag__pairs {
    uint64_t count;
    double part[56];
} ag__pairs;
static inline void ag__pairs_add(ag__pairs *p, double x)
{
    int i = 0;
    for (; p->count >> i & 1; i++) x += p->part[i];
    p->part[i] = x;
    p->count++;
}
static inline double ag__pairs_sum(const ag__pairs *p)
{
    double sum = 0;
    for (int i = 0; p->count >> i; i++)
        if (p->count >> i & 1) sum += p->part[i];
    return sum;
}
#endif
