/* regression.c - two classic data sets, each fitted twice: by gradient descent, which needs nothing but the loss, and
 * by the textbook's formula for this very problem, written out in C. Prints intercept and slope of both, to be
 * compared:
 *
 *   linear regression    mean square loss                       against the normal equations
 *   logistic regression  cross-entropy of sigmoid(a + b x)      against Newton's method for the maximum likelihood */
#include <autograd/autograd.h>
#include <nn/nn.h>
#include <optim/optim.h>
#include <math.h>

/* 50 cars of the 1920s: speed in mph, stopping distance in feet. Ezekiel, "Methods of Correlation Analysis", 1930. */
enum { CARS = 50, FLIGHTS = 23 };
static const double speed[CARS] = { 4,  4,  7,  7,  8,  9,  10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13,
                                    13, 13, 14, 14, 14, 14, 15, 15, 15, 16, 16, 17, 17, 17, 18, 18, 18,
                                    18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25 };
static const double distance[CARS] = { 2,  10, 4,  22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28,  26, 34,
                                       34, 46, 26, 36, 60, 80, 20, 26, 54, 32, 40, 32, 40, 50, 42,  56, 76,
                                       84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85 };
/* 23 flights of the space shuttle: temperature at launch in F, and whether O-rings were damaged. Dalal, Fowlkes &
 * Hoadley, "Risk analysis of the space shuttle", 1989. */
static const double temperature[FLIGHTS] = { 66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78,
                                             67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58 };
static const double damaged[FLIGHTS] = { 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1 };

typedef struct line {
    double intercept, slope;
} line;

/* ---- by gradient descent ---- */

static ag_tensor *square_loss(ag_tensor *prediction, ag_tensor *y)
{
    return ag_mse_loss(prediction, y);
}
static ag_tensor *logistic_loss(ag_tensor *logits, ag_tensor *y)
{
    return ag_bce_with_logits(logits, y);
}

/* All samples in every step. Inputs are first brought to mean 0 and standard deviation 1: then both parameters have
 * much the same curvature, and a few hundred steps do what would else take a million. */
static line descend(int64_t n, const double *x, const double *y, ag_tensor *(*loss)(ag_tensor *, ag_tensor *),
                    double lr)
{
    ag_tape *tape = ag_tape_new();
    ag_tensor *inputs = ag_reshape(ag_copy(x, n), n, 1), *targets = ag_keep(ag_reshape(ag_copy(y, n), n, 1));
    double mean = ag_item(ag_mean(inputs)), deviation = sqrt(ag_item(ag_mean(ag_square(ag_sub(inputs, mean)))));
    ag_tensor *scaled = ag_keep(ag_div(ag_sub(inputs, mean), deviation));
    ag_module *linear = ag_Linear(1, 1, .dtype = AG_F64);
    ag_optim *opt = ag_sgd(ag_parameters(linear), .lr = lr);

    for (int step = 0; step < 1000 && !ag_error(); step++) {
        ag_backward(loss(ag_forward(linear, scaled), targets));
        if (ag_step(opt)) break;
        ag_tape_reset(tape);
    }
    double slope = ag_item(ag_module_tensor(linear, "weight")) / deviation;
    line result = { ag_item(ag_module_tensor(linear, "bias")) - slope * mean, slope };

    ag_optim_free(opt);
    ag_module_free(linear);
    ag_free(scaled), ag_free(targets);
    ag_tape_free(tape);
    return result;
}

/* ---- by the textbook ---- */

/* The line with the least sum of w (y - a - b x)^2; all weights are 1 without w. Two equations, by Cramer's rule. */
static line least_squares(int n, const double *x, const double *y, const double *w)
{
    double s = 0, sx = 0, sxx = 0, sy = 0, sxy = 0;
    for (int i = 0; i < n; i++) {
        double weight = w ? w[i] : 1;
        s += weight, sx += weight * x[i], sxx += weight * x[i] * x[i];
        sy += weight * y[i], sxy += weight * x[i] * y[i];
    }
    double determinant = s * sxx - sx * sx;
    return (line){ (sxx * sy - sx * sxy) / determinant, (s * sxy - sx * sy) / determinant };
}

/* Newton's method for logistic regression is least squares over and over: at logits z with probabilities p, the weights
 * are w = p (1 - p) and the line is drawn through z + (y - p) / w. McCullagh & Nelder, "Generalized Linear Models". */
static line newton(const double *x, const double *y)
{
    line l = { 0, 0 };
    for (int step = 0; step < 20; step++) {
        double target[FLIGHTS], weight[FLIGHTS];
        for (int i = 0; i < FLIGHTS; i++) {
            double z = l.intercept + l.slope * x[i], p = 1 / (1 + exp(-z));
            weight[i] = p * (1 - p);
            target[i] = z + (y[i] - p) / weight[i];
        }
        l = least_squares(FLIGHTS, x, target, weight);
    }
    return l;
}

static void print(const char *method, line l)
{
    printf("  %-18s %14.8f %13.8f\n", method, l.intercept, l.slope);
}

int main(void)
{
    puts("stopping distance by speed  intercept         slope");
    print("gradient descent", descend(CARS, speed, distance, square_loss, 0.25));
    print("normal equations", least_squares(CARS, speed, distance, NULL));
    puts("damage by temperature       intercept         slope");
    print("gradient descent", descend(FLIGHTS, temperature, damaged, logistic_loss, 2));
    print("Newton's method", newton(temperature, damaged));

    if (ag_error()) fprintf(stderr, "regression: %s\n", ag_errmsg());
    return ag_error() != AG_OK;
}
