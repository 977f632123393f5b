/* print.c - tensors as text, as NumPy (2.3 and later) prints its arrays: eight digits after the point at most, one
 * width for all elements, an exponent where sizes differ much, lines of 75 columns, and of large tensors the ends of
 * each axis. */
#include <autograd/tensor/header.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_F32 1e6 /* from here on an exponent */
#define LARGE_F64 1e8
enum { LINE = 75, DIGITS = 8, THRESHOLD = 1000, EDGE = 3, SHORTEST_F32 = 9, SHORTEST_F64 = 17 };

/* ---- text of at most one element -------------------------------------------------------------------------------- */

typedef struct word {
    int n;
    char s[96];
} word;

static void put(word *w, char c, int times)
{
    while (times-- > 0 && w->n < (int)sizeof w->s) w->s[w->n++] = c;
}

static void put_text(word *w, const char *s)
{
    while (*s) put(w, *s++, 1);
}

/* ---- decimal digits --------------------------------------------------------------------------------------------- */

typedef struct decimal { /* +-d.ddd 10^exponent, without trailing zeros */
    bool negative;
    int n, exponent;
    char digit[SHORTEST_F64 + 1];
} decimal;

/* x rounded to n digits. Reads them out of printf's text, whatever the locale's decimal point is. */
static decimal rounded(double x, int n)
{
    char text[SHORTEST_F64 + 16];
    decimal d = { .negative = signbit(x) };
    snprintf(text, sizeof text, "%.*e", n - 1, fabs(x));
    const char *p = text;
    for (; *p && *p != 'e'; p++)
        if (*p >= '0' && *p <= '9' && d.n < SHORTEST_F64) d.digit[d.n++] = *p;
    if (*p) d.exponent = (int)strtol(p + 1, NULL, 10);
    while (d.n > 1 && d.digit[d.n - 1] == '0') d.n--;
    return d;
}

/* The fewest digits that read back as x. */
static decimal shortest(double x, bool single)
{
    int most = single ? SHORTEST_F32 : SHORTEST_F64;
    char text[SHORTEST_F64 + 16];
    for (int n = 1; n < most; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, x);
        if (single ? strtof(text, NULL) == (float)x : strtod(text, NULL) == x) return rounded(x, n);
    }
    return rounded(x, most);
}

/* Digits behind the point. */
static int fraction(const decimal *d, bool exponential)
{
    int n = d->n - 1 - (exponential ? 0 : d->exponent);
    return n > 0 ? n : 0;
}

/* The same with at most DIGITS behind the point. */
static decimal limited(double x, bool single, bool exponential)
{
    decimal d = shortest(x, single);
    return fraction(&d, exponential) > DIGITS ? rounded(x, DIGITS + 1 + (exponential ? 0 : d.exponent)) : d;
}

static void put_digits(word *w, const decimal *d, int from, int to) /* zeros outside of what there is */
{
    for (int i = from; i < to; i++) put(w, i >= 0 && i < d->n ? d->digit[i] : '0', 1);
}

static void put_positional(word *w, const decimal *d, int left, int right)
{
    int whole = d->exponent >= 0 ? d->exponent + 1 : 1, behind = fraction(d, false);
    put(w, ' ', left - whole - d->negative);
    if (d->negative) put(w, '-', 1);
    put_digits(w, d, d->exponent >= 0 ? 0 : d->exponent, d->exponent + 1);
    put(w, '.', 1);
    put_digits(w, d, d->exponent + 1, d->exponent + 1 + behind);
    put(w, ' ', right - behind);
}

static void put_exponential(word *w, const decimal *d, int left, int right, int exponent_digits)
{
    char exponent[16];
    snprintf(exponent, sizeof exponent, "%c%0*d", d->exponent < 0 ? '-' : '+', exponent_digits, abs(d->exponent));
    put(w, ' ', left - 1 - d->negative);
    if (d->negative) put(w, '-', 1);
    put_digits(w, d, 0, 1);
    put(w, '.', 1);
    put_digits(w, d, 1, 1 + right);
    put(w, 'e', 1);
    put_text(w, exponent);
}

static void put_not_finite(word *w, double x, int width)
{
    const char *s = isnan(x) ? "nan" : x < 0 ? "-inf" : "inf";
    put(w, ' ', width - (int)strlen(s));
    put_text(w, s);
}

/* ---- elements --------------------------------------------------------------------------------------------------- */

/* How the elements of one tensor are written. */
typedef struct style {
    const ag__layout *l;
    bool exponential;
    int left, right, exponent; /* characters before and behind the point, digits of the exponent; whole numbers: left */
} style;

static int64_t whole_at(const ag__layout *l, const void *data, int64_t offset)
{
    return l->dtype == AG_I64 ? ((const int64_t *)data)[offset] : (int64_t)ag__get(l, data, offset);
}

static void put_element(word *w, const style *s, const void *data, int64_t offset)
{
    if (s->l->dtype == AG_BOOL) {
        put_text(w, ag__get(s->l, data, offset) != 0 ? " True" : "False");
        return;
    }
    if (!ag__is_float(s->l->dtype)) {
        char text[24];
        snprintf(text, sizeof text, "%*" PRId64, s->left, whole_at(s->l, data, offset));
        put_text(w, text);
        return;
    }
    double x = ag__get(s->l, data, offset);
    if (!isfinite(x)) {
        int tail = s->exponential ? s->right + 2 + s->exponent : s->right;
        put_not_finite(w, x, s->left + 1 + tail);
        return;
    }
    decimal d = s->exponential ? rounded(x, s->right + 1) : limited(x, s->l->dtype == AG_F32, false);
    if (s->exponential)
        put_exponential(w, &d, s->left, s->right, s->exponent);
    else
        put_positional(w, &d, s->left, s->right);
}

/* The only element of a 0-d tensor: all its digits, and no padding. */
static void put_lonely(word *w, const ag__layout *l, const void *data)
{
    double x = ag__get(l, data, 0), size = fabs(x);
    if (l->dtype == AG_BOOL)
        put_text(w, x != 0 ? "True" : "False");
    else if (!ag__is_float(l->dtype))
        put_element(w, &(style){ .l = l }, data, 0);
    else if (!isfinite(x))
        put_not_finite(w, x, 0);
    else {
        decimal d = shortest(x, l->dtype == AG_F32);
        bool positional = size == 0 || (size >= 1e-4 && size < (l->dtype == AG_F32 ? LARGE_F32 : 1e16));
        if (positional) {
            put_positional(w, &d, 0, 0);
            put(w, '0', !fraction(&d, false));
            return;
        }
        char text[16];
        snprintf(text, sizeof text, "e%+03d", d.exponent);
        put(w, '-', d.negative);
        put_digits(w, &d, 0, 1);
        put(w, '.', d.n > 1);
        put_digits(w, &d, 1, d.n);
        put_text(w, text);
    }
}

/* ---- the elements that are shown, in order ---------------------------------------------------------------------- */

typedef struct walk {
    const ag__layout *l;
    bool brief;
    int64_t index[AG_MAX_RANK], offset;
    bool skipped; /* the last step left out the middle of its axis */
} walk;

/* To the next element: returns the axis that moved on, those behind it start again; -1 at the end. */
static int step(walk *w)
{
    const ag__layout *l = w->l;
    for (int axis = l->rank - 1; axis >= 0; axis--) {
        int64_t next = w->index[axis] + 1;
        w->skipped = w->brief && next == EDGE && l->dims[axis] > 2 * EDGE;
        if (w->skipped) next = l->dims[axis] - EDGE;
        bool inside = next < l->dims[axis];
        if (!inside) next = 0;
        w->offset += (next - w->index[axis]) * l->strides[axis];
        w->index[axis] = next;
        if (inside) return axis;
    }
    return -1;
}

/* ---- choosing the style ----------------------------------------------------------------------------------------- */

static void wider(int *width, int n)
{
    if (n > *width) *width = n;
}

static style style_of_whole(walk w, const void *data)
{
    style s = { .l = w.l };
    do {
        char text[24];
        wider(&s.left, snprintf(text, sizeof text, "%" PRId64, whole_at(w.l, data, w.offset)));
    } while (step(&w) >= 0);
    return s;
}

/* Do sizes differ so much that only an exponent shows them? Compared in the tensor's own precision. */
static bool needs_exponent(walk w, const void *data)
{
    double least = INFINITY, most = 0;
    do {
        double size = fabs(ag__get(w.l, data, w.offset));
        if (size > 0 && size < least) least = size;
        if (isfinite(size) && size > most) most = size;
    } while (step(&w) >= 0);
    if (most == 0) return false;
    if (w.l->dtype == AG_F64) return most >= LARGE_F64 || least < 1e-4 || most / least > 1000;
    return most >= LARGE_F32 || least < (double)1e-4f || (float)most / (float)least > 1000;
}

static style style_of_real(walk w, const void *data)
{
    style s = { .l = w.l, .exponential = needs_exponent(w, data) };
    bool special = false, minus_inf = false;
    do {
        double x = ag__get(w.l, data, w.offset);
        if (!isfinite(x)) {
            special = true, minus_inf |= x < 0;
            continue;
        }
        decimal d = limited(x, w.l->dtype == AG_F32, s.exponential);
        wider(&s.right, fraction(&d, s.exponential));
        wider(&s.left, d.negative + (s.exponential || d.exponent < 0 ? 1 : d.exponent + 1));
        wider(&s.exponent, s.exponential && abs(d.exponent) >= 100 ? 3 : 2);
    } while (step(&w) >= 0);
    int tail = s.exponential ? s.right + 2 + s.exponent : s.right;
    if (special) wider(&s.left, 3 + minus_inf - (tail + 1));
    return s;
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

typedef struct page {
    FILE *to;
    int column, spaces; /* spaces are held back: a line does not end in them */
} page;

static void repeat(page *p, char c, int times)
{
    p->column = c == '\n' ? 0 : p->column + times;
    while (times-- > 0) putc(c, p->to);
}

static void hold(page *p, int spaces)
{
    p->spaces += spaces, p->column += spaces;
}

static void release(page *p)
{
    p->column -= p->spaces;
    repeat(p, ' ', p->spaces);
    p->spaces = 0;
}

static void print_text(page *p, const char *s, int n)
{
    int blank = 0;
    while (blank < n && s[n - 1 - blank] == ' ') blank++;
    release(p);
    fwrite(s, 1, (size_t)(n - blank), p->to);
    p->column += n - blank;
    hold(p, blank);
}

static void new_line(page *p, int lines, int indent)
{
    p->spaces = 0;
    repeat(p, '\n', lines);
    repeat(p, ' ', indent);
}

/* An element of a row, on a new line where it would not fit. */
static void print_in_row(page *p, const char *s, int n, int rank)
{
    if (p->column + n > LINE - rank && p->column > rank) new_line(p, 1, rank);
    print_text(p, s, n);
}

static void print_array(FILE *to, const ag__layout *l, const void *data)
{
    walk w = { .l = l, .brief = l->numel > THRESHOLD };
    style s = ag__is_float(l->dtype) ? style_of_real(w, data) : style_of_whole(w, data);
    page p = { .to = to };
    int rank = l->rank, axis;
    repeat(&p, '[', rank);
    do {
        word text = { 0 };
        put_element(&text, &s, data, w.offset);
        print_in_row(&p, text.s, text.n, rank);
        axis = step(&w);
        if (axis == rank - 1) {
            hold(&p, 1);
            if (w.skipped) print_in_row(&p, "...", 3, rank), hold(&p, 1);
            continue;
        }
        int closed = rank - 1 - axis;
        release(&p);
        repeat(&p, ']', closed);
        if (axis < 0) break;
        new_line(&p, closed, axis + 1);
        if (w.skipped) print_text(&p, "...", 3), new_line(&p, closed, axis + 1);
        repeat(&p, '[', closed);
    } while (true);
}

void ag_fprint(FILE *to, const ag_tensor *x)
{
    if (!ag__readable(x, "ag_fprint", 1)) return;
    if (!to) {
        ag_fail(AG_ENULL, "ag_fprint: the file is NULL");
        return;
    }
    const ag__layout *l = x->layout;
    if (l->rank == 0) {
        word w = { 0 };
        put_lonely(&w, l, x->data);
        fwrite(w.s, 1, (size_t)w.n, to);
    } else if (l->numel == 0) {
        fputs("[]", to);
    } else {
        print_array(to, l, x->data);
    }
    putc('\n', to);
}
