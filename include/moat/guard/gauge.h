/*
 * A count with a ceiling that all workers share: sessions, password checks under way.
 */
#ifndef MOAT_GUARD_GAUGE_H
#define MOAT_GUARD_GAUGE_H

#include <stdatomic.h>
#include <stdbool.h>

struct gauge {
    atomic_uint count;
};

/* Takes a place unless `ceiling` places are taken already. */
static inline bool gauge_take(struct gauge *gauge, unsigned ceiling)
{
    unsigned count = atomic_load_explicit(&gauge->count, memory_order_relaxed);

    /* Not added first and taken back: for that moment a free place would look taken to others. */
    do {
        if (count >= ceiling) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&gauge->count, &count, count + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

/* Gives back a place that was taken. */
static inline void gauge_give(struct gauge *gauge)
{
    atomic_fetch_sub_explicit(&gauge->count, 1, memory_order_relaxed);
}

static inline unsigned gauge_count(struct gauge *gauge)
{
    return atomic_load_explicit(&gauge->count, memory_order_relaxed);
}

#endif
