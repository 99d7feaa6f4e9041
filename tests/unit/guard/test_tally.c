#include "moat/guard/tally.h"

#include <criterion/criterion.h>

#define NOW UINT64_C(1000000)

Test(tally, one_line_in_a_minute_with_the_number_of_those_left_out)
{
    struct tally tally = {0};
    unsigned suppressed = 77;

    cr_expect(tally_add(&tally, NOW, &suppressed));
    cr_expect_eq(suppressed, 0);
    for (unsigned i = 0; i < 1000; i++) {
        cr_expect_not(tally_add(&tally, NOW + 59 * i, &suppressed));
    }
    cr_expect_not(tally_add(&tally, NOW + TALLY_INTERVAL_MS - 1, &suppressed));
    cr_expect(tally_add(&tally, NOW + TALLY_INTERVAL_MS, &suppressed));
    cr_expect_eq(suppressed, 1001);
    cr_expect_not(tally_add(&tally, NOW + TALLY_INTERVAL_MS, &suppressed));
}

Test(tally, the_rest_is_told_when_nothing_happens_any_more)
{
    struct tally tally = {0};
    unsigned suppressed = 0;

    cr_expect_not(tally_flush(&tally, NOW, &suppressed));
    cr_expect(tally_add(&tally, NOW, &suppressed));
    cr_expect_not(tally_flush(&tally, NOW + TALLY_INTERVAL_MS, &suppressed), "nothing is left");
    cr_expect_not(tally_add(&tally, NOW + 1, &suppressed));
    cr_expect_not(tally_flush(&tally, NOW + TALLY_INTERVAL_MS - 1, &suppressed));
    cr_expect(tally_flush(&tally, NOW + TALLY_INTERVAL_MS, &suppressed));
    cr_expect_eq(suppressed, 1);
    cr_expect_not(tally_flush(&tally, NOW + 2 * TALLY_INTERVAL_MS, &suppressed));
}
