/* A network of two inputs, two hidden units and one output, sigmoid throughout, fitted to two samples by gradient
 * descent. Each epoch has the four steps of every training loop here: forward, backward, update, reset. Prints `epoch
 * loss`. */
#include <autograd/autograd.h>

static void descend(ag_params all, double lr)
{
    for (int64_t k = 0; k < all.n; k++) {
        ag_tensor *parameter = all.at[k].tensor;
        const double *g = ag_f64(ag_grad_of(parameter));
        double *w = ag_f64_write(parameter);
        if (!g || !w) return;
        for (int64_t i = 0; i < ag_numel(parameter); i++) w[i] -= lr * g[i];
    }
    ag_zero_grad(all);
}

int main(void)
{
    const double inputs[] = { 0.1, 0.2, 0.3, 0.4 }, start1[] = { 0.1, -0.2, 0.3, 0.4 }, start2[] = { 0.5, -0.6 };
    ag_status status = AG_OK;
    ag_tape *tape = ag_tape_new();

    /* What outlives an epoch is made by ag_new and ag_param and freed below; the rest belongs to the tape. */
    ag_tensor *x = ag_new(AG_F64, 2, 2);
    ag_tensor *w1 = ag_param(AG_F64, 2, 2), *b1 = ag_param(AG_F64, 2);
    ag_tensor *w2 = ag_param(AG_F64, 2, 1), *b2 = ag_param(AG_F64, 1);
    ag_params all = AG_PARAMS({ "w1", w1 }, { "b1", b1 }, { "w2", w2 }, { "b2", b2 });
    ag_write(x, inputs, 4);
    ag_write(w1, start1, 4);
    ag_write(w2, start2, 2);

    for (int epoch = 0; epoch <= 1000 && !status; epoch++) {
        ag_tensor *hidden = ag_sigmoid(ag_add(ag_matmul(x, w1), b1));
        ag_tensor *output = ag_sigmoid(ag_add(ag_matmul(hidden, w2), b2));
        ag_tensor *loss = ag_mean(ag_square(ag_sub(output, 0.5)));
        if (epoch == 0 || epoch == 1 || epoch == 10 || epoch == 100 || epoch == 1000)
            printf("%d %.17g\n", epoch, ag_item(loss));

        ag_backward(loss);
        descend(all, 0.01);
        status = ag_tape_reset(tape); /* frees the epoch's temporaries; reports whatever failed above */
    }

    if (status) fprintf(stderr, "sigmoid_221: %s\n", ag_errmsg());
    ag_free(x), ag_free(w1), ag_free(b1), ag_free(w2), ag_free(b2);
    ag_tape_free(tape);
    return status != AG_OK;
}
