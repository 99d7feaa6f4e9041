#include "strangers.h"

#include <stdio.h>

#define NOW    UINT64_C(1000000)
#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)

/* --- when ---------------------------------------------------------------------------------- */

Test(ledger_bans, the_last_failure_of_the_window_bans_and_not_one_before)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address address = at("192.0.2.1");
    struct address other = at("192.0.2.2");

    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW + i).ban_ms, 0);
    }
    cr_expect_eq(drop_in(ledger, address, &limits, NOW + MINUTE - 1), LEDGER_WELCOME);
    cr_expect_eq(ledger_changes(ledger), 0);
    cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW + MINUTE - 1).ban_ms, 10 * MINUTE);
    cr_expect_eq(ledger_changes(ledger), 1);
    cr_expect_eq(drop_in(ledger, address, &limits, NOW + MINUTE - 1), LEDGER_BANNED);
    cr_expect(ledger_is_banned(ledger, &address, NOW + MINUTE - 1));
    cr_expect_eq(drop_in(ledger, other, &limits, NOW + MINUTE - 1), LEDGER_WELCOME);
    ledger_free(ledger);
}

Test(ledger_bans, failures_that_are_further_apart_than_the_window)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address address = at("192.0.2.1");

    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW).ban_ms, 0);
    }
    /* A new window begins with this one. */
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW + MINUTE).ban_ms, 0);
    }
    cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW + MINUTE).ban_ms, 10 * MINUTE);
    ledger_free(ledger);
}

Test(ledger_bans, it_ends_when_it_says)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address address = at("192.0.2.1");

    get_banned(ledger, address, &limits, NOW);
    cr_expect_eq(ledger_bans(ledger, NOW), 1);
    cr_expect_eq(drop_in(ledger, address, &limits, NOW + 10 * MINUTE - 1), LEDGER_BANNED);
    cr_expect_eq(drop_in(ledger, address, &limits, NOW + 10 * MINUTE), LEDGER_WELCOME);
    cr_expect_not(ledger_is_banned(ledger, &address, NOW + 10 * MINUTE));
    cr_expect_eq(ledger_bans(ledger, NOW + 10 * MINUTE), 0);
    ledger_free(ledger);
}

Test(ledger_bans, what_was_said_before_it_makes_it_no_longer)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address address = at("192.0.2.1");

    get_banned(ledger, address, &limits, NOW);
    for (unsigned i = 0; i < 20; i++) {
        cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW + 1).ban_ms, 0);
    }
    cr_expect_eq(drop_in(ledger, address, &limits, NOW + 10 * MINUTE), LEDGER_WELCOME);
    /* Nor do those failures count towards the next. */
    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW + 10 * MINUTE).ban_ms, 0);
    }
    ledger_free(ledger);
}

Test(ledger_bans, without_a_number_of_failures_nobody_is_banned)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address address = at("192.0.2.1");

    limits.failures = 0;
    for (unsigned i = 0; i < 100; i++) {
        cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW).ban_ms, 0);
    }
    cr_expect_eq(drop_in(ledger, address, &limits, NOW), LEDGER_WELCOME);
    ledger_free(ledger);
}

/* --- for how long ------------------------------------------------------------------------------
 */

Test(ledger_bans, each_takes_twice_as_long_up_to_the_longest)
{
    static const uint64_t minutes[] = {10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440};
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    uint64_t now = NOW;

    for (size_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++) {
        uint64_t ban_ms = get_banned(ledger, at("192.0.2.1"), &limits, now);
        cr_expect_eq(ban_ms, minutes[i] * MINUTE, "ban %zu: %llu", i, (unsigned long long)ban_ms);
        now += ban_ms;
    }
    for (unsigned i = 0; i < 100; i++) {
        cr_expect_eq(get_banned(ledger, at("192.0.2.1"), &limits, now), 24 * HOUR);
        now += 24 * HOUR;
    }
    ledger_free(ledger);
}

Test(ledger_bans, the_longest_may_be_shorter_than_the_first)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();

    limits.ban_max_ms = MINUTE;
    cr_expect_eq(get_banned(ledger, at("192.0.2.1"), &limits, NOW), MINUTE);
    ledger_free(ledger);
}

Test(ledger_bans, a_day_without_a_failure_makes_good)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address address = at("192.0.2.1");
    uint64_t end = NOW + get_banned(ledger, address, &limits, NOW);

    cr_expect_eq(get_banned(ledger, address, &limits, end + 24 * HOUR - 1), 20 * MINUTE);
    end += 24 * HOUR - 1 + 20 * MINUTE;
    cr_expect_eq(get_banned(ledger, address, &limits, end + 24 * HOUR), 10 * MINUTE);
    ledger_free(ledger);
}

Test(ledger_bans, a_failure_in_that_day_makes_it_begin_again)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address address = at("192.0.2.1");
    uint64_t end = NOW + get_banned(ledger, address, &limits, NOW);

    cr_expect_eq(ledger_blame(ledger, &address, &limits, end + 20 * HOUR).ban_ms, 0);
    cr_expect_eq(get_banned(ledger, address, &limits, end + 43 * HOUR), 20 * MINUTE);
    ledger_free(ledger);
}

/* --- wide ones ---------------------------------------------------------------------------------
 */

static struct address beneath(const char *format, unsigned number)
{
    char text[64];
    snprintf(text, sizeof text, "2001:db8:1:%s%02x::7", format, number);
    return at(text);
}

Test(ledger_bans, several_networks_of_one_site_ban_the_site)
{
    struct ledger *ledger = make_ledger(10000);
    struct ledger_limits limits = usual();
    struct address stranger = beneath("12", 200);
    struct address neighbour = beneath("13", 200);

    for (unsigned i = 0; i < LEDGER_SIBLINGS; i++) {
        struct address address = beneath("12", i);
        cr_expect_not(ledger_is_banned(ledger, &stranger, NOW));
        for (unsigned j = 0; j < 4; j++) {
            cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW).wide_ban_ms, 0);
        }
        struct ledger_blame blame = ledger_blame(ledger, &address, &limits, NOW);
        cr_expect_eq(blame.ban_ms, 10 * MINUTE);
        cr_expect_eq(blame.wide_ban_ms, i + 1 == LEDGER_SIBLINGS ? 10 * MINUTE : 0);
    }
    cr_expect(ledger_is_banned(ledger, &stranger, NOW));
    cr_expect_eq(drop_in(ledger, stranger, &limits, NOW), LEDGER_BANNED);
    cr_expect_eq(drop_in(ledger, neighbour, &limits, NOW), LEDGER_WELCOME);
    cr_expect_eq(ledger_bans(ledger, NOW), LEDGER_SIBLINGS + 1);
    cr_expect_eq(drop_in(ledger, stranger, &limits, NOW + 10 * MINUTE), LEDGER_WELCOME);
    ledger_free(ledger);
}

Test(ledger_bans, one_network_again_and_again_is_still_one)
{
    struct ledger *ledger = make_ledger(10000);
    struct ledger_limits limits = usual();
    uint64_t now = NOW;

    for (unsigned i = 0; i < 3 * LEDGER_SIBLINGS; i++) {
        struct address address = beneath("12", i % (LEDGER_SIBLINGS - 1));
        now += get_banned(ledger, address, &limits, now);
        struct address stranger = beneath("12", 200);
        cr_expect_not(ledger_is_banned(ledger, &stranger, now));
    }
    ledger_free(ledger);
}

Test(ledger_bans, addresses_of_ipv4_have_no_neighbours)
{
    struct ledger *ledger = make_ledger(10000);
    struct ledger_limits limits = usual();

    for (uint32_t i = 0; i < 50; i++) {
        struct address address = ipv4(0x0a000000u + i);
        get_banned(ledger, address, &limits, NOW);
    }
    cr_expect_eq(drop_in(ledger, ipv4(0x0a0000ffu), &limits, NOW), LEDGER_WELCOME);
    cr_expect_eq(ledger_bans(ledger, NOW), 50);
    ledger_free(ledger);
}
