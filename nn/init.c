/* init.c - initial values. Each function draws on a tape of its own: there need be none, and what there is stays as it
 * is. */
#include <autograd/op.h>
#include <math.h>
#include <nn/init.h>

typedef struct room {
    ag_tape *tape;
    bool recorded;
    ag_shape shape; /* of the tensor to be filled */
} room;

static bool given(const ag_tensor *w, const char *who)
{
    if (!w && !ag_error()) ag_fail(AG_ENULL, "%s: the tensor is NULL", who);
    return w != NULL;
}

/* False if w cannot be given values; to be closed in any case. */
static bool open_room(room *r, const ag_tensor *w, const char *who)
{
    *r = (room){ .recorded = ag_record(false) };
    if (!given(w, who)) return false;
    r->shape.dtype = ag_dtype_of(w);
    r->shape.rank = ag_rank(w);
    for (int i = 0; i < r->shape.rank; i++) r->shape.dims[i] = ag_size(w, i);
    if (r->shape.dtype != AG_F32 && r->shape.dtype != AG_F64) {
        ag_fail(AG_EDTYPE, "%s: the tensor is %s; it takes f32 and f64", who, ag_dtype_name(r->shape.dtype));
        return false;
    }
    r->tape = ag_tape_new();
    return r->tape != NULL;
}

static void close_room(room *r)
{
    ag_tape_free(r->tape);
    ag_record(r->recorded);
}

/* w = offset + scale z, elements in row-major order */
static void put(const room *r, ag_tensor *w, double offset, double scale, ag_tensor *z)
{
    ag_assign(w, ag_add(offset, ag_mul(scale, (ag_reshape)(z, r->shape.rank, r->shape.dims))));
}

typedef ag_tensor *draw_fn(ag_dtype dtype, int rank, const int64_t *dims);

/* w = offset + scale z with random z */
static ag_tensor *fill(ag_tensor *w, draw_fn *draw, double offset, double scale, const char *who)
{
    room r;
    if (open_room(&r, w, who)) put(&r, w, offset, scale, draw(r.shape.dtype, r.shape.rank, r.shape.dims));
    close_room(&r);
    return w;
}

/* ---- one distribution for all ------------------------------------------------------------------------------------ */

ag_tensor *ag_init_constant(ag_tensor *w, double value)
{
    ag_fill(w, value);
    return w;
}

ag_tensor *ag_init_uniform(ag_tensor *w, double low, double high)
{
    if (!(low <= high && isfinite(high - low)))
        return ag_fail(AG_EINVAL, "ag_init_uniform: low %g, high %g", low, high), w;
    return fill(w, ag_rand, low, high - low, "ag_init_uniform");
}

static bool good_normal(double mean, double std, const char *who)
{
    if (std >= 0 && isfinite(std) && isfinite(mean)) return true;
    ag_fail(AG_EINVAL, "%s: mean %g, std %g", who, mean, std);
    return false;
}

ag_tensor *ag_init_normal(ag_tensor *w, double mean, double std)
{
    if (!good_normal(mean, std, "ag_init_normal")) return w;
    return fill(w, ag_randn, mean, std, "ag_init_normal");
}

/* n numbers of the standard normal distribution cut at 2: what falls outside is drawn again. */
static ag_tensor *draw_truncated(int64_t n)
{
    ag_tensor *kept = ag_zeros(AG_F64, n);
    double *out = kept ? ag_f64_write(kept) : NULL;
    for (int64_t have = 0; out && have < n;) {
        int64_t wanted = n - have;
        ag_tensor *more = ag_randn(AG_F64, wanted);
        const double *z = more ? ag_f64(more) : NULL;
        if (!z) return NULL;
        for (int64_t i = 0; i < wanted; i++)
            if (fabs(z[i]) <= 2) out[have++] = z[i];
    }
    return kept;
}

ag_tensor *ag_init_trunc_normal(ag_tensor *w, double mean, double std)
{
    static const char who[] = "ag_init_trunc_normal";
    if (!good_normal(mean, std, who)) return w;
    room r;
    if (open_room(&r, w, who)) put(&r, w, mean, std, draw_truncated(ag_numel(w)));
    close_room(&r);
    return w;
}

/* ---- by the size of the layer ------------------------------------------------------------------------------------ */

double ag_gain_leaky_relu(double slope)
{
    return sqrt(2 / (1 + slope * slope));
}

typedef struct fans {
    double in, out;
} fans;

/* Of a weight [out, in, ...]; false: it has none. */
static bool fans_of(const ag_tensor *w, fans *f, const char *who)
{
    if (!given(w, who)) return false;
    if (ag_rank(w) < 2)
        return ag_fail(AG_ESHAPE, "%s: a tensor of %d axes has no fans; it takes 2 or more", who, ag_rank(w)), false;
    double field = 1;
    for (int i = 2; i < ag_rank(w); i++) field *= (double)ag_size(w, i);
    *f = (fans){ .in = field * (double)ag_size(w, 1), .out = field * (double)ag_size(w, 0) };
    return true;
}

static double gain_of(const ag_init_options *o, double usual)
{
    return o && o->gain != 0 ? o->gain : usual;
}

/* Mean 0 and this standard deviation: uniform numbers reach sqrt(3) of it. */
static ag_tensor *spread(ag_tensor *w, double std, bool uniform, const char *who)
{
    double bound = sqrt(3) * std;
    if (!isfinite(std) && ag_numel(w)) return ag_fail(AG_EINVAL, "%s: a gain that is not finite", who), w;
    return uniform ? fill(w, ag_rand, -bound, 2 * bound, who) : fill(w, ag_randn, 0, std, who);
}

static ag_tensor *xavier(ag_tensor *w, const ag_init_options *o, bool uniform, const char *who)
{
    fans f;
    if (!fans_of(w, &f, who)) return w;
    return spread(w, gain_of(o, 1) * sqrt(2 / (f.in + f.out)), uniform, who);
}

static ag_tensor *kaiming(ag_tensor *w, const ag_init_options *o, bool uniform, const char *who)
{
    fans f;
    if (!fans_of(w, &f, who)) return w;
    return spread(w, gain_of(o, AG_GAIN_RELU) / sqrt(o && o->fan_out ? f.out : f.in), uniform, who);
}

ag_tensor *(ag_init_xavier_uniform)(ag_tensor *w, const ag_init_options *options)
{
    return xavier(w, options, true, "ag_init_xavier_uniform");
}

ag_tensor *(ag_init_xavier_normal)(ag_tensor *w, const ag_init_options *options)
{
    return xavier(w, options, false, "ag_init_xavier_normal");
}

ag_tensor *(ag_init_kaiming_uniform)(ag_tensor *w, const ag_init_options *options)
{
    return kaiming(w, options, true, "ag_init_kaiming_uniform");
}

ag_tensor *(ag_init_kaiming_normal)(ag_tensor *w, const ag_init_options *options)
{
    return kaiming(w, options, false, "ag_init_kaiming_normal");
}

/* ---- orthogonal -------------------------------------------------------------------------------------------------- */

static double dot(int64_t n, const double *a, const double *b)
{
    double s[4] = { 0 }; /* four sums at a time */
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) s[k] += a[i + k] * b[i + k];
    for (; i < n; i++) s[0] += a[i] * b[i];
    return s[0] + s[1] + (s[2] + s[3]);
}

static void subtract(int64_t n, double *a, double c, const double *b)
{
    for (int64_t i = 0; i < n; i++) a[i] -= c * b[i];
}

/* Rows of q [rows, n] made orthonormal one after the other by the modified Gram-Schmidt process. The second round
 * removes what rounding left of rows that were almost dependent: twice is enough (Giraud, Langou & Rozloznik 2005). */
static void gram_schmidt(int64_t rows, int64_t n, double *q)
{
    for (double *v = q; v < q + rows * n; v += n)
        for (int round = 0; round < 2; round++) {
            for (const double *u = q; u < v; u += n) subtract(n, v, dot(n, u, v), u);
            double length = sqrt(dot(n, v, v));
            for (int64_t i = 0; i < n; i++) v[i] /= length;
        }
}

/* [rows, columns] with orthonormal rows or columns, whichever are fewer. */
static ag_tensor *draw_orthogonal(int64_t rows, int64_t columns)
{
    int64_t few = rows < columns ? rows : columns, many = rows < columns ? columns : rows;
    ag_tensor *q = ag_randn(AG_F64, few, many);
    double *at = q ? ag_f64_write(q) : NULL;
    if (!at) return NULL;
    gram_schmidt(few, many, at);
    return rows < columns ? q : ag_transpose(q, 0, 1);
}

ag_tensor *ag_init_orthogonal(ag_tensor *w, double gain)
{
    static const char who[] = "ag_init_orthogonal";
    fans f;
    if (!fans_of(w, &f, who)) return w;
    if (!isfinite(gain)) return ag_fail(AG_EINVAL, "%s: gain %g", who, gain), w;
    room r;
    if (open_room(&r, w, who)) put(&r, w, 0, gain, draw_orthogonal(ag_size(w, 0), (int64_t)f.in));
    close_room(&r);
    return w;
}
