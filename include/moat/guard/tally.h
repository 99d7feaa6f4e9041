/*
 * Something that strangers can make happen as often as they like: counted, and told once in a
 * while. Shared by all workers, so that the log has one line of it for the whole process.
 */
#ifndef MOAT_GUARD_TALLY_H
#define MOAT_GUARD_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Between two lines. */
#define TALLY_INTERVAL_MS UINT64_C(60000)

struct tally {
    atomic_uint untold; /* since the last line */
    atomic_uint due_s;  /* when the next line may be written */
};

/* Whether a line may be written now; only one caller hears so. */
static inline bool tally_is_due(struct tally *tally, uint64_t now_ms)
{
    unsigned now_s = (unsigned)(now_ms / 1000);
    unsigned due_s = atomic_load_explicit(&tally->due_s, memory_order_relaxed);

    return now_s >= due_s &&
           atomic_compare_exchange_strong_explicit(&tally->due_s, &due_s,
                                                   now_s + (unsigned)(TALLY_INTERVAL_MS / 1000),
                                                   memory_order_relaxed, memory_order_relaxed);
}

/* It happened. True when it is to be told now, along with the *out_suppressed times before that
 * nobody heard of. */
static inline bool tally_add(struct tally *tally, uint64_t now_ms, unsigned *out_suppressed)
{
    if (!tally_is_due(tally, now_ms)) {
        atomic_fetch_add_explicit(&tally->untold, 1, memory_order_relaxed);
        return false;
    }
    *out_suppressed = atomic_exchange_explicit(&tally->untold, 0, memory_order_relaxed);
    return true;
}

/* It stopped happening, perhaps. True when something was not told yet and is to be now. */
static inline bool tally_flush(struct tally *tally, uint64_t now_ms, unsigned *out_suppressed)
{
    if (atomic_load_explicit(&tally->untold, memory_order_relaxed) == 0 ||
        !tally_is_due(tally, now_ms)) {
        return false;
    }
    *out_suppressed = atomic_exchange_explicit(&tally->untold, 0, memory_order_relaxed);
    return *out_suppressed > 0;
}

#endif
