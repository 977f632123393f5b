/* quote.h - text of any bytes between quotes. */
#ifndef AG_IO_QUOTE_H
#define AG_IO_QUOTE_H
#include <stddef.h>
#include <stdio.h>

/* The n bytes of s, for JSON or for Graphviz's DOT; the quotes are the caller's. What is no UTF-8 becomes U+FFFD. */
void ag__quote_json(FILE *to, const char *s, size_t n);
void ag__quote_dot(FILE *to, const char *s, size_t n);

#endif
