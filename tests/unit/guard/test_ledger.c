#include "strangers.h"

#define NOW UINT64_C(1000000)

/* --- present ----------------------------------------------------------------------------- */

Test(ledger, as_many_of_an_address_as_the_limit_and_not_one_more)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = {.present = 3};
    struct address address = at("192.0.2.1");
    struct address other = at("192.0.2.2");
    struct ledger_place places[3] = {{.entry = NULL}};
    struct ledger_place none = {.entry = NULL};

    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(ledger_enter(ledger, &address, &limits, NOW, &places[i]), LEDGER_WELCOME);
    }
    cr_expect_eq(ledger_enter(ledger, &address, &limits, NOW, &none), LEDGER_TOO_MANY);
    cr_expect_null(none.entry);
    cr_expect_eq(drop_in(ledger, other, &limits, NOW), LEDGER_WELCOME);
    ledger_leave(ledger, &places[1]);
    cr_expect_null(places[1].entry);
    ledger_leave(ledger, &places[1]); /* empty now */
    cr_expect_eq(ledger_enter(ledger, &address, &limits, NOW, &places[1]), LEDGER_WELCOME);
    cr_expect_eq(ledger_enter(ledger, &address, &limits, NOW, &none), LEDGER_TOO_MANY);
    limits.present = 4; /* a reload */
    cr_expect_eq(drop_in(ledger, address, &limits, NOW), LEDGER_WELCOME);
    limits.present = 0;
    cr_expect_eq(drop_in(ledger, address, &limits, NOW), LEDGER_WELCOME);
    for (size_t i = 0; i < 3; i++) {
        ledger_leave(ledger, &places[i]);
    }
    ledger_free(ledger);
}

Test(ledger, who_has_no_address_has_no_rules)
{
    struct ledger *ledger = make_ledger(100);
    struct ledger_limits limits = {.present = 1, .rate = 1, .burst = 1, .failures = 1, .ban_ms = 9};
    struct address address = {.family = ADDRESS_NONE};
    struct ledger_place places[2];

    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(ledger_enter(ledger, &address, &limits, NOW, &places[i]), LEDGER_WELCOME);
        cr_expect_null(places[i].entry);
        cr_expect_eq(ledger_blame(ledger, &address, &limits, NOW).ban_ms, 0);
        cr_expect_not(ledger_is_banned(ledger, &address, NOW));
    }
    ledger_free(ledger);
}

/* --- rates --------------------------------------------------------------------------------- */

static unsigned count_welcome(struct ledger *ledger, struct address address,
                              const struct ledger_limits *limits, uint64_t now_ms)
{
    unsigned count = 0;
    while (count < 1000 && drop_in(ledger, address, limits, now_ms) == LEDGER_WELCOME) {
        count++;
    }
    return count;
}

Test(ledger, a_burst_and_then_the_rate)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct address address = at("192.0.2.1");

    cr_expect_eq(count_welcome(ledger, address, &limits, NOW), 100);
    cr_expect_eq(drop_in(ledger, address, &limits, NOW), LEDGER_TOO_FAST);
    cr_expect_eq(drop_in(ledger, address, &limits, NOW + 49), LEDGER_TOO_FAST);
    cr_expect_eq(count_welcome(ledger, address, &limits, NOW + 50), 1);
    cr_expect_eq(count_welcome(ledger, address, &limits, NOW + 1050), 20);
    cr_expect_eq(count_welcome(ledger, at("192.0.2.2"), &limits, NOW), 100);
    /* The bucket never holds more than a burst. */
    cr_expect_eq(count_welcome(ledger, address, &limits, NOW + 3600000), 100);
    ledger_free(ledger);
}

Test(ledger, a_clock_of_another_worker_that_is_a_little_behind)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = {.rate = 10, .burst = 2};
    struct address address = at("192.0.2.1");

    cr_expect_eq(drop_in(ledger, address, &limits, NOW), LEDGER_WELCOME);
    cr_expect_eq(drop_in(ledger, address, &limits, NOW - 1), LEDGER_TOO_FAST);
    cr_expect_eq(drop_in(ledger, address, &limits, NOW), LEDGER_WELCOME);
    cr_expect_eq(drop_in(ledger, address, &limits, NOW), LEDGER_TOO_FAST);
    ledger_free(ledger);
}

Test(ledger, a_burst_of_zero_is_one)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = {.rate = 1};

    cr_expect_eq(count_welcome(ledger, at("192.0.2.1"), &limits, NOW), 1);
    cr_expect_eq(count_welcome(ledger, at("192.0.2.1"), &limits, NOW + 999), 0);
    cr_expect_eq(count_welcome(ledger, at("192.0.2.1"), &limits, NOW + 1000), 1);
    ledger_free(ledger);
}

Test(ledger, no_rate_is_no_limit)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = {.burst = 1, .identity_burst = 1};

    cr_expect_eq(count_welcome(ledger, at("192.0.2.1"), &limits, NOW), 1000);
    ledger_free(ledger);
}

Test(ledger, all_addresses_together)
{
    struct ledger *ledger = make_ledger(10000);
    struct ledger_limits limits = {.rate = 5, .burst = 5, .total_rate = 50};
    unsigned welcome = 0;

    for (uint32_t i = 0; i < 60; i++) {
        welcome += drop_in(ledger, ipv4(i), &limits, NOW) == LEDGER_WELCOME;
    }
    cr_expect_eq(welcome, 50);
    cr_expect_eq(drop_in(ledger, ipv4(60), &limits, NOW), LEDGER_BUSY);
    cr_expect_eq(drop_in(ledger, ipv4(60), &limits, NOW + 20), LEDGER_WELCOME);
    cr_expect_eq(drop_in(ledger, ipv4(61), &limits, NOW + 20), LEDGER_BUSY);
    ledger_free(ledger);
}

/* One flooding address must not use up what all have together. */
Test(ledger, who_is_too_fast_takes_nothing_from_the_others)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = {.rate = 1, .burst = 1, .total_rate = 10};

    for (unsigned i = 0; i < 100; i++) {
        (void)!drop_in(ledger, at("192.0.2.1"), &limits, NOW);
    }
    for (uint32_t i = 0; i < 9; i++) {
        cr_expect_eq(drop_in(ledger, ipv4(i), &limits, NOW), LEDGER_WELCOME);
    }
    cr_expect_eq(drop_in(ledger, ipv4(9), &limits, NOW), LEDGER_BUSY);
    ledger_free(ledger);
}

/* --- who is one ------------------------------------------------------------------------------ */

Test(ledger, which_addresses_are_one)
{
    static const struct {
        const char *first;
        const char *second;
        bool is_one;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"2001:db8:1:2::1", "2001:db8:1:102::1", false},
        {"c000:201::", "192.0.2.1", false}, /* the same first bytes */
    };
    struct ledger_limits limits = {.rate = 1, .burst = 1};
    struct ledger_limits strict = usual();

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ledger *ledger = make_ledger(1000);
        cr_assert_eq(drop_in(ledger, at(cases[i].first), &limits, NOW), LEDGER_WELCOME);
        cr_expect_eq(drop_in(ledger, at(cases[i].second), &limits, NOW),
                     cases[i].is_one ? LEDGER_TOO_FAST : LEDGER_WELCOME, "%s %s", cases[i].first,
                     cases[i].second);
        struct address second = at(cases[i].second);
        get_banned(ledger, at(cases[i].first), &strict, NOW);
        cr_expect_eq(ledger_is_banned(ledger, &second, NOW), cases[i].is_one, "%s %s",
                     cases[i].first, cases[i].second);
        ledger_free(ledger);
    }
}

Test(ledger, what_a_ban_covers_in_words)
{
    static const struct {
        const char *address;
        bool is_wide;
        const char *text;
    } cases[] = {
        {"192.0.2.1", false, "192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", false, "2001:db8:1:2::/64"},
        {"2001:db8:1:1234:3:4:5:6", true, "2001:db8:1:1200::/56"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[LEDGER_NETWORK_TEXT_SIZE];
        struct address address = at(cases[i].address);
        ledger_network_text(&address, cases[i].is_wide, text);
        cr_expect_str_eq(text, cases[i].text);
    }
}

/* --- identities --------------------------------------------------------------------------------
 */

static struct ledger_identity who(struct ledger *ledger, enum guard_proof proof, const char *name)
{
    struct guard_identity identity = {.proof = proof, .name = slice_from_text(name)};
    return ledger_identity_of(ledger, &identity);
}

Test(ledger, an_identity_has_its_own_rate)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct ledger_identity alice = who(ledger, GUARD_PROOF_USERNAME, "alice");
    struct ledger_identity certificate = who(ledger, GUARD_PROOF_CERTIFICATE, "alice");

    for (unsigned i = 0; i < 60; i++) {
        cr_assert_eq(ledger_enter_identity(ledger, &alice, &limits, NOW), LEDGER_WELCOME);
    }
    cr_expect_eq(ledger_enter_identity(ledger, &alice, &limits, NOW), LEDGER_TOO_FAST);
    cr_expect_eq(ledger_enter_identity(ledger, &certificate, &limits, NOW), LEDGER_WELCOME);
    cr_expect_eq(ledger_enter_identity(ledger, &alice, &limits, NOW + 100), LEDGER_WELCOME);
    cr_expect_eq(ledger_enter_identity(ledger, &alice, &limits, NOW + 100), LEDGER_TOO_FAST);
    ledger_free(ledger);
}

Test(ledger, an_identity_is_banned_and_nobody_else_is)
{
    struct ledger *ledger = make_ledger(1000);
    struct ledger_limits limits = usual();
    struct ledger_identity alice = who(ledger, GUARD_PROOF_USERNAME, "alice");
    struct ledger_identity bob = who(ledger, GUARD_PROOF_USERNAME, "bob");

    for (unsigned i = 0; i < 4; i++) {
        cr_expect_eq(ledger_blame_identity(ledger, &alice, &limits, NOW).ban_ms, 0);
    }
    cr_expect_eq(ledger_enter_identity(ledger, &alice, &limits, NOW), LEDGER_WELCOME);
    cr_expect_eq(ledger_blame_identity(ledger, &alice, &limits, NOW).ban_ms, 600000);
    cr_expect_eq(ledger_enter_identity(ledger, &alice, &limits, NOW), LEDGER_BANNED);
    cr_expect_eq(ledger_enter_identity(ledger, &bob, &limits, NOW), LEDGER_WELCOME);
    cr_expect_eq(ledger_bans(ledger, NOW), 1);
    cr_expect_eq(ledger_enter_identity(ledger, &alice, &limits, NOW + 600000), LEDGER_WELCOME);
    ledger_free(ledger);
}
