/* math.h - elementary functions in straight-line arithmetic, which compilers vectorise. Part of a text over `real`. */
AG__INLINE real AG__TYPED(exp)(real x) { return AG__LIBM(exp)(x); }
AG__INLINE real AG__TYPED(log)(real x) { return AG__LIBM(log)(x); }
AG__INLINE real AG__TYPED(log1p)(real x) { return AG__LIBM(log1p)(x); }
AG__INLINE real AG__TYPED(expm1)(real x) { return AG__LIBM(expm1)(x); }
AG__INLINE real AG__TYPED(tanh)(real x) { return AG__LIBM(tanh)(x); }
AG__INLINE real AG__TYPED(erf)(real x) { return AG__LIBM(erf)(x); }
