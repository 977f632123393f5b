/* run.h - a run of strided elements as contiguous memory, so that a loop is written once. Part of a text over `real`. */

/* y[i] = x[i * sx]. Whole vectors of known strides become shuffles. */
AG__INLINE void AG__TYPED(collect)(int64_t n, const real *x, int64_t sx, real *y)
{
    const int64_t whole = n & -(int64_t)(AG__VECTOR_BYTES / sizeof(real));
    if (sx == 2)
        for (int64_t i = 0; i < whole; i++) y[i] = x[2 * i];
    else if (sx == -1)
        for (int64_t i = 0; i < whole; i++) y[i] = x[-i];
    for (int64_t i = sx == 2 || sx == -1 ? whole : 0; i < n; i++) y[i] = x[i * sx];
}

/* n elements of x from number `from`: in place if they are contiguous, else copied to `buffer`. A repeated element
 * (stride 0) is written only for the first run. */
AG__INLINE const real *AG__TYPED(gather)(const real *x, int64_t sx, int64_t from, int64_t n, real *buffer)
{
    if (sx == 1) return x + from;
    if (sx == 0 && from) return buffer;
    x += from * sx;
    const real first = *x;
    if (sx == 0)
        for (int64_t i = 0; i < n; i++) buffer[i] = first;
    else
        AG__TYPED(collect)(n, x, sx, buffer);
    return buffer;
}

/* y[i * sy] = or += x[i] */
AG__INLINE void AG__TYPED(scatter)(int64_t n, const real *x, real *y, int64_t sy, bool add)
{
    for (int64_t i = 0; i < n; i++) y[i * sy] = add ? y[i * sy] + x[i] : x[i];
}
