#include "owners.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* --- who may, who may not ------------------------------------------------------------- */

Test(ownership, the_first_to_use_an_identifier_owns_it)
{
    struct ownership *guard = guard_of(100);
    struct ownership_claim *claim = connect(guard, "pump", user("alice"), 0);
    cr_expect_not(may_use(guard, "pump", user("bob"), 0));
    cr_expect_not(may_use(guard, "pump", nobody(), 0));
    cr_expect(may_use(guard, "pump", user("alice"), 0));
    cr_expect(may_use(guard, "pumps", user("bob"), 0));
    cr_expect(may_use(guard, "pum", user("bob"), 0));
    cr_expect(may_use(guard, "Pump", user("bob"), 0));
    ownership_release(guard, claim, true, 0);
    cr_expect_not(may_use(guard, "pump", user("bob"), 1));
    ownership_free(guard);
}

/* A name is proven in one way; the same letters proven in another are somebody else's. */
Test(ownership, identities_that_look_alike)
{
    struct ownership *guard = guard_of(100);
    visit(guard, "id", certificate("sensor"), 0);
    cr_expect(may_use(guard, "id", certificate("sensor"), 0));
    cr_expect_not(may_use(guard, "id", certificate("sensor2"), 0));
    cr_expect_not(may_use(guard, "id", certificate("senso"), 0));
    cr_expect_not(may_use(guard, "id", certificate(""), 0));
    cr_expect_not(may_use(guard, "id", user("sensor"), 0));
    cr_expect_not(may_use(guard, "id", user("id"), 0));
    visit(guard, "other", user("sensor"), 0);
    cr_expect(may_use(guard, "other", user("sensor"), 0));
    cr_expect_not(may_use(guard, "other", certificate("sensor"), 0));
    ownership_free(guard);
}

Test(ownership, who_proved_nothing_owns_nothing)
{
    struct ownership *guard = guard_of(100);
    struct ownership_grant grant = {.is_takeover = true};
    cr_expect_eq(ask(guard, "id", nobody(), 0, &grant), OWNERSHIP_GRANTED);
    cr_expect_null(grant.claim);
    cr_expect_not(grant.is_takeover);
    ownership_release(guard, grant.claim, true, 0);
    /* Not even by a name that it may carry along. */
    struct guard_identity named = {.proof = GUARD_PROOF_NONE, .name = slice_from_text("alice")};
    cr_expect_eq(ask(guard, "id", named, 0, &grant), OWNERSHIP_GRANTED);
    cr_expect_null(grant.claim);
    cr_expect_eq(ownership_count(guard).identities, 0);

    visit(guard, "id", user("alice"), 1);
    cr_expect_eq(ask(guard, "id", nobody(), 1, &grant), OWNERSHIP_REFUSED);
    ownership_free(guard);
}

Test(ownership, the_empty_identifier_is_nobodys)
{
    struct ownership *guard = guard_of(100);
    struct ownership_grant grant = {.is_takeover = true};
    cr_expect_eq(ask(guard, "", user("alice"), 0, &grant), OWNERSHIP_GRANTED);
    cr_expect_null(grant.claim);
    cr_expect_eq(ask(guard, "", user("bob"), 0, &grant), OWNERSHIP_GRANTED);
    cr_expect_eq(ask(guard, "", nobody(), 0, &grant), OWNERSHIP_GRANTED);
    cr_expect_eq(ownership_count(guard).connected, 0);
    ownership_free(guard);
}

Test(ownership, a_refusal_writes_nothing)
{
    struct ownership *guard = guard_of(100);
    struct ownership_claim *claim = connect(guard, "id", user("alice"), 0);
    struct ownership_grant grant = {.claim = claim, .is_takeover = true};
    uint64_t changes = ownership_changes(guard);
    cr_expect_eq(ask(guard, "id", user("bob"), 0, &grant), OWNERSHIP_REFUSED);
    cr_expect_eq(grant.claim, claim);
    cr_expect(grant.is_takeover);
    cr_expect_eq(ownership_changes(guard), changes);
    cr_expect_eq(ownership_count(guard).identities, 1);
    ownership_release(guard, claim, true, 0);
    ownership_free(guard);
}

/* --- sessions that overlap -------------------------------------------------------------- */

/* A device comes back before its old connection is known to be dead. */
Test(ownership, an_old_session_that_ends_after_its_successor_began)
{
    struct ownership *guard = guard_of(100);
    struct ownership_grant first, second, third;
    cr_assert_eq(ask(guard, "id", user("alice"), 0, &first), OWNERSHIP_GRANTED);
    cr_assert_eq(ask(guard, "id", user("alice"), 5, &second), OWNERSHIP_GRANTED);
    cr_assert_eq(ask(guard, "id", user("alice"), 5, &third), OWNERSHIP_GRANTED);
    cr_expect_not(first.is_takeover);
    cr_expect(second.is_takeover);
    cr_expect_not(third.is_takeover); /* there were two already */
    cr_expect_eq(ownership_count(guard).connected, 1);

    ownership_release(guard, first.claim, true, 10);
    ownership_release(guard, third.claim, true, 10);
    /* Connected for years: still owned, whatever the age of the first session's end. */
    cr_expect_not(may_use(guard, "id", user("bob"), 10 + 1000u * REMEMBER));
    cr_expect_eq(ownership_count(guard).connected, 1);
    ownership_release(guard, second.claim, true, 20);
    cr_expect_eq(ownership_count(guard).connected, 0);
    cr_expect_eq(ownership_count(guard).remembered, 1);
    cr_expect_not(may_use(guard, "id", user("bob"), 20 + REMEMBER - 1));
    cr_expect(may_use(guard, "id", user("bob"), 20 + REMEMBER));
    ownership_free(guard);
}

/* Otherwise a client could take an identifier with sessions that the broker never sees. */
Test(ownership, a_session_that_never_reached_the_broker_is_not_remembered)
{
    struct ownership *guard = guard_of(100);
    struct ownership_claim *claim = connect(guard, "id", user("alice"), 0);
    cr_expect(is_owned(guard, "id", 0)); /* while it tries */
    ownership_release(guard, claim, false, 0);
    cr_expect_not(is_owned(guard, "id", 0));
    cr_expect_eq(ownership_count(guard).identities, 0);

    /* But what an earlier session earned is not lost by a later one that failed. */
    visit(guard, "id", user("alice"), 0);
    ownership_release(guard, connect(guard, "id", user("alice"), 10), false, 10);
    cr_expect_not(may_use(guard, "id", user("bob"), 10));

    struct ownership_claim *good = connect(guard, "two", user("alice"), 0);
    struct ownership_claim *failed = connect(guard, "two", user("alice"), 0);
    ownership_release(guard, good, true, 0);
    ownership_release(guard, failed, false, 0);
    cr_expect(is_owned(guard, "two", 0));
    ownership_free(guard);
}

/* --- time ------------------------------------------------------------------------------- */

Test(ownership, remembered_until_the_end_and_not_past_it)
{
    struct ownership *guard = guard_of(100);
    visit(guard, "id", user("alice"), 1000);
    cr_expect_not(may_use(guard, "id", user("bob"), 1000 + REMEMBER - 1));
    cr_expect_eq(ownership_count(guard).remembered, 1);
    cr_expect(may_use(guard, "id", user("bob"), 1000 + REMEMBER));
    cr_expect_eq(ownership_count(guard).remembered, 0);

    visit(guard, "id", user("bob"), 1000 + REMEMBER);
    cr_expect_not(may_use(guard, "id", user("alice"), 1000 + REMEMBER + 1));
    ownership_free(guard);
}

/* Being refused does not prolong; coming back does. */
Test(ownership, what_prolongs)
{
    struct ownership *guard = guard_of(100);
    visit(guard, "id", user("alice"), 0);
    cr_expect_not(may_use(guard, "id", user("bob"), REMEMBER - 1));
    cr_expect(may_use(guard, "id", user("bob"), REMEMBER));
    visit(guard, "id", user("alice"), REMEMBER);
    visit(guard, "id", user("alice"), REMEMBER + 100);
    cr_expect_not(may_use(guard, "id", user("bob"), 2 * REMEMBER + 99));
    cr_expect(may_use(guard, "id", user("bob"), 2 * REMEMBER + 100));
    ownership_free(guard);
}

Test(ownership, a_worker_whose_time_is_a_little_behind)
{
    struct ownership *guard = guard_of(100);
    visit(guard, "id", user("alice"), 1000);
    cr_expect_not(may_use(guard, "id", user("bob"), 999));
    cr_expect_not(may_use(guard, "id", user("bob"), 0));
    ownership_free(guard);
}

Test(ownership, the_time_may_be_changed_by_a_reload)
{
    struct ownership *guard = guard_of(100);
    visit(guard, "id", user("alice"), 0);
    ownership_set_remember(guard, 10);
    cr_expect_not(may_use(guard, "id", user("bob"), 9));
    ownership_set_remember(guard, 2 * REMEMBER);
    cr_expect_not(may_use(guard, "id", user("bob"), 2 * REMEMBER - 1));
    ownership_set_remember(guard, 10);
    cr_expect(may_use(guard, "id", user("bob"), 2 * REMEMBER - 1));
    ownership_free(guard);
}

Test(ownership, remembering_may_be_off)
{
    struct ownership *guard = ownership_new(100, 0);
    cr_assert_not_null(guard);
    struct ownership_claim *claim = connect(guard, "id", user("alice"), 5);
    cr_expect_not(may_use(guard, "id", user("bob"), 5));
    ownership_release(guard, claim, true, 5);
    cr_expect(may_use(guard, "id", user("bob"), 5));
    cr_expect_eq(ownership_count(guard).remembered, 0);
    ownership_free(guard);
}

/* What ran out does not stay in memory until somebody asks for it. */
Test(ownership, what_ran_out_is_removed_by_others)
{
    struct ownership *guard = guard_of(1000);
    visit_many(guard, "a", 200, user("alice"), 0);
    cr_expect_eq(ownership_count(guard).remembered, 200);
    for (unsigned i = 0; i < 200; i++) {
        (void)may_use(guard, "b", user("bob"), REMEMBER);
    }
    cr_expect_eq(ownership_count(guard).remembered, 0);
    cr_expect_eq(ownership_count(guard).identities, 0);
    ownership_free(guard);
}

/* --- threads ------------------------------------------------------------------------------ */

#define ROUNDS 100000u

struct contest {
    struct ownership *guard;
    atomic_uint arrived;
    unsigned char winners[2][ROUNDS];
};

struct racer {
    struct contest *contest;
    unsigned number;
};

/* Both leave at the same instant: a barrier of the system's would wake one after the other. In
 * between, who comes second has less to do, and so catches up with who is ahead. */
static void meet(struct contest *contest, unsigned round)
{
    if (round % 100 != 0) {
        return;
    }
    contest->arrived++;
    while (contest->arrived < 2 * (round / 100 + 1)) {
        sched_yield();
    }
}

/* Two workers claim the same new identifier for two identities. */
static void *race(void *argument)
{
    const struct racer *racer = argument;
    struct contest *contest = racer->contest;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct ownership_grant grant = {.claim = NULL};
        char id[16];
        snprintf(id, sizeof id, "id-%u", round);
        meet(contest, round);
        if (ask(contest->guard, id, user(racer->number == 0 ? "a" : "b"), round, &grant) ==
            OWNERSHIP_GRANTED) {
            contest->winners[racer->number][round] = 1;
            ownership_release(contest->guard, grant.claim, true, round);
        }
    }
    return NULL;
}

Test(ownership, of_two_workers_that_race_exactly_one_wins)
{
    static struct contest contest;
    static struct racer racers[2] = {{&contest, 0}, {&contest, 1}};
    pthread_t threads[2];
    contest.guard = guard_of(ROUNDS);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        cr_assert_eq(contest.winners[0][round] + contest.winners[1][round], 1, "round %u", round);
    }
    cr_expect_eq(ownership_count(contest.guard).connected, 0);
    ownership_free(contest.guard);
}

Test(ownership, free_takes_null_and_release_takes_null)
{
    struct ownership *guard = guard_of(1);
    ownership_release(guard, NULL, true, 0);
    ownership_free(guard);
    ownership_free(NULL);
}
