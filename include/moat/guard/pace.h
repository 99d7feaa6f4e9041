/*
 * How many lines of one kind the log may have in a while: strangers can make it as many as they
 * like otherwise, and fill a router's flash. Shared by all workers.
 */
#ifndef MOAT_GUARD_PACE_H
#define MOAT_GUARD_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PACE_WINDOW_MS UINT64_C(10000)

struct pace {
    atomic_uint window; /* the number of the one that `used` is of */
    atomic_uint used;
    atomic_uint untold;
};

/* True when a line may be written; `limit` 0 allows all. *out_suppressed then says how many
 * before it were not. Threads that begin a window at once may write a line more each. */
static inline bool pace_take(struct pace *pace, unsigned limit, uint64_t now_ms,
                             unsigned *out_suppressed)
{
    unsigned now = (unsigned)(now_ms / PACE_WINDOW_MS) + 1;

    if (atomic_exchange_explicit(&pace->window, now, memory_order_relaxed) != now) {
        atomic_store_explicit(&pace->used, 0, memory_order_relaxed);
    }
    if (limit != 0 && atomic_fetch_add_explicit(&pace->used, 1, memory_order_relaxed) >= limit) {
        atomic_fetch_add_explicit(&pace->untold, 1, memory_order_relaxed);
        return false;
    }
    *out_suppressed = atomic_exchange_explicit(&pace->untold, 0, memory_order_relaxed);
    return true;
}

/* How many were not written and nobody has heard of, once their window is over; else 0. */
static inline unsigned pace_flush(struct pace *pace, uint64_t now_ms)
{
    unsigned now = (unsigned)(now_ms / PACE_WINDOW_MS) + 1;

    return atomic_load_explicit(&pace->window, memory_order_relaxed) == now
               ? 0
               : atomic_exchange_explicit(&pace->untold, 0, memory_order_relaxed);
}

#endif
