/* schedule.c - see schedule.h. */
#include <optim/schedule.h>
#include <math.h>

/* How much of n steps is done, 0 to 1. */
static double progress(int64_t t, int64_t n)
{
    if (t >= n) return 1;
    return t > 0 ? (double)t / (double)n : 0;
}

static double half_wave(double from, double to, double done)
{
    return to + (from - to) * (1 + cos(acos(-1) * done)) / 2;
}

static double power_of(double lr, double factor, int64_t count)
{
    return count > 0 ? lr * pow(factor, (double)count) : lr;
}

double ag_lr_linear(double from, double to, int64_t t, int64_t n)
{
    double done = progress(t, n);
    if (n < 0) return NAN;
    return done < 1 ? from + (to - from) * done : to;
}

double ag_lr_cosine(double from, double to, int64_t t, int64_t n)
{
    return n >= 0 ? half_wave(from, to, progress(t, n)) : NAN;
}

double ag_lr_polynomial(double from, double to, double power, int64_t t, int64_t n)
{
    return n >= 0 ? to + (from - to) * pow(1 - progress(t, n), power) : NAN;
}

double ag_lr_restarts(double from, double to, int64_t t, int64_t first, double factor)
{
    if (first <= 0 || !(factor >= 1)) return NAN;
    double at = t > 0 ? (double)t : 0, length = (double)first;
    if (factor == 1) return half_wave(from, to, fmod(at, length) / length);
    /* cosine k begins at first (factor^k - 1) / (factor - 1); the logarithm may be off by a rounding */
    double k = floor(log1p(at / length * (factor - 1)) / log(factor));
    double begin = length * (pow(factor, k) - 1) / (factor - 1), own = length * pow(factor, k);
    if (at < begin)
        own /= factor, begin -= own;
    else if (at >= begin + own)
        begin += own, own *= factor;
    return half_wave(from, to, (at - begin) / own);
}

double ag_lr_step(double lr, double factor, int64_t t, int64_t every)
{
    return every > 0 ? power_of(lr, factor, t / every) : NAN;
}

double ag_lr_milestones(double lr, double factor, int64_t t, int n, const int64_t *at)
{
    int64_t reached = 0;
    if (n < 0 || (n > 0 && !at)) return NAN;
    for (int i = 0; i < n; i++) reached += t >= at[i];
    return power_of(lr, factor, reached);
}

double ag_lr_exponential(double lr, double factor, int64_t t)
{
    return power_of(lr, factor, t);
}

double ag_lr_inverse_sqrt(double lr, int64_t t, int64_t warm)
{
    if (warm < 0) return NAN;
    if (t < warm) return ag_lr_linear(0, lr, t, warm);
    return lr * sqrt((warm > 1 ? (double)warm : 1) / (t > 1 ? (double)t : 1));
}

double ag_lr_warmup_stable_decay(double lr, int64_t t, int64_t warm, int64_t stable, int64_t decay)
{
    if (warm < 0 || stable < 0 || decay < 0) return NAN;
    if (t < warm) return ag_lr_linear(0, lr, t, warm);
    return t - warm < stable ? lr : ag_lr_linear(lr, 0, t - warm - stable, decay);
}

double ag_lr_one_cycle(double peak, int64_t t, int64_t n)
{
    if (n <= 0) return NAN;
    const double low = peak / 25, lowest = low / 1e4;
    double last = (double)n - 1, top = 0.3 * (double)n - 1;
    double at = t < n ? (t > 0 ? (double)t : 0) : last;
    return at <= top ? half_wave(low, peak, at / top) : half_wave(peak, lowest, (at - top) / (last - top));
}

double ag_lr_triangle(double low, double high, int64_t t, int64_t half)
{
    if (half <= 0) return NAN;
    double length = (double)half, at = fmod(t > 0 ? (double)t : 0, 2 * length);
    return low + (high - low) * (1 - fabs(at / length - 1));
}

bool ag_patience_step(ag_patience *p, double value)
{
    if (!p) return false;
    if (!p->rounds++) p->best = p->maximise ? -INFINITY : INFINITY;
    p->improved = p->maximise ? value > p->best + p->min_delta : value < p->best - p->min_delta;
    if (p->improved)
        p->best = value, p->waited = 0;
    else
        p->waited++;
    return !p->improved && p->waited > p->limit;
}

double ag_lr_plateau(ag_plateau *p, double lr, double value)
{
    if (!p) return NAN;
    if (!p->patience.limit) p->patience.limit = 10;
    if (!ag_patience_step(&p->patience, value)) return lr;
    p->patience.waited = 0;
    double lower = lr * (p->factor != 0 ? p->factor : 0.1);
    return fmin(lr, fmax(lower, p->lowest));
}
