/* files.h - ADBench's text files: numbers between spaces, colons and line ends. Whatever is wrong ends the program with
 * a message and status 2. */
#ifndef ADBENCH_FILES_H
#define ADBENCH_FILES_H
#include <stdbool.h>
#include <stddef.h>

typedef struct text {
    const char *path;
    char *all, *next;
    int line;
} text;

text text_open(const char *path);
double text_number(text *t);
int text_count(text *t, int least, int most); /* a whole number */
void text_numbers(text *t, size_t n, double *x);
void text_word(text *t, char *word, size_t size);
bool text_more(text *t);                      /* does anything follow? */
void text_end(text *t);                       /* nothing may */
_Noreturn void text_fail(const text *t, const char *what);

/* Paths of the .txt files of a folder, sorted, as an array that ends with NULL; empty without the folder. */
char **files_of(const char *folder);
void files_free(char **path);
/* PATH's name without folder and ending. */
void stem_of(const char *path, size_t size, char *stem);

#endif
