/* threads.h - how many threads compute, and work of one's own among them.
 *
 * One pool of workers serves the whole process. It starts when the first piece of work is worth sharing, ends with the
 * process, and is not there in a forked child until that has such work itself. Results are the same bits for any number
 * of threads. Tapes stay with the thread that uses them: workers see numbers only. */
#ifndef AG_THREADS_H
#define AG_THREADS_H
#include <autograd/error.h>
AG_BEGIN

/* Threads that compute, the calling one included: 1 is none beside it, at most 256; 0 brings back the default, which is
 * the environment's AG_THREADS where that is such a number, else the cores this process may use. Applies from the next
 * piece of work on. AG_EINVAL: n is out of range. */
AG_API ag_status ag_set_threads(int n);
AG_API int ag_threads(void);

/* Calls f(context, piece) for each piece in 0 .. pieces-1, once, in any order, on several threads; returns when all have
 * ended. A piece should take 20 us or more and be cut by the size of the work alone. It must not use a tape, tensors'
 * handles or anything that reports errors, nor fork. Within a piece, or while another thread's work is being shared, all
 * runs in the caller. AG_EINVAL: pieces is negative; AG_ENULL: no f. */
typedef void ag_piece_fn(void *context, int64_t piece);
AG_API ag_status ag_parallel_for(int64_t pieces, ag_piece_fn *f, void *context);

AG_END
#endif
