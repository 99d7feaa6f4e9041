#include "moat/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t system_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

Test(clock, monotonic_counts_milliseconds)
{
    static const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    for (int i = 0; i < 3; i++) {
        uint64_t before = system_ms();
        uint64_t now = clock_monotonic_ms();
        uint64_t after = system_ms();
        cr_expect(before <= now && now <= after);
        nanosleep(&pause, NULL);
    }
}

Test(clock, wall_is_the_systems)
{
    int64_t before = time(NULL);
    int64_t now = clock_wall_seconds();
    int64_t after = time(NULL);
    /* time() may lag by one tick of the kernel. */
    cr_expect(before <= now && now <= after + 1);
}

Test(clock, text_is_rfc_3339_and_now)
{
    char text[CLOCK_TEXT_SIZE];
    int year, month, day, hour, minute, second, millisecond;
    char end[3] = "";

    /* Wherever the machine believes to be. */
    setenv("TZ", "ABC-7:30", 1);
    tzset();
    int64_t before = clock_wall_seconds();
    clock_format_now(text);
    int64_t after = clock_wall_seconds();
    cr_assert_eq(strlen(text), strlen("2026-01-31T23:59:59.123Z"), "%s", text);
    cr_assert_eq(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3d%2s", &year, &month, &day, &hour, &minute,
                        &second, &millisecond, end),
                 8, "%s", text);
    cr_expect_str_eq(end, "Z");
    struct tm utc = {.tm_year = year - 1900,
                     .tm_mon = month - 1,
                     .tm_mday = day,
                     .tm_hour = hour,
                     .tm_min = minute,
                     .tm_sec = second};
    int64_t seconds = timegm(&utc);
    cr_expect(before <= seconds && seconds <= after, "%s", text);
}

Test(clock, a_clock_that_was_never_set_says_a_time_before_this_program)
{
    static const int64_t never[] = {INT64_MIN, -1, 0, 43200, CLOCK_EARLIEST - 1};
    static const int64_t set[] = {CLOCK_EARLIEST, CLOCK_EARLIEST + 1, INT32_MAX, UINT32_MAX,
                                  INT64_MAX};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        cr_expect_not(clock_is_set(never[i]), "%lld", (long long)never[i]);
    }
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++) {
        cr_expect(clock_is_set(set[i]), "%lld", (long long)set[i]);
    }
    cr_expect(clock_is_set(clock_wall_seconds()), "that of this machine is set");
}
