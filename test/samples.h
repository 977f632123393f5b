/* samples.h - what each operation is tested on: rows of inputs, and how to apply the operation to them.
 *
 * Every row of ops.def has its `samples_NAME`, or the tests do not link. Values are distinct, away from kinks, and fit in
 * f32 exactly; the shapes are the classes the operation admits: 0-d, size 0 and 1, broadcast left, right and both,
 * transposed, strided, negative stride, expanded, 5-d, and what is special to it. */
#ifndef SAMPLES_H
#define SAMPLES_H
#include <autograd/autograd.h>

typedef enum arrangement { PLAIN, TRANSPOSED, STRIDED, FLIPPED, EXPANDED } arrangement;
typedef enum contents { NUMBERS, INDICES, FLAGS } contents;

typedef struct input {
    arrangement how; /* the last two axes swapped; every second element; all axes reversed; axis 0 repeated */
    contents what;
    int64_t from, to; /* of indices */
    int rank;
    int64_t dims[6];
} input;

typedef struct sample {
    const char *name;
    ag_tensor *(*apply)(ag_tensor **x);
    const input *in;
    int n_in;
} sample;

typedef struct samples {
    const char *op;
    const sample *at;
    size_t n;
    double domain[4][2]; /* of input i: from, to; of all when only the first is given */
    /* of an operation without derivative: is y right? */
    bool (*right)(ag_tensor *const *x, const ag_tensor *y);
} samples;

#define AG__ROW(name) extern const samples samples_##name;
#include <autograd/ops/rows.inc>
#undef AG__ROW

enum { MOST_INPUTS = 4 };

/* Input i on the current tape, f32 or f64. With leaf: computed from a new parameter *leaf, to be freed; else values. */
ag_tensor *sample_input(const samples *s, const sample *c, int i, ag_dtype dtype, ag_tensor **leaf);

/* Element k, in row-major order, of input i with that domain. */
double sample_value(const double *domain, int i, int64_t k);

/* ---- how tables are written ------------------------------------------------------------------------------------------- */
#define N_OF(T, ...) (int)(sizeof((const T[]){ __VA_ARGS__ }) / sizeof(T))
#define SHAPE(...) N_OF(int64_t, __VA_ARGS__), { __VA_ARGS__ }
#define V0 { PLAIN, NUMBERS, 0, 0, 0, { 0 } }
#define V(...) { PLAIN, NUMBERS, 0, 0, SHAPE(__VA_ARGS__) }
#define T(...) { TRANSPOSED, NUMBERS, 0, 0, SHAPE(__VA_ARGS__) }
#define S(...) { STRIDED, NUMBERS, 0, 0, SHAPE(__VA_ARGS__) }
#define F(...) { FLIPPED, NUMBERS, 0, 0, SHAPE(__VA_ARGS__) }
#define E(...) { EXPANDED, NUMBERS, 0, 0, SHAPE(__VA_ARGS__) }
#define I0(from, to) { PLAIN, INDICES, from, to, 0, { 0 } }
#define I(from, to, ...) { PLAIN, INDICES, from, to, SHAPE(__VA_ARGS__) }
#define IS(from, to, ...) { STRIDED, INDICES, from, to, SHAPE(__VA_ARGS__) }
#define B(...) { PLAIN, FLAGS, 0, 0, SHAPE(__VA_ARGS__) }

#define APPLY(id, expr) \
    static ag_tensor *id(ag_tensor **x) { return (expr); }
#define CASE(name, apply, ...) { name, apply, (const input[]){ __VA_ARGS__ }, N_OF(input, __VA_ARGS__) }
#define CASES(op) static const sample op##_cases[] =
#define SAMPLES(op, ...) \
    const samples samples_##op = { #op, op##_cases, sizeof op##_cases / sizeof *op##_cases, { __VA_ARGS__ }, NULL }
#define SAMPLES_WITHOUT_DERIVATIVE(op, right, ...) \
    const samples samples_##op = { #op, op##_cases, sizeof op##_cases / sizeof *op##_cases, { __VA_ARGS__ }, right }
#endif
