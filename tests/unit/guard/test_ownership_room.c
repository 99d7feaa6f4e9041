/* Who has to make room when there is none. */
#include "owners.h"

/* --- 256 of one identity ---------------------------------------------------------------- */

Test(ownership_room, an_identity_is_remembered_with_256_identifiers_and_not_with_one_more)
{
    struct ownership *guard = guard_of(10000);
    visit_many(guard, "a", 256, user("alice"), 0);
    cr_expect_eq(count_owned(guard, "a", 256, 1), 256);

    visit(guard, "another", user("alice"), 1);
    cr_expect_eq(ownership_count(guard).remembered, 256);
    cr_expect_not(is_owned(guard, "a-0", 1)); /* its oldest */
    cr_expect(is_owned(guard, "a-1", 1));
    cr_expect(is_owned(guard, "another", 1));
    ownership_free(guard);
}

Test(ownership_room, coming_back_makes_an_identifier_the_youngest)
{
    struct ownership *guard = guard_of(10000);
    visit_many(guard, "a", 256, user("alice"), 0);
    visit(guard, "a-0", user("alice"), 1);
    visit(guard, "another", user("alice"), 2);
    cr_expect(is_owned(guard, "a-0", 2));
    cr_expect_not(is_owned(guard, "a-1", 2));
    ownership_free(guard);
}

/* A fleet that shares a user name is connected with as many as it has. */
Test(ownership_room, what_is_connected_does_not_count_and_is_never_forgotten)
{
    enum { MANY = 3000 };
    static struct ownership_claim *claims[MANY];
    struct ownership *guard = guard_of(10);
    char id[32];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "a-%u", i);
        claims[i] = connect(guard, id, user("alice"), 0);
    }
    visit_many(guard, "b", 5000, user("bob"), 0);
    cr_expect_eq(ownership_count(guard).connected, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "a-%u", i);
        cr_expect_not(may_use(guard, id, user("bob"), 0));
    }
    for (unsigned i = 0; i < MANY; i++) {
        ownership_release(guard, claims[i], true, 0);
    }
    cr_expect_leq(ownership_count(guard).remembered, 10);
    ownership_free(guard);
}

/* --- all places are taken ----------------------------------------------------------------- */

Test(ownership_room, a_flood_of_one_identity_takes_nothing_from_others)
{
    struct ownership *guard = guard_of(600);
    visit_many(guard, "b", 200, user("bob"), 0);
    visit(guard, "c", user("carol"), 0);
    visit_many(guard, "a", 10000, user("alice"), 1);
    cr_expect_eq(count_owned(guard, "b", 200, 2), 200);
    cr_expect(is_owned(guard, "c", 2));
    cr_expect_eq(count_owned(guard, "a", 10000, 2), 256);
    ownership_free(guard);
}

Test(ownership_room, when_full_who_has_some_makes_room_for_its_own)
{
    struct ownership *guard = guard_of(201);
    visit_many(guard, "b", 200, user("bob"), 0);
    visit(guard, "a-first", user("alice"), 1);
    cr_expect_eq(ownership_count(guard).remembered, 201);
    visit_many(guard, "a", 10000, user("alice"), 1);
    cr_expect_eq(count_owned(guard, "b", 200, 2), 200);
    cr_expect(is_owned(guard, "a-9999", 2));
    cr_expect_not(is_owned(guard, "a-9998", 2));
    cr_expect_not(is_owned(guard, "a-first", 2));
    ownership_free(guard);
}

Test(ownership_room, when_full_a_newcomer_gets_one_place_from_who_has_most)
{
    struct ownership *guard = guard_of(60);
    visit_many(guard, "b", 20, user("bob"), 0);
    visit_many(guard, "h", 25, user("hoarder"), 1);
    visit_many(guard, "c", 15, user("carol"), 2);
    visit_many(guard, "a", 1000, user("alice"), 3);
    cr_expect_eq(count_owned(guard, "b", 20, 3), 20);
    cr_expect_eq(count_owned(guard, "c", 15, 3), 15);
    cr_expect_eq(count_owned(guard, "h", 25, 3), 24);
    cr_expect_not(is_owned(guard, "h-0", 3)); /* the hoarder's oldest */
    cr_expect(is_owned(guard, "a-999", 3));
    ownership_free(guard);
}

/* However many identities an attacker has, the one identifier of a device is safe. */
Test(ownership_room, the_only_identifier_of_an_identity_is_never_taken)
{
    struct ownership *guard = guard_of(50);
    char name[32];
    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "device-%u", i);
        visit(guard, name, user(name), 0);
    }
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "mob-%u", i);
        visit(guard, name, user(name), 1);
    }
    cr_expect_eq(count_owned(guard, "device", 50, 1), 50);
    cr_expect_eq(count_owned(guard, "mob", 2000, 1), 0);
    cr_expect_eq(ownership_count(guard).remembered, 50);
    cr_expect_eq(ownership_count(guard).identities, 50);
    /* Nor is it lost by its owner's using it once more. */
    visit(guard, "device-7", user("device-7"), 2);
    cr_expect(is_owned(guard, "device-7", 2));
    ownership_free(guard);
}

Test(ownership_room, what_ran_out_makes_room_first)
{
    struct ownership *guard = guard_of(10);
    visit(guard, "old", user("xavier"), 0);
    visit_many(guard, "h", 9, user("hoarder"), 10);
    struct ownership_claim *claim = connect(guard, "a", user("alice"), REMEMBER - 1);
    ownership_release(guard, claim, true, REMEMBER);
    cr_expect_eq(count_owned(guard, "h", 9, REMEMBER), 9);
    cr_expect(is_owned(guard, "a", REMEMBER));
    ownership_free(guard);
}

Test(ownership_room, a_place_at_the_last_and_none_past_it)
{
    struct ownership *guard = guard_of(3);
    visit(guard, "a", user("alice"), 0);
    visit(guard, "b", user("bob"), 0);
    visit(guard, "c", user("carol"), 0);
    cr_expect_eq(ownership_count(guard).remembered, 3);
    visit(guard, "d", user("dave"), 0);
    cr_expect_eq(ownership_count(guard).remembered, 3);
    cr_expect_not(is_owned(guard, "d", 0));
    ownership_free(guard);
}
