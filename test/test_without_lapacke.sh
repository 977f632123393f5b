#!/bin/sh
# A library built without LAPACKE says so when it is to decompose a matrix; other linear algebra works.
set -eu
. test/report.sh

case ${MODE:-release} in
san) sanitizers=-fsanitize=address,undefined ;;
tsan) sanitizers=-fsanitize=thread ;;
*) sanitizers= ;;
esac
work=$BUILD/without_lapacke
rm -rf "$work"
mkdir -p "$work"

cat >"$work/program.c" <<'END'
#include <autograd/autograd.h>
#include <string.h>

/* A decomposition; its message, which ends alike for all, begins with the name. */
static int missing(const char *name, ag_tensor *result)
{
    int is = !result && ag_error() == AG_EMISSING && strstr(ag_errmsg(), name) == ag_errmsg() &&
             strstr(ag_errmsg(), ": this library was built without LAPACKE");
    if (!is) printf("%s: %s: %s\n", name, ag_status_text(ag_error()), ag_errmsg());
    ag_clear_error();
    return is;
}

int main(void)
{
    ag_tape *tape = ag_tape_new();
    ag_tensor *x = ag_add(ag_eye(AG_F64, 3), 0.1), *b = ag_ones(AG_F64, 3, 1), *none;
    int good = missing("ag_solve", ag_solve(x, b)) & missing("ag_inv", ag_inv(x)) & missing("ag_det", ag_det(x));
    good &= missing("ag_slogdet", ag_slogdet(x, NULL)) & missing("ag_slogdet", ag_logdet(x));
    good &= missing("ag_cholesky", ag_cholesky(x, false)) & missing("ag_lu_factor", ag_lu_factor(x, NULL));
    good &= missing("ag_lu", ag_lu(x, NULL, NULL)) & missing("ag_qr", ag_qr(x, AG_REDUCED, NULL));
    good &= missing("ag_eigh", ag_eigh(x, false, NULL)) & missing("ag_svd", ag_svd(x, false, &none, &none));
    good &= missing("ag_svd", ag_pinv(x)) & missing("ag_lstsq", ag_lstsq(x, b));
    good &= missing("ag_lstsq", ag_lstsq(x, b, .driver = AG_GELS)) & missing("ag_inv", ag_matrix_power(x, -1));

    ag_tensor *y = ag_matmul(x, b);
    good &= ag_at(ag_einsum("ij,jk->ik", AG_LIST(x, b)), 2, 0) == ag_at(y, 2, 0);
    good &= ag_at(ag_matrix_power(x, 2), 0, 0) > 1 && ag_at(ag_matrix_exp(ag_zeros(AG_F64, 2, 2)), 1, 1) == 1;
    good &= ag_at(ag_solve_triangular(ag_eye(AG_F64, 3), y), 1, 0) == ag_at(y, 1, 0) && ag_item(ag_norm(b)) > 1.7;
    good &= ag_error() == AG_OK;
    ag_tape_free(tape);
    return !good;
}
END

# The one file that knows LAPACKE, compiled without it, comes before the library that has it.
builds() {
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror $sanitizers -I. -o "$work/program" \
        "$work/program.c" autograd/ops/lapack.c "$BUILD/libretrograd.a" -lm -pthread
}
check builds_without_lapacke builds
check says_what_is_missing "$work/program"
report
