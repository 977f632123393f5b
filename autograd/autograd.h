/* autograd.h - the engine: expressions and tensors, recorded on a tape and differentiated.
 * Easiest first: scalar.h and ops.h; then tape.h and grad.h; then block.h and op.h for statements and operations of
 * one's own. */
#ifndef AG_AUTOGRAD_H
#define AG_AUTOGRAD_H
#include <autograd/version.h>
#include <autograd/base.h>
#include <autograd/error.h>
#include <autograd/tensor.h>
#include <autograd/random.h>
#include <autograd/tape.h>
#include <autograd/threads.h>
#include <autograd/scalar.h>
#include <autograd/expr.h>
#include <autograd/block.h>
#include <autograd/sparse.h>
#include <autograd/ops.h>
#include <autograd/grad.h>
#include <autograd/gradcheck.h>
#include <autograd/checkpoint.h>
#include <autograd/implicit.h>
#include <autograd/op.h>
#include <autograd/io.h>
#include <autograd/inspect.h>
#include <autograd/generic.h> /* last: lifts C numbers, and one spelling for tensors and scalars */
#endif
