/* pool.h - the worker threads of the process, one pool for all of the library.
 *
 * Work is cut into pieces by its size alone, never by the number of threads, and each element is computed in one piece by
 * the same steps: so results are the same bits for any number of threads. Callers cut only what is worth it (see
 * AG__WORTH) and otherwise run the loop themselves. */
#ifndef AG_BASE_POOL_H
#define AG_BASE_POOL_H
#include <stdbool.h>
#include <stdint.h>

/* A piece should take at least this many nanoseconds, about ten times what handing it over costs. */
enum { AG__WORTH = 20000 };

/* Runs piece 0 .. pieces-1, each once, in any order, by the calling thread and by whichever workers come in time; returns
 * when all have ended. It waits for pieces that have been begun, never for a worker to wake. From within a piece, or when
 * another thread has the pool, or with one thread, all pieces run in the caller. A piece must not touch the error record,
 * a tape or the generator. */
typedef void ag__piece_fn(void *context, int64_t piece);
void ag__parallel(int64_t pieces, ag__piece_fn *f, void *context);

/* How many threads it would use now: 1 while it leaves the workers alone. For work that is faster in one piece and the
 * same bits however it is cut; the one piece goes through ag__parallel as well, which counts its time. */
int ag__sharers(void);

/* For tests: workers take part however busy the machine is, whatever that costs. */
extern _Atomic bool ag__share_always;
#endif
