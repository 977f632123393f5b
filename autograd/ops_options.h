/* ops_options.h - named arguments of the operations that have many. Zero is the default. */
#ifndef AG_OPS_OPTIONS_H
#define AG_OPS_OPTIONS_H
#include <autograd/tensor.h>

/* linear_act */
typedef enum ag_activation { AG_RELU = 1, AG_TANH, AG_SIGMOID } ag_activation;

/* Lists inside of options and calls, by value: .axes = AG_AXES(0, -1), AG_SIZES(1, 2) */
typedef struct ag_axes {
    const int *at;
    int n;
} ag_axes;
typedef struct ag_sizes {
    const int64_t *at;
    int n;
} ag_sizes;
typedef struct ag_factors {
    const double *at;
    int n;
} ag_factors;
#ifndef __cplusplus
#define AG_FACTORS(...)                                                                                                \
    ((ag_factors){ (const double[]){ __VA_ARGS__ }, (int)(sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double)) })
#define AG_AXES(...)                                                                                                   \
    ((ag_axes){ (const int[]){ __VA_ARGS__ }, (int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int)) })
#define AG_SIZES(...)                                                                                                  \
    ((ag_sizes){ (const int64_t[]){ __VA_ARGS__ }, (int)(sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)) })
#endif
/* An option given to a function that does not have it is AG_EINVAL. */
typedef struct ag_activation_options {
    double alpha;            /* elu, celu: 1 */
    double lambd;            /* hardshrink, softshrink: 1/2 */
    double min_val, max_val; /* hardtanh: -1 and 1 */
    double lower, upper;     /* rrelu: 1/8 and 1/3 */
    double eps;              /* logit: x is kept in [eps, 1 - eps]; AG_ZERO in [0, 1]; default: as it is */
    bool training;           /* rrelu */
    uint32_t size;
} ag_activation_options;

typedef struct ag_nan_options { /* nan_to_num */
    double nan;    /* 0 */
    double posinf; /* the dtype's largest number */
    double neginf; /* the dtype's lowest */
    uint32_t size;
} ag_nan_options;

typedef enum ag_reduction {
    AG_MEAN,
    AG_SUM,
    AG_NONE,
    AG_BATCHMEAN /* kl_div: the sum divided by the size of axis 0 */
} ag_reduction;
/* An option given to a loss that does not have it is AG_EINVAL. AG_ZERO for a true zero. */
typedef struct ag_loss_options {
    ag_reduction reduction;
    ag_tensor *weight;      /* cross_entropy, nll_loss, multi_margin_loss: one number per class, a constant; the mean of the
                             * first two is then a weighted one. The rest: a factor of each loss, broadcast to the input */
    double label_smoothing; /* cross_entropy: in [0, 1] */
    const int64_t *ignore;  /* cross_entropy, nll_loss: a class that counts for nothing, besides the negative ones */
    ag_tensor *pos_weight;  /* bce_with_logits: a factor of the target's part, broadcast to the logits */
    double delta;           /* huber_loss: where the square turns into a line; default 1 */
    double beta;            /* smooth_l1_loss: likewise */
    double margin;          /* hinge_embedding_loss, multi_margin_loss, triplet_margin_loss: 1. margin_ranking_loss,
                             * cosine_embedding_loss: 0 */
    double p;               /* triplet_margin_loss: of the norm, 2. multi_margin_loss: power, 1 or 2; default 1 */
    double eps;             /* gaussian_nll_loss: least variance, 1e-6. poisson_nll_loss: added to the rate, 1e-8.
                             * triplet_margin_loss: added to differences, 1e-6. dice_loss: added to both sums, 1 */
    double alpha, gamma;    /* sigmoid_focal_loss: weight of the ones, 1/4, negative for no weights; power, 2 */
    bool full;              /* gaussian_nll_loss, poisson_nll_loss: with the terms that do not depend on the input */
    bool log_target;        /* kl_div: the target is one of log-probabilities too */
    bool rate;              /* poisson_nll_loss: the input is the rate, not its log */
    bool swap;              /* triplet_margin_loss: the negative's distance is the smaller of those from both others */
    bool zero_infinity;     /* ctc_loss: what cannot be aligned has loss and gradient 0, not inf */
    int64_t blank;          /* ctc_loss: the class that stands for none */
    uint32_t size;
} ag_loss_options;

typedef struct ag_norm_options {
    ag_tensor *weight, *bias; /* of the shape of the normalised axes; the result is multiplied by the one and the other added.
                               * rms_norm has no bias */
    double eps;               /* added to the variance; layer_norm: 1e-5, rms_norm: the dtype's epsilon */
    uint32_t size;
} ag_norm_options;

typedef struct ag_batch_norm_options {
    ag_tensor *weight, *bias; /* one number for each channel; the result is multiplied by the one and the other added */
    ag_tensor *running_mean, *running_var; /* one number for each channel: constants, which are written: */
    bool training;                         /* batch_norm: by the statistics of x, towards which those move; else by those */
    bool use_running_stats;                /* instance_norm: by those; else as in training */
    double momentum; /* running = (1 - momentum) running + momentum times that of x, its variance by n - 1; 0.1 */
    double eps;      /* added to the variance; 1e-5. AG_ZERO for a true zero of both */
    uint32_t size;
} ag_batch_norm_options;

typedef struct ag_normalize_options {
    double p, eps; /* of the norm, 2; the least divisor, 1e-12; AG_ZERO for a true zero */
    ag_axes axes;  /* those of the vectors; axis 1 */
    uint32_t size;
} ag_normalize_options;
typedef struct ag_cosine_options {
    double eps; /* the least norm; 1e-8, or AG_ZERO */
    uint32_t size;
} ag_cosine_options;
typedef struct ag_response_options { /* AG_ZERO for a true zero */
    double alpha, beta, k;           /* 1e-4, 3/4, 1 */
    uint32_t size;
} ag_response_options;

/* ---- images ---- */

typedef enum ag_interpolate_mode {
    AG_INTERPOLATE_NEAREST, /* rounded down, as PyTorch's "nearest" */
    AG_INTERPOLATE_NEAREST_EXACT,
    AG_INTERPOLATE_LINEAR, /* bilinear, trilinear: by the number of axes */
    AG_INTERPOLATE_CUBIC,  /* bicubic */
    AG_INTERPOLATE_AREA    /* the mean of what falls into an element */
} ag_interpolate_mode;
typedef struct ag_interpolate_options {
    ag_interpolate_mode mode;
    ag_sizes sizes;              /* of axes 2, 3, ..: one for each or for all; or */
    ag_factors scale_factor;     /* of these sizes, which are rounded down; likewise */
    bool recompute_scale_factor; /* places follow from the rounded sizes */
    bool align_corners;          /* linear, cubic: the first and last elements' centres stay, not their outer edges */
    bool antialias;              /* linear, cubic: filtered where the result is smaller */
    uint32_t size;
} ag_interpolate_options;

typedef enum ag_grid_mode { AG_GRID_LINEAR, AG_GRID_NEAREST, AG_GRID_CUBIC } ag_grid_mode;
typedef enum ag_grid_padding { AG_GRID_ZEROS, AG_GRID_BORDER, AG_GRID_REFLECTION } ag_grid_padding;
typedef struct ag_grid_options {
    ag_grid_mode mode;
    ag_grid_padding padding; /* what lies outside: 0, the nearest element, the image mirrored */
    bool align_corners;      /* -1 and 1 are the centres of the first and last elements, not their outer edges */
    uint32_t size;
} ag_grid_options;

typedef struct ag_rope_options {
    bool interleaved;     /* pairs of neighbours (2 i, 2 i + 1), as in the paper; else (i, i + width / 2), as in Llama */
    double base;          /* pair i of row p turns by p base^(-2 i / width); 10000 */
    int64_t from;         /* the position of the first row, or what is added to all */
    ag_tensor *positions; /* integers, one for each row; 0, 1, .. */
    int64_t width;        /* how many numbers of a row turn, the first ones; all */
    uint32_t size;
} ag_rope_options;

typedef struct ag_embedding_options {
    const int64_t *padding; /* a row that gets no gradient */
    uint32_t size;
} ag_embedding_options;

typedef struct ag_attention_options {
    ag_tensor *mask; /* broadcasts to the scores [.., heads, n, m]. bool: where a query may look; else added to the scores. A
                      * query that may look nowhere gets 0 */
    bool causal;     /* query i looks at keys 0 .. i only */
    double scale;    /* 1 / sqrt(width) */
    double dropout;  /* of the probabilities, in [0, 1) */
    uint32_t size;
} ag_attention_options;

/* How a quantile between two elements follows from them. */
typedef enum ag_interpolation { AG_LINEAR, AG_LOWER, AG_HIGHER, AG_MIDPOINT, AG_NEAREST } ag_interpolation;
/* An option given to an operation that does not have it is AG_EINVAL. */
typedef struct ag_reduce_options {
    ag_axes axes;                   /* those that go; none: all */
    bool keep;                      /* them, as size 1 */
    double correction;              /* var, std: they divide by n - correction; default 1, AG_ZERO for n itself */
    ag_interpolation interpolation; /* quantile, nanquantile */
    ag_tensor **index;              /* median, nanmedian along an axis: where to leave the place of the element, i64 */
    uint32_t size;
} ag_reduce_options;

typedef struct ag_order_options {
    bool descending;   /* argsort, sort */
    bool smallest;     /* topk: the smallest, in ascending order */
    bool keep;         /* kthvalue, mode: the axis, as size 1 */
    ag_tensor **index; /* where to leave the places of the elements along the axis, i64; NULL after a failure */
    uint32_t size;
} ag_order_options;

typedef struct ag_diff_options {
    int n;                       /* how often; default 1 */
    ag_tensor *prepend, *append; /* joined along the axis first */
    uint32_t size;
} ag_diff_options;

typedef struct ag_diag_options {
    int64_t offset; /* > 0: above the main diagonal, < 0: below it */
    ag_axes axes;   /* two, of rows and columns; default 0, 1 of diagonal, -2, -1 of diag_embed */
    uint32_t size;
} ag_diag_options;

typedef enum ag_pad_mode { AG_PAD_CONSTANT, AG_PAD_REFLECT, AG_PAD_REPLICATE, AG_PAD_CIRCULAR } ag_pad_mode;
typedef struct ag_pad_options {
    ag_pad_mode mode;
    double value; /* of the constant */
    uint32_t size;
} ag_pad_options;

typedef enum ag_scatter_mode {
    AG_SCATTER_SUM,
    AG_SCATTER_PROD,
    AG_SCATTER_MEAN,
    AG_SCATTER_AMAX,
    AG_SCATTER_AMIN
} ag_scatter_mode;
typedef struct ag_scatter_options {
    ag_scatter_mode reduce;
    bool exclude_self; /* what x held at the places that are written does not count */
    uint32_t size;
} ag_scatter_options;

/* ---- convolutions and pools: a number for all axes, or one for each, { 2, 1 }, where 0 means the number for all ---- */

/* An option given to an operation that does not have it is AG_EINVAL. */
typedef struct ag_conv_options {
    int64_t stride, padding, dilation; /* 1, 0, 1 */
    int64_t groups;                    /* 1; the channels of a group see each other only */
    bool same;                         /* conv: padding that keeps the sizes at stride 1, of an odd number the larger half behind */
    int64_t output_padding;            /* conv_transpose: elements more at the end; less than the stride or the dilation */
    int64_t strides[3], paddings[3], dilations[3], output_paddings[3];
    uint32_t size;
} ag_conv_options;

/* An option given to an operation that does not have it is AG_EINVAL. */
typedef struct ag_pool_options {
    int64_t stride;   /* default: the kernel; of im2col and col2im 1 */
    int64_t padding;  /* 0; of pools at most half the kernel */
    int64_t dilation; /* max_pool, im2col, col2im: 1 */
    int64_t kernels[3], strides[3], paddings[3], dilations[3];
    bool ceil_mode;           /* avg_pool, max_pool, lp_pool: a last window that begins inside may end outside */
    bool exclude_padding;     /* avg_pool: what lies outside does not count */
    int64_t divisor_override; /* avg_pool: the sums are divided by this */
    int64_t sizes[3];         /* of the result's axes. adaptive pools: as the size; max_unpool: default the smallest that fits */
    ag_tensor **index;        /* max_pool, adaptive_max_pool: where to leave the places of the elements in the flattened axes,
                               * i64, as max_unpool wants them; NULL after a failure */
    uint32_t size;
} ag_pool_options;

/* ---- linear algebra ---- */

/* beta x + alpha a b; both 1, AG_ZERO for a true zero. */
typedef struct ag_addmm_options {
    double beta, alpha;
    uint32_t size;
} ag_addmm_options;

typedef struct ag_triangular_options {
    bool upper;         /* the upper triangle is read, not the lower one */
    bool right;         /* x a = b, not a x = b */
    bool unitriangular; /* the diagonal is taken for ones */
    uint32_t size;
} ag_triangular_options;

/* qr: q [m,k] r [k,n] with k = min(m,n), or q [m,m] r [m,n], which has no derivative where m > n. */
typedef enum ag_qr_mode { AG_REDUCED, AG_COMPLETE } ag_qr_mode;

typedef struct ag_pinv_options {
    double atol, rtol; /* singular values up to max(atol, rtol times the largest) count as 0; default max(m,n) epsilons for
                        * rtol, without it if there is an atol */
    bool hermitian;    /* x is symmetric: its lower triangle is read */
    uint32_t size;
} ag_pinv_options;

/* LAPACK's: QR with pivoting; QR, of matrices of full rank; singular values by divide and conquer; plain. */
typedef enum ag_lstsq_driver { AG_GELSY, AG_GELS, AG_GELSD, AG_GELSS } ag_lstsq_driver;
typedef struct ag_lstsq_options {
    ag_lstsq_driver driver;
    double rcond;                /* what is smaller, beside the largest, counts as 0; default max(m,n) epsilons */
    ag_tensor **rank;            /* if not NULL, set: i64 [...]; 0 from AG_GELS */
    ag_tensor **singular_values; /* if not NULL, set: [..., min(m,n)]; 0 but from AG_GELSD and AG_GELSS. Constants both */
    uint32_t size;
} ag_lstsq_options;

typedef struct ag_axes_options {
    ag_axes axes; /* those that go; none: all, or of norms of matrices the last two */
    bool keep;    /* them, as size 1 */
    uint32_t size;
} ag_axes_options;

typedef struct ag_distance_options {
    double p, eps; /* 2, 1e-6; AG_ZERO for a true zero */
    bool keep;     /* the axis of the vectors, as size 1 */
    uint32_t size;
} ag_distance_options;

typedef struct ag_cov_options {
    double correction;    /* taken from the number of observations; 1, AG_ZERO for a true zero */
    ag_tensor *fweights;  /* how often each was observed, integers */
    ag_tensor *aweights;  /* how important each is */
    uint32_t size;
} ag_cov_options;
#endif
