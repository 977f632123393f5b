/* An operation of one's own with a parameter, checked to second order: y = x / (1 + |x|^k)^(1/k), a family of sigmoids.
 */
#include <autograd/autograd.h>
#include <math.h>

struct squash {
    double k;
};

static ag_status squash_forward(ag_call *c)
{
    double k = ((const struct squash *)c->attr)->k;
    ag_dtype dtype = ag_dtype_of(c->in[0]);
    if (dtype != AG_F64) return ag_fail(AG_EDTYPE, "squash: f64 only, got %s", ag_dtype_name(dtype));
    const double *x = ag_f64(c->in[0]);
    double *y = ag_f64_write(c->out[0]);
    for (int64_t i = 0, n = ag_numel(c->in[0]); i < n; i++) y[i] = x[i] / pow(1 + pow(fabs(x[i]), k), 1 / k);
    return ag_error();
}

/* dy/dx = (1 + |x|^k)^(-1/k - 1). Written in ag_ operations, it can be differentiated again. */
static ag_tensor *slope(const ag_call *c)
{
    double k = ((const struct squash *)c->attr)->k;
    return ag_pow(ag_add(1.0, ag_pow(ag_abs(c->in[0]), k)), -1 / k - 1);
}

static ag_status squash_vjp(ag_call *c)
{
    c->gin[0] = ag_mul(c->g[0], slope(c));
    return ag_error();
}

static ag_status squash_jvp(ag_call *c)
{
    c->tout[0] = ag_mul(slope(c), c->tangent[0]);
    return ag_error();
}

static const ag_op squash_op = {
    .name = "squash",
    .n_in = 1,
    .attr_size = sizeof(struct squash),
    .shape = ag_shape_same,
    .forward = squash_forward,
    .vjp = squash_vjp,
    .jvp = squash_jvp,
    .saves = AG_SAVES_IN(0),
};

static ag_tensor *squash(ag_tensor *x, double k)
{
    return ag_apply(&squash_op, &(struct squash){ k }, x);
}

static ag_tensor *checked(ag_tensor **x, void *user)
{
    return squash(x[0], *(const double *)user);
}

int main(void)
{
    double k = 2.5;
    ag_tape *tape = ag_tape_new();

    ag_tensor *x = ag_variable(ag_linspace(AG_F64, -2, 2, 5));
    ag_tensor *y = squash(x, k);
    printf("x     "), ag_print(x);
    printf("y     "), ag_print(y);
    printf("dy/dx "), ag_print(ag_grad(ag_sum(y), x));

    ag_status status = ag_gradcheck(checked, AG_LIST(ag_randn(AG_F64, 3, 4)), .user = &k, .order = 2);
    printf("gradcheck to second order: %s\n", status ? ag_errmsg() : "passed");
    ag_tape_free(tape);
    return status != AG_OK;
}
