#include "moat/guard/alarm.h"

#include <criterion/criterion.h>

Test(alarm, once_in_each_window_and_not_one_too_early)
{
    struct alarm alarm = {.window = 0};
    for (unsigned window = 1; window <= 3; window++) {
        for (unsigned i = 1; i <= 20; i++) {
            uint64_t now = window * ALARM_WINDOW_MS + (i == 20 ? ALARM_WINDOW_MS - 1 : i);
            cr_expect_eq(alarm_add(&alarm, 5, now), i == 5, "%u of window %u", i, window);
        }
    }
}

Test(alarm, failures_of_two_windows_are_not_added_up)
{
    struct alarm alarm = {.window = 0};
    for (unsigned window = 0; window < 10; window++) {
        for (unsigned i = 0; i < 4; i++) {
            cr_expect_not(alarm_add(&alarm, 5, window * ALARM_WINDOW_MS));
        }
    }
}

Test(alarm, the_first_one)
{
    struct alarm alarm = {.window = 0};
    cr_expect(alarm_add(&alarm, 1, 0));
    cr_expect_not(alarm_add(&alarm, 1, 0));
}

Test(alarm, a_limit_of_zero_is_none)
{
    struct alarm alarm = {.window = 0};
    for (unsigned i = 0; i < 100; i++) {
        cr_expect_not(alarm_add(&alarm, 0, 5));
    }
}
