/* window.h - windows that slide over the last one, two or three axes: what convolutions, pools and im2col share. Fewer than
 * three axes count as three, the first ones of size 1.
 *
 * Along an axis, element k of window p is x[p stride - before + k dilation]; outside of the axis it is 0. */
#ifndef AG_OPS_WINDOW_H
#define AG_OPS_WINDOW_H
#include <autograd/ops/family.h>

enum { AG__AXES = 3 };
typedef struct ag__windows {
    int64_t x[AG__AXES], y[AG__AXES]; /* elements and windows */
    int64_t kernel[AG__AXES], stride[AG__AXES], before[AG__AXES], dilation[AG__AXES];
} ag__windows;

static inline int64_t ag__volume(const int64_t *size) { return size[0] * size[1] * size[2]; }
/* Elements from the first to the last of a window. */
static inline int64_t ag__reach(const ag__windows *w, int axis) { return w->dilation[axis] * (w->kernel[axis] - 1) + 1; }

/* One element in one window along each axis. */
ag__windows ag__one_window(void);
/* The sizes of the last `rank` axes of l, which must be small enough for arithmetic; false with the error remembered. */
bool ag__window_sizes(int64_t *size, int rank, const ag__layout *l, const char *who);
/* What a user says about the last `rank` axes: of each, `all` where that is 0, `otherwise` where both are. Negative or huge
 * numbers, or 0 where none may be, are reported as `what`. */
bool ag__along(int64_t *to, int rank, int64_t all, const int64_t *each, int64_t otherwise, bool zero, const char *who,
               const char *what);

/* Columns [channels * kernel, to - from] of windows from .. to-1 of x [channels, elements]. back: added to x instead. */
void ag__columns(const ag__windows *w, ag_dtype dtype, int64_t channels, int64_t from, int64_t to, void *x, void *columns,
                 bool back);

/* The options of pools, im2col and col2im. */
enum ag__pool_option {
    AG__STRIDE = 1,
    AG__PADDING = 2,
    AG__DILATION = 4,
    AG__KERNELS = 8,
    AG__SIZES = 16,
    AG__CEIL = 32,
    AG__EXCLUDE = 64,
    AG__DIVISOR = 128,
    AG__INDEX = 256
};
/* False, reported, if an option is given that is not among those. */
bool ag__pool_options_fit(const ag_pool_options *o, int has, const char *who);
/* *w from a kernel and options over `rank` axes: all but the sizes. own_stride: that of the kernel is the default. */
bool ag__windows_asked(ag__windows *w, int rank, int64_t kernel, const ag_pool_options *o, bool own_stride,
                       const char *who);
#endif
