/* quote.c - see quote.h. */
#include <autograd/io/quote.h>
#include <stdbool.h>
#include <string.h>

/* Bytes of the character that s begins with; 0: it is none (RFC 3629). */
static size_t utf8(const unsigned char *s, size_t n)
{
    static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (s[0] < 0x80) return 1;
    const size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || length > n) return 0;
    unsigned long c = s[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    return c >= least[length] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF) ? length : 0;
}

static void each(FILE *to, const char *s, size_t n, void (*ascii)(FILE *to, char c))
{
    while (n) {
        const size_t length = utf8((const unsigned char *)s, n), step = length ? length : 1;
        if (length == 1)
            ascii(to, *s);
        else
            fwrite(length ? s : "\xEF\xBF\xBD", 1, length ? length : 3, to);
        s += step, n -= step;
    }
}

static void json(FILE *to, char c)
{
    if ((unsigned char)c < ' ' || c == 127)
        fprintf(to, "\\u%04x", (unsigned)c);
    else
        fprintf(to, c == '"' || c == '\\' ? "\\%c" : "%c", c);
}

/* Graphviz takes & for the beginning of an HTML entity, and writes control characters into SVG, where they are wrong.
 */
static void dot(FILE *to, char c)
{
    if (c == '&')
        fputs("&amp;", to);
    else if (c == '\n')
        fputs("\\n", to);
    else if ((unsigned char)c < ' ' || c == 127)
        fputc(' ', to);
    else
        json(to, c);
}

void ag__quote_json(FILE *to, const char *s, size_t n)
{
    each(to, s, n, json);
}
void ag__quote_dot(FILE *to, const char *s, size_t n)
{
    each(to, s, n, dot);
}
