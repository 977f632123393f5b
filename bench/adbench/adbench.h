/* adbench.h - the four problems of ADBench (github.com/microsoft/ADBench): Gaussian mixture, LSTM, bundle
 * adjustment, hand tracking. Each is a file with the objective in plain C and the same recorded, fast and one operation at a time. */
#ifndef ADBENCH_H
#define ADBENCH_H
#include <autograd/autograd.h>

typedef struct task {
    char name[64], golden[96];    /* of the result, of its golden file */
    void *data;                   /* the problem's own */
    size_t n_value, n_derivative; /* numbers that are compared: values of the objective first */
    double *value, *derivative;
    size_t n_golden[2];           /* so many of each are in the golden file; 0: all */
    size_t header[2], n_header;   /* what stands before them there */
    void (*objective)(struct task *);                  /* fills value */
    void (*gradient)(struct task *), (*per_op)(struct task *); /* fill value and derivative */
    void (*release)(struct task *);
    ag_tape *tape;
    size_t operations; /* recorded by per_op, and the bytes of the tape: set by whichever ran last */
    double bytes;
} task;

/* The problem in a file; the program ends, with status 2, where it cannot be read. */
task gmm_task(const char *path);
task gmm_task_drawn(int d, int k, int n); /* with points and variables drawn */
task lstm_task(const char *path);
task ba_task(const char *path);
task hand_task(const char *path); /* its model lies in ../model */

/* ---- shared ---- */
double *numbers(size_t n);             /* zeros, never NULL */
ag_scalar *scalars(size_t n);
void note_tape(task *t);               /* what lies on it, into operations and bytes */
void take_gradient(task *t, ag_scalar y, size_t n, const ag_scalar *x); /* value and derivative of one number */
void stop_on_error(const task *t);

#endif
