/* What the files of the ownership guard share; all of it is used with the lock held. */
#ifndef MOAT_GUARD_OWNERSHIP_INTERNAL_H
#define MOAT_GUARD_OWNERSHIP_INTERNAL_H

#include <pthread.h>

#include "digest_internal.h"
#include "moat/guard/ownership.h"

/* An identifier with an owner. All sessions that use it hold the same one. */
struct ownership_claim {
    struct digest_node node; /* the digest of the identifier */
    struct owner *owner;
    int64_t left_ms;    /* when the last session ended; before the clock began if restored */
    unsigned sessions;  /* that use it now; 0 when it is remembered */
    bool was_connected; /* one of its sessions reached the broker */
    struct ownership_claim *older; /* of everybody's, while remembered */
    struct ownership_claim *newer;
    struct ownership_claim *own_older; /* of the same owner's, while remembered */
    struct ownership_claim *own_newer;
};

/* An identity that owns something. */
struct owner {
    struct digest_node node; /* the digest of the identity */
    size_t claims;           /* connected and remembered; the owner goes with the last */
    size_t remembered;
    struct ownership_claim *oldest; /* its remembered ones */
    struct owner *previous;         /* of the owners that have as many remembered */
    struct owner *next;
};

struct ownership {
    pthread_mutex_t lock;
    uint8_t key[DIGEST_KEY_SIZE]; /* of all digests; saved with them */
    uint64_t remember_ms;
    size_t places; /* for remembered identifiers */
    struct digest_table claims;
    struct digest_table owners;
    struct ownership_count count;
    uint64_t changes;
    struct ownership_claim *oldest;                    /* of all that are remembered */
    struct owner *holders[OWNERSHIP_PER_IDENTITY + 1]; /* by how many they have remembered */
};

/* NULL when nobody owns the identifier, or not any more. */
struct ownership_claim *ownership_find(struct ownership *ownership, const struct digest *identifier,
                                       uint64_t now_ms);

/* A new claim without sessions, neither connected nor remembered. NULL without memory. */
struct ownership_claim *ownership_add(struct ownership *ownership, const struct digest *identifier,
                                      const struct digest *identity);

/* Remembers a claim without sessions, with its left_ms, and forgets others where there is no
 * room; or the claim itself. It may be gone afterwards. */
void ownership_remember(struct ownership *ownership, struct ownership_claim *claim,
                        uint64_t now_ms);

/* The other way: a remembered claim becomes one that its caller counts as connected. */
void ownership_recall(struct ownership *ownership, struct ownership_claim *claim);

/* Removes a claim without sessions, remembered or not, and its owner with the last one. */
void ownership_forget(struct ownership *ownership, struct ownership_claim *claim);

/* Forgets some of those whose time is over. */
void ownership_reap(struct ownership *ownership, uint64_t now_ms);

/* How long ago its owner left, in ms. Workers tell slightly different times, so it may have
 * left in the caller's future. */
static inline uint64_t ownership_age(const struct ownership_claim *claim, uint64_t now_ms)
{
    int64_t age = (int64_t)now_ms - claim->left_ms;
    return age > 0 ? (uint64_t)age : 0;
}

#endif
