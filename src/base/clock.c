#include "moat/base/clock.h"

#include <stdio.h>
#include <time.h>

uint64_t clock_monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000u;
}

int64_t clock_wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

void clock_format_now(char out_text[CLOCK_TEXT_SIZE])
{
    struct timespec now;
    struct tm utc;
    char seconds[CLOCK_TEXT_SIZE - 6];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t used = strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out_text, CLOCK_TEXT_SIZE, "%.*s.%03uZ", (int)used, seconds,
             (unsigned)(now.tv_nsec / 1000000) % 1000u);
}
