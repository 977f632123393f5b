/* peer.c - a child process on two pipes: a line with a duration goes in, a line with the time of a step comes back. */
#define _GNU_SOURCE
#include <bench/peer.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The next line without its newline. */
static bool read_line(int from, char *line, size_t room)
{
    size_t n = 0;
    while (n + 1 < room && read(from, line + n, 1) == 1) {
        if (line[n] == '\n') return line[n] = 0, true;
        n++;
    }
    return false;
}

static void become(char *const argv[], char *const environment[], int in, int out)
{
    dup2(in, STDIN_FILENO), dup2(out, STDOUT_FILENO);
    for (int i = 0; environment[i]; i++) putenv(environment[i]);
    execvp(argv[0], argv);
    _exit(127);
}

bool peer_start(peer *p, char *const argv[], char *const environment[])
{
    int to[2], from[2];
    char line[256];
    *p = (peer){ .pid = -1 };
    if (pipe2(to, O_CLOEXEC)) return false;
    if (pipe2(from, O_CLOEXEC)) return close(to[0]), close(to[1]), false;
    fflush(NULL);
    p->pid = fork();
    if (p->pid == 0) become(argv, environment, to[0], from[1]);
    close(to[0]), close(from[1]);
    p->to = to[1], p->from = from[0];
    if (p->pid > 0 && read_line(p->from, line, sizeof line) &&
        sscanf(line, "ready %lf %159[^\n]", &p->loss, p->name) == 2)
        return true;
    peer_stop(p);
    return false;
}

double peer_time(peer *p, double seconds)
{
    char line[64];
    double step;
    if (dprintf(p->to, "%g\n", seconds) < 0 || !read_line(p->from, line, sizeof line) ||
        sscanf(line, "%lf", &step) != 1)
        return -1;
    return step;
}

void peer_stop(peer *p)
{
    if (p->to) close(p->to), close(p->from); /* it ends with its input */
    if (p->pid > 0) waitpid(p->pid, NULL, 0);
    *p = (peer){ .pid = -1 };
}
