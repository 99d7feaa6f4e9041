/* Short words for the tests of the ownership guard. */
#ifndef TESTS_UNIT_GUARD_OWNERS_H
#define TESTS_UNIT_GUARD_OWNERS_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "moat/guard/ownership.h"

#define REMEMBER 86400000u /* ms: a day */

static inline struct guard_identity user(const char *name)
{
    return (struct guard_identity){.proof = GUARD_PROOF_USERNAME, .name = slice_from_text(name)};
}

static inline struct guard_identity certificate(const char *name)
{
    return (struct guard_identity){.proof = GUARD_PROOF_CERTIFICATE, .name = slice_from_text(name)};
}

static inline struct guard_identity nobody(void)
{
    return (struct guard_identity){.proof = GUARD_PROOF_NONE};
}

static inline struct ownership *guard_of(size_t identifiers)
{
    struct ownership *ownership = ownership_new(identifiers, REMEMBER);
    cr_assert_not_null(ownership);
    return ownership;
}

/* What a claim is answered; the grant is thrown away after a refusal only. */
static inline enum ownership_answer ask(struct ownership *ownership, const char *id,
                                        struct guard_identity identity, uint64_t now_ms,
                                        struct ownership_grant *grant)
{
    return ownership_claim(ownership, slice_from_text(id), &identity, now_ms, grant);
}

static inline struct ownership_claim *connect(struct ownership *ownership, const char *id,
                                              struct guard_identity identity, uint64_t now_ms)
{
    struct ownership_grant grant = {.claim = NULL};
    cr_assert_eq(ask(ownership, id, identity, now_ms, &grant), OWNERSHIP_GRANTED, "%s", id);
    cr_assert_not_null(grant.claim);
    return grant.claim;
}

/* Connects and leaves at once. */
static inline void visit(struct ownership *ownership, const char *id,
                         struct guard_identity identity, uint64_t now_ms)
{
    ownership_release(ownership, connect(ownership, id, identity, now_ms), true, now_ms);
}

/* Whether this identity may use the identifier; leaves no trace but what a visit would. */
static inline bool may_use(struct ownership *ownership, const char *id,
                           struct guard_identity identity, uint64_t now_ms)
{
    struct ownership_grant grant = {.claim = NULL};
    enum ownership_answer answer = ask(ownership, id, identity, now_ms, &grant);
    cr_assert_neq(answer, OWNERSHIP_NO_MEMORY);
    if (answer == OWNERSHIP_GRANTED) {
        ownership_release(ownership, grant.claim, false, now_ms);
    }
    return answer == OWNERSHIP_GRANTED;
}

static inline bool is_owned(struct ownership *ownership, const char *id, uint64_t now_ms)
{
    return !may_use(ownership, id, nobody(), now_ms);
}

/* `count` visits of one identity to identifiers of its own, PREFIX-0 first. */
static inline void visit_many(struct ownership *ownership, const char *prefix, unsigned count,
                              struct guard_identity identity, uint64_t now_ms)
{
    for (unsigned i = 0; i < count; i++) {
        char id[64];
        snprintf(id, sizeof id, "%s-%u", prefix, i);
        visit(ownership, id, identity, now_ms);
    }
}

/* How many of PREFIX-0 .. PREFIX-(count-1) have an owner. */
static inline unsigned count_owned(struct ownership *ownership, const char *prefix, unsigned count,
                                   uint64_t now_ms)
{
    unsigned owned = 0;
    for (unsigned i = 0; i < count; i++) {
        char id[64];
        snprintf(id, sizeof id, "%s-%u", prefix, i);
        owned += is_owned(ownership, id, now_ms);
    }
    return owned;
}

#endif
