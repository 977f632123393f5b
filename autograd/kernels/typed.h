/* typed.h - what the kernel files give to table.c and to each other. Part of a text over `real`. */
#define AG__DECLARE_UNARY(name, ...)      \
    ag__unary_fn AG__TYPED(unary_##name); \
    ag__unary_back_fn AG__TYPED(unary_back_##name);
AG_UNARY_FUNCTIONS(AG__DECLARE_UNARY)
#undef AG__DECLARE_UNARY
#define AG__DECLARE_BINARY(name, ...)                \
    ag__binary_fn AG__TYPED(binary_##name);          \
    ag__binary_back_fn AG__TYPED(back_a_##name), AG__TYPED(back_b_##name);
AG_BINARY_FUNCTIONS(AG__DECLARE_BINARY)
#undef AG__DECLARE_BINARY

ag__compare_fn AG__TYPED(eq), AG__TYPED(ne), AG__TYPED(lt), AG__TYPED(le), AG__TYPED(gt), AG__TYPED(ge);
ag__reduce_fn AG__TYPED(sum), AG__TYPED(max), AG__TYPED(min);
void AG__TYPED(arg_columns)(int op, int64_t rows, int64_t n, const void *x, int64_t ld, int64_t *y);
double AG__TYPED(dot)(int64_t n, const void *a, int64_t sa, const void *b, int64_t sb);
double AG__TYPED(softmax)(int64_t n, const void *x, int64_t sx, void *y, int64_t sy);
void AG__TYPED(copy)(int64_t n, const void *x, int64_t sx, void *y, int64_t sy, bool add);
void AG__TYPED(fill)(int64_t n, double value, void *y, int64_t sy);
void AG__TYPED(scale)(int64_t n, double k, const void *x, int64_t sx, void *y, int64_t sy, bool add);
void AG__TYPED(gemm)(const ag__gemm *g);
size_t AG__TYPED(gemm_work)(const ag__gemm *g);
void AG__TYPED(sum_columns)(int64_t rows, int64_t n, const void *x, int64_t ld, void *y, bool add);
void AG__TYPED(norm)(const ag__norm *p);
void AG__TYPED(norm_back)(const ag__norm_back *p);
void AG__TYPED(batch_norm)(const ag__batch_norm *p);
void AG__TYPED(batch_norm_back)(const ag__batch_norm_back *p);
void AG__TYPED(logsumexp_rows)(int64_t rows, int64_t n, const void *x, void *y);
void AG__TYPED(exp_rows)(int64_t rows, int64_t n, double k, const void *x, const void *shift, const void *factor,
                         void *y, bool add);
double AG__TYPED(exp_sum)(int64_t n, double k, void *x, double *max);
void AG__TYPED(dot_rows)(int64_t rows, int64_t n, const void *a, const void *b, void *y);
void AG__TYPED(softmax_back)(int64_t rows, int64_t n, double k, const void *p, const void *dot, void *g);
void AG__TYPED(softmax_columns)(int64_t n, int64_t m, const void *x, int64_t ldx, void *y, int64_t ldy, void *lse);
void AG__TYPED(softmax_columns_back)(int64_t n, int64_t m, const void *y, const void *g, int64_t ld, void *d, bool add);
void AG__TYPED(pack_narrow)(int64_t rows, int64_t n, const void *x, int64_t step, const int64_t *at, void *y);
void AG__TYPED(turn)(int64_t rows, int64_t cols, const void *x, int64_t sr, int64_t sc, void *y);
