/*
 * Claims and owners, and who has to go when there is no room.
 *
 * What is connected never has to. What is remembered makes room in this order:
 *   1. whose time is over;
 *   2. the newcomer's own oldest, if it has any: nobody gets more by asking more often;
 *   3. the oldest of the identity that has most, if that has more than one.
 * So a flood of one identity takes at most one place from the others, its first, and takes it
 * from who hoards; and the only identifier of an identity is never taken.
 */
#include "ownership_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

/* Each session brings at most one, so taking away more of them than that is enough. */
#define REAPED_AT_ONCE 8

struct ownership_claim *ownership_find(struct ownership *ownership, const struct digest *identifier,
                                       uint64_t now_ms)
{
    /* Through void: what the node is the first member of may need more alignment on 32 bits. */
    void *found = digest_table_find(&ownership->claims, identifier);
    struct ownership_claim *claim = found;

    if (claim != NULL && claim->sessions == 0 &&
        ownership_age(claim, now_ms) >= ownership->remember_ms) {
        ownership_forget(ownership, claim);
        return NULL;
    }
    return claim;
}

static struct owner *find_or_add_owner(struct ownership *ownership, const struct digest *identity)
{
    struct owner *owner = (struct owner *)digest_table_find(&ownership->owners, identity);

    if (owner == NULL) {
        owner = calloc(1, sizeof *owner);
        if (owner != NULL) {
            owner->node.digest = *identity;
            digest_table_insert(&ownership->owners, &owner->node);
            ownership->count.identities++;
        }
    }
    return owner;
}

struct ownership_claim *ownership_add(struct ownership *ownership, const struct digest *identifier,
                                      const struct digest *identity)
{
    struct ownership_claim *claim = calloc(1, sizeof *claim);
    if (claim == NULL) {
        return NULL;
    }
    claim->owner = find_or_add_owner(ownership, identity);
    if (claim->owner == NULL) {
        free(claim);
        return NULL;
    }
    claim->owner->claims++;
    claim->node.digest = *identifier;
    digest_table_insert(&ownership->claims, &claim->node);
    return claim;
}

/* --- remembering -------------------------------------------------------------------- */

/* Keeps the owner in the list of those that have as many remembered; in none of them at 0. */
static void set_remembered(struct ownership *ownership, struct owner *owner, size_t remembered)
{
    if (owner->remembered > 0) {
        DL_DELETE2(ownership->holders[owner->remembered], owner, previous, next);
    }
    owner->remembered = remembered;
    if (remembered > 0) {
        /* One that has all it may have forgets its oldest before it remembers another. */
        assert(remembered <= OWNERSHIP_PER_IDENTITY);
        /* cppcheck-suppress arrayIndexOutOfBoundsCond ; it does not see that */
        DL_APPEND2(ownership->holders[remembered], owner, previous, next);
    }
}

void ownership_recall(struct ownership *ownership, struct ownership_claim *claim)
{
    struct owner *owner = claim->owner;

    DL_DELETE2(ownership->oldest, claim, older, newer);
    DL_DELETE2(owner->oldest, claim, own_older, own_newer);
    claim->newer = NULL;
    claim->older = NULL;
    set_remembered(ownership, owner, owner->remembered - 1);
    ownership->count.remembered--;
    ownership->changes++;
}

static bool is_remembered(const struct ownership_claim *claim)
{
    return claim->older != NULL; /* the head of a list has its tail before it */
}

void ownership_forget(struct ownership *ownership, struct ownership_claim *claim)
{
    struct owner *owner = claim->owner;

    if (is_remembered(claim)) {
        ownership_recall(ownership, claim);
    }
    digest_table_remove(&ownership->claims, &claim->node);
    free(claim);
    if (--owner->claims == 0) {
        digest_table_remove(&ownership->owners, &owner->node);
        free(owner);
        ownership->count.identities--;
    }
    ownership->changes++;
}

void ownership_reap(struct ownership *ownership, uint64_t now_ms)
{
    for (int i = 0; i < REAPED_AT_ONCE; i++) {
        struct ownership_claim *claim = ownership->oldest;
        if (claim == NULL || ownership_age(claim, now_ms) < ownership->remember_ms) {
            return;
        }
        ownership_forget(ownership, claim);
    }
}

/* The identity with most remembered identifiers, among several the one that has had so many for
 * longest; NULL when nobody has more than one. */
static struct owner *find_hoarder(const struct ownership *ownership)
{
    size_t remembered = OWNERSHIP_PER_IDENTITY;
    while (remembered > 1 && ownership->holders[remembered] == NULL) {
        remembered--;
    }
    return remembered > 1 ? ownership->holders[remembered] : NULL;
}

/* False when there is no room that this owner may have. */
static bool make_room(struct ownership *ownership, const struct owner *owner, uint64_t now_ms)
{
    bool is_full = ownership->count.remembered >= ownership->places;

    if (owner->remembered < OWNERSHIP_PER_IDENTITY && is_full) {
        ownership_reap(ownership, now_ms);
        is_full = ownership->count.remembered >= ownership->places;
    }
    if (owner->remembered < OWNERSHIP_PER_IDENTITY && !is_full) {
        return true;
    }
    const struct owner *loser = owner->remembered > 0 ? owner : find_hoarder(ownership);
    if (loser != NULL) {
        ownership_forget(ownership, loser->oldest);
    }
    return loser != NULL;
}

void ownership_remember(struct ownership *ownership, struct ownership_claim *claim, uint64_t now_ms)
{
    struct owner *owner = claim->owner;

    if (ownership_age(claim, now_ms) >= ownership->remember_ms ||
        !make_room(ownership, owner, now_ms)) {
        ownership_forget(ownership, claim);
        return;
    }
    DL_APPEND2(ownership->oldest, claim, older, newer);
    DL_APPEND2(owner->oldest, claim, own_older, own_newer);
    set_remembered(ownership, owner, owner->remembered + 1);
    ownership->count.remembered++;
    ownership->changes++;
}
