/* files.h - what tests of readers and writers share: a folder of their own, files of given bytes, and what reading one
 * costs. */
#ifndef TEST_FILES_H
#define TEST_FILES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka's group setup and teardown: a new folder under $TMPDIR or /tmp, removed with the files in it. */
int files_setup(void **state);
int files_teardown(void **state);
/* A path in that folder; good for eight calls. */
const char *files_path(const char *name);
void files_store(const char *path, const void *bytes, size_t n);
/* The bytes of a file, to be freed; *n of them. */
uint8_t *files_load(const char *path, size_t *n);
bool files_exist(const char *path);
/* How many files are in the folder. */
int files_count(void);
/* Seconds of processor time so far. */
double files_time(void);
#endif
