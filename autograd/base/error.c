/* error.c - this thread's remembered error. */
#include <autograd/error.h>
#include <stdarg.h>
#include <string.h>

/* Little enough for the library to be loaded by a running program, which has few bytes left for its thread-locals. */
enum { TEXT_SIZE = 288 };

/* The code is looked at after every operation, hence the cheap thread-local model. The text stays when it is cleared.
 */
static _Thread_local ag_status pending __attribute__((tls_model("initial-exec")));
static _Thread_local char text[TEXT_SIZE];

static const char *const status_text[] = {
#define STATUS_TEXT(name, text) [AG_##name] = (text),
    AG_STATUSES(STATUS_TEXT)
#undef STATUS_TEXT
};
enum { N_STATUS = sizeof status_text / sizeof *status_text };

ag_status ag_error(void)
{
    return pending;
}

const char *ag_errmsg(void)
{
    return text;
}

ag_status ag_clear_error(void)
{
    ag_status was = pending;
    pending = AG_OK;
    return was;
}

ag_status ag_fail(ag_status code, const char *format, ...)
{
    if (code == AG_OK || (unsigned)code >= N_STATUS) code = AG_EINVAL;
    if (pending) return code;
    if (!format) format = "";
    char fresh[TEXT_SIZE]; /* an argument may be the old text */
    va_list args;
    va_start(args, format);
    int n = vsnprintf(fresh, sizeof fresh, format, args);
    va_end(args);
    if (n < 0) fresh[0] = 0;
    if (n >= TEXT_SIZE) memcpy(fresh + TEXT_SIZE - 4, "...", 4);
    memcpy(text, fresh, sizeof text);
    pending = code;
    return code;
}

const char *ag_status_text(ag_status code)
{
    return (unsigned)code < N_STATUS ? status_text[code] : "no such status";
}
