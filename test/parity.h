/* parity.h - cases recorded with PyTorch, run on this library and compared.
 *
 *   parity.c        the program
 *   parity_run.c    a file of cases, counted
 *   parity_json.c   lines of a file, gzipped or plain; numbers and tensors in JSON
 *   parity_case.c   one case: its tensors; forward, vjp and second order, compared
 *   parity_signs.c  what is not unique in a result
 *   parity_args.c   the arguments of an operator, by position or by name
 *   parity_ops.c    the operators; their tables are in parity_basics.c and its likes, one row per operator: PyTorch's
 *                   name and how it is spelled here
 *
 * A case is one JSON object: op, v (variant), i, args, kwargs, out, gout, gin, w, ggin. A tensor in it is {s: shape,
 * d: data, rg: requires grad, dt: dtype}; floats are C hex strings, inf, -inf or nan. gout has one entry per output
 * that requires a gradient, gin one per leaf (null: zero), w one per gin that itself requires one, and ggin is the
 * gradient of sum <gin, w> by the leaves.
 *
 * What is wrong with a case is reported by ag_fail, as the library reports its own errors: the first one wins. */
#ifndef PARITY_H
#define PARITY_H
#include <autograd/autograd.h>
#include <jansson.h>
#include <zlib.h>

/* ---- parity_json.c ---------------------------------------------------------------------------------------- */
typedef struct lines {
    gzFile file;
    char *text; /* the current line */
    size_t room, length;
    long number;
} lines;
/* False with a message in `why` if there is no such file. */
bool lines_open(lines *from, const char *name, char *why, size_t room);
/* 1: a line, without its end; 0: no more; -1: damaged or out of memory, message in `why`. */
int lines_next(lines *from, char *why, size_t room);
void lines_close(lines *from);
/* A number or the string of one. */
bool parity_number(const json_t *v, double *out);
bool parity_is_tensor(const json_t *v);
/* "float64" or "torch.float64"; false with the error remembered. */
bool parity_dtype(const char *name, ag_dtype *out);
/* A temporary tensor on the current tape; NULL with the error remembered. */
ag_tensor *parity_tensor(const json_t *v);

/* ---- parity_case.c: one case -------------------------------------------------------------------------------- */
enum { PARITY_TENSORS = 64 };
typedef struct args {
    const char *op, *variant;
    int number;
    const json_t *line, *args, *kwargs;
    struct {
        const json_t *json;
        ag_tensor *tensor;
    } made[PARITY_TENSORS]; /* every tensor among args and kwargs */
    ag_tensor *leaf[PARITY_TENSORS], *out[PARITY_TENSORS], *list[PARITY_TENSORS];
    int n_made, n_leaf, n_out;
    struct {
        int axis;
        int64_t n;
    } unique[PARITY_TENSORS];         /* of each output, the vectors that are: the first n along an axis; axis 0: all */
    size_t positions;                 /* arguments asked for by position: the highest, plus one */
    const char *name[PARITY_TENSORS]; /* and by name */
    int n_name;
} args;
typedef struct verdict {
    bool first, has_second, second; /* right: out and gin; ggin, where the case has one */
    double worst;                   /* largest difference among those compared, relative to max(1, largest expected) */
    char why[512];                  /* what failed */
} verdict;
/* False with a message in `why` if the line is no case at all. */
bool parity_case_read(args *a, const json_t *line, char *why, size_t room);
verdict parity_case_check(args *a);

/* ---- parity_signs.c: decompositions are unique but for the signs of vectors, and with full matrices but for all vectors
 * behind the first -------------------------------------------------------------------------------------------- */
/* The outputs become their unique parts, with the signs of the case's. */
void parity_signs_fit(args *a);
/* What is to be compared or multiplied with output i: the same part of it. */
ag_tensor *parity_unique(const args *a, int i, ag_tensor *theirs);

/* ---- parity_args.c: what an operator was given ------------------------------------------------------------
 * i is the place in PyTorch's signature, -1 for what may only be given by name. None is as good as absent. A default is
 * PyTorch's. What is required and absent, or of another kind, is reported. */
bool arg_given(args *a, int i, const char *name);
bool arg_is_tensor(args *a, int i, const char *name);
ag_tensor *arg_tensor(args *a, int i, const char *name);
ag_tensor *arg_optional(args *a, int i, const char *name); /* a tensor or NULL */
ag_tensor *arg_operand(args *a, int i, const char *name);  /* a tensor or a number */
ag_list arg_tensors(args *a, int i, const char *name);     /* good until the next list */
double arg_number(args *a, int i, const char *name, double otherwise);
int64_t arg_integer(args *a, int i, const char *name, int64_t otherwise);
bool arg_flag(args *a, int i, const char *name, bool otherwise);
const char *arg_text(args *a, int i, const char *name, const char *otherwise);
/* Axes or sizes: a list, one number, or (sizes) all the numbers from place i on. Their count; 0 if absent. */
int arg_axes(args *a, int i, const char *name, int axes[AG_MAX_RANK]);
int arg_sizes(args *a, int i, const char *name, int64_t sizes[AG_MAX_RANK]);
/* x converted to the dtype named there, if one is. */
ag_tensor *arg_cast(args *a, int i, const char *name, ag_tensor *x);
/* What many operators have: the first tensor, an axis, a reduction, at place i or by two older flags. */
ag_tensor *arg_input(args *a);
int arg_axis(args *a, int i, int otherwise);
ag_reduction arg_reduction(args *a, int size_average, int reduce, int i);
/* Where PyTorch names an axis it takes a 0-d tensor for one of shape [1], and ag_ operations do not: x with an axis, and a
 * result of it back in the rank of x. */
ag_tensor *arg_with_axis(ag_tensor *x);
ag_tensor *arg_without_axis(ag_tensor *y, ag_tensor *x);
/* One more output, after those given before; the value an operator's function returns comes first. */
void arg_output(args *a, ag_tensor *y);
/* Reports arguments that nobody asked for: a variant the operator's function does not know. */
void arg_check_all_used(args *a);

/* ---- parity_ops.c and the tables ----------------------------------------------------------------------------------------- */
typedef struct parity_op {
    const char *name;                                                /* PyTorch's */
    ag_tensor *(*unary)(ag_tensor *x);                               /* (input), or */
    ag_tensor *(*binary)(ag_tensor *a, ag_tensor *b);                /* (input, other), or */
    ag_tensor *(*reduce)(ag_tensor *x, int n, const int *axes);      /* (input, dim, keepdim, dtype), */
    ag_tensor *(*reduce_keep)(ag_tensor *x, int n, const int *axes); /*     with keepdim, or */
    ag_tensor *(*call)(args *a);                                     /* anything: the first output */
    const char *other;                                               /* name of the second operand; default "other" */
} parity_op;
typedef struct parity_table {
    const parity_op *rows;
    size_t n;
} parity_table;
/* a file each: parity_basics.c, ... */
extern const parity_table parity_basics, parity_networks, parity_reduce, parity_linalg, parity_special, parity_conv,
    parity_losses, parity_norms;

const parity_op *parity_op_find(const char *name);
const parity_op *parity_op_at(size_t number); /* NULL past the last */
/* Applies it; the outputs are then a->out[0..a->n_out). NULL among them, or an error pending: it failed. */
void parity_op_apply(const parity_op *op, args *a);

/* ---- parity_run.c ----------------------------------------------------------------------------------------- */
/* Checks the cases of `file` whose operator is in `only` (names with commas between; NULL or "": all). One line per
 * failing case and a summary to `out`, damaged files to `err`. The exit status. */
int parity_run(const char *file, const char *only, FILE *out, FILE *err);
#endif
