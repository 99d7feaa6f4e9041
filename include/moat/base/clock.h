/* The one place that asks for the time. */
#ifndef MOAT_BASE_CLOCK_H
#define MOAT_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds of a clock that never jumps; only differences mean anything. */
uint64_t clock_monotonic_ms(void);

/* The same clock in microseconds. */
uint64_t clock_monotonic_us(void);

/* Seconds since 1970-01-01 UTC, as the machine believes. */
int64_t clock_wall_seconds(void);

/* 2026-01-01, before the first release was built. A machine without a clock that keeps its time
 * says 1970, or when its firmware was made, until somebody tells it the time. */
#define CLOCK_EARLIEST INT64_C(1767225600)

/* False for a time of the wall clock that no clock which was ever set can say. */
static inline bool clock_is_set(int64_t now)
{
    return now >= CLOCK_EARLIEST;
}

#define CLOCK_TEXT_SIZE 32

/* Now, as RFC 3339 in UTC with milliseconds: 2026-01-31T23:59:59.123Z. */
void clock_format_now(char out_text[CLOCK_TEXT_SIZE]);

#endif
