/* Who makes room for whom in a table that is full. */
#include "strangers.h"

#include <malloc.h>

#define NOW UINT64_C(1000000)

/* The smallest table: 16 sets of 8, of which each address has one. */
#define SMALLEST 1
#define PLACES   128

/* Bytes that are allocated. Of musl, which does not count them, always none. */
static size_t allocated(void)
{
#ifdef __GLIBC__
    struct mallinfo2 told = mallinfo2();
    return told.uordblks + told.hblkhd;
#else
    return 0;
#endif
}

Test(ledger_room, a_million_addresses_cost_no_memory_and_lift_no_ban)
{
    struct ledger *ledger = make_ledger(2000);
    struct ledger_limits limits = usual();
    struct address banned = at("203.0.113.7");
    struct address watched = at("203.0.113.8");
    get_banned(ledger, banned, &limits, NOW);
    cr_assert_eq(drop_in(ledger, ipv4(0), &limits, NOW), LEDGER_WELCOME);
    size_t before = allocated();

    for (uint32_t i = 1; i <= 1000000; i++) {
        cr_assert_eq(drop_in(ledger, ipv4(i), &limits, NOW + i / 5000), LEDGER_WELCOME);
        cr_assert(i % 1000 != 0 || ledger_is_banned(ledger, &banned, NOW + i / 5000));
    }
    cr_expect_eq(allocated(), before);
    cr_expect_eq(drop_in(ledger, banned, &limits, NOW + 200), LEDGER_BANNED);
    cr_expect_eq(drop_in(ledger, watched, &limits, NOW + 200), LEDGER_WELCOME);
    cr_expect_eq(ledger_bans(ledger, NOW + 200), 1);
    ledger_free(ledger);
}

/* A million failures from a million addresses: nobody fails often enough, and nobody who did is
 * forgotten for them. */
Test(ledger_room, failures_from_everywhere_lift_no_ban)
{
    struct ledger *ledger = make_ledger(2000);
    struct ledger_limits limits = usual();
    struct address banned = at("203.0.113.7");
    get_banned(ledger, banned, &limits, NOW);

    for (uint32_t i = 1; i <= 200000; i++) {
        struct address address = ipv4(i);
        cr_assert_eq(ledger_blame(ledger, &address, &limits, NOW).ban_ms, 0);
    }
    cr_expect(ledger_is_banned(ledger, &banned, NOW));
    ledger_free(ledger);
}

Test(ledger_room, who_is_present_is_never_forgotten)
{
    struct ledger *ledger = make_ledger(SMALLEST);
    struct ledger_limits limits = {
        .present = 1, .failures = 1, .window_ms = 1, .ban_ms = 1000000, .ban_max_ms = 1000000};
    struct address address = at("203.0.113.7");
    struct ledger_place place;
    struct ledger_place none;

    cr_assert_eq(ledger_enter(ledger, &address, &limits, NOW, &place), LEDGER_WELCOME);
    for (uint32_t i = 0; i < 20 * PLACES; i++) {
        struct address other = ipv4(i);
        cr_assert_eq(ledger_blame(ledger, &other, &limits, NOW + i).ban_ms, 1000000);
    }
    cr_expect_eq(ledger_enter(ledger, &address, &limits, NOW + 5000, &none), LEDGER_TOO_MANY);
    ledger_leave(ledger, &place);
    cr_expect_eq(ledger_enter(ledger, &address, &limits, NOW + 5000, &place), LEDGER_WELCOME);
    ledger_leave(ledger, &place);
    ledger_free(ledger);
}

/* With nothing but bans in the table, the one that ends first goes first. */
Test(ledger_room, of_bans_the_longest_stay)
{
    struct ledger *ledger = make_ledger(SMALLEST);
    struct ledger_limits brief = {.failures = 1, .ban_ms = 100000, .ban_max_ms = 100000};
    struct ledger_limits lasting = {.failures = 1, .ban_ms = 900000, .ban_max_ms = 900000};
    struct address address = at("203.0.113.7");

    cr_assert_eq(ledger_blame(ledger, &address, &lasting, NOW).ban_ms, 900000);
    for (uint32_t i = 0; i < 20 * PLACES; i++) {
        struct address other = ipv4(i);
        cr_assert_eq(ledger_blame(ledger, &other, &brief, NOW + i).ban_ms, 100000);
    }
    cr_expect_eq(ledger_bans(ledger, NOW + 5000), PLACES);
    cr_expect(ledger_is_banned(ledger, &address, NOW + 5000));
    ledger_free(ledger);
}

/* Failures are worth more than visits: a flood of visits does not give anybody new tries. */
Test(ledger_room, visits_do_not_push_out_failures)
{
    struct ledger *ledger = make_ledger(SMALLEST);
    struct ledger_limits limits = usual();
    struct address address = at("203.0.113.7");

    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(ledger_blame(ledger, &address, &limits, NOW).ban_ms, 0);
    }
    for (uint32_t i = 0; i < 20 * PLACES; i++) {
        cr_assert_eq(drop_in(ledger, ipv4(i), &limits, NOW + 10 * i), LEDGER_WELCOME);
    }
    cr_expect_gt(ledger_blame(ledger, &address, &limits, NOW + 30000).ban_ms, 0);
    ledger_free(ledger);
}

/* Every place has somebody present: newcomers are counted together, and let in at one's rate. */
Test(ledger_room, who_finds_no_place_shares_one)
{
    enum { CROWD = 20000 };
    static struct ledger_place places[CROWD];
    struct ledger *ledger = make_ledger(SMALLEST);
    struct ledger_limits limits = {
        .present = 4, .rate = 1, .burst = 6, .failures = 1, .ban_ms = 1000, .ban_max_ms = 1000};
    unsigned welcome = 0;
    unsigned too_many = 0;

    for (uint32_t i = 0; i < CROWD; i++) {
        struct address address = ipv4(i);
        enum ledger_answer answer = ledger_enter(ledger, &address, &limits, NOW, &places[i]);
        welcome += answer == LEDGER_WELCOME;
        too_many += answer == LEDGER_TOO_MANY;
    }
    /* One shared place in each of 16 shards. */
    cr_expect_eq(welcome, PLACES + 16 * limits.present);
    cr_expect_eq(welcome + too_many, CROWD);
    for (uint32_t i = 0; i < CROWD; i++) {
        struct address address = ipv4(i);
        (void)!ledger_blame(ledger, &address, &limits, NOW).ban_ms;
    }
    cr_expect_leq(ledger_bans(ledger, NOW), PLACES);
    for (uint32_t i = 0; i < CROWD; i++) {
        ledger_leave(ledger, &places[i]);
    }
    /* Whoever failed without a place of his own is not banned for it, nor is anybody with him. */
    welcome = 0;
    for (uint32_t i = 0; i < CROWD; i++) {
        welcome += drop_in(ledger, ipv4(CROWD + i), &limits, NOW + 1000) == LEDGER_WELCOME;
    }
    cr_expect_eq(welcome, CROWD);
    ledger_free(ledger);
}

Test(ledger_room, identities_that_find_no_place_share_a_rate)
{
    enum { CROWD = 2000 };
    static struct ledger_place places[CROWD];
    struct ledger *ledger = make_ledger(SMALLEST);
    struct ledger_limits limits = {.identity_rate = 1, .identity_burst = 3};
    unsigned welcome = 0;

    for (uint32_t i = 0; i < CROWD; i++) {
        struct address address = ipv4(i);
        cr_assert_eq(ledger_enter(ledger, &address, &limits, NOW, &places[i]), LEDGER_WELCOME);
    }
    for (uint32_t i = 0; i < CROWD; i++) {
        struct guard_identity identity = {.proof = GUARD_PROOF_USERNAME,
                                          .name = slice_of(&i, sizeof i)};
        struct ledger_identity digest = ledger_identity_of(ledger, &identity);
        welcome += ledger_enter_identity(ledger, &digest, &limits, NOW) == LEDGER_WELCOME;
    }
    cr_expect_eq(welcome, 16 * 3);
    for (uint32_t i = 0; i < CROWD; i++) {
        ledger_leave(ledger, &places[i]);
    }
    ledger_free(ledger);
}
