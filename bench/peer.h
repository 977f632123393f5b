/* peer.h - another program doing the same work, timed in turn with ours: it waits at the other end of a pipe. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H
#include <stdbool.h>
#include <sys/types.h>

typedef struct peer {
    char name[160]; /* what it says it is: "PyTorch 1.13.1, Cooperlake, foreach" */
    double loss;    /* after 20 steps from the given weights */
    pid_t pid;
    int to, from;
} peer;

/* Starts a command that answers its first line, "ready LOSS NAME", when it can be timed. False if it cannot. */
bool peer_start(peer *p, char *const argv[], char *const environment[]);
/* Has it take steps for about so many seconds; the seconds of one. A negative number if it is gone. */
double peer_time(peer *p, double seconds);
void peer_stop(peer *p);
#endif
