#include "moat/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

Test(clock, monotonic_counts_milliseconds)
{
    static const struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    uint64_t before = clock_monotonic_ms();
    nanosleep(&pause, NULL);
    uint64_t passed = clock_monotonic_ms() - before;
    cr_expect_geq(passed, 49);
    cr_expect_leq(passed, 5000);
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
