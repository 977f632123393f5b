/* samples_linalg.c - decompositions, systems of equations, functions of matrices.
 *
 * x is made a matrix far from singular, with well separated values, where that matters; symmetric where a triangle is
 * read alone. Vectors enter as products in which their signs cancel. */
#include "samples.h"

/* 1, 3, 5, ... on the diagonal of [m,n], and 0. */
static ag_tensor *ladder(ag_tensor *x)
{
    int64_t m = ag_size(x, -2), n = ag_size(x, -1), most = m > n ? m : n;
    ag_dtype dtype = ag_dtype_of(x);
    ag_tensor *all = ag_mul(ag_eye(dtype, most), ag_arange(dtype, 1, (double)(2 * most), 2));
    return ag_slice(ag_slice(all, 0, 0, m), 1, 0, n);
}
static ag_tensor *good(ag_tensor *x)
{
    return ag_add(ag_mul(x, 0.25), ladder(x));
}
static ag_tensor *turned(ag_tensor *x)
{
    return ag_transpose(x, -1, -2);
}
static ag_tensor *symmetric(ag_tensor *x)
{
    return good(ag_mul(0.5, ag_add(x, turned(x))));
}
/* v diag(1, 2, ...) w */
static ag_tensor *weighed(ag_tensor *v, ag_tensor *w)
{
    ag_tensor *weights = ag_arange(ag_dtype_of(v), 1, (double)ag_size(v, -1) + 1, 1);
    return ag_matmul(ag_mul(v, weights), w);
}
/* A row of values above matrices of as many columns. */
static ag_tensor *above(ag_tensor *values, ag_tensor *x)
{
    return ag_cat(AG_LIST(ag_unsqueeze(values, -2), x), -2);
}

#define MATRICES(apply)                                                                                               \
    CASE("size 1", apply, V(1, 1)), CASE("2-d", apply, V(3, 3)), CASE("nothing", apply, V(0, 0)),                     \
        CASE("no matrices", apply, V(0, 2, 2)), CASE("batch", apply, V(2, 2, 2)), CASE("transposed", apply, T(3, 3)), \
        CASE("strided", apply, S(3, 3)), CASE("flipped", apply, F(3, 3)), CASE("expanded", apply, E(3, 3)),           \
        CASE("5-d", apply, V(2, 1, 1, 2, 2))
#define RECTANGLES(apply)                                                                              \
    CASE("tall", apply, V(3, 2)), CASE("wide", apply, V(2, 3)), CASE("tall batch", apply, T(2, 3, 2)), \
        CASE("wide batch", apply, S(2, 2, 3)), CASE("no columns", apply, V(3, 0)), CASE("no rows", apply, V(0, 3))

/* ---- systems of equations ---- */

APPLY(solved, ag_solve(good(x[0]), x[1]))
CASES(solve){
    CASE("size 1", solved, V(1, 1), V(1)),
    CASE("vector", solved, V(3, 3), V(3)),
    CASE("matrix", solved, V(3, 3), V(3, 2)),
    CASE("batch of vectors", solved, V(2, 3, 3), V(2, 3)),
    CASE("batch", solved, V(2, 2, 2), V(2, 2, 3)),
    CASE("broadcast left", solved, V(2, 2), V(3, 2, 1)),
    CASE("broadcast right", solved, V(3, 2, 2), V(2, 1)),
    CASE("broadcast both", solved, V(2, 1, 2, 2), V(1, 3, 2, 2)),
    CASE("nothing", solved, V(0, 0), V(0, 2)),
    CASE("no right sides", solved, V(2, 2), V(2, 0)),
    CASE("transposed", solved, T(3, 3), T(3, 2)),
    CASE("strided", solved, S(3, 3), S(3, 2)),
    CASE("flipped", solved, F(3, 3), F(3)),
    CASE("expanded", solved, E(3, 3), E(3, 2)),
    CASE("5-d", solved, V(2, 1, 1, 2, 2), V(2, 1)),
};
SAMPLES(solve, { -1, 1 });

APPLY(inverted, ag_inv(good(x[0])))
CASES(inv){ MATRICES(inverted) };
SAMPLES(inv, { -1, 1 });

APPLY(lower_solved, ag_solve_triangular(good(x[0]), x[1]))
APPLY(upper_solved, ag_solve_triangular(good(x[0]), x[1], .upper = true))
APPLY(unit_solved, ag_solve_triangular(good(x[0]), x[1], .unitriangular = true))
APPLY(right_solved, ag_solve_triangular(good(x[0]), x[1], .right = true))
APPLY(upper_right_solved, ag_solve_triangular(good(x[0]), x[1], .upper = true, .right = true, .unitriangular = true))
CASES(solve_triangular){
    CASE("size 1", lower_solved, V(1, 1), V(1, 1)),
    CASE("lower", lower_solved, V(3, 3), V(3, 2)),
    CASE("upper", upper_solved, V(3, 3), V(3, 2)),
    CASE("unit", unit_solved, V(3, 3), V(3, 2)),
    CASE("right", right_solved, V(3, 3), V(2, 3)),
    CASE("upper, right, unit", upper_right_solved, V(3, 3), V(2, 3)),
    CASE("batch", lower_solved, V(2, 2, 2), V(2, 2, 3)),
    CASE("broadcast left", lower_solved, V(2, 2), V(3, 2, 1)),
    CASE("broadcast right", upper_solved, V(3, 2, 2), V(2, 1)),
    CASE("broadcast both", lower_solved, V(2, 1, 2, 2), V(1, 3, 2, 2)),
    CASE("nothing", lower_solved, V(0, 0), V(0, 2)),
    CASE("no right sides", lower_solved, V(2, 2), V(2, 0)),
    CASE("transposed", lower_solved, T(3, 3), T(3, 2)),
    CASE("strided", upper_solved, S(3, 3), S(3, 2)),
    CASE("flipped", lower_solved, F(3, 3), F(3, 2)),
    CASE("expanded", lower_solved, E(3, 3), E(3, 2)),
    CASE("5-d", right_solved, V(2, 1, 1, 2, 2), V(3, 2)),
};
SAMPLES(solve_triangular, { -1, 1 });

APPLY(lower_factor, ag_cholesky(symmetric(x[0]), false))
APPLY(upper_factor, ag_cholesky(symmetric(x[0]), true))
CASES(cholesky){ MATRICES(lower_factor), CASE("upper", upper_factor, V(3, 3)),
                 CASE("upper batch", upper_factor, V(2, 2, 2)) };
SAMPLES(cholesky, { -1, 1 });

APPLY(factor_solved, ag_cholesky_solve(x[0], good(x[1]), false))
APPLY(upper_factor_solved, ag_cholesky_solve(x[0], good(x[1]), true))
CASES(cholesky_solve){
    CASE("size 1", factor_solved, V(1, 1), V(1, 1)),
    CASE("lower", factor_solved, V(3, 2), V(3, 3)),
    CASE("upper", upper_factor_solved, V(3, 2), V(3, 3)),
    CASE("batch", factor_solved, V(2, 2, 1), V(2, 2, 2)),
    CASE("broadcast left", factor_solved, V(2, 1), V(3, 2, 2)),
    CASE("broadcast right", upper_factor_solved, V(3, 2, 1), V(2, 2)),
    CASE("nothing", factor_solved, V(0, 2), V(0, 0)),
    CASE("transposed", factor_solved, T(3, 2), T(3, 3)),
    CASE("strided", factor_solved, S(3, 2), S(3, 3)),
    CASE("flipped", factor_solved, F(3, 2), F(3, 3)),
    CASE("expanded", factor_solved, E(3, 2), E(3, 3)),
    CASE("5-d", factor_solved, V(2, 1, 1, 2, 1), V(2, 2)),
};
SAMPLES(cholesky_solve, { -1, 1 });

APPLY(factor_inverted, ag_cholesky_inverse(good(x[0]), false))
APPLY(upper_factor_inverted, ag_cholesky_inverse(good(x[0]), true))
CASES(cholesky_inverse){ MATRICES(factor_inverted), CASE("upper", upper_factor_inverted, V(3, 3)) };
SAMPLES(cholesky_inverse, { -1, 1 });

/* ---- determinants ---- */

APPLY(determinant, ag_det(good(x[0])))
CASES(det){ MATRICES(determinant), CASE("plain", determinant, V(4, 4)) };
SAMPLES(det, { -1, 1 });

static ag_tensor *both_of_slogdet(ag_tensor *x)
{
    ag_tensor *sign, *log = ag_slogdet(x, &sign);
    return ag_mul(log, sign);
}
APPLY(log_and_sign, both_of_slogdet(good(x[0])))
APPLY(of_negative, both_of_slogdet(ag_flip(good(x[0]), -1)))
CASES(slogdet){ MATRICES(log_and_sign), CASE("negative", of_negative, V(2, 2)),
                CASE("negative batch", of_negative, V(2, 3, 3)) };
SAMPLES(slogdet, { -1, 1 });

APPLY(log_determinant, ag_logdet(good(x[0])))
CASES(logdet){ MATRICES(log_determinant) };
SAMPLES(logdet, { -1, 1 });

/* ---- LU ---- */

APPLY(factored, ag_lu_factor(good(x[0]), NULL))
APPLY(factored_with_exchange, ag_lu_factor(ag_flip(good(x[0]), -2), NULL))
CASES(lu_factor){ MATRICES(factored), RECTANGLES(factored), CASE("with exchanges", factored_with_exchange, V(3, 3)),
                  CASE("tall with exchanges", factored_with_exchange, V(4, 2)) };
SAMPLES(lu_factor, { -1, 1 });

static ag_tensor *both_of_lu(ag_tensor *x)
{
    ag_tensor *l, *u, *p = ag_lu(x, &l, &u);
    return ag_cat(AG_LIST(ag_matmul(p, l), turned(u)), -2);
}
static ag_tensor *lower_of_lu(ag_tensor *x)
{
    ag_tensor *l;
    ag_lu(x, &l, NULL);
    return l;
}
static ag_tensor *upper_of_lu(ag_tensor *x)
{
    ag_tensor *u;
    ag_lu(x, NULL, &u);
    return u;
}
APPLY(apart, both_of_lu(good(x[0])))
APPLY(apart_with_exchange, both_of_lu(ag_flip(good(x[0]), -2)))
APPLY(only_lower, lower_of_lu(good(x[0])))
APPLY(only_upper, upper_of_lu(good(x[0])))
CASES(lu){ MATRICES(apart),
           RECTANGLES(apart),
           CASE("with exchanges", apart_with_exchange, V(3, 3)),
           CASE("L alone, tall", only_lower, V(3, 2)),
           CASE("U alone, tall", only_upper, V(3, 2)),
           CASE("L alone, wide", only_lower, V(2, 3)),
           CASE("U alone, wide", only_upper, V(2, 3)) };
SAMPLES(lu, { -1, 1 });

static ag_tensor *solved_by_lu(ag_tensor *x, ag_tensor *b, bool transposed)
{
    ag_tensor *pivots, *lu = ag_lu_factor(x, &pivots);
    return ag_lu_solve(lu, pivots, b, transposed);
}
APPLY(lu_solved, solved_by_lu(ag_flip(good(x[0]), -2), x[1], false))
APPLY(lu_solved_transposed, solved_by_lu(ag_flip(good(x[0]), -2), x[1], true))
CASES(lu_solve){
    CASE("size 1", lu_solved, V(1, 1), V(1, 1)),
    CASE("2-d", lu_solved, V(3, 3), V(3, 2)),
    CASE("of the transposed", lu_solved_transposed, V(3, 3), V(3, 2)),
    CASE("batch", lu_solved, V(2, 2, 2), V(2, 2, 1)),
    CASE("broadcast left", lu_solved, V(2, 2), V(3, 2, 1)),
    CASE("broadcast right", lu_solved_transposed, V(3, 2, 2), V(2, 1)),
    CASE("nothing", lu_solved, V(0, 0), V(0, 2)),
    CASE("transposed", lu_solved, T(3, 3), T(3, 2)),
    CASE("strided", lu_solved, S(3, 3), S(3, 2)),
    CASE("flipped", lu_solved, F(3, 3), F(3, 2)),
    CASE("expanded", lu_solved, E(3, 3), E(3, 2)),
    CASE("5-d", lu_solved, V(2, 1, 1, 2, 2), V(2, 1)),
};
SAMPLES(lu_solve, { -1, 1 });

/* ---- orthogonal factors ---- */

static ag_tensor *both_of_qr(ag_tensor *x, ag_qr_mode mode)
{
    ag_tensor *r, *q = ag_qr(x, mode, &r);
    return ag_cat(AG_LIST(q, turned(r)), -2);
}
static ag_tensor *r_of_qr(ag_tensor *x)
{
    ag_tensor *r;
    ag_qr(x, AG_REDUCED, &r);
    return r;
}
APPLY(q_and_r, both_of_qr(good(x[0]), AG_REDUCED))
APPLY(complete_q_and_r, both_of_qr(good(x[0]), AG_COMPLETE))
APPLY(only_q, ag_qr(good(x[0]), AG_REDUCED, NULL))
APPLY(only_r, r_of_qr(good(x[0])))
CASES(qr){ MATRICES(q_and_r),
           RECTANGLES(q_and_r),
           CASE("complete", complete_q_and_r, V(3, 3)),
           CASE("complete, wide", complete_q_and_r, V(2, 3)),
           CASE("Q alone, tall", only_q, V(3, 2)),
           CASE("R alone, tall", only_r, V(3, 2)),
           CASE("Q alone, wide", only_q, V(2, 3)),
           CASE("R alone, wide", only_r, V(2, 3)) };
SAMPLES(qr, { -1, 1 });

static ag_tensor *both_of_eigh(ag_tensor *x, bool upper)
{
    ag_tensor *v, *l = ag_eigh(x, upper, &v);
    return above(l, weighed(v, turned(v)));
}
static ag_tensor *vectors_of_eigh(ag_tensor *x)
{
    ag_tensor *v;
    ag_eigh(x, false, &v);
    return weighed(v, turned(v));
}
APPLY(values_and_vectors, both_of_eigh(symmetric(x[0]), false))
APPLY(of_upper, both_of_eigh(symmetric(x[0]), true))
APPLY(only_vectors, vectors_of_eigh(symmetric(x[0])))
APPLY(only_values, ag_eigh(symmetric(x[0]), false, NULL))
CASES(eigh){ MATRICES(values_and_vectors), CASE("upper", of_upper, V(3, 3)),
             CASE("vectors alone", only_vectors, V(3, 3)), CASE("values alone", only_values, V(3, 3)) };
SAMPLES(eigh, { -1, 1 });

APPLY(eigenvalues, ag_eigvalsh(symmetric(x[0]), false))
APPLY(eigenvalues_upper, ag_eigvalsh(symmetric(x[0]), true))
CASES(eigvalsh){ MATRICES(eigenvalues), CASE("upper", eigenvalues_upper, V(3, 3)) };
SAMPLES(eigvalsh, { -1, 1 });

/* Of full U and V' what belongs to the singular values, and these, weighed, in every element. */
static ag_tensor *all_of_svd(ag_tensor *x, bool full)
{
    ag_tensor *s, *vh, *u = ag_svd(x, full, &s, &vh);
    int64_t k = s ? ag_size(s, -1) : 0;
    u = ag_slice(u, -1, 0, k), vh = ag_slice(vh, -2, 0, k);
    ag_tensor *columns = ag_cat(AG_LIST(u, turned(vh)), -2);
    ag_tensor *sum = ag_sum_keep(ag_mul(s, ag_arange(ag_dtype_of(x), 1, (double)k + 1, 1)), -1);
    return ag_add(weighed(columns, turned(columns)), ag_unsqueeze(sum, -1));
}
APPLY(thin, all_of_svd(good(x[0]), false))
APPLY(full, all_of_svd(good(x[0]), true))
static ag_tensor *u_of_svd(ag_tensor *x)
{
    ag_tensor *u = ag_svd(x, false, NULL, NULL);
    return weighed(u, turned(u));
}
static ag_tensor *v_of_svd(ag_tensor *x)
{
    ag_tensor *vh;
    ag_svd(x, false, NULL, &vh);
    return weighed(turned(vh), vh);
}
APPLY(only_u, u_of_svd(good(x[0])))
APPLY(only_v, v_of_svd(good(x[0])))
CASES(svd){ MATRICES(thin),
            RECTANGLES(thin),
            CASE("full, tall", full, V(3, 2)),
            CASE("full, wide", full, V(2, 3)),
            CASE("U alone, tall", only_u, V(3, 2)),
            CASE("V alone, tall", only_v, V(3, 2)),
            CASE("U alone, wide", only_u, V(2, 3)),
            CASE("V alone, wide", only_v, V(2, 3)) };
SAMPLES(svd, { -1, 1 });

APPLY(singular_values, ag_svdvals(good(x[0])))
CASES(svdvals){ MATRICES(singular_values), RECTANGLES(singular_values) };
SAMPLES(svdvals, { -1, 1 });

/* ---- pseudo-inverses, least squares ---- */

APPLY(pseudo_inverse, ag_pinv(good(x[0])))
APPLY(with_cutoffs, ag_pinv(good(x[0]), .atol = 0.1, .rtol = 0.01))
APPLY(of_symmetric, ag_pinv(symmetric(x[0]), .hermitian = true))
CASES(pinv){ MATRICES(pseudo_inverse), RECTANGLES(pseudo_inverse), CASE("cutoffs", with_cutoffs, V(3, 2)),
             CASE("symmetric", of_symmetric, V(3, 3)) };
SAMPLES(pinv, { -1, 1 });

APPLY(fitted, ag_lstsq(good(x[0]), x[1]))
APPLY(fitted_gels, ag_lstsq(good(x[0]), x[1], .driver = AG_GELS))
APPLY(fitted_gelsd, ag_lstsq(good(x[0]), x[1], .driver = AG_GELSD))
APPLY(fitted_gelss, ag_lstsq(good(x[0]), x[1], .driver = AG_GELSS, .rcond = 1e-6))
CASES(lstsq){
    CASE("size 1", fitted, V(1, 1), V(1, 1)),
    CASE("square", fitted, V(3, 3), V(3, 2)),
    CASE("tall", fitted, V(3, 2), V(3, 2)),
    CASE("wide", fitted, V(2, 3), V(2, 2)),
    CASE("gels, tall", fitted_gels, V(3, 2), V(3, 1)),
    CASE("gels, wide", fitted_gels, V(2, 3), V(2, 1)),
    CASE("gelsd", fitted_gelsd, V(3, 2), V(3, 1)),
    CASE("gelss", fitted_gelss, V(3, 2), V(3, 1)),
    CASE("vectors", fitted, V(2, 3, 2), V(2, 3)),
    CASE("vector", fitted, V(3, 2), V(3)),
    CASE("batch", fitted, V(2, 2, 2), V(2, 2, 1)),
    CASE("no right sides", fitted, V(3, 2), V(3, 0)),
    CASE("no unknowns", fitted, V(3, 0), V(3, 2)),
    CASE("no equations", fitted, V(0, 2), V(0, 2)),
    CASE("transposed", fitted, T(3, 2), T(3, 2)),
    CASE("strided", fitted, S(3, 2), S(3, 2)),
    CASE("flipped", fitted, F(3, 2), F(3, 2)),
    CASE("expanded", fitted, E(3, 2), E(3, 2)),
    CASE("5-d", fitted, V(2, 1, 1, 3, 2), V(2, 1, 1, 3, 1)),
};
SAMPLES(lstsq, { -1, 1 });

/* ---- functions of matrices ---- */

APPLY(reflected, ag_householder_product(x[0], x[1]))
CASES(householder_product){
    CASE("size 1", reflected, V(1, 1), V(1)),         CASE("square", reflected, V(3, 3), V(3)),
    CASE("tall", reflected, V(3, 2), V(2)),           CASE("fewer reflections", reflected, V(3, 3), V(1)),
    CASE("no reflections", reflected, V(3, 2), V(0)), CASE("batch", reflected, V(2, 2, 2), V(2, 2)),
    CASE("nothing", reflected, V(3, 0), V(0)),        CASE("transposed", reflected, T(3, 2), V(2)),
    CASE("strided", reflected, S(3, 2), S(2)),        CASE("flipped", reflected, F(3, 2), F(2)),
    CASE("expanded", reflected, E(3, 2), V(2)),       CASE("5-d", reflected, V(2, 1, 1, 2, 2), V(2, 1, 1, 2)),
};
SAMPLES(householder_product, { -1, 1 });

APPLY(to_0, ag_matrix_power(x[0], 0))
APPLY(to_1, ag_matrix_power(x[0], 1))
APPLY(to_5, ag_matrix_power(x[0], 5))
APPLY(to_minus_3, ag_matrix_power(good(x[0]), -3))
CASES(matrix_power){ MATRICES(to_5), CASE("0", to_0, V(2, 2)), CASE("1", to_1, V(2, 2)),
                     CASE("-3", to_minus_3, V(2, 3, 3)) };
SAMPLES(matrix_power, { -1, 1 });

APPLY(exponential, ag_matrix_exp(x[0]))
APPLY(large_exponential, ag_matrix_exp(ag_mul(x[0], 4.0)))
CASES(matrix_exp){ MATRICES(exponential), CASE("large", large_exponential, V(3, 3)) };
SAMPLES(matrix_exp, { -1, 1 });

/* Joined axes as a matrix with a strong diagonal. */
static ag_tensor *strong(ag_tensor *x)
{
    int64_t dims[AG_MAX_RANK], n = 1, root = 0;
    for (int i = 0; i < ag_rank(x); i++) dims[i] = ag_size(x, i), n *= dims[i];
    while (root * root < n) root++;
    ag_tensor *unit = ag_to(ag_mul(4.0, ag_eye(AG_F64, root)), ag_dtype_of(x));
    return ag_add(x, (ag_reshape)(unit, ag_rank(x), dims));
}
APPLY(tensor_inverted, ag_tensorinv(strong(x[0]), 2))
APPLY(tensor_inverted_1, ag_tensorinv(strong(x[0]), 1))
CASES(tensorinv){
    CASE("size 1", tensor_inverted_1, V(1, 1)),
    CASE("matrix", tensor_inverted_1, V(3, 3)),
    CASE("one axis of rows", tensor_inverted_1, V(4, 2, 2)),
    CASE("two axes of rows", tensor_inverted, V(2, 2, 4)),
    CASE("empty", tensor_inverted, V(0, 2, 0)),
    CASE("transposed", tensor_inverted, T(2, 2, 4, 1)),
    CASE("strided", tensor_inverted, S(2, 2, 4)),
    CASE("flipped", tensor_inverted, F(2, 2, 4)),
    CASE("expanded", tensor_inverted, E(2, 2, 4)),
    CASE("5-d", tensor_inverted, V(2, 2, 1, 2, 2)),
};
SAMPLES(tensorinv, { -1, 1 });

APPLY(tensor_solved, ag_tensorsolve(strong(x[0]), x[1], (ag_axes){ NULL, 0 }))
APPLY(tensor_solved_by, ag_tensorsolve(ag_permute(strong(x[0]), 2, 0, 1), x[1], AG_AXES(1, 2)))
CASES(tensorsolve){
    CASE("0-d", tensor_solved, V(1), V0),
    CASE("size 1", tensor_solved, V(1, 1), V(1)),
    CASE("matrix", tensor_solved, V(3, 3), V(3)),
    CASE("two axes of rows", tensor_solved, V(2, 2, 4), V(2, 2)),
    CASE("axes of x given", tensor_solved_by, V(2, 2, 4), V(4)),
    CASE("empty", tensor_solved, V(0, 2, 0), V(0, 2)),
    CASE("transposed", tensor_solved, T(4, 2, 2), V(4)),
    CASE("strided", tensor_solved, S(4, 2, 2), S(4)),
    CASE("flipped", tensor_solved, F(2, 2, 4), F(2, 2)),
    CASE("expanded", tensor_solved, E(2, 2, 4), V(2, 2)),
    CASE("5-d", tensor_solved, V(2, 2, 1, 2, 2), V(2, 2)),
};
SAMPLES(tensorsolve, { -1, 1 });
