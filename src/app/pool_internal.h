/* The thread pool of libuv, on which passwords are checked and names resolved. */
#ifndef MOAT_APP_POOL_INTERNAL_H
#define MOAT_APP_POOL_INTERNAL_H

#include <uv.h>

#include "moat/base/bytes.h"

/*
 * Makes its threads now. libuv makes them for the first work and ends the process when it cannot:
 * that work is given here, where it is a start that fails, and not by a stranger's login; and first
 * it is tried whether as many threads can be had, which fails with an error. `first` must live
 * until the loop ends. 0, or libuv's code.
 */
int pool_start(uv_loop_t *loop, uv_work_t *first) MOAT_MUST_CHECK;

#endif
