/*
 * How often something fails in the whole process, whoever it is that fails: many addresses that
 * guess once each are banned nowhere, and together they are an attack. Shared by all workers.
 */
#ifndef MOAT_GUARD_ALARM_H
#define MOAT_GUARD_ALARM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ALARM_WINDOW_MS UINT64_C(60000)

struct alarm {
    atomic_uint window; /* the number of the one that `count` is of */
    atomic_uint count;
};

/* It failed. True when that is the `limit`th time in this window, so once in each; never for 0.
 * Threads that begin a window at once may forget one failure each. */
static inline bool alarm_add(struct alarm *alarm, unsigned limit, uint64_t now_ms)
{
    unsigned now = (unsigned)(now_ms / ALARM_WINDOW_MS) + 1;

    if (atomic_exchange_explicit(&alarm->window, now, memory_order_relaxed) != now) {
        atomic_store_explicit(&alarm->count, 0, memory_order_relaxed);
    }
    return limit != 0 &&
           atomic_fetch_add_explicit(&alarm->count, 1, memory_order_relaxed) + 1 == limit;
}

#endif
