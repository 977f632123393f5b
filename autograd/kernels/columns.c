/* columns.c - sums of columns, as the gradients of biases are. */
#ifndef AG__TEXT
#include <autograd/kernels/isa.h>
#include <autograd/kernels/kernels.h>
#include <autograd/kernels/shuffle.h>

enum { ROWS = 128 }; /* summed before they are added to a total, so that rounding errors do not pile up */

#define AG__TEXT <autograd/kernels/columns.c>
#include <autograd/kernels/each_real.h>
#else
#include <autograd/kernels/vector.h>
#define vec AG__TYPED(vec)
#define VL  ((int)(AG__VECTOR_BYTES / sizeof(real)))

/* `vectors` of columns side by side; lanes of the last one count if they are below `lanes`. */
AG__INLINE void AG__TYPED(sum_some)(int vectors, int lanes, int64_t rows, const real *x, int64_t ld, real *y, bool add)
{
    enum { MOST = 4 };
    vec total[MOST], sum[MOST];
    const bool part = lanes < VL;
    for (int v = 0; v < vectors; v++) {
        total[v] = (vec){ 0 };
        if (add) total[v] = part ? AG__TYPED(load_lanes)(y + v * VL, 0, lanes) : *(const vec *)(y + v * VL);
    }
    for (int64_t done = 0; done < rows; done += ROWS) {
        int64_t end = rows - done < ROWS ? rows : done + ROWS;
        for (int v = 0; v < vectors; v++) sum[v] = (vec){ 0 };
        for (int64_t i = done; i < end; i++)
            for (int v = 0; v < vectors; v++)
                sum[v] +=
                    part ? AG__TYPED(load_lanes)(x + i * ld + v * VL, 0, lanes) : *(const vec *)(x + i * ld + v * VL);
        for (int v = 0; v < vectors; v++) total[v] += sum[v];
    }
    for (int v = 0; v < vectors; v++) {
        if (part)
            AG__TYPED(store_lanes)(y + v * VL, 0, lanes, total[v]);
        else
            *(vec *)(y + v * VL) = total[v];
    }
}

void AG__TYPED(sum_columns)(int64_t rows, int64_t n, const void *from, int64_t ld, void *to, bool add)
{
    const real *x = from;
    real *y = to;
    int64_t j = 0;
    for (; j + 4 * VL <= n; j += 4 * VL) AG__TYPED(sum_some)(4, VL, rows, x + j, ld, y + j, add);
    for (; j + VL <= n; j += VL) AG__TYPED(sum_some)(1, VL, rows, x + j, ld, y + j, add);
    if (j < n) AG__TYPED(sum_some)(1, (int)(n - j), rows, x + j, ld, y + j, add);
}
#undef vec
#undef VL
#endif
