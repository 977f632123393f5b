/* progress.c - the bar and the plain lines of progress.h. */
#define _DEFAULT_SOURCE
#include <examples/progress.h>

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 12 }; /* cells: the line has some 80 columns */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

progress progress_start(int64_t epochs, int64_t samples)
{
    return (progress){ .epochs = epochs, .samples = samples, .began = now(), .terminal = isatty(STDOUT_FILENO) };
}

void progress_epoch(progress *p, int64_t epoch)
{
    p->epoch = epoch;
    p->seen = 0, p->loss = 0, p->right = 0;
}

/* Over its last state, and no longer than the terminal is wide, or it would begin a line each time. */
static void draw_bar(const progress *p, double rate)
{
    struct winsize size = { 0 };
    char line[256];
    int room = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
    int filled = (int)(BAR * p->seen / p->samples);
    double left = (double)((p->epochs - p->epoch + 1) * p->samples - p->seen) / rate;
    snprintf(line, sizeof line, "%lld/%lld [%.*s%*s]  loss %.4f  accuracy %.4f  %.0f samples/s  %.0f s left",
             (long long)p->epoch, (long long)p->epochs, filled, "############", BAR - filled, "",
             p->loss / (double)p->seen, p->right / (double)p->seen, rate, left);
    printf("\r%.*s\033[K", room - 1, line);
}

void progress_batch(progress *p, int64_t n, double loss, double right)
{
    p->seen += n, p->loss += loss * (double)n, p->right += right;
    bool last = p->seen == p->samples;
    double time = now(), elapsed = time - p->began;
    if (!last && (!p->terminal || time - p->shown < 0.1)) return;
    p->shown = time;

    double done = (double)((p->epoch - 1) * p->samples + p->seen), rate = done / (elapsed > 0 ? elapsed : 1e-9);
    if (p->terminal)
        draw_bar(p, rate);
    else
        printf("epoch %lld/%lld  loss %.4f  accuracy %.4f  %.0f samples/s", (long long)p->epoch, (long long)p->epochs,
               p->loss / (double)p->seen, p->right / (double)p->seen, rate);
    if (last) putchar('\n');
    fflush(stdout);
}

void progress_stop(const progress *p)
{
    if (p->terminal && p->seen > 0 && p->seen < p->samples) putchar('\n');
}
