#include <criterion/criterion.h>

#include "moat/guard/pace.h"

#define NOW 1000000u

static struct pace pace;

static size_t take(size_t count, unsigned limit, uint64_t now_ms, unsigned *out_suppressed)
{
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned suppressed = 0;
        if (pace_take(&pace, limit, now_ms, &suppressed)) {
            taken++;
            *out_suppressed += suppressed;
        }
    }
    return taken;
}

Test(pace, a_window_has_so_many_and_no_more)
{
    unsigned suppressed = 0;
    cr_expect_eq(take(5, 5, NOW, &suppressed), 5);
    cr_expect_eq(take(1, 5, NOW + PACE_WINDOW_MS - 1, &suppressed), 0);
    cr_expect_eq(suppressed, 0);
    cr_expect_eq(take(9, 5, NOW + PACE_WINDOW_MS, &suppressed), 5);
    cr_expect_eq(suppressed, 1, "what was not told is told with the next");
    cr_expect_eq(take(9, 5, NOW + 2 * PACE_WINDOW_MS, &suppressed), 5);
    cr_expect_eq(suppressed, 1 + 4);
}

Test(pace, without_a_limit_all_are_told)
{
    unsigned suppressed = 0;
    cr_expect_eq(take(10000, 0, NOW, &suppressed), 10000);
    cr_expect_eq(suppressed, 0);
}

Test(pace, what_is_left_is_told_when_it_is_over)
{
    unsigned suppressed = 0;
    cr_expect_eq(take(7, 2, NOW, &suppressed), 2);
    cr_expect_eq(pace_flush(&pace, NOW), 0, "more may come");
    cr_expect_eq(pace_flush(&pace, NOW + PACE_WINDOW_MS), 5);
    cr_expect_eq(pace_flush(&pace, NOW + PACE_WINDOW_MS), 0);
}
