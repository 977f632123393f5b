/* parity_linalg.c - PyTorch's operators in ag_ operations: products, decompositions, norms, distances. */
#include "parity.h"
#include <math.h>
#include <string.h>

/* ---- what is neither tensor nor number for sure ---- */

static const json_t *raw(args *a, int i, const char *name)
{
    if (!arg_given(a, i, name)) return NULL;
    const json_t *v = i >= 0 ? json_array_get(a->args, (size_t)i) : NULL;
    return v ? v : json_object_get(a->kwargs, name);
}
static int outputs_wanted(args *a)
{
    return (int)json_array_size(json_object_get(a->line, "out"));
}
static ag_tensor *nothing(ag_dtype dtype)
{
    return ag_zeros(dtype, 0);
}

/* ---- products ---- */

static double weight(args *a, const char *name)
{
    double k = arg_number(a, -1, name, 1);
    return k == 0 ? AG_ZERO : k;
}
#define ADD_PRODUCT(NAME, FIRST, SECOND)                                                                             \
    static ag_tensor *NAME(args *a)                                                                                  \
    {                                                                                                                \
        return ag_##NAME(arg_input(a), arg_tensor(a, 1, FIRST), arg_tensor(a, 2, SECOND), .beta = weight(a, "beta"), \
                         .alpha = weight(a, "alpha"));                                                               \
    }
ADD_PRODUCT(addmm, "mat1", "mat2")
ADD_PRODUCT(addmv, "mat", "vec")
ADD_PRODUCT(addr, "vec1", "vec2")
ADD_PRODUCT(baddbmm, "batch1", "batch2")
ADD_PRODUCT(addbmm, "batch1", "batch2")

/* torch.einsum(equation, operands); the cases put the operands first. */
static ag_tensor *einsum(args *a)
{
    bool equation_first = json_is_string(raw(a, 0, "equation"));
    const char *equation = arg_text(a, !equation_first, "equation", "");
    return ag_einsum(equation, arg_tensors(a, equation_first, "operands"));
}

static int axes_at(const json_t *list, int *axes)
{
    int n = json_is_array(list) ? (int)json_array_size(list) : 1;
    for (int i = 0; i < n && i < AG_MAX_RANK; i++)
        axes[i] = (int)json_integer_value(json_is_array(list) ? json_array_get(list, (size_t)i) : list);
    return n;
}
static ag_tensor *tensordot(args *a)
{
    int of_a[AG_MAX_RANK], of_b[AG_MAX_RANK];
    const json_t *dims = raw(a, 2, "dims");
    ag_tensor *x = arg_input(a), *y = arg_tensor(a, 1, "other");
    if (!json_is_array(dims)) return ag_tensordot(x, y, (int)arg_integer(a, 2, "dims", 2), NULL, NULL);
    int n = axes_at(json_array_get(dims, 0), of_a);
    axes_at(json_array_get(dims, 1), of_b);
    return ag_tensordot(x, y, n, of_a, of_b);
}

/* Without an axis torch.cross takes the first of size 3. */
static ag_tensor *cross(args *a)
{
    ag_tensor *x = arg_input(a), *y = arg_tensor(a, 1, "other");
    int axis = 0;
    if (arg_given(a, 2, "dim")) return ag_cross(x, y, arg_axis(a, 2, -1));
    while (axis < ag_rank(x) - 1 && ag_size(x, axis) != 3) axis++;
    return ag_cross(x, y, axis);
}
static ag_tensor *linalg_cross(args *a)
{
    return ag_cross(arg_input(a), arg_tensor(a, 1, "other"), arg_axis(a, -1, -1));
}
static ag_tensor *vecdot(args *a)
{
    return ag_vecdot(arg_tensor(a, 0, "x"), arg_tensor(a, 1, "y"), arg_axis(a, -1, -1));
}
static ag_tensor *multi_dot(args *a)
{
    return ag_multi_dot(arg_tensors(a, 0, "tensors"));
}
static ag_tensor *bilinear(args *a)
{
    return ag_bilinear(arg_tensor(a, 0, "input1"), arg_tensor(a, 1, "input2"), arg_tensor(a, 2, "weight"),
                       arg_optional(a, 3, "bias"));
}

/* ---- systems of equations ---- */

static ag_tensor *turned(ag_tensor *x)
{
    return ag_transpose(x, -1, -2);
}
/* x A = B is A' x' = B'. */
static ag_tensor *solve(args *a)
{
    ag_tensor *x = arg_tensor(a, 0, "A"), *b = arg_tensor(a, 1, "B");
    if (arg_flag(a, -1, "left", true)) return ag_solve(x, b);
    return turned(ag_solve(turned(x), turned(b)));
}
static ag_tensor *solve_triangular(args *a)
{
    return ag_solve_triangular(arg_tensor(a, 0, "A"), arg_tensor(a, 1, "B"), .upper = arg_flag(a, -1, "upper", false),
                               .right = !arg_flag(a, -1, "left", true),
                               .unitriangular = arg_flag(a, -1, "unitriangular", false));
}
static ag_tensor *cholesky(args *a)
{
    return ag_cholesky(arg_input(a), arg_flag(a, 1, "upper", false));
}
static ag_tensor *linalg_cholesky(args *a)
{
    return ag_cholesky(arg_input(a), arg_flag(a, -1, "upper", false));
}
static ag_tensor *cholesky_solve(args *a)
{
    return ag_cholesky_solve(arg_input(a), arg_tensor(a, 1, "input2"), arg_flag(a, 2, "upper", false));
}
static ag_tensor *cholesky_inverse(args *a)
{
    return ag_cholesky_inverse(arg_input(a), arg_flag(a, 1, "upper", false));
}
static ag_tensor *slogdet(args *a)
{
    ag_tensor *sign;
    arg_output(a, ag_slogdet(arg_input(a), &sign));
    return sign;
}
static ag_tensor *lu_factor(args *a)
{
    arg_flag(a, -1, "pivot", true);
    ag_tensor *pivots, *lu = ag_lu_factor(arg_input(a), &pivots);
    arg_output(a, pivots);
    return lu;
}
static ag_tensor *lu(args *a)
{
    arg_flag(a, -1, "pivot", true);
    ag_tensor *l, *u, *p = ag_lu(arg_input(a), &l, &u);
    arg_output(a, l), arg_output(a, u);
    return p;
}
static ag_tensor *lu_solve(args *a)
{
    ag_tensor *f = arg_tensor(a, 0, "LU"), *pivots = arg_tensor(a, 1, "pivots"), *b = arg_tensor(a, 2, "B");
    bool left = arg_flag(a, -1, "left", true), adjoint = arg_flag(a, -1, "adjoint", false);
    return left ? ag_lu_solve(f, pivots, b, adjoint) : turned(ag_lu_solve(f, pivots, turned(b), !adjoint));
}

/* Of m > n equations and full rank PyTorch gives what is left as well, but not from gelsy. */
static ag_tensor *residuals(ag_tensor *x, ag_tensor *y, ag_tensor *b, ag_tensor *rank, ag_lstsq_driver driver)
{
    bool vector = ag_rank(b)<ag_rank(x), full = ag_size(x, -2)> ag_size(x, -1) && driver != AG_GELSY;
    if (full && driver != AG_GELS && ag_numel(rank)) full = ag_item(ag_min(rank)) == (double)ag_size(x, -1);
    if (!full) return nothing(ag_dtype_of(x));
    ag_tensor *left = ag_sub(ag_matmul(x, vector ? ag_unsqueeze(y, -1) : y), vector ? ag_unsqueeze(b, -1) : b);
    return ag_sum(ag_square(left), -2);
}
static ag_tensor *lstsq(args *a)
{
    static const char *const names[] = { "gelsy", "gels", "gelsd", "gelss" };
    ag_tensor *x = arg_tensor(a, 0, "A"), *b = arg_tensor(a, 1, "B"), *rank, *values;
    const char *driver = arg_text(a, -1, "driver", "gelsy");
    int d = 0;
    while (d < 3 && strcmp(names[d], driver)) d++;
    ag_tensor *y = ag_lstsq(x, b, .driver = (ag_lstsq_driver)d, .rcond = arg_number(a, 2, "rcond", 0), .rank = &rank,
                            .singular_values = &values);
    if (!y || outputs_wanted(a) == 1) return y;
    arg_output(a, residuals(x, y, b, rank, (ag_lstsq_driver)d));
    if (outputs_wanted(a) == 2) return y;
    arg_output(a, d == AG_GELS ? nothing(AG_I64) : rank);
    arg_output(a, d == AG_GELSD || d == AG_GELSS ? values : nothing(ag_dtype_of(x)));
    return y;
}
static ag_tensor *tensorinv(args *a)
{
    return ag_tensorinv(arg_input(a), (int)arg_integer(a, 1, "ind", 2));
}
static ag_tensor *tensorsolve(args *a)
{
    int axes[AG_MAX_RANK], n = arg_axes(a, 2, "dims", axes);
    return ag_tensorsolve(arg_tensor(a, 0, "A"), arg_tensor(a, 1, "B"), (ag_axes){ axes, n });
}
static ag_tensor *pinv(args *a)
{
    double atol = arg_is_tensor(a, -1, "atol") ? ag_item(arg_tensor(a, -1, "atol")) : arg_number(a, -1, "atol", 0);
    double rtol = arg_is_tensor(a, -1, "rtol") ? ag_item(arg_tensor(a, -1, "rtol")) : arg_number(a, -1, "rtol", 0);
    return ag_pinv(arg_input(a), .atol = atol, .rtol = rtol, .hermitian = arg_flag(a, -1, "hermitian", false));
}

/* ---- spectral ---- */

static bool is_upper(args *a)
{
    const char *uplo = arg_text(a, 1, "UPLO", "L");
    return *uplo == 'U' || *uplo == 'u';
}
static ag_tensor *eigh(args *a)
{
    ag_tensor *vectors, *values = ag_eigh(arg_input(a), is_upper(a), &vectors);
    arg_output(a, vectors);
    return values;
}
static ag_tensor *eigvalsh(args *a)
{
    return ag_eigvalsh(arg_input(a), is_upper(a));
}
static ag_tensor *svd(args *a)
{
    arg_given(a, -1, "driver"); /* another way to the same */
    ag_tensor *s, *vh, *u = ag_svd(arg_input(a), arg_flag(a, 1, "full_matrices", true), &s, &vh);
    arg_output(a, s), arg_output(a, vh);
    return u;
}
static ag_tensor *svdvals(args *a)
{
    arg_given(a, -1, "driver");
    return ag_svdvals(arg_input(a));
}
static ag_tensor *qr(args *a)
{
    const char *mode = arg_text(a, 1, "mode", "reduced");
    ag_tensor *r, *q = ag_qr(arg_input(a), strcmp(mode, "complete") ? AG_REDUCED : AG_COMPLETE, &r);
    arg_output(a, r);
    return q && !strcmp(mode, "r") ? nothing(ag_dtype_of(q)) : q;
}
static ag_tensor *matrix_power(args *a)
{
    return ag_matrix_power(arg_input(a), arg_integer(a, 1, "n", 0));
}
static ag_tensor *householder(args *a)
{
    return ag_householder_product(arg_input(a), arg_tensor(a, 1, "tau"));
}

/* ---- norms ---- */

/* An order: a number, "fro", "nuc", or none. */
typedef enum kind { NONE, NUMBER, FRO, NUC } kind;
static kind order_of(args *a, int i, const char *name, kind otherwise, double *p)
{
    const json_t *v = raw(a, i, name);
    *p = 2;
    if (!v) return otherwise;
    if (json_is_string(v) && !strcmp(json_string_value(v), "fro")) return FRO;
    if (json_is_string(v) && !strcmp(json_string_value(v), "nuc")) return NUC;
    *p = arg_number(a, i, name, 2);
    return NUMBER;
}
static ag_axes_options over_of(args *a, int i, int axes[AG_MAX_RANK])
{
    int n = arg_axes(a, i, "dim", axes);
    return (ag_axes_options){ .axes = { axes, n }, .keep = arg_flag(a, i + 1, "keepdim", false) };
}
static ag_tensor *of_matrix(ag_tensor *x, kind k, double p, const ag_axes_options *over)
{
    return k == NUC      ? (ag_nuclear_norm)(x, over)
           : k == NUMBER ? (ag_matrix_norm)(x, p, over)
                         : (ag_frobenius_norm)(x, over);
}
static ag_tensor *vector_norm(args *a)
{
    double p = arg_number(a, 1, "ord", 2);
    int axes[AG_MAX_RANK];
    ag_axes_options over = over_of(a, 2, axes);
    return (ag_vector_norm)(arg_cast(a, -1, "dtype", arg_input(a)), p, &over);
}
static ag_tensor *matrix_norm(args *a)
{
    double p;
    kind k = order_of(a, 1, "ord", FRO, &p);
    int axes[AG_MAX_RANK];
    ag_axes_options over = over_of(a, 2, axes);
    return of_matrix(arg_cast(a, -1, "dtype", arg_input(a)), k, p, &over);
}
/* A norm of matrices if there are two axes and an order. */
static ag_tensor *linalg_norm(args *a)
{
    double p;
    kind k = order_of(a, 1, "ord", NONE, &p);
    int axes[AG_MAX_RANK];
    ag_axes_options over = over_of(a, 2, axes);
    ag_tensor *x = arg_cast(a, -1, "dtype", arg_input(a));
    bool matrix = k != NONE && (over.axes.n ? over.axes.n : ag_rank(x)) == 2;
    return matrix ? of_matrix(x, k, p, &over) : (ag_vector_norm)(x, p, &over);
}
/* The older one: of matrices only for "nuc". */
static ag_tensor *norm(args *a)
{
    double p;
    kind k = order_of(a, 1, "p", FRO, &p);
    int axes[AG_MAX_RANK];
    ag_axes_options over = over_of(a, 2, axes);
    ag_tensor *x = arg_cast(a, 4, "dtype", arg_input(a));
    return k == NUC ? (ag_nuclear_norm)(x, &over) : (ag_vector_norm)(x, p, &over);
}
static ag_tensor *cond(args *a)
{
    double p;
    kind k = order_of(a, 1, "p", NONE, &p);
    ag_tensor *x = arg_input(a);
    if (k == FRO) return ag_mul(ag_frobenius_norm(x), ag_frobenius_norm(ag_inv(x)));
    if (k == NUC) return ag_mul(ag_nuclear_norm(x), ag_nuclear_norm(ag_inv(x)));
    return ag_cond(x, p);
}

/* ---- distances ---- */

static ag_tensor *dist(args *a)
{
    return ag_dist(arg_input(a), arg_tensor(a, 1, "other"), arg_number(a, 2, "p", 2));
}
static double or_zero(double k)
{
    return k == 0 ? AG_ZERO : k;
}
static ag_tensor *pairwise_distance(args *a)
{
    return ag_pairwise_distance(arg_tensor(a, 0, "x1"), arg_tensor(a, 1, "x2"), .p = or_zero(arg_number(a, 2, "p", 2)),
                                .eps = or_zero(arg_number(a, 3, "eps", 1e-6)),
                                .keep = arg_flag(a, 4, "keepdim", false));
}
static ag_tensor *cdist(args *a)
{
    arg_given(a, 3, "compute_mode"); /* another way to the same */
    return ag_cdist(arg_tensor(a, 0, "x1"), arg_tensor(a, 1, "x2"), arg_number(a, 2, "p", 2));
}
static ag_tensor *cov(args *a)
{
    return ag_cov(arg_input(a), .correction = or_zero(arg_number(a, -1, "correction", 1)),
                  .fweights = arg_optional(a, -1, "fweights"), .aweights = arg_optional(a, -1, "aweights"));
}

// clang-format off
static const parity_op rows[] = {
    { "addbmm", .call = addbmm },
    { "addmm", .call = addmm },
    { "addmv", .call = addmv },
    { "addr", .call = addr },
    { "baddbmm", .call = baddbmm },
    { "cross", .call = cross },
    { "dot", .binary = ag_dot, .other = "tensor" },
    { "einsum", .call = einsum },
    { "inner", .binary = ag_inner },
    { "kron", .binary = ag_kron },
    { "linalg.cross", .call = linalg_cross },
    { "linalg.multi_dot", .call = multi_dot },
    { "linalg.vecdot", .call = vecdot },
    { "nn.functional.bilinear", .call = bilinear },
    { "outer", .binary = ag_outer, .other = "vec2" },
    { "tensordot", .call = tensordot },
    { "trace", .unary = ag_trace },

    { "cholesky", .call = cholesky },
    { "cholesky_inverse", .call = cholesky_inverse },
    { "cholesky_solve", .call = cholesky_solve },
    { "linalg.cholesky", .call = linalg_cholesky },
    { "linalg.det", .unary = ag_det },
    { "linalg.eigh", .call = eigh },
    { "linalg.eigvalsh", .call = eigvalsh },
    { "linalg.householder_product", .call = householder },
    { "linalg.inv", .unary = ag_inv },
    { "linalg.lstsq", .call = lstsq },
    { "linalg.lu", .call = lu },
    { "linalg.lu_factor", .call = lu_factor },
    { "linalg.lu_solve", .call = lu_solve },
    { "linalg.matrix_power", .call = matrix_power },
    { "linalg.pinv", .call = pinv },
    { "linalg.qr", .call = qr },
    { "linalg.slogdet", .call = slogdet },
    { "linalg.solve", .call = solve },
    { "linalg.solve_triangular", .call = solve_triangular },
    { "linalg.svd", .call = svd },
    { "linalg.svdvals", .call = svdvals },
    { "linalg.tensorinv", .call = tensorinv },
    { "linalg.tensorsolve", .call = tensorsolve },
    { "logdet", .unary = ag_logdet },
    { "matrix_exp", .unary = ag_matrix_exp },

    { "cdist", .call = cdist },
    { "corrcoef", .unary = ag_corrcoef },
    { "cov", .call = cov },
    { "dist", .call = dist },
    { "linalg.cond", .call = cond },
    { "linalg.matrix_norm", .call = matrix_norm },
    { "linalg.norm", .call = linalg_norm },
    { "linalg.vector_norm", .call = vector_norm },
    { "nn.functional.pairwise_distance", .call = pairwise_distance },
    { "norm", .call = norm },
};
// clang-format on

const parity_table parity_linalg = { rows, sizeof rows / sizeof *rows };
